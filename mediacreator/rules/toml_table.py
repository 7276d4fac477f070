"""Read TOML into tables that know where they and their fields stand, so that what is wrong can be shown.

``tomllib`` gives values without places. A second pass over the same text, known to be TOML by then, finds the lines.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field

from mediacreator.errors import UsageError


class Table(dict[str, object]):
    """A table of a TOML file with its place and those of its fields, also after tables have been merged."""

    def __init__(self, values: Mapping[str, object], at: str, places: Mapping[str, str]) -> None:
        super().__init__(values)
        self.at = at  # annex-d.toml:12; the file alone for its top level
        self.places = dict(places)  # by field

    def merged(self, more: Table) -> Table:
        """Return this table with another in it: tables merge, lists grow, values replace."""
        values = dict(self)
        for key, value in more.items():
            there = values.get(key)
            if isinstance(there, Table) and isinstance(value, Table):
                values[key] = there.merged(value)
            elif isinstance(there, list) and isinstance(value, list):
                values[key] = there + value
            else:
                values[key] = value
        return Table(values, more.at, {**self.places, **more.places})

    def having(self, values: Mapping[str, object]) -> Table:
        """Return this table with some fields replaced, at their old places."""
        return Table({**self, **values}, self.at, self.places)

    def only(self, *keys: str) -> Table:
        """Return this table with no other fields than these."""
        return Table({key: self[key] for key in keys if key in self}, self.at, self.places)

    def without(self, *keys: str) -> Table:
        """Return this table without some fields."""
        return Table({key: value for key, value in self.items() if key not in keys}, self.at, self.places)

    def text(self, key: str) -> str:
        """Return a field as text, ``""`` where it is absent."""
        return str(self.get(key, ""))

    def texts(self, key: str) -> list[str]:
        """Return the members of a list field as text."""
        found = self.get(key, [])
        return [str(value) for value in found] if isinstance(found, list) else []

    def rows(self, key: str) -> list[Table]:
        """Return the tables in a list field."""
        found = self.get(key, [])
        return [row for row in found if isinstance(row, Table)] if isinstance(found, list) else []


def read_table(name: str, text: str) -> Table:
    """Return the top level of a TOML file.

    Args:
        name: Of the file, as messages show it.
        text: What it holds.

    Raises:
        UsageError: It is not TOML; the message says in which line.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(exc))
        line = (found[1] if found else "") or text.rstrip().count("\n") + 1
        raise UsageError(f"{name}:{line}: {str(exc)[: found.start()] if found else exc}") from exc
    table = _placed(raw, _Scanner(text).document(), name)
    table.at = name
    return table


@dataclass(slots=True)
class _Node:
    """A table as the scanner sees it: lines alone."""

    line: int
    fields: dict[str, tuple[int, object]] = field(default_factory=dict)  # line, and a _Node, a list of such or None


def _placed(raw: Mapping[str, object], node: object, name: str, line: int = 1) -> Table:
    seen = node if isinstance(node, _Node) else _Node(line)
    values, places = {}, {}
    for key, value in raw.items():
        at, inner = seen.fields.get(key, (seen.line, None))
        places[key] = f"{name}:{at}"
        values[key] = _value(value, inner, name, at)
    return Table(values, f"{name}:{seen.line}", places)


def _value(value: object, node: object, name: str, line: int) -> object:
    if isinstance(value, dict):
        return _placed(value, node, name, line)
    if isinstance(value, list):
        inner = node if isinstance(node, list) and len(node) == len(value) else [None] * len(value)
        return [_value(member, below, name, line) for member, below in zip(value, inner, strict=True)]
    return value


_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\]|\\.)*"|' + r"'[^']*'", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}#\n]*")


class _Scanner:
    """Finds in which lines the tables and fields of a text stand that is known to be TOML."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def document(self) -> _Node:
        root = current = _Node(1)
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return root
            if self._text.startswith("[", self._at):
                current = self._header(root)
            else:
                self._field(current)

    def _header(self, root: _Node) -> _Node:
        line, array = self._line(), self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        *parents, last = self._keys()
        self._at += 2 if array else 1
        within = _descend(root, parents, line)
        made = _Node(line)
        there = within.fields.get(last, (line, None))
        if array:
            rows = there[1] if isinstance(there[1], list) else []
            within.fields[last] = (there[0], [*rows, made])
        elif isinstance(there[1], _Node):
            made = there[1]
            made.line = line
        else:
            within.fields[last] = (line, made)
        return made

    def _field(self, table: _Node) -> None:
        line = self._line()
        *parents, last = self._keys()
        self._at += 1  # =
        _descend(table, parents, line).fields[last] = (line, self._value())

    def _keys(self) -> list[str]:
        found = []
        while True:
            self._skip(_SPACE)
            found.append(self._take(_KEY).strip("\"'"))
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return found
            self._at += 1

    def _value(self) -> object:
        self._skip(_SPACE)
        opened = self._text[self._at]
        if opened == "{":
            return self._inline()
        if opened == "[":
            return self._array()
        self._take(_STRING if opened in "\"'" else _SCALAR)
        return None

    def _inline(self) -> _Node:
        node = _Node(self._line())
        self._at += 1
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == "}":
                self._at += 1
                return node
            if self._text[self._at] == ",":
                self._at += 1
            else:
                self._field(node)

    def _array(self) -> list[object]:
        members: list[object] = []
        self._at += 1
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == "]":
                self._at += 1
                return members
            if self._text[self._at] == ",":
                self._at += 1
            else:
                members.append(self._value())

    def _skip(self, what: re.Pattern[str]) -> None:
        self._take(what)

    def _take(self, what: re.Pattern[str]) -> str:
        found = what.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1


def _descend(node: _Node, keys: list[str], line: int) -> _Node:
    """Return the table below, the last one where there are several."""
    for key in keys:
        _, below = node.fields.setdefault(key, (line, _Node(line)))
        inner = below[-1] if isinstance(below, list) and below else below
        if not isinstance(inner, _Node):
            return _Node(line)
        node = inner
    return node
