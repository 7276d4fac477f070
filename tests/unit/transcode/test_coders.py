"""Frames coded into each Transfer Syntax of encoders.csv: every bit comes back, and the attributes fit the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from mediacreator.errors import InternalError
from mediacreator.rules.tables import Encoder, encoders
from mediacreator.transcode import Spool, coders, encode
from mediacreator.transcode.coders import CODERS, Code, code_for, encode_frame
from mediacreator.transcode.encapsulation import offset_tables
from mediacreator.transcode.fragments import EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS
from mediacreator.transcode.image import Image
from mediacreator.transcode.jpeg import SOF_LOSSLESS, SOF_SEQUENTIAL, read_markers
from mediacreator.transcode.jpeg2000 import read_main_header
from mediacreator.transcode.plan import Plan
from mediacreator.transcode.refusal import Refusal
from tests.transcoding import (
    coded,
    colour,
    encapsulated,
    frames_of,
    image_dataset,
    instance,
    native_bytes,
    picture,
    refused,
    save,
    transcoded,
)

ROOT = "1.2.840.10008.1.2."
JPEG_LOSSLESS, J2K_LOSSLESS, J2K, RLE = (ROOT + end for end in ("4.70", "4.90", "4.91", "5"))
BASELINE, EXTENDED = ROOT + "4.50", ROOT + "4.51"
LOSSLESS = tuple(row.uid for row in encoders() if row.loss == "none" and row.photometric)
DEPTHS = [(bits, signed) for bits in (8, 10, 12, 16) for signed in (False, True)]


def padded(data: bytes) -> bytes:
    return data + b"\0" * (len(data) & 1)


def row(uid: str, loss: str = "none") -> Encoder:
    return next(row for row in encoders() if (row.uid, row.loss) == (uid, loss))


def test_every_row_of_the_table_has_a_coder() -> None:
    assert {row.coder for row in encoders()} == {"native", *CODERS}


@pytest.mark.parametrize(("bits", "signed"), DEPTHS)
@pytest.mark.parametrize("target", LOSSLESS)
def test_every_depth_comes_back_bit_by_bit(target: str, bits: int, signed: bool, tmp_path: Path) -> None:
    pixels = np.stack([picture(bits, seed=seed, signed=signed) for seed in range(3)])
    out, done = transcoded(image_dataset(pixels, bits, frames=True), target, tmp_path)

    assert native_bytes(tmp_path / "coded.dcm", tmp_path) == padded(pixels.tobytes())
    assert (out.file_meta.TransferSyntaxUID, done.encoded[0].transfer_syntax_uid) == (target, target)
    assert (out.BitsStored, out.HighBit, out.PixelRepresentation) == (bits, bits - 1, int(signed))
    assert "LossyImageCompression" not in out
    assert (done.findings, done.encoded[0].quality, done.encoded[0].lossy_before) == ((), 0, False)
    assert not done.encoded[0].instance.keys.keys() & {"LossyImageCompressionRatio", "LossyImageCompressionMethod"}


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (90, 1), (2, 3), (33, 65)])
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("target", LOSSLESS)
def test_odd_sizes_single_rows_and_single_pixels(
    target: str, samples: int, size: tuple[int, int], tmp_path: Path
) -> None:
    pixels = picture(16, *size, signed=True) if samples == 1 else colour(3, *size)
    transcoded(image_dataset(pixels), target, tmp_path)

    assert native_bytes(tmp_path / "coded.dcm", tmp_path) == padded(pixels.tobytes())


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("target", LOSSLESS)
def test_colours_come_back_interleaved_whatever_the_planes_were(
    target: str, photometric: str, planar: int, tmp_path: Path
) -> None:
    pixels = np.stack([colour(seed) for seed in (1, 2)])
    ds = image_dataset(pixels, frames=True, PhotometricInterpretation=photometric, PlanarConfiguration=planar)
    if planar:
        ds.PixelData = pixels.transpose(0, 3, 1, 2).tobytes()
    out, _ = transcoded(ds, target, tmp_path)

    transform = photometric == "RGB" and target in (J2K_LOSSLESS, J2K)
    assert out.PhotometricInterpretation == ("YBR_RCT" if transform else photometric)
    assert out.PlanarConfiguration == (1 if target == RLE else 0)
    assert native_bytes(tmp_path / "coded.dcm", tmp_path) == pixels.tobytes()
    assert pydicom.dcmread(tmp_path / "native.dcm").PhotometricInterpretation == photometric


def palette() -> Dataset:
    ds = image_dataset(picture(8), PhotometricInterpretation="PALETTE COLOR")
    for name in ("Red", "Green", "Blue"):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(ds, f"{name}PaletteColorLookupTableData", np.arange(256, dtype="<u2").tobytes())
    return ds


@pytest.mark.parametrize("target", [JPEG_LOSSLESS, J2K_LOSSLESS, RLE])
def test_palette_colours_stay_numbers_of_colours(target: str, tmp_path: Path) -> None:
    out, _ = transcoded(palette(), target, tmp_path)
    assert (out.PhotometricInterpretation, out.RedPaletteColorLookupTableDescriptor) == ("PALETTE COLOR", [256, 0, 16])
    assert native_bytes(tmp_path / "coded.dcm", tmp_path) == padded(picture(8).tobytes())


# What lies in a cell besides the sample


def with_overlay(signed: bool = False) -> Any:
    pixels = picture(12, signed=signed).view("<u2") & 0x0FFF
    pixels[::3, ::5] |= 0x8000
    return pixels.view("<i2" if signed else "<u2")


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("target", LOSSLESS)
def test_an_overlay_in_unused_bits_is_not_lost(target: str, signed: bool, tmp_path: Path) -> None:
    """PS3.5 8.1.1 (retired use); a signed sample without its sign above it is such a cell too."""
    pixels = with_overlay(signed)
    transcoded(image_dataset(pixels, 12), target, tmp_path)
    assert native_bytes(tmp_path / "coded.dcm", tmp_path)[: pixels.nbytes] == pixels.tobytes()


def test_jpeg_2000_codes_bits_stored_where_nothing_is_above_them_in_any_frame(tmp_path: Path) -> None:
    """PS3.5 8.2.4: readers compare the precision of the code with Bits Stored."""
    clean = [picture(12, seed=seed) for seed in range(4)]
    for frames, precision in ((clean, 12), ([*clean[:3], with_overlay()], 16)):
        ds = image_dataset(np.stack(frames), 12, frames=True)
        out, _ = transcoded(ds, J2K_LOSSLESS, tmp_path)
        assert {read_main_header(frame).precision for frame in frames_of(out)} == {precision}
        assert out.BitsStored == 12


@pytest.mark.parametrize(("target", "quality"), [(EXTENDED, 80), (J2K, 80)])
def test_loss_is_refused_where_it_would_lose_what_is_no_picture(target: str, quality: int, tmp_path: Path) -> None:
    finding = refused(image_dataset(with_overlay(), 12), target, tmp_path, quality)
    assert finding.code == "unsupported-pixel-format"
    assert "overlay" in finding.what


# The code streams


def test_jpeg_is_in_interchange_format_frame_by_frame(tmp_path: Path) -> None:
    """ISO/IEC 10918-1 B.4: no abbreviated streams; process 14 with selection value 1 for 4.70 (PS3.5 A.4.1)."""
    pixels = np.stack([picture(8, seed=seed) for seed in range(3)])
    for target, quality, kinds in ((JPEG_LOSSLESS, 0, (SOF_LOSSLESS,)), (BASELINE, 85, SOF_SEQUENTIAL[:1])):
        out, _ = transcoded(image_dataset(pixels, frames=True), target, tmp_path, quality)
        for frame in frames_of(out):
            stream = read_markers(frame)
            assert stream.process in kinds
            assert all(scan.dc[0] is not None for scan in stream.scans)
            if not quality:
                assert [scan.start for scan in stream.scans] == [1]


def test_one_fragment_a_frame_behind_a_basic_offset_table(tmp_path: Path) -> None:
    """PS3.5 A.4."""
    pixels = np.stack([picture(12, 41, 33, seed=seed) for seed in range(5)])
    out, _ = transcoded(image_dataset(pixels, 12, frames=True), JPEG_LOSSLESS, tmp_path)
    data = bytes(out.PixelData)

    lengths, position = [], 0
    while data[position : position + 4] == b"\xfe\xff\x00\xe0":
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        lengths.append(length)
        position += 8 + length
    table = np.frombuffer(data[8 : 8 + lengths[0]], "<u4")
    assert len(lengths) == 6
    assert not any(length & 1 for length in lengths)
    assert list(table) == [sum(lengths[1:k]) + 8 * (k - 1) for k in range(1, 6)]
    assert data[position:] in (b"", b"\xfe\xff\xdd\xe0\0\0\0\0")


def test_offsets_of_more_than_32_bits_go_into_an_extended_offset_table() -> None:
    """PS3.3 C.7.6.3.1.8: the Basic Offset Table is empty then."""
    size = 1 << 30
    assert offset_tables([size, 6]).extended == {}
    assert offset_tables([size] * 3 + [size - 64, 10]).basic[-4:] == (4 * size - 64 + 32).to_bytes(4, "little")
    tables = offset_tables([size] * 6)
    assert tables.basic == b""
    offsets, lengths = tables.extended[EXTENDED_OFFSET_TABLE], tables.extended[EXTENDED_OFFSET_TABLE_LENGTHS]
    assert offsets == ("OV", np.arange(0, 6 * (size + 8), size + 8, dtype="<u8").tobytes())
    assert lengths == ("OV", np.full(6, size, dtype="<u8").tobytes())


def test_the_offset_table_of_the_source_goes_and_nested_pixels_stay_valid(tmp_path: Path) -> None:
    pixels = np.stack([picture(8, seed=seed) for seed in range(3)])
    plain = image_dataset(pixels, frames=True)
    source, _ = transcoded(plain, RLE, tmp_path)
    data, offsets, lengths = pydicom.encaps.encapsulate_extended(frames_of(source))
    source.PixelData = data
    source.ExtendedOffsetTable, source.ExtendedOffsetTableLengths = offsets, lengths
    icon = image_dataset(picture(8, 16, 16))
    del icon.file_meta
    icon.PixelData = pydicom.encaps.encapsulate(
        [encode_frame(code_for(row(RLE), 0, Image(16, 16, 1, "MONOCHROME2", 8, 8, False, 1)), icon.PixelData)]
    )
    icon["PixelData"].VR = "OB"
    icon["PixelData"].is_undefined_length = True
    source.IconImageSequence = [icon]
    out, _ = transcoded(source, J2K_LOSSLESS, tmp_path)

    assert "ExtendedOffsetTable" not in out
    assert "ExtendedOffsetTableLengths" not in out
    assert out.IconImageSequence[0].PixelData == picture(8, 16, 16).tobytes()
    assert native_bytes(tmp_path / "coded.dcm", tmp_path) == padded(pixels.tobytes())


# Loss, and what says so


@pytest.mark.parametrize(
    ("target", "method", "pixels", "bits", "photometric"),
    [
        (BASELINE, "ISO_10918_1", picture(8, 128, 128), 8, "MONOCHROME2"),
        (BASELINE, "ISO_10918_1", colour(3, 128, 128), 8, "YBR_FULL_422"),
        (EXTENDED, "ISO_10918_1", picture(12, 128, 128), 12, "MONOCHROME2"),
        (EXTENDED, "ISO_10918_1", picture(10, 128, 128), 10, "MONOCHROME2"),
        (J2K, "ISO_15444_1", picture(8, 128, 128), 8, "MONOCHROME2"),
        (J2K, "ISO_15444_1", picture(12, 128, 128, signed=True), 12, "MONOCHROME2"),
        (J2K, "ISO_15444_1", picture(16, 128, 128), 16, "MONOCHROME2"),
        (J2K, "ISO_15444_1", colour(3, 128, 128), 8, "YBR_ICT"),
    ],
)
def test_loss_is_declared_and_near(
    target: str, method: str, pixels: Any, bits: int, photometric: str, tmp_path: Path
) -> None:
    """PS3.3 C.7.6.1.1.5; JPEG Extended knows 12 bits only (PS3.5 Table 8.2.1-1)."""
    out, done = transcoded(image_dataset(pixels, bits), target, tmp_path, quality=90)
    size = len(frames_of(out)[0])

    assert (out.LossyImageCompression, out.LossyImageCompressionMethod) == ("01", method)
    assert float(out.LossyImageCompressionRatio) == pytest.approx(pixels.nbytes / size, rel=1e-3)
    assert out.PhotometricInterpretation == photometric
    stored = 12 if target == EXTENDED else bits
    assert (out.BitsStored, out.HighBit) == (stored, stored - 1)
    keys = done.encoded[0].instance.keys
    assert keys["LossyImageCompressionRatio"].strip().decode() == str(out.LossyImageCompressionRatio)
    assert (done.encoded[0].quality, done.encoded[0].lossy_before) == (90, False)
    decoded = np.frombuffer(native_bytes(tmp_path / "coded.dcm", tmp_path)[: pixels.nbytes], pixels.dtype)
    error = decoded.astype(float) - pixels.ravel()
    assert 10 * np.log10((2**bits - 1) ** 2 / (error**2).mean()) > 37


def test_a_second_loss_is_one_more_value_of_each_attribute(tmp_path: Path) -> None:
    """PS3.3 C.7.6.1.1.5.1, C.7.6.1.1.5.2."""
    ds = image_dataset(
        picture(8, 128, 128),
        LossyImageCompression="01",
        LossyImageCompressionRatio="7.5",
        LossyImageCompressionMethod="ISO_14495_1",
    )
    out, done = transcoded(ds, BASELINE, tmp_path, quality=50)
    first, second = map(float, out.LossyImageCompressionRatio)
    assert first == 7.5
    assert second == pytest.approx(128 * 128 / len(frames_of(out)[0]), rel=1e-3)
    assert out.LossyImageCompressionMethod == ["ISO_14495_1", "ISO_10918_1"]
    assert done.encoded[0].lossy_before


def test_a_loss_that_was_not_declared_is_told_before_ours(tmp_path: Path) -> None:
    lossy, _ = transcoded(image_dataset(picture(8, 128, 128)), BASELINE, tmp_path, quality=50)
    ratio = float(lossy.LossyImageCompressionRatio)
    for keyword in ("", "Ratio", "Method"):
        delattr(lossy, f"LossyImageCompression{keyword}")
    with Spool(str(tmp_path)) as spool:
        (found,) = [instance(save(lossy, tmp_path / "undeclared.dcm"))]
        plan = Plan((found,), (J2K,), (), 1, 0, qualities={0: 80})
        done = encode(plan, spool)
        out = pydicom.dcmread(done.encoded[0].body.source.path, force=True)
    assert [finding.code for finding in done.findings] == ["lossy-not-declared"]
    assert done.encoded[0].lossy_before
    assert out.LossyImageCompressionMethod == ["ISO_10918_1", "ISO_15444_1"]
    assert float(out.LossyImageCompressionRatio[0]) == pytest.approx(ratio, rel=0.01)


@pytest.mark.parametrize("target", [BASELINE, J2K])
def test_a_lower_quality_is_smaller(target: str, tmp_path: Path) -> None:
    ds = image_dataset(picture(8, 256, 256))
    sizes = [len(transcoded(ds, target, tmp_path, quality)[0].PixelData) for quality in (1, 30, 60, 85, 100)]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 5


# What a code does not take, and what it does not give back


@pytest.mark.parametrize(
    ("target", "loss", "image"),
    [
        (JPEG_LOSSLESS, "none", Image(2, 2, 1, "MONOCHROME2", 32, 32, False, 1)),
        (JPEG_LOSSLESS, "none", Image(2, 2, 1, "MONOCHROME2", 8, 12, False, 1)),
        (JPEG_LOSSLESS, "none", Image(2, 2, 3, "YBR_FULL_422", 8, 8, False, 1)),
        (JPEG_LOSSLESS, "none", Image(2, 2, 3, "MONOCHROME2", 8, 8, False, 1)),
        (J2K_LOSSLESS, "none", Image(2, 2, 1, "RGB", 8, 8, False, 1)),
        (BASELINE, "lossy", Image(2, 2, 1, "MONOCHROME2", 8, 8, True, 1)),
        (BASELINE, "lossy", Image(2, 2, 1, "PALETTE COLOR", 8, 8, False, 1)),
        (EXTENDED, "lossy", Image(2, 2, 1, "MONOCHROME2", 16, 16, False, 1)),
    ],
)
def test_what_a_code_does_not_take_is_refused_with_found_allowed_and_clause(
    target: str, loss: str, image: Image
) -> None:
    with pytest.raises(Refusal) as caught:
        code_for(row(target, loss), 80 if loss == "lossy" else 0, image)
    assert caught.value.code == "unsupported-pixel-format"
    assert image.photometric in caught.value.what
    assert str(image.stored) in caught.value.what
    assert caught.value.clause.startswith("PS3.5 Table 8.2")


@pytest.mark.parametrize("target", LOSSLESS)
def test_a_code_that_does_not_give_every_bit_back_is_never_written(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = row(target).coder
    real = CODERS[name]

    def one_bit_off(cells: Any, code: Code) -> bytes:
        wrong = cells.copy()
        wrong[-1, -1] ^= 1
        return real.encode(wrong, code)

    monkeypatch.setitem(coders.CODERS, name, coders.Coder(one_bit_off, real.decode, real.precision, real.planar))
    finding = refused(image_dataset(picture(12), 12), target, tmp_path)
    assert finding.code == "encoding-not-lossless"
    assert "frame 1 of 1" in finding.what


def test_a_coder_that_gives_up_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gives_up(cells: Any, code: Code) -> bytes:
        raise RuntimeError("Phantom")

    real = CODERS["rle"]
    monkeypatch.setitem(coders.CODERS, "rle", coders.Coder(gives_up, real.decode, real.precision))
    finding = refused(image_dataset(picture(12), 12), RLE, tmp_path)
    assert finding.code == "encoding-not-lossless"
    assert "Phantom" not in str(finding)


def test_a_plan_that_no_coder_can_carry_out_is_our_fault(tmp_path: Path) -> None:
    found = instance(save(image_dataset(picture(8)), tmp_path / "a.dcm"))
    with Spool(str(tmp_path)) as spool, pytest.raises(InternalError):
        encode(Plan((found,), (ROOT + "4.80",), (), 1, 0), spool)


def test_rle_codes_each_row_by_itself_in_even_segments() -> None:
    """PS3.5 G.3.1, G.5."""
    pixels = np.full((4, 200), 7, dtype=np.uint8)
    data = encode_frame(code_for(row(RLE), 0, Image(4, 200, 1, "MONOCHROME2", 8, 8, False, 1)), pixels.tobytes())
    assert data[:8] == bytes([1, 0, 0, 0, 64, 0, 0, 0])
    assert data[64:] == bytes([129, 7, 185, 7]) * 4  # 128 and 72 times
    assert len(data) % 2 == 0


def test_frames_of_planes_in_fragments_are_put_side_by_side(tmp_path: Path) -> None:
    """PS3.5 A.4.11: Encapsulated Uncompressed holds native frames, planes and all."""
    pixels = colour()
    ds = image_dataset(pixels, PlanarConfiguration=1)
    frame = padded(pixels.transpose(2, 0, 1).tobytes())
    ds = encapsulated(ds, "1.2.840.10008.1.2.1.98", [frame])
    path = save(ds, tmp_path / "planes.dcm")
    assert native_bytes(path, tmp_path)[: pixels.nbytes] == pixels.tobytes()
    with Spool(str(tmp_path)) as spool:
        assert len(coded([instance(path)], JPEG_LOSSLESS, spool).encoded) == 1
