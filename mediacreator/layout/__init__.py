"""Stage 4: EncodedInstances to a Volume, File IDs given (PS3.10 8, PS3.12)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from mediacreator.errors import InternalError, UsageError
from mediacreator.model import EncodedInstance, FileID, FileSetContent, SOPInstance, Study, Volume, VolumeFile
from mediacreator.rules.tables import record_types

ROOT_FOLDER = "DICOM"
FILES_IN_A_FOLDER = 1000
"""Some drives and old readers slow down badly in larger folders."""

FILE_ID_COMPONENT = re.compile(r"[A-Z0-9_]{1,8}")
FILE_SET_ID = re.compile(r"[A-Z0-9_]{0,16}")
MAX_COMPONENTS = 8


def check_file_set_id(file_set_id: str) -> str:
    """Return a File-set ID that may be one.

    Raises:
        UsageError: It is not 0 to 16 characters A-Z, 0-9, _ (PS3.10 8.1, 8.5).
    """
    if not FILE_SET_ID.fullmatch(file_set_id):
        raise UsageError(
            f"The File-set ID has {len(file_set_id)} characters or some that are not allowed, expected 0 to 16 of A-Z, "
            "0-9 and _ [PS3.10 8.1, 8.5]. Give another --file-set-id."
        )
    return file_set_id


def lay_out(
    content: FileSetContent,
    encoded: Sequence[EncodedInstance],
    *,
    file_set_id: str,
    file_set_uid: str,
    first: int = 0,
) -> Volume:
    """Give every instance a File ID like DICOM/PT000000/ST000000/SE000000/IM000000: at most 7 components.

    Args:
        content: What goes on the medium.
        encoded: Its instances, in the order of ``content.instances()``.
        file_set_id: The label.
        file_set_uid: The identity of the File-set.
        first: Number in the name of the first patient's folder; what the File-set holds already has lower ones.

    Returns:
        The Volume. Names ascend in the order of the directory, so that a drive reads forward.

    Source: PS3.10 8.2 (File IDs carry no meaning), PS3.12 F.1.2.1 (8 levels, the root counted).
    """
    files = tuple(map(VolumeFile, _file_ids(content, first), encoded))
    return _volume(content, encoded, files, file_set_id, file_set_uid)


def lay_out_in_place(
    content: FileSetContent, encoded: Sequence[EncodedInstance], root: str, *, file_set_id: str, file_set_uid: str
) -> Volume:
    """Give every instance the File ID that it has already below ``root``.

    Raises:
        UsageError: A name cannot be a File ID.

    Source: PS3.10 8.2, 8.6 note (File IDs are relative to the folder of the File-set).
    """
    files = tuple(VolumeFile(_existing_file_id(instance, root), instance) for instance in encoded)
    return _volume(content, encoded, files, file_set_id, file_set_uid)


def without(content: FileSetContent, rejected: Collection[int]) -> FileSetContent:
    """Return the content without some instances, named by the number of their source; empty entities go too.

    Source: PS3.3 F.2.1 (a record of an upper level exists for what lies below it).
    """
    if not rejected:
        return content

    def kept(instances: tuple[SOPInstance, ...]) -> tuple[SOPInstance, ...]:
        return tuple(instance for instance in instances if instance.header.source.number not in rejected)

    def thinned(study: Study) -> Study:
        series = (replace(series, instances=kept(series.instances)) for series in study.series)
        return replace(study, series=tuple(s for s in series if s.instances))

    patients = []
    for patient in content.patients:
        studies = tuple(study for study in map(thinned, patient.studies) if study.series)
        if studies:
            patients.append(replace(patient, studies=studies))
    return FileSetContent(tuple(patients), kept(content.root_instances))


def _volume(
    content: FileSetContent,
    encoded: Sequence[EncodedInstance],
    files: tuple[VolumeFile, ...],
    file_set_id: str,
    file_set_uid: str,
) -> Volume:
    count = sum(1 for _ in content.instances())
    distinct = len({file.file_id for file in files})
    if not count == len(encoded) == len(files) == distinct:
        raise InternalError(f"{count} instances, {len(encoded)} encoded, {distinct} File IDs: not one for each")
    return Volume(check_file_set_id(file_set_id), file_set_uid, content, files)


def _file_ids(content: FileSetContent, first: int) -> Iterator[FileID]:
    """Yield a File ID for each instance of the content."""
    for patient_number, patient in enumerate(content.patients, first):
        for study_number, study in enumerate(patient.studies):
            above = (ROOT_FOLDER, f"PT{patient_number:06}", f"ST{study_number:06}")
            folders = _numbered(lambda _: "SE", "SG", range(len(study.series)))
            for folder, series in zip(folders, study.series, strict=True):
                for name in _instance_names(series.instances):
                    yield above + folder + name
    for name in _instance_names(content.root_instances):
        yield (ROOT_FOLDER, f"GN{first:06}" if first else "GENERAL", *name)


def _instance_names(instances: Sequence[SOPInstance]) -> Iterator[FileID]:
    types = record_types()
    return _numbered(lambda index: types[instances[index].record_type].prefix, "IG", range(len(instances)))


def _numbered(prefix: Callable[[int], str], group: str, numbers: range) -> Iterator[FileID]:
    """Yield one name for each number, or a folder and a name where one folder would hold too many."""
    if len(numbers) <= FILES_IN_A_FOLDER:
        return ((f"{prefix(number)}{number:06}",) for number in numbers)
    return ((f"{group}{number // FILES_IN_A_FOLDER:06}", f"{prefix(number)}{number:06}") for number in numbers)


def _existing_file_id(instance: EncodedInstance, root: str) -> FileID:
    source = instance.instance.header.source
    components = tuple(source.path.removeprefix(root).strip("/").split("/"))
    if len(components) > MAX_COMPONENTS or not all(map(FILE_ID_COMPONENT.fullmatch, components)):
        raise UsageError(
            f"{source.location}: its name cannot be a File ID, expected 1 to 8 components of 1 to 8 characters A-Z, 0-9"
            " and _ [PS3.10 8.2, 8.5]. Create a new File-set from it instead."
        )
    return components
