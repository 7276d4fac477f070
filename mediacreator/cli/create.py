"""``mediacreator create``: make a medium."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediacreator.errors import DecisionNeeded, ExitCode, UsageError
from mediacreator.model import Conflict, Progress

if TYPE_CHECKING:
    from mediacreator.creation import CreateRequest
    from mediacreator.planning import Plan
    from mediacreator.receipt import Receipt
    from mediacreator.settings import Settings

ALL_CODES = "*"


class _Take(click.ParamType[tuple[int, int]]):
    """``N=K``: of conflict N, take side K."""

    name = "N=K"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value[0], value[1]
        number, _, side = str(value).partition("=")
        if not (number.isdigit() and side.isdigit()):
            self.fail(f"{value!r} is not N=K, as in --take 2=1 (of question 2, take side 1)", param, ctx)
        return int(number), int(side)


@click.command("create", short_help="Make a medium from DICOM instances.")
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=False))
@click.option("-o", "--output", required=True, help="Image to write; a folder if it ends with a slash.")
@click.option("--profile", metavar="ID[,ID]", help="Application profiles of PS3.11.  [default: auto, or the site's]")
@click.option("--profiles", "folders", multiple=True, metavar="DIR", help="Folder with profiles of the site.")
@click.option(
    "--compress",
    metavar="HOW",
    help="auto, none, keep, lossless or lossy:1 to lossy:100.  [default: auto, never lossy]",
)
@click.option("--icons", is_flag=True, help="Put icons of the images into the directory, asked for or not.")
@click.option("--patient", "patients", multiple=True, metavar="ID", help="Only this Patient ID; may be repeated.")
@click.option("--study", "studies", multiple=True, metavar="UID", help="Only this Study Instance UID.")
@click.option("--series", multiple=True, metavar="UID", help="Only this Series Instance UID.")
@click.option("--modality", "modalities", multiple=True, metavar="CT,MR", help="Only these modalities.")
@click.option("--file-set-id", metavar="ID", help="Label of the medium: 0 to 16 characters A-Z, 0-9, _.")
@click.option("--multi-patient", is_flag=True, help="Allow several patients on one medium.")
@click.option("--separate", is_flag=True, help="Make a medium for each person.")
@click.option("--same-patient", multiple=True, type=int, metavar="N", help="Question N: yes, the same person.")
@click.option("--take", multiple=True, type=_Take(), help="Question N: take the instance of side K.")
@click.option("--include-rejected", is_flag=True, help="Keep instances that a rejection note names.")
@click.option("--plan", "plan_only", is_flag=True, help="Show what would happen and write nothing.")
@click.option("--strict", is_flag=True, help="Write nothing unless everything can go on the medium.")
@click.option(
    "--allow-rejected",
    multiple=True,
    is_flag=False,
    flag_value=ALL_CODES,
    metavar="[CODE]",
    help="End with 0 although something was rejected: anything, or findings of this code. Write =CODE.",
)
@click.option("--force", is_flag=True, help="Replace the output if it is there.")
@click.option("--reproducible", is_flag=True, help="The same request gives the same bytes.")
@click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Processes; one a processor if not given.")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="Settings of the site (TOML).")
@click.option("--json", "as_json", is_flag=True, help="Print the receipt or the plan as JSON, without identity.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    sources: tuple[str, ...],
    output: str,
    profile: str | None,
    folders: tuple[str, ...],
    compress: str | None,
    icons: bool,
    patients: tuple[str, ...],
    studies: tuple[str, ...],
    series: tuple[str, ...],
    modalities: tuple[str, ...],
    file_set_id: str | None,
    multi_patient: bool,
    separate: bool,
    same_patient: tuple[int, ...],
    take: tuple[tuple[int, int], ...],
    include_rejected: bool,
    plan_only: bool,
    strict: bool,
    allow_rejected: tuple[str, ...],
    force: bool,
    reproducible: bool,
    workers: int | None,
    config: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Make a medium of the DICOM instances in SOURCES: folders, files, ZIP archives and other media, mixed freely.

    The medium is written, read back and compared; beside it lies a receipt that accounts for every file found.
    The receipt holds patient identity and source paths: only its owner can read it (mode 0600).
    """
    from mediacreator.cli.progress import shown
    from mediacreator.creation import CreateRequest, create
    from mediacreator.select import SelectionRequest
    from mediacreator.settings import load_settings

    settings = load_settings(config)
    defaults = settings.create
    if multi_patient and separate:
        raise UsageError("--multi-patient and --separate exclude each other. Give one of them.")
    request = CreateRequest(
        sources=sources,
        output=output,
        profile=profile or defaults.profile,
        compress=compress or defaults.compress,
        icons=icons or defaults.icons,
        profile_folders=folders,
        selection=SelectionRequest(
            patients=frozenset(patients),
            studies=frozenset(studies),
            series=frozenset(series),
            modalities=frozenset(m.strip().upper() for given in modalities for m in given.split(",") if m.strip()),
            same_patient=frozenset(same_patient),
            take=dict(take),
            multi_patient=multi_patient or (defaults.multi_patient and not separate),
            separate=separate,
            include_rejected=include_rejected or defaults.include_rejected,
        ),
        file_set_id=file_set_id or "",
        strict=strict or defaults.strict,
        force=force,
        workers=workers or defaults.workers,
        reproducible=reproducible,
        epoch=_epoch(os.environ.get("SOURCE_DATE_EPOCH")),
        arguments=tuple(sys.argv[1:]),
    )
    try:
        with shown(quiet=quiet or as_json) as progress:
            if plan_only:
                return _plan(request, settings, progress, as_json=as_json)
            receipt = create(request, settings, progress)
    except DecisionNeeded as exc:
        if as_json:
            click.echo(json.dumps({"state": "undecided", "conflicts": _conflicts_json(exc.conflicts)}, indent=2))
        _ask(exc.conflicts, identities=sys.stderr.isatty())
        click.echo(f"\nError: {exc}", err=True)
        return int(exc.exit_code)
    return _report(receipt, allow_rejected or defaults.allow_rejected, output, as_json=as_json)


