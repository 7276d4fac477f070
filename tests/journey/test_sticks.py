"""A person writes files to a stick in one go: over the whole of it, or into its folder beside what lies there."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mediacreator import burn
from mediacreator.burn import BlockDevice
from mediacreator.cli import run as run_command
from tests.instances import write_ct
from tests.journey.conftest import Command
from tests.oracles import may_mount, needs, run

SIZE = 12 << 20
OLD = b"\xaa" * SIZE


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where somebody works; settings of whoever runs the tests do not reach it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    return tmp_path / "here"


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[BlockDevice]:
    """A file that the table of devices gives for a stick: the one thing here that is not real."""
    (tmp_path / "sdx").write_bytes(OLD)
    table = [BlockDevice(str(tmp_path / "sdx"), "ACME Stick", SIZE, removable=True, holds="FAT32 “OLD”")]
    monkeypatch.setattr("mediacreator.burn.block_devices", lambda: tuple(table))
    return table


def names(folder: Path) -> set[str]:
    return {path.suffix for path in folder.iterdir()}


@needs("mdir", "dcmdump")
def test_a_stick_is_made_of_files_in_one_go(
    study: Path, here: Path, devices: list[BlockDevice], capsys: pytest.CaptureFixture[str]
) -> None:
    stick = Path(devices[0].path)
    assert run_command(["write-usb", str(study), "--device", str(stick)]) == 2  # nobody to ask
    assert stick.read_bytes() == OLD
    assert not list(here.iterdir())

    options = ["--yes", "-q", "--virus-checked", "2026-01-01"]
    assert run_command(["write-usb", str(study), "--device", str(stick), *options]) == 0
    said = capsys.readouterr()
    assert "ACME Stick, 12.6 MB, holds FAT32 “OLD”\nAll that lies on it is lost." in said.err
    assert "STD-GEN-USB-JPEG was chosen: it holds all 3 instances on one stick" in said.out
    assert "written and read back as the receipt says" in said.out
    assert "Testperson" not in said.out + said.err
    receipt, record = sorted(here.iterdir(), key=lambda path: "burn" in path.name)
    assert receipt.name in said.out
    assert receipt.name.startswith("stick-")
    assert receipt.name.endswith(".img.receipt.json")
    assert receipt.stat().st_mode & 0o777 == 0o600
    assert [one["outcome"] for one in json.loads(record.read_text())["tries"]] == ["verified"]

    assert "DICOMDIR" in run("mdir", "-i", f"{stick}@@{1 << 20}", "::/")
    (medium,) = json.loads(receipt.read_text())["media"]
    assert medium["virus_check"] == {"date": "2026-01-01"}
    assert hashlib.sha256(stick.read_bytes()[: medium["size"]]).hexdigest() == medium["sha256"]


def test_a_stick_that_is_too_small_is_known_before_anything_is_written(
    study: Path, here: Path, devices: list[BlockDevice], capsys: pytest.CaptureFixture[str]
) -> None:
    stick = Path(devices[0].path)
    for size, says in ((500, "needs at least 2,"), (9 << 20, "needs 9,")):  # by the headers; by the image to the sector
        devices[0] = replace(devices[0], size=size)
        assert run_command(["write-usb", str(study), "--device", str(stick), "--yes", "-q"]) == 3
        said = capsys.readouterr().err
        assert says in said
        assert f"the stick has {size:,}. Take a larger one" in said
        assert stick.read_bytes() == OLD
        assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"removable": False}, "fixed disk"),
        ({"in_use": "mounted"}, "in use"),
        ({"read_only": True}, "write-protected"),
        ({"path": "/dev/other"}, "no such drive or device"),
    ],
)
def test_a_device_that_is_none_is_refused_before_the_long_work(
    study: Path,
    here: Path,
    devices: list[BlockDevice],
    capsys: pytest.CaptureFixture[str],
    change: dict[str, object],
    says: str,
) -> None:
    path = devices[0].path
    devices[0] = replace(devices[0], **change)  # type: ignore[arg-type]
    assert run_command(["write-usb", str(study), "--device", path, "--yes"]) == 3
    said = capsys.readouterr().err
    assert says in said
    assert "Reading headers" not in said
    assert not list(here.iterdir())


def test_another_stick_than_the_one_that_was_shown_is_not_written(
    study: Path,
    here: Path,
    devices: list[BlockDevice],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Somebody changes sticks while the image is made: the image waits for the next try."""
    looks = iter((devices[0], replace(devices[0], holds="FAT32 “HOLIDAYS”"), devices[0]))
    monkeypatch.setattr("mediacreator.burn.block_devices", lambda: (next(looks),))
    arguments = ["write-usb", str(study), "--device", devices[0].path, "-o", "mine.img", "--yes", "-q"]
    assert run_command(arguments) == 3
    assert "not the one that was shown" in capsys.readouterr().err
    assert Path(devices[0].path).read_bytes() == OLD
    assert {path.name for path in here.iterdir()} == {"mine.img", "mine.img.receipt.json"}
    assert run_command(["write-usb", "mine.img", "--device", devices[0].path, "--yes", "-q"]) == 0
    assert (here / "mine.img").exists()  # whose image was there before


