"""A disc in a drive that takes a further session: what it holds, and whether one may be appended (PS3.12 F.2.2.2)."""

from __future__ import annotations

import os

from mediacreator.burn.discs import judge_kind, judge_open, require_sessions
from mediacreator.errors import MediumError, TargetExists
from mediacreator.formats import IsoTree
from mediacreator.formats.iso9660_volume import beyond_primary
from mediacreator.medium import Medium, open_medium
from mediacreator.medium_places import DICOMDIR
from mediacreator.rules.claim import Claim
from mediacreator.tools import xorriso
from mediacreator.tools.xorriso import STDIO
from mediacreator.updating.held import Held, HeldDisc, Told, refuse_broken, told_by_receipt

_NEW = "Give -o for a new File-set."


def hold_disc(device: str, receipt: str) -> Held:
    """Open the File-set on a disc to append a session.

    Args:
        device: As ``drive_of`` gives it.
        receipt: Path of the receipt to be written; "" for none.

    Raises:
        TargetExists: There is a receipt of that name.
        DeviceError: There is no disc, it is blank or finalised, or the drive refuses.
        SourceUnreadable: It holds no File-set.
        MediumError: It holds what a further session would lose.
        FindingsError: Its DICOMDIR breaks rules.
        ToolMissing: xorriso is not installed.

    Source: PS3.12 F.2.1.2, F.2.2.2.
    """
    if receipt and os.path.lexists(receipt):
        raise TargetExists("There is a receipt of this name already: it is a proof, and stays. Give another --receipt.")
    disc = xorriso.look(device)
    judge_open(disc)
    medium = open_medium(device.removeprefix(STDIO))
    try:
        tree = _plain(medium)
        refuse_broken(medium.directory)
        told = told_by_receipt(medium.path, tree, medium.directory.file_set_uid)
        told = Told(told.receipt, told.entry, receipt)
        return Held(medium.path, "DICOMDIR", tree, (), medium, told, HeldDisc(device, disc))
    except BaseException:
        medium.close()
        raise


def _plain(medium: Medium) -> IsoTree:
    """Return the files of a disc whose directories can be written anew without loss.

    Raises:
        MediumError: They cannot.
    """
    tree = medium.tree
    if not isinstance(tree, IsoTree):
        raise MediumError(f"The disc has no ISO 9660, and only that takes further sessions [PS3.12 F.2.2.2]. {_NEW}")
    more = beyond_primary(tree.fileno(), tree.volume)
    if more or tree.volume.joliet:
        named = " and ".join(more) or "Joliet"
        raise MediumError(
            f"The disc has {named} beside plain ISO 9660, where new files would not be seen [PS3.12 F.2.2]. {_NEW}"
        )
    if medium.dicomdir.path != DICOMDIR:
        raise MediumError(f"The DICOMDIR does not lie in the root of the disc [PS3.10 8.6]. {_NEW}")
    if tree.lost or any(found.code == "iso-too-many" for found in tree.findings):
        raise MediumError(f"The disc holds files that cannot be read; a further session would lose them. {_NEW}")
    return tree


def judge_session(held: HeldDisc, claim: Claim, *, any_medium: bool) -> None:
    """Refuse to append a session where medium or profiles do not provide for it.

    Args:
        held: The disc.
        claim: The profiles that hold on its File-set.
        any_medium: The disc need not be of the kind that they name.

    Raises:
        UsageError: They know one session only.
        DeviceError: The disc is of another kind.

    Source: PS3.11 X.2.1; PS3.12 F.2.1.2.
    """
    require_sessions(claim.profiles, "give -o for a new File-set.")
    judge_kind(held.disc, claim.media_format, claim.id, any_medium=any_medium)
