"""The writing of a stick alone: FAT images against ``mkfs.vfat`` with ``mcopy``, and one large file against ``cp``."""

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
LARGE = (1 << 32) - 1  # bytes: the largest file of FAT32
IN_A_FOLDER = 1000

WRITE = """
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from mediacreator.formats.fat_kinds import FAT_KINDS
from mediacreator.image import DiscFile, write_fat
from mediacreator.model import Body, Silent, SourceFile

source, image, workers = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
created = datetime(2026, 11, 25, tzinfo=UTC)

def disc_file(number, path):
    status = path.stat()
    found = SourceFile(number, str(path), status.st_size, status.st_mtime_ns)
    return DiscFile(path.relative_to(source).parts, found.size, created, b"", Body(found, 0, found.size))

paths = sorted(path for path in source.rglob("*") if path.is_file())
files = [disc_file(number, path) for number, path in enumerate(paths, 1)]
start = time.perf_counter()
kind = FAT_KINDS["fat_stick"]
write_fat(image, kind=kind, volume_id="BENCH", files=files, created=created, progress=Silent(), workers=workers)
print(time.perf_counter() - start)
"""


def measure(place: Path) -> dict[str, Any]:
    """Measure both.

    Every writer ends with its bytes on the disk, as ``sync -d`` of a file has it. Of ours the call is measured that
    lays out, hashes and writes: what ``create`` knows by then, the peers look for in their folder, which takes 50 ms.
    """
    many, large = place / "many", place / "large"
    _make_many(many)
    _make_large(large)
    image, other = place / "stick.img", place / "other.img"

    def fresh() -> None:
        for path in (image, other):
            path.unlink(missing_ok=True)
        os.sync()  # what the one before left to be written is not the burden of the next

    workers = min(os.cpu_count() or 1, 8)
    of_many = [sys.executable, "-c", WRITE, many, image, workers]
    of_large = [sys.executable, "-c", WRITE, large, image, workers]
    mtools = (
        f"truncate -s 400M {other} && /usr/sbin/mkfs.vfat -F 32 {other} >/dev/null && mcopy -s -i {other} {many}/* ::/ "
        f"&& sync -d {other}"
    )
    ours = _best_call(of_many, fresh)
    theirs = best(["bash", "-c", mtools], before=fresh)
    ours_large = _best_call(of_large, fresh)
    copied = best(["bash", "-c", f"cp {large}/LARGE {other} && sync -d {other}"], before=fresh)
    fresh()
    peak = max(run(command, memory=True).peak_pss for command in (of_many, of_large))
    return {
        "files": COUNT,
        "write_fat_seconds": round(ours, 2),
        "mkfs_vfat_mcopy_seconds": round(theirs.seconds, 2),
        "write_fat_4_gb_seconds": round(ours_large, 2),
        "cp_4_gb_seconds": round(copied.seconds, 2),
        "peak_mb": round(peak / MB),
        "goals": {
            "of mkfs.vfat and mcopy, 20,000 files of 16 KB": at_most(ours / theirs.seconds, 1.2),
            "of cp, one file of 4 GB": at_most(ours_large / copied.seconds, 1.5),
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


def _make_many(root: Path) -> None:
    """Write 20,000 files of random bytes, a thousand in a folder."""
    for number in range(COUNT):
        folder = root / "DICOM" / f"SE{number // IN_A_FOLDER:06}"
        if number % IN_A_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"IM{number:06}").write_bytes(os.urandom(SIZE))


def _make_large(root: Path) -> None:
    """Write one file of 4 GB - 1; half random, since nobody looks into it."""
    root.mkdir()
    block = os.urandom(8 << 20) + bytes(8 << 20)
    with (root / "LARGE").open("wb") as out:
        for start in range(0, LARGE, len(block)):
            out.write(block[: min(len(block), LARGE - start)])
