"""A File-set is written into a folder beside what lies there: whatever fails, nothing of that is touched."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from mediacreator import into_folder
from mediacreator.creation import CreateRequest
from mediacreator.errors import (
    MediaCreatorError,
    MediaTooSmall,
    MediumError,
    NoSpace,
    SourceUnreadable,
    TargetExists,
    UsageError,
    VerificationFailed,
)
from mediacreator.formats.mounted import Mounted, mounted
from mediacreator.image import DiscFile
from mediacreator.into_folder import NAMES, create_into, require_room, taken
from mediacreator.mastering import disc_files
from mediacreator.medium import open_medium
from mediacreator.receipt import Receipt, read_receipt
from mediacreator.updating.applying import Change, apply, locked
from mediacreator.updating.journal import recover
from tests.oracles import needs, run
from tests.updated import KILLED, Fault, study

Tree = dict[str, tuple[object, ...]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no disk: what is written is looked at by the same machine, which has it in memory."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study(tmp_path_factory.mktemp("source") / "new", (1,))


def stick(folder: Path) -> Path:
    """Make a folder of somebody who has other things on the stick, a read-only one and one with a date among them."""
    root = folder / "STICK"
    (root / "Photos" / "empty").mkdir(parents=True)
    (root / "letter to the doctor.odt").write_bytes(b"a letter")
    (root / "Photos" / "one.jpg").write_bytes(b"a photo" * 5000)
    (root / "link").symlink_to("Photos/one.jpg")
    os.setxattr(root / "Photos", "user.note", b"mine")
    (root / "letter to the doctor.odt").chmod(0o400)
    for number, path in enumerate(sorted(root.rglob("*"))):
        os.utime(path, (1e9 + number, 1e9 + number), follow_symlinks=False)
    return root


def tree(root: Path) -> Tree:
    """Return all that lies below a folder: content, modes, dates to the nanosecond and attributes."""
    found: Tree = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        attributes = {
            name: os.getxattr(path, name, follow_symlinks=False) for name in os.listxattr(path, follow_symlinks=False)
        }
        found[str(path.relative_to(root))] = (status.st_mode, status.st_mtime_ns, status.st_ino, attributes, content)
    return found


def request(folder: Path, *sources: Path) -> CreateRequest:
    return CreateRequest(
        tuple(map(str, sources)), f"{folder}/receipts/stick/", "STD-GEN-USB-JPEG", workers=1, epoch=1_780_000_000
    )


def into(root: Path, *sources: Path) -> Receipt:
    (root.parent / "receipts").mkdir(exist_ok=True)
    return create_into(str(root), request(root.parent, *sources))


def places(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield 1, 2, 3 ... and a stick for each."""
    for step in count(1):
        (folder / str(step) / "receipts").mkdir(parents=True)
        yield step, stick(folder / str(step))


def is_file_set(root: Path) -> bool:
    """Tell whether a reader takes a folder for a File-set: then it must be whole, to the last file of its receipt."""
    try:
        with open_medium(root) as medium:
            assert medium.dicomdir.path == ("DICOMDIR",)
            assert medium.missing() == ()
            assert sum(1 for _ in medium.instances()) == 1
    except SourceUnreadable:
        return False
    return True


