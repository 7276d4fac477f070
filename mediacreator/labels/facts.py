"""What a label says of one medium: from its receipt alone, and from the settings of the site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mediacreator.content.words import clean, date, person_name
from mediacreator.receipt import MediumEntry, Receipt
from mediacreator.receipt.model import PatientLine, StudyLine
from mediacreator.settings import Settings

FIELDS = (
    *("patient", "id", "birth", "dates", "modality", "text", "institution", "contact"),
    *("profile", "content", "number", "created", "label", "virus", "qr"),
)
"""What can be left out, by name."""

IDENTITY = frozenset(("patient", "id", "birth"))
"""Fields that say who the patient is."""

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
    settings: Settings,
    *,
    fields: frozenset[str],
    qr_identity: bool = False,
) -> LabelFacts:
    """Gather what the label of a medium says.

    Args:
        receipt: The local one.
        entry: The medium in it.
        settings: Of the site: who made it, whom to ask.
        fields: Of ``FIELDS``, what is wanted.
        qr_identity: The QR code says who the patient is, too.
    """
    people = [_patient(line) for line in entry.patients]
    studies = [_study(line, fields) for patient in entry.patients for line in patient.studies]
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
        language=_language(entry.patients),
    )


def content_type(entry: MediumEntry) -> str:
    """Return the content type of a medium: whether a browser shows its images. Source: IHE RAD TF-2 4.47."""
    pages = [file.path for file in entry.files if not file.sop_instance_uid and file.path.upper().endswith(_WEB)]
    return "DICOM PLUS WEB" if any(path != "INDEX.HTM" for path in pages) else "DICOM ONLY"


def _patient(line: PatientLine) -> LabelPatient:
    return LabelPatient(person_name(line.name), clean(line.id), date(line.birth_date))


def _wanted(patient: LabelPatient, fields: frozenset[str]) -> LabelPatient:
    return LabelPatient(
        names=patient.names if "patient" in fields else (),
        id=patient.id if "id" in fields else "",
        birth=patient.birth if "birth" in fields else "",
    )


def _study(line: StudyLine, fields: frozenset[str]) -> LabelStudy:
    return LabelStudy(
        date=date(line.date) if "dates" in fields else "",
        modalities=", ".join(map(clean, line.modalities)) if "modality" in fields else "",
        text=clean(line.description) if "text" in fields else "",
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
    ("ja", ("\u3040", "\u30ff"), ("IR 87", "IR 13", "IR 159", "_IR 13")),
    ("ko", ("\uac00", "\ud7a3"), ("IR 149",)),
    ("zh-Hans", (), ("GB18030", "GBK", "IR 58")),
)
"""Language, the letters that only it has, the character sets (PS3.3 C.12.1.1.2) that mean it."""


def _language(people: Sequence[PatientLine]) -> str:
    """Tell in which language ideographs are to be drawn: one code point looks different in each."""
    names = "".join(patient.name for patient in people)
    sets = "\\".join(patient.character_set for patient in people)
    for language, letters, character_sets in _LANGUAGES:
        if letters and any(letters[0] <= char <= letters[1] for char in names):
            return language
        if any(name in sets for name in character_sets):
            return language
    return ""
