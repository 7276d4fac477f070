"""Small application profiles built by hand, so that tests of the engine do not depend on the data of PS3.11."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mediacreator.rules import uids
from mediacreator.rules.claim import Claim
from mediacreator.rules.profile import (
    ApplicationProfile,
    AttributeRule,
    Constraint,
    DirectoryRule,
    ObjectRule,
    Pairing,
    Session,
)
from mediacreator.rules.tables import Key

CT = "1.2.840.10008.5.1.4.1.1.2"
SC = "1.2.840.10008.5.1.4.1.1.7"
US = "1.2.840.10008.5.1.4.1.1.6.1"
XA = uids.X_RAY_ANGIOGRAPHIC_IMAGE
GSPS = uids.GRAYSCALE_SOFTCOPY_PRESENTATION_STATE
NATIVE = uids.EXPLICIT_VR_LITTLE_ENDIAN
RLE = "1.2.840.10008.1.2.5"
JPEG = "1.2.840.10008.1.2.4.50"
LOSSLESS = "1.2.840.10008.1.2.4.70"

_TAGS = {
    "Modality": (0x00080060, "CS"),
    "ImageType": (0x00080008, "CS"),
    "InstitutionName": (0x00080080, "LO"),
    "PatientSex": (0x00100040, "CS"),
    "PatientBirthDate": (0x00100030, "DA"),
    "PatientName": (0x00100010, "PN"),
    "PerformingPhysicianName": (0x00081050, "PN"),
    "ReferencedImageSequence": (0x00081140, "SQ"),
    "SamplesPerPixel": (0x00280002, "US"),
    "PhotometricInterpretation": (0x00280004, "CS"),
    "NumberOfFrames": (0x00280008, "IS"),
    "Rows": (0x00280010, "US"),
    "Columns": (0x00280011, "US"),
    "PixelSpacing": (0x00280030, "DS"),
    "BitsAllocated": (0x00280100, "US"),
    "BitsStored": (0x00280101, "US"),
    "HighBit": (0x00280102, "US"),
    "PixelRepresentation": (0x00280103, "US"),
    "SmallestImagePixelValue": (0x00280106, "SS"),
    "DetectorID": (0x0018700A, "SH"),
    "CalibrationImage": (0x00500004, "CS"),
    "ImagePositionPatient": (0x00200032, "DS"),
    "ReferencedSOPClassUID": (0x00081150, "UI"),
    "ReferencedSOPInstanceUID": (0x00081155, "UI"),
}


def key(keyword: str, kind: str, condition: str = "", source: str = "", items: Sequence[Key] = ()) -> Key:
    """Return a key of a record."""
    tag, vr = _TAGS[keyword]
    return Key(keyword, tag, vr, kind, condition, "", source, "TEST K", tuple(items))


def constraint(keyword: str = "", **how: object) -> Constraint:
    """Return a Constraint on an attribute, or a named check."""
    tag, vr = _TAGS[keyword] if keyword else (0, "")
    return Constraint(keyword, tag, vr, **how)  # type: ignore[arg-type]  # tests give what the dataclass takes


def rule(
    name: str,
    what: Constraint,
    *where: Constraint,
    scope: Sequence[str] = ("images",),
    create_only: bool = False,
    severity: str = "error",
) -> AttributeRule:
    """Return an attribute rule."""
    return AttributeRule(name, tuple(scope), where, what, create_only, severity, f"TEST {name}", f"Mend {name}.")


def objects(
    name: str, sop_classes: Sequence[str], syntaxes: Sequence[str] = (NATIVE,), *where: Constraint
) -> ObjectRule:
    """Return a row of SOP Classes and Transfer Syntaxes; ``any`` is every Media Storage SOP Class."""
    selector = "any_media_storage" if sop_classes == ("any",) else ""
    return ObjectRule(name, () if selector else tuple(sop_classes), selector, tuple(syntaxes), {}, "TEST O", where)


def pairing(photometric: str, *syntaxes: str, scope: str) -> Pairing:
    """Return Transfer Syntaxes that go with a Photometric Interpretation."""
    return Pairing((scope,), photometric, syntaxes, "TEST P")


def profile(
    identifier: str,
    *rows: ObjectRule,
    attributes: Sequence[AttributeRule] = (),
    pairings: Sequence[Pairing] = (),
    keys: Mapping[str, Sequence[Key]] | None = None,
) -> ApplicationProfile:
    """Return a profile for CD-R without security."""
    directory = DirectoryRule(
        dicomdir="required",
        empty_allowed=False,
        levels=("PATIENT", "STUDY", "SERIES"),
        all_files_referenced=True,
        root=True,
        unique_patient_id=True,
        clause="TEST D",
        keys={record: tuple(found) for record, found in (keys or {}).items()},
    )
    return ApplicationProfile(
        id=identifier,
        title=identifier,
        annex="T",
        clause=f"TEST {identifier}",
        status="current",
        roles=("FSC", "FSR"),
        medium="cd_r",
        objects=rows,
        directory=directory,
        session=Session("no", "no", "no", multi_volume=False, clause="TEST S"),
        security="none",
        attributes=tuple(attributes),
        pairings=tuple(pairings),
    )


def claim(*profiles: ApplicationProfile) -> Claim:
    """Return the Claim of some profiles."""
    return Claim(profiles)
