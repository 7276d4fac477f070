"""Read a file, a disc or a stick from the medium itself, not from memory, and hash it."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mediacreator.errors import MediumError, VerificationFailed
from mediacreator.model import Finding, Progress, Severity
from mediacreator.tools.faults import fault

_BUFFER = 4 << 20
_BLOCK = 4096  # bytes; what is read past the page cache begins and ends at multiples of a sector, which is no larger
_BLKFLSBUF = 0x1261  # linux/fs.h
_GONE = (errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM)


def hash_file(path: str, size: int, progress: Progress, *, start: int = 0) -> str:
    """Hash ``size`` bytes of a file from ``start`` on.

    Raises:
        MediumError: It cannot be read, or is shorter.
    """
    digest = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            for data in _pieces(file.fileno(), size, start):
                digest.update(data)
                progress.advance(0, len(data))
    except OSError as exc:
        raise MediumError(f"The image cannot be read: {exc.strerror or 'it ends too early'}.") from exc
    return digest.hexdigest()


def compare_medium(path: str, size: int, sha256: str, progress: Progress) -> None:
    """Read back a medium and compare it with the image that was written to it.

    Args:
        path: Of the drive, the device or the file that stands for one.
        size: Of the image, in bytes; what lies behind it is not looked at.
        sha256: Of the image, hexadecimal.
        progress: Told how far it is.

    Raises:
        DeviceError: It cannot be read to the end of the image.
        VerificationFailed: It is not what was written.
    """
    if hash_medium(path, size, progress) != sha256:
        finding = Finding(
            code="read-back-differs",
            severity=Severity.ERROR,
            location="medium",
            what="what was read back has another SHA-256",
            expected="the image, byte for byte",
            clause="",
            remedy="Do not hand it out: mediacreator verify says which files are damaged. A stick may be smaller than"
            " it says.",
        )
        raise VerificationFailed("The medium does not read back as it was written; the image is kept.", [finding])


def hash_medium(path: str, size: int, progress: Progress, *, start: int = 0) -> str:
    """Hash ``size`` bytes of a medium from ``start`` on, read from itself and not from memory.

    Args:
        path: Of the drive, the device or the file that stands for one.
        size: In bytes.
        progress: Told how far it is.
        start: Byte of the first of them; whole sectors.

    Raises:
        DeviceError: It cannot be read that far.
    """
    progress.start("disc", 0, size)
    digest = hashlib.sha256()
    try:
        with _from_the_medium(path) as handle:
            for data in _pieces(handle, size, start):
                digest.update(data)
                progress.advance(0, len(data))
    except OSError as exc:
        code = "device-vanished" if exc.errno in _GONE else "read-back-failed"
        raise fault(code, f"{exc.strerror}." if exc.strerror else "It ends too early.") from exc
    return digest.hexdigest()


@contextmanager
def _from_the_medium(path: str) -> Iterator[int]:
    """Open what must not come from memory."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        forget(handle)
        if stat.S_ISBLK(os.fstat(handle).st_mode):
            with suppress(OSError):  # some drivers do not read past the cache; then it was emptied above
                fcntl.fcntl(handle, fcntl.F_SETFL, fcntl.fcntl(handle, fcntl.F_GETFL) | os.O_DIRECT)
        yield handle
    finally:
        os.close(handle)


def forget(handle: int) -> None:
    """Write what is pending and drop what is in memory of a file or device, as far as the rights of this account go."""
    for drop in (lambda: os.fsync(handle), lambda: fcntl.ioctl(handle, _BLKFLSBUF)):
        with suppress(OSError):
            drop()
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)


def _pieces(handle: int, size: int, start: int = 0) -> Iterator[memoryview]:
    """Yield ``size`` bytes from ``start`` on, piece by piece; a piece is good until the next one.

    Raises:
        OSError: They cannot be read; without an errno where there are fewer.
    """
    buffer = memoryview(mmap.mmap(-1, _BUFFER))  # begins at a page, as reading past the cache asks for
    position = 0
    while position < size:
        # Not far past the end of the image: behind its padding a disc has sectors that no drive can read.
        wanted = min(_BUFFER, -(-(size - position) // _BLOCK) * _BLOCK)
        count = min(os.preadv(handle, [buffer[:wanted]], start + position), size - position)
        if count <= 0:
            raise OSError
        yield buffer[:count]
        position += count
