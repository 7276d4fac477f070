"""``mediacreator create``: make a medium."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediacreator.cli import options
from mediacreator.cli.burning import burn_made, require_disc
from mediacreator.cli.outcome import ask, conflicts_json, report, undecided
from mediacreator.errors import DecisionNeeded, ExitCode, FindingsError, UsageError
from mediacreator.model import Progress

if TYPE_CHECKING:
    from mediacreator.creation import CreateRequest
    from mediacreator.planning import Plan, PlannedFileSet
    from mediacreator.settings import Settings


@click.command("create", short_help="Make a medium from DICOM instances.")
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=False, readable=False))
@click.option("-o", "--output", required=True, help="Image to write; a folder if it ends with a slash.")
@click.option("--profile", metavar="ID[,ID]", help="Application profiles of PS3.11.  [default: auto, or the site's]")
@options.profiles
@click.option("--medium", metavar="KEY", help="Blank, as cd-74 or dvd-dl.  [default: the usual one]")
@click.option("--udf", is_flag=True, help="Put UDF beside ISO 9660, where the medium may have both (DVD).")
@options.coding
@options.filters
@options.file_set_id
@options.virus_checked
@options.multi_patient
@click.option("--separate", is_flag=True, help="Make a medium for each person.")
@options.answers
@click.option("--plan", "plan_only", is_flag=True, help="Show what would happen and write nothing.")
@options.strict
@options.allow_rejected
@click.option("--force", is_flag=True, help="Replace the output if it is an image or a File-set.")
@click.option("--burn", is_flag=True, help="Burn the image, read the disc back, and remove the image.")
@click.option("--device", default="", metavar="DRIVE", help="Drive for --burn.  [default: the only one]")
@click.option("--speed", default=0, type=click.IntRange(0, 100), help="For --burn; 8 is 8x.  [default: the fastest]")
@click.option("--keep-open", is_flag=True, help="For --burn; do not finalise: the disc can take another session.")
@click.option("--reproducible", is_flag=True, help="The same request gives the same bytes.")
@options.workers
@options.config
@click.option("--json", "as_json", is_flag=True, help="Print the receipt or the plan as JSON, without identity.")
@options.quiet
def command(
    sources: tuple[str, ...],
    output: str,
    profile: str | None,
    folders: tuple[str, ...],
    medium: str | None,
    udf: bool,
    compress: str | None,
    icons: bool,
    patients: tuple[str, ...],
    studies: tuple[str, ...],
    series: tuple[str, ...],
    modalities: tuple[str, ...],
    file_set_id: str | None,
    virus_checked: str,
    multi_patient: bool,
    separate: bool,
    same_patient: tuple[int, ...],
    take: tuple[tuple[int, int], ...],
    include_rejected: bool,
    plan_only: bool,
    strict: bool,
    allow_rejected: tuple[str, ...],
    force: bool,
    burn: bool,
    device: str,
    speed: int,
    keep_open: bool,
    reproducible: bool,
    workers: int | None,
    config: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Make a medium of the DICOM instances in SOURCES: folders, files, ZIP archives and other media, mixed freely.

    The medium is written, read back and compared; beside it lies a receipt that accounts for every file found.
    The receipt holds patient identity and source paths: only its owner can read it (mode 0600).

    With --burn the image goes on the disc in the drive, is read back from there and removed; its receipt stays. What is
    not complete is not burned, unless --allow-rejected says so; its image is kept.
    """
    from mediacreator.cli.progress import shown
    from mediacreator.creation import CreateRequest, create
    from mediacreator.select import SelectionRequest
    from mediacreator.settings import load_settings

    settings = load_settings(Path(config) if config else None)
    defaults = settings.create
    if multi_patient and separate:
        raise UsageError("--multi-patient and --separate exclude each other. Give one of them.")
    if (device or speed or keep_open) and not burn:
        raise UsageError("--device, --speed and --keep-open belong to --burn. Give it too, or leave them out.")
    request = CreateRequest(
        sources=sources,
        output=output,
        profile=profile or defaults.profile,
        compress=compress or defaults.compress,
        icons=icons or defaults.icons,
        profile_folders=folders,
        medium=medium or "",
        udf=udf,
        selection=SelectionRequest(
            patients=frozenset(patients),
            studies=frozenset(studies),
            series=frozenset(series),
            modalities=options.modality_set(modalities),
            same_patient=frozenset(same_patient),
            take=dict(take),
            multi_patient=multi_patient or (defaults.multi_patient and not separate),
            separate=separate,
            include_rejected=include_rejected or defaults.include_rejected,
        ),
        file_set_id=file_set_id or "",
        virus_checked=virus_checked,
        strict=strict or defaults.strict,
        force=force,
        workers=workers or defaults.workers,
        reproducible=reproducible,
        epoch=options.epoch(),
        arguments=tuple(sys.argv[1:]),
    )
    if burn:
        require_disc(request, settings, keep_open=keep_open)
    drive = _drive(device) if burn and not plan_only else ""
    try:
        with shown(quiet=quiet or as_json) as progress:
            if plan_only:
                return _plan(request, settings, progress, as_json=as_json)
            receipt = create(request, settings, progress)
    except DecisionNeeded as exc:
        return undecided(exc, as_json=as_json)
    code = report(receipt, allow_rejected or defaults.allow_rejected, output, as_json=as_json)
    if not burn:
        return code
    if code:
        raise FindingsError(
            "Not burned, since it is not complete. The image is kept: look at it, and burn it if it will do."
        )
    site = (*settings.profile_folders, *folders)
    burn_made(receipt, output, drive, site, speed=speed, keep_open=keep_open, as_json=as_json, quiet=quiet or as_json)
    return code


