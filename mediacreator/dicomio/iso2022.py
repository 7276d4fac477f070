"""Decode text with ISO 2022 code extensions, as PS3.5 6.1.2.4 and 6.1.2.5 use them.

Written because pydicom 3.0.2 takes the byte of = in 春 for a delimiter, leaves the escape sequences of ISO-IR 58 in the
text and does not know ISO-IR 203.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_ESCAPE = re.compile(rb"(\x1b[\x20-\x2f]+[\x30-\x7e])")
_RUNS = re.compile(rb"[\x00-\x7f]+|[\x80-\xff]+")
_DELIMITERS = {"PN": b"\\^=", "LT": b"\t\n\f\r", "ST": b"\t\n\f\r", "UT": b"\t\n\f\r"}  # PS3.5 6.1.2.5.3


@dataclass(frozen=True, slots=True)
class _Set:
    """A character set as it can be designated."""

    term: int  # ISO-IR number: ISO 2022 IR n
    codec: str  # Python's
    in_g1: bool  # otherwise in G0
    prefix: bytes = b""  # what the codec wants before the text: it takes a set of two bytes in G0


_SETS = {  # by escape sequence: PS3.3 Tables C.12-3 and C.12-4
    b"\x1b(B": _Set(6, "ascii", in_g1=False),
    b"\x1b(J": _Set(13, "ascii", in_g1=False),  # JIS X 0201 Romaji: its yen sign is a backslash here
    b"\x1b)I": _Set(13, "shift_jis", in_g1=True),
    b"\x1b-A": _Set(100, "latin_1", in_g1=True),
    b"\x1b-B": _Set(101, "iso8859_2", in_g1=True),
    b"\x1b-C": _Set(109, "iso8859_3", in_g1=True),
    b"\x1b-D": _Set(110, "iso8859_4", in_g1=True),
    b"\x1b-L": _Set(144, "iso8859_5", in_g1=True),
    b"\x1b-G": _Set(127, "iso8859_6", in_g1=True),
    b"\x1b-F": _Set(126, "iso8859_7", in_g1=True),
    b"\x1b-H": _Set(138, "iso8859_8", in_g1=True),
    b"\x1b-M": _Set(148, "iso8859_9", in_g1=True),
    b"\x1b-b": _Set(203, "iso8859_15", in_g1=True),
    b"\x1b-T": _Set(166, "iso8859_11", in_g1=True),
    b"\x1b$B": _Set(87, "iso2022_jp", in_g1=False, prefix=b"\x1b$B"),
    b"\x1b$@": _Set(87, "iso2022_jp", in_g1=False, prefix=b"\x1b$@"),  # JIS C 6226-1978, as old devices write it
    b"\x1b$(D": _Set(159, "iso2022_jp_2", in_g1=False, prefix=b"\x1b$(D"),
    b"\x1b$)C": _Set(149, "euc_kr", in_g1=True),
    b"\x1b$)A": _Set(58, "gb2312", in_g1=True),
}
TERMS = frozenset(known.term for known in _SETS.values())
"""ISO-IR numbers of the sets that are known."""

_ASCII = _SETS[b"\x1b(B"]
_INITIAL_G1 = {known.term: known for known in _SETS.values() if known.in_g1}


def decode(value: bytes, terms: Collection[int], first: int, vr: str) -> str:
    """Return text with code extensions; what cannot be decoded becomes the replacement character.

    Args:
        value: Bytes of the value field.
        terms: ISO-IR numbers that Specific Character Set names. Escape sequences of others are left in the text.
        first: The one that each value begins with; 6 for ISO-IR 6.
        vr: Says what delimits: there the first set is taken again.
    """
    return "".join(_Decoder(frozenset((*terms, 6)), first, _DELIMITERS.get(vr, b"\\")).parts(value))


class _Decoder:
    """Follows the designations through one value."""

    def __init__(self, terms: frozenset[int], first: int, delimiters: bytes) -> None:
        self._terms = terms
        self._initial = _INITIAL_G1.get(first)
        self._delimited = re.compile(b"([" + re.escape(delimiters) + b"])")
        self._g0, self._g1 = _ASCII, self._initial

    def parts(self, value: bytes) -> Iterator[str]:
        """Yield the text piece by piece."""
        for part in _ESCAPE.split(value):
            known = _SETS.get(part)
            if known is None or known.term not in self._terms:
                yield from self._text(part)
            elif known.in_g1:
                self._g1 = known
            else:
                self._g0 = known

    def _text(self, part: bytes) -> Iterator[str]:
        for run in _RUNS.findall(part):
            if run[0] < 0x80:
                yield from self._low(run)
            else:
                yield run.decode(self._g1.codec if self._g1 else "ascii", "replace")

    def _low(self, run: bytes) -> Iterator[str]:
        if self._g0.prefix:
            yield (self._g0.prefix + run).decode(self._g0.codec, "replace")
            return
        for piece in self._delimited.split(run):
            yield piece.decode("ascii")
            if len(piece) == 1 and self._delimited.match(piece):
                self._g1 = self._initial or self._g1  # who does not designate it again means the same
