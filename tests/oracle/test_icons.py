"""Icons against the pictures that DCMTK shows of the same files, and in a DICOMDIR as DCMTK's readers see them."""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.pixels.processing import apply_rescale
from pydicom.uid import UID

from mediacreator import CreateRequest, create
from mediacreator.icons.drawing import draw
from mediacreator.validate.checking import check_file_set
from tests.oracles import needs, run
from tests.transcoding import PYDICOM_FILES, image_dataset, picture, save
from tests.unit.icons.shown import Pixels, pixels, place, rule
from tests.unit.icons.test_scaling import area_mean

SAMPLES = Path(__file__).parents[2] / "samples"
SIZE = 64
LUMINANCE = np.array([0.299, 0.587, 0.114])
MAKE_NATIVE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {  # what dcmj2pnm does not read itself, and JPEG of 12 bits, whose range pydicom cannot tell
        "1.2.840.10008.1.2.4.51": ("dcmdjpeg",),
        "1.2.840.10008.1.2.4.80": ("dcmdjpls",),
        "1.2.840.10008.1.2.4.81": ("dcmdjpls",),
        "1.2.840.10008.1.2.4.90": ("gdcmconv", "--raw"),
        "1.2.840.10008.1.2.4.91": ("gdcmconv", "--raw"),
    }
)
NEAR, NEAREST = 0.8, 2
"""Of 255: how far an icon may be from DCMTK's picture on average and anywhere. Both round to whole numbers."""

NOT_SHOWN = {
    "skin.dcm",  # HTJ2K, which neither DCMTK nor GDCM decodes
    "truncated.dcm",
    "MR_truncated.dcm",
    "JPEG2000-embedded-sequence-delimiter.dcm",  # its SIZ marker was overwritten
    "SC_rgb_jpeg.dcm",  # its Data Set has no VRs, DCMTK goes by the Transfer Syntax
    "badVR.dcm",  # its Number of Frames is 1A
    "meta_missing_tsyntax.dcm",  # the last two have pixels and do not say of what size
    "nested_priv_SQ.dcm",
}
"""Files with pixels of which there is no picture to compare."""

WHOLE_RANGE = {"rtdose_expb.dcm", "rtdose_expb_1frame.dcm"}
"""32 bits in Big Endian OW: words of 16 bits, the least significant first (PS3.5 8.1.1); pydicom swaps four bytes."""


def has_pixels(path: Path) -> bool:
    """Tell whether a file is DICOM and has Pixel Data; its bytes need not show that, where they are deflated."""
    if not path.is_file() or path.read_bytes()[128:132] != b"DICM":
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are broken on purpose
        return "PixelData" in dcmread(path, force=True)


FILES = [path for path in (*sorted(SAMPLES.rglob("*")), *sorted(PYDICOM_FILES.glob("*.dcm"))) if has_pixels(path)]


@dataclass(frozen=True, slots=True)
class Shown:
    """A file as DCMTK shows it."""

    picture: Pixels  # of the whole frame, 0 to 255; the luminance of colour
    ratio: float  # height of a pixel by its width


def shown(path: Path, folder: Path, *options: object) -> Shown:
    """Return the representative frame of a file, windowed as its attributes say or as ``options`` do."""
    ds = dcmread(path, force=True)
    target = folder / "shown.pnm"
    decoder = MAKE_NATIVE.get(ds.file_meta.get("TransferSyntaxUID", ""))
    if decoder:
        run(*decoder, path, folder / "native.dcm")
        path = folder / "native.dcm"
        ds = dcmread(path)
    count = int(ds.get("NumberOfFrames") or 1)
    frame = ds.get("RepresentativeFrameNumber") or count // 3 + 1
    chosen = options or _window(ds, frame - 1)
    run("dcmj2pnm", "-O", "+F", frame, *chosen, "+op", path, target)
    pair = ds.get("PixelSpacing") or ds.get("ImagerPixelSpacing") or ds.get("PixelAspectRatio") or (1, 1)
    return Shown(read_pnm(target), float(pair[0]) / float(pair[1]))


