"""Read the Data Elements of a DICOMDIR, however they are encoded.

Only bytes are dealt with here; what the records mean, and how their offsets join them, stands in ``walker``. Every
loop moves forward and none recurses, so that any bytes at all are read in time linear in their number.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from mmap import mmap

from mediacreator.dicomio.elements import LONG_VRS, SHORT_VRS
from mediacreator.model import UNDEFINED_LENGTH

Buffer = bytes | bytearray | memoryview | mmap
"""What can be walked: anything that gives bytes by offset without being copied."""

ITEM = 0xFFFEE000
ITEM_DELIMITATION = 0xFFFEE00D
SEQUENCE_DELIMITATION = 0xFFFEE0DD

_SHORT_HEADER = struct.Struct("<HH2sH")
_MAX_DEPTH = 64  # of sequences inside a record; the deepest that PS3.3 F.5 defines is 5


class Damage(Exception):  # an error is named for what happened; it never leaves dicomio
    """The bytes at ``position`` (from byte 0 of the file) are no Data Element."""

    def __init__(self, position: int, what: str) -> None:
        super().__init__(what)
        self.position = position
        self.what = what


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the Data Set of a DICOMDIR is encoded. Source: PS3.5 7.1, 7.3, Annex A."""

    explicit: bool
    big_endian: bool

    @property
    def order(self) -> str:
        """The byte order as ``struct`` writes it."""
        return ">" if self.big_endian else "<"

    def number(self, value: bytes) -> int | None:
        """Return an unsigned value of 2 or 4 bytes; None when it has another length."""
        if len(value) == 4 or len(value) == 2:
            return int.from_bytes(value, "big" if self.big_endian else "little")
        return None


EXPLICIT_LE = Encoding(explicit=True, big_endian=False)
IMPLICIT_LE = Encoding(explicit=False, big_endian=False)
EXPLICIT_BE = Encoding(explicit=True, big_endian=True)


@dataclass(frozen=True, slots=True)
class Header:
    """A Data Element without its value."""

    tag: int  # group << 16 | element
    length: int  # UNDEFINED_LENGTH when it ends with a delimiter
    start: int  # of the value, from byte 0 of the file
    vr: bytes = b""  # as it stands; none in Implicit VR

    @property
    def implicit_inside(self) -> bool:
        """Whether its items are Implicit VR: UN of undefined length (PS3.5 6.2.2)."""
        return self.vr == b"UN" and self.length == UNDEFINED_LENGTH


def sniff(data: Buffer, position: int) -> Encoding | None:
    """Tell the encoding of a Data Set from its first element, which is of group 0004; None when it is not."""
    head = bytes(data[position : position + 6])
    if len(head) < 6:
        return None
    is_vr = head[4:6] in LONG_VRS or head[4:6] in SHORT_VRS
    if head[:2] == b"\x04\x00":
        return EXPLICIT_LE if is_vr else IMPLICIT_LE
    if head[:2] == b"\x00\x04" and is_vr:
        return EXPLICIT_BE
    return None


def read_header(data: Buffer, position: int, end: int, encoding: Encoding) -> Header:
    """Read tag, VR and length of the element at ``position``.

    Raises:
        Damage: They do not fit before ``end``, or there is no such VR.

    Source: PS3.5 7.1.2, 7.1.3, 7.5.
    """
    if position + 8 > end:
        raise Damage(position, "fewer than 8 bytes are left for an element")
    order = encoding.order
    group, element, length = struct.unpack_from(order + "HHI", data, position)
    tag = group << 16 | element
    if group == 0xFFFE or not encoding.explicit:
        return Header(tag, length, position + 8)
    vr = bytes(data[position + 4 : position + 6])
    if vr in SHORT_VRS:
        return Header(tag, struct.unpack_from(order + "H", data, position + 6)[0], position + 8, vr)
    if vr not in LONG_VRS:
        raise Damage(position, f"({group:04X},{element:04X}) has no VR that exists")
    if position + 12 > end:
        raise Damage(position, "fewer than 12 bytes are left for an element")
    length = struct.unpack_from(order + "I", data, position + 8)[0]
    return Header(tag, length, position + 12, vr)


Element = tuple[int, bytes, int, int]
"""Tag (group << 16 | element), VR as it stands (none in Implicit VR), and where its value begins and ends.

Offsets are from byte 0 of the file; a value ends before its delimiter. A plain tuple: a DICOMDIR has a million.
"""


