"""``mediacreator remove``: take patients, studies, series or instances off a medium."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mediacreator.cli import options
from mediacreator.cli.outcome import report
from mediacreator.errors import UsageError


@click.command("remove", short_help="Remove patients, studies, series or instances from a medium.")
@click.argument("medium", type=click.Path())
@click.option("--patient", "patients", multiple=True, metavar="ID", help="This Patient ID; may be repeated.")
@click.option("--study", "studies", multiple=True, metavar="UID", help="This Study Instance UID.")
@click.option("--series", multiple=True, metavar="UID", help="This Series Instance UID.")
@click.option("--instance", "instances", multiple=True, metavar="UID", help="This SOP Instance UID.")
@click.option("-o", "--output", help="Write a new File-set without them instead; MEDIUM stays as it is.")
@click.option("--profile", metavar="ID[,ID]", help="Profiles of the File-set.  [default: as its receipt says]")
@click.option("--force", is_flag=True, help="Replace the output of -o if it is there.")
@options.config
@click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON, without identity.")
@options.quiet
def command(
    medium: str,
    patients: tuple[str, ...],
    studies: tuple[str, ...],
    series: tuple[str, ...],
    instances: tuple[str, ...],
    output: str | None,
    profile: str | None,
    force: bool,
    config: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Remove what is named from the File-set on MEDIUM, a folder: records, files and what they leave empty.

    The new DICOMDIR takes the place of the old one in one step, then the files go. What is not there is an error, and
    nothing is removed. A FAT image, as of a stick, is written anew beside the old one and takes its place. Images of
    discs are not changed: with -o a new File-set is made of what is left.
    """
    from mediacreator.cli.progress import shown
    from mediacreator.creation import CreateRequest, create
    from mediacreator.select import Excluded, SelectionRequest
    from mediacreator.settings import load_settings
    from mediacreator.updating import UpdateRequest, remove

    excluded = Excluded(frozenset(patients), frozenset(studies), frozenset(series), frozenset(instances))
    if not excluded:
        raise UsageError("Nothing to remove was named. Give --patient, --study, --series or --instance.")
    settings = load_settings(Path(config) if config else None)
    arguments = tuple(sys.argv[1:])
    with shown(quiet=quiet or as_json) as progress:
        if output:
            selection = SelectionRequest(multi_patient=True, excluded=excluded)
            request = CreateRequest(
                sources=(medium,),
                output=output,
                profile=profile or settings.create.profile,
                selection=selection,
                force=force,
                epoch=options.epoch(),
                arguments=arguments,
            )
            receipt = create(request, settings, progress)
        else:
            update = UpdateRequest(medium, profile=profile or "", epoch=options.epoch(), arguments=arguments)
            receipt = remove(update, excluded, settings, progress)
    return report(receipt, (), output or medium, as_json=as_json)
