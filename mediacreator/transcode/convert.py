"""Encode one instance anew in Explicit VR Little Endian: from its source to a file in the spool."""

from __future__ import annotations

import contextlib
import errno
import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from mediacreator.errors import SourceChanged, SourceUnreadable
from mediacreator.model import Container, SourceFile
from mediacreator.sources.reading import open_source
from mediacreator.transcode.codecs import check_format, decode_frame, inspect_frame, lossy_method
from mediacreator.transcode.dataset import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    PIXEL_DATA,
    Coding,
    DataSetReader,
    Element,
    Level,
)
from mediacreator.transcode.fragments import (
    ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH,
    EXTENDED_OFFSET_TABLE,
    EXTENDED_OFFSET_TABLE_LENGTHS,
    FrameIndex,
    find_frames,
    read_frame,
)
from mediacreator.transcode.image import (
    LOSSY_IMAGE_COMPRESSION,
    LOSSY_IMAGE_COMPRESSION_METHOD,
    LOSSY_IMAGE_COMPRESSION_RATIO,
    NUMBER_OF_FRAMES,
    PHOTOMETRIC_INTERPRETATION,
    PIXEL_TAGS,
    PLANAR_CONFIGURATION,
    ROWS,
    Image,
    check_native_size,
    read_image,
    text,
)
from mediacreator.transcode.jobs import Converted, Failed, Job, Remark
from mediacreator.transcode.reencode import Frames, Reencoder
from mediacreator.transcode.refusal import Refusal

_CODINGS = {"implicit-le": IMPLICIT_LITTLE, "explicit-be": EXPLICIT_BIG}
_MAX_NATIVE = 0xFFFFFFFE  # bytes; the largest even length of 32 bits
_FULL = (errno.ENOSPC, errno.EDQUOT)


def convert(job: Job) -> Converted | Failed:
    """Encode one instance; whatever is wrong with it comes back as a value."""
    try:
        return _convert(job)
    except Refusal as refusal:
        failure = Failed(job.number, refusal.code, refusal.what, refusal.expected, refusal.clause)
    except SourceChanged:
        failure = Failed(job.number, "source-changed", "the file vanished or changed", "the file as it was scanned", "")
    except SourceUnreadable:
        failure = Failed(job.number, "source-unreadable", "the file cannot be read", "a readable file", "")
    except OSError as exc:
        full = exc.errno in _FULL
        code = "no-space" if full else "source-unreadable"
        failure = Failed(job.number, code, f"{exc.strerror or type(exc).__name__}", "a readable file", "", full)
    except MemoryError:
        failure = Failed(
            job.number, "frame-too-large", "a frame does not fit in memory", "a smaller frame", "PS3.3 C.7.6.3"
        )
    _remove(job.path)
    return failure


def _convert(job: Job) -> Converted:
    with open_source(job.source) as stream:
        start, size, inflated = job.dataset_offset, job.source.size, None
        try:
            data: BinaryIO = stream
            if job.dataset == "deflated":
                inflated = f"{job.path}.inflated"
                size = _inflate(stream, start, inflated, job.inflated_limit)
                start, data = 0, open(inflated, "rb")  # noqa: SIM115  # closed below
            with open(job.path, "wb", buffering=1 << 18) as out:
                conversion = _Conversion(job, DataSetReader(data, size))
                conversion.run(start, out)
                written = out.tell()
            _check_unchanged(stream, job.source)
        finally:
            if inflated is not None:
                data.close()
                _remove(inflated)
    return Converted(
        job.number, written, os.stat(job.path).st_mtime_ns, conversion.lossy, tuple(dict.fromkeys(conversion.remarks))
    )


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


