"""Colours, signs and loss: what the attributes say after decoding is what the pixels are (PS3.3 C.7.6.3, PS3.5 8.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import convert_color_space

from mediacreator.model import Finding
from mediacreator.transcode import Spool
from tests.transcoding import colour, encapsulated, image_dataset, instance, picture, run, save, write

SMOOTH = 5  # largest difference of a JPEG of quality 100 without subsampling; a wrong colour space is off by 50


def transcode(ds: Dataset, folder: Path) -> tuple[Dataset, tuple[Finding, ...]]:
    with Spool(str(folder)) as spool:
        done = run([instance(save(ds, folder / "source.dcm"))], spool)
        assert not done.rejected, done.rejected[0].finding
        out = pydicom.dcmread(write(done.encoded[0], folder / "ours.dcm"))
        assert done.encoded[0].lossy_before == (out.get("LossyImageCompression") == "01")
        return out, done.findings


def jpeg(pixels: Any, held: str, *, app14: bool | None = None, jfif: bool = False) -> bytes:
    """Return a JPEG whose components are ``held``, with the markers that are asked for."""
    if held == "YBR_FULL":
        pixels = convert_color_space(pixels, "RGB", "YBR_FULL")
    data = bytes(imagecodecs.jpeg8_encode(pixels, level=100, colorspace="RGB", outcolorspace="RGB", subsampling="444"))
    data = data[:2] + b"".join(_segments(data, drop=b"\xee\xe0"))
    for old, new in ((b"R", 1), (b"G", 2), (b"B", 3)):
        data = data.replace(old + b"\x11\x00", bytes((new, 0x11, 0)), 1)
    scan = data.index(b"\xff\xda")
    data = data[:scan] + data[scan:].replace(b"R\x00G\x00B\x00", b"\x01\x00\x02\x00\x03\x00", 1)
    markers = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" if jfif else b""
    if app14 is not None:
        markers += b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([int(app14)])
    return data[:2] + markers + data[2:]


def _segments(data: bytes, drop: bytes) -> Any:
    position = 2
    while data[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] not in drop:
            yield data[position:end]
        position = end
    yield data[position:]


@pytest.mark.parametrize(
    ("held", "photometric", "markers", "warned"),
    [
        ("RGB", "RGB", {}, False),
        ("RGB", "RGB", {"app14": False}, False),
        ("RGB", "RGB", {"app14": False, "jfif": True}, False),
        ("YBR_FULL", "YBR_FULL", {}, False),
        ("YBR_FULL", "YBR_FULL_422", {"jfif": True}, False),
        ("YBR_FULL", "YBR_FULL_422", {"app14": True}, False),
        ("YBR_FULL", "YBR_FULL", {"app14": False}, False),  # the attribute decides (PS3.5 8.2.1)
        ("YBR_FULL", "RGB", {"jfif": True}, True),
        ("YBR_FULL", "RGB", {"app14": True}, True),
    ],
)
def test_jpeg_colours_become_rgb(
    held: str, photometric: str, markers: dict[str, bool], warned: bool, tmp_path: Path
) -> None:
    ds = image_dataset(colour(), PhotometricInterpretation=photometric, LossyImageCompression="01")

    out, findings = transcode(encapsulated(ds, "1.2.840.10008.1.2.4.50", [jpeg(colour(), held, **markers)]), tmp_path)

    assert (out.PhotometricInterpretation, out.PlanarConfiguration) == ("RGB", 0)
    assert np.abs(out.pixel_array.astype(int) - colour()).max() <= SMOOTH
    assert [finding.code for finding in findings] == (["photometric-interpretation"] if warned else [])


def test_rgb_with_subsampled_components_is_taken_as_ycbcr(tmp_path: Path) -> None:
    data = bytes(imagecodecs.jpeg8_encode(colour(), level=100, subsampling="422"))
    data = data[:2] + b"".join(_segments(data, drop=b"\xee\xe0"))

    out, findings = transcode(encapsulated(image_dataset(colour()), "1.2.840.10008.1.2.4.50", [data]), tmp_path)

    assert out.PhotometricInterpretation == "RGB"
    assert np.abs(out.pixel_array.astype(int) - colour()).mean() < 8
    assert "photometric-interpretation" in [finding.code for finding in findings]


@pytest.mark.parametrize("codec", ["70", "80", "rle"])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_lossless_colours_are_not_converted(photometric: str, codec: str, tmp_path: Path) -> None:
    ds = image_dataset(colour(), PhotometricInterpretation=photometric)
    if codec == "rle":
        ds.compress("1.2.840.10008.1.2.5", encoding_plugin="pydicom")
    elif codec == "80":
        encapsulated(ds, "1.2.840.10008.1.2.4.80", [bytes(imagecodecs.jpegls_encode(colour()))])
    else:
        data = imagecodecs.jpeg8_encode(
            colour(), lossless=True, predictor=1, colorspace="RGB", outcolorspace="RGB", bitspersample=8
        )
        encapsulated(ds, "1.2.840.10008.1.2.4.70", [bytes(data)])

    out, _ = transcode(ds, tmp_path)

    assert (out.PhotometricInterpretation, out.PlanarConfiguration) == (photometric, 0)
    assert out.PixelData[: colour().nbytes] == colour().tobytes()
    assert "LossyImageCompression" not in out


@pytest.mark.parametrize(
    ("photometric", "transform", "after", "warned"),
    [
        ("YBR_RCT", True, "RGB", False),
        ("RGB", True, "RGB", False),
        ("RGB", False, "RGB", False),
        ("YBR_FULL", False, "YBR_FULL", False),
        ("YBR_FULL", True, "RGB", True),
        ("YBR_RCT", False, "RGB", True),
    ],
)
def test_jpeg_2000_colours(photometric: str, transform: bool, after: str, warned: bool, tmp_path: Path) -> None:
    data = bytes(imagecodecs.jpeg2k_encode(colour(), codecformat="j2k", level=0, reversible=True, mct=transform))
    ds = image_dataset(colour(), PhotometricInterpretation=photometric)

    out, findings = transcode(encapsulated(ds, "1.2.840.10008.1.2.4.90", [data]), tmp_path)

    assert out.PhotometricInterpretation == after
    assert out.PixelData[: colour().nbytes] == colour().tobytes()
    assert [finding.code for finding in findings] == (["photometric-interpretation"] if warned else [])


def test_palette_indices_and_tables_stay(tmp_path: Path) -> None:
    ds = image_dataset(picture(8), PhotometricInterpretation="PALETTE COLOR")
    for name in ("Red", "Green", "Blue"):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(ds, f"{name}PaletteColorLookupTableData", bytes(range(256)) * 2)
    ds.compress("1.2.840.10008.1.2.5", encoding_plugin="pydicom")

    out, _ = transcode(ds, tmp_path)

    assert out.PhotometricInterpretation == "PALETTE COLOR"
    assert np.array_equal(out.pixel_array, picture(8))
    assert out.RedPaletteColorLookupTableData == bytes(range(256)) * 2


@pytest.mark.parametrize("signed", [False, True])
def test_the_sign_of_the_attribute_counts_where_a_codestream_says_another(signed: bool, tmp_path: Path) -> None:
    """A JPEG 2000 stream of 13 bits without sign, of pixels that are signed, and the other way round."""
    pixels = picture(13, signed=signed)
    other = (
        (pixels.astype(int) & 0x1FFF).astype("u2")
        if signed
        else np.where(pixels > 4095, pixels.astype(int) - 8192, pixels)
    )
    data = imagecodecs.jpeg2k_encode(
        other.astype("u2" if signed else "i2"), codecformat="j2k", level=0, reversible=True, bitspersample=13
    )

    out, _ = transcode(encapsulated(image_dataset(pixels, 13), "1.2.840.10008.1.2.4.90", [bytes(data)]), tmp_path)

    assert np.array_equal(out.pixel_array, pixels)


def test_high_bits_of_a_codestream_deeper_than_bits_stored_stay(tmp_path: Path) -> None:
    pixels = picture(12) | 0x8000
    data = bytes(imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=16))

    out, _ = transcode(encapsulated(image_dataset(pixels, 12), "1.2.840.10008.1.2.4.70", [data]), tmp_path)

    assert out.PixelData == pixels.tobytes() + b"\0" * (pixels.nbytes & 1)


def test_loss_is_declared_when_the_source_is_silent_and_kept_when_it_speaks(tmp_path: Path) -> None:
    """PS3.3 C.7.6.1.1.5: once 01, always 01; ratio and method are kept."""
    data = [bytes(imagecodecs.jpegls_encode(picture(8), level=2))]

    out, findings = transcode(encapsulated(image_dataset(picture(8)), "1.2.840.10008.1.2.4.81", data), tmp_path)
    assert (out.LossyImageCompression, out.LossyImageCompressionMethod) == ("01", "ISO_14495_1")
    assert float(out.LossyImageCompressionRatio) == pytest.approx(61 * 77 / len(data[0]), rel=0.05)
    assert [finding.code for finding in findings] == ["lossy-not-declared"]

    told = image_dataset(
        picture(8), LossyImageCompression="01", LossyImageCompressionRatio=["3", "4"], LossyImageCompressionMethod="X"
    )
    out, findings = transcode(encapsulated(told, "1.2.840.10008.1.2.4.81", data), tmp_path)
    assert (out.LossyImageCompressionRatio, out.LossyImageCompressionMethod) == ([3, 4], "X")
    assert findings == ()


def test_a_lossless_stream_in_a_syntax_of_either_kind_is_not_called_lossy(tmp_path: Path) -> None:
    data = [bytes(imagecodecs.jpeg2k_encode(picture(8), codecformat="j2k", level=0, reversible=True))]

    out, _ = transcode(encapsulated(image_dataset(picture(8)), "1.2.840.10008.1.2.4.91", data), tmp_path)
    assert "LossyImageCompression" not in out

    data = [bytes(imagecodecs.jpeg2k_encode(picture(8), codecformat="j2k", level=60, reversible=False))]
    out, _ = transcode(encapsulated(image_dataset(picture(8)), "1.2.840.10008.1.2.4.91", data), tmp_path)
    assert (out.LossyImageCompression, out.LossyImageCompressionMethod) == ("01", "ISO_15444_1")


@pytest.mark.parametrize(("syntax", "deflated"), [("1.2.840.10008.1.2.1.98", False), ("1.2.840.10008.1.2.8.1", True)])
def test_native_and_deflated_frames_in_fragments(syntax: str, deflated: bool, tmp_path: Path) -> None:
    """PS3.5 A.4.11, A.4.13."""
    import zlib
    from dataclasses import replace

    pixels = np.stack([picture(8, seed=seed) for seed in range(3)])
    frames = []
    for frame in pixels:
        deflater = zlib.compressobj(wbits=-15)
        frames.append(deflater.compress(frame.tobytes()) + deflater.flush() if deflated else frame.tobytes())
    ds = encapsulated(image_dataset(pixels, frames=True), "1.2.840.10008.1.2.4.90", frames)
    found = instance(save(ds, tmp_path / "source.dcm"))

    with Spool(str(tmp_path)) as spool:
        done = run([replace(found, header=replace(found.header, transfer_syntax_uid=syntax))], spool)
        assert not done.rejected, done.rejected[0].finding
        out = pydicom.dcmread(write(done.encoded[0], tmp_path / "ours.dcm"))

    assert np.array_equal(out.pixel_array, pixels)
