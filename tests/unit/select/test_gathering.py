"""What records above the instances show though the instance that speaks for them lacks it (Tables H.3-2, I.3-2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mediacreator.model import Attributes, Header, Scan, Selection, Severity
from mediacreator.rules.claim import load_claim
from mediacreator.rules.tables import Key
from mediacreator.select import SelectionRequest, select
from mediacreator.select.batches import Levels, batches_of
from mediacreator.select.gathering import GATHERED, gather, gathered_keys
from tests.headers import header
from tests.profiles import key
from tests.unit.select.asked import never

CLAIM = load_claim("STD-GEN-DVD-JPEG")
NAME = key("InstitutionName", "1C", GATHERED)
PHYSICIAN = key("PerformingPhysicianName", "1C", GATHERED)
SEX = key("PatientSex", "1C", GATHERED)

SIZE: dict[str, Any] = {"Rows": b"\x08\0", "Columns": b"\x08\0"}


def selected(*headers: Header) -> Selection:
    return select(Scan(headers, ()), CLAIM, SelectionRequest(), compare=never)


def series_keys(selection: Selection) -> Attributes:
    ((patient,),) = (content.patients for content in selection.file_sets)
    return patient.studies[0].series[0].keys


def gathered(*headers: Header, keys: Sequence[Key] = (NAME,)) -> tuple[dict[str, bytes], list[str]]:
    """Gather for the first header; return the values, and where it is said that one cannot be written."""
    levels = Levels.of(CLAIM)
    found, said = gather(keys, headers[0], batches_of(headers, levels), levels)
    assert {finding.code for finding in said} <= {"key-not-gathered"}
    return found, [finding.location for finding in said]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("PATIENT", {"PatientBirthDate", "PatientSex"}),
        ("SERIES", {"InstitutionName", "InstitutionAddress", "PerformingPhysicianName"}),
        ("STUDY", set()),
    ],
)
def test_the_keys_are_those_of_the_tables(record: str, expected: set[str]) -> None:
    assert {one.keyword for one in gathered_keys(CLAIM.keys_for(record))} == expected
    assert not gathered_keys(load_claim("STD-GEN-CD").keys_for(record))


def test_a_series_shows_what_any_of_its_instances_has() -> None:
    keys = series_keys(
        selected(
            header(1, InstitutionName=None, PerformingPhysicianName="", **SIZE),
            header(2, InstitutionName="", PerformingPhysicianName="Muster^Ida", **SIZE),
            header(3, InstitutionName="St. Ann", **SIZE),
            header(4, InstitutionName="St. Zoe", **SIZE),
        )
    )

    assert keys["InstitutionName"] in (b"St. Ann ", b"St. Zoe ")
    assert keys["PerformingPhysicianName"] == b"Muster^Ida"
    assert "InstitutionAddress" not in keys


def test_a_patient_shows_what_any_instance_of_any_study_has() -> None:
    selection = selected(
        header(1, PatientSex="", PatientBirthDate=None, **SIZE),
        header(2, study="2", series="2", PatientSex="F", PatientBirthDate="19610203", **SIZE),
    )

    ((patient,),) = (content.patients for content in selection.file_sets)
    assert patient.keys["PatientSex"].strip() == b"F"
    assert patient.keys["PatientBirthDate"] == b"19610203"


def test_what_nobody_has_is_not_gathered() -> None:
    assert gathered(header(1, InstitutionName=""), header(2), header(3, InstitutionName="  ")) == ({}, [])


def test_the_value_of_the_speaker_stays() -> None:
    assert gathered(header(1, InstitutionName="St. Ann"), header(2, InstitutionName="St. Zoe")) == ({}, [])


def test_the_first_of_the_sources_lends() -> None:
    found, _ = gathered(header(1), header(2, InstitutionName="St. Ann"), header(3, InstitutionName="St. Zoe"))

    assert found == {"InstitutionName": b"St. Ann "}


def test_a_text_is_written_in_the_character_set_of_the_record() -> None:
    """The record has one Specific Character Set, that of the speaker (PS3.3 F.5)."""
    speaker = header(1, SpecificCharacterSet="ISO_IR 192")
    lender = header(2, SpecificCharacterSet="ISO_IR 100", InstitutionName="Hôpital Sud", encoding="latin_1")

    assert gathered(speaker, lender) == ({"InstitutionName": "Hôpital Sud".encode()}, [])


def test_what_the_record_cannot_say_is_left_out_with_a_warning() -> None:
    lender = header(2, SpecificCharacterSet="ISO_IR 100", InstitutionName="Hôpital Sud", encoding="latin_1")

    assert gathered(header(1), lender) == ({}, ["source 2"])


def test_another_instance_may_say_what_the_first_cannot() -> None:
    found, said = gathered(
        header(1, SpecificCharacterSet="ISO_IR 100"),
        header(2, SpecificCharacterSet="ISO_IR 126", InstitutionName="Νοσοκομείο", encoding="iso8859_7"),
        header(3, SpecificCharacterSet="ISO_IR 192", InstitutionName="Hôpital Nord", encoding="utf-8"),
    )

    assert (found, said) == ({"InstitutionName": "Hôpital Nord".encode("latin_1")}, [])


def test_a_name_keeps_its_component_groups() -> None:
    name = b"Yamada^Tarou=\033$B;3ED\033(B^\033$BB@O:\033(B"
    lender = header(2, SpecificCharacterSet=rb"\ISO 2022 IR 87", PerformingPhysicianName=name)

    found, _ = gathered(header(1, SpecificCharacterSet="ISO_IR 192"), lender, keys=(PHYSICIAN,))

    assert found == {"PerformingPhysicianName": "Yamada^Tarou=山田^太郎".encode()}


def test_codes_are_copied_as_they_are() -> None:
    """Specific Character Set says nothing of them."""
    lender = header(2, PatientSex=b"\xe9\xe9", SpecificCharacterSet="ISO_IR 100")

    assert gathered(header(1, PatientSex=None), lender, keys=(SEX,)) == ({"PatientSex": b"\xe9\xe9"}, [])


def test_the_warning_names_no_person() -> None:
    lender = header(2, SpecificCharacterSet="ISO_IR 100", PerformingPhysicianName="Né^Rosé", encoding="latin_1")
    levels = Levels.of(CLAIM)
    headers = (header(1), lender)

    _, (finding,) = gather((PHYSICIAN,), headers[0], batches_of(headers, levels), levels)

    assert finding.severity is Severity.WARNING
    assert finding.clause == "TEST K"
    assert "Né" not in str(finding)
    assert "PerformingPhysicianName (0008,1050)" in finding.what
