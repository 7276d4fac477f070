"""What the tests of icons share: from a Data Set to its icon, and what PS3.3 says a pixel looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from mediacreator.dicomio.elements import parse_items
from mediacreator.icons.drawing import draw
from mediacreator.icons.opening import Place
from mediacreator.rules.profile import IconRule
from tests.transcoding import instance, save

Pixels = np.ndarray[Any, Any]


def rule(rows: int = 16, columns: int = 0, **values: Any) -> IconRule:
    """Return the rule of an icon, square where no columns are given."""
    said = {
        "records": ("IMAGE",),
        "required": False,
        "bits": 8,
        "photometric": ("MONOCHROME2",),
        "clause": "PS3.11 E.3.3.3",
    }
    return IconRule(rows=rows, columns=columns or rows, **{**said, **values})


def place(path: Path, limit: int = 1 << 30) -> Place:
    """Return where the Data Set of a file lies."""
    header = instance(path).header
    length = header.source.size - header.dataset_offset
    return Place(header.source, header.dataset_offset, length, header.transfer_syntax_uid, limit)


def pixels(value: bytes | str) -> Pixels:
    """Return the pixels of an icon, (rows, columns)."""
    assert isinstance(value, bytes), value
    (item,) = parse_items(value)
    rows, columns = (int.from_bytes(item[tag], "little") for tag in (0x00280010, 0x00280011))
    return np.frombuffer(item[0x7FE00010], np.uint8, rows * columns).reshape(rows, columns).astype(int)


def drawn(ds: Dataset, folder: Path, like: IconRule | None = None) -> Pixels:
    """Return the icon of a Data Set; one of 16 x 16 without a rule."""
    return pixels(draw(place(save(ds, folder / "drawn.dcm")), like or rule()))


def undrawn(ds: Dataset, folder: Path) -> str:
    """Return why a Data Set has no icon."""
    why = draw(place(save(ds, folder / "drawn.dcm")), rule())
    assert isinstance(why, str)
    return why


def windowed(values: Pixels, center: float, width: float, function: str = "LINEAR") -> Pixels:
    """Return 0 to 255 as the pseudo-code of PS3.3 C.11.2.1.2 and C.11.2.1.3 has it, value by value."""
    return np.array([_windowed(float(x), center, width, function) for x in values.flat]).reshape(values.shape)


def _windowed(x: float, c: float, w: float, function: str) -> float:
    if function == "SIGMOID":
        return 255 / (1 + float(np.exp(-4 * (x - c) / w)))
    if function == "LINEAR_EXACT":
        return 0 if x <= c - w / 2 else 255 if x > c + w / 2 else ((x - c) / w + 0.5) * 255
    if x <= c - 0.5 - (w - 1) / 2:
        return 0
    if x > c - 0.5 + (w - 1) / 2:
        return 255
    return ((x - (c - 0.5)) / (w - 1) + 0.5) * 255


def ramp(low: int = 0, step: int = 1, kind: str = "u2") -> Pixels:
    """Return 16 x 16 pixels, each lighter than the one before."""
    return (np.arange(256).reshape(16, 16) * step + low).astype(f"<{kind}")


def alike(icon: Pixels, expected: Pixels, by: float = 1) -> bool:
    """Tell whether two icons are the same but for rounding."""
    return icon.shape == expected.shape and float(np.abs(icon - expected).max()) <= by
