"""What is asked of an update, and what all updates share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mediacreator.errors import UsageError
from mediacreator.formats.fat_kinds import FAT_KINDS
from mediacreator.model import Finding, Severity
from mediacreator.receipt import COMPLETE
from mediacreator.rules.claim import Claim, load_claim
from mediacreator.select import SelectionRequest
from mediacreator.settings import Settings
from mediacreator.suggesting import AUTO, lacking
from mediacreator.updating.applying import locked
from mediacreator.updating.drives import drive_of
from mediacreator.updating.held import Held, hold, root_of
from mediacreator.updating.imaging import recover_image
from mediacreator.updating.journal import recover

LACKING = "medium-incomplete-before"
UPDATER = "FSU"
"""The role that changes a File-set (PS3.10 8.3)."""


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """How a session is burned behind the others of a disc."""

    receipt: str = ""  # path of the receipt to be written, which nothing can lie beside; "": none
    speed: int = 0  # in multiples of the kind of disc; 0: as fast as drive and disc agree
    keep_open: bool = False  # for another session
    any_medium: bool = False  # the disc need not be of the kind that the profiles name


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """Everything that an update is asked for."""

    medium: str  # folder or FAT image of the File-set, or the drive that its disc lies in
    sources: tuple[str, ...] = ()  # what is added: folders, files, archives, other media
    profile: str = ""  # identifiers; "": that of the receipt of the medium
    profile_folders: tuple[str, ...] = ()  # of the site
    compress: str = AUTO  # as for create
    icons: bool = False  # icons of new records also where no profile requires them
    selection: SelectionRequest = field(default_factory=SelectionRequest)  # of what is added
    strict: bool = False  # change nothing if anything is rejected
    workers: int = 0  # processes; 0: as many as there are processors
    reproducible: bool = False
    epoch: int | None = None  # SOURCE_DATE_EPOCH, seconds; implies reproducible
    arguments: tuple[str, ...] = ()  # as given by the user, for the local receipt
    session: SessionRequest = field(default_factory=SessionRequest)  # of a disc


@dataclass(frozen=True, slots=True)
class Opened:
    """A File-set that is held to be updated."""

    held: Held
    claim: Claim
    findings: tuple[Finding, ...]  # of how it was found: after an update that was interrupted, incomplete already


@contextmanager
def opened(request: UpdateRequest, settings: Settings) -> Iterator[Opened]:
    """Hold a File-set alone, after what an interrupted update left is brought into order.

    Raises:
        UsageError: It is not known which profiles the File-set claims, or one of them has no Updater.
        MediumError: It cannot be opened or changed, or another run is changing it.
        DeviceError: The disc takes no session.
        FindingsError: Its DICOMDIR must be rebuilt first.
    """
    device = drive_of(request.medium)
    if device:
        from mediacreator.updating.discs import hold_disc

        held = hold_disc(device, request.session.receipt)
        with held.medium:
            claim = _claim(request, settings, held)
            incomplete = _incomplete_before(held)
            yield Opened(held, claim, (incomplete,) if incomplete else ())
        return
    root = root_of(request.medium)
    if not os.path.isdir(root):
        hold(request.medium).medium.close()  # says why it is not updated, if it is not
    with locked(root):
        recovered = recover(root) if os.path.isdir(root) else recover_image(root)
        held = hold(root)
        with held.medium:
            claim = _claim(request, settings, held)
            said = (recovered, _incomplete_before(held))
            yield Opened(held, claim, tuple(finding for finding in said if finding is not None))


def _incomplete_before(held: Held) -> Finding | None:
    """Return what an earlier receipt says, which the new one replaces: that this medium lacks something."""
    receipt = held.told.receipt
    if receipt is None:
        return None
    if receipt.state == COMPLETE and not any(reason.code == LACKING for reason in receipt.reasons):
        return None
    return Finding(
        LACKING,
        Severity.WARNING,
        "medium",
        "before this update its receipt said that something that should be on it is not",
        "a complete medium",
        "",
        "Compare it with what was sent. A medium that is made anew says whether it has everything.",
    )


def _claim(request: UpdateRequest, settings: Settings, held: Held) -> Claim:
    """Return the profiles that hold on the File-set, all of which must know the role of who updates.

    Source: PS3.10 8.3, PS3.11 X.2.
    """
    identifiers = request.profile or (held.entry.profile if held.entry else "")
    if not identifiers:
        raise UsageError(
            "The medium has no receipt that says which application profile it claims. Give --profile [PS3.11 7]."
        )
    claim = load_claim(identifiers, (*settings.profile_folders, *request.profile_folders))
    for profile in claim.profiles:
        if UPDATER not in profile.roles:
            clause = profile.clauses.get("roles", profile.clause)
            raise UsageError(
                f"{profile.id} has no File-set Updater, so such a medium is not changed in place. Give -o for a new "
                f"File-set [{clause}; PS3.10 8.3]."
            )
        if profile.security != "none":
            raise UsageError(f"{profile.id} asks for {lacking(profile)}, which this version cannot make.")
    if held.disc is not None:
        from mediacreator.updating.discs import judge_session

        judge_session(held.disc, claim, any_medium=request.session.any_medium)
    elif held.is_image and claim.media_format.writer not in FAT_KINDS:
        raise UsageError(
            f"{identifiers} is of {claim.media_format.name}, and this is a FAT image. Give --profile of what it is "
            f"[{claim.media_format.clause}]."
        )
    return claim
