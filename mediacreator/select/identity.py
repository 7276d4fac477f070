"""Whom an instance belongs to, as it says itself, and how far two such statements speak of one person.

Nothing is merged quietly: EQUAL differs in writing only, CONFIRM is for a person to decide, DIFFERENT stops the job.
The grades and their reasons stand in docs/adr/0003-identity-firewall.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from mediacreator.dicomio.text import decode_text
from mediacreator.model import Attributes
from mediacreator.select.names import PersonName, Same, compare_names, parse_name

IDENTITY_KEYWORDS = (
    "PatientID",
    "IssuerOfPatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "SpecificCharacterSet",
)
"""What an Identity is made of."""

MANY = 64
"""Identities under one Patient ID or study beyond which they are not compared any more: they are not one person."""

_SEX = {"M": "M", "MALE": "M", "F": "F", "FEMALE": "F"}


class Grade(IntEnum):
    """How far two identities are one person's, from the safest on."""

    EQUAL = 0
    CONFIRM = 1
    DIFFERENT = 2


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """What instances say of their patient, decoded; one object for each different statement."""

    patient_id: str
    issuer: str
    name_text: str
    birth_date: str
    sex: str

    @property
    def name(self) -> PersonName:
        """Return the name folded for comparison."""
        return parse_name(self.name_text)

    @property
    def order(self) -> tuple[int, str, str, str, str, str]:
        """Sort by what is said, the most complete first, so that the order of the sources does not matter."""
        valued = sum(map(bool, (self.patient_id, self.issuer, self.birth_date, self.sex)))
        complete = 8 * valued + self.name.completeness
        return (-complete, self.patient_id, self.name_text, self.issuer, self.birth_date, self.sex)

    def shown(self) -> str:
        """Return it as a person reads it: for an interactive terminal only."""
        issuer = f" ({self.issuer})" if self.issuer else ""
        return ", ".join(
            (
                f"name {self.name_text or '-'}",
                f"ID {self.patient_id or '-'}{issuer}",
                f"born {self.birth_date or '-'}",
                f"sex {self.sex or '-'}",
            )
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """How far two identities agree, and the keywords of what does not."""

    grade: Grade
    keywords: tuple[str, ...] = ()


class Identities:
    """Makes one Identity of each different statement, however often it is met."""

    def __init__(self) -> None:
        self._by_bytes: dict[tuple[bytes | None, ...], Identity] = {}
        self._by_text: dict[tuple[str, ...], Identity] = {}

    def of(self, values: tuple[bytes | None, ...]) -> Identity:
        """Return the Identity of values in the order of IDENTITY_KEYWORDS."""
        known = self._by_bytes.get(values)
        if known is not None:
            return known
        character_set = values[5] or b""
        patient_id, issuer = (decode_text(value or b"", character_set, "LO").strip() for value in values[:2])
        name = decode_text(values[2] or b"", character_set, "PN").strip()
        birth_date, sex = ((value or b"").decode("ascii", "replace").strip(" \0") for value in values[3:5])
        text = (patient_id, issuer, name, birth_date, sex)
        identity = self._by_text.setdefault(text, Identity(*text))
        self._by_bytes[values] = identity
        return identity

    def of_attributes(self, attributes: Attributes) -> Identity:
        """Return the Identity that a header states."""
        return self.of(tuple(attributes.get(keyword) for keyword in IDENTITY_KEYWORDS))


@lru_cache(maxsize=65536)
def compare(one: Identity, other: Identity) -> Compared:
    """Grade two identities that share a Patient ID or a study; the Patient ID itself is the caller's to look at."""
    contradictions = tuple(
        keyword
        for keyword, differs in (
            ("IssuerOfPatientID", _valued_and_different(one.issuer, other.issuer)),
            ("PatientBirthDate", _dates_contradict(one.birth_date, other.birth_date)),
            ("PatientSex", _sexes_contradict(one.sex, other.sex)),
        )
        if differs
    )
    if contradictions:
        return Compared(Grade.DIFFERENT, contradictions)
    grade = _grade_of_names(one, other)
    return Compared(grade, ("PatientName",)) if grade else Compared(grade, differing_keywords((one, other)))


def differing_keywords(identities: Iterable[Identity]) -> tuple[str, ...]:
    """Return the keywords whose values differ at all between identities."""
    rows = [(i.patient_id, i.issuer, i.name_text, i.birth_date, i.sex) for i in identities]
    return tuple(
        keyword
        for keyword, column in zip(IDENTITY_KEYWORDS, zip(*rows, strict=True), strict=False)
        if len({*column}) > 1
    )


def worst(ones: Iterable[Identity], others: Sequence[Identity]) -> Grade:
    """Return the worst grade of any identity of one side against any of another."""
    return max((compare(one, other).grade for one in ones for other in others), default=Grade.EQUAL)


def cluster(
    identities: Iterable[Identity], seeds: Sequence[Sequence[Identity]] = (), *, near: dict[Identity, set[str]]
) -> list[list[Identity]]:
    """Divide identities into groups in which everyone is EQUAL to everyone else.

    An identity that says too little, so that it would be EQUAL to members of two groups, is put into the one with which
    it shares a study, and stands alone where that does not decide: it is nobody's to guess whose it is.

    Args:
        identities: To divide; their order does not matter.
        seeds: Groups that are there already; they come first in the result, and grow.
        near: The studies in which each identity is met.
    """
    groups = [list(seed) for seed in seeds]
    ordered = sorted(identities, key=lambda identity: identity.order)
    if len(ordered) + sum(map(len, groups)) > MANY:
        return groups + [[identity] for identity in ordered]
    for identity in ordered:
        fits = _fitting(identity, groups)
        if len(fits) == 1:
            fits[0].append(identity)
        else:
            groups.append([identity])
    ambiguous = [identity for identity in ordered if len(_fitting(identity, groups)) > 1]
    for identity in ambiguous:
        _take_out(identity, groups)
    groups = [group for number, group in enumerate(groups) if group or number < len(seeds)]
    for identity in ambiguous:
        fits = [group for group in _fitting(identity, groups) if any(near[identity] & near[other] for other in group)]
        if len(fits) == 1:
            fits[0].append(identity)
        else:
            groups.append([identity])
    return groups


def _fitting(identity: Identity, groups: list[list[Identity]]) -> list[list[Identity]]:
    """Return the groups in which an identity is EQUAL to every other member."""
    return [
        group
        for group in groups
        if group and all(other is identity or compare(identity, other).grade is Grade.EQUAL for other in group)
    ]


def _take_out(identity: Identity, groups: list[list[Identity]]) -> None:
    for group in groups:
        if identity in group:
            group.remove(identity)


def _grade_of_names(one: Identity, other: Identity) -> Grade:
    same = compare_names(one.name, other.name)
    same_birth = bool(one.birth_date) and one.birth_date == other.birth_date
    if same is Same.EQUAL:
        return Grade.EQUAL
    if same is Same.ASK or (same is Same.NEAR and same_birth):
        return Grade.CONFIRM
    same_sex = one.sex.upper() in _SEX and other.sex.upper() in _SEX  # equal, since they do not contradict
    if same is Same.FAMILY_CHANGED and same_birth and same_sex:
        return Grade.CONFIRM
    return Grade.DIFFERENT


def _valued_and_different(one: str, other: str) -> bool:
    return bool(one) and bool(other) and one.casefold() != other.casefold()


def _dates_contradict(one: str, other: str) -> bool:
    """Tell whether two dates differ; one that gives less (1950, 195012) agrees with one that begins so."""
    short, long = sorted(("".join(filter(str.isdecimal, date)) for date in (one, other)), key=len)
    if not short or short == long:
        return False
    return not (len(short) in (4, 6) and long.startswith(short))


def _sexes_contradict(one: str, other: str) -> bool:
    """Tell whether one is male and the other female; O, unknown and empty contradict nothing."""
    return {_SEX.get(one.upper(), ""), _SEX.get(other.upper(), "")} == {"M", "F"}
