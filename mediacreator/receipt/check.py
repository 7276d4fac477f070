"""Whether the counts of a receipt close. Only then may anybody say that a medium is complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mediacreator.model import Outcome
from mediacreator.receipt.model import COMPLETE, MediumEntry, Receipt


def counts_close(receipt: Receipt) -> tuple[str, ...]:
    """Return why the counts do not close, each as a sentence without identity; none when they do.

    found = accepted + rejected + left out + duplicate + not asked for + not DICOM, and accepted = on the media =
    written = read back, both in the sums and file by file. That files are rejected does not keep counts from closing:
    it makes the state incomplete.
    """
    reasons = [*_sums(receipt)]
    for medium in receipt.media:
        reasons.extend(_medium(medium))
    if receipt.holds_identity:
        reasons.extend(_lists(receipt))
    if receipt.state == COMPLETE and receipt.counts.rejected:
        reasons.append(f"The receipt says complete, and {receipt.counts.rejected} files are rejected.")
    return tuple(reasons)


def _sums(receipt: Receipt) -> Iterator[str]:
    counts = receipt.counts
    parts = (
        counts.accepted + counts.rejected + counts.left_out + counts.duplicate + counts.not_asked_for + counts.not_dicom
    )
    if counts.found != parts:
        yield f"{counts.found} files were found, and {parts} are accounted for."
    if not counts.accepted and not counts.kept and not counts.removed:
        yield "No instance was accepted."
    if counts.missing > counts.rejected:
        yield f"{counts.missing} instances are missing, and only {counts.rejected} files are rejected."
    for word, number in (("written", counts.written), ("read back as written", counts.verified)):
        if number is not None and number != counts.accepted:
            yield f"{counts.accepted} instances were accepted, and {number} were {word}."
        if number is None and receipt.holds_identity:
            yield f"It is not known how many instances were {word}."


def _medium(medium: MediumEntry) -> Iterator[str]:
    name = f"Volume {medium.volume} of {medium.volumes}"
    uids = Counter(file.sop_instance_uid for file in medium.files if file.sop_instance_uid)
    if _lists_all(medium) and uids.total() != medium.instances:
        yield f"{name}: the DICOMDIR names {medium.instances} instances, and {uids.total()} are on the medium."
    twice = sum(1 for number in uids.values() if number > 1)
    if twice:
        yield f"{name}: {twice} SOP Instances are on the medium more than once."
    if len({file.path for file in medium.files}) != len(medium.files):
        yield f"{name}: two files have the same path."
    unhashed = [file.path for file in medium.files if len(file.sha256) != 64]
    if unhashed:
        yield f"{name}: {len(unhashed)} files have no hash, {unhashed[0]} first."
    if medium.not_verified:
        yield f"{name}: {len(medium.not_verified)} files do not read back as written, {medium.not_verified[0]} first."


def _lists_all(medium: MediumEntry) -> bool:
    """Tell whether the receipt lists every file of a medium, the DICOMDIR among them.

    One of an update to a medium that never had a receipt does not: nobody has read what was there before.
    """
    return any(not file.sop_instance_uid for file in medium.files)


_COUNTED = (
    (Outcome.REJECTED, "rejected"),
    (Outcome.LEFT_OUT, "left_out"),
    (Outcome.DUPLICATE, "duplicate"),
    (Outcome.FILTERED, "not_asked_for"),
    (Outcome.NOT_DICOM, "not_dicom"),
)


def _lists(receipt: Receipt) -> Iterator[str]:
    """Compare the counts with what is listed: every file found has one outcome, and only one."""
    on_media = [file.source for medium in receipt.media for file in medium.files if file.sop_instance_uid]
    listed_whole = all(_lists_all(medium) for medium in receipt.media)
    due = receipt.counts.accepted + (receipt.counts.kept if listed_whole else 0)
    if len(on_media) != due:
        yield f"{due} instances were accepted or kept, and {len(on_media)} are listed on the media."
    listed = Counter(entry.outcome for entry in receipt.not_on_medium)
    for outcome, name in _COUNTED:
        number = getattr(receipt.counts, name)
        if listed[outcome] != number:
            yield f"{number} files are counted as {outcome.value}, and {listed[outcome]} are listed."
    if listed[Outcome.ACCEPTED]:
        yield f"{listed[Outcome.ACCEPTED]} files are called accepted and are not on the medium."
    sources = Counter(number for number in on_media if number)
    sources.update(entry.source for entry in receipt.not_on_medium if entry.source)
    twice = sorted(number for number, count in sources.items() if count > 1)
    if twice:
        yield f"{len(twice)} files have more than one outcome, source {twice[0]} first."
