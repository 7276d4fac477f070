"""Patient 4: German names in UTF-8; one picture in each of four lossless codecs."""

from __future__ import annotations

from collections.abc import Iterator

import imagecodecs
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    SecondaryCaptureImageStorage,
    VLPhotographicImageStorage,
)

from samples import pictures
from samples.iods import Person, Sample, Series, Study, code, item, new_instance, part10, set_frames, set_pixels

ABOUT = "MC-1004, a German name in UTF-8 (ISO_IR 192): one picture in each of four lossless codecs, two studies."

PERSON = Person("Müller-Weiß^Jürgen^^Prof. Dr.", "MC-1004", "19480229", "M", "ISO_IR 192")
XRAY = Study(PERSON, "p4/xray", "20231102", "073000", "RX-1102", "A20231102001", "Röntgen Thorax und Hand", "075Y")
CHEST = Series(XRAY, "chest", 1, "CR", "Thorax p.a.", "073500", "Phantom CR")
HAND = Series(XRAY, "hand", 2, "DX", "Hand rechts d.p.", "074000", "Phantom DX")
CLINIC = Study(PERSON, "p4/clinic", "20231103", "100000", "AMB-3", "A20231103005", "Ambulanz", "075Y")
LUNGS = Series(CLINIC, "spirometry", 1, "OT", "Flow-volume loop", "100500", "Phantom spirometer")
SKIN = Series(CLINIC, "skin", 2, "XC", "Dermatoscopy", "103000", "Phantom camera")


def samples() -> Iterator[Sample]:
    """Yield the files of patient 4."""
    yield Sample(
        "patient4/chest.DCM",
        "CR, MONOCHROME1, 12 bit in JPEG Lossless SV1; UTF-8",
        part10(_chest(), JPEGLosslessSV1),
    )
    yield Sample("patient4/hand-right", "DX, 12 bit in JPEG 2000 Lossless", part10(_hand(), JPEG2000Lossless))
    yield Sample(
        "patient4/spirometry.dcm",
        "Secondary Capture, 8 bit in JPEG-LS Lossless; other study",
        part10(_spirometry(), JPEGLSLossless),
    )
    yield Sample(
        "patient4/skin.dcm", "VL Photographic, colour in HTJ2K Lossless (YBR_RCT)", part10(_skin(), HTJ2KLossless)
    )


def _chest() -> Dataset:
    """Make a Computed Radiography Image. Source: PS3.3 A.2, C.8.1."""
    pixels = pictures.chest_radiograph()
    dataset = new_instance(
        CHEST,
        ComputedRadiographyImageStorage,
        "1",
        1,
        ImageType=["DERIVED", "PRIMARY"],
        AcquisitionDate=XRAY.date,
        ContentDate=XRAY.date,
        AcquisitionTime="073510",
        ContentTime="073512",
        BodyPartExamined="CHEST",
        KVP=125,
        ImagerPixelSpacing=[pictures.CHEST_STEP / 2] * 2,
        PatientOrientation=["L", "F"],
        ViewPosition="PA",
        Exposure=2,
        WindowCenter=2000,
        WindowWidth=3700,
    )
    set_pixels(dataset, pixels, 12, "MONOCHROME1")
    set_frames(dataset, [imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=12)])
    return dataset


def _hand() -> Dataset:
    """Make a Digital X-Ray Image for presentation. Source: PS3.3 A.26, C.8.11."""
    pixels = pictures.hand_radiograph()
    dataset = new_instance(
        HAND,
        DigitalXRayImageStorageForPresentation,
        "1",
        1,
        ImageType=["ORIGINAL", "PRIMARY", ""],
        AcquisitionDate=XRAY.date,
        ContentDate=XRAY.date,
        AcquisitionTime="074010",
        ContentTime="074011",
        PresentationIntentType="FOR PRESENTATION",
        BodyPartExamined="HAND",
        KVP=50,
        DetectorType="DIRECT",
        ImagerPixelSpacing=[0.5, 0.5],
        PositionerType="NONE",
        PatientOrientation=["L", "H"],  # fingers up: distal is towards the feet
        ImageLaterality="R",
        ViewCodeSequence=[
            item(
                CodeValue="272479007",
                CodingSchemeDesignator="SCT",
                CodeMeaning="postero-anterior",
                ViewModifierCodeSequence=[],
            )
        ],
        AnatomicRegionSequence=code("85562004", "SCT", "Hand"),
        AcquisitionContextSequence=[],
        PixelIntensityRelationship="LOG",
        PixelIntensityRelationshipSign=-1,
        RescaleIntercept=0,
        RescaleSlope=1,
        RescaleType="US",
        PresentationLUTShape="IDENTITY",
        BurnedInAnnotation="NO",
        LossyImageCompression="00",
        WindowCenter=1900,
        WindowWidth=3800,
    )
    set_pixels(dataset, pixels, 12, "MONOCHROME2")
    frame = imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="j2k", reversible=True, bitspersample=12)
    set_frames(dataset, [frame])
    return dataset


def _spirometry() -> Dataset:
    """Make a Secondary Capture Image. Source: PS3.3 A.8.1, C.8.6."""
    pixels = pictures.flow_volume_curve()
    dataset = new_instance(
        LUNGS,
        SecondaryCaptureImageStorage,
        "1",
        1,
        ImageType=["DERIVED", "SECONDARY"],
        ContentDate=CLINIC.date,
        ContentTime="100530",
        ConversionType="WSD",
        PatientOrientation="",
        BodyPartExamined="CHEST",
        DateOfSecondaryCapture=CLINIC.date,
        TimeOfSecondaryCapture="100531",
        BurnedInAnnotation="NO",
    )
    set_pixels(dataset, pixels, 8, "MONOCHROME2")
    set_frames(dataset, [imagecodecs.jpegls_encode(pixels)])
    return dataset


def _skin() -> Dataset:
    """Make a VL Photographic Image. Source: PS3.3 A.32.4, C.8.12.1; PS3.5 8.2.14 (YBR_RCT in HTJ2K)."""
    pixels = pictures.mole()
    dataset = new_instance(
        SKIN,
        VLPhotographicImageStorage,
        "1",
        1,
        ImageType=["ORIGINAL", "PRIMARY"],
        ContentDate=CLINIC.date,
        ContentTime="103010",
        AcquisitionDateTime="20231103103010",
        PatientOrientation="",
        BodyPartExamined="BACK",
        AnatomicRegionSequence=code("77568009", "SCT", "Back"),
        AcquisitionContextSequence=[],
        LossyImageCompression="00",
        BurnedInAnnotation="NO",
    )
    set_pixels(dataset, pixels, 8, "YBR_RCT")
    set_frames(dataset, [imagecodecs.htj2k_encode(pixels, reversible=True)])
    return dataset
