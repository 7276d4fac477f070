"""DVD images with both file systems: one set of data, two trees, and an ISO 9660 part as pycdlib would write it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from mediacreator.errors import InternalError, MediaTooSmall
from mediacreator.formats import udf_bridge
from mediacreator.formats.iso9660_reader import IsoTree
from mediacreator.formats.iso9660_writer import lay_out as lay_out_by_pycdlib
from mediacreator.formats.placing import PlacedFile
from mediacreator.formats.udf_partitions import merged
from mediacreator.formats.udf_reader import UdfTree
from tests.discs import CREATED
from tests.udf import BLOCK, files_of, write

TREE = {"DICOMDIR": b"d" * 5000, "DICOM/A/IM1": b"1" * 2048, "DICOM/IM2": b"2", "A.TXT": b"", "A": b"a", "A1/X": b"x"}
TREE |= {f"MANY/IM{number:06}": b"%d" % number for number in range(100)}


def bridge(folder: Path, tree: dict[str, bytes]) -> str:
    placement = udf_bridge.lay_out(files_of(tree), volume_id="FILESET_1", created=CREATED)
    assert placement.size == udf_bridge.image_size(files_of(tree))
    return str(write(folder / "bridge.iso", placement, tree))


def test_both_trees_name_the_same_bytes(tmp_path: Path) -> None:
    path = bridge(tmp_path, TREE)
    with IsoTree(path) as iso, UdfTree(path) as udf:
        assert iso.label == udf.label == "FILESET_1"
        assert iso.findings == udf.findings == ()
        assert {file.name: iso.open(file.path).read() for file in iso.files()} == TREE
        assert {(file.path, file.size, file.mtime_ns, merged(file.extents)) for file in iso.files()} == {
            (file.path, file.size, file.mtime_ns, file.extents) for file in udf.files()
        }


def test_iso_part_is_what_pycdlib_writes_elsewhere() -> None:
    """The second witness: descriptors but for places, and directory records but for places and padding (ECMA-119)."""
    placement = udf_bridge.lay_out(files_of(TREE), volume_id="FILESET_1", created=CREATED)
    ours = bytearray(placement.offsets[0])
    for offset, data in placement.segments:
        if offset < len(ours):
            ours[offset : offset + len(data)] = data
    (late,) = lay_out_by_pycdlib(files_of(TREE), volume_id="FILESET_1", created=CREATED).late
    theirs = late.make()
    assert _without_places(ours[16 * BLOCK : 17 * BLOCK]) == _without_places(theirs[16 * BLOCK : 17 * BLOCK])
    assert ours[17 * BLOCK : 18 * BLOCK] == theirs[17 * BLOCK : 18 * BLOCK]
    assert _records(bytes(ours)) == _records(theirs)


def _without_places(descriptor: bytes | bytearray) -> bytes:
    """Leave out volume space, locations of path tables, and the root's extent (BP 81, 141 to 156, 159)."""
    data = bytearray(descriptor)
    for begin, end in ((80, 88), (140, 156), (158, 166)):
        data[begin:end] = bytes(end - begin)
    return bytes(data)


def _records(image: bytes) -> dict[bytes, list[bytes]]:
    """Return the records of each directory by path, without their extents."""
    found: dict[bytes, list[bytes]] = {}
    root = struct.unpack_from("<I", image, 16 * BLOCK + 158)[0], struct.unpack_from("<I", image, 16 * BLOCK + 166)[0]
    pending = [(b"/", *root)]
    while pending:
        path, block, size = pending.pop()
        data, position = image[block * BLOCK : block * BLOCK + size], 0
        found[path] = []
        while position < len(data):
            length = data[position]
            if not length:
                position = (position // BLOCK + 1) * BLOCK
                continue
            one = data[position : position + length]
            found[path].append(one[:2] + one[10:])
            if one[25] & 2 and one[33] > 1:
                pending.append((path + one[33 : 33 + one[32]] + b"/", *struct.unpack_from("<I4xI", one, 2)))
            position += length
    return found


def test_large_file_takes_several_extents_in_iso(tmp_path: Path) -> None:
    """PS3.12 P.2.2 allows level 3; sparse, so that the test is quick."""
    size = (4 << 30) + 5
    files = [PlacedFile(("BIG",), size, CREATED), PlacedFile(("Z",), 1, CREATED)]
    placement = udf_bridge.lay_out(files, volume_id="BIG", created=CREATED)
    path = tmp_path / "big.iso"
    with path.open("wb") as out:
        out.truncate(placement.size)
        for offset, data in placement.segments:
            out.seek(offset)
            out.write(data)
        out.seek(placement.offsets[0] + size - 3)
        out.write(b"end")
    with IsoTree(str(path)) as iso, UdfTree(str(path)) as udf:
        for tree in (iso, udf):
            big = tree.find(("BIG",))
            assert big is not None
            assert merged(big.extents)[0].size == big.size == size
            stream = tree.open(("BIG",))
            stream.seek(size - 3)
            assert stream.read() == b"end"
            assert tree.findings == ()
        assert [len(file.extents) for file in iso.files()] == [2, 1]


@pytest.mark.parametrize("path", ["a", "TOOLONGNAME", "A-B", "A.LONG", "A.B.C", "D.X/F", "A;1"])
def test_names_outside_level_1_are_refused(path: str) -> None:
    with pytest.raises(InternalError):
        udf_bridge.image_size([PlacedFile(tuple(path.split("/")), 1, CREATED)])


def test_eight_components_can_be_recorded(tmp_path: Path) -> None:
    """PS3.10 8.2."""
    tree = {"A/B/C/D/E/F/G/H": b"deep"}
    with IsoTree(bridge(tmp_path, tree)) as iso:
        assert [(file.name, iso.open(file.path).read()) for file in iso.files()] == list(tree.items())
        assert iso.findings == ()


def test_more_directories_than_a_path_table_numbers_are_refused() -> None:
    files = [PlacedFile((f"D{number // 256:06}", f"E{number:06}", "F"), 1, CREATED) for number in range(65_300)]
    with pytest.raises(MediaTooSmall):
        udf_bridge.image_size(files)
