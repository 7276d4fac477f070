"""Read a finished medium from the disk, not from memory, and hash its files; one thread more hashes the whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from mediacreator.errors import MediumError
from mediacreator.formats.tree import FileTree, FolderTree, ImageTree, TreeFile
from mediacreator.model import Progress

_BUFFER = 4 << 20
_CHUNK = 1 << 20  # bytes of a file that is unpacked

UNREADABLE = ""
"""In place of a hash: the file lies over another one in the image, or cannot be read."""


def drop_from_cache(handle: int) -> None:
    """Write what is pending and forget what is in memory, so that the next read comes from the medium."""
    try:
        os.fsync(handle)
    except OSError as exc:
        raise MediumError(f"The medium does not take what was written: {exc.strerror}.") from exc
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)


def hash_image(tree: ImageTree, progress: Progress) -> tuple[dict[TreeFile, str], str]:
    """Hash every file of an image and the whole image in one pass over its bytes.

    Returns:
        SHA-256 (hexadecimal) of each file, ``UNREADABLE`` for one that lies over another; and of the image.

    Raises:
        MediumError: The image cannot be read.
    """
    hashes = _Hashes(tree.files(), progress)
    whole = hashlib.sha256()
    for buffer, position, future in _read_ahead(tree, whole.update):
        hashes.take(buffer, position)
        future.result()
    return hashes.finish(), whole.hexdigest()


def hash_folder(tree: FolderTree, files: Sequence[TreeFile], progress: Progress) -> dict[TreeFile, str]:
    """Hash files of a folder, two at a time.

    Returns:
        SHA-256 (hexadecimal) of each; ``UNREADABLE`` for one that cannot be read.
    """
    found: dict[TreeFile, str] = {}
    with ThreadPoolExecutor(2, "mediacreator-verify") as pool:
        halves = [files[start : start + 64] for start in range(0, len(files), 64)]
        for part, hashes in zip(halves, pool.map(lambda part: _hash_some(tree, part), halves), strict=True):
            found.update(zip(part, hashes, strict=True))
            progress.advance(len(part), sum(file.size for file in part))
    return found


def hash_files(tree: FileTree, progress: Progress) -> dict[TreeFile, str]:
    """Hash every file of a tree whose files do not lie at places of their own, one after the other.

    Returns:
        SHA-256 (hexadecimal) of each; ``UNREADABLE`` for one that cannot be read.
    """
    found: dict[TreeFile, str] = {}
    for file in tree.files():
        digest = hashlib.sha256()
        try:
            with tree.open(file.path) as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
            found[file] = digest.hexdigest()
        except Exception:  # noqa: BLE001  a damaged archive may raise anything while it is unpacked
            found[file] = UNREADABLE
        progress.advance(1, file.size)
    return found


def hash_whole(path: str) -> tuple[int, str]:
    """Return size and SHA-256 (hexadecimal) of a file, read from the disk and not from memory.

    Raises:
        OSError: It cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    with open(path, "rb", buffering=0) as stream:
        drop_from_cache(stream.fileno())
        while chunk := stream.read(_BUFFER):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def _hash_some(tree: FolderTree, files: Sequence[TreeFile]) -> list[str]:
    buffer = memoryview(bytearray(min(_BUFFER, max((file.size for file in files), default=0) + 1)))
    return [_hash_one(tree.path_of(file), buffer) for file in files]


def _hash_one(path: str, buffer: memoryview) -> str:
    digest = hashlib.sha256()
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            drop_from_cache(handle)
            while count := os.readv(handle, [buffer]):
                digest.update(buffer[:count])
        finally:
            os.close(handle)
    except OSError:
        return UNREADABLE
    return digest.hexdigest()


def _read_ahead(tree: ImageTree, also: Callable[[memoryview], None]) -> Iterator[tuple[memoryview, int, Future[None]]]:
    """Yield the image buffer by buffer; another thread does ``also`` with each, in order, and a third reads the next.

    A buffer may be used until the generator goes on; the caller waits for the other thread before that.
    """
    buffer, ahead = (memoryview(bytearray(min(_BUFFER, max(tree.size, 1)))) for _ in range(2))
    os.posix_fadvise(tree.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
    position = 0
    with ThreadPoolExecutor(2, "mediacreator-verify") as pool:
        reading = pool.submit(_read, tree, ahead, position)
        while position < tree.size:
            count = reading.result()
            buffer, ahead = ahead, buffer
            others = pool.submit(also, buffer[:count])
            if position + count < tree.size:
                reading = pool.submit(_read, tree, ahead, position + count)
            yield buffer[:count], position, others
            position += count


def _read(tree: ImageTree, buffer: memoryview, position: int) -> int:
    """Fill a buffer; return how many bytes there were."""
    try:
        # Asked for a few MiB at once, Linux reads them at once, and not in pieces of 128 KiB.
        os.posix_fadvise(tree.fileno(), position, 2 * len(buffer), os.POSIX_FADV_WILLNEED)
        count = os.preadv(tree.fileno(), [buffer], position)
    except OSError as exc:
        raise MediumError(f"The image cannot be read back at byte {position}: {exc.strerror}.") from exc
    if not count:
        raise MediumError(f"The image ends at byte {position} while it is read back.")
    return count


class _Hashes:
    """Hashes files from the bytes of an image as they go by."""

    def __init__(self, files: Iterator[TreeFile], progress: Progress) -> None:
        self._progress = progress
        self._found: dict[TreeFile, str] = {}
        self._pending: list[TreeFile] = []  # the next one last
        end = 0
        for file in sorted(files, key=_first_byte):
            for extent in file.extents:
                if extent.size:
                    if extent.offset < end:
                        self._found[file] = UNREADABLE
                    end = max(end, extent.offset + extent.size)
            if file not in self._found:
                self._pending.append(file)
        self._pending.reverse()
        self._next()

    def take(self, buffer: memoryview, position: int) -> None:
        """Take the bytes of the image from ``position`` on; they follow those of the last call."""
        end = position + len(buffer)
        done = size = 0
        while self._file is not None:
            while self._extents:
                start, left = self._extents[-1]
                stop = min(start + left, end)
                if start >= end:
                    break
                self._hash.update(buffer[start - position : stop - position])
                self._extents.pop()
                if stop < start + left:
                    self._extents.append((stop, start + left - stop))
                    break
            if self._extents:
                break
            self._found[self._file] = self._hash.hexdigest()
            done, size = done + 1, size + self._file.size
            self._next()
        self._progress.advance(done, size)

    def finish(self) -> dict[TreeFile, str]:
        """Return what was hashed."""
        return self._found

    def _next(self) -> None:
        self._file = self._pending.pop() if self._pending else None
        self._hash = hashlib.sha256()
        extents = self._file.extents if self._file else ()
        self._extents = [(extent.offset, extent.size) for extent in reversed(extents) if extent.size]


def _first_byte(file: TreeFile) -> int:
    # Empty files need no bytes: they come when whatever lies at their place comes.
    return min((extent.offset for extent in file.extents if extent.size), default=0)
