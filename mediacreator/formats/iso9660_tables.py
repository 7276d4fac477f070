"""Encode the descriptors, path tables and directories of ISO 9660 at given places: alone, beside UDF, of a session.

A file of 4 GiB takes several extents, as level 3 has it; who writes a CD refuses it before (PS3.12 F.2.2, P.2.2).
Positions and clauses are those of ECMA-119; numbers that are recorded in both byte orders say so.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from mediacreator.errors import InternalError, MediaTooSmall
from mediacreator.formats.iso9660_values import (
    APPLICATION_IDENTIFIER,
    MAX_DIRECTORIES,
    SECTOR,
    both,
    record_date,
    volume_date,
)
from mediacreator.formats.placed_tree import Directory
from mediacreator.formats.placing import PlacedFile

_MAX_EXTENT = 2**32 - SECTOR  # bytes: 32 bits, and whole blocks where another extent follows (9.1.4, 6.5.1)
_LEVEL_1 = re.compile(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?")  # a name without dot is recorded with one (10.1)
_FOLDER, _MORE = 0x02, 0x80  # File Flags (9.1.6)

_PRIMARY: Final = struct.Struct("<B5sBx32s32s8x8s32x4s4s4s8sI4xI4x34s128s128s128s128s37s37s37s17s17s17s17sBx512s653x")
"""Primary Volume Descriptor, one letter group for each field of 8.4; ``8s`` and ``4s`` hold both byte orders."""


def is_level_1(path: Sequence[str]) -> bool:
    """Tell whether the components of a file's path are names of level 1, the last with or without an extension."""
    return all(map(_LEVEL_1.fullmatch, path)) and not any("." in folder for folder in path[:-1])


