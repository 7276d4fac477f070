"""Ask every row of ``file_systems.csv`` that speaks of a medium, and gather what is not as it should be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from mediacreator.errors import SourceUnreadable
from mediacreator.formats import FileTree
from mediacreator.medium import Medium
from mediacreator.model import Container, Finding, Severity
from mediacreator.rules.tables import MediaFormat, media_formats
from mediacreator.suiting.predicates import PREDICATES
from mediacreator.suiting.rows import FileSystemRow, file_system_rows
from mediacreator.suiting.volumes import Judged, OnIt, Subject, volumes_of

_DICOMDIR = ("DICOMDIR",)
_COPIES = (Container.FILE, Container.ZIP, Container.MAIL)
"""What may hold a copy of a disc or stick, and is not taken for one."""


def check_file_system(tree: FileTree, medium: Medium | None, kind: MediaFormat | None = None) -> tuple[Finding, ...]:
    """Judge whether the file system of a medium is what PS3.12 asks of such a medium.

    Nothing in a file system tells of which kind a medium is. Where nobody says it, the medium is taken for the one
    that it suits best, of those that may have such a file system: what is wrong with that one is wrong with all.

    Args:
        tree: The medium, open.
        medium: With its DICOMDIR; None where that cannot be read, which leaves out what is asked of its files alone.
        kind: What the medium is; None where nobody knows.

    Returns:
        One Finding for each row and medium, with the number of places. What the readers themselves say (``findings`` of
        the tree) is not said again. Nothing of a folder, nor of an archive that holds a copy of a disc or stick.

    Raises:
        SourceUnreadable: The medium cannot be read any more.

    Source: PS3.12 A to X.
    """
    on_it = _on_it(medium)
    volumes, opened = volumes_of(tree, on_it)
    try:
        if kind is not None:
            copied = tree.container in _COPIES and not _may_be(kind, volumes)
            return () if not volumes or copied else tuple(_findings(Subject(kind, volumes)))
        judged = [tuple(_findings(Subject(one, volumes))) for one in _candidates(volumes)]
        return min(judged, key=_weight, default=())
    except OSError as exc:
        raise SourceUnreadable(f"The medium cannot be read: {exc.strerror}.") from exc
    finally:
        for one in opened:
            one.close()


def _on_it(medium: Medium | None) -> OnIt:
    if medium is None:
        return OnIt(None, {})
    files = {file.path: record.file_id for record in medium.instances() if (file := medium.file_of(record)) is not None}
    return OnIt(medium.directory.file_set_id, {**files, medium.dicomdir.path: _DICOMDIR})


def _candidates(volumes: Sequence[Judged]) -> Iterator[MediaFormat]:
    """Yield the media of today that may have such file systems, as the table lists them."""
    for one in media_formats().values():
        if one.status == "current" and _may_be(one, volumes):
            yield one


def _may_be(kind: MediaFormat, volumes: Sequence[Judged]) -> bool:
    """Tell whether a medium has a file system of the family, whatever its revision, level or width."""
    families = {_family(name) for volume in volumes for name in volume.names}
    return not families.isdisjoint(map(_family, kind.file_system.split(";")))


def _family(name: str) -> str:
    return re.split(r"[-\d]", name)[0]


def _weight(findings: Sequence[Finding]) -> tuple[int, int, int]:
    """Return how little a medium suits: the rules that it breaks, the errors among them, and what is but noted."""
    counted = Counter(one.severity for one in findings)
    errors, notes = counted[Severity.ERROR], counted[Severity.NOTE]
    return errors + counted[Severity.WARNING], errors, notes


def _findings(subject: Subject) -> Iterator[Finding]:
    for row in file_system_rows():
        if subject.medium.key in row.media:
            yield from _finding(row, subject)


def _finding(row: FileSystemRow, subject: Subject) -> Iterator[Finding]:
    """Yield what a row finds: its first place, and in how many others it is the same."""
    deviations = PREDICATES[row.predicate].deviations(subject, row.argument)
    first = next(deviations, None)
    if first is not None:
        others = sum(1 for _ in deviations)
        what = f"{first.what}; {others} more like it" if others else first.what
        yield Finding(row.code, row.severity, first.location, what, row.expected, row.clause, row.remedy)
