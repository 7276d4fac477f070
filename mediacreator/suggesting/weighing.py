"""Weigh what a family of profiles holds of some instances, and what it does not and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mediacreator.model import Finding
from mediacreator.rules.profile import Option
from mediacreator.select.admission import Admission, Refusal, admit
from mediacreator.suggesting.families import Family
from mediacreator.suggesting.groups import Group
from mediacreator.transcode.choose import Compression, Target, target_for
from mediacreator.transcode.reach import Traits
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
        self._answers: dict[Family, Sequence[tuple[Option, ...] | Finding]] = {}
        self._targets: dict[object, Target | NotEncoded] = {}
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
        for group, answer in zip(self._groups, self._answered(family), strict=True):
            found = answer if isinstance(answer, Finding) else self._stored(group.traits, answer, compression)
            if not isinstance(found, Target):
                against.setdefault(found.code, []).append((found, group.count))
                continue
            count += group.count
            images += group.count if group.traits.pixels else 0
            changed = found.quality or found.transfer_syntax_uid != group.traits.transfer_syntax_uid
            transcoded += group.count if changed else 0
            size += group.size(found)
        return Held(count, images, transcoded, size, _reasons(against))

    def _answered(self, family: Family) -> Sequence[tuple[Option, ...] | Finding]:
        """Return of each group how its instances may be stored, or the first reason why they cannot be."""
        if family not in self._answers:
            self._answers[family] = [self._answer(family, group) for group in self._groups]
        return self._answers[family]

    def _answer(self, family: Family, group: Group) -> tuple[Option, ...] | Finding:
        header = group.sample
        admission = self._admission(family, header.sop_class_uid)
        if isinstance(admission, Refusal):
            return admission.finding
        if admission.record_type == "PRIVATE":
            return family.claim.options_for_private()
        verdict = family.judge.verdict(header.attributes, header.sop_class_uid)
        return verdict.options if verdict.profiles else verdict.findings[0]

    def _stored(self, traits: Traits, options: tuple[Option, ...], compression: Compression) -> Target | NotEncoded:
        """Return the best way to store an instance; asked once for each of the few answers to how it may be stored."""
        asked = traits, tuple([(one.transfer_syntax_uid, one.photometric) for one in options]), compression
        if asked not in self._targets:
            self._targets[asked] = target_for(traits, options, compression)
        return self._targets[asked]

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
