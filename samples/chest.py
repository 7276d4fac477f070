"""A chest in Hounsfield units: body, lungs with vessels and a nodule, heart and great vessels, bones, table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from samples.shapes import Array, Point, Space, paint, uniform

BODY = (168.0, 108.0)
"""Half width and half depth of the body in mm."""

NODULE_CENTRE = (-84.0, -12.0, 17.5)
NODULE_RADIUS = 10.5

Vessel = tuple[Point, Point, float, float]


def chest(space: Space) -> Array:
    """Return Hounsfield units at the points of ``space``: z from -110 (liver) to 100 mm (apex of the lungs)."""
    hu = np.full(space.x.shape, -1000.0)
    _paint_table(hu, space)
    _paint_trunk(hu, space)
    _paint_lungs(hu, space)
    _paint_abdomen(hu, space)
    _paint_heart(hu, space)
    _paint_airways(hu, space)
    _paint_spine(hu, space)
    _paint_ribs(hu, space)
    return hu


def _paint_table(hu: Array, space: Space) -> None:
    surface = 113.0 - space.x**2 / 1300.0
    for depth, half, value in ((0.0, 1.6, -250.0), (9.0, 8.0, -930.0), (18.0, 1.6, -250.0)):
        paint(hu, space.inside(half - np.abs(space.y - surface - depth)) * (np.abs(space.x) < 185), value)


def _paint_trunk(hu: Array, space: Space) -> None:
    # The trunk narrows towards the neck above z = 60.
    narrow = np.clip((space.z - 60.0) / 120.0, 0.0, 1.0)
    trunk = Space(space.x / (1.0 - 0.18 * narrow), space.y / (1.0 - 0.2 * narrow), space.z, space.soft)
    for inset, value in ((0.0, 10.0), (2.2, -105.0), (17.0, 48.0)):
        radii = (BODY[0] - inset, BODY[1] - inset * 0.8, 4000.0)
        paint(hu, trunk.ellipsoid((0, 0, 0), radii, 2.5), value)
    # Fat between the layers of the wall, and the pectoral and back muscles within it.
    for side in (-1, 1):
        paint(hu, space.ellipsoid((side * 70, -84, 60), (54, 7, 70), turn=side * 0.35), 55.0)
        paint(hu, space.ellipsoid((side * 40, 90, 0), (30, 13, 4000), turn=-side * 0.2), 58.0)
        paint(hu, space.ellipsoid((side * 104, 72, 55), (40, 3.4, 62), turn=-side * 0.75), 420.0)
        paint(hu, space.ellipsoid((side * 104, 72, 55), (38, 1.6, 60), turn=-side * 0.75), 180.0)


def _paint_lungs(hu: Array, space: Space) -> None:
    # Denser towards the back, as in someone who lies on it.
    lung = -868.0 + 0.35 * space.y
    for side, half in ((-1, 62.0), (1, 58.0)):
        shape = space.ellipsoid((side * 80, 2, -10), (half, 86, 116), 2.5, turn=-side * 0.12)
        paint(hu, shape, lung)
        fissure = space.y * 0.8 + (space.z + 15.0) * 0.6 + side * 4.0
        paint(hu, shape * space.inside(0.4 - np.abs(fissure)), -700.0)
        for start, end, first, last in _vessels(side):
            lowest = [min(pair) - first for pair in zip(start, end, strict=True)]
            highest = [max(pair) + first for pair in zip(start, end, strict=True)]
            if space.meets(lowest, highest):
                paint(hu, shape * space.tube(start, end, first, last), 60.0)
    paint(hu, space.ellipsoid((0, -2, 0), (27, 76, 4000), 2.2), -60.0)
    _paint_nodule(hu, space)


def _paint_nodule(hu: Array, space: Space) -> None:
    x, y, z = NODULE_CENTRE
    angles = uniform(71, 22)
    for turn, tilt in zip(angles[::2], angles[1::2], strict=True):
        reach = NODULE_RADIUS * (1.35 + 0.5 * tilt)
        end = (x + reach * np.cos(6.2832 * turn), y + reach * np.sin(6.2832 * turn), z + reach * (tilt - 0.5))
        paint(hu, space.tube(NODULE_CENTRE, end, 2.2, 0.4), -60.0)
    paint(hu, space.ellipsoid(NODULE_CENTRE, (NODULE_RADIUS, NODULE_RADIUS * 0.88, NODULE_RADIUS), 2.2, 0.5), 42.0)
    paint(hu, space.ellipsoid((x - 2.5, y + 2, z), (2.8, 2.2, 3.0)), 210.0)
    paint(hu, space.ellipsoid((95, 30, -27.5), (3.2, 3.0, 3.2)), 520.0)  # an old granuloma on the other side


def _paint_abdomen(hu: Array, space: Space) -> None:
    paint(hu, space.ellipsoid((-70, 0, -158), (82, 88, 96), 2.2), 108.0)
    paint(hu, space.ellipsoid((4, -32, -150), (58, 48, 74), 2.2), 108.0)
    paint(hu, space.ellipsoid((88, 44, -142), (42, 40, 58), 2.2), 122.0)
    paint(hu, space.ellipsoid((72, -18, -146), (52, 52, 60), 2.1), 22.0)
    paint(hu, space.ellipsoid((72, -42, -146), (40, 24, 52), 2.1) * space.inside(-20.0 - space.y), -960.0)
    for end in ((-118, 12, -118), (-92, -46, -112), (-30, -30, -118)):
        paint(hu, space.tube((-26, 12, -112), end, 5.5, 2.0), 165.0)


def _paint_heart(hu: Array, space: Space) -> None:
    paint(hu, space.ellipsoid((20, -24, -52), (66, 50, 52), 2.1, turn=0.5), -70.0)  # pericardial fat
    paint(hu, space.ellipsoid((22, -22, -50), (60, 45, 47), 2.1, turn=0.5), 92.0)
    for centre, radii, turn, value in (
        ((46, -14, -54), (25, 17, 30), 0.55, 285.0),  # left ventricle
        ((8, -42, -52), (32, 14, 30), 0.35, 225.0),  # right ventricle
        ((-24, -18, -40), (17, 22, 26), 0.2, 230.0),  # right atrium
        ((10, 12, -32), (28, 13, 20), 0.1, 280.0),  # left atrium
    ):
        paint(hu, space.ellipsoid(centre, radii, 2.0, turn), value)
    for start, end, radius, value in (
        ((-6, -18, -30), (-10, -20, 42), 15.0, 300.0),  # ascending aorta
        ((-10, -20, 42), (8, 6, 56), 14.0, 300.0),
        ((8, 6, 56), (25, 38, 42), 13.0, 300.0),
        ((25, 38, 42), (20, 44, -70), 12.0, 300.0),  # descending
        ((20, 44, -70), (10, 40, -160), 11.0, 300.0),
        ((12, 0, 58), (24, -4, 130), 5.0, 295.0),  # carotid and subclavian
        ((2, -8, 56), (-14, -10, 130), 6.0, 295.0),
        ((-27, -16, -20), (-27, -14, 70), 9.0, 340.0),  # superior vena cava
        ((-27, -14, 70), (-44, -22, 125), 7.0, 340.0),
        ((-27, -14, 68), (26, -34, 90), 6.0, 360.0),
        ((-22, 0, -60), (-20, 20, -160), 11.0, 160.0),  # inferior vena cava
        ((14, -40, -26), (16, -22, 12), 14.0, 320.0),  # pulmonary trunk and arteries
        ((16, -20, 10), (-42, 6, 6), 10.0, 320.0),
        ((16, -20, 12), (48, 14, 14), 10.0, 320.0),
    ):
        paint(hu, space.tube(start, end, radius), value)


def _paint_airways(hu: Array, space: Space) -> None:
    for start, end, radius in (
        ((0, 14, 140), (0, 16, 28), 9.0),
        ((0, 16, 28), (-40, 20, -4), 7.5),
        ((0, 16, 28), (42, 24, -8), 7.0),
        ((-40, 20, -4), (-62, 30, -36), 4.5),
        ((42, 24, -8), (62, 32, -40), 4.5),
    ):
        paint(hu, space.tube(start, end, radius + 1.6), 20.0)
        paint(hu, space.tube(start, end, radius), -985.0)
    paint(hu, space.tube((8, 34, 140), (4, 38, -160), 7.5), 38.0)
    paint(hu, space.tube((8, 34, 140), (4, 38, -160), 2.0), -300.0)


def _paint_spine(hu: Array, space: Space) -> None:
    level = np.mod(space.z + 7.5, 26.0) - 13.0  # a vertebra every 26 mm
    bone = space.inside(10.0 - np.abs(level))
    body = space.ellipsoid((0, 66, 0), (19, 16, 4000), 2.3)
    paint(hu, body, 95.0)
    paint(hu, body * bone, 560.0)
    core = space.ellipsoid((0, 66, 0), (16.5, 13.5, 4000), 2.3) * space.inside(8.0 - np.abs(level))
    paint(hu, core, 205.0)
    for side in (-1, 1):
        paint(hu, bone * space.tube((side * 13, 78, -4000), (side * 13, 78, 4000), 4.5), 430.0)
        flat = Space(space.x, space.y, level, space.soft)
        paint(hu, flat.tube((side * 12, 88, 2), (side * 42, 94, 5), 5.5, 4.0), 380.0)
    paint(hu, space.ellipsoid((0, 88, 0), (15, 12.5, 4000)) * bone, 470.0)
    paint(hu, space.ellipsoid((0, 87, 0), (10.5, 8.5, 4000)), 5.0)
    paint(hu, space.ellipsoid((0, 87, 0), (6, 5, 4000)), 38.0)  # the cord
    paint(hu, Space(space.x, space.y, level, space.soft).tube((0, 96, 4), (0, 101, -6), 3.4), 400.0)


def _paint_ribs(hu: Array, space: Space) -> None:
    half_width, half_depth = BODY[0] - 27.0, BODY[1] - 15.0
    level = (np.abs(space.x / half_width) ** 2.4 + np.abs(space.y / half_depth) ** 2.4) ** (1 / 2.4)
    wall = (level - 1.0) * 0.5 * (half_width + half_depth)
    # A rib leaves the spine behind and falls towards the sternum in front.
    fall = 46.0 * (1.0 - space.y / half_depth) / 2.0
    along = np.mod(space.z + fall + 13.0, 26.0) - 13.0
    bony = np.clip((space.y + 78.0) / 8.0, 0.0, 1.0)  # cartilage in front
    gap = np.sqrt((wall * 1.35) ** 2 + along**2)
    rib = space.inside(6.2 - gap) * (np.abs(space.x) > 14.0)
    paint(hu, rib, 110.0 + 400.0 * bony)
    paint(hu, space.inside(3.4 - gap) * bony * (np.abs(space.x) > 14.0), 190.0)
    paint(hu, space.ellipsoid((0, -88, 20), (19, 6.5, 92), 2.6), 330.0)
    paint(hu, space.ellipsoid((0, -88, 20), (16, 4, 88), 2.6), 150.0)


@cache
def _vessels(side: int) -> tuple[Vessel, ...]:
    """Grow the vessels of one lung from its hilum: each branch splits twice, thinner every time."""
    draw = iter(uniform(40 + side, 4000))
    grown: list[Vessel] = []
    front: list[tuple[Point, float]] = [((side * 44.0, 12.0, 4.0), 5.0)]
    for depth, count in enumerate((9, 3, 3, 2)):
        following = []
        for start, radius in front:
            for _ in range(count):
                end = _next_end(start, side, 34.0 - 6.0 * depth, depth == 0, draw)
                grown.append((start, end, radius, radius * 0.62))
                following.append((end, radius * 0.6))
        front = following
    return tuple(grown)


def _next_end(start: Point, side: int, length: float, first: bool, draw: Iterator[float]) -> Point:
    angle, height, stretch = 6.2832 * next(draw), 2.0 * next(draw) - 1.0, length * (0.7 + 0.6 * next(draw))
    flat = np.sqrt(1.0 - height * height)
    step = np.array([flat * np.cos(angle), flat * np.sin(angle), height])
    # Vessels run outwards: from the hilum at first, away from it afterwards.
    outward = np.array([side, 0.0, 0.0]) if first else np.array(start) - np.array([side * 40.0, 8.0, 0.0])
    step = step + (0.5 if first else 1.1) * outward / max(float(np.linalg.norm(outward)), 1e-6)
    step *= stretch / float(np.linalg.norm(step))
    return tuple(float(a + b) for a, b in zip(start, step, strict=True))
