"""``mediacreator list``: what a medium says is on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mediacreator.cli.report import COLUMNS, count, findings_lines, fit, plain, say, width
from mediacreator.errors import ExitCode
from mediacreator.model import Finding, Severity
from mediacreator.receipt import finding_json

if TYPE_CHECKING:
    from mediacreator.medium import Medium, PatientListing, SeriesListing, StudyListing

_NUMBERS = (9, 8, 11)  # columns of studies, series and instances
_TEXT = COLUMNS - sum(_NUMBERS)


@click.command("list", short_help="Show what a medium says is on it.")
@click.argument("medium", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_context
def command(ctx: click.Context, medium: str, *, as_json: bool) -> None:
    """List the patients, studies and series on a MEDIUM, with the number of instances in each.

    MEDIUM is a folder or mounted disc, a DICOMDIR, an ISO image or a ZIP archive with a DICOMDIR in it. It is read
    without being mounted, and nothing on it is changed or started.

    The output shows names and IDs of patients: that is what it is for. Keep it where such data may be.

    Exit code: 0; 1 when the DICOMDIR has errors or a file that it names is not there; 3 when it cannot be read.
    """
    from mediacreator.medium import open_medium

    with open_medium(medium) as opened:
        patients = opened.patients()
        findings = (*opened.findings, *(missing.finding for missing in opened.missing()))
        if as_json:
            say(json.dumps(_document(opened, patients, findings), ensure_ascii=False, indent=2))
        else:
            for line in _lines(opened, patients, findings):
                say(line)
    if any(found.severity is Severity.ERROR for found in findings):
        ctx.exit(int(ExitCode.FINDINGS))


def _lines(medium: Medium, patients: tuple[PatientListing, ...], findings: tuple[Finding, ...]) -> Iterator[str]:
    """Yield the table, the totals and the Findings."""
    yield f"File-set ID   {plain(medium.directory.file_set_id) or '(none)'}"
    yield f"File-set UID  {plain(medium.directory.file_set_uid) or '(none)'}"
    yield ""
    if patients:
        yield _row("patient, study, series", "studies", "series", "instances")
    for patient in patients:
        yield from _patient_lines(patient)
    yield ""
    yield from _totals(medium, patients)
    if findings:
        yield ""
        yield from findings_lines(findings)


def _patient_lines(patient: PatientListing) -> Iterator[str]:
    series = sum(len(study.series) for study in patient.studies)
    title = f"{_name(patient.name)}  [{plain(patient.id) or 'no ID'}]"
    yield _row(title, str(len(patient.studies)), str(series), str(patient.instances))
    for study in patient.studies:
        title = f"  {_date(study.date)}  {plain(study.description) or '(no description)'}"
        yield _row(title, "", str(len(study.series)), str(study.instances))
        for member in study.series:
            title = f"    {plain(member.modality):<8} {plain(member.number):>4}  {plain(member.description)}"
            yield _row(title, "", "", str(member.instances))


def _row(text: str, *numbers: str) -> str:
    columns = zip(numbers, _NUMBERS, strict=True)
    return fit(text, _TEXT) + "".join(f"{number:>{columns}}" for number, columns in columns)


def _name(name: str) -> str:
    """Show the component groups of a person's name: the first, the others in brackets (PS3.5 6.2.1)."""
    groups = [_group(group) for group in plain(name).split("=")]
    groups = [group for group in groups if group]
    if not groups:
        return "(no name)"
    return f"{groups[0]} ({', '.join(groups[1:])})" if len(groups) > 1 else groups[0]


def _group(group: str) -> str:
    """Show family name, given and middle names, prefix and suffix; a comma where letters need one."""
    family, *others = (part.strip() for part in group.split("^"))
    rest = " ".join(part for part in others if part)
    if not family or not rest:
        return family or rest
    return f"{family} {rest}" if width(family) > len(family) else f"{family}, {rest}"


def _date(date: str) -> str:
    """Show a date with hyphens, and anything else as it stands."""
    if len(date) == 8 and date.isdigit():
        return f"{date[:4]}-{date[4:6]}-{date[6:]}"
    return fit(plain(date) or "no date", 10)


def _counts(medium: Medium, patients: tuple[PatientListing, ...]) -> dict[str, int]:
    """Count what the DICOMDIR names; the last two lie in no patient."""
    orphans = sum(1 for record in medium.directory.orphans if record.file_id)
    below = sum(patient.instances for patient in patients)
    return {
        "patients": len(patients),
        "studies": sum(len(patient.studies) for patient in patients),
        "series": sum(len(study.series) for patient in patients for study in patient.studies),
        "instances": sum(1 for _ in medium.instances()),
        "instances_of_no_patient": sum(1 for _ in medium.instances()) - below - orphans,
        "instances_out_of_reach": orphans,
    }


def _totals(medium: Medium, patients: tuple[PatientListing, ...]) -> Iterator[str]:
    counts = _counts(medium, patients)
    yield (
        f"{count(counts['patients'], 'patient')}, {count(counts['studies'], 'study', 'studies')}, "
        f"{counts['series']} series, {count(counts['instances'], 'instance')}"
    )
    loose, orphans = counts["instances_of_no_patient"], counts["instances_out_of_reach"]
    if loose:
        yield f"{count(loose, 'instance')} {'belongs' if loose == 1 else 'belong'} to no patient"
    if orphans:
        yield f"{count(orphans, 'instance')} cannot be reached from the root of the DICOMDIR:"
        yield "other programs will not show them"


def _document(medium: Medium, patients: tuple[PatientListing, ...], findings: tuple[Finding, ...]) -> dict[str, object]:
    return {
        "format": "mediacreator list",
        "version": "1",
        "medium": medium.path,
        "volume_identifier": medium.label,
        "file_set_id": medium.directory.file_set_id,
        "file_set_uid": medium.directory.file_set_uid,
        "totals": _counts(medium, patients),
        "patients": [_patient_json(patient) for patient in patients],
        "findings": [finding_json(found) for found in findings],
    }


def _patient_json(patient: PatientListing) -> dict[str, object]:
    return {
        "name": patient.name,
        "id": patient.id,
        "instances": patient.instances,
        "studies": [_study_json(study) for study in patient.studies],
    }


def _study_json(study: StudyListing) -> dict[str, object]:
    return {
        "study_instance_uid": study.uid,
        "study_id": study.id,
        "date": study.date,
        "time": study.time,
        "description": study.description,
        "accession_number": study.accession_number,
        "instances": study.instances,
        "series": [_series_json(series) for series in study.series],
    }


def _series_json(series: SeriesListing) -> dict[str, object]:
    return {
        "series_instance_uid": series.uid,
        "modality": series.modality,
        "number": series.number,
        "description": series.description,
        "instances": series.instances,
    }
