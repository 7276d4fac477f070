"""Radiographs and photographs: a chest, a hand, a curve of a lung function test, a mole on skin."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from samples.chest import chest
from samples.shapes import Array, Bytes, Space, Words, noise, paint, to_bytes, to_words

CHEST_STEP = 1.9  # mm of a computed ray; two pixels
_DEPTHS = np.arange(-108.0, 112.0, 8.0)  # y in mm of the planes that a ray crosses


def chest_radiograph() -> Words:
    """Return 12 bit film density as seen from behind, dark lungs high (MONOCHROME1); (rows, columns)."""
    shape = (134, 190)
    path = np.zeros(shape)
    for depth in _DEPTHS:
        # The patient's left is at the right of the picture, as if facing the reader.
        origin = (-CHEST_STEP * (shape[1] - 1) / 2, float(depth), 122.0)
        space = Space.plane(origin, (CHEST_STEP, 0, 0), (0, 0, -CHEST_STEP), shape, soft=4.0)
        path += np.maximum(chest(space) + 1000.0, 0.0) / 1000.0
    fine = _twice(path)
    # Photons fall exponentially with the path; what the plate stores is their logarithm.
    exposure = 3900.0 - 118.0 * fine + noise(600, fine.shape, 14.0)
    return to_words(exposure)


def _twice(picture: Array) -> Array:
    """Double both sides of a picture by linear interpolation."""
    for axis in (0, 1):
        lines = np.moveaxis(picture, axis, 0)
        doubled = np.empty((2 * len(lines), *lines.shape[1:]))
        following = np.concatenate([lines[1:], lines[-1:]])
        doubled[0::2], doubled[1::2] = lines, (lines + following) / 2
        picture = np.moveaxis(doubled, 0, axis)
    return picture


_FINGERS = (  # root and tip in mm from the wrist, and half width of the bones
    ((-22, 34), (-62, 72), 4.6),
    ((-13, 58), (-30, 150), 4.0),
    ((-2, 61), (-5, 163), 4.2),
    ((9, 58), (19, 153), 3.9),
    ((19, 52), (41, 132), 3.4),
)


def hand_radiograph() -> Words:
    """Return 12 bit absorption of a right hand seen from its back, bones high (MONOCHROME2); pixels of 0.5 mm."""
    shape = (400, 320)
    space = Space.plane((-85.0, 176.0, 0.0), (0.5, 0, 0), (0, -0.5, 0), shape, soft=1.2)
    flesh, bone = np.zeros(shape), np.zeros(shape)
    parts = [space.ellipsoid((0, 40, 0), (36, 44, 99), 2.6), space.tube((0, -30, 0), (0, 20, 0), 25.0)]
    for (root_x, root_y), (tip_x, tip_y), width in _FINGERS:
        parts.append(space.tube((root_x, root_y - 10, 0), (tip_x, tip_y, 0), width + 7.0, width + 4.0))
        thumb = tip_x < -50
        joints = (0.0, 0.48, 0.98) if thumb else (0.0, 0.46, 0.75, 0.98)
        carpal = (root_x * 0.55, 26.0 if not thumb else 18.0)
        _paint_bone(bone, space, carpal, (root_x, root_y - 2), width)
        for first, last in pairwise(joints):
            start = _between((root_x, root_y), (tip_x, tip_y), first + 0.03)
            end = _between((root_x, root_y), (tip_x, tip_y), last - 0.015)
            _paint_bone(bone, space, start, end, width * (1.0 - 0.3 * first))
    for x, y, width, height in _CARPALS:
        whole = space.ellipsoid((x, y, 0), (width, height, 99), 2.6)
        bone += whole * 520 - space.ellipsoid((x, y, 0), (width - 1.4, height - 1.4, 99), 2.6) * 130
    _paint_bone(bone, space, (-8, -34), (-9, -6), 10.5)
    _paint_bone(bone, space, (14, -34), (14, -8), 6.5)
    for part in parts:
        flesh = np.maximum(flesh, part)
    trabeculae = 1.0 + noise(611, shape, 0.05, 3)
    picture = 260.0 + 900.0 * _soften(flesh) + 2.3 * bone * trabeculae + noise(610, shape, 14.0)
    return to_words(picture)


_CARPALS = (  # x, y, half width and half height in mm
    (-13, 4, 7, 6),
    (-2, 3, 6, 5.5),
    (9, 4, 5.5, 5.5),
    (-15, 15, 5, 5),
    (-8, 17, 4.5, 5),
    (1, 16, 5.5, 7),
    (11, 16, 6, 6),
)


def _between(start: tuple[float, float], end: tuple[float, float], part: float) -> tuple[float, float]:
    return start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])


def _paint_bone(bone: Array, space: Space, start: tuple[float, float], end: tuple[float, float], width: float) -> None:
    """Add a long bone: a shaft with a dense cortex and a marrow canal, wider at both ends."""
    whole = space.tube((*start, 0), (*end, 0), width * 0.72)
    for place, share in ((start, 1.0), (end, 0.92)):
        inwards = _between(place, end if place is start else start, 0.1)
        whole = np.maximum(whole, space.ellipsoid((*inwards, 0), (width * share, width * share, 99), 2.4))
    canal = space.tube((*_between(start, end, 0.18), 0), (*_between(start, end, 0.82), 0), width * 0.36)
    bone += 620.0 * whole - 260.0 * canal


def _soften(coverage: Array) -> Array:
    """Round the flesh off towards its edge, as a cylinder absorbs less there."""
    for _ in range(7):
        for axis in (0, 1):
            lines = np.moveaxis(coverage, axis, 0)
            before = np.concatenate([lines[:1], lines[:1], lines[:-2]])
            after = np.concatenate([lines[2:], lines[-1:], lines[-1:]])
            coverage = np.moveaxis((before + lines + after) / 3.0, 0, axis)
    return np.asarray(np.sqrt(np.clip(coverage, 0.0, 1.0)))


def flow_volume_curve() -> Bytes:
    """Return an 8 bit picture (rows, columns) of a flow-volume loop in its axes."""
    shape = (288, 320)
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
    picture = np.full(shape, 246.0)
    picture[16:272:32, 32:304] = 214
    picture[16:272, 32:304:34] = 214
    picture[16:272, 32:34] = picture[175:177, 32:304] = 60
    canvas = Space(column, row, np.zeros(shape), soft=1.6)
    volume = np.linspace(0.0, 1.0, 60)
    for depth, value in ((1.0, 150.0), (0.78, 10.0)):  # predicted, measured
        out = 150.0 * depth * (1 - np.exp(-volume * 22)) * (1 - volume) ** (1.1 if depth == 1 else 1.7)
        breath = -82.0 * depth * np.sqrt(np.clip(4 * volume * (1 - volume), 0, 1))
        for flow in (out, breath):
            points = list(zip(34 + 238 * volume, 176 - flow * 1.05, strict=True))
            for first, last in pairwise(points):
                paint(picture, canvas.tube((*first, 0), (*last, 0), 0.9 if depth == 1 else 1.4), value)
    return to_bytes(picture)


def mole() -> Bytes:
    """Return an 8 bit RGB picture (rows, columns, 3) of a mole seen through a dermatoscope."""
    shape = (224, 224)
    row, column = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
    space = Space(column, row, np.zeros(shape), soft=9.0)
    angle = np.arctan2(row - 112, column - 112)
    ragged = 1.0 + 0.07 * np.sin(5 * angle + 1) + 0.05 * np.sin(9 * angle) + 0.04 * np.sin(2 * angle)
    level = np.hypot((column - 112) / 62, (row - 112) / 50) / ragged
    lesion = np.clip((1.0 - level) * 6 + 0.5, 0.0, 1.0)
    netting = np.abs(np.sin(column * 0.33 + np.sin(row * 0.11))) * np.abs(np.sin(row * 0.33 + np.sin(column * 0.09)))
    channels = []
    colours = zip((226, 172, 150), (142, 88, 58), (70, 40, 32), strict=True)
    for number, (skin, brown, dark) in enumerate(colours):
        channel = skin + noise(620, shape, 6.0, 5) + noise(621 + number, shape, 2.0)
        paint(channel, lesion, brown - 34.0 * netting)
        paint(channel, 0.9 * space.ellipsoid((124, 104, 0), (24, 18, 99), 2.0, 0.6), dark)
        for start, end in (((10, 60, 0), (150, 20, 0)), ((60, 214, 0), (206, 150, 0)), ((20, 190, 0), (90, 160, 0))):
            paint(channel, Space(column, row, space.z, 1.6).tube(start, end, 0.9), 45.0)
        paint(channel, np.clip((np.hypot(column - 112, row - 112) - 108) / 3, 0, 1), 8.0)
        channels.append(channel)
    return to_bytes(np.stack(channels, axis=2))
