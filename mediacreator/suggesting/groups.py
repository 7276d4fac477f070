"""Put headers together that every rule judges alike: thousands of instances become a few groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mediacreator.model import UNDEFINED_LENGTH, Header
from mediacreator.rules.checks import CHECKS
from mediacreator.rules.tables import Key, scan_attributes
from mediacreator.rules.values import has_value
from mediacreator.rules.wanted import wanted
from mediacreator.suggesting.counting import COUNTED
from mediacreator.suggesting.families import Family
from mediacreator.transcode.choose import Target
from mediacreator.transcode.reach import SMALL, Traits
from mediacreator.transcode.sizes import estimate_file

_TRAITS = (
    "PhotometricInterpretation",
    "SamplesPerPixel",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "LossyImageCompression",
)
"""Attributes that ``Traits`` looks at."""


_STAGES = ("scan", "transcode")
"""Whose attributes in tables/scan_attributes.csv tell how large an instance is and how it can be coded."""


def wanted_to_weigh(families: Sequence[Family]) -> tuple[Key, ...]:
    """Return what to read where profiles are weighed and no directory is made: less than ``wanted`` gives."""
    needed = {word for family in families for word in family.judge.keywords}
    needed |= {key.keyword for family in families for key in family.judge.keys}
    needed |= {row.path for row in scan_attributes() if row.stage in _STAGES} | COUNTED
    return tuple(key for key in wanted(family.profiles[0] for family in families) if key.keyword in needed)


@dataclass(slots=True, eq=False)
class Group:
    """Instances of one SOP Class that all profiles judge alike, and that can be stored alike."""

    headers: list[Header]
    traits: Traits
    _sizes: dict[tuple[str, int], int] = field(default_factory=dict, repr=False)

    @property
    def sample(self) -> Header:
        """Return one that speaks for all."""
        return self.headers[0]

    @property
    def count(self) -> int:
        """Return how many instances there are."""
        return len(self.headers)

    def size(self, target: Target) -> int:
        """Return the bytes of all of them in a Transfer Syntax, reckoned where they must be encoded."""
        asked = target.transfer_syntax_uid, target.quality
        if asked not in self._sizes:
            self._sizes[asked] = sum([estimate_file(header, *asked) for header in self.headers])
        return self._sizes[asked]


def groups_of(headers: Iterable[Header], families: Sequence[Family]) -> tuple[Group, ...]:
    """Put headers together that the rules of the families cannot tell apart, in the order of the sources.

    Args:
        headers: Scanned with all that the profiles look at.
        families: Of the profiles.
    """
    by_class: dict[str, list[Header]] = {}
    for header in headers:
        by_class.setdefault(header.sop_class_uid, []).append(header)
    return tuple(group for uid, alike in by_class.items() for group in _of_class(uid, alike, families))


def _of_class(uid: str, headers: Sequence[Header], families: Sequence[Family]) -> Iterable[Group]:
    """Yield the groups of one SOP Class; only what families that accept it look at can tell instances apart."""
    accepting = [family for family in families if family.claim.accepts(uid)]
    words = tuple(dict.fromkeys((*_TRAITS, *(word for family in accepting for word in family.judge.values))))
    asked = {key.keyword: key.vr for family in accepting for key in family.judge.keys}
    keys = [(keyword, vr) for keyword, vr in asked.items() if keyword not in words]
    checks = [CHECKS[name] for name in dict.fromkeys(name for family in accepting for name in family.judge.checks)]
    found: dict[object, list[Header]] = {}
    for header in headers:
        get, place = header.attributes.get, header.pixel_data
        signature = (
            header.transfer_syntax_uid,
            place and (place.keyword, place.length == UNDEFINED_LENGTH or place.length >= SMALL),
            *map(get, words),
            *[has_value(get(keyword), vr) for keyword, vr in keys],
            *[check.test(header.attributes) for check in checks],
        )
        found.setdefault(signature, []).append(header)
    return (Group(alike, Traits.of(alike[0])) for alike in found.values())
