"""The independent reader: what it reads, and that no hostile image hangs it or leads it outside. ECMA-167, UDF."""

from __future__ import annotations

import struct
from collections.abc import Callable
from copy import copy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.errors import SourceUnreadable
from mediacreator.formats.tree import Extent
from mediacreator.formats.udf_partitions import (
    MetadataPartition,
    PhysicalPartition,
    SparablePartition,
    VirtualPartition,
)
from mediacreator.formats.udf_reader import UdfTree
from mediacreator.formats.udf_volume import NotUDF, is_udf
from tests.discs import CREATED, codes
from tests.udf import BLOCK, REVISIONS, Raw, udf_image

TREE = {"DICOMDIR": b"d" * 5000, "DICOM/A/IM1": b"1" * 2048, "DICOM/IM2": b"2", "README.TXT": b"", "Z": b"z" * 2049}
MANY = {f"IM{number:06}": b"%d" % number for number in range(100)}
FILE, DIRECTORY, LINK = 5, 4, 12


def read(path: str) -> tuple[dict[str, bytes], list[str]]:
    with UdfTree(path) as tree:
        return {file.name: tree.open(file.path).read() for file in tree.files()}, codes(tree.findings)


@pytest.fixture
def raw() -> Raw:
    return Raw(TREE)


@pytest.mark.parametrize("revision", REVISIONS)
def test_names_sizes_dates_and_label_are_read(tmp_path: Path, revision: str) -> None:
    with UdfTree(str(udf_image(tmp_path, TREE, revision))) as tree:
        files = list(tree.files())
        assert tree.label == "FILESET_1"
        assert tree.volume.revision == int(revision.replace(".", ""), 16)
        assert [file.name for file in files] == ["DICOMDIR", "README.TXT", "Z", "DICOM/IM2", "DICOM/A/IM1"]
        assert {file.name: tree.open(file.path).read() for file in files} == TREE
        assert {file.mtime_ns for file in files} == {int(CREATED.timestamp()) * 10**9}
        assert all(len(file.extents) == bool(file.size) for file in files)
        assert tree.findings == ()
        assert tree.find(("dicomdir",)) == files[0]


def test_label_is_empty_where_there_is_no_file_set_id(tmp_path: Path) -> None:
    with UdfTree(str(udf_image(tmp_path, TREE, volume_id=""))) as tree:
        assert tree.label == ""


def test_one_anchor_is_enough(tmp_path: Path, raw: Raw) -> None:
    raw.data[256 * BLOCK : 257 * BLOCK] = bytes(BLOCK)
    assert read(raw.write(tmp_path)) == (TREE, [])
    raw.data[-BLOCK:] = bytes(BLOCK)
    with pytest.raises(NotUDF):
        UdfTree(raw.write(tmp_path))


def test_reserve_sequence_replaces_a_damaged_one(tmp_path: Path, raw: Raw) -> None:
    """ECMA-167 3/8.4.2; a damaged Logical Volume Descriptor is no descriptor."""
    raw.data[35 * BLOCK + 100] ^= 1
    assert read(raw.write(tmp_path)) == (TREE, ["udf-reserve-used"])


@pytest.mark.parametrize("revision", ["2.50", "2.60"])
def test_mirror_replaces_a_lost_metadata_file(tmp_path: Path, revision: str) -> None:
    """UDF 2.2.13."""
    raw = Raw(TREE, revision)
    position = raw.entries(250)[0]
    raw.data[position : position + 16] = bytes(16)
    assert read(raw.write(tmp_path)) == (TREE, ["udf-mirror-used"])


def test_volume_that_was_not_closed_is_told(tmp_path: Path, raw: Raw) -> None:
    raw.put(64 * BLOCK, "<I", 0, at=28)
    assert read(raw.write(tmp_path)) == (TREE, ["udf-not-closed"])


