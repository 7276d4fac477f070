"""Read ZIP archives without trusting them: names stay names, bombs are refused. Source: PS3.12 Annex V."""

from __future__ import annotations

import calendar
import stat
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

from mediacreator.errors import SourceUnreadable
from mediacreator.formats.tree import IndexedTree, TreeFile, plain_component
from mediacreator.model import Container, Finding, Severity

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
# LZMA is left out: its decoder takes as much memory as the member asks for.

_RATIO_FREE = 1 << 30  # an archive that unpacks to no more than this is harmless, whatever its ratio


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """How much an archive may hold before it is taken for a bomb."""

    members: int = 500_000
    size: int = 256 << 30  # bytes, unpacked, all members
    ratio: int = 200  # unpacked to packed, over all members; single black images reach 1000


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive, and why it cannot be read: ``problem`` is a code of Findings, or empty."""

    file: TreeFile
    name: str  # as recorded, with its folders
    method: int  # of compression (APPNOTE 4.4.5)
    problem: str = ""


class ZipTree(IndexedTree):
    """A ZIP archive as a ``FileTree``."""

    container = Container.ZIP

    def __init__(self, path: str, limits: ZipLimits | None = None, stream: BinaryIO | None = None) -> None:
        """Open an archive.

        Args:
            path: Of the archive, or of the file that holds it.
            limits: How much it may hold.
            stream: The archive itself, where it lies in another file; closed by who opened it.

        Raises:
            SourceUnreadable: It is damaged, or would unpack to more than the limits allow.
        """
        self.path = path
        try:
            self._zip = zipfile.ZipFile(stream or path)
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is damaged"
            raise SourceUnreadable(f"The ZIP archive cannot be read: {reason}.") from exc
        problem = _bomb(self._zip.infolist(), limits or ZipLimits())
        if problem:
            self._zip.close()
            raise SourceUnreadable(f"The ZIP archive is refused: {problem}.")
        self._infos = {info.header_offset: info for info in self._zip.infolist()}
        self.members = tuple(self._members())

    @property
    def label(self) -> None:
        """Return None: an archive has no Volume Identifier."""
        return

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Members that cannot be read, by their number in the archive."""
        return tuple(
            Finding(
                member.problem,
                Severity.ERROR,
                f"member {number}",
                PROBLEMS[member.problem],
                "stored or deflated members",
                "PS3.12 V.2",
                "Unpack the archive yourself.",
            )
            for number, member in enumerate(self.members, 1)
            if member.problem
        )

    @property
    def lost(self) -> tuple[TreeFile, ...]:
        """Members that cannot be read."""
        return tuple(member.file for member in self.members if member.problem)

    def files(self) -> Iterator[TreeFile]:
        """Yield every member that can be read, in the order of the archive."""
        return (member.file for member in self.members if not member.problem)

    def open(self, components: Sequence[str]) -> BinaryIO:
        """Open a member; see ``FileTree.open``. It never yields more bytes than the archive declares."""
        return self.open_file(self.require(components))

    def open_file(self, file: TreeFile) -> BinaryIO:
        """Open a member that ``files`` gave, which its path need not tell from others."""
        try:
            return cast(BinaryIO, self._zip.open(self._infos[file.key]))
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as exc:
            raise SourceUnreadable(f"{file.name} cannot be read: the archive is damaged.") from exc

    def close(self) -> None:
        """Close the archive."""
        self._zip.close()

    def _members(self) -> Iterator[Member]:
        for info in self._zip.infolist():
            if info.is_dir():
                continue
            parts = [part for part in info.filename.split("/") if part] or [info.filename]
            path = (*parts[:-1], plain_component(parts[-1]))
            yield Member(
                TreeFile(path, info.filename.rpartition("/")[2], info.file_size, _mtime(info), key=info.header_offset),
                info.filename,
                info.compress_type,
                _problem(info),
            )


PROBLEMS = {
    "encrypted-member": "an encrypted member of an archive",
    "unsupported-compression": "a member of an archive in a compression method that is not read",
    "link-in-archive": "a member of an archive that is a link or a device",
}
"""What each code that a ``Member`` can have means."""


def _mtime(info: zipfile.ZipInfo) -> int:
    """Return when a member was modified; 0 where it has no date, as month 0 is none."""
    try:
        return calendar.timegm((*info.date_time, 0, 0, 0)) * 1_000_000_000
    except ValueError:
        return 0


def _problem(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if info.flag_bits & 0x1:
        return "encrypted-member"
    if info.compress_type not in _METHODS:
        return "unsupported-compression"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "link-in-archive"
    return ""


def _bomb(infos: Sequence[zipfile.ZipInfo], limits: ZipLimits) -> str:
    """Say why an archive is taken for a bomb; empty when it is not."""
    if len(infos) > limits.members:
        return f"{len(infos)} members, at most {limits.members} are read"
    unpacked = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if unpacked > limits.size:
        return f"it unpacks to {unpacked} bytes, at most {limits.size} are read"
    if unpacked > min(_RATIO_FREE, limits.size) and unpacked > limits.ratio * max(packed, 1):
        return f"it unpacks {packed} bytes to {unpacked}, at most {limits.ratio} times as much is read"
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            return "its members overlap"
        end = info.header_offset + 30 + info.compress_size
    return ""
