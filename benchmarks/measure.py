"""Run a command and say how long it took and how much memory its processes held."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of a command."""

    seconds: float
    peak_pss: int  # bytes: proportional set size, summed over all its processes; 0 where not watched
    returncode: int
    output: str
    timed_out: bool = False


def run(command: Sequence[object], *, cwd: Path | None = None, memory: bool = False, timeout: float = 600) -> Measured:
    """Run a command whole, from start to end of its process; ``memory`` samples it every 20 ms, which costs time."""
    start = time.perf_counter()
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
    return Measured(seconds, peak, process.returncode, output.decode("utf-8", "replace"), timed_out)


def best(command: Sequence[object], *, times: int = 3, cwd: Path | None = None, before: object = None) -> Measured:
    """Run a command some times and return the quickest; a peer and we get the same number of tries."""
    runs = []
    for _ in range(times):
        if callable(before):
            before()
        done = run(command, cwd=cwd)
        if done.returncode != 0:
            sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.output[-2000:]}")
        runs.append(done)
    return min(runs, key=lambda done: done.seconds)


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
