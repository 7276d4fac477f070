"""The documents say what the program does: help texts, exit codes, the example of the README.

``python -m tests.unit.test_docs`` writes docs/commands.md again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mediacreator.cli import group
from mediacreator.errors import ExitCode

ROOT = Path(__file__).parent.parent.parent
COMMANDS_PAGE = ROOT / "docs" / "commands.md"


def commands_page() -> str:
    """Return docs/commands.md as the commands themselves tell it."""
    parts = ["# Commands\n\nWhat `mediacreator COMMAND --help` says; a test compares the two.\n"]
    names = group.context_settings["help_option_names"]
    context = click.Context(
        group, info_name="mediacreator", max_content_width=100, terminal_width=100, help_option_names=names
    )
    parts.append(f"## mediacreator\n\n```text\n{group.get_help(context)}\n```\n")
    parts += _commands(group, context)
    return "\n".join(parts)


def _commands(above: click.Group, context: click.Context) -> Iterator[str]:
    for name in above.list_commands(context):
        command = above.get_command(context, name)
        assert command is not None
        inner = click.Context(command, parent=context, info_name=name, max_content_width=100, terminal_width=100)
        yield f"## {inner.command_path}\n\n```text\n{command.get_help(inner)}\n```\n"
        if isinstance(command, click.Group):
            yield from _commands(command, inner)


def test_the_commands_page_is_what_help_says() -> None:
    # In a process of its own: click keeps the help option of the first context that asks a command for it.
    show = "from tests.unit.test_docs import commands_page; print(commands_page(), end='')"
    page = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True, cwd=ROOT).stdout

    assert COMMANDS_PAGE.read_text() == page, "run: python -m tests.unit.test_docs"


def test_the_readme_begins_with_the_two_commands() -> None:
    head = (ROOT / "README.md").read_text()[:600]
    assert head.index("make demo") < head.index("make test")


def test_the_readme_lists_every_exit_code() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text(), re.MULTILINE)}
    assert listed == {int(code) for code in ExitCode}


def test_the_readme_names_only_options_that_exist() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "CHANGELOG.md").read_text()
    known = set(re.findall(r"--[a-z-]+", commands_page()))
    assert set(re.findall(r"`[^`\n]*?(--[a-z][a-z-]+)[^`\n]*`", text)) <= known


def test_the_example_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    os.symlink(ROOT / "samples", tmp_path / "samples")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert "complete 23" in capsys.readouterr().out


def test_links_of_the_documents_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


if __name__ == "__main__":
    COMMANDS_PAGE.write_text(commands_page())
