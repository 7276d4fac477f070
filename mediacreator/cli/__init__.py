"""The command line: one module for each command, loaded only when it is called."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Mapping
from types import FrameType
from typing import ClassVar

import click

from mediacreator import __version__
from mediacreator.cli.lazy import LazyGroup
from mediacreator.errors import ExitCode, FindingsError, MediaCreatorError, Stopped

COMMANDS = {
    "create": "mediacreator.cli.create",
    "list": "mediacreator.cli.list",
    "add": "mediacreator.cli.add",
    "remove": "mediacreator.cli.remove",
    "merge": "mediacreator.cli.merge",
    "diff": "mediacreator.cli.diff",
    "rebuild": "mediacreator.cli.rebuild",
    "profiles": "mediacreator.cli.profiles",
    "verify": "mediacreator.cli.verify",
    "drives": "mediacreator.cli.drives",
    "burn": "mediacreator.cli.burn",
    "write-usb": "mediacreator.cli.write_usb",
    "label": "mediacreator.cli.label",
}
"""Each module has one click command named ``command``."""


_MOST_SOURCES = 10


class _Commands(LazyGroup):
    modules: ClassVar[Mapping[str, str]] = COMMANDS


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mediacreator")
@click.option("--debug", is_flag=True, help="Show the traceback of an error. It may hold patient identity.")
@click.pass_context
def group(ctx: click.Context, *, debug: bool) -> None:
    """DICOM media for hospitals: make discs that every reader opens, and say what is on them.

    Exit codes: 0 complete; 1 something that should be on the medium is not; 2 usage; 3 a device, disk or
    medium; 4 our fault; 130 stopped.
    """
    ctx.ensure_object(dict)["debug"] = debug


def main() -> None:
    """Run the command line and end the process with an honest exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup ignores that the terminal is closed
            signal.signal(number, _stop)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; whatever is raised becomes a plain sentence on stderr."""
    try:
        result = group.main(arguments, prog_name="mediacreator", standalone_mode=False)
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.ClickException as exc:
        exc.show()
        return int(ExitCode.USAGE)
    except Stopped as exc:
        click.echo(str(exc), err=True)
        return int(ExitCode.STOPPED)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Stopped. Nothing half-written was left behind.", err=True)
        return int(ExitCode.STOPPED)
    except MediaCreatorError as exc:
        _show(exc, debug="--debug" in arguments)
        return int(exc.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; there is nobody left to tell
        return int(ExitCode.STOPPED)
    except Exception as exc:  # noqa: BLE001  the last line of defence: a bug ends with exit code 4
        _show_bug(exc, debug="--debug" in arguments)
        return int(ExitCode.INTERNAL)
    return int(result) if isinstance(result, int) else int(ExitCode.DONE)


def _stop(signum: int, frame: FrameType | None) -> None:
    """Treat a signal as Ctrl-C, so that everything half-written is removed."""
    raise KeyboardInterrupt


def _show(exc: MediaCreatorError, *, debug: bool) -> None:
    from mediacreator.cli.report import plain, talk

    talk(f"Error: {exc}")
    if isinstance(exc, FindingsError):
        for finding in exc.findings:
            talk(f"  {finding.code}: {finding}", indent=4)
    if sys.stderr.isatty():
        for source in exc.sources[:_MOST_SOURCES]:
            click.echo(f"  {source.location}: {plain(source.display_path)}", err=True)
    if debug:
        click.echo("".join(traceback.format_exception(exc)), err=True)


def _show_bug(exc: Exception, *, debug: bool) -> None:
    """Name a bug by its place: messages of other libraries may quote values, and with them a patient."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(exc.__traceback__)]
    click.echo(f"Error: {type(exc).__name__}. This is our fault; nothing was given its final name.", err=True)
    click.echo("  " + "\n  ".join(places[-6:]), err=True)
    if debug:
        click.echo("".join(traceback.format_exception(exc)), err=True)
    else:
        click.echo("Run again with --debug before the command for the whole traceback.", err=True)
