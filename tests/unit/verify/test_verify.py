"""Verification must fail: every kind of damage to a finished medium is found and named."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.errors import MediumError, VerificationFailed
from mediacreator.formats import IsoTree
from mediacreator.image import write_folder
from mediacreator.model import MediaImage
from mediacreator.verify import hash_image, verify_folder, verify_iso
from tests.discs import CREATED, Counter, codes, disc, image, sha256

TREE = {"DICOMDIR": b"d" * 5000, "DICOM/A": b"a" * 2048, "DICOM/EMPTY": b"", "README.TXT": b"r" * 10, "B": b"b" * 9000}


def failure(path: str, expected: MediaImage, volume_id: str = "TEST") -> VerificationFailed:
    with pytest.raises(VerificationFailed) as caught:
        verify_iso(path, expected, volume_id=volume_id, progress=Counter())
    return caught.value


def test_good_image_passes_and_gets_its_hash(tmp_path: Path) -> None:
    written = image(tmp_path, TREE)
    counter = Counter()
    verified = verify_iso(written.path, written, volume_id="TEST", progress=counter)
    assert verified == replace(written, sha256=sha256(Path(written.path).read_bytes()))
    assert (counter.count, counter.size) == (len(TREE), sum(map(len, TREE.values())))


class _Calls:
    """Remembers what is asked of the kernel about each file, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.of: dict[int, list[str]] = {}  # by inode
        for name in ("fsync", "posix_fadvise", "pread", "preadv", "readv"):
            monkeypatch.setattr(os, name, self._spy(name, getattr(os, name)))

    def _spy(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def spied(handle: int, *arguments: Any) -> Any:
            forgets = name == "posix_fadvise" and arguments == (0, 0, os.POSIX_FADV_DONTNEED)
            said = "forget" if forgets else "read" if "read" in name else name
            self.of.setdefault(os.fstat(handle).st_ino, []).append(said)
            return call(handle, *arguments)

        return spied


def test_what_is_read_back_comes_from_the_disk_and_not_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything pending is written and forgotten before the content is read."""
    written = image(tmp_path, TREE)
    folder = write_folder(str(tmp_path / "set"), files=disc(TREE), created=CREATED, progress=Counter())
    calls = _Calls(monkeypatch)
    verify_iso(written.path, written, progress=Counter())
    verify_folder(folder.path, folder, progress=Counter())

    made = calls.of[os.stat(written.path).st_ino]
    content = made[made.index("forget") :].count("read")
    assert made[made.index("forget") - 1] == "fsync"
    assert content >= 2  # the whole image, and descriptors and directories once more
    for name in TREE:
        assert calls.of[os.stat(f"{folder.path}/{name}").st_ino][:3] == ["fsync", "forget", "read"], name


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_flipped_byte_that_is_recorded_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    written = image(folder, TREE)
    raw = bytearray(Path(written.path).read_bytes())
    with IsoTree(written.path) as tree:
        extents = [extent for file in tree.files() for extent in file.extents if extent.size]
    first = min(extent.offset for extent in extents)
    places = [st.integers(0, first - 1)]
    places += [st.integers(extent.offset, extent.offset + extent.size - 1) for extent in extents]
    raw[data.draw(st.one_of(places))] ^= data.draw(st.integers(1, 255))
    Path(written.path).write_bytes(raw)
    with pytest.raises(VerificationFailed) as caught:
        verify_iso(written.path, written, volume_id="TEST", progress=Counter())
    assert caught.value.findings


def test_flipped_byte_names_the_file(tmp_path: Path) -> None:
    written = image(tmp_path, TREE)
    raw = Path(written.path).read_bytes()
    Path(written.path).write_bytes(raw.replace(b"a" * 2048, b"a" * 2047 + b"A"))
    (finding,) = failure(written.path, written).findings
    assert (finding.code, finding.location) == ("verify-hash", "DICOM/A")


def test_truncated_image_is_found(tmp_path: Path) -> None:
    written = image(tmp_path, TREE)
    os.truncate(written.path, written.size - 2048)
    found = codes(failure(written.path, written).findings)
    assert "verify-image-size" in found
    assert "verify-missing" in found


def test_missing_extra_and_renamed_files_are_found(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    written = image(tmp_path, TREE)
    other = image(tmp_path / "1", {**TREE, "EXTRA": b"e"} | {"C": TREE["B"]})
    assert "verify-extra" in codes(failure(other.path, written).findings)
    assert "verify-missing" in codes(failure(written.path, other).findings)


def test_other_size_and_volume_identifier_are_found(tmp_path: Path) -> None:
    written = image(tmp_path, TREE)
    smaller = replace(written, files=(replace(written.files[0], size=4999), *written.files[1:]))
    assert codes(failure(written.path, smaller).findings) == ["verify-size"]
    assert codes(failure(written.path, written, "OTHER").findings) == ["verify-volume-identifier"]


def test_files_over_one_another_are_found(tmp_path: Path) -> None:
    """Two records that point at one extent: the bytes of both may even be right."""
    written = image(tmp_path, {"A": b"x" * 2048, "B": b"x" * 2048})
    raw = bytearray(Path(written.path).read_bytes())
    at = raw.index(b"\x04B.;1") - 32
    a = raw.index(b"\x04A.;1") - 32
    assert raw[at] == raw[a] == 38
    raw[at + 2 : at + 10] = raw[a + 2 : a + 10]
    Path(written.path).write_bytes(raw)
    assert set(codes(failure(written.path, written).findings)) == {"verify-descriptors", "verify-unreadable"}


def test_what_is_no_image_is_found(tmp_path: Path) -> None:
    written = image(tmp_path, TREE)
    Path(written.path).write_bytes(bytes(100))
    assert codes(failure(written.path, written).findings) == ["verify-no-volume"]


def test_hashes_do_not_depend_on_the_buffer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = image(tmp_path, TREE)
    monkeypatch.setattr("mediacreator.verify.hashing._BUFFER", 1000)
    with IsoTree(written.path) as tree:
        hashes, whole = hash_image(tree, Counter())
    assert {file.name: digest for file, digest in hashes.items()} == {n: sha256(d) for n, d in TREE.items()}
    assert whole == sha256(Path(written.path).read_bytes())


def folder(tmp_path: Path) -> MediaImage:
    return write_folder(str(tmp_path / "out"), files=disc(TREE), created=CREATED, progress=Counter())


def test_good_folder_passes(tmp_path: Path) -> None:
    written, counter = folder(tmp_path), Counter()
    assert verify_folder(written.path, written, progress=counter) == written
    assert (counter.count, counter.size) == (len(TREE), sum(map(len, TREE.values())))


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda root: (root / "B").write_bytes(b"c" * 9000), "verify-hash"),
        (lambda root: (root / "B").write_bytes(b"b"), "verify-size"),
        (lambda root: (root / "B").unlink(), "verify-missing"),
        (lambda root: (root / "DICOM" / "THUMBS.DB").write_bytes(b""), "verify-extra"),
        (lambda root: (root / "B").rename(root / "b"), "verify-missing"),
        (lambda root: (root / "B").rename(root / "B."), "verify-missing"),
    ],
)
def test_damaged_folder_is_found(tmp_path: Path, damage: object, code: str) -> None:
    written = folder(tmp_path)
    assert callable(damage)
    damage(Path(written.path))
    with pytest.raises(VerificationFailed) as caught:
        verify_folder(written.path, written, progress=Counter())
    assert code in codes(caught.value.findings)


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    written = folder(tmp_path)
    with pytest.raises(MediumError):
        verify_folder(written.path + "x", written, progress=Counter())