def test_truncated_image_is_told_and_its_files_are_lost(tmp_path: Path, raw: Raw) -> None:
    end = len(raw.data) - 32 * BLOCK
    raw.data[end - 14 * BLOCK :] = b""
    with UdfTree(raw.write(tmp_path)) as tree:
        assert codes(tree.findings) == ["udf-truncated", *["udf-extent-refused"] * len(tree.lost)]
        assert tree.lost
        assert {file.name for file in (*tree.files(), *tree.lost)} == set(TREE)


def test_directory_loop_is_read_once(tmp_path: Path, raw: Raw) -> None:
    """The directory DICOM is made to lead to the root, and then to itself."""
    root = raw.entries(DIRECTORY)[0] // BLOCK - raw.partition
    folder = raw.identifiers()[1]
    raw.put(folder, "<I", root, at=24)
    found, told = read(raw.write(tmp_path))
    assert set(found) == {"DICOMDIR", "README.TXT", "Z"}
    assert told == ["udf-directory-loop"]


@pytest.mark.parametrize("block", [0, 4000, 0xFFFFFFFF])
def test_entry_that_is_none_is_refused(tmp_path: Path, raw: Raw, block: int) -> None:
    identifiers = raw.identifiers()
    raw.put(identifiers[1], "<I", block, at=24)  # DICOM
    raw.put(identifiers[2], "<I", block, at=24)  # DICOMDIR
    with UdfTree(raw.write(tmp_path)) as tree:
        assert [file.name for file in tree.files()] == ["README.TXT", "Z"]
        assert codes(tree.findings) == ["udf-extent-refused"] * 2
        assert {file.name for file in tree.lost} == {"DICOM", "DICOMDIR"}


@pytest.mark.parametrize(
    ("form", "extents"),
    [
        (0, struct.pack("<II", 5000, 100_000)),  # outside the partition
        (0, struct.pack("<II", 4000, 50)),  # fewer bytes than the file has
        (0, struct.pack("<II", 5000 | 1 << 30, 50)),  # allocated, not recorded
        (0, struct.pack("<II", 8 | 3 << 30, 100_000)),  # more descriptors outside
        (1, struct.pack("<IIH6x", 5000, 50, 7)),  # a partition that is not there
        (3, b"shorter than the file"),
        (5, bytes(16)),  # no such form
    ],
)
def test_file_whose_bytes_are_not_there_is_refused(tmp_path: Path, raw: Raw, form: int, extents: bytes) -> None:
    raw.extents(raw.entries(FILE)[0], form, extents)  # DICOMDIR comes first: files lie in the order given
    with UdfTree(raw.write(tmp_path)) as tree:
        assert {file.name for file in tree.files()} == set(TREE) - {"DICOMDIR"}
        assert [file.name for file in tree.lost] == ["DICOMDIR"]
        assert codes(tree.findings) == ["udf-extent-refused"]


def test_every_form_of_allocation_descriptors_is_read(tmp_path: Path, raw: Raw) -> None:
    """ECMA-167 4/14.14: long, extended, inside the entry, and continued in an Allocation Extent Descriptor (4/14.5)."""
    first, second, third, _, last = raw.entries(FILE)
    start = struct.unpack_from("<I", raw.data, first + 180)[0]
    raw.extents(first, 1, struct.pack("<IIH6xIIH6x", 4096, start, 0, 904, start + 2, 0))
    raw.extents(second, 2, struct.pack("<IIIIH2x", 2048, 2048, 2048, start + 3, 0))
    raw.extents(third, 3, b"2")
    more = raw.partition * BLOCK + (start + 10) * BLOCK
    block = struct.unpack_from("<I", raw.data, last + 180)[0]
    raw.data[more : more + BLOCK] = bytes(BLOCK)
    raw.data[more : more + 32] = struct.pack("<HHBBHHHIIIII", 258, 2, 0, 0, 0, 0, 16, start + 10, 0, 8, 1, block + 1)
    raw.seal(more)
    raw.extents(last, 0, struct.pack("<IIII", 2048, block, BLOCK | 3 << 30, start + 10))
    with UdfTree(raw.write(tmp_path)) as tree:
        assert {file.name: tree.open(file.path).read() for file in tree.files()} == TREE
        assert codes(tree.findings) == []


