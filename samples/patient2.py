"""Patient 2: a Japanese name in three component groups (PS3.5 H.3.1); an MR of the head and a 12-lead ECG."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, MRImageStorage, TwelveLeadECGWaveformStorage

from samples.brain import brain
from samples.ecg import LEADS, electrocardiogram
from samples.iods import Person, Sample, Series, Study, code, item, new_instance, part10, set_pixels
from samples.shapes import Space

ABOUT = """\
MC-1002, a Japanese name in three component groups (ISO 2022 IR 87, as in PS3.5 H.3.1): an MR of the head whose slices
are tilted, in Implicit VR Little Endian, and an ECG of the day before."""

PERSON = Person("Yamada^Tarou=山田^太郎=やまだ^たろう", "MC-1002", "19550909", "M", ("", "ISO 2022 IR 87"))
MR_STUDY = Study(PERSON, "p2/mr", "20240612", "110000", "MR-0612", "A20240612014", "頭部MRI", "068Y")
T2 = Series(MR_STUDY, "t2", 301, "MR", "T2 TSE tra", "111500", "Phantom MR", "p2/frame")
ECG_STUDY = Study(PERSON, "p2/ecg", "20240611", "084500", "ECG-77", "A20240611003", "Resting ECG", "068Y")
ECG = Series(ECG_STUDY, "ecg", 1, "ECG", "12-lead ECG", "084700", "Phantom cardiograph")

SIZE, SPACING = 160, 1.4  # pixels, mm
STEP = 12.0  # mm from slice to slice
TILT = math.radians(9.0)  # the slices follow the base of the skull
RATE, SECONDS = 500, 10  # Hz, s
SENSITIVITY = 2.5  # microvolts a step


def samples() -> Iterator[Sample]:
    """Yield the files of patient 2."""
    for number in range(1, 9):
        words = "MR, T2 axial, tilted; Implicit VR; ISO 2022 IR 87"
        yield Sample(f"patient2/mr/i{number:07d}", words, part10(_mr(number), ImplicitVRLittleEndian))
    yield Sample("patient2/ECG-12lead.DCM", "12-lead ECG, 10 s at 500 Hz; earlier study", part10(_ecg()))


def _mr(number: int) -> Dataset:
    """Make an MR Image. Source: PS3.3 A.4, C.8.3.1."""
    cosine, sine = round(math.cos(TILT), 6), round(math.sin(TILT), 6)
    depth = STEP * (number - 4.0) + 2.0
    half = SPACING * (SIZE - 1) / 2
    # From the middle of the slice to its corner; the normal of the tilted slice is (0, -sine, cosine).
    origin = (-half, round(-half * cosine - depth * sine, 4), round(-half * sine + depth * cosine, 4))
    space = Space.plane(origin, (SPACING, 0, 0), (0, SPACING * cosine, SPACING * sine), (SIZE, SIZE), soft=1.8)
    dataset = new_instance(
        T2,
        MRImageStorage,
        str(number),
        number,
        InstitutionName="サンプル病院",
        ImageType=["ORIGINAL", "PRIMARY", "OTHER"],
        AcquisitionDate=MR_STUDY.date,
        ContentDate=MR_STUDY.date,
        AcquisitionTime=T2.time,
        ContentTime=f"1116{number:02d}",
        BodyPartExamined="HEAD",
        ScanningSequence="SE",
        SequenceVariant="SK",
        ScanOptions="",
        MRAcquisitionType="2D",
        SequenceName="tse2d1_15",
        SliceThickness=5.0,
        RepetitionTime=4200.0,
        EchoTime=98.0,
        NumberOfAverages=1.0,
        ImagingFrequency=63.87,
        ImagedNucleus="1H",
        EchoNumbers=1,
        MagneticFieldStrength=1.5,
        SpacingBetweenSlices=STEP,
        EchoTrainLength=15,
        ProtocolName="Head T2",
        FlipAngle=150.0,
        PatientPosition="HFS",
        AcquisitionNumber=1,
        ImagePositionPatient=list(origin),
        ImageOrientationPatient=[1, 0, 0, 0, cosine, sine],
        SliceLocation=depth,
        PixelSpacing=[SPACING, SPACING],
        WindowCenter=480,
        WindowWidth=1000,
    )
    set_pixels(dataset, np.rint(brain(space, 400 + number)).astype(np.uint16), 12, "MONOCHROME2")
    return dataset


def _ecg() -> Dataset:
    """Make a 12-lead ECG. Source: PS3.3 A.34.3, C.10.9; PS3.16 CID 3001."""
    steps = np.rint(electrocardiogram(SECONDS, RATE) / SENSITIVITY).astype("<i2")
    group = item(
        WaveformOriginality="ORIGINAL",
        NumberOfWaveformChannels=len(LEADS),
        NumberOfWaveformSamples=RATE * SECONDS,
        SamplingFrequency=float(RATE),
        MultiplexGroupLabel="RHYTHM",
        ChannelDefinitionSequence=[_channel(number, lead) for number, lead in enumerate(LEADS, 1)],
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
        WaveformData=steps.tobytes(),
    )
    group["WaveformData"].VR = "OW"
    return new_instance(
        ECG,
        TwelveLeadECGWaveformStorage,
        "1",
        1,
        ContentDate=ECG_STUDY.date,
        ContentTime=ECG.time,
        AcquisitionDateTime="20240611084700",
        AcquisitionContextSequence=[],
        WaveformSequence=[group],
    )


def _channel(number: int, lead: str) -> Dataset:
    # Nomenclature codes of ISO/IEEE 11073-10101 for leads I, II, V1 to V6, III, aVR, aVL, aVF.
    codes = {"I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8}
    codes |= {"III": 61, "aVR": 62, "aVL": 63, "aVF": 64}
    side = {"aVR": "right", "aVL": "left", "aVF": "foot"}.get(lead)
    meaning = f"{lead}, augmented voltage, {side}" if side else f"Lead {lead}"
    return item(
        ChannelLabel=lead,
        ChannelSourceSequence=code(f"2:{codes[lead]}", "MDC", meaning),
        ChannelSensitivity=SENSITIVITY,
        ChannelSensitivityUnitsSequence=code("uV", "UCUM", "microvolt"),
        ChannelSensitivityCorrectionFactor=1,
        ChannelBaseline=0,
        ChannelSampleSkew=0,
        WaveformBitsStored=16,
        FilterLowFrequency=0.05,
        FilterHighFrequency=150.0,
    )
