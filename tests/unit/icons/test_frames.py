"""Which frame an icon shows, in whatever Transfer Syntax, and that no other is read or decoded."""

from __future__ import annotations

import time
import tracemalloc
import warnings
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import imagecodecs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEGLSLossless

from mediacreator.icons import drawing, opening
from mediacreator.icons.drawing import draw
from mediacreator.model import Body, Container, EncodedInstance, SOPInstance
from mediacreator.sources.reading import open_source
from tests.instances import write
from tests.transcoding import PYDICOM_FILES, encapsulated, image_dataset, instance, save, source_file
from tests.unit.icons.shown import Pixels, alike, drawn, pixels, place, ramp, rule, undrawn, windowed

BIG_ENDIAN, DEFLATED = str(ExplicitVRBigEndian), "1.2.840.10008.1.2.1.99"


def frames(count: int, **attributes: Any) -> Dataset:
    """Return frames of 16 x 16, each of which has a bar in a row of its own."""
    stack = np.zeros((count, 16, 16), "<u2")
    for number in range(count):
        stack[number, number % 16] = 1000
    return image_dataset(stack, frames=True, WindowCenter=500, WindowWidth=1000, **attributes)


def shown(ds: Dataset, folder: Path) -> int:
    """Return which frame an icon shows, from 0."""
    return int(drawn(ds, folder).sum(axis=1).argmax())


@pytest.mark.parametrize(("named", "expected"), [(1, 0), (7, 6), (9, 8), (None, 3), (0, 3), (10, 3)])
def test_the_representative_frame_is_shown_else_one_a_third_of_the_way(
    named: int | None, expected: int, tmp_path: Path
) -> None:
    ds = frames(9)
    if named is not None:
        ds.RepresentativeFrameNumber = named

    assert shown(ds, tmp_path) == expected


# Transfer Syntaxes


@pytest.mark.parametrize("kind", ["u1", "<u2", "<i2"])
def test_big_endian_and_implicit_pixels_are_the_same(kind: str, tmp_path: Path) -> None:
    low = -100 if kind == "<i2" else 0
    stored = ramp(low=low, kind=kind[-2:])
    ds = image_dataset(stored, WindowCenter=60, WindowWidth=150)
    plain = drawn(ds, tmp_path)
    implicit = write(tmp_path / "implicit.dcm", ds, ImplicitVRLittleEndian)
    ds.PixelData = stored.astype(kind.replace("<", ">")).tobytes()
    if kind == "u1":  # in words, as OW has it
        ds.PixelData = stored.view("<u2").astype(">u2").tobytes()
        ds["PixelData"].VR = "OW"
    big = write(tmp_path / "big.dcm", ds, ExplicitVRBigEndian)

    assert alike(plain, windowed(stored, 60, 150))
    assert (pixels(draw(place(implicit), rule())) == plain).all()
    assert (pixels(draw(place(big), rule())) == plain).all()


def test_bytes_have_no_order(tmp_path: Path) -> None:
    """OB is the same in Big Endian (PS3.5 7.3)."""
    ds = image_dataset(ramp(kind="u1"), WindowCenter=60, WindowWidth=150)
    plain = drawn(ds, tmp_path)

    assert (pixels(draw(place(write(tmp_path / "big.dcm", ds, ExplicitVRBigEndian)), rule())) == plain).all()


def test_a_frame_of_bytes_in_words_may_begin_inside_a_word(tmp_path: Path) -> None:
    stack = np.arange(45, dtype="u1").reshape(3, 3, 5)
    ds = image_dataset(stack, frames=True, WindowCenter=22, WindowWidth=45)
    plain = drawn(ds, tmp_path, rule(5))
    ds.PixelData = np.frombuffer(stack.tobytes() + b"\0", "<u2").astype(">u2").tobytes()
    ds["PixelData"].VR = "OW"
    big = write(tmp_path / "big.dcm", ds, ExplicitVRBigEndian)

    assert (pixels(draw(place(big), rule(5))) == plain).all()


def test_what_is_explicit_and_says_implicit_is_read(tmp_path: Path) -> None:
    path = save(image_dataset(ramp()), tmp_path / "drawn.dcm")
    wrong = replace(place(path), transfer_syntax_uid=str(ImplicitVRLittleEndian))

    assert draw(wrong, rule()) == draw(place(path), rule())


