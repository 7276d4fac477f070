"""A person makes an MO disk of 90 mm and 2.3 GB, under a profile of PS3.11 or one of the site. PS3.12 A, Q."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest

from mediacreator import check_file_set
from mediacreator.burn import BlockDevice
from mediacreator.cli import run as run_command
from mediacreator.rules.claim import load_claim
from mediacreator.rules.library import load_profile
from tests import profiles_corpus as corpus
from tests.instances import write_ct
from tests.journey.conftest import Command, receipt_of
from tests.oracles import needs, run

ULTRASOUND, SITE = "STD-US-SC-SF-MOD23-90", "PRI-GIGAMO"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Two images of an ultrasound device."""
    corpus.write(corpus.samples(load_profile(ULTRASOUND))[:2], tmp_path / "us")
    return tmp_path / "us"


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """The folder of a site, with a profile of its own: any kind of instance on such a disk."""
    own = (Path(__file__).parents[2] / "profiles" / "annex-g.toml").read_text()
    for old, new in (("STD-GEN-MIME", SITE), ('"mime"', '"mod_90_2g3"'), ('"optional"', '"required"')):
        assert old in own
        own = own.replace(old, new)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "own.toml").write_text(own)
    return tmp_path / "profiles"


def check_disk(image: Path, instances: int) -> None:
    """What fsck.fat and minfo say of the whole image: no partition table, and the values of PS3.12 Q.2."""
    said = run("fsck.fat", "-n", "-v", image)
    assert re.search(r"^ +2048 bytes per logical sector$", said, re.MULTILINE)
    assert re.search(r"^ +16384 bytes per cluster$", said, re.MULTILINE)
    assert "2 FATs, 16 bit entries" in said
    assert re.search(r"^ +512 root directory entries$", said, re.MULTILINE)
    assert "25 sectors/track, 1 heads" in said
    told = run("minfo", "-i", image, "::")
    assert {"sector size: 2048 bytes", "reserved (boot) sectors: 1", "media descriptor byte: 0xf8"} <= {
        *told.splitlines()
    }
    assert 'disk label="GIGAMO_DISK"' in told
    assert image.stat().st_size % 2048 == 0
    assert image.stat().st_blocks * 512 < image.stat().st_size // 20  # the rest is a hole
    assert "DICOMDIR" in run("mdir", "-i", image, "::/")
    media = receipt_of(image)["media"]
    assert [one["instances"] for one in media] == [instances]
    assert media[0]["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()


@needs("fsck.fat", "minfo", "mdir")
def test_a_disk_of_ultrasound_images(
    sources: Path, tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "disk.img"
    label = ("--file-set-id", "GIGAMO_DISK_0001")
    made = command("create", sources, "--profile", ULTRASOUND, "--medium", "mod-90", "-o", image, *label)
    assert made.code == 0, made.said
    assert "Complete: 2 of 2 instances are on the medium and were read back." in made.out
    check_disk(image, 2)

    listed = command("list", "--check", image)
    assert (listed.code, "GIGAMO_DISK_0001" in listed.out, "[PS3" in listed.out) == (0, True, False), listed.said
    assert command("verify", image).code == 0
    checked = check_file_set(image, ULTRASOUND, workers=1)
    assert (checked.conforms, checked.findings) == (True, ())

    # Put on a disk in a drive: the smallest that it fits, and one sector less.
    disk = tmp_path / "sdx"
    for size, code in ((image.stat().st_size - 2048, 3), (image.stat().st_size, 0)):
        disk.write_bytes(b"")
        with disk.open("r+b") as device:
            device.truncate(size)
        table = (BlockDevice(str(disk), "MO drive", size, removable=True),)
        monkeypatch.setattr("mediacreator.burn.block_devices", lambda table=table: table)
        assert run_command(["write-usb", str(image), "--device", str(disk), "--yes", "-q"]) == code
    assert "written and read back" in capsys.readouterr().out
    assert run("fsck.fat", "-n", disk)


@needs("fsck.fat", "minfo", "mdir")
def test_a_disk_under_a_profile_of_the_site(study: Path, profiles: Path, tmp_path: Path, command: Command) -> None:
    """The instances of the tests are CT, which PS3.11 has no such disk for."""
    image = tmp_path / "disk.img"
    label = ("--file-set-id", "GIGAMO_DISK_0002")
    asked = ("create", study, "--profile", SITE, "--profiles", profiles, "-o", image, *label)
    made = command(*asked)
    assert made.code == 0, made.said
    check_disk(image, 3)
    assert command("verify", image).code == 0  # without the folder of the site: judged as what it suits best
    assert check_file_set(image, load_claim(SITE, (str(profiles),)), workers=1).conforms

    other = command(*asked, "--medium", "usb-4", "--force")
    assert other.code == 2
    assert "PRI-GIGAMO is for 90 mm 2.3 GB MOD, not for USB stick 4 GB" in other.err


def test_what_one_disk_does_not_hold_takes_two(study: Path, profiles: Path, tmp_path: Path, command: Command) -> None:
    """Slices of 512 MiB, four of which fit the 2.18 GB of a disk; the pixels are holes, and nobody reads them."""
    pixels = 16384 * 16384 * 2
    for number in range(11, 16):
        path = write_ct(study / f"{number}", number, Rows=16384, Columns=16384, PixelData=b"")
        head = path.read_bytes()[:-4]
        path.write_bytes(head + pixels.to_bytes(4, "little"))
        os.truncate(path, len(head) + 4 + pixels)
    asked = ("create", study, "--profile", SITE, "--profiles", profiles, "--medium", "mod-90", "--compress", "none")
    ran = command(*asked, "--plan", "-o", tmp_path / "x.img")
    assert ran.code == 0, ran.said
    assert re.findall(r"^Medium (\d): MO disk 90 mm 2.3 GB", ran.out, re.MULTILINE) == ["1", "2"]
    assert "2.15 GB of 2.18 GB" in ran.out
