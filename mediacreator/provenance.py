"""Clock and UIDs of a run: fresh and random, or the same for the same request."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from mediacreator.errors import UsageError
from mediacreator.model import Origin, SourceFile

_LATEST = int(datetime(2155, 12, 31, tzinfo=UTC).timestamp())
"""Seconds; ISO 9660 counts years from 1900 in one byte."""


class RandomUIDs:
    """UIDs that nobody else has: a random UUID as an integer below 2.25 (PS3.5 B.2)."""

    def next_uid(self, purpose: str) -> str:
        """Return a fresh UID."""
        return f"2.25.{uuid.uuid4().int}"


class DerivedUIDs:
    """UIDs derived from a request: the same request gives the same UIDs, another request others (PS3.5 B.2)."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed

    def next_uid(self, purpose: str) -> str:
        """Return the UID of a purpose."""
        digest = hashlib.sha256(self._seed + b"\0" + purpose.encode()).digest()[:16]
        return f"2.25.{uuid.UUID(bytes=digest, version=5).int}"


def fresh_origin() -> Origin:
    """Return an Origin of now, with random UIDs."""
    return Origin(datetime.now(UTC).astimezone().replace(microsecond=0), RandomUIDs())


def reproducible_origin(epoch: int | None, sources: Iterable[SourceFile], seed: Iterable[str]) -> Origin:
    """Return an Origin that depends on the request alone.

    Args:
        epoch: SOURCE_DATE_EPOCH in seconds, or None: then the medium is dated by its youngest source.
        sources: Of the instances on the media.
        seed: What else distinguishes the request: profile, File-set ID, the instances.

    Raises:
        UsageError: ``epoch`` is no date that a medium can record.
    """
    if epoch is None:
        youngest = max((source.mtime_ns for source in sources), default=0) // 1_000_000_000
        epoch = min(max(youngest, 0), _LATEST)
    elif not 0 <= epoch <= _LATEST:
        raise UsageError(
            "SOURCE_DATE_EPOCH is no date from 1970 to 2155, and a medium records no other [ECMA-119 9.1.5]. "
            "Unset it, or set it to seconds since 1970."
        )
    digest = hashlib.sha256("\0".join((str(epoch), *seed)).encode()).digest()
    return Origin(datetime.fromtimestamp(epoch, UTC), DerivedUIDs(digest))
