"""Instances that conform to an application profile, and ones that break one of its rules: made from the profile's data.

Nothing here knows one profile from another. An instance takes the values that the rules name; what a SOP Class needs
besides (its modality, a document's content) stands in the tables below. All patients are invented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from pydicom import config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.encoders.base import get_encoder
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, RLELossless

from mediacreator.rules import uids
from mediacreator.rules.profile import ApplicationProfile, AttributeRule, Constraint, ObjectRule
from mediacreator.rules.tables import Key, record_types, sop_classes, transfer_syntaxes
from tests.video.instances import CLIP_OF, MODALITIES, video_dataset

ROOT = "2.25.311"
ELE, IMPLICIT = uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN
RLE = "1.2.840.10008.1.2.5"
JPEG_BASELINE, JPEG_EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS, JPEG_2000, JPEG_2000_LOSSY = (f"1.2.840.10008.1.2.4.{n}" for n in (70, 90, 91))

CT, MR, XA = (f"1.2.840.10008.5.1.4.1.1.{n}" for n in ("2", "4", "12.1"))
SC, SC_BYTES = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7.2"
ENHANCED_CT, SPECTROSCOPY = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.2"
US, US_MULTI = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1"
BASIC_TEXT_SR, GSPS = "1.2.840.10008.5.1.4.1.1.88.11", uids.GRAYSCALE_SOFTCOPY_PRESENTATION_STATE
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"

SELECTED = {
    "any_media_storage": (CT, SC, ENHANCED_CT, SPECTROSCOPY, BASIC_TEXT_SR, GSPS, ENCAPSULATED_PDF),
    "multi_frame": tuple(MODALITIES),
}
"""What stands for the SOP Classes of a selector."""

_MODALITY = {
    CT: "CT",
    ENHANCED_CT: "CT",
    MR: "MR",
    SPECTROSCOPY: "MR",
    XA: "XA",
    SC: "OT",
    SC_BYTES: "OT",
    US: "US",
    US_MULTI: "US",
    GSPS: "PR",
    BASIC_TEXT_SR: "SR",
    ENCAPSULATED_PDF: "DOC",
    "1.2.840.10008.5.1.4.1.1.1.3": "IO",
    "1.2.840.10008.5.1.4.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.131": "PR",
    "1.2.840.10008.5.1.4.1.1.88.67": "SR",
}
_FRAMES = {ENHANCED_CT: 2, US_MULTI: 3}
_NESTED = frozenset((ENHANCED_CT, SPECTROSCOPY))
"""SOP Classes that hold geometry and references in Shared Functional Groups Sequence (PS3.3 C.7.6.16)."""
_COLOUR = frozenset((SC_BYTES,))

_SAMPLE = {"US": 1, "UL": 1, "UV": 1, "IS": "1", "DS": "1.5", "DA": "20260301", "TM": "101112", "DT": "20260301101112"}
_VALUES: dict[str, object] = {
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "PatientSex": "F",
    "PatientBirthDate": "19700101",
    "CalibrationImage": "YES",
    "AcquisitionTimeSynchronized": "Y",
    "LossyImageCompressionRatio": "12.5",
    "ImagePositionPatient": ["1", "2", "3"],
    "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
    "PixelSpacing": ["0.5", "0.5"],
    "CompletionFlag": "COMPLETE",
    "VerificationFlag": "UNVERIFIED",
    "MIMETypeOfEncapsulatedDocument": "application/pdf",
    "FrameOfReferenceUID": f"{ROOT}.8",
    "SynchronizationFrameOfReferenceUID": f"{ROOT}.9",
}
_OF_ONE_CLASS = {
    "HL7InstanceIdentifier": uids.ENCAPSULATED_CDA,
    "BlendingSequence": "1.2.840.10008.5.1.4.1.1.11.4",
}
"""Keys that instances of other SOP Classes do not have."""

_GEOMETRY = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "ReferencedImageSequence": "",
}
"""Where Shared Functional Groups hold what Table H.3-2 asks for (PS3.3 C.7.6.16.2)."""

_PIXELS = frozenset(
    (
        *("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
        *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "NumberOfFrames"),
        *("IconImageSequence", "LossyImageCompressionRatio"),
    )
)
"""Keys that describe the pixels of an image, which are made for it."""


@dataclass(frozen=True)
class Sample:
    """A conformant instance."""

    name: str  # unique in its profile
    object: ObjectRule
    dataset: Dataset
    copied: bool  # it lies in a Transfer Syntax of the profile

    @property
    def syntax(self) -> str:
        return str(self.dataset.file_meta.TransferSyntaxUID)


def samples(profile: ApplicationProfile) -> tuple[Sample, ...]:
    """Return instances of every object of a profile: to be copied, and to be transcoded where it can be."""
    found = [sample for rule in profile.objects for sample in _of_object(profile, rule)]
    numbered = []
    for number, sample in enumerate(found, 1):
        _number(sample.dataset, number)
        numbered.append(sample)
    assert len({sample.name for sample in numbered}) == len(numbered)
    return tuple(numbered)


def write(found: Sequence[Sample], folder: Path) -> None:
    """Write instances as DICOM files, called by their numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(found, 1):
        save(sample.dataset, folder / f"{number:03}.dcm")


