"""File IDs: legal, unique, in order, few to a folder (PS3.10 8.2, 8.5; PS3.12 F.1.2.1)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.errors import UsageError
from mediacreator.layout import (
    FILE_ID_COMPONENT,
    FILES_IN_A_FOLDER,
    check_file_set_id,
    lay_out,
    lay_out_in_place,
    without,
)
from mediacreator.model import (
    Body,
    EncodedInstance,
    FileSetContent,
    Header,
    Patient,
    Series,
    SOPInstance,
    SourceFile,
    Study,
)

CT = "1.2.840.10008.5.1.4.1.1.2"


def encoded(number: int, path: str = "/x") -> EncodedInstance:
    source = SourceFile(number, path, 10, 0)
    header = Header(source, CT, f"1.2.{number}", "1.2.840.10008.1.2.1", 0, True, {})
    return EncodedInstance(SOPInstance(header, "IMAGE", {}), "1.2.840.10008.1.2.1", b"", Body(source, 0, 10))


def content_of(shape: list[list[list[int]]], roots: int = 0) -> tuple[FileSetContent, list[EncodedInstance]]:
    """Patients of studies of series of so many instances."""
    all_encoded: list[EncodedInstance] = []

    def instances(count: int) -> tuple[SOPInstance, ...]:
        new = [encoded(len(all_encoded) + i + 1) for i in range(count)]
        all_encoded.extend(new)
        return tuple(e.instance for e in new)

    patients = tuple(
        Patient({}, tuple(Study({}, tuple(Series({}, instances(n)) for n in study)) for study in patient))
        for patient in shape
    )
    return FileSetContent(patients, instances(roots)), all_encoded


@given(
    st.lists(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3), min_size=1, max_size=3), max_size=3),
    st.integers(0, 3),
)
@settings(max_examples=50)
def test_file_ids_are_legal_unique_and_ascending(shape: list[list[list[int]]], roots: int) -> None:
    content, instances = content_of(shape, roots)
    volume = lay_out(content, instances, file_set_id="TEST", file_set_uid="2.25.1")
    ids = [file.file_id for file in volume.files]

    assert len(ids) == len(set(ids)) == len(instances)
    assert all(len(i) <= 7 and all(FILE_ID_COMPONENT.fullmatch(c) for c in i) for i in ids)
    patients = [i for i in ids if i[1] != "GENERAL"]
    assert patients == sorted(patients)
    assert [file.encoded for file in volume.files] == instances


@pytest.mark.parametrize("shape", [[[[2500]]], [[[1] * 2500]]], ids=["one series", "many series"])
def test_no_folder_holds_too_much(shape: list[list[list[int]]]) -> None:
    content, instances = content_of(shape)
    volume = lay_out(content, instances, file_set_id="", file_set_uid="2.25.1")
    names = {file.file_id[:n] for file in volume.files for n in range(1, len(file.file_id) + 1)}
    held = Counter(name[:-1] for name in names)

    assert max(held.values()) == FILES_IN_A_FOLDER
    assert max(len(file.file_id) for file in volume.files) <= 7
    assert [f.file_id for f in volume.files] == sorted(f.file_id for f in volume.files)


@pytest.mark.parametrize("label", ["lower", "A B", "A-B", "X" * 17, "É"])
def test_a_file_set_id_that_cannot_be_is_refused(label: str) -> None:
    with pytest.raises(UsageError, match=r"PS3\.10 8\.1"):
        check_file_set_id(label)


def test_rejected_instances_take_their_empty_records_with_them() -> None:
    content, _ = content_of([[[1, 2]], [[1]]])
    thinner = without(content, {1, 4})
    assert [len(s.instances) for p in thinner.patients for st_ in p.studies for s in st_.series] == [2]
    assert without(content, set()) is content


def test_existing_names_become_file_ids_only_if_legal() -> None:
    content, _ = content_of([[[1]]])
    good = [encoded(1, "/disc/DICOM/IM000001")]
    volume = lay_out_in_place(content, good, "/disc", file_set_id="", file_set_uid="2.25.1")
    assert volume.files[0].file_id == ("DICOM", "IM000001")
    for bad in ("/disc/dicom/IM000001", "/disc/IM000001.DCM", "/disc/" + "A/" * 8 + "B", "/disc/IMAGE00001"):
        with pytest.raises(UsageError, match=r"PS3\.10 8\.2"):
            lay_out_in_place(content, [encoded(1, bad)], "/disc", file_set_id="", file_set_uid="2.25.1")
