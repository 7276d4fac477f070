"""Layout of images: exact sizes, ascending extents, refusals of what level 1 cannot record. PS3.12 F, ECMA-119."""

from __future__ import annotations

import gc
from datetime import datetime, timedelta, timezone
from random import Random

import pytest

from mediacreator.collector import held
from mediacreator.errors import InternalError, MediaTooSmall
from mediacreator.formats.iso9660_tables import IsoTables
from mediacreator.formats.iso9660_values import SECTOR, both, record_date, volume_date
from mediacreator.formats.iso9660_writer import image_size, lay_out
from mediacreator.formats.placed_tree import directories
from mediacreator.formats.placing import PlacedFile, Placement
from tests.discs import CREATED

EAST = datetime(2025, 6, 7, 8, 9, 10, tzinfo=timezone(timedelta(hours=9)))


def files_of(*paths: str, size: int = 1) -> list[PlacedFile]:
    return [PlacedFile(tuple(path.split("/")), size, CREATED) for path in paths]


def head_of(layout: Placement) -> bytes:
    """The image up to the first byte of file data: all that is no file's content."""
    assert layout.segments == ()
    (head,) = layout.late
    data = head.make()
    assert (head.offset, head.size) == (0, len(data))
    return data


def test_extents_ascend_in_the_order_given() -> None:
    """Not in the order of names, so that a drive reads forward."""
    files = files_of("Z/LAST", "A", "M/N/O", "B", size=SECTOR + 1)
    layout = lay_out(files, volume_id="TEST", created=CREATED)
    head = head_of(layout)
    first = len(head)
    assert layout.offsets == tuple(first + number * 2 * SECTOR for number in range(4))
    assert layout.size == first + 8 * SECTOR == image_size(files)


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "TOOLONGNAME",
        "A-B",
        "A B",
        "A.LONG",
        "A.B.C",
        "A.",
        ".TXT",
        "",
        "D.IR/A",
        "TOOLONGDIR/A",
        "A;1",
        "A.;1",
        "Ä",
    ],
)
def test_names_outside_level_1_are_refused(path: str) -> None:
    with pytest.raises(InternalError):
        image_size(files_of(path))


def test_seven_components_and_no_more() -> None:
    """pycdlib takes no more, although PS3.10 8.2 and ECMA-119 6.8.2.1 allow 8."""
    assert image_size(files_of("A/B/C/D/E/F/G"))
    with pytest.raises(InternalError):
        image_size(files_of("A/B/C/D/E/F/G/H"))


