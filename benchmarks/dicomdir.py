"""DICOMDIR of many small instances: scan, select, records, encoding; against DCMTK's dcmmkdir and pydicom's FileSet."""

from __future__ import annotations

import gc
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.generate import SHAPES, make
from benchmarks.goals import at_least, at_most
from benchmarks.index_in_place import index
from benchmarks.measure import best, run

COUNT = 10_000
FEW, MANY = 2_000, 50_000
PEER_LIMIT = 120  # seconds; a peer that needs longer is written down as that
TRIES = {"200-a-series": 3, "one-a-series": 3, "one-series": 1}  # of each of us; in one series the peer takes minutes


def measure(place: Path) -> dict[str, Any]:
    """Measure every shape and compare."""
    shapes = {shape: _shape(place / shape, shape) for shape in SHAPES}
    pydicom = _pydicom(place)
    growth = {shape: _growth(place, shape) for shape in SHAPES}
    hardest = min(shapes, key=lambda s: shapes[s]["dcmmkdir_seconds"] / shapes[s]["process_seconds"])
    calls = {s: f["dcmmkdir_seconds"] / f["call_seconds"] for s, f in shapes.items()}
    return {
        "instances": COUNT,
        "shapes": shapes,
        "pydicom": pydicom,
        "microseconds_per_instance": growth,
        "goals": {
            f"whole process, hardest ({hardest}), times dcmmkdir": at_least(
                shapes[hardest]["dcmmkdir_seconds"] / shapes[hardest]["process_seconds"], 3
            ),
            "whole process, one series, times dcmmkdir": at_least(
                shapes["one-series"]["dcmmkdir_seconds"] / shapes["one-series"]["process_seconds"], 80
            ),
            "library call, hardest, times dcmmkdir": at_least(min(calls.values()), 5),
            "per instance, times pydicom FileSet.add and write at 2,000": at_least(pydicom["times"], 50),
            **{
                f"{shape}: per instance at 50,000 over 2,000": at_most(g["at_50000"] / g["at_2000"], 1.3)
                for shape, g in growth.items()
            },
        },
    }


def _shape(folder: Path, shape: str) -> dict[str, Any]:
    make(folder, COUNT, SHAPES[shape])
    dicomdir = folder / "DICOMDIR"

    def fresh() -> None:
        dicomdir.unlink(missing_ok=True)

    peer = ["dcmmkdir", "+r", "-Pgp", "+id", "."]
    fresh()
    plain = best(peer, cwd=folder, times=TRIES[shape], before=fresh)
    _check_records(dicomdir, f"{shape}, dcmmkdir")
    fresh()
    invent = run([*peer, "--invent"], cwd=folder, timeout=PEER_LIMIT)
    if invent.returncode and not invent.timed_out:
        sys.exit(f"{shape}: dcmmkdir --invent ended with {invent.returncode}:\n{invent.output[-2000:]}")
    ours = best([sys.executable, "-m", "benchmarks.index_in_place", folder], before=fresh, times=TRIES[shape])
    _check_records(dicomdir, f"{shape}, ours")
    fresh()
    call = _best_call(folder, times=TRIES[shape])
    shutil.rmtree(folder)
    return {
        "dcmmkdir_seconds": round(plain.seconds, 3),
        "dcmmkdir_invent_seconds": round(invent.seconds, 3) if not invent.timed_out else f"more than {PEER_LIMIT}",
        "process_seconds": round(ours.seconds, 3),
        "call_seconds": round(call, 3),
        "process_times": round(plain.seconds / ours.seconds, 1),
        "call_times": round(plain.seconds / call, 1),
    }


def _check_records(dicomdir: Path, whose: str) -> None:
    """End the run if a DICOMDIR lacks instances: who leaves some out is quicker."""
    records = run(["dcmdump", "+P", "0004,1430", dicomdir]).output.count("[IMAGE]")
    if records != COUNT:
        sys.exit(f"{whose}: dcmdump sees {records} IMAGE records, expected {COUNT}")


def _best_call(folder: Path, times: int) -> float:
    """Return the quickest of some library calls."""
    seconds = []
    for _ in range(times):
        gc.collect()
        start = time.perf_counter()
        index(str(folder))
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _pydicom(place: Path) -> dict[str, Any]:
    """Time pydicom's FileSet over 2,000 instances, and our call over the same."""
    folder = make(place / "pydicom", FEW, SHAPES["200-a-series"])
    ours = _best_call(folder, times=1)
    theirs = _file_set(sorted(path for path in folder.rglob("*") if path.is_file()), place / "written")
    shutil.rmtree(folder)
    return {
        "instances": FEW,
        "pydicom_seconds": round(theirs, 2),
        "call_seconds": round(ours, 3),
        "times": round(theirs / ours, 1),
    }


def _file_set(paths: Sequence[Path], target: Path) -> float:
    from pydicom.fileset import FileSet

    start = time.perf_counter()
    file_set = FileSet()
    for path in paths:
        file_set.add(path)
    file_set.write(target)
    return time.perf_counter() - start


def _growth(place: Path, shape: str) -> dict[str, float]:
    """Return microseconds per instance of few and of many; one series holds all of them in its shape."""
    figures = {}
    for count in (FEW, MANY):
        folder = make(place / f"{shape}-{count}", count, SHAPES[shape])
        figures[f"at_{count}"] = round(_best_call(folder, times=3) / count * 1e6, 1)
        shutil.rmtree(folder)
    return figures
