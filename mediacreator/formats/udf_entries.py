"""Read File Entries of UDF: what kind of file, how large, and where its bytes lie in the image."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mediacreator.formats.tree import Extent
from mediacreator.formats.udf_parsing import Place, moment_of, number, parse_tag, read_at
from mediacreator.formats.udf_partitions import Partition, merged

_FILE_ENTRY, _EXTENDED_FILE_ENTRY, _MORE_EXTENTS = 261, 266, 258  # Tag Identifiers (ECMA-167 4/7.2.1)
_INSIDE = 3  # the data lies in the entry itself (ECMA-167 4/14.6.8)
_STRATEGY = 4  # UDF 2.3.5; strategy 4096 is for media that are written once
_RECORDED, _MORE = 0, 3  # of an extent (ECMA-167 4/14.14.1.1)
_FIXED = struct.Struct("<20xH5xB6xH20xQ")  # strategy, file type, flags, Information Length
_LENGTHS = struct.Struct("<II")  # of Extended Attributes and of Allocation Descriptors
_PLACES = (struct.Struct("<II"), struct.Struct("<IIH6x"), struct.Struct("<I4xIIH2x"))  # short, long, extended
_MAX_CHAIN = 4096  # Allocation Extent Descriptors of one file
_MAX_EXTENTS = 1 << 20  # of all files together, as recorded


@dataclass(frozen=True, slots=True)
class Entry:
    """A File Entry. Source: ECMA-167 4/14.9, 4/14.17."""

    kind: int  # file type of the ICB tag (ECMA-167 4/14.6.6)
    size: int  # bytes
    extents: tuple[Extent, ...]  # in the image, joined where they follow one another
    mtime_ns: int
    permissions: int  # ECMA-167 4/14.9.5
    problem: str = ""  # why the extents are not the file
    sound: bool = True  # the CRC holds


class Entries:
    """Reads the File Entries of one Logical Volume."""

    def __init__(self, handle: int, block_size: int, partitions: Sequence[Partition]) -> None:
        """Take an open image."""
        self._handle = handle
        self._block_size = block_size
        self._partitions = partitions
        self._left = _MAX_EXTENTS

    def read(self, block: int, partition: int) -> Entry | None:
        """Read the entry at a block of a partition; None if there is none."""
        where = self.locate(Place(self._block_size, _RECORDED, block, partition))
        if len(where) != 1:
            return None
        return self.parse(read_at(self._handle, where[0].offset, self._block_size), where[0].offset, partition)

    def parse(self, data: bytes, offset: int, partition: int) -> Entry | None:
        """Parse the entry that lies at a byte of the image; short extents are of ``partition``."""
        tag = parse_tag(data)
        if tag is None or tag.identifier not in (_FILE_ENTRY, _EXTENDED_FILE_ENTRY):
            return None
        extended = tag.identifier == _EXTENDED_FILE_ENTRY
        begin = 216 if extended else 176
        if len(data) < begin:
            return None
        attributes, length = _LENGTHS.unpack_from(data, begin - 8)
        begin += attributes  # they come first
        end = begin + length
        strategy, kind, flags, size = _FIXED.unpack_from(data)
        form = flags & 7
        allowed = number(data, 44)
        time = moment_of(data[92:104] if extended else data[84:96])
        if strategy != _STRATEGY:
            return Entry(kind, size, (), time, allowed, "is recorded by another strategy than 4", tag.sound)
        if end > len(data):
            return Entry(kind, size, (), time, allowed, "has a File Entry that is longer than its block", tag.sound)
        if form == _INSIDE:
            inside = (Extent(offset + begin, size),) if size else ()
            return Entry(kind, size, inside, time, allowed, "" if size <= end - begin else "is cut off", tag.sound)
        extents, problem = self._extents(data[begin:end], form, partition, size)
        return Entry(kind, size, extents, time, allowed, problem, tag.sound)

    def locate(self, place: Place) -> tuple[Extent, ...]:
        """Return where an extent lies in the image; () if it is not all inside."""
        if place.partition >= len(self._partitions):
            return ()
        return self._partitions[place.partition].locate(place.block, place.size)

    def _extents(self, data: bytes, form: int, partition: int, size: int) -> tuple[tuple[Extent, ...], str]:
        """Follow allocation descriptors until ``size`` bytes are found, and say what is wrong with them."""
        found: list[Extent] = []
        left = size
        for place in self._places(data, form, partition):
            if not left:
                break
            if place.kind != _RECORDED:
                return (), "has bytes that were never recorded"
            wanted = Place(min(place.size, left), place.kind, place.block, place.partition)
            where = self.locate(wanted)
            if not where:
                return (), "lies outside the image"
            found += where
            left -= wanted.size
        return merged(found), "has fewer bytes recorded than it is long" if left else ""

    def _places(self, data: bytes, form: int, partition: int) -> Iterator[Place]:
        """Yield the extents of a file as recorded, those of all its Allocation Extent Descriptors."""
        for _ in range(_MAX_CHAIN):
            more = None
            for place in _parse_places(data, form, partition):
                self._left -= 1
                if self._left < 0:
                    return
                if place.kind == _MORE:
                    more = place
                    break
                yield place
            if more is None:
                return
            data = self._more(more)

    def _more(self, place: Place) -> bytes:
        """Read the allocation descriptors of an Allocation Extent Descriptor. Source: ECMA-167 4/14.5."""
        where = self.locate(Place(self._block_size, _RECORDED, place.block, place.partition))
        data = b"".join(read_at(self._handle, extent.offset, extent.size) for extent in where)
        tag = parse_tag(data)
        if tag is None or tag.identifier != _MORE_EXTENTS:
            return b""
        return data[24 : 24 + number(data, 20)]


def _parse_places(data: bytes, form: int, partition: int) -> Iterator[Place]:
    """Parse allocation descriptors: short, long or extended. Source: ECMA-167 4/14.14."""
    if form >= len(_PLACES):
        return
    width = _PLACES[form].size
    for length, *more in _PLACES[form].iter_unpack(data[: len(data) // width * width]):
        # An extended one says apart how many bytes of information there are; a short one is of this partition.
        size, block, where = (length, *more, partition)[:3] if form < 2 else more
        if not size & 0x3FFFFFFF:  # ends the list (ECMA-167 4/12)
            return
        yield Place(size & 0x3FFFFFFF, length >> 30, block, where)
