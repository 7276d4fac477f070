"""Lay out a further session of an ISO 9660 disc: new files, and the directories of all files, old and new.

The sessions before stay as they are; readers follow the descriptors of the last one (PS3.12 F.2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mediacreator.formats.iso9660_tables import IsoTables
from mediacreator.formats.iso9660_values import SECTOR, both
from mediacreator.formats.placed_tree import directories
from mediacreator.formats.placing import PlacedFile, Placement

_TABLES: Final = 18  # block of the session where the first path table lies: behind its two descriptors


@dataclass(frozen=True, slots=True)
class RecordedFile(PlacedFile):
    """A file that an earlier session holds, contiguous."""

    block: int = 0  # of its first byte, counted from the first of the disc


def lay_out_session(
    recorded: Sequence[RecordedFile],
    files: Sequence[PlacedFile],
    *,
    first: int,
    volume_id: str,
    created: datetime,
) -> Placement:
    """Lay out a session.

    Args:
        recorded: What earlier sessions hold and the disc shall go on to show.
        files: New ones, in the order of the medium.
        first: Block that the session begins with, as the drive says.
        volume_id: File-set ID, 0-16 characters A-Z, 0-9, _.
        created: Of the volume and its directories; aware.

    Returns:
        Where everything lies, in bytes from the beginning of the disc: nothing of it before ``first``; ``size`` is
        where the session ends.

    Raises:
        MediaTooSmall: There are more directories than a path table can number.
        InternalError: A path that cannot be recorded, or two of one name.

    Source: PS3.12 F.2.1; ECMA-119 8.4, 9.1, 9.4.
    """
    everything = (*recorded, *files)
    tables = IsoTables(everything, directories(everything))
    start = first + _TABLES
    block = start + tables.blocks
    places = []
    for file in files:
        places.append(block)
        block += -(-file.size // SECTOR)
    # An empty file has no data; its location still has to lie inside the volume.
    data = [*(file.block for file in recorded), *(min(place, block - 1) for place in places)]
    # ECMA-119 8.4.8 knows no sessions; mkisofs and libisofs record the size of the session alone, and so do we.
    segments = tables.encode(start, data, block - first, volume_id, created, session=first)
    return Placement(
        size=block * SECTOR,
        segments=tuple((at * SECTOR, content) for at, content in segments),
        offsets=tuple(place * SECTOR for place in places),
        align=SECTOR,
    )


def leading_descriptor(descriptor: bytes, first: int) -> bytes:
    """Return the Primary Volume Descriptor that makes a disc without sessions show the files of a session.

    Args:
        descriptor: Of the session.
        first: Block that the session begins with.

    Source: ECMA-119 8.4.8 (Volume Space Size).
    """
    total = int.from_bytes(descriptor[80:84], "little") + first
    return descriptor[:80] + both(total, 4) + descriptor[88:]
