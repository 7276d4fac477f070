"""The values that pass between stages: frozen, made once, never edited.

A ``SourceFile`` is scanned to a ``Header``, selected as a ``SOPInstance``, encoded as an ``EncodedInstance``, named in
a ``Volume`` and written to a ``MediaImage``. What is not on the medium ends as a ``Disposition`` with its ``Finding``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

UNDEFINED_LENGTH = 0xFFFFFFFF
"""The length of a Data Element that ends with a delimiter (PS3.5 7.1.1)."""

FileID = tuple[str, ...]
"""1 to 8 components of 1 to 8 characters A-Z, 0-9 and _ (PS3.10 8.2, 8.5)."""

Attributes = Mapping[str, bytes]
"""Values by PS3.6 keyword: the bytes of the value field, little endian, padding kept; a sequence is its items in
Explicit VR Little Endian. An attribute that is present and empty has ``b""``; one that is absent has no key."""


class Severity(Enum):
    """How much a Finding weighs."""

    ERROR = "error"  # something is not on the medium, or the medium breaks a rule
    WARNING = "warning"  # a person should look
    NOTE = "note"  # said for the record


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found wrong, or done that a person must know of. Never holds patient identity."""

    code: str  # stable and tested; the wording may improve
    severity: Severity
    location: str  # File ID, or "source 12" before one is given
    what: str  # keyword, tag and value found; identifying values withheld
    expected: str
    clause: str  # of the DICOM Standard or another rule; "" where no standard speaks
    remedy: str

    def __str__(self) -> str:
        clause = f" [{self.clause}]" if self.clause else ""
        return f"{self.location}: {self.what}, expected {self.expected}{clause}. {self.remedy}"


class Outcome(Enum):
    """What became of a file that was found; every file found has exactly one."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # it should be on the medium and is not: exit code 1
    LEFT_OUT = "left out"  # by rule, with a note: rejection notes, private SOP Classes, DICOMDIRs
    DUPLICATE = "duplicate"  # the same SOP Instance is on the medium once
    FILTERED = "not asked for"  # outside --patient, --study, --series, --modality
    NOT_DICOM = "not DICOM"


class Container(Enum):
    """What a SourceFile's bytes lie in."""

    FILE = "file"  # a file of its own
    ZIP = "zip"  # a member of a ZIP archive
    ISO = "iso"  # an extent of an ISO 9660 image
    UDF = "udf"  # an extent of a UDF image
    FAT = "fat"  # clusters of a FAT image or drive
    MAIL = "mail"  # an attachment of a mail, or a member of an archive that is one


def source_location(number: int) -> str:
    """Name a source by its number; a negative one stands for a record of a medium that is updated."""
    return f"source {number}" if number >= 0 else f"record {-number} of the medium"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file found in a source. ``path`` may hold a patient's name: for the local receipt and a terminal only."""

    number: int  # from 1, in the order found: what Findings call it
    path: str  # of the file, or of the archive or image it lies in
    size: int  # bytes
    mtime_ns: int  # of the file or its container, to notice a change while it is read
    container: Container = Container.FILE
    member: str = ""  # name inside the archive or image
    offset: int = 0  # in an image: byte offset of its first extent

    @property
    def location(self) -> str:
        """Name the file without identity, for Findings and logs."""
        return source_location(self.number)

    @property
    def display_path(self) -> str:
        """Name the file for the local receipt and an interactive terminal."""
        return f"{self.path}!{self.member}" if self.member else self.path


@dataclass(frozen=True, slots=True)
class PixelDataPlace:
    """Where the Pixel Data (or Float or Double Float Pixel Data) of a file lies."""

    keyword: str
    offset: int  # of the first byte of the value, from byte 0 of the file
    length: int  # of the value; UNDEFINED_LENGTH when encapsulated


