"""Expand lookup tables: of palettes, of the modality and of a VOI (PS3.3 C.7.6.3.1.5, C.7.9.2, C.11.1, C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mediacreator.icons.values import Values
from mediacreator.transcode.refusal import Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

LUT_DESCRIPTOR, LUT_DATA = 0x00283002, 0x00283006
LUMINANCE = (0.299, 0.587, 0.114)
"""Of red, green and blue, as YBR_FULL has it (PS3.3 C.7.6.3.1.2)."""

_DESCRIPTORS = (0x00281101, 0x00281102, 0x00281103)
_DATA = (0x00281201, 0x00281202, 0x00281203)
_SEGMENTED = (0x00281221, 0x00281222, 0x00281223)
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
_ENTRIES = 1 << 16


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A table that begins at the input ``first``; ``bits`` say what its largest output may be."""

    first: int
    bits: int
    entries: NDArray[Any]

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the entries for input values; those outside go to the ends. Source: PS3.3 C.11.1.1.1."""
        places = np.clip(np.asarray(values, np.float64) - self.first, 0, len(self.entries) - 1)
        return self.entries[places.astype(np.intp)]

    @property
    def largest(self) -> int:
        """Return the output that is white: that of ``bits``, or more where a table disobeys its own descriptor."""
        return max((1 << self.bits) - 1, int(self.entries.max()), 1)


def lookup_table(item: Values, *, signed: bool) -> LookupTable | None:
    """Return the table of an item of Modality LUT or VOI LUT Sequence, or None where it is of no use.

    Args:
        item: Of the sequence.
        signed: Whether the first input value mapped is signed.
    """
    descriptor = _descriptor(item, LUT_DESCRIPTOR, signed=signed)
    if descriptor is None:
        return None
    count, first, bits = descriptor
    entries = _entries(item.words(LUT_DATA), count)
    return LookupTable(first, bits, entries) if len(entries) else None


def palette_luminance(values: Values, *, signed: bool) -> LookupTable:
    """Return the luminance, 0 to 65535, of each entry of a colour palette.

    Raises:
        Refusal: There is none, or its segments make no sense.

    Source: PS3.3 C.7.6.3.1.5, C.7.6.3.1.6, C.7.9.2.
    """
    colours = []
    first = bits = 0
    for tag, plain, segmented in zip(_DESCRIPTORS, _DATA, _SEGMENTED, strict=True):
        descriptor = _descriptor(values, tag, signed=signed)
        if descriptor is None:
            raise _no_palette("is absent")
        count, first, bits = descriptor
        entries = _entries(values.words(plain), count)
        if not len(entries):
            entries = _expanded(values.words(segmented), count, bits)
        colours.append(entries.astype(np.float64))
    if len({len(colour) for colour in colours}) > 1:
        raise _no_palette("has colours of different numbers of entries")
    # Some palettes say 16 bits and use 8, others the reverse; what they hold tells.
    full = 255 if max(colour.max() for colour in colours) <= 255 else 65535
    grey = sum(weight * colour for weight, colour in zip(LUMINANCE, colours, strict=True))
    return LookupTable(first, 16, np.asarray(grey) * (65535 / full))


def _descriptor(values: Values, tag: int, *, signed: bool) -> tuple[int, int, int] | None:
    """Return the number of entries, the first input value mapped and the bits of an entry.

    Writers, and who converts from an Implicit VR, say US where the first is negative: what it is an input of tells.
    """
    found, element = values.numbers(tag), values.element(tag)
    if len(found) < 3 or element is None:
        return None
    count, first, bits = found[:3]
    negative = first >> 15 and (signed or element.vr == "SS")
    return count or _ENTRIES, first - _ENTRIES if negative else first, min(max(bits, 1), 16)


def _entries(data: bytes, count: int) -> NDArray[Any]:
    """Return the entries of a table: a byte each where there are only as many bytes, else two."""
    if len(data) in (count, count + (count & 1)):
        return np.frombuffer(data, np.uint8, count)
    return np.frombuffer(data[: min(2 * count, len(data) & ~1)], "<u2")


def _expanded(data: bytes, count: int, bits: int) -> NDArray[Any]:
    """Return the entries of a segmented table. Source: PS3.3 C.7.9.2."""
    segments = _Segments(data, bits)
    try:
        position = 0
        while segments.size < count:
            position = segments.expand(position)
    except (IndexError, ValueError) as exc:
        raise _no_palette("has segments that make no sense") from exc
    return np.concatenate(segments.parts)[:count]


class _Segments:
    """The segments of a table, and what those expanded so far give."""

    def __init__(self, data: bytes, bits: int) -> None:
        # Opcodes, lengths and offsets are as wide as entries: a table of 8 bits is a string of bytes.
        self._width = 1 if bits <= 8 else 2
        self._words = np.frombuffer(data[: len(data) & ~1], f"<u{self._width}").astype(np.int64)
        self.parts: list[NDArray[Any]] = []
        self.size = 0

    def expand(self, position: int, *, copied: bool = False) -> int:
        """Expand the segment at a place, in words; return the place of the next.

        Raises:
            IndexError, ValueError: It makes no sense.
        """
        opcode, length = int(self._words[position]), int(self._words[position + 1])
        position += 2
        if opcode == _DISCRETE:
            self._add(self._words[position : position + length].astype(np.float64), length)
            return position + length
        if opcode == _LINEAR:
            start, end = self.parts[-1][-1], float(self._words[position])
            self._add(np.rint(start + (end - start) * np.arange(1, length + 1) / length), length)
            return position + 1
        if opcode == _INDIRECT and not copied:  # one that is copied is not indirect itself (C.7.9.2.3)
            return self._copy(position, length)
        raise ValueError(opcode)

    def _copy(self, position: int, count: int) -> int:
        """Expand segments that stand elsewhere; the offset has 32 bits, the least significant word first."""
        behind = position + 4 // self._width
        words = self._words[position:behind].tolist()
        start = sum(word << (8 * self._width * place) for place, word in enumerate(words)) // self._width
        for _ in range(count):
            start = self.expand(start, copied=True)
        return behind

    def _add(self, part: NDArray[Any], length: int) -> None:
        if not length or len(part) != length or self.size > _ENTRIES:
            raise ValueError(length)
        self.parts.append(part)
        self.size += length


def _no_palette(why: str) -> Refusal:
    return Refusal(
        "missing-attribute", f"the palette (0028,1101-1223) {why}", "a palette colour lookup table", "PS3.3 C.7.9"
    )
