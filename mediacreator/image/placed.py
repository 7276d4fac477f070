"""Write an image of which is known where everything lies, whatever its file system."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass

from mediacreator.errors import InternalError, NoSpace
from mediacreator.formats.placing import PlacedFile, PlacedImage, Placement
from mediacreator.image.copying import Copy, Piece, write_error
from mediacreator.image.disc import DiscFile
from mediacreator.model import Progress, Silent, WrittenFile
from mediacreator.parallel import shared, spread

_SMALLEST_PART = 8 << 20
"""Bytes of the image that are worth a message to another process."""


def placed_files(files: Sequence[DiscFile]) -> tuple[PlacedFile, ...]:
    """Return what a format has to know of files to lay them out."""
    return tuple(PlacedFile(file.path, file.size, file.created) for file in files)


def write_placed(
    path: str, placement: Placement, ordered: Sequence[DiscFile], *, progress: Progress, workers: int = 1
) -> PlacedImage:
    """Write an image; memory does not grow with it, and what is zero takes no room on the disk.

    Where everything lies is known before the first byte is written, so that several processes can each copy a part.

    Args:
        path: Of the image, its ``.partial`` name; replaced when it is there.
        placement: Where everything lies.
        ordered: The files as they were laid out, see ``disc_order``: the late one, if any, is the last.
        progress: Counts files and bytes of files.
        workers: Processes that copy; the bytes are the same for any number.

    Returns:
        The image with the SHA-256 of each file as it was written; that of the whole is known when it is read back.

    Raises:
        NoSpace: The disk is full; nothing is left behind, as after every other error.
        MediumError: The image cannot be written.
        SourceChanged, SourceUnreadable: A source is not what was scanned.
    """
    runs = _runs(placement, ordered)
    _check_room(os.path.dirname(path) or ".", placement, ordered)
    progress.start("image", len(ordered), sum(file.size for file in ordered))
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as exc:
        raise write_error(exc) from exc
    try:
        with os.fdopen(handle, "wb", buffering=0):
            os.ftruncate(handle, placement.size)
            segments = _Segments(handle, placement)
            written = _copy(path, handle, ordered, runs, placement, segments, progress, workers)
            os.fsync(handle)
    except OSError as exc:
        _remove(path)
        raise write_error(exc) from exc
    except BaseException:
        _remove(path)
        raise
    return PlacedImage(path, placement.size, written, segments=segments.places, segments_sha256=segments.sha256)


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def _check_room(folder: str, placement: Placement, ordered: Sequence[DiscFile]) -> None:
    """Refuse before the first byte what cannot fit.

    Raises:
        NoSpace: The file system has fewer bytes free than the image needs, without what is zero.
    """
    try:
        status = os.statvfs(folder)
    except OSError as exc:
        raise write_error(exc) from exc
    free = status.f_bavail * status.f_frsize
    size = sum(len(data) for _, data in placement.segments) + sum(late.size for late in placement.late)
    size += sum(_filled(file, placement) for file in ordered)
    if free < size:
        raise NoSpace(f"The image needs {size} bytes, the disk has {free} free. Make room, or write elsewhere.")


def _filled(file: DiscFile, placement: Placement) -> int:
    """Return the bytes that a file takes with the zeros behind it."""
    return -(-file.size // placement.align) * placement.align


class _Segments:
    """Writes all that is no file's content, and hashes it; the late ones when asked, once."""

    def __init__(self, handle: int, placement: Placement) -> None:
        self._handle = handle
        self._late = list(placement.late)
        self._hash = hashlib.sha256()
        self._places: list[tuple[int, int]] = []
        for offset, data in placement.segments:
            self._write(offset, data)

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Offset and size of each, in the order in which they were written."""
        return tuple(self._places)

    @property
    def sha256(self) -> str:
        """Of all of them, one behind the other."""
        return self._hash.hexdigest()

    def write_late(self) -> None:
        """Make and write those that take time, if that is still to be done."""
        while self._late:
            late = self._late.pop(0)
            data = late.make()
            if len(data) != late.size:
                raise InternalError(f"A segment of the image was announced with {late.size} bytes and has {len(data)}.")
            self._write(late.offset, data)

    def _write(self, offset: int, data: bytes) -> None:
        self._hash.update(data)
        self._places.append((offset, len(data)))
        _Image(self._handle, offset).write(memoryview(data), ())


_AT_ONCE = 1 << 20
"""Bytes of one write: with 4 MiB Linux 6.18 took five times as long on ext4, looking for pages of that size."""

_HANDED_OVER = 64 << 20
"""Bytes that are handed to the disk at once."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Files ``start`` to ``stop`` of the order of the medium, which lie from ``offset`` on, one behind the other."""

    start: int
    stop: int
    offset: int


