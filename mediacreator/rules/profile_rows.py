"""Turn the rows of a profile file into the values of ``rules.profile``; refuse each with place, field and reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache

from mediacreator.rules import uids
from mediacreator.rules.checks import CHECKS
from mediacreator.rules.fields import Fields, Refused
from mediacreator.rules.profile import (
    ApplicationProfile,
    AttributeRule,
    Constraint,
    DirectoryRule,
    IconRule,
    ObjectGroup,
    ObjectRule,
    Pairing,
    Session,
)
from mediacreator.rules.tables import (
    Key,
    key_names_unknown,
    media_formats,
    record_types,
    scan_attributes,
    sop_classes,
    transfer_syntaxes,
)

STATUSES = ("current", "retired")
ROLES = ("FSC", "FSR", "FSU")
REQUIREMENTS = ("M", "O", "CS", "M*", "X")
SELECTORS = ("any_media_storage", "multi_frame")
SECURITY = ("none", "basic_media", "email_transport")
OFFERS = ("must_offer", "may", "no", "unstated")
SEVERITIES = ("error", "warning", "note")
IMAGES = "images"
"""In a scope: every object whose record type is IMAGE."""

_CAN_TELL = ("one_of", "range", "same_as", "present", "check")
_REMEDY = "Leave the instance out, or choose a profile that holds it, as STD-GEN-CD."


PLAIN_PARTS = ("title", "annex", "clause", "status", "medium", "security", "extends", "last_in", "notes")
"""Parts of a profile that are not built of rows."""


def profile_of(
    fields: Fields,
    identifier: str,
    source: str,
    names_elsewhere: tuple[str, ...] = (),
    twin: ApplicationProfile | None = None,
) -> ApplicationProfile:
    """Return the profile that a merged table says.

    Args:
        fields: Of the table, names of axes replaced.
        identifier: Of the profile.
        source: File that it came from.
        names_elsewhere: Objects of other profiles of the class: a scope may name them too.
        twin: One with the same rows: only the other parts are taken from the table.

    Raises:
        UsageError: A field is unknown, missing, or not what it must be.
    """
    fields.string("identifier")
    rows = _Rows(identifier, tuple(row.text("name") for row in fields.table.rows("objects")), names_elsewhere)
    made: dict[str, object] = {name: getattr(twin, name) for name in _PARTS} if twin is not None else {}
    refused: list[str] = []
    for name, build in _PARTS.items():
        if twin is not None and name not in PLAIN_PARTS:
            continue
        try:
            made[name] = build(fields, rows)
        except Refused as exc:
            refused += exc.reasons  # what is wrong in several parts is told together
    if refused:
        raise Refused(refused)
    profile = ApplicationProfile(id=identifier, clauses={}, source=source, **made)  # type: ignore[arg-type]  # parts are fields
    profile = replace(profile, clauses=_clauses(fields.inner("clauses"), profile))
    if (profile.status == "retired") != bool(profile.last_in):
        fields.refuse("last_in", "names the edition that last had a retired profile, and no other has it")
    fields.done()
    return profile


@dataclass(frozen=True, slots=True)
class _Rows:
    """What rows refer to."""

    identifier: str
    objects: tuple[str, ...]  # names of those of the profile
    elsewhere: tuple[str, ...]  # names of those of other profiles of the class

    @property
    def known(self) -> tuple[str, ...]:
        return (*self.objects, *self.elsewhere, IMAGES)


def _clauses(fields: Fields, profile: ApplicationProfile) -> dict[str, str]:
    """Return where it stands what the profile says in single fields: one clause for each of them that it uses."""
    used = ["roles", "medium", "security"]
    used += ["jpeg_interchange_format"] if profile.jpeg_interchange_format else []
    used += ["transport"] if profile.transport else []
    clauses = {name: fields.string(name) for name in used}
    fields.done()
    return clauses


def _object(row: Fields, roles: tuple[str, ...]) -> ObjectRule:
    requirements = row.take("requirements", dict)
    if set(requirements) != set(roles) or set(requirements.values()) - set(REQUIREMENTS):
        row.refuse(
            "requirements",
            f"is {dict(requirements)}, expected one of {', '.join(REQUIREMENTS)} for each of {', '.join(roles)}",
        )
    selector = row.string("selector", "", of=SELECTORS)
    names = row.strings("sop_classes", [])
    if bool(selector) == bool(names):
        row.refuse("sop_classes", "give either sop_classes or selector")
    declared = row.take("declared", bool, default=False)
    syntaxes = row.strings("transfer_syntaxes", [])
    if declared == bool(syntaxes):
        row.refuse("transfer_syntaxes", "give either transfer_syntaxes or declared")
    return ObjectRule(
        name=row.string("name"),
        sop_classes=tuple(_named(row, "sop_classes", name, _sop_class_uids()) for name in names),
        selector=selector,
        transfer_syntaxes=_all_in_files() if declared else _syntaxes(row, syntaxes),
        requirements=dict(requirements),
        clause=row.string("clause"),
        where=row.each("where", _constraint, optional=True),
        declared=declared,
    )


def _all_in_files() -> tuple[str, ...]:
    """Return every Transfer Syntax that a file with its own Pixel Data can have, Explicit VR Little Endian first."""
    found = [
        row.uid
        for row in transfer_syntaxes().values()
        if row.status == "current" and row.dataset != "none" and row.pixels != "none"
    ]
    return tuple(sorted(found, key=lambda uid: uid != uids.EXPLICIT_VR_LITTLE_ENDIAN))


def _syntaxes(row: Fields, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_named(row, "transfer_syntaxes", name, _transfer_syntax_uids()) for name in names)


@cache
def _sop_class_uids() -> Mapping[str, str]:
    return {"Media Storage Directory Storage": uids.MEDIA_STORAGE_DIRECTORY} | {
        row.name: row.uid for row in sop_classes().values()
    }


@cache
def _transfer_syntax_uids() -> Mapping[str, str]:
    return {row.name: row.uid for row in transfer_syntaxes().values()}


def _named(row: Fields, key: str, name: str, known: Mapping[str, str]) -> str:
    if name not in known:
        near = get_close_matches(name, known, n=1, cutoff=0)
        row.refuse(key, f"{name!r} is not in mediacreator/tables; the nearest is {near[0]!r}")
    return known[name]


def _tag(row: Fields, default: str | None = None) -> int:
    tag = row.string("tag", default)
    if not re.fullmatch(r"[0-9A-F]{8}", tag):
        row.refuse("tag", f"is {tag!r}, expected eight hexadecimal digits")
    return int(tag, 16)


def _constraint(row: Fields) -> Constraint:
    """Return what the fields of a row ask of an attribute: one way of saying it, exactly."""
    given = [name for name in _CAN_TELL if name in row.table]
    if len(given) != 1:
        row.refuse(given[1] if given else "one_of", f"give exactly one of {', '.join(_CAN_TELL)}")
    check = row.string("check", "", of=CHECKS)
    limits = row.take("range", list, [])
    if limits and (len(limits) != 2 or not all(isinstance(limit, int) for limit in limits) or limits[0] > limits[1]):
        row.refuse("range", f"is {limits}, expected the smallest and the largest number")
    constraint = Constraint(
        keyword=row.string("keyword", "" if check else None),
        tag=_tag(row, "00000000" if check else None),
        vr=row.string("vr", "" if check else None),
        number=row.take("number", int, 1),
        one_of=row.strings("one_of", []),
        minimum=limits[0] if limits else None,
        maximum=limits[1] if limits else None,
        same_as=row.string("same_as", "", of=_comparable()),
        offset=row.take("offset", int, 0),
        present=row.take("present", bool, default=False),
        check=check,
    )
    if given[0] in ("one_of", "range", "present") and not row.table[given[0]]:
        row.refuse(given[0], "says nothing")
    return constraint


@cache
def _comparable() -> tuple[str, ...]:
    """Return the attributes that another may be compared with: the numbers that a scan reads of every instance."""
    return tuple(sorted(row.path for row in scan_attributes() if row.vr == "US"))


def _scope(row: Fields, names: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the objects of this profile that a row speaks of; what an axis took away is left out."""
    scope = row.strings("scope")
    for name in scope:
        if name not in known:
            row.refuse("scope", f"{name!r} is no object of the profile: {', '.join(dict.fromkeys(known))}")
    return tuple(name for name in scope if name in names or name == IMAGES)


