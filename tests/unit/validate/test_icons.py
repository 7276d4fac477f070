"""Icons of a DICOMDIR, each rule of PS3.3 F.7 broken once; what profiles ask for besides stands in test_codes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from tests.filesets import FileSet, icon_of, removing, setting
from tests.unit.validate.checked import check, sound

GENERAL = partial(sound, "STD-GEN-CD", "ANY CT")


def with_icons(*icons: Dataset) -> FileSet:
    fs = GENERAL()
    fs.of("IMAGE").record.IconImageSequence = Items(icons)
    return fs


def changed(icon: Dataset, *removed: str, **values: object) -> Dataset:
    setting(**values)(icon)
    for keyword in removed:
        removing(keyword)(icon)
    return icon


@pytest.mark.parametrize(
    "icon",
    [
        icon_of(64),
        icon_of(1),
        icon_of(17),  # an odd number of bytes is padded
        icon_of(200),
        icon_of(64, bits=1),
        icon_of(3, bits=1),
        icon_of(64, photometric="MONOCHROME1"),
        icon_of(64, photometric="PALETTE COLOR"),
        icon_of(64, PixelAspectRatio=["1", "1"]),
        icon_of(64, Columns=32, PixelData=bytes(64 * 32)),
    ],
)
def test_an_icon_of_any_size_may_be_there(icon: Dataset, tmp_path: Path) -> None:
    said, found = check(with_icons(icon), tmp_path)
    assert (said.conforms, found) == (True, [])


@pytest.mark.parametrize(
    ("icon", "words"),
    [
        (icon_of(64, SamplesPerPixel=3), "Samples per Pixel is 3"),
        (changed(icon_of(64), "SamplesPerPixel"), "Samples per Pixel is absent"),
        (icon_of(64, photometric="RGB"), "Photometric Interpretation is RGB"),
        (changed(icon_of(64), "PhotometricInterpretation"), "Photometric Interpretation is absent"),
        (icon_of(64, PlanarConfiguration=0), "Planar Configuration is present"),
        (icon_of(64, bits=16), "Bits Allocated and Stored are 16 and 16"),
        (icon_of(64, BitsStored=7), "Bits Allocated and Stored are 8 and 7"),
        (icon_of(64, HighBit=6), "High Bit is 6"),
        (icon_of(64, PixelRepresentation=1), "Pixel Representation is 1"),
        (changed(icon_of(64, photometric="PALETTE COLOR"), "RedPaletteColorLookupTableData"), "palette is not whole"),
        (icon_of(64, bits=1, photometric="PALETTE COLOR"), "palette is not whole, or Bits Allocated is not 8"),
        (icon_of(64, PixelAspectRatio=["1", "2"]), "Pixel Aspect Ratio is not 1:1"),
        (icon_of(64, PixelData=bytes(100)), "Pixel Data has 100 bytes for 64 rows and 64 columns"),
        (changed(icon_of(64), "PixelData"), "Pixel Data has 0 bytes"),
        (changed(icon_of(64), "Rows"), "for 0 rows and 64 columns"),
    ],
)
def test_each_fault_of_an_icon_is_named(icon: Dataset, words: str, tmp_path: Path) -> None:
    fs = with_icons(icon)
    said, found = check(fs, tmp_path)
    assert set(found) == {("icon-malformed", fs.location(fs.of("IMAGE")))}
    assert any(words in one.what for one in said.findings)
    assert {one.clause for one in said.findings} == {"PS3.3 F.7"}
    assert said.conforms is False


def test_there_is_one_item(tmp_path: Path) -> None:
    said, found = check(with_icons(icon_of(64), icon_of(64)), tmp_path)
    assert [code for code, _ in found] == ["icon-malformed"]
    assert "has 2 items" in said.findings[0].what


def test_an_icon_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    fs = with_icons(icon_of(64))
    folder = fs.write(tmp_path / "disc")
    data = (folder / "DICOMDIR").read_bytes()
    place = data.index(b"\x88\x00\x00\x02SQ") + 12
    (folder / "DICOMDIR").write_bytes(data[:place] + b"\0\0\0\0" + data[place + 4 :])
    _, found = check(folder, tmp_path)
    assert found == [("icon-malformed", fs.location(fs.of("IMAGE")))]


@pytest.mark.parametrize("kind", ["SERIES", "IMAGE"])
def test_a_profile_may_speak_of_icons_of_series_too(kind: str, tmp_path: Path) -> None:
    """PS3.11 E.3.3.3: they are optional, and have 64 x 64 pixels where there are any."""
    for rows, codes in ((64, []), (128, ["icon-size"])):
        fs = sound("STD-CTMR-CD", "CT CT")
        fs.of(kind).record.IconImageSequence = Items([icon_of(rows)])
        said, found = check(fs, tmp_path / str(rows), "STD-CTMR-CD")
        assert [code for code, _ in found] == codes
        assert all(one.clause == "PS3.11 E.3.3.3" for one in said.findings)
