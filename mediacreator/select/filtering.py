"""What was asked for, by the filters and exclusions of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mediacreator.model import Finding, Outcome, Severity
from mediacreator.select.admission import Refusal
from mediacreator.select.batches import Batch
from mediacreator.select.persons import People, matching_sides
from mediacreator.select.request import SelectionRequest

NOT_ASKED_FOR = Refusal(
    Outcome.FILTERED,
    Finding(
        "not-asked-for",
        Severity.NOTE,
        "",
        "outside --patient, --study, --series or --modality",
        "what was asked for",
        "",
        "Ask for it if it belongs on the medium.",
    ),
)


@dataclass(frozen=True, slots=True)
class Filtered:
    """Batches divided by what was asked for; together they are what there was."""

    kept: list[Batch]
    out: list[Batch]
    findings: tuple[Finding, ...]


def filter_batches(
    batches: Sequence[Batch], request: SelectionRequest, people: People, side_of: Callable[[Batch], int]
) -> Filtered:
    """Divide batches into what was asked for and what was not.

    Args:
        batches: With their admissions.
        request: Its filters and exclusions.
        people: Everyone in the sources.
        side_of: Returns whose instances a batch holds; -1 where it is in no study.
    """
    matching = matching_sides(people, request.patients, request.same_patient)
    kept: list[Batch] = []
    out: list[Batch] = []
    for batch in batches:
        if not _is_asked_for(batch, request, matching, side_of(batch)):
            out.append(batch)
            continue
        stays, goes = _divided(batch, request)
        kept += stays
        out += goes
    findings = tuple(_others_in_study(kept, out, side_of)) if request.patients else ()
    return Filtered(kept, out, findings)


def _is_asked_for(batch: Batch, request: SelectionRequest, matching: set[int], side: int) -> bool:
    if not batch.has_person:
        return not (request.patients or request.studies or request.series or request.modalities)
    is_of = side in matching if side >= 0 else batch.identity.patient_id in request.patients
    return (
        (not request.patients or is_of)
        and (not request.studies or batch.study_uid in request.studies)
        and (not request.series or batch.series_uid in request.series)
        and (not request.modalities or _modality(batch) in request.modalities)
    )


def _modality(batch: Batch) -> str:
    value = batch.headers[0].attributes.get("Modality", b"")
    return value.decode("ascii", "replace").strip(" \0").upper()


def _divided(batch: Batch, request: SelectionRequest) -> tuple[list[Batch], list[Batch]]:
    """Return what of a batch stays and what shall not be on the medium."""
    excluded = request.excluded
    if (
        batch.identity.patient_id in excluded.patients
        or batch.study_uid in excluded.studies
        or batch.series_uid in excluded.series
    ):
        return [], [batch]
    goes = [header for header in batch.headers if header.sop_instance_uid in excluded.instances]
    if not goes:
        return [batch], []
    stays = [header for header in batch.headers if header.sop_instance_uid not in excluded.instances]
    return [batch.with_headers(stays)] if stays else [], [batch.with_headers(goes)]


def _others_in_study(kept: Sequence[Batch], out: Sequence[Batch], side_of: Callable[[Batch], int]) -> Iterator[Finding]:
    """Warn of instances of a study that was asked for which say that they are another patient's."""
    studies = {batch.study_uid: side_of(batch) for batch in kept}
    for batch in out:
        if batch.study_uid in studies and batch.has_person and side_of(batch) != studies[batch.study_uid]:
            yield Finding(
                "other-patient-in-study",
                Severity.WARNING,
                batch.headers[0].source.location,
                f"{len(batch.headers)} instances of a study of the patient asked for name another patient",
                "one patient for each Study Instance UID",
                "PS3.3 F.5.2",
                "They are not on the medium. Find out whose they are.",
            )
