"""``profiles suggest`` over many instances, against a plain scan of the same files: whole processes.

The plain scan finds the files and reads what STD-GEN-CD needs of them. ``python -m benchmarks.suggest FOLDER`` is one,
with ``all`` behind it one that reads what every profile needs.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.generate import SHAPES, make
from benchmarks.goals import at_most
from benchmarks.measure import in_turn

COUNT = 10_000
ROUNDS = 9


def measure(place: Path) -> dict[str, Any]:
    """Measure in turns, so that whatever else the machine does falls on all alike."""
    folder = make(place / "instances", COUNT, SHAPES["200-a-series"])
    commands = {
        "scan": [sys.executable, "-m", "benchmarks.suggest", folder],
        "scan_for_all_profiles": [sys.executable, "-m", "benchmarks.suggest", folder, "all"],
        "suggest": [sys.executable, "-m", "mediacreator", "profiles", "suggest", "--quiet", folder],
    }
    runs = [in_turn(commands, times=1) for _ in range(ROUNDS)]
    seconds = {name: [one[name].seconds for one in runs] for name in commands}
    busy = {name: [one[name].busy for one in runs] for name in commands}
    quickest = {name: min(values) for name, values in seconds.items()}
    return {
        "instances": COUNT,
        "quickest_seconds": {name: round(value, 3) for name, value in quickest.items()},
        "median_seconds": {name: round(statistics.median(values), 3) for name, values in seconds.items()},
        "quickest_processor_seconds": {name: round(min(values), 3) for name, values in busy.items()},
        "times_scan_for_all_profiles": round(quickest["suggest"] / quickest["scan_for_all_profiles"], 2),
        "goals": {"profiles suggest, times a plain scan": at_most(quickest["suggest"] / quickest["scan"], 1.2)},
    }


def plain_scan(folder: str, *, every_profile: bool) -> int:
    """Find the files below a folder and read their headers; return how many are DICOM."""
    from mediacreator.model import Silent
    from mediacreator.rules.library import load_profile, profile_ids
    from mediacreator.rules.wanted import wanted
    from mediacreator.scan import scan
    from mediacreator.sources import find_sources

    identifiers = profile_ids() if every_profile else ("STD-GEN-CD",)
    keys = wanted(map(load_profile, identifiers))
    return len(scan(find_sources([folder]).files, keys, workers=2, progress=Silent()).headers)


if __name__ == "__main__":
    if plain_scan(sys.argv[1], every_profile="all" in sys.argv[2:]) != COUNT:
        sys.exit(f"not {COUNT} instances")
