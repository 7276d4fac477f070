"""Work over processes: order, failure and stopping do not depend on the number of workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from mediacreator.errors import InternalError
from mediacreator.parallel import shared, spread


def double(number: int) -> tuple[int, int]:
    return number * shared(), os.getpid()


def fail(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_order(workers: int) -> None:
    done = list(spread(double, range(20), workers=workers, common=2))
    assert [value for value, _ in done] == [2 * n for n in range(20)]
    assert ({pid for _, pid in done} == {os.getpid()}) == (workers == 1)


@pytest.mark.parametrize("workers", [1, 3])
def test_what_the_work_raises_is_raised(workers: int) -> None:
    with pytest.raises(ValueError, match="three"):
        list(spread(fail, range(9), workers=workers))


def test_a_process_with_threads_is_not_forked() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert [value for value, _ in spread(double, range(4), workers=2, common=3)] == [0, 3, 6, 9]
    finally:
        stop.set()
        thread.join()


# Work that can crash the process which does it


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("count", [1, 5])
def test_work_apart_is_never_done_here(workers: int, count: int) -> None:
    done = list(spread(double, range(count), workers=workers, common=2, apart=True))

    assert [value for value, _ in done] == [2 * n for n in range(count)]
    assert os.getpid() not in {pid for _, pid in done}


def test_no_work_starts_no_process() -> None:
    assert list(spread(double, [], workers=2, apart=True)) == []


def die(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_dies_is_told_and_what_was_done_before_is_kept(workers: int) -> None:
    done: list[int] = []

    with pytest.raises(BrokenProcessPool):
        done.extend(spread(die, range(9), workers=workers, apart=True))

    assert done == list(range(len(done)))
    assert len(done) <= 3


def die_while_another_works(number: int) -> int:
    if number:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
    return number


@pytest.mark.parametrize("apart", [True, False])
def test_a_worker_that_is_killed_does_not_make_the_others_wait(apart: bool) -> None:
    """As by a system that runs out of memory. The pool asks the others to end, and waits until they do."""
    start = time.monotonic()

    with pytest.raises(BrokenProcessPool if apart else InternalError):
        list(spread(die_while_another_works, range(2), workers=2, apart=apart))

    assert time.monotonic() - start < 30
