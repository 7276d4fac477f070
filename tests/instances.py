"""Small DICOM files made by pydicom, for tests that need one of their own."""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian


def ct(number: int = 1, series: int = 1, study: int = 1, **attributes: object) -> Dataset:
    """Return a CT slice of 8 x 8 pixels; attributes replace what it has, None removes."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"2.25.77.{study}.{series}.{number}"
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = "20260301"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = "101112"
    dataset.AccessionNumber = "A1"
    dataset.Modality = "CT"
    dataset.StudyDescription = "CT chest"
    dataset.PatientName = "Testperson^Tilda"
    dataset.PatientID = "TEST1"
    dataset.PatientBirthDate = "19700101"
    dataset.PatientSex = "F"
    dataset.StudyInstanceUID = f"2.25.78.{study}"
    dataset.SeriesInstanceUID = f"2.25.79.{study}.{series}"
    dataset.StudyID = str(study)
    dataset.SeriesNumber = series
    dataset.InstanceNumber = number
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows = dataset.Columns = 8
    dataset.BitsAllocated = 16
    dataset.BitsStored = 12
    dataset.HighBit = 11
    dataset.PixelRepresentation = 0
    dataset.PixelData = bytes((number + i) % 16 for i in range(128))
    dataset["PixelData"].VR = "OW"
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def write_ct(path: Path, number: int = 1, series: int = 1, study: int = 1, **attributes: object) -> Path:
    """Write a CT slice as a DICOM file."""
    return write(path, ct(number, series, study, **attributes))


def write(path: Path, dataset: Dataset, syntax: UID = ExplicitVRLittleEndian) -> Path:
    """Write a Data Set as a DICOM file in a native Transfer Syntax."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CTImageStorage)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(dataset.get("SOPInstanceUID", "2.25.1"))
    dataset.save_as(path, enforce_file_format=True)
    return path
