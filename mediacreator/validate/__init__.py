"""Check a File-set against the application profiles that it claims (PS3.10 8, PS3.3 F, PS3.11).

The rules are the rows that creation works by: directory keys of ``tables/``, profiles of ``profiles/``, the same
engine that judges what is to be written. What cannot be decided is said to be not checked, and never passes.
"""

from __future__ import annotations

from mediacreator.validate.checking import FileSetCheck, check_file_set

__all__ = ["FileSetCheck", "check_file_set"]
