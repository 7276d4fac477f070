"""Boxes lie where ink may be: in the ring of a disc, on their part, off each other and off the folds."""

from __future__ import annotations

import itertools
import math

import pytest

from mediacreator.labels.layouts import LAYOUTS, PAPERS, Box, Part

PARTS = [pytest.param(part, id=part.name) for layout in LAYOUTS.values() for part in layout.parts]


def corners(box: Box) -> list[tuple[float, float]]:
    return [(x, y) for x in (box.x, box.x + box.width) for y in (box.y, box.y + box.height)]


@pytest.mark.parametrize("part", PARTS)
def test_boxes_lie_on_their_part_and_apart(part: Part) -> None:
    for box in part.boxes:
        assert all(0 < x < part.width and 0 < y < part.height for x, y in corners(box)), box
    for a, b in itertools.combinations(part.boxes, 2):
        apart_x = a.x + a.width <= b.x or b.x + b.width <= a.x
        apart_y = a.y + a.height <= b.y or b.y + b.height <= a.y
        assert apart_x or apart_y, (a, b)


@pytest.mark.parametrize("part", PARTS)
def test_no_box_lies_over_a_fold(part: Part) -> None:
    for box in part.boxes:
        assert not any(box.x < fold < box.x + box.width for fold in part.folds), box


def test_a_disc_is_printed_between_hub_and_edge() -> None:
    """Printable discs of 120 mm take ink from 22 to 118 mm, as their makers say."""
    (disc,) = LAYOUTS["disc"].parts
    assert (disc.width, disc.height) == (120, 120)
    for box in disc.boxes:
        assert max(math.hypot(x - 60, y - 60) for x, y in corners(box)) < 118 / 2, box
        nearest = [min(max(60, low), high) for low, high in ((box.x, box.x + box.width), (box.y, box.y + box.height))]
        assert math.hypot(nearest[0] - 60, nearest[1] - 60) > 22 / 2, box


def test_cases_have_their_sizes() -> None:
    """Jewel case: booklet 120 x 120 mm, inlay 151 x 118 with spines of 6.5; DVD box: 273 x 183 with one of 14."""
    sizes = {part.name: (part.width, part.height) for layout in LAYOUTS.values() for part in layout.parts}
    assert sizes == {"disc": (120, 120), "front": (120, 120), "inlay": (151, 118), "insert": (273, 183)}
    folds = {part.name: part.folds for layout in LAYOUTS.values() for part in layout.parts}
    assert folds["inlay"] == (6.5, 151 - 6.5)
    assert folds["insert"] == ((273 - 14) / 2, (273 + 14) / 2)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", ["jewel", "dvd"])
def test_inserts_fit_each_paper(name: str, paper: str) -> None:
    layout = LAYOUTS[name]
    width, height = sorted(PAPERS[paper], reverse=layout.landscape)
    assert max(part.width for part in layout.parts) < width
    assert sum(part.height for part in layout.parts) < height