def save(dataset: Dataset, path: Path) -> Path:
    """Write a Data Set as it is, however odd its values are."""
    modes = config.settings.reading_validation_mode, config.settings.writing_validation_mode
    config.settings.reading_validation_mode = config.settings.writing_validation_mode = config.IGNORE
    try:
        dataset.save_as(path, enforce_file_format=True)
    finally:
        config.settings.reading_validation_mode, config.settings.writing_validation_mode = modes
    return path


def _of_object(profile: ApplicationProfile, rule: ObjectRule) -> Iterator[Sample]:
    classes = rule.sop_classes or SELECTED[rule.selector]
    for sop_class in classes:
        if sop_class == uids.MEDIA_STORAGE_DIRECTORY:
            continue
        if transfer_syntaxes()[rule.transfer_syntaxes[0]].codec == "video":
            for syntax in rule.transfer_syntaxes:
                if sop_class in MODALITIES:
                    yield Sample(_name(rule, sop_class, syntax), rule, _video(profile, sop_class, syntax), copied=True)
        elif sop_classes()[sop_class].record_type == "IMAGE":
            yield from _images(profile, rule, sop_class)
        else:
            for syntax in (ELE, IMPLICIT) if ELE in rule.transfer_syntaxes else ():
                dataset = _identified(profile, sop_class)
                _coded(dataset, syntax)
                yield Sample(_name(rule, sop_class, syntax), rule, dataset, syntax in rule.transfer_syntaxes)


def _images(profile: ApplicationProfile, rule: ObjectRule, sop_class: str) -> Iterator[Sample]:
    """Yield an image for each pair of Photometric Interpretation and Transfer Syntax, and some to be transcoded."""
    pairs = [
        (pairing.photometric, syntax)
        for pairing in profile.pairings
        if rule.name in pairing.scope
        for syntax in pairing.transfer_syntaxes
    ]
    plain = pairs or [("", syntax) for syntax in rule.transfer_syntaxes if syntax in ENCODERS and not rule.declared]
    elsewhere = next((s for s in (JPEG_2000, JPEG_LOSSLESS, RLE, ELE) if s not in rule.transfer_syntaxes), IMPLICIT)
    foreign = [elsewhere] if elsewhere == ELE else [IMPLICIT, elsewhere]
    if rule.declared:
        plain, foreign = [("", ELE), ("", IMPLICIT), ("", JPEG_2000)], []
    if _lossy_only(rule):
        foreign = []
    for photometric, syntax in (*plain, *((plain[0][0], syntax) for syntax in foreign)):
        dataset = image(profile, rule, sop_class, photometric, syntax)
        yield Sample(_name(rule, sop_class, syntax, photometric), rule, dataset, syntax in rule.transfer_syntaxes)
    told = {key.condition for key in profile.directory.keys.get("IMAGE", ())}
    if told & {"biplane", "xa_biplane"} and sop_class == XA and rule is _first(profile, sop_class):
        dataset = image(profile, rule, sop_class, "", plain[0][1])
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "BIPLANE A"]
        dataset.ReferencedImageSequence = Items([_reference(XA, f"{ROOT}.7.2")])
        dataset.LossyImageCompression, dataset.LossyImageCompressionRatio = "01", "12.5"  # before it came to us
        dataset.LossyImageCompressionMethod = _METHODS[JPEG_BASELINE]
        yield Sample(_name(rule, sop_class, plain[0][1], "biplane"), rule, dataset, copied=True)