def _runs(placement: Placement, ordered: Sequence[DiscFile]) -> tuple[_Part, ...]:
    """Find which files lie one behind the other.

    Raises:
        InternalError: Files lie over one another, out of order, or beyond the end of the image.
    """
    runs: list[_Part] = []
    start, begin, end = 0, 0, 0
    for index, (file, offset) in enumerate(zip(ordered, placement.offsets, strict=True)):
        if offset < end or offset + file.size > placement.size:
            raise InternalError("A file of the layout lies over another one, or beyond the end of the image.")
        if offset != end and index > start:
            runs.append(_Part(start, index, begin))
        if offset != end or index == 0:
            start, begin = index, offset
        end = offset + _filled(file, placement)
    return (*runs, _Part(start, len(ordered), begin)) if ordered else ()


def _copy(
    path: str,
    handle: int,
    ordered: Sequence[DiscFile],
    runs: Sequence[_Part],
    placement: Placement,
    segments: _Segments,
    progress: Progress,
    workers: int,
) -> tuple[WrittenFile, ...]:
    """Copy all files to their places, the late one last and here; late segments are made while workers copy."""
    late = [file for file in ordered if file.late is not None]
    others = ordered[: len(ordered) - len(late)]
    parts = _parts(others, runs, placement, workers)
    written: list[WrittenFile] = []
    with closing(spread(_copy_part, parts, workers=workers, common=(path, others, placement.align))) as done:
        for some in done:
            written += some
            progress.advance(len(some), sum(file.size for file in some))
            segments.write_late()
    segments.write_late()
    if late:
        image = _Image(handle, placement.offsets[-1])
        written += Copy(late, image, progress, align=placement.align, before=written).run()
    return tuple(written)


def _parts(files: Sequence[DiscFile], runs: Sequence[_Part], placement: Placement, workers: int) -> list[_Part]:
    """Divide the runs into parts of like size."""
    enough = max(_SMALLEST_PART, sum(_filled(file, placement) for file in files) // (16 * workers))
    parts: list[_Part] = []
    for run in runs:
        start, begin, end = run.start, run.offset, run.offset
        stop = min(run.stop, len(files))
        for index in range(run.start, stop):
            end += _filled(files[index], placement)
            if end - begin >= enough or index + 1 == stop:
                parts.append(_Part(start, index + 1, begin))
                start, begin = index + 1, end
    return parts


def _copy_part(part: _Part) -> tuple[WrittenFile, ...]:
    """Copy some files to their places, in a worker."""
    path, files, align = shared()
    handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        image = _Image(handle, part.offset)
        written = Copy(files[part.start : part.stop], image, Silent(), align=align).run()
        image.hand_over()
        return written
    finally:
        os.close(handle)


class _Image:
    """Writes buffers to the image one behind the other."""

    def __init__(self, handle: int, offset: int) -> None:
        self._handle = handle
        self._offset = self._handed = offset

    def write(self, buffer: memoryview, pieces: Sequence[Piece]) -> None:
        while buffer:
            count = os.pwrite(self._handle, buffer[:_AT_ONCE], self._offset)
            self._offset += count
            buffer = buffer[count:]
        if self._offset - self._handed >= _HANDED_OVER:
            self.hand_over()

    def hand_over(self) -> None:
        """Begin to write to the disk, in the background: less is left to wait for at the end."""
        if self._offset > self._handed:
            os.posix_fadvise(self._handle, self._handed, self._offset - self._handed, os.POSIX_FADV_DONTNEED)
        self._handed = self._offset
