"""What the scan reads covers every table and the profile, once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mediacreator.rules import tables
from mediacreator.rules.library import load_profile
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
    found = wanted(profile)
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

    check(wanted(load_profile("STD-GEN-CD")))
    check(wanted())


def test_the_profile_adds_its_keys() -> None:
    extra = {key.keyword for key in wanted(load_profile("STD-GEN-CD"))} - {key.keyword for key in wanted()}
    assert extra == {"ReferencedImageSequence"}  # Image Type is a key of SPECTROSCOPY too


def test_whole_wins_over_part() -> None:
    found = {key.keyword: key for key in wanted(load_profile("STD-GEN-CD"))}

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
    found = {key.keyword for key in wanted(load_profile("STD-GEN-CD"))}
    assert not found & {"IconImageSequence", "VerificationDateTime"}
    assert "VerifyingObserverSequence" in found


def test_rules_import_nothing_heavy() -> None:
    """Every run of the program pays for what is imported here."""
    code = (
        "import sys; from mediacreator.rules.library import load_profile; from mediacreator.rules.wanted import wanted;"
        "wanted(load_profile('STD-GEN-CD'));"
        "heavy = {'pydicom', 'numpy', 'lxml', 'click', 'rich', 'importlib.resources', 'pathlib'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False, cwd=CHECKOUT)

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
