"""What the validator can find wrong besides what it shares with others: one row for each code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from mediacreator.dicomio.walker_findings import Row
from mediacreator.dicomio.walker_findings import finding as finding_of
from mediacreator.model import Finding, Severity

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_DIRECTORY = "Have the DICOMDIR made anew from the files."
_FILE = "Have the file made anew, and then the DICOMDIR."
_MEDIUM = "Have the medium made anew."

ROWS: Mapping[str, Row] = MappingProxyType(
    {
        "no-dicomdir": (_E, "one DICOMDIR in the root", "PS3.10 8.6", _DIRECTORY),
        "bad-file-set-id": (_E, "0 to 16 characters A-Z, 0-9 and _", "PS3.10 8.1, 8.5", _DIRECTORY),
        "bad-file-set-uid": (_E, "the File-set UID, a UID of its own", "PS3.10 8.6; PS3.5 9.1", _DIRECTORY),
        "empty-directory": (_E, "directory records", "PS3.3 Table F.3-3", _DIRECTORY),
        "missing-level": (_E, "a record of each level above", "PS3.3 F.4", _DIRECTORY),
        "duplicate-patient-id": (_E, "one PATIENT record for each Patient ID", "PS3.3 F.5.1", _DIRECTORY),
        "duplicate-study-uid": (_E, "one STUDY record for each Study Instance UID", "PS3.3 F.5.2", _DIRECTORY),
        "duplicate-series-uid": (_E, "one SERIES record for each Series Instance UID", "PS3.3 F.5.3", _DIRECTORY),
        "record-type-differs": (_E, "the type that goes with the SOP Class", "PS3.3 F.5", _DIRECTORY),
        "key-missing": (_E, "a value", "PS3.3 F.5", _DIRECTORY),
        "key-differs": (_E, "the value that the file holds", "PS3.3 F.5", _DIRECTORY),
        "icon-missing": (_E, "an icon", "PS3.3 F.7", _DIRECTORY),
        "icon-malformed": (_E, "one item as PS3.3 F.7 describes it", "PS3.3 F.7", _DIRECTORY),
        "icon-size": (_E, "the size that the profile says", "PS3.3 F.7", _DIRECTORY),
        "icon-bits": (_E, "the bits that the profile says", "PS3.3 F.7", _DIRECTORY),
        "icon-photometric": (_E, "a Photometric Interpretation of the profile", "PS3.3 F.7", _DIRECTORY),
        "referenced-not-dicom": (_E, "a DICOM file", "PS3.10 7.1, 8.2", _FILE),
        "file-without-meta": (_E, "preamble, prefix and File Meta Information", "PS3.10 7.1", _FILE),
        "object-not-for-role": (_E, "another Transfer Syntax or SOP Class in this role", "PS3.11 X.3.1", _FILE),
        "jpeg-tables-missing": (_E, "each frame with its own tables", "PS3.5 8.2.1, A.4.1", _FILE),
        "secure-file": (_E, "no Secure DICOM File: the profile has no security section", "PS3.11 8", _MEDIUM),
        "file-not-secure": (_E, "a Secure DICOM File", "PS3.15 D.1; PS3.10 7.4", _MEDIUM),
        "not-checked": (_N, "what can be read", "", "Look at it with another program: nothing is known of it."),
    }
)


def finding(code: str, location: str, what: str, *, expected: str = "", clause: str = "") -> Finding:
    """Return the Finding of a code.

    Args:
        code: Of ``ROWS``.
        location: File ID, or the record.
        what: What was found, without identity.
        expected: What is allowed, where the row does not say it.
        clause: Of the profile or the key, where it is another than the row's.
    """
    found = finding_of(code, location, what, rows=ROWS)
    return replace(found, expected=expected or found.expected, clause=clause or found.clause)


GRAVE = frozenset(
    (
        "consistency-flag",
        "dicomdir-not-in-root",
        "inactive-record",
        "meta-mismatch",
        "no-pixel-data",
        "record-without-file",
        "several-dicomdirs",
        "transfer-syntax-mislabelled",
    )
)
"""What other stages tolerate with a warning and a File-set that claims a profile may not have."""

_REMEDIES = {
    "meta-mismatch": _FILE,
    "transfer-syntax-mislabelled": _FILE,
    "malformed-sequence": _FILE,
    "no-pixel-data": _FILE,
}


def judged_strictly(found: Finding) -> Finding:
    """Return a Finding of another stage as one about a File-set that is judged and not taken over."""
    severity = _E if found.code in GRAVE else found.severity
    return replace(found, severity=severity, remedy=_REMEDIES.get(found.code, found.remedy))
