"""Read the NAL units of an H.264 stream that say what it is (ISO/IEC 14496-10 7.3, H.7.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from mediacreator.video.bits import Bits, Malformed
from mediacreator.video.facts import VideoFacts

SLICE, IDR_SLICE, SEI, SPS, ACCESS_UNIT_DELIMITER, SUBSET_SPS = 1, 5, 6, 7, 9, 15
"""nal_unit_type (Table 7-1)."""

_WITH_CHROMA = frozenset((44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244))  # 7.3.2.1.1
_FRAME_PACKING = 45  # payloadType (D.1)
_EXTENDED_SAR = 255  # Table E-1
_MOST_MACROBLOCKS = 1 << 12  # in a row or column; Level 6.2 has 1055
_MOST_PARAMETER_SETS = 32  # seq_parameter_set_id is 0 to 31


@dataclass(frozen=True, slots=True)
class Numbering:
    """What the header of a slice needs of its SPS."""

    frame_num_bits: int
    frames_only: bool
    separate_planes: bool


class H264Reader:
    """Gathers what NAL units say."""

    def __init__(self) -> None:
        self.facts = VideoFacts(codec="h264")
        self._sets: dict[int, tuple[VideoFacts, Numbering]] = {}
        self._active: Numbering | None = None
        self._views: tuple[int, int] | None = None
        self._packed = False
        self._pictures = 0
        self._fields = 0
        self._changes = False
        self._problem = ""

    def take(self, unit: bytes) -> None:
        """Read one NAL unit, without start code or length; no more than its beginning is needed."""
        kind = unit[0] & 0x1F
        try:
            if kind == SPS:
                self._parameter_set(unit)
            elif kind == SUBSET_SPS:
                facts, _, _ = sequence_parameter_set(unit)
                self._views = facts.profile, facts.level
            elif kind == SEI and frame_packing(unit):
                self._packed = True
            elif kind in (SLICE, IDR_SLICE):
                self._slice(unit)
        except Malformed as exc:
            if kind in (SPS, SUBSET_SPS):
                self._problem = self._problem or f"a Sequence Parameter Set cannot be read: {exc}"

    def result(self) -> VideoFacts:
        """Return what is known; frames are counted as far as was read."""
        problem = self._problem or ("" if self.facts.columns else "no Sequence Parameter Set was found")
        return replace(
            self.facts,
            frames=self._pictures - self._fields + (self._fields + 1) // 2,
            changes=self._changes,
            packed=self._packed,
            views=self._views,
            problem=problem,
        )

    def _parameter_set(self, unit: bytes) -> None:
        facts, numbering, number = sequence_parameter_set(unit)
        if not self._sets:
            self.facts = facts
        elif any(_shape(facts) != _shape(known) for known, _ in self._sets.values()):
            self._changes = True
        if len(self._sets) < _MOST_PARAMETER_SETS:
            self._sets[number] = facts, numbering
        self._active = numbering

    def _slice(self, unit: bytes) -> None:
        """Count a picture at its first slice (7.3.3): the one that begins with macroblock 0."""
        bits = Bits(unescaped(unit[1:33]))
        if bits.ue() or self._active is None:
            return
        bits.ue()
        bits.ue()
        if self._active.separate_planes:
            bits.u(2)
        bits.u(self._active.frame_num_bits)
        self._pictures += 1
        if not self._active.frames_only and bits.flag():
            self._fields += 1


def _shape(facts: VideoFacts) -> tuple[int, ...]:
    return facts.profile, facts.level, facts.columns, facts.rows


def unescaped(payload: bytes) -> bytes:
    """Return the RBSP of a NAL unit: without emulation_prevention_three_byte (7.4.1)."""
    return payload.replace(b"\x00\x00\x03", b"\x00\x00")


def sequence_parameter_set(unit: bytes) -> tuple[VideoFacts, Numbering, int]:
    """Read a Sequence Parameter Set, or the first part of a subset SPS (7.3.2.1.1, 7.3.2.1.3).

    Args:
        unit: The NAL unit with its first byte.

    Returns:
        What it says, what slices need, and its seq_parameter_set_id.

    Raises:
        Malformed: It is cut short, or a number in it cannot be.
    """
    bits = Bits(unescaped(unit[1:]))
    profile, constraints, level = bits.u(8), bits.u(8), bits.u(8)
    number = bits.ue(31)
    chroma, depth, separate = _chroma(bits) if profile in _WITH_CHROMA else (1, 8, False)
    frame_num_bits = bits.ue(12) + 4
    _picture_order(bits)
    bits.ue(16)  # max_num_ref_frames
    bits.u(1)
    across, down = bits.ue(_MOST_MACROBLOCKS) + 1, bits.ue(_MOST_MACROBLOCKS) + 1
    frames_only = bits.flag()
    if not frames_only:
        bits.u(1)
    bits.u(1)
    columns, rows = _cropped(bits, 16 * across, 16 * down * (2 - frames_only), chroma, frames_only)
    facts = VideoFacts(
        codec="h264",
        profile=profile,
        level=level,
        constraints=constraints,
        columns=columns,
        rows=rows,
        chroma=chroma,
        bits=depth,
        progressive=frames_only,
    )
    if bits.flag():
        facts = _usability(bits, facts)
    return facts, Numbering(frame_num_bits, frames_only, separate), number


def _chroma(bits: Bits) -> tuple[int, int, bool]:
    """Return chroma_format_idc, the deeper bit depth, and separate_colour_plane_flag."""
    chroma = bits.ue(3)
    separate = chroma == 3 and bits.flag()
    depth = 8 + max(bits.ue(6), bits.ue(6))
    bits.u(1)
    if bits.flag():
        for index in range(12 if chroma == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma, depth, separate


def _skip_scaling_list(bits: Bits, size: int) -> None:
    """Pass over a scaling_list (7.3.2.1.1.1)."""
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _picture_order(bits: Bits) -> None:
    kind = bits.ue(2)
    if kind == 0:
        bits.ue(12)
    elif kind == 1:
        bits.u(1)
        bits.se()
        bits.se()
        for _ in range(bits.ue(255)):
            bits.se()


def _cropped(bits: Bits, columns: int, rows: int, chroma: int, frames_only: bool) -> tuple[int, int]:
    """Return the size inside the cropping rectangle (7.4.2.1.1)."""
    if bits.flag():
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        columns -= (left + right) * (2 if chroma in (1, 2) else 1)
        rows -= (top + bottom) * (2 if chroma == 1 else 1) * (2 - frames_only)
    if columns <= 0 or rows <= 0:
        raise Malformed("it crops more than the picture")
    return columns, rows


def _usability(bits: Bits, facts: VideoFacts) -> VideoFacts:
    """Add what vui_parameters say of aspect ratio and timing (E.1.1)."""
    if bits.flag():
        aspect = bits.u(8)
        square = None
        if aspect == _EXTENDED_SAR:
            width, height = bits.u(16), bits.u(16)
            square = width == height
        facts = replace(facts, aspect=aspect, square=square)
    if bits.flag():
        bits.u(1)
    if bits.flag():
        bits.u(4)
        if bits.flag():
            bits.u(24)
    if bits.flag():
        bits.ue()
        bits.ue()
    if bits.flag():
        ticks, scale = bits.u(32), bits.u(32)
        if ticks and scale:
            facts = replace(facts, rate=Fraction(scale, 2 * ticks))
    return facts


def frame_packing(unit: bytes) -> bool:
    """Tell whether an SEI NAL unit arranges two views in one frame, and does not cancel it (7.3.2.3, D.1.26)."""
    for kind, payload in _sei_messages(unescaped(unit[1:])):
        if kind == _FRAME_PACKING:
            bits = Bits(payload)
            bits.ue()
            return not bits.flag()
    return False


def _sei_messages(rbsp: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield payloadType and payload of each message that is whole."""
    position = 0
    while position < len(rbsp) - 2:
        numbers = []
        for _ in range(2):
            total = 0
            while position < len(rbsp) and rbsp[position] == 0xFF:
                total += 255
                position += 1
            if position >= len(rbsp):
                return
            numbers.append(total + rbsp[position])
            position += 1
        kind, size = numbers
        if position + size > len(rbsp):
            return
        yield kind, rbsp[position : position + size]
        position += size
