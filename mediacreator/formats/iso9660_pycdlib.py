"""The descriptors, path tables and directories of a CD image, as pycdlib records them.

What it leaves to chance is set here: it takes dates from the clock and orders file data by directory. In the record of
a parent it leaves the length that the parent had when it was new (ECMA-119 6.8.2.2); that is set as well.
"""

from __future__ import annotations

import gc
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from mediacreator.errors import InternalError
from mediacreator.formats.iso9660_values import APPLICATION_IDENTIFIER, SECTOR, record_date, volume_date
from mediacreator.formats.placing import PlacedFile

MAX_COMPONENTS = 7
"""Components of a path that pycdlib takes; PS3.10 8.2 and ECMA-119 6.8.2.1 allow 8."""

_MODIFIED = slice(16 * SECTOR + 830, 16 * SECTOR + 847)
"""Volume Modification Date and Time (ECMA-119 8.4.27): pycdlib takes it from the clock when it writes."""


def head_by_pycdlib(
    files: Sequence[PlacedFile], sectors: Sequence[int], size: int, *, volume_id: str, created: datetime
) -> bytes:
    """Return the first bytes of an image, up to file data.

    Args:
        files: Whose names are of level 1, each once, with ``MAX_COMPONENTS`` at most.
        sectors: Where the data of each lies.
        size: Of what is returned, in bytes.
        volume_id: The File-set ID.
        created: Of the volume and of directories; aware.

    Raises:
        InternalError: pycdlib lays out another number of sectors.

    Source: PS3.12 F.1.1, F.1.2.1, F.1.3, F.2.2.
    """
    import pycdlib

    iso: Any = pycdlib.PyCdlib()
    iso.new(interchange_level=1, sys_ident="", vol_ident=volume_id, app_ident_str=APPLICATION_IDENTIFIER)
    inodes = _add_files(iso, files)
    iso.force_consistency()
    total = size // SECTOR + sum(-(-file.size // SECTOR) for file in files)
    if iso.pvd.space_size != total:
        raise InternalError(f"pycdlib laid out {iso.pvd.space_size} sectors, {total} were computed.")
    _place(inodes, sectors)
    _complete(iso.pvd, inodes, files, created)
    iso.inodes = []  # it shall write no file data
    head = _Head(size)
    iso.write_fp(head)
    iso.close()
    head.data[_MODIFIED] = volume_date(created)
    del iso, inodes
    gc.collect()  # the records refer to one another: every process that copies would carry 2 KB for each file
    return bytes(head.data)


def _add_files(iso: Any, files: Sequence[PlacedFile]) -> list[Any]:
    """Give pycdlib the tree; return the inode of each file in the order given."""
    nothing = io.BytesIO()
    known: set[tuple[str, ...]] = {()}
    inodes: list[Any] = [None] * len(files)
    # In the order of names: pycdlib looks at all records behind the one that it inserts.
    for index in sorted(range(len(files)), key=lambda index: files[index].path):
        path = files[index].path
        if path[:-1] not in known:
            for depth in range(1, len(path)):
                if path[:depth] not in known:
                    known.add(path[:depth])
                    iso.add_directory("/" + "/".join(path[:depth]))
        name = f"{path[-1]};1" if "." in path[-1] else f"{path[-1]}.;1"
        iso.add_fp(nothing, files[index].size, "/" + "/".join((*path[:-1], name)))
        inodes[index] = iso.inodes[-1]
    return inodes


def _place(inodes: Sequence[Any], sectors: Sequence[int]) -> None:
    """Say where file data lies. Apart, since a record that a loop leaves in a name would keep all others."""
    for inode, sector in zip(inodes, sectors, strict=True):
        inode.set_extent_location(sector)
        for record, _ in inode.linked_records:
            record.set_data_location(sector, 0)


def _complete(pvd: Any, inodes: Sequence[Any], files: Sequence[PlacedFile], created: datetime) -> None:
    """Replace what pycdlib took from the clock, and what it forgot."""
    from pycdlib.dates import DirectoryRecordDate, VolumeDescriptorDate

    @lru_cache(maxsize=1024)
    def recorded(moment: datetime) -> Any:
        date = DirectoryRecordDate()
        date.parse(record_date(moment))
        return date

    for name in ("volume_creation_date", "volume_effective_date"):
        date = VolumeDescriptorDate()
        date.parse(volume_date(created))
        setattr(pvd, name, date)
    for record in _directory_records(pvd.root_directory_record()):
        record.date = recorded(created)
        if record.children:
            record.children[1].data_length = (record.parent or record).data_length
    for inode, file in zip(inodes, files, strict=True):
        for record, _ in inode.linked_records:
            record.date = recorded(file.created)


def _directory_records(root: Any) -> Iterator[Any]:
    pending = [root]
    while pending:
        directory = pending.pop()
        yield directory
        pending.extend(child for child in directory.children if child.isdir)


class _Head(io.RawIOBase):
    """Takes what pycdlib writes before the file data; its last write, which only sets the length, is left out."""

    mode = "wb"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.data = bytearray(size)
        self._position = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset if whence == 0 else len(self.data) + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        end = self._position + len(data)
        if end <= len(self.data):
            self.data[self._position : end] = data
        elif bytes(data) != b"\0":
            raise InternalError("pycdlib wrote beyond the descriptors and directories.")
        self._position = end
        return len(data)
