"""Read the entries of a FAT directory: short and long names, lower case, deleted ones.

Source: FAT specification, FAT Directory Structure and FAT Long Directory Entries.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_ENTRY = struct.Struct("<11sBB7xHHHHI")  # name, attributes, case, first cluster high, time, date, low, size
_LONG = struct.Struct("<B10sBBB12s2x4s")  # order, characters, attributes, type, checksum, characters, characters

_END, _DELETED, _REALLY_E5 = 0x00, 0xE5, 0x05  # first byte of a name
_LABEL, _DIRECTORY = 0x08, 0x10  # DIR_Attr
_LONG_NAME, _LONG_MASK = 0x0F, 0x3F
_LAST_LONG = 0x40  # LDIR_Ord
_MAX_LONG = 20  # entries of one name: 255 characters
_LOWER_STEM, _LOWER_EXTENSION = 0x08, 0x10  # DIR_NTRes, as Windows NT and its successors use it
_FORBIDDEN = frozenset('/\\:*?"<>|') | set(map(chr, range(32)))


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, directory or label. Both names may hold a patient's name on a medium that others made."""

    position: int  # bytes from the start of the image
    name: str  # as systems show it
    short: str  # of 8 and 3 characters
    attributes: int
    cluster: int
    date: int  # as recorded
    time: int
    size: int  # bytes

    @property
    def is_label(self) -> bool:
        """Whether it is the label of the volume."""
        return bool(self.attributes & _LABEL)

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return bool(self.attributes & _DIRECTORY)


def entries(data: bytes, positions: Iterable[int]) -> Iterator[Entry]:
    """Yield what a directory holds, without ``.`` and ``..``.

    Args:
        data: All of the directory.
        positions: Where each 32 bytes of it lie in the image.
    """
    long = _LongName()
    for place, position in zip(range(0, len(data) - 31, 32), positions, strict=False):
        raw = data[place : place + 32]
        if raw[0] == _END:
            return
        if raw[0] == _DELETED:
            long = _LongName()
        elif raw[11] & _LONG_MASK == _LONG_NAME:
            long.add(raw)
        else:
            entry = _entry(raw, position, long)
            long = _LongName()
            if entry.short not in (".", "..") or entry.is_label:
                yield entry


def _entry(raw: bytes, position: int, long: _LongName) -> Entry:
    name, attributes, case, high, time, date, low, size = _ENTRY.unpack(raw)
    if attributes & _LABEL:
        text = _decoded(name)
        return Entry(position, text, text, attributes, 0, date, time, 0)
    stem, extension = _decoded(name[:8]), _decoded(name[8:])
    short = _safe(f"{stem}.{extension}" if extension else stem)
    shown = _safe(
        ".".join(
            part
            for part in (
                stem.lower() if case & _LOWER_STEM else stem,
                extension.lower() if case & _LOWER_EXTENSION else extension,
            )
            if part
        )
    )
    return Entry(position, long.text(name) or shown, short, attributes, high << 16 | low, date, time, size)


def _decoded(name: bytes) -> str:
    """Decode a short name; spaces fill it, and nulls where somebody took PS3.12 A.1 by the letter."""
    if name[:1] == bytes((_REALLY_E5,)):
        name = b"\xe5" + name[1:]
    return name.decode("cp437").rstrip(" \0")


def _safe(name: str) -> str:
    """Replace what would lead elsewhere; ``.`` and ``..`` stay, and are left out by whoever asks."""
    return "".join("_" if character in _FORBIDDEN else character for character in name) or "_"


class _LongName:
    """The parts of a long name, the last one first, until the short name that they belong to."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._expected = 0
        self._checksum = -1

    def add(self, raw: bytes) -> None:
        """Take an entry; parts that do not follow one another make no name."""
        order, first, _, _, checksum, second, third = _LONG.unpack(raw)
        if order & _LAST_LONG:
            self._parts, self._expected, self._checksum = [], order & 0x3F, checksum
        elif order != self._expected or checksum != self._checksum:
            self._expected = 0
        if 1 <= self._expected <= _MAX_LONG:
            self._parts.append(first + second + third)
            self._expected -= 1
        else:
            self._expected, self._parts = 0, []

    def text(self, short: bytes) -> str:
        """Return the name, ``""`` where there is none that belongs to the short one and may be used."""
        if not self._parts or self._expected or self._checksum != _checksum(short):
            return ""
        text = b"".join(reversed(self._parts)).decode("utf_16_le", "replace").split("\0")[0]
        return "" if text in (".", "..") or _FORBIDDEN.intersection(text) else text


def _checksum(short: bytes) -> int:
    """Return the sum by which a long name knows its short one (ChkSum)."""
    total = 0
    for byte in short:
        total = ((total & 1) << 7) + (total >> 1) + byte & 0xFF
    return total
