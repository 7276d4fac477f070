"""Which record gets which icon, where several profiles cover an instance (PS3.11 X.3.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediacreator.icons.choosing import Choices, together
from mediacreator.rules.claim import load_claim
from mediacreator.rules.profile import IconRule
from mediacreator.rules.tables import record_types
from tests.unit.icons.shown import rule


def choices(*profiles: str, optional: bool = False) -> Choices:
    return Choices([load_claim(one).profiles[0] for one in profiles], optional=optional)


def size(found: Choices, record: str = "IMAGE", *covered_by: str) -> int:
    """Return the rows of an icon, 0 where there is none."""
    choice = found.for_record(record, covered_by)
    return choice.rule.rows if choice else 0


@pytest.mark.parametrize(
    ("profile", "optional", "image", "series"),
    [
        ("STD-XABC-CD", False, 128, 0),
        ("STD-XABC-CD", True, 128, 0),
        ("STD-XA1K-CD", False, 128, 0),
        ("STD-XA1K-DVD", False, 128, 0),
        ("STD-CTMR-CD", False, 0, 0),
        ("STD-CTMR-CD", True, 64, 64),
        ("STD-GEN-CD", False, 0, 0),
        ("STD-GEN-CD", True, 64, 0),
        ("STD-US-ID-SF-CDR", True, 64, 0),
    ],
)
def test_icons_have_the_size_that_the_profile_says(profile: str, optional: bool, image: int, series: int) -> None:
    found = choices(profile, optional=optional)

    assert size(found) == image
    assert size(found, "SERIES") == series
    assert found.any is bool(image or series)


@pytest.mark.parametrize("record", sorted(record_types()))
def test_only_records_that_f5_gives_icons_get_any(record: str) -> None:
    """PS3.3 F.5: SERIES too, but nobody asked for those outside of PS3.11 E.3.3.3."""
    allowed = record in {"IMAGE", "RT DOSE", "SPECTROSCOPY", "RAW DATA"}

    assert bool(size(choices("STD-GEN-CD", optional=True), record)) is allowed


def test_an_instance_gets_the_icon_of_the_profiles_that_cover_it() -> None:
    found = choices("STD-XABC-CD", "STD-CTMR-CD", optional=True)

    assert size(found, "IMAGE", "STD-XABC-CD") == 128
    assert size(found, "IMAGE", "STD-CTMR-CD") == 64
    assert not found.findings()


def test_an_icon_that_is_required_wins_and_the_other_rule_is_said_to_be_broken() -> None:
    found = choices("STD-CTMR-CD", "STD-XA1K-CD")

    assert size(found) == 128
    (finding,) = found.findings()
    assert finding.code == "icon-rules-differ"
    assert "128 x 128" in finding.what
    assert "64 x 64" in finding.expected
    assert finding.clause == "PS3.11 E.3.3.3"


def test_xabc_and_xa1k_agree_in_one_icon() -> None:
    """A leaves the kind open, B does not."""
    found = choices("STD-XABC-CD", "STD-XA1K-CD")

    choice = found.for_record("IMAGE", ())
    assert choice is not None
    assert choice.rule.photometric == ("MONOCHROME2",)
    assert choice.rule.clause == "PS3.11 A.3.3.2; PS3.11 B.3.3.2"
    assert not found.findings()


RULES = st.builds(
    lambda size, bits, kinds, required, clause: rule(
        size, bits=bits, photometric=kinds, required=required, clause=clause
    ),
    st.sampled_from([0, 64, 128]),
    st.sampled_from([0, 1, 8]),
    st.sampled_from([(), ("MONOCHROME2",), ("MONOCHROME1", "MONOCHROME2"), ("PALETTE COLOR",)]),
    st.booleans(),
    st.sampled_from(["K.1", "K.2", "K.3"]),
)


def meets(one: IconRule, other: IconRule) -> bool:
    """Tell whether every icon that is as one rule says is as the other says."""
    numbers = ((one.rows, other.rows), (one.columns, other.columns), (one.bits, other.bits))
    kinds = set(one.photometric) <= set(other.photometric) and one.photometric if other.photometric else True
    return all(not asked or got == asked for got, asked in numbers) and bool(kinds)


@given(st.lists(RULES, min_size=1, max_size=4))
def test_one_icon_meets_every_rule_that_is_not_named_as_broken(rules: list[IconRule]) -> None:
    choice = together(rules)

    kept = [one for one in rules if one not in choice.broken]
    assert kept
    assert all(meets(choice.rule, one) for one in kept)
    assert any(one.required for one in kept) or not any(one.required for one in rules)
    clauses = choice.rule.clause.split("; ")
    assert sorted(set(clauses)) == sorted(clauses)
    assert set(clauses) == {one.clause for one in kept}
