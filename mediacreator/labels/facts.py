"""What a label says of one medium: from its receipt, from its DICOMDIR, from the settings of the site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mediacreator.content.words import clean, date, person_name
from mediacreator.dicomio.text import readable_text
from mediacreator.medium_listing import PatientListing, StudyListing
from mediacreator.receipt import MediumEntry, Receipt
from mediacreator.settings import Settings

FIELDS = (
    *("patient", "id", "birth", "dates", "modality", "text", "institution", "contact"),
    *("profile", "content", "number", "created", "label", "virus", "qr"),
)
"""What can be left out, by name."""

IDENTITY = frozenset(("patient", "id", "birth"))
"""Fields that say who the patient is."""

_BIRTH_DATE, _CHARACTER_SET = 0x00100030, 0x00080005
_WEB = (".HTM", ".HTML", ".XHT", ".JPG", ".JPEG", ".PNG", ".GIF")


@dataclass(frozen=True, slots=True)
class LabelPatient:
    """A patient as a label shows one."""

    names: tuple[str, ...]  # each component group that says something
    id: str
    birth: str


@dataclass(frozen=True, slots=True)
class LabelStudy:
    """A study in a line."""

    date: str
    modalities: str
    text: str


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """All that a label can say; what was switched off is empty."""

    patients: tuple[LabelPatient, ...]
    studies: tuple[LabelStudy, ...]
    institution: tuple[str, ...]  # lines, the name first
    contact: tuple[str, ...]  # lines
    profile: str
    content: str  # DICOM ONLY or DICOM PLUS WEB
    number: str  # "1 of 2", "" for a single one
    created: str
    label: str  # File-set ID
    virus: str  # when and with what it was checked for viruses, "" for a medium without this mark
    qr: str  # what the QR code says, "" for none
    language: str = ""  # ja, ko or zh-Hans: how ideographs are drawn


def label_facts(
    receipt: Receipt,
    entry: MediumEntry,
    patients: Sequence[PatientListing],
    settings: Settings,
    *,
    fields: frozenset[str],
    qr_identity: bool = False,
) -> LabelFacts:
    """Gather what the label of a medium says.

    Args:
        receipt: The local one.
        entry: The medium in it.
        patients: Of its DICOMDIR; none where the medium is not at hand, then the receipt tells the names alone.
        settings: Of the site: who made it, whom to ask.
        fields: Of ``FIELDS``, what is wanted.
        qr_identity: The QR code says who the patient is, too.
    """
    people = _patients(entry, patients)
    studies = [_study(study, fields) for patient in patients for study in patient.studies]
    who = tuple(_wanted(patient, fields) for patient in people)
    return LabelFacts(
        patients=tuple(patient for patient in who if patient.names or patient.id or patient.birth),
        studies=tuple(study for study in studies if study.date or study.modalities or study.text),
        institution=_institution(settings) if "institution" in fields else (),
        contact=_contact(settings) if "contact" in fields else (),
        profile=entry.profile.replace(",", ", ") if "profile" in fields else "",
        content=content_type(entry) if "content" in fields else "",
        number=f"{entry.volume} of {entry.volumes}" if entry.volumes > 1 and "number" in fields else "",
        created=receipt.created[:10] if "created" in fields else "",
        label=entry.file_set_id if "label" in fields else "",
        virus=clean(str(entry.virus_check)) if entry.virus_check and "virus" in fields else "",
        qr=_qr(receipt, who, qr_identity) if "qr" in fields else "",
        language=_language(people, patients),
    )


def content_type(entry: MediumEntry) -> str:
    """Return the content type of a medium: whether a browser shows its images. Source: IHE RAD TF-2 4.47."""
    pages = [file.path for file in entry.files if not file.sop_instance_uid and file.path.upper().endswith(_WEB)]
    return "DICOM PLUS WEB" if any(path != "INDEX.HTM" for path in pages) else "DICOM ONLY"


def _patients(entry: MediumEntry, listed: Sequence[PatientListing]) -> tuple[LabelPatient, ...]:
    if listed:
        return tuple(LabelPatient(person_name(one.name), clean(one.id), date(_birth(one))) for one in listed)
    return tuple(LabelPatient(person_name(one.name), clean(one.id), "") for one in entry.patients)


def _birth(patient: PatientListing) -> str:
    values = patient.record.values
    return readable_text(values.get(_BIRTH_DATE, b""), values.get(_CHARACTER_SET, b""), "LO").strip()


def _wanted(patient: LabelPatient, fields: frozenset[str]) -> LabelPatient:
    return LabelPatient(
        names=patient.names if "patient" in fields else (),
        id=patient.id if "id" in fields else "",
        birth=patient.birth if "birth" in fields else "",
    )


def _study(study: StudyListing, fields: frozenset[str]) -> LabelStudy:
    modalities = dict.fromkeys(clean(series.modality) for series in study.series if series.modality)
    return LabelStudy(
        date=date(study.date) if "dates" in fields else "",
        modalities=", ".join(modalities) if "modality" in fields else "",
        text=clean(study.description) if "text" in fields else "",
    )


def _institution(settings: Settings) -> tuple[str, ...]:
    made = settings.institution
    return tuple(filter(None, (made.name, made.department, *made.address)))


def _contact(settings: Settings) -> tuple[str, ...]:
    """Return whom to ask: the contact, else the institution itself."""
    contact, made = settings.contact, settings.institution
    phone = contact.phone or made.phone
    hours = f" ({contact.hours})" if contact.hours and phone else ""
    return tuple(filter(None, (contact.name, f"{phone}{hours}", contact.email or made.email, made.web)))


def _qr(receipt: Receipt, patients: Sequence[LabelPatient], identity: bool) -> str:
    """Return the receipt id, by which the site finds everything else; identity only where it was asked for."""
    who = [" ".join((*patient.names[:1], patient.id)).strip() for patient in patients] if identity else []
    return "\n".join((receipt.id, *filter(None, who)))


_LANGUAGES = (
    ("ja", ("\u3040", "\u30ff"), (b"IR 87", b"IR 13", b"IR 159", b"_IR 13")),
    ("ko", ("\uac00", "\ud7a3"), (b"IR 149",)),
    ("zh-Hans", (), (b"GB18030", b"GBK", b"IR 58")),
)
"""Language, the letters that only it has, the character sets (PS3.3 C.12.1.1.2) that mean it."""


def _language(people: Sequence[LabelPatient], listed: Sequence[PatientListing]) -> str:
    """Tell in which language ideographs are to be drawn: one code point looks different in each."""
    names = "".join(name for patient in people for name in patient.names)
    sets = b"\\".join(patient.record.values.get(_CHARACTER_SET, b"") for patient in listed)
    for language, letters, character_sets in _LANGUAGES:
        if letters and any(letters[0] <= char <= letters[1] for char in names):
            return language
        if any(name in sets for name in character_sets):
            return language
    return ""
