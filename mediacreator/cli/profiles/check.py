"""``mediacreator profiles check``: say what is wrong in profile files of a site."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from mediacreator.cli.profiles import site, site_options
from mediacreator.cli.report import columns, count, say
from mediacreator.errors import ExitCode
from mediacreator.rules.linting import Checked, check_files


@click.command("check", short_help="Say what is wrong in profile files.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())
@site_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")
@click.pass_context
def command(
    ctx: click.Context, *, files: tuple[str, ...], folders: tuple[str, ...], config: Path | None, as_json: bool
) -> None:
    """Check each profile FILE: every field, what it extends, and that no other file has its identifiers.

    What it extends is looked for in our profiles, beside it, and in the folders of the site.

    Exit code: 0 when all is right; 1 when something is not; 2 when a FILE cannot be read.
    """
    checked = check_files(files, site(folders, config)[0])
    if as_json:
        say(json.dumps({"files": [asdict(one) for one in checked]}, ensure_ascii=False, indent=2))
    else:
        for one in checked:
            for line in _lines(one):
                say(line)
    if any(one.problems for one in checked):
        ctx.exit(int(ExitCode.FINDINGS))


def _lines(checked: Checked) -> Iterator[str]:
    for problem in checked.problems:
        yield from textwrap.wrap(
            str(problem), columns(), subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )
    if checked.problems:
        yield f"{checked.file}: {count(len(checked.problems), 'problem')}"
    else:
        yield f"{checked.file}: {count(len(checked.identifiers), 'profile')}, nothing wrong"
        for identifier in checked.identifiers:
            yield f"  {identifier}"
