"""``mediacreator profiles show``: one application profile, resolved, with the clause of each rule."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from mediacreator.cli.profiles import site, site_options
from mediacreator.cli.report import columns, say
from mediacreator.rules.library import load_profile, profile_ids
from mediacreator.rules.profile import ApplicationProfile, DirectoryRule, IconRule, Session
from mediacreator.rules.tables import Key, transfer_syntaxes
from mediacreator.rules.words import REQUIREMENTS, object_in_words, rule_in_words
from mediacreator.suggesting.families import families_of
from mediacreator.suggesting.writable import lacking

_LABEL = 12
_SECURITY = {
    "none": "none: no file may be a Secure DICOM File",
    "basic_media": "every file is a Secure DICOM File",
    "email_transport": "the mail is encrypted and signed",
}
_OFFERS = {
    "must_offer": "one of what must be offered",
    "may": "may be done",
    "no": "must not be done",
    "unstated": "is not spoken of",
}


@click.command("show", short_help="Show what one profile asks.")
@click.argument("identifier", metavar="ID")
@site_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(*, identifier: str, folders: tuple[str, ...], config: Path | None, as_json: bool) -> None:
    """Show what the profile ID asks: medium, security, objects and how they are coded, attributes and directory keys.

    Each rule names its clause. Of a retired one it says since when, and which profiles stand in its place.
    """
    places, _ = site(folders, config)
    profile = load_profile(identifier, places)
    instead = _instead(profile, places) if profile.status == "retired" else ()
    if as_json:
        say(json.dumps({**_document(profile), "instead": list(instead)}, ensure_ascii=False, indent=2))
        return
    for line in _lines(profile, instead):
        say(line)


def _instead(retired: ApplicationProfile, folders: tuple[str, ...]) -> tuple[str, ...]:
    """Return the current profiles that ask the same on other media, or else the first that holds the same objects."""
    current = [load_profile(identifier, folders) for identifier in profile_ids(folders)]
    alike = [family for family in families_of([retired, *current]) if retired in family.profiles]
    same = tuple(profile.id for profile in alike[0].profiles if profile is not retired)
    classes = {uid for row in retired.objects for uid in row.sop_classes if retired.accepts(uid)}
    return same or tuple(profile.id for profile in current if all(map(profile.accepts, classes)))[:1]


def _lines(profile: ApplicationProfile, instead: Sequence[str]) -> Iterator[str]:
    yield from _wrapped(f"{profile.id}: {profile.title} [{profile.clause}]", "")
    yield ""
    yield from _head(profile, instead)
    yield from _objects(profile)
    if profile.attributes:
        yield from _section("Attributes of instances, by the code of the finding")
        for rule in profile.attributes:
            mild = "" if rule.severity == "error" else f", a {rule.severity}"
            scope = f"{rule.name} ({', '.join(rule.scope)}{mild})"
            yield from _wrapped(f"{scope}: {rule_in_words(rule)} [{rule.clause}]", "  ")
    yield from _directory(profile.directory)
    if profile.notes:
        yield from _section("Notes")
        for note in profile.notes:
            yield from _wrapped(note, "  ")


def _head(profile: ApplicationProfile, instead: Sequence[str]) -> Iterator[str]:
    medium, clauses = profile.media_format, profile.clauses
    if profile.status == "retired":
        yield from _labelled("Status", f"retired; PS3.11-{profile.last_in} was the last edition that had it")
        yield from _labelled("Instead", ", ".join(instead) or "none")
    if profile.extends:
        yield from _labelled("Extends", profile.extends)
    yield from _labelled("Roles", f"{', '.join(profile.roles)} [{clauses['roles']}]")
    holds = f"{medium.capacity:,} bytes" if medium.capacity else "no capacity of its own"
    systems = medium.file_system.replace(";", " or ")
    yield from _labelled("Medium", f"{medium.name}, {systems}, {holds} [{clauses['medium']}; {medium.clause}]")
    yield from _labelled("Session", _session(profile.session))
    yield from _labelled("Security", f"{_SECURITY[profile.security]} [{clauses['security']}]")
    if profile.transport:
        said = ", ".join(f"{name} {value}" for name, value in profile.transport.items())
        yield from _labelled("Mail", f"{said} [{clauses['transport']}]")
    if profile.jpeg_interchange_format:
        yield from _labelled("JPEG", f"each frame carries its own tables [{clauses['jpeg_interchange_format']}]")
    lacks = lacking(profile)
    yield from _labelled("Create", f"this version cannot write {lacks}" if lacks else "this version can write it")
    if not profile.id.startswith("STD-"):
        yield from _labelled("Source", profile.source)


def _session(session: Session) -> str:
    offered = [name for name in ("finalize", "multisession", "packet") if getattr(session, name) == "must_offer"]
    others = [
        f"{name} {_OFFERS[getattr(session, name)]}"
        for name in ("finalize", "multisession", "packet")
        if name not in offered
    ]
    must = [f"a writer offers {' or '.join(offered)}"] if offered else []
    volumes = "a File-set may span several media" if session.multi_volume else "one File-set is on one medium"
    return f"{'; '.join((*must, *others, volumes))} [{session.clause}]"


def _objects(profile: ApplicationProfile) -> Iterator[str]:
    yield from _section("Objects")
    table = transfer_syntaxes()
    for row in profile.objects:
        yield from _wrapped(f"{row.name}: {object_in_words(row)} [{row.clause}]", "  ")
        names = ["any that the conformance statement declares"] if row.declared else []
        for name in names or [table[uid].name for uid in row.transfer_syntaxes]:
            yield from _wrapped(name, "      ")
        roles = [f"{role} {REQUIREMENTS[row.requirements[role]]}" for role in profile.roles]
        yield from _wrapped("; ".join(roles), "      ")
    for group in profile.groups:
        words = f"{group.role}: at least {group.at_least} of {', '.join(group.of)} [{group.clause}]"
        yield from _wrapped(words, "  ")
    if profile.pairings:
        yield from _section("Photometric Interpretations")
        for pairing in profile.pairings:
            coded = ", ".join(table[uid].name for uid in pairing.transfer_syntaxes)
            words = f"{', '.join(pairing.scope)}: {pairing.photometric} in {coded} [{pairing.clause}]"
            yield from _wrapped(words, "  ")


def _directory(directory: DirectoryRule) -> Iterator[str]:
    yield from _section("Directory")
    facts = [
        f"DICOMDIR {directory.dicomdir}",
        "in the root directory" if directory.root else "",
        f"records {' > '.join(directory.levels)} > instances",
        "every file is referenced" if directory.all_files_referenced else "",
        "may be without records" if directory.empty_allowed else "",
        "one record for each Patient ID" if directory.unique_patient_id else "",
    ]
    yield from _wrapped(f"{'; '.join(fact for fact in facts if fact)} [{directory.clause}]", "  ")
    for record, keys in directory.keys.items():
        yield from _wrapped(f"{record}, besides the keys of PS3.3 F.5:", "  ")
        for key in keys:
            yield from _key(key, "      ")
    for icon in directory.icons:
        yield from _wrapped(_icon(icon), "  ")


def _key(key: Key, indent: str) -> Iterator[str]:
    condition = f", if {key.condition.replace('_', ' ')}" if key.condition else ""
    words = f"{key.keyword} ({key.tag >> 16:04X},{key.tag & 0xFFFF:04X}) type {key.type}{condition} [{key.clause}]"
    yield from _wrapped(words, indent)
    for item in key.items:
        yield from _key(item, f"{indent}  > ")


def _icon(icon: IconRule) -> str:
    size = f"{icon.rows} x {icon.columns}, " if icon.rows else ""
    bits = f"{icon.bits} bits, " if icon.bits else ""
    colours = f"{' or '.join(icon.photometric)}, " if icon.photometric else ""
    asked = "required" if icon.required else "allowed"
    return f"Icon of {', '.join(icon.records)}: {size}{bits}{colours}{asked} [{icon.clause}]"


def _section(title: str) -> Iterator[str]:
    yield ""
    yield title


def _labelled(label: str, words: str) -> Iterator[str]:
    yield from textwrap.wrap(
        words,
        columns(),
        initial_indent=f"{label:<{_LABEL}}",
        subsequent_indent=" " * _LABEL,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _wrapped(words: str, indent: str) -> Iterator[str]:
    below = " " * len(indent) + "    "
    yield from textwrap.wrap(
        words,
        columns(),
        initial_indent=indent,
        subsequent_indent=below,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _document(profile: ApplicationProfile) -> dict[str, object]:
    """Return the whole profile as JSON; UIDs of Transfer Syntaxes and SOP Classes as in PS3.6."""
    hidden = ("_syntaxes", "_keys")
    document = {name: value for name, value in asdict(profile).items() if name not in hidden}
    return {**document, "media_format": asdict(profile.media_format), "lacking": lacking(profile)}
