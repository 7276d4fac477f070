"""``mediacreator verify`` on media that ``create`` made and somebody spoilt; the nine faults of peers.md section 6."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from mediacreator.cli import run
from mediacreator.cli.verify import command
from mediacreator.dicomio.walker import Directory, DirectoryRecord, walk
from tests.conftest import SAMPLES
from tests.dicomdirs import instance_file, patched


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image and a folder of one patient with a series of eight images, with their receipts."""
    root = tmp_path_factory.mktemp("made")
    for output in ("disc.iso", "folder/"):
        assert run(["create", str(SAMPLES / "patient2"), "-o", f"{root}/{output}", "--quiet"]) == 0
    return root


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made / "folder", tmp_path / "folder")
    shutil.copy(made / "folder.receipt.json", tmp_path)
    return tmp_path / "folder"


@pytest.fixture
def image(made: Path, tmp_path: Path) -> Path:
    shutil.copy(made / "disc.iso", tmp_path)
    shutil.copy(made / "disc.iso.receipt.json", tmp_path)
    return tmp_path / "disc.iso"


def verified(path: Path, *options: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """Exit code and the Findings by code."""
    result = CliRunner().invoke(command, [str(path), "--json", *options], catch_exceptions=False)
    document = json.loads(result.stdout)
    found: dict[str, list[dict[str, str]]] = {}
    for finding in document["findings"]:
        found.setdefault(finding["code"], []).append(finding)
    assert document["whole"] is (result.exit_code == 0)
    return result.exit_code, found


def instances(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "DICOM").rglob("*") if path.is_file())


def spoil(path: Path, offset: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x01
    path.write_bytes(data)


def test_what_was_made_is_whole(made: Path) -> None:
    for name in ("disc.iso", "folder"):
        assert verified(made / name) == (0, {})


def test_the_outcome_in_words(made: Path) -> None:
    result = CliRunner().invoke(command, [str(made / "disc.iso")])

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "The medium is what was written: every file is there and equal."
    assert lines[2].startswith("13 of 13 files as written, ")
    assert lines[3].startswith("image as a whole, ")
    assert lines[3].endswith(": as written")
    assert lines[4] == "9 SOP Instances in the receipt, 9 in the DICOMDIR, profile STD-GEN-CD"
    assert lines[5].startswith("receipt: beside the medium, 20")


def test_one_bit_of_one_pixel(folder: Path) -> None:
    spoilt = instances(folder)[-1]
    spoil(spoilt)
    code, found = verified(folder)

    assert code == 1
    assert list(found) == ["file-differs"]
    assert found["file-differs"][0]["location"] == spoilt.relative_to(folder).as_posix()


@pytest.mark.parametrize("offset", [0, -1])
def test_one_bit_of_an_image_outside_of_its_files(image: Path, offset: int) -> None:
    """The system area and the padding belong to the medium as well."""
    spoil(image, offset)
    code, found = verified(image)

    assert code == 1
    assert list(found) == ["image-differs"]


@pytest.mark.parametrize("change", [b"more", None], ids=["longer", "shorter"])
def test_an_image_of_another_length(image: Path, change: bytes | None) -> None:
    data = image.read_bytes()
    image.write_bytes(data + change if change else data[:-2048])

    assert "image-differs" in verified(image)[1]


def test_a_lost_file_is_named_by_receipt_and_directory(folder: Path) -> None:
    lost = instances(folder)[0]
    lost.unlink()
    code, found = verified(folder)

    assert code == 1
    assert set(found) == {"file-lost", "missing-file"}
    assert lost.name in found["missing-file"][0]["location"]


def test_a_file_that_was_added_is_told_without_its_name_in_a_finding(folder: Path) -> None:
    (folder / "SECRET").write_bytes(instance_file(b"2.25.5"))
    result = CliRunner().invoke(command, [str(folder)])

    assert result.exit_code == 1
    assert "not in the receipt:\n  SECRET\n" in result.stdout
    assert "not in the DICOMDIR:\n  SECRET\n" in result.stdout
    code, found = verified(folder)
    assert (code, set(found)) == (1, {"file-not-in-receipt", "unreferenced-file"})
    assert "SECRET" not in json.dumps(found)


def test_the_travelling_receipt_proves_wholeness_and_says_no_more(folder: Path) -> None:
    folder.with_name("folder.receipt.json").unlink()
    result = CliRunner().invoke(command, [str(folder)])

    assert result.exit_code == 0
    assert "receipt: on the medium itself" in result.stdout
    assert "Such a receipt can prove that a medium is whole, and not who made it." in result.stdout
    spoil(instances(folder)[0])
    assert verified(folder)[0] == 1


def test_without_any_receipt_nothing_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "RECEIPT.JSN").unlink()
    named = folder.rename(folder.with_name("Mueller"))

    assert run(["verify", str(named)]) == 3
    said = capsys.readouterr().err
    assert "There is no receipt" in said
    assert "Mueller" not in said


