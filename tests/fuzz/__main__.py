"""``python -m tests.fuzz TARGET RUNS [SEED]``: try mutated inputs; ends with 0 if every one of them was answered.

With atheris (extra ``fuzz``) coverage guides the mutations; without, they are random and the first line says so. An
input that takes over 2 s, raises another error than ours or needs over 1 GiB ends the run with its script on stderr.
"""

from __future__ import annotations

import random
import resource
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

LIMIT = 2  # seconds of processor time for one input
HANG = 60  # seconds by the clock after which libFuzzer gives up; less would blame an input for a busy machine
MEMORY = 1 << 30  # bytes
_LONGEST = 73  # bytes of a script: a base and twelve steps


def main() -> None:
    """Run one target."""
    target, runs = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    try:
        import atheris
    except ImportError:
        print(f"{target}: atheris is not installed: {runs} random mutations, not guided by coverage")
        at_random(target, runs, seed)
        return
    with atheris.instrument_imports(
        include=["mediacreator.dicomio", "mediacreator.medium_listing", "mediacreator.medium_records"]
    ):
        from tests.fuzz.targets import run_one

    def try_one(script: bytes) -> None:
        begun = time.process_time()
        run_one(target, script)
        if time.process_time() - begun > LIMIT:
            raise TimeoutError(f"one input took over {LIMIT} s")

    print(f"{target}: {runs} mutations, guided by coverage with atheris", flush=True)
    _limit_memory(MEMORY * 2)  # libFuzzer's own tables are large
    options = [f"-runs={runs}", f"-seed={seed}", f"-timeout={HANG}", f"-rss_limit_mb={MEMORY >> 20}"]
    options += [f"-max_len={_LONGEST}", "-len_control=0", "-verbosity=0", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options], try_one)
    atheris.Fuzz()


def at_random(target: str, runs: int, seed: int) -> None:
    """Try random scripts, each within the limits."""
    from tests.fuzz.targets import run_one

    _limit_memory(MEMORY)
    signal.signal(signal.SIGPROF, _too_slow)
    chosen = random.Random(seed)
    begun = time.perf_counter()
    for number in range(runs):
        script = chosen.randbytes(chosen.randrange(1, _LONGEST))
        signal.setitimer(signal.ITIMER_PROF, LIMIT)
        try:
            run_one(target, script)
        except BaseException:
            print(f"{target}: input {number} of seed {seed}: {script.hex()}", file=sys.stderr)
            raise
    signal.setitimer(signal.ITIMER_PROF, 0)
    print(f"{target}: {runs} inputs answered in {time.perf_counter() - begun:.0f} s")


def _limit_memory(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _too_slow(_: int, __: FrameType | None) -> NoReturn:
    raise TimeoutError(f"one input took over {LIMIT} s")


if __name__ == "__main__":
    main()
