"""DICOM files around a stream: fragments, offset table, truncation, size; and the stage that copies them."""

from __future__ import annotations

import os
import struct
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate

from mediacreator.errors import SourceUnreadable
from mediacreator.model import Container, Finding, Outcome, Severity, SOPInstance, SourceFile
from mediacreator.sources.reading import close_archives, read_chunks
from mediacreator.transcode import Encoding, Spool, choose, encode
from mediacreator.video import check_instance_video
from mediacreator.video.instance import Joined, find_fragments
from tests.instances import write_ct
from tests.transcoding import instance, moved, only
from tests.video.catalogue import CLIPS, H264_41, H264_41_BD, MPEG2_ML
from tests.video.instances import CLIP_OF, MODALITIES, VIDEO_ENDOSCOPIC, video_dataset, video_instance, write_video

END = bytes.fromhex("FEFFDDE000000000")
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


def source(path: Path) -> SourceFile:
    found = path.stat()
    return SourceFile(3, str(path), found.st_size, found.st_mtime_ns)


def judged(path: Path) -> tuple[Finding, ...]:
    return check_instance_video(source(path))


def codes(path: Path) -> list[tuple[str, Severity]]:
    return [(finding.code, finding.severity) for finding in judged(path)]


@pytest.mark.parametrize("sop_class", MODALITIES)
@pytest.mark.parametrize("uid", CLIP_OF)
def test_conformant_instances(uid: str, sop_class: str, tmp_path: Path) -> None:
    assert judged(write_video(tmp_path / "v.dcm", uid, sop_class)) == ()


def test_attributes_come_from_the_file(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.dcm", H264_41, PhotometricInterpretation="RGB", Rows=720, CineRate=60)
    assert codes(path) == [("video-size-differs", ERROR), ("video-timing-differs", WARNING), ("video-attribute", ERROR)]
    assert {finding.location for finding in judged(path)} == {"source 3"}
    assert check_instance_video(source(path), "IMAGES/IM000001")[0].location == "IMAGES/IM000001"


@pytest.mark.parametrize(
    ("uid", "fragments", "expected"),
    [
        (MPEG2_ML, 3, [("video-fragments", ERROR)]),
        (H264_41, 2, [("video-fragments", ERROR)]),
        (MPEG2_ML + ".1", 3, [("video-fragmentable", NOTE)]),
        (H264_41 + ".1", 1, [("video-fragmentable", NOTE)]),
        ("1.2.840.10008.1.2.4.107", 3, [("not-checked", NOTE)]),
    ],
)
def test_fragments(uid: str, fragments: int, expected: list[tuple[str, Severity]], tmp_path: Path) -> None:
    clip = CLIPS["hevc-720p25.mp4"] if uid.endswith("107") else None
    assert codes(write_video(tmp_path / "v.dcm", uid, clip=clip, fragments=fragments)) == expected


@pytest.mark.parametrize(("uid", "severity"), [(MPEG2_ML, ERROR), (H264_41, WARNING)])
def test_an_offset_table_that_is_not_empty(uid: str, severity: Severity, tmp_path: Path) -> None:
    dataset = video_dataset(uid)
    dataset.PixelData = encapsulate([CLIP_OF[uid].data], has_bot=True)
    dataset.save_as(tmp_path / "v.dcm", enforce_file_format=True)
    assert codes(tmp_path / "v.dcm") == [("video-offset-table", severity)]


def test_no_stream_at_all(tmp_path: Path) -> None:
    dataset = video_dataset(MPEG2_ML)
    del dataset.PixelData
    dataset.save_as(tmp_path / "none.dcm", enforce_file_format=True)
    assert codes(tmp_path / "none.dcm") == [("video-fragments", ERROR)]
    empty = video_instance(MPEG2_ML, stream=b"??")
    at = empty.index(b"\xfe\xff\x00\xe0\x02\x00\x00\x00??")
    (tmp_path / "empty.dcm").write_bytes(empty[:at] + empty[at + 10 :])
    assert codes(tmp_path / "empty.dcm") == [("video-fragments", ERROR), ("video-unknown", ERROR)]


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    whole = video_instance(MPEG2_ML, clip=CLIPS["mpml-pal.m2v"])
    begin = whole.index(CLIPS["mpml-pal.m2v"].data)
    for size in (begin - 20, begin - 10, begin - 4, begin, begin + 100, len(whole) - 9, len(whole) - 8, len(whole) - 1):
        (tmp_path / "v.dcm").write_bytes(whole[:size])
        assert [code for code, _ in codes(tmp_path / "v.dcm")] == ["truncated-pixel-data"], size


def test_garbage_between_fragments_is_noticed(tmp_path: Path) -> None:
    whole = video_instance(MPEG2_ML + ".1", fragments=2)
    at = whole.rindex(b"\xfe\xff\x00\xe0")
    (tmp_path / "v.dcm").write_bytes(whole[:at] + b"garbage!" + whole[at + 8 :])
    (finding,) = judged(tmp_path / "v.dcm")
    assert (finding.code, f"at byte {at}" in finding.what) == ("truncated-pixel-data", True)


def test_what_is_no_video_gives_nothing(tmp_path: Path) -> None:
    assert judged(write_ct(tmp_path / "ct.dcm")) == ()


def test_a_video_in_a_zip_archive(tmp_path: Path) -> None:
    data = video_instance(H264_41, Rows=99)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("v.dcm", data)
    found = (tmp_path / "a.zip").stat()
    member = SourceFile(1, str(tmp_path / "a.zip"), len(data), found.st_mtime_ns, Container.ZIP, "v.dcm")
    assert [finding.code for finding in check_instance_video(member)] == ["video-size-differs"]
    close_archives()


@given(st.integers(0, len(CLIP_OF) - 1), st.lists(st.tuples(st.integers(0, 1800), st.integers(0, 255)), max_size=12))
@settings(max_examples=150, deadline=None)
def test_damage_to_the_file_is_survived(index: int, changes: list[tuple[int, int]]) -> None:
    data = bytearray(video_instance(list(CLIP_OF)[index]))
    for at, value in changes:
        data[at] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "v.dcm")
        path.write_bytes(data)
        for finding in judged(path):
            assert str(finding)