def _lossy_only(rule: ObjectRule) -> bool:
    return all(transfer_syntaxes()[uid].loss != "none" for uid in rule.transfer_syntaxes)


def _first(profile: ApplicationProfile, sop_class: str) -> ObjectRule:
    return next(rule for rule in profile.objects if rule.covers(sop_class))


def _name(rule: ObjectRule, sop_class: str, syntax: str, more: str = "") -> str:
    return " ".join(
        filter(None, (rule.name, sop_classes()[sop_class].name, syntax.rpartition("1.2.840.10008.")[2], more))
    )


def image(
    profile: ApplicationProfile, rule: ObjectRule, sop_class: str, photometric: str = "", syntax: str = ELE
) -> Dataset:
    """Return an image that meets the rules of an object.

    Args:
        profile: Whose rules.
        rule: Of its objects.
        sop_class: UID, one that the object covers.
        photometric: Its Photometric Interpretation; ``""`` for what the rules say, else MONOCHROME2.
        syntax: One of ``ENCODERS``.
    """
    dataset = _identified(profile, sop_class)
    dataset.Rows = dataset.Columns = 16
    lossy_8 = syntax == JPEG_BASELINE
    dataset.PhotometricInterpretation = photometric or ("RGB" if sop_class in _COLOUR else "MONOCHROME2")
    dataset.BitsAllocated, dataset.BitsStored = (8, 8) if lossy_8 or photometric else (16, 12)
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    if sop_class in _FRAMES:
        dataset.NumberOfFrames = _FRAMES[sop_class]
    for where in rule.where:
        put(dataset, where)
    settle(profile, rule, dataset)
    fill_pixels(dataset)
    _coded(dataset, syntax)
    return dataset


def settle(profile: ApplicationProfile, rule: ObjectRule, dataset: Dataset, breaking: str = "") -> None:
    """Give a Data Set the values that the attribute rules of its object ask for, but for one that is to be broken."""
    for _ in range(3):  # a rule may depend on another
        for attribute in rules_of(profile, rule):
            if attribute.name != breaking and all(holds(dataset, where) for where in attribute.where):
                if not attribute.constraint.check and not holds(dataset, attribute.constraint):
                    put(dataset, attribute.constraint)
                elif attribute.constraint.check:
                    _MEET[attribute.constraint.check](dataset)


def rules_of(profile: ApplicationProfile, rule: ObjectRule) -> tuple[AttributeRule, ...]:
    """Return the attribute rules that bind an object, if it is an image also those of all images."""
    return tuple(one for one in profile.attributes if rule.name in one.scope or "images" in one.scope)


def holds(dataset: Dataset, constraint: Constraint) -> bool:
    """Tell whether a Data Set is as a constraint of a column says; independent of the engine."""
    if constraint.check:
        return True
    if constraint.present:
        return constraint.keyword in dataset
    value = dataset.get(constraint.keyword)
    if constraint.number > 1 or not isinstance(value, (int, str, type(None))):
        value = (list(value) if value else [])[constraint.number - 1 : constraint.number] or [None]
        value = value[0]
    if value is None:
        return False
    if constraint.one_of:
        return str(value) in constraint.one_of
    if constraint.same_as:
        return int(value) == int(dataset.get(constraint.same_as, -1)) + constraint.offset
    return (constraint.minimum or 0) <= int(value) <= (constraint.maximum or 1 << 16)


def put(dataset: Dataset, constraint: Constraint) -> None:
    """Give a Data Set a value that meets a constraint of a column."""
    if constraint.present:
        setattr(dataset, constraint.keyword, "")
        return
    if constraint.same_as:
        value = str(int(dataset.get(constraint.same_as)) + constraint.offset)
    else:
        value = constraint.one_of[0] if constraint.one_of else str(constraint.minimum or constraint.maximum)
    set_text(dataset, constraint, value)


