"""What the Image Pixel attributes say of the frames (PS3.3 C.7.6.3, PS3.5 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mediacreator.model import Attributes
from mediacreator.transcode.refusal import Refusal

SAMPLES_PER_PIXEL = 0x00280002
PHOTOMETRIC_INTERPRETATION = 0x00280004
PLANAR_CONFIGURATION = 0x00280006
NUMBER_OF_FRAMES = 0x00280008
ROWS = 0x00280010
COLUMNS = 0x00280011
BITS_ALLOCATED = 0x00280100
BITS_STORED = 0x00280101
HIGH_BIT = 0x00280102
PIXEL_REPRESENTATION = 0x00280103
LOSSY_IMAGE_COMPRESSION = 0x00282110
LOSSY_IMAGE_COMPRESSION_RATIO = 0x00282112
LOSSY_IMAGE_COMPRESSION_METHOD = 0x00282114

PIXEL_TAGS = (
    SAMPLES_PER_PIXEL,
    PHOTOMETRIC_INTERPRETATION,
    PLANAR_CONFIGURATION,
    NUMBER_OF_FRAMES,
    ROWS,
    COLUMNS,
    BITS_ALLOCATED,
    BITS_STORED,
    PIXEL_REPRESENTATION,
    LOSSY_IMAGE_COMPRESSION,
    LOSSY_IMAGE_COMPRESSION_RATIO,
    LOSSY_IMAGE_COMPRESSION_METHOD,
)

_KEYWORDS = {
    "SamplesPerPixel": SAMPLES_PER_PIXEL,
    "PhotometricInterpretation": PHOTOMETRIC_INTERPRETATION,
    "NumberOfFrames": NUMBER_OF_FRAMES,
    "Rows": ROWS,
    "Columns": COLUMNS,
    "BitsAllocated": BITS_ALLOCATED,
    "BitsStored": BITS_STORED,
    "PixelRepresentation": PIXEL_REPRESENTATION,
}
_HALF_CHROMA = ("YBR_FULL_422", "YBR_PARTIAL_422")  # two samples a pixel where they are native (PS3.3 C.7.6.3.1.2)


@dataclass(frozen=True, slots=True)
class Image:
    """The frames of one Pixel Data."""

    rows: int
    columns: int
    samples: int  # per pixel
    photometric: str
    allocated: int  # bits
    stored: int  # bits
    signed: bool
    frames: int

    @property
    def frame_size(self) -> int:
        """Bytes of a frame that is native and not subsampled; 1 bit pixels are rounded up."""
        return (self.rows * self.columns * self.samples * self.allocated + 7) // 8

    @property
    def native_size(self) -> int:
        """Bytes of native Pixel Data without the byte that makes it even (PS3.5 8.1.1, 8.2)."""
        samples = 2 if self.photometric in _HALF_CHROMA and self.samples == 3 else self.samples
        return (self.rows * self.columns * samples * self.allocated * self.frames + 7) // 8


def read_image(values: Mapping[int, bytes]) -> Image:
    """Return what the attributes say.

    Args:
        values: Value fields by tag, little endian; ``b""`` or no key for what is absent.

    Raises:
        Refusal: One that is needed to find the frames is absent, empty or no number.
    """
    photometric = text(values.get(PHOTOMETRIC_INTERPRETATION, b""))
    allocated = _number(values, BITS_ALLOCATED, "BitsAllocated (0028,0100)")
    return Image(
        rows=_number(values, ROWS, "Rows (0028,0010)"),
        columns=_number(values, COLUMNS, "Columns (0028,0011)"),
        samples=_number(values, SAMPLES_PER_PIXEL, "SamplesPerPixel (0028,0002)", 1),
        photometric=photometric,
        allocated=allocated,
        stored=_number(values, BITS_STORED, "BitsStored (0028,0101)", allocated),
        signed=int.from_bytes(values.get(PIXEL_REPRESENTATION, b"")[:2], "little") == 1,
        frames=_frames(values.get(NUMBER_OF_FRAMES, b"")),
    )


def read_image_attributes(attributes: Attributes) -> Image:
    """Return what the attributes of a Header say; as ``read_image``."""
    return read_image({tag: attributes.get(keyword, b"") for keyword, tag in _KEYWORDS.items()})


def text(value: bytes) -> str:
    """Return a value of VR CS, DS or IS without its padding."""
    return value.decode("ascii", "replace").strip(" \0")


def _number(values: Mapping[int, bytes], tag: int, name: str, default: int = 0) -> int:
    found = int.from_bytes(values.get(tag, b"")[:2], "little") or default
    if not found:
        raise Refusal("missing-attribute", f"{name} is absent or 0", "a value of 1 or more", "PS3.3 C.7.6.3")
    return found


def _frames(value: bytes) -> int:
    words = text(value).split("\\")[0]
    if not words:
        return 1
    try:
        count = int(words)
    except ValueError:
        count = 0
    if count < 1:
        raise Refusal(
            "frame-count", "NumberOfFrames (0028,0008) is 0 or no number", "a number of 1 or more", "PS3.3 C.7.6.6"
        )
    return count


def check_native_size(image: Image, length: int) -> None:
    """Check that native Pixel Data of ``length`` bytes holds all frames.

    Raises:
        Refusal: ``truncated-pixel-data``.
    """
    if length < image.native_size:
        raise Refusal(
            "truncated-pixel-data",
            f"PixelData (7FE0,0010) has {length} bytes",
            f"{image.native_size}, as Rows, Columns, SamplesPerPixel, BitsAllocated and NumberOfFrames say",
            "PS3.3 C.7.6.3, PS3.5 8.2",
        )
