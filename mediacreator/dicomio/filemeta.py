"""Write the preamble, the prefix and the File Meta Information that open a DICOM file (PS3.10 7.1)."""

from __future__ import annotations

import struct
from functools import lru_cache

from mediacreator import __version__

IMPLEMENTATION_CLASS_UID = "2.25.124414891517442163011947454309429332570"
"""Names this implementation in (0002,0012); one random UUID, drawn once for the project (PS3.5 B.2, PS3.7 D.3.3.2)."""

IMPLEMENTATION_VERSION_NAME = f"MEDIACREATOR{__version__.replace('.', '')}"[:16]
"""Names this version in (0002,0013): at most 16 characters of ISO 646 (PS3.10 Table 7.1-1)."""

PREAMBLE_AND_PREFIX = bytes(128) + b"DICM"
"""A preamble of zeros (PS3.10 7.1, 7.5) and the prefix that tells a DICOM file."""

_GROUP_LENGTH = struct.Struct("<HH2sHI")  # (0002,0000) UL, length 4, value
_EXPLICIT_SHORT = struct.Struct("<HH2sH")  # tag, VR and a 16-bit length (PS3.5 7.1.2)
_FILE_META_VERSION = struct.pack("<HH2sHI", 0x0002, 0x0001, b"OB", 0, 2) + b"\x00\x01"
_INSTANCE_HEADERS = tuple(_EXPLICIT_SHORT.pack(0x0002, 0x0003, b"UI", length) for length in range(66))


def preamble_and_meta(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Return the bytes of a DICOM file that stand before its Data Set.

    Args:
        sop_class_uid: (0002,0002), at most 64 characters.
        sop_instance_uid: (0002,0003), at most 64 characters, no padding.
        transfer_syntax_uid: (0002,0010), of the Data Set that follows.

    Returns:
        128 zero bytes, ``DICM`` and group 0002 in Explicit VR Little Endian with its group length; even in length.

    Raises:
        ValueError: A UID is longer than the 64 characters of PS3.5 9.1, or holds other than ISO 646 characters.

    Source: PS3.10 7.1, Table 7.1-1.
    """
    instance = sop_instance_uid.encode("ascii")
    if len(instance) & 1:
        instance += b"\0"  # UI is padded with NUL (PS3.5 6.2)
    length = len(instance)
    if length > 64:
        raise ValueError(f"SOP Instance UID has {len(sop_instance_uid)} characters, expected at most 64 (PS3.5 9.1)")
    heads, tail = _parts(sop_class_uid, transfer_syntax_uid)
    return heads[length] + instance + tail


@lru_cache(maxsize=1024)
def _parts(sop_class_uid: str, transfer_syntax_uid: str) -> tuple[tuple[bytes, ...], bytes]:
    """Return what stands before the SOP Instance UID, for each length it may have, and what stands after it."""
    before = _FILE_META_VERSION + _element(0x0002, b"UI", sop_class_uid)
    after = (
        _element(0x0010, b"UI", transfer_syntax_uid)
        + _element(0x0012, b"UI", IMPLEMENTATION_CLASS_UID)
        + _element(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME)
    )
    rest = len(before) + len(after) + _EXPLICIT_SHORT.size
    heads = tuple(
        PREAMBLE_AND_PREFIX
        + _GROUP_LENGTH.pack(0x0002, 0x0000, b"UL", 4, rest + length)
        + before
        + _INSTANCE_HEADERS[length]
        for length in range(65)
    )
    return heads, after


def _element(element: int, vr: bytes, text: str) -> bytes:
    """Encode one element of group 0002 with a 16-bit length; UI is padded with NUL, SH with a space (PS3.5 6.2)."""
    value = text.encode("ascii")
    if len(value) > 64:
        raise ValueError(f"(0002,{element:04X}) has {len(value)} characters, expected at most 64 (PS3.5 9.1)")
    if len(value) & 1:
        value += b"\0" if vr == b"UI" else b" "
    return _EXPLICIT_SHORT.pack(0x0002, element, vr, len(value)) + value
