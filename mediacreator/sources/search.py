"""Find every file of the sources, each once and in a stable order, without hanging on what others left there."""

from __future__ import annotations

import os
import stat
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter

from mediacreator.errors import SourceUnreadable
from mediacreator.formats import recognise
from mediacreator.formats.tree import plain_component
from mediacreator.model import Container, Disposition, Finding, Outcome, Severity, SourceFile

_ARCHIVE_ENDINGS = tuple(
    ending for plain in (".zip", ".iso", ".img", ".eml") for ending in (plain, plain.upper(), plain.title())
)
"""Files in folders whose content is looked at; those named by the caller always are."""
_DICOMDIR = ("DICOMDIR", "dicomdir", "Dicomdir", "DicomDir", "DICOMDir")


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a search stops, so that hostile sources cannot exhaust the machine."""

    files: int = 5_000_000
    depth: int = 64  # folders below a source
    members: int = 500_000  # of one archive
    unpacked: int = 256 << 30  # bytes of one archive, unpacked
    ratio: int = 200  # unpacked to packed, of archives that unpack to more than 1 GiB


@dataclass(frozen=True, slots=True)
class MediumRoot:
    """A folder that holds a DICOMDIR: the root of a File-set. ``formats.open_tree(path, within)`` opens it."""

    path: str  # of the folder, archive or image
    container: Container
    within: tuple[str, ...] = ()  # folder inside the archive or image


@dataclass(frozen=True, slots=True)
class Sources:
    """What was found. Files and others share one sequence of numbers, from 1 in the order found."""

    files: tuple[SourceFile, ...]
    others: tuple[Disposition, ...] = ()  # what cannot be read or is no file; each found thing exactly once
    findings: tuple[Finding, ...] = ()  # said for the record: links that lead to what was found already
    trees: tuple[MediumRoot, ...] = ()  # what their DICOMDIR promises is to be compared with what is there


def find_sources(paths: Sequence[str], *, limits: Limits | None = None) -> Sources:
    """Find the files below folders and in archives and images, and files named one by one.

    Folders are searched recursively: first their files by name, then their folders by name. Links are followed unless
    they lead to a folder that was searched already. A file reached twice counts once. ZIP archives, images and mails
    are recognised by content; in folders only among files that end in .zip, .iso, .img or .eml. Nothing but these and
    folders is opened here.

    Args:
        paths: In the order given by the user.
        limits: Guards against archives and trees made to exhaust the machine.

    Raises:
        SourceUnreadable: A path does not exist, or the sources hold more files than the limit.
    """
    search = Search(limits or Limits())
    for number, path in enumerate(paths, 1):
        search.add_argument(path, number)
    return search.result()


class Search:
    """The state of one search."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.files: list[SourceFile] = []
        self._others: list[Disposition] = []
        self._findings: list[Finding] = []
        self._trees: list[MediumRoot] = []
        self._folders: set[tuple[int, int]] = set()
        self._seen: dict[int, dict[int, int]] = {}  # device -> inode -> number of the source; negative: an archive
        self._containers: dict[int, tuple[int, int]] = {}  # negative number -> size and time of modification
        self._argument = 0
        self._number = 0

    def result(self) -> Sources:
        """Freeze what was found."""
        return Sources(tuple(self.files), tuple(self._others), tuple(self._findings), tuple(self._trees))

    def add_argument(self, path: str, number: int) -> None:
        """Search one path that the caller named."""
        self._argument = number
        try:
            status = os.stat(path)
        except OSError as exc:
            raise SourceUnreadable(
                f"Source argument {number} cannot be read: {exc.strerror}. Check its spelling and permissions."
            ) from exc
        if stat.S_ISDIR(status.st_mode):
            self._walk(path)
        elif stat.S_ISREG(status.st_mode) or stat.S_ISBLK(status.st_mode):
            self._add_file(path, status, look=True)
        else:
            self._not_a_file(path)

    def number(self) -> int:
        """Give the next number."""
        self._number += 1
        return self._number

    def add_tree(self, path: str, container: Container = Container.FILE, within: tuple[str, ...] = ()) -> None:
        """Note the root of a File-set."""
        self._trees.append(MediumRoot(path, container, within))

    def note(self, finding: Finding) -> None:
        """Note something for the record."""
        self._findings.append(replace(finding, location=f"source argument {self._argument}, {finding.location}"))

    def reject(self, source: SourceFile, finding: Finding) -> None:
        """Note a file that should be on the medium and cannot be read."""
        self._others.append(Disposition(source, Outcome.REJECTED, replace(finding, location=source.location)))

    def _walk(self, root: str) -> None:
        pending = [(root, 0)]
        while pending:
            path, depth = pending.pop()
            if self._number > self.limits.files:
                raise SourceUnreadable(
                    f"The sources hold more than {self.limits.files} files. Name the folders that are needed."
                )
            try:
                status = os.stat(path)
                if (status.st_dev, status.st_ino) in self._folders and status.st_ino:
                    self._note_again("folder-again", "a link or argument leads to a folder that was searched already")
                    continue
                if depth > self.limits.depth:
                    raise OSError(0, f"over {self.limits.depth} folders deep")
                self._folders.add((status.st_dev, status.st_ino))
                with os.scandir(path) as entries:
                    found = sorted(entries, key=_by_name)
            except OSError as exc:
                self._unreadable(path, "unreadable-folder", f"a folder cannot be read: {exc.strerror}")
                continue
            folders = [(folder, depth + 1) for folder in self._add_entries(path, found)]
            pending.extend(reversed(folders))

    def _add_entries(self, folder: str, entries: list[os.DirEntry[str]]) -> list[str]:
        """Add the files of a folder and return its folders."""
        folders = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
                continue
            try:
                status = entry.stat()
            except FileNotFoundError:
                self._unreadable(entry.path, "broken-link", "a link that leads nowhere")
                continue
            except OSError as exc:
                self._unreadable(entry.path, "unreadable-file", f"it cannot be read: {exc.strerror}")
                continue
            kind = status.st_mode & 0o170000
            if kind == stat.S_IFREG:
                name = entry.name
                if name[:8] in _DICOMDIR and plain_component(name).upper() == "DICOMDIR":
                    self.add_tree(folder)
                self._add_file(entry.path, status, look=name.endswith(_ARCHIVE_ENDINGS))
            elif kind == stat.S_IFDIR:
                folders.append(entry.path)
            else:
                self._not_a_file(entry.path)
        return folders

    def _add_file(self, path: str, status: os.stat_result, *, look: bool) -> None:
        inode, size, mtime_ns = status.st_ino, status.st_size, status.st_mtime_ns
        seen = self._seen.get(status.st_dev)
        if seen is None:
            seen = self._seen[status.st_dev] = {}
        if inode and inode in seen and self._is_again(seen[inode], size, mtime_ns):
            return
        container = self._recognise(path) if look else Container.FILE
        if container is Container.FILE:
            self._number = number = self._number + 1
            if inode:
                seen[inode] = number
            self.files.append(SourceFile(number, path, size, mtime_ns))
        elif container is not None:
            seen[inode] = known = -1 - len(self._containers)
            self._containers[known] = (size, mtime_ns)
            _expand(container)(self, path, mtime_ns)

    def _is_again(self, known: int, size: int, mtime_ns: int) -> bool:
        """Say whether a file was added already; one inode number alone is not believed.

        File systems over a network are known to give two files one number, and a file that is left out is worse than
        one that is looked at twice. ``known`` is the number of a source, or negative for an archive.
        """
        if known < 0:
            same = self._containers.get(known) == (size, mtime_ns)
        else:
            file = self.files[bisect_left(self.files, known, key=_number)]
            same = file.size == size and file.mtime_ns == mtime_ns
        if same:
            what = f"a link or argument leads to {f'source {known}' if known > 0 else 'an archive'} again"
            self._note_again("file-again", what)
        return same

    def _recognise(self, path: str) -> Container | None:
        try:
            return recognise(path)
        except OSError as exc:
            self._unreadable(path, "unreadable-file", f"it cannot be read: {exc.strerror}")
            return None

    def _note_again(self, code: str, what: str) -> None:
        remedy = "It counts once; nothing to do."
        self.note(Finding(code, Severity.NOTE, "link", what, "each file once", "", remedy))

    def _unreadable(self, path: str, code: str, what: str) -> None:
        remedy = "Give yourself permission to read it or repair it, then start again."
        source = SourceFile(self.number(), path, 0, 0)
        self.reject(source, Finding(code, Severity.ERROR, "", what, "something that can be read", "", remedy))

    def _not_a_file(self, path: str) -> None:
        source = SourceFile(self.number(), path, 0, 0)
        what = "it is a pipe, a socket or a device"
        remedy = "It was not opened; nothing to do."
        finding = Finding("not-a-file", Severity.NOTE, source.location, what, "files and folders", "PS3.10 7", remedy)
        self._others.append(Disposition(source, Outcome.NOT_DICOM, finding))


_by_name = attrgetter("name")
_number = attrgetter("number")


def _expand(container: Container) -> Callable[[Search, str, int], None]:
    from mediacreator.sources import containers

    if container is Container.ZIP:
        return containers.add_zip
    return partial(containers.add_image, container=container)
