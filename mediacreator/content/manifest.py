"""What a medium holds, patient by patient, in words: the rows of INDEX.HTM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mediacreator.content import words
from mediacreator.dicomio.text import decode_text
from mediacreator.model import Attributes, Disposition, FileSetContent, Missing, Outcome, Patient, Series, Study

SERIES_LISTED = 200
"""Series of a study that are listed one by one: more than examinations have, few enough for a phone and its owner."""


@dataclass(frozen=True, slots=True)
class Text:
    """A value from the images, safe to stand in a page, with the direction it is read in."""

    text: str
    direction: str

    def __bool__(self) -> bool:
        return bool(self.text)


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A line of a study's table."""

    number: Text
    modality: Text
    date: str  # "" where it is that of the study
    description: Text
    content: str  # "24 images"


@dataclass(frozen=True, slots=True)
class MoreSeries:
    """The last line of the table of a study that has more series than anybody reads."""

    count: str  # "1,800"
    modalities: str  # "CT, SR"
    content: str  # "43,200 images"


@dataclass(frozen=True, slots=True)
class StudyPart:
    """A study with its table."""

    anchor: str
    date: str  # "" where nobody knows it
    borrowed: bool  # the date is that of a series or image
    time: str
    description: Text
    accession_number: Text
    institution: Text
    content: str
    series: tuple[SeriesRow, ...]  # the first ones
    more: MoreSeries | None  # what the others are
    dated: bool  # one of the series listed has another date than the study


