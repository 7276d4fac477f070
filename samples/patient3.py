"""Patient 3: a Polish name (ISO_IR 101); an echocardiogram as JPEG cine in colour, a palette picture in RLE."""

from __future__ import annotations

from collections.abc import Iterator

import imagecodecs
from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit, RLELossless, UltrasoundImageStorage, UltrasoundMultiFrameImageStorage

from samples import echo
from samples.iods import Person, Sample, Series, Study, item, new_instance, part10, set_frames, set_pixels

ABOUT = "MC-1003, a Polish name in ISO_IR 101: ultrasound of the heart and of a kidney, two studies."

PERSON = Person("Wiśniewska^Zofia", "MC-1003", "19720229", "F", "ISO_IR 101")
HEART = Study(PERSON, "p3/echo", "20240318", "101500", "ECHO-9", "A20240318022", "Echokardiografia", "052Y")
CINE = Series(HEART, "cine", 1, "US", "Apical 4 chambers", "102000", "Phantom echo")
ABDOMEN = Study(PERSON, "p3/abdomen", "20240319", "080500", "US-5", "A20240319002", "USG jamy brzusznej", "052Y")
STILL = Series(ABDOMEN, "still", 1, "US", "Right kidney", "081000", "Phantom echo")

FRAMES = 10
FRAME_TIME = 85.0  # ms
QUALITY = 82  # of the JPEG cine
CENTIMETRES = 0.1  # a pixel, both ways


def samples() -> Iterator[Sample]:
    """Yield the files of patient 3."""
    yield Sample(
        "patient3/us/cine.dcm",
        "US multi-frame in colour, YBR_FULL_422 in JPEG Baseline (lossy), regions; ISO_IR 101",
        part10(_cine(), JPEGBaseline8Bit),
    )
    yield Sample("patient3/us/kidney", "US, PALETTE COLOR in RLE Lossless; other study", part10(_still(), RLELossless))


def _cine() -> Dataset:
    """Make an Ultrasound Multi-frame Image. Source: PS3.3 A.7, C.8.5.6, C.7.6.5."""
    pictures = [echo.heart_frame(number / FRAMES) for number in range(FRAMES)]
    frames = [imagecodecs.jpeg8_encode(picture, level=QUALITY, subsampling="422") for picture in pictures]
    dataset = new_instance(
        CINE,
        UltrasoundMultiFrameImageStorage,
        "1",
        1,
        ImageType=["ORIGINAL", "PRIMARY", "TTE", "0011"],
        ContentDate=HEART.date,
        ContentTime="102130",
        AcquisitionDateTime="20240318102130",
        PatientOrientation="",
        BodyPartExamined="HEART",
        FrameTime=FRAME_TIME,
        HeartRate=70,
        FrameIncrementPointer=0x00181063,
        NumberOfFrames=FRAMES,
        SequenceOfUltrasoundRegions=[
            _region(1, 1, (10, 0, 208, 176)),
            _region(1, 2, (113, 52, 180, 150)),
        ],
        UltrasoundColorDataPresent=1,
        LossyImageCompression="01",
        LossyImageCompressionRatio=round(sum(p.nbytes for p in pictures) / sum(map(len, frames)), 1),
        LossyImageCompressionMethod="ISO_10918_1",
    )
    set_pixels(dataset, pictures[0], 8, "YBR_FULL_422")
    set_frames(dataset, frames)
    return dataset


def _still() -> Dataset:
    """Make an Ultrasound Image with a palette. Source: PS3.3 A.6, C.7.9; PS3.5 G."""
    dataset = new_instance(
        STILL,
        UltrasoundImageStorage,
        "1",
        1,
        ImageType=["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"],
        ContentDate=ABDOMEN.date,
        ContentTime="081130",
        PatientOrientation="",
        BodyPartExamined="KIDNEY",
        Laterality="R",
        SequenceOfUltrasoundRegions=[_region(1, 1, (10, 0, 208, 176))],
        UltrasoundColorDataPresent=0,
    )
    set_pixels(dataset, echo.liver_levels(), 8, "PALETTE COLOR")
    for name, entries in zip(("Red", "Green", "Blue"), echo.sepia().T, strict=True):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(dataset, f"{name}PaletteColorLookupTableData", entries.astype("<u2").tobytes())
    set_frames(dataset, [rle_frame(dataset.PixelData, dataset.Columns)])
    return dataset


def rle_frame(plane: bytes, columns: int) -> bytes:
    """Encode one plane of 8 bit as an RLE frame of one segment, row by row. Source: PS3.5 G.3 to G.5."""
    segment = b"".join(_packed(plane[start : start + columns]) for start in range(0, len(plane), columns))
    header = (1).to_bytes(4, "little") + (64).to_bytes(4, "little") + bytes(56)
    return header + segment + b"\0" * (len(segment) % 2)


def _packed(row: bytes) -> bytes:
    """Encode one row: runs of three and more as a run, all else literally, at most 128 bytes at a time."""
    packed, literal, at = bytearray(), bytearray(), 0

    def flush() -> None:
        if literal:
            packed.extend((len(literal) - 1, *literal))
            literal.clear()

    while at < len(row):
        run = 1
        while run < 128 and at + run < len(row) and row[at + run] == row[at]:
            run += 1
        if run >= 3:
            flush()
            packed.extend((257 - run, row[at]))
            at += run
        else:
            literal.append(row[at])
            at += 1
            if len(literal) == 128:
                flush()
    flush()
    return bytes(packed)


def _region(spatial: int, data: int, box: tuple[int, int, int, int]) -> Dataset:
    """Describe a region: 1 a 2D picture; data 1 tissue, 2 colour flow. Source: PS3.3 C.8.5.5."""
    return item(
        RegionSpatialFormat=spatial,
        RegionDataType=data,
        RegionFlags=0,
        RegionLocationMinX0=box[0],
        RegionLocationMinY0=box[1],
        RegionLocationMaxX1=box[2],
        RegionLocationMaxY1=box[3],
        ReferencePixelX0=int(echo.APEX[0]) - box[0],
        ReferencePixelY0=int(echo.APEX[1]) - box[1],
        PhysicalUnitsXDirection=3,  # cm
        PhysicalUnitsYDirection=3,
        ReferencePixelPhysicalValueX=0.0,
        ReferencePixelPhysicalValueY=0.0,
        PhysicalDeltaX=CENTIMETRES,
        PhysicalDeltaY=CENTIMETRES,
    )
