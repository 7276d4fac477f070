"""Make receipts from the values that the stages passed on."""

from __future__ import annotations

import os.path
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mediacreator.dicomio.text import decode_text
from mediacreator.model import (
    Attributes,
    Disposition,
    FileID,
    Finding,
    MediaImage,
    Outcome,
    Scan,
    Severity,
    Volume,
    VolumeFile,
    WrittenFile,
)
from mediacreator.receipt.check import counts_close
from mediacreator.receipt.lines import patient_lines
from mediacreator.receipt.model import (
    COMPLETE,
    INCOMPLETE,
    Counts,
    Decision,
    FileEntry,
    FilledIn,
    MediumEntry,
    NotOnMedium,
    Reason,
    Receipt,
    Transcoding,
)

NO_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class Job:
    """What the receipts of one run share."""

    receipt_id: str  # a UID or UUID; the same in the local receipt and in those that travel
    created: datetime  # aware
    profile: str
    edition: str  # of the DICOM Standard
    scan: Scan
    dispositions: tuple[Disposition, ...]  # of selection and transcoding; those of the scan are in ``scan``
    volumes: tuple[Volume, ...]  # all that the run makes
    findings: tuple[Finding, ...] = ()  # about what is on the media
    arguments: tuple[str, ...] = ()  # of the command, as given: may hold identity
    reproducible: bool = False
    decisions: tuple[Decision, ...] = ()
    placeholder_date: str = ""  # DA, stands in filled-in dates that nobody knows
    placeholder_time: str = ""  # TM, likewise


@dataclass(frozen=True, slots=True)
class WrittenMedium:
    """A medium as it was written, and as an independent reader found it afterwards."""

    volume: Volume
    image: MediaImage  # ``path`` may be that of the final name
    read_back: tuple[WrittenFile, ...]


def build_receipt(job: Job, media: Sequence[WrittenMedium]) -> Receipt:
    """Make the local receipt of a run, once every medium was read back.

    Its state is complete only if nothing is rejected and the counts close. Render it with ``to_json``.
    """
    entries = tuple(_written_medium(medium, job.placeholder_date) for medium in media)
    written = sum(1 for medium in media for file in medium.image.files if file.sop_instance_uid)
    verified = sum(_verified(medium) for medium in media)
    receipt = _receipt(job, entries, tuple(medium.volume for medium in media), travelling=False)
    receipt = replace(
        receipt,
        counts=replace(receipt.counts, written=written, verified=verified),
        arguments=job.arguments,
        not_on_medium=tuple(_not_on_medium(job)),
        findings=job.findings,
    )
    return replace(receipt, state=INCOMPLETE if receipt.counts.rejected or counts_close(receipt) else COMPLETE)


def travelling_receipt(job: Job, volume: Volume, content: Iterable[tuple[tuple[str, ...], int]]) -> Receipt:
    """Make the receipt that lies on a medium, before the medium is written and its hashes are known.

    Args:
        job: The run; counts are those of the whole run.
        volume: The medium it lies on, the only one it names.
        content: Path and size in bytes of each file that is no SOP Instance (DICOMDIR, README.TXT, ...), in the order
            of the medium, without the receipt itself.

    Returns:
        A receipt without identity and source paths, its hashes zero. ``travelling_size`` gives the size it will have,
        ``travelling_json`` its bytes once the hashes are known.
    """
    files = tuple(FileEntry("/".join(path), size, NO_HASH) for path, size in content)
    files += tuple(_instance(file, file.encoded.size, NO_HASH, travelling=True) for file in volume.files)
    receipt = _receipt(job, (_medium(volume, files),), (volume,), travelling=True)
    return replace(receipt, state=INCOMPLETE if receipt.counts.rejected else COMPLETE)


def _receipt(job: Job, media: tuple[MediumEntry, ...], volumes: tuple[Volume, ...], travelling: bool) -> Receipt:
    from mediacreator import __version__

    return Receipt(
        id=job.receipt_id,
        state=INCOMPLETE,
        created=job.created.isoformat(timespec="seconds"),
        program="mediacreator",
        program_version=__version__,
        profile=job.profile,
        edition=job.edition,
        reproducible=job.reproducible,
        holds_identity=not travelling,
        counts=_counts(job),
        media=media,
        reasons=_reasons(job, travelling),
        transcoded=_transcoded(volumes),
        filled_in=tuple(entry for volume in volumes for entry in _filled_in(volume, job, travelling)),
        decisions=job.decisions,
    )


