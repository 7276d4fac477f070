"""Bytes of a source are those that were scanned, or an error that names the source and no path."""

from __future__ import annotations

import os
import pickle
import zipfile
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.errors import SourceChanged, SourceUnreadable
from mediacreator.model import SourceFile
from mediacreator.sources import find_sources
from mediacreator.sources.reading import close_archives, open_source, read_chunks
from tests.discs import image, source_of

DATA = bytes(range(256)) * 40


def sources(folder: Path) -> tuple[SourceFile, SourceFile, SourceFile]:
    """The same bytes as a file, as a member of an archive and in an image."""
    (folder / "plain").write_bytes(DATA)
    with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("OTHER", b"other")
        out.writestr("A", DATA)
    iso = image(folder, {"OTHER": b"other", "A": DATA}).path
    paths = [str(folder / "plain"), str(folder / "x.zip"), iso]
    plain, _, zipped, imaged, _ = find_sources(paths).files  # names in an image are sorted
    return plain, zipped, imaged


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(DATA)), st.integers(0, len(DATA)), st.integers(1, 5000))
def test_ranges_are_the_same_everywhere(
    tmp_path_factory: pytest.TempPathFactory, start: int, stop: int, chunk: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "ranges"
    folder.mkdir(exist_ok=True)
    if not (folder / "plain").exists():
        sources(folder)
    size = max(stop - start, 0)
    for source in found_again(folder):
        chunks = list(read_chunks(source, start, size, chunk))
        assert b"".join(chunks) == DATA[start : start + size]
        assert all(0 < len(part) <= chunk for part in chunks)


def found_again(folder: Path) -> list[SourceFile]:
    found = find_sources([str(folder / name) for name in ("plain", "x.zip", "test.iso")]).files
    return [file for file in found if file.size == len(DATA)]


def test_opened_sources_can_be_sought(tmp_path: Path) -> None:
    for source in sources(tmp_path):
        with open_source(source) as stream:
            assert stream.seekable()
            assert stream.read(3) == DATA[:3]
            stream.seek(-5, 2)
            assert stream.read() == DATA[-5:]
            stream.seek(1000)
            assert stream.read(10) == DATA[1000:1010]
            assert stream.tell() == 1010


def test_two_readers_of_one_archive_do_not_disturb_each_other(tmp_path: Path) -> None:
    for source in sources(tmp_path):
        one, two = (read_chunks(source, 0, source.size, 1000) for _ in range(2))
        parts = [(next(one), next(two)) for _ in range(5)]
        assert all(first == second for first, second in parts)
        assert b"".join([first for first, _ in parts] + list(one)) == DATA


def _read_in_child(source: SourceFile) -> bytes:
    return b"".join(read_chunks(source, 0, source.size, 700))


def test_processes_that_fork_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Archives that the parent holds open share their position with the child, unless the child opens its own."""
    found = sources(tmp_path)
    for source in found:
        assert _read_in_child(source) == DATA
    with get_context("fork").Pool(2) as pool:
        assert set(pool.map(_read_in_child, found * 10, chunksize=1)) == {DATA}


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_change_is_noticed_before_reading(tmp_path: Path, kind: int) -> None:
    source = sources(tmp_path)[kind]
    os.utime(source.path, ns=(0, source.mtime_ns + 1))
    with pytest.raises(SourceChanged, match=source.location) as caught:
        list(read_chunks(source, 0, source.size))
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_change_is_noticed_while_reading(tmp_path: Path, kind: int) -> None:
    source = sources(tmp_path)[kind]
    chunks = read_chunks(source, 0, source.size, 4000)
    next(chunks)
    os.utime(source.path, ns=(0, source.mtime_ns + 1))
    with pytest.raises(SourceChanged):
        list(chunks)


def test_archive_that_is_held_open_is_replaced(tmp_path: Path) -> None:
    """The handle still reads the old one; a scan of the new one must read the new one."""
    (tmp_path / "1").mkdir()
    old = sources(tmp_path)[1]
    assert b"".join(read_chunks(old, 0, old.size)) == DATA
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as out:
        out.writestr("B", b"new")
    os.utime(tmp_path / "new.zip", ns=(0, old.mtime_ns + 5))
    os.replace(tmp_path / "new.zip", old.path)
    (new,) = find_sources([old.path]).files
    assert b"".join(read_chunks(new, 0, 3)) == b"new"
    with pytest.raises(SourceChanged):
        list(read_chunks(old, 0, old.size))


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_vanished_source_is_named(tmp_path: Path, kind: int) -> None:
    source = sources(tmp_path)[kind]
    os.unlink(source.path)
    close_archives()
    for read in (lambda: list(read_chunks(source, 0, 1)), lambda: open_source(source)):
        with pytest.raises(SourceChanged, match=source.location) as caught:
            read()
        assert str(tmp_path) not in str(caught.value)
        assert pickle.loads(pickle.dumps(caught.value)).sources == (source,)  # it comes from a worker


def test_shorter_and_longer_files_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(DATA)
    source = source_of(path)
    for size in (len(DATA) - 1, len(DATA) + 1):
        os.truncate(path, size)
        os.utime(path, ns=(0, source.mtime_ns))
        with pytest.raises(SourceChanged):
            list(read_chunks(source, 0, 10))


def test_range_beyond_the_end_is_an_error(tmp_path: Path) -> None:
    for source in sources(tmp_path):
        with pytest.raises(SourceChanged):
            list(read_chunks(source, 10, source.size))


def test_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"")
    source = source_of(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(SourceChanged):
        list(read_chunks(source, 0, 0))
    with pytest.raises(SourceUnreadable):
        open_source(source)


def test_damaged_member_is_noticed(tmp_path: Path) -> None:
    source = sources(tmp_path)[1]
    data = bytearray(Path(source.path).read_bytes())
    data[source.offset + 60] ^= 0xFF
    Path(source.path).write_bytes(data)
    os.utime(source.path, ns=(0, source.mtime_ns))
    close_archives()
    with pytest.raises(SourceUnreadable, match=source.location):
        list(read_chunks(source, 0, source.size))


def test_directory_in_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceChanged):
        list(read_chunks(source_of(tmp_path), 0, 1))
    with pytest.raises(SourceUnreadable):
        open_source(source_of(tmp_path))


def test_wrong_member_is_noticed(tmp_path: Path) -> None:
    source = replace(sources(tmp_path)[1], member="B")
    with pytest.raises(SourceChanged):
        open_source(source)
