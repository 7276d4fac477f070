"""What can be made of an instance: whether it can be decoded, what it can be coded into, and what its colours are then.

The facts are those of ``codecs`` (decoding), tables/encoders.csv (coding) and tables/transfer_syntaxes.csv.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from mediacreator.model import UNDEFINED_LENGTH, Header
from mediacreator.rules.profile import Option
from mediacreator.rules.tables import Encoder, encoders, transfer_syntaxes
from mediacreator.transcode.codecs import check_format
from mediacreator.transcode.image import Image
from mediacreator.transcode.jobs import DECODED
from mediacreator.transcode.refusal import Refusal

SMALL = 4096
"""Bytes of native Pixel Data below which coding saves nothing: a code has tables, and a reader must know it."""

ABSENT = "absent"
"""Photometric Interpretation of pixels that have none, which no pairing allows."""

_WHOLE = {"YBR_FULL_422": "YBR_FULL"}
_RGB = dict.fromkeys(("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"), "RGB")
_AFTER_DECODING: Mapping[tuple[str, bool], Mapping[str, str]] = {
    ("jpeg", True): _RGB,
    ("jpeg-xl", False): _RGB,
    ("jpeg-xl", True): _RGB,
    ("jpeg-2000", False): {**_WHOLE, "YBR_RCT": "RGB", "YBR_ICT": "RGB"},
    ("htj2k", False): {**_WHOLE, "YBR_RCT": "RGB", "YBR_ICT": "RGB"},
    ("jpeg", False): _WHOLE,
    ("jpeg-ls", False): _WHOLE,
    ("jpeg-ls", True): _WHOLE,
    ("rle", False): _WHOLE,
}
"""By codec and whether its Transfer Syntax is lossy: Photometric Interpretations that decoding changes."""


class Traits(NamedTuple):
    """What decides how an instance can be stored; most instances of a series share theirs."""

    transfer_syntax_uid: str
    sop_class_uid: str
    pixels: str  # PixelData, FloatPixelData, DoubleFloatPixelData, or "" for none
    photometric: str
    samples: int
    allocated: int  # bits
    stored: int  # bits
    signed: bool
    declared_lossy: bool  # LossyImageCompression (0028,2110) is 01
    small: bool  # hardly any Pixel Data

    @classmethod
    def of(cls, header: Header) -> Traits:
        """Return the traits of an instance; numbers are 0 where an attribute is absent."""
        get = header.attributes.get
        place = header.pixel_data
        allocated = _number(get("BitsAllocated"))
        return cls(
            header.transfer_syntax_uid,
            header.sop_class_uid,
            place.keyword if place else "",
            (_text(get("PhotometricInterpretation")) or ABSENT) if place else "",
            _number(get("SamplesPerPixel")) or 1,
            allocated,
            _number(get("BitsStored")) or allocated,
            _number(get("PixelRepresentation")) == 1,
            _text(get("LossyImageCompression")) == "01",
            place is not None and place.length != UNDEFINED_LENGTH and place.length < SMALL,
        )

    @property
    def is_compressed(self) -> bool:
        """Whether its frames are coded."""
        syntax = transfer_syntaxes().get(self.transfer_syntax_uid)
        return syntax is not None and syntax.pixels == "encapsulated" and syntax.codec != "native" and bool(self.pixels)

    @property
    def is_coded_lossily(self) -> bool:
        """Whether its frames are coded with loss as they lie in the source."""
        syntax = transfer_syntaxes().get(self.transfer_syntax_uid)
        if syntax is None or not self.is_compressed:
            return False
        return syntax.loss == "lossy" or (syntax.loss == "either" and self.declared_lossy)

    @property
    def is_worth_coding(self) -> bool:
        """Whether a code would make it smaller."""
        return self.pixels == "PixelData" and self.allocated > 1 and not self.small


@lru_cache(maxsize=1024)
def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "replace").split("\\")[0].strip(" \0")


@lru_cache(maxsize=1024)
def _number(value: bytes | None) -> int:
    return int.from_bytes((value or b"")[:2], "little")


def photometric_in(header: Header, target_uid: str) -> tuple[str, ...]:
    """Return the Photometric Interpretations that an instance may have in a Transfer Syntax.

    One where it is known; several where it depends on whether it is coded with loss; none where it cannot be coded in
    it, or has no pixels. Source: PS3.5 8.2, PS3.3 C.7.6.3.1.2.
    """
    traits = Traits.of(header)
    if not traits.pixels:
        return ()
    if target_uid == traits.transfer_syntax_uid:
        return (traits.photometric,)
    found = (coded(traits, encoder) for encoder in encoders() if encoder.uid == target_uid)
    return tuple(dict.fromkeys(name for name in found if name is not None))


def is_decodable(traits: Traits) -> bool:
    """Tell whether the Data Set of an instance, and its frames, can be read."""
    syntax = transfer_syntaxes().get(traits.transfer_syntax_uid)
    if syntax is None or syntax.dataset == "none" or syntax.pixels == "none" or syntax.codec not in DECODED:
        return False
    return not traits.is_compressed or _refused(traits) is None


def decoded(traits: Traits) -> str:
    """Return the Photometric Interpretation of an instance once it is native."""
    syntax = transfer_syntaxes().get(traits.transfer_syntax_uid)
    if syntax is None or syntax.pixels != "encapsulated":
        return traits.photometric
    changes = _AFTER_DECODING.get((syntax.codec, syntax.loss == "lossy"), {})
    return changes.get(traits.photometric, traits.photometric)


def coded(traits: Traits, encoder: Encoder) -> str | None:
    """Return the Photometric Interpretation of an instance once it is coded, ``""`` without pixels, None if it cannot.

    Source: PS3.5 8.2.1 to 8.2.4 (what a code takes).
    """
    if not is_decodable(traits):
        return None
    if not encoder.photometric:
        return decoded(traits)  # native: whatever can be decoded
    lowest, highest = encoder.bits_stored
    if (
        traits.pixels != "PixelData"
        or traits.allocated not in encoder.bits_allocated
        or not lowest <= traits.stored <= highest
        or (traits.signed and not encoder.signed)
    ):
        return None
    return encoder.photometric.get(decoded(traits))


def allows(options: Iterable[Option], transfer_syntax_uid: str, photometric: str) -> bool:
    """Tell whether a profile lets an instance be stored so; ``photometric`` is ``""`` where it has no pixels."""
    return any(
        option.transfer_syntax_uid == transfer_syntax_uid
        and (not photometric or not option.photometric or photometric in option.photometric)
        for option in options
    )


def why_not(traits: Traits, options: tuple[Option, ...]) -> Refusal:
    """Return why none of the ways that a profile allows can be reached."""
    table = transfer_syntaxes()
    syntax = table.get(traits.transfer_syntax_uid)
    is_video = syntax is not None and syntax.codec == "video"
    allowed = tuple(dict.fromkeys(option.transfer_syntax_uid for option in options))
    expected = " or ".join(_name(uid) for uid in allowed) or "a SOP Class that the profile takes"
    clause = "; ".join(dict.fromkeys(option.clause for option in options)) or "PS3.11 X.3.1"
    found = f"TransferSyntaxUID (0002,0010) is {traits.transfer_syntax_uid} ({_name(traits.transfer_syntax_uid)})"
    plain = table.get(traits.transfer_syntax_uid.rpartition(".")[0])
    if is_video and plain is not None and plain.codec == "video":
        what = f"{found}, the fragmentable form of {plain.uid}, which no profile of PS3.11 names"
        return Refusal("fragmentable-video", what, expected, f"PS3.5 A.4; {clause}")
    if allowed and not is_video and all(uid in table and table[uid].codec == "video" for uid in allowed):
        return Refusal("not-video", f"{found}, which is no video; this profile takes nothing else", expected, clause)
    if not is_decodable(traits):
        refused = _refused(traits) if syntax is not None and syntax.codec in DECODED else None
        if refused is not None:
            return Refusal(refused.code, refused.what, refused.expected, refused.clause)
        what = f"{found}, which cannot be changed into one that is allowed"
        source = f"{syntax.clause}; " if syntax else ""
        return Refusal("unsupported-transfer-syntax", what, expected, f"{source}{clause}")
    possible = {e.uid: name for e in encoders() if e.uid in allowed and (name := coded(traits, e)) is not None}
    if traits.transfer_syntax_uid in allowed:
        possible[traits.transfer_syntax_uid] = traits.photometric
    if possible:
        return _wrong_photometric(traits, options, possible, clause)
    what = f"{found}; {_format(traits)} cannot be changed into one that is allowed"
    return Refusal(
        "unsupported-pixel-format" if traits.pixels and allowed else "unsupported-transfer-syntax",
        what,
        expected,
        clause,
    )


def _wrong_photometric(
    traits: Traits, options: tuple[Option, ...], possible: Mapping[str, str], clause: str
) -> Refusal:
    would = " and ".join(f"{photometric} in {_name(uid)}" for uid, photometric in possible.items())
    expected = " or ".join(f"{' or '.join(o.photometric)} in {_name(o.transfer_syntax_uid)}" for o in options)
    what = f"PhotometricInterpretation (0028,0004) is {traits.photometric}, and would be {would}"
    return Refusal("photometric-not-allowed", what, expected, clause)


def _format(traits: Traits) -> str:
    if not traits.pixels:
        return "an instance without Pixel Data"
    return (
        f"PhotometricInterpretation {traits.photometric} with {traits.samples} samples of {traits.stored} of "
        f"{traits.allocated} bits{', signed,' if traits.signed else ''}"
    )


def _name(uid: str) -> str:
    known = transfer_syntaxes().get(uid)
    return known.name if known else f"the unknown Transfer Syntax {uid}"


def _refused(traits: Traits) -> Refusal | None:
    """Return why frames of this format cannot be decoded."""
    image = Image(1, 1, traits.samples, traits.photometric, traits.allocated, traits.stored, traits.signed, 1)
    try:
        check_format(image)
    except Refusal as refusal:
        return refusal
    return None
