"""A DICOMDIR that was walked, and its records: what others see of a walk."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from mediacreator.dicomio.text import readable_text
from mediacreator.dicomio.walker_draft import Draft, name_of, text_of
from mediacreator.dicomio.walker_findings import record_location
from mediacreator.dicomio.walker_items import IMPLICIT_LE, Buffer, Damage, Encoding, elements, items_of, values_of
from mediacreator.model import FileID, Finding

_SPECIFIC_CHARACTER_SET = 0x00080005


@dataclass(frozen=True, slots=True)
class Value:
    """A Data Element of a record, as it stands in the file."""

    tag: int  # group << 16 | element
    vr: str  # as it stands; "" in Implicit VR
    _start: int
    _stop: int
    _data: Buffer = field(repr=False, compare=False)
    _encoding: Encoding = field(repr=False, compare=False)

    @property
    def content(self) -> bytes:
        """The value field, padding kept; of a sequence its items."""
        return bytes(self._data[self._start : self._stop])

    def numbers(self, width: int) -> list[int]:
        """Return unsigned values of ``width`` bytes each."""
        order: Literal["big", "little"] = "big" if self._encoding.big_endian else "little"
        content = self.content
        return [int.from_bytes(content[i : i + width], order) for i in range(0, len(content) - width + 1, width)]

    def items(self) -> Iterator[Iterator[Value]]:
        """Yield the elements of each item of a sequence.

        Raises:
            Damage: Something in it is no item, or no element; while either iterator is used.
        """
        inside = IMPLICIT_LE if self.vr == "UN" else self._encoding
        for start, stop in items_of(self._data, self._start, self._stop, inside):
            yield _values(self._data, start, stop, inside)


def _values(data: Buffer, start: int, stop: int, encoding: Encoding) -> Iterator[Value]:
    for tag, vr, first, end in elements(data, start, stop, encoding):
        yield Value(tag, vr.decode("ascii"), first, end, data, encoding)


@dataclass(frozen=True, slots=True)
class DirectoryRecord:
    """One Directory Record (PS3.3 F.2.1), as it stands in the file; decoded when it is asked."""

    _draft: Draft
    _data: Buffer = field(repr=False, compare=False)
    _encoding: Encoding = field(repr=False, compare=False)

    @property
    def index(self) -> int:
        """Its place in ``Directory.records``, from 0, by position in the file."""
        return self._draft.index

    @property
    def offset(self) -> int:
        """Of its item tag, from byte 0 of the file."""
        return self._draft.offset

    @property
    def end(self) -> int:
        """Behind its last element, from byte 0 of the file."""
        return self._draft.end

    @property
    def type(self) -> str:
        """Of (0004,1430), padding removed; "" when it has none."""
        return self._draft.type

    @property
    def parent(self) -> int | None:
        """Index of the record whose lower-level entity it is in; None: root, MRDR or head of orphans."""
        return self._draft.parent

    @property
    def reachable(self) -> bool:
        """False: an orphan, no chain of offsets leads to it from the root."""
        return self._draft.reachable

    @property
    def in_use(self) -> bool:
        """False only for the retired value 0000H."""
        return self._draft.in_use != 0

    @property
    def next_offset(self) -> int:
        """Of the next record of its entity as stated, 0 when it is the last."""
        return self._draft.next or 0

    @property
    def lower_offset(self) -> int:
        """Of the first record of its lower-level entity as stated, 0 when it has none."""
        return self._draft.lower or 0

    @property
    def multi_referenced(self) -> int | None:
        """Index of the MRDR record that names its file in its stead (retired; PS3.3 F.6.2); None as a rule."""
        return self._draft.multi_referenced

    @property
    def file_id(self) -> FileID:
        """Components as stated, padding removed; empty: it references no file."""
        return self._draft.file_id

    @property
    def has_file(self) -> bool:
        """Whether it references a file: cheaper than to look at the File ID."""
        return bool(self._draft.file_id_value)

    @property
    def sop_class_uid(self) -> str:
        """Of the SOP Instance in the file; "" when it is not stated, as the two below."""
        return name_of(self._draft.sop_class_value)

    @property
    def sop_instance_uid(self) -> str:
        """Of the SOP Instance in the file."""
        return text_of(self._draft.sop_instance_value)

    @property
    def transfer_syntax_uid(self) -> str:
        """Of the file."""
        return name_of(self._draft.transfer_syntax_value)

    @property
    def modality(self) -> bytes:
        """Value field of Modality (0008,0060), padding kept; empty where there is none. Read without the others."""
        return self._draft.modality_value

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found about this record."""
        return self._draft.findings

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
        return self.chosen(None)

    def chosen(self, tags: Collection[int] | None) -> Mapping[int, bytes]:
        """Return those of the values whose tag is one of some; all for None."""
        return values_of(self._data, self._draft.offset + 8, self._draft.end, self._encoding, tags)

    def elements(self) -> Iterator[Value]:
        """Yield each element as it stands; of a damaged record what comes before the damage."""
        with suppress(Damage):  # told by the walk as a Finding
            yield from _values(self._data, self.offset + 8, self.end, self._encoding)

    def number(self, tag: int) -> int | None:
        """Return an unsigned value of 2 or 4 bytes; None when it is absent or has another length."""
        return self._encoding.number(self.values.get(tag, b""))

    def text(self, tag: int, vr: str = "LO") -> str:
        """Return a text value as a person should read it, by the record's own Specific Character Set; "" if absent.

        Where the bytes contradict that, they are read as ``readable_text`` says; the walk has a Finding of it.
        """
        values = self.values
        return readable_text(values.get(tag, b""), values.get(_SPECIFIC_CHARACTER_SET, b""), vr)


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
    order: tuple[int, ...]  # indices of what the root leads to, each before its lower-level entity
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
        records = self.records
        return (records[index] for index in self.order)

    def instances_below(self) -> list[int]:
        """Count for each record the records below it that reference a file, itself included."""
        counts = [1 if record.has_file else 0 for record in self.records]
        parents = [record.parent for record in self.records]
        for index in reversed(self.order):
            parent = parents[index]
            if parent is not None:
                counts[parent] += counts[index]
        return counts

    def below(self, heads: tuple[int, ...]) -> Iterator[DirectoryRecord]:
        """Yield some records, each before its lower-level entity."""
        stack = list(reversed(heads))
        while stack:
            index = stack.pop()
            yield self.records[index]
            if self.children[index]:
                stack.extend(reversed(self.children[index]))
