"""Find JPEG frames that lack tables: in Interchange Format each carries its own (PS3.5 8.2.1, ISO/IEC 10918-1 B.4)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mediacreator.model import UNDEFINED_LENGTH, Header
from mediacreator.rules.tables import transfer_syntaxes
from mediacreator.sources.reading import open_source
from mediacreator.transcode.dataset import EXPLICIT_LITTLE, PIXEL_DATA, DataSetReader, Element
from mediacreator.transcode.refusal import Refusal

_FIRST = 1 << 16
"""Bytes of a frame that are read; the tables stand before the first scan, and seldom beyond some hundreds."""

_SOS, _DQT, _DHT, _SOI = 0xDA, 0xDB, 0xC4, 0xD8
_STANDALONE = frozenset((0x01, _SOI, *range(0xD0, 0xD8)))
_LOSSLESS = frozenset((0xC3, 0xC7, 0xCB, 0xCF))  # SOF of lossless processes: they have no quantization tables
_FRAMES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))


def frames_without_tables(header: Header) -> tuple[int, ...] | None:
    """Return the numbers, from 1, of the frames whose codestream lacks a table; None where it cannot be told.

    Args:
        header: Of an instance. One whose Transfer Syntax is not JPEG has no such frames.

    Raises:
        SourceUnreadable: The file cannot be read.
    """
    syntax = transfer_syntaxes().get(header.transfer_syntax_uid)
    place = header.pixel_data
    if syntax is None or syntax.codec != "jpeg":
        return ()
    if place is None or place.length != UNDEFINED_LENGTH:
        return None
    with open_source(header.source) as stream:
        reader = DataSetReader(stream, header.source.size)
        pixels = Element(PIXEL_DATA, "OB", place.offset - 12, place.offset, place.length, reader.size, EXPLICIT_LITTLE)
        try:
            found = [_has_tables(head) for head in _starts(reader, pixels)]
        except (Refusal, struct.error, IndexError):
            return None
    if not found or None in found:
        return None
    return tuple(number for number, has in enumerate(found, 1) if not has)


def _starts(reader: DataSetReader, pixels: Element) -> Iterator[bytes]:
    """Yield the beginning of each frame: a fragment that begins with the Start of Image marker, and those after it."""
    head = b""
    for number, (offset, length) in enumerate(reader.fragments(pixels)):
        if not number:
            continue  # the first item is the Basic Offset Table
        if head and reader.bytes_at(offset, min(length, 2)) == b"\xff\xd8":
            yield head
            head = b""
        if len(head) < _FIRST:
            head += reader.bytes_at(offset, min(length, _FIRST))
    if head:
        yield head


def _has_tables(head: bytes) -> bool | None:
    """Tell whether the tables that a frame needs stand before its first scan; None if that is not seen."""
    needed = {_DHT, _DQT}
    seen: set[int] = set()
    position = 0
    while position + 4 <= len(head):
        if head[position] != 0xFF:
            return None
        marker = head[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        position += 2
        if marker == _SOS:
            return needed <= seen
        if marker in _LOSSLESS:
            needed = {_DHT}
        if marker not in _STANDALONE:
            seen.add(marker)
            position += struct.unpack_from(">H", head, position)[0]
    return None
