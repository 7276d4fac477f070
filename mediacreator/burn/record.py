"""The record of what was burned, beside the image: the receipt is a proof, and is never written again.

``IMAGE.burn.json`` has one entry for each try, failed ones too. It holds no identity; the name of the image may.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import datetime

from mediacreator.burn.burning import Burned
from mediacreator.burn.images import ReadyImage
from mediacreator.errors import DeviceError, FindingsError, MediaCreatorError, MediumError

FORMAT = "mediacreator burn record"
VERSION = "1"
_LARGEST = 16 << 20  # bytes


def record_path(image: str) -> str:
    """Return where the record of an image lies."""
    return f"{image}.burn.json"


def add_to_record(
    image: ReadyImage, device: str, result: Burned | MediaCreatorError, when: datetime
) -> dict[str, object]:
    """Add a try to the record of an image.

    Args:
        image: What was burned or written.
        device: Where to.
        result: What came of it.
        when: It began; aware.

    Returns:
        The entry that was added.

    Raises:
        MediumError: The record cannot be written.
    """
    entry = {"began": when.isoformat(timespec="seconds"), "device": device, **_result(result)}
    path = record_path(image.path)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "receipt": image.receipt_id,
        "file_set_uid": image.entry.file_set_uid,
        "profile": image.entry.profile,
        "size": image.size,
        "sha256": image.sha256,
        "tries": [*_tries(path, image), entry],
    }
    partial = f"{path}.partial"
    try:
        with open(partial, "w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as exc:
        with suppress(OSError):
            os.unlink(partial)
        raise MediumError(f"The record of what was burned cannot be written: {exc.strerror}.") from exc
    return entry


def _result(result: Burned | MediaCreatorError) -> dict[str, object]:
    if isinstance(result, Burned):
        return {
            "outcome": "verified",
            "medium": result.medium,
            "finalised": result.closed,
            "seconds_writing": round(result.writing, 1),
            "seconds_reading": round(result.reading, 1),
            "notes": list(result.notes),
        }
    code = result.code if isinstance(result, DeviceError) else type(result).__name__
    if isinstance(result, FindingsError) and result.findings:
        code = result.findings[0].code
    return {"outcome": "failed", "code": code, "message": str(result)}


def _tries(path: str, image: ReadyImage) -> list[object]:
    """Return what the record of this very image holds already; one of another image is begun anew."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return []
    if not isinstance(document, dict) or document.get("sha256") != image.sha256:
        return []
    tries = document.get("tries")
    return tries if isinstance(tries, list) else []
