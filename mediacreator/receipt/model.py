"""The receipt: what was found, what became of each file, what lies on each medium, and whether that is everything."""

from __future__ import annotations

from dataclasses import dataclass

from mediacreator.model import Finding, Outcome, Severity, VirusCheck

FORMAT = "mediacreator receipt"
VERSION = "1"
"""Of ``docs/receipt.schema.json``; a change that an old reader would misread gets a new one."""

COMPLETE = "complete"
INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many files became what; ``found`` is the sum of the six outcomes, ``missing`` among the rejected ones.

    ``written`` and ``verified`` are None in a travelling receipt, which is written before the medium is read back.
    """

    found: int
    accepted: int
    rejected: int
    left_out: int
    duplicate: int
    not_asked_for: int
    not_dicom: int
    missing: int = 0  # promised by a DICOMDIR among the sources and not there; counted in found and in rejected
    kept: int = 0  # SOP Instances that an updated medium held before and still holds; of nothing above
    removed: int = 0  # SOP Instances that an update took off the medium
    written: int | None = None  # SOP Instances on the media, those that are kept not among them
    verified: int | None = None  # of these, read back with the hash they were written with


@dataclass(frozen=True, slots=True)
class Reason:
    """Findings of one kind about files of one outcome, counted; ``ACCEPTED`` ones are about files on the medium."""

    outcome: Outcome
    code: str
    severity: Severity
    count: int
    expected: str  # of the first
    clause: str
    remedy: str  # of the first
    what: str = ""  # of the first, with its location; local receipt only


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file on a medium. Those that are no SOP Instances (DICOMDIR, README.TXT) have only path, size and hash."""

    path: str  # components joined with /, exactly as on the medium
    size: int  # bytes
    sha256: str  # 64 hexadecimal digits
    sop_instance_uid: str = ""
    transfer_syntax_uid: str = ""
    transcoded_from: str = ""  # Transfer Syntax UID of the source, "" when copied byte for byte
    derived_from: str = ""  # SOP Instance UID of the source, where the one on the medium is another
    quality: int = 0  # 1-100 where it was compressed lossily in this run
    remapped: int = 0  # references in it that were changed to UIDs on the medium
    source: int = 0  # number of the SourceFile; local receipt only
    source_path: str = ""  # local receipt only


@dataclass(frozen=True, slots=True)
class StudyLine:
    """A study as far as it lies on a medium; local receipt only."""

    date: str  # YYYYMMDD, "" where nobody knows it
    modalities: tuple[str, ...]  # of its series, each once
    description: str
    series: int
    instances: int


@dataclass(frozen=True, slots=True)
class PatientLine:
    """Whose instances a medium holds, decoded; local receipt only."""

    name: str  # component groups with =, components with ^ (PS3.5 6.2.1)
    id: str
    birth_date: str = ""  # YYYYMMDD
    character_set: str = ""  # Specific Character Set (0008,0005) of instances: tells how ideographs are drawn
    studies: tuple[StudyLine, ...] = ()  # an early receipt tells none


@dataclass(frozen=True, slots=True)
class MediumEntry:
    """One image or folder that was written: a whole File-set."""

    file_set_id: str
    file_set_uid: str
    volume: int  # number, from 1
    volumes: int
    profile: str  # identifiers of the application profiles that it claims, joined with commas
    instances: int  # SOP Instances that its DICOMDIR names
    files: tuple[FileEntry, ...]  # in the order of the medium
    name: str = ""  # last component of the path; local receipt only, as the rest
    size: int = 0  # bytes
    sha256: str = ""  # of the image; "" for a folder
    patients: tuple[PatientLine, ...] = ()
    not_verified: tuple[str, ...] = ()  # paths of files that did not read back as they were written
    virus_check: VirusCheck | None = None  # the mark that it bears; in both receipts
    among_others: bool = False  # it was written into a folder beside other files; in both receipts


@dataclass(frozen=True, slots=True)
class NotOnMedium:
    """A file that was found and is not on the medium; local receipt only."""

    outcome: Outcome
    finding: Finding
    path: str
    source: int = 0  # number of the SourceFile, 0 for one that a DICOMDIR promises and that is not there
    sop_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Transcoding:
    """How many instances went from one Transfer Syntax to another."""

    source: str  # UID
    target: str  # UID
    count: int


@dataclass(frozen=True, slots=True)
class FilledIn:
    """A key that a directory record needs, the instances lack, and we supplied in the record only."""

    record: str  # record type (PS3.3 F.4)
    keyword: str
    where: str  # File ID of the instance, or what the File IDs below the record have in common
    value: str = ""  # local receipt; in a travelling one only where it is a placeholder
    placeholder: bool = False  # stands for a date or time that nobody knows


@dataclass(frozen=True, slots=True)
class Decision:
    """A Conflict that a person decided, and how."""

    conflict: int
    kind: str
    code: str  # of its Finding
    decided_by: str  # the option, as --same-patient 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """Everything one run of ``create`` did. Source: docs/receipt.md, docs/receipt.schema.json."""

    id: str
    state: str  # COMPLETE or INCOMPLETE
    created: str  # ISO 8601 with its offset from UTC
    program: str
    program_version: str
    profile: str  # identifiers of the application profiles of all media, joined with commas
    edition: str  # of the DICOM Standard
    reproducible: bool
    holds_identity: bool  # False: it may travel
    counts: Counts
    media: tuple[MediumEntry, ...]
    arguments: tuple[str, ...] = ()  # local receipt only
    reasons: tuple[Reason, ...] = ()
    transcoded: tuple[Transcoding, ...] = ()
    filled_in: tuple[FilledIn, ...] = ()
    decisions: tuple[Decision, ...] = ()
    not_on_medium: tuple[NotOnMedium, ...] = ()  # local receipt only
    findings: tuple[Finding, ...] = ()  # about what is on the medium; local receipt only
