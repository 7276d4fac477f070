"""Read the bytes of a SourceFile wherever they lie, and notice when they are no longer those that were scanned."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from mediacreator.errors import InternalError, MediaCreatorError, SourceChanged, SourceUnreadable
from mediacreator.formats import IMAGES, FileTree
from mediacreator.formats.positioned import ExtentReader
from mediacreator.formats.tree import Extent, TreeFile
from mediacreator.model import Container, SourceFile

if TYPE_CHECKING:
    import zipfile

SCATTERED = -1
"""``SourceFile.offset`` of a file in an image whose extents do not follow one another; found by its member."""

_OPEN_ARCHIVES = 8  # archives and images a process keeps open


@dataclass(slots=True)
class _Archive:
    """A ZIP archive or an image that is kept open."""

    handle: int
    mtime_ns: int
    zip: zipfile.ZipFile | None = None
    members: dict[int, zipfile.ZipInfo] | None = None  # by the offset of their local header
    tree: FileTree | None = None

    def close(self) -> None:
        if self.zip is not None:
            self.zip.close()
        if self.tree is not None:
            self.tree.close()
        os.close(self.handle)


class _Cache:
    """The archives and images that this process keeps open, the one used last at the end."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.archives: OrderedDict[tuple[str, Container], _Archive] = OrderedDict()


_cache = _Cache()
# An inherited file descriptor shares its offset with the parent, and the lock may be held: the child begins anew.
os.register_at_fork(after_in_child=_cache.__init__)  # type: ignore[misc]


def close_archives() -> None:
    """Close every archive and image that this process keeps open."""
    with _cache.lock:
        while _cache.archives:
            _cache.archives.popitem()[1].close()


def open_source(source: SourceFile) -> BinaryIO:
    """Open a SourceFile for reading; seekable, positioned at its first byte.

    Raises:
        SourceChanged: It vanished, or its archive or image is another one than was scanned.
        SourceUnreadable: It may not be read, is no longer a regular file, or is damaged.
    """
    try:
        if source.container is Container.FILE:
            return os.fdopen(_open_regular(source.path), "rb")
        if source.container is Container.ZIP:
            return cast(BinaryIO, _open_member(source))
        if source.container is Container.MAIL:
            return _open_attachment(source)
        return cast(BinaryIO, io.BufferedReader(_open_extents(source), 1 << 16))
    except MediaCreatorError:
        raise
    except Exception as exc:
        raise _translated(source, exc) from exc


def read_chunks(source: SourceFile, offset: int, size: int, chunk: int = 1 << 20) -> Iterator[bytes]:
    """Yield bytes ``offset`` to ``offset + size`` of a source in chunks; all of them or an error.

    Args:
        source: What was scanned; its size and time of modification must still hold, before and after reading.
        offset: In bytes, from byte 0 of the file.
        size: In bytes; 0 yields nothing, but still looks whether the source changed.
        chunk: Largest number of bytes to yield at once, 1 or more.

    Raises:
        SourceChanged: The source vanished, is shorter or longer, or was modified since it was scanned.
        SourceUnreadable: An input or output error, a missing permission, or damage that a checksum shows.
    """
    with BodyReader(source, offset, size) as reader:
        while reader.left:
            data = bytearray(min(chunk, reader.left))
            reader.fill(memoryview(data))
            yield bytes(data)


