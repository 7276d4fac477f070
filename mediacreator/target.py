"""The target of a run: written under a ``.partial`` name, and under its own only when it is whole."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mediacreator.errors import MediumError, NoSpace, TargetExists, UsageError

PARTIAL = ".partial"


class Target:
    """An image file, or a folder where the name given ends with a slash.

    Args:
        output: As the user gave it.
        force: Replace what is there, if it is an image or a File-set and no source.
        sources: What must not be replaced, as the user gave it.

    Raises:
        UsageError: There is no folder to write into.
        TargetExists: Something is there that may not be replaced, or not without ``force``.
        MediumError: The folder to write into cannot be written.
    """

    def __init__(self, output: str, *, force: bool, sources: Sequence[str] = ()) -> None:
        self._sources = tuple(sources)
        self.is_folder = output.endswith("/")
        self.path = Path(output.rstrip("/") or "/").absolute()
        self.partial = self.path.with_name(self.path.name + PARTIAL)
        self.spool = self.path.with_name(self.path.name + ".spool" + PARTIAL)
        self.receipt = self.path.with_name(self.path.name + ".receipt.json")
        if not self.path.name or not self.path.parent.is_dir():
            raise UsageError("The folder of the output does not exist. Create it, or give another -o.")
        if os.path.lexists(self.path):
            self._check_replaceable(force=force)
        if not os.access(self.path.parent, os.W_OK | os.X_OK):
            raise MediumError("The folder of the output cannot be written. Get permission, or give another -o.")

    def numbered(self, number: int, *, force: bool) -> Target:
        """Return the target of one of several media: ``disc.iso`` becomes ``disc-1.iso``."""
        name = self.path.with_name(f"{self.path.stem}-{number}{self.path.suffix}")
        return Target(f"{name}/" if self.is_folder else str(name), force=force, sources=self._sources)

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Hold the ``.partial`` name: nobody else writes there, and it is gone afterwards whatever happens.

        Yields:
            Whether a stale one, of a run that was killed, was removed.

        Raises:
            MediumError: Another run is writing there.
        """
        lock = self.path.with_name(f".{self.path.name}.lock{PARTIAL}")
        with _no_space_is_ours(), _locked(lock):
            stale = os.path.lexists(self.partial) or os.path.lexists(self.spool)
            remove(self.partial)
            remove(self.spool)
            try:
                self.spool.mkdir(mode=0o700)
                yield stale
            finally:
                remove(self.partial)
                remove(self.spool)

    def publish(self) -> None:
        """Give what was written its final name, in one step for an image; the receipt of what was there before goes.

        Raises:
            MediumError: The file system refuses.
        """
        old = self.path.with_name(f".{self.path.name}.old{PARTIAL}")
        self.receipt.unlink(missing_ok=True)
        if self.path.is_dir() and not self.path.is_symlink():
            self.path.rename(old)
        os.replace(self.partial, self.path)
        remove(old)
        sync_folder(self.path.parent)

    def _check_replaceable(self, *, force: bool) -> None:
        """Refuse to replace what may be something else than a medium of before.

        Raises:
            TargetExists: What is there may not be replaced, or not without ``force``.
        """
        is_folder = self.path.is_dir() and not self.path.is_symlink()
        if is_folder and not self.is_folder:
            raise TargetExists("The output is a folder. End -o with a slash to write a folder, or give another -o.")
        if not force and is_folder:
            raise TargetExists(
                "The output is a folder that is there already. Give another -o, or --force to replace a File-set. To "
                "write beside what a folder holds, as that of a mounted stick: mediacreator write-usb SOURCES --into."
            )
        if not force:
            raise TargetExists("The output is there already. Give another -o, or --force to replace it.")
        if self.path.exists() and not (self.path.is_file() or self.path.is_dir()):
            raise TargetExists("The output is neither a file nor a folder: it is not replaced. Give another -o.")
        if is_folder and not _is_file_set(self.path):
            raise TargetExists("The output is a folder and no File-set: --force does not remove it. Give another -o.")
        place = self.path.resolve()
        for source in map(_resolved, self._sources):
            if place == source or place in source.parents or source in place.parents:
                raise TargetExists("The output is a source, or lies among them: it is not replaced. Give another -o.")

    def free_space(self) -> int:
        """Return the bytes that may still be written where the target lies."""
        return shutil.disk_usage(self.path.parent).free


def _is_file_set(folder: Path) -> bool:
    """Say whether a folder is empty or has a DICOMDIR in its root (PS3.10 8.6); one that cannot be read is neither."""
    with suppress(OSError):
        names = [entry.name.upper() for entry in folder.iterdir()]
        return not names or "DICOMDIR" in names
    return False


def _resolved(source: str) -> Path:
    return Path(source).resolve()


def remove(path: Path) -> None:
    """Remove a file or a folder with all below it; nothing to do if it is not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync_folder(path: Path | str) -> None:
    """Make a rename survive a power cut; some file systems cannot, and the file is whole all the same."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock file; the kernel drops the lock of a process that is killed."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink == 0:
                raise BlockingIOError  # its last holder removed it between our opening and our locking
        except BlockingIOError as exc:
            raise MediumError("Another run is writing this output. Wait for it, or give another -o.") from exc
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


@contextmanager
def _no_space_is_ours() -> Iterator[None]:
    """Say in plain words what the file system of the target refuses; its name may be that of a patient."""
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace("The disk of the output is full. Nothing was left behind; make room and try again.") from exc
        reason = exc.strerror or type(exc).__name__
        raise MediumError(f"The output cannot be written: {reason}. Check the disk and its permissions.") from exc
