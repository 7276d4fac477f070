"""One SOP Instance UID, several files."""

from __future__ import annotations

import pytest

from mediacreator.errors import UsageError
from mediacreator.model import ConflictKind, Header, Outcome, Severity
from mediacreator.select import Likeness, SelectionRequest
from tests.headers import ROOT, header
from tests.unit.select.asked import by_comment, codes, conflict_codes, never, on_medium, selected

UID = f"{ROOT}.9.1"


def copy(number: int, **attributes: str | None) -> Header:
    """Return another file of instance 1."""
    return header(number, uid=UID, InstanceNumber="1", **attributes)  # type: ignore[arg-type]


def test_the_same_content_is_taken_once() -> None:
    selection = selected(header(1), copy(2), copy(3), header(4), compare=by_comment)

    assert on_medium(selection) == [1, 4]
    assert [(d.source.number, d.outcome, d.finding.code) for d in selection.dispositions] == [
        (2, Outcome.DUPLICATE, "same-instance"),
        (3, Outcome.DUPLICATE, "same-instance"),
    ]
    assert selection.findings == ()


def test_of_other_headers_with_the_same_pixels_the_most_complete_is_taken_and_told() -> None:
    selection = selected(
        copy(1, pixels="a", AccessionNumber=""),
        copy(2, pixels="a", StudyDescription="CT of the head "),
        copy(3, pixels="a", AccessionNumber=""),
        compare=by_comment,
    )

    assert on_medium(selection) == [2]
    assert codes(selection) == ["duplicate-chosen"]
    assert selection.findings[0].severity is Severity.WARNING
    assert {d.finding.code for d in selection.dispositions} == {"other-header"}


def test_of_equally_complete_headers_the_latest_created_is_taken_then_the_first() -> None:
    earlier = copy(1, pixels="a", InstanceCreationDate="20240101", InstanceCreationTime="235959")
    later = copy(2, pixels="a", InstanceCreationDate="20240102", InstanceCreationTime="000001")
    assert on_medium(selected(earlier, later, compare=by_comment)) == [2]

    one, other = copy(1, pixels="a", StudyID="X1"), copy(2, pixels="a", StudyID="X2")
    assert on_medium(selected(other, one, compare=by_comment)) == [1]


@pytest.mark.parametrize(
    ("pixels", "words"), [(("a", "b"), "different content"), ((None, None), "could not be compared")]
)
def test_different_pixels_stop_until_one_is_taken(pixels: tuple[str | None, str | None], words: str) -> None:
    headers = [
        copy(1, pixels=pixels[0]),
        copy(2, pixels=pixels[1], StudyID="X"),
        copy(3, pixels=pixels[1], StudyID="X"),
    ]

    asked = selected(*headers, compare=by_comment)
    (conflict,) = asked.conflicts
    assert conflict.kind is ConflictKind.DUPLICATE_INSTANCE
    assert words in conflict.finding.what
    assert [[source.number for source in side] for side in conflict.sources] == [[1], [2, 3]]
    assert asked.file_sets == ()

    taken = selected(*headers, compare=by_comment, request=SelectionRequest(take={conflict.number: 2}))
    assert on_medium(taken) == [2]
    assert {d.source.number: d.finding.code for d in taken.dispositions} == {1: "not-taken", 3: "same-instance"}
    assert codes(taken) == ["duplicate-chosen"]

    with pytest.raises(UsageError, match="sides 1 to 2"):
        selected(*headers, compare=by_comment, request=SelectionRequest(take={conflict.number: 3}))


def test_the_same_pixels_of_two_patients_are_never_chosen_by_rule() -> None:
    """The header that is dropped would take the identity conflict with it."""
    one, other = copy(1, pixels="a"), copy(2, pixels="a", PatientID="P-2", PatientName="Beispiel^Berta")

    asked = selected(one, other, compare=by_comment)
    assert "duplicate-differs" in conflict_codes(asked)
    assert "study-shared" in conflict_codes(asked)

    number = next(c.number for c in asked.conflicts if c.kind is ConflictKind.DUPLICATE_INSTANCE)
    taken = selected(one, other, compare=by_comment, request=SelectionRequest(take={number: 1}))
    assert on_medium(taken) == [1]


def test_same_pixels_under_another_patient_id_alone_are_not_chosen_either() -> None:
    asked = selected(copy(1, pixels="a"), copy(2, pixels="a", PatientID="P-2"), compare=by_comment)

    assert "duplicate-differs" in conflict_codes(asked)


def test_two_series_with_one_instance_are_duplicates() -> None:
    selection = selected(copy(1, pixels="a"), copy(2, pixels="a", series="2"), compare=by_comment)

    assert on_medium(selection) == [1]


def test_what_is_filtered_or_rejected_is_not_compared() -> None:
    headers = [copy(1), copy(2, series="2", Modality="MR")]

    assert on_medium(selected(*headers, compare=never, request=SelectionRequest(modalities=frozenset({"CT"})))) == [1]


def test_duplicates_keep_their_numbers_when_others_are_filtered() -> None:
    headers = [
        header(1, study="1", pixels="a"),
        header(2, study="1", pixels="b", uid=UID),
        header(3, study="2", series="2", pixels="a", uid="1.2.3"),
        header(4, study="2", series="2", pixels="b", uid="1.2.3"),
    ]
    assert [c.number for c in selected(*headers, compare=by_comment).conflicts] == [1, 2]

    request = SelectionRequest(studies=frozenset({f"{ROOT}.1.2"}))
    assert [c.number for c in selected(*headers, compare=by_comment, request=request).conflicts] == [2]


def test_a_vendor_with_one_uid_for_everything_is_compared_in_order() -> None:
    calls = 0

    def count(one: Header, other: Header) -> Likeness:
        nonlocal calls
        calls += 1
        return Likeness.IDENTICAL

    assert on_medium(selected(*(copy(n) for n in range(1, 201)), compare=count)) == [1]
    assert calls == 199


def test_a_vendor_with_one_uid_for_different_images_stops_without_comparing_each_with_each() -> None:
    calls = 0

    def count(one: Header, other: Header) -> Likeness:
        nonlocal calls
        calls += 1
        return Likeness.DIFFERENT

    (conflict,) = selected(*(copy(n) for n in range(1, 501)), compare=count).conflicts

    assert len(conflict.sources) == 500
    assert calls < 64 * 500
