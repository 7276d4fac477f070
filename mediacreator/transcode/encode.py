"""Encode what a Plan says: what is coded otherwise than it will be on the medium, or changes in another way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mediacreator.dicomio.filemeta import preamble_and_meta
from mediacreator.errors import InternalError, NoSpace
from mediacreator.model import (
    Body,
    Disposition,
    EncodedInstance,
    Finding,
    Header,
    Outcome,
    Progress,
    Severity,
    SOPInstance,
    SourceFile,
)
from mediacreator.rules.tables import Encoder, encoders, transfer_syntaxes
from mediacreator.rules.uids import EXPLICIT_VR_LITTLE_ENDIAN
from mediacreator.transcode.image import read_image_attributes
from mediacreator.transcode.jobs import Converted, Failed, Job, Remark
from mediacreator.transcode.plan import Plan
from mediacreator.transcode.refusal import REMEDIES, Refusal
from mediacreator.transcode.sizes import estimate, native_pixels
from mediacreator.transcode.spool import Spool
from mediacreator.transcode.video import is_video, judge_video

_INFLATED_ALLOWANCE = 1 << 26  # bytes

_WHY = {
    "lossy-not-declared": (Severity.WARNING, "Compare the image with its source if loss matters."),
    "photometric-interpretation": (Severity.WARNING, "Look at the colours, and correct the system that sent it."),
    "tolerated-encoding": (Severity.NOTE, "Nothing need be done."),
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """The instances as they will lie on the medium, in the order in which they came."""

    encoded: tuple[EncodedInstance, ...]
    rejected: tuple[Disposition, ...]
    findings: tuple[Finding, ...]  # about what is encoded: tolerances, attributes added


def encode(work: Plan, spool: Spool, *, workers: int = 1, progress: Progress | None = None) -> Encoding:
    """Encode what a Plan says; the result is the same whatever the number of workers.

    An instance that is copied is not touched at all: its body is the Data Set in its source.

    Args:
        work: From ``choose``.
        spool: Open; takes the encoded Data Sets and must outlive them.
        workers: Processes that encode at once, 1 or more.
        progress: Told of each instance that is encoded.

    Raises:
        NoSpace: The spool is full, or will be.
    """
    places: list[EncodedInstance | Disposition | None] = [None] * len(work.instances)
    findings: dict[int, list[Finding]] = {}
    _judge_videos(work, places, findings)
    jobs: list[Job] = []
    for number, (instance, target) in enumerate(zip(work.instances, work.targets, strict=True)):
        if places[number] is not None:
            continue
        if work.is_copied(number):
            places[number] = _copied(instance, target)
        else:
            jobs.append(_job(number, work, spool))
    if jobs:
        spool.require(work.spool_size)
        _encode_all(jobs, work, spool, workers, progress, places, findings)
    encoded = tuple(place for place in places if isinstance(place, EncodedInstance))
    rejected = tuple(place for place in places if isinstance(place, Disposition))
    said = tuple(finding for number in sorted(findings) for finding in findings[number])
    return Encoding(encoded, work.rejected + rejected, work.findings + said)


def _encode_all(
    jobs: list[Job],
    work: Plan,
    spool: Spool,
    workers: int,
    progress: Progress | None,
    places: list[EncodedInstance | Disposition | None],
    findings: dict[int, list[Finding]],
) -> None:
    """Run the jobs; put each result in its place."""
    from mediacreator.transcode.pool import run_jobs

    paths = {job.number: job.path for job in jobs}
    if progress is not None:
        progress.start("transcode", len(jobs), sum(job.source.size for job in jobs))
    for result in run_jobs(jobs, workers):
        instance = work.instances[result.number]
        if isinstance(result, Failed):
            if result.no_space:
                raise NoSpace(
                    f"The spool is full after {spool.used:,} bytes. Free some room, choose another directory for "
                    "temporary files, or write fewer instances."
                )
            places[result.number] = _rejected(instance.header, result)
        else:
            spool.keep(result.size)
            places[result.number] = _encoded(work, result, paths[result.number])
            if result.remarks:
                location = instance.header.source.location
                findings.setdefault(result.number, []).extend(_finding(remark, location) for remark in result.remarks)
        if progress is not None:
            progress.advance(1, instance.header.source.size)


def _judge_videos(
    work: Plan, places: list[EncodedInstance | Disposition | None], findings: dict[int, list[Finding]]
) -> None:
    """Look into videos, whose Pixel Data nothing here decodes; put those that break the standard in their place."""
    for number, (instance, target) in enumerate(zip(work.instances, work.targets, strict=True)):
        if is_video(target):
            places[number], said = judge_video(instance.header)
            if said:
                findings[number] = list(said)


def _copied(instance: SOPInstance, target: str) -> EncodedInstance | Disposition:
    """Return an instance that is in the right Transfer Syntax: it is not touched. The scan saw that it is whole."""
    header = instance.header
    source = header.source
    attributes = header.attributes
    offset = header.dataset_offset
    try:
        meta = preamble_and_meta(header.sop_class_uid, header.sop_instance_uid, target)
    except ValueError:
        return _disposition(header, _bad_uid().finding(source.location))
    return EncodedInstance(
        instance,
        target,
        meta,
        Body(source, offset, source.size - offset),
        "",
        attributes.get("LossyImageCompression") == b"01",
    )


def _bad_uid() -> Refusal:
    return Refusal(
        "invalid-uid", "SOPInstanceUID (0008,0018) is no UID", "at most 64 characters of 0-9 and the dot", "PS3.5 9.1"
    )


def _job(number: int, work: Plan, spool: Spool) -> Job:
    instance, target = work.instances[number], work.targets[number]
    header = instance.header
    syntax = transfer_syntaxes()[header.transfer_syntax_uid]
    quality = work.qualities.get(number, 0)
    kept = target == header.transfer_syntax_uid and not quality
    return Job(
        number=number,
        source=header.source,
        dataset_offset=header.dataset_offset,
        dataset=syntax.dataset,
        pixels=syntax.pixels,
        loss=syntax.loss,
        codec=syntax.codec,
        path=spool.new_path(),
        inflated_limit=2 * estimate(instance, EXPLICIT_VR_LITTLE_ENDIAN)
        + 32 * header.source.size
        + _INFLATED_ALLOWANCE,
        kept=kept,
        encoder=None if kept else _encoder(target, quality),
        method=transfer_syntaxes()[target].codec,
        quality=quality,
        rewrite=work.rewrites.get(number),
        frames=_frame_count(header),
        native=native_pixels(header),
    )


def _encoder(target: str, quality: int) -> Encoder | None:
    """Return how frames are coded, None for native ones."""
    wanted = "lossy" if quality else "none"
    for encoder in encoders():
        if (encoder.uid, encoder.loss) == (target, wanted):
            return encoder if encoder.photometric else None
    raise InternalError(f"nothing codes {wanted} into {target}")


def _frame_count(header: Header) -> int:
    try:
        return read_image_attributes(header.attributes).frames
    except Refusal:
        return 1  # whoever reads the frames will say so


def _encoded(work: Plan, done: Converted, path: str) -> EncodedInstance | Disposition:
    instance, target = work.instances[done.number], work.targets[done.number]
    header, quality = instance.header, work.qualities.get(done.number, 0)
    rewrite = work.rewrites.get(done.number)
    derived_uid = rewrite.sop_instance_uid if rewrite else ""
    try:
        meta = preamble_and_meta(header.sop_class_uid, derived_uid or header.sop_instance_uid, target)
    except ValueError:
        return _disposition(header, _bad_uid().finding(header.source.location))
    return EncodedInstance(
        instance=_with_new_keys(instance, done),
        transfer_syntax_uid=target,
        preamble_and_meta=meta,
        body=Body(SourceFile(header.source.number, path, done.size, done.mtime_ns), 0, done.size),
        transcoded_from=header.transfer_syntax_uid if quality or target != header.transfer_syntax_uid else "",
        lossy_before=done.lossy,
        derived_uid=derived_uid,
        remapped=rewrite.remapped if rewrite else 0,
        quality=quality,
    )


def _with_new_keys(instance: SOPInstance, done: Converted) -> SOPInstance:
    """Return an instance whose directory record says of its pixels what the file says."""
    if not done.attributes:
        return instance
    return replace(instance, keys={**instance.keys, **dict(done.attributes)})


def _rejected(header: Header, failed: Failed) -> Disposition:
    remedy = REMEDIES.get(failed.code, REMEDIES["truncated-data-set"])
    location = header.source.location
    return _disposition(
        header, Finding(failed.code, Severity.ERROR, location, failed.what, failed.expected, failed.clause, remedy)
    )


def _disposition(header: Header, finding: Finding) -> Disposition:
    return Disposition(header.source, Outcome.REJECTED, finding, header.sop_instance_uid)


def _finding(remark: Remark, location: str) -> Finding:
    severity, remedy = _WHY[remark.code]
    return Finding(remark.code, severity, location, remark.what, remark.expected, remark.clause, remedy)
