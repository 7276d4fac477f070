"""Write a File-set as a UDF image (PS3.12 J, X), or as one that is ISO 9660 as well (PS3.12 P)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mediacreator.formats import udf_bridge, udf_writer
from mediacreator.formats.placing import PlacedImage
from mediacreator.image.disc import DiscFile, disc_order
from mediacreator.image.placed import placed_files, write_placed
from mediacreator.model import Progress

BRIDGE = "bridge"
"""In place of a revision: UDF 1.02 and ISO 9660 over the same file data."""


def udf_size(files: Sequence[DiscFile], *, revision: str) -> int:
    """Return the exact size in bytes of the image that ``write_udf`` will write with the same arguments.

    Raises:
        MediaTooSmall: A file or the number of directories is beyond what the file system can record.
        InternalError: A path that cannot be recorded, two of one name.
    """
    placed = placed_files(files)
    return udf_bridge.image_size(placed) if revision == BRIDGE else udf_writer.image_size(placed, revision=revision)


def write_udf(
    path: str,
    *,
    revision: str,
    volume_id: str,
    files: Sequence[DiscFile],
    created: datetime,
    progress: Progress,
    workers: int = 1,
) -> PlacedImage:
    """Write an image; the file data lies in the order given, the late file last. See ``write_placed``.

    Args:
        path: Of the image, its ``.partial`` name; replaced when it is there.
        revision: Of UDF: ``1.02`` to ``2.60``; or ``BRIDGE``.
        volume_id: File-set ID, 0-16 characters A-Z, 0-9, _.
        files: In the order of the medium, DICOMDIR included.
        created: Of the volume and its directories; aware. The same input gives the same bytes.
        progress: Counts files and bytes of files.
        workers: Processes that copy; the bytes are the same for any number.

    Raises:
        MediaTooSmall, InternalError: As ``udf_size``.
        NoSpace, MediumError, SourceChanged, SourceUnreadable: As ``write_placed``.
    """
    ordered = disc_order(files)
    placed = placed_files(ordered)
    if revision == BRIDGE:
        placement = udf_bridge.lay_out(placed, volume_id=volume_id, created=created)
    else:
        placement = udf_writer.lay_out(placed, volume_id=volume_id, created=created, revision=revision)
    return write_placed(path, placement, ordered, progress=progress, workers=workers)
