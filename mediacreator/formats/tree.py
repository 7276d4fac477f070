"""A tree of files as a medium holds it, whatever the file system; and a folder as such a tree."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Protocol, Self

from mediacreator.errors import SourceUnreadable
from mediacreator.model import Container, Finding, Severity

MAX_DEPTH = 32
"""Directory levels that are followed on a medium of others; the standard allows 8 (PS3.12 F.1.2.1)."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Bytes ``offset`` to ``offset + size`` of an image."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file of a tree. ``path`` and ``raw_name`` may hold a patient's name on a medium that others made."""

    path: tuple[str, ...]  # components as on the medium, without version and trailing dot (``.;1``)
    raw_name: str  # the last component as recorded
    size: int  # bytes
    mtime_ns: int  # since 1970-01-01 UTC; ISO 9660: Recording Date and Time; 0 where there is none
    extents: tuple[Extent, ...] = ()  # in an image; () elsewhere
    key: int = 0  # ZIP: offset of the local header

    @property
    def name(self) -> str:
        """Join the path with slashes."""
        return "/".join(self.path)


class FileTree(Protocol):
    """The files of one medium, opened for reading; a context manager."""

    path: str
    container: Container

    @property
    def label(self) -> str | None:
        """Volume Identifier without trailing spaces; ``""`` when blank, None where a tree has none (folder, ZIP)."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the tree itself, found by reading all of it."""

    @property
    def lost(self) -> tuple[TreeFile, ...]:
        """Files that are recorded and cannot be read; none of ``files``."""

    def files(self) -> Iterator[TreeFile]:
        """Yield every file, in a stable order."""

    def find(self, components: Sequence[str]) -> TreeFile | None:
        """Find a file by its path; first as asked, then whatever the case, ``;1`` and trailing dot.

        What differs can be seen by comparing ``TreeFile.path`` and ``components``. Source: PS3.12 F.1.2.1 (note).
        """

    def open(self, components: Sequence[str]) -> BinaryIO:
        """Open a file that ``find`` finds. Seekable.

        Raises:
            SourceUnreadable: It is not there, or cannot be read.
        """

    def close(self) -> None:
        """Give back what is held open."""

    def __enter__(self) -> FileTree: ...

    def __exit__(self, *exc: object) -> None: ...


class ImageTree(FileTree, Protocol):
    """The files of an image, whose bytes can be read by position as well."""

    size: int  # bytes, of the image

    def fileno(self) -> int:
        """Return the descriptor of the image, for reading by position."""

    def __enter__(self) -> ImageTree: ...


class RefusingTree(ImageTree, Protocol):
    """An image whose files may be recorded and beyond reading."""

    @property
    def refused(self) -> tuple[tuple[TreeFile, Finding], ...]:
        """Every file that is recorded and was not read, and why: all of them, whereas ``findings`` end somewhere."""

    def __enter__(self) -> RefusingTree: ...


def plain_component(name: str) -> str:
    """Remove the version number and the trailing dot that ISO 9660 records (PS3.12 F.1.2.1)."""
    stem, semicolon, version = name.rpartition(";")
    if semicolon and version.isdigit():
        name = stem
    return name.removesuffix(".") or name


def tolerant_key(components: Iterable[str]) -> tuple[str, ...]:
    """Return what names have in common that systems show differently: case, version, trailing dot."""
    return tuple(plain_component(component).upper() for component in components)


class PathIndex:
    """Finds files by path: as written, or tolerantly when that is not ambiguous with an exact one."""

    def __init__(self, files: Iterable[TreeFile]) -> None:
        self._exact: dict[tuple[str, ...], TreeFile] = {}
        self._tolerant: dict[tuple[str, ...], TreeFile] | None = None
        for file in files:
            self._exact.setdefault(file.path, file)

    def find(self, components: Sequence[str]) -> TreeFile | None:
        """Find a file; None when there is none."""
        exact = self._exact.get(tuple(components))
        if exact is not None:
            return exact
        if self._tolerant is None:  # a medium whose names are as they should be never needs it
            self._tolerant = {}
            for file in self._exact.values():
                self._tolerant.setdefault(tolerant_key(file.path), file)
        return self._tolerant.get(tolerant_key(components))


