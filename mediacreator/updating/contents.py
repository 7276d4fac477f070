"""What a File-set holds after an update: records that stay and new instances among them, as pages count them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from mediacreator.content.manifest import SERIES_LISTED
from mediacreator.dicomio.walker import Directory, DirectoryRecord
from mediacreator.model import (
    Attributes,
    FileID,
    FileSetContent,
    Header,
    Patient,
    Series,
    SOPInstance,
    SourceFile,
    Study,
    Volume,
)
from mediacreator.rules.claim import Claim
from mediacreator.updating.joining import Place, attributes_of, keywords_of

_NOTHING: Attributes = {}


@dataclass(slots=True)
class _New:
    """What is new directly below one record that is held, or in the root."""

    patients: list[Patient] = field(default_factory=list)
    studies: list[Study] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    instances: list[SOPInstance] = field(default_factory=list)


_NOTHING_NEW = _New()


class Contents:
    """Records that are held and stay, with what is new in its place among them."""

    def __init__(
        self,
        directory: Directory,
        removed: frozenset[int] = frozenset(),
        volume: Volume | None = None,
        places: Mapping[int, Place] | None = None,
    ) -> None:
        """Take what there was, what goes and what comes.

        Args:
            directory: As it was; without the rest, as it is.
            removed: Indices of the records that go, with all below them.
            volume: New instances.
            places: Where they go, from ``places_of``.
        """
        self._directory = directory
        self._removed = removed
        self._new = _sorted_in(volume.content, places or {}) if volume else {}

    def series(self) -> Iterator[tuple[DirectoryRecord, ...]]:
        """Yield for each series that is held the records of its instances that stay."""
        for record in self._directory.records:
            if record.type == "SERIES" and record.index not in self._removed:
                yield tuple(self._below(self._directory.children[record.index]))

    def kept(self) -> Iterator[DirectoryRecord]:
        """Yield each record that references a file and stays."""
        return (one for one in self._directory.records if one.has_file and one.index not in self._removed)

    def content(self, claim: Claim, told: Mapping[FileID, Attributes]) -> FileSetContent:
        """Return the File-set as its records tell it.

        Args:
            claim: For the keywords of its keys.
            told: What some instances say, by File ID; of the others the type is known.
        """
        words = keywords_of(claim)
        children, new = self._directory.children, self._new

        def series(record: DirectoryRecord, place: int) -> Series:
            held = (_instance(one, told) for one in self._below(children[record.index]))
            added = new.get(record.index, _NOTHING_NEW).instances
            # Of one that pages do not list they say the modality: to read all of 50,000 takes half a second.
            keys = attributes_of(record, words) if place < SERIES_LISTED else _of_modality(record.modality)
            return Series(keys, (*held, *added))

        def study(record: DirectoryRecord) -> Study:
            below = (one for one in self._below(children[record.index]) if one.type == "SERIES")
            held = (series(one, place) for place, one in enumerate(below))
            return Study(attributes_of(record, words), (*held, *new.get(record.index, _NOTHING_NEW).series))

        def patient(record: DirectoryRecord) -> Patient:
            held = (study(one) for one in self._below(children[record.index]) if one.type == "STUDY")
            return Patient(attributes_of(record, words), (*held, *new.get(record.index, _NOTHING_NEW).studies))

        roots = tuple(self._below(self._directory.roots))
        added = new.get(-1, _NOTHING_NEW)
        return FileSetContent(
            (*(patient(one) for one in roots if one.type == "PATIENT"), *added.patients),
            (*(_instance(one, told) for one in roots if one.type != "PATIENT" and one.has_file), *added.instances),
        )

    def _below(self, indices: Sequence[int]) -> Iterator[DirectoryRecord]:
        records, removed = self._directory.records, self._removed
        return (records[index] for index in indices if index not in removed)


def _sorted_in(content: FileSetContent, places: Mapping[int, Place]) -> dict[int, _New]:
    """Return what is new below each held record; below -1 what is new in the root. As ``joined_records`` has it."""
    found: dict[int, _New] = defaultdict(_New)
    for patient in content.patients:
        own: list[Study] = []
        for study in patient.studies:
            series = tuple(_without_held(study, places, found))
            if not series:
                continue
            place = places[series[0].instances[0].header.source.number]
            new = Study(study.keys, series, study.filled)
            (found[place.patient].studies if place.patient >= 0 else own).append(new)
        if own:
            found[-1].patients.append(Patient(patient.keys, tuple(own), patient.filled))
    if content.root_instances:
        found[-1].instances.extend(content.root_instances)
    return dict(found)


def _without_held(study: Study, places: Mapping[int, Place], found: dict[int, _New]) -> Iterator[Series]:
    """Yield the series of a study that is new itself; those that join held records go to where they belong."""
    for series in study.series:
        place = places[series.instances[0].header.source.number]
        if place.series >= 0:
            found[place.series].instances.extend(series.instances)
        elif place.study >= 0:
            found[place.study].series.append(series)
        else:
            yield series


@lru_cache(maxsize=64)
def _of_modality(value: bytes) -> Attributes:
    return {"Modality": value} if value else {}


def _instance(record: DirectoryRecord, told: Mapping[FileID, Attributes]) -> SOPInstance:
    keys = told.get(record.file_id)
    return _silent(record.type) if keys is None else _saying(record.type, keys)


def _saying(record_type: str, keys: Attributes) -> SOPInstance:
    """Return an instance as pages show one: its type, and what it says; which one it is, is not shown."""
    return SOPInstance(Header(SourceFile(0, "", 0, 0), "", "", "", 0, True, keys), record_type, keys)


@lru_cache(maxsize=64)
def _silent(record_type: str) -> SOPInstance:
    """Return the instance of which nothing is told: one of a type stands for all 50,000 of them."""
    return _saying(record_type, _NOTHING)
