"""The smallest DICOMDIR with a tree, byte for byte (PS3.3 F.3.2.2, PS3.10 7.1, 8.6)."""

from __future__ import annotations

import pytest

from mediacreator.dicomio.dicomdir import encode_dicomdir
from mediacreator.dicomio.elements import encode_element
from mediacreator.dicomio.filemeta import preamble_and_meta
from mediacreator.errors import InternalError

UID = "2.25.1"


def record(kind: str) -> bytes:
    return encode_element(0x00041430, "CS", kind.encode())


def u32(number: int) -> bytes:
    return number.to_bytes(4, "little")


def test_offsets_and_lengths_are_right() -> None:
    """Two patients, the first with a study: next, lower, first and last offsets count from the preamble."""
    meta = preamble_and_meta("1.2.840.10008.1.3.10", UID, "1.2.840.10008.1.2.1")
    body = {"PATIENT": record("PATIENT"), "STUDY": record("STUDY")}  # 8 + 8 and 8 + 6 bytes
    first = len(meta) + (8 + 4) + (8 + 4) + (8 + 4) + (8 + 2) + 12  # File-set ID, three roots, sequence header
    study = first + 8 + 34 + len(body["PATIENT"])
    second = study + 8 + 34 + len(body["STUDY"])
    end = second + 8 + 34 + len(body["PATIENT"])

    def item(kind: str, following: int, lower: int) -> bytes:
        return (
            b"\xfe\xff\x00\xe0" + u32(34 + len(body[kind]))  # item (PS3.5 7.5)
            + b"\x04\x00\x00\x14UL\x04\x00" + u32(following)  # (0004,1400) next record of the entity
            + b"\x04\x00\x10\x14US\x02\x00\xff\xff"  # (0004,1410) in use: FFFFH only
            + b"\x04\x00\x20\x14UL\x04\x00" + u32(lower)  # (0004,1420) lower level entity
            + body[kind]  # (0004,1430) and keys
        )  # fmt: skip

    expected = (
        meta
        + b"\x04\x00\x30\x11CS\x04\x00DISC"  # (0004,1130) File-set ID
        + b"\x04\x00\x00\x12UL\x04\x00" + u32(first)  # (0004,1200) first root record
        + b"\x04\x00\x02\x12UL\x04\x00" + u32(second)  # (0004,1202) last root record
        + b"\x04\x00\x12\x12US\x02\x00\x00\x00"  # (0004,1212) consistency flag: 0000H only
        + b"\x04\x00\x20\x12SQ\x00\x00" + u32(end - first)  # (0004,1220) directory records
        + item("PATIENT", second, study)
        + item("STUDY", 0, 0)
        + item("PATIENT", 0, 0)
    )  # fmt: skip

    made = encode_dicomdir("DISC", UID, [(0, body["PATIENT"]), (1, body["STUDY"]), (0, body["PATIENT"])])

    assert made == expected
    assert len(made) == end


def test_an_empty_directory_has_offsets_zero() -> None:
    made = encode_dicomdir("", UID, [])
    assert made.endswith(
        b"\x04\x00\x30\x11CS\x00\x00"
        b"\x04\x00\x00\x12UL\x04\x00\0\0\0\0"
        b"\x04\x00\x02\x12UL\x04\x00\0\0\0\0"
        b"\x04\x00\x12\x12US\x02\x00\0\0"
        b"\x04\x00\x20\x12SQ\0\0\0\0\0\0"
    )


def test_a_record_below_nothing_is_our_fault() -> None:
    with pytest.raises(InternalError):
        encode_dicomdir("", UID, [(0, record("PATIENT")), (2, record("SERIES"))])
