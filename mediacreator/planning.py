"""What ``create`` would do, without doing it: headers are read, nothing is decoded and nothing written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from mediacreator.layout import without
from mediacreator.layout.spanning import span
from mediacreator.model import Conflict, FileSetContent, Finding, Outcome, Progress, Silent, SOPInstance
from mediacreator.preparing import CreateRequest, Part, Prepared, prepare
from mediacreator.rules.tables import transfer_syntaxes
from mediacreator.settings import Settings
from mediacreator.suggesting.media import room_for, space_on
from mediacreator.transcode.sizes import estimate


@dataclass(frozen=True, slots=True)
class PlannedStudy:
    """What of a study would lie on a medium."""

    uid: str  # Study Instance UID
    instances: int
    of: int  # instances of the study on all media


@dataclass(frozen=True, slots=True)
class PlannedFileSet:
    """One medium that would be made."""

    profile: str  # identifiers of the application profiles that would hold on it
    medium: str
    compression: str  # none, keep, lossless or lossy:QUALITY
    patients: int
    studies: int
    series: int
    instances: int
    size: int  # bytes of the instances, about where some must be encoded
    capacity: int  # of the medium in bytes; 0: none of its own
    number: int  # of the media that one File-set is divided over
    of: int
    lying_here: tuple[PlannedStudy, ...]

    @property
    def fits(self) -> bool:
        """Whether it would fit the medium, as far as can be known before encoding."""
        return not self.capacity or self.size <= self.capacity


@dataclass(frozen=True, slots=True)
class PlannedEncoding:
    """Instances that would be encoded anew."""

    source: str  # name of the Transfer Syntax
    target: str
    count: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``create`` would do."""

    profile: str  # identifiers of the application profiles of all media, joined with commas
    found: int
    outcomes: tuple[tuple[str, int], ...]  # outcome and number of files, in the order of ``Outcome``
    file_sets: tuple[PlannedFileSet, ...]
    encoded: tuple[PlannedEncoding, ...]
    explained: tuple[Finding, ...]  # why the profile and the compression are as they are
    findings: tuple[Finding, ...]  # why something would not be on the medium, and what would be filled in
    conflicts: tuple[Conflict, ...]  # what a person must decide first

    @property
    def complete(self) -> bool:
        """Whether everything that should be on the media would be, as far as can be known before encoding."""
        rejected = dict(self.outcomes).get(Outcome.REJECTED.value, 0)
        return bool(self.file_sets) and not rejected and not self.conflicts and all(f.fits for f in self.file_sets)


def plan(request: CreateRequest, settings: Settings | None = None, progress: Progress | None = None) -> Plan:
    """Say what ``create`` would do with the same request.

    Raises:
        UsageError: An option cannot be.
        SourceUnreadable: A source does not exist.
    """
    prepared = prepare(request, settings or Settings(), progress or Silent())
    return _plan(prepared, to_folder=request.to_folder)


def _plan(prepared: Prepared, *, to_folder: bool) -> Plan:
    scan, selection = prepared.scan, prepared.selection
    outcomes = Counter(entry.outcome for entry in prepared.dispositions)
    outcomes[Outcome.REJECTED] += len(scan.missing)
    outcomes[Outcome.ACCEPTED] = sum(len(part.work.instances) for part in prepared.parts)
    not_there = [entry.finding for entry in prepared.dispositions]
    return Plan(
        profile=prepared.profile,
        found=len(scan.headers) + len(scan.others) + len(scan.missing),
        outcomes=tuple((outcome.value, outcomes[outcome]) for outcome in Outcome),
        file_sets=tuple(
            planned for part in prepared.parts if part.work.instances for planned in _media(part, to_folder=to_folder)
        ),
        encoded=_encoded(prepared),
        explained=prepared.findings,
        findings=(*not_there, *(m.finding for m in scan.missing), *scan.findings, *selection.findings),
        conflicts=selection.conflicts,
    )


def _media(part: Part, *, to_folder: bool) -> Iterator[PlannedFileSet]:
    """Describe the media of a part, without what cannot be encoded for it."""
    lost = frozenset(entry.source.number for entry in part.work.rejected)
    content, medium, profile = without(part.content, lost), part.claim.media_format, part.claim.profiles[0]
    targets = zip(part.work.instances, part.work.targets, strict=True)
    sizes = {
        instance.header.source.number: estimate(instance, target, part.work.qualities.get(place, 0))
        for place, (instance, target) in enumerate(targets)
    }

    def room_of(instance: SOPInstance) -> int:
        images = 1 if instance.header.pixel_data is not None else 0
        return room_for(profile, sizes[instance.header.source.number], 1, images)

    bounded = medium.capacity and not to_folder
    contents = span(content, room_of, space_on(profile)) if bounded else (content,)
    total = Counter(_study_uids(content))
    for number, one in enumerate(contents, 1):
        here = Counter(_study_uids(one))
        yield PlannedFileSet(
            profile=part.claim.id,
            medium=medium.name,
            compression=str(part.compression),
            patients=len(one.patients),
            studies=sum(len(patient.studies) for patient in one.patients),
            series=sum(len(study.series) for patient in one.patients for study in patient.studies),
            instances=sum(1 for _ in one.instances()),
            size=sum(sizes[instance.header.source.number] for instance in one.instances()),
            capacity=medium.capacity,
            number=number,
            of=len(contents),
            lying_here=tuple(PlannedStudy(uid, count, total[uid]) for uid, count in here.items()),
        )


def _study_uids(content: FileSetContent) -> Iterator[str]:
    """Yield the Study Instance UID of each instance that is in a study."""
    for patient in content.patients:
        for study in patient.studies:
            uid = study.keys.get("StudyInstanceUID", b"").decode("ascii", "replace").strip(" \0")
            yield from (uid for series in study.series for _ in series.instances)


def _encoded(prepared: Prepared) -> tuple[PlannedEncoding, ...]:
    """Count the instances that would be encoded anew, by the names of their Transfer Syntaxes."""
    ways = Counter(
        (_name(instance.header.transfer_syntax_uid), _name(target))
        for part in prepared.parts
        for place, (instance, target) in enumerate(zip(part.work.instances, part.work.targets, strict=True))
        if not part.work.is_copied(place)
    )
    return tuple(PlannedEncoding(source, target, count) for (source, target), count in sorted(ways.items()))


def _name(uid: str) -> str:
    known = transfer_syntaxes().get(uid)
    return known.name if known else uid
