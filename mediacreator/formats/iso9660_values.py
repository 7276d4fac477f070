"""Numbers, dates and limits of ISO 9660 as ECMA-119 records them."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Final

from mediacreator.errors import InternalError

SECTOR: Final = 2048
"""Logical Sector and Logical Block in bytes (PS3.12 F.2.2, ECMA-119 6.1.2)."""

MAX_FILE: Final = 2**32 - 1
"""Largest file of level 1 in bytes: one extent with a length of 32 bits (ECMA-119 9.1.4)."""

MAX_DIRECTORIES: Final = 65_535
"""Directories of a volume, the root included: a path table counts them in 16 bits (ECMA-119 9.4.4)."""

APPLICATION_IDENTIFIER: Final = "MEDIACREATOR"
"""Recorded in the PVD (ECMA-119 8.4.22): a-characters only, and no version, so that equal content gives equal bytes."""


def both(number: int, size: int) -> bytes:
    """Encode a number little endian, then big endian. Source: ECMA-119 7.2.3, 7.3.3."""
    return number.to_bytes(size, "little") + number.to_bytes(size, "big")


def record_date(moment: datetime) -> bytes:
    """Encode Recording Date and Time in 7 bytes. Source: ECMA-119 9.1.5."""
    if not 1900 <= moment.year <= 2155:
        raise InternalError(f"The year {moment.year} cannot be recorded in ISO 9660.")
    fields = (moment.year - 1900, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return bytes(fields) + _zone(moment)


def volume_date(moment: datetime) -> bytes:
    """Encode a date and time of a volume descriptor in 17 bytes. Source: ECMA-119 8.4.26.1."""
    return moment.strftime("%Y%m%d%H%M%S").encode("ascii").rjust(14, b"0") + b"00" + _zone(moment)


def _zone(moment: datetime) -> bytes:
    """Encode the offset from Greenwich in quarters of an hour."""
    offset = moment.utcoffset()
    if offset is None:
        raise InternalError("A date of an image has no time zone.")
    return struct.pack("b", int(offset.total_seconds()) // 900)
