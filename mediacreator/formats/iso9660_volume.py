"""Find the volume of an ISO 9660 image: its descriptors, the last of several sessions, Joliet in need.

Positions are those of ECMA-119 (BP: byte position from 1). Numbers are recorded little endian, then big endian.
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass

from mediacreator.errors import SourceUnreadable
from mediacreator.model import Finding, Severity

SECTOR = 2048
"""Logical Sector in bytes (ECMA-119 6.1.2)."""

_SYSTEM_AREA = 16 * SECTOR  # descriptors begin behind it (ECMA-119 6.2.1)
_MAX_DESCRIPTORS = 64
_MAX_FINDINGS = 100
_TAIL_SEARCH = 1 << 30  # bytes behind the volume in which a later session is looked for
_JOLIET = (b"%/@", b"%/C", b"%/E")
_BOOT, _PRIMARY, _SUPPLEMENTARY, _PARTITION, _TERMINATOR = 0, 1, 2, 3, 255
_KINDS = {_BOOT: "a boot record", _SUPPLEMENTARY: "Joliet", _PARTITION: "a partition"}
_DESCRIPTORS = (b"CD001", b"BEA01", b"NSR02", b"NSR03", b"TEA01")  # ECMA-119 8.1.2; ECMA-167 2/9.1, 3/9.1
_FLAG_DIRECTORY = 0x02  # ECMA-119 9.1.6
_CDROMMULTISESSION = 0x5310  # linux/cdrom.h
_SESSION = struct.Struct("iBBxx")  # struct cdrom_multisession: address, whether there are several, format
_LBA = 1  # CDROM_LBA: the address counts sectors
_SUSP = b"SP\x07\x01\xbe\xef"  # IEEE P1281 5.3: names as Rock Ridge has them


class NotISO9660(SourceUnreadable):
    """The bytes are not an ISO 9660 volume, or one whose root cannot be read."""


class Findings(list[Finding]):
    """The Findings about one image; a hostile one does not make them endless."""

    def report(
        self,
        code: str,
        position: int,
        what: str,
        expected: str,
        clause: str,
        remedy: str,
        severity: Severity = Severity.ERROR,
    ) -> Finding:
        """Add one. Names of a foreign medium may name a patient: a place is said as a byte of the image."""
        finding = Finding(code, severity, f"image, byte {position}", what, expected, clause, remedy)
        if len(self) < _MAX_FINDINGS:
            self.append(finding)
        return finding


@dataclass(frozen=True, slots=True)
class VolumeDescriptor:
    """What a Primary or Supplementary Volume Descriptor says. Source: ECMA-119 8.4, 8.5."""

    offset: int  # bytes from the start of the image
    system_identifier: str
    volume_identifier: str
    space_size: int  # Logical Blocks
    block_size: int  # bytes
    root_extent: int  # Logical Block
    root_size: int  # bytes
    created: bytes  # Volume Creation Date and Time as recorded, 17 bytes
    joliet: bool = False


def is_iso9660(handle: int) -> bool:
    """Say whether an open file has a volume descriptor where ISO 9660 has its first. Source: ECMA-119 8.1."""
    return os.pread(handle, 6, _SYSTEM_AREA)[1:] == b"CD001"


def last_session(handle: int) -> int | None:
    """Ask a drive with which sector the last session of its disc begins.

    Returns:
        The sector; None for what is no drive of discs, and where the drive does not tell.

    Source: linux/cdrom.h; PS3.12 F.2.1.
    """
    asked = bytearray(_SESSION.pack(0, 0, _LBA))
    try:
        fcntl.ioctl(handle, _CDROMMULTISESSION, asked)
    except OSError:
        return None
    sector, several, _ = _SESSION.unpack(asked)
    return sector if several else 0


def beyond_primary(handle: int, volume: VolumeDescriptor) -> tuple[str, ...]:
    """Name what a volume has that only its own program can write anew: other descriptors, longer names.

    Args:
        handle: Of the image or drive.
        volume: As ``VolumeChooser`` gives it.
    """
    found = []
    start = volume.offset // SECTOR
    for sector in range(start, start + _MAX_DESCRIPTORS):
        data = os.pread(handle, SECTOR, sector * SECTOR)
        if data[1:6] not in _DESCRIPTORS:
            break
        if data[1:6] != b"CD001":
            found.append("UDF")
        elif data[0] == _SUPPLEMENTARY and data[88:91] not in _JOLIET:
            found.append("an enhanced volume")
        elif data[0] in _KINDS:
            found.append(_KINDS[data[0]])
    root = os.pread(handle, SECTOR, volume.root_extent * volume.block_size)
    if len(root) == SECTOR and _SUSP in root[34 : root[0]]:
        found.append("Rock Ridge")
    return tuple(dict.fromkeys(found))


class VolumeChooser:
    """Reads the descriptors of one image; what it notices goes into ``findings``."""

    def __init__(self, handle: int, size: int, findings: Findings, session: int | None = None) -> None:
        """Take an open image of ``size`` bytes.

        Args:
            handle: Of the image or drive.
            size: In bytes.
            findings: Where to report.
            session: First sector of the session to read; None: the last one.
        """
        self._handle = handle
        self._size = size
        self._findings = findings
        self._session = last_session(handle) if session is None else session

    def choose(self) -> VolumeDescriptor:
        """Return the volume to read: the last session's if one can be recognised; Joliet if the primary is unusable."""
        found = self._descriptors((self._session or 0) * SECTOR + _SYSTEM_AREA)
        primary = next((volume for volume in found if not volume.joliet), None)
        if primary is not None and self._root_is_usable(primary):
            if self._session is None:
                primary = self._last_session(primary)
            if primary.space_size * primary.block_size > self._size:
                self._findings.report(
                    "iso-truncated",
                    primary.offset,
                    f"the image has {self._size} bytes",
                    f"{primary.space_size * primary.block_size} bytes as its Volume Space Size says",
                    "ECMA-119 8.4.8",
                    "Copy the medium again; what lies behind the end is lost.",
                )
            return primary
        joliet = next((volume for volume in found if volume.joliet and self._root_is_usable(volume)), None)
        if joliet is None:
            raise NotISO9660("The image has no ISO 9660 volume whose root directory can be read.")
        self._findings.report(
            "iso-joliet-used",
            joliet.offset,
            "the root directory of the Primary Volume Descriptor cannot be read; Joliet names are used",
            "a readable primary directory",
            "PS3.12 F.2.2",
            "Ask for a new medium; other readers may see nothing.",
        )
        return joliet

    def _descriptors(self, start: int) -> list[VolumeDescriptor]:
        found = []
        for number in range(_MAX_DESCRIPTORS):
            offset = start + number * SECTOR
            sector = os.pread(self._handle, SECTOR, offset)
            if len(sector) < SECTOR or sector[1:6] != b"CD001" or sector[0] == _TERMINATOR:
                break
            volume = _parse_descriptor(sector, offset)
            if volume is not None:
                found.append(volume)
        return found

    def _root_is_usable(self, volume: VolumeDescriptor) -> bool:
        """Say whether the root begins with a record of itself (ECMA-119 6.8.2.2)."""
        if not volume.root_size:
            return False
        data = os.pread(self._handle, SECTOR, volume.root_extent * volume.block_size)
        return (
            len(data) >= 34 and data[0] >= 34 and data[32] == 1 and data[33] == 0 and bool(data[25] & _FLAG_DIRECTORY)
        )

    def _last_session(self, first: VolumeDescriptor) -> VolumeDescriptor:
        """Look behind the first volume for the descriptors of a later session; they describe the whole disc.

        A descriptor counts when its root directory lies in its own session, as each session records all of them anew,
        so that an image stored as a file is not taken for a session. Source: PS3.12 F.2.1.
        """
        last = first
        position = max(first.space_size * first.block_size // SECTOR * SECTOR, _SYSTEM_AREA + 2 * SECTOR)
        end = min(self._size, position + _TAIL_SEARCH)
        while position < end:
            block = os.pread(self._handle, min(1 << 20, end - position), position)
            if not block:
                break
            hit = block.find(b"\x01CD001\x01")
            while hit >= 0:
                if hit % SECTOR == 0:
                    last = self._session_at(position + hit) or last
                hit = block.find(b"\x01CD001\x01", hit + 1)
            position += len(block) // SECTOR * SECTOR or SECTOR
        if last is not first:
            self._findings.report(
                "iso-later-session",
                last.offset,
                "a later session was found and is read",
                "its descriptors to describe the whole disc",
                "PS3.12 F.2.1",
                "Nothing to do.",
                Severity.NOTE,
            )
        return last

    def _session_at(self, offset: int) -> VolumeDescriptor | None:
        sector = os.pread(self._handle, SECTOR, offset)
        volume = _parse_descriptor(sector, offset) if len(sector) == SECTOR else None
        if volume is None or volume.root_extent * volume.block_size <= offset or not self._root_is_usable(volume):
            return None
        return volume


def _parse_descriptor(sector: bytes, offset: int) -> VolumeDescriptor | None:
    """Parse a Primary or a Joliet descriptor; None for others and for one that cannot be. Source: ECMA-119 8.4."""
    kind = sector[0]
    joliet = kind == _SUPPLEMENTARY and sector[88:91] in _JOLIET  # BP 89: Escape Sequences
    if kind != _PRIMARY and not joliet:
        return None
    block_size = int.from_bytes(sector[128:130], "little")  # BP 129: Logical Block Size
    if block_size not in (512, 1024, 2048):
        return None
    root = sector[156:190]  # BP 157: Directory Record for Root Directory
    encoding = "utf-16-be" if joliet else "latin-1"
    return VolumeDescriptor(
        offset=offset,
        system_identifier=sector[8:40].decode(encoding, "replace").rstrip(" \0"),  # BP 9
        volume_identifier=sector[40:72].decode(encoding, "replace").rstrip(" \0"),  # BP 41
        space_size=int.from_bytes(sector[80:84], "little"),  # BP 81
        block_size=block_size,
        root_extent=int.from_bytes(root[2:6], "little") + root[1],
        root_size=int.from_bytes(root[10:14], "little"),
        created=sector[813:830],  # BP 814
        joliet=joliet,
    )
