"""Read the header of a DICOM file once, quickly: the attributes that are wanted, and where the Pixel Data lies.

This reader knows the ordinary cases: a file with preamble and File Meta Information, Explicit or Implicit VR Little
Endian. Anything else raises ``Unusual`` and is read by ``dicomio.fallback``, which is pydicom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from struct import error

from mediacreator.dicomio.elements import (
    LONG_VRS,
    SHORT_VRS,
    tag_bytes,
)
from mediacreator.dicomio.window import (
    EXPLICIT,
    FIRST_READ,
    IMPLICIT,
    LENGTH,
    ReadAt,
    Truncated,
    Unusual,
    Window,
    explicit_items,
    skip_items,
)
from mediacreator.model import UNDEFINED_LENGTH, PixelDataPlace
from mediacreator.rules.tables import Key
from mediacreator.rules.uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)

PIXEL_DATA = {
    b"\xe0\x7f\x10\x00": "PixelData",
    b"\xe0\x7f\x08\x00": "FloatPixelData",
    b"\xe0\x7f\x09\x00": "DoubleFloatPixelData",
}

BULK_VRS = frozenset(("OB", "OD", "OF", "OL", "OV", "OW"))
"""VRs of wanted attributes of which only the beginning is kept: that there is a value matters, not what it is."""

BULK_KEPT = 2
"""Bytes that are kept of a bulk value, none of an empty one."""

_OTHER_READER = frozenset((EXPLICIT_VR_BIG_ENDIAN, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, ""))
_MOST_ACTIONS = 10_000  # hostile files could invent tags without end
_EXPLICIT_VR = re.compile(b"|".join(sorted(LONG_VRS | SHORT_VRS)))
_META_GROUP = b"\x02\x00"
_SYNTAX, _CLASS, _INSTANCE = b"\x02\x00\x10\x00UI", b"\x02\x00\x02\x00UI", b"\x02\x00\x03\x00UI"


@dataclass(frozen=True, slots=True)
class RawHeader:
    """What was read, before it is known what file it is."""

    transfer_syntax_uid: str
    dataset_offset: int
    has_file_meta: bool
    attributes: dict[str, bytes]
    pixel_data: PixelDataPlace | None
    meta_sop_class_uid: str = ""
    meta_sop_instance_uid: str = ""
    stated_syntax_uid: str = ""  # what (0002,0010) says, where the Data Set is in another native encoding


class _Actions(dict[bytes, str | None]):
    """What to do with an element, by the six bytes of its tag and VR; decided once for each that is met.

    The keyword to keep a value under, ``""`` to skip it, None for a VR with a 32-bit length.
    """

    def __init__(self, by_tag: Mapping[bytes, Key]) -> None:
        super().__init__()
        self._by_tag = by_tag

    def __missing__(self, head: bytes) -> str | None:
        tag, vr = head[:4], head[4:]
        key = self._by_tag.get(tag)
        if vr in LONG_VRS:
            action = None
        elif vr not in SHORT_VRS:
            raise Unusual(f"VR {vr!r}")
        elif key is None:
            action = ""
        elif key.vr == "SQ":
            raise Unusual(f"the sequence {key.keyword} has VR {vr!r}")
        else:
            action = key.keyword
        if len(self) < _MOST_ACTIONS:
            self[head] = action
        return action


@dataclass(frozen=True, slots=True)
class Wanted:
    """The attributes to read, by the four bytes of their tag."""

    by_tag: dict[bytes, Key]
    actions: _Actions
    sequences: dict[str, Key]  # those that are sequences, by keyword

    @classmethod
    def of(cls, keys: Iterable[Key]) -> Wanted:
        """Prepare the keys that tables and profiles name; see ``rules.wanted``."""
        by_tag = {tag_bytes(key.tag): key for key in keys}
        return cls(by_tag, _Actions(by_tag), {key.keyword: key for key in by_tag.values() if key.vr == "SQ"})


def read_header(first: bytes, size: int, read_at: ReadAt, wanted: Wanted) -> RawHeader:
    """Read the wanted attributes of a DICOM file.

    Args:
        first: The first ``FIRST_READ`` bytes of the file, or all of it.
        size: Length of the file in bytes.
        read_at: Reads more of it.
        wanted: What to read.

    Returns:
        The header; sequences are in Explicit VR Little Endian whatever the file is in. Of a wanted attribute of
        ``BULK_VRS``, as Overlay Data, only the first bytes are read.

    Raises:
        Unusual: Not an ordinary case; ask ``dicomio.fallback``.
        Truncated: The file ends inside a Data Element.

    Source: PS3.10 7.1, PS3.5 7.1.
    """
    if first[128:132] != b"DICM":
        raise Unusual("no DICM at byte 128")
    syntax, sop_class, sop_instance, offset = _read_meta(first, size)
    if syntax in _OTHER_READER:
        raise Unusual(f"Transfer Syntax {syntax or 'missing'}")
    if syntax == IMPLICIT_VR_LITTLE_ENDIAN and _EXPLICIT_VR.match(first, offset + 4):
        raise Unusual("Explicit VR in a file that says Implicit VR")
    window = Window(first, size, read_at)
    read = _read_implicit if syntax == IMPLICIT_VR_LITTLE_ENDIAN else _read_explicit
    attributes: dict[str, bytes] = {}
    try:
        place = read(window, offset, wanted, attributes)
    except error:
        raise Truncated(f"ends at byte {size}, inside the header of a Data Element") from None
    return RawHeader(syntax, offset, True, attributes, place, sop_class, sop_instance)


def read_explicit_dataset(size: int, read_at: ReadAt, wanted: Wanted) -> tuple[dict[str, bytes], PixelDataPlace | None]:
    """Read the wanted attributes of an Explicit VR Little Endian Data Set without preamble, up to its Pixel Data.

    Args:
        size: Its length in bytes.
        read_at: Reads from it; byte 0 is that of its first element.
        wanted: What to read.

    Raises:
        Unusual: Not an ordinary case.
        Truncated: The bytes end before the Pixel Data and inside a Data Element.
    """
    window = Window(read_at(0, FIRST_READ), size, read_at)
    attributes: dict[str, bytes] = {}
    try:
        return attributes, _read_explicit(window, 0, wanted, attributes, stop_at_pixels=True)
    except error:
        raise Truncated("ends inside the header of a Data Element") from None


def _read_meta(data: bytes, size: int) -> tuple[str, str, str, int]:
    """Return Transfer Syntax, SOP Class and SOP Instance UID of group 0002, and the offset of the Data Set."""
    position = 132
    end = len(data) - 12
    values = {_SYNTAX: b"", _CLASS: b"", _INSTANCE: b""}
    unpack = EXPLICIT.unpack_from
    while position <= end:
        head, length = unpack(data, position)
        position += 8
        if head in values:
            values[head] = data[position : position + length]
        elif head[:2] != _META_GROUP:
            position -= 8
            break
        elif head[4:] in LONG_VRS:
            (length,) = LENGTH.unpack_from(data, position)
            position += 4
        elif head[4:] not in SHORT_VRS:
            raise Unusual("File Meta Information is not Explicit VR Little Endian")
        position += length
    if position > size:
        raise Truncated(f"ends at byte {size}, inside its File Meta Information")
    if position > end:
        raise Unusual("File Meta Information longer than the first read, or nothing after it")
    return _shared_uid(values[_SYNTAX]), _shared_uid(values[_CLASS]), _uid(values[_INSTANCE]), position


def _uid(value: bytes) -> str:
    return value.rstrip(b"\0 ").decode("ascii", "replace")


_shared_uid = lru_cache(maxsize=256)(_uid)
"""For UIDs that many files share."""


def _read_explicit(  # noqa: C901  one loop, flat for speed: this is the cost of a scan
    window: Window, position: int, wanted: Wanted, found: dict[str, bytes], *, stop_at_pixels: bool = False
) -> PixelDataPlace | None:
    """Read a Data Set in Explicit VR Little Endian; stop at encapsulated Pixel Data."""
    place = None
    odd = 0
    size = window.size
    unpack, actions = EXPLICIT.unpack_from, wanted.actions
    base, buffer = window.base, window.buffer
    filled = len(buffer)
    limit = filled - 12
    index = position - base
    while True:
        if index > limit:
            if base + index >= size:
                break
            window.need(base + index, min(12, size - base - index))
            index, base, buffer = base + index - window.base, window.base, window.buffer
            filled = len(buffer)
            limit = max(filled - 12, index)
        head, length = unpack(buffer, index)
        action = actions[head]
        index += 8
        if action is not None:
            if action:
                if index + length > filled:
                    window.need(base + index, length)
                    index, base, buffer = base + index - window.base, window.base, window.buffer
                    filled = len(buffer)
                    limit = filled - 12
                found[action] = buffer[index : index + length]
            odd |= length
            index += length
            continue
        tag, vr = head[:4], head[4:]
        (length,) = LENGTH.unpack_from(buffer, index)
        index += 4
        if tag in PIXEL_DATA:
            place = PixelDataPlace(PIXEL_DATA[tag], base + index, length)
            if length == UNDEFINED_LENGTH or stop_at_pixels:
                return place
        position = base + index
        end = position + length if length != UNDEFINED_LENGTH else skip_items(window, position, True, 0)
        if tag in wanted.by_tag:
            key = wanted.by_tag[tag]
            count = min(end - position, BULK_KEPT) if key.vr in BULK_VRS else end - position
            start = window.need(position, count)
            _keep(key, vr, window.buffer[start : start + count], found)
        if length == UNDEFINED_LENGTH:
            end += 8
        else:
            odd |= length
        index, base, buffer = end - window.base, window.base, window.buffer
        filled = len(buffer)
        limit = filled - 12
    if base + index > size:
        raise _cut_off(size, base + index, place)
    if odd & 1:
        raise Unusual("a value of odd length")
    return place


def _keep(key: Key, vr: bytes, value: bytes, found: dict[str, bytes]) -> None:
    """Keep a wanted value; a sequence must be one in the file too."""
    if key.vr == "SQ" and vr != b"SQ" and value:
        raise Unusual(f"{key.keyword} has VR {vr!r}")
    found[key.keyword] = value


def _read_implicit(window: Window, position: int, wanted: Wanted, found: dict[str, bytes]) -> PixelDataPlace | None:
    """Read a Data Set in Implicit VR Little Endian; Pixel Data is native there (PS3.5 A.1)."""
    place = None
    size = window.size
    while position < size:
        index = window.need(position, 8)
        tag, length = IMPLICIT.unpack_from(window.buffer, index)
        start = position + 8
        if tag in PIXEL_DATA:
            place = PixelDataPlace(PIXEL_DATA[tag], start, length)
            if length == UNDEFINED_LENGTH:
                raise Unusual("Pixel Data of undefined length in Implicit VR")
        if length == UNDEFINED_LENGTH:
            end = skip_items(window, start, False, 0)
            position = end + 8
        elif length & 1:
            raise Unusual(f"odd length {length} at byte {position}")
        else:
            position = end = start + length
        key = wanted.by_tag.get(tag)
        if key is not None:
            if end > size:
                raise Truncated(f"ends at byte {size}, inside the Data Element at byte {start - 8}")
            count = min(end - start, BULK_KEPT) if key.vr in BULK_VRS else end - start
            index = window.need(start, count)
            value = window.buffer[index : index + count]
            found[key.keyword] = explicit_items(value, key.items, 0) if key.vr == "SQ" and value else value
    if position > size:
        raise _cut_off(size, position, place)
    return place


def _cut_off(size: int, end: int, place: PixelDataPlace | None) -> Truncated:
    """Say that the last Data Element ends after the file does."""
    what = "Pixel Data" if place and place.offset + place.length == end else "last Data Element"
    return Truncated(f"ends at byte {size}, inside its {what}, which ends at byte {end}")
