"""What dcmdump and pydicom read in DICOMDIRs that dcmmkdir and pydicom wrote, our walker reads as well."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.fileset import FileSet

from mediacreator.dicomio.walker import Directory, walk
from mediacreator.medium import open_medium
from tests.dicomdirs import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, dicomdir, tree
from tests.oracles import needs, run

OTHERS = Path(str(get_testdata_file("CT_small.dcm"))).parent
DICOMDIRS = OTHERS / "dicomdirtests"


def instances(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.read_bytes()[128:132] == b"DICM" and path.suffix == ""
    )


@pytest.fixture(scope="module")
def made_by_dcmmkdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dcmmkdir")
    for name in ("77654033", "98892001", "98892003"):
        shutil.copytree(DICOMDIRS / name, root / name)
    run("dcmmkdir", "+r", "-W", "-Nxc", "-Pgp", "+F", "OTHERS", "+id", root, "+D", root / "DICOMDIR", rc=None)
    return root


@pytest.fixture(scope="module")
def made_by_pydicom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pydicom") / "set"
    file_set = FileSet()
    for path in instances(DICOMDIRS):
        if "DICOMDIR" not in path.name:
            file_set.add(path)
    file_set.write(root)
    return root


def dumped(path: Path) -> list[tuple[str, str, str, str, str]]:
    """Type, offset, next, lower and File ID of each record as dcmdump prints them, by position."""
    records = []
    text = run("dcmdump", "+L", "-q", path)
    for part in re.split(r'\(fffe,e000\) na "Directory Record', text)[1:]:
        values = [
            re.search(pattern, part)
            for pattern in (
                r"\(0004,1430\) CS \[(.*?)\]",
                r"#  offset=\$(\d+)",
                r"\(0004,1400\) up (\d+)",
                r"\(0004,1420\) up (\d+)",
                r"\(0004,1500\) CS \[(.*?)\]",
            )
        ]
        records.append(tuple(value.group(1) if value else "" for value in values))
    return records  # type: ignore[return-value]  # five patterns


def seen(directory: Directory) -> list[tuple[str, str, str, str, str]]:
    return [
        (r.type, str(r.offset), str(r.next_offset), str(r.lower_offset), "\\".join(r.file_id))
        for r in directory.records
    ]


@needs("dcmdump")
@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-implicit", "DICOMDIR-reordered"])
def test_dcmdump_sees_the_same_records_in_directories_of_others(name: str) -> None:
    assert seen(walk((DICOMDIRS / name).read_bytes())) == dumped(DICOMDIRS / name)


@needs("dcmmkdir", "dcmdump")
def test_dcmdump_sees_the_same_records_in_a_directory_of_dcmmkdir(made_by_dcmmkdir: Path) -> None:
    path = made_by_dcmmkdir / "DICOMDIR"
    directory = walk(path.read_bytes())

    assert seen(directory) == dumped(path)
    assert directory.file_set_id == "OTHERS"
    assert directory.findings == ()
    assert len([record for record in directory.in_order() if record.type == "IMAGE"]) == 31


@needs("dcmdump")
def test_dcmdump_sees_the_same_records_in_a_directory_of_pydicom(made_by_pydicom: Path) -> None:
    path = made_by_pydicom / "DICOMDIR"
    directory = walk(path.read_bytes())

    assert seen(directory) == dumped(path)
    assert directory.findings == ()


def counted(file_set: FileSet) -> dict[tuple[str, str, str], set[str]]:
    """SOP Instance UIDs by Patient ID, Study and Series Instance UID, as pydicom's FileSet finds them."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for instance in file_set:
        key = (str(instance.PatientID), str(instance.StudyInstanceUID), str(instance.SeriesInstanceUID))
        found.setdefault(key, set()).add(str(instance.SOPInstanceUID))
    return found


def listed(root: Path) -> dict[tuple[str, str, str], set[str]]:
    with open_medium(root) as medium:
        records = medium.directory.records
        children = medium.directory.children
        return {
            (patient.id, study.uid, series.uid): {
                records[index].sop_instance_uid for index in children[series.record.index]
            }
            for patient in medium.patients()
            for study in patient.studies
            for series in study.series
        }


@pytest.mark.parametrize("fixture", ["made_by_dcmmkdir", "made_by_pydicom"])
def test_pydicom_finds_the_same_instances_in_the_same_series(fixture: str, request: pytest.FixtureRequest) -> None:
    root: Path = request.getfixturevalue(fixture)

    assert listed(root) == counted(FileSet(root / "DICOMDIR"))


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-reordered"])
def test_pydicom_reads_the_same_values_of_every_record(name: str) -> None:
    """Values by tag: text keys as they stand, whatever the encoding."""
    dataset = pydicom.dcmread(DICOMDIRS / name)
    directory = walk((DICOMDIRS / name).read_bytes())

    sequence: Sequence[pydicom.Dataset] = dataset.DirectoryRecordSequence
    assert len(directory.records) == len(sequence)
    for record, item in zip(directory.records, sequence, strict=True):
        assert list(record.values) == [int(element.tag) for element in item]
        for element in item:
            if element.VR in ("CS", "LO", "SH", "IS", "UI", "DA", "TM", "PN"):
                text = "\\".join(map(str, element.value)) if element.VM > 1 else str(element.value or "")
                assert record.text(int(element.tag), element.VR) == text


@needs("dcmdump")
@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE])
def test_dcmdump_agrees_with_the_builder_that_other_tests_use(syntax: bytes, tmp_path: Path) -> None:
    """tests/dicomdirs.py is judged too: what it calls right, DCMTK must call right."""
    path = tmp_path / "DICOMDIR"
    path.write_bytes(dicomdir(tree(images=2, series=2, patients=2), undefined_sequence=True, syntax=syntax))

    assert seen(walk(path.read_bytes())) == dumped(path)


@needs("xorriso")
def test_an_iso_of_xorriso_lists_like_its_folder(made_by_dcmmkdir: Path, tmp_path: Path) -> None:
    """Names are recorded as NAME.;1 and shown without."""
    image = tmp_path / "disc.iso"
    run("xorriso", "-as", "mkisofs", "-quiet", "-iso-level", "1", "-V", "OTHERS", "-o", image, made_by_dcmmkdir)

    assert listed(image) == listed(made_by_dcmmkdir)
    with open_medium(image) as medium:
        assert medium.label == "OTHERS"
        assert medium.missing() == ()
        assert medium.unreferenced() == ()
        assert medium.findings == ()
