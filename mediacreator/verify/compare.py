"""Compare a finished medium with what was written: every file, every byte, nothing missing, nothing more."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from mediacreator.errors import MediumError, SourceUnreadable, VerificationFailed
from mediacreator.formats import open_tree
from mediacreator.formats.fat_reader import FatTree
from mediacreator.formats.iso9660_reader import IsoTree
from mediacreator.formats.placing import PlacedImage
from mediacreator.formats.tree import FileTree, FolderTree, ImageTree, TreeFile
from mediacreator.formats.udf_reader import UdfTree
from mediacreator.model import Finding, MediaImage, Progress, Severity, WrittenFile
from mediacreator.verify.hashing import UNREADABLE, drop_from_cache, hash_files, hash_folder, hash_image, hash_whole

_REMEDY = "The medium is not usable: create it again, on another disk if it happens twice."


Inspect = Callable[[FileTree], Iterable[Finding]]
"""Looks at an opened medium and says what is wrong: the walk of its DICOMDIR."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How images of one file system are read back, by a reader that shares no code with the writer."""

    open: Callable[[str], ImageTree]
    what: str  # as in "an ISO 9660 volume"
    recorded: Callable[[tuple[str, ...]], tuple[str, ...]]  # how a path is recorded
    label: Callable[[str], str]  # which label a File-set ID gives
    clause: str


def verify_image(
    path: str,
    expected: MediaImage,
    reading: Reading,
    *,
    volume_id: str | None = None,
    inspect: Inspect | None = None,
    progress: Progress,
) -> MediaImage:
    """Read an image back with a reader that is not its writer, and compare every file with what was written.

    Args:
        path: Of the image.
        expected: What the writer says that it wrote; of a ``PlacedImage`` what is no file's content is compared too.
        reading: How its file system is read.
        volume_id: The File-set ID that must be the label; None compares nothing (PS3.12 F.1.1).
        inspect: Looks at the medium as well, opened by the same reader.
        progress: Counts files and bytes.

    Returns:
        ``expected`` with this path and the SHA-256 of the whole image.

    Raises:
        VerificationFailed: The image differs; one Finding for each file and reason.
        MediumError: The image cannot be read.
    """
    progress.start("verify", len(expected.files), sum(file.size for file in expected.files))
    try:
        with reading.open(path) as tree:
            drop_from_cache(tree.fileno())
            findings = list(_about_volume(tree, expected, reading, volume_id))
            hashes, sha256 = hash_image(tree, progress)
            findings += tree.findings
            findings += inspect(tree) if inspect else ()
    except OSError as exc:
        raise MediumError(f"The image cannot be read back: {exc.strerror}.") from exc
    except SourceUnreadable as exc:
        finding = _finding("verify-no-volume", "image", str(exc).rstrip("."), reading.what)
        raise VerificationFailed("The image cannot be read back.", [finding]) from exc
    findings += _about_files(expected, hashes, reading.recorded)
    _raise(findings)
    return replace(expected, path=path, sha256=sha256)


def verify_iso(
    path: str,
    expected: MediaImage,
    *,
    volume_id: str | None = None,
    inspect: Inspect | None = None,
    progress: Progress,
) -> MediaImage:
    """Read an ISO 9660 image back; see ``verify_image``."""
    return verify_image(path, expected, ISO9660, volume_id=volume_id, inspect=inspect, progress=progress)


def verify_archive(
    path: str, expected: MediaImage, *, inspect: Inspect | None = None, progress: Progress
) -> MediaImage:
    """Read an archive or a mail back, with what opens those of others, and compare every file with what was written.

    Args:
        path: Of the archive or mail.
        expected: What the writer says that it wrote.
        inspect: Looks at the medium as well, opened by the same reader.
        progress: Counts files and bytes.

    Returns:
        ``expected`` with this path and the SHA-256 of the whole.

    Raises:
        VerificationFailed: It differs; one Finding for each file and reason.
        MediumError: It cannot be read.
    """
    progress.start("verify", len(expected.files), sum(file.size for file in expected.files))
    try:
        size, sha256 = hash_whole(path)
        with open_tree(path) as tree:
            findings = [*tree.findings, *_about_files(expected, hash_files(tree, progress), _plain)]
            findings += inspect(tree) if inspect else ()
    except OSError as exc:
        raise MediumError(f"The medium cannot be read back: {exc.strerror}.") from exc
    except SourceUnreadable as exc:
        finding = _finding("verify-no-volume", "image", str(exc).rstrip("."), "an archive or a mail")
        raise VerificationFailed("The medium cannot be read back.", [finding]) from exc
    if size != expected.size:
        findings.append(_finding("verify-image-size", "image", f"it has {size} bytes", f"{expected.size} bytes"))
    _raise(findings)
    return replace(expected, path=path, sha256=sha256)


