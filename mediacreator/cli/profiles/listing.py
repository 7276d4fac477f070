"""The list of application profiles: by annex, those together that differ in medium and security alone."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator

from mediacreator.cli.report import columns, fit, say
from mediacreator.rules.library import load_profile, profile_ids
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.tables import transfer_syntaxes
from mediacreator.rules.words import codes_in_short, medium_in_short, objects_in_short, title_of_several
from mediacreator.suggesting.families import families_of
from mediacreator.suggesting.writable import lacking

_IDENTIFIER = 36  # columns, with two of indentation
_MEDIUM = 13
_SECURITY = 8


def show_list(folders: tuple[str, ...], *, retired: bool, as_json: bool) -> None:
    """Print every profile.

    Args:
        folders: Of the site.
        retired: Retired ones, too.
        as_json: As JSON.

    Raises:
        UsageError: A file of the site is wrong.
    """
    statuses = ("current", "retired") if retired else ("current",)
    profiles = [load_profile(name, folders) for status in statuses for name in profile_ids(folders, status=status)]
    if as_json:
        say(json.dumps({"profiles": [_document(profile) for profile in profiles]}, ensure_ascii=False, indent=2))
        return
    for line in _lines(profiles):
        say(line)


def _lines(profiles: list[ApplicationProfile]) -> Iterator[str]:
    by_annex: dict[tuple[str, str], list[ApplicationProfile]] = {}
    for profile in profiles:
        by_annex.setdefault(_heading(profile), []).append(profile)
    yield f"{fit('  identifier', _IDENTIFIER)}{fit('medium', _MEDIUM)}{fit('secured', _SECURITY)}create writes it"
    for (annex, status), members in by_annex.items():
        yield ""
        yield f"{annex}{', retired' if status == 'retired' else ''}"
        for family in families_of(members):
            yield from _family_lines(family.profiles)
    yield ""
    yield from textwrap.wrap(_total(profiles), columns())


def _heading(profile: ApplicationProfile) -> tuple[str, str]:
    standard = profile.id.startswith("STD-")
    return f"PS3.11 Annex {profile.annex}" if standard else f"Of the site, {profile.source}", profile.status


def _family_lines(profiles: tuple[ApplicationProfile, ...]) -> Iterator[str]:
    plain = [profile.title for profile in profiles if profile.security == "none"]
    title = title_of_several(plain or [profile.title for profile in profiles])
    words = f"{title}: {objects_in_short(profiles[0])}; {codes_in_short(profiles[0])}"
    yield from textwrap.wrap(words, columns(), initial_indent="  ", subsequent_indent="    ")
    for profile in profiles:
        secured = "yes" if profile.security != "none" else "no"
        yield (
            f"{fit('    ' + profile.id, _IDENTIFIER)}{fit(medium_in_short(profile.medium), _MEDIUM)}"
            f"{fit(secured, _SECURITY)}{create_in_words(profile)}"
        )


def create_in_words(profile: ApplicationProfile) -> str:
    """Return whether ``create`` can write it, in a word, and what is missing."""
    lacks = lacking(profile)
    if not lacks:
        return "yes"
    return f"no: {lacks}" if lacking(profile, folder=True) else f"folder only: no {lacks}"


def _total(profiles: Iterable[ApplicationProfile]) -> str:
    profiles = list(profiles)
    current = sum(profile.status == "current" for profile in profiles)
    whole = sum(not lacking(profile) for profile in profiles)
    retired = f" and {len(profiles) - current} retired ones" if current < len(profiles) else ""
    more = 'What one asks: "mediacreator profiles show ID".'
    return f"{current} profiles{retired}; create can write the media of {whole}. {more}"


def _document(profile: ApplicationProfile) -> dict[str, object]:
    medium, names, lacks = profile.media_format, transfer_syntaxes(), lacking(profile)
    used = dict.fromkeys(uid for row in profile.objects for uid in row.transfer_syntaxes)
    return {
        "id": profile.id,
        "title": profile.title,
        "annex": profile.annex,
        "clause": profile.clause,
        "status": profile.status,
        "last_in": profile.last_in,
        "medium": profile.medium,
        "medium_name": medium.name,
        "security": profile.security,
        "objects": objects_in_short(profile),
        "transfer_syntaxes": [{"uid": uid, "name": names[uid].name} for uid in used],
        "create": {"image": not lacks, "folder": not lacking(profile, folder=True), "lacking": lacks},
        "source": profile.source,
    }
