"""What an update is about to do, on the medium itself: whoever comes after a crash undoes it or completes it.

An update has one moment that counts, the swap of the DICOMDIR. Before it the File-set is as it was, whatever else lies
there; after it the File-set is as it shall be, and what is left to do can be done at any time, any number of times.

A journal lies on a medium that others had in their hands: nothing in it is followed out of the folder, no link either,
and no file is removed that the DICOMDIR names.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from mediacreator.dicomio.walker import walk
from mediacreator.errors import MediumError, SourceUnreadable
from mediacreator.formats import tolerant_key
from mediacreator.image.folder import set_mode
from mediacreator.model import Finding, Severity
from mediacreator.target import sync_folder

JOURNAL = "UPDATE.JNL"
STAGE = "UPDATE.NEW"
"""Folder with what will replace files of the root; names that any file system takes."""

_FORMAT = "mediacreator update 1"
_MOST = 256 << 20  # bytes of a journal: of more than a million files
_NOT_THERE = (FileNotFoundError, NotADirectoryError)


@dataclass(frozen=True, slots=True)
class Journal:
    """What an update does to the files of a folder; paths are relative to it, with slashes."""

    dicomdir: str  # name of the DICOMDIR as it is recorded
    sha256: str  # of the new one, hexadecimal
    added: tuple[str, ...]  # new files
    folders: tuple[str, ...]  # new folders, parents first
    staged: tuple[str, ...]  # names of files of the root that are replaced
    removed: tuple[str, ...]  # files that go
    receipt: str  # name of the receipt beside the folder, "" where there is none
    ready: bool = False  # everything is written and read back: what is staged may be used

    def write(self, root: str) -> None:
        """Put the journal on the medium, before anything else is changed."""
        path = os.path.join(root, JOURNAL)
        data = json.dumps({"format": _FORMAT, **asdict(self)}, indent=1).encode()
        write_whole(path + "_", data)
        os.replace(path + "_", path)
        sync_folder(root)

    def finish(self, root: str, named: Collection[tuple[str, ...]] = ()) -> None:
        """Do what is left after the swap of the DICOMDIR.

        Args:
            root: Folder that the DICOMDIR lies in.
            named: What must not be removed: paths as ``tolerant_key`` returns them.
        """
        stage = os.path.join(root, STAGE)
        for name in () if os.path.islink(stage) else self.staged:
            with suppress(*_NOT_THERE):
                os.replace(os.path.join(stage, name), os.path.join(root, name))
        beside = self._receipt(root)
        if beside:
            with suppress(FileNotFoundError):
                os.replace(f"{beside}.partial", beside)
        for path in self.removed:
            _remove_file(root, path, named, prune=True)
        _end(root)

    def undo(self, root: str, named: Collection[tuple[str, ...]] = ()) -> None:
        """Remove what was written before the swap of the DICOMDIR; arguments as for ``finish``."""
        for path in self.added:
            _remove_file(root, path, named)
        for folder in reversed(self.folders):
            if _within(root, folder.split("/")):
                with suppress(OSError):
                    os.rmdir(os.path.join(root, folder))
        beside = self._receipt(root)
        if beside:
            with suppress(FileNotFoundError):
                os.unlink(f"{beside}.partial")
        _end(root)

    def _receipt(self, root: str) -> str:
        """Return the path of the receipt; "" also where the folder has another name now, as a stick mounted anew."""
        beside = f"{os.path.abspath(root)}.receipt.json"
        return beside if self.receipt == os.path.basename(beside) else ""


def settle(journal: Journal, root: str) -> bool:
    """Bring an update to its end, forwards after the swap of the DICOMDIR and backwards before it.

    Whoever presses Ctrl-C now stops nothing: little is left to do, and both ways lead to a File-set that is whole.

    Returns:
        Whether the update is done.

    Raises:
        MediumError: The folder cannot be written; the next update comes back to it.
    """
    while True:
        try:
            done = journal.ready and _sha256(os.path.join(root, journal.dicomdir)) == journal.sha256
            (journal.finish if done else journal.undo)(root)
        except KeyboardInterrupt:
            continue
        except OSError as exc:
            raise MediumError(
                f"The File-set is whole, but the update cannot be brought to its end: {exc.strerror}. The next one "
                "comes back to it; make the medium writable and try again."
            ) from exc
        return done


def recover(root: str) -> Finding | None:
    """Bring a folder into order where an earlier update was killed; say so if that was needed.

    Args:
        root: Folder that the DICOMDIR lies in.

    Raises:
        MediumError: The journal cannot be read, or the folder not be written.
    """
    path = os.path.join(root, JOURNAL)
    try:
        if not os.path.lexists(path):
            with suppress(FileNotFoundError):
                os.unlink(path + "_")
            return None
        journal = _read(path)
        dicomdir = os.path.join(root, journal.dicomdir)
        named = _named(dicomdir)
        if journal.ready and _sha256(dicomdir) == journal.sha256:
            journal.finish(root, named)
            done = "it was completed"
        else:
            journal.undo(root, named)
            done = "what it had written was removed"
    except OSError as exc:
        raise MediumError(
            f"An update that was interrupted cannot be brought to an end: {exc.strerror}. Make the medium writable."
        ) from exc
    return recovered(done)


def recovered(done: str) -> Finding:
    """Say that an earlier update was interrupted, and what was done about it."""
    return Finding(
        "update-recovered",
        Severity.NOTE,
        "medium",
        f"an earlier update was interrupted; {done}",
        "updates that end",
        "PS3.10 8.3",
        "Nothing: the File-set is whole.",
    )


def write_whole(path: str, data: bytes, mode: int = 0o644) -> None:
    """Write a new file, its mode whatever the umask, and wait until it is on the disk."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(handle, "wb") as file:
        set_mode(handle, mode)
        file.write(data)
        file.flush()
        os.fsync(handle)


