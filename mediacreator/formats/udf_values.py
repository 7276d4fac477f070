"""Values inside UDF descriptors: identifiers, dates, extents, and the revisions of OSTA UDF that are written.

Numbers are little endian (ECMA-167 1/7.1). Clauses are those of ECMA-167, 3rd edition ("part/clause"),
and of OSTA UDF 2.60, whose numbering the other revisions mostly share.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mediacreator.errors import InternalError

BLOCK = 2048
"""Logical Sector and Logical Block in bytes: that of optical media (UDF 2, 2.2.4)."""

MAX_EXTENT = (1 << 30) - BLOCK
"""Largest extent in bytes: 30 bits, and whole blocks where another follows (ECMA-167 4/14.14.1, UDF 2.3.10)."""


@dataclass(frozen=True, slots=True)
class Revision:
    """How a revision of UDF is written; what differs between them is a column."""

    name: str  # as PS3.12 and `media_formats.csv` say it
    number: int  # binary coded decimal (UDF 2.1.5.3)
    minimum_read: int  # UDF 2.2.6: 2.50 also for 2.60 unless a partition is pseudo-overwritable
    standard: bytes  # Standard Identifier of the NSR descriptor (ECMA-167 3/9.1.2)
    descriptor_version: int  # of the tag: 2 for the 2nd edition of ECMA-167, 3 for the 3rd (UDF 2.2.1)
    extended_entries: bool  # Extended File Entries, which also hold a date of creation (ECMA-167 4/14.17)
    metadata: bool  # descriptors and directories lie in a Metadata Partition, recorded twice (UDF 2.2.10, 2.2.13)
    cluster: int  # blocks that a drive writes at once: 32 KiB on DVD, 64 KiB on BD (UDF 2.2.10)
    directory_rights: int  # 5 bits for each of owner, group, other (ECMA-167 4/14.9.5)


_READ_ENTER_DELETE, _AND_MODIFY = 0x15, 0x17  # PS3.12 J.2.1, P.2.1; X.2.1 adds create and modify

REVISIONS = {
    revision.name: revision
    for revision in (
        Revision("1.02", 0x0102, 0x0102, b"NSR02", 2, False, False, 16, _READ_ENTER_DELETE),
        Revision("1.50", 0x0150, 0x0150, b"NSR02", 2, False, False, 16, _READ_ENTER_DELETE),
        Revision("2.00", 0x0200, 0x0200, b"NSR03", 3, True, False, 16, _READ_ENTER_DELETE),
        Revision("2.01", 0x0201, 0x0201, b"NSR03", 3, True, False, 16, _READ_ENTER_DELETE),
        Revision("2.50", 0x0250, 0x0250, b"NSR03", 3, True, True, 32, _AND_MODIFY),
        Revision("2.60", 0x0260, 0x0250, b"NSR03", 3, True, True, 32, _AND_MODIFY),
    )
}
"""By name; the first column of ``file_system`` in `media_formats.csv` names one as ``udf-1.50``."""


def charspec() -> bytes:
    """Return the character set of every text: OSTA CS0. Source: ECMA-167 1/7.2.1, UDF 2.1.2, PS3.12 P.2.1.1."""
    return b"\0" + b"OSTA Compressed Unicode".ljust(63, b"\0")


def compressed(text: str) -> bytes:
    """Encode a text as OSTA Compressed Unicode: 8 bits where they do, else 16. Source: UDF 2.1.1."""
    if not text:
        return b""
    try:
        return b"\x08" + text.encode("latin-1")
    except UnicodeEncodeError:
        return b"\x10" + text.encode("utf-16-be")


def dstring(text: str, size: int) -> bytes:
    """Encode a text in a field of ``size`` bytes, the last its length. Source: ECMA-167 1/7.2.12, UDF 2.1.3."""
    data = compressed(text)
    if len(data) >= size:
        raise InternalError(f"A text of {len(data)} bytes is longer than its field of {size}.")
    return data.ljust(size - 1, b"\0") + bytes((len(data),))


def entity(identifier: bytes, suffix: bytes = b"") -> bytes:
    """Encode an Entity Identifier (regid). Source: ECMA-167 1/7.4, UDF 2.1.5."""
    return b"\0" + identifier.ljust(23, b"\0") + suffix.ljust(8, b"\0")


IMPLEMENTATION = entity(b"*mediacreator")
"""Who wrote it; neither version nor system, so that equal content gives equal bytes (UDF 2.1.5.3)."""


def domain(revision: Revision) -> bytes:
    """Identify the domain, write protected, as all is written. Source: UDF 2.1.5.3 (Domain Identifier Suffix)."""
    return entity(b"*OSTA UDF Compliant", struct.pack("<HB", revision.number, 0x03))


def udf_entity(identifier: bytes, revision: Revision) -> bytes:
    """Encode an identifier that UDF defines. Source: UDF 2.1.5.3 (UDF Identifier Suffix)."""
    return entity(identifier, struct.pack("<H", revision.number))


def timestamp(moment: datetime) -> bytes:
    """Encode a date and time with its zone in 12 bytes. Source: ECMA-167 1/7.3, UDF 2.1.4."""
    offset = moment.utcoffset()
    if offset is None:
        raise InternalError("A date of an image has no time zone.")
    zone = 0x1000 | (int(offset.total_seconds()) // 60 & 0x0FFF)  # type 1: local time, minutes east of Greenwich
    date = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    fraction = (moment.microsecond // 10_000, moment.microsecond // 100 % 100, moment.microsecond % 100)
    return struct.pack("<Hh8B", zone, *date, *fraction)


def extent(blocks: int, location: int) -> bytes:
    """Encode an extent of the volume. Source: ECMA-167 3/7.1 (extent_ad)."""
    return struct.pack("<II", blocks * BLOCK, location)


def long_ad(size: int, block: int, partition: int, unique_id: int = 0) -> bytes:
    """Encode an extent of a partition. Source: ECMA-167 4/14.14.2, UDF 2.3.4.3 (the UDF Unique ID of an entry)."""
    return struct.pack("<IIHHI", size, block, partition, 0, unique_id)


def pieces(size: int, block: int) -> Iterator[tuple[int, int]]:
    """Divide ``size`` bytes from ``block`` on into extents of what one can record: bytes and block of each."""
    while size > 0:
        part = min(size, MAX_EXTENT)
        yield part, block
        block += part // BLOCK
        size -= part
