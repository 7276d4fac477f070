"""The same ISO 9660 image as pycdlib lays it out: the second witness of descriptors, path tables and directories.

What pycdlib leaves to chance is set here: it takes dates from the clock and orders file data by directory.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pycdlib
from pycdlib.dates import DirectoryRecordDate, VolumeDescriptorDate

from mediacreator.formats.iso9660_values import APPLICATION_IDENTIFIER, SECTOR, record_date, volume_date
from mediacreator.formats.placing import PlacedFile

_MODIFIED = slice(16 * SECTOR + 830, 16 * SECTOR + 847)  # PVD BP 831-847: it takes this one when it writes


def head_by_pycdlib(files: Sequence[PlacedFile], *, volume_id: str, created: datetime) -> bytes:
    """Return an image up to the first byte of file data; paths have 7 components at most."""
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=1, sys_ident="", vol_ident=volume_id, app_ident_str=APPLICATION_IDENTIFIER)
    inodes = _add_files(iso, files)
    iso.force_consistency()
    total = iso.pvd.space_size
    first = sector = total - sum(-(-file.size // SECTOR) for file in files)
    for inode, file in zip(inodes, files, strict=True):
        location = min(sector, total - 1)
        inode.set_extent_location(location)
        for record, _ in inode.linked_records:
            record.set_data_location(location, 0)
        sector += -(-file.size // SECTOR)
    _set_dates(iso.pvd, inodes, files, created)
    iso.inodes = []  # it shall write no file data
    image = io.BytesIO()
    iso.write_fp(image)
    iso.close()
    head = bytearray(image.getvalue()[: first * SECTOR])
    head[_MODIFIED] = volume_date(created)
    return bytes(head)


def _add_files(iso: Any, files: Sequence[PlacedFile]) -> list[Any]:
    """Return the inode of each file in the order given."""
    known: set[tuple[str, ...]] = {()}
    inodes: list[Any] = [None] * len(files)
    for index in sorted(range(len(files)), key=lambda index: files[index].path):
        path = files[index].path
        for depth in range(1, len(path)):
            if path[:depth] not in known:
                known.add(path[:depth])
                iso.add_directory("/" + "/".join(path[:depth]))
        name = f"{path[-1]};1" if "." in path[-1] else f"{path[-1]}.;1"
        iso.add_fp(io.BytesIO(), files[index].size, "/" + "/".join((*path[:-1], name)))
        inodes[index] = iso.inodes[-1]
    return inodes


def _set_dates(pvd: Any, inodes: Sequence[Any], files: Sequence[PlacedFile], created: datetime) -> None:
    for name in ("volume_creation_date", "volume_effective_date"):
        date = VolumeDescriptorDate()
        date.parse(volume_date(created))
        setattr(pvd, name, date)
    for record in _directory_records(pvd.root_directory_record()):
        record.date = _recorded(created)
    for inode, file in zip(inodes, files, strict=True):
        for record, _ in inode.linked_records:
            record.date = _recorded(file.created)


def _recorded(moment: datetime) -> Any:
    date = DirectoryRecordDate()
    date.parse(record_date(moment))
    return date


def _directory_records(root: Any) -> Iterator[Any]:
    pending = [root]
    while pending:
        directory = pending.pop()
        yield directory
        pending.extend(child for child in directory.children if child.isdir)
