"""Share instances among the media of one job, where the profiles asked for need several kinds (PS3.11 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mediacreator.model import FileSetContent, Scan, Selection, SOPInstance
from mediacreator.rules.claim import Claim
from mediacreator.select import Comparer, SelectionRequest, select


@dataclass(frozen=True, slots=True)
class Share:
    """Which File-set claims what, and what became of everything."""

    file_sets: tuple[tuple[Claim, FileSetContent], ...]
    selection: Selection  # of all media together


def select_each(scan: Scan, claims: Sequence[Claim], request: SelectionRequest, *, compare: Comparer) -> Share:
    """Select for each kind of medium what it alone can hold, or what it can hold first.

    An instance goes on the first medium that one of its profiles covers. What none covers is rejected once, with the
    reasons of all. Whose instances they are is decided over everything: media of one job go to one person, as one does.

    Args:
        scan: What the sources hold.
        claims: One for each kind of medium, in the order in which they were asked for.
        request: Filters, and the answers of a person.
        compare: Compares the content of instances with one SOP Instance UID.

    Raises:
        UsageError: The request answers a Conflict that these sources do not have.
        SourceChanged: A source changed since it was scanned.
    """
    everything = Claim(tuple(profile for claim in claims for profile in claim.profiles))
    overall = select(scan, everything, request, compare=compare)
    if len(claims) == 1 or overall.conflicts:
        return Share(tuple((claims[0], content) for content in overall.file_sets), overall)
    places: dict[int, set[int]] = {}
    for content in overall.file_sets:
        for instance in content.instances():
            places.setdefault(_place(instance, claims), set()).add(instance.header.source.number)
    numbers = frozenset(header.source.number for header in scan.headers)
    each = [
        (claims[place], select(scan, claims[place], replace(request, elsewhere=numbers - here), compare=compare))
        for place, here in sorted(places.items())
    ]
    return Share(
        tuple((claim, content) for claim, selection in each for content in selection.file_sets),
        Selection(
            tuple(content for _, selection in each for content in selection.file_sets),
            (*overall.dispositions, *(entry for _, selection in each for entry in selection.dispositions)),
            tuple(dict.fromkeys((*overall.findings, *(f for _, selection in each for f in selection.findings)))),
        ),
    )


def _place(instance: SOPInstance, claims: Sequence[Claim]) -> int:
    """Return which claim holds an instance; the first where no profile speaks of it and the site takes it along."""
    covering = (
        n for n, claim in enumerate(claims) if any(profile.id in instance.profiles for profile in claim.profiles)
    )
    return next(covering, 0)
