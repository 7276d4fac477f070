"""Read the markers of a JPEG or JPEG-LS codestream, and prove that its entropy coded data are whole (PS3.5 F)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from mediacreator.transcode.huffman import Broken, Table, check_blocks, check_lossless

SOF_SEQUENTIAL = (0xC0, 0xC1)  # Huffman coded DCT: processes 1, 2 and 4
SOF_LOSSLESS = 0xC3  # process 14
SOF_JPEG_LS = 0xF7

_STANDALONE = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))
_FRAMES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xF7))
_END_OF_ENTROPY = re.compile(rb"\xff+[^\x00\xff]")
_END_OF_JPEG_LS = re.compile(rb"\xff[\x80-\xff]")  # a bit is stuffed after FFH instead of a byte (ISO/IEC 14495-1 A.1)


@dataclass(frozen=True, slots=True)
class Component:
    """A component of the frame (ISO/IEC 10918-1 B.2.2)."""

    identifier: int
    horizontal: int
    vertical: int


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan and its entropy coded segments, one for each restart interval."""

    components: tuple[int, ...]  # places in Frame.components
    dc: tuple[Table | None, ...]
    ac: tuple[Table | None, ...]
    start: int  # Ss; predictor of a lossless scan; NEAR of JPEG-LS
    segments: tuple[tuple[int, int], ...]  # offset and end
    restart_interval: int  # MCUs; 0 for none
    restarts_in_order: bool


@dataclass(slots=True)
class Codestream:
    """What the markers of one image say."""

    process: int = 0  # SOFn
    precision: int = 0  # bits
    rows: int = 0
    columns: int = 0
    components: tuple[Component, ...] = ()
    scans: list[Scan] = field(default_factory=list)
    adobe_transform: int | None = None  # 0 none, 1 YCbCr; None without APP14
    jfif: bool = False
    ended: bool = False  # EOI is there

    @property
    def subsampled(self) -> bool:
        """Whether a component has fewer samples than another."""
        return len({(c.horizontal, c.vertical) for c in self.components}) > 1

    @property
    def is_rgb_by_name(self) -> bool:
        """Whether the components are named R, G and B."""
        return [c.identifier for c in self.components] in ([82, 71, 66], [114, 103, 98])


def read_markers(data: bytes) -> Codestream:
    """Return what the marker segments say, the entropy coded data skipped.

    Raises:
        Broken: A marker segment is cut short or makes no sense.
    """
    try:
        return _Reader(data).read()
    except (IndexError, struct.error, KeyError) as exc:
        raise Broken("a marker segment is cut short or refers to what is not there") from exc


def check_entropy_coded_data(data: bytes, stream: Codestream) -> None:
    """Check that each scan holds exactly the codes of its image: nothing missing, nothing left over.

    Raises:
        Broken: It does not.
    """
    seen = sorted(place for scan in stream.scans for place in scan.components)
    if seen != list(range(len(stream.components))):
        raise Broken("a component has no scan, or two")
    if not stream.ended:
        raise Broken("the End of Image marker is missing")
    for scan in stream.scans:
        _check_scan(data, stream, scan)


