"""Lay out ISO 9660 level 1 images through pycdlib exactly as PS3.12 Annex F asks; the caller writes the file data.

pycdlib decides where everything lies and encodes descriptors, path tables and directories. What it leaves to chance is
set here: it takes dates from the clock and orders file data by directory, and it takes short reads for whole files.
"""

from __future__ import annotations

import gc
import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mediacreator.errors import InternalError, MediaTooSmall

SECTOR = 2048
"""Logical Sector and Logical Block in bytes (PS3.12 F.2.2, ECMA-119 6.1.2)."""

MAX_FILE = 2**32 - 1
"""Largest file of level 1 in bytes: one extent with a length of 32 bits (ECMA-119 9.1.4)."""

MAX_DIRECTORIES = 65_535
"""Directories of a volume, the root included: a path table counts them in 16 bits (ECMA-119 9.4.4)."""

APPLICATION_IDENTIFIER = "MEDIACREATOR"
"""Recorded in the PVD (ECMA-119 8.4.22): a-characters only, and no version, so that equal content gives equal bytes."""

_MODIFIED = slice(830, 847)  # PVD BP 831-847: Volume Modification Date and Time (ECMA-119 8.4.27)
_PVD = 16 * SECTOR
_FIXED_SECTORS = 19  # system area 16, PVD, terminator, and one that pycdlib leaves zero
_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@dataclass(frozen=True, slots=True)
class IsoFile:
    """A file to lay out. ``path`` is without ``.;1``; that is recorded as PS3.12 F.1.2.1 asks."""

    path: tuple[str, ...]
    size: int  # bytes
    created: datetime  # aware


@dataclass(frozen=True, slots=True)
class IsoLayout:
    """Where everything of an image lies."""

    size: int  # bytes, of the image
    head: bytes  # the image up to the first byte of file data
    offsets: tuple[int, ...]  # bytes, of each file, in the order given


def lay_out(files: Sequence[IsoFile], *, volume_id: str, created: datetime) -> IsoLayout:
    """Lay out an image: file data in the order given, extents ascending, nothing between them.

    Args:
        files: In the order of the medium.
        volume_id: The File-set ID; 0-16 characters A-Z, 0-9, _.
        created: Volume Creation, Modification and Effective Date and Time, and the date of directories; aware.

    Raises:
        MediaTooSmall: A file or the number of directories is beyond what ISO 9660 level 1 can record.
        InternalError: A name, path or Volume Identifier that cannot be recorded.

    Source: PS3.12 F.1.1 (Volume Identifier), F.1.2.1 (File ID mapping), F.1.3 (Recording Date), F.2.2 (descriptors).
    """
    total = image_size(files)
    _check_volume_id(volume_id)
    iso, inodes = _build(files, volume_id)
    iso.force_consistency()
    offsets = _order_extents(inodes, files, total)
    _set_dates(iso.pvd, inodes, files, created)
    if iso.pvd.space_size * SECTOR != total:
        raise InternalError(f"pycdlib laid out {iso.pvd.space_size} sectors, {total // SECTOR} were computed.")
    iso.inodes = []  # pycdlib writes no file data
    head = _Head(offsets[0] if offsets else total)
    iso.write_fp(head)
    iso.close()
    head.data[_PVD + _MODIFIED.start : _PVD + _MODIFIED.stop] = volume_date(created)
    del iso, inodes
    gc.collect()  # the records refer to one another: every process that copies would carry 2 KB for each file
    return IsoLayout(total, bytes(head.data), offsets)


