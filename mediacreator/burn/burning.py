"""Burn an image onto a CD, DVD or BD, and read all of it back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from mediacreator.burn import tray
from mediacreator.burn.discs import judge_disc, padding_for, require_sessions
from mediacreator.burn.images import ReadyImage
from mediacreator.burn.reading import compare_medium
from mediacreator.errors import UsageError
from mediacreator.model import Progress
from mediacreator.tools import xorriso
from mediacreator.tools.xorriso import STDIO, DiscState
from mediacreator.virus_check import CLAUSE


@dataclass(frozen=True, slots=True)
class Burned:
    """A disc or stick that holds an image, read back and equal to it."""

    device: str
    medium: str  # kind of disc, or name of the stick
    size: int  # bytes of the image
    sha256: str  # of the image, and of what was read back
    closed: bool  # finalised; True for what knows no sessions
    writing: float  # seconds
    reading: float
    notes: tuple[str, ...] = ()  # what whoever hands it out should know


def burn_image(
    image: ReadyImage,
    device: str,
    *,
    progress: Progress,
    speed: int = 0,
    erase: bool = False,
    keep_open: bool = False,
    any_medium: bool = False,
) -> Burned:
    """Burn an image in one session, finalise the disc, and read it back against the receipt.

    Args:
        image: As ``ready_image`` gives it.
        device: Of the drive, or ``stdio:/path`` for a recording into a file.
        progress: Told how it goes on, in the stages ``burn`` and ``disc``.
        speed: In multiples of the kind of disc; 0: as fast as drive and disc agree.
        erase: Erase a rewritable disc first.
        keep_open: Leave the disc open for another session.
        any_medium: The disc need not be of the kind that the profiles name.

    Returns:
        What was burned. The image is kept, whatever happens.

    Raises:
        UsageError: ``keep_open`` is forbidden by a profile or by the mark of a check for viruses.
        DeviceError: The drive or the disc: see ``tools.faults``.
        ToolMissing: xorriso is not installed.
        VerificationFailed: The disc is not what was written.

    Source: PS3.11 X.2.1 (sessions).
    """
    close = closes(image, keep_open=keep_open)
    disc = xorriso.look(device)
    notes = judge_disc(disc, image, erase=erase, any_medium=any_medium)
    progress.start("burn", 0, image.size)
    begun = time.monotonic()
    xorriso.burn(
        device,
        image.path,
        advance=lambda size: progress.advance(0, size),
        speed=speed,
        erase=erase,
        close=close,
        padding=padding_for(disc, image),
    )
    burned = time.monotonic()
    tray.reload(device)
    if close and not disc.rewritable and xorriso.state_now(device) is not DiscState.CLOSED:
        notes += ("The drive does not say that the disc is finalised.",)
    compare_medium(device.removeprefix(STDIO), image.size, image.sha256, progress)
    return Burned(
        device=device,
        medium=disc.kind,
        size=image.size,
        sha256=image.sha256,
        closed=close,
        writing=burned - begun,
        reading=time.monotonic() - burned,
        notes=notes,
    )


def closes(image: ReadyImage, *, keep_open: bool) -> bool:
    """Tell whether the disc is finalised: it is, unless it shall be kept open and every profile lets it.

    Raises:
        UsageError: A profile forbids several sessions, or the medium is marked as checked for viruses.

    Source: PS3.11 X.2.1; DRG 2.2.3.
    """
    if not keep_open:
        return True
    if image.entry.virus_check is not None:
        raise UsageError(
            f"This medium is marked as checked for viruses, so that nothing may be added to it [{CLAUSE}]: leave out "
            "--keep-open."
        )
    require_sessions(image.profiles, "leave out --keep-open.")
    return False
