"""Find rejection notes and what they reject (IHE Image Object Change Management; PS3.16 CID 7010; PS3.3 C.17.6.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from mediacreator.dicomio.elements import MalformedElement, parse_items
from mediacreator.model import Attributes, Disposition, Finding, Header, Outcome, Severity
from mediacreator.rules.uids import KEY_OBJECT_SELECTION_DOCUMENT

TITLES = MappingProxyType(
    {
        "113001": "Rejected for Quality Reasons",
        "113037": "Rejected for Patient Safety Reasons",
        "113038": "Incorrect Modality Worklist Entry",
        "113039": "Data Retention Policy Expired",
    }
)
"""Document titles that reject what the document refers to (PS3.16 CID 7010, Coding Scheme Designator DCM)."""

CLAUSE = "PS3.16 CID 7010; IHE IOCM"

CODE_VALUE = 0x00080100
CODING_SCHEME_DESIGNATOR = 0x00080102
REFERENCED_SERIES_SEQUENCE = 0x00081115
REFERENCED_SOP_SEQUENCE = 0x00081199
REFERENCED_SOP_INSTANCE_UID = 0x00081155


@dataclass(frozen=True, slots=True)
class RejectionNote:
    """A Key Object Selection Document that rejects instances."""

    header: Header
    code: str  # of TITLES
    rejects: frozenset[str]  # SOP Instance UIDs
    unreadable: bool = False  # it is not known what it rejects

    @property
    def title(self) -> str:
        """Name the reason, for Findings."""
        return f"({self.code}, DCM, {TITLES[self.code]})"


def rejection_notes(headers: Iterable[Header]) -> tuple[tuple[RejectionNote, ...], list[Finding]]:
    """Return the rejection notes among headers, and what is to be said of documents that may be one.

    Whether a filter would let a note through does not matter: what it rejects is rejected all the same.
    """
    found, said = [], []
    for header in headers:
        if header.sop_class_uid == KEY_OBJECT_SELECTION_DOCUMENT:
            try:
                code = _title(header.attributes)
            except MalformedElement:
                said.append(_unreadable_title(header))
                continue
            if code:
                rejects = _rejects(header.attributes)
                found.append(RejectionNote(header, code, rejects, not rejects))
    return tuple(found), said


def left_out(header: Header, note: RejectionNote) -> Disposition:
    """Return what becomes of an instance that a note rejects."""
    finding = Finding(
        "rejected-by-note",
        Severity.NOTE,
        header.source.location,
        f"the rejection note {note.header.source.location} {note.title} rejects it",
        "an instance that is not rejected",
        CLAUSE,
        "Use --include-rejected if it must be on the medium.",
    )
    return Disposition(header.source, Outcome.LEFT_OUT, finding, header.sop_instance_uid)


def note_left_out(note: RejectionNote) -> Disposition:
    """Return what becomes of a rejection note itself."""
    finding = Finding(
        "rejection-note",
        Severity.NOTE,
        note.header.source.location,
        f"it is a rejection note {note.title}",
        "an instance for the person who gets the medium",
        CLAUSE,
        "Use --include-rejected if it must be on the medium.",
    )
    return Disposition(note.header.source, Outcome.LEFT_OUT, finding, note.header.sop_instance_uid)


def remarks(notes: Iterable[RejectionNote], found: frozenset[str] | set[str]) -> list[Finding]:
    """Return what is to be said of notes that cannot be read, or reject instances that the sources do not hold.

    Args:
        notes: All that there are.
        found: SOP Instance UIDs in the sources.
    """
    said = []
    for note in notes:
        absent = len(note.rejects - found)
        if note.unreadable:
            said.append(
                Finding(
                    "rejection-note-unreadable",
                    Severity.WARNING,
                    note.header.source.location,
                    f"a rejection note {note.title} whose CurrentRequestedProcedureEvidenceSequence (0040,A375) names "
                    "no instance",
                    "references to the instances that it rejects",
                    "PS3.3 C.17.6.2",
                    "Find out in the archive what it rejects: it may be on the medium.",
                )
            )
        elif absent:
            said.append(
                Finding(
                    "rejected-not-found",
                    Severity.NOTE,
                    note.header.source.location,
                    f"a rejection note {note.title} rejects {absent} instances that are not in the sources",
                    "rejected instances in the sources, or none",
                    CLAUSE,
                    "Nothing: they would not be on the medium either.",
                )
            )
    return said


def kept_all_the_same(note: RejectionNote, count: int) -> Finding:
    """Return the warning about rejected instances that were asked for."""
    return Finding(
        "rejected-included",
        Severity.WARNING,
        note.header.source.location,
        f"{count} instances that this rejection note {note.title} rejects are on the medium, as asked for",
        "no rejected instances",
        CLAUSE,
        "Tell whoever gets the medium, or leave out --include-rejected.",
    )


def _unreadable_title(header: Header) -> Finding:
    return Finding(
        "key-object-title-unreadable",
        Severity.WARNING,
        header.source.location,
        "ConceptNameCodeSequence (0040,A043) of a Key Object Selection Document cannot be read",
        "the code of its title",
        "PS3.3 C.17.6.1",
        "Find out in the archive whether it rejects instances: they may be on the medium.",
    )


def _title(attributes: Attributes) -> str:
    """Return the code of a title that rejects, "" for any other.

    Raises:
        MalformedElement: The title cannot be read.
    """
    for item in parse_items(attributes.get("ConceptNameCodeSequence", b"")):
        code, scheme = (_text(item.get(tag)) for tag in (CODE_VALUE, CODING_SCHEME_DESIGNATOR))
        if scheme == "DCM" and code in TITLES:
            return code
    return ""


def _rejects(attributes: Attributes) -> frozenset[str]:
    """Return the SOP Instance UIDs that a note refers to; empty where it cannot be read."""
    found = set()
    try:
        for study in parse_items(attributes.get("CurrentRequestedProcedureEvidenceSequence", b"")):
            for series in parse_items(study.get(REFERENCED_SERIES_SEQUENCE, b"")):
                for reference in parse_items(series.get(REFERENCED_SOP_SEQUENCE, b"")):
                    found.add(_text(reference.get(REFERENCED_SOP_INSTANCE_UID)))
    except MalformedElement:
        return frozenset()
    return frozenset(found - {""})


def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "replace").strip(" \0")