def set_text(dataset: Dataset, constraint: Constraint, value: str) -> None:
    """Set one value of the attribute of a constraint."""
    typed: object = int(value) if constraint.vr in ("US", "UL", "SS") else value
    if constraint.number > 1:
        values = list(dataset.get(constraint.keyword) or [])
        values += [""] * (constraint.number - len(values))
        values[constraint.number - 1] = typed
        typed = values
    setattr(dataset, constraint.keyword, typed)


# --- what breaks a rule ----------------------------------------------------------------------------------------------


def broken(profile: ApplicationProfile, rule: ObjectRule, attribute: AttributeRule, sound: Dataset) -> Dataset | None:
    """Return a Data Set that breaks one attribute rule and no other, if there is a value that does.

    Args:
        profile: Whose rules.
        rule: The object of ``sound``.
        attribute: The rule to break.
        sound: A conformant instance in a native Transfer Syntax.
    """
    for dataset in _attempts(attribute, sound):
        settle(profile, rule, dataset, breaking=attribute.name)
        others = [one for one in rules_of(profile, rule) if one.name != attribute.name]
        bound = all(holds(dataset, where) for where in (*attribute.where, *rule.where))
        kept = all(
            holds(dataset, one.constraint) for one in others if all(holds(dataset, where) for where in one.where)
        )
        unbroken = not attribute.constraint.check and holds(dataset, attribute.constraint)
        if bound and kept and not unbroken:
            if "PixelData" in dataset and not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
                fill_pixels(dataset)
            return dataset
    return None


def _attempts(attribute: AttributeRule, sound: Dataset) -> Iterator[Dataset]:
    """Yield Data Sets that may break a rule."""
    constraint = attribute.constraint
    if constraint.check:
        dataset = deepcopy(sound)
        _BREAK[constraint.check](dataset)
        yield dataset
        return
    if constraint.present:
        dataset = deepcopy(sound)
        del dataset[constraint.keyword]
        yield dataset
        return
    for value in _wrong_values(constraint, sound):
        dataset = deepcopy(sound)
        for where in attribute.where:
            if not holds(dataset, where):
                put(dataset, where)
        set_text(dataset, constraint, value)
        yield dataset


def _wrong_values(constraint: Constraint, sound: Dataset) -> tuple[str, ...]:
    if constraint.keyword == "PhotometricInterpretation":
        return tuple(p for p in ("MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR") if p not in constraint.one_of)
    if constraint.keyword == "SamplesPerPixel":
        return tuple(n for n in ("1", "3") if n not in constraint.one_of)
    if constraint.keyword == "BitsAllocated":
        return tuple(n for n in ("8", "16", "32") if n not in constraint.one_of)
    if constraint.same_as:
        there = int(sound.get(constraint.same_as)) + constraint.offset
        return (str(there - 1), str(there + 1), str(there - 2))
    if constraint.maximum:
        return (str(constraint.maximum + 1),)
    if constraint.vr == "US":
        return tuple(str(n) for n in range(1, 17) if str(n) not in constraint.one_of)
    return ("WRONG",)


# --- pixels ----------------------------------------------------------------------------------------------------------


def fill_pixels(dataset: Dataset) -> None:
    """Give a Data Set native Pixel Data, and what goes with its Photometric Interpretation (PS3.3 C.7.6.3)."""
    photometric = dataset.PhotometricInterpretation
    colour = photometric in ("RGB", "YBR_FULL", "YBR_FULL_422")
    if "SamplesPerPixel" not in dataset:
        dataset.SamplesPerPixel = 3 if colour else 1
    if dataset.SamplesPerPixel > 1:
        dataset.PlanarConfiguration = 0
    if photometric == "PALETTE COLOR":
        _palette(dataset)
    array = frames_of(dataset)
    if photometric == "YBR_FULL_422":  # Y Y Cb Cr for two pixels (PS3.3 C.7.6.3.1.2)
        pairs = array.reshape(*array.shape[:2], -1, 2, 3)
        array = np.concatenate([pairs[..., 0], pairs[..., 0, 1:]], axis=-1)
    data = array.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) & 1)
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated <= 8 else "OW"


