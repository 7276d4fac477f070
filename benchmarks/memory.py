"""Peak memory of all processes: 50,000 instances, and 4 GB of multi-frame data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.generate import SHAPES, make, make_multiframe
from benchmarks.goals import at_most
from benchmarks.measure import run

MB = 1_000_000
FRAMES, SIDE = 1024, 1024  # of 16 bit: 2 GiB


def measure(place: Path) -> dict[str, Any]:
    """Measure both; the large object is compared with a small one of the same kind."""
    many = make(place / "many", 50_000, SHAPES["200-a-series"])
    iso = _create(many, place / "many.iso")
    small, large = place / "small", place / "large"
    for folder, frames in ((small, 1), (large, FRAMES)):
        folder.mkdir()
        for number, implicit in enumerate((False, True)):
            make_multiframe(folder / f"M{number}", number, frames, SIDE, implicit=implicit)
    few = _create(small, f"{place}/few/")
    much = _create(large, f"{place}/much/")
    return {
        "instances_50000_mb": round(iso / MB),
        "multiframe_2_frames_mb": round(few / MB),
        "multiframe_4_gib_mb": round(much / MB),
        "goals": {
            "50,000 instances to a verified image, MB": at_most(iso / MB, 400),
            "4 GiB of multi-frame data over two frames, MB": at_most((much - few) / MB, 16),
        },
    }


def _create(source: Path, output: object) -> int:
    command = [sys.executable, "-m", "mediacreator", "create", source, "-o", output, "-q"]
    done = run(command, memory=True)
    if done.returncode:
        sys.exit(f"create ended with {done.returncode}:\n{done.output[-2000:]}")
    return done.peak_pss
