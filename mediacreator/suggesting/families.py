"""Profiles that say the same of instances: most identifiers of an annex differ in medium and security alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mediacreator.rules.claim import Claim
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.verdicts import Judge


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Profiles with the same objects, pairings, attribute rules and directory keys."""

    profiles: tuple[ApplicationProfile, ...]
    claim: Claim  # of the first, which speaks for all
    judge: Judge  # the same


def families_of(profiles: Iterable[ApplicationProfile]) -> tuple[Family, ...]:
    """Put profiles together that judge instances alike, in the order of their first ones."""
    together: dict[object, list[ApplicationProfile]] = {}
    for profile in profiles:
        together.setdefault(_rules(profile), []).append(profile)
    return tuple(Family(tuple(alike), Claim(alike[:1]), Judge(alike[:1])) for alike in map(tuple, together.values()))


def _rules(profile: ApplicationProfile) -> object:
    """Return all by which a profile judges an instance, to compare it with that of others."""
    return (
        tuple((row.name, row.sop_classes, row.selector, row.transfer_syntaxes, row.where) for row in profile.objects),
        profile.pairings,
        profile.attributes,
        tuple(sorted(profile.directory.keys.items())),
    )
