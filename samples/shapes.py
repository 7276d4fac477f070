"""Smooth shapes and repeatable noise: what phantoms are painted with.

Lengths are in mm. Every shape returns its coverage, 0 outside to 1 inside, with an edge ``soft`` mm wide, so that
a picture has no stairs and a thick slice shows partial volume.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Words = np.ndarray[Any, np.dtype[np.uint16]]
Point = Sequence[float]


@dataclass(frozen=True, slots=True)
class Space:
    """The points at which a picture is painted: patient coordinates in mm, arrays of shape (rows, columns)."""

    x: Array  # to the left hand
    y: Array  # to the back
    z: Array  # to the head
    soft: float = 2.0

    @classmethod
    def plane(cls, origin: Point, along_row: Point, along_column: Point, shape: tuple[int, int], soft: float) -> Space:
        """Place a picture: ``origin`` is the centre of its first pixel, the others are steps of one pixel in mm."""
        row, column = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
        x, y, z = (origin[i] + column * along_row[i] + row * along_column[i] for i in range(3))
        return cls(x, y, z, soft)

    def meets(self, lowest: Point, highest: Point) -> bool:
        """Tell whether the box between two corners touches any point of the picture."""
        axes = (self.x, self.y, self.z)
        return all(
            low - self.soft < axis.max() and high + self.soft > axis.min()
            for axis, low, high in zip(axes, lowest, highest, strict=True)
        )

    def inside(self, distance: Array) -> Array:
        """Turn a signed distance in mm, positive inside, into coverage."""
        return np.clip(distance / self.soft + 0.5, 0.0, 1.0)

    def ellipsoid(self, centre: Point, radii: Point, power: float = 2.0, turn: float = 0.0) -> Array:
        """Cover an ellipsoid, boxier with ``power`` above 2, turned by ``turn`` radians about z."""
        dx, dy, dz = self.x - centre[0], self.y - centre[1], self.z - centre[2]
        cosine, sine = float(np.cos(turn)), float(np.sin(turn))
        scaled = (
            np.abs((dx * cosine + dy * sine) / radii[0]),
            np.abs((dy * cosine - dx * sine) / radii[1]),
            np.abs(dz / radii[2]),
        )
        level = np.maximum(sum(part**power for part in scaled) ** (1.0 / power), 1e-6)
        steepness = np.sqrt(
            sum(((part / level) ** (power - 1) / radius) ** 2 for part, radius in zip(scaled, radii, strict=True))
        )
        return self.inside((1.0 - level) / np.maximum(steepness, 1e-6))

    def tube(self, start: Point, end: Point, radius: float, end_radius: float | None = None) -> Array:
        """Cover a round-ended tube whose radius goes from ``radius`` to ``end_radius``."""
        axis = [b - a for a, b in zip(start, end, strict=True)]
        length = max(sum(part * part for part in axis), 1e-9)
        offset = (self.x - start[0], self.y - start[1], self.z - start[2])
        along = np.clip(sum(part * step for part, step in zip(offset, axis, strict=True)) / length, 0.0, 1.0)
        gap = np.sqrt(sum((part - along * step) ** 2 for part, step in zip(offset, axis, strict=True)))
        last = radius if end_radius is None else end_radius
        # A tube thinner than the edge keeps its mass, so that small vessels fade and do not break.
        width = radius + along * (last - radius)
        return self.inside(width - gap) * np.minimum(1.0, 2.0 * width / self.soft)


def paint(canvas: Array, coverage: Array, value: float | Array) -> None:
    """Lay ``value`` over ``canvas`` where ``coverage`` says."""
    canvas += coverage * (value - canvas)


def to_bytes(picture: Array) -> Bytes:
    """Round a picture to 8 bit, 0 to 255."""
    return np.ascontiguousarray(np.rint(np.clip(picture, 0, 255)), dtype=np.uint8)


def to_words(picture: Array) -> Words:
    """Round a picture to the 12 bit, 0 to 4095, that most modalities store."""
    return np.ascontiguousarray(np.rint(np.clip(picture, 0, 4095)), dtype=np.uint16)


def noise(seed: int, shape: tuple[int, ...], sigma: float, grain: int = 1) -> Array:
    """Return noise that is nearly Gaussian, the same on every machine, ``grain`` pixels coarse.

    Only the bit generator's raw stream is used: numpy promises that one never to change.
    """
    count = int(np.prod(shape))
    raw = np.random.PCG64(seed).random_raw(count)
    # Four uniform 16 bit numbers: an Irwin-Hall sum of variance 4 * 65536**2 / 12.
    total = sum(((raw >> np.uint64(16 * part)) & np.uint64(0xFFFF)).astype(np.float64) for part in range(4))
    field = (np.asarray(total).reshape(shape) - 2 * 65535.0) / (65536.0 * np.sqrt(4 / 12))
    for axis in range(field.ndim - 2, field.ndim):
        field = sum(np.roll(field, step, axis) for step in range(grain)) / np.sqrt(grain)
    return np.asarray(field * sigma)


def uniform(seed: int, count: int) -> list[float]:
    """Return ``count`` numbers in [0, 1), the same on every machine."""
    return [int(raw >> 11) / float(1 << 53) for raw in np.random.PCG64(seed).random_raw(count).tolist()]
