"""Archives and mails read back: what was not written as it should be is found (PS3.12 K, V, W)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mediacreator.errors import MediumError, VerificationFailed
from mediacreator.image import write_zip
from mediacreator.model import Finding, MediaImage, Severity
from mediacreator.verify import verify_archive
from tests.discs import Counter, codes, disc, sha256
from tests.unit.formats.test_mail import NOISE, TREE, mime, zip_mail


def archive(folder: Path, tree: dict[str, bytes]) -> MediaImage:
    return write_zip(str(folder / "x.zip"), files=disc(tree), progress=Counter())


Make = Callable[[Path, dict[str, bytes]], MediaImage]
each = pytest.mark.parametrize("make", [archive, mime, zip_mail])


def found(image: MediaImage) -> list[str]:
    with pytest.raises(VerificationFailed) as caught:
        verify_archive(image.path, image, progress=Counter())
    return codes(caught.value.findings)


@each
def test_what_was_written_is_read_back(tmp_path: Path, make: Make) -> None:
    image, progress = make(tmp_path, TREE), Counter()
    read = verify_archive(image.path, image, progress=progress)
    assert read == replace(image, sha256=sha256(Path(image.path).read_bytes()))
    assert (progress.count, progress.size) == (len(TREE), sum(map(len, TREE.values())))


@each
def test_a_byte_that_changed_is_found(tmp_path: Path, make: Make) -> None:
    image = make(tmp_path, TREE)
    data = bytearray(Path(image.path).read_bytes())
    place = data.index(NOISE[1000:1020]) if make is archive else len(data) // 4
    if make is not archive:  # a character of base64 stays one
        place = next(at for at in range(place, len(data)) if chr(data[at]).isalpha())
    data[place] = ord("A") if data[place] != ord("A") else ord("B")
    Path(image.path).write_bytes(data)
    assert set(found(image)) <= {"verify-hash", "verify-unreadable"}


@each
def test_a_file_that_lacks_or_is_too_many_is_found(tmp_path: Path, make: Make) -> None:
    image = make(tmp_path, TREE)
    (tmp_path / "less").mkdir()
    less = make(tmp_path / "less", {name: data for name, data in TREE.items() if name != "EMPTY"})
    assert set(found(replace(image, path=less.path))) == {"verify-missing", "verify-image-size"}
    assert set(found(replace(less, path=image.path))) == {"verify-extra", "verify-image-size"}


@each
def test_what_breaks_off_is_found(tmp_path: Path, make: Make) -> None:
    image = make(tmp_path, TREE)
    data = Path(image.path).read_bytes()
    Path(image.path).write_bytes(data[: len(data) * 2 // 3])
    assert found(image)


@each
def test_what_is_nothing_of_the_kind_is_found(tmp_path: Path, make: Make) -> None:
    image = make(tmp_path, TREE)
    Path(image.path).write_bytes(bytes(image.size))
    assert found(image) == ["verify-no-volume"]
    Path(image.path).unlink()
    with pytest.raises(MediumError):
        verify_archive(image.path, image, progress=Counter())


def test_two_files_of_one_name_are_found(tmp_path: Path) -> None:
    image = mime(tmp_path, {"A.TXT": b"1"})
    part = (
        b"--=_mediacreator\r\n" + Path(image.path).read_bytes().split(b"--=_mediacreator\r\n")[2].rpartition(b"--=")[0]
    )
    data = Path(image.path).read_bytes().replace(b"--=_mediacreator--", part + b"--=_mediacreator--")
    assert base64.b64encode(b"1") in part
    Path(image.path).write_bytes(data)
    assert set(found(image)) == {"verify-extra", "verify-image-size"}


def test_what_an_inspection_finds_counts(tmp_path: Path) -> None:
    image = archive(tmp_path, TREE)
    odd = Finding("directory-differs", Severity.ERROR, "DICOMDIR", "x", "y", "", "")
    with pytest.raises(VerificationFailed) as caught:
        verify_archive(
            image.path, image, inspect=lambda tree: [odd] if tree.find(("DICOMDIR",)) else [], progress=Counter()
        )
    assert caught.value.findings == (odd,)
