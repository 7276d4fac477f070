"""What is decided before anything is encoded: the Transfer Syntax of each instance, and what is written anew in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mediacreator.model import Disposition, Finding, SOPInstance


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What is written into an instance besides or instead of what its source says; its pixels are another matter.

    An instance with a Rewrite is never copied byte for byte; where its Transfer Syntax stays, its Pixel Data does too.
    """

    sop_instance_uid: str = ""  # on the medium, where it is another one; also in File Meta Information
    overrides: tuple[tuple[int, str, bytes], ...] = ()  # top-level elements: tag, VR, value (SQ: items, Explicit VR LE)
    removed: tuple[int, ...] = ()  # tags of elements that are left out, at any level
    uid_map: Mapping[str, str] = field(default_factory=dict)  # UI values to replace, at any level
    counts: Mapping[str, int] = field(default_factory=dict)  # times that each key of the map stands in it

    @property
    def remapped(self) -> int:
        """Return how many references the map replaces."""
        return sum(self.counts.get(uid, 0) for uid in self.uid_map)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be encoded and what will be copied; nothing was written yet."""

    instances: tuple[SOPInstance, ...]
    targets: tuple[str, ...]  # Transfer Syntax UID of each on the medium
    rejected: tuple[Disposition, ...]  # what cannot be encoded as the profile asks
    transcoded: int  # instances whose Transfer Syntax changes
    spool_size: int  # bytes that the new Data Sets will take in the spool, estimated
    qualities: Mapping[int, int] = field(default_factory=dict)  # place -> 1-100, of those compressed lossily by us
    rewrites: Mapping[int, Rewrite] = field(default_factory=dict)  # place -> what else changes in it
    findings: tuple[Finding, ...] = ()  # about what will be on the medium

    def is_copied(self, place: int) -> bool:
        """Tell whether the instance at a place goes on the medium as it is, byte for byte behind group 0002."""
        source = self.instances[place].header.transfer_syntax_uid
        return self.targets[place] == source and place not in self.qualities and place not in self.rewrites
