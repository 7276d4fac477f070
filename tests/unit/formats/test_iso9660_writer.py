"""Layout of images: exact sizes, ascending extents, refusals of what level 1 cannot record. PS3.12 F, ECMA-119."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from mediacreator.errors import InternalError, MediaTooSmall
from mediacreator.formats.iso9660_writer import SECTOR, IsoFile, image_size, lay_out, record_date, volume_date
from tests.discs import CREATED


def files_of(*paths: str, size: int = 1) -> list[IsoFile]:
    return [IsoFile(tuple(path.split("/")), size, CREATED) for path in paths]


def test_extents_ascend_in_the_order_given() -> None:
    """Not in the order of names, so that a drive reads forward."""
    files = files_of("Z/LAST", "A", "M/N/O", "B", size=SECTOR + 1)
    layout = lay_out(files, volume_id="TEST", created=CREATED)
    first = len(layout.head)
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
    assert image_size(files_of("A/B/C/D/E/F/G"))
    with pytest.raises(InternalError):
        image_size(files_of("A/B/C/D/E/F/G/H"))


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
    files = [IsoFile((f"D{number // 256:06}", f"E{number:06}", "F"), 1, CREATED) for number in range(65_300)]
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
