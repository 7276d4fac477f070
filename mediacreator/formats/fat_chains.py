"""Follow the chains of clusters of a FAT volume, each cluster once, without keeping the FAT in memory."""

from __future__ import annotations

import os
import sys
from array import array
from collections import OrderedDict

from mediacreator.formats.fat_volume import FatVolume
from mediacreator.formats.tree import Extent

_PAGE = 1 << 15  # entries
_PAGES = 64  # kept: 8 MiB with FAT32


class BrokenChain(Exception):
    """A chain leads outside the volume or the image, into another one or to itself, or ends too early."""


class Chains:
    """The chains of one volume. No cluster belongs to two of them, so all together are no longer than the image."""

    def __init__(self, handle: int, volume: FatVolume, size: int) -> None:
        """Take an image of ``size`` bytes."""
        self._handle = handle
        self._volume = volume
        inside = (size - volume.data) // volume.cluster
        self._end = 2 + max(min(volume.count, inside), 0)  # what lies behind the end of the image is no cluster
        self._taken = bytearray(self._end // 8 + 1)  # a bit for each cluster
        self._pages: OrderedDict[int, array[int]] = OrderedDict()

    def extents(self, first: int, size: int | None, most: int) -> tuple[Extent, ...]:
        """Return where the clusters of a chain lie, those that follow one another together.

        Args:
            first: Cluster of the chain.
            size: Bytes that are needed, so that what a chain has beyond them does not matter; None: all of it.
            most: Bytes that are taken at most.

        Raises:
            BrokenChain: It cannot be followed as far as is needed. What was taken stays taken.
        """
        cluster_size = self._volume.cluster
        wanted = -(-(most if size is None else size) // cluster_size)
        runs: list[tuple[int, int]] = []
        start = cluster = first
        for done in range(1, wanted + 1):
            self._take(cluster)
            following = self._next(cluster)
            if following != cluster + 1 or done == wanted:
                runs.append((start, cluster + 1))
                start = following
            if following >= self._last and done < wanted and size is not None:
                raise BrokenChain(f"ends after {done} of {wanted} clusters")
            if following >= self._last:
                break
            cluster = following
        else:
            if size is None:
                raise BrokenChain(f"has more than {most} bytes")
        return self._as_extents(runs, size)

    @property
    def _last(self) -> int:
        """The least number that ends a chain (FAT Data Structure: EOC)."""
        return {12: 0xFF8, 16: 0xFFF8, 32: 0x0FFFFFF8}[self._volume.width]

    def _take(self, cluster: int) -> None:
        if not 2 <= cluster < self._end:
            raise BrokenChain(f"leads to cluster {cluster}, which is not in the image")
        place, bit = cluster >> 3, 1 << (cluster & 7)
        if self._taken[place] & bit:
            raise BrokenChain(f"leads to cluster {cluster}, which belongs to another file or was met before")
        self._taken[place] |= bit

    def _as_extents(self, runs: list[tuple[int, int]], size: int | None) -> tuple[Extent, ...]:
        extents = []
        left = size if size is not None else sum(end - start for start, end in runs) * self._volume.cluster
        for start, end in runs:
            length = min((end - start) * self._volume.cluster, left)
            extents.append(Extent(self._volume.position(start), length))
            left -= length
        return tuple(extents)

    def _next(self, cluster: int) -> int:
        """Return which cluster follows one, or a number that ends the chain. Source: FAT Data Structure."""
        if self._volume.width == 12:
            pair = int.from_bytes(os.pread(self._handle, 2, self._volume.fat + cluster * 3 // 2), "little")
            return pair >> 4 if cluster & 1 else pair & 0xFFF
        number, place = divmod(cluster, _PAGE)
        page = self._pages.get(number)
        if page is None:
            page = self._read(number)
        return page[place] & 0x0FFFFFFF if place < len(page) else 0

    def _read(self, number: int) -> array[int]:
        page = array("H" if self._volume.width == 16 else "I")
        size = _PAGE * page.itemsize
        data = os.pread(
            self._handle, min(size, self._volume.fat_size - number * size), self._volume.fat + number * size
        )
        page.frombytes(data[: len(data) // page.itemsize * page.itemsize])
        if sys.byteorder == "big":
            page.byteswap()
        if len(self._pages) >= _PAGES:
            self._pages.popitem(last=False)
        self._pages[number] = page
        return page
