"""Layout of UDF images: exact sizes, ascending files, what each clause asks for. UDF 1.02 to 2.60, PS3.12 J, P, X."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mediacreator.errors import InternalError, MediaTooSmall
from mediacreator.formats.placing import PlacedFile
from mediacreator.formats.udf_writer import image_size, lay_out
from tests.discs import CREATED
from tests.udf import BLOCK, REVISIONS, Found, descriptors, files_of, placed

TREE = {"DICOMDIR": b"d" * 5000, "DICOM/B/IM2": b"2" * 2048, "DICOM/A/IM1": b"1", "README.TXT": b"", "Z": b"z" * 2049}
PRIMARY, ANCHOR, PARTITION, LOGICAL, INTEGRITY, FILE_SET, ENTRY, EXTENDED = 1, 2, 5, 6, 9, 256, 261, 266


def found_in(revision: str, volume_id: str = "FILESET_1") -> list[Found]:
    placement = placed(TREE, revision, volume_id)
    image = bytearray(placement.size)
    for offset, data in placement.segments:
        image[offset : offset + len(data)] = data
    return list(descriptors(bytes(image)))


def one(found: list[Found], tag: int) -> bytes:
    return next(descriptor.data for descriptor in found if descriptor.tag == tag)


@pytest.mark.parametrize("revision", REVISIONS)
def test_data_ascends_in_the_order_given_and_sizes_are_exact(revision: str) -> None:
    placement = placed(TREE, revision)
    begin = placement.offsets[0]
    assert placement.offsets == tuple(begin + blocks * BLOCK for blocks in (0, 3, 4, 5, 5))
    assert placement.size == image_size(files_of(TREE), revision=revision)
    ends = [offset + len(data) for offset, data in placement.segments]
    assert all(end <= after for end, (after, _) in zip(ends, placement.segments[1:], strict=False))
    assert not any(begin <= offset < begin + 7 * BLOCK for offset, _ in placement.segments)
    assert placement == placed(TREE, revision)


@pytest.mark.parametrize("revision", REVISIONS)
def test_volume_has_two_anchors_and_two_sequences(revision: str) -> None:
    """UDF 2.2.3: two of three anchors; a drive that fills its last cluster with zeros must not hide the last one."""
    found = found_in(revision)
    total = placed(TREE, revision).size // BLOCK
    anchors = [descriptor.block for descriptor in found if descriptor.tag == ANCHOR]
    main, reserve = struct.unpack_from("<4xI4xI", one(found, ANCHOR), 16)
    assert anchors == [256, total - 1]
    assert total % (32 if revision in ("2.50", "2.60") else 16) == 0
    for start in (main, reserve):
        sequence = [descriptor for descriptor in found if start <= descriptor.block < start + 16]
        assert [descriptor.tag for descriptor in sequence] == [1, 4, 5, 6, 7, 8]
        assert [descriptor.location for descriptor in sequence] == [*range(start, start + 6)]
    assert {descriptor.version for descriptor in found} == {2 if revision < "2" else 3}


@pytest.mark.parametrize("revision", REVISIONS)
def test_revision_levels_and_access_are_recorded(revision: str) -> None:
    """PS3.12 J.2.1, P.2.1, X.2.1; UDF 2.1.5.3, 2.2.6, 2.2.14."""
    found = found_in(revision)
    number = int(revision.replace(".", ""), 16)
    assert struct.unpack_from("<4H", one(found, PRIMARY), 56) == (1, 1, 2, 2)
    assert one(found, PARTITION)[24:31] == (b"\0+NSR02" if revision < "2" else b"\0+NSR03")
    assert struct.unpack_from("<I", one(found, PARTITION), 184) == (1,)
    for descriptor in (one(found, LOGICAL)[216:248], one(found, FILE_SET)[416:448]):
        assert descriptor[:20] == b"\0*OSTA UDF Compliant"
        assert struct.unpack_from("<H", descriptor, 24) == (number,)
    partitions = 2 if revision in ("2.50", "2.60") else 1
    counts = struct.unpack_from("<IIHHH", one(found, INTEGRITY), 80 + 8 * partitions + 32)
    assert counts == (5, 4, min(number, 0x250), number, number)
    assert struct.unpack_from("<I", one(found, LOGICAL), 268) == (partitions,)


@pytest.mark.parametrize(("revision", "directory"), [("1.50", 0x56B5), ("2.60", 0x5EF7)])
def test_everybody_may_read_write_and_delete(revision: str, directory: int) -> None:
    """PS3.12 J.2.1 and X.2.1; the bits are those of ECMA-167 4/14.9.5."""
    found = found_in(revision)
    entries = [descriptor.data for descriptor in found if descriptor.tag in (ENTRY, EXTENDED)]
    rights = Counter((data[27], struct.unpack_from("<I", data, 44)[0]) for data in entries)
    copies = 2 if revision == "2.60" else 1
    assert rights[5, 0x5AD6] == 5 * copies
    assert rights[4, directory] == 4 * copies
    assert set(rights) <= {(5, 0x5AD6), (4, directory), (250, 0), (251, 0)}


def test_identifiers_are_the_file_set_id_and_never_empty_where_udf_forbids_it() -> None:
    for volume_id in ("FILESET_1", ""):
        found = found_in("1.50", volume_id)
        primary, logical = one(found, PRIMARY), one(found, LOGICAL)
        assert primary[24:56].rstrip(b"\0") == (b"\x08FILESET_1" + bytes(21) + b"\x0a" if volume_id else b"")
        assert logical[84 : 84 + 10] == (b"\x08FILESET_1" if volume_id else primary[72:82])
        assert primary[73:89].isalnum()
        assert len(primary[73:89]) == 16


def test_another_content_has_another_volume_set_identifier() -> None:
    first, second = (one(list(found_in("1.50", name)), PRIMARY)[72:89] for name in ("A", "B"))
    assert first != second


def test_metadata_and_its_mirror_are_equal_and_far_apart() -> None:
    """UDF 2.2.13: a scratch must not take both copies."""
    placement = placed(TREE, "2.60")
    by_offset = dict(placement.segments)
    sets = [offset for offset, data in placement.segments if data[:2] == b"\x00\x01" and len(data) == 512]
    first, second = sets
    assert first < placement.offsets[0] < placement.offsets[-1] < second
    copied = [(offset - first, data) for offset, data in placement.segments if first <= offset < placement.offsets[0]]
    assert all(by_offset[second + offset] == data for offset, data in copied)
    assert len(copied) == 2 + 2 * 4 + 5


def test_large_files_take_extents_of_whole_blocks() -> None:
    """ECMA-167 4/14.14.1: 30 bits of length."""
    size = (9 << 30) + 5
    placement = lay_out([PlacedFile(("BIG",), size, CREATED)], volume_id="X", created=CREATED, revision="1.50")
    entry = next(data for _, data in placement.segments if data[:2] == b"\x05\x01" and data[27] == 5)
    count = struct.unpack_from("<I", entry, 172)[0] // 8
    extents = [struct.unpack_from("<II", entry, 176 + 8 * number) for number in range(count)]
    assert sum(length for length, _ in extents) == size
    assert all(length < 1 << 30 and length % BLOCK == 0 for length, _ in extents[:-1])
    assert [block for _, block in extents[1:]] == [block + length // BLOCK for length, block in extents[:-1]]
    assert struct.unpack_from("<QQ", entry, 56) == (size, -(-size // BLOCK))


def test_file_that_one_entry_cannot_record_is_refused() -> None:
    with pytest.raises(MediaTooSmall):
        image_size([PlacedFile(("BIG",), 123 << 30, CREATED)], revision="2.60")


@pytest.mark.parametrize("paths", [("A", "A"), ("A/B", "A"), ("A", "a"), ("A//B",), ("..",), ("A/B/C/D/E/F/G/H/I",)])
def test_what_cannot_be_recorded_is_refused(paths: tuple[str, ...]) -> None:
    with pytest.raises(InternalError):
        image_size([PlacedFile(tuple(path.split("/")), 1, CREATED) for path in paths])


@pytest.mark.parametrize("volume_id", ["lower", "A-B", "X" * 17])
def test_volume_identifier_is_a_file_set_id(volume_id: str) -> None:
    with pytest.raises(InternalError):
        placed(TREE, volume_id=volume_id)


def test_dates_carry_their_zone() -> None:
    """ECMA-167 1/7.3: minutes east of Greenwich."""
    files = [replace(file, created=CREATED + timedelta(seconds=1)) for file in files_of({"A": b"a"})]
    placement = lay_out(files, volume_id="X", created=CREATED, revision="1.50")
    entry = next(data for _, data in placement.segments if data[:2] == b"\x05\x01" and data[27] == 5)
    assert struct.unpack_from("<Hh8B", entry, 84) == (0x1000 | 120, 2026, 3, 4, 5, 6, 8, 0, 0, 0)
    with pytest.raises(InternalError):
        lay_out(files, volume_id="X", created=datetime(2026, 1, 1), revision="1.50")
