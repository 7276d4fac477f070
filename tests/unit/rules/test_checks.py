"""Named checks, each with what meets it, what breaks it, and what cannot be told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, keyword_for_tag

from mediacreator.dicomio.elements import encode_element, encode_items
from mediacreator.rules.checks import CHECKS
from mediacreator.rules.tables import Key

from .test_tables import walk

REGION = {key.keyword: key for key in CHECKS["us_regions_spatial"].keys[0].items}
SIZES = {"US": 2, "UL": 4, "FD": 8, "FL": 4}
ALWAYS = [
    *("RegionSpatialFormat", "RegionDataType", "RegionFlags", "RegionLocationMinX0", "RegionLocationMinY0"),
    *("RegionLocationMaxX1", "RegionLocationMaxY1", "PhysicalUnitsXDirection", "PhysicalUnitsYDirection"),
    *("PhysicalDeltaX", "PhysicalDeltaY"),
]
POINTS = ["NumberOfTableBreakPoints", "TableOfXBreakPoints", "TableOfYBreakPoints"]
COMPONENT = ["PixelComponentPhysicalUnits", "PixelComponentDataType"]
BY_ORGANIZATION = {  # PS3.3 Table C.8-17, restated
    0: ["PixelComponentMask", *COMPONENT, *POINTS],
    1: ["PixelComponentRangeStart", "PixelComponentRangeStop", *COMPONENT, *POINTS],
    2: [*COMPONENT, "NumberOfTableEntries", "TableOfPixelValues", "TableOfParameterValues"],
    3: [*COMPONENT, "NumberOfTableEntries", "PixelValueMappingCodeSequence"],
}


def region(*keywords: str, organization: int | None = None) -> bytes:
    """Return the elements of an item; zeros are values."""
    values = {keyword: bytes(SIZES.get(REGION[keyword].vr, 8)) for keyword in keywords}
    if "PixelValueMappingCodeSequence" in values:
        values["PixelValueMappingCodeSequence"] = encode_items([encode_element(0x00080100, "SH", b"1 ")])
    if organization is not None:
        values["PixelComponentOrganization"] = organization.to_bytes(2, "little")
    keys = sorted((REGION[keyword] for keyword in values), key=lambda key: key.tag)
    return b"".join(encode_element(key.tag, key.vr, values[key.keyword]) for key in keys)


def regions(*items: bytes) -> dict[str, bytes]:
    return {"SequenceOfUltrasoundRegions": encode_items(items)}


def overlay(group: int = 0x6000, bits: int = 1, position: int = 0, data: bytes = b"\1\0") -> dict[str, bytes]:
    return {
        f"OverlayRows_{group:04X}": b"\0\2",
        f"OverlayColumns_{group:04X}": b"\0\2",
        f"OverlayBitsAllocated_{group:04X}": bits.to_bytes(2, "little"),
        f"OverlayBitPosition_{group:04X}": position.to_bytes(2, "little"),
        f"OverlayData_{group:04X}": data,
    }


def without(attributes: dict[str, bytes], keyword: str) -> dict[str, bytes]:
    return {name: value for name, value in attributes.items() if not name.startswith(keyword)}


@pytest.mark.parametrize(
    ("attributes", "met", "found"),
    [
        ({}, True, ""),
        (overlay(), True, ""),
        (overlay(bits=16, position=12), False, "overlay 6000 has 16 bits at bit 12"),
        (overlay(bits=8), False, "overlay 6000 has 8 bits at bit 0"),
        (overlay(position=7), False, "overlay 6000 has 1 bits at bit 7"),
        (overlay() | overlay(0x601E, bits=16, position=15), False, "overlay 601E has 16 bits at bit 15"),
        (without(overlay(0x6004), "OverlayData"), False, "overlay 6004 has no OverlayData (6004,3000)"),
        (overlay(data=b""), False, "overlay 6000 has no OverlayData (6000,3000)"),
        (without(without(overlay(), "OverlayBits"), "OverlayBitP"), True, ""),  # told by where its data lies
        ({"OverlayOrigin_6002": b"\1\0\1\0"}, False, "overlay 6002 has no OverlayData (6002,3000)"),
        (overlay() | {"OverlayBitPosition_6000": b"\0"}, None, ""),
    ],
)
def test_overlays_lie_in_overlay_data(attributes: dict[str, bytes], met: bool | None, found: str) -> None:
    answer = CHECKS["overlay_not_embedded"].test(attributes)
    assert (answer.met, answer.found) == (met, found)
    assert met is True or answer.expected


@given(st.sets(st.sampled_from(range(0x6000, 0x6020, 2)), min_size=1), st.data())
def test_any_part_of_any_overlay_is_an_overlay(groups: set[int], data: st.DataObject) -> None:
    attributes = {}
    for group in groups:
        named = [key.keyword for key in CHECKS["no_overlays"].keys if key.tag >> 16 == group]
        attributes[data.draw(st.sampled_from(named))] = data.draw(st.binary(max_size=4))
    answer = CHECKS["no_overlays"].test(attributes)

    assert answer.met is False
    assert all(f"{group:04X}" in answer.found for group in groups)


def test_no_overlay_is_none() -> None:
    assert CHECKS["no_overlays"].test({"Rows": b"\0\2"}).met is True


@pytest.mark.parametrize("name", ["us_regions_spatial", "us_regions_combined"])
@pytest.mark.parametrize(
    ("attributes", "met", "found"),
    [
        ({}, False, "SequenceOfUltrasoundRegions (0018,6011) is absent"),
        ({"SequenceOfUltrasoundRegions": b""}, False, "SequenceOfUltrasoundRegions (0018,6011) is empty"),
        ({"SequenceOfUltrasoundRegions": b"\xfe\xff\xdd\xe0\0\0\0\0"}, False, "(0018,6011) is empty"),
        ({"SequenceOfUltrasoundRegions": b"\xfe\xff\x00\xe0\xff"}, None, ""),
        (regions(b""), False, "item 1 lacks RegionSpatialFormat (0018,6012)"),
    ],
)
def test_regions_must_be_there(name: str, attributes: dict[str, bytes], met: bool | None, found: str) -> None:
    answer = CHECKS[name].test(attributes)
    assert answer.met is met
    assert found in answer.found


def test_each_region_has_what_is_type_1() -> None:
    spatial = CHECKS["us_regions_spatial"].test
    whole = region(*ALWAYS)

    assert spatial(regions(whole, whole)).met is True
    for keyword in ALWAYS:
        answer = spatial(regions(whole, region(*(other for other in ALWAYS if other != keyword))))
        assert answer.met is False
        key = REGION[keyword]
        assert answer.found.endswith(f"item 2 lacks {keyword} ({key.tag >> 16:04X},{key.tag & 0xFFFF:04X})")


@pytest.mark.parametrize("organization", BY_ORGANIZATION)
def test_each_organization_calls_for_its_own(organization: int) -> None:
    """PS3.11 C.5: Pixel Component Organization and what depends on it; C.4 leaves them out."""
    spatial, combined = CHECKS["us_regions_spatial"].test, CHECKS["us_regions_combined"].test
    asked = BY_ORGANIZATION[organization]

    assert combined(regions(region(*ALWAYS, *asked, organization=organization))).met is True
    for keyword in asked:
        item = region(*ALWAYS, *(other for other in asked if other != keyword), organization=organization)
        assert keyword in combined(regions(item)).found
        assert spatial(regions(item)).met is True


def test_organization_itself_is_asked_for() -> None:
    combined = CHECKS["us_regions_combined"].test
    assert "PixelComponentOrganization (0018,6044)" in combined(regions(region(*ALWAYS))).found
    assert (
        "PixelComponentOrganization (0018,6044) of 0 to 3" in combined(regions(region(*ALWAYS, organization=4))).found
    )


@given(st.dictionaries(st.sampled_from([k.keyword for c in CHECKS.values() for k in c.keys]), st.binary(max_size=40)))
def test_whatever_is_in_a_file_is_answered(attributes: dict[str, bytes]) -> None:
    """Bytes of a foreign medium never raise, and nothing but a clear answer says that a rule is met."""
    for check in CHECKS.values():
        answer = check.test(attributes)
        assert answer.met in (True, False, None)
        assert (answer.met is False) == bool(answer.found)


def test_keys_are_those_of_the_dictionary() -> None:
    """PS3.6, as pydicom has it."""

    def check(key: Key) -> None:
        assert keyword_for_tag(key.tag) == key.keyword.partition("_")[0]
        assert key.vr in dictionary_VR(key.tag).split(" or ")

    for each in CHECKS.values():
        for _, key in walk(each.keys):
            check(key)
        assert len({key.keyword for key in each.keys}) == len(each.keys)
