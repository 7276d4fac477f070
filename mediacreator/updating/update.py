"""Change a File-set in place: its UID stays, its files are not touched, and it is whole at every moment."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mediacreator.dicomio.dicomdir import encode_dicomdir, follow_records
from mediacreator.dicomio.walker import Directory, DirectoryRecord, walk
from mediacreator.directory.records import RecordEncoder
from mediacreator.errors import InternalError, MediaTooSmall
from mediacreator.image import DiscFile
from mediacreator.layout import ROOT_FOLDER, lay_out
from mediacreator.model import (
    ContentFile,
    Disposition,
    EncodedInstance,
    FileID,
    FileSetContent,
    Finding,
    MediaImage,
    Origin,
    Progress,
    Scan,
    Severity,
    Volume,
    VolumeFile,
    WrittenFile,
)
from mediacreator.receipt import Decision, Job, Receipt, to_json
from mediacreator.receipt.model import FileEntry
from mediacreator.rules.tables import edition
from mediacreator.select import PLACEHOLDER_DATE, PLACEHOLDER_TIME
from mediacreator.settings import Settings
from mediacreator.updating.applying import Change, apply
from mediacreator.updating.contents import Contents
from mediacreator.updating.describing import Described, Describer
from mediacreator.updating.held import Held, record_body
from mediacreator.updating.imaging import ImageChange, apply_to_image
from mediacreator.updating.joining import Place, joined_records
from mediacreator.updating.request import Opened, UpdateRequest

NOTHING = Scan((), ())

Reference = tuple[FileID, str, str, str]
"""File ID, SOP Class UID, SOP Instance UID and Transfer Syntax UID of a record that names a file."""


@dataclass(frozen=True, slots=True)
class New:
    """What is added, and what became of everything that was found for it."""

    volume: Volume  # new instances alone
    places: Mapping[int, Place]  # where their records go
    scan: Scan = NOTHING
    dispositions: tuple[Disposition, ...] = ()
    findings: tuple[Finding, ...] = ()
    decisions: tuple[Decision, ...] = ()


def nothing_new(opened: Opened) -> New:
    """Return that nothing is added."""
    return New(added_volume(opened, FileSetContent(()), ()), {})


def added_volume(opened: Opened, content: FileSetContent, encoded: Sequence[EncodedInstance]) -> Volume:
    """Return instances that are added to a File-set, with File IDs that no file has."""
    directory = opened.held.directory
    return volume_of(opened, content, encoded, directory.file_set_id, directory.file_set_uid)


def volume_of(
    opened: Opened,
    content: FileSetContent,
    encoded: Sequence[EncodedInstance],
    file_set_id: str,
    file_set_uid: str,
) -> Volume:
    """Return new instances with File IDs that no file has."""
    volume = lay_out(content, encoded, file_set_id=file_set_id, file_set_uid=file_set_uid, first=_first_free(opened))
    entry = opened.held.entry
    return replace(
        volume,
        profile=opened.claim.id,
        virus_check=entry.virus_check if entry else None,
        among_others=entry is not None and entry.among_others,
    )


def _first_free(opened: Opened) -> int:
    """Return a number that is higher than that of every folder of a patient, or of objects of none."""
    names = {name.upper() for name in opened.held.names_in(ROOT_FOLDER)}
    numbers = [int(name[2:]) for name in names if name[:2] in ("PT", "GN") and name[2:].isdigit()]
    return max(numbers, default=0) + 1 if names else 0


def change(
    opened: Opened,
    request: UpdateRequest,
    settings: Settings,
    origin: Origin,
    new: New,
    removed: frozenset[int],
    progress: Progress,
) -> Receipt:
    """Write new instances and a new DICOMDIR, swap it, and remove what is no longer named.

    Args:
        opened: The File-set.
        request: As given.
        settings: Of the site.
        origin: When.
        new: What is added.
        removed: Indices of the records that go, with all below them.
        progress: Told how it goes on.

    Raises:
        MediaTooSmall: The File-set would not fit its medium any more.
        NoSpace, MediumError, VerificationFailed: As ``apply``; the File-set is then as it was.

    Source: PS3.10 8.3.
    """
    held, directory = opened.held, opened.held.directory
    stays: Sequence[DirectoryRecord] = directory.records
    if removed:
        stays = [record for record in stays if record.index not in removed]
    data = held.medium.data
    bodies = {record.index: record_body(data, record) for record in stays}
    encoder = RecordEncoder(opened.claim.keys_for)
    records = tuple(joined_records(directory, bodies, new.volume, new.places, encoder))
    dicomdir = encode_dicomdir(directory.file_set_id, directory.file_set_uid, records)
    if tuple(follow_records(dicomdir)) != records:
        raise InternalError("the updated DICOMDIR does not lead to the records that it shall have")
    if held.disc is None:  # how much that has left its drive knows best
        _check_capacity(opened, new.volume)
    kept = tuple(record.file_id for record in stays if record.has_file)
    result = Result(
        dicomdir=dicomdir,
        contents=Contents(directory, removed, new.volume, new.places),
        kept=kept,
        removed=sum(1 for index in removed if directory.records[index].has_file),
        removed_files=_files_to_remove(opened, stays, removed) if removed else (),
    )
    return swap(opened, request, settings, origin, new, result, progress)


@dataclass(frozen=True, slots=True)
class Result:
    """What a File-set shall be."""

    dicomdir: bytes
    contents: Contents  # what it says
    kept: tuple[FileID, ...]  # of instances whose files stay as they are
    removed: int  # instances that go
    removed_files: tuple[str, ...]  # paths from the root, with slashes


def swap(
    opened: Opened,
    request: UpdateRequest,
    settings: Settings,
    origin: Origin,
    new: New,
    result: Result,
    progress: Progress,
) -> Receipt:
    """Make a File-set what it shall be.

    Raises:
        NoSpace, MediumError, VerificationFailed: As ``apply``; the File-set is then as it was.
        DeviceError, Stopped, VerificationFailed: As ``append_session``; then nobody knows what the disc is.
    """
    held = opened.held
    describer = _describer(opened, request, settings, origin, new, result)
    made: list[Described] = []

    def late(written: tuple[WrittenFile, ...]) -> tuple[tuple[ContentFile, ...], bytes]:
        made.append(describer.describe(written))
        return made[-1].content, to_json(made[-1].receipt, travelling=False)

    change = Change(
        root=held.root,
        dicomdir_name=os.path.basename(held.dicomdir),
        dicomdir=result.dicomdir,
        added=tuple(DiscFile.of_instance(file, origin.created) for file in new.volume.files),
        removed=result.removed_files,
        replaced=describer.replaced,
        receipt=held.receipt_written,
        late=late,
        created=origin.created,
    )

    def sealed(image: MediaImage) -> bytes:
        receipt = made[-1].receipt
        media = tuple(replace(medium, size=image.size, sha256=image.sha256) for medium in receipt.media)
        made.append(replace(made[-1], receipt=replace(receipt, media=media)))
        return to_json(made[-1].receipt, travelling=False)

    workers = request.workers or min(os.cpu_count() or 1, 8)
    if held.disc is not None:
        from mediacreator.updating.session import SessionChange, append_session

        append_session(change, SessionChange(held, request.session, workers), progress)
    elif held.is_image:
        kind = opened.claim.media_format.writer
        apply_to_image(change, ImageChange(held, kind, workers, sealed), progress)
    else:
        apply(change, progress)
    return made[-1].receipt


def unchanged(opened: Opened, request: UpdateRequest, settings: Settings, origin: Origin, new: New) -> Receipt:
    """Return the receipt of a File-set that stays as it is; it is not written."""
    contents = Contents(opened.held.directory)
    result = Result(opened.held.medium.data, contents, tuple(one.file_id for one in contents.kept()), 0, ())
    return _describer(opened, request, settings, origin, new, result).describe(()).receipt


def _describer(
    opened: Opened, request: UpdateRequest, settings: Settings, origin: Origin, new: New, result: Result
) -> Describer:
    held = opened.held
    job = Job(
        receipt_id=origin.uids.next_uid("receipt"),
        created=origin.created,
        profile=opened.claim.id,
        edition=edition(),
        scan=new.scan,
        dispositions=new.dispositions,
        volumes=(new.volume,),
        findings=(*opened.findings, *new.findings),
        arguments=request.arguments,
        reproducible=request.reproducible or request.epoch is not None,
        decisions=new.decisions,
        placeholder_date=PLACEHOLDER_DATE,
        placeholder_time=PLACEHOLDER_TIME,
    )
    return Describer(
        job=job,
        volume=new.volume,
        claim=opened.claim,
        settings=settings,
        origin=origin,
        held=held,
        kept=result.kept,
        unknown=_not_told(held, result),
        removed=result.removed,
        dicomdir=result.dicomdir,
        contents=result.contents,
    )


def _not_told(held: Held, result: Result) -> dict[FileID, FileEntry]:
    """Return what the receipt will say of instances that stay and that the earlier one did not know: read now."""
    if held.entry is None:
        return {}
    told = {file.path for file in held.entry.files}
    kept = frozenset(file_id for file_id in result.kept if "/".join(file_id) not in told)
    if not kept:
        return {}
    files = held.files_of()
    found: dict[FileID, FileEntry] = {}
    for record in result.contents.kept():
        file_id = record.file_id
        if file_id in kept:
            file = files.get(file_id) or held.find(*file_id)
            size, sha256 = held.hash_of(file) if file is not None else (0, "")
            uids = record.sop_instance_uid, record.transfer_syntax_uid
            found[file_id] = FileEntry("/".join(file_id), size, sha256, *uids)
    return found


def reference(file: VolumeFile) -> Reference:
    """Return what the record of a new file says of it."""
    encoded = file.encoded
    return (
        file.file_id,
        encoded.instance.header.sop_class_uid,
        encoded.sop_instance_uid,
        encoded.transfer_syntax_uid,
    )


def walked(dicomdir: bytes, files: Sequence[VolumeFile]) -> Directory:
    """Return a new DICOMDIR as a reader sees it: each file is named once, and no rule is broken.

    Raises:
        InternalError: It does not say what it shall say.
    """
    directory = walk(dicomdir)
    said = Counter(_reference(record) for record in directory.in_order() if record.has_file)
    if said != Counter(map(reference, files)) or any(f.severity is Severity.ERROR for f in directory.findings):
        raise InternalError("the updated DICOMDIR does not name what it shall name")
    return directory


def _reference(record: DirectoryRecord) -> Reference:
    return record.file_id, record.sop_class_uid, record.sop_instance_uid, record.transfer_syntax_uid


def _files_to_remove(opened: Opened, stays: Sequence[DirectoryRecord], removed: frozenset[int]) -> tuple[str, ...]:
    """Return the files that no record names any more, as they are called on the medium."""
    medium = opened.held.medium
    kept = {file.path for file in map(medium.file_of, stays) if file is not None}
    depth = len(medium.dicomdir.path) - 1
    gone = (medium.file_of(opened.held.directory.records[index]) for index in sorted(removed))
    files = {file.path: file for file in gone if file is not None and file.path not in kept}
    return tuple("/".join((*file.path[depth:-1], file.raw_name)) for file in files.values())


def _check_capacity(opened: Opened, volume: Volume) -> None:
    """Refuse what the medium of the profiles cannot hold.

    Raises:
        MediaTooSmall: With both sizes.
    """
    medium = opened.claim.media_format
    if not medium.capacity or not volume.files:
        return
    size = opened.held.size() + sum(file.encoded.size for file in volume.files)
    if size > medium.capacity:
        raise MediaTooSmall(
            f"The File-set would need {size:,} bytes, {medium.name} holds {medium.capacity:,} [{medium.clause}]. "
            "Nothing was changed; remove something first, or make a second medium."
        )
