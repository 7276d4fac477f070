"""Programs that share no code with ours read our UDF images: udfinfo, 7z, libudfread, isoinfo, xorriso, file.

And our reader reads what genisoimage and mkudffs write.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.formats import UdfTree, open_tree, recognise
from mediacreator.formats.udf_volume import NotUDF, is_udf
from mediacreator.image import BRIDGE, udf_size, write_udf
from mediacreator.model import Container
from tests.discs import CREATED, Counter, disc, trees, write_tree
from tests.oracles import needs, run
from tests.udf import REVISIONS

TREE = {
    "DICOMDIR": b"d" * 70_000,
    "DICOM/PT000000/ST000000/SE000000/IM000001": b"1" * 2048,
    "DICOM/PT000000/ST000000/SE000000/IM000000": b"0" * 2047,
    "DICOM/PT000000/ST000001/SE000000/IM000000": b"2" * 2049,
    "README.TXT": b"readme",
    "IHE_PDI/INDEX.HTM": b"<html/>",
    "EMPTY": b"",
} | {f"MANY/IM{number:06}": b"%d" % number for number in range(300)}
KINDS = (*REVISIONS, BRIDGE)
LOWEST = {
    "1.02": "1.02",
    "1.50": "1.50",
    "2.00": "2.00",
    "2.01": "2.01",
    "2.50": "2.50",
    "2.60": "2.50",
    BRIDGE: "1.02",
}
"""Lowest revision that a reader must know, which udfinfo calls udfrev (UDF 2.2.6)."""


def image(folder: Path, tree: Mapping[str, bytes], kind: str, volume_id: str = "FILESET_1") -> str:
    path = str(folder / f"{kind}.iso")
    files = disc(dict(tree))
    made = write_udf(path, revision=kind, volume_id=volume_id, files=files, created=CREATED, progress=Counter())
    assert made.size == udf_size(files, revision=kind) == Path(path).stat().st_size
    return path


def extracted(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fnv(data: bytes) -> str:
    found = 14695981039346656037
    for byte in data:
        found = (found ^ byte) * 1099511628211 & 0xFFFFFFFFFFFFFFFF
    return f"{found:016x}"


@needs("udfinfo")
@pytest.mark.parametrize("kind", KINDS)
def test_udfinfo_sees_a_closed_volume_of_its_revision(tmp_path: Path, kind: str) -> None:
    told = run("udfinfo", image(tmp_path, TREE, kind))
    facts = dict(re.findall(r"^(\w+)=(.*)$", told, re.MULTILINE))
    revision = "1.02" if kind == BRIDGE else kind
    assert {facts[name] for name in ("label", "lvid", "vid", "fsid")} == {"FILESET_1"}
    assert (facts["udfwriterev"], facts["udfrev"]) == (revision, LOWEST[kind])
    assert (facts["integrity"], facts["accesstype"]) == ("closed", "readonly")
    assert (facts["numfiles"], facts["numdirs"]) == (str(len(TREE)), "9")
    assert (facts["blocksize"], facts["freeblocks"], facts["behindblocks"]) == ("2048", "0", "0")
    kinds = re.findall(r", type=(\w+)", told)
    assert kinds == ["VRS", "MVDS", "LVID", "ANCHOR", "PSPACE", "RVDS", "ANCHOR"]
    assert not re.search("warning|error", told, re.IGNORECASE)


@needs("7z")
@pytest.mark.parametrize("kind", KINDS)
def test_7z_tests_and_extracts_what_was_written(tmp_path: Path, kind: str) -> None:
    path = image(tmp_path, TREE, kind)
    told = run("7z", "t", path)
    assert "Everything is Ok" in told
    assert "Warnings" not in told
    assert "Type = Udf" in told
    run("7z", "x", "-y", f"-o{tmp_path / 'out'}", path)
    assert extracted(tmp_path / "out") == TREE


@needs("7z")
def test_7z_sees_dates_and_the_metadata_partition(tmp_path: Path) -> None:
    told = run("7z", "l", "-slt", image(tmp_path, TREE, "2.60"), timeout=60)
    assert "PartitionTypeId: *UDF Metadata Partition::2.60" in told
    dates = set(re.findall(r"^(?:Modified|Created|Accessed) = (\S+ \S+)$", told, re.MULTILINE))
    assert {date[:19] for date in dates} == {CREATED.astimezone().strftime("%Y-%m-%d %H:%M:%S")}


@pytest.fixture(scope="session")
def udfread(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the lister over libudfread, the reader of Blu-ray players."""
    program = tmp_path_factory.mktemp("udfread") / "udfread"
    run("gcc", "-O2", "-o", program, Path(__file__).with_name("udfread.c"), "-ludfread")
    return program


def needs_udfread(function: Callable[..., None]) -> Any:
    missing = not Path("/usr/include/udfread/udfread.h").exists()
    skip = pytest.mark.skipif(missing and not os.environ.get("CI"), reason="not installed: libudfread-dev")
    return needs("gcc")(skip(function))


@needs_udfread
@pytest.mark.parametrize("kind", KINDS)
def test_libudfread_reads_every_byte(tmp_path: Path, udfread: Path, kind: str) -> None:
    lines = run(udfread, image(tmp_path, TREE, kind)).splitlines()
    assert lines[0] == "volume FILESET_1"
    assert {tuple(line.split(" ")) for line in lines[1:]} == {
        (name, str(len(data)), fnv(data)) for name, data in TREE.items()
    }