def elements(data: Buffer, position: int, end: int, encoding: Encoding) -> Iterator[Element]:
    """Yield each element between two offsets from byte 0 of the file.

    Raises:
        Damage: Something there is no element, or its value does not fit.
    """
    ordinary = encoding == EXPLICIT_LE
    unpack = _SHORT_HEADER.unpack_from
    while position < end:
        if ordinary and position + 8 <= end:
            group, element, vr, length = unpack(data, position)
            if vr in SHORT_VRS and group != 0xFFFE:
                start = position + 8
                position = start + length
                if position > end:
                    raise Damage(start - 8, f"the value of ({group:04X},{element:04X}) does not fit")
                yield group << 16 | element, vr, start, position
                continue
        header = read_header(data, position, end, encoding)
        if header.tag >> 16 == 0xFFFE:
            raise Damage(position, "an item or a delimiter stands where an element should")
        if header.length == UNDEFINED_LENGTH:
            inside = IMPLICIT_LE if header.implicit_inside else encoding
            stop = skip_undefined(data, header.start, end, inside, sequence=True)
            position = stop + 8
        else:
            stop = position = header.start + header.length
        if position > end:
            raise Damage(header.start, f"the value of ({header.tag >> 16:04X},{header.tag & 0xFFFF:04X}) does not fit")
        yield header.tag, header.vr, header.start, stop


def values_of(
    data: Buffer, position: int, end: int, encoding: Encoding, wanted: Collection[int] | None = None
) -> dict[int, bytes]:
    """Return the value of each element by its tag, the first of a tag; what comes before damage where there is any.

    As long as elements are ordinary they are read without a generator, which would take half of the time; with
    ``wanted``, only those tags are kept, and nothing is read behind the last of them.
    """
    values: dict[int, bytes] = {}
    most = -1 if wanted is None else len(wanted)
    ordinary = encoding == EXPLICIT_LE
    unpack = _SHORT_HEADER.unpack_from
    while ordinary and position + 8 <= end:
        group, element, vr, length = unpack(data, position)
        start = position + 8
        if vr not in SHORT_VRS or group == 0xFFFE or start + length > end:
            break
        position = start + length
        tag = group << 16 | element
        if (wanted is None or tag in wanted) and tag not in values:
            values[tag] = bytes(data[start:position])
            if len(values) == most:
                return values
    with suppress(Damage):
        for tag, _, start, stop in elements(data, position, end, encoding):
            if (wanted is None or tag in wanted) and tag not in values:
                values[tag] = bytes(data[start:stop])
    return values


def items_of(data: Buffer, position: int, end: int, encoding: Encoding) -> Iterator[tuple[int, int]]:
    """Yield start and end of the elements of each item of a sequence inside a record.

    Raises:
        Damage: Something there is no item, or does not fit.
    """
    while position < end:
        header = read_header(data, position, end, encoding)
        if header.tag == SEQUENCE_DELIMITATION:
            return
        if header.tag != ITEM:
            raise Damage(position, "an element stands where an item should")
        if header.length == UNDEFINED_LENGTH:
            stop = skip_undefined(data, header.start, end, encoding, sequence=False)
            position = stop + 8
        else:
            stop = position = header.start + header.length
        if stop > end:
            raise Damage(header.start, "an item does not fit into its sequence")
        yield header.start, stop


def skip_undefined(data: Buffer, position: int, end: int, encoding: Encoding, *, sequence: bool) -> int:
    """Return where the delimiter stands that ends a sequence or an item of undefined length begun at ``position``.

    Args:
        data: The file.
        position: First byte after the length, from byte 0 of the file.
        end: The delimiter must begin before this offset.
        encoding: Of what is skipped.
        sequence: True for a sequence, whose content is items; False for an item, whose content is elements.

    Raises:
        Damage: There is no such delimiter, or what stands before it is no element.

    Source: PS3.5 7.5.1, 7.5.2.
    """
    open_levels = [(sequence, encoding)]
    while open_levels:
        in_sequence, encoding = open_levels[-1]
        header = read_header(data, position, end, encoding)
        if header.tag == (SEQUENCE_DELIMITATION if in_sequence else ITEM_DELIMITATION):
            open_levels.pop()
            if not open_levels:
                return position
            position = header.start
            continue
        if in_sequence != (header.tag == ITEM) or (header.tag >> 16 == 0xFFFE and not in_sequence):
            raise Damage(position, "an item stands where an element should, or an element where an item should")
        position = header.start
        if header.length == UNDEFINED_LENGTH:
            if len(open_levels) >= _MAX_DEPTH:
                raise Damage(position, f"sequences are nested more than {_MAX_DEPTH} deep")
            open_levels.append((not in_sequence, IMPLICIT_LE if header.implicit_inside else encoding))
        else:
            position += header.length
    raise Damage(position, "a delimiter is missing")  # not reached: the loop returns
