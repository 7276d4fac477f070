"""The transformations of grey values: modality and VOI, each as a function of an array (PS3.3 C.11.1, C.11.2)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from mediacreator.icons.palette import LookupTable, lookup_table
from mediacreator.icons.values import FrameValues, Values

if TYPE_CHECKING:
    from numpy.typing import NDArray

Curve = Callable[["NDArray[Any]"], "NDArray[Any]"]
"""From values to values; the output of a VOI is 0 (black of MONOCHROME2) to 1, and may lie outside, which is cut."""

_MODALITY_LUT_SEQUENCE, _VOI_LUT_SEQUENCE = 0x00283000, 0x00283010
_PIXEL_VALUE_TRANSFORMATION_SEQUENCE, _FRAME_VOI_LUT_SEQUENCE = 0x00289145, 0x00289132
_RESCALE_INTERCEPT, _RESCALE_SLOPE = 0x00281052, 0x00281053
_WINDOW_CENTER, _WINDOW_WIDTH, _VOI_LUT_FUNCTION = 0x00281050, 0x00281051, 0x00281056
_PIXEL_INTENSITY_RELATIONSHIP = 0x00281040
_STEEPEST = 700  # exponent of the sigmoid; more overflows a double


def modality(values: FrameValues, *, signed: bool) -> tuple[Curve, bool]:
    """Return what maps stored values to those of the modality, and whether these may be negative.

    Source: PS3.3 C.11.1, C.7.6.16.2.9 (Pixel Value Transformation Macro).
    """
    grouped = values.macro(_PIXEL_VALUE_TRANSFORMATION_SEQUENCE)
    line = _line(grouped or values.top)
    if line is not None:
        slope, intercept = line
        return lambda stored: stored * slope + intercept, signed or slope < 0 or intercept < 0
    table = _modality_table(values.top, signed=signed)
    return (table, False) if table is not None else (lambda stored: stored, signed)


def _line(values: Values) -> tuple[float, float] | None:
    slope, intercept = values.decimal(_RESCALE_SLOPE), values.decimal(_RESCALE_INTERCEPT)
    if slope is None and intercept is None:
        return None
    return slope or 1.0, intercept or 0.0


def _modality_table(top: Values, *, signed: bool) -> LookupTable | None:
    """Return the Modality LUT, unless it leads away from what is displayed.

    Where Pixel Intensity Relationship is LOG or DISP the LUT maps pixels back to the intensity of the beam, for
    processing (PS3.3 C.8.7.1.1.2).
    """
    item = top.item(_MODALITY_LUT_SEQUENCE)
    if item is None or top.text(_PIXEL_INTENSITY_RELATIONSHIP) in {"LOG", "DISP"}:
        return None
    return lookup_table(item, signed=signed)


def voi(values: FrameValues, *, signed: bool) -> Curve | None:
    """Return the VOI transformation that the attributes name: the first window that can be, else a VOI LUT; or None.

    Args:
        values: Of the frame.
        signed: Whether its input may be negative.

    Source: PS3.3 C.11.2 (of several the user may choose), C.7.6.16.2.10 (Frame VOI LUT Macro).
    """
    places = [place for place in (values.macro(_FRAME_VOI_LUT_SEQUENCE), values.top) if place is not None]
    for curve in (curve for place in places for curve in _windows(place)):
        return curve
    for item in (item for place in places for item in place.items(_VOI_LUT_SEQUENCE)):
        table = lookup_table(item, signed=signed)
        if table is not None:
            return _scaled(table)
    return None


def _scaled(table: LookupTable) -> Curve:
    return lambda x: table(x) / table.largest


def _windows(values: Values) -> Iterator[Curve]:
    function = values.text(_VOI_LUT_FUNCTION)
    pairs = zip(values.decimals(_WINDOW_CENTER), values.decimals(_WINDOW_WIDTH), strict=False)
    for center, width in pairs:
        if math.isfinite(center) and math.isfinite(width) and width > 0:
            yield _window(function, center, width)


def _window(function: str, center: float, width: float) -> Curve:
    """Return a window. Source: PS3.3 C.11.2.1.2.1, C.11.2.1.3."""
    if function == "SIGMOID":
        return lambda x: 1 / (1 + np.exp(np.clip(-4 * (x - center) / width, -_STEEPEST, _STEEPEST)))
    # A width below 1 is forbidden to LINEAR; who writes one thinks of fractions, as of SUV.
    if function == "LINEAR_EXACT" or width < 1:
        return lambda x: (x - center) / width + 0.5
    if width == 1:
        return lambda x: np.asarray(x > center - 0.5, np.float64)
    return lambda x: (x - (center - 0.5)) / (width - 1) + 0.5


def over(low: float, high: float) -> Curve:
    """Return what maps a range of values to black and white; grey where all values are the same."""
    if not high > low:
        return lambda x: np.full(x.shape, 0.5)
    return lambda x: (x - low) / (high - low)
