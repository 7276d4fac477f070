"""``mediacreator profiles``: which application profiles there are, what they ask, and which one fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import click

from mediacreator.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from mediacreator.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


class _Commands(LazyGroup):
    modules: ClassVar[Mapping[str, str]] = {
        "show": "mediacreator.cli.profiles.show",
        "check": "mediacreator.cli.profiles.check",
        "suggest": "mediacreator.cli.profiles.suggest",
    }


def site_options(function: Command) -> Command:
    """Add the options that say where profiles of a site lie."""
    for option in (
        click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="Settings of the site (TOML)."),
        click.option(
            "--profiles", "folders", multiple=True, metavar="DIR", help="Folder of the site's own; may be repeated."
        ),
    ):
        function = option(function)
    return function


def site(folders: tuple[str, ...], config: Path | None) -> tuple[tuple[str, ...], Settings]:
    """Return where profiles of the site lie, those of its settings first, and the settings."""
    from mediacreator.settings import load_settings

    settings = load_settings(config)
    return tuple(dict.fromkeys((*settings.profile_folders, *folders))), settings


@click.group(
    "profiles",
    cls=_Commands,
    invoke_without_command=True,
    short_help="List, show, check or suggest application profiles.",
)
@click.option("--retired", is_flag=True, help="List those that PS3.11 has retired, too.")
@site_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_context
def command(ctx: click.Context, *, retired: bool, folders: tuple[str, ...], config: Path | None, as_json: bool) -> None:
    """List the application profiles of PS3.11 and those of the site: what goes on which medium, and how it is coded.

    The last column says whether create can write the medium now, and if not what is missing.
    """
    if ctx.invoked_subcommand is not None:
        return
    from mediacreator.cli.profiles.listing import show_list

    show_list(site(folders, config)[0], retired=retired, as_json=as_json)
