"""Write media that are one stream of bytes, whose files do not lie at places of their own: archives and mails."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence

from mediacreator.errors import InternalError, NoSpace
from mediacreator.image.copying import write_error
from mediacreator.image.disc import DiscFile, late_bytes
from mediacreator.model import WrittenFile
from mediacreator.sources.reading import read_chunks

_HANDED_OVER = 64 << 20
"""Bytes after which what was written is handed to the disk: less is left to wait for at the end."""


def write_stream(path: str, chunks: Iterable[bytes | memoryview], size: int | None = None) -> int:
    """Write a file and wait until it is on the disk; nothing is left behind when that fails.

    Args:
        path: Of the medium, its ``.partial`` name; replaced when it is there.
        chunks: Its bytes in order.
        size: How many there will be; None where that is not known. A disk that has less room is refused at once.

    Returns:
        The bytes that were written.

    Raises:
        NoSpace: The disk is full.
        MediumError: The file cannot be written.
        InternalError: There were more or fewer bytes than ``size``.
    """
    try:
        _check_room(os.path.dirname(path) or ".", size or 0)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError as exc:
        raise write_error(exc) from exc
    try:
        with os.fdopen(handle, "wb", buffering=1 << 20) as stream:
            written = handed = 0
            for chunk in chunks:
                stream.write(chunk)
                written += len(chunk)
                if written - handed >= _HANDED_OVER:
                    os.posix_fadvise(handle, handed, written - handed, os.POSIX_FADV_DONTNEED)
                    handed = written
            stream.flush()
            os.fsync(handle)
        if size not in (None, written):
            raise InternalError(f"The medium was announced with {size} bytes and has {written}.")
    except OSError as exc:
        _remove(path)
        raise write_error(exc) from exc
    except BaseException:
        _remove(path)
        raise
    return written


def content_of(file: DiscFile, written: Sequence[WrittenFile]) -> Iterator[bytes]:
    """Yield the bytes of a file in chunks of a MiB at most.

    Args:
        file: To be read.
        written: All others, for the late one.

    Raises:
        SourceChanged, SourceUnreadable: A source is not what was scanned.
        InternalError: A late file is not as long as was announced.
    """
    yield file.head if file.late is None else late_bytes(file, written)
    if file.body is not None:
        yield from read_chunks(file.body.source, file.body.offset, file.body.size)


def hashed(file: DiscFile, written: list[WrittenFile]) -> Iterator[bytes]:
    """Yield the bytes of a file; once all are taken it is added to ``written`` with its SHA-256."""
    digest = hashlib.sha256()
    for chunk in content_of(file, written):
        digest.update(chunk)
        yield chunk
    written.append(WrittenFile(file.path, file.size, digest.hexdigest(), file.sop_instance_uid))


def _check_room(folder: str, size: int) -> None:
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    if free < size:
        raise NoSpace(f"The medium needs {size} bytes, the disk has {free} free. Make room, or write elsewhere.")


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
