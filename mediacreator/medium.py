"""Open a medium that somebody made: its DICOMDIR, its files, and where the two disagree.

    with open_medium("disc.iso") as medium:
        for patient in medium.patients():
            print(patient.name, patient.instances)
        print(medium.missing())

Nothing is mounted, extracted or changed, and no path on the medium is followed out of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from mediacreator.dicomio.walker import Directory, DirectoryRecord, walk
from mediacreator.dicomio.walker_findings import finding
from mediacreator.errors import SourceUnreadable
from mediacreator.formats import FileTree, TreeFile, open_tree, tolerant_key
from mediacreator.medium_listing import PatientListing, SeriesListing, StudyListing, list_patients
from mediacreator.medium_places import DICOMDIR, find_dicomdir, places
from mediacreator.model import Container, FileID, Finding, Header, Missing

if TYPE_CHECKING:
    from mediacreator.sources import MediumRoot

__all__ = [
    "Medium",
    "PatientListing",
    "SeriesListing",
    "StudyListing",
    "find_dicomdir",
    "open_medium",
    "places",
    "promised",
]

_MAX_DIRECTORY = 1 << 30  # bytes; a DICOMDIR of a million records has 300 MB
_LOSES_RECORDS = frozenset(
    ("truncated-directory", "damaged-directory", "damaged-sequence", "damaged-record", "no-record-sequence")
)
_PREFIX = slice(128, 132)


class Medium:
    """A medium with a DICOMDIR. ``open_medium`` makes it; a context manager that closes what it holds open.

    Attributes:
        path: Of the folder, image or archive.
        tree: Its files.
        directory: Its DICOMDIR, walked.
        data: The bytes of that.
        dicomdir: Where that lies.
    """

    def __init__(self, tree: FileTree, dicomdir: TreeFile, findings: Sequence[Finding] = ()) -> None:
        """Read the DICOMDIR.

        Args:
            tree: The medium; closed with this object.
            dicomdir: Its DICOMDIR; File IDs count from the folder that it lies in (PS3.10 8.6).
            findings: What was found on the way.

        Raises:
            SourceUnreadable: It cannot be read, or is no DICOMDIR.
        """
        self.path = tree.path
        self.tree = tree
        self.dicomdir = dicomdir
        self.data = _read(tree, dicomdir)
        self.directory: Directory = walk(self.data)
        self._findings = tuple(findings)
        self._base = dicomdir.path[:-1]
        self._files: dict[FileID, TreeFile | None] = {}
        self._loose: dict[FileID, TreeFile | None] | None = None

    @property
    def label(self) -> str | None:
        """Volume Identifier; None where the medium has none (folder, ZIP)."""
        return self.tree.label

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the medium, its file system and its DICOMDIR, without identity."""
        return (*self._findings, *self.tree.findings, *self._names_that_differ(), *self.directory.findings)

    def patients(self) -> tuple[PatientListing, ...]:
        """Return the patients, studies and series that the DICOMDIR leads to, in its order, with counts."""
        return list_patients(self.directory)

    def instances(self) -> Iterator[DirectoryRecord]:
        """Yield each record that references a file: those the root leads to in the order of the tree, then orphans."""
        for record in (*self.directory.in_order(), *self.directory.orphans):
            if record.has_file:
                yield record

    def file_of(self, record: DirectoryRecord) -> TreeFile | None:
        """Find the file that a record references, whatever its name looks like here; None when it is not there.

        A File ID is looked up among the files of the medium, so that none leads out of it. Tried are the name as it
        stands, then without regard to case, version and trailing dot, then to slashes inside a component and to an
        extension that one side lacks, if only one file fits.
        """
        file_id = record.file_id
        if not file_id:
            return None
        if file_id not in self._files:
            self._files[file_id] = self.tree.find((*self._base, *file_id)) or self._find_loosely(file_id)
        return self._files[file_id]

    def open(self, record: DirectoryRecord) -> BinaryIO:
        """Open the file that a record references.

        Raises:
            SourceUnreadable: It is not there, or cannot be read.
        """
        file = self.file_of(record)
        if file is None:
            raise SourceUnreadable(f"{record.location}: its file is not on the medium.")
        return self.tree.open(file.path)

    def missing(self) -> tuple[Missing, ...]:
        """Return each instance that a record references and whose file is not there. Source: PS3.3 F.2.1.

        Records that are marked as inactive (retired) promise nothing.
        """
        return tuple(
            Missing(self.path, _missing(record), record.sop_instance_uid)
            for record in self.instances()
            if record.in_use and self.file_of(record) is None
        )

    def unreferenced(self) -> tuple[TreeFile, ...]:
        """Return the DICOM files that no record references, by content: ``DICM`` at byte 128. Source: PS3.3 F.2.1.

        Other DICOMDIRs and what lies beside the File-set's own folder are left out.
        """
        known = {file.path for file in map(self.file_of, self.instances()) if file is not None}
        return tuple(
            file
            for file in self.tree.files()
            if file.path not in known
            and file.path[: len(self._base)] == self._base
            and tolerant_key(file.path[-1:]) != DICOMDIR
            and self._is_dicom(file)
        )

    def close(self) -> None:
        """Close what is held open."""
        self.tree.close()

    def __enter__(self) -> Medium:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _is_dicom(self, file: TreeFile) -> bool:
        if file.size < _PREFIX.stop:
            return False
        try:
            with self.tree.open(file.path) as stream:
                return stream.read(_PREFIX.stop)[_PREFIX] == b"DICM"
        except Exception:  # noqa: BLE001  a damaged archive or drive may raise anything
            return False  # what cannot be read is a Finding of who reads all of the medium

    def _find_loosely(self, file_id: FileID) -> TreeFile | None:
        key = _loose_key(file_id)
        if key is None:
            return None
        if self._loose is None:
            self._loose = {}
            depth = len(self._base)
            for file in self.tree.files():
                name = _loose_key(file.path[depth:]) if file.path[:depth] == self._base else None
                if name:
                    self._loose[name] = None if name in self._loose else file  # None: more than one fits
        return self._loose.get(key)

    def _names_that_differ(self) -> Iterator[Finding]:
        """Say once that files were found under other names than their File IDs: a mount may have made them so."""
        depth = len(self._base)
        differing = [
            record
            for record in self.instances()
            if (file := self.file_of(record)) is not None and file.path[depth:] != record.file_id
        ]
        if differing:
            what = f"{len(differing)} files are found under names that differ from their File IDs"
            yield finding("file-name-differs", differing[0].location, what)


