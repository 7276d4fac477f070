"""Compare two media: what only one of them holds, and where what both hold differs.

Patients are told apart by Patient ID, everything below by its UID. A difference names keywords and UIDs, never values:
whoever may see those looks at the media.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mediacreator.dicomio.walker import DirectoryRecord
from mediacreator.formats import TreeFile
from mediacreator.medium import Medium
from mediacreator.medium_records import comparable
from mediacreator.model import FileID, Progress, Silent

LEVELS = ("PATIENT", "STUDY", "SERIES")
"""Record types above those that reference files, each with a name of its own in a ``MediumDiff``."""

INSTANCE = "INSTANCE"
_UIDS = {"STUDY": 0x0020000D, "SERIES": 0x0020000E}
_PATIENT_NAME, _PATIENT_ID = 0x00100010, 0x00100020
_NO_KEYS = frozenset(
    (
        "OffsetOfTheNextDirectoryRecord",
        "RecordInUseFlag",
        "OffsetOfReferencedLowerLevelDirectoryEntity",
        "MRDRDirectoryRecordOffset",
        "ReferencedFileID",
        "ReferencedTransferSyntaxUIDInFile",
        "SpecificCharacterSet",
    )
)
"""What records differ in by where they lie, or is compared apart; how text is encoded says nothing by itself."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient on one medium. Name and ID are identity: not for a log."""

    number: int  # in the order of the DICOMDIR, from 1
    name: str = field(repr=False)
    id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Whole:
    """A patient, study, series or instance that one of the media lacks, and with it all that is below."""

    type: str  # one of LEVELS, or INSTANCE
    name: str  # its UID; "patient N"
    instances: int


@dataclass(frozen=True, slots=True)
class OneSided:
    """What only one of the media holds; what lies below an entity is listed too."""

    wholes: tuple[Whole, ...] = ()  # the highest entities alone
    patients: tuple[Patient, ...] = ()
    studies: tuple[str, ...] = ()  # Study Instance UIDs
    series: tuple[str, ...] = ()  # Series Instance UIDs
    instances: tuple[str, ...] = ()  # SOP Instance UIDs, or File IDs where a record has none

    def __bool__(self) -> bool:
        return bool(self.wholes or self.patients or self.studies or self.series or self.instances)


@dataclass(frozen=True, slots=True)
class Changed:
    """A record that both media have with other keys."""

    type: str  # of the record
    name: str  # its UID; "patient N", as the first medium counts them
    keywords: tuple[str, ...]  # of the keys that differ; GGGGEEEE where there is no keyword


@dataclass(frozen=True, slots=True)
class Differs:
    """Something of an instance that both media hold; of its content nothing is told but that."""

    uid: str
    a: str = ""
    b: str = ""


@dataclass(frozen=True, slots=True)
class MediumDiff:
    """What two media, A and B, do not have in common."""

    file_set_id: tuple[str, str]
    file_set_uid: tuple[str, str]
    only_a: OneSided
    only_b: OneSided
    both: Mapping[str, int]  # how many of each of LEVELS and INSTANCE both have
    records: tuple[Changed, ...]
    transfer_syntaxes: tuple[Differs, ...]
    file_ids: tuple[Differs, ...]  # components joined with slashes
    contents: tuple[Differs, ...]  # files that differ, as far as they were compared
    lost: tuple[Differs, ...]  # whose file is not there on one: ``a`` or ``b`` says "missing"
    compared: bool  # contents were

    @property
    def same_content(self) -> bool:
        """Whether both hold the same instances with the same records, wherever their files lie."""
        return not (self.only_a or self.only_b or self.records or self.transfer_syntaxes or self.contents or self.lost)

    @property
    def equal(self) -> bool:
        """Whether nothing differs at all, File-set ID and UID and File IDs among it."""
        ids = self.file_set_id[0] == self.file_set_id[1] and self.file_set_uid[0] == self.file_set_uid[1]
        return self.same_content and ids and not self.file_ids


def diff_media(a: Medium, b: Medium, *, content: bool = False, progress: Progress | None = None) -> MediumDiff:
    """Compare two media that are open.

    Args:
        a: One of them.
        b: The other.
        content: Read the files of all instances that both hold, too.
        progress: Told of each file that is read.
    """
    one, other = _Side(a), _Side(b)
    shared = [uid for uid in one.instances if uid in other.instances]
    files = {uid: (a.file_of(one.instances[uid]), b.file_of(other.instances[uid])) for uid in shared}
    return MediumDiff(
        file_set_id=(a.directory.file_set_id, b.directory.file_set_id),
        file_set_uid=(a.directory.file_set_uid, b.directory.file_set_uid),
        only_a=one.without(other),
        only_b=other.without(one),
        both={
            **{level: sum(key in other.above for key in one.above if key[0] == level) for level in LEVELS},
            INSTANCE: len(shared),
        },
        records=tuple(_changed(one, other)),
        transfer_syntaxes=_differing(one, other, shared, lambda record: record.transfer_syntax_uid),
        file_ids=_differing(one, other, shared, lambda record: _path(record.file_id)),
        contents=tuple(_contents(a, b, files, progress or Silent())) if content else (),
        lost=tuple(
            Differs(uid, "" if here else "missing", "" if there else "missing")
            for uid, (here, there) in files.items()
            if here is None or there is None
        ),
        compared=content,
    )


Key = tuple[Hashable, ...]


