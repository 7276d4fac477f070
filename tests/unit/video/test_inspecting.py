"""Each clip is what the catalogue says, whatever it is wrapped in; what is no video is named."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import pytest

from mediacreator.video import VideoFacts, h264, inspect, inspecting
from mediacreator.video.bits import MOST_UNIT, Bits, Malformed, StartCodes
from mediacreator.video.transport import rate_of
from tests.video.catalogue import CLIPS, Clip


def facts_of(data: bytes) -> VideoFacts:
    return inspect(lambda position, count: data[position : position + count], len(data))


READ = [clip for clip in CLIPS.values() if clip.codec != "hevc"]


@pytest.mark.parametrize("clip", READ, ids=lambda clip: clip.file)
def test_a_clip_is_what_the_catalogue_says(clip: Clip) -> None:
    facts = facts_of(clip.data)
    assert (facts.codec, facts.container) == (clip.codec, clip.container)
    assert (facts.profile, facts.level) == (clip.profile, clip.level)
    assert (facts.columns, facts.rows) == (clip.columns, clip.rows)
    assert (facts.rate, facts.frames) == (clip.frame_rate, clip.frames)
    assert facts.problem == ""
    assert not facts.changes
    assert facts.progressive is (None if clip.codec == "mpeg1" else not clip.interlaced)


def test_stereo_is_found() -> None:
    assert facts_of(CLIPS["stereo-1080p30.ts"].data).views == (128, 42)
    assert facts_of(CLIPS["hp42-sidebyside.ts"].data).packed is True
    assert facts_of(CLIPS["hp42-sidebyside.mp4"].data).packed is True
    assert facts_of(CLIPS["hp42-1080p60.ts"].data).packed is False


def test_hevc_is_named_and_no_more() -> None:
    facts = facts_of(CLIPS["hevc-720p25.mp4"].data)
    assert str(facts) == "HEVC/H.265 Main Profile / Level 3.1 in an MP4 file"
    assert facts.columns == 0


def test_padding_and_what_comes_before_a_start_code_do_no_harm() -> None:
    clip = CLIPS["mpml-pal.m2v"]
    assert facts_of(b"\0\0" + clip.data + b"\0") == facts_of(clip.data)


def timed_packets(data: bytes) -> bytes:
    return b"".join(b"\0\1\2\3" + data[at : at + 188] for at in range(0, len(data), 188))


def test_time_stamps_before_transport_packets() -> None:
    facts = facts_of(timed_packets(CLIPS["bd-1080i25.ts"].data))
    assert facts.container == "m2ts"
    assert (facts.columns, facts.frames) == (1920, 4)


def test_a_lost_packet_boundary_is_found_again() -> None:
    data = CLIPS["hp41-xga80.ts"].data
    facts = facts_of(data[: 188 * 12] + b"\0\0\0" + data[188 * 12 :])
    assert (facts.columns, facts.rows, facts.level) == (1024, 768, 41)


def test_a_transport_stream_without_tables_is_read_all_the_same() -> None:
    data = CLIPS["mpml-ntsc.ts"].data
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    video = b"".join(packet for packet in packets if (packet[1] & 0x1F) << 8 | packet[2] == 0x100)
    facts = facts_of(video)
    assert (facts.codec, facts.columns, facts.rows) == ("mpeg2", 720, 480)


def test_even_time_stamps_are_a_rate() -> None:
    assert rate_of([90_000, 93_600, 100_800, 97_200]) == 25
    assert rate_of([0, 1501, 3003, 4504, 6006]) == Fraction(60_000, 1001)
    assert rate_of([0, 3600, 10_800, 14_400]) is None
    assert rate_of([0]) is None


def test_time_stamps_tell_the_rate_where_the_stream_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h264, "_usability", lambda _bits, facts: facts)
    assert facts_of(CLIPS["hp41-1080p25.ts"].data).rate == 25
    assert facts_of(CLIPS["hp41-1080p25.264"].data).rate is None


def test_pes_packets_without_a_pack() -> None:
    program = CLIPS["mpml-pal.mpg"].data
    facts = facts_of(program[program.index(b"\0\0\1\xe0") :])
    assert (facts.container, facts.codec, facts.frames) == ("pes", "mpeg2", 5)


def test_a_pes_packet_of_any_length() -> None:
    header = b"\0\0\1\xe0\0\0\x80\0\0"
    facts = facts_of(header + CLIPS["mpml-pal.m2v"].data)
    assert (facts.container, facts.columns, facts.frames) == ("pes", 720, 5)


def test_two_fields_are_one_frame() -> None:
    data = CLIPS["mpml-pal.m2v"].data
    coding = data.index(b"\0\0\1\xb5\x8f")
    field = data[: coding + 6] + bytes([data[coding + 6] & 0xFC | 1]) + data[coding + 7 :]
    assert facts_of(field).frames == 5  # one of five pictures is a field, the other field is not there


def test_a_stream_that_changes_its_size_is_noticed() -> None:
    one, other = CLIPS["mpml-pal.m2v"].data, CLIPS["mphl-1080p25.m2v"].data
    facts = facts_of(one + other)
    assert facts.changes
    assert (facts.columns, facts.frames) == (720, 8)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\xff\xd8\xff\xe0" + bytes(100), "a JPEG image"),
        (b"\xff\x4f\xff\x51" + bytes(100), "a JPEG 2000 image"),
        (b"RIFF\x00\x00\x00\x00AVI LIST" + bytes(100), "an AVI file or another RIFF file"),
        (b"\x1a\x45\xdf\xa3" + bytes(100), "a Matroska or WebM file"),
        (b"", "nothing"),
        (bytes(100), "something that begins with 00 00 00 00 00 00 00 00"),
        (b"Hello, world! " * 20, "something that begins with 48 65 6C 6C 6F 2C 20 77"),
    ],
)
def test_what_is_no_video_is_named(data: bytes, name: str) -> None:
    facts = facts_of(data)
    assert (facts.codec, facts.container, str(facts)) == ("", "", name)


def test_an_mp4_file_without_moov_says_so() -> None:
    data = CLIPS["hp41-1080p25.mp4"].data
    assert facts_of(data.replace(b"moov", b"free")).problem == "the file has no moov box, which says what is in it"
    assert facts_of(data.replace(b"vide", b"soun")).problem == "the file has no video track"
    assert facts_of(data.replace(b"avc1", b"av01")).other == "AV1"
    assert facts_of(data.replace(b"isom", b"qt  ", 1)).container == "mov"


def test_only_the_beginning_of_a_large_stream_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 64 GiB, which no machine holds, not more than some MiB are asked for, and little is kept."""
    clip = CLIPS["hp41-1080p25.ts"].data
    asked = 0

    def sparse(position: int, count: int) -> bytes:
        nonlocal asked
        asked += count
        return clip[position : position + count].ljust(count, b"\0")

    tracemalloc.start()
    facts = inspect(sparse, 1 << 36)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (facts.columns, facts.level, facts.frames) == (1920, 41, None)
    assert asked <= 3 * inspecting.BEGINNING
    assert peak < 1 << 21