def image_size(files: Sequence[IsoFile]) -> int:
    """Return the exact size of an image in bytes before it is laid out; checks what ISO 9660 level 1 can record.

    Raises:
        MediaTooSmall, InternalError: As ``lay_out``.
    """
    directories: dict[tuple[str, ...], list[str]] = {(): []}
    sectors = _FIXED_SECTORS
    for file in files:
        _check_file(file)
        _add_to_directory(directories, file.path)
        sectors += -(-file.size // SECTOR)
    if len(directories) > MAX_DIRECTORIES:
        raise MediaTooSmall(
            f"The File-set needs {len(directories)} directories, ISO 9660 records at most {MAX_DIRECTORIES} "
            "[ECMA-119 9.4.4]. Spread it over more media."
        )
    path_table = 0
    for path, names in directories.items():
        length = len(path[-1]) if path else 1
        path_table += 8 + length + length % 2  # ECMA-119 9.4
        sectors += _directory_sectors(names)
    sectors += 2 * (-(-path_table // (2 * SECTOR)) * 2)  # pycdlib gives each of two path tables whole pairs of sectors
    return sectors * SECTOR


def record_date(moment: datetime) -> bytes:
    """Encode Recording Date and Time in 7 bytes. Source: ECMA-119 9.1.5."""
    if not 1900 <= moment.year <= 2155:
        raise InternalError(f"The year {moment.year} cannot be recorded in ISO 9660.")
    fields = (moment.year - 1900, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return bytes(fields) + _zone(moment)


def volume_date(moment: datetime) -> bytes:
    """Encode a date and time of a volume descriptor in 17 bytes. Source: ECMA-119 8.4.26.1."""
    return moment.strftime("%Y%m%d%H%M%S").encode("ascii").rjust(14, b"0") + b"00" + _zone(moment)


def _zone(moment: datetime) -> bytes:
    """Encode the offset from Greenwich in quarters of an hour."""
    offset = moment.utcoffset()
    if offset is None:
        raise InternalError("A date of an image has no time zone.")
    return struct.pack("b", int(offset.total_seconds()) // 900)


def _check_volume_id(volume_id: str) -> None:
    if len(volume_id) > 16 or not _NAME_CHARACTERS.issuperset(volume_id):
        raise InternalError(f"{volume_id!r} is no File-set ID: 0 to 16 characters A-Z, 0-9 and _ (PS3.10 8.1).")


def _check_file(file: IsoFile) -> None:
    # pycdlib takes names that are not level 1 (IM1.;1;1, a second version) and 7 components at most.
    if not 1 <= len(file.path) <= 7:
        raise InternalError(f"{'/'.join(file.path)}: {len(file.path)} components, 1 to 7 can be written.")
    name, dot, extension = file.path[-1].partition(".")
    for part, length in (*((component, 8) for component in file.path[:-1]), (name, 8), (extension or "X", 3)):
        if not 1 <= len(part) <= length or not _NAME_CHARACTERS.issuperset(part):
            raise InternalError(f"{'/'.join(file.path)} is no path of ISO 9660 level 1 (ECMA-119 10.1).")
    if dot and not extension:
        raise InternalError(f"{'/'.join(file.path)} ends with a dot; that is added here.")
    if not 0 <= file.size <= MAX_FILE:
        raise MediaTooSmall(
            f"{'/'.join(file.path)} has {file.size} bytes, ISO 9660 level 1 records at most {MAX_FILE} "
            "[PS3.12 F.2.2, ECMA-119 10.1]. Write it to a folder."
        )


def _add_to_directory(directories: dict[tuple[str, ...], list[str]], path: tuple[str, ...]) -> None:
    """Note a file and the directories above it by their recorded names; all names in a directory differ."""
    parent = path[:-1]
    missing = []
    while parent not in directories:
        missing.append(parent)
        parent = parent[:-1]
    for directory in reversed(missing):
        directories[directory[:-1]].append(directory[-1])
        directories[directory] = []
    directories[path[:-1]].append(_recorded(path[-1]))


def _directory_sectors(names: list[str]) -> int:
    """Count the sectors of a directory; a record never crosses their border. Source: ECMA-119 6.8.1.1, 9.1."""
    names.sort()
    previous, sectors, used = "", 1, 2 * 34  # the records of itself and its parent
    for name in names:
        if name.removesuffix(".;1") == previous.removesuffix(".;1"):
            raise InternalError("Two files or directories of one name; pycdlib would join them into one file.")
        previous = name
        length = 33 + len(name) + (len(name) + 1) % 2
        if used + length > SECTOR:
            sectors, used = sectors + 1, 0
        used += length
    return sectors


def _recorded(name: str) -> str:
    """Return the file identifier as recorded: ``IM000001.;1``, ``README.TXT;1``. Source: PS3.12 F.1.2.1."""
    return f"{name};1" if "." in name else f"{name}.;1"


def _build(files: Sequence[IsoFile], volume_id: str) -> tuple[Any, list[Any]]:
    """Give pycdlib the tree; return it and the inode of each file in the order given."""
    import pycdlib

    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=1, sys_ident="", vol_ident=volume_id, app_ident_str=APPLICATION_IDENTIFIER)
    nothing = io.BytesIO()
    known: set[tuple[str, ...]] = {()}
    inodes: list[Any] = [None] * len(files)
    # In the order of names: pycdlib looks at all records behind the one that it inserts.
    for index in sorted(range(len(files)), key=lambda index: files[index].path):
        file = files[index]
        if file.path[:-1] not in known:
            for depth in range(1, len(file.path)):
                if file.path[:depth] not in known:
                    known.add(file.path[:depth])
                    iso.add_directory("/" + "/".join(file.path[:depth]))
        iso.add_fp(nothing, file.size, "/" + "/".join((*file.path[:-1], _recorded(file.path[-1]))))
        inodes[index] = iso.inodes[-1]
    return iso, inodes


def _order_extents(inodes: Sequence[Any], files: Sequence[IsoFile], total: int) -> tuple[int, ...]:
    """Give the files their extents in the order of the medium, so that a drive reads forward."""
    data = sum(-(-file.size // SECTOR) for file in files)
    sector = total // SECTOR - data
    offsets = []
    for inode, file in zip(inodes, files, strict=True):
        # An empty file has no extent; its location still has to lie inside the volume.
        location = sector if file.size else min(sector, total // SECTOR - 1)
        inode.set_extent_location(location)
        for record, _ in inode.linked_records:
            record.set_data_location(location, 0)
        offsets.append(sector * SECTOR)
        sector += -(-file.size // SECTOR)
    return tuple(offsets)


def _set_dates(pvd: Any, inodes: Sequence[Any], files: Sequence[IsoFile], created: datetime) -> None:
    """Replace what pycdlib took from the clock."""
    from pycdlib.dates import DirectoryRecordDate, VolumeDescriptorDate

    dates: dict[datetime, Any] = {}

    def recorded(moment: datetime) -> Any:
        if moment not in dates:
            dates[moment] = DirectoryRecordDate()
            dates[moment].parse(record_date(moment))
        return dates[moment]

    for name in ("volume_creation_date", "volume_effective_date"):
        date = VolumeDescriptorDate()
        date.parse(volume_date(created))
        setattr(pvd, name, date)
    for record in _directory_records(pvd.root_directory_record()):
        record.date = recorded(created)
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
