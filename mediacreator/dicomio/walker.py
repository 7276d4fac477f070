"""Walk any DICOMDIR: find its records by position, join them by their offsets, and say what is wrong with them.

The parser is our own and trusts nothing. Each record is visited once, nothing recurses, and the walk always ends; what
the offsets do not reach is kept as an orphan. Every tolerance and every broken rule is a ``Finding``.
"""

from __future__ import annotations

import re
import zlib
from bisect import bisect_right
from dataclasses import dataclass

from mediacreator.collector import held
from mediacreator.dicomio.walker_draft import Draft, file_id_of, read_drafts, text_of
from mediacreator.dicomio.walker_findings import finding, printable
from mediacreator.dicomio.walker_items import (
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Buffer,
    Damage,
    Encoding,
    read_header,
    skip_undefined,
    sniff,
)
from mediacreator.dicomio.walker_record import Directory, DirectoryRecord
from mediacreator.dicomio.walker_sequence import Flaw, find_items, record_marks, regular_items
from mediacreator.dicomio.walker_text import check_text
from mediacreator.dicomio.walker_tree import check, join
from mediacreator.errors import SourceUnreadable
from mediacreator.model import UNDEFINED_LENGTH, Finding
from mediacreator.rules import uids

__all__ = ["Directory", "DirectoryRecord", "walk"]

_ENCODINGS = {  # of the Data Set, by Transfer Syntax: PS3.5 Annex A
    uids.IMPLICIT_VR_LITTLE_ENDIAN: IMPLICIT_LE,
    uids.EXPLICIT_VR_LITTLE_ENDIAN: EXPLICIT_LE,
    uids.EXPLICIT_VR_BIG_ENDIAN: EXPLICIT_BE,
}
_ENCODING_NAMES = {
    IMPLICIT_LE: "Implicit VR Little Endian",
    EXPLICIT_LE: "Explicit VR Little Endian",
    EXPLICIT_BE: "Explicit VR Big Endian",
}
_GROUP_LENGTH = 0x00020000
_MOST_INFLATED = 128 << 20  # bytes: half a million records; more is a bomb
_PIECE = 4096  # bytes inflated at once: so many are lost before damage

# PS3.3 Tables F.3-2 and F.3-3
_FILE_SET_ID = 0x00041130
_DESCRIPTOR_FILE_ID = 0x00041141
_FIRST_ROOT_RECORD = 0x00041200
_LAST_ROOT_RECORD = 0x00041202
_CONSISTENCY_FLAG = 0x00041212
_RECORD_SEQUENCE = 0x00041220

_LAST_ROOT = "OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity (0004,1202)"


@held()
def walk(data: Buffer) -> Directory:
    """Read a DICOMDIR, tolerantly.

    Args:
        data: The whole file, preamble included: offsets count from its byte 0. It is kept, not copied: a map of a file
            must stay open as long as the records' values are wanted.

    Returns:
        What it says, with a Finding for each deviation from the standard.

    Raises:
        SourceUnreadable: It is not a DICOMDIR, or nothing of it can be read.

    Source: PS3.10 7.1 and 8.6, PS3.3 F.2 and F.3.
    """
    own: list[Finding] = []
    meta, position = _file_meta(data, own)
    if meta.transfer_syntax_uid == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        data = _inflated(data, position, own)
    encoding = _encoding(data, position, meta.transfer_syntax_uid, own)
    flaws: list[Flaw] = []
    head, place = _data_set(data, position, encoding, flaws)
    drafts = _records(data, *place, encoding, flaws) if place else []
    if not head and not drafts:
        raise SourceUnreadable("not a DICOMDIR: it holds neither a File-set ID nor directory records (PS3.3 F.3)")
    if meta.sop_class_uid != uids.MEDIA_STORAGE_DIRECTORY:
        what = f"MediaStorageSOPClassUID (0002,0002) is {printable(meta.sop_class_uid) or 'absent'}"
        own.append(finding("not-a-directory-class", "DICOMDIR", what))
    roots, order, shift = join(drafts, encoding.number(head.get(_FIRST_ROOT_RECORD, b"")) or 0, own)
    _report_flaws(flaws, drafts, own)
    _check_head(head, encoding, drafts, roots, shift, own)
    check(drafts)
    check_text(drafts, data, encoding)
    return Directory(
        file_set_id=text_of(head.get(_FILE_SET_ID, b"")),
        file_set_uid=meta.sop_instance_uid,
        descriptor_file_id=file_id_of(head.get(_DESCRIPTOR_FILE_ID, b"")),
        transfer_syntax_uid=meta.transfer_syntax_uid,
        consistency_flag=encoding.number(head.get(_CONSISTENCY_FLAG, b"")),
        records=tuple(DirectoryRecord(draft, data, encoding) for draft in drafts),
        roots=tuple(roots),
        order=tuple(order),
        children=tuple(draft.children for draft in drafts),
        offset_shift=shift,
        own_findings=tuple(own),
    )


