"""Write a Data Set anew in Explicit VR Little Endian, element by element, from a stream to a stream (PS3.5 A.2).

Values are copied as they are: what a value means is never looked at, but for the few attributes that describe the
pixels, and UIDs where a Rewrite replaces some. Nothing is held in memory but the elements of one level and one frame.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

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
from mediacreator.transcode.plan import Rewrite

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


Changes = Mapping[int, tuple[str, bytes] | None]
"""By tag: elements to write instead of what is there, or to leave out."""


@dataclass(frozen=True, slots=True)
class NewPixels:
    """What is written instead of Pixel Data."""

    size: int  # bytes, without padding; UNDEFINED_LENGTH where ``chunks`` end with a delimiter
    vr: str
    chunks: Iterator[bytes]
    changes: Changes


class Writer(Protocol):
    """What takes the bytes of a Data Set."""

    def write(self, data: bytes, /) -> object:
        """Take some."""


Pixels = Callable[[Level, Element, bool], NewPixels | None]
"""Given a level, its Pixel Data and whether it is that of the whole Data Set; None: it stays as it is."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What decides VRs that depend on another attribute; an item inherits it (PS3.3 C.7.6.3.1)."""

    pixel_representation: int = 0
    bits_allocated: int = 16
    waveform_bits: int = 16


class Reencoder:
    """Writes one Data Set; ``remarks`` then tells what was tolerated.

    Args:
        reader: Of the source.
        out: Takes the Data Set.
        coding: Of the source.
        pixels: Gives what takes the place of Pixel Data; None where all of it stays as it is.
        nested: Whether what lies in items may change too.
        rewrite: What else changes.
        implicit: Write in Implicit VR, for a source whose Transfer Syntax stays.
    """

    def __init__(
        self,
        reader: DataSetReader,
        out: Writer,
        coding: Coding,
        pixels: Pixels | None,
        *,
        nested: bool,
        rewrite: Rewrite | None = None,
        implicit: bool = False,
    ) -> None:
        self._reader = reader
        self._out = out
        self._coding = coding
        self._pixels = pixels
        self._nested = nested
        self._overrides: Changes = {tag: (vr, value) for tag, vr, value in rewrite.overrides} if rewrite else {}
        self._removed = frozenset(rewrite.removed) if rewrite else frozenset()
        self._uid_map = rewrite.uid_map if rewrite else {}
        self._implicit = implicit
        self._verbatim = coding == EXPLICIT_LITTLE and not implicit
        self.remarks: list[str] = []

    def data_set(self, level: Level) -> None:
        """Write the Data Set whose elements are ``level``.

        Raises:
            Refusal: It is cut short, makes no sense, or its frames cannot be decoded or coded.
        """
        self._level(level, _Scope(), 0)

    def _level(self, level: Level, scope: _Scope, depth: int) -> None:
        scope = self._scope(level, scope)
        pixel_data = level.find(PIXEL_DATA)
        new = None
        if pixel_data is not None and self._pixels is not None:
            new = self._pixels(level, pixel_data, depth == 0)
        changes = dict(self._overrides) if depth == 0 else {}
        changes.update(new.changes if new else {})
        for element in level.elements:
            for tag in sorted(tag for tag in changes if tag < element.tag):
                self._changed(tag, changes.pop(tag))
            if element.tag in changes:
                self._changed(element.tag, changes.pop(element.tag))
            elif new is not None and element is pixel_data:
                self._new_pixels(new)
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
        if element.tag in self._removed:
            return True
        if depth == 0 and element.tag >> 16 in (0x0000, 0x0002):
            self.remarks.append(f"group {element.tag >> 16:04X} in the Data Set was left out")
            return True
        return False

    def _changed(self, tag: int, value: tuple[str, bytes] | None) -> None:
        if value is not None:
            vr, data = value
            self._header(tag, vr, len(data))
            self._out.write(data)

    def _new_pixels(self, new: NewPixels) -> None:
        odd = new.size & 1 if new.size != UNDEFINED_LENGTH else 0
        self._header(PIXEL_DATA, new.vr, new.size + odd)
        for chunk in new.chunks:
            self._out.write(chunk)
        if odd:
            self._out.write(b"\0")  # PS3.5 8.1.1

    def _element(self, element: Element, scope: _Scope, depth: int) -> None:
        if element.is_sequence:
            self._sequence(element, scope, depth)
            return
        if element.tag == PIXEL_DATA and element.length == UNDEFINED_LENGTH:
            self._fragments(element)
            return
        if self._uid_map and element.vr == "UI" and element.length <= _LONGEST_SHORT:
            self._changed(element.tag, ("UI", self._remapped(element)))
            return
        if self._verbatim and not element.length & 1:
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

    def _fragments(self, element: Element) -> None:
        """Copy encapsulated Pixel Data as it is; its items are Little Endian in every Transfer Syntax (PS3.5 A.4)."""
        self._header(PIXEL_DATA, "OB", UNDEFINED_LENGTH)
        self._copy(element.offset, element.end)
        if self._reader.delimiter_missing:
            self._out.write(_SEQUENCE_DELIMITATION)

    def _remapped(self, element: Element) -> bytes:
        """Return UIDs, those of the map replaced."""
        value = self._reader.bytes_at(element.offset, element.length).decode("latin-1").rstrip("\0 ")
        uids = "\\".join(self._uid_map.get(uid, uid) for uid in value.split("\\")).encode("latin-1")
        return uids + b"\0" if len(uids) & 1 else uids

    def _sequence(self, element: Element, scope: _Scope, depth: int) -> None:
        """Write a sequence; of undefined length where its items are encoded anew, which PS3.5 7.5.2 allows anywhere."""
        if element.vr == "UN" and not self._coding.implicit:
            self._header(element.tag, "UN", UNDEFINED_LENGTH)
            self._copy(element.offset, element.end)  # its items stay in Implicit VR (PS3.5 6.2.2)
            return
        if self._verbatim and not self._changes_items(element):
            self._copy(element.start, element.end)
            return
        self._header(element.tag, "SQ", UNDEFINED_LENGTH)
        for item in self._reader.items(element, depth + 1):
            self._out.write(_ITEM_UNDEFINED)
            self._level(item, scope, depth + 1)
            self._out.write(_ITEM_DELIMITATION)
        self._out.write(_SEQUENCE_DELIMITATION)

    def _changes_items(self, element: Element) -> bool:
        """Tell whether something in a sequence may change.

        UIDs, elements that are left out, or encapsulated Pixel Data, as in an Icon Image Sequence (PS3.5 A.4).
        """
        if self._uid_map or self._removed:
            return True
        if not self._nested:
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
        if self._implicit:
            self._out.write(struct.pack("<HHI", group, number, length))
            return
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
