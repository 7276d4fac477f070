"""Lay out UDF images of any revision; the caller writes the file data.

The order on the medium, in blocks of 2048 bytes:

    16    Volume Recognition Sequence
    32    Main Volume Descriptor Sequence
    64    Logical Volume Integrity Sequence
    256   Anchor
    272   or later, a multiple of what a drive writes at once: the partition, which holds
          File Set Descriptor, directories and File Entries (1.02 to 2.01), or the Metadata File of these (2.50, 2.60)
          file data, in the order given
          a second copy of the Metadata File (2.50, 2.60)
    end   Reserve Volume Descriptor Sequence, far from the main one; Anchor in the last block

All is written once and closed: the partition is read only, and needs neither bitmaps of free space nor a VAT.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mediacreator.errors import InternalError
from mediacreator.formats.placed_tree import directories
from mediacreator.formats.placing import PlacedFile, Placement
from mediacreator.formats.udf_descriptors import (
    ANCHOR,
    IMPLEMENTATION_USE_VOLUME,
    INTEGRITY_USE,
    LOGICAL_VOLUME,
    LOGICAL_VOLUME_INTEGRITY,
    METADATA_MAP,
    PARTITION,
    PRIMARY_VOLUME,
    TERMINATING,
    UNALLOCATED_SPACE,
    VOLUME_STRUCTURE,
    Value,
)
from mediacreator.formats.udf_tables import FileSetTables, metadata_entry
from mediacreator.formats.udf_values import (
    BLOCK,
    IMPLEMENTATION,
    REVISIONS,
    Revision,
    domain,
    dstring,
    entity,
    extent,
    long_ad,
    timestamp,
    udf_entity,
)

RECOGNITION = 16
"""Block where the Volume Recognition Sequence begins (ECMA-167 2/8.3)."""

_MAIN, _INTEGRITY, _ANCHOR = 32, 64, 256
_SEQUENCE = 16  # blocks of a Volume Descriptor Sequence (UDF 2.2.3)
_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")

Segment = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything lies, in blocks; of the partition's unless said."""

    revision: Revision
    partition: int  # block of the volume
    tables: int  # File Set Descriptor, directories and File Entries
    table_blocks: int
    data: int
    data_blocks: int
    mirror: int  # the second copy of the tables; 0: there is none
    partition_blocks: int
    total: int  # of the volume

    @property
    def reserve(self) -> int:
        """Block of the volume where the Reserve Volume Descriptor Sequence begins."""
        return self.partition + self.partition_blocks


def image_size(files: Sequence[PlacedFile], *, revision: str = "1.50") -> int:
    """Return the exact size in bytes of the image that ``lay_out`` lays out.

    Raises:
        MediaTooSmall, InternalError: As ``lay_out``.
    """
    kind = REVISIONS[revision]
    tables = FileSetTables(kind, files, directories(files))
    return plan(kind, tables.blocks, files, _ANCHOR + 1).total * BLOCK


def lay_out(files: Sequence[PlacedFile], *, volume_id: str, created: datetime, revision: str = "1.50") -> Placement:
    """Lay out an image: file data in the order given, each file contiguous.

    Args:
        files: In the order of the medium.
        volume_id: The File-set ID, 0-16 characters A-Z, 0-9, _: Volume, Logical Volume and File Set Identifier.
        created: Date of the volume and of directories; aware.
        revision: Of UDF, a key of ``REVISIONS``.

    Raises:
        MediaTooSmall: A file is larger than one File Entry records (120 GB and more).
        InternalError: A path, identifier or date that cannot be recorded.

    Source: PS3.12 J.1.3, J.2.1, P.1.3, P.2.1, X.1.3, X.2.1; UDF; ECMA-167.
    """
    kind = REVISIONS[revision]
    tables = FileSetTables(kind, files, directories(files))
    where = plan(kind, tables.blocks, files, _ANCHOR + 1)
    segments = (*recognition(kind, RECOGNITION), *volume(where, tables, volume_id, created))
    return placement(where, files, segments)


