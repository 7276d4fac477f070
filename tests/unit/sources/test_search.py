"""Every file of the sources is found once, in a stable order, and nothing that others left there hangs the search."""

from __future__ import annotations

import os
import socket
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.errors import SourceUnreadable
from mediacreator.model import Container, Outcome, Severity, SourceFile
from mediacreator.sources import Limits, MediumRoot, Sources, find_sources
from mediacreator.sources.reading import SCATTERED, read_chunks
from tests.discs import SECTOR, codes, directory, image, raw_image, record, trees, write_tree
from tests.udf import udf_image


def find(*paths: Path, limits: Limits | None = None) -> Sources:
    return find_sources([str(path) for path in paths], limits=limits)


def names(sources: Sources, root: Path) -> list[str]:
    return [file.display_path.removeprefix(f"{root}/") for file in sources.files]


def content(file: SourceFile) -> bytes:
    return b"".join(read_chunks(file, 0, file.size))


def reasons(sources: Sources) -> list[str]:
    return codes([other.finding for other in sources.others])


@settings(max_examples=40, deadline=None)
@given(trees(), st.randoms(use_true_random=False))
def test_all_containers_give_the_same_files(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes], random: object
) -> None:
    root = tmp_path_factory.mktemp("sources")
    write_tree(root / "folder", tree)
    (root / "folder").mkdir(exist_ok=True)
    with zipfile.ZipFile(root / "a.zip", "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in tree.items():
            out.writestr(name, data)
    iso = Path(image(root, tree).path)
    udf = [udf_image(root, tree, revision) for revision in ("1.50", "2.60")]
    for path in (root / "folder", root / "a.zip", iso, *udf):
        found = find(path)
        assert found.others == ()
        assert [file.number for file in found.files] == list(range(1, len(tree) + 1))
        prefix = len(str(path)) + 1
        assert {file.display_path[prefix:]: content(file) for file in found.files} == tree


def test_order_is_stable_and_numbers_are_shared(tmp_path: Path) -> None:
    write_tree(tmp_path, {"b/x": b"1", "a": b"2", "c": b"3", "b/a/y": b"4", "a2/z": b"5"})
    (tmp_path / "bb").symlink_to("nowhere")
    found = find(tmp_path)
    assert names(found, tmp_path) == ["a", "c", "a2/z", "b/x", "b/a/y"]
    assert [file.number for file in found.files] == [1, 3, 4, 5, 6]
    assert [other.source.number for other in found.others] == [2]
    assert found == find(tmp_path)


def test_file_reached_twice_counts_once(tmp_path: Path) -> None:
    """Overlapping arguments, hard links, links to files and folders."""
    write_tree(tmp_path, {"a/f": b"1", "a/b/g": b"2"})
    os.link(tmp_path / "a" / "f", tmp_path / "a" / "hard")
    (tmp_path / "a" / "soft").symlink_to("b/g")
    (tmp_path / "a" / "again").symlink_to("b")
    found = find(tmp_path / "a" / "b" / "g", tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "f")
    assert names(found, tmp_path) == ["a/b/g", "a/f"]
    assert found.others == ()
    assert sorted(codes(found.findings)) == ["file-again"] * 4 + ["folder-again"] * 2


def test_files_that_share_an_inode_number_by_mistake_are_both_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File systems over a network do that; a file left out would be an image missing."""
    write_tree(tmp_path, {"a": b"1", "b": b"22"})
    real = os.stat

    def stat(path: str) -> os.stat_result:
        found = real(path)
        return os.stat_result((found.st_mode, 7, 7, 1, 0, 0, found.st_size, 0, 0, 0))

    monkeypatch.setattr(os, "stat", stat)
    assert names(find(tmp_path / "a", tmp_path / "b"), tmp_path) == ["a", "b"]


def test_loops_of_links_end(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/b/f": b"1"})
    (tmp_path / "a" / "b" / "up").symlink_to("..")
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
    (tmp_path / "a" / "ring1").symlink_to("ring2")
    (tmp_path / "a" / "ring2").symlink_to("ring1")
    found = find(tmp_path)
    assert names(found, tmp_path) == ["a/b/f"]
    assert codes(found.findings) == ["folder-again"]
    assert reasons(found) == ["unreadable-file"] * 3


def test_links_are_followed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"store/x": b"1", "store/d/y": b"2"})
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "x").symlink_to("../store/x")
    (tmp_path / "given" / "d").symlink_to("../store/d")
    assert names(find(tmp_path / "given"), tmp_path) == ["given/x", "given/d/y"]


def test_what_is_no_file_is_told_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "sock"))
        found = find(tmp_path, tmp_path / "pipe", Path("/dev/null"))
    assert [other.outcome for other in found.others] == [Outcome.NOT_DICOM] * 4
    assert set(reasons(found)) == {"not-a-file"}


def test_folder_that_cannot_be_listed_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path, {"shut/a": b"", "open/b": b""})
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = find(tmp_path)
    assert names(found, tmp_path) == ["open/b"]
    (other,) = found.others
    assert (other.finding.code, other.outcome) == ("unreadable-folder", Outcome.REJECTED)
    assert "shut" not in str(other.finding)


def test_folders_too_deep_are_rejected(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/b/c/d/f": b"1", "a/g": b"2"})
    found = find(tmp_path, limits=Limits(depth=2))
    assert names(found, tmp_path) == ["a/g"]
    assert reasons(found) == ["unreadable-folder"]


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"{number}/f": b"" for number in range(9)})
    with pytest.raises(SourceUnreadable):
        find(tmp_path, limits=Limits(files=5))


def test_missing_path_is_refused_without_naming_it(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="argument 2") as caught:
        find(tmp_path, tmp_path / "MUELLER_HANS")
    assert "MUELLER" not in str(caught.value)


def test_nothing_given_is_nothing_found(tmp_path: Path) -> None:
    assert find() == find(tmp_path) == Sources(())


def test_media_are_noted(tmp_path: Path) -> None:
    write_tree(tmp_path, {"cd/DICOMDIR": b"d", "cd/IM/A": b"1", "usb/dicomdir.": b"d", "x/DICOMDIRS": b""})
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as out:
        out.writestr("disc1/DICOMDIR", b"d")
    iso = Path(image(tmp_path, {"DICOMDIR": b"d"}).path)
    assert set(find(tmp_path).trees) == {
        MediumRoot(str(tmp_path / "cd"), Container.FILE),
        MediumRoot(str(tmp_path / "usb"), Container.FILE),
        MediumRoot(str(tmp_path / "m.zip"), Container.ZIP, ("disc1",)),
        MediumRoot(str(iso), Container.ISO),
    }


def test_archives_are_recognised_by_content(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "IM000001", "w") as out:
        out.writestr("a", b"1")
    (tmp_path / "text.zip").write_bytes(b"hello")
    assert names(find(tmp_path / "IM000001"), tmp_path) == ["IM000001!a"]
    assert names(find(tmp_path / "text.zip"), tmp_path) == ["text.zip"]
    assert names(find(tmp_path), tmp_path) == ["IM000001", "text.zip"]


def test_damaged_archives_are_rejected(tmp_path: Path) -> None:
    good = tmp_path / "x.zip"
    with zipfile.ZipFile(good, "w") as out:
        out.writestr("a", b"1" * 1000)
    (tmp_path / "short.zip").write_bytes(good.read_bytes()[:500])
    good.unlink()
    (tmp_path / "bad.iso").write_bytes(raw_image({}))
    found = find(tmp_path)
    assert found.files == ()
    assert reasons(found) == ["archive-refused"] * 2


def test_members_that_cannot_be_read_are_rejected(tmp_path: Path) -> None:
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w") as out:
        out.writestr("a", b"1")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as out:
        out.write(inner, "inner.zip")
        out.writestr("only_named.zip", b"no archive")
        out.writestr("locked", b"1")
        out.filelist[-1].flag_bits |= 1
        out.writestr("dir/", b"")
    inner.unlink()
    found = find(tmp_path)
    assert names(found, tmp_path) == ["outer.zip!only_named.zip"]
    assert reasons(found) == ["nested-archive", "encrypted-member"]
    assert {other.outcome for other in found.others} == {Outcome.REJECTED}


def test_bomb_among_the_sources_is_rejected(tmp_path: Path) -> None:
    write_tree(tmp_path, {"good": b"1"})
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as out:
        for number in range(3):
            out.writestr(f"zeros{number}", bytes(1 << 20))
    for limits in (Limits(members=2), Limits(unpacked=2 << 20)):
        found = find(tmp_path, limits=limits)
        assert names(found, tmp_path) == ["good"]
        assert reasons(found) == ["archive-refused"]
    assert len(find(tmp_path).files) == 4


def test_declared_size_is_never_exceeded(tmp_path: Path) -> None:
    """A member that unpacks to more than its header says is damage, not memory."""
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a", bytes(1 << 20))
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", 1 << 20), struct.pack("<I", 100)))
    (file,) = find(path).files
    with pytest.raises(SourceUnreadable, match="source 1"):
        content(file)


def test_losses_of_an_image_are_rejected_each(tmp_path: Path) -> None:
    records = (record(b"BAD.;1", 39, SECTOR + 1), record(b"GOOD.;1", 30, 4), record(b"LOOP", 20, SECTOR, 2))
    (tmp_path / "x.iso").write_bytes(raw_image({20: directory(20, 20, *records), 30: b"good"}))
    found = find(tmp_path)
    assert [(file.member, content(file)) for file in found.files] == [("GOOD", b"good")]
    assert reasons(found) == ["iso-directory-loop", "iso-extent-refused"]
    assert [other.source.member for other in found.others] == ["", "BAD"]


def test_each_file_behind_the_end_of_an_image_is_rejected_and_the_cut_itself_is_told(tmp_path: Path) -> None:
    """However many they are: the findings about one image are limited, what is lost is not."""
    tree = {f"D{number // 50:03}/F{number:04}": b"x" for number in range(150)}
    whole = Path(image(tmp_path, {**tree, "Z": b"z"}).path)
    os.truncate(whole, whole.stat().st_size - 131 * SECTOR)
    found = find(whole)
    assert len(found.files) == 20
    assert reasons(found) == ["iso-extent-refused"] * 131
    assert {other.source.member for other in found.others} | {file.member for file in found.files} == {*tree, "Z"}
    assert [(finding.code, finding.severity) for finding in found.findings] == [("iso-truncated", Severity.WARNING)]


def test_an_image_that_lacks_only_its_padding_loses_nothing(tmp_path: Path) -> None:
    """Drives that copy a disc often leave out the last sectors, which nobody recorded anything in."""
    data = bytearray(raw_image({20: directory(20, 20, record(b"A.;1", 30, 1)), 30: b"a"}))
    (tmp_path / "x.iso").write_bytes(data[: -2 * SECTOR])
    found = find(tmp_path)
    assert [file.member for file in found.files] == ["A"]
    assert found.others == ()
    assert codes(found.findings) == ["iso-truncated"]


def test_file_of_scattered_extents_is_read(tmp_path: Path) -> None:
    near = (record(b"NEAR.;1", 30, SECTOR, 0x80), record(b"NEAR.;1", 31, 3))
    far = (record(b"FAR.;1", 34, SECTOR, 0x80), record(b"FAR.;1", 33, 3))
    sectors = {20: directory(20, 20, *far, *near), 30: b"n" * SECTOR, 31: b"end", 34: b"f" * SECTOR, 33: b"END"}
    (tmp_path / "x.iso").write_bytes(raw_image(sectors))
    found = find(tmp_path / "x.iso")
    assert [file.offset for file in found.files] == [SCATTERED, 30 * SECTOR]
    assert [content(file) for file in found.files] == [b"f" * SECTOR + b"END", b"n" * SECTOR + b"end"]


def test_findings_never_name_a_path(tmp_path: Path) -> None:
    root = tmp_path / "MUELLER^HANS"
    write_tree(root, {"ok": b"1"})
    (root / "gone").symlink_to("MUELLER")
    os.link(root / "ok", root / "ok2")
    (root / "x.zip").write_bytes(b"PK\x03\x04broken")
    found = find(root)
    told = [str(finding) for finding in found.findings] + [str(other.finding) for other in found.others]
    assert len(told) == 3
    assert not any("MUELLER" in text or str(tmp_path) in text for text in told)