def test_quiet_leaves_out_the_progress_and_nothing_else(made: Path) -> None:
    loud, quiet = (CliRunner().invoke(command, [str(made / "disc.iso"), *options]) for options in ([], ["--quiet"]))

    assert "Reading back" in loud.stderr
    assert quiet.stderr == ""
    assert quiet.stdout == loud.stdout


def test_a_receipt_that_is_none_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.with_name("folder.receipt.json").write_text("{}")

    assert run(["verify", str(folder)]) == 3
    assert capsys.readouterr().out == ""


def test_the_receipt_of_another_medium_is_noticed(made: Path, folder: Path) -> None:
    code, found = verified(folder, "--receipt", str(made / "disc.iso.receipt.json"))

    assert code == 1
    assert "other-file-set" in found


def test_a_receipt_that_contradicts_itself(folder: Path) -> None:
    path = folder.with_name("folder.receipt.json")
    path.write_text(path.read_text().replace('"found": 9', '"found": 10'))

    assert set(verified(folder)[1]) == {"receipt-does-not-close"}


def test_a_dicomdir_beyond_reading_is_a_finding_and_the_files_are_still_compared(folder: Path) -> None:
    (folder / "DICOMDIR").write_bytes(b"no more")
    code, found = verified(folder)

    assert code == 1
    assert set(found) == {"directory-unreadable", "file-differs"}


# --- peers.md section 6: one fault each, patched without changing the length


def element_at(data: bytes, record: DirectoryRecord, tag: int, vr: bytes) -> int:
    """Offset of the value of an element of a record."""
    return data.index(struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr, record.offset, record.end) + 8


def first(directory: Directory, kind: str, number: int = 0) -> DirectoryRecord:
    return [record for record in directory.in_order() if record.type == kind][number]


def wrong_instance(data: bytes, directory: Directory) -> bytes:
    record = first(directory, "IMAGE")
    position = element_at(data, record, 0x00041511, b"UI") + len(record.sop_instance_uid) - 1
    return patched(data, position, b"8" if data[position : position + 1] != b"8" else b"7")


def wrong_name(data: bytes, directory: Directory) -> bytes:
    return patched(data, element_at(data, first(directory, "PATIENT"), 0x00100010, b"PN"), b"T")


def wrong_next(data: bytes, directory: Directory) -> bytes:
    record = first(directory, "IMAGE")
    return patched(data, record.offset + 16, struct.pack("<I", record.next_offset + 4))


def cycle(data: bytes, directory: Directory) -> bytes:
    record = first(directory, "IMAGE", 2)
    return patched(data, record.offset + 16, struct.pack("<I", first(directory, "IMAGE").offset))


def orphans(data: bytes, directory: Directory) -> bytes:
    series = directory.records[first(directory, "IMAGE").parent or 0]
    return patched(data, element_at(data, series, 0x00041420, b"UL"), b"\0\0\0\0")


def flag(data: bytes, directory: Directory) -> bytes:
    return patched(data, data.index(struct.pack("<HH2sH", 4, 0x1212, b"US", 2)) + 8, b"\xff\xff")


def wrong_syntax(data: bytes, directory: Directory) -> bytes:
    return patched(data, element_at(data, first(directory, "IMAGE"), 0x00041512, b"UI"), b"1.2.840.10008.1.2.2")


def lower_case(data: bytes, directory: Directory) -> bytes:
    return patched(data, element_at(data, first(directory, "IMAGE"), 0x00041500, b"CS"), b"dicom")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (wrong_instance, "sop-instance-differs"),
        (wrong_name, "patient-name-differs"),
        (wrong_next, "dangling-offset"),
        (cycle, "record-cycle"),
        (orphans, "orphan-record"),
        (flag, "consistency-flag"),
        (wrong_syntax, "transfer-syntax-differs"),
        (lower_case, "bad-file-id"),
    ],
)
def test_each_fault_is_named_with_its_record_and_file(
    folder: Path, fault: Callable[[bytes, Directory], bytes], code: str
) -> None:
    """Fault 1, the missing file, stands above."""
    data = (folder / "DICOMDIR").read_bytes()
    (folder / "DICOMDIR").write_bytes(fault(data, walk(data)))
    exit_code, found = verified(folder)

    assert exit_code == 1
    assert code in found
    assert "file-differs" in found  # the DICOMDIR itself
    if fault is not flag:
        assert "record" in found[code][0]["location"]
        assert "(D" in found[code][0]["location"].upper()
    expected = {"file-differs", code}
    if fault in (wrong_next, cycle):
        expected.add("orphan-record")
    if fault is lower_case:
        expected.add("file-name-differs")
    assert set(found) == expected
    assert "Yamada" not in json.dumps(found)


def test_a_real_process_ends_with_the_outcome(folder: Path) -> None:
    arguments = [sys.executable, "-m", "mediacreator", "verify", str(folder)]

    assert subprocess.run(arguments, capture_output=True, check=False, timeout=60).returncode == 0
    spoil(instances(folder)[0])
    done = subprocess.run(arguments, capture_output=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stdout.startswith(b"THE MEDIUM IS NOT WHAT WAS WRITTEN")
