"""The creation pipeline: sources in, verified media and a receipt out. Reads like the arrow diagram of the design.

sources -> scan -> select -> transcode -> layout -> directory -> content -> image -> verify -> receipt
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from mediacreator import collector
from mediacreator.dividing import Medium, divide, refuse_more_than, refuse_too_large, too_large_for_only
from mediacreator.encoding import EncodedFileSet, encode_part
from mediacreator.errors import NothingToWrite, ProfileViolation, Stopped
from mediacreator.forms import FORMS, check_capacity, form_for, large_mails, too_large_for
from mediacreator.layout import check_file_set_id, lay_out
from mediacreator.mastering import disc_files
from mediacreator.model import (
    ConflictKind,
    Disposition,
    Finding,
    Origin,
    Progress,
    Severity,
    Silent,
    SOPInstance,
    Volume,
)
from mediacreator.preparing import CreateRequest, Prepared, prepare, require_decided
from mediacreator.provenance import fresh_origin, reproducible_origin
from mediacreator.receipt import Decision, Job, Receipt, WrittenMedium
from mediacreator.select import PLACEHOLDER_DATE, PLACEHOLDER_TIME, SelectionRequest
from mediacreator.settings import Settings
from mediacreator.target import Target

__all__ = ["CreateRequest", "create"]


def create(request: CreateRequest, settings: Settings | None = None, progress: Progress | None = None) -> Receipt:
    """Make one medium, or several with ``separate`` or profiles that cannot share one, and read back what was written.

    Args:
        request: What to make of what.
        settings: Of the site; the defaults without.
        progress: Told how it goes on.

    Returns:
        The receipt, which is also written beside the output. ``receipt.state`` says whether everything that should be
        on the media is; a medium that lacks something is written all the same, unless ``strict``.

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
    target = Target(request.output, force=request.force, sources=request.sources)
    check_file_set_id(request.file_set_id)
    try:
        with collector.held():
            prepared = prepare(request, settings, progress)
            require_decided(prepared)
            return Run(request, settings, progress, target, prepared).make()
    except KeyboardInterrupt as exc:
        raise Stopped("Stopped before the medium was complete.") from exc


