"""Ultrasound pictures: a beating heart with colour Doppler, and a liver with a kidney. Colours are 8 bit RGB."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samples.shapes import Array, Bytes, Space, noise, paint, to_bytes

CINE_SHAPE = (180, 240)  # rows, columns
APEX = (108.0, 6.0)  # column and row of the probe
REACH = (8.0, 168.0)  # pixels from the apex
SPREAD = 0.72  # radians to either side


@dataclass(frozen=True, slots=True)
class _Fan:
    """A sector picture in polar coordinates: pixels from the apex and radians from its axis."""

    radius: Array
    angle: Array
    inside: Array

    @classmethod
    def over(cls, shape: tuple[int, int]) -> _Fan:
        row, column = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
        across, down = column - APEX[0], row - APEX[1]
        radius, angle = np.hypot(across, down), np.arctan2(across, down)
        edges = (radius - REACH[0], REACH[1] - radius, (SPREAD - np.abs(angle)) * radius)
        return cls(radius, angle, np.clip(np.minimum.reduce(edges) + 0.5, 0.0, 1.0))

    def speckle(self, seed: int, pull: Array) -> Array:
        """Return speckle around 1 that follows ``pull``, the way tissue has moved away from the probe in pixels."""
        grid = np.hypot(noise(seed, (200, 160), 0.75, 2), noise(seed + 1, (200, 160), 0.75, 2))
        rows = np.clip(self.radius - pull, 0.0, 198.0)
        columns = np.clip((self.angle / SPREAD + 1.0) * 79.0, 0.0, 158.0)
        top, left = rows.astype(np.int64), columns.astype(np.int64)
        down, right = rows - top, columns - left
        upper = grid[top, left] * (1 - right) + grid[top, left + 1] * right
        lower = grid[top + 1, left] * (1 - right) + grid[top + 1, left + 1] * right
        return np.asarray(upper * (1 - down) + lower * down)


def heart_frame(phase: float) -> Bytes:
    """Return one frame (rows, columns, 3) of an apical four chamber view; ``phase`` of the beat from 0 to 1."""
    fan = _Fan.over(CINE_SHAPE)
    row, column = np.mgrid[0 : CINE_SHAPE[0], 0 : CINE_SHAPE[1]].astype(np.float64)
    space = Space(column, row, np.zeros(CINE_SHAPE), soft=5.0)
    squeeze = float(np.sin(np.pi * min(phase / 0.45, 1.0)) ** 2)  # systole in the first 0.45 of the beat
    open_valves = 0.0 if phase < 0.45 else float(np.sin(np.pi * (phase - 0.45) / 0.55))
    base = 104.0 - 9.0 * squeeze  # the plane of the valves comes towards the apex

    echo = np.full(CINE_SHAPE, 62.0)
    paint(echo, space.ellipsoid((APEX[0], 92, 0), (74, 84, 9), 2.3), 104.0)
    left, right = 15.0 - 6.0 * squeeze, 12.0 - 4.0 * squeeze
    for centre, radii, turn in (
        ((130, base - 38, 0), (left * 1.45, 36 - 5 * squeeze, 9), 0.1),  # left ventricle
        ((84, base - 32, 0), (right * 1.35, 29 - 3 * squeeze, 9), -0.22),  # right ventricle
        ((133, base + 27, 0), (18 + 4 * squeeze, 21 + 4 * squeeze, 9), 0.0),  # left atrium
        ((84, base + 26, 0), (18 + 3 * squeeze, 20 + 3 * squeeze, 9), 0.0),  # right atrium
    ):
        chamber = space.ellipsoid(centre, radii, 2.2, turn)
        rim = space.ellipsoid(centre, (radii[0] + 4, radii[1] + 4, 12), 2.2, turn)
        paint(echo, np.clip(rim - chamber, 0.0, 1.0), 165.0)
        paint(echo, chamber, 9.0)
    for hinge, swing in ((113, 1), (149, -1), (68, 1), (100, -1)):
        tip = (hinge + swing * (15 - 9 * open_valves), base - 3 - 15 * open_valves, 0)
        paint(echo, Space(column, row, space.z, 2.0).tube((hinge, base, 0), tip, 1.5), 235.0)
    far = fan.radius / REACH[1]
    pull = -7.0 * squeeze * np.clip((fan.radius - 30) / 90.0, 0.0, 1.0)
    grey = echo * fan.speckle(500, pull) * (1.05 - 0.35 * far) * fan.inside
    picture = np.repeat(np.clip(grey, 0, 235)[:, :, None], 3, axis=2)
    _paint_flow(picture, space, fan, base, squeeze, open_valves)
    _paint_furniture(picture, phase)
    return to_bytes(picture)


def _paint_flow(picture: Array, space: Space, fan: _Fan, base: float, squeeze: float, open_valves: float) -> None:
    """Lay colour Doppler over the mitral valve: red towards the probe in diastole, a blue jet back in systole."""
    box = (np.abs(fan.angle - 0.2) < 0.21) & (fan.radius > 55) & (fan.radius < 150)
    filling = space.ellipsoid((131, base - 22, 0), (10, 34, 9), 2.0, 0.1) * open_valves
    leak = space.ellipsoid((132, base + 18, 0), (5 + 3 * squeeze, 20, 9)) * squeeze
    ripple = 0.75 + 0.35 * (fan.speckle(510, np.full(fan.radius.shape, 12 * open_valves)) - 1.0)
    for flow, colours in ((filling, ((150, 10, 0), (255, 205, 40))), (leak, ((0, 30, 170), (70, 225, 255)))):
        speed = np.clip(flow * ripple, 0.0, 1.0)[:, :, None]
        shade = np.array(colours[0]) * (1 - speed) + np.array(colours[1]) * speed
        shown = ((flow > 0.22) & box)[:, :, None]
        picture += shown * (shade - picture)
    edge = box & ~(np.roll(box, 1, 0) & np.roll(box, -1, 0) & np.roll(box, 1, 1) & np.roll(box, -1, 1))
    picture[edge] = (90, 160, 90)


def _paint_furniture(picture: Array, phase: float) -> None:
    """Draw what surrounds a sector: depth marks, the velocity scale, an ECG with the place of this frame."""
    for mark in range(9):
        row = int(APEX[1] + 20 * mark)
        if row < CINE_SHAPE[0] - 1:
            picture[row : row + 1, 6 : 10 if mark % 5 else 13] = 200
    for row in range(56):
        towards = 1.0 - row / 27.5
        strength = abs(towards)
        colour = (
            (255 * strength**0.5, 205 * strength**2, 30)
            if towards > 0
            else (20, 220 * strength**2, 255 * strength**0.5)
        )
        picture[20 + row, 226:234] = colour
    picture[47:49, 226:234] = 0
    for column in range(170, 236):
        beat = (column - 170) / 66.0
        height = 13 * np.exp(-(((beat - 0.12) / 0.02) ** 2)) + 4 * np.exp(-(((beat - 0.42) / 0.07) ** 2))
        top = round(172 - float(height))
        picture[top:174, column] = (40, 220, 90) if top < 170 else (20, 120, 50)
    here = 170 + int(65 * phase)
    picture[154:176, here] = 255


def liver_levels() -> Bytes:
    """Return palette entries (rows, columns) of a liver with a kidney behind it and a cyst."""
    shape = (180, 240)
    fan = _Fan.over(shape)
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
    space = Space(column, row, np.zeros(shape), soft=3.0)
    echo = np.full(shape, 92.0)
    paint(echo, space.ellipsoid((100, 12, 0), (90, 14, 9)), 120.0)  # wall of the abdomen
    for start, end, radius in (((60, 52, 0), (112, 78, 0), 4.0), ((112, 78, 0), (150, 72, 0), 3.0)):
        paint(echo, space.tube(start, end, radius + 1.8), 150.0)
        paint(echo, space.tube(start, end, radius), 8.0)
    paint(echo, space.ellipsoid((128, 128, 0), (45, 25, 9), 2.2, 0.15), 170.0)
    paint(echo, space.ellipsoid((128, 128, 0), (42, 22, 9), 2.2, 0.15), 60.0)
    paint(echo, space.ellipsoid((128, 128, 0), (24, 9, 9), 2.0, 0.15), 190.0)
    paint(echo, space.inside(2.0 - np.abs(fan.radius - 158.0 - 4 * np.sin(6 * fan.angle))), 250.0)  # diaphragm
    behind = (np.abs(np.arctan2(column - 72, row - APEX[1]) + 0.04) < 0.13) & (row > 92)
    echo[behind & (fan.radius < 155)] *= 1.35  # sound passes a cyst unweakened
    paint(echo, space.ellipsoid((68, 84, 0), (11, 10, 9)), 4.0)
    grey = echo * fan.speckle(520, np.zeros(shape)) * fan.inside
    levels = to_bytes(np.minimum(grey, 245))
    levels[20:148, 226:234] = np.linspace(245, 0, 128).astype(np.uint8)[:, None]
    return levels


def sepia() -> Array:
    """Return 256 palette entries of 16 bit, shape (256, 3), warm as many ultrasound screens show grey."""
    level = np.arange(256) / 255.0
    colours = (level**0.85, level**1.05, level**1.35)
    return np.stack([np.rint(colour * 65535) for colour in colours], axis=1).astype(np.uint16)
