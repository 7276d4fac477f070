"""``mediacreator profiles suggest``: what each profile would hold of some sources, and which one to take."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediacreator.cli.profiles import site, site_options
from mediacreator.cli.report import columns, count, fit, say
from mediacreator.errors import ExitCode

if TYPE_CHECKING:
    from mediacreator.suggesting import Suggestion, Suggestions

_COLUMNS = ("holds", "not", "recoded", "size", "media")
_WIDTHS = (7, 7, 8, 9, 6)
_IDENTIFIER = 31


@click.command("suggest", short_help="Say which profiles hold what the sources hold.")
@click.argument("sources", nargs=-1, required=True, type=click.Path(exists=False))
@click.option("--patient", "patients", multiple=True, metavar="ID", help="Only this Patient ID; may be repeated.")
@click.option("--study", "studies", multiple=True, metavar="UID", help="Only this Study Instance UID.")
@click.option("--series", multiple=True, metavar="UID", help="Only this Series Instance UID.")
@click.option("--modality", "modalities", multiple=True, metavar="CT,MR", help="Only these modalities.")
@click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Processes; one a processor if not given.")
@site_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    *,
    sources: tuple[str, ...],
    patients: tuple[str, ...],
    studies: tuple[str, ...],
    series: tuple[str, ...],
    modalities: tuple[str, ...],
    workers: int | None,
    folders: tuple[str, ...],
    config: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Read the headers of SOURCES once and say what each profile would hold of them; recommend one.

    SOURCES are folders, files, ZIP archives and other media, mixed freely. Nothing is written.

    Exit code: 0; 1 when no profile holds anything of them.
    """
    from mediacreator.cli.progress import shown
    from mediacreator.select.request import SelectionRequest
    from mediacreator.suggesting import AUTO, candidates, suggest
    from mediacreator.transcode.choose import Compression

    places, settings = site(folders, config)
    request = SelectionRequest(
        patients=frozenset(patients),
        studies=frozenset(studies),
        series=frozenset(series),
        modalities=frozenset(m.strip().upper() for given in modalities for m in given.split(",") if m.strip()),
        include_rejected=settings.create.include_rejected,
        private_sop_classes=settings.private_sop_classes,
    )
    with shown(quiet=quiet or as_json) as progress:
        found = suggest(
            sources,
            prefer=candidates(settings.create.profile_list),
            folders=places,
            request=request,
            compression=None if settings.create.compress == AUTO else Compression.parse(settings.create.compress),
            workers=workers or settings.create.workers,
            progress=progress,
        )
    if as_json:
        say(json.dumps(asdict(found), ensure_ascii=False, indent=2))
    else:
        for line in _lines(found):
            say(line)
    return int(ExitCode.DONE if found.recommended else ExitCode.FINDINGS)


def _lines(found: Suggestions) -> Iterator[str]:
    yield from _wrapped(f"Recommended: {found.why}" if found.recommended else found.why)
    others = "".join(f", {number:,} {outcome}" for outcome, number in found.outcomes)
    yield from _wrapped(f"Of {count(found.files, 'file')}: {count(found.instances, 'instance')} for a medium{others}.")
    holding = [one for one in found.suggestions if one.holds]
    if holding:
        yield ""
        numbers = "".join(f"{name:>{width}}" for name, width in zip(_COLUMNS, _WIDTHS, strict=True))
        yield f"{'profile':<{_IDENTIFIER}}{numbers}  create"
        yield from map(_row, holding)
        yield ""
        yield from _wrapped(_EXPLAINED)
    yield from _reasons([one for one in found.suggestions if one.holds or not holding])
    nothing = [one.profile for one in found.suggestions if not one.holds]
    if nothing and holding:
        yield ""
        yield from _wrapped(f"{len(nothing)} hold nothing of it (why, with --json): {', '.join(nothing)}")


_EXPLAINED = (
    "not: cannot be on it. recoded: would change their Transfer Syntax. size: of the files, about. media: how many, by "
    "size. create: whether this version can write it, or what it cannot write."
)


def _row(one: Suggestion) -> str:
    from mediacreator.cli.progress import human_bytes

    values = (f"{one.holds:,}", f"{one.refused:,}", f"{one.transcoded:,}", human_bytes(one.size), f"{one.media:,}")
    numbers = "".join(f"{value:>{width}}" for value, width in zip(values, _WIDTHS, strict=True))
    return f"{fit(one.profile, _IDENTIFIER)}{numbers}  {f'no: {one.lacking.split()[0]}' if one.lacking else 'yes'}"


def _reasons(suggestions: Iterable[Suggestion]) -> Iterator[str]:
    """Yield why profiles do not hold everything, those with the same reasons together."""
    together: dict[object, list[Suggestion]] = {}
    for one in suggestions:
        if one.reasons:
            together.setdefault(one.reasons, []).append(one)
    for members in together.values():
        first = members[0]
        yield ""
        yield from _wrapped(f"{', '.join(one.profile for one in members)}: not {first.refused:,}")
        for reason in first.reasons:
            clause = f" [{reason.clause}]" if reason.clause else ""
            yield from _wrapped(f"  {reason.count:,} {reason.code}: {reason.what}{clause}")


def _wrapped(words: str) -> list[str]:
    return textwrap.wrap(words, columns(), subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
