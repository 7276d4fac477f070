"""Scan one file: its header, or why it has none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import BinaryIO, TypeAlias

from mediacreator.dicomio.elements import MalformedElement, check_items
from mediacreator.dicomio.header import RawHeader, Wanted, read_header
from mediacreator.dicomio.sequences import choose_items
from mediacreator.dicomio.window import FIRST_READ, NotDICOM, ReadAt, Truncated, Unusual
from mediacreator.errors import MediumError
from mediacreator.model import UNDEFINED_LENGTH, Container, Finding, PixelDataPlace, SourceFile
from mediacreator.parallel import shared
from mediacreator.rules.tables import sop_classes
from mediacreator.rules.uids import MEDIA_STORAGE_DIRECTORY
from mediacreator.scan.findings import Refused, finding, refusal

_SUBSAMPLED = frozenset((b"YBR_FULL_422", b"YBR_PARTIAL_422"))  # the latter retired in 2017c

Scanned: TypeAlias = (
    tuple[int, Refused]
    | tuple[int, str, str, str, int, bool, dict[str, bytes], PixelDataPlace | None, tuple[Finding, ...]]
)


def scan_chunk(indices: range) -> list[Scanned]:
    """Scan some files, in a worker; equal values become one object, which makes the message and the parent smaller."""
    files, wanted = shared()
    intern: dict[bytes, bytes] = {}
    return [scan_file(index, files[index], wanted, intern.setdefault) for index in indices]


def scan_file(index: int, source: SourceFile, wanted: Wanted, intern: Callable[[bytes, bytes], bytes]) -> Scanned:
    """Read the header of one file; never raises for what the file holds."""
    if not source.size:
        return index, refusal("empty-file", source, "it has no bytes")
    try:
        raw = _read(source, wanted)
    except Truncated as exc:
        code = "truncated-pixel-data" if "Pixel Data" in str(exc) else "truncated-file"
        return index, refusal(code, source, str(exc))
    except NotDICOM as exc:
        return index, refusal("not-dicom", source, str(exc))
    except (OSError, MediumError) as exc:
        return index, refusal("unreadable", source, f"it cannot be read ({_reason(exc)})")
    if raw.meta_sop_class_uid == MEDIA_STORAGE_DIRECTORY:
        return index, refusal("dicomdir", source, "it is the DICOMDIR of another File-set")
    odd: tuple[Finding, ...] = ()
    if not wanted.sequences.keys().isdisjoint(raw.attributes):
        odd = tuple(_sort_out_sequences(source, raw.attributes, wanted))
    values = raw.attributes.values()
    attributes = dict(zip(raw.attributes, map(intern, values, values), strict=True))
    sop_class = _known_uid(attributes.get("SOPClassUID", b"")) or raw.meta_sop_class_uid
    sop_instance = _uid(attributes, "SOPInstanceUID") or raw.meta_sop_instance_uid
    place = raw.pixel_data
    if place is not None and place.length != UNDEFINED_LENGTH:
        short = _missing_pixels(attributes, place)
        if short:
            return index, refusal("truncated-pixel-data", source, short, sop_instance)
    named = (raw.meta_sop_class_uid, raw.meta_sop_instance_uid)
    ordinary = named == (sop_class, sop_instance) and place is not None and not raw.stated_syntax_uid
    if not ordinary:
        odd += tuple(_oddities(source, raw, sop_class, sop_instance))
    return (
        index,
        sop_class,
        sop_instance,
        raw.transfer_syntax_uid,
        raw.dataset_offset,
        raw.has_file_meta,
        attributes,
        place,
        odd,
    )


def _read(source: SourceFile, wanted: Wanted) -> RawHeader:
    """Open a file as cheaply as its container allows, and read its header."""
    if source.container is not Container.FILE:
        from mediacreator.sources.reading import open_source

        with open_source(source) as stream:
            return _read_stream(stream, source.size, wanted)
    descriptor = os.open(source.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        first = os.read(descriptor, FIRST_READ)
        return read_header(first, source.size, lambda position, count: os.pread(descriptor, count, position), wanted)
    except Unusual:
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            stream.seek(0)
            return _fallback(stream, source.size, wanted)
    finally:
        os.close(descriptor)


def _read_stream(stream: BinaryIO, size: int, wanted: Wanted) -> RawHeader:
    """Read a header from an archive or image."""
    try:
        return read_header(stream.read(FIRST_READ), size, _reader(stream), wanted)
    except Unusual:
        stream.seek(0)
        return _fallback(stream, size, wanted)


def _reader(stream: BinaryIO) -> ReadAt:
    def read_at(position: int, count: int) -> bytes:
        stream.seek(position)
        return stream.read(count)

    return read_at


def _fallback(stream: BinaryIO, size: int, wanted: Wanted) -> RawHeader:
    from mediacreator.dicomio.fallback import read_header_with_pydicom

    return read_header_with_pydicom(stream, size, wanted)


def _sort_out_sequences(source: SourceFile, attributes: dict[str, bytes], wanted: Wanted) -> Iterator[Finding]:
    """Keep of a sequence what its record asks for: all of a report would travel between processes.

    One that cannot be read is dropped from what is known of the instance, which goes on the medium as it is.
    """
    for keyword in [keyword for keyword in attributes if keyword in wanted.sequences]:
        key = wanted.sequences[keyword]
        try:
            check_items(attributes[keyword])
            if key.keep:
                attributes[keyword] = choose_items(attributes[keyword], key)
        except MalformedElement as exc:
            del attributes[keyword]
            yield finding(
                "malformed-sequence", source, f"{keyword} ({key.tag >> 16:04X},{key.tag & 0xFFFF:04X}): {exc}"
            )


def _uid(attributes: dict[str, bytes], keyword: str) -> str:
    return attributes.get(keyword, b"").rstrip(b"\0 ").decode("ascii", "replace")


@lru_cache(maxsize=256)
def _known_uid(value: bytes) -> str:
    """Return a UID that many instances share."""
    return value.rstrip(b"\0 ").decode("ascii", "replace")


def _missing_pixels(attributes: dict[str, bytes], place: PixelDataPlace) -> str:
    """Say how many bytes native Pixel Data lacks, or nothing (PS3.5 8.1.1, PS3.3 C.7.6.3)."""
    get = attributes.get
    expected = _native_size(
        get("Rows"),
        get("Columns"),
        get("BitsAllocated"),
        get("SamplesPerPixel"),
        get("NumberOfFrames"),
        get("PhotometricInterpretation"),
    )
    return "" if place.length >= expected else f"Pixel Data has {place.length} of {expected} bytes"


@lru_cache(maxsize=1024)
def _native_size(
    rows: bytes | None,
    columns: bytes | None,
    allocated: bytes | None,
    samples: bytes | None,
    frames: bytes | None,
    photometric: bytes | None,
) -> int:
    """Return the bytes that native Pixel Data must have; 0 for what has no size, or says it badly."""
    if not (rows and columns and allocated):
        return 0
    count = (frames or b"1").rstrip(b"\0 ") or b"1"
    if not count.strip().isdigit():
        return 0
    per_pixel = int.from_bytes(samples or b"\1", "little") or 1
    if (photometric or b"").rstrip(b"\0 ") in _SUBSAMPLED:
        per_pixel = 2  # two chrominance samples for two pixels (PS3.3 C.7.6.3.1.2)
    pixels = int.from_bytes(rows, "little") * int.from_bytes(columns, "little") * per_pixel * int(count)
    return (pixels * int.from_bytes(allocated, "little") + 7) // 8


def _oddities(source: SourceFile, raw: RawHeader, sop_class: str, sop_instance: str) -> Iterator[Finding]:
    """Say what is odd about an instance that is taken all the same."""
    differ = [
        keyword
        for keyword, meta, dataset in (
            ("MediaStorageSOPClassUID (0002,0002)", raw.meta_sop_class_uid, sop_class),
            ("MediaStorageSOPInstanceUID (0002,0003)", raw.meta_sop_instance_uid, sop_instance),
        )
        if meta and meta != dataset
    ]
    if differ:
        yield finding("meta-mismatch", source, f"{' and '.join(differ)} differ from the Data Set")
    if raw.stated_syntax_uid:
        what = f"TransferSyntaxUID (0002,0010) is {raw.stated_syntax_uid}, the Data Set is in {raw.transfer_syntax_uid}"
        yield finding("transfer-syntax-mislabelled", source, what)
    if raw.pixel_data is None and raw.attributes.get("Rows") and _is_image(sop_class):
        yield finding("no-pixel-data", source, "an image without Pixel Data (7FE0,0010)")


def _reason(exc: Exception) -> str:
    return exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc) or type(exc).__name__


def _is_image(sop_class_uid: str) -> bool:
    known = sop_classes().get(sop_class_uid)
    return known is not None and known.record_type == "IMAGE"
