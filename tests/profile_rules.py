"""The rules of an application profile by name, as ``key IMAGE/Rows`` or ``pairing US/RGB``: what is there to break.

They are the fields of the profile's dataclasses. A field that is neither looked at here nor listed as one that no
File-set can break fails a test, so that a new column cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mediacreator.rules.profile import ApplicationProfile, IconRule
from mediacreator.rules.tables import Key, record_types, sop_classes

CALLING = ("", "biplane", "xa_biplane", "xa_image")
"""Conditions of keys that ask for what an instance may lack; the others speak of what it has."""

FIELDS = {
    "ApplicationProfile": {"objects", "attributes", "pairings", "directory", "security", "jpeg_interchange_format"},
    "ObjectRule": {"sop_classes", "selector", "transfer_syntaxes", "where", "declared"},
    "AttributeRule": {"constraint", "scope", "where"},
    "Pairing": {"scope", "photometric", "transfer_syntaxes"},
    "DirectoryRule": {
        *("dicomdir", "empty_allowed", "levels", "all_files_referenced", "root", "unique_patient_id", "keys", "icons"),
    },
    "IconRule": {"records", "required", "rows", "columns", "bits", "photometric"},
}
"""What a File-set can break."""

OTHERS = {
    "ApplicationProfile": {
        *(
            "id",
            "title",
            "annex",
            "clause",
            "clauses",
            "status",
            "notes",
            "source",
            "last_in",
            "extends",
        ),  # say what it is
        *("roles", "groups"),  # of devices, for the conformance statement
        *("medium", "blank", "session", "transport"),  # of the medium that carries it: a folder has none
        *("_syntaxes", "_keys"),
    },
    "ObjectRule": {"name", "clause", "requirements"},  # X in a role: no profile of PS3.11 that is resolved has one left
    "AttributeRule": {"name", "clause", "severity", "remedy", "create_only"},
    "Pairing": {"clause"},
    "DirectoryRule": {"clause"},
    "IconRule": {"clause"},
}
"""What says something of a rule, or binds something else than a File-set."""


def rules_of(profile: ApplicationProfile) -> set[str]:
    """Return every rule of a profile that a File-set can break."""
    found = {f"object {row.name}" for row in profile.objects} | {"other objects", "security"}
    found |= {f"where {row.name}/{where.keyword}" for row in profile.objects for where in row.where}
    found |= {f"attribute {rule.name}" for rule in profile.attributes}
    found |= {f"pairing {name}/{pair.photometric}" for pair in profile.pairings for name in pair.scope}
    found |= {f"key {kind}/{way}" for kind, keys in keys_of(profile) for way in ways(keys)}
    found |= {f"icon {what}" for rule in profile.directory.icons for what in told(rule)}
    found |= {f"directory {what}" for what in ("dicomdir", "empty", "levels", "references", "root", "patients")}
    return found | ({"jpeg"} if profile.jpeg_interchange_format else set())


def rules_of_sources(profile: ApplicationProfile) -> set[str]:
    """Return the rules that an instance breaks whatever a creator does to its coding, and without a directory yet."""
    found = {rule for rule in rules_of(profile) if rule.startswith(("where ", "attribute "))}
    found |= {f"key {kind}/{key.keyword}" for kind, keys in keys_of(profile) for key in keys if asks(kind, key)}
    found |= {f"photometric {name}" for pair in profile.pairings for name in pair.scope}
    return found | ({"other objects", "jpeg", "icon required"} & rules_of(profile)) | {"other objects"}


def keys_of(profile: ApplicationProfile) -> Iterator[tuple[str, tuple[Key, ...]]]:
    """Yield the keys of each record type that there can be: Table H.3-2 has some for objects that Annex N has not."""
    held = {row.record_type for uid, row in sop_classes().items() if any(one.covers(uid) for one in profile.objects)}
    for kind, keys in profile.directory.keys.items():
        if kind in held | {"PATIENT", "STUDY", "SERIES"}:
            yield kind, keys


def asks(kind: str, key: Key) -> bool:
    """Tell whether a key of a record asks for a value that an instance may lack and nobody may invent.

    What PS3.3 F.5 asks for itself is filled in (docs/adr/0006-filled-in-keys.md).
    """
    base = any(one.tag == key.tag and one.type == "1" for one in record_types()[kind].keys)
    return not base and not key.source and key.type in ("1", "1C") and key.condition in CALLING


def ways(keys: Iterable[Key]) -> Iterator[str]:
    """Yield the keys of a record by keyword, and the mandatory keys of items by their path; icons have rules."""
    for key in keys:
        if key.source != "icon":
            yield key.keyword
        yield from (f"{key.keyword}>{inner.keyword}" for inner in key.items if inner.condition == "parent_present")


def told(rule: IconRule) -> Iterator[str]:
    """Yield what a rule says of icons."""
    yield from ("required",) if rule.required else ()
    yield from (what for what in ("rows", "columns", "bits", "photometric") if getattr(rule, what))
