"""Whatever fails, at whichever call of the file system: the File-set is as before or as after, and never neither."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from mediacreator.errors import MediaCreatorError, MediumError, NoSpace, SourceChanged, VerificationFailed
from mediacreator.image import DiscFile
from mediacreator.model import Silent
from mediacreator.select import Excluded
from mediacreator.updating import UpdateRequest, rebuild, remove
from mediacreator.updating import applying as applying_module
from mediacreator.updating.applying import STAGED, Change, apply, locked
from mediacreator.updating.journal import JOURNAL, STAGE, Journal, recover
from tests.updated import KILLED, Fault, adding, change_of, copied, held, made, snapshot, study

Plan = Callable[[Path], Change]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no disk: what is written is looked at by the same machine, which has it in memory."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study(tmp_path_factory.mktemp("source") / "new", (11, 12))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    return made(folder / "m", study(folder / "first", (1, 2)), study(folder / "second", (3,), series=2))


@pytest.fixture(params=["add", "remove", "rebuild"])
def plan(request: pytest.FixtureRequest, source: Path) -> Plan:
    """What is done to a medium: files that come, files that go, a DICOMDIR that does not change."""

    def planned(medium: Path) -> Change:
        if request.param == "add":
            return adding(medium, source)
        update = UpdateRequest(str(medium), workers=1, epoch=1_780_000_000)
        if request.param == "rebuild":
            return change_of(lambda: rebuild(update))
        return change_of(lambda: remove(update, Excluded(series=frozenset(("2.25.79.1.2",)))))

    return planned


def places(original: Path, folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield 1, 2, 3 ... and a copy of the medium for each."""
    for step in count(1):
        (folder / str(step)).mkdir()
        yield step, copied(original, folder / str(step) / "m")


def moved(change: Change, medium: Path) -> Change:
    """Return a change of another copy of a medium."""
    return replace(change, root=str(medium), receipt=f"{medium}.receipt.json")


def after(original: Path, folder: Path, plan: Plan) -> tuple[Change, tuple[object, ...]]:
    """Return a change, and what a medium holds when it is carried out."""
    change = plan(original)
    whole = copied(original, folder / "whole")
    apply(moved(change, whole), Silent())
    return change, held(whole)


def is_tidy(medium: Path) -> bool:
    beside = {path.name for path in medium.parent.iterdir()}
    return not (medium / JOURNAL).exists() and not (medium / STAGE).exists() and beside == {"m", "m.receipt.json"}


def test_the_plans_do_what_they_are_for(original: Path, tmp_path: Path, plan: Plan) -> None:
    before = held(original)
    change, done = after(original, tmp_path, plan)
    assert change.replaced == ("README.TXT", "INDEX.HTM", "RECEIPT.JSN")
    assert (done == before) == (not change.added and not change.removed)