def _drive(device: str) -> str:
    """Return the drive to burn in; what could not be burned in it is said before anything is made."""
    from mediacreator.burn import choose_drive, require_blank
    from mediacreator.tools import xorriso

    drive = device or choose_drive()
    require_blank(xorriso.look(drive))
    return drive


def _plan(request: CreateRequest, settings: Settings, progress: Progress, *, as_json: bool) -> int:
    from mediacreator.planning import plan

    planned = plan(request, settings, progress)
    if as_json:
        click.echo(json.dumps(_plan_document(planned), indent=2))
    else:
        _show_plan(planned)
        if planned.conflicts:
            ask(planned.conflicts, identities=sys.stdout.isatty())
    return int(ExitCode.DONE if planned.complete else ExitCode.FINDINGS)


def _plan_document(planned: Plan) -> dict[str, object]:
    from mediacreator.receipt import finding_json

    return {
        "profile": planned.profile,
        "found": planned.found,
        "outcomes": dict(planned.outcomes),
        "file_sets": [{**asdict(file_set), "fits": file_set.fits} for file_set in planned.file_sets],
        "encoded": [asdict(way) for way in planned.encoded],
        "explained": [finding_json(finding) for finding in planned.explained],
        "conflicts": conflicts_json(planned.conflicts),
        "findings": [finding_json(finding) for finding in planned.findings],
        "complete": planned.complete,
    }


def _show_plan(planned: Plan) -> None:
    from textwrap import fill

    from mediacreator.cli.report import findings_lines

    click.echo(f"Plan for {planned.profile}; nothing was written.\n")
    click.echo(f"{planned.found:>9,}  files found")
    for outcome, number in planned.outcomes:
        if number:
            click.echo(f"{number:>9,}  {outcome}")
    for number, file_set in enumerate(planned.file_sets, 1):
        _show_medium(number, file_set, about="about " if planned.encoded else "")
    if planned.encoded:
        click.echo()
    for way in planned.encoded:
        click.echo(f"{way.count:>9,}  from {way.source}\n           to {way.target}")
    for found in planned.explained:
        click.echo("\n" + fill(f"{found.what[:1].upper()}{found.what[1:]}. {found.remedy}", 79))
    if planned.findings:
        click.echo()
        for line in findings_lines(planned.findings):
            click.echo(line)


def _show_medium(number: int, file_set: PlannedFileSet, *, about: str) -> None:
    from mediacreator.cli.progress import human_bytes
    from mediacreator.cli.report import count

    which = f", {file_set.number} of {file_set.of}" if file_set.of > 1 else ""
    fits = "" if file_set.fits else "  DOES NOT FIT"
    held = f" of {human_bytes(file_set.capacity)}" if file_set.capacity else ""
    click.echo(
        f"\nMedium {number}: {file_set.medium}, {file_set.profile}{which}\n"
        f"    {count(file_set.patients, 'patient')}, {count(file_set.studies, 'study', 'studies')}, "
        f"{count(file_set.series, 'series', 'series')}, {count(file_set.instances, 'instance')}; "
        f"{about}{human_bytes(file_set.size)}{held}{fits}"
    )
    for study in file_set.lying_here if file_set.of > 1 else ():
        part = "" if study.instances == study.of else f" of {study.of:,}"
        click.echo(f"    study {study.uid}: {study.instances:,}{part}")
