"""The journal of an update: forwards or backwards from every step, and never out of the folder."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from mediacreator.errors import MediumError
from mediacreator.updating.journal import JOURNAL, STAGE, Journal, recover, require_free, settle
from tests.updated import Fault, copied, snapshot

OLD, NEW = b"old DICOMDIR", b"new DICOMDIR"
PLAN = Journal(
    dicomdir="DICOMDIR",
    sha256=sha256(NEW).hexdigest(),
    added=("DICOM/PT000001/IM000000",),
    folders=("DICOM/PT000001",),
    staged=("README.TXT",),
    removed=("DICOM/PT000000/IM000001",),
    receipt="m.receipt.json",
    ready=True,
)


@pytest.fixture
def medium(tmp_path: Path) -> Path:
    """A folder that an update was about to swap the DICOMDIR of."""
    root = tmp_path / "m"
    for name, data in {
        "DICOMDIR": OLD,
        "README.TXT": b"old",
        "DICOM/PT000000/IM000000": b"stays",
        "DICOM/PT000000/IM000001": b"goes",
        "DICOM/PT000001/IM000000": b"comes",
        f"{STAGE}/DICOMDIR": NEW,
        f"{STAGE}/README.TXT": b"new",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "m.receipt.json").write_bytes(b"old receipt")
    (tmp_path / "m.receipt.json.partial").write_bytes(b"new receipt")
    PLAN.write(str(root))
    return root


BEFORE = {
    "DICOMDIR": OLD,
    "README.TXT": b"old",
    "DICOM/PT000000/IM000000": b"stays",
    "DICOM/PT000000/IM000001": b"goes",
}
AFTER = {
    "DICOMDIR": NEW,
    "README.TXT": b"new",
    "DICOM/PT000000/IM000000": b"stays",
    "DICOM/PT000001/IM000000": b"comes",
}


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def swap(root: Path) -> None:
    os.replace(root / STAGE / "DICOMDIR", root / "DICOMDIR")


def journal(root: Path, **fields: object) -> None:
    """Put a journal on a medium that says something else."""
    document = {"format": "mediacreator update 1", **asdict(PLAN), **fields}
    (root / JOURNAL).write_text(json.dumps(document))


def test_before_the_swap_everything_is_undone(medium: Path) -> None:
    found = recover(str(medium))
    assert found is not None
    assert found.code == "update-recovered"
    assert files(medium) == BEFORE
    assert not (medium / "DICOM" / "PT000001").exists()
    assert {path.name for path in medium.parent.iterdir()} == {"m", "m.receipt.json"}
    assert (medium.parent / "m.receipt.json").read_bytes() == b"old receipt"
    assert recover(str(medium)) is None


def test_after_the_swap_everything_is_completed(medium: Path) -> None:
    swap(medium)
    assert recover(str(medium)) is not None
    assert files(medium) == AFTER
    assert {path.name for path in medium.parent.iterdir()} == {"m", "m.receipt.json"}
    assert (medium.parent / "m.receipt.json").read_bytes() == b"new receipt"
    assert recover(str(medium)) is None


def test_what_was_not_read_back_is_undone_though_the_dicomdir_is_the_same(medium: Path) -> None:
    """A DICOMDIR that does not change says nothing of how far the update came: what is staged may be half written."""
    journal(medium, sha256=sha256(OLD).hexdigest(), ready=False)
    recover(str(medium))
    assert files(medium) == BEFORE


@pytest.mark.parametrize("after", [False, True])
def test_both_ways_may_be_cut_off_anywhere_and_taken_again(
    medium: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    if after:
        swap(medium)
    for step in count(1):
        root = copied(medium, medium.parent / str(step) / "m")
        with monkeypatch.context() as patched:
            fault = Fault(patched, step, MemoryError())  # which nobody catches
            with suppress(MemoryError):
                recover(str(root))
        recover(str(root))
        assert files(root) == (AFTER if after else BEFORE)
        assert not (root / STAGE).exists()
        if fault.calls < step:
            break
    assert step > 10


def test_nobody_stops_the_end_with_ctrl_c(medium: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swap(medium)
    original, pressed = os.replace, [1, 2, 3]

    def press(*arguments: str) -> None:
        if pressed:
            pressed.pop()
            raise KeyboardInterrupt
        original(*arguments)

    monkeypatch.setattr(os, "replace", press)
    assert settle(PLAN, str(medium))
    assert files(medium) == AFTER


def test_a_stick_that_has_another_name_now_is_brought_into_order_without_its_receipt(medium: Path) -> None:
    swap(medium)
    moved = medium.rename(medium.with_name("n"))
    recover(str(moved))
    assert files(moved) == AFTER
    assert (moved.parent / "m.receipt.json").read_bytes() == b"old receipt"


def test_a_journal_that_was_not_finished_is_removed(tmp_path: Path) -> None:
    (tmp_path / f"{JOURNAL}_").write_bytes(b"{")
    assert recover(str(tmp_path)) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["added", "folders", "staged", "removed", "dicomdir"])
@pytest.mark.parametrize(
    "path", ["../victim", "DICOM/../../victim", "/victim", "DICOM//x", ".", "", "a\0b", "\ud800", 5]
)
def test_a_path_that_leads_elsewhere_is_refused(medium: Path, name: str, path: object) -> None:
    victim = medium.parent / "victim"
    victim.write_bytes(b"mine")
    journal(medium, **{name: path if name == "dicomdir" else [path]})
    before = snapshot(medium)
    with pytest.raises(MediumError, match="none that this program wrote"):
        recover(str(medium))
    assert snapshot(medium) == before
    assert victim.read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["staged", "dicomdir"])
def test_what_is_replaced_lies_in_the_root(medium: Path, name: str) -> None:
    journal(medium, **{name: "DICOM/x" if name == "dicomdir" else ["DICOM/x"]})
    with pytest.raises(MediumError, match="none that this program wrote"):
        recover(str(medium))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", '{"format": "mediacreator update 1"}', '{"format": 1}', "[" * 100_000, "\xff"]
)
def test_what_is_no_journal_of_ours_is_refused(medium: Path, text: str) -> None:
    (medium / JOURNAL).write_text(text, encoding="latin-1")
    before = snapshot(medium)
    with pytest.raises(MediumError, match="none that this program wrote"):
        recover(str(medium))
    assert snapshot(medium) == before


@pytest.mark.parametrize("after", [False, True])
def test_no_link_is_followed_out_of_the_folder(medium: Path, after: bool) -> None:
    """A hostile stick: links where the journal leads to, whose targets must stay as they are."""
    victim = medium.parent / "victim"
    (victim / "empty").mkdir(parents=True)
    (victim / "README.TXT").write_bytes(b"mine")
    (victim / "IM000000").write_bytes(b"mine")
    if after:
        swap(medium)
    for name in (STAGE, "DICOM/PT000001"):
        path = medium / name
        for inside in path.iterdir():
            inside.unlink()
        path.rmdir()
        path.symlink_to(victim)
    journal(medium, folders=["DICOM/PT000001/empty"], removed=["DICOM/PT000001/IM000000"])
    recover(str(medium))
    assert {path.name for path in victim.iterdir()} == {"empty", "README.TXT", "IM000000"}
    assert (victim / "README.TXT").read_bytes() == (victim / "IM000000").read_bytes() == b"mine"
    assert (medium / "README.TXT").read_bytes() == b"old"
    assert not (medium / STAGE).is_symlink()
    assert recover(str(medium)) is None


def test_a_journal_that_is_a_link_is_refused(medium: Path) -> None:
    (medium / JOURNAL).rename(medium.parent / "elsewhere")
    (medium / JOURNAL).symlink_to(medium.parent / "elsewhere")
    with pytest.raises(MediumError, match="none that this program wrote"):
        recover(str(medium))


def test_a_name_that_is_needed_and_taken_stops_an_update(tmp_path: Path) -> None:
    (tmp_path / STAGE).mkdir()
    (tmp_path / STAGE / "MINE").write_bytes(b"mine")
    with pytest.raises(MediumError, match="has a name that the update needs"):
        require_free(str(tmp_path), ())
    (tmp_path / STAGE).rename(tmp_path / "DICOM")
    with pytest.raises(MediumError, match="has a name that the update needs"):
        require_free(str(tmp_path), ("DICOM/MINE",))


def test_a_folder_that_is_a_file_or_leads_elsewhere_stops_an_update(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "FILE").write_bytes(b"")
    (root / "LINK").symlink_to(tmp_path)
    (root / "INSIDE").symlink_to(root)
    for folder in ("FILE", "LINK"):
        with pytest.raises(MediumError, match="no folder, or a link"):
            require_free(str(root), (f"{folder}/IM000000",))
    require_free(str(root), ("INSIDE/IM000000", "NEW/IM000000"))
