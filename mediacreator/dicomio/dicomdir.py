"""Encode a DICOMDIR in one pass: records in, bytes with right offsets out (PS3.3 Annex F, PS3.10 8.6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct

from mediacreator.dicomio.elements import encode_element
from mediacreator.dicomio.filemeta import preamble_and_meta
from mediacreator.errors import InternalError, MediaTooSmall
from mediacreator.rules.uids import EXPLICIT_VR_LITTLE_ENDIAN, MEDIA_STORAGE_DIRECTORY

# Item tag and length; (0004,1400) next record; (0004,1410) in use; (0004,1420) lower level entity: PS3.3 Table F.3-3.
_RECORD = Struct("<4sL8sL10s8sL")
_ITEM = b"\xfe\xff\x00\xe0"
_NEXT = b"\x04\x00\x00\x14UL\x04\x00"
_IN_USE = b"\x04\x00\x10\x14US\x02\x00\xff\xff"
_LOWER = b"\x04\x00\x20\x14UL\x04\x00"
_FIXED = _RECORD.size - 8
_ROOT = Struct("<8sL8sL10s4s2sHL")
_MAX_SEQUENCE = 0xFFFFFFFE


def encode_dicomdir(file_set_id: str, file_set_uid: str, records: Iterable[tuple[int, bytes]]) -> bytes:
    """Return a DICOMDIR.

    Args:
        file_set_id: 0 to 16 characters A-Z, 0-9, _.
        file_set_uid: Becomes its Media Storage SOP Instance UID.
        records: In pre-order: level (0 for the root entity) and the encoded elements of the record from
            Directory Record Type (0004,1430) on.

    Raises:
        InternalError: A level is skipped.
        MediaTooSmall: The offsets would not fit 32 bits.

    Source: PS3.3 F.2.2.2 (order is free, offsets define structure), Table F.3-3; offsets count from the preamble.
    """
    meta = preamble_and_meta(MEDIA_STORAGE_DIRECTORY, file_set_uid, EXPLICIT_VR_LITTLE_ENDIAN)
    identification = encode_element(0x00041130, "CS", file_set_id.encode("ascii"))
    first = len(meta) + len(identification) + _ROOT.size
    bodies, following, lower, last_root, end = _link(records, first)
    if end > _MAX_SEQUENCE:
        raise MediaTooSmall(
            f"The DICOMDIR of {len(bodies)} records would have {end} bytes, at most {_MAX_SEQUENCE} [PS3.3 F.3.2.2]. "
            "Divide the instances over several media."
        )
    root = _ROOT.pack(
        b"\x04\x00\x00\x12UL\x04\x00",
        first if bodies else 0,
        b"\x04\x00\x02\x12UL\x04\x00",
        last_root,
        b"\x04\x00\x12\x12US\x02\x00\x00\x00",
        b"\x04\x00\x20\x12",
        b"SQ",
        0,
        end - first,
    )
    pack = _RECORD.pack
    parts = [meta, identification, root]
    for body, after, below in zip(bodies, following, lower, strict=True):
        parts.append(pack(_ITEM, _FIXED + len(body), _NEXT, after, _IN_USE, _LOWER, below))
        parts.append(body)
    return b"".join(parts)


def follow_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield level and body of each record of a DICOMDIR that ``encode_dicomdir`` made, by following its offsets.

    Raises:
        InternalError: An offset does not lead to the record that stands next, or some are not led to.

    Source: PS3.3 F.2.2.2, Table F.3-3.
    """
    position = 144 + int.from_bytes(data[140:144], "little")
    position += 8 + int.from_bytes(data[position + 6 : position + 8], "little")
    _, first, *_, length = _ROOT.unpack_from(data, position)
    due = position + _ROOT.size
    end = due + length
    pending = [(0, first)] if first else []
    while pending:
        level, position = pending.pop()
        if position != due:
            raise InternalError(f"an offset leads to byte {position}, expected {due}")
        item, size, _, after, _, _, below = _RECORD.unpack_from(data, position)
        due = position + 8 + size
        if item != _ITEM or due > end:
            raise InternalError(f"there is no directory record at byte {position}")
        yield level, data[position + _RECORD.size : due]
        if after:
            pending.append((level, after))
        if below:
            pending.append((level + 1, below))
    if due != end:
        raise InternalError(f"the records end at byte {due}, expected {end}")


def _link(records: Iterable[tuple[int, bytes]], position: int) -> tuple[list[bytes], list[int], list[int], int, int]:
    """Find for each record the offset of the next in its entity and of the first below it; 0 for none.

    Returns:
        The bodies, both lists of offsets, the offset of the last root record and that of the end.
    """
    bodies: list[bytes] = []
    following: list[int] = []
    lower: list[int] = []
    last_root = 0
    open_records: list[int] = []  # index of the latest record of each level
    for level, body in records:
        if level < len(open_records):
            following[open_records[level]] = position
            del open_records[level + 1 :]
            open_records[level] = len(bodies)
        elif level == len(open_records):
            if level:
                lower[open_records[-1]] = position
            open_records.append(len(bodies))
        else:
            raise InternalError(f"directory record {len(bodies)} stands at level {level}, below no record")
        if level == 0:
            last_root = position
        bodies.append(body)
        following.append(0)
        lower.append(0)
        position += _RECORD.size + len(body)
    return bodies, following, lower, last_root, position