def _check_scan(data: bytes, stream: Codestream, scan: Scan) -> None:
    lossless = stream.process == SOF_LOSSLESS
    units, per_unit = _units(stream, scan, 1 if lossless else 8)
    interval = scan.restart_interval or units
    if len(scan.segments) != -(-units // interval) or not scan.restarts_in_order:
        raise Broken(f"{len(scan.segments)} restart intervals, expected {-(-units // interval)} in order")
    left = units
    for start, end in scan.segments:
        segment = data[start:end].replace(b"\xff\x00", b"\xff")
        count = min(interval, left)
        left -= count
        tables = [(scan.dc[k], scan.ac[k]) for k, times in enumerate(per_unit) for _ in range(times)]
        if lossless:
            check_lossless(segment, [_present(dc) for dc, _ in tables], count)
        else:
            check_blocks(segment, [(_present(dc), _present(ac)) for dc, ac in tables], count)


def _present(table: Table | None) -> Table:
    if table is None:
        raise Broken("a scan names a Huffman table that is not there")
    return table


def _units(stream: Codestream, scan: Scan, side: int) -> tuple[int, tuple[int, ...]]:
    """Return the MCUs of a scan, and how many data units each component has in one (ISO/IEC 10918-1 A.2)."""
    widest = max(c.horizontal for c in stream.components)
    highest = max(c.vertical for c in stream.components)
    if len(scan.components) == 1:
        component = stream.components[scan.components[0]]
        columns = -(-stream.columns * component.horizontal // widest)
        rows = -(-stream.rows * component.vertical // highest)
        return -(-columns // side) * -(-rows // side), (1,)
    columns, rows = -(-stream.columns // (side * widest)), -(-stream.rows // (side * highest))
    chosen = [stream.components[place] for place in scan.components]
    return columns * rows, tuple(c.horizontal * c.vertical for c in chosen)


class _Reader:
    """Walks the markers of one codestream."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.stream = Codestream()
        self.tables: dict[int, Table] = {}  # by Tc << 4 | Th
        self.restart_interval = 0

    def read(self) -> Codestream:
        data = self.data
        if data[:2] != b"\xff\xd8":
            raise Broken("it does not begin with the Start of Image marker")
        position = 2
        while position < len(data):
            if data[position] != 0xFF:
                raise Broken(f"no marker at byte {position}")
            while position < len(data) and data[position] == 0xFF:
                position += 1
            if position >= len(data):
                break
            marker = data[position]
            position += 1
            if marker == 0xD9:
                self.stream.ended = True
                break
            if marker in _STANDALONE:
                continue
            length = struct.unpack_from(">H", data, position)[0]
            if length < 2 or position + length > len(data):
                raise Broken(f"the segment of marker FF{marker:02X}H is cut short")
            segment, position = data[position + 2 : position + length], position + length
            position = self._segment(marker, segment, position)
        return self.stream

    def _segment(self, marker: int, segment: bytes, position: int) -> int:
        """Read one marker segment; return the offset of the next marker."""
        stream = self.stream
        if marker == 0xDA:
            return self._scan(segment, position)
        if marker in _FRAMES:
            self._frame(marker, segment)
        elif marker == 0xC4:
            self._huffman_tables(segment)
        elif marker == 0xDD:
            self.restart_interval = int.from_bytes(segment, "big")
        elif marker == 0xE0 and segment.startswith(b"JFIF\0"):
            stream.jfif = True
        elif marker == 0xEE and segment.startswith(b"Adobe") and len(segment) >= 12:
            stream.adobe_transform = segment[11]
        elif marker in (0xDC, 0xDE, 0xDF):
            raise Broken(f"marker FF{marker:02X}H (number of lines, or a hierarchical process) is not supported")
        return position

    def _frame(self, marker: int, segment: bytes) -> None:
        stream = self.stream
        if stream.process:
            raise Broken("a second frame header")
        stream.process = marker
        stream.precision, stream.rows, stream.columns, count = struct.unpack_from(">BHHB", segment)
        stream.components = tuple(
            Component(segment[k], segment[k + 1] >> 4, segment[k + 1] & 15) for k in range(6, 6 + 3 * count, 3)
        )
        if not stream.components or any(not c.horizontal or not c.vertical for c in stream.components):
            raise Broken("the frame header has no components")

    def _huffman_tables(self, segment: bytes) -> None:
        position = 0
        while position < len(segment):
            place, counts = segment[position], segment[position + 1 : position + 17]
            values = segment[position + 17 : position + 17 + sum(counts)]
            if len(counts) != 16 or len(values) != sum(counts) or not _fits(counts):
                raise Broken("a Huffman table is cut short or has too many codes")
            self.tables[place] = Table(counts, values)
            position += 17 + sum(counts)

    def _scan(self, segment: bytes, position: int) -> int:
        stream = self.stream
        count = segment[0]
        chosen = [segment[1 + 2 * k : 3 + 2 * k] for k in range(count)]
        names = [component.identifier for component in stream.components]
        if len(set(names)) != len(names) or any(name not in names for name, _ in chosen):
            raise Broken("a scan names a component that is not there, or is there twice")
        segments, end, in_order = self._entropy_coded(position)
        stream.scans.append(
            Scan(
                components=tuple(names.index(name) for name, _ in chosen),
                dc=tuple(self.tables.get(tables >> 4) for _, tables in chosen),
                ac=tuple(self.tables.get(0x10 | tables & 15) for _, tables in chosen),
                start=segment[1 + 2 * count],
                segments=segments,
                restart_interval=self.restart_interval,
                restarts_in_order=in_order,
            )
        )
        return end

    def _entropy_coded(self, position: int) -> tuple[tuple[tuple[int, int], ...], int, bool]:
        """Return the entropy coded segments, the offset of the marker after them, and whether RSTn are in order."""
        pattern = _END_OF_JPEG_LS if self.stream.process == SOF_JPEG_LS else _END_OF_ENTROPY
        segments: list[tuple[int, int]] = []
        start, in_order = position, True
        while True:
            found = pattern.search(self.data, position)
            if found is None:
                return (*segments, (start, len(self.data))), len(self.data), in_order
            marker = self.data[found.end() - 1]
            position = found.end()
            if 0xD0 <= marker <= 0xD7:
                in_order &= marker & 7 == len(segments) & 7
                segments.append((start, found.start()))
                start = position
            elif marker != 0xFF:
                return (*segments, (start, found.start())), found.start(), in_order
            else:
                position -= 1


def _fits(counts: bytes) -> bool:
    """Tell whether so many codes of 1 to 16 bits can stand beside each other."""
    code = 0
    for length in range(1, 17):
        code = (code << 1) + counts[length - 1]
        if code > 1 << length:
            return False
    return True
