"""Opening a DICOMDIR of 100,000 records; against pydicom's FileSet and dcmdump, which prints it to nowhere.

Processor time is measured: all of them use one processor, and it does not count what else the machine does.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.generate import CT_IMAGE_STORAGE, SHAPES, UID_ROOT
from benchmarks.goals import at_least, at_most
from benchmarks.measure import run
from mediacreator.dicomio.dicomdir import encode_dicomdir
from mediacreator.dicomio.elements import encode_element
from mediacreator.rules.uids import EXPLICIT_VR_LITTLE_ENDIAN

RECORDS = 100_000
FEW = 10_000
PYDICOM_RECORDS = 10_000  # it needs minutes for more: its time per record is compared, which grows with their number
TRIES = 4
MIB = 1 << 20
_PATIENT = ((0x00080005, "CS", "ISO_IR 100"), (0x00100010, "PN", "Bench^Mark"), (0x00100020, "LO", "BENCH1"))
_STUDY = (
    (0x00080020, "DA", "20260301"),
    (0x00080030, "TM", "101112"),
    (0x00080050, "SH", "A1234567"),
    (0x00081030, "LO", "CT thorax"),
    (0x0020000D, "UI", f"{UID_ROOT}.2"),
    (0x00200010, "SH", "1"),
)
OPEN = "from mediacreator import open_medium; open_medium(__import__('sys').argv[1]).patients()"


def measure(place: Path) -> dict[str, Any]:
    """Measure each shape; the files that records name are there, and empty, since pydicom leaves out what is not."""
    shapes = {shape: _shape(place / shape, per_series) for shape, per_series in SHAPES.items()}
    pydicom = _pydicom(place / "pydicom")
    slowest = max(shapes, key=lambda shape: float(shapes[shape]["call_seconds"]))
    ours = shapes[slowest]
    per_record = ours["call_seconds"] / RECORDS
    return {
        "records": RECORDS,
        "shapes": shapes,
        "pydicom": pydicom,
        "goals": {
            f"open and patients(), {slowest}, times pydicom's FileSet per record": at_least(
                pydicom["seconds"] / pydicom["records"] / per_record, 10
            ),
            f"open and patients(), {slowest}, times dcmdump": at_least(
                ours["dcmdump_seconds"] / ours["call_seconds"], 1.5
            ),
            "whole process, hardest, times dcmdump": at_least(
                min(s["dcmdump_seconds"] / s["process_seconds"] for s in shapes.values()), 1.5
            ),
            "memory of the whole process, MiB": at_most(max(s["process_mib"] for s in shapes.values()), 400),
            **{
                f"{shape}: per record at 100,000 over 10,000": at_most(figures["growth"], 1.3)
                for shape, figures in shapes.items()
            },
        },
    }


def _shape(folder: Path, per_series: int) -> dict[str, Any]:
    many, few = make(folder / "many", RECORDS, per_series), make(folder / "few", FEW, per_series)
    calls, processes, dumps, small = [], [], [], []
    for _ in range(TRIES):  # in turn, so that a busy moment hits all of them
        calls.append(_seconds(lambda: _open(many)))
        processes.append(_process_seconds(sys.executable, "-c", OPEN, many))
        dumps.append(_process_seconds("sh", "-c", 'dcmdump "$0" > /dev/null', many / "DICOMDIR"))
        small.append(min(_seconds(lambda: _open(few)) for _ in range(4)))
    call, process, dump = min(calls), min(processes), min(dumps)
    memory = run([sys.executable, "-c", OPEN, many], memory=True)
    seen = run(["sh", "-c", 'dcmdump "$0" | grep -c "(0004,1430)"', many / "DICOMDIR"])  # +P would take minutes
    records = int(seen.output)
    if records != RECORDS:
        sys.exit(f"dcmdump sees {records} records, expected {RECORDS}")
    return {
        "call_seconds": round(call, 3),
        "process_seconds": round(process, 3),
        "dcmdump_seconds": round(dump, 3),
        "process_mib": round(memory.peak_pss / MIB),
        "growth": round((call / RECORDS) / (min(small) / FEW), 2),
    }


def _pydicom(folder: Path) -> dict[str, Any]:
    """Time pydicom's FileSet, and us, over a smaller DICOMDIR."""
    from pydicom.fileset import FileSet

    make(folder, PYDICOM_RECORDS, SHAPES["200-a-series"], files=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = _seconds(lambda: len(FileSet(folder / "DICOMDIR")))
    ours = min(_seconds(lambda: _open(folder)) for _ in range(TRIES))
    return {
        "records": PYDICOM_RECORDS,
        "seconds": round(theirs, 2),
        "call_seconds": round(ours, 3),
        "times": round(theirs / ours, 1),
    }


def _open(folder: Path) -> None:
    from mediacreator import open_medium

    with open_medium(folder) as medium:
        medium.patients()


def _seconds(call: Callable[[], object]) -> float:
    """Return the processor time of a call."""
    gc.collect()
    start = time.process_time()
    call()
    return time.process_time() - start


def _process_seconds(*command: object) -> float:
    """Return the processor time of a command, from start to end of its process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run(command)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.output[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def make(folder: Path, records: int, per_series: int, *, files: bool = False) -> Path:
    """Write a DICOMDIR with so many records, and the files that they name, empty, if they are wanted."""
    folder.mkdir(parents=True)
    chosen = list(_records(records, per_series))
    (folder / "DICOMDIR").write_bytes(encode_dicomdir("BENCH", UID_ROOT, ((level, body) for level, body, _ in chosen)))
    for name in filter(None, (name for _, _, name in chosen) if files else ()):
        path = folder.joinpath(*name.split("\\"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def _records(count: int, per_series: int) -> Iterator[tuple[int, bytes, str]]:
    """Yield level, body and File ID of each record: a patient, a study, then series with their images."""
    yield 0, _body("PATIENT", *_PATIENT), ""
    yield 1, _body("STUDY", *_STUDY), ""
    left, series = count - 2, 0
    while left > 0:
        series += 1
        left -= 1
        uid = f"{UID_ROOT}.3.{series}"
        yield 2, _body("SERIES", (0x00080060, "CS", "CT"), (0x0020000E, "UI", uid), (0x00200011, "IS", str(series))), ""
        for number in range(1, min(per_series, left) + 1):
            left -= 1
            yield 3, *_image(series, number)


def _image(series: int, number: int) -> tuple[bytes, str]:
    name = f"DICOM\\S{series:07}\\D{number // 200:07}\\IM{number:06}"
    reference = (
        (0x00041500, "CS", name),
        (0x00041510, "UI", CT_IMAGE_STORAGE),
        (0x00041511, "UI", f"{UID_ROOT}.1.{series}.{number}"),
        (0x00041512, "UI", EXPLICIT_VR_LITTLE_ENDIAN),
    )
    keys = ((0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"), (0x00200013, "IS", str(number)))
    return _body("IMAGE", *reference, *keys), name


def _body(kind: str, *values: tuple[int, str, str]) -> bytes:
    every = ((0x00041430, "CS", kind), *values)
    return b"".join(encode_element(tag, vr, value.encode("ascii")) for tag, vr, value in every)
