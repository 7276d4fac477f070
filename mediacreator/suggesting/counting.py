"""Count what can be on a medium whatever its profile: what was asked for, each SOP Instance once.

``select`` decides; this is what it takes to weigh profiles before one is chosen. Who is whose patient is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mediacreator.model import Header, Outcome
from mediacreator.rules.claim import Claim
from mediacreator.select.admission import Refusal, admit, uid_problem
from mediacreator.select.rejection import rejection_notes
from mediacreator.select.request import SelectionRequest

_USABLE = re.compile(r"(?:[0-9][0-9.]{0,63}\n)*").fullmatch
"""Matches lines that are UIDs, or nearly: see ``uid_problem``."""

_FILTERS = (
    ("PatientID", "patients"),
    ("StudyInstanceUID", "studies"),
    ("SeriesInstanceUID", "series"),
    ("Modality", "modalities"),
)
"""Attribute, and the filter that it must be in."""
_EXCLUDED = (*_FILTERS[:3], ("SOPInstanceUID", "instances"))
"""Attribute, and what it must not be in."""

COUNTED = frozenset(
    (*(keyword for keyword, _ in _FILTERS), "ConceptNameCodeSequence", "CurrentRequestedProcedureEvidenceSequence")
)
"""Attributes that counting looks at; those of rejection notes among them."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Headers of what may be on a medium, and how many are not among them."""

    headers: tuple[Header, ...]
    filtered: int = 0
    unusable: int = 0  # no UID that a reader could find them by
    left_out: int = 0  # by rule: rejection notes, what they reject, private SOP Classes that no setting lists
    duplicates: int = 0


def count(headers: Sequence[Header], claim: Claim, request: SelectionRequest) -> Counted:
    """Return what may be on a medium, in the order of the sources.

    Args:
        headers: Of the scan.
        claim: Any: what is left out by rule does not depend on it.
        request: Filters.

    Source: PS3.3 F.2.1 (each SOP Instance once), PS3.4 I.4.
    """
    asked = _asked_for(headers, request)
    usable = asked if _are_all_usable(asked) else [header for header in asked if _is_usable(header)]
    kept = _without_left_out(usable, headers, claim, request)
    once = tuple({header.sop_instance_uid: header for header in reversed(kept)}.values())[::-1]
    return Counted(
        once,
        filtered=len(headers) - len(asked),
        unusable=len(asked) - len(usable),
        left_out=len(usable) - len(kept),
        duplicates=len(kept) - len(once),
    )


def _asked_for(headers: Sequence[Header], request: SelectionRequest) -> Sequence[Header]:
    if not request.filtered:
        return headers
    filters = [(keyword, getattr(request, name)) for keyword, name in _FILTERS if getattr(request, name)]
    without = [(keyword, getattr(request.excluded, name)) for keyword, name in _EXCLUDED]
    without = [(keyword, of) for keyword, of in without if of]
    known: dict[bytes, str] = {}
    return [
        header
        for header in headers
        if all(_text(header, keyword, known) in of for keyword, of in filters)
        and not any(_text(header, keyword, known) in of for keyword, of in without)
    ]


def _text(header: Header, keyword: str, known: dict[bytes, str]) -> str:
    value = header.attributes.get(keyword, b"")
    if value not in known:
        known[value] = value.decode("utf-8", "replace").strip(" \0")
    return known[value]


def _are_all_usable(headers: Sequence[Header]) -> bool:
    """Tell at once what is nearly always so, and costs much to tell one by one."""
    return _USABLE("".join([f"{header.sop_instance_uid}\n" for header in headers])) is not None


def _is_usable(header: Header) -> bool:
    return not uid_problem(header.sop_instance_uid).startswith("!")


def _without_left_out(
    usable: Sequence[Header], headers: Iterable[Header], claim: Claim, request: SelectionRequest
) -> Sequence[Header]:
    """Leave out what no profile decides about."""
    notes = () if request.include_rejected else rejection_notes(headers)[0]
    rejected = {uid for note in notes for uid in note.rejects} | {note.header.sop_instance_uid for note in notes}
    classes = {header.sop_class_uid for header in usable}
    out = {uid for uid in classes if _is_left_out(uid, claim, request.private_sop_classes)}
    if not rejected and not out:
        return usable
    return [h for h in usable if h.sop_class_uid not in out and h.sop_instance_uid not in rejected]


def _is_left_out(sop_class_uid: str, claim: Claim, private_sop_classes: Mapping[str, str]) -> bool:
    admission = admit(sop_class_uid, claim, private_sop_classes)
    return isinstance(admission, Refusal) and admission.outcome is Outcome.LEFT_OUT
