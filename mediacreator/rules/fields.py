"""Take the fields of a TOML file one by one, and refuse the file with place and reason where one is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn, TypeVar

from mediacreator.errors import UsageError

T = TypeVar("T")


class Fields:
    """A table of a TOML file, taken field by field, so that what is left over is known to be unknown."""

    def __init__(self, name: str, text: str, place: str, raw: dict[str, object]) -> None:
        self.name = name
        self.text = text
        self.place = place  # "", or the path of the table
        self.raw = raw
        self._taken: set[str] = set()

    def refuse(self, key: str, why: str) -> NoReturn:
        """Raise a UsageError that names file, line, field and reason."""
        lines = [
            number
            for number, line in enumerate(self.text.splitlines(), 1)
            if key in self.raw
            and re.match(rf"(\[+[\w.]*\b{re.escape(key)}\b *\]|.*(^|[\s{{,]){re.escape(key)} *=)", line)
        ]
        at = f":{lines[0]}" if len(lines) == 1 else f":{lines[0]} or below" if lines else ""
        raise UsageError(f"{self.name}{at}: {f'{self.place}.' if self.place else ''}{key}: {why}")

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        """Return a field of a type; refuse the file if it is missing without a default, or of another type."""
        self._taken.add(key)
        value = self.raw.get(key, default)
        if value is None:
            self.refuse(key, "is missing")
        if not isinstance(value, kind):
            self.refuse(key, f"is {value!r}, expected {kind.__name__}")
        return value

    def string(self, key: str, default: str | None = None, of: tuple[str, ...] | Mapping[str, object] = ()) -> str:
        """Return a string field; one of ``of`` if that is given."""
        value = self.take(key, str, default)
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

    def tables(self, key: str, optional: bool = False) -> list[Fields]:
        """Return the rows of an array of tables."""
        rows = self.take(key, list, [] if optional else None)
        place = f"{self.place}.{key}" if self.place else key
        for number, row in enumerate(rows, 1):
            if not isinstance(row, dict):
                self.refuse(key, f"row {number} is {row!r}, expected a table")
        return [Fields(self.name, self.text, f"{place}[{number}]", row) for number, row in enumerate(rows, 1)]

    def table(self, key: str) -> Fields:
        """Return a table inside this one."""
        return Fields(self.name, self.text, f"{self.place}.{key}" if self.place else key, self.take(key, dict))

    def unique(self, key: str, values: list[str] | tuple[str, ...]) -> None:
        """Refuse a list that has something twice."""
        for value in values:
            if values.count(value) > 1:
                self.refuse(key, f"{value!r} stands twice")

    def done(self) -> None:
        """Refuse what nobody took."""
        for key in self.raw.keys() - self._taken:
            self.refuse(key, "is unknown")
