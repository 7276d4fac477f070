"""What the walker can find wrong with a DICOMDIR: one row for each code, with its clause and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mediacreator.model import Finding, Severity

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_REBUILD = "The directory needs to be made anew from the files."
_NONE_LOST = "It was read all the same."

Row = tuple[Severity, str, str, str]
"""Severity, what is expected, clause, what to do."""

ROWS: dict[str, Row] = {
    "no-preamble": (_E, "128 bytes of preamble and DICM", "PS3.10 7.1", _NONE_LOST),
    "no-file-meta": (_E, "File Meta Information", "PS3.10 7.1", _NONE_LOST),
    "damaged-file-meta": (_E, "complete File Meta Information", "PS3.10 7.1", _REBUILD),
    "wrong-group-length": (_E, "the length of group 0002 in bytes", "PS3.10 Table 7.1-1", _NONE_LOST),
    "not-a-directory-class": (_E, "Media Storage Directory Storage", "PS3.10 8.6", _NONE_LOST),
    "directory-transfer-syntax": (_E, "Explicit VR Little Endian", "PS3.10 8.6", _NONE_LOST),
    "wrong-transfer-syntax": (_E, "the encoding that was found", "PS3.10 Table 7.1-1", _NONE_LOST),
    "damaged-directory": (_E, "Data Elements to the end of the file", "PS3.5 7.1", _REBUILD),
    "truncated-directory": (_E, "a whole record", "PS3.5 7.5", "Read the medium again, or look for the files by hand."),
    "damaged-sequence": (_E, "the next record", "PS3.5 7.5.1", _REBUILD),
    "damaged-record": (_E, "a whole record", "PS3.5 7.5.1", _REBUILD),
    "wrong-sequence-length": (_E, "the length of all records", "PS3.5 7.5.1", _NONE_LOST),
    "no-directory-information": (
        _W,
        "a Directory Record Sequence",
        "PS3.3 F.3.1",
        "Most application profiles ask for one. The files have to be looked for without it.",
    ),
    "no-record-sequence": (_E, "a Directory Record Sequence around the records", "PS3.3 Table F.3-3", _NONE_LOST),
    "consistency-flag": (
        _W,
        "0000H",
        "PS3.3 Table F.3-3",
        "The maker of the medium did not finish, or it was changed later: compare it with what was sent.",
    ),
    "no-consistency-flag": (_E, "0000H", "PS3.3 Table F.3-3", _NONE_LOST),
    "shifted-offsets": (
        _E,
        "offsets from the first byte of the preamble",
        "PS3.3 F.2.2.2, Table F.3-3",
        "They were corrected while reading; many other programs will not open this medium.",
    ),
    "wrong-last-offset": (_E, "the last record of the root directory entity", "PS3.3 Table F.3-3", _NONE_LOST),
    "dangling-offset": (_E, "0 or the offset of a record", "PS3.3 F.2.1, Table F.3-3", _REBUILD),
    "record-cycle": (_E, "a tree, in which no record leads back to itself", "PS3.3 F.2.1", _REBUILD),
    "record-linked-twice": (_E, "one way from the root to each record", "PS3.3 F.2.1", _REBUILD),
    "orphan-record": (
        _E,
        "a way from the root to every record",
        "PS3.3 F.2.1",
        "Programs that follow the directory do not see it. " + _REBUILD,
    ),
    "bad-link": (_E, "an offset of 4 bytes", "PS3.3 Table F.3-3", _REBUILD),
    "inactive-record": (
        _W,
        "FFFFH",
        "PS3.3 Table F.3-3",
        "0000H once marked a deleted record. It is shown, and its file is not asked for.",
    ),
    "in-use-flag": (_E, "FFFFH", "PS3.3 Table F.3-3", "It is taken as in use."),
    "record-without-type": (_E, "a Directory Record Type", "PS3.3 Table F.3-3", _REBUILD),
    "unknown-record-type": (_E, "a type that PS3.3 defines, or PRIVATE", "PS3.3 F.4", _NONE_LOST),
    "retired-record-type": (_W, "a type in use", "PS3.3 F.4", _NONE_LOST),
    "misplaced-record": (_E, "a place that the directory model allows", "PS3.3 Table F.4-1", _NONE_LOST),
    "record-without-file": (_W, "a Referenced File ID", "PS3.3 F.5", "There is nothing to read behind this record."),
    "incomplete-reference": (
        _E,
        "Referenced File ID, SOP Class, SOP Instance and Transfer Syntax UID together",
        "PS3.3 Table F.3-3",
        _NONE_LOST,
    ),
    "bad-file-id": (
        _E,
        "1 to 8 components of 1 to 8 characters A-Z, 0-9 and _",
        "PS3.10 8.2, 8.5",
        "The file is looked for under this name and its usual forms.",
    ),
    "unsafe-file-id": (_E, "a file inside the File-set", "PS3.10 8.6", "The file is not looked for."),
    "no-character-set": (
        _W,
        "the Specific Character Set of text beyond ASCII",
        "PS3.3 F.5, C.12.1.1.2",
        "It is read as UTF-8 where it is that, and as Latin alphabet No. 1 otherwise: names may look wrong.",
    ),
    "unknown-character-set": (
        _W,
        "a character set that the standard defines",
        "PS3.3 C.12.1.1.2",
        "It is read as far as it can be: names may look wrong.",
    ),
    "undecodable-text": (
        _W,
        "text in the Specific Character Set of its record",
        "PS3.3 C.12.1.1.2; PS3.5 6.1.2",
        "Characters that cannot be read are shown as \ufffd.",
    ),
    "other-character-set": (
        _W,
        "text in the Specific Character Set of its record",
        "PS3.3 C.12.1.1.2",
        "It is read as UTF-8; programs that believe the record show other characters.",
    ),
    "duplicate-file-id": (_E, "one record for each file", "PS3.3 F.2.1", "See which of the records is right."),
    "duplicate-sop-instance": (_E, "one record for each SOP Instance", "PS3.3 F.2.1", "The instance is listed twice."),
    "missing-file": (
        _E,
        "every referenced file in the File-set",
        "PS3.3 F.2.1",
        "Ask the sender for this instance, or for a new medium.",
    ),
    "other-instance": (
        _E,
        "the SOP Instance of the record in its file",
        "PS3.3 Table F.3-3",
        "Ask the sender for this instance, or for a new medium.",
    ),
    "promise-unknown": (
        _E,
        "a DICOMDIR that can be read to its end",
        "PS3.10 8.6, PS3.3 F.2.1",
        "Compare what was found with what the sender meant to send.",
    ),
    "unreferenced-file": (_E, "every DICOM file in the directory", "PS3.3 F.2.1", _REBUILD),
    "file-name-differs": (
        _N,
        "the File ID as the name of the file",
        "PS3.10 8.2, PS3.12 F.1.2.1",
        "They were found all the same; other programs may not find them.",
    ),
    "several-dicomdirs": (_W, "one DICOMDIR in the root", "PS3.10 8.6", "See whether the others name more images."),
    "dicomdir-not-in-root": (_W, "the DICOMDIR in the root", "PS3.10 8.6", _NONE_LOST),
    "dicomdir-name-differs": (_N, "DICOMDIR", "PS3.10 8.6, PS3.12 F.1.2.1", _NONE_LOST),
}


def finding(code: str, location: str, what: str, *, rows: Mapping[str, Row] = ROWS) -> Finding:
    """Return the Finding of a code; ``what`` is what was found, without identity."""
    severity, expected, clause, remedy = rows[code]
    return Finding(code, severity, location, what, expected, clause, remedy)


def record_location(index: int, file_id: Sequence[str]) -> str:
    """Name a record by its position, from 1, and by its file if it has one."""
    name = f"DICOMDIR record {index + 1}"
    return f"{name} ({printable('/'.join(file_id))})" if file_id else name


def printable(text: str, limit: int = 80) -> str:
    """Return text from a foreign medium that a terminal or a log can bear: no control character, not endless."""
    if text.isprintable() and len(text) <= limit:
        return text
    safe = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text[: limit + 1])
    return safe if len(text) <= limit else f"{safe[:limit]}…"
