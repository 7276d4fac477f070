"""What we read of a video stream, read by ffprobe: another program's parsers and demultiplexers."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from mediacreator.video import inspect
from tests.oracles import needs, run
from tests.video.catalogue import CLIPS, DATA, Clip
from tests.video.instances import CLIP_OF, MODALITIES, write_video

CONTAINERS = {"mpegvideo": "es", "h264": "es", "mpeg": "ps", "mpegts": "ts", "mov,mp4,m4a,3gp,3g2,mj2": "mp4"}
PROFILES = {
    "Main": {"mpeg2": 4, "h264": 77, "hevc": 1},
    "High": {"h264": 100},
    "High 4:2:2": {"h264": 122},
}


def probed(path: Path) -> tuple[str, dict[str, Any]]:
    """Return container and video stream as ffprobe sees them."""
    entries = "format=format_name:stream=codec_name,profile,level,width,height,field_order,pix_fmt,nb_read_frames,"
    entries += "r_frame_rate,sample_aspect_ratio"
    command = ["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries", entries]
    command += ["-of", "json", str(path)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(text)
    return CONTAINERS[found["format"]["format_name"]], found["streams"][0]


@needs("ffprobe")
@pytest.mark.parametrize("clip", CLIPS.values(), ids=lambda clip: clip.file)
def test_ffprobe_reads_the_same(clip: Clip) -> None:
    data = clip.data
    facts = inspect(lambda position, count: data[position : position + count], len(data))
    container, stream = probed(DATA / clip.file)

    assert (facts.container, facts.codec) == (container, stream["codec_name"].removesuffix("video"))
    assert facts.frames == int(stream["nb_read_frames"])
    assert facts.rate == Fraction(stream["r_frame_rate"])
    if facts.codec == "mpeg1":
        return
    assert (facts.profile, facts.level) == (PROFILES[stream["profile"]][clip.codec], stream["level"])
    if facts.codec == "hevc":
        return
    assert (facts.columns, facts.rows) == (stream["width"], stream["height"])
    assert facts.progressive is (stream["field_order"] == "progressive")
    assert {1: "yuv420p", 2: "yuv422p"}[facts.chroma or 0] == stream["pix_fmt"]
    if facts.codec == "h264":
        assert (facts.aspect, stream["sample_aspect_ratio"]) == (1, "1:1")


@needs("ffmpeg", "ffprobe")
def test_the_clips_are_what_make_clips_says() -> None:
    """Only what the committed clips hold: they all decode without an error."""
    for clip in CLIPS.values():
        assert run("ffmpeg", "-v", "error", "-nostdin", "-i", DATA / clip.file, "-f", "null", "-") == "", clip.file


@needs("dciodvfy")
@pytest.mark.parametrize("sop_class", MODALITIES)
@pytest.mark.parametrize("uid", CLIP_OF)
def test_dciodvfy_finds_no_fault_in_the_instances(uid: str, sop_class: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / "v.dcm", uid, sop_class)
    assert "Error" not in run("dciodvfy", path, rc=None)


@needs("dcmdump")
def test_dcmdump_reads_the_instances(tmp_path: Path) -> None:
    for uid in CLIP_OF:
        text = run("dcmdump", write_video(tmp_path / "v.dcm", uid))
        assert "(PixelSequence #=2)" in text
