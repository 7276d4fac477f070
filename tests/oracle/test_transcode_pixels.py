"""Pixels that we decode, against decoders that share no code with ours: DCMTK, GDCM, OpenJPH, pydicom's own RLE."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest

from mediacreator.transcode import Spool
from tests.oracles import dciodvfy_errors, needs, run
from tests.transcoding import (
    PYDICOM_FILES,
    TARGET,
    colour,
    encapsulated,
    encode_by_hand,
    image_dataset,
    instance,
    largest_difference,
    picture,
    save,
    signed_as_unsigned,
    write,
)
from tests.transcoding import run as encode_all

DECODERS = {  # Transfer Syntax UID: program and options
    "1.2.840.10008.1.2": ("dcmconv", "+te"),
    "1.2.840.10008.1.2.2": ("dcmconv", "+te"),
    "1.2.840.10008.1.2.1.99": ("dcmconv", "+te"),
    "1.2.840.10008.1.2.5": ("dcmdrle", "+te"),
    "1.2.840.10008.1.2.4.50": ("dcmdjpeg", "+te", "+px"),
    "1.2.840.10008.1.2.4.51": ("dcmdjpeg", "+te", "+px"),
    "1.2.840.10008.1.2.4.57": ("dcmdjpeg", "+te", "+px", "+cn"),
    "1.2.840.10008.1.2.4.70": ("dcmdjpeg", "+te", "+px", "+cn"),
    "1.2.840.10008.1.2.4.80": ("dcmdjpls", "+te"),
    "1.2.840.10008.1.2.4.81": ("dcmdjpls", "+te"),
    "1.2.840.10008.1.2.4.90": ("gdcmconv", "--raw"),
    "1.2.840.10008.1.2.4.91": ("gdcmconv", "--raw"),
}

BUNDLED = {  # every file of pydicom in another Transfer Syntax: "" when it is decoded, or the code of the Finding
    "693_J2KI.dcm": "",
    "ExplVR_BigEnd.dcm": "",
    "ExplVR_BigEndNoMeta.dcm": "",
    "GDCMJ2K_TextGBR.dcm": "",
    "J2K_pixelrep_mismatch.dcm": "",
    "JPEG-lossy.dcm": "",
    "JPEG2000-embedded-sequence-delimiter.dcm": "corrupt-codestream",  # its SIZ marker was overwritten
    "JPEG2000.dcm": "",
    "JPEGLSNearLossless_08.dcm": "",
    "JPEGLSNearLossless_16.dcm": "",
    "JPGExtended.dcm": "",
    "MR_small_RLE.dcm": "",
    "MR_small_bigendian.dcm": "",
    "MR_small_expb.dcm": "",
    "MR_small_implicit.dcm": "",
    "MR_small_jp2klossless.dcm": "",
    "MR_small_jpeg_ls_lossless.dcm": "",
    "SC_jpeg_no_color_transform.dcm": "",
    "SC_jpeg_no_color_transform_2.dcm": "",
    "SC_rgb_dcmtk_+eb+cr.dcm": "",
    "SC_rgb_dcmtk_+eb+cy+n1.dcm": "",
    "SC_rgb_dcmtk_+eb+cy+n2.dcm": "",
    "SC_rgb_dcmtk_+eb+cy+np.dcm": "",
    "SC_rgb_dcmtk_+eb+cy+s2.dcm": "",
    "SC_rgb_dcmtk_+eb+cy+s4.dcm": "",
    "SC_rgb_gdcm_KY.dcm": "",
    "SC_rgb_jls_lossy_line.dcm": "",
    "SC_rgb_jls_lossy_sample.dcm": "",
    "SC_rgb_jpeg.dcm": "",
    "SC_rgb_jpeg_app14_dcmd.dcm": "",
    "SC_rgb_jpeg_dcmd.dcm": "",
    "SC_rgb_jpeg_dcmtk.dcm": "",
    "SC_rgb_jpeg_gdcm.dcm": "",
    "SC_rgb_jpeg_lossy_gdcm.dcm": "",
    "SC_rgb_rle.dcm": "",
    "SC_rgb_rle_16bit.dcm": "",
    "SC_rgb_rle_16bit_2frame.dcm": "",
    "SC_rgb_rle_2frame.dcm": "",
    "SC_rgb_rle_32bit.dcm": "",
    "SC_rgb_rle_32bit_2frame.dcm": "",
    "SC_rgb_small_odd_big_endian.dcm": "",
    "SC_rgb_small_odd_jpeg.dcm": "",
    "UN_sequence.dcm": "",
    "empty_charset_LEI.dcm": "",
    "examples_jpeg2k.dcm": "",
    "examples_ybr_color.dcm": "",
    "image_dfl.dcm": "",
    "liver_expb_1frame.dcm": "",
    "meta_missing_tsyntax.dcm": "",
    "nested_priv_SQ.dcm": "",
    "no_meta_group_length.dcm": "",
    "priv_SQ.dcm": "",
    "rtdose.dcm": "",
    "rtdose_1frame.dcm": "",
    "rtdose_expb.dcm": "",
    "rtdose_expb_1frame.dcm": "",
    "rtdose_rle.dcm": "",
    "rtdose_rle_1frame.dcm": "",
    "rtplan.dcm": "",
    "rtplan_truncated.dcm": "truncated-data-set",  # it ends inside a sequence
    "rtstruct.dcm": "",
}

LOSSY = 2  # largest difference of two JPEG decoders: their DCT and colour arithmetic may round differently


def transcode(path: Path, folder: Path, syntax: str = "") -> Path:
    found = instance(path)
    if syntax:
        found = replace(found, header=replace(found.header, transfer_syntax_uid=syntax))
    with Spool(str(folder)) as spool:
        done = encode_all([found], spool)
        assert not done.rejected, done.rejected[0].finding
        return write(done.encoded[0], folder / "ours.dcm")


def oracle(path: Path, folder: Path) -> Any:
    """Return the pixels as another program decodes them."""
    if path.name == "SC_rgb_jpeg.dcm":  # in Implicit VR against its syntax, which DCMTK does not read
        return pydicom.dcmread(path).pixel_array
    syntax = pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
    run(*DECODERS[str(syntax)], path, folder / "oracle.dcm")
    return pydicom.dcmread(folder / "oracle.dcm").pixel_array


def others() -> list[Path]:
    """Return pydicom's files that are in another Transfer Syntax than the target."""
    return [
        path
        for path in sorted(PYDICOM_FILES.glob("*.dcm"))
        if path.name != "no_meta.dcm" and instance(path).header.transfer_syntax_uid != TARGET
    ]


