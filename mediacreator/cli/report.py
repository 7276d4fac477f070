"""What commands that read media print: text that fits a terminal, and Findings gathered by kind."""

from __future__ import annotations

import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence

import click

from mediacreator.model import Finding, Severity

COLUMNS = 80
_ORDER = {severity: place for place, severity in enumerate(Severity)}


def width(text: str) -> int:
    """Return how many columns text takes: East Asian wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def columns() -> int:
    """Return how many columns a table may take: those of the terminal, 80 to 120; 80 where there is none."""
    from shutil import get_terminal_size

    return min(max(get_terminal_size((COLUMNS, 24)).columns, COLUMNS), 120)


def fit(text: str, columns: int) -> str:
    """Return text padded to exactly so many columns; what does not fit is cut, with … for the rest."""
    if width(text) > columns:
        kept, used = [], 0
        for char in text:
            used += _char_width(char)
            if used > columns - 1:
                break
            kept.append(char)
        text = "".join(kept) + "…"
    return text + " " * (columns - width(text))


def plain(text: str) -> str:
    """Return text from a foreign medium without what would steer a terminal; bidirectional marks among it."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def say(line: str = "", *, err: bool = False) -> None:
    """Print a line; characters that the terminal's encoding lacks become question marks."""
    stream = sys.stderr if err else sys.stdout
    encoding = stream.encoding or "utf-8"
    click.echo(line.encode(encoding, "replace").decode(encoding).rstrip(), err=err)


def talk(text: str, *, indent: int = 0) -> None:
    """Say something on stderr: wrapped for a terminal, in one line for a log."""
    if sys.stderr.isatty():
        text = textwrap.fill(
            text,
            COLUMNS,
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    click.echo(text, err=True)


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def findings_lines(findings: Sequence[Finding]) -> Iterable[str]:
    """Yield Findings for a person: what weighs most first, those of one kind together, each kind explained once."""
    kinds: dict[tuple[int, str], list[Finding]] = {}
    for found in findings:
        kinds.setdefault((_ORDER[found.severity], found.code), []).append(found)
    for (_, code), members in sorted(kinds.items(), key=lambda kind: kind[0][0]):
        first = members[0]
        yield f"{first.severity.name:<8} {code}" + (f", {len(members)} times; the first:" if len(members) > 1 else "")
        yield from textwrap.wrap(
            plain(str(first)),
            COLUMNS,
            initial_indent=" " * 9,
            subsequent_indent=" " * 9,
            break_long_words=False,
            break_on_hyphens=False,
        )
