"""Read the headers of an MPEG-2 video elementary stream (ISO/IEC 13818-2 6.2)."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from mediacreator.video.bits import Bits, Malformed
from mediacreator.video.facts import VideoFacts

PICTURE, SEQUENCE_HEADER, EXTENSION, GROUP = 0x00, 0xB3, 0xB5, 0xB8
"""Start codes (ISO/IEC 13818-2 Table 6-1)."""

_SEQUENCE_EXTENSION, _DISPLAY_EXTENSION, _PICTURE_CODING_EXTENSION = 1, 2, 8  # Table 6-2
_FRAME_PICTURE = 3  # Table 6-14

_RATES = {
    1: Fraction(24000, 1001),
    2: Fraction(24),
    3: Fraction(25),
    4: Fraction(30000, 1001),
    5: Fraction(30),
    6: Fraction(50),
    7: Fraction(60000, 1001),
    8: Fraction(60),
}  # Table 6-4


class MPEG2Reader:
    """Gathers what the units between start codes say."""

    def __init__(self) -> None:
        self.facts = VideoFacts(codec="mpeg1")  # until a sequence_extension makes it MPEG-2 (6.1.1.6)
        self._settled = False  # the first sequence header and its extensions are known
        self._header: VideoFacts | None = None
        self._pictures = 0
        self._fields = 0
        self._changes = False
        self._problem = ""

    def take(self, unit: bytes) -> None:
        """Read one unit: its start code value and what follows."""
        kind = unit[0]
        try:
            if kind == SEQUENCE_HEADER:
                self._header = sequence_header(unit)
            elif kind == EXTENSION and len(unit) > 1:
                self._extension(unit, unit[1] >> 4)
            elif kind == PICTURE:
                self._pictures += 1
                self._settle()
        except Malformed as exc:
            self._problem = self._problem or f"a header of the video sequence cannot be read: {exc}"

    def result(self) -> VideoFacts:
        """Return what is known; frames are counted as far as was read."""
        self._settle()
        frames = self._pictures - self._fields + (self._fields + 1) // 2
        problem = self._problem or ("" if self.facts.columns else "no sequence header was found")
        return replace(self.facts, frames=frames, changes=self._changes, problem=problem)

    def _settle(self) -> None:
        """Take over a sequence header when its extensions are read; a later one must say the same (6.1.1.6)."""
        if self._header is None:
            return
        if not self._settled:
            self.facts, self._settled = self._header, True
        elif self._header != self.facts:
            self._changes = True
        self._header = None

    def _extension(self, unit: bytes, kind: int) -> None:
        if self._header is not None and kind == _SEQUENCE_EXTENSION:
            self._header = sequence_extension(self._header, unit)
        elif self._header is not None and kind == _DISPLAY_EXTENSION:
            self._header = replace(self._header, display=display_size(unit))
        elif kind == _PICTURE_CODING_EXTENSION and picture_structure(unit) != _FRAME_PICTURE:
            self._fields += 1


def sequence_header(unit: bytes) -> VideoFacts:
    """Read a sequence_header (6.2.2.1); ``unit`` begins with B3.

    Raises:
        Malformed: It is cut short, or has no size.
    """
    bits = Bits(unit[1:])
    columns, rows, aspect, rate = bits.u(12), bits.u(12), bits.u(4), bits.u(4)
    bits.u(18 + 1 + 10 + 1)
    if not rows or not columns:
        raise Malformed(f"its size is {columns} x {rows}")
    return VideoFacts(codec="mpeg1", columns=columns, rows=rows, aspect=aspect, rate=_RATES.get(rate), chroma=1, bits=8)


def sequence_extension(header: VideoFacts, unit: bytes) -> VideoFacts:
    """Add a sequence_extension (6.2.2.3) to its sequence_header; ``unit`` begins with B5.

    Raises:
        Malformed: It is cut short.
    """
    bits = Bits(unit[1:])
    bits.u(4)
    escape, profile, level = bits.u(1), bits.u(3), bits.u(4)
    progressive, chroma, columns, rows = bits.flag(), bits.u(2), bits.u(2), bits.u(2)
    bits.u(12 + 1 + 8 + 1)
    times, over = bits.u(2) + 1, bits.u(5) + 1
    return replace(
        header,
        codec="mpeg2",
        profile=128 | profile << 4 | level if escape else profile,
        level=level,
        progressive=progressive,
        chroma=chroma,
        columns=columns << 12 | header.columns,
        rows=rows << 12 | header.rows,
        rate=header.rate * times / over if header.rate else None,
    )


def display_size(unit: bytes) -> tuple[int, int]:
    """Return columns and rows of a sequence_display_extension (6.2.2.4)."""
    bits = Bits(unit[1:])
    bits.u(4 + 3)
    if bits.flag():
        bits.u(24)
    columns = bits.u(14)
    bits.u(1)
    return columns, bits.u(14)


def picture_structure(unit: bytes) -> int:
    """Return picture_structure of a picture_coding_extension (6.2.3.1)."""
    bits = Bits(unit[1:])
    bits.u(4 + 16 + 2)
    return bits.u(2)
