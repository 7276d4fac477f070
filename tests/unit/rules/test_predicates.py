"""Conditions of keys are three-valued: what is not known is neither True nor False."""

from __future__ import annotations

import pytest

from mediacreator.errors import InternalError
from mediacreator.rules import predicates, uids
from mediacreator.rules.predicates import condition, keep, text


@pytest.mark.parametrize(
    ("name", "keyword", "attributes", "answer"),
    [
        ("present", "ImageType", {"ImageType": b"ORIGINAL"}, True),
        ("present", "ImageType", {"ImageType": b""}, None),  # decision 16: cannot be copied as type 1
        ("present", "ImageType", {}, False),
        ("nonempty", "ImplantSize", {"ImplantSize": b"12"}, True),
        ("nonempty", "ImplantSize", {"ImplantSize": b""}, False),
        ("nonempty", "ImplantSize", {}, False),
        ("parent_present", "ReferencedSOPClassUID", {}, True),
        ("subordinate_nonempty", "PatientSex", {"PatientSex": b"O "}, True),
        ("subordinate_nonempty", "PatientSex", {"PatientSex": b""}, False),
        ("xa_image", "ImageType", {"SOPClassUID": uids.X_RAY_ANGIOGRAPHIC_IMAGE.encode()}, True),
        ("xa_image", "ImageType", {"SOPClassUID": b"1.2.840.10008.5.1.4.1.1.7\0"}, None),
        ("biplane", "ReferencedImageSequence", {"ImageType": b"ORIGINAL\\PRIMARY\\BIPLANE A"}, True),
        ("biplane", "ReferencedImageSequence", {"ImageType": b"ORIGINAL\\PRIMARY\\SINGLE PLANE"}, None),
        ("biplane", "ReferencedImageSequence", {}, None),
        (
            "xa_biplane",
            "ReferencedImageSequence",
            {"SOPClassUID": uids.X_RAY_ANGIOGRAPHIC_IMAGE.encode(), "ImageType": b"ORIGINAL\\PRIMARY\\BIPLANE B "},
            True,
        ),
        ("xa_biplane", "ReferencedImageSequence", {"ImageType": b"ORIGINAL\\PRIMARY\\BIPLANE B "}, None),
        ("extended_character_set", "SpecificCharacterSet", {}, False),
        ("extended_character_set", "SpecificCharacterSet", {"SpecificCharacterSet": b"ISO_IR 192"}, None),
        ("verified", "VerificationDateTime", {"VerificationFlag": b"VERIFIED"}, True),
        ("verified", "VerificationDateTime", {"VerificationFlag": b"UNVERIFIED"}, False),
        ("verified", "VerificationDateTime", {}, None),
        (
            "hl7_structured_document",
            "HL7InstanceIdentifier",
            {"SOPClassUID": b"1.2.840.10008.5.1.4.1.1.104.2\0"},
            True,
        ),
        ("hl7_structured_document", "HL7InstanceIdentifier", {"SOPClassUID": b"1.2.840.10008.5.1.4.1.1.104.1"}, False),
        ("hl7_structured_document", "HL7InstanceIdentifier", {"HL7InstanceIdentifier": b"1.2^3"}, None),
        (
            "has_presentation_state_relationship",
            "ReferencedSeriesSequence",
            {"SOPClassUID": uids.GRAYSCALE_SOFTCOPY_PRESENTATION_STATE.encode()},
            True,
        ),
        (  # Basic Structured Display has the attribute in another module
            "has_presentation_state_relationship",
            "ReferencedSeriesSequence",
            {"SOPClassUID": b"1.2.840.10008.5.1.4.1.1.131\0", "ReferencedSeriesSequence": b"\xfe\xff\x00\xe0\0\0\0\0"},
            False,
        ),
        ("has_presentation_state_relationship", "ReferencedSeriesSequence", {}, None),
        ("modality_absent", "AnatomicRegionSequence", {}, True),
        ("modality_absent", "AnatomicRegionSequence", {"Modality": b"CT"}, None),
        ("anatomic_region_absent", "Modality", {"AnatomicRegionSequence": b""}, True),
        ("anatomic_region_absent", "Modality", {"AnatomicRegionSequence": b"x"}, None),
        ("anatomic_region_present", "Laterality", {"AnatomicRegionSequence": b"x"}, True),
        ("anatomic_region_present", "Laterality", {}, False),
    ],
)
def test_condition(name: str, keyword: str, attributes: dict[str, bytes], answer: bool | None) -> None:
    assert condition(name)(attributes, keyword) is answer


def test_every_condition_is_tested() -> None:
    rows = next(mark for mark in test_condition.pytestmark if mark.name == "parametrize").args[1]  # type: ignore[attr-defined]  # pytest's
    assert {row[0] for row in rows} == set(predicates.CONDITIONS)


@pytest.mark.parametrize(
    ("item", "answer"),
    [
        ({"RelationshipType": b"HAS CONCEPT MOD "}, True),
        ({"RelationshipType": b"CONTAINS"}, False),
        ({}, False),
    ],
)
def test_only_modifiers_of_the_title_are_kept(item: dict[str, bytes], answer: bool) -> None:
    assert keep("has_concept_mod")(item) is answer
    assert keep("")(item) is True


def test_a_name_that_does_not_exist_is_our_fault() -> None:
    with pytest.raises(InternalError, match="presnt"):
        condition("presnt")
    with pytest.raises(InternalError, match="has_concept"):
        keep("has_concept")


@pytest.mark.parametrize(
    ("raw", "number", "value"),
    [
        (b"DERIVED\\PRIMARY \\BIPLANE A ", 3, "BIPLANE A"),
        (b"DERIVED", 2, ""),
        (b"1.2.3\0", 1, "1.2.3"),
        (b"", 1, ""),
        (b"\xff", 1, "\ufffd"),
    ],
)
def test_text(raw: bytes, number: int, value: str) -> None:
    assert text({"ImageType": raw}, "ImageType", number) == value


def test_text_of_what_is_absent() -> None:
    assert text({}, "ImageType") is None
