"""The writing of a stick alone: FAT images against ``mkfs.vfat`` with ``mcopy``, and one large file against ``cp``."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.goals import at_most
from benchmarks.measure import busy_seconds, in_turn, run
from benchmarks.writing import COUNT, MB, fresh, make_many, timing

LARGE = (1 << 32) - 1  # bytes: the largest file of FAT32

WRITER = """
from mediacreator.formats.fat_kinds import FAT_KINDS
from mediacreator.image import write_fat
write = partial(write_fat, kind=FAT_KINDS["fat_stick"])
"""


def measure(place: Path) -> dict[str, Any]:
    """Measure both.

    Every writer ends with its bytes on the disk, as ``sync -d`` of a file has it. Of ours the call is measured that
    lays out, hashes and writes: what ``create`` knows by then, the peers look for in their folder, which takes 50 ms.
    """
    many, large = place / "many", place / "large"
    make_many(many)
    _make_large(large)
    image, other = place / "stick.img", place / "other.img"
    anew = partial(fresh, image, other)
    of_many, of_large = timing(WRITER, many, image), timing(WRITER, large, image)
    mtools = (
        f"truncate -s 400M {other} && /usr/sbin/mkfs.vfat -F 32 {other} >/dev/null && mcopy -s -i {other} {many}/* ::/ "
        f"&& sync -d {other}"
    )
    copying = f"cp {large}/LARGE {other} && sync -d {other}"
    took = {
        **in_turn({"write_fat": of_many, "mkfs_vfat_mcopy": ["bash", "-c", mtools]}, before=anew),
        **in_turn({"write_fat_4_gb": of_large, "cp_4_gb": ["bash", "-c", copying]}, before=anew),
    }
    seconds = {name: done.seconds for name, done in took.items()}
    anew()
    peak = max(run(command, memory=True).peak_pss for command in (of_many, of_large))
    return {
        "files": COUNT,
        **{f"{name}_seconds": round(value, 2) for name, value in seconds.items()},
        "processor_seconds": busy_seconds(took),
        "peak_mb": round(peak / MB),
        "goals": {
            "of mkfs.vfat and mcopy, 20,000 files of 16 KB": at_most(
                seconds["write_fat"] / seconds["mkfs_vfat_mcopy"], 1.2
            ),
            "of cp, one file of 4 GB": at_most(seconds["write_fat_4_gb"] / seconds["cp_4_gb"], 1.5),
            "memory, MB": at_most(peak / MB, 150),
        },
    }


def _make_large(root: Path) -> None:
    """Write one file of 4 GB - 1; half random, since nobody looks into it."""
    root.mkdir()
    block = os.urandom(8 << 20) + bytes(8 << 20)
    with (root / "LARGE").open("wb") as out:
        for start in range(0, LARGE, len(block)):
            out.write(block[: min(len(block), LARGE - start)])
