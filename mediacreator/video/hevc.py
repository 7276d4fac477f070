"""Tell profile and level of an HEVC stream, and no more: PS3.11 names none (ISO/IEC 23008-2 7.3.2.2, 7.3.3)."""

from __future__ import annotations

from dataclasses import replace

from mediacreator.video.bits import Bits, Malformed
from mediacreator.video.facts import VideoFacts
from mediacreator.video.h264 import unescaped

VPS, SPS, ACCESS_UNIT_DELIMITER = 32, 33, 35
"""nal_unit_type (Table 7-1)."""


class HEVCReader:
    """Gathers what NAL units say."""

    def __init__(self) -> None:
        self.facts = VideoFacts(codec="hevc")
        self._problem = ""

    def take(self, unit: bytes) -> None:
        """Read one NAL unit, without start code or length."""
        if unit[0] >> 1 & 0x3F == SPS and not self.facts.profile:
            try:
                self.facts = profile_and_level(unit)
            except Malformed as exc:
                self._problem = f"a Sequence Parameter Set cannot be read: {exc}"

    def result(self) -> VideoFacts:
        """Return what is known."""
        problem = self._problem or ("" if self.facts.profile else "no Sequence Parameter Set was found")
        return replace(self.facts, problem=problem)


def profile_and_level(unit: bytes) -> VideoFacts:
    """Read profile_tier_level of a Sequence Parameter Set."""
    bits = Bits(unescaped(unit[2:]))
    bits.u(4 + 3 + 1)
    bits.u(2 + 1)
    profile = bits.u(5)
    bits.u(32)
    bits.u(48)
    return VideoFacts(codec="hevc", profile=profile, level=bits.u(8))
