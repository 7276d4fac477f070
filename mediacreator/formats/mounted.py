"""What a folder lies on, as Linux tells: which file system, how large its clusters are, how much is free."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mediacreator.errors import MediumError
from mediacreator.formats.fat_kinds import MAX_FILE

_FAT = frozenset(("vfat", "msdos"))
_BORDERS = ((4085, 12), (65525, 16))  # FAT specification, FAT Type Determination: clusters decide the width
_LARGEST = 65536  # bytes of a cluster; a share over the network calls what it likes to be asked for a block
_UNIT = 4096
_ENTRY = 32  # bytes of a file in a directory of FAT; our names need no long ones


@dataclass(frozen=True, slots=True)
class Mounted:
    """A file system that is mounted."""

    kind: str  # as Linux calls it: vfat, exfat, ntfs3, ext4; "" where nobody tells
    cluster: int  # bytes: a file takes whole ones
    free: int  # bytes that this account may still write
    clusters: int  # of the whole

    @property
    def fat(self) -> int:
        """The width of its FAT in bits; 0 where it is none. Linux counts just the clusters that decide it."""
        if self.kind not in _FAT:
            return 0
        return next((width for border, width in _BORDERS if self.clusters < border), 32)

    @property
    def name(self) -> str:
        """What a person calls it; ``""`` where it is not known, as behind a program that shows files of its own."""
        if self.fat:
            return f"FAT{self.fat}"
        return "" if self.kind.startswith("fuse.") else _NAMES.get(self.kind, self.kind)

    @property
    def largest_file(self) -> int:
        """Bytes that a file may have; 0 where there is no bound that matters."""
        return MAX_FILE[16 if self.fat < 32 else 32] if self.fat else 0

    def taken_by(self, size: int) -> int:
        """Return the bytes that a file takes."""
        return -(-size // self.cluster) * self.cluster

    def taken_by_folder(self, entries: int) -> int:
        """Return the bytes that a folder takes with its entries, ``.`` and ``..`` not counted: as FAT has it."""
        return max(self.taken_by((entries + 2) * _ENTRY), self.cluster)


_NAMES = {"exfat": "exFAT", "ntfs": "NTFS", "ntfs3": "NTFS", "fuseblk": "NTFS or exFAT", "hfsplus": "HFS+"}


def mounted(folder: str, root: str = "/") -> Mounted:
    """Return what a folder lies on.

    Args:
        folder: Any folder.
        root: Where ``proc`` lies.

    Raises:
        MediumError: It cannot be asked.
    """
    try:
        status = os.statvfs(folder)
    except OSError as exc:
        raise MediumError(f"The folder cannot be looked at: {exc.strerror}.") from exc
    cluster = status.f_frsize if 512 <= status.f_frsize <= _LARGEST else _UNIT
    return Mounted(
        _kind(os.path.realpath(folder), Path(root)), cluster, status.f_bavail * status.f_frsize, status.f_blocks
    )


def _kind(folder: str, root: Path) -> str:
    """Return the type of the file system of the last mount at, or nearest above, a folder. Source: proc(5)."""
    best, kind = "", ""
    with suppress(OSError):
        for line in (root / "proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines():
            left, _, right = line.partition(" - ")
            place = _unescaped((*left.split(" "), "", "", "", "", "")[4])
            if len(place) >= len(best) and (folder + "/").startswith(place.rstrip("/") + "/"):
                best, kind = place, right.split(" ")[0]
    return kind


def _unescaped(place: str) -> str:
    """Return a path of ``mountinfo``, where blanks and the like are octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), place)
