"""File systems and archives: a writer and an independent reader for each; knows no DICOM."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence

from mediacreator.errors import SourceUnreadable
from mediacreator.formats.fat_reader import FatTree
from mediacreator.formats.fat_volume import is_fat
from mediacreator.formats.iso9660_reader import IsoTree
from mediacreator.formats.iso9660_volume import is_iso9660
from mediacreator.formats.mail_parts import is_mail
from mediacreator.formats.tree import Extent, FileTree, FolderTree, RefusingTree, SubTree, TreeFile, tolerant_key
from mediacreator.formats.udf_reader import UdfTree
from mediacreator.formats.udf_volume import is_udf
from mediacreator.model import Container

__all__ = [
    "IMAGES",
    "Extent",
    "FatTree",
    "FileTree",
    "FolderTree",
    "IsoTree",
    "RefusingTree",
    "SubTree",
    "TreeFile",
    "UdfTree",
    "open_tree",
    "recognise",
    "tolerant_key",
]

_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def _open_mail(path: str) -> RefusingTree:
    from mediacreator.formats.mail_reader import MailTree

    return MailTree(path)


IMAGES: Mapping[Container, Callable[[str], RefusingTree]] = {
    Container.ISO: IsoTree,
    Container.UDF: UdfTree,
    Container.FAT: FatTree,
    Container.MAIL: _open_mail,
}
"""What opens an image or a drive of each file system, and a mail."""


def recognise(path: str) -> Container:
    """Say by its content what a file is: an archive, an image of a file system, a mail, or none (``Container.FILE``).

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
        iso, udf = is_iso9660(handle), is_udf(handle)
        if iso and udf:
            return _fuller(path)
        if iso or udf:
            return Container.ISO if iso else Container.UDF
        if is_fat(handle):
            return Container.FAT
        return Container.MAIL if is_mail(handle) else Container.FILE
    finally:
        os.close(handle)


def _fuller(path: str) -> Container:
    """Choose between the file systems of one image: ISO 9660, unless UDF has files that it lacks.

    Some discs that others make have only a note in ISO 9660, which asks for another program. Source: PS3.12 P.2.
    """
    counts = {}
    for kind in (Container.ISO, Container.UDF):
        try:
            with IMAGES[kind](path) as tree:
                counts[kind] = sum(1 for _ in tree.files())
        except SourceUnreadable:
            counts[kind] = -1
    return Container.UDF if counts[Container.UDF] > counts[Container.ISO] else Container.ISO


def open_tree(path: str, within: Sequence[str] = ()) -> FileTree:
    """Open a medium: a folder, an image of a file system (or a drive), a ZIP archive or a mail; decided by content.

    Args:
        path: Of the folder, image, device, archive or mail.
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
    if kind in IMAGES:
        return IMAGES[kind](path)
    raise SourceUnreadable(
        "The medium is no folder, no image with ISO 9660, UDF or FAT, no ZIP archive and no mail with attachments."
    )
