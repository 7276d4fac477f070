"""Write a File-set as a FAT16 or FAT32 image (PS3.12 A, M, Q to U)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mediacreator.formats.fat_kinds import FatKind
from mediacreator.formats.fat_writer import image_size, lay_out
from mediacreator.formats.placing import PlacedImage
from mediacreator.image.disc import DiscFile, disc_order
from mediacreator.image.placed import placed_files, write_placed
from mediacreator.model import Progress


def fat_size(files: Sequence[DiscFile], *, kind: FatKind, capacity: int = 0) -> int:
    """Return the exact size in bytes of the image that ``write_fat`` will write with the same arguments.

    Raises:
        MediaTooSmall: The files are more than ``capacity``, or than FAT can hold; or a directory has too many.
        InternalError: A path that cannot be recorded, two of one name.
    """
    return image_size(placed_files(files), kind=kind, capacity=capacity)


def write_fat(
    path: str,
    *,
    kind: FatKind,
    volume_id: str,
    files: Sequence[DiscFile],
    created: datetime,
    progress: Progress,
    workers: int = 1,
    capacity: int = 0,
) -> PlacedImage:
    """Write an image; see ``write_placed``.

    Args:
        path: Of the image, its ``.partial`` name; replaced when it is there.
        kind: Of volume: one of ``FAT_KINDS``.
        volume_id: File-set ID, 0-16 characters A-Z, 0-9, _; its first 11 become the volume label.
        files: In the order of the medium, DICOMDIR included.
        created: Of the volume and its directories; aware. The same input gives the same bytes.
        progress: Counts files and bytes of files.
        workers: Processes that copy.
        capacity: Of the medium that the image fills, in bytes; 0: as small as the files allow.

    Raises:
        MediaTooSmall: As ``fat_size``, or a file is larger than FAT can record.
        NoSpace, MediumError, SourceChanged, SourceUnreadable, InternalError: As ``write_placed``.
    """
    ordered = disc_order(files)
    placement = lay_out(placed_files(ordered), kind=kind, volume_id=volume_id, created=created, capacity=capacity)
    return write_placed(path, placement, ordered, progress=progress, workers=workers)
