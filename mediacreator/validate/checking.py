"""Check a File-set: open it, read every file once, and gather what each layer of rules finds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mediacreator.dicomio.walker import DirectoryRecord
from mediacreator.dicomio.walker_findings import finding as directory_finding
from mediacreator.errors import SourceUnreadable, UsageError
from mediacreator.formats import FileTree, open_tree, tolerant_key
from mediacreator.medium import Medium, find_dicomdir
from mediacreator.medium_compare import Compared, compare
from mediacreator.model import Finding, Header, Progress, Severity, Silent
from mediacreator.rules.claim import Claim, load_claim
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.tables import Key, record_types
from mediacreator.rules.wanted import wanted
from mediacreator.suiting import check_file_system
from mediacreator.validate.contents import Contents, Path, head_of, is_secure, read_contents
from mediacreator.validate.directory import check_directory
from mediacreator.validate.icons import check_icon
from mediacreator.validate.keys import Instances, KeyChecker
from mediacreator.validate.objects import check_object, speaking
from mediacreator.validate.rows import finding, judged_strictly

_DICOMDIR = "DICOMDIR"
_RELATED = "RelatedGeneralSOPClassUID"
_RELATED_TAG = 0x0004151A
_SECURED = "basic_media"
_NOT_CHECKED = "not-checked"


@dataclass(frozen=True, slots=True)
class FileSetCheck:
    """What a check of a File-set has shown."""

    findings: tuple[Finding, ...]  # what is wrong, and what else is to be said of it
    checked: int  # DICOM files to which every rule was applied
    not_checked: tuple[Finding, ...]  # what could not be: never a pass

    @property
    def conforms(self) -> bool | None:
        """Whether the File-set is as the profiles say; None where something could not be checked."""
        if any(found.severity is Severity.ERROR for found in self.findings):
            return False
        return None if self.not_checked else True


def check_file_set(
    path: str | os.PathLike[str],
    claim: Claim | str,
    *,
    role: str = "FSC",
    workers: int = 0,
    progress: Progress | None = None,
) -> FileSetCheck:
    """Check a File-set against the application profiles that it claims.

    Args:
        path: Of a folder (or mounted disc), its DICOMDIR, an ISO 9660 image, a drive or a ZIP archive.
        claim: The profiles, or their identifiers joined with commas.
        role: Of who made the File-set: FSC or FSU, which bind who writes; or FSR, to ask only what a reader must bear.
        workers: Processes that read headers; 0: as many as there are processors, at most 8.
        progress: Told how it goes on.

    Returns:
        Every broken rule as a Finding; what could not be decided apart.

    Raises:
        SourceUnreadable: The medium cannot be opened at all.
        UsageError: There is no such profile, or a profile does not know the role.

    Source: PS3.10 7, 8; PS3.3 F; PS3.11 7, 8 and the annexes; PS3.12.
    """
    claim = load_claim(claim) if isinstance(claim, str) else claim
    for profile in claim.profiles:
        if role not in profile.roles:
            raise UsageError(f"{profile.id} has no role {role!r}, only {', '.join(profile.roles)} [{profile.clause}].")
    path = os.fspath(path)
    folder, name = os.path.split(path)
    if tolerant_key((name,)) == (_DICOMDIR,) and os.path.isfile(path):
        path = folder or os.curdir
    workers = workers or min(os.cpu_count() or 1, 8)
    with open_tree(path) as tree:
        return _Check(tree, claim, role, workers, progress or Silent()).run()


class _Check:
    """One check, from the files up to the profiles."""

    def __init__(self, tree: FileTree, claim: Claim, role: str, workers: int, progress: Progress) -> None:
        self._tree = tree
        self._claim = claim
        self._role = role
        self._files = tuple(tree.files())
        self._numbers = {file.path: number for number, file in enumerate(self._files, 1)}
        self._medium, self._said = self._open()
        own = self._medium.dicomdir.path if self._medium is not None else (_DICOMDIR,)
        others = [file for file in self._files if file.path != own]
        self._contents: Contents = read_contents(
            tree, others, wanted(claim.profiles), workers=workers, progress=progress
        )
        self._records: dict[Path, DirectoryRecord] = dict(self._referenced())
        self._judged: set[Path] = set()
        self._speaking: dict[Path, tuple[ApplicationProfile, ...]] = {}

    def run(self) -> FileSetCheck:
        """Return what all layers find, each thing once."""
        found = tuple(dict.fromkeys((*self._said, *self._all())))
        open_questions = tuple(one for one in found if one.code == _NOT_CHECKED)
        doubtful = {one.location for one in open_questions}
        checked = sum(1 for path in self._judged if self._location(path) not in doubtful)
        return FileSetCheck(tuple(one for one in found if one.code != _NOT_CHECKED), checked, open_questions)

    def _all(self) -> Iterator[Finding]:
        yield from self._check_security()
        medium = self._medium
        if medium is not None:
            yield from map(judged_strictly, medium.findings)
            yield from check_directory(medium, self._claim)
            yield from self._check_references(medium)
        yield from self._check_file_system()
        yield from self._check_files()
        if medium is not None:
            yield from self._check_keys(medium)

    def _open(self) -> tuple[Medium | None, tuple[Finding, ...]]:
        """Walk the DICOMDIR; one that cannot be read is a Finding, since the files can still be judged."""
        dicomdir = self._tree.find((_DICOMDIR,))
        if dicomdir is not None and is_secure(head_of(self._tree, dicomdir.path)):
            what = "the DICOMDIR is a Secure DICOM File, which this version cannot open"
            return None, (*self._tree.findings, finding(_NOT_CHECKED, _DICOMDIR, what, expected="its content"))
        try:
            chosen, odd = find_dicomdir(self._tree)
            return Medium(self._tree, chosen, odd), ()
        except SourceUnreadable as exc:
            if any(tolerant_key(file.path[-1:]) == (_DICOMDIR,) for file in self._files):
                unknown = directory_finding("promise-unknown", _DICOMDIR, str(exc).rstrip("."))
                return None, (*self._tree.findings, unknown)
        lacking = finding(
            "no-dicomdir", _DICOMDIR, "there is no DICOMDIR", clause=self._claim.profiles[0].directory.clause
        )
        if all(profile.directory.dicomdir == "optional" for profile in self._claim.profiles):
            lacking = replace(lacking, severity=Severity.WARNING, clause="PS3.10 8.6")
        return None, (*self._tree.findings, lacking)

    def _referenced(self) -> Iterator[tuple[Path, DirectoryRecord]]:
        """Yield the files that a record references; the first record of a file comes last."""
        records = tuple(self._medium.instances()) if self._medium is not None else ()
        for record in reversed(records):
            path = self._path_of(record)
            if path is not None:
                yield path, record

    def _location(self, path: Path) -> str:
        """Name a file: by its File ID if a record has one, else by its number, since a foreign path may hold a name."""
        record = self._records.get(path)
        return "/".join(record.file_id) if record is not None else f"file {self._numbers[path]} of the medium"

    def _check_security(self) -> Iterator[Finding]:
        """Find Secure DICOM Files where a profile has none, and other files where it has nothing else.

        Source: PS3.11 8 (X.3.5), PS3.15 D.1.
        """
        wanted_secure = self._claim.security == _SECURED
        profile = self._claim.profiles[0]
        clause = profile.clauses.get("security", profile.clause)
        secure = {*self._contents.secure}
        dicomdir = self._tree.find((_DICOMDIR,))
        if self._medium is None and dicomdir is not None and is_secure(head_of(self._tree, dicomdir.path)):
            secure.add(dicomdir.path)
        plain = [*self._contents.headers] + ([self._medium.dicomdir.path] if self._medium is not None else [])
        for path in plain if wanted_secure else sorted(secure):
            code = "file-not-secure" if wanted_secure else "secure-file"
            what = "it is a DICOM file as it stands" if wanted_secure else "it is a Secure DICOM File"
            yield finding(code, self._name(path), what, clause=clause)
        for path in sorted(secure & self._contents.secure):
            what = "it is a Secure DICOM File, which this version cannot open"
            yield finding(_NOT_CHECKED, self._name(path), what, expected="its content")

    def _name(self, path: Path) -> str:
        own = self._medium.dicomdir.path if self._medium is not None else (_DICOMDIR,)
        return _DICOMDIR if path == own else self._location(path)

    def _check_references(self, medium: Medium) -> Iterator[Finding]:
        """Compare the records with the files: none missing, none left out, each what its record says.

        Source: PS3.3 F.2.1, Table F.3-3.
        """
        yield from (missing.finding for missing in medium.missing())
        if any(profile.directory.all_files_referenced for profile in self._claim.profiles):
            for file in medium.unreferenced():
                what = "no record references this DICOM file"
                yield directory_finding("unreferenced-file", self._location(file.path), what)
        said = {path: _compared(header) for path, header in self._contents.headers.items()}
        yield from compare(medium, said)

    def _check_file_system(self) -> Iterator[Finding]:
        """Judge the medium itself; of who reads it only what a reader need not bear is asked. Source: PS3.12."""
        for found in check_file_system(self._tree, self._medium, self._claim.media_format):
            if self._role != "FSR" or found.severity is Severity.ERROR:
                yield found

    def _check_files(self) -> Iterator[Finding]:
        """Judge every DICOM file as it lies there."""
        contents = self._contents
        for path, found in contents.damaged.items():
            location = self._location(path)
            yield replace(found, location=location)
            yield finding(_NOT_CHECKED, location, "the file could not be judged", expected="a file that can be read")
        for path in contents.foreign & self._records.keys():
            location = self._location(path)
            yield finding("referenced-not-dicom", location, "a record references it, and it is no DICOM file")
            yield finding(_NOT_CHECKED, location, "the file could not be judged", expected="a DICOM file")
        for path, header in contents.headers.items():
            location = self._location(path)
            referenced = path in self._records
            if not header.has_file_meta:
                if referenced:
                    yield finding("file-without-meta", location, "it begins with a Data Set")
                elif self._medium is not None:
                    continue  # no DICOM file (PS3.10 7): whatever it is, it may lie there
            self._judged.add(path)
            yield from (judged_strictly(replace(one, location=location)) for one in contents.remarks.get(path, ()))
            yield from check_object(self._claim, header, location, self._role)
            self._speaking[path] = speaking(self._claim, header, location, self._role)

    def _check_keys(self, medium: Medium) -> Iterator[Finding]:
        """Check keys and icons of every record that the root leads to."""
        checker = KeyChecker()
        below = self._below(medium)
        for record in medium.directory.in_order():
            if record.type not in record_types():
                continue  # said by the walk
            values = record.values
            path = self._path_of(record)
            instances, profiles = self._instances(record, path, below)
            keys = self._keys_for(record, profiles)
            yield from checker.check(record, values, keys, instances)
            required = any(key.source == "icon" and key.type == "1" for key in keys)
            yield from check_icon(record, values, profiles, required=required)
            header = self._contents.headers.get(path) if path is not None else None
            if header is not None:
                yield from _related(record, values, header)

    def _path_of(self, record: DirectoryRecord) -> Path | None:
        file = self._medium.file_of(record) if self._medium is not None else None
        return file.path if file is not None else None

    def _below(self, medium: Medium) -> list[list[Path | None]]:
        """Return for each record the files of the records below it; None for one that is not there."""
        directory = medium.directory
        below: list[list[Path | None]] = [[] for _ in directory.records]
        for record in reversed(tuple(directory.in_order())):
            if record.file_id:
                below[record.index].append(self._path_of(record))
            if record.parent is not None:
                below[record.parent].extend(reversed(below[record.index]))
        return [list(reversed(paths)) for paths in below]

    def _instances(
        self, record: DirectoryRecord, path: Path | None, below: Sequence[Sequence[Path | None]]
    ) -> tuple[Instances, tuple[ApplicationProfile, ...]]:
        """Return what a record is compared with, and the profiles whose keys it has to have."""
        if record.file_id:
            header = self._contents.headers.get(path) if path is not None else None
            if header is None or path is None:
                return Instances((), unreadable=1), ()
            return Instances((header.attributes,)), self._speaking.get(path, ())
        paths = below[record.index]
        known = [self._contents.headers[one] for one in paths if one is not None and one in self._contents.headers]
        covered = [profile for one in paths if one is not None for profile in self._speaking.get(one, ())]
        profiles = tuple(profile for profile in self._claim.profiles if profile in covered)
        return Instances(tuple(header.attributes for header in known), len(paths) - len(known)), profiles

    def _keys_for(self, record: DirectoryRecord, profiles: Sequence[ApplicationProfile]) -> tuple[Key, ...]:
        if not profiles:
            return record_types()[record.type].keys
        return self._claim.keys_for(record.type, tuple(profile.id for profile in profiles))


def _compared(header: Header) -> Compared:
    return Compared(header.sop_class_uid, header.sop_instance_uid, header.transfer_syntax_uid, header.attributes)


def _related(record: DirectoryRecord, values: Mapping[int, bytes], header: Header) -> Iterator[Finding]:
    """Check the key that names the general SOP Class of a specialized one. Source: PS3.3 Table F.3-3."""
    held = header.attributes.get(_RELATED, b"").rstrip(b" \0")
    if held and values.get(_RELATED_TAG, b"").rstrip(b" \0") != held:
        keyword = "ReferencedRelatedGeneralSOPClassUIDInFile (0004,151A)"
        code = "key-differs" if values.get(_RELATED_TAG) else "key-missing"
        found = "is another than the file's" if values.get(_RELATED_TAG) else "is absent"
        yield finding(code, record.location, f"{keyword} {found}", clause="PS3.3 Table F.3-3")
