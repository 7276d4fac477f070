"""Plan and encode: what is copied is not touched, what fails takes nothing else with it, the order stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest

from mediacreator.errors import NoSpace
from mediacreator.model import Container, Disposition, Header, Outcome, PixelDataPlace, SOPInstance, SourceFile
from mediacreator.transcode import Encoding, Spool, choose, encode, pool
from mediacreator.transcode.jobs import Failed, Job
from tests.transcoding import TARGET, encapsulated, image_dataset, instance, moved, only, picture, run, save, write

J2K = "1.2.840.10008.1.2.4.90"
RLE = "1.2.840.10008.1.2.5"


def native(path: Path) -> SOPInstance:
    return instance(save(image_dataset(picture(12), 12), path))


def compressed(path: Path, seed: int = 3) -> SOPInstance:
    pixels = picture(12, seed=seed)
    ds = image_dataset(pixels, 12)
    ds.InstanceNumber = seed
    data = imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", level=0, reversible=True, bitspersample=12)
    return instance(save(encapsulated(ds, J2K, [bytes(data)]), path), seed)


def corrupt(path: Path, seed: int = 3) -> SOPInstance:
    found = compressed(path, seed)
    data = bytearray(path.read_bytes())
    data[-300:-200] = b"\xff" * 100
    path.write_bytes(data)
    return moved(found, path)


def test_an_instance_in_the_right_syntax_is_copied_from_its_data_set_on(tmp_path: Path) -> None:
    found = native(tmp_path / "a.dcm")
    with Spool(str(tmp_path)) as spool:
        (encoded,) = run([found], spool).encoded
        assert os.listdir(spool.directory) == []

    assert encoded.body.source is found.header.source
    assert (encoded.transcoded_from, encoded.transfer_syntax_uid) == ("", TARGET)
    written = write(encoded, tmp_path / "b.dcm").read_bytes()
    assert written[:132] == bytes(128) + b"DICM"
    assert written.endswith((tmp_path / "a.dcm").read_bytes()[found.header.dataset_offset :])
    assert np.array_equal(pydicom.dcmread(tmp_path / "b.dcm").pixel_array, picture(12))


def many(count: int) -> list[SOPInstance]:
    attributes = {"Rows": b"\0\1", "Columns": b"\0\1", "BitsAllocated": b"\x10\0", "SamplesPerPixel": b"\1\0"}
    place = PixelDataPlace("PixelData", 1000, 131072)
    return [
        SOPInstance(
            Header(SourceFile(k, "x", 132072, 0), "1.2.3", f"1.2.3.{k}", TARGET, 300, True, attributes, place),
            "IMAGE",
            attributes,
        )
        for k in range(count)
    ]


def test_copying_imports_nothing_heavy(tmp_path: Path) -> None:
    with Spool(str(tmp_path)) as spool:
        done = encode(choose(many(2000), only(TARGET)), spool)
    assert len(done.encoded) == 2000

    code = (
        "import sys, mediacreator.transcode; print({'pydicom','numpy','imagecodecs','tempfile'} & sys.modules.keys())"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


@pytest.mark.parametrize("uid", ["1" * 65, "1.2.ä"])
def test_a_uid_that_cannot_be_written_is_rejected(uid: str, tmp_path: Path) -> None:
    (found,) = many(1)
    with Spool(str(tmp_path)) as spool:
        done = run([replace(found, header=replace(found.header, sop_instance_uid=uid))], spool)
    assert [disposition.finding.code for disposition in done.rejected] == ["invalid-uid"]


@pytest.mark.parametrize(
    "syntax",
    [
        "1.2.840.10008.1.2.4.100",
        "1.2.840.10008.1.2.4.102.1",
        "1.2.840.10008.1.2.4.107",
        "1.2.840.10008.1.2.4.94",
        "1.2.840.10008.1.2.4.205",
        "1.2.840.10008.1.2.6.2",
        "1.2.3.4",
    ],
)
def test_what_cannot_be_decoded_is_rejected_by_the_plan_with_clause_and_remedy(syntax: str) -> None:
    (found,) = many(1)
    work = choose([replace(found, header=replace(found.header, transfer_syntax_uid=syntax))], only(TARGET))

    assert (work.instances, work.transcoded) == ((), 0)
    finding = work.rejected[0].finding
    code = "fragmentable-video" if syntax.endswith(".102.1") else "unsupported-transfer-syntax"
    assert (finding.code, work.rejected[0].outcome) == (code, Outcome.REJECTED)
    assert finding.clause.startswith("PS3.")
    assert finding.remedy
    assert syntax in finding.what


def test_a_syntax_that_the_profile_allows_is_copied_even_if_it_cannot_be_decoded(tmp_path: Path) -> None:
    (found,) = many(1)
    streamed = replace(
        found, header=replace(found.header, transfer_syntax_uid="1.2.840.10008.1.2.4.94", pixel_data=None)
    )
    with Spool(str(tmp_path)) as spool:
        done = encode(choose([streamed], only(TARGET, "1.2.840.10008.1.2.4.94")), spool)
    assert done.encoded[0].transcoded_from == ""


def mixture(folder: Path) -> list[SOPInstance]:
    made: list[SOPInstance] = []
    for k in range(14):
        make = corrupt if k in (4, 9) else native if k % 5 == 0 else None
        path = folder / f"{k}.dcm"
        found = make(path) if make else compressed(path, k)
        made.append(replace(found, header=replace(found.header, source=replace(found.header.source, number=k + 1))))
    return made


def bytes_of(done: Encoding) -> list[bytes]:
    found = []
    for encoded in done.encoded:
        with open(encoded.body.source.path, "rb") as stream:
            stream.seek(encoded.body.offset)
            found.append(encoded.preamble_and_meta + stream.read(encoded.body.size))
    return found


def test_results_do_not_depend_on_the_number_of_workers_and_a_bad_one_stops_no_other(tmp_path: Path) -> None:
    instances = mixture(tmp_path)
    results = []
    for workers in (1, 2, 3):
        with Spool(str(tmp_path)) as spool:
            done = run(instances, spool, workers)
            results.append((bytes_of(done), done.rejected, done.findings))
            assert len(os.listdir(spool.directory)) == sum(1 for e in done.encoded if e.transcoded_from)
            assert spool.used == sum(e.body.size for e in done.encoded if e.transcoded_from)

    assert results[0] == results[1] == results[2]
    assert [disposition.source.number for disposition in results[0][1]] == [5, 10]
    assert len(results[0][0]) == 12


def test_an_encoded_instance_lies_in_the_spool_under_its_own_number(tmp_path: Path) -> None:
    found = compressed(tmp_path / "a.dcm", 7)
    with Spool(str(tmp_path)) as spool:
        (encoded,) = run([found], spool).encoded
        source = encoded.body.source
        assert (source.number, source.container, encoded.body.offset) == (7, Container.FILE, 0)
        assert (source.size, source.mtime_ns) == (os.stat(source.path).st_size, os.stat(source.path).st_mtime_ns)
        assert Path(source.path).name == "00000001.dat"
        assert os.stat(spool.directory).st_mode & 0o777 == 0o700
    assert encoded.transcoded_from == J2K
    assert not os.path.exists(spool.directory)


def test_a_source_that_vanished_or_changed_is_rejected(tmp_path: Path) -> None:
    gone, changed = compressed(tmp_path / "a.dcm", 1), compressed(tmp_path / "b.dcm", 2)
    (tmp_path / "a.dcm").unlink()
    os.utime(tmp_path / "b.dcm", ns=(1, 1))
    with Spool(str(tmp_path)) as spool:
        done = run([gone, changed], spool)
        assert os.listdir(spool.directory) == []
    assert [disposition.finding.code for disposition in done.rejected] == ["source-changed", "source-changed"]


def crash_on_second(job: Job) -> Any:
    if job.source.number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return Failed(job.number, "corrupt-codestream", "a", "b", "c")


def test_a_decoder_that_crashes_takes_one_instance_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    instances = [compressed(tmp_path / f"{k}.dcm", k) for k in (1, 2, 3)]
    monkeypatch.setattr(pool, "convert", crash_on_second)
    with Spool(str(tmp_path)) as spool:
        done = run(instances, spool, 2)
    assert [d.finding.code for d in done.rejected] == ["corrupt-codestream", "codec-crashed", "corrupt-codestream"]


def test_a_full_spool_ends_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = compressed(tmp_path / "a.dcm")
    with Spool(str(tmp_path)) as spool:
        monkeypatch.setattr(Spool, "free", lambda self: 1000)
        with pytest.raises(NoSpace, match="1,000"):
            run([found], spool)
        monkeypatch.setattr(Spool, "free", lambda self: 1 << 40)
        monkeypatch.setattr(pool, "convert", lambda job: Failed(job.number, "no-space", "", "", "", no_space=True))
        with pytest.raises(NoSpace):
            run([found], spool)


def test_findings_hold_no_identity(tmp_path: Path) -> None:
    folder = tmp_path / "Phantom"
    folder.mkdir()
    with Spool(str(tmp_path)) as spool:
        done = run([corrupt(folder / "Phantom.dcm")], spool)
    assert "Phantom" not in str(done.rejected[0].finding)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_the_workers_and_empties_the_spool(stop: signal.Signals, tmp_path: Path) -> None:
    """As a terminal does it: Ctrl-C goes to the whole group of processes."""
    pixels = np.stack([picture(12, 512, 512)] * 60)
    frame = bytes(imagecodecs.jpeg2k_encode(pixels[0], codecformat="j2k", level=0, reversible=True, bitspersample=12))
    save(encapsulated(image_dataset(pixels, 12, frames=True), J2K, [frame] * 60), tmp_path / "a.dcm")
    code = (
        "import signal, sys\nfrom pathlib import Path\nfrom tests.transcoding import *\n"
        "def stop(*_): raise KeyboardInterrupt\nsignal.signal(signal.SIGTERM, stop)\n"
        f"found = instance(Path({str(tmp_path / 'a.dcm')!r}))\n"
        f"try:\n  with Spool({str(tmp_path)!r}) as spool:\n"
        "    print('begun', flush=True)\n    run([found] * 8, spool, 2)\n"
        "except KeyboardInterrupt: sys.exit(130)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    time.sleep(0.7)
    start = time.monotonic()
    if stop is signal.SIGINT:
        os.killpg(process.pid, stop)
    else:
        process.send_signal(stop)

    assert process.wait(20) == 130
    assert time.monotonic() - start < 15
    process.stdout.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.dcm"]


def peak(frames: int, folder: Path) -> int:
    """Return the largest resident set of a process that decodes so many frames, in KiB."""
    pixels = picture(16, 512, 512)
    frame = bytes(imagecodecs.jpegls_encode(pixels))
    ds = image_dataset(pixels, 16, NumberOfFrames=frames)
    path = save(encapsulated(ds, "1.2.840.10008.1.2.4.80", [frame] * frames), folder / f"{frames}.dcm")
    found = instance(path).header
    code = (
        "import resource\nfrom mediacreator.model import SourceFile\n"
        "from mediacreator.transcode.convert import convert\n"
        "from mediacreator.transcode.jobs import Job\n"
        f"job = Job(0, {found.source!r}, {found.dataset_offset}, 'explicit-le', 'encapsulated', 'none', 'jpeg-ls', "
        f"{str(folder / 'out')!r}, 0)\n"
        "done = convert(job)\nprint(done.size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    ).replace("<Container.FILE: 'file'>", "__import__('mediacreator.model').model.Container.FILE")
    size, largest = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(size) > frames * pixels.nbytes
    return int(largest)


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    """200 frames of 512 KiB, against 4: less than three frames more."""
    assert peak(200, tmp_path) - peak(4, tmp_path) < 3 * 512


def test_a_disposition_names_its_source_and_instance(tmp_path: Path) -> None:
    found = corrupt(tmp_path / "a.dcm")
    with Spool(str(tmp_path)) as spool:
        (disposition,) = run([found], spool).rejected
    assert isinstance(disposition, Disposition)
    assert (disposition.source, disposition.outcome) == (found.header.source, Outcome.REJECTED)
    assert disposition.sop_instance_uid == found.header.sop_instance_uid
    assert disposition.finding.location == f"source {found.header.source.number}"


def test_workers_are_spawned_where_another_thread_runs(tmp_path: Path) -> None:
    """A fork copies the locks that other threads hold, a progress bar's among them."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert pool._context().get_start_method() == "spawn"
        with Spool(str(tmp_path)) as spool:
            encoding = run([compressed(tmp_path / "a.dcm"), corrupt(tmp_path / "b.dcm")], spool, 2)
            assert np.array_equal(
                pydicom.dcmread(write(encoding.encoded[0], tmp_path / "c.dcm")).pixel_array, picture(12)
            )
    finally:
        done.set()
        thread.join()
    assert [disposition.finding.code for disposition in encoding.rejected] == ["corrupt-codestream"]


