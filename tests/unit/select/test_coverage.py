"""Which profiles of a Claim cover each instance, and what is said of those that none covers (PS3.11 X.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mediacreator.model import Header, Outcome, Severity
from mediacreator.rules.claim import Claim, load_claim
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.select.admission import Admission, admit
from mediacreator.select.batches import Levels, batches_of
from mediacreator.select.coverage import Coverage, Covered
from tests.headers import CT_IMAGE, MR_IMAGE, header
from tests.profiles import constraint, key, objects, profile, rule

PRIVATE = "1.3.12.2.1107.5.9.1"
FEW_ROWS = constraint("Rows", maximum=512)
SHORT: dict[str, Any] = {"Rows": b"\0\x02"}  # 512
TALL: dict[str, Any] = {"Rows": b"\0\x04"}  # 1024


def covered(claim: Claim, *headers: Header, private: Mapping[str, str] | None = None) -> Covered:
    batches = batches_of(headers, Levels.of(claim))
    for batch in batches:
        admission = admit(batch.sop_class_uid, claim, private or {})
        batch.admission = admission if isinstance(admission, Admission) else None
    return Coverage(claim).of(batches)


def claim(*several: ApplicationProfile) -> Claim:
    return Claim(several)


def by_profiles(found: Covered) -> dict[tuple[str, ...], list[int]]:
    return {batch.profiles: [one.source.number for one in batch.headers] for batch in found.batches}


SMALL = profile("PRI-SMALL", objects("ct", (CT_IMAGE,)), attributes=[rule("few-rows", FEW_ROWS)])
ANY_CT = profile("PRI-CT", objects("ct", (CT_IMAGE,)))
ANY_MR = profile("PRI-MR", objects("mr", (MR_IMAGE,)))


def test_each_instance_knows_the_profiles_that_cover_it() -> None:
    found = covered(claim(SMALL, ANY_CT), header(1, **SHORT), header(2, **TALL), header(3, **SHORT))

    assert by_profiles(found) == {("PRI-SMALL", "PRI-CT"): [1, 3], ("PRI-CT",): [2]}
    assert not found.dispositions


def test_where_only_the_class_counts_a_batch_is_asked_about_once() -> None:
    found = covered(claim(ANY_CT, ANY_MR), header(1), header(2), header(3, sop_class=MR_IMAGE, Modality="MR"))

    assert by_profiles(found) == {("PRI-CT",): [1, 2], ("PRI-MR",): [3]}


def test_an_instance_that_breaks_a_rule_is_rejected_with_its_reason() -> None:
    found = covered(claim(SMALL), header(1, **SHORT), header(2, **TALL))

    assert by_profiles(found) == {("PRI-SMALL",): [1]}
    (disposition,) = found.dispositions
    assert disposition.outcome is Outcome.REJECTED
    assert disposition.source.number == 2
    assert disposition.sop_instance_uid == header(2).sop_instance_uid
    assert disposition.finding.location == "source 2"
    assert disposition.finding.severity is Severity.ERROR
    assert "Rows (0028,0010) is 1024" in disposition.finding.what
    assert disposition.finding.clause == "TEST few-rows"


def test_one_disposition_says_every_rule_under_every_profile() -> None:
    modality = rule("modality", constraint("Modality", one_of=("XA",)))
    other = profile("PRI-XA", objects("ct", (CT_IMAGE,)), attributes=[modality])

    found = covered(claim(SMALL, other), header(1, **TALL))

    (disposition,) = found.dispositions
    assert "under PRI-SMALL: Rows" in disposition.finding.what
    assert "under PRI-XA: Modality" in disposition.finding.what
    assert disposition.finding.clause == "TEST few-rows; TEST modality"


def test_a_warning_is_said_once_with_its_count_and_the_first_instance() -> None:
    odd = rule("odd", FEW_ROWS, severity="warning")
    lenient = profile("PRI-LENIENT", objects("ct", (CT_IMAGE,)), attributes=[odd])
    headers = (header(1, **SHORT), header(2, **TALL), header(3, series="2", **TALL), header(4, study="2", **TALL))

    found = covered(claim(lenient), *headers)

    assert sum(len(batch.headers) for batch in found.batches) == 4
    (finding,) = found.findings
    assert finding.severity is Severity.WARNING
    assert finding.location == "source 2"
    assert finding.what.endswith(", in 3 instances")


def test_a_warning_of_one_instance_has_no_count() -> None:
    odd = rule("odd", FEW_ROWS, severity="warning")
    found = covered(claim(profile("PRI-L", objects("ct", (CT_IMAGE,)), attributes=[odd])), header(7, **TALL))

    (finding,) = found.findings
    assert finding.location == "source 7"
    assert "instances" not in finding.what


def test_what_the_site_lets_on_the_medium_no_profile_speaks_of() -> None:
    everything = load_claim("STD-GEN-CD")
    found = covered(everything, header(1, sop_class=PRIVATE), header(2), private={PRIVATE: ""})

    assert by_profiles(found) == {(): [1], ("STD-GEN-CD",): [2]}
    assert not found.dispositions


# Attributes that are there without a value

IMAGE_TYPE = profile("PRI-TYPE", objects("ct", (CT_IMAGE,)), keys={"IMAGE": [key("ImageType", "1C", "present")]})


def test_a_key_that_is_copied_if_present_cannot_be_empty() -> None:
    headers = (
        header(1, ImageType="ORIGINAL\\PRIMARY"),
        header(2, ImageType=""),
        header(3, series="2", ImageType=""),
        header(4),
    )

    found = covered(claim(IMAGE_TYPE), *headers)

    assert sum(len(batch.headers) for batch in found.batches) == 4
    (finding,) = found.findings
    assert finding.code == "key-empty"
    assert finding.severity is Severity.WARNING
    assert finding.location == "source 2"
    assert finding.what == "ImageType (0008,0008) is there without a value, in 2 instances"
    assert finding.clause == "TEST K"


def test_only_the_profiles_that_cover_an_instance_ask_for_its_keys() -> None:
    mr = profile("PRI-MR", objects("mr", (MR_IMAGE,)), keys={"IMAGE": [key("PixelSpacing", "1C", "present")]})
    both = claim(IMAGE_TYPE, mr)
    empty: dict[str, Any] = {"ImageType": "", "PixelSpacing": ""}

    found = covered(both, header(1, **empty), header(2, sop_class=MR_IMAGE, Modality="MR", **empty))

    assert [(finding.location, finding.what.split()[0]) for finding in found.findings] == [
        ("source 1", "ImageType"),
        ("source 2", "PixelSpacing"),
    ]


def test_a_key_with_another_condition_may_be_empty() -> None:
    for one in (key("ImageType", "1C", "nonempty"), key("ImageType", "2"), key("ImageType", "1C", "present", "icon")):
        asking = profile("PRI-TYPE", objects("ct", (CT_IMAGE,)), keys={"IMAGE": [one]})
        assert not covered(claim(asking), header(1, ImageType="")).findings


def test_several_keys_and_profiles_say_each_thing_once() -> None:
    """The same key of two profiles that cover the same instances is one thing."""
    twin = profile("PRI-TWIN", objects("ct", (CT_IMAGE,)), keys={"IMAGE": [key("ImageType", "1C", "present")]})

    found = covered(claim(IMAGE_TYPE, twin), header(1, ImageType=""), header(2, ImageType=""))

    (finding,) = found.findings
    assert finding.what.endswith("in 2 instances")
