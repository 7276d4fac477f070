"""What a plan promises is what create then does; nothing is written for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediacreator import CreateRequest, SelectionRequest, create, plan
from mediacreator.model import Outcome
from tests.instances import write_ct

SAMPLES = Path(__file__).parent.parent.parent / "samples"


@pytest.mark.parametrize("patient", ["patient1", "patient2", "patient3", "patient4"])
def test_sizes_and_counts_are_those_of_the_medium(patient: str, tmp_path: Path) -> None:
    request = CreateRequest((str(SAMPLES / patient),), f"{tmp_path}/medium/")
    planned = plan(request)
    assert list(tmp_path.iterdir()) == []
    receipt = create(request)
    (file_set,) = planned.file_sets
    (medium,) = receipt.media
    written = sum(file.size for file in medium.files if file.sop_instance_uid)

    assert planned.complete
    assert planned.found == receipt.counts.found
    assert dict(planned.outcomes)[Outcome.ACCEPTED.value] == file_set.instances == receipt.counts.accepted
    assert sum(way.count for way in planned.encoded) == sum(way.count for way in receipt.transcoded)
    assert file_set.size == pytest.approx(written, rel=0.05)
    assert file_set.fits


def test_a_plan_that_would_not_be_complete_says_so(tmp_path: Path) -> None:
    write_ct(tmp_path / "a")
    write_ct(tmp_path / "b", number=2, study=2, PatientID="OTHER", PatientName="Anders^Wer")
    request = CreateRequest((str(tmp_path),), f"{tmp_path}/medium/")
    asked = plan(request)
    assert not asked.complete
    assert [conflict.finding.code for conflict in asked.conflicts] == ["several-patients"]
    apart = plan(CreateRequest(request.sources, request.output, selection=SelectionRequest(separate=True)))
    assert apart.complete
    assert [file_set.patients for file_set in apart.file_sets] == [1, 1]
