"""Named checks: rules about an instance's attributes that no column of a profile can say (PS3.11 X.3.4).

Each says which attributes it must be given and answers three-valued: True, met; False, broken; None, not known.
Attributes of repeating groups have the group in their keyword: ``OverlayRows_6002``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mediacreator.dicomio.elements import MalformedElement, parse_items  # a leaf that knows no rules
from mediacreator.model import Attributes
from mediacreator.rules.tables import Key
from mediacreator.rules.values import UnreadableValue, value_of

OVERLAY_GROUPS = tuple(range(0x6000, 0x6020, 2))
"""Groups of overlay planes (PS3.5 7.6)."""

_OVERLAY = (
    ("OverlayRows", 0x0010, "US"),
    ("OverlayColumns", 0x0011, "US"),
    ("OverlayType", 0x0040, "CS"),
    ("OverlayOrigin", 0x0050, "SS"),
    ("OverlayBitsAllocated", 0x0100, "US"),
    ("OverlayBitPosition", 0x0102, "US"),
    ("OverlayData", 0x3000, "OW"),
)
"""What is type 1 in the Overlay Plane Module (PS3.3 C.9.2): an overlay has one of them at least."""

_REGION_ALWAYS = (
    ("RegionSpatialFormat", 0x00186012, "US"),
    ("RegionDataType", 0x00186014, "US"),
    ("RegionFlags", 0x00186016, "UL"),
    ("RegionLocationMinX0", 0x00186018, "UL"),
    ("RegionLocationMinY0", 0x0018601A, "UL"),
    ("RegionLocationMaxX1", 0x0018601C, "UL"),
    ("RegionLocationMaxY1", 0x0018601E, "UL"),
    ("PhysicalUnitsXDirection", 0x00186024, "US"),
    ("PhysicalUnitsYDirection", 0x00186026, "US"),
    ("PhysicalDeltaX", 0x0018602C, "FD"),
    ("PhysicalDeltaY", 0x0018602E, "FD"),
)
"""Type 1 in each item of Sequence of Ultrasound Regions (PS3.3 Table C.8-17)."""

_ORGANIZATION = ("PixelComponentOrganization", 0x00186044, "US")
_COMPONENTS = (
    ("PixelComponentMask", 0x00186046, "UL", (0,)),
    ("PixelComponentRangeStart", 0x00186048, "UL", (1,)),
    ("PixelComponentRangeStop", 0x0018604A, "UL", (1,)),
    ("PixelComponentPhysicalUnits", 0x0018604C, "US", (0, 1, 2, 3)),
    ("PixelComponentDataType", 0x0018604E, "US", (0, 1, 2, 3)),
    ("NumberOfTableBreakPoints", 0x00186050, "UL", (0, 1)),
    ("TableOfXBreakPoints", 0x00186052, "UL", (0, 1)),
    ("TableOfYBreakPoints", 0x00186054, "FD", (0, 1)),
    ("NumberOfTableEntries", 0x00186056, "UL", (2, 3)),
    ("TableOfPixelValues", 0x00186058, "UL", (2,)),
    ("TableOfParameterValues", 0x0018605A, "FL", (2,)),
    ("PixelValueMappingCodeSequence", 0x00409098, "SQ", (3,)),
)
"""The values of Pixel Component Organization that call for each (PS3.3 Table C.8-17)."""

_CODE = (("CodeValue", 0x00080100, "SH"), ("CodingSchemeDesignator", 0x00080102, "SH"))


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
    words: str  # what it asks


def overlay_not_embedded(attributes: Attributes) -> Answer:
    """Find overlay planes that lie in unused bits of the pixels. Source: PS3.11 A.3.4.1, PS3.3 C.9.2.

    An overlay in Overlay Data has Overlay Bits Allocated 1 and Overlay Bit Position 0; one that is embedded has the
    Bits Allocated of the pixels, and no Overlay Data.
    """
    expected = "OverlayBitsAllocated (60xx,0100) 1 and OverlayBitPosition (60xx,0102) 0, with OverlayData (60xx,3000)"
    for group in _overlay_groups(attributes):
        try:
            bits = value_of(attributes, f"OverlayBitsAllocated_{group:04X}", "US") or "1"
            position = value_of(attributes, f"OverlayBitPosition_{group:04X}", "US") or "0"
        except UnreadableValue:
            return Answer(met=None, expected=expected)
        if (bits, position) != ("1", "0"):
            return Answer(met=False, found=f"overlay {group:04X} has {bits} bits at bit {position}", expected=expected)
        if not attributes.get(f"OverlayData_{group:04X}"):
            return Answer(
                met=False, found=f"overlay {group:04X} has no OverlayData ({group:04X},3000)", expected=expected
            )
    return Answer(met=True)


def no_overlays(attributes: Attributes) -> Answer:
    """Find overlay planes. Source: PS3.11 B.3.4.1."""
    groups = _overlay_groups(attributes)
    if groups:
        found = f"group {', '.join(f'{group:04X}' for group in groups)} is there"
        return Answer(met=False, found=found, expected="no overlay (group 60xx)")
    return Answer(met=True)


def us_regions_spatial(attributes: Attributes) -> Answer:
    """Check the US Region Calibration Module without its components. Source: PS3.11 C.4, PS3.3 C.8.5.5."""
    return _regions(attributes, components=False)


def us_regions_combined(attributes: Attributes) -> Answer:
    """Check the US Region Calibration Module with its components. Source: PS3.11 C.5, PS3.3 C.8.5.5.

    PS3.3 asks for Pixel Component Organization where a region has component calibration; C.5 asks for it as it stands,
    so that every region must have it.
    """
    return _regions(attributes, components=True)


def _overlay_groups(attributes: Attributes) -> list[int]:
    return [g for g in OVERLAY_GROUPS if any(f"{word}_{g:04X}" in attributes for word, _, _ in _OVERLAY)]


def _regions(attributes: Attributes, *, components: bool) -> Answer:
    name, expected = "SequenceOfUltrasoundRegions (0018,6011)", "one item or more, each with what is type 1 in it"
    value = attributes.get("SequenceOfUltrasoundRegions")
    if value is None:
        return Answer(met=False, found=f"{name} is absent", expected=expected)
    try:
        items = parse_items(value)
    except MalformedElement:
        return Answer(met=None, expected=expected)
    if not items:
        return Answer(met=False, found=f"{name} is empty", expected=expected)
    for number, item in enumerate(items, 1):
        lacking = [_named(word, tag) for word, tag, _ in _REGION_ALWAYS if not item.get(tag)]
        if components:
            lacking += _lacking_components(item)
        if lacking:
            return Answer(met=False, found=f"{name} item {number} lacks {', '.join(lacking)}", expected=expected)
    return Answer(met=True)


def _lacking_components(item: Mapping[int, bytes]) -> list[str]:
    word, tag, _ = _ORGANIZATION
    stated = item.get(tag)
    if not stated:
        return [_named(word, tag)]
    kind = int.from_bytes(stated, "little")
    if kind > 3:
        return [f"{_named(word, tag)} of 0 to 3"]
    return [_named(word, tag) for word, tag, _, kinds in _COMPONENTS if kind in kinds and not item.get(tag)]


def _named(keyword: str, tag: int) -> str:
    return f"{keyword} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _key(keyword: str, tag: int, vr: str, clause: str, items: tuple[Key, ...] = ()) -> Key:
    return Key(keyword, tag, vr, type="3", condition="", keep="", source="", clause=clause, items=items)


def _region_keys() -> tuple[Key, ...]:
    clause = "PS3.3 C.8.5.5"
    code = tuple(_key(*row, clause) for row in _CODE)
    rows = sorted((*_REGION_ALWAYS, _ORGANIZATION, *(row[:3] for row in _COMPONENTS)), key=lambda row: row[1])
    inner = tuple(_key(word, tag, vr, clause, code if vr == "SQ" else ()) for word, tag, vr in rows)
    return (_key("SequenceOfUltrasoundRegions", 0x00186011, "SQ", clause, inner),)


_OVERLAYS = tuple(
    _key(f"{word}_{group:04X}", group << 16 | element, vr, "PS3.3 C.9.2")
    for group in OVERLAY_GROUPS
    for word, element, vr in _OVERLAY
)
_REGIONS = _region_keys()

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "overlay_not_embedded": Check(_OVERLAYS, overlay_not_embedded, "no overlay lies in the bits of the pixels"),
        "no_overlays": Check(_OVERLAYS, no_overlays, "there is no overlay"),
        "us_regions_spatial": Check(_REGIONS, us_regions_spatial, "there are ultrasound regions, each calibrated"),
        "us_regions_combined": Check(
            _REGIONS, us_regions_combined, "there are ultrasound regions, each calibrated, its components too"
        ),
    }
)
