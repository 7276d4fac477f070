"""What tests of images and folders share: files of a medium, a Progress that counts, random trees, hostile images."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from hypothesis import strategies as st

from mediacreator.image import DiscFile, write_iso
from mediacreator.model import Body, Finding, MediaImage, SourceFile

CREATED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=2)))


@dataclass
class Counter:
    """A Progress that remembers what it was told."""

    starts: list[tuple[str, int, int]] = field(default_factory=list)
    count: int = 0
    size: int = 0

    def start(self, stage: str, count: int, size: int) -> None:
        self.starts.append((stage, count, size))

    def advance(self, count: int, size: int) -> None:
        self.count += count
        self.size += size


def source_of(path: Path, number: int = 1) -> SourceFile:
    status = path.stat()
    return SourceFile(number, str(path), status.st_size, status.st_mtime_ns)


def copied(path: Sequence[str], source: SourceFile, head: bytes = b"", offset: int = 0) -> DiscFile:
    """A file made of ``head`` and the bytes of a source from ``offset`` on."""
    body = Body(source, offset, source.size - offset)
    return DiscFile(tuple(path), len(head) + body.size, CREATED, head, body)


def disc(tree: dict[str, bytes]) -> tuple[DiscFile, ...]:
    return tuple(DiscFile.of_bytes(name.split("/"), data, CREATED) for name, data in tree.items())


def image(folder: Path, tree: dict[str, bytes], volume_id: str = "TEST") -> MediaImage:
    path = str(folder / "test.iso")
    return write_iso(path, volume_id=volume_id, files=disc(tree), created=CREATED, progress=Counter())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def codes(findings: Sequence[Finding]) -> list[str]:
    return [finding.code for finding in findings]


_names = st.text("ABZ019_", min_size=1, max_size=8)
_file_names = st.one_of(_names, st.tuples(_names, st.text("TX1", min_size=1, max_size=3)).map(".".join))
_sizes = st.one_of(st.integers(0, 3), st.sampled_from([2047, 2048, 2049, 4095, 4096, 4097]), st.integers(0, 9000))


@st.composite
def trees(draw: st.DrawFn) -> dict[str, bytes]:
    """Trees of level 1 names, in any order, without a file and a folder of one name."""
    paths = draw(st.lists(st.tuples(st.lists(_names, max_size=6), _file_names), max_size=25))
    tree: dict[str, bytes] = {}
    folders: set[str] = set()
    for parents, name in paths:
        above = ["/".join(parents[: depth + 1]) for depth in range(len(parents))]
        path = "/".join([*parents, name])
        if path in folders or path in tree or any(folder in tree for folder in above):
            continue
        folders.update(above)
        size = draw(_sizes)
        tree[path] = (path.encode() * (size // len(path) + 1))[:size]
    return tree


def write_tree(root: Path, tree: dict[str, bytes]) -> None:
    for name, data in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


SECTOR = 2048


def record(name: bytes, block: int, size: int, flags: int = 0) -> bytes:
    """A Directory Record (ECMA-119 9.1), by hand."""
    length = 33 + len(name) + (len(name) + 1) % 2
    date = bytes((126, 3, 4, 5, 6, 7, 8))
    fixed = struct.pack("<BB", length, 0) + struct.pack("<I", block) + struct.pack(">I", block)
    fixed += struct.pack("<I", size) + struct.pack(">I", size) + date + bytes((flags, 0, 0))
    fixed += struct.pack("<H", 1) + struct.pack(">H", 1) + bytes((len(name),)) + name
    return fixed.ljust(length, b"\0")


def directory(block: int, parent: int, *records: bytes, size: int = SECTOR) -> bytes:
    here, above = record(b"\0", block, size, 2), record(b"\1", parent, SECTOR, 2)
    return (here + above + b"".join(records)).ljust(size, b"\0")


def raw_image(sectors: dict[int, bytes], *, count: int = 40, root: int = 20, volume_id: bytes = b"HOSTILE") -> bytes:
    """An image made by hand: a PVD at 16, a terminator at 17, and what is asked for."""
    data = bytearray(count * SECTOR)
    data[16 * SECTOR : 17 * SECTOR] = descriptor(root, count, volume_id)
    data[17 * SECTOR : 17 * SECTOR + 7] = b"\xffCD001\x01"
    for sector, content in sectors.items():
        data[sector * SECTOR : sector * SECTOR + len(content)] = content
    return bytes(data)


def descriptor(root: int, count: int, volume_id: bytes, *, kind: int = 1, escape: bytes = b"") -> bytes:
    data = bytearray(SECTOR)
    data[0:7] = bytes((kind,)) + b"CD001\x01"
    data[40:72] = volume_id.ljust(32, b" ")
    data[80:84] = struct.pack("<I", count)
    data[88 : 88 + len(escape)] = escape
    data[128:130] = struct.pack("<H", SECTOR)
    data[156:190] = record(b"\0", root, SECTOR, 2)
    return bytes(data)
