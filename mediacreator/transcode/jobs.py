"""What goes to a worker process and what comes back; light to import, since a plan without work needs no codec."""

from __future__ import annotations

from dataclasses import dataclass

from mediacreator.model import SourceFile
from mediacreator.rules.tables import Encoder
from mediacreator.transcode.plan import Rewrite

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
    kept: bool = False  # the Transfer Syntax stays, and every frame in its code; only elements are written anew
    encoder: Encoder | None = None  # of coded frames; None for native ones, or where they are kept
    method: str = ""  # codec of the target, which names its Lossy Image Compression Method
    quality: int = 0  # 1-100 where frames are coded with loss, else 0
    rewrite: Rewrite | None = None
    frames: int = 1  # as the Header says
    native: int = 0  # bytes of all frames once they are native, about
    wide: bool = False  # code all bits of a cell: a frame is known to hold more than Bits Stored says

    @property
    def codes_frames(self) -> bool:
        """Whether frames are decoded or coded, which can crash and takes time."""
        return not self.kept and (self.pixels == "encapsulated" or self.encoder is not None)


@dataclass(frozen=True, slots=True)
class Part:
    """Some frames of a large instance, done by themselves so that several workers share it."""

    job: Job
    first: int  # frame, from 0
    last: int  # the frame behind the last one
    path: str  # of the file to write


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that was tolerated or added; becomes a Finding."""

    code: str
    what: str
    expected: str
    clause: str


@dataclass(frozen=True, slots=True)
class Coded:
    """Frames that were coded, or decoded where native ones are wanted: one behind the other in a file."""

    path: str
    lengths: tuple[int, ...]  # bytes of each, even
    photometric: str  # of the frames as they came, decoded
    lossy: bool  # whether one of them was coded with loss before
    size_before: int  # bytes that they had in their source
    remarks: tuple[Remark, ...]
    wide: bool = False  # they cannot be coded with Bits Stored alone: nothing was written


@dataclass(frozen=True, slots=True)
class Converted:
    """An instance that was encoded."""

    number: int
    size: int  # bytes of the new Data Set
    mtime_ns: int  # of the file in the spool
    lossy: bool  # before it came to us
    remarks: tuple[Remark, ...]
    attributes: tuple[tuple[str, bytes], ...] = ()  # values of attributes of its pixels that are others now, by keyword


@dataclass(frozen=True, slots=True)
class Failed:
    """An instance that was not encoded; its file is gone."""

    number: int
    code: str
    what: str
    expected: str
    clause: str
    no_space: bool = False
