"""Every kind of source coded into every target, pixels read back by decoders that share no code with ours.

DCMTK judges JPEG and RLE, GDCM and ffmpeg's own decoder JPEG 2000; DCMTK, GDCM and imagecodecs make the sources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import convert_color_space
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian

from mediacreator.model import EncodedInstance, SOPInstance
from mediacreator.rules.tables import Encoder, encoders
from mediacreator.transcode import Compression, Spool, choose, encode
from mediacreator.transcode.derive import derive
from tests.lossy_set import NAMES, lossy_set
from tests.oracles import dciodvfy_errors, needs, run
from tests.transcoding import (
    PYDICOM_FILES,
    coded,
    colour,
    encapsulated,
    encode_by_hand,
    frames_of,
    image_dataset,
    instance,
    native_bytes,
    only,
    picture,
    save,
    transcoded,
    write,
)
from tests.unit.transcode.test_derive import ORIGIN, planned

ROOT = "1.2.840.10008.1.2."
ROWS = [row for row in encoders() if row.photometric]
LOSSLESS = [row for row in ROWS if row.loss == "none"]
LOSSY = [row for row in ROWS if row.loss == "lossy"]
QUALITY = 90
BOUND = 28.0
"""Decibels that a lossy result must reach, sharp edges of colour in 4:2:2 included; another colour space gives half."""

REFUSED = {  # bundled files that a plan takes and that are no whole images
    "JPEG2000-embedded-sequence-delimiter.dcm": "corrupt-codestream",  # its SIZ marker was overwritten
    "MR_truncated.dcm": "truncated-pixel-data",
}
MORE_THAN = {"4.70": 45, "4.90": 45, "4.91": 45, "5": 45, "4.50": 25, "4.51": 2}  # bundled files that must take part


def name_of(row: Encoder) -> str:
    return row.uid.removeprefix(ROOT) + (" lossy" if row.loss == "lossy" else "")


# Judges


def by_dcmtk(program: str, *options: str) -> Callable[[Path, Path], Any]:
    def judge(path: Path, folder: Path) -> Any:
        run(program, "+te", *options, path, folder / "judged.dcm")
        return pixel_array(folder / "judged.dcm", raw=True)

    return judge


def by_gdcm(path: Path, folder: Path) -> Any:
    """Return samples as GDCM gives them: its own writer does not take every SOP Class."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    image = reader.GetImage()
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    kind = f"<{'i' if ds.PixelRepresentation else 'u'}{ds.BitsAllocated // 8}"
    samples = np.frombuffer(image.GetBuffer().encode("utf-8", "surrogateescape"), kind)
    frames, per_pixel = int(ds.get("NumberOfFrames", 1) or 1), ds.SamplesPerPixel
    if image.GetPlanarConfiguration():
        samples = samples.reshape(frames, per_pixel, ds.Rows, ds.Columns).transpose(0, 2, 3, 1)
    shape = (frames,) * (frames > 1) + (ds.Rows, ds.Columns) + (per_pixel,) * (per_pixel > 1)
    return samples.reshape(shape)


JUDGES = {
    "4.70": by_dcmtk("dcmdjpeg", "+cn"),
    "4.90": by_gdcm,
    "4.91": by_gdcm,
    "5": by_dcmtk("dcmdrle"),
    "4.50": by_dcmtk("dcmdjpeg"),  # to RGB
    "4.51": by_dcmtk("dcmdjpeg"),
}


def judged(path: Path, row: Encoder, folder: Path) -> Any:
    return JUDGES[row.uid.removeprefix(ROOT)](path, folder)


def decibels(found: Any, truth: Any, bits: int) -> float:
    assert found.shape == truth.shape
    error = float(((found.astype(float) - truth.astype(float)) ** 2).mean())
    return float(10 * np.log10((2**bits - 1) ** 2 / max(error, 1e-9)))


def check(encoded: EncodedInstance, row: Encoder, truth: Any, folder: Path) -> None:
    """Compare a coded instance with native samples: bit by bit, or near enough where it is lossy."""
    path = write(encoded, folder / "coded.dcm")
    found = judged(path, row, folder)
    ds = pydicom.dcmread(path)
    assert ds.file_meta.TransferSyntaxUID == row.uid
    if not encoded.quality:
        assert np.array_equal(found, truth)
        return
    if ds.PhotometricInterpretation in ("YBR_FULL", "YBR_FULL_422") and _photometric(encoded) == "YBR_FULL":
        truth = convert_color_space(truth, "YBR_FULL", "RGB")  # DCMTK's decoder gives RGB
    assert decibels(found, truth, ds.BitsStored) > BOUND


def _photometric(encoded: EncodedInstance) -> str:
    return encoded.instance.header.attributes["PhotometricInterpretation"].decode().strip(" \0")


# What pydicom brings


