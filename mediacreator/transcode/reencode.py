"""Write a Data Set anew in Explicit VR Little Endian, element by element, from a stream to a stream (PS3.5 A.2).

Values are copied as they are: what a value means is never looked at, but for the few attributes that describe the
pixels. Nothing is held in memory but the elements of one level and one frame.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from mediacreator.model import UNDEFINED_LENGTH
from mediacreator.transcode.dataset import (
    DATA_SET_TRAILING_PADDING,
    EXPLICIT_LITTLE,
    LONG_VRS,
    PIXEL_DATA,
    SHORT_VRS,
    Coding,
    DataSetReader,
    Element,
    Level,
)
from mediacreator.transcode.image import BITS_ALLOCATED, PIXEL_REPRESENTATION
from mediacreator.transcode.refusal import Refusal

_ITEM_UNDEFINED = struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED_LENGTH)
_ITEM_DELIMITATION = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
_SEQUENCE_DELIMITATION = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
_SWAPS = {
    **dict.fromkeys(("AT", "OW", "SS", "US"), "H"),
    **dict.fromkeys(("FL", "OF", "OL", "SL", "UL"), "I"),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), "Q"),
}
"""Type codes of ``array`` for VRs whose bytes are in another order in Big Endian (PS3.5 7.3); UN is never swapped."""
_SPACE_PADDED = frozenset(
    ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT")
)
_WAVEFORM_BITS_ALLOCATED = 0x54001004
_LONGEST_SHORT = 0xFFFE  # bytes; of a value whose length has 16 bits (PS3.5 6.2.2)


@dataclass(frozen=True, slots=True)
class Frames:
    """The native Pixel Data that takes the place of encapsulated Pixel Data."""

    size: int  # bytes, without padding
    vr: str
    frames: Iterator[bytes]
    changes: Mapping[int, tuple[str, bytes] | None]  # elements to write instead, or to leave out


Decoder = Callable[[Level, Element, bool], Frames]
"""Given a level, its encapsulated Pixel Data and whether it is the whole Data Set."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What decides VRs that depend on another attribute; an item inherits it (PS3.3 C.7.6.3.1)."""

    pixel_representation: int = 0
    bits_allocated: int = 16
    waveform_bits: int = 16


