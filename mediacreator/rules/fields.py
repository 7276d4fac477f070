"""Take the fields of a TOML table one by one, and refuse the file with place and reason where one is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn, TypeVar

from mediacreator.errors import UsageError
from mediacreator.rules.toml_table import Table

T = TypeVar("T")


class Refused(UsageError):
    """A file has wrong fields; ``reasons`` holds each with its place."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(dict.fromkeys(reasons))
        super().__init__("\n".join(self.reasons))


class Fields:
    """A table of a TOML file, taken field by field, so that what is left over is known to be unknown."""

    def __init__(self, table: Table, place: str = "") -> None:
        self.table = table
        self.place = place  # "", or the path of the table
        self._taken: set[str] = set()

    def refuse(self, key: str, why: str) -> NoReturn:
        """Raise Refused with file, line, field and reason."""
        raise Refused([self._reason(key, why)])

    def _reason(self, key: str, why: str) -> str:
        at = self.table.places.get(key, self.table.at)
        return f"{at}: {f'{self.place}.' if self.place else ''}{key}: {why}"

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        """Return a field of a type; refuse the file if it is missing without a default, or of another type."""
        self._taken.add(key)
        value = self.table.get(key, default)
        if value is None:
            self.refuse(key, "is missing")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.refuse(key, f"is {value!r}, expected {kind.__name__}")
        return value

    def string(self, key: str, default: str | None = None, of: tuple[str, ...] | Mapping[str, object] = ()) -> str:
        """Return a string field; one of ``of`` if that is given. Without a default it must not be empty."""
        value = self.take(key, str, default)
        if default is None and not value.strip():
            self.refuse(key, "is empty")
        if of and value != default and value not in of:
            self.refuse(key, f"is {value!r}, expected one of {', '.join(sorted(of))}")
        return value

    def strings(self, key: str, default: list[str] | None = None, of: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of strings, each once and each one of ``of`` if that is given."""
        values = [str(value) for value in self.take(key, list, default)]
        if default is None and not values:
            self.refuse(key, "is empty")
        self.unique(key, values)
        for value in values:
            if of and value not in of:
                self.refuse(key, f"{value!r}, expected {', '.join(of)}")
        return tuple(values)

    def tables(self, key: str, *, optional: bool = False) -> list[Fields]:
        """Return the rows of an array of tables; their places have the name of each, or its number."""
        rows = self.take(key, list, [] if optional else None)
        place = f"{self.place}.{key}" if self.place else key
        found = []
        for number, row in enumerate(rows, 1):
            if not isinstance(row, Table):
                self.refuse(key, f"row {number} is {row!r}, expected a table")
            name = next((row.text(word) for word in ("name", "keyword", "value") if row.text(word)), str(number))
            found.append(Fields(row, f"{place}[{name}]"))
        return found

    def each(
        self, key: str, build: Callable[[Fields], T], *, unique: str = "", optional: bool = False
    ) -> tuple[T, ...]:
        """Return what is built of each row of an array of tables; what is wrong in several rows is told together.

        Args:
            key: Of the array.
            build: Takes a row; raises Refused.
            unique: Field whose value no two rows may share.
            optional: Whether the array may be absent.
        """
        made: list[T] = []
        refused: list[str] = []
        seen: set[object] = set()
        for row in self.tables(key, optional=optional):
            try:
                if unique and row.table.get(unique) in seen:
                    row.refuse(unique, f"{row.table.get(unique)!r} stands twice")
                seen.add(row.table.get(unique))
                made.append(build(row))
                row.done()
            except Refused as exc:
                refused += exc.reasons
        if refused:
            raise Refused(refused)
        return tuple(made)

    def inner(self, key: str) -> Fields:
        """Return a table inside this one."""
        table = self.take(key, Table)
        return Fields(table, f"{self.place}.{key}" if self.place else key)

    def unique(self, key: str, values: list[str] | tuple[str, ...]) -> None:
        """Refuse a list that has something twice."""
        for value in values:
            if values.count(value) > 1:
                self.refuse(key, f"{value!r} stands twice")

    def done(self) -> None:
        """Refuse what nobody took."""
        unknown = [self._reason(key, "is unknown") for key in self.table if key not in self._taken]
        if unknown:
            raise Refused(unknown)
