"""Read ``profiles/*.toml``: one file for each annex class of PS3.11, with axes that expand to its identifiers.

A file is refused, with its name, the line where one can be told, the field and the reason, when it has unknown,
missing or duplicate fields or rows, or names what the tables do not hold.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from mediacreator.errors import UsageError
from mediacreator.rules import uids
from mediacreator.rules.fields import Fields
from mediacreator.rules.profile import ApplicationProfile, DirectoryRule, ObjectRule, Session
from mediacreator.rules.tables import (
    Key,
    key_names_unknown,
    media_formats,
    record_types,
    sop_classes,
    transfer_syntaxes,
)

ROLES = ("FSC", "FSR", "FSU")
REQUIREMENTS = ("M", "O", "CS", "M*", "X")
SELECTORS = ("any_media_storage",)
SECURITY = ("none", "basic_media", "email_transport")
OFFERS = ("must_offer", "may", "no")


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
    folder = folder or profiles_folder()
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".toml"))
    except OSError as exc:
        raise UsageError(f"profiles in {folder} cannot be read: {exc}") from exc
    for name in names:
        try:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as exc:
            raise UsageError(f"{name} in {folder} cannot be read: {exc}") from exc
        if not may_hold or _may_hold(text, may_hold):
            yield ProfileFile.read(name, text)


def _may_hold(text: str, identifier: str) -> bool:
    """Tell from the template alone whether a file can hold an identifier; True if in doubt."""
    found = re.search(r'^identifier *= *"([^"]*)"', text, re.MULTILINE)
    if found is None:
        return True
    literal = re.split(r"\{\w+\}", found[1])
    return re.fullmatch(".*".join(map(re.escape, literal)), identifier) is not None


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """A profile file as read: a class of profiles, not yet resolved."""

    name: str  # of the file
    text: str
    base: dict[str, object]
    axes: tuple[tuple[str, tuple[dict[str, object], ...]], ...]  # name, values

    @classmethod
    def read(cls, name: str, text: str) -> ProfileFile:
        """Read a file and its axes.

        Raises:
            UsageError: It is not TOML, has a field twice, or its axes are wrong.
        """
        try:
            raw: dict[str, object] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as exc:
            raise UsageError(f"{name}: {exc}") from exc
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
        return cls(name, text, {key: value for key, value in raw.items() if key != "axes"}, tuple(axes))

    def identifiers(self) -> tuple[str, ...]:
        """Return every identifier of the class, the first axis changing slowest.

        Raises:
            UsageError: Two corners of the axes have one identifier, or one is no identifier (PS3.11 8.1).
        """
        found = tuple(identifier for identifier, _ in self._corners())
        top = Fields(self.name, self.text, "", self.base)
        top.unique("identifier", found)
        for identifier in found:
            if not re.fullmatch(r"(STD|AUG|PRI)(-[A-Z0-9]+)+", identifier) or len(identifier) > 64:
                top.refuse("identifier", f"{identifier!r} is not STD-, AUG- or PRI- and names, at most 64 characters")
        return found

    def resolve(self, identifier: str) -> ApplicationProfile:
        """Return one profile of the class.

        Args:
            identifier: One of ``identifiers()``.

        Raises:
            UsageError: A field is unknown, missing or not what it must be.
        """
        values = dict(self._corners())[identifier]
        raw = self.base
        for value in values:
            raw = _merge(raw, {key: v for key, v in value.items() if key not in ("value", "words", "remove")})
            raw = _remove(Fields(self.name, self.text, "remove", raw), value.get("remove", {}))
        words = {axis: value.get("words", "") for (axis, _), value in zip(self.axes, values, strict=True)}
        fields = Fields(self.name, self.text, "", raw)
        try:
            title = fields.string("title").format(**words)
        except (KeyError, IndexError, ValueError) as exc:
            fields.refuse("title", f"names what is no axis: {exc}")
        return _profile(fields, identifier, title)

    def _corners(self) -> Iterator[tuple[str, tuple[dict[str, object], ...]]]:
        names = [axis[0] for axis in self.axes]
        for values in product(*(axis[1] for axis in self.axes)):
            parts = {name: value["value"] for name, value in zip(names, values, strict=True)}
            yield str(self.base["identifier"]).format(**parts), values


def _merge(base: Mapping[str, object], more: Mapping[str, object]) -> dict[str, object]:
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


def _remove(fields: Fields, what: object) -> dict[str, object]:
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


def _profile(fields: Fields, identifier: str, title: str) -> ApplicationProfile:
    fields.string("identifier")
    roles = fields.strings("roles", of=ROLES)
    rows = fields.tables("objects")
    fields.unique("objects", [str(row.raw.get("name")) for row in rows])
    profile = ApplicationProfile(
        id=identifier,
        title=title,
        annex=fields.string("annex"),
        clause=fields.string("clause"),
        status=fields.string("status", of=("current", "retired")),
        roles=roles,
        medium=fields.string("medium", of=media_formats()),
        objects=tuple(_object(row, roles) for row in rows),
        directory=_directory(fields.table("directory")),
        session=_session(fields.table("session")),
        security=fields.string("security", of=SECURITY),
    )
    fields.done()
    return profile


def _object(row: Fields, roles: tuple[str, ...]) -> ObjectRule:
    requirements = row.take("requirements", dict)
    if set(requirements) != set(roles) or set(requirements.values()) - set(REQUIREMENTS):
        row.refuse(
            "requirements", f"is {requirements}, expected one of {', '.join(REQUIREMENTS)} for {', '.join(roles)}"
        )
    selector = row.string("selector", "", of=SELECTORS)
    names = row.strings("sop_classes", [])
    if bool(selector) == bool(names):
        row.refuse("sop_classes", "give either sop_classes or selector")
    rule = ObjectRule(
        name=row.string("name"),
        sop_classes=tuple(_named(row, "sop_classes", name, _sop_class_uids) for name in names),
        selector=selector,
        transfer_syntaxes=tuple(
            _named(row, "transfer_syntaxes", name, _transfer_syntax_uids) for name in row.strings("transfer_syntaxes")
        ),
        requirements=requirements,
        clause=row.string("clause"),
    )
    row.done()
    return rule


def _sop_class_uids() -> dict[str, str]:
    return {"Media Storage Directory Storage": uids.MEDIA_STORAGE_DIRECTORY} | {
        row.name: row.uid for row in sop_classes().values()
    }


def _transfer_syntax_uids() -> dict[str, str]:
    return {row.name: row.uid for row in transfer_syntaxes().values()}


def _named(row: Fields, key: str, name: str, table: Callable[[], dict[str, str]]) -> str:
    known = table()
    if name not in known:
        row.refuse(key, f"{name!r} is not in mediacreator/tables")
    return known[name]


def _directory(fields: Fields) -> DirectoryRule:
    keys: dict[str, tuple[Key, ...]] = {}
    for row in fields.tables("keys", optional=True):
        records = row.strings("records", of=tuple(record_types()))
        key = _key(row)
        for record in records:
            if key.tag in {other.tag for other in keys.get(record, ())}:
                row.refuse("keyword", f"{key.keyword} of {record} stands twice")
            keys[record] = (*keys.get(record, ()), key)
    rule = DirectoryRule(
        dicomdir=fields.string("dicomdir", of=("required", "optional")),
        empty_allowed=fields.take("empty_allowed", bool),
        levels=fields.strings("levels", of=tuple(record_types())),
        all_files_referenced=fields.take("all_files_referenced", bool),
        root=fields.take("root", bool),
        unique_patient_id=fields.take("unique_patient_id", bool),
        clause=fields.string("clause"),
        keys=keys,
    )
    fields.done()
    return rule


def _key(row: Fields) -> Key:
    tag = row.string("tag")
    if not re.fullmatch(r"[0-9A-F]{8}", tag):
        row.refuse("tag", f"is {tag!r}, expected eight hexadecimal digits")
    kind, condition = row.string("type"), row.string("condition", "")
    keep, source = row.string("keep", ""), row.string("source", "")
    unknown = key_names_unknown(kind, condition, keep, source)
    if unknown:
        row.refuse("type", unknown)
    items = tuple(_key(item) for item in row.tables("items", optional=True))
    row.unique("items", [f"{item.tag:08X}" for item in items])
    key = Key(
        keyword=row.string("keyword"),
        tag=int(tag, 16),
        vr=row.string("vr"),
        type=kind,
        condition=condition,
        keep=keep,
        source=source,
        clause=row.string("clause"),
        items=tuple(sorted(items, key=lambda item: item.tag)),
    )
    row.done()
    return key


def _session(fields: Fields) -> Session:
    session = Session(
        finalize=fields.string("finalize", of=OFFERS),
        multisession=fields.string("multisession", of=OFFERS),
        packet=fields.string("packet", of=OFFERS),
        multi_volume=fields.take("multi_volume", bool),
        clause=fields.string("clause"),
    )
    fields.done()
    return session
