"""Show how a run goes on: a bar on a terminal, plain lines elsewhere, both on stderr."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING

from mediacreator.model import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

STAGES = {
    "find": "Finding files",
    "scan": "Reading headers",
    "compare": "Comparing duplicates",
    "transcode": "Recoding",
    "icons": "Making icons",
    "image": "Writing",
    "verify": "Reading back",
    "check": "Checking the image",
    "burn": "Writing",
    "disc": "Reading back",
}
"""What the stages are called to a person."""


class Shown(AbstractContextManager["Shown"], Progress):
    """A Progress that is shown while the context lasts."""

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""


class Quiet(Shown):
    """Shows nothing."""

    def start(self, stage: str, count: int, size: int) -> None:
        """Say nothing."""

    def advance(self, count: int, size: int) -> None:
        """Say nothing."""


class Lines(Shown):
    """One line when a stage begins and one at most every ten seconds: for logs."""

    def __init__(self) -> None:
        self._stage = ""
        self._count = self._size = self._done = self._bytes = 0
        self._begun = self._said = 0.0

    def start(self, stage: str, count: int, size: int) -> None:
        """Begin a stage."""
        self._stage, self._count, self._size = STAGES.get(stage, stage), count, size
        self._done = self._bytes = 0
        self._begun = self._said = time.monotonic()
        files = f"{count:,} {'file' if count == 1 else 'files'}" if count else ""
        amount = ", ".join(filter(None, (files, human_bytes(size) if size else "")))
        print(f"{self._stage}: {amount}" if amount else self._stage, file=sys.stderr)  # noqa: T201  talk goes to stderr

    def advance(self, count: int, size: int) -> None:
        """Count, and speak now and then."""
        self._done += count
        self._bytes += size
        if time.monotonic() - self._said >= 10:
            self._said = time.monotonic()
            print(f"{self._stage}: {self._so_far()}", file=sys.stderr)  # noqa: T201  talk goes to stderr

    def _so_far(self) -> str:
        """Say how many files are done; of one whole, how many bytes and how long it will take."""
        if self._count or not self._size:
            return f"{self._done:,} of {self._count:,}"
        left = (self._said - self._begun) * (self._size - self._bytes) / max(self._bytes, 1)
        return f"{human_bytes(self._bytes)} of {human_bytes(self._size)}, about {left:.0f} s left"


_MOST_ROWS = 8  # stages that are shown; a medium for each person has two of them


class Bar(Shown):
    """A bar with stage, count, bytes and the time left; drawn by the caller's thread, so that workers can be forked."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._bar: RichProgress = RichProgress(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[done]:>32}"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            auto_refresh=False,
        )
        self._task: TaskID | None = None
        self._count = self._files = self._size = self._done = 0
        self._drawn = 0.0

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.refresh()
        self._bar.stop()

    def start(self, stage: str, count: int, size: int) -> None:
        """Begin a stage with a line of its own."""
        if self._task is not None and self._bar.tasks[-1].total is None:
            self._bar.update(self._task, total=self._bar.tasks[-1].completed)
        self._count, self._size, self._files, self._done = count, size, 0, 0
        for task in self._bar.tasks[: 1 - _MOST_ROWS]:
            self._bar.update(task.id, visible=False)
        total = count or size or None
        self._task = self._bar.add_task(STAGES.get(stage, stage), total=total, done=self._done_text())
        self._bar.refresh()

    def advance(self, count: int, size: int) -> None:
        """Move on; the terminal is drawn ten times a second."""
        if self._task is None:
            return
        self._files += count
        self._done += size
        # Of one whole, as an image that is burned, bytes are counted: it has no files for us.
        step = count if self._count or not self._size else size
        self._bar.update(self._task, advance=step, done=self._done_text())
        now = time.monotonic()
        if now - self._drawn > 0.1:
            self._drawn = now
            self._bar.refresh()

    def _done_text(self) -> str:
        files = f"{self._files}/{self._count or '?'}" if self._count or not self._size else ""
        amount = f"{human_bytes(self._done)} / {human_bytes(self._size)}" if self._size else ""
        return f"{files:>9} {amount:>22}"


def human_bytes(size: int) -> str:
    """Return a size as a person reads it, in powers of ten as media are sold."""
    amount = float(size)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{size} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.2f} GB"


def shown(*, quiet: bool) -> Shown:
    """Return the Progress that fits where stderr goes."""
    if quiet:
        return Quiet()
    return Bar() if sys.stderr.isatty() else Lines()
