"""The application profiles that one File-set claims: one, or several whose media agree (PS3.11 7, PS3.2 7.5).

A stage asks a Claim, never a single profile, so that several need no branch anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from mediacreator.errors import UsageError
from mediacreator.model import Attributes, Header
from mediacreator.rules.library import load_profile
from mediacreator.rules.profile import ApplicationProfile, Option, merge_keys
from mediacreator.rules.tables import Key, MediaFormat, record_types
from mediacreator.rules.verdicts import Judge, Verdict

SEPARATOR = ","


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """Application profiles that hold on one File-set together; they name the same medium and security."""

    profiles: tuple[ApplicationProfile, ...]  # one or more
    _keys: dict[tuple[str, tuple[str, ...]], tuple[Key, ...]] = field(default_factory=dict, init=False, repr=False)
    _judges: list[Judge] = field(default_factory=list, init=False, repr=False)  # one, once it is needed

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

    @property
    def looks_at_attributes(self) -> bool:
        """Whether anything but the SOP Class of an instance decides if it is covered."""
        return self._judge.looks_at_attributes

    @property
    def _judge(self) -> Judge:
        if not self._judges:
            self._judges.append(Judge(self.profiles))
        return self._judges[0]

    def verdict(self, attributes: Attributes, sop_class_uid: str) -> Verdict:
        """Return what the profiles say of an instance that is to be written, and how it may be stored."""
        return self._judge.verdict(attributes, sop_class_uid)

    def options(self, attributes: Attributes, sop_class_uid: str) -> tuple[Option, ...]:
        """Return the ways in which an instance may be stored, in the order of the profiles; none if none covers it.

        A profile whose rules the instance breaks offers none: under another it may not have its Transfer Syntaxes.

        Source: PS3.11 X.3.1.
        """
        return self.verdict(attributes, sop_class_uid).options

    def covering(self, header: Header) -> tuple[str, ...]:
        """Return the identifiers of the profiles under which an instance can be written, in their order."""
        return self.verdict(header.attributes, header.sop_class_uid).profiles

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
                keys = _both(keys, merge_keys(keys, profile.directory.keys.get(record_type, ())), profile, record_type)
            self._keys[asked] = keys
        return self._keys[asked]


def _both(
    before: tuple[Key, ...], merged: tuple[Key, ...], profile: ApplicationProfile, record_type: str
) -> tuple[Key, ...]:
    """Correct merged keys of which one profile asks with type 1C and another with type 2.

    Type 1C is the stricter, but lets the attribute be absent, which type 2 does not: written with its value if there is
    one, and empty if not, it is what both ask for.
    """
    kinds = {key.tag: {key.type} for key in before}
    for key in profile.directory.keys.get(record_type, ()):
        kinds.setdefault(key.tag, set()).add(key.type)
    return tuple(
        replace(key, type="2", condition="") if kinds.get(key.tag, set()) >= {"1C", "2"} else key for key in merged
    )


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
