"""Nine faults that no tool tried in peers.md section 6 names in full, each named with its record and its file.

Each is put into a medium that ``create`` made, by changing bytes without changing lengths.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from mediacreator import CreateRequest, create, verify_medium
from mediacreator.cli.list import command
from mediacreator.dicomio.walker import Directory, DirectoryRecord, walk
from mediacreator.model import Silent
from tests.dicomdirs import at, patched
from tests.instances import write_ct

NEXT, LOWER = 16, 38
Break = Callable[[Path, bytes, Directory], bytes]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A medium of two series with three images each, and its receipt beside it."""
    root = tmp_path_factory.mktemp("nine")
    (root / "source").mkdir()
    for series in (1, 2):
        for number in (1, 2, 3):
            write_ct(root / "source" / f"{series}-{number}.dcm", number, series)
    receipt = create(CreateRequest((str(root / "source"),), f"{root}/medium/"))
    assert receipt.counts.written == 6
    return root


def third(directory: Directory) -> DirectoryRecord:
    """The second image of the first series."""
    return [record for record in directory.in_order() if record.type == "IMAGE"][1]


def replaced(data: bytes, record: DirectoryRecord, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    position = data.index(old, record.offset, record.end)
    return patched(data, position, new)


def missing(root: Path, data: bytes, directory: Directory) -> bytes:
    root.joinpath(*third(directory).file_id).unlink()
    return data


def wrong_instance(_: Path, data: bytes, directory: Directory) -> bytes:
    uid = third(directory).sop_instance_uid.encode()
    return replaced(data, third(directory), uid, uid[:-1] + b"9")


def other_name(_: Path, data: bytes, directory: Directory) -> bytes:
    return replaced(data, directory.records[0], b"Testperson^Tilda", b"Testperson^Gilda")


def wrong_next(_: Path, data: bytes, directory: Directory) -> bytes:
    record = third(directory)
    return patched(data, record.offset + NEXT, struct.pack("<I", record.next_offset + 2))


def cycle(_: Path, data: bytes, directory: Directory) -> bytes:
    record = third(directory)
    return patched(data, record.offset + NEXT, struct.pack("<I", record.offset))


def orphans(_: Path, data: bytes, directory: Directory) -> bytes:
    assert third(directory).parent is not None
    series = directory.records[third(directory).parent or 0]
    return patched(data, series.offset + LOWER, b"\0\0\0\0")


def inconsistent(_: Path, data: bytes, __: Directory) -> bytes:
    return patched(data, at(data, b"\4\0\x12\x12US\2\0") + 8, b"\xff\xff")


def wrong_syntax(_: Path, data: bytes, directory: Directory) -> bytes:
    return replaced(data, third(directory), b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")


def lower_case(_: Path, data: bytes, directory: Directory) -> bytes:
    name = third(directory).file_id[-1].encode()
    return replaced(data, third(directory), name, name.lower())


THIRD = "third"  # stands for the record that ``third`` gives, and its file
FAULTS: dict[str, tuple[Break, str, str]] = {
    "1 a referenced file is missing": (missing, "missing-file", THIRD),
    "2 wrong SOP Instance UID in a record": (wrong_instance, "sop-instance-differs", THIRD),
    "3 another name in the record than in the file": (other_name, "patient-name-differs", THIRD),
    "4 wrong next-record offset": (wrong_next, "dangling-offset", THIRD),
    "5 offset cycle": (cycle, "record-cycle", THIRD),
    "6 orphaned images": (orphans, "orphan-record", THIRD),
    "7 consistency flag FFFF": (inconsistent, "consistency-flag", "DICOMDIR"),
    "8 wrong Transfer Syntax in a record": (wrong_syntax, "transfer-syntax-differs", THIRD),
    "9 File ID in lower case": (lower_case, "bad-file-id", THIRD),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_with_its_record_and_its_file(fault: str, made: Path, tmp_path: Path) -> None:
    how, code, place = FAULTS[fault]
    root = tmp_path / "medium"
    shutil.copytree(made / "medium", root)
    receipt = shutil.copy(made / "medium.receipt.json", tmp_path)
    before = walk((root / "DICOMDIR").read_bytes())
    (root / "DICOMDIR").write_bytes(how(root, (root / "DICOMDIR").read_bytes(), before))
    after = walk((root / "DICOMDIR").read_bytes())

    expected = place if place != THIRD else after.records[third(before).index].location
    assert place != THIRD or "/".join(third(before).file_id).casefold() in expected.casefold()
    told = CliRunner().invoke(command, [str(root), "--check", "--json"])
    listed = {(found["code"], found["location"]) for found in json.loads(told.stdout)["findings"]}
    verified = {
        (found.code, found.location) for found in verify_medium(str(root), str(receipt), progress=Silent()).findings
    }
    assert (code, expected) in listed
    assert (code, expected) in verified
    assert told.exit_code == (0 if code in ("consistency-flag", "patient-name-differs") else 1)


def test_the_medium_itself_has_no_fault(made: Path) -> None:
    result = CliRunner().invoke(command, [str(made / "medium"), "--check", "--json"])

    assert (result.exit_code, json.loads(result.stdout)["findings"]) == (0, [])


@pytest.mark.parametrize(
    ("content", "code"), [(b"no DICOM at all" * 20, "referenced-not-dicom"), (b"", "referenced-not-dicom")]
)
def test_a_file_that_is_no_dicom_file_is_named(content: bytes, code: str, made: Path, tmp_path: Path) -> None:
    root = tmp_path / "medium"
    shutil.copytree(made / "medium", root)
    record = third(walk((root / "DICOMDIR").read_bytes()))
    root.joinpath(*record.file_id).write_bytes(content)
    found = json.loads(CliRunner().invoke(command, [str(root), "--check", "--json"]).stdout)["findings"]

    assert [(one["code"], one["location"]) for one in found] == [(code, record.location)]


def test_a_file_that_is_cut_off_in_its_header_is_named(made: Path, tmp_path: Path) -> None:
    root = tmp_path / "medium"
    shutil.copytree(made / "medium", root)
    record = third(walk((root / "DICOMDIR").read_bytes()))
    path = root.joinpath(*record.file_id)
    path.write_bytes(path.read_bytes()[:500])
    found = json.loads(CliRunner().invoke(command, [str(root), "--check", "--json"]).stdout)["findings"]

    assert [(one["code"], one["location"]) for one in found] == [("file-not-compared", record.location)]
