"""Run conversions in worker processes; a codec that crashes takes one instance with it, not the job.

Small instances go to a worker by the dozen. The frames of a large one are shared out: each worker decodes and codes
some of them into a file, and one puts these together. Which frames go together changes nothing in the result.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

from mediacreator.model import Container
from mediacreator.parallel import leave_stops_to_the_parent, signals_held
from mediacreator.transcode.convert import code_part, convert
from mediacreator.transcode.jobs import Coded, Converted, Failed, Job, Part

_JOBS_AT_ONCE = 16  # in one task, so that small instances do not drown in messages
_BYTES_AT_ONCE = 4 << 20
_CODED_AT_ONCE = 1 << 20  # of what is coded, some 100 ms: so long others wait at the end for the last task
_FEW = 8  # native conversions that are not worth a process
_SHARED = 16 << 20  # native bytes from which on an instance is shared out
_PART = 8 << 20  # native bytes of a part, about: enough that opening the source again does not count
_PARTS = 8  # for each worker, at most

Result = Converted | Failed


def run_jobs(jobs: Sequence[Job], workers: int) -> Iterator[Result]:
    """Yield the result of each job, in the order in which they end.

    Frames are only decoded and coded in other processes, even by one worker, since a damaged codestream can crash a
    decoder.

    Args:
        jobs: What to do.
        workers: Processes, 1 or more.
    """
    if len(jobs) <= _FEW and not any(job.codes_frames for job in jobs):
        yield from map(convert, jobs)
        return
    left = {job.number: job for job in jobs}
    try:
        for result in _Pool(jobs, workers).results():
            del left[result.number]
            yield result
    except BrokenProcessPool:
        for job in tuple(left.values()):
            _forget_parts(job, workers)
            yield _alone(job)


def share_out(job: Job, workers: int) -> tuple[Part, ...]:
    """Return the parts in which the frames of an instance are done, none where it is done in one piece."""
    if workers < 2 or not job.codes_frames or job.frames < 2 or job.native < _SHARED:
        return ()
    packed = job.source.container in (Container.ZIP, Container.MAIL)
    if job.dataset == "deflated" or packed:  # each part would inflate all before it
        return ()
    count = min(job.frames, -(-job.native // _PART), _PARTS * workers)
    cuts = [job.frames * k // count for k in range(count + 1)]
    return tuple(Part(job, first, last, f"{job.path}.{k:03d}") for k, (first, last) in enumerate(pairwise(cuts)))


@dataclass(slots=True)
class _Shared:
    """An instance whose frames are being coded by several."""

    parts: tuple[Part, ...]
    done: dict[int, Coded | Failed] = field(default_factory=dict)  # by number of the part

    def whole(self) -> list[Coded | Failed]:
        """Return what became of the parts, in their order, once all are done; else nothing."""
        return [self.done[k] for k in range(len(self.parts))] if len(self.done) == len(self.parts) else []


@dataclass(frozen=True, slots=True)
class _PartTask:
    """A part of an instance on its way to a worker."""

    shared: _Shared
    place: int


_Work = Callable[[], list[Result | Coded]]


class _Pool:
    """Gives tasks to workers until all are done."""

    def __init__(self, jobs: Sequence[Job], workers: int) -> None:
        self._workers = workers
        self._waiting: deque[tuple[_Work, _PartTask | None]] = deque()
        whole = []
        for job in jobs:
            parts = share_out(job, workers)
            if parts:
                self._share(parts)
            else:
                whole.append(job)
        self._waiting.extend((partial(_work, task), None) for task in _tasks(whole))

    def results(self) -> Iterator[Result]:
        """Yield results as they come.

        Raises:
            BrokenProcessPool: A worker died.
        """
        before = set(multiprocessing.active_children())
        executor = ProcessPoolExecutor(
            min(self._workers, len(self._waiting)), mp_context=_context(), initializer=_begin
        )
        running: dict[Future[list[Result | Coded]], _PartTask | None] = {}
        try:
            while True:
                with signals_held():
                    while self._waiting and len(running) < 3 * self._workers:
                        work, part = self._waiting.popleft()
                        running[executor.submit(work)] = part
                if not running:
                    break
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from self._ended(future.result(), running.pop(future))
        except BaseException:
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()  # a stop must not wait for the frames of a large instance
            executor.shutdown(wait=True, cancel_futures=True)
            raise
        executor.shutdown()

    def _share(self, parts: tuple[Part, ...]) -> None:
        shared = _Shared(parts)
        self._waiting.extend((partial(_code, part), _PartTask(shared, k)) for k, part in enumerate(parts))

    def _ended(self, results: list[Result | Coded], task: _PartTask | None) -> Iterator[Result]:
        """Yield the results of instances; of parts, see what is to be done next."""
        for result in results:
            if task is not None and isinstance(result, Coded | Failed):
                task.shared.done[task.place] = result
                yield from self._put_together(task.shared)
            elif not isinstance(result, Coded):
                yield result

    def _put_together(self, shared: _Shared) -> Iterator[Result]:
        done = shared.whole()
        coded = [part for part in done if isinstance(part, Coded)]
        job = shared.parts[0].job
        if not done:
            return
        if len(coded) < len(done):
            _forget_parts(job, self._workers)
            yield next(part for part in done if isinstance(part, Failed))
        elif any(part.wide for part in coded) and not job.wide:
            self._share(tuple(replace(part, job=replace(job, wide=True)) for part in shared.parts))
        else:
            self._waiting.appendleft((partial(_finish, job, coded), None))


def _forget_parts(job: Job, workers: int) -> None:
    for part in share_out(job, workers):
        with suppress(FileNotFoundError):
            os.unlink(part.path)


def _tasks(jobs: Iterable[Job]) -> Iterator[tuple[Job, ...]]:
    task: list[Job] = []
    size = 0
    for job in jobs:
        task.append(job)
        size += job.source.size
        if len(task) == _JOBS_AT_ONCE or size >= (_CODED_AT_ONCE if job.codes_frames else _BYTES_AT_ONCE):
            yield tuple(task)
            task, size = [], 0
    if task:
        yield tuple(task)


def _work(task: tuple[Job, ...]) -> list[Result | Coded]:
    return [convert(job) for job in task]


def _code(part: Part) -> list[Result | Coded]:
    return [code_part(part)]


def _finish(job: Job, parts: Sequence[Coded]) -> list[Result | Coded]:
    return [convert(job, parts)]


def _alone(job: Job) -> Result:
    """Run one of the jobs that were left when a worker died."""
    try:
        return next(_Pool([job], 1).results())
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
