"""What the profiles of a Claim say of an instance; those that look alike to the rules are judged once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mediacreator.model import Attributes, Finding, Severity
from mediacreator.rules.checks import CHECKS
from mediacreator.rules.judge import PHOTOMETRIC, asked_keys, options, reasons, union
from mediacreator.rules.predicates import LOOKS_AT
from mediacreator.rules.profile import ApplicationProfile, Constraint, Option
from mediacreator.rules.tables import Key
from mediacreator.rules.values import has_value

_MOST = 4096
"""Verdicts that are kept: a series has a few at most, and a Claim lives as long as the program."""

_Signature = tuple[str, tuple[bytes | None, ...], tuple[bool, ...]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the profiles of a Claim say of instances that look alike to them."""

    profiles: tuple[str, ...]  # identifiers of those that cover them
    options: tuple[Option, ...]  # of the profiles that cover them
    findings: tuple[Finding, ...]  # why none does, or what those that do remark; locations are empty

    def reason(self, location: str) -> Finding:
        """Return one Finding of all that keeps an instance from the medium; it has the code of the first."""
        return replace(joined(self.findings), location=location)


class Judge:
    """Judges many instances by the profiles of one Claim.

    ``keywords`` are the attributes whose values a verdict depends on, ``keys`` those of which it matters that they have
    one. Of the keywords ``checks`` look at all but ``values``: what they answer matters, and no more.
    """

    def __init__(self, profiles: Sequence[ApplicationProfile]) -> None:
        self._profiles = tuple(profiles)
        self.keywords = tuple(dict.fromkeys(word for profile in profiles for word in judged_keywords(profile)))
        self.checks = tuple(
            dict.fromkeys(one.check for profile in profiles for one in _constraints(profile) if one.check)
        )
        self.values = tuple(
            dict.fromkeys(word for profile in profiles for word in judged_keywords(profile, checks=False))
        )
        keys = (key for profile in profiles for record in profile.directory.keys for key in asked_keys(profile, record))
        self.keys = tuple({key.tag: key for key in keys}.values())
        self._verdicts: dict[_Signature, Verdict] = {}

    @property
    def looks_at_attributes(self) -> bool:
        """Whether verdicts depend on more than the SOP Class."""
        return bool(self.keywords or self.keys)

    def verdict(self, attributes: Attributes, sop_class_uid: str) -> Verdict:
        """Return what the profiles say of an instance that is to be written."""
        get = attributes.get
        signature = (
            sop_class_uid,
            tuple([get(keyword) for keyword in self.keywords]),
            tuple([has_value(get(key.keyword), key.vr) for key in self.keys]),
        )
        known = self._verdicts.get(signature)
        if known is None:
            if len(self._verdicts) >= _MOST:
                self._verdicts.clear()
            known = self._verdicts[signature] = self._judged(attributes, sop_class_uid)
        return known

    def _judged(self, attributes: Attributes, sop_class_uid: str) -> Verdict:
        covering: list[ApplicationProfile] = []
        remarks: list[Finding] = []
        against: list[Finding] = []
        for profile in self._profiles:
            found = reasons(profile, attributes, sop_class_uid)
            errors = [finding for finding in found if finding.severity is Severity.ERROR]
            if errors:
                against += _under(profile, errors) if len(self._profiles) > 1 else errors
            else:
                covering.append(profile)
                remarks += found
        possible = union(o for profile in covering for o in options(profile, attributes, sop_class_uid))
        findings = remarks if covering else against
        return Verdict(tuple(profile.id for profile in covering), possible, tuple(findings))


def _under(profile: ApplicationProfile, findings: Sequence[Finding]) -> list[Finding]:
    """Say of which profile the first Finding speaks, where there are several."""
    return [replace(findings[0], what=f"under {profile.id}: {findings[0].what}"), *findings[1:]]


def joined(findings: Sequence[Finding]) -> Finding:
    """Return several Findings as one, with code, severity and location of the first: no broken rule is left unsaid."""
    first = findings[0]
    return replace(
        first,
        what="; ".join(dict.fromkeys(finding.what for finding in findings)),
        expected="; ".join(dict.fromkeys(finding.expected for finding in findings)),
        clause="; ".join(dict.fromkeys(finding.clause for finding in findings if finding.clause)),
        remedy=" ".join(dict.fromkeys(finding.remedy for finding in findings)),
    )


def judged_keywords(profile: ApplicationProfile, *, checks: bool = True) -> tuple[str, ...]:
    """Return the attributes whose values the verdict of a profile depends on, or those besides what checks look at."""
    found = dict.fromkeys(key.keyword for key in judged_attributes(profile, checks=checks))
    found.update(dict.fromkeys(one.same_as for one in _constraints(profile) if one.same_as))
    if profile.pairings:
        found[PHOTOMETRIC] = None
    for record in profile.directory.keys:
        for key in asked_keys(profile, record):
            found.update(dict.fromkeys(LOOKS_AT.get(key.condition, ())))
    return tuple(found)


def judged_attributes(profile: ApplicationProfile, *, checks: bool = True) -> Iterator[Key]:
    """Yield what the rules of a profile must be given, or those of them that are no checks."""
    for one in _constraints(profile):
        if one.check and checks:
            yield from CHECKS[one.check].keys
        elif not one.check:
            yield Key(one.keyword, one.tag, one.vr, type="3", condition="", keep="", source="", clause="PS3.11 X.3.4")


def _constraints(profile: ApplicationProfile) -> Iterator[Constraint]:
    for row in profile.objects:
        yield from row.where
    for rule in profile.attributes:
        yield from rule.where
        yield rule.constraint
