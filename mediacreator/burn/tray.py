"""The tray of an optical drive, by the ioctls of Linux (linux/cdrom.h): the drive forgets what it had read before.

Drives of laptops cannot pull their tray in: there nothing is moved, and reading back relies on the emptied cache.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress

from mediacreator.tools.xorriso import STDIO

_EJECT, _CLOSE, _STATUS, _LOCK, _CAPABILITY = 0x5309, 0x5319, 0x5326, 0x5329, 0x5331
_CAN_CLOSE = 0x1  # CDC_CLOSE_TRAY
_DISC_OK = 4  # CDS_DISC_OK
_WAIT = 60.0  # seconds until a disc that was pulled in is recognised

Ioctl = Callable[[int, int, int], int]


def is_drive(device: str, ioctl: Ioctl = fcntl.ioctl) -> bool:
    """Tell whether a device is a drive of discs, whatever lies in it.

    Args:
        device: Path of a block device.
        ioctl: Speaks to it.
    """
    try:
        handle = os.open(device, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return ioctl(handle, _CAPABILITY, 0) >= 0
    except OSError:
        return False
    finally:
        os.close(handle)


def reload(device: str, ioctl: Ioctl = fcntl.ioctl, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Open and close the tray, and wait until the disc is recognised.

    Args:
        device: Of the drive; nothing is done for a ``stdio:`` one.
        ioctl: Speaks to the drive.
        sleep: Waits so many seconds.

    Returns:
        Whether the tray moved.
    """
    if device.startswith(STDIO):
        return False
    try:
        handle = os.open(device, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # whoever reads back says why
    try:
        if not ioctl(handle, _CAPABILITY, 0) & _CAN_CLOSE:
            return False
        ioctl(handle, _LOCK, 0)
        ioctl(handle, _EJECT, 0)
        ioctl(handle, _CLOSE, 0)
        for _ in range(int(_WAIT)):
            if ioctl(handle, _STATUS, 0x7FFFFFFF) == _DISC_OK:
                break
            sleep(1.0)
        return True
    except OSError:
        return False
    finally:
        os.close(handle)


def eject(device: str, ioctl: Ioctl = fcntl.ioctl) -> None:
    """Open the tray, so that a person sees that the disc is done; where it does not open, nothing is lost."""
    if device.startswith(STDIO):
        return
    with suppress(OSError):
        handle = os.open(device, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            ioctl(handle, _LOCK, 0)
            ioctl(handle, _EJECT, 0)
        finally:
            os.close(handle)
