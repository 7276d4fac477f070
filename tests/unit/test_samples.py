"""The samples are what their script makes, hang together, and tell nobody's name in a path."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from samples import awkward, patient1, patient2, patient3, patient4
from samples.iods import Sample
from samples.make_samples import all_samples, main, readme
from samples.patient3 import rle_frame

FOLDER = Path(__file__).parents[2] / "samples"
GROUPS = ("patient1", "patient2", "patient3", "patient4", "awkward")
UNREADABLE = {"awkward/truncated.dcm", "awkward/IMG001.dcm"}


@pytest.fixture(scope="module")
def made() -> tuple[Sample, ...]:
    """Every sample made anew; takes some seconds."""
    return all_samples()


@pytest.fixture(scope="module")
def instances() -> dict[str, Dataset]:
    """The committed samples that can be read, by path."""
    paths = (path for group in GROUPS for path in sorted((FOLDER / group).rglob("*")) if path.is_file())
    names = {path.relative_to(FOLDER).as_posix(): path for path in paths}
    return {name: dcmread(path) for name, path in names.items() if name not in UNREADABLE}


def unlike(made: bytes, committed: bytes) -> str:
    """Say how two files differ, "" when they do not.

    Another release of a codec or of zlib may pack the same content into other bytes; only there is content compared.
    """
    if made == committed:
        return ""
    try:
        return _unlike_content(dcmread(BytesIO(made)), dcmread(BytesIO(committed)))
    except (InvalidDicomError, RuntimeError, ValueError, EOFError, zlib.error) as exc:
        return f"not readable: {exc}"


def _unlike_content(new: Dataset, old: Dataset) -> str:
    syntax = UID(old.file_meta.TransferSyntaxUID)
    if not syntax.is_compressed or new.file_meta != old.file_meta:
        return "other bytes"
    if syntax == DeflatedExplicitVRLittleEndian:
        return "" if new == old else "other content"
    tolerance = 0 if old.get("LossyImageCompression", "00") == "00" else 4
    pixels = [dataset.pixel_array.astype(np.int32) for dataset in (new, old)]
    for dataset in (new, old):
        del dataset.PixelData
        dataset.pop("LossyImageCompressionRatio", None)
    if new != old or pixels[0].shape != pixels[1].shape:
        return "other attributes"
    return "" if int(np.abs(pixels[0] - pixels[1]).max()) <= tolerance else "other pixels"


def test_the_committed_files_are_what_the_script_makes(made: tuple[Sample, ...]) -> None:
    differences = {sample.path: unlike(sample.data, (FOLDER / sample.path).read_bytes()) for sample in made}

    assert not {path: how for path, how in differences.items() if how}


def test_nothing_else_lies_among_them(made: tuple[Sample, ...]) -> None:
    found = {path.relative_to(FOLDER).as_posix() for group in GROUPS for path in (FOLDER / group).rglob("*")}
    folders = {path.parent for path in map(Path, found)}

    assert {path for path in found if Path(path) not in folders} == {sample.path for sample in made}


def test_the_readme_says_what_every_file_is_for(made: tuple[Sample, ...]) -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")

    assert page == readme(made)
    for sample in made:
        assert f"| `{sample.path}` | {sample.purpose} | `make_samples.py` | MIT |" in page
        assert sample.purpose


def test_the_script_writes_them_below_a_folder(
    made: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samples.make_samples.all_samples", lambda: made)

    assert main(tmp_path) == 0

    assert all((tmp_path / sample.path).read_bytes() == sample.data for sample in made)
    assert (tmp_path / "README.md").exists()


def test_they_are_small(made: tuple[Sample, ...]) -> None:
    assert sum(len(sample.data) for sample in made) < 5_000_000
    assert 40 <= len(made) <= 50


def test_another_packing_of_the_same_pixels_is_the_same_sample() -> None:
    """What a newer codec might do: other choices within JPEG 2000."""
    dataset = dcmread(FOLDER / "patient4" / "hand-right")
    frame = imagecodecs.jpeg2k_encode(
        dataset.pixel_array, level=0, codecformat="j2k", reversible=True, bitspersample=12, resolutions=3
    )
    dataset.PixelData = encapsulate([bytes(frame)])
    packed = BytesIO()
    dataset.save_as(packed)

    assert packed.getvalue() != (FOLDER / "patient4" / "hand-right").read_bytes()
    assert unlike(packed.getvalue(), (FOLDER / "patient4" / "hand-right").read_bytes()) == ""


def test_a_flipped_byte_is_noticed_in_native_and_in_compressed_pixels() -> None:
    for name in ("patient1/ct/axial/ct01.dcm", "patient4/spirometry.dcm", "awkward/deflated.dcm"):
        whole = (FOLDER / name).read_bytes()
        middle = len(whole) - len(whole) // 3
        flipped = whole[:middle] + bytes((whole[middle] ^ 0x55,)) + whole[middle + 1 :]

        assert unlike(whole, whole) == ""
        assert unlike(flipped, whole)


def test_uids_belong_to_one_thing_each(instances: dict[str, Dataset]) -> None:
    uids = [dataset.SOPInstanceUID for dataset in instances.values()]
    series = {dataset.SeriesInstanceUID: dataset.StudyInstanceUID for dataset in instances.values()}

    assert len(set(uids)) == len(uids)
    assert all(uid.startswith("2.25.") and len(uid) <= 64 and UID(uid).is_valid for uid in uids)
    assert all(series[dataset.SeriesInstanceUID] == dataset.StudyInstanceUID for dataset in instances.values())
    assert not {*series} & {*series.values()} & {*uids}


def references(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Yield SOP Class and Instance UID of everything that a data set refers to."""
    for element in dataset:
        if element.VR != "SQ":
            continue
        for item in element.value:
            # The Structure Set names a study by the retired class that the standard still asks for (C.8.8.5).
            if "ReferencedSOPInstanceUID" in item and element.keyword != "RTReferencedStudySequence":
                yield item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID
            yield from references(item)


