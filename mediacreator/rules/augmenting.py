"""Augmented profiles: a proper superset of a standard one, on the same medium (PS3.2 7.4.2)."""

from __future__ import annotations

from collections.abc import Callable

from mediacreator.errors import UsageError
from mediacreator.rules.fields import Fields, Refused
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.tables import sop_classes
from mediacreator.rules.toml_table import Table

PREFIX = "AUG-"

_MAY_SAY = ("identifier", "title", "status", "clause", "extends", "roles", "objects", "directory", "notes")
_CLAUSE = "[PS3.2 7.4.2]"
_DIRECTORY = "Media Storage Directory Storage"


def with_base(identifier: str, own: Table, extends: str, base_of: Callable[[str], Table]) -> Table:
    """Return the table of a profile on top of that which it extends, if any.

    Roles that it adds come to the base's objects too: M for the DICOMDIR, which every role handles (PS3.10 8.3), O
    for the others. All that it may not say, medium and security among it, is its base's.

    Args:
        identifier: Of the profile.
        own: What its file says, merged.
        extends: Identifier of the base, ``""`` for none.
        base_of: Finds the table of the base.

    Raises:
        UsageError: It extends a profile and is no augmented one, or the other way round; it says more than an augmented
            profile may; or there is no such base.
    """
    fields = Fields(own)
    if bool(extends) != identifier.startswith(PREFIX):
        fields.refuse("extends", f"an {PREFIX} profile extends a standard one, and no other does {_CLAUSE}")
    if not extends:
        return own
    for key in own:
        if key not in _MAY_SAY:
            fields.refuse(key, f"is its base's: an augmented profile says only {', '.join(_MAY_SAY)} {_CLAUSE}")
    for key in fields.take("directory", Table, Table({}, own.at, {})):
        if key != "keys":
            Fields(own).inner("directory").refuse(key, f"is its base's: an augmented profile may add keys {_CLAUSE}")
    try:
        base = base_of(extends)
    except Refused:
        raise
    except UsageError as exc:
        fields.refuse("extends", str(exc))
    if not base.text("identifier").startswith(("STD-", PREFIX)) or base.text("status") != "current":
        fields.refuse("extends", f"{extends} is not a current standard profile, or one that augments it {_CLAUSE}")
    added = [role for role in own.texts("roles") if role not in base.texts("roles")]
    base = base.having({"objects": [_with_roles(row, added) for row in base.rows("objects")]})
    return base.merged(own.having({"roles": added, "extends": extends}))


def _with_roles(row: Table, added: list[str]) -> Table:
    """Return an object row of the base that says something for roles that the base does not have."""
    requirement = "M" if row.texts("sop_classes") == [_DIRECTORY] else "O"
    requirements = Fields(row).take("requirements", Table)
    return row.having({"requirements": requirements.having(dict.fromkeys(added, requirement))})


def refuse_unless_superset(base: ApplicationProfile, made: ApplicationProfile) -> None:
    """Refuse an augmented profile that changes what its base says of a SOP Class, or adds nothing.

    Args:
        base: What it extends.
        made: The profile.

    Raises:
        UsageError: It does.
    """
    there = len(base.objects)
    for rule in made.objects[there:]:
        for uid, sop_class in sop_classes().items():
            if rule.covers(uid) and base.accepts(uid):
                raise UsageError(
                    f"{made.source}: objects[{rule.name}]: {base.id} holds {sop_class.name} already, and an augmented "
                    f"profile adds SOP Classes without changing those of its base; for other Transfer Syntaxes write a "
                    f"PRI- profile {_CLAUSE}"
                )
    keys = sum(map(len, made.directory.keys.values())) - sum(map(len, base.directory.keys.values()))
    if len(made.objects) == there and len(made.roles) == len(base.roles) and not keys:
        raise UsageError(
            f"{made.source}: extends: {made.id} adds no SOP Class, key or role to {base.id}: claim {base.id} {_CLAUSE}"
        )