class IndexedTree(ABC):
    """What trees of every kind share: looking a file up, and closing at the end of a ``with``."""

    _index: PathIndex | None = None

    @property
    def lost(self) -> tuple[TreeFile, ...]:
        """Return none: what cannot be read shows when it is."""
        return ()

    @abstractmethod
    def files(self) -> Iterator[TreeFile]:
        """Yield every file."""

    @abstractmethod
    def close(self) -> None:
        """Give back what is held open."""

    def find(self, components: Sequence[str]) -> TreeFile | None:
        """Find a file; see ``FileTree.find``."""
        if self._index is None:
            self._index = PathIndex(self.files())
        return self._index.find(components)

    def require(self, components: Sequence[str]) -> TreeFile:
        """Find a file that must be there.

        Raises:
            SourceUnreadable: It is not.
        """
        file = self.find(components)
        if file is None:
            raise SourceUnreadable(f"{'/'.join(components)} is not on the medium.")
        return file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class SubTree:
    """A folder of a tree as a tree of its own: a File-set below a wrapper folder."""

    def __init__(self, tree: FileTree, within: Sequence[str]) -> None:
        self._tree = tree
        self._within = tuple(within)
        self.path = tree.path
        self.container = tree.container

    @property
    def label(self) -> str | None:
        """Label of the whole tree."""
        return self._tree.label

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings about the whole tree."""
        return self._tree.findings

    @property
    def lost(self) -> tuple[TreeFile, ...]:
        """Files of the folder that cannot be read, their paths from the folder on."""
        return tuple(self._below(self._tree.lost))

    def files(self) -> Iterator[TreeFile]:
        """Yield the files of the folder, their paths from the folder on."""
        return self._below(self._tree.files())

    def find(self, components: Sequence[str]) -> TreeFile | None:
        """Find a file; see ``FileTree.find``."""
        found = self._tree.find((*self._within, *components))
        return found and replace(found, path=found.path[len(self._within) :])

    def open(self, components: Sequence[str]) -> BinaryIO:
        """Open a file; see ``FileTree.open``."""
        return self._tree.open((*self._within, *components))

    def close(self) -> None:
        """Close the whole tree."""
        self._tree.close()

    def _below(self, files: Iterable[TreeFile]) -> Iterator[TreeFile]:
        depth = len(self._within)
        for file in files:
            if file.path[:depth] == self._within:
                yield replace(file, path=file.path[depth:])

    def __enter__(self) -> SubTree:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class FolderTree(IndexedTree):
    """A folder, searched recursively; links are followed inside it and never out of it."""

    container = Container.FILE

    def __init__(self, path: str) -> None:
        self.path = path
        self._root = os.path.realpath(path)
        self._findings: list[Finding] = []
        self._files: tuple[TreeFile, ...] | None = None

    @property
    def label(self) -> None:
        """Return None: a folder has no Volume Identifier."""
        return

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What could not be followed or read."""
        self._scan()
        return tuple(self._findings)

    def files(self) -> Iterator[TreeFile]:
        """Yield every regular file: those of a folder by name, then its folders by name."""
        return iter(self._scan())

    def open(self, components: Sequence[str]) -> BinaryIO:
        """Open a file; see ``FileTree.open``."""
        file = self.require(components)
        try:
            return os.fdopen(os.open(self.path_of(file), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
        except OSError as exc:
            raise SourceUnreadable(f"{'/'.join(components)} cannot be read: {exc.strerror}.") from exc

    def path_of(self, file: TreeFile) -> str:
        """Return the path of a file in the file system of this machine."""
        return os.path.join(self.path, *file.path[:-1], file.raw_name)

    def close(self) -> None:
        """Do nothing: no file is held open."""

    def _scan(self) -> tuple[TreeFile, ...]:
        if self._files is None:
            self._files = tuple(self._walk())
        return self._files

    def _walk(self) -> Iterator[TreeFile]:
        visited = set()
        pending: list[tuple[str, ...]] = [()]
        while pending:
            path = pending.pop()
            where = os.path.join(self.path, *path)
            try:
                status = os.stat(where)
                entries = sorted(os.scandir(where), key=lambda entry: entry.name)
            except OSError as exc:
                self._report("unreadable-folder", f"a folder cannot be read: {exc.strerror}", "readable folders")
                continue
            if (status.st_dev, status.st_ino) in visited or len(path) >= MAX_DEPTH:
                self._report("folder-loop", f"a folder at level {len(path) + 1} is met again or too deep", "no loops")
                continue
            visited.add((status.st_dev, status.st_ino))
            folders = []
            for entry in entries:
                kind = self._kind(entry)
                if kind == stat.S_IFDIR:
                    folders.append((*path, entry.name))
                elif kind == stat.S_IFREG:
                    found = entry.stat()
                    yield TreeFile((*path, plain_component(entry.name)), entry.name, found.st_size, found.st_mtime_ns)
            pending.extend(reversed(folders))

    def _kind(self, entry: os.DirEntry[str]) -> int:
        """Return the type of what an entry leads to; 0 for what is not followed."""
        try:
            if entry.is_symlink():
                target = os.path.realpath(entry.path)
                if os.path.commonpath((self._root, target)) != self._root:
                    self._report("link-out-of-medium", "a link leads out of the folder", "links inside the medium")
                    return 0
            mode = entry.stat().st_mode
        except OSError as exc:
            self._report("unreadable-file", f"an entry cannot be read: {exc.strerror}", "readable files")
            return 0
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            self._report("not-a-file", "an entry is a pipe, socket or device", "files and folders")
            return 0
        return stat.S_IFMT(mode)

    def _report(self, code: str, what: str, expected: str) -> None:
        remedy = "What lies there was not read; look at the folder."
        self._findings.append(Finding(code, Severity.WARNING, "folder", what, expected, "", remedy))
