"""A session behind others: its directories show all files, old and new, and other programs see the same. PS3.12 F.2."""

from __future__ import annotations

import fcntl
import os
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.errors import InternalError
from mediacreator.formats import IsoTree
from mediacreator.formats.iso9660_session import RecordedFile, lay_out_session
from mediacreator.formats.iso9660_volume import beyond_primary, last_session
from mediacreator.formats.iso9660_writer import lay_out
from mediacreator.formats.placing import PlacedFile, Placement
from tests.discs import SECTOR, directory, raw_image, record
from tests.oracles import needs, run

WHEN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 4, 1, 8, 30, tzinfo=UTC)
GAP = 11_400  # sectors between two sessions of a CD: lead-out and lead-in

Content = dict[tuple[str, ...], bytes]


def placed(content: Content, when: datetime) -> list[PlacedFile]:
    return [PlacedFile(path, len(data), when) for path, data in content.items()]


def put(disc: Path, placement: Placement, content: Content) -> None:
    with disc.open("r+b") as file:
        file.truncate(placement.size)
        for offset, data in (*placement.segments, *((late.offset, late.make()) for late in placement.late)):
            os.pwrite(file.fileno(), data, offset)
        for offset, data in zip(placement.offsets, content.values(), strict=True):
            os.pwrite(file.fileno(), data, offset)


def first_session(disc: Path, content: Content) -> None:
    disc.touch()
    put(disc, lay_out(placed(content, WHEN), volume_id="FIRST", created=WHEN), content)


