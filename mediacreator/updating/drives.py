"""Which media lie in a drive of discs: what burns them is loaded only for those."""

from __future__ import annotations

import os
import stat

from mediacreator.tools.xorriso import STDIO


def drive_of(medium: str) -> str:
    """Return the drive that a medium lies in, as ``xorriso`` names it; "" for what lies in none.

    Args:
        medium: As the user gave it: ``/dev/sr0``, or ``stdio:/path`` for a recording into a file.
    """
    if medium.startswith(STDIO):
        return STDIO + os.path.abspath(medium.removeprefix(STDIO))
    path = os.path.realpath(medium)
    try:
        is_device = stat.S_ISBLK(os.stat(path).st_mode)
    except OSError:
        return ""
    if not is_device:
        return ""
    from mediacreator.burn.tray import is_drive

    return path if is_drive(path) else ""
