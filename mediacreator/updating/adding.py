"""Add instances to a File-set in place (PS3.10 8.3)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

from mediacreator import collector
from mediacreator.creation import decisions_of, origin_of
from mediacreator.dicomio.walker import DirectoryRecord
from mediacreator.encoding import encode_part
from mediacreator.errors import DecisionNeeded, NothingToWrite, ProfileViolation, Stopped
from mediacreator.layout import without
from mediacreator.model import Disposition, Finding, Header, Outcome, Progress, Scan, Severity, Silent
from mediacreator.preparing import distinct, part_of, same_pixels, scan_sources
from mediacreator.receipt import Receipt
from mediacreator.rules.wanted import wanted
from mediacreator.scan import scan
from mediacreator.select import ContentComparer, Likeness, select
from mediacreator.settings import Settings
from mediacreator.suggesting import AUTO
from mediacreator.transcode import Compression, Spool
from mediacreator.updating.joining import Anchor, anchors_of, first_instances, places_of
from mediacreator.updating.marked import require_unmarked
from mediacreator.updating.request import Opened, UpdateRequest, opened
from mediacreator.updating.update import New, added_volume, change, nothing_new, unchanged

ALREADY = "already-on-medium"
_THERE_ALREADY = (Likeness.IDENTICAL, Likeness.SAME_PIXELS)


def add(request: UpdateRequest, settings: Settings | None = None, progress: Progress | None = None) -> Receipt:
    """Add what the sources hold to a File-set: its UID and its files stay, what cannot be added is said.

    Args:
        request: What to add to what.
        settings: Of the site; the defaults without.
        progress: Told how it goes on.

    Returns:
        The receipt of the File-set as it is now; written beside the folder, and on it, where it had one. Where it holds
        everything already nothing is written, and the receipt that is there stays.

    Raises:
        UsageError: An option cannot be; or a profile has no Updater.
        DecisionNeeded: Only a person may decide whose instances these are.
        NothingToWrite: No instance can be added, and not because it is there already.
        ProfileViolation: Something is rejected and ``strict`` was asked for.
        FindingsError: The DICOMDIR must be rebuilt first.
        VerificationFailed, MediumError: As said, or it is marked as checked for viruses; the File-set is as it was.
        Stopped: Ctrl-C or SIGTERM; the File-set is as it was.
    """
    settings, progress = settings or Settings(), progress or Silent()
    try:
        with collector.held(), opened(request, settings) as medium:
            require_unmarked(medium.held.told)
            return _Addition(request, settings, progress, medium).run()
    except KeyboardInterrupt as exc:
        raise Stopped("Stopped; the File-set is as it was.") from exc


class _Addition:
    """One call of ``add``."""

    def __init__(self, request: UpdateRequest, settings: Settings, progress: Progress, medium: Opened) -> None:
        self._request = request
        self._settings = settings
        self._progress = progress
        self._medium = medium
        self._workers = request.workers or min(os.cpu_count() or 1, 8)
        self._compare = ContentComparer(same_pixels)

    def run(self) -> Receipt:
        claim, request = self._medium.claim, self._request
        asked = Compression.parse(request.compress) if request.compress != AUTO else None
        scanned = scan_sources(request.sources, (claim,), self._workers, self._progress)
        new, there = self._apart(scanned)
        anchors = self._anchors(new)
        chosen = replace(
            request.selection,
            private_sop_classes=self._settings.private_sop_classes,
            multi_patient=request.selection.multi_patient or len({anchor.patient for anchor in anchors}) > 1,
            separate=False,
        )
        headers = (*(anchor.header for anchor in anchors), *new)
        selection = select(replace(scanned, headers=headers), claim, chosen, compare=self._compare)
        if selection.conflicts:
            count = len(selection.conflicts)
            raise DecisionNeeded(
                f"{count} question{'s need' if count > 1 else ' needs'} a person's decision; nothing was changed.",
                selection.conflicts,
            )
        (content,) = selection.file_sets or (None,)
        if content is None or all(one.header.source.number in _numbers(anchors) for one in content.instances()):
            return self._nothing((*there, *selection.dispositions), scanned, selection.findings)
        places = places_of(content, anchors)
        part = part_of(claim, without(content, _numbers(anchors)), asked)
        origin = origin_of(request.reproducible, request.epoch, tuple(part.content.instances()), [repr(request)])
        with ExitStack() as stack:
            spool = stack.enter_context(Spool())
            done = encode_part(
                part,
                spool,
                origin,
                icons=request.icons or self._settings.create.icons,
                workers=self._workers,
                progress=self._progress,
            )
            dispositions = (*there, *selection.dispositions, *done.refused)
            self._require(dispositions, scanned, strict=request.strict)
            if not (done.content.patients or done.content.root_instances):
                return self._nothing(dispositions, scanned)
            findings = (*scanned.findings, *selection.findings, *done.findings)
            decisions = decisions_of(request.selection)
            volume = added_volume(self._medium, done.content, done.in_order)
            added = New(volume, places, scanned, dispositions, findings, decisions)
            return change(self._medium, request, self._settings, origin, added, frozenset(), self._progress)

    def _anchors(self, new: Sequence[Header]) -> tuple[Anchor, ...]:
        """Return what stands for the patients that are held, each with what its first instance says of it."""
        directory = self._medium.held.directory
        firsts = first_instances(directory)
        headers = self._read(firsts.values())
        told = {
            index: headers[record.sop_instance_uid].attributes
            for index, record in firsts.items()
            if record.sop_instance_uid in headers
        }
        return anchors_of(directory, self._medium.held.medium.data, self._medium.claim, new, told)

    def _apart(self, scanned: Scan) -> tuple[tuple[Header, ...], tuple[Disposition, ...]]:
        """Set apart the instances that the File-set holds already, compared with what it holds."""
        asked = {header.sop_instance_uid for header in scanned.headers}
        records = self._medium.held.medium.instances()
        held = {uid: record for record in records if (uid := record.sop_instance_uid) in asked}
        ours = self._read(held[uid] for uid in asked & held.keys())
        new: list[Header] = []
        there: list[Disposition] = []
        for header in scanned.headers:
            if header.sop_instance_uid not in held:
                new.append(header)
                continue
            other = ours.get(header.sop_instance_uid)
            same = other is not None and self._compare(other, header) in _THERE_ALREADY
            there.append(_there(header) if same else _differs(header))
        return tuple(new), tuple(there)

    def _read(self, records: Iterable[DirectoryRecord]) -> Mapping[str, Header]:
        """Read the headers of instances that are held, by SOP Instance UID."""
        held = self._medium.held
        files = [file for record in records if (file := held.medium.file_of(record)) is not None]
        sources = [held.source_of(file, -number) for number, file in enumerate(files, 1)]
        keys = wanted(self._medium.claim.profiles)
        read = scan(sources, keys, workers=1, progress=Silent())
        return {header.sop_instance_uid: header for header in read.headers}

    def _require(self, dispositions: Sequence[Disposition], scanned: Scan, *, strict: bool) -> None:
        rejected = _rejected(dispositions, scanned)
        if strict and rejected:
            raise ProfileViolation("Not everything can be added, and --strict was given: nothing was.", rejected)

    def _nothing(
        self, dispositions: tuple[Disposition, ...], scanned: Scan, findings: tuple[Finding, ...] = ()
    ) -> Receipt:
        """Return the receipt of a File-set that holds everything already: adding twice is adding once.

        Raises:
            NothingToWrite: Something should be on it and cannot be added, or there is nothing at all.
        """
        rejected = _rejected(dispositions, scanned)
        if rejected or not any(entry.finding.code == ALREADY for entry in dispositions):
            reasons = [*rejected, *(entry.finding for entry in dispositions)]
            raise NothingToWrite("The sources hold no instance that can be added.", distinct(reasons))
        request = self._request
        origin = origin_of(request.reproducible, request.epoch, (), [repr(request)])
        nothing = replace(nothing_new(self._medium), scan=scanned, dispositions=dispositions, findings=findings)
        return unchanged(self._medium, request, self._settings, origin, nothing)


def _rejected(dispositions: Sequence[Disposition], scanned: Scan) -> tuple[Finding, ...]:
    entries = (*scanned.others, *dispositions)
    found = tuple(entry.finding for entry in entries if entry.outcome is Outcome.REJECTED)
    return found + tuple(missing.finding for missing in scanned.missing)


def _numbers(anchors: Sequence[Anchor]) -> frozenset[int]:
    return frozenset(anchor.header.source.number for anchor in anchors)


def _there(header: Header) -> Disposition:
    finding = Finding(
        ALREADY,
        Severity.NOTE,
        header.source.location,
        "the File-set holds this SOP Instance already, with the same pixels",
        "each SOP Instance once",
        "PS3.3 F.2.1",
        "Nothing.",
    )
    return Disposition(header.source, Outcome.DUPLICATE, finding, header.sop_instance_uid)


def _differs(header: Header) -> Disposition:
    finding = Finding(
        "other-on-medium",
        Severity.ERROR,
        header.source.location,
        "the File-set holds another instance under this SOP Instance UID (0008,0018), or one that cannot be compared",
        "one instance for each UID",
        "PS3.5 9; PS3.3 F.2.1",
        "Find out which is right. To put this one in its place, remove the other first.",
    )
    return Disposition(header.source, Outcome.REJECTED, finding, header.sop_instance_uid)
