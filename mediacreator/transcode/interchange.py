"""Find JPEG frames that lack tables: in Interchange Format each carries its own (PS3.5 8.2.1, ISO/IEC 10918-1 B.4)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from mediacreator.errors import MediumError
from mediacreator.model import UNDEFINED_LENGTH, Disposition, EncodedInstance, Finding, Header, Outcome, Severity
from mediacreator.rules.claim import Claim
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


def refuse_abbreviated(claim: Claim, encoded: Iterable[EncodedInstance]) -> tuple[Disposition, ...]:
    """Return why JPEG instances cannot be on the medium as they are: a frame lacks tables, and no profile allows that.

    Args:
        claim: Of the File-set.
        encoded: As they will lie on the medium. Frames that were coded here have their tables, and are not looked at.

    Source: PS3.11 B.3.4.2, H.3.4.2, J.3.4.2, M.3.4.1.
    """
    if not any(profile.jpeg_interchange_format for profile in claim.profiles):
        return ()
    return tuple(found for one in encoded if not one.transcoded_from and (found := _refused(claim, one)) is not None)


def _refused(claim: Claim, one: EncodedInstance) -> Disposition | None:
    header = one.instance.header
    covering = [
        profile
        for profile in claim.profiles
        if profile.id in one.instance.profiles
        and one.transfer_syntax_uid in profile.transfer_syntaxes_for(header.sop_class_uid)
    ]
    if not covering or not all(profile.jpeg_interchange_format for profile in covering):
        return None
    try:
        lacking = frames_without_tables(header)
    except MediumError:
        return None  # who copies it says so
    if not lacking:
        return None
    clause = covering[0].clauses.get("jpeg_interchange_format", covering[0].clause)
    finding = Finding(
        "jpeg-tables-missing",
        Severity.ERROR,
        header.source.location,
        what_lacks(lacking),
        "each frame with its own tables",
        f"{clause}; PS3.5 8.2.1",
        "Fetch the instance again from where it came: without its tables nobody can decode it.",
    )
    return Disposition(header.source, Outcome.REJECTED, finding, header.sop_instance_uid)


def what_lacks(frames: tuple[int, ...]) -> str:
    """Say which frames lack tables."""
    return f"{len(frames)} JPEG frames lack tables, the first is frame {frames[0]}"


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
