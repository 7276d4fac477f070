"""Turn the rows of a profile file into the values of ``rules.profile``; refuse each with place, field and reason."""

from __future__ import annotations

import re
from collections.abc import Callable

from mediacreator.rules import uids
from mediacreator.rules.checks import CHECKS
from mediacreator.rules.fields import Fields
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
    sop_classes,
    transfer_syntaxes,
)

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


def profile_of(fields: Fields, identifier: str, title: str, source: str) -> ApplicationProfile:
    """Return the profile that a merged table says.

    Raises:
        UsageError: A field is unknown, missing, or not what it must be.
    """
    for name in ("identifier", "title"):
        fields.string(name)
    roles = fields.strings("roles", of=ROLES)
    rows = fields.tables("objects")
    fields.unique("objects", [str(row.raw.get("name")) for row in rows])
    objects = tuple(_object(row, roles) for row in rows)
    names = tuple(rule.name for rule in objects)
    attributes = fields.tables("attributes", optional=True)
    fields.unique("attributes", [str(row.raw.get("name")) for row in attributes])
    profile = ApplicationProfile(
        id=identifier,
        title=title,
        annex=fields.string("annex"),
        clause=fields.string("clause"),
        status=fields.string("status", of=("current", "retired")),
        roles=roles,
        medium=fields.string("medium", of=media_formats()),
        objects=objects,
        directory=_directory(fields.table("directory")),
        session=_session(fields.table("session")),
        security=fields.string("security", of=SECURITY),
        groups=tuple(_group(row, names, roles) for row in fields.tables("groups", optional=True)),
        pairings=tuple(_pairing(row, names) for row in fields.tables("pairings", optional=True)),
        attributes=tuple(_attribute(row, names) for row in attributes),
        jpeg_interchange_format=fields.take("jpeg_interchange_format", bool, default=False),
        transport={key: str(value) for key, value in fields.take("transport", dict, {}).items()},
        extends=fields.string("extends", ""),
        last_in=fields.string("last_in", ""),
        notes=fields.strings("notes", []),
        source=source,
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
    declared = row.take("declared", bool, default=False)
    syntaxes = row.strings("transfer_syntaxes", [])
    if declared == bool(syntaxes):
        row.refuse("transfer_syntaxes", "give either transfer_syntaxes or declared")
    rule = ObjectRule(
        name=row.string("name"),
        sop_classes=tuple(_named(row, "sop_classes", name, _sop_class_uids) for name in names),
        selector=selector,
        transfer_syntaxes=_all_in_files()
        if declared
        else tuple(_named(row, "transfer_syntaxes", name, _transfer_syntax_uids) for name in syntaxes),
        requirements=requirements,
        clause=row.string("clause"),
        where=_where(row),
        declared=declared,
    )
    row.done()
    return rule


def _all_in_files() -> tuple[str, ...]:
    """Return every Transfer Syntax that a file with its own Pixel Data can have, Explicit VR Little Endian first."""
    found = [
        row.uid
        for row in transfer_syntaxes().values()
        if row.status == "current" and row.dataset != "none" and row.pixels != "none"
    ]
    return tuple(sorted(found, key=lambda uid: uid != uids.EXPLICIT_VR_LITTLE_ENDIAN))


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


def _where(row: Fields) -> tuple[Constraint, ...]:
    found = []
    for inner in row.tables("where", optional=True):
        found.append(_constraint(inner))
        inner.done()
    return tuple(found)


def _constraint(row: Fields) -> Constraint:
    """Return what the fields of a row ask of an attribute: one way of saying it, exactly."""
    given = [name for name in _CAN_TELL if name in row.raw]
    if len(given) != 1:
        row.refuse(given[1] if given else "one_of", f"give exactly one of {', '.join(_CAN_TELL)}")
    check = row.string("check", "", of=CHECKS)
    tag = row.string("tag", "00000000" if check else None)
    if not re.fullmatch(r"[0-9A-F]{8}", tag):
        row.refuse("tag", f"is {tag!r}, expected eight hexadecimal digits")
    limits = row.take("range", list, [])
    if limits and (len(limits) != 2 or not all(isinstance(limit, int) for limit in limits) or limits[0] > limits[1]):
        row.refuse("range", f"is {limits}, expected the smallest and the largest number")
    return Constraint(
        keyword=row.string("keyword", "" if check else None),
        tag=int(tag, 16),
        vr=row.string("vr", "" if check else None),
        number=row.take("number", int, 1),
        one_of=row.strings("one_of", []),
        minimum=limits[0] if limits else None,
        maximum=limits[1] if limits else None,
        same_as=row.string("same_as", ""),
        offset=row.take("offset", int, 0),
        present=row.take("present", bool, default=False),
        check=check,
    )


def _scope(row: Fields, names: tuple[str, ...], also: tuple[str, ...] = ()) -> tuple[str, ...]:
    scope = row.strings("scope")
    known = [name for name in scope if name in names or name in also]
    if not known:
        row.refuse("scope", f"{', '.join(scope)}: no object of the profile has such a name")
    return tuple(known)  # an axis may have taken the others away


def _attribute(row: Fields, names: tuple[str, ...]) -> AttributeRule:
    rule = AttributeRule(
        name=row.string("name"),
        scope=_scope(row, names, (IMAGES,)),
        where=_where(row),
        constraint=_constraint(row),
        create_only=row.take("create_only", bool, default=False),
        severity=row.string("severity", "error", of=SEVERITIES),
        clause=row.string("clause"),
        remedy=row.string("remedy", _REMEDY),
    )
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name):
        row.refuse("name", f"is {rule.name!r}, expected words of a-z and 0-9 joined with -")
    row.done()
    return rule


def _group(row: Fields, names: tuple[str, ...], roles: tuple[str, ...]) -> ObjectGroup:
    group = ObjectGroup(
        role=row.string("role", of=roles),
        at_least=row.take("at_least", int),
        of=row.strings("of", of=names),
        clause=row.string("clause"),
    )
    row.done()
    return group


def _pairing(row: Fields, names: tuple[str, ...]) -> Pairing:
    pairing = Pairing(
        scope=_scope(row, names),
        photometric=row.string("photometric"),
        transfer_syntaxes=tuple(
            _named(row, "transfer_syntaxes", name, _transfer_syntax_uids) for name in row.strings("transfer_syntaxes")
        ),
        clause=row.string("clause"),
    )
    row.done()
    return pairing


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
        icons=tuple(_icon(row) for row in fields.tables("icons", optional=True)),
    )
    fields.done()
    return rule


def _icon(row: Fields) -> IconRule:
    icon = IconRule(
        records=row.strings("records", of=tuple(record_types())),
        required=row.take("required", bool),
        rows=row.take("rows", int, 0),
        columns=row.take("columns", int, 0),
        bits=row.take("bits", int, 0),
        photometric=row.strings("photometric", [], of=("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")),
        clause=row.string("clause"),
    )
    row.done()
    return icon


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
