"""Named predicates: how a row of ``file_systems.csv`` is asked of a volume. Each yields what is not as it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from mediacreator.suiting import archives, discs, sticks
from mediacreator.suiting.volumes import Deviation, JudgedFat, JudgedIso, JudgedMail, JudgedUdf, JudgedZip, Subject

V = TypeVar("V", Subject, JudgedIso, JudgedUdf, JudgedFat, JudgedZip, JudgedMail)


@dataclass(frozen=True, slots=True)
class Predicate(Generic[V]):
    """A question, and what it can be asked of."""

    kind: type[V]
    test: Callable[[V, str], Iterable[Deviation]]

    def deviations(self, subject: Subject, argument: str) -> Iterator[Deviation]:
        """Yield the deviations of a medium: of itself, or of each of its volumes that is of the kind."""
        for one in (subject, *subject.volumes):
            if isinstance(one, self.kind):
                yield from self.test(one, argument)


def carries(subject: Subject, argument: str) -> Iterator[Deviation]:
    """Find a medium without any file system that it may carry.

    Args:
        subject: Of a kind, which says what it may carry.
        argument: What is no error besides, joined with ``;``.
    """
    if subject.names.isdisjoint((*subject.medium.file_system.split(";"), *argument.split(";"))):
        yield Deviation("medium", f"{subject.medium.name} with {_listed(subject)}")


def is_of(subject: Subject, argument: str) -> Iterator[Deviation]:
    """Find a medium that has one file system, and none that its kind has by rights."""
    if argument in subject.names and subject.names.isdisjoint(subject.medium.file_system.split(";")):
        yield Deviation("medium", f"{subject.medium.name} with {_listed(subject)}")


def _listed(subject: Subject) -> str:
    return " and ".join(dict.fromkeys(volume.words for volume in subject.volumes)) or "no file system that can be read"


PREDICATES: Mapping[str, Predicate[Any]] = MappingProxyType(
    {
        **{test.__name__: Predicate(Subject, test) for test in (carries, is_of)},
        **{test.__name__: Predicate(JudgedIso, test) for test in discs.OF_ISO9660},
        **{test.__name__: Predicate(JudgedUdf, test) for test in discs.OF_UDF},
        **{test.__name__: Predicate(JudgedFat, test) for test in sticks.OF_FAT},
        **{test.__name__: Predicate(JudgedZip, test) for test in archives.OF_ZIP},
        **{test.__name__: Predicate(JudgedMail, test) for test in archives.OF_MAIL},
    }
)
"""By the name that rows give."""