def _counts(job: Job) -> Counts:
    """Count what was found from the scan, and what became of it from what the later stages say."""
    outcomes = Counter(entry.outcome for entry in (*job.scan.others, *job.dispositions))
    missing = len(job.scan.missing)
    return Counts(
        found=len(job.scan.headers) + len(job.scan.others) + missing,
        accepted=sum(len(volume.files) for volume in job.volumes),
        rejected=outcomes[Outcome.REJECTED] + missing,
        left_out=outcomes[Outcome.LEFT_OUT],
        duplicate=outcomes[Outcome.DUPLICATE],
        not_asked_for=outcomes[Outcome.FILTERED],
        not_dicom=outcomes[Outcome.NOT_DICOM],
        missing=missing,
    )


def _not_on_medium(job: Job) -> Iterator[NotOnMedium]:
    for entry in sorted((*job.scan.others, *job.dispositions), key=lambda entry: entry.source.number):
        source = entry.source
        yield NotOnMedium(entry.outcome, entry.finding, source.display_path, source.number, entry.sop_instance_uid)
    for missing in job.scan.missing:
        yield NotOnMedium(Outcome.REJECTED, missing.finding, missing.path, 0, missing.sop_instance_uid)


_OUTCOMES = {outcome: place for place, outcome in enumerate((*list(Outcome)[1:], Outcome.ACCEPTED))}
_SEVERITIES = {severity: place for place, severity in enumerate(Severity)}


def _reasons(job: Job, travelling: bool) -> tuple[Reason, ...]:
    """Count findings of one kind, what is not on the medium first and what weighs most before what weighs least."""
    said = [(entry.outcome, entry.finding) for entry in (*job.scan.others, *job.dispositions)]
    said += [(Outcome.REJECTED, missing.finding) for missing in job.scan.missing]
    said += [(Outcome.ACCEPTED, finding) for finding in job.findings]
    first: dict[tuple[Outcome, str, Severity, str], Finding] = {}
    counted: Counter[tuple[Outcome, str, Severity, str]] = Counter()
    for outcome, finding in said:
        key = (outcome, finding.code, finding.severity, finding.clause)
        first.setdefault(key, finding)
        counted[key] += 1
    reasons = (
        Reason(
            outcome=key[0],
            code=key[1],
            severity=key[2],
            count=counted[key],
            expected=finding.expected,
            clause=key[3],
            remedy=finding.remedy,
            what="" if travelling else f"{finding.location}: {finding.what}",
        )
        for key, finding in first.items()
    )
    return tuple(
        sorted(reasons, key=lambda r: (_OUTCOMES[r.outcome], _SEVERITIES[r.severity], -r.count, r.code, r.clause))
    )


def _transcoded(volumes: Iterable[Volume]) -> tuple[Transcoding, ...]:
    ways = Counter(
        (file.encoded.transcoded_from, file.encoded.transfer_syntax_uid)
        for volume in volumes
        for file in volume.files
        if file.encoded.transcoded_from
    )
    return tuple(Transcoding(source, target, count) for (source, target), count in sorted(ways.items()))


def _written_medium(medium: WrittenMedium, placeholder_date: str) -> MediumEntry:
    """List a medium's files in the order they were written, instances with what the volume knows of them."""
    instances = {file.file_id: file for file in medium.volume.files}
    files = []
    for written in medium.image.files:
        instance = instances.get(written.path)
        if instance is None:
            files.append(FileEntry("/".join(written.path), written.size, written.sha256, written.sop_instance_uid))
        else:
            files.append(_instance(instance, written.size, written.sha256, travelling=False))
    seen = {file.path: (file.size, file.sha256) for file in medium.read_back}
    differ = tuple(
        "/".join(file.path) for file in medium.image.files if seen.get(file.path) != (file.size, file.sha256)
    )
    return replace(
        _medium(medium.volume, tuple(files)),
        name=os.path.basename(medium.image.path.rstrip("/")).removesuffix(".partial"),
        size=medium.image.size,
        sha256=medium.image.sha256,
        patients=patient_lines(medium.volume.content, placeholder_date),
        not_verified=differ,
    )


