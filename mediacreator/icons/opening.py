"""Open the Data Set that shows the pixels of an instance at the least cost: as it will be, or as it came."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from mediacreator.icons.values import Values
from mediacreator.model import Container, EncodedInstance, SourceFile
from mediacreator.rules.tables import TransferSyntax, transfer_syntaxes
from mediacreator.rules.uids import EXPLICIT_VR_LITTLE_ENDIAN
from mediacreator.sources.reading import open_source
from mediacreator.transcode.dataset import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, DataSetReader
from mediacreator.transcode.refusal import Refusal
from mediacreator.transcode.sizes import estimate

_CODINGS = {"implicit-le": IMPLICIT_LITTLE, "explicit-be": EXPLICIT_BIG}
_IN_MEMORY = 32 << 20  # bytes of an inflated Data Set; what is longer goes to a file without a name
_CHUNK = 1 << 18
_ALLOWANCE = 1 << 26  # bytes; of attributes that cannot be reckoned


@dataclass(frozen=True, slots=True)
class Place:
    """A Data Set in a file: bytes ``offset`` to ``offset + size``, in a Transfer Syntax."""

    source: SourceFile
    offset: int
    size: int  # bytes
    transfer_syntax_uid: str
    limit: int = 0  # bytes that it may inflate to where it is deflated, so that no bomb fills the disk


def cheapest(encoded: EncodedInstance) -> Place:
    """Return where the pixels of an instance cost least to read: in the spool or in its source.

    Native pixels of a file cost one read; a member of an archive and a deflated Data Set are read through; a frame that
    is encoded must be decoded. Of two that cost the same the one on the medium is taken.
    """
    header, body = encoded.instance.header, encoded.body
    ours = Place(body.source, body.offset, body.size, encoded.transfer_syntax_uid)
    length = header.source.size - header.dataset_offset
    theirs = Place(header.source, header.dataset_offset, length, header.transfer_syntax_uid)
    best = min(ours, theirs, key=_cost)
    if transfer_syntaxes()[best.transfer_syntax_uid].dataset != "deflated":
        return best
    return replace(best, limit=2 * estimate(encoded.instance, EXPLICIT_VR_LITTLE_ENDIAN) + _ALLOWANCE)


def _cost(place: Place) -> tuple[bool, bool, bool]:
    syntax = transfer_syntaxes()[place.transfer_syntax_uid]
    packed = place.source.container in (Container.ZIP, Container.MAIL)
    return syntax.pixels == "encapsulated", syntax.dataset == "deflated", packed


@contextmanager
def opened(place: Place, directory: str | None) -> Iterator[tuple[DataSetReader, Values]]:
    """Open a Data Set; yields what reads it, and its attributes.

    Args:
        place: Where it lies.
        directory: For what a deflated Data Set inflates to; that of the system without.

    Raises:
        Refusal: It is cut short, makes no sense or inflates to nonsense.
        SourceChanged, SourceUnreadable, OSError: It cannot be read.
    """
    syntax = transfer_syntaxes()[place.transfer_syntax_uid]
    with open_source(place.source) as stream:
        if syntax.dataset != "deflated":
            yield _read(stream, place.offset, place.offset + place.size, syntax)
            return
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=directory) as plain:
            size = _inflate(stream, place, cast(BinaryIO, plain))
            yield _read(cast(BinaryIO, plain), 0, size, syntax)


def _read(stream: BinaryIO, start: int, end: int, syntax: TransferSyntax) -> tuple[DataSetReader, Values]:
    reader = DataSetReader(stream, end)
    coding = _CODINGS.get(syntax.dataset, EXPLICIT_LITTLE)
    if not coding.big_endian:  # some files are in the other VR than their Transfer Syntax says
        coding = reader.coding_at(start) or coding
    return reader, Values(reader, reader.level(start, end, end, coding), coding)


def _inflate(stream: BinaryIO, place: Place, plain: BinaryIO) -> int:
    """Write the inflated Data Set; return its size in bytes. Source: PS3.5 A.5."""
    stream.seek(place.offset)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        while not inflater.eof:
            data = inflater.unconsumed_tail or stream.read(_CHUNK)
            more = inflater.decompress(data, _CHUNK)
            plain.write(more)
            if plain.tell() > place.limit or not (data or more):  # the last bytes may come without input
                raise _broken()
    except zlib.error as exc:
        raise _broken() from exc
    return plain.tell()


def _broken() -> Refusal:
    return Refusal("malformed-data-set", "the deflated Data Set is damaged", "a whole bit stream", "PS3.5 A.5")
