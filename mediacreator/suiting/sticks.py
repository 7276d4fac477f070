"""Predicates of FAT (PS3.12 A, M, Q to U). Names of fields are those of the FAT specification."""

from __future__ import annotations

import os
from collections.abc import Iterator

from mediacreator.suiting.volumes import Deviation, JudgedFat, at_byte

_FIELDS = {  # of the boot sector of FAT12 and FAT16, and those that FAT32 has as well: offset and bytes
    "BPB_BytsPerSec": (11, 2),
    "BPB_SecPerClus": (13, 1),
    "BPB_RsvdSecCnt": (14, 2),
    "BPB_NumFATs": (16, 1),
    "BPB_RootEntCnt": (17, 2),
    "BPB_TotSec16": (19, 2),
    "BPB_Media": (21, 1),
    "BPB_SecPerTrk": (24, 2),
    "BPB_NumHeads": (26, 2),
    "BPB_HiddSec": (28, 4),
    "BS_DrvNum": (36, 1),
    "BS_BootSig": (38, 1),
    "Signature_word": (510, 2),
}
_TABLE, _ENTRY, _ENTRIES = 446, 16, 4  # of the partition table
_SECTOR = 512


def boot_field(volume: JudgedFat, argument: str) -> Iterator[Deviation]:
    """Find a field with another value; of FAT12 and FAT16 only, which Annex A describes.

    Args:
        volume: That is judged.
        argument: Name of the field and the values that it may have, as ``BPB_Media=0xF8``.
    """
    name, _, values = argument.partition("=")
    offset, size = _FIELDS[name]
    found = int.from_bytes(volume.boot[offset : offset + size], "little")
    if volume.width != "fat32" and found not in [int(value, 0) for value in values.split(";")]:
        yield Deviation(volume.position, f"{name} is {found:#x}" if "0x" in values else f"{name} is {found}")


def fat_type_by_count(volume: JudgedFat, argument: str) -> Iterator[Deviation]:
    """Find FAT32 with so few clusters that they say FAT16 or FAT12."""
    found = volume.tree.volume
    if found.width == 32 and found.count < int(argument):
        yield Deviation(volume.position, f"FAT32 with {found.count} clusters")


def fat_partition_type(volume: JudgedFat, argument: str) -> Iterator[Deviation]:
    """Find a partition whose type says something else than the FAT that it holds.

    Args:
        volume: That is judged.
        argument: The types of each FAT, as ``fat12=01;fat16=04 06 0E``.
    """
    types = dict(one.split("=") for one in argument.split(";"))
    kind = _partition_type(volume)
    if kind is not None and kind not in bytes.fromhex(types[volume.width]):
        yield Deviation(at_byte(_TABLE), f"the partition has type {kind:02X}H and holds {volume.width.upper()}")


def fat_short_name(volume: JudgedFat, _argument: str) -> Iterator[Deviation]:
    """Find files of the File-set whose short names are not their File IDs."""
    for record in volume.records:
        file_id = volume.on_it.files.get(record.path)
        if file_id is not None and record.short[-len(file_id) :] != file_id:
            yield Deviation(
                at_byte(record.position), "a file is called by its File ID in its long name only, or not at all"
            )


def fat_attributes(volume: JudgedFat, argument: str) -> Iterator[Deviation]:
    """Find files of the File-set with attributes of a mask: 02H hidden, 04H system."""
    for record in volume.records:
        if record.attributes & int(argument, 16) and record.path in volume.on_it.files:
            yield Deviation(at_byte(record.position), f"the attributes of a file are {record.attributes:02X}H")


def _partition_type(volume: JudgedFat) -> int | None:
    """Return the type of the partition; None without one, and where a table of the newer kind has it (GPT)."""
    sector = os.pread(volume.tree.fileno(), _SECTOR, 0)
    for place in range(_TABLE, _TABLE + _ENTRIES * _ENTRY, _ENTRY) if volume.is_partition else ():
        if int.from_bytes(sector[place + 8 : place + 12], "little") * _SECTOR == volume.tree.volume.offset:
            return sector[place + 4]
    return None


OF_FAT = (boot_field, fat_type_by_count, fat_partition_type, fat_short_name, fat_attributes)
