"""What a label says, and what it leaves out when asked to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mediacreator.labels import FIELDS, IDENTITY, LabelFacts, label_facts
from mediacreator.labels.facts import content_type
from mediacreator.model import VirusCheck
from mediacreator.receipt import MediumEntry, Receipt
from mediacreator.receipt.model import FileEntry, PatientLine, StudyLine
from mediacreator.settings import Contact, Institution, Settings
from tests.unit.receipt.jobs import job, local, medium

SITE = Settings(
    institution=Institution(
        "Klinikum", department="Radiologie", address=("Weg 1", "Stadt"), phone="1", web="k.example"
    ),
    contact=Contact("Desk", phone="2", hours="8-16"),
)
ALL = frozenset(FIELDS)


@pytest.fixture
def receipt() -> Receipt:
    return local(job([medium(2)]))


def made(receipt: Receipt, fields: frozenset[str] = ALL, **entry: object) -> LabelFacts:
    changed = replace(receipt.media[0], **entry)  # type: ignore[arg-type]
    return label_facts(receipt, changed, SITE, fields=fields)


def test_everything_stands_on_a_label(receipt: Receipt) -> None:
    facts = made(receipt, patients=(PatientLine("Müller^Hans=ミュラー", "M1"),), volume=2, volumes=3)
    (patient,) = facts.patients
    assert patient.names == ("Müller, Hans", "ミュラー")
    assert patient.id == "M1"
    assert facts.institution == ("Klinikum", "Radiologie", "Weg 1", "Stadt")
    assert facts.contact == ("Desk", "2 (8-16)", "k.example")
    assert (facts.number, facts.content, facts.profile) == ("2 of 3", "DICOM ONLY", receipt.media[0].profile)
    assert facts.created == receipt.created[:10]
    assert facts.qr == receipt.id
    assert facts.language == "ja"


@pytest.mark.parametrize(
    ("character_set", "language"),
    [
        ("\\ISO 2022 IR 87", "ja"),
        ("ISO 2022 IR 6\\ISO 2022 IR 149", "ko"),
        ("GB18030", "zh-Hans"),
        ("ISO_IR 192", ""),
        ("", ""),
    ],
)
def test_the_character_set_tells_how_ideographs_are_drawn(receipt: Receipt, character_set: str, language: str) -> None:
    assert made(receipt, patients=(PatientLine("山田^太郎", "1", "", character_set),)).language == language


def test_one_medium_alone_is_not_numbered(receipt: Receipt) -> None:
    assert made(receipt).number == ""


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_can_be_switched_off(receipt: Receipt, field: str) -> None:
    """What is switched off changes the label, and only what is meant."""
    patients = (
        PatientLine("Testperson^Tilda", "T1", "19700101", "", (StudyLine("20260301", ("CT",), "CT chest", 1, 1),)),
    )
    check = VirusCheck("2026-02-28", "ClamAV")
    entry = replace(receipt.media[0], volume=1, volumes=2, virus_check=check, patients=patients)
    whole = label_facts(receipt, entry, SITE, fields=ALL)
    without = label_facts(receipt, entry, SITE, fields=ALL - {field})
    assert whole != without
    said, still = repr(whole), repr(without)
    others = {
        "patient": "Testperson",
        "id": "'T1'",
        "birth": "1970-01-01",
        "dates": "2026-03-01",
        "modality": "'CT'",
        "text": "CT chest",
        "institution": "Klinikum",
        "contact": "Desk",
        "profile": entry.profile,
        "content": "DICOM ONLY",
        "number": "1 of 2",
        "created": receipt.created[:10],
        "label": entry.file_set_id,
        "virus": "2026-02-28 with ClamAV",
        "qr": f"qr='{receipt.id}'",
    }
    assert set(others) == set(FIELDS)
    for name, text in others.items():
        assert text in said
        assert (text in still) == (name != field), name


def test_identity_can_be_left_out_as_a_whole(receipt: Receipt) -> None:
    facts = made(receipt, ALL - IDENTITY, patients=(PatientLine("Müller^Hans", "M1"),))
    assert facts.patients == ()
    assert "ller" not in repr(facts)


def test_the_qr_code_names_nobody_unless_asked_to(receipt: Receipt) -> None:
    entry = replace(receipt.media[0], patients=(PatientLine("Müller^Hans", "M1"),))
    assert label_facts(receipt, entry, SITE, fields=ALL).qr == receipt.id
    asked = label_facts(receipt, entry, SITE, fields=ALL, qr_identity=True)
    assert asked.qr == f"{receipt.id}\nMüller, Hans M1"
    without = label_facts(receipt, entry, SITE, fields=ALL - IDENTITY, qr_identity=True)
    assert without.qr == receipt.id


@pytest.mark.parametrize(
    ("paths", "content"),
    [
        ((), "DICOM ONLY"),
        (("README.TXT", "INDEX.HTM"), "DICOM ONLY"),  # a page that says what the medium is shows no image
        (("INDEX.HTM", "IHE_PDI/IM1.JPG"), "DICOM PLUS WEB"),
        (("INDEX.HTM", "VIEWER/VIEW.HTM"), "DICOM PLUS WEB"),
    ],
)
def test_the_content_type_is_that_of_ihe(receipt: Receipt, paths: tuple[str, ...], content: str) -> None:
    entry: MediumEntry = replace(receipt.media[0], files=tuple(FileEntry(path, 1, "0" * 64) for path in paths))
    assert content_type(entry) == content