def open_medium(path: str | os.PathLike[str], within: Sequence[str] | None = None) -> Medium:
    """Open a medium and walk its DICOMDIR.

    Args:
        path: A folder (or mounted disc), the DICOMDIR itself, an ISO 9660 image, a drive, or a ZIP archive.
        within: The folder on it whose DICOMDIR is meant, as ``places`` gives it; None: the one nearest to the root.

    Returns:
        The medium; close it, or use it as a context manager.

    Raises:
        SourceUnreadable: It is missing, is none of these, holds no DICOMDIR, or that is beyond reading.

    Source: PS3.10 8.6 (where the DICOMDIR is), PS3.12 F.1.2.1 (how its name may be recorded).
    """
    path = os.fspath(path)
    folder, name = os.path.split(path)
    itself = tolerant_key((name,)) == DICOMDIR and os.path.isfile(path)
    tree = open_tree((folder or os.curdir) if itself else path)
    try:
        dicomdir, findings = find_dicomdir(tree, name if itself else "", within)
        return Medium(tree, dicomdir, findings)
    except BaseException:
        tree.close()
        raise


def promised(roots: Iterable[MediumRoot], headers: Sequence[Header] = ()) -> tuple[Missing, ...]:
    """Return every instance that a DICOMDIR among the sources references and that the sources do not hold.

    Args:
        roots: What ``find_sources`` found to be media.
        headers: What the scan read. An instance found in any source is not missing; with this, one whose file is there
            and holds another instance is.

    Returns:
        One ``Missing`` for each instance, in the order of the DICOMDIRs; and one for each DICOMDIR that is damaged so
        that nobody can say what else it promised.

    Source: PS3.3 F.2.1.
    """
    held = {header.sop_instance_uid for header in headers}
    by_place = {(header.source.path, header.source.member): header.sop_instance_uid for header in headers}
    missing: list[Missing] = []
    for number, root in enumerate(roots, 1):
        missing.extend(_promised(root, f"medium {number}, ", held, by_place))
    return tuple(missing)


