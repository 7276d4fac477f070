"""What the suites share that measure the writing of an image alone: the files, and a process that times one call."""

from __future__ import annotations

import os
import sys
from pathlib import Path

MB = 1_000_000
COUNT, SIZE = 20_000, 16 << 10  # files, bytes
WORKERS = min(os.cpu_count() or 1, 8)
_IN_A_FOLDER = 1000

_BEFORE = """
import os
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from mediacreator.image import DiscFile
from mediacreator.model import Body, Silent, SourceFile

source, image, workers = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
created = datetime(2026, 11, 25, tzinfo=UTC)

def disc_file(number, path):
    status = path.stat()
    found = SourceFile(number, str(path), status.st_size, status.st_mtime_ns)
    return DiscFile(path.relative_to(source).parts, found.size, created, b"", Body(found, 0, found.size))

paths = sorted(path for path in source.rglob("*") if path.is_file())
files = [disc_file(number, path) for number, path in enumerate(paths, 1)]
"""
_AFTER = """
start, before = time.perf_counter(), os.times()
write(image, volume_id="BENCH", files=files, created=created, progress=Silent(), workers=workers)
print("call", time.perf_counter() - start, sum(os.times()[:4]) - sum(before[:4]))
"""


def timing(writer: str, source: Path, image: Path) -> list[object]:
    """Return the command that writes an image of a folder and prints how long the call took, see ``measure.CALL``.

    Args:
        writer: Python that names the writer ``write``.
        source: The folder.
        image: What is written.
    """
    return [sys.executable, "-c", f"{_BEFORE}{writer}{_AFTER}", source, image, WORKERS]


def fresh(*paths: Path) -> None:
    """Remove what was written; what is still to be written is not the burden of the next."""
    for path in paths:
        path.unlink(missing_ok=True)
    os.sync()


def make_many(root: Path) -> None:
    """Write 20,000 files of random bytes, a thousand in a folder."""
    for number in range(COUNT):
        folder = root / "DICOM" / f"SE{number // _IN_A_FOLDER:06}"
        if number % _IN_A_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"IM{number:06}").write_bytes(os.urandom(SIZE))
