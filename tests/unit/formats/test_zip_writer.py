"""ZIP archives as they are written: what goes in comes out through readers that are not ours (PS3.12 V, APPNOTE)."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings

from mediacreator.errors import InternalError, SourceChanged
from mediacreator.formats.zip_reader import ZipTree
from mediacreator.formats.zip_writer import DEFLATED, STORED, Member, directory, local_header
from mediacreator.image import DiscFile, archive, write_zip, zip_size
from mediacreator.model import MediaImage, WrittenFile
from tests.discs import CREATED, Counter, copied, disc, sha256, source_of, trees
from tests.oracles import needs, run

RANDOM = random.Random(12).randbytes(300_000)
TREE = {
    "DICOMDIR": b"directory" * 700,
    "README.TXT": b"read me\r\n",
    "DICOM/PT000000/IM000000": RANDOM,
    "DICOM/PT000000/IM000001": bytes(2_500_000) + RANDOM[:5],
    "DICOM/EMPTY": b"",
}


def written(folder: Path, tree: dict[str, bytes], workers: int = 2) -> MediaImage:
    path = str(folder / "test.zip")
    return write_zip(path, files=disc(tree), progress=Counter(), workers=workers)


@settings(max_examples=40)
@given(trees())
def test_every_byte_is_there_in_the_order_given(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes]
) -> None:
    image = written(tmp_path_factory.getbasetemp(), tree)
    assert image.size == os.path.getsize(image.path) <= zip_size(disc(tree))
    with zipfile.ZipFile(image.path) as read:
        assert {name: read.read(name) for name in read.namelist()} == tree
        assert read.namelist() == list(tree)
        assert read.testzip() is None
    with ZipTree(image.path) as ours:
        assert [file.name for file in ours.files()] == list(tree)
        assert ours.findings == ()
    assert [file.sha256 for file in image.files] == [sha256(data) for data in tree.values()]


@needs("unzip", "7z", "zipinfo")
def test_other_programs_unpack_what_was_written(tmp_path: Path) -> None:
    image = written(tmp_path, TREE)
    assert "No errors detected" in run("unzip", "-t", image.path)
    assert "Everything is Ok" in run("7z", "t", image.path)
    for number, command in enumerate((("unzip", "-q", image.path, "-d"), ("7z", "x", image.path, "-bd"))):
        folder = tmp_path / str(number)
        run(*command, *((f"-o{folder}",) if command[0] == "7z" else (folder,)))
        assert {name: (folder / name).read_bytes() for name in TREE} == TREE
        assert {(folder / name).stat().st_mode & 0o777 for name in TREE} <= {0o644}
    listed = run("zipinfo", "-v", image.path)
    assert "general purpose bit flag" not in listed or "0x0000" in listed
    assert "extended local header:                          yes" not in listed


def test_what_gets_smaller_is_deflated_and_the_rest_is_stored(tmp_path: Path) -> None:
    image = written(tmp_path, TREE)
    with zipfile.ZipFile(image.path) as read:
        methods = {info.filename: info.compress_type for info in read.infolist()}
        assert {info.flag_bits for info in read.infolist()} == {0}
    assert methods["DICOM/PT000000/IM000000"] == methods["DICOM/EMPTY"] == STORED
    assert methods["DICOMDIR"] == methods["DICOM/PT000000/IM000001"] == DEFLATED
    assert image.size < 400_000


def test_the_size_announced_is_that_of_an_archive_in_which_nothing_gets_smaller(tmp_path: Path) -> None:
    tree = {f"A/B{number}": RANDOM[number : number + 70_000] for number in range(5)}
    assert written(tmp_path, tree).size == zip_size(disc(tree))


def test_what_grows_against_its_sample_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the size that was announced is never too small."""
    monkeypatch.setattr(archive, "_method", lambda sample: DEFLATED)
    image = written(tmp_path, {"A": RANDOM})
    with zipfile.ZipFile(image.path) as read:
        assert read.getinfo("A").compress_type == STORED
        assert read.read("A") == RANDOM
    assert image.size == zip_size(disc({"A": RANDOM}))


def test_the_same_files_give_the_same_bytes_whatever_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Path(written(tmp_path, TREE, workers=1).path).read_bytes()
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setattr("time.time", lambda: 86400.0)
    assert Path(written(tmp_path, TREE, workers=4).path).read_bytes() == first


def test_the_late_file_knows_all_others(tmp_path: Path) -> None:
    seen: list[WrittenFile] = []

    def late(others: tuple[WrittenFile, ...]) -> bytes:
        seen.extend(others)
        return b"late"

    files = (DiscFile.of_late(("RECEIPT.JSN",), 4, CREATED, late), *disc(TREE))
    image = write_zip(str(tmp_path / "late.zip"), files=files, progress=Counter(), workers=4)
    assert [file.sha256 for file in seen] == [sha256(data) for data in TREE.values()]
    with zipfile.ZipFile(image.path) as read:
        assert read.namelist()[-1] == "RECEIPT.JSN"


