"""Instances go on the first medium whose profiles hold them; who is who is decided over everything."""

from __future__ import annotations

from typing import Any

from mediacreator.model import Header, Outcome, Scan
from mediacreator.rules.claim import Claim
from mediacreator.select import SelectionRequest
from mediacreator.sharing import Share, select_each
from tests.headers import header
from tests.profiles import CT, SC, US, objects, profile
from tests.unit.select.asked import never

DISC = Claim((profile("STD-CT", objects("CT", (CT,))),))
STICK = Claim((profile("STD-CT-US", objects("CT", (CT,)), objects("US", (US,))),))
PRIVATE = "1.3.12.2.1107.5.9.1"


def shared(*headers: Header, request: SelectionRequest | None = None) -> Share:
    return select_each(Scan(headers, ()), (DISC, STICK), request or SelectionRequest(), compare=never)


def on(share: Share) -> dict[str, list[int]]:
    return {claim.id: [i.header.source.number for i in content.instances()] for claim, content in share.file_sets}


def of(number: int, sop_class: str, study: str = "1", **more: Any) -> Header:
    series = f"{study}.{number}"
    return header(number, sop_class=sop_class, study=study, series=series, SeriesNumber=str(number), **more)


def test_each_instance_goes_on_the_first_medium_that_holds_it() -> None:
    share = shared(of(1, CT), of(2, US), of(3, CT))
    assert on(share) == {"STD-CT": [1, 3], "STD-CT-US": [2]}
    assert share.selection.dispositions == ()


def test_what_none_holds_is_rejected_once_with_the_reasons_of_all() -> None:
    share = shared(of(1, CT), of(2, SC))
    (entry,) = share.selection.dispositions
    assert (entry.source.number, entry.outcome) == (2, Outcome.REJECTED)
    assert "STD-CT,STD-CT-US" in entry.finding.expected


def test_what_was_not_asked_for_is_said_once() -> None:
    share = shared(of(1, CT), of(2, US), request=SelectionRequest(series=frozenset({"1.9"})))
    assert [entry.outcome for entry in share.selection.dispositions] == [Outcome.FILTERED] * 2
    assert share.file_sets == ()


def test_private_classes_of_the_site_go_on_the_first_medium() -> None:
    share = shared(of(1, US), of(2, PRIVATE), request=SelectionRequest(private_sop_classes={PRIVATE: ""}))
    assert on(share) == {"STD-CT": [2], "STD-CT-US": [1]}


def test_a_question_about_persons_is_asked_once_and_stops_every_medium() -> None:
    ours = of(1, CT, PatientID="1")
    theirs = of(2, US, study="2", PatientID="1", PatientName="Anders^Wer", PatientBirthDate="19700101")
    share = shared(ours, theirs)
    assert [conflict.number for conflict in share.selection.conflicts] == [1]
    assert not share.file_sets
    assert not share.selection.file_sets
