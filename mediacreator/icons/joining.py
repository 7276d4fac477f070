"""Put icons into the keys of the records that get one: of instances and, where a profile says so, of series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mediacreator.icons.choosing import ICON_IMAGE_SEQUENCE, SERIES, Choices
from mediacreator.icons.making import Icons, is_video, make_icons
from mediacreator.model import (
    Attributes,
    Disposition,
    EncodedInstance,
    FileSetContent,
    Finding,
    Patient,
    Progress,
    Series,
    SOPInstance,
    Study,
)
from mediacreator.rules.profile import ApplicationProfile, IconRule


@dataclass(frozen=True, slots=True)
class Iconified:
    """File-sets and their encoded instances with icons; the instances that are rejected are still in both."""

    file_sets: tuple[FileSetContent, ...]
    encoded: Mapping[int, EncodedInstance]  # by the number of the source
    rejected: tuple[Disposition, ...]  # whose record must have an icon, which cannot be made
    findings: tuple[Finding, ...]


def with_icons(
    file_sets: Sequence[FileSetContent],
    encoded: Mapping[int, EncodedInstance],
    profiles: Iterable[ApplicationProfile],
    *,
    optional: bool,
    workers: int = 1,
    progress: Progress | None = None,
    directory: str | None = None,
) -> Iconified:
    """Make the icons that the directories of some File-sets need, and put them into the keys of their records.

    Icons that a profile requires are made always, others only where ``optional``. Instances without pixels get none,
    unless a profile requires it, and then they are rejected. A series is shown by its middle image.

    Args:
        file_sets: What goes on the media; instances that are not in ``encoded`` stay as they are.
        encoded: The instances, by the number of the source; the spool must be open.
        profiles: That the File-sets claim.
        optional: Whether icons are made that no profile requires.
        workers: Processes, 1 or more.
        progress: Told of each icon.
        directory: For temporary files; that of the system without.

    Source: PS3.3 F.5, F.7, PS3.11 X.3.3.
    """
    choices = Choices(profiles, optional=optional)
    if not choices.any:
        return Iconified(tuple(file_sets), encoded, (), ())
    job = _Job(encoded, choices, workers, progress, directory)
    of_instances = job.icons_of_instances()
    of_series = job.icons_of_series(file_sets, of_instances)
    return Iconified(
        tuple(_file_set(file_set, of_instances.values, of_series.values) for file_set in file_sets),
        {number: _encoded(one, of_instances.values) for number, one in encoded.items()},
        of_instances.rejected,
        (*choices.findings(), *of_instances.findings, *of_series.findings),
    )


@dataclass(frozen=True, slots=True)
class _Job:
    encoded: Mapping[int, EncodedInstance]
    choices: Choices
    workers: int
    progress: Progress | None
    directory: str | None

    def icons_of_instances(self) -> Icons:
        asked: dict[IconRule, list[EncodedInstance]] = {}
        for one in self.encoded.values():
            rule = self._rule(one.instance)
            if rule is not None and (rule.required or one.instance.header.pixel_data is not None):
                asked.setdefault(rule, []).append(one)
        return self._made(asked)

    def icons_of_series(self, file_sets: Iterable[FileSetContent], of_instances: Icons) -> Icons:
        """Return the icons of series, each by the number of the source of its first instance."""
        found: dict[int, bytes] = {}
        asked: dict[IconRule, list[EncodedInstance]] = {}
        shown: dict[int, int] = {}  # the number of the image that shows a series -> the series
        for series in (s for file_set in file_sets for p in file_set.patients for t in p.studies for s in t.series):
            rule = self._series_rule(series)
            images = list(self._images(series)) if rule is not None else []
            if rule is None or not images:
                continue
            same = [one for one in images if self._rule(one.instance) == rule]
            made = [icon for icon in (of_instances.values.get(_number(one.instance)) for one in same) if icon]
            if made:
                found[_name(series)] = made[len(made) // 2]
            elif len(same) < len(images):
                middle = images[len(images) // 2]
                shown[_number(middle.instance)] = _name(series)
                # One image that cannot be shown is no reason to leave out a series.
                asked.setdefault(replace(rule, required=False), []).append(middle)
        more = self._made(asked)
        return Icons({**found, **{shown[number]: icon for number, icon in more.values.items()}}, (), more.findings)

    def _rule(self, instance: SOPInstance) -> IconRule | None:
        choice = self.choices.for_record(instance.record_type, instance.profiles)
        return None if choice is None else choice.rule

    def _series_rule(self, series: Series) -> IconRule | None:
        covered_by = tuple(sorted({name for instance in series.instances for name in instance.profiles}))
        choice = self.choices.for_record(SERIES, covered_by)
        return None if choice is None else choice.rule

    def _images(self, series: Series) -> Iterator[EncodedInstance]:
        """Yield what can show a series."""
        for instance in series.instances:
            one = self.encoded.get(_number(instance))
            if one is not None and instance.header.pixel_data is not None and not is_video(one):
                yield one

    def _made(self, asked: Mapping[IconRule, Sequence[EncodedInstance]]) -> Icons:
        parts = [make_icons(ones, rule, self.workers, self.progress, self.directory) for rule, ones in asked.items()]
        return Icons(
            {number: icon for part in parts for number, icon in part.values.items()},
            tuple(entry for part in parts for entry in part.rejected),
            tuple(finding for part in parts for finding in part.findings),
        )


def _number(instance: SOPInstance) -> int:
    return instance.header.source.number


def _name(series: Series) -> int:
    """Return what tells a series from all others, also from one of the same UID in another File-set."""
    return _number(series.instances[0])


def _file_set(content: FileSetContent, icons: Mapping[int, bytes], of_series: Mapping[int, bytes]) -> FileSetContent:
    def with_icon(series: Series) -> Series:
        instances = tuple(_instance(instance, icons) for instance in series.instances)
        return replace(series, keys=_keys(series.keys, of_series.get(_name(series))), instances=instances)

    def in_study(study: Study) -> Study:
        return replace(study, series=tuple(map(with_icon, study.series)))

    def in_patient(patient: Patient) -> Patient:
        return replace(patient, studies=tuple(map(in_study, patient.studies)))

    roots = tuple(_instance(instance, icons) for instance in content.root_instances)
    return FileSetContent(tuple(map(in_patient, content.patients)), roots)


def _encoded(one: EncodedInstance, icons: Mapping[int, bytes]) -> EncodedInstance:
    instance = _instance(one.instance, icons)
    return one if instance is one.instance else replace(one, instance=instance)


def _instance(instance: SOPInstance, icons: Mapping[int, bytes]) -> SOPInstance:
    icon = icons.get(_number(instance))
    return instance if icon is None else replace(instance, keys=_keys(instance.keys, icon))


def _keys(keys: Attributes, icon: bytes | None) -> Attributes:
    return keys if icon is None else {**keys, ICON_IMAGE_SEQUENCE: icon}
