"""What an update is about to do, on the medium itself: whoever comes after a crash undoes it or completes it.

An update has one moment that counts, the swap of the DICOMDIR. Before it the File-set is as it was, whatever else lies
there; after it the File-set is as it shall be, and what is left to do can be done at any time, any number of times.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from mediacreator.errors import MediumError
from mediacreator.model import Finding, Severity
from mediacreator.target import sync_folder

JOURNAL = "UPDATE.JNL"
STAGE = "UPDATE"
"""Folder with what will replace files of the root; a name that any file system takes."""

_FORMAT = "mediacreator update 1"


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

    def write(self, root: str) -> None:
        """Put the journal on the medium, before anything else is changed."""
        path = os.path.join(root, JOURNAL)
        data = json.dumps({"format": _FORMAT, **asdict(self)}, indent=1).encode()
        write_whole(path + "_", data)
        os.replace(path + "_", path)
        sync_folder(root)

    def finish(self, root: str) -> None:
        """Do what is left after the swap of the DICOMDIR."""
        stage = os.path.join(root, STAGE)
        for name in self.staged:
            with suppress(FileNotFoundError):
                os.replace(os.path.join(stage, name), os.path.join(root, name))
        if self.receipt:
            beside = os.path.join(os.path.dirname(root), self.receipt)
            with suppress(FileNotFoundError):
                os.replace(f"{beside}.partial", beside)
        for path in self.removed:
            _remove_file(root, path)
        _end(root)

    def undo(self, root: str) -> None:
        """Remove what was written before the swap of the DICOMDIR."""
        for path in self.added:
            _remove_file(root, path)
        for folder in reversed(self.folders):
            with suppress(OSError):
                os.rmdir(os.path.join(root, folder))
        if self.receipt:
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(os.path.dirname(root), f"{self.receipt}.partial"))
        _end(root)


def recover(root: str) -> Finding | None:
    """Bring a folder into order where an earlier update was killed; say so if that was needed.

    Args:
        root: Folder that the DICOMDIR lies in.

    Raises:
        MediumError: The journal cannot be read, or the folder not be written.
    """
    path = os.path.join(root, JOURNAL)
    try:
        if not os.path.exists(path):
            with suppress(FileNotFoundError):
                os.unlink(path + "_")
            return None
        journal = _read(path)
        if _sha256(os.path.join(root, journal.dicomdir)) == journal.sha256:
            journal.finish(root)
            done = "it was completed"
        else:
            journal.undo(root)
            done = "what it had written was removed"
    except OSError as exc:
        raise MediumError(
            f"An update that was interrupted cannot be brought to an end: {exc.strerror}. Make the medium writable."
        ) from exc
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
    """Write a new file and wait until it is on the disk."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def folders_of(paths: Sequence[str]) -> tuple[str, ...]:
    """Return every folder that paths lead through, parents first."""
    found: dict[str, None] = {}
    for path in paths:
        parts = path.split("/")[:-1]
        found.update(dict.fromkeys("/".join(parts[: depth + 1]) for depth in range(len(parts))))
    return tuple(found)


def _end(root: str) -> None:
    shutil.rmtree(os.path.join(root, STAGE), ignore_errors=True)
    sync_folder(root)
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(root, JOURNAL))
    sync_folder(root)


def _remove_file(root: str, path: str) -> None:
    """Remove a file and the folders that it leaves empty; never one that links lead to outside of the root."""
    parts = path.split("/")[:-1]
    real, folder = os.path.realpath(root), os.path.realpath(os.path.join(root, *parts))
    if folder != real and not folder.startswith(real + os.sep):
        return
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(root, *path.split("/")))
    while parts:
        try:
            os.rmdir(os.path.join(root, *parts))
        except OSError:
            return
        parts.pop()


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: str) -> Journal:
    """Read a journal. It lies on a medium that others had in their hands: no path in it may lead out of the folder.

    Raises:
        MediumError: It is none of ours.
    """
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        if document.pop("format") != _FORMAT:
            raise ValueError("another format")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in document.items()}
        journal = Journal(**values)
        names = (journal.dicomdir, *journal.added, *journal.folders, *journal.staged, *journal.removed)
        if journal.receipt not in ("", f"{os.path.basename(os.path.dirname(os.path.abspath(path)))}.receipt.json"):
            raise ValueError("a receipt of something else")
        if any(part in ("", ".", "..") for name in names for part in name.split("/")):
            raise ValueError("a path that leads elsewhere")
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise MediumError(
            f"{JOURNAL} on the medium is none that this program wrote. Look at it and remove it; nothing was changed."
        ) from exc
    return journal
