"""How large a FAT volume and its parts are: as small as its content allows, or as large as its medium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mediacreator.errors import MediaTooSmall
from mediacreator.formats.fat_kinds import FEWEST, MAX_SECTORS, MOST, ROOT_ENTRIES, Clusters, FatKind

_ENTRY = 32  # bytes of an entry of a directory
_RESERVED = {16: 1, 32: 32}  # sectors before the first FAT (Boot Sector and BPB, BPB_RsvdSecCnt)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the parts of a volume lie. Sectors count from the first of the volume, clusters from 2."""

    kind: FatKind
    size: Clusters
    count: int  # clusters
    reserved: int  # sectors before the first FAT
    fat: int  # sectors of one FAT
    sectors: int  # of the volume

    @property
    def root(self) -> int:
        """Sectors of the root directory that is no cluster; none with FAT32."""
        return 0 if self.size.width == 32 else -(-ROOT_ENTRIES * _ENTRY // self.kind.sector)

    @property
    def data(self) -> int:
        """First sector of cluster 2."""
        return self.reserved + 2 * self.fat + self.root

    @property
    def cluster(self) -> int:
        """Bytes of a cluster."""
        return self.size.sectors * self.kind.sector

    @property
    def image(self) -> int:
        """Bytes of the medium, its partition table included."""
        return (self.kind.start + self.sectors) * self.kind.sector

    def byte_of(self, sector: int) -> int:
        """Return where a sector of the volume lies in the image, in bytes."""
        return (self.kind.start + sector) * self.kind.sector

    def byte_of_cluster(self, cluster: int) -> int:
        """Return where a cluster lies in the image, in bytes."""
        return self.byte_of(self.data) + (cluster - 2) * self.cluster


Needed = Callable[[int, int], int]
"""Returns the clusters that content takes, by the width of the FAT and the bytes of a cluster."""


def smallest(kind: FatKind, needed: Needed) -> Geometry:
    """Return the geometry of an image that is no larger than its content asks for.

    Args:
        kind: Of volume.
        needed: By the content.

    Raises:
        MediaTooSmall: No volume of this kind is that large.
    """
    for size in kind.clusters:
        count = max(needed(size.width, size.sectors * kind.sector), FEWEST[size.width])
        if count <= _most(size):
            geometry = _with(kind, size, count)
            if kind.start + geometry.sectors <= MAX_SECTORS:
                return geometry
    largest = max(_most(size) * size.sectors * kind.sector for size in kind.clusters)
    raise MediaTooSmall(
        f"The File-set needs more than the {largest:,} bytes that FAT{kind.clusters[-1].width} can hold on this medium "
        f"[{kind.clause}]. Write it to a BD or a folder, or choose some with --study, --series or --modality."
    )


def filling(kind: FatKind, needed: Needed, capacity: int) -> Geometry:
    """Return the geometry of an image that fills a medium.

    Args:
        kind: Of volume.
        needed: By the content.
        capacity: Of the medium, in bytes; what is beyond the last sector, or beyond what FAT can count, stays unused.

    Raises:
        MediaTooSmall: The content is larger, to the sector; or the medium is too small to be formatted so.
    """
    fitting = [geometry for geometry in _filled(kind, min(capacity // kind.sector, MAX_SECTORS)) if geometry.count]
    for geometry in fitting:
        if geometry.count >= needed(geometry.size.width, geometry.cluster):
            return geometry
    least = smallest(kind, needed).image
    raise MediaTooSmall(
        f"The File-set needs {least:,} bytes with FAT{kind.clusters[0].width}, the medium holds {capacity:,} "
        f"[{kind.clause}]. Take a larger one, or choose some with --study, --series or --modality."
    )


def _filled(kind: FatKind, total: int) -> Iterator[Geometry]:
    """Yield each way to fill a medium of ``total`` sectors: what suits its size first, then what leaves some unused."""
    ways = [(size, _fitting(kind, size, total - kind.start)) for size in kind.clusters]
    suiting = [(size, count) for size, count in ways if FEWEST[size.width] <= count <= _most(size)]
    others = [(size, _most(size)) for size, count in reversed(ways) if count > _most(size)]
    for size, count in (*suiting, *others):
        geometry = _with(kind, size, count)
        yield _stretched(geometry, total - kind.start) if (size, count) in suiting else geometry


def _stretched(geometry: Geometry, sectors: int) -> Geometry:
    """Let the volume end where the medium does: the rest is less than a cluster."""
    return Geometry(geometry.kind, geometry.size, geometry.count, geometry.reserved, geometry.fat, sectors)


def _fitting(kind: FatKind, size: Clusters, sectors: int) -> int:
    """Return how many clusters a volume of so many sectors has, their FATs included; 0 where there is no room."""
    count = max(sectors // size.sectors, 0)
    while count > 0 and (excess := _with(kind, size, count).sectors - sectors) > 0:
        count -= -(-excess // size.sectors)
    while count > 0 and _with(kind, size, count + 1).sectors <= sectors:  # the FATs shrank as well
        count += 1
    return max(count, 0)


def _with(kind: FatKind, size: Clusters, count: int) -> Geometry:
    """Return the geometry of a volume with so many clusters; those of FAT32 are aligned to their own size."""
    fat = -(-(count + 2) * (size.width // 8) // kind.sector)
    reserved = _RESERVED[size.width]
    if size.width == 32:
        reserved += -(reserved + 2 * fat) % size.sectors
    geometry = Geometry(kind, size, count, reserved, fat, 0)
    return _stretched(geometry, geometry.data + count * size.sectors)


def _most(size: Clusters) -> int:
    return size.at_most or MOST[size.width]
