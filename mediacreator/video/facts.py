"""What was found out about a video stream, and how to say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

PROFILES: Mapping[str, Mapping[int, str]] = {
    "mpeg2": {
        1: "High",
        2: "Spatially Scalable",
        3: "SNR Scalable",
        4: "Main",
        5: "Simple",
        133: "4:2:2",
        130: "4:2:2",
    },
    "h264": {
        44: "CAVLC 4:4:4 Intra",
        66: "Baseline",
        77: "Main",
        83: "Scalable Baseline",
        86: "Scalable High",
        88: "Extended",
        100: "High",
        110: "High 10",
        118: "Multiview High",
        122: "High 4:2:2",
        128: "Stereo High",
        244: "High 4:4:4 Predictive",
    },
    "hevc": {1: "Main", 2: "Main 10", 3: "Main Still Picture", 4: "Range Extensions"},
}
"""Names of profiles by codec and number (ISO/IEC 13818-2 Table 8-2, ISO/IEC 14496-10 Annex A, ISO/IEC 23008-2 A.3)."""

_MPEG2_LEVELS = {4: "High", 6: "High 1440", 8: "Main", 10: "Low"}
_CODECS = {"mpeg1": "MPEG-1", "mpeg2": "MPEG-2", "h264": "H.264", "hevc": "HEVC/H.265"}
_CONTAINERS = {
    "es": "an elementary stream",
    "pes": "a packetized elementary stream",
    "ps": "an MPEG-2 Program Stream",
    "ts": "an MPEG-2 Transport Stream",
    "m2ts": "an MPEG-2 Transport Stream with time stamps (192-byte packets)",
    "mp4": "an MP4 file",
    "mov": "a QuickTime file",
}
_CHROMA = {0: "monochrome", 1: "4:2:0", 2: "4:2:2", 3: "4:4:4"}


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a video stream says of itself. A number that it does not say is 0, anything else is None."""

    container: str = ""  # es, pes, ps, ts, m2ts, mp4, mov, or "" for none that is known
    codec: str = ""  # mpeg1, mpeg2, h264, hevc, or "" for none that is known
    other: str = ""  # what it is instead, in words: "a JPEG image", "MPEG-4 Visual"; "" for a known codec
    profile: int = 0  # mpeg2: 0 to 7, or 128 + 7 bits where the escape bit is set; h264: profile_idc; hevc
    level: int = 0  # mpeg2: 4, 6, 8, 10; h264: level_idc; hevc: general_level_idc
    constraints: int = 0  # h264: constraint_set0_flag (128), constraint_set1_flag (64), ...
    columns: int = 0  # samples, after cropping
    rows: int = 0
    display: tuple[int, int] | None = None  # mpeg2: columns and rows of sequence_display_extension
    chroma: int | None = None  # 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4
    bits: int = 0  # for each sample
    progressive: bool | None = None  # no picture can be interlaced
    rate: Fraction | None = None  # frames a second
    aspect: int | None = None  # mpeg2: aspect_ratio_information; h264: aspect_ratio_idc; None where not present
    square: bool | None = None  # h264: whether an aspect_ratio_idc of 255 (Extended_SAR) is 1:1
    packed: bool | None = None  # h264: a frame packing arrangement SEI message was found
    views: tuple[int, int] | None = None  # h264: profile_idc and level_idc of a subset SPS
    frames: int | None = None  # counted; None where that would cost reading a large stream whole
    changes: bool = False  # size, profile or level change within the stream
    problem: str = ""  # why less is known than should be

    @property
    def container_name(self) -> str:
        """Name the container."""
        return _CONTAINERS.get(self.container, "no container that is known here")

    @property
    def codec_name(self) -> str:
        """Name the codec."""
        return _CODECS.get(self.codec) or self.other or "an unknown codec"

    @property
    def scan_name(self) -> str:
        """Name the scan: p, i, or nothing where it is not known."""
        return "" if self.progressive is None else "p" if self.progressive else "i"

    def __str__(self) -> str:
        """Say what the stream is, as ``H.264 High Profile / Level 4.1 in an MP4 file``."""
        if not self.codec:
            return self.other or "no video"
        named = f"{self.codec_name} {profile_name(self.codec, self.profile)} / {level_name(self.codec, self.level)}"
        return f"{named if self.profile else self.codec_name} in {self.container_name}"


def profile_name(codec: str, profile: int) -> str:
    """Name a profile, as ``High Profile``."""
    name = PROFILES.get(codec, {}).get(profile)
    return f"{name} Profile" if name else f"Profile {profile}"


def level_name(codec: str, level: int) -> str:
    """Name a level, as ``Level 4.1`` or ``Main Level``."""
    if codec == "mpeg2":
        return f"{_MPEG2_LEVELS[level]} Level" if level in _MPEG2_LEVELS else f"Level {level}"
    if codec == "h264":
        return "Level 1b" if level == 9 else f"Level {level // 10}.{level % 10}"
    return f"Level {level // 30}.{level % 30 // 3}"


def chroma_name(chroma: int) -> str:
    """Name a chroma format."""
    return _CHROMA.get(chroma, f"chroma format {chroma}")


def rate_name(rate: Fraction) -> str:
    """Write a frame rate with three decimals at most."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")
