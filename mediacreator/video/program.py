"""Take the video out of an MPEG-2 Program Stream or bare PES packets (ISO/IEC 13818-1 2.5, 2.4.3.6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mediacreator.video.bits import START_CODE

PACK = 0xBA
_END = 0xB9
_LARGEST_PACKET = 6 + 0xFFFF  # bytes of a PES packet
_MOST_PACKETS = 1 << 18  # of video; 16 MiB in packets of 2 KiB are 2^13


def is_video(stream_id: int) -> bool:
    """Tell whether PES packets of a stream_id carry video (Table 2-22)."""
    return stream_id & 0xF0 == 0xE0


def video(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the payload of each video packet; what makes no sense is passed over to the next start code."""
    data = b""
    packets = 0
    for piece in pieces:
        data += piece
        position, payloads = _walk(data, last=False)
        yield from payloads
        data = data[position:]
        packets += len(payloads)
        if packets > _MOST_PACKETS:
            return
    yield from _walk(data, last=True)[1]


def _walk(data: bytes, *, last: bool) -> tuple[int, list[bytes]]:
    """Return how far the packets go that are whole (or all, at the end of the stream), and what they carry."""
    payloads: list[bytes] = []
    position = 0
    while last or len(data) - position > _LARGEST_PACKET:
        position = data.find(START_CODE, position)
        if position < 0:
            return len(data) if last else len(data) - 2, payloads
        end = _end(data, position)
        if data[position + 3 : position + 4] and is_video(data[position + 3]):
            payloads.append(_payload(data[position:end]))
        position = end
    return position, payloads


def _end(data: bytes, position: int) -> int:
    """Return where what begins at a start code ends; always farther on."""
    kind = data[position + 3] if position + 3 < len(data) else _END
    if kind == PACK:
        head = data[position + 4 : position + 14]
        if head[:1] and head[0] & 0xC0 == 0x40:
            return position + 14 + (head[9] & 7 if len(head) == 10 else 0)
        return position + 12  # ISO/IEC 11172-1
    if kind < PACK:
        return position + 4
    length = int.from_bytes(data[position + 4 : position + 6], "big")
    if not length and is_video(kind):  # of any length: only a Transport Stream may, but PES packets are cut out of one
        following = data.find(START_CODE + bytes([kind]), position + 6)
        return following if following >= 0 else len(data)
    return position + 6 + length


def _payload(packet: bytes) -> bytes:
    """Return what a packet carries; the header of ISO/IEC 11172-1 is left before it, and holds no start code."""
    if len(packet) > 8 and packet[6] & 0xC0 == 0x80:
        return packet[9 + packet[8] :]
    return packet[6:]
