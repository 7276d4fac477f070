"""Media are few, whole, and divide nothing that can stay together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediacreator.errors import MediaTooSmall
from mediacreator.layout.spanning import sizes_by_source, span
from mediacreator.model import FileSetContent, Patient, Series, SOPInstance, Study
from tests.headers import header

Sizes = list[list[list[list[int]]]]


def content_of(sizes: Sizes, roots: list[int] | None = None) -> tuple[FileSetContent, dict[int, int]]:
    """Return a File-set with instances of some sizes, by patient, study and series."""
    by_number: dict[int, int] = {}

    def instance(size: int) -> SOPInstance:
        number = len(by_number) + 1
        by_number[number] = size
        one = header(number)
        return SOPInstance(one, "IMAGE", one.attributes)

    def series(of: list[int]) -> Series:
        return Series({}, tuple(map(instance, of)))

    patients = tuple(Patient({}, tuple(Study({}, tuple(map(series, study))) for study in patient)) for patient in sizes)
    return FileSetContent(patients, tuple(map(instance, roots or []))), by_number


def spanned(sizes: Sizes, capacity: int, roots: list[int] | None = None) -> list[list[int]]:
    content, by_number = content_of(sizes, roots)
    media = span(content, sizes_by_source(by_number), capacity)
    return [[by_number[i.header.source.number] for i in medium.instances()] for medium in media]


def test_what_fits_stays_what_it_is() -> None:
    content, by_number = content_of([[[[1, 2], [3]]]])
    (alone,) = span(content, sizes_by_source(by_number), 6)
    assert alone is content


def test_a_study_is_not_divided_where_that_saves_nothing() -> None:
    assert spanned([[[[3], [3]], [[3], [3]]]], 9) == [[3, 3], [3, 3]]


def test_a_study_is_divided_where_that_saves_a_medium() -> None:
    """Three studies of 6 on media of 9: three media whole, two divided by series."""
    media = spanned([[[[3], [3]], [[3], [3]], [[3], [3]]]], 9)
    assert [sum(medium) for medium in media] == [9, 9]


def test_a_series_is_divided_only_if_it_is_larger_than_a_medium() -> None:
    assert spanned([[[[4, 4, 4]]]], 9) == [[4, 4], [4]]
    assert spanned([[[[4], [4, 4]]]], 9) == [[4], [4, 4]]


def test_objects_of_no_patient_go_where_there_is_room() -> None:
    assert spanned([[[[8], [5]]]], 9, [3]) == [[8], [5, 3]]
    assert spanned([[[[9], [9]]]], 9, [3]) == [[9], [9], [3]]


def test_an_instance_larger_than_a_medium_is_refused() -> None:
    with pytest.raises(MediaTooSmall, match="10 bytes"):
        spanned([[[[10, 1]]]], 9)
    with pytest.raises(MediaTooSmall):
        spanned([[[[1]]]], 9, [10])


SERIES = st.lists(st.integers(1, 30), min_size=1, max_size=6)
CONTENTS = st.lists(st.lists(st.lists(SERIES, min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=3)


@given(CONTENTS, st.integers(30, 90))
def test_nothing_is_lost_nothing_too_full_and_nothing_divided_in_vain(sizes: Sizes, capacity: int) -> None:
    content, by_number = content_of(sizes)
    media = span(content, sizes_by_source(by_number), capacity)
    there = [instance.header.source.number for medium in media for instance in medium.instances()]

    assert sorted(there) == sorted(by_number)
    whole = [i.header.source.number for i in content.instances()]
    for medium in media:
        numbers = [i.header.source.number for i in medium.instances()]
        assert sum(by_number[number] for number in numbers) <= capacity
        assert numbers == sorted(numbers, key=whole.index)  # the order of the medium is that of the File-set
    for patient in content.patients:
        for study in patient.studies:
            for series in study.series:
                own = {i.header.source.number for i in series.instances}
                on = [medium for medium in media if own & {i.header.source.number for i in medium.instances()}]
                assert len(on) == 1 or sum(by_number[number] for number in own) > capacity
