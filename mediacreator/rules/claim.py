"""The application profiles that one File-set claims: one, or several whose media agree (PS3.11 7, PS3.2 7.5).

A stage asks a Claim, never a single profile, so that several need no branch anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from mediacreator.errors import UsageError
from mediacreator.model import Attributes, Header
from mediacreator.rules import uids
from mediacreator.rules.judge import union
from mediacreator.rules.library import load_profile
from mediacreator.rules.profile import ApplicationProfile, Option, merge_keys
from mediacreator.rules.tables import Blank, Key, MediaFormat, record_types
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

    def on_blank(self, blank: Blank) -> Claim:
        """Return the same profiles, to be written to a certain blank of their medium."""
        return Claim(tuple(replace(profile, blank=blank) for profile in self.profiles))

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

    def options_for_private(self) -> tuple[Option, ...]:
        """Return the ways in which an instance of a private SOP Class may be stored: those of any instance.

        No profile speaks of private SOP Classes; what a site takes along all the same is in a Transfer Syntax that who
        reads such a medium must know.

        Source: PS3.11 X.3.1.
        """
        return union(
            Option(uid, (), row.clause)
            for profile in self.profiles
            for row in profile.objects
            if row.sop_classes != (uids.MEDIA_STORAGE_DIRECTORY,)
            for uid in row.transfer_syntaxes
        )

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
    claim, *others = load_claims(identifiers, folders)
    if others:
        first, other = claim.profiles[0], others[0].profiles[0]
        raise UsageError(
            f"{first.id} is for {_place(first)} and {other.id} for {_place(other)}: they cannot hold on one File-set "
            f"[PS3.11 7]."
        )
    return claim


@cache
def load_claims(identifiers: str, folders: tuple[str, ...] = ()) -> tuple[Claim, ...]:
    """Return the Claims of several identifiers joined with commas: one for each medium and security that they name.

    Args:
        identifiers: As PS3.11 prints them.
        folders: Of a site, with profiles of its own.

    Raises:
        UsageError: A profile does not exist, or stands twice.

    Source: PS3.11 7 (profiles whose media differ cannot hold on one File-set).
    """
    names = [name.strip() for name in identifiers.split(SEPARATOR) if name.strip()]
    if len(set(names)) < len(names) or not names:
        raise UsageError(f"{identifiers!r} names a profile twice, or none.")
    together: dict[tuple[str, str], list[ApplicationProfile]] = {}
    for profile in (load_profile(name, folders) for name in names):
        together.setdefault((profile.medium, profile.security), []).append(profile)
    return tuple(Claim(tuple(profiles)) for profiles in together.values())


def _place(profile: ApplicationProfile) -> str:
    secure = " as Secure DICOM Files" if profile.security != "none" else ""
    return f"{profile.media_format.name}{secure}"
