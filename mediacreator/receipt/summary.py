"""Say at the end of a run what happened: for a terminal of 80 columns and for a log, in plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from mediacreator.model import Outcome
from mediacreator.receipt.check import counts_close
from mediacreator.receipt.model import COMPLETE, Counts, MediumEntry, Reason, Receipt
from mediacreator.rules.tables import transfer_syntaxes

_WIDTH = 79
CHOICES = frozenset(("profile-chosen", "profile-passed-over", "compression-chosen", "media-divided", "media-spanned"))
"""Codes of Findings that say what was chosen for who did not choose, and why: in whole sentences."""


def summary(receipt: Receipt, show_paths: bool) -> str:
    """Return what a terminal shows at the end, without a newline at its end.

    Args:
        receipt: A local receipt, or one read from a medium.
        show_paths: Names of images and paths of rejected sources may be shown: an interactive terminal. They may hold
            a patient's name, so a log gets none.

    Returns:
        Counts that add up, reasons by kind, the media, and as the last line the truth.
    """
    parts = ["\n".join(_counts(receipt.counts))]
    absent = [reason for reason in receipt.reasons if reason.outcome is not Outcome.ACCEPTED]
    present = [r for r in receipt.reasons if r.outcome is Outcome.ACCEPTED and r.code not in CHOICES]
    if absent:
        parts.append("\n".join(("Not on the medium:", *_reasons(absent), *(_paths(receipt) if show_paths else ()))))
    if present:
        parts.append("\n".join(("Good to know about what is on the medium:", *_reasons(present))))
    notes = [*_notes(receipt)]
    if notes:
        parts.append("\n".join(notes))
    count = len(receipt.media)
    media = [(f"Medium {n} of {count}" if count > 1 else "", entry) for n, entry in enumerate(receipt.media, 1)]
    parts.append("\n".join(line for title, entry in media for line in _medium(title, entry, show_paths)))
    parts.append(_verdict(receipt))
    return "\n\n".join(part for part in parts if part)


def _counts(counts: Counts) -> Iterator[str]:
    """Yield a sum: what each file found became, a line, and their number."""
    rows = (
        (counts.accepted, "accepted"),
        (counts.rejected, f"rejected ({counts.missing:,} of them missing)" if counts.missing else "rejected"),
        (counts.left_out, "left out by rule"),
        (counts.duplicate, "duplicate"),
        (counts.not_asked_for, "not asked for"),
        (counts.not_dicom, "not DICOM"),
    )
    width = max(6, len(f"{max(counts.found, counts.kept):,}") + 2)
    if counts.removed:
        yield f"{counts.removed:>{width},}  removed"
    if not counts.found and counts.kept:
        yield f"{counts.kept:>{width},}  kept"
        return
    for number, word in rows:
        if number or word == "accepted":
            checked = _checked(counts) if word == "accepted" else ""
            yield f"{number:>{width},}  {word}{checked}"
    yield f"  {'-' * (width - 2)}"
    yield f"{counts.found:>{width},}  found in the sources"
    if counts.kept:
        yield f"{counts.kept:>{width},}  on the medium before, and still"


def _checked(counts: Counts) -> str:
    if counts.written is None or counts.verified is None:
        return ""
    return f" = {counts.written:,} written = {counts.verified:,} read back as written"


_EXPLAINED = (Outcome.ACCEPTED, Outcome.LEFT_OUT)
"""Outcomes whose notes are worth a sentence: what is no DICOM file or not asked for explains itself."""


def _reasons(reasons: list[Reason]) -> Iterator[str]:
    """Yield count, outcome, code and clause of each kind of Finding; what was found, and what to do but for notes."""
    width = max(len(f"{reason.count:,}") for reason in reasons)
    for reason in reasons:
        outcome = "" if reason.outcome is Outcome.ACCEPTED else f"{reason.outcome.value}: "
        clause = f" [{reason.clause}]" if reason.clause else ""
        yield from _filled(f"{reason.count:>{width},}  {outcome}{reason.code}{clause}", width + 4, 2)
        if reason.severity.value != "note":
            said = f"{reason.what}, expected {reason.expected}." if reason.what else f"Expected {reason.expected}."
            example = "For example " if reason.what and reason.count > 1 else ""
            yield from _filled(f"{example}{said} {reason.remedy}", width + 4, width + 4)
        elif reason.what and reason.outcome in _EXPLAINED:
            yield from _filled(f"{reason.what}.", width + 4, width + 4)


def _filled(text: str, indent: int, first: int) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=" " * first,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


_MOST_PATHS = 10


def _paths(receipt: Receipt) -> Iterator[str]:
    """Yield which files should be on the medium and are not, the first few."""
    rejected = [entry for entry in receipt.not_on_medium if entry.outcome is Outcome.REJECTED]
    if rejected:
        yield "  Rejected files:"
    for entry in rejected[:_MOST_PATHS]:
        name = f"source {entry.source}" if entry.source else entry.finding.location
        yield f"    {name}: {_printable(entry.path)}"
    if len(rejected) > _MOST_PATHS:
        yield f"    and {len(rejected) - _MOST_PATHS:,} more, listed in the receipt"


def _printable(text: str) -> str:
    """Return a name of a file without what would steer a terminal, or what it cannot encode."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _notes(receipt: Receipt) -> Iterator[str]:
    for finding in receipt.findings:
        if finding.code in CHOICES:
            yield from _filled(f"{finding.what[:1].upper()}{finding.what[1:]}: {finding.expected}", 2, 0)
    for way in receipt.transcoded:
        yield from _filled(f"{way.count:,} transcoded from {_syntax(way.source)} to {_syntax(way.target)}", 2, 0)
    yield from _derived(receipt)
    if receipt.filled_in:
        keywords = sorted({entry.keyword for entry in receipt.filled_in})
        text = f"{len(receipt.filled_in):,} filled in, in directory records only: {', '.join(keywords)}"
        yield from _filled(text, 2, 0)
    unknown = sorted({(entry.keyword, entry.value) for entry in receipt.filled_in if entry.placeholder})
    for keyword, value in unknown:
        yield from _filled(f"{keyword} {value} is a placeholder: nobody knows the true one", 2, 0)
    for decision in receipt.decisions:
        yield from _filled(f"Question {decision.conflict} ({decision.code}): decided by {decision.decided_by}", 2, 0)