def faulty(monkeypatch: pytest.MonkeyPatch, step: int, *fault: BaseException, **options: object) -> list[Fault]:
    """Let a call of the file system fail once all is prepared and the stick is written to."""
    made: list[Fault] = []

    def broken(change: Change, progress: object) -> object:
        made.append(Fault(monkeypatch, step, *fault, **options))  # type: ignore[arg-type]
        return apply(change, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(into_folder, "apply", broken)
    return made


def settled(root: Path, before: Tree) -> bool:
    """Bring a folder into order as the next run does; all is as before then, or the File-set is whole."""
    recover(str(root))
    now = tree(root)
    done = is_file_set(root)
    assert {name: entry for name, entry in now.items() if name in before} == before
    assert done or now == before
    return done


def test_what_lies_there_stays_and_the_file_set_is_whole(source: Path, tmp_path: Path) -> None:
    root = stick(tmp_path)
    before = tree(root)
    receipt = into(root, source)
    after = tree(root)
    assert {name: entry for name, entry in after.items() if name in before} == before
    assert {name.partition("/")[0] for name in after.keys() - before.keys()} == {
        *("DICOMDIR", "DICOM", "README.TXT", "INDEX.HTM", "RECEIPT.JSN")
    }
    (entry,) = receipt.media
    assert (receipt.state, entry.among_others, entry.instances) == ("complete", True, 1)
    for file in entry.files:
        assert hashlib.sha256((root / file.path).read_bytes()).hexdigest() == file.sha256
    beside = root.parent / "receipts" / "stick.receipt.json"
    assert (beside.stat().st_mode & 0o777, read_receipt(beside).media) == (0o600, receipt.media)
    assert [path.name for path in beside.parent.iterdir()] == [beside.name]


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSYS, errno.ENOTSUP])
def test_a_file_system_that_knows_no_modes(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """NTFS and FAT through FUSE refuse what they have not; the receipt on a real disk gets its mode all the same."""

    def fchmod(handle: int, mode: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fchmod", fchmod)
    assert into(stick(tmp_path), source).state == "complete"
    assert (tmp_path / "receipts" / "stick.receipt.json").stat().st_mode & 0o777 == 0o600


def test_killed_at_any_call_nothing_is_left_that_looks_like_a_file_set(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = []
    for step, root in places(tmp_path):
        before = tree(root)
        pid = os.fork()
        if not pid:
            with monkeypatch.context() as patched, suppress(BaseException):
                faulty(patched, step)
                into(root, source)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        seen = is_file_set(root)
        outcomes.append(settled(root, before))
        assert seen == outcomes[-1], step
        if os.waitstatus_to_exitcode(status) != KILLED:
            break
        if not outcomes[-1] and step % 9 == 1:  # the next run cleans up by itself
            shutil.rmtree(root.parent / "receipts")
            assert into(root, source).findings[0].code in ("update-recovered", "folder-file-system")
            assert is_file_set(root)
    assert outcomes == sorted(outcomes), "once it is a File-set it stays one"
    assert len(outcomes) > 30


@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_call_that_fails_once_leaves_nothing_or_a_file_set_that_is_whole(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    for step, root in places(tmp_path):
        before = tree(root)
        said: MediaCreatorError | None = None
        with monkeypatch.context() as patched:
            made = faulty(patched, step, fault)
            try:
                into(root, source)
            except MediaCreatorError as exc:
                said = exc
        seen = is_file_set(root)
        if said is None or str(said).startswith("The File-set is in the folder, whole"):
            assert seen, step
        elif "comes back to it" not in str(said):
            assert tree(root) == before, step
            assert not list((root.parent / "receipts").iterdir()), step
        assert settled(root, before) == seen, step
        if made[0].calls < step:
            break
    assert step > 30


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_stick_that_takes_nothing_from_a_call_on(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A full one lets files go, one whose lock is moved does not: the next run brings it into order."""
    calls = ("write", "writev", "mkdir", "replace") if code == errno.ENOSPC else ("write", "mkdir", "replace", "unlink")
    for step, root in places(tmp_path):
        before = tree(root)
        with monkeypatch.context() as patched:
            made = faulty(patched, step, OSError(code, os.strerror(code)), lasting=True, calls=calls)
            with suppress(MediumError):
                into(root, source)
        seen = is_file_set(root)
        assert settled(root, before) == seen, step
        if made[0].calls < step:
            break
    assert step > 5


def test_what_does_not_read_back_is_taken_away_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = stick(tmp_path)
    before = tree(root)
    monkeypatch.setattr("mediacreator.updating.applying._hash", lambda path: "")
    with pytest.raises(VerificationFailed) as caught:
        into(root, source)
    assert {finding.code for finding in caught.value.findings} == {"update-differs"}
    assert tree(root) == before
    assert not list((tmp_path / "receipts").iterdir())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", [str.upper, str.lower])
def test_a_name_that_is_taken_is_never_written_over(source: Path, tmp_path: Path, name: str, change: type[str]) -> None:
    """FAT knows no case, and this machine may: Dicomdir and DICOMDIR are one name on a stick."""
    root = stick(tmp_path)
    (root / change(name)).write_bytes(b"mine")
    before = tree(root)
    if change(name) == "UPDATE.JNL":
        with pytest.raises(MediumError, match="none that this program wrote"):
            into(root, source)
    else:
        with pytest.raises(TargetExists, match="mediacreator add" if name == "DICOMDIR" else name) as caught:
            into(root, source)
        assert "letter" not in str(caught.value)
    assert tree(root) == before
    assert not list((tmp_path / "receipts").iterdir())


def test_a_name_that_is_taken_while_it_is_prepared(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hours lie between the first look and the writing."""
    root = stick(tmp_path)
    lay = disc_files

    def slow(*arguments: object) -> object:
        (root / "readme.txt").write_bytes(b"mine")
        return lay(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("mediacreator.into_folder.disc_files", slow)
    with pytest.raises(TargetExists, match=r"README.TXT is there already"):
        into(root, source)
    assert (root / "readme.txt").read_bytes() == b"mine"
    assert not (root / "DICOM").exists()


def test_a_folder_that_is_a_source_or_holds_one_is_refused(source: Path, tmp_path: Path) -> None:
    root = stick(tmp_path)
    inner = study(root / "study", (1,))
    before = tree(root)
    for one in (root, inner, tmp_path):
        with pytest.raises(TargetExists, match="is a source, holds one or lies in one"):
            create_into(str(root), replace(request(tmp_path, one), output=f"{source.parent}/r/"))
    assert tree(root) == before


def test_a_receipt_never_lies_on_the_stick_nor_over_another(source: Path, tmp_path: Path) -> None:
    root = stick(tmp_path)
    before = tree(root)
    for output in (f"{root}/stick/", f"{root}/Photos/stick/"):
        with pytest.raises(UsageError, match="The receipt would lie on the stick"):
            create_into(str(root), replace(request(tmp_path, source), output=output))
    (tmp_path / "receipts").mkdir()
    (tmp_path / "receipts" / "stick.receipt.json").write_bytes(b"of another stick")
    with pytest.raises(TargetExists, match="receipt of this name"):
        into(root, source)
    assert (tmp_path / "receipts" / "stick.receipt.json").read_bytes() == b"of another stick"
    assert tree(root) == before


def test_what_is_no_folder_or_cannot_be_written(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = stick(tmp_path)
    with pytest.raises(UsageError, match="no folder that is there"):
        into(root / "letter to the doctor.odt", source)
    with locked(str(root)), pytest.raises(MediumError, match="Another run"):
        into(root, source)
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(root))
    with pytest.raises(MediumError, match="cannot be written"):
        into(root, source)


def test_what_cannot_fit_is_refused_before_anything_is_written(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = stick(tmp_path)
    before = tree(root)
    for free, error in ((500, MediaTooSmall), (120_000, NoSpace)):
        monkeypatch.setattr(into_folder, "mounted", lambda folder, free=free: Mounted("vfat", 32768, free, 70_000))
        with pytest.raises(error, match=r"Nothing was written\."):
            into(root, source)
        assert tree(root) == before


def test_a_file_that_fat_does_not_record_is_refused() -> None:
    created = datetime(2026, 11, 25, tzinfo=UTC)
    large = [DiscFile(("DICOM", "VIDEO"), 1 << 32, created)]
    with pytest.raises(
        MediaTooSmall, match=r"DICOM/VIDEO has 4,294,967,296 bytes, FAT32 records at most 4,294,967,295"
    ):
        require_room(Mounted("vfat", 32768, 1 << 40, 1_000_000), large)
    with pytest.raises(MediaTooSmall, match="FAT16 records at most 2,147,483,647"):
        require_room(Mounted("vfat", 32768, 1 << 40, 60_000), [replace(large[0], size=1 << 31)])
    require_room(Mounted("exfat", 32768, 1 << 40, 1_000_000), large)


@needs("mkfs.vfat", "mcopy", "minfo")
@pytest.mark.parametrize("cluster", [1, 8, 64])  # sectors
def test_the_room_on_fat_is_exact(source: Path, tmp_path: Path, cluster: int) -> None:
    """Mtools put the same files on a stick, and take what we say that they take."""
    root = stick(tmp_path)
    (entry,) = into(root, source).media
    now = datetime(2026, 11, 25, tzinfo=UTC)
    many = [DiscFile(("DICOM", "MANY", f"{n:08}"), n % 3, now) for n in range(1, 600)]  # a folder of several clusters
    for file in many:
        (root.joinpath(*file.path)).parent.mkdir(exist_ok=True)
        root.joinpath(*file.path).write_bytes(bytes(file.size))
    image = tmp_path / "image"
    run("mkfs.vfat", "-C", "-F", 16, "-s", cluster, image, 2500 * cluster)
    empty = _free(image, cluster)
    run("mcopy", "-s", "-i", image, *(root / name for name in NAMES[:5]), "::/")
    files = [*many, *(DiscFile(tuple(file.path.split("/")), file.size, now) for file in entry.files)]
    assert empty - _free(image, cluster) == taken(Mounted("vfat", cluster * 512, 1 << 30, 60_000), files)


def _free(image: Path, cluster: int) -> int:
    """Return the bytes that the first FAT of an image has free, counted by hand."""
    data = image.read_bytes()[:100_000]
    reserved, size = (int.from_bytes(data[at : at + 2], "little") for at in (14, 22))
    fat = data[reserved * 512 :][: size * 512]
    return sum(1 for at in range(0, len(fat), 2) if not any(fat[at : at + 2])) * cluster * 512


def test_a_file_system_that_the_profile_does_not_name_is_said(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, (place, code) in enumerate(
        (
            (Mounted("exfat", 4096, 1 << 30, 1_000_000), "folder-file-system"),
            (Mounted("vfat", 4096, 1 << 30, 1_000_000), "folder-not-root"),
            (Mounted("vfat", 4096, 1 << 30, 3_000), "folder-file-system"),  # FAT12
            (Mounted("fuse.sshfs", 4096, 1 << 30, 1_000_000), ""),  # nobody knows
        )
    ):
        (tmp_path / str(number)).mkdir()
        monkeypatch.setattr(into_folder, "mounted", lambda folder, place=place: place)
        receipt = into(stick(tmp_path / str(number)), source)
        assert [f.code for f in receipt.findings if f.code.startswith("folder-")] == [code] * bool(code)
        assert receipt.state == "complete"


def test_linux_tells_what_a_folder_lies_on(tmp_path: Path) -> None:
    root, media = tmp_path.resolve(), tmp_path.resolve() / "media"
    (media / "A STICK" / "below").mkdir(parents=True)
    (root / "proc/self").mkdir(parents=True)
    lines = (
        "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw",
        f"40 27 0:40 / {media} rw - tmpfs tmpfs rw",
        rf"41 40 8:17 / {media}/A\040STICK rw,nosuid shared:7 - exfat /dev/sdb1 rw",
        rf"42 40 8:33 / {media}/A\040STICK rw,nosuid shared:7 - vfat /dev/sdc1 rw",  # over the other
        "nonsense",
    )
    (root / "proc/self/mountinfo").write_text("\n".join(lines))
    kinds = {folder: mounted(str(folder), str(root)).kind for folder in (root, media, media / "A STICK" / "below")}
    assert list(kinds.values()) == ["ext4", "tmpfs", "vfat"]
    assert mounted(str(media), str(media)).name == ""  # no proc there
    with pytest.raises(MediumError):
        mounted(str(root / "missing"))
    real = mounted(str(tmp_path))
    assert real.kind in Path("/proc/filesystems").read_text().split()
    assert real.free > 0


@pytest.mark.parametrize(
    ("kind", "clusters", "name"),
    [
        *(("vfat", 4084, "FAT12"), ("vfat", 4085, "FAT16"), ("msdos", 65524, "FAT16"), ("vfat", 65525, "FAT32")),
        *(("fuseblk", 1, "NTFS or exFAT"), ("ext4", 1, "ext4"), ("fuse.anything", 1, ""), ("", 1, "")),
    ],
)
def test_a_file_system_has_a_name_and_a_fat_its_width(kind: str, clusters: int, name: str) -> None:
    assert Mounted(kind, 4096, 0, clusters).name == name
