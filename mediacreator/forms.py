"""The forms a medium is written in: an image of a file system, or a plain folder. A new one is a row here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from mediacreator.errors import MediaTooSmall
from mediacreator.formats.fat_kinds import FAT_KINDS
from mediacreator.formats.iso9660_values import MAX_FILE
from mediacreator.formats.mail import encoded_size
from mediacreator.formats.tree import FileTree
from mediacreator.image import (
    BRIDGE,
    DiscFile,
    Letter,
    fat_size,
    folder_size,
    iso_size,
    mime_size,
    udf_size,
    write_fat,
    write_folder,
    write_iso,
    write_mime,
    write_udf,
    write_zip,
    write_zip_mail,
    zip_mail_size,
    zip_size,
)
from mediacreator.model import Finding, MediaImage, Progress, Severity, Volume
from mediacreator.rules.claim import Claim
from mediacreator.rules.library import load_profile
from mediacreator.rules.tables import MediaFormat, media_formats
from mediacreator.settings import Settings
from mediacreator.verify import (
    FAT,
    UDF,
    bridge_differences,
    directory_differences,
    verify_archive,
    verify_folder,
    verify_image,
    verify_iso,
)

Writer = Callable[[str, Volume, Sequence[DiscFile], datetime, Progress, int], MediaImage]
Verifier = Callable[[str, Volume, MediaImage, Progress], MediaImage]


@dataclass(frozen=True, slots=True)
class Form:
    """How a File-set is sized, written and read back."""

    size: Callable[[Sequence[DiscFile]], int]  # exact, in bytes; of an archive the most that it can be
    write: Writer  # path, volume, files, when, progress, workers
    verify: Verifier  # path, volume, what was written, progress
    bounded: bool  # by the capacity of the medium


def _write_iso(
    path: str, volume: Volume, files: Sequence[DiscFile], created: datetime, progress: Progress, workers: int
) -> MediaImage:
    return write_iso(
        path, volume_id=volume.file_set_id, files=files, created=created, progress=progress, workers=workers
    )


def _verify_iso(path: str, volume: Volume, image: MediaImage, progress: Progress) -> MediaImage:
    inspect = partial(directory_differences, volume)
    return verify_iso(path, image, volume_id=volume.file_set_id, inspect=inspect, progress=progress)


def _write_folder(
    path: str, _volume: Volume, files: Sequence[DiscFile], created: datetime, progress: Progress, _workers: int
) -> MediaImage:
    return write_folder(path, files=files, created=created, progress=progress)


def _verify_folder(path: str, volume: Volume, image: MediaImage, progress: Progress) -> MediaImage:
    return verify_folder(path, image, inspect=partial(directory_differences, volume), progress=progress)


def fat_form(kind: str, capacity: int = 0) -> Form:
    """Return how a FAT image is made.

    Args:
        kind: Name in ``FAT_KINDS``.
        capacity: Of the medium that the image fills, in bytes; 0: as small as the files allow, which fits any medium
            that is as large.
    """

    def write(
        path: str, volume: Volume, files: Sequence[DiscFile], created: datetime, progress: Progress, workers: int
    ) -> MediaImage:
        return write_fat(
            path,
            kind=FAT_KINDS[kind],
            volume_id=volume.file_set_id,
            files=files,
            created=created,
            progress=progress,
            workers=workers,
            capacity=capacity,
        )

    return Form(partial(fat_size, kind=FAT_KINDS[kind], capacity=capacity), write, _verify_fat, bounded=True)


def _verify_fat(path: str, volume: Volume, image: MediaImage, progress: Progress) -> MediaImage:
    inspect = partial(directory_differences, volume)
    return verify_image(path, image, FAT, volume_id=volume.file_set_id, inspect=inspect, progress=progress)


def _udf_form(revision: str) -> Form:
    """Return how a UDF image of a revision is made, or one that is ISO 9660 as well (``BRIDGE``)."""

    def write(
        path: str, volume: Volume, files: Sequence[DiscFile], created: datetime, progress: Progress, workers: int
    ) -> MediaImage:
        return write_udf(
            path,
            revision=revision,
            volume_id=volume.file_set_id,
            files=files,
            created=created,
            progress=progress,
            workers=workers,
        )

    verify = _verify_bridge if revision == BRIDGE else _verify_udf
    return Form(partial(udf_size, revision=revision), write, verify, bounded=True)


def _verify_udf(path: str, volume: Volume, image: MediaImage, progress: Progress) -> MediaImage:
    inspect = partial(directory_differences, volume)
    return verify_image(path, image, UDF, volume_id=volume.file_set_id, inspect=inspect, progress=progress)


def _verify_bridge(path: str, volume: Volume, image: MediaImage, progress: Progress) -> MediaImage:
    def inspect(tree: FileTree) -> tuple[Finding, ...]:
        return (*bridge_differences(tree), *directory_differences(volume, tree))

    return verify_iso(path, image, volume_id=volume.file_set_id, inspect=inspect, progress=progress)


def _write_zip(
    path: str, _volume: Volume, files: Sequence[DiscFile], _created: datetime, progress: Progress, workers: int
) -> MediaImage:
    return write_zip(path, files=files, progress=progress, workers=workers)


def _verify_archive(path: str, volume: Volume, image: MediaImage, progress: Progress) -> MediaImage:
    return verify_archive(path, image, inspect=partial(directory_differences, volume), progress=progress)


def _zip_mail_form(letter: Letter) -> Form:
    """Return how a mail with a ZIP archive is made; as PS3.11 L.3.2 has it where the profile of a site says nothing."""

    def size(files: Sequence[DiscFile]) -> int:
        return zip_mail_size(files, letter=_as_in_annex_l(letter))

    def write(
        path: str, _volume: Volume, files: Sequence[DiscFile], created: datetime, progress: Progress, workers: int
    ) -> MediaImage:
        chosen = _as_in_annex_l(letter)
        return write_zip_mail(path, letter=chosen, files=files, created=created, progress=progress, workers=workers)

    return Form(size, write, _verify_archive, bounded=False)


def _as_in_annex_l(letter: Letter) -> Letter:
    return letter if letter.transport else replace(letter, transport=load_profile("STD-GEN-ZIP-MAIL").transport)


def _mime_form(letter: Letter) -> Form:
    """Return how a mail is made in which each file is a part."""

    def write(
        path: str, _volume: Volume, files: Sequence[DiscFile], created: datetime, progress: Progress, _workers: int
    ) -> MediaImage:
        return write_mime(path, letter=letter, files=files, created=created, progress=progress)

    return Form(partial(mime_size, letter=letter), write, _verify_archive, bounded=False)


_MAILS: Mapping[str, Callable[[Letter], Form]] = {"zip_mail": _zip_mail_form, "mime": _mime_form}
"""How mails are made, by ``MediaFormat.writer``."""


def form_for(claim: Claim, settings: Settings) -> Form:
    """Return how the medium of a Claim is made: a mail with the headers that its profile and the site want."""
    writer = claim.media_format.writer
    if writer not in _MAILS:
        return FORMS[writer]
    mail = settings.mail
    letter = Letter(mail.sender, mail.recipient, mail.subject, claim.profiles[0].transport)
    return _MAILS[writer](letter)


_ISO9660 = Form(iso_size, _write_iso, _verify_iso, bounded=True)
_BRIDGE = _udf_form(BRIDGE)


def _dvd(sizes: Iterable[int]) -> Form:
    """Choose for a DVD: ISO 9660 level 1, which every system shows alike; with UDF too where a file asks for it."""
    return _BRIDGE if any(size > MAX_FILE for size in sizes) else _ISO9660


def _dvd_size(files: Sequence[DiscFile]) -> int:
    return _dvd(file.size for file in files).size(files)


def _write_dvd(
    path: str, volume: Volume, files: Sequence[DiscFile], created: datetime, progress: Progress, workers: int
) -> MediaImage:
    form = _dvd(file.size for file in files)
    return form.write(path, volume, files, created, progress, workers)


def _verify_dvd(path: str, volume: Volume, image: MediaImage, progress: Progress) -> MediaImage:
    return _dvd(file.size for file in image.files).verify(path, volume, image, progress)


BESIDE_UDF = "_udf"
"""Ending of the name of a form that has UDF beside ISO 9660, whatever it holds."""

FORMS: Mapping[str, Form] = {
    "iso9660": _ISO9660,
    "dvd": Form(_dvd_size, _write_dvd, _verify_dvd, bounded=True),
    f"dvd{BESIDE_UDF}": _BRIDGE,
    "udf_1_50": _udf_form("1.50"),
    "udf_2_50": _udf_form("2.50"),
    "udf_2_60": _udf_form("2.60"),
    **{kind: fat_form(kind) for kind in FAT_KINDS},
    "zip": Form(zip_size, _write_zip, _verify_archive, bounded=False),
    "zip_mail": _zip_mail_form(Letter()),
    "mime": _mime_form(Letter()),
    "folder": Form(folder_size, _write_folder, _verify_folder, bounded=False),
}
"""By ``MediaFormat.writer``; ``folder`` is also what an output with a trailing slash asks for.

