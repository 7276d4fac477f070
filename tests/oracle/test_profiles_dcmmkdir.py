"""Our engine against DCMTK's dcmmkdir: one corpus of instances, judged under every profile that both know.

Conformant ones and ones that are wrong in many ways: SOP Class x Transfer Syntax x bits x Photometric Interpretation x
size x overlays x regions. One run of dcmmkdir for each of its options; what it takes is what its DICOMDIR references.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID

from mediacreator.model import Finding, Header, Severity, Silent, SourceFile
from mediacreator.rules.judge import judge, lacking_key_finding, lacking_keys
from mediacreator.rules.library import load_profile, profile_ids
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.tables import sop_classes
from mediacreator.rules.wanted import wanted
from mediacreator.scan import scan
from tests import profiles_corpus as corpus
from tests.oracles import needs, run
from tests.video.catalogue import (
    H264_41,
    H264_41_BD,
    H264_42_2D,
    H264_42_3D,
    H264_42_STEREO,
    MPEG2_HL,
    MPEG2_ML,
)
from tests.video.instances import CLIP_OF, MODALITIES, video_dataset
from tests.witness import Disagreement, known

DCMMKDIR = "dcmmkdir 3.6.7"

OPTIONS = {
    "-Pgp": "STD-GEN-CD",
    "-Pdv": "STD-GEN-DVD-JPEG",
    "-Pd2": "STD-GEN-DVD-J2K",
    "-Pbd": "STD-GEN-BD-JPEG",
    "-Pb2": "STD-GEN-BD-J2K",
    "-Pbm": "STD-GEN-BD-MPEG2-MPML",
    "-Pbh": "STD-GEN-BD-MPEG2-MPHL",
    "-Pba": "STD-GEN-BD-MPEG4-HPLV41",
    "-Pbb": "STD-GEN-BD-MPEG4-HPLV41BD",
    "--general-bd-mpeg4-hp2d": "STD-GEN-BD-MPEG4-HPLV42-2D",
    "--general-bd-mpeg4-hp3d": "STD-GEN-BD-MPEG4-HPLV42-3D",
    "--general-bd-mpeg4-hpst": "STD-GEN-BD-MPEG4-SHPLV42",
    "-Pfl": "STD-GEN-USB-JPEG",
    "-Pf2": "STD-GEN-USB-J2K",
    "-Pmi": "STD-GEN-MIME",
    "-Pmp": "STD-DVD-MPEG2-MPML",
    "-Pbc": "STD-XABC-CD",
    "-Pxa": "STD-XA1K-CD",
    "-Pxd": "STD-XA1K-DVD",
    "-Pde": "STD-DEN-CD",
    "-Pcm": "STD-CTMR-CD",
    "-Pus": "STD-US-ID-SF-CDR",
    "--ultrasound-sc-sf": "STD-US-SC-SF-CDR",
    "--ultrasound-cc-sf": "STD-US-CC-SF-CDR",
    "-Pum": "STD-US-ID-MF-CDR",
    "--ultrasound-sc-mf": "STD-US-SC-MF-CDR",
    "--ultrasound-cc-mf": "STD-US-CC-MF-CDR",
    "-Pec": "STD-WVFM-ECG-FD",
    "-Phd": "STD-WVFM-HD-FD",
}
"""Each option of dcmmkdir and one of the identifiers that it serves; the others differ in the medium alone."""

JPEG_LS, HIERARCHICAL = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.57"
IO, DX = "1.2.840.10008.5.1.4.1.1.1.3", "1.2.840.10008.5.1.4.1.1.1.1"
DOSE_SR, STRUCTURED_DISPLAY = "1.2.840.10008.5.1.4.1.1.88.67", "1.2.840.10008.5.1.4.1.1.131"
PROTOCOL = "1.2.840.10008.5.1.4.1.1.200.1"
"""CT Defined Procedure Protocol, which has no directory record (PS3.3 F.5)."""
ECG, HEMODYNAMIC = "1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.840.10008.5.1.4.1.1.9.2.1"
NAMES = {
    corpus.XA: "XA",
    corpus.CT: "CT",
    corpus.MR: "MR",
    corpus.SC: "SC",
    corpus.US: "US",
    corpus.US_MULTI: "US-MF",
    IO: "IO",
    DX: "DX",
}

CODES = {
    corpus.ELE: "ELE",
    corpus.IMPLICIT: "Implicit VR",
    corpus.RLE: "RLE",
    JPEG_LS: "JPEG-LS",
    corpus.JPEG_BASELINE: "JPB",
    corpus.JPEG_EXTENDED: "JPX",
    corpus.JPEG_LOSSLESS: "JPLL",
    HIERARCHICAL: "JPEG 57",
    corpus.JPEG_2000: "J2KR",
    corpus.JPEG_2000_LOSSY: "J2K",
    MPEG2_ML: "M2ML",
    MPEG2_HL: "M2HL",
    H264_41: "H41",
    H264_41_BD: "H41BD",
    H264_42_2D: "H42-2D",
    H264_42_3D: "H42-3D",
    H264_42_STEREO: "SH42",
    f"{MPEG2_ML}.1": "M2ML in fragments",
}
"""Transfer Syntaxes as the names of variants call them."""

Change = Callable[[Dataset], None]


@dataclass(frozen=True)
class Variant:
    """An instance, and what is special about it."""

    what: str
    dataset: Dataset

    @property
    def name(self) -> str:
        return f"{self.what} in {CODES[str(self.dataset.file_meta.TransferSyntaxUID)]}"


def plain(sop_class: str, photometric: str = "MONOCHROME2", bits: tuple[int, int] = (8, 8)) -> Dataset:
    """Return a native image with all that any profile asks for, but for regions."""
    every = load_profile("STD-GEN-USB-JPEG")
    dataset = corpus._identified(every, sop_class)
    dataset.Rows = dataset.Columns = 16
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated, dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits[1] - 1, 0
    if sop_class in corpus._FRAMES:
        dataset.NumberOfFrames = corpus._FRAMES[sop_class]
    if sop_class in (IO, DX):
        for keyword in DENTAL:
            setattr(dataset, keyword, "")
    return dataset


DENTAL = (
    "InstitutionName",
    "ManufacturerModelName",
    "DetectorID",
    "DetectorManufacturerName",
    "DetectorManufacturerModelName",
)


def coded(dataset: Dataset, syntax: str = corpus.ELE) -> Dataset:
    corpus.fill_pixels(dataset)
    if syntax in corpus.ENCODERS:
        corpus._coded(dataset, syntax)
    else:  # what cannot be made here: the header is all that either side looks at
        corpus._coded(dataset, corpus.JPEG_LOSSLESS)
        dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return dataset


def bits(dataset: Dataset, allocated: int, stored: int, high: int | None = None) -> None:
    dataset.BitsAllocated, dataset.BitsStored = allocated, stored
    dataset.HighBit = stored - 1 if high is None else high


def setting(**attributes: object) -> Change:
    def change(dataset: Dataset) -> None:
        for keyword, value in attributes.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)

    return change


def variants() -> Iterator[Variant]:
    yield from _each_class_and_syntax()
    yield from _angiography()
    yield from _ct_and_mr()
    yield from _secondary_capture()
    yield from _ultrasound()
    yield from _dental()
    yield from _videos()
    yield from _others()


def _each_class_and_syntax() -> Iterator[Variant]:
    syntaxes = (*corpus.ENCODERS, JPEG_LS, HIERARCHICAL)
    for sop_class, syntax in product(NAMES, syntaxes):
        size = (16, 12) if syntax == corpus.JPEG_EXTENDED else (8, 8)
        yield Variant(f"{NAMES[sop_class]}", coded(plain(sop_class, bits=size), syntax))


def _angiography() -> Iterator[Variant]:
    lossless = corpus.JPEG_LOSSLESS
    for allocated, stored in ((16, 8), (16, 10), (16, 12), (16, 14), (16, 16)):
        yield Variant(f"XA {stored} of {allocated} bits", coded(plain(corpus.XA, bits=(allocated, stored)), lossless))
    for rows, columns in ((512, 512), (513, 16), (16, 513), (1024, 16), (1025, 16), (16, 1025)):
        dataset = plain(corpus.XA)
        dataset.Rows, dataset.Columns = rows, columns
        yield Variant(f"XA {rows} x {columns}", coded(dataset, lossless))
    changes: dict[str, Change] = {
        "CT as modality": setting(Modality="CT"),
        "MONOCHROME1": setting(PhotometricInterpretation="MONOCHROME1"),
        "overlay data": corpus._with_overlay,
        "embedded overlay": corpus._embed_overlay,
        "no Image Type": setting(ImageType=None),
        "biplane": setting(ImageType=["ORIGINAL", "PRIMARY", "BIPLANE A"]),
        "biplane without reference": setting(
            ImageType=["ORIGINAL", "PRIMARY", "BIPLANE A"], ReferencedImageSequence=None
        ),
        "no birth date": setting(PatientBirthDate=""),
    }
    for name, change in changes.items():
        dataset = plain(corpus.XA)
        change(dataset)
        yield Variant(f"XA {name}", coded(dataset, lossless))


def _ct_and_mr() -> Iterator[Variant]:
    for stored in range(8, 17):
        for name, sop_class in (("CT", corpus.CT), ("MR", corpus.MR)):
            yield Variant(f"{name} {stored} of 16 bits", coded(plain(sop_class, bits=(16, stored))))
    changes: dict[str, Change] = {
        "MONOCHROME1": setting(PhotometricInterpretation="MONOCHROME1"),
        "other modality": setting(Modality="OT"),
        "high bit": lambda ds: bits(ds, 16, 12, 15),
        "no position": setting(ImagePositionPatient=None),
        "no references": setting(ReferencedImageSequence=None),
        "no Rows": setting(Rows=None),
        "several values of Image Type": setting(ImageType=["DERIVED", "SECONDARY", "AXIAL", "MPR"]),
    }
    for name, change in changes.items():
        for kind, sop_class in (("CT", corpus.CT), ("MR", corpus.MR)):
            dataset = coded(plain(sop_class, bits=(16, 12)))
            change(dataset)
            yield Variant(f"{kind} {name}", dataset)


def _secondary_capture() -> Iterator[Variant]:
    for photometric in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL"):
        yield Variant(f"SC {photometric}", coded(plain(corpus.SC, photometric)))
        if photometric != "YBR_FULL":
            dataset = coded(plain(corpus.SC, photometric), corpus.JPEG_LOSSLESS)
            yield Variant(f"SC {photometric}", dataset)
    for allocated, stored in ((16, 8), (16, 12), (16, 16), (8, 7)):
        dataset = coded(plain(corpus.SC, bits=(allocated, stored)))
        yield Variant(f"SC {stored} of {allocated} bits", dataset)
        if allocated == 16:
            dataset = coded(plain(corpus.SC, "PALETTE COLOR", bits=(allocated, stored)))
            yield Variant(f"SC PALETTE COLOR {stored} of {allocated} bits", dataset)
    changes: dict[str, Change] = {
        "high bit": lambda ds: bits(ds, 8, 8, 6),
        "signed": setting(PixelRepresentation=1),
        "overlay data": corpus._with_overlay,
        "embedded overlay": corpus._embed_overlay,
        "1024 rows": setting(Rows=1024),
        "1025 rows": setting(Rows=1025),
        "1025 columns": setting(Columns=1025),
        "three samples": setting(SamplesPerPixel=3, PlanarConfiguration=0),
        "no Image Type": setting(ImageType=None),
    }
    for name, change in changes.items():
        dataset = plain(corpus.SC)
        dataset.SamplesPerPixel = 1
        change(dataset)
        yield Variant(f"SC {name}", coded(dataset))


def _ultrasound() -> Iterator[Variant]:
    photometrics = ("MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422")
    syntaxes = (corpus.ELE, corpus.RLE, corpus.JPEG_BASELINE, corpus.JPEG_LOSSLESS)
    for sop_class, photometric, syntax in product((corpus.US, corpus.US_MULTI), photometrics, syntaxes):
        made = {"YBR_PARTIAL_422": "YBR_FULL_422", "MONOCHROME1": "MONOCHROME2"}.get(photometric, photometric)
        if made == "YBR_FULL_422" and syntax in (corpus.RLE, corpus.JPEG_LOSSLESS):
            made = "YBR_FULL"  # coded as such, and called what it cannot be
        dataset = plain(sop_class, made)
        dataset.SequenceOfUltrasoundRegions = Items([corpus.region(components=True)])
        coded(dataset, syntax)
        dataset.PhotometricInterpretation = photometric
        yield Variant(f"{NAMES[sop_class]} {photometric}", dataset)
    for name, regions in _regions().items():
        dataset = plain(corpus.US)
        if regions is not None:
            dataset.SequenceOfUltrasoundRegions = Items(regions)
        yield Variant(f"US {name}", coded(dataset))


def _regions() -> dict[str, list[Dataset] | None]:
    spatial, combined = corpus.region(components=False), corpus.region(components=True)
    found: dict[str, list[Dataset] | None] = {
        "no regions": None,
        "empty regions": [],
        "spatial region": [spatial],
        "combined region": [combined],
        "two combined regions": [combined, combined],
        "a combined and a spatial region": [combined, spatial],
        "a spatial and a combined region": [spatial, combined],
    }
    for keyword in ("PhysicalDeltaX", "RegionFlags", "RegionDataType", "RegionLocationMaxY1"):
        found[f"region without {keyword}"] = [without(combined, keyword)]
    for keyword in ("PixelComponentDataType", "PixelComponentRangeStop", "TableOfYBreakPoints"):
        found[f"region without {keyword}"] = [without(combined, keyword)]
    for kind in (0, 2, 3, 4):
        found[f"region of organization {kind}"] = [organized(kind)]
    return found


def without(item: Dataset, keyword: str) -> Dataset:
    copy = deepcopy(item)
    delattr(copy, keyword)
    return copy


def organized(kind: int) -> Dataset:
    """Return a region whose pixel components are organized otherwise (PS3.3 C.8.5.5.1.11)."""
    item = corpus.region(components=True)
    item.PixelComponentOrganization = kind
    if kind == 0:
        item.PixelComponentMask = 255
    if kind in (2, 3):
        item.NumberOfTableEntries = 2
    if kind == 2:
        item.TableOfPixelValues, item.TableOfParameterValues = [0, 255], [0.0, 1.0]
    if kind == 3:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "99TEST", "Test"
        item.PixelValueMappingCodeSequence = Items([code])
    return item


def _dental() -> Iterator[Variant]:
    for sop_class in (IO, DX):
        for allocated, stored in ((8, 7), (16, 8), (16, 10), (16, 12), (16, 14), (16, 16)):
            dataset = coded(plain(sop_class, bits=(allocated, stored)))
            yield Variant(f"{NAMES[sop_class]} {stored} of {allocated} bits", dataset)
        for keyword in DENTAL:
            dataset = coded(plain(sop_class))
            delattr(dataset, keyword)
            yield Variant(f"{NAMES[sop_class]} without {keyword}", dataset)
        filled = coded(plain(sop_class))
        for keyword in DENTAL:
            setattr(filled, keyword, "X")
        yield Variant(f"{NAMES[sop_class]} with all filled", filled)
    presentation = coded(plain("1.2.840.10008.5.1.4.1.1.1.3.1"))
    yield Variant("IO for processing", presentation)


def _videos() -> Iterator[Variant]:
    for sop_class, syntax in product(MODALITIES, CLIP_OF):
        dataset = video_dataset(syntax, sop_class)
        yield Variant(f"{MODALITIES[sop_class]} video", dataset)
    for syntax in CLIP_OF:
        for sop_class in (corpus.CT, corpus.US_MULTI, corpus.ENHANCED_CT):
            dataset = video_dataset(syntax)
            dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class)
            for key in ("StudyID", "AccessionNumber"):
                setattr(dataset, key, "1")
            yield Variant(f"{sop_classes()[sop_class].name} as video", dataset)
    fragmentable = video_dataset(MPEG2_ML)
    fragmentable.file_meta.TransferSyntaxUID = UID(f"{MPEG2_ML}.1")
    yield Variant("fragmentable video", fragmentable)


def _others() -> Iterator[Variant]:
    every = load_profile("STD-GEN-USB-JPEG")
    classes = (
        *(corpus.BASIC_TEXT_SR, corpus.GSPS, corpus.ENCAPSULATED_PDF, corpus.SPECTROSCOPY, DOSE_SR),
        *(STRUCTURED_DISPLAY, ECG, HEMODYNAMIC, PROTOCOL),
    )
    for sop_class, syntax in product(classes, (corpus.ELE, corpus.IMPLICIT)):
        dataset = corpus._identified(every, sop_class)
        dataset.Rows, dataset.Columns = 16, 16
        corpus._coded(dataset, syntax)
        yield Variant(f"{sop_classes()[sop_class].name}", dataset)
    for sop_class in (corpus.ENHANCED_CT, corpus.SC_BYTES):
        for syntax in (corpus.ELE, corpus.JPEG_LOSSLESS, corpus.JPEG_2000):
            dataset = coded(plain(sop_class, bits=(8, 8)), syntax)
            yield Variant(f"{sop_classes()[sop_class].name}", dataset)


@dataclass(frozen=True)
class Judged:
    """What both sides say of every variant under every option."""

    ours: dict[tuple[str, str], str]  # by identifier and name of the variant: accepted or refused
    theirs: dict[tuple[str, str], str]
    version: str


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    folder = tmp_path_factory.mktemp("variants")
    names: dict[str, str] = {}
    for number, variant in enumerate(variants(), 1):
        corpus._number(variant.dataset, number)
        variant.dataset.SeriesInstanceUID = UID(f"2.25.312.{number}")  # dcmmkdir is quadratic within a series
        names[f"F{number:04}"] = variant.name
        corpus.save(variant.dataset, folder / f"F{number:04}")
    assert len(set(names.values())) == len(names)
    headers = read(folder, names)
    ours, theirs = {}, {}
    for option, identifier in OPTIONS.items():
        profile = load_profile(identifier)
        taken = accepted_by_dcmmkdir(folder, option, names)
        for file, name in names.items():
            ours[identifier, name] = "accepted" if allowed(profile, headers[file]) else "refused"
            theirs[identifier, name] = "accepted" if file in taken else "refused"
    version = re.search(r"dcmmkdir v([\d.]+)", run("dcmmkdir", "--version"))
    return Judged(ours, theirs, f"dcmmkdir {version[1] if version else '?'}")


def allowed(profile: ApplicationProfile, header: Header) -> bool:
    """Tell whether an instance can be in a File-set as it is: a profile has a place for it, and the directory too."""
    found = judge(profile, header, creating=True) + lacking(profile, header)
    known_class = sop_classes().get(header.sop_class_uid)
    has_record = known_class is not None and known_class.record_type != ""
    return has_record and not any(one.severity is Severity.ERROR for one in found)


def lacking(profile: ApplicationProfile, header: Header) -> tuple[Finding, ...]:
    """Return the keys that its record must have and could not; dcmmkdir judges while it writes them."""
    keys = lacking_keys(profile, header.attributes, header.sop_class_uid)
    return tuple(lacking_key_finding(profile, key, header.attributes, "") for key in keys)


def read(folder: Path, names: dict[str, str]) -> dict[str, Header]:
    """Read every header with all that any profile asks for."""
    sources = []
    for number, file in enumerate(names, 1):
        found = (folder / file).stat()
        sources.append(SourceFile(number, str(folder / file), found.st_size, found.st_mtime_ns))
    keys = wanted(load_profile(identifier) for identifier in OPTIONS.values())
    scanned = scan(sources, keys, workers=1, progress=Silent())
    assert not scanned.others
    return dict(zip(names, scanned.headers, strict=True))


def accepted_by_dcmmkdir(folder: Path, option: str, names: dict[str, str]) -> set[str]:
    """Return the files that dcmmkdir references under an option; one that it refuses is reported and left out."""
    directory = folder / "DICOMDIR"
    directory.unlink(missing_ok=True)
    run("dcmmkdir", "-q", "--no-backup", option, "+id", folder, "+D", directory, *names, rc=None)
    if not directory.exists():
        return set()
    return {
        record.ReferencedFileID for record in dcmread(directory).DirectoryRecordSequence if "ReferencedFileID" in record
    }


@needs("dcmmkdir")
def test_the_corpus_is_large_and_holds_both(judged: Judged) -> None:
    by_profile = {identifier: set() for identifier in OPTIONS.values()}  # type: dict[str, set[str]]
    for (identifier, _), verdict in judged.ours.items():
        by_profile[identifier].add(verdict)

    assert len({name for _, name in judged.ours}) >= 150
    assert all(verdicts == {"accepted", "refused"} for verdicts in by_profile.values()), by_profile


@needs("dcmmkdir")
def test_dcmmkdir_agrees_or_the_standard_decides(judged: Judged) -> None:
    """Every disagreement is listed with its reason and the clause that decides; what is listed is one, to the last."""
    listed = known(DCMMKDIR, "profiles")
    verdicts = {(f"{profile}: {name}", said) for (profile, name), said in judged.ours.items()}
    found = {
        (f"{profile}: {name}", said)
        for (profile, name), said in judged.ours.items()
        if judged.theirs[profile, name] != said
    }
    told = {pattern: matching(pattern, verdicts) for pattern in listed}

    assert sorted(found - set().union(*told.values())) == []
    if judged.version == DCMMKDIR:
        assert {pattern for pattern, matched in told.items() if not matched or matched - found} == set()
    assert len(found) < len(verdicts) / 10


def matching(pattern: Disagreement, verdicts: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the verdicts of ours that a listed disagreement speaks of; ``*`` stands for anything."""
    what, ours, _ = pattern
    return {(name, said) for name, said in verdicts if said == ours and fnmatchcase(name, what)}


def test_every_profile_that_dcmmkdir_serves_is_judged() -> None:
    """Those that an option serves differ from the one that is judged in nothing that either side looks at."""
    plain = [one for one in profile_ids() if load_profile(one).security == "none" and "ZIP" not in one]

    def looked_at(identifier: str) -> str:
        profile = load_profile(identifier)
        objects = [(rule.name, rule.sop_classes, rule.selector, rule.transfer_syntaxes) for rule in profile.objects]
        return repr((objects, profile.pairings, profile.attributes))

    assert {looked_at(identifier) for identifier in plain} <= {looked_at(one) for one in OPTIONS.values()}
