"""Media that other programs made: we list what dcmdump and pydicom read of them, and say what is wrong with each."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from click.testing import CliRunner
from pydicom.dataset import Dataset
from pydicom.uid import BasicTextSRStorage

from mediacreator.cli.list import command
from mediacreator.dicomio.walker import walk
from tests.instances import ct, write, write_ct
from tests.oracle.test_walker_oracle import dumped, seen
from tests.oracles import needs, run

MEDIA = Path(__file__).parent.parent / "media"
YAMADA, MUELLER = "山田^太郎", "Müller^Jürgen"


def sources(folder: Path) -> Path:
    """Two slices and a report of one patient, in UTF-8; a slice of another, in Latin-1."""
    folder.mkdir(parents=True)
    of_yamada = {"PatientName": YAMADA, "PatientID": "FOREIGN1", "InstitutionName": "Krankenhaus Süd"}
    for number in (1, 2):
        write_ct(folder / f"CT{number}", number, 1, 1, **of_yamada)
    write_ct(folder / "CT3", study=2, PatientName=MUELLER, PatientID="FOREIGN2", SpecificCharacterSet="ISO_IR 100")
    report = ct(1, 2, 1, SOPClassUID=BasicTextSRStorage, Modality="SR", **of_yamada)
    for element in list(report):
        if element.tag.group in (0x0028, 0x7FE0) or element.keyword == "ImageType":
            del report[element.tag]
    report.ValueType, report.ContinuityOfContent = "CONTAINER", "SEPARATE"
    report.CompletionFlag, report.VerificationFlag = "COMPLETE", "UNVERIFIED"
    report.ContentTime = "101112"
    title = Dataset()
    title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = "121060", "DCM", "History"
    report.ConceptNameCodeSequence = [title]
    write(folder / "SR1", report)
    return folder


def dcmmkdir(folder: Path, *options: str) -> None:
    run("dcmmkdir", "+r", "-Pgp", *options, "+id", folder, "+D", folder / "DICOMDIR")


def by_dcmmkdir(folder: Path) -> None:
    dcmmkdir(sources(folder))


def by_dcmmkdir_inventing(folder: Path) -> None:
    """``+I``: IDs and numbers that an instance lacks are made up."""
    nameless = sources(folder) / "CT4"
    write_ct(nameless, study=5, series=5, PatientID="", StudyID="", SeriesNumber=None, InstanceNumber=None)
    dcmmkdir(folder, "--invent")


def by_gdcmgendir(folder: Path) -> None:
    (sources(folder) / "SR1").unlink()  # it knows images only
    run("gdcmgendir", "-r", "-i", folder, "-o", folder / "DICOMDIR", "--descriptor", "MEDIUM", "--root-uid", "2.25.9")


def by_pydicom(folder: Path) -> None:
    from pydicom.fileset import FileSet

    file_set = FileSet()
    for path in sorted(sources(folder.with_name("source")).iterdir()):
        file_set.add(path)
    file_set.write(folder)


def stored(name: str) -> Callable[[Path], None]:
    def unpack(folder: Path) -> None:
        with zipfile.ZipFile(MEDIA / f"{name}.zip") as archive:
            archive.extractall(folder)

    return unpack


@dataclass(frozen=True)
class Maker:
    """A program, what it makes, and what is wrong with that."""

    make: Callable[[Path], None]
    patients: tuple[tuple[str, str, int], ...]  # name and ID as its records have them, number of instances
    types: frozenset[str]  # of the records that reference a file
    codes: frozenset[str] = frozenset()  # of ``list --check``


_BOTH = ((MUELLER, "FOREIGN2", 1), (YAMADA, "FOREIGN1", 3))
_IMAGE_AND_REPORT = frozenset(("IMAGE", "SR DOCUMENT"))
_IMAGE = frozenset(("IMAGE",))
MAKERS = {
    "dcmmkdir": Maker(by_dcmmkdir, _BOTH, _IMAGE_AND_REPORT),
    "dcmmkdir +I": Maker(by_dcmmkdir_inventing, (*_BOTH, ("Testperson^Tilda", "DCMTKPAT000000", 1)), _IMAGE_AND_REPORT),
    # it leaves Specific Character Set out, and takes the last record for the last of the root
    "gdcmgendir": Maker(
        by_gdcmgendir,
        ((MUELLER, "FOREIGN2", 1), (YAMADA, "FOREIGN1", 2)),
        _IMAGE,
        frozenset(("no-character-set", "wrong-last-offset")),
    ),
    "pydicom": Maker(by_pydicom, _BOTH, _IMAGE_AND_REPORT),
    # names without what ASCII lacks, and every object an IMAGE
    "orthanc": Maker(
        stored("orthanc"),
        (("Mller^Jrgen", "FOREIGN2", 1), ("^", "FOREIGN1", 3)),
        _IMAGE,
        frozenset(("patient-name-differs",)),
    ),
    "pixelmed": Maker(stored("pixelmed"), _BOTH, _IMAGE_AND_REPORT, frozenset(("wrong-last-offset",))),
    "dcdirmk": Maker(stored("dcdirmk"), ((YAMADA, "FOREIGN1", 1),), _IMAGE, frozenset(("wrong-last-offset",))),
}


@pytest.fixture(scope="module", params=MAKERS)
def medium(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Maker]:
    name = str(request.param)
    folder = tmp_path_factory.mktemp("foreign") / "disc"
    MAKERS[name].make(folder)
    return folder, MAKERS[name]


pytestmark = [needs("dcmdump"), needs("dcmmkdir"), needs("gdcmgendir")]


def test_dcmdump_reads_the_same_records(medium: tuple[Path, Maker]) -> None:
    folder, _ = medium
    assert seen(walk((folder / "DICOMDIR").read_bytes())) == dumped(folder / "DICOMDIR")


def test_pydicom_reads_the_same_tree_and_the_same_values(medium: tuple[Path, Maker]) -> None:
    folder, _ = medium
    dataset = pydicom.dcmread(folder / "DICOMDIR")
    document = json.loads(CliRunner().invoke(command, [str(folder), "--json"]).stdout)

    assert len(document["records"]) == len(dataset.DirectoryRecordSequence)
    for record, item in zip(document["records"], dataset.DirectoryRecordSequence, strict=True):
        declared = "SpecificCharacterSet" in item
        for element in item:
            if element.VR in ("CS", "LO", "SH", "IS", "UI", "DA", "TM", "PN"):
                values = element.value if element.VM > 1 else [element.value]
                value = "\\".join("" if one is None else str(one) for one in values)
                if value.isascii() or declared:
                    assert record["values"][element.keyword] == value
            if element.VR == "SQ":
                assert len(record["values"][element.keyword]) == len(element.value)


def test_patients_and_instances_are_listed_with_what_is_wrong(medium: tuple[Path, Maker]) -> None:
    folder, maker = medium
    document = json.loads(CliRunner().invoke(command, [str(folder), "--check", "--json"]).stdout)

    listed = [(patient["name"], patient["id"], patient["instances"]) for patient in document["patients"]]
    assert sorted(listed) == sorted(maker.patients)
    assert {record["type"] for record in document["records"] if record["file_id"]} == maker.types
    assert all(record["file"] for record in document["records"] if record["file_id"])
    assert {found["code"] for found in document["findings"]} == maker.codes


def test_last_offsets_that_we_call_wrong_are_wrong(medium: tuple[Path, Maker]) -> None:
    """PS3.3 Table F.3-3: (0004,1202) is that of the last record of the root directory entity, as pydicom follows it."""
    folder, maker = medium
    dataset = pydicom.dcmread(folder / "DICOMDIR")
    following = {item.seq_item_tell: item[0x00041400].value for item in dataset.DirectoryRecordSequence}
    last = dataset[0x00041200].value
    while following[last]:
        last = following[last]

    assert (dataset[0x00041202].value != last) == ("wrong-last-offset" in maker.codes)


def test_what_is_stored_is_read_as_an_archive_too(tmp_path: Path) -> None:
    for name in ("orthanc", "pixelmed", "dcdirmk"):
        folder = tmp_path / name
        MAKERS[name].make(folder)
        listings = [
            CliRunner().invoke(command, [str(path), "--tree"]).stdout for path in (folder, MEDIA / f"{name}.zip")
        ]
        assert listings[0] == listings[1]
        shutil.rmtree(folder)
