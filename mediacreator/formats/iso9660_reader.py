"""Read ISO 9660 images, ours and others', without trusting them; shares no code with what writes them.

Positions are those of ECMA-119 (BP: byte position from 1). Numbers are recorded little endian, then big endian.
"""

from __future__ import annotations

import calendar
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mediacreator.formats.image_tree import ImageTree, Refused
from mediacreator.formats.iso9660_volume import SECTOR, Findings, VolumeChooser, VolumeDescriptor
from mediacreator.formats.tree import MAX_DEPTH, Extent, TreeFile, plain_component
from mediacreator.model import Container, Severity

_MAX_FILES = 1_000_000
_MAX_DIRECTORIES = 128 << 20  # bytes of all directories together
_STANDARD_LEVELS = 8  # PS3.12 F.1.2.1, root included
_FLAG_DIRECTORY, _FLAG_ASSOCIATED, _FLAG_MULTI_EXTENT = 0x02, 0x04, 0x80  # ECMA-119 9.1.6

# BP 1: length, EAR length, extent (both orders), size (both orders), date, flags, unit size, gap, volume (both), name
_RECORD = struct.Struct("<BBI4sI4s7sBBB4xB")


@dataclass(frozen=True, slots=True)
class _Record:
    """A Directory Record."""

    position: int  # bytes from the start of the image
    name: bytes
    extent: Extent
    block: int
    flags: int
    date: bytes
    interleaved: bool
    ear: int  # Logical Blocks of its Extended Attribute Record


@dataclass(frozen=True, slots=True)
class IsoRecord:
    """A file or directory as it is recorded. The names may be those of a patient."""

    position: int  # bytes from the start of the image
    path: tuple[str, ...]  # as ``TreeFile.path``
    identifier: str  # as recorded, with dot and version
    is_directory: bool
    ear: int  # Logical Blocks of its Extended Attribute Record
    flags: int  # ECMA-119 9.1.6
    extents: int


class IsoTree(ImageTree):
    """An ISO 9660 image as a ``FileTree``: everything is read once, when first asked for.

    Hostile images end in Findings, never in a loop: a directory is read once, all directories together are no longer
    than the image, and no extent leads outside it.
    """

    container = Container.ISO

    volume: VolumeDescriptor

    def __init__(self, path: str, session: int | None = None) -> None:
        """Open it.

        Args:
            path: Of the image or drive.
            session: First sector of the session to read; None: the last one.

        Raises:
            SourceUnreadable: It cannot be read, or holds no ISO 9660 volume.
        """
        self._session = session
        super().__init__(path)

    @property
    def label(self) -> str:
        """Volume Identifier without trailing spaces."""
        return self.volume.volume_identifier

    def records(self) -> Iterator[IsoRecord]:
        """Yield every file and directory as recorded: what is to be judged; what is wrong is said by ``files``."""
        return _Walk(self._handle, self.size, self.volume, Findings(), []).records()

    def _find_volume(self) -> None:
        self.volume = VolumeChooser(self._handle, self.size, self._reported, self._session).choose()

    def _walk(self, refused: Refused) -> Iterator[TreeFile]:
        return _Walk(self._handle, self.size, self.volume, self._reported, refused).files()


