"""Duplicates in two encodings: equal pixels are told equal, different ones different, undecodable ones neither."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian

from mediacreator.model import Header, Silent
from mediacreator.rules.library import load_profile
from mediacreator.rules.wanted import wanted
from mediacreator.scan import scan
from mediacreator.sources import find_sources
from mediacreator.transcode.comparing import same_pixels
from tests.instances import ct, write
from tests.oracles import needs, run


def header(path: Path) -> Header:
    (found,) = scan(
        find_sources([str(path)]).files, wanted([load_profile("STD-GEN-CD")]), workers=1, progress=Silent()
    ).headers
    return found


@needs("dcmcjpeg", "dcmcrle", "dcmcjpls")
@pytest.mark.parametrize("coder", [("dcmcjpeg", "+e1"), ("dcmcrle",), ("dcmcjpls", "+el")], ids=lambda c: c[0])
def test_what_dcmtk_compressed_losslessly_is_the_same(tmp_path: Path, coder: tuple[str, ...]) -> None:
    plain = write(tmp_path / "plain", ct())
    run(*coder, plain, tmp_path / "coded")
    assert same_pixels(header(plain), header(tmp_path / "coded")) is True

    other = write(tmp_path / "other", ct(number=2))
    assert same_pixels(header(other), header(tmp_path / "coded")) is False


def test_implicit_and_explicit_are_the_same_pixels(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a", ct()), write(tmp_path / "b", ct(), ImplicitVRLittleEndian)
    assert same_pixels(header(one), header(other)) is True


@needs("dcmcjpeg")
def test_what_cannot_be_decoded_is_not_judged(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", ct())
    run("dcmcjpeg", "+e1", plain, tmp_path / "coded")
    damaged = dcmread(tmp_path / "coded")
    damaged.PixelData = damaged.PixelData[:24] + bytes(len(damaged.PixelData) - 32) + damaged.PixelData[-8:]
    damaged.save_as(tmp_path / "damaged")
    assert same_pixels(header(plain), header(tmp_path / "damaged")) is None
