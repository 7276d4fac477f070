"""What ``mediacreator add`` and ``mediacreator merge`` share: both put instances into a File-set that is there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from mediacreator.cli import options
from mediacreator.cli.outcome import report, undecided
from mediacreator.errors import DecisionNeeded


def adding_command(name: str, short: str, text: str, sources: str) -> click.Command:
    """Return a command that adds to a medium.

    Args:
        name: Of the command.
        short: Its help in a line.
        text: Its help.
        sources: What its sources are called.
    """
    decorators: tuple[Callable[[Callable[..., int]], Callable[..., int]], ...] = (
        click.argument("medium", type=click.Path()),
        click.argument(sources, nargs=-1, required=True, type=click.Path(exists=False, readable=False)),
        click.option("-o", "--output", help="Write a new File-set instead, as create does; MEDIUM stays as it is."),
        click.option("--profile", metavar="ID[,ID]", help="Profiles of the File-set.  [default: as its receipt says]"),
        click.option("--profiles", "folders", multiple=True, metavar="DIR", help="Folder with profiles of the site."),
        options.coding,
        options.filters,
        click.option("--multi-patient", is_flag=True, help="Allow several patients on one medium."),
        options.answers,
        click.option("--strict", is_flag=True, help="Change nothing unless everything can be added."),
        options.allow_rejected,
        click.option("--force", is_flag=True, help="Replace the output of -o if it is there."),
        options.workers,
        options.config,
        click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON, without identity."),
        options.quiet,
    )

    def callback(medium: str, **given: object) -> int:
        return _run(medium, tuple(given.pop(sources)), **given)  # type: ignore[arg-type]

    callback.__doc__ = text
    return click.command(name, short_help=short)(options.together(decorators)(callback))


def _run(
    medium: str,
    sources: tuple[str, ...],
    *,
    output: str | None,
    profile: str | None,
    folders: tuple[str, ...],
    compress: str | None,
    icons: bool,
    patients: tuple[str, ...],
    studies: tuple[str, ...],
    series: tuple[str, ...],
    modalities: tuple[str, ...],
    multi_patient: bool,
    same_patient: tuple[int, ...],
    take: tuple[tuple[int, int], ...],
    include_rejected: bool,
    strict: bool,
    allow_rejected: tuple[str, ...],
    force: bool,
    workers: int | None,
    config: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    from mediacreator.cli.progress import shown
    from mediacreator.creation import CreateRequest, create
    from mediacreator.select import SelectionRequest
    from mediacreator.settings import load_settings
    from mediacreator.updating import UpdateRequest, add

    settings = load_settings(Path(config) if config else None)
    defaults = settings.create
    selection = SelectionRequest(
        patients=frozenset(patients),
        studies=frozenset(studies),
        series=frozenset(series),
        modalities=options.modality_set(modalities),
        same_patient=frozenset(same_patient),
        take=dict(take),
        multi_patient=multi_patient or defaults.multi_patient,
        include_rejected=include_rejected or defaults.include_rejected,
    )
    try:
        with shown(quiet=quiet or as_json) as progress:
            if output:
                request = CreateRequest(
                    sources=(medium, *sources),
                    output=output,
                    profile=profile or defaults.profile,
                    compress=compress or defaults.compress,
                    icons=icons or defaults.icons,
                    profile_folders=folders,
                    selection=selection,
                    strict=strict or defaults.strict,
                    force=force,
                    workers=workers or defaults.workers,
                    epoch=options.epoch(),
                    arguments=tuple(sys.argv[1:]),
                )
                receipt = create(request, settings, progress)
            else:
                update = UpdateRequest(
                    medium=medium,
                    sources=sources,
                    profile=profile or "",
                    profile_folders=folders,
                    compress=compress or defaults.compress,
                    icons=icons or defaults.icons,
                    selection=selection,
                    strict=strict or defaults.strict,
                    workers=workers or defaults.workers,
                    epoch=options.epoch(),
                    arguments=tuple(sys.argv[1:]),
                )
                receipt = add(update, settings, progress)
    except DecisionNeeded as exc:
        return undecided(exc, as_json=as_json)
    return report(receipt, allow_rejected or defaults.allow_rejected, output or medium, as_json=as_json)
