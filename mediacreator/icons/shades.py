"""How light a pixel is shown: the greyscale pipeline, palettes and luminance (PS3.3 C.11.1, C.11.2, C.7.6.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from mediacreator.icons.frames import Frame
from mediacreator.icons.palette import LUMINANCE, palette_luminance
from mediacreator.icons.values import FrameValues, Values
from mediacreator.icons.windows import Curve, modality, over, voi

if TYPE_CHECKING:
    from numpy.typing import NDArray

Shade = Callable[["NDArray[Any]"], "NDArray[Any]"]
"""From cells of some rows, (rows, columns[, 3]), to how light they are, 0 to 1, (rows, columns)."""

_PIXEL_PADDING_VALUE, _PIXEL_PADDING_RANGE_LIMIT = 0x00280120, 0x00280121
_FLOAT_PADDING = {4: (0x00280122, 0x00280124), 8: (0x00280123, 0x00280125)}  # value and range limit by width
_COUNTED_AT_ONCE = 1 << 20  # cells
_ENOUGH = 1 << 20  # cells that tell the range of a frame whose values are too many to count
_OUTLIERS = 0.005  # of the pixels at each end may lie outside the range: markers, dead pixels
_PARTIAL = (16 / 255, 219 / 255)  # least luminance of YBR_PARTIAL_422 and its range (PS3.3-2016 C.7.6.3.1.2)


def shades(frame: Frame, values: FrameValues) -> Iterator[Shade]:
    """Yield ways to show a frame: as its attributes say; then, for grey, over the range of its values.

    The second is for images without a window, and for those whose window leaves nothing to see.

    Raises:
        Refusal: A palette is missing.
    """
    if frame.cells.ndim == 3:
        yield _luminance(frame)
    elif frame.photometric.startswith("YBR"):
        yield _luma(frame)
    elif frame.photometric == "PALETTE COLOR":
        table = palette_luminance(values.top, signed=frame.signed)
        yield _looked_up(frame, lambda cells: table(_stored(cells, frame)) / 65535)
    else:
        yield from _grey(frame, values)


def _luminance(frame: Frame) -> Shade:
    full = (1 << frame.stored) - 1
    red, green, blue = (np.float32(weight / full) for weight in LUMINANCE)

    def shade(cells: NDArray[Any]) -> NDArray[Any]:
        samples = _samples(cells, frame)
        return np.asarray(red * samples[:, :, 0] + green * samples[:, :, 1] + blue * samples[:, :, 2])

    return shade


def _luma(frame: Frame) -> Shade:
    least, span = _PARTIAL if "PARTIAL" in frame.photometric else (0.0, 1.0)
    full = np.float32((1 << frame.stored) - 1)
    return lambda cells: np.clip((_samples(cells, frame) / full - np.float32(least)) / np.float32(span), 0, 1)


def _grey(frame: Frame, values: FrameValues) -> Iterator[Shade]:
    """Yield how grey is shown: stored values, modality, VOI, then inverted for MONOCHROME1. Source: PS3.4 N.2.1."""
    to_modality, signed = modality(values, signed=frame.signed)
    is_padding = _padding(frame, values.top)
    inverse = frame.photometric == "MONOCHROME1"

    def through(curve: Curve) -> Shade:
        def light(cells: NDArray[Any]) -> NDArray[Any]:
            stored = _stored(cells, frame)
            found = np.clip(curve(to_modality(stored)), 0, 1)
            found = np.nan_to_num(1 - found if inverse else found)
            # What pads an image is black, whatever white is in it (PS3.3 C.7.5.1.1.2).
            return np.where(is_padding(cells, stored), 0, found)

        return _looked_up(frame, light)

    curve = voi(values, signed=signed)
    if curve is not None:
        yield through(curve)
    yield through(over(*_range(frame, to_modality, is_padding)))


def _looked_up(frame: Frame, light: Shade) -> Shade:
    """Return the same as ``light``, worked out once for each value that a cell of 16 bits or fewer has."""
    if frame.cells.dtype.itemsize > 2:
        return light
    span = _span(frame)
    table = light(span).astype(np.float32)
    return lambda cells: table.take(cells - span[0])  # the difference of unsigned cells goes round


def _span(frame: Frame) -> NDArray[Any]:
    """Return all cells from the least of a frame to the largest; where they are signed they go through 0."""
    cells = frame.cells.view(f"i{frame.cells.dtype.itemsize}") if frame.signed else frame.cells
    return np.arange(int(cells.min()), int(cells.max()) + 1).astype(frame.cells.dtype)


def _stored(cells: NDArray[Any], frame: Frame) -> NDArray[Any]:
    """Return the value of each cell: its stored bits, with their sign. Source: PS3.5 8.1.1."""
    if cells.dtype.kind == "f":
        return cells
    values = (cells.astype(np.int64) >> (frame.high + 1 - frame.stored)) & ((1 << frame.stored) - 1)
    if frame.signed:
        sign = 1 << (frame.stored - 1)
        values = (values ^ sign) - sign
    return np.asarray(values)


def _samples(cells: NDArray[Any], frame: Frame) -> NDArray[Any]:
    """Return unsigned samples without the bits above and below them."""
    samples = (cells >> (frame.high + 1 - frame.stored)) & ((1 << frame.stored) - 1)
    return np.asarray(samples.astype(np.float32))


# Padding and range

Padding = Callable[["NDArray[Any]", "NDArray[Any]"], "NDArray[Any]"]
"""Given cells and the values stored in them, tells which pad the image."""


def _padding(frame: Frame, top: Values) -> Padding:
    """Return how to tell pixels that are none. Source: PS3.3 C.7.5.1.1.2, C.7.6.24, C.7.6.25."""
    width = frame.cells.dtype.itemsize
    if frame.cells.dtype.kind == "f":
        ends = [number for tag in _FLOAT_PADDING[width] for number in top.floats(tag, width)]
        return lambda _, stored: ~np.isfinite(stored) | _within(stored, ends)
    ends = [
        float(number)
        for tag in (_PIXEL_PADDING_VALUE, _PIXEL_PADDING_RANGE_LIMIT)
        for number in top.numbers(tag, signed=frame.signed)[:1]
    ]
    whole = int(ends[0]) & ((1 << (8 * width)) - 1) if ends else -1
    # Some scanners pad with a value that has more bits than Bits Stored: then the whole cell tells.
    wider = bool(ends) and not _fits(ends[0], frame)
    return lambda cells, stored: cells == whole if wider else _within(stored, ends)


def _fits(number: float, frame: Frame) -> bool:
    low = -(1 << (frame.stored - 1)) if frame.signed else 0
    return low <= number < low + (1 << frame.stored)


def _within(stored: NDArray[Any], ends: list[float]) -> NDArray[Any]:
    if not ends:
        return np.zeros(stored.shape, bool)
    return (stored >= min(ends)) & (stored <= max(ends))


def _range(frame: Frame, to_modality: Curve, is_padding: Padding) -> tuple[float, float]:
    """Return between which values the pixels of a frame lie, but for a few outliers at each end."""
    cells, counts = _counted(frame)
    stored = _stored(cells, frame)
    kept = (counts > 0) & ~is_padding(cells, stored)
    values, counts = to_modality(stored[kept]), counts[kept]
    if not len(values):
        return 0.0, 0.0
    order = np.argsort(values, kind="stable")
    values, below = values[order], np.cumsum(counts[order])
    cuts = np.searchsorted(below, (_OUTLIERS * below[-1], (1 - _OUTLIERS) * below[-1]), side="left")
    low, high = values[np.minimum(cuts, len(values) - 1)]
    if low == high:  # nearly all pixels are the same: the few that are not are the picture
        low, high = values[0], values[-1]
    return float(low), float(high)


def _counted(frame: Frame) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return cells and how often each occurs; of cells with more than 16 bits a sample, spread over the frame."""
    flat = frame.cells.reshape(-1)
    if frame.cells.dtype.itemsize > 2:
        sample = flat[:: max(1, len(flat) // _ENOUGH)]
        return sample, np.ones(len(sample), np.int64)
    cells = _span(frame)
    counts = np.zeros(len(cells), np.int64)
    for start in range(0, len(flat), _COUNTED_AT_ONCE):
        counts += np.bincount(flat[start : start + _COUNTED_AT_ONCE] - cells[0], minlength=len(cells))
    return cells, counts
