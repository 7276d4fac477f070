"""The same File-set as a folder: modes, dates, memory, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from mediacreator.errors import NoSpace, SourceChanged, TargetExists
from mediacreator.image import DiscFile, write_folder
from tests.discs import CREATED, Counter, copied, disc, sha256, source_of, trees


@settings(max_examples=40, deadline=None)
@given(trees())
def test_folder_holds_every_byte(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes]) -> None:
    root = tmp_path_factory.mktemp("folder") / "out"
    counter = Counter()
    written = write_folder(str(root), files=disc(tree), created=CREATED, progress=counter)
    found = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert found == tree
    assert {"/".join(file.path): file.sha256 for file in written.files} == {n: sha256(d) for n, d in tree.items()}
    assert written.size == counter.size == sum(map(len, tree.values()))
    assert written.sha256 == ""


def test_modes_and_dates_do_not_depend_on_the_user(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_folder(str(tmp_path / "out"), files=disc({"A/B/C": b"1"}), created=CREATED, progress=Counter())
    finally:
        os.umask(before)
    for name, mode in (("", 0o755), ("A", 0o755), ("A/B", 0o755), ("A/B/C", 0o644)):
        status = (tmp_path / "out" / name).stat()
        assert status.st_mode & 0o777 == mode
        assert status.st_mtime == CREATED.timestamp()


def test_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "MINE").write_bytes(b"1")
    with pytest.raises(TargetExists):
        write_folder(str(tmp_path / "out"), files=disc({"A": b"1"}), created=CREATED, progress=Counter())
    assert (tmp_path / "out" / "MINE").read_bytes() == b"1"


def test_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 9000)
    files = [*disc({"D/A": b"1" * 5000}), copied(("D", "B"), source_of(source))]
    os.truncate(source, 100)
    with pytest.raises(SourceChanged):
        write_folder(str(tmp_path / "out"), files=files, created=CREATED, progress=Counter())
    assert [path.name for path in tmp_path.iterdir()] == ["source"]

    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(NoSpace):
        write_folder(str(tmp_path / "out"), files=files[:1], created=CREATED, progress=Counter())
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    def late(_: object) -> bytes:
        (tmp_path / "out" / "R").symlink_to(tmp_path / "victim")
        return b"12"

    files = [*disc({"A": b"1"}), DiscFile.of_late(("R",), 2, CREATED, late)]
    with pytest.raises(Exception, match="cannot be written"):
        write_folder(str(tmp_path / "out"), files=files, created=CREATED, progress=Counter())
    assert not (tmp_path / "victim").exists()


def test_memory_does_not_grow_with_a_file(tmp_path: Path) -> None:
    """A sparse source of 400 MB: the process grows by its two buffers, not by the file."""
    source = tmp_path / "big"
    with source.open("wb") as out:
        out.truncate(400 << 20)
    script = """
import resource, sys
from pathlib import Path
from mediacreator.image import write_folder
from tests.discs import CREATED, Counter, copied, source_of
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
file = copied(("BIG",), source_of(Path(sys.argv[1])), b"head")
write_folder(sys.argv[2], files=[file], created=CREATED, progress=Counter())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(source), str(tmp_path / "out")], check=True, capture_output=True
    )
    assert (tmp_path / "out" / "BIG").stat().st_size == (400 << 20) + 4
    assert int(done.stdout) < 40_000  # KB
