"""Whatever the bytes are, a stream is inspected without an exception, soon, and in little memory."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.rules.video_tables import video_syntaxes
from mediacreator.video import VideoFacts, bits, check, inspect, inspecting
from tests.video.catalogue import CLIPS

MIB = 1 << 20
LENGTHS = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1", b"\x7f\xff\xff\xff"]
STARTS = [b"", b"\0\0\1\xb3", b"\0\0\1\xba", b"\0\0\1\xe0", b"\0\0\0\x18ftypisom", b"\0\0\1\x67"]
SMALL = [clip.data for clip in CLIPS.values() if len(clip.data) < 16_000]


def judged(data: bytes) -> VideoFacts:
    """Inspect and check bytes under every video Transfer Syntax."""
    facts = inspect(lambda position, count: data[position : position + count], len(data))
    for uid in video_syntaxes():
        for finding in check(facts, {}, uid, "source 1"):
            assert finding.what
            assert finding.expected
            assert finding.clause
            assert finding.remedy
    return facts


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a clip with flipped, replaced, inserted or missing bytes."""
    data = bytearray(draw(st.sampled_from(SMALL)))
    for _ in range(draw(st.integers(1, 12))):
        at = draw(st.integers(0, len(data) - 1))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == 1:
            data[at : at + 4] = draw(
                st.sampled_from([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1", b"\x7f\xff\xff\xff"])
            )
        elif kind == 2:
            data[at:at] = draw(st.binary(max_size=8))
        else:
            del data[at : at + draw(st.integers(1, 64))]
        if not data:
            return b""
    return bytes(data)


@given(damaged())
@settings(max_examples=400, deadline=None)
def test_damage_is_survived(data: bytes) -> None:
    judged(data)


@given(st.sampled_from(SMALL), st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_a_stream_may_end_anywhere(data: bytes, part: float) -> None:
    judged(data[: int(part * len(data))])


@given(
    st.sampled_from([b"", b"\0\0\1\xb3", b"\0\0\1\xba", b"\0\0\1\xe0", b"\0\0\0\x18ftypisom", b"\0\0\1\x67"]),
    st.binary(),
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_survived(start: bytes, rest: bytes) -> None:
    judged(start + rest)


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\1\xb3" + b"\0\0\1" * (MIB // 3),
        b"\0\0\1\x67" + b"\0\0\1\x65\x80" * (MIB // 4),
        b"\0\0\1\xba" + bytes(10) + b"\0\0\1\xe0\0\0" * (MIB // 4),
        b"\0\0\1\xba" + bytes(10) + b"\0\0\1\xc0\0\0" * (MIB // 4),
        b"\x47" * MIB,
        b"\0\0\0\x08ftyp" + b"\0\0\0\x08free" * (MIB // 8),
        b"\0\0\0\x08ftyp" + (b"\0\x20\0\0moov" + b"\0\0\0\x08trak" * (MIB // 16)).ljust(2 * MIB, b"\0"),
    ],
    ids=["start codes", "slices", "video packets", "audio packets", "sync bytes", "boxes", "tracks"],
)
def test_what_repeats_itself_ends(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read twice at most, and little memory is taken."""
    monkeypatch.setattr(inspecting, "BEGINNING", MIB // 2)
    asked = 0

    def read_at(position: int, count: int) -> bytes:
        nonlocal asked
        asked += count
        return data[position : position + count]

    tracemalloc.start()
    inspect(read_at, 1 << 40)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * MIB
    assert asked <= 2 * MIB


def test_units_without_end_are_not_all_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bits, "MOST_UNITS", 100)
    data = CLIPS["mpml-pal.m2v"].data
    facts = inspect(lambda position, count: (data * 9)[position : position + count], 9 * len(data))
    assert (facts.columns, facts.frames) == (720, None)


def test_an_mp4_box_that_leads_to_itself_or_outside_is_left() -> None:
    for length in (0, 1, 2, 7, 0xFFFFFFFF):
        data = CLIPS["hp41-1080p25.mp4"].data
        for kind in (b"moov", b"trak", b"mdia", b"stbl", b"stsd", b"avc1", b"avcC", b"stts", b"hdlr"):
            at = data.index(kind) - 4
            judged(data[:at] + length.to_bytes(4, "big") + data[at + 4 :])
