"""Write an icon as the value of Icon Image Sequence (PS3.3 F.7, C.7.6.3.2)."""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING, Any

import numpy as np

from mediacreator.dicomio.elements import encode_element, encode_items
from mediacreator.rules.profile import IconRule

if TYPE_CHECKING:
    from numpy.typing import NDArray

USUAL_SIZE = 64
"""Rows and columns where a rule asks for none: every reader that shows icons must take these (PS3.3 F.7)."""

_LEVELS = 256


def icon_value(light: NDArray[Any], rule: IconRule) -> bytes:
    """Return one item in Explicit VR Little Endian, its elements in tag order.

    It is MONOCHROME2 wherever the rule lets it be. No reader shows grey wrongly, while one that ignores the palette of
    an icon shows its numbers; where a rule insists on a palette, the numbers are the levels of grey all the same.

    Args:
        light: How light each pixel is, 0 to 255, (rows, columns) of 8 bits.
        rule: What the icon must be.
    """
    photometric = next((p for p in ("MONOCHROME2", "PALETTE COLOR") if p in rule.photometric), "MONOCHROME1")
    if not rule.photometric:
        photometric = "MONOCHROME2"
    samples = 255 - light if photometric == "MONOCHROME1" else light
    bits = 1 if rule.bits == 1 else 8
    packed = np.packbits(samples >= _LEVELS // 2, bitorder="little") if bits == 1 else samples  # PS3.5 8.1.1
    rows, columns = light.shape
    item = (
        encode_element(0x00280002, "US", pack("<H", 1)),
        encode_element(0x00280004, "CS", photometric.encode("ascii")),
        encode_element(0x00280010, "US", pack("<H", rows)),
        encode_element(0x00280011, "US", pack("<H", columns)),
        encode_element(0x00280100, "US", pack("<H", bits)),
        encode_element(0x00280101, "US", pack("<H", bits)),
        encode_element(0x00280102, "US", pack("<H", bits - 1)),
        encode_element(0x00280103, "US", pack("<H", 0)),
        *(_grey_palette() if photometric == "PALETTE COLOR" else ()),
        encode_element(0x7FE00010, "OB", packed.tobytes()),
    )
    return encode_items([b"".join(item)])


def _grey_palette() -> list[bytes]:
    """Return the elements of a palette of which each entry is the grey of its number. Source: PS3.3 C.7.6.3.1.5."""
    descriptor = pack("<3H", _LEVELS, 0, 16)
    levels = pack(f"<{_LEVELS}H", *(level * 257 for level in range(_LEVELS)))
    descriptors = [encode_element(tag, "US", descriptor) for tag in (0x00281101, 0x00281102, 0x00281103)]
    return descriptors + [encode_element(tag, "OW", levels) for tag in (0x00281201, 0x00281202, 0x00281203)]
