"""Carry an update out on a FAT image: a new one is written beside the old one, read back, and takes its place.

What lies on the image beside the File-set stays. The old image is whole until one rename replaces it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mediacreator.dicomio.walker import DirectoryRecord, walk
from mediacreator.errors import MediaCreatorError, MediaTooSmall, MediumError
from mediacreator.forms import Form, fat_form
from mediacreator.image import DiscFile
from mediacreator.image.copying import write_error
from mediacreator.model import (
    Body,
    EncodedInstance,
    FileSetContent,
    Finding,
    Header,
    MediaImage,
    Progress,
    SOPInstance,
    SourceFile,
    Volume,
    VolumeFile,
    WrittenFile,
)
from mediacreator.receipt import read_receipt
from mediacreator.target import PARTIAL, sync_folder
from mediacreator.updating.anew import new_files, staying
from mediacreator.updating.applying import Change
from mediacreator.updating.held import Held
from mediacreator.updating.journal import recovered, write_whole

_NAME = re.compile(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?")


@dataclass(frozen=True, slots=True)
class ImageChange:
    """What an update of an image needs besides a Change."""

    held: Held
    kind: str  # name in ``formats.fat_kinds.FAT_KINDS``
    workers: int
    sealed: Callable[[MediaImage], bytes]  # the receipt beside the image, which knows its hash too


def apply_to_image(change: Change, image: ImageChange, progress: Progress) -> tuple[WrittenFile, ...]:
    """Carry a Change out; whatever goes wrong leaves the image as it was.

    Returns:
        The new files as they were written and read back.

    Raises:
        NoSpace: There is no room for a second image beside the first, which is needed meanwhile.
        MediumError: The image cannot be written, or holds names that are not 8.3.
        SourceChanged, SourceUnreadable: A source is not what was scanned.
        VerificationFailed: What was written does not read back.

    Source: PS3.10 8.3 (File-set Updater).
    """
    partial = f"{change.root}{PARTIAL}"
    new = new_files(change)
    files = (*new.replaced, *_kept(change, image.held, new.paths()), *new.added)
    form, volume = _form(image.kind, os.path.getsize(change.root), files), _volume(change.dicomdir)
    try:
        made = form.write(partial, volume, files, change.created, progress, image.workers)
        os.chmod(partial, stat.S_IMODE(os.stat(change.root).st_mode))
        made = form.verify(partial, volume, made, progress)
        receipt = image.sealed(made)
        if change.receipt:
            write_whole(f"{change.receipt}{PARTIAL}", receipt, 0o600)
        os.replace(partial, change.root)
        if change.receipt:
            os.replace(f"{change.receipt}{PARTIAL}", change.receipt)
    except OSError as exc:
        raise write_error(exc) from exc
    finally:
        for path in (partial, f"{change.receipt}{PARTIAL}"):
            with suppress(FileNotFoundError):
                os.unlink(path)
    sync_folder(os.path.dirname(change.root))
    return _as_written(made, frozenset(file.path for file in change.added))


def recover_image(path: str) -> Finding | None:
    """Bring an image and the receipt beside it into order after an update that was killed; say so if it was needed.

    The receipt takes its place after the image: where the new one is of the image that is there, the update was done.
    """
    receipt = f"{path}.receipt.json"
    done = ""
    if _is_of(f"{receipt}{PARTIAL}", path):
        os.replace(f"{receipt}{PARTIAL}", receipt)
        done = "it was completed"
    for stale in (f"{path}{PARTIAL}", f"{receipt}{PARTIAL}"):
        with suppress(FileNotFoundError):
            os.unlink(stale)
            done = done or "what it had written was removed"
    return recovered(done) if done else None


def _is_of(receipt: str, image: str) -> bool:
    """Tell whether a receipt is there and has the hash of an image."""
    if not os.path.isfile(receipt):
        return False
    try:
        media = read_receipt(Path(receipt)).media
    except MediaCreatorError:
        return False  # half written
    with open(image, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return any(medium.sha256 == sha256 for medium in media)


def _form(kind: str, size: int, files: Sequence[DiscFile]) -> Form:
    """Return how the image is made: as large as it was, as its medium may be; larger only if it must be."""
    form = fat_form(kind, size)
    try:
        form.size(files)
    except MediaTooSmall:
        return fat_form(kind)
    return form


def _kept(change: Change, held: Held, replaced: frozenset[str]) -> Iterator[DiscFile]:
    """Yield the files that stay, as they lie in the old image.

    Raises:
        MediumError: One has a name that the new image could not record.
    """
    for number, path, file in staying(change, held, replaced):
        if not all(map(_NAME.fullmatch, path)):
            raise MediumError(
                "The image holds files whose names are not 8.3 upper case, which a new one could not keep. Mount it "
                "and update the folder, or give -o for a new File-set."
            )
        when = datetime.fromtimestamp(file.mtime_ns / 1e9, UTC) if file.mtime_ns else change.created
        yield DiscFile(path, file.size, when, body=Body(held.source_of(file, number), 0, file.size))


def _volume(dicomdir: bytes) -> Volume:
    """Return what a DICOMDIR names, as what is read back is compared with it."""
    directory = walk(dicomdir)

    def file_of(record: DirectoryRecord) -> VolumeFile:
        source = SourceFile(-record.index - 1, "", 0, 0)
        uids = (record.sop_class_uid, record.sop_instance_uid, record.transfer_syntax_uid)
        instance = SOPInstance(Header(source, *uids, 0, True, {}), record.type, {})
        return VolumeFile(record.file_id, EncodedInstance(instance, uids[2], b"", Body(source, 0, 0)))

    files = tuple(file_of(record) for record in directory.in_order() if record.file_id)
    return Volume(directory.file_set_id, directory.file_set_uid, FileSetContent(()), files)


def _as_written(made: MediaImage, added: frozenset[tuple[str, ...]]) -> tuple[WrittenFile, ...]:
    return tuple(file for file in made.files if file.path in added)
