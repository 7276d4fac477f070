"""Icons as values of Icon Image Sequence: pydicom and the validator read ours, and the validator refuses bad ones."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_sequence
from pydicom.filewriter import write_sequence

from mediacreator.icons.encoding import icon_value
from mediacreator.model import Finding
from mediacreator.rules.claim import load_claim
from mediacreator.rules.profile import IconRule
from mediacreator.validate.icons import ICON, check_icon
from tests.unit.icons.shown import Pixels, rule

XABC, XA1K, CTMR, GENERAL = "STD-XABC-CD", "STD-XA1K-CD", "STD-CTMR-CD", "STD-GEN-CD"


def light(rows: int = 64, columns: int = 64) -> Pixels:
    return np.random.default_rng(4).integers(0, 256, (rows, columns)).astype(np.uint8)


def read(value: bytes) -> Dataset:
    """Return the one item, read by pydicom."""
    (item,) = read_sequence(BytesIO(value), False, True, len(value), "ascii")
    return item


def written(item: Dataset, *more: Dataset) -> bytes:
    """Return items as pydicom writes them."""
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    holder = Dataset()
    holder.IconImageSequence = [item, *more]
    write_sequence(stream, holder["IconImageSequence"], ["ascii"])
    return stream.getvalue()


class Record:
    """A Directory Record as far as the check looks at it."""

    def __init__(self, kind: str) -> None:
        self.type, self.location = kind, "DICOM/IM000001"


def check(value: bytes | None, *profiles: str, record: str = "IMAGE", required: bool = False) -> list[Finding]:
    values = {} if value is None else {ICON: value}
    several = [profile for one in profiles for profile in load_claim(one).profiles]
    return list(check_icon(Record(record), values, several, required=required))  # type: ignore[arg-type]


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


# What is written


@given(st.integers(1, 40), st.integers(1, 40))
def test_pydicom_reads_the_pixels_that_were_drawn(rows: int, columns: int) -> None:
    pixels = light(rows, columns)

    value = icon_value(pixels, rule(rows, columns))

    item = read(value)
    assert len(value) % 2 == 0
    assert (item.Rows, item.Columns, item.SamplesPerPixel) == (rows, columns, 1)
    assert (item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation) == (8, 8, 7, 0)
    assert item.PhotometricInterpretation == "MONOCHROME2"
    assert item["PixelData"].VR == "OB"
    assert item.PixelData[: rows * columns] == pixels.tobytes()
    assert not check(value, GENERAL)


def test_the_elements_stand_in_the_order_of_their_tags() -> None:
    item = read(icon_value(light(), rule(64, photometric=("PALETTE COLOR",))))

    tags = [element.tag for element in item]
    assert tags == sorted(tags)
    assert written(item) == icon_value(light(), rule(64, photometric=("PALETTE COLOR",)))


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ((), "MONOCHROME2"),
        (("MONOCHROME2", "PALETTE COLOR"), "MONOCHROME2"),
        (("PALETTE COLOR", "MONOCHROME1"), "PALETTE COLOR"),
        (("MONOCHROME1",), "MONOCHROME1"),
    ],
)
def test_it_is_of_a_kind_that_the_rule_allows_and_looks_the_same(allowed: tuple[str, ...], expected: str) -> None:
    pixels = light()

    value = icon_value(pixels, rule(64, photometric=allowed))

    item = read(value)
    stored = np.frombuffer(item.PixelData, np.uint8).reshape(64, 64)
    assert item.PhotometricInterpretation == expected
    assert not check(value, GENERAL)
    if expected == "PALETTE COLOR":
        for colour in ("Red", "Green", "Blue"):
            assert getattr(item, f"{colour}PaletteColorLookupTableDescriptor") == [256, 0, 16]
            levels = np.frombuffer(getattr(item, f"{colour}PaletteColorLookupTableData"), "<u2")
            assert (levels[stored] // 257 == pixels).all()
    else:
        assert (stored == (255 - pixels if expected == "MONOCHROME1" else pixels)).all()


def test_of_one_bit_the_first_pixel_is_the_least() -> None:
    pixels = np.zeros((3, 5), np.uint8)
    pixels[0, 0] = pixels[2, 4] = 200

    value = icon_value(pixels, rule(3, 5, bits=1))

    item = read(value)
    assert (item.BitsAllocated, item.BitsStored, item.HighBit) == (1, 1, 0)
    assert item.PixelData == b"\x01\x40"
    assert not check(value, GENERAL)


def profile_rule(profile: str) -> IconRule:
    (found,) = load_claim(profile).profiles[0].directory.icons
    return found


@pytest.mark.parametrize(("profile", "size"), [(XABC, 128), (XA1K, 128), (CTMR, 64)])
def test_each_profile_accepts_the_icons_that_are_made_for_it(profile: str, size: int) -> None:
    """PS3.11 A.3.3.2, B.3.3.2, E.3.3.3."""
    asked = profile_rule(profile)

    assert (asked.rows, asked.columns, asked.bits, asked.required) == (size, size, 8, profile != CTMR)
    for record in asked.records:
        assert not check(icon_value(light(size, size), asked), profile, record=record)


# What is refused


def item(size: int = 128, **changed: Any) -> bytes:
    """Return an icon made by pydicom, some attributes other than they should be; None removes one."""
    made = read(icon_value(light(size, size), rule(size)))
    for keyword, value in changed.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    return written(made)


def test_an_icon_of_pydicoms_is_accepted() -> None:
    assert not check(item(), XABC, XA1K)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SamplesPerPixel": 3}, "Samples per Pixel is 3"),
        ({"SamplesPerPixel": None}, "Samples per Pixel is absent"),
        ({"PhotometricInterpretation": "RGB"}, "Photometric Interpretation is RGB"),
        ({"PhotometricInterpretation": None}, "Photometric Interpretation is absent"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "its palette is not whole"),
        ({"PlanarConfiguration": 0}, "Planar Configuration is present"),
        ({"BitsAllocated": 16}, "Bits Allocated and Stored are 16 and 8"),
        ({"BitsStored": 7}, "Bits Allocated and Stored are 8 and 7"),
        ({"BitsStored": None}, "Bits Allocated and Stored are 8 and absent"),
        ({"HighBit": 6}, "High Bit is 6"),
        ({"PixelRepresentation": 1}, "Pixel Representation is 1"),
        ({"PixelAspectRatio": [2, 1]}, "Pixel Aspect Ratio is not 1:1"),
        ({"PixelData": bytes(128 * 128 - 2)}, "Pixel Data has 16382 bytes for 128 rows and 128 columns"),
        ({"PixelData": bytes(128 * 128 + 2)}, "Pixel Data has 16386 bytes"),
        ({"PixelData": None}, "Pixel Data has 0 bytes"),
        ({"Rows": None}, "Pixel Data has 16384 bytes for 0 rows"),
        ({"Columns": 64}, "Pixel Data has 16384 bytes for 128 rows and 64 columns"),
    ],
)
def test_an_icon_that_is_not_as_f7_says_is_malformed(changed: dict[str, Any], said: str) -> None:
    findings = check(item(**changed), GENERAL)

    assert set(codes(findings)) == {"icon-malformed"}
    assert any(said in finding.what for finding in findings)
    assert {finding.clause for finding in findings} == {"PS3.3 F.7"}


def test_equal_sides_of_a_pixel_may_be_said() -> None:
    assert not check(item(PixelAspectRatio=[1, 1]), GENERAL)


def test_an_icon_has_one_item() -> None:
    made = read(item())

    assert codes(check(written(made, made), GENERAL)) == ["icon-malformed"]
    assert codes(check(b"\xfe\xff\x00\xe0\x10\0\0\0junk", GENERAL)) == ["icon-malformed"]


@pytest.mark.parametrize(
    ("profile", "value", "code"),
    [
        (XABC, item(64), "icon-size"),
        (XA1K, item(64), "icon-size"),
        (CTMR, item(128), "icon-size"),
        (XA1K, item(PhotometricInterpretation="MONOCHROME1"), "icon-photometric"),
        (CTMR, item(64, PhotometricInterpretation="MONOCHROME1"), "icon-photometric"),
        (
            XABC,
            item(BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=bytes(128 * 128 // 8)),
            "icon-bits",
        ),
    ],
)
def test_an_icon_that_a_profile_forbids_is_refused(profile: str, value: bytes, code: str) -> None:
    (finding,) = check(value, profile)

    assert finding.code == code
    assert finding.clause == profile_rule(profile).clause
    assert finding.location == "DICOM/IM000001"
    assert not check(value, GENERAL)


def test_xabc_leaves_the_kind_to_f7() -> None:
    assert not check(item(PhotometricInterpretation="MONOCHROME1"), XABC)


@pytest.mark.parametrize(("profile", "missing"), [(XABC, True), (XA1K, True), (CTMR, False), (GENERAL, False)])
def test_an_icon_that_must_be_there_is_missed(profile: str, missing: bool) -> None:
    assert codes(check(None, profile)) == ["icon-missing"] * missing
    assert codes(check(b"", profile)) == ["icon-missing"]  # the sequence is there without an item
    assert not check(None, profile, record="SERIES")


def test_a_key_table_may_ask_for_an_icon_too() -> None:
    assert codes(check(None, GENERAL, required=True)) == ["icon-missing"]
