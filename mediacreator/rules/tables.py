"""Load ``mediacreator/tables``: SOP Classes, directory records and their keys, Transfer Syntaxes, encoders, media.

Each table is a CSV file with a clause on each row. Unknown columns, duplicate rows and references to rows that do not
exist are refused when the table is loaded, so that a slip cannot reach a medium.

The files are opened by path: ``importlib.resources`` alone costs more time than all tables together.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import TypeVar

from mediacreator.errors import InternalError
from mediacreator.rules.predicates import CONDITIONS, KEEPS, SOURCES

Row = TypeVar("Row")
Name = TypeVar("Name")

STATUSES = ("current", "retired", "newer")
TYPES = ("1", "1C", "2", "2C", "3")
"""Of a key, the strictest first (PS3.10 5)."""


@dataclass(frozen=True, slots=True)
class SOPClass:
    """A Media Storage SOP Class (PS3.4 I.4, B.5, B.6, GG.3) and the type of its directory record (PS3.3 F.4, F.5)."""

    uid: str
    name: str
    record_type: str  # "" where the standard defines none
    status: str  # current, retired or newer (than tables/EDITION)
    multi_frame: bool  # a multi-frame composite IOD, of which PS3.11 I, M and N speak and no table lists
    clause: str


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """A Transfer Syntax (PS3.5 Annex A, PS3.6 Table A-1)."""

    uid: str
    name: str
    dataset: str  # implicit-le, explicit-le, explicit-be, deflated, or none: not a Data Set in a file
    pixels: str  # native, encapsulated, or none: no Pixel Data in the file
    loss: str  # none, lossy, or either (the stream tells)
    codec: (
        str  # what decodes a frame: native, rle, jpeg, jpeg-ls, jpeg-2000, htj2k, jpeg-xl, deflate, video, jpip, none
    )
    status: str  # current, retired or newer (than tables/EDITION)
    clause: str


@dataclass(frozen=True, slots=True)
class Encoder:
    """A way in which frames can be coded into a Transfer Syntax, and the pixels that it takes (PS3.5 8.2)."""

    uid: str  # of the Transfer Syntax
    loss: str  # none or lossy
    coder: str  # what codes a frame: native, or a name in transcode.coders
    bits_allocated: tuple[int, ...]
    bits_stored: tuple[int, int]  # from, to
    signed: bool  # takes two's complement samples too
    photometric: Mapping[str, str]  # Photometric Interpretation before and after; empty: any, unchanged
    ratio: float  # native bytes for a coded byte, about; lossy: at quality 85
    clause: str


@dataclass(frozen=True, slots=True)
class Key:
    """An attribute of a directory record (PS3.3 F.5, Table 10-12)."""

    keyword: str
    tag: int  # group << 16 | element
    vr: str
    type: str  # 1, 1C, 2, 2C or 3 (PS3.10 5)
    condition: str  # name in rules.predicates for 1C and 2C, else ""
    keep: str  # name of the predicate that chooses items of a sequence; "" keeps all
    source: str  # name of the rule that finds the value when it is not an attribute of the instance, else ""
    clause: str
    items: tuple[Key, ...] = ()  # the keys of a sequence's items; none: items are taken whole


@dataclass(frozen=True, slots=True)
class RecordType:
    """A directory record type: where it may stand and what it holds (PS3.3 Table F.4-1, F.5)."""

    name: str
    parents: tuple[str, ...]  # record types, or ROOT
    status: str  # current, retired or newer
    prefix: str  # first letters of the File ID component that we give such an instance
    clause: str
    keys: tuple[Key, ...]  # in tag order

    @property
    def at_root(self) -> bool:
        """Whether such records stand directly in the root directory entity."""
        return self.parents == ("ROOT",)


@dataclass(frozen=True, slots=True)
class ScanAttribute:
    """An attribute that a stage needs besides the keys of directory records."""

    path: str  # keyword, or keywords joined with > for an attribute inside a sequence
    tag: int
    vr: str
    stage: str
    why: str


@dataclass(frozen=True, slots=True)
class MediaFormat:
    """A PS3.12 physical medium with its file system."""

    key: str  # as in profiles
    name: str
    file_system: str  # what the medium may carry, joined with ; the first is what we write
    capacity: int  # bytes of user data; 0: no limit of its own
    sector: int  # bytes
    max_depth: int  # components of a File ID
    writer: str  # name of the writer in mediacreator.image, "" where there is none yet
    suffix: str  # how names of such images end, "" where there are none
    sessions: str  # clause that lets a disc have several sessions; "" where it has one, or knows none
    status: str  # current or retired
    clause: str


@dataclass(frozen=True, slots=True)
class Blank:
    """A medium as it can be bought."""

    key: str  # what --medium names
    name: str
    medium: str  # key of media_formats
    capacity: int  # bytes of user data
    writer: str  # name of its form, "" for that of the medium
    suffix: str  # what the name of an output ends with that is of this, "" for nothing
    warning: str  # what who chooses it must know, "" for nothing
    clause: str


_FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tables")


def _read(name: str) -> str:
    with open(os.path.join(_FOLDER, name), encoding="utf-8") as file:
        return file.read()


def _rows(name: str, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Yield the rows of a table as written; ``#`` begins a comment line."""
    reader = csv.reader(line for line in _read(name).splitlines() if line and not line.startswith("#"))
    heading = next(reader, None)
    if heading is None or tuple(heading) != columns:
        raise InternalError(f"tables/{name}: columns are {heading}, expected {columns}")
    for values in reader:
        if len(values) != len(columns):
            raise InternalError(f"tables/{name}: row {values} has not {len(columns)} values")
        row = dict(zip(columns, values, strict=True))
        if row.get("clause") == "" or row.get("status", "current") not in STATUSES:
            raise InternalError(f"tables/{name}: row {values} lacks a clause, or its status is not one of {STATUSES}")
        yield row


