"""Which record gets which icon: the rules of all profiles that cover an instance, brought together (PS3.11 X.3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mediacreator.icons.encoding import USUAL_SIZE
from mediacreator.model import Finding, Severity
from mediacreator.rules.profile import ApplicationProfile, IconRule
from mediacreator.rules.tables import record_types

ICON_IMAGE_SEQUENCE = "IconImageSequence"
SERIES = "SERIES"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the icon of a record must be, and rules that it then breaks."""

    rule: IconRule
    broken: tuple[IconRule, ...] = ()


class Choices:
    """Answers which icon a record gets; the same question is thought over once."""

    def __init__(self, profiles: Iterable[ApplicationProfile], *, optional: bool) -> None:
        """Take the profiles that the File-set claims, and whether icons are made that none of them requires."""
        self._profiles = tuple(profiles)
        self._optional = optional
        self._known: dict[tuple[str, tuple[str, ...]], Choice | None] = {}

    def for_record(self, record_type: str, covered_by: tuple[str, ...]) -> Choice | None:
        """Return the icon of a record, None where it gets none.

        Args:
            record_type: As in (0004,1430).
            covered_by: Identifiers of the profiles that cover the instance; ``()`` for all.
        """
        asked = (record_type, covered_by)
        if asked not in self._known:
            self._known[asked] = self._choose(record_type, covered_by)
        return self._known[asked]

    @property
    def any(self) -> bool:
        """Tell whether any record may get an icon."""
        return self._optional or any(rule.required for profile in self._profiles for rule in profile.directory.icons)

    def findings(self) -> tuple[Finding, ...]:
        """Return what is wrong with the rules that were asked for so far: those that no icon can meet together."""
        pairs = {(c.rule.clause, rule.clause): (c.rule, rule) for c in self._known.values() if c for rule in c.broken}
        return tuple(_differ(*pair) for pair in pairs.values())

    def _choose(self, record_type: str, covered_by: tuple[str, ...]) -> Choice | None:
        covering = [profile for profile in self._profiles if not covered_by or profile.id in covered_by]
        rules = [rule for profile in covering for rule in profile.directory.icons if record_type in rule.records]
        if any(rule.required for rule in rules) or (self._optional and rules):
            return together(rules)
        return Choice(_base(record_type)) if self._optional and _may_have_icon(record_type) else None


def together(rules: Sequence[IconRule]) -> Choice:
    """Return one rule that meets as many as can be met, those that require an icon first."""
    first, *others = sorted(rules, key=lambda rule: not rule.required)
    broken = []
    for other in others:
        sizes = _agreed(first.rows, other.rows), _agreed(first.columns, other.columns), _agreed(first.bits, other.bits)
        photometric = tuple(p for p in first.photometric or other.photometric if p in (other.photometric or (p,)))
        if None in sizes or not (photometric or not (first.photometric or other.photometric)):
            broken.append(other)
            continue
        rows, columns, bits = (size or 0 for size in sizes)
        clause = "; ".join(dict.fromkeys((*first.clause.split("; "), *other.clause.split("; "))))
        first = replace(first, rows=rows, columns=columns, bits=bits, photometric=photometric, clause=clause)
    return Choice(first, tuple(broken))


def _agreed(one: int, other: int) -> int | None:
    """Return a number that meets both, where 0 leaves it open; None where there is none."""
    return one or other if not (one and other) or one == other else None


def _may_have_icon(record_type: str) -> bool:
    """Tell whether an icon may be in a record of an instance where no profile speaks of it (PS3.3 F.5, F.7)."""
    known = record_types().get(record_type)
    return record_type != SERIES and known is not None and any(key.keyword == ICON_IMAGE_SEQUENCE for key in known.keys)


def _base(record_type: str) -> IconRule:
    return IconRule((record_type,), False, USUAL_SIZE, USUAL_SIZE, 8, ("MONOCHROME2",), "PS3.3 F.7")


def _differ(kept: IconRule, broken: IconRule) -> Finding:
    return Finding(
        code="icon-rules-differ",
        severity=Severity.WARNING,
        location="DICOMDIR",
        what=f"the icons of {', '.join(kept.records)} records are {_said(kept)} as {kept.clause} asks",
        expected=f"{_said(broken)} as well",
        clause=broken.clause,
        remedy="Make two media, one under each profile.",
    )


def _said(rule: IconRule) -> str:
    kind = " or ".join(rule.photometric) or "of any kind"
    return f"{rule.rows or 'any'} x {rule.columns or 'any'}, {kind}"
