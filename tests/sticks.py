"""What tests of FAT images share: images of ours, small volumes made by hand, and what oracles read of an image."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mediacreator.formats.fat_kinds import FAT_KINDS, Clusters, FatKind
from mediacreator.formats.placing import PlacedImage
from mediacreator.image import write_fat
from tests.discs import CREATED, Counter, disc
from tests.oracles import run

SMALL_32 = "fat32_small"
"""A kind for tests alone: FAT32 in 35 MB."""

KINDS: Mapping[str, FatKind] = {
    **FAT_KINDS,
    SMALL_32: FatKind(512, (Clusters(32, 1),), 2048, False, 63, 255, "tests"),
}


def stick(
    folder: Path, tree: Mapping[str, bytes], kind: str = "fat_stick", volume_id: str = "TEST", capacity: int = 0
) -> PlacedImage:
    """Write an image of ours."""
    return write_fat(
        str(folder / "test.img"),
        kind=KINDS[kind],
        volume_id=volume_id,
        files=disc(dict(tree)),
        created=CREATED,
        progress=Counter(),
        capacity=capacity,
    )


def drive(image: PlacedImage, kind: str) -> str:
    """Name an image as mtools do: with the offset of its partition."""
    return f"{image.path}@@{KINDS[kind].start * KINDS[kind].sector}"


def fsck(image: PlacedImage, kind: str, folder: Path) -> str:
    """Check the volume of an image with fsck.fat, which knows no partitions: it has to lie in a file of its own."""
    start = KINDS[kind].start * KINDS[kind].sector
    volume = folder / "volume"
    with open(image.path, "rb") as whole, volume.open("wb") as out:
        out.truncate(image.size - start)
        for offset, size in _data(whole.fileno(), start, image.size):
            whole.seek(offset)
            out.seek(offset - start)
            out.write(whole.read(size))
    return run("fsck.fat", "-n", "-v", volume)


def _data(handle: int, start: int, end: int) -> list[tuple[int, int]]:
    """Return which bytes of a file are no holes."""
    found = []
    while start < end:
        try:
            start = os.lseek(handle, start, os.SEEK_DATA)
        except OSError:
            break
        stop = os.lseek(handle, start, os.SEEK_HOLE)
        found.append((start, stop - start))
        start = stop
    return found


def copied_out(image: str, folder: Path) -> dict[str, bytes]:
    """Return what mcopy reads of an image."""
    folder.mkdir()
    run("mcopy", "-s", "-n", "-i", image, "::/*", folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def entry(
    name: bytes, cluster: int = 0, size: int = 0, attributes: int = 0x20, case: int = 0, stamp: tuple[int, int] = (0, 0)
) -> bytes:
    """An entry of a directory by hand; ``stamp`` is date and time as recorded."""
    date, time = stamp
    return struct.pack(
        "<11sBBBHHHHHHHI", name, attributes, case, 0, time, date, date, cluster >> 16, time, date, cluster & 65535, size
    )


def long_entries(text: str, short: bytes) -> bytes:
    """The entries of a long name, as they stand before its short one."""
    total = 0
    for byte in short:
        total = (total >> 1 | (total & 1) << 7) + byte & 0xFF
    data = text.encode("utf-16-le")
    if len(data) % 26:
        data = (data + b"\0\0").ljust(-(-(len(data) + 2) // 26) * 26, b"\xff")
    parts = [data[place : place + 26] for place in range(0, len(data), 26)]
    made = [
        struct.pack("<B10sBBB12sH4s", number, part[:10], 0x0F, 0, total, part[10:22], 0, part[22:])
        for number, part in enumerate(parts, 1)
    ]
    made[-1] = bytes((made[-1][0] | 0x40,)) + made[-1][1:]
    return b"".join(reversed(made))


@dataclass
class Volume:
    """A small FAT volume by hand: clusters of 512 bytes, one sector before the FATs."""

    width: int = 12
    clusters: int = 200
    root: bytes = b""  # the entries of the root directory
    content: dict[int, bytes] = field(default_factory=dict)  # by cluster
    chains: Sequence[Sequence[int]] = ()
    fat: dict[int, int] = field(default_factory=dict)  # entries to set after the chains
    jump: bytes = b"\xeb\x3c\x90"
    clean: bool = True

    def data(self) -> bytes:
        """Return the volume; FAT32 has its root in cluster 2 and two boot sectors."""
        end = (1 << self.width if self.width < 32 else 1 << 28) - 1
        table = {0: end & ~0xFF | 0xF8, 1: end}
        if not self.clean:
            table[1] &= ~(1 << (15 if self.width == 16 else 27))
        for chain in self.chains:
            table.update(zip(chain, [*chain[1:], end], strict=True))
        if self.width == 32 and 2 not in table:
            table[2] = end
        table.update(self.fat)
        size = -(-(self.clusters + 2) * self.width // 8 // 512) + 1
        fat = bytearray(size * 512)
        for number, value in table.items():
            if self.width == 12:
                place = number * 3 // 2
                pair = int.from_bytes(fat[place : place + 2], "little")
                pair = pair & 0x000F | value << 4 if number & 1 else pair & 0xF000 | value
                fat[place : place + 2] = pair.to_bytes(2, "little")
            else:
                step = self.width // 8
                fat[number * step : number * step + step] = value.to_bytes(step, "little")
        reserved = 8 if self.width == 32 else 1
        entries = 0 if self.width == 32 else 16
        total = reserved + 2 * size + entries * 32 // 512 + self.clusters
        boot = self._boot(reserved, entries, size, total)
        head = bytearray(reserved * 512)
        head[:512] = boot
        if self.width == 32:
            head[6 * 512 : 7 * 512] = boot
        root = self.root.ljust(entries * 32, b"\0") if entries else b""
        area = bytearray(self.clusters * 512)
        for cluster, content in {**({2: self.root} if not entries else {}), **self.content}.items():
            area[(cluster - 2) * 512 : (cluster - 2) * 512 + len(content)] = content
        return bytes(head) + bytes(fat) * 2 + root + bytes(area)

    def _boot(self, reserved: int, entries: int, size: int, total: int) -> bytes:
        small = (size, 0) if self.width < 32 else (0, size)
        boot = struct.pack(
            "<3s8sHBHBHHBHHHII", self.jump, b"HANDMADE", 512, 1, reserved, 2, entries, 0, 0xF8, small[0], 1, 1, 0, total
        )
        if self.width == 32:
            boot += struct.pack("<IHHIHH12x", small[1], 0, 0, 2, 1, 6)
        boot += struct.pack("<BBBI11s8s", 0x80, 0, 0x29, 7, b"BOOTLABEL  ", f"FAT{self.width}".ljust(8).encode())
        return boot.ljust(510, b"\0") + b"\x55\xaa"


def partitioned(*volumes: tuple[int, bytes], kinds: Sequence[int] = ()) -> bytes:
    """A medium with a partition table; volumes by their first sector."""
    table = b""
    data = bytearray()
    for number, (start, volume) in enumerate(volumes):
        kind = kinds[number] if kinds else 6
        table += struct.pack("<B3sB3sII", 0, bytes(3), kind, bytes(3), start, len(volume) // 512)
        data = data.ljust(start * 512, b"\0") + volume
    data[446 : 446 + len(table)] = table
    data[510:512] = b"\x55\xaa"
    return bytes(data)
