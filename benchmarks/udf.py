"""The writing of discs alone: ISO 9660 against ``xorriso``, with UDF 1.02 beside it against ``genisoimage -udf``.

UDF 2.60 has no peer that writes it; its figure stands beside the others. A file of 4 GB is measured in ``fat``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.goals import at_most
from benchmarks.measure import best, run

MB = 1_000_000
COUNT, SIZE = 20_000, 16 << 10  # files, bytes
IN_A_FOLDER = 1000

WRITE = """
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from mediacreator.image import DiscFile, write_iso, write_udf
from mediacreator.model import Body, Silent, SourceFile

source, image, kind, workers = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
created = datetime(2026, 11, 25, tzinfo=UTC)

def disc_file(number, path):
    status = path.stat()
    found = SourceFile(number, str(path), status.st_size, status.st_mtime_ns)
    return DiscFile(path.relative_to(source).parts, found.size, created, b"", Body(found, 0, found.size))

paths = sorted(path for path in source.rglob("*") if path.is_file())
files = [disc_file(number, path) for number, path in enumerate(paths, 1)]
write = write_iso if kind == "iso" else partial(write_udf, revision=kind)
start = time.perf_counter()
write(image, volume_id="BENCH", files=files, created=created, progress=Silent(), workers=workers)
print(time.perf_counter() - start)
"""


def measure(place: Path) -> dict[str, Any]:
    """Measure all of them over the same files.

    Every writer ends with its bytes on the disk, as ``sync -d`` of a file has it. Of ours the call is measured that
    lays out, hashes and writes: what ``create`` knows by then, the peers look for in their folder, which takes 50 ms.
    """
    source, image, other = place / "source", place / "disc.iso", place / "other.iso"
    _make(source)

    def fresh() -> None:
        for path in (image, other):
            path.unlink(missing_ok=True)
        os.sync()  # what the one before left to be written is not the burden of the next

    workers = min(os.cpu_count() or 1, 8)
    ours = {}
    peak = 0
    for kind in ("iso", "bridge", "2.60"):
        command = [sys.executable, "-c", WRITE, source, image, kind, workers]
        ours[kind] = _best_call(command, fresh)
        fresh()
        peak = max(peak, run(command, memory=True).peak_pss)
    theirs = {}
    for name, peer in (("iso", "xorriso -as mkisofs -quiet"), ("bridge", "genisoimage -quiet -udf")):
        command_line = f"{peer} -iso-level 1 -o {other} {source} && sync -d {other}"
        theirs[name] = best(["bash", "-c", command_line], before=fresh).seconds
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


def _best_call(command: Sequence[object], before: Callable[[], None]) -> float:
    """Return the least time that a command says its call took, of as many tries as the peers have."""
    times = []
    for _ in range(3):
        before()
        done = run(command)
        if done.returncode:
            sys.exit(f"the writer ended with {done.returncode}:\n{done.output[-2000:]}")
        times.append(float(done.output))
    return min(times)


def _make(root: Path) -> None:
    """Write files of random bytes, a thousand in a folder."""
    for number in range(COUNT):
        folder = root / "DICOM" / f"SE{number // IN_A_FOLDER:06}"
        if number % IN_A_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"IM{number:06}").write_bytes(os.urandom(SIZE))
