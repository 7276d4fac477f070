"""Read the Data Elements of a Data Set in place, level by level, without their values (PS3.5 7).

Nothing is held but the elements of one level: a sequence of a thousand frames is walked item by item.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from mediacreator.model import UNDEFINED_LENGTH
from mediacreator.transcode.refusal import Refusal

ITEM = 0xFFFEE000
ITEM_DELIMITATION_ITEM = 0xFFFEE00D
SEQUENCE_DELIMITATION_ITEM = 0xFFFEE0DD
DATA_SET_TRAILING_PADDING = 0xFFFCFFFC
PIXEL_DATA = 0x7FE00010

LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""VRs whose length has 32 bits in an Explicit VR (PS3.5 Table 7.1-1)."""
SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""VRs whose length has 16 bits in an Explicit VR (PS3.5 Table 7.1-2)."""

DAMAGED = (EOFError, zlib.error, zipfile.BadZipFile)
"""What a damaged archive or deflated Data Set raises while it is read."""

_MAX_DEPTH = 64  # of sequences in sequences; real ones reach 8
_MAX_SMALL = 4096  # bytes; of a value that is read whole to know how to decode


@dataclass(frozen=True, slots=True)
class Coding:
    """How a Data Set is encoded (PS3.5 7.1, 7.3, A.1-A.3)."""

    implicit: bool = False
    big_endian: bool = False


IMPLICIT_LITTLE = Coding(implicit=True)
EXPLICIT_LITTLE = Coding()
EXPLICIT_BIG = Coding(big_endian=True)


@dataclass(frozen=True, slots=True)
class Element:
    """A Data Element in place; offsets are in bytes from byte 0 of the stream."""

    tag: int
    vr: str  # as encoded, or as PS3.6 gives it for an Implicit VR: "US", "US or SS", ...
    start: int  # of the tag
    offset: int  # of the value
    length: int  # of the value; UNDEFINED_LENGTH
    end: int  # of the element, its delimiter included
    coding: Coding  # of the items, for a sequence

    @property
    def is_sequence(self) -> bool:
        """Whether the value is a sequence of items."""
        return self.vr == "SQ" or (self.length == UNDEFINED_LENGTH and self.tag != PIXEL_DATA)


@dataclass(frozen=True, slots=True)
class Level:
    """The elements of a Data Set or of one item, not those nested in its sequences."""

    elements: tuple[Element, ...]
    end: int  # offset of what follows, an Item Delimitation Item included

    def find(self, tag: int) -> Element | None:
        """Return the element with this tag, or None."""
        for element in self.elements:
            if element.tag == tag:
                return element
        return None


class DataSetReader:
    """Reads the elements of one Data Set in a seekable stream of ``size`` bytes."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self.size = size
        self.delimiter_missing = False
        """Whether the file ends without the delimiter of its last element."""

    def bytes_at(self, offset: int, length: int) -> bytes:
        """Return ``length`` bytes, or raise a Refusal when the file ends before."""
        self._stream.seek(offset)
        data = self._stream.read(length)
        if len(data) != length:
            raise _cut_short(offset, length, self.size)
        return data

    def chunks(self, start: int, end: int, chunk: int = 1 << 20) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to ``end``."""
        while start < end:
            data = self.bytes_at(start, min(chunk, end - start))
            start += len(data)
            yield data

    def small_value(self, element: Element | None) -> bytes:
        """Return a value of at most a few kilobytes; ``b""`` for an element that is absent."""
        if element is None or element.length == UNDEFINED_LENGTH or element.length > _MAX_SMALL:
            return b""
        return self.bytes_at(element.offset, element.length)

    def coding_at(self, start: int) -> Coding | None:
        """Return how the element at ``start`` is encoded if it is Little Endian; None at the end."""
        if start + 8 > self.size:
            return None
        vr = self.bytes_at(start, 6)[4:]
        return EXPLICIT_LITTLE if vr in SHORT_VRS or vr in LONG_VRS else IMPLICIT_LITTLE

    def level(self, start: int, end: int | None, limit: int, coding: Coding, depth: int = 0) -> Level:
        """Return the elements from ``start`` to ``end``, or to an Item Delimitation Item where ``end`` is None.

        Args:
            start: Offset of the first tag.
            end: Offset behind the last element, or None for an item of undefined length.
            limit: Offset that no element may pass.
            coding: How the elements are encoded.
            depth: Of the sequence that holds the item; 0 for the Data Set.

        Raises:
            Refusal: The Data Set is cut short or makes no sense.
        """
        if depth > _MAX_DEPTH:
            raise Refusal(
                "malformed-data-set", f"sequences are nested more than {_MAX_DEPTH} deep", "fewer levels", "PS3.5 7.5"
            )
        elements: list[Element] = []
        position = start
        while end is None or position < end:
            if end is None and self._tag(position, coding) == ITEM_DELIMITATION_ITEM:
                return Level(tuple(elements), position + 8)
            element = self._element(position, limit if end is None else end, coding, depth)
            elements.append(element)
            position = element.end
        return Level(tuple(elements), position)

    def items(self, sequence: Element, depth: int) -> Iterator[Level]:
        """Yield the items of a sequence, each with its elements."""
        coding = sequence.coding
        position = sequence.offset
        end = sequence.end if sequence.length == UNDEFINED_LENGTH else sequence.offset + sequence.length
        while position < end:
            tag, length = self._item_header(position, coding)
            if tag == SEQUENCE_DELIMITATION_ITEM and sequence.length == UNDEFINED_LENGTH:
                return
            _expect_item(tag, position)
            start = position + 8
            item_end = None if length == UNDEFINED_LENGTH else start + length
            if item_end is not None and item_end > end:
                raise _cut_short(start, length, end)
            item = self.level(start, item_end, end, coding, depth)
            yield item
            position = item.end

    def fragments(self, pixel_data: Element) -> Iterator[tuple[int, int]]:
        """Yield offset and length of each item of encapsulated Pixel Data, the Basic Offset Table first (PS3.5 A.4)."""
        position = pixel_data.offset
        while position < pixel_data.end:
            tag, length = self._item_header(position, EXPLICIT_LITTLE)
            if tag != ITEM:
                return
            yield position + 8, length
            position += 8 + length

    def _tag(self, position: int, coding: Coding) -> int:
        group, element = struct.unpack(">HH" if coding.big_endian else "<HH", self.bytes_at(position, 4))
        return int(group << 16 | element)

    def _item_header(self, position: int, coding: Coding) -> tuple[int, int]:
        group, element, length = struct.unpack(">HHI" if coding.big_endian else "<HHI", self.bytes_at(position, 8))
        return group << 16 | element, length

    def _element(self, start: int, limit: int, coding: Coding, depth: int) -> Element:
        tag, vr, offset, length = self._header(start, coding)
        items = IMPLICIT_LITTLE if vr == "UN" else coding  # PS3.5 6.2.2
        if length != UNDEFINED_LENGTH:
            end = offset + length
            if end > limit:
                raise _cut_short(offset, length, limit, tag)
            return Element(tag, vr, start, offset, length, end, items)
        if tag == PIXEL_DATA:
            end = self._end_of_fragments(offset, limit)
        else:
            end = self._end_of_items(offset, limit, items, depth + 1)
        return Element(tag, vr, start, offset, length, end, items)

    def _header(self, start: int, coding: Coding) -> tuple[int, str, int, int]:
        """Return tag, VR, offset of the value and its length."""
        self._stream.seek(start)
        data = self._stream.read(12)
        if len(data) < 8:
            raise _cut_short(start, 8, self.size)
        order = ">" if coding.big_endian else "<"
        group, number = struct.unpack_from(order + "HH", data)
        tag = group << 16 | number
        vr = data[4:6]
        if not coding.implicit and group != 0xFFFE:
            if vr in SHORT_VRS:
                return tag, vr.decode(), start + 8, struct.unpack_from(order + "H", data, 6)[0]
            if vr in LONG_VRS or (vr.isalpha() and vr.isupper()):  # a VR yet unknown has a long length (PS3.5 6.2)
                if len(data) < 12:
                    raise _cut_short(start, 12, self.size)
                return tag, vr.decode(), start + 12, struct.unpack_from(order + "I", data, 8)[0]
            raise Refusal(
                "malformed-data-set",
                f"element ({group:04X},{number:04X}) at byte {start} has no Value Representation",
                "two upper case letters",
                "PS3.5 7.1.2",
            )
        if group == 0xFFFE:
            raise Refusal(
                "malformed-data-set", f"a delimiter at byte {start} ends nothing", "a Data Element", "PS3.5 7.5"
            )
        return tag, implicit_vr(tag), start + 8, struct.unpack_from(order + "I", data, 4)[0]

    def _end_of_items(self, position: int, limit: int, coding: Coding, depth: int) -> int:
        """Return the offset behind the Sequence Delimitation Item."""
        while True:
            tag, length = self._item_header(position, coding)
            position += 8
            if tag == SEQUENCE_DELIMITATION_ITEM:
                return position
            _expect_item(tag, position - 8)
            if length == UNDEFINED_LENGTH:
                position = self.level(position, None, limit, coding, depth).end
            else:
                position += length
            if position > limit:
                raise _cut_short(position - length, length, limit)

    def _end_of_fragments(self, position: int, limit: int) -> int:
        """Return the offset behind the Sequence Delimitation Item of encapsulated Pixel Data."""
        while position < limit:
            tag, length = self._item_header(position, EXPLICIT_LITTLE)
            if tag == SEQUENCE_DELIMITATION_ITEM:
                return position + 8
            if tag != ITEM or length == UNDEFINED_LENGTH:
                raise Refusal(
                    "truncated-pixel-data",
                    f"PixelData (7FE0,0010) has no item at byte {position}",
                    "an item or the Sequence Delimitation Item",
                    "PS3.5 A.4",
                )
            position += 8 + length
        if position > limit:
            raise _cut_short(position, 0, limit, PIXEL_DATA)
        self.delimiter_missing = True
        return position


def _expect_item(tag: int, position: int) -> None:
    if tag != ITEM:
        raise Refusal("malformed-data-set", f"no item begins at byte {position}", "tag (FFFE,E000)", "PS3.5 7.5.1")


def _cut_short(offset: int, length: int, limit: int, tag: int = 0) -> Refusal:
    if tag == PIXEL_DATA:
        return Refusal(
            "truncated-pixel-data",
            f"PixelData (7FE0,0010) at byte {offset} goes on behind byte {limit}, where the Data Set ends",
            "the whole value",
            "PS3.5 7.1.1",
        )
    return Refusal(
        "truncated-data-set",
        f"{length} bytes at byte {offset} go on behind byte {limit}, where the Data Set or item ends",
        "the whole value",
        "PS3.5 7.1.1, 7.5",
    )


@lru_cache(maxsize=8192)
def implicit_vr(tag: int) -> str:
    """Return the VR of an element whose encoding does not tell it: that of PS3.6, else UN (PS3.5 6.2.2, 7.8.1).

    A choice is returned as PS3.6 words it, for instance ``US or SS``.
    """
    group, number = tag >> 16, tag & 0xFFFF
    if number == 0:
        return "UL"  # group length (PS3.5 7.2)
    if group & 1:
        return "LO" if 0x10 <= number <= 0xFF else "UN"
    from pydicom.datadict import dictionary_VR

    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"
