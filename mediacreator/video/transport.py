"""Take the video out of an MPEG-2 Transport Stream (ISO/IEC 13818-1 2.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

PACKET = 188
TIMED_PACKET = 192  # a time stamp of four bytes before each packet, as on Blu-ray discs
SYNC = 0x47

STREAM_TYPES = {0x01: "mpeg", 0x02: "mpeg", 0x1B: "h264", 0x20: "h264", 0x24: "hevc"}
"""Video by stream_type (Table 2-34); 0x20 is the second view of H.264 Annex H in a PID of its own."""

OTHER_VIDEO = {0x10: "MPEG-4 Visual", 0x1F: "H.264 Annex G", 0x21: "JPEG 2000 video", 0x33: "VVC/H.266", 0xEA: "VC-1"}

_PAT_PID, _NULL_PID = 0x0000, 0x1FFF
_PAT_TABLE, _PMT_TABLE = 0x00, 0x02
_CLOCK = 90_000  # ticks a second of a time stamp
_MOST_TIMES, _FEWEST_STEPS = 256, 3
_MOST_SECTION = 1024 + 3  # bytes (2.4.4.1)


@dataclass(frozen=True, slots=True)
class Programme:
    """The video streams of the first programme."""

    codec: str  # mpeg, h264, hevc, or "" where no table tells it
    pids: tuple[int, ...]
    other: str = ""  # video of a kind that this program does not read


def packet_size(first: bytes) -> int:
    """Return 188 or 192 where bytes begin a Transport Stream, else 0."""
    for size, before in ((PACKET, 0), (TIMED_PACKET, 4)):
        marks = first[before : before + 5 * size : size]
        if len(marks) > 1 and len(first) >= 2 * size and set(marks) == {SYNC}:
            return size
    return 0


def packets(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield whole packets of 188 bytes; where the rhythm is lost it is found again."""
    before = size - PACKET
    rest = b""
    for piece in pieces:
        data = rest + piece
        position = 0
        while position + size <= len(data):
            if data[position + before] == SYNC:
                yield data[position + before : position + size]
                position += size
            else:
                found = data.find(SYNC, position + before + 1)
                position = found - before if found >= 0 else len(data)
        rest = data[position:]


def payload(packet: bytes) -> bytes:
    """Return what a packet carries (2.4.3.2); nothing for one that is scrambled or damaged."""
    if packet[1] & 0x80 or packet[3] & 0xC0 or not packet[3] & 0x10:
        return b""
    return packet[5 + packet[4] :] if packet[3] & 0x20 else packet[4:]


def pid_of(packet: bytes) -> int:
    """Return the PID of a packet."""
    return (packet[1] & 0x1F) << 8 | packet[2]


def find_programme(some: Iterable[bytes]) -> Programme:
    """Find the video of the first programme in the tables of a Transport Stream.

    Where there are no tables, it is the first PID that carries video in PES packets.
    """
    sections: dict[int, bytearray] = {}
    map_pid = -1
    guess: tuple[int, ...] = ()
    for packet in some:
        pid = pid_of(packet)
        carried = payload(packet)
        begins = bool(packet[1] & 0x40)
        if pid in (_PAT_PID, map_pid):
            section = _section(sections, pid, carried, begins)
            if section[:1] == bytes([_PAT_TABLE]) and pid == _PAT_PID and map_pid < 0:
                map_pid = _first_programme(section)
            elif section[:1] == bytes([_PMT_TABLE]) and pid == map_pid:
                return _streams(section)
        elif begins and not guess and _is_video_pes(carried):
            guess = (pid,)
    return Programme("", guess)


def video(some: Iterable[bytes], pids: tuple[int, ...], times: list[int]) -> Iterator[tuple[int, bytes]]:
    """Yield PID and piece of the elementary streams that these PIDs carry.

    Args:
        some: Packets.
        pids: Of the streams.
        times: Takes the first presentation time stamps of the first stream.
    """
    for packet in some:
        pid = pid_of(packet)
        if pid in pids:
            carried = payload(packet)
            if packet[1] & 0x40:
                if pid == pids[0] and len(times) < _MOST_TIMES:
                    times += presentation_time(carried)
                carried = without_pes_header(carried)
            if carried:
                yield pid, carried


def presentation_time(packet: bytes) -> tuple[int, ...]:
    """Return the PTS of the beginning of a PES packet, in ticks of 90 kHz, or nothing (2.4.3.7)."""
    if len(packet) < 14 or packet[6] & 0xC0 != 0x80 or not packet[7] & 0x80:
        return ()
    stamp = int.from_bytes(packet[9:14], "big")
    return ((stamp >> 33 & 7) << 30 | (stamp >> 17 & 0x7FFF) << 15 | (stamp >> 1 & 0x7FFF),)


def rate_of(times: list[int]) -> Fraction | None:
    """Return the frame rate that time stamps tell where they are even, else None.

    One PES packet holds one access unit of H.264 and HEVC where a time stamp stands in each (2.14.1).
    """
    ordered = sorted(set(times))
    steps = [after - before for before, after in pairwise(ordered)]
    if len(steps) < _FEWEST_STEPS or max(steps) - min(steps) > 1:
        return None
    return Fraction(_CLOCK * len(steps), ordered[-1] - ordered[0])


def without_pes_header(packet: bytes) -> bytes:
    """Return the payload of the beginning of a PES packet (2.4.3.6)."""
    if packet[:3] != b"\x00\x00\x01" or len(packet) < 9:
        return b""
    return packet[9 + packet[8] :] if packet[6] & 0xC0 == 0x80 else packet[6:]


def _is_video_pes(carried: bytes) -> bool:
    return carried[:3] == b"\x00\x00\x01" and len(carried) > 3 and carried[3] & 0xF0 == 0xE0


def _section(sections: dict[int, bytearray], pid: int, carried: bytes, begins: bool) -> bytes:
    """Return the section that a packet completes, or nothing (2.4.4.1)."""
    if begins:
        if not carried or 1 + carried[0] > len(carried):
            return b""
        sections[pid] = bytearray(carried[1 + carried[0] :])
    elif pid in sections:
        sections[pid] += carried
    held = sections.get(pid, bytearray())
    if len(held) < 3:
        return b""
    size = 3 + ((held[1] & 0x0F) << 8 | held[2])
    if size > _MOST_SECTION:
        del sections[pid]
        return b""
    if len(held) < size:
        return b""
    del sections[pid]
    return bytes(held[: size - 4])  # without CRC_32


def _first_programme(section: bytes) -> int:
    """Return the PID of the first program map (2.4.4.3), -1 for none."""
    for position in range(8, len(section) - 3, 4):
        if int.from_bytes(section[position : position + 2], "big"):
            return int.from_bytes(section[position + 2 : position + 4], "big") & 0x1FFF
    return -1


def _streams(section: bytes) -> Programme:
    """Return the video of a program map section (2.4.4.8)."""
    pids: dict[str, list[int]] = {}
    other = ""
    position = 12 + (int.from_bytes(section[10:12], "big") & 0x0FFF)
    while position + 5 <= len(section):
        kind = section[position]
        pid = int.from_bytes(section[position + 1 : position + 3], "big") & 0x1FFF
        codec = STREAM_TYPES.get(kind)
        if codec and pid != _NULL_PID:
            pids.setdefault(codec, []).append(pid)
        other = other or OTHER_VIDEO.get(kind, "")
        position += 5 + (int.from_bytes(section[position + 3 : position + 5], "big") & 0x0FFF)
    for codec, found in pids.items():
        return Programme(codec, tuple(found[:2]))
    return Programme("", (), other)
