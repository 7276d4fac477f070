"""``mediacreator write-usb``: an image onto a stick or card, read back in whole."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediacreator.cli import options
from mediacreator.cli.burning import agreed, describe, receipt_of, recorded, tell
from mediacreator.cli.progress import human_bytes, shown
from mediacreator.cli.report import plain
from mediacreator.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mediacreator.burn import BlockDevice


@click.command("write-usb", short_help="Write an image to a stick or card, and read it back.")
@click.argument("image", type=click.Path())
@click.option("--device", required=True, type=click.Path(), help="The stick as a whole, as /dev/sdb.")
@click.option("--receipt", default="", type=click.Path(), help="The receipt, if it is not IMAGE.receipt.json.")
@click.option("--any-medium", is_flag=True, help="Write an image that is meant for a disc.")
@options.config
@click.option("--yes", is_flag=True, help="Do not ask. All that lies on the device is lost.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")
@options.quiet
@click.pass_context
def command(
    ctx: click.Context,
    image: str,
    device: str,
    receipt: str,
    config: str | None,
    *,
    any_medium: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write an IMAGE over a whole stick or card, and read all of it back against the receipt.

    Only removable devices that nobody uses are written: no fixed disk, nothing that is mounted. What the device is and
    what it holds is shown, and must be confirmed on a terminal or with --yes. All that lies on it is lost. Every try,
    a failed one too, is added to IMAGE.burn.json beside the image. The image is always kept.

    Exit code: 0 when it was read back as the receipt says; 1 when image or device are not what was written; 3 when the
    device refuses or fails.
    """
    from mediacreator import burn
    from mediacreator.settings import load_settings

    if not yes and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on: say --yes if all that lies on the device may be lost.")
    folders = load_settings(Path(config) if config else None).profile_folders
    read = receipt_of(image, receipt)
    devices = burn.block_devices()
    with shown(quiet=quiet) as progress:
        ready = burn.ready_image(image, read, progress=progress, folders=folders)
    stick = burn.judge_device(device, devices, ready, any_medium=any_medium)
    lines = [*describe(ready), f"Device:  {_words(stick)}", "All that lies on it is lost."]
    if not agreed(lines, f"Overwrite {stick.path}?", yes=yes):
        ctx.exit(int(ExitCode.STOPPED))
    with shown(quiet=quiet) as progress:
        entry = recorded(ready, stick.path, lambda: burn.write_stick(ready, stick, progress=progress))
    tell(ready, [entry], as_json=as_json)


def _words(device: BlockDevice) -> str:
    holds = f"holds {plain(device.holds)}" if device.holds else "what it holds cannot be read"
    return f"{device.path}, {plain(device.name)}, {human_bytes(device.size)}, {holds}"
