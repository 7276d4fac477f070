"""Put each SOP Instance on the medium once, and never guess which of two that share a UID is the right one.

Of several files with one SOP Instance UID (PS3.5 9: it names one instance, for ever):

- the same Data Set is taken once;
- other attributes and the same pixels: the one chosen is that with most of the attributes that were read valued, of
  these the one created last, of these the first of the sources; a warning tells it;
- anything else, and two that name different persons, stops the job until ``--take N=K`` chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mediacreator.errors import UsageError
from mediacreator.model import Conflict, ConflictKind, Disposition, Finding, Header, Outcome, Severity
from mediacreator.select.identity import MANY, Grade, Identity, compare
from mediacreator.select.request import Comparer, Likeness

CLAUSE = "PS3.5 9; PS3.3 F.2.1"


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of the duplicates."""

    dropped: frozenset[int]  # numbers of the sources that are not taken
    dispositions: tuple[Disposition, ...]
    findings: tuple[Finding, ...]
    conflicts: tuple[Conflict, ...]


def duplicate_uids(headers: Sequence[Header]) -> tuple[str, ...]:
    """Return the SOP Instance UIDs that several headers have, in the order of their first source."""
    if len({header.sop_instance_uid for header in headers}) == len(headers):
        return ()  # the ordinary case: one set, nothing more
    seen: dict[str, int] = {}
    for header in headers:
        seen[header.sop_instance_uid] = seen.get(header.sop_instance_uid, 0) + 1
    return tuple(uid for uid, count in seen.items() if count > 1 and uid)


def resolve(
    duplicates: Mapping[int, Sequence[Header]],
    *,
    compare_content: Comparer,
    identity_of: Callable[[Header], Identity],
    take: Mapping[int, int],
) -> Resolved:
    """Choose among headers with the same SOP Instance UID.

    Args:
        duplicates: The headers for each UID that several have, by the number a Conflict about them would bear.
        compare_content: Reads and compares two of them.
        identity_of: Whom a header says it belongs to.
        take: The side to take of a Conflict, from 1.

    Raises:
        UsageError: ``take`` chooses a side that does not exist.
        SourceChanged: A source changed since it was scanned.
    """
    dropped: list[int] = []
    dispositions: list[Disposition] = []
    findings: list[Finding] = []
    conflicts: list[Conflict] = []
    for number, headers in duplicates.items():
        sides, likeness = _sides(headers, compare_content)
        one_person = all(_same_person(identity_of(sides[0][0]), identity_of(side[0])) for side in sides)
        safe = one_person and likeness in (Likeness.IDENTICAL, Likeness.SAME_PIXELS)
        if not safe and number not in take:
            conflicts.append(_conflict(number, sides, likeness, one_person, identity_of))
            continue
        chosen = _chosen(sides) if safe else _taken(number, sides, take[number])
        keep = chosen[0]
        same = {header.source.number for header in chosen}
        for header in headers:
            if header is not keep:
                dropped.append(header.source.number)
                dispositions.append(_not_taken(header, keep, same=header.source.number in same, by_rule=safe))
        if len(sides) > 1:
            findings.append(_reported(keep, len(sides), by_rule=safe))
    return Resolved(frozenset(dropped), tuple(dispositions), tuple(findings), tuple(conflicts))


def _sides(headers: Sequence[Header], compare_content: Comparer) -> tuple[list[list[Header]], Likeness]:
    """Group headers of the same content; return also how the groups relate, in the worst case.

    Where one UID stands for more different instances than MANY, the rest are not compared with all of them.
    """
    sides: list[list[Header]] = []
    relation = Likeness.IDENTICAL
    for header in headers:
        relations = []
        for side in sides[:MANY]:
            likeness = compare_content(side[0], header)
            if likeness is Likeness.IDENTICAL:
                side.append(header)
                break
            relations.append(likeness)
        else:
            sides.append([header])
            relation = max((relation, *relations), key=_WORSE.index)
    return sides, relation


def _same_person(one: Identity, other: Identity) -> bool:
    ids = {one.patient_id, other.patient_id} - {""}
    return len(ids) < 2 and compare(one, other).grade is Grade.EQUAL


