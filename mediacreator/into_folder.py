"""Write a File-set into a folder that is there, as that of a mounted stick, and touch nothing that lies in it.

It is the update of a File-set that does not exist yet: files and folders get names that nobody has, and the DICOMDIR
comes last, by one rename, after all was read back. A run that is killed leaves no DICOMDIR, and the next cleans up.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from mediacreator import collector
from mediacreator.at_hand import stick_at_hand
from mediacreator.content import INDEX, README, RECEIPT
from mediacreator.creation import CreateRequest, Run
from mediacreator.dividing import Medium
from mediacreator.errors import (
    MediaTooSmall,
    MediumError,
    NoSpace,
    Stopped,
    TargetExists,
    UsageError,
    VerificationFailed,
)
from mediacreator.formats.mounted import Mounted, mounted
from mediacreator.image import DiscFile
from mediacreator.image.disc import late_bytes
from mediacreator.layout import ROOT_FOLDER, check_file_set_id
from mediacreator.mastering import DICOMDIR, disc_files
from mediacreator.model import ContentFile, Finding, MediaImage, Origin, Progress, Severity, Silent, WrittenFile
from mediacreator.preparing import Part, prepare, require_decided
from mediacreator.receipt import Job, Receipt, WrittenMedium, build_receipt, staged_receipt, to_json
from mediacreator.rules.tables import MediaFormat
from mediacreator.settings import Settings
from mediacreator.target import Target
from mediacreator.updating.applying import Change, apply, locked
from mediacreator.updating.journal import JOURNAL, STAGE, folders_of, recover
from mediacreator.verify import record_differences

NAMES = (DICOMDIR, ROOT_FOLDER, README, INDEX, RECEIPT, JOURNAL, STAGE)
"""What a File-set has in its root, and what is there while it is written."""

_WHOLE = "The File-set is in the folder, whole and read back."
_TOO_LATE = "Stopped before its receipt was kept; RECEIPT.JSN beside the DICOMDIR tells the same without identity."
_LINE = 8  # bytes of a path in the journal beside its name
_JOURNAL = 4096  # bytes of all else in it


def create_into(
    folder: str, request: CreateRequest, settings: Settings | None = None, progress: Progress | None = None
) -> Receipt:
    """Make a File-set in a folder that is there.

    Args:
        folder: What it holds stays, byte for byte; it needs no file of its own, and may not hold a File-set.
        request: What to make of what. ``output`` names no medium but the receipt: what stands before
            ``.receipt.json``, with a slash behind it.
        settings: Of the site; the defaults without.
        progress: Told how it goes on.

    Returns:
        The receipt, as ``create`` does.

    Raises:
        UsageError: As ``create``, or the receipt would lie in the folder.
        TargetExists: A name that the File-set needs is taken.
        NoSpace, MediaTooSmall: The file system of the folder has not enough room, or takes no file that large.
        VerificationFailed, MediumError, Stopped: As said. Nothing is left behind then, or the next run removes it.
        DecisionNeeded, NothingToWrite, ProfileViolation: As ``create``.

    Source: PS3.10 8.2 (File-set Creator).
    """
    settings, progress = settings or Settings(), progress or Silent()
    root = os.path.realpath(folder)
    target = Target(request.output, force=False, sources=request.sources)
    if os.path.lexists(target.receipt):
        raise TargetExists("There is a receipt of this name already: it is a proof, and stays. Give another -o.")
    check_file_set_id(request.file_set_id)
    _require_place(root, request.sources, target.receipt)
    place = mounted(root)
    site = (*settings.profile_folders, *request.profile_folders)
    published: list[Receipt] = []
    request = replace(request, only=stick_at_hand("mounted stick", place.free, request.profile, site))
    try:
        with collector.held(), locked(root):
            recovered = recover(root)
            require_names(root, NAMES)
            prepared = prepare(request, settings, progress)
            require_decided(prepared)
            said = (*((recovered,) if recovered else ()), *_about(root, place, prepared.parts))
            prepared = replace(prepared, findings=(*said, *prepared.findings))
            return _Into(request, settings, progress, target, prepared, True, root, published).make()
    except KeyboardInterrupt as exc:
        raise Stopped(f"{_WHOLE} {_TOO_LATE}" if published else "Stopped; what lies there is as it was.") from exc
    except MediumError as exc:
        if not published:
            raise
        raise MediumError(f"{_WHOLE} {exc}") from exc


def require_names(root: str, names: Iterable[str]) -> None:
    """Refuse to write over anything: names of a stick are the same in upper and lower case.

    Args:
        root: The folder.
        names: Of the root that are needed.

    Raises:
        TargetExists: Some of them are there; only ours are named, others may name patients.
        MediumError: The folder cannot be read.
    """
    try:
        there = {name.rstrip(". ").upper() for name in os.listdir(root)}
    except OSError as exc:
        raise MediumError(f"The folder cannot be read: {exc.strerror}.") from exc
    taken = [name for name in names if name in there]
    if DICOMDIR in taken:
        raise TargetExists(
            "A DICOMDIR is there already, so the folder holds a File-set. Put more into that with mediacreator add, or "
            "take another stick; nothing was changed."
        )
    if taken:
        are = "is" if len(taken) == 1 else "are"
        raise TargetExists(
            f"{' and '.join(filter(None, (', '.join(taken[:-1]), taken[-1])))} {are} there already, and the File-set "
            "needs the name. Move it away, or take another stick; nothing was changed."
        )


@dataclass(frozen=True, slots=True)
class _Into(Run):
    """A run that ends in a folder among other files; ``target`` is where receipt and spool lie."""

    root: str = ""
    published: list[Receipt] = field(default_factory=list)  # once the File-set is there

    def finish(self, _claims: ExitStack, job: Job, divided: tuple[Medium, ...], origin: Origin) -> Receipt:
        """Write, read back and publish the one medium, and its receipt with it."""
        (medium,), (volume,) = divided, job.volumes
        files = disc_files(job, volume, medium.file_set.claim, self.settings, origin)
        dicomdir, *beside = (file for file in files if len(file.path) == 1)
        added = tuple(file for file in files if len(file.path) > 1)
        wrong = record_differences(volume, dicomdir.head)
        if wrong:
            raise VerificationFailed("The DICOMDIR does not say what it shall say; nothing was written.", wrong)
        require_names(self.root, (*(file.path[0] for file in files), JOURNAL, STAGE))
        require_room(mounted(self.root), files)
        made: list[Receipt] = []
        staged = ExitStack()

        def late(written: tuple[WrittenFile, ...]) -> tuple[tuple[ContentFile, ...], bytes]:
            content, all_written = _content(dicomdir, beside, written)
            image = MediaImage(self.root, sum(file.size for file in all_written), all_written)
            made.append(build_receipt(job, [WrittenMedium(volume, image, all_written)]))
            staged.enter_context(staged_receipt(self.target.receipt, to_json(made[-1], travelling=False)))
            return content, b""

        change = Change(
            root=self.root,
            dicomdir_name=DICOMDIR,
            dicomdir=dicomdir.head,
            added=added,
            removed=(),
            replaced=tuple(file.path[0] for file in beside),
            receipt="",
            late=late,
            created=origin.created,
        )
        with staged:
            apply(change, self.progress)
            self.published.append(made[-1])
        return made[-1]


def _content(
    dicomdir: DiscFile, beside: Sequence[DiscFile], written: tuple[WrittenFile, ...]
) -> tuple[tuple[ContentFile, ...], tuple[WrittenFile, ...]]:
    """Return the other files of the root, that which holds the hashes of all others last, and all files in order."""
    first = tuple(ContentFile(file.path, file.head) for file in beside if file.late is None)
    told = (_written(ContentFile(dicomdir.path, dicomdir.head)), *map(_written, first), *written)
    last = tuple(ContentFile(file.path, late_bytes(file, told)) for file in beside if file.late is not None)
    return (*first, *last), (*told, *map(_written, last))


def _written(file: ContentFile) -> WrittenFile:
    return WrittenFile(file.path, len(file.data), hashlib.sha256(file.data).hexdigest())


def _require_place(root: str, sources: Sequence[str], receipt: Path) -> None:
    """Refuse a folder that cannot be written to, or not without harm.

    Raises:
        UsageError: It is none, or the receipt would lie in it.
        TargetExists: It is a source, holds one or lies in one.
        MediumError: It cannot be written.
    """
    place = Path(root)
    if not place.is_dir():
        raise UsageError("--into is no folder that is there. Mount the stick, or make the folder.")
    for source in (Path(source).resolve() for source in sources):
        if place == source or place in source.parents or source in place.parents:
            raise TargetExists(
                "The folder is a source, holds one or lies in one. Copy the sources elsewhere first; or have a "
                "DICOMDIR made for them where they lie, with mediacreator rebuild."
            )
    if place in receipt.resolve().parents:
        raise UsageError(
            "The receipt would lie on the stick, and it holds patient identity. Start from another folder, or say "
            "where it shall lie with -o."
        )
    if not os.access(root, os.W_OK | os.X_OK):
        raise MediumError("The folder cannot be written. Get permission, or move the lock of the stick.")


def require_room(place: Mounted, files: Sequence[DiscFile]) -> None:
    """Refuse before the first byte what the file system of the folder does not take.

    Args:
        place: The file system, as it is now.
        files: All of the File-set.

    Raises:
        MediaTooSmall: A file is larger than FAT records.
        NoSpace: Files and folders need more clusters than are free, the journal among them.
    """
    for file in files:
        if place.largest_file and file.size > place.largest_file:
            raise MediaTooSmall(
                f"{'/'.join(file.path)} has {file.size:,} bytes, {place.name} records at most {place.largest_file:,} "
                "[FAT specification, DIR_FileSize]. Write it to a DVD or BD with UDF; nothing was written."
            )
    paths = ["/".join(file.path) for file in files]
    stage = place.taken_by_folder(len(NAMES))
    journal = place.taken_by(_JOURNAL + sum(len(path) + _LINE for path in (*paths, *folders_of(paths))))
    needed = taken(place, files) + stage + 2 * journal  # its second form is written beside the first
    if needed > place.free:
        raise NoSpace(
            f"The File-set needs {needed:,} bytes in the folder, and {place.free:,} are free. Make room, choose some "
            "with --patient, --study, --series or --modality, or take a larger stick. Nothing was written."
        )


def taken(place: Mounted, files: Sequence[DiscFile]) -> int:
    """Return the bytes that files take with their folders; those of FAT exactly."""
    paths = ["/".join(file.path) for file in files]
    entries = Counter(os.path.dirname(path) for path in (*paths, *folders_of(paths)))
    folders = sum(place.taken_by_folder(count) for folder, count in entries.items() if folder)
    return folders + sum(place.taken_by(file.size) for file in files)


def _about(root: str, place: Mounted, parts: Sequence[Part]) -> Iterable[Finding]:
    """Say where the folder is not what PS3.12 asks of the medium: nobody is helped by a refusal.

    The File-set is right, and can be copied; which systems the person has who gets the stick we do not know.
    """
    for medium in {part.claim.media_format.key: part.claim.media_format for part in parts}.values():
        wanted = [name.partition("-")[0].upper() for name in medium.file_system.split(";")]
        if place.name and place.name not in wanted:
            yield _file_system(medium, place.name, " or ".join(wanted))
        elif place.fat and not os.path.ismount(root):
            yield _below_root(medium)


def _file_system(medium: MediaFormat, found: str, wanted: str) -> Finding:
    return Finding(
        code="folder-file-system",
        severity=Severity.NOTE,
        location="folder",
        what=f"the folder lies on {found}",
        expected=f"{wanted}, as the profile has it",
        clause=medium.clause,
        remedy="Whoever can read this file system can read the File-set. A stick that every reader opens is made with "
        "--device, or is formatted so before.",
    )


def _below_root(medium: MediaFormat) -> Finding:
    return Finding(
        code="folder-not-root",
        severity=Severity.NOTE,
        location="folder",
        what="the folder lies below the root of the stick",
        expected="the DICOMDIR in the root, where readers look for it",
        clause=f"PS3.10 8.6; {medium.clause}",
        remedy="Give the folder that the stick is mounted at, or tell whoever gets it which folder to open.",
    )
