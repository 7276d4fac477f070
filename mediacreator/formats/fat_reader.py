"""Read FAT12, FAT16 and FAT32 volumes, ours and others', without trusting them; shares no code with the writer."""

from __future__ import annotations

import calendar
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mediacreator.formats.fat_chains import BrokenChain, Chains
from mediacreator.formats.fat_names import Entry, entries
from mediacreator.formats.fat_volume import FatVolume, find_volume
from mediacreator.formats.image_tree import ImageTree, Refused
from mediacreator.formats.iso9660_volume import Findings
from mediacreator.formats.tree import MAX_DEPTH, Extent, TreeFile, tolerant_key
from mediacreator.model import Container

_MAX_FILES = 1_000_000
_MAX_DIRECTORIES = 128 << 20  # bytes of all directories together
_MAX_DIRECTORY = 2 << 20  # bytes (FAT specification, Other Notes Relating to FAT Directories)

_Path = tuple[str, ...]


class FatTree(ImageTree):
    """A FAT image or drive as a ``FileTree``: all directories are read once, when first asked for.

    Hostile images end in Findings, never in a loop: no cluster belongs to two chains, so nothing is longer than the
    image. Names are as systems show them: the long one where there is one; ``find`` knows the short one as well.
    """

    container = Container.FAT
    volume: FatVolume

    @property
    def label(self) -> str:
        """Volume label: that of the root directory, else that of the boot sector; ``""`` where there is none."""
        self._scan()
        label = self.volume.label if self._root_label is None else self._root_label
        return "" if label == "NO NAME" else label

    def find(self, components: Sequence[str]) -> TreeFile | None:
        """Find a file; see ``FileTree.find``. By its short name as well, where it has a longer one."""
        return super().find(components) or self._short.get(tolerant_key(components))

    def records(self) -> Iterator[FatRecord]:
        """Yield every file as recorded: what is to be judged, and not only read; what is wrong is said by ``files``."""
        return _Walk(self._handle, self.size, self.volume, Findings(), []).records()

    def _find_volume(self) -> None:
        self._root_label: str | None = None
        self._short: Mapping[_Path, TreeFile] = {}
        self.volume = find_volume(self._handle, self.size, self._reported)

    def _walk(self, refused: Refused) -> Iterator[TreeFile]:
        walk = _Walk(self._handle, self.size, self.volume, self._reported, refused)
        yield from walk.files()
        self._root_label, self._short = walk.label, walk.short


@dataclass(frozen=True, slots=True)
class FatRecord:
    """A file as its directory records it. The names may be those of a patient."""

    path: _Path  # as systems show it
    short: _Path  # 8 and 3 characters each
    attributes: int  # DIR_Attr
    position: int  # bytes from the start of the image