def test_what_is_not_complete_or_needs_a_person_is_not_written(
    study: Path, here: Path, devices: list[BlockDevice], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = write_ct(study / "damaged", number=4)
    whole.write_bytes(whole.read_bytes()[:-50])
    arguments = ["write-usb", str(study), "--device", devices[0].path, "--yes", "-q"]
    assert run_command([*arguments, "-o", "one.img"]) == 1
    assert "Not written to the stick, since it is not complete" in capsys.readouterr().err
    assert (here / "one.img").exists()
    assert run_command([*arguments, "-o", "two.img", "--strict"]) == 1
    assert not (here / "two.img").exists()
    write_ct(study / "other", number=5, PatientName="Other^Person", PatientID="OTHER", StudyInstanceUID="2.25.77")
    capsys.readouterr()
    assert run_command([*arguments, "-o", "three.img", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["conflicts"][0]["code"] == "several-patients"
    assert Path(devices[0].path).read_bytes() == OLD
    allowed = [*arguments, "-o", "four.img", "--multi-patient", "--allow-rejected", "truncated-pixel-data"]
    assert run_command(allowed) == 0
    assert Path(devices[0].path).read_bytes() != OLD


def test_an_image_without_a_receipt_is_not_taken_for_a_source_unasked(
    study: Path, here: Path, devices: list[BlockDevice], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["create", str(study), "-o", "disc.iso", "-q"]) == 0
    os.rename("disc.iso.receipt.json", "elsewhere")
    os.rename("disc.iso", "disc.bin")  # an image by what it holds
    (here / "empty.img").write_bytes(b"")  # one by its name
    write = ["write-usb", "--device", devices[0].path, "--yes", "-q"]
    for image in ("disc.bin", "empty.img"):
        assert run_command([*write, image]) == 3
        said = capsys.readouterr().err
        assert "There is no receipt beside the image" in said
        assert "Or say --profile to make a new File-set of what it holds." in said
    assert Path(devices[0].path).read_bytes() == OLD
    assert run_command([*write, "disc.bin", "--profile", "auto", "-o", "s.img"]) == 0
    assert Path(devices[0].path).read_bytes() != OLD
    assert not (here / "s.img").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Say where to"),
        (["--device", "/dev/x", "--into", "y"], "Say where to"),
        (["--device", "/dev/x", "--yes", "--receipt", "r", "--multi-patient"], "--multi-patient is for SOURCES"),
        (["--device", "/dev/x", "--yes", "--any-medium"], "--any-medium is for an image"),
        (["--into", "study", "--receipt", "r"], "--receipt is for an image"),
        (["--into", "study", "--profile", "STD-GEN-CD"], "STD-GEN-CD is for 120 mm CD-R, which is no stick"),
        (["--into", "study", "--profile", "STD-GEN-USB-JPEG,STD-GEN-CF-JPEG"], "2 kinds of media"),
        (["--into", "nowhere"], "no folder that is there"),
        (["--into", "study", "--virus-checked", "2026-01-01"], "files there that are none of it"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(
    study: Path, here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    source = study / "slice1.dcm" if "-o" not in arguments else study
    (here / "study").mkdir()
    assert run_command(["write-usb", str(source), *arguments]) == 2
    assert says in capsys.readouterr().err


def others(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return what is not of the File-set: dates and content."""
    ours = ("DICOM", "README.TXT", "INDEX.HTM", "RECEIPT.JSN")
    paths = (path for path in sorted(folder.rglob("*")) if not str(path.relative_to(folder)).startswith(ours))
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in paths}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a stick with somebody's things on it."""
    stick = tmp_path / "media" / "STICK"
    (stick / "System Volume Information").mkdir(parents=True)
    (stick / "System Volume Information" / "IndexerVolumeGuid").write_bytes(b"x" * 76)
    (stick / "Brief an Dr. Müller.odt").write_bytes(b"a letter")
    return stick


@needs("mkfs.vfat", "mcopy", "dcmdump")
def test_a_file_set_comes_beside_what_lies_on_a_mounted_stick(
    study: Path, folder: Path, here: Path, command: Command
) -> None:
    before = others(folder)
    made = command("write-usb", study, "--into", folder, cwd=here)
    assert made.code == 0, made.said
    assert "Complete: 3 of 3 instances are on the medium and were read back." in made.out
    assert "Testperson" not in made.said
    assert "Müller" not in made.said
    assert others(folder) == before
    (receipt,) = here.iterdir()
    assert f"Receipt: {receipt.name} in the current folder" in " ".join(made.out.split())
    assert receipt.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.parent.iterdir()] == ["STICK"]

    assert run("dcmdump", "+P", "DirectoryRecordType", folder / "DICOMDIR").count("[IMAGE]") == 3
    for given in ((), ("--receipt", receipt)):
        verified = command("verify", folder, *given)
        assert verified.code == 0, verified.said
        assert "2 files lie beside the File-set" in verified.out
    checked = command("list", folder, "--check")
    assert checked.code == 0, checked.said

    run("mkfs.vfat", "-C", folder.parent / "image", 20_000)
    run("mcopy", "-s", "-i", folder.parent / "image", *folder.iterdir(), "::/")
    verified = command("verify", folder.parent / "image", "--receipt", receipt, "--json")
    assert json.loads(verified.out)["equal"] == json.loads(verified.out)["files"] == 7, verified.said

    again = command("write-usb", study, "--into", folder, cwd=here)
    assert again.code == 3
    assert "A DICOMDIR is there already" in again.err
    assert "mediacreator add" in again.err
    write_ct(study / "more", number=4)
    added = command("add", folder, study)
    assert added.code == 0, added.said
    assert others(folder) == before
    assert command("verify", folder).code == 0

    (folder / "DICOM" / "EXTRA.EXE").write_bytes(b"MZ")
    verified = command("verify", folder)
    assert verified.code == 1
    assert "file-not-in-receipt" in verified.out


def test_create_names_the_command_that_writes_beside(study: Path, folder: Path, command: Command) -> None:
    before = others(folder)
    for option in ((), ("--force",)):
        refused = command("create", study, "-o", f"{folder}/", *option)
        assert refused.code == 3
        assert ("write-usb SOURCES --into" in refused.err) == (not option)
    assert others(folder) == before


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB that the kernel mounts."""
    (tmp_path / "mounted").mkdir()
    run("mkfs.ext4", "-q", "-O", "^has_journal", tmp_path / "behind", "4M")
    run("mount", "-o", "loop", tmp_path / "behind", tmp_path / "mounted")
    yield tmp_path / "mounted"
    subprocess.run(["umount", tmp_path / "mounted"], check=True)


@pytest.mark.skipif(not may_mount(), reason="the kernel does not let this process mount")
@needs("mkfs.ext4", "mount")
def test_a_stick_that_is_full_or_read_only(study: Path, mount: Path, here: Path, command: Command) -> None:
    (mount / "mine").write_bytes(b"mine")
    left = os.statvfs(mount)
    (mount / "film").write_bytes(bytes(left.f_bavail * left.f_bsize - 20_000))
    before = others(mount)
    made = command("write-usb", study, "--into", mount, cwd=here)
    assert made.code == 3, made.said
    assert "Nothing was written." in made.err
    (mount / "film").unlink()
    run("mount", "-o", "remount,ro", mount)
    made = command("write-usb", study, "--into", mount, cwd=here)
    assert made.code == 3
    assert "cannot be written" in made.err
    run("mount", "-o", "remount,rw", mount)
    assert others(mount) == {name: entry for name, entry in before.items() if name != "film"}
    assert not list(here.iterdir())
    made = command("write-usb", study, "--into", mount, cwd=here)
    assert made.code == 0, made.said
    assert "the folder lies on ext4" in made.out


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[str]:
    """A block device of the kernel with a file behind it."""
    (tmp_path / "behind").write_bytes(OLD)
    device = run("losetup", "--find", "--show", tmp_path / "behind").strip()
    yield device
    subprocess.run(["losetup", "--detach", device], check=True)


@pytest.mark.skipif(not may_mount(), reason="the kernel does not let this process make loop devices")
@needs("losetup", "mdir")
def test_a_device_of_the_kernel_is_a_stick(study: Path, loop: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stick = BlockDevice(loop, "Loop", SIZE, removable=True, holds=burn.devices.what_it_holds(loop))
    monkeypatch.setattr("mediacreator.burn.block_devices", lambda: (stick,))
    assert run_command(["write-usb", str(study), "--device", loop, "--yes", "-q"]) == 0
    assert names(here) == {".json"}
    assert "DICOMDIR" in run("mdir", "-i", f"{loop}@@{1 << 20}", "::/")
    (receipt,) = here.glob("*.receipt.json")
    assert run_command(["verify", loop, "--receipt", str(receipt), "-q"]) == 0