def _window(ds: Dataset, frame: int) -> tuple[object, ...]:
    """Return the options that show grey as its attributes say, and what has no window over its range."""
    if ds.SamplesPerPixel > 1 or ds.PhotometricInterpretation == "PALETTE COLOR":
        return ()
    if "WindowWidth" in ds:
        return ("+Wi", 1)
    if "VOILUTSequence" in ds:
        return ("+Wl", 1)
    cells = ds.pixel_array.reshape(-1, ds.Rows, ds.Columns)[frame]
    values = apply_rescale(cells, ds).astype(float)
    kept = values[cells != ds.PixelPaddingValue] if "PixelPaddingValue" in ds else values
    low, high = np.percentile(kept, (0.5, 99.5), method="inverted_cdf")
    if low == high:
        low, high = kept.min(), kept.max()
    return ("+Ww", (low + high) / 2 + 0.5, high - low + 1)


def read_pnm(path: Path) -> Pixels:
    """Return a PGM, or the luminance of a PPM."""
    kind, size, top, body = path.read_bytes().split(b"\n", 3)
    columns, rows = map(int, size.split())
    assert top == b"255"
    colours = np.frombuffer(body, np.uint8).reshape(rows, columns, -1)
    assert colours.shape[2] == {b"P5": 1, b"P6": 3}[kind]
    return np.asarray(colours @ LUMINANCE if kind == b"P6" else colours[:, :, 0], float)


def as_icon(found: Shown) -> Pixels:
    """Return a picture brought to the size of an icon, in the middle of black."""
    rows, columns = found.picture.shape
    scale = SIZE / max(rows * found.ratio, columns)
    high, wide = max(1, round(rows * found.ratio * scale)), max(1, round(columns * scale))
    icon = np.zeros((SIZE, SIZE))
    top, left = (SIZE - high) // 2, (SIZE - wide) // 2
    icon[top : top + high, left : left + wide] = area_mean(found.picture, high, wide)
    return icon


def icon_of(path: Path) -> Pixels:
    return pixels(draw(place(path), rule(SIZE)))


def distance(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one - other).mean())


def test_nearly_all_files_are_compared() -> None:
    assert {path.name for path in FILES} > NOT_SHOWN
    assert len(FILES) - len(NOT_SHOWN) >= 90


@needs("dcmj2pnm", "dcmdjpls", "gdcmconv")
@pytest.mark.parametrize("path", [path for path in FILES if path.name not in NOT_SHOWN], ids=lambda path: path.name)
def test_an_icon_is_what_dcmtk_shows(path: Path, tmp_path: Path) -> None:
    options = ("+Wm",) if path.name in WHOLE_RANGE else ()
    icon, expected = icon_of(path), as_icon(shown(path, tmp_path, *options))

    assert distance(icon, expected) <= NEAR
    assert float(np.abs(icon - expected).max()) <= NEAREST
    assert distance(icon, 255 - expected) > 9  # a picture that is inverted is not near


@needs("dcmj2pnm")
@pytest.mark.parametrize("name", ["patient1/ct/axial/ct07.dcm", "patient2/mr/i0000003", "patient4/chest.DCM"])
def test_an_icon_with_another_window_would_be_told_apart(name: str, tmp_path: Path) -> None:
    """So that the agreement above means something."""
    path = SAMPLES / name
    ds = dcmread(path)
    center, width = (float(np.atleast_1d(value)[0]) for value in (ds.WindowCenter, ds.WindowWidth))
    icon = icon_of(path)

    for wrong in ((center + width * 0.1, width), (center, width * 0.8), (center - width * 0.1, width)):
        assert distance(icon, as_icon(shown(path, tmp_path, "+Ww", *wrong))) > 1.5 * NEAR


# Images of kinds that are in no file of ours or pydicom's


def lut(entries: Pixels, first: int, bits: int) -> Dataset:
    made = Dataset()
    made.LUTDescriptor = [len(entries), first, bits]
    made["LUTDescriptor"].VR = "US"
    made.LUTData = entries.astype("<u2").tobytes()
    made["LUTData"].VR = "OW"
    return made