@cache
def bundled() -> tuple[SOPInstance, ...]:
    """Return every file of pydicom that has pixels."""
    found = [instance(path) for path in sorted(PYDICOM_FILES.glob("*.dcm")) if path.name != "no_meta.dcm"]
    return tuple(found[n] for n in range(len(found)) if found[n].header.pixel_data is not None)


@needs("dcmdjpeg", "dcmdrle")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_bundled_files_in_every_target_that_takes_them(row: Encoder, tmp_path: Path) -> None:
    numbered = [_numbered(found, n) for n, found in enumerate(bundled(), 1)]
    quality = QUALITY if row.loss == "lossy" else 0
    with Spool(str(tmp_path)) as spool:
        plan = choose(numbered, only(row.uid), Compression("lossy", quality) if quality else Compression("lossless"))
        done = encode(plan, spool, workers=2)
        late = done.rejected[len(plan.rejected) :]
        refused = {Path(entry.source.path).name: entry.finding.code for entry in late}
        assert refused.items() <= REFUSED.items()
        assert len(done.encoded) > MORE_THAN[row.uid.removeprefix(ROOT)]
        for encoded in done.encoded:
            if encoded.transcoded_from:
                check(encoded, row, _truth(encoded.instance.header.source.path), tmp_path)


def _numbered(found: SOPInstance, number: int) -> SOPInstance:
    from dataclasses import replace

    return replace(found, header=replace(found.header, source=replace(found.header.source, number=number)))


