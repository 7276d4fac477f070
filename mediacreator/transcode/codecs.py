"""Decode one frame of encapsulated Pixel Data to its native bytes, or say why it cannot be trusted.

The decoders are those of imagecodecs. What they let pass (libjpeg: missing data becomes grey) is checked here before,
so that there is a whole image or none. Rules of colour:

- Where a JPEG (DCT) frame holds YCbCr it is converted to RGB, which every reader opens. Photometric Interpretation
  tells what it holds (PS3.5 8.2.1). Against it stands only what can hardly be otherwise: RGB with subsampled
  components, with a JFIF marker or with an Adobe marker that names YCbCr; or YBR with components named R, G, B.
- The inverse component transform of JPEG 2000 gives RGB (PS3.5 8.2.4).
- All other samples stay what they are, so that lossless sources stay bit-exact: YBR_FULL is native YBR_FULL.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from mediacreator.transcode.huffman import Broken
from mediacreator.transcode.image import Image
from mediacreator.transcode.jpeg import (
    SOF_JPEG_LS,
    SOF_LOSSLESS,
    SOF_SEQUENTIAL,
    Codestream,
    check_entropy_coded_data,
    read_markers,
)
from mediacreator.transcode.jpeg2000 import Codestream2000, check_tile_parts, read_main_header
from mediacreator.transcode.refusal import Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray

Result = TypeVar("Result")

_CODEC_ERRORS = (RuntimeError, ValueError, TypeError, NotImplementedError, OverflowError, IndexError, zlib.error)
_METHODS = {"jpeg": "ISO_10918_1", "jpeg-ls": "ISO_14495_1", "jpeg-2000": "ISO_15444_1", "htj2k": "ISO_15444_15"}
"""Defined Terms of Lossy Image Compression Method (PS3.3 C.7.6.1.1.5.1)."""


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """What a frame's codestream says of itself."""

    photometric: str  # of the frame once it is decoded
    lossy: bool
    remark: str = ""  # how its colours were taken where the attributes say otherwise, for a Finding
    tolerated: str = ""  # what else departs from the standard, for a Finding


def lossy_method(codec: str) -> str:
    """Return the Defined Term of Lossy Image Compression Method, or ``""``. Source: PS3.3 C.7.6.1.1.5.1."""
    return _METHODS.get(codec, "")


def check_format(image: Image) -> None:
    """Check that frames of this format can be decoded.

    Raises:
        Refusal: ``unsupported-pixel-format``.
    """
    if image.allocated not in (8, 16, 32) or image.samples not in (1, 3) or image.photometric == "YBR_PARTIAL_422":
        raise Refusal(
            "unsupported-pixel-format",
            f"{image.samples} samples of {image.allocated} bits, {image.photometric or 'no PhotometricInterpretation'}",
            "1 or 3 samples of 8, 16 or 32 bits allocated, no YBR_PARTIAL_422",
            "PS3.5 8.2",
        )


def inspect_frame(codec: str, data: bytes, image: Image) -> FrameFacts:
    """Return what a frame says of itself, without decoding it.

    Raises:
        Refusal: It is not of this codec, or not of the size that the attributes say.
    """
    return _guarded(_CODECS[codec][0], data, image)


def decode_frame(codec: str, data: bytes, image: Image) -> bytes:
    """Return the pixels of a frame: native, little endian, interleaved by pixel, ``image.frame_size`` bytes.

    Raises:
        Refusal: ``corrupt-codestream``, or what the codec cannot do.
    """
    frame = _guarded(_CODECS[codec][1], data, image)
    if len(frame) != image.frame_size:
        raise _corrupt(f"a frame decodes to {len(frame)} bytes, not {image.frame_size}")
    return frame


def _guarded(work: Callable[[bytes, Image], Result], data: bytes, image: Image) -> Result:
    try:
        return work(data, image)
    except Broken as exc:
        raise _corrupt(str(exc)) from exc
    except _CODEC_ERRORS as exc:
        raise _corrupt(f"the decoder gave up ({type(exc).__name__})") from exc


