"""Run a command and say how long it took and how much memory its processes held."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of a command."""

    seconds: float
    peak_pss: int  # bytes: proportional set size, summed over all its processes; 0 where not watched
    returncode: int
    output: str
    timed_out: bool = False
    busy: float = 0  # processor seconds of all its processes


def run(command: Sequence[object], *, cwd: Path | None = None, memory: bool = False, timeout: float = 600) -> Measured:
    """Run a command whole, from start to end of its process; ``memory`` samples it every 20 ms, which costs time."""
    start, before = time.perf_counter(), _busy()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    watch = _Watch(process.pid) if memory else None
    timed_out = False
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
    seconds = time.perf_counter() - start
    peak = watch.stop() if watch else 0
    return Measured(seconds, peak, process.returncode, output.decode("utf-8", "replace"), timed_out, _busy() - before)


def best(command: Sequence[object], *, times: int = 3, cwd: Path | None = None, before: object = None) -> Measured:
    """Run a command some times and return the quickest; a peer and we get the same number of tries."""
    runs = []
    for _ in range(times):
        if callable(before):
            before()
        runs.append(_sound(command, run(command, cwd=cwd)))
    return min(runs, key=lambda done: done.seconds)


def in_turn(
    commands: Mapping[str, Sequence[object]], *, times: int = 3, before: Callable[[], None] | None = None
) -> dict[str, Measured]:
    """Run commands in turn and return the quickest of each: whatever else the machine does falls on all alike."""
    runs: dict[str, list[Measured]] = {name: [] for name in commands}
    for _ in range(times):
        for name, command in commands.items():
            if before:
                before()
            runs[name].append(_sound(command, run(command)))
    return {name: min(done, key=lambda one: one.seconds) for name, done in runs.items()}


def _sound(command: Sequence[object], done: Measured) -> Measured:
    """Return a run, with the times of the call alone where the command prints them behind this word."""
    if done.returncode != 0:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.output[-2000:]}")
    if not done.output.startswith(CALL):
        return done
    seconds, busy = map(float, done.output.removeprefix(CALL).split())
    return replace(done, seconds=seconds, busy=busy)


CALL = "call "
"""What a command begins its output with that times a call of its own: seconds and processor seconds follow."""


def busy_seconds(measured: Mapping[str, Measured]) -> dict[str, float]:
    """Return what each run took of the processors: little else on the machine changes that."""
    return {name: round(done.busy, 2) for name, done in measured.items()}


def compile_once(place: Path) -> None:
    """Let processes keep their bytecode, as those of an installed program do, whose bytecode pip writes."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(place / "bytecode")


def _busy() -> float:
    """Return the processor seconds of all processes that have ended, ours and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Watch:
    """Samples the memory of a process and all its descendants."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self._thread.start()

    def stop(self) -> int:
        """Return the peak in bytes."""
        self._stop.set()
        self._thread.join()
        return self._peak

    def _sample(self) -> None:
        while not self._stop.wait(0.02):
            self._peak = max(self._peak, sum(_pss(pid) for pid in _tree(self._pid)))


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                found += [int(child) for child in Path(f"/proc/{parent}/task/{task}/children").read_text().split()]
        except OSError:
            continue
    return found


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