@dataclass(frozen=True, slots=True)
class _FileMeta:
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    transfer_syntax_uid: str = ""


def _file_meta(data: Buffer, own: list[Finding]) -> tuple[_FileMeta, int]:
    """Read group 0002, which may be missing, and return where the Data Set begins."""
    if not len(data):
        raise SourceUnreadable("not a DICOMDIR: it is empty, 0 bytes long")
    position = 132
    if bytes(data[128:132]) != b"DICM":
        position = 0
        own.append(finding("no-preamble", "DICOMDIR", "the prefix DICM is not at byte 128"))
    if bytes(data[position : position + 2]) != b"\x02\x00":
        if sniff(data, position) is None:
            raise SourceUnreadable("not a DICOMDIR: it begins with neither File Meta Information nor group 0004")
        own.append(finding("no-file-meta", "DICOMDIR", "the file begins with group 0004"))
        return _FileMeta(), position
    values: dict[int, bytes] = {}
    stated_end = 0
    try:
        while bytes(data[position : position + 2]) == b"\x02\x00":
            header = read_header(data, position, len(data), EXPLICIT_LE)
            position = header.start + header.length
            values[header.tag] = bytes(data[header.start : position])
            if header.tag == _GROUP_LENGTH and header.length == 4:
                stated_end = position + int.from_bytes(values[header.tag], "little")
    except Damage as damage:
        own.append(finding("damaged-file-meta", "DICOMDIR", f"at byte {damage.position}: {damage.what}"))
        position = stated_end if stated_end and sniff(data, stated_end) else _first_of_group_4(data, damage.position)
        stated_end = position
    if position != stated_end:
        own.append(finding("wrong-group-length", "DICOMDIR", "(0002,0000) does not lead to the end of group 0002"))
    return _FileMeta(*(text_of(values.get(tag, b"")) for tag in (0x00020002, 0x00020003, 0x00020010))), position


def _first_of_group_4(data: Buffer, position: int) -> int:
    """Return where a Data Set begins that damage hides: at a File-set ID, or at the offset of the first root record."""
    found = re.compile(rb"\x04\x00(?:\x30\x11|\x00\x12)").search(data, position)
    return found.start() if found else len(data)


def _inflated(data: Buffer, position: int, own: list[Finding]) -> Buffer:
    """Return a DICOMDIR with its Data Set inflated as far as it goes (PS3.5 A.5); offsets count in what is returned."""
    if sniff(data, position) is not None:
        own.append(finding("wrong-transfer-syntax", "DICOMDIR", "the Data Set is not deflated"))
        return data
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    parts, left = [bytes(data[:position])], _MOST_INFLATED
    try:
        for start in range(position, len(data), _PIECE):
            parts.append(inflater.decompress(bytes(data[start : start + _PIECE]), left))
            left -= len(parts[-1])
            if left <= 0 or inflater.eof:
                break
    except zlib.error:
        pass  # what came before the damage is walked, and found to be cut off
    if len(parts) == 1:
        raise SourceUnreadable("not a DICOMDIR: it is said to be deflated, and cannot be inflated (PS3.5 A.5)")
    return b"".join(parts)


