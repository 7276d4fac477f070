"""The identity firewall: routine goes on with a Finding, danger stops, and a person decides what is between."""

from __future__ import annotations

from typing import Any

import pytest

from mediacreator.errors import UsageError
from mediacreator.model import ConflictKind, Selection, Severity
from mediacreator.select import SelectionRequest
from tests.headers import header, text
from tests.unit.select.asked import codes, conflict_codes, on_medium, patients, selected

GO, CONFIRM, STOP = "go on", "confirm", "stop"

Person = dict[str, Any]
ANNA: Person = {}  # the patient of tests.headers: Muster^Anna, P-1, 19610203, F
NO_ID: Person = {"PatientID": None}


def graded(selection: Selection) -> str:
    kinds = {conflict.kind for conflict in selection.conflicts}
    if ConflictKind.DIFFERENT_PERSONS in kinds:
        return STOP
    return CONFIRM if kinds else GO


SAME_PATIENT_ID = [
    (ANNA, {"PatientName": "MUSTER^ANNA^^"}, GO),
    (ANNA, {"PatientName": "Muster^Anna^^Dr."}, GO),
    (ANNA, {"PatientName": None}, GO),
    (ANNA, {"PatientName": ""}, GO),
    (ANNA, {"PatientBirthDate": None}, GO),
    (ANNA, {"PatientBirthDate": "1961"}, GO),
    (ANNA, {"PatientBirthDate": "1961.02.03"}, GO),
    (ANNA, {"PatientSex": ""}, GO),
    (ANNA, {"PatientSex": "O"}, GO),
    (ANNA, {"PatientSex": "U"}, GO),
    (ANNA, {"IssuerOfPatientID": "HOSPITAL"}, GO),
    ({"IssuerOfPatientID": "Hospital"}, {"IssuerOfPatientID": "HOSPITAL"}, GO),
    ({"PatientName": "Müller^Anna", "SpecificCharacterSet": "ISO_IR 192", "encoding": "utf-8"},
     {"PatientName": "Mueller^Anna"}, GO),
    ({"PatientName": "Müller^Anna", "SpecificCharacterSet": "ISO_IR 192", "encoding": "utf-8"},
     {"PatientName": "Müller^Anna", "SpecificCharacterSet": "ISO_IR 100", "encoding": "latin-1"}, GO),
    # married
    (ANNA, {"PatientName": "Beispiel^Anna"}, CONFIRM),
    (ANNA, {"PatientName": "Muster-Beispiel^Anna", "IssuerOfPatientID": "HOSPITAL"}, CONFIRM),
    (ANNA, {"PatientName": "Beispiel^Anna", "PatientBirthDate": None}, STOP),
    (ANNA, {"PatientName": "Beispiel^Anna", "PatientSex": None}, STOP),
    (ANNA, {"PatientName": "Beispiel^Anna", "PatientBirthDate": "19610204"}, STOP),
    ({"IssuerOfPatientID": "A"}, {"PatientName": "Beispiel^Anna", "IssuerOfPatientID": "B"}, STOP),
    # typing errors and changed places
    (ANNA, {"PatientName": "Mustre^Anna"}, CONFIRM),
    (ANNA, {"PatientName": "Mustre^Anna", "PatientBirthDate": None}, STOP),
    (ANNA, {"PatientName": "Anna^Muster"}, CONFIRM),
    (ANNA, {"PatientName": "Muster"}, CONFIRM),
    # twins: one birth date
    (ANNA, {"PatientName": "Muster^Berta"}, STOP),
    (ANNA, {"PatientName": "Muster^Anno", "PatientSex": "M"}, STOP),
    ({"PatientName": "Muster^Twin 1"}, {"PatientName": "Muster^Twin 2"}, CONFIRM),
    # father and son: one name
    ({"PatientSex": "M"}, {"PatientSex": "M", "PatientBirthDate": "19880506"}, STOP),
    ({"PatientName": "Smith^John^^^Sr", "PatientSex": "M", "PatientBirthDate": None},
     {"PatientName": "Smith^John^^^Jr", "PatientSex": "M", "PatientBirthDate": None}, STOP),
    # others
    (ANNA, {"PatientSex": "M"}, STOP),
    (ANNA, {"PatientBirthDate": "19610302"}, STOP),
    (ANNA, {"PatientName": "Beispiel^Berta"}, STOP),
    ({"IssuerOfPatientID": "A"}, {"IssuerOfPatientID": "B"}, STOP),
]  # fmt: skip


