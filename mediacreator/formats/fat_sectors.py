"""Encode what lies before the FATs of a volume: the partition table, the boot sector and what goes with it."""

from __future__ import annotations

from collections.abc import Iterable

from mediacreator.formats import fat_fields as fields
from mediacreator.formats.fat_geometry import Geometry
from mediacreator.formats.fat_kinds import ROOT_ENTRIES

MEDIA = 0xF8
"""BPB_Media: fixed; removable media have it too (PS3.12 M, Q)."""

_BACKUP = 6  # sector of the second boot sector of FAT32 (BPB_BkBootSec)
_PARTITION_TYPES = {16: 0x06, 32: 0x0C}  # of FAT16 by cylinder, which old devices ask for; of FAT32 by number
_SMALL_PARTITION = (65536, 0x04)  # of FAT16 with fewer sectors

Segment = tuple[int, bytes]
"""Offset in the image in bytes, and what lies there."""


def partition_table(geometry: Geometry, serial: int) -> Iterable[Segment]:
    """Yield the first sector of a partitioned medium (PS3.12 R to U: the File-set lies in the first partition)."""
    kind, width = geometry.kind, geometry.size.width
    if not kind.start:
        return
    small = width == 16 and geometry.sectors < _SMALL_PARTITION[0]
    partition = fields.PARTITION.pack(
        type=_SMALL_PARTITION[1] if small else _PARTITION_TYPES[width],
        first=fields.cylinder_head_sector(kind.start, kind.track, kind.heads),
        last=fields.cylinder_head_sector(kind.start + geometry.sectors - 1, kind.track, kind.heads),
        start=kind.start,
        sectors=geometry.sectors,
    )
    yield (
        0,
        fields.MASTER_BOOT_RECORD.pack(
            code=fields.NOT_BOOTABLE,
            signature=serial ^ 0xFFFFFFFF,  # another than that of the volume, and never that of another medium
            partition1=partition,
            Signature_word=fields.SIGNATURE_WORD,
        ),
    )


def boot_sectors(geometry: Geometry, label: str, serial: int, free: int) -> Iterable[Segment]:
    """Yield the boot sector; of FAT32 also FSInfo, the third sector, and all of them once more."""
    kind = geometry.kind
    boot = _boot_sector(geometry, label, serial).ljust(kind.sector, b"\0")
    yield geometry.byte_of(0), boot
    if geometry.size.width == 32:
        info = fields.FS_INFO.pack(
            FSI_LeadSig=0x41615252,
            FSI_StrucSig=0x61417272,
            FSI_Free_Count=geometry.count + 2 - free,
            FSI_Nxt_Free=free if free < geometry.count + 2 else 0xFFFFFFFF,
            FSI_TrailSig=0xAA550000,
        )
        third = bytes(510) + fields.SIGNATURE_WORD
        yield geometry.byte_of(1), info + third
        yield geometry.byte_of(_BACKUP), boot + info + third


def _boot_sector(geometry: Geometry, label: str, serial: int) -> bytes:
    """Encode the boot sector. Source: PS3.12 Table A.2-1; FAT specification, Boot Sector and BPB."""
    kind, width = geometry.kind, geometry.size.width
    fits = geometry.sectors < 65536 and width == 16 and not kind.by_annex_a  # Annex A: always the field of 32 bits
    common: dict[str, int | bytes] = {
        "BS_OEMName": b"MSDOS4.0" if kind.by_annex_a else b"MSWIN4.1",
        "BPB_BytsPerSec": kind.sector,
        "BPB_SecPerClus": geometry.size.sectors,
        "BPB_RsvdSecCnt": geometry.reserved,
        "BPB_NumFATs": 2,
        "BPB_TotSec16": geometry.sectors if fits else 0,
        "BPB_Media": MEDIA,
        "BPB_SecPerTrk": kind.track,
        "BPB_NumHeads": kind.heads,
        "BPB_HiddSec": kind.start,
        "BPB_TotSec32": 0 if fits else geometry.sectors,
        "BS_DrvNum": 0 if kind.by_annex_a else 0x80,
        "BS_BootSig": 0x29,
        "BS_VolID": serial,
        "BS_VolLab": (label or "NO NAME").ljust(11).encode("ascii"),
        "BS_FilSysType": f"FAT{width}".ljust(8).encode("ascii"),
        "BS_BootCode": fields.NOT_BOOTABLE,
        "Signature_word": fields.SIGNATURE_WORD,
    }
    if width == 16:
        jump = b"\xeb\x00\x90" if kind.by_annex_a else b"\xeb\x3c\x90"
        return fields.BOOT_SECTOR_16.pack(
            BS_jmpBoot=jump, BPB_RootEntCnt=ROOT_ENTRIES, BPB_FATSz16=geometry.fat, **common
        )
    return fields.BOOT_SECTOR_32.pack(
        BS_jmpBoot=b"\xeb\x58\x90",
        BPB_FATSz32=geometry.fat,
        BPB_RootClus=2,
        BPB_FSInfo=1,
        BPB_BkBootSec=_BACKUP,
        **common,
    )