@dataclass(frozen=True, slots=True)
class Header:
    """What one read of a DICOM file told: the attributes that tables and profiles name. Source: PS3.10 7."""

    source: SourceFile
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    dataset_offset: int  # of the first byte of the Data Set, from byte 0 of the file
    has_file_meta: bool  # False: no preamble, prefix and group 0002; the syntax was inferred
    attributes: Attributes
    pixel_data: PixelDataPlace | None = None


@dataclass(frozen=True, slots=True)
class Disposition:
    """What became of one file that is not on the medium, and why."""

    source: SourceFile
    outcome: Outcome
    finding: Finding
    sop_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """An instance that a source's DICOMDIR promises and that is not there."""

    path: str  # of the DICOMDIR
    finding: Finding
    sop_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything the sources hold; ``len(headers) + len(others)`` is the number of files found."""

    headers: tuple[Header, ...]
    others: tuple[Disposition, ...]  # not DICOM, DICOMDIRs, unreadable, truncated
    missing: tuple[Missing, ...] = ()  # promised by a DICOMDIR and absent; counted as found and rejected
    findings: tuple[Finding, ...] = ()  # about what was read and is odd


@dataclass(frozen=True, slots=True)
class SOPInstance:
    """An instance that goes on the medium, with the type and keys of its directory record.

    ``keys`` is ``header.attributes`` with what the directory needs and the instance lacks filled in; the instance
    itself is never changed.
    """

    header: Header
    record_type: str  # PS3.3 F.4
    keys: Attributes
    filled: tuple[str, ...] = ()  # keywords filled in, in this record only
    private_record_uid: str = ""  # for record type PRIVATE
    profiles: tuple[str, ...] = ()  # identifiers of the profiles of the Claim that cover it


@dataclass(frozen=True, slots=True)
class Series:
    """A SERIES record and the instances below it, in the order of the medium."""

    keys: Attributes
    instances: tuple[SOPInstance, ...]
    filled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Study:
    """A STUDY record and the series below it."""

    keys: Attributes
    series: tuple[Series, ...]
    filled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Patient:
    """A PATIENT record and the studies below it: one person."""

    keys: Attributes
    studies: tuple[Study, ...]
    filled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileSetContent:
    """The instances of one File-set: persons, and objects that belong to none (hanging protocols, palettes, ...)."""

    patients: tuple[Patient, ...]
    root_instances: tuple[SOPInstance, ...] = ()

    def instances(self) -> Iterator[SOPInstance]:
        """Yield every instance in the order of the medium, which is that of the DICOMDIR."""
        for patient in self.patients:
            for study in patient.studies:
                for series in study.series:
                    yield from series.instances
        yield from self.root_instances


class ConflictKind(Enum):
    """Why a person must decide before the job goes on."""

    SAME_PERSON = "same person?"  # decided by --same-patient N
    DIFFERENT_PERSONS = "different persons"  # --separate, or leave one out
    DUPLICATE_INSTANCE = "duplicate instance"  # decided by --take N=K


@dataclass(frozen=True, slots=True)
class Conflict:
    """A question that selection may not answer by itself."""

    number: int  # from 1, stable for the same sources
    kind: ConflictKind
    finding: Finding  # without identity
    sources: tuple[tuple[SourceFile, ...], ...]  # one group for each side
    identities: tuple[str, ...] = ()  # one line for each side: an interactive terminal only


@dataclass(frozen=True, slots=True)
class Selection:
    """What goes on media, what does not and why, and what must be decided first.

    ``file_sets`` has one member, or one for each person with ``--separate``; it is empty while ``conflicts`` is not.
    """

    file_sets: tuple[FileSetContent, ...]
    dispositions: tuple[Disposition, ...]
    findings: tuple[Finding, ...]  # about what is accepted: fills, tolerated differences
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """The Data Set of an EncodedInstance: bytes ``offset`` to ``offset + size`` of a file that exists."""

    source: SourceFile  # the source itself, or a file in the spool
    offset: int
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class EncodedInstance:
    """A SOP Instance as it will lie on the medium: ``preamble_and_meta`` and then ``body``. Sizes are exact."""

    instance: SOPInstance
    transfer_syntax_uid: str
    preamble_and_meta: bytes  # 128 zero bytes, DICM, group 0002 (PS3.10 7.1)
    body: Body
    transcoded_from: str = ""  # Transfer Syntax UID before, "" when copied byte for byte
    lossy_before: bool = False  # its pixels had been compressed lossily before they came to us
    derived_uid: str = ""  # its new SOP Instance UID where we compressed it lossily (PS3.3 C.7.6.1.1.5), else ""
    remapped: int = 0  # references in it that name a derived instance instead of its source now
    quality: int = 0  # 1-100 where we compressed it lossily, else 0

    @property
    def sop_instance_uid(self) -> str:
        """Return the UID that it has on the medium."""
        return self.derived_uid or self.instance.header.sop_instance_uid

    @property
    def size(self) -> int:
        """Length of the file in bytes."""
        return len(self.preamble_and_meta) + self.body.size


@dataclass(frozen=True, slots=True)
class VolumeFile:
    """An EncodedInstance with its File ID."""

    file_id: FileID
    encoded: EncodedInstance


@dataclass(frozen=True, slots=True)
class VirusCheck:
    """What whoever makes a medium states: that all that goes on it was checked for malicious software."""

    date: str  # ISO 8601, without a time
    scanner: str = ""  # program and version, at most 64 printable characters

    def __str__(self) -> str:
        return f"{self.date} with {self.scanner}" if self.scanner else self.date


@dataclass(frozen=True, slots=True)
class Volume:
    """One medium as a complete File-set: what its DICOMDIR will say and its files in the order of the medium.

    ``files`` follow ``content.instances()`` one to one.
    """

    file_set_id: str  # 0-16 characters A-Z, 0-9, _ (PS3.10 8.1)
    file_set_uid: str
    content: FileSetContent
    files: tuple[VolumeFile, ...]
    number: int = 1
    of: int = 1
    profile: str = ""  # identifiers of the application profiles that it claims, joined with commas
    virus_check: VirusCheck | None = None  # the mark that it bears; None without
    among_others: bool = False  # it lies in a folder that held, and holds, files that are none of it


@dataclass(frozen=True, slots=True)
class ContentFile:
    """A file of the medium that is not DICOM (README.TXT, INDEX.HTM, ...), whole in memory."""

    path: tuple[str, ...]  # components, the last with its extension: 8.3, upper case
    data: bytes


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file as it was written, and as it was read back."""

    path: tuple[str, ...]
    size: int  # bytes
    sha256: str  # hexadecimal, of the bytes as they went to the medium
    sop_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class MediaImage:
    """A written image or folder, under its ``.partial`` name until it is verified."""

    path: str
    size: int  # bytes
    files: tuple[WrittenFile, ...]  # in the order of the medium, DICOMDIR included
    sha256: str = ""  # of the image file; "" for a folder and before it was read back


class Progress(Protocol):
    """Told how a stage goes on; must not fail."""

    def start(self, stage: str, count: int, size: int) -> None:
        """Begin a stage of ``count`` things and ``size`` bytes; 0 where not known."""

    def advance(self, count: int, size: int) -> None:
        """``count`` more things and ``size`` more bytes are done."""


class Silent:
    """A Progress that nobody watches."""

    def start(self, stage: str, count: int, size: int) -> None:
        """Say nothing."""

    def advance(self, count: int, size: int) -> None:
        """Say nothing."""


class UIDSource(Protocol):
    """Gives UIDs: fresh and random, or derived from the request with ``--reproducible`` (PS3.5 9)."""

    def next_uid(self, purpose: str) -> str:
        """Return a UID nobody else has; with a reproducible source, the same for the same purpose and request."""


@dataclass(frozen=True, slots=True)
class Origin:
    """When and by whom a medium is made: all that is not decided by its content."""

    created: datetime  # aware
    uids: UIDSource = field(repr=False)