def append(disc: Path, content: Content, gap: int = GAP) -> int:
    """Append a session as a drive would, and return its first sector."""
    first = disc.stat().st_size // SECTOR + gap
    with IsoTree(str(disc)) as tree:
        recorded = [
            RecordedFile(file.path, file.size, WHEN, file.extents[0].offset // SECTOR)
            for file in tree.files()
            if file.path not in content
        ]
    placement = lay_out_session(recorded, placed(content, LATER), first=first, volume_id="SECOND", created=LATER)
    assert min(offset for offset, _ in placement.segments) == (first + 16) * SECTOR
    put(disc, placement, content)
    return first


OLD: Content = {("DICOMDIR",): b"old", ("DICOM", "PT000000", "IM000000"): b"a" * 5000, ("EMPTY",): b""}
NEW: Content = {("DICOMDIR",): b"newer", ("DICOM", "PT000001", "IM000000"): b"b" * 3000, ("README.TXT",): b""}


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    first_session(tmp_path / "disc", OLD)
    return tmp_path / "disc"


def read(disc: Path, session: int | None = None) -> Content:
    with IsoTree(str(disc), session) as tree:
        assert [finding.code for finding in tree.findings if finding.code != "iso-later-session"] == []
        return {file.path: tree.open(file.path).read() for file in tree.files()}


def test_the_last_session_shows_old_files_and_new_ones(disc: Path) -> None:
    was = disc.read_bytes()
    first = append(disc, NEW)
    assert disc.read_bytes()[: len(was)] == was
    assert read(disc) == read(disc, first) == OLD | NEW
    assert read(disc, 0) == OLD
    with IsoTree(str(disc)) as tree:
        assert (tree.label, tree.volume.offset) == ("SECOND", (first + 16) * SECTOR)
        dates = {file.path: file.mtime_ns // 10**9 for file in tree.files()}
    assert dates[("DICOMDIR",)] == LATER.timestamp()
    assert dates[("EMPTY",)] == WHEN.timestamp()


@needs("isoinfo", "xorriso")
def test_other_programs_see_what_we_see(disc: Path, tmp_path: Path) -> None:
    """Both are told where the session begins, as a drive would tell them."""
    first = append(disc, NEW)
    listed = run("isoinfo", "-f", "-T", first, "-i", disc).split()
    names = {"/DICOM/PT000000/IM000000.;1", "/DICOM/PT000001/IM000000.;1", "/DICOMDIR.;1", "/README.TXT;1", "/EMPTY.;1"}
    assert names <= set(listed)
    assert run("isoinfo", "-x", "/DICOM/PT000000/IM000000.;1", "-T", first, "-i", disc) == "a" * 5000
    assert run("isoinfo", "-x", "/DICOM/PT000001/IM000000.;1", "-T", first, "-i", disc) == "b" * 3000
    assert "Volume id: SECOND" in run("isoinfo", "-d", "-T", first, "-i", disc)

    out = tmp_path / "out"
    run(
        "xorriso",
        "-no_rc",
        "-load",
        "sbsector",
        first,
        "-indev",
        f"stdio:{disc}",
        "-osirrox",
        "on",
        "-extract",
        "/",
        out,
    )
    found = {tuple(path.relative_to(out).parts): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert found == OLD | NEW


def test_sessions_follow_one_another(disc: Path) -> None:
    whole = OLD
    for number in range(1, 5):
        content: Content = {("DICOMDIR",): b"%d" % number, ("DICOM", f"PT{number:06d}", "IM000000"): b"x" * number}
        append(disc, content, gap=150)
        whole = whole | content
        assert read(disc) == whole


names = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", min_size=1, max_size=8)
trees = st.dictionaries(st.lists(names, min_size=1, max_size=5).map(tuple), st.binary(max_size=5000), max_size=30)


def no_file_is_a_folder(content: Content) -> bool:
    return not any(path[:depth] in content for path in content for depth in range(1, len(path)))


@settings(max_examples=25, deadline=None)
@given(old=trees, new=trees, gap=st.integers(0, 300))
def test_whatever_is_added_to_whatever_there_is(
    tmp_path_factory: pytest.TempPathFactory, old: Content, new: Content, gap: int
) -> None:
    if not (no_file_is_a_folder(old | new) and no_file_is_a_folder(old)):
        return
    disc = tmp_path_factory.mktemp("any") / "disc"
    first_session(disc, old)
    first = append(disc, new, gap)
    assert read(disc, first) == old | new


def test_a_name_that_is_not_of_level_1_is_our_error() -> None:
    with pytest.raises(InternalError):
        lay_out_session([], [PlacedFile(("lower",), 1, WHEN)], first=100, volume_id="X", created=WHEN)


def test_a_drive_is_asked_for_its_last_session(monkeypatch: pytest.MonkeyPatch, disc: Path) -> None:
    """linux/cdrom.h: the address in sectors, then whether there are several sessions."""
    first = append(disc, NEW)

    def answers(several: int) -> None:
        def ioctl(_handle: int, request: int, asked: bytearray) -> int:
            assert (request, asked[5]) == (0x5310, 1)
            struct.pack_into("iB", asked, 0, first, several)
            return 0

        monkeypatch.setattr(fcntl, "ioctl", ioctl)

    answers(1)
    with disc.open("rb") as file:
        assert last_session(file.fileno()) == first
    assert read(disc) == OLD | NEW
    answers(0)
    assert read(disc) == OLD
    monkeypatch.undo()
    with disc.open("rb") as file:
        assert last_session(file.fileno()) is None


@needs("genisoimage")
@pytest.mark.parametrize(
    ("options", "beyond"),
    [
        ((), ()),
        (("-J",), ("Joliet",)),
        (("-R",), ("Rock Ridge",)),
        (("-udf",), ("UDF",)),
        (("-J", "-R", "-b", "FILE"), ("a boot record", "Joliet", "Rock Ridge")),
    ],
)
def test_what_others_record_beside_is_named(tmp_path: Path, options: tuple[str, ...], beyond: tuple[str, ...]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "FILE").write_bytes(b"x" * 4096)
    boot = ("-no-emul-boot",) if "-b" in options else ()
    run("genisoimage", "-quiet", "-iso-level", "1", *options, *boot, "-o", tmp_path / "disc", tmp_path / "in")
    with IsoTree(str(tmp_path / "disc")) as tree:
        assert sorted(beyond_primary(tree.fileno(), tree.volume)) == sorted(beyond)


def test_garbage_behind_the_descriptors_is_nothing(tmp_path: Path) -> None:
    data = bytearray(raw_image({20: directory(20, 20, record(b"A.;1", 30, 1))}))
    data[18 * SECTOR : 18 * SECTOR + 6] = b"\x02CD00x"
    (tmp_path / "disc").write_bytes(data)
    with IsoTree(str(tmp_path / "disc")) as tree:
        assert beyond_primary(tree.fileno(), tree.volume) == ()
