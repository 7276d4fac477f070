"""Write a File-set as an ISO 9660 level 1 image (PS3.12 Annex F)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime

from mediacreator.errors import NoSpace
from mediacreator.formats.iso9660_writer import SECTOR, IsoFile, IsoImage, image_size, lay_out
from mediacreator.image.copying import Copy, Piece, write_error
from mediacreator.image.disc import DiscFile, disc_order
from mediacreator.model import Progress, Silent, WrittenFile
from mediacreator.parallel import shared, spread

_SMALLEST_PART = 8 << 20
"""Bytes of the image that are worth a message to another process."""


def iso_size(files: Sequence[DiscFile]) -> int:
    """Return the exact size in bytes of the image that ``write_iso`` will write.

    Raises:
        MediaTooSmall: A file, or the number of directories, is beyond ISO 9660 level 1.
        InternalError: A path that cannot be recorded, two of one name.
    """
    return image_size(_iso_files(files))


def write_iso(
    path: str, *, volume_id: str, files: Sequence[DiscFile], created: datetime, progress: Progress, workers: int = 1
) -> IsoImage:
    """Write an image; the file data lies in the order given, the late file last.

    Where everything lies is known before the first byte is written, so that several processes can each copy a part.

    Args:
        path: Of the image, its ``.partial`` name; replaced when it is there.
        volume_id: File-set ID, 0-16 characters A-Z, 0-9, _; becomes the Volume Identifier.
        files: In the order of the medium, DICOMDIR included.
        created: Of the volume and its directories; aware. The same input gives the same bytes.
        progress: Counts files and bytes of files.
        workers: Processes that copy; the bytes are the same for any number.

    Returns:
        The image with the SHA-256 of each file as it was written; that of the whole is known when it is read back.

    Raises:
        NoSpace: The disk is full; nothing is left behind, as after every other error.
        MediumError: The image cannot be written.
        MediaTooSmall, InternalError: As ``iso_size``.
        SourceChanged, SourceUnreadable: A source is not what was scanned.

    Source: PS3.12 F.1.1, F.1.2, F.1.3, F.2.2.
    """
    ordered = disc_order(files)
    layout = lay_out(_iso_files(ordered), volume_id=volume_id, created=created)
    _check_room(os.path.dirname(path) or ".", layout.size)
    progress.start("image", len(ordered), sum(file.size for file in ordered))
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as exc:
        raise write_error(exc) from exc
    try:
        with os.fdopen(handle, "wb", buffering=0):
            image = _Image(handle, 0)
            image.write(memoryview(layout.head), ())
            written = _copy(path, image, ordered, len(layout.head), progress, workers)
            os.fsync(handle)
    except OSError as exc:
        _remove(path)
        raise write_error(exc) from exc
    except BaseException:
        _remove(path)
        raise
    head_sha256 = hashlib.sha256(layout.head).hexdigest()
    return IsoImage(path, layout.size, written, head_size=len(layout.head), head_sha256=head_sha256)


def _iso_files(files: Sequence[DiscFile]) -> tuple[IsoFile, ...]:
    return tuple(IsoFile(file.path, file.size, file.created) for file in files)


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def _check_room(folder: str, size: int) -> None:
    """Refuse before the first byte what cannot fit.

    Raises:
        NoSpace: The file system has fewer bytes free than the image needs.
    """
    try:
        status = os.statvfs(folder)
    except OSError as exc:
        raise write_error(exc) from exc
    free = status.f_bavail * status.f_frsize
    if free < size:
        raise NoSpace(f"The image needs {size} bytes, the disk has {free} free. Make room, or write elsewhere.")


@dataclass(frozen=True, slots=True)
class _Part:
    """Files ``start`` to ``stop`` of the order of the medium, which lie from ``offset`` on in the image."""

    start: int
    stop: int
    offset: int


def _copy(
    path: str, image: _Image, ordered: Sequence[DiscFile], offset: int, progress: Progress, workers: int
) -> tuple[WrittenFile, ...]:
    """Copy all files to their places, the late one last and here."""
    late = [file for file in ordered if file.late is not None]
    others = ordered[: len(ordered) - len(late)]
    parts, end = _parts(others, offset, workers)
    written: list[WrittenFile] = []
    with closing(spread(_copy_part, parts, workers=workers, common=(path, others))) as done:
        for some in done:
            written += some
            progress.advance(len(some), sum(file.size for file in some))
    image.seek(end)
    written += Copy(late, image, progress, align=SECTOR, before=written).run()
    return tuple(written)


def _parts(files: Sequence[DiscFile], offset: int, workers: int) -> tuple[list[_Part], int]:
    """Divide the files into parts of like size, and say where the next file lies."""
    sizes = [-(-file.size // SECTOR) * SECTOR for file in files]
    enough = max(_SMALLEST_PART, sum(sizes) // (16 * workers))
    parts: list[_Part] = []
    start, begin, end = 0, offset, offset
    for index, size in enumerate(sizes, 1):
        end += size
        if end - begin >= enough or index == len(sizes):
            parts.append(_Part(start, index, begin))
            start, begin = index, end
    return parts, end


def _copy_part(part: _Part) -> tuple[WrittenFile, ...]:
    """Copy some files to their places, in a worker."""
    path, files = shared()
    handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return Copy(files[part.start : part.stop], _Image(handle, part.offset), Silent(), align=SECTOR).run()
    finally:
        os.close(handle)


class _Image:
    """Writes buffers to the image one behind the other."""

    def __init__(self, handle: int, offset: int) -> None:
        self._handle = handle
        self._offset = offset

    def seek(self, offset: int) -> None:
        self._offset = offset

    def write(self, buffer: memoryview, pieces: Sequence[Piece]) -> None:
        start = self._offset
        while buffer:
            count = os.pwrite(self._handle, buffer, self._offset)
            self._offset += count
            buffer = buffer[count:]
        if self._offset > start:
            # Begins to write to the disk now, in the background: less is left to wait for at the end.
            os.posix_fadvise(self._handle, start, self._offset - start, os.POSIX_FADV_DONTNEED)
