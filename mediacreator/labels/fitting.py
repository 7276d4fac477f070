"""Fit text into a box: first it shrinks, then it is wrapped, and only then is all of it made smaller or cut short.

Nothing here knows how text is drawn: a function measures it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from mediacreator.errors import InternalError
from mediacreator.labels.blocks import Block, Item, Words

Measure = Callable[[str, float, bool], float]
"""Text, size in points, bold: its width in millimetres."""

MM = 25.4 / 72  # in a point
LINE = 1.3  # heights of the letters from one line to the next: Thai and Devanagari need it
_STEP = 0.94
_SMALLEST = 0.75  # of all sizes, before a list is cut short
_FLOOR = 0.02  # of all sizes, for what must not be cut: a name is small rather than wrong
_MOST = 100  # items of a list: twice what the largest box holds at the smallest size
_GAP = 1.8  # millimetres between the lead and what it leads


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, placed."""

    text: str
    size: float  # points
    bold: bool
    lead: str  # before it, "" in all lines but the first of a paragraph
    indent: float  # millimetres from the start of the lead to the text
    top: float  # millimetres from the top of the box
    width: float  # of lead and text

    @property
    def height(self) -> float:
        """Millimetres to the next line."""
        return self.size * MM * LINE


def fit(block: Block, width: float, height: float, measure: Measure, scale: float = 1.0) -> tuple[Line, ...]:
    """Place the paragraphs of a block in a box.

    Args:
        block: What it says.
        width: Of the box, in millimetres.
        height: Likewise.
        measure: Tells how wide text is.
        scale: Of all sizes, to begin with.

    Returns:
        Its lines; together no higher than the box, and none wider.

    Raises:
        InternalError: There is no room at all.
    """
    shorter = list(_shorter(block.items, block.may_be_cut))
    for kept in shorter:
        floor = _FLOOR if kept is shorter[-1] else _SMALLEST
        words = [words for item in kept for words in item]
        lines = _fit(words, width, height, measure, (scale, floor), even=bool(block.may_be_cut))
        if lines is not None:
            return lines
    raise InternalError("A label has no room for what it must say.")


def _shorter(items: Sequence[Item], called: str) -> Iterator[Sequence[Item]]:
    """Yield the items, then, where they may be cut, fewer and fewer with a line that says how many are lacking."""
    if not called or len(items) <= _MOST:
        yield items
    if called:
        for count in range(min(len(items) - 1, _MOST), 0, -1):
            last = items[-1][-1]
            more = Words(f"and {len(items) - count:,} more {called}", last.size, last.least)
            yield (*items[:count], (more,))


def _fit(
    words: Sequence[Words], width: float, height: float, measure: Measure, scales: tuple[float, float], *, even: bool
) -> tuple[Line, ...] | None:
    """Place paragraphs as large as they fit, from the first of two scales down to the second; None if they do not."""
    factor, floor = scales
    while factor > floor:
        sizes = [_size(one, factor, width, measure) for one in words]
        if even:
            sizes = _evened(words, sizes)
        lines = [line for one, size in zip(words, sizes, strict=True) for line in _paragraph(one, size, width, measure)]
        if sum(line.height for line in lines) <= height and all(line.width <= width for line in lines):
            return tuple(_stacked(lines))
        factor *= _STEP
    return None


def _stacked(lines: Sequence[Line]) -> Iterator[Line]:
    top = 0.0
    for line in lines:
        yield replace(line, top=top)
        top += line.height


def _size(words: Words, factor: float, width: float, measure: Measure) -> float:
    """Return the size at which a paragraph is one line, or the least that it may have."""
    size = words.size * factor
    lead = measure(words.lead, size, False) + _GAP if words.lead else 0.0
    whole = lead + measure(words.text, size, words.bold)
    if whole <= width:
        return size
    return max(size * width / whole * 0.995, words.least * factor)  # a hair less: letters are not quite linear


def _evened(words: Sequence[Words], sizes: Sequence[float]) -> list[float]:
    """Return one size for all paragraphs of a kind, that of the smallest: a list is read down its columns."""
    smallest: dict[float, float] = {}
    for one, size in zip(words, sizes, strict=True):
        smallest[one.size] = min(size, smallest.get(one.size, size))
    return [smallest[one.size] for one in words]


def _paragraph(words: Words, size: float, width: float, measure: Measure) -> Iterator[Line]:
    """Yield the lines of a paragraph: one, or several where its size leaves no room for that."""
    lead = measure(words.lead, size, False) + _GAP if words.lead else 0.0
    whole = lead + measure(words.text, size, words.bold)
    if whole <= width:
        yield Line(words.text, size, words.bold, words.lead, lead, 0.0, whole)
        return
    if lead > width / 2:  # the lead has a line of its own
        yield from (
            Line(text, size, words.bold, "", 0.0, 0.0, measure(text, size, words.bold))
            for paragraph in (words.lead, words.text)
            for text in wrap(paragraph, width, lambda text: measure(text, size, words.bold))
        )
        return
    for number, text in enumerate(wrap(words.text, width - lead, lambda text: measure(text, size, words.bold))):
        whole = lead + measure(text, size, words.bold)
        yield Line(text, size, words.bold, words.lead if number == 0 else "", lead, 0.0, whole)


def wrap(text: str, width: float, measure: Callable[[str], float]) -> Iterator[str]:
    """Yield lines of a text, as wide as ``width`` allows: broken at spaces, hyphens and ideographs, else anywhere."""
    line = ""
    for piece in _pieces(text):
        if line and measure((line + piece).rstrip()) > width:
            yield line.rstrip()
            line = ""
        if line:
            line += piece
            continue
        *full, line = _broken(piece.lstrip(), width, measure)
        yield from full
    if line.strip():
        yield line.rstrip()


def _broken(word: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Break a word that is too long for a line, never between a letter and its marks; one that fits stays whole."""
    if measure(word.rstrip()) <= width:
        return [word]
    parts = [""]
    for cluster in _clusters(word):
        if parts[-1] and measure(parts[-1] + cluster) > width:
            parts.append("")
        parts[-1] += cluster
    return parts


def _pieces(text: str) -> Iterator[str]:
    """Yield what must stay in one line: a word with the space or hyphen behind it, or one ideograph."""
    piece = ""
    for cluster in _clusters(text):
        ends = piece[-1:].isspace() or piece[-1:] == "-" or _is_wide(piece[:1]) or _is_wide(cluster[0])
        if piece and ends and not cluster.isspace():
            yield piece
            piece = ""
        piece += cluster
    if piece:
        yield piece


def _clusters(text: str) -> Iterator[str]:
    """Yield each letter with the marks on it."""
    cluster = ""
    for char in text:
        if cluster and not _is_mark(char) and cluster[-1] != "\u200d":
            yield cluster
            cluster = ""
        cluster += char
    if cluster:
        yield cluster


def _is_mark(char: str) -> bool:
    # Thai and Lao have vowels that stand behind their consonant and belong to it.
    return unicodedata.category(char) in ("Mn", "Mc", "Me") or char in "\u200d\u0e33\u0eb3"


def _is_wide(char: str) -> bool:
    return bool(char) and unicodedata.east_asian_width(char) == "W"
