"""Which drive, and whether the disc in it takes the image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mediacreator.burn.images import ReadyImage
from mediacreator.errors import DeviceError, UsageError
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.tables import MediaFormat
from mediacreator.tools import xorriso
from mediacreator.tools.faults import fault
from mediacreator.tools.xorriso import PADDING, SECTOR, Disc, DiscState, Drive

DISC_KINDS: Mapping[str, str] = {
    "CD-ROM": "",
    "CD-RW": "",  # PS3.12 F.3 names the CD-R alone
    "CD-R": "cd_r",
    "DVD-ROM": "",
    "DVD-RAM": "dvd_ram",
    "DVD": "dvd",
    "BD-ROM": "",
    "BD": "bd",
}
"""How the names that MMC gives to discs begin, the longer first; and the medium of PS3.12 that they are."""


def medium_of(disc: Disc) -> str:
    """Return the key of the PS3.12 medium that a disc is, ``""`` for one that has none."""
    return next((medium for begins, medium in DISC_KINDS.items() if disc.kind.startswith(begins)), "")


def choose_drive(
    drives: Callable[[], Sequence[Drive]] = xorriso.list_drives, look: Callable[[str], Disc] = xorriso.look
) -> str:
    """Return the drive to burn in where none was named: the only one, or the only one with a blank disc.

    Raises:
        DeviceError: There is none.
        UsageError: There are several that it could be.
        ToolMissing: xorriso is not installed.
    """
    found = [drive.device for drive in drives()]
    if not found:
        raise fault("device-missing", "No drive that burns discs was found.")
    if len(found) == 1:
        return found[0]
    ready = [device for device in found if _is_blank(device, look)]
    if len(ready) != 1:
        which = "several drives have" if ready else "no drive has"
        raise UsageError(f"{which} a blank disc in it: say which one with --device ({', '.join(ready or found)}).")
    return ready[0]


def _is_blank(device: str, look: Callable[[str], Disc]) -> bool:
    try:
        return look(device).state is DiscState.BLANK
    except DeviceError:
        return False


def require_blank(disc: Disc, *, erase: bool = False) -> None:
    """Refuse a drive without a disc that can be written from its beginning.

    Args:
        disc: What lies in the drive.
        erase: A rewritable disc may be erased.

    Raises:
        DeviceError: There is none, it cannot be read, or it is used.
    """
    if disc.state is DiscState.NONE:
        raise fault("no-disc")
    if disc.state is DiscState.UNKNOWN:
        raise fault("disc-unreadable")
    if disc.state is not DiscState.BLANK and not (erase and disc.rewritable):
        raise fault("disc-used", f"It is {disc.state.value}.")


def judge_disc(disc: Disc, image: ReadyImage, *, erase: bool = False, any_medium: bool = False) -> tuple[str, ...]:
    """Refuse a disc that does not take an image.

    Args:
        disc: What lies in the drive.
        image: What is to be burned.
        erase: A rewritable disc may be erased.
        any_medium: It need not be of the kind that the profiles name.

    Returns:
        What the record must say of it, as sentences.

    Raises:
        DeviceError: There is none, it is used, too small or of the wrong kind.
    """
    require_blank(disc, erase=erase)
    notes = judge_kind(disc, image.media_format, image.entry.profile, any_medium=any_medium)
    if disc.state is DiscState.BLANK and image.size > disc.free:  # how large an erased one is, only erasing shows
        raise fault("medium-too-small", f"It needs {image.size:,} bytes, and the disc holds {disc.free:,}.")
    return notes


def padding_for(disc: Disc, image: ReadyImage) -> int:
    """Return how many bytes of zeros go behind an image: as many as usual, or what is left of a full disc."""
    return padding_of(disc, image.size) if disc.state is DiscState.BLANK else PADDING


def padding_of(disc: Disc, size: int) -> int:
    """Return how many bytes of zeros go behind so many bytes on what is left of a disc."""
    return max(min(PADDING, (disc.free - size) // SECTOR * SECTOR), 0)


def judge_kind(disc: Disc, wanted: MediaFormat, profile: str, *, any_medium: bool) -> tuple[str, ...]:
    """Compare the kind of a disc with what the profiles ask for (PS3.11 X.2).

    Args:
        disc: What lies in the drive.
        wanted: The medium that the profiles name.
        profile: Their identifiers.
        any_medium: Another kind is let pass.

    Returns:
        What the record must say of it, as sentences.

    Raises:
        DeviceError: It is of another kind.
    """
    if disc.is_file or medium_of(disc) == wanted.key:
        return ()
    said = f"It is a {disc.kind}; {profile} asks for {wanted.name} [{wanted.clause}]."
    if not any_medium:
        raise fault("disc-wrong-kind", said)
    return (said,)


def require_sessions(profiles: Sequence[ApplicationProfile], remedy: str) -> None:
    """Refuse several sessions where a profile forbids them, or its medium knows none.

    Args:
        profiles: That the File-set claims.
        remedy: What to do instead.

    Raises:
        UsageError: With the clause.

    Source: PS3.11 X.2.1; PS3.12 F.2.1.2.
    """
    for profile in profiles:
        if profile.session.multisession == "no":
            raise UsageError(f"{profile.id} knows no further sessions [{profile.session.clause}]: {remedy}")
        medium = profile.media_format
        if not medium.sessions:
            raise UsageError(
                f"{profile.id} is of {medium.name}, which knows no further sessions [{medium.clause}]: {remedy}"
            )


def judge_open(disc: Disc) -> None:
    """Refuse a drive without a disc that takes a further session.

    Raises:
        DeviceError: There is none, it cannot be read, it is blank, finalised, or not recorded in sessions.
    """
    if disc.state is not DiscState.APPENDABLE:
        raise fault(_NOT_OPEN.get(disc.state, "disc-closed"))
    if not disc.has_sessions:
        raise fault("disc-without-sessions", f"It is a {disc.kind}.")
    if not disc.next_sector:
        raise fault("disc-closed", "The drive does not say where a session could begin.")


_NOT_OPEN: Mapping[DiscState, str] = {
    DiscState.NONE: "no-disc",
    DiscState.UNKNOWN: "disc-unreadable",
    DiscState.BLANK: "disc-blank",
}
