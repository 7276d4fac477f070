"""The frames of a large instance are shared out: the same bytes as in one piece, and the same failures."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from mediacreator.errors import NoSpace
from mediacreator.model import Container, SOPInstance, SourceFile
from mediacreator.transcode import Encoding, Spool, convert, pool
from mediacreator.transcode.jobs import Coded, Failed, Job, Part
from mediacreator.transcode.jpeg2000 import read_main_header
from tests.transcoding import TARGET, coded, encapsulated, frames_of, image_dataset, instance, picture, save, transcoded

ROOT = "1.2.840.10008.1.2."
JPEG_LOSSLESS, J2K_LOSSLESS, RLE = (ROOT + end for end in ("4.70", "4.90", "5"))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share out what has more than a few frames."""
    monkeypatch.setattr(pool, "_SHARED", 20_000)
    monkeypatch.setattr(pool, "_PART", 30_000)


def multi_frame(count: int = 23, bits: int = 12, **attributes: Any) -> Dataset:
    pixels = np.stack([picture(bits, seed=seed) for seed in range(count)])
    return image_dataset(pixels, bits, frames=True, **attributes)


def job(**changes: Any) -> Job:
    from mediacreator.rules.tables import encoders

    plain = Job(0, SourceFile(1, "x", 1, 1), 0, "explicit-le", "native", "none", "native", "x", 0)
    return replace(plain, **{"encoder": encoders()[1], "frames": 100, "native": 1 << 30, **changes})


def test_parts_hold_every_frame_once_and_are_neither_tiny_nor_without_number() -> None:
    for frames, native, workers in ((2, 1 << 25, 2), (100, 1 << 30, 2), (1000, 1 << 28, 3), (7, 1 << 33, 4)):
        parts = pool.share_out(job(frames=frames, native=native), workers)
        assert [n for part in parts for n in range(part.first, part.last)] == list(range(frames))
        assert 2 <= len(parts) <= 8 * workers
        assert len({part.path for part in parts}) == len(parts)


@pytest.mark.parametrize(
    ("changes", "workers"),
    [
        ({}, 1),
        ({"frames": 1}, 2),
        ({"native": 1 << 20}, 2),
        ({"encoder": None, "pixels": "native"}, 2),
        ({"kept": True}, 2),
        ({"source": SourceFile(1, "x.zip", 1, 1, Container.ZIP, "a")}, 2),
        ({"dataset": "deflated"}, 2),
    ],
)
def test_what_gains_nothing_is_done_in_one_piece(changes: dict[str, Any], workers: int) -> None:
    assert pool.share_out(job(**changes), workers) == ()


def files(done: Encoding) -> list[bytes]:
    return [e.preamble_and_meta + Path(e.body.source.path).read_bytes() for e in done.encoded]


def with_each_number_of_workers(found: list[SOPInstance], target: str, folder: Path, quality: int = 0) -> Encoding:
    """Code with 1, 2 and 3 workers; the results must be the same, and nothing else be left in the spool."""
    results = []
    for workers in (1, 2, 3):
        with Spool(str(folder)) as spool:
            done = coded(found, target, spool, quality, workers)
            results.append((files(done), done.rejected, done.findings))
            assert len(os.listdir(spool.directory)) == len(done.encoded)
    assert results[0] == results[1] == results[2]
    return done


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("target", [JPEG_LOSSLESS, J2K_LOSSLESS, RLE])
def test_the_bytes_do_not_depend_on_who_coded_which_frames(target: str, tmp_path: Path) -> None:
    single = image_dataset(picture(12), 12)
    paths = [save(ds, tmp_path / f"{n}.dcm") for n, ds in enumerate((single, multi_frame(), single, multi_frame(5)))]
    done = with_each_number_of_workers([instance(path, n) for n, path in enumerate(paths, 1)], target, tmp_path)
    assert [encoded.instance.header.source.number for encoded in done.encoded] == [1, 2, 3, 4]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLE, JPEG_LOSSLESS])
def test_sources_of_every_kind_are_shared_out(syntax: str, tmp_path: Path) -> None:
    ds = multi_frame(9)
    pixels = np.frombuffer(ds.PixelData, "<u2")
    if syntax in (RLE, JPEG_LOSSLESS):
        path = save(transcoded(ds, syntax, tmp_path)[0], tmp_path / "a.dcm")
    else:
        if syntax == ExplicitVRBigEndian:
            ds.PixelData = pixels.byteswap().tobytes()
        ds.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
        path = save(ds, tmp_path / "a.dcm")
    with_each_number_of_workers([instance(path)], J2K_LOSSLESS, tmp_path)
    out, _ = transcoded(pydicom.dcmread(path), J2K_LOSSLESS, tmp_path, workers=2)
    assert np.array_equal(out.pixel_array.ravel(), pixels)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("syntax", [JPEG_LOSSLESS, J2K_LOSSLESS, RLE])
def test_native_frames_are_decoded_in_parts_too(syntax: str, tmp_path: Path) -> None:
    path = save(transcoded(multi_frame(), syntax, tmp_path)[0], tmp_path / "a.dcm")
    with_each_number_of_workers([instance(path)], TARGET, tmp_path)
    out, _ = transcoded(pydicom.dcmread(path), TARGET, tmp_path, workers=2)
    assert out.PixelData == multi_frame().PixelData


