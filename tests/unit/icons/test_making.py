"""Icons of many instances: their order, what becomes of those that cannot be made, and a decoder that crashes."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import JPEGLSLossless

from mediacreator.icons import making
from mediacreator.icons.making import Icons, make_icons
from mediacreator.icons.opening import Place
from mediacreator.model import Body, EncodedInstance, Outcome, Severity
from tests.transcoding import encapsulated, image_dataset, instance, save
from tests.unit.icons.shown import alike, pixels, ramp, rule, windowed
from tests.unit.icons.test_frames import jpeg_ls


def files(folder: Path, count: int) -> list[EncodedInstance]:
    """Return JPEG-LS images, each with a window of its own."""
    made = []
    for number in range(1, count + 1):
        stored = ramp(low=100 * number, kind="u2")
        ds = image_dataset(stored, WindowCenter=100 * number + 128, WindowWidth=200 + number)
        path = save(encapsulated(ds, JPEGLSLossless, [jpeg_ls(stored)]), folder / f"{number:03}.dcm")
        made.append(encoded(path, number))
    return made


def encoded(path: Path, number: int) -> EncodedInstance:
    found = instance(path, number)
    header = found.header
    body = Body(header.source, header.dataset_offset, header.source.size - header.dataset_offset)
    return EncodedInstance(found, header.transfer_syntax_uid, b"", body)


def right(icons: Icons, number: int) -> bool:
    """Tell whether an image has its own icon."""
    expected = windowed(ramp(low=100 * number), 100 * number + 128, 200 + number)
    return alike(pixels(icons.values[number]), expected)


class Heard:
    """A Progress that remembers."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.done = 0

    def start(self, stage: str, count: int, size: int) -> None:
        self.stages.append((stage, count))

    def advance(self, count: int, size: int) -> None:
        self.done += count


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_each_instance_has_its_own_icon_whatever_the_number_of_workers(workers: int, tmp_path: Path) -> None:
    heard = Heard()

    icons = make_icons(files(tmp_path, 40), rule(), workers, heard)

    assert sorted(icons.values) == list(range(1, 41))
    assert all(right(icons, number) for number in icons.values)
    assert (icons.rejected, icons.findings) == ((), ())
    assert (heard.stages, heard.done) == ([("icons", 40)], 40)


def test_native_pixels_of_one_worker_are_drawn_here(tmp_path: Path, monkeypatch: Any) -> None:
    """Without a decoder nothing crashes, and a process costs more than an icon."""
    path = save(image_dataset(ramp()), tmp_path / "native.dcm")
    monkeypatch.setattr(making, "_work", _say_who)

    icons = make_icons([encoded(path, 1)], rule())

    assert icons.values == {1: str(os.getpid()).encode()}


def test_a_frame_that_is_decoded_is_so_in_another_process(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(making, "_work", _say_who)

    icons = make_icons(files(tmp_path, 1), rule())

    assert int(icons.values[1]) != os.getpid()


def test_among_native_pixels_too(tmp_path: Path, monkeypatch: Any) -> None:
    path = save(image_dataset(ramp()), tmp_path / "native.dcm")
    monkeypatch.setattr(making, "_work", _say_who)

    icons = make_icons([encoded(path, 7), *files(tmp_path, 1)], rule())

    assert str(os.getpid()).encode() not in icons.values.values()


def _say_who(piece: tuple[Place, ...]) -> tuple[bytes, ...]:
    return tuple(str(os.getpid()).encode() for _ in piece)


# What cannot be made


def unreadable(one: EncodedInstance) -> EncodedInstance:
    path = Path(one.body.source.path)
    path.write_bytes(path.read_bytes()[:-200])
    return encoded_again(one)


def encoded_again(one: EncodedInstance) -> EncodedInstance:
    found = Path(one.body.source.path).stat()
    source = replace(one.body.source, size=found.st_size, mtime_ns=found.st_mtime_ns)
    header = replace(one.instance.header, source=source)
    size = source.size - one.body.offset
    return replace(one, instance=replace(one.instance, header=header), body=replace(one.body, source=source, size=size))


def test_an_icon_that_cannot_be_made_is_a_note(tmp_path: Path) -> None:
    ones = files(tmp_path, 3)
    ones[1] = unreadable(ones[1])

    icons = make_icons(ones, rule())

    assert sorted(icons.values) == [1, 3]
    assert not icons.rejected
    (finding,) = icons.findings
    assert (finding.code, finding.severity, finding.location) == ("icon-not-made", Severity.NOTE, "source 2")
    assert "PixelData" in finding.what
    assert str(tmp_path) not in str(finding)


def test_an_icon_that_must_be_there_and_cannot_be_made_rejects_its_instance(tmp_path: Path) -> None:
    ones = files(tmp_path, 3)
    ones[1] = unreadable(ones[1])

    icons = make_icons(ones, rule(required=True, clause="PS3.11 A.3.3.2"), 2)

    assert sorted(icons.values) == [1, 3]
    assert not icons.findings
    (disposition,) = icons.rejected
    assert (disposition.outcome, disposition.source.number) == (Outcome.REJECTED, 2)
    assert disposition.sop_instance_uid == ones[1].instance.header.sop_instance_uid
    assert disposition.finding.severity is Severity.ERROR
    assert disposition.finding.clause == "PS3.11 A.3.3.2"


def test_a_video_is_not_decoded(tmp_path: Path) -> None:
    one = files(tmp_path, 1)[0]
    heard = Heard()

    icons = make_icons([replace(one, transfer_syntax_uid="1.2.840.10008.1.2.4.102")], rule(), progress=heard)

    (finding,) = icons.findings
    assert "video" in finding.what
    assert heard.done == 1


def test_of_nothing_nothing_is_made() -> None:
    assert make_icons([], rule(), 2) == Icons({}, (), ())


# A decoder that crashes


def _crash_once(piece: tuple[Place, ...]) -> tuple[bytes | str, ...]:
    return _work_or_crash(piece, (2,))


def _crash_thrice(piece: tuple[Place, ...]) -> tuple[bytes | str, ...]:
    return _work_or_crash(piece, (5, 37, 38))


_really_work = making._work


def _work_or_crash(piece: tuple[Place, ...], bad: tuple[int, ...]) -> tuple[bytes | str, ...]:
    if any(place.source.number in bad for place in piece):
        os.kill(os.getpid(), signal.SIGKILL)  # as SIGSEGV, without the trace that pytest prints
    return _really_work(piece)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("work", "bad"), [(_crash_once, [2]), (_crash_thrice, [5, 37, 38])], ids=["one", "three"])
def test_a_decoder_that_crashes_costs_one_icon(
    workers: int, work: Any, bad: list[int], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(making, "_work", work)
    heard = Heard()

    icons = make_icons(files(tmp_path, 50), rule(), workers, heard)

    assert sorted(icons.values) == [number for number in range(1, 51) if number not in bad]
    assert all(right(icons, number) for number in icons.values)
    assert [finding.location for finding in icons.findings] == [f"source {number}" for number in bad]
    assert {finding.what for finding in icons.findings} == {
        "no icon can be made: PixelData (7FE0,0010) makes its decoder crash"
    }
    assert heard.done == 50


def test_large_data_sets_go_to_a_process_one_by_one() -> None:
    """So that a stop waits for one frame, not for sixteen."""
    places = [Place(None, 0, size, "") for size in (1, 1, 9 << 20, 1, *[1] * 20)]  # type: ignore[arg-type]

    pieces = list(making._pieces(places))

    assert [len(piece) for piece in pieces] == [3, 16, 5]
    assert [place for piece in pieces for place in piece] == places
