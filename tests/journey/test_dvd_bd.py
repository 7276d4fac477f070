"""A person makes a DVD, a DVD-RAM and a BD, gets one from somebody else, and gives one as a source. PS3.12 J, P, X."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mediacreator import check_file_set
from mediacreator.formats import IsoTree, UdfTree, open_tree
from mediacreator.formats.udf_volume import is_udf
from tests.journey.conftest import Command, receipt_of
from tests.oracles import needs, run

REVISION = {"STD-GEN-DVD-JPEG": None, "STD-GEN-DVD-RAM": 0x150, "STD-GEN-BD-JPEG": 0x260}
"""Of UDF; a DVD is ISO 9660 level 1 unless more is asked for, which every system shows alike."""


@pytest.mark.parametrize("profile", REVISION)
def test_a_disc_of_each_kind(study: Path, tmp_path: Path, command: Command, profile: str) -> None:
    disc = tmp_path / "disc.iso"
    made = command("create", study, "-o", disc, "--profile", profile, "--file-set-id", "CHEST_1")
    assert made.code == 0, made.said
    receipt = receipt_of(disc)
    assert receipt["counts"]["verified"] == 3
    assert receipt["media"][0]["sha256"] == hashlib.sha256(disc.read_bytes()).hexdigest()
    with open_tree(str(disc)) as tree, disc.open("rb") as stream:
        assert tree.label == "CHEST_1"
        assert tree.findings == ()
        if isinstance(tree, UdfTree):
            assert tree.volume.revision == REVISION[profile]
        else:
            assert isinstance(tree, IsoTree)
            assert REVISION[profile] is None
            assert not is_udf(stream.fileno())
    listed = command("list", disc)
    assert listed.code == 0, listed.said
    assert "3 instances" in listed.out
    assert command("verify", disc).code == 0
    checked = check_file_set(disc, profile, workers=1)
    assert checked.findings == ()


@pytest.mark.parametrize("profile", ["STD-GEN-DVD-RAM", "STD-GEN-BD-JPEG"])
def test_a_disc_as_a_source_gives_the_same_instances(
    study: Path, tmp_path: Path, command: Command, profile: str
) -> None:
    disc = tmp_path / "disc.iso"
    command("create", study, "-o", disc, "--profile", profile)
    ran = command("create", disc, "-o", f"{tmp_path}/copy/")
    assert ran.code == 0, ran.said
    with open_tree(str(disc)) as tree:
        there = {file.name: tree.open(file.path).read()[-1000:] for file in tree.files() if "IM" in file.path[-1]}
    copies = list((tmp_path / "copy" / "DICOM").rglob("IM*"))
    assert sorted(path.read_bytes()[-1000:] for path in copies) == sorted(there.values())
    assert len(copies) == 3


def test_a_scratched_disc_is_told(study: Path, tmp_path: Path, command: Command) -> None:
    """A byte of an instance, and the end cut off: neither passes; what can be read is listed."""
    disc = tmp_path / "disc.iso"
    command("create", study, "-o", disc, "--profile", "STD-GEN-BD-JPEG")
    whole = disc.read_bytes()
    with UdfTree(str(disc)) as tree:
        extent = next(file.extents[0] for file in tree.files() if file.path[-1].startswith("IM"))
    disc.write_bytes(whole[: extent.offset + 900] + b"\xa5" + whole[extent.offset + 901 :])
    assert "file-differs" in command("verify", disc, "--json").out
    disc.write_bytes(whole[: extent.offset])
    ran = command("verify", disc, "--json")
    assert ran.code != 0
    assert "udf-truncated" in ran.out
    assert "file-lost" in ran.out or "file-unreadable" in ran.out


@needs("genisoimage")
def test_a_dvd_that_somebody_else_made(study: Path, tmp_path: Path, command: Command) -> None:
    """ISO 9660, Joliet and UDF on one disc, long names beside the File-set."""
    command("create", study, "-o", f"{tmp_path}/folder/")
    (tmp_path / "folder" / "Read me, please.text").write_text("hello")
    disc = tmp_path / "other.iso"
    run("genisoimage", "-udf", "-J", "-iso-level", "1", "-V", "OTHER", "-o", disc, tmp_path / "folder")
    listed = command("list", disc)
    assert listed.code == 0, listed.said
    assert "3 instances" in listed.out
    ran = command("create", disc, "-o", tmp_path / "again.iso", "--profile", "STD-GEN-DVD-JPEG")
    assert ran.code == 0, ran.said
    assert receipt_of(tmp_path / "again.iso")["counts"]["verified"] == 3