@pytest.mark.usefixtures("small_parts")
def test_a_cell_that_holds_more_widens_every_frame_of_every_part(tmp_path: Path) -> None:
    ds = multi_frame()
    data = bytearray(ds.PixelData)
    data[-1] |= 0x80  # an overlay in the last frame
    ds.PixelData = bytes(data)
    with_each_number_of_workers([instance(save(ds, tmp_path / "a.dcm"))], J2K_LOSSLESS, tmp_path)
    out, _ = transcoded(ds, J2K_LOSSLESS, tmp_path, workers=2)
    assert {read_main_header(frame).precision for frame in frames_of(out)} == {16}


@pytest.mark.usefixtures("small_parts")
def test_a_bad_frame_in_one_part_rejects_the_whole_and_names_it(tmp_path: Path) -> None:
    source, _ = transcoded(multi_frame(), JPEG_LOSSLESS, tmp_path)
    frames = frames_of(source)
    frames[20] = frames[20][:200] + frames[20][300:]
    bad = instance(save(encapsulated(source, JPEG_LOSSLESS, frames), tmp_path / "bad.dcm"), 1)
    good = instance(save(multi_frame(), tmp_path / "good.dcm"), 2)
    done = with_each_number_of_workers([bad, good], J2K_LOSSLESS, tmp_path)
    assert [entry.finding.code for entry in done.rejected] == ["corrupt-codestream"]
    assert "frame 21 of 23" in done.rejected[0].finding.what
    assert len(done.encoded) == 1


@pytest.mark.usefixtures("small_parts")
def test_frames_of_two_colour_spaces_are_rejected_wherever_the_parts_are_cut(tmp_path: Path) -> None:
    import imagecodecs

    from tests.transcoding import colour

    pixels = np.stack([colour(seed) for seed in range(6)])
    frames = [
        bytes(imagecodecs.jpeg2k_encode(frame, codecformat="j2k", level=0, reversible=True, mct=n < 5))
        for n, frame in enumerate(pixels)
    ]
    ds = image_dataset(pixels, frames=True, PhotometricInterpretation="YBR_FULL")
    found = instance(save(encapsulated(ds, J2K_LOSSLESS, frames), tmp_path / "a.dcm"))
    for workers in (1, 2):
        with Spool(str(tmp_path)) as spool:
            done = coded([found], JPEG_LOSSLESS, spool, workers=workers)
            assert os.listdir(spool.directory) == []
        assert [entry.finding.code for entry in done.rejected] == ["corrupt-codestream"]


def crash_in_a_part(part: Part) -> Coded | Failed:
    if part.first > 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return convert.code_part(part)


@pytest.mark.usefixtures("small_parts")
def test_a_crash_in_a_part_starts_the_instance_again_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = instance(save(multi_frame(), tmp_path / "a.dcm"))
    with Spool(str(tmp_path)) as spool:
        expected = files(coded([found], RLE, spool))
    monkeypatch.setattr(pool, "code_part", crash_in_a_part)
    with Spool(str(tmp_path)) as spool:
        done = coded([found], RLE, spool, workers=2)
        assert files(done) == expected
        assert len(os.listdir(spool.directory)) == 1


@pytest.mark.usefixtures("small_parts")
def test_no_space_in_a_part_ends_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "code_part", lambda part: Failed(part.job.number, "no-space", "", "", "", no_space=True))
    with Spool(str(tmp_path)) as spool, pytest.raises(NoSpace):
        coded([instance(save(multi_frame(), tmp_path / "a.dcm"))], RLE, spool, workers=2)


@pytest.mark.usefixtures("small_parts")
def test_a_source_that_changed_is_noticed_by_a_part(tmp_path: Path) -> None:
    found = instance(save(multi_frame(), tmp_path / "a.dcm"))
    os.utime(tmp_path / "a.dcm", ns=(1, 1))
    with Spool(str(tmp_path)) as spool:
        done = coded([found], RLE, spool, workers=2)
        assert os.listdir(spool.directory) == []
    assert [entry.finding.code for entry in done.rejected] == ["source-changed"]


def peak(frames: int, folder: Path) -> int:
    """Return the largest resident set of a process that codes so many native frames, in KiB."""
    pixels = np.stack([picture(16, 512, 512)] * frames)
    path = save(image_dataset(pixels, 16, frames=True), folder / f"{frames}.dcm")
    found = instance(path).header
    code = (
        "import resource\nfrom mediacreator.model import SourceFile, Container\n"
        "from mediacreator.rules.tables import encoders\n"
        "from mediacreator.transcode import pixels\nfrom mediacreator.transcode.convert import convert\n"
        "from mediacreator.transcode.jobs import Job\npixels._IN_MEMORY = 1 << 20\n"
        f"source = SourceFile(1, {str(path)!r}, {found.source.size}, {found.source.mtime_ns})\n"
        f"job = Job(0, source, {found.dataset_offset}, 'explicit-le', 'native', 'none', 'native', "
        f"{str(folder / 'out')!r}, 0, encoder=encoders()[1])\n"
        "done = convert(job)\nprint(done.size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    size, largest = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(size) > frames * pixels[0].nbytes // 4
    return int(largest)


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    """100 frames of 512 KiB, against 4: less than three frames more."""
    assert peak(100, tmp_path) - peak(4, tmp_path) < 3 * 512
