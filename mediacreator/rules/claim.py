"""The application profiles that one File-set claims: one, or several whose media agree (PS3.11 7, PS3.2 7.5).

A stage asks a Claim, never a single profile, so that several need no branch anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from mediacreator.errors import UsageError
from mediacreator.rules.library import load_profile
from mediacreator.rules.profile import ApplicationProfile, merge_keys
from mediacreator.rules.tables import Key, MediaFormat, record_types

SEPARATOR = ","


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """Application profiles that hold on one File-set together; they name the same medium and security."""

    profiles: tuple[ApplicationProfile, ...]  # one or more
    _keys: dict[tuple[str, tuple[str, ...]], tuple[Key, ...]] = field(default_factory=dict, init=False, repr=False)

    @property
    def id(self) -> str:
        """Return the identifiers as a user gives them: ``STD-GEN-CD`` or ``STD-XABC-CD,STD-GEN-CD``."""
        return SEPARATOR.join(profile.id for profile in self.profiles)

    @property
    def clause(self) -> str:
        """Return where the profiles stand in PS3.11."""
        return "; ".join(dict.fromkeys(profile.clause for profile in self.profiles))

    @property
    def media_format(self) -> MediaFormat:
        """Return the medium that all of them name."""
        return self.profiles[0].media_format

    @property
    def security(self) -> str:
        """Return the security that all of them name."""
        return self.profiles[0].security

    def accepts(self, sop_class_uid: str) -> bool:
        """Tell whether instances of a SOP Class may be in the File-set under one of the profiles."""
        return any(profile.accepts(sop_class_uid) for profile in self.profiles)

    def keys_for(self, record_type: str, covered_by: Sequence[str] = ()) -> tuple[Key, ...]:
        """Return the keys of a directory record: those of PS3.3 F.5 and those of the profiles that ask for more.

        Args:
            record_type: As in (0004,1430).
            covered_by: Identifiers of the profiles that cover the referenced instance; ``()`` for all of the Claim, as
                the records above the instances need.

        Raises:
            InternalError: There is no such record type.
        """
        asked = (record_type, tuple(covered_by))
        if asked not in self._keys:
            chosen = [p for p in self.profiles if not covered_by or p.id in covered_by]
            keys = chosen[0].keys_for(record_type) if chosen else record_types()[record_type].keys
            for profile in chosen[1:]:
                keys = merge_keys(keys, profile.directory.keys.get(record_type, ()))
            self._keys[asked] = keys
        return self._keys[asked]


@cache
def load_claim(identifiers: str, folders: tuple[str, ...] = ()) -> Claim:
    """Return the Claim of one identifier, or of several joined with commas.

    Args:
        identifiers: As PS3.11 prints them.
        folders: Of a site, with profiles of its own.

    Raises:
        UsageError: A profile does not exist, stands twice, or their media or security differ.
    """
    names = [name.strip() for name in identifiers.split(SEPARATOR) if name.strip()]
    if len(set(names)) < len(names) or not names:
        raise UsageError(f"{identifiers!r} names a profile twice, or none.")
    claim = Claim(tuple(load_profile(name, folders) for name in names))
    first = claim.profiles[0]
    for other in claim.profiles[1:]:
        if (other.medium, other.security) != (first.medium, first.security):
            raise UsageError(
                f"{first.id} is for {first.media_format.name} and {other.id} for {other.media_format.name}: they "
                f"cannot hold on one File-set [PS3.11 7]."
            )
    return claim
