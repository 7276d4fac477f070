"""An image with two file systems is wrong when they differ. PS3.12 P.2.1, P.2.2."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediacreator.errors import VerificationFailed
from mediacreator.formats import IsoTree
from mediacreator.image import BRIDGE, write_udf
from mediacreator.model import Finding, MediaImage
from mediacreator.verify import UDF, bridge_differences, verify_image, verify_iso
from tests.discs import CREATED, Counter, codes, disc
from tests.udf import BLOCK, Raw

TREE = {"DICOMDIR": b"d" * 5000, "A/IM1": b"1" * 2048, "A/IM2": b"2" * 2048}
LOGICAL, FILE_SET = 6, 256  # Tag Identifiers


@pytest.fixture
def made(tmp_path: Path) -> MediaImage:
    path = str(tmp_path / "bridge.iso")
    return write_udf(path, revision=BRIDGE, volume_id="X", files=disc(TREE), created=CREATED, progress=Counter())


def found_by(image: MediaImage) -> list[Finding]:
    with IsoTree(image.path) as tree:
        return list(bridge_differences(tree))


def differences(image: MediaImage) -> list[str]:
    return codes(found_by(image))


def test_what_was_written_is_read_back_through_both(made: MediaImage) -> None:
    assert differences(made) == []
    for verified in (
        verify_iso(made.path, made, volume_id="X", inspect=bridge_differences, progress=Counter()),
        verify_image(made.path, made, UDF, volume_id="X", progress=Counter()),
    ):
        assert verified.files == made.files
        assert len(verified.sha256) == 64


def test_a_file_that_lies_elsewhere_in_udf(made: MediaImage) -> None:
    raw = Raw.of(made.path)
    entry = raw.entries(5)[1]
    raw.put(entry, "<I", int.from_bytes(raw.data[entry + 180 : entry + 184], "little") + 1, at=180)
    Path(made.path).write_bytes(raw.data)
    assert differences(made) == ["verify-bridge"]
    with pytest.raises(VerificationFailed):
        verify_iso(made.path, made, inspect=bridge_differences, progress=Counter())


def test_a_volume_that_is_none(made: MediaImage) -> None:
    raw = Raw.of(made.path)
    for found in raw.all(FILE_SET):
        raw.data[found.block * BLOCK] ^= 1
    Path(made.path).write_bytes(raw.data)
    assert differences(made) == ["verify-bridge"]


def test_differing_identifiers(made: MediaImage) -> None:
    raw = Raw.of(made.path)
    for found in raw.all(LOGICAL):
        raw.put(found.block * BLOCK, "2s", b"\x08Y", at=84)
    Path(made.path).write_bytes(raw.data)
    (finding,) = found_by(made)
    assert "identifiers" in finding.what
