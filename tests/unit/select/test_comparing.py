"""The content of two files with one SOP Instance UID, from files that pydicom writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from mediacreator.errors import SourceChanged
from mediacreator.model import Header, SourceFile
from mediacreator.rules.wanted import wanted
from mediacreator.scan import scan
from mediacreator.select import ContentComparer, Likeness
from tests.headers import CT_IMAGE, ROOT

REPORT = "1.2.840.10008.5.1.4.1.1.88.11"

Make = Callable[..., Header]


class Silent:
    def start(self, stage: str, count: int, size: int) -> None: ...
    def advance(self, count: int, size: int) -> None: ...


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write an instance and scan it."""
    made = 0

    def instance(syntax: str = ExplicitVRLittleEndian, pixels: bytes | None = b"\1\2" * 8, **values: Any) -> Header:
        nonlocal made
        made += 1
        path = tmp_path / str(made)
        _write(path, syntax, pixels, values)
        found = path.stat()
        file = SourceFile(made, str(path), found.st_size, found.st_mtime_ns)
        (header,) = scan([file], wanted(), workers=1, progress=Silent()).headers
        return header

    return instance


def _write(path: Path, syntax: str, pixels: bytes | None, values: dict[str, Any]) -> None:
    data_set = Dataset()
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = syntax  # type: ignore[assignment]
    data_set.SOPClassUID = CT_IMAGE if pixels is not None else REPORT
    data_set.SOPInstanceUID = f"{ROOT}.9.1"
    data_set.PatientID = "P-1"
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID = f"{ROOT}.1.1", f"{ROOT}.2.1"
    if pixels is not None:
        data_set.Rows, data_set.Columns, data_set.SamplesPerPixel = 2, 4, 1
        data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit = 16, 16, 15
        data_set.PixelRepresentation, data_set.PhotometricInterpretation = 0, "MONOCHROME2"
        data_set.PixelData = pixels
        data_set["PixelData"].VR = "OW"
        if syntax == RLELossless:
            data_set["PixelData"].is_undefined_length = True
    for keyword, value in values.items():
        setattr(data_set, keyword, value)
    data_set.save_as(path, enforce_file_format=True)


def test_two_files_of_one_data_set_are_identical(make: Make) -> None:
    assert ContentComparer()(make(), make()) is Likeness.IDENTICAL


def test_other_attributes_and_the_same_pixels(make: Make) -> None:
    assert ContentComparer()(make(), make(StudyID="X")) is Likeness.SAME_PIXELS


def test_implicit_and_explicit_little_endian_hold_the_same_pixels(make: Make) -> None:
    assert ContentComparer()(make(), make(ImplicitVRLittleEndian)) is Likeness.SAME_PIXELS


def test_one_other_pixel(make: Make) -> None:
    assert ContentComparer()(make(), make(pixels=b"\1\2" * 7 + b"\1\3")) is Likeness.DIFFERENT


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("Rows", 4),
        ("BitsStored", 12),
        ("PixelRepresentation", 1),
        ("PhotometricInterpretation", "MONOCHROME1"),
        ("NumberOfFrames", 2),
    ],
)
def test_the_same_bytes_that_mean_other_pixels(make: Make, keyword: str, value: object) -> None:
    twice = b"\1\2" * 16  # enough for either
    assert ContentComparer()(make(pixels=twice), make(pixels=twice, **{keyword: value})) is Likeness.DIFFERENT


def test_one_frame_said_or_not_is_the_same(make: Make) -> None:
    assert ContentComparer()(make(), make(NumberOfFrames=1)) is Likeness.SAME_PIXELS


def test_fragments_are_compared_without_their_offset_table(make: Make) -> None:
    frame = b"\1" * 40
    one = make(RLELossless, encapsulate([frame], has_bot=True))
    other = make(RLELossless, encapsulate([frame], has_bot=False))
    assert ContentComparer()(one, other) is Likeness.SAME_PIXELS


def test_other_codestreams_are_decoded_or_unknown(make: Make) -> None:
    one, other = make(RLELossless, encapsulate([b"\1" * 40])), make(RLELossless, encapsulate([b"\2" * 40]))
    answers: list[bool | None] = [True, False, None]
    comparer = ContentComparer(lambda first, second: answers.pop(0))

    assert ContentComparer()(one, other) is Likeness.UNKNOWN
    found = [comparer(one, other) for _ in range(3)]
    assert found == [Likeness.SAME_PIXELS, Likeness.DIFFERENT, Likeness.UNKNOWN]


def test_another_encoding_is_decoded_or_unknown(make: Make) -> None:
    one, other = make(), make(RLELossless, encapsulate([b"\1" * 40]))

    assert ContentComparer()(one, other) is Likeness.UNKNOWN
    assert ContentComparer(lambda first, second: True)(one, other) is Likeness.SAME_PIXELS


def test_reports_are_the_same_in_every_encoding_and_else_different(make: Make) -> None:
    one = make(pixels=None, StudyID="X")

    assert ContentComparer()(one, make(ImplicitVRLittleEndian, None, StudyID="X")) is Likeness.IDENTICAL
    assert ContentComparer()(one, make(pixels=None, StudyID="Y")) is Likeness.DIFFERENT
    assert ContentComparer()(one, make()) is Likeness.DIFFERENT


def test_a_source_that_changed_ends_the_job(make: Make) -> None:
    one, other = make(), make()
    Path(other.source.path).write_bytes(b"something else")

    with pytest.raises(SourceChanged):
        ContentComparer()(one, other)


def test_a_file_is_read_once_however_often_it_is_compared(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediacreator.select import comparing

    reads: list[int] = []
    read = comparing._read

    def counted(header: Header, offset: int, size: int) -> Iterator[bytes]:
        reads.append(header.source.number)
        return read(header, offset, size)

    monkeypatch.setattr(comparing, "_read", counted)
    comparer, headers = ContentComparer(), [make(StudyID=f"{n}") for n in range(4)]
    for header in headers:
        comparer(headers[0], header)

    assert sorted(reads) == [1, 1, 2, 2, 3, 3, 4, 4]  # the Data Set and the pixels of each


def test_what_cannot_be_read_is_unknown_and_never_guessed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediacreator.errors import SourceUnreadable
    from mediacreator.select import comparing

    def fail(header: Header, offset: int, size: int) -> Iterator[bytes]:
        raise SourceUnreadable(f"{header.source.location} cannot be read")

    monkeypatch.setattr(comparing, "_read", fail)

    assert ContentComparer()(make(), make()) is Likeness.UNKNOWN


def test_fragments_that_are_cut_off_are_unknown(make: Make) -> None:
    one, other = (make(RLELossless, encapsulate([b"\1" * 4000]), StudyID=study) for study in ("X", "YY1"))
    place = one.pixel_data
    assert place is not None
    for header in (one, other):
        path = Path(header.source.path)
        stat = path.stat()
        path.write_bytes(path.read_bytes()[: place.offset + 100])
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert ContentComparer()(one, other) is Likeness.UNKNOWN
