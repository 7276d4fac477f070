"""Named predicates: what tables and profiles cannot say in a column.

A row names a predicate, code looks it up here. Predicates are three-valued. A *condition* (of type 1C and 2C) tells
whether a key is called for: True, it must be there; False, it is not to be written; None, it is not required and may
be there, or what would decide is not known. None never passes for True or False in a check. A *keep* predicate chooses
items of a sequence. Keys with a *source* are not copied from the attribute of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from mediacreator.errors import InternalError
from mediacreator.model import Attributes
from mediacreator.rules import uids

Condition = Callable[[Attributes, str], bool | None]
"""Given the attributes that a key's siblings are copied from, and the key's own keyword."""

Keep = Callable[[Attributes], bool | None]
"""Given the attributes of one item."""

_WITH_PRESENTATION_STATE_RELATIONSHIP = frozenset(
    (
        uids.GRAYSCALE_SOFTCOPY_PRESENTATION_STATE,  # PS3.3 A.33.1.3
        uids.COLOR_SOFTCOPY_PRESENTATION_STATE,  # A.33.2.3
        uids.PSEUDO_COLOR_SOFTCOPY_PRESENTATION_STATE,  # A.33.3.3
        uids.XA_XRF_GRAYSCALE_SOFTCOPY_PRESENTATION_STATE,  # A.33.6.3
        uids.VARIABLE_MODALITY_LUT_SOFTCOPY_PRESENTATION_STATE,  # A.33.8.3
    )
)


def condition(name: str) -> Condition:
    """Return the condition of a type 1C or 2C key.

    Raises:
        InternalError: No table may name a condition that does not exist.
    """
    try:
        return CONDITIONS[name]
    except KeyError as exc:
        raise InternalError(f"no condition is named {name!r}") from exc


def keep(name: str) -> Keep:
    """Return the predicate that chooses items of a sequence; ``""`` keeps all.

    Raises:
        InternalError: No table may name a predicate that does not exist.
    """
    try:
        return KEEPS[name]
    except KeyError as exc:
        raise InternalError(f"no choice of items is named {name!r}") from exc


def text(attributes: Attributes, keyword: str, number: int = 1) -> str | None:
    """Return one value of an attribute of a code or UID VR, padding removed; None where it is absent.

    Args:
        attributes: Of an instance or an item.
        keyword: Of an attribute of VR CS, UI, LO of codes and the like: ISO-IR 6 only.
        number: Which of several values, from 1; one that is not there is ``""``.
    """
    raw = attributes.get(keyword)
    if raw is None:
        return None
    values = raw.decode("ascii", "replace").split("\\")
    return values[number - 1].strip(" \x00") if number <= len(values) else ""


def present(attributes: Attributes, keyword: str) -> bool | None:
    """Tell whether the instance has the attribute; None if it has it without a value, which type 1 cannot copy."""
    if keyword not in attributes:
        return False
    return True if attributes[keyword] else None


def nonempty(attributes: Attributes, keyword: str) -> bool | None:
    """Tell whether the instance has the attribute with a value."""
    return bool(attributes.get(keyword))


def subordinate_nonempty(attributes: Attributes, keyword: str) -> bool | None:
    """Tell whether an instance below the record has the attribute with a value. Source: PS3.11 Tables H.3-2, I.3-2.

    Args:
        attributes: Of the record: of attributes with this condition, the first value that any instance below has.
        keyword: Of the attribute.
    """
    return bool(attributes.get(keyword))


def xa_image(attributes: Attributes, _keyword: str) -> bool | None:
    """Ask for the attribute of X-ray angiographic images. Source: PS3.11 Table B.3-2.

    Others may have it all the same: PS3.3 F.5 lets any key be added to a record.
    """
    return True if text(attributes, "SOPClassUID") == uids.X_RAY_ANGIOGRAPHIC_IMAGE else None


def biplane(attributes: Attributes, _keyword: str) -> bool | None:
    """Ask for the attribute where value 3 of Image Type says so; it may be there otherwise.

    Source: PS3.11 Table A.3-2, which does not say which value; PS3.3 C.8.7.1.1.1 and PS3.11 Table B.3-2 name value 3.
    """
    return True if text(attributes, "ImageType", 3) in {"BIPLANE A", "BIPLANE B"} else None


def xa_biplane(attributes: Attributes, keyword: str) -> bool | None:
    """Ask for the attribute of biplane X-ray angiographic images. Source: PS3.11 Table B.3-2."""
    return biplane(attributes, keyword) if xa_image(attributes, keyword) else None


def parent_present(_attributes: Attributes, _keyword: str) -> bool | None:
    """Ask for the attribute in each item that there is. Source: PS3.11 Table D.3-2."""
    return True


def extended_character_set(attributes: Attributes, keyword: str) -> bool | None:
    """Tell that only the writer of the record knows whether its text goes beyond the default repertoire.

    Source: PS3.3 F.5.1 and the like: the condition speaks of the keys of the record, not of the instance.
    """
    return None if attributes.get(keyword) else False


def verified(attributes: Attributes, _keyword: str) -> bool | None:
    """Tell whether a report is verified. Source: PS3.3 F.5.25."""
    flag = text(attributes, "VerificationFlag")
    return None if not flag else flag == "VERIFIED"


def hl7_structured_document(attributes: Attributes, keyword: str) -> bool | None:
    """Tell whether an encapsulated document is an HL7 Structured Document. Source: PS3.3 F.5.32, C.24.2."""
    if text(attributes, "SOPClassUID") == uids.ENCAPSULATED_CDA:
        return True
    return None if attributes.get(keyword) else False


def has_presentation_state_relationship(attributes: Attributes, _keyword: str) -> bool | None:
    """Tell whether the IOD has the Presentation State Relationship Module (PS3.3 C.11.11). Source: PS3.3 F.5.23.

    The attribute alone does not tell: the Common Instance Reference Module has it too, with other items.
    """
    sop_class = text(attributes, "SOPClassUID")
    return None if not sop_class else sop_class in _WITH_PRESENTATION_STATE_RELATIONSHIP


def modality_absent(attributes: Attributes, _keyword: str) -> bool | None:
    """Ask for the attribute where Modality is absent; it may be there otherwise. Source: PS3.3 F.5.31."""
    return None if attributes.get("Modality") else True


def anatomic_region_absent(attributes: Attributes, _keyword: str) -> bool | None:
    """Ask for the attribute where the anatomic region is absent; it may be there otherwise. Source: PS3.3 F.5.31."""
    return None if attributes.get("AnatomicRegionSequence") else True


def anatomic_region_present(attributes: Attributes, _keyword: str) -> bool | None:
    """Ask for the attribute where there is an anatomic region. Source: PS3.3 F.5.31."""
    return bool(attributes.get("AnatomicRegionSequence"))


def has_concept_mod(item: Attributes) -> bool | None:
    """Keep a content item that modifies the document title. Source: PS3.3 F.5.25, F.5.26."""
    return text(item, "RelationshipType") == "HAS CONCEPT MOD"


CONDITIONS: Mapping[str, Condition] = MappingProxyType(
    {
        test.__name__: test
        for test in (
            present,
            nonempty,
            parent_present,
            subordinate_nonempty,
            xa_image,
            biplane,
            xa_biplane,
            extended_character_set,
            verified,
            hl7_structured_document,
            has_presentation_state_relationship,
            modality_absent,
            anatomic_region_absent,
            anatomic_region_present,
        )
    }
)

TOLD_BY_THE_VALUE = frozenset(
    (present.__name__, nonempty.__name__, subordinate_nonempty.__name__, extended_character_set.__name__)
)
"""Conditions that never ask for what an instance lacks."""

LOOKS_AT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "xa_image": ("SOPClassUID",),
        "biplane": ("ImageType",),
        "xa_biplane": ("SOPClassUID", "ImageType"),
        "verified": ("VerificationFlag",),
        "hl7_structured_document": ("SOPClassUID",),
        "has_presentation_state_relationship": ("SOPClassUID",),
        "modality_absent": ("Modality",),
        "anatomic_region_absent": ("AnatomicRegionSequence",),
        "anatomic_region_present": ("AnatomicRegionSequence",),
    }
)
"""What conditions look at besides the attribute of their key."""

KEEPS: Mapping[str, Keep] = MappingProxyType({"": lambda _item: True, has_concept_mod.__name__: has_concept_mod})

SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "latest_verification_datetime": "the latest VerificationDateTime of the items of VerifyingObserverSequence",
        "icon": "an icon made for the directory by the rules of PS3.3 F.7; one that an instance carries is not copied",
        "dataset_or_shared_groups": "the attribute of the instance, else the first in SharedFunctionalGroupsSequence",
    }
)
"""Where a key's value comes from when it is not the attribute of the same name; carried out by the directory stage."""
