"""Walk any DICOMDIR: find its records by position, join them by their offsets, and say what is wrong with them.

The parser is our own and trusts nothing. Each record is visited once, nothing recurses, and the walk always ends; what
the offsets do not reach is kept as an orphan. Every tolerance and every broken rule is a ``Finding``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from mediacreator.dicomio.walker_findings import finding, printable, record_location
from mediacreator.dicomio.walker_items import (
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Buffer,
    Damage,
    Encoding,
    Flaw,
    Item,
    elements,
    find_items,
    read_group_4,
    read_header,
    record_marks,
    skip_undefined,
    sniff,
)
from mediacreator.dicomio.walker_tree import Draft, check, join
from mediacreator.errors import SourceUnreadable
from mediacreator.model import UNDEFINED_LENGTH, FileID, Finding
from mediacreator.rules import uids

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

# PS3.3 Tables F.3-2 and F.3-3
_FILE_SET_ID = 0x00041130
_DESCRIPTOR_FILE_ID = 0x00041141
_FIRST_ROOT_RECORD = 0x00041200
_LAST_ROOT_RECORD = 0x00041202
_CONSISTENCY_FLAG = 0x00041212
_RECORD_SEQUENCE = 0x00041220
_NEXT_RECORD = 0x00041400
_IN_USE_FLAG = 0x00041410
_LOWER_ENTITY = 0x00041420
_RECORD_TYPE = 0x00041430
_REFERENCED_FILE_ID = 0x00041500
_MRDR_OFFSET = 0x00041504
_SOP_CLASS = 0x00041510
_SOP_INSTANCE = 0x00041511
_TRANSFER_SYNTAX = 0x00041512
_REFERENCE = frozenset((_REFERENCED_FILE_ID, _SOP_CLASS, _SOP_INSTANCE, _TRANSFER_SYNTAX))
_SPECIFIC_CHARACTER_SET = 0x00080005

_LAST_ROOT = "OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity (0004,1202)"
_PADDING = " \x00"


@dataclass(frozen=True, slots=True)
class DirectoryRecord:
    """One Directory Record (PS3.3 F.2.1), as it stands in the file."""

    index: int  # in ``Directory.records``, from 0, by position in the file
    offset: int  # of its item tag, from byte 0 of the file
    end: int  # behind its last element, from byte 0 of the file
    type: str  # of (0004,1430), padding removed; "" when it has none
    parent: int | None  # index of the record whose lower-level entity it is in; None: root, MRDR or orphan
    reachable: bool  # False: an orphan, no chain of offsets leads to it from the root
    in_use: bool  # False only for the retired value 0000H
    next_offset: int  # of the next record of its entity as stated, 0 when it is the last
    lower_offset: int  # of the first record of its lower-level entity as stated, 0 when it has none
    file_id: FileID  # components as stated, padding removed; empty: it references no file
    sop_class_uid: str  # in file, as the three below
    sop_instance_uid: str
    transfer_syntax_uid: str
    findings: tuple[Finding, ...]
    _data: Buffer = field(repr=False, compare=False)
    _encoding: Encoding = field(repr=False, compare=False)

    @property
    def location(self) -> str:
        """Name the record, and its file if it has one, without identity."""
        return record_location(self.index, self.file_id)

    @property
    def values(self) -> Mapping[int, bytes]:
        """The value field of each element by tag (group << 16 | element), padding kept; read when asked for.

        Numbers have the byte order of the file. A sequence is its items, undecoded. A damaged record gives what comes
        before the damage.
        """
        values: dict[int, bytes] = {}
        try:
            for tag, start, stop in elements(self._data, self.offset + 8, self.end, self._encoding):
                values.setdefault(tag, bytes(self._data[start:stop]))
        except Damage:
            pass  # told by the walk as a Finding
        return values

    def text(self, tag: int, vr: str = "LO") -> str:
        """Return a text value, decoded by the record's own Specific Character Set; "" when it is absent."""
        from mediacreator.dicomio.text import decode_text

        values = self.values
        return decode_text(values.get(tag, b""), values.get(_SPECIFIC_CHARACTER_SET, b""), vr)


