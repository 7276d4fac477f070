"""Divide a File-set over several media, each a complete File-set of its own (PS3.10 8.6: one DICOMDIR for one medium).

A series is divided only where it is larger than a medium, a study only where that saves a medium. What belongs to a
study lies as close together as that allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mediacreator.errors import MediaTooSmall
from mediacreator.model import FileSetContent, Patient, Series, SOPInstance, Study


class InstanceTooLarge(MediaTooSmall):
    """One instance alone is larger than a medium; ``size`` in bytes."""

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size


Sizer = Callable[[SOPInstance], int]
"""Returns the bytes that an instance takes on a medium, with its record and the rest of its last sector."""

_Place = tuple[int, int, int]  # patient, study and series in the content


@dataclass(frozen=True, slots=True)
class _Unit:
    """Instances that stay together."""

    size: int
    pieces: tuple[tuple[_Place, tuple[SOPInstance, ...]], ...]  # of one or more series

    @property
    def study(self) -> tuple[int, int]:
        """Return where they belong."""
        return self.pieces[0][0][:2]


def span(content: FileSetContent, size_of: Sizer, capacity: int) -> tuple[FileSetContent, ...]:
    """Divide a File-set over as few media as can be.

    Args:
        content: Everything.
        size_of: Of each instance.
        capacity: Of one medium in bytes, for instances.

    Returns:
        The content of each medium, in the order of the studies; one where all of it fits.

    Raises:
        InstanceTooLarge: One instance alone is larger than a medium.
    """
    if sum(map(size_of, content.instances())) <= capacity:
        return (content,)
    series = tuple(_series_units(content, size_of, capacity))
    by_study = _fill(tuple(_study_units(series, capacity)), capacity)
    by_series = _fill(series, capacity)
    chosen = by_study if len(by_study) <= len(by_series) else by_series
    roots = sum(map(size_of, content.root_instances))
    if roots > capacity:
        raise _too_large(roots, capacity)
    media = sorted(chosen, key=_first)
    used = [sum(unit.size for unit in medium) for medium in media]
    return _with_roots([_content(content, medium) for medium in media], used, content, roots, capacity)


def _series_units(content: FileSetContent, size_of: Sizer, capacity: int) -> Iterable[_Unit]:
    """Yield each series; one that is larger than a medium in parts, in the order of its instances."""
    for p, patient in enumerate(content.patients):
        for t, study in enumerate(patient.studies):
            for s, series in enumerate(study.series):
                part: list[SOPInstance] = []
                used = 0
                for instance in series.instances:
                    size = size_of(instance)
                    if size > capacity:
                        raise _too_large(size, capacity)
                    if used + size > capacity:
                        yield _Unit(used, (((p, t, s), tuple(part)),))
                        part, used = [], 0
                    part.append(instance)
                    used += size
                if part:
                    yield _Unit(used, (((p, t, s), tuple(part)),))


def _study_units(series: Sequence[_Unit], capacity: int) -> Iterable[_Unit]:
    """Yield the series of each study together; of one that is larger than a medium each for itself."""
    studies: dict[tuple[int, int], list[_Unit]] = {}
    for unit in series:
        studies.setdefault(unit.study, []).append(unit)
    for units in studies.values():
        size = sum(unit.size for unit in units)
        if size <= capacity:
            yield _Unit(size, tuple(piece for unit in units for piece in unit.pieces))
        else:
            yield from units


def _fill(units: Sequence[_Unit], capacity: int) -> list[list[_Unit]]:
    """Put units on media: the largest first, each where its study lies already if there is room, else where it fits."""
    media: list[list[_Unit]] = []
    left: list[int] = []
    order = sorted(range(len(units)), key=lambda number: (-units[number].size, number))
    for unit in (units[number] for number in order):
        fitting = [n for n, room in enumerate(left) if unit.size <= room]
        same = [n for n in fitting if any(other.study == unit.study for other in media[n])]
        if not fitting:
            media.append([])
            left.append(capacity)
            fitting = [len(media) - 1]
        number = (same or fitting)[0]
        media[number].append(unit)
        left[number] -= unit.size
    return media


def _first(units: Sequence[_Unit]) -> _Place:
    return min(piece[0] for unit in units for piece in unit.pieces)


def _content(content: FileSetContent, units: Sequence[_Unit]) -> FileSetContent:
    """Return what of a File-set lies on one medium, in its order."""
    here: dict[_Place, list[SOPInstance]] = {}
    for unit in units:
        for place, instances in unit.pieces:
            here.setdefault(place, []).extend(instances)

    def series_of(p: int, t: int, study: Study) -> tuple[Series, ...]:
        kept = ((s, series) for s, series in enumerate(study.series) if (p, t, s) in here)
        return tuple(replace(series, instances=_in_order(series, here[p, t, s])) for s, series in kept)

    patients: list[Patient] = []
    for p, patient in enumerate(content.patients):
        studies = [replace(study, series=series_of(p, t, study)) for t, study in enumerate(patient.studies)]
        studies = [study for study in studies if study.series]
        if studies:
            patients.append(replace(patient, studies=tuple(studies)))
    return FileSetContent(tuple(patients))


def _in_order(series: Series, some: Sequence[SOPInstance]) -> tuple[SOPInstance, ...]:
    if len(some) == len(series.instances):
        return series.instances
    numbers = {instance.header.source.number for instance in some}
    return tuple(instance for instance in series.instances if instance.header.source.number in numbers)


def _with_roots(
    media: Sequence[FileSetContent], used: Sequence[int], content: FileSetContent, size: int, capacity: int
) -> tuple[FileSetContent, ...]:
    """Put objects that belong to no patient on the first medium with room, else on one of their own."""
    if not content.root_instances:
        return tuple(media)
    number = next((n for n, taken in enumerate(used) if taken + size <= capacity), len(media))
    alone = FileSetContent((), content.root_instances)
    if number == len(media):
        return (*media, alone)
    shared = replace(media[number], root_instances=content.root_instances)
    return (*media[:number], shared, *media[number + 1 :])


def sizes_by_source(sizes: Mapping[int, int]) -> Sizer:
    """Return a Sizer that looks sizes up by the number of the source."""
    return lambda instance: sizes[instance.header.source.number]


def _too_large(size: int, capacity: int) -> InstanceTooLarge:
    return InstanceTooLarge(f"An instance takes {size:,} bytes, the medium has room for {capacity:,}.", size)
