"""Reckon how many media of a profile some instances need, and how to compress them so that they need few."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mediacreator.rules.profile import ApplicationProfile
from mediacreator.suggesting.families import Family
from mediacreator.suggesting.weighing import Held, Scales
from mediacreator.transcode.choose import UNCOMPRESSED, Compression

SPARING = (UNCOMPRESSED, Compression("keep"), Compression("lossless"))
"""Ways to compress without loss, the one that every reader opens first."""

_RECORD = 1024
"""Bytes of an instance in the DICOMDIR, with its share of the records above it, and in tables of the file system."""

_CONTENT = 1 << 20
"""Bytes of what else is on a medium: README.TXT, INDEX.HTM, the tables of the file system."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What a profile holds, and on how many media."""

    profile: ApplicationProfile
    held: Held
    compression: Compression
    room: int  # bytes that the files take with their records and the rest of the last sector
    media: int  # by size; 0 where nothing is held


def fits(
    profiles: Iterable[ApplicationProfile], families: Iterable[Family], scales: Scales, given: Compression | None = None
) -> tuple[Fit, ...]:
    """Return what each profile holds and on how many media, in their order.

    Args:
        profiles: Of PS3.11, or a site's.
        families: To which they belong.
        scales: With the instances.
        given: How to compress them; None: uncompressed, and as they are or losslessly only where that saves a medium.
    """
    family_of = {profile.id: family for family in families for profile in family.profiles}
    return tuple(_best(profile, family_of[profile.id], scales, given) for profile in profiles)


def _best(profile: ApplicationProfile, family: Family, scales: Scales, given: Compression | None) -> Fit:
    ways = SPARING if given is None else (given,)
    best = _fit(profile, scales.held(family, ways[0]), ways[0])
    for way in ways[1:]:
        if best.media <= 1:
            break
        other = _fit(profile, scales.held(family, way), way)
        best = other if other.media < best.media else best
    return best


def _fit(profile: ApplicationProfile, held: Held, compression: Compression) -> Fit:
    room = room_for(profile, held.size, held.count, held.images)
    return Fit(profile, held, compression, room, media_for(profile, room) if held.count else 0)


def room_for(profile: ApplicationProfile, size: int, count: int, images: int) -> int:
    """Return the bytes that instances take with their records, icons and the rest of the last sector, at most about.

    Args:
        profile: Whose medium and icons count.
        size: Of their files, bytes.
        count: How many there are.
        images: How many of them have Pixel Data.
    """
    icons = [rule.rows * rule.columns * rule.bits // 8 for rule in profile.directory.icons if rule.required]
    return size + count * (profile.media_format.sector + _RECORD) + images * max(icons, default=0)


def media_for(profile: ApplicationProfile, room: int) -> int:
    """Return how many media of a profile so many bytes need; 1 where the medium has no size of its own."""
    return -(-room // space_on(profile)) if profile.media_format.capacity else 1


def space_on(profile: ApplicationProfile) -> int:
    """Return the bytes for instances that a medium of a profile has, beside descriptors, README.TXT and the like."""
    capacity = profile.media_format.capacity
    return max(capacity - min(_CONTENT, capacity // 10), 1)
