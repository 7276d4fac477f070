"""Data Sets encoded anew: every value that re-encoding does not touch stays what it was (PS3.5 7, A.1-A.5)."""

from __future__ import annotations

import struct
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from mediacreator.transcode import Encoding, Spool
from tests.transcoding import TARGET, encapsulated, image_dataset, instance, moved, picture, run, save, write

SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


def reencode(path: Path, folder: Path) -> tuple[Dataset, Encoding]:
    with Spool(str(folder)) as spool:
        done = run([instance(path)], spool)
        assert not done.rejected, done.rejected[0].finding
        return pydicom.dcmread(write(done.encoded[0], folder / "ours.dcm")), done


def rejected(path: Path, folder: Path) -> str:
    with Spool(str(folder)) as spool:
        done = run([instance(path)], spool)
        assert not done.encoded
        assert [Path(spool.directory) / name for name in Path(spool.directory).iterdir()] == []
        return done.rejected[0].finding.code


def bare(syntax: pydicom.uid.UID = ImplicitVRLittleEndian) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = pydicom.uid.UID("1.2.840.10008.5.1.4.1.1.66")
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("1.2.3.4")
    return ds


def raw(tag: int, value: bytes) -> bytes:
    """Return an element in Implicit VR Little Endian."""
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def implicit_file(path: Path, *elements: bytes) -> Path:
    """Write a file whose Data Set is given byte for byte."""
    save(bare(), path)
    path.write_bytes(path.read_bytes() + b"".join(elements))
    return path


words = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\"), max_size=16)
short = st.integers(-(2**15), 2**15 - 1)
long = st.integers(-(2**31), 2**31 - 1)
real = st.floats(allow_nan=False, width=32)
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "ImageComments": words,
    "PatientComments": words,
    "SliceThickness": st.decimals(-999, 999, places=2).map(str),
    "InstanceNumber": st.integers(0, 2**31 - 1).map(str),
    "SelectorSSValue": short,
    "SelectorSLValue": long,
    "SelectorUSValue": st.integers(0, 2**16 - 1),
    "SelectorULValue": st.integers(0, 2**32 - 1),
    "SelectorFLValue": real,
    "SelectorFDValue": st.floats(allow_nan=False),
    "SelectorSVValue": st.integers(-(2**63), 2**63 - 1),
    "SelectorUVValue": st.integers(0, 2**64 - 1),
    "SelectorATValue": st.integers(0, 2**32 - 1),
    "SelectorOWValue": st.binary(max_size=8).map(lambda b: b * 2),
    "SelectorOBValue": st.binary(max_size=8).map(lambda b: b * 2),
    "SelectorOFValue": st.binary(max_size=4).map(lambda b: b * 4),
    "SelectorODValue": st.binary(max_size=4).map(lambda b: b * 8),
    "SelectorUNValue": st.binary(max_size=8).map(lambda b: b * 2),
}
flat = st.fixed_dictionaries({}, optional=ELEMENTS)
nested = st.lists(st.tuples(flat, st.lists(flat, max_size=2)), max_size=3)


def fill(ds: Dataset, values: dict[str, Any]) -> Dataset:
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def swap_words(ds: Dataset) -> None:
    for element in ds.iterall():
        width = {"OW": 2, "OF": 4, "OD": 8}.get(str(element.VR))
        if width and element.value:
            element.value = np.frombuffer(element.value, dtype=f"u{width}").byteswap().tobytes()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flat, nested, st.sampled_from(SYNTAXES), st.booleans())
