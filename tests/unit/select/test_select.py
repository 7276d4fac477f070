"""What goes on the medium, and why the rest does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mediacreator.dicomio.elements import encode_element, encode_items
from mediacreator.model import Disposition, Header, Outcome, Scan, Selection, Severity
from mediacreator.rules.tables import sop_classes
from mediacreator.select import SelectionRequest
from tests.headers import MR_IMAGE, ROOT, header
from tests.unit.select.asked import codes, on_medium, selected

KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
HANGING_PROTOCOL = "1.2.840.10008.5.1.4.38.1"
PROTOCOL_APPROVAL = "1.2.840.10008.5.1.4.1.1.200.3"
RETIRED_ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6"
PRIVATE = "1.3.12.2.1107.5.9.1"
GARBLED = {"CurrentRequestedProcedureEvidenceSequence": b"\1\2\3\4\5\6\7\10"}


def reason(selection: Selection, number: int = 1) -> Disposition:
    (found,) = [d for d in selection.dispositions if d.source.number == number]
    assert found.finding.location == f"source {number}"
    return found


def code_item(value: str, scheme: str = "DCM") -> bytes:
    return encode_items(
        [
            encode_element(0x00080100, "SH", value.encode())
            + encode_element(0x00080102, "SH", scheme.encode())
            + encode_element(0x00080104, "LO", b"Title")
        ]
    )


def evidence(*uids: str) -> bytes:
    references = [
        encode_element(0x00081150, "UI", b"1.2.840.10008.5.1.4.1.1.2") + encode_element(0x00081155, "UI", uid.encode())
        for uid in uids
    ]
    series = encode_element(0x00081199, "SQ", encode_items(references)) + encode_element(0x0020000E, "UI", b"1.2")
    return encode_items([encode_element(0x00081115, "SQ", encode_items([series]))])


def note(number: int, code: str, *rejects: int, scheme: str = "DCM") -> Header:
    return header(
        number,
        sop_class=KEY_OBJECTS,
        series="9",
        Modality="KO",
        SeriesNumber="9",
        ContentDate="20240103",
        ContentTime="1200",
        ConceptNameCodeSequence=code_item(code, scheme),
        CurrentRequestedProcedureEvidenceSequence=evidence(*(f"{ROOT}.9.{n}" for n in rejects)),
    )


@pytest.mark.parametrize("uid", sorted(sop_classes()))
def test_every_media_storage_class_is_accepted_or_has_no_record_type(uid: str) -> None:
    """PS3.4 I.4, PS3.3 F.2.1: nothing that has a record stays off for what it is or lacks."""
    selection = selected(header(1, sop_class=uid))

    if sop_classes()[uid].record_type:
        assert on_medium(selection) == [1]
    else:
        assert reason(selection).finding.code == "no-record-type"
        assert reason(selection).finding.clause == "PS3.3 F.2.1"
        assert reason(selection).outcome is Outcome.REJECTED


def test_a_retired_class_is_accepted_with_a_note() -> None:
    selection = selected(header(1, sop_class=RETIRED_ULTRASOUND), header(2, sop_class=RETIRED_ULTRASOUND))

    assert on_medium(selection) == [1, 2]
    (finding,) = selection.findings
    assert (finding.code, finding.severity) == ("sop-class-retired", Severity.NOTE)
    assert "in 2 instances" in finding.what


@pytest.mark.parametrize(
    ("uid", "code", "outcome"),
    [
        ("1.2.840.10008.5.1.4.1.1.9999", "sop-class-unknown", Outcome.REJECTED),
        ("1.2.840.10008.5.1.1.30", "sop-class-unknown", Outcome.REJECTED),  # retired print objects: no longer storable
        (PRIVATE, "private-sop-class", Outcome.LEFT_OUT),
        ("1.2.840.10008.1.3.10", "directory-as-instance", Outcome.LEFT_OUT),
        ("", "sop-class-uid-unusable", Outcome.REJECTED),
        ("CT", "sop-class-uid-unusable", Outcome.REJECTED),
    ],
)
def test_other_classes_are_not_on_the_medium(uid: str, code: str, outcome: Outcome) -> None:
    disposition = reason(selected(header(1, sop_class=uid)))

    assert (disposition.finding.code, disposition.outcome) == (code, outcome)
    severity = Severity.ERROR if outcome is Outcome.REJECTED else Severity.NOTE
    assert disposition.finding.severity is severity


def test_an_allowed_private_class_becomes_a_private_record() -> None:
    request = SelectionRequest(private_sop_classes={PRIVATE: "1.3.12.9"})
    (instance,) = selected(header(1, sop_class=PRIVATE), request=request).file_sets[0].instances()
    assert (instance.record_type, instance.private_record_uid) == ("PRIVATE", "1.3.12.9")

    request = SelectionRequest(private_sop_classes={PRIVATE: ""})
    content = selected(header(1, sop_class=PRIVATE, study="", series=""), request=request).file_sets[0]
    assert content.root_instances[0].private_record_uid == PRIVATE
    assert content.patients == ()


def test_an_allow_list_does_not_open_the_door_to_standard_classes() -> None:
    request = SelectionRequest(private_sop_classes={PROTOCOL_APPROVAL: "1.2.3"})

    assert reason(selected(header(1, sop_class=PROTOCOL_APPROVAL), request=request)).finding.code == "no-record-type"


def test_objects_of_no_patient_stand_at_the_root() -> None:
    selection = selected(header(1), header(2, sop_class=HANGING_PROTOCOL, study="", series="", PatientID=None))

    content = selection.file_sets[0]
    assert [i.header.source.number for i in content.root_instances] == [2]
    assert len(content.patients) == 1


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"uid": ""}, "sop-instance-uid-unusable"),
        ({"uid": "1.2.x"}, "sop-instance-uid-unusable"),
        ({"uid": "1." + "2" * 63}, "sop-instance-uid-unusable"),
        ({"uid": "1.2\\1.3"}, "sop-instance-uid-unusable"),
        ({"study": ""}, "study-instance-uid-unusable"),
        ({"StudyInstanceUID": "STUDY 1"}, "study-instance-uid-unusable"),
        ({"series": ""}, "series-instance-uid-unusable"),
        ({"SeriesInstanceUID": "\0\0"}, "series-instance-uid-unusable"),
    ],
)
def test_uids_that_cannot_be_used_are_not_invented(attributes: dict[str, str], code: str) -> None:
    selection = selected(header(1, **attributes), header(2))  # type: ignore[arg-type]

    assert reason(selection).finding.code == code
    assert reason(selection).finding.clause == "PS3.5 9.1"
    assert on_medium(selection) == [2]


def test_instances_without_study_do_not_make_two_patients_one_conflict() -> None:
    selection = selected(
        header(1, study=""),
        header(2, study="", PatientID="P-2"),
        header(3, PatientID="P-3"),
        header(4, PatientID="P-3"),
    )

    assert on_medium(selection) == [3, 4]


@pytest.mark.parametrize("uid", ["1.2.03", "1..2", "1.2.", "12"])
def test_odd_uids_are_tolerated_with_a_warning(uid: str) -> None:
    selection = selected(header(1, uid=uid), header(2, SeriesInstanceUID=uid, SeriesNumber="2"))

    assert on_medium(selection) == [1, 2]
    assert codes(selection) == ["uid-syntax", "uid-syntax"]


def test_filters_of_one_kind_are_alternatives_and_kinds_must_all_hold() -> None:
    headers = [
        header(1, series="1", Modality="CT"),
        header(2, series="2", Modality="MR", sop_class=MR_IMAGE),
        header(3, study="2", series="3", Modality="SR"),
        header(4, sop_class=HANGING_PROTOCOL, study="", series=""),
    ]

    def asked(**request: frozenset[str]) -> list[int]:
        return on_medium(selected(*headers, request=SelectionRequest(**request)))  # type: ignore[arg-type]

    assert asked() == [1, 2, 3, 4]
    assert asked(modalities=frozenset({"CT", "SR"})) == [1, 3]
    assert asked(studies=frozenset({f"{ROOT}.1.1"})) == [1, 2]
    assert asked(series=frozenset({f"{ROOT}.2.2"})) == [2]
    assert asked(studies=frozenset({f"{ROOT}.1.1"}), modalities=frozenset({"MR"})) == [2]
    assert asked(patients=frozenset({"nobody"})) == []


def test_what_is_filtered_is_not_rejected() -> None:
    request = SelectionRequest(modalities=frozenset({"CT"}))
    selection = selected(header(1), header(2, sop_class=PROTOCOL_APPROVAL, Modality="X"), request=request)

    assert reason(selection, 2).outcome is Outcome.FILTERED


@pytest.mark.parametrize("code", ["113001", "113037", "113038", "113039"])
def test_rejection_notes_and_what_they_reject_are_left_out(code: str) -> None:
    selection = selected(header(1), header(2), note(3, code, 2, 99))

    assert on_medium(selection) == [1]
    assert [(d.source.number, d.outcome, d.finding.code) for d in selection.dispositions] == [
        (2, Outcome.LEFT_OUT, "rejected-by-note"),
        (3, Outcome.LEFT_OUT, "rejection-note"),
    ]
    assert code in reason(selection, 2).finding.what
    assert codes(selection) == ["rejected-not-found"]


def test_rejected_instances_come_along_when_asked_for() -> None:
    request = SelectionRequest(include_rejected=True)
    selection = selected(header(1), header(2), note(3, "113037", 2), request=request)

    assert on_medium(selection) == [1, 2, 3]
    (finding,) = [f for f in selection.findings if f.code == "rejected-included"]
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(("code", "scheme"), [("113000", "DCM"), ("113007", "DCM"), ("113001", "99SITE")])
def test_other_key_objects_reject_nothing(code: str, scheme: str) -> None:
    assert on_medium(selected(header(1), note(2, code, 1, scheme=scheme))) == [1, 2]


def test_a_filter_does_not_hide_what_a_note_rejects() -> None:
    """--modality CT must not put a rejected CT on the medium because the note has Modality KO."""
    request = SelectionRequest(modalities=frozenset({"CT"}))
    selection = selected(header(1), header(2), note(3, "113037", 2), request=request)

    assert on_medium(selection) == [1]
    assert reason(selection, 3).outcome is Outcome.FILTERED


def test_notes_that_cannot_be_read_are_told() -> None:
    broken_title = header(2, sop_class=KEY_OBJECTS, series="9", ConceptNameCodeSequence=b"\1\2\3\4\5\6\7\10")
    assert "key-object-title-unreadable" in codes(selected(header(1), broken_title))

    garbled = replace(note(2, "113001", 1), attributes={**note(2, "113001", 1).attributes, **GARBLED})
    assert "rejection-note-unreadable" in codes(selected(header(1), garbled))

    empty = header(2, sop_class=KEY_OBJECTS, series="9", ConceptNameCodeSequence=code_item("113001"))
    selection = selected(header(1), empty)
    assert "rejection-note-unreadable" in codes(selection)
    assert on_medium(selection) == [1]


def test_the_medium_is_in_order() -> None:
    headers = [
        header(1, study="2", series="5", StudyDate="20240301", SeriesNumber="10", InstanceNumber="2"),
        header(2, study="2", series="5", StudyDate="20240301", SeriesNumber="10", InstanceNumber="1"),
        header(3, study="2", series="4", StudyDate="20240301", SeriesNumber="9"),
        header(4, study="1", series="6", StudyDate="20240201", StudyTime="1200"),
        header(5, study="3", series="7", StudyDate="20240201", StudyTime="0900"),
        header(6, study="2", series="5", StudyDate="20240301", SeriesNumber="10", InstanceNumber="x"),
    ]
    assert on_medium(selected(*headers)) == [5, 4, 3, 2, 1, 6]
    assert on_medium(selected(*headers[::-1])) == [5, 4, 3, 2, 1, 6]


def test_one_series_in_two_studies_is_told_and_stays() -> None:
    selection = selected(header(1, study="1"), header(2, study="2"))

    assert on_medium(selection) == [1, 2]
    assert codes(selection) == ["series-in-two-studies"]


def test_entities_that_contradict_themselves_have_one_record_and_a_warning() -> None:
    selection = selected(
        header(1, StudyDate="20240102", Modality="CT"),
        header(2, StudyDate="20240103", Modality="PT"),
        header(3, StudyDate="20240102 ", StudyDescription=None),
    )

    assert [(f.code, f.severity) for f in selection.findings] == [
        ("study-attributes-differ", Severity.WARNING),
        ("series-attributes-differ", Severity.WARNING),
    ]
    assert "StudyDate" in selection.findings[0].what
    assert "20240103" not in selection.findings[0].what
    (study,) = selection.file_sets[0].patients[0].studies
    assert study.keys["StudyDate"] == b"20240102"


def test_nothing_found_is_no_file_set() -> None:
    from mediacreator.select import select
    from tests.unit.select.asked import CLAIM, never

    empty = select(Scan((), ()), CLAIM, SelectionRequest(), compare=never)
    assert (empty.file_sets, empty.dispositions, empty.conflicts) == ((), (), ())
    assert selected(header(1, uid="")).file_sets == ()


def test_keys_are_the_header_itself_when_nothing_is_filled_in() -> None:
    one = header(1)
    (instance,) = selected(one).file_sets[0].instances()

    assert instance.keys is one.attributes
    assert instance.filled == ()
