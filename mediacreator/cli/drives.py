"""``mediacreator drives``: which drives and sticks there are, and what lies in them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from mediacreator.cli.progress import human_bytes
from mediacreator.cli.report import plain, say
from mediacreator.errors import DeviceError, ToolMissing

if TYPE_CHECKING:
    from mediacreator.burn import BlockDevice
    from mediacreator.tools.xorriso import Disc, Drive


@dataclass(frozen=True, slots=True)
class _Seen:
    """A drive with what lies in it, or why that is not known."""

    drive: Drive
    disc: Disc | None
    why: str = ""


@click.command("drives", short_help="List drives and sticks, and what lies in them.")
@click.option("--all", "show_all", is_flag=True, help="List fixed disks too, which are never written.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")
def command(*, show_all: bool, as_json: bool) -> None:
    """List the drives that burn discs, with the disc in each, and the sticks and cards, with what they hold.

    Nothing is changed. Drives and devices that this account may not use are not seen, or not looked into.

    Exit code: 0, also when there is nothing; 3 when a drive hangs.
    """
    from mediacreator.burn import block_devices

    drives, missing = _drives()
    devices = [device for device in block_devices() if device.removable or show_all]
    if as_json:
        say(json.dumps(_document(drives, missing, devices), ensure_ascii=False, indent=2))
        return
    if missing:
        say(missing)
    elif not drives:
        say("No drive that burns discs was found.")
    for seen in drives:
        say(f"{seen.drive.device}  {plain(f'{seen.drive.vendor} {seen.drive.model}'.strip())}")
        say(f"    {_disc_words(seen)}")
    if not devices:
        say("No stick or card was found.")
    for device in devices:
        say(f"{device.path}  {plain(device.name)}, {human_bytes(device.size)}")
        say(f"    {_device_words(device)}")


def _drives() -> tuple[list[_Seen], str]:
    """Return the drives, and why they cannot be listed at all."""
    from mediacreator.tools import xorriso

    try:
        drives = xorriso.list_drives()
    except ToolMissing as exc:
        return [], str(exc)
    seen = []
    for drive in drives:
        try:
            seen.append(_Seen(drive, xorriso.look(drive.device)))
        except DeviceError as exc:
            seen.append(_Seen(drive, None, str(exc)))
    return seen, ""


def _disc_words(seen: _Seen) -> str:
    from mediacreator.tools.xorriso import DiscState

    disc = seen.disc
    if disc is None:
        return seen.why
    if disc.state in (DiscState.NONE, DiscState.UNKNOWN):
        return "no disc" if disc.state is DiscState.NONE else "something that the drive does not recognise"
    label = f", label {plain(disc.label)}" if disc.label else ""
    room = f"{human_bytes(disc.free)} free of {human_bytes(disc.size)}" if disc.size else "size not known"
    erasable = ", rewritable" if disc.rewritable else ""
    return f"{disc.kind}, {disc.state.value}, {room}{erasable}{label}"


def _device_words(device: BlockDevice) -> str:
    use = device.in_use or ("read only" if device.read_only else "")
    kind = "" if device.removable else "fixed disk"
    holds = f"holds {plain(device.holds)}" if device.holds else "what it holds cannot be read by this account"
    return ", ".join(filter(None, (kind, use, holds)))


def _document(drives: list[_Seen], missing: str, devices: list[BlockDevice]) -> dict[str, object]:
    return {
        "format": "mediacreator drives",
        "version": "1",
        "problem": missing,
        "drives": [
            {
                **asdict(seen.drive),
                "problem": seen.why,
                "disc": seen.disc
                and {**asdict(seen.disc), "state": seen.disc.state.value, "rewritable": seen.disc.rewritable},
            }
            for seen in drives
        ],
        "devices": [{**asdict(device), "may_be_written": device.may_be_written} for device in devices],
    }
