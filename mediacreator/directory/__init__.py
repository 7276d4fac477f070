"""Stage 5: a Volume to its DICOMDIR (PS3.3 Annex F)."""

from __future__ import annotations

from collections.abc import Iterator

from mediacreator.dicomio.dicomdir import encode_dicomdir
from mediacreator.directory.records import KeysFor, RecordEncoder
from mediacreator.model import Volume


def build_dicomdir(volume: Volume, keys_for: KeysFor) -> bytes:
    """Return the DICOMDIR of a Volume.

    Args:
        volume: Content and File IDs; ``volume.files`` follow ``volume.content.instances()``.
        keys_for: The keys of a record: those of PS3.3 F.5 with those of the profiles that cover its instance laid over.

    Returns:
        A complete DICOM file in Explicit VR Little Endian.

    Raises:
        InternalError: A key of type 1 has no value; select fills them all.
        MediaTooSmall: The offsets would not fit 32 bits.

    Source: PS3.3 F.2.2 (the directory is a tree of entities), PS3.10 8.6.
    """
    return encode_dicomdir(volume.file_set_id, volume.file_set_uid, _records(volume, RecordEncoder(keys_for)))


def _records(volume: Volume, encoder: RecordEncoder) -> Iterator[tuple[int, bytes]]:
    """Yield level and body of each record, each before those below it."""
    files = iter(volume.files)
    for patient in volume.content.patients:
        yield 0, encoder.encode("PATIENT", patient.keys)
        for study in patient.studies:
            yield 1, encoder.encode("STUDY", study.keys)
            for series in study.series:
                yield 2, encoder.encode("SERIES", series.keys)
                for _ in series.instances:
                    yield 3, encoder.encode_instance(next(files))
    for _ in volume.content.root_instances:
        yield 0, encoder.encode_instance(next(files))
