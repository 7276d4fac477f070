"""Spread work over processes: results in the order of the work, whatever the number of workers."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from mediacreator.errors import InternalError

Work = TypeVar("Work")
Done = TypeVar("Done")

STOPS = frozenset((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))

_shared: Any = None


def shared() -> Any:
    """Return, in a worker, what every piece of work needs."""
    return _shared


def spread(
    function: Callable[[Work], Done],
    work: Sequence[Work],
    *,
    workers: int,
    common: object = None,
    apart: bool = False,
) -> Generator[Done, None, None]:
    """Yield ``function(piece)`` for each piece of work, in its order.

    Args:
        function: A function of a module, so that a worker can import it; it gets ``common`` from ``shared()``.
        work: Pieces, each worth some milliseconds.
        workers: Processes; 1 does the work here.
        common: What all pieces need, given to each worker once.
        apart: Do no work here, not even one piece: for what can crash the process that does it.

    Raises:
        Whatever ``function`` raises; the other workers are then stopped.
        InternalError: A worker was killed, as by a system that runs out of memory.
        BrokenProcessPool: Instead, with ``apart``; the pieces whose results were not yielded are not done.
    """
    if not work:
        return
    if not apart and (workers <= 1 or len(work) <= 1):
        _begin(common, inside_worker=False)
        yield from map(function, work)
        return
    # A fork costs milliseconds and inherits ``common``; it is only safe while no other thread holds a lock.
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    from mediacreator.workers import context

    can_fork = sys.platform == "linux" and threading.active_count() == 1
    executor = ProcessPoolExecutor(
        max_workers=min(workers, len(work)),
        mp_context=context(fork=can_fork),
        initializer=_begin,
        initargs=(common,),
    )
    try:
        with signals_held():
            results = executor.map(function, work)  # forks here
        yield from results
    except BrokenProcessPool as exc:
        if apart:
            raise
        raise InternalError(
            "A worker process was killed, perhaps since memory ran out. Nothing was given its final name; start again "
            "with fewer --workers."
        ) from exc
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def signals_held() -> Iterator[None]:
    """Let a stop wait while workers are started: a pool that is interrupted there can wait for itself for ever.

    Workers are born with the signals held, so that none of them dies of a stop before it knows what to do with one.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_stops_to_the_parent(*, terminable: bool) -> None:
    """Ignore Ctrl-C and a closed terminal, and SIGTERM unless ``terminable``: in a worker, whose parent ends it."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL if terminable else signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def _begin(common: object, *, inside_worker: bool = True) -> None:
    """Prepare a process for its work."""
    global _shared  # noqa: PLW0603  the only state of a worker
    _shared = common
    if inside_worker:
        leave_stops_to_the_parent(terminable=False)  # its pieces are short, and the pool outlives no worker