class BodyReader:
    """Reads a range of a source into buffers of the caller; see ``read_chunks``. A context manager."""

    def __init__(self, source: SourceFile, offset: int, size: int) -> None:
        """Open a source; raises as ``read_chunks`` does."""
        self._source = source
        self._position = offset
        self.left = size  # bytes still to be read
        self._handle = -1
        self._stream: BinaryIO | None = None
        try:
            if source.container is Container.FILE:
                self._handle = os.open(source.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                _check_unchanged(self._handle, source)
            else:
                self._stream = open_source(source)
                if offset and size:
                    self._stream.seek(offset)
        except MediaCreatorError:
            self.close()
            raise
        except Exception as exc:
            self.close()
            raise _translated(source, exc) from exc

    def fill(self, buffer: memoryview) -> None:
        """Read as many bytes as the buffer holds, at most ``left``.

        The last bytes are only given after another look whether the source changed.
        """
        done = 0
        try:
            while done < len(buffer):
                if self._stream is None:
                    count = os.preadv(self._handle, [buffer[done:]], self._position)
                else:
                    count = self._stream.readinto(buffer[done:])  # type: ignore[attr-defined]  # all of ours have it
                if not count:
                    raise SourceChanged(
                        f"{self._source.location} ends at byte {self._position}, {self.left - done} bytes early. It "
                        f"was cut short since it was scanned. {_AGAIN}",
                        self._source,
                    )
                done += count
                self._position += count
            self.left -= done
            if not self.left:
                self._check()
        except MediaCreatorError:
            raise
        except Exception as exc:
            raise _translated(self._source, exc) from exc

    def close(self) -> None:
        """Close the source."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        if self._stream is not None:
            self._stream.close()

    def __enter__(self) -> BodyReader:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _check(self) -> None:
        if self._stream is None:
            _check_unchanged(self._handle, self._source)
        else:
            _archive(self._source)


_AGAIN = "Start again when nothing writes to the sources any more."


def _translated(source: SourceFile, exc: Exception) -> MediaCreatorError:
    """Say what went wrong without the text of an OSError: it names the path, which may name a patient.

    ``zipfile`` and ``zlib`` raise many kinds of error on damage; each of them means the same here.
    """
    if isinstance(exc, FileNotFoundError):
        return SourceChanged(f"{source.location} is no longer there. {_AGAIN}", source)
    if source.container is Container.FILE and not isinstance(exc, OSError):
        return InternalError(f"Reading {source.location} raised {type(exc).__name__}.")
    reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else f"it is damaged ({type(exc).__name__})"
    return SourceUnreadable(f"{source.location} cannot be read: {reason}. Repair it, or leave it out.", source)


def _open_regular(path: str, *, drive: bool = False) -> int:
    """Open a regular file, or a drive; a pipe or device that took its place is not waited for."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(handle).st_mode
    if not (stat.S_ISREG(mode) or (drive and stat.S_ISBLK(mode))):
        os.close(handle)
        raise OSError(0, "not a regular file")
    return handle


def _check_unchanged(handle: int, source: SourceFile) -> None:
    found = os.fstat(handle)
    if found.st_size != source.size or found.st_mtime_ns != source.mtime_ns or not stat.S_ISREG(found.st_mode):
        sizes = f"it has {found.st_size} bytes instead of {source.size}" if found.st_size != source.size else ""
        how = sizes or "it was written to, or something else lies in its place"
        raise SourceChanged(f"{source.location} changed since it was scanned: {how}. {_AGAIN}", source)


def _archive(source: SourceFile) -> _Archive:
    """Return the archive or image a source lies in, opened once in a process and unchanged since it was scanned."""
    key = (source.path, source.container)
    with _cache.lock:
        archive = _cache.archives.get(key)
        if archive is not None and archive.mtime_ns != source.mtime_ns:
            _cache.archives.pop(key).close()  # another scan saw another archive under this path
            archive = None
        if archive is None:
            handle = _open_regular(source.path, drive=source.container in IMAGES)
            archive = _cache.archives[key] = _Archive(handle, os.fstat(handle).st_mtime_ns)
            if len(_cache.archives) > _OPEN_ARCHIVES:
                _cache.archives.popitem(last=False)[1].close()
        _cache.archives.move_to_end(key)
        if os.fstat(archive.handle).st_mtime_ns != source.mtime_ns:
            _cache.archives.pop(key).close()
            raise SourceChanged(
                f"The archive or image of {source.location} changed since it was scanned. {_AGAIN}", source
            )
        return archive


def _open_member(source: SourceFile) -> IO[bytes]:
    import zipfile

    with _cache.lock:
        archive = _archive(source)
        if archive.zip is None:
            archive.zip = zipfile.ZipFile(os.fdopen(os.dup(archive.handle), "rb"))
            archive.members = {info.header_offset: info for info in archive.zip.infolist()}
        info = (archive.members or {}).get(source.offset)
        if info is None or info.filename != source.member or info.file_size != source.size:
            raise SourceChanged(f"{source.location} is no longer in its archive as it was scanned. {_AGAIN}", source)
        return archive.zip.open(info)


def _open_extents(source: SourceFile) -> ExtentReader:
    with _cache.lock:
        archive = _archive(source)
        if source.offset != SCATTERED:
            return ExtentReader(os.dup(archive.handle), (Extent(source.offset, source.size),), close=True)
        return ExtentReader(os.dup(archive.handle), _find(archive, source)[1].extents, close=True)


def _open_attachment(source: SourceFile) -> BinaryIO:
    with _cache.lock:
        tree, found = _find(_archive(source), source)
        return tree.open(found.path)


def _find(archive: _Archive, source: SourceFile) -> tuple[FileTree, TreeFile]:
    if archive.tree is None:
        archive.tree = IMAGES[source.container](source.path)
    found = archive.tree.find(source.member.split("/"))
    if found is None or found.size != source.size:
        raise SourceChanged(f"{source.location} is no longer in its image as it was scanned. {_AGAIN}", source)
    return archive.tree, found
