"""What else changes where pixels are coded with loss: new UIDs, how the images came about, and who refers to them.

An instance whose references change is another instance too (PS3.4 O.3, N.2), so new UIDs spread to what refers to it in
turn. What is decided here is written by ``encode``; docs/adr/0009-lossy-derivation.md tells why it is so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from mediacreator.model import Finding, Origin, Severity, SOPInstance
from mediacreator.transcode.derivation import (
    DIGITAL_SIGNATURES_SEQUENCE,
    INSTANCE_CREATOR_UID,
    LARGEST_IMAGE_PIXEL_VALUE,
    MAC_PARAMETERS_SEQUENCE,
    SMALLEST_IMAGE_PIXEL_VALUE,
    Change,
    image_type,
    lossy_overrides,
    reference_overrides,
    remap_keys,
)
from mediacreator.transcode.plan import Plan, Rewrite
from mediacreator.transcode.references import References, find_references
from mediacreator.transcode.sizes import estimate

_UNTRUE_AFTER_LOSS = (
    INSTANCE_CREATOR_UID,
    SMALLEST_IMAGE_PIXEL_VALUE,
    LARGEST_IMAGE_PIXEL_VALUE,
    MAC_PARAMETERS_SEQUENCE,
    DIGITAL_SIGNATURES_SEQUENCE,
)
_REPORT = "SR DOCUMENT"  # the record type of what has an SR Document General Module


def derive(plan: Plan, origin: Origin) -> Plan:
    """Complete a Plan whose lossy images need new UIDs; without any it is returned as it is, and nothing is read.

    Args:
        plan: From ``choose``.
        origin: Gives the UIDs and the time of creation.

    Returns:
        The Plan with a Rewrite for each lossy image and for each instance that refers to one, directly or by others,
        and with the keys of their directory records changed alike.

    Source: PS3.3 C.7.6.1.1.5 (a lossy version is another SOP Instance), C.12.4; PS3.4 O.3, N.2.
    """
    if not plan.qualities:
        return plan
    known = frozenset(uid_at(plan, place) for place in range(len(plan.instances)))
    found = {
        place: find_references(instance.header, known, thorough=place in plan.qualities)
        for place, instance in enumerate(plan.instances)
    }
    edges = {p: refs.replaceable.keys() for p, refs in found.items() if p in plan.qualities or not refs.signed}
    changed = spread(plan, plan.qualities, edges)
    places = {uid_at(plan, place): place for place in range(len(plan.instances))}
    new_uids = {
        uid: origin.uids.next_uid(_purpose(plan, places[uid])) for uid in sorted(changed, key=places.__getitem__)
    }
    return _Derivation(plan, origin, found, new_uids).plan()


def uid_at(plan: Plan, place: int) -> str:
    """Return the SOP Instance UID that the source of an instance has."""
    return plan.instances[place].header.sop_instance_uid


def spread(plan: Plan, places: Iterable[int], edges: Mapping[int, Collection[str]]) -> set[str]:
    """Return the SOP Instance UIDs at some places, and of all that refer to them, directly or by others.

    Args:
        plan: For the UIDs.
        places: Of lossy images.
        edges: For each place the SOP Instance UIDs that it refers to.
    """
    referring: dict[str, list[int]] = {}
    for place, uids in edges.items():
        for uid in uids:
            referring.setdefault(uid, []).append(place)
    changed: set[str] = set()
    todo = [uid_at(plan, place) for place in places]
    while todo:
        uid = todo.pop()
        if uid not in changed:
            changed.add(uid)
            todo += [uid_at(plan, place) for place in referring.get(uid, ())]
    return changed


def _purpose(plan: Plan, place: int) -> str:
    return f"derived {uid_at(plan, place)} {plan.targets[place]} {plan.qualities.get(place, 0)}"


@dataclass(frozen=True, slots=True)
class _Derivation:
    """Writes down what was found out."""

    work: Plan
    origin: Origin
    found: Mapping[int, References]
    new_uids: Mapping[str, str]

    def plan(self) -> Plan:
        work = self.work
        instances = list(work.instances)
        rewrites: dict[int, Rewrite] = {}
        findings: list[Finding] = []
        spool_size = work.spool_size
        for place, instance in enumerate(work.instances):
            findings += self._findings(place)
            if uid_at(work, place) in self.new_uids:
                rewrites[place] = self._rewrite(place)
                instances[place] = self._with_new_keys(place, rewrites[place])
                if work.is_copied(place):
                    spool_size += estimate(instance, work.targets[place])
        return replace(
            work,
            instances=tuple(instances),
            spool_size=spool_size,
            rewrites=rewrites,
            findings=(*work.findings, *findings),
        )

    def _rewrite(self, place: int) -> Rewrite:
        work, header = self.work, self.work.instances[place].header
        counts = self.found[place].replaceable
        change = Change(
            self.new_uids[header.sop_instance_uid],
            {uid: self.new_uids[uid] for uid in counts if uid in self.new_uids},
            self.origin.created,
        )
        quality = work.qualities.get(place, 0)
        if quality:
            overrides = lossy_overrides(header, work.targets[place], quality, change)
        else:
            overrides = reference_overrides(header, work.instances[place].record_type == _REPORT, change)
        removed = _UNTRUE_AFTER_LOSS if quality else (INSTANCE_CREATOR_UID,)
        return Rewrite(change.sop_instance_uid, overrides, removed, change.uid_map, dict(counts))

    def _with_new_keys(self, place: int, rewrite: Rewrite) -> SOPInstance:
        """Return an instance whose directory record says what the file will say."""
        instance = self.work.instances[place]
        keys = dict(remap_keys(instance.keys, rewrite.uid_map))
        if place in self.work.qualities:
            keys["ImageType"] = image_type(keys.get("ImageType", b""))
        return replace(instance, keys=keys)

    def _findings(self, place: int) -> Iterator[Finding]:
        location = self.work.instances[place].header.source.location
        found = self.found[place]
        lossy = place in self.work.qualities
        if lossy and found.signed:
            yield _signature_removed(location)
        hidden = found.elsewhere & self.new_uids.keys()
        if found.signed and not lossy:
            hidden |= found.replaceable.keys() & self.new_uids.keys()
        if hidden or not found.readable:
            yield _not_remapped(location, len(hidden), found)
        elif not lossy and uid_at(self.work, place) in self.new_uids:
            yield _remapped(location, sum(found.replaceable[uid] for uid in self.new_uids.keys() & found.replaceable))


def _signature_removed(location: str) -> Finding:
    return Finding(
        code="digital-signature-removed",
        severity=Severity.WARNING,
        location=location,
        what="DigitalSignaturesSequence (FFFA,FFFA) is in an image that was compressed lossily",
        expected="a Data Set that nobody changes",
        clause="PS3.3 C.12.1.1.3",
        remedy="Leave such images out of lossy compression where the signature must be kept.",
    )


def _not_remapped(location: str, count: int, found: References) -> Finding:
    why = "its Data Set cannot be read" if not found.readable else "they stand in texts or private elements"
    why = "it is digitally signed" if found.signed else why
    return Finding(
        code="reference-not-remapped",
        severity=Severity.WARNING,
        location=location,
        what=f"{count or 'an unknown number of'} instances that it names have a new UID on the medium, and {why}",
        expected="references to what is on the medium",
        clause="PS3.3 C.7.6.1.1.5; PS3.3 C.12.1.1.3",
        remedy="Write the medium without lossy compression where these references matter.",
    )


def _remapped(location: str, count: int) -> Finding:
    return Finding(
        code="references-remapped",
        severity=Severity.NOTE,
        location=location,
        what=f"{count} references in it name lossy images, or what refers to them, under the UIDs of their originals",
        expected="references to what is on the medium",
        clause="PS3.4 O.3; PS3.4 N.2",
        remedy="Nothing need be done: they were changed, and the instance has a new SOP Instance UID itself.",
    )
