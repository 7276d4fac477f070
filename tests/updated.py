"""Small File-sets that tests update: made once, copied for each, and looked at without the code that updates them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from pydicom import dcmread

from mediacreator.creation import CreateRequest, create
from mediacreator.select import SelectionRequest
from mediacreator.updating import UpdateRequest, add
from mediacreator.updating import update as updates
from mediacreator.updating.applying import Change
from tests.filesets import NEXT, Node, opened
from tests.instances import write_ct

EPOCH = 1_780_000_000
Snapshot = dict[str, object]


def made(folder: Path, *sources: Path, profile: str = "STD-GEN-CD", **options: object) -> Path:
    """Make a medium in a folder, its receipt beside it."""
    request = CreateRequest(
        tuple(map(str, sources)),
        f"{folder}/",
        profile,
        selection=SelectionRequest(multi_patient=True),
        workers=1,
        **options,  # type: ignore[arg-type]
    )
    create(request)
    return folder


def study(folder: Path, numbers: Sequence[int] = (1, 2, 3), **attributes: object) -> Path:
    """Write some CT slices below a new folder."""
    folder.mkdir(parents=True)
    for number in numbers:
        write_ct(folder / f"ct{number}", number=number, **attributes)  # type: ignore[arg-type]
    return folder


def copied(medium: Path, target: Path) -> Path:
    """Copy a medium and the receipt beside it."""
    shutil.copytree(medium, target, symlinks=True)
    receipt = Path(f"{medium}.receipt.json")
    if receipt.exists():
        shutil.copy2(receipt, f"{target}.receipt.json")
    return target


def added(medium: Path, *sources: Path, **options: object) -> UpdateRequest:
    """Ask that sources be added, with one process."""
    options = {"epoch": EPOCH, "workers": 1, **options}
    return UpdateRequest(str(medium), tuple(map(str, sources)), **options)  # type: ignore[arg-type]


def snapshot(medium: Path) -> Snapshot:
    """Return everything on a medium and beside it, by path: content and mode of files, mode and date of folders."""
    found: Snapshot = {}
    for path in sorted((*medium.rglob("*"), medium, *medium.parent.glob(f"{medium.name}.*"))):
        status = path.lstat()
        name = str(path.relative_to(medium.parent))
        found[name] = (
            (status.st_mode, os.readlink(path) if path.is_symlink() else path.read_bytes())
            if (path.is_symlink() or path.is_file())
            else status.st_mode
        )
    return found


def held(medium: Path) -> tuple[object, ...]:
    """Return what a File-set holds as pydicom sees it: its records in order, and the hash of each file they name.

    Raises:
        AssertionError: A file that a record names is not there.
    """
    file_set = opened(medium)
    nodes = file_set.nodes()
    hashes = []
    for node in nodes:
        if node.file_id:
            path = medium / node.file_id
            assert path.is_file(), f"{node.file_id} is lost"
            hashes.append(hashlib.sha256(path.read_bytes()).hexdigest())
    return file_set.file_set_id, file_set.file_set_uid, tuple(map(record, nodes)), tuple(hashes)


def record(node: Node) -> str:
    """Return a record without its offsets, as text."""
    kept = [element for element in node.record if element.tag not in (NEXT, 0x00041420)]
    return "\n".join(map(str, kept))


def instances(medium: Path) -> set[str]:
    """Return the SOP Instance UIDs that a DICOMDIR names."""
    records = dcmread(medium / "DICOMDIR").DirectoryRecordSequence
    return {str(one.ReferencedSOPInstanceUIDInFile) for one in records if "ReferencedFileID" in one}


def change_of(run: Callable[[], object]) -> Change:
    """Return what an update would do, without doing it."""
    caught: list[Change] = []

    class Caught(Exception):
        pass

    def catch(change: Change, _: object) -> None:
        caught.append(change)
        raise Caught

    with pytest.MonkeyPatch.context() as patched, suppress(Caught):
        patched.setattr(updates, "apply", catch)
        run()
    (change,) = caught
    return change


def adding(medium: Path, *sources: Path) -> Change:
    """Return the change that adds sources to a medium."""
    return change_of(lambda: add(added(medium, *sources)))


CALLS = ("open", "write", "writev", "replace", "rename", "unlink", "rmdir", "mkdir", "fsync", "utime", "fchmod")
"""What an update asks of a file system; each may fail."""


class Fault:
    """Lets the n-th call that an update makes of the file system fail, or every one from there on."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        step: int,
        fault: BaseException | None = None,
        *,
        lasting: bool = False,
        calls: Sequence[str] = CALLS,
    ) -> None:
        """Watch from now on.

        Args:
            monkeypatch: Ends it.
            step: Of the call, from 1.
            fault: What is raised; None: the process ends at once, as when it is killed.
            lasting: Every later call fails as well.
            calls: Names in ``os``.
        """
        self.calls = 0
        self._step, self._fault, self._lasting = step, fault, lasting
        for name in calls:
            monkeypatch.setattr(os, name, self._watched(getattr(os, name)))

    def _watched(self, call: Callable[..., object]) -> Callable[..., object]:
        def watched(*arguments: object, **options: object) -> object:
            self.calls += 1
            if self.calls == self._step or (self._lasting and self.calls > self._step):
                if self._fault is None:
                    os._exit(KILLED)
                raise self._fault
            return call(*arguments, **options)

        return watched


KILLED = 77
"""Exit code of a process that a ``Fault`` ends."""
