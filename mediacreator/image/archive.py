"""Write a File-set as a ZIP archive (PS3.12 Annex V).

No clause names a compression method. What gets smaller is deflated, which the format that V.2 names has had from its
beginning, since an archive is sent and not read in place; what does not, as compressed pixels, is stored.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO, TYPE_CHECKING

from mediacreator.formats.zip_writer import DEFLATED, STORED, Member, directory, local_header, most_size, placed
from mediacreator.image.disc import DiscFile, disc_order
from mediacreator.image.placed import placed_files
from mediacreator.image.streamed import content_of, write_stream
from mediacreator.model import MediaImage, Progress, WrittenFile

if TYPE_CHECKING:
    from concurrent.futures import Future

_CHUNK = 1 << 20  # bytes
_IN_MEMORY = 8 << 20  # bytes of a packed member; a larger one waits on the disk
_SAMPLE = 64 << 10  # bytes that show whether a file gets smaller
_WORTH = 0.98  # of its size, at most, where Deflate is worth its time
_LEVEL = zlib.Z_BEST_SPEED  # of CT and MR it leaves 1 % more than the usual level, in a quarter of the time
_THREADS = 4


def zip_size(files: Sequence[DiscFile]) -> int:
    """Return the most bytes that the archive can have: as if nothing in it got smaller.

    Raises:
        InternalError: Two files of one name.
    """
    return most_size(placed_files(files))


def write_zip(path: str, *, files: Sequence[DiscFile], progress: Progress, workers: int = 1) -> MediaImage:
    """Write an archive with the files in the order given, DICOMDIR first, the late file last.

    Args:
        path: Of the archive, its ``.partial`` name; replaced when it is there.
        files: In the order of the medium.
        progress: Counts files and bytes of files.
        workers: Files that are packed at once; the bytes are the same for any number.

    Raises:
        NoSpace, MediumError, SourceChanged, SourceUnreadable, InternalError: As ``write_stream``, ``content_of``.

    Source: PS3.12 V.1.1, V.1.2, V.2.
    """
    packing = Packing(files, folder_of(path), progress, workers)
    size = write_stream(path, packing.chunks())
    return MediaImage(path, size, packing.written)


def folder_of(path: str) -> str:
    """Return the folder of the output, where there is room for what waits on the disk."""
    return os.path.dirname(path) or "."


@dataclass(frozen=True, slots=True)
class _Packed:
    """A file as it will lie in the archive."""

    member: Member
    sha256: str
    content: IO[bytes]


class Packing:
    """An archive in the making: packs files, some at a time, and gives the bytes in order."""

    def __init__(self, files: Sequence[DiscFile], folder: str, progress: Progress, workers: int) -> None:
        """Take the files in the order of the medium.

        Args:
            files: As for ``write_zip``.
            folder: Where packed members wait that are large; they have no names there.
            progress: Counts files and bytes of files.
            workers: Files that are packed at once.
        """
        self._files = disc_order(files)
        self._folder = folder
        self._progress = progress
        self._threads = max(1, min(workers, _THREADS))
        self._written: list[WrittenFile] = []

    @property
    def written(self) -> tuple[WrittenFile, ...]:
        """What was written, once all bytes are taken."""
        return tuple(self._written)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes of the archive."""
        self._progress.start("image", len(self._files), sum(file.size for file in self._files))
        members: list[Member] = []
        offset = 0
        with closing(self._packed()) as all_packed:
            for file, packed in all_packed:
                with packed.content as content:
                    member = placed(packed.member, offset)
                    members.append(member)
                    header = local_header(member)
                    yield header
                    while chunk := content.read(_CHUNK):
                        yield chunk
                offset += len(header) + member.packed
                self._written.append(WrittenFile(file.path, file.size, packed.sha256, file.sop_instance_uid))
                self._progress.advance(1, file.size)
        yield directory(members, offset)

    def _packed(self) -> Generator[tuple[DiscFile, _Packed], None, None]:
        """Yield the files packed, in order; a few are packed ahead, so that memory does not grow with their number."""
        from concurrent.futures import ThreadPoolExecutor

        ahead: deque[tuple[DiscFile, Future[_Packed]]] = deque()
        with ThreadPoolExecutor(self._threads, "mediacreator-writer") as pool:
            try:
                for file in self._files:
                    while ahead and (len(ahead) > self._threads or file.late is not None):
                        yield _done(ahead)
                    ahead.append((file, pool.submit(_pack, file, self._written, self._folder)))
                while ahead:
                    yield _done(ahead)
            finally:
                pool.shutdown(cancel_futures=True)


def _done(ahead: deque[tuple[DiscFile, Future[_Packed]]]) -> tuple[DiscFile, _Packed]:
    file, future = ahead.popleft()
    return file, future.result()


def _pack(file: DiscFile, written: Sequence[WrittenFile], folder: str) -> _Packed:
    """Read a file once and pack it; a second time if it did not get smaller after all, which its sample had hidden."""
    packed = _pack_once(file, written, folder, None)
    if packed.member.packed > file.size:
        packed.content.close()
        packed = _pack_once(file, written, folder, STORED)
    return packed


def _pack_once(file: DiscFile, written: Sequence[WrittenFile], folder: str, method: int | None) -> _Packed:
    chunks = content_of(file, written)
    first = list(islice(chunks, 2))  # the head, which always gets smaller, and what may be pixels
    if method is None:
        method = _method(b"".join(first)[-_SAMPLE:])
    packer = zlib.compressobj(_LEVEL, wbits=-zlib.MAX_WBITS) if method == DEFLATED else None
    digest, crc = hashlib.sha256(), 0
    content: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=folder)  # noqa: SIM115 - closed by who reads it
    try:
        for chunk in chain(first, chunks):
            digest.update(chunk)
            crc = zlib.crc32(chunk, crc)
            content.write(packer.compress(chunk) if packer else chunk)
        content.write(packer.flush() if packer else b"")
        size = content.tell()
        content.seek(0)
    except BaseException:
        content.close()
        raise
    return _Packed(Member(file.path, file.created, method, crc, file.size, size), digest.hexdigest(), content)


def _method(sample: bytes) -> int:
    return DEFLATED if len(zlib.compress(sample, _LEVEL)) < _WORTH * len(sample) else STORED
