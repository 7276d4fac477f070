"""Find the record items of a DICOMDIR by their position, whatever became of lengths and delimiters."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from mediacreator.dicomio.walker_items import (
    ITEM,
    SEQUENCE_DELIMITATION,
    Buffer,
    Damage,
    Encoding,
    skip_undefined,
)
from mediacreator.model import UNDEFINED_LENGTH

_ITEM_END = (0xFFFE, 0xE00D, 0)  # group, element and length of the delimiters
_SEQUENCE_END = (0xFFFE, 0xE0DD, 0)


class Item(NamedTuple):
    """One item of the Directory Record Sequence. All offsets are from byte 0 of the file."""

    offset: int  # of the item tag: what directory offsets point at (PS3.3 F.3.2.2)
    start: int  # of its first element
    end: int  # behind its last element


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something about the encoding that had to be tolerated; ``walker`` makes a Finding of it."""

    code: str
    position: int  # from byte 0 of the file
    what: str


def regular_items(data: Buffer, start: int, length: int, encoding: Encoding) -> list[Item]:
    """Find the records of a Directory Record Sequence if they lie as they should: one at each mark, up to the next.

    An item of undefined length is taken to end with the delimiter that stands before the next mark. Who reads its
    elements sees whether that is so, and has ``find_items`` look closely if it is not.

    Args:
        data: The whole DICOMDIR.
        start: Offset of the sequence's value from byte 0.
        length: Of the sequence's value; UNDEFINED_LENGTH when it ends with a delimiter.
        encoding: Of the Data Set.

    Returns:
        The records by position; none where anything is odd.
    """
    header = struct.Struct(encoding.order + "HHL").unpack_from
    end = len(data) - 8 if length == UNDEFINED_LENGTH else start + length
    marks = list(record_marks(data, start, encoding))
    if not marks or marks[0] != start or not marks[-1] < end <= len(data):
        return []
    if length == UNDEFINED_LENGTH and header(data, end) != _SEQUENCE_END:
        return []
    starts, ends = [mark + 8 for mark in marks], (*marks[1:], end)
    if [header(data, mark)[2] for mark in marks] == [stop - start for start, stop in zip(starts, ends, strict=True)]:
        return list(map(partial(tuple.__new__, Item), zip(marks, starts, ends, strict=True)))  # a third of the time
    items = []
    for mark, following in zip(marks, ends, strict=True):
        item_length = header(data, mark)[2]
        if item_length == following - mark - 8:
            items.append(Item(mark, mark + 8, following))
        elif item_length == UNDEFINED_LENGTH and header(data, following - 8) == _ITEM_END:
            items.append(Item(mark, mark + 8, following - 8))
        else:
            return []
    return items


def find_items(data: Buffer, start: int, length: int, encoding: Encoding, flaws: list[Flaw]) -> list[Item]:
    """Find the records of a Directory Record Sequence, whatever became of its lengths.

    The lengths are followed as far as they agree with the places where a record can be recognised: an item tag, a
    length, and the element that begins every record. Where they do not, the next such place decides.

    Args:
        data: The whole DICOMDIR.
        start: Offset of the sequence's value from byte 0.
        length: Of the sequence's value; UNDEFINED_LENGTH when it ends with a delimiter.
        encoding: Of the Data Set.
        flaws: What had to be tolerated is added here.
    """
    size = len(data)
    marks = [*record_marks(data, start, encoding), size]
    stated_end = size if length == UNDEFINED_LENGTH else start + length
    if stated_end > size:
        flaws.append(Flaw("truncated-directory", size, "the file ends inside the record sequence"))
        stated_end = size
    items: list[Item] = []
    position = start
    mark = 0
    unpack = struct.Struct(encoding.order + "HHI").unpack_from
    while position < stated_end or marks[mark] < size:
        if position >= stated_end:
            flaws.append(Flaw("wrong-sequence-length", position, "records follow the end of the record sequence"))
            stated_end = size
        group, element, item_length = unpack(data, position) if position + 8 <= size else (0, 0, 0)
        tag = group << 16 | element
        while marks[mark] <= position and marks[mark] < size:
            mark += 1
        if tag == ITEM:
            item, position = _item(data, position, item_length, marks[mark], encoding, flaws)
            items.append(item)
        elif tag == SEQUENCE_DELIMITATION and length == UNDEFINED_LENGTH and marks[mark] == size:
            break
        else:
            flaws.append(Flaw("damaged-sequence", position, "no record begins where one should"))
            position = marks[mark]
        while marks[mark] < position and marks[mark] < size:
            mark += 1
    if position > stated_end:
        flaws.append(Flaw("wrong-sequence-length", position, "the record sequence ends inside a record"))
    return items


def _item(
    data: Buffer, offset: int, length: int, bound: int, encoding: Encoding, flaws: list[Flaw]
) -> tuple[Item, int]:
    """Return the item at ``offset``, which ends before ``bound``, and where the next one is to be looked for."""
    start = offset + 8
    if length == UNDEFINED_LENGTH:
        try:
            end = skip_undefined(data, start, min(bound, len(data)), encoding, sequence=False)
        except Damage as damage:
            flaws.append(Flaw("damaged-record", damage.position, damage.what))
            return Item(offset, start, bound), bound
        return Item(offset, start, end), end + 8
    end = start + length
    if end > bound:
        what = "the file ends inside a record" if bound == len(data) else "the length of a record reaches into the next"
        flaws.append(Flaw("truncated-directory" if bound == len(data) else "damaged-record", offset, what))
        end = bound
    return Item(offset, start, end), end


def record_marks(data: Buffer, start: int, encoding: Encoding) -> Iterator[int]:
    """Yield each offset from ``start`` on where a record can be recognised.

    That is an item tag, any length, and (0004,1400); on old media with a group length (0004,0000) before it, which
    group 0004 might have until it was retired in 2008.
    """
    order = encoding.order
    item = struct.pack(order + "HH", 0xFFFE, 0xE000)
    first = struct.pack(order + "HH", 0x0004, 0x1400)
    group_length = struct.pack(order + "HH", 0x0004, 0x0000)
    group_length += b"UL" + struct.pack(order + "H", 4) if encoding.explicit else struct.pack(order + "I", 4)
    parts = (re.escape(item), rb"[\x00-\xff]{4}(?:", re.escape(group_length), rb"[\x00-\xff]{4})?", re.escape(first))
    return (found.start() for found in re.compile(b"".join(parts)).finditer(data, start))
