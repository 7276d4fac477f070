"""Build small DICOMDIRs, right or wrong in any way that is wanted, with no code of the package."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
DIRECTORY_CLASS = b"1.2.840.10008.1.3.10"
IMPLICIT_LE = b"1.2.840.10008.1.2"
EXPLICIT_LE = b"1.2.840.10008.1.2.1"
EXPLICIT_BE = b"1.2.840.10008.1.2.2"
CT = b"1.2.840.10008.5.1.4.1.1.2"


@dataclass
class Record:
    """A record with what is below it; offsets are filled in when the DICOMDIR is encoded."""

    type: bytes
    keys: bytes = b""
    below: list[Record] = field(default_factory=list)
    file_id: bytes = b""
    uid: bytes = b""
    sop_class: bytes = CT
    before: bytes = b""  # stands before the offset of the next record, as a group length does
    in_use: int = 0xFFFF
    undefined: bool = False  # item of undefined length
    next: int | None = None  # instead of the right offset
    lower: int | None = None
    offset: int = 0


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    """One element in Explicit VR Little Endian, padded."""
    if len(value) % 2:
        value += b"\0" if vr in (b"UI", b"OB") else b" "
    group, number = tag >> 16, tag & 0xFFFF
    if vr in LONG:
        return struct.pack("<HH2sHI", group, number, vr, 0, len(value)) + value
    return struct.pack("<HH2sH", group, number, vr, len(value)) + value


def file_meta(sop_class: bytes, instance: bytes, syntax: bytes = EXPLICIT_LE) -> bytes:
    """Preamble, prefix and group 0002."""
    group = (
        element(0x00020001, b"OB", b"\0\1")
        + element(0x00020002, b"UI", sop_class)
        + element(0x00020003, b"UI", instance)
        + element(0x00020010, b"UI", syntax)
        + element(0x00020012, b"UI", b"2.25.300")
    )
    return b"\0" * 128 + b"DICM" + element(0x00020000, b"UL", struct.pack("<I", len(group))) + group


def instance_file(uid: bytes, keys: bytes = b"", sop_class: bytes = CT) -> bytes:
    """A DICOM file that has a header and no pixels."""
    sop = element(0x00080016, b"UI", sop_class) + element(0x00080018, b"UI", uid)
    return file_meta(sop_class, uid) + sop + keys


def dicomdir(
    roots: Sequence[Record],
    *,
    flag: int = 0,
    undefined_sequence: bool = False,
    shift: int = 0,
    first: int | None = None,
    last: int | None = None,
    file_set_id: bytes = b"TEST",
    syntax: bytes = EXPLICIT_LE,
    stated: bytes = b"",
) -> bytes:
    """Encode a DICOMDIR, records in the order of the tree.

    Args:
        roots: The root directory entity.
        flag: File-set Consistency Flag.
        undefined_sequence: Give the record sequence an undefined length.
        shift: Added to each offset that is not 0.
        first: Instead of the right offset of the first root record.
        last: Instead of that of the last.
        file_set_id: Value of (0004,1130).
        syntax: Transfer Syntax UID of a native encoding; the records are given in Explicit VR Little Endian.
        stated: What File Meta Information says instead.
    """
    order = ">" if syntax == EXPLICIT_BE else "<"
    head = file_meta(DIRECTORY_CLASS, b"2.25.1", stated or syntax) + recoded(
        element(0x00041130, b"CS", file_set_id), syntax
    )
    start = len(head) + 12 + 12 + 10 + (8 if syntax == IMPLICIT_LE else 12)
    records = list(_flat(roots))
    position = start
    for record in records:
        record.offset = position
        position += len(_item(record, 0, 0, syntax))
    links = _links(roots)
    items = b"".join(
        _item(
            record,
            links[id(record)] + shift if record.next is None and links[id(record)] else record.next or 0,
            (record.below[0].offset + shift if record.below else 0) if record.lower is None else record.lower,
            syntax,
        )
        for record in records
    )
    root_first = (roots[0].offset + shift if roots else 0) if first is None else first
    root_last = (roots[-1].offset + shift if roots else 0) if last is None else last
    length = 0xFFFFFFFF if undefined_sequence else len(items)
    root = (
        element(0x00041200, b"UL", struct.pack("<I", root_first))
        + element(0x00041202, b"UL", struct.pack("<I", root_last))
        + element(0x00041212, b"US", struct.pack("<H", flag))
    )
    vr = b"" if syntax == IMPLICIT_LE else b"SQ\0\0"
    return (
        head
        + recoded(root, syntax)
        + struct.pack(order + "HH", 4, 0x1220)
        + vr
        + struct.pack(order + "I", length)
        + items
        + (struct.pack(order + "HHI", 0xFFFE, 0xE0DD, 0) if undefined_sequence else b"")
    )


def recoded(elements: bytes, syntax: bytes) -> bytes:
    """Return Explicit VR Little Endian elements in another native encoding (PS3.5 Annex A); no sequences."""
    if syntax == EXPLICIT_LE:
        return elements
    order = ">" if syntax == EXPLICIT_BE else "<"
    parts, position = [], 0
    while position < len(elements):
        group, number, vr, length = struct.unpack_from("<HH2sH", elements, position)
        position += 8
        if vr in LONG:
            (length,) = struct.unpack_from("<I", elements, position)
            position += 4
        value = elements[position : position + length]
        position += length
        if order == ">" and vr in (b"US", b"UL"):
            value = value[::-1]
        parts.append(struct.pack(order + "HH", group, number))
        if syntax == IMPLICIT_LE:
            parts.append(struct.pack("<I", length))
        else:
            parts.append(vr + struct.pack(">HI", 0, length) if vr in LONG else vr + struct.pack(">H", length))
        parts.append(value)
    return b"".join(parts)


def _flat(records: Sequence[Record]) -> list[Record]:
    return [one for record in records for one in (record, *_flat(record.below))]


def _links(records: Sequence[Record]) -> dict[int, int]:
    links = {id(record): follower.offset for record, follower in pairwise(records)}
    if records:
        links[id(records[-1])] = 0
    for record in records:
        links.update(_links(record.below))
    return links


def _item(record: Record, following: int, lower: int, syntax: bytes) -> bytes:
    content = record.before
    content += (
        element(0x00041400, b"UL", struct.pack("<I", following))
        + element(0x00041410, b"US", struct.pack("<H", record.in_use))
        + element(0x00041420, b"UL", struct.pack("<I", lower))
        + element(0x00041430, b"CS", record.type)
    )
    if record.file_id:
        content += (
            element(0x00041500, b"CS", record.file_id)
            + element(0x00041510, b"UI", record.sop_class)
            + element(0x00041511, b"UI", record.uid)
            + element(0x00041512, b"UI", EXPLICIT_LE)
        )
    content = recoded(content + record.keys, syntax)
    header = struct.Struct(">HHI" if syntax == EXPLICIT_BE else "<HHI")
    if record.undefined:
        return header.pack(0xFFFE, 0xE000, 0xFFFFFFFF) + content + header.pack(0xFFFE, 0xE00D, 0)
    return header.pack(0xFFFE, 0xE000, len(content)) + content


def tree(
    images: int = 3, *, series: int = 2, studies: int = 1, patients: int = 1, name: bytes = b"Doe^Jane", **keys: bytes
) -> list[Record]:
    """Patients with studies, series and images of a regular shape; every UID and File ID is its own."""
    made = []
    for p in range(patients):
        patient = Record(b"PATIENT", keys.get("patient", _patient(name, b"ID%d" % p)))
        made.append(patient)
        for s in range(studies):
            study = Record(b"STUDY", _study(b"2.25.2.%d.%d" % (p, s)))
            patient.below.append(study)
            for e in range(series):
                one = Record(b"SERIES", _series(b"2.25.3.%d.%d.%d" % (p, s, e), b"%d" % (e + 1)))
                study.below.append(one)
                for i in range(images):
                    path = b"P%d\\S%d\\E%d\\IM%d" % (p, s, e, i)
                    number = element(0x00200013, b"IS", b"%d" % (i + 1))
                    uid = b"2.25.4.%d.%d.%d.%d" % (p, s, e, i)
                    one.below.append(Record(b"IMAGE", number, file_id=path, uid=uid))
    return made


def _patient(name: bytes, patient_id: bytes) -> bytes:
    return element(0x00100010, b"PN", name) + element(0x00100020, b"LO", patient_id)


def _study(uid: bytes) -> bytes:
    return (
        element(0x00080020, b"DA", b"20240131")
        + element(0x00080030, b"TM", b"101500")
        + element(0x00080050, b"SH", b"")
        + element(0x00081030, b"LO", b"Chest")
        + element(0x0020000D, b"UI", uid)
        + element(0x00200010, b"SH", b"1")
    )


def _series(uid: bytes, number: bytes) -> bytes:
    return element(0x00080060, b"CS", b"CT") + element(0x0020000E, b"UI", uid) + element(0x00200011, b"IS", number)


def at(data: bytes, needle: bytes, number: int = 0) -> int:
    """Return where the n-th occurrence of some bytes begins."""
    position = -1
    for _ in range(number + 1):
        position = data.index(needle, position + 1)
    return position


def patched(data: bytes, position: int, value: bytes) -> bytes:
    """Return data with other bytes from a position on, of the same length."""
    return data[:position] + value + data[position + len(value) :]
