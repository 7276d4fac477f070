"""Join new instances to the records of a File-set: whose they are is decided as when a medium is made.

Records that are held stand in the selection as *anchors*: headers of no file, one for each study and for each series
that something is added to. They pass the identity firewall with the new instances, so that nobody is merged quietly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mediacreator.dicomio.text import decode_text
from mediacreator.dicomio.walker import Directory, DirectoryRecord
from mediacreator.directory.records import RecordEncoder
from mediacreator.errors import InternalError
from mediacreator.model import Attributes, FileSetContent, Header, SOPInstance, SourceFile, Volume, VolumeFile
from mediacreator.rules.claim import Claim
from mediacreator.rules.tables import Key
from mediacreator.select.admission import HELD

_ABOVE = ("PATIENT", "STUDY", "SERIES")
_IDENTITY = {
    0x00080005: ("SpecificCharacterSet", "CS"),
    0x00100021: ("IssuerOfPatientID", "LO"),
    0x00100030: ("PatientBirthDate", "DA"),
    0x00100040: ("PatientSex", "CS"),
}
"""What tells persons apart and is no key of PS3.3 F.5: records may have it all the same."""
_FEW = 50  # UIDs that are looked for in all of a DICOMDIR: quicker than to read every record
_TEXTS = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
UTF8 = b"ISO_IR 192"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A header that stands for records that are held."""

    header: Header
    patient: int  # indices in ``Directory.records``
    study: int
    series: int = -1  # -1: it stands for the study alone


def anchors_of(
    directory: Directory, data: bytes, claim: Claim, headers: Iterable[Header], told: Mapping[int, Attributes]
) -> tuple[Anchor, ...]:
    """Return what stands for the patients and studies that a File-set holds, and for series that headers add to.

    Args:
        directory: Of the File-set.
        data: Its bytes.
        claim: For the keywords of its keys.
        headers: Of the new instances.
        told: What an instance says of each patient, by the index of the record: what tells persons apart and is no key.
    """
    words = keywords_of(claim)
    wanted = frozenset(header.attributes.get("SeriesInstanceUID", b"").rstrip(b" \0") for header in headers) - {b""}
    may_be = _holding(directory, data, wanted)
    found: list[Anchor] = []
    for patient in _children(directory, directory.roots, "PATIENT"):
        person = {**_identity_of(told.get(patient.index, {})), **attributes_of(patient, words)}
        for study in _children(directory, directory.children[patient.index], "STUDY"):
            of_study = {**person, **attributes_of(study, words)}
            alone = {**of_study, "SeriesInstanceUID": f"{HELD}.{study.index}".encode()}
            found.append(Anchor(_header(study, alone), patient.index, study.index))
            for series in _children(directory, directory.children[study.index], "SERIES"):
                of_series = attributes_of(series, words) if may_be(series.index) else {}
                if of_series.get("SeriesInstanceUID", b"").rstrip(b" \0") in wanted:
                    header = _header(series, {**of_study, **of_series})
                    found.append(Anchor(header, patient.index, study.index, series.index))
    return tuple(found)


def _children(directory: Directory, indices: Iterable[int], kind: str) -> Iterator[DirectoryRecord]:
    return (directory.records[index] for index in indices if directory.records[index].type == kind)


def keywords_of(claim: Claim) -> Mapping[int, tuple[str, str]]:
    """Return keyword and VR by tag of what records above the instances may have."""
    keys: Iterable[Key] = (key for record in _ABOVE for key in claim.keys_for(record))
    return {**_IDENTITY, **{key.tag: (key.keyword, key.vr) for key in keys if key.vr != "SQ"}}


def attributes_of(record: DirectoryRecord, words: Mapping[int, tuple[str, str]]) -> dict[str, bytes]:
    """Return the values of a record by keyword, texts in UTF-8 where they go beyond ASCII, as records may differ."""
    values = record.values
    character_set = values.get(0x00080005, b"")
    found: dict[str, bytes] = {}
    for tag, value in values.items():
        keyword, vr = words.get(tag, _NO_WORD)
        if keyword:
            found[keyword] = decode_text(value, character_set, vr).encode() if vr in _TEXTS else value
    if not all(value.isascii() for value in found.values()):
        found["SpecificCharacterSet"] = UTF8
    return found


_NO_WORD = ("", "")


def _holding(directory: Directory, data: bytes, uids: frozenset[bytes]) -> Callable[[int], bool]:
    """Return what tells whether a record, by its index, may hold one of some UIDs: few of 50,000 series do."""
    if len(uids) > _FEW:
        return lambda _: True
    places: set[int] = set()
    for uid in uids:
        position = data.find(uid)
        while position >= 0:
            places.add(position)
            position = data.find(uid, position + 1)
    offsets = [record.offset for record in directory.records] if places else []
    return {bisect_right(offsets, place) - 1 for place in places}.__contains__


def _identity_of(instance: Attributes) -> dict[str, bytes]:
    """Return what an instance says of its patient beyond the keys of a record, texts in UTF-8."""
    character_set = instance.get("SpecificCharacterSet", b"")
    words = [word for word in _IDENTITY.values() if word[0] != "SpecificCharacterSet"]
    return {
        keyword: decode_text(instance[keyword], character_set, vr).encode() if vr in _TEXTS else instance[keyword]
        for keyword, vr in words
        if keyword in instance
    }