def test_the_table_names_every_bundled_file_of_another_syntax() -> None:
    assert {path.name for path in others()} == set(BUNDLED)


@needs("dcmdjpeg", "dcmdjpls", "dcmdrle", "dcmconv", "gdcmconv", "dcmdump")
@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_files_are_decoded_as_others_do_or_rejected(name: str, tmp_path: Path) -> None:
    path, refused = PYDICOM_FILES / name, BUNDLED[name]
    with Spool(str(tmp_path)) as spool:
        done = encode_all([instance(path)], spool)
        if refused:
            assert [disposition.finding.code for disposition in done.rejected] == [refused]
            return
        assert not done.rejected, done.rejected[0].finding
        ours = write(done.encoded[0], tmp_path / "ours.dcm")

    run("dcmdump", "+L", ours)
    out = pydicom.dcmread(ours)
    assert out.file_meta.TransferSyntaxUID == TARGET
    if "Rows" not in out:
        return
    limit = LOSSY if out.get("LossyImageCompression") == "01" else 0
    assert largest_difference(out.pixel_array, oracle(path, tmp_path)) <= limit


@needs("dciodvfy")
@pytest.mark.parametrize(
    "name",
    [
        "693_J2KI",
        "JPGExtended",
        "MR_small_RLE",
        "MR_small_bigendian",
        "MR_small_implicit",
        "SC_rgb_dcmtk_+eb+cy+s2",
        "SC_rgb_rle_2frame",
        "examples_jpeg2k",
        "examples_ybr_color",
        "rtdose",
        "rtplan",
        "rtdose_rle",
        "SC_rgb_jls_lossy_line",
    ],
)
def test_dciodvfy_finds_no_error_that_the_source_has_not(name: str, tmp_path: Path) -> None:
    path = PYDICOM_FILES / f"{name}.dcm"
    assert dciodvfy_errors(transcode(path, tmp_path)) <= dciodvfy_errors(path)


SOURCES = [(bits, signed) for bits in (8, 10, 12, 16) for signed in (False, True)]


@pytest.mark.parametrize(("bits", "signed"), SOURCES)
@pytest.mark.parametrize("syntax", ["57", "70", "80", "90", "201", "202", "110"])
def test_lossless_frames_come_back_bit_exact(syntax: str, bits: int, signed: bool, tmp_path: Path) -> None:
    """The truth are the pixels before they were encoded."""
    pixels = np.stack([picture(bits, seed=seed, signed=signed) for seed in range(3)])
    frames = [encode_by_hand(syntax, frame, bits) for frame in pixels]
    known = "90" if syntax == "110" else syntax  # pydicom does not know JPEG XL
    ds = encapsulated(image_dataset(pixels, bits, frames=True), f"1.2.840.10008.1.2.4.{known}", frames)

    path = transcode(save(ds, tmp_path / "source.dcm"), tmp_path, f"1.2.840.10008.1.2.4.{syntax}")
    out = pydicom.dcmread(path)

    assert np.array_equal(out.pixel_array, pixels)
    assert out.get("LossyImageCompression") is None
    assert (out.BitsAllocated, out.BitsStored, out.PixelRepresentation) == (pixels.itemsize * 8, bits, int(signed))
    assert str(out["PixelData"].VR) == ("OB" if bits == 8 else "OW")


