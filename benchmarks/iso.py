"""Folder to verified ISO image with receipt, against the same by other tools, and against plain copying."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks.generate import SHAPES, make
from benchmarks.goals import at_least, at_most
from benchmarks.measure import best

COUNT = 10_000
SIDE = 122  # pixels: 122 x 122 x 2 bytes are 30 KB


def measure(place: Path) -> dict[str, Any]:
    """Measure all three over the same instances."""
    source = make(place / "source", COUNT, SHAPES["200-a-series"], SIDE)
    image, copy = place / "disc.iso", place / "copy"
    outputs = (image, place / "disc.iso.receipt.json", place / "other.iso", source / "DICOMDIR")

    def fresh() -> None:
        shutil.rmtree(copy, ignore_errors=True)
        for path in outputs:
            path.unlink(missing_ok=True)
        os.sync()  # what the one before left to be written is not the burden of the next

    peers = (
        f"cd {source} && dcmmkdir +r -Pgp +id . && xorriso -as mkisofs -iso-level 1 -quiet -o {place}/other.iso . "
        f"&& find . -type f -print0 | xargs -0 sha256sum > {place}/tree.sha "
        f"&& sha256sum {place}/other.iso"
    )
    copying = f"cp -r {source} {copy} && find {copy} -type f -print0 | xargs -0 sha256sum > {place}/copy.sha"
    create = [sys.executable, "-m", "mediacreator", "create", source, "-o", image, "-q"]
    ours = best(create, before=fresh)
    _check_receipt(place / "disc.iso.receipt.json")
    theirs = best(["bash", "-c", peers], before=fresh)
    plain = best(["bash", "-c", copying], before=fresh)
    return {
        "instances": COUNT,
        "bytes": sum(path.stat().st_size for path in source.rglob("*") if path.is_file()),
        "create_seconds": round(ours.seconds, 2),
        "dcmmkdir_xorriso_sha256sum_seconds": round(theirs.seconds, 2),
        "cp_sha256sum_seconds": round(plain.seconds, 2),
        "goals": {
            "times dcmmkdir, xorriso, sha256sum": at_least(theirs.seconds / ours.seconds, 2),
            "of cp -r and sha256sum": at_most(ours.seconds / plain.seconds, 2.5),
        },
    }


def _check_receipt(path: Path) -> None:
    """End the run unless every instance was written and read back: that is what is measured."""
    receipt = json.loads(path.read_text())
    if receipt["state"] != "complete" or receipt["counts"]["verified"] != COUNT:
        sys.exit(f"the receipt says {receipt['state']}, {receipt['counts']['verified']} of {COUNT} read back")
