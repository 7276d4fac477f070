"""The mark that a medium was checked for viruses: a statement of whoever makes it, never of this program.

Source: DRG requirements for patient media 2.2.2 (the mark), 2.2.3 (what bears it is not added to later).
"""

from __future__ import annotations

import re
from datetime import date

from mediacreator.errors import UsageError
from mediacreator.model import VirusCheck

LONGEST = 64
"""Characters of the name of a scanner: it stands on a label."""
CLAUSE = "DRG 2.2.3"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def is_date(text: str) -> bool:
    """Tell whether a text is a day that there is, as 2026-11-25."""
    try:
        return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def is_scanner(text: str) -> bool:
    """Tell whether a text can stand for a scanner."""
    return len(text) <= LONGEST and text.isprintable()


def parse_virus_check(given: str, scanner: str, today: date) -> VirusCheck | None:
    """Read the statement that what goes on a medium was checked.

    Args:
        given: ``DATE`` or ``DATE,SCANNER``; "" for none.
        scanner: Of the site, where none is given.
        today: No check is later.

    Raises:
        UsageError: The date is none, or to come; or the name is too long, or cannot be printed.
    """
    if not given:
        return None
    day, _, named = (part.strip() for part in given.partition(","))
    if not is_date(day):
        raise UsageError(f"--virus-checked {day[:20]!r} is no date: write it as {today}, the scanner behind a comma.")
    if date.fromisoformat(day) > today:
        raise UsageError(f"--virus-checked {day} is to come, and today is {today}. Give the day of the check.")
    if not is_scanner(named):
        raise UsageError(
            f"--virus-checked names a scanner of {len(named)} characters, expected up to {LONGEST} that can be printed."
        )
    return VirusCheck(day, named or scanner)
