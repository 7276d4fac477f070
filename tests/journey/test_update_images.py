"""An image of a stick gets more and loses something; whatever goes wrong, it is as it was."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mediacreator import check_file_set, open_medium
from mediacreator.model import Severity
from mediacreator.updating.imaging import recover_image
from tests.journey.conftest import Command, receipt_of
from tests.oracles import needs, run
from tests.updated import study

PROFILE = "STD-GEN-USB-JPEG"
PARTITION = 1 << 20  # first byte


@pytest.fixture
def image(tmp_path: Path, command: Command) -> Path:
    """Three instances of two series, and a receipt beside them."""
    source = study(tmp_path / "source", (1, 2))
    study(source / "b", (1,), series=2)
    path = tmp_path / "stick.img"
    ran = command("create", source, "--profile", PROFILE, "-o", path)
    assert ran.code == 0, ran.said
    return path


def held(image: Path) -> set[str]:
    with open_medium(image) as medium:
        assert medium.directory.findings == ()
        return {record.sop_instance_uid for record in medium.instances()}


def file_set_uid(image: Path) -> str:
    with open_medium(image) as medium:
        return medium.directory.file_set_uid


def state(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


@needs("fsck.fat", "mcopy", "dcmdump")
def test_more_comes_and_something_goes(image: Path, tmp_path: Path, command: Command) -> None:
    os.chmod(image, 0o600)
    before, uid_before = held(image), file_set_uid(image)
    ran = command("add", image, study(tmp_path / "new", (3,)))
    assert ran.code == 0, ran.said
    assert "Complete: the one instance was added and read back; 3 were kept." in ran.out
    assert len(held(image) - before) == 1
    assert file_set_uid(image) == uid_before
    assert stat.S_IMODE(image.stat().st_mode) == 0o600

    ran = command("remove", image, "--series", "2.25.79.1.2")
    assert ran.code == 0, ran.said
    assert len(held(image)) == 3

    receipt = receipt_of(image)
    assert receipt["media"][0]["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()
    assert receipt["media"][0]["size"] == image.stat().st_size
    ran = command("verify", image)
    assert ran.code == 0, ran.said
    assert "image as a whole" in ran.out
    errors = [
        found for found in check_file_set(image, PROFILE, role="FSU").findings if found.severity is Severity.ERROR
    ]
    assert errors == []

    volume, out = tmp_path / "volume", tmp_path / "out"
    volume.write_bytes(image.read_bytes()[PARTITION:])
    run("fsck.fat", "-n", volume)
    out.mkdir()
    run("mcopy", "-s", "-n", "-i", volume, "::/*", out)
    assert run("dcmdump", "+P", "DirectoryRecordType", out / "DICOMDIR").count("[IMAGE]") == 3
    on_disk = {f"{path.relative_to(out)}": hashlib.sha256(path.read_bytes()).hexdigest() for path in _files(out)}
    assert {file["path"]: file["sha256"] for file in receipt["media"][0]["files"]} == on_disk


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_image_grows_only_where_it_must(image: Path, tmp_path: Path, command: Command) -> None:
    size = image.stat().st_size
    assert command("add", image, study(tmp_path / "small", (3,))).code == 0
    assert image.stat().st_size == size
    large = study(tmp_path / "large", (10, 11, 12), Rows=1400, Columns=1400, PixelData=bytes(2 * 1400 * 1400))
    ran = command("add", image, large)
    assert ran.code == 0, ran.said
    assert image.stat().st_size > size
    assert len(held(image)) == 7


def test_what_lies_beside_the_file_set_stays(image: Path, tmp_path: Path, command: Command) -> None:
    note = tmp_path / "NOTE.TXT"
    note.write_bytes(b"from the ward")
    run("mcopy", "-i", f"{image}@@{PARTITION}", note, "::NOTE.TXT")
    assert command("add", image, study(tmp_path / "new", (3,))).code == 0
    assert run("mtype", "-i", f"{image}@@{PARTITION}", "::NOTE.TXT") == "from the ward"


def test_a_long_name_is_not_lost(image: Path, tmp_path: Path, command: Command) -> None:
    note = tmp_path / "A note from the ward.text"
    note.write_bytes(b"from the ward")
    run("mcopy", "-i", f"{image}@@{PARTITION}", note, "::")
    before = state(tmp_path)
    ran = command("add", image, study(tmp_path / "new", (3,)))
    assert ran.code == 3, ran.said
    assert "8.3" in ran.err
    assert state(tmp_path) == before


def test_an_image_of_a_disc_is_not_changed(tmp_path: Path, command: Command) -> None:
    disc = tmp_path / "disc.iso"
    assert command("create", study(tmp_path / "a", (1,)), "-o", disc).code == 0
    before = state(tmp_path)
    ran = command("add", disc, study(tmp_path / "new", (2,)), "--profile", PROFILE)
    assert ran.code == 3, ran.said
    assert "written once" in ran.err
    assert state(tmp_path) == before


def test_a_profile_of_another_medium_is_refused(image: Path, tmp_path: Path, command: Command) -> None:
    before = state(tmp_path)
    ran = command("add", image, study(tmp_path / "new", (3,)), "--profile", "STD-GEN-DVD-RAM")
    assert ran.code == 2, ran.said
    assert "this is a FAT image" in ran.err
    assert state(tmp_path) == before


KILLED = """
import os, signal, sys
from mediacreator import cli
from mediacreator.updating import imaging
moment = sys.argv[1]
plain = os.replace
def replace(source, target):
    if moment == "before" or str(target).endswith(".json"):
        os.kill(os.getpid(), signal.SIGKILL)
    plain(source, target)
os.replace = replace
sys.exit(cli.run(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("moment", "held_after", "done"),
    [("before", 3, "what it had written was removed"), ("after", 4, "it was completed")],
)
def test_killed_at_the_swap(
    image: Path, tmp_path: Path, command: Command, moment: str, held_after: int, done: str
) -> None:
    """The image is whole in either case, and the next update cleans up."""
    new = study(tmp_path / "new", (3,))
    ran = subprocess.run([sys.executable, "-c", KILLED, moment, "add", str(image), str(new)], timeout=120)
    assert ran.returncode == -signal.SIGKILL
    assert len(held(image)) == held_after
    assert list(tmp_path.glob("*.partial"))

    again = command("add", image, study(tmp_path / "more", (4,)))
    assert again.code == 0, again.said
    assert f"an earlier update was interrupted; {done}" in " ".join(again.said.split())
    assert len(held(image)) == held_after + 1
    assert not list(tmp_path.glob("*.partial"))
    assert command("verify", image).code == 0


def test_a_full_disk_leaves_it_as_it_was(image: Path, tmp_path: Path) -> None:
    before = state(tmp_path)
    limit = image.stat().st_size // 2
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
        "from mediacreator import cli; sys.exit(cli.run(sys.argv[1:]))"
    )
    new = study(tmp_path / "new", (3,))
    ran = subprocess.run(
        [sys.executable, "-c", code, "add", str(image), str(new)], timeout=120, capture_output=True, text=True
    )
    assert ran.returncode == 3, ran.stderr
    assert state(tmp_path) == before


@pytest.mark.parametrize("there", [b"", b"{half a receipt"])
def test_a_receipt_that_is_not_of_the_image_is_not_taken(image: Path, there: bytes) -> None:
    receipt = Path(f"{image}.receipt.json")
    before = receipt.read_bytes()
    Path(f"{receipt}.partial").write_bytes(there)
    found = recover_image(str(image))
    assert found is not None
    assert "removed" in found.what
    assert receipt.read_bytes() == before
    assert recover_image(str(image)) is None