def curve(bits: int) -> Pixels:
    return np.asarray((np.linspace(0, 1, 4096) ** 2 * (2**bits - 1)).round())


MADE: Mapping[str, Dataset] = MappingProxyType(
    {
        "sigmoid": image_dataset(picture(12), 12, WindowCenter=2000, WindowWidth=900, VOILUTFunction="SIGMOID"),
        "monochrome1-signed": image_dataset(
            picture(12, signed=True),
            12,
            PhotometricInterpretation="MONOCHROME1",
            WindowCenter=100,
            WindowWidth=1500,
            RescaleSlope=2,
            RescaleIntercept=-300,
        ),
        "high-bit-15": image_dataset((picture(12) << 4).astype("<u2"), 12, HighBit=15, WindowCenter=9, WindowWidth=999),
        "voi-lut": image_dataset(picture(12), 12, VOILUTSequence=[lut(curve(12), 0, 12)]),
        "voi-lut-monochrome1": image_dataset(
            picture(12), 12, PhotometricInterpretation="MONOCHROME1", VOILUTSequence=[lut(curve(10), 0, 10)]
        ),
        "modality-lut": image_dataset(
            picture(12),
            12,
            ModalityLUTSequence=[lut(curve(16), 0, 16)],
            ModalityLUTType="US",
            WindowCenter=20000,
            WindowWidth=30000,
        ),
        "flat-pixels": image_dataset(picture(8, 40, 120), PixelAspectRatio=["3", "1"], WindowCenter=99, WindowWidth=99),
        "ten-frames": image_dataset(
            np.stack([picture(8, seed=seed) for seed in range(10)]),
            frames=True,
            RepresentativeFrameNumber=8,
            WindowCenter=128,
            WindowWidth=200,
        ),
        "planar": image_dataset(np.moveaxis(np.stack([picture(8, 33, 65, k) for k in range(3)]), 0, 2)),
    }
)


@needs("dcmj2pnm")
@pytest.mark.parametrize("name", MADE)
def test_an_icon_of_a_made_image_is_what_dcmtk_shows(name: str, tmp_path: Path) -> None:
    ds = MADE[name]
    if name == "planar":
        ds.PlanarConfiguration = 1
        ds.PixelData = np.moveaxis(np.stack([picture(8, 33, 65, k) for k in range(3)]), 0, 0).tobytes() + b"\0"
    path = save(ds, tmp_path / "made.dcm")

    icon, expected = icon_of(path), as_icon(shown(path, tmp_path))

    assert distance(icon, expected) <= NEAR
    assert distance(icon, 255 - expected) > 9


@needs("dcmj2pnm")
def test_the_window_of_the_frame_is_used_where_dcmtk_must_be_told_it(tmp_path: Path) -> None:
    """DCMTK 3.6.7 knows no functional groups."""
    ds = image_dataset(np.stack([picture(12, seed=seed) for seed in range(6)]), 12, frames=True)
    groups = []
    for number in range(6):
        voi, group = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = 500 * number, 800
        group.FrameVOILUTSequence = [voi]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    path = save(ds, tmp_path / "made.dcm")

    assert distance(icon_of(path), as_icon(shown(path, tmp_path, "+Ww", 1000, 800))) <= NEAR
    assert distance(icon_of(path), as_icon(shown(path, tmp_path, "+Ww", 1500, 800))) > 20


# In a DICOMDIR


def xa(number: int) -> Dataset:
    """Return an XA run of five frames, made up."""
    frames = np.stack([picture(8, 96, 128, seed=number + k) for k in range(5)])
    ds = image_dataset(frames, frames=True, RepresentativeFrameNumber=2 + number % 3)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.12.1")
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(f"2.25.991{number}")
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.9921", "2.25.9922"
    ds.Modality, ds.ImageType = "XA", ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Muster^Xaver", "XA1", "19500101", "M"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20260102", "101112", "1", "A1"
    ds.SeriesNumber, ds.InstanceNumber = 1, number
    ds.PixelIntensityRelationship = "LIN"
    ds.FrameTime = "66"
    ds.WindowCenter, ds.WindowWidth = 128, 256
    return ds


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    (folder / "xa").mkdir()
    for number in (1, 2, 3):
        save(xa(number), folder / "xa" / f"{number}.dcm")
    shutil.copytree(SAMPLES / "patient2" / "mr", folder / "mr")
    shutil.copytree(SAMPLES / "patient4", folder / "general")
    return folder