def test_values_stay_in_every_syntax_and_depth(
    values: dict[str, Any], items: list[tuple[dict[str, Any], list[dict[str, Any]]]], syntax: Any, undefined: bool
) -> None:
    ds = fill(bare(syntax), values)
    sequence = []
    for outer, inners in items:
        item = fill(Dataset(), outer)
        item.ConceptNameCodeSequence = Sequence([fill(Dataset(), inner) for inner in inners])
        item["ConceptNameCodeSequence"].is_undefined_length = undefined
        sequence.append(item)
    ds.ContentSequence = Sequence(sequence)
    ds["ContentSequence"].is_undefined_length = undefined
    ds.private_block(0x0099, "TEST", create=True).add_new(0x01, "LO", "private")

    with tempfile.TemporaryDirectory() as name:
        path = save(ds, Path(name) / "source.dcm")
        out, _ = reencode(path, Path(name))
        source = pydicom.dcmread(path)

    assert out.file_meta.TransferSyntaxUID == TARGET
    out.remove_private_tags()
    source.remove_private_tags()
    if syntax == ExplicitVRBigEndian:
        swap_words(source)  # pydicom leaves the bytes of OW, OF and OD as they lie
    assert out.to_json_dict() == source.to_json_dict()


def test_private_elements_of_implicit_vr_become_un_and_their_creator_lo(tmp_path: Path) -> None:
    """PS3.5 6.2.2, 7.8.1."""
    path = implicit_file(tmp_path / "a.dcm", raw(0x00990010, b"TEST"), raw(0x00991001, b"\x01\x02\x03\x04"))
    data = reencode(path, tmp_path)[1].encoded[0]

    body = (tmp_path / "ours.dcm").read_bytes()[len(data.preamble_and_meta) :]

    assert b"\x99\x00\x10\x00LO\x04\x00TEST" in body
    assert b"\x99\x00\x01\x10UN\x00\x00\x04\x00\x00\x00\x01\x02\x03\x04" in body


@pytest.mark.parametrize(("length", "vr"), [(65534, "DS"), (65536, "UN")])
def test_a_value_too_long_for_its_vr_becomes_un(length: int, vr: str, tmp_path: Path) -> None:
    """PS3.5 6.2.2: Contour Data (3006,0050) of a long contour, in a sequence as RT Structure Sets have it."""
    contour = (b"1.25\\" * length)[:length]
    item = raw(0x30060050, contour)
    sequence = raw(0x30060040, struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item)

    reencode(implicit_file(tmp_path / "a.dcm", sequence), tmp_path)

    body = (tmp_path / "ours.dcm").read_bytes()
    header = b"\x06\x30\x50\x00" + vr.encode()
    width = b"\x00\x00" + struct.pack("<I", length) if vr == "UN" else struct.pack("<H", length)
    assert header + width + contour in body


def test_group_lengths_and_trailing_padding_are_dropped(tmp_path: Path) -> None:
    """PS3.5 7.2, PS3.10 7.2: they would be wrong."""
    path = implicit_file(
        tmp_path / "a.dcm", raw(0x00200000, b"\x10\0\0\0"), raw(0x00200013, b"1 "), raw(0xFFFCFFFC, b"\0\0")
    )

    assert [int(element.tag) for element in reencode(path, tmp_path)[0]] == [0x00080016, 0x00080018, 0x00200013]


def test_an_odd_length_is_made_even_and_said(tmp_path: Path) -> None:
    out, done = reencode(implicit_file(tmp_path / "a.dcm", raw(0x00200013, b"123")), tmp_path)

    assert out.InstanceNumber == 123
    assert [finding.code for finding in done.findings] == ["tolerated-encoding"]
    assert "(0020,0013)" in done.findings[0].what