@dataclass(frozen=True, slots=True)
class Directory:
    """A DICOMDIR that was walked."""

    file_set_id: str
    file_set_uid: str
    descriptor_file_id: FileID
    transfer_syntax_uid: str  # as File Meta Information states it
    consistency_flag: int | None  # of (0004,1212): 0; None when absent
    records: tuple[DirectoryRecord, ...]  # by position in the file
    roots: tuple[int, ...]  # indices of the root directory entity, in the order of its chain
    children: tuple[tuple[int, ...], ...]  # indices of each record's lower-level entity, in the order of its chain
    offset_shift: int  # bytes added to every stated offset to reach its record: 0 unless all were wrong by the same
    own_findings: tuple[Finding, ...] = ()  # about the DICOMDIR as a whole

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything found: about the whole, then record by record."""
        return self.own_findings + tuple(found for record in self.records for found in record.findings)

    @property
    def orphans(self) -> tuple[DirectoryRecord, ...]:
        """The records that no chain of offsets leads to from the root."""
        return tuple(record for record in self.records if not record.reachable)

    def in_order(self) -> Iterator[DirectoryRecord]:
        """Yield the reachable records from the root, each before its lower-level entity: the order of the tree."""
        stack = list(reversed(self.roots))
        while stack:
            index = stack.pop()
            yield self.records[index]
            stack.extend(reversed(self.children[index]))


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
        raise SourceUnreadable("a deflated DICOMDIR: its offsets lead nowhere (PS3.10 8.6 asks for Explicit VR LE)")
    encoding = _encoding(data, position, meta.transfer_syntax_uid, own)
    flaws: list[Flaw] = []
    head, items = _data_set(data, position, encoding, flaws)
    if not head and not items:
        raise SourceUnreadable("not a DICOMDIR: it holds neither a File-set ID nor directory records (PS3.3 F.3)")
    if meta.sop_class_uid != uids.MEDIA_STORAGE_DIRECTORY:
        what = f"MediaStorageSOPClassUID (0002,0002) is {printable(meta.sop_class_uid) or 'absent'}"
        own.append(finding("not-a-directory-class", "DICOMDIR", what))
    drafts = [_draft(data, index, item, encoding, flaws) for index, item in enumerate(items)]
    roots, shift = join(drafts, encoding.number(head.get(_FIRST_ROOT_RECORD, b"")) or 0, own)
    _report_flaws(flaws, drafts, own)
    _check_head(head, encoding, drafts, roots, shift, own)
    check(drafts)
    return Directory(
        file_set_id=_string(head.get(_FILE_SET_ID, b"")),
        file_set_uid=meta.sop_instance_uid,
        descriptor_file_id=_file_id(head.get(_DESCRIPTOR_FILE_ID, b"")),
        transfer_syntax_uid=meta.transfer_syntax_uid,
        consistency_flag=encoding.number(head.get(_CONSISTENCY_FLAG, b"")),
        records=tuple(_freeze(draft, data, encoding) for draft in drafts),
        roots=tuple(roots),
        children=tuple(tuple(draft.children or ()) for draft in drafts),
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
    return _FileMeta(*(_string(values.get(tag, b"")) for tag in (0x00020002, 0x00020003, 0x00020010))), position


def _first_of_group_4(data: Buffer, position: int) -> int:
    """Return where a Data Set begins that damage hides: at a File-set ID, or at the offset of the first root record."""
    found = re.compile(rb"\x04\x00(?:\x30\x11|\x00\x12)").search(data, position)
    return found.start() if found else len(data)


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
) -> tuple[dict[int, bytes], list[Item]]:
    """Read the elements of group 0004 before the records, and find the records."""
    head: dict[int, bytes] = {}
    size = len(data)
    try:
        while position < size:
            header = read_header(data, position, size, encoding)
            if header.tag == _RECORD_SEQUENCE:
                return head, find_items(data, header.start, header.length, encoding, flaws)
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
        return head, []
    flaws.append(Flaw("no-record-sequence", first, "records stand outside of any sequence"))
    return head, find_items(data, first, UNDEFINED_LENGTH, encoding, flaws)


def _draft(data: Buffer, index: int, item: Item, encoding: Encoding, flaws: list[Flaw]) -> Draft:
    """Read what joins a record to others and to its file; the rest is only passed over, to see that it is whole."""
    draft = Draft(index, item.offset, item.end)
    found: dict[int, bytes] = {}
    try:
        ordinary = read_group_4(data, item.start, item.end, encoding, found)
        for tag, start, stop in elements(data, ordinary, item.end, encoding):
            if tag >> 16 == 4:
                found[tag] = bytes(data[start:stop])
    except Damage as damage:
        flaws.append(Flaw("damaged-record", damage.position, damage.what))
    get = found.get
    draft.next = encoding.number(get(_NEXT_RECORD, b""))
    draft.lower = encoding.number(get(_LOWER_ENTITY, b""))
    draft.in_use = encoding.number(get(_IN_USE_FLAG, b""))
    draft.type = _name(get(_RECORD_TYPE, b""))
    if _MRDR_OFFSET in found:
        draft.mrdr = encoding.number(found[_MRDR_OFFSET]) or 0
    draft.references = len(_REFERENCE & found.keys())
    if draft.references:
        draft.file_id = _file_id(get(_REFERENCED_FILE_ID, b""))
        draft.sop_class = _name(get(_SOP_CLASS, b""))
        draft.sop_instance = _string(get(_SOP_INSTANCE, b""))
        draft.transfer_syntax = _name(get(_TRANSFER_SYNTAX, b""))
    return draft


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


def _freeze(draft: Draft, data: Buffer, encoding: Encoding) -> DirectoryRecord:
    return DirectoryRecord(
        index=draft.index,
        offset=draft.offset,
        end=draft.end,
        type=draft.type,
        parent=draft.parent,
        reachable=draft.reachable,
        in_use=draft.in_use != 0,
        next_offset=draft.next or 0,
        lower_offset=draft.lower or 0,
        file_id=draft.file_id,
        sop_class_uid=draft.sop_class,
        sop_instance_uid=draft.sop_instance,
        transfer_syntax_uid=draft.transfer_syntax,
        findings=tuple(draft.findings or ()),
        _data=data,
        _encoding=encoding,
    )


def _string(value: bytes) -> str:
    """Return a CS or UI value without its padding; a byte that neither may hold is shown as an escape."""
    return value.decode("ascii", "backslashreplace").strip(_PADDING)


_name = lru_cache(maxsize=256)(_string)
"""For values that few of many records differ in: shared, so that they are decoded and kept once."""


def _file_id(value: bytes) -> FileID:
    """Return the components of a File ID without their padding (PS3.10 8.2)."""
    text = _string(value)
    if not text:
        return ()
    components = text.split("\\")
    return tuple(component.strip(_PADDING) for component in components) if " " in text else tuple(components)
