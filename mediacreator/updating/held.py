"""What a File-set holds before it is updated: its records as they stand, ready to be written again (PS3.10 8.3)."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from struct import Struct

from mediacreator.dicomio.walker import Directory, DirectoryRecord
from mediacreator.errors import FindingsError, InternalError, MediumError, SourceUnreadable
from mediacreator.formats import FileTree, FolderTree, TreeFile, open_tree
from mediacreator.layout import ROOT_FOLDER
from mediacreator.medium import Medium, find_dicomdir, open_medium
from mediacreator.medium_places import DICOMDIR
from mediacreator.model import Container, FileID, Severity, SourceFile
from mediacreator.receipt import MediumEntry, Receipt, parse_receipt, read_receipt
from mediacreator.rules.uids import EXPLICIT_VR_LITTLE_ENDIAN
from mediacreator.sources.containers import start_of
from mediacreator.tools.xorriso import Disc

RECEIPT = "RECEIPT.JSN"
UPDATED_IMAGES = frozenset((Container.FAT,))
"""Images of media that are written again and again."""
_HEADER = Struct("<HH2sH")
_LINKS, _TYPE = 12 + 10 + 12, b"\x04\x00\x30\x14"  # bytes of (0004,1400), (0004,1410) and (0004,1420)
_RECORD_TYPE = 0x1430  # element of group 0004: the offsets that stand before it are made anew
_MRDR = "MRDR"


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a medium from a receipt."""

    receipt: Receipt | None = None
    entry: MediumEntry | None = None  # of the receipt: this medium
    path: str = ""  # where the receipt lies or would lie beside the folder; "": that of another medium lies there