class _Walk:
    """Reads the directories of one volume; what it notices goes into ``findings`` and ``refused``."""

    def __init__(self, handle: int, size: int, volume: VolumeDescriptor, findings: Findings, refused: Refused) -> None:
        self._handle = handle
        self._size = size
        self._volume = volume
        self._report = findings.report
        self._refused = refused
        self._dates: dict[bytes, int] = {}

    def files(self) -> Iterator[TreeFile]:
        """Yield the files of the volume, directory by directory."""
        for path, record in self._found():
            file = None if record[0].flags & _FLAG_DIRECTORY else self._file(path, record)
            if file is not None:
                yield file

    def records(self) -> Iterator[IsoRecord]:
        """Yield files and directories as recorded."""
        for path, (first, *more) in self._found():
            name, is_directory = self._decode(first.name), bool(first.flags & _FLAG_DIRECTORY)
            own = name if is_directory else plain_component(name)
            yield IsoRecord(first.position, (*path, own), name, is_directory, first.ear, first.flags, len(more) + 1)

    def _found(self) -> Iterator[tuple[tuple[str, ...], tuple[_Record, ...]]]:
        """Yield each file and directory with the path of the directory that it lies in."""
        volume = self._volume
        budget = min(self._size, _MAX_DIRECTORIES)  # directories never overlap: together they fit the image
        visited = set()
        count = 0
        pending: list[tuple[tuple[str, ...], int, int, int]] = [
            ((), volume.root_extent * volume.block_size, volume.root_size, volume.offset + 156)
        ]
        while pending:
            path, offset, size, named_at = pending.pop()
            if not self._may_enter(path, offset, size, named_at, offset in visited or size > budget):
                continue
            visited.add(offset)
            budget -= size
            folders = []
            for record in self._merged(offset, size):
                yield path, record
                if record[0].flags & _FLAG_DIRECTORY:
                    name = self._decode(record[0].name)
                    folders.append(((*path, name), record[0].extent.offset, record[0].extent.size, record[0].position))
                    continue
                count += 1
                if count >= _MAX_FILES:
                    self._report(
                        "iso-too-many", offset, f"over {_MAX_FILES} files", "fewer", "", "The rest is not read."
                    )
                    return
            pending.extend(reversed(folders))

    def _may_enter(self, path: tuple[str, ...], offset: int, size: int, named_at: int, again: bool) -> bool:
        levels = len(path) + 1
        if again:
            self._report(
                "iso-directory-loop",
                named_at,
                "a directory that is met twice",
                "each directory once",
                "ECMA-119 6.8.2",
                "It was read once; ask for a new medium.",
            )
            return False
        if offset + size > self._size or levels > MAX_DEPTH:
            where = "outside the image" if levels <= MAX_DEPTH else f"at level {levels}"
            self._report(
                "iso-directory-refused",
                named_at,
                f"a directory {where}",
                "directories inside the image, at most 8 levels deep",
                "ECMA-119 6.8.2.1",
                "Its files were not read; copy the medium again.",
            )
            return False
        if levels == _STANDARD_LEVELS + 1:
            self._report(
                "iso-too-deep",
                named_at,
                f"directories {levels} levels deep",
                "at most 8, the root included",
                "PS3.12 F.1.2.1",
                "It was read; other readers may not see it.",
                Severity.WARNING,
            )
        return True

    def _merged(self, offset: int, size: int) -> Iterator[tuple[_Record, ...]]:
        """Yield the records of a directory, those of one file of several extents together (ECMA-119 6.5.1)."""
        parts: list[_Record] = []
        for record in self._records(offset, size):
            if record.name in (b"\x00", b"\x01") or record.flags & _FLAG_ASSOCIATED:
                continue
            if parts and parts[0].name != record.name:
                yield self._unfinished(parts)
                parts = []
            parts.append(record)
            if not record.flags & _FLAG_MULTI_EXTENT:
                yield tuple(parts)
                parts = []
        if parts:
            yield self._unfinished(parts)

    def _unfinished(self, parts: list[_Record]) -> tuple[_Record, ...]:
        self._report(
            "iso-extent-missing",
            parts[0].position,
            "a file of several extents without a last one",
            "a record without the Multi-Extent flag",
            "ECMA-119 9.1.6",
            "The file is incomplete; ask for a new medium.",
        )
        return tuple(parts)

    def _records(self, offset: int, size: int) -> Iterator[_Record]:
        data = os.pread(self._handle, size, offset)
        position = 0
        while position < len(data):
            length = data[position]
            sector_end = min((position // SECTOR + 1) * SECTOR, len(data))
            if length == 0:  # the rest of a sector is unused (ECMA-119 6.8.1.1)
                position = sector_end
                continue
            record = None
            if length >= 34 and position + length <= sector_end:
                record = self._record(data[position : position + length], offset + position)
            if record is None:
                self._report(
                    "iso-bad-record",
                    offset + position,
                    f"a Directory Record of {length} bytes that does not hold together",
                    "34 bytes or more inside one sector",
                    "ECMA-119 9.1",
                    "The rest of the sector was not read; ask for a new medium.",
                )
                position = sector_end
                continue
            yield record
            position += length

    def _record(self, data: bytes, position: int) -> _Record | None:
        _, ear, block, block_be, size, size_be, date, flags, unit, gap, name_length = _RECORD.unpack_from(data)
        if not name_length or 33 + name_length > len(data):
            return None
        if block.to_bytes(4, "big") != block_be or size.to_bytes(4, "big") != size_be:
            self._report(
                "iso-byte-orders-differ",
                position,
                "an extent whose little and big endian numbers differ",
                "the same number twice",
                "ECMA-119 7.3.3",
                "The little endian one is used; other readers may use the other.",
                Severity.WARNING,
            )
        extent = Extent((block + ear) * self._volume.block_size, size)
        return _Record(position, data[33 : 33 + name_length], extent, block, flags, date, bool(unit or gap), ear)

    def _file(self, path: tuple[str, ...], parts: tuple[_Record, ...]) -> TreeFile | None:
        name = self._decode(parts[0].name)
        file = TreeFile(
            (*path, plain_component(name)),
            name,
            sum(part.extent.size for part in parts),
            self._mtime(parts[0].date),
            tuple(part.extent for part in parts),
        )
        for part in parts:
            end = part.extent.offset + part.extent.size
            if part.interleaved or (part.extent.size and end > self._size):
                finding = self._report(
                    "iso-extent-refused",
                    part.position,
                    f"the extent of a file {'is interleaved' if part.interleaved else f'ends at byte {end}'}",
                    f"one that is contiguous and ends by byte {self._size}",
                    "ECMA-119 6.4",
                    "The file was not read; copy the medium again.",
                )
                self._refused.append((file, finding))
                return None
        return file

    def _mtime(self, date: bytes) -> int:
        """Convert Recording Date and Time; 0 when it is not a date. Source: ECMA-119 9.1.5."""
        found = self._dates.get(date)
        if found is None:
            year, month, day, hour, minute, second = date[:6]
            offset = int.from_bytes(date[6:7], "little", signed=True)
            found = 0
            if 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60:
                seconds = calendar.timegm((year + 1900, month, day, hour, minute, second))
                found = (seconds - offset * 900) * 1_000_000_000
            self._dates[date] = found
        return found

    def _decode(self, name: bytes) -> str:
        return name.decode("utf-16-be" if self._volume.joliet else "latin-1", "replace")
