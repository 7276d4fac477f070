"""Write a File-set as a plain folder: the same files and names as on a disc."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from datetime import datetime

from mediacreator.errors import NoSpace, TargetExists
from mediacreator.image.copying import Copy, Piece, write_error
from mediacreator.image.disc import DiscFile, disc_order
from mediacreator.model import MediaImage, Progress, WrittenFile
from mediacreator.target import sync_folder

_CLUSTER = 4096  # bytes: what a file takes at least, on usual file systems
_LARGEST = 65536  # bytes: a share over the network calls what it likes to be asked for a block


def folder_size(files: Sequence[DiscFile]) -> int:
    """Return the bytes of all files; what a file system adds is its own."""
    return sum(file.size for file in files)


def write_folder(path: str, *, files: Sequence[DiscFile], created: datetime, progress: Progress) -> MediaImage:
    """Write the files below a new folder, mode 0644, dated as they are created; folders have mode 0755.

    Args:
        path: Of the folder, its ``.partial`` name; it must not exist.
        files: In the order of the medium; the late one is written last.
        created: Date of the folders; aware.
        progress: Counts files and bytes.

    Returns:
        The folder with the SHA-256 of each file as it was written.

    Raises:
        TargetExists: The folder is there already.
        NoSpace: The disk is full; the folder is removed, as after every other error.
        MediumError: The folder cannot be written.
        SourceChanged, SourceUnreadable: A source is not what was scanned.
    """
    ordered = disc_order(files)
    size = folder_size(ordered)
    progress.start("image", len(ordered), size)
    try:
        _check_room(os.path.dirname(os.path.abspath(path)), ordered)
        os.mkdir(path, 0o755)
    except FileExistsError as exc:
        raise TargetExists("The target folder is there already. Remove it, or write elsewhere.") from exc
    except OSError as exc:
        raise write_error(exc) from exc
    try:
        folders = _make_folders(path, ordered)
        with closing(_Folder(path, ordered)) as target:
            written = Copy(ordered, target, progress, align=1).run()
        _sync_files(path, ordered)
        _finish_folders(path, (*reversed(folders), ()), created)
    except OSError as exc:
        shutil.rmtree(path, ignore_errors=True)
        raise write_error(exc) from exc
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    return MediaImage(path, size, written)


def extend_folder(
    path: str, *, files: Sequence[DiscFile], created: datetime, progress: Progress
) -> tuple[WrittenFile, ...]:
    """Write files below a folder that is there, as ``write_folder`` does; none of them may exist.

    Folders that are there keep their modes and dates. What was written when something fails is the caller's to remove:
    it knows what was there before.

    Args:
        path: Of the folder.
        files: In the order of the medium; none is late.
        created: Date of new folders; aware.
        progress: Counts files and bytes.

    Raises:
        NoSpace: The disk is full.
        MediumError: The folder cannot be written, or a file is there already.
        SourceChanged, SourceUnreadable: A source is not what was scanned.
    """
    progress.start("image", len(files), folder_size(files))
    try:
        _check_room(path, files)
        folders = _make_folders(path, files)
        with closing(_Folder(path, files)) as target:
            written = Copy(files, target, progress, align=1).run()
        _sync_files(path, files)
        _finish_folders(path, folders[::-1], created)
        for folder in {file.path[:depth] for file in files for depth in range(len(file.path))}.difference(folders):
            sync_folder(os.path.join(path, *folder))
    except OSError as exc:
        raise write_error(exc) from exc
    return written


def set_mode(handle: int, mode: int) -> None:
    """Set the mode of a file or folder, where its file system knows modes: that of a stick does not."""
    try:
        os.fchmod(handle, mode)
    except OSError as exc:
        if exc.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
            raise


def _check_room(folder: str, files: Sequence[DiscFile]) -> None:
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    cluster = status.f_frsize if 512 <= status.f_frsize <= _LARGEST else _CLUSTER
    size = sum(-(-file.size // cluster) * cluster for file in files)
    if free < size:
        raise NoSpace(f"The folder needs {size} bytes, the disk has {free} free. Make room, or write elsewhere.")


def _make_folders(root: str, files: Sequence[DiscFile]) -> tuple[tuple[str, ...], ...]:
    """Make every folder, parents first, and return the paths of those that were not there."""
    known: set[tuple[str, ...]] = set()
    made = []
    for file in files:
        if file.path[:-1] in known:
            continue
        for depth in range(1, len(file.path)):
            folder = file.path[:depth]
            if folder not in known:
                known.add(folder)
                with suppress(FileExistsError):
                    os.mkdir(os.path.join(root, *folder), 0o755)
                    made.append(folder)
    return tuple(made)


def _sync_files(root: str, files: Sequence[DiscFile]) -> None:
    """Wait until every file is on the disk.

    All of them were handed to the disk already, so that the first waits for nearly everything and the rest for little:
    10,000 files of 30 KB take seconds when each is waited for as it is written.
    """
    for file in files:
        handle = os.open(os.path.join(root, *file.path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _finish_folders(root: str, folders: Iterable[tuple[str, ...]], created: datetime) -> None:
    """Date folders and wait until they are on the disk; given the deepest first, so that a date lasts."""
    moment = int(created.timestamp())
    for folder in folders:
        path = os.path.join(root, *folder)
        os.utime(path, (moment, moment))
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            set_mode(handle, 0o755)
            os.fsync(handle)
        finally:
            os.close(handle)


class _Folder:
    """Writes the pieces of buffers to their files; one file is open at a time."""

    def __init__(self, root: str, files: Sequence[DiscFile]) -> None:
        self._root = root
        self._files = files
        self._handle = -1

    def write(self, buffer: memoryview, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            file = self._files[piece.file]
            if piece.first:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                self._handle = os.open(os.path.join(self._root, *file.path), flags, 0o644)
            data = buffer[piece.start : piece.stop]
            while data:
                data = data[os.write(self._handle, data) :]
            if piece.last:
                self._finish(file)

    def close(self) -> None:
        """Close the file that is open, if any."""
        if self._handle >= 0:
            handle, self._handle = self._handle, -1
            os.close(handle)

    def _finish(self, file: DiscFile) -> None:
        moment = int(file.created.timestamp())
        set_mode(self._handle, 0o644)  # whatever the umask
        os.utime(self._handle, (moment, moment))
        os.posix_fadvise(self._handle, 0, 0, os.POSIX_FADV_DONTNEED)  # begins to write to the disk
        self.close()
