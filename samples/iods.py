"""What every sample shares: UIDs, codes, the modules of patient, study and series, and the Part 10 file."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian

_NAMESPACE = uuid.UUID("6d656469-6163-5265-a174-6f7273616d70")
_OUR_MANUFACTURER = "mediacreator samples"


@dataclass(frozen=True, slots=True)
class Sample:
    """One file of the samples: where it lies below ``samples/``, what it is for, and its bytes."""

    path: str
    purpose: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Person:
    """An invented patient. ``charset`` is Specific Character Set (PS3.3 C.12.1.1.2), several values for ISO 2022."""

    name: str
    patient_id: str
    birth_date: str
    sex: str
    charset: str | tuple[str, ...]
    issuer: str = "MEDIACREATOR-SAMPLES"


@dataclass(frozen=True, slots=True)
class Study:
    """A study of a Person; its UID and those below it are derived from ``key``."""

    person: Person
    key: str
    date: str
    time: str
    study_id: str
    accession: str
    description: str
    age: str

    @property
    def uid(self) -> str:
        """Study Instance UID."""
        return uid(self.key)


@dataclass(frozen=True, slots=True)
class Series:
    """A series of a Study; ``frame_of_reference`` names the space that its images share, "" for none."""

    study: Study
    key: str
    number: int
    modality: str
    description: str
    time: str
    model: str
    frame_of_reference: str = ""

    @property
    def uid(self) -> str:
        """Series Instance UID."""
        return uid(f"{self.study.key}/{self.key}")

    def instance_uid(self, key: str) -> str:
        """SOP Instance UID of the instance that ``key`` names in this series."""
        return uid(f"{self.study.key}/{self.key}/{key}")


def uid(name: str) -> str:
    """Return the UID that always belongs to ``name``. Source: PS3.5 B.2 (2.25 and a UUID as one integer)."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, name).int}"


def item(**attributes: Any) -> Dataset:
    """Make a Dataset, or a sequence item, of attributes by PS3.6 keyword."""
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def code(value: str, scheme: str, meaning: str) -> list[Dataset]:
    """Make a code sequence of one item. Source: PS3.3 8.8."""
    return [item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)]


def reference(instance: Dataset, **attributes: Any) -> Dataset:
    """Make the item that refers to ``instance`` (SOP Instance Reference Macro, PS3.3 10.8)."""
    return item(
        ReferencedSOPClassUID=instance.SOPClassUID, ReferencedSOPInstanceUID=instance.SOPInstanceUID, **attributes
    )


def references_by_series(instances: Sequence[Dataset]) -> list[Dataset]:
    """Make the items of a Referenced Series Sequence, one for each series, in the order of ``instances``."""
    series: dict[str, list[Dataset]] = {}
    for instance in instances:
        series.setdefault(instance.SeriesInstanceUID, []).append(reference(instance))
    return [item(SeriesInstanceUID=key, ReferencedSOPSequence=group) for key, group in series.items()]


def new_instance(series: Series, sop_class: str, key: str, number: int, **attributes: Any) -> Dataset:
    """Make an instance with the modules that every IOD has, and ``attributes`` by keyword.

    Source: PS3.3 C.7.1.1 (Patient), C.7.2 (Study), C.7.3.1 (General Series), C.7.5.1 (General Equipment),
    C.7.4.1 (Frame of Reference), C.12.1 (SOP Common).
    """
    study, person = series.study, series.study.person
    dataset = item(
        SpecificCharacterSet=list(person.charset) if isinstance(person.charset, tuple) else person.charset,
        InstanceCreationDate=study.date,
        InstanceCreationTime=series.time,
        InstanceCreatorUID=uid("instance creator"),
        SOPClassUID=sop_class,
        SOPInstanceUID=series.instance_uid(key),
        StudyDate=study.date,
        SeriesDate=study.date,
        StudyTime=study.time,
        SeriesTime=series.time,
        AccessionNumber=study.accession,
        Modality=series.modality,
        Manufacturer=_OUR_MANUFACTURER,
        InstitutionName="Sample Hospital",
        ReferringPhysicianName="Referrer^Rowan^^Dr.",
        StudyDescription=study.description,
        SeriesDescription=series.description,
        ManufacturerModelName=series.model,
        PatientName=person.name,
        PatientID=person.patient_id,
        IssuerOfPatientID=person.issuer,
        PatientBirthDate=person.birth_date,
        PatientSex=person.sex,
        PatientAge=study.age,
        DeviceSerialNumber="0001",
        SoftwareVersions="1.0",
        StudyInstanceUID=study.uid,
        SeriesInstanceUID=series.uid,
        StudyID=study.study_id,
        SeriesNumber=series.number,
        InstanceNumber=number,
    )
    if series.frame_of_reference:
        dataset.FrameOfReferenceUID = uid(series.frame_of_reference)
        dataset.PositionReferenceIndicator = ""
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def set_pixels(dataset: Dataset, pixels: np.ndarray[Any, Any], bits_stored: int, photometric: str) -> None:
    """Give ``dataset`` native pixels of shape (rows, columns) or (rows, columns, 3). Source: PS3.3 C.7.6.3."""
    colour = pixels.ndim == 3
    signed = bool(np.issubdtype(pixels.dtype, np.signedinteger))
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = photometric
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.BitsAllocated = pixels.itemsize * 8
    dataset.BitsStored = bits_stored
    dataset.HighBit = bits_stored - 1
    dataset.PixelRepresentation = int(signed)
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OW" if pixels.itemsize == 2 else "OB"


def set_frames(dataset: Dataset, frames: Sequence[bytes | bytearray]) -> None:
    """Give ``dataset`` encapsulated frames behind a Basic Offset Table. Source: PS3.5 A.4."""
    dataset.PixelData = encapsulate([bytes(frame) for frame in frames])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True


def part10(dataset: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Encode ``dataset`` as a DICOM file with a zero preamble. Source: PS3.10 7.1."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    dataset.file_meta.ImplementationClassUID = UID(uid("implementation"))
    dataset.file_meta.ImplementationVersionName = "MC_SAMPLES_1"
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True, overwrite=True)
    return buffer.getvalue()
