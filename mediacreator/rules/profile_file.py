"""Read ``profiles/*.toml``: one file for each annex class of PS3.11, with axes that expand to its identifiers.

A file is refused, with its name, the line where one can be told, the field and the reason, when it has unknown,
missing or duplicate fields or rows, or names what the tables do not hold. ``shared.toml`` has no profile: it holds
fragments that files include by name. A site's own folder may hold augmented (``AUG-``) and private (``PRI-``) ones.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from mediacreator.errors import UsageError
from mediacreator.rules.fields import Fields
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.profile_rows import profile_of

SHARED = "shared.toml"

Raw = dict[str, object]
Base = Callable[[str], Raw]
"""Given the identifier that a profile extends, its merged table."""

_AUGMENTING = frozenset(
    ("identifier", "title", "status", "clause", "extends", "roles", "objects", "directory", "notes")
)
"""What an augmented profile may say; all else is its base's (PS3.11 7)."""

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
    own = not folder
    folder = folder or profiles_folder()
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".toml") and name != SHARED)
    except OSError as exc:
        raise UsageError(f"profiles in {folder} cannot be read: {exc}") from exc
    for name in names:
        text = read_text(os.path.join(folder, name))
        if not may_hold or _may_hold(text, may_hold):
            yield ProfileFile.read(name, text, own=own)