class _Walk:
    """Reads the directories of one volume; what it notices goes into ``findings``."""

    def __init__(self, handle: int, size: int, volume: FatVolume, findings: Findings, refused: Refused) -> None:
        self._handle = handle
        self._size = size
        self._volume = volume
        self._report = findings.report
        self._chains = Chains(handle, volume, size)
        self._left = _MAX_DIRECTORIES
        self._refused = refused
        self.label: str | None = None
        self.short: dict[_Path, TreeFile] = {}  # by tolerant key; only files that show another name

    def files(self) -> Iterator[TreeFile]:
        """Yield the files of the volume, directory by directory.

        All directories come before the first file: one whose chain is damaged must not take the place of many.
        """
        for path, short, found in self._found():
            file = self._file((*path, found.name), found)
            if file is None:
                continue
            key = tolerant_key((*short, found.short))
            if tolerant_key(file.path) != key:
                self.short.setdefault(key, file)
            yield file

    def records(self) -> Iterator[FatRecord]:
        """Yield the files as recorded."""
        for path, short, found in self._found():
            yield FatRecord((*path, found.name), (*short, found.short), found.attributes, found.position)

    def _found(self) -> list[tuple[_Path, _Path, Entry]]:
        """Return every file with the names and the short names of the directories above it."""
        files: list[tuple[_Path, _Path, Entry]] = []
        pending: list[tuple[_Path, _Path, Entry | None]] = [((), (), None)]
        while pending:
            path, short, entry = pending.pop()
            folders = []
            for found in self._entries(path, entry):
                if found.is_label:
                    self.label = found.short if not path and self.label is None else self.label
                elif found.is_directory:
                    folders.append(((*path, found.name), (*short, found.short), found))
                elif len(files) < _MAX_FILES:
                    files.append((path, short, found))
                else:
                    what = f"over {_MAX_FILES} files"
                    self._report("fat-too-many", found.position, what, "fewer", "", "The rest is not read.")
                    return files
            pending.extend(reversed(folders))
        return files

    def _entries(self, path: _Path, entry: Entry | None) -> Iterator[Entry]:
        """Yield what a directory holds; nothing if it cannot be read."""
        if len(path) >= MAX_DEPTH:
            self._refuse_directory(entry, f"at level {len(path) + 1}")
            return
        try:
            extents = self._directory(entry)
        except BrokenChain as exc:
            self._refuse_directory(entry, f"whose chain {exc}")
            return
        size = sum(extent.size for extent in extents)
        if size > self._left:
            self._refuse_directory(entry, "beyond the 128 MiB that are read of all of them")
            return
        self._left -= size
        data = b"".join(os.pread(self._handle, extent.size, extent.offset) for extent in extents)
        yield from entries(data, _positions(extents))

    def _directory(self, entry: Entry | None) -> tuple[Extent, ...]:
        volume = self._volume
        if entry is None and volume.width != 32:
            if volume.root + volume.root_size > self._size:
                raise BrokenChain("is not in the image")
            return (Extent(volume.root, volume.root_size),)
        first = volume.root_cluster if entry is None else self._first(entry)
        return self._chains.extents(first, None, _MAX_DIRECTORY)

    def _first(self, entry: Entry) -> int:
        """Return the first cluster; only FAT32 has the upper half of its number (DIR_FstClusHI)."""
        return entry.cluster if self._volume.width == 32 else entry.cluster & 0xFFFF

    def _refuse_directory(self, entry: Entry | None, why: str) -> None:
        self._report(
            "fat-directory-refused",
            entry.position if entry else self._volume.offset,
            f"a directory {why}",
            "directories inside the image, each with clusters of its own",
            "FAT specification, FAT Data Structure",
            "Its files were not read; copy the medium again.",
        )

    def _file(self, path: _Path, entry: Entry) -> TreeFile | None:
        mtime = _mtime(entry.date, entry.time)
        if not entry.size:
            return TreeFile(path, entry.name, 0, mtime)
        try:
            extents = self._chains.extents(self._first(entry), entry.size, entry.size)
        except BrokenChain as exc:
            file = TreeFile(path, entry.name, entry.size, mtime)
            finding = self._report(
                "fat-chain-refused",
                entry.position,
                f"the chain of a file {exc}",
                "clusters inside the image that belong to it alone",
                "FAT specification, FAT Data Structure",
                "The file was not read; copy the medium again.",
            )
            self._refused.append((file, finding))
            return None
        return TreeFile(path, entry.name, entry.size, mtime, extents)


def _positions(extents: Sequence[Extent]) -> Iterator[int]:
    """Yield where each entry of a directory lies."""
    for extent in extents:
        yield from range(extent.offset, extent.offset + extent.size, 32)


def _mtime(date: int, time: int) -> int:
    """Convert a date and time, taken as UTC since FAT has no time zone; 0 when it is not one."""
    year, month, day = 1980 + (date >> 9), date >> 5 & 15, date & 31
    hour, minute, second = time >> 11, time >> 5 & 63, (time & 31) * 2
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return 0
    return calendar.timegm((year, month, day, hour, minute, second)) * 1_000_000_000