def test_every_reference_points_at_a_sample(instances: dict[str, Dataset]) -> None:
    there = {(str(dataset.SOPClassUID), str(dataset.SOPInstanceUID)) for dataset in instances.values()}
    pointing = {name: set(references(dataset)) for name, dataset in instances.items()}

    assert not {name for name, found in pointing.items() if found - there}
    assert len(pointing["patient1/ct/key-images.dcm"]) == 2
    assert len(pointing["patient1/ct/nodule.pr"]) == 1
    assert len(pointing["awkward/rejection-note.dcm"]) == 1
    assert len(pointing["patient1/rt/structures.dcm"]) == 14
    structures = instances["patient1/rt/structures.dcm"]
    assert pointing["patient1/rt/rtplan"] == {(str(structures.SOPClassUID), str(structures.SOPInstanceUID))}


@pytest.mark.parametrize(("folder", "step", "count"), [("patient1/ct/axial", -15.0, 14), ("patient2/mr", 12.0, 8)])
def test_slices_stand_in_one_row_at_even_steps(
    instances: dict[str, Dataset], folder: str, step: float, count: int
) -> None:
    """PS3.3 C.7.6.2.1.1: rows and columns at right angles, every corner on the normal of the first slice."""
    slices = [dataset for name, dataset in instances.items() if name.startswith(folder)]
    axes = np.array(slices[0].ImageOrientationPatient, dtype=float).reshape(2, 3)
    normal = np.cross(*axes)
    corners = np.array([dataset.ImagePositionPatient for dataset in slices], dtype=float)

    assert len(slices) == count
    assert np.allclose(axes @ axes.T, np.eye(2), atol=1e-5)
    assert {dataset.FrameOfReferenceUID for dataset in slices} == {slices[0].FrameOfReferenceUID}
    assert np.allclose(np.diff(corners, axis=0), normal * step, atol=1e-3)


def test_contours_lie_on_the_slices_that_they_name(instances: dict[str, Dataset]) -> None:
    heights = {
        dataset.SOPInstanceUID: float(dataset.ImagePositionPatient[2])
        for name, dataset in instances.items()
        if name.startswith("patient1/ct/axial")
    }
    regions = instances["patient1/rt/structures.dcm"].ROIContourSequence
    contours = [contour for region in regions for contour in region.ContourSequence]

    assert len(regions) == 4
    assert len(contours) > 20
    for contour in contours:
        points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
        assert len(points) == contour.NumberOfContourPoints
        assert set(points[:, 2]) == {heights[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]}


