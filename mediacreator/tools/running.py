"""Run an outside program: to its end, or line by line while it works; never without an end."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from mediacreator.errors import DeviceError, ToolMissing

_ENDS = 15.0  # seconds that a program gets to end by itself


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that ended."""

    code: int  # negative: the number of the signal that ended it
    out: str
    err: str


def require(program: str, package: str) -> str:
    """Return the path of a program.

    Args:
        program: Its name.
        package: The Debian package that has it.

    Raises:
        ToolMissing: It is not installed.
    """
    path = shutil.which(program)
    if path is None:
        raise ToolMissing(f"{program} is not installed, and this needs it: apt-get install {package}.")
    return path


def run(*command: str, timeout: float) -> Ended:
    """Run a program to its end.

    Args:
        command: Program and arguments; no shell sees them.
        timeout: Seconds.

    Raises:
        DeviceError: It hangs; it was killed.
    """
    try:
        done = subprocess.run(  # noqa: S603  the programs are ours to name, and no shell is between
            command, capture_output=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL, env=_environment()
        )
    except subprocess.TimeoutExpired as exc:
        raise _hangs(timeout) from exc
    return Ended(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


class Watched:
    """A program whose lines are read while it works; leaving the context ends it.

    It runs in a session of its own: a Ctrl-C reaches us, and we end it in order.
    """

    def __init__(self, *command: str, silence: float, stdin: int | None = None) -> None:
        """Start it.

        Args:
            command: Program and arguments.
            silence: Seconds without a line after which it hangs.
            stdin: Descriptor that it reads from; None: nothing.
        """
        self._silence = silence
        self._process = subprocess.Popen(  # noqa: S603  as above
            command,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=_environment(),
        )

    @property
    def code(self) -> int:
        """How it ended; negative: the number of the signal. Known once the lines are read."""
        return self._process.wait(_ENDS)

    def lines(self) -> Iterator[str]:
        """Yield each line as it comes; one that is overwritten on a terminal counts as a line.

        Raises:
            DeviceError: It hangs.
        """
        rest = b""
        for data in self._chunks():
            *lines, rest = (rest + data).replace(b"\r", b"\n").split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines if line.strip())
        if rest.strip():
            yield rest.decode("utf-8", "replace")

    def _chunks(self) -> Iterator[bytes]:
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            heard = time.monotonic()
            while True:
                if not selector.select(self._silence - (time.monotonic() - heard)):
                    raise _hangs(self._silence)
                data = os.read(handle, 1 << 16)
                if not data:
                    return
                heard = time.monotonic()
                yield data

    def __enter__(self) -> Watched:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in (self._process.terminate, self._process.kill):
            if self._process.poll() is not None:
                break
            end()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_ENDS)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _environment() -> dict[str, str]:
    """Return our environment with the language of messages that we know."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def _hangs(seconds: float) -> DeviceError:
    from mediacreator.tools.faults import fault

    return fault("device-vanished", f"Nothing was heard of it for {seconds:.0f} seconds.")