def test_killed_at_any_call_it_is_as_before_or_as_after(
    original: Path, tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, (change, done) = held(original), after(original, tmp_path, plan)
    untouched = snapshot(original)
    outcomes = []
    for step, medium in places(original, tmp_path):
        pid = os.fork()
        if not pid:
            with monkeypatch.context() as patched, suppress(BaseException):
                Fault(patched, step)
                apply(moved(change, medium), Silent())
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        now = held(medium)
        assert now in (before, done), step
        outcomes.append(now == done)
        recover(str(medium))
        assert held(medium) == now, step
        assert is_tidy(medium), step
        assert now == done or snapshot(medium) == untouched, step
        if os.waitstatus_to_exitcode(status) != KILLED:
            break
    assert outcomes == sorted(outcomes), "once it is done it stays done"
    assert len(outcomes) > 30


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_call_that_fails_once_leaves_it_as_before_or_as_after(
    original: Path, tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    """What one call refuses is undone at once: nothing is left, and what is said is true."""
    before, (change, done) = held(original), after(original, tmp_path, plan)
    untouched = snapshot(original)
    said: Exception | KeyboardInterrupt | None
    for step, medium in places(original, tmp_path):
        with monkeypatch.context() as patched:
            broken = Fault(patched, step, fault)
            try:
                apply(moved(change, medium), Silent())
                said = None
            except (MediaCreatorError, KeyboardInterrupt) as exc:
                said = exc
        now = held(medium)
        assert now in (before, done), step
        if said is None:
            assert now == done, step
        elif is_tidy(medium):
            assert snapshot(medium) == untouched, step
        else:
            assert isinstance(said, MediumError), step
            assert "comes back to it" in str(said), step
            recover(str(medium))
            assert held(medium) == now, step
            assert is_tidy(medium), step
        if broken.calls < step:
            break
    assert step > 30


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_medium_that_takes_nothing_from_a_call_on(
    original: Path, tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A full disk lets files go, a stick whose switch is moved does not: the next update brings it into order."""
    before, (change, done) = held(original), after(original, tmp_path, plan)
    untouched = snapshot(original)
    writing = ("write", "writev", "mkdir", "replace") if code == errno.ENOSPC else ()
    for step, medium in places(original, tmp_path):
        with monkeypatch.context() as patched:
            calls = writing or ("write", "mkdir", "replace", "unlink", "rmdir", "utime", "fchmod")
            broken = Fault(patched, step, OSError(code, os.strerror(code)), lasting=True, calls=calls)
            with suppress(MediumError):
                apply(moved(change, medium), Silent())
        now = held(medium)
        assert now in (before, done), step
        recover(str(medium))
        assert held(medium) == now, step
        assert is_tidy(medium), step
        assert now == done or snapshot(medium) == untouched, step
        if broken.calls < step:
            break
    assert step > 5


def test_what_must_survive_a_power_cut_is_on_the_disk_before_what_relies_on_it(
    original: Path, tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files and folders are waited for before the swap, and the swap before anything is removed."""
    medium = copied(original, tmp_path / "m")
    change = moved(adding(original, source), medium)
    change = replace(change, removed=("DICOM/PT000000/ST000000/SE000001/IM000000",))
    told: list[tuple[str, str]] = []
    originals = {name: getattr(os, name) for name in ("fsync", "replace", "unlink")}

    def fsync(handle: int) -> None:
        told.append(("fsync", os.readlink(f"/proc/self/fd/{handle}")))
        originals["fsync"](handle)

    def replaced(one: str, other: str) -> None:
        told.append(("replace", str(other)))
        originals["replace"](one, other)

    def unlink(path: str, **options: object) -> None:
        told.append(("unlink", str(path)))
        originals["unlink"](path, **options)

    for name, call in (("fsync", fsync), ("replace", replaced), ("unlink", unlink)):
        monkeypatch.setattr(os, name, call)
    apply(change, Silent())
    monkeypatch.undo()

    moment = told.index(("replace", str(medium / "DICOMDIR")))
    due = {str(medium), str(medium / STAGE), str(medium / STAGE / STAGED), f"{medium}.receipt.json.partial"}
    for file in change.added:
        due |= {str(medium.joinpath(*file.path[:depth])) for depth in range(1, len(file.path) + 1)}
    assert {name for what, name in told[:moment] if what == "fsync"} >= due
    assert told[moment - 1] == ("fsync", str(medium)), "the journal says ready before the swap"
    assert told[moment + 1] == ("fsync", str(medium)), "the swap is on the disk before anything goes"
    last = [what for what in told if what[1] in (str(medium), str(medium / JOURNAL))]
    assert last[-3:] == [("fsync", str(medium)), ("unlink", str(medium / JOURNAL)), ("fsync", str(medium))]


def test_a_source_that_changes_leaves_everything_as_it_was(original: Path, tmp_path: Path) -> None:
    medium, source = copied(original, tmp_path / "m"), study(tmp_path / "source", (11,))
    change = adding(medium, source)
    untouched = snapshot(medium)
    with (source / "ct11").open("ab") as file:
        file.write(b"more")
    with pytest.raises(SourceChanged):
        apply(change, Silent())
    assert snapshot(medium) == untouched


def test_what_does_not_read_back_is_taken_away_again(
    original: Path, tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    medium = copied(original, tmp_path / "m")
    change, untouched = adding(medium, source), snapshot(medium)
    monkeypatch.setattr(applying_module, "_hash", lambda path: "" if path.endswith("IM000001") else None)
    with pytest.raises(VerificationFailed) as caught:
        apply(change, Silent())
    assert "update-differs" in {finding.code for finding in caught.value.findings}
    assert snapshot(medium) == untouched


def test_a_file_that_lies_where_a_new_one_goes_is_left(original: Path, tmp_path: Path, source: Path) -> None:
    medium = copied(original, tmp_path / "m")
    change = adding(medium, source)
    place = medium.joinpath(*change.added[0].path)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"mine")
    untouched = snapshot(medium)
    with pytest.raises(MediumError, match="has a name that the update needs"):
        apply(change, Silent())
    assert snapshot(medium) == untouched


def test_what_the_dicomdir_names_is_never_removed(original: Path, tmp_path: Path, source: Path) -> None:
    """A stick that was pulled out in the middle, and then updated elsewhere by a program that took the same names."""
    medium = copied(original, tmp_path / "m")
    change = adding(medium, source)
    apply(change, Silent())
    whole = held(medium)
    added = tuple("/".join(file.path) for file in change.added)
    Journal("DICOMDIR", "", added, (), (), (), "").write(str(medium))
    recover(str(medium))
    assert held(medium) == whole


def test_a_full_medium(original: Path, tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known beforehand where the file system says so, and nothing is begun."""
    medium = copied(original, tmp_path / "m")
    big = replace(adding(medium, source), added=(DiscFile(("DICOM", "BIG"), 1 << 60, adding(medium, source).created),))
    untouched = snapshot(medium)
    with pytest.raises(NoSpace):
        apply(big, Silent())
    assert snapshot(medium) == untouched


def test_folders_that_are_there_keep_their_modes(original: Path, tmp_path: Path, source: Path) -> None:
    """Whoever closed a folder to others has patients in it."""
    medium = copied(original, tmp_path / "m")
    (medium / "DICOM").chmod(0o750)
    medium.chmod(0o700)
    old = (medium / "DICOM" / "PT000000").stat()
    previous = os.umask(0o077)
    try:
        apply(adding(medium, source), Silent())
    finally:
        os.umask(previous)
    assert medium.stat().st_mode & 0o777 == 0o700
    assert (medium / "DICOM").stat().st_mode & 0o777 == 0o750
    assert (medium / "DICOM" / "PT000000").stat().st_mtime_ns == old.st_mtime_ns
    for name in ("DICOMDIR", "README.TXT", "DICOM/PT000001/ST000000/SE000000/IM000000"):
        assert (medium / name).stat().st_mode & 0o777 == 0o644, name
    assert Path(f"{medium}.receipt.json").stat().st_mode & 0o777 == 0o600


def test_two_updates_at_once(original: Path, tmp_path: Path, source: Path) -> None:
    medium = copied(original, tmp_path / "m")
    with locked(str(medium)), pytest.raises(MediumError, match="Another run is updating"):
        adding(medium, source)


def test_a_share_that_cannot_lock_is_updated(
    original: Path, tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(handle: int, how: int) -> None:
        raise OSError(errno.EBADF, "no locks here")

    monkeypatch.setattr(fcntl, "flock", flock)
    medium = copied(original, tmp_path / "m")
    apply(adding(medium, source), Silent())
    assert held(medium) != held(original)