def _unique(name: str, keyed: Iterator[tuple[Name, Row]]) -> dict[Name, Row]:
    table: dict[Name, Row] = {}
    for key, row in keyed:
        if key in table:
            raise InternalError(f"tables/{name}: {key} stands twice")
        table[key] = row
    return table


def _columns(row: type) -> tuple[str, ...]:
    return tuple(f.name for f in fields(row))


@cache
def sop_classes() -> Mapping[str, SOPClass]:
    """Return every Media Storage SOP Class by its UID."""
    name = "sop_classes.csv"
    table = _unique(name, ((row["uid"], _sop_class(row)) for row in _rows(name, _columns(SOPClass))))
    unknown = {row.record_type for row in table.values()} - record_types().keys() - {""}
    if unknown:
        raise InternalError(f"tables/{name}: no such record types: {sorted(unknown)}")
    return table


def _sop_class(row: dict[str, str]) -> SOPClass:
    multi_frame = row.pop("multi_frame")
    if multi_frame not in ("yes", "no"):
        raise InternalError(f"tables/sop_classes.csv: multi_frame of {row['uid']} is {multi_frame!r}, not yes or no")
    return SOPClass(**row, multi_frame=multi_frame == "yes")


@cache
def transfer_syntaxes() -> Mapping[str, TransferSyntax]:
    """Return every Transfer Syntax by its UID."""
    name = "transfer_syntaxes.csv"
    return _unique(name, ((row["uid"], TransferSyntax(**row)) for row in _rows(name, _columns(TransferSyntax))))


@cache
def encoders() -> tuple[Encoder, ...]:
    """Return every way to code frames; of those that can code an instance the first is the best."""
    name = "encoders.csv"
    rows = tuple(_encoder(row) for row in _rows(name, _columns(Encoder)))
    _unique(name, (((row.uid, row.loss), row) for row in rows))
    unknown = {row.uid for row in rows} - transfer_syntaxes().keys()
    if unknown:
        raise InternalError(f"tables/{name}: no such Transfer Syntaxes: {sorted(unknown)}")
    return rows


def _encoder(row: dict[str, str]) -> Encoder:
    lowest, _, highest = row["bits_stored"].partition("-")
    pairs = [name.partition(">") for name in row["photometric"].split(";") if name]
    if row["loss"] not in ("none", "lossy") or row["signed"] not in ("yes", "no"):
        raise InternalError(f"tables/encoders.csv: {row['uid']}: loss is none or lossy, signed is yes or no")
    return Encoder(
        uid=row["uid"],
        loss=row["loss"],
        coder=row["coder"],
        bits_allocated=tuple(map(int, row["bits_allocated"].split(";"))),
        bits_stored=(int(lowest), int(highest)),
        signed=row["signed"] == "yes",
        photometric={before: after or before for before, _, after in pairs},
        ratio=float(row["ratio"]),
        clause=row["clause"],
    )


@cache
def never_lossy() -> Mapping[str, str]:
    """Return why instances of some SOP Classes are never compressed lossily, by the UID of the SOP Class."""
    name = "never_lossy.csv"
    table = _unique(name, ((row["uid"], row["why"]) for row in _rows(name, ("uid", "why", "clause"))))
    unknown = table.keys() - sop_classes().keys()
    if unknown:
        raise InternalError(f"tables/{name}: no such SOP Classes: {sorted(unknown)}")
    return table


@cache
def media_formats() -> Mapping[str, MediaFormat]:
    """Return every medium by the key that profiles use."""
    name = "media_formats.csv"
    numbers = ("capacity", "sector", "max_depth")
    return _unique(
        name,
        (
            (row["key"], MediaFormat(**{k: int(v) if k in numbers else v for k, v in row.items()}))  # type: ignore[arg-type]  # the columns are the fields
            for row in _rows(name, _columns(MediaFormat))
        ),
    )


