"""Find out which instances a Data Set refers to, without decoding it: needed only where UIDs change.

First the bytes are searched for UIDs that are known; only a Data Set that holds one is walked element by element, to
tell references that can be replaced (values of VR UI) from UIDs that merely stand in texts, private or other bytes.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from mediacreator.errors import MediumError
from mediacreator.model import UNDEFINED_LENGTH, Header
from mediacreator.rules.tables import transfer_syntaxes
from mediacreator.sources.reading import open_source
from mediacreator.transcode.dataset import (
    DAMAGED,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    Coding,
    DataSetReader,
    Element,
    Level,
)
from mediacreator.transcode.derivation import DIGITAL_SIGNATURES_SEQUENCE, SOP_INSTANCE_UID
from mediacreator.transcode.refusal import Refusal

_UID = re.compile(rb"[0-9]{1,64}(?:\.[0-9]{1,64}){2,63}")
_CHUNK = 1 << 24  # bytes
_OVERLAP = 72  # bytes; more than a UID has
_MOST_INFLATED = 1 << 28  # bytes
_CODINGS = {"implicit-le": IMPLICIT_LITTLE, "explicit-be": EXPLICIT_BIG}


@dataclass(frozen=True, slots=True)
class References:
    """What a Data Set says of other instances."""

    replaceable: Counter[str]  # times that each SOP Instance UID is a value of VR UI
    elsewhere: frozenset[str]  # SOP Instance UIDs that stand only where they cannot be replaced
    signed: bool  # a Digital Signature is in it
    readable: bool = True


NONE = References(Counter(), frozenset(), signed=False)
_UNREADABLE = References(Counter(), frozenset(), signed=False, readable=False)


def find_references(header: Header, known: Collection[str], *, thorough: bool = False) -> References:
    """Return which of the known instances a Data Set refers to, itself left out.

    Args:
        header: Of an instance; its Data Set is read, its native pixels are not.
        known: SOP Instance UIDs.
        thorough: Walk the Data Set even if no UID is met, to find Digital Signatures.
    """
    try:
        with open_source(header.source) as stream:
            data, start, size = _plain(header, stream)
            met = _met(data, header, start, size, known)
            if not met and not thorough:
                return NONE
            return _walked(DataSetReader(data, size), header, start, met)
    except (OSError, MediumError, Refusal, *DAMAGED):
        return _UNREADABLE


def _plain(header: Header, stream: BinaryIO) -> tuple[BinaryIO, int, int]:
    """Return a stream of the Data Set as it is when nothing is deflated, where it begins and the stream's size."""
    syntax = transfer_syntaxes().get(header.transfer_syntax_uid)
    if syntax is None or syntax.dataset != "deflated":
        return stream, header.dataset_offset, header.source.size
    stream.seek(header.dataset_offset)
    inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(stream.read(), _MOST_INFLATED)
    return BytesIO(inflated), 0, len(inflated)


def _met(data: BinaryIO, header: Header, start: int, size: int, known: Collection[str]) -> set[str]:
    """Return the known UIDs that stand somewhere in the bytes of a Data Set but its pixels."""
    met: set[str] = set()
    for chunk in _chunks(data, _spans(header, start, size)):
        for token in map(bytes.decode, _UID.findall(chunk)):
            if token in known:
                met.add(token)
            elif token[:-1] in known:  # the first byte of the next tag looks like a digit
                met.add(token[:-1])
    met.discard(header.sop_instance_uid)
    return met


def _spans(header: Header, start: int, size: int) -> Iterator[tuple[int, int]]:
    place = header.pixel_data
    if place is None or start == 0:
        yield start, size
        return
    yield start, place.offset
    if place.length != UNDEFINED_LENGTH:
        yield place.offset + place.length, size


def _chunks(data: BinaryIO, spans: Iterator[tuple[int, int]]) -> Iterator[bytes]:
    for start, end in spans:
        before = b""
        data.seek(start)
        left = end - start
        while left > 0 and (read := data.read(min(_CHUNK, left))):
            yield before + read
            before, left = read[-_OVERLAP:], left - len(read)


def _walked(reader: DataSetReader, header: Header, start: int, met: set[str]) -> References:
    syntax = transfer_syntaxes().get(header.transfer_syntax_uid)
    coding = _CODINGS.get(syntax.dataset if syntax else "", EXPLICIT_LITTLE)
    if coding != EXPLICIT_BIG:
        coding = reader.coding_at(start) or coding
    walk = _Walk(reader, coding, met)
    walk.level(reader.level(start, reader.size, reader.size, coding), 0)
    return References(walk.found, frozenset(met - walk.found.keys()), walk.signed)


class _Walk:
    """Visits every element of a Data Set, nested ones too."""

    def __init__(self, reader: DataSetReader, coding: Coding, met: set[str]) -> None:
        self._reader = reader
        self._coding = coding
        self._met = met
        self.found: Counter[str] = Counter()
        self.signed = False

    def level(self, level: Level, depth: int) -> None:
        for element in level.elements:
            if element.tag == DIGITAL_SIGNATURES_SEQUENCE:
                self.signed = True
            elif element.is_sequence:
                self._items(element, depth)
            elif element.vr == "UI" and not (depth == 0 and element.tag == SOP_INSTANCE_UID):
                self._uids(element)

    def _items(self, element: Element, depth: int) -> None:
        if element.vr == "UN" and not self._coding.implicit:
            return  # its bytes are copied as they are (PS3.5 6.2.2)
        for item in self._reader.items(element, depth + 1):
            self.level(item, depth + 1)

    def _uids(self, element: Element) -> None:
        value = self._reader.bytes_at(element.offset, element.length)
        self.found.update(uid for uid in value.decode("latin-1").rstrip("\0 ").split("\\") if uid in self._met)
