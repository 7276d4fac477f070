"""The one stick that is at hand: which profile it is written under, and that all must fit on it."""

from __future__ import annotations

from mediacreator.burn.sticks import STICKS
from mediacreator.errors import UsageError
from mediacreator.rules.claim import Claim, load_claims
from mediacreator.rules.tables import Blank
from mediacreator.suggesting import AUTO

_USUAL = "usb"
"""Key of the medium where a profile is to be chosen."""


def profile_for_stick(given: str, default: str, folders: tuple[str, ...]) -> str:
    """Return the identifiers of the profiles of a stick.

    Args:
        given: By the user; "" for none.
        default: Of the site; it counts only if it is for sticks.
        folders: Of a site, with profiles of its own.

    Raises:
        UsageError: What was given is not for a stick or card, or for several media.
    """
    if not given:
        fits = default != AUTO and not any(_unfit(claim) for claim in load_claims(default, folders))
        return default if fits else AUTO
    claims = () if given == AUTO else load_claims(given, folders)
    for claim in filter(_unfit, claims):
        medium = claim.media_format
        raise UsageError(f"{claim.id} is for {medium.name}, which is no stick or card [{medium.clause}].")
    if len(claims) > 1:
        raise UsageError(f"{given} is for {len(claims)} kinds of media, and there is one stick. Name fewer profiles.")
    return given


def stick_at_hand(name: str, capacity: int, profile: str, folders: tuple[str, ...]) -> Blank:
    """Return a stick as the very medium that a File-set goes on.

    Args:
        name: What a person calls it.
        capacity: Bytes that it has, or that are free on it.
        profile: As ``profile_for_stick`` returns it.
        folders: Of a site, with profiles of its own.

    Raises:
        UsageError: There is no such profile.
    """
    medium = _USUAL if profile == AUTO else load_claims(profile, folders)[0].profiles[0].medium
    return Blank("", name, medium, capacity, "", "", "", "")


def _unfit(claim: Claim) -> bool:
    return claim.profiles[0].medium not in STICKS
