"""A medium that is marked as checked for viruses: the mark is seen everywhere, and nothing comes onto it later."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mediacreator import cli
from tests.updated import snapshot, study

Command = Callable[..., tuple[int, str, str]]
MARK = "2026-03-01,ClamAV 1.4.1"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    (tmp_path / "xdg/mediacreator").mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(os, "fsync", lambda handle: None)

    def called(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        return code, *capfd.readouterr()

    return called


@pytest.fixture
def marked(tmp_path: Path, command: Command) -> Path:
    folder = tmp_path / "marked"
    source = study(tmp_path / "a", (1, 2))
    study(source / "b", (1,), series=2)
    code, out, err = command("create", source, "-o", f"{folder}/", "--virus-checked", MARK)
    assert code == 0, err
    assert "Marked: checked for viruses on 2026-03-01 with ClamAV 1.4.1." in out
    return folder


def test_the_mark_stands_on_the_medium_and_in_both_receipts(marked: Path) -> None:
    for name in ("README.TXT", "INDEX.HTM"):
        said = " ".join(re.sub("<[^>]*>", "", (marked / name).read_text()).split())
        assert "Checked for viruses on 2026-03-01 with ClamAV 1.4.1" in said
    for receipt in (marked / "RECEIPT.JSN", Path(f"{marked}.receipt.json")):
        (medium,) = json.loads(receipt.read_text())["media"]
        assert medium["virus_check"] == {"date": "2026-03-01", "scanner": "ClamAV 1.4.1"}


@pytest.mark.parametrize("verb", ["add", "merge"])
@pytest.mark.parametrize("beside", [True, False])
def test_nothing_is_added_to_it(marked: Path, tmp_path: Path, command: Command, verb: str, beside: bool) -> None:
    """DRG 2.2.3, whether the receipt beside the medium tells it or the one that travels."""
    new = study(tmp_path / "new", (3,))
    other = tmp_path / "other"
    assert command("create", new, "-o", f"{other}/")[0] == 0
    if not beside:
        os.unlink(f"{marked}.receipt.json")
    before = snapshot(marked)
    code, _, err = command(verb, marked, other)
    assert code == 3
    assert "checked for viruses on 2026-03-01, so that nothing may be added to it [DRG 2.2.3]" in err
    assert "-o" in err
    assert snapshot(marked) == before

    code, _, err = command(verb, marked, other, "-o", f"{tmp_path}/whole/")
    assert code == 0, err
    assert "virus" not in (tmp_path / "whole/RECEIPT.JSN").read_text() + (tmp_path / "whole/README.TXT").read_text()


def test_an_image_of_a_stick_is_not_added_to_either(tmp_path: Path, command: Command) -> None:
    image = tmp_path / "stick.img"
    source = study(tmp_path / "a", (1,))
    assert command("create", source, "-o", image, "--virus-checked", "2026-03-01")[0] == 0
    before = image.read_bytes()
    code, _, err = command("add", image, study(tmp_path / "new", (2,)))
    assert (code, image.read_bytes() == before) == (3, True)
    assert "DRG 2.2.3" in err


def test_what_is_removed_leaves_the_mark(marked: Path, command: Command) -> None:
    code, out, err = command("remove", marked, "--series", "2.25.79.1.2")
    assert code == 0, err
    assert "Marked: checked for viruses on 2026-03-01" in out
    assert "Checked for viruses on 2026-03-01" in (marked / "README.TXT").read_text()
    assert '"virus_check"' in (marked / "RECEIPT.JSN").read_text()
    assert command("verify", marked)[0] == 0


def test_it_is_not_rebuilt_with_what_came_after_the_check(marked: Path, tmp_path: Path, command: Command) -> None:
    shutil.copy(study(tmp_path / "new", (3,)) / "ct3", marked / "DICOM/NEW00001")
    before = snapshot(marked)
    code, _, err = command("rebuild", marked)
    assert (code, snapshot(marked)) == (3, before)
    assert "DRG 2.2.3" in err


@pytest.mark.parametrize("mark", ["2999-01-01", "yesterday", "2026-02-30,ClamAV"])
@pytest.mark.parametrize("plan", [(), ("--plan",)])
def test_a_mark_that_cannot_be_is_refused_first(
    tmp_path: Path, command: Command, mark: str, plan: tuple[str, ...]
) -> None:
    source = study(tmp_path / "a", (1,))
    code, _, err = command("create", source, "-o", f"{tmp_path}/m/", "--virus-checked", mark, *plan)
    assert code == 2
    assert "--virus-checked" in err
    assert not (tmp_path / "m").exists()


def test_the_site_names_its_scanner_once(tmp_path: Path, command: Command) -> None:
    (tmp_path / "xdg/mediacreator/settings.toml").write_text('[create]\nvirus_scanner = "ClamAV 1.4.1"\n')
    assert command("create", study(tmp_path / "a", (1,)), "-o", f"{tmp_path}/m/")[0] == 0
    assert "virus" not in (tmp_path / "m/RECEIPT.JSN").read_text()
    made = command("create", tmp_path / "a", "-o", f"{tmp_path}/m2/", "--virus-checked", "2026-03-01")
    assert made[0] == 0
    assert '"scanner": "ClamAV 1.4.1"' in (tmp_path / "m2/RECEIPT.JSN").read_text()