def test_descriptors_that_lead_to_one_another_end(tmp_path: Path, raw: Raw) -> None:
    first = raw.entries(FILE)[0]
    start = struct.unpack_from("<I", raw.data, first + 180)[0]
    more = (raw.partition + start) * BLOCK
    loop = (8 | 3 << 30, start)
    raw.data[more : more + 32] = struct.pack("<HHBBHHHIIIII", 258, 2, 0, 0, 0, 0, 16, start, 0, 8, *loop)
    raw.seal(more)
    raw.extents(first, 0, struct.pack("<II", *loop))
    assert "DICOMDIR" not in read(raw.write(tmp_path))[0]


def test_strategy_4096_is_said_not_to_be_read(tmp_path: Path, raw: Raw) -> None:
    raw.put(raw.entries(FILE)[0], "<H", 4096, at=20)
    with UdfTree(raw.write(tmp_path)) as tree:
        assert "strategy" in str(tree.findings[0])
        assert [file.name for file in tree.lost] == ["DICOMDIR"]


def test_deleted_names_are_left_out_and_hidden_ones_are_told(tmp_path: Path, raw: Raw) -> None:
    _, _, dicomdir, readme, _ = raw.identifiers()
    raw.put(dicomdir, "<B", 1, at=18)
    raw.put(readme, "<B", 4, at=18)
    found, told = read(raw.write(tmp_path))
    assert set(found) == set(TREE) - {"README.TXT"}
    assert told == ["udf-hidden-file"]


def test_links_lead_to_files_of_the_medium_only(tmp_path: Path, raw: Raw) -> None:
    """PS3.12 J.2.1.6 allows them; ECMA-167 4/14.16: a component of type 2 is the root, 3 the parent, 5 a name."""
    first, second, *_ = raw.entries(FILE)  # DICOMDIR, DICOM/A/IM1

    def link(position: int, *components: tuple[int, bytes]) -> None:
        data = b"".join(struct.pack("<BBH", kind, len(name), 0) + name for kind, name in components)
        raw.put(position, "<B", LINK, at=27)
        raw.put(position, "<Q", len(data), at=56)
        raw.extents(position, 3, data)

    link(first, (2, b""), (5, b"\x08DICOM"), (4, b""), (5, b"\x08IM2"))
    link(second, (3, b""), (3, b""), (3, b""), (3, b""), (5, b"\x08etc"))
    with UdfTree(raw.write(tmp_path)) as tree:
        assert tree.open(("DICOMDIR",)).read() == TREE["DICOM/IM2"]
        assert [file.name for file in tree.lost] == ["DICOM/A/IM1"]


def test_entry_whose_crc_fails_is_read_and_told(tmp_path: Path, raw: Raw) -> None:
    raw.data[raw.entries(FILE)[0] + 100] ^= 1  # in a date
    assert read(raw.write(tmp_path)) == (TREE, ["udf-checksum"])


def test_broken_identifier_costs_the_rest_of_its_directory(tmp_path: Path, raw: Raw) -> None:
    position = raw.identifiers()[3]
    raw.data[position + 4] ^= 0xFF
    found, told = read(raw.write(tmp_path))
    assert set(found) == {"DICOMDIR", "DICOM/IM2", "DICOM/A/IM1"}
    assert told == ["udf-bad-record"]


def test_name_cannot_lead_elsewhere(tmp_path: Path, raw: Raw) -> None:
    """UDF 4.2.2: what a path cannot hold becomes an underscore."""
    position = raw.identifiers()[2]
    raw.data[position + 39 : position + 42] = b"../"
    raw.seal(position)
    assert ".._OMDIR" in read(raw.write(tmp_path))[0]