@pytest.mark.parametrize("studies", [("1", "1"), ("1", "2")])
@pytest.mark.parametrize(("one", "other", "grade"), SAME_PATIENT_ID)
def test_one_patient_id(one: Person, other: Person, grade: str, studies: tuple[str, str]) -> None:
    """One Patient ID, in one study or in two; PS3.3 F.5.1."""
    first = header(1, study=studies[0], series="1", **one)
    second = header(2, study=studies[1], series="2", **other)
    for headers in ((first, second), (second, first)):
        selection = selected(*headers)

        assert graded(selection) == grade, conflict_codes(selection)
        if grade == GO:
            assert patients(selection) == [{1, 2}]
            assert (
                "identity-written-differently" in codes(selection) or first.attributes["PatientName"] != b"Muster^Anna "
            )
        else:
            assert selection.file_sets == ()


SAME_STUDY = [
    (ANNA, {"PatientID": "P-2"}, STOP),  # both valued, though everything else is the same
    (ANNA, NO_ID, GO),
    (ANNA, {**NO_ID, "PatientName": None, "PatientBirthDate": None, "PatientSex": None}, GO),
    (ANNA, {**NO_ID, "PatientName": "Beispiel^Anna"}, CONFIRM),
    (ANNA, {**NO_ID, "PatientName": "Beispiel^Berta"}, STOP),
    (NO_ID, {**NO_ID, "PatientName": "MUSTER^Anna"}, GO),
    (NO_ID, {**NO_ID, "PatientName": "Beispiel^Berta"}, STOP),
    (NO_ID, {**NO_ID, "PatientBirthDate": "19620101"}, STOP),
]


@pytest.mark.parametrize(("one", "other", "grade"), SAME_STUDY)
def test_one_study(one: Person, other: Person, grade: str) -> None:
    """One Study Instance UID; PS3.3 F.5.2."""
    selection = selected(header(1, series="1", **one), header(2, series="2", **other))

    assert graded(selection) == grade
    if grade == GO:
        assert patients(selection) == [{1, 2}]


NO_PATIENT_ID_TWO_STUDIES = [
    ({}, GO),  # the same name and birth date
    ({"PatientName": "MUSTER^ANNA"}, GO),
    ({"PatientBirthDate": None}, CONFIRM),  # a name alone is not enough
    ({"PatientName": "Beispiel^Berta"}, STOP),  # two patients
    ({"PatientBirthDate": "19700101"}, STOP),
]


@pytest.mark.parametrize(("other", "grade"), NO_PATIENT_ID_TWO_STUDIES)
def test_without_patient_id_persons_are_told_by_name_and_birth_date(other: Person, grade: str) -> None:
    selection = selected(header(1, study="1", series="1", **NO_ID), header(2, study="2", series="2", **NO_ID, **other))

    assert graded(selection) == grade
    if grade == GO:
        assert patients(selection) == [{1, 2}]


def test_nameless_studies_are_one_question() -> None:
    nobody: Person = {"PatientID": None, "PatientName": None, "PatientBirthDate": None, "PatientSex": None}
    headers = [header(n, study=str(n), series=str(n), **nobody) for n in range(1, 6)]

    asked = selected(*headers)
    assert conflict_codes(asked) == ["same-person"]
    assert len(asked.conflicts[0].sources) == 5

    one = selected(*headers, request=SelectionRequest(same_patient=frozenset({asked.conflicts[0].number})))
    assert patients(one) == [{1, 2, 3, 4, 5}]
    five = selected(*headers, request=SelectionRequest(multi_patient=True))
    assert patients(five) == [{1}, {2}, {3}, {4}, {5}]
    ids = {text(patient.keys, "PatientID") for patient in five.file_sets[0].patients}
    assert len(ids) == 5  # distinct for each person


