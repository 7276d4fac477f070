"""Make the DICOMDIR of a File-set anew from its files, where there is none or it is beyond use (PS3.10 8.6)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from mediacreator import collector
from mediacreator.creation import decisions_of, origin_of
from mediacreator.directory import build_dicomdir
from mediacreator.errors import DecisionNeeded, MediumError, NothingToWrite, SourceUnreadable, Stopped
from mediacreator.formats import FileTree, TreeFile, open_tree
from mediacreator.layout import FILE_ID_COMPONENT, MAX_COMPONENTS, check_file_set_id, without
from mediacreator.medium import Medium, find_dicomdir
from mediacreator.model import (
    Body,
    Disposition,
    EncodedInstance,
    FileID,
    FileSetContent,
    Finding,
    Header,
    Origin,
    Outcome,
    Progress,
    Scan,
    Severity,
    Silent,
    SOPInstance,
    Volume,
    VolumeFile,
)
from mediacreator.preparing import distinct, same_pixels
from mediacreator.receipt import Receipt
from mediacreator.rules.claim import Claim, load_claim
from mediacreator.rules.judge import judge
from mediacreator.rules.wanted import wanted
from mediacreator.scan import scan
from mediacreator.select import ContentComparer, select
from mediacreator.settings import Settings
from mediacreator.transcode import Plan, Spool, encode
from mediacreator.updating.applying import locked
from mediacreator.updating.contents import Contents
from mediacreator.updating.held import Held, root_of, told_by_receipt
from mediacreator.updating.journal import JOURNAL, STAGE, recover
from mediacreator.updating.marked import require_unmarked
from mediacreator.updating.old_directory import not_rebuilt, with_old_values
from mediacreator.updating.request import Opened, UpdateRequest
from mediacreator.updating.update import New, Result, swap, volume_of, walked

PROFILES = ("STD-GEN-CD", "STD-GEN-DVD-JPEG", "STD-GEN-DVD-J2K")
"""Tried in this order where nobody says which profile the File-set claims: the first that allows every file."""

_WHAT_IS_CHECKED = (
    "A new DICOMDIR would also name files that came after the check. Make a new medium of it: mediacreator create."
)
_CONTENT = frozenset(("README.TXT", "INDEX.HTM", "RECEIPT.JSN", JOURNAL))


def rebuild(
    request: UpdateRequest,
    settings: Settings | None = None,
    progress: Progress | None = None,
    *,
    rewrite: bool = False,
) -> Receipt:
    """Make the DICOMDIR of a folder anew from the DICOM files in it.

    File-set ID and UID stay where the old DICOMDIR tells them, and so do values of its records that the instances lack.
    What it knew and no file can tell, as private records, is reported and not invented. Files stay as they are.

    Args:
        request: Whose ``medium``, ``profile`` and answers of ``selection`` count.
        settings: Of the site; the defaults without.
        progress: Told how it goes on.
        rewrite: Write files anew under other names whose names cannot be File IDs, or that have no File Meta
            Information; otherwise they are rejected.

    Returns:
        A receipt of what is in the new DICOMDIR and what is not; written only where there was one.

    Raises:
        UsageError: There is no such profile.
        DecisionNeeded: Only a person may decide whose instances these are.
        NothingToWrite: There is no instance in the folder.
        VerificationFailed, MediumError: As said, or it is marked as checked for viruses; the folder is as it was.
        Stopped: Ctrl-C or SIGTERM; the folder is as it was.

    Source: PS3.10 8.6, PS3.3 F.
    """
    settings, progress = settings or Settings(), progress or Silent()
    root = root_of(request.medium)
    if not os.path.isdir(root):
        raise MediumError("This is an image; rebuild works on folders. Make a new one from it: mediacreator create.")
    try:
        with collector.held(), locked(root):
            recovered = recover(root)
            with open_tree(root) as tree:
                held = _held(root, tree)
                require_unmarked(held.told, _WHAT_IS_CHECKED)
                return _Rebuilding(request, settings, progress, held, recovered, rewrite=rewrite).run()
    except KeyboardInterrupt as exc:
        raise Stopped("Stopped; the folder is as it was.") from exc


def _held(root: str, tree: FileTree) -> Held:
    """Return the folder with what of its DICOMDIR can be read."""
    known: Medium | None = None
    base: tuple[str, ...] = ()
    name = "DICOMDIR"
    try:
        dicomdir, findings = find_dicomdir(tree)
        base, name = dicomdir.path[:-1], dicomdir.raw_name
        known = Medium(tree, dicomdir, findings)
    except SourceUnreadable:
        pass
    root = os.path.join(root, *base)
    told = told_by_receipt(root, tree, known.directory.file_set_uid if known else "", rebuilt=True)
    return Held(root, os.path.join(root, name), tree, base, known, told)


@dataclass(frozen=True, slots=True)
class _Found:
    """The DICOM files of the folder."""

    scan: Scan
    places: Mapping[int, FileID]  # of each source, from the root; as the file is called, whether it may be so or not
    claim: Claim


class _Rebuilding:
    """One call of ``rebuild``."""

    def __init__(
        self,
        request: UpdateRequest,
        settings: Settings,
        progress: Progress,
        held: Held,
        recovered: Finding | None,
        *,
        rewrite: bool,
    ) -> None:
        self._request = request
        self._settings = settings
        self._progress = progress
        self._held = held
        self._said = [recovered] if recovered else []
        self._rewrite = rewrite
        self._workers = request.workers or min(os.cpu_count() or 1, 8)

    def run(self) -> Receipt:
        found = self._find()
        usable, unusable = self._sort(found)
        chosen = replace(
            self._request.selection,
            private_sop_classes=self._settings.private_sop_classes,
            multi_patient=True,
            separate=False,
        )
        old = self._held.known.directory if self._held.known else None
        known, kept_values = with_old_values(usable, old, found.claim)
        compare = ContentComparer(same_pixels)
        selection = select(replace(found.scan, headers=known), found.claim, chosen, compare=compare)
        if selection.conflicts:
            raise DecisionNeeded("A person's decision is needed; nothing was changed.", selection.conflicts)
        dispositions = (*unusable, *selection.dispositions)
        if not selection.file_sets:
            findings = [entry.finding for entry in (*found.scan.others, *dispositions)]
            raise NothingToWrite("The folder holds no instance that can be in a DICOMDIR.", distinct(findings))
        (content,) = selection.file_sets
        self._said += [*kept_values, *selection.findings, *not_rebuilt(old, content)]
        origin = origin_of(self._request.reproducible, self._request.epoch, (), [self._held.dicomdir])
        with ExitStack() as stack:
            spool = stack.enter_context(Spool())
            return self._written(found, content, dispositions, origin, spool)

    def _find(self) -> _Found:
        """Read the header of every file but those that are no instances of the File-set."""
        held, depth = self._held, len(self._held.base)
        files = [file for file in held.files() if not _is_content(file, depth)]
        sources = [held.source_of(file, number) for number, file in enumerate(files, 1)]
        places = {number: (*file.path[depth:-1], file.raw_name) for number, file in enumerate(files, 1)}
        named = self._request.profile or (held.entry.profile if held.entry else "")
        folders = (*self._settings.profile_folders, *self._request.profile_folders)
        claims = [load_claim(name, folders) for name in ([named] if named else PROFILES)]
        keys = wanted(profile for claim in claims for profile in claim.profiles)
        read = scan(sources, keys, workers=self._workers, progress=self._progress)
        return _Found(read, places, _first_that_allows(claims, read.headers))

    def _sort(self, found: _Found) -> tuple[tuple[Header, ...], tuple[Disposition, ...]]:
        """Set apart files that cannot be named as they are."""
        usable, unusable = [], []
        for header in found.scan.headers:
            wrong = _why_not(found.places[header.source.number], header)
            if wrong is None or self._rewrite:
                usable.append(header)
            else:
                unusable.append(Disposition(header.source, Outcome.REJECTED, wrong, header.sop_instance_uid))
        return tuple(usable), tuple(unusable)

    def _written(
        self,
        found: _Found,
        content: FileSetContent,
        dispositions: tuple[Disposition, ...],
        origin: Origin,
        spool: Spool,
    ) -> Receipt:
        """Write the files that need it and the DICOMDIR."""
        anew = {
            instance.header.source.number
            for instance in content.instances()
            if _why_not(found.places[instance.header.source.number], instance.header) is not None
        }
        rewritten = {one.instance.header.source.number: one for one in self._encoded(content, anew, spool)}
        opened = Opened(self._held, found.claim, ())
        alone = without(content, {i.header.source.number for i in content.instances()} - anew)
        order = tuple(rewritten[i.header.source.number] for i in alone.instances())
        volume = volume_of(opened, alone, order, *self._identity(origin))
        names = {file.encoded.instance.header.source.number: file.file_id for file in volume.files}
        whole = self._volume(content, found, rewritten, names, volume)
        dicomdir = build_dicomdir(whole, found.claim.keys_for)
        counted = {i.header.source.number for i in content.instances()} - anew
        new = New(
            volume,
            {},
            Scan(tuple(h for h in found.scan.headers if h.source.number not in counted), found.scan.others),
            dispositions,
            (*found.scan.findings, *self._said),
            decisions_of(self._request.selection),
        )
        result = Result(
            dicomdir=dicomdir,
            contents=Contents(walked(dicomdir, whole.files)),
            kept=tuple(f.file_id for f in whole.files if f.encoded.instance.header.source.number not in anew),
            removed=0,
            removed_files=tuple("/".join((*found.places[number],)) for number in sorted(anew)),
        )
        return swap(opened, self._request, self._settings, origin, new, result, self._progress)

    def _identity(self, origin: Origin) -> tuple[str, str]:
        """Return File-set ID and UID: those of the old DICOMDIR where it tells them."""
        directory = self._held.known.directory if self._held.known else None
        file_set_id, uid = (directory.file_set_id, directory.file_set_uid) if directory else ("", "")
        try:
            check_file_set_id(file_set_id)
        except Exception:  # noqa: BLE001  whatever stands there is none
            file_set_id = ""
        return file_set_id, uid or origin.uids.next_uid("File-set 1")

    def _encoded(self, content: FileSetContent, anew: set[int], spool: Spool) -> tuple[EncodedInstance, ...]:
        """Give new File Meta Information to the files that are written anew; their Data Sets stay."""
        instances = tuple(i for i in content.instances() if i.header.source.number in anew)
        syntaxes = tuple(instance.header.transfer_syntax_uid for instance in instances)
        done = encode(Plan(instances, syntaxes, (), 0, 0), spool, workers=self._workers, progress=self._progress)
        if done.rejected:
            raise NothingToWrite("Some files cannot be written anew.", [entry.finding for entry in done.rejected])
        return done.encoded

    def _volume(
        self,
        content: FileSetContent,
        found: _Found,
        rewritten: Mapping[int, EncodedInstance],
        names: Mapping[int, FileID],
        volume: Volume,
    ) -> Volume:
        """Return the whole File-set: files that stay under their names, and those that were written anew."""
        files = []
        for instance in content.instances():
            number = instance.header.source.number
            file_id = names.get(number) or found.places[number]
            files.append(VolumeFile(file_id, rewritten.get(number) or _in_place(instance)))
        return replace(volume, content=content, files=tuple(files))


def _is_content(file: TreeFile, depth: int) -> bool:
    """Tell whether a file is no instance but a DICOMDIR, or something that lies in the root beside one."""
    path = tuple(component.upper() for component in file.path[depth:])
    return path[-1].rstrip(".") == "DICOMDIR" or (len(path) == 1 and path[0] in _CONTENT) or path[0] == STAGE


def _first_that_allows(claims: Sequence[Claim], headers: Sequence[Header]) -> Claim:
    """Return the first Claim under which every file may lie there as it is; the first of all if none is."""

    def allows(claim: Claim) -> bool:
        return all(
            any(
                not any(f.severity is Severity.ERROR for f in judge(profile, header, creating=False))
                for profile in claim.profiles
            )
            for header in headers
        )

    return next((claim for claim in claims if len(claims) == 1 or allows(claim)), claims[0])


def _why_not(file_id: FileID, header: Header) -> Finding | None:
    """Return why a file cannot be named as it lies there. Source: PS3.10 7.1, 8.2, 8.5."""
    if len(file_id) > MAX_COMPONENTS or not all(map(FILE_ID_COMPONENT.fullmatch, file_id)):
        return Finding(
            "file-id-impossible",
            Severity.ERROR,
            header.source.location,
            "the name of the file cannot be a File ID",
            "1 to 8 components of 1 to 8 characters A-Z, 0-9 and _",
            "PS3.10 8.2, 8.5",
            "Say --rewrite to have it written anew under another name, or create a new File-set.",
        )
    if not header.has_file_meta:
        return Finding(
            "file-meta-lacking",
            Severity.ERROR,
            header.source.location,
            "the file has no File Meta Information",
            "128 bytes, DICM and group 0002",
            "PS3.10 7.1",
            "Say --rewrite to have it written anew, or create a new File-set.",
        )
    return None


def _in_place(instance: SOPInstance) -> EncodedInstance:
    """Return an instance as it lies there; nothing of it is written."""
    source = instance.header.source
    return EncodedInstance(instance, instance.header.transfer_syntax_uid, b"", Body(source, 0, source.size))
