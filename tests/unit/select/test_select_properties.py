"""What holds for every selection, whatever the sources hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.model import Header, Selection
from mediacreator.select import SelectionRequest
from mediacreator.select.fills import lacking, required
from tests.headers import header, source, text
from tests.unit.select.asked import CLAIM, by_comment, on_medium, patients, selected

PATIENT_IDS = ["P-1", "P-2", "", None]
NAMES = ["Zzmuster^Qanna", "ZZMUSTER^QANNA", "Zzmüster^Qanna", "Yybeispiel^Qanna", "Xxandere^Wberta", "", None]
BIRTH_DATES = ["19610203", "19610302", "", None]
SEXES = ["F", "M", "O", None]
CLASSES = [
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.88.11",
    "1.2.840.10008.5.1.4.38.1",
    "1.2.840.10008.5.1.4.1.1.200.3",
    "1.2.840.10008.5.1.4.1.1.9999",
    "1.3.12.2.1107.5.9.1",
    "",
]
SECRETS = ("muster", "qanna", "müster", "beispiel", "andere", "wberta", "19610203", "19610302", "P-1", "P-2")


@st.composite
def one_header(draw: st.DrawFn, number: int) -> Header:
    values: dict[str, Any] = {
        "PatientID": draw(st.sampled_from(PATIENT_IDS)),
        "PatientName": draw(st.sampled_from(NAMES)),
        "PatientBirthDate": draw(st.sampled_from(BIRTH_DATES)),
        "PatientSex": draw(st.sampled_from(SEXES)),
        "IssuerOfPatientID": draw(st.sampled_from([None, None, "A", "B"])),
        "StudyDate": draw(st.sampled_from(["20240102", None, "x"])),
        "SeriesNumber": draw(st.sampled_from(["1", "2", "", None, "x"])),
        "InstanceNumber": draw(st.sampled_from(["1", "2", "", None, "x"])),
        "SpecificCharacterSet": "ISO_IR 192",
        "pixels": draw(st.sampled_from(["a", "b", None])),
    }
    return header(
        number,
        sop_class=draw(st.sampled_from(CLASSES[:1] * 8 + CLASSES)),
        uid=draw(st.sampled_from([None, None, None, None, "1.2.3", "1.2.x", ""])),
        study=draw(st.sampled_from(["1", "2", "3", ""])),
        series=draw(st.sampled_from(["1", "2", "3", "4", ""])),
        encoding="utf-8",
        **values,
    )


@st.composite
def many_headers(draw: st.DrawFn) -> list[Header]:
    return [draw(one_header(number)) for number in range(1, draw(st.integers(1, 9)) + 1)]


REQUESTS = st.builds(
    SelectionRequest,
    patients=st.sampled_from([frozenset(), frozenset({"P-1"})]),
    modalities=st.sampled_from([frozenset(), frozenset({"CT"})]),
    multi_patient=st.booleans(),
    separate=st.booleans(),
    private_sop_classes=st.sampled_from([{}, {CLASSES[5]: "1.2.3"}]),
)


def answer_duplicates(headers: list[Header], request: SelectionRequest) -> Selection:
    """Select, and take the first side of each duplicate that is asked about."""
    asked = selected(*headers, request=request, compare=by_comment)
    numbers = {c.number: 1 for c in asked.conflicts if c.finding.code == "duplicate-differs"}
    return selected(*headers, request=replace(request, take=numbers), compare=by_comment) if numbers else asked


@settings(deadline=None, max_examples=150)
@given(many_headers(), REQUESTS)
def test_every_header_ends_exactly_once(headers: list[Header], request: SelectionRequest) -> None:
    selection = answer_duplicates(headers, request)

    ended = [d.source.number for d in selection.dispositions]
    if selection.conflicts:
        assert selection.file_sets == ()
        assert len(set(ended)) == len(ended)
    else:
        assert sorted(ended + on_medium(selection)) == [h.source.number for h in headers]


@settings(deadline=None, max_examples=150)
@given(many_headers(), REQUESTS)
def test_what_must_be_unique_in_a_file_set_is(headers: list[Header], request: SelectionRequest) -> None:
    """PS3.3 F.5.1, F.5.2; and each SOP Instance once."""
    for content in answer_duplicates(headers, request).file_sets:
        ids = [text(patient.keys, "PatientID") for patient in content.patients]
        studies = [text(study.keys, "StudyInstanceUID") for patient in content.patients for study in patient.studies]
        instances = [instance.header.sop_instance_uid for instance in content.instances()]
        for values in (ids, studies, instances):
            assert len(set(values)) == len(values)


@settings(deadline=None, max_examples=100)
@given(many_headers(), REQUESTS)
def test_every_record_has_its_type_1_keys(headers: list[Header], request: SelectionRequest) -> None:
    for content in answer_duplicates(headers, request).file_sets:
        records = [(instance.record_type, instance.keys) for instance in content.instances()]
        for patient in content.patients:
            records.append(("PATIENT", patient.keys))
            for study in patient.studies:
                records.append(("STUDY", study.keys))
                records.extend(("SERIES", series.keys) for series in study.series)
        for record_type, keys in records:
            assert lacking(required(CLAIM.keys_for(record_type)), keys) == []


@settings(deadline=None, max_examples=100)
@given(many_headers(), REQUESTS, st.randoms(use_true_random=False))
def test_the_order_of_the_sources_does_not_change_who_is_who(
    headers: list[Header], request: SelectionRequest, random: Any
) -> None:
    numbers = [h.source.number for h in headers]
    random.shuffle(numbers)
    shuffled = [replace(h, source=source(number)) for h, number in zip(headers, numbers, strict=True)]
    back = dict(zip(numbers, (h.source.number for h in headers), strict=True))
    distinct = len({h.sop_instance_uid for h in headers}) == len(headers)  # which duplicate is taken may differ

    first, second = (selected(*some, request=request, compare=by_comment) for some in (headers, shuffled))

    if distinct:
        there = sorted(sorted(one) for one in patients(first))
        assert there == sorted(sorted(back[number] for number in one) for one in patients(second))
        assert sorted(c.finding.code for c in first.conflicts) == sorted(c.finding.code for c in second.conflicts)


@settings(deadline=None, max_examples=100)
@given(many_headers(), REQUESTS)
def test_no_finding_names_anybody(headers: list[Header], request: SelectionRequest) -> None:
    selection = selected(*headers, request=request, compare=by_comment)

    findings = [
        *selection.findings,
        *(d.finding for d in selection.dispositions),
        *(c.finding for c in selection.conflicts),
    ]
    said = "\n".join(f"{finding.code} {finding}" for finding in findings).casefold()
    for secret in SECRETS:
        assert secret.casefold() not in said


@settings(deadline=None, max_examples=60)
@given(many_headers(), REQUESTS)
def test_the_same_sources_give_the_same_selection(headers: list[Header], request: SelectionRequest) -> None:
    first = selected(*headers, request=request, compare=by_comment)

    assert selected(*headers[::-1], request=request, compare=by_comment) == first


@settings(deadline=None, max_examples=100)
@given(many_headers(), st.data())
def test_whatever_is_answered_contradictions_never_share_a_record(headers: list[Header], data: st.DataObject) -> None:
    """However a person answers, a man and a woman or two birth dates are never one PATIENT record."""
    asked = selected(*headers, compare=by_comment, request=SelectionRequest(multi_patient=True))
    confirmable = [c.number for c in asked.conflicts if c.kind.name == "SAME_PERSON"]
    yes = frozenset(data.draw(st.sets(st.sampled_from(confirmable)))) if confirmable else frozenset()

    for content in answer_duplicates(headers, SelectionRequest(same_patient=yes, separate=True)).file_sets:
        for patient in content.patients:
            stated = [
                instance.header.attributes
                for study in patient.studies
                for series in study.series
                for instance in series.instances
            ]
            assert {"F", "M"} - {values.get("PatientSex", b"").decode().strip() for values in stated}
            assert len({values.get("PatientBirthDate", b"").strip() for values in stated} - {b""}) < 2
