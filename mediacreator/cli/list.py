"""``mediacreator list``: what a medium says is on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

import click

from mediacreator.cli.list_json import document, document_lines, several_lines
from mediacreator.cli.list_tree import tree_lines
from mediacreator.cli.names import date, person
from mediacreator.cli.report import COLUMNS, count, findings_lines, fit, plain, say, width
from mediacreator.errors import ExitCode
from mediacreator.model import Severity

if TYPE_CHECKING:
    from mediacreator.medium import Medium, PatientListing
    from mediacreator.model import Finding

_NUMBERS = (9, 8, 11)  # columns of studies, series and instances
_TEXT = COLUMNS - sum(_NUMBERS)
_SHORTEST = 12  # columns that a name keeps, however long the ID


@click.command("list", short_help="Show what a medium says is on it.")
@click.argument("medium", type=click.Path())
@click.option("--tree", is_flag=True, help="Show every record of the DICOMDIR below the one that leads to it.")
@click.option(
    "--check",
    is_flag=True,
    help="Read the header of each file too, say where its record differs, and judge the file system of the medium.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON: the table, every record with its values, all findings."
)
@click.pass_context
def command(ctx: click.Context, medium: str, *, tree: bool, check: bool, as_json: bool) -> None:
    """List the patients, studies and series on a MEDIUM, with the number of instances in each.

    MEDIUM is a folder or mounted disc, a DICOMDIR, or an image of a disc or stick, a ZIP archive or a mail with a
    DICOMDIR in it. It is read without being mounted, and nothing on it is changed or started. Of several media side by
    side, each is listed.

    The output shows names and IDs of patients: that is what it is for. Keep it where such data may be.

    With --check the file system is judged by what PS3.12 asks of such a medium. What it is, its receipt tells; without
    one it is taken for the medium that it suits best.

    Exit code: 0; 1 when the DICOMDIR has errors or a file that it names is not there, or with --check is another one,
    or the file system has errors; 3 when it cannot be read.
    """
    from mediacreator.medium import places

    if tree and as_json:
        raise click.UsageError("--json holds every record already: leave out --tree.")
    found = places(medium)
    listings = _listings(medium, found, check=check)
    wrong = False

    def noticing() -> Iterator[_Listing]:
        nonlocal wrong
        for listing in listings:
            wrong = wrong or any(one.severity is Severity.ERROR for one in listing.findings)
            yield listing

    if as_json:
        documents = (document(one.medium, one.patients, one.findings, _counts(one)) for one in noticing())
        _print(
            several_lines(medium, documents) if len(found) > 1 else chain.from_iterable(map(document_lines, documents))
        )
    else:
        _print(line for one in noticing() for line in _lines(one, tree=tree))
    if wrong:
        ctx.exit(int(ExitCode.FINDINGS))


class _Listing:
    """A medium with what is told of it."""

    def __init__(self, medium: Medium, place: str, *, check: bool) -> None:
        self.medium = medium
        self.place = place  # folder of its DICOMDIR, where there are several; "" otherwise
        self.patients = medium.patients()
        self.findings = (*medium.findings, *(missing.finding for missing in medium.missing()))
        if check:
            from mediacreator.medium_compare import compare_files

            self.findings += tuple(compare_files(medium))
            if not place:  # else these are several media, in the folders of one
                self.findings += _of_file_system(medium)


def _of_file_system(medium: Medium) -> tuple[Finding, ...]:
    from mediacreator.suiting import check_file_system, claimed_medium

    return check_file_system(medium.tree, medium, claimed_medium(medium.tree, medium.directory.file_set_uid))


def _listings(medium: str, found: Sequence[tuple[str, ...]], *, check: bool) -> Iterator[_Listing]:
    """Yield the medium, or each of those that lie side by side; it is open until the next is asked for."""
    from mediacreator.medium import open_medium

    for within in found:
        alone = len(found) == 1
        with open_medium(medium, None if alone else within) as opened:
            yield _Listing(opened, "" if alone else "/".join(within), check=check)


def _print(lines: Iterator[str]) -> None:
    """Print many lines at a time: a DICOMDIR may have a hundred thousand records."""
    while some := list(islice(lines, 1000)):
        say("\n".join(line.rstrip() for line in some))


def _lines(listing: _Listing, *, tree: bool) -> Iterator[str]:
    """Yield the table or the tree, the totals and the Findings."""
    medium, patients = listing.medium, listing.patients
    if listing.place:
        yield f"== {plain(listing.place)}"
    yield f"File-set ID   {plain(medium.directory.file_set_id) or '(none)'}"
    yield f"File-set UID  {plain(medium.directory.file_set_uid) or '(none)'}"
    yield ""
    if tree:
        yield from tree_lines(medium, listing.findings)
    elif patients:
        yield _row("patient, study, series", "studies", "series", "instances")
        for patient in patients:
            yield from _patient_lines(patient)
    yield ""
    yield from _totals(listing)
    if listing.findings:
        yield ""
        yield from findings_lines(listing.findings)
    if listing.place:
        yield ""


def _patient_lines(patient: PatientListing) -> Iterator[str]:
    series = sum(len(study.series) for study in patient.studies)
    name, number = person(patient.name), f"  [{plain(patient.id) or 'no ID'}]"
    room = max(_TEXT - width(number), _SHORTEST)
    title = (fit(name, room) if width(name) > room else name) + number  # the ID tells persons of one name apart
    yield _row(title, str(len(patient.studies)), str(series), str(patient.instances))
    for study in patient.studies:
        title = f"  {date(study.date)}  {plain(study.description) or '(no description)'}"
        yield _row(title, "", str(len(study.series)), str(study.instances))
        for member in study.series:
            title = f"    {plain(member.modality):<8} {plain(member.number):>4}  {plain(member.description)}"
            yield _row(title, "", "", str(member.instances))


def _row(text: str, *numbers: str) -> str:
    columns = zip(numbers, _NUMBERS, strict=True)
    return fit(text, _TEXT) + "".join(f"{number:>{columns}}" for number, columns in columns)


def _counts(listing: _Listing) -> dict[str, int]:
    """Count what the DICOMDIR names; the last two lie in no patient."""
    patients = listing.patients
    orphans = sum(1 for record in listing.medium.directory.orphans if record.has_file)
    below = sum(patient.instances for patient in patients)
    instances = sum(1 for _ in listing.medium.instances())
    return {
        "patients": len(patients),
        "studies": sum(len(patient.studies) for patient in patients),
        "series": sum(len(study.series) for patient in patients for study in patient.studies),
        "instances": instances,
        "instances_of_no_patient": instances - below - orphans,
        "instances_out_of_reach": orphans,
    }


def _totals(listing: _Listing) -> Iterator[str]:
    counts = _counts(listing)
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
