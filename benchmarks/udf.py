"""The writing of discs alone: ISO 9660 against ``xorriso``, with UDF 1.02 beside it against ``genisoimage -udf``.

UDF 2.60 has no peer that writes it; its figure stands beside the others. A file of 4 GB is measured in ``fat``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.goals import at_most
from benchmarks.measure import busy_seconds, in_turn, run
from benchmarks.writing import COUNT, MB, fresh, make_many, timing

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
    ours = {f"write_{kind.replace('.', '_')}": timing(writer, source, image) for kind, writer in WRITERS.items()}
    theirs = {
        name: ["bash", "-c", f"{peer} -iso-level 1 -o {other} {source} && sync -d {other}"]
        for name, peer in (("xorriso", "xorriso -as mkisofs -quiet"), ("genisoimage_udf", "genisoimage -quiet -udf"))
    }
    took = in_turn({**ours, **theirs}, before=anew)
    seconds = {name: done.seconds for name, done in took.items()}
    peak = 0
    for command in ours.values():
        anew()
        peak = max(peak, run(command, memory=True).peak_pss)
    return {
        "files": COUNT,
        **{f"{name}_seconds": round(value, 2) for name, value in seconds.items()},
        "processor_seconds": busy_seconds(took),
        "peak_mb": round(peak / MB),
        "goals": {
            "of xorriso -as mkisofs": at_most(seconds["write_iso"] / seconds["xorriso"], 1.2),
            "of genisoimage -udf": at_most(seconds["write_bridge"] / seconds["genisoimage_udf"], 2.5),
            "memory, MB": at_most(peak / MB, 150),
        },
    }
