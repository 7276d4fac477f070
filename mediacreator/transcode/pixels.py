"""What becomes of the Pixel Data of one instance: decoded, coded or left (PS3.5 8.2, A.4)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from mediacreator.model import UNDEFINED_LENGTH
from mediacreator.transcode.codecs import FrameFacts, check_format
from mediacreator.transcode.coders import Code, Wide, code_for, encode_frame
from mediacreator.transcode.dataset import PIXEL_DATA, Coding, DataSetReader, Element, Level
from mediacreator.transcode.encapsulation import fragments, offset_tables
from mediacreator.transcode.fragments import find_frames
from mediacreator.transcode.frames import CodedFrames, FrameSource, NativeFrames, numbered
from mediacreator.transcode.image import (
    LOSSY_IMAGE_COMPRESSION,
    PLANAR_CONFIGURATION,
    ROWS,
    Image,
    check_native_size,
    read_image,
    text,
)
from mediacreator.transcode.jobs import Coded, Job, Remark
from mediacreator.transcode.pixel_attributes import (
    LOSS_NOT_DECLARED,
    Changed,
    added_loss,
    by_keyword,
    coded_attributes,
    declared_loss,
    native_attributes,
    read_values,
    tolerated,
)
from mediacreator.transcode.reencode import NewPixels
from mediacreator.transcode.refusal import Refusal

_MAX_NATIVE = 0xFFFFFFFE  # bytes; the largest even length of 32 bits
_IN_MEMORY = 1 << 25  # bytes of coded frames that wait in memory for their offset table; more wait in the spool


@dataclass(slots=True)
class Told:
    """What frames say of themselves, gathered one by one."""

    image: Image
    photometric: str = ""  # of the decoded frames
    lossy: bool = False
    remarks: list[Remark] = field(default_factory=list)

    def add(self, facts: FrameFacts) -> None:
        """Take note of a frame.

        Raises:
            Refusal: Its colour space is not that of the frames before.
        """
        self.agree(facts.photometric)
        self.lossy = self.lossy or facts.lossy
        if facts.tolerated:
            self.remarks.append(tolerated(facts.tolerated))
        if facts.remark:
            what = f"PhotometricInterpretation (0028,0004) is {self.image.photometric}; {facts.remark}"
            clause = "PS3.5 8.2.1, 8.2.4"
            self.remarks.append(Remark("photometric-interpretation", what, "a value that fits the codestream", clause))

    def join(self, parts: Iterable[Coded]) -> None:
        """Take note of frames that were coded before."""
        for part in parts:
            self.agree(part.photometric)
            self.lossy = self.lossy or part.lossy
            self.remarks += part.remarks

    def agree(self, photometric: str) -> None:
        """Check that a frame is in the colour space of those before."""
        if self.photometric and photometric != self.photometric:
            raise Refusal(
                "corrupt-codestream",
                f"PixelData (7FE0,0010) is {photometric} where frames before are {self.photometric}",
                "one colour space in all frames",
                "PS3.5 8.2.1",
            )
        self.photometric = photometric


class PixelWork:
    """The Pixel Data of one Data Set on their way; ``lossy``, ``remarks`` and ``attributes`` tell what was found.

    Args:
        job: What is to be done.
        reader: Of the source.
        coding: Of the source.
        parts: Frames that were decoded or coded already, all of them; none: that is done here.
    """

    def __init__(self, job: Job, reader: DataSetReader, coding: Coding, parts: Sequence[Coded] = ()) -> None:
        self._job = job
        self._reader = reader
        self._coding = coding
        self._parts = parts
        self._open = ExitStack()
        self.lossy = False  # before it came to us
        self.remarks: list[Remark] = []
        self.attributes: dict[str, bytes] = {}

    def close(self) -> None:
        """Close what holds coded frames."""
        self._open.close()

    def look(self, level: Level) -> None:
        """Note whether the pixels were lossy before, and check that native ones are all there.

        Raises:
            Refusal: They are not, or their length is not one of their Transfer Syntax.
        """
        values = self._values(level)
        self.lossy = text(values.get(LOSSY_IMAGE_COMPRESSION, b"")) == "01"
        pixel_data = level.find(PIXEL_DATA)
        if pixel_data is None:
            return
        encapsulated = self._job.pixels == "encapsulated"
        if encapsulated and pixel_data.length != UNDEFINED_LENGTH:
            raise Refusal(
                "malformed-data-set",
                "PixelData (7FE0,0010) has a defined length in a Transfer Syntax of encapsulated pixels",
                "undefined length",
                "PS3.5 A.4",
            )
        if not encapsulated and ROWS in values:
            check_native_size(read_image(values), pixel_data.length)

    def new_pixels(self, level: Level, pixel_data: Element, whole: bool) -> NewPixels | None:
        """Return what takes the place of some Pixel Data, None where it stays; as ``reencode.Pixels``."""
        coded = pixel_data.length == UNDEFINED_LENGTH
        if coded and self._job.pixels != "encapsulated":
            raise Refusal(
                "malformed-data-set",
                "PixelData (7FE0,0010) has undefined length in a Transfer Syntax of native pixels",
                "a defined length",
                "PS3.5 7.1.1, A.4",
            )
        if whole and self._job.encoder is not None:
            return self._coded(level, pixel_data)
        return self._native(level, pixel_data, whole) if coded else None

    def code(self, level: Level, pixel_data: Element, numbers: range, out: BinaryIO) -> Coded:
        """Code some frames one behind the other, or decode them where native ones are wanted.

        Raises:
            Refusal: A frame cannot be decoded or coded.
            Wide: A frame holds more than Bits Stored says, and ``job.wide`` is not set.
        """
        image, source, size_before = self._source(level, pixel_data)
        told = Told(image)
        code: Code | None = None
        lengths = []
        for number in numbers:
            data, facts = source.frame(number)
            told.add(facts)
            if self._job.encoder is not None:
                with numbered(number, image.frames):
                    code = code or self._code(image, told.photometric)
                    data = encode_frame(code, data)
            out.write(data)
            lengths.append(len(data))
        remarks = tuple(dict.fromkeys(self.remarks + told.remarks))
        return Coded("", tuple(lengths), told.photometric, told.lossy, size_before, remarks)

    def _code(self, image: Image, photometric: str) -> Code:
        assert self._job.encoder is not None
        code = code_for(self._job.encoder, self._job.quality, replace(image, photometric=photometric))
        return code.widened if self._job.wide else code

    def _values(self, level: Level) -> dict[int, bytes]:
        return read_values(self._reader, level, self._coding)

    def _source(self, level: Level, pixel_data: Element) -> tuple[Image, FrameSource, int]:
        """Return the image, its frames, and the bytes that they have as they lie."""
        values = self._values(level)
        image = read_image(values)
        planar = int.from_bytes(values.get(PLANAR_CONFIGURATION, b""), "little") == 1
        if pixel_data.length != UNDEFINED_LENGTH:
            frames = NativeFrames(self._reader, pixel_data, image, self._coding, planar)
            return image, frames, image.native_size
        check_format(image)
        index = find_frames(self._reader, level, pixel_data, image.frames, self._job.codec)
        if index.table_ignored:
            self.remarks.append(tolerated("the offset table does not fit the fragments of PixelData (7FE0,0010)"))
        return image, CodedFrames(self._reader, index, image, self._job.codec, planar), index.size

    # Native frames from coded ones

    def _native(self, level: Level, pixel_data: Element, whole: bool) -> NewPixels:
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
        told = Told(image)
        frames: Iterator[bytes]
        if whole and self._parts:
            told.join(self._parts)
            size_before = self._parts[0].size_before
            frames = (stream.read(n) for stream, lengths in self._streams(self._parts) for n in lengths)
        else:
            frames, size_before = self._decoded_here(level, pixel_data, told)
        self.remarks += told.remarks
        changes = native_attributes(level, image, told.photometric)
        if whole:
            changes |= self._loss(level, told.lossy, size / max(size_before, 1))
            self.attributes = by_keyword(changes)
        return NewPixels(size, "OB" if image.allocated <= 8 else "OW", frames, changes)

    def _decoded_here(self, level: Level, pixel_data: Element, told: Told) -> tuple[Iterator[bytes], int]:
        """Look at every frame, decode none yet: what they are must be known before the first is written."""
        image, source, size_before = self._source(level, pixel_data)
        assert isinstance(source, CodedFrames)
        for number in range(image.frames):
            told.add(source.facts(number))
        return (source.frame(number)[0] for number in range(image.frames)), size_before

    # Coded frames from any

    def _coded(self, level: Level, pixel_data: Element) -> NewPixels:
        """Code all frames, or take those of parts; the attributes before them depend on what became of them."""
        image = read_image(self._values(level))
        parts = self._parts or (self._code_here(level, pixel_data, image),)
        told = Told(image)
        told.join(parts)
        self.remarks += told.remarks
        code = self._code(image, told.photometric)
        lengths = [length for part in parts for length in part.lengths]
        native, tables = image.frame_size * image.frames, offset_tables(lengths)
        changes = coded_attributes(level, code, image.photometric, tables)
        changes |= self._loss(level, told.lossy, native / max(parts[0].size_before, 1))
        if code.lossy:
            said = self._values(level) | _values_of(changes) if self.lossy else {}
            changes |= added_loss(said, self._job.method, native / max(sum(lengths), 1))
        self.attributes = by_keyword(changes)
        return NewPixels(UNDEFINED_LENGTH, "OB", fragments(tables.basic, self._streams(parts)), changes)

    def _code_here(self, level: Level, pixel_data: Element, image: Image) -> Coded:
        folder = os.path.dirname(self._job.path)
        self._waiting = self._open.enter_context(SpooledTemporaryFile(_IN_MEMORY, dir=folder))  # noqa: SIM115
        out = cast("BinaryIO", self._waiting)
        try:
            done = self.code(level, pixel_data, range(image.frames), out)
        except Wide:
            self._job = replace(self._job, wide=True)
            out.seek(0)
            out.truncate()
            done = self.code(level, pixel_data, range(image.frames), out)
        out.seek(0)
        return done

    def _streams(self, parts: Iterable[Coded]) -> Iterator[tuple[BinaryIO, tuple[int, ...]]]:
        for part in parts:
            if not part.path:
                yield cast("BinaryIO", self._waiting), part.lengths
                continue
            with open(part.path, "rb") as stream:
                yield stream, part.lengths
            os.unlink(part.path)  # not later: frames should not take their room in the spool twice

    def _loss(self, level: Level, lossy: bool, ratio: float) -> Changed:
        """Return what must say that the source was lossy, where it does not say it yet (PS3.3 C.7.6.1.1.5)."""
        by_syntax = self._job.loss == "lossy" and self._job.codec == "jpeg-xl"  # whose stream does not tell
        if self.lossy or not (lossy or by_syntax):
            return {}
        self.lossy = True
        self.remarks.append(LOSS_NOT_DECLARED)
        return declared_loss(level, self._job.codec, ratio)


def _values_of(changes: Changed) -> dict[int, bytes]:
    """Return the values that are written."""
    return {tag: change[1] for tag, change in changes.items() if change is not None}