class _Side:
    """The records of one medium, by what they are called on both."""

    def __init__(self, medium: Medium) -> None:
        self.instances: dict[str, DirectoryRecord] = {}
        self.above: dict[Key, DirectoryRecord] = {}
        self.others: dict[Key, DirectoryRecord] = {}  # of no file and none of LEVELS: private records, for example
        self.numbers: dict[Key, int] = {}
        self.parents: dict[Key, Key] = {}
        counted: dict[Key, int] = {}
        names: dict[int, Key] = {}
        directory = medium.directory
        for record in (*directory.in_order(), *directory.orphans):
            parent = names.get(record.parent if record.parent is not None else -1, ())
            if record.file_id:
                uid = record.sop_instance_uid or _path(record.file_id)
                self.instances.setdefault(uid, record)
                key: Key = (INSTANCE, uid)
            elif record.type in LEVELS:
                key = (record.type, _identity(record))
                if record.type == "PATIENT":
                    self.numbers.setdefault(key, len(self.numbers) + 1)
                self.above.setdefault(key, record)
            else:
                place = (record.type, parent)
                counted[place] = counted.get(place, 0) + 1
                key = (record.type, parent, counted[place])
                self.others[key] = record
            names[record.index] = key
            self.parents.setdefault(key, parent)

    def without(self, other: _Side) -> OneSided:
        """Return what this side has and the other lacks."""
        above = [key for key in self.above if key not in other.above]
        instances = [uid for uid in self.instances if uid not in other.instances]
        return OneSided(
            tuple(self._wholes({*above, *((INSTANCE, uid) for uid in instances)}, instances)),
            tuple(self._patient(key) for key in above if key[0] == "PATIENT"),
            tuple(str(key[1]) for key in above if key[0] == "STUDY"),
            tuple(str(key[1]) for key in above if key[0] == "SERIES"),
            tuple(instances),
        )

    def _wholes(self, lacking: Collection[Key], instances: Iterable[str]) -> Iterator[Whole]:
        """Yield the highest entities that the other side lacks: all that is below one is counted for it."""
        found: dict[Key, int] = {}
        for uid in instances:
            highest = key = (INSTANCE, uid)  # type: Key
            while key := self.parents.get(key, ()):
                highest = key if key in lacking else highest
            found[highest] = found.get(highest, 0) + 1
        for key, count in found.items():
            yield Whole(str(key[0]), self._name(key), count)

    def _name(self, key: Key) -> str:
        return f"patient {self.numbers[key]}" if key in self.numbers else str(key[1])

    def records(self) -> Iterator[tuple[Key, str, DirectoryRecord]]:
        """Yield every record by what it is called on both, and its name for a person."""
        for key, record in self.above.items():
            yield key, self._name(key), record
        for key, record in self.others.items():
            yield key, record.location, record
        for uid, record in self.instances.items():
            yield (INSTANCE, uid), uid, record

    def find(self, key: Key) -> DirectoryRecord | None:
        """Return the record that is called so."""
        return self.instances.get(str(key[1])) if key[0] == INSTANCE else self.above.get(key) or self.others.get(key)

    def _patient(self, key: Key) -> Patient:
        record = self.above[key]
        return Patient(self.numbers[key], record.text(_PATIENT_NAME, "PN").strip(), record.text(_PATIENT_ID).strip())


def _identity(record: DirectoryRecord) -> str:
    """Return what a record is called on every medium: its UID; of a patient the ID, else the name."""
    if record.type == "PATIENT":
        return record.text(_PATIENT_ID).strip() or f"^{record.text(_PATIENT_NAME, 'PN').strip().casefold()}"
    return record.text(_UIDS[record.type], "UI").strip(" \0")


def _changed(one: _Side, other: _Side) -> Iterator[Changed]:
    for key, name, record in one.records():
        there = other.find(key)
        if there is not None:
            keywords = _keywords(record, there)
            if keywords:
                yield Changed(record.type, name, keywords)


def _keywords(one: DirectoryRecord, other: DirectoryRecord) -> tuple[str, ...]:
    """Return the keywords of keys that differ; one that is empty and one that is absent both say nothing."""
    ours, theirs = comparable(one), comparable(other)
    if ours == theirs:
        return ()
    return tuple(
        keyword
        for keyword in {**ours, **theirs}
        if keyword not in _NO_KEYS
        and not keyword.endswith("0000")  # a group length
        and (ours.get(keyword) or None) != (theirs.get(keyword) or None)
    )


def _differing(
    one: _Side, other: _Side, shared: Iterable[str], value_of: Callable[[DirectoryRecord], str]
) -> tuple[Differs, ...]:
    pairs = ((uid, value_of(one.instances[uid]), value_of(other.instances[uid])) for uid in shared)
    return tuple(Differs(uid, ours, theirs) for uid, ours, theirs in pairs if ours != theirs)


def _contents(
    a: Medium, b: Medium, files: Mapping[str, tuple[TreeFile | None, TreeFile | None]], progress: Progress
) -> Iterator[Differs]:
    """Yield the instances whose files differ; one that cannot be read does."""
    progress.start("verify", len(files), sum(here.size for here, _ in files.values() if here is not None))
    for uid, (here, there) in files.items():
        if here is not None and there is not None:
            if here.size != there.size or _hash(a, here) != _hash(b, there):
                yield Differs(uid)
            progress.advance(1, here.size)


def _hash(medium: Medium, file: TreeFile) -> object:
    """Return the hash of a file, or what equals nothing where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with medium.tree.open(file.path) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except Exception:  # noqa: BLE001  a damaged archive or drive may raise anything
        return object()
    return digest.digest()


def _path(file_id: FileID) -> str:
    return "/".join(file_id)
