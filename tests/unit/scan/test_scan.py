"""The scan: what is a Header, what is not and why, the same for any number of workers."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from benchmarks.generate import make
from mediacreator.model import Outcome, Scan, Severity, SourceFile
from mediacreator.rules.library import load_profile
from mediacreator.rules.wanted import wanted
from mediacreator.scan import CHUNK, scan
from mediacreator.sources import find_sources
from tests.instances import ct, write, write_ct

KEYS = wanted([load_profile("STD-GEN-CD")])


class Counting:
    """A Progress that adds up."""

    def __init__(self) -> None:
        self.announced = self.done = 0

    def start(self, stage: str, count: int, size: int) -> None:
        self.announced += count

    def advance(self, count: int, size: int) -> None:
        self.done += count


def scanned(*paths: Path, workers: int = 1) -> Scan:
    return scan(find_sources([str(path) for path in paths]).files, KEYS, workers=workers, progress=Counting())


def codes(result: Scan) -> list[tuple[Outcome, str]]:
    return [(entry.outcome, entry.finding.code) for entry in result.others]


def test_dicom_is_told_by_content_and_never_by_name(tmp_path: Path) -> None:
    write_ct(tmp_path / "picture.jpg")
    (tmp_path / "IM001.dcm").write_text("a letter")
    result = scanned(tmp_path)
    assert [header.source.path for header in result.headers] == [str(tmp_path / "picture.jpg")]
    assert codes(result) == [(Outcome.NOT_DICOM, "not-dicom")]


def test_an_empty_file_is_told_apart_since_it_may_be_a_copy_that_failed(tmp_path: Path) -> None:
    (tmp_path / "empty.dcm").touch()
    result = scanned(tmp_path)
    assert codes(result) == [(Outcome.NOT_DICOM, "empty-file")]
    assert result.others[0].finding.severity is Severity.WARNING


@pytest.mark.parametrize("left", [132, 140, 150, 180, 260])
def test_a_file_that_ends_before_its_data_set_is_truncated(tmp_path: Path, left: int) -> None:
    """PS3.10 7.2: whoever reads "StudyInstanceUID is missing" looks for the fault in the wrong place."""
    path = write_ct(tmp_path / "a")
    data = path.read_bytes()
    assert left < 144 + int.from_bytes(data[140:144], "little")
    path.write_bytes(data[:left])
    assert codes(scanned(tmp_path)) == [(Outcome.REJECTED, "truncated-file")]


def test_a_dicomdir_is_left_out(tmp_path: Path) -> None:
    from mediacreator.dicomio.dicomdir import encode_dicomdir

    (tmp_path / "whatever").write_bytes(encode_dicomdir("X", "2.25.1", []))
    assert codes(scanned(tmp_path)) == [(Outcome.LEFT_OUT, "dicomdir")]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian], ids=["implicit", "big endian"])
def test_values_do_not_depend_on_the_transfer_syntax(tmp_path: Path, syntax: UID) -> None:
    write(tmp_path / "a", ct(PatientName="Müller^Ä"))
    dataset = ct(PatientName="Müller^Ä")
    write(tmp_path / "b", dataset, syntax)
    one, other = scanned(tmp_path).headers
    assert one.attributes == other.attributes
    assert one.attributes["Rows"] == b"\x08\x00"
    assert other.transfer_syntax_uid == syntax


def test_truncated_pixel_data_is_rejected_whether_cut_or_short(tmp_path: Path) -> None:
    cut = write_ct(tmp_path / "cut")
    cut.write_bytes(cut.read_bytes()[:-1])
    write_ct(tmp_path / "short", PixelData=bytes(126))
    write_ct(tmp_path / "long", PixelData=bytes(130))
    result = scanned(tmp_path)
    assert codes(result) == [(Outcome.REJECTED, "truncated-pixel-data")] * 2
    assert [Path(header.source.path).name for header in result.headers] == ["long"]


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "YBR_PARTIAL_422"])
def test_native_pixels_with_half_the_chrominance_are_whole(tmp_path: Path, photometric: str) -> None:
    """PS3.3 C.7.6.3.1.2: two samples of chrominance for two pixels; the second name is retired and still met."""
    colour: dict[str, Any] = {"SamplesPerPixel": 3, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    colour["PixelData"] = bytes(128)
    write_ct(tmp_path / "a", PhotometricInterpretation=photometric, PlanarConfiguration=0, **colour)
    assert [len(codes(scanned(tmp_path))), len(scanned(tmp_path).headers)] == [0, 1]


def test_an_image_without_pixels_is_taken_and_told(tmp_path: Path) -> None:
    write_ct(tmp_path / "a", PixelData=None)
    result = scanned(tmp_path)
    assert len(result.headers) == 1
    assert [finding.code for finding in result.findings] == ["no-pixel-data"]


def test_meta_information_that_names_another_instance_is_told(tmp_path: Path) -> None:
    path = write_ct(tmp_path / "a")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"2.25.77.1.1.1", b"2.25.77.1.1.9", 1))  # the first is in group 0002
    result = scanned(tmp_path)
    assert result.headers[0].sop_instance_uid == "2.25.77.1.1.1"
    assert [finding.code for finding in result.findings] == ["meta-mismatch"]


def test_a_file_that_vanished_is_rejected(tmp_path: Path) -> None:
    ghost = SourceFile(1, str(tmp_path / "gone"), 100, 0)
    result = scan([ghost], KEYS, workers=1, progress=Counting())
    assert codes(result) == [(Outcome.REJECTED, "unreadable")]
    assert str(tmp_path) not in str(result.others[0].finding)


def test_archives_are_read_in_place_and_named_when_they_are_not(tmp_path: Path) -> None:
    write_ct(tmp_path / "a")
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "a", "deep/in/it")
    os.rename(tmp_path / "a", tmp_path / "b")
    (tmp_path / "unnamed").write_bytes((tmp_path / "x.zip").read_bytes())
    result = scanned(tmp_path)
    assert len(result.headers) == 2
    assert result.headers[0].attributes == result.headers[1].attributes
    assert ["ZIP archive" in entry.finding.what for entry in result.others] == [True]


def test_any_number_of_workers_gives_the_same(tmp_path: Path) -> None:
    folder = make(tmp_path / "many", 3 * CHUNK + 7, 50)
    (folder / "D0000001" / "IM000203").write_text("no")
    results = [scanned(folder, workers=workers) for workers in (1, 2, 5)]
    assert len(results[0].headers) == 3 * CHUNK + 6
    assert results[0] == results[1] == results[2]


def test_progress_counts_every_file(tmp_path: Path) -> None:
    folder = make(tmp_path / "many", CHUNK + 3, 50)
    counting = Counting()
    scan(find_sources([str(folder)]).files, KEYS, workers=2, progress=counting)
    assert (counting.announced, counting.done) == (CHUNK + 3, CHUNK + 3)


def test_equal_values_are_one_object(tmp_path: Path) -> None:
    """50,000 headers hold each name once: the memory goal rests on it."""
    folder = make(tmp_path / "many", 20, 50)
    names = {id(header.attributes["PatientName"]) for header in scanned(folder).headers}
    assert len(names) == 1


def test_a_header_longer_than_the_first_read(tmp_path: Path) -> None:
    """Siemens keeps 100 KB of private data before the pixels; what is wanted lies behind it."""
    dataset = ct()
    dataset.add_new(0x00110010, "LO", "TEST")
    dataset.add_new(0x00111001, "OB", bytes(100_000))
    write(tmp_path / "a", dataset)
    (header,) = scanned(tmp_path).headers
    assert header.attributes["PatientID"].strip() == b"TEST1"
    assert header.pixel_data is not None
    assert header.pixel_data.length == 128


@pytest.mark.parametrize("stated", [ImplicitVRLittleEndian, ExplicitVRLittleEndian], ids=["implicit", "explicit"])
def test_a_file_that_lies_about_its_transfer_syntax_is_read_as_it_is(tmp_path: Path, stated: UID) -> None:
    """It would be copied as it is and no strict reader could open it."""
    found = {ImplicitVRLittleEndian: ExplicitVRLittleEndian, ExplicitVRLittleEndian: ImplicitVRLittleEndian}[stated]
    data = write(tmp_path / "right", ct(), found).read_bytes()
    meta = write(tmp_path / "other", ct(), stated).read_bytes()

    def split(whole: bytes) -> int:
        return 144 + int.from_bytes(whole[140:144], "little")

    (tmp_path / "right").unlink()
    (tmp_path / "other").write_bytes(meta[: split(meta)] + data[split(data) :])
    result = scanned(tmp_path)
    assert codes(result) == []
    (header,) = result.headers
    assert header.transfer_syntax_uid == found
    assert header.attributes["PatientID"].strip() == b"TEST1"
    assert header.pixel_data is not None
    assert header.pixel_data.length == 128
    assert [finding.code for finding in result.findings] == ["transfer-syntax-mislabelled"]


def test_a_sequence_that_cannot_be_read_costs_its_key_and_not_the_image(tmp_path: Path) -> None:
    """Found by fuzzing: such a sequence ended the whole run."""
    dataset = ct()
    dataset.add_new(0x00081140, "SQ", [])
    path = write(tmp_path / "a", dataset)
    data = path.read_bytes()
    header = b"\x08\x00\x40\x11SQ\0\0"
    broken = data.replace(header + b"\0\0\0\0", header + b"\x08\0\0\0" + b"\x10\x00\x10\x00PN\xff\xff")
    assert broken != data
    path.write_bytes(broken)
    result = scanned(tmp_path)
    (found,) = result.headers
    assert "ReferencedImageSequence" not in found.attributes
    assert [finding.code for finding in result.findings] == ["malformed-sequence"]


@pytest.mark.parametrize("prefix", [True, False], ids=["with prefix", "without"])
def test_a_medium_that_cannot_be_read_is_not_taken_for_something_else(
    tmp_path: Path, prefix: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scratched disc fails in the middle of a file: that instance is rejected, never called not DICOM."""
    import pydicom

    path = write(tmp_path / "a", ct(), ExplicitVRBigEndian)
    if not prefix:
        data = path.read_bytes()
        path.write_bytes(data[144 + int.from_bytes(data[140:144], "little") :])

    def scratched(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(pydicom, "dcmread", scratched)
    assert codes(scanned(tmp_path)) == [(Outcome.REJECTED, "unreadable")]
