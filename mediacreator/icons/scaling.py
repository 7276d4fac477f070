"""Bring a frame to the size of an icon: square pixels, the mean of what each covers, black beside it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mediacreator.icons.shades import Shade
from mediacreator.icons.values import FrameValues

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PIXEL_MEASURES_SEQUENCE = 0x00289110
_PIXEL_SPACING, _IMAGER_PIXEL_SPACING, _NOMINAL_SCANNED_PIXEL_SPACING = 0x00280030, 0x00181164, 0x00182010
_PIXEL_ASPECT_RATIO = 0x00280034
_EXTREME = 20.0  # a pixel is not so much higher than wide, or wider than high; such a spacing is a mistake
_SQUARE = 0.01  # pixels that differ less from squares are taken for squares
_SLIVER = 1e-9  # of a pixel; less than this is an error of rounding


def aspect_ratio(values: FrameValues) -> float:
    """Return the height of a pixel divided by its width; 1 where nothing useful is said.

    Source: PS3.3 C.7.6.3.1.7, 10.7.1.3 (first the distance of rows, then that of columns).
    """
    measures = values.macro(_PIXEL_MEASURES_SEQUENCE)
    tags = (_PIXEL_SPACING, _IMAGER_PIXEL_SPACING, _NOMINAL_SCANNED_PIXEL_SPACING, _PIXEL_ASPECT_RATIO)
    said = [measures.decimals(_PIXEL_SPACING)] if measures is not None else []
    for pair in (*said, *(values.top.decimals(tag) for tag in tags)):
        if len(pair) >= 2 and pair[0] > 0 and pair[1] > 0:
            ratio = pair[0] / pair[1]
            sensible = 1 / _EXTREME <= ratio <= _EXTREME and abs(ratio - 1) > _SQUARE
            return ratio if sensible else 1.0
    return 1.0


def fitted(rows: int, columns: int, ratio: float, box_rows: int, box_columns: int) -> tuple[int, int]:
    """Return the largest size in a box that has the proportions of a frame, 1 or more each way.

    Args:
        rows: Of the frame.
        columns: Of the frame.
        ratio: Height of its pixels divided by their width.
        box_rows: Of the icon.
        box_columns: Of the icon.
    """
    scale = min(box_rows / (rows * ratio), box_columns / columns)
    return (
        min(max(round(rows * ratio * scale), 1), box_rows),
        min(max(round(columns * scale), 1), box_columns),
    )


def scaled(cells: NDArray[Any], shade: Shade, rows: int, columns: int) -> NDArray[Any]:
    """Return how light each pixel of a smaller or larger picture of a frame is, 0 to 255, in the shape (rows, columns).

    The frame is shown row by row, so that it is held once, as it is stored. What pixels look like is averaged, not what
    is stored in them: the mean of bone and air is grey, and no soft tissue.

    Args:
        cells: Of the frame, (rows, columns[, 3]).
        shade: How light cells are.
        rows: Of the picture.
        columns: Of the picture.
    """
    upright = np.stack([_mean(shade(cells[part]), weights) for part, weights in _covers(cells.shape[0], rows)])
    across = np.ascontiguousarray(upright.T)
    picture = np.stack([_mean(across[part], weights) for part, weights in _covers(cells.shape[1], columns)]).T
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), np.uint8)


def boxed(picture: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """Return a picture in the middle of an icon of (rows, columns), with black beside it."""
    icon = np.zeros((rows, columns), np.uint8)
    top, left = (rows - picture.shape[0]) // 2, (columns - picture.shape[1]) // 2
    icon[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return icon


@lru_cache(maxsize=16)  # a series has one size
def _covers(size: int, count: int) -> tuple[tuple[slice, NDArray[Any]], ...]:
    """Return for each of ``count`` parts of a line of ``size`` pixels the pixels it covers, and how much of each."""
    found = []
    for number in range(count):
        start, end = number * size / count, (number + 1) * size / count
        first, last = math.floor(start), min(max(math.ceil(end - _SLIVER), math.floor(start) + 1), size)
        pixels = np.arange(first, last)
        weights = np.minimum(pixels + 1, end) - np.maximum(pixels, start)
        found.append((slice(first, last), (weights / weights.sum()).astype(np.float32)[:, np.newaxis]))
    return tuple(found)


def _mean(lines: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    """Return the weighted mean of lines: without BLAS, whose sums depend on the number of threads."""
    return np.asarray((lines * weights).sum(axis=0))
