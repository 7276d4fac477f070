"""Read what lies on a medium: the header of every file, what cannot be read, and Secure DICOM Files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mediacreator.formats import FileTree, TreeFile
from mediacreator.model import Container, Finding, Header, Outcome, Progress, SourceFile
from mediacreator.rules.tables import Key
from mediacreator.scan import scan
from mediacreator.sources.reading import SCATTERED

Path = tuple[str, ...]
"""Of a file on the medium, component by component."""

_PKCS_7 = bytes.fromhex("06092a864886f70d0107")  # 1.2.840.113549.1.7: content types of PKCS #7
_S_MIME = bytes.fromhex("060b2a864886f70d01091001")  # 1.2.840.113549.1.9.16.1: of S/MIME
_SEQUENCE = 0x30
_HEAD = 32  # bytes that show what a CMS message is


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of a medium by their paths; each is in one of the first four."""

    headers: Mapping[Path, Header]
    damaged: Mapping[Path, Finding]  # cannot be read, or is cut off
    secure: frozenset[Path]  # Secure DICOM Files
    foreign: frozenset[Path]  # no DICOM
    remarks: Mapping[Path, Sequence[Finding]] = field(default_factory=dict)  # about files that could be read
    sources: Mapping[Path, SourceFile] = field(default_factory=dict)


def read_contents(
    tree: FileTree, files: Sequence[TreeFile], wanted: Iterable[Key], *, workers: int, progress: Progress
) -> Contents:
    """Read the header of each file once.

    Args:
        tree: The medium.
        files: Of the medium; not its DICOMDIR.
        wanted: The attributes that tables and profiles name.
        workers: Processes that read.
        progress: Told of each chunk.

    Source: PS3.10 7.1, 7.4.
    """
    sources = {file.path: _source(tree, file, number) for number, file in enumerate(files, 1)}
    by_number = dict(enumerate(sources, 1))
    scanned = scan(tuple(sources.values()), wanted, workers=workers, progress=progress)
    damaged: dict[Path, Finding] = {}
    secure: set[Path] = set()
    foreign: set[Path] = set()
    for other in scanned.others:
        path = by_number[other.source.number]
        if other.outcome is Outcome.REJECTED:
            damaged[path] = other.finding
        elif is_secure(head_of(tree, path)):
            secure.add(path)
        else:
            foreign.add(path)
    by_location = {source.location: path for path, source in sources.items()}
    remarks: dict[Path, list[Finding]] = {}
    for found in scanned.findings:
        remarks.setdefault(by_location[found.location], []).append(found)
    headers = {by_number[header.source.number]: header for header in scanned.headers}
    return Contents(headers, damaged, frozenset(secure), frozenset(foreign), remarks, sources)


def _source(tree: FileTree, file: TreeFile, number: int) -> SourceFile:
    if tree.container is Container.FILE:
        path = os.path.join(tree.path, *file.path[:-1], file.raw_name)
        return SourceFile(number, path, file.size, file.mtime_ns)
    mtime_ns = os.stat(tree.path).st_mtime_ns
    offset = file.key if tree.container is Container.ZIP else _start(file)
    return SourceFile(number, tree.path, file.size, mtime_ns, tree.container, file.name, offset)


def _start(file: TreeFile) -> int:
    return file.extents[0].offset if len(file.extents) == 1 else SCATTERED


def head_of(tree: FileTree, path: Path) -> bytes:
    """Return the first bytes of a file, none if it cannot be read."""
    try:
        with tree.open(path) as stream:
            return stream.read(_HEAD)
    except Exception:  # noqa: BLE001  a damaged archive or drive may raise anything; who reads it all says so
        return b""


def is_secure(head: bytes) -> bool:
    """Tell a Secure DICOM File by its first bytes: ContentInfo of the Cryptographic Message Syntax in BER.

    Args:
        head: The first 32 bytes of the file, or all of it.

    Source: PS3.10 7.4, PS3.15 D.1, RFC 5652 3.
    """
    if len(head) < 4 or head[0] != _SEQUENCE:
        return False
    length = head[1]
    start = 2 + (length & 0x7F if length & 0x80 else 0)  # 80H: of undefined length
    return head[start:].startswith((_PKCS_7, _S_MIME))