def test_a_damaged_member_of_an_archive_is_rejected_alone(tmp_path: Path) -> None:
    """Each kind of damage that zipfile and zlib notice while the member is read."""
    found = [compressed(tmp_path / f"{k}.dcm", k) for k in (1, 2)]
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for k in (1, 2):
            out.write(tmp_path / f"{k}.dcm", f"{k}.dcm")
    with zipfile.ZipFile(archive) as written:
        offsets = [info.header_offset for info in written.infolist()]
    data = archive.read_bytes()
    for damage in (b"\xff" * 40, b"\0" * 40):
        place = offsets[1] - 900
        archive.write_bytes(data[:place] + damage + data[place + 40 :])
        mtime = os.stat(archive).st_mtime_ns
        members = [
            replace(
                one,
                header=replace(
                    one.header,
                    source=SourceFile(
                        one.header.source.number,
                        str(archive),
                        one.header.source.size,
                        mtime,
                        Container.ZIP,
                        f"{k}.dcm",
                        offsets[k - 1],
                    ),
                ),
            )
            for k, one in enumerate(found, 1)
        ]
        with Spool(str(tmp_path)) as spool:
            done = run(members, spool, 2)
        assert [entry.source.number for entry in done.rejected] == [1]
        assert done.rejected[0].finding.code in ("source-unreadable", "corrupt-codestream")
