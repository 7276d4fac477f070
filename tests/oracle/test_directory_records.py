"""Records of every type, as we write them: read by dcmdump, dicom3tools and pydicom, compared with dcmmkdir's."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet

from mediacreator import CreateRequest, create
from mediacreator.rules import tables
from tests.oracle.test_tables_dcmmkdir import Made, instance, made
from tests.oracles import needs, run

__all__ = ["made"]  # a fixture

CLASSES = [row for row in tables.sop_classes().values() if row.record_type]
LATEST = 0x0040A030
"""Verification DateTime: the latest (PS3.3 F.5.25); dcmmkdir takes that of the last item."""


UNKNOWN_TO_READERS = {"ANNOTATION", "INVENTORY", "WF PRESENTATION"}
"""Newer than pydicom 3.0.2's tables (KeyError) and dicom3tools of 2022 (an assertion on VR UV): see part03, 8.1."""

READABLE = [row for row in CLASSES if row.record_type not in UNKNOWN_TO_READERS]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One made-up instance of each SOP Class, on one medium."""
    return medium_of(CLASSES, tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="module")
def readable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without the record types that these readers do not know."""
    return medium_of(READABLE, tmp_path_factory.mktemp("readable"))


def medium_of(classes: list[tables.SOPClass], folder: Path) -> Path:
    source = folder / "source"
    source.mkdir()
    before = config.settings.reading_validation_mode, config.settings.writing_validation_mode
    config.settings.reading_validation_mode = config.settings.writing_validation_mode = config.IGNORE
    for number, row in enumerate(classes, 1):
        instance(row, number).save_as(source / f"{number:03}", enforce_file_format=True)
    config.settings.reading_validation_mode, config.settings.writing_validation_mode = before
    receipt = create(CreateRequest((str(source),), f"{folder}/medium/"))
    assert receipt.counts.accepted == len(classes), [e.finding for e in receipt.not_on_medium]
    return folder / "medium" / "DICOMDIR"


def by_class(path: Path) -> dict[str, Dataset]:
    records = dcmread(path).DirectoryRecordSequence
    return {record.ReferencedSOPClassUIDInFile: record for record in records if "ReferencedFileID" in record}


def test_every_class_has_the_record_of_its_type(directory: Path) -> None:
    written = by_class(directory)
    assert {uid: record.DirectoryRecordType for uid, record in written.items()} == {
        row.uid: row.record_type for row in CLASSES
    }


@needs("dcmmkdir")
def test_values_are_those_of_dcmmkdir(directory: Path, made: Made) -> None:
    ours = by_class(directory)
    compared = 0
    for uid, theirs in made.records.items():
        for element in theirs:
            if element.tag.group == 0x0004 or element.tag == LATEST or element.tag not in ours[uid]:
                continue
            mine = ours[uid][element.tag]
            compared += 1
            if element.VR == "SQ":
                assert len(mine.value) == len(element.value), (uid, element.keyword)
                for one, other in zip(mine.value, element.value, strict=True):
                    assert all(one[e.tag].value == e.value for e in other if e.tag in one), (uid, element.keyword)
            else:
                assert mine.value == element.value, (uid, element.keyword)
    assert compared > 300


@needs("dcmdump")
def test_dcmdump_reads_every_record(directory: Path) -> None:
    assert run("dcmdump", "-q", directory).count("(0004,1500)") == len(CLASSES)


@needs("dciodvfy", "dcdirdmp")
def test_dicom3tools_accept_every_record_that_they_know(readable: Path) -> None:
    said = run("dciodvfy", readable, rc=None).splitlines()
    assert "BasicDirectory" in said
    # What the made-up items lack is theirs; a record must lack nothing (test_whole_media has real ones, and no error).
    lacking = Counter(line for line in said if "Missing attribute" in line and "DirectoryRecord>" in line)
    assert lacking == Counter()
    assert run("dcdirdmp", readable, rc=None).count("-> ") == len(READABLE)


def test_pydicom_loads_every_record_that_it_knows(readable: Path) -> None:
    assert len(FileSet(readable)) == len(READABLE) > 165