@needs("isoinfo", "xorriso")
def test_bridge_is_iso_9660_level_1_too(tmp_path: Path) -> None:
    """PS3.12 P.2.2, F.1.2.1."""
    path = image(tmp_path, TREE, BRIDGE)
    described = run("isoinfo", "-d", "-i", path)
    assert "Volume id: FILESET_1\n" in described
    assert "NO Joliet present" in described
    names = set(run("isoinfo", "-f", "-i", path).split())
    assert {name for name in names if ";" in name} == {f"/{name};1" if "." in name else f"/{name}.;1" for name in TREE}
    table = re.findall(r"^ *(\d+): *(\d+) +[0-9a-f]+ (\S*)", run("isoinfo", "-p", "-i", path), re.MULTILINE)
    assert len(table) == 9
    told = run("xorriso", "-no_rc", "-osirrox", "on", "-indev", path, "-extract", "/", tmp_path / "out")
    assert "Volume id    : 'FILESET_1'" in told
    assert not re.search(r"SORRY|FAILURE|FATAL|WARNING", told)
    assert extracted(tmp_path / "out") == TREE


@needs("file")
def test_file_knows_a_bridge(tmp_path: Path) -> None:
    """Its magic knows UDF only where ISO 9660 is, whatever the writer: mkudffs' images are data too."""
    assert "UDF filesystem data" in run("file", "-b", image(tmp_path, TREE, BRIDGE))


@needs("7z")
@settings(max_examples=10, deadline=None)
@given(trees(), st.sampled_from(KINDS))
def test_random_trees_are_read_by_two_readers(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes], kind: str
) -> None:
    """Any level 1 names, sizes 0 and around sectors, in any order; ``image`` compares the size with that on disk."""
    folder = tmp_path_factory.mktemp("random")
    path = image(folder, tree, kind)
    with UdfTree(path) as read:
        assert {file.name: read.open(file.path).read() for file in read.files()} == tree
        assert read.findings == ()
    run("7z", "x", "-y", f"-o{folder / '7z'}", path)
    assert extracted(folder / "7z") == tree


@needs("genisoimage")
def test_images_of_genisoimage_are_read(tmp_path: Path) -> None:
    """A bridge with Joliet: ISO 9660 is chosen, and UDF says the same."""
    write_tree(tmp_path / "in", TREE)
    path = str(tmp_path / "other.iso")
    run("genisoimage", "-udf", "-iso-level", "1", "-J", "-V", "OTHER", "-o", path, tmp_path / "in")
    assert recognise(path) is Container.ISO
    with UdfTree(path) as tree:
        assert tree.label == "OTHER"
        assert tree.findings == ()
        assert {file.name: tree.open(file.path).read() for file in tree.files()} == TREE


@needs("genisoimage")
def test_udf_is_chosen_where_iso_9660_has_only_a_note(tmp_path: Path) -> None:
    write_tree(tmp_path / "in", TREE)
    path = str(tmp_path / "other.iso")
    hidden = ["-hide", "DICOM", "-hide", "MANY", "-hide", "DICOMDIR"]
    run("genisoimage", "-udf", "-iso-level", "1", *hidden, "-o", path, tmp_path / "in")
    assert recognise(path) is Container.UDF
    with open_tree(path) as tree:
        assert {file.name for file in tree.files()} == set(TREE)


@needs("mkudffs")
@pytest.mark.parametrize("block", [512, 2048, 4096])
@pytest.mark.parametrize("revision", ["1.02", "1.50", "2.00", "2.01"])
def test_volumes_of_mkudffs_are_read(tmp_path: Path, revision: str, block: int) -> None:
    """Empty ones, in the block sizes of sticks, discs and large drives."""
    path = tmp_path / "empty.udf"
    subprocess.run(["truncate", "-s", "8M", str(path)], check=True)
    run("mkudffs", "-b", block, "-r", revision, "--label=EMPTY", path)
    assert recognise(str(path)) is Container.UDF
    with UdfTree(str(path)) as tree, path.open("rb") as stream:
        assert is_udf(stream.fileno())
        assert (tree.label, tree.volume.block_size) == ("EMPTY", block)
        assert (list(tree.files()), tree.findings) == ([], ())


@needs("mkudffs")
@pytest.mark.parametrize("revision", ["1.50", "2.00", "2.01"])
def test_virtual_partition_of_mkudffs_is_read(tmp_path: Path, revision: str) -> None:
    """A disc written packet by packet ends with its Virtual Allocation Table (UDF 2.2.11): the image is cut there."""
    path = tmp_path / "virtual.udf"
    subprocess.run(["truncate", "-s", "8M", str(path)], check=True)
    run("mkudffs", "--media-type=cdr", "-r", revision, "-b", "2048", "--label=VIRTUAL", path)
    data = path.read_bytes().rstrip(b"\0")
    path.write_bytes(data.ljust(-(-len(data) // 2048) * 2048, b"\0"))
    with UdfTree(str(path)) as tree:
        assert tree.label == "VIRTUAL"
        assert list(tree.files()) == []
        assert tree.findings == ()
    path.write_bytes(path.read_bytes()[:-2048])
    with pytest.raises(NotUDF):
        UdfTree(str(path))
