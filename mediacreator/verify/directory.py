"""Walk the DICOMDIR of a finished medium and compare it with the Volume: every instance, once, under its File ID."""

from __future__ import annotations

from collections.abc import Iterator

from mediacreator.dicomio.walker import Directory, walk
from mediacreator.errors import SourceUnreadable
from mediacreator.formats import FileTree
from mediacreator.model import Finding, Severity, Volume

DICOMDIR = ("DICOMDIR",)


def directory_differences(volume: Volume, tree: FileTree) -> tuple[Finding, ...]:
    """Say how the DICOMDIR of a finished medium, as an independent reader walks it, differs from the Volume.

    Args:
        volume: What was written.
        tree: The medium, opened again.

    Returns:
        A Finding for each difference; none when every instance is referenced once, under its File ID.

    Source: PS3.3 F.2.1 (every DICOM file is referenced, once), PS3.10 8.6.
    """
    try:
        with tree.open(DICOMDIR) as stream:
            data = stream.read()
    except SourceUnreadable:
        return (_UNREADABLE,)
    return record_differences(volume, data)


def record_differences(volume: Volume, data: bytes) -> tuple[Finding, ...]:
    """Say how the bytes of a DICOMDIR differ from the Volume, as ``directory_differences`` does."""
    try:
        return tuple(_differences(walk(data), volume))
    except SourceUnreadable:
        return (_UNREADABLE,)


def _differences(directory: Directory, volume: Volume) -> Iterator[Finding]:
    yield from (finding for finding in directory.findings if finding.severity is Severity.ERROR)
    if directory.file_set_uid != volume.file_set_uid:
        yield _differs("DICOMDIR", "its File-set UID is another", "PS3.10 8.6")
    if directory.file_set_id != volume.file_set_id:
        yield _differs("DICOMDIR", "its File-set ID is another", "PS3.3 F.3.2.1")
    walked = [
        (record.file_id, record.sop_class_uid, record.sop_instance_uid, record.transfer_syntax_uid)
        for record in directory.in_order()
        if record.file_id
    ]
    expected = [
        (
            file.file_id,
            file.encoded.instance.header.sop_class_uid,
            file.encoded.sop_instance_uid,
            file.encoded.transfer_syntax_uid,
        )
        for file in volume.files
    ]
    if walked == expected:
        return
    seen = set(walked)
    for entry in expected:
        if entry not in seen:
            yield _differs("/".join(entry[0]), "no record references it as it is", "PS3.3 F.2.1")
    for entry in seen.difference(expected):
        yield _differs("/".join(entry[0]), "a record references what was not written", "PS3.3 F.2.1")
    if len(walked) != len(seen) or seen == set(expected):
        yield _differs("DICOMDIR", "instances are referenced twice or in another order", "PS3.3 F.2.1")


def _differs(location: str, what: str, clause: str) -> Finding:
    return Finding(
        code="directory-differs",
        severity=Severity.ERROR,
        location=location,
        what=what,
        expected="the directory that was built",
        clause=clause,
        remedy="Write the medium again; if it happens twice, the disk is at fault.",
    )


_UNREADABLE = _differs("DICOMDIR", "it cannot be read", "PS3.10 8.6")
