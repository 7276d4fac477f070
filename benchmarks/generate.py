"""Make many small CT instances, quickly and always the same: legal File IDs, three shapes of directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from mediacreator.dicomio.elements import encode_element
from mediacreator.dicomio.filemeta import preamble_and_meta
from mediacreator.rules.uids import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
MULTIFRAME_GRAYSCALE_WORD = "1.2.840.10008.5.1.4.1.1.7.3"
UID_ROOT = "2.25.3041770212"

SHAPES = {"200-a-series": 200, "one-series": 10**9, "one-a-series": 1}
"""Instances in each series."""

# A CT header as modalities write it: tag, VR, value; {n} is the instance, {s} the series.
_TEMPLATE: tuple[tuple[int, str, str | bytes], ...] = (
    (0x00080005, "CS", "ISO_IR 100"),
    (0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
    (0x00080012, "DA", "20260301"),
    (0x00080013, "TM", "101500"),
    (0x00080016, "UI", CT_IMAGE_STORAGE),
    (0x00080018, "UI", UID_ROOT + ".1.{s}.{n}"),
    (0x00080020, "DA", "20260301"),
    (0x00080021, "DA", "20260301"),
    (0x00080022, "DA", "20260301"),
    (0x00080023, "DA", "20260301"),
    (0x00080030, "TM", "101112"),
    (0x00080031, "TM", "101213"),
    (0x00080032, "TM", "101314"),
    (0x00080033, "TM", "101415"),
    (0x00080050, "SH", "A1234567"),
    (0x00080060, "CS", "CT"),
    (0x00080070, "LO", "Phantom Works"),
    (0x00080080, "LO", "Example Hospital"),
    (0x00080090, "PN", "Referring^Physician"),
    (0x00081030, "LO", "CT thorax"),
    (0x0008103E, "LO", "Series {s}"),
    (0x00100010, "PN", "Bench^Mark"),
    (0x00100020, "LO", "BENCH1"),
    (0x00100030, "DA", "19700101"),
    (0x00100040, "CS", "O"),
    (0x00180015, "CS", "CHEST"),
    (0x00180050, "DS", "5"),
    (0x00180060, "DS", "120"),
    (0x0020000D, "UI", UID_ROOT + ".2"),
    (0x0020000E, "UI", UID_ROOT + ".3.{s}"),
    (0x00200010, "SH", "1"),
    (0x00200011, "IS", "{s}"),
    (0x00200012, "IS", "1"),
    (0x00200013, "IS", "{n}"),
    (0x00200032, "DS", "-125\\-125\\{n}"),
    (0x00200037, "DS", "1\\0\\0\\0\\1\\0"),
    (0x00200052, "UI", UID_ROOT + ".4"),
    (0x00280002, "US", b"\x01\x00"),
    (0x00280004, "CS", "MONOCHROME2"),
    (0x00280010, "US", b""),
    (0x00280011, "US", b""),
    (0x00280030, "DS", "0.5\\0.5"),
    (0x00280100, "US", b"\x10\x00"),
    (0x00280101, "US", b"\x0c\x00"),
    (0x00280102, "US", b"\x0b\x00"),
    (0x00280103, "US", b"\x00\x00"),
    (0x00281050, "DS", "40"),
    (0x00281051, "DS", "400"),
    (0x00281052, "DS", "-1024"),
    (0x00281053, "DS", "1"),
)


def make(
    folder: Path,
    count: int,
    per_series: int,
    side: int = 16,
    pixels: Callable[[int], bytes] | None = None,
    *,
    first: int = 0,
) -> Path:
    """Write ``count`` instances of ``side`` x ``side`` pixels below ``folder``, 200 files to a folder.

    Names are legal File IDs, so that dcmmkdir can index them where they lie. ``pixels`` gives those of an instance,
    ``first`` is the number of the first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        place = folder / f"D{number // 200:07}"
        if number % 200 == 0 or number == first:
            place.mkdir()
        descriptor = os.open(place / f"IM{number:06}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.writev(descriptor, list(_instance(number, per_series, side, pixels)))
        os.close(descriptor)
    return folder


def make_multiframe(path: Path, number: int, frames: int, side: int, *, implicit: bool) -> None:
    """Write one multi-frame Secondary Capture of ``frames`` x ``side`` x ``side`` 16-bit zeros, sparse on the disk."""
    syntax = IMPLICIT_VR_LITTLE_ENDIAN if implicit else EXPLICIT_VR_LITTLE_ENDIAN
    length = frames * side * side * 2
    values: dict[int, tuple[str, str | bytes]] = {
        tag: (vr, value) for tag, vr, value in _TEMPLATE if tag not in {0x00200032, 0x00200037, 0x00281052, 0x00281053}
    }
    values[0x00080016] = ("UI", MULTIFRAME_GRAYSCALE_WORD)
    values[0x00080018] = ("UI", f"{UID_ROOT}.9.{number}")
    values[0x0020000E] = ("UI", f"{UID_ROOT}.8.{number}")
    values[0x00280008] = ("IS", str(frames))
    with path.open("wb") as file:
        file.write(preamble_and_meta(MULTIFRAME_GRAYSCALE_WORD, f"{UID_ROOT}.9.{number}", syntax))
        for tag, (vr, value) in sorted(values.items()):
            element = encode_element(tag, vr, _filled(value, str(number), str(number)) or side.to_bytes(2, "little"))
            file.write(element[:4] + len(element[8:]).to_bytes(4, "little") + element[8:] if implicit else element)
        file.write(b"\xe0\x7f\x10\x00" + (b"" if implicit else b"OW\0\0") + length.to_bytes(4, "little"))
        file.truncate(file.tell() + length)


def _instance(number: int, per_series: int, side: int, pixels: Callable[[int], bytes] | None) -> Iterator[bytes]:
    series = str(number // per_series + 1)
    index = str(number % per_series + 1)
    yield preamble_and_meta(CT_IMAGE_STORAGE, f"{UID_ROOT}.1.{series}.{index}", EXPLICIT_VR_LITTLE_ENDIAN)
    size = side.to_bytes(2, "little")
    for tag, vr, value in _TEMPLATE:
        yield encode_element(tag, vr, _filled(value, series, index) or size)
    plain = bytes([number & 0x7F, number >> 7 & 0x07])
    yield encode_element(0x7FE00010, "OW", pixels(number) if pixels else plain * (side * side))


def _filled(value: str | bytes, series: str, index: str) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.replace("{s}", series).replace("{n}", index).encode("ascii")


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]), SHAPES[sys.argv[3]], int(sys.argv[4]) if len(sys.argv) > 4 else 16)
