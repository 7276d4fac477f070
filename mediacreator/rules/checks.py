"""Named checks: rules about an instance's attributes that no column of a profile can say (PS3.11 X.3.4).

Each says which attributes it must be given and answers three-valued: True, met; False, broken; None, not known.
Attributes of repeating groups have the group in their keyword: ``OverlayRows_6002``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mediacreator.dicomio.elements import MalformedElement, parse_items  # a leaf: it knows no rules
from mediacreator.model import Attributes
from mediacreator.rules.tables import Key

OVERLAY_GROUPS = tuple(range(0x6000, 0x6020, 2))
"""Groups of overlay planes (PS3.3 C.9.2)."""

_REGION_ALWAYS = {
    0x00186012: "RegionSpatialFormat",
    0x00186014: "RegionDataType",
    0x00186016: "RegionFlags",
    0x00186018: "RegionLocationMinX0",
    0x0018601A: "RegionLocationMinY0",
    0x0018601C: "RegionLocationMaxX1",
    0x0018601E: "RegionLocationMaxY1",
    0x00186024: "PhysicalUnitsXDirection",
    0x00186026: "PhysicalUnitsYDirection",
    0x0018602C: "PhysicalDeltaX",
    0x0018602E: "PhysicalDeltaY",
}
"""Type 1 in each item of Sequence of Ultrasound Regions (PS3.3 Table C.8-17)."""

_ORGANIZATION = 0x00186044
_COMPONENTS_ALWAYS = {0x0018604C: "PixelComponentPhysicalUnits", 0x0018604E: "PixelComponentDataType"}
_BREAK_POINTS = {
    0x00186050: "NumberOfTableBreakPoints",
    0x00186052: "TableOfXBreakPoints",
    0x00186054: "TableOfYBreakPoints",
}
_COMPONENTS: Mapping[int, Mapping[int, str]] = {
    0: {0x00186046: "PixelComponentMask", **_BREAK_POINTS},
    1: {0x00186048: "PixelComponentRangeStart", 0x0018604A: "PixelComponentRangeStop", **_BREAK_POINTS},
    2: {
        0x00186056: "NumberOfTableEntries",
        0x00186058: "TableOfPixelValues",
        0x0018605A: "TableOfParameterValues",
    },
    3: {0x00186056: "NumberOfTableEntries", 0x00409098: "PixelValueMappingCodeSequence"},
}
"""What each value of Pixel Component Organization (0018,6044) calls for besides (PS3.3 C.8.5.5.1.11)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check found."""

    met: bool | None
    found: str = ""  # no identity
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A named check and what it must be given."""

    keys: tuple[Key, ...]
    test: Callable[[Attributes], Answer]


def _key(keyword: str, tag: int, vr: str) -> Key:
    return Key(keyword, tag, vr, "3", "", "", "", "PS3.3 C.9.2" if vr == "US" else "PS3.3 C.8.5.5")


def overlay_not_embedded(attributes: Attributes) -> Answer:
    """Find overlay planes that lie in unused bits of the pixels. Source: PS3.11 A.3.4.1, PS3.3 C.9.2.1.

    An overlay with Overlay Data has Overlay Bits Allocated 1 and Overlay Bit Position 0; one that is embedded has
    the Bits Allocated of the pixels.
    """
    expected = "OverlayBitsAllocated (60xx,0100) 1 and OverlayBitPosition (60xx,0102) 0, with Overlay Data (60xx,3000)"
    for group in OVERLAY_GROUPS:
        if f"OverlayRows_{group:04X}" not in attributes and f"OverlayBitsAllocated_{group:04X}" not in attributes:
            continue
        bits = int.from_bytes(attributes.get(f"OverlayBitsAllocated_{group:04X}", b"\1"), "little")
        position = int.from_bytes(attributes.get(f"OverlayBitPosition_{group:04X}", b"\0"), "little")
        if (bits, position) != (1, 0):
            found = f"overlay group {group:04X} has {bits} bits allocated and lies at bit {position}"
            return Answer(met=False, found=found, expected=expected)
    return Answer(met=True)


def no_overlays(attributes: Attributes) -> Answer:
    """Find overlay planes. Source: PS3.11 B.3.4.2."""
    for group in OVERLAY_GROUPS:
        if any(f"{word}_{group:04X}" in attributes for word in ("OverlayRows", "OverlayBitsAllocated")):
            return Answer(met=False, found=f"an overlay in group {group:04X}", expected="no group 60xx")
    return Answer(met=True)


def us_regions_spatial(attributes: Attributes) -> Answer:
    """Check the US Region Calibration Module without its components. Source: PS3.11 C.4, PS3.3 C.8.5.5."""
    return _regions(attributes, components=False)


def us_regions_combined(attributes: Attributes) -> Answer:
    """Check the US Region Calibration Module with its components. Source: PS3.11 C.5, PS3.3 C.8.5.5."""
    return _regions(attributes, components=True)


def _regions(attributes: Attributes, *, components: bool) -> Answer:
    name = "SequenceOfUltrasoundRegions"
    value = attributes.get(name)
    if not value:
        return Answer(
            met=False, found=f"{name} (0018,6011) is {'empty' if value == b'' else 'absent'}", expected="items"
        )
    try:
        items = parse_items(value)
    except MalformedElement:
        return Answer(met=None)
    for number, item in enumerate(items, 1):
        lacking = [words for tag, words in _REGION_ALWAYS.items() if not item.get(tag)]
        if components:
            lacking += _lacking_components(item)
        if lacking:
            found = f"{name} (0018,6011) item {number} lacks {', '.join(lacking)}"
            return Answer(met=False, found=found, expected="every attribute of type 1 of the module")
    return Answer(met=True)


def _lacking_components(item: Mapping[int, bytes]) -> list[str]:
    stated = item.get(_ORGANIZATION)
    if not stated:
        return ["PixelComponentOrganization"]
    called_for = _COMPONENTS.get(int.from_bytes(stated, "little"))
    if called_for is None:
        return ["a PixelComponentOrganization of 0 to 3"]
    return [words for tag, words in {**called_for, **_COMPONENTS_ALWAYS}.items() if not item.get(tag)]


_OVERLAY_KEYS = tuple(
    _key(f"{word}_{group:04X}", group << 16 | element, "US")
    for group in OVERLAY_GROUPS
    for word, element in (("OverlayRows", 0x0010), ("OverlayBitsAllocated", 0x0100), ("OverlayBitPosition", 0x0102))
)
_REGION_KEYS = (_key("SequenceOfUltrasoundRegions", 0x00186011, "SQ"),)

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "overlay_not_embedded": Check(_OVERLAY_KEYS, overlay_not_embedded),
        "no_overlays": Check(_OVERLAY_KEYS, no_overlays),
        "us_regions_spatial": Check(_REGION_KEYS, us_regions_spatial),
        "us_regions_combined": Check(_REGION_KEYS, us_regions_combined),
    }
)