def _corrupt(why: str) -> Refusal:
    return Refusal("corrupt-codestream", f"PixelData (7FE0,0010): {why}", "a whole frame", "PS3.5 8.2, A.4")


def _check_size(image: Image, rows: int, columns: int, samples: int, precision: int) -> None:
    if (rows, columns, samples) != (image.rows, image.columns, image.samples):
        raise Broken(
            f"a frame has {rows} rows, {columns} columns and {samples} components, "
            f"not {image.rows}, {image.columns} and {image.samples}"
        )
    if precision > image.allocated:
        raise Broken(f"a frame has {precision} bits a sample, more than BitsAllocated (0028,0100) {image.allocated}")


def _cells(decoded: NDArray[Any], precision: int, image: Image) -> bytes:
    """Return decoded samples as pixel cells: the bits of the codestream, above them the sign or zeros.

    Whether a sample is signed is what Pixel Representation says, since JPEG and JPEG-LS cannot tell (PS3.5 8.2.1).
    """
    import numpy as np

    if decoded.shape[:2] != (image.rows, image.columns) or decoded.dtype.kind not in "iu":
        raise Broken("the decoder returned another image")
    bits = image.allocated
    cells = decoded.astype(f"<u{bits // 8}")  # C order: interleaved by pixel
    spare = bits - precision
    if spare and image.signed:
        signed = np.left_shift(cells, spare).view(f"<i{bits // 8}")
        return bytes(np.right_shift(signed, spare).tobytes())
    if spare and decoded.dtype.kind == "i":
        cells &= (1 << precision) - 1
    return cells.tobytes()


def _not_subsampled(photometric: str) -> str:
    """Return the Photometric Interpretation of samples that a decoder returned whole."""
    return "YBR_FULL" if photometric == "YBR_FULL_422" else photometric


# JPEG: processes 1, 2, 4 and 14


def _jpeg(data: bytes, image: Image) -> Codestream:
    stream = read_markers(data)
    if stream.process not in (*SOF_SEQUENTIAL, SOF_LOSSLESS):
        raise Refusal(
            "unsupported-transfer-syntax",
            f"PixelData (7FE0,0010) holds JPEG frames of type FF{stream.process:02X}H",
            "baseline, extended sequential or lossless Huffman coding",
            "PS3.5 A.4.1",
        )
    _check_size(image, stream.rows, stream.columns, len(stream.components), stream.precision)
    return stream


def _holds_ycbcr(stream: Codestream, image: Image) -> tuple[bool, str]:
    """Tell whether a DCT frame of three components holds YCbCr, and what speaks against it."""
    labelled = image.photometric.startswith("YBR")
    if labelled and stream.is_rgb_by_name:
        return False, "its components are named R, G and B"
    if labelled:
        return True, ""
    if stream.subsampled:
        return True, "its components are subsampled"
    if stream.adobe_transform == 1:
        return True, "its Adobe marker names YCbCr"
    if stream.jfif and stream.adobe_transform is None and not stream.is_rgb_by_name:
        return True, "it has a JFIF marker"
    return False, ""


def _inspect_jpeg(data: bytes, image: Image) -> FrameFacts:
    stream = _jpeg(data, image)
    if stream.process == SOF_LOSSLESS:
        return FrameFacts(_not_subsampled(image.photometric), lossy=False)
    if image.samples == 1:
        return FrameFacts(image.photometric, lossy=True)
    ycbcr, against = _holds_ycbcr(stream, image)
    held = "YBR_FULL" if ycbcr else "RGB"
    return FrameFacts("RGB", lossy=True, remark=f"{held} was taken, since {against}" if against else "")


