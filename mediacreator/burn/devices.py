"""The block devices of this machine as Linux tells of them: which are removable, which are in use, what they hold."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SECTOR = 512  # bytes; sysfs counts in these whatever the device has
_HEAD = 68 << 10  # bytes that show what a device holds: the superblock of Btrfs lies at 64 KiB


@dataclass(frozen=True, slots=True)
class BlockDevice:
    """A disk, stick or card as a whole."""

    path: str  # /dev/sdb
    name: str  # vendor and model
    size: int  # bytes
    removable: bool  # a stick or a card, no fixed disk
    read_only: bool = False
    in_use: str = ""  # "mounted", "swap" or "in use by dm-0"; "" for what may be written
    holds: str = ""  # in words, by its first bytes; "" where it may not be read

    @property
    def may_be_written(self) -> bool:
        """Whether it is removable and nobody uses it."""
        return self.removable and not self.read_only and not self.in_use and self.size > 0


def block_devices(root: str = "/") -> tuple[BlockDevice, ...]:
    """Return every disk, stick and card; no optical drives, and nothing that only exists in memory or in files.

    Args:
        root: Where ``sys``, ``proc`` and ``dev`` lie.
    """
    base = Path(root)
    used = _used(base)
    return tuple(
        _device(base, folder, used)
        for folder in sorted((base / "sys/block").glob("*"))
        if (folder / "device").exists() and not re.match(r"sr\d|fd\d", folder.name)
    )


def _device(base: Path, folder: Path, used: Mapping[str, str]) -> BlockDevice:
    parts = [folder, *(part.parent for part in folder.glob("*/partition"))]
    path = base / "dev" / folder.name
    uses = [used[part.name] for part in parts if part.name in used]
    uses += [f"in use by {holder.name}" for part in parts for holder in (part / "holders").glob("*")]
    names = (_text(folder / "device" / name) for name in ("vendor", "model", "name"))
    return BlockDevice(
        path=str(path),
        name=" ".join(filter(None, names)) or folder.name,
        size=int(_text(folder / "size") or 0) * _SECTOR,
        # The reader of SD cards is no stick to Linux; an eMMC, which is soldered in, has another type.
        removable=_text(folder / "removable") == "1" or _text(folder / "device/type") == "SD",
        read_only=_text(folder / "ro") == "1",
        in_use=uses[0] if uses else "",
        holds=what_it_holds(str(path)),
    )


def _used(base: Path) -> dict[str, str]:
    """Say which devices and partitions are mounted or swapped to, by name: some file systems hide their numbers."""
    numbers = {}
    for dev in (*(base / "sys/block").glob("*/dev"), *(base / "sys/block").glob("*/*/dev")):
        numbers[_text(dev)] = dev.parent.name
    used: dict[str, str] = {}
    for line in _text(base / "proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        fields, source = left.split(), right.split()[1:2]
        for name in (numbers.get(fields[2], "") if len(fields) > 2 else "", *map(_device_name, source)):
            used.setdefault(name, "mounted")
    for line in _text(base / "proc/swaps").splitlines()[1:]:
        used.setdefault(_device_name(line.split()[0]), "swap")
    used.pop("", None)
    return used


def _device_name(source: str) -> str:
    return os.path.basename(os.path.realpath(source)) if source.startswith("/dev/") else ""


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text("utf-8", "replace").strip()
    return ""


def what_it_holds(path: str) -> str:
    """Say in words what lies on a device, by its first bytes; ``""`` where it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(_HEAD) or b""
            said = _held(head)
            if said or not _partitions(head):
                return said or ("nothing" if not any(head) else "data of no known kind")
            parts = [_held(_at(file.fileno(), start)) or "data" for start in _partitions(head)]
    except OSError:
        return ""
    return f"{len(parts)} partition{'s' if len(parts) > 1 else ''}: {', '.join(parts)}"


def _at(handle: int, offset: int) -> bytes:
    with suppress(OSError):
        return os.pread(handle, _HEAD, offset)
    return b""


def _held(head: bytes) -> str:
    return next((f"{name}{label}" for name, label in _kinds(head)), "")


def _kinds(head: bytes) -> Iterator[tuple[str, str]]:
    """Yield name and label of each file system that the first bytes of a device or partition show."""
    for name, offset, magic, label in _MAGICS:
        if head[offset : offset + len(magic)] == magic:
            yield name, label(head)


def _label(start: int, length: int) -> Callable[[bytes], str]:
    def read(head: bytes) -> str:
        text = head[start : start + length].decode("latin-1").strip("\0 ")
        return f" \N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}" if text else ""

    return read


def _no_label(_head: bytes) -> str:
    return ""


_MAGICS: tuple[tuple[str, int, bytes, Callable[[bytes], str]], ...] = (
    ("ISO 9660 disc image", 32769, b"CD001", _label(32808, 32)),
    ("UDF", 32769, b"BEA01", _no_label),
    ("FAT32", 82, b"FAT32", _label(71, 11)),
    ("FAT16", 54, b"FAT16", _label(43, 11)),
    ("FAT12", 54, b"FAT12", _label(43, 11)),
    ("exFAT", 3, b"EXFAT", _no_label),
    ("NTFS", 3, b"NTFS", _no_label),
    ("ext4 (Linux)", 1080, b"\x53\xef", _label(1144, 16)),
    ("XFS (Linux)", 0, b"XFSB", _label(108, 12)),
    ("Btrfs (Linux)", 65600, b"_BHRfS_M", _no_label),
    ("an encrypted disk (LUKS)", 0, b"LUKS", _no_label),
    ("an LVM volume (Linux)", 536, b"LVM2", _no_label),
    ("a disk with GPT partitions", 512, b"EFI PART", _no_label),
)


def _partitions(head: bytes) -> list[int]:
    """Return where the partitions of a Master Boot Record begin, in bytes."""
    if head[510:512] != b"\x55\xaa":
        return []
    rows = (head[446 + 16 * number : 462 + 16 * number] for number in range(4))
    return [int.from_bytes(row[8:12], "little") * _SECTOR for row in rows if row[4] and any(row[12:16])]
