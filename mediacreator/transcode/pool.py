"""Run conversions in worker processes; a codec that crashes takes one instance with it, not the job."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from mediacreator.parallel import leave_stops_to_the_parent, signals_held
from mediacreator.transcode.convert import convert
from mediacreator.transcode.jobs import Converted, Failed, Job

_JOBS_AT_ONCE = 16  # in one task, so that small instances do not drown in messages
_BYTES_AT_ONCE = 4 << 20
_FEW = 8  # native conversions that are not worth a process

Result = Converted | Failed


def run_jobs(jobs: Sequence[Job], workers: int) -> Iterator[Result]:
    """Yield the result of each job, in the order in which they end.

    Frames are only decoded in other processes, even by one worker, since a damaged codestream can crash a decoder.

    Args:
        jobs: What to do.
        workers: Processes, 1 or more.
    """
    if len(jobs) <= _FEW and all(job.pixels != "encapsulated" for job in jobs):
        yield from map(convert, jobs)
        return
    left = {job.number: job for job in jobs}
    try:
        for result in _in_pool(list(_tasks(jobs)), workers):
            del left[result.number]
            yield result
    except BrokenProcessPool:
        for job in tuple(left.values()):
            yield _alone(job)


def _tasks(jobs: Iterable[Job]) -> Iterator[tuple[Job, ...]]:
    task: list[Job] = []
    size = 0
    for job in jobs:
        task.append(job)
        size += job.source.size
        if len(task) == _JOBS_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield tuple(task)
            task, size = [], 0
    if task:
        yield tuple(task)


def _work(task: tuple[Job, ...]) -> list[Result]:
    return [convert(job) for job in task]


def _in_pool(tasks: list[tuple[Job, ...]], workers: int) -> Iterator[Result]:
    before = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(min(workers, len(tasks)), mp_context=_context(), initializer=_begin)
    try:
        waiting = iter(tasks)
        running: set[Future[list[Result]]] = set()
        while True:
            with signals_held():
                running.update(executor.submit(_work, task) for task in islice(waiting, 3 * workers - len(running)))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield from future.result()
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()  # a stop must not wait for the frames of a large instance
        executor.shutdown(wait=True, cancel_futures=True)
        raise
    executor.shutdown()


def _alone(job: Job) -> Result:
    """Run one of the jobs that were left when a worker died."""
    try:
        return next(_in_pool([(job,)], 1))
    except BrokenProcessPool:
        return Failed(
            job.number, "codec-crashed", "PixelData (7FE0,0010) makes its decoder crash", "a whole frame", "PS3.5 8.2"
        )


def _context() -> multiprocessing.context.BaseContext:
    """Return how to start processes: a fork is fast, but safe only where no other thread runs."""
    alone = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if alone else "spawn")


def _begin() -> None:
    """Leave Ctrl-C to the parent, which stops its workers; SIGTERM ends a worker at once."""
    leave_stops_to_the_parent(terminable=True)
