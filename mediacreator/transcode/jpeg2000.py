"""Read the headers of a JPEG 2000 or HTJ2K codestream, and check that its tile-parts are whole (PS3.5 A.4.4).

JPEG 2000 has no checksum: damage inside a code-block mostly decodes to something. What can be told is told here: tiles
and tile-parts that are missing, and codes that cannot stand in coded data (ISO/IEC 15444-1 A, B.10.1).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from mediacreator.transcode.huffman import Broken

_SOC_SIZ = b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_COD, _COC, _SOT = 0xFF52, 0xFF53, 0xFF90
_SOD = b"\xff\x93"
_EOC = b"\xff\xd9"
_NO_CODED_DATA = re.compile(rb"\xff[\x90\x93-\xff]")  # all but SOP and EPH, which may stand in coded data


@dataclass(frozen=True, slots=True)
class Codestream2000:
    """What SIZ, COD and COC say."""

    data: bytes  # the codestream itself, without the boxes of a JP2 file
    rows: int
    columns: int
    components: int
    precision: int  # bits, the same for all components
    signed: bool
    component_transform: bool  # RCT or ICT was applied
    tiles: int
    first_tile_part: int  # offset in ``data``
    irreversible: bool  # 9/7 wavelet: lossy (ISO/IEC 15444-1 F.3)
    in_jp2: bool  # wrapped in a JP2 file, which PS3.5 8.2.4 forbids


def read_main_header(data: bytes) -> Codestream2000:
    """Return what the main header says.

    Raises:
        Broken: It is cut short, makes no sense, or its components differ in size, precision or sign.
    """
    in_jp2 = data.startswith(_JP2_SIGNATURE)
    codestream = _unwrap(data) if in_jp2 else data
    if not codestream.startswith(_SOC_SIZ):
        raise Broken("it does not begin with the SOC and SIZ markers")
    try:
        return _read(codestream, in_jp2)
    except (IndexError, struct.error) as exc:
        raise Broken("its main header is cut short") from exc


def check_tile_parts(stream: Codestream2000) -> None:
    """Check that every tile-part is there, and that the coded data hold no code that cannot stand in them.

    Raises:
        Broken: One is missing, cut short or damaged.
    """
    found: dict[int, int] = {}
    promised: dict[int, int] = {}
    position, data = stream.first_tile_part, stream.data
    try:
        while struct.unpack_from(">H", data, position)[0] == _SOT:
            tile, length, part, parts = struct.unpack_from(">HIBB", data, position + 4)
            end = position + length if length else data.rindex(_EOC)
            if end < position + 14 or end > len(data) or part != found.get(tile, 0):
                raise Broken("a tile-part is cut short or not in order")
            found[tile] = found.get(tile, 0) + 1
            promised[tile] = parts or promised.get(tile, 0)
            _check_coded_data(data, position + 12, end)
            position = end
    except (struct.error, ValueError) as exc:
        raise Broken("a tile-part is cut short") from exc
    if data[position : position + 2] != _EOC:
        raise Broken("no tile-part and no End of Codestream marker follow a tile-part")
    if (
        len(found) != stream.tiles
        or max(found, default=0) >= stream.tiles
        or any(found[tile] < parts for tile, parts in promised.items())  # an old Kakadu promised one too few
    ):
        raise Broken(f"tile-parts are missing: {len(found)} of {stream.tiles} tiles are there")


def _check_coded_data(data: bytes, position: int, end: int) -> None:
    """Check one tile-part behind its SOT marker segment."""
    while data[position : position + 2] != _SOD:
        position += 2 + int(struct.unpack_from(">H", data, position + 2)[0])
        if position > end:
            break
    if position + 2 > end:
        raise Broken("a tile-part is cut short")
    if _NO_CODED_DATA.search(data, position + 2, end) or data[end - 1 : end] == b"\xff":
        raise Broken("a tile-part holds a code that cannot stand in coded data")


def _read(data: bytes, in_jp2: bool) -> Codestream2000:
    length, _, x1, y1, x0, y0, tile_x, tile_y, tile_x0, tile_y0 = struct.unpack_from(">HHIIIIIIII", data, 4)
    count = struct.unpack_from(">H", data, 40)[0]
    sizes = {data[42 + 3 * k : 45 + 3 * k] for k in range(count)}
    if len(sizes) != 1:
        raise Broken("its components differ in precision, sign or sampling")
    ssiz, dx, dy = sizes.pop()
    if (dx, dy) != (1, 1):
        raise Broken("its components are subsampled")
    if not tile_x or not tile_y:
        raise Broken("its tiles have no size")
    transform, irreversible, position, coded = False, False, 4 + length, False
    while position + 4 <= len(data):
        marker, size = struct.unpack_from(">HH", data, position)
        if marker == _SOT:
            break
        if marker == _COD:
            coded, transform, irreversible = True, data[position + 8] == 1, irreversible or data[position + 13] == 0
        elif marker == _COC:
            wide = 2 if count > 256 else 1
            irreversible = irreversible or data[position + 4 + wide + 5] == 0
        position += 2 + size
    if not coded:
        raise Broken("its main header has no COD marker")
    if _EOC not in data[-16:]:  # padding may follow it
        raise Broken("the End of Codestream marker is missing")
    return Codestream2000(
        data=data,
        rows=y1 - y0,
        columns=x1 - x0,
        components=count,
        precision=(ssiz & 0x7F) + 1,
        signed=bool(ssiz & 0x80),
        component_transform=transform,
        tiles=-(-(x1 - tile_x0) // tile_x) * -(-(y1 - tile_y0) // tile_y),
        first_tile_part=position,
        irreversible=irreversible,
        in_jp2=in_jp2,
    )


def _unwrap(data: bytes) -> bytes:
    """Return the contiguous codestream box of a JP2 file (ISO/IEC 15444-1 I.5.4)."""
    position = 0
    while position + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, position)
        header = 8
        if size == 1 and position + 16 <= len(data):
            size, header = struct.unpack_from(">Q", data, position + 8)[0], 16
        if kind == b"jp2c":
            return data[position + header : position + size if size else len(data)]
        if size < header:
            break
        position += size
    raise Broken("its JP2 file holds no codestream")
