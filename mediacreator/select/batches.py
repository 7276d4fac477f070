"""Put headers together that agree in everything above the instance.

With tens of thousands of instances there is time for a few look-ups each: what is true of all headers of a ``Batch`` is
worked out once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mediacreator.model import Attributes, Header
from mediacreator.rules.claim import Claim
from mediacreator.select.admission import HELD, Admission
from mediacreator.select.identity import IDENTITY_KEYWORDS, Identities, Identity

NO_NUMBER = 2**40
"""Sorts what has no readable number last."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The attributes above the instance, as the records of the Claim have them."""

    keywords: tuple[str, ...]  # identity, then study, then series
    study: slice
    series: slice

    @classmethod
    def of(cls, claim: Claim) -> Levels:
        """Take the keys of STUDY and SERIES records that are single values, and what tells persons apart."""
        study, series = (
            tuple(
                key.keyword
                for key in claim.keys_for(record_type)
                if key.vr != "SQ" and not key.source and key.keyword not in IDENTITY_KEYWORDS
            )
            for record_type in ("STUDY", "SERIES")
        )
        first, second = len(IDENTITY_KEYWORDS), len(IDENTITY_KEYWORDS) + len(study)
        return cls((*IDENTITY_KEYWORDS, *study, *series), slice(first, second), slice(second, second + len(series)))


@dataclass(slots=True, eq=False)
class Batch:
    """Headers with the same bytes in every attribute of ``Levels``, and one SOP Class; in the order of the sources."""

    values: tuple[bytes | None, ...]
    sop_class_uid: str
    identity: Identity
    study_uid: str
    series_uid: str
    headers: list[Header]
    admission: Admission | None = None
    profiles: tuple[str, ...] = ()  # identifiers of those of the Claim that cover all of them

    @property
    def held(self) -> bool:
        """Whether these stand for what the File-set holds already: they tell whose the others are."""
        return self.sop_class_uid == HELD

    @property
    def has_person(self) -> bool:
        """Whether the instances belong to a patient, or stand at the root of the directory."""
        if self.admission is None:
            return bool(self.study_uid)
        if self.admission.record_type == "PRIVATE":
            return bool(self.study_uid or self.series_uid)
        return not self.admission.at_root

    @property
    def first(self) -> int:
        """Number of its first source."""
        return self.headers[0].source.number

    def with_headers(self, headers: list[Header], profiles: tuple[str, ...] | None = None) -> Batch:
        """Return a batch of some of its headers, covered by the profiles that are given or by the same ones."""
        known = self.profiles if profiles is None else profiles
        if len(headers) == len(self.headers) and known == self.profiles:
            return self
        stated = (self.values, self.sop_class_uid, self.identity, self.study_uid, self.series_uid)
        return Batch(*stated, headers, self.admission, known)


def batches_of(headers: Iterable[Header], levels: Levels) -> list[Batch]:
    """Put together headers that agree in everything above the instance, in the order of the sources."""
    keywords = levels.keywords
    found: dict[tuple[Any, ...], list[Header]] = {}
    for header in headers:
        stated = (header.sop_class_uid, *map(header.attributes.get, keywords))
        if stated in found:
            found[stated].append(header)
        else:
            found[stated] = [header]
    identities = Identities()
    count = len(IDENTITY_KEYWORDS)
    study, series = (1 + keywords.index(keyword) for keyword in ("StudyInstanceUID", "SeriesInstanceUID"))
    studies: dict[bytes | None, str] = {}
    batches = []
    for key, together in found.items():
        values: tuple[bytes | None, ...] = key[1:]
        study_uid = studies.get(key[study])
        if study_uid is None:
            study_uid = studies[key[study]] = uid_text(key[study])
        identity = identities.of(values[:count])
        batches.append(Batch(values, key[0], identity, study_uid, uid_text(key[series]), together))
    return batches


def uid_text(value: bytes | None) -> str:
    """Return a UID without its padding (PS3.5 9.1)."""
    return value.decode("ascii", "replace").strip(" \0") if value else ""


def number_of(attributes: Attributes, keyword: str) -> int:
    """Return an Integer String to sort by; ``NO_NUMBER`` where it is none."""
    try:
        return int(attributes[keyword])
    except (KeyError, ValueError):
        pass
    try:
        return int(attributes[keyword].strip(b" \0"))
    except (KeyError, ValueError):
        return NO_NUMBER
