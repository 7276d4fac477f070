"""Who and what is on a medium, in lines: decoded for a person, counted, the same from any receipt."""

from __future__ import annotations

import json

import pytest

from mediacreator.model import FileSetContent, Patient
from mediacreator.receipt import parse_receipt, to_json
from mediacreator.receipt.lines import patient_lines
from mediacreator.receipt.model import PatientLine, StudyLine
from tests.headers import header
from tests.unit.receipt.jobs import job, local
from tests.volumes import instance, patient, study, volume

PLACEHOLDER = "19000101"


def lines(*patients: Patient) -> tuple[PatientLine, ...]:
    return patient_lines(FileSetContent(patients), PLACEHOLDER)


def test_a_patient_has_a_line_for_each_study() -> None:
    first = study([[instance(header(1)), instance(header(2))], [instance(header(3, series="2", Modality="SR"))]])
    second = study([[instance(header(4, study="2", StudyDate="20240103", StudyDescription="MR", Modality="MR"))]])
    assert lines(patient([first, second])) == (
        PatientLine(
            "Muster^Anna",
            "P-1",
            "19610203",
            "",
            (
                StudyLine("20240102", ("CT", "SR"), "CT of the head", 2, 3),
                StudyLine("20240103", ("MR",), "MR", 1, 1),
            ),
        ),
    )


def test_a_birth_date_may_stand_in_the_instances_alone() -> None:
    """Few profiles have it in the PATIENT record; a label shows it all the same."""
    whole = patient([study([[instance(header(1))]])])
    keys = {keyword: value for keyword, value in whole.keys.items() if keyword != "PatientBirthDate"}
    (line,) = lines(Patient(keys, whole.studies))
    assert line.birth_date == "19610203"
    without = study([[instance(header(1, PatientBirthDate=None))]])
    assert lines(patient([without]))[0].birth_date == ""


@pytest.mark.parametrize(
    ("name", "encoding", "character_set", "said"),
    [
        ("Müller^Jörg", "latin-1", "ISO_IR 100", "Müller^Jörg"),
        ("Müller^Jörg", "utf-8", None, "Müller^Jörg"),  # no character set, and nothing but UTF-8
        ("Рожков^Лев", "iso8859_5", "ISO_IR 144", "Рожков^Лев"),
        ("Yamada^Tarou=山田^太郎", "iso2022_jp", "\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎"),
    ],
)
def test_text_is_decoded_as_a_person_reads_it(name: str, encoding: str, character_set: str | None, said: str) -> None:
    one = header(
        1, PatientName=name.encode(encoding), StudyDescription=name.encode(encoding), SpecificCharacterSet=character_set
    )
    (line,) = lines(patient([study([[instance(one)]])]))
    assert line.name == said
    assert line.studies[0].description == said
    assert line.character_set == (character_set or "")


def test_a_placeholder_is_no_date() -> None:
    unknown = study([[instance(header(1))]], filled=("StudyDate",), StudyDate=PLACEHOLDER.encode())
    assert lines(patient([unknown]))[0].studies[0].date == ""


def test_each_medium_has_lines_of_its_own() -> None:
    def of(number: int) -> Patient:
        return patient([study([[instance(header(number, study=str(number), StudyDescription=f"Part {number}"))]])])

    media = [volume([of(number)], number=number, of=2) for number in (1, 2)]
    receipt = local(job(media))
    told = [[study.description for line in entry.patients for study in line.studies] for entry in receipt.media]
    assert told == [["Part 1"], ["Part 2"]]
    assert parse_receipt(to_json(receipt, travelling=False), "it") == receipt


def test_a_receipt_of_an_earlier_version_is_read() -> None:
    document = json.loads(to_json(local(job([volume([patient([study([[instance(header(1))]])])])])), travelling=False))
    document["media"][0]["patients"] = [{"name": "Muster^Anna", "id": "P-1"}]
    (entry,) = parse_receipt(json.dumps(document).encode(), "it").media
    assert entry.patients == (PatientLine("Muster^Anna", "P-1"),)


def test_a_study_is_one_line_of_the_file() -> None:
    data = to_json(local(job([volume([patient([study([[instance(header(1))]])])])])), travelling=False).decode()
    (line,) = [line for line in data.splitlines() if "CT of the head" in line]
    assert json.loads(line) == {
        "date": "20240102",
        "modalities": ["CT"],
        "description": "CT of the head",
        "series": 1,
        "instances": 1,
    }