def _attribute(row: Fields, names: tuple[str, ...], known: tuple[str, ...]) -> AttributeRule:
    name = row.string("name")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        row.refuse("name", f"is {name!r}, expected words of a-z and 0-9 joined with -")
    return AttributeRule(
        name=name,
        scope=_scope(row, names, known),
        where=row.each("where", _constraint, optional=True),
        constraint=_constraint(row),
        create_only=row.take("create_only", bool, default=False),
        severity=row.string("severity", "error", of=SEVERITIES),
        clause=row.string("clause"),
        remedy=row.string("remedy", _REMEDY),
    )


def _group(row: Fields, names: tuple[str, ...], roles: tuple[str, ...]) -> ObjectGroup:
    group = ObjectGroup(
        role=row.string("role", of=roles),
        at_least=row.take("at_least", int),
        of=row.strings("of", of=names),
        clause=row.string("clause"),
    )
    if not 1 <= group.at_least <= len(group.of):
        row.refuse("at_least", f"is {group.at_least}, expected 1 to {len(group.of)}")
    return group


def _pairing(row: Fields, names: tuple[str, ...], known: tuple[str, ...]) -> Pairing:
    return Pairing(
        scope=_scope(row, names, tuple(name for name in known if name != IMAGES)),
        photometric=row.string("photometric"),
        transfer_syntaxes=_syntaxes(row, row.strings("transfer_syntaxes")),
        clause=row.string("clause"),
    )


