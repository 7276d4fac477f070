"""What ``create`` would do, without doing it: headers are read, nothing is decoded and nothing written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mediacreator.creation import CreateRequest, Prepared, prepare
from mediacreator.model import UNDEFINED_LENGTH, Attributes, Conflict, Finding, Outcome, Progress, Silent, SOPInstance
from mediacreator.rules.tables import transfer_syntaxes
from mediacreator.settings import Settings

OVERHEAD = 400
"""Bytes of preamble and File Meta Information, about."""


@dataclass(frozen=True, slots=True)
class PlannedFileSet:
    """One medium that would be made."""

    patients: int
    studies: int
    series: int
    instances: int
    size: int  # bytes of the instances, about where some must be decoded
    capacity: int  # of the medium in bytes; 0: none of its own

    @property
    def fits(self) -> bool:
        """Whether it would fit the medium, as far as can be known before decoding."""
        return not self.capacity or self.size <= self.capacity


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``create`` would do."""

    profile: str
    medium: str
    found: int
    outcomes: tuple[tuple[str, int], ...]  # outcome and number of files, in the order of ``Outcome``
    file_sets: tuple[PlannedFileSet, ...]
    decoded: tuple[tuple[str, int], ...]  # Transfer Syntax and instances that would be decoded
    findings: tuple[Finding, ...]  # why something would not be on the medium, and what would be filled in
    conflicts: tuple[Conflict, ...]  # what a person must decide first

    @property
    def complete(self) -> bool:
        """Whether everything that should be on the medium would be, as far as can be known before decoding."""
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
    outcomes = Counter(entry.outcome for entry in (*scan.others, *selection.dispositions))
    outcomes[Outcome.REJECTED] += len(scan.missing)
    instances = [instance for content in selection.file_sets for instance in content.instances()]
    outcomes[Outcome.ACCEPTED] = len(instances)
    not_there = [entry.finding for entry in (*scan.others, *selection.dispositions)]
    return Plan(
        profile=prepared.profile.id,
        medium=prepared.profile.media_format.name,
        found=len(scan.headers) + len(scan.others) + len(scan.missing),
        outcomes=tuple((outcome.value, outcomes[outcome]) for outcome in Outcome),
        file_sets=tuple(
            PlannedFileSet(
                patients=len(content.patients),
                studies=sum(len(patient.studies) for patient in content.patients),
                series=sum(len(study.series) for patient in content.patients for study in patient.studies),
                instances=sum(1 for _ in content.instances()),
                size=sum(map(_size, content.instances())),
                capacity=prepared.profile.media_format.capacity,
            )
            for content in selection.file_sets
        ),
        decoded=tuple(sorted(_decoded(prepared, instances).items())),
        findings=(*not_there, *(m.finding for m in scan.missing), *scan.findings, *selection.findings),
        conflicts=selection.conflicts,
    )


def _decoded(prepared: Prepared, instances: Iterable[SOPInstance]) -> Counter[str]:
    """Count the instances whose Transfer Syntax the profile does not allow, by its name."""
    names = transfer_syntaxes()
    counted: Counter[str] = Counter()
    for instance in instances:
        header = instance.header
        if header.transfer_syntax_uid not in prepared.profile.transfer_syntaxes_for(header.sop_class_uid):
            known = names.get(header.transfer_syntax_uid)
            counted[known.name if known else header.transfer_syntax_uid] += 1
    return counted


def _size(instance: SOPInstance) -> int:
    """Return about how large an instance will be on the medium."""
    header = instance.header
    place = header.pixel_data
    if place is None or place.length != UNDEFINED_LENGTH:
        return header.source.size - header.dataset_offset + OVERHEAD
    return place.offset + OVERHEAD + _pixels(header.attributes)


def _pixels(attributes: Attributes) -> int:
    """Return the bytes of an image's pixels when they are decoded."""

    def number(keyword: str, default: int) -> int:
        return int.from_bytes(attributes.get(keyword, b""), "little") or default

    frames = attributes.get("NumberOfFrames", b"1").rstrip(b"\0 ")
    count = int(frames) if frames.isdigit() else 1
    bits = number("BitsAllocated", 8)
    return number("Rows", 0) * number("Columns", 0) * number("SamplesPerPixel", 1) * count * bits // 8
