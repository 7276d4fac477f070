"""How light the pixels of an icon are, against the formulas of PS3.3 stated again, value by value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from tests.transcoding import image_dataset
from tests.unit.icons.shown import Pixels, alike, drawn, ramp, undrawn, windowed


def grey(pixels: Pixels, bits: int = 0, **attributes: Any) -> Dataset:
    return image_dataset(pixels, bits, **attributes)


def item(**attributes: object) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def lut(first: int, entries: list[int], vr: str = "US", bits: int = 16) -> Dataset:
    made = Dataset()
    made.add_new(0x00283002, vr, [len(entries), first, bits])
    made.add_new(0x00283006, "OW", np.array(entries, "<u2").tobytes())
    return made


def spread(values: Pixels) -> Pixels:
    """Return values from black to white, as an image without a window is shown."""
    return np.asarray((values - values.min()) / (values.max() - values.min()) * 255)


# Grey


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("center", "width"), [(128, 256), (40, 100), (128, 1), (200, 2), (-5, 31.5)])
def test_a_window_is_as_its_function_says(function: str, center: float, width: float, tmp_path: Path) -> None:
    ds = grey(ramp(), WindowCenter=center, WindowWidth=width, VOILUTFunction=function)
    expected = windowed(ramp(), center, width, function)

    assert alike(drawn(ds, tmp_path), expected)


def test_stored_values_go_through_the_rescale_before_the_window(tmp_path: Path) -> None:
    stored = ramp(low=-200, step=9, kind="i2")
    ds = grey(stored, RescaleSlope=2, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=400)

    assert alike(drawn(ds, tmp_path), windowed(stored * 2.0 - 1024, 40, 400))


def test_monochrome1_is_inverted(tmp_path: Path) -> None:
    ds = grey(ramp(), PhotometricInterpretation="MONOCHROME1", WindowCenter=90, WindowWidth=100)

    assert alike(drawn(ds, tmp_path), 255 - windowed(ramp(), 90, 100))


def test_the_first_window_that_can_be_is_taken(tmp_path: Path) -> None:
    ds = grey(ramp(), WindowCenter=["10", "90", "200"], WindowWidth=["0", "100", "10"])

    assert alike(drawn(ds, tmp_path), windowed(ramp(), 90, 100))


def test_a_width_below_1_is_taken_for_a_fraction(tmp_path: Path) -> None:
    ds = grey(ramp(), RescaleSlope="0.001", RescaleIntercept=0, WindowCenter="0.1", WindowWidth="0.2")

    assert alike(drawn(ds, tmp_path), windowed(ramp() / 1000, 0.1, 0.2, "LINEAR_EXACT"))


def test_without_a_window_the_values_reach_from_black_to_white(tmp_path: Path) -> None:
    assert alike(drawn(grey(ramp(low=500, step=7)), tmp_path), spread(ramp()), by=3)


def test_a_few_outliers_do_not_darken_an_image_without_a_window(tmp_path: Path) -> None:
    pixels = ramp(low=100)
    pixels[0, 0] = 65535

    icon = drawn(grey(pixels), tmp_path)

    assert alike(icon[1:], spread(ramp())[1:], by=3)


def test_what_few_pixels_show_is_seen(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16), "<u2")
    pixels[3, 5] = 9

    icon = drawn(grey(pixels), tmp_path)

    assert icon[3, 5] == 255
    assert icon.sum() == 255


@pytest.mark.parametrize("shape", [(16, 16), (16, 8), (8, 16)])
def test_a_window_that_shows_nothing_is_not_believed(shape: tuple[int, int], tmp_path: Path) -> None:
    """Beside an image that is not square lies black, which is no contrast."""
    pixels = ramp(low=1000)[: shape[0], : shape[1]]
    ds = grey(np.ascontiguousarray(pixels), WindowCenter=40, WindowWidth=100)

    icon = drawn(ds, tmp_path)

    assert len(np.unique(icon)) > 30


def test_an_image_of_one_grey_is_grey(tmp_path: Path) -> None:
    assert np.unique(drawn(grey(np.full((16, 16), 7, "u1")), tmp_path)).tolist() in ([127], [128])


def test_the_bits_beside_the_stored_ones_are_not_shown(tmp_path: Path) -> None:
    """Old overlays lie in the bits above High Bit."""
    stored = ramp(step=16)
    beside = np.uint16(0xF000) * (np.arange(256).reshape(16, 16) % 3 == 0)
    ds = grey(stored | beside.astype("<u2"), 12, WindowCenter=2048, WindowWidth=4096)

    assert alike(drawn(ds, tmp_path), windowed(stored, 2048, 4096))


@pytest.mark.parametrize("high", [10, 16], ids=["below the stored bits", "outside the cell"])
def test_a_high_bit_that_cannot_be_is_one_less_than_the_stored_bits(high: int, tmp_path: Path) -> None:
    stored = ramp(step=16)
    ds = grey(stored, 12, HighBit=high, WindowCenter=2048, WindowWidth=4096)

    assert alike(drawn(ds, tmp_path), windowed(stored, 2048, 4096))


def test_stored_bits_may_lie_higher_in_the_cell(tmp_path: Path) -> None:
    stored = ramp(step=16)
    ds = grey((stored << 4 | 0xF).astype("<u2"), 12, HighBit=15, WindowCenter=2048, WindowWidth=4096)

    assert alike(drawn(ds, tmp_path), windowed(stored, 2048, 4096))


@pytest.mark.parametrize("extended", [True, False], ids=["sign extended", "sign in bit 11 only"])
def test_signed_values_of_12_bits(extended: bool, tmp_path: Path) -> None:
    stored = ramp(low=-2048, step=16, kind="i2")
    cells = stored if extended else stored & 0x0FFF
    ds = grey(cells, 12, WindowCenter=0, WindowWidth=4096)

    assert alike(drawn(ds, tmp_path), windowed(stored, 0, 4096))


@pytest.mark.parametrize("kind", ["u4", "i4"])
def test_values_of_32_bits(kind: str, tmp_path: Path) -> None:
    stored = ramp(low=100_000 if kind == "u4" else -100_000, step=3000, kind=kind)
    center = int(stored[8, 8])
    ds = grey(stored, WindowCenter=center, WindowWidth=500_000)

    assert alike(drawn(ds, tmp_path), windowed(stored, center, 500_000))


# Padding


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black(photometric: str, tmp_path: Path) -> None:
    pixels = ramp(low=20)
    pixels[:4] = 5
    ds = grey(pixels, PhotometricInterpretation=photometric, WindowCenter=148, WindowWidth=200)
    ds.add_new(0x00280120, "US", 5)

    icon = drawn(ds, tmp_path)

    assert not icon[:4].any()
    assert icon[4:].max() > 200


def test_padding_says_nothing_of_the_range(tmp_path: Path) -> None:
    pixels = ramp(low=1000)
    pixels[:4] = 60000
    ds = grey(pixels)
    ds.add_new(0x00280120, "US", 59000)
    ds.add_new(0x00280121, "US", 61000)

    assert alike(drawn(ds, tmp_path)[4:], spread(ramp()[4:]), by=3)


def test_padding_may_have_more_bits_than_are_stored(tmp_path: Path) -> None:
    pixels = ramp(low=0)
    pixels[:4] = 63536
    ds = grey(pixels, 12, PhotometricInterpretation="MONOCHROME1", WindowCenter=128, WindowWidth=256)
    ds.add_new(0x00280120, "US", 63536)

    assert not drawn(ds, tmp_path)[:4].any()


def test_an_image_of_padding_alone_is_black(tmp_path: Path) -> None:
    ds = grey(np.full((16, 16), 9, "<u2"))
    ds.add_new(0x00280120, "US", 9)

    assert not drawn(ds, tmp_path).any()


# Lookup tables


def test_a_voi_lut_is_shown_by_the_bits_of_its_entries(tmp_path: Path) -> None:
    entries = [(k * 37) % 4096 for k in range(256)]
    ds = grey(ramp(low=50), VOILUTSequence=[lut(50, entries, bits=12)])

    assert alike(drawn(ds, tmp_path), np.array(entries).reshape(16, 16) / 4095 * 255)


def test_inputs_outside_a_voi_lut_take_its_ends(tmp_path: Path) -> None:
    ds = grey(ramp(), VOILUTSequence=[lut(100, [1000, 2000, 4095], bits=12)])

    icon = drawn(ds, tmp_path)

    assert set(icon.flat[:101]) == {round(1000 / 4095 * 255)}
    assert set(icon.flat[102:]) == {255}


def test_a_window_goes_before_a_voi_lut(tmp_path: Path) -> None:
    ds = grey(ramp(), WindowCenter=90, WindowWidth=100, VOILUTSequence=[lut(0, [4095, 0], bits=12)])

    assert alike(drawn(ds, tmp_path), windowed(ramp(), 90, 100))


@pytest.mark.parametrize(
    ("vr", "first"), [("SS", -1000), ("US", 64536)], ids=["as the standard says", "as some writers do"]
)
def test_a_voi_lut_may_begin_below_0(vr: str, first: int, tmp_path: Path) -> None:
    entries = list(range(0, 65536, 256))
    ds = grey(ramp(low=24), RescaleSlope=1, RescaleIntercept=-1024, VOILUTSequence=[lut(first, entries, vr)])

    assert alike(drawn(ds, tmp_path), np.array(entries).reshape(16, 16) / 65535 * 255)


def test_a_voi_lut_may_begin_high_up_where_no_value_is_negative(tmp_path: Path) -> None:
    entries = list(range(0, 65536, 256))
    ds = grey(ramp(low=40_000), RescaleSlope=1, RescaleIntercept=0, VOILUTSequence=[lut(40_000, entries)])

    assert alike(drawn(ds, tmp_path), np.array(entries).reshape(16, 16) / 65535 * 255)


@pytest.mark.parametrize("useless", [item(), item(LUTDescriptor=[0, 0, 16]), lut(0, [])], ids=["empty", "no data", "0"])
def test_a_voi_lut_that_says_nothing_is_passed_over(useless: Dataset, tmp_path: Path) -> None:
    if "LUTDescriptor" in useless:
        useless["LUTDescriptor"].VR = "US"
    ds = grey(ramp(), VOILUTSequence=[useless, lut(0, [*range(0, 4096, 16)], bits=12)])

    assert alike(drawn(ds, tmp_path), np.arange(0, 4096, 16).reshape(16, 16) / 4095 * 255)


def test_a_modality_lut_goes_before_the_window(tmp_path: Path) -> None:
    entries = [(k * 3) for k in range(256)]
    ds = grey(ramp(), WindowCenter=300, WindowWidth=200, ModalityLUTSequence=[lut(0, entries)])

    assert alike(drawn(ds, tmp_path), windowed(ramp() * 3, 300, 200))


def test_a_modality_lut_of_logarithmic_pixels_is_for_processing(tmp_path: Path) -> None:
    table = lut(0, list(range(5000, 5256)))
    ds = grey(ramp(), WindowCenter=90, WindowWidth=100, ModalityLUTSequence=[table], PixelIntensityRelationship="LOG")

    assert alike(drawn(ds, tmp_path), windowed(ramp(), 90, 100))


# The groups of one frame


def enhanced(count: int = 4, **attributes: Any) -> Dataset:
    return image_dataset(np.stack([ramp(low=k * 1000) for k in range(count)]), frames=True, **attributes)


def voi(center: float, width: float) -> Dataset:
    return item(FrameVOILUTSequence=[item(WindowCenter=center, WindowWidth=width)])


def test_window_and_rescale_are_those_of_the_frame_that_is_shown(tmp_path: Path) -> None:
    ds = enhanced(RepresentativeFrameNumber=3, WindowCenter=1, WindowWidth=1, RescaleSlope=77, RescaleIntercept=5)
    ds.PerFrameFunctionalGroupsSequence = [voi(k * 1000 - 900, 100 + k) for k in range(4)]
    transformation = item(RescaleSlope=1, RescaleIntercept=-1000, RescaleType="US")
    ds.SharedFunctionalGroupsSequence = [item(PixelValueTransformationSequence=[transformation])]

    assert alike(drawn(ds, tmp_path), windowed(ramp(low=2000) - 1000.0, 1100, 102))


def test_a_window_of_all_frames_holds_for_one_without_its_own(tmp_path: Path) -> None:
    ds = enhanced(RepresentativeFrameNumber=2)
    ds.PerFrameFunctionalGroupsSequence = [voi(0, 10), item(ImageComments="none"), voi(0, 10), voi(0, 10)]
    ds.SharedFunctionalGroupsSequence = [voi(1100, 90)]

    assert alike(drawn(ds, tmp_path), windowed(ramp(low=1000), 1100, 90))


# Colour

LUMINANCE = np.array([0.299, 0.587, 0.114])


def coloured(kind: str = "u1") -> Pixels:
    return np.random.default_rng(5).integers(0, np.iinfo(kind).max, (16, 16, 3)).astype(kind)


@pytest.mark.parametrize("kind", ["u1", "<u2"])
@pytest.mark.parametrize("planar", [0, 1])
def test_rgb_is_shown_as_its_luminance(kind: str, planar: int, tmp_path: Path) -> None:
    rgb = coloured(kind)
    ds = image_dataset(rgb, PlanarConfiguration=planar)
    ds.PixelData = (np.moveaxis(rgb, 2, 0) if planar else rgb).tobytes()

    assert alike(drawn(ds, tmp_path), rgb @ LUMINANCE / np.iinfo(kind).max * 255)


@pytest.mark.parametrize("planar", [0, 1])
def test_ybr_full_is_shown_as_its_y(planar: int, tmp_path: Path) -> None:
    ybr = coloured()
    ds = image_dataset(ybr, PlanarConfiguration=planar, PhotometricInterpretation="YBR_FULL")
    ds.PixelData = (np.moveaxis(ybr, 2, 0) if planar else ybr).tobytes()

    assert alike(drawn(ds, tmp_path), ybr[:, :, 0].astype(int))


def subsampled(luma: Pixels) -> bytes:
    """Return two pixels as Y Y CB CR, the colour of no account."""
    return b"".join(bytes((int(a), int(b), 17, 230)) for a, b in luma.reshape(-1, 2))


def test_ybr_full_422_is_shown_as_its_y(tmp_path: Path) -> None:
    ds = image_dataset(coloured(), PhotometricInterpretation="YBR_FULL_422")
    ds.PixelData = subsampled(ramp(kind="u1"))

    assert alike(drawn(ds, tmp_path), ramp().astype(int))


def test_ybr_partial_422_is_stretched(tmp_path: Path) -> None:
    luma = np.clip(ramp(kind="u1"), 16, 235)
    ds = image_dataset(coloured(), PhotometricInterpretation="YBR_PARTIAL_422")
    ds.PixelData = subsampled(luma)

    assert alike(drawn(ds, tmp_path), (luma - 16.0) / 219 * 255)


def test_pairs_of_pixels_need_an_even_number_of_columns(tmp_path: Path) -> None:
    ds = image_dataset(coloured()[:, :15], PhotometricInterpretation="YBR_FULL_422")
    ds.PixelData = bytes(480)

    assert undrawn(ds, tmp_path) == "an odd number of Columns"


def test_colours_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    assert "HSV" in undrawn(image_dataset(coloured(), PhotometricInterpretation="HSV"), tmp_path)


# Palettes, against what pydicom makes of them


def paletted(pixels: Pixels, first: int, bits: int, entries: int, *, kind: str) -> Dataset:
    ds = image_dataset(pixels, PhotometricInterpretation="PALETTE COLOR")
    rng = np.random.default_rng(8)
    for number, name in enumerate(("Red", "Green", "Blue")):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [entries % 65536, first, bits])
        ds[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        levels = np.sort(rng.integers(0, 2**bits - 1, entries)) if number else np.arange(entries) % (2**bits)
        setattr(ds, f"{name}PaletteColorLookupTableData", levels.astype(kind).tobytes())
    return ds


@pytest.mark.parametrize(
    ("bits", "entries", "kind"), [(16, 256, "<u2"), (8, 256, "u1"), (8, 201, "u1"), (8, 256, "<u2"), (16, 200, "<u2")]
)
def test_a_palette_is_shown_as_the_luminance_of_its_colours(bits: int, entries: int, kind: str, tmp_path: Path) -> None:
    ds = paletted(ramp(kind="u1"), 10, bits, entries, kind=kind)
    ds.RedPaletteColorLookupTableData = np.linspace(0, 2**bits - 1, entries).astype(kind).tobytes()

    icon = drawn(ds, tmp_path)

    rgb = apply_color_lut(ramp(kind="u1"), ds)
    assert alike(icon, rgb @ LUMINANCE / (2**bits - 1) * 255, by=1.5)


def test_pixels_of_16_bits_have_palettes_of_65536_entries(tmp_path: Path) -> None:
    pixels = ramp(step=257)
    ds = paletted(pixels, 0, 16, 65536, kind="<u2")

    assert alike(drawn(ds, tmp_path), apply_color_lut(pixels, ds) @ LUMINANCE / 65535 * 255)


SEGMENTS = [0, 3, 0, 40, 90, 1, 100, 250, 0, 2, 5, 9, 1, 60, 200]
"""Discrete, linear, discrete, linear: 165 entries (PS3.3 C.7.9.2)."""


def segmented(segments: list[int], entries: int, bits: int) -> Dataset:
    data = np.array(segments, "<u2" if bits == 16 else "u1").tobytes()
    ds = image_dataset((np.arange(256).reshape(16, 16) % entries).astype("u1"))
    ds.PhotometricInterpretation = "PALETTE COLOR"
    for name in ("Red", "Green", "Blue"):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [entries, 0, bits])
        ds[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        setattr(ds, f"Segmented{name}PaletteColorLookupTableData", data + b"\0" * (len(data) % 2))
    return ds


@pytest.mark.parametrize(
    ("bits", "segments", "entries"),
    [(8, SEGMENTS, 165), (8, [*SEGMENTS, 2, 2, 5, 0, 0, 0], 267), (16, SEGMENTS, 165)],
    ids=["8 bits", "8 bits, two segments copied", "16 bits"],
)
def test_segments_are_expanded_as_pydicom_does(bits: int, segments: list[int], entries: int, tmp_path: Path) -> None:
    levels = [x * 250 if bits == 16 and k in (2, 3, 4, 7, 10, 11, 14) else x for k, x in enumerate(segments)]
    ds = segmented(levels, entries, bits)

    rgb = apply_color_lut(ds.pixel_array, ds)

    assert alike(drawn(ds, tmp_path), rgb @ LUMINANCE / (2**bits - 1) * 255, by=1.5)


def test_the_place_of_copied_segments_is_in_bytes(tmp_path: Path) -> None:
    """As PS3.3 C.7.9.2.3 says and GDCM reads it; pydicom takes it for words."""
    segments = [0, 2, 0, 65535, 1, 60, 20000]
    copied = segmented([*segments, 2, 2, 0, 0], 124, 16)
    written_out = segmented([*segments, *segments], 124, 16)
    behind = segmented([*segments, 0, 2, 9000, 700, 2, 1, 8, 0], 124, 16)
    behind_written_out = segmented([*segments, 0, 2, 9000, 700, 1, 60, 20000], 124, 16)

    assert (drawn(copied, tmp_path) == drawn(written_out, tmp_path)).all()
    assert (drawn(behind, tmp_path) == drawn(behind_written_out, tmp_path)).all()
    assert (drawn(behind, tmp_path) != drawn(copied, tmp_path)).any()


@pytest.mark.parametrize(
    "segments", [[1, 9, 200], [7, 3, 0, 0, 0], [0, 9, 1], [2, 3, 0, 0], [0, 0, 0]],
    ids=["linear first", "unknown", "cut short", "copies itself", "empty"],
)  # fmt: skip
def test_segments_that_make_no_sense_are_refused(segments: list[int], tmp_path: Path) -> None:
    ds = segmented(segments, 256, 16)

    assert "segments that make no sense" in undrawn(ds, tmp_path)


def test_a_palette_that_is_absent_is_refused(tmp_path: Path) -> None:
    assert "is absent" in undrawn(image_dataset(ramp(kind="u1"), PhotometricInterpretation="PALETTE COLOR"), tmp_path)


def test_a_palette_whose_colours_differ_in_number_is_refused(tmp_path: Path) -> None:
    ds = paletted(ramp(kind="u1"), 0, 16, 256, kind="<u2")
    ds.GreenPaletteColorLookupTableDescriptor = [255, 0, 16]
    ds["GreenPaletteColorLookupTableDescriptor"].VR = "US"

    assert "colours of different numbers" in undrawn(ds, tmp_path)
