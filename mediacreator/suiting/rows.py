"""Load ``tables/file_systems.csv``: what PS3.12 asks of the file system of each medium."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from mediacreator.errors import InternalError
from mediacreator.model import Severity
from mediacreator.rules.tables import _columns, _rows, _unique, media_formats
from mediacreator.suiting.predicates import PREDICATES


@dataclass(frozen=True, slots=True)
class FileSystemRow:
    """One thing that is asked of a medium."""

    code: str  # of the Finding
    media: tuple[str, ...]  # keys of media_formats
    predicate: str  # name in suiting.predicates
    argument: str
    severity: Severity
    expected: str
    clause: str
    remedy: str


@cache
def file_system_rows() -> tuple[FileSystemRow, ...]:
    """Return what is asked, in the order of the table."""
    name = "file_systems.csv"
    rows = tuple(
        FileSystemRow(
            **{**row, "media": tuple(row["media"].split(";")), "severity": Severity(row["severity"])}  # type: ignore[arg-type]  # the columns are the fields
        )
        for row in _rows(name, _columns(FileSystemRow))
    )
    _unique(name, (((medium, row.predicate, row.argument), row) for row in rows for medium in row.media))
    unknown = {row.predicate for row in rows} ^ PREDICATES.keys()
    unknown |= {medium for row in rows for medium in row.media} - media_formats().keys()
    unknown |= {row.code for row in rows if not (row.expected and row.remedy)}
    if unknown:
        raise InternalError(f"tables/{name}: not known, not used or without words: {sorted(unknown)}")
    return rows
