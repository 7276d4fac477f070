"""What all tests share: the oracles, and where the samples lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SAMPLES = Path(__file__).parent.parent / "samples"


# How long an example takes is the machine's business; what must not hang has a deadline of its own.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def samples() -> Path:
    return SAMPLES
