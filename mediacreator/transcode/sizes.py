"""How many bytes an instance takes on the medium: exact where it is copied, reckoned where it is encoded."""

from __future__ import annotations

from functools import lru_cache

from mediacreator.dicomio.filemeta import preamble_and_meta
from mediacreator.model import UNDEFINED_LENGTH, Header, SOPInstance
from mediacreator.rules.tables import encoders, transfer_syntaxes
from mediacreator.transcode.image import read_image_attributes
from mediacreator.transcode.refusal import Refusal

_GROWTH = 16  # a Data Set in an Explicit VR is at most about a 16th longer than in an Implicit one (PS3.5 7.1)
_INFLATION = 8  # times; what a deflated Data Set without pixels is thought to hold
_FRAME = 16  # bytes; the header of a fragment and its place in an offset table (PS3.5 A.4)
_USUAL_QUALITY = 85


def estimate(instance: SOPInstance, target_uid: str, quality: int = 0) -> int:
    """Return the bytes of the file that an instance becomes.

    Exact where the instance is copied. Native frames from coded ones are exact too, unless attributes stand behind the
    Pixel Data or its colour space changes (some bytes). Coded frames are reckoned with the ratio in encoders.csv.

    Args:
        instance: As it lies in its source.
        target_uid: Transfer Syntax on the medium.
        quality: 1-100 where it is coded with loss, else 0.
    """
    return estimate_file(instance.header, target_uid, quality)


def estimate_file(header: Header, target_uid: str, quality: int = 0) -> int:
    """Return the same for an instance of which only the Header is known."""
    meta = _meta_size(header.sop_class_uid, len(header.sop_instance_uid), target_uid)
    if target_uid == header.transfer_syntax_uid and not quality:
        return meta + header.source.size - header.dataset_offset
    frames = native_pixels(header)
    around = _around_pixels(header, frames)
    ratio = _ratio(target_uid, quality)
    if ratio == 1 or header.pixel_data is None:
        return meta + around + frames + (frames & 1)
    return meta + around + int(frames / ratio) + _FRAME * _frame_count(header)


def native_pixels(header: Header) -> int:
    """Return the bytes of the Pixel Data of an instance once it is native: decoded frames are never subsampled."""
    place = header.pixel_data
    if place is None:
        return 0
    if place.length != UNDEFINED_LENGTH:
        return place.length
    try:
        image = read_image_attributes(header.attributes)
    except Refusal:
        return _INFLATION * (header.source.size - place.offset)
    return image.frame_size * image.frames


def _around_pixels(header: Header, frames: int) -> int:
    """Return the bytes of a Data Set in Explicit VR Little Endian that are not frames."""
    place, syntax = header.pixel_data, transfer_syntaxes().get(header.transfer_syntax_uid)
    whole = header.source.size - header.dataset_offset
    if syntax is not None and syntax.dataset == "deflated":
        return _INFLATION * whole if place is None else max(place.offset, 0)
    if place is not None and place.length == UNDEFINED_LENGTH:
        return place.offset - header.dataset_offset
    around = max(whole - frames, 0)
    implicit = syntax is None or syntax.dataset == "implicit-le"
    return around + around // _GROWTH if implicit else around


def _frame_count(header: Header) -> int:
    try:
        return read_image_attributes(header.attributes).frames
    except Refusal:
        return 1


@lru_cache(maxsize=1024)
def _ratio(target_uid: str, quality: int) -> float:
    """Return how many native bytes a coded byte stands for, about; a lower quality gives more."""
    wanted = "lossy" if quality else "none"
    for encoder in encoders():
        if encoder.uid == target_uid and encoder.loss == wanted:
            return encoder.ratio * (115 - quality) / (115 - _USUAL_QUALITY) if quality else encoder.ratio
    return 1.0


@lru_cache(maxsize=1024)
def _meta_size(sop_class_uid: str, uid_length: int, target_uid: str) -> int:
    """Return the bytes before the Data Set, which depend on no more of the SOP Instance UID than its length."""
    try:
        return len(preamble_and_meta(sop_class_uid, "1" * uid_length, target_uid))
    except ValueError:  # no UID: it will be rejected
        return 0
