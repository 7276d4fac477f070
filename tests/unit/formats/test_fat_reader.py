"""The independent FAT reader: what it reads, and that no hostile image hangs it or leads it outside."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.errors import SourceUnreadable
from mediacreator.formats import FatTree, open_tree, recognise
from mediacreator.formats.fat_volume import NotFat
from mediacreator.model import Container
from mediacreator.sources.reading import SCATTERED, open_source
from mediacreator.sources.search import find_sources
from tests.discs import codes
from tests.sticks import Volume, entry, long_entries, partitioned

Make = Callable[[bytes], FatTree]
WIDTHS = {12: 200, 16: 5000, 32: 66000}  # clusters


@pytest.fixture
def tree_of(tmp_path: Path) -> Make:
    def make(data: bytes) -> FatTree:
        path = tmp_path / "raw.img"
        path.write_bytes(data)
        return FatTree(str(path))

    return make


def contents(tree: FatTree) -> dict[str, bytes]:
    return {file.name: tree.open(file.path).read() for file in tree.files()}


def volume_of(width: int) -> Volume:
    """A directory in two places, a file in three, an empty one."""
    root = entry(b"A LABEL    ", attributes=0x08) + entry(b"SUB        ", 5, attributes=0x10)
    root += entry(b"FILE    TXT", 10, 1200) + entry(b"EMPTY      ")
    below = entry(b".          ", 5, attributes=0x10) + entry(b"..         ", attributes=0x10)
    below += b"".join(entry(b"IM%06d   " % number, 100 + number, number) for number in range(1, 31))
    return Volume(
        width=width,
        clusters=WIDTHS[width],
        root=root,
        content={5: below[:512], 7: below[512:], 10: b"a" * 512, 9: b"b" * 512, 30: b"c" * 176}
        | {100 + number: bytes([number]) * number for number in range(1, 31)},
        chains=[(5, 7), (10, 9, 30), *((100 + number,) for number in range(1, 31))],
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_scattered_files_and_directories_are_read(tree_of: Make, width: int) -> None:
    with tree_of(volume_of(width).data()) as tree:
        found = contents(tree)
        assert tree.label == "A LABEL"
        assert tree.volume.width == width
        assert tree.findings == ()
        assert found["FILE.TXT"] == b"a" * 512 + b"b" * 512 + b"c" * 176
        assert found["EMPTY"] == b""
        assert found["SUB/IM000030"] == bytes([30]) * 30
        assert len(found) == 32
        file = tree.find(("file.txt",))
        assert file is not None
        assert [extent.size for extent in file.extents] == [512, 512, 176]
        stream = tree.open(("FILE.TXT",))
        stream.seek(510)
        assert stream.read(4) == b"aabb"


def test_names_are_shown_as_systems_show_them(tree_of: Make) -> None:
    long = "A long name \u00e9\u4e2d\U0001f480 of 26+.dcm"
    short = b"ALONGN~1DCM"
    root = long_entries(long, short) + entry(short, 10, 3)
    root += entry(b"LOWER   TXT", case=0x18) + entry(b"HALF    TXT", case=0x08)
    root += entry(b"\x05BC        ") + entry(b"\xe5ELETED    ", 11, 5) + entry(b"NULLS\0\0\0\0\0\0")
    with tree_of(Volume(root=root, content={10: b"abc"}, chains=[(10,)]).data()) as tree:
        assert contents(tree) == {long: b"abc", "lower.txt": b"", "half.TXT": b"", "\u03c3BC": b"", "NULLS": b""}
        for asked in (long, "ALONGN~1.DCM", "alongn~1.dcm"):
            found = tree.find((asked,))
            assert found is not None
            assert found.name == long
        assert tree.find(("ALONGN~2.DCM",)) is None


@pytest.mark.parametrize(
    "broken",
    [
        lambda data: data[32:],  # the last part is gone
        lambda data: data[:32] + data[64:],  # one between
        lambda data: data[:13] + b"\0" + data[14:],  # the sum of another short name
        lambda data: b"\x7f" + data[1:],  # of 63 parts
    ],
)
def test_a_long_name_that_does_not_hold_is_none(tree_of: Make, broken: Callable[[bytes], bytes]) -> None:
    long = long_entries("a name that takes three parts", b"SHORT      ")
    assert len(long) == 3 * 32
    with tree_of(Volume(root=broken(long) + entry(b"SHORT      ")).data()) as tree:
        assert [file.name for file in tree.files()] == ["SHORT"]


@pytest.mark.parametrize("name", ["..", ".", "../x", "a\\b", "a\nb"])
def test_a_long_name_that_leads_elsewhere_is_not_taken(tree_of: Make, name: str) -> None:
    with tree_of(Volume(root=long_entries(name, b"SHORT      ") + entry(b"SHORT      ")).data()) as tree:
        assert [file.name for file in tree.files()] == ["SHORT"]


def test_a_long_name_is_not_that_of_a_later_file(tree_of: Make) -> None:
    long = long_entries("of a file that was deleted", b"SHORT      ")
    root = long + entry(b"\xe5HORT      ") + entry(b"SHORT      ")
    with tree_of(Volume(root=root).data()) as tree:
        assert [file.name for file in tree.files()] == ["SHORT"]


def test_short_names_lead_nowhere_else(tree_of: Make) -> None:
    with tree_of(Volume(root=entry(b"../ETC     ") + entry(b"A\\B     C:D")).data()) as tree:
        assert [file.path for file in tree.files()] == [(".._ETC",), ("A_B.C_D",)]


def test_dates_are_read_and_what_is_none_is_zero(tree_of: Make) -> None:
    stamp = ((2026 - 1980) << 9 | 3 << 5 | 4, 5 << 11 | 6 << 5 | 7)
    with tree_of(Volume(root=entry(b"A", stamp=stamp) + entry(b"B", stamp=(0, 0xFFFF))).data()) as tree:
        first, second = tree.files()
        assert first.mtime_ns == datetime(2026, 3, 4, 5, 6, 14, tzinfo=UTC).timestamp() * 1e9
        assert second.mtime_ns == 0


def test_label_of_the_boot_sector_where_the_root_has_none(tree_of: Make) -> None:
    with tree_of(Volume(root=entry(b"A")).data()) as tree:
        assert tree.label == "BOOTLABEL"
    with tree_of(Volume().data().replace(b"BOOTLABEL  ", b"NO NAME    ")) as tree:
        assert tree.label == ""


@pytest.mark.parametrize("width", WIDTHS)
def test_partitions_of_either_kind_are_found(tree_of: Make, width: int) -> None:
    volume = volume_of(width).data()
    with tree_of(partitioned((63, volume))) as tree:
        assert len(contents(tree)) == 32
        assert tree.findings == ()
    with tree_of(_gpt(volume)) as tree:
        assert len(contents(tree)) == 32


def _gpt(volume: bytes) -> bytes:
    """A GUID Partition Table whose first partition is that of the firmware, as macOS makes it."""
    system = bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b")
    data = bytes.fromhex("a2a0d0ebe5b9334487c068b6b72699c7")
    header = b"EFI PART".ljust(72, b"\0") + struct.pack("<QII", 2, 4, 128)
    table = b""
    for kind, start in ((system, 40), (data, 1000)):
        table += kind + bytes(16) + struct.pack("<QQQ", start, start + 100, 0) + bytes(72)
    mbr = bytearray(512)
    mbr[446:462] = struct.pack("<B3sB3sII", 0, bytes(3), 0xEE, bytes(3), 1, 0xFFFFFFFF)
    mbr[510:] = b"\x55\xaa"
    firmware = Volume(root=entry(b"WRONG")).data()
    head = bytes(mbr) + header.ljust(512, b"\0") + table
    return head.ljust(40 * 512, b"\0") + firmware.ljust(960 * 512, b"\0") + volume


def test_a_later_partition_is_read_and_said(tree_of: Make) -> None:
    with tree_of(partitioned((10, bytes(512 * 20)), (100, Volume(root=entry(b"A")).data()))) as tree:
        assert list(contents(tree)) == ["A"]
        assert codes(tree.findings) == ["fat-not-first-partition"]


@pytest.mark.parametrize("start", [0, 100])
def test_second_boot_sector_of_fat32_helps(tree_of: Make, start: int) -> None:
    volume = bytes(512) + volume_of(32).data()[512:]
    with tree_of(partitioned((start, volume)) if start else volume) as tree:
        assert len(contents(tree)) == 32
        assert codes(tree.findings) == ["fat-backup-used"]


@pytest.mark.parametrize("width", [16, 32])
def test_a_volume_that_was_pulled_out_is_said(tree_of: Make, width: int) -> None:
    with tree_of(Volume(width=width, clusters=WIDTHS[width], clean=False).data()) as tree:
        assert codes(tree.findings) == ["fat-not-closed"]
    data = bytearray(Volume(width=width, clusters=WIDTHS[width]).data())
    data[65 if width == 32 else 37] |= 1  # as Linux says it
    with tree_of(bytes(data)) as tree:
        assert codes(tree.findings) == ["fat-not-closed"]


def test_copies_that_differ_are_said(tree_of: Make) -> None:
    data = bytearray(volume_of(12).data())
    data[512 * 3 + 20] ^= 1  # two sectors each
    with tree_of(bytes(data)) as tree:
        assert codes(tree.findings) == ["fat-copies-differ"]
        assert len(contents(tree)) == 32


HOSTILE: dict[str, tuple[dict[int, int], str]] = {
    "to itself": ({9: 10}, "fat-chain-refused"),
    "into a directory": ({9: 7}, "fat-chain-refused"),
    "ends too early": ({9: 0xFFF}, "fat-chain-refused"),
    "to a free cluster": ({9: 0}, "fat-chain-refused"),
    "to a bad cluster": ({9: 0xFF7}, "fat-chain-refused"),
    "out of the volume": ({9: 202}, "fat-chain-refused"),
    "directory to itself": ({7: 5}, "fat-directory-refused"),
    "directory outside": ({5: 400}, "fat-directory-refused"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_chains_that_lead_elsewhere_are_refused(tree_of: Make, name: str) -> None:
    fat, code = HOSTILE[name]
    volume = volume_of(12)
    volume.fat = fat
    with tree_of(volume.data()) as tree:
        assert code in codes(tree.findings)
        assert "EMPTY" in contents(tree)
        if code == "fat-chain-refused":
            assert [file.name for file in tree.lost] == ["FILE.TXT"]


def test_two_files_with_one_chain_are_read_once(tree_of: Make) -> None:
    """A million entries for one file of gigabytes must not be a million walks."""
    root = entry(b"A", 10, 600) + entry(b"B", 10, 600) + entry(b"C", 11, 5)
    with tree_of(Volume(root=root, chains=[(10, 11)]).data()) as tree:
        assert list(contents(tree)) == ["A"]
        assert codes(tree.findings) == ["fat-chain-refused"] * 2
        assert len(tree.refused) == 2


def test_a_directory_in_itself_is_refused(tree_of: Make) -> None:
    below = entry(b"LOOP", 5, attributes=0x10) + entry(b"FILE")
    volume = Volume(root=entry(b"SUB", 5, attributes=0x10), content={5: below}, chains=[(5,)])
    with tree_of(volume.data()) as tree:
        assert list(contents(tree)) == ["SUB/FILE"]
        assert codes(tree.findings) == ["fat-directory-refused"]


def test_directories_that_are_too_deep_are_refused(tree_of: Make) -> None:
    content = {5 + depth: entry(b"D", 6 + depth, attributes=0x10) + entry(b"F") for depth in range(100)}
    chains = [(cluster,) for cluster in content]
    volume = Volume(root=entry(b"D", 5, attributes=0x10), content=content, chains=chains)
    with tree_of(volume.data()) as tree:
        assert max(len(file.path) for file in tree.files()) == 32
        assert codes(tree.findings) == ["fat-directory-refused"]


def test_a_directory_of_more_than_two_mebibytes_is_refused(tree_of: Make) -> None:
    volume = Volume(width=16, clusters=5000, root=entry(b"D", 5, attributes=0x10), chains=[range(5, 4200)])
    with tree_of(volume.data()) as tree:
        assert list(tree.files()) == []
        assert codes(tree.findings) == ["fat-directory-refused"]


def test_a_truncated_image_loses_what_lies_behind_its_end(tree_of: Make) -> None:
    data = volume_of(12).data()
    with tree_of(data[: -512 * 180]) as tree:
        assert codes(tree.findings)[0] == "fat-truncated"
        assert len(tree.lost) == 31  # FILE.TXT ends in cluster 30
        assert list(contents(tree)) == ["EMPTY"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(100_000),
        b"\xff" * 4096,
        b"\xeb\x52\x90NTFS    " + bytes(499) + b"\x55\xaa",
        b"\xeb\x76\x90EXFAT   " + bytes(499) + b"\x55\xaa",
        partitioned((1, bytes(1024))),
        partitioned((5, bytes(512)), kinds=[0xEE]),  # a GUID Partition Table that is not there
    ],
)
def test_what_is_no_fat_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "raw.img"
    path.write_bytes(data)
    assert recognise(str(path)) is Container.FILE
    with pytest.raises(NotFat):
        FatTree(str(path))


def test_a_dicom_file_stays_one(tmp_path: Path) -> None:
    """PS3.10 7.1: the preamble may be anything, as a boot sector that leads to nothing."""
    data = bytearray(Volume().data())
    data[128:132] = b"DICM"
    path = tmp_path / "IM1"
    path.write_bytes(data)
    assert recognise(str(path)) is Container.FILE
    with pytest.raises(SourceUnreadable):
        open_tree(str(path))


@settings(max_examples=150, deadline=2000)
@given(st.data())
def test_damaged_images_end_in_findings_and_never_outside(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Boot sector, FATs and directories are damaged; whatever is read still lies inside the image."""
    raw = bytearray(volume_of(data.draw(st.sampled_from([12, 16]))).data())
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.one_of(st.integers(11, 64), st.integers(510, 4000), st.integers(0, len(raw) - 1)))
        raw[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.img"
    path.write_bytes(raw)
    try:
        tree = FatTree(str(path))
    except NotFat:
        return
    with tree:
        for file in tree.files():
            assert sum(extent.size for extent in file.extents) == file.size
            assert all(e.offset >= 0 and e.offset + e.size <= len(raw) for e in file.extents)
            if tree.find(file.path) == file:  # two may have one name
                assert len(tree.open(file.path).read()) == file.size


def test_files_of_an_image_are_sources(tmp_path: Path) -> None:
    volume = volume_of(12)
    volume.root += entry(b"LOST       ", 61, 5000)
    path = tmp_path / "stick.img"
    path.write_bytes(partitioned((63, volume.data())))
    found = find_sources([str(path)])
    assert {source.container for source in found.files} == {Container.FAT}
    by_name = {source.member: source for source in found.files}
    assert by_name["FILE.TXT"].offset == SCATTERED
    with open_source(by_name["FILE.TXT"]) as stream:
        assert stream.read() == b"a" * 512 + b"b" * 512 + b"c" * 176
    with open_source(by_name["SUB/IM000005"]) as stream:
        assert stream.read() == bytes([5]) * 5
    (lost,) = found.others
    assert (lost.source.member, lost.finding.code) == ("LOST", "fat-chain-refused")
