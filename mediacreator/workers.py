"""Processes that a pool can end although they ignore SIGTERM, with which it would end them.

A pool that one of its workers broke ends the others and waits for them. They leave SIGTERM to the parent, and one of
them may wait for ever for a lock that died with the other: the system may have killed that since memory ran out.
"""

from __future__ import annotations

from multiprocessing.context import BaseContext, ForkContext, ForkProcess, SpawnContext, SpawnProcess


class _Forked(ForkProcess):
    def terminate(self) -> None:
        self.kill()


class _Spawned(SpawnProcess):
    def terminate(self) -> None:
        self.kill()


class _Forking(ForkContext):
    Process = _Forked


class _Spawning(SpawnContext):
    Process = _Spawned


def context(*, fork: bool) -> BaseContext:
    """Return how a pool starts its workers."""
    return _Forking() if fork else _Spawning()
