"""What the commands that write to drives and sticks share: the receipt, the record, what is asked and what is said."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from mediacreator.cli.progress import human_bytes
from mediacreator.cli.report import count, say
from mediacreator.errors import MediaCreatorError, MediumError, Stopped, UsageError
from mediacreator.virus_check import CLAUSE

if TYPE_CHECKING:
    from mediacreator.burn import Burned, ReadyImage
    from mediacreator.preparing import CreateRequest
    from mediacreator.receipt import Receipt
    from mediacreator.settings import Settings

DISC_SUFFIX = ".iso"
"""``MediaFormat.suffix`` of discs."""


def receipt_of(image: str, given: str, otherwise: str = "") -> Receipt:
    """Read the receipt that was given, else that beside an image; one of several media has the name without number.

    Args:
        image: Path of the image.
        given: Path of the receipt; "" for the one beside the image.
        otherwise: What else can be done without one, as a sentence.

    Raises:
        MediumError: There is none, or it cannot be read.
    """
    from pathlib import Path

    from mediacreator.receipt import read_receipt

    stem, dot, extension = os.path.basename(image).rpartition(".")
    several = os.path.join(os.path.dirname(image), re.sub(r"-\d+$", "", stem) + dot + extension)
    places = [given] if given else [f"{image}.receipt.json", f"{several}.receipt.json"]
    for place in places:
        if given or os.path.exists(place):
            return read_receipt(Path(place))
    raise MediumError(
        "There is no receipt beside the image, so nobody knows what it should be: give it with --receipt."
        + (f" {otherwise}" if otherwise else "")
    )


def agreed(lines: Sequence[str], question: str, *, yes: bool) -> bool:
    """Show what will be done, and ask on a terminal.

    Args:
        lines: What a person must know.
        question: Which is answered with y.
        yes: It was answered on the command line.

    Returns:
        Whether it was agreed to.

    Raises:
        UsageError: There is nobody to ask.
    """
    for line in lines:
        say(line, err=True)
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("There is no terminal to ask on: say --yes if this is what you want.")
    return click.confirm(question, err=True)


def recorded(image: ReadyImage, device: str, write: Callable[[], Burned]) -> dict[str, object]:
    """Write a medium and add what came of it to the record of the image, whether it succeeded or not.

    Raises:
        MediaCreatorError: As ``write``.
    """
    from mediacreator.burn import add_to_record

    began = datetime.now().astimezone()
    try:
        burned = write()
    except MediaCreatorError as exc:
        add_to_record(image, device, exc, began)
        raise
    except KeyboardInterrupt as exc:
        stopped = Stopped("Stopped. The medium is not usable.")
        add_to_record(image, device, stopped, began)
        raise stopped from exc
    return add_to_record(image, device, burned, began)


def burn_made(
    receipt: Receipt,
    output: str,
    device: str,
    folders: tuple[str, ...],
    *,
    speed: int,
    keep_open: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Burn the images of a receipt that were made and read back just now, and remove each that is on its disc.

    Args:
        receipt: The local one.
        output: What ``create`` was asked to write; the images of several media lie beside it.
        device: The drive.
        folders: With profile files of the site.
        speed: As 8 for 8x; 0: as fast as drive and disc agree.
        keep_open: Leave the discs open for another session.
        as_json: Print no sentences.
        quiet: Show no progress.

    Raises:
        MediaCreatorError: As ``burn_image``; the image that was not burned, and those after it, are kept.
    """
    from mediacreator.burn import burn_image, eject, judge_disc, ready_image
    from mediacreator.cli.progress import shown
    from mediacreator.tools import xorriso

    if len(receipt.media) > 1 and not sys.stdin.isatty():
        raise UsageError(
            f"There are {len(receipt.media)} media and no terminal to ask on for the next disc. The images are kept: "
            "burn each with mediacreator burn."
        )
    for number, entry in enumerate(receipt.media, 1):
        if number > 1:
            asked = f"Put disc {number} of {len(receipt.media)} in and press Enter"
            click.prompt(asked, default="", show_default=False, err=True)
        path = os.path.join(os.path.dirname(output), entry.name)
        with shown(quiet=quiet) as progress:
            ready = ready_image(path, receipt, progress=progress, folders=folders, checked=True)
            judge_disc(xorriso.look(device), ready)
            burn = partial(burn_image, ready, device, progress=progress, speed=speed, keep_open=keep_open)
            burned = recorded(ready, device, burn)
        os.unlink(path)
        eject(device)
        if not as_json:
            say("")
            tell(ready, [burned], as_json=False)


def require_disc(request: CreateRequest, settings: Settings, *, keep_open: bool) -> None:
    """Refuse what could not be burned before anything is made.

    Raises:
        UsageError: The output is no image of a disc, or the medium of a profile no disc; or the disc shall be kept open
            and profile or medium forbid it, or it shall be marked as checked for viruses.
    """
    from mediacreator.burn import require_sessions
    from mediacreator.rules.claim import load_claims
    from mediacreator.suggesting import AUTO

    if request.suffix != DISC_SUFFIX:
        raise UsageError(
            f"--burn first makes an image where -o says, which must end with {DISC_SUFFIX}; it is removed when it is "
            "on the disc, its receipt stays."
        )
    if keep_open and request.virus_checked:
        raise UsageError(f"What is marked as checked for viruses is finalised: leave out --keep-open [{CLAUSE}].")
    folders = (*settings.profile_folders, *request.profile_folders)
    for claim in () if request.profile == AUTO else load_claims(request.profile, folders):
        if claim.media_format.suffix != DISC_SUFFIX:
            medium = claim.media_format
            raise UsageError(f"{claim.id} is for {medium.name}, which is not burned [{medium.clause}].")
        if keep_open:
            require_sessions(claim.profiles, "leave out --keep-open.")


def tell(image: ReadyImage, tries: Sequence[dict[str, object]], *, as_json: bool) -> None:
    """Print what was written and read back."""
    if as_json:
        say(json.dumps({"receipt": image.receipt_id, "sha256": image.sha256, "media": tries}, indent=2))
        return
    for entry in tries:
        seconds = f"{entry['seconds_writing']} s to write, {entry['seconds_reading']} s to read back"
        say(f"{entry['medium']}: {human_bytes(image.size)} written and read back as the receipt says ({seconds}).")
        for note in entry["notes"] if isinstance(entry["notes"], list) else ():
            say(f"  Note: {note}")


def describe(image: ReadyImage) -> list[str]:
    """Say which image is meant, without identity."""
    entry = image.entry
    of = f", {entry.volume} of {entry.volumes}" if entry.volumes > 1 else ""
    what = f"{count(entry.instances, 'instance')}, File-set {entry.file_set_id or '(no ID)'}{of}"
    return [f"Image:   {human_bytes(image.size)}, {entry.profile}, {what}"]
