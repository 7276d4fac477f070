"""Remove patients, studies, series or instances from a File-set in place (PS3.10 8.3)."""

from __future__ import annotations

from collections.abc import Callable

from mediacreator import collector
from mediacreator.creation import origin_of
from mediacreator.dicomio.walker import Directory, DirectoryRecord
from mediacreator.errors import MediumError, NothingToWrite, Stopped
from mediacreator.model import Finding, Progress, Severity, Silent
from mediacreator.receipt import Receipt
from mediacreator.select import Excluded
from mediacreator.settings import Settings
from mediacreator.updating.drives import drive_of
from mediacreator.updating.request import UpdateRequest, opened
from mediacreator.updating.update import change, nothing_new

# Keys that tell what a record stands for: PS3.3 F.5.1 to F.5.3
_PATIENT_ID, _STUDY_UID, _SERIES_UID = 0x00100020, 0x0020000D, 0x0020000E


def remove(
    request: UpdateRequest, removal: Excluded, settings: Settings | None = None, progress: Progress | None = None
) -> Receipt:
    """Remove instances, their records and what they leave empty; the records go first, the files after them.

    Args:
        request: Whose ``medium`` and ``profile`` count.
        removal: What goes; each must be there, and something must be named.
        settings: Of the site; the defaults without.
        progress: Told how it goes on.

    Returns:
        The receipt of the File-set as it is now.

    Raises:
        UsageError: A profile has no Updater.
        NothingToWrite: The File-set does not hold one of what shall go: nothing is removed then.
        FindingsError: The DICOMDIR must be rebuilt first.
        VerificationFailed, MediumError: As said; the File-set is as it was.
        Stopped: Ctrl-C or SIGTERM; the File-set is as it was.
    """
    settings, progress = settings or Settings(), progress or Silent()
    if drive_of(request.medium):
        raise MediumError(
            "What is recorded on a disc stays on it; a further session could only hide it. Make a new disc without it: "
            "create from this one, with --study, --series or --patient [PS3.12 F.2.2.2]."
        )
    try:
        with collector.held(), opened(request, settings) as medium:
            directory = medium.held.directory
            removed = _chosen(directory, removal)
            origin = origin_of(request.reproducible, request.epoch, (), [directory.file_set_uid, repr(sorted(removed))])
            return change(medium, request, settings, origin, nothing_new(medium), removed, progress)
    except KeyboardInterrupt as exc:
        raise Stopped("Stopped; the File-set is as it was.") from exc


def _chosen(directory: Directory, removal: Excluded) -> frozenset[int]:
    """Return the records that go: those asked for, all below them, and those above that have nothing left.

    Raises:
        NothingToWrite: With what is not there.
    """
    tests: tuple[tuple[str, frozenset[str], Callable[[DirectoryRecord], str]], ...] = (
        ("Patient ID", removal.patients, lambda record: _text(record, "PATIENT", _PATIENT_ID)),
        ("Study Instance UID", removal.studies, lambda record: _text(record, "STUDY", _STUDY_UID)),
        ("Series Instance UID", removal.series, lambda record: _text(record, "SERIES", _SERIES_UID)),
        ("SOP Instance UID", removal.instances, lambda record: record.sop_instance_uid),
    )
    tests = tuple(test for test in tests if test[1])
    gone: set[int] = set()
    seen: list[set[str]] = [set() for _ in tests]
    for record in directory.in_order():
        for number, (_, wanted, value_of) in enumerate(tests):
            value = value_of(record)
            if value in wanted:
                seen[number].add(value)
                gone.add(record.index)
        if record.parent in gone:
            gone.add(record.index)
    lacking = [
        _not_there(name, len(wanted - found))
        for (name, wanted, _), found in zip(tests, seen, strict=True)
        if wanted - found
    ]
    if lacking:
        raise NothingToWrite("The File-set does not hold all that shall be removed; nothing was.", lacking)
    for record in reversed(tuple(directory.in_order())):
        below = directory.children[record.index]
        if below and all(index in gone for index in below):
            gone.add(record.index)
    return frozenset(gone)


def _text(record: DirectoryRecord, kind: str, tag: int) -> str:
    return record.text(tag).strip(" \0") if record.type == kind else ""


def _not_there(name: str, count: int) -> Finding:
    return Finding(
        "not-on-medium",
        Severity.ERROR,
        "DICOMDIR",
        f"{count} of the values given for {name} {'is' if count == 1 else 'are'} in no record",
        f"a {name} that the File-set holds",
        "PS3.3 F.5",
        "See what it holds with mediacreator list, and give those.",
    )
