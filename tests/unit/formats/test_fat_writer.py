"""FAT volumes as they are laid out: fields at their places, sizes to the sector, what is beyond them refused."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.errors import InternalError, MediaTooSmall
from mediacreator.formats import fat_fields as fields
from mediacreator.formats.fat_geometry import Geometry, filling, smallest
from mediacreator.formats.fat_kinds import FAT_KINDS, MAX_FILE, Clusters, FatKind
from mediacreator.formats.fat_writer import image_size, lay_out, volume_label
from mediacreator.formats.placing import PlacedFile, Placement
from tests.discs import CREATED
from tests.sticks import KINDS, SMALL_32

GB = 1 << 30

# Restated from PS3.12 Table A.2-1 (offsets and lengths of its rows) and, for FAT32, from the FAT specification.
TABLE_A_2_1 = (
    *(
        (0, 3),
        (3, 8),
        (11, 2),
        (13, 1),
        (14, 2),
        (16, 1),
        (17, 2),
        (19, 2),
        (21, 1),
        (22, 2),
        (24, 2),
        (26, 2),
        (28, 4),
    ),
    *((32, 4), (36, 1), (37, 1), (38, 1), (39, 4), (43, 11), (54, 8), (62, 448), (510, 2)),
)
FAT32_ONLY = (
    (36, 4),
    (40, 2),
    (42, 2),
    (44, 4),
    (48, 2),
    (50, 2),
    (52, 12),
    (64, 1),
    (65, 1),
    (66, 1),
    (67, 4),
    (71, 11),
)


def files_of(*sizes: int, folder: str = "DICOM") -> tuple[PlacedFile, ...]:
    return tuple(PlacedFile((folder, f"IM{number:06}"), size, CREATED) for number, size in enumerate(sizes))


def laid_out(files: tuple[PlacedFile, ...], kind: str, volume_id: str = "FILESET_1", capacity: int = 0) -> Placement:
    return lay_out(files, kind=KINDS[kind], volume_id=volume_id, created=CREATED, capacity=capacity)


def bytes_at(placement: Placement, offset: int, size: int) -> bytes:
    """Return what lies somewhere in an image, file data as zeros."""
    data = bytearray(size)
    for start, content in placement.segments:
        low, high = max(start, offset), min(start + len(content), offset + size)
        if low < high:
            data[low - offset : high - offset] = content[low - start : high - start]
    return bytes(data)


def test_fields_lie_where_the_standard_has_them() -> None:
    def places(record: fields.Record) -> tuple[tuple[int, int], ...]:
        return tuple((offset, struct.calcsize("<" + kind)) for offset, kind, _ in record.rows)

    assert places(fields.BOOT_SECTOR_16) == TABLE_A_2_1
    assert places(fields.BOOT_SECTOR_32)[14:26] == FAT32_ONLY


def test_a_field_that_does_not_hold_its_number_is_our_fault() -> None:
    with pytest.raises(InternalError, match="no field speed"):
        fields.PARTITION.pack(speed=1)
    with pytest.raises(InternalError, match="hold"):
        fields.PARTITION.pack(type=256)
    with pytest.raises(InternalError, match="lie at 2"):
        fields.Record(3, (0, "B", "a"), (2, "B", "b"))
    with pytest.raises(InternalError, match="3 bytes"):
        fields.Record(4, (0, "B", "a"), (1, "H", "b"))


def test_boot_sector_of_annex_a() -> None:
    """PS3.12 Table A.2-1 and Annex M, byte by byte."""
    image = laid_out(files_of(10), "fat16_mod_130")
    boot = bytes_at(image, 0, 512)
    sectors = image.size // 512
    assert boot[:3] == b"\xeb\x00\x90"
    assert boot[3:11] == b"MSDOS4.0"
    assert struct.unpack_from("<HBHBHHBHHHII", boot, 11) == (512, 64, 1, 2, 512, 0, 0xF8, 17, 62, 1, 0, sectors)
    assert boot[36:39] == b"\x00\x00\x29"
    assert boot[43:62] == b"FILESET_1  FAT16   "
    assert boot[510:] == b"\x55\xaa"


def test_boot_sector_of_the_small_magneto_optical_disk() -> None:
    """PS3.12 Annex Q."""
    boot = bytes_at(laid_out(files_of(10), "fat16_mod_90"), 0, 2048)
    assert struct.unpack_from("<HBHBHH", boot, 11) == (2048, 8, 1, 2, 512, 0)
    assert struct.unpack_from("<BHHH", boot, 21) == (0xF8, 5, 25, 1)


def test_boot_sectors_of_fat32() -> None:
    """FAT specification: two boot sectors, two FSInfo, free clusters counted."""
    image = laid_out(files_of(10, 0, 600), SMALL_32)
    start = 2048 * 512
    boot = bytes_at(image, start, 512)
    assert boot[:11] == b"\xeb\x58\x90MSWIN4.1"
    sector, cluster, reserved, fats, root, small, media = struct.unpack_from("<HBHBHHB", boot, 11)
    assert (sector, cluster, reserved, fats, root, small, media) == (512, 1, 32, 2, 0, 0, 0xF8)
    hidden, sectors, fat, flags, version, first, info, backup = struct.unpack_from("<IIIHHIHH", boot, 28)
    assert (hidden, flags, version, first, info, backup) == (2048, 0, 0, 2, 1, 6)
    assert (start + sectors * 512, fat * 128 >= 65541 + 2) == (image.size, True)
    assert bytes_at(image, start + 6 * 512, 3 * 512) == bytes_at(image, start, 3 * 512)
    free, following = struct.unpack_from("<II", bytes_at(image, start + 512, 512), 488)
    used = 1 + 1 + 1 + 2  # the root, DICOM, and the files
    assert (free, following) == (65541 - used, 2 + used)


def test_partition_table_of_a_stick() -> None:
    image = laid_out(files_of(10), "fat_stick")
    mbr = bytes_at(image, 0, 512)
    status, kind, start, sectors = struct.unpack_from("<B3xB3xII", mbr, 446)
    assert (status, kind, start, (start + sectors) * 512) == (0, 4, 2048, image.size)
    assert mbr[462:510] == bytes(48)
    assert mbr[510:] == b"\x55\xaa"
    assert mbr[440:444] != bytes(4)
    large = bytes_at(laid_out(files_of(10), "fat_stick", capacity=16 * 10**9), 0, 512)
    assert large[446 + 4] == 0x0C
    assert large[446 + 5 : 446 + 8] == b"\xfe\xff\xff"  # beyond what cylinders can say


def test_the_same_input_gives_the_same_bytes_and_another_one_another_serial() -> None:
    first, again = laid_out(files_of(10), "fat_stick"), laid_out(files_of(10), "fat_stick")
    assert first == again
    other = laid_out(files_of(11), "fat_stick")
    assert bytes_at(first, 440, 4) != bytes_at(other, 440, 4)


def test_files_lie_in_their_order_and_the_fat_counts_upwards() -> None:
    image = laid_out(files_of(2048, 0, 2049, 1), "fat_stick")
    assert image.align == 2048
    steps = [after - before for before, after in zip(image.offsets, image.offsets[1:], strict=False)]
    assert steps == [2048, 0, 4096]
    fats = [data for _, data in image.segments if data[:4] == b"\xf8\xff\xff\xff"]
    assert len(fats) == 2
    assert struct.unpack(f"<{len(fats[0]) // 2}H", fats[0])[2:] == (0xFFFF, 0xFFFF, 5, 0xFFFF, 0xFFFF)


def test_entries_of_directories() -> None:
    """8.3 names padded with spaces, dates, first clusters; . and .. before them."""
    placed = (PlacedFile(("README.TXT",), 3, CREATED), PlacedFile(("DICOM", "IM000000"), 5000, CREATED))
    image = laid_out(placed, "fat_stick")
    root = next(data for _, data in image.segments if data.startswith(b"FILESET_1  \x08"))
    directory = next(data for _, data in image.segments if data.startswith(b".          \x10"))
    date, time = (
        (2026 - 1980) << 9 | 3 << 5 | 4,
        5 << 11 | 6 << 5 | 3,
    )  # the wall clock of CREATED; 7 s are 3 and 100/100

    def unpacked(data: bytes) -> tuple[object, ...]:
        return struct.unpack("<11sBBBHHHHHHHI", data[:32])

    def expected(name: bytes, attributes: int, cluster: int, size: int) -> tuple[object, ...]:
        return (name, attributes, 0, 100, time, date, date, 0, time, date, cluster, size)

    assert unpacked(root) == expected(b"FILESET_1  ", 0x08, 0, 0)
    assert unpacked(root[32:]) == expected(b"README  TXT", 0x20, 3, 3)
    assert unpacked(root[64:]) == expected(b"DICOM      ", 0x10, 2, 0)
    assert unpacked(directory) == expected(b".          ", 0x10, 2, 0)
    assert unpacked(directory[32:]) == expected(b"..         ", 0x10, 0, 0)
    assert unpacked(directory[64:]) == expected(b"IM000000   ", 0x20, 4, 5000)
    assert len(directory) == 2048


def test_label_is_what_fits_of_the_file_set_id() -> None:
    assert volume_label("DICOM_20261125") == "DICOM_20261"
    assert b"NO NAME    FAT16   " in laid_out(files_of(1), "fat_stick", "").segments[1][1]
    root = dict(laid_out(files_of(1), "fat_stick", "").segments)
    assert not any(data[11:12] == b"\x08" for data in root.values())


@pytest.mark.parametrize(
    ("moment", "date", "time", "tenths"),
    [
        (datetime(1980, 1, 1, tzinfo=UTC), 0x21, 0, 0),
        (datetime(1970, 1, 1, 9, 9, 9, tzinfo=UTC), 0x21, 0, 0),
        (datetime(2107, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), 0xFF9F, 0xBF7D, 199),
        (datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=9))), 0x5C64, 0x28C3, 100),
    ],
)
def test_dates(moment: datetime, date: int, time: int, tenths: int) -> None:
    assert (fields.fat_date(moment), fields.fat_time(moment), fields.fat_tenths(moment)) == (date, time, tenths)


def test_dates_that_cannot_be() -> None:
    with pytest.raises(InternalError, match="2108"):
        fields.fat_date(datetime(2108, 1, 1, tzinfo=UTC))
    with pytest.raises(InternalError, match="time zone"):
        lay_out(files_of(1), kind=KINDS["fat_stick"], volume_id="X", created=datetime(2026, 1, 1))


@pytest.mark.parametrize(
    "path",
    [(), ("",), ("a",), ("A.",), (".A",), ("A.BCDE",), ("ABCDEFGHI",), ("A B",), ("A", "B.C", "D"), ("A", "", "B")],
)
def test_names_that_cannot_be_are_our_fault(path: tuple[str, ...]) -> None:
    with pytest.raises(InternalError):
        image_size([PlacedFile(path, 1, CREATED)], kind=KINDS["fat_stick"])


def test_two_of_one_name_are_our_fault() -> None:
    for paths in ((("A",), ("A",)), (("A",), ("A", "B")), (("A", "B"), ("A",))):
        with pytest.raises(InternalError, match="one name"):
            image_size([PlacedFile(path, 1, CREATED) for path in paths], kind=KINDS["fat_stick"])
    with pytest.raises(InternalError, match="File-set ID"):
        laid_out(files_of(1), "fat_stick", "lower")


def test_files_beyond_the_limits_are_refused_with_advice() -> None:
    """FAT32 ends at 4 GiB - 1, FAT16 at 2 GiB - 1 as systems of its time count."""
    assert laid_out(files_of(MAX_FILE[32]), "fat_stick").size > MAX_FILE[32]
    with pytest.raises(MediaTooSmall, match=r"4,294,967,296 bytes, FAT32 records at most 4,294,967,295.*BD with UDF"):
        laid_out(files_of(MAX_FILE[32] + 1), "fat_stick")
    assert laid_out(files_of(MAX_FILE[16]), "fat16_mod_130").size > MAX_FILE[16]
    with pytest.raises(MediaTooSmall, match="FAT16 records at most 2,147,483,647"):
        laid_out(files_of(MAX_FILE[16] + 1), "fat16_mod_130")


def test_more_than_fat16_holds_is_refused() -> None:
    """A card of SD 1.0 has FAT16 only: 65,508 clusters of 32 KiB."""
    half = 32_753 * 32_768
    most = 65_507 * 32_768  # one cluster is for DICOM
    assert laid_out(files_of(half, most - half), "fat16_card").size < 2.1 * GB
    with pytest.raises(MediaTooSmall, match=r"2,146,566,144 bytes that FAT16 can hold.*PS3\.12 T, U"):
        laid_out(files_of(half, most - half + 1), "fat16_card")


def test_root_directory_of_fat16_has_512_entries() -> None:
    """PS3.12 Table A.2-1, offset 17; the label takes one, where there is one."""
    files = tuple(PlacedFile((f"IM{number:06}",), 1, CREATED) for number in range(512))
    laid_out(files[:511], "fat16_card")
    laid_out(files, "fat16_card", "")
    with pytest.raises(MediaTooSmall, match="513 entries, FAT records at most 512"):
        laid_out(files, "fat16_card")


def test_a_directory_has_at_most_65_536_entries() -> None:
    files = files_of(*[0] * 65_535)
    with pytest.raises(MediaTooSmall, match="65537 entries"):
        image_size(files, kind=KINDS["fat_stick"])
    image_size(files[:-1], kind=KINDS["fat_stick"])


@pytest.mark.parametrize(
    ("size", "width", "cluster"),
    [
        (0, 16, 2048),
        (100 << 20, 16, 2048),
        (200 << 20, 16, 4096),
        (500 << 20, 16, 8192),
        (600 << 20, 32, 4096),
        (7 * GB, 32, 4096),
        (9 * GB, 32, 8192),
        (31 * GB, 32, 16384),
        (100 * GB, 32, 32768),
    ],
)
def test_width_and_clusters_by_the_size_of_the_medium(size: int, width: int, cluster: int) -> None:
    """The same whether content asks for it or the medium is that large."""

    def needed(width: int, cluster: int) -> int:
        return -(-size // cluster)

    for geometry in (smallest(KINDS["fat_stick"], needed), filling(KINDS["fat_stick"], lambda *_: 1, size or 10 << 20)):
        assert (geometry.size.width, geometry.cluster) == (width, cluster)


@pytest.mark.parametrize("kind", [*FAT_KINDS, SMALL_32])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_medium_of_the_computed_size_fits_and_a_sector_less_does_not(kind: str, data: st.DataObject) -> None:
    one = replace(KINDS[kind], clusters=(data.draw(st.sampled_from(KINDS[kind].clusters)),))
    width = one.clusters[0].width
    count = data.draw(st.integers(1, 65_000 if width == 16 else 400_000))

    def needed(_width: int, _cluster: int) -> int:
        return count

    least = smallest(one, needed)
    _check(least)
    exact = filling(one, needed, least.image)
    assert (exact.count, exact.image) == (least.count, least.image)
    with pytest.raises(MediaTooSmall, match=f"{least.image:,} bytes"):
        filling(one, needed, least.image - 1)
    larger = filling(one, needed, least.image + data.draw(st.integers(0, 1 << 24)))
    _check(larger)


def _check(geometry: Geometry) -> None:
    """FAT Type Determination, and a FAT that is long enough."""
    width = geometry.size.width
    assert (4085 <= geometry.count < 65525) if width == 16 else geometry.count >= 65525
    assert geometry.fat * geometry.kind.sector * 8 >= (geometry.count + 2) * width
    assert geometry.data + geometry.count * geometry.size.sectors <= geometry.sectors
    if width == 32:
        assert geometry.data % geometry.size.sectors == 0


def test_a_medium_larger_than_fat16_leaves_the_rest_unused() -> None:
    image = laid_out(files_of(10), "fat16_card", capacity=8 * 10**9)
    assert image.size < 2.2 * 10**9


def test_a_medium_too_small_to_be_formatted_is_refused() -> None:
    with pytest.raises(MediaTooSmall, match="holds 3,000,000"):
        laid_out(files_of(10), "fat_stick", capacity=3_000_000)
    with pytest.raises(MediaTooSmall, match="holds 100"):
        laid_out(files_of(10), "fat_stick", capacity=100)


def test_more_sectors_than_can_be_counted() -> None:
    kind = FatKind(512, (Clusters(32, 64),), 2048, False, 63, 255, "")
    assert filling(kind, lambda *_: 1, 3 << 40).image <= (2**32 - 1) * 512
    with pytest.raises(MediaTooSmall):
        smallest(kind, lambda *_: (2 << 40) // 32768)
