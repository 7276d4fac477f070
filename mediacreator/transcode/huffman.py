"""Walk through Huffman coded JPEG data to prove that it is whole, without decoding it (ISO/IEC 10918-1 F, H).

libjpeg fills what is missing or damaged with grey and only warns, and imagecodecs drops that warning: a truncated
JPEG decodes to half an image. Here every code of a scan is followed; the data must hold exactly the codes that the
image needs, up to the bits that pad the last byte. A numpy table gives the length of the code at every bit position of
a chunk, so that a step of the walk is one look-up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import int64
    from numpy.typing import NDArray

Block = tuple["Table", "Table | None"]
"""The tables of a data unit: of the DC difference and of the AC coefficients; no second one in a lossless scan."""

_CHUNK = 1 << 15  # bytes of data that are looked up at once
_LONGEST_BLOCK = 256  # bytes; 64 codes of at most 16 + 16 bits
_INVALID = 1 << 31  # bits; the length of a code that no table holds: farther than any data
_END_OF_BLOCK = 1 << 10
_RUN_SHIFT = 32


@dataclass(frozen=True, slots=True)
class Table:
    """A Huffman table (ISO/IEC 10918-1 B.2.4.2)."""

    counts: bytes  # of codes of 1 to 16 bits
    values: bytes

    def code_lengths(self, *, ac: bool) -> NDArray[int64]:
        """Return for each 16 bits that may come how far the code reaches, and in AC tables how many coefficients."""
        return _lookup(self.counts, self.values, ac)


@lru_cache(maxsize=64)
def _lookup(counts: bytes, values: bytes, ac: bool) -> NDArray[int64]:
    import numpy as np

    # The low 32 bits: bits to advance; those above: coefficients to advance.
    table = np.full(1 << 16, _INVALID, dtype=np.int64)
    code, position = 0, 0
    for length in range(1, 17):
        for value in values[position : position + counts[length - 1]]:
            first = code << (16 - length)
            table[first : first + (1 << (16 - length))] = _entry(value, length, ac)
            code += 1
        position += counts[length - 1]
        code <<= 1
    return table


def _entry(value: int, length: int, ac: bool) -> int:
    if not ac:  # SSSS: that many more bits, but none after 16 (ISO/IEC 10918-1 H.1.2.2)
        return _INVALID if value > 16 else length + (value if value < 16 else 0)
    run, size = value >> 4, value & 15
    if size:
        return length + size | (run + 1) << _RUN_SHIFT
    if run == 15:
        return length | 16 << _RUN_SHIFT
    return length | _END_OF_BLOCK << _RUN_SHIFT if run == 0 else _INVALID


class Broken(Exception):
    """The data do not hold what the image needs."""


def check_lossless(data: bytes, tables: Sequence[Table], units: int) -> None:
    """Check that ``data`` holds ``units`` times one difference for each of ``tables``, and no more.

    Raises:
        Broken: Codes are missing, left over or not in their table.
    """
    lookups = [table.code_lengths(ac=False) for table in tables]
    done, needed, bit = 0, units * len(tables), 0
    for start, limit, views in _chunks(data, lookups):
        position = bit - start
        if len(views) == 1:
            view = views[0]
            while position < limit and done < needed:
                position += view[position]
                done += 1
        else:
            while position < limit and done < needed:
                for view in views:
                    position += view[position]
                    if position > limit + _LONGEST_BLOCK * 8:
                        raise Broken("a code is in no Huffman table")
                done += len(views)
        bit = start + position
        if done >= needed:
            break
    _check_end(bit, done, needed, len(data))


def check_blocks(data: bytes, pattern: Sequence[Block], units: int) -> None:
    """Check that ``data`` holds ``units`` times the blocks of ``pattern``, and no more.

    Raises:
        Broken: Codes are missing, left over or not in their table, or a block has more than 64 coefficients.
    """
    places: dict[tuple[Table, bool], int] = {}
    order: list[tuple[int, int]] = []
    for dc, ac in pattern:
        assert ac is not None
        order.append((places.setdefault((dc, False), len(places)), places.setdefault((ac, True), len(places))))
    lookups = [table.code_lengths(ac=ac) for table, ac in places]
    done, needed, bit = 0, units * len(order), 0
    for start, limit, views in _chunks(data, lookups):
        position = bit - start
        blocks = [(views[dc], views[ac]) for dc, ac in order]
        per_unit = len(blocks)
        while position < limit and done < needed:
            dc_view, ac_view = blocks[done % per_unit]
            position = _block(dc_view, ac_view, position)
            done += 1
        bit = start + position
        if done >= needed:
            break
    _check_end(bit, done, needed, len(data))


def _block(dc: memoryview[int], ac: memoryview[int], position: int) -> int:
    """Return the position behind one block of 64 coefficients."""
    position += dc[position]
    coefficient = 1
    try:
        while coefficient < 64:
            entry = ac[position]
            position += entry & 0xFFFFFFFF
            coefficient += entry >> _RUN_SHIFT
            if not entry >> _RUN_SHIFT:
                raise Broken("a code is in no Huffman table")
    except IndexError as exc:
        raise Broken("a code is in no Huffman table, or the data end early") from exc
    if 64 < coefficient < _END_OF_BLOCK:
        raise Broken("a block has more than 64 coefficients")
    return position


def _chunks(data: bytes, lookups: Sequence[NDArray[int64]]) -> Iterator[tuple[int, int, list[memoryview[int]]]]:
    """Yield first bit, number of bits and, for each table, the lengths of the codes at each bit and a block beyond."""
    import numpy as np

    padded = np.frombuffer(data + b"\xff" * (_LONGEST_BLOCK + 4), dtype=np.uint8).astype(np.uint64)
    for start in range(0, max(len(data), 1), _CHUNK):
        size = min(_CHUNK, len(data) - start)
        part = padded[start : start + size + _LONGEST_BLOCK + 3]
        words = part[:-2] << 16 | part[1:-1] << 8 | part[2:]
        windows = np.empty((len(words), 8), dtype=np.uint64)
        for shift in range(8):
            windows[:, shift] = words >> (8 - shift) & 0xFFFF
        flat = windows.ravel()
        yield start * 8, size * 8, [memoryview(np.take(table, flat)) for table in lookups]  # type: ignore[arg-type]


def _check_end(bit: int, done: int, needed: int, size: int) -> None:
    if done < needed or bit > size * 8:
        raise Broken(f"the data end or break off after {done * 100 // max(needed, 1)} percent of the image")
    if size * 8 - bit >= 8:
        raise Broken(f"{size - (bit + 7) // 8} bytes are left over at the end of the image")