def _promised(root: MediumRoot, prefix: str, held: set[str], by_place: dict[tuple[str, str], str]) -> Iterator[Missing]:
    """Yield what one DICOMDIR promises in vain."""
    try:
        tree = open_tree(root.path)
    except SourceUnreadable as exc:
        yield Missing(root.path, _unknown(prefix, str(exc)))
        return
    with tree:
        dicomdir = tree.find((*root.within, *DICOMDIR))
        if dicomdir is None:
            yield Missing(root.path, _unknown(prefix, "it is not there any more"))
            return
        where = os.path.join(root.path, *dicomdir.path) if root.container is Container.FILE else root.path
        try:
            medium = Medium(tree, dicomdir)
        except SourceUnreadable as exc:
            yield Missing(where, _unknown(prefix, str(exc)))
            return
        lost_files = frozenset(tolerant_key(file.path) for file in tree.lost)
        for record in medium.instances():
            found = _not_held(medium, record, held, by_place, lost_files)
            if found is not None:
                yield Missing(where, replace(found, location=prefix + found.location), record.sop_instance_uid)
        lost = next((known for known in medium.directory.findings if known.code in _LOSES_RECORDS), None)
        if lost is not None:
            yield Missing(where, _unknown(prefix, lost.what))


def _not_held(
    medium: Medium,
    record: DirectoryRecord,
    held: set[str],
    by_place: dict[tuple[str, str], str],
    lost: frozenset[tuple[str, ...]],
) -> Finding | None:
    """Say why the instance of a record is not among the sources; None when it is, or is not promised."""
    if not record.in_use or (record.sop_instance_uid and record.sop_instance_uid in held):
        return None
    file = medium.file_of(record)
    if file is None:
        if tolerant_key((*medium.dicomdir.path[:-1], *record.file_id)) in lost:
            return None  # it is there and cannot be read: whoever looked for files says so
        return _missing(record)
    place = (medium.path, file.name)
    if medium.tree.container is Container.FILE:
        place = (os.path.join(medium.path, *file.path[:-1], file.raw_name), "")
    if place in by_place and record.sop_instance_uid:
        return finding("other-instance", record.location, "its file holds another SOP Instance than the record says")
    return None  # its file was found, and the scan says what became of it


def _missing(record: DirectoryRecord) -> Finding:
    return finding("missing-file", record.location, "ReferencedFileID (0004,1500) names a file that is not there")


def _unknown(prefix: str, why: str) -> Finding:
    return finding("promise-unknown", f"{prefix}DICOMDIR", f"what it references is not all known: {why.rstrip('.')}")


def _read(tree: FileTree, file: TreeFile) -> bytes:
    if file.size > _MAX_DIRECTORY:
        raise SourceUnreadable(f"The DICOMDIR has {file.size} bytes; at most {_MAX_DIRECTORY} are read.")
    try:
        with tree.open(file.path) as stream:
            return stream.read(_MAX_DIRECTORY)
    except SourceUnreadable:
        raise
    except Exception as exc:  # a damaged archive or drive may raise anything
        reason = (exc.strerror if isinstance(exc, OSError) else None) or f"it is damaged ({type(exc).__name__})"
        raise SourceUnreadable(f"The DICOMDIR cannot be read: {reason}.") from exc


def _loose_key(file_id: FileID) -> FileID | None:
    """Return what a File ID and the name of its file have in common at least; None when it would leave the medium."""
    parts = [part for component in file_id for part in component.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        return None
    *folders, name = tolerant_key(parts)
    stem, dot, extension = name.rpartition(".")
    return (*folders, stem if dot and stem and len(extension) <= 4 else name)
