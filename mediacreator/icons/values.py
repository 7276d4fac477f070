"""Read the attributes of a Data Set or an item by tag, and those of one frame from its functional groups."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from itertools import islice

from mediacreator.model import UNDEFINED_LENGTH
from mediacreator.transcode.dataset import Coding, DataSetReader, Element, Level

SHARED_FUNCTIONAL_GROUPS_SEQUENCE = 0x52009229
PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE = 0x52009230

_LONGEST = 1 << 18  # bytes; a lookup table has at most 65536 entries of 2 bytes (PS3.3 C.11.1.1.1)


class Values:
    """The attributes of one level of a Data Set, decoded when they are asked for."""

    def __init__(self, reader: DataSetReader, level: Level, coding: Coding, depth: int = 0) -> None:
        self._reader = reader
        self._elements = {element.tag: element for element in level.elements}
        self._depth = depth
        self.coding = coding

    def element(self, tag: int) -> Element | None:
        """Return an element in place, or None."""
        return self._elements.get(tag)

    def raw(self, tag: int) -> bytes:
        """Return a value field as it lies in the file; ``b""`` where it is absent, a sequence or unduly long."""
        element = self._elements.get(tag)
        if element is None or element.length == UNDEFINED_LENGTH or element.length > _LONGEST:
            return b""
        return self._reader.bytes_at(element.offset, element.length)

    def text(self, tag: int) -> str:
        """Return a value of VR CS without its padding."""
        return self.raw(tag).decode("ascii", "replace").strip(" \0")

    def words(self, tag: int) -> bytes:
        """Return a value of 16-bit words (US, SS, OW) in little endian."""
        raw = self.raw(tag)
        if not self.coding.big_endian:
            return raw
        swapped = bytearray(raw[: len(raw) & ~1])
        swapped[::2], swapped[1::2] = swapped[1::2], swapped[::2]
        return bytes(swapped)

    def numbers(self, tag: int, *, signed: bool = False) -> tuple[int, ...]:
        """Return the values of an attribute of VR US or SS."""
        raw = self.words(tag)
        return tuple(int.from_bytes(raw[k : k + 2], "little", signed=signed) for k in range(0, len(raw) - 1, 2))

    def number(self, tag: int) -> int | None:
        """Return the first value of an attribute of VR US, or None."""
        found = self.numbers(tag)
        return found[0] if found else None

    def floats(self, tag: int, width: int) -> tuple[float, ...]:
        """Return the values of an attribute of VR FL (``width`` 4 bytes) or FD (8)."""
        raw = self.raw(tag)
        code = f"{'>' if self.coding.big_endian else '<'}{len(raw) // width}{'f' if width == 4 else 'd'}"
        return struct.unpack(code, raw) if len(raw) % width == 0 else ()

    def decimals(self, tag: int) -> tuple[float, ...]:
        """Return the values of an attribute of VR DS or IS; NaN for one that is no number."""
        return tuple(map(_decimal, self.text(tag).split("\\"))) if self.raw(tag) else ()

    def decimal(self, tag: int) -> float | None:
        """Return the first value of an attribute of VR DS or IS, or None where there is no finite one."""
        found = self.decimals(tag)
        return found[0] if found and math.isfinite(found[0]) else None

    def items(self, tag: int) -> Iterator[Values]:
        """Yield the items of a sequence; none where it is absent."""
        element = self._elements.get(tag)
        if element is None or not element.length:
            return
        for item in self._reader.items(element, self._depth + 1):
            yield Values(self._reader, item, element.coding, self._depth + 1)

    def item(self, tag: int, number: int = 0) -> Values | None:
        """Return one item of a sequence, counted from 0, or None."""
        return next(islice(self.items(tag), number, None), None)


class FrameValues:
    """The attributes that hold for one frame: of its own functional groups, the shared ones, else of the Data Set."""

    def __init__(self, top: Values, frame: int) -> None:
        """Find the functional groups of a frame, counted from 0. Source: PS3.3 C.7.6.16.1."""
        self.top = top
        groups = (
            top.item(PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frame),
            top.item(SHARED_FUNCTIONAL_GROUPS_SEQUENCE),
        )
        self._groups = tuple(group for group in groups if group is not None)

    def macro(self, sequence: int) -> Values | None:
        """Return the item of a functional group macro, or None where neither group has it."""
        found = (group.item(sequence) for group in self._groups)
        return next((item for item in found if item is not None), None)


def _decimal(words: str) -> float:
    try:
        return float(words)
    except ValueError:
        return math.nan
