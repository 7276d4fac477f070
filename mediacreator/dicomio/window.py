"""Read on in a DICOM file that is only partly in memory: pass over sequences, make implicit items explicit.

What ``dicomio.header`` needs when its one flat loop meets a sequence.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from mediacreator.dicomio.elements import (
    IMPLICIT_HEADER,
    LONG_VRS,
    MAX_DEPTH,
    SHORT_VRS,
    encode_element,
    encode_items,
)
from mediacreator.model import UNDEFINED_LENGTH
from mediacreator.rules.tables import Key

FIRST_READ = 16384
"""Bytes read first: holds the whole header of most instances; what lies beyond is read as needed."""

ReadAt = Callable[[int, int], bytes]
"""Return up to ``n`` bytes from byte ``position`` of the file; fewer only at its end."""

EXPLICIT = Struct("<6sH")  # tag and VR, 16-bit length
IMPLICIT = Struct("<4sL")  # tag, 32-bit length
LENGTH = Struct("<L")
_ITEM = b"\xfe\xff\x00\xe0"
_ITEM_END = b"\xfe\xff\x0d\xe0"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0"


class Unusual(Exception):
    """This reader does not know the case; not an error, the other reader takes over."""


class Truncated(Exception):
    """The file ends inside a Data Element; becomes a Finding of the scan."""


class NotDICOM(Exception):
    """The file is not a DICOM file; becomes a Finding of the scan."""


class Window:
    """Part of a file in memory, moved as the reader goes on."""

    __slots__ = ("_read_at", "base", "buffer", "size")

    def __init__(self, first: bytes, size: int, read_at: ReadAt) -> None:
        self.buffer = first
        self.base = 0
        self.size = size
        self._read_at = read_at

    def need(self, position: int, count: int) -> int:
        """Have ``count`` bytes from ``position`` in the buffer; return their index in it.

        Raises:
            Truncated: The file ends before.
        """
        index = position - self.base
        if index < 0 or index + count > len(self.buffer):
            self.buffer = self._read_at(position, max(count, FIRST_READ))
            self.base = position
            index = 0
            if len(self.buffer) < count:
                raise Truncated(
                    f"ends at byte {self.size}, inside a Data Element that begins before byte {position + count}"
                )
        return index


def skip_items(window: Window, position: int, explicit: bool, depth: int) -> int:
    """Return the offset of the delimiter of a sequence of undefined length whose items begin at ``position``."""
    if depth > MAX_DEPTH:
        raise Unusual(f"sequences nested deeper than {MAX_DEPTH}")
    while True:
        index = window.need(position, 8)
        tag, length = IMPLICIT.unpack_from(window.buffer, index)
        if tag == _SEQUENCE_END:
            return position
        if tag != _ITEM:
            raise Unusual(f"no item at byte {position}")
        position += 8
        if length == UNDEFINED_LENGTH:
            position = _skip_elements(window, position, explicit, depth + 1) + 8
        else:
            position += length


def _skip_elements(window: Window, position: int, explicit: bool, depth: int) -> int:
    """Return the offset of the delimiter of an item of undefined length whose elements begin at ``position``."""
    while True:
        index = window.need(position, 8)
        tag, length = IMPLICIT.unpack_from(window.buffer, index)
        if tag == _ITEM_END:
            return position
        start = position + 8
        if explicit:
            head, length = EXPLICIT.unpack_from(window.buffer, index)
            vr = head[4:]
            if vr in LONG_VRS:
                index = window.need(start, 4)
                (length,) = LENGTH.unpack_from(window.buffer, index)
                start += 4
            elif vr not in SHORT_VRS:
                raise Unusual(f"VR {vr!r} at byte {position}")
        position = skip_items(window, start, explicit, depth) + 8 if length == UNDEFINED_LENGTH else start + length


def explicit_items(value: bytes, keys: tuple[Key, ...], depth: int) -> bytes:
    """Encode the items of an Implicit VR sequence again in Explicit VR: the elements whose VR the table tells.

    Raises:
        Unusual: The table takes items whole, so that the VR of every element must be known.
    """
    if not keys or depth > MAX_DEPTH:
        raise Unusual("a sequence that is taken whole, in Implicit VR")
    window = Window(value, len(value), lambda position, count: value[position : position + count])
    by_tag = {key.tag: key for key in keys}
    items = []
    position = 0
    while position < len(value):
        index = window.need(position, 8)
        tag, length = IMPLICIT.unpack_from(window.buffer, index)
        if tag == _SEQUENCE_END:
            break
        if tag != _ITEM:
            raise Unusual(f"no item at byte {position} of a sequence")
        start = position + 8
        end = _skip_elements(window, start, False, depth) if length == UNDEFINED_LENGTH else start + length
        if end > len(value):
            raise Truncated("ends inside a sequence")
        items.append(_explicit_elements(value[start:end], by_tag, depth))
        position = end + 8 if length == UNDEFINED_LENGTH else end
    return encode_items(items)


def _explicit_elements(value: bytes, keys: dict[int, Key], depth: int) -> bytes:
    """Encode the known elements of one Implicit VR item in Explicit VR."""
    window = Window(value, len(value), lambda position, count: value[position : position + count])
    parts = []
    position = 0
    while position < len(value):
        window.need(position, 8)
        group, element, length = IMPLICIT_HEADER.unpack_from(value, position)
        start = position + 8
        if length == UNDEFINED_LENGTH:
            end = skip_items(window, start, False, depth)
            position = end + 8
        else:
            position = end = start + length
        if end > len(value):
            raise Truncated("ends inside an item")
        key = keys.get(group << 16 | element)
        if key is not None:
            content = value[start:end]
            if key.vr == "SQ" and content:
                content = explicit_items(content, key.items, depth + 1)
            parts.append(encode_element(key.tag, key.vr, content))
    return b"".join(parts)
