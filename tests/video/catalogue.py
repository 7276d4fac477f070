"""The clips of ``data/``: what each is, and how ``make_clips`` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

DATA = Path(__file__).parent / "data"

MPEG2_ML = "1.2.840.10008.1.2.4.100"
MPEG2_HL = "1.2.840.10008.1.2.4.101"
H264_41 = "1.2.840.10008.1.2.4.102"
H264_41_BD = "1.2.840.10008.1.2.4.103"
H264_42_2D = "1.2.840.10008.1.2.4.104"
H264_42_3D = "1.2.840.10008.1.2.4.105"
H264_42_STEREO = "1.2.840.10008.1.2.4.106"

_ML = "-c:v mpeg2video -profile:v main -level:v main -g 12 -bf 0 -qscale:v 8"
_HL = "-c:v mpeg2video -profile:v main -level:v high -g 12 -bf 0 -qscale:v 8"
_X264 = "-c:v libx264 -preset veryslow -crf 40 -profile:v high -bsf:v filter_units=remove_types=6"
_X264_SEI = "-c:v libx264 -preset veryslow -crf 40 -profile:v high"
_TS = "-f mpegts -mpegts_flags +initial_discontinuity"


@dataclass(frozen=True, slots=True)
class Clip:
    """A short video and what is known of it."""

    file: str
    codec: str  # mpeg2 or h264
    container: str  # es, ps, ts or mp4
    columns: int
    rows: int
    rate: str  # frames a second
    frames: int
    profile: int
    level: int
    encoder: str  # arguments of ffmpeg
    muxer: str = ""
    sar: str = "1"
    interlaced: bool = False
    stereo: bool = False
    packing: str = ""  # muxer of a stream that was built from an encoded one

    @property
    def data(self) -> bytes:
        """Return the clip itself."""
        return (DATA / self.file).read_bytes()

    @property
    def frame_rate(self) -> Fraction:
        """Return frames a second."""
        return Fraction(self.rate)


CLIPS: Mapping[str, Clip] = {
    clip.file: clip
    for clip in (
        Clip("mpml-pal.m2v", "mpeg2", "es", 720, 576, "25", 5, 4, 8, _ML, "-f mpeg2video", "16/15"),
        Clip("mpml-pal.mpg", "mpeg2", "ps", 720, 576, "25", 5, 4, 8, _ML, "-f dvd -muxpreload 0", "16/15"),
        Clip("mpml-ntsc.ts", "mpeg2", "ts", 720, 480, "30000/1001", 5, 4, 8, _ML, _TS, "8/9"),
        Clip(
            *("mpml-interlaced.m2v", "mpeg2", "es", 720, 576, "25", 5, 4, 8),
            *(_ML + " -flags:v +ilme+ildct -alternate_scan 1 -top 1", "-f mpeg2video", "16/15", True),
        ),
        Clip("mphl-1080p25.m2v", "mpeg2", "es", 1920, 1080, "25", 3, 4, 4, _HL, "-f mpeg2video"),
        Clip("mphl-1080p25.mp4", "mpeg2", "mp4", 1920, 1080, "25", 3, 4, 4, _HL, "-f mp4"),
        Clip("mphl-720p50.ts", "mpeg2", "ts", 1280, 720, "50", 3, 4, 4, _HL, _TS),
        Clip("hp41-1080p25.mp4", "h264", "mp4", 1920, 1080, "25", 5, 100, 41, _X264 + " -level 4.1", "-f mp4"),
        Clip("hp41-1080p25.ts", "h264", "ts", 1920, 1080, "25", 5, 100, 41, _X264 + " -level 4.1", _TS),
        Clip("hp41-xga80.ts", "h264", "ts", 1024, 768, "80", 25, 100, 41, _X264 + " -level 4.1", _TS),
        Clip("hp41-1080p25.264", "h264", "es", 1920, 1080, "25", 5, 100, 41, _X264 + " -level 4.1", "-f h264"),
        Clip(
            *("bd-1080i25.ts", "h264", "ts", 1920, 1080, "25", 4, 100, 41),
            *(_X264 + " -level 4.1 -flags:v +ilme+ildct -x264-params bluray-compat=1:tff=1", _TS, "1", True),
        ),
        Clip(
            *("bd-720p50.mp4", "h264", "mp4", 1280, 720, "50", 5, 100, 41),
            *(_X264 + " -level 4.1 -x264-params bluray-compat=1", "-f mp4"),
        ),
        Clip("hp42-1080p60.mp4", "h264", "mp4", 1920, 1080, "60", 5, 100, 42, _X264 + " -level 4.2", "-f mp4"),
        Clip("hp42-1080p60.ts", "h264", "ts", 1920, 1080, "60", 5, 100, 42, _X264 + " -level 4.2", _TS),
        Clip(
            *("hp42-sidebyside.ts", "h264", "ts", 1920, 1080, "60", 5, 100, 42),
            *(_X264_SEI + " -level 4.2 -x264-params frame-packing=3", _TS),
        ),
        Clip(
            *("hp42-sidebyside.mp4", "h264", "mp4", 1920, 1080, "60", 5, 100, 42),
            *(_X264_SEI + " -level 4.2 -x264-params frame-packing=3", "-f mp4"),
        ),
        Clip(
            *("stereo-1080p30.ts", "h264", "ts", 1920, 1080, "30", 4, 100, 42),
            *(_X264 + " -bf 0 -level 4.2", "-f h264", "1", False, True, _TS),
        ),
        # What is not what a DICOM Transfer Syntax takes:
        Clip(
            "main-480p30.mp4",
            "h264",
            "mp4",
            640,
            480,
            "30",
            4,
            77,
            30,
            "-c:v libx264 -crf 40 -profile:v main -level 3.0",
            "-f mp4",
        ),
        Clip(
            "high422-720p25.ts",
            "h264",
            "ts",
            1280,
            720,
            "25",
            3,
            122,
            41,
            "-c:v libx264 -crf 40 -pix_fmt yuv422p -profile:v high422 -level 4.1",
            _TS,
        ),
        Clip(
            "h1440-720p25.m2v",
            "mpeg2",
            "es",
            1280,
            720,
            "25",
            3,
            4,
            6,
            _ML.replace("-level:v main", "-level:v high1440"),
            "-f mpeg2video",
        ),
        Clip(
            "hevc-720p25.mp4",
            "hevc",
            "mp4",
            1280,
            720,
            "25",
            3,
            1,
            93,
            "-c:v libx265 -x265-params log-level=error -crf 40 -tag:v hvc1",
            "-f mp4",
        ),
        Clip("mpeg1-288p25.mpg", "mpeg1", "ps", 352, 288, "25", 3, 0, 0, "-c:v mpeg1video -qscale:v 8", "-f mpeg"),
    )
}
"""By file name."""