def test_two_files_of_one_name_are_our_mistake() -> None:
    with pytest.raises(InternalError, match="A/B stands twice"):
        zip_size((*disc({"A/B": b""}), *disc({"A/B": b"1"})))


@pytest.mark.parametrize(
    ("moment", "recorded"),
    [
        (CREATED, (2026, 3, 4, 5, 6, 6)),
        (datetime(1979, 5, 6, 7, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
        (datetime(2107, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-9))), (2107, 12, 31, 23, 59, 58)),
        (datetime(2200, 5, 6, tzinfo=UTC), (2107, 1, 1, 0, 0, 0)),
    ],
)
def test_dates_are_wall_time_of_the_medium(tmp_path: Path, moment: datetime, recorded: tuple[int, ...]) -> None:
    files = (DiscFile.of_bytes(("A",), b"1", moment),)
    image = write_zip(str(tmp_path / "dated.zip"), files=files, progress=Counter())
    with zipfile.ZipFile(image.path) as read:
        assert read.getinfo("A").date_time == recorded


# --- ZIP64 -----------------------------------------------------------------------------------------------------------

LARGE = 5 << 30


@needs("zipinfo", "7z")
def test_what_is_larger_than_4_gib_has_zip64_fields(tmp_path: Path) -> None:
    """A sparse archive: the content of a member is a hole, so that only the headers are written."""
    path = tmp_path / "large.zip"
    large = Member(("IM000000",), CREATED, STORED, 0, LARGE, LARGE)
    end = len(local_header(large)) + LARGE
    small = Member(("IM000001",), CREATED, STORED, 0xF4DBDF21, 1, 1, end)  # the CRC-32 of "0"
    with path.open("wb") as stream:
        stream.write(local_header(large))
        stream.seek(end)
        stream.write(local_header(small) + b"0")
        stream.write(directory((large, small), stream.tell()))
    with zipfile.ZipFile(path) as read:
        assert [(info.file_size, info.header_offset) for info in read.infolist()] == [(LARGE, 0), (1, end)]
        assert read.read("IM000001") == b"0"
    assert str(LARGE) in run("7z", "l", path)
    assert f"{LARGE}" in run("zipinfo", path)


@needs("zipinfo")
@pytest.mark.parametrize("count", [65_534, 65_535])
def test_the_number_of_members_has_no_limit(tmp_path: Path, count: int) -> None:
    members, offset, parts = [], 0, []
    for number in range(count):
        member = Member((f"I{number:07}",), CREATED, STORED, 0, 0, 0, offset)
        members.append(member)
        parts.append(local_header(member))
        offset += len(parts[-1])
    tail = directory(members, offset)
    path = tmp_path / "many.zip"
    path.write_bytes(b"".join(parts) + tail)
    assert (b"PK\6\6" in tail) == (count > 65_534)
    with zipfile.ZipFile(path) as read:
        assert len(read.namelist()) == count
    assert f"{count} files" in run("zipinfo", "-t", path)


# --- what fails ------------------------------------------------------------------------------------------------------


def test_a_source_that_changes_leaves_nothing_behind(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(RANDOM)
    file = copied(("A",), source_of(source))
    source.write_bytes(RANDOM[:-1])
    with pytest.raises(SourceChanged):
        write_zip(str(tmp_path / "x.zip"), files=(*disc(TREE), file), progress=Counter(), workers=2)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """A limit on the size of files stands for it, in a process of its own."""
    script = """
import resource, sys
from pathlib import Path
from mediacreator.errors import NoSpace
from tests.unit.formats.test_zip_writer import RANDOM, written
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    written(Path(sys.argv[1]), {"A": RANDOM})
except NoSpace:
    sys.exit(42)
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == 42
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_files(tmp_path: Path) -> None:
    """30 files of 10 MB that do not get smaller, in a process that says how much it took above its beginning."""
    script = """
import random, resource, sys
from pathlib import Path
from mediacreator.image import write_zip
from tests.discs import Counter, copied, source_of
big = Path(sys.argv[1]) / "big"
big.write_bytes(random.Random(1).randbytes(1 << 20) * 10)
files = [copied((f"I{number}",), source_of(big)) for number in range(30)]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
write_zip(str(Path(sys.argv[1]) / "x.zip"), files=files, progress=Counter(), workers=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path], check=True, capture_output=True)
    assert int(done.stdout) < 60_000  # KiB
    assert os.path.getsize(tmp_path / "x.zip") > 300 << 20
