"""Code one native frame, and prove that a lossless code gives every bit back.

The coders are those of imagecodecs (docs/adr/0008-encoders.md); their names stand in tables/encoders.csv. What a cell
holds besides the sample, an overlay in unused bits (retired) or a sign, decides how many bits are coded:

- JPEG Lossless codes all Bits Allocated, as DCMTK does: two's complement samples come back with their sign in every
  reader, and no bit of a cell is lost.
- JPEG 2000 knows signs, and readers compare its precision with Bits Stored: that many bits are coded. A cell that holds
  more than they and their sign is ``Wide``: then all bits of all frames are coded, so that nothing is lost.
- RLE codes bytes. Codes with loss cannot keep what is no picture: such cells are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mediacreator.rules.tables import Encoder
from mediacreator.transcode.image import Image
from mediacreator.transcode.refusal import Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CODEC_ERRORS = (RuntimeError, ValueError, TypeError, NotImplementedError, OverflowError, IndexError)
_DECIBELS = ((1, 30.0), (50, 41.5), (75, 44.0), (85, 46.0), (95, 51.0), (100, 60.0))
"""Quality and signal-to-noise ratio of JPEG, measured on CT of 8 bits: JPEG 2000 of a quality looks like JPEG of it."""
_DECIBELS_PER_BIT = 3.75  # what JPEG of 12 bits has more, for each bit above 8
_SEGMENT_COUNT = 15  # an RLE header has room for as many (PS3.5 G.5)


class Wide(Exception):
    """A cell holds more than Bits Stored says: all Bits Allocated must be coded. Never leaves the stage."""


@dataclass(frozen=True, slots=True)
class Code:
    """How the frames of one instance are coded."""

    coder: str  # a name in CODERS
    lossy: bool
    quality: int  # 1-100 where lossy, else 0
    image: Image  # of the native frames
    precision: int  # bits of a sample that are coded
    photometric: str  # Photometric Interpretation of the coded frames
    planar: int  # Planar Configuration (0028,0006) beside them

    @property
    def stored(self) -> int:
        """Bits Stored (0028,0101) of the result: the 12-bit process knows no fewer (PS3.5 Table 8.2.1-1)."""
        return max(self.image.stored, self.precision) if self.coder == "jpeg_dct" else self.image.stored

    @property
    def widened(self) -> Code:
        """Return the same with all bits of a cell."""
        return replace(self, precision=self.image.allocated)


@dataclass(frozen=True, slots=True)
class Coder:
    """What codes samples of the shape ``(rows, columns[, samples])``, and what decodes them again to compare."""

    encode: Callable[[NDArray[Any], Code], bytes]
    decode: Callable[[bytes, Code], NDArray[Any]]
    precision: Callable[[Image], int]
    planar: int = 0


def code_for(encoder: Encoder, quality: int, image: Image) -> Code:
    """Return how frames are coded.

    Args:
        encoder: A row of tables/encoders.csv, not that of native frames.
        quality: 1-100 where it is lossy, else 0.
        image: Of the native frames, their Photometric Interpretation as decoding leaves it.

    Raises:
        Refusal: ``unsupported-pixel-format``: the code does not take such frames.
    """
    lowest, highest = encoder.bits_stored
    photometric = encoder.photometric.get(image.photometric)
    if (
        photometric is None
        or image.allocated not in encoder.bits_allocated
        or not lowest <= image.stored <= min(highest, image.allocated)
        or (image.signed and not encoder.signed)
        or image.samples != (1 if image.photometric in _ONE_SAMPLE else 3)
    ):
        found = f"{image.samples} samples of {image.stored} of {image.allocated} bits{' signed' * image.signed}"
        raise Refusal(
            "unsupported-pixel-format",
            f"{found}, PhotometricInterpretation (0028,0004) {image.photometric or 'absent'}",
            f"{lowest} to {highest} bits stored of {' or '.join(map(str, encoder.bits_allocated))}, "
            f"{'signed or ' * encoder.signed}unsigned, {' or '.join(encoder.photometric)}",
            encoder.clause,
        )
    coder = CODERS[encoder.coder]
    lossy = encoder.loss == "lossy"
    return Code(encoder.coder, lossy, quality, image, coder.precision(image), photometric, coder.planar)


def encode_frame(code: Code, frame: bytes) -> bytes:
    """Return a coded frame of even length, padded with a zero (PS3.5 A.4).

    Args:
        code: How.
        frame: Native, little endian, interleaved by pixel, ``code.image.frame_size`` bytes.

    Raises:
        Refusal: ``encoding-not-lossless`` where decoding does not give the same bits, or what the code cannot take.
        Wide: It must be coded with all bits of a cell.
    """
    coder = CODERS[code.coder]
    cells = _samples(frame, code.image)
    if code.precision < code.image.allocated and not _is_clean(cells, code.image.stored):
        if code.lossy:
            raise _not_a_picture(code)
        raise Wide
    try:
        data = coder.encode(cells, code)
        same = code.lossy or coder.decode(data, code).astype(cells.dtype, copy=False).tobytes() == frame
    except _CODEC_ERRORS as exc:
        raise _not_lossless(f"its coder or decoder gave up ({type(exc).__name__})") from exc
    if not same:
        raise _not_lossless("decoding the code of a frame does not give its pixels")
    return data + b"\0" if len(data) & 1 else data


def _samples(frame: bytes, image: Image) -> NDArray[Any]:
    """Return the cells of a frame as an array of shape ``(rows, columns[, samples])``."""
    import numpy as np

    kind = f"<{'i' if image.signed else 'u'}{image.allocated // 8}"
    shape = (image.rows, image.columns) if image.samples == 1 else (image.rows, image.columns, image.samples)
    return np.frombuffer(frame, dtype=kind).reshape(shape)


def _is_clean(cells: NDArray[Any], stored: int) -> bool:
    """Tell whether cells hold nothing but samples of so many bits, with their sign above them."""
    if cells.dtype.kind == "u":
        return not int(cells.max()) >> stored
    limit = 1 << (stored - 1)
    return -limit <= int(cells.min()) and int(cells.max()) < limit


def _not_lossless(why: str) -> Refusal:
    return Refusal("encoding-not-lossless", f"PixelData (7FE0,0010): {why}", "every bit as it was", "PS3.5 8.2")


def _not_a_picture(code: Code) -> Refusal:
    return Refusal(
        "unsupported-pixel-format",
        f"PixelData (7FE0,0010) holds more than the samples of {code.image.stored} bits, as an overlay in unused bits",
        "nothing above BitsStored (0028,0101) where pixels are compressed lossily",
        "PS3.5 8.1.1",
    )


def _allocated(image: Image) -> int:
    return image.allocated


def _stored(image: Image) -> int:
    return image.stored


def _of_the_process(image: Image) -> int:
    return 8 if image.allocated == 8 else 12


# JPEG, lossless (process 14, selection value 1) and DCT (processes 1 and 4); interchange format, tables in each frame


def _encode_jpeg_lossless(cells: NDArray[Any], code: Code) -> bytes:
    from imagecodecs import jpeg8_encode

    plain = cells.view(f"<u{cells.itemsize}")
    # No transform where both are the same. They name the components; YCBCR gives tables that DCMTK and GDCM trip over.
    space = {"RGB": "RGB", "YBR_FULL": "UNKNOWN"}.get(code.photometric, "GRAYSCALE")
    return bytes(
        jpeg8_encode(
            plain,
            lossless=True,
            predictor=1,
            bitspersample=code.precision,
            colorspace=space,
            outcolorspace=space,
            subsampling="444",
        )
    )


def _decode_jpeg_lossless(data: bytes, code: Code) -> NDArray[Any]:
    from imagecodecs import ljpeg_decode  # liblj92: no code in common with libjpeg-turbo, which encodes

    return ljpeg_decode(data)


def _encode_jpeg_dct(cells: NDArray[Any], code: Code) -> bytes:
    from imagecodecs import jpeg8_encode

    if code.image.samples == 1:
        return bytes(jpeg8_encode(cells, level=code.quality, bitspersample=code.precision))
    space = "RGB" if code.image.photometric == "RGB" else "YCBCR"
    return bytes(jpeg8_encode(cells, level=code.quality, colorspace=space, outcolorspace="YCBCR", subsampling="422"))


# JPEG 2000


def _encode_jpeg_2000(cells: NDArray[Any], code: Code) -> bytes:
    from imagecodecs import jpeg2k_encode

    return bytes(
        jpeg2k_encode(
            cells,
            codecformat="j2k",
            level=_decibels(code) if code.lossy else 0,
            reversible=not code.lossy,
            mct=code.photometric in ("YBR_RCT", "YBR_ICT"),
            bitspersample=code.precision,
            numthreads=1,
        )
    )


def _decode_jpeg_2000(data: bytes, code: Code) -> NDArray[Any]:
    from imagecodecs import jpeg2k_decode  # the same library: there is no other decoder of Part 1 to be had

    return jpeg2k_decode(data, numthreads=1)


def _decibels(code: Code) -> int:
    """Return the signal-to-noise ratio to reach, as OpenJPEG wants it: relative to the largest sample."""
    found = next(
        low + (high - low) * (code.quality - start) / (end - start)
        for (start, low), (end, high) in pairwise(_DECIBELS)
        if code.quality <= end
    )
    return round(found + _DECIBELS_PER_BIT * max(code.precision - 8, 0))


# RLE (PS3.5 G): for each sample its bytes, the most significant first; each row is coded by itself


def _encode_rle(cells: NDArray[Any], code: Code) -> bytes:
    import numpy as np
    from imagecodecs import packbits_encode

    image = code.image
    planes = cells.view(np.uint8).reshape(image.rows, image.columns, image.samples, image.allocated // 8)
    segments = []
    for sample in range(image.samples):
        for place in reversed(range(planes.shape[3])):
            packed = bytes(packbits_encode(planes[:, :, sample, place].copy()))
            segments.append(packed + b"\0" if len(packed) & 1 else packed)
    offsets = [64]
    for segment in segments:
        offsets.append(offsets[-1] + len(segment))
    header = [len(segments), *offsets[:-1], *[0] * (_SEGMENT_COUNT - len(segments))]
    return b"".join(number.to_bytes(4, "little") for number in header) + b"".join(segments)


def _decode_rle(data: bytes, code: Code) -> NDArray[Any]:
    from mediacreator.transcode.codecs import decode_frame

    return _samples(decode_frame("rle", data, code.image), code.image)


def _undecoded(data: bytes, code: Code) -> NDArray[Any]:
    raise NotImplementedError("a lossy frame is not compared")


CODERS = {
    "jpeg_lossless": Coder(_encode_jpeg_lossless, _decode_jpeg_lossless, _allocated),
    "jpeg_dct": Coder(_encode_jpeg_dct, _undecoded, _of_the_process),
    "jpeg_2000": Coder(_encode_jpeg_2000, _decode_jpeg_2000, _stored),
    "rle": Coder(_encode_rle, _decode_rle, _allocated, planar=1),
}
"""By the names in tables/encoders.csv."""
_ONE_SAMPLE = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