``dvd_udf`` is for a DVD that shall have UDF beside ISO 9660 whatever it holds, ``udf_2_50`` for a BD-RE.
"""


_FOLDER_FITS = "It would fit a folder."
_MAIL_SIZE = 20_000_000  # bytes, encoded: usual limits are 10, 20 and 25 MB


def large_mails(medium: MediaFormat, volumes: Sequence[Volume]) -> tuple[Finding, ...]:
    """Warn of mails that are larger than many mail servers take.

    Args:
        medium: That is written.
        volumes: What goes on it, one each.

    Source: PS3.12 W.2.1 (a mail may be too large for the system that shall send it).
    """
    if medium.writer not in _MAILS:
        return ()
    sizes = [(volume, encoded_size(sum(file.encoded.size for file in volume.files))) for volume in volumes]
    at_most = "up to " if medium.writer == "zip_mail" else ""
    return tuple(
        Finding(
            code="mail-large",
            severity=Severity.WARNING,
            location=f"volume {volume.number}",
            what=f"its mail has {at_most}{size:,} bytes",
            expected=f"at most {_MAIL_SIZE:,}, as most mail servers take",
            clause="PS3.12 W.2.1",
            remedy="Ask who shall get it, choose some with --study or --series, or send a medium.",
        )
        for volume, size in sizes
        if size > _MAIL_SIZE
    )


def check_capacity(medium: MediaFormat, size: int) -> None:
    """Refuse a File-set that is larger than its medium.

    Args:
        medium: Where it should go.
        size: Of the image, in bytes.

    Raises:
        MediaTooSmall: With both sizes, and the media that would hold it.
    """
    if not medium.capacity or size <= medium.capacity:
        return
    excess = size - medium.capacity
    raise MediaTooSmall(
        f"The File-set needs {size:,} bytes, {medium.name} holds {medium.capacity:,} [{medium.clause}]. "
        f"{would_fit(size)} Or choose some with --study, --series or --modality: "
        f"{excess:,} {'byte is' if excess == 1 else 'bytes are'} too many. Nothing was written."
    )


def would_fit(size: int) -> str:
    """Say in a sentence what holds so many bytes, the smallest medium first."""
    larger = sorted((medium.capacity, medium.name) for medium in media_formats().values() if medium.capacity >= size)
    return f"It would fit {', '.join(name for _, name in larger)}, or a folder." if larger else _FOLDER_FITS


def too_large_for(medium: MediaFormat, volumes: Sequence[Volume]) -> tuple[Finding, ...]:
    """Note the File-sets that a folder can hold and the medium of their profile cannot.

    Args:
        medium: Of the profile.
        volumes: What is written as folders.
    """
    sizes = [sum(file.encoded.size for file in volume.files) for volume in volumes]
    return tuple(
        Finding(
            code="larger-than-medium",
            severity=Severity.NOTE,
            location=f"volume {number}",
            what=f"its instances have {size:,} bytes",
            expected=f"at most {medium.capacity:,}, as {medium.name} holds",
            clause=medium.clause,
            remedy="Keep it as a folder, or choose a larger medium before burning it.",
        )
        for number, size in enumerate(sizes, 1)
        if medium.capacity and size > medium.capacity
    )
