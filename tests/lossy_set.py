"""A small study of an invented patient whose documents refer to its images, and to each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.10.999.77"
STUDY, IMAGES, DOCUMENTS = f"{ROOT}.1", f"{ROOT}.2.1", f"{ROOT}.2.2"
US_IMAGE = "1.2.840.10008.5.1.4.1.1.6.1"
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
REPORT = "1.2.840.10008.5.1.4.1.1.88.22"
STATE = "1.2.840.10008.5.1.4.1.1.11.2"
SEGMENTS = "1.2.840.10008.5.1.4.1.1.66.4"
ELSEWHERE = f"{ROOT}.9.99"
"""An image that is referred to and is not among the files."""


def uid(name: str) -> str:
    """Return the SOP Instance UID of a file of the set."""
    return f"{ROOT}.3.{NAMES.index(name) + 1}"


NAMES = ("first", "second", "bits", "keys", "state", "report", "signed", "text", "alone")


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Return the item of a Code Sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def reference(sop_class: str, sop_instance: str) -> Dataset:
    """Return the item of a Referenced SOP Sequence."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
    return item


def common(name: str, sop_class: str, modality: str, series: str) -> Dataset:
    """Return a Data Set with the attributes that every instance has."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    ds.file_meta.MediaStorageSOPInstanceUID = UID(uid(name))
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, uid(name)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, series
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Muster^Anna", "P-1", "19610203", "F"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20240102", "101112", "S1", "A1"
    ds.ContentDate, ds.ContentTime = "20240102", "101500"
    ds.ReferringPhysicianName, ds.Manufacturer = "", "Invented"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = modality, "1", str(NAMES.index(name) + 1)
    return ds


def picture(rows: int = 96, columns: int = 128) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return smooth colours: ``(rows, columns, samples)``."""
    y, x = np.mgrid[0:rows, 0:columns]
    return np.stack([2 * x, 2 * y, x + y], axis=-1).clip(0, 255).astype(np.uint8)


def ultrasound(name: str) -> Dataset:
    """Return an RGB ultrasound image that refers to the other one."""
    ds = common(name, US_IMAGE, "US", IMAGES)
    pixels = picture()
    ds.ImageType = ["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"]
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PlanarConfiguration = *pixels.shape[:2], 3, 0
    ds.PhotometricInterpretation, ds.PixelRepresentation = "RGB", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    ds.PatientOrientation = ""
    ds.LossyImageCompression = "00"
    ds.PixelData = pixels.tobytes()
    return ds


def segments(name: str) -> Dataset:
    """Return an image of 8 bits that must not lose anything, made from an image of the set."""
    ds = ultrasound(name)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = UID(SEGMENTS)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    del ds.PlanarConfiguration
    ds.PixelData = picture()[..., 0].tobytes()
    ds.ImageType, ds.Modality = ["DERIVED", "PRIMARY"], "SEG"
    ds.SeriesInstanceUID = f"{ROOT}.2.3"
    ds.ContentLabel, ds.ContentDescription, ds.ContentCreatorName = "BITS", "", ""
    ds.SourceImageSequence = [reference(US_IMAGE, uid("first"))]
    return ds


def evidence(*images: str, series: str = IMAGES) -> Dataset:
    """Return the item of an evidence sequence."""
    of_series, of_study = Dataset(), Dataset()
    of_series.SeriesInstanceUID = series
    of_series.ReferencedSOPSequence = [reference(US_IMAGE, image) for image in images]
    of_study.StudyInstanceUID, of_study.ReferencedSeriesSequence = STUDY, [of_series]
    return of_study