def verify_folder(path: str, expected: MediaImage, *, inspect: Inspect | None = None, progress: Progress) -> MediaImage:
    """Read a folder back and compare every file with what was written.

    Args:
        path: Of the folder.
        expected: What the writer says that it wrote.
        inspect: Looks at the medium as well, opened by the same reader.
        progress: Counts files and bytes.

    Returns:
        ``expected`` with this path.

    Raises:
        VerificationFailed: The folder differs; one Finding for each file and reason.
        MediumError: The folder does not exist.
    """
    progress.start("verify", len(expected.files), sum(file.size for file in expected.files))
    if not os.path.isdir(path):
        raise MediumError("The folder is not there.")
    with FolderTree(path) as tree:
        files = tuple(tree.files())
        findings = [*tree.findings, *_about_files(expected, hash_folder(tree, files, progress), _plain)]
        findings += inspect(tree) if inspect else ()
    _raise(findings)
    return replace(expected, path=path)


def _raise(findings: list[Finding]) -> None:
    if findings:
        raise VerificationFailed(
            f"The medium read back is not what was written: {len(findings)} differences, the first one: {findings[0]}",
            findings,
        )


def _about_volume(tree: ImageTree, expected: MediaImage, reading: Reading, volume_id: str | None) -> Iterator[Finding]:
    if tree.size != expected.size:
        yield _finding("verify-image-size", "image", f"it has {tree.size} bytes", f"{expected.size} bytes")
    if volume_id is not None and tree.label != reading.label(volume_id):
        what, label = f"the Volume Identifier is {tree.label!r}", reading.label(volume_id)
        yield _finding("verify-volume-identifier", "image", what, f"the File-set ID {label!r}", reading.clause)
    if isinstance(expected, PlacedImage):
        digest = hashlib.sha256()
        for offset, size in expected.segments:
            digest.update(os.pread(tree.fileno(), size, offset))
        if digest.hexdigest() != expected.segments_sha256:
            what = f"the SHA-256 of its descriptors and directories is {digest.hexdigest()}"
            yield _finding("verify-descriptors", "image", what, expected.segments_sha256, reading.clause)


def _recorded(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return how ISO 9660 records a path; written out here again, as a witness of the writer (PS3.12 F.1.2.1)."""
    name = path[-1]
    return (*path[:-1], f"{name};1" if "." in name else f"{name}.;1")


def _plain(path: tuple[str, ...]) -> tuple[str, ...]:
    return path


ISO9660 = Reading(IsoTree, "an ISO 9660 volume", _recorded, str, "PS3.12 F.1.1, F.2.2")
FAT = Reading(FatTree, "a FAT volume", _plain, lambda file_set_id: file_set_id[:11], "PS3.12 A.1, A.2")
UDF = Reading(UdfTree, "a UDF volume", _plain, str, "PS3.12 J.2.1, P.2.1, X.2.1")


def _about_files(
    expected: MediaImage, hashes: dict[TreeFile, str], recorded: Callable[[tuple[str, ...]], tuple[str, ...]]
) -> Iterator[Finding]:
    found: dict[tuple[str, ...], tuple[TreeFile | None, str]] = {}
    for file, sha256 in hashes.items():
        path = (*file.path[:-1], file.raw_name)
        if path in found:
            yield _finding("verify-extra", f"level {len(path)}", "two files of one name", "each name once")
        found[path] = (file, sha256)
    for written in expected.files:
        known, sha256 = found.pop(recorded(written.path), (None, UNREADABLE))
        location = "/".join(written.path)
        if known is None:
            yield _finding("verify-missing", location, "the file is not there", f"{written.size} bytes", "PS3.10 8.1")
        else:
            yield from _about_file(location, written, known, sha256)
    for path in found:
        # Not one of our names: it could be anything, so it is not repeated.
        yield _finding(
            "verify-extra", f"level {len(path)}", "a file that was not written", "only files that were written"
        )


def _about_file(location: str, written: WrittenFile, file: TreeFile, sha256: str) -> Iterator[Finding]:
    if file.size != written.size:
        yield _finding("verify-size", location, f"it has {file.size} bytes", f"{written.size} bytes")
    elif sha256 == UNREADABLE:
        yield _finding(
            "verify-unreadable", location, "it cannot be read, or lies over another file", "a file of its own"
        )
    elif sha256 != written.sha256:
        yield _finding("verify-hash", location, f"its SHA-256 is {sha256}", written.sha256)


def _finding(code: str, location: str, what: str, expected: str, clause: str = "") -> Finding:
    return Finding(code, Severity.ERROR, location, what, expected, clause, _REMEDY)