class _Conversion:
    """One Data Set on its way; ``lossy`` and ``remarks`` tell what was found."""

    def __init__(self, job: Job, reader: DataSetReader) -> None:
        self.job = job
        self.reader = reader
        self.coding = EXPLICIT_LITTLE
        self.lossy = False
        self.remarks: list[Remark] = []

    def run(self, start: int, out: BinaryIO) -> None:
        reader = self.reader
        self.coding = self._coding(start)
        level = reader.level(start, reader.size, reader.size, self.coding)
        encapsulated = self.job.pixels == "encapsulated"
        self._look_at_pixels(level, encapsulated)
        reencoder = Reencoder(reader, out, self.coding, self._frames if encapsulated else None)
        reencoder.data_set(level)
        self.remarks += [_tolerated(remark) for remark in reencoder.remarks]
        if reader.delimiter_missing:
            self.remarks.append(_tolerated("the delimiter at the end of PixelData (7FE0,0010) is missing"))

    def _coding(self, start: int) -> Coding:
        """Return how the Data Set is encoded: as its first element shows where that is not what the syntax says."""
        coding = _CODINGS.get(self.job.dataset, EXPLICIT_LITTLE)
        found = self.reader.coding_at(start)
        if coding == EXPLICIT_BIG or found is None or found == coding:
            return coding
        self.remarks.append(_tolerated(f"the Data Set is in {'Implicit' if found.implicit else 'Explicit'} VR"))
        return found

    def _values(self, level: Level) -> dict[int, bytes]:
        """Return the attributes that describe the pixels, in little endian."""
        values = {element.tag: self.reader.small_value(element) for element in level.elements if element.tag in _WANTED}
        if self.coding.big_endian:
            return {tag: value if tag in _TEXTS else value[::-1] for tag, value in values.items()}
        return values

    def _look_at_pixels(self, level: Level, encapsulated: bool) -> None:
        """Note whether the pixels were lossy before, and check that native ones are all there."""
        values = self._values(level)
        self.lossy = text(values.get(LOSSY_IMAGE_COMPRESSION, b"")) == "01"
        pixel_data = level.find(PIXEL_DATA)
        if pixel_data is None:
            return
        if encapsulated and pixel_data.length != _UNDEFINED:
            raise Refusal(
                "malformed-data-set",
                "PixelData (7FE0,0010) has a defined length in a Transfer Syntax of encapsulated pixels",
                "undefined length",
                "PS3.5 A.4",
            )
        if not encapsulated and ROWS in values:
            check_native_size(read_image(values), pixel_data.length)

    def _frames(self, level: Level, pixel_data: Element, whole: bool) -> Frames:
        """Prepare the decoding of one Pixel Data: look at every frame, decode none yet."""
        job = self.job
        image = read_image(self._values(level))
        check_format(image)
        size = image.frame_size * image.frames
        if size > _MAX_NATIVE:
            raise Refusal(
                "pixel-data-too-large",
                f"PixelData (7FE0,0010) has {size} bytes once it is native",
                f"at most {_MAX_NATIVE}",
                "PS3.5 7.1.1, A.2",
            )
        index = find_frames(self.reader, level, pixel_data, image.frames, job.codec)
        if index.table_ignored:
            self.remarks.append(_tolerated("the offset table does not fit the fragments of PixelData (7FE0,0010)"))
        photometric, lossy = self._inspect(index, image)
        changes = _pixel_changes(level, image, photometric)
        if whole:
            changes |= self._lossy_changes(level, lossy, size / max(index.size, 1))
        return Frames(size, "OB" if image.allocated <= 8 else "OW", self._decoded(index, image), changes)

    def _inspect(self, index: FrameIndex, image: Image) -> tuple[str, bool]:
        """Return the Photometric Interpretation of the decoded frames and whether one of them is lossy."""
        photometric, lossy = "", self.job.loss == "lossy" and self.job.codec == "jpeg-xl"
        for number, spans in enumerate(index.frames, 1):
            with _FrameNumber(number, image.frames):
                facts = inspect_frame(self.job.codec, read_frame(self.reader, spans), image)
                if photometric and facts.photometric != photometric:
                    raise Refusal(
                        "corrupt-codestream",
                        f"PixelData (7FE0,0010) is {facts.photometric} where frames before are {photometric}",
                        "one colour space in all frames",
                        "PS3.5 8.2.1",
                    )
            photometric, lossy = facts.photometric, lossy or facts.lossy
            if facts.tolerated:
                self.remarks.append(_tolerated(facts.tolerated))
            if facts.remark:
                self.remarks.append(
                    Remark(
                        "photometric-interpretation",
                        f"PhotometricInterpretation (0028,0004) is {image.photometric}; {facts.remark}",
                        "a value that fits the codestream",
                        "PS3.5 8.2.1, 8.2.4",
                    )
                )
        return photometric, lossy

    def _decoded(self, index: FrameIndex, image: Image) -> Iterator[bytes]:
        for number, spans in enumerate(index.frames, 1):
            with _FrameNumber(number, image.frames):
                frame = decode_frame(self.job.codec, read_frame(self.reader, spans), image)
            yield frame

    def _lossy_changes(self, level: Level, lossy: bool, ratio: float) -> dict[int, tuple[str, bytes]]:
        """Return what must say that pixels were compressed lossily, where the source does not say it yet.

        Source: PS3.3 C.7.6.1.1.5.
        """
        if self.lossy or not lossy:
            return {}
        self.lossy = True
        changes = {LOSSY_IMAGE_COMPRESSION: ("CS", b"01")}
        if level.find(LOSSY_IMAGE_COMPRESSION_RATIO) is None:
            changes[LOSSY_IMAGE_COMPRESSION_RATIO] = ("DS", _even(f"{ratio:.4g}"))
        method = lossy_method(self.job.codec)
        if method and level.find(LOSSY_IMAGE_COMPRESSION_METHOD) is None:
            changes[LOSSY_IMAGE_COMPRESSION_METHOD] = ("CS", _even(method))
        self.remarks.append(
            Remark(
                "lossy-not-declared",
                "LossyImageCompression (0028,2110) is not 01, but the codestream is lossy; 01 was set",
                "01",
                "PS3.3 C.7.6.1.1.5",
            )
        )
        return changes


