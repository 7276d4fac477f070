"""``make bench``: speed and memory against the peers, in the same run, as JSON in ``benchmarks/results/``."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import dicomdir, directory_read, fat, iso, memory, suggest, transcode, udf, update
from benchmarks.measure import compile_once

RESULTS = Path(__file__).parent / "results"
SUITES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "dicomdir": dicomdir.measure,
    "directory_read": directory_read.measure,
    "fat": fat.measure,
    "iso": iso.measure,
    "memory": memory.measure,
    "suggest": suggest.measure,
    "transcode": transcode.measure,
    "udf": udf.measure,
    "update": update.measure,
}


def main() -> None:
    """Run the suites named on the command line, or all."""
    chosen = sys.argv[1:] or list(SUITES)
    RESULTS.mkdir(exist_ok=True)
    missed = []
    for name in chosen:
        place = Path(tempfile.mkdtemp(prefix="mediacreator-bench-", dir=os.environ.get("BENCH_DIR")))
        compile_once(place)  # without it, every start of ours would compile 200 modules anew; peers are compiled
        start = time.time()
        try:
            result = SUITES[name](place)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        result["machine"] = {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]}
        result["seconds"] = round(time.time() - start)
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
        print(json.dumps(result, indent=2))
        missed += [f"{name}: {goal}" for goal, reached in result["goals"].items() if not reached["reached"]]
    print("\nGoals missed:\n  " + "\n  ".join(missed) if missed else "\nEvery goal is reached.")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
