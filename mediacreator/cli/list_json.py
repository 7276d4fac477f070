"""``mediacreator list --json``: what a medium says is on it, for a program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mediacreator.receipt import finding_json

if TYPE_CHECKING:
    from mediacreator.dicomio.walker import DirectoryRecord
    from mediacreator.medium import Medium, PatientListing, SeriesListing, StudyListing
    from mediacreator.model import Finding

_FORMAT = {"format": "mediacreator list", "version": "1"}


def document(
    medium: Medium, patients: Sequence[PatientListing], findings: Sequence[Finding], totals: Mapping[str, int]
) -> dict[str, object]:
    """Return the table, every record by its number, and every Finding.

    Args:
        medium: With its DICOMDIR walked.
        patients: What it lists.
        findings: All that are to be told; those of a record stand there as well.
        totals: Counts of what it lists.
    """
    directory = medium.directory
    by_location: dict[str, list[object]] = defaultdict(list)
    for found in findings:
        by_location[found.location].append(finding_json(found))
    return {
        **_FORMAT,
        "medium": medium.path,
        "dicomdir": medium.dicomdir.name,
        "volume_identifier": medium.label,
        "file_set_id": directory.file_set_id,
        "file_set_uid": directory.file_set_uid,
        "transfer_syntax_uid": directory.transfer_syntax_uid,
        "consistency_flag": directory.consistency_flag,
        "totals": dict(totals),
        "patients": [_patient(patient) for patient in patients],
        "root": [index + 1 for index in directory.roots],
        "records": [_record(medium, record, by_location.get(record.location, [])) for record in directory.records],
        "findings": [finding_json(found) for found in findings],
    }


def several(path: str, documents: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Return one document for several media that lie side by side."""
    return {**_FORMAT, "medium": path, "file_sets": list(documents)}


def _record(medium: Medium, record: DirectoryRecord, findings: Sequence[object]) -> dict[str, object]:
    """Return a record; it is named by its number, from 1 by position in the file, as Findings do."""
    from mediacreator.medium_records import decoded

    file = medium.file_of(record)
    return {
        "number": record.index + 1,
        "offset": record.offset,
        "type": record.type,
        "parent": None if record.parent is None else record.parent + 1,
        "children": [index + 1 for index in medium.directory.children[record.index]],
        "reachable": record.reachable,
        "in_use": record.in_use,
        "multi_referenced": None if record.multi_referenced is None else record.multi_referenced + 1,
        "file_id": list(record.file_id),
        "file": file.name if file is not None else None,
        "values": decoded(record),
        "findings": list(findings),
    }


def _patient(patient: PatientListing) -> dict[str, object]:
    return {
        "name": patient.name,
        "id": patient.id,
        "instances": patient.instances,
        "studies": [_study(study) for study in patient.studies],
    }


def _study(study: StudyListing) -> dict[str, object]:
    return {
        "study_instance_uid": study.uid,
        "study_id": study.id,
        "date": study.date,
        "time": study.time,
        "description": study.description,
        "accession_number": study.accession_number,
        "instances": study.instances,
        "series": [_series(series) for series in study.series],
    }


def _series(series: SeriesListing) -> dict[str, object]:
    return {
        "series_instance_uid": series.uid,
        "modality": series.modality,
        "number": series.number,
        "description": series.description,
        "instances": series.instances,
    }