class Reencoder:
    """Writes one Data Set; ``remarks`` then tells what was tolerated."""

    def __init__(self, reader: DataSetReader, out: BinaryIO, coding: Coding, decode: Decoder | None) -> None:
        self._reader = reader
        self._out = out
        self._coding = coding
        self._decode = decode
        self.remarks: list[str] = []

    def data_set(self, level: Level) -> None:
        """Write the Data Set whose elements are ``level``.

        Raises:
            Refusal: It is cut short, makes no sense, or its frames cannot be decoded.
        """
        self._level(level, _Scope(), 0)

    def _level(self, level: Level, scope: _Scope, depth: int) -> None:
        scope = self._scope(level, scope)
        pixel_data = level.find(PIXEL_DATA)
        frames = None
        if pixel_data is not None and pixel_data.length == UNDEFINED_LENGTH:
            if self._decode is None:
                raise Refusal(
                    "malformed-data-set",
                    "PixelData (7FE0,0010) has undefined length in a Transfer Syntax of native pixels",
                    "a defined length",
                    "PS3.5 7.1.1, A.4",
                )
            frames = self._decode(level, pixel_data, depth == 0)
        changes = dict(frames.changes) if frames else {}
        for element in level.elements:
            for tag in sorted(tag for tag in changes if tag < element.tag):
                self._changed(tag, changes.pop(tag))
            if element.tag in changes:
                self._changed(element.tag, changes.pop(element.tag))
            elif frames is not None and element is pixel_data:
                self._frames(frames)
            elif not self._is_dropped(element, depth):
                self._element(element, scope, depth)
        for tag in sorted(changes):
            self._changed(tag, changes[tag])

    def _scope(self, level: Level, scope: _Scope) -> _Scope:
        def number(tag: int, inherited: int) -> int:
            value = self._reader.small_value(level.find(tag))
            return int.from_bytes(value, "big" if self._coding.big_endian else "little") if value else inherited

        return _Scope(
            pixel_representation=number(PIXEL_REPRESENTATION, scope.pixel_representation),
            bits_allocated=number(BITS_ALLOCATED, scope.bits_allocated),
            waveform_bits=number(_WAVEFORM_BITS_ALLOCATED, scope.waveform_bits),
        )

    def _is_dropped(self, element: Element, depth: int) -> bool:
        """Tell whether an element has no place in the new Data Set."""
        if element.tag & 0xFFFF == 0 or element.tag == DATA_SET_TRAILING_PADDING:
            return True  # group lengths are wrong now (PS3.5 7.2); the padding has no meaning (PS3.10 7.2)
        if depth == 0 and element.tag >> 16 in (0x0000, 0x0002):
            self.remarks.append(f"group {element.tag >> 16:04X} in the Data Set was left out")
            return True
        return False

    def _changed(self, tag: int, value: tuple[str, bytes] | None) -> None:
        if value is not None:
            vr, data = value
            self._header(tag, vr, len(data))
            self._out.write(data)

    def _frames(self, frames: Frames) -> None:
        self._header(PIXEL_DATA, frames.vr, frames.size + (frames.size & 1))
        for frame in frames.frames:
            self._out.write(frame)
        if frames.size & 1:
            self._out.write(b"\0")  # PS3.5 8.1.1

    def _element(self, element: Element, scope: _Scope, depth: int) -> None:
        if element.is_sequence:
            self._sequence(element, scope, depth)
            return
        if self._coding == EXPLICIT_LITTLE and not element.length & 1:
            self._copy(element.start, element.end)
            return
        vr = _resolve(element, scope)
        padding = element.length & 1
        if padding:
            self.remarks.append(f"the odd length of ({element.tag >> 16:04X},{element.tag & 0xFFFF:04X}) was made even")
        self._header(element.tag, vr, element.length + padding)
        swap = _SWAPS.get(vr) if self._coding.big_endian else None
        for chunk in self._reader.chunks(element.offset, element.offset + element.length):
            self._out.write(_swapped(chunk, swap) if swap else chunk)
        if padding:
            self._out.write(b" " if vr in _SPACE_PADDED else b"\0")

    def _sequence(self, element: Element, scope: _Scope, depth: int) -> None:
        """Write a sequence; of undefined length where its items are encoded anew, which PS3.5 7.5.2 allows anywhere."""
        if element.vr == "UN" and not self._coding.implicit:
            self._header(element.tag, "UN", UNDEFINED_LENGTH)
            self._copy(element.offset, element.end)  # its items stay in Implicit VR (PS3.5 6.2.2)
            return
        if self._coding == EXPLICIT_LITTLE and not self._holds_pixel_data(element):
            self._copy(element.start, element.end)
            return
        self._header(element.tag, "SQ", UNDEFINED_LENGTH)
        for item in self._reader.items(element, depth + 1):
            self._out.write(_ITEM_UNDEFINED)
            self._level(item, scope, depth + 1)
            self._out.write(_ITEM_DELIMITATION)
        self._out.write(_SEQUENCE_DELIMITATION)

    def _holds_pixel_data(self, element: Element) -> bool:
        """Tell whether encapsulated Pixel Data may lie in a sequence, as in an Icon Image Sequence (PS3.5 A.4)."""
        if self._decode is None:
            return False
        before = b""
        for chunk in self._reader.chunks(element.offset, element.end):
            if b"\xe0\x7f\x10\x00O" in before + chunk:
                return True
            before = chunk[-4:]
        return False

    def _copy(self, start: int, end: int) -> None:
        for chunk in self._reader.chunks(start, end):
            self._out.write(chunk)

    def _header(self, tag: int, vr: str, length: int) -> None:
        """Write tag, VR and length; a value too long for a length of 16 bits gets VR UN (PS3.5 6.2.2)."""
        code = vr.encode()
        group, number = tag >> 16, tag & 0xFFFF
        if code in SHORT_VRS:
            if length <= _LONGEST_SHORT:
                self._out.write(struct.pack("<HH2sH", group, number, code, length))
                return
            code = b"UN"
        self._out.write(struct.pack("<HH2sHI", group, number, code, 0, length))


def _resolve(element: Element, scope: _Scope) -> str:
    """Return the VR to write; where PS3.6 leaves a choice, the one that the other attributes decide (PS3.5 A.2)."""
    vr = element.vr
    if vr.encode() in SHORT_VRS or vr.encode() in LONG_VRS:
        return vr
    if vr == "OB or OW":
        if element.tag == PIXEL_DATA:
            return "OB" if scope.bits_allocated <= 8 else "OW"
        return "OB" if element.tag >> 16 == 0x5400 and scope.waveform_bits == 8 else "OW"
    if vr == "US or SS":
        return "SS" if scope.pixel_representation == 1 else "US"
    return "OW" if vr in ("US or OW", "US or SS or OW") else "UN"


def _swapped(chunk: bytes, code: str) -> bytes:
    values = array(code)
    whole = len(chunk) - len(chunk) % values.itemsize
    values.frombytes(chunk[:whole])
    values.byteswap()
    return values.tobytes() + chunk[whole:]
