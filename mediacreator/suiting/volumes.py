"""What is judged: the volumes of an opened medium, as their independent readers take them, and the File-set on it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mediacreator.errors import SourceUnreadable
from mediacreator.formats import FatTree, FileTree, IsoTree, UdfTree
from mediacreator.formats.fat_reader import FatRecord
from mediacreator.formats.iso9660_reader import IsoRecord
from mediacreator.formats.iso9660_volume import beyond_primary, is_iso9660
from mediacreator.formats.mail_parts import Part, find_parts, message_headers
from mediacreator.formats.mail_reader import MailTree
from mediacreator.formats.udf_reader import UdfRecord
from mediacreator.formats.udf_volume import is_udf
from mediacreator.formats.zip_reader import ZipTree
from mediacreator.model import FileID
from mediacreator.rules.tables import MediaFormat

_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deviation:
    """One thing that is not as a row asks. Names of a foreign medium may name a patient: they are not repeated."""

    location: str
    what: str


def at_byte(position: int) -> str:
    """Name a place of an image, as its readers do."""
    return f"image, byte {position}"


class OnIt:
    """The File-set that lies on the medium, as far as its DICOMDIR can be read."""

    def __init__(self, file_set_id: str | None, files: Mapping[_Path, FileID]) -> None:
        """Take it.

        Args:
            file_set_id: None where nobody knows.
            files: File IDs by the path where the file was found, the DICOMDIR included.
        """
        self.file_set_id = file_set_id
        self.files = files

    @cached_property
    def _folders(self) -> frozenset[_Path]:
        return frozenset(path[:depth] for path in self.files for depth in range(1, len(path)))

    def holds(self, path: _Path) -> bool:
        """Whether a file is of the File-set, or a directory leads to one that is."""
        return path in self.files or path in self._folders


class JudgedIso:
    """An ISO 9660 volume."""

    def __init__(self, tree: IsoTree, on_it: OnIt) -> None:
        self.tree = tree
        self.on_it = on_it
        self.position = at_byte(tree.volume.offset)

    @property
    def names(self) -> frozenset[str]:
        """Its file systems, as in ``media_formats.csv``; which level it is, rows about names and extents tell."""
        return frozenset(f"iso9660-{level}" for level in (1, 2, 3))

    @property
    def words(self) -> str:
        """How a person calls it."""
        return "ISO 9660"

    @cached_property
    def records(self) -> tuple[IsoRecord, ...]:
        """Every file and directory; none where Joliet had to be read, of which no row speaks."""
        return () if self.tree.volume.joliet else tuple(self.tree.records())

    @cached_property
    def extensions(self) -> tuple[str, ...]:
        """What it has beside its primary directory: ``Joliet``, ``Rock Ridge``, ``UDF``."""
        return beyond_primary(self.tree.fileno(), self.tree.volume)


class JudgedUdf:
    """A UDF volume."""

    def __init__(self, tree: UdfTree) -> None:
        self.tree = tree
        self.position = at_byte(tree.volume.position)

    @property
    def revision(self) -> str:
        """As ``1.50``."""
        return f"{self.tree.volume.revision >> 8:x}.{self.tree.volume.revision & 0xFF:02x}"

    @property
    def names(self) -> frozenset[str]:
        """Its file system, as in ``media_formats.csv``."""
        return frozenset((f"udf-{self.revision}",))

    @property
    def words(self) -> str:
        """How a person calls it."""
        return f"UDF {self.revision}" if self.tree.volume.revision else "UDF that does not say its revision"

    @cached_property
    def records(self) -> tuple[UdfRecord, ...]:
        """Every file and directory."""
        return tuple(self.tree.records())


class JudgedFat:
    """A FAT volume."""

    def __init__(self, tree: FatTree, on_it: OnIt) -> None:
        self.tree = tree
        self.on_it = on_it
        self.position = at_byte(tree.volume.offset)

    @property
    def width(self) -> str:
        """As ``fat16``."""
        return f"fat{self.tree.volume.width}"

    @property
    def is_partition(self) -> bool:
        """Whether it is a partition of the medium and not the whole of it."""
        return self.tree.volume.offset > 0

    @property
    def names(self) -> frozenset[str]:
        """Its file system, as in ``media_formats.csv``."""
        return frozenset((self.width,) if self.is_partition else (self.width, f"{self.width}-unpartitioned"))

    @property
    def words(self) -> str:
        """How a person calls it."""
        return f"{self.width.upper()} {'in a partition' if self.is_partition else 'without a partition table'}"

    @cached_property
    def boot(self) -> bytes:
        """The boot sector."""
        return os.pread(self.tree.fileno(), 512, self.tree.volume.offset)

    @cached_property
    def records(self) -> tuple[FatRecord, ...]:
        """Every file."""
        return tuple(self.tree.records())


class JudgedZip:
    """A ZIP archive."""

    names = frozenset(("zip",))
    words = "a ZIP archive"

    def __init__(self, tree: ZipTree) -> None:
        self.members = tree.members


class JudgedMail:
    """A mail, as its headers and those of its parts describe it."""

    def __init__(self, tree: MailTree, on_it: OnIt) -> None:
        self.tree = tree
        self.on_it = on_it

    @property
    def names(self) -> frozenset[str]:
        """What it carries, as in ``media_formats.csv``."""
        return frozenset(("zip" if self.tree.archives else "mime",))

    @property
    def words(self) -> str:
        """How a person calls it."""
        return f"a mail {'with a ZIP archive' if self.tree.archives else 'without a ZIP archive'}"

    @cached_property
    def headers(self) -> tuple[str, str]:
        """Content type and subject of the message."""
        return message_headers(self.tree.fileno())

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Its parts."""
        return find_parts(self.tree.fileno(), self.tree.size)


Judged = JudgedIso | JudgedUdf | JudgedFat | JudgedZip | JudgedMail


@dataclass(frozen=True, slots=True)
class Subject:
    """A medium, taken for one of a kind."""

    medium: MediaFormat
    volumes: Sequence[Judged]  # two where an image has two file systems

    @property
    def names(self) -> frozenset[str]:
        """All of its file systems."""
        return frozenset[str]().union(*(volume.names for volume in self.volumes))


def volumes_of(tree: FileTree, on_it: OnIt) -> tuple[list[Judged], list[FileTree]]:
    """Return what is to be judged of a medium, and what was opened for it; nothing for a folder."""
    if isinstance(tree, FatTree):
        return [JudgedFat(tree, on_it)], []
    if isinstance(tree, ZipTree):
        return [JudgedZip(tree)], []
    if isinstance(tree, MailTree):
        tree.files()
        return [JudgedMail(tree, on_it), *map(JudgedZip, tree.archives)], []
    if isinstance(tree, IsoTree | UdfTree):
        other = _other(tree)
        both = [tree, other] if other is not None else [tree]
        return [_disc_volume(one, on_it) for one in both], [other] if other is not None else []
    return [], []


def _disc_volume(tree: IsoTree | UdfTree, on_it: OnIt) -> Judged:
    return JudgedIso(tree, on_it) if isinstance(tree, IsoTree) else JudgedUdf(tree)


def _other(tree: IsoTree | UdfTree) -> IsoTree | UdfTree | None:
    """Open the other file system of an image that has two; None where it cannot be read."""
    try:
        if isinstance(tree, IsoTree):
            return UdfTree(tree.path) if is_udf(tree.fileno()) else None
        return IsoTree(tree.path) if is_iso9660(tree.fileno()) else None
    except SourceUnreadable:
        return None
