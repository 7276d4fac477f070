"""Options that several commands share, and how their values become requests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from mediacreator.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

ALL_CODES = "*"
"""What ``--allow-rejected`` without a code stands for."""


class Take(click.ParamType[tuple[int, int]]):
    """``N=K``: of question N, take side K."""

    name = "N=K"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Read both numbers."""
        if isinstance(value, tuple):
            return value[0], value[1]
        number, _, side = str(value).partition("=")
        if not (number.isdigit() and side.isdigit()):
            self.fail(f"{value!r} is not N=K, as in --take 2=1 (of question 2, take side 1)", param, ctx)
        return int(number), int(side)


def together(options: Iterable[Callable[[Command], Command]]) -> Callable[[Command], Command]:
    """Return a decorator that gives a command several options, in their order."""

    def decorate(command: Command) -> Command:
        for option in reversed(tuple(options)):
            command = option(command)
        return command

    return decorate


filters = together(
    (
        click.option(
            "--patient", "patients", multiple=True, metavar="ID", help="Only this Patient ID; may be repeated."
        ),
        click.option("--study", "studies", multiple=True, metavar="UID", help="Only this Study Instance UID."),
        click.option("--series", multiple=True, metavar="UID", help="Only this Series Instance UID."),
        click.option("--modality", "modalities", multiple=True, metavar="CT,MR", help="Only these modalities."),
    )
)

answers = together(
    (
        click.option("--same-patient", multiple=True, type=int, metavar="N", help="Question N: yes, the same person."),
        click.option("--take", multiple=True, type=Take(), help="Question N: take the instance of side K."),
        click.option("--include-rejected", is_flag=True, help="Keep instances that a rejection note names."),
    )
)

coding = together(
    (
        click.option(
            "--compress",
            metavar="HOW",
            help="auto, none, keep, lossless or lossy:1 to lossy:100.  [default: auto, never lossy]",
        ),
        click.option("--icons", is_flag=True, help="Put icons of the images into the directory, asked for or not."),
    )
)


def _known_codes(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a code that rejects nothing: it was meant to be another."""
    from difflib import get_close_matches

    from mediacreator.rules.tables import rejecting_codes

    for code in given:
        if code != ALL_CODES and code not in rejecting_codes():
            near = get_close_matches(code, rejecting_codes(), n=1)
            raise click.BadParameter(f"nothing is rejected with {code!r}." + (f" Is {near[0]} meant?" if near else ""))
    return given


allow_rejected = click.option(
    "--allow-rejected",
    multiple=True,
    callback=_known_codes,
    is_flag=False,
    flag_value=ALL_CODES,
    metavar="[CODE]",
    help="End with 0 although something was rejected: anything, or findings of this code. Write =CODE.",
)
workers = click.option(
    "--workers", type=click.IntRange(1, 256), metavar="N", help="Processes; one a processor if not given."
)
profile_of_stick = click.option(
    "--profile", metavar="ID[,ID]", help="Application profiles of PS3.11.  [default: auto, for a stick]"
)
profiles = click.option("--profiles", "folders", multiple=True, metavar="DIR", help="Folder with profiles of the site.")
file_set_id = click.option(
    "--file-set-id",
    metavar="ID",
    help="Label of the medium: 0 to 16 characters A-Z, 0-9, _. On sticks, cards and MO disks the first 11 show.",
)
virus_checked = click.option(
    "--virus-checked",
    default="",
    metavar="DATE",
    help="Mark the medium: you had all of it checked for viruses. DATE,SCANNER says with what.",
)
multi_patient = click.option("--multi-patient", is_flag=True, help="Allow several patients on one medium.")
strict = click.option("--strict", is_flag=True, help="Write nothing unless everything can go on the medium.")
receipt_of_image = click.option(
    "--receipt", default="", type=click.Path(), help="The receipt of IMAGE, if it is not IMAGE.receipt.json."
)
config = click.option("--config", type=click.Path(dir_okay=False), help="Settings of the site (TOML).")
quiet = click.option("-q", "--quiet", is_flag=True, help="No progress.")
to_a_device = together(
    (
        config,
        click.option("--yes", is_flag=True, help="Do not ask whether a medium may be written to."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences."),
        quiet,
    )
)
"""What commands share that write to a drive or a stick."""


def modality_set(given: Iterable[str]) -> frozenset[str]:
    """Return the modalities that options name, several with commas."""
    return frozenset(m.strip().upper() for words in given for m in words.split(",") if m.strip())


def epoch() -> int | None:
    """Read SOURCE_DATE_EPOCH.

    Raises:
        UsageError: It is no number of seconds.
    """
    value = os.environ.get("SOURCE_DATE_EPOCH")
    if not value:
        return None
    if not (value.isascii() and value.isdecimal()):
        raise UsageError("SOURCE_DATE_EPOCH is not a number of seconds since 1970. Unset it, or set it to one.")
    return int(value)
