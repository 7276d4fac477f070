"""Write an image to a stick or card, and read all of it back: one that lies about its size is found out."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import FileIO

from mediacreator.burn.burning import Burned
from mediacreator.burn.devices import BlockDevice
from mediacreator.burn.images import ReadyImage
from mediacreator.burn.reading import compare_medium
from mediacreator.errors import DeviceError, MediumError
from mediacreator.model import Progress
from mediacreator.tools.faults import fault

STICKS = frozenset(("usb", "cf", "mmc", "sd", "mod_130_4g1", "mod_90_2g3"))
"""Keys of the media that are written sector by sector (PS3.12 M, Q, R, S, T, U)."""

_BUFFER = 4 << 20
_FLUSHED = 16  # buffers between two waits for the device: progress is then what it has, not what memory has
_TAIL = 1 << 20  # bytes at the end of a device where an older partition table (GPT) keeps its copy
_BLKRRPART = 0x125F  # linux/fs.h: read the partition table again

_ERRNOS: Mapping[int, str] = {
    errno.EBUSY: "device-busy",
    errno.EACCES: "device-refused",
    errno.EPERM: "device-refused",
    errno.EROFS: "device-read-only",
    errno.ENOENT: "device-missing",
    errno.ENODEV: "device-vanished",
    errno.ENXIO: "device-vanished",
    errno.ENOMEDIUM: "device-vanished",
    errno.ENOSPC: "medium-too-small",
}


def choose_device(path: str, devices: Sequence[BlockDevice]) -> BlockDevice:
    """Return the device that a path leads to; refuse one that must not be overwritten.

    Args:
        path: As the user gave it.
        devices: Of this machine.

    Raises:
        DeviceError: There is none, or it is a fixed disk, in use or write-protected.
    """
    place = os.path.realpath(path)
    device = next((one for one in devices if os.path.realpath(one.path) == place), None)
    if device is None:
        raise fault("device-missing", "What is meant is the whole device, as /dev/sdb, not a partition of it.")
    refused = {
        "device-fixed": not device.removable,  # first: nobody shall unmount a system disk because we said so
        "device-busy": bool(device.in_use),
        "device-read-only": device.read_only,
    }
    for code, so in refused.items():
        if so:
            raise fault(code)
    return device


def judge_device(path: str, devices: Sequence[BlockDevice], image: ReadyImage, *, any_medium: bool) -> BlockDevice:
    """Refuse a device that must not be overwritten, or does not take an image.

    Args:
        path: As the user gave it.
        devices: Of this machine.
        image: What is to be written.
        any_medium: The image need not be one for sticks.

    Raises:
        DeviceError: As ``choose_device``; or it is too small, or the image is of a disc.
    """
    device = choose_device(path, devices)
    wanted = image.media_format
    if wanted.key not in STICKS and not any_medium:
        raise fault("disc-wrong-kind", f"{image.entry.profile} asks for {wanted.name} [{wanted.clause}].")
    if image.size > device.size:
        raise fault("medium-too-small", f"It needs {image.size:,} bytes, and the device has {device.size:,}.")
    return device


def require_same(shown: BlockDevice, now: BlockDevice) -> None:
    """Refuse to overwrite another device than the one that a person was shown, a while ago.

    Raises:
        DeviceError: It has another name or size, or holds something else.
    """
    if (shown.name, shown.size, shown.holds) != (now.name, now.size, now.holds):
        raise fault("device-changed")


def write_stick(image: ReadyImage, device: BlockDevice, *, progress: Progress) -> Burned:
    """Write an image to a device that ``judge_device`` passed, and read it back past the cache.

    Args:
        image: As ``ready_image`` gives it.
        device: All that lies on it is lost.
        progress: Told how it goes on, in the stages ``burn`` and ``disc``.

    Returns:
        What was written. The image is kept, whatever happens.

    Raises:
        DeviceError: The device refuses, fails or vanishes.
        VerificationFailed: It does not hold what was written to it.
    """
    progress.start("burn", 0, image.size)
    begun = time.monotonic()
    try:
        source = open(image.path, "rb", buffering=0)  # noqa: SIM115  closed below; its errors are not those of the device
    except OSError as exc:
        raise _image_unreadable(exc) from exc
    with source:
        _write_all(source, image.size, device, progress)
    written = time.monotonic()
    compare_medium(device.path, image.size, image.sha256, progress)
    return Burned(
        device=device.path,
        medium=device.name,
        size=image.size,
        sha256=image.sha256,
        closed=True,
        writing=written - begun,
        reading=time.monotonic() - written,
    )


def _write_all(source: FileIO, size: int, device: BlockDevice, progress: Progress) -> None:
    try:
        # Exclusively: the kernel refuses a device that anybody mounted since we looked.
        handle = os.open(device.path, os.O_WRONLY | os.O_EXCL | os.O_CLOEXEC)
        try:
            _copy(source, size, handle, progress)
            _clear_tail(handle, size, device.size)
            os.fsync(handle)
            with suppress(OSError):
                fcntl.ioctl(handle, _BLKRRPART)
        finally:
            os.close(handle)
    except OSError as exc:
        raise _refused(exc) from exc


def _copy(source: FileIO, size: int, handle: int, progress: Progress) -> None:
    buffer = memoryview(mmap.mmap(-1, _BUFFER))
    position = 0
    while position < size:
        try:
            count = source.readinto(buffer[: size - position])
        except OSError as exc:
            raise _image_unreadable(exc) from exc
        if not count:
            raise MediumError("The image ends too early. What is on the device is not usable.")
        _write(handle, buffer[:count], position)
        position += count
        if position % (_FLUSHED * _BUFFER) < _BUFFER:
            os.fdatasync(handle)
        progress.advance(0, count)


def _write(handle: int, data: memoryview, position: int) -> None:
    while data:
        count = os.pwrite(handle, data, position)
        data, position = data[count:], position + count


def _clear_tail(handle: int, used: int, size: int) -> None:
    """Wipe the end of the device, behind the image: a partition table there would speak of what is gone."""
    start = max(used, size - _TAIL)
    _write(handle, memoryview(bytes(size - start)), start)


def _refused(exc: OSError) -> DeviceError:
    return fault(_ERRNOS.get(exc.errno or 0, "write-failed"), f"{exc.strerror}." if exc.strerror else "")


def _image_unreadable(exc: OSError) -> MediumError:
    return MediumError(f"The image cannot be read: {exc.strerror}. What is on the device is not usable.")
