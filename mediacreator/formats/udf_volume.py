"""Find the Logical Volume of a UDF image: its anchor, descriptors and partitions, whatever the revision.

Positions are those of ECMA-167 (BP: byte position from 0).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from mediacreator.errors import SourceUnreadable
from mediacreator.formats.iso9660_volume import Findings
from mediacreator.formats.udf_entries import Entries
from mediacreator.formats.udf_parsing import Place, dstring_of, long_place, number, parse_tag, read_at
from mediacreator.formats.udf_partitions import (
    MetadataPartition,
    Partition,
    PhysicalPartition,
    SparablePartition,
    VirtualPartition,
)
from mediacreator.model import Severity

_RECOGNITION = 32768  # bytes before the Volume Recognition Sequence (ECMA-167 2/8.3)
_STRUCTURES = (b"BEA01", b"TEA01", b"BOOT2", b"CD001", b"CDW02")
_STANDARDS = (b"NSR02", b"NSR03")
_SECTORS = (2048, 512, 4096, 1024)  # bytes; the anchor tells which (UDF 2.2.4)
_PRIMARY, _ANCHOR, _POINTER, _PARTITION, _LOGICAL, _TERMINATOR, _INTEGRITY = 1, 2, 3, 5, 6, 8, 9
_MAX_SEQUENCE = 256  # sectors of a Volume Descriptor Sequence that are read
_MAX_MAPS = 8
_VAT_SEARCH = 512  # blocks at the end of the image among which the Virtual Allocation Table is looked for
_MAX_VAT = 16 << 20
_VIRTUAL = b"*UDF Virtual Partition"
_REMEDY = "Ask for a new medium."


class NotUDF(SourceUnreadable):
    """The bytes are not a UDF volume, or one whose descriptors cannot be read."""


@dataclass(frozen=True, slots=True)
class LogicalVolume:
    """What the descriptors of a volume say."""

    position: int  # bytes from the start of the image: of the Logical Volume Descriptor
    label: str
    revision: int  # of UDF, in binary coded decimal; 0 where it is not said
    block_size: int  # bytes
    partitions: tuple[Partition, ...]
    file_set: Place
    primary: bytes  # Primary Volume Descriptor, b"" where none can be read
    logical: bytes  # Logical Volume Descriptor
    described: int  # partitions that have a descriptor of their own


@dataclass(slots=True)
class _Sequence:
    """The prevailing descriptors of a Volume Descriptor Sequence (ECMA-167 3/8.4.3)."""

    primary: bytes = b""
    logical: bytes = b""
    logical_position: int = 0
    partitions: dict[int, bytes] = field(default_factory=dict)  # by their number

    def take(self, tag: int, data: bytes, position: int) -> None:
        """Keep a descriptor unless one of a higher number is there."""
        if tag == _PRIMARY and number(data, 16) >= number(self.primary, 16):
            self.primary = data
        elif tag == _LOGICAL and number(data, 16) >= number(self.logical, 16):
            self.logical, self.logical_position = data, position
        elif tag == _PARTITION:
            known = self.partitions.get(number(data, 22, 2), b"")
            if number(data, 16) >= number(known, 16):
                self.partitions[number(data, 22, 2)] = data

    @property
    def is_whole(self) -> bool:
        """Say whether there is what a volume needs."""
        return bool(self.logical and self.partitions)


def is_udf(handle: int) -> bool:
    """Say whether an open file has the Volume Recognition Sequence of UDF. Source: ECMA-167 2/9, 3/9.1."""
    for step in (2048, 4096):
        for index in range(64):
            identifier = read_at(handle, _RECOGNITION + index * step, 6)[1:]
            if identifier in _STANDARDS:
                return True
            if identifier not in _STRUCTURES:
                break
    return False


class VolumeFinder:
    """Reads the descriptors of one image; what it notices goes into ``findings``."""

    def __init__(self, handle: int, size: int, findings: Findings) -> None:
        """Take an open image of ``size`` bytes."""
        self._handle = handle
        self._size = size
        self._report = findings.report
        self._sector = 0

    def find(self) -> LogicalVolume:
        """Return the Logical Volume.

        Raises:
            NotUDF: There is none whose descriptors hold together.
        """
        anchors = list(self._anchors())
        if not anchors:
            raise NotUDF("The image has no anchor of a UDF volume.")
        for anchor in anchors:
            for number_of, at in enumerate((16, 24)):
                sequence = self._sequence(number(anchor, at), number(anchor, at + 4))
                if sequence.is_whole:
                    if number_of:
                        self._say_reserve()
                    return self._volume(sequence)
        raise NotUDF("The image has no UDF volume whose descriptors can be read.")

    def _anchors(self) -> Iterator[bytes]:
        """Yield the anchors of the image, which also tell the size of a sector. Source: ECMA-167 3/8.4.2.1."""
        for sector in _SECTORS:
            last = self._size // sector - 1
            for location in dict.fromkeys((256, last, last - 256, 512, last - 150, last - 152)):
                data = read_at(self._handle, location * sector, 512)
                tag = parse_tag(data)
                if tag is not None and tag.identifier == _ANCHOR and tag.location == location:
                    self._sector = sector
                    yield data
            if self._sector:
                return

    def _sequence(self, size: int, location: int) -> _Sequence:
        """Read a Volume Descriptor Sequence. Source: ECMA-167 3/8.4.2, 3/10.3."""
        found = _Sequence()
        left = min(size // self._sector, _MAX_SEQUENCE)
        for _ in range(_MAX_SEQUENCE):
            if left <= 0:
                break
            offset = location * self._sector
            data = read_at(self._handle, offset, max(self._sector, 2048))
            tag = parse_tag(data)
            location, left = location + 1, left - 1
            if tag is None or not tag.sound:  # not recorded, or damaged: another may still follow
                continue
            if tag.identifier == _TERMINATOR:
                break
            if tag.identifier == _POINTER:
                left, location = min(number(data, 20) // self._sector, _MAX_SEQUENCE), number(data, 24)
            found.take(tag.identifier, data, offset)
        return found

    def _say_reserve(self) -> None:
        self._report(
            "udf-reserve-used",
            0,
            "the Main Volume Descriptor Sequence cannot be read; the reserve one is used",
            "two that are equal",
            "ECMA-167 3/8.4.2",
            "It was read all the same; make a new medium soon.",
            Severity.WARNING,
        )

    def _volume(self, sequence: _Sequence) -> LogicalVolume:
        data = sequence.logical
        block_size = number(data, 212)
        if block_size not in _SECTORS:
            raise NotUDF(f"The UDF volume has blocks of {block_size} bytes, which no reader takes.")
        partitions = self._partitions(sequence, block_size)
        label = dstring_of(data[84:212])
        if sequence.primary and not dstring_of(sequence.primary[24:56]):
            label = ""  # the Logical Volume Identifier may not be empty (UDF 2.2.4); that of the volume says it
        if not any(isinstance(one, VirtualPartition) for one in partitions):  # there the table at the end closes it
            self._check_closed(number(data, 432), number(data, 436))
        revision = number(data, 240, 2) if data[217:236] == b"*OSTA UDF Compliant" else 0
        place = long_place(data, 248)
        return LogicalVolume(
            position=sequence.logical_position,
            label=label,
            revision=revision,
            block_size=block_size,
            partitions=tuple(partitions),
            file_set=place,
            primary=sequence.primary,
            logical=data,
            described=len(sequence.partitions),
        )

    def _partitions(self, sequence: _Sequence, block_size: int) -> list[Partition]:
        """Build a partition for each Partition Map. Source: ECMA-167 3/10.7, UDF 2.2.8 to 2.2.10.

        Raises:
            NotUDF: A map is of no known kind, or leads to no partition.
        """
        data = sequence.logical
        maps = list(_maps(data[440 : 440 + number(data, 264)], min(number(data, 268), _MAX_MAPS)))
        # Those that lie in another partition come after it, whatever their order.
        physical = {}
        virtual = any(one[5:28].rstrip(b"\0") == _VIRTUAL for one in maps)  # such a partition ends where the disc does
        for one in maps:
            descriptor = sequence.partitions.get(_partition_number(one))
            if descriptor is None:
                raise NotUDF("The UDF volume names a partition that is not there.")
            position = sequence.logical_position
            physical[_partition_number(one)] = self._physical(descriptor, block_size, position, virtual=virtual)
        return [self._partition(one, physical[_partition_number(one)], block_size) for one in maps]

    def _physical(self, descriptor: bytes, block_size: int, position: int, *, virtual: bool) -> PhysicalPartition:
        start, length = number(descriptor, 188) * self._sector, number(descriptor, 192) * self._sector
        if start + length > self._size and not virtual:
            self._report(
                "udf-truncated",
                position,
                f"the image has {self._size} bytes",
                f"{start + length} bytes as its Partition Descriptor says",
                "ECMA-167 3/10.5",
                "Copy the medium again; what lies behind the end is lost.",
            )
        return PhysicalPartition(start, max(min(length, self._size - start), 0), block_size)

    def _partition(self, one: bytes, physical: PhysicalPartition, block_size: int) -> Partition:
        if one[0] == 1:
            return physical
        kind = one[5:28].rstrip(b"\0")
        if kind == b"*UDF Metadata Partition":
            return self._metadata(one, physical, block_size)
        if kind == b"*UDF Sparable Partition":
            return self._sparable(one, physical, block_size)
        if kind == _VIRTUAL:
            return self._virtual(physical, block_size)
        raise NotUDF("The UDF volume has a partition of a kind that no revision of UDF defines.")

    def _metadata(self, one: bytes, physical: PhysicalPartition, block_size: int) -> Partition:
        """Find the Metadata File, or its mirror where that cannot be read. Source: UDF 2.2.10, 2.2.13."""
        entries = Entries(self._handle, block_size, (physical,))
        for is_mirror, at in enumerate((40, 44)):
            entry = entries.read(number(one, at), 0)
            if entry is not None and entry.sound and not entry.problem:
                if is_mirror:
                    self._report(
                        "udf-mirror-used",
                        physical.start + number(one, 40) * block_size,
                        "the Metadata File cannot be found; its mirror is used",
                        "two that are equal",
                        "UDF 2.2.13",
                        "It was read all the same; make a new medium soon.",
                        Severity.WARNING,
                    )
                return MetadataPartition(entry.extents, block_size)
        raise NotUDF("The UDF volume has neither a Metadata File nor its mirror.")

    def _sparable(self, one: bytes, physical: PhysicalPartition, block_size: int) -> Partition:
        """Read the Sparing Table with the highest number. Source: UDF 2.2.9, 2.2.12."""
        packet = number(one, 40, 2) * block_size
        best, moved = -1, {}
        for index in range(min(one[42], 4)):
            data = read_at(self._handle, number(one, 48 + 4 * index) * self._sector, min(number(one, 44), 1 << 20))
            if parse_tag(data) is None or data[17:36] != b"*UDF Sparing Table\0" or number(data, 52) <= best:
                continue
            best = number(data, 52)
            entries = struct.iter_unpack("<II", data[56 : 56 + 8 * number(data, 48, 2)][: (len(data) - 56) // 8 * 8])
            moved = {origin * block_size: mapped * self._sector for origin, mapped in entries if origin < 0xFFFFFFF0}
        if best < 0 or not packet:
            raise NotUDF("The UDF volume has no Sparing Table that can be read.")
        return SparablePartition(physical, packet, moved, self._size)

    def _virtual(self, physical: PhysicalPartition, block_size: int) -> Partition:
        """Find the Virtual Allocation Table, the last thing recorded. Source: UDF 2.2.8, 2.2.11."""
        entries = Entries(self._handle, block_size, (physical,))
        last = self._size // block_size - 1
        for block in range(last, max(last - _VAT_SEARCH, 0), -1):
            data = read_at(self._handle, block * block_size, block_size)
            if parse_tag(data) is None:
                continue
            entry = entries.parse(data, block * block_size, 0)
            if entry is None or entry.problem or entry.kind not in (0, 248) or entry.size > _MAX_VAT:
                continue
            content = b"".join(read_at(self._handle, extent.offset, extent.size) for extent in entry.extents)
            table = _allocation_table(content, entry.kind)
            if table is not None:
                return VirtualPartition(physical, table, block_size)
        raise NotUDF("The UDF volume has no Virtual Allocation Table at its end: the disc was not finished.")

    def _check_closed(self, size: int, location: int) -> None:
        """Warn of a volume that was being written when it was taken away. Source: ECMA-167 3/8.8, 3/10.10."""
        kind = None
        for _ in range(_MAX_SEQUENCE):
            data = read_at(self._handle, location * self._sector, 512)
            tag = parse_tag(data)
            if size < self._sector or tag is None or tag.identifier != _INTEGRITY:
                break
            kind = number(data, 28)
            position = location * self._sector
            if number(data, 32):
                size, location = number(data, 32), number(data, 36)
            else:
                size, location = size - self._sector, location + 1
        if kind == 0:
            self._report(
                "udf-not-closed",
                position,
                "the volume was not closed by what wrote it last",
                "a closed Logical Volume Integrity Descriptor",
                "ECMA-167 3/10.10",
                "Files may be missing or unfinished: compare it with what was sent.",
                Severity.WARNING,
            )


def _maps(data: bytes, count: int) -> Iterator[bytes]:
    """Yield the Partition Maps. Source: ECMA-167 3/10.7."""
    for _ in range(count):
        if len(data) < 2 or (data[0], data[1]) not in ((1, 6), (2, 64)) or len(data) < data[1]:
            raise NotUDF("The UDF volume has a Partition Map that does not hold together.")
        yield data[: data[1]]
        data = data[data[1] :]


def _partition_number(one: bytes) -> int:
    return number(one, 4 if one[0] == 1 else 38, 2)


def _allocation_table(data: bytes, kind: int) -> tuple[int, ...] | None:
    """Parse a Virtual Allocation Table, that of UDF 1.50 (kind 0) or of later ones; None if it is none."""
    if kind == 248 and len(data) >= 152:
        body = data[number(data, 0, 2) :]
    elif kind == 0 and len(data) >= 36 and data[-35:-13] == b"*UDF Virtual Alloc Tbl":
        body = data[:-36]
    else:
        return None
    return tuple(entry for (entry,) in struct.iter_unpack("<I", body[: len(body) // 4 * 4]))
