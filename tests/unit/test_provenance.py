"""Clock and UIDs: fresh ones differ, derived ones depend on the request and on nothing else (PS3.5 9.1, B.2)."""

from __future__ import annotations

import re

import pytest

from mediacreator.errors import UsageError
from mediacreator.model import SourceFile
from mediacreator.provenance import RandomUIDs, fresh_origin, reproducible_origin

UID = re.compile(r"2\.25\.(0|[1-9][0-9]*)")
SOURCES = [SourceFile(1, "a", 1, 1_700_000_000_000_000_000), SourceFile(2, "b", 1, 1_600_000_000_000_000_000)]


def test_fresh_uids_are_valid_and_never_the_same() -> None:
    source = RandomUIDs()
    uids = {source.next_uid("File-set 1") for _ in range(100)}
    assert len(uids) == 100
    assert all(UID.fullmatch(uid) and len(uid) <= 64 for uid in uids)
    assert fresh_origin().created.tzinfo is not None


def test_derived_uids_depend_on_request_and_purpose() -> None:
    def uid(seed: str, purpose: str, epoch: int | None = None) -> str:
        return reproducible_origin(epoch, SOURCES, [seed]).uids.next_uid(purpose)

    assert uid("one", "File-set 1") == uid("one", "File-set 1")
    assert len({uid("one", "File-set 1"), uid("two", "File-set 1"), uid("one", "receipt"), uid("one", "x", 5)}) == 4
    assert UID.fullmatch(uid("one", "File-set 1"))


def test_the_date_is_that_of_the_youngest_source_or_the_given_one() -> None:
    assert reproducible_origin(None, SOURCES, []).created.timestamp() == 1_700_000_000
    assert reproducible_origin(86400, SOURCES, []).created.isoformat() == "1970-01-02T00:00:00+00:00"


@pytest.mark.parametrize("epoch", [-1, 10**10, 10**20])
def test_a_date_that_no_medium_records_is_refused(epoch: int) -> None:
    """Year 2155 is the last of ISO 9660; Python ends at 9999."""
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        reproducible_origin(epoch, (), ())


@pytest.mark.parametrize(("mtime", "year"), [(-(10**18), 1970), (10**19, 2155), (10**21, 2155)])
def test_a_source_of_an_impossible_date_dates_no_medium(mtime: int, year: int) -> None:
    assert reproducible_origin(None, [SourceFile(1, "x", 1, mtime)], ()).created.year == year
