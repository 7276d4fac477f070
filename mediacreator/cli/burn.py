"""``mediacreator burn``: an image onto discs, read back in whole."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mediacreator.cli import options
from mediacreator.cli.burning import agreed, describe, receipt_of, recorded, tell
from mediacreator.cli.progress import Shown, human_bytes, shown
from mediacreator.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from mediacreator.burn import Burned, ReadyImage
    from mediacreator.tools.xorriso import Disc


@click.command("burn", short_help="Burn an image onto a CD, DVD or BD, and read it back.")
@click.argument("image", type=click.Path())
@click.option("--device", default="", help="The drive, as /dev/sr0; or stdio:FILE to record into a file.")
@options.receipt_of_image
@click.option(
    "--speed", default=0, type=click.IntRange(0, 100), help="As 8 for 8x; 0: as fast as drive and disc agree."
)
@click.option("--copies", default=1, show_default=True, type=click.IntRange(1, 99), help="Discs, one after another.")
@click.option("--erase", is_flag=True, help="Erase a rewritable disc that is not blank.")
@click.option("--keep-open", is_flag=True, help="Do not finalise: the disc can take another session.")
@click.option("--any-medium", is_flag=True, help="Burn on a disc that is not of the kind that the profile asks for.")
@options.to_a_device
@click.pass_context
def command(
    ctx: click.Context,
    image: str,
    device: str,
    receipt: str,
    config: str | None,
    *,
    speed: int,
    copies: int,
    erase: bool,
    keep_open: bool,
    any_medium: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Burn an IMAGE onto the blank disc in a drive, finalise it, and read all of it back against the receipt.

    First the image itself is compared with its receipt, and the disc with what the profile asks for. Every try, a
    failed one too, is added to IMAGE.burn.json beside the image, without identity. The image is always kept.

    Exit code: 0 when every copy was read back as the receipt says; 1 when image or disc are not what was written;
    3 when drive or disc refuse or fail.
    """
    from mediacreator.burn import burn_image, choose_drive, closes, eject, ready_image
    from mediacreator.settings import load_settings

    if copies > 1 and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on for the next disc: burn one copy at a time.")
    read = receipt_of(image, receipt)
    device = device or choose_drive()
    folders = load_settings(Path(config) if config else None).profile_folders
    with shown(quiet=quiet) as progress:
        ready = ready_image(image, read, progress=progress, folders=folders)
    closes(ready, keep_open=keep_open)

    def burn(progress: Shown) -> Burned:
        return burn_image(
            ready, device, progress=progress, speed=speed, erase=erase, keep_open=keep_open, any_medium=any_medium
        )

    done = []
    for copy in range(1, copies + 1):
        if not _wanted(ready, device, copy, copies, erase=erase, any_medium=any_medium, yes=yes):
            ctx.exit(int(ExitCode.STOPPED))
        with shown(quiet=quiet) as progress:
            done.append(recorded(ready, device, lambda progress=progress: burn(progress)))  # type: ignore[misc]
        eject(device)
    tell(ready, done, as_json=as_json)


def _wanted(
    image: ReadyImage, device: str, copy: int, copies: int, *, erase: bool, any_medium: bool, yes: bool
) -> bool:
    """Wait for the next disc, look at it, and ask whether it shall be burned; a blank one needs no terminal."""
    from mediacreator.burn import judge_disc
    from mediacreator.tools import xorriso

    if copy > 1:
        click.prompt(f"Put disc {copy} of {copies} in and press Enter", default="", show_default=False, err=True)
    disc = xorriso.look(device)
    judge_disc(disc, image, erase=erase, any_medium=any_medium)
    lines = [*describe(image), f"Drive:   {device}", f"Disc:    {_words(disc)}"]
    asked = copy == 1 and (erase or sys.stdin.isatty())
    return agreed(lines, "Burn it?", yes=yes or not asked)


def _words(disc: Disc) -> str:
    return f"{disc.kind}, {disc.state.value}, {human_bytes(disc.free)} free"
