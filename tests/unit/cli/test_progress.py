"""How a run shows that it goes on: stages by their names, plain lines for a log, a bar that fits the screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mediacreator
from mediacreator.cli.progress import STAGES, Bar, Lines


def test_every_stage_has_a_name() -> None:
    source = "".join(path.read_text() for path in Path(mediacreator.__file__).parent.rglob("*.py"))
    started = set(re.findall(r'progress\.start\(\s*"(\w+)"', source))

    assert {"scan", "image", "verify"} <= started
    assert started <= STAGES.keys()


def test_lines_of_a_log_count_and_keep_numbers_apart(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.start("scan", 1, 0)
    lines.start("image", 12_345, 2_000_000)

    assert capsys.readouterr().err == "Reading headers: 1 file\nWriting: 12,345 files, 2.0 MB\n"


def test_many_stages_do_not_fill_the_screen() -> None:
    """A medium for each of forty persons is written and read back."""
    bar = Bar()
    for _ in range(40):
        bar.start("image", 10, 100)
        bar.advance(10, 100)
        bar.start("verify", 10, 100)
        bar.advance(10, 100)

    assert sum(task.visible for task in bar._bar.tasks) <= 10
    assert bar._bar.tasks[-1].visible
