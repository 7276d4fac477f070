"""Attributes that say how an instance was derived, and references inside values, in Explicit VR Little Endian."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import BinaryIO

from mediacreator.dicomio.elements import MalformedElement, encode_element, encode_items, split_elements, split_items
from mediacreator.dicomio.header import Wanted, read_header
from mediacreator.dicomio.window import FIRST_READ, NotDICOM, Truncated, Unusual
from mediacreator.errors import MediumError
from mediacreator.model import Attributes, Header
from mediacreator.rules.tables import Key, transfer_syntaxes
from mediacreator.sources.reading import open_source
from mediacreator.transcode.dataset import DAMAGED
from mediacreator.transcode.reach import Traits

Override = tuple[int, str, bytes]
"""A top-level element to write: tag, VR and value of even length."""

SOP_INSTANCE_UID = 0x00080018
INSTANCE_CREATOR_UID = 0x00080014
SMALLEST_IMAGE_PIXEL_VALUE = 0x00280106
LARGEST_IMAGE_PIXEL_VALUE = 0x00280107
MAC_PARAMETERS_SEQUENCE = 0x4FFE0001
DIGITAL_SIGNATURES_SEQUENCE = 0xFFFAFFFA

_IMAGE_TYPE = 0x00080008
_DERIVATION_DESCRIPTION = 0x00082111
_SOURCE_IMAGE_SEQUENCE = 0x00082112
_DERIVATION_CODE_SEQUENCE = 0x00089215
_PREDECESSOR_DOCUMENTS_SEQUENCE = 0x0040A360

_WANTED = Wanted.of(
    Key(keyword, tag, vr, "3", "", "", "", clause)
    for keyword, tag, vr, clause in (
        ("ImageType", _IMAGE_TYPE, "CS", "PS3.3 C.7.6.1.1.2"),
        ("TimezoneOffsetFromUTC", 0x00080201, "SH", "PS3.3 C.12.1.1.8"),
        ("DerivationDescription", _DERIVATION_DESCRIPTION, "ST", "PS3.3 C.12.4.1.1"),
        ("SourceImageSequence", _SOURCE_IMAGE_SEQUENCE, "SQ", "PS3.3 C.12.4.1.2"),
        ("DerivationCodeSequence", _DERIVATION_CODE_SEQUENCE, "SQ", "PS3.3 C.12.4.1.1"),
        ("PredecessorDocumentsSequence", _PREDECESSOR_DOCUMENTS_SEQUENCE, "SQ", "PS3.3 C.17.2"),
    )
)
_LOSSY_COMPRESSION = ("113040", "DCM", "Lossy Compression")  # PS3.16 CID 7203
_UNCOMPRESSED_PREDECESSOR = ("121320", "DCM", "Uncompressed predecessor")  # PS3.16 CID 7202
_LOSSY_PREDECESSOR = ("121330", "DCM", "Lossy compressed predecessor")
_LONGEST_DESCRIPTION = 1024  # characters of VR ST (PS3.5 Table 6.2-1)


@dataclass(frozen=True, slots=True)
class Change:
    """Why an instance is written anew."""

    sop_instance_uid: str  # its new one
    uid_map: Mapping[str, str]  # of references in it
    created: datetime  # aware


def read_derivation(header: Header) -> Attributes:
    """Return what an instance says of its own derivation so far; what cannot be read is not there."""
    try:
        with open_source(header.source) as stream:
            attributes = _read(stream, header.source.size)
    except (OSError, MediumError, NotDICOM, Truncated, *DAMAGED):
        return {}
    return attributes


def _read(stream: BinaryIO, size: int) -> Attributes:
    def read_at(position: int, count: int) -> bytes:
        stream.seek(position)
        return stream.read(count)

    try:
        return read_header(stream.read(FIRST_READ), size, read_at, _WANTED).attributes
    except Unusual:
        from mediacreator.dicomio.fallback import read_header_with_pydicom

        stream.seek(0)
        return read_header_with_pydicom(stream, size, _WANTED).attributes


def lossy_overrides(header: Header, target_uid: str, quality: int, change: Change) -> tuple[Override, ...]:
    """Return what says that an image is a lossy version of another one.

    Lossy Image Compression, its Ratio and Method are not among them: the ratio is known once it is encoded.

    Args:
        header: Of the source.
        target_uid: Transfer Syntax of the result.
        quality: 1-100, as asked for.
        change: Its new UID, and when.

    Source: PS3.3 C.7.6.1.1.2, C.7.6.1.1.5, C.12.4.1.1, C.12.4.1.2, Table 10-3.
    """
    said = read_derivation(header)
    traits = Traits.of(header)
    lossy_before = traits.declared_lossy or traits.is_coded_lossily
    name = transfer_syntaxes()[target_uid].name
    source = _reference(header.sop_class_uid, header.sop_instance_uid) + encode_element(
        0x0040A170, "SQ", encode_items([_code(_LOSSY_PREDECESSOR if lossy_before else _UNCOMPRESSED_PREDECESSOR)])
    )
    return (
        (_IMAGE_TYPE, "CS", _even(image_type(said.get("ImageType", b"")))),
        *_creation(said, change),
        (_DERIVATION_DESCRIPTION, "ST", _description(said, f"Lossy compression: {name}, quality {quality} of 100")),
        (_SOURCE_IMAGE_SEQUENCE, "SQ", _appended(said, "SourceImageSequence", source, change)),
        (_DERIVATION_CODE_SEQUENCE, "SQ", _appended(said, "DerivationCodeSequence", _code(_LOSSY_COMPRESSION), change)),
    )


def reference_overrides(header: Header, is_report: bool, change: Change) -> tuple[Override, ...]:
    """Return what an instance gets that is written anew only because of what it refers to.

    Args:
        header: Of the source.
        is_report: Whether it has an SR Document General Module: then it names the document that it was made from.
        change: Its new UID, its references, and when.

    Source: PS3.4 O.3; PS3.3 C.17.2 (Predecessor Documents Sequence, type 1C), Table C.17-3.
    """
    said = read_derivation(header)
    if not is_report:
        return _creation(said, change)
    get = header.attributes.get
    series = encode_element(
        0x00081199, "SQ", encode_items([_reference(header.sop_class_uid, header.sop_instance_uid)])
    ) + encode_element(0x0020000E, "UI", get("SeriesInstanceUID", b""))
    predecessor = encode_element(0x00081115, "SQ", encode_items([series])) + encode_element(
        0x0020000D, "UI", get("StudyInstanceUID", b"")
    )
    documents = _appended(said, "PredecessorDocumentsSequence", predecessor, change)
    return (*_creation(said, change), (_PREDECESSOR_DOCUMENTS_SEQUENCE, "SQ", documents))


def image_type(value: bytes) -> bytes:
    """Return an Image Type that says DERIVED; a second value that is absent becomes SECONDARY, which is true of ours.

    Source: PS3.3 C.7.6.1.1.2.
    """
    _, *others = value.rstrip(b"\0 ").split(b"\\")
    if not others or not others[0].strip():
        others = [b"SECONDARY", *others[1:]]
    return b"\\".join([b"DERIVED", *others])


def remap_items(value: bytes, uid_map: Mapping[str, str]) -> bytes:
    """Return a sequence with the UIDs in it replaced, at any depth.

    Raises:
        MalformedElement: The bytes are no items in Explicit VR Little Endian.
    """
    return encode_items(
        b"".join(encode_element(tag, vr, _remapped(vr, content, uid_map)) for tag, vr, content in split_elements(item))
        for item in split_items(value)
    )


def remap_keys(keys: Attributes, uid_map: Mapping[str, str]) -> Attributes:
    """Return the keys of a directory record with the references in its sequences replaced."""
    changed = dict(keys)
    for keyword, value in keys.items():
        if keyword.endswith("Sequence") and any(uid.encode() in value for uid in uid_map):
            try:
                changed[keyword] = remap_items(value, uid_map)
            except MalformedElement:
                continue  # the record encoder will say so
    return changed


def _remapped(vr: str, value: bytes, uid_map: Mapping[str, str]) -> bytes:
    if vr == "SQ":
        return remap_items(value, uid_map)
    if vr != "UI":
        return value
    uids = value.decode("latin-1").rstrip("\0 ").split("\\")
    return "\\".join(uid_map.get(uid, uid) for uid in uids).encode("latin-1")


def _creation(said: Attributes, change: Change) -> tuple[Override, ...]:
    """Return the new UID and when the instance was made, in the time zone that it names (PS3.3 C.12.1)."""
    created = change.created
    offset = said.get("TimezoneOffsetFromUTC", b"").decode("latin-1").strip(" \0")
    if len(offset) == 5 and offset[0] in "+-" and offset[1:].isdigit():
        minutes = int(offset[1:3]) * 60 + int(offset[3:])
        created = created.astimezone(timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes)))
    return (
        (0x00080012, "DA", f"{created:%Y%m%d}".encode()),
        (0x00080013, "TM", f"{created:%H%M%S}".encode()),
        (SOP_INSTANCE_UID, "UI", _even(change.sop_instance_uid.encode(), b"\0")),
    )


def _description(said: Attributes, ours: str) -> bytes:
    before = said.get("DerivationDescription", b"").rstrip(b"\0 ")
    both = before + b"; " + ours.encode() if before else ours.encode()
    return _even(both if len(both) <= _LONGEST_DESCRIPTION else before)


def _appended(said: Attributes, keyword: str, item: bytes, change: Change) -> bytes:
    """Return a sequence with one more item; what it refers to follows to new UIDs, what we add does not."""
    try:
        before = remap_items(said.get(keyword, b""), change.uid_map)
    except MalformedElement:
        before = b""
    return before + encode_items([item])


def _reference(sop_class_uid: str, sop_instance_uid: str) -> bytes:
    return encode_element(0x00081150, "UI", sop_class_uid.encode()) + encode_element(
        0x00081155, "UI", sop_instance_uid.encode()
    )


def _code(code: tuple[str, str, str]) -> bytes:
    """Return the item of a Code Sequence (PS3.3 Table 8.8-1)."""
    value, scheme, meaning = (part.encode() for part in code)
    return (
        encode_element(0x00080100, "SH", value)
        + encode_element(0x00080102, "SH", scheme)
        + encode_element(0x00080104, "LO", meaning)
    )


def _even(value: bytes, padding: bytes = b" ") -> bytes:
    return value + padding if len(value) & 1 else value
