"""``mediacreator rebuild``: make the DICOMDIR of a folder anew from its files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mediacreator.cli import options
from mediacreator.cli.outcome import report, undecided
from mediacreator.errors import DecisionNeeded


@click.command("rebuild", short_help="Make the DICOMDIR of a folder anew from its files.")
@click.argument("medium", type=click.Path())
@click.option("--profile", metavar="ID[,ID]", help="Profiles of the File-set.  [default: those that allow its files]")
@click.option("--profiles", "folders", multiple=True, metavar="DIR", help="Folder with profiles of the site.")
@click.option("--rewrite", is_flag=True, help="Write files anew whose names or headers cannot stay as they are.")
@options.answers
@options.allow_rejected
@options.workers
@options.config
@click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON, without identity.")
@options.quiet
def command(
    medium: str,
    profile: str | None,
    folders: tuple[str, ...],
    rewrite: bool,
    same_patient: tuple[int, ...],
    take: tuple[tuple[int, int], ...],
    include_rejected: bool,
    allow_rejected: tuple[str, ...],
    workers: int | None,
    config: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Make a correct DICOMDIR for the DICOM files in the folder MEDIUM, where there is none or it is beyond use.

    Files stay as they are. File-set ID and UID, and values that only the old records had, are kept where they can be
    read; what no file can tell, as private records, is reported. The new DICOMDIR takes the place of the old one in one
    step.
    """
    from mediacreator.cli.progress import shown
    from mediacreator.select import SelectionRequest
    from mediacreator.settings import load_settings
    from mediacreator.updating import UpdateRequest, rebuild

    settings = load_settings(Path(config) if config else None)
    defaults = settings.create
    request = UpdateRequest(
        medium,
        profile=profile or "",
        profile_folders=folders,
        selection=SelectionRequest(
            same_patient=frozenset(same_patient),
            take=dict(take),
            include_rejected=include_rejected or defaults.include_rejected,
        ),
        workers=workers or defaults.workers,
        epoch=options.epoch(),
        arguments=tuple(sys.argv[1:]),
    )
    try:
        with shown(quiet=quiet or as_json) as progress:
            receipt = rebuild(request, settings, progress, rewrite=rewrite)
    except DecisionNeeded as exc:
        return undecided(exc, as_json=as_json)
    return report(receipt, allow_rejected or defaults.allow_rejected, medium, as_json=as_json)