_WORSE = (Likeness.IDENTICAL, Likeness.SAME_PIXELS, Likeness.UNKNOWN, Likeness.DIFFERENT)


def _chosen(sides: list[list[Header]]) -> list[Header]:
    """Choose among sides with the same pixels, by the rule above."""
    return min(sides, key=lambda side: _preference(side[0]))


def _preference(header: Header) -> tuple[int, int, int]:
    valued = sum(1 for value in header.attributes.values() if value.strip(b" \0"))
    created = b"".join(
        header.attributes.get(keyword, b"").strip(b" \0")
        for keyword in ("InstanceCreationDate", "InstanceCreationTime")
    )
    digits = created.partition(b".")[0][:14]
    return -valued, -int(digits.ljust(14, b"0")) if digits.isdigit() else 0, header.source.number


def _taken(number: int, sides: list[list[Header]], side: int) -> list[Header]:
    if not 1 <= side <= len(sides):
        raise UsageError(f"--take {number}={side}: conflict {number} has the sides 1 to {len(sides)}")
    return sides[side - 1]


def _not_taken(header: Header, keep: Header, *, same: bool, by_rule: bool) -> Disposition:
    if same:
        code, severity, what = "same-instance", Severity.NOTE, "the same as"
    elif by_rule:
        code, severity, what = "other-header", Severity.WARNING, "with other attributes and the same pixels as"
    else:
        code, severity, what = "not-taken", Severity.WARNING, "with other content than"
    finding = Finding(
        code,
        severity,
        header.source.location,
        f"an instance with the SOPInstanceUID (0008,0018) of {keep.source.location}, {what} it",
        "each SOP Instance once",
        CLAUSE,
        f"{keep.source.location} is on the medium.",
    )
    return Disposition(header.source, Outcome.DUPLICATE, finding, header.sop_instance_uid)


def _reported(keep: Header, sides: int, *, by_rule: bool) -> Finding:
    what = "attributes" if by_rule else "content"
    how = "the most complete, then the latest created, then the first was taken" if by_rule else "taken as asked for"
    return Finding(
        "duplicate-chosen",
        Severity.WARNING,
        keep.source.location,
        f"one of {sides} instances with one SOPInstanceUID (0008,0018) and different {what}: {how}",
        "one instance for each SOP Instance UID",
        CLAUSE,
        "Look whether it is the right one; give only the right source otherwise.",
    )


def _conflict(
    number: int,
    sides: list[list[Header]],
    likeness: Likeness,
    one_person: bool,
    identity_of: Callable[[Header], Identity],
) -> Conflict:
    if not one_person:
        differ = "and different patients"
    elif likeness is Likeness.UNKNOWN:
        differ = "whose pixels could not be compared"
    else:
        differ = "and different content"
    locations = ", ".join(side[0].source.location for side in sides[:8])
    finding = Finding(
        "duplicate-differs",
        Severity.ERROR,
        sides[0][0].source.location,
        f"{len(sides)} instances with one SOPInstanceUID (0008,0018) {differ}: {locations}",
        "one instance for each SOP Instance UID",
        CLAUSE,
        f"Look at them and choose one with --take {number}=K, K from 1 to {len(sides)} in this order.",
    )
    return Conflict(
        number,
        ConflictKind.DUPLICATE_INSTANCE,
        finding,
        tuple(tuple(header.source for header in side) for side in sides),
        tuple(f"{identity_of(side[0]).shown()}, {_described(side[0])}" for side in sides),
    )


def _described(header: Header) -> str:
    size = f"{header.source.size} bytes"
    return f"{size}, {len(header.attributes)} attributes read"


def by_uid(headers: Iterable[Header], uids: Iterable[str]) -> dict[str, list[Header]]:
    """Return the headers of each of some SOP Instance UIDs, in their order."""
    found: dict[str, list[Header]] = {uid: [] for uid in uids}
    for header in headers:
        if header.sop_instance_uid in found:
            found[header.sop_instance_uid].append(header)
    return found
