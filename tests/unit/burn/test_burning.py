"""Real recordings by libburn into a file, whole and spoilt."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mediacreator.burn import ReadyImage, add_to_record, burn_image, closes, record_path, tray
from mediacreator.errors import DeviceError, UsageError, VerificationFailed
from mediacreator.model import Silent, VirusCheck
from mediacreator.tools import xorriso
from mediacreator.tools.xorriso import DiscState
from tests.oracles import needs

WHEN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Watching(Silent):
    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.done: dict[str, int] = {}

    def start(self, stage: str, count: int, size: int) -> None:
        self.stages.append((stage, size))

    def advance(self, count: int, size: int) -> None:
        stage = self.stages[-1][0]
        self.done[stage] = self.done.get(stage, 0) + size


@needs("xorriso")
def test_a_disc_is_burned_and_read_back(ready: ReadyImage, tmp_path: Path) -> None:
    watching = Watching()
    burned = burn_image(ready, f"stdio:{tmp_path}/disc", progress=watching)

    assert (burned.size, burned.sha256, burned.closed, burned.notes) == (ready.size, ready.sha256, True, ())
    assert watching.stages == [("burn", ready.size), ("disc", ready.size)]
    assert watching.done == {"burn": ready.size, "disc": ready.size}
    assert (tmp_path / "disc").read_bytes()[: ready.size] == Path(ready.path).read_bytes()


@needs("xorriso")
def test_a_disc_with_something_on_it_is_not_touched(ready: ReadyImage, tmp_path: Path) -> None:
    disc = tmp_path / "disc"
    disc.write_bytes(b"precious" * 4096)
    with pytest.raises(DeviceError) as caught:
        burn_image(ready, f"stdio:{disc}", progress=Silent())
    assert caught.value.code == "disc-used"
    assert disc.read_bytes() == b"precious" * 4096

    burn_image(ready, f"stdio:{disc}", progress=Silent(), erase=True)
    assert disc.read_bytes()[: ready.size] == Path(ready.path).read_bytes()


def damage(path: Path, position: int, data: bytes) -> Callable[[str], bool]:
    """Spoil the disc between burning and reading back, where the tray would move."""

    def spoil(_device: str) -> bool:
        with path.open("r+b") as file:
            file.seek(position)
            file.write(data)
        return True

    return spoil


@needs("xorriso")
@pytest.mark.parametrize("position", [0, 40_000, -1])
def test_one_wrong_byte_on_the_disc_is_found(
    ready: ReadyImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    place = position if position >= 0 else ready.size - 1
    was = Path(ready.path).read_bytes()[place]
    monkeypatch.setattr(tray, "reload", damage(tmp_path / "disc", place, bytes([was ^ 1])))
    with pytest.raises(VerificationFailed) as caught:
        burn_image(ready, f"stdio:{tmp_path}/disc", progress=Silent())
    assert [finding.code for finding in caught.value.findings] == ["read-back-differs"]
    assert Path(ready.path).exists()


@needs("xorriso")
@pytest.mark.parametrize(("spoil", "code"), [("cut", "read-back-failed"), ("gone", "read-back-failed")])
def test_a_disc_that_cannot_be_read_back_is_no_success(
    ready: ReadyImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str, code: str
) -> None:
    disc = tmp_path / "disc"

    def change(_device: str) -> bool:
        disc.unlink()
        if spoil == "cut":
            disc.write_bytes(Path(ready.path).read_bytes()[:-2048])
        return True

    monkeypatch.setattr(tray, "reload", change)
    with pytest.raises(DeviceError) as caught:
        burn_image(ready, f"stdio:{disc}", progress=Silent())
    assert caught.value.code == code


@needs("xorriso")
def test_a_disc_that_takes_less_than_it_says_fails(
    ready: ReadyImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program itself refuses what the look at the disc had let pass."""
    seen = xorriso.look

    def blank(device: str) -> xorriso.Disc:
        return replace(seen(device), state=DiscState.BLANK)

    monkeypatch.setattr(xorriso, "look", blank)
    with pytest.raises(DeviceError) as caught:
        burn_image(ready, "/dev/sr99", progress=Silent())
    assert caught.value.code == "device-missing"


def test_a_disc_is_kept_open_only_where_the_profile_knows_sessions(
    ready: ReadyImage, asks_for: Callable[[str], ReadyImage]
) -> None:
    """PS3.11 D.2.1.1 offers several sessions; H, J and K say nothing of them; a DVD-RAM has none."""
    assert closes(ready, keep_open=False)
    assert not closes(ready, keep_open=True)
    forbidding = replace(
        ready, profiles=(replace(ready.profiles[0], session=replace(ready.profiles[0].session, multisession="no")),)
    )
    with pytest.raises(UsageError, match=r"STD-GEN-CD .*PS3\.11 D\.2\.1\.1"):
        closes(forbidding, keep_open=True)
    assert closes(forbidding, keep_open=False)


def test_a_disc_marked_as_checked_for_viruses_is_not_kept_open(ready: ReadyImage) -> None:
    """DRG 2.2.3: nothing may be added to it, so it is finalised."""
    marked = replace(ready, entry=replace(ready.entry, virus_check=VirusCheck("2026-03-01")))
    with pytest.raises(UsageError, match=r"checked for viruses.*DRG 2\.2\.3"):
        closes(marked, keep_open=True)
    assert closes(marked, keep_open=False)


@needs("xorriso")
def test_an_open_disc_says_so(ready: ReadyImage, tmp_path: Path) -> None:
    assert not burn_image(ready, f"stdio:{tmp_path}/disc", progress=Silent(), keep_open=True).closed


@needs("xorriso")
def test_every_try_is_recorded_without_identity(ready: ReadyImage, tmp_path: Path) -> None:
    drive = f"stdio:{tmp_path}/disc"
    add_to_record(ready, drive, burn_image(ready, drive, progress=Silent()), WHEN)
    with pytest.raises(DeviceError) as caught:
        burn_image(ready, drive, progress=Silent())
    add_to_record(ready, drive, caught.value, WHEN)

    record = json.loads(Path(record_path(ready.path)).read_text())
    assert [(entry["outcome"], entry.get("code")) for entry in record["tries"]] == [
        ("verified", None),
        ("failed", "disc-used"),
    ]
    assert (record["sha256"], record["receipt"]) == (ready.sha256, ready.receipt_id)
    assert "Testperson" not in json.dumps(record)


@pytest.mark.parametrize("old", ["", "no JSON", "[]", '{"sha256": "of another image", "tries": [1]}'])
def test_a_record_of_something_else_is_begun_anew(ready: ReadyImage, old: str) -> None:
    Path(record_path(ready.path)).write_text(old)
    add_to_record(ready, "/dev/sr0", DeviceError("no-disc", "There is none."), WHEN)
    assert len(json.loads(Path(record_path(ready.path)).read_text())["tries"]) == 1
