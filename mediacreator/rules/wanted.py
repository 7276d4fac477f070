"""What a scan reads of each instance: everything that tables and profiles name, no attribute listed twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.tables import Key, ScanAttribute, record_types, scan_attributes
from mediacreator.rules.verdicts import judged_attributes

SHARED_GROUPS = Key(
    keyword="SharedFunctionalGroupsSequence",
    tag=0x52009229,
    vr="SQ",
    type="3",
    condition="",
    keep="",
    source="",
    clause="PS3.11 Table H.3-2",
)
"""Read whole where a key may come from it: the functional group that holds an attribute is not told."""

_FROM_GROUPS = "dataset_or_shared_groups"


def wanted(profiles: Iterable[ApplicationProfile] = ()) -> tuple[Key, ...]:
    """Return the attributes to read of an instance, in tag order.

    The directory keys of every record type, those of the profiles, what their rules look at, and the scan attributes,
    merged by tag. A sequence that one asks for whole is read whole; items are chosen while reading only where all ask
    for the same choice. Keys whose value never is the attribute of the same name (``Key.source``) are not read under
    their own tag. Type and condition have no meaning here: whatever is there is read.

    Args:
        profiles: Whose keys and rules are read for, besides the keys of PS3.3 F.5.
    """
    return _merge(_all(profiles))


def _all(profiles: Iterable[ApplicationProfile]) -> Iterator[Key]:
    yield from _scan_keys(scan_attributes())
    for record in record_types().values():
        yield from record.keys
    for profile in profiles:
        yield from judged_attributes(profile)
        for keys in profile.directory.keys.values():
            yield from keys
            if any(key.source == _FROM_GROUPS for key in keys):
                yield SHARED_GROUPS


def _merge(keys: Iterable[Key]) -> tuple[Key, ...]:
    by_tag: dict[int, list[Key]] = {}
    for key in keys:
        if key.source in ("", _FROM_GROUPS):
            by_tag.setdefault(key.tag, []).append(key)
    return tuple(_union(by_tag[tag]) for tag in sorted(by_tag))


def _union(same: list[Key]) -> Key:
    first = same[0]
    keeps = {key.keep for key in same}
    whole = any(not key.items for key in same)
    return Key(
        keyword=first.keyword,
        tag=first.tag,
        vr=first.vr,
        type="3",
        condition="",
        keep=keeps.pop() if len(keeps) == 1 else "",
        source="",
        clause=first.clause,
        items=() if whole else _merge(item for key in same for item in key.items),
    )


def _scan_keys(rows: Iterable[ScanAttribute]) -> tuple[Key, ...]:
    """Nest scan attributes as keys are nested."""
    below: dict[str, list[ScanAttribute]] = {}
    for row in rows:
        below.setdefault(row.path.rpartition(">")[0], []).append(row)
    return _nest(below, "")


def _nest(below: Mapping[str, list[ScanAttribute]], parent: str) -> tuple[Key, ...]:
    return tuple(
        Key(
            keyword=row.path.rpartition(">")[2],
            tag=row.tag,
            vr=row.vr,
            type="3",
            condition="",
            keep="",
            source="",
            clause=row.why,
            items=_nest(below, row.path),
        )
        for row in below.get(parent, ())
    )
