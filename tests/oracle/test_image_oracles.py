"""Programs that share no code with ours read our images: isoinfo, xorriso, 7z; and our reader reads theirs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings

from mediacreator.formats import open_tree
from mediacreator.formats.iso9660_reader import IsoTree
from mediacreator.image import write_iso
from mediacreator.verify import verify_iso
from tests.discs import CREATED, Counter, disc, image, trees, write_tree
from tests.oracles import needs, run

TREE = {
    "DICOMDIR": b"d" * 70_000,
    "DICOM/PT000000/ST000000/SE000000/IM000001": b"1" * 2048,
    "DICOM/PT000000/ST000000/SE000000/IM000000": b"0" * 2047,
    "DICOM/PT000000/ST000001/SE000000/IM000000": b"2" * 2049,
    "README.TXT": b"readme",
    "IHE_PDI/INDEX.HTM": b"<html/>",
    "EMPTY": b"",
} | {f"MANY/IM{number:06}": b"%d" % number for number in range(300)}


def extracted(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@needs("isoinfo")
def test_isoinfo_sees_the_file_set_we_laid_out(tmp_path: Path) -> None:
    """PS3.12 F.1.1, F.1.2.1, F.1.3, F.2.2, read back by a program that shares no code."""
    path = image(tmp_path, TREE, "FILESET_1").path
    described = run("isoinfo", "-d", "-i", path)
    assert "Volume id: FILESET_1\n" in described
    assert re.search(r"^System id: ?$", described, re.MULTILINE)
    assert re.search(r"^Application id: MEDIACREATOR$", described, re.MULTILINE)
    assert "NO Joliet present" in described
    assert "NO Rock Ridge present" in described
    names = set(run("isoinfo", "-f", "-i", path).split())
    files = {f"/{name};1" if "." in name else f"/{name}.;1" for name in TREE}
    assert {name for name in names if ";" in name} == files
    assert {name for name in names if ";" not in name} == {"/DICOM", "/IHE_PDI", "/MANY"} | {
        "/DICOM/PT000000" + below
        for below in ("", "/ST000000", "/ST000001", "/ST000000/SE000000", "/ST000001/SE000000")
    }


@needs("isoinfo")
def test_isoinfo_lists_sizes_dates_and_ascending_extents(tmp_path: Path) -> None:
    path = image(tmp_path, TREE).path
    listing = run("isoinfo", "-l", "-i", path)
    assert "Mar  4 2026" in listing
    lines = re.findall(r"^-\S+ +\d+ +\d+ +\d+ +(\d+) (\w+ +\d+ \d+) \[ *(\d+) 00\] +(\S+)", listing, re.MULTILINE)
    assert len(lines) == len(TREE)
    sizes = {name: int(size) for size, _, _, name in lines}
    assert sizes["DICOMDIR.;1"] == 70_000
    assert {date for _, date, _, _ in lines} == {"Mar  4 2026"}
    starts = {name: int(start) for _, _, start, name in lines}
    assert starts["DICOMDIR.;1"] < starts["IM000001.;1"] < starts["README.TXT;1"] < starts["INDEX.HTM;1"]


@needs("isoinfo")
def test_isoinfo_extracts_by_exact_name(tmp_path: Path) -> None:
    path = image(tmp_path, TREE).path
    for name in ("DICOMDIR", "README.TXT", "DICOM/PT000000/ST000001/SE000000/IM000000"):
        recorded = f"/{name};1" if "." in name else f"/{name}.;1"
        done = subprocess.run(["isoinfo", "-i", path, "-x", recorded], capture_output=True, check=True)
        assert done.stdout == TREE[name]


@needs("xorriso")
def test_xorriso_extracts_what_was_written(tmp_path: Path) -> None:
    path = image(tmp_path, TREE, "FILESET_1").path
    out = tmp_path / "out"
    told = run("xorriso", "-no_rc", "-osirrox", "on", "-indev", path, "-extract", "/", out)
    assert "Volume id    : 'FILESET_1'" in told
    assert not re.search(r"SORRY|FAILURE|FATAL|WARNING", told)
    assert extracted(out) == TREE


@needs("7z")
def test_7z_tests_and_extracts_what_was_written(tmp_path: Path) -> None:
    path = image(tmp_path, TREE, "FILESET_1").path
    told = run("7z", "t", path)
    assert "Everything is Ok" in told
    assert "Warnings" not in told
    run("7z", "x", "-y", f"-o{tmp_path / 'out'}", path)
    assert extracted(tmp_path / "out") == TREE


@needs("xorriso", "7z")
@settings(max_examples=12, deadline=None)
@given(trees())
def test_random_trees_are_extracted_whole(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes]) -> None:
    """Any level 1 names, sizes 0 and around sectors, in any order."""
    folder = tmp_path_factory.mktemp("random")
    path = str(folder / "x.iso")
    write_iso(path, volume_id="RANDOM", files=disc(tree), created=CREATED, progress=Counter())
    run("xorriso", "-no_rc", "-osirrox", "on", "-indev", path, "-extract", "/", folder / "xorriso")
    assert extracted(folder / "xorriso") == tree
    run("7z", "x", "-y", f"-o{folder / '7z'}", path)
    assert extracted(folder / "7z") == tree


@needs("isoinfo")
def test_path_tables_lead_to_every_directory(tmp_path: Path) -> None:
    """Readers of old find directories by the path table only (ECMA-119 6.9); isoinfo prints it."""
    path = image(tmp_path, TREE).path
    table = re.findall(r"^ *(\d+): *(\d+) +([0-9a-f]+) (\S*)", run("isoinfo", "-p", "-i", path), re.MULTILINE)
    parents = {int(number): int(parent) for number, parent, _, _ in table}
    names = {int(number): name for number, _, _, name in table}
    assert len(table) == 9
    assert all(parent <= number for number, parent in parents.items())

    def whole(number: int) -> str:
        return "" if number == 1 else f"{whole(parents[number])}/{names[number]}"

    assert {whole(number) for number in parents} == {""} | {
        "/" + "/".join(name.split("/")[:depth]) for name in TREE for depth in range(1, name.count("/") + 1)
    }


@needs("xorriso")
def test_images_of_xorriso_are_read(tmp_path: Path) -> None:
    """With Joliet and Rock Ridge beside: the primary tree is read."""
    write_tree(tmp_path / "in", TREE)
    path = str(tmp_path / "other.iso")
    run("xorriso", "-as", "mkisofs", "-iso-level", "1", "-J", "-R", "-V", "OTHER", "-o", path, tmp_path / "in")
    with open_tree(path) as tree:
        assert tree.label == "OTHER"
        assert tree.findings == ()
        assert {file.name: tree.open(file.path).read() for file in tree.files()} == TREE


@pytest.mark.slow
@needs("xorriso")
def test_file_of_several_extents_of_xorriso_is_read(tmp_path: Path) -> None:
    """Above 4 GiB a file takes several extents; sparse, so that the test is quick to make."""
    big = tmp_path / "in" / "BIG"
    big.parent.mkdir()
    with big.open("wb") as out:
        out.truncate((4 << 30) + 5)
        out.seek((4 << 30) - 1)
        out.write(b"abcdef")
    path = str(tmp_path / "big.iso")
    run("xorriso", "-as", "mkisofs", "-iso-level", "3", "-o", path, tmp_path / "in", timeout=300)
    with open_tree(path) as tree:
        (file,) = tree.files()
        assert file.size == (4 << 30) + 5
        assert len(file.extents) == 2
        stream = tree.open(("BIG",))
        stream.seek((4 << 30) - 1)
        assert stream.read() == b"abcdef"
    Path(path).unlink()


@needs("xorriso")
def test_second_session_of_xorriso_is_read(tmp_path: Path) -> None:
    """Emulated as on media written once: the first descriptors stay as they are."""
    write_tree(tmp_path / "one", {"OLD": b"old" * 1000})
    write_tree(tmp_path / "two", {"NEW": b"new" * 1000})
    path = str(tmp_path / "multi.iso")
    run("xorriso", "-as", "mkisofs", "-iso-level", "1", "-V", "ONE", "-o", path, tmp_path / "one")
    first = Path(path).stat().st_size
    start = (-(-first // 2048) + 31) // 32 * 32
    second = tmp_path / "second.iso"
    with second.open("wb") as out:
        mkisofs = ["xorriso", "-as", "mkisofs", "-iso-level", "1", "-V", "TWO", "-C", f"0,{start}", "-M", path]
        subprocess.run([*mkisofs, str(tmp_path / "two")], stdout=out, stderr=subprocess.DEVNULL, check=True)
    with open(path, "r+b") as disc_file:
        disc_file.seek(start * 2048)
        disc_file.write(second.read_bytes())
    with IsoTree(path) as tree:
        assert tree.label == "TWO"
        assert {file.name: tree.open(file.path).read() for file in tree.files()} == {
            "OLD": b"old" * 1000,
            "NEW": b"new" * 1000,
        }
        assert [finding.code for finding in tree.findings] == ["iso-later-session"]


@needs("xorriso", "isoinfo")
def test_verify_agrees_with_what_xorriso_extracts(tmp_path: Path) -> None:
    written = image(tmp_path, TREE)
    verified = verify_iso(written.path, written, volume_id="TEST", progress=Counter())
    out = tmp_path / "out"
    run("xorriso", "-no_rc", "-osirrox", "on", "-indev", written.path, "-extract", "/", out)
    hashes = dict(line.split("  ")[::-1] for line in run("sha256sum", *(out / name for name in TREE)).splitlines())
    assert {"/".join(file.path): file.sha256 for file in verified.files} == {
        str(Path(path).relative_to(out)): digest for path, digest in hashes.items()
    }
    assert verified.sha256 == run("sha256sum", written.path).split()[0]
