"""fsck.fat, mtools, 7z, file and sfdisk, sharing no code with ours, read our FAT images; our reader reads theirs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from mediacreator.formats import FatTree, open_tree
from mediacreator.image import write_fat
from tests.discs import CREATED, Counter, copied, source_of, trees, write_tree
from tests.oracles import needs, run
from tests.sticks import KINDS, SMALL_32, copied_out, drive, fsck, stick

TREE = {
    "DICOMDIR": b"d" * 70_000,
    "DICOM/PT000000/ST000000/SE000000/IM000001": b"1" * 2048,
    "DICOM/PT000000/ST000000/SE000000/IM000000": b"0" * 2047,
    "DICOM/PT000000/ST000001/SE000000/IM000000": b"2" * 2049,
    "README.TXT": b"readme",
    "IHE_PDI/INDEX.HTM": b"<html/>",
    "EMPTY": b"",
    "A/B/C/D/E/F/G/H": b"eight levels",
} | {f"MANY/IM{number:06}": b"%d" % number for number in range(600)}
CAPACITIES = {"as small as it can be": 0, "a whole medium": 700 << 20}


@needs("fsck.fat")
@pytest.mark.parametrize("capacity", CAPACITIES)
@pytest.mark.parametrize("kind", KINDS)
def test_fsck_finds_nothing(tmp_path: Path, kind: str, capacity: str) -> None:
    image = stick(tmp_path, TREE, kind, "FILESET_1", CAPACITIES[capacity])
    told = fsck(image, kind, tmp_path)
    directories = {tuple(name.split("/")[:depth]) for name in TREE for depth in range(1, name.count("/") + 1)}
    assert f"volume: {len(TREE) + len(directories) + 1} files, " in told  # and the root
    assert f"{KINDS[kind].clusters[0].width if not CAPACITIES[capacity] else _width(kind)} bit entries" in told
    last = "Checking free cluster summary." if "32 bit" in told else "Checking for unused clusters."
    assert told.splitlines()[-2] == last  # what it finds it says behind this


def _width(kind: str) -> int:
    """Return the width of the FAT of a medium of 700 MiB."""
    return 16 if kind.startswith("fat16") else 32


@needs("mdir", "mcopy")
@pytest.mark.parametrize("kind", KINDS)
def test_mtools_list_and_copy_what_was_written(tmp_path: Path, kind: str) -> None:
    image = stick(tmp_path, TREE, kind, "FILESET_1")
    listing = run("mdir", "-i", drive(image, kind), "::/")
    assert "Volume in drive : is FILESET_1" in listing
    assert re.search(r"README +TXT +6 2026-03-04 +5:06", listing)
    assert re.search(r"DICOMDIR +70000 2026-03-04 +5:06", listing)
    assert copied_out(drive(image, kind), tmp_path / "out") == TREE


@needs("7z")
@pytest.mark.parametrize("kind", KINDS)
def test_7z_tests_and_extracts_what_was_written(tmp_path: Path, kind: str) -> None:
    """Partitioned images too: it looks into the first partition."""
    image = stick(tmp_path, TREE, kind, "FILESET_1")
    told = run("7z", "t", image.path)
    assert "Everything is Ok" in told
    assert "Warnings" not in told
    run("7z", "x", "-y", f"-o{tmp_path / 'out'}", image.path)
    out = tmp_path / "out"
    assert {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()} == TREE


@needs("sfdisk")
@pytest.mark.parametrize(
    ("kind", "capacity", "partition"),
    [("fat_stick", 0, "4"), ("fat_stick", 300 << 20, "6"), ("fat_stick", 8 << 30, "c"), ("fat16_card", 1 << 30, "6")],
)
def test_sfdisk_reads_the_partition_table(tmp_path: Path, kind: str, capacity: int, partition: str) -> None:
    image = stick(tmp_path, TREE, kind, capacity=capacity)
    table = json.loads(run("sfdisk", "-J", image.path))["partitiontable"]
    assert (table["label"], table["unit"], table["sectorsize"]) == ("dos", "sectors", 512)
    (only,) = table["partitions"]
    assert (only["start"], only["size"], only["type"]) == (2048, image.size // 512 - 2048, partition)
    assert "bootable" not in only
    assert run("sfdisk", "--verify", image.path).strip().endswith("No errors detected.")


@needs("file")
def test_file_names_the_kinds(tmp_path: Path) -> None:
    stick_said = run("file", "-b", stick(tmp_path, TREE).path)
    assert "DOS/MBR boot sector; partition 1 : ID=0x4" in stick_said
    disk_said = run("file", "-b", stick(tmp_path, TREE, "fat16_mod_90", "FILESET_1").path)
    for part in (
        'OEM-ID "MSDOS4.0"',
        "Bytes/sector 2048",
        "sectors/cluster 8",
        "Media descriptor 0xf8",
        "sectors/track 25",
        'label: "FILESET_1  "',
        "FAT (16 bit)",
    ):
        assert part in disk_said


@needs("fsck.fat", "mcopy")
@pytest.mark.parametrize("kind", ["fat_stick", SMALL_32])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees())
def test_random_trees_come_out_of_two_readers(
    tmp_path_factory: pytest.TempPathFactory, kind: str, tree: dict[str, bytes]
) -> None:
    """What goes in comes out, the computed size is that on disk, and fsck.fat has nothing to say."""
    folder = tmp_path_factory.mktemp("random")
    image = stick(folder, tree, kind)
    assert os.path.getsize(image.path) == image.size
    fsck(image, kind, folder)
    with FatTree(image.path) as read:
        assert {file.name: read.open(file.path).read() for file in read.files()} == tree
    if tree:
        assert copied_out(drive(image, kind), folder / "out") == tree
    Path(image.path).unlink()
    (folder / "volume").unlink()


@needs("mkfs.vfat", "mcopy", "mdel")
@pytest.mark.parametrize(("width", "size"), [(12, "2M"), (16, "20M"), (32, "40M")])
def test_volumes_of_dosfstools_and_mtools_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, size: str
) -> None:
    """With long names, lower case, deleted files, and files in the gaps that these left."""
    tree = {
        "DICOMDIR": b"d" * 70_000,
        "lower.txt": b"lower",
        "A long name with ümläüts and 中文.dcm": b"long" * 1000,
        "sub folder/Another Long Name.dat": b"x" * 5000,
        "DICOM/IM000001": b"1" * 2049,
    }
    gaps = {f"GAP{number:05}": b"g" * 3000 for number in range(200)}
    write_tree(tmp_path / "gaps", gaps)
    write_tree(tmp_path / "in", tree)
    image = tmp_path / "other.img"
    run("truncate", "-s", size, image)
    run("mkfs.vfat", "-F", width, "-s", 1, "-n", "OTHER", image)
    run("mcopy", "-i", image, *sorted((tmp_path / "gaps").iterdir()), "::/")
    run("mdel", "-i", image, *(f"::/GAP{number:05}" for number in range(0, 200, 2)))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    run("mcopy", "-s", "-i", image, *sorted((tmp_path / "in").iterdir()), "::/")
    kept = {name: data for number, (name, data) in enumerate(gaps.items()) if number % 2}
    with open_tree(str(image)) as read:
        assert isinstance(read, FatTree)
        assert (read.volume.width, read.label) == (width, "OTHER")
        assert read.findings == ()
        assert {file.name: read.open(file.path).read() for file in read.files()} == tree | kept
        dicomdir = read.find(("DICOMDIR",))
        assert dicomdir is not None
        assert len(dicomdir.extents) > 10 or width == 32  # there mtools go on behind the last file


@needs("mkfs.vfat", "mcopy", "sfdisk")
def test_a_stick_made_by_others_is_read(tmp_path: Path) -> None:
    """Partitioned by sfdisk, the partition at another sector."""
    image, volume = tmp_path / "other.img", tmp_path / "volume"
    write_tree(tmp_path / "in", {"DICOMDIR": b"d" * 7000, "DICOM/IM1": b"1"})
    run("truncate", "-s", "34M", volume)
    run("mkfs.vfat", "-F", 32, "-s", 1, "-h", 63, volume)
    run("mcopy", "-s", "-i", volume, *sorted((tmp_path / "in").iterdir()), "::/")
    image.write_bytes(bytes(63 * 512) + volume.read_bytes())
    (tmp_path / "table").write_text(f"label: dos\nstart=63, size={volume.stat().st_size // 512}, type=c\n")
    run("bash", "-c", f"sfdisk -q {image} < {tmp_path / 'table'}")
    with open_tree(str(image)) as read:
        assert {file.name: file.size for file in read.files()} == {"DICOMDIR": 7000, "DICOM/IM1": 1}
        assert read.findings == ()


@pytest.mark.slow
@needs("fsck.fat", "mcopy")
@pytest.mark.parametrize("size", [(1 << 32) - 4096, (1 << 32) - 1])
def test_the_largest_files_of_fat32(tmp_path: Path, size: int) -> None:
    """Sparse at their source; copied out by mtools, and compared by hash.

    fsck.fat 4.2 counts the bytes of the clusters of the very largest in 32 bits and finds 0 (dosfstools issue 208).
    """
    source = tmp_path / "large"
    with source.open("wb") as out:
        out.truncate(size)
        out.seek(size - 4)
        out.write(b"end!")
    image = write_fat(
        str(tmp_path / "x.img"),
        kind=KINDS["fat_stick"],
        volume_id="L",
        files=[copied(("LARGE",), source_of(source))],
        created=CREATED,
        progress=Counter(),
    )
    if size <= (1 << 32) - 4096:
        assert "volume: 2 files, " in fsck(image, "fat_stick", tmp_path)
        (tmp_path / "volume").unlink()
    run("mcopy", "-i", drive(image, "fat_stick"), "::/LARGE", tmp_path / "out", timeout=300)
    assert run("sha256sum", tmp_path / "out", timeout=300).split()[0] == image.files[0].sha256
    for path in tmp_path.iterdir():
        path.unlink()
