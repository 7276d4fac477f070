"""Data Elements as bytes: encode them, and read the items of a sequence (PS3.5 7).

Everything here is Explicit VR Little Endian unless a parameter says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct, error, pack

from mediacreator.model import UNDEFINED_LENGTH

LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
"""VRs with two reserved bytes and a 32-bit length (PS3.5 Table 7.1-1)."""

SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""VRs with a 16-bit length (PS3.5 Table 7.1-2)."""

ITEM = 0xFFFEE000
ITEM_END = 0xFFFEE00D
SEQUENCE_END = 0xFFFEE0DD

SHORT_HEADER = Struct("<HH2sH")
IMPLICIT_HEADER = Struct("<HHL")
MAX_DEPTH = 32
"""Sequences nested deeper than this are hostile: no IOD needs more than a dozen."""

_LENGTH = Struct("<L")


class MalformedElement(ValueError):
    """The bytes are not Data Elements; holds the offset in the message."""


def tag_bytes(tag: int) -> bytes:
    """Return a tag (group << 16 | element) as it stands in a file."""
    return pack("<HH", tag >> 16, tag & 0xFFFF)


def padded(value: bytes, vr: str) -> bytes:
    """Pad a value to even length: UI and binary VRs with NUL, text with space (PS3.5 6.2)."""
    if len(value) % 2 == 0:
        return value
    return value + (b"\0" if vr in {"UI", "OB", "UN"} else b" ")


def encode_element(tag: int, vr: str, value: bytes) -> bytes:
    """Return one Data Element with an explicit length.

    Raises:
        MalformedElement: The value does not fit the length field of its VR.
    """
    value = padded(value, vr)
    code = vr.encode("ascii")
    if code in LONG_VRS:
        return pack("<HH2sHL", tag >> 16, tag & 0xFFFF, code, 0, len(value)) + value
    if len(value) > 0xFFFE:
        raise MalformedElement(f"({tag >> 16:04X},{tag & 0xFFFF:04X}) {vr} of {len(value)} bytes, at most 65534")
    return SHORT_HEADER.pack(tag >> 16, tag & 0xFFFF, code, len(value)) + value


def encode_items(items: Iterable[bytes]) -> bytes:
    """Return the value of a sequence: each item with an explicit length (PS3.5 7.5)."""
    return b"".join(pack("<HHL", 0xFFFE, 0xE000, len(item)) + item for item in items)


def parse_items(value: bytes) -> list[dict[int, bytes]]:
    """Return the items of a sequence value: for each, the value of every Data Element by its tag.

    Args:
        value: The items in Explicit VR Little Endian, lengths defined or not.

    Raises:
        MalformedElement: The bytes are not items of Data Elements.
    """
    return [dict(_values(item)) for item in split_items(value)]


def split_items(value: bytes) -> list[bytes]:
    """Return the Data Elements of each item of a sequence value, as they stand.

    Raises:
        MalformedElement: The bytes are not items.
    """
    items = []
    position = 0
    while position < len(value):
        tag, length = _item_header(value, position)
        position += 8
        if tag == SEQUENCE_END:
            break
        if tag != ITEM:
            raise MalformedElement(f"tag {tag:08X} at byte {position - 8} of a sequence, expected an item")
        if length == UNDEFINED_LENGTH:
            end = _elements_end(value, position, 0)
            items.append(value[position:end])
            position = end + 8
        else:
            _check(position + length, len(value))
            items.append(value[position : position + length])
            position += length
    return items


def split_elements(value: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Yield tag, VR and value of each Data Element of an item; a sequence's value is its items, without delimiter.

    Raises:
        MalformedElement: The bytes are not Data Elements.
    """
    position = 0
    while position < len(value):
        tag, vr, start, length = _element_header(value, position)
        if length == UNDEFINED_LENGTH:
            end = _items_end(value, start, 0)
            yield tag, vr.decode("ascii"), value[start:end]
            position = end + 8
        else:
            position = start + length
            _check(position, len(value))
            yield tag, vr.decode("ascii"), value[start:position]


def check_items(value: bytes, depth: int = 0) -> None:
    """Walk a sequence value to its last element, nested sequences included.

    Raises:
        MalformedElement: Something in it is not an item or a Data Element, or it is nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise MalformedElement(f"sequences are nested deeper than {MAX_DEPTH}")
    for item in split_items(value):
        for _, vr, content in split_elements(item):
            if vr == "SQ":
                check_items(content, depth + 1)


def _values(item: bytes) -> Iterator[tuple[int, bytes]]:
    return ((tag, value) for tag, _, value in split_elements(item))


def _check(position: int, end: int) -> None:
    if position > end:
        raise MalformedElement(f"a value ends at byte {position}, after the last byte {end}")


def _item_header(value: bytes, position: int) -> tuple[int, int]:
    try:
        group, element, length = IMPLICIT_HEADER.unpack_from(value, position)
    except error:
        raise MalformedElement(f"an item header is cut off at byte {position}") from None
    return group << 16 | element, length


def _element_header(value: bytes, position: int) -> tuple[int, bytes, int, int]:
    """Return tag, VR, first byte and length of the value."""
    try:
        group, element, vr, length = SHORT_HEADER.unpack_from(value, position)
        start = position + 8
        if vr in LONG_VRS:
            (length,) = _LENGTH.unpack_from(value, start)
            start += 4
        elif vr not in SHORT_VRS:
            raise MalformedElement(f"VR {vr!r} at byte {position} does not exist")
    except error:
        raise MalformedElement(f"an element header is cut off at byte {position}") from None
    return group << 16 | element, vr, start, length


def _items_end(value: bytes, position: int, depth: int) -> int:
    """Return the offset of the delimiter of a sequence of undefined length that begins at ``position``."""
    if depth > MAX_DEPTH:
        raise MalformedElement(f"sequences are nested deeper than {MAX_DEPTH}")
    while True:
        tag, length = _item_header(value, position)
        if tag == SEQUENCE_END:
            return position
        if tag != ITEM:
            raise MalformedElement(f"tag {tag:08X} at byte {position} of a sequence, expected an item")
        position += 8
        position = _elements_end(value, position, depth + 1) + 8 if length == UNDEFINED_LENGTH else position + length


def _elements_end(value: bytes, position: int, depth: int) -> int:
    """Return the offset of the delimiter of an item of undefined length that begins at ``position``."""
    while True:
        if _item_header(value, position)[0] == ITEM_END:
            return position
        _, _, start, length = _element_header(value, position)
        position = _items_end(value, start, depth) + 8 if length == UNDEFINED_LENGTH else start + length