def _encoding(data: Buffer, position: int, stated: str, own: list[Finding]) -> Encoding:
    """Return how the Data Set is encoded: as its first element shows, else as the Transfer Syntax says."""
    shown = sniff(data, position)
    if stated != uids.EXPLICIT_VR_LITTLE_ENDIAN:
        what = f"TransferSyntaxUID (0002,0010) is {printable(stated) or 'absent'}"
        own.append(finding("directory-transfer-syntax", "DICOMDIR", what))
    said = _ENCODINGS.get(stated)
    if shown is not None and said is not None and shown != said:
        own.append(finding("wrong-transfer-syntax", "DICOMDIR", f"the Data Set is {_ENCODING_NAMES[shown]}"))
    return shown or said or EXPLICIT_LE


def _data_set(
    data: Buffer, position: int, encoding: Encoding, flaws: list[Flaw]
) -> tuple[dict[int, bytes], tuple[int, int] | None]:
    """Read the elements of group 0004 before the records, and return where these begin and how long they are."""
    head: dict[int, bytes] = {}
    size = len(data)
    try:
        while position < size:
            header = read_header(data, position, size, encoding)
            if header.tag == _RECORD_SEQUENCE:
                return head, (header.start, header.length)
            if header.length == UNDEFINED_LENGTH:
                position = skip_undefined(data, header.start, size, encoding, sequence=True) + 8
                continue
            position = header.start + header.length
            if position > size:
                raise Damage(
                    header.start, f"the value of ({header.tag >> 16:04X},{header.tag & 0xFFFF:04X}) is cut off"
                )
            if header.tag >> 16 == 4:
                head[header.tag] = bytes(data[header.start : position])
    except Damage as damage:
        flaws.append(Flaw("damaged-directory", damage.position, damage.what))
    first = next(record_marks(data, 0, encoding), None)
    if first is None:
        flaws.append(Flaw("no-directory-information", position, "there are no directory records"))
        return head, None
    flaws.append(Flaw("no-record-sequence", first, "records stand outside of any sequence"))
    return head, (first, UNDEFINED_LENGTH)


def _records(data: Buffer, start: int, length: int, encoding: Encoding, flaws: list[Flaw]) -> list[Draft]:
    """Read the records: in the regular way as long as that shows no flaw."""
    found: list[Flaw] = []
    drafts = read_drafts(data, regular_items(data, start, length, encoding), encoding, found)
    if drafts and not found:
        return drafts
    return read_drafts(data, find_items(data, start, length, encoding, flaws), encoding, flaws)


def _report_flaws(flaws: list[Flaw], drafts: list[Draft], own: list[Finding]) -> None:
    """Say each flaw of the encoding at the record that it lies in, else at the DICOMDIR."""
    offsets = [draft.offset for draft in drafts]
    for flaw in flaws:
        index = bisect_right(offsets, flaw.position) - 1
        if index >= 0 and flaw.position < drafts[index].end:
            drafts[index].note(flaw.code, f"at byte {flaw.position}: {flaw.what}")
        else:
            own.append(finding(flaw.code, "DICOMDIR", f"at byte {flaw.position}: {flaw.what}"))


def _check_head(
    head: dict[int, bytes], encoding: Encoding, drafts: list[Draft], roots: list[int], shift: int, own: list[Finding]
) -> None:
    """Check the elements that stand before the records. Source: PS3.3 Table F.3-3."""
    if not drafts:
        return
    flag = encoding.number(head.get(_CONSISTENCY_FLAG, b""))
    if flag is None:
        own.append(finding("no-consistency-flag", "DICOMDIR", "FileSetConsistencyFlag (0004,1212) is absent"))
    elif flag:
        own.append(finding("consistency-flag", "DICOMDIR", f"FileSetConsistencyFlag (0004,1212) is {flag:04X}H"))
    last = encoding.number(head.get(_LAST_ROOT_RECORD, b""))
    if last is None or (roots and last + shift != drafts[roots[-1]].offset):
        found = "absent" if last is None else str(last)
        own.append(finding("wrong-last-offset", "DICOMDIR", f"{_LAST_ROOT} is {found}"))
