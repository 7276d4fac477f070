"""500 CT frames to JPEG Lossless and JPEG 2000, against dcmcjpeg and gdcmconv.

Both are measured as they are, one run after the other, and with two of them at once, as a script of two cores would do.
Ours decodes every frame again and compares it, which neither of them does.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.generate import SHAPES, make, make_multiframe
from benchmarks.goals import at_least
from benchmarks.measure import busy_seconds, in_turn

COUNT, SIDE, WORKERS = 500, 512, 2
PEERS = {"1.2.840.10008.1.2.4.70": "dcmcjpeg +e1", "1.2.840.10008.1.2.4.90": "gdcmconv --j2k"}
ORGANS = (20, 40, 60, 75, 130, -60, -800)  # Hounsfield units


def measure(place: Path) -> dict[str, Any]:
    """Measure whole processes: ours scans, codes, decodes again and compares; the peers code."""
    source, whole = make(place / "source", COUNT, SHAPES["one-series"], SIDE, ct_slice), place / "whole"
    _one_object(whole)
    speeds: dict[str, float] = {}
    two_at_once: dict[str, float] = {}
    goals: dict[str, Any] = {}
    busy: dict[str, dict[str, float]] = {}
    for syntax, peer in PEERS.items():

        def coding(folder: Path, workers: int, syntax: str = syntax) -> list[object]:
            return [sys.executable, "-m", "benchmarks.transcode", folder, syntax, workers]

        took = in_turn(
            {
                "ours": coding(source, WORKERS),
                "whole": coding(whole, WORKERS),
                "whole, one worker": coding(whole, 1),
                "peer": ["bash", "-c", _over_all(peer, source, place / "other1", 1)],
                "two peers": ["bash", "-c", _over_all(peer, source, place / "other2", 2)],
            },
            times=2,
        )
        ours, together, alone, theirs, doubled = took.values()
        busy[peer] = busy_seconds(took)
        speeds[peer] = round(COUNT / theirs.seconds, 1)
        speeds[f"{peer}, two at once"] = round(COUNT / doubled.seconds, 1)
        two_at_once[f"times {peer}"] = round(doubled.seconds / ours.seconds, 2)
        speeds[f"ours, as {peer}"] = round(COUNT / ours.seconds, 1)
        speeds[f"ours, as {peer}, all frames in one object"] = round(COUNT / together.seconds, 1)
        goals[f"times {peer}"] = at_least(theirs.seconds / ours.seconds, 2)
        goals[f"two workers on one object, as {peer}, times one"] = at_least(alone.seconds / together.seconds, 1.6)
    return {
        "frames_per_second": speeds,
        "against two at once": two_at_once,
        "processor_seconds": busy,
        "milliseconds_a_frame_on_one_core": _codecs_alone(),
        "goals": goals,
    }


def _over_all(peer: str, source: Path, target: Path, at_once: int) -> str:
    """Return the command that runs a peer over all files."""
    folders = f"find . -type d -print0 | xargs -0 -I {{}} mkdir -p {target}/{{}}"
    return f"cd {source} && {folders} && find . -type f | xargs -P {at_once} -I {{}} {peer} {{}} {target}/{{}}"


def _one_object(folder: Path) -> None:
    """Write the same frames as one multi-frame object."""
    folder.mkdir()
    make_multiframe(folder / "M0", 0, COUNT, SIDE, implicit=False)
    with (folder / "M0").open("r+b") as file:
        file.seek(-COUNT * SIDE * SIDE * 2, 2)
        for number in range(COUNT):
            file.write(ct_slice(number))


def _codecs_alone() -> dict[str, float]:
    """Return what the codecs cost by themselves: nobody who uses them can be faster."""
    import imagecodecs

    pixels = [np.frombuffer(ct_slice(number), "<u2").reshape(SIDE, SIDE) for number in range(0, COUNT, 25)]

    def each(work: Callable[[Any], Any], inputs: list[Any]) -> float:
        start = time.process_time()
        for item in inputs:
            work(item)
        return round((time.process_time() - start) * 1000 / len(inputs), 2)

    def jpeg(frame: Any) -> bytes:
        return bytes(imagecodecs.jpeg8_encode(frame, lossless=True, predictor=1, bitspersample=16))

    def jpeg_2000(frame: Any) -> bytes:
        return bytes(imagecodecs.jpeg2k_encode(frame, codecformat="j2k", level=0, reversible=True, numthreads=1))

    return {
        "libjpeg-turbo codes": each(jpeg, pixels),
        "liblj92 decodes": each(imagecodecs.ljpeg_decode, [jpeg(frame) for frame in pixels]),
        "OpenJPEG codes": each(jpeg_2000, pixels),
        "OpenJPEG decodes": each(imagecodecs.jpeg2k_decode, [jpeg_2000(frame) for frame in pixels]),
    }


def ct_slice(number: int) -> bytes:
    """Return an axial slice of an invented abdomen: 12 bits, organs, ribs, noise as a reconstruction leaves it."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) - SIDE / 2

    def ellipse(cx: float, cy: float, rx: float, ry: float) -> Any:
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1

    wobble = 8 * float(np.sin(number / 20))
    hounsfield = np.full((SIDE, SIDE), -1000, dtype=np.float32)
    hounsfield[ellipse(0, 0, 205 + wobble, 150)] = -90  # fat
    hounsfield[ellipse(0, 0, 188 + wobble, 134)] = 55  # muscle
    for _ in range(14):  # organs, vessels, gas
        cx, cy, rx, ry = (int(rng.integers(*limits)) for limits in ((-120, 120), (-80, 80), (8, 50), (8, 40)))
        hounsfield[ellipse(cx, cy, rx, ry)] = rng.choice(ORGANS)
    for k in range(12):
        angle = 2 * np.pi * (k + number / 50) / 12
        hounsfield[ellipse(172 * np.cos(angle), 118 * np.sin(angle), 13, 6)] = rng.integers(300, 700)  # ribs
    hounsfield[ellipse(0, 85, 26, 22)] = 420  # spine
    hounsfield[(np.abs(y - 190) < 4) & (np.abs(x) < 200)] = -500  # table
    white = rng.normal(0, 20, (SIDE, SIDE))
    noise = (white + np.roll(white, 1, 0) + np.roll(white, 1, 1) + np.roll(white, (1, 1), (0, 1))) / 2
    noise *= np.where(hounsfield > -990, 0.6, 0.25)
    stored = np.clip(np.rint(hounsfield + noise) + 1024, 0, 4095).astype("<u2")
    stored[x**2 + y**2 > (SIDE / 2) ** 2] = 0  # outside the field of view
    return bytes(stored.tobytes())


def transcode(folder: Path, syntax: str, workers: int) -> None:
    """Code every instance of a folder; every frame is decoded again and compared."""
    from mediacreator.model import Silent, SOPInstance, SourceFile
    from mediacreator.rules.library import load_profile
    from mediacreator.rules.profile import Option
    from mediacreator.rules.wanted import wanted
    from mediacreator.scan import scan
    from mediacreator.transcode import Compression, Spool, choose, encode

    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = [SourceFile(n, str(p), p.stat().st_size, p.stat().st_mtime_ns) for n, p in enumerate(paths, 1)]
    headers = scan(files, wanted([load_profile("STD-GEN-CD")]), workers=workers, progress=Silent()).headers
    instances = [SOPInstance(header, "IMAGE", header.attributes) for header in headers]
    options = (Option(syntax, (), ""),)
    with Spool() as spool:
        done = encode(choose(instances, lambda _: options, Compression("lossless")), spool, workers=workers)
        print(len(done.encoded), "instances,", spool.used, "bytes")
    sys.exit(len(done.encoded) != len(paths))


if __name__ == "__main__":
    transcode(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
