"""File systems and archives: a writer and an independent reader for each; knows no DICOM."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from mediacreator.errors import SourceUnreadable
from mediacreator.formats.iso9660_reader import IsoTree
from mediacreator.formats.iso9660_volume import is_iso9660
from mediacreator.formats.tree import Extent, FileTree, FolderTree, SubTree, TreeFile, tolerant_key
from mediacreator.model import Container

__all__ = [
    "Extent",
    "FileTree",
    "FolderTree",
    "IsoTree",
    "SubTree",
    "TreeFile",
    "open_tree",
    "recognise",
    "tolerant_key",
]

_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def recognise(path: str) -> Container:
    """Say by its content what a file is: a ZIP archive, an ISO 9660 image, or neither (``Container.FILE``).

    A DICOM file stays a DICOM file whatever its preamble pretends to be (PS3.10 7.5).

    Raises:
        OSError: The file cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        head = os.pread(handle, 132, 0)
        if head[128:] == b"DICM":
            return Container.FILE
        if head[:4] in _ZIP_MAGICS:
            return Container.ZIP
        return Container.ISO if is_iso9660(handle) else Container.FILE
    finally:
        os.close(handle)


def open_tree(path: str, within: Sequence[str] = ()) -> FileTree:
    """Open a medium: a folder, an ISO 9660 image (or drive that holds one), or a ZIP archive; decided by content.

    Args:
        path: Of the folder, image, device or archive.
        within: Folder inside it that is the root of the File-set; for archives with a wrapper folder.

    Raises:
        SourceUnreadable: It is missing, may not be read, or is none of these.
    """
    if within and not os.path.isdir(path):
        return SubTree(open_tree(path), within)
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            return FolderTree(os.path.join(path, *within))
        if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
            raise SourceUnreadable("The medium is neither a folder, a file nor a drive.")
        kind = recognise(path)
    except OSError as exc:
        raise SourceUnreadable(f"The medium cannot be opened: {exc.strerror}.") from exc
    if kind is Container.ZIP:
        from mediacreator.formats.zip_reader import ZipTree

        return ZipTree(path)
    if kind is Container.ISO:
        return IsoTree(path)
    raise SourceUnreadable("The medium is neither a folder, an ISO 9660 image nor a ZIP archive.")