CASES = [
    ("STD-XABC-CD", "xa", 128, False, {"IMAGE"}),
    ("STD-XA1K-CD", "xa", 128, False, {"IMAGE"}),
    ("STD-CTMR-CD", "mr", 64, True, {"IMAGE", "SERIES"}),
    ("STD-GEN-CD", "general", 64, True, {"IMAGE"}),
]


@needs("dcmdump")
@pytest.mark.parametrize(("profile", "source", "size", "asked", "records"), CASES, ids=[case[0] for case in CASES])
def test_readers_see_the_icons_in_the_dicomdir(
    profile: str, source: str, size: int, asked: bool, records: set[str], sources: Path, tmp_path: Path
) -> None:
    made = create(CreateRequest((str(sources / source),), f"{tmp_path}/medium/", profile=profile, icons=asked))
    path = tmp_path / "medium" / "DICOMDIR"

    assert not made.not_on_medium
    told = run("dcmdump", "-q", "+L", path)
    assert not re.search(r"^[EF]: ", told, re.MULTILINE)
    icons = {id(record): record for record in dcmread(path).DirectoryRecordSequence if "IconImageSequence" in record}
    assert told.count("IconImageSequence") == len(icons) > 0
    assert told.count(f"(0028,0010) US {size} ") >= len(icons)
    assert {record.DirectoryRecordType for record in icons.values()} == records
    for record in icons.values():
        _check_icon(record.IconImageSequence, size)
    images = [r for r in dcmread(path).DirectoryRecordSequence if r.DirectoryRecordType == "IMAGE"]
    assert all("IconImageSequence" in record for record in images)
    by_uid = _sources_by_uid(sources / source)
    for record in images:
        expected = pixels(draw(place(by_uid[record.ReferencedSOPInstanceUIDInFile]), rule(size)))
        assert (np.frombuffer(record.IconImageSequence[0].PixelData, np.uint8).reshape(size, size) == expected).all()
    wrong = [found for found in check_file_set(path.parent, profile).findings if found.code.startswith("icon")]
    assert not wrong


def _check_icon(sequence: Any, size: int) -> None:
    """Check F.7, stated again."""
    (item,) = sequence
    assert (item.Rows, item.Columns, len(item.PixelData)) == (size, size, size * size)
    assert (item.SamplesPerPixel, item.PhotometricInterpretation, item.PixelRepresentation) == (1, "MONOCHROME2", 0)
    assert (item.BitsAllocated, item.BitsStored, item.HighBit) == (8, 8, 7)
    assert item["PixelData"].VR == "OB"
    assert "PlanarConfiguration" not in item


def _sources_by_uid(folder: Path) -> dict[str, Path]:
    paths = (path for path in folder.rglob("*") if has_pixels(path))
    return {dcmread(path, stop_before_pixels=True).SOPInstanceUID: path for path in paths}


@needs("dciodvfy")
def test_dciodvfy_finds_nothing_wrong_with_icons_and_would(sources: Path, tmp_path: Path) -> None:
    create(CreateRequest((str(sources / "mr"),), f"{tmp_path}/medium/", profile="STD-CTMR-CD", icons=True))
    path, broken = tmp_path / "medium" / "DICOMDIR", tmp_path / "BROKEN"
    ds = dcmread(path)
    for record in ds.DirectoryRecordSequence:
        if "IconImageSequence" in record:
            del record.IconImageSequence[0].BitsStored
    ds.save_as(broken)

    said, of_broken = (run("dciodvfy", which, rc=None) for which in (path, broken))

    assert "BasicDirectory" in said
    assert "Error" not in said
    assert "Element=<BitsStored> Module=<IconImageSequenceMacro>" in of_broken