@pytest.mark.parametrize(("signed", "vr"), [(0, "US"), (1, "SS")])
def test_pixel_representation_decides_between_us_and_ss_in_items_too(signed: int, vr: str, tmp_path: Path) -> None:
    ds = image_dataset(picture(12, signed=bool(signed)), 12)
    ds.SmallestImagePixelValue = 5
    ds["SmallestImagePixelValue"].VR = vr
    item = Dataset()
    item.add_new(0x00409216, vr, 7)  # Real World Value First Value Mapped
    ds.RealWorldValueMappingSequence = Sequence([item])
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

    out, _ = reencode(save(ds, tmp_path / "a.dcm"), tmp_path)

    assert str(out["SmallestImagePixelValue"].VR) == vr
    assert str(out.RealWorldValueMappingSequence[0][0x00409216].VR) == vr


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_native_pixels_are_kept_bit_by_bit_with_overlays_in_unused_bits(syntax: Any, bits: int, tmp_path: Path) -> None:
    """PS3.5 8.1.1: what lies above Bits Stored may be an overlay and stays."""
    pixels = picture(bits)
    if bits == 12:
        pixels |= 0x8000
    ds = image_dataset(pixels, bits)
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes() + b"\0" * (pixels.nbytes & 1)
    ds.file_meta.TransferSyntaxUID = syntax

    out, _ = reencode(save(ds, tmp_path / "a.dcm"), tmp_path)

    assert out.PixelData[: pixels.nbytes] == pixels.tobytes()
    assert str(out["PixelData"].VR) == ("OW" if bits > 8 else "OB")


def test_a_file_without_preamble_and_meta(tmp_path: Path) -> None:
    path = save(bare(), tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[instance(path).header.dataset_offset :] + raw(0x00200013, b"7 "))

    assert reencode(path, tmp_path)[0].InstanceNumber == 7


def test_a_data_set_that_is_implicit_against_its_syntax(tmp_path: Path) -> None:
    pixels = picture(8)
    ds = image_dataset(pixels)
    del ds.PixelData
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    path = save(ds, tmp_path / "a.dcm")
    found = instance(path)
    fragments = pydicom.encaps.encapsulate([rle(pixels)]) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    path.write_bytes(path.read_bytes() + struct.pack("<HHI", 0x7FE0, 0x0010, 0xFFFFFFFF) + fragments)

    with Spool(str(tmp_path)) as spool:
        done = run([moved(found, path, transfer_syntax_uid=str(RLELossless))], spool)
        out = pydicom.dcmread(write(done.encoded[0], tmp_path / "ours.dcm"))

    assert np.array_equal(out.pixel_array, pixels)
    assert "Implicit VR" in done.findings[0].what


def rle(pixels: Any) -> bytes:
    return bytes(
        RLELosslessEncoder.encode(
            pixels,
            rows=pixels.shape[0],
            columns=pixels.shape[1],
            samples_per_pixel=1,
            bits_allocated=8,
            bits_stored=8,
            pixel_representation=0,
            photometric_interpretation="MONOCHROME2",
            number_of_frames=1,
            encoding_plugin="pydicom",
        )
    )


def test_an_encapsulated_icon_is_decoded_too(tmp_path: Path) -> None:
    """PS3.5 A.4: Pixel Data in an Icon Image Sequence may be encapsulated."""
    icon = image_dataset(picture(8, 16, 16))
    del icon.file_meta
    encapsulated_icon = pydicom.encaps.encapsulate([rle(picture(8, 16, 16))])
    icon.PixelData = encapsulated_icon
    icon["PixelData"].VR = "OB"
    icon["PixelData"].is_undefined_length = True
    ds = image_dataset(picture(8))
    ds.IconImageSequence = Sequence([icon])

    out, _ = reencode(save(encapsulated(ds, RLELossless, [rle(picture(8))]), tmp_path / "a.dcm"), tmp_path)

    assert out.IconImageSequence[0].PixelData == picture(8, 16, 16).tobytes()
    assert np.array_equal(out.pixel_array, picture(8))


