"""Nothing is to be said of the file systems that we write, whatever the medium. PS3.12."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mediacreator import CreateRequest, check_file_set, create, open_medium
from mediacreator.cli.list import command as list_command
from mediacreator.cli.verify import command as verify_command
from mediacreator.rules.library import load_profile
from mediacreator.rules.tables import media_formats
from mediacreator.suiting import check_file_system, claimed_medium
from mediacreator.suiting.rows import file_system_rows
from tests import profiles_corpus as corpus

MEDIA = {
    "cd_r": "STD-GEN-CD",
    "dvd_ram": "STD-GEN-DVD-RAM",
    "dvd": "STD-GEN-DVD-JPEG",
    "bd": "STD-GEN-BD-JPEG",
    "usb": "STD-GEN-USB-JPEG",
    "cf": "STD-GEN-CF-JPEG",
    "mmc": "STD-GEN-MMC-JPEG",
    "sd": "STD-GEN-SD-JPEG",
    "mod_130_4g1": "STD-CTMR-MOD41",
    "mod_90_2g3": "STD-US-SC-SF-MOD23-90",
    "mime": "STD-GEN-MIME",
    "zip_mail": "STD-GEN-ZIP-MAIL",
    "zip": "STD-GEN-ZIP-MAIL",
    "folder": "STD-GEN-CD",
}
OTHERWISE = {"zip": "zip", "bd-re-25": "bd", "usb-4": "usb"}
"""Blanks whose form is another than that of their medium, or may be."""


def made(folder: Path, key: str, blank: str = "", *, udf: bool = False) -> str:
    """Write a medium of the first sample of its profile; return its path."""
    profile = load_profile(MEDIA[key])
    corpus.write(corpus.samples(profile)[:1], folder)
    suffix = ".zip" if blank == "zip" else media_formats()[key].suffix or "/"
    path = f"{folder}.medium{suffix}"
    request = CreateRequest((str(folder),), path, profile.id, medium=blank, udf=udf, file_set_id="ALL_16_CHARS_LNG")
    receipt = create(request)
    assert receipt.state == "complete", receipt.reasons
    return path


def said_of(path: str, key: str) -> list[str]:
    """Return what is said of a file system: by its receipt, by nothing but itself, and by a check of its profile."""
    own = {row.code for row in file_system_rows()}
    with open_medium(path) as medium:
        kind = claimed_medium(medium.tree, medium.directory.file_set_uid)
        assert kind == load_profile(MEDIA[key]).media_format
        found = [*check_file_system(medium.tree, medium, kind), *check_file_system(medium.tree, medium)]
    found += [one for one in check_file_set(path, MEDIA[key], workers=1).findings if one.code in own]
    return list(map(str, found))


def test_every_medium_that_is_written_stands_here() -> None:
    assert MEDIA.keys() == {key for key, medium in media_formats().items() if medium.writer}


@pytest.mark.parametrize("key", MEDIA)
def test_nothing_is_said_of_a_medium_of_ours(key: str, tmp_path: Path) -> None:
    path = made(tmp_path / "source", key, "zip" if key == "zip" else "")
    assert said_of(path, key) == []


@pytest.mark.parametrize(("blank", "key"), OTHERWISE.items())
def test_nor_of_one_in_another_form(blank: str, key: str, tmp_path: Path) -> None:
    assert said_of(made(tmp_path / "source", key, blank), key) == []


@pytest.mark.parametrize(
    ("key", "label"), [("cd_r", "ALL_16_CHARS_LNG"), ("mod_90_2g3", "ALL_16_CHAR"), ("usb", "ALL_16_CHAR")]
)
def test_a_label_of_fat_has_eleven_characters_and_nobody_minds(key: str, label: str, tmp_path: Path) -> None:
    """PS3.12 A.1.1 maps the File-set ID to nothing, F.1.1 to the Volume Identifier. The DICOMDIR has it whole."""
    path = made(tmp_path / "source", key)
    with open_medium(path) as medium:
        assert (medium.label, medium.directory.file_set_id) == (label, "ALL_16_CHARS_LNG")
    verified = CliRunner().invoke(verify_command, [path])
    assert verified.exit_code == 0
    assert "every file is there and equal" in verified.output
    listed = CliRunner().invoke(list_command, [path, "--check"]).output
    assert "File-set ID   ALL_16_CHARS_LNG\n" in listed
    assert "[PS3" not in listed


def test_nor_of_a_dvd_with_two_file_systems(tmp_path: Path) -> None:
    """PS3.12 P.2: the bridge."""
    assert said_of(made(tmp_path / "source", "dvd", udf=True), "dvd") == []
