"""Where the blocks of a UDF partition lie in the image: as they are, in a Metadata File, or remapped by a table.

Each kind of partition answers one question, ``locate``; the answer never leads outside the image.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from mediacreator.formats.tree import Extent


class Partition(Protocol):
    """A partition of a Logical Volume."""

    def locate(self, block: int, size: int) -> tuple[Extent, ...]:
        """Return where ``size`` bytes from a block on lie in the image, in order; () if they are not all inside."""


class PhysicalPartition:
    """Blocks as they are. Source: ECMA-167 3/10.7.2 (Type 1 Partition Map)."""

    def __init__(self, start: int, size: int, block_size: int) -> None:
        """Take first byte and bytes of the partition that lie in the image."""
        self.start = start
        self.size = size
        self.block_size = block_size

    def locate(self, block: int, size: int) -> tuple[Extent, ...]:
        """See ``Partition.locate``."""
        offset = block * self.block_size
        return (Extent(self.start + offset, size),) if offset + size <= self.size else ()


class MetadataPartition:
    """The blocks of a Metadata File. Source: UDF 2.2.10, 2.2.13."""

    def __init__(self, extents: Sequence[Extent], block_size: int) -> None:
        """Take the extents of the Metadata File."""
        self._extents = tuple(extents)
        self._block_size = block_size
        self._begins: list[int] = []  # bytes of the Metadata File before each extent
        self._size = 0
        for extent in extents:
            self._begins.append(self._size)
            self._size += extent.size

    def locate(self, block: int, size: int) -> tuple[Extent, ...]:
        """See ``Partition.locate``."""
        offset = block * self._block_size
        if offset + size > self._size:
            return ()
        found = []
        index = bisect_right(self._begins, offset) - 1
        while size:
            skip = offset - self._begins[index]
            part = min(size, self._extents[index].size - skip)
            if part:
                found.append(Extent(self._extents[index].offset + skip, part))
            offset, size, index = offset + part, size - part, index + 1
        return merged(found)


class SparablePartition:
    """Blocks as they are, but for packets that a table moves elsewhere. Source: UDF 2.2.9, 2.2.12."""

    def __init__(self, physical: PhysicalPartition, packet: int, moved: Mapping[int, int], image_size: int) -> None:
        """Take the physical partition.

        Args:
            physical: Its first block and size.
            packet: Bytes of a packet.
            moved: Byte of the partition where a packet begins, to the byte of the image where it lies instead.
            image_size: In bytes.
        """
        self._physical = physical
        self._packet = packet
        self._moved = moved
        self._order = sorted(moved)
        self._image_size = image_size

    def locate(self, block: int, size: int) -> tuple[Extent, ...]:
        """See ``Partition.locate``."""
        begin = block * self._physical.block_size
        if begin + size > self._physical.size:
            return ()
        found, position, end = [], begin, begin + size
        first = bisect_left(self._order, begin - self._packet + 1)
        for origin in self._order[first : bisect_left(self._order, end)]:
            start, stop = max(origin, begin), min(origin + self._packet, end)
            found.append(Extent(self._physical.start + position, start - position))
            found.append(Extent(self._moved[origin] + start - origin, stop - start))
            position = stop
        found.append(Extent(self._physical.start + position, end - position))
        whole = merged(found)
        return whole if all(one.offset + one.size <= self._image_size for one in whole) else ()


class VirtualPartition:
    """Blocks that a Virtual Allocation Table numbers. Source: UDF 2.2.8, 2.2.11."""

    def __init__(self, physical: Partition, table: Sequence[int], block_size: int) -> None:
        """Take the physical partition, and the block of it for each block of this one."""
        self._physical = physical
        self._table = table
        self._block_size = block_size

    def locate(self, block: int, size: int) -> tuple[Extent, ...]:
        """See ``Partition.locate``."""
        found: list[Extent] = []
        while size:
            part = min(size, self._block_size)
            where = self._physical.locate(self._table[block], part) if block < len(self._table) else ()
            if not where:
                return ()
            found += where
            block, size = block + 1, size - part
        return merged(found)


def merged(extents: Iterable[Extent]) -> tuple[Extent, ...]:
    """Join extents that follow one another, and leave out empty ones."""
    found: list[Extent] = []
    for extent in extents:
        if found and found[-1].offset + found[-1].size == extent.offset:
            found[-1] = Extent(found[-1].offset, found[-1].size + extent.size)
        elif extent.size:
            found.append(extent)
    return tuple(found)