def _decode_jpeg(data: bytes, image: Image) -> bytes:
    from imagecodecs import jpeg8_decode

    stream = _jpeg(data, image)
    check_entropy_coded_data(data, stream)
    if image.samples == 1:
        decoded = jpeg8_decode(data)
    else:
        ycbcr = stream.process != SOF_LOSSLESS and _holds_ycbcr(stream, image)[0]
        decoded = jpeg8_decode(data, colorspace="YCBCR" if ycbcr else "RGB", outcolorspace="RGB")
    return _cells(decoded, stream.precision, image)


# JPEG-LS


def _jpeg_ls(data: bytes, image: Image) -> Codestream:
    stream = read_markers(data)
    if stream.process != SOF_JPEG_LS:
        raise Broken("it is not JPEG-LS")
    if not stream.ended:  # CharLS would notice too, but takes seconds
        raise Broken("the End of Image marker is missing")
    _check_size(image, stream.rows, stream.columns, len(stream.components), stream.precision)
    return stream


def _inspect_jpeg_ls(data: bytes, image: Image) -> FrameFacts:
    stream = _jpeg_ls(data, image)
    near_lossless = any(scan.start for scan in stream.scans)  # NEAR (ISO/IEC 14495-1 C.2.3)
    return FrameFacts(_not_subsampled(image.photometric), lossy=near_lossless)


def _decode_jpeg_ls(data: bytes, image: Image) -> bytes:
    from imagecodecs import jpegls_decode

    stream = _jpeg_ls(data, image)
    return _cells(jpegls_decode(data), stream.precision, image)


# JPEG 2000 and HTJ2K


def _jpeg_2000(data: bytes, image: Image) -> Codestream2000:
    stream = read_main_header(data)
    _check_size(image, stream.rows, stream.columns, stream.components, stream.precision)
    return stream


def _inspect_jpeg_2000(data: bytes, image: Image) -> FrameFacts:
    stream = _jpeg_2000(data, image)
    photometric, remark = image.photometric, ""
    if image.samples == 3:
        photometric, remark = _decoded_colour(stream.component_transform, image.photometric)
    tolerated = "a codestream lies in a JP2 file (PS3.5 8.2.4)" if stream.in_jp2 else ""
    return FrameFacts(photometric, stream.irreversible, remark, tolerated)


def _decoded_colour(transformed: bool, photometric: str) -> tuple[str, str]:
    """Return what samples are after the inverse component transform, and what speaks against the attribute."""
    if transformed:
        against = photometric in ("YBR_FULL", "YBR_FULL_422")
        return "RGB", "RGB was taken, since a component transform was applied" if against else ""
    if photometric in ("YBR_RCT", "YBR_ICT"):
        return "RGB", "RGB was taken, since no component transform was applied"
    return _not_subsampled(photometric), ""


def _decode_jpeg_2000(data: bytes, image: Image) -> bytes:
    # OpenJPEG for HTJ2K too: imagecodecs drops the errors of OpenJPH and returns what it has.
    from imagecodecs import jpeg2k_decode

    stream = _jpeg_2000(data, image)
    check_tile_parts(stream)
    return _cells(jpeg2k_decode(stream.data, numthreads=1), stream.precision, image)


# RLE (PS3.5 G)


def _inspect_rle(data: bytes, image: Image) -> FrameFacts:
    _rle_segments(data, image)
    return FrameFacts(_not_subsampled(image.photometric), lossy=False)


def _rle_segments(data: bytes, image: Image) -> list[bytes]:
    """Return the segments of a frame as encoded: for each sample its bytes, the most significant first (PS3.5 G.2)."""
    expected = image.samples * image.allocated // 8
    header = [int.from_bytes(data[k : k + 4], "little") for k in range(0, 64, 4)]
    if len(data) < 64 or header[0] != expected:
        raise Broken(f"an RLE header gives {header[0]} segments, not {expected}")
    cuts = [*header[1 : expected + 1], len(data)]
    if cuts[0] != 64 or any(a >= b for a, b in pairwise(cuts)):
        raise Broken("the offsets of an RLE header are not in order")
    return [data[a:b] for a, b in pairwise(cuts)]