@dataclass(frozen=True, slots=True)
class PatientPart:
    """A person with their studies."""

    names: tuple[Text, ...]  # alphabetic, ideographic, phonetic: those that there are
    id: Text  # empty where the images have none
    birth_date: str
    sex: str
    studies: tuple[StudyPart, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """Files of the sources that are not on the medium, of one kind."""

    count: int
    meaning: str
    reason: str  # in words for whoever gets the medium
    detail: str  # for whoever they ask: the Finding's code and clause


def patient_parts(content: FileSetContent, placeholder_date: str) -> tuple[PatientPart, ...]:
    """Return every person on the medium in the order of the DICOMDIR.

    Args:
        content: The File-set.
        placeholder_date: The StudyDate that stands for an unknown one, DA; it is shown as unknown.
    """
    anchors = iter(range(1, 1 + sum(len(patient.studies) for patient in content.patients)))
    return tuple(
        PatientPart(
            names=tuple(_text(name) for name in words.person_name(_raw(patient.keys, "PatientName", "PN"))),
            id=_whole("" if "PatientID" in patient.filled else _raw(patient.keys, "PatientID")),
            birth_date=words.date(_first(patient, "PatientBirthDate")),
            sex=words.SEXES.get(_first(patient, "PatientSex"), ""),
            studies=tuple(_study(study, f"s{next(anchors)}", placeholder_date) for study in patient.studies),
        )
        for patient in content.patients
    )


def root_line(content: FileSetContent) -> str:
    """Say what the medium holds that belongs to no patient, ``""`` when nothing."""
    return _counted(Counter(instance.record_type for instance in content.root_instances))


def total_line(content: FileSetContent) -> str:
    """Say how much is on the medium: "1 patient, 2 studies, 5 series, 24 images, 1 report"."""
    studies = [study for patient in content.patients for study in patient.studies]
    series = sum(len(study.series) for study in studies)
    parts = (
        f"{len(content.patients):,} patient{'' if len(content.patients) == 1 else 's'}",
        f"{len(studies):,} {'study' if len(studies) == 1 else 'studies'}",
        f"{series:,} series",
        _counted(Counter(instance.record_type for instance in content.instances())),
    )
    return ", ".join(part for part in parts if part)


_MEANINGS = {
    Outcome.REJECTED: "should be on this medium and could not be put on it",
    Outcome.LEFT_OUT: "left out by rule",
    Outcome.DUPLICATE: "a second copy of something that is on this medium",
    Outcome.FILTERED: "not part of what was ordered",
    Outcome.NOT_DICOM: "not images",
}


def absent(dispositions: Iterable[Disposition], missing: Iterable[Missing]) -> tuple[Absent, ...]:
    """Count by reason what was found and is not on the medium, what should be there first. No one is named."""
    kinds = Counter((entry.outcome, entry.finding.code, entry.finding.clause) for entry in dispositions)
    kinds.update((Outcome.REJECTED, entry.finding.code, entry.finding.clause) for entry in missing)
    order = list(_MEANINGS)
    return tuple(
        Absent(count, _MEANINGS[outcome], *_reason(code, clause))
        for (outcome, code, clause), count in sorted(
            kinds.items(), key=lambda kind: (order.index(kind[0][0]), -kind[1], kind[0][1:])
        )
    )


def _reason(code: str, clause: str) -> tuple[str, str]:
    """Return why, in words, and what stands in brackets behind."""
    name = words.clean(code.replace("-", " "))
    reason = words.REASONS.get(code, "")
    return reason or name, ", ".join(part for part in (name if reason else "", words.clean(clause)) if part)


def _study(study: Study, anchor: str, placeholder_date: str) -> StudyPart:
    value = _raw(study.keys, "StudyDate")
    unknown = "StudyDate" in study.filled and (not value or value == placeholder_date)
    instances = [instance for series in study.series for instance in series.instances]
    description = _raw(study.keys, "StudyDescription") or _first(study, "StudyDescription")
    rows = tuple(_series(series, value) for series in study.series[:SERIES_LISTED])
    return StudyPart(
        anchor=anchor,
        date="" if unknown else words.date(value),
        borrowed="StudyDate" in study.filled and not unknown,
        time="" if unknown or "StudyTime" in study.filled else words.time(_raw(study.keys, "StudyTime")),
        description=_text(description),
        accession_number=_whole(_raw(study.keys, "AccessionNumber")),
        institution=_text(_first(study, "InstitutionName")),
        content=_counted(Counter(instance.record_type for instance in instances)),
        series=rows,
        more=_more(study.series[SERIES_LISTED:]),
        dated=any(row.date for row in rows),
    )


def _more(others: Sequence[Series]) -> MoreSeries | None:
    """Sum up the series that are not listed."""
    if not others:
        return None
    modalities = sorted({_text(_raw(series.keys, "Modality")).text for series in others} - {""})
    kinds = Counter(instance.record_type for series in others for instance in series.instances)
    return MoreSeries(f"{len(others):,}", ", ".join(modalities), _counted(kinds))


def _series(series: Series, study_date: str) -> SeriesRow:
    kinds = Counter(instance.record_type for instance in series.instances)
    frames = sum(_frames(instance.header.attributes) for instance in series.instances)
    images = kinds["IMAGE"]
    content = _counted(kinds)
    date = _first(series, "SeriesDate")
    return SeriesRow(
        number=_text("" if "SeriesNumber" in series.filled else _raw(series.keys, "SeriesNumber")),
        modality=_text(_raw(series.keys, "Modality")),
        date="" if date == study_date else words.date(date),
        description=_text(_first(series, "SeriesDescription") or _first(series, "BodyPartExamined"), _CELL),
        content=f"{content} ({frames:,} frames)" if images and frames > len(series.instances) else content,
    )


def _frames(attributes: Attributes) -> int:
    """Return the number of frames of an instance, 1 where it does not say one."""
    value = attributes.get("NumberOfFrames")
    if not value:
        return 1
    number = value.strip(b" \x00")
    return max(1, int(number)) if number.isdigit() and len(number) < 10 else 1


def _counted(kinds: Counter[str]) -> str:
    """Say how many there are of each kind: images first, the others as they come."""
    ordered = sorted(kinds.items(), key=lambda kind: kind[0] != "IMAGE")
    return ", ".join(words.counted(number, kind) for kind, number in ordered)


def _first(level: Patient | Study | Series, keyword: str) -> str:
    """Return what the first instance below says: the directory has no such key at this level."""
    while not isinstance(level, Series):
        below: tuple[Study | Series, ...] = level.studies if isinstance(level, Patient) else level.series
        if not below:
            return ""
        level = below[0]
    return _raw(level.instances[0].header.attributes, keyword) if level.instances else ""


def _raw(attributes: Attributes, keyword: str, vr: str = "LO") -> str:
    value = attributes.get(keyword, b"")
    return decode_text(value, attributes.get("SpecificCharacterSet", b""), vr).strip() if value else ""


_CELL = 12
"""Characters that a phone shows in a line of the widest column."""


@lru_cache(maxsize=4096)
def _text(value: str, longest: int = 24) -> Text:
    text = words.clean(value)
    return Text(words.breakable(text, longest), words.direction(text))


def _whole(value: str) -> Text:
    """Return what a person may copy: no break is put into it."""
    text = words.clean(value)
    return Text(text, words.direction(text))
