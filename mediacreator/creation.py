"""The creation pipeline: sources in, verified media and a receipt out. Reads like the arrow diagram of the design.

sources -> scan -> select -> transcode -> layout -> directory -> content -> image -> verify -> receipt
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from mediacreator import collector
from mediacreator.errors import DecisionNeeded, NothingToWrite, ProfileViolation, Stopped, UsageError
from mediacreator.forms import FORMS, check_capacity, too_large_for
from mediacreator.layout import check_file_set_id, lay_out, without
from mediacreator.mastering import disc_files
from mediacreator.model import (
    ConflictKind,
    Disposition,
    EncodedInstance,
    FileSetContent,
    Finding,
    Header,
    Origin,
    Outcome,
    Progress,
    Scan,
    Selection,
    Severity,
    Silent,
    Volume,
)
from mediacreator.provenance import fresh_origin, reproducible_origin
from mediacreator.receipt import Decision, Job, Receipt, WrittenMedium
from mediacreator.rules.library import load_profile
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.wanted import wanted
from mediacreator.scan import scan
from mediacreator.select import PLACEHOLDER_DATE, PLACEHOLDER_TIME, ContentComparer, SelectionRequest, select
from mediacreator.settings import Settings
from mediacreator.sources import Sources, find_sources
from mediacreator.target import Target


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """Everything that ``create`` is asked for."""

    sources: tuple[str, ...]  # folders, files, ZIP archives, ISO images, mixed
    output: str  # an image file, or a folder with a trailing slash
    profile: str = "STD-GEN-CD"  # an identifier of PS3.11
    selection: SelectionRequest = field(default_factory=SelectionRequest)
    file_set_id: str = ""  # 0 to 16 characters A-Z, 0-9, _; "": made from the date
    strict: bool = False  # write nothing if anything is rejected
    force: bool = False  # replace the output
    workers: int = 0  # processes; 0: as many as there are processors
    reproducible: bool = False  # the same request gives the same bytes
    epoch: int | None = None  # SOURCE_DATE_EPOCH, seconds; implies reproducible
    arguments: tuple[str, ...] = ()  # as given by the user, for the local receipt


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known before anything is decoded or written."""

    profile: ApplicationProfile
    scan: Scan
    selection: Selection
    workers: int

    @property
    def rejected(self) -> tuple[Finding, ...]:
        """Why something that should be on the medium is not."""
        dispositions = (*self.scan.others, *self.selection.dispositions)
        found = tuple(entry.finding for entry in dispositions if entry.outcome is Outcome.REJECTED)
        return found + tuple(missing.finding for missing in self.scan.missing)

    @property
    def refused(self) -> tuple[Finding, ...]:
        """Why anything that was found is not on the medium, what is rejected first."""
        dispositions = (*self.scan.others, *self.selection.dispositions)
        return self.rejected + tuple(e.finding for e in dispositions if e.outcome is not Outcome.REJECTED)


def create(request: CreateRequest, settings: Settings | None = None, progress: Progress | None = None) -> Receipt:
    """Make one medium, or one for each person with ``separate``: written, read back, with its receipt.

    Args:
        request: What to make of what.
        settings: Of the site; the defaults without.
        progress: Told how it goes on.

    Returns:
        The receipt, which is also written beside the output. ``receipt.state`` says whether everything that should be
        on the medium is; a medium that lacks something is written all the same, unless ``strict``.

    Raises:
        UsageError: An option cannot be; nothing was begun.
        DecisionNeeded: Only a person may decide whether identities or duplicates belong together.
        NothingToWrite: No instance can go on the medium.
        ProfileViolation: Something is rejected and ``strict`` was asked for.
        VerificationFailed: The medium does not read back as it was written.
        MediumError: A source, the disk or the medium is at fault.
        Stopped: Ctrl-C or SIGTERM. Nothing is left behind.
    """
    settings, progress = settings or Settings(), progress or Silent()
    target = Target(request.output, force=request.force)
    check_file_set_id(request.file_set_id)
    try:
        with collector.held():
            prepared = prepare(request, settings, progress)
            require_decided(prepared)
            return _Run(request, settings, progress, target, prepared).make()
    except KeyboardInterrupt as exc:
        raise Stopped("Stopped before the medium was complete.") from exc


