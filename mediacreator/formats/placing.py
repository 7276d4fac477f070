"""Where everything of an image lies, known before its first byte is written, whatever its file system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mediacreator.model import MediaImage


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file to lay out."""

    path: tuple[str, ...]  # components, upper case, the last with its extension
    size: int  # bytes
    created: datetime  # aware


@dataclass(frozen=True, slots=True)
class LateSegment:
    """A segment whose place is known and whose content takes time: it is made while files are copied."""

    offset: int  # bytes
    size: int  # bytes
    make: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Placement:
    """The layout of an image: each file's data is contiguous, in the order given, offsets ascending.

    What is neither in a segment nor in a file is zero.
    """

    size: int  # bytes, of the image
    segments: tuple[tuple[int, bytes], ...]  # descriptors, tables, directories: offset in bytes and content
    offsets: tuple[int, ...]  # bytes, of each file in the order given
    align: int  # bytes: each file is filled up to a multiple with zeros
    late: tuple[LateSegment, ...] = ()


@dataclass(frozen=True, slots=True)
class PlacedImage(MediaImage):
    """A written image, with what else has to be compared when it is read back: all that is no file's content."""

    segments: tuple[tuple[int, int], ...] = ()  # offset and size in bytes, as in the Placement
    segments_sha256: str = ""  # of all of them, one behind the other
