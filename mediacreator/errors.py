"""Everything mediacreator raises.

    MediaCreatorError
    ├── UsageError              2  an option, a setting or a profile name that cannot be
    ├── FindingsError           1  what should be on the medium is not; holds every Finding
    │   ├── ProfileViolation        the instances break their ApplicationProfile (``--strict``)
    │   ├── NothingToWrite          the sources hold no instance that can go on the medium
    │   ├── DecisionNeeded          a Conflict that only a person may decide
    │   └── VerificationFailed      the medium read back is not what was written
    ├── MediumError             3  a device, file system or medium
    │   ├── SourceUnreadable        a source is missing, may not be read or is damaged
    │   ├── SourceChanged           a source changed or vanished while it was read
    │   ├── TargetExists            the target is there already
    │   ├── NoSpace                 the disk or spool is full
    │   ├── MediaTooSmall           the File-set does not fit the medium
    │   ├── DeviceError             a drive, a disc or a stick refuses or fails; ``code`` says how
    │   └── ToolMissing             an outside program is not installed
    ├── InternalError           4  a broken invariant: our fault
    └── Stopped               130  Ctrl-C, SIGTERM or a terminal that was closed

A broken rule is a ``Finding``, a value; these are for what ends a call. No message holds patient identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from mediacreator.model import Conflict, Finding, SourceFile


class ExitCode(IntEnum):
    """What the process says when it ends; never a count."""

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    MEDIUM = 3
    INTERNAL = 4
    STOPPED = 130


class MediaCreatorError(Exception):
    """The root of the tree; ``exit_code`` belongs to the class.

    ``sources`` are the files that the message speaks of by number: an interactive terminal may show their paths.
    """

    exit_code = ExitCode.INTERNAL
    sources: tuple[SourceFile, ...] = ()


class UsageError(MediaCreatorError):
    """An option, a setting or a name that cannot be; nothing was begun."""

    exit_code = ExitCode.USAGE


class FindingsError(MediaCreatorError):
    """Something that should be on the medium is not; ``findings`` holds every reason, not the first."""

    exit_code = ExitCode.FINDINGS

    def __init__(self, message: str, findings: Sequence[Finding] = (), sources: Sequence[SourceFile] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(findings)
        self.sources = tuple(sources)


class ProfileViolation(FindingsError):
    """The instances break their ApplicationProfile and ``--strict`` was asked for; nothing is written."""


class NothingToWrite(FindingsError):
    """The sources hold no instance that can go on the medium."""


class DecisionNeeded(FindingsError):
    """A question that only a person may answer; ``conflicts`` are numbered."""

    def __init__(self, message: str, conflicts: Sequence[Conflict]) -> None:
        super().__init__(message, [conflict.finding for conflict in conflicts])
        self.conflicts = tuple(conflicts)


class VerificationFailed(FindingsError):
    """The medium read back is not what was written: it never gets its final name, and is removed."""


class MediumError(MediaCreatorError):
    """A device, a file system or a medium does not do what is asked of it."""

    exit_code = ExitCode.MEDIUM


class SourceUnreadable(MediumError):
    """A source is missing, may not be read, or is damaged."""

    def __init__(self, message: str, source: SourceFile | None = None) -> None:
        super().__init__(message)
        self.sources = (source,) if source else ()


class SourceChanged(MediumError):
    """A source changed or vanished between its scan and its copy."""

    def __init__(self, message: str, source: SourceFile | None = None) -> None:
        super().__init__(message)
        self.sources = (source,) if source else ()


class TargetExists(MediumError):
    """The target is there already; ``--force`` replaces it."""


class NoSpace(MediumError):
    """The disk or the spool has not enough room."""


class MediaTooSmall(MediumError):
    """The File-set does not fit the medium; the message gives both sizes and what would fit."""


class DeviceError(MediumError):
    """A drive, a disc or a stick refuses or fails; ``code`` is one of docs/errors.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ToolMissing(MediumError):
    """An outside program that the command needs is not installed; the message says how to install it."""


class InternalError(MediaCreatorError):
    """A broken invariant: our fault. Nothing was renamed to its final name."""


class Stopped(MediaCreatorError):
    """Ctrl-C or SIGTERM; the message says what became of what was half written."""

    exit_code = ExitCode.STOPPED
