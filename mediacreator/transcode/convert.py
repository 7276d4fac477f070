"""Encode one instance anew: from its source to a file in the spool."""

from __future__ import annotations

import contextlib
import errno
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

from mediacreator.errors import SourceChanged, SourceUnreadable
from mediacreator.model import Container, SourceFile
from mediacreator.sources.reading import open_source
from mediacreator.transcode.coders import Wide
from mediacreator.transcode.dataset import (
    DAMAGED,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    PIXEL_DATA,
    Coding,
    DataSetReader,
    Level,
)
from mediacreator.transcode.jobs import Coded, Converted, Failed, Job, Part, Remark
from mediacreator.transcode.pixel_attributes import tolerated
from mediacreator.transcode.pixels import PixelWork
from mediacreator.transcode.reencode import Reencoder
from mediacreator.transcode.refusal import Refusal

_CODINGS = {"implicit-le": IMPLICIT_LITTLE, "explicit-be": EXPLICIT_BIG}
_FULL = (errno.ENOSPC, errno.EDQUOT)
_BUFFER = 1 << 18  # bytes


def convert(job: Job, parts: Sequence[Coded] = ()) -> Converted | Failed:
    """Encode one instance; whatever is wrong with it comes back as a value.

    Args:
        job: What to do.
        parts: Its frames, where they were coded before; their files are deleted.
    """
    try:
        return _convert(job, parts)
    except _EXPECTED as exc:
        failure = _failed(job, exc)
    finally:
        for part in parts:
            _remove(part.path)
    _remove(job.path)
    return failure


def code_part(part: Part) -> Coded | Failed:
    """Code some frames of an instance into a file; whatever is wrong comes back as a value."""
    try:
        with _opened(part.job) as (data, start, size), open(part.path, "wb", buffering=_BUFFER) as out:
            source = _Source(part.job, DataSetReader(data, size), start)
            work = PixelWork(part.job, source.reader, source.coding)
            work.look(source.level)
            pixel_data = source.level.find(PIXEL_DATA)
            assert pixel_data is not None
            done = work.code(source.level, pixel_data, range(part.first, part.last), out)
        return replace(done, path=part.path)
    except Wide:
        _remove(part.path)
        return Coded("", (), "", lossy=False, size_before=0, remarks=(), wide=True)
    except _EXPECTED as exc:
        failure = _failed(part.job, exc)
    _remove(part.path)
    return failure


_EXPECTED = (Refusal, SourceChanged, SourceUnreadable, OSError, MemoryError, *DAMAGED)


def _failed(job: Job, exc: BaseException) -> Failed:
    """Say what went wrong."""
    if isinstance(exc, Refusal):
        return Failed(job.number, exc.code, exc.what, exc.expected, exc.clause)
    if isinstance(exc, SourceChanged):
        return Failed(job.number, "source-changed", "the file vanished or changed", "the file as it was scanned", "")
    if isinstance(exc, OSError):
        full = exc.errno in _FULL
        code = "no-space" if full else "source-unreadable"
        return Failed(job.number, code, f"{exc.strerror or type(exc).__name__}", "a readable file", "", full)
    if isinstance(exc, MemoryError):
        return Failed(
            job.number, "frame-too-large", "a frame does not fit in memory", "a smaller frame", "PS3.3 C.7.6.3"
        )
    return Failed(job.number, "source-unreadable", "the file cannot be read", "a readable file", "")


def _convert(job: Job, parts: Sequence[Coded]) -> Converted:
    with _opened(job) as (data, start, size):
        source = _Source(job, DataSetReader(data, size), start)
        with open(job.path, "wb", buffering=_BUFFER) as out:
            work = _write(job, source, parts, out)
            written = out.tell()
    return Converted(
        number=job.number,
        size=written,
        mtime_ns=os.stat(job.path).st_mtime_ns,
        lossy=work.lossy,
        remarks=tuple(dict.fromkeys(source.remarks + work.remarks)),
        attributes=tuple(work.attributes.items()),
    )


