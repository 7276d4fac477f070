"""What trees of images share, whatever the file system: the open image, and files that are read once when asked for."""

from __future__ import annotations

import io
import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

from mediacreator.errors import SourceUnreadable
from mediacreator.formats.iso9660_volume import Findings
from mediacreator.formats.positioned import ExtentReader
from mediacreator.formats.tree import IndexedTree, TreeFile
from mediacreator.model import Finding

Refused = list[tuple[TreeFile, Finding]]
"""Files that are recorded and were not read, each with the reason."""


class ImageTree(IndexedTree):
    """An image or a drive as a ``FileTree``."""

    def __init__(self, path: str) -> None:
        """Open it and look for the volume.

        Raises:
            SourceUnreadable: It cannot be read, or holds no volume of this kind.
        """
        self.path = path
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as exc:
            raise SourceUnreadable(f"The image cannot be opened: {exc.strerror}.") from exc
        self._closed = False
        self._files: tuple[TreeFile, ...] | None = None
        self._refused: Refused = []
        self._reported = Findings()
        try:
            self.size = os.lseek(self._handle, 0, os.SEEK_END)
            self._find_volume()
        except OSError as exc:
            self.close()
            raise SourceUnreadable(f"The image cannot be read: {exc.strerror}.") from exc
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _find_volume(self) -> None:
        """Read the descriptors of the volume."""

    @abstractmethod
    def _walk(self, refused: Refused) -> Iterator[TreeFile]:
        """Read the directories: those of a directory as recorded, then its directories as recorded."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the volume and its directories."""
        self._scan()
        return tuple(self._reported)

    @property
    def refused(self) -> tuple[tuple[TreeFile, Finding], ...]:
        """Every file that is recorded and was not read, and why: all of them, whereas ``findings`` end somewhere."""
        self._scan()
        return tuple(self._refused)

    @property
    def lost(self) -> tuple[TreeFile, ...]:
        """Files that are recorded and were not read."""
        return tuple(file for file, _ in self.refused)

    def files(self) -> Iterator[TreeFile]:
        """Yield every file: those of a directory as recorded, then its directories as recorded."""
        return iter(self._scan())

    def open(self, components: Sequence[str]) -> BinaryIO:
        """Open a file; see ``FileTree.open``. It reads until the tree is closed."""
        file = self.require(components)
        return cast(BinaryIO, io.BufferedReader(ExtentReader(self._handle, file.extents, close=False), 1 << 16))

    def fileno(self) -> int:
        """Return the descriptor of the image, for reading by position."""
        return self._handle

    def close(self) -> None:
        """Close the image."""
        if not self._closed:
            self._closed = True
            os.close(self._handle)

    def _scan(self) -> tuple[TreeFile, ...]:
        if self._files is None:
            self._refused = []
            try:
                self._files = tuple(self._walk(self._refused))
            except OSError as exc:
                raise SourceUnreadable(f"The image cannot be read: {exc.strerror}.") from exc
        return self._files
