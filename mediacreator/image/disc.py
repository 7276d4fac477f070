"""The files of a medium in the order in which they will lie on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mediacreator.errors import InternalError
from mediacreator.model import Body, VolumeFile, WrittenFile

LateContent = Callable[[tuple[WrittenFile, ...]], bytes]
"""Makes the content of a file from all others as they were written: the receipt that travels on the medium."""


@dataclass(frozen=True, slots=True)
class DiscFile:
    """A file of a medium: ``head`` and then ``body``, or what ``late`` returns once all others are written.

    ``path`` is without version: ``("DICOM", "PT000000", "IM000000")``, ``("README.TXT",)``. ``size`` is exact.
    """

    path: tuple[str, ...]
    size: int  # bytes
    created: datetime  # aware; Recording Date and Time must be that of creation (PS3.12 F.1.3)
    head: bytes = b""
    body: Body | None = None
    late: LateContent | None = None
    sop_instance_uid: str = ""

    @classmethod
    def of_bytes(cls, path: Sequence[str], data: bytes, created: datetime) -> DiscFile:
        """Make a file whose content is at hand: DICOMDIR, README.TXT, INDEX.HTM."""
        return cls(tuple(path), len(data), created, data)

    @classmethod
    def of_instance(cls, file: VolumeFile, created: datetime) -> DiscFile:
        """Make the file of an instance; its File ID is its path."""
        encoded = file.encoded
        uid = encoded.sop_instance_uid
        return cls(file.file_id, encoded.size, created, encoded.preamble_and_meta, encoded.body, None, uid)

    @classmethod
    def of_late(cls, path: Sequence[str], size: int, created: datetime, late: LateContent) -> DiscFile:
        """Make a file of ``size`` bytes whose content is only known when all others are written."""
        return cls(tuple(path), size, created, late=late)


def disc_order(files: Sequence[DiscFile]) -> tuple[DiscFile, ...]:
    """Return the files in the order in which they are written: as given, the late one last.

    Raises:
        InternalError: A size that is not that of the content, or more than one late file.
    """
    late = [file for file in files if file.late is not None]
    if len(late) > 1:
        raise InternalError("Only one file can be made from all others.")
    for file in files:
        content = len(file.head) + (file.body.size if file.body else 0)
        if file.late is None and content != file.size:
            raise InternalError(f"{'/'.join(file.path)} was announced with {file.size} bytes and has {content}.")
    return (*(file for file in files if file.late is None), *late)


def late_bytes(file: DiscFile, written: Sequence[WrittenFile]) -> bytes:
    """Make the content of the late file.

    Raises:
        InternalError: It is not as long as was announced.
    """
    assert file.late is not None
    data = file.late(tuple(written))
    if len(data) != file.size:
        raise InternalError(f"{'/'.join(file.path)} was announced with {file.size} bytes and has {len(data)}.")
    return data
