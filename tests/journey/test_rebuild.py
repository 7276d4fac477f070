"""A folder whose DICOMDIR is gone or broken gets a correct one, and nothing is invented on the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.fileset import FileSet

from mediacreator import CreateRequest, create, open_medium
from mediacreator.validate import check_file_set
from tests.dicomdirs import Record, dicomdir, element
from tests.instances import write_ct
from tests.journey.conftest import Command
from tests.oracles import needs, run


@pytest.fixture
def medium(tmp_path: Path, samples: Path) -> Path:
    """Return a medium of the first patient."""
    create(CreateRequest((str(samples / "patient1"),), f"{tmp_path}/medium/", profile="STD-GEN-CD"))
    return tmp_path / "medium"


def records(folder: Path) -> list[tuple[str, tuple[str, ...], str]]:
    with open_medium(folder) as opened:
        return [(r.type, r.file_id, r.sop_instance_uid) for r in opened.directory.in_order()]


def hashes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


BREAKS: dict[str, Callable[[bytes], bytes]] = {
    "zeros in the middle": lambda data: data[:600] + bytes(200) + data[800:],
    "cut off": lambda data: data[:2000],
    "no directory at all": lambda data: b"nothing",
}


@pytest.mark.parametrize("how", BREAKS)
def test_a_broken_dicomdir_becomes_what_it_was(how: str, medium: Path, command: Command) -> None:
    before, files = records(medium), hashes(medium)
    (medium / "DICOMDIR").write_bytes(BREAKS[how]((medium / "DICOMDIR").read_bytes()))
    assert command("remove", str(medium), "--patient", "MC-1001").code in (1, 3)  # an update could lose what it says
    ran = command("rebuild", str(medium), "--profile", "STD-GEN-CD")

    assert ran.code == 0, ran.said
    assert records(medium) == before
    assert {name for name, data in hashes(medium).items() if data != files[name]} <= {
        "DICOMDIR",
        "README.TXT",
        "INDEX.HTM",
        "RECEIPT.JSN",
    }
    assert check_file_set(medium, "STD-GEN-CD").conforms
    assert command("verify", str(medium)).code == 0


def test_a_folder_without_dicomdir_gets_one(medium: Path, command: Command) -> None:
    before = records(medium)
    for name in ("DICOMDIR", "README.TXT", "INDEX.HTM", "RECEIPT.JSN"):
        (medium / name).unlink()
    medium.with_name("medium.receipt.json").unlink()
    ran = command("rebuild", str(medium))

    assert ran.code == 0, ran.said
    assert records(medium) == before
    assert sorted(p.name for p in medium.iterdir()) == ["DICOM", "DICOMDIR"]  # no receipt, since there was none
    assert not list(medium.parent.glob("*.receipt.json"))
    assert "the 23 instances that are there" in ran.out
    assert len(list(FileSet(medium / "DICOMDIR"))) == 23


@needs("dciodvfy", "dcdirdmp")
def test_other_programs_accept_what_was_rebuilt(medium: Path, command: Command) -> None:
    (medium / "DICOMDIR").unlink()
    assert command("rebuild", str(medium)).code == 0
    listed = run("dcdirdmp", medium / "DICOMDIR")
    assert listed.count("IMAGE") >= 17
    assert "Error" not in run("dciodvfy", medium / "DICOMDIR")


def test_names_that_cannot_be_file_ids_are_said_and_rewritten_on_request(
    tmp_path: Path, samples: Path, command: Command
) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(samples / "patient2", folder)
    sources = {dcmread(path).SOPInstanceUID: dcmread(path).PixelData for path in (folder / "mr").iterdir()}
    refused = command("rebuild", str(folder))
    assert refused.code == 1
    assert "file-id-impossible" in refused.err
    assert not (folder / "DICOMDIR").exists()
    ran = command("rebuild", str(folder), "--rewrite")

    assert ran.code == 0, ran.said
    assert not (folder / "mr").exists()
    with open_medium(folder) as opened:
        assert not opened.missing()
        assert not opened.unreferenced()
    written = {ds.SOPInstanceUID: ds.PixelData for ds in map(dcmread, folder.rglob("IM*"))}
    assert written == sources
    assert check_file_set(folder, "STD-GEN-DVD-JPEG").conforms is not None


def test_values_that_only_the_old_records_had_are_kept(tmp_path: Path, command: Command) -> None:
    """PS3.3 F.5: a Patient ID that creation filled in stands in the record alone."""
    write_ct(tmp_path / "IM1", PatientID="", StudyID="")
    create(CreateRequest((str(tmp_path / "IM1"),), f"{tmp_path}/m/", profile="STD-GEN-CD"))
    medium = tmp_path / "m"

    def patient_id() -> str:
        with open_medium(medium) as opened:
            return opened.patients()[0].id

    before = patient_id()
    assert before
    data = (medium / "DICOMDIR").read_bytes()
    flag = data.index(b"\x04\x00\x12\x12US") + 8
    (medium / "DICOMDIR").write_bytes(data[:flag] + b"\xff\xff" + data[flag + 2 :])
    ran = command("rebuild", str(medium), "--json")

    assert ran.code == 0, ran.said
    assert patient_id() == before
    assert "old-values-kept" in ran.out


def test_private_records_are_reported_and_not_invented(tmp_path: Path, command: Command) -> None:
    medium = tmp_path / "m"
    medium.mkdir()
    write_ct(medium / "IM1")
    private = Record(b"PRIVATE", element(0x00041432, b"UI", b"1.2.3.4"))
    (medium / "DICOMDIR").write_bytes(dicomdir([private]))
    ran = command("rebuild", str(medium), "--json")

    assert ran.code == 0, ran.said
    assert "record-not-rebuilt" in ran.out
    assert [kind for kind, _, _ in records(medium)] == ["PATIENT", "STUDY", "SERIES", "IMAGE"]
    with open_medium(medium) as opened:
        assert opened.directory.file_set_id == "TEST"


def test_an_image_is_not_rebuilt_in_place(tmp_path: Path, samples: Path, command: Command) -> None:
    create(CreateRequest((str(samples / "patient3"),), f"{tmp_path}/disc.iso"))
    ran = command("rebuild", str(tmp_path / "disc.iso"))
    assert ran.code == 3
    assert "image" in ran.err
