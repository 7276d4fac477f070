"""Instances as they lie on a medium, judged in a role, under one profile or several (PS3.11 7, X.3.1, X.3.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from mediacreator.errors import SourceUnreadable
from mediacreator.model import Severity
from mediacreator.rules.claim import Claim, load_claim
from mediacreator.rules.library import load_profile
from tests import profiles_corpus as corpus
from tests.filesets import FileSet, removing, setting
from tests.profiles import CT, NATIVE, RLE, SC, claim, constraint, objects, pairing, profile, rule
from tests.unit.validate.checked import check, file_set, only, sound
from tests.video.catalogue import MPEG2_ML
from tests.video.instances import video_dataset

Change = Callable[[Dataset], object]


def a_ct(syntax: str = corpus.ELE, change: Change | None = None) -> FileSet:
    general = load_profile("STD-GEN-CD")
    dataset = corpus.image(general, general.objects[1], corpus.CT)
    corpus._number(dataset, 1)
    if change is not None:
        change(dataset)
    meta = dataset.file_meta
    corpus._coded(dataset, syntax)
    dataset.file_meta.MediaStorageSOPInstanceUID = meta.MediaStorageSOPInstanceUID
    return file_set(general, [dataset])


def test_a_file_of_another_class_is_named(tmp_path: Path) -> None:
    said, found = check(a_ct(), tmp_path, "STD-DEN-CD")
    assert found == [("sop-class-not-in-profile", "DICOM/F00001")]
    assert only(said, "sop-class-not-in-profile").expected == "a SOP Class of STD-DEN-CD"


def test_a_file_in_another_syntax_is_named(tmp_path: Path) -> None:
    said, found = check(a_ct(corpus.RLE), tmp_path)
    assert found == [("transfer-syntax-not-in-profile", "DICOM/F00001")]
    assert only(said, "transfer-syntax-not-in-profile").clause == "PS3.11 Table D.3-1"


LIMITED = claim(
    profile(
        "PRI-TEST",
        objects("CT", (CT,)),
        attributes=[
            rule("modality-ct", constraint("Modality", one_of=("CT",))),
            rule("few-rows", constraint("Rows", minimum=1, maximum=8), create_only=True),
            rule("warned", constraint("InstitutionName", present=True), severity="warning"),
        ],
    )
)


@pytest.mark.parametrize(("role", "codes"), [("FSC", ["few-rows"]), ("FSR", [])])
def test_what_binds_who_writes_does_not_bind_who_reads(role: str, codes: list[str], tmp_path: Path) -> None:
    """PS3.11 A.3.4.1: a reader must accept more than a creator may write."""
    said, found = check(a_ct(), tmp_path, LIMITED, role)
    assert [code for code, _ in found] == codes
    assert said.conforms is not bool(codes)


def test_a_warning_does_not_break_the_profile(tmp_path: Path) -> None:
    said, found = check(a_ct(change=removing("InstitutionName")), tmp_path, LIMITED, "FSR")
    assert found == [("warned", "DICOM/F00001")]
    assert only(said, "warned").severity is Severity.WARNING
    assert said.conforms is True


def test_a_value_that_cannot_be_read_is_not_checked(tmp_path: Path) -> None:
    """Three-valued: neither kept nor broken."""
    fs = a_ct()
    data = fs.files["DICOM/F00001"]
    place = data.index(b"\x28\x00\x10\x00US\x02\x00")
    fs.files["DICOM/F00001"] = data[:place] + b"\x28\x00\x10\x00US\x03\x00\x10\x00\x00" + data[place + 10 :]
    said, _ = check(fs, tmp_path, LIMITED)

    unknown = [one for one in said.not_checked if "few-rows" in one.what]
    assert [one.location for one in unknown] == ["DICOM/F00001"]
    assert said.conforms is not True
    assert said.checked == 0


PAIRED = profile(
    "PRI-PAIRED",
    objects("SC", (SC,), (NATIVE, RLE)),
    pairings=[pairing("RGB", NATIVE, scope="SC"), pairing("MONOCHROME2", RLE, scope="SC")],
)


def a_capture(photometric: str, syntax: str) -> FileSet:
    general = load_profile("STD-GEN-CD")
    dataset = corpus.image(general, general.objects[1], corpus.SC, photometric, syntax)
    corpus._number(dataset, 1)
    return file_set(general, [dataset])


@pytest.mark.parametrize(
    ("photometric", "syntax", "codes"),
    [
        ("RGB", NATIVE, []),
        ("MONOCHROME2", RLE, []),
        ("RGB", RLE, ["photometric-not-with-syntax"]),
        ("MONOCHROME2", NATIVE, ["photometric-not-with-syntax"]),
        ("PALETTE COLOR", NATIVE, ["photometric-not-with-syntax"]),
    ],
)
def test_colours_go_with_syntaxes(photometric: str, syntax: str, codes: list[str], tmp_path: Path) -> None:
    """As PS3.11 Table C.3-2."""
    _, found = check(a_capture(photometric, syntax), tmp_path, claim(PAIRED))
    assert [code for code, _ in found] == codes


def forbidden(*roles: str) -> Claim:
    general = load_profile("STD-GEN-CD")
    rows = [replace(row, requirements={**row.requirements, **dict.fromkeys(roles, "X")}) for row in general.objects]
    return Claim((replace(general, objects=tuple(rows)),))


@pytest.mark.parametrize(
    ("role", "roles", "codes"),
    [
        ("FSC", ["FSC"], ["object-not-for-role"]),
        ("FSR", ["FSC"], []),
        ("FSU", ["FSC", "FSU"], ["object-not-for-role"]),
    ],
)
def test_a_row_may_forbid_a_role(role: str, roles: list[str], codes: list[str], tmp_path: Path) -> None:
    said, found = check(a_ct(), tmp_path, forbidden(*roles), role)
    assert [code for code, _ in found] == codes
    assert all(one.clause == "PS3.11 Table D.3-1" and role in one.what for one in said.findings)


def test_another_row_may_allow_what_one_forbids(tmp_path: Path) -> None:
    general = load_profile("STD-GEN-CD")
    forbidding = replace(general.objects[1], name="CT", selector="", sop_classes=(CT,), requirements={"FSC": "X"})
    both = Claim((replace(general, objects=(*general.objects, forbidding)),))
    assert check(a_ct(), tmp_path, both)[1] == []


# --- several profiles ------------------------------------------------------------------------------------------------


def both_kinds() -> FileSet:
    """Return an XA image as STD-XABC-CD has it, and a CT image as STD-GEN-CD has it."""
    xabc, general = load_profile("STD-XABC-CD"), load_profile("STD-GEN-CD")
    xa = corpus.image(xabc, xabc.objects[1], corpus.XA, syntax=corpus.JPEG_LOSSLESS)
    ct = corpus.image(general, general.objects[1], corpus.CT)
    for number, dataset in enumerate((xa, ct), 1):
        corpus._number(dataset, number)
    fs = file_set(xabc, [xa, ct])
    del fs.of("IMAGE", 1).record.IconImageSequence
    del fs.of("IMAGE", 1).record.CalibrationImage
    return fs


@pytest.mark.parametrize(
    ("identifiers", "conforms"),
    [
        ("STD-XABC-CD,STD-GEN-CD", True),
        ("STD-GEN-CD,STD-XABC-CD", True),
        ("STD-XABC-CD", False),
        ("STD-GEN-CD", False),
    ],
)
def test_each_instance_is_covered_by_one_of_the_profiles(identifiers: str, conforms: bool, tmp_path: Path) -> None:
    """PS3.11 7: and its record has the keys of the one that covers it, not of all."""
    assert check(both_kinds(), tmp_path, identifiers)[0].conforms is conforms


def test_the_keys_of_the_covering_profile_are_asked_for(tmp_path: Path) -> None:
    fs = both_kinds()
    del fs.of("IMAGE").record.CalibrationImage
    del fs.of("PATIENT").record.PatientSex
    said, found = check(fs, tmp_path, "STD-GEN-CD,STD-XABC-CD")

    assert found == [("key-missing", "DICOMDIR record 1"), ("key-missing", "DICOMDIR record 4 (DICOM/F00001)")]
    assert {one.clause for one in said.findings} == {"PS3.11 Table A.3-2"}


def test_the_profile_that_has_least_against_it_speaks(tmp_path: Path) -> None:
    fs = both_kinds()
    fs.change(fs.of("IMAGE"), setting(BitsStored=12, HighBit=11, BitsAllocated=16))
    said, found = check(fs, tmp_path, "STD-GEN-CD,STD-XABC-CD")

    assert found == [("transfer-syntax-not-in-profile", "DICOM/F00001")]
    assert "1.2.840.10008.1.2.1 " in said.findings[0].expected


def test_none_has_a_place_for_it(tmp_path: Path) -> None:
    said, _ = check(a_ct(), tmp_path, "STD-XABC-CD,STD-DEN-CD")
    assert only(said, "sop-class-not-in-profile").expected == "a SOP Class of STD-XABC-CD,STD-DEN-CD"


# --- video -----------------------------------------------------------------------------------------------------------


def a_video(change: Change = lambda _: None, **options: object) -> FileSet:
    dvd = load_profile("STD-DVD-MPEG2-MPML")
    sample = next(one for one in corpus.samples(dvd) if one.copied)
    if options:
        sample.dataset.PixelData = video_dataset(MPEG2_ML, **options).PixelData  # type: ignore[arg-type]
    change(sample.dataset)
    return file_set(dvd, [sample.dataset])


def test_the_stream_of_a_video_is_looked_into(tmp_path: Path) -> None:
    """PS3.5 8.2.5: the attributes beside it say what it says."""
    assert check(a_video(), tmp_path / "1", "STD-DVD-MPEG2-MPML")[0].conforms is True

    said, found = check(a_video(setting(Rows=480)), tmp_path / "2", "STD-DVD-MPEG2-MPML")
    assert said.conforms is False
    assert {location for _, location in found} == {"DICOM/F00001"}
    assert all(one.clause.startswith("PS3.") for one in said.findings)


def test_what_is_no_stream_never_passes(tmp_path: Path) -> None:
    said, _ = check(a_video(stream=bytes(400)), tmp_path, "STD-DVD-MPEG2-MPML")
    assert said.conforms is not True


@pytest.mark.parametrize(("identifier", "names"), [("STD-DVD-MPEG2-MPML", "Endoscopic"), ("STD-XA1K-CD", "1.2.4.70")])
def test_what_vanishes_while_it_is_checked_never_passes(
    identifier: str, names: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Videos and JPEG frames are opened once more after the scan."""

    def gone(*_: object) -> None:
        raise SourceUnreadable("The medium was taken out.")

    monkeypatch.setattr("mediacreator.video.check_instance_video", gone)
    monkeypatch.setattr("mediacreator.transcode.interchange.open_source", gone)
    fs = sound(identifier, names)
    said, found = check(fs, tmp_path, identifier)
    assert {code for code, _ in found} == {"not-checked"}
    assert (said.conforms, said.checked) == (None, 0)


def test_a_claim_may_be_given_as_such(tmp_path: Path) -> None:
    assert check(sound("STD-GEN-CD", "ANY CT"), tmp_path, load_claim("STD-GEN-CD"))[0].conforms is True
