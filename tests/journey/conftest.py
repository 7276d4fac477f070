"""What journeys share: the command as a process, and a small study of our own making."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.instances import write_ct


@dataclass(frozen=True)
class Ran:
    """A process that ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


Command = Callable[..., Ran]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run ``mediacreator`` as a user does; settings of whoever runs the tests do not reach it."""

    def run(
        *arguments: object, env: dict[str, str] | None = None, timeout: float = 120, cwd: Path | None = None
    ) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "mediacreator", *map(str, arguments)],
            capture_output=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=cwd,
            env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "xdg"), "COLUMNS": "100", **(env or {})},
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Three CT slices of one invented patient."""
    folder = tmp_path / "study"
    folder.mkdir()
    for number in (1, 2, 3):
        write_ct(folder / f"slice{number}.dcm", number=number)
    return folder


def receipt_of(output: Path) -> dict[str, Any]:
    """Read the receipt beside an output."""
    loaded: dict[str, Any] = json.loads(Path(f"{output}.receipt.json").read_text())
    return loaded


def stopped_while_burning(folder: Path, env: dict[str, str], *arguments: object) -> str:
    """Stop the command once the program that burns has written its number to ``folder/pid``; return what it says.

    Both have ended then, the command with 130.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "mediacreator", *map(str, arguments)],
        env={**os.environ, **env},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        started = folder / "pid"
        for _ in range(300):
            if started.exists() and started.read_text():
                break
            time.sleep(0.1)
        burning = int(started.read_text())
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130, said
    with pytest.raises(ProcessLookupError):
        os.kill(burning, 0)
    return said
