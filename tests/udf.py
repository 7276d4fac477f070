"""What tests of UDF share: an image of a tree of bytes, written plainly, and its descriptors parsed by hand."""

from __future__ import annotations

import struct
from binascii import crc_hqx
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mediacreator.formats import udf_writer
from mediacreator.formats.placing import PlacedFile, Placement
from tests.discs import CREATED

BLOCK = 2048
REVISIONS = ("1.02", "1.50", "2.00", "2.01", "2.50", "2.60")


def files_of(tree: Mapping[str, bytes]) -> list[PlacedFile]:
    return [PlacedFile(tuple(name.split("/")), len(data), CREATED) for name, data in tree.items()]


def placed(tree: Mapping[str, bytes], revision: str = "1.50", volume_id: str = "FILESET_1") -> Placement:
    return udf_writer.lay_out(files_of(tree), volume_id=volume_id, created=CREATED, revision=revision)


def write(path: Path, placement: Placement, tree: Mapping[str, bytes]) -> Path:
    """Write an image in the plainest way, so that no test of a format rests on the stage that writes images."""
    with path.open("wb") as out:
        out.truncate(placement.size)
        for offset, data in (*placement.segments, *zip(placement.offsets, tree.values(), strict=True)):
            out.seek(offset)
            out.write(data)
    return path


def udf_image(folder: Path, tree: Mapping[str, bytes], revision: str = "1.50", volume_id: str = "FILESET_1") -> Path:
    return write(folder / f"{revision}.udf", placed(tree, revision, volume_id), tree)


@dataclass(frozen=True)
class Found:
    """A descriptor of an image: block of the volume, tag, version of the tag, location that the tag says, all bytes."""

    block: int
    tag: int
    version: int
    location: int
    data: bytes


def descriptors(image: bytes) -> Iterator[Found]:
    """Find all that look like descriptors at the beginning of a block: their checksum and CRC hold (ECMA-167 3/7.2)."""
    for block in range(len(image) // BLOCK):
        data = image[block * BLOCK : (block + 1) * BLOCK]
        tag, version, checksum, _, _, crc, length, location = struct.unpack_from("<HHBBHHHI", data)
        if tag and checksum == (sum(data[:16]) - checksum) & 0xFF and crc == crc_hqx(data[16 : 16 + length], 0):
            yield Found(block, tag, version, location, data)