def _write(job: Job, source: _Source, parts: Sequence[Coded], out: BinaryIO) -> PixelWork:
    """Write the new Data Set."""
    target = job.dataset if job.kept else ""  # else Explicit VR Little Endian
    if target == "explicit-be":
        raise Refusal(
            "unsupported-transfer-syntax",
            "the Data Set must be written anew, and its Transfer Syntax is Explicit VR Big Endian",
            "Explicit VR Little Endian",
            "PS3.5 A.3 (retired)",
        )
    work = PixelWork(job, source.reader, source.coding, parts)
    deflating = _Deflating(out) if target == "deflated" else None
    reencoder = Reencoder(
        source.reader,
        deflating or out,
        source.coding,
        None if job.kept else work.new_pixels,
        nested=job.pixels == "encapsulated" and not job.kept,
        rewrite=job.rewrite,
        implicit=target == "implicit-le",
    )
    try:
        work.look(source.level)
        reencoder.data_set(source.level)
    finally:
        work.close()
    if deflating is not None:
        deflating.finish()
    work.remarks += [tolerated(remark) for remark in reencoder.remarks]
    if source.reader.delimiter_missing:
        work.remarks.append(tolerated("the delimiter at the end of PixelData (7FE0,0010) is missing"))
    return work


class _Source:
    """A Data Set that is read: its coding, its elements and what was tolerated."""

    def __init__(self, job: Job, reader: DataSetReader, start: int) -> None:
        self.reader = reader
        self.remarks: list[Remark] = []
        self.coding = self._coding(job, start)
        self.level: Level = reader.level(start, reader.size, reader.size, self.coding)

    def _coding(self, job: Job, start: int) -> Coding:
        """Return how the Data Set is encoded: as its first element shows where that is not what the syntax says."""
        coding = _CODINGS.get(job.dataset, EXPLICIT_LITTLE)
        found = self.reader.coding_at(start)
        if coding == EXPLICIT_BIG or found is None or found == coding:
            return coding
        self.remarks.append(tolerated(f"the Data Set is in {'Implicit' if found.implicit else 'Explicit'} VR"))
        return found


class _Deflating:
    """Deflates what is written to it (PS3.5 A.5)."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)

    def write(self, data: bytes) -> None:
        """Take some bytes."""
        self._out.write(self._deflater.compress(data))

    def finish(self) -> None:
        """Write what is left, padded to an even length."""
        self._out.write(self._deflater.flush())
        if self._out.tell() & 1:
            self._out.write(b"\0")


@contextlib.contextmanager
def _opened(job: Job) -> Iterator[tuple[BinaryIO, int, int]]:
    """Give the Data Set of a source, inflated where it is deflated, where it begins and the size of its stream.

    Raises:
        SourceChanged: The source is another one when it was read than it was before.
    """
    with open_source(job.source) as stream:
        if job.dataset != "deflated":
            yield stream, job.dataset_offset, job.source.size
        else:
            path = f"{job.path}.inflated"
            try:
                size = _inflate(stream, job.dataset_offset, path, job.inflated_limit)
                with open(path, "rb") as inflated:
                    yield inflated, 0, size
            finally:
                _remove(path)
        _check_unchanged(stream, job.source)


def _check_unchanged(stream: BinaryIO, source: SourceFile) -> None:
    if source.container is Container.FILE:
        found = os.fstat(stream.fileno())
        if (found.st_size, found.st_mtime_ns) != (source.size, source.mtime_ns):
            raise SourceChanged(f"{source.location} changed while it was read.")


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _inflate(stream: BinaryIO, start: int, path: str, limit: int) -> int:
    """Write the inflated Data Set to ``path``; return its size in bytes, about ``limit`` at most. Source: PS3.5 A.5."""
    stream.seek(start)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    with open(path, "wb") as out:
        try:
            while not inflater.eof:
                data = inflater.unconsumed_tail or stream.read(1 << 16)
                if not data:
                    break
                out.write(inflater.decompress(data, 1 << 20))
                if out.tell() > limit:
                    raise _broken_deflation(f"inflates to more than {limit} bytes")
        except zlib.error as exc:
            raise _broken_deflation("is damaged") from exc
        if not inflater.eof:
            raise _broken_deflation("ends early")
        return out.tell()


def _broken_deflation(how: str) -> Refusal:
    return Refusal("truncated-data-set", f"the deflated Data Set {how}", "a whole deflated stream", "PS3.5 A.5")
