"""Find the files in ZIP archives, images and mails; nothing is extracted, archives inside them are not opened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mediacreator.errors import SourceUnreadable
from mediacreator.formats import IMAGES, FileTree, RefusingTree, TreeFile, tolerant_key
from mediacreator.formats.mail_parts import begins_mail
from mediacreator.formats.zip_reader import PROBLEMS, ZipLimits, ZipTree
from mediacreator.model import Container, Finding, Severity, SourceFile
from mediacreator.sources.reading import SCATTERED

if TYPE_CHECKING:
    from mediacreator.sources.search import Search

_ISO_MAGIC = slice(0x8001, 0x8006)
_LOSES_NOTHING = ("iso-truncated", "udf-truncated", "fat-truncated", "fat-backup-used")


def add_zip(search: Search, path: str, mtime_ns: int) -> None:
    """Add the members of a ZIP archive, in its order."""
    limits = ZipLimits(search.limits.members, search.limits.unpacked, search.limits.ratio)
    try:
        tree = ZipTree(path, limits)
    except SourceUnreadable as exc:
        _reject_whole(search, path, mtime_ns, exc)
        return
    with tree:
        for member in tree.members:
            file = member.file
            source = SourceFile(search.number(), path, file.size, mtime_ns, Container.ZIP, member.name, file.key)
            if member.problem:
                _reject(search, source, member.problem, PROBLEMS[member.problem])
            else:
                _add(search, source, tree, file)


def add_image(search: Search, path: str, mtime_ns: int, container: Container) -> None:
    """Add the files of an image or a mail; what it lost to damage is rejected."""
    try:
        tree = IMAGES[container](path)
    except SourceUnreadable as exc:
        _reject_whole(search, path, mtime_ns, exc)
        return
    with tree:
        _add_findings(search, path, mtime_ns, tree)
        for file in tree.files():
            source = SourceFile(search.number(), path, file.size, mtime_ns, container, file.name, start_of(file))
            _add(search, source, tree, file)
        for file, finding in tree.refused:
            search.reject(
                SourceFile(search.number(), path, file.size, mtime_ns, container, file.name, SCATTERED), finding
            )


def _add_findings(search: Search, path: str, mtime_ns: int, tree: RefusingTree) -> None:
    """Reject what an image lost and nobody can name; what loses nothing by itself is a warning."""
    named = {finding.code for _, finding in tree.refused}  # each of these files is rejected under its name
    for finding in tree.findings:
        if finding.code in _LOSES_NOTHING:
            search.note(replace(finding, severity=Severity.WARNING))
        elif finding.severity is not Severity.ERROR:
            search.note(finding)
        elif finding.code not in named:
            search.reject(SourceFile(search.number(), path, 0, mtime_ns), finding)


def _add(search: Search, source: SourceFile, tree: FileTree, file: TreeFile) -> None:
    if tolerant_key(file.path[-1:]) == ("DICOMDIR",):
        search.add_tree(source.path, source.container, file.path[:-1])
    if file.path[-1].lower().endswith((".zip", ".iso", ".img", ".eml")) and _is_archive(tree, file):
        _reject(search, source, "nested-archive", "an archive, image or mail inside another")
    else:
        search.files.append(source)


def _is_archive(tree: FileTree, file: TreeFile) -> bool:
    try:
        with tree.open(file.path) as stream:
            head = stream.read(_ISO_MAGIC.stop)
    except Exception:  # noqa: BLE001 - whatever damage there is shows again, and is reported, when it is scanned
        return False
    archive = head[:4] == b"PK\x03\x04" or head[_ISO_MAGIC] == b"CD001" or begins_mail(head)
    return archive and head[128:132] != b"DICM"


def start_of(file: TreeFile) -> int:
    """Return the offset of a file whose extents follow one another, else SCATTERED."""
    position = start = file.extents[0].offset if file.extents else 0
    for extent in file.extents:
        if extent.offset != position:
            return SCATTERED
        position += extent.size
    return start


def _reject(search: Search, source: SourceFile, code: str, what: str) -> None:
    remedy = "Unpack it into a folder and give that as source."
    expected = "files that can be read where they lie"
    search.reject(source, Finding(code, Severity.ERROR, source.location, what, expected, "PS3.12 V.2", remedy))


def _reject_whole(search: Search, path: str, mtime_ns: int, exc: SourceUnreadable) -> None:
    source = SourceFile(search.number(), path, 0, mtime_ns)
    remedy = "If you trust it, unpack or repair it yourself and give the folder as source."
    finding = Finding(
        "archive-refused", Severity.ERROR, source.location, str(exc).rstrip("."), "a sound archive or image", "", remedy
    )
    search.reject(source, finding)