def document(name: str, sop_class: str, modality: str, *images: str) -> Dataset:
    """Return a Key Object Selection or Structured Report about images."""
    ds = common(name, sop_class, modality, f"{DOCUMENTS}.{NAMES.index(name)}")
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "UNVERIFIED"
    ds.PerformedProcedureCodeSequence = []
    ds.ConceptNameCodeSequence = [code("113000", "DCM", "Of Interest")]
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2010"
    ds.ContentTemplateSequence = [template]
    ds.CurrentRequestedProcedureEvidenceSequence = [evidence(*images)]
    items = []
    for image in images:
        item = Dataset()
        item.RelationshipType, item.ValueType = "CONTAINS", "IMAGE"
        item.ReferencedSOPSequence = [reference(US_IMAGE, image)]
        items.append(item)
    ds.ContentSequence = items
    return ds


def presentation_state(name: str, *images: str) -> Dataset:
    """Return a Color Softcopy Presentation State of images."""
    ds = common(name, STATE, "PR", f"{DOCUMENTS}.{NAMES.index(name)}")
    ds.ContentLabel, ds.ContentDescription, ds.ContentCreatorName = "STATE", "", ""
    ds.PresentationCreationDate, ds.PresentationCreationTime = "20240102", "110000"
    series = Dataset()
    series.SeriesInstanceUID = IMAGES
    series.ReferencedImageSequence = [reference(US_IMAGE, image) for image in images]
    ds.ReferencedSeriesSequence = [series]
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = [1, 1], [128, 96]
    area.PresentationSizeMode, area.PresentationPixelAspectRatio = "SCALE TO FIT", [1, 1]
    ds.DisplayedAreaSelectionSequence = [area]
    ds.ICCProfile = b"\0" * 128
    return ds


def signature() -> Dataset:
    """Return the item of a Digital Signatures Sequence that signs nothing."""
    item = Dataset()
    item.MACIDNumber, item.DigitalSignatureUID = 1, f"{ROOT}.8"
    item.DigitalSignatureDateTime, item.CertificateType = "20240102110000+0100", "X509_1993_SIG"
    item.CertificateOfSigner = item.Signature = b"\0\1"
    return item


def lossy_set(folder: Path) -> dict[str, Path]:
    """Write the set; return its files by name.

    ``first`` and ``second`` are images that refer to each other; ``bits`` is made from the first; ``keys`` and
    ``state`` refer to images, also to one that is elsewhere, ``report`` to the first and to ``keys``; ``signed`` is a
    signed report; ``text`` names an image in a text only; ``alone`` names nothing.
    """
    first, second = ultrasound("first"), ultrasound("second")
    first.ReferencedImageSequence = [reference(US_IMAGE, uid("second"))]
    second.ReferencedImageSequence = [reference(US_IMAGE, uid("first"))]
    keys = document("keys", KEY_OBJECTS, "KO", uid("first"), uid("second"), ELSEWHERE)
    report = document("report", REPORT, "SR", uid("first"))
    of_keys = Dataset()
    of_keys.RelationshipType, of_keys.ValueType = "CONTAINS", "COMPOSITE"
    of_keys.ReferencedSOPSequence = [reference(KEY_OBJECTS, uid("keys"))]
    report.ContentSequence.append(of_keys)
    signed = document("signed", REPORT, "SR", uid("first"))
    signed.DigitalSignaturesSequence = [signature()]
    text = document("text", REPORT, "SR")
    words = Dataset()
    words.RelationshipType, words.ValueType = "CONTAINS", "TEXT"
    words.ConceptNameCodeSequence = [code("121071", "DCM", "Finding")]
    words.TextValue = f"See {uid('second')}."
    text.ContentSequence = [words]
    made = {
        "first": first,
        "second": second,
        "bits": segments("bits"),
        "keys": keys,
        "state": presentation_state("state", uid("second")),
        "report": report,
        "signed": signed,
        "text": text,
        "alone": document("alone", REPORT, "SR", ELSEWHERE),
    }
    paths = {name: folder / f"{name}.dcm" for name in made}
    for name, ds in made.items():
        ds.save_as(paths[name], enforce_file_format=True)
    return paths
