"""From files to a disc or stick in somebody's hand: made, burned into a file as libburn does it, read back."""

from __future__ import annotations

import json
import os
import pty
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mediacreator import CreateRequest, create
from mediacreator.burn import BlockDevice
from mediacreator.cli import run as run_command
from tests.instances import write_ct
from tests.journey.conftest import Command
from tests.oracles import needs, run

pytestmark = needs("xorriso")


@pytest.fixture(scope="module")
def mastered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mastered")
    (folder / "in").mkdir()
    write_ct(folder / "in" / "one")
    create(CreateRequest((str(folder / "in"),), str(folder / "disc.iso"), profile="STD-GEN-CD"))
    return folder


@pytest.fixture
def disc(mastered: Path, tmp_path: Path) -> Path:
    """An image and its receipt, which the test may spoil."""
    for name in ("disc.iso", "disc.iso.receipt.json"):
        shutil.copy(mastered / name, tmp_path / name)
    return tmp_path / "disc.iso"


@needs("isoinfo")
def test_a_disc_is_burned_and_another_program_finds_everything_on_it(
    command: Command, disc: Path, tmp_path: Path
) -> None:
    burned = command("burn", disc, "--device", f"stdio:{tmp_path}/cd", "--speed", 8)
    assert burned.code == 0, burned.said
    assert "written and read back as the receipt says" in burned.out
    assert "Testperson" not in burned.said

    assert "/DICOMDIR.;1" in run("isoinfo", "-f", "-i", tmp_path / "cd")
    receipt = f"{disc}.receipt.json"
    verified = command("verify", tmp_path / "cd", "--receipt", receipt, "--json")
    assert json.loads(verified.out)["equal"] == json.loads(verified.out)["files"]
    record = json.loads(Path(f"{disc}.burn.json").read_text())
    assert [one["outcome"] for one in record["tries"]] == ["verified"]
    assert "Testperson" not in json.dumps(record)


def test_a_used_disc_is_refused_and_erased_only_if_asked_to(command: Command, disc: Path, tmp_path: Path) -> None:
    (tmp_path / "cd").write_bytes(b"used" * 100_000)
    refused = command("burn", disc, "--device", f"stdio:{tmp_path}/cd")
    assert refused.code == 3
    assert "not blank" in refused.err
    unasked = command("burn", disc, "--device", f"stdio:{tmp_path}/cd", "--erase")
    assert unasked.code == 2
    assert "--yes" in unasked.err
    assert (tmp_path / "cd").read_bytes() == b"used" * 100_000
    erased = command("burn", disc, "--device", f"stdio:{tmp_path}/cd", "--erase", "--yes", "--json", "-q")
    assert erased.code == 0, erased.said
    (entry,) = json.loads(erased.out)["media"]
    assert (entry["outcome"], entry["finalised"]) == ("verified", True)


def test_an_image_that_somebody_changed_is_not_burned(command: Command, disc: Path, tmp_path: Path) -> None:
    with disc.open("r+b") as file:
        file.seek(100_000)
        file.write(b"changed")
    refused = command("burn", disc, "--device", f"stdio:{tmp_path}/cd")
    assert refused.code == 1
    assert "image-differs" in refused.err
    assert not (tmp_path / "cd").exists()


def test_an_image_without_a_receipt_is_not_burned(command: Command, disc: Path, tmp_path: Path) -> None:
    os.unlink(f"{disc}.receipt.json")
    refused = command("burn", disc, "--device", f"stdio:{tmp_path}/cd")
    assert refused.code == 3
    assert "--receipt" in refused.err


