"""Read the header of an unusual DICOM file with pydicom: big endian, deflated, no preamble, odd lengths, and the like.

The wanted elements are written again in Explicit VR Little Endian, so that both readers give the same values.
"""

from __future__ import annotations

import warnings
import zlib
from typing import TYPE_CHECKING, BinaryIO

from mediacreator.dicomio.elements import MalformedElement, split_elements
from mediacreator.dicomio.header import BULK_KEPT, BULK_VRS, RawHeader, Wanted, read_explicit_dataset
from mediacreator.dicomio.window import NotDICOM, Truncated, Unusual
from mediacreator.errors import MediumError
from mediacreator.model import UNDEFINED_LENGTH, PixelDataPlace
from mediacreator.rules.uids import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

INFLATED_HEADER_LIMIT = 64 << 20
"""Bytes of a deflated Data Set that are inflated to find its Pixel Data: more is a bomb, not a header."""

_NATIVE = {
    (True, True): IMPLICIT_VR_LITTLE_ENDIAN,
    (False, True): EXPLICIT_VR_LITTLE_ENDIAN,
    (False, False): EXPLICIT_VR_BIG_ENDIAN,
}
"""Native Transfer Syntaxes by implicit VR and little endian (PS3.5 A.1 to A.3)."""

_PIXEL_TAGS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
_NUMBER_BYTES = {"US": 2, "SS": 2, "AT": 2, "OW": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "UV": 8, "SV": 8}
_LIKELY_FIRST_GROUPS = frozenset((0x0002, 0x0008))


def read_header_with_pydicom(stream: BinaryIO, size: int, wanted: Wanted) -> RawHeader:
    """Read the wanted attributes of a DICOM file of any shape that pydicom reads.

    Args:
        stream: The file, seekable, at its first byte.
        size: Its length in bytes.
        wanted: What to read.

    Raises:
        NotDICOM: Nothing in it says that it is DICOM.
        Truncated: It ends inside a Data Element.
        OSError, MediumError: It cannot be read.

    Source: PS3.10 7.1; a Data Set without File Meta Information is not a DICOM file, but is met on old media.
    """
    head = stream.read(132)
    has_prefix = head[128:132] == b"DICM"
    if not has_prefix and not _may_be_dataset(head):
        raise NotDICOM(_what_it_is(head, stream) or "no DICM at byte 128, and it does not begin like a Data Set")
    stream.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd about a value is the validator's business
            return _read(stream, size, wanted, has_prefix)
    except (Truncated, NotDICOM, MediumError):
        raise  # a medium that cannot be read says nothing about what lies on it
    except EOFError as exc:
        raise Truncated(f"ends at byte {size}, inside a Data Element") from exc
    except Exception as exc:  # pydicom raises whatever its parts raise on damaged files
        if isinstance(exc, OSError) and exc.errno is not None:
            raise  # as above; pydicom itself raises OSError without a number where it finds no tag
        problem = f"its Data Elements cannot be read ({type(exc).__name__})"
        raise (Truncated if has_prefix else NotDICOM)(problem) from exc


def _read(stream: BinaryIO, size: int, wanted: Wanted, has_prefix: bool) -> RawHeader:
    import pydicom
    from pydicom.filereader import _read_file_meta_info, read_preamble

    read_preamble(stream, force=True)
    meta = _read_file_meta_info(stream)
    offset = stream.tell()
    if has_prefix and offset >= size:
        raise Truncated(f"ends at byte {size}, before its Data Set")  # pydicom returns what there is without a word
    stated = syntax = str(meta.get("TransferSyntaxUID", ""))
    if syntax == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        attributes, place = _read_deflated(stream, wanted)
    else:
        stream.seek(0)
        dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
        encoding = _encoding_found(dataset)
        if not stated or stated in _NATIVE.values():
            syntax = _NATIVE[encoding]
        place = _pixel_data_place(stream, size, encoding)
        attributes = _attributes(dataset, wanted, encoding)
        _check_complete(dataset, size)
    if not has_prefix and not attributes.get("SOPClassUID"):
        raise NotDICOM("no DICM at byte 128 and no SOP Class UID")
    return RawHeader(
        transfer_syntax_uid=syntax,
        dataset_offset=offset,
        has_file_meta=has_prefix and bool(stated),
        attributes=attributes,
        pixel_data=place,
        meta_sop_class_uid=str(meta.get("MediaStorageSOPClassUID", "")),
        meta_sop_instance_uid=str(meta.get("MediaStorageSOPInstanceUID", "")),
        stated_syntax_uid=stated if stated != syntax else "",
    )


def _what_it_is(head: bytes, stream: BinaryIO) -> str:
    """Name what may hold instances all the same, and was not opened because its name does not say what it is."""
    if head.startswith(b"PK\x03\x04"):
        return "it is a ZIP archive by its content and not by its name; to look inside, name it as a source"
    stream.seek(0x8001)
    if stream.read(5) == b"CD001":
        return "it is a disc image by its content and not by its name; to look inside, name it as a source"
    return ""


