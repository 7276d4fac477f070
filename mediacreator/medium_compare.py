"""Compare directory records with the files that they reference: UIDs, and whose file it is."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

from mediacreator.dicomio.header import RawHeader, Wanted, read_header
from mediacreator.dicomio.text import readable_text
from mediacreator.dicomio.walker import Directory, DirectoryRecord
from mediacreator.dicomio.walker_findings import Row, finding
from mediacreator.dicomio.window import FIRST_READ, NotDICOM, Truncated, Unusual
from mediacreator.medium import Medium
from mediacreator.model import Finding, Severity
from mediacreator.rules.tables import Key

_CLAUSE = "PS3.3 F.5"
_ROWS: dict[str, Row] = {
    "sop-class-differs": (
        Severity.ERROR,
        "that of File Meta Information",
        "PS3.3 Table F.3-3",
        "The record names another kind of object than its file holds: make the DICOMDIR anew from the files.",
    ),
    "sop-instance-differs": (
        Severity.ERROR,
        "that of File Meta Information",
        "PS3.3 Table F.3-3",
        "The record names another instance than its file holds: ask the maker which one is meant.",
    ),
    "transfer-syntax-differs": (
        Severity.ERROR,
        "that of File Meta Information",
        "PS3.3 Table F.3-3",
        "Programs that believe the record cannot decode the file: make the DICOMDIR anew from the files.",
    ),
    "study-differs": (
        Severity.ERROR,
        "the Study Instance UID of its STUDY record",
        _CLAUSE,
        "The file is listed under a study that it does not belong to: ask the maker.",
    ),
    "series-differs": (
        Severity.ERROR,
        "the Series Instance UID of its SERIES record",
        _CLAUSE,
        "The file is listed under a series that it does not belong to: ask the maker.",
    ),
    "patient-id-differs": (
        Severity.ERROR,
        "the Patient ID of its PATIENT record",
        _CLAUSE,
        "The file may be another patient's: compare the two before you use it.",
    ),
    "patient-name-differs": (
        Severity.WARNING,
        "the Patient's Name of its PATIENT record",
        _CLAUSE,
        "See whether the two are ways to write one name: if not, the file may be another patient's.",
    ),
    "file-not-compared": (
        Severity.ERROR,
        "a DICOM file whose header can be read",
        "PS3.10 7.1",
        "Ask the sender for this instance, or for a new medium.",
    ),
    "referenced-not-dicom": (
        Severity.ERROR,
        "a DICOM file",
        "PS3.10 7.1, 8.2",
        "Ask the sender for this instance, or for a new medium.",
    ),
}
_PATIENT_NAME = 0x00100010
# what a file says, where the record that must say the same stands, and the code when it does not
_KEYS = (
    ("PatientID", 0x00100020, "LO", "PATIENT", "patient-id-differs"),
    ("PatientName", _PATIENT_NAME, "PN", "PATIENT", "patient-name-differs"),
    ("StudyInstanceUID", 0x0020000D, "UI", "STUDY", "study-differs"),
    ("SeriesInstanceUID", 0x0020000E, "UI", "SERIES", "series-differs"),
)
ABOVE = frozenset(keyword for keyword, *_ in _KEYS)
"""Keywords of the keys that are compared with each file, in the records above its own."""

_LEVELS = 8  # above a record in which its patient, study and series are looked for


@dataclass(frozen=True, slots=True)
class Compared:
    """What a file says of itself."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    attributes: Mapping[str, bytes]


def read_compared(first: bytes, size: int) -> Compared | None:
    """Read what is compared from the beginning of a file.

    Args:
        first: Its first bytes, the more the better.
        size: Of the whole file in bytes.

    Returns:
        What it says; None when it is not an ordinary DICOM file or its header is longer than ``first``.
    """
    try:
        return _compared(
            read_header(first, size, lambda position, count: first[position : position + count], _wanted())
        )
    except (Unusual, Truncated, NotDICOM):
        return None


def _compared(header: RawHeader) -> Compared:
    return Compared(
        header.meta_sop_class_uid,
        header.meta_sop_instance_uid,
        header.stated_syntax_uid or header.transfer_syntax_uid,
        header.attributes,
    )


