"""Burning in a drive that answers as real ones were seen to: a program of ours stands for xorriso and writes a file."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from mediacreator import CreateRequest, create
from tests.instances import write_ct
from tests.journey.conftest import Command, stopped_while_burning

PROGRAM = f"""#!{sys.executable}
import os, shutil, sys, time
from pathlib import Path
here = Path(__file__).parent
how = (here / "how").read_text().split()
burned = (here / "sr0").stat().st_size > 0
if "-devices" in sys.argv:
    print("Full drive scan done")
    print(f"0  -dev '{{here}}/sr0' rwrw-- :  'HL-DT-ST' 'BD-RE  WH16NS40'")
elif "-toc" in sys.argv and burned and "busy" in how:
    print("libburn : SORRY : Cannot open busy device '/dev/sr0' : Device or resource busy", file=sys.stderr)
    sys.exit(5)
elif "-toc" in sys.argv:
    state = "is written , is closed" if burned and "stays-open" not in how else "is written , is appendable"
    print(f"Media current: {{how[0].replace('_', ' ')}}")
    print(f"Media status : {{state if burned else 'is blank'}}")
    print("Media blocks : 0 readable , 359847 writable , 359847 overall")
else:
    (here / "arguments").write_text(" ".join(sys.argv[1:]))
    print("xorriso : UPDATE :    0 of    1 MB written (fifo  8%) [buf  50%]", flush=True)
    if "error" in how:
        print("libburn : FATAL : SCSI error on write(16,16): [3 0C 00] Medium error. Write error.", file=sys.stderr)
        sys.exit(5)
    if "slow" in how:
        (here / "pid").write_text(str(os.getpid()))
        time.sleep(60)
    shutil.copy(sys.argv[-1], here / "sr0")
    print("Writing completed successfully.")
"""


@pytest.fixture(scope="module")
def mastered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mastered")
    (folder / "in").mkdir()
    write_ct(folder / "in" / "one")
    create(CreateRequest((str(folder / "in"),), str(folder / "disc.iso"), profile="STD-GEN-CD"))
    return folder


class Drive:
    """The folder of the program, the drive and the disc in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "sr0").touch()
        (folder / "xorriso").write_text(PROGRAM)
        (folder / "xorriso").chmod(0o755)
        self.env = {"PATH": f"{folder}:{os.environ['PATH']}"}

    def holds(self, *how: str) -> None:
        (self.folder / "how").write_text(" ".join(how))

    @property
    def tries(self) -> list[dict[str, Any]]:
        tries = json.loads((self.folder / "disc.iso.burn.json").read_text())["tries"]
        assert isinstance(tries, list)
        return tries


@pytest.fixture
def drive(mastered: Path, tmp_path: Path) -> Drive:
    for name in ("disc.iso", "disc.iso.receipt.json"):
        shutil.copy(mastered / name, tmp_path / name)
    return Drive(tmp_path)


def test_the_only_drive_is_found_and_its_disc_finalised(command: Command, drive: Drive) -> None:
    drive.holds("CD-R")
    burned = command("burn", drive.folder / "disc.iso", "--speed", 16, env=drive.env)
    assert burned.code == 0, burned.said
    assert (drive.folder / "sr0").read_bytes() == (drive.folder / "disc.iso").read_bytes()
    arguments = (drive.folder / "arguments").read_text().split()
    assert {"speed=16", "padsize=150s", f"dev={drive.folder}/sr0"} <= set(arguments)
    assert "-multi" not in arguments
    (entry,) = drive.tries
    assert (entry["medium"], entry["finalised"], entry["notes"]) == ("CD-R", True, [])


def test_a_disc_that_stays_open_is_noted(command: Command, drive: Drive) -> None:
    drive.holds("CD-R", "stays-open")
    burned = command("burn", drive.folder / "disc.iso", "-q", env=drive.env)
    assert burned.code == 0, burned.said
    assert "does not say that the disc is finalised" in burned.out


def test_a_disc_that_a_system_mounts_at_once_is_read_back_all_the_same(command: Command, drive: Drive) -> None:
    drive.holds("CD-R", "busy")
    burned = command("burn", drive.folder / "disc.iso", "-q", env=drive.env)
    assert burned.code == 0, burned.said
    assert "does not say that the disc is finalised" in burned.out


def test_a_wish_for_another_session_reaches_the_drive(command: Command, drive: Drive) -> None:
    """PS3.11 D.2.1.1: who creates a STD-GEN-CD may leave it open."""
    drive.holds("CD-R", "stays-open")
    burned = command("burn", drive.folder / "disc.iso", "--keep-open", "-q", env=drive.env)
    assert burned.code == 0, burned.said
    assert "-multi" in (drive.folder / "arguments").read_text().split()
    assert (drive.tries[0]["finalised"], drive.tries[0]["notes"]) == (False, [])


def test_a_dvd_is_no_cd_unless_that_is_wanted(command: Command, drive: Drive) -> None:
    drive.holds("DVD+R")
    refused = command("burn", drive.folder / "disc.iso", env=drive.env)
    assert refused.code == 3
    assert "It is a DVD+R; STD-GEN-CD asks for 120 mm CD-R [PS3.12 F]." in refused.err
    assert command("burn", drive.folder / "disc.iso", "--any-medium", "-q", env=drive.env).code == 0
    assert "DVD+R" in drive.tries[0]["notes"][0]


def test_a_write_error_is_told_as_the_drive_tells_it(command: Command, drive: Drive) -> None:
    drive.holds("CD-R", "error")
    failed = command("burn", drive.folder / "disc.iso", env=drive.env)
    assert failed.code == 3
    assert "Writing failed. The medium is not usable. The drive says [3 0C 00] Medium error. Write error." in failed.err
    assert [(one["outcome"], one["code"]) for one in drive.tries] == [("failed", "write-failed")]


def test_stopping_ends_the_program_and_is_recorded(drive: Drive) -> None:
    drive.holds("CD-R", "slow")
    said = stopped_while_burning(drive.folder, drive.env, "burn", drive.folder / "disc.iso")
    assert "Stopped. The medium is not usable." in said
    assert [(one["outcome"], one["message"]) for one in drive.tries] == [
        ("failed", "Stopped. The medium is not usable.")
    ]


def test_drives_shows_what_lies_in_them(command: Command, drive: Drive) -> None:
    drive.holds("BD-R_sequential_recording")
    said = command("drives", env=drive.env).out
    assert f"{drive.folder}/sr0  HL-DT-ST BD-RE  WH16NS40" in said
    assert "BD-R sequential recording, blank, 737.0 MB free of 737.0 MB" in said
    listed = json.loads(command("drives", "--json", env=drive.env).out)["drives"][0]
    assert (listed["model"], listed["disc"]["state"], listed["disc"]["free"]) == (
        "BD-RE  WH16NS40",
        "blank",
        359_847 * 2048,
    )
