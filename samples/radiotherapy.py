"""A Structure Set on the CT of patient 1 and a Plan of two fields on the Structure Set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import RTPlanStorage, RTStructureSetStorage

from samples.chest import BODY, NODULE_CENTRE, NODULE_RADIUS
from samples.iods import Person, Sample, Series, Study, item, new_instance, part10, reference, uid

FRAME = "p1/frame"
TARGET = 2
"""Number of the region of interest that the Plan treats."""

REGIONS = (  # number, name, type, colour, centre and radii of an ellipsoid in mm
    (1, "Body", "EXTERNAL", (0, 255, 0), (0.0, 0.0, 0.0), (BODY[0], BODY[1], 4000.0)),
    (TARGET, "GTV", "GTV", (255, 0, 0), NODULE_CENTRE, (NODULE_RADIUS, NODULE_RADIUS, NODULE_RADIUS)),
    (3, "PTV", "PTV", (255, 128, 0), NODULE_CENTRE, (NODULE_RADIUS + 8,) * 3),
    (4, "SpinalCord", "ORGAN", (0, 128, 255), (0.0, 87.0, 0.0), (6.0, 5.0, 4000.0)),
)


def samples(person: Person, images: Sequence[Dataset]) -> Iterator[Sample]:
    """Yield the Structure Set and the Plan, in a study of their own one week after the CT."""
    study = Study(person, "p1/rt", "20240514", "140000", "RT-0815", "A20240514009", "Radiotherapy planning", "063Y")
    structures = _structure_set(study, images)
    yield Sample("patient1/rt/structures.dcm", "RT Structure Set: contours on the CT, other study", part10(structures))
    yield Sample(
        "patient1/rt/rtplan", "RT Plan of two photon fields; refers to the set", part10(_plan(study, structures))
    )


def _structure_set(study: Study, images: Sequence[Dataset]) -> Dataset:
    """Make an RT Structure Set. Source: PS3.3 A.19, C.8.8.5, C.8.8.6, C.8.8.8."""
    series = Series(study, "structures", 1, "RTSTRUCT", "Structures", "141000", "Phantom planning", FRAME)
    rt_series = item(
        SeriesInstanceUID=images[0].SeriesInstanceUID,
        ContourImageSequence=[reference(image) for image in images],
    )
    rt_study = item(
        ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",  # Detached Study Management, retired: the type is 1
        ReferencedSOPInstanceUID=images[0].StudyInstanceUID,
        RTReferencedSeriesSequence=[rt_series],
    )
    frame = images[0].FrameOfReferenceUID
    return new_instance(
        series,
        RTStructureSetStorage,
        "1",
        1,
        OperatorsName="",
        StructureSetLabel="CHEST",
        StructureSetName="Chest, nodule",
        StructureSetDate=study.date,
        StructureSetTime=series.time,
        ReferencedFrameOfReferenceSequence=[
            item(FrameOfReferenceUID=frame, RTReferencedStudySequence=[rt_study]),
        ],
        StructureSetROISequence=[
            item(
                ROINumber=number,
                ReferencedFrameOfReferenceUID=frame,
                ROIName=name,
                ROIGenerationAlgorithm="AUTOMATIC",
            )
            for number, name, *_ in REGIONS
        ],
        ROIContourSequence=[
            item(
                ROIDisplayColor=list(colour),
                ContourSequence=list(_contours(images, centre, radii, 2.5 if number == 1 else 2.0)),
                ReferencedROINumber=number,
            )
            for number, _, _, colour, centre, radii in REGIONS
        ],
        RTROIObservationsSequence=[
            item(ObservationNumber=number, ReferencedROINumber=number, RTROIInterpretedType=kind, ROIInterpreter="")
            for number, _, kind, *_ in REGIONS
        ],
        ApprovalStatus="UNAPPROVED",
    )


def _contours(
    images: Sequence[Dataset], centre: tuple[float, float, float], radii: tuple[float, ...], power: float
) -> Iterator[Dataset]:
    angles = np.arange(48) * (2 * np.pi / 48)
    for image in images:
        z = float(image.ImagePositionPatient[2])
        height = abs((z - centre[2]) / radii[2])
        # The body narrows above z = 60 mm and has no contour there that an ellipse would follow.
        if height >= 1.0 or (power > 2.0 and z > 60.0):
            continue
        size = (1.0 - height**power) ** (1.0 / power)
        x = centre[0] + size * radii[0] * np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** (2 / power)
        y = centre[1] + size * radii[1] * np.sign(np.sin(angles)) * np.abs(np.sin(angles)) ** (2 / power)
        points = [f"{value:.2f}" for point in zip(x, y, np.full(48, z), strict=True) for value in point]
        yield item(
            ContourImageSequence=[reference(image)],
            ContourGeometricType="CLOSED_PLANAR",
            NumberOfContourPoints=48,
            ContourData=points,
        )


def _plan(study: Study, structures: Dataset) -> Dataset:
    """Make an RT Plan of two opposed oblique fields. Source: PS3.3 A.20, C.8.8.9 to C.8.8.14."""
    series = Series(study, "plan", 2, "RTPLAN", "Plan", "144500", "Phantom planning", FRAME)
    return new_instance(
        series,
        RTPlanStorage,
        "1",
        1,
        OperatorsName="",
        RTPlanLabel="NODULE",
        RTPlanDate=study.date,
        RTPlanTime=series.time,
        RTPlanGeometry="PATIENT",
        DoseReferenceSequence=[
            item(
                DoseReferenceNumber=1,
                DoseReferenceUID=uid("p1/rt/dose reference"),
                DoseReferenceStructureType="VOLUME",
                DoseReferenceType="TARGET",
                TargetPrescriptionDose=48.0,
                ReferencedROINumber=TARGET,
            )
        ],
        FractionGroupSequence=[
            item(
                FractionGroupNumber=1,
                NumberOfFractionsPlanned=4,
                NumberOfBeams=2,
                NumberOfBrachyApplicationSetups=0,
                ReferencedBeamSequence=[item(BeamDose=6.0, BeamMeterset=720.0, ReferencedBeamNumber=n) for n in (1, 2)],
            )
        ],
        BeamSequence=[_beam(1, "Field 220", 220.0), _beam(2, "Field 310", 310.0)],
        PatientSetupSequence=[item(PatientPosition="HFS", PatientSetupNumber=1, SetupTechnique="ISOCENTRIC")],
        ReferencedStructureSetSequence=[reference(structures)],
        ApprovalStatus="UNAPPROVED",
    )


def _beam(number: int, name: str, angle: float) -> Dataset:
    jaws = (("ASYMX", 1), ("ASYMY", 1))
    first = item(
        ControlPointIndex=0,
        NominalBeamEnergy=6.0,
        DoseRateSet=600.0,
        BeamLimitingDevicePositionSequence=[
            item(RTBeamLimitingDeviceType=kind, LeafJawPositions=[-22.0, 22.0]) for kind, _ in jaws
        ],
        GantryAngle=angle,
        GantryRotationDirection="NONE",
        BeamLimitingDeviceAngle=0.0,
        BeamLimitingDeviceRotationDirection="NONE",
        PatientSupportAngle=0.0,
        PatientSupportRotationDirection="NONE",
        TableTopEccentricAngle=0.0,
        TableTopEccentricRotationDirection="NONE",
        TableTopVerticalPosition="",
        TableTopLongitudinalPosition="",
        TableTopLateralPosition="",
        TableTopPitchAngle=0.0,
        TableTopPitchRotationDirection="NONE",
        TableTopRollAngle=0.0,
        TableTopRollRotationDirection="NONE",
        IsocenterPosition=list(NODULE_CENTRE),
        CumulativeMetersetWeight=0.0,
    )
    return item(
        Manufacturer="mediacreator samples",
        TreatmentMachineName="LINAC1",
        PrimaryDosimeterUnit="MU",
        SourceAxisDistance=1000.0,
        BeamLimitingDeviceSequence=[
            item(RTBeamLimitingDeviceType=kind, NumberOfLeafJawPairs=pairs) for kind, pairs in jaws
        ],
        BeamNumber=number,
        BeamName=name,
        BeamType="STATIC",
        RadiationType="PHOTON",
        TreatmentDeliveryType="TREATMENT",
        NumberOfWedges=0,
        NumberOfCompensators=0,
        NumberOfBoli=0,
        NumberOfBlocks=0,
        FinalCumulativeMetersetWeight=1.0,
        NumberOfControlPoints=2,
        ControlPointSequence=[first, item(ControlPointIndex=1, CumulativeMetersetWeight=1.0)],
        ReferencedPatientSetupNumber=1,
    )
