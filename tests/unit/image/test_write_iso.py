"""Images as they are written: exact, reproducible, in order, and gone when something fails."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings

from mediacreator.errors import InternalError, MediumError, NoSpace, SourceChanged
from mediacreator.formats import open_tree
from mediacreator.formats.iso9660_reader import IsoTree
from mediacreator.image import DiscFile, iso_size, write_iso
from mediacreator.image import copying as copying_module
from mediacreator.model import WrittenFile
from tests.discs import CREATED, Counter, copied, disc, image, sha256, source_of, trees


@settings(max_examples=60, deadline=None)
@given(trees())
def test_size_is_exact_and_every_byte_is_there(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes]
) -> None:
    path = str(tmp_path_factory.getbasetemp() / "random.iso")
    files = disc(tree)
    written = write_iso(path, volume_id="RANDOM", files=files, created=CREATED, progress=Counter())
    assert iso_size(files) == os.path.getsize(path) == written.size
    with IsoTree(path) as read:
        assert {file.name: read.open(file.path).read() for file in read.files()} == tree
        assert read.findings == ()
        assert read.volume.space_size * 2048 == written.size
        starts = {file.name: file.extents[0].offset for file in read.files()}
    order = [starts[name] for name, data in tree.items() if data]
    assert order == sorted(order)
    assert [file.sha256 for file in written.files] == [sha256(data) for data in tree.values()]


def test_size_is_exact_with_large_directories(tmp_path: Path) -> None:
    """Directories of many sectors, a path table of more than two, depth 7."""
    tree = {
        f"DICOM/P{number % 3}/S{number % 7}/T{number % 11}/U{number % 4}/V/I{number:07}": b"x" for number in range(3000)
    }
    tree |= {f"FLAT/I{number:07}": b"y" for number in range(1000)}
    written = image(tmp_path, tree)
    assert iso_size(disc(tree)) == written.size == os.path.getsize(written.path)
    with open_tree(written.path) as read:
        assert sum(1 for _ in read.files()) == 4000
        assert read.findings == ()


def test_same_input_gives_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = {"B/X": b"1" * 5000, "A": b"", "README.TXT": b"2"}
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    first = Path(image(tmp_path / "1", tree).path).read_bytes()
    monkeypatch.setattr("time.time", lambda: 86400.0)
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    second = Path(image(tmp_path / "2", tree).path).read_bytes()
    assert first == second


def test_head_and_body_are_joined_whatever_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Around the border of a sector and of the buffer, which is made small for this."""
    monkeypatch.setattr(copying_module, "BUFFER", 8192)
    data = bytes(range(256)) * 200
    expected = {}
    files = []
    for number, (head, offset, size) in enumerate(
        [
            (0, 0, 0),
            (0, 5, 8192),
            (8192, 0, 0),
            (8192, 1, 1),
            (8191, 2, 2),
            (100, 3, 20000),
            (20000, 0, 20000),
            (1, 0, 2047),
        ]
    ):
        path = tmp_path / f"s{number}"
        path.write_bytes(data[: offset + size])
        files.append(copied((f"F{number}",), source_of(path, number + 1), b"h" * head, offset))
        expected[f"F{number}"] = b"h" * head + data[offset : offset + size]
    counter = Counter()
    written = write_iso(str(tmp_path / "x.iso"), volume_id="", files=files, created=CREATED, progress=counter)
    with open_tree(written.path) as tree:
        assert {file.name: tree.open(file.path).read() for file in tree.files()} == expected
        assert tree.label == ""
    assert [file.sha256 for file in written.files] == [sha256(data) for data in expected.values()]
    assert counter.starts == [("image", len(files), sum(file.size for file in files))]
    assert (counter.count, counter.size) == (len(files), sum(file.size for file in files))


