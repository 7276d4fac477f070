"""A person makes a stick, a card or a magneto-optical disk, reads it, and gives it as a source."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from mediacreator import check_file_set, open_medium
from mediacreator.formats import open_tree
from mediacreator.model import Severity
from tests.journey.conftest import Command, receipt_of
from tests.oracles import needs, run

MEDIA = {  # first byte of the volume by profile; PS3.12 R, S, T, U, M
    "STD-GEN-USB-JPEG": 1 << 20,
    "STD-GEN-CF-J2K": 1 << 20,
    "STD-GEN-MMC-JPEG": 1 << 20,
    "STD-GEN-SD-J2K": 1 << 20,
    "STD-CTMR-MOD41": 0,
}


@needs("mcopy", "dcmdump")
@pytest.mark.parametrize("profile", MEDIA)
def test_a_medium_of_every_kind(study: Path, tmp_path: Path, command: Command, profile: str) -> None:
    image = tmp_path / "stick.img"
    ran = command("create", study, "--profile", profile, "--file-set-id", "PATIENT_STICK_1", "-o", image)
    assert ran.code == 0, ran.said
    assert "Complete: 3 of 3 instances are on the medium and were read back." in ran.out
    receipt = receipt_of(image)
    assert receipt["media"][0]["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()

    out = tmp_path / "out"
    out.mkdir()
    run("mcopy", "-s", "-n", "-i", f"{image}@@{MEDIA[profile]}", "::/*", out)
    told = run("dcmdump", "+P", "FileSetID", "+P", "DirectoryRecordType", out / "DICOMDIR")
    assert "[PATIENT_STICK_1]" in told  # whole, whereas a label has 11 characters
    assert told.count("[IMAGE]") == 3
    for file in receipt["media"][0]["files"]:
        assert hashlib.sha256((out / file["path"]).read_bytes()).hexdigest() == file["sha256"], file["path"]
    with open_tree(str(image)) as tree:
        assert tree.label == "PATIENT_STI"

    with open_medium(image) as medium:
        assert (medium.directory.findings, sum(1 for _ in medium.instances())) == ((), 3)
    assert command("verify", image).code == 0
    errors = [found for found in check_file_set(image, profile).findings if found.severity is Severity.ERROR]
    assert errors == []


def test_a_stick_is_a_source(study: Path, tmp_path: Path, command: Command) -> None:
    """And what its DICOMDIR promises is compared with what is there."""
    stick, disc = tmp_path / "stick.img", tmp_path / "disc.iso"
    assert command("create", study, "--profile", "STD-GEN-USB-JPEG", "-o", stick).code == 0
    ran = command("create", stick, "-o", disc, "--json")
    assert ran.code == 0, ran.said
    counts = json.loads(ran.out)["counts"]
    assert (counts["accepted"], counts["rejected"]) == (3, 0)

    damaged = bytearray(stick.read_bytes())
    place = damaged.index(b"IM000001   ")
    damaged[place + 26 : place + 28] = b"\xf0\xff"  # its first cluster is a bad one
    stick.write_bytes(damaged)
    ran = command("create", stick, "-o", disc, "--force")
    assert ran.code == 1, ran.said
    assert "fat-chain-refused" in ran.said


def test_the_same_bytes_when_asked(study: Path, tmp_path: Path, command: Command) -> None:
    sticks = [tmp_path / f"{number}.img" for number in range(2)]
    for number, stick in enumerate(sticks, 1):
        ran = command(
            "create", study, "--profile", "STD-GEN-USB-J2K", "-o", stick, "--reproducible", "--workers", number
        )
        assert ran.code == 0, ran.said
    assert sticks[0].read_bytes() == sticks[1].read_bytes()


def test_damage_to_a_stick_is_found_by_its_receipt(study: Path, tmp_path: Path, command: Command) -> None:
    stick = tmp_path / "stick.img"
    assert command("create", study, "--profile", "STD-GEN-USB-JPEG", "-o", stick).code == 0
    data = bytearray(stick.read_bytes())
    data[data.index(b"DICM") + 500] ^= 1
    stick.write_bytes(data)
    ran = command("verify", stick)
    assert ran.code == 1
    assert "file-differs" in ran.said
