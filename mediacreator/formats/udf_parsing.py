"""Take apart what UDF records, without trusting it; shares no code with what writes it.

Positions are those of ECMA-167 (BP: byte position from 0). Numbers are little endian (ECMA-167 1/7.1).
"""

from __future__ import annotations

import calendar
import os
import struct
from binascii import crc_hqx
from dataclasses import dataclass
from functools import lru_cache

_TAG_SIZE = 16
_LONG = struct.Struct("<IIH")
_CHECKED = struct.Struct("<HHBBHHHI")
_DELETED_NAMES = (254, 255)  # compression IDs of names that are no longer in use (UDF 2.3.4.2)


@dataclass(frozen=True, slots=True)
class Tag:
    """A descriptor tag whose checksum holds. Source: ECMA-167 3/7.2."""

    identifier: int
    location: int
    sound: bool  # the CRC of what follows holds


@dataclass(frozen=True, slots=True)
class Place:
    """An extent as recorded: bytes, block and partition. Source: ECMA-167 4/14.14."""

    size: int
    kind: int  # 0 recorded, 1 and 2 not recorded, 3 more allocation descriptors
    block: int
    partition: int


def parse_tag(data: bytes) -> Tag | None:
    """Parse the tag of a descriptor; None where there is none."""
    if len(data) < _TAG_SIZE:
        return None
    identifier, version, checksum, _, _, crc, length, location = _CHECKED.unpack_from(data)
    if version not in (2, 3) or checksum != (sum(data[:_TAG_SIZE]) - checksum) & 0xFF:
        return None
    covered = data[_TAG_SIZE : _TAG_SIZE + length]
    return Tag(identifier, location, len(covered) == length and crc == crc_hqx(covered, 0))


def read_at(handle: int, offset: int, size: int) -> bytes:
    """Read bytes of the image; fewer at its end, none at a place that no file can have."""
    return os.pread(handle, size, offset) if 0 <= offset < 1 << 62 else b""


def number(data: bytes, position: int, size: int = 4) -> int:
    """Return an unsigned number."""
    return int.from_bytes(data[position : position + size], "little")


def long_place(data: bytes, position: int) -> Place:
    """Parse a long_ad. Source: ECMA-167 4/14.14.2."""
    length, block, partition = _LONG.unpack_from(data, position)
    return Place(length & 0x3FFFFFFF, length >> 30, block, partition)


def text_of(data: bytes) -> str:
    """Decode OSTA Compressed Unicode; "" for what is none. Source: UDF 2.1.1."""
    if data[:1] == b"\x08":
        return data[1:].decode("latin-1")
    if data[:1] == b"\x10":
        return data[1:].decode("utf-16-be", "replace")
    return ""


def is_deleted_name(data: bytes) -> bool:
    """Say whether an identifier is that of a file that was deleted. Source: UDF 2.3.4.2."""
    return data[:1] != b"" and data[0] in _DELETED_NAMES


def dstring_of(data: bytes) -> str:
    """Decode a text in a field whose last byte is its length. Source: ECMA-167 1/7.2.12."""
    return text_of(data[: min(data[-1], len(data) - 1)]).rstrip(" \0")


@lru_cache(maxsize=4096)
def moment_of(data: bytes) -> int:
    """Convert a timestamp to nanoseconds since 1970-01-01 UTC; 0 when it is no date. Source: ECMA-167 1/7.3."""
    zone, year, month, day, hour, minute, second, hundredths, hundreds, micros = struct.unpack("<Hh8B", data)
    if not (1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return 0
    east = (zone & 0x0FFF) - (0x1000 if zone & 0x0800 else 0)  # minutes; -2047: not said
    if not -1440 <= east <= 1440 or zone >> 12 != 1:
        east = 0
    seconds = calendar.timegm((year, month, day, hour, minute, second)) - int(east) * 60
    return seconds * 1_000_000_000 + int(hundredths * 10_000 + hundreds * 100 + micros) * 1000
