"""Find the FAT volume of an image or drive: the whole of it, or a partition; shares no code with the writer.

Offsets are those of the FAT specification 1.03 and of PS3.12 Table A.2-1. Nothing that is read here is trusted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from mediacreator.errors import SourceUnreadable
from mediacreator.formats.iso9660_volume import Findings
from mediacreator.model import Severity

_SECTORS = (512, 1024, 2048, 4096)  # bytes
_BACKUP = 6  # sector of the second boot sector, where FAT32 mostly has it
_ENTRY = 32  # bytes
_GPT = 0xEE  # partition type: a table of the newer kind follows
_MAX_PARTITIONS = 128
_EFI_SYSTEM = bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b")  # holds no user's files, and is FAT as well
_TAKE_CARE = "Look whether all of it is there, and copy the medium again if not."


class NotFat(SourceUnreadable):
    """The bytes are no FAT volume, nor is a partition of them one."""


@dataclass(frozen=True, slots=True)
class FatVolume:
    """What a boot sector says; positions in bytes from the start of the image."""

    offset: int  # of the volume
    width: int  # bits of an entry of the FAT
    sector: int  # bytes
    cluster: int  # bytes
    count: int  # clusters
    fat: int  # position of the FAT that is in use
    fat_size: int  # bytes
    fats: int  # how many there are
    mirrored: bool  # all of them are to be equal
    root: int  # position of the root directory of FAT12 and FAT16
    root_size: int  # bytes
    root_cluster: int  # of FAT32
    data: int  # position of cluster 2
    size: int  # bytes of the volume
    label: str  # in the boot sector
    dirty: bool  # a system has it in use

    def position(self, cluster: int) -> int:
        """Return where a cluster lies."""
        return self.data + (cluster - 2) * self.cluster


def is_fat(handle: int) -> bool:
    """Say whether an open file is a FAT volume or has a partition that is one."""
    return next(_volumes(handle), None) is not None


def find_volume(handle: int, size: int, findings: Findings) -> FatVolume:
    """Find the volume to read: the first one.

    Args:
        handle: Of the image or drive.
        size: Of it, in bytes.
        findings: Take what is odd.

    Raises:
        NotFat: There is none.
    """
    found = next(_volumes(handle), None)
    if found is None:
        raise NotFat("The image has no FAT volume.")
    volume, number, backup = found
    if number > 1:
        findings.report(
            "fat-not-first-partition",
            volume.offset,
            f"partition {number} is the first one with FAT, and is read",
            "the File-set in the first partition",
            "PS3.12 R.1",
            "Other readers may see nothing.",
            Severity.WARNING,
        )
    if backup:
        findings.report(
            "fat-backup-used",
            volume.offset,
            "the boot sector cannot be read; its copy is used",
            "a boot sector",
            "FAT specification, BPB_BkBootSec",
            "Copy what is on it to another medium: other readers may see nothing.",
        )
    if volume.offset + volume.size > size:
        findings.report(
            "fat-truncated",
            volume.offset,
            f"the image has {size} bytes",
            f"{volume.offset + volume.size} bytes as its boot sector says",
            "FAT specification, BPB_TotSec32",
            "Copy the medium again; what lies behind the end is lost.",
        )
    if volume.dirty:
        findings.report(
            "fat-not-closed",
            volume.offset,
            "the volume was not closed: the medium was pulled out while it was written",
            "a volume that was closed",
            "FAT specification, FAT[1]",
            _TAKE_CARE,
            Severity.WARNING,
        )
    _compare_copies(handle, volume, findings)
    return volume


def _compare_copies(handle: int, volume: FatVolume, findings: Findings) -> None:
    """Say whether the first two copies of the FAT differ; at most 64 MiB are compared."""
    if volume.fats < 2 or not volume.mirrored:
        return
    used = min(volume.fat_size, -(-(volume.count + 2) * volume.width // 8), 64 << 20)
    for start in range(0, used, 1 << 20):
        length = min(1 << 20, used - start)
        first = os.pread(handle, length, volume.fat + start)
        if first != os.pread(handle, length, volume.fat + volume.fat_size + start):
            findings.report(
                "fat-copies-differ",
                volume.fat + start,
                "the two copies of the FAT differ; the first is used",
                "two equal copies",
                "FAT specification, BPB_NumFATs",
                _TAKE_CARE,
                Severity.WARNING,
            )
            return


def _volumes(handle: int) -> Iterator[tuple[FatVolume, int, bool]]:
    """Yield each FAT volume, the number of its partition (0: the whole medium), and whether its backup was used."""
    first = os.pread(handle, 512, 0)
    whole = _parse(handle, 0, 0)
    if whole is not None:
        yield whole, 0, False
        return
    if len(first) == 512 and first[510:] == b"\x55\xaa":
        for number, offset in enumerate(_partitions(handle, first), 1):
            volume = _parse(handle, offset, offset)
            if volume is not None:
                yield volume, number, False
                continue
            volume = _parse(handle, offset + _BACKUP * 512, offset)
            if volume is not None and volume.width == 32:
                yield volume, number, True
    whole = _parse(handle, _BACKUP * 512, 0)
    if whole is not None and whole.width == 32:
        yield whole, 0, True


def _partitions(handle: int, first: bytes) -> Iterator[int]:
    """Yield where the partitions of the medium begin, in bytes."""
    for place in range(446, 510, 16):
        kind, start = first[place + 4], int.from_bytes(first[place + 8 : place + 12], "little")
        if kind == _GPT:
            yield from _gpt_partitions(handle)
            return
        if kind and start:
            yield start * 512


def _gpt_partitions(handle: int) -> Iterator[int]:
    """Yield where the partitions of a GUID Partition Table begin; that of the firmware is left out."""
    for sector in (512, 4096):
        header = os.pread(handle, 92, sector)
        if header[:8] != b"EFI PART" or len(header) < 92:
            continue
        table = int.from_bytes(header[72:80], "little") * sector
        count, size = (int.from_bytes(header[at : at + 4], "little") for at in (80, 84))
        if not 128 <= size <= 4096 or table >= 1 << 62:
            return
        data = os.pread(handle, min(count, _MAX_PARTITIONS) * size, table)
        for place in range(0, len(data) - 127, size):
            kind, start = data[place : place + 16], int.from_bytes(data[place + 32 : place + 40], "little")
            if any(kind) and kind != _EFI_SYSTEM and start < 1 << 50:
                yield start * sector
        return


def _parse(handle: int, at: int, offset: int) -> FatVolume | None:
    """Parse a boot sector; None for what cannot be one. Source: FAT specification, Boot Sector and BPB."""
    boot = os.pread(handle, 512, at)
    if len(boot) < 512:
        return None

    def number(place: int, size: int) -> int:
        return int.from_bytes(boot[place : place + size], "little")

    sector, per_cluster, reserved, fats = number(11, 2), boot[13], number(14, 2), boot[16]
    entries, sectors = number(17, 2), number(19, 2) or number(32, 4)
    fat = number(22, 2) or number(36, 4)
    is_32 = not number(22, 2) and not entries
    sane = (
        sector in _SECTORS
        and per_cluster.bit_count() == 1
        and reserved
        and 1 <= fats <= 4
        and (boot[21] == 0xF0 or boot[21] >= 0xF8)
        and sectors
        and fat
        and (entries or is_32)
    )
    if not sane or not (boot[510:] == b"\x55\xaa" or _media_in_fat(handle, offset + reserved * sector) == boot[21]):
        return None
    root = -(-entries * _ENTRY // sector)
    data = reserved + fats * fat + root
    count = (sectors - data) // per_cluster
    if count < 1:
        return None
    # The number of clusters alone decides the width (FAT Type Determination), but one FAT32 is of any size.
    width = 32 if is_32 else 12 if count < 4085 else 16
    count = min(count, fat * sector * 8 // width - 2, 0x0FFFFFF5)
    flags = number(40, 2) if is_32 else 0
    active = flags & 15 if flags & 0x80 and flags & 15 < fats else 0
    extended = 64 if is_32 else 36
    labelled = boot[extended + 2] == 0x29
    return FatVolume(
        offset=offset,
        width=width,
        sector=sector,
        cluster=per_cluster * sector,
        count=count,
        fat=offset + (reserved + active * fat) * sector,
        fat_size=fat * sector,
        fats=fats,
        mirrored=not flags & 0x80,
        root=offset + (reserved + fats * fat) * sector,
        root_size=entries * _ENTRY,
        root_cluster=number(44, 4) & 0x0FFFFFFF if is_32 else 0,
        data=offset + data * sector,
        size=sectors * sector,
        label=boot[extended + 7 : extended + 18].decode("cp437").rstrip() if labelled else "",
        dirty=_is_dirty(handle, offset + (reserved + active * fat) * sector, width, boot[extended + 1]),
    )


def _media_in_fat(handle: int, position: int) -> int:
    """Return the media byte with which a FAT begins (FAT[0]); -1 where there is none."""
    start = os.pread(handle, 2, position)
    return start[0] if start[1:] == b"\xff" else -1


def _is_dirty(handle: int, fat: int, width: int, state: int) -> bool:
    """Say whether a system says that it did not close the volume: in FAT[1] (Windows) or the boot sector (Linux)."""
    if state & 1:
        return True
    if width == 12:
        return False
    entry = os.pread(handle, width // 8, fat + width // 8)
    clean = 1 << (15 if width == 16 else 27)
    return len(entry) == width // 8 and not int.from_bytes(entry, "little") & clean
