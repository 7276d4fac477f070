"""A head as T2 weighted MR shows it: scalp, skull, folded cortex, white matter, ventricles, cerebellum, eyes."""

from __future__ import annotations

import numpy as np

from samples.shapes import Array, Space, noise, paint

FAT, BONE, CSF, GREY, WHITE, VOID = 430.0, 40.0, 950.0, 590.0, 400.0, 60.0


def brain(space: Space, seed: int) -> Array:
    """Return the signal, about 0 to 1100, at the points of ``space``: z from -40 (eyes) to 60 mm (vertex)."""
    signal = np.zeros(space.x.shape)
    for inset, value in ((0.0, 300.0), (1.5, FAT), (6.0, BONE), (8.0, 150.0), (10.0, BONE), (13.0, CSF)):
        paint(signal, space.ellipsoid((0, 2, -4), (77 - inset, 97 - inset, 92 - inset), 2.15), value)
    _paint_posterior_fossa(signal, space)
    _paint_cerebrum(signal, space)
    _paint_deep_structures(signal, space)
    _paint_base(signal, space)
    # A coil receives more from what is near, and magnitude images have Rician noise.
    signal *= 1.0 + 0.12 * ((space.x / 80.0) ** 2 + (space.y / 100.0) ** 2)
    real = signal + noise(seed, signal.shape, 14.0)
    return np.hypot(real, noise(seed + 5000, signal.shape, 14.0))


def _paint_base(signal: Array, space: Space) -> None:
    low = space.inside(-25.0 - space.z)
    face = low * space.ellipsoid((0, -4, -4), (75, 97, 90), 2.2)
    paint(signal, face * space.ellipsoid((0, -62, -44), (50, 32, 36), 2.4), 170.0)
    for side in (-1, 1):
        paint(signal, face * space.ellipsoid((side * 31, -62, -38), (19, 26, 22)), FAT)
        paint(signal, space.ellipsoid((side * 32, -74, -38), (12.5, 12.5, 14)), 1000.0)
        paint(signal, space.ellipsoid((side * 32, -83, -38), (5, 2.6, 6)), 240.0)
        paint(signal, low * space.tube((side * 30, -61, -38), (side * 10, -36, -36), 2.6), 300.0)
        paint(signal, low * space.ellipsoid((side * 50, 30, -46), (20, 10, 12), turn=side * 0.5), VOID)
    paint(signal, face * space.ellipsoid((0, -64, -46), (9, 24, 20)), 20.0)  # air of the ethmoid


def _paint_cerebrum(signal: Array, space: Space) -> None:
    for side in (-1, 1):
        centre, radii = (side * 39.0, -6.0, -32.0), (23.0, 40.0, 26.0)
        _paint_lobe(signal, space, centre, radii, 5, space.inside(-15.0 - space.z))
    # The cerebrum ends above the orbits in front and above the tentorium behind.
    floor = -17.5 + 0.15 * space.y
    _paint_lobe(signal, space, (0.0, 2.0, 0.0), (62.5, 82.0, 76.0), 10, space.inside(space.z - floor))


def _paint_lobe(
    signal: Array,
    space: Space,
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    folds: int,
    present: Array,
) -> None:
    """Paint grey matter of even thickness over an ellipsoid and into its sulci, white matter beneath."""
    dx, dy, dz = space.x - centre[0], space.y - centre[1], space.z - centre[2]
    mean = (radii[0] + radii[1]) / 2
    level = np.sqrt((dx / radii[0]) ** 2 + (dy / radii[1]) ** 2 + (dz / radii[2]) ** 2)
    depth = (1.0 - level) * mean
    angle = np.arctan2(dy / radii[1], dx / radii[0])
    # No two sulci are alike: they wind, and each has its own depth.
    phase = folds * angle + 0.6 * np.sin(3.0 * angle + 0.06 * space.z) + 0.035 * depth * np.sin(2.0 * angle + 1.0)
    number = np.round(phase / np.pi)
    across = np.abs(phase - number * np.pi) / folds * np.hypot(dx, dy)
    reach = 11.0 + 5.0 * np.sin(2.1 * number + 0.03 * space.z)
    sulcus = np.hypot(across, np.maximum(depth - reach, 0.0)) - 1.0
    if centre[0] == 0.0:
        # The fissure between the hemispheres, down to the corpus callosum.
        bridge = np.maximum(0.0, 1.0 - np.hypot((space.y - 2.0) / 38.0, (space.z - 4.0) / 30.0)) * 30.0
        sulcus = np.minimum(sulcus, np.hypot(space.x, bridge) - 1.0)
    beneath = np.minimum(depth, sulcus)
    paint(signal, present * space.inside(depth + 2.0), CSF)
    paint(signal, present * space.inside(beneath), GREY)
    paint(signal, present * space.inside(beneath - 3.6), WHITE)


def _paint_deep_structures(signal: Array, space: Space) -> None:
    paint(signal, space.ellipsoid((0, 2, 10), (12, 22, 22)), WHITE)
    for side in (-1, 1):
        for centre, radii, turn, value in (
            ((26, -6, 6), (5.5, 17, 11), -0.25, 520.0),  # putamen
            ((20, -2, 4), (3.5, 11, 8), -0.25, 350.0),  # pallidum
            ((10, 10, 8), (8, 14, 10), 0.3, 530.0),  # thalamus
            ((14, -20, 18), (4.5, 9, 12), 0.25, 545.0),  # caudate
            ((8, -22, 18), (4, 13, 11), 0.35, CSF),  # frontal horn
            ((10, 4, 25), (5, 22, 7), 0.08, CSF),  # body of the ventricle
            ((19, 34, 14), (5, 17, 9), -0.3, CSF),  # occipital horn
        ):
            place = (side * centre[0], centre[1], centre[2])
            paint(signal, space.ellipsoid(place, radii, 2.0, side * turn), value)
    paint(signal, space.ellipsoid((0, 4, 4), (2.2, 12, 10)), CSF)
    paint(signal, space.tube((0, 44, 12), (0, 84, 20), 1.2) * 0.8, VOID)
    # Lesions of the white matter, as age leaves them, and one that is new.
    for centre, radius in (((-26, -26, 24), 3.0), ((24, 30, 24), 2.6), ((-24, 24, 36), 3.4), ((28, -10, 36), 2.4)):
        paint(signal, space.ellipsoid(centre, (radius, radius * 1.5, radius * 1.8)), 700.0)
    paint(signal, space.ellipsoid((-38, 18, 24), (10, 13, 12), 2.4, 0.5) * 0.85, 820.0)


def _paint_posterior_fossa(signal: Array, space: Space) -> None:
    paint(signal, space.ellipsoid((0, 46, -36), (53, 36, 36), 2.3), CSF)
    folia = 470.0 + 90.0 * np.sin(1.5 * np.hypot(space.x * 0.8, (space.y - 20.0) * 1.1))
    paint(signal, space.ellipsoid((0, 47, -36), (48, 31, 34), 2.3), folia)
    for side in (-1, 1):
        paint(signal, space.ellipsoid((side * 20, 44, -40), (12, 10, 14)), 410.0)
    paint(signal, space.ellipsoid((0, 6, -40), (26, 26, 34)), CSF)
    paint(signal, space.ellipsoid((0, 12, -40), (17, 14, 60)), 420.0)
    paint(signal, space.ellipsoid((0, 32, -36), (8, 6, 10)), CSF)
    paint(signal, space.tube((0, -3, -60), (0, -3, -20), 2.4), VOID)  # basilar artery: flowing blood is dark
