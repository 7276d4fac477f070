"""What ``create`` would do, without doing it: headers are read, nothing is decoded and nothing written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mediacreator.layout import without
from mediacreator.model import Conflict, Finding, Outcome, Progress, Silent
from mediacreator.preparing import CreateRequest, Part, Prepared, prepare
from mediacreator.rules.tables import transfer_syntaxes
from mediacreator.settings import Settings


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
    return _plan(prepare(request, settings or Settings(), progress or Silent()))


def _plan(prepared: Prepared) -> Plan:
    scan, selection = prepared.scan, prepared.selection
    outcomes = Counter(entry.outcome for entry in prepared.dispositions)
    outcomes[Outcome.REJECTED] += len(scan.missing)
    outcomes[Outcome.ACCEPTED] = sum(len(part.work.instances) for part in prepared.parts)
    not_there = [entry.finding for entry in prepared.dispositions]
    return Plan(
        profile=prepared.profile,
        found=len(scan.headers) + len(scan.others) + len(scan.missing),
        outcomes=tuple((outcome.value, outcomes[outcome]) for outcome in Outcome),
        file_sets=tuple(_file_set(part) for part in prepared.parts if part.work.instances),
        encoded=_encoded(prepared),
        explained=prepared.findings,
        findings=(*not_there, *(m.finding for m in scan.missing), *scan.findings, *selection.findings),
        conflicts=selection.conflicts,
    )


def _file_set(part: Part) -> PlannedFileSet:
    """Describe the medium of a part, without what cannot be encoded for it."""
    lost = frozenset(entry.source.number for entry in part.work.rejected)
    content, medium = without(part.content, lost), part.claim.media_format
    return PlannedFileSet(
        profile=part.claim.id,
        medium=medium.name,
        compression=str(part.compression),
        patients=len(content.patients),
        studies=sum(len(patient.studies) for patient in content.patients),
        series=sum(len(study.series) for patient in content.patients for study in patient.studies),
        instances=len(part.work.instances),
        size=part.size,
        capacity=medium.capacity,
    )


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
