"""Carry an update out on a disc: a session behind the others, with directories that show old and new files.

What is recorded cannot be taken back. So all of the session is made and read back in a file first, as it will lie on
the disc; then it is burned, and the disc is read from its first file to its last.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import BinaryIO

from mediacreator.burn import tray
from mediacreator.burn.discs import padding_of
from mediacreator.burn.reading import hash_file, hash_medium
from mediacreator.errors import (
    InternalError,
    MediaTooSmall,
    MediumError,
    SourceUnreadable,
    Stopped,
    VerificationFailed,
)
from mediacreator.formats import Extent, FileTree, IsoTree, TreeFile
from mediacreator.formats.iso9660_session import RecordedFile, lay_out_session, leading_descriptor
from mediacreator.formats.iso9660_tables import is_level_1
from mediacreator.formats.iso9660_values import SECTOR
from mediacreator.image.copying import write_error
from mediacreator.image.placed import placed_files, write_placed
from mediacreator.medium_verify import verify_medium
from mediacreator.model import FileID, Finding, Progress, Severity, WrittenFile
from mediacreator.sources.reading import close_archives
from mediacreator.target import PARTIAL, sync_folder
from mediacreator.tools import xorriso
from mediacreator.tools.faults import fault
from mediacreator.tools.xorriso import STDIO, Disc
from mediacreator.transcode import Spool
from mediacreator.updating.anew import NewFiles, new_files, staying
from mediacreator.updating.applying import Change
from mediacreator.updating.held import Held, HeldDisc
from mediacreator.updating.journal import write_whole
from mediacreator.updating.request import SessionRequest

_NOT_READ = "Stopped. The session is on the disc, and not all of it was read back: mediacreator verify does that."

Places = Mapping[FileID, tuple[int, int]]
"""Offset from the beginning of the disc and size in bytes of each file, by its path without version."""


@dataclass(frozen=True, slots=True)
class SessionChange:
    """What an update of a disc needs besides a Change."""

    held: Held
    request: SessionRequest
    workers: int

    @property
    def file_set_id(self) -> str:
        """Return the File-set ID, which does not change."""
        return self.held.directory.file_set_id


@dataclass(frozen=True, slots=True)
class _Session:
    """A session that is ready to be burned."""

    path: str  # of a file that holds it where the disc will
    start: int  # bytes
    size: int
    sha256: str
    places: Places  # of all files of the disc
    untold: Mapping[FileID, str]  # SHA-256 of files of earlier sessions, where no receipt will tell it


def append_session(change: Change, session: SessionChange, progress: Progress) -> tuple[WrittenFile, ...]:
    """Carry a Change out; whatever goes wrong before the drive begins to write leaves the disc as it was.

    The tree of the disc is closed before that, so that the drive can be used.

    Returns:
        The new files as they were written.

    Raises:
        MediaTooSmall: The disc has not that much left.
        MediumError: It holds what a further session would lose; or the receipt cannot be written.
        NoSpace: There is no room for the session before it is burned.
        SourceChanged, SourceUnreadable: A source is not what was scanned.
        DeviceError: The disc is another one now, or burning failed.
        VerificationFailed: What was made, or burned, does not read back.

    Source: PS3.12 F.2.1.2, F.2.2.2; PS3.10 8.3 (File-set Updater).
    """
    held, disc = session.held, session.held.disc
    if disc is None:
        raise InternalError("a session is burned onto a disc alone")
    new = new_files(change)
    recorded = tuple(_recorded(change, held, new.paths()))
    with Spool() as spool:
        told = bool(change.receipt) and held.entry is not None
        untold = {} if told else _hashes(held.tree, [file.path for file in recorded], progress)
        ready = _made(change, session, disc, new, recorded, spool.new_path(), progress)
        ready = replace(ready, untold=untold)
        held.medium.close()
        close_archives()  # of the disc, which was read to compare what it holds
        with _receipt_ready(change.receipt, new.receipt):
            _burn(ready, disc, session.request, progress)
            try:
                tray.reload(disc.device)
                _read_back(ready, disc, change.receipt if told else "", progress)
            except KeyboardInterrupt as exc:
                raise Stopped(_NOT_READ) from exc
            if change.receipt:
                os.replace(f"{change.receipt}{PARTIAL}", change.receipt)
                sync_folder(os.path.dirname(os.path.abspath(change.receipt)))
    return new.instances


def _recorded(change: Change, held: Held, replaced: frozenset[str]) -> Iterator[RecordedFile]:
    """Yield what earlier sessions hold and the disc goes on to show.

    Raises:
        MediumError: A file of another's that a further session could not record as it is.
    """
    for _, _, file in staying(change, held, replaced):
        if not is_level_1(file.path) or not _contiguous(file.extents):
            raise MediumError(
                "The disc holds files whose names or places are not those of ISO 9660 level 1, which a further session "
                "could not show. Give -o for a new File-set [PS3.12 F.2.2]."
            )
        when = datetime.fromtimestamp(file.mtime_ns / 1e9, UTC) if file.mtime_ns else change.created
        yield RecordedFile(file.path, file.size, when, file.extents[0].offset // SECTOR)


def _contiguous(extents: tuple[Extent, ...]) -> bool:
    follow = all(one.offset + one.size == other.offset for one, other in pairwise(extents))
    return bool(extents) and follow and extents[0].offset % SECTOR == 0


def _made(
    change: Change,
    session: SessionChange,
    disc: HeldDisc,
    new: NewFiles,
    recorded: tuple[RecordedFile, ...],
    path: str,
    progress: Progress,
) -> _Session:
    """Write the session into a file, at the place that it will have on the disc, and read it back."""
    files = (*new.replaced, *new.added)
    first = disc.disc.next_sector
    placement = lay_out_session(
        recorded, placed_files(files), first=first, volume_id=session.file_set_id, created=change.created
    )
    start = first * SECTOR
    size = placement.size - start
    if size > disc.disc.free:
        raise MediaTooSmall(
            f"The session needs {size:,} bytes, and the disc has {disc.disc.free:,} left. Nothing was burned; make a "
            "second disc, or choose some with --study, --series or --modality [PS3.12 F.2.1.2]."
        )
    image = write_placed(path, placement, files, progress=progress, workers=session.workers)
    places = {file.path: (file.block * SECTOR, file.size) for file in recorded}
    places |= {file.path: (at, file.size) for file, at in zip(files, placement.offsets, strict=True)}
    with IsoTree(path, session=first) as tree:
        wrong = [*_wrong_places(tree, places), *_wrong_content(tree, image.files)]
        if tree.label != session.file_set_id:
            wrong.append(_differs("its Volume Identifier is not the File-set ID"))
    if wrong:
        raise VerificationFailed("The session does not read back as it was made; nothing was burned.", wrong)
    progress.start("check", 0, size)
    return _Session(path, start, size, hash_file(path, size, progress, start=start), places, {})


def _wrong_places(tree: IsoTree, places: Places) -> Iterator[Finding]:
    """Yield how the files of a disc, as a reader finds them, differ from where they shall lie; empty ones nowhere."""
    found = {file.path: _place(file) for file in tree.files()}
    yield from (finding for finding in tree.findings if finding.severity is Severity.ERROR)
    wanted = {path: (offset if size else 0, size) for path, (offset, size) in places.items()}
    if found != wanted:
        count = len(found.items() ^ wanted.items())
        yield _differs(f"{count} files are not where they should be", "every file of the disc, old and new")


def _place(file: TreeFile) -> tuple[int, int]:
    return (file.extents[0].offset if file.size else 0), file.size


def _wrong_content(tree: IsoTree, written: tuple[WrittenFile, ...]) -> Iterator[Finding]:
    for file in written:
        with tree.open(file.path) as stream:
            if _sha256(stream) != file.sha256:
                yield _differs(f"{'/'.join(file.path)} has another SHA-256", file.sha256)


def _hashes(tree: FileTree, paths: Collection[FileID], progress: Progress) -> dict[FileID, str]:
    """Read files of a disc from their first byte to their last.

    Raises:
        SourceUnreadable: One cannot be read: what is damaged gets no further session, or is not handed out.
    """
    found: dict[FileID, str] = {}
    progress.start("verify", len(paths), 0)
    for number, path in enumerate(paths, 1):
        try:
            with tree.open(path) as stream:
                found[path] = _sha256(stream)
        except OSError as exc:
            raise SourceUnreadable(f"File {number} of the disc cannot be read: {exc.strerror}.") from exc
        progress.advance(1, 0)
    return found


def _sha256(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _receipt_ready(path: str, data: bytes) -> Iterator[None]:
    """Write the receipt under a name that says it is not finished; it goes unless somebody renames it."""
    partial_path = f"{path}{PARTIAL}"
    try:
        if path:
            write_whole(partial_path, data, 0o600)
        yield
    except OSError as exc:
        raise write_error(exc) from exc
    finally:
        with suppress(OSError):
            os.unlink(partial_path)


def _burn(session: _Session, held: HeldDisc, request: SessionRequest, progress: Progress) -> None:
    """Burn a session onto the disc for which it was made.

    Raises:
        DeviceError: It is another disc now; or the drive refuses or fails.
        Stopped: Ctrl-C or SIGTERM while it was burned.
    """
    if _told(xorriso.look(held.device)) != _told(held.disc):
        raise fault("disc-changed")
    progress.start("burn", 0, session.size)
    try:
        xorriso.append(
            held.device,
            session.path,
            start=session.start,
            size=session.size,
            advance=partial(progress.advance, 0),
            speed=request.speed,
            close=not request.keep_open,
            padding=padding_of(held.disc, session.size),
        )
        if held.disc.is_file:
            _lead_to(session, held.device.removeprefix(STDIO))
    except KeyboardInterrupt as exc:
        raise Stopped(f"Stopped. {fault('session-failed')}") from exc


def _lead_to(session: _Session, path: str) -> None:
    """Make the first descriptor of a file, which knows no sessions, lead to what was written last."""
    with open(path, "r+b") as file:
        descriptor = os.pread(file.fileno(), SECTOR, session.start + 16 * SECTOR)
        os.pwrite(file.fileno(), leading_descriptor(descriptor, session.start // SECTOR), 16 * SECTOR)
        os.fsync(file.fileno())


def _told(disc: Disc) -> tuple[object, ...]:
    """Return what tells one disc from another; how much is free, changes with the disk below a ``stdio:`` drive."""
    return disc.kind, disc.state, disc.label, disc.next_sector


def _read_back(session: _Session, held: HeldDisc, receipt: str, progress: Progress) -> None:
    """Read all of the disc: the session as a whole, then each file of every session.

    They are compared with the receipt; where there was none, with what they were before the session was burned.

    Raises:
        VerificationFailed: It does not hold what it should.
        DeviceError: It cannot be read.
    """
    path = held.device.removeprefix(STDIO)
    if hash_medium(path, session.size, progress, start=session.start) != session.sha256:
        wrong = [_differs("what was read back of the session has another SHA-256", "the session, byte for byte")]
    else:
        with IsoTree(path) as tree:
            wrong = list(_wrong_places(tree, session.places))
            if not wrong and _hashes(tree, session.untold, progress) != session.untold:
                wrong.append(_differs("a file of an earlier session is not what it was before", "all as they were"))
        if receipt and not wrong:
            verified = verify_medium(path, f"{receipt}{PARTIAL}", progress=progress)
            wrong = [found for found in verified.findings if found.severity is Severity.ERROR]
    if wrong:
        raise VerificationFailed("The disc does not read back as it should be: do not hand it out.", wrong)


def _differs(what: str, expected: str = "the session that was made") -> Finding:
    return Finding(
        code="session-differs",
        severity=Severity.ERROR,
        location="disc",
        what=what,
        expected=expected,
        clause="PS3.12 F.2.2.2",
        remedy="Make a new disc from this one and the sources with -o; what the disc held before is still recorded.",
    )
