"""Find out what a video stream is: its container, its codec, and what its parameter sets say.

Of a stream that is not large all is read, so that frames can be counted; of a larger one the beginning, and of an MP4
file what its boxes lead to. Memory does not grow with the stream, and nothing is allocated by a length it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Protocol

from mediacreator.video import mp4, program, transport
from mediacreator.video.bits import Malformed, StartCodes
from mediacreator.video.facts import VideoFacts
from mediacreator.video.h264 import H264Reader
from mediacreator.video.hevc import HEVCReader
from mediacreator.video.mp4 import ReadAt
from mediacreator.video.mpeg2 import MPEG2Reader

COUNTED = 1 << 24
"""Bytes of a stream that is read whole."""
BEGINNING = 1 << 22
"""Bytes that are read of a larger one: some seconds, in which parameter sets come again and again."""

_PIECE = 1 << 16
_FIRST = 4096  # bytes that tell the container
_MOST_TABLE_PACKETS = 1 << 14  # packets in which the tables of a Transport Stream are looked for

_NOT_VIDEO = (
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"RIFF", "an AVI file or another RIFF file"),
    (b"\x1a\x45\xdf\xa3", "a Matroska or WebM file"),
    (b"\x30\x26\xb2\x75", "an ASF or WMV file"),
    (b"OggS", "an Ogg file"),
    (b"FLV", "a Flash video"),
)
UNREAD_CONTAINERS = frozenset(("an AVI file or another RIFF file", "a Matroska or WebM file", "an ASF or WMV file"))
"""What may hold video of a codec that DICOM takes, in a container that this program does not read."""


class Reader(Protocol):
    """Gathers what the units of one codec say."""

    def take(self, unit: bytes) -> None:
        """Read one unit."""

    def result(self) -> VideoFacts:
        """Return what is known."""


class Guessing:
    """A Reader for a stream whose container does not tell the codec: the first unit that can be of one only decides."""

    def __init__(self) -> None:
        self.reader: Reader | None = None

    def take(self, unit: bytes) -> None:
        """Read one unit."""
        if self.reader is None and (codec := codec_of(unit)):
            self.reader = _READERS[codec]()
        if self.reader is not None:
            self.reader.take(unit)

    def result(self) -> VideoFacts:
        """Return what is known."""
        return self.reader.result() if self.reader else VideoFacts(problem="no header of a video stream was found")


_READERS: Mapping[str, Callable[[], Reader]] = {
    "mpeg": MPEG2Reader,
    "h264": H264Reader,
    "hevc": HEVCReader,
    "": Guessing,
}


def codec_of(unit: bytes) -> str:
    """Tell the codec of what stands behind a start code, ``""`` where it cannot be told."""
    first = unit[0]
    if first in (0xB3, 0xB8, 0x00):  # sequence header, group of pictures, picture
        return "mpeg"
    if first in (0x40, 0x42, 0x46) and unit[1:2] == b"\x01":  # VPS, SPS, access unit delimiter of the first layer
        return "hevc"
    if first in (0x09, 0x27, 0x47, 0x67):  # access unit delimiter, Sequence Parameter Set
        return "h264"
    return ""


def inspect(read_at: ReadAt, size: int) -> VideoFacts:
    """Find out what a video stream is.

    Args:
        read_at: Gives bytes of the stream.
        size: Its length in bytes, padding included.

    Returns:
        What could be read; ``problem`` says what could not.
    """
    first = read_at(0, min(size, _FIRST))
    packet = transport.packet_size(first)
    if packet:
        return _transport(read_at, size, packet)
    if first[4:8] in mp4.TOP_LEVEL:
        return _mp4(read_at, size)
    for magic, name in _NOT_VIDEO:
        if first.startswith(magic):
            return VideoFacts(other=name)
    begin = first.lstrip(b"\x00")
    if begin[:1] != b"\x01" or len(begin) > len(first) - 2 or len(begin) < 2:
        return VideoFacts(other=f"something that begins with {first[:8].hex(' ').upper()}" if first else "nothing")
    if begin[1] == program.PACK or program.is_video(begin[1]):
        return _program(read_at, size, "ps" if begin[1] == program.PACK else "pes")
    return _elementary(_pieces(read_at, size), size, "es")


def _pieces(read_at: ReadAt, size: int) -> Iterator[bytes]:
    """Yield what is read of a stream."""
    end = _most(size)
    for position in range(0, end, _PIECE):
        piece = read_at(position, min(_PIECE, end - position))
        if not piece:
            return
        yield piece


def _most(size: int) -> int:
    return size if size <= COUNTED else BEGINNING


def _finished(reader: Reader, whole: bool, container: str) -> VideoFacts:
    """Return what a reader knows; frames only where it saw all of them."""
    facts = reader.result()
    return replace(facts, container=container, frames=facts.frames if whole and facts.frames else None)


def _elementary(pieces: Iterable[bytes], size: int, container: str) -> VideoFacts:
    reader = Guessing()
    cutter = StartCodes(reader.take)
    for piece in pieces:
        cutter.feed(piece)
    cutter.close()
    return _finished(reader, size <= COUNTED and not cutter.overflowed, container)


def _program(read_at: ReadAt, size: int, container: str) -> VideoFacts:
    if container == "pes" and read_at(0, 6)[4:] == b"\x00\x00":  # of any length: what it holds is found all the same
        return _elementary(_pieces(read_at, size), size, container)
    return _elementary(program.video(_pieces(read_at, size)), size, container)


def _transport(read_at: ReadAt, size: int, packet: int) -> VideoFacts:
    container = "ts" if packet == transport.PACKET else "m2ts"
    some = islice(transport.packets(_pieces(read_at, size), packet), _MOST_TABLE_PACKETS)
    programme = transport.find_programme(some)
    if not programme.pids:
        other = programme.other or "an MPEG-2 Transport Stream without video"
        return VideoFacts(container=container, other=other)
    reader = _READERS[programme.codec]()
    cutters = {pid: StartCodes(reader.take) for pid in programme.pids}
    times: list[int] = []
    for pid, piece in transport.video(transport.packets(_pieces(read_at, size), packet), programme.pids, times):
        cutters[pid].feed(piece)
    for cutter in cutters.values():
        cutter.close()
    whole = size <= COUNTED and not any(cutter.overflowed for cutter in cutters.values())
    facts = _finished(reader, whole, container)
    one_in_each = facts.rate is None and facts.codec in ("h264", "hevc")
    return replace(facts, rate=transport.rate_of(times)) if one_in_each else facts


def _mp4(read_at: ReadAt, size: int) -> VideoFacts:
    try:
        track = mp4.first_video(read_at, size)
    except Malformed as exc:
        return VideoFacts(container="mp4", problem=str(exc))
    if not track.codec:
        return VideoFacts(container=track.container, other=track.other)
    reader = _READERS[track.codec]()
    if track.codec == "mpeg":
        cutter = StartCodes(reader.take)
        cutter.feed(b"".join(track.units) + track.sample)
        cutter.close()
    else:
        for unit in (*track.units, *_sized_units(track.sample, track.nal_length)):
            reader.take(unit)
    facts = track.profile or reader.result()
    # What the samples take decides how it is shown; fields may be samples of their own (ISO/IEC 14496-15 5.2.3).
    rate = track.rate if track.steady and facts.progressive is not False else facts.rate or track.rate
    return replace(facts, container=track.container, frames=track.frames or None, rate=rate)


def _sized_units(sample: bytes, width: int) -> Iterator[bytes]:
    """Yield the NAL units of a sample, each behind its length (ISO/IEC 14496-15 5.3.4.2)."""
    position = 0
    while width and position + width < len(sample):
        size = int.from_bytes(sample[position : position + width], "big")
        unit = sample[position + width : position + width + size]
        if unit:
            yield unit
        position += width + size