def frames_of(dataset: Dataset) -> Any:
    """Return a smooth picture: (frames, rows, columns[, 3]), within Bits Stored, little endian."""
    count, rows, columns = int(dataset.get("NumberOfFrames", 1)), dataset.Rows, dataset.Columns
    frame, y, x = np.mgrid[0:count, 0:rows, 0:columns]
    values = ((3 * x + 5 * y + frame) % (1 << min(dataset.BitsStored, 12))).astype(
        {8: "u1", 16: "<u2"}.get(dataset.BitsAllocated, "<u4")
    )
    if dataset.SamplesPerPixel == 3:
        values = np.stack([values, values[:, ::-1], values[:, :, ::-1]], axis=-1)
    return np.ascontiguousarray(values)


def _palette(dataset: Dataset) -> None:
    entries = 256
    for number, colour in enumerate(("Red", "Green", "Blue")):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [entries, 0, 16])
        table = ((np.arange(entries) * (number + 1)) % 256).astype("<u2") * 257
        setattr(dataset, f"{colour}PaletteColorLookupTableData", table.tobytes())
        dataset[f"{colour}PaletteColorLookupTableDescriptor"].VR = "US"
        dataset[f"{colour}PaletteColorLookupTableData"].VR = "OW"


def _jpeg_baseline(frame: Any, dataset: Dataset) -> bytes:
    if dataset.SamplesPerPixel == 3:
        return bytes(
            imagecodecs.jpeg8_encode(frame, level=90, colorspace="ycbcr", outcolorspace="ycbcr", subsampling="422")
        )
    return bytes(imagecodecs.jpeg8_encode(frame, level=90))


def _rle(frame: Any, dataset: Dataset) -> bytes:
    return get_encoder(RLELossless).encode(
        frame.tobytes(),
        rows=dataset.Rows,
        columns=dataset.Columns,
        samples_per_pixel=dataset.SamplesPerPixel,
        bits_allocated=dataset.BitsAllocated,
        bits_stored=dataset.BitsStored,
        photometric_interpretation=dataset.PhotometricInterpretation,
        pixel_representation=dataset.PixelRepresentation,
        number_of_frames=1,
        planar_configuration=0,
        encoding_plugin="pydicom",
    )


def _depth(frame: Any, dataset: Dataset) -> int:
    """Return the precision of a codestream: 8 bits in 16 are coded as 16."""
    whole, stored = int(frame.dtype.itemsize * 8), int(dataset.BitsStored)
    return stored if whole == 16 and stored > 8 else whole


ENCODERS: dict[str, Callable[[Any, Dataset], bytes | bytearray] | None] = {
    ELE: None,
    IMPLICIT: None,
    RLE: _rle,
    JPEG_BASELINE: _jpeg_baseline,
    JPEG_EXTENDED: lambda frame, ds: imagecodecs.jpeg8_encode(frame, level=90, bitspersample=_depth(frame, ds)),
    JPEG_LOSSLESS: lambda frame, ds: imagecodecs.jpeg8_encode(
        frame, lossless=True, predictor=1, bitspersample=_depth(frame, ds)
    ),
    JPEG_2000: lambda frame, _: imagecodecs.jpeg2k_encode(frame, reversible=True, codecformat="J2K"),
    JPEG_2000_LOSSY: lambda frame, _: imagecodecs.jpeg2k_encode(frame, level=40, codecformat="J2K"),
}
"""What can be made here, by Transfer Syntax UID; frames as (rows, columns[, 3])."""


def strip_tables(dataset: Dataset) -> None:
    """Take Huffman and quantization tables out of each JPEG frame, no Interchange Format then (PS3.5 8.2.1)."""
    count = int(dataset.get("NumberOfFrames", 1))
    frames = [_without_tables(frame) for frame in generate_frames(dataset.PixelData, number_of_frames=count)]
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].is_undefined_length = True


def _without_tables(frame: bytes) -> bytes:
    kept, position = frame[:2], 2
    while frame[position + 1] != 0xDA:  # up to the first Start of Scan
        end = position + 2 + int.from_bytes(frame[position + 2 : position + 4], "big")
        if frame[position + 1] not in (0xC4, 0xDB):
            kept += frame[position:end]
        position = end
    kept += frame[position:]
    return kept + b"\0" * (len(kept) & 1)


_METHODS = {JPEG_BASELINE: "ISO_10918_1", JPEG_EXTENDED: "ISO_10918_1", JPEG_2000_LOSSY: "ISO_15444_1"}


