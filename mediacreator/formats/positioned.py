"""Files that lie in another one, as raw streams: any byte can be had without those before it."""

from __future__ import annotations

import io
import os
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from mediacreator.formats.tree import Extent


class PositionedReader(io.RawIOBase):
    """A read-only file of known size, of which one method gives the bytes at a position."""

    name = ""  # it has none, and pydicom asks each BufferedReader for it

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._position = 0

    @abstractmethod
    def _at(self, position: int, count: int) -> bytes:
        """Return up to ``count`` bytes from a position inside the file on; one at least."""

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; past the end is allowed and reads nothing."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(22, "seek before the first byte")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's WriteableBuffer
        """Read what there is at the position; 0 at the end."""
        if self._position >= self._size:
            return 0
        data = self._at(self._position, len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


class ExtentReader(PositionedReader):
    """A file over extents of an image. Reads by position, so readers never disturb each other."""

    def __init__(self, handle: int, extents: Sequence[Extent], *, close: bool) -> None:
        """Take an open image.

        Args:
            handle: Of the image.
            extents: In their order.
            close: Whether the handle is this reader's own, and closed with it.
        """
        self._ends = tuple(accumulate(extent.size for extent in extents))
        super().__init__(self._ends[-1] if self._ends else 0)
        self._handle = handle
        self._close_handle = close
        self._extents = tuple(extents)

    def close(self) -> None:
        """Close the handle when it is this reader's own."""
        if not self.closed and self._close_handle:
            os.close(self._handle)
        super().close()

    def _at(self, position: int, count: int) -> bytes:
        """Read from one extent."""
        number = bisect_right(self._ends, position)
        extent, left = self._extents[number], self._ends[number] - position
        return os.pread(self._handle, min(count, left), extent.offset + extent.size - left)
