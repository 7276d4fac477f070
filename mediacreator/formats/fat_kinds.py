"""The kinds of FAT volumes that PS3.12 asks for: a row for each annex, or for several that agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

GB, MB = 1 << 30, 1 << 20


@dataclass(frozen=True, slots=True)
class Clusters:
    """A width of the FAT and a size of clusters."""

    width: int  # bits of an entry of the FAT
    sectors: int  # of a cluster
    at_most: int = 0  # clusters of this size in a volume; 0: as many as the width allows


@dataclass(frozen=True, slots=True)
class FatKind:
    """How a volume is laid out, whatever its size."""

    sector: int  # bytes
    clusters: tuple[Clusters, ...]  # the first that is large enough for the volume is taken
    start: int  # first sector of the only partition; 0: no partition table
    by_annex_a: bool  # boot sector as in PS3.12 Table A.2-1, else as in the FAT specification
    track: int  # nominal sectors of a track
    heads: int
    clause: str


FEWEST = {16: 4085 + 16, 32: 65525 + 16}
"""Clusters of a volume by the width of its FAT. The number alone decides the width: 4085 and 65525 are the borders. The
specification asks to stay 16 away from them, since some programs reckon wrongly (FAT Type Determination)."""

MOST = {16: 65524 - 16, 32: 0x0FFFFFF5 - 16}
"""As ``FEWEST``; above 0FFFFFF6H the numbers of clusters have other meanings."""

MAX_SECTORS = 2**32 - 1
"""Sectors of a medium: they are counted in 32 bits (BPB_TotSec32), so 2 TiB with 512 bytes."""

MAX_FILE = {16: 2**31 - 1, 32: 2**32 - 1}
"""Largest file in bytes by width. DIR_FileSize has 32 bits; systems that know FAT16 only count in 31 and a sign."""

ROOT_ENTRIES = 512
"""Entries of the root directory of FAT16, the label included (PS3.12 Table A.2-1, offset 17)."""

MAX_ENTRIES = 65_536
"""Entries of any other directory: it has 2 MiB at most (FAT specification, Other Notes Relating to FAT Directories)."""

# FAT16 up to about 512 MB and FAT32 above, as formatting tools do: each system reads both, and FAT32 begins at 32 MB.
# From 2 KB on, so that few files make a small image; larger clusters where there would be too many (FAT Volume
# Initialization, DskTableFAT32).
_STICK = (
    *(Clusters(16, sectors) for sectors in (4, 8, 16)),
    *(Clusters(32, sectors, most * GB // (sectors * 512)) for sectors, most in ((8, 8), (16, 16), (32, 32))),
    Clusters(32, 64),
)

FAT_KINDS: Mapping[str, FatKind] = {
    "fat_stick": FatKind(512, _STICK, 2048, False, 63, 255, "PS3.12 R, S"),
    "fat16_card": FatKind(
        512, tuple(Clusters(16, sectors) for sectors in (4, 8, 16, 32, 64)), 2048, True, 63, 255, "PS3.12 T, U"
    ),
    "fat16_mod_130": FatKind(512, (Clusters(16, 64), Clusters(16, 128)), 0, True, 62, 1, "PS3.12 M"),
    "fat16_mod_90": FatKind(
        2048, tuple(Clusters(16, sectors) for sectors in (8, 16, 32, 64)), 0, True, 25, 1, "PS3.12 Q"
    ),
}
"""By ``MediaFormat.writer``. USB sticks and cards get a partition, which PS3.12 R to U call more common; it begins at
1 MiB, as flash memory is erased. Magneto-optical disks have none (PS3.12 A.1)."""