def test_the_moov_behind_a_large_mdat_is_found() -> None:
    data = CLIPS["hp41-1080p25.mp4"].data
    moov = data.index(b"moov") - 4
    head, tail = data[: data.index(b"mdat") - 4], data[moov:]
    gap = 5 << 32
    wide = head + (1).to_bytes(4, "big") + b"mdat" + (gap + 16).to_bytes(8, "big")
    end = len(wide) + gap

    def read_at(position: int, count: int) -> bytes:
        if position < len(wide):
            return wide[position : position + count].ljust(min(count, end - position), b"\0")
        return tail[position - end : position - end + count] if position >= end else bytes(count)

    facts = inspect(read_at, end + len(tail))
    assert (facts.container, facts.columns, facts.frames, facts.rate) == ("mp4", 1920, 5, Fraction(25))


def test_exp_golomb_numbers() -> None:
    bits = Bits(int("101001100100001110000000", 2).to_bytes(3, "big"))
    assert [bits.ue() for _ in range(4)] == [0, 1, 2, 3]
    assert bits.se() == -3
    with pytest.raises(Malformed, match="cut short"):
        bits.ue()
    with pytest.raises(Malformed, match="no end"):
        Bits(bytes(8)).ue()
    with pytest.raises(Malformed, match="more than 3"):
        Bits(b"\x28").ue(3)


@pytest.mark.parametrize("width", [1, 2, 3, 5, 1000])
def test_start_codes_are_found_across_pieces(width: int) -> None:
    stream = b"\xaa\0\0\1\x67abc\0\0\0\1\x68\0\0\1\x65" + bytes(range(4, 255)) * 50 + b"\0\0\1"
    units: list[bytes] = []
    cutter = StartCodes(units.append)
    for at in range(0, len(stream), width):
        cutter.feed(stream[at : at + width])
    cutter.close()
    assert [unit[:1] for unit in units] == [b"\x67", b"\x68", b"\x65"]
    assert units[0].rstrip(b"\0") == b"\x67abc"
    assert len(units[2]) == MOST_UNIT
