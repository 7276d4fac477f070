"""Patient 1, the demo: a chest CT with its key objects, presentation state, report and letter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    CTImageStorage,
    EncapsulatedPDFStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
)

from samples import radiotherapy
from samples.chest import NODULE_CENTRE, NODULE_RADIUS, chest
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
from samples.pdf import pdf
from samples.shapes import Space, noise

ABOUT = """\
The demo. MC-1001, a name with diacritics in ISO_IR 100: a chest CT with contrast and what belongs to it, and a plan of
radiotherapy in a study of its own. The CT is 14 slices of 5 mm every 15 mm and three coronal planes in the same frame
of reference; image 6 shows a nodule."""

PERSON = Person("Brandström^Åsa^Linnéa", "MC-1001", "19610317", "F", "ISO_IR 100")
STUDY = Study(PERSON, "p1/ct", "20240507", "093000", "CT-4711", "A20240507001", "CT chest with contrast", "063Y")
AXIAL = Series(STUDY, "axial", 2, "CT", "Axial 5 mm", "093210", "Phantom CT", "p1/frame")
CORONAL = Series(STUDY, "coronal", 3, "CT", "Coronal MPR 5 mm", "094000", "Phantom CT", "p1/frame")
KEY_OBJECTS = Series(STUDY, "key", 80, "KO", "Key images", "095500", "Phantom workstation")
PRESENTATION = Series(STUDY, "presentation", 81, "PR", "Nodule marked", "095200", "Phantom workstation")
REPORT = Series(STUDY, "report", 82, "SR", "Report", "101500", "Phantom workstation")
LETTER = Series(STUDY, "letter", 83, "DOC", "Letter to the referrer", "103000", "Phantom workstation")

SIZE, SPACING = 192, 2.0  # pixels, mm
CORNER = (-191.0, -178.0)  # centre of the first pixel of an axial slice, mm
SLICES = tuple(92.5 - 15.0 * number for number in range(14))  # z in mm, head first
CORONAL_PLANES = (-12.0, 20.0, 66.0)  # y in mm
SHOWN = 5  # index in SLICES of the slice through the nodule
REJECTED = 12  # index of the slice that a rejection note among the awkward samples rejects


def samples() -> Iterator[Sample]:
    """Yield the files of patient 1."""
    axial, coronal = axial_slices(), tuple(_coronal_slices())
    for number, dataset in enumerate(axial, 1):
        words = "axial slice; lung, soft tissue windows; frame of reference shared by the study"
        yield Sample(f"patient1/ct/axial/ct{number:02d}.dcm", f"CT, {words}", part10(dataset))
    for number, dataset in enumerate(coronal, 1):
        yield Sample(f"patient1/ct/coronal/mpr_{number}", "CT, derived coronal MPR; no extension", part10(dataset))
    key_object = _key_object((axial[SHOWN], axial[8]))
    yield Sample("patient1/ct/key-images.dcm", "Key Object, For Referring Provider, of two slices", part10(key_object))
    state = _presentation_state(axial[SHOWN])
    yield Sample("patient1/ct/nodule.pr", "Presentation State: window, area, circle and text", part10(state))
    report = _report(axial[SHOWN], axial + coronal)
    yield Sample("patient1/ct/report.sr.dcm", "Comprehensive SR, VERIFIED; language as HAS CONCEPT MOD", part10(report))
    yield Sample("patient1/ct/letter.dcm", "Encapsulated PDF of one page", part10(_letter(axial[SHOWN])))
    yield from radiotherapy.samples(PERSON, axial)


@cache
def axial_slices() -> tuple[Dataset, ...]:
    """Return the axial series, from head to feet."""
    slices = []
    for number, z in enumerate(SLICES, 1):
        origin = (*CORNER, z)
        space = Space.plane(origin, (SPACING, 0, 0), (0, SPACING, 0), (SIZE, SIZE), 2.6)
        dataset = _ct(AXIAL, number, origin, (1, 0, 0, 0, 1, 0), ["ORIGINAL", "PRIMARY", "AXIAL"])
        dataset.SliceLocation = z
        dataset.TableHeight = 160.0
        dataset.GantryDetectorTilt = 0.0
        _set_hounsfield(dataset, space, 100 + number)
        slices.append(dataset)
    return tuple(slices)


def _coronal_slices() -> Iterator[Dataset]:
    for number, y in enumerate(CORONAL_PLANES, 1):
        origin = (CORNER[0], y, 118.0)
        space = Space.plane(origin, (SPACING, 0, 0), (0, 0, -SPACING), (120, SIZE), 2.6)
        dataset = _ct(CORONAL, number, origin, (1, 0, 0, 0, 0, -1), ["DERIVED", "SECONDARY", "MPR"])
        dataset.DerivationDescription = "Multiplanar reformation"
        _set_hounsfield(dataset, space, 200 + number)
        yield dataset


def _ct(
    series: Series, number: int, origin: tuple[float, float, float], axes: tuple[int, ...], kind: list[str]
) -> Dataset:
    """Make a CT Image without pixels. Source: PS3.3 A.3, C.8.2.1."""
    dataset = new_instance(
        series,
        CTImageStorage,
        str(number),
        number,
        ImageType=kind,
        AcquisitionDate=STUDY.date,
        ContentDate=STUDY.date,
        AcquisitionTime=f"0932{10 + number:02d}",
        ContentTime=f"0932{10 + number:02d}",
        BodyPartExamined="CHEST",
        ContrastBolusAgent="Iodinated contrast 300 mg/ml",
        ContrastBolusRoute="IV",
        ScanOptions="SEQUENCE",
        SliceThickness=5.0,
        KVP=120,
        DataCollectionDiameter=500.0,
        ReconstructionDiameter=SIZE * SPACING,
        ProtocolName="Chest 5/15",
        ExposureTime=500,
        XRayTubeCurrent=180,
        Exposure=90,
        ConvolutionKernel="PHANTOM-B",
        PatientPosition="HFS",
        AcquisitionNumber=1,
        ImagePositionPatient=list(origin),
        ImageOrientationPatient=list(axes),
        PixelSpacing=[SPACING, SPACING],
    )
    dataset.PositionReferenceIndicator = "SN"
    return dataset


def _set_hounsfield(dataset: Dataset, space: Space, seed: int) -> None:
    hounsfield = chest(space) + noise(seed, space.x.shape, 10.0, 2)
    # Off by 24 and signed, so that a reader that ignores the rescale or the sign shows at once.
    stored = np.clip(np.rint(hounsfield) + 24, -2048, 2047).astype(np.int16)
    set_pixels(dataset, stored, 12, "MONOCHROME2")
    dataset.RescaleIntercept = -24
    dataset.RescaleSlope = 1
    dataset.RescaleType = "HU"
    dataset.WindowCenter = [40, -500]
    dataset.WindowWidth = [400, 1500]
    dataset.WindowCenterWidthExplanation = ["SOFT TISSUE", "LUNG"]


def _key_object(slices: Sequence[Dataset]) -> Dataset:
    """Make a Key Object Selection Document. Source: PS3.3 A.35.4, PS3.16 TID 2010, CID 7010."""
    return new_instance(
        KEY_OBJECTS,
        KeyObjectSelectionDocumentStorage,
        "1",
        1,
        ContentDate=STUDY.date,
        ContentTime=KEY_OBJECTS.time,
        ReferencedPerformedProcedureStepSequence=[],
        ValueType="CONTAINER",
        ConceptNameCodeSequence=code("113004", "DCM", "For Referring Provider"),
        ContinuityOfContent="SEPARATE",
        ContentTemplateSequence=[item(MappingResource="DCMR", TemplateIdentifier="2010")],
        CurrentRequestedProcedureEvidenceSequence=_evidence(slices),
        ContentSequence=[
            item(
                RelationshipType="CONTAINS",
                ValueType="TEXT",
                ConceptNameCodeSequence=code("113012", "DCM", "Key Object Description"),
                TextValue="Nodule in the right upper lobe, and the heart.",
            ),
            *(
                item(RelationshipType="CONTAINS", ValueType="IMAGE", ReferencedSOPSequence=[reference(s)])
                for s in slices
            ),
        ],
    )


def _evidence(instances: Sequence[Dataset]) -> list[Dataset]:
    return [item(StudyInstanceUID=STUDY.uid, ReferencedSeriesSequence=references_by_series(instances))]


def _presentation_state(image: Dataset) -> Dataset:
    """Make a Grayscale Softcopy Presentation State on one slice. Source: PS3.3 A.33.1, C.10.5, C.11."""
    column = (NODULE_CENTRE[0] - CORNER[0]) / SPACING + 1
    row = (NODULE_CENTRE[1] - CORNER[1]) / SPACING + 1
    reach = (NODULE_RADIUS + 6) / SPACING
    circle = item(
        GraphicAnnotationUnits="PIXEL",
        GraphicDimensions=2,
        NumberOfGraphicPoints=2,
        GraphicData=[column, row, column + reach, row],
        GraphicType="CIRCLE",
        GraphicFilled="N",
    )
    text = item(
        AnchorPointAnnotationUnits="PIXEL",
        UnformattedTextValue="Nodule 21 mm",
        AnchorPoint=[column + reach, row - reach],
        AnchorPointVisibility="Y",
    )
    area = item(
        ReferencedImageSequence=[reference(image)],
        DisplayedAreaTopLeftHandCorner=[17, 17],
        DisplayedAreaBottomRightHandCorner=[176, 176],
        PresentationSizeMode="SCALE TO FIT",
        PresentationPixelSpacing=[SPACING, SPACING],
    )
    return new_instance(
        PRESENTATION,
        GrayscaleSoftcopyPresentationStateStorage,
        "1",
        1,
        PresentationCreationDate=STUDY.date,
        PresentationCreationTime=PRESENTATION.time,
        ContentLabel="NODULE",
        ContentDescription="Nodule in the lung window",
        ContentCreatorName="Reader^Robin",
        BodyPartExamined="CHEST",
        ReferencedSeriesSequence=[item(SeriesInstanceUID=AXIAL.uid, ReferencedImageSequence=[reference(image)])],
        RescaleIntercept=-24,
        RescaleSlope=1,
        RescaleType="HU",
        SoftcopyVOILUTSequence=[item(WindowCenter=-500, WindowWidth=1500)],
        DisplayedAreaSelectionSequence=[area],
        GraphicLayerSequence=[item(GraphicLayer="MARKS", GraphicLayerOrder=1)],
        GraphicAnnotationSequence=[
            item(
                ReferencedImageSequence=[reference(image)],
                GraphicLayer="MARKS",
                GraphicObjectSequence=[circle],
                TextObjectSequence=[text],
            )
        ],
        PresentationLUTShape="IDENTITY",
    )


def _report(shown: Dataset, evidence: Sequence[Dataset]) -> Dataset:
    """Make a verified report with a measurement. Source: PS3.3 A.35.3, C.17; PS3.16 TID 2000."""
    observer = item(
        VerifyingOrganization="Sample Hospital",
        VerificationDateTime="20240507101200",
        VerifyingObserverName="Reader^Robin^^Dr.",
        VerifyingObserverIdentificationCodeSequence=[],
    )
    measured = item(
        RelationshipType="CONTAINS",
        ValueType="NUM",
        ConceptNameCodeSequence=code("103339001", "SCT", "Long axis"),
        MeasuredValueSequence=[
            item(NumericValue="21", MeasurementUnitsCodeSequence=code("mm", "UCUM", "millimeter")),
        ],
        ContentSequence=[
            item(RelationshipType="INFERRED FROM", ValueType="IMAGE", ReferencedSOPSequence=[reference(shown)])
        ],
    )
    findings = _text("121071", "Finding", "Spiculated nodule of 21 mm with calcium in the right upper lobe.")
    impression = _text("121073", "Impression", "Nodule for further work-up. No other focal lesion.")
    return new_instance(
        REPORT,
        ComprehensiveSRStorage,
        "1",
        1,
        ContentDate=STUDY.date,
        ContentTime=REPORT.time,
        ReferencedPerformedProcedureStepSequence=[],
        VerifyingObserverSequence=[observer],
        PerformedProcedureCodeSequence=[],
        CurrentRequestedProcedureEvidenceSequence=_evidence(evidence),
        CompletionFlag="COMPLETE",
        VerificationFlag="VERIFIED",
        PreliminaryFlag="FINAL",
        ValueType="CONTAINER",
        ConceptNameCodeSequence=code("18748-4", "LN", "Diagnostic Imaging Report"),
        ContinuityOfContent="SEPARATE",
        ContentTemplateSequence=[item(MappingResource="DCMR", TemplateIdentifier="2000")],
        ContentSequence=[
            item(
                RelationshipType="HAS CONCEPT MOD",
                ValueType="CODE",
                ConceptNameCodeSequence=code("121049", "DCM", "Language of Content Item and Descendants"),
                ConceptCodeSequence=code("en", "RFC5646", "English"),
            ),
            item(
                RelationshipType="HAS OBS CONTEXT",
                ValueType="PNAME",
                ConceptNameCodeSequence=code("121008", "DCM", "Person Observer Name"),
                PersonName="Reader^Robin^^Dr.",
            ),
            _section("121070", "Findings", [findings, measured]),
            _section("121072", "Impressions", [impression]),
        ],
    )


def _section(value: str, meaning: str, content: list[Dataset]) -> Dataset:
    return item(
        RelationshipType="CONTAINS",
        ValueType="CONTAINER",
        ConceptNameCodeSequence=code(value, "DCM", meaning),
        ContinuityOfContent="SEPARATE",
        ContentSequence=content,
    )


def _text(value: str, meaning: str, text: str) -> Dataset:
    return item(
        RelationshipType="CONTAINS",
        ValueType="TEXT",
        ConceptNameCodeSequence=code(value, "DCM", meaning),
        TextValue=text,
    )


def _letter(image: Dataset) -> Dataset:
    """Make an Encapsulated PDF. Source: PS3.3 A.45.1, C.24.2."""
    document = pdf(
        "CT chest with contrast, 7 May 2024",
        (
            "Dear colleague,",
            "",
            "thank you for referring your patient. The CT of the chest shows a spiculated",
            "nodule of 21 mm with calcium in the right upper lobe.",
            "",
            "Measured on image 6 of series 2 (Axial 5 mm).",
            "",
            "Kind regards,",
            "Robin Reader, Sample Hospital",
            "",
            "The patient is invented: Åsa Linnéa Brandström exists only in mediacreator's samples.",
        ),
    )
    return new_instance(
        LETTER,
        EncapsulatedPDFStorage,
        "1",
        1,
        ContentDate=STUDY.date,
        ContentTime=LETTER.time,
        AcquisitionDateTime="",
        ConversionType="WSD",
        BurnedInAnnotation="YES",
        SourceInstanceSequence=[reference(image)],
        DocumentTitle="Letter to the referrer",
        VerificationFlag="VERIFIED",
        ConceptNameCodeSequence=code("18748-4", "LN", "Diagnostic Imaging Report"),
        MIMETypeOfEncapsulatedDocument="application/pdf",
        EncapsulatedDocument=document + b"\0" * (len(document) % 2),
        EncapsulatedDocumentLength=len(document),
    )
