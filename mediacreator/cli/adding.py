"""What ``mediacreator add`` and ``mediacreator merge`` share: both put instances into a File-set that is there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mediacreator.cli import options
from mediacreator.cli.outcome import report, undecided
from mediacreator.cli.report import say
from mediacreator.errors import DecisionNeeded, UsageError

if TYPE_CHECKING:
    from mediacreator.updating import SessionRequest


_SESSION: tuple[Callable[[Callable[..., int]], Callable[..., int]], ...] = (
    click.option("--receipt", type=click.Path(dir_okay=False), help="Of a disc: where its receipt goes."),
    click.option("--speed", default=0, type=click.IntRange(0, 100), help="Of a disc: as 8 for 8x."),
    click.option("--keep-open", is_flag=True, help="Of a disc: do not finalise, so that it takes another session."),
    click.option("--any-medium", is_flag=True, help="Of a disc: it need not be of the kind the profile asks for."),
)


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
        options.profiles,
        options.coding,
        options.filters,
        options.multi_patient,
        options.answers,
        click.option("--strict", is_flag=True, help="Change nothing unless everything can be added."),
        options.allow_rejected,
        click.option("--force", is_flag=True, help="Replace the output of -o if it is there."),
        *_SESSION,
        options.workers,
        options.config,
        click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON, without identity."),
        options.quiet,
    )

    def callback(medium: str, **given: object) -> int:
        session = {name: given.pop(name) for name in ("receipt", "speed", "keep_open", "any_medium")}
        return _run(medium, tuple(given.pop(sources)), session=session, **given)  # type: ignore[arg-type]

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
    session: Mapping[str, Any],
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
    burning = _session_of(medium, output, session)
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
                    session=burning,
                )
                receipt = add(update, settings, progress)
    except DecisionNeeded as exc:
        return undecided(exc, as_json=as_json)
    code = report(receipt, allow_rejected or defaults.allow_rejected, output or medium, as_json=as_json)
    if burning.receipt and not as_json and os.path.exists(burning.receipt):
        say(f"A session was burned, and all of the disc was read. Its receipt: {burning.receipt}")
        say(_left(medium, keep_open=burning.keep_open))
    return code


def _left(medium: str, *, keep_open: bool) -> str:
    """Say in a sentence whether a disc takes another session."""
    from mediacreator.tools import xorriso
    from mediacreator.updating import drive_of

    state = xorriso.state_now(drive_of(medium))
    if state is xorriso.DiscState.CLOSED:
        return "The disc is finalised."
    if state is xorriso.DiscState.APPENDABLE:
        return "The disc takes another session." if keep_open else "The drive does not say that the disc is finalised."
    return f"The drive, which was told to {'leave it open' if keep_open else 'finalise it'}, cannot be asked now."


def _session_of(medium: str, output: str | None, given: Mapping[str, Any]) -> SessionRequest:
    """Return how a session is burned, where the medium lies in a drive.

    Raises:
        UsageError: What is of a drive alone was asked for, and there is none.
    """
    from mediacreator.updating import SessionRequest, drive_of

    if not output and drive_of(medium):
        receipt = given["receipt"] or f"disc-{datetime.now().astimezone():%Y%m%d-%H%M%S}.receipt.json"
        return SessionRequest(receipt, given["speed"], given["keep_open"], given["any_medium"])
    asked = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if asked:
        raise UsageError(f"{asked[0]} is of a disc in a drive, to which a session is burned, and there is none here.")
    return SessionRequest()