def first_instances(directory: Directory) -> dict[int, DirectoryRecord]:
    """Return the first record below each PATIENT record that references a file, by the index of the patient's."""
    patients = _children(directory, directory.roots, "PATIENT")
    below = ((patient.index, directory.below(directory.children[patient.index])) for patient in patients)
    found = ((index, next((record for record in records if record.has_file), None)) for index, records in below)
    return {index: record for index, record in found if record is not None}


def _header(record: DirectoryRecord, attributes: Attributes) -> Header:
    """Return a header of no file; its number, below all of sources, tells which record it stands for."""
    source = SourceFile(-record.index - 1, "", 0, 0)
    return Header(source, HELD, f"{HELD}.{record.index}", "", 0, True, attributes)


@dataclass(frozen=True, slots=True)
class Place:
    """Below which held records new ones go; -1: their own is new too."""

    patient: int = -1
    study: int = -1
    series: int = -1


def places_of(content: FileSetContent, anchors: Sequence[Anchor]) -> dict[int, Place]:
    """Return for the number of each new instance below which records it belongs.

    Args:
        content: Selected, anchors among its instances.
        anchors: By which it was selected.
    """
    by_number = {anchor.header.source.number: anchor for anchor in anchors}

    def held(instances: Iterable[SOPInstance]) -> list[Anchor]:
        return [by_number[i.header.source.number] for i in instances if i.header.source.number in by_number]

    places: dict[int, Place] = {}
    for patient in content.patients:
        persons = held(i for study in patient.studies for series in study.series for i in series.instances)
        for study in patient.studies:
            studies = held(instance for series in study.series for instance in series.instances)
            for series in study.series:
                same = [anchor for anchor in held(series.instances) if anchor.series >= 0]
                place = Place(
                    (studies or persons)[0].patient if persons else -1,
                    studies[0].study if studies else -1,
                    same[0].series if same else -1,
                )
                places.update(dict.fromkeys((i.header.source.number for i in series.instances), place))
    return places


@dataclass(slots=True)
class _Node:
    """A new record and those below it."""

    body: bytes
    below: list[_Node] = field(default_factory=list)
    names_file: bool = False


def joined_records(
    directory: Directory,
    body_of: Mapping[int, bytes],
    volume: Volume,
    places: Mapping[int, Place],
    encoder: RecordEncoder,
) -> Iterator[tuple[int, bytes]]:
    """Yield level and body of every record of the updated DICOMDIR, each before those below it.

    Records that are held keep their order and their bytes; new ones follow those of their entity.

    Args:
        directory: As it was.
        body_of: The held records that stay, by index.
        volume: New instances alone.
        places: From ``places_of``.
        encoder: Of new records.

    Raises:
        InternalError: One is left out.
    """
    held_left, new_left = len(body_of), len(volume.files)
    new = _new_nodes(volume, places, encoder)
    stack: list[tuple[int, int | _Node]] = []

    def push(level: int, held: Iterable[int], nodes: Sequence[_Node]) -> None:
        stack.extend((level, node) for node in reversed(nodes))
        stack.extend((level, index) for index in reversed([index for index in held if index in body_of]))

    push(0, directory.roots, new.get(-1, ()))
    while stack:
        level, one = stack.pop()
        if isinstance(one, _Node):
            new_left -= one.names_file
            yield level, one.body
            push(level + 1, (), one.below)
        else:
            held_left -= 1
            yield level, body_of[one]
            push(level + 1, directory.children[one], new.get(one, ()))
    if held_left or new_left:
        raise InternalError(f"{held_left} records that are held and {new_left} new ones have no place")


def _file_node(encoder: RecordEncoder, file: VolumeFile) -> _Node:
    return _Node(encoder.encode_instance(file), names_file=True)


def _new_nodes(volume: Volume, places: Mapping[int, Place], encoder: RecordEncoder) -> dict[int, list[_Node]]:
    """Return the new records that go directly below each held one; below -1 those of the root."""
    found: dict[int, list[_Node]] = {}
    files = iter(volume.files)
    for patient in volume.content.patients:
        person = _Node(encoder.encode("PATIENT", patient.keys))
        for study in patient.studies:
            visit = _Node(encoder.encode("STUDY", study.keys))
            for series in study.series:
                place = places[series.instances[0].header.source.number]
                nodes = [_file_node(encoder, next(files)) for _ in series.instances]
                if place.series >= 0:
                    found.setdefault(place.series, []).extend(nodes)
                    continue
                group = _Node(encoder.encode("SERIES", series.keys), nodes)
                (found.setdefault(place.study, []) if place.study >= 0 else visit.below).append(group)
            if visit.below:
                place = places[study.series[0].instances[0].header.source.number]
                (found.setdefault(place.patient, []) if place.patient >= 0 else person.below).append(visit)
        if person.below:
            found.setdefault(-1, []).append(person)
    roots = [_file_node(encoder, next(files)) for _ in volume.content.root_instances]
    if roots:
        found.setdefault(-1, []).extend(roots)
    return found
