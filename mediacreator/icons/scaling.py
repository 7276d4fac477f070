"""Bring a frame to the size of an icon: square pixels, the mean of what each covers, black beside it."""

from __future__ import annotations

import math
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


def scaled(cells: NDArray[Any], shade: Shade, ratio: float, rows: int, columns: int) -> NDArray[Any]:
    """Return an icon: how light each of its pixels is, 0 to 255, in the shape (rows, columns).

    The frame is shown row by row, so that it is held once, as it is stored.

    Args:
        cells: Of the frame, (rows, columns[, 3]).
        shade: How light cells are.
        ratio: Height of a pixel divided by its width.
        rows: Of the icon.
        columns: Of the icon.
    """
    high, wide = fitted(cells.shape[0], cells.shape[1], ratio, rows, columns)
    upright = np.stack(
        [_mean(shade(cells[first:last]), weights) for first, last, weights in _covers(cells.shape[0], high)]
    )
    across = upright.T
    picture = np.stack([_mean(across[first:last], weights) for first, last, weights in _covers(cells.shape[1], wide)]).T
    icon = np.zeros((rows, columns), np.uint8)
    top, left = (rows - high) // 2, (columns - wide) // 2
    icon[top : top + high, left : left + wide] = np.rint(np.clip(picture, 0, 1) * 255)
    return icon


def _covers(size: int, count: int) -> list[tuple[int, int, NDArray[Any]]]:
    """Return for each of ``count`` parts of a line of ``size`` pixels the pixels it covers, and how much of each."""
    found = []
    for number in range(count):
        start, end = number * size / count, (number + 1) * size / count
        first, last = math.floor(start), max(math.ceil(end - 1e-9), math.floor(start) + 1)
        pixels = np.arange(first, min(last, size))
        weights = np.minimum(pixels + 1, end) - np.maximum(pixels, start)
        found.append((first, min(last, size), weights / weights.sum()))
    return found


def _mean(lines: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    """Return the weighted mean of lines: without BLAS, whose sums depend on the number of threads."""
    return np.asarray((lines * weights[:, np.newaxis]).sum(axis=0, dtype=np.float64))