def _epoch(value: str | None) -> int | None:
    """Read SOURCE_DATE_EPOCH.

    Raises:
        UsageError: It is no number of seconds.
    """
    if not value:
        return None
    if not value.isdigit():
        raise UsageError("SOURCE_DATE_EPOCH is not a number of seconds since 1970. Unset it, or set it to one.")
    return int(value)


def _plan(request: CreateRequest, settings: Settings, progress: Progress, *, as_json: bool) -> int:
    from mediacreator.planning import plan

    planned = plan(request, settings, progress)
    if as_json:
        click.echo(json.dumps(_plan_document(planned), indent=2))
    else:
        _show_plan(planned)
        if planned.conflicts:
            _ask(planned.conflicts, identities=sys.stdout.isatty())
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
        "conflicts": _conflicts_json(planned.conflicts),
        "findings": [finding_json(finding) for finding in planned.findings],
        "complete": planned.complete,
    }


def _conflicts_json(conflicts: tuple[Conflict, ...]) -> list[dict[str, object]]:
    """Return the questions as JSON, without identities."""
    from mediacreator.receipt import finding_json

    return [
        {
            "number": conflict.number,
            "kind": conflict.kind.value,
            "sources": [[source.number for source in side] for side in conflict.sources],
            **finding_json(conflict.finding),
        }
        for conflict in conflicts
    ]


def _show_plan(planned: Plan) -> None:
    from textwrap import fill

    from mediacreator.cli.progress import human_bytes
    from mediacreator.cli.report import count, findings_lines

    click.echo(f"Plan for {planned.profile}; nothing was written.\n")
    click.echo(f"{planned.found:>9,}  files found")
    for outcome, number in planned.outcomes:
        if number:
            click.echo(f"{number:>9,}  {outcome}")
    for number, file_set in enumerate(planned.file_sets, 1):
        about = "about " if planned.encoded else ""
        fits = "" if file_set.fits else "  DOES NOT FIT"
        held = f" of {human_bytes(file_set.capacity)}" if file_set.capacity else ""
        click.echo(
            f"\nMedium {number}: {file_set.medium}, {file_set.profile}\n"
            f"    {count(file_set.patients, 'patient')}, {count(file_set.studies, 'study', 'studies')}, "
            f"{count(file_set.series, 'series', 'series')}, {count(file_set.instances, 'instance')}; "
            f"{about}{human_bytes(file_set.size)}{held}{fits}"
        )
    if planned.encoded:
        click.echo()
    for way in planned.encoded:
        click.echo(f"{way.count:>9,}  from {way.source}\n           to {way.target}")
    for found in planned.explained:
        click.echo("\n" + fill(f"{found.location}: {found.what}. {found.remedy}", 79))
    if planned.findings:
        click.echo()
        for line in findings_lines(planned.findings):
            click.echo(line)


def _ask(conflicts: tuple[Conflict, ...], *, identities: bool) -> None:
    """Show the questions; whom they are about only where a person looks, never in a log."""
    from textwrap import fill

    from mediacreator.cli.report import plain

    for conflict in conflicts:
        found = conflict.finding
        question = f"Question {conflict.number} ({conflict.kind.value}, {found.code}): {found}"
        click.echo("\n" + fill(question, 80, subsequent_indent="    ", break_long_words=False), err=True)
        if identities:
            for side, line in enumerate(conflict.identities, 1):
                click.echo(f"    {side}: {plain(line)}", err=True)
    if not identities and any(conflict.identities for conflict in conflicts):
        click.echo("\nWho they are is only shown on an interactive terminal.", err=True)


def _report(receipt: Receipt, allowed: tuple[str, ...], output: str, *, as_json: bool) -> int:
    """Print what was done; return 0 only if everything is on the medium or what is not was allowed to be."""
    from mediacreator.receipt import COMPLETE, summary, to_json

    if as_json:
        click.echo(to_json(receipt, travelling=True))
    else:
        click.echo(summary(receipt, show_paths=sys.stdout.isatty()))
        name = f"{output.rstrip('/')}.receipt.json" if sys.stdout.isatty() else "beside the output"
        click.echo(f"\nReceipt: {name} (mode 0600: it holds patient identity and source paths)")
    if receipt.state == COMPLETE or _all_allowed(receipt, allowed):
        return int(ExitCode.DONE)
    return int(ExitCode.FINDINGS)


def _all_allowed(receipt: Receipt, allowed: tuple[str, ...]) -> bool:
    """Tell whether the only thing amiss is what the user said may be rejected."""
    from mediacreator.model import Outcome
    from mediacreator.receipt import counts_close

    rejected = {entry.finding.code for entry in receipt.not_on_medium if entry.outcome is Outcome.REJECTED}
    return bool(allowed) and not counts_close(receipt) and (ALL_CODES in allowed or rejected <= set(allowed))