def _medium(volume: Volume, files: tuple[FileEntry, ...]) -> MediumEntry:
    return MediumEntry(
        file_set_id=volume.file_set_id,
        file_set_uid=volume.file_set_uid,
        volume=volume.number,
        volumes=volume.of,
        profile=volume.profile,
        instances=len(volume.files),
        files=files,
        virus_check=volume.virus_check,
        among_others=volume.among_others,
    )


def _instance(file: VolumeFile, size: int, sha256: str, travelling: bool) -> FileEntry:
    encoded = file.encoded
    header = encoded.instance.header
    return FileEntry(
        path="/".join(file.file_id),
        size=size,
        sha256=sha256,
        sop_instance_uid=encoded.sop_instance_uid,
        transfer_syntax_uid=encoded.transfer_syntax_uid,
        transcoded_from=encoded.transcoded_from,
        derived_from=header.sop_instance_uid if encoded.derived_uid else "",
        quality=encoded.quality,
        remapped=encoded.remapped,
        source=0 if travelling else header.source.number,
        source_path="" if travelling else header.source.display_path,
    )


def _verified(medium: WrittenMedium) -> int:
    """Count the instances that were read back as they were written."""
    seen = {file.path: (file.size, file.sha256) for file in medium.read_back}
    return sum(
        1
        for file in medium.image.files
        if file.sop_instance_uid and file.sha256 and seen.get(file.path) == (file.size, file.sha256)
    )


def _filled_in(volume: Volume, job: Job, travelling: bool) -> Iterator[FilledIn]:
    """Yield what records hold that no instance says, in the order of the DICOMDIR."""
    for record, keys, filled, ids in _records(volume):
        where = "/".join(_common(ids)) if filled else ""
        for keyword in filled:
            value = _text(keys, keyword, "LO")
            placeholder = _is_placeholder(keyword, value, job)
            shown = value.isprintable() and (placeholder or not travelling)  # not a sequence, not a number in binary
            yield FilledIn(record, keyword, where, value if shown else "", placeholder)


def _is_placeholder(keyword: str, value: str, job: Job) -> bool:
    """Tell whether a filled-in DA, DT or TM stands for one that nobody knows."""
    if keyword.endswith(("Date", "DateTime")):
        return bool(job.placeholder_date) and value.startswith(job.placeholder_date)
    return keyword.endswith("Time") and bool(job.placeholder_time) and value == job.placeholder_time


def _records(volume: Volume) -> Iterator[tuple[str, Attributes, tuple[str, ...], list[FileID]]]:
    """Yield type, keys, filled keywords and the File IDs below it of each record, in the order of the DICOMDIR."""
    files = iter(volume.files)
    for patient in volume.content.patients:
        ids = [
            [[next(files).file_id for _ in series.instances] for series in study.series] for study in patient.studies
        ]
        yield (
            "PATIENT",
            patient.keys,
            patient.filled,
            [file_id for study in ids for series in study for file_id in series],
        )
        for study, study_ids in zip(patient.studies, ids, strict=True):
            yield "STUDY", study.keys, study.filled, [file_id for series in study_ids for file_id in series]
            for series, series_ids in zip(study.series, study_ids, strict=True):
                yield "SERIES", series.keys, series.filled, series_ids
                for instance, file_id in zip(series.instances, series_ids, strict=True):
                    yield instance.record_type, instance.keys, instance.filled, [file_id]
    for instance, file in zip(volume.content.root_instances, files, strict=True):
        yield instance.record_type, instance.keys, instance.filled, [file.file_id]


def _common(ids: Sequence[FileID]) -> FileID:
    """Return the components with which all File IDs begin."""
    low, high = min(ids, default=()), max(ids, default=())
    same = 0
    while same < min(len(low), len(high)) and low[same] == high[same]:
        same += 1
    return low[:same]


def _text(keys: Attributes, keyword: str, vr: str) -> str:
    return decode_text(keys.get(keyword, b""), keys.get("SpecificCharacterSet", b""), vr).strip()
