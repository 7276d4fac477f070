"""What a person asks of selection, and the one thing it must look up: whether two instances hold the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Protocol

from mediacreator.model import Header

NOTHING: Mapping[int, int] = MappingProxyType({})
NO_PRIVATE_CLASSES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Excluded:
    """What shall not be on a medium: everything of these."""

    patients: frozenset[str] = frozenset()  # Patient IDs
    studies: frozenset[str] = frozenset()  # Study Instance UIDs
    series: frozenset[str] = frozenset()  # Series Instance UIDs
    instances: frozenset[str] = frozenset()  # SOP Instance UIDs

    def __bool__(self) -> bool:
        return bool(self.patients or self.studies or self.series or self.instances)


@dataclass(frozen=True, slots=True)
class SelectionRequest:
    """Filters, and the answers to Conflicts. Filters of one kind are alternatives; different kinds must all hold."""

    patients: frozenset[str] = frozenset()  # Patient IDs; empty: all
    studies: frozenset[str] = frozenset()  # Study Instance UIDs; empty: all
    series: frozenset[str] = frozenset()  # Series Instance UIDs; empty: all
    modalities: frozenset[str] = frozenset()  # e.g. CT; empty: all
    same_patient: frozenset[int] = frozenset()  # numbers of Conflicts: yes, the same person
    take: Mapping[int, int] = field(default_factory=lambda: NOTHING)  # number of a Conflict: side to take, from 1
    multi_patient: bool = False  # several patients may share a File-set
    separate: bool = False  # each person gets a File-set of their own
    include_rejected: bool = False  # keep rejection notes and what they reject
    excluded: Excluded = field(default_factory=Excluded)  # what shall not be on the medium, of all that matches
    elsewhere: frozenset[int] = frozenset()  # numbers of sources that go on another medium of the same job
    private_sop_classes: Mapping[str, str] = field(default_factory=lambda: NO_PRIVATE_CLASSES)
    """Private SOP Class UIDs to take as PRIVATE records, each with its Private Record UID ("": the SOP Class UID)."""

    @property
    def filtered(self) -> bool:
        """Whether anything is filtered at all."""
        return bool(self.patients or self.studies or self.series or self.modalities or self.excluded)


class Likeness(Enum):
    """What two instances with one SOP Instance UID have in common."""

    IDENTICAL = "identical"  # the same Data Set
    SAME_PIXELS = "same pixels"  # other attributes or another encoding, the same pixels
    DIFFERENT = "different"
    UNKNOWN = "unknown"  # could not be compared


class Comparer(Protocol):
    """Compares the content of two instances; must not guess."""

    def __call__(self, one: Header, other: Header) -> Likeness:
        """Return what two instances with one SOP Instance UID have in common."""
