"""Say what this version lacks to write a medium of a profile."""

from __future__ import annotations

import re

from mediacreator.rules.profile import ApplicationProfile

_SECURED = {"basic_media": "Secure DICOM Files", "email_transport": "secure e-mail"}
"""What the security of a profile asks for (PS3.15 D.1, B.8)."""


def lacking(profile: ApplicationProfile, *, folder: bool = False) -> str:
    """Return what this version cannot write in a word or two, ``""`` where nothing is missing.

    Args:
        profile: Of PS3.11, or a site's.
        folder: The File-set is written to a folder, whatever medium it is for.
    """
    if profile.status != "current":
        return "retired profiles"
    if profile.security != "none":
        return _SECURED[profile.security]
    medium = profile.media_format
    return "" if folder or medium.writer else re.split("[-;]", medium.file_system)[0].upper()