def _derived(receipt: Receipt) -> Iterator[str]:
    """Yield how many instances are others than their sources, which nobody may overlook."""
    files = [file for medium in receipt.media for file in medium.files if file.derived_from]
    lossy = sum(1 for file in files if file.quality)
    if lossy:
        yield from _filled(f"{lossy:,} compressed with loss, under new SOP Instance UIDs", 2, 0)
    if len(files) > lossy:
        others = len(files) - lossy
        yield from _filled(f"{others:,} that refer to them written anew, under new SOP Instance UIDs too", 2, 0)


def _syntax(uid: str) -> str:
    """Return the name of a Transfer Syntax (PS3.6 Table A-1), or its UID where we know none."""
    known = transfer_syntaxes().get(uid)
    return known.name if known else uid


def _medium(title: str, medium: MediumEntry, show_paths: bool) -> Iterator[str]:
    titles = (title, _printable(medium.name) if show_paths else "")
    name = ", ".join(filter(None, titles)) + (": " if any(titles) else "")
    volume = f"volume {medium.volume} of {medium.volumes}, " if medium.volumes > 1 else ""
    size = f", {_size(medium.size)}" if medium.size else ""
    file_set = f"File-set {medium.file_set_id}" if medium.file_set_id else "File-set without an ID"
    noun = "instance" if medium.instances == 1 else "instances"
    profile = medium.profile.replace(",", " and ")
    yield from _filled(
        f"{name}{file_set}, {profile}, {volume}{medium.instances:,} {noun}{size}",
        2,
        0,
    )
    if medium.sha256:
        yield f"  SHA-256 {medium.sha256}"
    if medium.virus_check is not None:
        said = f"Marked: checked for viruses on {medium.virus_check}. Nothing can be added to it later."
        yield from _filled(_printable(said), 4, 2)


def _size(size: int) -> str:
    """Return a number of bytes as people say it: 734.0 MB is 734,003,200 bytes."""
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{size} bytes" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    return ""


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _verdict(receipt: Receipt) -> str:
    """Return the one line that must be true."""
    counts = receipt.counts
    due = counts.accepted + counts.rejected
    reasons = counts_close(receipt)
    if reasons:
        more = f" And {len(reasons) - 1} more." if len(reasons) > 1 else ""
        return f"NOT complete: the counts do not close. {reasons[0]}{more}"
    if counts.rejected:
        verb = "is" if counts.rejected == 1 else "are"
        return f"NOT complete: {counts.rejected:,} of {due:,} instances {verb} not on the medium."
    if receipt.state != COMPLETE:
        return "NOT complete: the receipt says so."
    if counts.verified is None:
        return f"Complete: {counts.accepted:,} of {due:,} instances are on the medium, by what the receipt on it says."
    if counts.removed:
        gone = f"{counts.removed:,} instance{'' if counts.removed == 1 else 's'} {_was(counts.removed)} removed"
        return f"Complete: {gone}; {counts.kept:,} {_was(counts.kept)} kept."
    if counts.kept and not due:
        there = "the one instance that is" if counts.kept == 1 else f"the {counts.kept:,} instances that are"
        return f"Complete: the DICOMDIR names {there} there."
    if counts.kept:
        added = "the one instance was" if due == 1 else f"{counts.verified:,} of {due:,} instances were"
        return f"Complete: {added} added and read back; {counts.kept:,} {_was(counts.kept)} kept."
    if due == 1:
        return "Complete: the one instance is on the medium and was read back."
    media = "medium" if len(receipt.media) == 1 else "media"
    return f"Complete: {counts.verified:,} of {due:,} instances are on the {media} and were read back."
