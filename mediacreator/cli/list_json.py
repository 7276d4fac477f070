"""``mediacreator list --json``: what a medium says is on it, for a program."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mediacreator.receipt import finding_json

if TYPE_CHECKING:
    from mediacreator.dicomio.walker import DirectoryRecord
    from mediacreator.medium import Medium, PatientListing, SeriesListing, StudyListing
    from mediacreator.model import Finding

_FORMAT = {"format": "mediacreator list", "version": "1"}


Document = dict[str, object]
"""What becomes a JSON object; a value that is an iterator becomes an array, written as it is gone through."""


def document(
    medium: Medium, patients: Sequence[PatientListing], findings: Sequence[Finding], totals: Mapping[str, int]
) -> Document:
    """Return the table, every record by its number, and every Finding.

    Args:
        medium: With its DICOMDIR walked; to stay open until the document is written.
        patients: What it lists.
        findings: All that are to be told; the codes of those of a record stand there as well.
        totals: Counts of what it lists.
    """
    directory = medium.directory
    codes: dict[str, list[str]] = defaultdict(list)
    for found in findings:
        codes[found.location].append(found.code)
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
        "records": (_record(medium, record, codes.get(record.location, [])) for record in directory.records),
        "findings": (finding_json(found) for found in findings),
    }


def document_lines(content: Mapping[str, object], indent: str = "") -> Iterator[str]:
    """Yield the lines of a document; of an iterator's items each has one, so that memory does not grow with them."""
    yield indent + "{"
    for number, (name, value) in enumerate(content.items(), 1):
        comma = "," if number < len(content) else ""
        head = f"{indent}  {json.dumps(name)}: "
        if isinstance(value, Iterator):
            yield head + "["
            yield from _item_lines(value, indent + "    ")
            yield f"{indent}  ]{comma}"
        else:
            lines = json.dumps(value, ensure_ascii=False, indent=2).replace("\n", f"\n{indent}  ")
            yield head + lines + comma
    yield indent + "}"


def _item_lines(items: Iterator[object], indent: str) -> Iterator[str]:
    """Yield a line for each item, with a comma behind all but the last."""
    last = ""
    for item in items:
        if last:
            yield last + ","
        last = indent + json.dumps(item, ensure_ascii=False)
    if last:
        yield last


def several_lines(path: str, documents: Iterator[Document]) -> Iterator[str]:
    """Yield the lines of one document for media that lie side by side."""
    head = json.dumps({**_FORMAT, "medium": path}, ensure_ascii=False, indent=2)
    yield head.removesuffix("\n}") + ',\n  "file_sets": ['
    for number, one in enumerate(documents):
        if number:
            yield "    ,"
        yield from document_lines(one, "    ")
    yield "  ]"
    yield "}"


def _record(medium: Medium, record: DirectoryRecord, codes: Sequence[str]) -> dict[str, object]:
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
        "findings": list(codes),
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
