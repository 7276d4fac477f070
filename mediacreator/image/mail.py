"""Write a File-set as a mail (PS3.12 W): as a ZIP archive that is attached (V), or each file a part of its own (K)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mediacreator.formats.mail import (
    Envelope,
    base64_lines,
    encoded_size,
    message_end,
    message_head,
    part_head,
)
from mediacreator.image.archive import Packing, folder_of, zip_size
from mediacreator.image.disc import DiscFile, disc_order
from mediacreator.image.streamed import hashed, write_stream
from mediacreator.model import MediaImage, Progress, WrittenFile

_DICOMDIR = ("DICOMDIR",)
_ANY_DATE = datetime(2000, 1, 1, tzinfo=UTC)  # all have the same length in a header

_TYPES: Mapping[str, str] = {
    "TXT": "text/plain",
    "HTM": "text/html",
    "CSS": "text/css",
    "JS": "text/javascript",
    "JSN": "application/json",
    "PDF": "application/pdf",
    "JPG": "image/jpeg",
    "PNG": "image/png",
}
"""Content types of files beside the File-set, by extension."""

_PRIVATE = (
    "",
    "These are confidential data of a patient. If they are not meant for you, please",
    "delete this message and tell its sender.",
)


@dataclass(frozen=True, slots=True)
class Letter:
    """What the site and the profile say of a mail; none of it comes from the instances, so that no patient is named."""

    sender: str = ""
    recipient: str = ""
    subject: str = ""  # words of the site
    transport: Mapping[str, str] = field(default_factory=dict)  # of the profile (PS3.11 L.3.2)

    def envelope(self, created: datetime, text: Sequence[str]) -> Envelope:
        """Return the head of the message: the subject begins with the phrase of the profile (PS3.11 L.3.2 e)."""
        phrase = self.transport.get("subject_contains", "DICOM")
        return Envelope(f"{phrase} {self.subject}".strip(), created, self.sender, self.recipient, (*text, *_PRIVATE))


def zip_mail_size(files: Sequence[DiscFile], *, letter: Letter) -> int:
    """Return the most bytes that the mail can have: as if nothing in the archive got smaller."""
    return sum(map(len, _around_zip(letter, _ANY_DATE))) + encoded_size(zip_size(files))


def write_zip_mail(
    path: str, *, letter: Letter, files: Sequence[DiscFile], created: datetime, progress: Progress, workers: int = 1
) -> MediaImage:
    """Write a mail with the File-set as a ZIP archive.

    Args:
        path: Of the mail, its ``.partial`` name; replaced when it is there.
        letter: What its headers say.
        files: In the order of the medium.
        created: Date of the mail; aware. The same input gives the same bytes.
        progress: Counts files and bytes of files.
        workers: Files that are packed at once.

    Raises:
        NoSpace, MediumError, SourceChanged, SourceUnreadable, InternalError: As ``write_zip``.

    Source: PS3.11 L.3.2, PS3.12 V, W.1.
    """
    packing = Packing(files, folder_of(path), progress, workers)
    before, after = _around_zip(letter, created)

    def chunks() -> Iterator[bytes]:
        yield before
        yield from base64_lines(packing.chunks())
        yield after

    size = write_stream(path, chunks())
    return MediaImage(path, size, packing.written)


def _around_zip(letter: Letter, created: datetime) -> tuple[bytes, bytes]:
    """Encode what stands before and after the archive. Source: PS3.11 L.3.2 a to e."""
    transport = letter.transport
    name = transport["attachment_name"]
    text = (
        f"This message carries DICOM images or documents in the file {name}.",
        "Save it, unpack it into a folder, and open that with a DICOM program;",
        "README.TXT in it says more.",
    )
    part = part_head(transport["content_type"], {"id": name, "name": name}, name)
    return message_head(letter.envelope(created, text)) + part, message_end()


def mime_size(files: Sequence[DiscFile], *, letter: Letter) -> int:
    """Return the exact size in bytes of the mail that ``write_mime`` will write."""
    parts = sum(len(_part_head(file)) + encoded_size(file.size) for file in files)
    return len(_mime_head(letter, _ANY_DATE)) + parts + len(message_end())


def write_mime(
    path: str, *, letter: Letter, files: Sequence[DiscFile], created: datetime, progress: Progress
) -> MediaImage:
    """Write a mail in which each file is a part, the DICOMDIR the first.

    Args:
        path: Of the mail, its ``.partial`` name; replaced when it is there.
        letter: What its headers say.
        files: In the order of the medium; the late one comes last.
        created: Date of the mail; aware. The same input gives the same bytes.
        progress: Counts files and bytes of files.

    Raises:
        NoSpace, MediumError, SourceChanged, SourceUnreadable, InternalError: As ``write_stream``, ``content_of``.

    Source: PS3.12 K.1, RFC 3240. As there are parts of other types it is multipart/mixed (RFC 3240 2).
    """
    ordered = disc_order(files)
    written: list[WrittenFile] = []

    def chunks() -> Iterator[bytes]:
        progress.start("image", len(ordered), sum(file.size for file in ordered))
        yield _mime_head(letter, created)
        for file in ordered:
            yield _part_head(file)
            yield from base64_lines(hashed(file, written))
            progress.advance(1, file.size)
        yield message_end()

    size = write_stream(path, chunks(), mime_size(ordered, letter=letter))
    return MediaImage(path, size, tuple(written))


def _mime_head(letter: Letter, created: datetime) -> bytes:
    text = (
        "This message carries DICOM images or documents, each as an attachment.",
        "A DICOM program that reads mail takes them all; DICOMDIR lists them.",
    )
    return message_head(letter.envelope(created, text))


def _part_head(file: DiscFile) -> bytes:
    """Encode the headers of one file. Source: PS3.12 K.1.2, RFC 3240 2."""
    name = file.path[-1]
    if file.path == _DICOMDIR:
        return part_head("application/dicom", {"id": name, "name": name}, name)
    if file.sop_instance_uid:
        saved = f"{name}.dcm"  # another name than in the DICOMDIR, so that a desktop knows what it is
        return part_head("application/dicom", {"id": "/".join(file.path), "name": saved}, saved)
    kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    return part_head(kind, {"name": name}, name, "/".join(file.path))