def test_the_circle_of_the_presentation_state_lies_around_the_nodule(instances: dict[str, Dataset]) -> None:
    image = instances["patient1/ct/axial/ct06.dcm"]
    circle = instances["patient1/ct/nodule.pr"].GraphicAnnotationSequence[0].GraphicObjectSequence[0]
    hounsfield = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
    column, row = (round(value) - 1 for value in circle.GraphicData[:2])
    reach = round(circle.GraphicData[2] - circle.GraphicData[0])

    assert hounsfield[row - 2 : row + 3, column - 2 : column + 3].mean() > 0
    assert hounsfield[row + reach, column - 1 : column + 2].mean() < -700


def test_the_japanese_name_is_encoded_as_the_standard_shows() -> None:
    """PS3.5 H.3.1: ESC $ B before, ESC ( B after each run of JIS X 0208, before ``^`` and ``=`` too."""
    kanji = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"

    for name in ("patient2/mr/i0000001", "patient2/ECG-12lead.DCM", "awkward/backslash-in-kanji.dcm"):
        assert kanji in (FOLDER / name).read_bytes()
    assert b"\x1b$B8+K\\\x1b(B" in (FOLDER / "awkward/backslash-in-kanji.dcm").read_bytes()


def test_the_awkward_ones_are_awkward(instances: dict[str, Dataset]) -> None:
    namesake, chest = instances["awkward/same-patient-id.dcm"], instances["patient4/chest.DCM"]
    bare = instances["awkward/no-numbers.dcm"]
    note = instances["awkward/rejection-note.dcm"]
    truncated = dcmread(FOLDER / "awkward/truncated.dcm", stop_before_pixels=True)

    assert namesake.PatientID == chest.PatientID
    assert namesake.IssuerOfPatientID == chest.IssuerOfPatientID
    assert namesake.PatientBirthDate != chest.PatientBirthDate
    assert not {"StudyID", "StudyDate", "SeriesDate", "SeriesNumber", "InstanceNumber"} & {*bare.dir()}
    assert bare.AcquisitionDate
    assert note.ConceptNameCodeSequence[0].CodeValue == "113001"
    assert instances["awkward/big-endian.dcm"].pixel_array.max() < 4096  # pydicom writes words unswapped
    assert not UID(instances["awkward/vendor-private.dcm"].SOPClassUID).name.endswith("Storage")
    assert (FOLDER / "awkward/truncated.dcm").stat().st_size < truncated.Rows * truncated.Columns * 2
    assert (FOLDER / "awkward/IMG001.dcm").read_bytes().startswith(b"This is a text file")


def test_no_path_tells_a_name(made: tuple[Sample, ...]) -> None:
    persons = [module.PERSON for module in (patient1, patient2, patient3, patient4)]
    names = {part.lower() for person in (*persons, awkward.NAMESAKE, awkward.NOBODY) for part in person.name.split("^")}

    assert not [sample.path for sample in made if any(name and name in sample.path.lower() for name in names)]


@pytest.mark.parametrize(
    ("row", "packed"),
    [
        (b"\x07" * 5, b"\xfc\x07"),  # a run of 5: -(5 - 1)
        (b"\x01\x02\x03", b"\x02\x01\x02\x03"),  # 3 bytes as they are
        (b"\x01\x01\x02\x02\x02", b"\x01\x01\x01\xfe\x02"),  # two alike are not worth a run
        (b"\x09" * 130, b"\x81\x09\x01\x09\x09"),  # a run ends at 128
    ],
)
def test_an_rle_segment_is_packed_as_ps3_5_annex_g_says(row: bytes, packed: bytes) -> None:
    frame = rle_frame(row, len(row))

    assert frame[:8] == b"\x01\0\0\0\x40\0\0\0"
    assert frame[64:].rstrip(b"\0") == packed.rstrip(b"\0")
    assert len(frame) % 2 == 0
