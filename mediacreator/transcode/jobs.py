"""What goes to a worker process and what comes back; light to import, since a plan without work needs no codec."""

from __future__ import annotations

from dataclasses import dataclass

from mediacreator.model import SourceFile

DECODED = frozenset(("deflate", "htj2k", "jpeg", "jpeg-2000", "jpeg-ls", "jpeg-xl", "native", "rle"))
"""Codecs, as tables/transfer_syntaxes.csv names them, whose frames can be decoded."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker must know to encode one instance."""

    number: int  # place among the instances
    source: SourceFile
    dataset_offset: int  # bytes
    dataset: str  # columns of tables/transfer_syntaxes.csv
    pixels: str
    loss: str
    codec: str
    path: str  # of the file to write
    inflated_limit: int  # bytes that a deflated Data Set may have, so that no bomb fills the spool


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was tolerated or added; becomes a Finding."""

    code: str
    what: str
    expected: str
    clause: str


@dataclass(frozen=True, slots=True)
class Converted:
    """An instance that was encoded."""

    number: int
    size: int  # bytes of the new Data Set
    mtime_ns: int  # of the file in the spool
    lossy: bool
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """An instance that was not encoded; its file is gone."""

    number: int
    code: str
    what: str
    expected: str
    clause: str
    no_space: bool = False
