"""``mediacreator label``: a label for a disc, or inserts for its case, as PDF."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediacreator.cli import options
from mediacreator.cli.report import count, say
from mediacreator.errors import MediumError, TargetExists, UsageError

if TYPE_CHECKING:
    from mediacreator.receipt import Receipt

_LAYOUTS = ("disc", "jewel", "dvd")
_PAPERS = ("a4", "letter")


@click.command("label", short_help="Make a label for a disc, or inserts for its case, as PDF.")
@click.argument("receipt", type=click.Path())
@click.option("-o", "--output", required=True, type=click.Path(), help="The PDF to write.")
@click.option(
    "--layout",
    default="disc",
    show_default=True,
    type=click.Choice(_LAYOUTS),
    help="A printable disc of 120 mm, front and inlay of a jewel case, or the insert of a DVD box.",
)
@click.option("--paper", default="a4", show_default=True, type=click.Choice(_PAPERS), help="Sheet of the inserts.")
@click.option("--copies", default=1, show_default=True, type=click.IntRange(1, 99), help="Of each label.")
@click.option("--no-identity", is_flag=True, help="Leave out who the patient is: name, ID and birth date.")
@click.option("--fields", default="", metavar="A,B", help="Only these; or, each with a minus before it, all but these.")
@click.option("--qr-identity", is_flag=True, help="Let the QR code say who the patient is, not the receipt id alone.")
@click.option("--font", "fonts", multiple=True, type=click.Path(), help="A font for letters that ours lack.")
@click.option("--force", is_flag=True, help="Replace the output if it is there.")
@options.config
def command(
    receipt: str,
    output: str,
    layout: str,
    paper: str,
    config: str | None,
    *,
    copies: int,
    no_identity: bool,
    fields: str,
    qr_identity: bool,
    fonts: tuple[str, ...],
    force: bool,
) -> None:
    """Make a label for each medium of a RECEIPT, as beside an image: disc.iso.receipt.json.

    It says who the patient is, which studies are on the medium, who made it and whom to ask, the profile, the content
    type (DICOM ONLY or DICOM PLUS WEB), which medium of how many it is, and has a QR code of the receipt id. The
    receipt tells all of it: image and disc need not be at hand. Fields: patient, id, birth, dates, modality, text,
    institution, contact, profile, content, number, created, label, virus, qr.

    Print it at 100 %. The file holds patient identity, unless that was left out, and is readable for you alone.

    Exit code: 0; 2 when a letter is in no font or an option cannot be; 3 when the receipt cannot be read.
    """
    from mediacreator.labels import LAYOUTS, draw_labels, label_facts
    from mediacreator.receipt import read_receipt
    from mediacreator.settings import load_settings

    wanted = _fields(fields, no_identity=no_identity)
    if os.path.lexists(output) and not force:
        raise TargetExists("The output is there already. Give another -o, or --force to replace it.")
    settings = load_settings(Path(config) if config else None)
    read = read_receipt(Path(receipt))
    if not read.holds_identity:
        raise UsageError("This receipt travels on a medium and knows no names: give the one beside the image.")
    facts = [label_facts(read, entry, settings, fields=wanted, qr_identity=qr_identity) for entry in read.media]
    if not all(line.studies for entry in read.media for line in entry.patients):
        say("The receipt is of an earlier version and does not tell the studies: the label lists none.", err=True)
    data = draw_labels(facts, LAYOUTS[layout], created=_created(read), paper=paper, copies=copies, fonts=fonts)
    _write(output, data)
    say(f"{count(len(facts) * copies, 'label')} written, {'without' if no_identity else 'with'} patient identity.")


def _fields(given: str, *, no_identity: bool) -> frozenset[str]:
    from mediacreator.labels import FIELDS, IDENTITY

    names = [name.strip().lower() for name in given.split(",") if name.strip()]
    unknown = [name for name in names if name.lstrip("-") not in FIELDS]
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no field of a label. There are: {', '.join(FIELDS)}")
    without = {name[1:] for name in names if name.startswith("-")} | (IDENTITY if no_identity else set())
    only = {name for name in names if not name.startswith("-")} or set(FIELDS)
    return frozenset(only - without)


def _created(receipt: Receipt) -> datetime:
    try:
        return datetime.fromisoformat(receipt.created).astimezone()
    except ValueError as exc:
        raise MediumError("The receipt does not tell when it was made.") from exc


def _write(output: str, data: bytes) -> None:
    """Write the file for the eyes of its owner."""
    partial = f"{output}.partial"
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, output)
    except OSError as exc:
        with suppress(OSError):
            os.unlink(partial)
        raise MediumError(f"The label cannot be written: {exc.strerror}.") from exc
