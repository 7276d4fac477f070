"""Lay out FAT16 and FAT32 volumes with their partition table; the caller writes the file data.

All files are known beforehand, so every chain is contiguous: directories first, then the files in the order given, and
the FAT is nearly a count upwards. Source: PS3.12 A, M, Q to U; FAT specification 1.03.
"""

from __future__ import annotations

import re
import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mediacreator.errors import InternalError, MediaTooSmall
from mediacreator.formats import fat_fields as fields
from mediacreator.formats.fat_geometry import Geometry, Needed, filling, smallest
from mediacreator.formats.fat_kinds import MAX_ENTRIES, MAX_FILE, ROOT_ENTRIES, FatKind
from mediacreator.formats.fat_sectors import MEDIA, Segment, boot_sectors, partition_table
from mediacreator.formats.placing import PlacedFile, Placement

LABEL = 11
"""Characters of a volume label."""

_END = {16: 0xFFFF, 32: 0x0FFFFFFF}  # of a chain, and FAT[1] of a volume that was closed (FAT Data Structure)
_CODES = {16: "H", 32: "I"}  # of array
_ENTRY = 32  # bytes
_FILE_SET_ID = re.compile(r"[A-Z0-9_]{0,16}")  # PS3.10 8.1
_NAME = re.compile(r"[A-Z0-9_]{1,8}")  # PS3.12 A.1: a component of a File ID
_FILE_NAME = re.compile(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?")  # what lies beside them may have an extension

_entry = fields.DIRECTORY_ENTRY.coder.pack
_Path = tuple[str, ...]


def volume_label(volume_id: str) -> str:
    """Return the label of a volume: the first 11 characters of its File-set ID, as a label has no more.

    PS3.12 A.1.1: the PC File System provides no File-set ID; the label can be used to show one (note). M, Q and R to U
    say nothing else. So whatever is cut off is not lost: the File-set ID stands whole in the DICOMDIR.
    """
    return volume_id[:LABEL]


def image_size(files: Sequence[PlacedFile], *, kind: FatKind, capacity: int = 0) -> int:
    """Return the exact size of an image in bytes before it is laid out.

    Args:
        files: In the order of the medium.
        kind: Of volume.
        capacity: Of the medium that it fills, in bytes; 0: as small as the files allow.

    Raises:
        MediaTooSmall, InternalError: As ``lay_out``.
    """
    return _geometry(_Tree(files, 1), kind, capacity).image


def lay_out(
    files: Sequence[PlacedFile], *, kind: FatKind, volume_id: str, created: datetime, capacity: int = 0
) -> Placement:
    """Lay out an image: directories, then file data in the order given, each file in clusters that follow one another.

    Args:
        files: In the order of the medium.
        kind: Of volume.
        volume_id: The File-set ID, 0-16 characters A-Z, 0-9, _; see ``volume_label``.
        created: Date of the label and of directories; aware. FAT records local dates without a time zone.
        capacity: Of the medium that it fills, in bytes; 0: as small as the files allow.

    Raises:
        MediaTooSmall: A file, a directory or all together are larger than FAT or the medium allows.
        InternalError: A name, path or File-set ID that cannot be recorded.

    Source: PS3.12 A.1 (File ID mapping), A.2; FAT specification.
    """
    if not _FILE_SET_ID.fullmatch(volume_id):
        raise InternalError(f"{volume_id!r} is no File-set ID: 0 to 16 characters A-Z, 0-9 and _ (PS3.10 8.1).")
    label = volume_label(volume_id)
    tree = _Tree(files, 1 if label else 0)
    geometry = _geometry(tree, kind, capacity)
    _check_sizes(files, geometry)
    runs = _Runs(tree, geometry)
    serial = zlib.crc32(repr((volume_id, created, [(file.path, file.size) for file in files])).encode())
    root = (_label_entry(label, created),) if label else ()
    directories = _directories(tree, runs, root, created)
    segments = [
        *partition_table(geometry, serial),
        *boot_sectors(geometry, label, serial, runs.end),
        *_fats(geometry, runs),
        *directories,
    ]
    return Placement(geometry.image, tuple(segments), runs.offsets(), geometry.cluster)


@dataclass(slots=True)
class _Directory:
    """A directory: what lies in it, in the order met. A name leads to a file by its number, or to a directory."""

    parent: _Path
    names: dict[str, int | _Path] = field(default_factory=dict)


class _Tree:
    """The directories that files ask for; parents stand before what lies in them, the root first."""

    def __init__(self, files: Sequence[PlacedFile], labels: int) -> None:
        self.files = files
        self._labels = labels  # entries of the root besides
        self.directories: dict[_Path, _Directory] = {(): _Directory(())}
        for number, file in enumerate(files):
            if not file.path:
                raise InternalError("A file has no name.")
            self._add(self._directory(file.path[:-1]), file.path[-1], number)
        self._check_entries()

    def entries(self, path: _Path) -> int:
        """Return how many entries a directory has, its label or ``.`` and ``..`` included."""
        return len(self.directories[path].names) + (2 if path else self._labels)

    def clusters(self, path: _Path, cluster: int) -> int:
        """Return how many clusters a directory takes; even an empty one has one."""
        return max(-(-self.entries(path) * _ENTRY // cluster), 1)

    def needed(self, width: int, cluster: int) -> int:
        """Return how many clusters everything takes; the root is none of FAT16's."""
        files = sum(-(-file.size // cluster) for file in self.files)
        paths = (path for path in self.directories if path or width == 32)
        return files + sum(self.clusters(path, cluster) for path in paths)

    def _directory(self, path: _Path) -> _Directory:
        missing = []
        while path not in self.directories:
            missing.append(path)
            path = path[:-1]
        found = self.directories[path]
        for below in reversed(missing):
            self._add(found, below[-1], below)
            found = self.directories[below] = _Directory(below[:-1])
        return found

    def _add(self, directory: _Directory, name: str, what: int | _Path) -> None:
        if name in directory.names:
            raise InternalError("Two files or directories of one name.")
        if not (_FILE_NAME if isinstance(what, int) else _NAME).fullmatch(name):
            raise InternalError(f"{name} is no name of 8 and 3 characters A-Z, 0-9 and _.")
        directory.names[name] = what

    def _check_entries(self) -> None:
        for path in self.directories:
            most = MAX_ENTRIES if path else ROOT_ENTRIES
            if self.entries(path) > most:
                raise MediaTooSmall(
                    f"A directory at level {len(path) + 1} has {self.entries(path)} entries, FAT records at most "
                    f"{most} there. Spread the files over more directories, or over more media."
                )


def _geometry(tree: _Tree, kind: FatKind, capacity: int) -> Geometry:
    needed: Needed = tree.needed
    return filling(kind, needed, capacity) if capacity else smallest(kind, needed)


def _check_sizes(files: Iterable[PlacedFile], geometry: Geometry) -> None:
    width = geometry.size.width
    for file in files:
        if file.size > MAX_FILE[width]:
            raise MediaTooSmall(
                f"{'/'.join(file.path)} has {file.size:,} bytes, FAT{width} records at most {MAX_FILE[width]:,} "
                "[FAT specification, DIR_FileSize]. Write it to a DVD or BD with UDF, or to a folder."
            )


class _Runs:
    """Which clusters each directory and file has: the next free ones."""

    def __init__(self, tree: _Tree, geometry: Geometry) -> None:
        self.geometry = geometry
        self.ends = array("Q")  # the cluster behind each chain
        self.of_directory: dict[_Path, int] = {(): 0}  # 0: the root of FAT16, and how .. speaks of any root
        self.of_file = array("Q")
        self.end = 2  # the first free cluster
        for path in tree.directories:
            if path or geometry.size.width == 32:
                self.of_directory[path] = self._take(tree.clusters(path, geometry.cluster))
        for file in tree.files:
            self.of_file.append(self._take(-(-file.size // geometry.cluster)))

    def _take(self, count: int) -> int:
        first = self.end
        self.end += count
        if count:
            self.ends.append(self.end)
        return first

    def offsets(self) -> tuple[int, ...]:
        """Return where each file lies in the image, in bytes; an empty one where the next lies."""
        start, cluster = self.geometry.byte_of_cluster(0), self.geometry.cluster
        return tuple(start + number * cluster for number in self.of_file)


def _fats(geometry: Geometry, runs: _Runs) -> Iterable[Segment]:
    """Yield both copies of the FAT up to the last cluster that is used; free clusters are zero."""
    width = geometry.size.width
    table = array(_CODES[width], range(1, runs.end + 1))  # each cluster leads to the next one
    table[0] = _END[width] & ~0xFF | MEDIA
    table[1] = _END[width]
    for end in runs.ends:
        table[end - 1] = _END[width]
    if sys.byteorder == "big":
        table.byteswap()
    data = table.tobytes()
    for copy in range(2):
        yield geometry.byte_of(geometry.reserved + copy * geometry.fat), data


def _directories(tree: _Tree, runs: _Runs, root: Sequence[bytes], created: datetime) -> Iterable[Segment]:
    """Yield the root directory and all others, which lie one behind the other."""
    geometry = runs.geometry
    stamps = _Stamps()
    others = bytearray()
    for path, directory in tree.directories.items():
        entries = list(root) if not path else _dots(runs, path, directory, stamps[created])
        for name, what in directory.names.items():
            if isinstance(what, int):
                file = tree.files[what]
                cluster = runs.of_file[what] if file.size else 0
                entries.append(_encoded(_name(name), fields.ATTR_ARCHIVE, stamps[file.created], cluster, file.size))
            else:
                entries.append(
                    _encoded(_padded(name), fields.ATTR_DIRECTORY, stamps[created], runs.of_directory[what], 0)
                )
        data = b"".join(entries)
        if not path and geometry.size.width != 32:
            yield geometry.byte_of(geometry.data - geometry.root), data
        else:
            others += data.ljust(tree.clusters(path, geometry.cluster) * geometry.cluster, b"\0")
    if others:
        yield geometry.byte_of_cluster(2), bytes(others)


def _dots(runs: _Runs, path: _Path, directory: _Directory, stamp: tuple[int, int, int]) -> list[bytes]:
    """Return ``.`` and ``..``, with which every directory but the root begins; cluster 0 stands for any root."""
    above = runs.of_directory[directory.parent] if directory.parent else 0
    return [
        _encoded(b".".ljust(LABEL), fields.ATTR_DIRECTORY, stamp, runs.of_directory[path], 0),
        _encoded(b"..".ljust(LABEL), fields.ATTR_DIRECTORY, stamp, above, 0),
    ]


def _label_entry(label: str, created: datetime) -> bytes:
    return _encoded(_padded(label), fields.ATTR_VOLUME_ID, _Stamps()[created], 0, 0)


class _Stamps(dict[datetime, tuple[int, int, int]]):
    """Date, time and hundredths by moment; all files of a medium mostly share one."""

    def __missing__(self, moment: datetime) -> tuple[int, int, int]:
        if moment.utcoffset() is None:
            raise InternalError("A date of an image has no time zone.")
        stamp = self[moment] = (fields.fat_date(moment), fields.fat_time(moment), fields.fat_tenths(moment))
        return stamp


def _encoded(name: bytes, attributes: int, stamp: tuple[int, int, int], cluster: int, size: int) -> bytes:
    date, time, tenths = stamp
    try:
        return _entry(name, attributes, 0, tenths, time, date, date, cluster >> 16, time, date, cluster & 0xFFFF, size)
    except struct.error as exc:
        raise InternalError(f"A directory entry does not hold its numbers: {exc}.") from exc


def _name(name: str) -> bytes:
    """Encode a name of 8 and 3 characters, padded with spaces: PS3.12 A.1 asks for nulls, no FAT ever had them."""
    stem, _, extension = name.partition(".")
    return stem.ljust(8).encode("ascii") + extension.ljust(3).encode("ascii")


def _padded(text: str) -> bytes:
    return text.ljust(LABEL).encode("ascii")
