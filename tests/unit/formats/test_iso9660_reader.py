"""The independent reader: what it reads, and that no hostile image hangs it or leads it outside. ECMA-119, PS3.12 F."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.errors import SourceUnreadable
from mediacreator.formats import IsoTree, open_tree
from mediacreator.formats.iso9660_volume import NotISO9660
from tests.discs import SECTOR, codes, descriptor, directory, image, raw_image, record

DIRECTORY, ASSOCIATED, MULTI = 0x02, 0x04, 0x80

Make = Callable[[bytes], IsoTree]


@pytest.fixture
def tree_of(tmp_path: Path) -> Make:
    def make(data: bytes) -> IsoTree:
        path = tmp_path / "raw.iso"
        path.write_bytes(data)
        return IsoTree(str(path))

    return make


def test_names_sizes_dates_and_label_are_read(tree_of: Make) -> None:
    content = {
        20: directory(20, 20, record(b"README.TXT;1", 30, 5), record(b"SUB", 21, SECTOR, DIRECTORY)),
        21: directory(21, 20, record(b"IM000001.;1", 31, 3)),
        30: b"hello",
        31: b"abc",
    }
    with tree_of(raw_image(content)) as tree:
        readme, instance = tree.files()
        assert tree.label == "HOSTILE"
        assert (readme.path, readme.raw_name, readme.size) == (("README.TXT",), "README.TXT;1", 5)
        assert instance.path == ("SUB", "IM000001")
        # 5:06:07, two hours (8 quarters) east of Greenwich
        assert readme.mtime_ns == datetime(2026, 3, 4, 3, 6, 7, tzinfo=UTC).timestamp() * 1e9
        assert tree.open(("SUB", "IM000001")).read() == b"abc"
        assert tree.findings == ()


def test_lookup_tolerates_what_systems_show_differently(tree_of: Make) -> None:
    """PS3.12 F.1.2.1: drivers show DICOMDIR.;1 as dicomdir, DICOMDIR. or DICOMDIR;1."""
    with tree_of(raw_image({20: directory(20, 20, record(b"DICOMDIR.;1", 30, 1))})) as tree:
        for asked in ("DICOMDIR", "dicomdir", "DICOMDIR.", "DICOMDIR;1", "Dicomdir.;1"):
            found = tree.find((asked,))
            assert found is not None
            assert found.path == ("DICOMDIR",)
        assert tree.find(("DICOMDI",)) is None
        with pytest.raises(SourceUnreadable):
            tree.open(("NOTHERE",))


def test_exact_name_wins_over_tolerant_one(tree_of: Make) -> None:
    records = record(b"ABC.;1", 30, 1) + record(b"abc.;1", 31, 2)
    with tree_of(raw_image({20: directory(20, 20, records)})) as tree:
        assert [file.size for name in ("ABC", "abc", "Abc") if (file := tree.find((name,)))] == [1, 2, 1]


def test_file_of_several_extents_is_joined(tree_of: Make) -> None:
    parts = (record(b"BIG.;1", 30, SECTOR, MULTI), record(b"BIG.;1", 33, SECTOR, MULTI), record(b"BIG.;1", 31, 5))
    content = {20: directory(20, 20, *parts), 30: b"a" * SECTOR, 33: b"b" * SECTOR, 31: b"c" * 5}
    with tree_of(raw_image(content)) as tree:
        (file,) = tree.files()
        stream = tree.open(("BIG",))
        assert file.size == 2 * SECTOR + 5
        assert stream.read() == b"a" * SECTOR + b"b" * SECTOR + b"c" * 5
        stream.seek(SECTOR - 1)
        assert stream.read(2) == b"ab"
        stream.seek(-1, 2)
        assert stream.read() == b"c"


def test_extended_attribute_record_is_skipped_and_associated_file_left_out(tree_of: Make) -> None:
    with_ear = bytearray(record(b"A.;1", 30, 3))
    with_ear[1] = 1
    records = (bytes(with_ear), record(b"B.;1", 31, 3, ASSOCIATED))
    with tree_of(raw_image({20: directory(20, 20, *records), 31: b"xyz"})) as tree:
        assert [file.name for file in tree.files()] == ["A"]
        assert tree.open(("A",)).read() == b"xyz"


def test_directory_loop_is_read_once(tree_of: Make) -> None:
    """A directory that names its parent and itself."""
    content = {
        20: directory(20, 20, record(b"A", 21, SECTOR, DIRECTORY)),
        21: directory(21, 20, record(b"F.;1", 30, 1), record(b"G", 20, SECTOR, DIRECTORY), record(b"H", 21, SECTOR, 2)),
    }
    with tree_of(raw_image(content)) as tree:
        assert [file.name for file in tree.files()] == ["A/F"]
        assert codes(tree.findings) == ["iso-directory-loop"] * 2


def test_overlapping_directories_end(tree_of: Make) -> None:
    """Directories that are not the same but share bytes could be read for ever: together they must fit the image."""
    subs = [record(b"D%d" % number, 20, (number + 2) * SECTOR, DIRECTORY) for number in range(8)]
    shifted = [record(b"S%d" % number, 21 + number, 15 * SECTOR, DIRECTORY) for number in range(8)]
    data = raw_image({20: directory(20, 20, *subs, *shifted), **{n: directory(n, 20, *shifted) for n in range(21, 29)}})
    with tree_of(data) as tree:
        assert list(tree.files()) == []
        assert set(codes(tree.findings)) == {"iso-directory-loop"}


@pytest.mark.parametrize("block", [40, 39, 0xFFFFFFFF])
def test_extent_outside_the_image_is_refused(tree_of: Make, block: int) -> None:
    records = (record(b"BAD.;1", block, SECTOR + 1), record(b"GOOD.;1", 30, 1), record(b"D", block, 4096, DIRECTORY))
    with tree_of(raw_image({20: directory(20, 20, *records)})) as tree:
        assert [file.name for file in tree.files()] == ["GOOD"]
        assert codes(tree.findings) == ["iso-extent-refused", "iso-directory-refused"]


@pytest.mark.parametrize(
    "broken",
    [
        b"\x01" + b"\0" * 40,  # shorter than a record can be
        b"\x21" + b"\0" * 40,  # 33 bytes: no name
        record(b"X.;1", 30, 1)[:32] + b"\xf0" + b"X" * 8,  # a name that is longer than its record
        b"\xff" * 255,
    ],
)
def test_broken_record_costs_its_sector_only(tree_of: Make, broken: bytes) -> None:
    first = directory(20, 20, record(b"A.;1", 30, 1), broken)[:SECTOR]
    second = record(b"Z.;1", 31, 1).ljust(SECTOR, b"\0")
    data = bytearray(raw_image({20: first, 21: second}))
    data[16 * SECTOR + 156 : 16 * SECTOR + 190] = record(b"\0", 20, 2 * SECTOR, 2)
    with tree_of(bytes(data)) as tree:
        assert [file.name for file in tree.files()] == ["A", "Z"]
        assert codes(tree.findings) == ["iso-bad-record"]


def test_record_across_a_sector_border_is_refused(tree_of: Make) -> None:
    filler = [record(b"F%06d.;1" % number, 30, 1) for number in range(44)]  # 68 + 44 * 44 = 2004 bytes
    data = directory(20, 20, *filler, record(b"CROSSING.TXT;1", 30, 1), size=2 * SECTOR)
    raw = bytearray(raw_image({20: data}))
    raw[16 * SECTOR + 156 : 16 * SECTOR + 190] = record(b"\0", 20, 2 * SECTOR, 2)
    with tree_of(bytes(raw)) as tree:
        assert len(list(tree.files())) == 44
        assert "iso-bad-record" in codes(tree.findings)


def test_interleaved_file_and_differing_byte_orders_are_told(tree_of: Make) -> None:
    interleaved = bytearray(record(b"I.;1", 30, 1))
    interleaved[26] = 4
    differing = bytearray(record(b"J.;1", 30, 1))
    differing[9] ^= 1
    with tree_of(raw_image({20: directory(20, 20, bytes(interleaved), bytes(differing))})) as tree:
        assert [file.name for file in tree.files()] == ["J"]
        assert codes(tree.findings) == ["iso-extent-refused", "iso-byte-orders-differ"]


def test_unfinished_file_of_several_extents_is_told(tree_of: Make) -> None:
    records = (record(b"A.;1", 30, SECTOR, MULTI), record(b"B.;1", 31, 1))
    with tree_of(raw_image({20: directory(20, 20, *records)})) as tree:
        assert [file.name for file in tree.files()] == ["A", "B"]
        assert codes(tree.findings) == ["iso-extent-missing"]


def test_depth_is_told_and_ends(tree_of: Make) -> None:
    """PS3.12 F.1.2.1: 8 levels; deeper ones are read with a warning, up to a limit."""
    levels = {
        20 + n: directory(20 + n, 19 + n, record(b"D", 21 + n, SECTOR, 2), record(b"F.;1", 70, 1)) for n in range(40)
    }
    with tree_of(raw_image(levels, count=80)) as tree:
        assert len(list(tree.files())) == 32
        assert codes(tree.findings) == ["iso-too-deep", "iso-directory-refused"]


def test_later_session_counts(tree_of: Make) -> None:
    """PS3.12 F.2.1: the descriptors of the last session describe the whole disc."""
    first = raw_image({20: directory(20, 20, record(b"OLD.;1", 30, 1))})
    second = bytearray(60 * SECTOR)
    second[16 * SECTOR : 17 * SECTOR] = descriptor(40 + 20, 100, b"SECOND")
    second[17 * SECTOR : 17 * SECTOR + 7] = b"\xffCD001\x01"
    records = (record(b"NEW.;1", 40 + 30, 3), record(b"OLD.;1", 30, 1))
    second[20 * SECTOR : 21 * SECTOR] = directory(60, 60, *records)
    second[30 * SECTOR : 30 * SECTOR + 3] = b"new"
    with tree_of(first + bytes(second)) as tree:
        assert tree.label == "SECOND"
        assert [file.name for file in tree.files()] == ["NEW", "OLD"]
        assert tree.open(("NEW",)).read() == b"new"
        assert codes(tree.findings) == ["iso-later-session"]


def test_image_stored_behind_the_volume_is_no_session(tree_of: Make) -> None:
    """Its root lies at a low block number, which is not in a session of its own."""
    inner = raw_image({20: directory(20, 20, record(b"INNER.;1", 30, 1))}, volume_id=b"INNER")
    with tree_of(raw_image({20: directory(20, 20, record(b"OUTER.;1", 30, 1))}) + inner) as tree:
        assert [file.name for file in tree.files()] == ["OUTER"]
        assert tree.findings == ()


def test_joliet_only_when_the_primary_tree_is_unusable(tree_of: Make) -> None:
    joliet = descriptor(21, 40, "J".encode("utf-16-be"), kind=2, escape=b"%/E")
    terminator = b"\xffCD001\x01"
    name = "name;1".encode("utf-16-be")
    good = {
        17: joliet,
        18: terminator,
        20: directory(20, 20, record(b"P.;1", 30, 1)),
        21: directory(21, 21, record(name, 30, 1)),
    }
    with tree_of(raw_image(good)) as tree:
        assert [file.name for file in tree.files()] == ["P"]
    with tree_of(raw_image(good | {20: b"\0" * SECTOR})) as tree:
        assert [file.name for file in tree.files()] == ["name"]
        assert codes(tree.findings) == ["iso-joliet-used"]


@pytest.mark.parametrize("data", [b"", b"x" * 40000, raw_image({}), b"\0" * 32768 + b"\x01CD001\x01"])
def test_what_is_no_volume_is_refused(tree_of: Make, data: bytes) -> None:
    with pytest.raises(NotISO9660):
        tree_of(data)


def test_truncated_image_is_told(tmp_path: Path) -> None:
    whole = image(tmp_path, {"A": b"a" * 3000, "B": b"b" * 3000})
    data = Path(whole.path).read_bytes()
    short = tmp_path / "short.iso"
    short.write_bytes(data[: -2 * SECTOR])
    with open_tree(str(short)) as tree:
        assert [file.name for file in tree.files()] == ["A"]
        assert codes(tree.findings) == ["iso-truncated", "iso-extent-refused"]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_flipped_bytes_never_hang_or_lead_outside(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = {
        20: directory(20, 20, record(b"A.;1", 30, 100), record(b"D", 21, SECTOR, DIRECTORY)),
        21: directory(21, 20, record(b"B.;1", 31, 5000), record(b"C.;1", 34, SECTOR, MULTI), record(b"C.;1", 35, 1)),
    }
    raw = bytearray(raw_image(content))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.sampled_from([16, 20, 21])) * SECTOR + data.draw(st.integers(0, 200))
        raw[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "flipped.iso"
    path.write_bytes(raw)
    try:
        tree = IsoTree(str(path))
    except SourceUnreadable:
        return
    with tree:
        for file in tree.files():
            assert all(extent.offset + extent.size <= len(raw) for extent in file.extents if extent.size)
        assert len(list(tree.files())) < 500
