"""Add ten instances to a File-set of 50,000, and write DICOMDIRs of up to 200,000; against DCMTK's dcmmkdir."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import time
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.generate import SHAPES, make
from benchmarks.goals import at_least, at_most
from benchmarks.measure import best, run
from mediacreator import collector
from mediacreator.directory import build_dicomdir
from mediacreator.layout import lay_out
from mediacreator.model import (
    Attributes,
    Body,
    EncodedInstance,
    FileSetContent,
    Header,
    Patient,
    Series,
    SOPInstance,
    SourceFile,
    Study,
    Volume,
)
from mediacreator.rules.claim import load_claim
from mediacreator.rules.uids import EXPLICIT_VR_LITTLE_ENDIAN

HELD, ADDED = 50_000, 10
FEW, MANY, PEER, OURS = 1_000, 200_000, 10_000, 100_000
PEER_LIMIT = 300  # seconds; a peer that needs longer is written down as that
PROFILE = "STD-GEN-CD"


def measure(place: Path) -> dict[str, Any]:
    """Measure both, in every shape."""
    adding = {shape: _adding(place, shape) for shape in SHAPES}
    writing = {shape: _writing(shape) for shape in SHAPES}
    one_series = _seconds(_volume("one-series", OURS))
    peer = _peer(place)
    return {
        "held": HELD,
        "added": ADDED,
        "adding": adding,
        "microseconds_per_record": writing,
        "one_series": {"instances": OURS, "seconds": round(one_series, 3), **peer},
        "goals": {
            **{
                f"{shape}: seconds to add {ADDED} to {HELD:,} beyond copying them": at_most(
                    found["process_seconds"] - found["copy_seconds"], 3
                )
                for shape, found in adding.items()
            },
            **{
                f"{shape}: time per record at {MANY:,} over {FEW:,}": at_most(
                    found[f"at_{MANY}"] / found[f"at_{FEW}"], 1.5
                )
                for shape, found in writing.items()
            },
            f"dcmmkdir's time for {PEER:,} in one series over ours for {OURS:,}": at_least(
                peer["dcmmkdir_seconds"] / one_series, 10
            ),
        },
    }


def _adding(place: Path, shape: str) -> dict[str, float]:
    """Add to a medium as the command makes it, as a whole process; how long the copying alone takes is apart."""
    source = make(place / "source", HELD, SHAPES[shape])
    medium = place / "medium"
    new = make(place / "new", ADDED, SHAPES[shape], first=HELD)
    program = [sys.executable, "-m", "mediacreator"]
    made = run([*program, "create", source, "-o", f"{medium}/", "--profile", PROFILE, "-q"], timeout=1200)
    if made.returncode:
        sys.exit(f"{shape}: create ended with {made.returncode}:\n{made.output[-2000:]}")
    shutil.rmtree(source)
    receipt = Path(f"{medium}.receipt.json")
    kept = {path: path.read_bytes() for path in (receipt, *(path for path in medium.iterdir() if path.is_file()))}

    def fresh() -> None:
        """Take away what was added."""
        for path, data in kept.items():
            path.write_bytes(data)
        shutil.rmtree(medium / "DICOM" / "PT000001", ignore_errors=True)
        os.sync()

    done = best([*program, "add", medium, new, "--workers", 1, "-q"], times=3, before=fresh)
    if f"{HELD:,} were kept" not in done.output:
        sys.exit(f"{shape}: not all is there:\n{done.output[-2000:]}")
    copying = min(_copying(new, place / "copy") for _ in range(3))
    for folder in (medium, new):
        shutil.rmtree(folder)
    receipt.unlink()
    return {"process_seconds": round(done.seconds, 3), "copy_seconds": round(copying, 3)}


def _copying(folder: Path, target: Path) -> float:
    """Time what copying takes without us: the files, and waiting until they are on the disk."""
    start = time.perf_counter()
    shutil.copytree(folder, target)
    for path in (path for path in target.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    seconds = time.perf_counter() - start
    shutil.rmtree(target)
    return seconds


def _writing(shape: str) -> dict[str, float]:
    """Return microseconds per record of few and of many."""
    figures = {}
    for count in (FEW, MANY):
        volume = _volume(shape, count)
        times = 20 if count == FEW else 3
        figures[f"at_{count}"] = round(min(_seconds(volume) for _ in range(times)) / _records(volume) * 1e6, 2)
    return figures


def _seconds(volume: Volume) -> float:
    keys_for = load_claim(PROFILE).keys_for
    gc.collect()
    with collector.held():
        start = time.perf_counter()
        build_dicomdir(volume, keys_for)
        return time.perf_counter() - start


def _records(volume: Volume) -> int:
    series = [len(study.series) for patient in volume.content.patients for study in patient.studies]
    return len(volume.files) + sum(series) + len(series) + len(volume.content.patients)


def _volume(shape: str, count: int) -> Volume:
    """Return a Volume as selection and layout make it: the values of a CT slice, and a source that is never read."""
    above: Attributes = {
        "PatientName": b"Bench^Mark",
        "PatientID": b"BENCH1",
        "StudyDate": b"20260301",
        "StudyTime": b"101112",
        "AccessionNumber": b"A1234567",
        "StudyDescription": b"CT thorax",
        "StudyInstanceUID": b"2.25.2",
        "StudyID": b"1",
    }
    instances = [_instance(number, SHAPES[shape]) for number in range(count)]
    series = tuple(
        Series(
            {"Modality": b"CT", "SeriesInstanceUID": f"2.25.3.{number}".encode(), "SeriesNumber": str(number).encode()},
            tuple(one for _, one in members),
        )
        for number, members in groupby(enumerate(instances), _series_of(SHAPES[shape]))
    )
    content = FileSetContent((Patient(above, (Study(above, series),)),))
    encoded = [
        EncodedInstance(one, EXPLICIT_VR_LITTLE_ENDIAN, b"", Body(one.header.source, 0, 1000)) for one in instances
    ]
    return lay_out(content, encoded, file_set_id="BENCH", file_set_uid="2.25.1")


def _series_of(per_series: int) -> Callable[[tuple[int, SOPInstance]], int]:
    return lambda numbered: numbered[0] // per_series


def _instance(number: int, per_series: int) -> SOPInstance:
    keys: Attributes = {
        "InstanceNumber": str(number % per_series).encode(),
        "ImageType": b"ORIGINAL\\PRIMARY\\AXIAL",
        "ImagePositionPatient": f"-125\\-125\\{number}".encode(),
        "ImageOrientationPatient": b"1\\0\\0\\0\\1\\0",
        "FrameOfReferenceUID": b"2.25.4",
        "Rows": b"\x00\x02",
        "Columns": b"\x00\x02",
        "PixelSpacing": b"0.5\\0.5",
    }
    source = SourceFile(number, f"/source/{number}", 1000, 0)
    uid = f"2.25.5.{number}"
    header = Header(source, "1.2.840.10008.5.1.4.1.1.2", uid, EXPLICIT_VR_LITTLE_ENDIAN, 0, True, keys)
    return SOPInstance(header, "IMAGE", keys)


def _peer(place: Path) -> dict[str, Any]:
    folder = make(place / "peer", PEER, SHAPES["one-series"])
    done = run(["dcmmkdir", "+r", "-Pgp", "+id", "."], cwd=folder, timeout=PEER_LIMIT)
    shutil.rmtree(folder)
    if done.returncode and not done.timed_out:
        sys.exit(f"dcmmkdir ended with {done.returncode}:\n{done.output[-2000:]}")
    return {"dcmmkdir_instances": PEER, "dcmmkdir_seconds": round(done.seconds, 2), "peer_timed_out": done.timed_out}
