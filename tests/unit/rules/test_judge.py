"""The engine that creator and validator share, on profiles made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediacreator.model import Severity
from mediacreator.rules.judge import (
    attribute_findings,
    can_hold,
    covers,
    judge,
    lacking_keys,
    meets,
    objects_of,
    options,
    union,
)
from mediacreator.rules.predicates import CONDITIONS, LOOKS_AT, TOLD_BY_THE_VALUE
from mediacreator.rules.profile import Constraint, Option
from tests.headers import header
from tests.profiles import (
    CT,
    GSPS,
    JPEG,
    LOSSLESS,
    NATIVE,
    RLE,
    SC,
    US,
    XA,
    constraint,
    key,
    objects,
    pairing,
    profile,
    rule,
)


def us(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "little") for value in values)


@pytest.mark.parametrize(
    ("asked", "attributes", "met", "found", "expected"),
    [
        (constraint("Modality", one_of=("XA",)), {"Modality": b"XA"}, True, "Modality (0008,0060) is XA", "XA"),
        (constraint("Modality", one_of=("XA",)), {"Modality": b"XA "}, True, "Modality (0008,0060) is XA", "XA"),
        (constraint("Modality", one_of=("XA", "RF")), {"Modality": b"CT"}, False, "is CT", "XA or RF"),
        (constraint("Modality", one_of=("XA",)), {}, False, "Modality (0008,0060) is absent", "XA"),
        (constraint("Modality", one_of=("XA",)), {"Modality": b""}, False, "Modality (0008,0060) is empty", "XA"),
        (
            constraint("ImageType", number=3, one_of=("BIPLANE A",)),
            {"ImageType": b"ORIGINAL\\PRIMARY\\BIPLANE A "},
            True,
            "ImageType (0008,0008) value 3 is BIPLANE A",
            "BIPLANE A",
        ),
        (
            constraint("ImageType", number=3, one_of=("BIPLANE A",)),
            {"ImageType": b"ORIGINAL\\PRIMARY"},
            False,
            "value 3 is empty",
            "BIPLANE A",
        ),
        (constraint("BitsStored", one_of=("8", "12")), {"BitsStored": us(12)}, True, "is 12", "8 or 12"),
        (constraint("BitsStored", one_of=("8", "12")), {"BitsStored": us(3072)}, False, "is 3072", "8 or 12"),
        (constraint("BitsStored", one_of=("8",)), {"BitsStored": b"\x08"}, None, "cannot be read", ""),
        (
            constraint("SmallestImagePixelValue", one_of=("-2",)),
            {"SmallestImagePixelValue": b"\xfe\xff"},
            True,
            "is -2",
            "-2",
        ),
        (constraint("NumberOfFrames", one_of=("8",)), {"NumberOfFrames": b"08"}, True, "is 08", "8"),
        (
            constraint("PixelSpacing", number=2, one_of=("1",)),
            {"PixelSpacing": b"0.5\\1.0 "},
            True,
            "value 2 is 1.0",
            "1",
        ),
        (constraint("Rows", minimum=1, maximum=512), {"Rows": us(512)}, True, "is 512", "1 to 512"),
        (constraint("Rows", minimum=1, maximum=512), {"Rows": us(513)}, False, "is 513", "1 to 512"),
        (constraint("Rows", minimum=1, maximum=512), {"Rows": us(0)}, False, "is 0", "1 to 512"),
        (constraint("Rows", minimum=1, maximum=512), {}, False, "is absent", "1 to 512"),
        (constraint("Rows", minimum=1), {"Rows": us(9)}, True, "is 9", "from 1"),
        (constraint("Rows", maximum=8), {"Rows": us(9)}, False, "is 9", "to 8"),
        (constraint("NumberOfFrames", minimum=2, maximum=9), {"NumberOfFrames": b"many"}, False, "is many", "2 to 9"),
        (
            constraint("HighBit", same_as="BitsStored", offset=-1),
            {"HighBit": us(11), "BitsStored": us(12)},
            True,
            "is 11",
            "BitsStored-1, 11",
        ),
        (
            constraint("HighBit", same_as="BitsStored", offset=-1),
            {"HighBit": us(15), "BitsStored": us(12)},
            False,
            "HighBit (0028,0102) is 15",
            "BitsStored-1, 11",
        ),
        (constraint("HighBit", same_as="BitsStored"), {"HighBit": us(15)}, None, "is 15", "BitsStored"),
        (constraint("HighBit", same_as="BitsStored"), {"HighBit": us(15), "BitsStored": b"\1"}, None, "", ""),
        (constraint("DetectorID", present=True), {"DetectorID": b""}, True, "", ""),
        (constraint("DetectorID", present=True), {}, False, "DetectorID (0018,700A) is absent", "empty where"),
        (constraint(check="no_overlays"), {}, True, "", ""),
        (constraint(check="no_overlays"), {"OverlayRows_6000": us(8)}, False, "group 6000 is there", "no overlay"),
    ],
)
def test_constraint(
    asked: Constraint, attributes: dict[str, bytes], met: bool | None, found: str, expected: str
) -> None:
    answer = meets(asked, attributes)

    assert answer.met is met
    assert found in answer.found
    assert expected in answer.expected


@given(st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 65535))
def test_a_range_is_inclusive(value: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    answer = meets(constraint("Rows", minimum=low, maximum=high), {"Rows": us(value)})
    assert answer.met is (low <= value <= high)


@given(st.sampled_from(["Modality", "Rows", "NumberOfFrames", "SmallestImagePixelValue"]), st.binary(max_size=9))
def test_no_value_raises(keyword: str, value: bytes) -> None:
    for asked in (constraint(keyword, one_of=("8",)), constraint(keyword, minimum=1, maximum=9)):
        assert meets(asked, {keyword: value}).met in (True, False, None)


@pytest.mark.parametrize(
    "asked",
    [
        constraint("PatientSex", one_of=("F",)),  # of group 0010
        constraint("InstitutionName", one_of=("Hospital",)),  # free text
        constraint("PerformingPhysicianName", one_of=("Nobody",)),
    ],
)
def test_values_that_may_identify_are_withheld(asked: Constraint) -> None:
    """A site's own profile may ask for anything; Findings never hold identity."""
    answer = meets(asked, {asked.keyword: b"Secret^Sue"})

    assert answer.met is False
    assert "Sue" not in answer.found
    assert answer.found.endswith("is another")