def test_a_write_error_keeps_the_image_and_is_recorded(command: Command, disc: Path, tmp_path: Path) -> None:
    """The system lets no file be larger than 200 kB: the program that burns ends in the middle."""
    code = (
        "import resource, sys; from mediacreator.cli import run;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY)); sys.exit(run(sys.argv[1:]))"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run(
        [sys.executable, "-c", code, "burn", disc, "--device", f"stdio:{tmp_path}/cd", "-q"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    assert "Writing failed. The medium is not usable." in done.stderr
    (entry,) = json.loads(Path(f"{disc}.burn.json").read_text())["tries"]
    assert (entry["outcome"], entry["code"]) == ("failed", "write-failed")
    assert command("verify", disc).code == 0


def on_a_terminal(*arguments: object, typed: str) -> tuple[int, str]:
    """Run the command on a terminal where somebody types; return its code and all that the terminal shows."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "mediacreator", *map(str, arguments)], stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        try:
            while data := os.read(ours, 4096):
                shown += data
        except OSError:
            pass  # Linux ends a terminal that nobody holds so
        os.close(ours)
        return process.wait(60), shown.decode("utf-8", "replace")


def test_a_person_is_shown_the_disc_and_asked(disc: Path, tmp_path: Path) -> None:
    arguments = ("burn", disc, "--device", f"stdio:{tmp_path}/cd")
    code, shown = on_a_terminal(*arguments, typed="n\n")
    assert code == 130
    assert "STD-GEN-CD, 1 instance, File-set" in shown
    assert "blank" in shown
    assert not (tmp_path / "cd").exists() or not (tmp_path / "cd").read_bytes()

    code, shown = on_a_terminal(*arguments, "--erase", "--copies", 2, typed="y\n\n")
    assert code == 0, shown
    assert "Put disc 2 of 2 in" in shown
    tries = json.loads(Path(f"{disc}.burn.json").read_text())["tries"]
    assert [one["outcome"] for one in tries] == ["verified", "verified"]


@pytest.mark.parametrize("arguments", [("--copies", 2), ()])
def test_without_terminal_or_drive_nothing_is_burned(
    command: Command, disc: Path, arguments: tuple[object, ...]
) -> None:
    refused = command("burn", disc, *arguments)
    assert refused.code == (2 if arguments else 3)
    assert not Path(f"{disc}.burn.json").exists()


def test_drives_are_listed_also_where_there_are_none(command: Command) -> None:
    listed = json.loads(command("drives", "--json").out)
    assert {"drives", "devices", "problem"} <= listed.keys()
    said = command("drives")
    assert said.code == 0
    if not listed["drives"]:
        assert "No drive that burns discs was found." in said.out
    if not listed["devices"]:
        assert "No stick or card was found." in said.out


@pytest.fixture
def stick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlockDevice:
    """A file that the table of devices gives for a stick: the one thing here that is not real."""
    (tmp_path / "sdx").write_bytes(b"\xaa" * (4 << 20))
    device = BlockDevice(str(tmp_path / "sdx"), "ACME Stick", 4 << 20, removable=True, holds="FAT32 “OLD”")
    monkeypatch.setattr("mediacreator.burn.block_devices", lambda: (device,))
    return device


def test_a_stick_is_written_after_it_was_shown(
    disc: Path, stick: BlockDevice, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["write-usb", str(disc), "--device", stick.path, "--any-medium"]
    assert run_command(arguments) == 2  # nobody to ask
    assert Path(stick.path).read_bytes() == b"\xaa" * (4 << 20)
    assert run_command([*arguments, "--yes", "-q"]) == 0
    said = capsys.readouterr()
    assert "ACME Stick, 4.2 MB, holds FAT32 “OLD”" in said.err
    assert "written and read back as the receipt says" in said.out
    assert Path(stick.path).read_bytes()[: disc.stat().st_size] == disc.read_bytes()


def test_an_image_of_a_disc_is_not_written_to_a_stick_unasked(
    disc: Path, stick: BlockDevice, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["write-usb", str(disc), "--device", stick.path, "--yes"]) == 3
    assert "asks for 120 mm CD-R" in capsys.readouterr().err


def test_a_real_disk_is_never_written(command: Command, disc: Path) -> None:
    """Whatever this machine has: its disks are fixed or in use, a path of another kind is no device."""
    listed = json.loads(command("drives", "--all", "--json").out)["devices"]
    paths = [one["path"] for one in listed if not one["may_be_written"]]
    for path in [*paths[:3], "/dev/null", disc]:
        refused = command("write-usb", disc, "--device", path, "--yes", "--any-medium", "-q")
        assert refused.code == 3, refused.said


def test_create_burns_in_one_go(command: Command, mastered: Path, tmp_path: Path) -> None:
    """The image goes when it is on the disc; receipt and record stay, and they are enough to verify the disc."""
    image, drive = tmp_path / "disc.iso", f"stdio:{tmp_path}/cd"
    made = command("create", mastered / "in", "-o", image, "--burn", "--device", drive)
    assert made.code == 0, made.said
    assert "\nComplete: " in made.out
    assert "written and read back as the receipt says" in made.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cd", "disc.iso.burn.json", "disc.iso.receipt.json"]
    verified = command("verify", tmp_path / "cd", "--receipt", f"{image}.receipt.json")
    assert verified.code == 0, verified.said


def test_create_burns_nothing_that_is_not_complete(command: Command, mastered: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    shutil.copytree(mastered / "in", folder)
    whole = write_ct(folder / "two", number=2)
    whole.write_bytes(whole.read_bytes()[:-50])
    image, drive = tmp_path / "disc.iso", f"stdio:{tmp_path}/cd"
    made = command("create", folder, "-o", image, "--burn", "--device", drive)
    assert made.code == 1, made.said
    assert "Not burned, since it is not complete. The image is kept" in made.err
    assert image.exists()
    assert not (tmp_path / "cd").exists()

    allowed = command(
        *("create", folder, "-o", image, "--force", "--burn", "--device", drive),
        *("--allow-rejected", "truncated-pixel-data"),
    )
    assert allowed.code == 0, allowed.said
    assert (tmp_path / "cd").exists()
    assert not image.exists()


def test_create_keeps_the_image_that_could_not_be_burned(command: Command, mastered: Path, tmp_path: Path) -> None:
    code = (
        "import resource, sys; from mediacreator.cli import run; from mediacreator.burn import burn_image;"
        "import mediacreator.tools.xorriso as x; plain = x.burn;"
        "limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY));"
        "x.burn = lambda *a, **k: (limit(), plain(*a, **k))[1]; sys.exit(run(sys.argv[1:]))"
    )
    image = tmp_path / "disc.iso"
    options = ("-o", image, "--burn", "--device", f"stdio:{tmp_path}/cd", "-q")
    done = subprocess.run(
        [sys.executable, "-c", code, "create", mastered / "in", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    assert "Writing failed. The medium is not usable." in done.stderr
    assert command("verify", image).code == 0
    assert json.loads(Path(f"{image}.burn.json").read_text())["tries"][0]["code"] == "write-failed"


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("-o", "x.img", "--burn"), 2, ".iso"),
        (("-o", "x/", "--burn"), 2, ".iso"),
        (("-o", "x.iso", "--burn", "--profile", "STD-GEN-USB-JPEG"), 2, "not burned"),
        (("-o", "x.iso", "--speed", "8"), 2, "--burn"),
        (("-o", "x.iso", "--keep-open"), 2, "--burn"),
        (("-o", "x.iso", "--burn", "--keep-open", "--virus-checked", "2026-01-01"), 2, "is finalised"),
        (("-o", "x.iso", "--burn", "--keep-open", "--profile", "STD-GEN-BD-JPEG"), 2, "no further sessions"),
        (("-o", "x.iso", "--burn", "--device", "stdio:used"), 3, "not blank"),
    ],
)
def test_create_refuses_before_anything_is_made(
    command: Command, mastered: Path, tmp_path: Path, options: tuple[str, ...], code: int, says: str
) -> None:
    (tmp_path / "used").write_bytes(b"used" * 100_000)
    placed = [
        str(tmp_path / one) if one.startswith("x") else one.replace("used", f"{tmp_path}/used") for one in options
    ]
    refused = command("create", mastered / "in", *placed)
    assert refused.code == code, refused.said
    assert says in refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["used"]


def test_zeros_behind_an_image_are_no_change_and_anything_else_is(command: Command, disc: Path) -> None:
    whole = disc.read_bytes()
    disc.write_bytes(whole + bytes(300_000))
    assert command("verify", disc).code == 0
    disc.write_bytes(whole + bytes(300_000) + b"x")
    ran = command("verify", disc)
    assert ran.code == 1, ran.said
    assert "image-differs" in ran.out
