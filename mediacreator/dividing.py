"""Divide what is larger than its medium over several, before anything is written (PS3.10 8.6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mediacreator.encoding import EncodedFileSet
from mediacreator.errors import MediaTooSmall
from mediacreator.forms import would_fit
from mediacreator.image import DiscFile
from mediacreator.layout.spanning import InstanceTooLarge, span
from mediacreator.model import SOPInstance
from mediacreator.preparing import Part
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.tables import Blank
from mediacreator.suggesting.media import room_for, space_on

_TRIES = 8  # what is too large by some sectors gets less room, and is divided once more


@dataclass(frozen=True, slots=True)
class Medium:
    """A File-set that goes on one medium."""

    file_set: EncodedFileSet
    number: int  # of the media that its whole is divided over, from 1
    of: int
    files: tuple[DiscFile, ...] = ()  # what lies on it, where that was measured
    size: int = 0  # of its image with these files, in bytes


def refuse_too_large(part: Part) -> None:
    """Refuse before hours of encoding what no division can put on its medium: an instance that is copied as it is.

    Raises:
        MediaTooSmall: One instance alone is larger than a medium.
    """
    profile, work = part.claim.profiles[0], part.work
    if not profile.media_format.capacity:
        return
    for place, instance in enumerate(work.instances):
        size = instance.header.source.size
        if size > profile.media_format.capacity and work.is_copied(place):
            raise _too_large(profile, size)


def refuse_more_than(medium: Blank, part: Part) -> None:
    """Refuse before hours of encoding what one medium cannot hold: the instances that are copied as they are.

    Raises:
        MediaTooSmall: They alone are larger than the medium.
    """
    work = part.work
    size = sum(one.header.source.size for place, one in enumerate(work.instances) if work.is_copied(place))
    if size > medium.capacity:
        raise too_large_for_only(medium, size, "at least ")


def too_large_for_only(medium: Blank, size: int, about: str = "") -> MediaTooSmall:
    """Return the error for a File-set that needs more than the one medium that there is."""
    return MediaTooSmall(
        f"The File-set needs {about}{size:,} bytes, the {medium.name} has {medium.capacity:,}. Take a larger one, "
        "choose some with --patient, --study, --series or --modality, or try --compress lossless. Nothing was written."
    )


def divide(
    file_sets: Sequence[EncodedFileSet], excess_of: Callable[[Sequence[Medium]], Sequence[int]]
) -> tuple[Medium, ...]:
    """Return one Medium for each File-set that fits, several for one that does not.

    Args:
        file_sets: Encoded.
        excess_of: Returns by how many bytes the image of each Medium is larger than its medium, 0 where it fits.

    Raises:
        MediaTooSmall: One instance alone is larger than a medium.
    """
    rooms = [space_on(file_set.claim.profiles[0]) for file_set in file_sets]
    media: tuple[Medium, ...] = ()
    for _ in range(_TRIES):
        parts = [_span(file_set, room) for file_set, room in zip(file_sets, rooms, strict=True)]
        media = tuple(medium for part in parts for medium in part)
        excess = excess_of(media)
        if not any(excess):
            break
        for place, too_many in zip((n for n, part in enumerate(parts) for _ in part), excess, strict=True):
            rooms[place] -= too_many
    return media


def _span(file_set: EncodedFileSet, room: int) -> tuple[Medium, ...]:
    profile = file_set.claim.profiles[0]
    if not profile.media_format.capacity:
        return (Medium(file_set, 1, 1),)

    def size_of(instance: SOPInstance) -> int:
        size = file_set.encoded[instance.header.source.number].size
        return room_for(profile, size, 1, 1 if instance.header.pixel_data is not None else 0)

    try:
        contents = span(file_set.content, size_of, room)
    except InstanceTooLarge as exc:
        raise _too_large(profile, exc.size) from exc
    return tuple(
        Medium(replace(file_set, content=content), number, len(contents)) for number, content in enumerate(contents, 1)
    )


def _too_large(profile: ApplicationProfile, size: int) -> MediaTooSmall:
    medium = profile.media_format
    return MediaTooSmall(
        f"An instance takes {size:,} bytes, {medium.name} holds {medium.capacity:,} [{medium.clause}]. "
        f"{would_fit(size)} Or code it with --compress. Nothing was written."
    )
