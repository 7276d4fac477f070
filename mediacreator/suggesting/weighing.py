"""Weigh what a family of profiles holds of some instances, and what it does not and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mediacreator.model import Finding
from mediacreator.select.admission import Admission, Refusal, admit
from mediacreator.suggesting.families import Family
from mediacreator.suggesting.groups import Group
from mediacreator.transcode.choose import Compression, Target, target_for
from mediacreator.transcode.refusal import Refusal as NotEncoded


@dataclass(frozen=True, slots=True)
class Reason:
    """Why instances cannot be on a medium."""

    code: str  # of a Finding
    count: int  # instances
    what: str  # was found, in the first of them; never identity
    clause: str


@dataclass(frozen=True, slots=True)
class Held:
    """What the profiles of a family hold with one way to compress."""

    count: int
    images: int  # of them with Pixel Data
    transcoded: int
    size: int  # bytes of the files, reckoned where they must be encoded
    reasons: tuple[Reason, ...]  # why others are not held, the most frequent first

    @property
    def refused(self) -> int:
        """Return how many instances are not held."""
        return sum(reason.count for reason in self.reasons)


class Scales:
    """Weighs groups of instances by families of profiles, and remembers what it found."""

    def __init__(self, groups: Iterable[Group], private_sop_classes: Mapping[str, str]) -> None:
        self._groups = tuple(groups)
        self._private = private_sop_classes
        self._admissions: dict[tuple[Family, str], Admission | Refusal] = {}
        self._held: dict[tuple[Family, Compression], Held] = {}

    def held(self, family: Family, compression: Compression) -> Held:
        """Return what the profiles of a family hold. Source: PS3.11 X.3.1, X.3.3 and X.3.4."""
        asked = family, compression
        if asked not in self._held:
            self._held[asked] = self._weigh(family, compression)
        return self._held[asked]

    def _weigh(self, family: Family, compression: Compression) -> Held:
        count = images = transcoded = size = 0
        against: dict[str, list[tuple[Finding | NotEncoded, int]]] = {}
        for group in self._groups:
            found = self._target(family, group, compression)
            if not isinstance(found, Target):
                against.setdefault(found.code, []).append((found, group.count))
                continue
            count += group.count
            images += group.count if group.traits.pixels else 0
            changed = found.quality or found.transfer_syntax_uid != group.traits.transfer_syntax_uid
            transcoded += group.count if changed else 0
            size += group.size(found)
        return Held(count, images, transcoded, size, _reasons(against))

    def _target(self, family: Family, group: Group, compression: Compression) -> Target | Finding | NotEncoded:
        """Return how instances go on the medium, or the first reason why they cannot."""
        header = group.sample
        admission = self._admission(family, header.sop_class_uid)
        if isinstance(admission, Refusal):
            return admission.finding
        if admission.record_type == "PRIVATE":
            return target_for(group.traits, family.claim.options_for_private(), compression)
        verdict = family.judge.verdict(header.attributes, header.sop_class_uid)
        if not verdict.profiles:
            return verdict.findings[0]
        return target_for(group.traits, verdict.options, compression)

    def _admission(self, family: Family, sop_class_uid: str) -> Admission | Refusal:
        asked = family, sop_class_uid
        if asked not in self._admissions:
            self._admissions[asked] = admit(sop_class_uid, family.claim, self._private)
        return self._admissions[asked]


def _reasons(against: Mapping[str, Sequence[tuple[Finding | NotEncoded, int]]]) -> tuple[Reason, ...]:
    """Return one Reason for each code, the most frequent first."""
    found = (
        Reason(code, sum(count for _, count in members), members[0][0].what, members[0][0].clause)
        for code, members in against.items()
    )
    return tuple(sorted(found, key=lambda reason: -reason.count))
