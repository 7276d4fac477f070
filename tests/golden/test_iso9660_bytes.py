"""A whole small image, its descriptor and records byte by byte as PS3.12 Annex F and ECMA-119 place them.

BP n of the text is index n - 1 here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.discs import CREATED, image, sha256

RECORD_DATE = bytes((126, 3, 4, 5, 6, 7, 8))  # 2026-03-04 05:06:07, 8 quarters of an hour east (9.1.5)
VOLUME_DATE = b"2026030405060700\x08"  # 8.4.26.1


@pytest.fixture
def raw(tmp_path: Path) -> bytes:
    assert CREATED.isoformat() == "2026-03-04T05:06:07+02:00"
    written = image(tmp_path, {"DICOMDIR": b"d" * 2049, "DICOM/IM000000": b"i" * 10, "README.TXT": b"r"}, "FS_01")
    return Path(written.path).read_bytes()


def both(number: int, size: int) -> bytes:
    return number.to_bytes(size, "little") + number.to_bytes(size, "big")


# System area 16, PVD, terminator, a sector of zeros, path tables 2 + 2, root, DICOM, data 2 + 1 + 1.
ROOT, DICOM, DATA, COUNT = 23, 24, 25, 29


def test_system_area_is_empty(raw: bytes) -> None:
    """ECMA-119 6.2.1: no boot code, nothing a partition table could be read from."""
    assert raw[: 16 * 2048] == bytes(16 * 2048)
    assert len(raw) == COUNT * 2048


def test_primary_volume_descriptor(raw: bytes) -> None:
    pvd = raw[16 * 2048 : 17 * 2048]
    expected = b"".join(
        (
            b"\x01CD001\x01\x00",  # BP 1-8: type, standard identifier, version, unused
            b" " * 32,  # BP 9-40: System Identifier, all spaces (PS3.12 F.2.2.1)
            b"FS_01".ljust(32),  # BP 41-72: Volume Identifier is the File-set ID (PS3.12 F.1.1)
            bytes(8),  # BP 73-80
            both(COUNT, 4),  # BP 81-88: Volume Space Size in blocks
            bytes(32),  # BP 89-120: no escape sequences in a PVD
            both(1, 2) + both(1, 2),  # BP 121-128: one volume, the first
            both(2048, 2),  # BP 129-132: Logical Block Size
            both(10 + 14, 4),  # BP 133-140: Path Table Size: root 10, DICOM 8 + 5 + 1
            (19).to_bytes(4, "little") + bytes(4),  # BP 141-148: Type L Path Table, no second one
            (21).to_bytes(4, "big") + bytes(4),  # BP 149-156: Type M Path Table
            # BP 157-190: Directory Record for Root Directory
            b"\x22\x00" + both(ROOT, 4) + both(2048, 4) + RECORD_DATE + b"\x02\x00\x00" + both(1, 2) + b"\x01\x00",
            b" " * 128 * 3,  # BP 191-574: Volume Set, Publisher, Data Preparer
            b"MEDIACREATOR".ljust(128),  # BP 575-702: Application Identifier, a-characters
            b" " * 37 * 3,  # BP 703-813: Copyright, Abstract, Bibliographic File
            VOLUME_DATE,  # BP 814-830: creation
            VOLUME_DATE,  # BP 831-847: modification
            b"0" * 16 + b"\x00",  # BP 848-864: never expires
            VOLUME_DATE,  # BP 865-881: effective
            b"\x01\x00",  # BP 882-883: File Structure Version
            b" " * 512,  # BP 884-1395: application use
            bytes(653),  # BP 1396-2048
        )
    )
    assert len(expected) == 2048
    assert pvd == expected


def test_no_other_descriptors(raw: bytes) -> None:
    """No Joliet, no boot record: the terminator follows at once. Source: PS3.12 F.2.2."""
    assert raw[17 * 2048 : 18 * 2048] == b"\xffCD001\x01" + bytes(2041)
    assert raw[18 * 2048 : 19 * 2048] == bytes(2048)
    assert raw.count(b"CD001") == 2


def test_path_tables(raw: bytes) -> None:
    """ECMA-119 9.4: length, EAR, extent, parent, identifier; the same twice, in both byte orders."""
    for sector, order in ((19, "little"), (21, "big")):
        assert order in ("little", "big")
        number = lambda value, size, order=order: value.to_bytes(size, order)  # noqa: E731 - reads as the table does
        table = b"\x01\x00" + number(ROOT, 4) + number(1, 2) + b"\x00\x00"
        table += b"\x05\x00" + number(DICOM, 4) + number(1, 2) + b"DICOM\x00"
        assert raw[sector * 2048 : (sector + 2) * 2048] == table.ljust(4096, b"\0")


def record(length: int, sector: int, size: int, flags: int, name: bytes) -> bytes:
    """BP 1 length, 2 EAR length 0 (PS3.12 F.1.3), 3 extent, 11 size, 19 date, 26 flags, 27 interleaving, 29 volume."""
    fixed = bytes((length, 0)) + both(sector, 4) + both(size, 4) + RECORD_DATE + bytes((flags, 0, 0)) + both(1, 2)
    return (fixed + bytes((len(name),)) + name).ljust(length, b"\0")


def test_root_directory(raw: bytes) -> None:
    """Names as PS3.12 F.1.2.1 asks: files NAME.;1, directories bare; flags 0 for files (F.1.3), 2 for directories."""
    expected = (
        record(34, ROOT, 2048, 2, b"\x00")
        + record(34, ROOT, 2048, 2, b"\x01")
        + record(38, DICOM, 2048, 2, b"DICOM")
        + record(44, DATA, 2049, 0, b"DICOMDIR.;1")
        + record(46, DATA + 3, 1, 0, b"README.TXT;1")
    )
    assert raw[ROOT * 2048 : (ROOT + 1) * 2048] == expected.ljust(2048, b"\0")


def test_sub_directory_and_data(raw: bytes) -> None:
    expected = (
        record(34, DICOM, 2048, 2, b"\x00")
        + record(34, ROOT, 2048, 2, b"\x01")
        + record(44, DATA + 2, 10, 0, b"IM000000.;1")
    )
    assert raw[DICOM * 2048 : DATA * 2048] == expected.ljust(2048, b"\0")
    # In the order given, not in that of names; filled up with zeros.
    data = (b"d" * 2049).ljust(4096, b"\0") + (b"i" * 10).ljust(2048, b"\0") + b"r".ljust(2048, b"\0")
    assert raw[DATA * 2048 :] == data
    assert sha256(raw[DATA * 2048 : DATA * 2048 + 2049]) == sha256(b"d" * 2049)
