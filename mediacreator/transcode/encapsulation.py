"""Coded frames on their way into encapsulated Pixel Data: one fragment each, behind an offset table (PS3.5 A.4)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import BinaryIO

from mediacreator.transcode.fragments import EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS

ITEM_HEADER = 8  # bytes of a tag and a length
_LARGEST_OFFSET = 0xFFFFFFFF
_DELIMITER = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


@dataclass(frozen=True, slots=True)
class OffsetTables:
    """Where frames of some even lengths lie."""

    basic: bytes  # value of the first item
    extended: Mapping[int, tuple[str, bytes] | None]  # elements beside Pixel Data


def offset_tables(lengths: Iterable[int]) -> OffsetTables:
    """Return a Basic Offset Table, or an Extended one where offsets have more than 32 bits.

    Args:
        lengths: Of the frames in bytes, padding included; one fragment each.

    Source: PS3.5 A.4; PS3.3 C.7.6.3.1.8, C.7.6.3.1.9 (with an Extended Offset Table the basic one is empty).
    """
    sizes = tuple(lengths)
    offsets = list(accumulate((ITEM_HEADER + size for size in sizes[:-1]), initial=0))
    if offsets[-1] <= _LARGEST_OFFSET:
        return OffsetTables(struct.pack(f"<{len(offsets)}I", *offsets), {})
    return OffsetTables(
        b"",
        {
            EXTENDED_OFFSET_TABLE: ("OV", struct.pack(f"<{len(offsets)}Q", *offsets)),
            EXTENDED_OFFSET_TABLE_LENGTHS: ("OV", struct.pack(f"<{len(sizes)}Q", *sizes)),
        },
    )


def fragments(basic: bytes, parts: Iterable[tuple[BinaryIO, Iterable[int]]]) -> Iterator[bytes]:
    """Yield the value of encapsulated Pixel Data, its delimiter included, one frame at a time.

    Args:
        basic: The Basic Offset Table.
        parts: Streams that hold frames one behind the other, and the length of each frame.
    """
    yield _item(len(basic)) + basic
    for stream, lengths in parts:
        for length in lengths:
            yield _item(length)
            yield stream.read(length)
    yield _DELIMITER


def _item(length: int) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, length)
