"""Damaged files of every kind: each is on the medium or has its reason, and nothing but our own errors is raised."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from mediacreator import CreateRequest, MediaCreatorError, SelectionRequest, create
from mediacreator.errors import InternalError, VerificationFailed
from mediacreator.receipt import counts_close

SAMPLES = Path(__file__).parent.parent.parent / "samples"
FILES = sorted(
    path
    for root in (SAMPLES, Path(str(get_testdata_file("CT_small.dcm"))).parent)
    for path in root.rglob("*")
    if path.is_file() and path.suffix not in {".py", ".pyc", ".md"} and path.stat().st_size < 300_000
)


def damaged(data: bytearray, dice: random.Random) -> bytes:
    """Flip, remove or insert some bytes, mostly in the header."""
    kind = dice.random()
    for _ in range(dice.choice([1, 1, 2, 8, 40])):
        if not data:
            break
        place = dice.randrange(min(len(data), dice.choice([400, 2000, len(data)])))
        if kind < 0.6:
            data[place] = dice.choice([0, 255, dice.randrange(256), data[place] ^ 1])
        elif kind < 0.8:
            del data[place : place + dice.randrange(1, 20)]
        else:
            data[place:place] = dice.randbytes(dice.randrange(1, 12))
    return bytes(data)


def provoke(folder: Path, seed: int, runs: int) -> None:
    dice = random.Random(seed)
    complete = 0
    for number in range(runs):
        source = folder / f"{number}"
        source.mkdir()
        for name in range(6):
            (source / f"{name}").write_bytes(damaged(bytearray(dice.choice(FILES).read_bytes()), dice))
        request = CreateRequest(
            (str(source),), f"{folder}/{number}.medium/", workers=1, selection=SelectionRequest(multi_patient=True)
        )
        try:
            assert counts_close(create(request)) == (), (seed, number)
            complete += 1
        except (InternalError, VerificationFailed) as exc:
            pytest.fail(f"seed {seed}, run {number}: {exc}")
        except MediaCreatorError:
            pass  # nothing to write, or a question: said in plain words
    assert complete > runs / 2


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_files_never_stop_the_others(tmp_path: Path, seed: int) -> None:
    provoke(tmp_path, seed, 60)


@pytest.mark.slow
def test_many_more_of_them(tmp_path: Path) -> None:
    provoke(tmp_path, 3, 3000)
