"""One DICOMDIR with a record of every type that PS3.3 F.4 ever had, each where it may stand, with its keys.

Encoded by ``tests.dicomdirs``; only which types and keys there are is the package's own (``rules.tables``, which has
witnesses of its own). The values are made up.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from mediacreator.rules.tables import Key, RecordType, record_types, sop_classes
from tests.dicomdirs import Record, element

_VALUES = {
    "CS": b"VALUE",
    "DA": b"20260301",
    "DT": b"20260301101112",
    "IS": b"7",
    "LO": b"Long string",
    "PN": b"Doe^Jane",
    "SH": b"Short",
    "ST": b"Short text",
    "TM": b"101112",
    "UI": b"2.25.99",
    "US": b"\1\0",
    "UT": b"Unlimited text",
    "UR": b"https://example.org/a",
    "LT": b"Long text",
    "OB": b"\0\0",
    "UL": b"\1\0\0\0",
    "UV": b"\1\0\0\0\0\0\0\0",
    "DS": b"1.5",
    "FD": b"\0" * 8,
    "FL": b"\0" * 4,
}
_CHOSEN = {0x00081115, 0x00080060}  # of PRESENTATION (not BlendingSequence), of HANGING PROTOCOL (not AnatomicRegion)
_SPECIAL = {0x00080008: b"ORIGINAL\\PRIMARY"}
_WITHOUT_FILE = {
    *("PATIENT", "STUDY", "SERIES", "PRIVATE", "TOPIC", "VISIT", "RESULTS", "INTERPRETATION", "STUDY COMPONENT"),
    *("PRINT QUEUE", "FILM SESSION", "FILM BOX", "IMAGE BOX"),
}
_RETIRED_KEYS = {  # of old editions: numbers and names
    "OVERLAY": (0x00200022, b"IS"),
    "CURVE": (0x00200024, b"IS"),
    "MODALITY LUT": (0x00200026, b"IS"),
    "VOI LUT": (0x00200026, b"IS"),
    "TOPIC": (0x00880904, b"LO"),
    "VISIT": (0x00380020, b"DA"),
    "RESULTS": (0x40080040, b"SH"),
    "INTERPRETATION": (0x40080200, b"SH"),
    "STUDY COMPONENT": (0x00081030, b"LO"),
    "PRINT QUEUE": (0x21100030, b"LO"),
    "FILM SESSION": (0x20000050, b"LO"),
    "FILM BOX": (0x20100010, b"ST"),
    "IMAGE BOX": (0x20200010, b"US"),
    "STORED PRINT": (0x00200013, b"IS"),
    "HL7 STRUC DOC": (0x0040E001, b"ST"),
}


def keys_of(row: RecordType, number: int) -> bytes:
    """Return the Type 1 and 2 keys of a record in tag order, and one of those with a condition."""
    return b"".join(_elements(row.keys, number))


def _elements(keys: Iterable[Key], number: int) -> Iterator[bytes]:
    for key in keys:
        if key.type not in ("1", "2") and key.tag not in _CHOSEN:
            continue
        if key.vr == "SQ":
            inner = b"".join(_elements(key.items, number)) or _code()
            item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner
            yield element(key.tag, b"SQ", item)
        elif key.type == "2" and key.vr != "PN":
            yield element(key.tag, key.vr.encode(), b"")
        else:
            value = _SPECIAL.get(key.tag, _VALUES[key.vr]) + (b".%d" % number if key.vr == "UI" else b"")
            yield element(key.tag, key.vr.encode(), value)


def _code() -> bytes:
    return (
        element(0x00080100, b"SH", b"121058")
        + element(0x00080102, b"SH", b"DCM")
        + element(0x00080104, b"LO", b"Procedure reported")
    )


def record_of(kind: str, number: int) -> Record:
    """Return a record of a type, with a file where records of this type had one."""
    row = record_types()[kind]
    record = Record(kind.encode(), keys_of(row, number))
    if kind == "PRIVATE":
        record.keys = element(0x00041432, b"UI", b"2.25.98.%d" % number)
    if kind in _RETIRED_KEYS:
        tag, vr = _RETIRED_KEYS[kind]
        record.keys = element(tag, vr, _VALUES[vr.decode()])
    if kind not in _WITHOUT_FILE:
        record.file_id = b"DICOM\\F%05d" % number
        record.uid = b"2.25.97.%d" % number
        classes = [one.uid for one in sop_classes().values() if one.record_type == kind]
        record.sop_class = classes[0].encode() if classes else record.sop_class
    return record


def every_record(statuses: Iterable[str] = ("current", "newer", "retired")) -> list[Record]:
    """Return the root directory entity: each type below the first parent that the table names, MRDR left out.

    MRDR stood outside the tree; it has tests of its own.
    """
    wanted = [row for row in record_types().values() if row.status in statuses and row.name != "MRDR"]
    made: dict[str, Record] = {}
    roots: list[Record] = []
    for number, row in enumerate(sorted(wanted, key=_depth)):
        record = made[row.name] = record_of(row.name, number)
        (roots if row.parents[0] == "ROOT" else made[row.parents[0]].below).append(record)
    return roots


def _depth(row: RecordType) -> int:
    """Return how deep a type stands, so that what is above comes first."""
    depth = 0
    while row.parents[0] != "ROOT":
        row = record_types()[row.parents[0]]
        depth += 1
    return depth
