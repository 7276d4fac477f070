"""Patients, studies and series of a DICOMDIR, decoded for a person and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mediacreator.collector import held
from mediacreator.dicomio.text import readable_text
from mediacreator.dicomio.walker import Directory, DirectoryRecord

# Keys that a listing shows: PS3.3 F.5.1 to F.5.3
_PATIENT_NAME, _PATIENT_ID = 0x00100010, 0x00100020
_STUDY_DATE, _STUDY_TIME, _STUDY_DESCRIPTION = 0x00080020, 0x00080030, 0x00081030
_STUDY_INSTANCE_UID, _STUDY_ID, _ACCESSION_NUMBER = 0x0020000D, 0x00200010, 0x00080050
_SERIES_INSTANCE_UID, _SERIES_NUMBER = 0x0020000E, 0x00200011
_MODALITY, _SERIES_DESCRIPTION = 0x00080060, 0x0008103E
_CHARACTER_SET = 0x00080005
_SHOWN = frozenset(
    (
        *(_CHARACTER_SET, _PATIENT_NAME, _PATIENT_ID, _STUDY_DATE, _STUDY_TIME, _STUDY_DESCRIPTION),
        *(_STUDY_INSTANCE_UID, _STUDY_ID, _ACCESSION_NUMBER),
        *(_SERIES_INSTANCE_UID, _SERIES_NUMBER, _MODALITY, _SERIES_DESCRIPTION),
    )
)


@dataclass(frozen=True, slots=True)
class SeriesListing:
    """A SERIES record, decoded for a person."""

    record: DirectoryRecord
    uid: str
    modality: str
    number: str
    description: str
    instances: int  # records below it that reference a file


@dataclass(frozen=True, slots=True)
class StudyListing:
    """A STUDY record, decoded for a person."""

    record: DirectoryRecord
    uid: str
    id: str
    date: str  # YYYYMMDD
    time: str
    description: str
    accession_number: str
    series: tuple[SeriesListing, ...]
    instances: int  # below it, in a series or not


@dataclass(frozen=True, slots=True)
class PatientListing:
    """A PATIENT record, decoded for a person. Holds identity: not for a log."""

    record: DirectoryRecord
    name: str
    id: str
    studies: tuple[StudyListing, ...]
    instances: int  # below it, in a study or not


@held()
def list_patients(directory: Directory) -> tuple[PatientListing, ...]:
    """Return the patients that the root leads to, in the order of the DICOMDIR."""
    counts = directory.instances_below()
    return tuple(
        _patient(directory, counts, directory.records[index])
        for index in directory.roots
        if directory.records[index].type == "PATIENT"
    )


def _below(directory: Directory, record: DirectoryRecord, kind: str) -> Iterator[DirectoryRecord]:
    for index in directory.children[record.index]:
        if directory.records[index].type == kind:
            yield directory.records[index]


def _texts(record: DirectoryRecord) -> Callable[[int], str]:
    """Return what decodes the record's values, which are read once."""
    values = record.chosen(_SHOWN)
    character_set = values.get(_CHARACTER_SET, b"")

    def text(tag: int) -> str:
        value = values.get(tag)
        if not value:
            return ""
        return readable_text(value, character_set, "PN" if tag == _PATIENT_NAME else "LO").strip()

    return text


def _patient(directory: Directory, counts: Sequence[int], record: DirectoryRecord) -> PatientListing:
    text = _texts(record)
    return PatientListing(
        record,
        name=text(_PATIENT_NAME),
        id=text(_PATIENT_ID),
        studies=tuple(_study(directory, counts, study) for study in _below(directory, record, "STUDY")),
        instances=counts[record.index],
    )


def _study(directory: Directory, counts: Sequence[int], record: DirectoryRecord) -> StudyListing:
    text = _texts(record)
    return StudyListing(
        record,
        uid=text(_STUDY_INSTANCE_UID),
        id=text(_STUDY_ID),
        date=text(_STUDY_DATE),
        time=text(_STUDY_TIME),
        description=text(_STUDY_DESCRIPTION),
        accession_number=text(_ACCESSION_NUMBER),
        series=tuple(_series(counts, series) for series in _below(directory, record, "SERIES")),
        instances=counts[record.index],
    )


def _series(counts: Sequence[int], record: DirectoryRecord) -> SeriesListing:
    text = _texts(record)
    return SeriesListing(
        record,
        uid=text(_SERIES_INSTANCE_UID),
        modality=text(_MODALITY),
        number=text(_SERIES_NUMBER),
        description=text(_SERIES_DESCRIPTION),
        instances=counts[record.index],
    )
