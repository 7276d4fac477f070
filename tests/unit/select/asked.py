"""What the tests of selection share: one profile, one call, and comparers that need no files."""

from __future__ import annotations

from mediacreator.model import Header, Scan, Selection
from mediacreator.rules.claim import load_claim
from mediacreator.select import Likeness, SelectionRequest, select

CLAIM = load_claim("STD-GEN-CD")


def never(one: Header, other: Header) -> Likeness:
    """Fail: nothing had to be compared."""
    raise AssertionError(f"sources {one.source.number} and {other.source.number} were compared")


def by_comment(one: Header, other: Header) -> Likeness:
    """Compare by what tests write into two attributes: ``pixels`` and ``header``."""
    if one.attributes == other.attributes:
        return Likeness.IDENTICAL
    first, second = (header.attributes.get("pixels") for header in (one, other))
    if first is None or second is None:
        return Likeness.UNKNOWN
    return Likeness.SAME_PIXELS if first == second else Likeness.DIFFERENT


def selected(*headers: Header, request: SelectionRequest | None = None, compare: object = never) -> Selection:
    """Select from headers under STD-GEN-CD."""
    return select(Scan(headers, ()), CLAIM, request or SelectionRequest(), compare=compare)  # type: ignore[arg-type]


def on_medium(selection: Selection) -> list[int]:
    """Return the numbers of the sources that are on any File-set, in the order of the media."""
    return [i.header.source.number for content in selection.file_sets for i in content.instances()]


def codes(selection: Selection) -> list[str]:
    """Return the codes of the Findings about what is accepted."""
    return [finding.code for finding in selection.findings]


def conflict_codes(selection: Selection) -> list[str]:
    """Return the codes of the Conflicts."""
    return [conflict.finding.code for conflict in selection.conflicts]


def patients(selection: Selection) -> list[set[int]]:
    """Return the numbers of the sources of each patient."""
    return [
        {i.header.source.number for study in patient.studies for series in study.series for i in series.instances}
        for content in selection.file_sets
        for patient in content.patients
    ]
