"""Each hostile DICOMDIR gets its answer: the right codes, what can be reached, in time, and no other error."""

from __future__ import annotations

import time

import pytest

from mediacreator.dicomio.walker import walk
from mediacreator.errors import SourceUnreadable
from mediacreator.medium_listing import list_patients
from tests.hostile.corpus import CASES, REFUSED, Case

LIMIT = 2.0  # seconds of processor time, for files of a few hundred bytes to 60 kB


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_hostile_dicomdir_gets_its_answer(case: Case) -> None:
    begun = time.process_time()
    directory = walk(case.data)
    reached = list(directory.in_order())

    assert {found.code for found in directory.findings} == case.codes
    multi_referenced = {record.multi_referenced for record in directory.records} - {None}
    assert len(reached) + len(multi_referenced) == case.reached + len(multi_referenced)
    assert len(directory.orphans) == case.orphans
    assert len({record.index for record in reached}) == len(reached)
    list_patients(directory)
    assert all(str(found).isprintable() for found in directory.findings)
    assert time.process_time() - begun < LIMIT


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_what_is_no_dicomdir_is_refused_with_a_word(data: bytes) -> None:
    with pytest.raises(SourceUnreadable, match="not a DICOMDIR"):
        walk(data)
