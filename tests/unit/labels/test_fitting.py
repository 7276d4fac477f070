"""Text never leaves its box: it shrinks, is wrapped, is made small, and only a list is cut short, which is said."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.labels.blocks import Block, Words
from mediacreator.labels.fitting import MM, Line, fit, wrap

LONG = "Wolfeschlegelsteinhausenbergerdorff, Hubert Blaine Maximilian (Prof. Dr. med.)"


def measure(text: str, size: float, bold: bool) -> float:
    """A font whose letters are half as wide as high, ideographs as wide as high, and bold ones a tenth wider."""
    units = sum(0 if unicodedata.combining(c) else 1 if unicodedata.east_asian_width(c) == "W" else 0.5 for c in text)
    return units * size * MM * (1.1 if bold else 1)


def one(text: str, size: float = 20, least: float = 10, lead: str = "") -> Block:
    return Block(((Words(text, size, least, lead=lead),),))


def inside(lines: tuple[Line, ...], width: float, height: float) -> bool:
    ends = [line.top + line.height for line in lines]
    return all(line.width <= width for line in lines) and max(ends, default=0) <= height + 1e-6


def test_what_fits_is_as_large_as_asked_for() -> None:
    (line,) = fit(one("Short"), 100, 20, measure)
    assert (line.text, line.size, line.top) == ("Short", 20, 0)
    (line,) = fit(one("Short"), 100, 20, measure, scale=1.5)
    assert line.size == 30


def test_what_is_too_long_shrinks_first() -> None:
    (line,) = fit(one("x" * 40), 100, 20, measure)
    assert 10 < line.size < 20
    assert 99 < line.width <= 100


def test_what_is_longer_still_is_wrapped_at_its_least_size() -> None:
    lines = fit(one(LONG), 70, 30, measure)
    assert {line.size for line in lines} == {10}
    assert " ".join(line.text for line in lines) == LONG
    assert inside(lines, 70, 30)


def test_in_no_room_a_name_is_small_and_whole() -> None:
    lines = fit(one(LONG * 3), 30, 12, measure)
    assert "".join(line.text for line in lines).replace(" ", "") == (LONG * 3).replace(" ", "")
    assert inside(lines, 30, 12)
    assert lines[0].size < 10


def test_a_list_is_cut_short_and_says_so() -> None:
    block = Block(tuple((Words(f"Study {n}", 10, 8), Words("with a second line", 8, 8)) for n in range(20)), "studies")
    lines = fit(block, 60, 30, measure)
    shown = [line.text for line in lines if line.text.startswith("Study")]
    assert shown == [f"Study {n}" for n in range(len(shown))]
    assert 0 < len(shown) < 20
    assert lines[-1].text == f"and {20 - len(shown)} more studies"
    assert inside(lines, 60, 30)


def test_a_lead_stands_before_its_first_line_only() -> None:
    lines = fit(one("CT of the thorax and the abdomen " * 3, 10, 8, lead="2026-03-01"), 60, 40, measure)
    assert len(lines) > 1
    assert [line.lead for line in lines] == ["2026-03-01"] + [""] * (len(lines) - 1)
    assert len({line.indent for line in lines}) == 1
    assert inside(lines, 60, 40)


def test_a_lead_that_leaves_no_room_has_lines_of_its_own() -> None:
    lines = fit(one("CT thorax", 10, 9, lead="2026-03-01  CT, MR, SR, PR, KO, SEG"), 40, 40, measure)
    assert {line.indent for line in lines} == {0}
    assert inside(lines, 40, 40)


def test_lines_break_between_ideographs_and_never_off_their_marks() -> None:
    assert list(wrap("山田太郎様", 3, lambda text: len(text))) == ["山田太", "郎様"]
    assert list(wrap("ab cd", 2, lambda text: len(text))) == ["ab", "cd"]
    assert list(wrap("Abel-Bebel", 6, lambda text: len(text))) == ["Abel-", "Bebel"]
    marked = "ñ" * 5
    for line in wrap(marked, 4, lambda text: len(text)):
        assert not unicodedata.combining(line[0])


def test_a_list_has_one_size() -> None:
    """It is read down its columns; what stands alone may be as large as it can."""
    words = [Words(text, 10, 8, lead="2026-03-01") for text in ("CT", "CT of the thorax and the abdomen " * 2)]
    listed = fit(Block(tuple((one,) for one in words), "studies"), 70, 60, measure)
    assert len({line.size for line in listed}) == 1
    assert len({line.size for line in fit(Block((tuple(words),)), 70, 60, measure)}) == 2


def test_a_list_that_is_far_too_long_is_not_tried_whole() -> None:
    """A medium may hold 50,000 studies: each text that is measured costs a millisecond."""
    measured: set[str] = set()

    def counting(text: str, size: float, bold: bool) -> float:
        measured.add(text)
        return measure(text, size, bold)

    items = tuple((Words(f"study {number}", 9.5, 7.5),) for number in range(50_000))
    lines = fit(Block(items, "studies"), 113, 128, counting, 1.3)
    assert 30 < len(lines) < 60
    assert lines[0].text == "study 0"
    assert lines[-1].text == f"and {50_001 - len(lines):,} more studies"
    assert len(measured) < 300


TEXTS = st.text(st.characters(categories=("Lu", "Ll", "Lo", "Mn", "Nd", "Po", "Zs")), min_size=1, max_size=120)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(TEXTS, st.floats(6, 24), st.booleans(), st.sampled_from(("", "ID", "2026-03-01  CT"))), max_size=6
    ),
    st.floats(25, 130),
    st.floats(10, 60),
    st.sampled_from(("", "studies")),
)
def test_no_text_leaves_its_box(
    rows: list[tuple[str, float, bool, str]], width: float, height: float, called: str
) -> None:
    block = Block(tuple((Words(text, size, size / 2, bold, lead),) for text, size, bold, lead in rows), called)
    lines = fit(block, width, height, measure)
    assert inside(lines, width, height)
    if rows and not called:
        said = "".join(line.text for line in lines)
        for text, *_ in rows:
            assert set("".join(text.split())) <= set(said)


@pytest.mark.parametrize("block", [Block(()), Block(((),)), one("")])
def test_nothing_is_nothing(block: Block) -> None:
    assert [line for line in fit(block, 10, 10, measure) if line.text] == []