def test_sop_classes_and_syntaxes_of_the_rows() -> None:
    some = profile("PRI-A", objects("XA", [XA], [LOSSLESS]), objects("states", [GSPS]))

    assert [option.transfer_syntax_uid for option in options(some, {}, XA)] == [LOSSLESS]
    assert [option.transfer_syntax_uid for option in options(some, {}, GSPS)] == [NATIVE]
    assert options(some, {}, CT) == ()
    assert options(profile("PRI-B", objects("any", ("any",))), {}, "1.2.840.10008.1.3.10") == ()  # a DICOMDIR


def test_a_row_speaks_of_what_meets_its_condition() -> None:
    """PS3.11 Table E.3-1: secondary capture in grayscale and with a palette, and no other."""
    gray = objects("gray", [SC], [NATIVE, LOSSLESS], constraint("PhotometricInterpretation", one_of=("MONOCHROME2",)))
    palette = objects("palette", [SC], [NATIVE], constraint("PhotometricInterpretation", one_of=("PALETTE COLOR",)))
    some = profile("PRI-A", gray, palette)

    assert len(options(some, {"PhotometricInterpretation": b"MONOCHROME2 "}, SC)) == 2
    assert [row.name for row in objects_of(some, {"PhotometricInterpretation": b"PALETTE COLOR "}, SC)] == ["palette"]
    assert options(some, {"PhotometricInterpretation": b"RGB "}, SC) == ()
    (finding,) = judge(some, header(sop_class=SC, PhotometricInterpretation="RGB"), creating=True)
    assert finding.code == "object-not-in-profile"
    assert "PhotometricInterpretation (0028,0004) is RGB" in finding.what
    assert finding.expected == "MONOCHROME2 or PALETTE COLOR for this SOP Class in PRI-A"
    assert finding.location == "source 1"


ULTRASOUND = profile(
    "PRI-US",
    objects("US", [US], [NATIVE, RLE, JPEG]),
    pairings=[
        pairing("MONOCHROME2", NATIVE, RLE, scope="US"),
        pairing("RGB", NATIVE, RLE, scope="US"),
        pairing("YBR_FULL_422", NATIVE, JPEG, scope="US"),
    ],
)


def test_pairings_tell_the_photometric_interpretations_of_each_syntax() -> None:
    """PS3.11 Table C.3-2."""
    assert [(o.transfer_syntax_uid, o.photometric) for o in options(ULTRASOUND, {}, US)] == [
        (NATIVE, ("MONOCHROME2", "RGB", "YBR_FULL_422")),
        (RLE, ("MONOCHROME2", "RGB")),
        (JPEG, ("YBR_FULL_422",)),
    ]


