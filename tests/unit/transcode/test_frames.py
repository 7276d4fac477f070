"""Frames in fragments, and streams that are damaged on purpose: a whole image or none (PS3.5 A.4)."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate_extended

from mediacreator.rules.tables import transfer_syntaxes
from mediacreator.transcode import Encoding, Spool
from mediacreator.transcode.codecs import _CODECS
from mediacreator.transcode.huffman import Broken
from mediacreator.transcode.jobs import DECODED
from mediacreator.transcode.jpeg import check_entropy_coded_data, read_markers
from mediacreator.transcode.jpeg2000 import check_tile_parts, read_main_header
from tests.transcoding import colour, encapsulated, image_dataset, instance, moved, picture, run, save, write

JPEG, LOSSLESS, JPEG_LS, J2K = (f"1.2.840.10008.1.2.4.{k}" for k in ("50", "70", "80", "90"))
HTJ2K, RLE = "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.5"


def transcode(ds: Dataset, folder: Path) -> Encoding:
    with Spool(str(folder)) as spool:
        done = run([instance(save(ds, folder / "source.dcm"))], spool)
        for encoded in done.encoded:
            write(encoded, folder / "ours.dcm")
        return done


def pixels_of(ds: Dataset, folder: Path) -> Any:
    done = transcode(ds, folder)
    assert not done.rejected, done.rejected[0].finding
    return pydicom.dcmread(folder / "ours.dcm").pixel_array


def code_of(ds: Dataset, folder: Path) -> str:
    done = transcode(ds, folder)
    assert not done.encoded
    return done.rejected[0].finding.code


def multi_frame(syntax: str = J2K, count: int = 5, **options: Any) -> tuple[Dataset, Any]:
    pixels = np.stack([picture(12, seed=seed) for seed in range(count)])
    return encapsulated(
        image_dataset(pixels, 12, frames=True), syntax, [stream(syntax, p) for p in pixels], **options
    ), pixels


def stream(syntax: str, pixels: Any, bits: int = 12) -> bytes:
    if syntax == J2K:
        return bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", level=0, reversible=True, bitspersample=bits))
    if syntax == LOSSLESS:
        return bytes(imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=bits))
    if syntax == JPEG_LS:
        return bytes(imagecodecs.jpegls_encode(pixels))
    if syntax == HTJ2K:
        return bytes(imagecodecs.htj2k_encode(pixels))
    return bytes(imagecodecs.jpeg8_encode(pixels, level=90, bitspersample=bits))


def test_every_codec_that_plan_lets_through_has_a_decoder() -> None:
    assert set(_CODECS) == DECODED
    assert {row.codec for row in transfer_syntaxes().values()} >= DECODED


@pytest.mark.parametrize("has_table", [True, False])
@pytest.mark.parametrize("fragments", [1, 3])
def test_frames_in_fragments_with_and_without_a_basic_offset_table(
    fragments: int, has_table: bool, tmp_path: Path
) -> None:
    ds, pixels = multi_frame(fragments_per_frame=fragments, has_bot=has_table)

    assert np.array_equal(pixels_of(ds, tmp_path), pixels)


def test_an_extended_offset_table_is_used_and_removed(tmp_path: Path) -> None:
    pixels = np.stack([picture(12, seed=seed) for seed in range(3)])
    ds = image_dataset(pixels, 12, frames=True)
    data, offsets, lengths = encapsulate_extended([stream(J2K, p) for p in pixels])
    encapsulated(ds, J2K, [b"\0\0"])
    ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = data, offsets, lengths

    assert np.array_equal(pixels_of(ds, tmp_path), pixels)
    assert "ExtendedOffsetTable" not in pydicom.dcmread(tmp_path / "ours.dcm")
    assert "ExtendedOffsetTableLengths" not in pydicom.dcmread(tmp_path / "ours.dcm")


def test_a_wrong_offset_table_is_ignored_and_said(tmp_path: Path) -> None:
    ds, pixels = multi_frame()
    data = bytearray(ds.PixelData)
    struct.pack_into("<I", data, 12, 6)  # of the second frame
    ds.PixelData = bytes(data)

    done = transcode(ds, tmp_path)

    assert np.array_equal(pydicom.dcmread(tmp_path / "ours.dcm").pixel_array, pixels)
    assert [finding.code for finding in done.findings] == ["tolerated-encoding"]


@pytest.mark.parametrize("has_table", [True, False])
@pytest.mark.parametrize("count", [1, 4, 6])
@pytest.mark.parametrize("syntax", [J2K, LOSSLESS, JPEG_LS])
def test_another_number_of_frames_than_the_attribute_says_is_rejected(
    syntax: str, count: int, has_table: bool, tmp_path: Path
) -> None:
    ds, _ = multi_frame(syntax, has_bot=has_table)
    ds.NumberOfFrames = count

    assert code_of(ds, tmp_path) in ("frame-count", "truncated-pixel-data")


def test_a_missing_delimiter_after_whole_frames_is_tolerated_but_half_a_fragment_is_not(tmp_path: Path) -> None:
    ds, _ = multi_frame()
    path = save(ds, tmp_path / "whole.dcm")
    data = path.read_bytes()

    for cut, expected in ((8, ""), (9, "truncated"), (400, "truncated"), (len(ds.PixelData) // 2, "truncated")):
        broken = tmp_path / "broken.dcm"
        broken.write_bytes(data[:-cut])
        with Spool(str(tmp_path)) as spool:
            done = run([moved(instance(path), broken)], spool)
        assert bool(done.encoded) == (not expected)
        if expected:
            assert done.rejected[0].finding.code == "truncated-pixel-data"
        else:
            assert [finding.code for finding in done.findings] == ["tolerated-encoding"]


@pytest.mark.parametrize("part", [0.02, 0.3, 0.7, 0.97, 0.999])
@pytest.mark.parametrize("ending", [b"", b"\xff\xd9"], ids=["bare", "EOI"])
@pytest.mark.parametrize("syntax", [JPEG, "1.2.840.10008.1.2.4.51", LOSSLESS, JPEG_LS, J2K, HTJ2K])
def test_a_truncated_codestream_never_becomes_half_an_image(
    syntax: str, ending: bytes, part: float, tmp_path: Path
) -> None:
    """libjpeg and OpenJPH give what they have, and imagecodecs says nothing."""
    bits = 8 if syntax == JPEG else 12
    data = stream(syntax, picture(bits, 128, 128), bits)
    data = data[: int(len(data) * part)] + ending
    ds = encapsulated(image_dataset(picture(bits, 128, 128), bits), syntax, [data])

    assert code_of(ds, tmp_path) in ("corrupt-codestream", "frame-count")


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_rle_frame_is_rejected(part: float, tmp_path: Path) -> None:
    ds = image_dataset(picture(12, 128, 128), 12)
    ds.compress(RLE, encoding_plugin="pydicom")
    frame = next(pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=1))

    assert code_of(encapsulated(ds, RLE, [frame[: int(len(frame) * part)]]), tmp_path) == "corrupt-codestream"


def test_rle_segments_may_be_padded(tmp_path: Path) -> None:
    ds = image_dataset(picture(8), 8)
    ds.compress(RLE, encoding_plugin="pydicom")
    frame = next(pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=1))

    for padding in (b"\0\0", bytes(10), b"\x80" * 6):
        assert np.array_equal(pixels_of(encapsulated(ds, RLE, [frame + padding]), tmp_path), picture(8))
    assert code_of(encapsulated(ds, RLE, [frame + b"\x05abcdef" * 2]), tmp_path) == "corrupt-codestream"


@pytest.mark.parametrize("syntax", [JPEG, LOSSLESS, JPEG_LS, J2K, HTJ2K, RLE])
def test_garbage_and_frames_of_another_size_are_rejected(syntax: str, tmp_path: Path) -> None:
    bits = 8 if syntax == JPEG else 12
    ds = image_dataset(picture(bits), bits)
    if syntax != RLE:
        assert (
            code_of(encapsulated(ds, syntax, [stream(syntax, picture(bits, 60, 77), bits)]), tmp_path)
            == "corrupt-codestream"
        )
    assert code_of(encapsulated(ds, syntax, [bytes(range(256)) * 4]), tmp_path) == "corrupt-codestream"
    assert code_of(encapsulated(ds, syntax, [b"\0\0"]), tmp_path) == "corrupt-codestream"


def test_a_bad_frame_in_the_middle_rejects_the_instance_and_names_it(tmp_path: Path) -> None:
    ds, _ = multi_frame(LOSSLESS)
    frames = list(pydicom.encaps.generate_frames(ds.PixelData, number_of_frames=5))
    frames[3] = frames[3][:500] + frames[3][600:]

    done = transcode(encapsulated(ds, LOSSLESS, frames), tmp_path)

    assert done.rejected[0].finding.code == "corrupt-codestream"
    assert "frame 4 of 5" in done.rejected[0].finding.what


def test_pixels_that_are_not_as_the_syntax_says_are_rejected(tmp_path: Path) -> None:
    ds = image_dataset(picture(12), 12)
    path = save(ds, tmp_path / "a.dcm")
    with Spool(str(tmp_path)) as spool:
        done = run([moved(instance(path), path, transfer_syntax_uid=J2K)], spool)

    assert [disposition.finding.code for disposition in done.rejected] == ["malformed-data-set"]


def test_a_native_image_over_the_length_field_is_rejected_before_it_is_decoded(tmp_path: Path) -> None:
    """PS3.5 7.1.1: 2^32 - 2 bytes at most."""
    ds, _ = multi_frame()
    ds.NumberOfFrames, ds.Rows, ds.Columns = 60000, 512, 512

    assert code_of(ds, tmp_path) == "pixel-data-too-large"


def test_progressive_and_unknown_processes_are_not_trusted(tmp_path: Path) -> None:
    data = bytearray(stream(JPEG, picture(8), 8))
    data[data.index(b"\xff\xc0") + 1] = 0xC2

    assert (
        code_of(encapsulated(image_dataset(picture(8)), JPEG, [bytes(data)]), tmp_path) == "unsupported-transfer-syntax"
    )


# Walking the entropy coded data


def insert_restarts(pixels: Any, interval_rows: int) -> bytes:
    """Return a lossless JPEG with restart markers, encoded by hand: SSSS of 0 to 16 bits, predictor 1 (H.1.2)."""
    rows, columns = pixels.shape
    header = b"\xff\xd8\xff\xc3" + struct.pack(">HBHHB3B", 11, 12, rows, columns, 1, 1, 0x11, 0)
    lengths = bytes([0] * 4 + [16] + [1] + [0] * 10)  # sixteen codes of 5 bits, one of 6
    table = b"\xff\xc4" + struct.pack(">HB", 2 + 1 + 16 + 17, 0) + lengths + bytes(range(17))
    interval = b"\xff\xdd" + struct.pack(">HH", 4, interval_rows * columns)
    scan = b"\xff\xda" + struct.pack(">H6B", 8, 1, 1, 0, 1, 0, 0)
    segments = []
    for first in range(0, rows, interval_rows):
        bits = "".join(_row_bits(pixels[first : first + interval_rows]))
        bits += "1" * (-len(bits) % 8)
        segments.append(int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00"))
    body = b"".join(
        segment + (bytes((0xFF, 0xD0 + k % 8)) if k + 1 < len(segments) else b"") for k, segment in enumerate(segments)
    )
    return header + table + interval + scan + body + b"\xff\xd9"


def _row_bits(block: Any) -> Any:
    values = block.astype(int)
    for y, row in enumerate(values):
        for x, value in enumerate(row):
            before = row[x - 1] if x else values[y - 1][0] if y else 1 << 11
            difference = int(value - before)
            size = abs(difference).bit_length()
            yield format(size, "05b")
            if size:
                yield format(difference if difference > 0 else difference + (1 << size) - 1, f"0{size}b")


@pytest.mark.parametrize("interval", [1, 2, 7])
def test_restart_markers_are_followed_and_must_be_in_order(interval: int, tmp_path: Path) -> None:
    pixels = picture(12, 40, 30)
    data = insert_restarts(pixels, interval)

    assert np.array_equal(pixels_of(encapsulated(image_dataset(pixels, 12), LOSSLESS, [data]), tmp_path), pixels)
    damaged = data.replace(b"\xff\xd2", b"\xff\xd3", 1)
    assert code_of(encapsulated(image_dataset(pixels, 12), LOSSLESS, [damaged]), tmp_path) == "corrupt-codestream"
    cut = data.index(b"\xff\xd1")
    damaged = data[: cut - 9] + data[cut:]
    assert code_of(encapsulated(image_dataset(pixels, 12), LOSSLESS, [damaged]), tmp_path) == "corrupt-codestream"


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (17, 200), (300, 257)])
@pytest.mark.parametrize("subsampling", ["444", "422", "420", "411"])
def test_whole_streams_of_every_sampling_pass(subsampling: str, size: tuple[int, int]) -> None:
    data = bytes(imagecodecs.jpeg8_encode(colour(3, *size), level=95, subsampling=subsampling))

    check_entropy_coded_data(data, read_markers(data))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([JPEG, LOSSLESS]))
def test_a_loss_at_the_end_is_noticed_to_the_byte(place: int, syntax: str) -> None:
    data = stream(syntax, picture(8, 64, 64), 8)
    start = data.index(b"\xff\xda") + 10
    damaged = data[: start + place % (len(data) - start - 3)] + b"\xff\xd9"

    with pytest.raises(Broken):
        check_entropy_coded_data(damaged, read_markers(damaged))


@pytest.mark.parametrize("syntax", [JPEG, LOSSLESS])
def test_a_loss_of_some_bytes_in_the_middle_is_noticed_nearly_always(syntax: str) -> None:
    """Huffman codes may fall into step again by chance; then no decoder notices."""
    data = stream(syntax, picture(8, 64, 64), 8)
    start = data.index(b"\xff\xda") + 12
    missed = 0
    for at in range(start, len(data) - 40, 17):
        damaged = data[:at] + data[at + 23 :]
        try:
            check_entropy_coded_data(damaged, read_markers(damaged))
        except Broken:
            continue
        missed += 1
    assert missed <= (len(data) - start) // 17 // 10


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 700))
def test_no_damage_to_a_header_raises_anything_else_than_broken(junk: bytes, place: int) -> None:
    data = stream(JPEG, picture(8, 16, 16), 8)
    damaged = data[:place] + junk + data[place + len(junk) :]
    with suppress(Broken):
        check_entropy_coded_data(damaged, read_markers(damaged))


def tiled(pixels: Any, side: int = 64) -> tuple[bytes, list[bytes]]:
    """Return the main header and the tile-parts of one row of tiles, put together from streams of one tile each."""
    parts = []
    for number, first in enumerate(range(0, pixels.shape[1], side)):
        data = stream(J2K, np.ascontiguousarray(pixels[:, first : first + side]))
        start = data.index(b"\xff\x90\x00\x0a")
        part = bytearray(data[start:-2])
        struct.pack_into(">HI", part, 4, number, len(part))
        parts.append(bytes(part))
    header = bytearray(data[:start])
    struct.pack_into(">I", header, 8, pixels.shape[1])  # Xsiz; XTsiz stays that of one tile
    return bytes(header), parts


def test_tiles_of_jpeg_2000_must_all_be_there(tmp_path: Path) -> None:
    pixels = picture(12, 64, 256)
    header, parts = tiled(pixels)

    def with_tiles(chosen: list[bytes]) -> Dataset:
        return encapsulated(image_dataset(pixels, 12), J2K, [header + b"".join(chosen) + b"\xff\xd9"])

    assert np.array_equal(pixels_of(with_tiles(parts), tmp_path), pixels)
    for lost in range(4):
        assert code_of(with_tiles(parts[:lost] + parts[lost + 1 :]), tmp_path) == "corrupt-codestream"
    assert code_of(with_tiles([*parts[:3], parts[3][:-5]]), tmp_path) == "corrupt-codestream"


@pytest.mark.parametrize("syntax", [J2K, HTJ2K])
def test_codes_that_cannot_stand_in_coded_data_are_noticed(syntax: str, tmp_path: Path) -> None:
    data = bytearray(stream(syntax, picture(12, 128, 128)))
    data[-300:-296] = b"\xff" * 4

    assert code_of(encapsulated(image_dataset(picture(12, 128, 128), 12), syntax, [bytes(data)]), tmp_path) == (
        "corrupt-codestream"
    )


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 200))
def test_no_damage_to_a_jpeg_2000_header_raises_anything_else_than_broken(junk: bytes, place: int) -> None:
    data = stream(J2K, picture(12, 16, 16))
    with suppress(Broken):
        check_tile_parts(read_main_header(data[:place] + junk + data[place + len(junk) :]))
