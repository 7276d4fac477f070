"""Share instances among the media of one job, where the profiles asked for need several kinds (PS3.11 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mediacreator.model import Conflict, FileSetContent, Finding, Header, Scan, Selection
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
    reasons of all. Who is who is decided over everything.

    Args:
        scan: What the sources hold.
        claims: One for each kind of medium, in the order in which they were asked for.
        request: Filters, and the answers of a person.
        compare: Compares the content of instances with one SOP Instance UID.

    Raises:
        UsageError: The request answers a Conflict that these sources do not have.
        SourceChanged: A source changed since it was scanned.
    """
    if len(claims) == 1:
        selection = select(scan, claims[0], request, compare=compare)
        return Share(tuple((claims[0], content) for content in selection.file_sets), selection)
    everything = Claim(tuple(profile for claim in claims for profile in claim.profiles))
    places = _places(scan.headers, claims, request)
    numbers = frozenset(header.source.number for header in scan.headers)
    done: list[tuple[Claim, Selection]] = []
    for place, claim in enumerate((*claims, everything)):
        here = frozenset(number for number, its_place in places.items() if its_place == place)
        if here:
            done.append((claim, select(scan, claim, replace(request, elsewhere=numbers - here), compare=compare)))
    selection = _together([selection for _, selection in done])
    if selection.conflicts:
        return Share((), replace(selection, file_sets=()))
    return Share(tuple((claim, content) for claim, s in done for content in s.file_sets), selection)


def _places(headers: Sequence[Header], claims: Sequence[Claim], request: SelectionRequest) -> dict[int, int]:
    """Return for the number of each source which claim it goes to; the one behind the last for what none covers.

    Instances with one SOP Instance UID go to one place, where they are compared.
    """
    by_uid: dict[str, int] = {}
    for header in headers:
        if header.sop_class_uid in request.private_sop_classes:
            place = 0  # no profile speaks of it, and the site takes it along
        else:
            place = next((n for n, claim in enumerate(claims) if claim.covering(header)), len(claims))
        by_uid[header.sop_instance_uid] = min(place, by_uid.get(header.sop_instance_uid, place))
    return {header.source.number: by_uid[header.sop_instance_uid] for header in headers}


def _together(selections: Sequence[Selection]) -> Selection:
    """Return what several selections over the same sources say, each thing once."""
    conflicts: dict[int, Conflict] = {c.number: c for s in reversed(selections) for c in s.conflicts}
    findings: dict[Finding, None] = dict.fromkeys(f for s in selections for f in s.findings)
    dispositions = (entry for s in selections for entry in s.dispositions)
    return Selection(
        tuple(content for s in selections for content in s.file_sets),
        tuple(sorted(dispositions, key=lambda entry: entry.source.number)),
        tuple(findings),
        tuple(conflicts[number] for number in sorted(conflicts)),
    )