def test_a_name_without_id_beside_one_with_id_is_asked_about() -> None:
    headers = [header(1, study="1", series="1"), header(2, study="2", series="2", PatientID=None)]

    asked = selected(*headers)
    assert graded(asked) == CONFIRM
    same = selected(*headers, request=SelectionRequest(same_patient=frozenset({1})))
    assert patients(same) == [{1, 2}]
    other = selected(*headers, request=SelectionRequest(multi_patient=True))
    assert patients(other) == [{1}, {2}]


def test_a_confirmed_marriage_is_one_patient_of_the_latest_name() -> None:
    headers = [
        header(1, study="1", series="1", StudyDate="20240102"),
        header(2, study="2", series="2", StudyDate="20250102", PatientName="Beispiel^Anna"),
    ]
    assert selected(*headers).conflicts[0].kind is ConflictKind.SAME_PERSON

    selection = selected(*headers, request=SelectionRequest(same_patient=frozenset({1})))
    assert patients(selection) == [{1, 2}]
    assert text(selection.file_sets[0].patients[0].keys, "PatientName") == "Beispiel^Anna"
    assert "identity-written-differently" in codes(selection)


def test_separate_gives_each_person_a_file_set() -> None:
    headers = [header(1, study="1", series="1"), header(2, study="2", series="2", PatientName="Beispiel^Berta")]

    selection = selected(*headers, request=SelectionRequest(separate=True))

    assert [[i.header.source.number for i in content.instances()] for content in selection.file_sets] == [[1], [2]]
    assert {text(content.patients[0].keys, "PatientID") for content in selection.file_sets} == {"P-1"}


def test_multi_patient_does_not_let_two_persons_share_a_patient_id() -> None:
    headers = [header(1, study="1", series="1"), header(2, study="2", series="2", PatientName="Beispiel^Berta")]

    selection = selected(*headers, request=SelectionRequest(multi_patient=True))

    assert conflict_codes(selection) == ["patient-id-shared"]


def test_a_chain_of_yes_does_not_join_two_who_contradict_each_other() -> None:
    """A nameless instance fits both; nobody may say through it that father and son are one."""
    headers = [
        header(1, study="1", series="1", PatientBirthDate="19300101"),
        header(2, study="2", series="2", PatientBirthDate="19700101"),
        header(3, study="3", series="3", PatientBirthDate=None),
    ]
    asked = selected(*headers)
    assert graded(asked) == STOP
    every = frozenset(c.number for c in asked.conflicts if c.kind is ConflictKind.SAME_PERSON)

    assert graded(selected(*headers, request=SelectionRequest(same_patient=every))) == STOP
    apart = selected(*headers, request=SelectionRequest(separate=True))
    assert [{1}, {2}, {3}] == patients(apart)


def test_what_says_too_little_goes_with_its_study() -> None:
    headers = [
        header(1, study="1", series="1", PatientBirthDate="19300101"),
        header(2, study="2", series="2", PatientBirthDate="19700101"),
        header(3, study="2", series="3", PatientBirthDate=None),
    ]
    selection = selected(*headers, request=SelectionRequest(separate=True))

    assert patients(selection) == [{1}, {2, 3}]


def test_several_patients_are_refused_until_asked_for() -> None:
    headers = [header(1), header(2, study="2", series="2", PatientID="P-2", PatientName="Beispiel^Berta")]

    refused = selected(*headers)
    assert conflict_codes(refused) == ["several-patients"]
    for option in ("--patient", "--multi-patient", "--separate"):
        assert option in refused.conflicts[0].finding.remedy
    assert refused.file_sets == ()
    assert patients(selected(*headers, request=SelectionRequest(multi_patient=True))) == [{1}, {2}]
    assert patients(selected(*headers, request=SelectionRequest(patients=frozenset({"P-2"})))) == [{2}]