def _coded(dataset: Dataset, syntax: str) -> None:
    """Bring native Pixel Data into a Transfer Syntax."""
    encoder = ENCODERS[syntax]
    if "PixelData" in dataset and encoder is not None:
        coded = [bytes(encoder(frame, dataset)) for frame in frames_of(dataset)]
        dataset.PixelData = encapsulate([frame + b"\0" * (len(frame) & 1) for frame in coded])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        if syntax == RLE and dataset.SamplesPerPixel == 3:
            dataset.PlanarConfiguration = 1
        if syntax in _METHODS:
            dataset.LossyImageCompression, dataset.LossyImageCompressionRatio = "01", "12.5"
            dataset.LossyImageCompressionMethod = _METHODS[syntax]
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = UID("2.25.1")
    dataset.file_meta = meta


# --- what all instances have -----------------------------------------------------------------------------------------


def _identified(profile: ApplicationProfile, sop_class: str) -> Dataset:
    """Return an instance without pixels: patient, study, series, and what its directory record can hold."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = UID(sop_class)
    dataset.Modality = _MODALITY.get(sop_class, "OT")
    dataset.PatientName, dataset.PatientID = "Testperson^Petra", "PROFILE1"
    dataset.PatientBirthDate, dataset.PatientSex = "19700101", "F"
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = "20260301"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = "101112"
    dataset.StudyDescription, dataset.AccessionNumber, dataset.StudyID = "Profiles", "A1", "1"
    dataset.InstitutionName, dataset.InstitutionAddress = "Invented hospital", "Nowhere 1"
    dataset.PerformingPhysicianName = "Tester^Tom"
    dataset.Manufacturer = "mediacreator tests"
    dataset.StudyInstanceUID = UID(f"{ROOT}.1")
    record = sop_classes()[sop_class].record_type
    for key in record_types()[record].keys if record else ():
        _fill(dataset, key)
    for key in profile.directory.keys.get(record, ()):
        _fill(dataset, key, nested=sop_class in _NESTED)
    return dataset


def _fill(dataset: Dataset, key: Key, *, nested: bool = False) -> None:
    """Give a Data Set a value that a directory record can be made of."""
    if key.source not in ("", "dataset_or_shared_groups") or key.keyword in dataset:
        return
    if dataset.SOPClassUID != _OF_ONE_CLASS.get(key.keyword, dataset.SOPClassUID):
        return
    if key.keyword in _PIXELS and sop_classes()[dataset.SOPClassUID].record_type == "IMAGE":
        return
    value = _value_of(key)
    if nested and key.source == "dataset_or_shared_groups":
        if "SharedFunctionalGroupsSequence" not in dataset:
            dataset.SharedFunctionalGroupsSequence = Items([Dataset()])
        inner = dataset.SharedFunctionalGroupsSequence[0]
        if _GEOMETRY[key.keyword]:
            inside = Dataset()
            setattr(inner, _GEOMETRY[key.keyword], Items([inside]))
            inner = inside
        setattr(inner, key.keyword, value)
    else:
        setattr(dataset, key.keyword, value)


def _value_of(key: Key) -> object:
    if key.vr != "SQ":
        return _VALUES.get(key.keyword, _SAMPLE.get(key.vr, f"{ROOT}.6" if key.vr == "UI" else "X"))
    if key.keyword in ("ReferencedImageSequence", "ReferencedSOPSequence"):
        return Items([_reference(CT, f"{ROOT}.7.1")])
    item = Dataset()
    if key.keyword == "ContentCreatorIdentificationCodeSequence":  # a person, not a code (PS3.3 Table 10-1)
        item.PersonIdentificationCodeSequence = Items([_code()])
        item.InstitutionName = "Invented hospital"
        return Items([item])
    if not key.items and not key.keep:
        return Items([_code()])
    for inner in key.items:
        setattr(item, inner.keyword, _value_of(inner))
    if key.keep:
        item.RelationshipType, item.ValueType = "HAS CONCEPT MOD", "CODE"
        item.ConceptNameCodeSequence, item.ConceptCodeSequence = Items([_code()]), Items([_code()])
    return Items([item])


def _code() -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", "99TEST", "Test"
    return item


def _reference(sop_class: str, instance: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = UID(sop_class), UID(instance)
    return item


def _video(profile: ApplicationProfile, sop_class: str, syntax: str) -> Dataset:
    assert syntax in CLIP_OF
    dataset = video_dataset(syntax, sop_class)
    common = _identified(profile, sop_class)
    for element in common:
        if element.keyword not in dataset or element.keyword in ("PatientName", "PatientID"):
            dataset.add(element)
    dataset.StudyInstanceUID = common.StudyInstanceUID
    for keyword in ("StudyDescription", "AccessionNumber", "StudyID"):
        setattr(dataset, keyword, common.get(keyword))
    return dataset


def _number(dataset: Dataset, number: int) -> None:
    """Give an instance a number and UIDs of its own, and a series for each kind."""
    kind = sorted(sop_classes()).index(dataset.SOPClassUID)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"{ROOT}.3.{number}")
    dataset.SeriesInstanceUID, dataset.SeriesNumber = UID(f"{ROOT}.2.{kind}"), kind + 1
    dataset.InstanceNumber = number
    dataset.ContentTime = f"10{number // 60:02}{number % 60:02}"


def renumbered(sample: Sample, dataset: Dataset, number: int) -> Sample:
    """Return a Sample of another Data Set with a number of its own."""
    _number(dataset, number)
    return replace(sample, dataset=dataset)


# --- named checks ----------------------------------------------------------------------------------------------------


def _with_overlay(dataset: Dataset) -> None:
    """Add a plane in Overlay Data (PS3.3 C.9.2)."""
    rows, columns = dataset.Rows, dataset.Columns
    dataset.add_new(0x60020010, "US", rows)
    dataset.add_new(0x60020011, "US", columns)
    dataset.add_new(0x60020040, "CS", "G")
    dataset.add_new(0x60020050, "SS", [1, 1])
    dataset.add_new(0x60020100, "US", 1)
    dataset.add_new(0x60020102, "US", 0)
    dataset.add_new(0x60023000, "OW", bytes((rows * columns + 15) // 16 * 2))


def _embed_overlay(dataset: Dataset) -> None:
    _with_overlay(dataset)
    dataset[0x60020100].value, dataset[0x60020102].value = dataset.BitsAllocated, dataset.BitsStored
    del dataset[0x60023000]


def region(*, components: bool) -> Dataset:
    """Return an item of Sequence of Ultrasound Regions with what is type 1 in it (PS3.3 C.8.5.5)."""
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = 1, 1, 0
    item.RegionLocationMinX0, item.RegionLocationMinY0 = 0, 0
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = 15, 15
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaX = item.PhysicalDeltaY = 0.05
    if components:
        item.PixelComponentOrganization = 1
        item.PixelComponentRangeStart, item.PixelComponentRangeStop = 0, 255
        item.PixelComponentPhysicalUnits, item.PixelComponentDataType = 0, 1
        item.NumberOfTableBreakPoints = 2
        item.TableOfXBreakPoints, item.TableOfYBreakPoints = [0, 255], [0.0, 1.0]
    return item


def _regions(*, components: bool) -> Callable[[Dataset], None]:
    def add(dataset: Dataset) -> None:
        if "SequenceOfUltrasoundRegions" not in dataset:
            dataset.SequenceOfUltrasoundRegions = Items([region(components=components)])

    return add


def _without(keyword: str) -> Callable[[Dataset], None]:
    def remove(dataset: Dataset) -> None:
        delattr(dataset.SequenceOfUltrasoundRegions[0], keyword)

    return remove


_MEET: dict[str, Callable[[Dataset], None]] = {
    "overlay_not_embedded": lambda dataset: None if 0x60020010 in dataset else _with_overlay(dataset),
    "no_overlays": lambda _: None,
    "us_regions_spatial": _regions(components=False),
    "us_regions_combined": _regions(components=True),
}
_BREAK: dict[str, Callable[[Dataset], None]] = {
    "overlay_not_embedded": _embed_overlay,
    "no_overlays": _with_overlay,
    "us_regions_spatial": _without("PhysicalDeltaX"),
    "us_regions_combined": _without("PixelComponentOrganization"),
}
