"""Read a medium back, every byte of it, and compare it with its receipt and its DICOMDIR with its files.

A receipt beside the medium says what was written. The one that lies on the medium itself travels with it: that all
agrees with it proves that the medium is whole, and not who made it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from mediacreator.dicomio.walker_findings import ROWS, Row, finding, printable
from mediacreator.errors import MediumError, SourceUnreadable
from mediacreator.formats import FileTree, TreeFile, open_tree, tolerant_key
from mediacreator.medium import Medium, find_dicomdir
from mediacreator.medium_compare import Compared, compare, read_compared
from mediacreator.model import Finding, Progress, Severity
from mediacreator.receipt import COMPLETE, MediumEntry, Receipt, counts_close, parse_receipt, read_receipt
from mediacreator.suiting import check_file_system, medium_of

TRAVELLING = "RECEIPT.JSN"
_CHUNK = 1 << 20  # bytes
_AGAIN = "Do not use the medium; make it again, or copy it again from its source."

_ROWS: dict[str, Row] = {
    "file-lost": (Severity.ERROR, "every file of the receipt", "", _AGAIN),
    "file-unreadable": (Severity.ERROR, "a file that can be read to its end", "", _AGAIN),
    "file-differs": (Severity.ERROR, "the bytes that were written", "", _AGAIN),
    "image-differs": (Severity.ERROR, "the image that was written", "", _AGAIN),
    "other-file-set": (
        Severity.ERROR,
        "the File-set UID of the receipt",
        "PS3.10 8.1",
        "This receipt is of another medium, or the medium was written anew: find the receipt that belongs to it.",
    ),
    "file-not-in-receipt": (
        Severity.ERROR,
        "only what was written",
        "",
        "Somebody added it after the medium was made: see what it is before you open it.",
    ),
    "files-beside": (
        Severity.NOTE,
        "a folder that holds other files too, as the receipt says",
        "",
        "Nothing: they are not of the File-set, and nobody here knows what they should be.",
    ),
    "directory-unreadable": (Severity.ERROR, "a DICOMDIR", "PS3.10 8.6", _AGAIN),
    "receipt-does-not-close": (
        Severity.ERROR,
        "counts that close",
        "",
        "The receipt contradicts itself: do not rely on it.",
    ),
    "receipt-incomplete": (
        Severity.WARNING,
        "a receipt that says complete",
        "",
        "The medium is as it was made, and it was made without files that should be on it: see the receipt.",
    ),
}


class ReceiptKind(Enum):
    """Where the receipt was found."""

    GIVEN = "given"
    BESIDE = "beside the medium"
    TRAVELLING = "on the medium itself"


@dataclass(frozen=True, slots=True)
class Verification:
    """What reading a medium back has shown."""

    path: str
    kind: ReceiptKind
    receipt: Receipt
    entry: MediumEntry  # of the receipt: this medium
    equal: int  # files that are as the receipt says
    size: int  # bytes read
    instances: int  # records of the DICOMDIR that reference a file
    findings: tuple[Finding, ...]
    image_equal: bool | None = None  # None: a folder, or a receipt that does not know the image as a whole
    unlisted: tuple[str, ...] = ()  # paths of files the receipt does not know; may hold identity
    unreferenced: tuple[str, ...] = ()  # paths of DICOM files that no record references; may hold identity

    @property
    def whole(self) -> bool:
        """Whether the medium is what its receipt says and its DICOMDIR and files agree."""
        return not any(found.severity is Severity.ERROR for found in self.findings)


def verify_medium(path: str, receipt_path: str = "", *, progress: Progress) -> Verification:
    """Read a medium back and compare.

    Args:
        path: Of a folder, an ISO image, a drive or a ZIP archive.
        receipt_path: Of the receipt; "" for the one beside the medium, else the one that travels on it.
        progress: Told of each file.

    Raises:
        SourceUnreadable: The medium cannot be opened.
        MediumError: There is no receipt, it cannot be read, or it is of another medium.
    """
    folder, name = os.path.split(path)
    if tolerant_key((name,)) == ("DICOMDIR",) and os.path.isfile(path):
        path = folder or os.curdir
    with open_tree(path) as tree:
        kind, receipt = _receipt(path, receipt_path, tree)
        files = tuple(tree.files())
        medium, findings = _medium(tree)
        entry = _entry(receipt, path, medium)
        findings += _receipt_findings(receipt)
        run = _Run(tree, entry, lists_all=receipt.holds_identity, progress=progress)
        progress.start(
            "verify",
            len(entry.files),
            (0 if os.path.isdir(path) else entry.size) + sum(file.size for file in entry.files),
        )
        run.check_image(path)
        run.check_files()
        others = _beside(files, entry)
        unlisted = tuple(file for file in run.unlisted(files) if file.path not in others)
        loose = medium.unreferenced() if medium is not None else ()
        loose = tuple(file for file in loose if file.path not in others)
        if medium is not None:
            findings += tuple(_directory_findings(medium, entry, run.compared))
        findings += (
            *check_file_system(tree, medium, medium_of(entry.profile)),
            *_about(files, loose, "unreferenced-file", "no record references this DICOM file"),
            *run.findings,
            *_about(files, unlisted, "file-not-in-receipt", "the receipt has no such file"),
            *_said_of(others),
        )
        return Verification(
            path=path,
            kind=kind,
            receipt=receipt,
            entry=entry,
            equal=run.equal,
            size=run.size,
            instances=sum(1 for _ in medium.instances()) if medium else 0,
            findings=findings,
            image_equal=run.image_equal,
            unlisted=tuple(file.name for file in unlisted),
            unreferenced=tuple(file.name for file in loose),
        )


class _Run:
    """Reads the files of one medium, each once, in the order in which they were written."""

    def __init__(self, tree: FileTree, entry: MediumEntry, *, lists_all: bool, progress: Progress) -> None:
        self.equal = self.size = 0
        self.image_equal: bool | None = None
        self.findings: list[Finding] = []
        self.compared: dict[tuple[str, ...], Compared] = {}
        self._tree = tree
        self._entry = entry
        self._receipt_lists_all = lists_all
        self._progress = progress
        self._seen: set[tuple[str, ...]] = set()

    def check_image(self, path: str) -> None:
        """Compare an image as a whole, if the receipt has its hash: what lies between the files counts as well.

        Zeros behind it are what programs that burn put there.
        """
        if not self._entry.sha256 or os.path.isdir(path):
            return
        self.image_equal = False
        digest = hashlib.sha256()
        left = self._entry.size
        try:
            with open(path, "rb", buffering=0) as image:
                while left and (chunk := image.read(min(left, _CHUNK))):
                    digest.update(chunk)
                    left -= len(chunk)
                    self._progress.advance(0, len(chunk))
                longer = os.path.isfile(path) and any(
                    len(chunk) > chunk.count(0) for chunk in iter(partial(image.read, _CHUNK), b"")
                )
        except OSError as exc:
            self._note("image-differs", "image", f"it cannot be read to its end: {exc.strerror or exc}")
            return
        if left or longer:
            what = f"it has {'fewer' if left else 'more'} than the {self._entry.size} bytes that were written"
            self._note("image-differs", "image", what)
        elif digest.hexdigest() != self._entry.sha256:
            self._note("image-differs", "image", "its SHA-256 is another")
        else:
            self.image_equal = True

    def check_files(self) -> None:
        """Read each file of the receipt."""
        for file in self._entry.files:
            found = self._tree.find(file.path.split("/"))
            if found is None:
                self._note("file-lost", file.path, "it is not on the medium")
            else:
                self._seen.add(found.path)
                self._check(file.path, file.size, file.sha256, found)
            self._progress.advance(1, file.size)

    def _check(self, name: str, size: int, sha256: str, found: TreeFile) -> None:
        digest = hashlib.sha256()
        read = 0
        try:
            with self._tree.open(found.path) as stream:
                while chunk := stream.read(_CHUNK):
                    if not read:
                        self._look(found, chunk)
                    digest.update(chunk)
                    read += len(chunk)
        except Exception as exc:  # noqa: BLE001  a damaged archive or drive may raise anything while it is read
            self._note("file-unreadable", name, f"reading ends at byte {read}: {_reason(exc)}")
            return
        self.size += read
        if read != size:
            self._note("file-differs", name, f"it has {read} bytes instead of {size}")
        elif digest.hexdigest() != sha256:
            self._note("file-differs", name, "its SHA-256 is another")
        else:
            self.equal += 1

    def _look(self, found: TreeFile, first: bytes) -> None:
        """Keep what a DICOM file says of itself, from bytes that are read anyway."""
        said = read_compared(first, found.size)
        if said is not None:
            self.compared[found.path] = said

    def unlisted(self, files: Sequence[TreeFile]) -> tuple[TreeFile, ...]:
        """Return the files that the receipt does not know; a receipt that travels does not list itself."""
        own = set() if self._receipt_lists_all else {(TRAVELLING,)}
        return tuple(file for file in files if file.path not in self._seen and tolerant_key(file.path) not in own)

    def _note(self, code: str, location: str, what: str) -> None:
        self.findings.append(finding(code, printable(location), what, rows=_ROWS))


def _receipt(path: str, receipt_path: str, tree: FileTree) -> tuple[ReceiptKind, Receipt]:
    """Find the receipt: the one given, the one beside the medium, the one on it."""
    if receipt_path:
        return ReceiptKind.GIVEN, read_receipt(Path(receipt_path))
    beside = Path(f"{path.rstrip('/') or '/'}.receipt.json")
    if beside.is_file():
        return ReceiptKind.BESIDE, read_receipt(beside)
    if tree.find((TRAVELLING,)) is None:
        raise MediumError(
            f"There is no receipt: none beside the medium, its name with .receipt.json, and no {TRAVELLING} on it. "
            "Give one with --receipt; without it nobody can say what was on the medium when it was made."
        )
    try:
        with tree.open((TRAVELLING,)) as stream:
            return ReceiptKind.TRAVELLING, parse_receipt(stream.read(), TRAVELLING)
    except MediumError:
        raise
    except Exception as exc:
        raise SourceUnreadable(f"{TRAVELLING} on the medium cannot be read: {_reason(exc)}.") from exc


def _medium(tree: FileTree) -> tuple[Medium | None, tuple[Finding, ...]]:
    """Walk the DICOMDIR; that it cannot be read is a Finding, since the files can still be compared."""
    try:
        dicomdir, findings = find_dicomdir(tree)
        return Medium(tree, dicomdir, findings), ()
    except SourceUnreadable as exc:
        what = str(exc).rstrip(".")
        return None, (*tree.findings, finding("directory-unreadable", "DICOMDIR", what, rows=_ROWS))


def _entry(receipt: Receipt, path: str, medium: Medium | None) -> MediumEntry:
    """Find this medium among those of its receipt: by File-set UID, else by name."""
    uid = medium.directory.file_set_uid if medium else ""
    name = os.path.basename(path.rstrip("/"))
    chosen = [entry for entry in receipt.media if entry.file_set_uid == uid]
    if len(chosen) != 1:
        chosen = [entry for entry in chosen or receipt.media if entry.name == name] or list(receipt.media)
    if len(chosen) != 1:
        raise MediumError(
            f"The receipt is of {len(receipt.media)} media, and none of them has the File-set UID of this one. "
            "Give the receipt of this medium with --receipt."
        )
    return chosen[0]


def _receipt_findings(receipt: Receipt) -> tuple[Finding, ...]:
    found = [
        finding("receipt-does-not-close", "receipt", reason.rstrip("."), rows=_ROWS) for reason in counts_close(receipt)
    ]
    if receipt.state != COMPLETE:
        what = f"it says {receipt.state}: {receipt.counts.rejected} files were rejected"
        found.append(finding("receipt-incomplete", "receipt", what, rows=_ROWS))
    return tuple(found)


def _directory_findings(
    medium: Medium, entry: MediumEntry, compared: Mapping[tuple[str, ...], Compared]
) -> Iterator[Finding]:
    """Yield what is wrong with the DICOMDIR by itself, and where it and the files disagree."""
    if medium.directory.file_set_uid != entry.file_set_uid:
        what = f"the DICOMDIR has another File-set UID than {entry.file_set_uid}"
        yield finding("other-file-set", "DICOMDIR", what, rows=_ROWS)
    yield from medium.findings
    yield from (missing.finding for missing in medium.missing())
    yield from compare(medium, compared)


def _beside(files: Sequence[TreeFile], entry: MediumEntry) -> frozenset[tuple[str, ...]]:
    """Return the paths of what lies beside a File-set that was written into a folder among other files.

    What lies in a folder of the File-set, and what has the name of one of its files, is not beside it.
    """
    if not entry.among_others:
        return frozenset()
    tops = {tolerant_key(file.path.split("/")[:1]) for file in entry.files} | {(TRAVELLING,)}
    return frozenset(file.path for file in files if tolerant_key(file.path[:1]) not in tops)


def _said_of(others: frozenset[tuple[str, ...]]) -> Iterator[Finding]:
    """Yield how many files lie beside a File-set; their names are not ours to tell."""
    if others:
        files = "1 file lies" if len(others) == 1 else f"{len(others):,} files lie"
        yield finding("files-beside", "medium", f"{files} beside the File-set", rows=_ROWS)


def _about(files: Sequence[TreeFile], some: Sequence[TreeFile], code: str, what: str) -> Iterator[Finding]:
    """Yield a Finding for each of some files, named by its number: a foreign path may hold a name."""
    numbers = {file.path: number for number, file in enumerate(files, 1)}
    for file in some:
        yield finding(code, f"file {numbers[file.path]} of the medium", what, rows=_ALL_ROWS)


def _reason(exc: Exception) -> str:
    """Say why without a path: other libraries quote them."""
    if isinstance(exc, SourceUnreadable):
        return str(exc).rstrip(".")
    return (exc.strerror if isinstance(exc, OSError) else None) or f"it is damaged ({type(exc).__name__})"


_ALL_ROWS = ROWS | _ROWS