def test_one_name_under_two_patient_ids_is_told() -> None:
    headers = [header(1), header(2, study="2", series="2", PatientID="P-2")]

    assert "one-name-two-patient-ids" in codes(selected(*headers))
    assert conflict_codes(selected(*headers)) == ["several-patients"]


def test_identities_stand_side_by_side_and_nowhere_else() -> None:
    headers = [header(1), header(2, study="2", series="2", PatientName="Beispiel^Berta", PatientBirthDate="19991231")]

    (conflict,) = selected(*headers).conflicts

    assert len(conflict.identities) == len(conflict.sources) == 2
    assert "Muster^Anna" in conflict.identities[0]
    assert "19991231" in conflict.identities[1]
    for secret in ("Muster", "Beispiel", "19610203", "19991231", "P-1"):
        assert secret not in str(conflict.finding)


def test_conflicts_keep_their_numbers_whatever_is_asked_for() -> None:
    headers = [
        header(1, study="1", series="1", PatientID="A", PatientName="Anna^Muster"),
        header(2, study="2", series="2", PatientID="A"),
        header(3, study="3", series="3", PatientID="B", PatientName="Berta^Beispiel"),
        header(4, study="4", series="4", PatientID="B", PatientName="Beispiel^Berta"),
    ]
    everything = selected(*headers, request=SelectionRequest(multi_patient=True))
    assert [conflict.number for conflict in everything.conflicts] == [1, 2]

    one = selected(*headers, request=SelectionRequest(patients=frozenset({"B"})))
    assert [conflict.number for conflict in one.conflicts] == [2]
    answered = selected(*headers, request=SelectionRequest(patients=frozenset({"B"}), same_patient=frozenset({2})))
    assert on_medium(answered) == [3, 4]


def test_an_answer_to_no_question_is_refused() -> None:
    with pytest.raises(UsageError, match="--same-patient 7"):
        selected(header(1), request=SelectionRequest(same_patient=frozenset({7})))
    with pytest.raises(UsageError, match="--take 3=1"):
        selected(header(1), request=SelectionRequest(take={3: 1}))


def test_a_stop_cannot_be_confirmed() -> None:
    headers = [header(1), header(2, PatientSex="M")]
    (conflict,) = selected(*headers).conflicts

    with pytest.raises(UsageError):
        selected(*headers, request=SelectionRequest(same_patient=frozenset({conflict.number})))


def test_a_patient_id_asked_for_brings_what_its_study_holds_without_one() -> None:
    headers = [header(1), header(2, PatientID=None), header(3, study="2", series="2", PatientID="P-2")]

    assert on_medium(selected(*headers, request=SelectionRequest(patients=frozenset({"P-1"})))) == [1, 2]


def test_another_patient_in_a_study_that_was_asked_for_is_told() -> None:
    headers = [header(1), header(2, series="2", PatientID=None, PatientName="Beispiel^Berta")]

    selection = selected(*headers, request=SelectionRequest(patients=frozenset({"P-1"})))

    assert on_medium(selection) == [1]
    assert "other-patient-in-study" in codes(selection)


def test_a_hundred_names_under_one_patient_id_stop_at_once() -> None:
    headers = [header(n, study=str(n), series=str(n), PatientName=f"Name{n}^Given{n}") for n in range(1, 200)]

    (conflict,) = selected(*headers).conflicts

    assert conflict.finding.code == "patient-id-shared"
    assert len(conflict.sources) == 199


def test_writing_a_name_in_another_case_is_only_a_note() -> None:
    selection = selected(header(1), header(2, PatientName="MUSTER^ANNA"))

    (finding,) = selection.findings
    assert finding.severity is Severity.NOTE


def test_the_patient_record_is_made_of_the_most_complete_identity() -> None:
    selection = selected(
        header(1, PatientName="MUSTER^A", PatientBirthDate=None, PatientID=None),
        header(2, PatientName="Muster^A^^Dr"),
    )

    assert text(selection.file_sets[0].patients[0].keys, "PatientName") == "Muster^A^^Dr"
    assert selection.file_sets[0].patients[0].filled == ()
