"""The tables against DCMTK's dcmmkdir: the records that it makes of one made-up instance of each SOP Class."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import config, dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import MPEG2MPML, UID

from mediacreator.rules import tables, uids
from mediacreator.rules.library import load_profile
from mediacreator.rules.tables import Key, SOPClass
from tests.oracles import needs, run
from tests.witness import Disagreement, differences, known

DCMMKDIR = "dcmmkdir 3.6.7"
SAMPLE = {"US": 1, "UL": 1, "UV": 1, "IS": "1", "UI": "1.2.3", "DA": "20240229", "TM": "120000", "DT": "20240229120000"}


@dataclass(frozen=True)
class Made:
    """A directory that dcmmkdir made."""

    records: dict[str, Dataset]  # by SOP Class UID
    upper: dict[str, Dataset]  # one of each of PATIENT, STUDY, SERIES
    version: str

    def unexplained(self, found: set[Disagreement], about: str) -> set[Disagreement]:
        """Return what is not listed and, with the version that was looked at, what is listed and gone."""
        listed = known(DCMMKDIR, about)
        return found ^ listed if self.version == DCMMKDIR else found - listed


def fill(ds: Dataset, keys: tuple[Key, ...]) -> None:
    for key in keys:
        if key.source or key.keyword == "SpecificCharacterSet":
            continue
        if key.vr != "SQ":
            setattr(ds, key.keyword, SAMPLE.get(key.vr, "X"))
            continue
        item = Dataset()
        fill(item, key.items)
        if not key.items:
            item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", "99", "X"
        if key.keep:
            item.RelationshipType, item.ValueType = "HAS CONCEPT MOD", "CODE"
        setattr(ds, key.keyword, [item])


def observer(when: str) -> Dataset:
    ds = Dataset()
    ds.VerifyingObserverName, ds.VerifyingOrganization, ds.VerificationDateTime = "X", "X", when
    return ds


def instance(row: SOPClass, number: int) -> Dataset:
    profile = load_profile("STD-GEN-CD")
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(uids.EXPLICIT_VR_LITTLE_ENDIAN)
    for record in ("PATIENT", "STUDY", "SERIES", row.record_type):
        fill(ds, profile.keys_for(record))
    ds.SOPClassUID = row.uid
    ds.SOPInstanceUID = f"2.25.{number}1"
    ds.SeriesInstanceUID = f"2.25.{number}2"
    ds.Modality = "OT"
    if row.record_type == "SR DOCUMENT":
        ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "VERIFIED"
        ds.VerifyingObserverSequence = [observer("20240102"), observer("20240101")]
    return ds


@contextmanager
def invalid_values() -> Iterator[None]:
    """Let pydicom write what the VRs forbid."""
    before = config.settings.reading_validation_mode, config.settings.writing_validation_mode
    config.settings.reading_validation_mode = config.settings.writing_validation_mode = config.IGNORE
    yield
    config.settings.reading_validation_mode, config.settings.writing_validation_mode = before


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("dcmmkdir")
    classes = {f"F{number:03}": row for number, row in enumerate(tables.sop_classes().values()) if row.record_type}
    with invalid_values():
        for number, (name, row) in enumerate(classes.items(), 1):
            instance(row, number).save_as(folder / name, enforce_file_format=True)
    run("sh", "-c", f"cd {folder} && dcmmkdir -Pgp +D DICOMDIR F*")
    version = re.search(r"dcmmkdir v([\d.]+)", run("dcmmkdir", "--version"))
    directory = dcmread(folder / "DICOMDIR").DirectoryRecordSequence
    return Made(
        records={classes[ds.ReferencedFileID].uid: ds for ds in directory if "ReferencedFileID" in ds},
        upper={ds.DirectoryRecordType: ds for ds in directory if "ReferencedFileID" not in ds},
        version=f"dcmmkdir {version[1] if version else '?'}",
    )


def paths(ds: Dataset, keys: tuple[Key, ...], above: str = "") -> Iterator[str]:
    """Name what a record holds, inside the sequences whose items we list too."""
    items = {key.tag: key.items for key in keys}
    for element in ds:
        if element.tag.group != 0x0004:
            path = f"{above}{element.keyword}"
            yield path
            if element.VR == "SQ" and items.get(int(element.tag)):
                for item in element.value:
                    yield from paths(item, items[int(element.tag)], f"{path}>")


def called_for(keys: tuple[Key, ...], above: str = "") -> Iterator[tuple[str, str]]:
    for key in keys:
        if key.keyword != "SpecificCharacterSet" and key.source != "icon":
            kind = "optional" if key.type == "3" else "written"
            yield f"{above}{key.keyword}", kind
            for path, inner in called_for(key.items, f"{above}{key.keyword}>"):
                yield path, inner if kind == "written" else kind


@needs("dcmmkdir")
def test_dcmmkdir_takes_the_classes_that_it_knows(made: Made) -> None:
    ours = {row.uid: "accepted" for row in tables.sop_classes().values() if row.record_type}
    assert made.unexplained(differences(ours, dict.fromkeys(made.records, "accepted")), "SOP Classes") == set()


@needs("dcmmkdir")
def test_record_types_are_those_of_dcmmkdir(made: Made) -> None:
    classes = tables.sop_classes()
    ours = {uid: classes[uid].record_type for uid in made.records}
    theirs = {uid: str(ds.DirectoryRecordType) for uid, ds in made.records.items()}

    assert len(ours) >= 149
    assert made.unexplained(differences(ours, theirs), "record type of a SOP Class") == set()


@needs("dcmmkdir")
def test_keys_are_those_of_dcmmkdir(made: Made) -> None:
    """Every key that is not optional, in every record, and nothing that we do not know."""
    profile = load_profile("STD-GEN-CD")
    found = set()
    for ds in (*made.upper.values(), *made.records.values()):
        record = str(ds.DirectoryRecordType)
        keys = profile.keys_for(record)
        ours = {f"{record} {path}": kind for path, kind in called_for(keys)}
        theirs = {f"{record} {path}": "written" for path in paths(ds, keys)}
        found |= {row for row in differences(ours, theirs) if row[1] != "optional"}

    assert made.unexplained(found, "keys") == set()


@needs("dcmmkdir")
def test_dcmmkdir_takes_the_last_observer_and_we_the_latest(made: Made) -> None:
    """PS3.3 F.5.25 asks for the latest date; see known_disagreements.toml."""
    dates = {str(ds.VerificationDateTime) for ds in made.records.values() if ds.DirectoryRecordType == "SR DOCUMENT"}
    ours = {"latest of 20240102, 20240101": "20240102"}

    assert (
        made.unexplained(differences(ours, {"latest of 20240102, 20240101": dates.pop()}), "VerificationDateTime")
        == set()
    )


@needs("dcmmkdir")
def test_multi_frame_classes_are_those_of_dcmmkdir(made: Made, tmp_path: Path) -> None:
    """What STD-DVD-MPEG2-MPML takes: PS3.11 Table I.3-1 speaks of multi-frame composite IODs and lists none."""
    kinds = {"IMAGE", "SPECTROSCOPY", "RT DOSE"}
    classes = {
        f"F{number:03}": row for number, row in enumerate(tables.sop_classes().values()) if row.record_type in kinds
    }
    with invalid_values():
        for number, (name, row) in enumerate(classes.items(), 1):
            ds = instance(row, number)
            ds.file_meta.TransferSyntaxUID = MPEG2MPML
            ds.Rows = ds.Columns = 1
            ds.save_as(tmp_path / name, enforce_file_format=True)
    run("sh", "-c", f"cd {tmp_path} && dcmmkdir -Pmp +D DICOMDIR F*")
    records = dcmread(tmp_path / "DICOMDIR").DirectoryRecordSequence
    theirs = {classes[ds.ReferencedFileID].uid: "multi-frame" for ds in records if "ReferencedFileID" in ds}
    ours = {row.uid: "multi-frame" for row in tables.sop_classes().values() if row.multi_frame}

    assert len(theirs) == 34
    assert made.unexplained(differences(ours, theirs), "multi-frame") == set()
