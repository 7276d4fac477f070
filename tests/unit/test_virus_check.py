"""The statement that a medium was checked for viruses: what is one, and what is refused."""

from __future__ import annotations

from datetime import date

import pytest

from mediacreator.errors import UsageError
from mediacreator.model import VirusCheck
from mediacreator.virus_check import parse_virus_check

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("given", "check"),
    [
        ("", None),
        ("2026-11-25", VirusCheck("2026-11-25", "of the site")),
        ("2024-02-29, ClamAV 1.4.1, signatures 27000", VirusCheck("2024-02-29", "ClamAV 1.4.1, signatures 27000")),
        ("2026-11-25," + "x" * 64, VirusCheck("2026-11-25", "x" * 64)),
    ],
)
def test_a_day_and_a_scanner_are_read(given: str, check: VirusCheck | None) -> None:
    assert parse_virus_check(given, "of the site", TODAY) == check


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("2026-11-26", "is to come"),
        ("2026-02-30", "is no date"),
        ("2026-W01-1", "is no date"),
        ("20261125", "is no date"),
        ("２０２６-11-25", "is no date"),
        ("today", "is no date"),
        (",ClamAV", "is no date"),
        ("2026-11-25," + "x" * 65, "65 characters"),
        ("2026-11-25,Clam\x1b[31mAV", "can be printed"),
        ("2026-11-25,Clam\u202eAV", "can be printed"),
    ],
)
def test_what_is_no_statement_is_refused(given: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse_virus_check(given, "", TODAY)
