"""What the scan reads covers every table and the profile, once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mediacreator.rules import tables
from mediacreator.rules.checks import CHECKS
from mediacreator.rules.library import load_profile, profile_ids
from mediacreator.rules.predicates import LOOKS_AT
from mediacreator.rules.tables import Key
from mediacreator.rules.wanted import wanted

from .test_tables import walk

CHECKOUT = Path(__file__).parents[3]


def covers(found: tuple[Key, ...], path: str) -> bool:
    """Tell whether an attribute is read, by itself or in a sequence that is read whole."""
    keyword, _, below = path.partition(">")
    for key in found:
        if key.keyword == keyword:
            return not below or not key.items or covers(key.items, below)
    return False


def test_nothing_that_a_table_or_the_profile_names_is_left_unread() -> None:
    profile = load_profile("STD-GEN-CD")
    found = wanted([profile])
    paths = {row.path for row in tables.scan_attributes()}
    for record in tables.record_types().values():
        paths |= {path for path, key in walk(profile.keys_for(record.name)) if not key.source}

    assert len(paths) > 120
    assert {path for path in paths if not covers(found, path)} == set()


def test_each_attribute_once_in_tag_order() -> None:
    def check(keys: tuple[Key, ...]) -> None:
        tags = [key.tag for key in keys]
        assert tags == sorted(set(tags))
        for key in keys:
            check(key.items)

    check(wanted([load_profile("STD-GEN-CD")]))
    check(wanted())


def test_the_profile_adds_its_keys() -> None:
    extra = {key.keyword for key in wanted([load_profile("STD-GEN-CD")])} - {key.keyword for key in wanted()}
    assert extra == {"ReferencedImageSequence"}  # Image Type is a key of SPECTROSCOPY too


def test_whole_wins_over_part() -> None:
    found = {key.keyword: key for key in wanted([load_profile("STD-GEN-CD")])}

    assert found["ReferencedSeriesSequence"].items == ()  # WF PRESENTATION takes it whole, PRESENTATION does not
    assert found["ConceptNameCodeSequence"].items == ()
    evidence = found["CurrentRequestedProcedureEvidenceSequence"]
    assert [path for path, _ in walk(evidence.items)] == [
        "ReferencedSeriesSequence",
        "ReferencedSeriesSequence>ReferencedSOPSequence",
        "ReferencedSeriesSequence>ReferencedSOPSequence>ReferencedSOPInstanceUID",
    ]


def test_content_of_reports_is_chosen_while_reading() -> None:
    found = {key.keyword: key for key in wanted()}
    assert found["ContentSequence"].keep == "has_concept_mod"


def test_values_that_come_from_elsewhere_are_not_read_under_their_own_tag() -> None:
    found = {key.keyword for key in wanted([load_profile("STD-GEN-CD")])}
    assert not found & {"IconImageSequence", "VerificationDateTime"}
    assert "VerifyingObserverSequence" in found


def test_everything_that_rules_look_at_is_read() -> None:
    """A rule about an attribute that nobody reads would find it absent, and refuse every instance."""
    named = 0
    for identifier in profile_ids():
        profile = load_profile(identifier)
        read = {key.keyword for key in wanted([profile])}
        asked = [one for row in profile.objects for one in row.where]
        for rule in profile.attributes:
            asked += (*rule.where, rule.constraint)
        for one in asked:
            names = {key.keyword for key in CHECKS[one.check].keys} if one.check else {one.keyword}
            names |= {one.same_as} if one.same_as else set()
            assert names <= read, (identifier, names - read)
            named += 1
        for keys in profile.directory.keys.values():
            for key in keys:
                assert set(LOOKS_AT.get(key.condition, ())) <= read, (identifier, key.condition)
    assert named > 100


def test_shared_groups_are_read_whole_where_a_key_may_lie_in_them() -> None:
    found = {key.keyword: key for key in wanted([load_profile("STD-GEN-DVD-JPEG")])}

    assert found["SharedFunctionalGroupsSequence"].items == ()
    assert found["ReferencedImageSequence"].items == ()  # copied whole (PS3.11 Table H.3-2)
    assert {"PixelSpacing", "ImagePositionPatient"} <= found.keys()  # at the top level too
    assert "SharedFunctionalGroupsSequence" not in {key.keyword for key in wanted([load_profile("STD-GEN-CD")])}
    assert "IconImageSequence" not in {key.keyword for key in wanted([load_profile("STD-XABC-CD")])}


def test_overlays_are_read_only_where_a_rule_asks() -> None:
    def overlays(identifier: str) -> int:
        return sum(key.tag >> 24 == 0x60 for key in wanted([load_profile(identifier)]))

    assert (overlays("STD-GEN-CD"), overlays("STD-CTMR-CD"), overlays("STD-XABC-CD")) == (0, 0, 7 * 16)


def test_several_profiles_are_read_for_together() -> None:
    """Of Referenced Image Sequence, STD-XA1K-DVD names elements and STD-GEN-DVD-JPEG asks for it whole."""
    one, other = load_profile("STD-XA1K-DVD"), load_profile("STD-GEN-DVD-JPEG")
    both = {key.tag: key for key in wanted([one, other])}

    assert both.keys() == {key.tag for key in wanted([one])} | {key.tag for key in wanted([other])}
    assert both[0x00081140].items == ()


def test_rules_import_nothing_heavy() -> None:
    """Every run of the program pays for what is imported here."""
    code = (
        "import sys; from mediacreator.rules.library import load_profile; from mediacreator.rules.wanted import wanted;"
        "wanted([load_profile('STD-GEN-CD')]);"
        "heavy = {'pydicom', 'numpy', 'lxml', 'click', 'rich', 'importlib.resources', 'pathlib'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False, cwd=CHECKOUT)

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
