"""What a scan can find: one row for each code, with its clause and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mediacreator.model import Finding, Outcome, Severity, SourceFile

Refused = tuple[Outcome, Finding, str]
"""Why a file has no Header; the last is its SOP Instance UID, where known."""


@dataclass(frozen=True, slots=True)
class Row:
    """A Finding but for its place and what was found; ``outcome`` of the file, None where it is taken all the same."""

    outcome: Outcome | None
    severity: Severity
    expected: str
    clause: str
    remedy: str


_AGAIN = "Fetch the instance again from where it came."

ROWS: Mapping[str, Row] = {
    "truncated-file": Row(Outcome.REJECTED, Severity.ERROR, "a complete file", "PS3.10 7.2", _AGAIN),
    "truncated-pixel-data": Row(Outcome.REJECTED, Severity.ERROR, "a complete file", "PS3.5 8.1.1", _AGAIN),
    "unreadable": Row(
        Outcome.REJECTED,
        Severity.ERROR,
        "a readable file",
        "",
        "Check permissions and the medium that it lies on, then try again.",
    ),
    "not-dicom": Row(
        Outcome.NOT_DICOM,
        Severity.NOTE,
        "a DICOM file",
        "PS3.10 7.1",
        "Nothing to do, unless this should be an image.",
    ),
    "empty-file": Row(
        Outcome.NOT_DICOM,
        Severity.WARNING,
        "a DICOM file",
        "PS3.10 7.1",
        "See whether a copy or transfer failed; fetch it again if it should be an image.",
    ),
    "dicomdir": Row(
        Outcome.LEFT_OUT,
        Severity.NOTE,
        "SOP Instances",
        "PS3.10 8.6",
        "Nothing to do: the new medium gets a DICOMDIR of its own.",
    ),
    "meta-mismatch": Row(
        None,
        Severity.WARNING,
        "the UIDs of the Data Set",
        "PS3.10 Table 7.1-1",
        "The medium gets new File Meta Information with the UIDs of the Data Set.",
    ),
    "transfer-syntax-mislabelled": Row(
        None,
        Severity.WARNING,
        "the Transfer Syntax of the Data Set",
        "PS3.10 Table 7.1-1",
        "It is read as it is encoded, and the medium gets a right one; correct the system that wrote it.",
    ),
    "malformed-sequence": Row(
        None,
        Severity.WARNING,
        "items of Data Elements",
        "PS3.5 7.5",
        "It is taken as it is, and its directory record does without; fetch it again from where it came.",
    ),
    "no-pixel-data": Row(
        None,
        Severity.WARNING,
        "Pixel Data",
        "PS3.3 C.7.6.3",
        "Fetch it again from where it came; it is taken as it is.",
    ),
}


def finding(code: str, source: SourceFile, what: str) -> Finding:
    """Return a Finding about a file."""
    row = ROWS[code]
    return Finding(code, row.severity, source.location, what, row.expected, row.clause, row.remedy)


def refusal(code: str, source: SourceFile, what: str, sop_instance_uid: str = "") -> Refused:
    """Return why a file has no Header."""
    outcome = ROWS[code].outcome
    assert outcome is not None
    return outcome, finding(code, source, what), sop_instance_uid
