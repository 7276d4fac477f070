"""Check the DICOMDIR as a whole: its identity, its levels, what may stand in it once (PS3.10 8, PS3.3 F.3 to F.5)."""

from __future__ import annotations

from collections.abc import Iterator

from mediacreator.dicomio.walker import Directory, DirectoryRecord
from mediacreator.dicomio.walker_findings import printable
from mediacreator.layout import FILE_SET_ID
from mediacreator.medium import Medium
from mediacreator.model import Finding
from mediacreator.rules.claim import Claim
from mediacreator.rules.tables import record_types, sop_classes
from mediacreator.select.admission import uid_problem
from mediacreator.validate.rows import finding

_UNIQUE = (  # PS3.3 F.5.1 to F.5.3
    ("PATIENT", "PatientID (0010,0020)", 0x00100020, "duplicate-patient-id"),
    ("STUDY", "StudyInstanceUID (0020,000D)", 0x0020000D, "duplicate-study-uid"),
    ("SERIES", "SeriesInstanceUID (0020,000E)", 0x0020000E, "duplicate-series-uid"),
)
_PRIVATE = "PRIVATE"


def check_directory(medium: Medium, claim: Claim) -> Iterator[Finding]:
    """Yield what is wrong with a DICOMDIR as a whole, besides what the walk itself says.

    Args:
        medium: With its DICOMDIR walked.
        claim: The profiles that the File-set claims.

    Source: PS3.10 8.1, 8.5, 8.6; PS3.3 F.3 to F.5; PS3.11 X.3.3.
    """
    directory = medium.directory
    yield from _check_identity(directory)
    yield from _check_empty(directory, claim)
    yield from _check_unique(directory)
    yield from _check_levels(directory, claim)
    yield from _check_types(directory)


def _check_identity(directory: Directory) -> Iterator[Finding]:
    if not FILE_SET_ID.fullmatch(directory.file_set_id):
        count = len(directory.file_set_id)
        what = f"FileSetID (0004,1130) has {count} characters, or some that are not allowed"
        yield finding("bad-file-set-id", "DICOMDIR", what)
    problem = uid_problem(directory.file_set_uid).lstrip("!")
    if problem:
        what = f"MediaStorageSOPInstanceUID (0002,0003) {problem}"
        yield finding("bad-file-set-uid", "DICOMDIR", what)


def _check_empty(directory: Directory, claim: Claim) -> Iterator[Finding]:
    asking = [profile for profile in claim.profiles if not profile.directory.empty_allowed]
    if asking and not directory.records:
        yield finding("empty-directory", "DICOMDIR", "it has no records", clause=asking[0].directory.clause)


def _check_unique(directory: Directory) -> Iterator[Finding]:
    """Find levels that stand twice. Records without the key are the business of the keys."""
    for kind, keyword, tag, code in _UNIQUE:
        first: dict[str, DirectoryRecord] = {}
        for record in directory.in_order():
            value = record.text(tag).strip() if record.type == kind else ""
            if value and first.setdefault(value, record) is not record:
                yield finding(code, record.location, f"{keyword} is that of record {first[value].index + 1}")


def _check_levels(directory: Directory, claim: Claim) -> Iterator[Finding]:
    """Find records of instances that do not stand below patient, study and series.

    That a type stands where the directory model has no place for it is said by the walk; this is about PRIVATE records,
    for which PS3.3 has every place.
    """
    levels = dict.fromkeys(level for profile in claim.profiles for level in profile.directory.levels)
    for record in directory.in_order():
        if record.type == _PRIVATE and record.file_id:
            above = [parent.type for parent in ancestors(directory, record)]
            lacking = [level for level in levels if level not in above]
            if lacking:
                what = f"no {', '.join(lacking)} record stands above it"
                yield finding("missing-level", record.location, what, clause=claim.profiles[0].directory.clause)


def _check_types(directory: Directory) -> Iterator[Finding]:
    for record in directory.in_order():
        known = sop_classes().get(record.sop_class_uid)
        if not record.file_id or known is None or record.type not in record_types():
            continue
        if record.type != known.record_type:
            what = f"DirectoryRecordType (0004,1430) is {printable(record.type)} for {known.name}"
            expected = known.record_type or "no record: PS3.3 F.5 has none for this SOP Class"
            yield finding("record-type-differs", record.location, what, expected=expected)


def ancestors(directory: Directory, record: DirectoryRecord) -> Iterator[DirectoryRecord]:
    """Yield the records above one, the nearest first; the walk leaves no cycle."""
    while record.parent is not None:
        record = directory.records[record.parent]
        yield record