@cache
def _truth(path: str) -> Any:
    """Return the samples as we decode them, which test_transcode_pixels.py proves against other decoders."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        native_bytes(Path(path), Path(folder))
        return pixel_array(Path(folder) / "native.dcm", raw=True)


# Sources that are made here


@dataclass(frozen=True)
class Source:
    """A file to code, and its samples."""

    path: Path
    truth: Any


BY_HAND = ("57", "70", "80", "90", "201", "202")
DEPTHS = [(bits, signed) for bits in (8, 10, 12, 16) for signed in (False, True)]


def native_sources() -> Iterator[tuple[Dataset, Any]]:
    for bits, signed in DEPTHS:
        pixels = np.stack([picture(bits, seed=seed, signed=signed) for seed in range(3)])
        yield image_dataset(pixels[0], bits), pixels[0]
        yield image_dataset(pixels, bits, frames=True), pixels
    for bits in (8, 16):
        pixels = picture(bits)
        ds = image_dataset(pixels, bits)
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        yield ds, pixels
    for planar in (0, 1):
        pixels = np.stack([colour(seed) for seed in (1, 2)])
        ds = image_dataset(pixels, frames=True, PlanarConfiguration=planar)
        ds.PixelData = (pixels.transpose(0, 3, 1, 2) if planar else pixels).tobytes()
        yield ds, pixels
    for bits, signed in ((16, True), (8, False)):
        pixels = picture(bits, signed=signed)
        ds = image_dataset(pixels, bits)
        ds.PixelData = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes() + b"\0" * (pixels.nbytes & 1)
        ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        yield ds, pixels
    yield image_dataset(colour(), PhotometricInterpretation="YBR_FULL"), colour()
    numbers = image_dataset(picture(8), PhotometricInterpretation="PALETTE COLOR")
    for shade in ("Red", "Green", "Blue"):
        setattr(numbers, f"{shade}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(numbers, f"{shade}PaletteColorLookupTableData", np.arange(256, dtype="<u2").tobytes())
    yield numbers, picture(8)
    yield image_dataset(picture(12), 12, PhotometricInterpretation="MONOCHROME1"), picture(12)


def coded_sources() -> Iterator[tuple[Dataset, Any]]:
    for n, syntax in enumerate(BY_HAND):
        for bits, signed in DEPTHS[n % 2 :: 2]:
            pixels = np.stack([picture(bits, seed=seed, signed=signed) for seed in range(2)])
            frames = [encode_by_hand(syntax, frame, bits) for frame in pixels]
            yield encapsulated(image_dataset(pixels, bits, frames=True), f"{ROOT}4.{syntax}", frames), pixels
    for bits, signed in DEPTHS:
        pixels = picture(bits, signed=signed)
        yield (
            encapsulated(image_dataset(pixels, bits), f"{ROOT}1.98", [pixels.tobytes() + b"\0" * (pixels.nbytes & 1)]),
            pixels,
        )


PROGRAMS = {  # what makes a source of another one
    "dcmcrle": ("dcmcrle",),
    "dcmcjpls": ("dcmcjpls",),
    "dcmcjpeg +el": ("dcmcjpeg", "+el"),
    "dcmconv +td": ("dcmconv", "+td"),
    "gdcmconv --j2k": ("gdcmconv", "--j2k"),
}


def other_sources(folder: Path) -> Iterator[Source]:
    """Yield sources that other programs make."""
    for number, (pixels, bits) in enumerate(((picture(12), 12), (picture(16), 16), (picture(8), 8), (colour(), 8))):
        plain = save(image_dataset(pixels, bits), folder / f"plain{number}.dcm")
        for program in PROGRAMS.values():
            path = folder / f"{program[0]}{number}.dcm"
            run(*program, plain, path)
            yield Source(path, pixels)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> tuple[Source, ...]:
    folder = tmp_path_factory.mktemp("sources")
    made = list(other_sources(folder))
    for number, (ds, truth) in enumerate((*native_sources(), *coded_sources())):
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.826.0.1.3680043.8.498.{number + 1}")
        made.append(Source(save(ds, folder / f"{number:03}.dcm"), truth))
    return tuple(made)


@needs("dcmdjpeg", "dcmdrle", "dcmcrle", "dcmcjpls", "dcmcjpeg", "dcmconv", "gdcmconv")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_made_sources_in_every_target_that_takes_them(
    row: Encoder, sources: tuple[Source, ...], tmp_path: Path
) -> None:
    found = [instance(source.path, number) for number, source in enumerate(sources, 1)]
    with Spool(str(tmp_path)) as spool:
        done = coded(found, row.uid, spool, QUALITY if row.loss == "lossy" else 0, workers=2)
        assert {entry.finding.code for entry in done.rejected} <= {
            "unsupported-pixel-format",
            "photometric-not-allowed",
        }
        if row.loss == "none" and row.uid != f"{ROOT}4.91":  # which takes no palette
            assert len(done.encoded) == len(sources)
        assert len(done.encoded) >= (len(sources) // 2 if row.loss == "none" else 8)
        for encoded in done.encoded:
            if encoded.transcoded_from:
                check(encoded, row, sources[encoded.instance.header.source.number - 1].truth, tmp_path)


def test_the_bound_fails_for_a_wrong_colour_space() -> None:
    for seed in (1, 2, 3):
        pixels = colour(seed)
        for wrong in (convert_color_space(pixels, "RGB", "YBR_FULL"), pixels[..., ::-1]):
            assert decibels(wrong, pixels, 8) < BOUND / 2


@needs("ffmpeg")
@pytest.mark.parametrize("uid", [f"{ROOT}4.90", f"{ROOT}4.91"])
@pytest.mark.parametrize("bits", [8, 10, 12, 16, 0], ids=lambda bits: f"{bits or 'RGB'}")
def test_ffmpeg_reads_the_same_from_jpeg_2000(bits: int, uid: str, tmp_path: Path) -> None:
    """GDCM reads by OpenJPEG, which codes our frames; ffmpeg has a decoder of its own."""
    pixels = picture(bits, 128, 100) if bits else colour(3, 128, 100)
    out, _ = transcoded(image_dataset(pixels, bits), uid, tmp_path)
    (tmp_path / "frame.j2k").write_bytes(frames_of(out)[0])
    layout = "rgb24" if not bits else "gray" if bits == 8 else "gray16le"
    run(
        *("ffmpeg", "-v", "quiet", "-c:v", "jpeg2000", "-f", "j2k_pipe", "-i", tmp_path / "frame.j2k"),
        *("-f", "rawvideo", "-pix_fmt", layout, tmp_path / "frame.raw"),
    )
    found = np.frombuffer((tmp_path / "frame.raw").read_bytes(), pixels.dtype).reshape(pixels.shape)
    assert np.array_equal(found, pixels << (16 - bits) if 8 < bits < 16 else pixels)


# Data Sets as dciodvfy sees them


@needs("dciodvfy")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_dciodvfy_finds_no_error_that_the_source_has_not(row: Encoder, tmp_path: Path) -> None:
    names = ("CT_small", "MR_small", "examples_rgb_color", "SC_rgb_rle_2frame", "693_J2KI", "US1_J2KR")
    paths = [PYDICOM_FILES / f"{name}.dcm" for name in names if (PYDICOM_FILES / f"{name}.dcm").exists()]
    with Spool(str(tmp_path)) as spool:
        found = [instance(path, n) for n, path in enumerate(paths, 1)]
        done = coded(found, row.uid, spool, QUALITY if row.loss == "lossy" else 0)
        for encoded in done.encoded:
            path = write(encoded, tmp_path / "coded.dcm")
            assert dciodvfy_errors(path) <= dciodvfy_errors(Path(encoded.instance.header.source.path))


@needs("dciodvfy")
def test_dciodvfy_finds_no_error_in_what_lossy_compression_rewrote(tmp_path: Path) -> None:
    paths = lossy_set(tmp_path)
    plan = derive(planned(paths), ORIGIN)
    with Spool(str(tmp_path)) as spool:
        done = encode(plan, spool)
        assert len(done.encoded) == len(NAMES)
        for name, encoded in zip(NAMES, done.encoded, strict=True):
            path = write(encoded, tmp_path / "rewritten.dcm")
            assert dciodvfy_errors(path) <= dciodvfy_errors(paths[name]), name
