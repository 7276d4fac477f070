"""Encode what a ZIP archive has beside the content of its members: headers, and the directory at its end.

Source: PS3.12 V.2, PKWARE APPNOTE 6.3.10. Every size is known when a header is written, so that no member needs a data
descriptor and readers that cannot seek take them all; ZIP64 is used where a value asks for it and nowhere else.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mediacreator.errors import InternalError
from mediacreator.formats.placing import PlacedFile

STORED, DEFLATED = 0, 8  # APPNOTE 4.4.5

_LOCAL = struct.Struct("<4s5H3L2H")  # APPNOTE 4.3.7
_CENTRAL = struct.Struct("<4s6H3L5H2L")  # APPNOTE 4.3.12
_END = struct.Struct("<4s4H2LH")  # APPNOTE 4.3.16
_END_64 = struct.Struct("<4sQ2H2L4Q")  # APPNOTE 4.3.14
_LOCATOR_64 = struct.Struct("<4sLQL")  # APPNOTE 4.3.15

_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF  # "see the ZIP64 field" (APPNOTE 4.4.1.4)
_ZIP64 = 1  # header ID of that field (APPNOTE 4.5.3)
_PLAIN, _WITH_64 = 20, 45  # version needed: folders and Deflate, ZIP64 (APPNOTE 4.4.3.2)
_UNIX = 3 << 8  # so that the mode is taken from the external attributes (APPNOTE 4.4.2)
_MODE = 0o100644 << 16  # a regular file that all may read, and nobody runs
_YEARS = 1980, 2107  # of an MS-DOS date


@dataclass(frozen=True, slots=True)
class Member:
    """A member whose content is known."""

    path: tuple[str, ...]  # components
    created: datetime  # the archive records its wall time, in units of two seconds
    method: int  # STORED or DEFLATED
    crc: int  # CRC-32 of the content
    size: int  # bytes of the content
    packed: int  # bytes that it takes in the archive
    offset: int = 0  # bytes, of its local header

    @property
    def name(self) -> bytes:
        """Return the File ID as the archive records it. Source: PS3.12 V.1.2.1, APPNOTE 4.4.17.1."""
        return "/".join(self.path).encode("ascii")


def local_header(member: Member) -> bytes:
    """Encode what stands before the content of a member. Source: APPNOTE 4.3.7."""
    large = max(member.size, member.packed) >= _FULL_32
    extra = struct.pack("<2H2Q", _ZIP64, 16, member.size, member.packed) if large else b""
    size, packed = (_FULL_32, _FULL_32) if large else (member.size, member.packed)
    version = _WITH_64 if large else _PLAIN
    date, time = _dos(member.created)
    name = member.name
    fields = (b"PK\3\4", version, 0, member.method, time, date, member.crc, packed, size, len(name), len(extra))
    return _LOCAL.pack(*fields) + name + extra


def directory(members: Sequence[Member], offset: int) -> bytes:
    """Encode the central directory and the records that end the archive.

    Args:
        members: In their order.
        offset: In bytes, of the directory.

    Source: APPNOTE 4.3.12 to 4.3.16.
    """
    headers = b"".join(map(_central_header, members))
    return headers + _end(len(members), len(headers), offset)


def most_size(files: Iterable[PlacedFile]) -> int:
    """Return the bytes of an archive in which nothing gets smaller: the most that one of these files has.

    Raises:
        InternalError: Two files of one name.
    """
    members: list[Member] = []
    offset = 0
    names: set[tuple[str, ...]] = set()
    for file in files:
        if file.path in names:
            raise InternalError(f"{'/'.join(file.path)} stands twice among the files of an archive.")
        names.add(file.path)
        members.append(Member(file.path, file.created, STORED, 0, file.size, file.size, offset))
        offset += len(local_header(members[-1])) + file.size
    return offset + len(directory(members, offset))


def placed(member: Member, offset: int) -> Member:
    """Return a member that lies at an offset in bytes."""
    return replace(member, offset=offset)


def _central_header(member: Member) -> bytes:
    """Encode the entry of a member; the ZIP64 field has only what does not fit. Source: APPNOTE 4.3.12, 4.5.3."""
    values = (member.size, member.packed, member.offset)
    large = [value for value in values if value >= _FULL_32]
    size, packed, offset = (min(value, _FULL_32) for value in values)
    extra = struct.pack(f"<2H{len(large)}Q", _ZIP64, 8 * len(large), *large) if large else b""
    version = _WITH_64 if large else _PLAIN
    date, time = _dos(member.created)
    name = member.name
    lengths = (len(name), len(extra), 0, 0, 0)  # no comment, first disk, binary
    fields = (b"PK\1\2", _UNIX | version, version, 0, member.method, time, date, member.crc, packed, size)
    return _CENTRAL.pack(*fields, *lengths, _MODE, offset) + name + extra


def _end(count: int, size: int, offset: int) -> bytes:
    end = (min(count, _FULL_16), min(count, _FULL_16), min(size, _FULL_32), min(offset, _FULL_32))
    plain = _END.pack(b"PK\5\6", 0, 0, *end, 0)
    if count < _FULL_16 and size < _FULL_32 and offset < _FULL_32:
        return plain
    length = _END_64.size - 12  # of what follows its own field (APPNOTE 4.3.14.1)
    fields = (_UNIX | _WITH_64, _WITH_64, 0, 0, count, count, size, offset)
    record = _END_64.pack(b"PK\6\6", length, *fields)
    return record + _LOCATOR_64.pack(b"PK\6\7", 0, offset + size, 1) + plain


def _dos(moment: datetime) -> tuple[int, int]:
    """Encode date and time; what cannot be said becomes the earliest or latest. Source: APPNOTE 4.4.6."""
    first, last = _YEARS
    if not first <= moment.year <= last:
        year = min(max(moment.year, first), last)
        moment = datetime(year, 1, 1, tzinfo=moment.tzinfo)
    date = moment.year - first << 9 | moment.month << 5 | moment.day
    return date, moment.hour << 11 | moment.minute << 5 | moment.second // 2