@dataclass(frozen=True, slots=True)
class Run:
    """One run of ``create`` after its questions are answered; what it is written to is for ``finish`` to say."""

    request: CreateRequest
    settings: Settings
    progress: Progress
    target: Target
    prepared: Prepared
    among_others: bool = False  # the medium holds other files too

    def make(self) -> Receipt:
        """Make every medium under a name that is claimed: whatever happens, nothing half-made is left."""
        with ExitStack() as claims:
            self._targets(len(self.prepared.parts))  # refused now, not after hours of encoding
            stale = claims.enter_context(self.target.claimed())
            return self._make(claims, (_stale_finding(),) if stale else ())

    def _make(self, claims: ExitStack, findings: tuple[Finding, ...]) -> Receipt:
        """Encode, divide and lay out each medium, and write it."""
        self._refuse_too_large()
        origin = self._origin()
        encoded = self._encode(origin)
        refused = tuple(entry for file_set in encoded for entry in file_set.refused)
        if self.request.strict and (refused or self.prepared.rejected):
            reasons = dict.fromkeys((*self.prepared.rejected, *(entry.finding for entry in refused)))
            sources = [entry.source for entry in (*self.prepared.dispositions, *refused)]
            raise ProfileViolation(
                "Not everything can go on the medium, and --strict was given.", tuple(reasons), sources
            )
        file_sets = [file_set for file_set in encoded if file_set.content.patients or file_set.content.root_instances]
        if not file_sets:
            raise NothingToWrite(
                "No instance is left that can go on the medium.",
                [entry.finding for entry in refused],
                [entry.source for entry in refused],
            )
        said = (*findings, *self.prepared.findings, *self.prepared.scan.findings)
        said += tuple(finding for file_set in encoded for finding in file_set.findings)
        job, divided = self._divide(file_sets, origin, refused, said)
        return self.finish(claims, job, divided, origin)

    def finish(self, claims: ExitStack, job: Job, divided: tuple[Medium, ...], origin: Origin) -> Receipt:
        """Write, verify and publish each medium; then write the receipt, last."""
        from mediacreator.receipt import build_receipt, staged_receipt, to_json

        targets = self._targets(len(divided))
        for target in targets:
            if target is not self.target:
                claims.enter_context(target.claimed())
        media = [
            self._write(job, medium, volume, target, origin)
            for medium, volume, target in zip(divided, job.volumes, targets, strict=True)
        ]
        receipt = build_receipt(job, media)
        with staged_receipt(self.target.receipt, to_json(receipt, travelling=False)):
            for target in targets:
                target.publish()
        return receipt

    def _refuse_too_large(self) -> None:
        """Refuse before hours of encoding what cannot fit."""
        for part in self.prepared.parts:
            if self.request.only:
                refuse_more_than(self.request.only, part)
            elif not self.target.is_folder:
                refuse_too_large(part)

    def _encode(self, origin: Origin) -> list[EncodedFileSet]:
        """Bring every instance into a Transfer Syntax of its profiles, and make the icons of their records."""
        from mediacreator.transcode import Spool

        spool = Spool(str(self.target.spool))
        icons = self.request.icons or self.settings.create.icons
        workers, progress = self.prepared.workers, self.progress
        return [
            encode_part(part, spool, origin, icons=icons, workers=workers, progress=progress)
            for part in self.prepared.parts
        ]

    def _origin(self) -> Origin:
        request = self.request
        instances = tuple(instance for part in self.prepared.parts for instance in part.content.instances())
        seed = [request.profile, request.compress, str(request.icons), request.file_set_id, str(request.to_folder)]
        seed += [request.virus_checked] if request.virus_checked else []
        return origin_of(request.reproducible, request.epoch, instances, [*seed, repr(self.settings)])

    def _divide(
        self,
        file_sets: Sequence[EncodedFileSet],
        origin: Origin,
        refused: tuple[Disposition, ...],
        findings: tuple[Finding, ...],
    ) -> tuple[Job, tuple[Medium, ...]]:
        """Give what is larger than its medium several, so that the image of each fits to the sector."""
        if self.target.is_folder:
            divided = tuple(Medium(file_set, 1, 1) for file_set in file_sets)
            volumes = self._volumes(divided, origin)
            for file_set, volume in zip(file_sets, volumes, strict=True):
                findings += too_large_for(file_set.claim.media_format, (volume,))
            return self._job(origin, volumes, refused, findings), divided

        tried: list[tuple[Job, tuple[Medium, ...]]] = []

        def excess_of(media: Sequence[Medium]) -> list[int]:
            job = self._job(origin, self._volumes(media, origin), refused, findings)
            pairs = zip(media, job.volumes, strict=True)
            tried[:] = [(job, tuple(self._measured(job, medium, volume, origin) for medium, volume in pairs))]
            capacities = [medium.file_set.claim.media_format.capacity for medium in media]
            return [max(one.size - room, 0) for one, room in zip(tried[0][1], capacities, strict=True)]

        divided = self._only(file_sets, excess_of) if self.request.only else divide(file_sets, excess_of)
        ((job, measured),) = tried  # of the division that was tried last
        several = [medium for medium in divided if medium.of > 1 and medium.number == 1]
        more = tuple(_spanned_finding(medium) for medium in several)
        for medium, volume in zip(divided, job.volumes, strict=True):
            more += large_mails(medium.file_set.claim.media_format, (volume,))
        if more:
            return self._job(origin, job.volumes, refused, findings + more), divided
        return job, measured

    def _only(
        self, file_sets: Sequence[EncodedFileSet], excess_of: Callable[[Sequence[Medium]], Sequence[int]]
    ) -> tuple[Medium, ...]:
        """Return the one medium that there is, to the sector.

        Raises:
            MediaTooSmall: It cannot hold the File-set.
        """
        only = self.request.only
        divided = tuple(Medium(file_set, 1, 1) for file_set in file_sets)
        excess = max(excess_of(divided))
        if only and excess:
            raise too_large_for_only(only, only.capacity + excess)
        return divided

    def _measured(self, job: Job, medium: Medium, volume: Volume, origin: Origin) -> Medium:
        """Return a Medium with the size of its image, where that is bounded, and with what lies on it."""
        claim = medium.file_set.claim
        form = form_for(claim, self.settings)
        if not (form.bounded and claim.media_format.capacity):
            return medium
        files = disc_files(job, volume, claim, self.settings, origin)
        return replace(medium, files=files, size=form.size(files))

    def _volumes(self, media: Sequence[Medium], origin: Origin) -> tuple[Volume, ...]:
        label = self.request.file_set_id or self.settings.create.file_set_id or f"DICOM_{origin.created:%Y%m%d}"
        volumes = (
            lay_out(
                medium.file_set.content,
                medium.file_set.in_order,
                file_set_id=label,
                file_set_uid=origin.uids.next_uid(f"File-set {number}"),
            )
            for number, medium in enumerate(media, 1)
        )
        return tuple(
            replace(
                volume,
                profile=medium.file_set.claim.id,
                number=medium.number,
                of=medium.of,
                virus_check=self.prepared.virus_check,
                among_others=self.among_others,
            )
            for volume, medium in zip(volumes, media, strict=True)
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
            profile=self.prepared.profile,
            edition=edition(),
            scan=self.prepared.scan,
            dispositions=(*selection.dispositions, *refused),
            volumes=volumes,
            findings=(*findings, *selection.findings),
            arguments=self.request.arguments,
            reproducible=self.request.reproducible or self.request.epoch is not None,
            decisions=decisions_of(self.request.selection),
            placeholder_date=PLACEHOLDER_DATE,
            placeholder_time=PLACEHOLDER_TIME,
        )

    def _targets(self, count: int) -> tuple[Target, ...]:
        if count == 1:
            return (self.target,)
        return tuple(self.target.numbered(number, force=self.request.force) for number in range(1, count + 1))

    def _write(self, job: Job, medium: Medium, volume: Volume, target: Target, origin: Origin) -> WrittenMedium:
        """Write one medium under its ``.partial`` name and read it back."""
        claim = medium.file_set.claim
        form = FORMS["folder"] if target.is_folder else form_for(claim, self.settings)
        files = medium.files or disc_files(job, volume, claim, self.settings, origin)
        if form.bounded:
            check_capacity(claim.media_format, medium.size or form.size(files))
        workers = self.prepared.workers
        image = form.write(str(target.partial), volume, files, origin.created, self.progress, workers)
        read_back = form.verify(str(target.partial), volume, image, self.progress)
        return WrittenMedium(volume, replace(read_back, path=str(target.path), files=image.files), read_back.files)


def origin_of(reproducible: bool, epoch: int | None, instances: Sequence[SOPInstance], seed: Sequence[str]) -> Origin:
    """Return when a medium is made and who gives its UIDs: fresh ones, or what depends on the request alone.

    Args:
        reproducible: The same request gives the same bytes.
        epoch: SOURCE_DATE_EPOCH in seconds, or None; implies reproducible.
        instances: Of the medium.
        seed: What else distinguishes the request.
    """
    if not reproducible and epoch is None:
        return fresh_origin()
    told = [f"{i.header.sop_instance_uid} {i.header.source.size}" for i in instances]
    return reproducible_origin(epoch, [instance.header.source for instance in instances], [*seed, *told])


def decisions_of(request: SelectionRequest) -> tuple[Decision, ...]:
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


def _spanned_finding(medium: Medium) -> Finding:
    what = medium.file_set.claim.media_format
    return Finding(
        code="media-spanned",
        severity=Severity.NOTE,
        location=medium.file_set.claim.id,
        what=f"the instances need {medium.of} media of {what.capacity:,} bytes ({what.name})",
        expected="each a complete File-set of its own",
        clause=f"PS3.10 8.6; {what.clause}",
        remedy="Hand them out together, or choose a larger medium with --profile.",
    )


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