def test_late_file_sees_all_others_and_lies_last(tmp_path: Path) -> None:
    seen: list[tuple[WrittenFile, ...]] = []

    def late(others: tuple[WrittenFile, ...]) -> bytes:
        seen.append(others)
        return others[-1].sha256.encode()

    others = disc({"A": b"1", "Z": b"2" * 9000})
    files = [others[0], DiscFile.of_late(("RECEIPT.TXT",), 64, CREATED, late), others[1]]
    written = write_iso(str(tmp_path / "x.iso"), volume_id="T", files=files, created=CREATED, progress=Counter())
    assert [file.path for file in written.files] == [("A",), ("Z",), ("RECEIPT.TXT",)]
    assert seen == [written.files[:2]]
    with open_tree(written.path) as tree:
        assert tree.open(("RECEIPT.TXT",)).read() == sha256(b"2" * 9000).encode()
        assert max(tree.files(), key=lambda file: file.extents[0].offset).name == "RECEIPT.TXT"


def test_sizes_that_do_not_hold_are_our_fault_and_leave_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.iso"
    wrong = [
        [DiscFile(("A",), 2, CREATED, b"1")],
        [DiscFile.of_late(("A",), 2, CREATED, lambda _: b"123")],
        [DiscFile.of_late((name,), 2, CREATED, lambda _: b"12") for name in "AB"],
    ]
    for files in wrong:
        with pytest.raises(InternalError):
            write_iso(str(path), volume_id="T", files=files, created=CREATED, progress=Counter())
        assert list(tmp_path.iterdir()) == []


def test_source_that_changed_or_vanished_leaves_nothing(tmp_path: Path) -> None:
    """A short read never becomes a file that is filled up with zeros: a library that we used would do that."""
    source = tmp_path / "source"
    source.write_bytes(b"x" * 10000)
    known = source_of(source, 12)
    target = tmp_path / "x.iso.partial"
    files = [*disc({"A": b"1"}), copied(("B",), known)]

    def attempt() -> str:
        with pytest.raises(SourceChanged) as caught:
            write_iso(str(target), volume_id="T", files=files, created=CREATED, progress=Counter())
        assert not target.exists()
        return str(caught.value)

    os.truncate(source, 9999)
    assert "source 12" in attempt()
    os.truncate(source, 10000)  # the size again, another time of modification
    os.utime(source, ns=(0, known.mtime_ns + 1))
    assert "source 12" in attempt()
    source.unlink()
    message = attempt()
    assert "source 12" in message
    assert str(tmp_path) not in message


def test_full_disk_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite

    def pwrite(handle: int, data: bytes, offset: int) -> int:
        if offset > 100_000:
            raise OSError(28, "No space left on device")
        return real(handle, data[:5000], offset)  # short writes are legal

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(NoSpace):
        image(tmp_path, {"A": b"1" * 300_000})
    assert list(tmp_path.iterdir()) == []


def test_file_size_limit_of_the_process_is_no_space(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
from mediacreator.errors import NoSpace
from tests.discs import image
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    image(Path(sys.argv[1]), {"A": b"1" * 300_000})
except NoSpace:
    sys.exit(42)
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == 42
    assert list(tmp_path.iterdir()) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_too_little_room_is_refused_before_a_byte_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = SimpleNamespace(f_bavail=100, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda _: free)
    with pytest.raises(NoSpace, match="409600"):
        image(tmp_path, {"A": b"1" * 409_600})
    assert list(tmp_path.iterdir()) == []
    assert image(tmp_path, {"A": b"1" * 300_000}).size < 409_600


def test_target_that_cannot_be_made_is_a_medium_error(tmp_path: Path) -> None:
    with pytest.raises(MediumError) as caught:
        write_iso(
            str(tmp_path / "no" / "x"), volume_id="T", files=disc({"A": b""}), created=CREATED, progress=Counter()
        )
    assert str(tmp_path) not in str(caught.value)


def test_stopping_leaves_nothing(tmp_path: Path) -> None:
    class Stopper(Counter):
        def advance(self, count: int, size: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_iso(str(tmp_path / "x"), volume_id="T", files=disc({"A": b"1"}), created=CREATED, progress=Stopper())
    assert list(tmp_path.iterdir()) == []