@pytest.mark.parametrize(
    ("photometric", "held"),
    [
        *(("MONOCHROME2", True), ("RGB", True), ("YBR_RCT", True), ("YBR_FULL", True), ("", True)),
        *(("MONOCHROME1", False), ("PALETTE COLOR", False), ("HSV", False)),
    ],
)
def test_what_no_coding_could_bring_in(photometric: str, held: bool) -> None:
    attributes = {"PhotometricInterpretation": photometric.encode()} if photometric else {}
    assert can_hold(options(ULTRASOUND, attributes, US), attributes) is held
    assert covers(ULTRASOUND, header(sop_class=US, PhotometricInterpretation=photometric)) is held


def test_a_profile_without_pairings_holds_any_photometric_interpretation() -> None:
    some = profile("PRI-A", objects("any", ("any",)))
    assert covers(some, header(sop_class=US, PhotometricInterpretation="MONOCHROME1"))


@pytest.mark.parametrize(
    ("syntax", "photometric", "code", "expected"),
    [
        (NATIVE, "RGB", "", ""),
        (JPEG, "YBR_FULL_422", "", ""),
        (JPEG, "RGB", "photometric-not-with-syntax", "YBR_FULL_422"),
        (RLE, "YBR_FULL_422", "photometric-not-with-syntax", "MONOCHROME2 or RGB"),
        (LOSSLESS, "RGB", "transfer-syntax-not-in-profile", "1.2.840.10008.1.2.1 (Explicit VR Little Endian) or"),
        ("1.2.3", "RGB", "transfer-syntax-not-in-profile", "1.2.840.10008.1.2.1 (Explicit VR Little Endian) or"),
    ],
)
def test_a_file_as_it_lies_there(syntax: str, photometric: str, code: str, expected: str) -> None:
    file = header(sop_class=US, transfer_syntax=syntax, PhotometricInterpretation=photometric)
    found = judge(ULTRASOUND, file, "IMAGES/IM000001", creating=False)

    assert [finding.code for finding in found] == ([code] if code else [])
    assert all(expected in f.expected and f.location == "IMAGES/IM000001" and f.clause for f in found)


SMALL = profile(
    "PRI-XA",
    objects("XA", [XA], [LOSSLESS]),
    objects("states", [GSPS]),
    attributes=[
        rule("rows", constraint("Rows", minimum=1, maximum=512), create_only=True),
        rule("bits", constraint("BitsStored", one_of=("8", "10")), scope=["XA"]),
        rule("high", constraint("HighBit", one_of=("7",)), constraint("BitsStored", one_of=("8",)), scope=["XA"]),
        rule("detector", constraint("DetectorID", present=True), severity="warning"),
    ],
)
GOOD = {"Rows": us(512), "BitsStored": us(8), "HighBit": us(7), "DetectorID": b""}


@pytest.mark.parametrize(
    ("changes", "creating", "codes"),
    [
        ({}, True, []),
        ({"Rows": us(1024)}, True, ["rows"]),
        ({"Rows": us(1024)}, False, []),  # a reader must accept more (PS3.11 A.3.4.1)
        ({"BitsStored": us(9)}, False, ["bits"]),
        ({"HighBit": us(9)}, False, ["high"]),
        ({"BitsStored": us(10), "HighBit": us(9)}, False, []),  # binds 8 bits only
        ({"Rows": us(0), "BitsStored": us(9), "DetectorID": None}, True, ["rows", "bits", "detector"]),
        ({"BitsStored": b"\x08"}, False, ["not-checked", "not-checked"]),  # whether it binds HighBit is not known
    ],
)
def test_all_broken_rules_are_told(changes: dict[str, bytes | None], creating: bool, codes: list[str]) -> None:
    attributes = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    if codes == ["not-checked", "not-checked"]:
        attributes["HighBit"] = us(9)
    found = attribute_findings(SMALL, attributes, XA, "source 3", creating=creating)

    assert [finding.code for finding in found] == codes
    assert all(finding.location == "source 3" for finding in found)
    by_code = {finding.code: finding for finding in found}
    if "rows" in by_code:
        assert by_code["rows"].clause == "TEST rows"
        assert by_code["rows"].remedy == "Mend rows."
        assert by_code["rows"].expected == "1 to 512"
    if "detector" in by_code:
        assert by_code["detector"].severity is Severity.WARNING
    if "not-checked" in by_code:
        assert by_code["not-checked"].severity is Severity.NOTE


