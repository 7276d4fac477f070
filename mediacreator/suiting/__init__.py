"""Whether the file system of a medium is what PS3.12 asks of such a medium: rows of a table, asked of what was read."""

from __future__ import annotations

from mediacreator.suiting.claimed import claimed_medium, medium_of
from mediacreator.suiting.judging import check_file_system

__all__ = ["check_file_system", "claimed_medium", "medium_of"]
