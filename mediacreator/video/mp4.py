"""Read the boxes of an MP4 file that tell its video (ISO/IEC 14496-12 8, 14496-14, 14496-15).

Only the headers of boxes are read, and the first bytes of those that matter: ``mdat`` and the sample tables may be of
any size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from mediacreator.video.bits import Malformed
from mediacreator.video.facts import VideoFacts

ReadAt = Callable[[int, int], bytes]
"""Return up to ``n`` bytes from byte ``position``; fewer only at the end."""

TOP_LEVEL = frozenset((b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"))
"""Types of the box that may stand first."""

CODECS = {
    b"avc1": "h264",
    b"avc2": "h264",
    b"avc3": "h264",
    b"avc4": "h264",
    b"mvc1": "h264",
    b"mvc2": "h264",
    b"hvc1": "hevc",
    b"hev1": "hevc",
    b"m2v1": "mpeg",
    b"mp2v": "mpeg",
}
OTHERS = {
    b"mp4v": "MPEG-4 Visual",
    b"s263": "H.263",
    b"jpeg": "Motion JPEG",
    b"mjpa": "Motion JPEG",
    b"mjpb": "Motion JPEG",
    b"av01": "AV1",
    b"vp09": "VP9",
    b"vp08": "VP8",
    b"vvc1": "VVC/H.266",
    b"encv": "encrypted video",
}

_MOST_BOXES = 1024  # in one box
_MOST_TRACKS = 64
_MOST_CONFIGURATION = 1 << 16  # bytes of avcC, hvcC or esds
_MOST_SAMPLE = 1 << 18  # bytes of the first sample that are read
_VISUAL_ENTRY = 78  # bytes of VisualSampleEntry before its boxes (12.1.3)
_MPEG2_OBJECTS = range(0x60, 0x66)  # objectTypeIndication (ISO/IEC 14496-1 Table 5)
_MPEG1_OBJECT = 0x6A


@dataclass(frozen=True, slots=True)
class Box:
    """A box in place; offsets in bytes from byte 0 of the stream."""

    kind: bytes
    start: int  # of what it holds
    end: int


@dataclass(frozen=True, slots=True)
class Track:
    """The first video track."""

    container: str  # mp4 or mov
    codec: str  # mpeg, h264, hevc, or "" for another
    other: str  # what another is
    units: tuple[bytes, ...]  # parameter sets: NAL units, or an MPEG-2 sequence header with its start code
    sample: bytes  # the beginning of its first sample
    nal_length: int  # bytes of the length before each NAL unit of a sample; 0: none
    frames: int | None  # samples; None where they lie in fragments
    rate: Fraction | None  # samples a second
    steady: bool  # all samples take the same time; otherwise ``rate`` is their average
    profile: VideoFacts | None = None  # what hvcC says


class Boxes:
    """Finds boxes in a stream of ``size`` bytes."""

    def __init__(self, read_at: ReadAt, size: int) -> None:
        self._read_at = read_at
        self.size = size

    def within(self, start: int, end: int) -> Iterator[Box]:
        """Yield the boxes between two offsets (4.2); stops at one that leaves them."""
        position = start
        for _ in range(_MOST_BOXES):
            head = self._read_at(position, 16) if position + 8 <= end else b""
            if len(head) < 8:
                return
            length, kind, begins = int.from_bytes(head[:4], "big"), head[4:8], position + 8
            if length == 1:
                length, begins = int.from_bytes(head[8:16], "big"), position + 16
            stop = end if length == 0 else position + length
            if stop > end or stop < begins:
                return
            yield Box(kind, begins, stop)
            position = stop

    def find(self, box: Box, *path: bytes) -> Box | None:
        """Return the first box that a path of types leads to."""
        for kind in path:
            found = next((inner for inner in self.within(box.start, box.end) if inner.kind == kind), None)
            if found is None:
                return None
            box = found
        return box

    def read(self, box: Box | None, most: int = 64, skip: int = 0) -> bytes:
        """Return at most ``most`` bytes of what a box holds; nothing for None."""
        if box is None or box.start + skip >= box.end:
            return b""
        return self._read_at(box.start + skip, min(most, box.end - box.start - skip))

    def sample(self, offset: int, size: int) -> bytes:
        """Return the beginning of a sample."""
        return self._read_at(offset, min(size, _MOST_SAMPLE)) if 0 <= offset < self.size else b""


def first_video(read_at: ReadAt, size: int) -> Track:
    """Return the first video track of an MP4 file.

    Raises:
        Malformed: There is no moov box, or no video in it.
    """
    boxes = Boxes(read_at, size)
    top = list(boxes.within(0, size))
    brand = next((boxes.read(box, 4) for box in top if box.kind == b"ftyp"), b"qt  ")
    moov = next((box for box in top if box.kind == b"moov"), None)
    if moov is None:
        raise Malformed("the file has no moov box, which says what is in it")
    tracks = (box for box in boxes.within(moov.start, moov.end) if box.kind == b"trak")
    for trak in islice(tracks, _MOST_TRACKS):
        media = boxes.find(trak, b"mdia")
        if media is not None and boxes.read(boxes.find(media, b"hdlr"))[8:12] == b"vide":
            fragmented = boxes.find(moov, b"mvex") is not None
            return _track(boxes, media, "mov" if brand == b"qt  " else "mp4", fragmented)
    raise Malformed("the file has no video track")


def _track(boxes: Boxes, media: Box, container: str, fragmented: bool) -> Track:
    table = boxes.find(media, b"minf", b"stbl")
    description = boxes.find(table, b"stsd") if table else None
    entry = next(boxes.within(description.start + 8, description.end), None) if description else None
    if table is None or entry is None:
        raise Malformed("the video track does not say what it holds")
    codec, other, units, nal_length, profile = _entry(boxes, entry)
    frames, size = _sizes(boxes, table)
    rate, steady = _rate(boxes, media, table, frames)
    return Track(
        container=container,
        codec=codec,
        other=other,
        units=units,
        sample=boxes.sample(_first_offset(boxes, table), size),
        nal_length=nal_length,
        frames=None if fragmented else frames,
        rate=rate,
        steady=steady,
        profile=profile,
    )


def _entry(boxes: Boxes, entry: Box) -> tuple[str, str, tuple[bytes, ...], int, VideoFacts | None]:
    """Return codec, name of another, parameter sets, length of lengths and what hvcC says."""
    codec, other = CODECS.get(entry.kind, ""), OTHERS.get(entry.kind, "")
    inner = Box(entry.kind, entry.start + _VISUAL_ENTRY, entry.end)
    units: list[bytes] = []
    nal_length = 0
    for kind in (b"avcC", b"mvcC"):
        record = boxes.read(boxes.find(inner, kind), _MOST_CONFIGURATION)
        if len(record) > 5:
            units += _nal_units(record)
            nal_length = nal_length or (record[4] & 3) + 1
    if entry.kind == b"mp4v":
        held = boxes.read(boxes.find(inner, b"esds"), _MOST_CONFIGURATION)
        kind_of_object = object_type(held)
        if kind_of_object in _MPEG2_OBJECTS or kind_of_object == _MPEG1_OBJECT:
            codec, other = "mpeg", ""
            begin = held.find(b"\x00\x00\x01\xb3")
            units = [held[begin:]] if begin >= 0 else []
    record = boxes.read(boxes.find(inner, b"hvcC"))
    profile = VideoFacts(codec="hevc", profile=record[1] & 0x1F, level=record[12]) if len(record) > 12 else None
    if not codec and not other:
        other = f"video of kind {entry.kind.decode('ascii', 'replace')!a}"
    return codec, other, tuple(units), nal_length, profile


def _nal_units(record: bytes) -> Iterator[bytes]:
    """Yield the parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1.2)."""
    position = 5
    for mask in (0x1F, 0xFF):
        if position >= len(record):
            return
        count = record[position] & mask
        position += 1
        for _ in range(count):
            size = int.from_bytes(record[position : position + 2], "big")
            unit = record[position + 2 : position + 2 + size]
            if not unit:
                return
            yield unit
            position += 2 + size


def object_type(esds: bytes) -> int:
    """Return objectTypeIndication of an esds box (ISO/IEC 14496-1 7.2.6), -1 where it is not found."""
    position = _descriptor(esds, 4, 3)
    if position < 0 or position + 3 > len(esds):
        return -1
    flags = esds[position + 2]
    position += 3 + (2 if flags & 0x80 else 0)
    if flags & 0x40 and position < len(esds):
        position += 1 + esds[position]
    position = _descriptor(esds, position + (2 if flags & 0x20 else 0), 4)
    return esds[position] if 0 <= position < len(esds) else -1


def _descriptor(data: bytes, position: int, tag: int) -> int:
    """Return the offset of what a descriptor holds, -1 where it is another (ISO/IEC 14496-1 8.3.3)."""
    if data[position : position + 1] != bytes([tag]):
        return -1
    for index in range(position + 1, min(position + 5, len(data))):
        if not data[index] & 0x80:
            return index + 1
    return -1


def _sizes(boxes: Boxes, table: Box) -> tuple[int | None, int]:
    """Return the number of samples and the size of the first (8.7.3)."""
    held = boxes.read(boxes.find(table, b"stsz"), 16)
    if len(held) >= 12:
        same, count = int.from_bytes(held[4:8], "big"), int.from_bytes(held[8:12], "big")
        return count, same or int.from_bytes(held[12:16], "big")
    held = boxes.read(boxes.find(table, b"stz2"), 12)
    return (int.from_bytes(held[8:12], "big"), _MOST_SAMPLE) if len(held) == 12 else (None, 0)


def _first_offset(boxes: Boxes, table: Box) -> int:
    """Return the offset of the first chunk, where the first sample lies (8.7.5), -1 for none."""
    for kind, width in ((b"stco", 4), (b"co64", 8)):
        held = boxes.read(boxes.find(table, kind), 16)
        if len(held) >= 8 + width and int.from_bytes(held[4:8], "big"):
            return int.from_bytes(held[8 : 8 + width], "big")
    return -1


def _rate(boxes: Boxes, media: Box, table: Box, frames: int | None) -> tuple[Fraction | None, bool]:
    """Return samples a second, and whether all take the same time (8.4.2, 8.6.1.2)."""
    header = boxes.read(boxes.find(media, b"mdhd")).ljust(32, b"\x00")
    wide = header[0] == 1
    scale = int.from_bytes(header[20:24] if wide else header[12:16], "big")
    duration = int.from_bytes(header[24:32] if wide else header[16:20], "big")
    times = boxes.read(boxes.find(table, b"stts"), 16)
    delta = int.from_bytes(times[12:16], "big") if times[4:8] == b"\x00\x00\x00\x01" else 0
    if scale and delta:
        return Fraction(scale, delta), True
    return (Fraction(frames * scale, duration) if frames and scale and duration else None), False
