"""A File-set changed in place, as the File-set Updater of PS3.10 8.3 does it: whole at every moment."""

from __future__ import annotations

from mediacreator.updating.adding import add
from mediacreator.updating.drives import drive_of
from mediacreator.updating.rebuilding import rebuild
from mediacreator.updating.removing import remove
from mediacreator.updating.request import SessionRequest, UpdateRequest

__all__ = ["SessionRequest", "UpdateRequest", "add", "drive_of", "rebuild", "remove"]
