"""Copy the content of files to a medium while hashing it: one thread reads, one hashes, one writes.

Memory is a few buffers, whatever the number and size of files: so many that the slowest thread waits for no other one.
"""

from __future__ import annotations

import errno
import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mediacreator.errors import MediumError, NoSpace
from mediacreator.image.disc import DiscFile, late_bytes
from mediacreator.model import Progress, WrittenFile
from mediacreator.sources.reading import BodyReader

if TYPE_CHECKING:
    from concurrent.futures import Future

BUFFER = 2 << 20
"""Bytes that are handed from thread to thread; a multiple of a sector."""

_BUFFERS = 4
"""With two, each thread waits for the others at every turn: a file of 4 GB took a fifth longer on two cores."""

_spare: list[memoryview] = []
"""Buffers that the last copy of this process needs no more: making them costs as much as copying half of them."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes ``start`` to ``stop`` of a buffer belong to a file."""

    file: int  # index in the order of the medium
    start: int
    stop: int
    first: bool
    last: bool


class Target(Protocol):
    """Where content goes; called in another thread, in order."""

    def write(self, buffer: memoryview, pieces: Sequence[Piece]) -> None:
        """Write what a buffer holds."""


class Copy:
    """Copies files to a target and remembers their hashes."""

    def __init__(
        self,
        files: Sequence[DiscFile],
        target: Target,
        progress: Progress,
        *,
        align: int,
        before: Sequence[WrittenFile] = (),
    ) -> None:
        """Take the files in the order of the medium.

        Args:
            files: The late one last.
            target: Takes the content.
            progress: Told of whole files and their bytes, in the calling thread.
            align: Each file is filled up to a multiple of this many bytes with zeros.
            before: What was written already, for the late file.
        """
        self._files = files
        self._target = target
        self._progress = progress
        self._align = align
        self._hash = hashlib.sha256()
        self._before = len(before)
        self._written: list[WrittenFile] = [*before]
        self._free: list[memoryview] = []
        self._busy: deque[tuple[memoryview, Future[None], Future[None]]] = deque()  # being hashed and written
        self._told = self._before

    def run(self) -> tuple[WrittenFile, ...]:
        """Copy everything.

        Returns:
            What was written now, in order.

        Raises:
            NoSpace: The target is full.
            MediumError: The target cannot be written.
            SourceChanged, SourceUnreadable: A source is not what it was, or cannot be read.
        """
        from concurrent.futures import ThreadPoolExecutor

        self._free = [_buffer() for _ in range(_BUFFERS)]
        # One thread each, so that both take the buffers in their order.
        with (
            ThreadPoolExecutor(1, "mediacreator-hash") as hashing,
            ThreadPoolExecutor(1, "mediacreator-write") as writing,
        ):
            try:
                for buffer, used, pieces in self._filled():
                    hashed = hashing.submit(self._hash_pieces, buffer[:used], pieces)
                    self._busy.append((buffer, hashed, writing.submit(self._target.write, buffer[:used], pieces)))
                self._settle()
            except BaseException:
                for pool in (hashing, writing):
                    pool.shutdown(wait=False, cancel_futures=True)
                raise
        _spare.extend(self._free)
        return tuple(self._written[self._before :])

    def _settle(self, left: int = 0) -> None:
        """Wait until no more than ``left`` buffers are being hashed and written; only then are their files done."""
        while len(self._busy) > left:
            buffer, hashed, wrote = self._busy.popleft()
            hashed.result()
            wrote.result()
            self._free.append(buffer)
        done = self._written[self._told :]
        self._told += len(done)
        if done:
            self._progress.advance(len(done), sum(file.size for file in done))

    def _taken(self) -> memoryview:
        """Return a buffer that nobody uses, at the latest the one that was filled first."""
        if not self._free:
            self._settle(_BUFFERS - 1)
        return self._free.pop()

    def _filled(self) -> Iterator[tuple[memoryview, int, list[Piece]]]:
        """Yield buffers filled with the content of the files, one after the other."""
        buffer, used = self._taken(), 0
        pieces: list[Piece] = []
        for index, file in enumerate(self._files):
            if file.late is not None:  # everything before it has to be written
                yield buffer, used, pieces
                self._settle()
                buffer, used, pieces = self._taken(), 0, []
            with _Content(file, self._written) as content:
                first = True
                while first or content.left:
                    if used == BUFFER:
                        yield buffer, used, pieces
                        buffer, used, pieces = self._taken(), 0, []
                    stop = used + min(content.left, BUFFER - used)
                    content.fill(buffer[used:stop])
                    pieces.append(Piece(index, used, stop, first, not content.left))
                    first, used = False, stop
            fill = -used % self._align
            if fill:
                buffer[used : used + fill] = bytes(fill)
                used += fill
        yield buffer, used, pieces

    def _hash_pieces(self, buffer: memoryview, pieces: Sequence[Piece]) -> None:
        """Hash what a buffer holds; runs in another thread, while it is written in a third."""
        for piece in pieces:
            if piece.first:
                self._hash = hashlib.sha256()
            self._hash.update(buffer[piece.start : piece.stop])
            if piece.last:
                file = self._files[piece.file]
                self._written.append(WrittenFile(file.path, file.size, self._hash.hexdigest(), file.sop_instance_uid))


def _buffer() -> memoryview:
    """Return a buffer that nobody uses."""
    try:
        spare = _spare.pop()
    except IndexError:
        return memoryview(bytearray(BUFFER))
    return spare if len(spare) == BUFFER else memoryview(bytearray(BUFFER))


class _Content:
    """The content of one file, read piece by piece."""

    def __init__(self, file: DiscFile, written: Sequence[WrittenFile]) -> None:
        self._head = memoryview(file.head if file.late is None else late_bytes(file, written))
        body = file.body
        self._body = BodyReader(body.source, body.offset, body.size) if body else None
        self.left = file.size

    def fill(self, buffer: memoryview) -> None:
        """Read as many bytes as the buffer holds, at most ``left``."""
        count = min(len(buffer), len(self._head))
        if count:
            buffer[:count] = self._head[:count]
            self._head = self._head[count:]
        if self._body is not None and (count < len(buffer) or self.left == count):
            self._body.fill(buffer[count:])
        self.left -= len(buffer)

    def __enter__(self) -> _Content:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._body is not None:
            self._body.close()


def write_error(exc: OSError) -> MediumError:
    """Say why the target cannot be written, without its path."""
    if exc.errno in _FULL:
        return NoSpace(
            "The disk is full or the quota is used up. Make room, or write elsewhere; nothing was left behind."
        )
    return MediumError(f"The image cannot be written: {exc.strerror}. Nothing was left behind.")
