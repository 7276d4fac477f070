"""Predicates of ISO 9660 (PS3.12 F, P.2.2) and UDF (J, P.2.1, X). Positions are those of ECMA-119 and ECMA-167."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mediacreator.formats.udf_parsing import number
from mediacreator.formats.udf_partitions import SparablePartition, VirtualPartition
from mediacreator.suiting.volumes import Deviation, JudgedIso, JudgedUdf, at_byte

_COMPONENT = re.compile(r"[A-Z0-9_]{1,8}")
_FILE = re.compile(r"(?!\.?(?:;|$))([A-Z0-9_]{0,8})(\.[A-Z0-9_]{0,3})?(;\d+)?")  # ECMA-119 10.1
_OF_FILE_SET = re.compile(r"[A-Z0-9_]{1,8}\.?(;\d+)?")


def iso_level_1_names(volume: JudgedIso, argument: str) -> Iterator[Deviation]:
    """Find names beyond level 1: of the File-set (``own``), whose files have no extension, or of ``others``."""
    asked = argument == "own"
    for record in volume.records:
        if volume.on_it.holds(record.path) is asked:
            form = _COMPONENT if record.is_directory else _OF_FILE_SET if asked else _FILE
            if form.fullmatch(record.identifier) is None:
                kind = "a directory" if record.is_directory else "a file"
                yield Deviation(at_byte(record.position), f"the name of {kind} is not of level 1")


def iso_dot_and_version(volume: JudgedIso, _argument: str) -> Iterator[Deviation]:
    """Find files whose name is recorded without its dot or its version."""
    for record in volume.records:
        stem, _, version = record.identifier.rpartition(";")
        if not record.is_directory and not (version.isdigit() and "." in stem):
            yield Deviation(at_byte(record.position), "the name of a file is recorded without dot or version")


def iso_version(volume: JudgedIso, argument: str) -> Iterator[Deviation]:
    """Find files of another version."""
    for record in volume.records:
        _, semicolon, version = record.identifier.rpartition(";")
        if semicolon and not record.is_directory and version.isdigit() and version != argument:
            yield Deviation(at_byte(record.position), "a file has another version")


def iso_one_extent(volume: JudgedIso, _argument: str) -> Iterator[Deviation]:
    """Find files in several extents, which level 3 has and level 1 has not."""
    for record in volume.records:
        if record.extents > 1:
            yield Deviation(at_byte(record.position), f"a file has {record.extents} extents")


def iso_no_extended_attributes(volume: JudgedIso, _argument: str) -> Iterator[Deviation]:
    """Find Extended Attribute Records (BP 2 of a Directory Record)."""
    for record in volume.records:
        if record.ear:
            yield Deviation(at_byte(record.position), f"an Extended Attribute Record of {record.ear} Logical Blocks")


def iso_flags(volume: JudgedIso, argument: str) -> Iterator[Deviation]:
    """Find File Flags of a mask: bit 3 Record, bit 4 Protection (BP 26)."""
    for record in volume.records:
        if record.flags & int(argument, 16):
            yield Deviation(at_byte(record.position), f"File Flags are {record.flags:02X}H")


def iso_system_identifier(volume: JudgedIso, argument: str) -> Iterator[Deviation]:
    """Find a System Identifier (BP 9)."""
    if volume.tree.volume.system_identifier not in ("", argument):
        yield Deviation(volume.position, "the System Identifier is filled in")


def iso_volume_identifier(volume: JudgedIso, _argument: str) -> Iterator[Deviation]:
    """Find a Volume Identifier that is not the File-set ID (BP 41)."""
    if volume.on_it.file_set_id not in (None, volume.tree.label):
        yield Deviation(volume.position, "the Volume Identifier differs from the File-set ID")


def iso_extension(volume: JudgedIso, argument: str) -> Iterator[Deviation]:
    """Find names of another kind beside those of level 1."""
    found = [name for name in volume.extensions if name in argument.split(";")]
    if found:
        yield Deviation(volume.position, f"it has {' and '.join(found)} names as well")


def udf_plain_maps(volume: JudgedUdf, _argument: str) -> Iterator[Deviation]:
    """Find partitions that a table moves about (UDF 2.2.8, 2.2.9)."""
    for kind, words in ((VirtualPartition, "virtual"), (SparablePartition, "sparable")):
        if any(isinstance(one, kind) for one in volume.tree.volume.partitions):
            yield Deviation(volume.position, f"it has a {words} partition")


def udf_single(volume: JudgedUdf, _argument: str) -> Iterator[Deviation]:
    """Find a volume that is one of several, or has several partitions (ECMA-167 3/10.1.6, 3/10.5)."""
    primary, described = volume.tree.volume.primary, volume.tree.volume.described
    if primary and (number(primary, 56, 2), number(primary, 58, 2)) != (1, 1):
        yield Deviation(volume.position, f"it is volume {number(primary, 56, 2)} of up to {number(primary, 58, 2)}")
    if described > 1:
        yield Deviation(volume.position, f"it has {described} partitions")


def udf_interchange_level(volume: JudgedUdf, argument: str) -> Iterator[Deviation]:
    """Find other levels of the Primary Volume Descriptor (ECMA-167 3/10.1.7)."""
    primary = volume.tree.volume.primary
    found = (number(primary, 60, 2), number(primary, 62, 2))
    if primary and set(found) != {int(argument)}:
        yield Deviation(volume.position, f"Interchange Level is {found[0]}, the highest {found[1]}")


def udf_character_set(volume: JudgedUdf, argument: str) -> Iterator[Deviation]:
    """Find another character set than that of OSTA (UDF 2.1.2)."""
    if volume.tree.volume.logical[20:84].rstrip(b"\0") != b"\0" + argument.encode():
        yield Deviation(volume.position, "its names are in another character set")


def udf_file_version(volume: JudgedUdf, argument: str) -> Iterator[Deviation]:
    """Find another File Version Number (ECMA-167 4/14.4.2)."""
    for record in volume.records:
        if record.version != int(argument):
            yield Deviation(at_byte(record.position), f"File Version Number {record.version}")


def udf_permissions(volume: JudgedUdf, argument: str) -> Iterator[Deviation]:
    """Find permissions that lack bits: a mask for files and one for directories (ECMA-167 4/14.9.5)."""
    of_file, of_directory = (int(mask, 16) for mask in argument.split("/"))
    for record in volume.records:
        mask = of_directory if record.is_directory else of_file
        if record.permissions & mask != mask:
            kind = "a directory" if record.is_directory else "a file"
            yield Deviation(at_byte(record.position), f"the permissions of {kind} are {record.permissions:04X}H")


OF_ISO9660 = (
    iso_level_1_names,
    iso_dot_and_version,
    iso_version,
    iso_one_extent,
    iso_no_extended_attributes,
    iso_flags,
    iso_system_identifier,
    iso_volume_identifier,
    iso_extension,
)
OF_UDF = (udf_plain_maps, udf_single, udf_interchange_level, udf_character_set, udf_file_version, udf_permissions)
