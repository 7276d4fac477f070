"""What commands say at their end: the receipt, the questions that only a person may answer, the exit code."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from mediacreator.cli.options import ALL_CODES
from mediacreator.errors import DecisionNeeded, ExitCode
from mediacreator.model import Conflict

if TYPE_CHECKING:
    from mediacreator.receipt import Receipt


def conflicts_json(conflicts: tuple[Conflict, ...]) -> list[dict[str, object]]:
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


def ask(conflicts: tuple[Conflict, ...], *, identities: bool) -> None:
    """Show the questions; whom they are about only where a person looks, never in a log."""
    from textwrap import fill

    from mediacreator.cli.report import plain

    for conflict in conflicts:
        found = conflict.finding
        question = f"Question {conflict.number} ({conflict.kind.value}, {found.code}): {found}"
        click.echo("\n" + fill(question, 80, subsequent_indent="    ", break_long_words=False), err=True)
        if identities:
            for side, line in enumerate(conflict.identities, 1):
                click.echo(fill(f"    {side}: {plain(line)}", 80, subsequent_indent="       "), err=True)
    if not identities and any(conflict.identities for conflict in conflicts):
        click.echo("\nWho they are is only shown on an interactive terminal.", err=True)


def undecided(exc: DecisionNeeded, *, as_json: bool) -> int:
    """Show the questions of a run that was refused until they are answered."""
    if as_json:
        click.echo(json.dumps({"state": "undecided", "conflicts": conflicts_json(exc.conflicts)}, indent=2))
    ask(exc.conflicts, identities=sys.stderr.isatty())
    click.echo(f"\nError: {exc}", err=True)
    return int(exc.exit_code)


def report(
    receipt: Receipt, allowed: tuple[str, ...], output: str, *, as_json: bool, where: str = "beside the output"
) -> int:
    """Print what was done; return 0 only if everything is on the medium or what is not was allowed to be.

    Args:
        receipt: The local one.
        allowed: Codes that may reject.
        output: What the name of the receipt begins with; it may name a patient, so that only a terminal shows it.
        as_json: Print JSON, without identity.
        where: What else is said of it.
    """
    from textwrap import fill

    from mediacreator.receipt import COMPLETE, summary, to_json

    if as_json:
        click.echo(to_json(receipt, travelling=True))
    else:
        click.echo(summary(receipt, show_paths=sys.stdout.isatty()))
        path = f"{output.rstrip('/')}.receipt.json"
        if os.path.exists(path):
            name = path if sys.stdout.isatty() else where
            said = f"Receipt: {name} (mode 0600: it holds patient identity and source paths)"
            click.echo("\n" + fill(said, 80, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))
    if receipt.state == COMPLETE or all_allowed(receipt, allowed):
        return int(ExitCode.DONE)
    return int(ExitCode.FINDINGS)


def all_allowed(receipt: Receipt, allowed: tuple[str, ...]) -> bool:
    """Tell whether the only thing amiss is what the user said may be rejected."""
    from mediacreator.model import Outcome
    from mediacreator.receipt import counts_close

    rejected = {entry.finding.code for entry in receipt.not_on_medium if entry.outcome is Outcome.REJECTED}
    return bool(allowed) and not counts_close(receipt) and (ALL_CODES in allowed or rejected <= set(allowed))