def prepare(request: CreateRequest, settings: Settings, progress: Progress) -> Prepared:
    """Find, scan and select: everything that reads headers only, and writes nothing.

    Raises:
        UsageError: The profile does not exist or cannot be written yet.
        SourceUnreadable: A source does not exist.
    """
    profile = load_profile(request.profile)
    require_writable(profile)
    if not request.sources:
        raise UsageError("No sources were given. Name folders, files, ZIP archives or media.")
    workers = request.workers or min(os.cpu_count() or 1, 8)
    progress.start("find", 0, 0)
    sources = find_sources(request.sources)
    progress.advance(len(sources.files), 0)
    scanned = _with_sources(scan(sources.files, wanted((profile,)), workers=workers, progress=progress), sources)
    chosen = replace(request.selection, private_sop_classes=settings.private_sop_classes)
    return Prepared(profile, scanned, select(scanned, profile, chosen, compare=ContentComparer(_same_pixels)), workers)


def require_writable(profile: ApplicationProfile) -> None:
    """Refuse a profile that this version cannot create.

    Raises:
        UsageError: With the one thing that is missing.
    """
    medium = profile.media_format
    if profile.security != "none":
        raise UsageError(
            f"{profile.id} asks for Secure DICOM Files, which this version cannot make [{profile.clause}]."
        )
    if not medium.writer:
        raise UsageError(
            f"{profile.id} is for {medium.name} with {medium.file_system}, which this version cannot write "
            f"[{medium.clause}]."
        )


def require_decided(prepared: Prepared) -> None:
    """Refuse to go on while a question is open or nothing is left to write.

    Raises:
        DecisionNeeded: Conflicts, numbered.
        NothingToWrite: No instance is accepted.
    """
    conflicts = prepared.selection.conflicts
    if conflicts:
        count = f"{len(conflicts)} questions need" if len(conflicts) > 1 else "One question needs"
        raise DecisionNeeded(f"{count} a person's decision; nothing was written.", conflicts)
    if not prepared.selection.file_sets:
        raise NothingToWrite("The sources hold no instance that can go on the medium.", _distinct(prepared.refused))


def _same_pixels(one: Header, other: Header) -> bool | None:
    """Decode and compare; what decodes is imported only when there is something to compare."""
    from mediacreator.transcode.comparing import same_pixels

    return same_pixels(one, other)


