"""Carry an update out on a folder: new files first, then the new DICOMDIR beside the old one, then the swap."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from mediacreator.errors import MediumError, VerificationFailed
from mediacreator.image import DiscFile, extend_folder
from mediacreator.image.copying import write_error
from mediacreator.model import ContentFile, Finding, Progress, Severity, WrittenFile
from mediacreator.target import sync_folder
from mediacreator.updating.journal import STAGE, Journal, folders_of, require_free, settle, write_whole
from mediacreator.verify.hashing import drop_from_cache

STAGED = "DIRECTORY"
"""What the new DICOMDIR is called in the stage: nobody shall take a folder for a File-set before it is one."""

Late = Callable[[tuple[WrittenFile, ...]], tuple[tuple[ContentFile, ...], bytes]]
"""Given the new files as they were written, returns what else is replaced on the medium, and the receipt beside it."""


@dataclass(frozen=True, slots=True)
class Change:
    """Everything that an update does to a folder; one without a DICOMDIR becomes a File-set by it."""

    root: str  # folder that the DICOMDIR lies in
    dicomdir_name: str  # as it is recorded, or shall be
    dicomdir: bytes
    added: tuple[DiscFile, ...]
    removed: tuple[str, ...]  # paths from the root, with slashes
    replaced: tuple[str, ...]  # names of files of the root that ``late`` returns, there or not
    receipt: str  # path beside the folder, "" to write none
    late: Late
    created: datetime  # aware


@contextmanager
def locked(root: str) -> Iterator[None]:
    """Hold a folder or an image: two updates at once would undo each other.

    Raises:
        MediumError: Another run is updating it, or it cannot be opened.
    """
    try:
        handle = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as exc:
        raise MediumError(f"The medium cannot be opened: {exc.strerror}.") from exc
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise MediumError("Another run is updating this medium. Wait for it.") from exc
        except OSError:
            pass  # a share that cannot lock folders
        if os.fstat(handle).st_ino != os.stat(root).st_ino:
            raise MediumError("Another run has just updated this image. Try again.")
        yield
    finally:
        os.close(handle)


def apply(change: Change, progress: Progress) -> tuple[WrittenFile, ...]:
    """Carry a Change out; whatever goes wrong before the swap of the DICOMDIR leaves the File-set as it was.

    Returns:
        The new files as they were written and read back.

    Raises:
        NoSpace: The medium is full.
        MediumError: The medium cannot be written.
        SourceChanged, SourceUnreadable: A source is not what was scanned.
        VerificationFailed: What was written does not read back.

    Source: PS3.10 8.3 (File-set Updater).
    """
    root = change.root
    added = tuple("/".join(file.path) for file in change.added)
    require_free(root, added)
    journal = Journal(
        dicomdir=change.dicomdir_name,
        sha256=hashlib.sha256(change.dicomdir).hexdigest(),
        added=added,
        folders=tuple(folder for folder in folders_of(added) if not os.path.isdir(os.path.join(root, folder))),
        staged=change.replaced,
        removed=change.removed,
        receipt=os.path.basename(change.receipt),
    )
    try:
        journal.write(root)
        written = _write(change, progress)
        ready = replace(journal, ready=True)
        ready.write(root)
        journal = ready
        os.replace(os.path.join(root, STAGE, STAGED), os.path.join(root, change.dicomdir_name))
        sync_folder(root)
    except BaseException as exc:
        if settle(journal, root):
            return written  # stopped too late
        if isinstance(exc, OSError):
            raise write_error(exc) from exc
        raise
    settle(journal, root)
    return written


def _write(change: Change, progress: Progress) -> tuple[WrittenFile, ...]:
    """Write everything under names that the old DICOMDIR does not know, and read it back."""
    root = change.root
    written: tuple[WrittenFile, ...] = ()
    if change.added:
        written = extend_folder(root, files=change.added, created=change.created, progress=progress)
    stage = os.path.join(root, STAGE)
    os.mkdir(stage, 0o755)
    staged = {STAGED: change.dicomdir}
    content, receipt = change.late(written)
    staged.update({"/".join(file.path): file.data for file in content})
    for name, data in staged.items():
        write_whole(os.path.join(stage, name), data)
    sync_folder(stage)
    if change.receipt:
        write_whole(f"{change.receipt}.partial", receipt, 0o600)
    _read_back(change, written, staged, progress)
    return written


def _read_back(change: Change, written: Sequence[WrittenFile], staged: dict[str, bytes], progress: Progress) -> None:
    """Read every new file from the medium, not from memory.

    Raises:
        VerificationFailed: With what differs.
    """
    expected = [(os.path.join(*file.path), file.size, file.sha256) for file in written]
    expected += [
        (os.path.join(STAGE, name), len(data), hashlib.sha256(data).hexdigest()) for name, data in staged.items()
    ]
    progress.start("verify", len(expected), sum(size for _, size, _ in expected))
    wrong = []
    for name, size, sha256 in expected:
        if _hash(os.path.join(change.root, name)) != sha256:
            wrong.append(_differs(name.replace(os.sep, "/")))
        progress.advance(1, size)
    if wrong:
        raise VerificationFailed("The update does not read back as it was written; nothing was changed.", wrong)


def _hash(path: str) -> str:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            drop_from_cache(handle)
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _differs(location: str) -> Finding:
    return Finding(
        code="update-differs",
        severity=Severity.ERROR,
        location=location,
        what="it does not read back as it was written",
        expected="what was written",
        clause="PS3.10 8.3",
        remedy="The File-set is as it was. Try again; if it happens twice, the medium is at fault.",
    )
