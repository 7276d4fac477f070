"""The target: nothing half-made under its final name, nothing of others destroyed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mediacreator.errors import MediumError, NoSpace, TargetExists, UsageError
from mediacreator.target import Target


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_existing_target_is_refused_without_force(tmp_path: Path, slash: str) -> None:
    (tmp_path / "disc").write_text("mine")
    with pytest.raises(TargetExists, match="--force"):
        Target(f"{tmp_path}/disc{slash}", force=False)
    Target(f"{tmp_path}/disc{slash}", force=True)


def test_a_target_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Target(f"{tmp_path}/nowhere/disc.iso", force=False)


def test_publish_renames_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = Target(f"{tmp_path}/disc.iso", force=False)
    with target.claimed() as stale:
        assert not stale
        target.partial.write_bytes(b"image")
        assert not target.path.exists()
        target.publish()
    assert names(tmp_path) == {"disc.iso"}


def test_force_replaces_a_folder_and_the_receipt_of_before(tmp_path: Path) -> None:
    (tmp_path / "disc").mkdir()
    (tmp_path / "disc" / "DICOMDIR").write_text("old")
    (tmp_path / "disc.receipt.json").write_text("old")
    target = Target(f"{tmp_path}/disc/", force=True)
    with target.claimed():
        target.partial.mkdir()
        (target.partial / "new").write_text("new")
        target.publish()
    assert names(tmp_path) == {"disc"}
    assert names(tmp_path / "disc") == {"new"}


def test_force_replaces_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "disc").mkdir()
    Target(f"{tmp_path}/disc/", force=True)


def test_force_never_removes_a_folder_that_is_no_file_set(tmp_path: Path) -> None:
    """``-o ~/`` with --force would have removed all of it."""
    (tmp_path / "home" / "letters").mkdir(parents=True)
    with pytest.raises(TargetExists, match="no File-set"):
        Target(f"{tmp_path}/home/", force=True)


def test_force_never_makes_an_image_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "disc").mkdir()
    (tmp_path / "disc" / "DICOMDIR").write_text("old")
    for force in (True, False):
        with pytest.raises(TargetExists, match="slash"):
            Target(f"{tmp_path}/disc", force=force)


def test_force_never_replaces_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "drive")
    with pytest.raises(TargetExists, match="neither"):
        Target(f"{tmp_path}/drive", force=True)


@pytest.mark.parametrize("source", ["disc", "disc/DICOM", "disc/../disc", "link", "."])
def test_force_never_replaces_a_source(tmp_path: Path, source: str) -> None:
    """Neither a source itself, nor one that lies in the output, nor a folder that the output lies in."""
    (tmp_path / "disc" / "DICOM").mkdir(parents=True)
    (tmp_path / "disc" / "DICOMDIR").write_text("old")
    (tmp_path / "link").symlink_to("disc")
    with pytest.raises(TargetExists, match="source"):
        Target(f"{tmp_path}/disc/", force=True, sources=(f"{tmp_path}/{source}",))


def test_a_new_output_may_lie_among_the_sources(tmp_path: Path) -> None:
    Target(f"{tmp_path}/disc.iso", force=True, sources=(str(tmp_path),))
    (tmp_path / "disc-2.iso").write_text("a source")
    with pytest.raises(TargetExists, match="source"):
        Target(f"{tmp_path}/disc.iso", force=True, sources=(str(tmp_path),)).numbered(2, force=True)


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(MediumError, match="permission"):
        Target(f"{tmp_path}/disc.iso", force=False)


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC])
def test_errors_do_not_name_the_output(tmp_path: Path, number: int) -> None:
    with pytest.raises(MediumError) as caught, Target(f"{tmp_path}/mueller.iso", force=False).claimed():
        raise OSError(number, "Read-only file system")
    assert "mueller" not in str(caught.value)


@pytest.mark.parametrize("exc", [KeyboardInterrupt(), RuntimeError("bug")])
def test_whatever_happens_nothing_is_left(tmp_path: Path, exc: BaseException) -> None:
    target = Target(f"{tmp_path}/disc.iso", force=False)

    def interrupted() -> None:
        with target.claimed():
            target.partial.write_bytes(b"half")
            (target.spool / "0001").write_bytes(b"x")
            raise exc

    with pytest.raises(type(exc)):
        interrupted()
    assert names(tmp_path) == set()


def test_a_stale_partial_is_removed_and_said(tmp_path: Path) -> None:
    (tmp_path / "disc.iso.partial").write_bytes(b"half")
    with Target(f"{tmp_path}/disc.iso", force=False).claimed() as stale:
        assert stale
        assert not (tmp_path / "disc.iso.partial").exists()


def test_two_runs_do_not_write_the_same_target(tmp_path: Path) -> None:
    one, other = (Target(f"{tmp_path}/disc.iso", force=False) for _ in range(2))
    with one.claimed():
        one.partial.write_bytes(b"half")
        with pytest.raises(MediumError, match="Another run"), other.claimed():
            pass
        assert one.partial.exists()


def test_a_full_disk_is_said_in_plain_words(tmp_path: Path) -> None:
    target = Target(f"{tmp_path}/disc.iso", force=False)
    with pytest.raises(NoSpace, match="full"), target.claimed():
        raise OSError(errno.ENOSPC, "No space left on device")
    assert names(tmp_path) == set()


def test_numbered_targets_stand_side_by_side(tmp_path: Path) -> None:
    target = Target(f"{tmp_path}/disc.iso", force=False)
    assert target.numbered(2, force=False).path.name == "disc-2.iso"
