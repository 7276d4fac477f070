"""Read ``profiles/*.toml``: one file for each annex class of PS3.11, with axes that expand to its identifiers.

A file is refused, with its name, the line, the field and the reason, when it has unknown, missing or duplicate fields
or rows, or names what the tables do not hold. ``shared.toml`` has no profile: it holds fragments that files include
by name. A site's own folder may hold augmented (``AUG-``) and private (``PRI-``) ones.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import product

from mediacreator.errors import UsageError
from mediacreator.rules.attribute_names import refuse_wrong_attributes
from mediacreator.rules.augmenting import with_base
from mediacreator.rules.fields import Fields
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.profile_rows import PLAIN_PARTS, profile_of
from mediacreator.rules.toml_table import Table, read_table

SHARED = "shared.toml"

_PLAIN = ("identifier", "clauses", *PLAIN_PARTS)
"""Fields that say nothing of rows."""

_AXIS_WORDS = ("value", "words", "remove", "include")


def profiles_folder() -> str:
    """Return where the profiles lie: in the installed package, or beside it in a checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    installed = os.path.join(package, "profiles")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "profiles")


def profile_files(folder: str = "", may_hold: str = "") -> Iterator[ProfileFile]:
    """Yield the profile files of a folder, in the order of their names.

    Args:
        folder: Where they lie; ``""`` for our own.
        may_hold: Skip files that cannot hold this identifier, without reading them as TOML; ``""`` skips none.

    Raises:
        UsageError: The folder or a file cannot be read, or a file is wrong.
    """
    for name, text in _texts(folder) if folder else _own_texts():
        if not may_hold or re.fullmatch(_template(text), may_hold):
            yield _read(name, text, own=not folder)


@cache
def _own_texts() -> tuple[tuple[str, str], ...]:
    """Return our own files, which do not change while the program runs."""
    place = profiles_folder()
    return tuple((os.path.basename(name), text) for name, text in _texts(place))


def _texts(place: str) -> Iterator[tuple[str, str]]:
    try:
        names = sorted(name for name in os.listdir(place) if name.endswith(".toml") and name != SHARED)
    except OSError as exc:
        raise UsageError(f"profiles in {place} cannot be read: {exc}") from exc
    for name in names:
        path = os.path.join(place, name)
        yield path, read_text(path)


@lru_cache(maxsize=256)
def _read(name: str, text: str, *, own: bool) -> ProfileFile:
    """Read a file whose text is known, once: its profiles are asked for one by one."""
    return ProfileFile.read(name, text, own=own)


