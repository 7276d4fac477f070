"""Folders and ZIP archives as trees of files, and what a path is."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from mediacreator.errors import SourceUnreadable
from mediacreator.formats import FolderTree, open_tree, recognise
from mediacreator.formats.zip_reader import ZipLimits, ZipTree
from mediacreator.model import Container
from tests.discs import codes, image, write_tree


def test_folder_lists_files_before_folders_by_name(tmp_path: Path) -> None:
    write_tree(tmp_path, {"B/X": b"1", "A": b"22", "C": b"", "B/A/Y": b"3"})
    with open_tree(str(tmp_path)) as tree:
        assert [(file.name, file.size) for file in tree.files()] == [("A", 2), ("C", 0), ("B/X", 1), ("B/A/Y", 1)]
        assert tree.label is None
        assert tree.open(("b", "x.;1")).read() == b"1"


def test_folder_finds_names_as_drivers_show_them(tmp_path: Path) -> None:
    write_tree(tmp_path, {"dicomdir.": b"1", "im1;1": b"2"})
    with FolderTree(str(tmp_path)) as tree:
        assert tree.open(("DICOMDIR",)).read() == b"1"
        assert tree.open(("IM1",)).read() == b"2"


def test_folder_follows_no_link_out_and_no_loop(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"x")
    root = tmp_path / "medium"
    write_tree(root, {"A/F": b"1"})
    (root / "A" / "UP").symlink_to("..")
    (root / "OUT").symlink_to(secret)
    (root / "ALSO").symlink_to(tmp_path)
    (root / "IN").symlink_to("A/F")
    (root / "GONE").symlink_to("nothing")
    os.mkfifo(root / "PIPE")
    with FolderTree(str(root)) as tree:
        assert [file.name for file in tree.files()] == ["IN", "A/F"]
        assert sorted(codes(tree.findings)) == [
            "folder-loop",
            "link-out-of-medium",
            "link-out-of-medium",
            "not-a-file",
            "unreadable-file",
        ]


@pytest.mark.parametrize("asked", [("..", "secret"), ("", "secret"), ("A", "..", "..", "secret"), ("/etc/passwd",)])
def test_no_path_leads_out_of_a_folder(tmp_path: Path, asked: tuple[str, ...]) -> None:
    (tmp_path / "secret").write_bytes(b"x")
    write_tree(tmp_path / "medium", {"A/F": b"1"})
    with FolderTree(str(tmp_path / "medium")) as tree, pytest.raises(SourceUnreadable):
        tree.open(asked)


def test_media_are_recognised_by_content(tmp_path: Path) -> None:
    iso = image(tmp_path, {"A": b"1"}).path
    disguised = tmp_path / "IM000001"
    os.rename(iso, disguised)
    archive = tmp_path / "x.dcm"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("A", b"1")
    dicom = tmp_path / "polyglot"
    dicom.write_bytes(b"PK\x03\x04".ljust(128, b"\0") + b"DICM" + bytes(40000))
    assert recognise(str(disguised)) is Container.ISO
    assert recognise(str(archive)) is Container.ZIP
    assert recognise(str(dicom)) is Container.FILE
    for path in (disguised, archive):
        with open_tree(str(path)) as tree:
            assert tree.open(("A",)).read() == b"1"


def test_what_is_no_medium_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"hello")
    os.mkfifo(tmp_path / "pipe")
    for name in ("text", "pipe", "missing"):
        with pytest.raises(SourceUnreadable):
            open_tree(str(tmp_path / name))


def test_wrapper_folder_of_an_archive_and_image(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        out.writestr("disc1/DICOMDIR", b"d")
        out.writestr("disc1/IM/A", b"a")
        out.writestr("disc2/DICOMDIR", b"e")
    made = image(tmp_path, {"DISC1/DICOMDIR": b"d", "DISC1/IM/A": b"a", "OTHER": b""})
    for path, within in ((str(tmp_path / "x.zip"), ("disc1",)), (made.path, ("DISC1",))):
        with open_tree(path, within) as tree:
            assert sorted(file.name for file in tree.files()) == ["DICOMDIR", "IM/A"]
            found = tree.find(("im", "a"))
            assert found is not None
            assert found.path == ("IM", "A")
            assert tree.open(("DICOMDIR",)).read() == b"d"


def test_zip_bombs_are_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "bomb.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for number in range(4):
            out.writestr(f"F{number}", bytes(1 << 20))
    ZipTree(path).close()
    for limits in (ZipLimits(members=3), ZipLimits(size=(4 << 20) - 1)):
        with pytest.raises(SourceUnreadable, match="refused"):
            ZipTree(path, limits)


def test_a_member_without_a_date_is_read(tmp_path: Path) -> None:
    """Month 0 of year 1980, as some programs leave it."""
    path = tmp_path / "undated.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("A", b"1")
    data = bytearray(path.read_bytes())
    for header, place in ((b"PK\x03\x04", 12), (b"PK\x01\x02", 14)):
        at = data.index(header) + place
        data[at : at + 2] = b"\0\0"
    path.write_bytes(data)
    with ZipTree(str(path)) as tree:
        assert [(file.name, file.mtime_ns) for file in tree.files()] == [("A", 0)]
        assert tree.open(("A",)).read() == b"1"


def test_zip_with_overlapping_members_is_refused(tmp_path: Path) -> None:
    """Many central directory entries that share one compressed body: the densest bombs are made so."""
    path = tmp_path / "overlap.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("A", b"x" * 100)
        out.writestr("B", b"y" * 100)
        out.filelist[1].header_offset = 0
    with pytest.raises(SourceUnreadable, match="overlap"):
        ZipTree(str(path))


def test_zip_names_are_only_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "slip.zip", "w") as out:
        out.writestr("../../evil", b"1")
        out.writestr("/etc/evil", b"2")
    with ZipTree(str(tmp_path / "slip.zip")) as tree:
        assert [file.path for file in tree.files()] == [("..", "..", "evil"), ("etc", "evil")]
        assert tree.open(("..", "..", "evil")).read() == b"1"


def test_zip_members_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("GOOD", b"1")
        link = zipfile.ZipInfo("LINK")
        link.external_attr = 0o120777 << 16
        out.writestr(link, b"/etc/passwd")
        out.writestr(zipfile.ZipInfo("LZMA"), b"1", zipfile.ZIP_LZMA)
        out.writestr("SECRET", b"1")
        out.filelist[-1].flag_bits |= 1
    with ZipTree(str(path)) as tree:
        assert [file.name for file in tree.files()] == ["GOOD"]
        assert codes(tree.findings) == ["link-in-archive", "unsupported-compression", "encrypted-member"]