class _FrameNumber:
    """Adds the number of the frame to a Refusal."""

    def __init__(self, number: int, of: int) -> None:
        self._where = f", frame {number} of {of}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Refusal):
            raise Refusal(error.code, error.what + self._where, error.expected, error.clause) from error


def _pixel_changes(level: Level, image: Image, photometric: str) -> dict[int, tuple[str, bytes] | None]:
    """Return the attributes that are others once the frames are native (PS3.3 C.7.6.3)."""
    changes: dict[int, tuple[str, bytes] | None] = {
        tag: None
        for tag in (
            EXTENDED_OFFSET_TABLE,
            EXTENDED_OFFSET_TABLE_LENGTHS,
            ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH,
        )
        if level.find(tag) is not None
    }
    if photometric != image.photometric:
        changes[PHOTOMETRIC_INTERPRETATION] = ("CS", _even(photometric))
    if image.samples > 1:
        changes[PLANAR_CONFIGURATION] = ("US", b"\0\0")
    return changes


def _even(words: str) -> bytes:
    value = words.encode("ascii")
    return value + b" " if len(value) & 1 else value


def _tolerated(what: str) -> Remark:
    return Remark("tolerated-encoding", what, "as the standard says", "PS3.5 7, A.4")


_WANTED = frozenset(PIXEL_TAGS)
_TEXTS = frozenset((PHOTOMETRIC_INTERPRETATION, NUMBER_OF_FRAMES, LOSSY_IMAGE_COMPRESSION)) | {
    LOSSY_IMAGE_COMPRESSION_RATIO,
    LOSSY_IMAGE_COMPRESSION_METHOD,
}
_UNDEFINED = 0xFFFFFFFF
