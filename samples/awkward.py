"""Instances that try a creator: identities that clash, a rejection, missing keys, odd encodings, broken files."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    KeyObjectSelectionDocumentStorage,
    SecondaryCaptureImageStorage,
)

from samples import patient1, patient2, patient4
from samples.chest import chest
from samples.iods import (
    Person,
    Sample,
    Series,
    Study,
    code,
    item,
    new_instance,
    part10,
    reference,
    references_by_series,
    set_pixels,
)
from samples.shapes import Space, to_bytes

ABOUT = """\
Files that a creator must notice. The Patient ID of patient 4 returns here under another person; what is not said to be
another patient's belongs to MC-1005, who has nothing else."""

VENDOR_SOP_CLASS = "1.3.12.2.1107.5.9.1"
"""CSA Non-Image Storage, private to Siemens, the private SOP Class that most archives hold."""

NAMESAKE = Person("Petrov^Ivan", patient4.PERSON.patient_id, "19900630", "M", "ISO_IR 100", patient4.PERSON.issuer)
NOBODY = Person("Nobody^Norbert", "MC-1005", "19331224", "M", "ISO_IR 100")

SIZE, SPACING = 72, 5.0  # pixels, mm


def samples() -> Iterator[Sample]:
    """Yield the awkward files."""
    rejected = patient1.axial_slices()[patient1.REJECTED]
    text = b"This is a text file, whatever its name says.\nNothing in it is DICOM.\n"
    big = part10(_swapped(_slice("big endian", 11)), ExplicitVRBigEndian)
    whole = part10(_slice("truncated", 12))
    deflated = part10(_slice("deflated", 13), DeflatedExplicitVRLittleEndian)
    note = f"Key Object, Rejected for Quality Reasons (113001, DCM), of slice {patient1.REJECTED + 1} of patient 1"
    for name, purpose, data in (
        ("same-patient-id.dcm", "Patient ID of patient 4, unrelated name, other birth date", part10(_namesake())),
        ("rejection-note.dcm", note, part10(_rejection_note(rejected))),
        ("no-numbers.dcm", "CT without Study ID, Study Date, Series and Instance Number", part10(_no_numbers())),
        ("vendor-private.dcm", f"private SOP Class {VENDOR_SOP_CLASS}, of patient 2", part10(_vendor_private())),
        ("backslash-in-kanji.dcm", "Japanese text with byte 5C inside a character; patient 2", part10(_kanji())),
        ("big-endian.dcm", "CT in Explicit VR Big Endian (retired)", big),
        ("truncated.dcm", "CT that ends in the middle of its Pixel Data", whole[: len(whole) - SIZE * SIZE]),
        ("IMG001.dcm", "plain text, not DICOM", text),
        ("deflated.dcm", "CT in Deflated Explicit VR Little Endian", deflated),
    ):
        yield Sample(f"awkward/{name}", purpose, data)


def _namesake() -> Dataset:
    study = Study(NAMESAKE, "p4/namesake", "20240102", "080000", "SC-1", "A20240102001", "Document", "033Y")
    return _capture(Series(study, "document", 1, "OT", "Scanned form", "080100", "Phantom scanner"))


def _kanji() -> Dataset:
    """Make a capture whose series is described as 見本 (specimen): 本 is 4B 5C. Source: PS3.5 6.1.2.3, H.3."""
    return _capture(Series(patient2.MR_STUDY, "specimen", 900, "OT", "見本", "113000", "Phantom workstation"))


def _capture(series: Series) -> Dataset:
    """Make a small Secondary Capture Image. Source: PS3.3 A.8.1."""
    dataset = new_instance(
        series,
        SecondaryCaptureImageStorage,
        "1",
        1,
        ImageType=["DERIVED", "SECONDARY"],
        ContentDate=series.study.date,
        ContentTime=series.time,
        ConversionType="WSD",
        PatientOrientation="",
    )
    row, column = np.mgrid[0:64, 0:64].astype(np.float64)
    space = Space(column, row, np.zeros((64, 64)))
    page = 240.0 - 200.0 * sum(space.tube((10, y, 0), (54 - y / 4, y, 0), 1.0) for y in (14, 24, 34, 44))
    set_pixels(dataset, to_bytes(np.asarray(page)), 8, "MONOCHROME2")
    return dataset