def plan(revision: Revision, table_blocks: int, files: Sequence[PlacedFile], first: int) -> Plan:
    """Say where everything lies; the partition begins at block ``first`` of the volume or soon after it."""
    unit = revision.cluster
    partition = _aligned(first, unit)
    tables, length = (unit, _aligned(table_blocks, unit)) if revision.metadata else (0, table_blocks)
    data = _aligned(tables + length, unit)
    data_blocks = sum(-(-file.size // BLOCK) for file in files)
    end = _aligned(data + data_blocks, unit)
    mirror = end if revision.metadata else 0
    if mirror:
        end += length + unit  # the File Entry of the Metadata Mirror File lies behind it, far from the other one
    total = _aligned(partition + end + _SEQUENCE + 1, unit)
    return Plan(revision, partition, tables, length, data, data_blocks, mirror, end, total)


def placement(where: Plan, files: Sequence[PlacedFile], segments: Sequence[Segment]) -> Placement:
    """Put a Placement together out of segments by block."""
    block = where.partition + where.data
    offsets = []
    for file in files:
        offsets.append(block * BLOCK)
        block += -(-file.size // BLOCK)
    ordered = sorted(((block * BLOCK, data) for block, data in segments), key=lambda segment: segment[0])
    return Placement(where.total * BLOCK, tuple(ordered), tuple(offsets), BLOCK)


def recognition(revision: Revision, block: int) -> Iterator[Segment]:
    """Yield the Volume Recognition Sequence. Source: ECMA-167 2/9, 3/9.1."""
    for number, identifier in enumerate((b"BEA01", revision.standard, b"TEA01")):
        yield block + number, VOLUME_STRUCTURE.pack(0, identifier, 1)


def volume(where: Plan, tables: FileSetTables, volume_id: str, created: datetime) -> Iterator[Segment]:
    """Yield everything of the volume but the Volume Recognition Sequence and the file data.

    Raises:
        InternalError: The Volume Identifier or a date cannot be recorded.
    """
    if len(volume_id) > 16 or not _NAME_CHARACTERS.issuperset(volume_id):
        raise InternalError(f"{volume_id!r} is no File-set ID: 0 to 16 characters A-Z, 0-9 and _ (PS3.10 8.1).")
    names = _Names(volume_id, tables.files, created)
    for start in (_MAIN, where.reserve):
        for number, data in enumerate(_sequence(where, names, created, start)):
            yield start + number, data
    yield from _integrity(where, tables, created)
    version = where.revision.descriptor_version
    sequences: dict[str, Value] = {"main": extent(_SEQUENCE, _MAIN), "reserve": extent(_SEQUENCE, where.reserve)}
    for block in (_ANCHOR, where.total - 1):
        yield block, ANCHOR.encode(version, block, sequences)
    written = list(tables.encode(where.data, names.logical, names.file_set, created))
    for start in (where.tables, *((where.mirror,) if where.mirror else ())):
        for block, data in written:
            yield where.partition + start + block, data
    if where.mirror:
        entry = _mirror_entry(where)
        for block, start, is_mirror in ((0, where.tables, False), (entry, where.mirror, True)):
            data = metadata_entry(where.revision, block, start, where.table_blocks, created, is_mirror=is_mirror)
            yield where.partition + block, data


class _Names:
    """The identifiers of a volume, encoded."""

    def __init__(self, volume_id: str, files: Sequence[PlacedFile], created: datetime) -> None:
        content = repr((volume_id, created, [(file.path, file.size) for file in files])).encode()
        # 16 characters that no other volume has, the time first (UDF 2.2.2); equal for equal content.
        unique = f"{int(created.timestamp()) & 0xFFFFFFFF:08X}{hashlib.sha256(content).hexdigest()[:8].upper()}"
        label = volume_id or unique  # a Logical Volume Identifier is never empty (UDF 2.2.4)
        self.volume = dstring(volume_id, 32)
        self.volume_set = dstring(unique + volume_id, 128)
        self.logical = dstring(label, 128)
        self.file_set = dstring(label, 32)


def _sequence(where: Plan, names: _Names, created: datetime, start: int) -> Iterator[bytes]:
    """Yield a Volume Descriptor Sequence that begins at block ``start``. Source: UDF 2.2.3."""
    kind = where.revision
    version = kind.descriptor_version
    yield PRIMARY_VOLUME.encode(
        version,
        start,
        {
            "sequence_number": 0,
            "volume_identifier": names.volume,
            "volume_set_identifier": names.volume_set,
            "recorded": timestamp(created),
        },
    )
    about: dict[str, Value] = {
        "sequence_number": 1,
        "implementation": udf_entity(b"*UDF LV Info", kind),
        "logical_volume_identifier": names.logical,
    }
    yield IMPLEMENTATION_USE_VOLUME.encode(version, start + 1, about)
    partition: dict[str, Value] = {
        "sequence_number": 2,
        "contents": entity(b"+" + kind.standard),
        "start": where.partition,
        "length": where.partition_blocks,
    }
    yield PARTITION.encode(version, start + 2, partition)
    maps = _partition_maps(where)
    logical: dict[str, Value] = {
        "sequence_number": 3,
        "logical_volume_identifier": names.logical,
        "domain": domain(kind),
        "file_set": long_ad(2 * BLOCK, 0, len(maps) - 1),
        "map_table_length": sum(len(one) for one in maps),
        "partition_maps": len(maps),
        "integrity": extent(2, _INTEGRITY),
    }
    yield LOGICAL_VOLUME.encode(version, start + 3, logical, b"".join(maps))
    yield UNALLOCATED_SPACE.encode(version, start + 4, {"sequence_number": 4})
    yield TERMINATING.encode(version, start + 5, {})


def _partition_maps(where: Plan) -> list[bytes]:
    """Return the Partition Maps; the last is that of the File Set. Source: ECMA-167 3/10.7.2, UDF 2.2.10."""
    maps = [b"\x01\x06\x01\x00\x00\x00"]  # type 1, 6 bytes, volume 1, partition 0
    if where.revision.metadata:
        unit = where.revision.cluster
        identifier = udf_entity(b"*UDF Metadata Partition", where.revision)
        bitmap, duplicated = 0xFFFFFFFF, 1  # none is asked for in a read-only partition
        files = (0, _mirror_entry(where), bitmap)
        maps.append(METADATA_MAP.pack(2, METADATA_MAP.size, identifier, 1, 0, *files, unit, unit, duplicated))
    return maps


def _mirror_entry(where: Plan) -> int:
    return where.mirror + where.table_blocks


def _integrity(where: Plan, tables: FileSetTables, created: datetime) -> Iterator[Segment]:
    """Yield the Logical Volume Integrity Sequence: closed, nothing free. Source: UDF 2.2.6."""
    kind = where.revision
    sizes = [where.partition_blocks, *([where.table_blocks] if kind.metadata else [])]
    table = b"".join(number.to_bytes(4, "little") for number in (*(0 for _ in sizes), *sizes))
    counts = (len(tables.files), len(tables.directories))
    use = INTEGRITY_USE.pack(IMPLEMENTATION, *counts, kind.minimum_read, kind.number, kind.number)
    values: dict[str, Value] = {
        "recorded": timestamp(created),
        "next_unique_id": tables.next_unique_id,
        "partitions": len(sizes),
    }
    version = kind.descriptor_version
    yield _INTEGRITY, LOGICAL_VOLUME_INTEGRITY.encode(version, _INTEGRITY, values, table + use)
    yield _INTEGRITY + 1, TERMINATING.encode(version, _INTEGRITY + 1, {})


def _aligned(block: int, unit: int) -> int:
    return -(-block // unit) * unit