@dataclass(frozen=True, slots=True)
class HeldDisc:
    """A disc that takes a further session."""

    device: str  # /dev/sr0, or stdio:/path
    disc: Disc


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A File-set in a folder, an image or on a disc, opened to be updated; close it."""

    root: str  # folder that the DICOMDIR lies in
    dicomdir: str  # path of the DICOMDIR
    tree: FileTree
    base: tuple[str, ...]  # the root within the tree
    known: Medium | None  # None where there is no DICOMDIR that can be read: it is to be made anew
    told: Told
    disc: HeldDisc | None = None  # None: no disc in a drive, to which a session is appended

    @property
    def entry(self) -> MediumEntry | None:
        """Return what its receipt says of it; None without one."""
        return self.told.entry

    @property
    def receipt_written(self) -> str:
        """Return the path of the receipt to be written; "" without one, and where nothing can lie beside a mount."""
        path = self.told.path
        if self.disc is not None:
            return path
        beside = os.path.isfile(path) or os.access(os.path.dirname(path), os.W_OK)
        return path if self.entry is not None and beside else ""

    @property
    def is_image(self) -> bool:
        """Whether it is an image that is written anew as a whole, and no folder."""
        return self.tree.container is not Container.FILE

    @property
    def medium(self) -> Medium:
        """Return it with its DICOMDIR.

        Raises:
            InternalError: There is none.
        """
        if self.known is None:
            raise InternalError("the File-set is to be rebuilt, and its DICOMDIR was asked for")
        return self.known

    @property
    def directory(self) -> Directory:
        """Return its DICOMDIR, walked."""
        return self.medium.directory

    def files(self) -> Iterator[TreeFile]:
        """Yield every file below the root."""
        depth = len(self.base)
        return (file for file in self.tree.files() if file.path[:depth] == self.base)

    def names_in(self, folder: str) -> Iterator[str]:
        """Yield what is called how in a folder of the root; of several that differ in case alone, in each."""
        if not os.path.isdir(self.root):
            depth = len(self.base)
            paths = (file.path[depth:] for file in self.files())
            yield from (path[1] for path in paths if len(path) > 1 and path[0].upper() == folder)
            return
        for name in os.listdir(self.root):
            path = os.path.join(self.root, name)
            if name.upper() == folder and os.path.isdir(path):
                yield from os.listdir(path)

    def size(self) -> int:
        """Return the bytes of every file: of instances as the receipt tells them, where there is one."""
        if self.entry is None or not os.path.isdir(self.root):
            return sum(file.size for file in self.files())
        told = sum(file.size for file in self.entry.files if file.path.startswith(f"{ROOT_FOLDER}/"))
        beside = [one for one in os.scandir(self.root) if one.name != ROOT_FOLDER]
        folders = [FolderTree(one.path) for one in beside if one.is_dir(follow_symlinks=False)]
        return (
            told
            + sum(one.stat().st_size for one in beside if one.is_file(follow_symlinks=False))
            + sum(file.size for folder in folders for file in folder.files())
        )

    def find(self, *components: str) -> TreeFile | None:
        """Find a file by its path from the root; None when it is not there."""
        return self.tree.find((*self.base, *components))

    def source_of(self, file: TreeFile, number: int) -> SourceFile:
        """Return a file of the medium as a source, to be read."""
        if self.is_image:
            mtime_ns = os.stat(self.tree.path).st_mtime_ns
            container = self.tree.container
            return SourceFile(number, self.tree.path, file.size, mtime_ns, container, file.name, start_of(file))
        path = os.path.join(self.tree.path, *file.path[:-1], file.raw_name)
        status = os.stat(path)
        return SourceFile(number, path, status.st_size, status.st_mtime_ns)

    def hash_of(self, file: TreeFile) -> tuple[int, str]:
        """Return size in bytes and SHA-256 of a file, hexadecimal."""
        digest = hashlib.sha256()
        with self.tree.open(file.path) as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
        return file.size, digest.hexdigest()

    def files_of(self) -> Mapping[FileID, TreeFile]:
        """Return the file of each File ID that a record names, where it is there."""
        if self.known is None:
            return {}
        found = ((record.file_id, self.medium.file_of(record)) for record in self.medium.instances())
        return {file_id: file for file_id, file in found if file is not None}


def root_of(path: str) -> str:
    """Return the folder that a DICOMDIR lies in: that of a medium, which may lie below it, or of one given itself."""
    path = os.path.abspath(path)
    if os.path.isfile(path) and os.path.basename(path).upper() == "DICOMDIR":
        return os.path.dirname(path)
    if not os.path.isdir(path):
        return os.path.realpath(path)  # an image: what a link leads to is replaced, and not the link
    if os.path.isfile(os.path.join(path, "DICOMDIR")):
        return path
    try:
        with open_tree(path) as tree:
            return os.path.join(path, *find_dicomdir(tree)[0].path[:-1])
    except SourceUnreadable:
        return path


def hold(path: str) -> Held:
    """Open a File-set to update it; of a disc see ``discs.hold_disc``.

    Args:
        path: Of the folder, or of the DICOMDIR in it; or of a FAT image.

    Raises:
        SourceUnreadable: There is none.
        MediumError: It is an image of a medium that is written once, or a drive.
        FindingsError: Its DICOMDIR breaks rules, so that an update could lose what it says: it must be rebuilt first.

    Source: PS3.10 8.3 (File-set Updater).
    """
    medium = _opened(path)
    try:
        return _held(medium)
    except BaseException:
        medium.close()
        raise


def _opened(path: str) -> Medium:
    """Open a medium; the files of one whose DICOMDIR lies in the root, as it should, are listed when that is needed."""
    dicomdir = os.path.join(path, "DICOMDIR")
    if not os.path.isfile(dicomdir) or os.path.islink(dicomdir):
        return open_medium(path)
    tree = _Folder(path)
    return Medium(tree, tree.require(DICOMDIR))


class _Folder(FolderTree):
    """A folder of which a few files are looked up, perhaps: to list 50,000 others takes longer than all else."""

    _FEW = 2000  # more often looked up than that, listing all is quicker

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._looked_up = 0

    def find(self, components: Sequence[str]) -> TreeFile | None:
        """Find a file; see ``FileTree.find``."""
        self._looked_up += 1
        if self._files is None and self._looked_up <= self._FEW:
            file = self._as_asked(tuple(components))
            if file is not None:
                return file
        return super().find(components)

    def _as_asked(self, components: FileID) -> TreeFile | None:
        """Find a file that is called exactly so, and to which no link leads; None also when there is a doubt."""
        path = os.path.join(self.path, *components)
        try:
            if os.path.realpath(path) != os.path.join(self._root, *components):
                return None
            status = os.stat(path)
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return TreeFile(components, components[-1], status.st_size, status.st_mtime_ns)


def _held(medium: Medium) -> Held:
    root = os.path.abspath(medium.path)
    if not os.path.isdir(root) and medium.tree.container not in UPDATED_IMAGES:
        raise MediumError(
            "This image is of a medium that is written once: changed, its File-set UID would name two File-sets. "
            "Give -o for a new one [PS3.10 8.1]."
        )
    if not (os.path.isdir(root) or os.path.isfile(root)):
        raise MediumError("This is a device. Mount it and update the folder, or give -o for a new File-set.")
    if os.path.isdir(root):
        root = os.path.join(root, *medium.dicomdir.path[:-1])
    dicomdir = os.path.join(root, medium.dicomdir.raw_name)
    refuse_broken(medium.directory)
    told = told_by_receipt(root, medium.tree, medium.directory.file_set_uid)
    return Held(root, dicomdir, medium.tree, medium.dicomdir.path[:-1], medium, told)


def refuse_broken(directory: Directory) -> None:
    """Refuse to update what cannot be understood whole: what is not understood would be lost.

    Raises:
        FindingsError: With every reason.
    """
    broken = tuple(found for found in directory.findings if found.severity is Severity.ERROR)
    plain = directory.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN
    indirect = any(record.type == _MRDR for record in directory.records)
    if broken or not plain or indirect or not all(record.reachable for record in directory.records):
        raise FindingsError(
            "The DICOMDIR breaks rules, and an update could lose what it says. Make a new one from the files first: "
            "mediacreator rebuild [PS3.10 8.3].",
            broken,
        )


def told_by_receipt(root: str, tree: FileTree, file_set_uid: str, *, rebuilt: bool = False) -> Told:
    """Return what the receipt of a medium tells: the one beside it, else the one that travels on it.

    Args:
        root: Folder that the DICOMDIR lies in.
        tree: Its files.
        file_set_uid: Of the DICOMDIR.
        rebuilt: The DICOMDIR is made anew: a receipt of one medium is believed to be its receipt.
    """
    beside = f"{root}.receipt.json"
    others = os.path.exists(beside)
    for path, receipt in _receipts(beside, tree):
        media = receipt.media
        one = media[0] if rebuilt and len(media) == 1 else None
        entry = next((entry for entry in media if entry.file_set_uid == file_set_uid), one)
        if entry is not None:
            return Told(receipt, entry, beside if path == beside or not others else "")
    return Told(path="" if others else beside)


def _receipts(beside: str, tree: FileTree) -> Iterator[tuple[str, Receipt]]:
    """Yield the receipts of a medium that can be read, each with its path."""
    from pathlib import Path

    if os.path.isfile(beside):
        with suppress(MediumError):
            yield beside, read_receipt(Path(beside), sources=False)  # those of another run
    if tree.find((RECEIPT,)) is not None:
        with suppress(MediumError, SourceUnreadable), tree.open((RECEIPT,)) as stream:
            yield RECEIPT, parse_receipt(stream.read(), RECEIPT)


def record_body(data: bytes, record: DirectoryRecord) -> bytes:
    """Return the elements of a record from Directory Record Type (0004,1430) on.

    Args:
        data: The DICOMDIR, in Explicit VR Little Endian.
        record: One of its records.

    Source: PS3.3 Table F.3-3 (the offsets and the In-use Flag stand before the type).
    """
    position = record.offset + 8
    if data[position + _LINKS : position + _LINKS + 4] == _TYPE:  # nothing but the three links, as a rule
        return data[position + _LINKS : record.end]
    while position < record.end:
        group, element, _, length = _HEADER.unpack_from(data, position)
        if group > 4 or element >= _RECORD_TYPE:
            return bytes(data[position : record.end])
        position += 8 + length
    return b""
