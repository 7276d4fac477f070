"""Lay out DVD images that are both ISO 9660 and UDF 1.02: two trees of descriptors over the same file data.

PS3.12 P.2 allows either file system or both. ISO 9660 comes first in the image, its path tables and directories lie
between the anchor of UDF and its partition.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mediacreator.formats.iso9660_tables import IsoTables
from mediacreator.formats.placed_tree import directories
from mediacreator.formats.placing import PlacedFile, Placement
from mediacreator.formats.udf_tables import FileSetTables
from mediacreator.formats.udf_values import BLOCK, REVISIONS
from mediacreator.formats.udf_writer import RECOGNITION, Plan, placement, plan, recognition, volume

_TABLES: Final = 257  # block of the first path table: behind the anchor
_REVISION: Final = REVISIONS["1.02"]


def image_size(files: Sequence[PlacedFile]) -> int:
    """Return the exact size in bytes of the image that ``lay_out`` lays out.

    Raises:
        MediaTooSmall, InternalError: As ``lay_out``.
    """
    return _planned(files)[0].total * BLOCK


def lay_out(files: Sequence[PlacedFile], *, volume_id: str, created: datetime) -> Placement:
    """Lay out an image: file data in the order given, each file contiguous, shared by both file systems.

    A file of 4 GiB and more takes several extents in ISO 9660, which is level 3 with names of level 1.

    Args:
        files: In the order of the medium.
        volume_id: The File-set ID, 0-16 characters A-Z, 0-9, _: Volume Identifier of both.
        created: Date of the volume and of directories; aware.

    Raises:
        MediaTooSmall: A file or the number of directories is beyond what they can record.
        InternalError: A path, identifier or date that cannot be recorded.

    Source: PS3.12 P.1.3, P.2.1, P.2.2; ECMA-119; UDF 1.02.
    """
    where, tables, iso = _planned(files)
    laid = placement(where, files, ())
    # An empty file has no data; its location still has to lie inside the volume.
    data = [min(offset // BLOCK, where.total - 1) for offset in laid.offsets]
    segments = (
        *iso.encode(_TABLES, data, where.total, volume_id, created),
        *recognition(_REVISION, RECOGNITION + 2),  # behind the two descriptors of ISO 9660
        *volume(where, tables, volume_id, created),
    )
    return placement(where, files, segments)


def _planned(files: Sequence[PlacedFile]) -> tuple[Plan, FileSetTables, IsoTables]:
    tree = directories(files)
    tables, iso = FileSetTables(_REVISION, files, tree), IsoTables(files, tree)
    return plan(_REVISION, tables.blocks, files, _TABLES + iso.blocks), tables, iso
