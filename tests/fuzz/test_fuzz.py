"""Mutated DICOMDIRs and headers raise nothing but our errors, quickly: ten thousand here, a million when slow."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, run_one

ROOT = Path(__file__).parent.parent.parent
LIMIT = 2.0  # seconds of processor time for one input
PROOF = {"walker": 400_000, "header": 600_000}
TWELVE_STEPS = st.binary(min_size=7, max_size=73)

few = settings(
    max_examples=5_000,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
    deadline=None,
)


def answered(target: str, script: bytes) -> None:
    begun = time.process_time()
    run_one(target, script)
    assert time.process_time() - begun < LIMIT


@given(script=TWELVE_STEPS)
@few
def test_mutated_directories_are_answered(script: bytes) -> None:
    answered("walker", script)


@given(script=TWELVE_STEPS)
@few
def test_mutated_headers_are_answered(script: bytes) -> None:
    answered("header", script)


def test_bases_are_answered_without_any_mutation() -> None:
    for bases, fuzz in TARGETS.values():
        assert len(bases()) > 10
        for base in bases():
            fuzz(base)


PLANTED = """
import sys
import tests.fuzz.targets
import mediacreator.dicomio.walker as walker
from tests.fuzz.__main__ import at_random, main

def planted(*_):
    raise KeyError("planted")

walker.check_text = planted
sys.argv = ["fuzz", "walker", "200"]
"""


@pytest.mark.parametrize("how", ["main()", "at_random('walker', 200, 1)"])
def test_the_driver_ends_with_an_error_when_an_input_does(how: str, tmp_path: Path) -> None:
    """Fuzzing that cannot fail proves nothing."""
    done = subprocess.run(
        [sys.executable, "-c", PLANTED + how],
        capture_output=True,
        text=True,
        cwd=tmp_path,  # libFuzzer leaves the input that failed where it runs
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )

    assert done.returncode != 0
    assert "KeyError: 'planted'" in done.stdout + done.stderr


@pytest.mark.slow
def test_a_million_mutated_inputs_are_answered(tmp_path: Path) -> None:
    """Two processes, one for each reader; what they print says whether coverage guided them."""
    running = {
        target: subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz", target, str(runs)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for target, runs in PROOF.items()
    }
    for target, process in running.items():
        said, _ = process.communicate(timeout=7200)
        print(said[-2000:])
        assert process.returncode == 0, said[-4000:]
        assert f"{target}: {PROOF[target]} " in said
        assert f"number_of_executed_units: {PROOF[target]}" in said or "inputs answered" in said