def read_text(path: str) -> str:
    """Return a profile file as text.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else f"byte {exc.start} is not UTF-8, which TOML asks for"
        raise UsageError(f"{path} cannot be read: {why}") from exc


@lru_cache(maxsize=256)
def _template(text: str) -> str:
    """Return a pattern that the identifiers of a file match, from one line of its text; if in doubt, any."""
    found = re.search(r'^identifier *= *"([^"]*)"', text, re.MULTILINE)
    return ".*".join(map(re.escape, re.split(r"\{\w+\}", found[1]))) if found else ".*"


@cache
def _fragments() -> Mapping[str, Table]:
    """Return the shared rule sets by name."""
    top = Fields(read_table(SHARED, read_text(os.path.join(profiles_folder(), SHARED))))
    fragments = top.inner("fragments")
    top.done()
    return {name: fragments.take(name, Table) for name in fragments.table}


def _included(table: Table, seen: Sequence[str] = ()) -> Table:
    """Return the fragments that a table includes, merged in their order."""
    merged = Table({}, table.at, {})
    for name in Fields(table).strings("include", []):
        fragment = _fragments().get(name)
        if fragment is None or name in seen:
            Fields(table).refuse("include", f"{name!r} {'includes itself' if name in seen else f'is not in {SHARED}'}")
        merged = merged.merged(_included(fragment, (*seen, name))).merged(fragment.without("include"))
    return merged


@dataclass(frozen=True, slots=True, eq=False)
class ProfileFile:
    """A profile file as read: a class of profiles, not yet resolved."""

    name: str  # of the file
    table: Table  # without axes
    axes: tuple[tuple[str, tuple[Table, ...]], ...]  # name, values
    corners: tuple[tuple[str, tuple[Table, ...]], ...]  # identifier, values: the first axis changes slowest
    own: bool = True  # it came with the program; others may hold no STD- profile
    _twins: dict[tuple[int, ...], ApplicationProfile] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def read(cls, name: str, text: str, *, own: bool = True) -> ProfileFile:
        """Read a file and its axes.

        Args:
            name: As messages show it.
            text: What it holds.
            own: Whether it came with the program.

        Raises:
            UsageError: It is not TOML, has a field twice, its axes are wrong, or their corners have an identifier twice
                or one that cannot be (PS3.11 8).
        """
        top = Fields(read_table(name, text))
        axes = top.each("axes", _axis, unique="name", optional=True)
        template = top.string("identifier")
        if sorted(re.findall(r"\{(\w+)\}", template)) != sorted(axis for axis, _ in axes):
            top.refuse("identifier", f"{template} does not name each axis once")
        names = [axis for axis, _ in axes]
        corners = tuple(
            (template.format(**{axis: value.text("value") for axis, value in zip(names, values, strict=True)}), values)
            for values in product(*(values for _, values in axes))
        )
        _check_identifiers(top, [identifier for identifier, _ in corners], own=own)
        return cls(name, top.table.without("axes"), axes, corners, own)

    def identifiers(self) -> tuple[str, ...]:
        """Return every identifier of the class, the first axis changing slowest."""
        return tuple(identifier for identifier, _ in self.corners)

    def statuses(self) -> tuple[tuple[str, str], ...]:
        """Return each identifier with its status, without resolving it."""
        return tuple(
            (identifier, next((value.text("status") for value in values if "status" in value), None) or own)
            for own in [self.table.text("status")]
            for identifier, values in self.corners
        )

    def merged(self, identifier: str, base_of: Callable[[str], Table]) -> Table:
        """Return the table of one profile of the class: base, fragments, the class and its axis values, merged.

        Args:
            identifier: One of ``identifiers()``.
            base_of: Finds what an augmented profile extends.

        Raises:
            UsageError: A fragment does not exist, or an augmented profile does not only add (PS3.2 7.4.2).
        """
        values = dict(self.corners)[identifier]
        extends = self.table.text("extends").format(**self._parts(values))
        merged = _included(self.table).merged(self.table.without("include", "remove"))
        removed = [self.table]
        for value in values:
            merged = merged.merged(_included(value)).merged(value.without(*_AXIS_WORDS))
            removed.append(value)
        merged.at = self.table.at
        for table in removed:
            if extends and "remove" in table:
                Fields(table).refuse("remove", "an augmented profile only adds [PS3.2 7.4.2]")
        merged = with_base(identifier, merged, extends, base_of)
        for table in removed:
            merged = _removed(merged, table)
        return merged

    def resolve(self, identifier: str, base_of: Callable[[str], Table]) -> ApplicationProfile:
        """Return one profile of the class.

        Args:
            identifier: One of ``identifiers()``.
            base_of: Finds what an augmented profile extends.

        Raises:
            UsageError: A field is unknown, missing or not what it must be.
        """
        values = dict(self.corners)[identifier]
        twin = self._twins.get(self._telling(values))
        table = self.merged(identifier, base_of) if twin is None else self._plain(values)
        words = {axis: value.text("words") for (axis, _), value in zip(self.axes, values, strict=True)}
        top = Fields(table)
        try:
            title = top.string("title").format(**words)
        except (KeyError, IndexError, ValueError) as exc:
            top.refuse("title", f"names what is no axis: {exc}")
        names = {"annex": table.text("annex"), **top.take("names", dict, {})}
        named = table.having({key: _with_names(table[key], names) for key in table if key != "title"})
        fields = Fields(named.having({"title": title}).without("names"))
        elsewhere = _object_names(self) if twin is None else ()
        profile = profile_of(fields, identifier, self.name, elsewhere, twin)
        if not profile.extends:
            self._twins[self._telling(values)] = profile
        for part in () if self.own else self.tables():
            refuse_wrong_attributes(part)
        return profile

    def tables(self) -> tuple[Table, ...]:
        """Return the parts of the file: what holds for the class, and the values of its axes."""
        return (self.table, *(value for _, values in self.axes for value in values))

    def _plain(self, values: tuple[Table, ...]) -> Table:
        """Return of the table of one profile what says nothing of rows."""
        merged = Table({}, self.table.at, {})
        for part in (self.table, *values):
            for piece in (_included(part), part):
                merged = merged.merged(piece.only(*_PLAIN, "names"))
        merged.at = self.table.at
        return merged

    def _telling(self, values: tuple[Table, ...]) -> tuple[int, ...]:
        """Return which of the values of axes say something of rows: profiles that share them are twins."""
        return tuple(
            id(value) for value in values if not value.keys() <= {*_PLAIN, *_AXIS_WORDS} - {"include", "remove"}
        )

    def _parts(self, values: tuple[Table, ...]) -> dict[str, str]:
        return {axis: value.text("value") for (axis, _), value in zip(self.axes, values, strict=True)}


@lru_cache(maxsize=256)
def _object_names(file: ProfileFile) -> tuple[str, ...]:
    """Return the names of objects that any profile of the class has."""
    rows = [row for part in file.tables() for row in _included(part).merged(part).rows("objects")]
    return tuple(row.text("name") for row in rows)


def _check_identifiers(top: Fields, found: list[str], *, own: bool) -> None:
    top.unique("identifier", found)
    kinds = "STD|AUG|PRI" if own else "AUG|PRI"
    for identifier in found:
        if not re.fullmatch(rf"({kinds})(-[A-Z0-9]+)+", identifier) or len(identifier) > 64:
            words = f"{kinds.replace('|', '-, ')}- and words of A-Z and 0-9 joined with -, 64 characters in all"
            top.refuse("identifier", f"is {identifier!r}, expected {words} [PS3.11 8]")


def _axis(row: Fields) -> tuple[str, tuple[Table, ...]]:
    seen: dict[str, Table] = {}
    for value in row.tables("values"):
        word = value.take("value", str)
        if word in seen:
            value.refuse("value", f"{word!r} stands twice")
        seen[word] = value.table
    return row.string("name"), tuple(seen.values())


def _with_names(value: object, names: Mapping[str, str]) -> object:
    """Put names into the clauses of rows that several annexes share."""
    if isinstance(value, str) and "{" in value:
        for name, word in names.items():
            value = value.replace("{" + name + "}", str(word))
        return value
    if isinstance(value, list):
        return [_with_names(inner, names) for inner in value]
    if isinstance(value, Table):
        return value.having({key: _with_names(inner, names) for key, inner in value.items()})
    return value


def _removed(table: Table, part: Table) -> Table:
    """Return a table without what a part of its file takes away: roles, or objects by name."""
    fields = Fields(Fields(part).take("remove", Table, Table({}, part.at, {})), "remove")
    roles, objects = fields.strings("roles", []), fields.strings("objects", [])
    fields.done()
    for name in {*roles} - {*table.texts("roles")} | {*objects} - {row.text("name") for row in table.rows("objects")}:
        fields.refuse("roles" if name in roles else "objects", f"{name!r} is not there")
    rows = [_without_roles(row, roles) for row in table.rows("objects") if row.text("name") not in objects]
    kept = [role for role in table.texts("roles") if role not in roles]
    return table.having({"roles": kept, "objects": rows}) if roles or objects else table


def _without_roles(row: Table, roles: Sequence[str]) -> Table:
    requirements = row.get("requirements")
    return row.having({"requirements": requirements.without(*roles)}) if isinstance(requirements, Table) else row
