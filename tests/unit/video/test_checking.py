"""Each rule of PS3.5 8.2.5 to 8.2.11, kept and broken once."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from mediacreator.model import Finding, Severity
from mediacreator.video import VideoFacts, check, inspect
from tests.video.catalogue import (
    CLIPS,
    H264_41,
    H264_41_BD,
    H264_42_2D,
    H264_42_3D,
    H264_42_STEREO,
    MPEG2_HL,
    MPEG2_ML,
    Clip,
)
from tests.video.instances import CLIP_OF

HEVC, HEVC10 = "1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108"
ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


def facts_of(clip: Clip) -> VideoFacts:
    return inspect(lambda position, count: clip.data[position : position + count], len(clip.data))


def us(value: int) -> bytes:
    return value.to_bytes(2, "little")


def attributes_of(uid: str, facts: VideoFacts) -> dict[str, bytes]:
    """Return what an instance says that fits its stream."""
    rate = facts.rate or Fraction(25)
    made = {
        "SamplesPerPixel": us(3),
        "PhotometricInterpretation": b"YBR_PARTIAL_420 ",
        "PlanarConfiguration": us(0),
        "BitsAllocated": us(16 if uid == HEVC10 else 8),
        "BitsStored": us(10 if uid == HEVC10 else 8),
        "HighBit": us(9 if uid == HEVC10 else 7),
        "PixelRepresentation": us(0),
        "LossyImageCompression": b"01",
        "NumberOfFrames": f"{facts.frames or 1:<4}".encode(),
        "Rows": us(facts.rows),
        "Columns": us(facts.columns),
        "CineRate": f"{round(rate)}".encode(),
        "FrameTime": f"{float(1000 / rate):.2f}".encode(),
    }
    if uid in (H264_42_3D, H264_42_STEREO):
        made["StereoPairsPresent"] = b"YES "
    return made


def found(uid: str, facts: VideoFacts, **attributes: bytes | None) -> list[tuple[str, Severity]]:
    """Return codes and severities of an instance whose attributes fit but for those given; None removes."""
    return [(finding.code, finding.severity) for finding in findings(uid, facts, **attributes)]


def findings(uid: str, facts: VideoFacts, **attributes: bytes | None) -> tuple[Finding, ...]:
    plain = uid.removesuffix(".1") if uid.count(".") > 8 else uid
    values = {**attributes_of(plain, facts), **attributes}
    return check(facts, {k: v for k, v in values.items() if v is not None}, uid, "source 7")


@pytest.mark.parametrize("uid", CLIP_OF)
def test_what_conforms_is_let_pass(uid: str) -> None:
    assert found(uid, facts_of(CLIP_OF[uid])) == []


@pytest.mark.parametrize(
    ("uid", "name"),
    [
        (MPEG2_ML, "mpml-pal.m2v"),
        (MPEG2_ML, "mpml-ntsc.ts"),
        (MPEG2_ML, "mpml-interlaced.m2v"),
        (MPEG2_HL, "mphl-1080p25.mp4"),
        (MPEG2_HL, "mphl-720p50.ts"),
        (H264_41, "hp41-1080p25.ts"),
        (H264_41, "hp41-xga80.ts"),
        (H264_41, "bd-1080i25.ts"),
        (H264_41_BD, "bd-720p50.mp4"),
        (H264_42_2D, "hp42-1080p60.ts"),
        (H264_42_2D, "hp41-1080p25.mp4"),
        (H264_42_3D, "hp42-sidebyside.mp4"),
    ],
)
def test_other_clips_that_conform(uid: str, name: str) -> None:
    assert found(uid, facts_of(CLIPS[name])) == []


@pytest.mark.parametrize(
    ("uid", "name", "codes"),
    [
        (MPEG2_ML, "mphl-1080p25.m2v", {"video-level", "video-picture-size", "video-frame-rate"}),
        (MPEG2_HL, "mpml-pal.mpg", {"video-level", "video-picture-size", "video-aspect"}),
        (MPEG2_HL, "h1440-720p25.m2v", {"video-level"}),
        (MPEG2_ML, "hp41-1080p25.mp4", {"video-codec"}),
        (MPEG2_ML, "mpeg1-288p25.mpg", {"video-codec"}),
        (H264_41, "mpml-ntsc.ts", {"video-codec"}),
        (H264_41, "hevc-720p25.mp4", {"video-codec"}),
        (H264_41, "hp42-1080p60.mp4", {"video-level", "video-frame-rate"}),
        (H264_41, "hp41-1080p25.264", {"video-container"}),
        (H264_41, "high422-720p25.ts", {"video-profile", "video-chroma"}),
        (H264_41_BD, "hp41-1080p25.ts", {"video-frame-rate"}),
        (H264_41_BD, "hp41-xga80.ts", {"video-picture-size"}),
        (H264_42_2D, "hp42-sidebyside.ts", {"video-stereo"}),
        (H264_42_2D, "stereo-1080p30.ts", {"video-stereo"}),
        (H264_42_3D, "hp42-1080p60.ts", {"video-stereo"}),
        (H264_42_3D, "stereo-1080p30.ts", {"video-stereo"}),
        (H264_42_STEREO, "hp42-1080p60.ts", {"video-stereo"}),
    ],
)
def test_what_does_not_conform_is_an_error(uid: str, name: str, codes: set[str]) -> None:
    assert set(found(uid, facts_of(CLIPS[name]))) == {(code, ERROR) for code in codes}


def test_a_finding_says_what_was_found_and_what_is_allowed() -> None:
    (finding,) = findings(H264_41, replace(facts_of(CLIP_OF[H264_41]), level=42))
    assert finding.location == "source 7"
    assert finding.what == "the stream is H.264 High Profile / Level 4.2 in an MP4 file"
    assert finding.expected == "Level 4.1 or lower"
    assert finding.clause == "PS3.5 8.2.7"


@pytest.mark.parametrize(
    ("uid", "change", "expected"),
    [
        (MPEG2_ML, {"profile": 5}, [("video-profile", WARNING)]),
        (MPEG2_ML, {"profile": 133, "chroma": 2}, [("video-profile", ERROR), ("video-chroma", ERROR)]),
        (MPEG2_ML, {"level": 10}, [("video-level", WARNING)]),
        (MPEG2_ML, {"rate": Fraction(24)}, [("video-frame-rate", WARNING)]),
        (MPEG2_ML, {"rate": Fraction(30)}, [("video-frame-rate", ERROR)]),
        (MPEG2_ML, {"rows": 480, "rate": Fraction(30)}, []),
        (MPEG2_ML, {"rows": 288, "columns": 352}, []),
        (MPEG2_ML, {"columns": 721, "rows": 480}, [("video-picture-size", ERROR)]),
        (MPEG2_ML, {"problem": "a header is cut short"}, [("video-malformed", ERROR)]),
        (MPEG2_ML, {"changes": True}, [("video-changes", WARNING)]),
        (MPEG2_ML, {"frames": None}, [("not-checked", NOTE)]),
        (MPEG2_HL, {"aspect": 1}, [("video-aspect", WARNING)]),
        (MPEG2_HL, {"aspect": 2}, [("video-aspect", ERROR)]),
        (MPEG2_HL, {"rate": Fraction(50)}, [("video-frame-rate", ERROR)]),
        (MPEG2_HL, {"rate": Fraction(24)}, [("video-frame-rate", WARNING)]),
        (MPEG2_HL, {"rate": Fraction(30000, 1001)}, []),
        (MPEG2_HL, {"rows": 1088}, [("video-picture-size", ERROR)]),
        (MPEG2_HL, {"rows": 1080, "columns": 1440}, [("video-picture-size", ERROR)]),
        (H264_41, {"profile": 77}, [("video-profile", WARNING)]),
        (H264_41, {"profile": 66, "constraints": 0xC0}, [("video-profile", WARNING)]),
        (H264_41, {"profile": 66}, [("video-profile", ERROR)]),
        (H264_41, {"profile": 122, "constraints": 0x40}, [("video-profile", ERROR)]),
        (H264_41, {"profile": 110, "bits": 10}, [("video-profile", ERROR), ("video-chroma", ERROR)]),
        (H264_41, {"level": 31}, []),
        (H264_41, {"level": 9}, []),
        (H264_41, {"aspect": None}, []),
        (H264_41, {"aspect": 0}, [("video-aspect", WARNING)]),
        (H264_41, {"aspect": 255, "square": True}, [("video-aspect", WARNING)]),
        (H264_41, {"aspect": 255, "square": False}, [("video-aspect", ERROR)]),
        (H264_41, {"aspect": 14}, [("video-aspect", ERROR)]),
        (H264_41, {"rate": Fraction(50)}, [("video-frame-rate", ERROR)]),
        (H264_41, {"columns": 4096, "rows": 2304}, [("video-picture-size", ERROR), ("video-frame-rate", ERROR)]),
        (H264_41, {"container": "mov"}, [("video-container", WARNING)]),
        (H264_41, {"container": "m2ts"}, [("video-container", WARNING)]),
        (H264_41, {"container": "ps"}, [("video-container", ERROR)]),
        (H264_41, {"packed": True}, []),
        (H264_41_BD, {"rate": Fraction(30000, 1001)}, []),
        (H264_41_BD, {"rate": Fraction(30)}, [("video-frame-rate", ERROR)]),
        (H264_41_BD, {"rate": Fraction(24)}, [("video-frame-rate", WARNING)]),
        (H264_41_BD, {"rate": Fraction(24), "progressive": True}, []),
        (H264_41_BD, {"rate": None}, [("not-checked", NOTE)]),
        (H264_42_2D, {"rate": Fraction(64)}, []),
        (H264_42_2D, {"rate": Fraction(65)}, [("video-frame-rate", ERROR)]),
        (H264_42_2D, {"level": 50}, [("video-level", ERROR)]),
        (H264_42_STEREO, {"views": (128, 51)}, [("video-level", ERROR)]),
        (H264_42_STEREO, {"views": (118, 42)}, [("video-stereo", ERROR)]),
    ],
)
def test_each_rule_of_a_stream(uid: str, change: dict[str, object], expected: list[tuple[str, Severity]]) -> None:
    facts = replace(facts_of(CLIP_OF[uid]), **change)  # type: ignore[arg-type]  # fields of VideoFacts
    assert found(uid, facts) == expected


@pytest.mark.parametrize(
    ("uid", "keyword", "value", "severity"),
    [
        (MPEG2_ML, "SamplesPerPixel", us(1), ERROR),
        (MPEG2_ML, "SamplesPerPixel", None, ERROR),
        (MPEG2_ML, "PhotometricInterpretation", b"RGB ", ERROR),
        (MPEG2_ML, "PhotometricInterpretation", b"YBR_FULL_422", ERROR),
        (MPEG2_ML, "PhotometricInterpretation", b"MONOCHROME2 ", WARNING),
        (MPEG2_HL, "PhotometricInterpretation", b"MONOCHROME2 ", None),
        (H264_41, "PhotometricInterpretation", b"MONOCHROME2 ", ERROR),
        (H264_41, "PlanarConfiguration", us(1), ERROR),
        (H264_41, "BitsAllocated", us(16), ERROR),
        (H264_41, "BitsStored", us(7), ERROR),
        (H264_41, "HighBit", us(8), ERROR),
        (H264_41, "PixelRepresentation", us(1), ERROR),
        (MPEG2_ML, "PixelAspectRatio", b"16\\15", None),
        (MPEG2_HL, "PixelAspectRatio", b"4\\3 ", ERROR),
        (H264_41, "PixelAspectRatio", b"1\\1 ", WARNING),
        (H264_41, "PixelAspectRatio", b"", None),
        (H264_42_2D, "StereoPairsPresent", b"NO", None),
        (H264_42_2D, "StereoPairsPresent", b"YES ", ERROR),
        (H264_42_3D, "StereoPairsPresent", b"NO", ERROR),
        (H264_42_STEREO, "StereoPairsPresent", None, ERROR),
        (H264_41, "LossyImageCompression", b"00", ERROR),
        (H264_41, "LossyImageCompression", None, WARNING),
    ],
)
def test_each_rule_of_an_attribute(uid: str, keyword: str, value: bytes | None, severity: Severity | None) -> None:
    expected = [("video-attribute", severity)] if severity else []
    assert found(uid, facts_of(CLIP_OF[uid]), **{keyword: value}) == expected


@pytest.mark.parametrize(
    ("uid", "keyword", "value", "code"),
    [
        (H264_41, "Rows", us(1088), "video-size-differs"),
        (H264_41, "Columns", None, "video-size-differs"),
        (MPEG2_ML, "Rows", us(575), "video-size-differs"),
        (H264_41, "NumberOfFrames", b"4 ", "video-frames-differ"),
        (H264_41, "NumberOfFrames", None, "video-frames-differ"),
        (H264_41, "NumberOfFrames", b"many", "video-frames-differ"),
        (H264_41, "CineRate", b"30", "video-timing-differs"),
        (H264_41, "CineRate", None, ""),
        (H264_41, "FrameTime", b"33.3", "video-timing-differs"),
        (H264_41, "FrameTime", b"40.4", ""),
        (H264_41, "FrameTime", b"nan ", ""),
        (H264_41, "FrameTimeVector", b"0\\40\\40\\40\\40 ", ""),
        (H264_41, "FrameTimeVector", b"0\\20\\20\\20\\20 ", "video-timing-differs"),
        (H264_41_BD, "NumberOfFrames", b"8 ", ""),  # each field counted
        (H264_42_STEREO, "NumberOfFrames", b"8 ", ""),  # each view counted
    ],
)
def test_attributes_that_say_what_the_stream_says(uid: str, keyword: str, value: bytes | None, code: str) -> None:
    severity = ERROR if code == "video-size-differs" else WARNING
    expected = [(code, severity)] if code else []
    assert found(uid, facts_of(CLIP_OF[uid]), **{keyword: value}) == expected


def test_the_display_size_of_a_padded_picture_will_do() -> None:
    facts = replace(facts_of(CLIP_OF[MPEG2_ML]), columns=704, display=(720, 576))
    assert found(MPEG2_ML, facts, Columns=us(720)) == []


def test_a_fragmentable_form_names_the_plain_one() -> None:
    (finding,) = findings(MPEG2_ML + ".1", facts_of(CLIP_OF[MPEG2_ML]))
    assert (finding.code, finding.severity) == ("video-fragmentable", NOTE)
    assert MPEG2_ML in finding.expected.split()


def test_what_is_no_video_is_named() -> None:
    jpeg = inspect(lambda position, count: b"\xff\xd8\xff\xe0"[position : position + count], 4)
    (finding,) = findings(H264_41, jpeg)
    assert finding.code == "video-unknown"
    assert finding.what == "Pixel Data (7FE0,0010) is a JPEG image"


def test_a_container_that_is_not_read_is_not_checked_where_any_is_allowed() -> None:
    avi = inspect(lambda position, count: b"RIFF\x10\0\0\0AVI "[position : position + count], 12)
    assert found(MPEG2_ML, avi) == [("not-checked", NOTE)]
    assert found(H264_41, avi) == [("video-unknown", ERROR)]


def test_hevc_is_checked_by_profile_and_level_only() -> None:
    facts = facts_of(CLIPS["hevc-720p25.mp4"])
    assert found(HEVC, facts) == [("not-checked", NOTE)]
    assert found(HEVC10, facts) == [("video-profile", WARNING), ("not-checked", NOTE)]
    assert found(HEVC, replace(facts, profile=2)) == [("video-profile", ERROR), ("not-checked", NOTE)]
    assert found(HEVC, replace(facts, level=156)) == [("video-level", ERROR), ("not-checked", NOTE)]


def test_what_is_no_video_transfer_syntax_gives_nothing() -> None:
    assert check(VideoFacts(), {}, "1.2.840.10008.1.2.1", "source 1") == ()