def deflate(path: Path) -> Path:
    """Write a file as its Data Set deflated, without File Meta Information that would say so."""
    offset = place(path).offset
    packer = zlib.compressobj(wbits=-15)
    target = path.with_suffix(".deflated")
    target.write_bytes(packer.compress(path.read_bytes()[offset:]) + packer.flush())
    return target


def deflated(path: Path, limit: int = 1 << 20) -> opening.Place:
    found = source_file(deflate(path))
    return opening.Place(found, 0, found.size, DEFLATED, limit)


def test_a_deflated_data_set_is_inflated(tmp_path: Path) -> None:
    path = save(image_dataset(ramp(), WindowCenter=90, WindowWidth=100), tmp_path / "drawn.dcm")

    assert draw(deflated(path), rule()) == draw(place(path), rule())


def test_a_large_deflated_data_set_goes_to_the_folder_that_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(opening, "_IN_MEMORY", 100)
    folder = tmp_path / "spool"
    path = save(image_dataset(ramp()), tmp_path / "drawn.dcm")

    assert draw(deflated(path), rule(), str(folder)) == "No such file or directory"
    folder.mkdir()
    assert draw(deflated(path), rule(), str(folder)) == draw(place(path), rule())
    assert not list(folder.iterdir())


def test_a_bomb_inflates_no_further_than_it_may(tmp_path: Path) -> None:
    path = save(image_dataset(np.zeros((3000, 3000), "u1")), tmp_path / "drawn.dcm")
    bomb = deflated(path)

    assert bomb.size < 20_000
    assert draw(bomb, rule()) == "the deflated Data Set is damaged"


@pytest.mark.parametrize("cut", [1, 40, 400])
def test_a_deflated_data_set_that_is_cut_short_has_no_icon(cut: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (16, 16)).astype("u1")
    path = deflate(save(image_dataset(noise), tmp_path / "drawn.dcm"))
    path.write_bytes(path.read_bytes()[:-cut])
    found = source_file(path)

    assert draw(opening.Place(found, 0, found.size, DEFLATED, 1 << 20), rule()) == "the deflated Data Set is damaged"


def test_what_is_not_deflated_and_says_so_has_no_icon(tmp_path: Path) -> None:
    path = save(image_dataset(ramp()), tmp_path / "drawn.dcm")
    lying = replace(place(path), transfer_syntax_uid=DEFLATED)

    assert draw(replace(lying, offset=128), rule()) == "the deflated Data Set is damaged"


# Pixels of other kinds


def test_frames_of_single_bits_may_begin_inside_a_byte(tmp_path: Path) -> None:
    bits = np.random.default_rng(2).integers(0, 2, (4, 5, 7)).astype(np.uint8)
    ds = image_dataset(bits, frames=True, RepresentativeFrameNumber=3)
    ds.BitsAllocated = ds.BitsStored = 1
    ds.HighBit = 0
    data = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)

    assert (drawn(ds, tmp_path, rule(7))[1:6] == bits[2] * 255).all()


