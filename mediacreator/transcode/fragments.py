"""Find the frames in the fragments of encapsulated Pixel Data without reading them (PS3.5 A.4)."""

from __future__ import annotations

import struct
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from mediacreator.model import UNDEFINED_LENGTH
from mediacreator.transcode.dataset import DataSetReader, Element, Level
from mediacreator.transcode.refusal import Refusal

EXTENDED_OFFSET_TABLE = 0x7FE00001
EXTENDED_OFFSET_TABLE_LENGTHS = 0x7FE00002
ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH = 0x7FE00003

_FRAME_STARTS = {
    "jpeg": (b"\xff\xd8\xff",),
    "jpeg-ls": (b"\xff\xd8\xff",),
    "jpeg-2000": (b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "),
    "htj2k": (b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "),
    "jpeg-xl": (b"\xff\x0a", b"\x00\x00\x00\x0cJXL "),
}
"""First bytes of a frame; inside a JPEG, JPEG-LS or JPEG 2000 codestream they cannot stand."""

Span = tuple[int, int]
"""Offset and length of a fragment's value, in bytes from byte 0 of the stream."""


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Where each frame lies; a frame may span fragments."""

    frames: tuple[tuple[Span, ...], ...]
    table_ignored: bool  # an offset table that contradicts the fragments was there

    @property
    def size(self) -> int:
        """Length of all frames as encoded, in bytes."""
        return sum(length for frame in self.frames for _, length in frame)


def find_frames(reader: DataSetReader, level: Level, pixel_data: Element, count: int, codec: str) -> FrameIndex:
    """Return the fragments of each frame.

    Args:
        reader: Of the Data Set.
        level: The elements beside Pixel Data, among them the Extended Offset Table (PS3.3 C.7.6.3.1.8).
        pixel_data: Of undefined length.
        count: Number of Frames (0028,0008), 1 or more.
        codec: As tables/transfer_syntaxes.csv names it.

    Raises:
        Refusal: ``frame-count`` where the frames are not as many as Number of Frames says, ``truncated-pixel-data``
            where a fragment is not whole.
    """
    items = list(reader.fragments(pixel_data))
    if not items:
        raise Refusal(
            "truncated-pixel-data",
            "PixelData (7FE0,0010) has no item",
            "a Basic Offset Table and fragments",
            "PS3.5 A.4",
        )
    (table_offset, table_length), fragments = items[0], [span for span in items[1:] if span[1]]
    if len(fragments) < (count if reader.delimiter_missing else 1):
        raise Refusal(
            "truncated-pixel-data",
            f"PixelData (7FE0,0010) holds {len(fragments)} fragments for {count} frames",
            "at least one fragment for each frame",
            "PS3.5 A.4",
        )
    offsets = _extended_offsets(reader, level.find(EXTENDED_OFFSET_TABLE))
    if not offsets and table_length:
        table = reader.bytes_at(table_offset, table_length & ~3)
        offsets = struct.unpack(f"<{len(table) // 4}I", table)
    if len(offsets) > count and _frames_by_table(fragments, offsets):
        raise _wrong_count(len(offsets), count)
    if len(offsets) == count:
        frames = _frames_by_table(fragments, offsets)
        if frames:
            return FrameIndex(frames, table_ignored=False)
    return FrameIndex(_frames_by_start(reader, fragments, count, codec), table_ignored=bool(offsets))


def read_frame(reader: DataSetReader, spans: tuple[Span, ...]) -> bytes:
    """Return a frame as it is encoded, its fragments joined."""
    return b"".join(reader.bytes_at(offset, length) for offset, length in spans)


def _extended_offsets(reader: DataSetReader, element: Element | None) -> tuple[int, ...]:
    if element is None or element.length == UNDEFINED_LENGTH or element.length % 8:
        return ()
    return struct.unpack(f"<{element.length // 8}Q", reader.bytes_at(element.offset, element.length))


def _frames_by_table(fragments: list[Span], offsets: tuple[int, ...]) -> tuple[tuple[Span, ...], ...]:
    """Return the frames as an offset table gives them, or none when it does not fit the fragments.

    Offsets count from the first byte of the Item Tag of the first fragment (PS3.5 A.4).
    """
    first = fragments[0][0]
    starts = [offset - first for offset, _ in fragments]
    if offsets[0] != 0 or any(a >= b for a, b in pairwise(offsets)):
        return ()
    cuts = [bisect_right(starts, offset) - 1 for offset in offsets]
    if any(starts[cut] != offset for cut, offset in zip(cuts, offsets, strict=True)):
        return ()
    cuts.append(len(fragments))
    return tuple(tuple(fragments[a:b]) for a, b in pairwise(cuts))


def _frames_by_start(
    reader: DataSetReader, fragments: list[Span], count: int, codec: str
) -> tuple[tuple[Span, ...], ...]:
    """Return the frames by the first bytes of the fragments; one fragment each where a codec has no such bytes."""
    marks = _FRAME_STARTS.get(codec)
    if marks is None or codec == "jpeg-xl":
        cuts = list(range(len(fragments))) if marks is None or len(fragments) == count else [0]
    else:
        cuts = [k for k, (offset, length) in enumerate(fragments) if _starts_with(reader, offset, length, marks)]
        if not cuts or cuts[0] != 0:
            cuts = [0, *cuts]  # whatever the first fragment is, a frame begins there: the decoder will tell
    if len(cuts) != count:
        raise _wrong_count(len(cuts), count)
    cuts.append(len(fragments))
    return tuple(tuple(fragments[a:b]) for a, b in pairwise(cuts))


def _starts_with(reader: DataSetReader, offset: int, length: int, marks: tuple[bytes, ...]) -> bool:
    return reader.bytes_at(offset, min(length, 8)).startswith(marks)


def _wrong_count(found: int, count: int) -> Refusal:
    return Refusal(
        "frame-count",
        f"PixelData (7FE0,0010) holds {found} frames",
        f"{count}, as NumberOfFrames (0028,0008) says",
        "PS3.3 C.7.6.6, PS3.5 A.4",
    )