@cache
def blanks() -> Mapping[str, Blank]:
    """Return every blank that ``--medium`` can name, by its key."""
    name = "blanks.csv"
    rows = ((row["key"], Blank(**{**row, "capacity": int(row["capacity"])})) for row in _rows(name, _columns(Blank)))  # type: ignore[arg-type]  # the columns are the fields
    return _unique(name, rows)


@cache
def rejecting_codes() -> frozenset[str]:
    """Return the codes of Findings that can keep an instance off a medium."""
    return frozenset(row["code"] for row in _rows("rejecting_codes.csv", ("code",)))


@cache
def record_types() -> Mapping[str, RecordType]:
    """Return every directory record type by the value of (0004,1430), with its keys."""
    name = "record_types.csv"
    keys = _directory_keys()
    table = _unique(
        name,
        (
            (
                row["name"],
                RecordType(
                    name=row["name"],
                    parents=tuple(row["parents"].split(";")),
                    status=row["status"],
                    prefix=row["prefix"],
                    clause=row["clause"],
                    keys=keys.get(row["name"], ()),
                ),
            )
            for row in _rows(name, ("name", "parents", "status", "prefix", "clause"))
        ),
    )
    stray = keys.keys() - table.keys() | {p for row in table.values() for p in row.parents} - table.keys() - {"ROOT"}
    if stray:
        raise InternalError(f"tables/{name}, directory_keys.csv: no such record types: {sorted(stray)}")
    return table


@cache
def scan_attributes() -> tuple[ScanAttribute, ...]:
    """Return what stages need besides directory keys."""
    name = "scan_attributes.csv"
    rows = tuple(
        ScanAttribute(**{**row, "tag": int(row["tag"], 16)})  # type: ignore[arg-type]  # the columns are the fields
        for row in _rows(name, _columns(ScanAttribute))
    )
    paths = _unique(name, ((row.path, row) for row in rows))
    orphans = {row.path.rpartition(">")[0] for row in rows} - paths.keys() - {""}
    if orphans:
        raise InternalError(f"tables/{name}: not listed: {sorted(orphans)}")
    return rows


@cache
def edition() -> str:
    """Return the edition of the DICOM Standard that the tables follow."""
    return _read("EDITION").strip()


KEY_COLUMNS = ("record", "path", "tag", "vr", "type", "condition", "keep", "source", "clause")


def key_names_unknown(kind: str, condition: str, keep: str, source: str) -> str:
    """Return what is wrong with the type of a key and the names it gives, ``""`` if nothing is."""
    if kind not in TYPES:
        return f"type {kind!r}, expected {', '.join(TYPES)}"
    if kind.endswith("C") != bool(condition):
        return f"condition {condition!r} for type {kind}: 1C and 2C have one, others have none"
    if condition and condition not in CONDITIONS:
        return f"no condition is named {condition!r}"
    if keep not in KEEPS:
        return f"no choice of items is named {keep!r}"
    return f"no source is named {source!r}" if source and source not in SOURCES else ""


def _directory_keys() -> dict[str, tuple[Key, ...]]:
    """Nest the rows of directory_keys.csv; a row's path names its parents, which stand before it."""
    name = "directory_keys.csv"
    records: dict[str, dict[str, list[dict[str, str]]]] = {}
    seen: set[tuple[str, str]] = set()
    for row in _rows(name, KEY_COLUMNS):
        record, path = row["record"], row["path"]
        parent = path.rpartition(">")[0]
        if (record, path) in seen or (parent and (record, parent) not in seen):
            raise InternalError(f"tables/{name}: {record} {path} stands twice or before its parent")
        seen.add((record, path))
        unknown = key_names_unknown(row["type"], row["condition"], row["keep"], row["source"])
        if unknown:
            raise InternalError(f"tables/{name}: {record} {path}: {unknown}")
        records.setdefault(record, {}).setdefault(parent, []).append(row)
    return {record: _nest(below, "") for record, below in records.items()}


def _nest(below: Mapping[str, list[dict[str, str]]], parent: str) -> tuple[Key, ...]:
    """Return the keys directly below ``parent``, in tag order, each with its own."""
    found = [
        Key(
            keyword=row["path"].rpartition(">")[2],
            tag=int(row["tag"], 16),
            vr=row["vr"],
            type=row["type"],
            condition=row["condition"],
            keep=row["keep"],
            source=row["source"],
            clause=row["clause"],
            items=_nest(below, row["path"]),
        )
        for row in below.get(parent, ())
    ]
    return tuple(sorted(found, key=lambda key: key.tag))