def compare(medium: Medium, files: Mapping[tuple[str, ...], Compared]) -> Iterator[Finding]:
    """Yield a Finding for each record that says something else than its file.

    Args:
        medium: With its DICOMDIR.
        files: What the files of the medium say, by path; those that are not here are not compared.

    Source: PS3.3 Table F.3-3 (the UIDs in file), F.5.1 to F.5.3 (the keys).
    """
    for record in medium.instances():
        file = medium.file_of(record)
        said = files.get(file.path) if file is not None else None
        if said is not None:
            yield from _compare_uids(record, said)
            yield from _compare_keys(medium.directory, record, said)


def compare_files(medium: Medium) -> Iterator[Finding]:
    """Read the header of each file that a record references, and yield a Finding for each that says something else.

    Args:
        medium: With its DICOMDIR; files that are not there are the business of ``Medium.missing``.

    Source: as ``compare``.
    """
    for record in medium.instances():
        file = medium.file_of(record)
        if file is None:
            continue
        try:
            with medium.open(record) as stream:
                said = _read(stream, file.size)
        except NotDICOM:
            yield finding("referenced-not-dicom", record.location, "its file is no DICOM file", rows=_ROWS)
        except Exception as exc:  # noqa: BLE001  a damaged archive or drive may raise anything
            what = f"the header of its file cannot be read ({type(exc).__name__})"
            yield finding("file-not-compared", record.location, what, rows=_ROWS)
        else:
            yield from _compare_uids(record, said)
            yield from _compare_keys(medium.directory, record, said)


def _read(stream: BinaryIO, size: int) -> Compared:
    def read_at(position: int, count: int) -> bytes:
        stream.seek(position)
        return stream.read(count)

    try:
        return _compared(read_header(stream.read(FIRST_READ), size, read_at, _wanted()))
    except Unusual:
        from mediacreator.dicomio.fallback import read_header_with_pydicom

        stream.seek(0)
        return _compared(read_header_with_pydicom(stream, size, _wanted()))


def _compare_uids(record: DirectoryRecord, said: Compared) -> Iterator[Finding]:
    pairs = (
        ("sop-class-differs", "ReferencedSOPClassUIDInFile (0004,1510)", record.sop_class_uid, said.sop_class_uid),
        (
            "sop-instance-differs",
            "ReferencedSOPInstanceUIDInFile (0004,1511)",
            record.sop_instance_uid,
            said.sop_instance_uid,
        ),
        (
            "transfer-syntax-differs",
            "ReferencedTransferSyntaxUIDInFile (0004,1512)",
            record.transfer_syntax_uid,
            said.transfer_syntax_uid,
        ),
    )
    for code, keyword, stated, found in pairs:
        if stated != found and stated:  # absent: said by the walk
            yield finding(code, record.location, f"{keyword} differs from the file", rows=_ROWS)


def _compare_keys(directory: Directory, record: DirectoryRecord, said: Compared) -> Iterator[Finding]:
    above = {parent.type: parent for parent in _above(directory, record)}
    character_set = said.attributes.get("SpecificCharacterSet", b"")
    for keyword, tag, vr, kind, code in _KEYS:
        parent = above.get(kind)
        if parent is None or not said.attributes.get(keyword, b"").strip(b" \x00"):
            continue  # a record may hold a value that its instance lacks
        found = readable_text(said.attributes[keyword], character_set, vr)
        if _comparable(found, vr) != _comparable(parent.text(tag, vr), vr):
            yield finding(code, record.location, f"{keyword} of the file differs", rows=_ROWS)


def _above(directory: Directory, record: DirectoryRecord) -> Iterator[DirectoryRecord]:
    """Yield the records above one, the nearest first."""
    for _ in range(_LEVELS):
        if record.parent is None:
            return
        record = directory.records[record.parent]
        yield record


def _comparable(text: str, vr: str) -> str:
    """Return what makes a value: without padding, and a name without case and empty trailing components."""
    if vr != "PN":
        return text.strip()
    groups = (group.strip().rstrip("^ ") for group in unicodedata.normalize("NFC", text).casefold().split("="))
    return "=".join(groups).rstrip("=")


@cache
def _wanted() -> Wanted:
    keys = (("SpecificCharacterSet", 0x00080005, "CS"), *((keyword, tag, vr) for keyword, tag, vr, _, _ in _KEYS))
    return Wanted.of(Key(keyword, tag, vr, "3", "", "", "", _CLAUSE) for keyword, tag, vr in keys)
