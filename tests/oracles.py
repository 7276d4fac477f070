"""Outside programs that judge what we make: run one, or say that it is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest


def needs(*programs: str) -> Callable[[Any], Any]:
    """Skip the test on a laptop that lacks a program; in CI a missing oracle is a failure, so nothing is skipped."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing) and not os.environ.get("CI"), reason=f"not installed: {', '.join(missing)}")


def run(*command: object, rc: int | None = 0, timeout: float = 120) -> str:
    """Run an oracle and return what it prints on both streams; ``rc`` None accepts any exit code."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL
    )
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert rc is None or done.returncode == rc, f"{command[0]} ended with {done.returncode}:\n{text}"
    return text