def _decode_rle(data: bytes, image: Image) -> bytes:
    import numpy as np

    size, width = image.rows * image.columns, image.allocated // 8
    out = np.empty((size, image.samples, width), dtype=np.uint8)
    for number, segment in enumerate(_rle_segments(data, image)):
        sample, place = divmod(number, width)
        out[:, sample, width - 1 - place] = np.frombuffer(_unpack_bits(segment, size), dtype=np.uint8)
    return out.tobytes()


def _unpack_bits(segment: bytes, size: int) -> bytes:
    """Return the ``size`` bytes of an RLE segment (PS3.5 G.3); no more than padding may be left over."""
    from imagecodecs import packbits_decode

    try:
        data = bytes(packbits_decode(segment))
    except RuntimeError:
        data = b""
    if len(data) != size:  # padding that reads like runs, or damage
        end = _end_of_runs(segment, size)
        data = bytes(packbits_decode(segment[:end]))
        if any(segment[end:].strip(b"\x00\x80")):
            raise Broken(f"{len(segment) - end} bytes are left over in an RLE segment")
    return data


def _end_of_runs(segment: bytes, size: int) -> int:
    """Return where the runs end that give ``size`` bytes."""
    position, count = 0, 0
    while count < size:
        if position >= len(segment):
            raise Broken(f"an RLE segment gives {count} of {size} bytes")
        head = segment[position]
        if head == 0x80:
            position += 1
        elif head < 0x80:
            position, count = position + 2 + head, count + 1 + head
        else:
            position, count = position + 2, count + 257 - head
    if count != size or position > len(segment):
        raise Broken(f"an RLE segment gives another number of bytes than {size}")
    return position


# Native and deflated frames in fragments (PS3.5 A.4.11), JPEG XL


def _inspect_native(data: bytes, image: Image) -> FrameFacts:
    if image.photometric == "YBR_FULL_422":
        raise Broken("subsampled frames in fragments are not supported")
    return FrameFacts(image.photometric, lossy=False)


def _decode_native(data: bytes, image: Image) -> bytes:
    return data[:-1] if len(data) == image.frame_size + 1 else data  # a fragment is even


def _decode_deflated(data: bytes, image: Image) -> bytes:
    inflater = zlib.decompressobj(-15)
    frame = inflater.decompress(data, image.frame_size + 1)
    if not inflater.eof:
        raise Broken("a deflated frame does not end where its size says")
    return frame


def _inspect_jpeg_xl(data: bytes, image: Image) -> FrameFacts:
    return FrameFacts("RGB" if image.samples == 3 else image.photometric, lossy=False)  # loss is told by the syntax


def _decode_jpeg_xl(data: bytes, image: Image) -> bytes:
    from imagecodecs import jpegxl_decode

    decoded = jpegxl_decode(data, numthreads=1)
    rows, columns, samples = (*decoded.shape, 1)[:3]
    _check_size(image, rows, columns, samples, decoded.dtype.itemsize * 8)
    if not image.signed and int(decoded.max()) >> image.stored:
        raise Broken("its samples are larger than BitsStored (0028,0101) allows")
    return _cells(decoded, decoded.dtype.itemsize * 8, image)


_CODECS: dict[str, tuple[Callable[[bytes, Image], FrameFacts], Callable[[bytes, Image], bytes]]] = {
    "jpeg": (_inspect_jpeg, _decode_jpeg),
    "jpeg-ls": (_inspect_jpeg_ls, _decode_jpeg_ls),
    "jpeg-2000": (_inspect_jpeg_2000, _decode_jpeg_2000),
    "htj2k": (_inspect_jpeg_2000, _decode_jpeg_2000),
    "rle": (_inspect_rle, _decode_rle),
    "native": (_inspect_native, _decode_native),
    "deflate": (_inspect_native, _decode_deflated),
    "jpeg-xl": (_inspect_jpeg_xl, _decode_jpeg_xl),
}
