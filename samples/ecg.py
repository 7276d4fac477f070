"""A 12-lead electrocardiogram of a heart in sinus rhythm, in microvolts."""

from __future__ import annotations

import numpy as np

from samples.shapes import Array, noise, uniform

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

_WAVES = (  # name, time after the start of a beat and width (standard deviation), both in s
    ("P", 0.10, 0.020),
    ("Q", 0.213, 0.008),
    ("R", 0.240, 0.011),
    ("S", 0.268, 0.010),
    ("T", 0.470, 0.045),
)
_MICROVOLTS = {  # heights of P, Q, R, S, T in the leads that are measured
    "I": (70, -50, 620, -90, 190),
    "II": (130, -80, 1050, -160, 280),
    "V1": (50, 0, 210, -850, -60),
    "V2": (60, 0, 380, -1350, 340),
    "V3": (60, 0, 700, -900, 430),
    "V4": (70, -40, 1350, -480, 410),
    "V5": (70, -70, 1250, -220, 320),
    "V6": (70, -80, 950, -110, 240),
}


def electrocardiogram(seconds: float, rate: int) -> Array:
    """Return an array of shape (samples, 12 leads) in the order of LEADS; ``rate`` in Hz."""
    count = int(seconds * rate)
    time = np.arange(count) / rate
    measured = {lead: _lead(heights, time, 300 + n) for n, (lead, heights) in enumerate(_MICROVOLTS.items())}
    one, two = measured["I"], measured["II"]
    # Einthoven's and Goldberger's leads follow from I and II.
    limbs = {"III": two - one, "aVR": -(one + two) / 2, "aVL": one - two / 2, "aVF": two - one / 2}
    return np.stack([(measured | limbs)[lead] for lead in LEADS], axis=1)


def _lead(heights: tuple[int, ...], time: Array, seed: int) -> Array:
    signal = noise(seed, (1, time.size), 9.0, 2)[0] + 25.0 * np.sin(2 * np.pi * 0.23 * time + seed)
    for start in _beats(float(time[-1])):
        for (_, centre, width), height in zip(_WAVES, heights, strict=True):
            signal += height * np.exp(-0.5 * ((time - start - centre) / width) ** 2)
    return np.asarray(signal)


def _beats(end: float) -> list[float]:
    starts, jitter = [-0.35], iter(uniform(299, 100))
    while starts[-1] < end:
        # 70 a minute, faster while breathing in.
        starts.append(starts[-1] + 0.85 + 0.04 * float(np.sin(1.45 * starts[-1])) + 0.015 * next(jitter))
    return starts
