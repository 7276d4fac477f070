"""Images of which is known where everything lies: every byte at its place, holes elsewhere, gone when it fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings

from mediacreator.errors import InternalError, MediaTooSmall, NoSpace, VerificationFailed
from mediacreator.formats import FatTree
from mediacreator.formats.placing import PlacedImage, Placement
from mediacreator.image import DiscFile, fat_size, write_fat
from mediacreator.image import copying as copying_module
from mediacreator.image.placed import write_placed
from mediacreator.model import WrittenFile
from mediacreator.verify import FAT, verify_image
from tests.discs import CREATED, Counter, codes, copied, disc, sha256, source_of, trees
from tests.sticks import KINDS, stick

TREE = {"DICOMDIR": b"d" * 5000, "DICOM/A": b"a" * 2048, "DICOM/EMPTY": b"", "README.TXT": b"r" * 10, "B": b"b" * 9000}


def written(path: Path, placement: Placement, *files: DiscFile, workers: int = 1) -> bytes:
    write_placed(str(path), placement, files, progress=Counter(), workers=workers)
    return path.read_bytes()


def test_everything_lies_where_the_layout_says(tmp_path: Path) -> None:
    """With gaps between files, and a segment among them."""
    placement = Placement(2000, ((0, b"head"), (700, b"between"), (1990, b"tail")), (100, 200, 800, 900, 900), 100)
    files = disc({"A": b"a" * 30, "B": b"b" * 100, "C": b"c" * 99, "EMPTY": b"", "D": b"d" * 101})
    expected = bytearray(2000)
    for offset, data in (*placement.segments, *zip(placement.offsets, (f.head for f in files), strict=True)):
        expected[offset : offset + len(data)] = data
    assert written(tmp_path / "x", placement, *files) == expected
    assert written(tmp_path / "y", Placement(10, ((2, b"xy"),), (), 1)) == b"\0\0xy" + bytes(6)


def test_a_layout_that_cannot_be_is_our_fault(tmp_path: Path) -> None:
    files = disc({"A": b"a" * 30, "B": b"b" * 10})
    for size, offsets in ((200, (100, 120)), (200, (100, 50)), (65, (0, 60))):
        with pytest.raises(InternalError):
            written(tmp_path / "x", Placement(size, (), offsets, 10), *files)
    assert list(tmp_path.iterdir()) == []


def test_the_late_file_is_written_last_and_at_its_place(tmp_path: Path) -> None:
    def late(others: tuple[WrittenFile, ...]) -> bytes:
        return others[-1].sha256.encode()

    files = (*disc({"A": b"1", "B": b"2"}), DiscFile.of_late(("R",), 64, CREATED, late))
    data = written(tmp_path / "x", Placement(1000, (), (0, 512, 900), 512 // 4), *files)
    assert data[900:964] == sha256(b"2").encode()
    alone = DiscFile.of_late(("R",), 1, CREATED, lambda others: b"%d" % len(others))
    assert written(tmp_path / "y", Placement(10, (), (5,), 1), alone) == bytes(5) + b"0" + bytes(4)


def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying_module, "BUFFER", 65536)
    monkeypatch.setattr("mediacreator.image.placed._SMALLEST_PART", 100_000)
    files, images = [], []
    for number in range(40):
        path = tmp_path / f"s{number}"
        path.write_bytes(os.urandom(number * 1111))
        files.append(copied((f"F{number}",), source_of(path, number + 1)))
    for workers in (1, 3):
        path = tmp_path / f"{workers}.img"
        made = write_fat(
            str(path),
            kind=KINDS["fat_stick"],
            volume_id="W",
            files=files,
            created=CREATED,
            progress=Counter(),
            workers=workers,
        )
        images.append((path.read_bytes(), replace(made, path="")))
    assert images[0] == images[1]


@settings(max_examples=40, deadline=None)
@given(trees())
def test_what_goes_in_comes_out(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes]) -> None:
    """Any names of 8 and 3 characters, sizes 0 and around clusters, in any order; the size is exact."""
    folder = tmp_path_factory.getbasetemp()
    image = stick(folder, tree, volume_id="RANDOM_FILE_SET")
    assert fat_size(disc(tree), kind=KINDS["fat_stick"]) == image.size == os.path.getsize(image.path)
    with FatTree(image.path) as read:
        assert {file.name: read.open(file.path).read() for file in read.files()} == tree
        assert read.findings == ()
        assert read.label == "RANDOM_FILE"
        starts = {file.name: file.extents[0].offset for file in read.files() if file.size}
    order = [starts[name] for name, data in tree.items() if data]
    assert order == sorted(order)
    assert verify_image(image.path, image, FAT, volume_id="RANDOM_FILE_SET", progress=Counter()).sha256


def test_a_stick_of_its_whole_capacity_takes_no_more_room_than_its_files(tmp_path: Path) -> None:
    image = stick(tmp_path, TREE, capacity=16 * 10**9)
    assert os.path.getsize(image.path) == image.size == 16 * 10**9 // 512 * 512
    assert os.stat(image.path).st_blocks * 512 < 1 << 20
    with FatTree(image.path) as read:
        assert {file.name: read.open(file.path).read() for file in read.files()} == TREE
        assert read.volume.width == 32


def test_capacity_to_the_sector(tmp_path: Path) -> None:
    """So many files that the smallest FAT16 does not hold them; then one sector less."""
    tree = {f"F{number}": bytes([number]) * 2_000_000 for number in range(9)}
    size = fat_size(disc(tree), kind=KINDS["fat_stick"])
    image = stick(tmp_path, tree, capacity=size)
    assert image.size == size
    (tmp_path / "test.img").unlink()
    with pytest.raises(MediaTooSmall, match=rf"needs {size:,} bytes.*holds {size - 512:,}"):
        fat_size(disc(tree), kind=KINDS["fat16_card"], capacity=size - 512)
    with pytest.raises(MediaTooSmall):
        stick(tmp_path, tree, kind="fat16_card", capacity=size - 512)
    assert list(tmp_path.iterdir()) == []


def test_room_is_needed_for_what_is_written_and_not_for_what_is_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=20, f_frsize=4096))
    assert stick(tmp_path, {"A": b"1" * 60_000}).size > 8 << 20
    with pytest.raises(NoSpace, match="81920"):
        stick(tmp_path, {"A": b"1" * 82_000})


def failure(image: PlacedImage, volume_id: str = "TEST") -> list[str]:
    with pytest.raises(VerificationFailed) as caught:
        verify_image(image.path, image, FAT, volume_id=volume_id, progress=Counter())
    return codes(caught.value.findings)


@pytest.mark.parametrize(
    ("place", "code"),
    [
        (lambda image, raw: raw.index(b"a" * 2048) + 7, "verify-hash"),
        (lambda image, raw: 446, "verify-descriptors"),  # the partition is active
        (lambda image, raw: image.segments[1][0] + 39, "verify-descriptors"),  # the serial of the volume
        (lambda image, raw: image.segments[3][0] + 2, "verify-descriptors"),  # the second FAT
        (lambda image, raw: raw.index(b"README  TXT"), "verify-missing"),
        (lambda image, raw: raw.index(b"TEST       \x08"), "verify-volume-identifier"),
    ],
)
def test_a_flipped_byte_is_found(tmp_path: Path, place: Callable[[PlacedImage, bytes], int], code: str) -> None:
    image = stick(tmp_path, TREE)
    raw = bytearray(Path(image.path).read_bytes())
    raw[place(image, bytes(raw))] ^= 0x80
    Path(image.path).write_bytes(raw)
    assert code in failure(image)


def test_a_truncated_stick_and_another_label_are_found(tmp_path: Path) -> None:
    image = stick(tmp_path, TREE)
    assert failure(image, "OTHER") == ["verify-volume-identifier"]
    os.truncate(image.path, image.size - 512)
    assert set(failure(image)) == {"verify-image-size", "fat-truncated"}
    Path(image.path).write_bytes(bytes(100))
    assert failure(image) == ["verify-no-volume"]
