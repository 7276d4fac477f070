"""The size and proportions of icons: any size to any size, against an area mean that is worked out another way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from mediacreator.icons.scaling import boxed, fitted, scaled
from tests.transcoding import image_dataset
from tests.unit.icons.shown import Pixels, drawn, ramp, rule

SIDES = st.integers(1, 90)


def area_mean(picture: Pixels, rows: int, columns: int) -> Pixels:
    """Return means of areas as differences of an integral that is interpolated between pixels."""
    for axis, count in ((0, rows), (1, columns)):
        size = picture.shape[axis]
        integral = np.concatenate((np.zeros((1, picture.size // size)), np.cumsum(np.moveaxis(picture, axis, 0), 0)))
        edges = np.arange(count + 1) * size / count
        at = np.stack([np.interp(edges, np.arange(size + 1), line) for line in integral.T], axis=1)
        picture = np.moveaxis(np.diff(at, axis=0) * count / size, 0, axis)
    return picture


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 2**32 - 1))
def test_each_pixel_is_the_mean_of_what_it_covers(rows: int, columns: int, high: int, wide: int, seed: int) -> None:
    cells = np.random.default_rng(seed).integers(0, 256, (rows, columns)).astype(np.uint8)

    picture = scaled(cells, lambda part: (part / 255).astype(np.float32), high, wide)

    assert picture.shape == (high, wide)
    assert np.abs(picture - area_mean(cells.astype(float), high, wide)).max() < 0.51


@given(st.integers(1, 65535), st.integers(1, 65535), st.floats(0.05, 20), st.integers(1, 130), st.integers(1, 130))
def test_a_frame_fills_the_icon_one_way_and_keeps_its_proportions(
    rows: int, columns: int, ratio: float, high: int, wide: int
) -> None:
    found = fitted(rows, columns, ratio, high, wide)

    assert 1 <= found[0] <= high
    assert 1 <= found[1] <= wide
    assert found[0] == high or found[1] == wide
    shape = rows * ratio / columns  # that of the icon is as near as whole pixels allow
    assert (found[0] - 0.5) / (found[1] + 0.5) <= shape or found[0] == 1
    assert (found[0] + 0.5) / (found[1] - 0.5) >= shape or found[1] == 1


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9), st.integers(0, 9))
def test_a_picture_lies_in_the_middle_of_black(rows: int, columns: int, below: int, beside: int) -> None:
    icon = boxed(np.full((rows, columns), 200, np.uint8), rows + below, columns + beside)

    assert icon.sum() == 200 * rows * columns
    lit_rows, lit_columns = (np.flatnonzero(icon.any(axis=axis)) for axis in (1, 0))
    assert lit_rows[0] == below // 2
    assert lit_columns[0] == beside // 2


def test_bone_and_air_are_not_averaged_to_soft_tissue(tmp_path: Path) -> None:
    """What pixels look like is averaged: half white and half black is grey, not what a window makes of the mean."""
    pixels = np.zeros((32, 32), "<i2")
    pixels[:, ::2], pixels[:, 1::2] = -1000, 1100
    ds = image_dataset(pixels, WindowCenter=40, WindowWidth=400)
    ds.PhotometricInterpretation = "MONOCHROME2"
    pixels[:16] = 40
    ds.PixelData = pixels.tobytes()

    icon = drawn(ds, tmp_path)

    assert np.unique(icon[8:]).tolist() in ([127], [128])


SQUARE = (16, 16)


def bright_part(ds: Dataset, folder: Path) -> tuple[int, int]:
    """Return rows and columns of the icon that the image fills."""
    icon = drawn(ds, folder)
    return int(icon.any(axis=1).sum()), int(icon.any(axis=0).sum())


@pytest.mark.parametrize(
    ("keyword", "value", "filled"),
    [
        ("PixelSpacing", [2.0, 1.0], (16, 8)),
        ("ImagerPixelSpacing", [1.0, 2.0], (8, 16)),
        ("NominalScannedPixelSpacing", [1.0, 4.0], (4, 16)),
        ("PixelAspectRatio", ["4", "3"], (16, 12)),
        ("PixelSpacing", [1.0, 1.005], SQUARE),
        ("PixelSpacing", [0.0, 1.0], SQUARE),
        ("PixelSpacing", [0.5, 500.0], SQUARE),
        ("PixelSpacing", [1.0], SQUARE),
    ],
)
def test_icons_have_square_pixels_whatever_the_image_has(
    keyword: str, value: list[object], filled: tuple[int, int], tmp_path: Path
) -> None:
    ds = image_dataset(ramp(low=50), WindowCenter=0, WindowWidth=200)
    setattr(ds, keyword, value)

    assert bright_part(ds, tmp_path) == filled


def test_the_spacing_of_a_frame_goes_before_that_of_all(tmp_path: Path) -> None:
    ds = image_dataset(np.stack([ramp(low=50)] * 2), frames=True, WindowCenter=0, WindowWidth=200)
    ds.ImagerPixelSpacing = [1.0, 1.0]
    measures, group = Dataset(), Dataset()
    measures.PixelSpacing = [1.0, 2.0]
    group.PixelMeasuresSequence = [measures]
    ds.SharedFunctionalGroupsSequence = [group]

    assert bright_part(ds, tmp_path) == (8, 16)


def test_an_icon_need_not_be_square(tmp_path: Path) -> None:
    assert drawn(image_dataset(ramp()), tmp_path, rule(20, 7)).shape == (20, 7)


def test_where_a_rule_leaves_the_size_open_it_is_64_by_64(tmp_path: Path) -> None:
    """Every reader that shows icons must take these (PS3.3 F.7)."""
    assert drawn(image_dataset(ramp()), tmp_path, rule(0)).shape == (64, 64)
