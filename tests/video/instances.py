"""DICOM instances around the clips of ``data/``: conformant, small, of an invented patient."""

from __future__ import annotations

import io
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID

from tests.video.catalogue import (
    CLIPS,
    H264_41,
    H264_41_BD,
    H264_42_2D,
    H264_42_3D,
    H264_42_STEREO,
    MPEG2_HL,
    MPEG2_ML,
    Clip,
)

VIDEO_ENDOSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.1.1"
VIDEO_MICROSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.2.1"
VIDEO_PHOTOGRAPHIC = "1.2.840.10008.5.1.4.1.1.77.1.4.1"

MODALITIES = {VIDEO_ENDOSCOPIC: "ES", VIDEO_MICROSCOPIC: "GM", VIDEO_PHOTOGRAPHIC: "XC"}

CLIP_OF = {
    MPEG2_ML: CLIPS["mpml-pal.mpg"],
    MPEG2_HL: CLIPS["mphl-1080p25.m2v"],
    H264_41: CLIPS["hp41-1080p25.mp4"],
    H264_41_BD: CLIPS["bd-1080i25.ts"],
    H264_42_2D: CLIPS["hp42-1080p60.mp4"],
    H264_42_3D: CLIPS["hp42-sidebyside.ts"],
    H264_42_STEREO: CLIPS["stereo-1080p30.ts"],
}
"""The clip that conforms to each video Transfer Syntax that PS3.11 names."""


def video_dataset(
    transfer_syntax: str = MPEG2_ML,
    sop_class: str = VIDEO_ENDOSCOPIC,
    *,
    clip: Clip | None = None,
    stream: bytes | None = None,
    number: int = 1,
    series: int = 1,
    study: int = 1,
    fragments: int = 1,
    **attributes: object,
) -> Dataset:
    """Return a video instance; attributes replace what it has, None removes.

    Args:
        transfer_syntax: One of ``CLIP_OF``, or its fragmentable form; any other needs a clip.
        sop_class: One of ``MODALITIES``.
        clip: The clip whose size, rate and frames the attributes give; that of ``CLIP_OF`` if None.
        stream: Bytes to encapsulate instead of the clip's.
        number: Of the instance in its series.
        series: Number of the series.
        study: Number of the study.
        fragments: How many items the stream is cut into.
        attributes: By keyword.
    """
    clip = clip or CLIP_OF.get(transfer_syntax) or CLIP_OF[transfer_syntax.rpartition(".")[0]]
    dataset = Dataset()
    _identify(dataset, sop_class, number, series, study)
    _describe_acquisition(dataset, sop_class, clip)
    _describe_pixels(dataset, transfer_syntax, clip)
    data = clip.data if stream is None else stream
    dataset.PixelData = encapsulate([data], fragments_per_frame=fragments, has_bot=False)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(dataset.SOPInstanceUID)
    return dataset


def video_instance(transfer_syntax: str = MPEG2_ML, sop_class: str = VIDEO_ENDOSCOPIC, **options: object) -> bytes:
    """Return a video instance as a DICOM file; options as ``video_dataset`` takes them."""
    buffer = io.BytesIO()
    dataset = video_dataset(transfer_syntax, sop_class, **options)  # type: ignore[arg-type]  # attributes are any object
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def write_video(
    path: Path, transfer_syntax: str = MPEG2_ML, sop_class: str = VIDEO_ENDOSCOPIC, **options: object
) -> Path:
    """Write a video instance; options as ``video_dataset`` takes them."""
    path.write_bytes(video_instance(transfer_syntax, sop_class, **options))
    return path


def _identify(dataset: Dataset, sop_class: str, number: int, series: int, study: int) -> None:
    """Patient, Study, Series, Equipment and SOP Common (PS3.3 C.7.1 to C.7.5, C.12.1)."""
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = UID(sop_class)
    dataset.SOPInstanceUID = UID(f"2.25.88.{study}.{series}.{number}")
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = "20260301"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = "101112"
    dataset.AcquisitionDateTime = "20260301101112"
    dataset.AccessionNumber = "V1"
    dataset.Modality = MODALITIES[sop_class]
    dataset.Manufacturer = "mediacreator tests"
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = "Video"
    dataset.PatientName = "Testperson^Vera"
    dataset.PatientID = "VIDEO1"
    dataset.PatientBirthDate = "19700101"
    dataset.PatientSex = "F"
    dataset.PatientOrientation = ""
    dataset.StudyInstanceUID = UID(f"2.25.89.{study}")
    dataset.SeriesInstanceUID = UID(f"2.25.90.{study}.{series}")
    dataset.StudyID = str(study)
    dataset.SeriesNumber = series
    dataset.InstanceNumber = number


def _describe_acquisition(dataset: Dataset, sop_class: str, clip: Clip) -> None:
    """Cine, Acquisition Context, VL Image and, for microscopy, Specimen modules (PS3.3 A.32.5-7)."""
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.FrameTime = f"{float(1000 / clip.frame_rate):.3f}"
    dataset.CineRate = round(clip.frame_rate)
    dataset.FrameIncrementPointer = 0x00181063
    dataset.NumberOfFrames = clip.frames
    dataset.AcquisitionContextSequence = Sequence()
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "34402009", "SCT", "Rectum"
    dataset.AnatomicRegionSequence = Sequence([region])
    if sop_class == VIDEO_MICROSCOPIC:
        dataset.ContainerIdentifier = "SLIDE1"
        dataset.IssuerOfTheContainerIdentifierSequence = Sequence()
        dataset.ContainerTypeCodeSequence = Sequence()
        specimen = Dataset()
        specimen.SpecimenIdentifier = "SPECIMEN1"
        specimen.SpecimenUID = UID("2.25.91.1")
        specimen.IssuerOfTheSpecimenIdentifierSequence = Sequence()
        specimen.SpecimenPreparationSequence = Sequence()
        dataset.SpecimenDescriptionSequence = Sequence([specimen])


def _describe_pixels(dataset: Dataset, transfer_syntax: str, clip: Clip) -> None:
    """Image Pixel and lossy compression attributes (PS3.5 8.2.5 to 8.2.9, PS3.3 C.7.6.1.1.5)."""
    dataset.SamplesPerPixel = 3
    dataset.PhotometricInterpretation = "YBR_PARTIAL_420"
    dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = clip.rows, clip.columns
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    if clip.sar != "1":
        down, across = clip.sar.split("/")[::-1]
        dataset.PixelAspectRatio = [int(down), int(across)]  # vertical, then horizontal size (PS3.3 C.7.6.3.1.7)
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionRatio = "50"
    dataset.LossyImageCompressionMethod = "ISO_13818_2" if clip.codec == "mpeg2" else "ISO_14496_10"
    if transfer_syntax.startswith((H264_42_3D, H264_42_STEREO)):
        dataset.StereoPairsPresent = "YES"
