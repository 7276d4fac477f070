"""Ctrl-C, SIGTERM, kill -9, a full disk, a source that changes: nothing half-made under its final name, ever."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.generate import make
from tests.instances import write_ct
from tests.journey.conftest import Command


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough instances that a run can be caught in the middle."""
    return make(tmp_path_factory.mktemp("many") / "source", 4000, 200, 64)


def started(source: Path, disc: Path, *, limit: int = 0) -> subprocess.Popen[bytes]:
    def limited() -> None:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    return subprocess.Popen(
        [sys.executable, "-m", "mediacreator", "create", source, "-o", disc],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=limited,
    )


def wait_for(path: Path, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, "it ended before it could be caught"
        assert time.monotonic() < end
        time.sleep(0.001)


def leftovers(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("which", "moment"),
    [
        (signal.SIGINT, "disc.iso.spool.partial"),
        (signal.SIGTERM, "disc.iso.partial"),
        (signal.SIGINT, "disc.iso.partial"),
        (signal.SIGHUP, "disc.iso.partial"),  # the terminal was closed
    ],
)
def test_a_stopped_run_cleans_up_and_says_130(many: Path, tmp_path: Path, which: int, moment: str) -> None:
    process = started(many, tmp_path / "disc.iso")
    wait_for(tmp_path / moment, process)
    os.killpg(process.pid, which)  # a terminal sends Ctrl-C to workers too
    _, err = process.communicate(timeout=30)

    assert process.returncode == 130, err
    assert b"Stopped" in err
    assert b"Traceback" not in err
    assert leftovers(tmp_path) == set()


def test_a_run_stopped_while_it_reads_headers(many: Path, tmp_path: Path) -> None:
    process = started(many, tmp_path / "disc.iso")
    assert process.stderr is not None
    line = b""
    while b"Reading headers" not in line:
        line = process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert leftovers(tmp_path) == set()


def test_a_killed_run_leaves_no_disc_and_the_next_one_cleans_up(many: Path, tmp_path: Path, command: Command) -> None:
    disc = tmp_path / "disc.iso"
    process = started(many, disc)
    wait_for(tmp_path / "disc.iso.partial", process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not disc.exists()
    assert leftovers(tmp_path)

    small = tmp_path / "small"
    small.mkdir()
    write_ct(small / "one")
    ran = command("create", small, "-o", disc)
    assert ran.code == 0, ran.said
    assert "stale-partial" in ran.out
    assert leftovers(tmp_path) == {"disc.iso", "disc.iso.receipt.json", "small"}


def test_a_disk_that_fills_up(many: Path, tmp_path: Path) -> None:
    """A file may not grow beyond a limit: the write fails in the middle, as on a full disk."""
    process = started(many, tmp_path / "disc.iso", limit=5_000_000)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert b"Traceback" not in err
    assert leftovers(tmp_path) == set()


def test_a_source_that_changes_meanwhile(many: Path, tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    for number in range(1, 400):
        write_ct(folder / f"{number:04}", number=number)
    target = tmp_path / "target"
    target.mkdir()
    process = started(folder, target / "disc.iso")
    wait_for(target / "disc.iso.spool.partial", process)
    last = folder / "0399"
    last.write_bytes(last.read_bytes()[:-2])
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert b"source 399" in err
    assert b"Traceback" not in err
    assert leftovers(target) == set()
