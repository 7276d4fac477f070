"""``mediacreator diff``: what two media do not have in common."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mediacreator.cli.names import person
from mediacreator.cli.report import COLUMNS, count, plain, say
from mediacreator.errors import ExitCode

if TYPE_CHECKING:
    from mediacreator.medium_diff import Differs, MediumDiff, OneSided

_SHOWN = 10  # lines of a kind; JSON has all
_NUMBERS = (12, 12, 12)
_MEANS = {"patients": "PATIENT", "studies": "STUDY", "series": "SERIES", "instances": "INSTANCE"}


@click.command("diff", short_help="Compare two media: instances, records, files.")
@click.argument("medium_a", type=click.Path())
@click.argument("medium_b", type=click.Path())
@click.option("--content", is_flag=True, help="Compare the bytes of every file, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")
@click.pass_context
def command(ctx: click.Context, medium_a: str, medium_b: str, *, content: bool, as_json: bool) -> None:
    """Say which patients, studies, series and instances only one of two media holds, and where the others differ.

    Each is a folder or mounted disc, a DICOMDIR, an image of a disc or stick, a ZIP archive or a mail. Of directory
    records the keywords of the keys that differ are told, never their values. Patients have numbers, in the order of
    their medium; an interactive terminal shows who they are.

    Exit code: 0 when nothing differs, not even File-set ID and UID; 1 when something does; 3 when a medium cannot be
    opened.
    """
    from mediacreator.cli.progress import shown
    from mediacreator.medium import open_medium
    from mediacreator.medium_diff import diff_media

    with shown(quiet=as_json or not content) as progress, open_medium(medium_a) as a, open_medium(medium_b) as b:
        found = diff_media(a, b, content=content, progress=progress)
    if as_json:
        say(json.dumps(_document(found), indent=2))
    else:
        for line in _lines(found, identities=sys.stdout.isatty()):
            say(line)
    if not found.equal:
        ctx.exit(int(ExitCode.FINDINGS))


def _lines(found: MediumDiff, *, identities: bool) -> Iterator[str]:
    """Yield the File-sets, a table of what each holds, then every difference, then what it comes to."""
    for name, (one, other) in (("File-set ID", found.file_set_id), ("File-set UID", found.file_set_uid)):
        if one == other:
            yield f"{name:<12}  {plain(one) or '(none)'} in both"
        else:
            yield f"{name:<12}  A  {plain(one) or '(none)'}"
            yield f"{'':<12}  B  {plain(other) or '(none)'}"
    yield ""
    yield _row("", "only in A", "only in B", "in both")
    for name, level in _MEANS.items():
        sides = (str(len(getattr(side, name))) for side in (found.only_a, found.only_b))
        yield _row(name, *sides, str(found.both[level]))
    yield from _one_sided("Only in A:", found.only_a, identities=identities)
    yield from _one_sided("Only in B:", found.only_b, identities=identities)
    yield from _listed(
        "Records with other keys:", [_changed(one.type, one.name, one.keywords) for one in found.records]
    )
    yield from _listed("Another Transfer Syntax (A, B):", _pairs(found.transfer_syntaxes))
    yield from _listed("Another File ID (A, B):", _pairs(found.file_ids), most=3)
    yield from _listed("A file that is not there:", [f"{plain(one.uid)}: {_where(one)}" for one in found.lost])
    yield from _listed("Other bytes:", [plain(one.uid) for one in found.contents])
    yield ""
    yield _verdict(found)


def _row(text: str, *numbers: str) -> str:
    return f"{text:<12}" + "".join(f"{number:>{width}}" for number, width in zip(numbers, _NUMBERS, strict=True))


def _one_sided(title: str, side: OneSided, *, identities: bool) -> Iterator[str]:
    who = {f"patient {one.number}": f" ({person(one.name)} [{plain(one.id)}])" for one in side.patients}
    lines = []
    for whole in side.wholes:
        noun = "" if whole.type == "PATIENT" else f"{whole.type.lower()} "
        more = f", {count(whole.instances, 'instance')}" if whole.type != "INSTANCE" else ""
        lines.append(f"{noun}{plain(whole.name)}{who.get(whole.name, '') if identities else ''}{more}")
    yield from _listed(title, lines)


def _changed(kind: str, name: str, keywords: Sequence[str]) -> str:
    return f"{plain(kind)} {plain(name)}: {', '.join(keywords)}"


def _pairs(differing: Sequence[Differs]) -> list[str]:
    from mediacreator.rules.tables import transfer_syntaxes

    known = {uid: syntax.name for uid, syntax in transfer_syntaxes().items()}
    return [
        f"{plain(one.uid)}: {known.get(one.a) or plain(one.a)}, {known.get(one.b) or plain(one.b)}" for one in differing
    ]


def _where(one: Differs) -> str:
    return "in neither" if one.a and one.b else "in A" if one.a else "in B"


def _listed(title: str, lines: Sequence[str], most: int = _SHOWN) -> Iterator[str]:
    """Yield a title and the first lines below it, wrapped."""
    from textwrap import wrap

    if not lines:
        return
    yield ""
    yield f"{title[:-1]}, {len(lines)}:" if len(lines) > 1 else title
    for line in lines[:most]:
        yield from wrap(line, COLUMNS, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    if len(lines) > most:
        yield f"  and {len(lines) - most} more, all of them with --json"


def _verdict(found: MediumDiff) -> str:
    files = "" if found.compared else " Files were not compared; --content does."
    if found.equal:
        return f"The two are the same.{files}"
    if found.same_content:
        return f"The two hold the same instances and records; File-set or File IDs differ.{files}"
    return f"The two differ.{files}"


def _document(found: MediumDiff) -> dict[str, object]:
    document = asdict(found)
    for side in ("only_a", "only_b"):
        document[side]["patients"] = [patient["number"] for patient in document[side]["patients"]]
    both = {name: found.both[level] for name, level in _MEANS.items()}
    return {
        "format": "mediacreator diff",
        "version": "1",
        "equal": found.equal,
        "same_content": found.same_content,
        **document,
        "both": both,
    }
