"""The writing of discs alone: ISO 9660 against ``xorriso``, with UDF 1.02 beside it against ``genisoimage -udf``.

UDF 2.60 has no peer that writes it; its figure stands beside the others. A file of 4 GB is measured in ``fat``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.goals import at_most
from benchmarks.measure import best, run
from benchmarks.writing import COUNT, MB, best_call, fresh, make_many, timing

WRITERS = {
    "iso": "from mediacreator.image import write_iso as write",
    **{
        revision: f"from mediacreator.image import write_udf\nwrite = partial(write_udf, revision={revision!r})"
        for revision in ("bridge", "2.60")
    },
}


def measure(place: Path) -> dict[str, Any]:
    """Measure all of them over the same files.

    Every writer ends with its bytes on the disk, as ``sync -d`` of a file has it. Of ours the call is measured that
    lays out, hashes and writes: what ``create`` knows by then, the peers look for in their folder, which takes 50 ms.
    """
    source, image, other = place / "source", place / "disc.iso", place / "other.iso"
    make_many(source)
    anew = partial(fresh, image, other)
    ours = {}
    peak = 0
    for kind, writer in WRITERS.items():
        command = timing(writer, source, image)
        ours[kind] = best_call(command, anew)
        anew()
        peak = max(peak, run(command, memory=True).peak_pss)
    theirs = {}
    for name, peer in (("iso", "xorriso -as mkisofs -quiet"), ("bridge", "genisoimage -quiet -udf")):
        command_line = f"{peer} -iso-level 1 -o {other} {source} && sync -d {other}"
        theirs[name] = best(["bash", "-c", command_line], before=anew).seconds
    return {
        "files": COUNT,
        "write_iso_seconds": round(ours["iso"], 2),
        "write_bridge_seconds": round(ours["bridge"], 2),
        "write_udf_2_60_seconds": round(ours["2.60"], 2),
        "xorriso_seconds": round(theirs["iso"], 2),
        "genisoimage_udf_seconds": round(theirs["bridge"], 2),
        "peak_mb": round(peak / MB),
        "goals": {
            "of xorriso -as mkisofs": at_most(ours["iso"] / theirs["iso"], 1.2),
            "of genisoimage -udf": at_most(ours["bridge"] / theirs["bridge"], 2.5),
            "memory, MB": at_most(peak / MB, 150),
        },
    }
