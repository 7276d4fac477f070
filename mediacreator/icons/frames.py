"""Read one frame of an instance as an array of pixel cells, without decoding the others (PS3.5 8, PS3.3 C.7.6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mediacreator.icons.values import Values
from mediacreator.model import UNDEFINED_LENGTH
from mediacreator.rules.tables import transfer_syntaxes
from mediacreator.transcode.codecs import check_format, decode_frame, inspect_frame
from mediacreator.transcode.dataset import PIXEL_DATA, DataSetReader, Element, Level
from mediacreator.transcode.fragments import EXTENDED_OFFSET_TABLE, find_frames, read_frame
from mediacreator.transcode.image import NUMBER_OF_FRAMES, PHOTOMETRIC_INTERPRETATION, PIXEL_TAGS, Image, read_image
from mediacreator.transcode.jobs import DECODED
from mediacreator.transcode.refusal import Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

REPRESENTATIVE_FRAME_NUMBER = 0x00286010
_FLOAT_PIXEL_DATA, _DOUBLE_FLOAT_PIXEL_DATA = 0x7FE00008, 0x7FE00009
_HIGH_BIT, _PLANAR_CONFIGURATION = 0x00280102, 0x00280006
_HALF_CHROMA = ("YBR_FULL_422", "YBR_PARTIAL_422")
_TEXTS = (PHOTOMETRIC_INTERPRETATION, NUMBER_OF_FRAMES)
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it is stored.

    ``cells`` has the shape (rows, columns) with one sample for each pixel, (rows, columns, 3) for RGB. Of YBR it holds
    only the luminance, in the shape (rows, columns): no icon shows more.
    """

    cells: NDArray[Any]  # unsigned integers of Bits Allocated, or floats
    photometric: str
    stored: int  # Bits Stored
    high: int  # High Bit
    signed: bool


def representative(values: Values, frames: int) -> int:
    """Return which frame stands for all, counted from 0: the one named, else one a third of the way through.

    Source: PS3.3 C.7.6.6 (Representative Frame Number), PS3.11 A.3.3.2, B.3.3.2 (its advice where none is named).
    """
    named = values.number(REPRESENTATIVE_FRAME_NUMBER) or 0
    return named - 1 if 1 <= named <= frames else frames // 3


def read_representative(reader: DataSetReader, values: Values, syntax_uid: str) -> tuple[int, Frame]:
    """Return the number, from 0, and the cells of the frame that stands for an instance.

    Args:
        reader: Of the Data Set.
        values: Its attributes.
        syntax_uid: Its Transfer Syntax.

    Raises:
        Refusal: There is none, it is not whole, or it cannot be decoded.
    """
    for tag, kind in ((_FLOAT_PIXEL_DATA, "<f4"), (_DOUBLE_FLOAT_PIXEL_DATA, "<f8")):
        floats = values.element(tag)
        if floats is not None and floats.length != UNDEFINED_LENGTH:
            return _float_frame(reader, values, floats, np.dtype(kind))
    pixel_data = values.element(PIXEL_DATA)
    if pixel_data is None:
        raise Refusal("missing-attribute", "PixelData (7FE0,0010) is absent", "pixels", "PS3.3 C.7.6.3")
    image = read_image({tag: _little_endian(values, tag) for tag in PIXEL_TAGS})
    number = representative(values, image.frames)
    if pixel_data.length == UNDEFINED_LENGTH:
        cells, photometric = _encapsulated(reader, values, pixel_data, syntax_uid, image, number)
    else:
        cells, photometric = _native(reader, values, pixel_data, image, number)
    return number, _frame(cells, photometric, image, values.number(_HIGH_BIT))


def _frame(cells: NDArray[Any], photometric: str, image: Image, high: int | None) -> Frame:
    """Put the facts of a frame together; what cannot be is taken as PS3.5 8.1.1 has it."""
    if image.samples == 3 and photometric not in _COLOURS:
        raise Refusal(
            "unsupported-pixel-format", f"{photometric or 'no PhotometricInterpretation'} with 3 samples", "RGB or YBR",
            "PS3.3 C.7.6.3.1.2",
        )  # fmt: skip
    stored = min(image.stored, image.allocated)
    if high is None or not stored - 1 <= high < image.allocated:
        high = stored - 1
    return Frame(cells, photometric, stored, high, image.signed)


def _little_endian(values: Values, tag: int) -> bytes:
    return values.raw(tag) if tag in _TEXTS else values.words(tag)


# Encapsulated


