"""A record of every type that there is or was, written by tests/every_record.py: we read what others read."""

from __future__ import annotations

import re
from pathlib import Path

import pydicom
import pytest

from mediacreator.dicomio.walker import Directory, walk
from mediacreator.medium_records import identifiers
from mediacreator.rules.tables import record_types
from tests.dicomdirs import dicomdir
from tests.every_record import every_record
from tests.oracle.test_walker_oracle import dumped, seen
from tests.oracles import needs, run
from tests.witness import known

DCIODVFY = "dciodvfy 1.00"
_ERROR = re.compile(
    r"^Error - </[^>]*?\[(\d+)\]/(?:.*/)?(\w+|)\(([0-9a-f]{4},[0-9a-f]{4})\)(?:\[\d+\])?> - ([^-=]*?)(?: for| =| -|$)"
)


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("every") / "DICOMDIR"
    path.write_bytes(dicomdir(every_record()))
    return path


@pytest.fixture(scope="module")
def in_use(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("in-use") / "DICOMDIR"
    path.write_bytes(dicomdir(every_record(("current", "newer"))))
    return path


def walked(path: Path) -> Directory:
    return walk(path.read_bytes())


def depths(directory: Directory) -> list[tuple[int, str, str]]:
    """Depth, type and File ID of each record in the order of the tree."""
    found: dict[int, int] = {}
    for record in directory.in_order():
        found[record.index] = 0 if record.parent is None else found[record.parent] + 1
    return [(found[r.index], r.type, "\\".join(r.file_id)) for r in directory.in_order()]


def test_we_read_every_type_and_find_only_that_some_are_retired(every: Path) -> None:
    directory = walked(every)
    retired = {row.name for row in record_types().values() if row.status == "retired"} - {"MRDR"}

    assert {record.type for record in directory.in_order()} == set(record_types()) - {"MRDR"}
    assert {
        (found.code, directory.records[int(found.location.split()[2]) - 1].type) for found in directory.findings
    } == {("retired-record-type", kind) for kind in retired}


@needs("dcmdump")
def test_dcmdump_reads_the_same(every: Path) -> None:
    assert seen(walked(every)) == dumped(every)


def test_pydicom_reads_the_same_values(every: Path) -> None:
    directory = walked(every)
    dataset = pydicom.dcmread(every)

    assert len(directory.records) == len(dataset.DirectoryRecordSequence)
    for record, item in zip(directory.records, dataset.DirectoryRecordSequence, strict=True):
        assert record.type == item.DirectoryRecordType
        assert list(record.values) == [int(element.tag) for element in item]
        texts = {
            "\\".join(map(str, element.value)) if element.VM > 1 else str(element.value)
            for element in item
            if element.VR in ("CS", "IS", "LO", "SH", "ST", "PN", "UI")
        }
        shown = set(filter(None, identifiers(record))) - {"20260301", "Procedure reported"}
        assert shown <= texts


@needs("dcdirdmp")
def test_dcdirdmp_reads_the_same_tree(every: Path) -> None:
    """It prints each record at its depth, and its File ID below."""
    read: list[tuple[int, str, str]] = []
    types = "|".join(sorted(record_types(), key=len, reverse=True))
    for line in run("dcdirdmp", every, rc=None).splitlines():
        record = re.match(rf"(\t*)({types})(?: |$)", line)
        file = re.match(r"\t* -> (.*)", line)
        if record:
            read.append((len(record[1]), record[2], ""))
        elif file:
            read[-1] = (*read[-1][:2], file[1])

    assert read == depths(walked(every))


@needs("gdcmdump")
def test_gdcm_reads_every_record(every: Path) -> None:
    kinds = re.findall(r"\(0004,1430\) CS (?:\[)?([A-Z0-9 ]+?) *(?:\]| *#|$)", run("gdcmdump", every), re.MULTILINE)

    assert [kind.strip() for kind in kinds] == [record.type for record in walked(every).records]


@needs("dciodvfy")
def test_dciodvfy_objects_only_to_what_is_known(in_use: Path) -> None:
    """Its edition is of 2022; what it says of each type of record is listed with the clause that decides."""
    directory = walked(in_use)
    said = set()
    for line in run("dciodvfy", "-new", in_use, rc=None).splitlines():
        error = _ERROR.match(line)
        if error:
            number, keyword, tag, what = error.groups()
            said.add((f"{directory.records[int(number) - 1].type} {keyword or tag}", what))
        assert error or "Error" not in line or "<SQ>" in line, line

    assert said == {(what, theirs) for what, _, theirs in known(DCIODVFY, "directory records")}