class IsoTables:
    """Where the path tables and directories of an image lie, in blocks counted from the first of them."""

    def __init__(self, files: Sequence[PlacedFile], tree: Sequence[Directory], *, table: int = 1) -> None:
        """Lay them out.

        Args:
            files: In the order of the medium.
            tree: Their directories.
            table: Blocks in whose multiples a path table is recorded.

        Raises:
            InternalError: A name is not of level 1.
            MediaTooSmall: There are more directories than a path table can number.
        """
        if len(tree) > MAX_DIRECTORIES:
            raise MediaTooSmall(
                f"The File-set needs {len(tree)} directories, ISO 9660 records at most {MAX_DIRECTORIES} "
                "[ECMA-119 9.4.4]. Spread it over more media."
            )
        self._files = files
        self._tree = tree
        self._order = _path_table_order(tree)
        self._children = [self._sorted(directory) for directory in tree]
        self._path_table_size = sum(len(_path_record(directory.path, 0, 0, "<")) for directory in tree)
        length = -(-self._path_table_size // (table * SECTOR)) * table
        self._tables = (0, length)  # L, then M
        block = 2 * length
        self._at = [0] * len(tree)
        self._blocks = [0] * len(tree)
        for number in self._order:
            self._at[number] = block
            self._blocks[number] = self._count(number)
            block += self._blocks[number]
        self.blocks = block

    def encode(
        self, start: int, data: Sequence[int], total: int, volume_id: str, created: datetime, session: int = 0
    ) -> Iterator[tuple[int, bytes]]:
        """Yield block and bytes of everything: two descriptors, tables and directories from ``start`` on.

        Args:
            start: Block of the first path table.
            data: Block of each file's data.
            total: Blocks of the volume.
            volume_id: File-set ID (PS3.12 F.1.1).
            created: Of the volume and the directories; aware.
            session: First block of the session, whose descriptors lie at its blocks 16 and 17.
        """
        date = record_date(created)
        yield session + 16, self._primary(start, total, volume_id, created, date)
        yield session + 17, b"\xffCD001\x01"  # Volume Descriptor Set Terminator (8.3)
        for order, table in zip("<>", self._tables, strict=True):
            yield start + table, self._path_table(start, order)
        dates: dict[datetime, bytes] = {}
        for number in self._order:
            yield start + self._at[number], self._directory(number, start, data, date, dates)

    def _sorted(self, directory: Directory) -> list[tuple[bytes, bool, int]]:
        """Return identifier, whether it is a directory, and number of each child, as 9.3 orders them."""
        names = [(self._tree[number].path[-1], True, number) for number in directory.folders]
        names += [(self._files[index].path[-1], False, index) for index in directory.files]
        for name, is_folder, _ in names:
            if not _LEVEL_1.fullmatch(name) or (is_folder and "." in name):
                raise InternalError(f"{name!r} is no name of ISO 9660 level 1 (ECMA-119 10.1).")
        names.sort(key=lambda child: _padded(child[0]))
        return [
            (name.encode() if is_folder else _recorded(name), is_folder, number) for name, is_folder, number in names
        ]

    def _count(self, number: int) -> int:
        """Count the blocks of a directory; a record never crosses their border. Source: 6.8.1.1."""
        blocks, used = 1, 2 * 34
        for identifier, is_folder, child in self._children[number]:
            length = 33 + len(identifier) + (len(identifier) + 1) % 2
            for _ in range(1 if is_folder else len(_parts(self._files[child].size))):
                if used + length > SECTOR:
                    blocks, used = blocks + 1, 0
                used += length
        return blocks

    def _directory(
        self, number: int, start: int, data: Sequence[int], date: bytes, dates: dict[datetime, bytes]
    ) -> bytes:
        parent = self._tree[number].parent
        encoded = bytearray(self._folder(b"\0", number, start, date) + self._folder(b"\1", parent, start, date))
        for identifier, is_folder, child in self._children[number]:
            if is_folder:
                records = [self._folder(identifier, child, start, date)]
            else:
                file = self._files[child]
                if file.created not in dates:
                    dates[file.created] = record_date(file.created)
                records = _file_records(identifier, file.size, data[child], dates[file.created])
            for record in records:
                left = -len(encoded) % SECTOR
                if left < len(record):
                    encoded += bytes(left)
                encoded += record
        return bytes(encoded)

    def _folder(self, identifier: bytes, number: int, start: int, date: bytes) -> bytes:
        return _record(identifier, start + self._at[number], self._blocks[number] * SECTOR, date, _FOLDER)

    def _path_table(self, start: int, order: str) -> bytes:
        """Encode a path table: L has little endian numbers, M big endian ones. Source: 6.9, 9.4."""
        numbers = {number: position for position, number in enumerate(self._order, 1)}
        records = []
        for number in self._order:
            directory = self._tree[number]
            records.append(_path_record(directory.path, start + self._at[number], numbers[directory.parent], order))
        return b"".join(records)

    def _primary(self, start: int, total: int, volume_id: str, created: datetime, date: bytes) -> bytes:
        """Encode the Primary Volume Descriptor. Source: 8.4; PS3.12 F.2.2, which PS3.12 P.2.2 does not contradict."""
        made, never = volume_date(created), b"0" * 16 + b"\0"
        low, high = (start + table for table in self._tables)
        return _PRIMARY.pack(
            1,
            b"CD001",
            1,
            b" " * 32,  # System Identifier (PS3.12 F.2.2.1)
            volume_id.encode().ljust(32),
            both(total, 4),
            *(both(number, 2) for number in (1, 1, SECTOR)),  # volumes, number of this one, block size
            both(self._path_table_size, 4),
            low,
            int.from_bytes(high.to_bytes(4, "big"), "little"),
            self._folder(b"\0", 0, start, date),
            b" " * 128,
            b" " * 128,
            b" " * 128,
            APPLICATION_IDENTIFIER.encode().ljust(128),
            b" " * 37,
            b" " * 37,
            b" " * 37,
            made,
            made,
            never,
            made,
            1,
            b" " * 512,
        )


def _path_table_order(tree: Sequence[Directory]) -> list[int]:
    """Number the directories by level, within it by the number of the parent, within that by name. Source: 6.9.1."""
    order, level = [0], [0]
    while level:
        level = [
            number
            for parent in level
            for number in sorted(tree[parent].folders, key=lambda number: tree[number].path[-1].ljust(8))
        ]
        order += level
    return order


def _path_record(path: tuple[str, ...], block: int, parent: int, order: str) -> bytes:
    """Encode a Path Table Record. Source: 9.4."""
    identifier = path[-1].encode() if path else b"\0"
    return struct.pack(f"{order}BBIH", len(identifier), 0, block, parent) + identifier + bytes(len(identifier) % 2)


def _file_records(identifier: bytes, size: int, block: int, date: bytes) -> list[bytes]:
    """Encode the Directory Records of a file, one for each extent. Source: 6.5.1, 9.1.6."""
    parts = _parts(size)
    records = []
    for number, part in enumerate(parts, 1):
        records.append(_record(identifier, block, part, date, _MORE if number < len(parts) else 0))
        block += part // SECTOR
    return records


def _parts(size: int) -> list[int]:
    return [min(_MAX_EXTENT, size - start) for start in range(0, size, _MAX_EXTENT)] or [0]


def _record(identifier: bytes, block: int, size: int, date: bytes, flags: int) -> bytes:
    """Encode a Directory Record. Source: 9.1; no Extended Attribute Record, and no other flags (PS3.12 F.1.3)."""
    length = 33 + len(identifier) + (len(identifier) + 1) % 2
    fixed = struct.pack(
        "<BB8s8s7sBBB4sB", length, 0, both(block, 4), both(size, 4), date, flags, 0, 0, both(1, 2), len(identifier)
    )
    return (fixed + identifier).ljust(length, b"\0")


def _recorded(name: str) -> bytes:
    """Return the file identifier as recorded: ``IM000001.;1``, ``README.TXT;1``. Source: PS3.12 F.1.2.1."""
    return (f"{name};1" if "." in name else f"{name}.;1").encode()


def _padded(name: str) -> tuple[str, str]:
    """Return name and extension as they are compared. Source: 9.3."""
    stem, _, extension = name.partition(".")
    return stem.ljust(8), extension.ljust(3)
