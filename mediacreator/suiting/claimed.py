"""What a medium claims to be: by the profile that its receipt names, beside it or on it."""

from __future__ import annotations

from pathlib import Path

from mediacreator.errors import MediaCreatorError
from mediacreator.formats import FileTree
from mediacreator.receipt import Receipt, parse_receipt, read_receipt
from mediacreator.rules.claim import load_claim
from mediacreator.rules.tables import MediaFormat

_TRAVELLING = ("RECEIPT.JSN",)
_MOST = 256 << 20  # bytes of a receipt


def medium_of(profiles: str) -> MediaFormat | None:
    """Return the medium of profiles, identifiers joined with commas; None where one is not known here."""
    try:
        return load_claim(profiles).media_format
    except MediaCreatorError:
        return None


def claimed_medium(tree: FileTree, file_set_uid: str) -> MediaFormat | None:
    """Return what the medium is by its receipt; None where there is none that speaks of it.

    Args:
        tree: The medium, open.
        file_set_uid: Of its DICOMDIR, by which a receipt knows it.
    """
    for receipt in (read(tree) for read in (_beside, _on_it)):
        for entry in receipt.media if receipt is not None else ():
            if entry.file_set_uid == file_set_uid:
                return medium_of(entry.profile)
    return None


def _beside(tree: FileTree) -> Receipt | None:
    path = Path(f"{tree.path.rstrip('/') or '/'}.receipt.json")
    try:
        return read_receipt(path) if path.is_file() else None
    except (MediaCreatorError, OSError):
        return None


def _on_it(tree: FileTree) -> Receipt | None:
    found = tree.find(_TRAVELLING)
    if found is None or found.size > _MOST:
        return None
    try:
        with tree.open(found.path) as stream:
            return parse_receipt(stream.read(_MOST), _TRAVELLING[0])
    except Exception:  # noqa: BLE001  a damaged archive or drive may raise anything
        return None