def folders_of(paths: Sequence[str]) -> tuple[str, ...]:
    """Return every folder that paths lead through, parents first."""
    found: dict[str, None] = {}
    for path in paths:
        parts = path.split("/")[:-1]
        found.update(dict.fromkeys("/".join(parts[: depth + 1]) for depth in range(len(parts))))
    return tuple(found)


def require_free(root: str, added: Sequence[str]) -> None:
    """Refuse an update that would write over something, or through a link out of the folder.

    Raises:
        MediumError: Something has a name that is needed, or a folder is none.
    """
    if any(os.path.lexists(os.path.join(root, name)) for name in (STAGE, *added)):
        raise MediumError(
            f"Something on the medium has a name that the update needs ({STAGE}, or that of a new file). Move it away; "
            "nothing was changed."
        )
    for folder in folders_of(added):
        path = os.path.join(root, folder)
        if os.path.lexists(path) and not (os.path.isdir(path) and _within(root, folder.split("/"))):
            raise MediumError(
                f"{folder} on the medium is no folder, or a link that leads out of it. Look at it and move it away; "
                "nothing was changed."
            )


def _end(root: str) -> None:
    """Remove what only the update needed, the journal last."""
    stage = os.path.join(root, STAGE)
    if os.path.islink(stage):
        os.unlink(stage)
    elif os.path.lexists(stage):
        shutil.rmtree(stage)
    sync_folder(root)
    for name in (JOURNAL + "_", JOURNAL):
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(root, name))
    sync_folder(root)


def _remove_file(root: str, path: str, named: Collection[tuple[str, ...]], *, prune: bool = False) -> None:
    """Remove a file; with ``prune`` also the folders that it leaves empty."""
    *folders, name = path.split("/")
    if tolerant_key((*folders, name)) in named or not _within(root, folders):
        return
    with suppress(*_NOT_THERE):
        os.unlink(os.path.join(root, *folders, name))
    while prune and folders:
        try:
            os.rmdir(os.path.join(root, *folders))
        except OSError:
            return
        folders.pop()


def _within(root: str, folders: Sequence[str]) -> bool:
    """Tell whether no link leads out of the folder on the way."""
    real, folder = os.path.realpath(root), os.path.realpath(os.path.join(root, *folders))
    return folder == real or folder.startswith(real.rstrip(os.sep) + os.sep)


def _named(dicomdir: str) -> frozenset[tuple[str, ...]]:
    """Return the paths of the files that a DICOMDIR names; none where it is not there or beyond reading."""
    try:
        with open(dicomdir, "rb") as file:
            directory = walk(file.read())
    except (*_NOT_THERE, SourceUnreadable):
        return frozenset()
    return frozenset(tolerant_key(record.file_id) for record in directory.records if record.has_file)


def _sha256(path: str) -> str:
    """Return the hash of a file, "" where there is none."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except _NOT_THERE:
        return ""


def _read(path: str) -> Journal:
    """Read a journal.

    Raises:
        MediumError: It is none of ours.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            document = json.loads(file.read(_MOST))
        if document.pop("format") != _FORMAT:
            raise ValueError("another format")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in document.items()}
        journal = Journal(**values)
        paths = (*journal.added, *journal.folders, *journal.removed)
        names = (journal.dicomdir, *journal.staged)
        if any("/" in name for name in names) or not all(map(_leads_inside, (*names, *paths))):
            raise ValueError("a path that leads elsewhere")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OSError) as exc:
        raise MediumError(
            f"{JOURNAL} on the medium is none that this program wrote. Look at it and remove it; nothing was changed."
        ) from exc
    return journal


def _leads_inside(path: str) -> bool:
    """Tell whether a path goes down from its root, and is one that a file system can be asked for.

    Raises:
        ValueError, AttributeError: It is no text.
    """
    os.fsencode(path)
    return "\0" not in path and not any(part in ("", ".", "..") for part in path.split("/"))
