"""Make Volumes, and the media written from them, without files: for tests of what is said about a medium."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mediacreator.model import (
    Attributes,
    Body,
    ContentFile,
    Disposition,
    EncodedInstance,
    FileID,
    FileSetContent,
    Finding,
    Header,
    MediaImage,
    Origin,
    Outcome,
    Patient,
    Series,
    Severity,
    SOPInstance,
    Study,
    Volume,
    VolumeFile,
    WrittenFile,
)
from tests.headers import EXPLICIT_LITTLE, source

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
CREATED = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


class FixedUIDs:
    """A UIDSource whose UIDs are known."""

    def next_uid(self, purpose: str) -> str:
        return "2.25.1"


ORIGIN = Origin(CREATED, FixedUIDs())

Tree = Mapping[str, Mapping[str, Sequence[Header]]]
"""Headers by study and series, whatever these are called."""


def instance(header: Header, record_type: str = "IMAGE", filled: tuple[str, ...] = (), **keys: bytes) -> SOPInstance:
    return SOPInstance(header, record_type, {**header.attributes, **keys}, filled)


def study(series: Iterable[Sequence[SOPInstance]], filled: tuple[str, ...] = (), **keys: bytes) -> Study:
    members = tuple(Series(ones[0].header.attributes, tuple(ones)) for ones in series)
    return Study({**members[0].keys, **keys}, members, filled)


def patient(studies: Iterable[Study], filled: tuple[str, ...] = (), **keys: bytes) -> Patient:
    members = tuple(studies)
    return Patient({**members[0].keys, **keys}, members, filled)


def volume(
    patients: Iterable[Patient],
    roots: Iterable[SOPInstance] = (),
    *,
    number: int = 1,
    of: int = 1,
    transcoded: bool = False,
) -> Volume:
    """Return a medium with File IDs as the layout gives them."""
    content = FileSetContent(tuple(patients), tuple(roots))
    ids: list[FileID] = []
    for p, one in enumerate(content.patients):
        for t, under in enumerate(one.studies):
            for s, series in enumerate(under.series):
                ids += [
                    ("DICOM", f"PT{p:06}", f"ST{t:06}", f"SE{s:06}", f"IM{i:06}") for i in range(len(series.instances))
                ]
    ids += [("DICOM", f"RO{i:06}") for i in range(len(content.root_instances))]
    files = tuple(
        VolumeFile(file_id, encoded(one, transcoded)) for file_id, one in zip(ids, content.instances(), strict=True)
    )
    return Volume("DISC_1", f"2.25.10{number}", content, files, number, of, "STD-GEN-CD")


def encoded(one: SOPInstance, transcoded: bool = False) -> EncodedInstance:
    body = Body(one.header.source, 350, one.header.source.size - 350)
    return EncodedInstance(one, EXPLICIT_LITTLE, bytes(350), body, IMPLICIT_LITTLE if transcoded else "")


def content_files() -> tuple[ContentFile, ...]:
    return ContentFile(("README.TXT",), b"read me"), ContentFile(("INDEX.HTM",), b"<html/>")


def written(made: Volume) -> MediaImage:
    """Return what the image stage would say of a Volume; the hash of a file is that of its path."""
    files = [WrittenFile(("DICOMDIR",), 2048, digest("DICOMDIR"))]
    files += [WrittenFile(file.path, len(file.data), digest(*file.path)) for file in content_files()]
    files += [
        WrittenFile(
            file.file_id, file.encoded.size, digest(*file.file_id), file.encoded.instance.header.sop_instance_uid
        )
        for file in made.files
    ]
    return MediaImage("/out/disc.iso.partial", 1_000_000, tuple(files), digest("image"))


def digest(*path: str) -> str:
    return hashlib.sha256("/".join(path).encode()).hexdigest()


def finding(
    code: str = "truncated-pixel-data",
    severity: Severity = Severity.ERROR,
    location: str = "source 12",
    clause: str = "PS3.5 8.2",
) -> Finding:
    return Finding(
        code, severity, location, "PixelData (7FE0,0010) has 100 bytes", "524288 bytes", clause, "Ask the sender."
    )


def disposition(number: int, outcome: Outcome = Outcome.REJECTED, code: str = "truncated-pixel-data") -> Disposition:
    severity = Severity.ERROR if outcome is Outcome.REJECTED else Severity.NOTE
    said = finding(code, severity, f"source {number}", "PS3.5 8.2" if outcome is Outcome.REJECTED else "")
    return Disposition(source(number), outcome, said, "" if outcome is Outcome.NOT_DICOM else f"2.25.{number}")


def renumbered(made: Volume, number: int, of: int) -> Volume:
    return replace(made, number=number, of=of)


def keys_of(made: Volume) -> Attributes:
    return made.content.patients[0].keys