def read_text(path: str) -> str:
    """Return a profile file as text.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"{os.path.basename(path)} in {os.path.dirname(path)} cannot be read: {exc}") from exc


def _may_hold(text: str, identifier: str) -> bool:
    """Tell from the template alone whether a file can hold an identifier; True if in doubt."""
    found = re.search(r'^identifier *= *"([^"]*)"', text, re.MULTILINE)
    if found is None:
        return True
    literal = re.split(r"\{\w+\}", found[1])
    return re.fullmatch(".*".join(map(re.escape, literal)), identifier) is not None


@cache
def _fragments() -> Mapping[str, Raw]:
    """Return the shared rule sets by name."""
    text = read_text(os.path.join(profiles_folder(), SHARED))
    top = Fields(SHARED, text, "", _toml(SHARED, text))
    fragments = top.take("fragments", dict)
    top.done()
    return fragments


def _toml(name: str, text: str) -> Raw:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise UsageError(f"{name}: {exc}") from exc


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """A profile file as read: a class of profiles, not yet resolved."""

    name: str  # of the file
    text: str
    base: Raw
    axes: tuple[tuple[str, tuple[Raw, ...]], ...]  # name, values
    own: bool = True  # it came with the program; others may hold no STD- profile

    @classmethod
    def read(cls, name: str, text: str, *, own: bool = True) -> ProfileFile:
        """Read a file and its axes.

        Raises:
            UsageError: It is not TOML, has a field twice, or its axes are wrong.
        """
        raw = _toml(name, text)
        top = Fields(name, text, "", raw)
        axes = []
        for axis in top.tables("axes", optional=True):
            values = tuple(value.raw for value in axis.tables("values"))
            for value in axis.tables("values"):
                value.string("value")
            axis.unique("values", [str(value["value"]) for value in values])
            axes.append((axis.string("name"), values))
            axis.done()
        top.unique("axes", [axis[0] for axis in axes])
        template = top.string("identifier")
        if sorted(re.findall(r"\{(\w+)\}", template)) != sorted(axis[0] for axis in axes):
            top.refuse("identifier", f"{template} does not name each axis once")
        return cls(name, text, {key: value for key, value in raw.items() if key != "axes"}, tuple(axes), own)

    def identifiers(self) -> tuple[str, ...]:
        """Return every identifier of the class, the first axis changing slowest.

        Raises:
            UsageError: Two corners of the axes have one identifier, or one is no identifier (PS3.11 8.1).
        """
        found = tuple(identifier for identifier, _ in self._corners())
        top = Fields(self.name, self.text, "", self.base)
        top.unique("identifier", found)
        kinds = "STD|AUG|PRI" if self.own else "AUG|PRI"
        for identifier in found:
            if not re.fullmatch(rf"({kinds})(-[A-Z0-9]+)+", identifier) or len(identifier) > 64:
                words = "STD-, AUG- or PRI-" if self.own else "AUG- or PRI-, as a profile of one's own must,"
                top.refuse("identifier", f"{identifier!r} does not begin with {words} or has over 64 characters")
        return found

    def statuses(self) -> tuple[tuple[str, str], ...]:
        """Return each identifier with its status, without resolving it."""
        return tuple(
            (identifier, str(next((v["status"] for v in values if "status" in v), self.base.get("status", "current"))))
            for identifier, values in self._corners()
        )

    def merged(self, identifier: str, base_of: Base | None = None) -> Raw:
        """Return the table of one profile of the class: fragments, the class and its axis values, merged.

        Args:
            identifier: One of ``identifiers()``.
            base_of: Finds what an augmented profile extends.

        Raises:
            UsageError: A fragment does not exist, or an augmented profile does not only add (PS3.11 7).
        """
        values = dict(self._corners())[identifier]
        raw = self._extended(base_of)
        removed = [Fields(self.name, self.text, "", self.base).take("remove", dict, {})]
        for value in values:
            plain = {key: v for key, v in value.items() if key not in _AXIS_WORDS}
            raw = _merge(raw, _merge(self._included(value), plain))
            removed.append(Fields(self.name, self.text, "axes", value).take("remove", dict, {}))
        for what in removed:
            raw = _remove(Fields(self.name, self.text, "remove", raw), what)
        return raw

    def resolve(self, identifier: str, base_of: Base | None = None) -> ApplicationProfile:
        """Return one profile of the class.

        Raises:
            UsageError: A field is unknown, missing or not what it must be.
        """
        raw = self.merged(identifier, base_of)
        values = dict(self._corners())[identifier]
        words = {axis: str(value.get("words", "")) for (axis, _), value in zip(self.axes, values, strict=True)}
        fields = Fields(self.name, self.text, "", raw)
        try:
            title = fields.string("title").format(**words)
        except (KeyError, IndexError, ValueError) as exc:
            fields.refuse("title", f"names what is no axis: {exc}")
        names = {"annex": str(raw.get("annex", "")), **fields.take("names", dict, {})}
        named = {key: _with_names(value, names) for key, value in raw.items() if key not in ("title", "names")}
        return profile_of(
            Fields(self.name, self.text, "", {**named, "title": title}), identifier, title, source=self.name
        )

    def _extended(self, base_of: Base | None) -> Raw:
        """Return the class with what it includes, on top of what it extends."""
        own = {key: value for key, value in self.base.items() if key not in ("include", "remove")}
        fields = Fields(self.name, self.text, "", self.base)
        extends = fields.string("extends", "")
        augments = str(self.base["identifier"]).startswith("AUG-")
        if bool(extends) != augments:
            fields.refuse("extends", "an AUG- profile extends a standard one, and no other does [PS3.11 7]")
        if not extends or base_of is None:
            return _merge(self._included(self.base), own)
        for key in sorted(own.keys() - _AUGMENTING):
            fields.refuse(key, f"is its base's: an augmented profile may only add {', '.join(sorted(_AUGMENTING))}")
        if set(fields.take("directory", dict, {})) - {"keys"}:
            fields.refuse("directory", "an augmented profile may only add keys to the directory [PS3.11 7]")
        base = base_of(extends)
        added = [role for role in fields.take("roles", list, []) if role not in _strings(base, "roles")]
        merged = _merge(base, {**own, "roles": added})
        merged["objects"] = [_with_roles(row, _strings(merged, "roles")) for row in _rows(merged, "objects")]
        return merged

    def _included(self, raw: Mapping[str, object], seen: Sequence[str] = ()) -> Raw:
        """Return the fragments that a table includes, merged in their order."""
        merged: Raw = {}
        for name in Fields(self.name, self.text, "", dict(raw)).strings("include", []):
            fragment = _fragments().get(name)
            if fragment is None or name in seen:
                why = "includes itself" if name in seen else f"is not in {SHARED}"
                Fields(self.name, self.text, "", dict(raw)).refuse("include", f"{name!r} {why}")
            inner = self._included(fragment, (*seen, name))
            plain = {key: value for key, value in fragment.items() if key != "include"}
            merged = _merge(merged, _merge(inner, plain))
        return merged

    def _corners(self) -> Iterator[tuple[str, tuple[Raw, ...]]]:
        names = [axis[0] for axis in self.axes]
        for values in product(*(axis[1] for axis in self.axes)):
            parts = {name: value["value"] for name, value in zip(names, values, strict=True)}
            yield str(self.base["identifier"]).format(**parts), values


def _merge(base: Mapping[str, object], more: Mapping[str, object]) -> Raw:
    """Return ``base`` with ``more`` in it: tables merge, lists grow, values replace."""
    merged = dict(base)
    for key, value in more.items():
        there = merged.get(key)
        if isinstance(there, dict) and isinstance(value, dict):
            merged[key] = _merge(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            merged[key] = there + value
        else:
            merged[key] = value
    return merged


def _strings(raw: Mapping[str, object], key: str) -> list[str]:
    found = raw.get(key, [])
    return [str(value) for value in found] if isinstance(found, list) else []


def _rows(raw: Mapping[str, object], key: str) -> list[Raw]:
    found = raw.get(key, [])
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _with_roles(row: Raw, roles: Sequence[str]) -> Raw:
    """Return an object row that says O for roles its base did not have."""
    requirements = row.get("requirements")
    if not isinstance(requirements, dict):
        return row
    return {**row, "requirements": {role: requirements.get(role, "O") for role in roles}}


def _with_names(value: object, names: Mapping[str, str]) -> object:
    """Put names into the clauses of rows that several annexes share."""
    if isinstance(value, str) and "{" in value:
        for name, word in names.items():
            value = value.replace("{" + name + "}", str(word))
        return value
    if isinstance(value, list):
        return [_with_names(inner, names) for inner in value]
    if isinstance(value, dict):
        return {key: inner if key == "identifier" else _with_names(inner, names) for key, inner in value.items()}
    return value


def _remove(fields: Fields, what: object) -> Raw:
    """Return a class without what an axis value takes away: roles, or objects by name."""
    raw = dict(fields.raw)
    if not isinstance(what, dict) or what.keys() - {"roles", "objects"}:
        fields.refuse("remove", f"{what!r}, expected roles or objects")
    roles = what.get("roles", [])
    objects = raw.get("objects", [])
    if roles and isinstance(raw.get("roles"), list) and isinstance(objects, list):
        raw["roles"] = [role for role in fields.strings("roles") if role not in roles]
        objects = [
            {**row, "requirements": {k: v for k, v in row.get("requirements", {}).items() if k not in roles}}
            for row in objects
        ]
    if isinstance(objects, list):
        raw["objects"] = [row for row in objects if row.get("name") not in what.get("objects", [])]
    return raw