def _rejection_note(rejected: Dataset) -> Dataset:
    """Make a rejection note. Source: PS3.3 A.35.4, PS3.16 CID 7011; IHE RAD Image Object Change Management."""
    series = Series(patient1.STUDY, "rejection", 90, "KO", "Rejected images", "094500", "Phantom workstation")
    evidence = item(StudyInstanceUID=patient1.STUDY.uid, ReferencedSeriesSequence=references_by_series([rejected]))
    return new_instance(
        series,
        KeyObjectSelectionDocumentStorage,
        "1",
        1,
        ContentDate=patient1.STUDY.date,
        ContentTime=series.time,
        ReferencedPerformedProcedureStepSequence=[],
        ValueType="CONTAINER",
        ConceptNameCodeSequence=code("113001", "DCM", "Rejected for Quality Reasons"),
        ContinuityOfContent="SEPARATE",
        ContentTemplateSequence=[item(MappingResource="DCMR", TemplateIdentifier="2010")],
        CurrentRequestedProcedureEvidenceSequence=[evidence],
        ContentSequence=[
            item(
                RelationshipType="HAS CONCEPT MOD",
                ValueType="CODE",
                ConceptNameCodeSequence=code("113011", "DCM", "Document Title Modifier"),
                ConceptCodeSequence=code("111207", "DCM", "Image artifact(s)"),
            ),
            item(RelationshipType="CONTAINS", ValueType="IMAGE", ReferencedSOPSequence=[reference(rejected)]),
        ],
    )


def _vendor_private() -> Dataset:
    series = Series(patient2.MR_STUDY, "raw", 99, "MR", "Phoenix report", "112500", "Phantom MR")
    dataset = new_instance(series, VENDOR_SOP_CLASS, "1", 1, ImageType=["ORIGINAL", "PRIMARY", "OTHER", "CSA REPORT"])
    block = dataset.private_block(0x0029, "MEDIACREATOR SAMPLES", create=True)
    block.add_new(0x10, "OB", bytes(range(256)) * 8)
    return dataset


def _no_numbers() -> Dataset:
    """Make a CT that lacks what a directory needs as Type 1; its Acquisition Date could be borrowed."""
    dataset = _slice("no numbers", 10)
    for keyword in ("StudyID", "StudyDate", "StudyTime", "SeriesDate", "SeriesNumber", "InstanceNumber"):
        delattr(dataset, keyword)
    return dataset


def _slice(key: str, number: int) -> Dataset:
    """Make a small CT slice of a patient who has nothing else."""
    study = Study(NOBODY, f"p5/{key}", "20230815", "150000", f"N{number}", f"A20230815{number:03d}", key, "089Y")
    series = Series(study, "axial", 1, "CT", "Axial", "150500", "Phantom CT", f"p5/{key}/frame")
    origin = (-177.5, -177.5, 30.0 - number)
    dataset = new_instance(
        series,
        CTImageStorage,
        "1",
        1,
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        AcquisitionDate=study.date,
        ContentDate=study.date,
        AcquisitionTime="150510",
        ContentTime="150511",
        BodyPartExamined="CHEST",
        SliceThickness=5.0,
        KVP=120,
        PatientPosition="HFS",
        AcquisitionNumber=1,
        ImagePositionPatient=list(origin),
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[SPACING, SPACING],
        RescaleIntercept=-1024,
        RescaleSlope=1,
        RescaleType="HU",
        WindowCenter=40,
        WindowWidth=400,
    )
    space = Space.plane(origin, (SPACING, 0, 0), (0, SPACING, 0), (SIZE, SIZE), soft=5.5)
    set_pixels(dataset, np.rint(chest(space) + 1024).astype(np.uint16), 12, "MONOCHROME2")
    return dataset


def _swapped(dataset: Dataset) -> Dataset:
    """Swap the bytes of each word of Pixel Data, which pydicom writes as they are. Source: PS3.5 7.3."""
    dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").byteswap().tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset
