"""Read what joins a record of a DICOMDIR to others and to its file; the rest of it is only passed over.

Nearly every program writes its records alike, so they are read in one flat loop: this is what a large DICOMDIR costs.
Whatever that loop does not expect is read again, element by element, by ``walker_items``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any

from mediacreator.dicomio.elements import LONG_VRS, SHORT_VRS
from mediacreator.dicomio.walker_findings import finding, record_location
from mediacreator.dicomio.walker_items import EXPLICIT_LE, Buffer, Damage, Encoding, elements
from mediacreator.dicomio.walker_sequence import Flaw, Item
from mediacreator.model import UNDEFINED_LENGTH, FileID, Finding

# PS3.3 Table F.3-3
_NEXT_RECORD = 0x00041400
_IN_USE_FLAG = 0x00041410
_LOWER_ENTITY = 0x00041420
_RECORD_TYPE = 0x00041430
_REFERENCED_FILE_ID = 0x00041500
_MRDR_OFFSET = 0x00041504  # retired
_SOP_CLASS = 0x00041510
_SOP_INSTANCE = 0x00041511
_TRANSFER_SYNTAX = 0x00041512
_MODALITY = 0x00080060
_KEPT = (_REFERENCED_FILE_ID, _SOP_CLASS, _SOP_INSTANCE, _TRANSFER_SYNTAX, _MRDR_OFFSET, _MODALITY)
_NOTHING: list[bytes | None] = [None] * len(_KEPT)
_NONE = (None,)  # stands behind what was unpacked, for a value that a layout does not have

_PADDING = " \x00"
_PADDING_BYTES = b" \x00"

# The elements that stand first in each record, in the order and form that Explicit VR Little Endian gives them.
_BEGINNING = struct.Struct("<8sL8sH8sL6sH")
_NEXT = b"\x04\x00\x00\x14UL\x04\x00"
_IN_USE = b"\x04\x00\x10\x14US\x02\x00"
_LOWER = b"\x04\x00\x20\x14UL\x04\x00"
_TYPE = b"\x04\x00\x30\x14CS"

_ELEMENT = struct.Struct("<6sH")  # tag and VR, 16-bit length
_LENGTH = struct.Struct("<L")
_LONG, _UNEXPECTED, _PASS = -1, -2, -3  # what to do with an element, besides keeping it under a number
_MOST_ACTIONS = 10_000  # hostile files could invent tags without end


@dataclass(slots=True)
class Draft:
    """A record while its place in the tree is looked for; a ``DirectoryRecord`` shows it when the walk is over."""

    index: int
    offset: int
    end: int
    next: int | None = None  # as stated; None: absent or not 2 or 4 bytes long
    lower: int | None = None
    in_use: int | None = None
    type: str = ""
    mrdr: int = 0
    references: int = 0  # how many of the four elements that name a file it has
    file_id_value: bytes = b""  # as it stands, without padding at the end
    sop_class_value: bytes = b""
    sop_instance_value: bytes = b""
    transfer_syntax_value: bytes = b""
    modality_value: bytes = b""  # of a series: every listing and page asks for it
    parent: int | None = None
    visited: bool = False
    reachable: bool = False
    multi_referenced: int | None = None  # index of the MRDR record that names its file
    children: tuple[int, ...] = ()  # indices of its lower-level entity
    notes: list[tuple[str, str]] | None = None  # code and what was found; Findings are made when they are asked for
    _file_id: FileID | None = field(default=None, compare=False)  # None as long as nobody asked

    @property
    def file_id(self) -> FileID:
        """Components of the File ID without their padding (PS3.10 8.2)."""
        if self._file_id is None:
            self._file_id = file_id_of(self.file_id_value)
        return self._file_id

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found about this record."""
        if not self.notes:
            return ()
        location = record_location(self.index, self.file_id)
        return tuple(finding(code, location, what) for code, what in self.notes)

    def note(self, code: str, what: str) -> None:
        """Say something about this record."""
        if self.notes is None:
            self.notes = []
        self.notes.append((code, what))


class _Actions(dict[bytes, int]):
    """What to do with an element, by the six bytes of its tag and VR; decided once for each that is met."""

    def __missing__(self, head: bytes) -> int:
        group, element, vr = struct.unpack("<HH2s", head)
        action = _action(group << 16 | element, vr)
        if len(self) < _MOST_ACTIONS:
            self[head] = action
        return action


def _action(tag: int, vr: bytes) -> int:
    if vr in SHORT_VRS and tag >> 16 != 0xFFFE and tag not in (_NEXT_RECORD, _IN_USE_FLAG, _LOWER_ENTITY, _RECORD_TYPE):
        return _KEPT.index(tag) if tag in _KEPT else _PASS
    return _LONG if vr in LONG_VRS and tag >> 16 not in (0x0004, 0xFFFE) else _UNEXPECTED


_ACTIONS = _Actions()


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the elements of a record stand, each with its length: most records are laid out as one before."""

    unpack: Callable[[Buffer, int], tuple[Any, ...]]
    heads: Callable[[tuple[Any, ...]], tuple[bytes, ...]]  # picks tags, VRs and lengths from what was unpacked
    expected: tuple[bytes, ...]
    kept: Callable[[tuple[Any, ...]], tuple[bytes | None, ...]]  # picks the values of ``_KEPT``
    refers: bool  # one of those of group 0004 is there
    modality: int  # its place in what was unpacked, 0 where there is none


_ALIKE, _MOST_ALIKE = 1000, 8  # layouts that are remembered, and of one size: hostile files could have many


class _Layouts(dict[int, list[_Layout]]):
    """Layouts that were met, by the size of the record."""

    def learn(self, data: Buffer, item: Item) -> None:
        """Remember how a record is laid out that was read as an ordinary one."""
        alike = self.setdefault(item.end - item.start, [])
        if len(self) < _ALIKE and len(alike) < _MOST_ALIKE:
            alike.append(_layout(data, item))


def read_drafts(data: Buffer, items: Sequence[Item], encoding: Encoding, flaws: list[Flaw]) -> list[Draft]:
    """Read each record, and see that it is whole.

    Args:
        data: The whole DICOMDIR.
        items: The records, by position.
        encoding: Of the Data Set.
        flaws: What is damaged is added here.
    """
    if encoding != EXPLICIT_LE:
        return [_read_any(data, index, item, encoding, flaws) for index, item in enumerate(items)]
    layouts = _Layouts()
    return [
        _read_alike(data, index, item, layouts) or _read_any(data, index, item, encoding, flaws)
        for index, item in enumerate(items)
    ]


def _read_alike(data: Buffer, index: int, item: Item, layouts: _Layouts) -> Draft | None:
    """Read a record that has the tags, VRs and lengths of one before, or an ordinary one; None when it is neither."""
    offset, start, end = item
    for layout in layouts.get(end - start, ()):
        fields = layout.unpack(data, start)
        if layout.heads(fields) == layout.expected:
            draft = Draft(index, offset, end, fields[1], fields[5], fields[3], name_of(fields[7]))
            if layout.refers:
                _refer(draft, layout.kept(fields + _NONE), EXPLICIT_LE)
            elif layout.modality:
                draft.modality_value = fields[layout.modality]
            return draft
    ordinary = _read_ordinary(data, index, item)
    if ordinary is not None:
        layouts.learn(data, item)
    return ordinary


def _layout(data: Buffer, item: Item) -> _Layout:
    """Return how an ordinary record is laid out; what is not wanted of it is not unpacked."""
    (length,) = struct.unpack_from("<H", data, item.start + _BEGINNING.size - 2)
    form, heads, kept = f"<8sL8sH8sL8s{length}s", [0, 2, 4, 6], [-1] * len(_KEPT)
    position, count = item.start + _BEGINNING.size + length, 8
    while position < item.end:
        head, length = _ELEMENT.unpack_from(data, position)
        action, size = _ACTIONS[head], 8
        if action == _LONG:
            (length,), size = _LENGTH.unpack_from(data, position + 8), 12
        heads.append(count)
        if action >= 0:
            kept[action] = count + 1
        form += f"{size}s{length}{'s' if action >= 0 else 'x'}"
        count += 2 if action >= 0 else 1
        position += size + length
    unpack, picked = struct.Struct(form).unpack_from, itemgetter(*heads)
    expected = picked(unpack(data, item.start))
    refers = any(place > 0 for place in kept[:-1])
    return _Layout(unpack, picked, expected, itemgetter(*kept), refers, max(kept[-1], 0))


def _read_ordinary(data: Buffer, index: int, item: Item) -> Draft | None:
    """Read a record in the form that is nearly always met; None when it is in another."""
    offset, position, end = item
    if position + _BEGINNING.size > end:
        return None
    following, next_offset, use, in_use, below, lower, kind, length = _BEGINNING.unpack_from(data, position)
    if following != _NEXT or use != _IN_USE or below != _LOWER or kind != _TYPE:
        return None
    start = position + _BEGINNING.size
    position = start + length
    draft = Draft(index, offset, end, next_offset, lower, in_use, name_of(bytes(data[start:position])))
    kept = _NOTHING.copy()
    unpack, actions, limit = _ELEMENT.unpack_from, _ACTIONS, end - 8
    while position <= limit:
        head, length = unpack(data, position)
        action = actions[head]
        position += 8
        if action >= 0:
            kept[action] = bytes(data[position : position + length])
        elif action == _LONG and position + 4 <= end:
            (length,) = _LENGTH.unpack_from(data, position)
            if length == UNDEFINED_LENGTH:
                return None
            position += 4
        elif action != _PASS:
            return None
        position += length
    if position != end:
        return None
    if kept != _NOTHING:
        _refer(draft, kept, EXPLICIT_LE)
    return draft


def _read_any(data: Buffer, index: int, item: Item, encoding: Encoding, flaws: list[Flaw]) -> Draft:
    """Read a record of any form, as far as it goes."""
    found: dict[int, bytes] = {}
    try:
        for tag, _, start, stop in elements(data, item.start, item.end, encoding):
            if tag >> 16 == 4 or tag == _MODALITY:
                found[tag] = bytes(data[start:stop])
    except Damage as damage:
        flaws.append(Flaw("damaged-record", damage.position, damage.what))
    draft = Draft(index, item.offset, item.end)
    draft.next = encoding.number(found.get(_NEXT_RECORD, b""))
    draft.lower = encoding.number(found.get(_LOWER_ENTITY, b""))
    draft.in_use = encoding.number(found.get(_IN_USE_FLAG, b""))
    draft.type = name_of(found.get(_RECORD_TYPE, b""))
    _refer(draft, [found.get(tag) for tag in _KEPT], encoding)
    return draft


def _refer(draft: Draft, kept: Sequence[bytes | None], encoding: Encoding) -> None:
    """Keep what names a file, and the modality: the values of ``_KEPT``, None where they are absent."""
    file_id, sop_class, sop_instance, transfer_syntax, mrdr, modality = kept
    draft.references = 4 - kept[:4].count(None)
    draft.file_id_value = (file_id or b"").rstrip(_PADDING_BYTES)
    draft.sop_class_value = sop_class or b""
    draft.sop_instance_value = (sop_instance or b"").rstrip(_PADDING_BYTES)
    draft.transfer_syntax_value = transfer_syntax or b""
    draft.modality_value = modality or b""
    if mrdr is not None:
        draft.mrdr = encoding.number(mrdr) or 0


def text_of(value: bytes) -> str:
    """Return a CS or UI value without its padding; a byte that neither may hold is shown as an escape."""
    return value.decode("ascii", "backslashreplace").strip(_PADDING)


name_of = lru_cache(maxsize=1024)(text_of)
"""For values that few of many records differ in: shared, so that they are decoded and kept once."""


def file_id_of(value: bytes) -> FileID:
    """Return the components of a File ID without their padding (PS3.10 8.2)."""
    text = text_of(value)
    if not text:
        return ()
    components = text.split("\\")
    return tuple(component.strip(_PADDING) for component in components) if " " in text else tuple(components)
