"""The attributes that describe Pixel Data: as they are read, and as they are once frames are coded otherwise.

Source: PS3.3 C.7.6.3, C.7.6.1.1.5; PS3.5 8.2.
"""

from __future__ import annotations

from collections.abc import Mapping

from mediacreator.transcode.codecs import lossy_method
from mediacreator.transcode.coders import Code
from mediacreator.transcode.dataset import Coding, DataSetReader, Level
from mediacreator.transcode.encapsulation import OffsetTables
from mediacreator.transcode.fragments import (
    ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH,
    EXTENDED_OFFSET_TABLE,
    EXTENDED_OFFSET_TABLE_LENGTHS,
)
from mediacreator.transcode.image import (
    BITS_STORED,
    HIGH_BIT,
    LOSSY_IMAGE_COMPRESSION,
    LOSSY_IMAGE_COMPRESSION_METHOD,
    LOSSY_IMAGE_COMPRESSION_RATIO,
    NUMBER_OF_FRAMES,
    PHOTOMETRIC_INTERPRETATION,
    PIXEL_TAGS,
    PLANAR_CONFIGURATION,
    Image,
    text,
)
from mediacreator.transcode.jobs import Remark

Changed = dict[int, tuple[str, bytes] | None]
"""By tag: VR and value to write instead, None for what is left out."""

LOSS_NOT_DECLARED = Remark(
    "lossy-not-declared",
    "LossyImageCompression (0028,2110) is not 01, but the codestream is lossy; 01 was set",
    "01",
    "PS3.3 C.7.6.1.1.5",
)

_WANTED = frozenset(PIXEL_TAGS)
_TEXTS = frozenset(
    (
        PHOTOMETRIC_INTERPRETATION,
        NUMBER_OF_FRAMES,
        LOSSY_IMAGE_COMPRESSION,
        LOSSY_IMAGE_COMPRESSION_RATIO,
        LOSSY_IMAGE_COMPRESSION_METHOD,
    )
)
_KEYWORDS = {
    PHOTOMETRIC_INTERPRETATION: "PhotometricInterpretation",
    BITS_STORED: "BitsStored",
    LOSSY_IMAGE_COMPRESSION: "LossyImageCompression",
    LOSSY_IMAGE_COMPRESSION_RATIO: "LossyImageCompressionRatio",
    LOSSY_IMAGE_COMPRESSION_METHOD: "LossyImageCompressionMethod",
}
"""Attributes that a directory record may name too (PS3.11 Table B.3-2)."""


def read_values(reader: DataSetReader, level: Level, coding: Coding) -> dict[int, bytes]:
    """Return the attributes that describe the pixels, in little endian."""
    values = {element.tag: reader.small_value(element) for element in level.elements if element.tag in _WANTED}
    if coding.big_endian:
        return {tag: value if tag in _TEXTS else value[::-1] for tag, value in values.items()}
    return values


def native_attributes(level: Level, image: Image, photometric: str) -> Changed:
    """Return the attributes that are others once the frames are native."""
    return _described(level, image, photometric, 0)


def coded_attributes(level: Level, code: Code, before: str, tables: OffsetTables) -> Changed:
    """Return the attributes that are others once the frames are coded.

    Args:
        level: Of the source.
        code: How they are coded.
        before: Photometric Interpretation in the source.
        tables: Where the coded frames lie.
    """
    changes = _described(level, code.image, code.photometric, code.planar, before)
    if code.stored != code.image.stored:
        changes[BITS_STORED] = ("US", code.stored.to_bytes(2, "little"))
        changes[HIGH_BIT] = ("US", (code.stored - 1).to_bytes(2, "little"))
    return changes | dict(tables.extended)


def declared_loss(level: Level, codec: str, ratio: float) -> Changed:
    """Return what says that pixels had been compressed lossily where their instance does not say so.

    Args:
        level: Of the source.
        codec: As tables/transfer_syntaxes.csv names it.
        ratio: Native bytes for a coded one.
    """
    changes: Changed = {LOSSY_IMAGE_COMPRESSION: ("CS", b"01")}
    if level.find(LOSSY_IMAGE_COMPRESSION_RATIO) is None:
        changes[LOSSY_IMAGE_COMPRESSION_RATIO] = ("DS", _even(f"{ratio:.4g}"))
    method = lossy_method(codec)
    if method and level.find(LOSSY_IMAGE_COMPRESSION_METHOD) is None:
        changes[LOSSY_IMAGE_COMPRESSION_METHOD] = ("CS", _even(method))
    return changes


def added_loss(said: Mapping[int, bytes], codec: str, ratio: float) -> Changed:
    """Return what says that we compressed lossily: one more value each, behind those of earlier losses.

    Args:
        said: Values that tell of earlier losses, none where there were none.
        codec: As tables/transfer_syntaxes.csv names it.
        ratio: Native bytes for a coded one.

    Source: PS3.3 C.7.6.1.1.5.1, C.7.6.1.1.5.2.
    """

    def appended(tag: int, value: str) -> bytes:
        before = text(said.get(tag, b""))
        return _even(f"{before}\\{value}" if before else value)

    return {
        LOSSY_IMAGE_COMPRESSION: ("CS", b"01"),
        LOSSY_IMAGE_COMPRESSION_RATIO: ("DS", appended(LOSSY_IMAGE_COMPRESSION_RATIO, f"{ratio:.4g}")),
        LOSSY_IMAGE_COMPRESSION_METHOD: ("CS", appended(LOSSY_IMAGE_COMPRESSION_METHOD, lossy_method(codec))),
    }


def by_keyword(changes: Changed) -> dict[str, bytes]:
    """Return the new values that a directory record may have to follow."""
    return {keyword: change[1] for tag, keyword in _KEYWORDS.items() if (change := changes.get(tag)) is not None}


def tolerated(what: str) -> Remark:
    """Return what says that an encoding was tolerated."""
    return Remark("tolerated-encoding", what, "as the standard says", "PS3.5 7, A.4")


def _described(level: Level, image: Image, photometric: str, planar: int, before: str = "") -> Changed:
    changes: Changed = {
        tag: None
        for tag in (
            EXTENDED_OFFSET_TABLE,
            EXTENDED_OFFSET_TABLE_LENGTHS,
            ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH,
        )
        if level.find(tag) is not None
    }
    if photometric != (before or image.photometric):
        changes[PHOTOMETRIC_INTERPRETATION] = ("CS", _even(photometric))
    if image.samples > 1:
        changes[PLANAR_CONFIGURATION] = ("US", planar.to_bytes(2, "little"))
    return changes


def _even(words: str) -> bytes:
    value = words.encode("ascii")
    return value + b" " if len(value) & 1 else value