def test_damage_in_an_archive_is_no_surprise(tmp_path: Path) -> None:
    data = video_instance(MPEG2_ML)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("v.dcm", data)
    packed = bytearray((tmp_path / "a.zip").read_bytes())
    packed[200:260] = bytes(60)
    (tmp_path / "a.zip").write_bytes(packed)
    found = (tmp_path / "a.zip").stat()
    member = SourceFile(1, str(tmp_path / "a.zip"), len(data), found.st_mtime_ns, Container.ZIP, "v.dcm")
    with pytest.raises(SourceUnreadable, match="source 1"):
        check_instance_video(member)
    close_archives()


def test_fragments_are_read_as_one_stream() -> None:
    data = b"..abc..d..efgh.."
    joined = Joined(lambda position, count: data[position : position + count], ((2, 3), (7, 1), (10, 4)))
    whole = b"abcdefgh"
    assert joined.size == 8
    for position in range(10):
        for count in range(10):
            assert joined.read_at(position, count) == whole[position : position + count]
    assert Joined(lambda _position, _count: b"", ((2, 3),)).read_at(0, 3) == b""  # a file that shrinks


def test_fragments_without_end_are_not_all_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediacreator.video.instance._MOST_FRAGMENTS", 100)
    data = b"\xfe\xff\x00\xe0\x00\x00\x00\x00" * 1000
    found = find_fragments(lambda position, count: data[position : position + count], 0, len(data))
    assert (len(found.spans), found.more, found.broken) == (100, True, "")


