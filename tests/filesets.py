"""File-sets as trees of records with their files: made, read, changed and written with no code of the package.

Only the rows of the tables are the package's own: which keys a record has. A test changes a conformant File-set in one
place, with ``FileSet.of``, ``replaced`` and the like, and looks whether the check names that place and nothing else.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from pydicom import config, dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID

from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.tables import Key, record_types, sop_classes
from tests.dicomdirs import DIRECTORY_CLASS, element, file_meta

NEXT, IN_USE, LOWER = 0x00041400, 0x00041410, 0x00041420
_LEVELS = (("PATIENT", "PatientID"), ("STUDY", "StudyInstanceUID"), ("SERIES", "SeriesInstanceUID"))
_GROUPS = "SharedFunctionalGroupsSequence"


@dataclass
class Node:
    """A directory record: its elements but for the links, and the records below it."""

    record: Dataset
    below: list[Node] = field(default_factory=list)

    @property
    def type(self) -> str:
        return str(self.record.get("DirectoryRecordType", ""))

    @property
    def file_id(self) -> str:
        """File ID, its components joined with slashes; empty where there is none."""
        found = self.record.get("ReferencedFileID") or ()
        return found if isinstance(found, str) else "/".join(found)

    def walk(self) -> Iterator[Node]:
        yield self
        for node in self.below:
            yield from node.walk()


@dataclass
class FileSet:
    """A File-set in memory."""

    roots: list[Node]
    files: dict[str, bytes]  # by path with slashes; all but the DICOMDIR
    file_set_id: str = "TEST"
    file_set_uid: str = "2.25.311.100"
    flag: int = 0

    def nodes(self) -> list[Node]:
        """Return the records in the order in which they are written."""
        return [node for root in self.roots for node in root.walk()]

    def of(self, kind: str, number: int = 0) -> Node:
        """Return the n-th record of a type."""
        return [node for node in self.nodes() if node.type == kind][number]

    def location(self, node: Node) -> str:
        """Name a record as Findings do."""
        index = next(index for index, one in enumerate(self.nodes()) if one is node)
        return f"DICOMDIR record {index + 1}" + (f" ({node.file_id})" if node.file_id else "")

    def parent(self, node: Node) -> Node:
        return next(one for one in self.nodes() if any(below is node for below in one.below))

    def change(self, node: Node, how: Callable[[Dataset], object]) -> None:
        """Change the file of a record behind the DICOMDIR."""
        self.files[node.file_id] = edited(self.files[node.file_id], how)

    def write(self, folder: Path) -> Path:
        for name, data in {"DICOMDIR": encoded(self), **self.files}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder


def made(
    profile: ApplicationProfile, datasets: Iterable[Dataset], icon: Callable[[], Dataset] | None = None
) -> FileSet:
    """Return the File-set of some instances as a profile asks for it.

    Args:
        profile: Whose keys the records have.
        datasets: With their File Meta Information; in the order of the directory.
        icon: Makes the icon of each IMAGE record, which has none without.
    """
    file_set = FileSet([], {})
    levels: dict[tuple[str, ...], Node] = {}
    for number, dataset in enumerate(datasets, 1):
        entity, path = file_set.roots, ()  # type: list[Node], tuple[str, ...]
        kind = sop_classes()[dataset.SOPClassUID].record_type
        for level, keyword in () if record_types()[kind].at_root else _LEVELS:
            path = (*path, str(dataset.get(keyword)))
            if path not in levels:
                levels[path] = Node(_keys(level, profile.keys_for(level), dataset))
                entity.append(levels[path])
            entity = levels[path].below
        name = f"DICOM/F{number:05}"
        record = _keys(kind, profile.keys_for(kind), dataset)
        _reference(record, name, dataset)
        if icon is not None and kind == "IMAGE":
            record.IconImageSequence = Items([icon()])
        entity.append(Node(record))
        file_set.files[name] = saved(dataset)
    return file_set


def opened(folder: Path) -> FileSet:
    """Read a File-set with pydicom; offsets are those of a sound DICOMDIR."""
    directory = dcmread(folder / "DICOMDIR")
    by_offset = {item.seq_item_tell: item for item in directory.DirectoryRecordSequence}

    def entity(offset: int) -> list[Node]:
        nodes = []
        while offset:
            item = by_offset[offset]
            nodes.append(Node(item, entity(item.get(LOWER).value)))
            offset = item.get(NEXT).value
        return nodes

    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "DICOMDIR"
    }
    roots = entity(directory[0x00041200].value)
    return FileSet(roots, files, directory.FileSetID or "", str(directory.file_meta.MediaStorageSOPInstanceUID))


def encoded(file_set: FileSet) -> bytes:
    """Return the DICOMDIR (PS3.3 F.3)."""
    head = file_meta(DIRECTORY_CLASS, file_set.file_set_uid.encode())
    head += element(0x00041130, b"CS", file_set.file_set_id.encode())
    nodes = file_set.nodes()
    bodies = [_body(node.record) for node in nodes]
    position = len(head) + 12 + 12 + 10 + 12
    offsets = {}
    for node, body in zip(nodes, bodies, strict=True):
        offsets[id(node)] = position
        position += 8 + len(body)
    links = dict(_links(file_set.roots, offsets))
    items = b"".join(_item(node, body, links, offsets) for node, body in zip(nodes, bodies, strict=True))
    first, last = (offsets[id(file_set.roots[end])] if file_set.roots else 0 for end in (0, -1))
    return (
        head
        + element(0x00041200, b"UL", struct.pack("<I", first))
        + element(0x00041202, b"UL", struct.pack("<I", last))
        + element(0x00041212, b"US", struct.pack("<H", file_set.flag))
        + struct.pack("<HH2sHI", 4, 0x1220, b"SQ", 0, len(items))
        + items
    )


def saved(dataset: Dataset) -> bytes:
    """Return a Data Set as a DICOM file, however odd its values are."""
    buffer = io.BytesIO()
    with _Tolerant():
        dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def edited(data: bytes, how: Callable[[Dataset], object]) -> bytes:
    """Return a DICOM file with its Data Set changed."""
    with _Tolerant():
        dataset = dcmread(io.BytesIO(data))
        how(dataset)
    return saved(dataset)


def without_meta(data: bytes) -> bytes:
    """Return the Data Set of a DICOM file alone."""
    (length,) = struct.unpack_from("<I", data, 140)
    return data[144 + length :]


def removing(keyword: str) -> Callable[[Dataset], object]:
    return lambda dataset: delattr(dataset, keyword)


def setting(**values: object) -> Callable[[Dataset], object]:
    def change(dataset: Dataset) -> None:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)

    return change


def icon_of(rows: int, bits: int = 8, photometric: str = "MONOCHROME2", **others: object) -> Dataset:
    """Return an icon as PS3.3 F.7 describes it."""
    icon = Dataset()
    icon.SamplesPerPixel, icon.PhotometricInterpretation = 1, photometric
    icon.Rows = icon.Columns = rows
    icon.BitsAllocated = icon.BitsStored = bits
    icon.HighBit, icon.PixelRepresentation = bits - 1, 0
    if photometric == "PALETTE COLOR":
        for colour in ("Red", "Green", "Blue"):
            icon.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [256, 0, 8])
            icon.add_new(f"{colour}PaletteColorLookupTableData", "OW", bytes(range(256)))
    size = (rows * rows * bits + 7) // 8
    icon.add_new("PixelData", "OB" if bits <= 8 else "OW", bytes(size + size % 2))
    setting(**others)(icon)
    return icon


class _Tolerant:
    """Lets pydicom read and write values that it would refuse."""

    def __enter__(self) -> None:
        self._modes = config.settings.reading_validation_mode, config.settings.writing_validation_mode
        config.settings.reading_validation_mode = config.settings.writing_validation_mode = config.IGNORE

    def __exit__(self, *_: object) -> None:
        config.settings.reading_validation_mode, config.settings.writing_validation_mode = self._modes


def _body(record: Dataset) -> bytes:
    """Return a record whose links are 0; they stand in a fixed place."""
    # As they stand: reading every element of every record would take most of the time of a journey.
    links = Dataset({tag: record.get_item(tag) for tag in record.keys()})  # noqa: SIM118  a Dataset iterates over elements
    links.add_new(NEXT, "UL", 0)
    if IN_USE not in links:
        links.add_new(IN_USE, "US", 0xFFFF)
    links.add_new(LOWER, "UL", 0)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    with _Tolerant():
        write_dataset(buffer, links, "utf-8" if record.get("SpecificCharacterSet") == "ISO_IR 192" else "iso8859")
    return buffer.getvalue()


def _item(node: Node, body: bytes, links: dict[int, int], offsets: dict[int, int]) -> bytes:
    lower = offsets[id(node.below[0])] if node.below else 0
    # (0004,1400) UL, (0004,1410) US, (0004,1420) UL: 12, 10 and 12 bytes
    linked = element(NEXT, b"UL", struct.pack("<I", links[id(node)])) + body[12:22]
    linked += element(LOWER, b"UL", struct.pack("<I", lower)) + body[34:]
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(linked)) + linked


def _links(entity: list[Node], offsets: dict[int, int]) -> Iterator[tuple[int, int]]:
    for node, follower in zip_longest(entity, entity[1:]):
        yield id(node), offsets[id(follower)] if follower is not None else 0
        yield from _links(node.below, offsets)


def _keys(kind: str, keys: tuple[Key, ...], dataset: Dataset) -> Dataset:
    """Return a record with the keys that an instance has."""
    record = Dataset()
    record.DirectoryRecordType = kind
    for key in keys:
        if key.source in ("", "dataset_or_shared_groups"):
            found = dataset.get(key.tag) or (_of_groups(dataset, key) if key.source else None)
            if found is not None and not (key.type.endswith("C") and found.is_empty):
                record.add(deepcopy(found))
            elif key.type in ("1", "2"):
                record.add_new(key.tag, key.vr, None)
        if key.keep and key.keyword in record:
            kept = [item for item in record[key.tag].value if item.get("RelationshipType") == "HAS CONCEPT MOD"]
            record[key.tag].value = Items(kept)
    return record


def _of_groups(dataset: Dataset, key: Key) -> DataElement | None:
    """Find an attribute in Shared Functional Groups Sequence."""
    elements: Iterator[DataElement] = (one for item in dataset.get(_GROUPS) or () for one in item.iterall())
    return next((one for one in elements if one.tag == key.tag), None)


def _reference(record: Dataset, name: str, dataset: Dataset) -> None:
    meta = dataset.file_meta
    record.ReferencedFileID = name.split("/")
    record.ReferencedSOPClassUIDInFile = UID(meta.MediaStorageSOPClassUID)
    record.ReferencedSOPInstanceUIDInFile = UID(meta.MediaStorageSOPInstanceUID)
    record.ReferencedTransferSyntaxUIDInFile = UID(meta.TransferSyntaxUID)
