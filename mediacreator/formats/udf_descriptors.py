"""The descriptors of UDF as tables of fields; what is fixed for every image of ours stands here, with the clause.

The fields of a descriptor are the subclauses of its clause in ECMA-167, in order; the tag is the first (3/10.1.1).
A field that UDF or PS3.12 restricts says where.
"""

from __future__ import annotations

import struct
from binascii import crc_hqx
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mediacreator.formats.udf_values import IMPLEMENTATION, charspec

Value = int | bytes

_TAG: Final = struct.Struct("<HHBBHHHI")
_TAG_SIZE = 16


@dataclass(frozen=True, slots=True)
class Field:
    """A field: how it is packed, and its value unless another is given."""

    name: str
    form: str  # of ``struct``
    default: Value | None = None  # None: one must be given
    clause: str = ""  # of UDF or PS3.12


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A descriptor: its Tag Identifier, its clause in ECMA-167 and its fields behind the tag."""

    tag: int
    clause: str
    fields: tuple[Field, ...]
    size: int = 0  # bytes; 0: the fields and what follows them, else filled with zeros
    _struct: struct.Struct = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_struct", struct.Struct("<" + "".join(one.form for one in self.fields)))

    @property
    def fixed_size(self) -> int:
        """Bytes of the tag and the fields."""
        return _TAG_SIZE + self._struct.size

    def encode(self, version: int, location: int, values: Mapping[str, Value], tail: bytes = b"") -> bytes:
        """Encode it.

        Args:
            version: Descriptor Version of the tag: 2 or 3.
            location: Tag Location: where it lies, in blocks of the volume or of its partition.
            values: By name of the field; those with a default may be left out.
            tail: What follows the fields: maps, names, allocation descriptors.
        """
        body = self._struct.pack(*[values.get(one.name, one.default) for one in self.fields]) + tail
        if self.size:
            body = body.ljust(self.size - _TAG_SIZE, b"\0")
        return tagged(self.tag, version, location, body)


def tagged(identifier: int, version: int, location: int, body: bytes) -> bytes:
    """Put the tag before a descriptor. Source: ECMA-167 3/7.2 (CRC: CCITT, checksum: all but itself), UDF 2.2.1."""
    tag = bytearray(_TAG.pack(identifier, version, 0, 0, 1, crc_hqx(body, 0), len(body), location))
    tag[4] = sum(tag) & 0xFF
    return bytes(tag) + body


_CHARSET = charspec()
_NUMBER = Field("sequence_number", "I")
_IMPLEMENTATION = Field("implementation", "32s", IMPLEMENTATION)

VOLUME_STRUCTURE: Final = struct.Struct("<B5sB2041x")
"""Type, Standard Identifier, version of a Volume Structure Descriptor. Source: ECMA-167 2/9.1."""

PRIMARY_VOLUME = Descriptor(
    1,
    "ECMA-167 3/10.1",
    (
        _NUMBER,
        Field("descriptor_number", "I", 0),
        Field("volume_identifier", "32s"),
        Field("volume_sequence_number", "H", 1),
        Field("maximum_volume_sequence_number", "H", 1, "UDF 2.2.2; PS3.12 J.2.1, P.2.1, X.2.1: one volume"),
        Field("interchange_level", "H", 2, "PS3.12 J.2.1, P.2.1, X.2.1: 2, a single volume"),
        Field("maximum_interchange_level", "H", 2, "PS3.12 J.2.1, P.2.1, X.2.1: 2, a single volume"),
        Field("character_set_list", "I", 1, "UDF 2.2.2"),
        Field("maximum_character_set_list", "I", 1, "UDF 2.2.2"),
        Field("volume_set_identifier", "128s", None, "UDF 2.2.2"),
        Field("descriptor_character_set", "64s", _CHARSET),
        Field("explanatory_character_set", "64s", _CHARSET),
        Field("volume_abstract", "8s", b""),
        Field("volume_copyright_notice", "8s", b""),
        Field("application", "32s", b""),
        Field("recorded", "12s"),
        _IMPLEMENTATION,
        Field("implementation_use", "64s", b""),
        Field("predecessor", "I", 0),
        Field("flags", "H", 0),
    ),
    512,
)

ANCHOR = Descriptor(2, "ECMA-167 3/10.2", (Field("main", "8s"), Field("reserve", "8s")), 512)

IMPLEMENTATION_USE_VOLUME = Descriptor(
    4,
    "ECMA-167 3/10.4; UDF 2.2.7",
    (
        _NUMBER,
        Field("implementation", "32s"),
        Field("character_set", "64s", _CHARSET),
        Field("logical_volume_identifier", "128s"),
        Field("owner", "36s", b"", "UDF 2.2.7.2"),
        Field("organization", "36s", b"", "UDF 2.2.7.2"),
        Field("contact", "36s", b"", "UDF 2.2.7.2"),
        Field("implementation_here", "32s", IMPLEMENTATION),
    ),
    512,
)

PARTITION = Descriptor(
    5,
    "ECMA-167 3/10.5",
    (
        _NUMBER,
        Field("flags", "H", 1),  # allocated
        Field("number", "H", 0),
        Field("contents", "32s"),
        Field("header", "128s", b"", "UDF 2.3.3: a read-only partition has neither bitmap nor table of free space"),
        Field("access_type", "I", 1, "UDF 2.2.14.2: read only"),
        Field("start", "I"),
        Field("length", "I"),
        _IMPLEMENTATION,
    ),
    512,
)

LOGICAL_VOLUME = Descriptor(
    6,
    "ECMA-167 3/10.6",
    (
        _NUMBER,
        Field("character_set", "64s", _CHARSET),
        Field("logical_volume_identifier", "128s"),
        Field("block_size", "I", 2048, "UDF 2.2.4"),
        Field("domain", "32s"),
        Field("file_set", "16s", None, "UDF 2.2.4"),
        Field("map_table_length", "I"),
        Field("partition_maps", "I"),
        _IMPLEMENTATION,
        Field("implementation_use", "128s", b""),
        Field("integrity", "8s"),
    ),
)

UNALLOCATED_SPACE = Descriptor(7, "ECMA-167 3/10.8", (_NUMBER, Field("extents", "I", 0)))

TERMINATING = Descriptor(8, "ECMA-167 3/10.9, 4/14.2", (), 512)

LOGICAL_VOLUME_INTEGRITY = Descriptor(
    9,
    "ECMA-167 3/10.10; UDF 2.2.6",
    (
        Field("recorded", "12s"),
        Field("type", "I", 1),  # closed
        Field("next", "8s", b""),
        Field("next_unique_id", "Q", None, "UDF 3.2.1"),
        Field("header_reserved", "24s", b""),
        Field("partitions", "I"),
        Field("implementation_use_length", "I", 46),
    ),
)

INTEGRITY_USE: Final = struct.Struct("<32sIIHHH")
"""Implementation, files, directories, lowest revisions to read and write, highest one written. Source: UDF 2.2.6."""

FILE_SET = Descriptor(
    256,
    "ECMA-167 4/14.1",
    (
        Field("recorded", "12s"),
        Field("interchange_level", "H", 3, "UDF 2.3.2"),
        Field("maximum_interchange_level", "H", 3, "UDF 2.3.2"),
        Field("character_set_list", "I", 1, "UDF 2.3.2"),
        Field("maximum_character_set_list", "I", 1, "UDF 2.3.2"),
        Field("file_set_number", "I", 0, "PS3.12 J.2.1, P.2.1, X.2.1: one File Set"),
        Field("descriptor_number", "I", 0),
        Field("logical_volume_character_set", "64s", _CHARSET),
        Field("logical_volume_identifier", "128s"),
        Field("file_set_character_set", "64s", _CHARSET),
        Field("file_set_identifier", "32s"),
        Field("copyright_file", "32s", b""),
        Field("abstract_file", "32s", b""),
        Field("root", "16s"),
        Field("domain", "32s"),
        Field("next", "16s", b""),
        Field("system_stream_directory", "16s", b""),
    ),
    512,
)

FILE_IDENTIFIER = Descriptor(
    257,
    "ECMA-167 4/14.4",
    (
        Field("version", "H", 1, "PS3.12 J.1.3.1, P.1.3.1, X.1.3.1"),
        Field("characteristics", "B", 0, "never hidden: PS3.12 J.2.1, P.2.1, X.2.1"),
        Field("identifier_length", "B"),
        Field("entry", "16s"),
        Field("implementation_use_length", "H", 0),
    ),
)
"""Its identifier follows, filled to a multiple of 4 bytes."""

DIRECTORY, PARENT = 0x02, 0x08
"""File Characteristics. Source: ECMA-167 4/14.4.3."""

_ENTRY = (  # ICB Tag (4/14.6) first
    Field("prior_entries", "I", 0),
    Field("strategy", "H", 4, "UDF 2.3.5"),
    Field("strategy_parameter", "2s", b""),
    Field("maximum_entries", "H", 1),
    Field("reserved", "B", 0),
    Field("file_type", "B", None, "UDF 2.3.5.2: 5 for a file, not 0; PS3.12 J.2.1.6, P.2.1.6 and X.2.1.6 say 0 or 12"),
    Field("parent", "6s", b""),
    Field("flags", "H", None, "UDF 2.3.5"),
    Field("uid", "I", 0xFFFFFFFF, "UDF 3.3.3"),
    Field("gid", "I", 0xFFFFFFFF, "UDF 3.3.3"),
    Field("permissions", "I", None, "PS3.12 J.2.1, P.2.1, X.2.1"),
    Field("links", "H", 1),
    Field("record_format", "B", 0, "UDF 2.3.6"),
    Field("record_display", "B", 0, "UDF 2.3.6"),
    Field("record_length", "I", 0, "UDF 2.3.6"),
    Field("size", "Q"),
)
_ENTRY_END = (
    Field("checkpoint", "I", 1),
    Field("extended_attributes", "16s", b""),
    _IMPLEMENTATION,
    Field("unique_id", "Q", 0, "UDF 3.2.1"),
    Field("extended_attributes_length", "I", 0),
    Field("allocation_length", "I"),
)

FILE_ENTRY = Descriptor(
    261,
    "ECMA-167 4/14.9",
    (
        *_ENTRY,
        Field("blocks", "Q"),
        Field("accessed", "12s"),
        Field("modified", "12s"),
        Field("attributes_changed", "12s"),
        *_ENTRY_END,
    ),
)
"""Its allocation descriptors follow."""

EXTENDED_FILE_ENTRY = Descriptor(
    266,
    "ECMA-167 4/14.17",
    (
        *_ENTRY,
        Field("object_size", "Q"),
        Field("blocks", "Q"),
        Field("accessed", "12s"),
        Field("modified", "12s"),
        Field("created", "12s"),
        Field("attributes_changed", "12s"),
        _ENTRY_END[0],
        Field("extended_reserved", "I", 0),
        _ENTRY_END[1],
        Field("streams", "16s", b""),
        *_ENTRY_END[2:],
    ),
)
"""Its allocation descriptors follow."""

METADATA_MAP: Final = struct.Struct("<BB2x32sHHIIIIHB5x")
"""Metadata Partition Map. Source: UDF 2.2.10."""
