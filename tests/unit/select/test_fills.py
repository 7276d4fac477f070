"""What the directory must have and instances lack."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediacreator.dicomio.elements import parse_items
from mediacreator.model import Patient, Selection, Series, Severity, SOPInstance, Study
from mediacreator.rules.tables import record_types, sop_classes
from mediacreator.select import PLACEHOLDER_DATE, SelectionRequest, fills
from tests.headers import header, text
from tests.unit.select.asked import CLAIM, codes, on_medium, selected

NO_DATE: dict[str, Any] = {"StudyDate": None, "StudyTime": None}


def patient(selection: Selection) -> Patient:
    return selection.file_sets[0].patients[0]


def study(selection: Selection) -> Study:
    return patient(selection).studies[0]


def series(selection: Selection) -> Series:
    return study(selection).series[0]


def instances(selection: Selection) -> tuple[SOPInstance, ...]:
    return series(selection).instances


@pytest.mark.parametrize("value", [None, "", "  ", "\0\0"])
def test_what_is_only_padding_is_empty(value: str | None) -> None:
    selection = selected(header(1, PatientID=value, StudyID=value, SeriesNumber=value, InstanceNumber=value))

    assert patient(selection).filled == ("PatientID",)
    assert study(selection).filled == ("StudyID",)
    assert series(selection).filled == ("SeriesNumber",)
    assert instances(selection)[0].filled == ("InstanceNumber",)
    assert text(patient(selection).keys, "PatientID").startswith("NOID-")
    assert text(study(selection).keys, "StudyID").startswith("NOID-")
    assert text(series(selection).keys, "SeriesNumber") == "1"
    assert text(instances(selection)[0].keys, "InstanceNumber") == "1"


def test_the_instance_itself_is_not_changed() -> None:
    one = header(1, InstanceNumber=None)
    before = dict(one.attributes)

    (instance,) = instances(selected(one))

    assert instance.header is one
    assert one.attributes == before


def test_each_fill_is_a_finding_and_many_are_one() -> None:
    selection = selected(*(header(n, InstanceNumber="") for n in range(1, 101)))

    (finding,) = selection.findings
    assert (finding.code, finding.severity, finding.location) == ("filled-in", Severity.NOTE, "source 1")
    assert finding.what == "InstanceNumber (0020,0013) has no value for 100 IMAGE records"
    assert finding.clause.startswith("PS3.3 F.5.4")


def test_a_patient_id_is_a_warning() -> None:
    (finding,) = selected(header(1, PatientID="")).findings

    assert finding.severity is Severity.WARNING


def test_numbers_filled_in_come_after_those_that_are_there() -> None:
    selection = selected(
        header(1, InstanceNumber="3"),
        header(2, InstanceNumber=""),
        header(3, InstanceNumber="1"),
        header(4, InstanceNumber=None),
        header(5, series="2", SeriesNumber=None),
        header(6, series="3", SeriesNumber="7"),
    )

    assert [text(i.keys, "InstanceNumber") for i in selection.file_sets[0].instances()] == [
        "1",
        "3",
        "4",
        "5",
        "6",
        "5",
    ]
    assert [text(s.keys, "SeriesNumber") for s in study(selection).series] == ["1", "7", "8"]
    assert on_medium(selection) == [3, 1, 2, 4, 6, 5]


@given(st.sets(st.integers(-(2**31), 2**31 - 1), max_size=30))
def test_fresh_numbers_are_distinct_and_new(existing: set[int]) -> None:
    numbers = fills.fresh_numbers(existing)
    fresh = [next(numbers) for _ in range(40)]

    assert len(set(fresh)) == 40
    assert not set(fresh) & existing
    assert all(0 < number < 2**31 for number in fresh)


def test_the_largest_number_leaves_only_gaps() -> None:
    numbers = fills.fresh_numbers({2**31 - 1, 1, 3})

    assert [next(numbers) for _ in range(3)] == [2, 4, 5]


@pytest.mark.parametrize(
    ("given", "borrowed"),
    [
        ({"SeriesDate": "20240103", "AcquisitionDate": "20240102", "SeriesTime": "1200"}, ("20240103", "1200")),
        ({"AcquisitionDate": "20240102", "AcquisitionTime": "0930", "ContentDate": "20240101"}, ("20240102", "0930")),
        ({"AcquisitionDateTime": "20240104081500.12+0100", "ContentDate": "20240101"}, ("20240104", "081500.12")),
        ({"ContentDate": "20240105", "ContentTime": "10", "InstanceCreationDate": "20240101"}, ("20240105", "10")),
        ({"InstanceCreationDate": "20240106", "InstanceCreationTime": "111213"}, ("20240106", "111213")),
        ({"SeriesDate": "20240103", "AcquisitionDate": "20240102", "AcquisitionTime": "0930"}, ("20240103", "000000")),
        (
            {"SeriesDate": "2024-1-3", "ContentDate": "20241301", "InstanceCreationDate": "20240106"},
            ("20240106", "000000"),
        ),
    ],
)
def test_a_study_date_is_borrowed_in_the_order_that_is_stated(given: dict[str, Any], borrowed: tuple[str, str]) -> None:
    selection = selected(header(1, **NO_DATE, **given))

    keys = study(selection).keys
    assert (text(keys, "StudyDate"), text(keys, "StudyTime")) == borrowed
    assert study(selection).filled == ("StudyDate", "StudyTime")
    assert codes(selection) == ["filled-in", "filled-in"]


def test_the_earliest_of_the_study_is_borrowed() -> None:
    selection = selected(
        header(1, **NO_DATE, SeriesDate="20240105", SeriesTime="0800"),
        header(2, **NO_DATE, series="2", SeriesDate="20240104", SeriesTime="0900"),
        header(3, **NO_DATE, series="3", AcquisitionDate="20240101"),
    )

    assert text(study(selection).keys, "StudyDate") == "20240104"
    assert text(study(selection).keys, "StudyTime") == "0900"


def test_a_time_is_borrowed_of_the_same_date_only() -> None:
    other_day = selected(header(1, StudyTime=None, SeriesDate="20240103", SeriesTime="0800"))
    assert text(study(other_day).keys, "StudyTime") == "000000"
    assert other_day.findings[0].severity is Severity.WARNING

    same_day = selected(
        header(1, StudyTime=None, SeriesDate="20240103", SeriesTime="0800", ContentDate="20240102", ContentTime="0915")
    )
    assert text(study(same_day).keys, "StudyTime") == "0915"
    assert study(same_day).filled == ("StudyTime",)


def test_a_date_that_nothing_tells_is_a_placeholder_before_the_discovery_of_x_rays() -> None:
    selection = selected(header(1, **NO_DATE))

    assert PLACEHOLDER_DATE < "18951108"
    assert text(study(selection).keys, "StudyDate") == PLACEHOLDER_DATE
    assert {finding.severity for finding in selection.findings} == {Severity.WARNING}
    assert PLACEHOLDER_DATE in selection.findings[0].remedy


def test_one_instance_of_the_study_that_has_the_value_gives_it() -> None:
    selection = selected(header(1, StudyID=None), header(2, StudyID="S7"))

    assert text(study(selection).keys, "StudyID") == "S7"
    assert study(selection).filled == ()


def test_patient_ids_filled_in_are_distinct_and_stay_the_same() -> None:
    nobody: dict[str, Any] = {"PatientID": None, "PatientBirthDate": None}
    headers = [
        header(n, study=str(n), series=str(n), PatientName=f"Name^{name}", **nobody)
        for n, name in ((1, "Anna"), (2, "Berta"))
    ]
    request = SelectionRequest(multi_patient=True)
    ids = [text(p.keys, "PatientID") for p in selected(*headers, request=request).file_sets[0].patients]

    assert len(set(ids)) == 2
    # Another disc with one of them gives the same ID again, and never that of the other.
    assert text(patient(selected(headers[1])).keys, "PatientID") == ids[1]
    # An ID that exists is not taken.
    taken = header(3, study="3", series="3", PatientID=ids[1], PatientName="Caesar^Carl")
    again = [text(p.keys, "PatientID") for p in selected(*headers, taken, request=request).file_sets[0].patients]
    assert len(set(again)) == 3


def test_two_persons_without_id_in_one_study_get_two_ids() -> None:
    headers = [header(1, PatientID=None), header(2, series="2", PatientID=None, PatientName="Beispiel^Berta")]
    contents = selected(*headers, request=SelectionRequest(separate=True)).file_sets

    assert len({text(content.patients[0].keys, "PatientID") for content in contents}) == 2


BARE: dict[str, Any] = {
    "ContentDate": None,
    "InstanceNumber": None,
    "StudyDate": None,
    "StudyTime": None,
    "Modality": None,
}


@pytest.mark.parametrize("record_type", sorted({c.record_type for c in sop_classes().values()} - {""}))
def test_no_record_lacks_a_type_1_key(record_type: str) -> None:
    """Nothing that could be on the medium stays off it because a key is empty; PS3.3 F.5, PS3.10 5."""
    sop_class = next(uid for uid, c in sop_classes().items() if c.record_type == record_type)
    one = header(1, sop_class=sop_class, **BARE)

    selection = selected(one)

    (instance,) = selection.file_sets[0].instances()
    keys = fills.required(CLAIM.keys_for(record_type))
    assert fills.lacking(keys, instance.keys) == []
    assert set(instance.filled) == {key.keyword for key in fills.lacking(keys, one.attributes)}
    for key in keys:
        value = instance.keys[key.keyword]
        assert len(value) % 2 == 0
        if key.vr == "SQ":
            assert len(parse_items(value)) == 1
        if key.vr in ("DA", "DT"):
            assert value.startswith(PLACEHOLDER_DATE.encode())
    if not record_types()[record_type].at_root:
        assert fills.lacking(fills.required(CLAIM.keys_for("SERIES")), series(selection).keys) == []
        assert fills.lacking(fills.required(CLAIM.keys_for("STUDY")), study(selection).keys) == []


def test_content_dates_are_borrowed_from_the_instance_then_from_the_study() -> None:
    ecg = next(uid for uid, c in sop_classes().items() if c.record_type == "WAVEFORM")

    def content_date(**attributes: Any) -> tuple[str, str]:
        (instance,) = instances(selected(header(1, sop_class=ecg, **attributes)))
        return text(instance.keys, "ContentDate"), text(instance.keys, "ContentTime")

    assert content_date(SeriesDate="20240105", SeriesTime="0800") == ("20240105", "0800")
    assert content_date(AcquisitionDateTime="20240106070809") == ("20240106", "070809")
    assert content_date() == ("20240102", "101112")  # the study's own
    assert content_date(ContentDate="20240102") == ("20240102", "101112")
    assert content_date(ContentDate="20240109") == ("20240109", "000000")


def test_a_title_that_is_missing_says_so_in_a_private_code() -> None:
    report = "1.2.840.10008.5.1.4.1.1.88.11"
    (instance,) = instances(selected(header(1, sop_class=report)))

    (item,) = parse_items(instance.keys["ConceptNameCodeSequence"])
    assert item[0x00080102].startswith(b"99")  # PS3.3 8.2: private coding schemes
    assert instance.keys["CompletionFlag"].strip() == b"PARTIAL"
    assert instance.keys["VerificationFlag"].strip() == b"UNVERIFIED"


def test_a_binary_zero_is_a_value() -> None:
    rows = next(key for key in CLAIM.keys_for("SPECTROSCOPY") if key.keyword == "Rows")

    assert fills.lacking([rows], {"Rows": b"\0\0"}) == []
    assert fills.lacking([rows], {"Rows": b""}) == [rows]


def test_values_that_break_their_vr_stay_as_they_are() -> None:
    one = header(1, InstanceNumber="1\\2", StudyID="A study ID that is longer than sixteen", SeriesNumber="A")
    selection = selected(one)

    assert instances(selection)[0].filled == series(selection).filled == study(selection).filled == ()
