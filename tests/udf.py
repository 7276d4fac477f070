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


class Raw:
    """An image in memory whose descriptors can be changed; their checksum and CRC are made anew."""

    def __init__(self, tree: Mapping[str, bytes], revision: str = "1.50") -> None:
        placement = placed(tree, revision)
        self.data = bytearray(placement.size)
        for offset, data in (*placement.segments, *zip(placement.offsets, tree.values(), strict=True)):
            self.data[offset : offset + len(data)] = data
        self.partition = next(struct.unpack_from("<I", one.data, 188)[0] for one in self.all(5))

    @classmethod
    def of(cls, path: str) -> Raw:
        """Take an image that was written elsewhere."""
        made = cls({})
        made.data = bytearray(Path(path).read_bytes())
        return made

    def all(self, *tags: int) -> list[Found]:
        return [one for one in descriptors(bytes(self.data)) if one.tag in tags]

    def entries(self, kind: int) -> list[int]:
        """Bytes where the File Entries of a file type lie, in the order of the image."""
        return [one.block * BLOCK for one in self.all(261, 266) if one.data[27] == kind]

    def identifiers(self) -> list[int]:
        """Bytes where the File Identifier Descriptors of the root lie."""
        position = self.entries(4)[0] + BLOCK
        found = []
        while self.data[position : position + 2] == b"\x01\x01":
            found.append(position)
            position += -(-(38 + self.data[position + 19]) // 4) * 4
        return found

    def put(self, position: int, form: str, *values: object, at: int) -> None:
        """Pack values ``at`` bytes behind the beginning of the descriptor at a byte of the image."""
        struct.pack_into(form, self.data, position + at, *values)
        self.seal(position)

    def seal(self, position: int) -> None:
        """Make the tag at a byte of the image hold again."""
        length = struct.unpack_from("<H", self.data, position + 10)[0]
        crc = crc_hqx(bytes(self.data[position + 16 : position + 16 + length]), 0)
        struct.pack_into("<H", self.data, position + 8, crc)
        self.data[position + 4] = 0
        self.data[position + 4] = sum(self.data[position : position + 16]) & 0xFF

    def extents(self, position: int, form: int, data: bytes) -> None:
        """Replace the allocation descriptors of a File Entry of UDF 1.50."""
        size = len(self.data[position:])
        self.data[position + 176 : position + 176 + len(data)] = data
        struct.pack_into("<I", self.data, position + 172, len(data))
        struct.pack_into("<H", self.data, position + 34, form)
        struct.pack_into("<H", self.data, position + 10, 160 + len(data))
        self.seal(position)
        assert len(self.data[position:]) == size

    def write(self, folder: Path) -> str:
        path = folder / "raw.udf"
        path.write_bytes(self.data)
        return str(path)
