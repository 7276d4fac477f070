"""Work over processes: order, failure and stopping do not depend on the number of workers."""

from __future__ import annotations

import os
import threading

import pytest

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
