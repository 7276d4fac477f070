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
from benchmarks.measure import busy_seconds, in_turn

COUNT = 10_000
SIDE = 122  # pixels: 122 x 122 x 2 bytes are 30 KB


def measure(place: Path) -> dict[str, Any]:
    """Measure all over the same instances.

    The peers wait for no disk and compare nothing; of ours every byte is on the disk and was read from there. Debian's
    sha256sum leaves the SHA instructions of the processor unused, which Python and openssl use: the figure with openssl
    shows how much of the distance that is.
    """
    source = make(place / "source", COUNT, SHAPES["200-a-series"], SIDE)
    image, other, copy = place / "disc.iso", place / "other.iso", place / "copy"
    receipt = place / "disc.iso.receipt.json"

    def fresh() -> None:
        if receipt.exists():
            _check_receipt(receipt)
        shutil.rmtree(copy, ignore_errors=True)
        for path in (image, receipt, other, source / "DICOMDIR"):
            path.unlink(missing_ok=True)
        os.sync()  # what the one before left to be written is not the burden of the next

    def peers(sha256: str) -> list[object]:
        made = f"dcmmkdir +r -Pgp +id . && xorriso -as mkisofs -iso-level 1 -quiet -o {other} ."
        hashed = f"find . -type f -print0 | xargs -0 {sha256} > {place}/tree.sha && {sha256} {other}"
        return ["bash", "-c", f"cd {source} && {made} && {hashed}"]

    copying = f"cp -r {source} {copy} && find {copy} -type f -print0 | xargs -0 sha256sum > {place}/copy.sha"
    took = in_turn(
        {
            "create": [sys.executable, "-m", "mediacreator", "create", source, "-o", image, "-q"],
            "dcmmkdir_xorriso_sha256sum": peers("sha256sum"),
            "dcmmkdir_xorriso_openssl": peers("openssl dgst -sha256"),
            "cp_sha256sum": ["bash", "-c", copying],
        },
        before=fresh,
    )
    seconds = {name: done.seconds for name, done in took.items()}
    return {
        "instances": COUNT,
        "bytes": sum(path.stat().st_size for path in source.rglob("*") if path.is_file()),
        **{f"{name}_seconds": round(value, 2) for name, value in seconds.items()},
        "processor_seconds": busy_seconds(took),
        "goals": {
            "times dcmmkdir, xorriso, sha256sum": at_least(
                seconds["dcmmkdir_xorriso_sha256sum"] / seconds["create"], 2
            ),
            "of cp -r and sha256sum": at_most(seconds["create"] / seconds["cp_sha256sum"], 2.5),
        },
    }


def _check_receipt(path: Path) -> None:
    """End the run unless every instance was written and read back: that is what is measured."""
    receipt = json.loads(path.read_text())
    if receipt["state"] != "complete" or receipt["counts"]["verified"] != COUNT:
        sys.exit(f"the receipt says {receipt['state']}, {receipt['counts']['verified']} of {COUNT} read back")
