"""What FAT volumes and their partition table consist of, field by field, for the writer; numbers are little endian.

Names are those of the FAT specification ("FAT: General Overview of On-Disk Format", version 1.03), to which PS3.12 R
and S refer; PS3.12 Table A.2-1 gives the same boot sector without names.
"""

from __future__ import annotations

import struct
from datetime import datetime

from mediacreator.errors import InternalError

FieldRow = tuple[int, str, str]
"""Offset in bytes, format as in ``struct``, name."""


class Record:
    """A structure on the medium: fields without gaps, their offsets checked when it is made."""

    def __init__(self, size: int, *rows: FieldRow) -> None:
        """Take the fields in order and the size of all in bytes."""
        position = 0
        for offset, kind, name in rows:
            if offset != position:
                raise InternalError(f"{name} was to lie at {offset} and would lie at {position}.")
            position += struct.calcsize("<" + kind)
        if position != size:
            raise InternalError(f"The fields have {position} bytes, not {size}.")
        self.rows = rows
        self.coder = struct.Struct("<" + "".join(kind for _, kind, _ in rows))

    def pack(self, **values: bytes | int) -> bytes:
        """Encode; a field that is not given is zero.

        Raises:
            InternalError: A field that does not exist, or a number that is too large for its field.
        """
        taken = [values.pop(name, b"" if kind.endswith("s") else 0) for _, kind, name in self.rows]
        if values:
            raise InternalError(f"There is no field {', '.join(values)}.")
        try:
            return self.coder.pack(*taken)
        except struct.error as exc:
            raise InternalError(f"A field does not hold its number: {exc}.") from exc


_BPB: tuple[FieldRow, ...] = (
    (0, "3s", "BS_jmpBoot"),
    (3, "8s", "BS_OEMName"),
    (11, "H", "BPB_BytsPerSec"),
    (13, "B", "BPB_SecPerClus"),
    (14, "H", "BPB_RsvdSecCnt"),
    (16, "B", "BPB_NumFATs"),
    (17, "H", "BPB_RootEntCnt"),
    (19, "H", "BPB_TotSec16"),
    (21, "B", "BPB_Media"),
    (22, "H", "BPB_FATSz16"),
    (24, "H", "BPB_SecPerTrk"),
    (26, "H", "BPB_NumHeads"),
    (28, "I", "BPB_HiddSec"),
    (32, "I", "BPB_TotSec32"),
)


def _extended(start: int) -> tuple[FieldRow, ...]:
    return (
        (start, "B", "BS_DrvNum"),
        (start + 1, "B", "BS_Reserved1"),
        (start + 2, "B", "BS_BootSig"),
        (start + 3, "I", "BS_VolID"),
        (start + 7, "11s", "BS_VolLab"),
        (start + 18, "8s", "BS_FilSysType"),
        (start + 26, f"{510 - start - 26}s", "BS_BootCode"),
        (510, "2s", "Signature_word"),
    )


BOOT_SECTOR_16 = Record(512, *_BPB, *_extended(36))
"""Boot sector of FAT12 and FAT16 (Boot Sector and BPB; PS3.12 Table A.2-1)."""

BOOT_SECTOR_32 = Record(
    512,
    *_BPB,
    (36, "I", "BPB_FATSz32"),
    (40, "H", "BPB_ExtFlags"),
    (42, "H", "BPB_FSVer"),
    (44, "I", "BPB_RootClus"),
    (48, "H", "BPB_FSInfo"),
    (50, "H", "BPB_BkBootSec"),
    (52, "12s", "BPB_Reserved"),
    *_extended(64),
)
"""Boot sector of FAT32 (Boot Sector and BPB)."""

FS_INFO = Record(
    512,
    (0, "I", "FSI_LeadSig"),
    (4, "480s", "FSI_Reserved1"),
    (484, "I", "FSI_StrucSig"),
    (488, "I", "FSI_Free_Count"),
    (492, "I", "FSI_Nxt_Free"),
    (496, "12s", "FSI_Reserved2"),
    (508, "I", "FSI_TrailSig"),
)
"""FAT32 FSInfo Sector Structure."""

DIRECTORY_ENTRY = Record(
    32,
    (0, "11s", "DIR_Name"),
    (11, "B", "DIR_Attr"),
    (12, "B", "DIR_NTRes"),
    (13, "B", "DIR_CrtTimeTenth"),
    (14, "H", "DIR_CrtTime"),
    (16, "H", "DIR_CrtDate"),
    (18, "H", "DIR_LstAccDate"),
    (20, "H", "DIR_FstClusHI"),
    (22, "H", "DIR_WrtTime"),
    (24, "H", "DIR_WrtDate"),
    (26, "H", "DIR_FstClusLO"),
    (28, "I", "DIR_FileSize"),
)
"""FAT Directory Structure."""

PARTITION = Record(
    16,
    (0, "B", "status"),
    (1, "3s", "first"),
    (4, "B", "type"),
    (5, "3s", "last"),
    (8, "I", "start"),
    (12, "I", "sectors"),
)
"""An entry of the partition table; ``first`` and ``last`` are cylinder, head and sector, which nothing has any more."""

MASTER_BOOT_RECORD = Record(
    512,
    (0, "440s", "code"),
    (440, "I", "signature"),
    (444, "H", "reserved"),
    (446, "16s", "partition1"),
    (462, "48s", "others"),
    (510, "2s", "Signature_word"),
)
"""The first sector of a partitioned medium."""

SIGNATURE_WORD = b"\x55\xaa"
ATTR_VOLUME_ID, ATTR_DIRECTORY, ATTR_ARCHIVE = 0x08, 0x10, 0x20

NOT_BOOTABLE = bytes((0xCD, 0x18, 0xF4, 0xEB, 0xFD))
"""INT 18H, HLT, and back to that: a PC that is started with the stick in it goes on to its next drive."""

_FIRST_YEAR, _LAST_YEAR = 1980, 2107


def fat_date(moment: datetime) -> int:
    """Encode a date; what is earlier than 1980 becomes 1980-01-01, which is the earliest there is.

    Raises:
        InternalError: It is later than 2107.

    Source: FAT specification, Date and Time Formats. It is the local date of ``moment``: FAT has no time zone.
    """
    if moment.year < _FIRST_YEAR:
        return 1 << 5 | 1
    if moment.year > _LAST_YEAR:
        raise InternalError(f"The year {moment.year} cannot be recorded in FAT.")
    return moment.year - _FIRST_YEAR << 9 | moment.month << 5 | moment.day


def fat_time(moment: datetime) -> int:
    """Encode a time in units of two seconds."""
    if moment.year < _FIRST_YEAR:
        return 0
    return moment.hour << 11 | moment.minute << 5 | moment.second // 2


def fat_tenths(moment: datetime) -> int:
    """Encode what the time of creation leaves over: 0 to 199 hundredths of a second (DIR_CrtTimeTenth)."""
    return 0 if moment.year < _FIRST_YEAR else moment.second % 2 * 100 + moment.microsecond // 10_000


def cylinder_head_sector(sector: int, track: int, heads: int) -> bytes:
    """Encode where a sector would lie; beyond the last cylinder that can be said, that."""
    cylinder, rest = divmod(sector, track * heads)
    if cylinder > 1023:
        return b"\xfe\xff\xff"
    head, number = divmod(rest, track)
    return bytes((head, number + 1 | cylinder >> 2 & 0xC0, cylinder & 0xFF))
