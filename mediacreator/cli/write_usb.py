"""``mediacreator write-usb``: an image or sources onto a stick or card, read back in whole."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediacreator.cli import options
from mediacreator.cli.burning import agreed, describe, receipt_of, recorded, tell
from mediacreator.cli.progress import shown
from mediacreator.cli.sticks import MAKING, Making, making, words, write_into_folder, write_to_device
from mediacreator.errors import ExitCode, UsageError
from mediacreator.virus_check import CLAUSE

if TYPE_CHECKING:
    from mediacreator.settings import Settings

_IMAGES = (".img", ".iso")
_OTHERWISE = "Or say --profile to make a new File-set of what it holds."


@click.command("write-usb", short_help="Write an image or sources to a stick or card, and read it back.")
@click.argument("sources", nargs=-1, required=True, type=click.Path(), metavar="IMAGE | SOURCES...")
@click.option("--device", default="", type=click.Path(), help="Overwrite the whole stick, as /dev/sdb.")
@click.option("--into", default="", type=click.Path(), help="Write SOURCES into this folder of a mounted stick.")
@options.receipt_of_image
@click.option("--any-medium", is_flag=True, help="Write an image that is meant for a disc.")
@click.option(
    "-o", "--output", default="", metavar="NAME", help="Of SOURCES: NAME.receipt.json.  [default: stick-DATE-TIME]"
)
@making
@options.to_a_device
@click.pass_context
def command(
    ctx: click.Context,
    /,
    sources: tuple[str, ...],
    device: str,
    into: str,
    receipt: str,
    output: str,
    config: str | None,
    *,
    any_medium: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
    **given: object,
) -> int:
    """Write an IMAGE of create, or the DICOM instances in SOURCES, to a stick or card, and read it back.

    With --device the whole stick is overwritten, with an image of a FAT volume that has one partition. Only removable
    devices that nobody uses are written: no fixed disk, nothing that is mounted. What the device is and what it holds
    is shown, and must be confirmed on a terminal or with --yes. An IMAGE must be as its receipt says, and is kept. Of
    SOURCES, which are those of create, an image is made first and removed when it is on the stick. Every try, a failed
    one too, is added to IMAGE.burn.json beside the image.

    With --into the File-set is written into a folder that is there, beside what lies in it: all of that stays as it is.
    A run that is killed leaves no File-set, and the next one removes what it wrote.

    The receipt of SOURCES stays in the current folder or where -o says, readable by its owner alone (mode 0600): it
    holds patient identity.

    Exit code: 0 when it was read back as the receipt says; 1 when image or device are not what was written, or
    something cannot go on the stick; 3 when the device refuses or fails.
    """
    from mediacreator.settings import load_settings

    if bool(device) == bool(into):
        raise UsageError("Say where to: --device for a whole stick, or --into for the folder of a mounted one.")
    made = Making(**given)  # type: ignore[arg-type]  # the values of its options
    if device and not yes and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on: say --yes if all that lies on the device may be lost.")
    settings = load_settings(Path(config) if config else None)
    if device and not made.profile and _is_image(sources, receipt):
        _refuse(ctx, (*MAKING, "output"), "is for SOURCES, and this is an image; say --profile to make a new File-set")
        return _write_image(
            sources[0], receipt, device, settings, any_medium=any_medium, yes=yes, as_json=as_json, quiet=quiet
        )
    _refuse(ctx, ("receipt", "any_medium"), "is for an image that is written as it is, and these are SOURCES")
    if into and made.virus_checked:
        raise UsageError(
            f"--virus-checked marks a whole medium, and --into leaves files there that are none of it [{CLAUSE}]."
        )
    if into:
        return write_into_folder(sources, into, output, made, settings, as_json=as_json, quiet=quiet)
    return write_to_device(sources, device, output, made, settings, yes=yes, as_json=as_json, quiet=quiet)


def _is_image(sources: tuple[str, ...], receipt: str) -> bool:
    """Tell whether an image is meant: one file, by its receipt, its name or what it holds."""
    from mediacreator.formats import recognise
    from mediacreator.model import Container

    path = sources[0]
    if len(sources) > 1 or os.path.isdir(path):
        return False
    if receipt or path.lower().endswith(_IMAGES):
        return True
    try:
        return recognise(path) in (Container.ISO, Container.UDF, Container.FAT)
    except OSError:
        return False


def _refuse(ctx: click.Context, names: tuple[str, ...], why: str) -> None:
    """Refuse options that would do nothing.

    Raises:
        UsageError: One of them was given.
    """
    for param in ctx.command.params:
        if param.name in names and ctx.get_parameter_source(param.name) is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(f"{max(param.opts, key=len)} {why}.")


def _write_image(
    image: str,
    receipt: str,
    device: str,
    settings: Settings,
    *,
    any_medium: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Write an image over a whole device."""
    from mediacreator import burn

    read = receipt_of(image, receipt, _OTHERWISE)
    devices = burn.block_devices()
    with shown(quiet=quiet) as progress:
        ready = burn.ready_image(image, read, progress=progress, folders=settings.profile_folders)
    stick = burn.judge_device(device, devices, ready, any_medium=any_medium)
    lines = [*describe(ready), f"Device:  {words(stick)}", "All that lies on it is lost."]
    if not agreed(lines, f"Overwrite {stick.path}?", yes=yes):
        return int(ExitCode.STOPPED)
    with shown(quiet=quiet) as progress:
        entry = recorded(ready, stick.path, lambda: burn.write_stick(ready, stick, progress=progress))
    tell(ready, [entry], as_json=as_json)
    return int(ExitCode.DONE)