def _encapsulated(
    reader: DataSetReader, values: Values, pixel_data: Element, syntax_uid: str, image: Image, number: int
) -> tuple[NDArray[Any], str]:
    codec = transfer_syntaxes()[syntax_uid].codec
    if codec not in DECODED:
        raise Refusal(
            "unsupported-transfer-syntax", f"frames of {syntax_uid}", "frames that can be decoded", "PS3.5 8.2"
        )
    check_format(image)
    table = values.element(EXTENDED_OFFSET_TABLE)
    beside = Level((table,) if table is not None else (), pixel_data.end)
    index = find_frames(reader, beside, pixel_data, image.frames, codec)
    data = read_frame(reader, index.frames[number])
    photometric = inspect_frame(codec, data, image).photometric
    cells = np.frombuffer(decode_frame(codec, data, image), f"<u{image.allocated // 8}")
    cells = cells.reshape(image.rows, image.columns, -1)
    if image.samples == 1 or photometric.startswith("YBR"):
        return cells[:, :, 0], photometric
    return cells, photometric


# Native


def _native(
    reader: DataSetReader, values: Values, pixel_data: Element, image: Image, number: int
) -> tuple[NDArray[Any], str]:
    """Return the cells of a native frame; of YBR its luminance."""
    swapped = values.coding.big_endian and pixel_data.vr == "OW"
    place = _Span(reader, pixel_data, 2 if swapped else 1)
    pixels = image.rows * image.columns
    if image.allocated == 1 and image.samples == 1:
        start, skip = divmod(number * pixels, 8)
        packed = np.frombuffer(place.read(start, (skip + pixels + 7) // 8), np.uint8)
        bits = np.unpackbits(packed, bitorder="little")[skip : skip + pixels]  # PS3.5 8.1.1
        return bits.reshape(image.rows, image.columns), image.photometric
    if image.allocated not in (8, 16, 32) or image.samples not in (1, 3):
        raise Refusal(
            "unsupported-pixel-format",
            f"{image.samples} samples of {image.allocated} bits",
            "1 or 3 samples of 8, 16 or 32 bits, or 1 of 1 bit",
            "PS3.5 8.1.1",
        )
    half = image.photometric in _HALF_CHROMA and pixel_data.length < image.frame_size * image.frames
    if half and image.columns % 2:
        raise Refusal("unsupported-pixel-format", "an odd number of Columns", "pairs of pixels", "PS3.3 C.7.6.3.1.2")
    width = image.allocated // 8
    size = pixels * width * (2 if half else image.samples)
    cells = np.frombuffer(place.read(number * size, size), f"<u{width}")
    return _luminance_or_rgb(cells, image, half, values.number(_PLANAR_CONFIGURATION) == 1), image.photometric


def _luminance_or_rgb(cells: NDArray[Any], image: Image, half: bool, planar: bool) -> NDArray[Any]:
    """Return the samples of a native frame that an icon shows, whatever their order.

    Source: PS3.3 C.7.6.3.1.2 (YBR_FULL_422 goes Y Y CB CR for two pixels of a row), C.7.6.3.1.3.
    """
    rows, columns = image.rows, image.columns
    if image.samples == 1:
        return cells.reshape(rows, columns)
    if half:
        return cells.reshape(-1, 4)[:, :2].reshape(rows, columns)
    colour = np.moveaxis(cells.reshape(3, rows, columns), 0, 2) if planar else cells.reshape(rows, columns, 3)
    return colour[:, :, 0] if image.photometric.startswith("YBR") else colour


def _float_frame(reader: DataSetReader, values: Values, pixel_data: Element, kind: np.dtype[Any]) -> tuple[int, Frame]:
    """Return a frame of Float or Double Float Pixel Data. Source: PS3.3 C.7.6.24, C.7.6.25."""
    bits = (kind.itemsize * 8).to_bytes(2, "little")
    image = read_image({0x00280100: bits, **{t: _little_endian(values, t) for t in PIXEL_TAGS if values.raw(t)}})
    number = representative(values, image.frames)
    size = image.rows * image.columns * kind.itemsize
    order = kind.itemsize if values.coding.big_endian else 1
    data = _Span(reader, pixel_data, order).read(number * size, size)
    cells = np.frombuffer(data, kind).reshape(image.rows, image.columns)
    return number, Frame(cells, image.photometric, image.allocated, image.allocated - 1, signed=True)


@dataclass(frozen=True, slots=True)
class _Span:
    """Native pixels in place, in words of ``order`` bytes whose bytes are the other way round."""

    reader: DataSetReader
    pixel_data: Element
    order: int

    def read(self, start: int, size: int) -> bytes:
        """Return ``size`` bytes from ``start`` in little endian."""
        first = start - start % self.order
        end = -(-(start + size) // self.order) * self.order
        if end > self.pixel_data.length:
            raise Refusal(
                "truncated-pixel-data",
                f"PixelData (7FE0,0010) has {self.pixel_data.length} bytes",
                f"{end} or more, so that the frame shown is whole",
                "PS3.5 8.1.1",
            )
        data = self.reader.bytes_at(self.pixel_data.offset + first, end - first)
        if self.order > 1:
            data = np.frombuffer(data, f"u{self.order}").byteswap().tobytes()
        return data[start - first : start - first + size]
