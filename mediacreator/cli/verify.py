"""``mediacreator verify``: whether a medium is still what was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mediacreator.cli.progress import human_bytes, shown
from mediacreator.cli.report import count, findings_lines, plain, say
from mediacreator.errors import ExitCode
from mediacreator.receipt import finding_json

if TYPE_CHECKING:
    from mediacreator.medium_verify import Verification

_SHOWN = 20  # paths of a kind; JSON has all


@click.command("verify", short_help="Read a medium again and compare it with its receipt.")
@click.argument("medium", type=click.Path())
@click.option("--receipt", default="", type=click.Path(), help="The receipt, if it is not MEDIUM.receipt.json.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.pass_context
def command(ctx: click.Context, medium: str, receipt: str, *, as_json: bool, quiet: bool) -> None:
    """Read every byte of a MEDIUM and compare it with its receipt, and its DICOMDIR with its files.

    MEDIUM is a folder or mounted disc, a drive, an image of a disc or stick, a ZIP archive or a mail. The receipt is
    the one given, else MEDIUM.receipt.json beside it, else the one that travels on the medium. That one proves that the
    medium is whole, and not who made it: whoever changes a file can change it as well.

    Exit code: 0 when everything is equal; 1 when something is not; 3 when the medium cannot be opened or there is no
    receipt.
    """
    from mediacreator.medium_verify import verify_medium

    with shown(quiet=quiet or as_json) as progress:
        result = verify_medium(medium, receipt, progress=progress)
    if as_json:
        say(json.dumps(_document(result), ensure_ascii=False, indent=2))
    else:
        for line in _lines(result):
            say(line)
    if not result.whole:
        ctx.exit(int(ExitCode.FINDINGS))


def _lines(result: Verification) -> Iterator[str]:
    """Yield the outcome, then what it rests on, then the Findings."""
    from mediacreator.medium_verify import ReceiptKind

    yield _outcome(result)
    yield ""
    files = len(result.entry.files)
    yield f"{result.equal} of {count(files, 'file')} as written, {human_bytes(result.size)} read back"
    if result.image_equal is not None:
        outcome = "as written" if result.image_equal else "NOT as written"
        yield f"image as a whole, {human_bytes(result.entry.size)}: {outcome}"
    yield (
        f"{result.entry.instances} SOP Instances in the receipt, {result.instances} in the DICOMDIR, "
        f"profile {plain(result.receipt.profile)}"
    )
    yield f"receipt: {result.kind.value}, {plain(result.receipt.created)}"
    if result.kind is ReceiptKind.TRAVELLING:
        yield "Such a receipt can prove that a medium is whole, and not who made it."
    yield from _paths("not in the receipt", result.unlisted)
    yield from _paths("not in the DICOMDIR", result.unreferenced)
    if result.findings:
        yield ""
        yield from findings_lines(result.findings)


def _outcome(result: Verification) -> str:
    if result.whole:
        return "The medium is what was written: every file is there and equal."
    return "THE MEDIUM IS NOT WHAT WAS WRITTEN. Do not rely on it."


def _paths(title: str, paths: tuple[str, ...]) -> Iterator[str]:
    """Yield paths that a Finding must not name, since a foreign one may hold a name."""
    if paths:
        yield f"{title}:"
        yield from (f"  {plain(path)}" for path in paths[:_SHOWN])
        if len(paths) > _SHOWN:
            yield f"  and {len(paths) - _SHOWN} more"


def _document(result: Verification) -> dict[str, object]:
    return {
        "format": "mediacreator verification",
        "version": "1",
        "medium": result.path,
        "whole": result.whole,
        "receipt": {
            "found": result.kind.value,
            "id": result.receipt.id,
            "created": result.receipt.created,
            "state": result.receipt.state,
        },
        "file_set_id": result.entry.file_set_id,
        "file_set_uid": result.entry.file_set_uid,
        "files": len(result.entry.files),
        "equal": result.equal,
        "image_equal": result.image_equal,
        "bytes": result.size,
        "instances": {"receipt": result.entry.instances, "dicomdir": result.instances},
        "not_in_receipt": list(result.unlisted),
        "not_in_dicomdir": list(result.unreferenced),
        "findings": [finding_json(found) for found in result.findings],
    }
