"""Take back references to derived instances that could not be encoded after all: what failed is known only then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mediacreator.dicomio.elements import MalformedElement
from mediacreator.model import SOPInstance
from mediacreator.transcode.derivation import Override, remap_items, remap_keys
from mediacreator.transcode.derive import spread, uid_at
from mediacreator.transcode.encode import Encoding
from mediacreator.transcode.plan import Plan, Rewrite


def settle(plan: Plan, done: Encoding, encode: Callable[[Plan], Encoding]) -> Encoding:
    """Encode anew what refers to a lossy image that was rejected, so that it names the original again.

    Args:
        plan: From ``derive``.
        done: What became of it.
        encode: Encodes a part of the Plan once more.

    Returns:
        An Encoding in which no reference was changed to name an instance that does not exist.
    """
    while True:
        lost = {entry.source.number for entry in done.rejected}
        places = [p for p, instance in enumerate(plan.instances) if instance.header.source.number not in lost]
        rewrites = _possible(plan, places)
        again = [place for place in places if rewrites.get(place) is not plan.rewrites.get(place)]
        if not again:
            return done
        instances = list(plan.instances)
        for place in again:
            back = _back(plan.rewrites[place], rewrites.get(place))
            instances[place] = replace(instances[place], keys=remap_keys(instances[place].keys, back))
        plan = replace(plan, instances=tuple(instances), rewrites=rewrites)
        done = _joined(done, encode(_part(plan, again)), {instances[place].header.source.location for place in again})


def _possible(plan: Plan, places: Sequence[int]) -> dict[int, Rewrite]:
    """Return the Rewrites that are left when only the instances at some places can be encoded."""
    there = [place for place in places if place in plan.rewrites]
    edges = {place: plan.rewrites[place].uid_map.keys() for place in there}
    changed = spread(plan, [place for place in there if place in plan.qualities], edges)
    left: dict[int, Rewrite] = {}
    for place in there:
        rewrite = plan.rewrites[place]
        if uid_at(plan, place) in changed:
            uid_map = {old: new for old, new in rewrite.uid_map.items() if old in changed}
            left[place] = rewrite if len(uid_map) == len(rewrite.uid_map) else _reduced(rewrite, uid_map)
    return left


def _back(before: Rewrite, after: Rewrite | None) -> dict[str, str]:
    """Return which UIDs go back to those of the source."""
    kept = after.uid_map if after else {}
    return {new: old for old, new in before.uid_map.items() if old not in kept}


def _reduced(rewrite: Rewrite, uid_map: Mapping[str, str]) -> Rewrite:
    less = replace(rewrite, uid_map=uid_map)
    back = _back(rewrite, less)

    def taken_back(override: Override) -> Override:
        tag, vr, value = override
        try:
            return (tag, vr, remap_items(value, back)) if vr == "SQ" else override
        except MalformedElement:
            return override

    return replace(less, overrides=tuple(map(taken_back, rewrite.overrides)))


def _part(plan: Plan, places: Sequence[int]) -> Plan:
    """Return the Plan of some of its instances."""
    instances: tuple[SOPInstance, ...] = tuple(plan.instances[place] for place in places)
    return Plan(
        instances=instances,
        targets=tuple(plan.targets[place] for place in places),
        rejected=(),
        transcoded=0,
        spool_size=sum(instance.header.source.size for instance in instances),
        qualities={n: plan.qualities[place] for n, place in enumerate(places) if place in plan.qualities},
        rewrites={n: plan.rewrites[place] for n, place in enumerate(places) if place in plan.rewrites},
    )


def _joined(done: Encoding, again: Encoding, locations: set[str]) -> Encoding:
    """Return the one with what was encoded anew in its place."""
    anew = {encoded.instance.header.source.number: encoded for encoded in again.encoded}
    lost = {entry.source.number for entry in again.rejected}
    kept = [e for e in done.encoded if e.instance.header.source.number not in lost]
    said = [f for f in done.findings if f.code != "references-remapped" or f.location not in locations]
    return Encoding(
        tuple(anew.get(encoded.instance.header.source.number, encoded) for encoded in kept),
        done.rejected + again.rejected,
        tuple(dict.fromkeys((*said, *again.findings))),
    )