def _may_be_dataset(head: bytes) -> bool:
    """Tell whether bytes could begin a Data Set without preamble: a first element of group 0002 or 0008."""
    if len(head) < 16:
        return False
    little = (int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little"))
    big = (int.from_bytes(head[:2], "big"), int.from_bytes(head[2:4], "big"))
    return any(group in _LIKELY_FIRST_GROUPS and element <= 0x0100 for group, element in (little, big))


def _encoding_found(dataset: FileDataset) -> tuple[bool, bool]:
    """Return whether the Data Set is implicit and whether little endian: as pydicom found it, not as the file says."""
    for tag in dataset.keys():  # noqa: SIM118  a Dataset iterates over elements
        raw = dataset.get_item(tag)
        implicit = getattr(raw, "is_implicit_VR", None)  # a converted element has it not
        if implicit is not None:
            return bool(implicit), bool(getattr(raw, "is_little_endian", True))
    implicit, little = dataset.original_encoding
    return bool(implicit), bool(little)


def _read_deflated(stream: BinaryIO, wanted: Wanted) -> tuple[dict[str, bytes], PixelDataPlace | None]:
    """Read the header of a deflated Data Set (PS3.5 A.5), inflating no more than a header can need.

    The place of its Pixel Data is inside the inflated bytes, where nobody else can use it: only that it exists matters.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(stream.read(), INFLATED_HEADER_LIMIT)
        try:
            attributes, place = read_explicit_dataset(len(data), lambda at, count: data[at : at + count], wanted)
        except Truncated as exc:
            if inflater.eof:
                raise
            raise Truncated(_too_deep(inflater)) from exc
    except zlib.error as exc:
        raise Truncated("its deflated Data Set is damaged") from exc
    except Unusual as exc:
        raise Truncated(f"its deflated Data Set cannot be read ({exc})") from exc
    if place is None and not inflater.eof:
        raise Truncated(_too_deep(inflater))
    return attributes, place and PixelDataPlace(place.keyword, 0, UNDEFINED_LENGTH)


def _too_deep(inflater: zlib._Decompress) -> str:
    if inflater.unconsumed_tail:
        return f"its deflated Data Set has no Pixel Data within {INFLATED_HEADER_LIMIT >> 20} MiB"
    return "its deflated Data Set is cut off"


def _pixel_data_place(stream: BinaryIO, size: int, encoding: tuple[bool, bool]) -> PixelDataPlace | None:
    """Return where Pixel Data begins: pydicom stopped before its tag."""
    position = stream.tell()
    implicit, little = encoding
    header = stream.read(12)
    if len(header) < 8:
        return None
    order = "little" if little else "big"
    tag = int.from_bytes(header[:2], order) << 16 | int.from_bytes(header[2:4], order)  # type: ignore[arg-type]  # a literal
    if tag not in _PIXEL_TAGS:
        return None
    start = position + (8 if implicit else 12)
    length = int.from_bytes(header[4:8] if implicit else header[8:12], order)  # type: ignore[arg-type]  # as above
    if length != UNDEFINED_LENGTH and start + length > size:
        raise Truncated(f"ends at byte {size}, inside its Pixel Data, which ends at byte {start + length}")
    return PixelDataPlace(_PIXEL_TAGS[tag], start, length)


def _check_complete(dataset: FileDataset, size: int) -> None:
    """Refuse a value that is shorter than its length field says: pydicom returns it without a word."""
    for tag in dataset.keys():  # noqa: SIM118  a Dataset iterates over elements
        raw = dataset.get_item(tag)
        length = getattr(raw, "length", UNDEFINED_LENGTH)  # a converted element has none
        if length != UNDEFINED_LENGTH and len(raw.value or b"") < length:
            raise Truncated(f"ends at byte {size}, inside the Data Element {tag}")


def _attributes(dataset: FileDataset, wanted: Wanted, encoding: tuple[bool, bool]) -> dict[str, bytes]:
    """Return the wanted values, little endian; a sequence is written again in Explicit VR Little Endian."""
    from pydicom.dataelem import RawDataElement

    found = {}
    little = encoding[1]
    for key in wanted.by_tag.values():
        if key.tag not in dataset:
            continue
        raw = dataset.get_item(key.tag)
        converted = not isinstance(raw, RawDataElement)  # pydicom converts the character set while reading
        if key.vr == "SQ" or converted:
            value = _written_value(dataset, key.tag)
        else:
            value = bytes(raw.value or b"")
            value = value if little else _swapped(value, _NUMBER_BYTES.get(key.vr, 1))
        found[key.keyword] = value[:BULK_KEPT] if key.vr in BULK_VRS else value
    return found


def _swapped(value: bytes, width: int) -> bytes:
    """Return big endian numbers of ``width`` bytes as little endian ones."""
    return b"".join(value[i : i + width][::-1] for i in range(0, len(value), width)) if width > 1 else value


def _written_value(dataset: FileDataset, tag: int) -> bytes:
    """Write one element in Explicit VR Little Endian and return its value."""
    from pydicom.charset import convert_encodings
    from pydicom.dataset import Dataset
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    chosen = Dataset()
    chosen[tag] = dataset[tag]
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, chosen, convert_encodings(dataset.get("SpecificCharacterSet", "ISO_IR 6") or "ISO_IR 6"))
    try:
        return next(value for _, _, value in split_elements(buffer.getvalue()))
    except MalformedElement as exc:
        raise Truncated(f"its Data Elements cannot be read ({exc})") from exc
