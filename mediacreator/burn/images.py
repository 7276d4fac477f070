"""The image that is to be burned or written: that of its receipt, and nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass

from mediacreator.burn.reading import hash_file
from mediacreator.errors import MediumError, UsageError, VerificationFailed
from mediacreator.model import Finding, Progress, Severity
from mediacreator.receipt import MediumEntry, Receipt
from mediacreator.rules.library import load_profile
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.tables import MediaFormat

_COPIED = "Copy it again from where it was made, or make it again."


@dataclass(frozen=True, slots=True)
class ReadyImage:
    """An image that is as its receipt says, and what its profiles ask of the medium."""

    path: str
    size: int  # bytes
    sha256: str
    receipt_id: str
    entry: MediumEntry
    profiles: tuple[ApplicationProfile, ...]

    @property
    def media_format(self) -> MediaFormat:
        """The medium that the profiles name."""
        return self.profiles[0].media_format


def ready_image(
    path: str, receipt: Receipt, *, progress: Progress, folders: tuple[str, ...] = (), checked: bool = False
) -> ReadyImage:
    """Compare an image with its receipt and find what its profiles ask of the medium.

    Args:
        path: Of the image.
        receipt: The local one, which knows the hash of the image.
        progress: Told how far the image is read.
        folders: With profile files of the site.
        checked: The caller has read the image just now and found it as it was written: only its size is looked at.

    Raises:
        MediumError: The image cannot be read, or the receipt is of another one.
        VerificationFailed: The image is not what was written.
        UsageError: It is a folder, or a profile of the receipt is not known here.
    """
    if os.path.isdir(path):
        raise UsageError(
            "This is a folder: only an image is burned or written. Make one with create, or copy the folder."
        )
    try:
        size = os.stat(path).st_size
    except OSError as exc:
        raise MediumError(f"The image cannot be read: {exc.strerror}.") from exc
    entry = _entry(path, size, receipt)
    if size != entry.size:
        raise _differs(f"it has {size:,} bytes", f"{entry.size:,} bytes, as the receipt says")
    if not checked:
        progress.start("check", 0, size)
        if hash_file(path, size, progress) != entry.sha256:
            raise _differs("its SHA-256 is another", "the image that was written")
    profiles = tuple(load_profile(identifier, folders) for identifier in entry.profile.split(","))
    return ReadyImage(os.path.abspath(path), size, entry.sha256, receipt.id, entry, profiles)


def _entry(path: str, size: int, receipt: Receipt) -> MediumEntry:
    """Find an image in its receipt: by its name, else by its size if only one image has it."""
    images = [entry for entry in receipt.media if entry.sha256]
    named = [entry for entry in images if entry.name == os.path.basename(path)]
    found = named or [entry for entry in images if entry.size == size]
    if not found and len(images) == 1:
        found = images
    if len(found) != 1:
        raise MediumError("The receipt does not tell which image this is: give the receipt of this image.")
    return found[0]


def _differs(what: str, expected: str) -> VerificationFailed:
    return VerificationFailed(
        "The image is not what was written: nothing is burned.",
        [Finding("image-differs", Severity.ERROR, "image", what, expected, "", _COPIED)],
    )
