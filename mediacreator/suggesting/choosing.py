"""Choose the profile of a medium for who does not name one, and say why (``create --profile auto``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mediacreator.model import Finding, Header, Scan, Severity
from mediacreator.rules.library import load_profile, profile_ids
from mediacreator.rules.tables import Blank, media_formats
from mediacreator.select.request import SelectionRequest
from mediacreator.suggesting.counting import count
from mediacreator.suggesting.families import families_of
from mediacreator.suggesting.groups import groups_of
from mediacreator.suggesting.media import Fit, fits
from mediacreator.suggesting.weighing import Scales
from mediacreator.suggesting.writable import lacking
from mediacreator.transcode.choose import Compression

AUTO = "auto"
"""What stands for a profile where one is to be chosen."""

FIRST = "STD-GEN-CD"
"""Uncompressed on a CD: what every reader opens, so it comes before the list of a site."""

_GENERAL, _SECURE = "STD-GEN-", "STD-GEN-SEC-"

HOW = {
    "none": "uncompressed where the profile allows it",
    "keep": "coded as they are, since uncompressed they need more media",
    "lossless": "compressed without loss, since they need more media otherwise",
    "lossy": "compressed with loss, as was asked for",
}
"""What is done to instances, by the mode of compression."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A profile that was chosen."""

    profile: str  # identifier
    compression: Compression  # to use where none was asked for
    findings: tuple[Finding, ...]  # notes: why this one, and why none of those before it


def candidates(
    profile_list: Sequence[str], blank: Blank | None = None, folders: tuple[str, ...] = (), suffix: str = ""
) -> tuple[str, ...]:
    """Return the identifiers to choose among, the one that is liked best first.

    Args:
        profile_list: Of the settings of a site.
        blank: The medium to write to; None for any.
        folders: Of a site, with profiles of its own.
        suffix: How the name of the output ends, as ``.zip``; it decides where no medium is named.

    Returns:
        Those of the list that are for the medium; where none is, every general one that is; where
        there is none of that either, the list.
    """
    liked = tuple(dict.fromkeys((FIRST, *profile_list)))
    if blank is not None:
        media = {blank.medium}
    else:
        media = {medium.key for medium in media_formats().values() if medium.suffix == suffix and suffix}

    def suits(identifier: str) -> bool:
        return load_profile(identifier, folders).medium in media

    general = (name for name in profile_ids(folders) if name.startswith(_GENERAL) and not name.startswith(_SECURE))
    return tuple(filter(suits, liked)) or tuple(filter(suits, general)) or liked


def choose_profile(
    scan: Scan,
    among: Sequence[str],
    *,
    folder: bool,
    folders: tuple[str, ...] = (),
    request: SelectionRequest | None = None,
    compression: Compression | None = None,
    blank: Blank | None = None,
) -> Choice:
    """Choose the profile that holds most on fewest media, and of several the first.

    Args:
        scan: Made with what all of ``among`` want (``rules.wanted``).
        among: Identifiers, see ``candidates``.
        folder: The File-set is written to a folder: a medium that cannot be written yet is no obstacle.
        folders: Of a site, with profiles of its own.
        request: What was asked for of the sources.
        compression: What was asked for; None: none, or else what loses nothing and saves a medium.
        blank: The medium to write to; None for that of each profile.

    Raises:
        UsageError: A profile does not exist.

    Source: PS3.11 7 (a File-set claims a profile); which one is a choice of ours.
    """
    profiles = [replace(load_profile(identifier, folders), blank=blank) for identifier in among]
    families, request = families_of(profiles), request or SelectionRequest()
    headers = count(scan.headers, families[0].claim, request).headers
    if request.separate:
        headers = _largest_patient(headers)  # each patient gets media of their own, of one kind
    scales = Scales(groups_of(headers, families), request.private_sop_classes)
    found = fits(profiles, families, scales, compression)
    best = best_of(found, folder=folder)
    whose = " of the largest patient" if request.separate else ""
    findings = tuple(_explained(found, best, folder=folder, of=len(headers), whose=whose))
    return Choice(best.profile.id, best.compression, findings)


def _largest_patient(headers: Sequence[Header]) -> tuple[Header, ...]:
    """Return the headers of the Patient ID with most bytes; who is whose patient is decided later."""
    together: dict[bytes, list[Header]] = {}
    for header in headers:
        together.setdefault(header.attributes.get("PatientID", b"").strip(b" \0"), []).append(header)
    largest = max(together.values(), key=lambda group: sum(header.source.size for header in group), default=[])
    return tuple(largest)


def ranked(found: Sequence[Fit]) -> list[Fit]:
    """Return what holds most first, of those what needs fewest media, of those what stands first."""
    return sorted(found, key=lambda one: (-one.held.count, one.media))


def best_of(found: Sequence[Fit], *, folder: bool) -> Fit:
    """Return the best one that can be written; the best one if none can be."""
    order = ranked(found)
    return next((one for one in order if not lacking(one.profile, folder=folder)), order[0])


def in_words(one: Fit, of: int, whose: str = "") -> str:
    """Return what a profile holds and on how many media, as ``holds all 23 instances on one 120 mm CD-R``.

    Args:
        one: Of the profile.
        of: Instances that there are.
        whose: What is said of them, as `` of the largest patient``.
    """
    held = one.held.count
    which = f"all {of:,}" if held == of and of > 1 else "the only" if held == of else f"{held:,} of {of:,}"
    name = one.profile.media_format.name
    media = f"one {name}" if one.media == 1 else f"{one.media:,} media ({name})"
    return f"holds {which} instance{'s' if of != 1 else ''}{whose} on {media}"


def _explained(found: Sequence[Fit], best: Fit, *, folder: bool, of: int, whose: str) -> Iterator[Finding]:
    """Say why a profile was chosen, and of each that stands before it or is better why it was not."""
    place, rank = found.index(best), ranked(found).index(best)
    before = {one.profile.id for one in (*found[:place], *ranked(found)[:rank])}
    for one in found:
        if one.profile.id in before:
            yield _passed_over(one, best, lacking(one.profile, folder=folder), in_words(one, of, whose))
    lacks = lacking(best.profile, folder=folder)
    yield Finding(
        "profile-chosen",
        Severity.NOTE,
        "profile",
        f"{best.profile.id} was chosen: it {in_words(best, of, whose)}, {HOW[best.compression.mode]}"
        + (f"; this version cannot write {lacks}, and what the others need neither" if lacks else ""),
        f"what holds most on fewest media, of equals the first of {', '.join(one.profile.id for one in found)}",
        best.profile.clause,
        "Say --profile or --compress to have it otherwise, or change profile_list in the settings.",
    )


def _passed_over(one: Fit, best: Fit, lacks: str, holds: str) -> Finding:
    if lacks:
        why, expected = f"this version cannot write {lacks}", "a medium that can be written"
    elif one.held.count < best.held.count:
        why, expected = f"{best.profile.id} holds more", "what holds most"
    else:
        why, expected = f"{best.profile.id} needs fewer media", "what needs fewest media"
    return Finding(
        "profile-passed-over",
        Severity.NOTE,
        "profile",
        f"{one.profile.id} was not chosen: it {holds}, but {why}",
        expected,
        one.profile.clause,
        "Nothing, unless it is wanted all the same: say --profile.",
    )