def sparse_video(path: Path, size: int) -> Path:
    """Write a video of which hardly anything lies on the disk: its stream goes on with ``size`` zero bytes."""
    clip = CLIPS["hp41-1080p25.ts"]
    whole = video_instance(H264_41, clip=clip)
    at = whole.index(clip.data)
    with open(path, "wb") as file:
        file.write(whole[: at - 4] + struct.pack("<L", len(clip.data) + size) + clip.data)
        file.seek(size, os.SEEK_CUR)
        file.write(END)
    return path


def test_a_fragment_of_four_gigabytes_is_checked_and_copied_in_little_memory(tmp_path: Path) -> None:
    """The largest fragment there can be has 2^32 - 2 bytes (PS3.5 8.2.5 Note)."""
    clip = len(CLIPS["hp41-1080p25.ts"].data)
    path = sparse_video(tmp_path / "large.dcm", (1 << 32) - 2 - clip)
    if path.stat().st_blocks * 512 > 1 << 20:
        pytest.skip("no sparse files here")
    small = write_video(tmp_path / "small.dcm", H264_41, clip=CLIPS["hp41-1080p25.ts"])
    found = moved(instance(small), path)
    tracemalloc.start()
    done = encoded(tmp_path, found)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(finding.code, finding.severity) for finding in done.findings] == [("not-checked", NOTE)]
    (copied,) = done.encoded
    assert copied.body.size == path.stat().st_size - found.header.dataset_offset
    assert peak < 1 << 22
    tail = read_chunks(copied.body.source, path.stat().st_size - 8, 8)
    assert b"".join(tail) == END


def encoded(tmp_path: Path, *found: SOPInstance) -> Encoding:
    with Spool(str(tmp_path)) as spool:
        return encode(choose(list(found), only(*{one.header.transfer_syntax_uid for one in found})), spool)


def test_a_video_is_copied_as_it_is(tmp_path: Path) -> None:
    found = instance(write_video(tmp_path / "v.dcm", H264_41_BD))
    done = encoded(tmp_path, found)
    assert (done.rejected, done.findings) == ((), ())
    assert done.encoded[0].body.source is found.header.source


def test_a_video_with_a_warning_is_copied(tmp_path: Path) -> None:
    done = encoded(tmp_path, instance(write_video(tmp_path / "v.dcm", H264_41, NumberOfFrames=99)))
    assert len(done.encoded) == 1
    assert [finding.code for finding in done.findings] == ["video-frames-differ"]


def test_a_video_that_breaks_the_standard_is_rejected_with_every_reason(tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.dcm", H264_41, clip=CLIPS["high422-720p25.ts"], BitsStored=7, NumberOfFrames=9)
    done = encoded(tmp_path, instance(path))
    assert (done.encoded, done.findings) == ((), ())
    (rejected,) = done.rejected
    assert (rejected.outcome, rejected.finding.code) == (Outcome.REJECTED, "video-profile")
    for part in ("High 4:2:2 Profile", "4:2:2 with 8 bits", "BitsStored (0028,0101) is 7"):
        assert part in rejected.finding.what
    assert "NumberOfFrames" not in rejected.finding.what


def test_one_bad_video_does_not_stop_the_others(tmp_path: Path) -> None:
    good = instance(write_video(tmp_path / "a.dcm", H264_41), 1)
    bad = instance(write_video(tmp_path / "b.dcm", H264_41, stream=b"\xff\xd8\xff\xe0 no video"), 2)
    last = instance(write_video(tmp_path / "c.dcm", H264_41, number=2), 3)
    (tmp_path / "d.dcm").write_bytes(video_instance(H264_41))
    gone = instance(tmp_path / "d.dcm", 4)
    os.remove(tmp_path / "d.dcm")
    done = encoded(tmp_path, good, bad, last, gone)
    assert [one.instance.header.source.number for one in done.encoded] == [1, 3]
    assert [one.finding.code for one in done.rejected] == ["video-unknown", "source-changed"]


def test_the_default_is_an_endoscopy() -> None:
    assert video_dataset().SOPClassUID == VIDEO_ENDOSCOPIC
