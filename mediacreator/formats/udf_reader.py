"""Read UDF 1.02 to 2.60 images, ours and others', without trusting them; shares no code with what writes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mediacreator.formats.image_tree import ImageTree, Refused
from mediacreator.formats.iso9660_volume import Findings
from mediacreator.formats.tree import MAX_DEPTH, TreeFile
from mediacreator.formats.udf_entries import Entries, Entry
from mediacreator.formats.udf_parsing import Place, is_deleted_name, long_place, number, parse_tag, read_at, text_of
from mediacreator.formats.udf_volume import LogicalVolume, NotUDF, VolumeFinder
from mediacreator.model import Container, Finding, Severity

_MAX_FILES = 1_000_000
_MAX_DIRECTORIES = 128 << 20  # bytes of all directories together
_MAX_LINK = 4096  # bytes of the path of a symbolic link
_STANDARD_LEVELS = 8  # PS3.12 J.1.3.1, P.1.3.1, X.1.3.1, root included
_FILE_SET, _IDENTIFIER = 256, 257  # Tag Identifiers (ECMA-167 4/7.2.1)
_HIDDEN, _DELETED, _PARENT = 0x01, 0x04, 0x08  # File Characteristics (ECMA-167 4/14.4.3)
_DIRECTORY, _LINK = 4, 12  # ICB file types (ECMA-167 4/14.6.6)
_NO_FILE = "Non-Allocatable Space"  # lists what may not be written, on media with spared packets (UDF 2.3.13)
_FILES = (0, 5, 249)  # 5 as UDF 2.3.5.2 says, 0 as PS3.12 P.2.1.6 does, 249 for real-time files


class UdfTree(ImageTree):
    """A UDF image as a ``FileTree``: everything is read once, when first asked for.

    Hostile images end in Findings, never in a loop: a directory is read once, all directories together are no longer
    than the image, and no extent leads outside it.
    """

    container = Container.UDF
    volume: LogicalVolume

    @property
    def label(self) -> str:
        """Logical Volume Identifier; "" where the volume itself has none, as one of an empty File-set ID."""
        return self.volume.label

    def records(self) -> Iterator[UdfRecord]:
        """Yield every file and directory as recorded: what is to be judged; what is wrong is said by ``files``."""
        entries = Entries(self._handle, self.volume.block_size, self.volume.partitions)
        return _Walk(self._handle, self.size, self.volume, entries, Findings(), []).records(self._root)

    def _find_volume(self) -> None:
        self.volume = VolumeFinder(self._handle, self.size, self._reported).find()
        self._entries = Entries(self._handle, self.volume.block_size, self.volume.partitions)
        self._root = self._find_root()

    def _find_root(self) -> Place:
        """Return where the root directory is. Source: ECMA-167 4/14.1.

        Raises:
            NotUDF: There is no File Set Descriptor.
        """
        for extent in self._entries.locate(self.volume.file_set):
            data = read_at(self._handle, extent.offset, 512)
            tag = parse_tag(data)
            if tag is not None and tag.identifier == _FILE_SET and len(data) == 512:
                return long_place(data, 400)
        raise NotUDF("The UDF volume has no File Set Descriptor that can be read.")

    def _walk(self, refused: Refused) -> Iterator[TreeFile]:
        return _Walk(self._handle, self.size, self.volume, self._entries, self._reported, refused).files(self._root)


@dataclass(frozen=True, slots=True)
class UdfRecord:
    """A file or directory as it is recorded."""

    position: int  # bytes from the start of the image, of its File Entry
    version: int  # File Version Number (ECMA-167 4/14.4.2)
    is_directory: bool
    permissions: int  # ECMA-167 4/14.9.5


@dataclass(frozen=True, slots=True)
class _Identifier:
    """A File Identifier Descriptor. Source: ECMA-167 4/14.4."""

    name: str
    version: int
    characteristics: int
    entry: Place


@dataclass(frozen=True, slots=True)
class _Folder:
    """A directory that is still to be read."""

    path: tuple[str, ...]
    entry: Place


class _Walk:
    """Reads the directories of one volume; what it notices goes into ``findings`` and ``refused``."""

    def __init__(
        self, handle: int, size: int, volume: LogicalVolume, entries: Entries, findings: Findings, refused: Refused
    ) -> None:
        self._handle = handle
        self._size = size
        self._volume = volume
        self._entries = entries
        self._report = findings.report
        self._refused = refused
        self._budget = min(size, _MAX_DIRECTORIES)  # directories never overlap: together they fit the image
        self._links: list[tuple[TreeFile, tuple[str, ...]]] = []

    def files(self, root: Place) -> Iterator[TreeFile]:
        """Yield the files of the volume, directory by directory, and then its links to them."""
        visited: set[tuple[int, int]] = set()
        known: dict[tuple[str, ...], TreeFile] = {}
        count = 0
        pending = [_Folder((), root)]
        while pending:
            folder = pending.pop()
            folders: list[_Folder] = []
            for identifier in self._directory(folder, visited):
                count += 1
                if count > _MAX_FILES:
                    self._say(
                        "udf-too-many", folder.entry, f"over {_MAX_FILES} files", "fewer", "", "The rest is not read."
                    )
                    return
                file = self._file(folder, identifier, folders)
                if file is not None:
                    known[file.path] = file
                    yield file
            pending.extend(reversed(folders))
        yield from self._resolved(known)

    def records(self, root: Place) -> Iterator[UdfRecord]:
        """Yield files and directories as recorded; those without a File Entry are left out."""
        visited: set[tuple[int, int]] = set()
        pending = [_Folder((), root)]
        while pending:
            folder = pending.pop()
            for identifier in self._directory(folder, visited):
                entry = self._entry(identifier.entry)
                if entry is None:
                    continue
                is_directory = entry.kind == _DIRECTORY
                if is_directory:
                    pending.append(_Folder((*folder.path, identifier.name), identifier.entry))
                position = self._entries.locate(identifier.entry)[0].offset
                yield UdfRecord(position, identifier.version, is_directory, entry.permissions)

    def _directory(self, folder: _Folder, visited: set[tuple[int, int]]) -> Iterator[_Identifier]:
        """Yield what a directory names; nothing when it may not be entered."""
        where, levels = folder.entry, len(folder.path) + 1
        if (where.partition, where.block) in visited:
            self._refuse_directory("udf-directory-loop", where, "a directory that is met twice", "each directory once")
            return
        visited.add((where.partition, where.block))
        entry = self._entry(where)
        if entry is None or entry.kind != _DIRECTORY or entry.problem:
            what = f"a directory that {entry.problem}" if entry and entry.problem else "a directory without File Entry"
            self._refuse_directory("udf-directory-refused", where, what, "directories inside the image")
            return
        if entry.size > self._budget or levels > MAX_DEPTH:
            what = f"a directory at level {levels} of {entry.size} bytes"
            self._refuse_directory("udf-directory-refused", where, what, "directories that fit the image")
            return
        self._budget -= entry.size
        if levels == _STANDARD_LEVELS + 1:
            self._say(
                "udf-too-deep",
                where,
                f"directories {levels} levels deep",
                "at most 8, the root included",
                "PS3.12 J.1.3.1, P.1.3.1, X.1.3.1",
                "It was read; other readers may not see it.",
                Severity.WARNING,
            )
        data = b"".join(read_at(self._handle, extent.offset, extent.size) for extent in entry.extents)
        yield from self._identifiers(data, where)

    def _identifiers(self, data: bytes, where: Place) -> Iterator[_Identifier]:
        position = 0
        while position < len(data):
            fixed = data[position : position + 38]
            tag = parse_tag(data[position : position + 2048])
            use, length = number(fixed, 36, 2), fixed[19] if len(fixed) == 38 else 0
            end = position + 38 + use + length
            if tag is None or tag.identifier != _IDENTIFIER or len(fixed) < 38 or end > len(data):
                self._say(
                    "udf-bad-record",
                    where,
                    f"a File Identifier Descriptor at byte {position} of a directory that does not hold together",
                    "38 bytes or more inside the directory",
                    "ECMA-167 4/14.4",
                    "The rest of the directory was not read; ask for a new medium.",
                )
                return
            if not tag.sound:
                self._say_unsound(where)
            name = data[end - length : end]
            if not fixed[18] & (_DELETED | _PARENT) and not is_deleted_name(name) and text_of(name) != _NO_FILE:
                yield _Identifier(_plain(text_of(name)), number(fixed, 16, 2), fixed[18], long_place(fixed, 20))
            position += -(-(end - position) // 4) * 4

    def _file(self, folder: _Folder, identifier: _Identifier, folders: list[_Folder]) -> TreeFile | None:
        """Return the file that an identifier names; a directory goes into ``folders``, a link waits until the end."""
        where, path = identifier.entry, (*folder.path, identifier.name)
        entry = self._entry(where)
        if entry is None:
            self._refuse(TreeFile(path, identifier.name, 0, 0), where, "has no File Entry")
            return None
        if entry.kind == _DIRECTORY:
            folders.append(_Folder(path, where))
            return None
        if not entry.sound:
            self._say_unsound(where)
        file = TreeFile(path, identifier.name, entry.size, entry.mtime_ns, entry.extents)
        if entry.kind == _LINK and not entry.problem and entry.size <= _MAX_LINK:
            self._links.append((file, self._target(folder.path, entry)))
            return None
        problem = entry.problem or ("" if entry.kind in _FILES else f"is of type {entry.kind}, neither file nor link")
        if problem:
            self._refuse(file, where, problem)
            return None
        if identifier.characteristics & _HIDDEN:
            self._say(
                "udf-hidden-file",
                where,
                "a hidden file",
                "files that every system shows",
                "PS3.12 J.2.1, P.2.1, X.2.1",
                "It was read; other readers may not see it.",
                Severity.WARNING,
            )
        return file

    def _entry(self, where: Place) -> Entry | None:
        return self._entries.read(where.block, where.partition) if where.size else None

    def _target(self, folder: tuple[str, ...], entry: Entry) -> tuple[str, ...]:
        """Return the path that a symbolic link leads to; () if it leads nowhere. Source: ECMA-167 4/14.16."""
        data = b"".join(read_at(self._handle, extent.offset, extent.size) for extent in entry.extents)
        path, position = list(folder), 0
        while position + 4 <= len(data):
            kind, length = data[position], data[position + 1]
            if kind in (1, 2):
                path = []
            elif kind == 3 and path:
                path.pop()
            elif kind == 5:
                path.append(_plain(text_of(data[position + 4 : position + 4 + length])))
            elif kind != 4:
                return ()
            position += 4 + length
        return tuple(path)

    def _resolved(self, known: dict[tuple[str, ...], TreeFile]) -> Iterator[TreeFile]:
        """Yield the links to files. Source: PS3.12 J.2.1.6, P.2.1.6, X.2.1.6 (links may lead to files)."""
        for link, path in self._links:
            target = known.get(path)
            if target is None:
                self._refuse(link, None, "is a link that leads to no file of the medium")
            else:
                yield replace(target, path=link.path, raw_name=link.raw_name)

    def _refuse(self, file: TreeFile, where: Place | None, problem: str) -> None:
        finding = self._say(
            "udf-extent-refused",
            where,
            f"a file {problem}",
            "files whose bytes are all recorded inside the image",
            "ECMA-167 4/12, 4/14.9",
            "The file was not read; copy the medium again.",
        )
        self._refused.append((file, finding))

    def _refuse_directory(self, code: str, where: Place, what: str, expected: str) -> None:
        self._say(code, where, what, expected, "ECMA-167 4/8.6", "Its files were not read; copy the medium again.")

    def _say_unsound(self, where: Place) -> None:
        self._say(
            "udf-checksum",
            where,
            "a descriptor whose CRC does not hold",
            "the CRC of its bytes",
            "ECMA-167 3/7.2",
            "It was read all the same; compare the file with what was sent.",
            Severity.WARNING,
        )

    def _say(
        self,
        code: str,
        where: Place | None,
        what: str,
        expected: str,
        clause: str,
        remedy: str,
        severity: Severity = Severity.ERROR,
    ) -> Finding:
        found = self._entries.locate(where) if where else ()
        position = found[0].offset if found else self._volume.position
        return self._report(code, position, what, expected, clause, remedy, severity)


def _plain(name: str) -> str:
    """Replace what no path component may hold. Source: UDF 4.2.2 (illegal characters become an underscore)."""
    return name.replace("/", "_").replace("\0", "_")
