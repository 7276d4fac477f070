"""Lay out ISO 9660 level 1 images through pycdlib exactly as PS3.12 Annex F asks; the caller writes the file data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mediacreator.errors import InternalError, MediaTooSmall
from mediacreator.formats.iso9660_pycdlib import MAX_COMPONENTS, head_by_pycdlib
from mediacreator.formats.iso9660_tables import IsoTables
from mediacreator.formats.iso9660_values import MAX_FILE, SECTOR
from mediacreator.formats.placed_tree import directories
from mediacreator.formats.placing import LateSegment, PlacedFile, Placement

_TABLES: Final = 19
"""Sector of the first path table: behind the system area (16), two descriptors, and one that pycdlib leaves zero."""

_TABLE: Final = 2
"""Sectors in whose multiples pycdlib records a path table."""

_MOST_LATE = 15_000
"""Files whose records pycdlib may make while workers copy: it holds 2 KB for each, and the workers hold theirs then."""

_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def lay_out(files: Sequence[PlacedFile], *, volume_id: str, created: datetime) -> Placement:
    """Lay out an image: file data in the order given, extents ascending, nothing between them.

    Args:
        files: In the order of the medium.
        volume_id: The File-set ID; 0-16 characters A-Z, 0-9, _.
        created: Volume Creation, Modification and Effective Date and Time, and the date of directories; aware.

    Returns:
        The layout; its one segment, a late one where files are few, is the image up to the first byte of file data, the
        system area included.

    Raises:
        MediaTooSmall: A file or the number of directories is beyond what ISO 9660 level 1 can record.
        InternalError: A name, path or Volume Identifier that cannot be recorded.

    Source: PS3.12 F.1.1 (Volume Identifier), F.1.2.1 (File ID mapping), F.1.3 (Recording Date), F.2.2 (descriptors).
    """
    if len(volume_id) > 16 or not _NAME_CHARACTERS.issuperset(volume_id):
        raise InternalError(f"{volume_id!r} is no File-set ID: 0 to 16 characters A-Z, 0-9 and _ (PS3.10 8.1).")
    first = sector = _TABLES + _tables(files).blocks
    sectors = []
    for file in files:
        sectors.append(sector)
        sector += _sectors(file)
    # An empty file has no extent; its location still has to lie inside the volume.
    data = [min(place, sector - 1) for place in sectors]
    size, offsets = first * SECTOR, tuple(place * SECTOR for place in sectors)

    def head() -> bytes:
        return head_by_pycdlib(files, data, size, volume_id=volume_id, created=created)

    if len(files) > _MOST_LATE:
        return Placement(sector * SECTOR, ((0, head()),), offsets, SECTOR)
    return Placement(sector * SECTOR, (), offsets, SECTOR, (LateSegment(0, size, head),))


def image_size(files: Sequence[PlacedFile]) -> int:
    """Return the exact size of an image in bytes before it is laid out; checks what ISO 9660 level 1 can record.

    Raises:
        MediaTooSmall, InternalError: As ``lay_out``.
    """
    return (_TABLES + _tables(files).blocks + sum(map(_sectors, files))) * SECTOR


def _tables(files: Sequence[PlacedFile]) -> IsoTables:
    for file in files:
        if len(file.path) > MAX_COMPONENTS:
            raise InternalError(
                f"{'/'.join(file.path)}: {len(file.path)} components, {MAX_COMPONENTS} can be written through pycdlib."
            )
        if file.size > MAX_FILE:
            raise MediaTooSmall(
                f"{'/'.join(file.path)} has {file.size} bytes, ISO 9660 level 1 records at most {MAX_FILE} "
                "[PS3.12 F.2.2, ECMA-119 10.1]. Write it to a folder."
            )
    return IsoTables(files, directories(files), table=_TABLE)


def _sectors(file: PlacedFile) -> int:
    return -(-file.size // SECTOR)