@needs("dcmdjpeg", "dcmdjpls")
@pytest.mark.parametrize(("bits", "signed"), SOURCES)
@pytest.mark.parametrize("syntax", ["57", "70", "80"])
def test_dcmtk_decodes_the_same(syntax: str, bits: int, signed: bool, tmp_path: Path) -> None:
    pixels = picture(bits, signed=signed)
    frames = [encode_by_hand(syntax, pixels, bits)]
    ds = encapsulated(image_dataset(pixels, bits), f"1.2.840.10008.1.2.4.{syntax}", frames)
    path = save(ds, tmp_path / "source.dcm")

    ours = pydicom.dcmread(transcode(path, tmp_path)).pixel_array

    assert np.array_equal(signed_as_unsigned(ours, bits), signed_as_unsigned(oracle(path, tmp_path), bits))


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_openjph_decodes_htj2k_the_same(bits: int, tmp_path: Path) -> None:
    """We decode HTJ2K by OpenJPEG; OpenJPH shares no code with it."""
    lossy = bytes(imagecodecs.htj2k_encode(picture(bits), reversible=False, level=0.002))
    ds = encapsulated(image_dataset(picture(bits), bits), "1.2.840.10008.1.2.4.203", [lossy])

    out = pydicom.dcmread(transcode(save(ds, tmp_path / "source.dcm"), tmp_path))

    assert largest_difference(out.pixel_array, imagecodecs.htj2k_decode(lossy)) <= LOSSY
    assert (out.LossyImageCompression, out.LossyImageCompressionMethod) == ("01", "ISO_15444_15")


@needs("dcmcjpeg", "dcmdjpeg")
@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("transform", [0, 2])
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_every_predictor_and_point_transform_of_dcmtk(
    bits: int, transform: int, predictor: int, tmp_path: Path
) -> None:
    """ISO/IEC 10918-1 H; the encoder is DCMTK's too, so that its streams are met as well as libjpeg-turbo's."""
    plain = save(image_dataset(picture(bits), bits), tmp_path / "plain.dcm")
    run("dcmcjpeg", "+el", "+sv", predictor, "+pt", transform, plain, tmp_path / "source.dcm")

    ours = pydicom.dcmread(transcode(tmp_path / "source.dcm", tmp_path)).pixel_array

    assert np.array_equal(ours, oracle(tmp_path / "source.dcm", tmp_path))
    assert transform or np.array_equal(ours, picture(bits))


@needs("dcmcjpeg", "dcmdjpeg")
@pytest.mark.parametrize(
    "options",
    [("+eb",), ("+eb", "+cr"), ("+ee", "+s2"), ("+eb", "+n1"), ("+eb", "+s4"), ("+el",), ("+e1",)],
    ids=" ".join,
)
def test_colour_jpeg_of_dcmtk(options: tuple[str, ...], tmp_path: Path) -> None:
    plain = save(image_dataset(colour()), tmp_path / "plain.dcm")
    run("dcmcjpeg", *options, plain, tmp_path / "source.dcm")

    out = pydicom.dcmread(transcode(tmp_path / "source.dcm", tmp_path))

    assert (out.PhotometricInterpretation, out.PlanarConfiguration) == ("RGB", 0)
    assert largest_difference(out.pixel_array, oracle(tmp_path / "source.dcm", tmp_path)) <= LOSSY


@needs("dcmcjpeg", "dcmdjpeg")
def test_twelve_bit_jpeg_of_dcmtk(tmp_path: Path) -> None:
    plain = save(image_dataset(picture(12), 12), tmp_path / "plain.dcm")
    run("dcmcjpeg", "+ee", plain, tmp_path / "source.dcm")

    ours = pydicom.dcmread(transcode(tmp_path / "source.dcm", tmp_path)).pixel_array

    assert largest_difference(ours, oracle(tmp_path / "source.dcm", tmp_path)) <= LOSSY


@needs("dcmcrle", "dcmdrle")
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_rle_of_dcmtk(bits: int, tmp_path: Path) -> None:
    pixels = np.stack([picture(bits, seed=seed, signed=True) for seed in range(3)])
    plain = save(image_dataset(pixels, bits, frames=True), tmp_path / "plain.dcm")
    run("dcmcrle", plain, tmp_path / "source.dcm")

    assert np.array_equal(pydicom.dcmread(transcode(tmp_path / "source.dcm", tmp_path)).pixel_array, pixels)


@needs("dcmcjpls", "dcmdjpls")
@pytest.mark.parametrize("interleave", ["+in", "+il", "+is"])
@pytest.mark.parametrize("near", [(), ("+en", "+md", "2")], ids=["lossless", "near"])
def test_colour_jpeg_ls_of_dcmtk(near: tuple[str, ...], interleave: str, tmp_path: Path) -> None:
    plain = save(image_dataset(colour()), tmp_path / "plain.dcm")
    run("dcmcjpls", *near, interleave, plain, tmp_path / "source.dcm")

    out = pydicom.dcmread(transcode(tmp_path / "source.dcm", tmp_path))

    assert np.array_equal(out.pixel_array, oracle(tmp_path / "source.dcm", tmp_path))
    assert near or np.array_equal(out.pixel_array, colour())