@pytest.mark.parametrize("seed", range(4))
def test_our_tables_are_the_same_bytes(seed: int) -> None:
    """The second witness, which writes bridges and sessions.

    Descriptors, both path tables (of several sectors, seed 3), directories (of several), places of all file data.
    """
    random = Random(seed)
    folders = (3, 10, 40, 500)[seed]
    files = [PlacedFile(("DICOMDIR",), 5000, CREATED), PlacedFile(("README.TXT",), 0, EAST)]
    for number in range(40 * seed + 2):
        folder = ("DICOM", f"P{number % folders % 20}", f"S{number % folders}")[: random.randrange(4)]
        size = random.choice((0, 1, SECTOR - 1, SECTOR, SECTOR + 1, 30_000))
        files.append(PlacedFile((*folder, f"IM{number:06}"), size, random.choice((CREATED, EAST))))
    files += [PlacedFile(("MANY", f"IM{n:06}"), 1, CREATED) for n in range(60 * seed)]
    files += [PlacedFile(("DICOM", f"P{n % 20}", f"EMPTY{n:03}", "F"), 1, EAST) for n in range(folders)]
    layout = lay_out(files, volume_id=f"SEED_{seed}", created=CREATED)
    head = head_of(layout)
    tables = IsoTables(files, directories(files), table=2)
    total = layout.size // SECTOR
    data = [min(offset // SECTOR, total - 1) for offset in layout.offsets]
    ours = bytearray(len(head))
    for place, encoded in tables.encode(19, data, total, f"SEED_{seed}", CREATED):
        ours[place * SECTOR : place * SECTOR + len(encoded)] = encoded
    assert ours == head


def test_record_of_a_parent_has_its_whole_length() -> None:
    """ECMA-119 6.8.2.2: the second record describes the parent; pycdlib leaves the length that it had when new."""
    files = files_of(*(f"D{number:03}/F" for number in range(100)))
    head = head_of(lay_out(files, volume_id="", created=CREATED))
    root = head[16 * SECTOR + 156 :][:34]
    place, length = (int.from_bytes(root[start : start + 4], "little") for start in (2, 10))
    assert length == 2 * SECTOR
    folder = int.from_bytes(head[place * SECTOR + 70 :][:4], "little")  # behind the root's records of itself, twice
    parent = head[folder * SECTOR + 34 :][:34]
    assert parent[2:18] == both(place, 4) + both(length, 4)
    assert parent[33] == 1


@pytest.mark.parametrize("paths", [("A", "A"), ("A/B", "A"), ("A", "A/B"), ("A.TXT", "B", "A.TXT")])
def test_two_of_one_name_are_refused(paths: tuple[str, ...]) -> None:
    """pycdlib takes a second file of one name for another extent of the first: two files would be joined quietly."""
    with pytest.raises(InternalError):
        image_size(files_of(*paths))


def test_name_with_and_without_extension_differ() -> None:
    assert image_size(files_of("A", "A.TXT"))


def test_file_beyond_32_bits_is_refused() -> None:
    assert image_size(files_of("A", size=2**32 - 1))
    with pytest.raises(MediaTooSmall):
        image_size(files_of("A", size=2**32))


def test_more_directories_than_a_path_table_counts_are_refused() -> None:
    files = [PlacedFile((f"D{number // 256:06}", f"E{number:06}", "F"), 1, CREATED) for number in range(65_300)]
    with pytest.raises(MediaTooSmall):
        image_size(files)


@pytest.mark.parametrize("volume_id", ["lower", "A-B", "A B", "X" * 17])
def test_volume_identifier_is_a_file_set_id(volume_id: str) -> None:
    """PS3.12 F.1.1, PS3.10 8.1; pycdlib checks nothing of it."""
    with pytest.raises(InternalError):
        lay_out(files_of("A"), volume_id=volume_id, created=CREATED)


def test_dates_carry_their_zone() -> None:
    """ECMA-119 9.1.5 and 8.4.26.1: quarters of an hour east of Greenwich."""
    west = datetime(1999, 12, 31, 23, 59, 58, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
    assert record_date(west) == bytes((99, 12, 31, 23, 59, 58, 256 - 14))
    assert volume_date(west) == b"1999123123595800" + bytes((256 - 14,))
    with pytest.raises(InternalError):
        record_date(datetime(2026, 1, 1))
    with pytest.raises(InternalError):
        record_date(CREATED.replace(year=1899))


def test_nothing_is_left_of_what_pycdlib_held() -> None:
    """2 KB for each file, which refer to one another: with 50,000 files every stage behind would carry 100 MB."""
    gc.collect()  # what other tests left
    before = _held_by_pycdlib()
    with held():
        head_of(lay_out(files_of(*(f"D{number}/F" for number in range(10))), volume_id="", created=CREATED))
        assert _held_by_pycdlib() == before


def _held_by_pycdlib() -> int:
    kinds = (type(one) for one in gc.get_objects())
    return sum(1 for kind in kinds if kind.__module__ == "pycdlib.dr" and kind.__name__ == "DirectoryRecord")


def test_many_files_are_laid_out_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only when their records are made is another: before the workers that copy begin."""
    files = files_of("DICOMDIR", "D/F")
    few = lay_out(files, volume_id="", created=CREATED)
    monkeypatch.setattr("mediacreator.formats.iso9660_writer._MOST_LATE", 1)
    many = lay_out(files, volume_id="", created=CREATED)
    assert (many.segments, many.late) == (((0, head_of(few)),), ())
    assert (many.size, many.offsets, many.align) == (few.size, few.offsets, few.align)