def _directory(fields: Fields) -> DirectoryRule:
    keys: dict[str, tuple[Key, ...]] = {}
    fields.each("keys", lambda row: _add_key(row, keys), optional=True)
    rule = DirectoryRule(
        dicomdir=fields.string("dicomdir", of=("required", "optional")),
        empty_allowed=fields.take("empty_allowed", bool),
        levels=fields.strings("levels", of=tuple(record_types())),
        all_files_referenced=fields.take("all_files_referenced", bool),
        root=fields.take("root", bool),
        unique_patient_id=fields.take("unique_patient_id", bool),
        clause=fields.string("clause"),
        keys=keys,
        icons=fields.each("icons", _icon, optional=True),
    )
    fields.done()
    return rule


def _add_key(row: Fields, keys: dict[str, tuple[Key, ...]]) -> None:
    records = row.strings("records", of=tuple(record_types()))
    key = _key(row)
    for record in records:
        if any(key.tag == other.tag for other in keys.get(record, ())):
            row.refuse("keyword", f"{key.keyword} of {record} stands twice")
        keys[record] = (*keys.get(record, ()), key)


def _icon(row: Fields) -> IconRule:
    return IconRule(
        records=row.strings("records", of=tuple(record_types())),
        required=row.take("required", bool),
        rows=row.take("rows", int, 0),
        columns=row.take("columns", int, 0),
        bits=row.take("bits", int, 0),
        photometric=row.strings("photometric", [], of=("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")),
        clause=row.string("clause"),
    )


def _key(row: Fields) -> Key:
    kind, condition = row.string("type"), row.string("condition", "")
    keep, source = row.string("keep", ""), row.string("source", "")
    unknown = key_names_unknown(kind, condition, keep, source)
    if unknown:
        row.refuse(next((name for name in ("condition", "keep", "source") if f"no {name}" in unknown), "type"), unknown)
    items = row.each("items", _key, unique="tag", optional=True)
    return Key(
        keyword=row.string("keyword"),
        tag=_tag(row),
        vr=row.string("vr"),
        type=kind,
        condition=condition,
        keep=keep,
        source=source,
        clause=row.string("clause"),
        items=tuple(sorted(items, key=lambda item: item.tag)),
    )


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


_PARTS: Mapping[str, Callable[[Fields, _Rows], object]] = {
    "title": lambda fields, _: fields.string("title"),
    "annex": lambda fields, rows: fields.string("annex", "" if rows.identifier.startswith("PRI-") else None),
    "clause": lambda fields, _: fields.string("clause"),
    "status": lambda fields, _: fields.string("status", of=STATUSES),
    "roles": lambda fields, _: fields.strings("roles", of=ROLES),
    "medium": lambda fields, _: fields.string("medium", of=media_formats()),
    "objects": lambda fields, _: fields.each(
        "objects", lambda row: _object(row, tuple(fields.table.texts("roles"))), unique="name"
    ),
    "directory": lambda fields, _: _directory(fields.inner("directory")),
    "session": lambda fields, _: _session(fields.inner("session")),
    "security": lambda fields, _: fields.string("security", of=SECURITY),
    "groups": lambda fields, rows: fields.each(
        "groups", lambda row: _group(row, rows.objects, tuple(fields.table.texts("roles"))), optional=True
    ),
    "pairings": lambda fields, rows: fields.each(
        "pairings", lambda row: _pairing(row, rows.objects, rows.known), optional=True
    ),
    "attributes": lambda fields, rows: fields.each(
        "attributes", lambda row: _attribute(row, rows.objects, rows.known), unique="name", optional=True
    ),
    "jpeg_interchange_format": lambda fields, _: fields.take("jpeg_interchange_format", bool, default=False),
    "transport": lambda fields, _: {key: str(value) for key, value in fields.take("transport", dict, {}).items()},
    "extends": lambda fields, _: fields.string("extends", ""),
    "last_in": lambda fields, _: fields.string("last_in", ""),
    "notes": lambda fields, _: fields.strings("notes", []),
}
"""How each part of a profile is built of the fields of its file."""