def test_a_sequence_of_un_keeps_its_implicit_items(tmp_path: Path) -> None:
    """PS3.5 6.2.2: of undefined length, its items stay in Implicit VR, in Big Endian too."""
    inner = raw(0x00080100, b"CODE")
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    path = save(bare(ExplicitVRBigEndian), tmp_path / "a.dcm")
    found = instance(path)
    path.write_bytes(path.read_bytes() + struct.pack(">HH2sHI", 0x0099, 0x1001, b"UN", 0, 0xFFFFFFFF) + item)

    with Spool(str(tmp_path)) as spool:
        done = run([moved(found, path)], spool)
        body = write(done.encoded[0], tmp_path / "ours.dcm").read_bytes()

    assert body.endswith(struct.pack("<HH2sHI", 0x0099, 0x1001, b"UN", 0, 0xFFFFFFFF) + item)


def test_what_is_cut_short_is_rejected_wherever_it_is_cut(tmp_path: Path) -> None:
    ds = image_dataset(picture(12), 12)
    ds.ConceptNameCodeSequence = Sequence([fill(Dataset(), {"CodeValue": "A", "ImageComments": "B"})])
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    path = save(ds, tmp_path / "a.dcm")
    whole = instance(path)
    data = path.read_bytes()
    start = whole.header.dataset_offset
    source = pydicom.dcmread(path)
    ends = {int(element.file_tell) - 8 for element in source if element.file_tell}  # between elements
    for cut in [*range(start + 1, start + 120, 7), len(data) - 1, len(data) - 1000]:
        if cut in ends:
            continue
        path.write_bytes(data[:cut])
        with Spool(str(tmp_path)) as spool:
            done = run([moved(whole, path)], spool)
        assert not done.encoded, cut
        assert done.rejected[0].finding.code in ("truncated-data-set", "truncated-pixel-data"), cut


def test_a_damaged_deflated_stream_is_rejected(tmp_path: Path) -> None:
    path = save(image_dataset(picture(12), 12), tmp_path / "a.dcm")
    start = instance(path).header.dataset_offset
    data = path.read_bytes()
    deflater = zlib.compressobj(wbits=-15)
    deflated = deflater.compress(data[start:]) + deflater.flush()
    meta = data[:start].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    for body in (deflated[:-50], deflated[:100] + b"\xff" * 20 + deflated[120:]):
        broken = tmp_path / "b.dcm"
        broken.write_bytes(meta + body)
        syntax = str(DeflatedExplicitVRLittleEndian)
        found = moved(instance(path), broken, transfer_syntax_uid=syntax, dataset_offset=len(meta))
        with Spool(str(tmp_path)) as spool:
            done = run([found], spool)
        assert [disposition.finding.code for disposition in done.rejected] == ["truncated-data-set"]


def test_a_deflated_bomb_is_rejected_and_does_not_fill_the_spool(tmp_path: Path) -> None:
    path = save(image_dataset(picture(12), 12), tmp_path / "a.dcm")
    start = instance(path).header.dataset_offset
    data = path.read_bytes()
    deflater = zlib.compressobj(9, wbits=-15)
    bomb = deflater.compress(data[start:]) + deflater.compress(raw(0x00990011, bytes(200 << 20))) + deflater.flush()
    broken = tmp_path / "b.dcm"
    broken.write_bytes(data[:start] + bomb)
    found = moved(instance(path), broken, transfer_syntax_uid=str(DeflatedExplicitVRLittleEndian))

    with Spool(str(tmp_path)) as spool:
        done = run([found], spool)
        assert not list(Path(spool.directory).iterdir())

    assert "inflates to more than" in done.rejected[0].finding.what


def test_sequences_nested_too_deep_are_rejected(tmp_path: Path) -> None:
    value = b""
    for _ in range(80):
        value = raw(0x0040A730, struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value)

    assert rejected(implicit_file(tmp_path / "a.dcm", value), tmp_path) == "malformed-data-set"


def test_native_pixel_data_that_is_too_short_is_rejected(tmp_path: Path) -> None:
    ds = image_dataset(picture(12), 12, Rows=62)
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

    assert rejected(save(ds, tmp_path / "a.dcm"), tmp_path) == "truncated-pixel-data"
