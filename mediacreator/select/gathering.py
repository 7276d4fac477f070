"""Gather what a record above the instances must show if any of them has it (PS3.11 Tables H.3-2 and I.3-2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mediacreator.dicomio.text import in_character_set
from mediacreator.model import Attributes, Finding, Header, Severity
from mediacreator.rules.tables import Key
from mediacreator.rules.values import has_value
from mediacreator.select.batches import Batch, Levels

TEXT_VRS = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
"""VRs whose values Specific Character Set speaks of (PS3.5 6.1.2.2)."""

GATHERED = "subordinate_nonempty"
"""The condition of keys that any instance below may call for."""


def gathered_keys(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Return the keys of a record that any instance below it may call for."""
    return tuple(key for key in keys if key.condition == GATHERED)


def gather(
    keys: Sequence[Key], speaker: Header, batches: Sequence[Batch], levels: Levels
) -> tuple[dict[str, bytes], tuple[Finding, ...]]:
    """Return values that the header which speaks for a record lacks and another below the record has.

    Args:
        keys: Those that ``gathered_keys`` returned.
        speaker: Of whose attributes the record is made.
        batches: Everything below the record, in the order of the sources: the first value that can be written is taken.
        levels: What the batches agree in.

    Returns:
        Values by keyword, in the character set of the speaker; and what could not be written in it.
    """
    found: dict[str, bytes] = {}
    said: list[Finding] = []
    for key in keys:
        if has_value(speaker.attributes.get(key.keyword), key.vr):
            continue
        first = None
        for lender in _lenders(key, batches, levels):
            value = _as_ours(key, lender, speaker.attributes)
            if value is not None:
                found[key.keyword] = value
                break
            first = first or lender
        else:
            said += [_unwritable(key, first)] if first else []
    return found, tuple(said)


def _lenders(key: Key, batches: Iterable[Batch], levels: Levels) -> Iterator[Header]:
    """Yield the headers that have a value, in the order of the sources."""
    alike = key.keyword in levels.keywords
    for batch in batches:
        for header in batch.headers[:1] if alike else batch.headers:
            if has_value(header.attributes.get(key.keyword), key.vr):
                yield header


def _as_ours(key: Key, lender: Header, ours: Attributes) -> bytes | None:
    value = lender.attributes[key.keyword]
    if key.vr not in TEXT_VRS:
        return value
    theirs = lender.attributes.get("SpecificCharacterSet", b"")
    return in_character_set(value, theirs, ours.get("SpecificCharacterSet", b""), key.vr)


def _unwritable(key: Key, lender: Header) -> Finding:
    return Finding(
        "key-not-gathered",
        Severity.WARNING,
        lender.source.location,
        f"{key.keyword} ({key.tag >> 16:04X},{key.tag & 0xFFFF:04X}) is in another character set than its record",
        "a value that the character set of the record can say",
        key.clause,
        "The record leaves it out; the instances are unchanged. Have the equipment use one character set.",
    )
