"""Write a File-set as an ISO 9660 level 1 image (PS3.12 Annex F)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mediacreator.formats.iso9660_writer import image_size, lay_out
from mediacreator.formats.placing import PlacedImage
from mediacreator.image.disc import DiscFile, disc_order
from mediacreator.image.placed import placed_files, write_placed
from mediacreator.model import Progress


def iso_size(files: Sequence[DiscFile]) -> int:
    """Return the exact size in bytes of the image that ``write_iso`` will write.

    Raises:
        MediaTooSmall: A file, or the number of directories, is beyond ISO 9660 level 1.
        InternalError: A path that cannot be recorded, two of one name.
    """
    return image_size(placed_files(files))


def write_iso(
    path: str, *, volume_id: str, files: Sequence[DiscFile], created: datetime, progress: Progress, workers: int = 1
) -> PlacedImage:
    """Write an image; the file data lies in the order given, the late file last. See ``write_placed``.

    Args:
        path: Of the image, its ``.partial`` name; replaced when it is there.
        volume_id: File-set ID, 0-16 characters A-Z, 0-9, _; becomes the Volume Identifier.
        files: In the order of the medium, DICOMDIR included.
        created: Of the volume and its directories; aware. The same input gives the same bytes.
        progress: Counts files and bytes of files.
        workers: Processes that copy; the bytes are the same for any number.

    Raises:
        MediaTooSmall, InternalError: As ``iso_size``.
        NoSpace, MediumError, SourceChanged, SourceUnreadable: As ``write_placed``.

    Source: PS3.12 F.1.1, F.1.2, F.1.3, F.2.2.
    """
    ordered = disc_order(files)
    placement = lay_out(placed_files(ordered), volume_id=volume_id, created=created)
    return write_placed(path, placement, ordered, progress=progress, workers=workers)
