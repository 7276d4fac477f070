"""Outside programs that judge what we make: run one, or say that it is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ["PATH"] += ":/usr/sbin:/sbin"  # where Debian keeps the programs of file systems, and users do not look


_CAP_SYS_ADMIN = 21


def needs(*programs: str) -> Callable[[Any], Any]:
    """Skip the test on a laptop that lacks a program; in CI a missing oracle is a failure, so nothing is skipped."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing) and not os.environ.get("CI"), reason=f"not installed: {', '.join(missing)}")


def may_mount() -> bool:
    """Tell whether the kernel lets this process mount and make loop devices: root may, root in most containers not."""
    try:
        granted = re.search(r"^CapEff:\s*([0-9a-f]+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        return False
    return (
        granted is not None and bool(int(granted[1], 16) >> _CAP_SYS_ADMIN & 1) and Path("/dev/loop-control").exists()
    )


def run(*command: object, rc: int | None = 0, timeout: float = 120) -> str:
    """Run an oracle and return what it prints on both streams; ``rc`` None accepts any exit code."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL
    )
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert rc is None or done.returncode == rc, f"{command[0]} ended with {done.returncode}:\n{text}"
    return text


def dciodvfy_errors(path: Path) -> set[str]:
    """Return what dciodvfy calls an error, UIDs left out: those of an instance may be others than its source's."""
    lines = run("dciodvfy", path, rc=None).splitlines()
    return {re.sub(r"\b\d+(\.\d+){2,}", "UID", line) for line in lines if line.startswith("Error")}
