"""The descriptors of one UDF File Set: directories and File Entries, in blocks counted from the first of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from mediacreator.errors import MediaTooSmall
from mediacreator.formats.placed_tree import Directory
from mediacreator.formats.placing import PlacedFile
from mediacreator.formats.udf_descriptors import (
    DIRECTORY,
    EXTENDED_FILE_ENTRY,
    FILE_ENTRY,
    FILE_IDENTIFIER,
    FILE_SET,
    PARENT,
    TERMINATING,
    Value,
)
from mediacreator.formats.udf_values import (
    BLOCK,
    MAX_EXTENT,
    Revision,
    compressed,
    domain,
    long_ad,
    pieces,
    timestamp,
)

_FIRST_UNIQUE_ID = 16  # below are reserved, the root has 0 (UDF 3.2.1)
_FILE, _DIRECTORY, _METADATA, _MIRROR = 5, 4, 250, 251  # ICB file types (ECMA-167 4/14.6.6, UDF 2.2.13)
_SHORT, _LONG = 0, 1  # how allocation descriptors are recorded (ECMA-167 4/14.6.8)
_READ_WRITE_DELETE = 0x16  # of a file, for owner, group and other (ECMA-167 4/14.9.5; PS3.12 J.2.1, P.2.1, X.2.1)


class FileSetTables:
    """Where the File Entries and directories of a File Set lie, and their bytes.

    The File Set Descriptor is block 0, its terminator block 1. Then each directory: its File Entry and its content.
    Then the File Entry of each file.
    """

    def __init__(self, revision: Revision, files: Sequence[PlacedFile], tree: Sequence[Directory]) -> None:
        """Lay them out.

        Raises:
            MediaTooSmall: A file is too large for one File Entry.
        """
        self.files = files
        self.directories = tree
        self._revision = revision
        self._entry = EXTENDED_FILE_ENTRY if revision.extended_entries else FILE_ENTRY
        self._partition = 1 if revision.metadata else 0  # of these tables; file data lies in partition 0
        self._check_sizes()
        self._sizes = [self._directory_size(directory) for directory in tree]
        block = 2
        self._at: list[int] = []  # the File Entry of each directory
        for size in self._sizes:
            self._at.append(block)
            block += 1 + -(-size // BLOCK)
        self._files_at = block
        self.blocks = block + len(files)
        self.next_unique_id = _FIRST_UNIQUE_ID + len(tree) + len(files)

    def encode(self, data: int, logical: bytes, file_set: bytes, created: datetime) -> Iterator[tuple[int, bytes]]:
        """Yield block and bytes of each descriptor and directory.

        Args:
            data: Block of partition 0 where the data of the files begins.
            logical: Logical Volume Identifier, encoded.
            file_set: File Set Identifier, encoded.
            created: Of the File Set and the directories; aware.
        """
        version = self._revision.descriptor_version
        values: dict[str, Value] = {
            "recorded": timestamp(created),
            "logical_volume_identifier": logical,
            "file_set_identifier": file_set,
            "root": long_ad(BLOCK, self._at[0], self._partition),
            "domain": domain(self._revision),
        }
        yield 0, FILE_SET.encode(version, 0, values)
        yield 1, TERMINATING.encode(version, 1, {})
        for number in range(len(self.directories)):
            yield from self._directory(number, created)
        yield from self._file_entries(data)

    def _check_sizes(self) -> None:
        width = 16 if self._revision.metadata else 8
        largest = (BLOCK - self._entry.fixed_size) // width * MAX_EXTENT
        for file in self.files:
            if file.size > largest:
                raise MediaTooSmall(
                    f"{'/'.join(file.path)} has {file.size} bytes, at most {largest} can be written to UDF "
                    "[UDF 2.3.10]. Write it to a folder."
                )

    def _directory_size(self, directory: Directory) -> int:
        size = _identifier_size(b"")
        for number in directory.folders:
            size += _identifier_size(compressed(self.directories[number].path[-1]))
        for index in directory.files:
            size += _identifier_size(compressed(self.files[index].path[-1]))
        return size

    def _directory(self, number: int, created: datetime) -> Iterator[tuple[int, bytes]]:
        directory = self.directories[number]
        block, size = self._at[number], self._sizes[number]
        rights = self._revision.directory_rights
        values: dict[str, Value] = {
            "file_type": _DIRECTORY,
            "permissions": _everybody(rights),
            "links": 1 + len(directory.folders),  # its own name, and the parent of each directory in it
            "unique_id": self._directory_id(number),
        }
        extents = b"".join(_short(size, start) for size, start in pieces(size, block + 1))
        yield block, self._encoded(block, values, size, extents, _SHORT, timestamp(created))
        yield block + 1, b"".join(self._identifiers(directory, block + 1))

    def _identifiers(self, directory: Directory, block: int) -> Iterator[bytes]:
        """Yield the File Identifier Descriptors, that of the parent first. Source: ECMA-167 4/14.4, UDF 2.3.4."""
        parent = directory.parent
        yield (data := self._identifier(block, "", DIRECTORY | PARENT, self._at[parent], self._directory_id(parent)))
        position = len(data)
        for number in directory.folders:
            name = self.directories[number].path[-1]
            where = block + position // BLOCK
            yield (data := self._identifier(where, name, DIRECTORY, self._at[number], self._directory_id(number)))
            position += len(data)
        for index in directory.files:
            name = self.files[index].path[-1]
            where = block + position // BLOCK
            yield (data := self._identifier(where, name, 0, self._files_at + index, self._file_id(index)))
            position += len(data)

    def _identifier(self, block: int, name: str, characteristics: int, entry: int, unique_id: int) -> bytes:
        encoded = compressed(name)
        size = _identifier_size(encoded)
        # The unique ID of an entry stands here since UDF 2.00; before, the field is for implementations (UDF 2.3.4.3).
        shown = unique_id if self._revision.extended_entries else 0
        values: dict[str, Value] = {
            "characteristics": characteristics,
            "identifier_length": len(encoded),
            "entry": long_ad(BLOCK, entry, self._partition, shown),
        }
        tail = encoded.ljust(size - FILE_IDENTIFIER.fixed_size, b"\0")
        return FILE_IDENTIFIER.encode(self._revision.descriptor_version, block, values, tail)

    def _file_entries(self, data: int) -> Iterator[tuple[int, bytes]]:
        form = _LONG if self._revision.metadata else _SHORT
        dates: dict[datetime, bytes] = {}
        for index, file in enumerate(self.files):
            if file.created not in dates:
                dates[file.created] = timestamp(file.created)
            block = self._files_at + index
            values: dict[str, Value] = {
                "file_type": _FILE,
                "permissions": _everybody(_READ_WRITE_DELETE),
                "unique_id": self._file_id(index),
            }
            one = long_ad if form == _LONG else _short
            extents = b"".join(one(size, start, 0) for size, start in pieces(file.size, data))
            yield block, self._encoded(block, values, file.size, extents, form, dates[file.created])
            data += -(-file.size // BLOCK)

    def _encoded(
        self, block: int, values: dict[str, Value], size: int, extents: bytes, form: int, date: bytes
    ) -> bytes:
        return _entry(self._revision, block, values, size=size, extents=extents, form=form, date=date)

    def _directory_id(self, number: int) -> int:
        return number and _FIRST_UNIQUE_ID + number

    def _file_id(self, index: int) -> int:
        return _FIRST_UNIQUE_ID + len(self.directories) + index


def metadata_entry(
    revision: Revision, block: int, start: int, blocks: int, created: datetime, *, is_mirror: bool
) -> bytes:
    """Encode the File Entry of the Metadata File or its mirror. Source: UDF 2.2.13.

    Args:
        revision: One with a Metadata Partition.
        block: Of the partition, where it lies.
        start: Of the partition, where the Metadata File begins.
        blocks: Of the Metadata File.
        created: Aware.
        is_mirror: It is that of the Metadata Mirror File.
    """
    size = blocks * BLOCK
    extents = b"".join(_short(part, at) for part, at in pieces(size, start))
    values: dict[str, Value] = {"file_type": _MIRROR if is_mirror else _METADATA, "permissions": 0}
    return _entry(revision, block, values, size=size, extents=extents, form=_SHORT, date=timestamp(created))


def _entry(
    revision: Revision, block: int, values: dict[str, Value], *, size: int, extents: bytes, form: int, date: bytes
) -> bytes:
    """Encode a File Entry, an extended one where the revision has them. Source: ECMA-167 4/14.9, 4/14.17."""
    kind = EXTENDED_FILE_ENTRY if revision.extended_entries else FILE_ENTRY
    values |= {
        "flags": form,
        "size": size,
        "object_size": size,  # without named streams, that is the same
        "blocks": -(-size // BLOCK),
        "accessed": date,
        "modified": date,
        "created": date,
        "attributes_changed": date,
        "allocation_length": len(extents),
    }
    return kind.encode(revision.descriptor_version, block, values, extents)


def _short(size: int, block: int, _partition: int = 0) -> bytes:
    """Encode an extent of the partition that holds the File Entry. Source: ECMA-167 4/14.14.1."""
    return size.to_bytes(4, "little") + block.to_bytes(4, "little")


def _identifier_size(identifier: bytes) -> int:
    """Return the bytes of a File Identifier Descriptor: a multiple of 4. Source: ECMA-167 4/14.4.9."""
    return -(-(FILE_IDENTIFIER.fixed_size + len(identifier)) // 4) * 4


def _everybody(rights: int) -> int:
    """Give owner, group and other the same rights. Source: ECMA-167 4/14.9.5."""
    return rights | rights << 5 | rights << 10
