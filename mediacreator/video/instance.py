"""Check the video of a DICOM file where it lies: its fragments, its stream and the attributes beside it."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import BinaryIO

from mediacreator.dicomio.header import RawHeader, Wanted, read_header
from mediacreator.dicomio.window import FIRST_READ, NotDICOM, ReadAt, Truncated, Unusual
from mediacreator.errors import SourceUnreadable
from mediacreator.model import UNDEFINED_LENGTH, Finding, Severity, SourceFile
from mediacreator.rules.tables import Key
from mediacreator.rules.video_tables import VideoSyntax, video_syntaxes
from mediacreator.sources.reading import open_source
from mediacreator.video.checking import check
from mediacreator.video.inspecting import inspect

_ITEM, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
_MOST_FRAGMENTS = 1 << 16
"""Fragments that are looked at; what lies behind them is neither read nor counted."""

_READ_BESIDES = (
    ("NumberOfFrames", 0x00280008, "IS"),
    ("Rows", 0x00280010, "US"),
    ("Columns", 0x00280011, "US"),
    ("CineRate", 0x00180040, "IS"),
    ("FrameTime", 0x00181063, "DS"),
    ("FrameTimeVector", 0x00181065, "DS"),
)
_ASK_AGAIN = "Fetch the instance again from where it came, or leave it out."
_ENCAPSULATE = "Have the Pixel Data encapsulated anew by the system that made it, or leave the instance out."


@dataclass(frozen=True, slots=True)
class Fragments:
    """The items of encapsulated Pixel Data (PS3.5 A.4); offsets in bytes from byte 0 of the file."""

    table: int  # bytes of the Basic Offset Table
    spans: tuple[tuple[int, int], ...]  # offset and length of each fragment
    more: bool = False  # there are more fragments than are looked at
    broken: str = ""  # why the items do not end as they should


def check_instance_video(source: SourceFile, location: str = "") -> tuple[Finding, ...]:
    """Check the video of a DICOM file; nothing for one whose Transfer Syntax is no video.

    Only the beginning of a large stream is read (see ``inspect``); memory does not grow with it.

    Args:
        source: The file, wherever it lies.
        location: What Findings call it; ``source.location`` if empty.

    Raises:
        SourceChanged: It vanished, or its archive is another one than was scanned.
        SourceUnreadable: It may not be read, or is damaged.

    Source: PS3.5 8.2.5 to 8.2.11, A.4.5 to A.4.11.
    """
    location = location or source.location
    with open_source(source) as stream:

        def read_at(position: int, count: int) -> bytes:
            try:
                stream.seek(position)
                return stream.read(count)
            except Exception as exc:  # a disk, or a damaged member of an archive, which raises what it likes
                reason = f"cannot be read at byte {position} ({type(exc).__name__}). Repair it, or leave it out."
                raise SourceUnreadable(f"{source.location} {reason}") from exc

        try:
            header = _header(stream, source.size, read_at)
        except (Truncated, NotDICOM) as exc:
            return (_truncated(location, str(exc)),)
        syntax = video_syntaxes().get(header.transfer_syntax_uid)
        return () if syntax is None else tuple(_check(header, syntax, read_at, source.size, location))


def _check(header: RawHeader, syntax: VideoSyntax, read_at: ReadAt, size: int, location: str) -> Iterator[Finding]:
    place = header.pixel_data
    if place is None or place.keyword != "PixelData" or place.length != UNDEFINED_LENGTH:
        found = "is absent" if place is None else "is not encapsulated"
        what = f"PixelData (7FE0,0010) {found}"
        yield Finding("video-fragments", Severity.ERROR, location, what, "a video stream", "PS3.5 A.4", _ENCAPSULATE)
        return
    fragments = find_fragments(read_at, place.offset, size)
    if fragments.broken:
        yield _truncated(location, fragments.broken)
        return
    yield from check_fragments(fragments, syntax, header.transfer_syntax_uid, location)
    joined = Joined(read_at, fragments.spans)
    facts = inspect(joined.read_at, joined.size)
    yield from check(facts, header.attributes, header.transfer_syntax_uid, location)


def find_fragments(read_at: ReadAt, offset: int, size: int) -> Fragments:
    """Find the items of encapsulated Pixel Data without reading them.

    Args:
        read_at: Reads from the file.
        offset: Of the first item, the Basic Offset Table.
        size: Of the file.
    """
    spans: list[tuple[int, int]] = []
    position = offset
    for _ in range(_MOST_FRAGMENTS + 1):
        head = read_at(position, 8)
        if len(head) < 8:
            return _found(spans, broken=f"ends at byte {size}, before the Sequence Delimitation Item of its Pixel Data")
        group, element, length = struct.unpack("<HHL", head)
        tag = group << 16 | element
        if tag == _SEQUENCE_END:
            return _found(spans)
        position += 8
        if tag != _ITEM or length == UNDEFINED_LENGTH:
            return _found(spans, broken=f"has no item of Pixel Data at byte {position - 8}")
        if position + length > size:
            broken = f"ends at byte {size}, inside a fragment of Pixel Data, which ends at byte {position + length}"
            return _found(spans, broken=broken)
        spans.append((position, length))
        position += length
    return _found(spans, more=True)


def _found(spans: list[tuple[int, int]], *, more: bool = False, broken: str = "") -> Fragments:
    return Fragments(spans[0][1] if spans else 0, tuple(spans[1:]), more, broken)


def check_fragments(fragments: Fragments, syntax: VideoSyntax, uid: str, location: str) -> Iterator[Finding]:
    """Yield what is wrong with the fragments of a video: how many there are, and their offset table."""
    count = len(fragments.spans)
    if not count or (count > 1 and syntax.fragmentable_uid and uid == syntax.uid):
        what = f"PixelData (7FE0,0010) has {'more than ' if fragments.more else ''}{count} fragments"
        expected = "one fragment, which holds the whole stream"
        clause = f"{syntax.clause}, A.4"
        yield Finding("video-fragments", Severity.ERROR, location, what, expected, clause, _ENCAPSULATE)
    if fragments.table:
        what = f"the Basic Offset Table of PixelData (7FE0,0010) has {fragments.table} bytes"
        clause = syntax.clause if syntax.offset_table is Severity.ERROR else "PS3.5 A.4"
        remedy = _ENCAPSULATE if syntax.offset_table is Severity.ERROR else "Nothing need be done."
        expected = "none: an empty item"
        yield Finding("video-offset-table", syntax.offset_table, location, what, expected, clause, remedy)


class Joined:
    """The value of fragments as one stream, read in place."""

    def __init__(self, read_at: ReadAt, spans: tuple[tuple[int, int], ...]) -> None:
        self._read_at = read_at
        self._spans = spans
        self._ends = list(accumulate(length for _, length in spans))
        self.size = self._ends[-1] if self._ends else 0

    def read_at(self, position: int, count: int) -> bytes:
        """Return up to ``count`` bytes from ``position``; fewer only at the end."""
        parts = []
        while count > 0 and 0 <= position < self.size:
            index = bisect_right(self._ends, position)
            offset, length = self._spans[index]
            within = position - (self._ends[index] - length)
            part = self._read_at(offset + within, min(count, length - within))
            if not part:
                break
            parts.append(part)
            position += len(part)
            count -= len(part)
        return b"".join(parts)


def _header(stream: BinaryIO, size: int, read_at: ReadAt) -> RawHeader:
    try:
        return read_header(read_at(0, FIRST_READ), size, read_at, _wanted())
    except Unusual:
        from mediacreator.dicomio.fallback import read_header_with_pydicom

        stream.seek(0)
        try:
            return read_header_with_pydicom(stream, size, _wanted())
        except OSError as exc:
            if exc.errno is not None:
                raise SourceUnreadable("a DICOM file cannot be read. Repair it, or leave it out.") from exc
            raise Truncated("ends, or makes no sense, before its Pixel Data") from exc  # pydicom's own words


@cache
def _wanted() -> Wanted:
    """Return what is read of a video instance; the scan reads only what all instances need."""
    rules = [(rule.keyword, rule.tag, rule.vr) for syntax in video_syntaxes().values() for rule in syntax.attributes]
    return Wanted.of(
        Key(keyword, tag, vr, type="3", condition="", keep="", source="", clause="PS3.5 8.2")
        for keyword, tag, vr in dict.fromkeys((*_READ_BESIDES, *rules))
    )


def _truncated(location: str, what: str) -> Finding:
    return Finding(
        "truncated-pixel-data", Severity.ERROR, location, f"it {what}", "a complete file", "PS3.5 A.4", _ASK_AGAIN
    )
