"""Say of every profile what it holds of some sources, and recommend one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mediacreator import collector
from mediacreator.model import Outcome, Progress, Silent
from mediacreator.rules.library import load_profile, profile_ids
from mediacreator.scan import scan
from mediacreator.select.request import SelectionRequest
from mediacreator.sources import find_sources
from mediacreator.suggesting.choosing import HOW, best_of, in_words, ranked
from mediacreator.suggesting.counting import Counted, count
from mediacreator.suggesting.families import families_of
from mediacreator.suggesting.groups import groups_of, wanted_to_weigh
from mediacreator.suggesting.media import Fit, fits
from mediacreator.suggesting.weighing import Reason, Scales
from mediacreator.suggesting.writable import lacking
from mediacreator.transcode.choose import Compression


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What one profile would hold of the sources."""

    profile: str  # identifier
    medium: str  # its name
    capacity: int  # bytes; 0: none of its own
    holds: int  # instances
    reasons: tuple[Reason, ...]  # why others cannot be on it, the most frequent first
    transcoded: int  # of those it holds, how many change their Transfer Syntax
    compression: str  # as ``create --compress`` takes it
    size: int  # bytes of the files; reckoned where they must be encoded
    media: int  # by size; 0 where it holds nothing
    lacking: str  # what this version cannot write of it, "" if it can

    @property
    def refused(self) -> int:
        """Return how many instances cannot be on it."""
        return sum(reason.count for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What every profile would hold, the recommended one first."""

    files: int  # found
    instances: int  # that may be on a medium, each once
    outcomes: tuple[tuple[str, int], ...]  # of the other files: outcome and number, in the order of ``Outcome``
    suggestions: tuple[Suggestion, ...]
    recommended: str  # identifier; "" where no profile holds anything
    why: str  # a sentence


def suggest(
    sources: Sequence[str],
    *,
    prefer: Sequence[str],
    folders: tuple[str, ...] = (),
    request: SelectionRequest | None = None,
    compression: Compression | None = None,
    workers: int = 0,
    progress: Progress | None = None,
) -> Suggestions:
    """Scan the sources once and say what every current profile would hold of them.

    Args:
        sources: Folders, files, ZIP archives, ISO images, mixed.
        prefer: Identifiers that are recommended before others which are as good, see ``candidates``.
        folders: Of a site, with profiles of its own.
        request: What is asked for of the sources.
        compression: What is asked for; None: none, or else what loses nothing and saves a medium.
        workers: Processes that read; 0: as many as there are processors, at most 8.
        progress: Told how it goes on.

    Raises:
        UsageError: A profile does not exist or its file is wrong.
        SourceUnreadable: A source does not exist.

    Source: PS3.11 X.3.1, X.3.3 and X.3.4; PS3.12 (capacity).
    """
    progress, request = progress or Silent(), request or SelectionRequest()
    with collector.held():
        identifiers = dict.fromkeys((*prefer, *profile_ids(folders)))
        profiles = [load_profile(identifier, folders) for identifier in identifiers]
        families = families_of(profiles)
        keys = wanted_to_weigh(families)
        progress.start("find", 0, 0)
        found = find_sources(sources)
        progress.advance(len(found.files), 0)
        workers = workers or min(os.cpu_count() or 1, 8)
        scanned = scan(found.files, keys, workers=workers, progress=progress)
        counted = count(scanned.headers, families[0].claim, request)
        scales = Scales(groups_of(counted.headers, families), request.private_sop_classes)
        weighed = fits(profiles, families, scales, compression)
    return _suggestions(weighed, counted, [entry.outcome for entry in (*found.others, *scanned.others)])


def _suggestions(weighed: Sequence[Fit], counted: Counted, others: Sequence[Outcome]) -> Suggestions:
    best, of = best_of(weighed, folder=False), len(counted.headers)
    order = sorted(map(_suggestion, weighed), key=lambda s: (s.profile != best.profile.id, *_rank(s)))
    better = ranked(weighed)[: ranked(weighed).index(best)]
    return Suggestions(
        files=of + counted.filtered + counted.unusable + counted.left_out + counted.duplicates + len(others),
        instances=of,
        outcomes=tuple((outcome.value, number) for outcome, number in _outcomes(counted, others).items() if number),
        suggestions=tuple(order),
        recommended=best.profile.id if best.held.count else "",
        why=_why(best, better, of),
    )


def _rank(one: Suggestion) -> tuple[int, int, bool]:
    return -one.holds, one.media, bool(one.lacking)


def _outcomes(counted: Counted, others: Sequence[Outcome]) -> Mapping[Outcome, int]:
    """Return what became of the files that are no instances to be put on a medium."""
    found = Counter(others)
    found[Outcome.FILTERED] += counted.filtered
    found[Outcome.REJECTED] += counted.unusable
    found[Outcome.LEFT_OUT] += counted.left_out
    found[Outcome.DUPLICATE] += counted.duplicates
    return {outcome: found[outcome] for outcome in Outcome}


def _suggestion(one: Fit) -> Suggestion:
    medium, held = one.profile.media_format, one.held
    return Suggestion(
        profile=one.profile.id,
        medium=medium.name,
        capacity=medium.capacity,
        holds=held.count,
        reasons=held.reasons,
        transcoded=held.transcoded,
        compression=str(one.compression),
        size=held.size,
        media=one.media,
        lacking=lacking(one.profile),
    )


def _why(best: Fit, better: Sequence[Fit], of: int) -> str:
    """Say in a sentence why a profile is recommended."""
    if not best.held.count:
        return "No profile holds anything of these sources." if of else "The sources hold no instances."
    why = f"{best.profile.id} {in_words(best, of)}, {HOW[best.compression.mode]}"
    if not better:
        return f"{why}."
    other, lacks = better[0], lacking(better[0].profile)
    return f"{why}; {other.profile.id} {in_words(other, of)}, but this version cannot write {lacks}."
