"""A DICOMDIR of two records, byte by byte (PS3.10 7.1, PS3.3 Table F.3-3): offsets in decimal from byte 0."""

from __future__ import annotations

from mediacreator.dicomio.walker import walk

META = (
    "02 00 00 00 55 4c 04 00 46 00 00 00",  # 132 (0002,0000) UL: 70 bytes follow in group 0002
    "02 00 02 00 55 49 14 00",  # 144 (0002,0002) UI, 20 bytes
    "31 2e 32 2e 38 34 30 2e 31 30 30 30 38 2e 31 2e 33 2e 31 30",  # 1.2.840.10008.1.3.10
    "02 00 03 00 55 49 06 00 32 2e 32 35 2e 37",  # 172 (0002,0003) UI: 2.25.7, the File-set UID
    "02 00 10 00 55 49 14 00",  # 186 (0002,0010) UI, 20 bytes
    "31 2e 32 2e 38 34 30 2e 31 30 30 30 38 2e 31 2e 32 2e 31 00",  # 1.2.840.10008.1.2.1 and padding
    # 214 = 144 + 70
)
HEAD = (
    "04 00 30 11 43 53 04 00 47 4f 4c 44",  # 214 (0004,1130) CS: GOLD
    "04 00 00 12 55 4c 04 00 10 01 00 00",  # 226 (0004,1200) UL: first root record at 272
    "04 00 02 12 55 4c 04 00 10 01 00 00",  # 238 (0004,1202) UL: last root record at 272
    "04 00 12 12 55 53 02 00 00 00",  # 250 (0004,1212) US: 0000H
    "04 00 20 12 53 51 00 00 c2 00 00 00",  # 260 (0004,1220) SQ: 194 bytes
)
PATIENT = (
    "fe ff 00 e0 44 00 00 00",  # 272 item, 68 bytes
    "04 00 00 14 55 4c 04 00 00 00 00 00",  # (0004,1400) UL: 0, no next record
    "04 00 10 14 55 53 02 00 ff ff",  # (0004,1410) US: in use
    "04 00 20 14 55 4c 04 00 5c 01 00 00",  # (0004,1420) UL: what is below begins at 348
    "04 00 30 14 43 53 08 00 50 41 54 49 45 4e 54 20",  # (0004,1430) CS: PATIENT and padding
    "10 00 10 00 50 4e 02 00 58 20",  # (0010,0010) PN: X and padding
    "10 00 20 00 4c 4f 00 00",  # (0010,0020) LO: empty
)
IMAGE = (
    "fe ff 00 e0 6e 00 00 00",  # 348 item, 110 bytes
    "04 00 00 14 55 4c 04 00 00 00 00 00",
    "04 00 10 14 55 53 02 00 ff ff",
    "04 00 20 14 55 4c 04 00 00 00 00 00",
    "04 00 30 14 43 53 08 00 50 52 49 56 41 54 45 20",  # (0004,1430) CS: PRIVATE and padding
    "04 00 32 14 55 49 06 00 32 2e 32 35 2e 38",  # (0004,1432) UI: 2.25.8
    "04 00 00 15 43 53 04 00 41 5c 42 43",  # (0004,1500) CS: A\BC
    "04 00 10 15 55 49 04 00 31 2e 32 33",  # (0004,1510) UI: 1.23
    "04 00 11 15 55 49 02 00 31 00",  # (0004,1511) UI: 1 and padding
    "04 00 12 15 55 49 04 00 31 2e 32 00",  # (0004,1512) UI: 1.2 and padding
    # 466
)


def test_every_byte_of_two_records() -> None:
    data = bytes(128) + b"DICM" + bytes.fromhex(" ".join((*META, *HEAD, *PATIENT, *IMAGE)))
    directory = walk(data)

    assert len(data) == 466
    assert directory.findings == ()
    assert (directory.file_set_id, directory.file_set_uid, directory.consistency_flag) == ("GOLD", "2.25.7", 0)
    assert directory.roots == (0,)
    assert directory.children == ((1,), ())
    patient, private = directory.records
    assert (patient.type, patient.offset, patient.end, patient.lower_offset) == ("PATIENT", 272, 348, 348)
    assert patient.values[0x00100010] == b"X "
    assert patient.values[0x00100020] == b""
    assert patient.text(0x00100010, "PN") == "X"
    assert (private.type, private.offset, private.end, private.parent) == ("PRIVATE", 348, 466, 0)
    assert private.file_id == ("A", "BC")
    assert (private.sop_class_uid, private.sop_instance_uid, private.transfer_syntax_uid) == ("1.23", "1", "1.2")
    assert list(private.values) == [
        0x00041400,
        0x00041410,
        0x00041420,
        0x00041430,
        0x00041432,
        0x00041500,
        0x00041510,
        0x00041511,
        0x00041512,
    ]