def test_images_are_the_objects_with_an_image_record() -> None:
    assert attribute_findings(SMALL, {}, GSPS, "", creating=True) == ()
    assert attribute_findings(SMALL, {}, CT, "", creating=True) == ()  # another profile's
    assert len(attribute_findings(SMALL, {}, XA, "", creating=True)) == 3  # Bits Stored absent: High Bit is not bound


def test_what_is_unknown_is_never_a_pass_and_no_error() -> None:
    odd = replace(SMALL, attributes=(rule("high", constraint("HighBit", same_as="BitsStored")),))
    (finding,) = judge(odd, header(sop_class=XA, transfer_syntax=LOSSLESS, HighBit=us(7)), creating=True)

    assert (finding.code, finding.severity) == ("not-checked", Severity.NOTE)
    assert "rule high of PRI-XA" in finding.what
    assert covers(odd, header(sop_class=XA, HighBit=us(7)))


BIPLANE = profile(
    "PRI-BI",
    objects("XA", [XA], [LOSSLESS]),
    keys={
        "IMAGE": [
            key("ImageType", "1"),
            key("ReferencedImageSequence", "1C", "biplane"),
            key("Rows", "1C", "present"),
            key("CalibrationImage", "2"),
            key("PixelSpacing", "1", source="dataset_or_shared_groups"),
        ]
    },
)


@pytest.mark.parametrize(
    ("attributes", "lacking"),
    [
        ({"ImageType": b"ORIGINAL\\PRIMARY\\SINGLE PLANE"}, []),
        ({}, ["ImageType"]),
        ({"ImageType": b"  "}, ["ImageType"]),
        ({"ImageType": b"ORIGINAL\\PRIMARY\\BIPLANE B "}, ["ReferencedImageSequence"]),
        ({"ImageType": b"ORIGINAL\\PRIMARY\\BIPLANE B ", "ReferencedImageSequence": b""}, ["ReferencedImageSequence"]),
        ({"ImageType": b"ORIGINAL\\PRIMARY\\BIPLANE B ", "ReferencedImageSequence": b"items"}, []),
    ],
)
def test_keys_of_the_profile_that_nothing_can_fill(attributes: dict[str, bytes], lacking: list[str]) -> None:
    assert [found.keyword for found in lacking_keys(BIPLANE, attributes, XA)] == lacking
    assert covers(BIPLANE, replace(header(sop_class=XA), attributes=attributes)) is (not lacking)


def test_keys_that_part_3_asks_for_are_filled_and_not_refused() -> None:
    """SPECTROSCOPY has Rows as type 1 in PS3.3 F.5.29 already."""
    spectroscopy = "1.2.840.10008.5.1.4.1.1.4.2"
    some = profile(
        "PRI-A", objects("any", ("any",)), keys={"SPECTROSCOPY": [key("Rows", "1")], "IMAGE": [key("Rows", "1")]}
    )

    assert lacking_keys(some, {}, spectroscopy) == ()
    assert [found.keyword for found in lacking_keys(some, {}, CT)] == ["Rows"]


def option(uid: str, *photometric: str) -> Option:
    return Option(uid, photometric, "")


def test_a_union_allows_what_either_does() -> None:
    found = union([option(NATIVE, "RGB"), option(RLE), option(NATIVE, "MONOCHROME2", "RGB"), option(RLE, "RGB")])
    assert [(o.transfer_syntax_uid, o.photometric) for o in found] == [(NATIVE, ("RGB", "MONOCHROME2")), (RLE, ())]
    assert union([option(RLE, "RGB"), option(RLE)]) == (option(RLE),)


class Watched(dict[str, bytes]):
    """Attributes that remember who asked for them."""

    def __init__(self, values: dict[str, bytes]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, keyword: str, default: bytes | None = None) -> bytes | None:  # type: ignore[override]  # as Mapping has it
        self.asked.add(keyword)
        return super().get(keyword, default)

    def __contains__(self, keyword: object) -> bool:
        self.asked.add(str(keyword))
        return super().__contains__(keyword)


@pytest.mark.parametrize("name", CONDITIONS)
def test_what_conditions_look_at_is_declared(name: str) -> None:
    """Verdicts are kept by what conditions look at, and the scan reads it."""
    seen: set[str] = set()
    for sop_class in (XA, CT, ""):
        attributes = Watched({"SOPClassUID": sop_class.encode(), "ImageType": b"A\\B\\BIPLANE A "})
        CONDITIONS[name](attributes, "Own")
        seen |= attributes.asked
    assert seen <= {"Own", *LOOKS_AT.get(name, ())}
    assert set(LOOKS_AT) | TOLD_BY_THE_VALUE | {"parent_present"} == set(CONDITIONS)
