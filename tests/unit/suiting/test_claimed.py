"""What a medium is, its receipt tells: beside it, on it, or nobody. What list, verify and the check then say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mediacreator import check_file_set, open_medium
from mediacreator.cli.list import command as list_command
from mediacreator.cli.verify import command as verify_command
from mediacreator.suiting import claimed_medium, medium_of
from tests.unit.suiting.test_own_media import made


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A CD whose label somebody changed."""
    path = Path(made(tmp_path / "source", "cd_r"))
    data = bytearray(path.read_bytes())
    assert data[16 * 2048 + 40 :].startswith(b"ALL_16_CHARS_LNG")
    data[16 * 2048 + 40 : 16 * 2048 + 45] = b"OTHER"
    path.write_bytes(data)
    return path


def receipt_of(disc: Path) -> Path:
    return Path(f"{disc}.receipt.json")


def key_of(disc: Path) -> str | None:
    with open_medium(disc) as medium:
        kind = claimed_medium(medium.tree, medium.directory.file_set_uid)
    return kind.key if kind is not None else None


def test_the_receipt_beside_the_medium_comes_first_then_that_on_it(disc: Path) -> None:
    other = json.loads(receipt_of(disc).read_text())
    other["media"][0]["profile"] = "STD-GEN-DVD-JPEG"
    receipt_of(disc).write_text(json.dumps(other))
    assert key_of(disc) == "dvd"
    receipt_of(disc).write_text("no receipt")
    assert key_of(disc) == "cd_r"
    receipt_of(disc).unlink()
    assert key_of(disc) == "cd_r"
    disc.write_bytes(disc.read_bytes().replace(b'"mediacreator receipt"', b'"mediacreator nothing"'))
    assert key_of(disc) is None


def test_a_profile_that_is_not_known_here_tells_nothing() -> None:
    assert medium_of("SITE-OWN-CD") is None


def test_a_receipt_of_another_medium_tells_nothing(disc: Path) -> None:
    with open_medium(disc) as medium:
        assert claimed_medium(medium.tree, "2.25.1") is None


def test_list_says_it_when_asked_to_check(disc: Path) -> None:
    plain, checked = (CliRunner().invoke(list_command, [str(disc), *more]) for more in ([], ["--check"]))
    assert (plain.exit_code, checked.exit_code) == (0, 0)
    assert "iso-volume-identifier" not in plain.output
    assert "iso-volume-identifier" in checked.output


def test_verify_and_the_check_say_it(disc: Path) -> None:
    said = json.loads(CliRunner().invoke(verify_command, [str(disc), "--json"]).output)
    assert [one["code"] for one in said["findings"]] == ["iso-volume-identifier", "image-differs"]
    assert [one.code for one in check_file_set(disc, "STD-GEN-CD", workers=1).findings] == ["iso-volume-identifier"]
    assert check_file_set(disc, "STD-GEN-CD", role="FSR", workers=1).findings == ()  # readers must bear it
