"""The samples judged by programs that share no code with those that made them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from openjpeg.utils import decode
from pydicom import dcmread
from pydicom.uid import HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL

from samples import echo, pictures
from samples.shapes import Array
from tests.oracles import needs, run

FOLDER = Path(__file__).parents[2] / "samples"
CLEAN = sorted(path for patient in "1234" for path in (FOLDER / f"patient{patient}").rglob("*") if path.is_file())

NEWER_THAN_DCIODVFY = {HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K}


def errors(report: str) -> list[str]:
    """Return the lines of dciodvfy that name an error."""
    return [line for line in report.splitlines() if "Error - " in line]


@needs("dciodvfy")
@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_dciodvfy_finds_no_error(path: Path, tmp_path: Path) -> None:
    """Debian's dciodvfy of 2022 takes a Transfer Syntax that it does not know for one of native pixels: those of HTJ2K
    (Supplement 235, 2023) are decoded before it sees them; all else of the instance is as it was."""
    dataset = dcmread(path)
    if dataset.file_meta.TransferSyntaxUID in NEWER_THAN_DCIODVFY:
        dataset.decompress()
        path = tmp_path / path.name
        dataset.save_as(path)
    assert errors(run("dciodvfy", path, rc=None)) == []


@needs("dciodvfy")
def test_dciodvfy_does_find_errors() -> None:
    """What it says of a file that lacks Type 1 attributes, so that silence above means something."""
    assert errors(run("dciodvfy", FOLDER / "awkward" / "truncated.dcm", rc=None))


@needs("dcmdump")
@pytest.mark.parametrize("path", CLEAN, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_dcmdump_reads_it_to_the_end(path: Path) -> None:
    text = run("dcmdump", path)

    assert "MediaStorageSOPInstanceUID" in text
    assert not [line for line in text.splitlines() if line.startswith(("E:", "F:"))]


@needs("dcmdump")
@pytest.mark.parametrize("name", ["big-endian.dcm", "deflated.dcm", "no-numbers.dcm", "vendor-private.dcm"])
def test_dcmdump_reads_the_awkward_encodings(name: str) -> None:
    assert "MediaStorageSOPInstanceUID" in run("dcmdump", FOLDER / "awkward" / name)


@needs("dcmdump")
def test_dcmdump_sees_that_one_is_truncated() -> None:
    assert "premature end of stream" in run("dcmdump", FOLDER / "awkward" / "truncated.dcm", rc=None)


@needs("dcmdjpeg", "dcmdjpls", "dcmdrle", "gdcmconv")
@pytest.mark.parametrize(
    ("decoder", "name", "expected"),
    [
        (("dcmdjpeg",), "patient4/chest.DCM", pictures.chest_radiograph),
        (("gdcmconv", "--raw"), "patient4/hand-right", pictures.hand_radiograph),
        (("dcmdjpls",), "patient4/spirometry.dcm", pictures.flow_volume_curve),
        (("dcmdrle",), "patient3/us/kidney", echo.liver_levels),
    ],
    ids=["JPEG Lossless SV1", "JPEG 2000", "JPEG-LS", "RLE"],
)
def test_lossless_pixels_decode_to_what_was_painted(
    decoder: tuple[str, ...], name: str, expected: Callable[[], Array], tmp_path: Path
) -> None:
    plain = tmp_path / "plain.dcm"
    run(*decoder, FOLDER / name, plain)

    assert np.array_equal(dcmread(plain).pixel_array, expected())


def test_openjpeg_decodes_the_htj2k_to_what_was_painted() -> None:
    """Made by OpenJPH, decoded by OpenJPEG, which applies the colour transformation of the codestream."""
    dataset = dcmread(FOLDER / "patient4" / "skin.dcm")
    start = dataset.PixelData.index(b"\xff\x4f\xff\x51")

    assert np.array_equal(decode(dataset.PixelData[start:], j2k_format=0), pictures.mole())


@needs("dcmdjpeg")
def test_dcmdjpeg_decodes_the_cine_close_to_what_was_painted(tmp_path: Path) -> None:
    """10 frames of YBR_FULL_422 come out as RGB; lossy, so near, and the colours where they were."""
    run("dcmdjpeg", "+cp", FOLDER / "patient3" / "us" / "cine.dcm", tmp_path / "plain.dcm")
    plain = dcmread(tmp_path / "plain.dcm")
    frames = plain.pixel_array.astype(np.int32)

    assert plain.PhotometricInterpretation == "RGB"
    assert frames.shape == (10, 180, 240, 3)
    for number, frame in enumerate(frames):
        assert np.abs(frame - echo.heart_frame(number / 10)).mean() < 6.0
    assert frames[7, 95, 130, 0] > frames[7, 95, 130, 2] + 60  # red: towards the probe in diastole


@needs("pdftotext")
def test_pdftotext_reads_the_letter(tmp_path: Path) -> None:
    dataset = dcmread(FOLDER / "patient1" / "ct" / "letter.dcm")
    document = tmp_path / "letter.pdf"
    document.write_bytes(dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength])

    text = run("pdftotext", document, "-")

    assert "nodule of 21 mm" in text
    assert "Brandström" in text
    assert "Error" not in text
