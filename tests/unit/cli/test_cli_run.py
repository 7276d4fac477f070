"""The last line of the command line: every error has its exit code, and none tells who the patient is."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from mediacreator import cli
from mediacreator.errors import ExitCode, MediaTooSmall, NothingToWrite, Stopped
from mediacreator.model import Finding, Severity, SourceFile
from tests.instances import write_ct


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (RuntimeError("Testperson^Tilda is not a number"), ExitCode.INTERNAL),
        (KeyboardInterrupt(), ExitCode.STOPPED),
        (Stopped("x"), ExitCode.STOPPED),
        (MediaTooSmall("too large"), ExitCode.MEDIUM),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_raised_has_an_exit_code_and_keeps_quiet_about_people(
    raised: BaseException, code: ExitCode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(cli.group, "main", fail)
    assert cli.run(["create"]) == code
    said = capsys.readouterr().err
    assert said
    assert "Tilda" not in said
    assert ("our fault" in said) == (code == ExitCode.INTERNAL)


@pytest.mark.parametrize("terminal", [True, False])
def test_the_paths_of_sources_are_shown_on_a_terminal_only(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ "source 4000" alone leads nobody to a file; no receipt was written that would tell."""
    source = SourceFile(4000, "/data/TILDA/\x1bIM1", 1, 1)
    raised = NothingToWrite("Nothing is left.", sources=[source])

    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(cli.group, "main", fail)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert cli.run(["create"]) == ExitCode.FINDINGS
    said = capsys.readouterr().err
    assert ("source 4000: /data/TILDA/\N{REPLACEMENT CHARACTER}IM1" in said) == terminal
    assert ("TILDA" in said) == terminal


def test_what_is_wrong_is_wrapped_for_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = Finding("some-code", Severity.ERROR, "source 1", "what " * 30, "so much " * 20, "PS3.10 7.1", "Do it.")

    def fail(*_: object, **__: object) -> None:
        raise NothingToWrite("Nothing is left. " * 12, [finding])

    monkeypatch.setattr(cli.group, "main", fail)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    cli.run(["create"])
    assert max(map(len, capsys.readouterr().err.splitlines())) <= 80


def test_when_nobody_reads_any_more_it_is_not_called_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """``mediacreator create ... | head -1`` would end with 0 although something is not on the medium."""

    def fail(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(cli.group, "main", fail)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert cli.run(["create"]) == ExitCode.STOPPED


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the reason")

    monkeypatch.setattr(cli.group, "main", fail)
    assert cli.run(["--debug", "create"]) == ExitCode.INTERNAL
    assert "the reason" in capsys.readouterr().err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0
    assert "verify" in capsys.readouterr().out
    assert cli.run(["--version"]) == 0


def test_a_person_at_a_terminal_sees_who_is_meant(tmp_path: Path) -> None:
    """The one place where identities stand side by side (issue 2, stage 2)."""
    write_ct(tmp_path / "a", number=1)
    write_ct(tmp_path / "b", number=2, study=2, PatientName="Anders^Wer", PatientBirthDate="19500505")
    main, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mediacreator", "create", tmp_path, "-o", tmp_path / "disc.iso"],
        stdin=side,
        stdout=side,
        stderr=side,
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "none")},
    )
    os.close(side)
    seen = b""
    try:
        while chunk := os.read(main, 4096):
            seen += chunk
    except OSError:
        pass  # the other side was closed: the process has ended
    finally:
        os.close(main)
    assert process.wait(30) == ExitCode.FINDINGS
    text = seen.decode()
    assert "Tilda" in text
    assert "Anders" in text
    assert "1970-01-01" in text or "19700101" in text
