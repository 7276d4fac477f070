"""Compare the content of two instances that share a SOP Instance UID, without holding them in memory.

The only reading of files in selection. Where nothing proves that pixels are the same or not, the answer is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import unpack
from typing import BinaryIO

from mediacreator.errors import MediaCreatorError, SourceUnreadable
from mediacreator.model import UNDEFINED_LENGTH, Header
from mediacreator.rules import uids
from mediacreator.select.request import Likeness

PixelComparer = Callable[[Header, Header], bool | None]
"""Decodes two instances frame by frame and compares: True, False, or None where one cannot be decoded."""

CHUNK = 1 << 20
"""Bytes read at once."""

ELEMENTS_LIMIT = 256 << 20
"""Bytes of a Data Set that is compared element by element: more is not read into memory, and not known to be equal."""

_DESCRIPTION = (
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "NumberOfFrames",
)
"""What makes other pixels of the same bytes, in every encoding."""

_COLOUR = ("PhotometricInterpretation", "PlanarConfiguration")
"""What may change with the encoding."""

_TEXT = frozenset(("NumberOfFrames", "PhotometricInterpretation"))

_LITTLE_ENDIAN = frozenset((uids.IMPLICIT_VR_LITTLE_ENDIAN, uids.EXPLICIT_VR_LITTLE_ENDIAN))
_ITEM = 0xFFFEE000


class ContentComparer:
    """Compares instances by hash: a file is read once for each kind of hash, however often it is compared."""

    def __init__(self, pixels: PixelComparer | None = None) -> None:
        self._pixels = pixels
        self._data_sets: dict[int, bytes] = {}
        self._pixel_data: dict[int, bytes] = {}

    def __call__(self, one: Header, other: Header) -> Likeness:
        """Return what two instances have in common.

        Raises:
            SourceChanged: One of them changed since it was scanned.
        """
        try:
            return self._compare(one, other)
        except SourceUnreadable:
            return Likeness.UNKNOWN

    def _compare(self, one: Header, other: Header) -> Likeness:
        if self._same_data_set(one, other):
            return Likeness.IDENTICAL
        if one.pixel_data is None and other.pixel_data is None:
            return _compare_elements(one, other)
        if one.pixel_data is None or other.pixel_data is None or _described_differently(one, other, _DESCRIPTION):
            return Likeness.DIFFERENT
        same_syntax = one.transfer_syntax_uid == other.transfer_syntax_uid
        native = {one.transfer_syntax_uid, other.transfer_syntax_uid} <= _LITTLE_ENDIAN
        if native or (same_syntax and one.transfer_syntax_uid != uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN):
            if _described_differently(one, other, _COLOUR):
                return Likeness.DIFFERENT
            if self._pixel_hash(one) == self._pixel_hash(other):
                return Likeness.SAME_PIXELS
            if native or one.transfer_syntax_uid == uids.EXPLICIT_VR_BIG_ENDIAN:
                return Likeness.DIFFERENT
        same = self._pixels(one, other) if self._pixels is not None else None
        if same is None:
            return Likeness.UNKNOWN
        return Likeness.SAME_PIXELS if same else Likeness.DIFFERENT

    def _same_data_set(self, one: Header, other: Header) -> bool:
        sizes = [header.source.size - header.dataset_offset for header in (one, other)]
        if one.transfer_syntax_uid != other.transfer_syntax_uid or sizes[0] != sizes[1]:
            return False
        return self._data_set_hash(one) == self._data_set_hash(other)

    def _data_set_hash(self, header: Header) -> bytes:
        known = self._data_sets.get(header.source.number)
        if known is None:
            size = header.source.size - header.dataset_offset
            known = self._data_sets[header.source.number] = _hash(_read(header, header.dataset_offset, size))
        return known

    def _pixel_hash(self, header: Header) -> bytes:
        known = self._pixel_data.get(header.source.number)
        if known is None:
            known = self._pixel_data[header.source.number] = _hash(_pixel_bytes(header))
        return known


def _hash(chunks: Iterator[bytes]) -> bytes:
    from hashlib import sha256

    digest = sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


def _read(header: Header, offset: int, size: int) -> Iterator[bytes]:
    from mediacreator.sources.reading import read_chunks

    return read_chunks(header.source, offset, size, CHUNK)


def _open(header: Header) -> BinaryIO:
    from mediacreator.sources.reading import open_source

    return open_source(header.source)


def _pixel_bytes(header: Header) -> Iterator[bytes]:
    """Yield the pixels as they are encoded: a native value, or every fragment without the offsets before them."""
    place = header.pixel_data
    assert place is not None
    if place.length != UNDEFINED_LENGTH:
        expected = _native_length(header)
        return _read(header, place.offset, min(place.length, expected) if expected else place.length)
    return _fragments(header, place.offset)


def _native_length(header: Header) -> int:
    """Return the bytes that native pixels take without padding, 0 where the header does not tell (PS3.5 8.1.1)."""
    numbers = [_number(header, keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
    frames = header.attributes.get("NumberOfFrames", b"1").strip(b" \0")
    if not all(numbers) or not frames.isdigit() or header.pixel_data is None:
        return 0
    if header.attributes.get("PhotometricInterpretation", b"").startswith(b"YBR_FULL_422"):
        return 0  # two samples a pixel; the whole value is compared
    rows, columns, samples, bits = numbers
    return (rows * columns * samples * bits * int(frames) + 7) // 8


def _number(header: Header, keyword: str) -> int:
    value = header.attributes.get(keyword, b"")
    return int.from_bytes(value[:2], "little") if len(value) >= 2 else 0


def _fragments(header: Header, offset: int) -> Iterator[bytes]:
    """Yield the fragments of encapsulated Pixel Data, without the Basic Offset Table (PS3.5 A.4)."""
    with _open(header) as stream:
        stream.seek(offset)
        first = True
        while True:
            head = stream.read(8)
            if len(head) < 8:
                raise SourceUnreadable(f"{header.source.location} ends inside its Pixel Data.")
            group, element, length = unpack("<HHL", head)
            if group << 16 | element != _ITEM:
                return
            if first:
                stream.seek(length, 1)
                first = False
                continue
            yield from _exactly(header, stream, length)


def _exactly(header: Header, stream: BinaryIO, length: int) -> Iterator[bytes]:
    while length:
        chunk = stream.read(min(CHUNK, length))
        if not chunk:
            raise SourceUnreadable(f"{header.source.location} ends inside its Pixel Data.")
        length -= len(chunk)
        yield chunk


def _described_differently(one: Header, other: Header, keywords: tuple[str, ...]) -> bool:
    """Tell whether both headers describe their pixels, and not alike."""
    for keyword in keywords:
        first, second = (header.attributes.get(keyword, b"") for header in (one, other))
        if keyword in _TEXT:
            first, second = first.strip(b" \0"), second.strip(b" \0")
        if keyword == "NumberOfFrames":
            first, second = first or b"1", second or b"1"
        if first and second and first != second:
            return True
    return False


def _compare_elements(one: Header, other: Header) -> Likeness:
    """Compare objects without pixels element by element, since one content can be encoded in many ways.

    Two reports that differ anywhere are different content: no pixels vouch for them.
    """
    if max(one.source.size, other.source.size) > ELEMENTS_LIMIT:
        return Likeness.UNKNOWN
    import warnings

    from pydicom import dcmread

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with _open(one) as first, _open(other) as second:
                data_sets = [dcmread(stream, force=True) for stream in (first, second)]
            same = bool(data_sets[0] == data_sets[1])
        except MediaCreatorError:
            raise
        except Exception:  # noqa: BLE001  # pydicom raises whatever a broken value makes it raise: not comparable
            return Likeness.UNKNOWN
    return Likeness.IDENTICAL if same else Likeness.DIFFERENT