def test_depth_is_told_and_ends(tmp_path: Path) -> None:
    """PS3.12: 8 levels. A chain of directories is made by letting each lead to the next."""
    raw = Raw({f"D{number:02}/F": b"x" for number in range(38)})
    entries = [entry // BLOCK - raw.partition for entry in raw.entries(DIRECTORY)]
    for number, entry in enumerate(raw.entries(DIRECTORY)[1:-1], 1):
        position = entry + BLOCK + 40  # its only file, behind the parent
        raw.put(position, "<I", entries[number + 1], at=24)
    found, told = read(raw.write(tmp_path))
    assert told.count("udf-too-deep") == 1
    assert told.count("udf-directory-refused") == 1
    assert "udf-directory-loop" in told
    assert len(found) < 2


@pytest.mark.parametrize("data", [b"", b"x" * 700_000, bytes(600_000)])
def test_what_is_no_volume_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(NotUDF):
        UdfTree(str(path))
    with path.open("rb") as stream:
        assert not is_udf(stream.fileno())


def test_volume_without_root_or_partition_is_refused(tmp_path: Path) -> None:
    for tag, at, value in ((256, 0, 0), (6, 440, 9), (6, 444, 7), (6, 212, 2000), (6, 252, 1 << 31)):
        raw = Raw(TREE)
        for found in raw.all(tag):
            raw.put(found.block * BLOCK, "<I", value, at=at)
        with pytest.raises(NotUDF):
            UdfTree(raw.write(tmp_path))


def test_partitions_locate_across_their_pieces() -> None:
    """UDF 2.2.8 to 2.2.10: nothing outside, whatever the tables say."""
    physical = PhysicalPartition(1000, 64 * 10, 10)
    assert physical.locate(62, 20) == (Extent(1620, 20),)
    assert physical.locate(63, 20) == ()
    metadata = MetadataPartition((Extent(50, 20), Extent(0, 30), Extent(30, 10)), 10)
    assert metadata.locate(1, 25) == (Extent(60, 10), Extent(0, 15))
    assert metadata.locate(2, 40) == (Extent(0, 40),)
    assert metadata.locate(5, 11) == ()
    sparable = SparablePartition(physical, 40, {40: 5000, 120: 6000}, 6040)
    assert sparable.locate(2, 40) == (Extent(1020, 20), Extent(5000, 20))
    assert sparable.locate(6, 100) == (Extent(5020, 20), Extent(1080, 40), Extent(6000, 40))
    assert sparable.locate(0, 40) == (Extent(1000, 40),)
    assert SparablePartition(physical, 40, {40: 5000}, 5039).locate(4, 40) == ()
    virtual = VirtualPartition(physical, (7, 8, 3, 0xFFFFFFFF), 10)
    assert virtual.locate(0, 25) == (Extent(1070, 20), Extent(1030, 5))
    assert virtual.locate(3, 1) == virtual.locate(4, 1) == ()


_raws = {revision: Raw(TREE, revision) for revision in ("1.50", "2.60")}


def flips(draw: Callable[[st.SearchStrategy[int]], int], data: bytearray, places: list[int]) -> None:
    for _ in range(draw(st.integers(1, 6))):
        data[draw(st.sampled_from(places)) + draw(st.integers(0, 250))] = draw(st.integers(0, 255))


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(sorted(_raws)), st.booleans())
def test_flipped_bytes_never_hang_or_lead_outside(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, revision: str, seal: bool
) -> None:
    """With sealed tags the reader meets what a checksum would have kept from it."""
    raw = copy(_raws[revision])
    raw.data = bytearray(raw.data)
    places = [found.block * BLOCK for found in raw.all(*range(1, 10), *range(250, 270))] + raw.identifiers()
    flips(data.draw, raw.data, places)
    if seal:
        for place in places:
            raw.seal(place)
    path = tmp_path_factory.getbasetemp() / "flipped.udf"
    path.write_bytes(raw.data)
    size = len(raw.data)
    try:
        tree = UdfTree(str(path))
    except SourceUnreadable:
        return
    with tree:
        for file in tree.files():
            assert all(extent.offset + extent.size <= size for extent in file.extents)
            assert sum(extent.size for extent in file.extents) == file.size
        assert len(list(tree.files())) < 500
