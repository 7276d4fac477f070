"""Whose studies a medium holds, in lines: all that a label needs when image and disc are gone."""

from __future__ import annotations

from functools import lru_cache

from mediacreator.dicomio.text import readable_text
from mediacreator.model import Attributes, FileSetContent, Patient, Study
from mediacreator.receipt.model import PatientLine, StudyLine


def patient_lines(content: FileSetContent, placeholder_date: str) -> tuple[PatientLine, ...]:
    """Return every person on a medium with their studies, in the order of the DICOMDIR.

    Args:
        content: The File-set.
        placeholder_date: The StudyDate that stands for an unknown one, DA: such a study has no date.
    """
    return tuple(_patient(patient, placeholder_date) for patient in content.patients)


def _patient(patient: Patient, placeholder_date: str) -> PatientLine:
    keys = patient.keys
    return PatientLine(
        name=_said(keys, "PatientName", "PN"),
        id=_said(keys, "PatientID"),
        birth_date=_said(keys, "PatientBirthDate") or _of_first_instance(patient, "PatientBirthDate"),
        character_set=_said(keys, "SpecificCharacterSet"),
        studies=tuple(_study(study, placeholder_date) for study in patient.studies),
    )


def _study(study: Study, placeholder_date: str) -> StudyLine:
    date = _said(study.keys, "StudyDate")
    modalities = dict.fromkeys(_said(series.keys, "Modality") for series in study.series)
    return StudyLine(
        date="" if date == placeholder_date else date,
        modalities=_one(tuple(filter(None, modalities))),
        description=_said(study.keys, "StudyDescription"),
        series=len(study.series),
        instances=sum(len(series.instances) for series in study.series),
    )


def _of_first_instance(patient: Patient, keyword: str) -> str:
    """Return what the first instance of a patient says: few profiles have the birth date in the directory."""
    first = next((one for study in patient.studies for series in study.series for one in series.instances), None)
    return _said(first.header.attributes, keyword) if first else ""


def _said(keys: Attributes, keyword: str, vr: str = "LO") -> str:
    value = keys.get(keyword)
    return _decoded(value, keys.get("SpecificCharacterSet", b""), vr) if value else ""


@lru_cache(maxsize=4096)
def _decoded(value: bytes, character_set: bytes, vr: str) -> str:
    """Decode a value; studies share dates and descriptions, and there may be 50,000 of them."""
    return readable_text(value, character_set, vr).strip()


@lru_cache(maxsize=256)
def _one(modalities: tuple[str, ...]) -> tuple[str, ...]:
    """Return one tuple for all studies that have the same modalities."""
    return modalities
