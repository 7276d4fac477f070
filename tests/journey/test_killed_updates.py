"""Kill -9 at random moments of add, remove and merge: the File-set opens as before or as after."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mediacreator import cli
from tests.journey.conftest import Command
from tests.updated import copied, held, made, study

Arguments = Sequence[object]
PROFILE = ("--workers", "1", "-q")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A medium, what is added to it, and another that is merged into it: enough files to be caught among them."""
    folder = tmp_path_factory.mktemp("place")
    made(folder / "m", study(folder / "a", range(1, 41)), study(folder / "b", range(1, 41), series=2))
    study(folder / "new", range(41, 81))
    made(folder / "other", study(folder / "c", range(1, 41), series=3), study(folder / "d", range(41, 61)))
    return folder


def commands(place: Path, medium: Path) -> tuple[Arguments, ...]:
    return (
        ("add", medium, place / "new", *PROFILE),
        ("remove", medium, "--series", "2.25.79.1.2", "-q"),
        ("merge", medium, place / "other", *PROFILE),
    )


def outcome(run: Callable[[Arguments], object], place: Path, number: int, folder: Path) -> tuple[object, float]:
    """Return what a medium holds when a command ends, and how long it takes."""
    medium = copied(place / "m", folder / f"whole{number}" / "m")
    start = time.monotonic()
    run(commands(place, medium)[number])
    return held(medium), time.monotonic() - start


def in_process(arguments: Arguments) -> int:
    with open(os.devnull, "w") as nothing:
        out, sys.stdout = sys.stdout, nothing
        err, sys.stderr = sys.stderr, nothing
        try:
            return cli.run([str(argument) for argument in arguments])
        finally:
            sys.stdout, sys.stderr = out, err


def forked(arguments: Arguments) -> int:
    """Run a command in a process that needs no time to start."""
    pid = os.fork()
    if not pid:
        try:
            os._exit(in_process(arguments))
        finally:
            os._exit(4)
    return pid


def kill_often(place: Path, folder: Path, times: int, seed: int) -> list[bool]:
    """Kill a command at random moments; after each the medium is whole, and the same command succeeds.

    Returns:
        Of each, whether the medium was as after.
    """
    moments = random.Random(seed)
    before = held(place / "m")
    whole = [outcome(in_process, place, number, folder) for number in range(3)]
    seen = []
    for turn in range(times):
        number = turn % 3
        after, seconds = whole[number]
        medium = copied(place / "m", folder / f"turn{turn}" / "m")
        arguments = commands(place, medium)[number]
        pid = forked(arguments)
        time.sleep(moments.uniform(0, seconds * 1.1))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        now = held(medium)
        assert now in (before, after), (seed, turn)
        seen.append(now == after)

        code = in_process(arguments)
        assert code == (1 if now == after and number == 1 else 0), (
            seed,
            turn,
            "what is removed cannot be removed twice",
        )
        assert held(medium) == after, (seed, turn)
        assert {path.name for path in medium.iterdir()} == {
            "DICOM",
            "DICOMDIR",
            "README.TXT",
            "INDEX.HTM",
            "RECEIPT.JSN",
        }
        assert {path.name for path in medium.parent.iterdir()} == {"m", "m.receipt.json"}
        assert in_process(("verify", medium)) == 0, (seed, turn)
    return seen


def test_killed_a_dozen_times(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    kill_often(place, tmp_path, 12, seed=time.time_ns())


@pytest.mark.slow
def test_killed_two_hundred_times(place: Path, tmp_path: Path) -> None:
    seen = kill_often(place, tmp_path, 200, seed=20_261_125)
    assert any(seen), "some came late"
    assert not all(seen), "some came early"


@pytest.mark.parametrize("number", range(3))
def test_a_real_process_that_is_killed_when_its_journal_lies_there(
    place: Path, tmp_path: Path, command: Command, number: int
) -> None:
    before, (after, _) = held(place / "m"), outcome(in_process, place, number, tmp_path)
    medium = copied(place / "m", tmp_path / "m")
    arguments = commands(place, medium)[number]
    process = subprocess.Popen([sys.executable, "-m", "mediacreator", *map(str, arguments)], stdout=subprocess.DEVNULL)
    while not (medium / "UPDATE.JNL").exists():
        assert process.poll() is None, "it ended before it could be caught"
    process.kill()
    process.wait()
    assert held(medium) in (before, after)
    ran = command(*arguments)
    if ran.code == 0:  # 1: what is removed already cannot be removed again
        assert "update-recovered" in ran.out
    assert held(medium) == after
    assert command("verify", medium).code == 0


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_nothing(place: Path, tmp_path: Path, signum: int) -> None:
    before = held(place / "m")
    medium = copied(place / "m", tmp_path / "m")
    process = subprocess.Popen(
        [sys.executable, "-m", "mediacreator", *map(str, commands(place, medium)[0])],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while not (medium / "UPDATE.JNL").exists():
        assert process.poll() is None, "it ended before it could be caught"
    process.send_signal(signum)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (130, 0), err
    if process.returncode == 130:
        assert b"Stopped" in err
        assert held(medium) == before
    assert not (medium / "UPDATE.JNL").exists()
    assert not (medium / "UPDATE.NEW").exists()