def _distinct(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the first Finding of each code: a message is read, a receipt is searched."""
    return tuple({finding.code: finding for finding in reversed(findings)}.values())[::-1]


def _with_sources(scanned: Scan, sources: Sources) -> Scan:
    """Add what the search for files found unreadable, and what DICOMDIRs among the sources promise and is missing."""
    from mediacreator.medium import promised

    missing = promised(sources.trees, scanned.headers) if sources.trees else ()
    return Scan(
        headers=scanned.headers,
        others=(*sources.others, *scanned.others),
        missing=tuple(missing),
        findings=(*sources.findings, *scanned.findings),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of ``create`` after its questions are answered."""

    request: CreateRequest
    settings: Settings
    progress: Progress
    target: Target
    prepared: Prepared

    def make(self) -> Receipt:
        """Make every medium under a name that is claimed: whatever happens, nothing half-made is left."""
        targets = self._targets(len(self.prepared.selection.file_sets))
        with ExitStack() as claims:
            stale = [claims.enter_context(target.claimed()) for target in {self.target: None, **dict.fromkeys(targets)}]
            return self._make(targets, (_stale_finding(),) if any(stale) else ())

    def _make(self, targets: Sequence[Target], findings: tuple[Finding, ...]) -> Receipt:
        """Encode, lay out, write, verify and publish each medium; then write the receipt, last."""
        from mediacreator.receipt import build_receipt, to_json, write_receipt

        encoded, refused, said = self._encode()
        if self.request.strict and (refused or self.prepared.rejected):
            reasons = (*self.prepared.rejected, *(entry.finding for entry in refused))
            raise ProfileViolation("Not everything can go on the medium, and --strict was given.", reasons)
        gone = frozenset(entry.source.number for entry in refused)
        contents = [without(content, gone) for content in self.prepared.selection.file_sets]
        contents = [content for content in contents if content.patients or content.root_instances]
        if not contents:
            raise NothingToWrite("No instance is left that can go on the medium.", [entry.finding for entry in refused])
        origin = self._origin(contents)
        volumes = self._volumes(contents, encoded, origin)
        if self.target.is_folder:
            findings += too_large_for(self.prepared.profile.media_format, volumes)
        job = self._job(origin, volumes, refused, (*findings, *self.prepared.scan.findings, *said))
        used = targets[: len(volumes)]  # a File-set of which nothing is left gets no medium
        media = [self._write(job, volume, target, origin) for volume, target in zip(volumes, used, strict=True)]
        for target in used:
            target.publish()
        receipt = build_receipt(job, media)
        write_receipt(self.target.receipt, to_json(receipt, travelling=False))
        return receipt

    def _encode(self) -> tuple[dict[int, EncodedInstance], tuple[Disposition, ...], tuple[Finding, ...]]:
        """Bring every instance into a Transfer Syntax of the profile, by the number of its source."""
        from mediacreator.rules.profile import Option
        from mediacreator.transcode import Spool, choose, encode

        profile = self.prepared.profile
        instances = [i for content in self.prepared.selection.file_sets for i in content.instances()]
        allowed = {
            uid: tuple(Option(syntax, (), profile.clause) for syntax in profile.transfer_syntaxes_for(uid))
            for uid in {instance.header.sop_class_uid for instance in instances}
        }
        work = choose(instances, lambda instance: allowed[instance.header.sop_class_uid])
        spool = Spool(str(self.target.spool))
        done = encode(work, spool, workers=self.prepared.workers, progress=self.progress)
        by_source = {encoded.instance.header.source.number: encoded for encoded in done.encoded}
        return by_source, done.rejected, done.findings

    def _origin(self, contents: Sequence[FileSetContent]) -> Origin:
        request = self.request
        if not request.reproducible and request.epoch is None:
            return fresh_origin()
        seed = [request.profile, request.file_set_id, str(request.output.endswith("/")), repr(self.settings)]
        instances = [instance for content in contents for instance in content.instances()]
        seed += [f"{i.header.sop_instance_uid} {i.header.source.size}" for i in instances]
        return reproducible_origin(request.epoch, [instance.header.source for instance in instances], seed)

    def _volumes(
        self, contents: Sequence[FileSetContent], encoded: dict[int, EncodedInstance], origin: Origin
    ) -> tuple[Volume, ...]:
        label = self.request.file_set_id or self.settings.create.file_set_id or f"DICOM_{origin.created:%Y%m%d}"
        return tuple(
            lay_out(
                content,
                [encoded[instance.header.source.number] for instance in content.instances()],
                file_set_id=label,
                file_set_uid=origin.uids.next_uid(f"File-set {number}"),
            )
            for number, content in enumerate(contents, 1)
        )

    def _job(
        self,
        origin: Origin,
        volumes: tuple[Volume, ...],
        refused: tuple[Disposition, ...],
        findings: tuple[Finding, ...],
    ) -> Job:
        from mediacreator.rules.tables import edition

        selection = self.prepared.selection
        return Job(
            receipt_id=origin.uids.next_uid("receipt"),
            created=origin.created,
            profile=self.prepared.profile.id,
            edition=edition(),
            scan=self.prepared.scan,
            dispositions=(*selection.dispositions, *refused),
            volumes=volumes,
            findings=(*findings, *selection.findings),
            arguments=self.request.arguments,
            reproducible=self.request.reproducible or self.request.epoch is not None,
            decisions=_decisions(self.request.selection),
            placeholder_date=PLACEHOLDER_DATE,
            placeholder_time=PLACEHOLDER_TIME,
        )

    def _targets(self, count: int) -> tuple[Target, ...]:
        if count == 1:
            return (self.target,)
        return tuple(self.target.numbered(number, force=self.request.force) for number in range(1, count + 1))

    def _write(self, job: Job, volume: Volume, target: Target, origin: Origin) -> WrittenMedium:
        """Write one medium under its ``.partial`` name and read it back."""
        medium = self.prepared.profile.media_format
        form = FORMS["folder" if target.is_folder else medium.writer]
        files = disc_files(job, volume, self.prepared.profile, self.settings, origin)
        if form.bounded:
            check_capacity(medium, form.size(files))
        workers = self.prepared.workers
        image = form.write(str(target.partial), volume, files, origin.created, self.progress, workers)
        read_back = form.verify(str(target.partial), volume, image, self.progress)
        return WrittenMedium(volume, replace(read_back, path=str(target.path), files=image.files), read_back.files)


def _decisions(request: SelectionRequest) -> tuple[Decision, ...]:
    """Say who decided what: a person, by the options of the command."""
    same = [
        Decision(n, ConflictKind.SAME_PERSON.value, "same-person", f"--same-patient {n}")
        for n in sorted(request.same_patient)
    ]
    taken = [
        Decision(n, ConflictKind.DUPLICATE_INSTANCE.value, "duplicate-differs", f"--take {n}={side}")
        for n, side in sorted(request.take.items())
    ]
    return (*same, *taken)


def _stale_finding() -> Finding:
    return Finding(
        code="stale-partial",
        severity=Severity.NOTE,
        location="output",
        what="an unfinished medium of an earlier run lay there",
        expected="nothing",
        clause="",
        remedy="Nothing to do: it was removed.",
    )