@pytest.mark.parametrize(("keyword", "kind"), [("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")])
@pytest.mark.parametrize("syntax", [BIG_ENDIAN, str(ImplicitVRLittleEndian), "1.2.840.10008.1.2.1"])
def test_floats_are_shown_over_their_range(keyword: str, kind: str, syntax: str, tmp_path: Path) -> None:
    stack = np.linspace(-3, 7, 512).reshape(2, 16, 16).astype(kind)
    stack[0, 0, :3] = np.nan, np.inf, -np.inf
    ds = image_dataset(np.zeros((2, 16, 16), "u1"), frames=True)
    for word in ("PixelData", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(ds, word)
    setattr(ds, keyword, stack.astype(kind.replace("<", ">") if syntax == BIG_ENDIAN else kind).tobytes())
    path = tmp_path / "drawn.dcm"
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.save_as(path, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=syntax != BIG_ENDIAN)

    icon = pixels(draw(place(path), rule()))

    assert icon[0, :3].tolist() == [0, 0, 0]
    assert alike(icon[1:], np.linspace(0, 255, 256).reshape(16, 16)[1:], by=5)


# What is read


def jpeg_ls(frame: Pixels) -> bytes:
    return bytes(imagecodecs.jpegls_encode(frame))


@pytest.mark.parametrize("table", [True, False], ids=["with an offset table", "without"])
def test_only_the_frame_that_is_shown_is_decoded(table: bool, tmp_path: Path) -> None:
    coded = [jpeg_ls(ramp(low=100 * k, kind="u2")) for k in range(6)]
    damaged = [*coded]
    for number in (0, 1, 3, 4, 5):
        damaged[number] = coded[number][:40] + bytes(len(coded[number]) - 42) + b"\xff\xd9"
    ds = image_dataset(np.stack([ramp()] * 6), frames=True, WindowCenter=300, WindowWidth=256)

    icon = drawn(encapsulated(ds, JPEGLSLossless, damaged, has_bot=table), tmp_path)

    assert alike(icon, windowed(ramp(low=200), 300, 256))


def test_of_rle_frames_one_is_shown(tmp_path: Path) -> None:
    """pydicom's second frame is the first inverted."""
    path = PYDICOM_FILES / "SC_rgb_rle_2frame.dcm"
    one, two = (_with_representative(path, tmp_path, number) for number in (1, 2))

    assert alike(one, 255 - two)
    assert not alike(one, two, by=100)


def _with_representative(path: Path, folder: Path, number: int) -> Pixels:
    from pydicom import dcmread

    ds = dcmread(path)
    ds.RepresentativeFrameNumber = number
    return drawn(ds, folder)


class Counted:
    """A stream that counts the bytes which are read."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.count = stream, 0

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.count += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.stream.seek(offset, whence)

    def __enter__(self) -> Counted:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stream.close()


def test_of_native_frames_only_one_is_read(tmp_path: Path, monkeypatch: Any) -> None:
    opened: list[Counted] = []

    def counted(source: Any) -> BinaryIO:
        opened.append(Counted(open_source(source)))
        return cast(BinaryIO, opened[-1])

    monkeypatch.setattr(opening, "open_source", counted)
    ds = frames(300)

    assert shown(ds, tmp_path) == 100 % 16
    assert [stream.count < 512 + 2000 for stream in opened] == [True]


def test_an_object_of_four_gigabytes_costs_no_more_than_its_frame(tmp_path: Path) -> None:
    """The file is sparse: only the frame shown is there."""
    count, size = 8000, 512 * 512 * 2
    ds = image_dataset(np.zeros((512, 512), "<u2"), WindowCenter=500, WindowWidth=1000, NumberOfFrames=count)
    path = save(ds, tmp_path / "drawn.dcm")
    data = path.read_bytes()
    begin = len(data) - size
    with path.open("r+b") as stream:
        stream.seek(begin - 4)
        stream.write((count * size).to_bytes(4, "little"))
        stream.seek(begin + count // 3 * size)
        stream.write(np.full((256, 512), 900, "<u2").tobytes())
        stream.truncate(begin + count * size)
    found = source_file(path)
    offset = _offset(data)
    lying = opening.Place(found, offset, found.size - offset, "1.2.840.10008.1.2.1")

    tracemalloc.start()
    before = time.perf_counter()
    icon = pixels(draw(lying, rule()))
    took, (_, peak) = time.perf_counter() - before, tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert icon[:8].min() > 200
    assert icon[8:].max() == 0
    assert peak < 6 * size
    assert took < 1


def _offset(data: bytes) -> int:
    """Return where the Data Set begins, from the group length of the File Meta Information."""
    assert data[132:140] == b"\x02\x00\x00\x00UL\x04\x00"
    return 144 + int.from_bytes(data[140:144], "little")


# Where to read from


def encoded(path: Path, body: Path, ours: str, theirs: str, container: Container = Container.FILE) -> EncodedInstance:
    found = instance(path)
    header = replace(found.header, transfer_syntax_uid=theirs, source=replace(found.header.source, container=container))
    lying = source_file(body, 77)
    return EncodedInstance(SOPInstance(header, "IMAGE", {}), ours, b"", Body(lying, 5, lying.size - 5))


NATIVE, JPEG, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.5"


@pytest.mark.parametrize(
    ("ours", "theirs", "container", "spool"),
    [
        (NATIVE, JPEG, Container.FILE, True),
        (JPEG, NATIVE, Container.FILE, False),
        (NATIVE, NATIVE, Container.FILE, True),
        (JPEG, RLE, Container.FILE, True),
        (NATIVE, DEFLATED, Container.FILE, True),
        (DEFLATED, NATIVE, Container.FILE, False),
        (JPEG, DEFLATED, Container.FILE, False),
        (NATIVE, NATIVE, Container.ZIP, True),
        (JPEG, NATIVE, Container.ZIP, False),
    ],
)
def test_pixels_are_read_where_they_cost_least(
    ours: str, theirs: str, container: Container, spool: bool, tmp_path: Path
) -> None:
    path = save(image_dataset(ramp()), tmp_path / "source.dcm")
    body = save(image_dataset(ramp()), tmp_path / "body.dcm")

    found = opening.cheapest(encoded(path, body, ours, theirs, container))

    assert (found.source.number == 77) is spool
    assert found.transfer_syntax_uid == (ours if spool else theirs)
    assert found.offset == (5 if spool else instance(path).header.dataset_offset)
    assert found.offset + found.size == found.source.size
    assert bool(found.limit) is (found.transfer_syntax_uid == DEFLATED)


# What cannot be drawn


def test_why_there_is_no_icon_is_said_without_names(tmp_path: Path) -> None:
    path = save(image_dataset(ramp()), tmp_path / "Muster^Anna.dcm")
    lying = place(path)
    path.unlink()

    assert draw(lying, rule()) == "the file vanished or changed"
    path.mkdir()
    assert draw(lying, rule()) == "the file cannot be read"


@pytest.mark.parametrize(
    ("raised", "why"),
    [
        (MemoryError(), "a frame does not fit in memory"),
        (OSError(28, "No space left on device", "/home/anna"), "No space left on device"),
        (OSError("/home/anna"), "the file cannot be read (OSError)"),
    ],
)
def test_what_the_machine_lacks_is_said(raised: Exception, why: str, tmp_path: Path, monkeypatch: Any) -> None:
    def fail(*_: object) -> None:
        raise raised

    lying = place(save(image_dataset(ramp()), tmp_path / "drawn.dcm"))
    monkeypatch.setattr(drawing, "read_representative", fail)

    assert draw(lying, rule()) == why


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"PixelData": None}, "PixelData (7FE0,0010) is absent"),
        ({"Rows": None}, "Rows (0028,0010) is absent or 0"),
        ({"Rows": 17}, "PixelData (7FE0,0010) has 512 bytes"),
        ({"BitsAllocated": 12}, "1 samples of 12 bits"),
        ({"SamplesPerPixel": 4, "Rows": 4}, "4 samples of 16 bits"),
        ({"NumberOfFrames": "0"}, "NumberOfFrames (0028,0008) is 0 or no number"),
    ],
)
def test_pixels_that_make_no_sense_have_no_icon(change: dict[str, object], why: str, tmp_path: Path) -> None:
    ds = image_dataset(ramp())
    for keyword, value in change.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)

    assert undrawn(ds, tmp_path) == why


def test_a_video_or_unknown_codec_has_no_icon(tmp_path: Path) -> None:
    ds = encapsulated(image_dataset(ramp()), "1.2.840.10008.1.2.4.102", [b"\0\0\0\1"])

    assert "frames of 1.2.840.10008.1.2.4.102" in undrawn(ds, tmp_path)


NUMBERS = st.sampled_from(["1e308", "-1e308", "1e-300", "-1e-300", "0", "x", "nan", "inf", "1", "0.5", "", "5\\6\\x"])
SAID = ("WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept")


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_file_there_is_an_icon_or_a_reason(tmp_path: Path, data: st.DataObject) -> None:
    """Attributes of any value, and bytes of the Data Set changed at will."""
    ds = image_dataset(ramp(), PixelPaddingValue=3)
    for keyword in SAID:
        ds.add_new(keyword, "LO", data.draw(NUMBERS))  # pydicom writes no DS that is none
    ds.VOILUTFunction = data.draw(st.sampled_from(["SIGMOID", "LINEAR_EXACT", "LINEAR"]))
    path = save(ds, tmp_path / "drawn.dcm")
    lying = place(path)
    changed = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(lying.offset, len(changed) - 1), max_size=4)):
        changed[at] = data.draw(st.integers(0, 255))
    path.write_bytes(changed)
    lying = replace(lying, source=source_file(path))

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing of numpy's on a terminal
        found = draw(lying, rule(7, 9))

    assert isinstance(found, str) or pixels(found).shape == (7, 9)
