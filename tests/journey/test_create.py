"""A person makes a disc: what they get, what they are told, and that the exit code is true."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from tests.instances import write_ct
from tests.journey.conftest import Command, receipt_of
from tests.oracles import needs, run


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_disc_and_its_receipt(study: Path, tmp_path: Path, command: Command) -> None:
    disc = tmp_path / "disc.iso"
    ran = command("create", study, "-o", disc)

    assert ran.code == 0, ran.said
    assert "Complete: 3 of 3 instances are on the medium and were read back." in ran.out
    receipt = receipt_of(disc)
    counts = receipt["counts"]
    assert counts["found"] == counts["accepted"] == counts["written"] == counts["verified"] == 3
    assert receipt["media"][0]["sha256"] == hashlib.sha256(disc.read_bytes()).hexdigest()
    assert stat.S_IMODE(os.stat(f"{disc}.receipt.json").st_mode) == 0o600
    assert {n for n in names(tmp_path) if "partial" in n} == set()


def test_the_same_as_a_folder(study: Path, tmp_path: Path, command: Command) -> None:
    ran = command("create", study, "-o", f"{tmp_path}/disc/")

    assert ran.code == 0, ran.said
    assert names(tmp_path / "disc") == {"DICOM", "DICOMDIR", "INDEX.HTM", "README.TXT", "RECEIPT.JSN"}
    assert command("verify", tmp_path / "disc").code == 0
    assert "3 instances" in command("list", tmp_path / "disc").out


def test_a_source_is_never_changed(study: Path, tmp_path: Path, command: Command) -> None:
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in study.iterdir()}
    command("create", study, "-o", tmp_path / "disc.iso")
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in study.iterdir()} == before


def test_data_sets_are_copied_byte_for_byte(study: Path, tmp_path: Path, command: Command) -> None:
    """Issue 2, stage 3: new group 2, zero preamble, and not a bit of the Data Set changed."""
    hostile = study / "slice1.dcm"
    hostile.write_bytes(b"MZ" + hostile.read_bytes()[2:])
    command("create", study, "-o", f"{tmp_path}/disc/")
    written = sorted((tmp_path / "disc" / "DICOM").rglob("IM*"))
    for source, copy in zip(sorted(study.iterdir()), written, strict=True):
        data, made = source.read_bytes(), copy.read_bytes()
        offset = 144 + int.from_bytes(data[140:144], "little")
        made_offset = 144 + int.from_bytes(made[140:144], "little")
        assert made[made_offset:] == data[offset:]
        assert made[:132] == bytes(128) + b"DICM"


def test_fresh_uids_each_time_and_the_same_bytes_when_asked(study: Path, tmp_path: Path, command: Command) -> None:
    discs = [tmp_path / f"{n}.iso" for n in range(5)]
    assert command("create", study, "-o", discs[0]).code == 0
    assert command("create", study, "-o", discs[1]).code == 0
    assert command("create", study, "-o", discs[2], "--reproducible", "--workers", 1).code == 0
    assert command("create", study, "-o", discs[3], "--reproducible", "--workers", 3).code == 0
    assert command("create", study, "-o", discs[4], env={"SOURCE_DATE_EPOCH": "1700000000"}).code == 0

    assert discs[0].read_bytes() != discs[1].read_bytes()
    assert discs[2].read_bytes() == discs[3].read_bytes()
    uids = [receipt_of(disc)["media"][0]["file_set_uid"] for disc in discs]
    assert len(set(uids)) == 4
    assert receipt_of(discs[4])["created"].startswith("2023-11-14")


def test_what_lies_in_the_way_is_not_overwritten(study: Path, tmp_path: Path, command: Command) -> None:
    disc = tmp_path / "disc.iso"
    disc.write_text("mine")
    ran = command("create", study, "-o", disc)
    assert ran.code == 3
    assert "--force" in ran.err
    assert disc.read_text() == "mine"
    assert command("create", study, "-o", disc, "--force").code == 0
    assert disc.stat().st_size > 60_000


def test_plan_writes_nothing(study: Path, tmp_path: Path, command: Command) -> None:
    before = names(tmp_path)
    ran = command("create", study, "-o", tmp_path / "disc.iso", "--plan")
    assert ran.code == 0
    assert "nothing was written" in ran.out
    planned = json.loads(command("create", study, "-o", tmp_path / "disc.iso", "--plan", "--json").out)
    assert (planned["found"], planned["outcomes"]["accepted"], planned["complete"]) == (3, 3, True)
    assert names(tmp_path) == before


def test_a_code_that_rejects_nothing_is_refused(study: Path, tmp_path: Path, command: Command) -> None:
    ran = command("create", study, "-o", tmp_path / "disc.iso", "--allow-rejected=truncated-pixels")
    assert ran.code == 2
    assert "Is truncated-pixel-data meant?" in ran.err
    assert names(tmp_path) == {"study"}


@pytest.mark.parametrize(
    ("options", "code", "written"),
    [((), 1, True), (("--allow-rejected",), 0, True), (("--allow-rejected=truncated-pixel-data",), 0, True),
     (("--allow-rejected=corrupt-codestream",), 1, True), (("--strict",), 1, False)],
)  # fmt: skip
def test_the_exit_code_is_true_when_something_is_missing(
    study: Path, tmp_path: Path, command: Command, options: tuple[str, ...], code: int, written: bool
) -> None:
    cut = study / "slice2.dcm"
    cut.write_bytes(cut.read_bytes()[:-10])
    disc = tmp_path / "disc.iso"
    ran = command("create", study, "-o", disc, *options)

    assert ran.code == code, ran.said
    assert disc.exists() == written
    if written:
        assert "NOT complete" in ran.out
        counts = receipt_of(disc)["counts"]
        assert (counts["found"], counts["accepted"], counts["rejected"]) == (3, 2, 1)
    else:
        assert "truncated-pixel-data" in ran.said or "Pixel Data" in ran.said
        assert {n for n in names(tmp_path) if n.startswith("disc")} == set()


def test_sources_are_mixed_and_each_instance_is_taken_once(study: Path, tmp_path: Path, command: Command) -> None:
    archive = tmp_path / "more.zip"
    write_ct(tmp_path / "four.dcm", number=4)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.write(tmp_path / "four.dcm", "a/four")
        zipped.write(study / "slice1.dcm", "a/one")
        zipped.writestr("a/readme.txt", "not DICOM")
    assert command("create", study, "-o", tmp_path / "first.iso").code == 0
    ran = command("create", archive, tmp_path / "first.iso", study / "slice2.dcm", "-o", tmp_path / "second.iso")

    assert ran.code == 0, ran.said
    counts = receipt_of(tmp_path / "second.iso")["counts"]
    assert counts["accepted"] == 4
    assert counts["duplicate"] == 2
    assert counts["found"] == sum(
        counts[k] for k in ("accepted", "rejected", "left_out", "duplicate", "not_asked_for", "not_dicom")
    )


def test_a_file_that_a_dicomdir_promises_and_that_is_gone(study: Path, tmp_path: Path, command: Command) -> None:
    """A silently missing image is the worst thing that we can do."""
    assert command("create", study, "-o", f"{tmp_path}/disc/").code == 0
    next((tmp_path / "disc" / "DICOM").rglob("IM000001")).unlink()
    ran = command("create", tmp_path / "disc", "-o", tmp_path / "copy.iso")

    assert ran.code == 1
    counts = receipt_of(tmp_path / "copy.iso")["counts"]
    assert (counts["accepted"], counts["rejected"], counts["missing"]) == (2, 1, 1)


def test_filters_leave_the_rest_out_and_say_so(study: Path, tmp_path: Path, command: Command) -> None:
    write_ct(study / "other.dcm", series=2)
    write_ct(study / "mr.dcm", series=3, Modality="MR")
    ran = command("create", study, "-o", tmp_path / "a.iso", "--series", "2.25.79.1.1", "--modality", "ct,xa")
    assert ran.code == 0, ran.said
    counts = receipt_of(tmp_path / "a.iso")["counts"]
    assert (counts["accepted"], counts["not_asked_for"]) == (3, 2)
    assert command("create", study, "-o", tmp_path / "b.iso", "--patient", "NOBODY").code == 1


def test_two_patients_need_a_decision(study: Path, tmp_path: Path, command: Command) -> None:
    write_ct(study / "z.dcm", study=2, PatientID="TEST2", PatientName="Anders^Wer", PatientBirthDate="19500505")
    ran = command("create", study, "-o", tmp_path / "disc.iso")
    assert ran.code == 1
    assert "--multi-patient" in ran.err
    assert not (tmp_path / "disc.iso").exists()
    asked = json.loads(command("create", study, "-o", tmp_path / "disc.iso", "--json").out)
    assert [(c["number"], c["code"], c["sources"]) for c in asked["conflicts"]] == [
        (1, "several-patients", [[1, 2, 3], [4]])
    ]

    assert command("create", study, "-o", tmp_path / "disc.iso", "--multi-patient").code == 0
    assert len(receipt_of(tmp_path / "disc.iso")["media"]) == 1
    ran = command("create", study, "-o", tmp_path / "each.iso", "--separate")
    assert ran.code == 0, ran.said
    media = receipt_of(tmp_path / "each.iso")["media"]
    assert [medium["name"] for medium in media] == ["each-1.iso", "each-2.iso"]
    assert media[0]["file_set_uid"] != media[1]["file_set_uid"]
    for name in ("each-1.iso", "each-2.iso"):
        assert command("verify", tmp_path / name, "--receipt", tmp_path / "each.iso.receipt.json").code == 0


def test_one_of_several_media_that_fails_takes_the_others_with_it(
    study: Path, tmp_path: Path, command: Command
) -> None:
    write_ct(study / "z.dcm", study=2, PatientID="TEST2", PatientName="Anders^Wer", PatientBirthDate="19500505")
    (tmp_path / "each-2.iso").write_text("mine")
    before = names(tmp_path)
    ran = command("create", study, "-o", tmp_path / "each.iso", "--separate")
    assert ran.code == 3
    assert names(tmp_path) == before


def test_nobody_s_identity_reaches_a_log(study: Path, tmp_path: Path, command: Command) -> None:
    """stdout and stderr go to files here, as in a service: no name, ID or birth date may be in them."""
    write_ct(study / "z.dcm", study=2, PatientID="TEST1", PatientName="Anders^Wer", PatientBirthDate="19500505")
    (study / "Testperson cut.dcm").write_bytes((study / "slice1.dcm").read_bytes()[:-9])
    runs = [
        command("create", study, "-o", tmp_path / "disc.iso"),
        command("create", study, "-o", tmp_path / "disc.iso", "--plan"),
        command("create", study, "-o", tmp_path / "disc.iso", "--separate"),
        command("create", study / "slice2.dcm", "-o", tmp_path / "one.iso", "--json"),
    ]
    assert [run.code for run in runs] == [1, 1, 1, 0]
    for ran in runs:
        for identity in ("Testperson", "Tilda", "Anders", "TEST1", "19700101", "19500505"):
            assert identity not in ran.said
    travelling = (tmp_path / "one.iso").read_bytes()
    start = travelling.index(b'"mediacreator receipt"')
    assert b"Testperson" not in travelling[start : start + 20_000]
    assert b"slice2" not in travelling


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("create",), 2, "Missing argument"),
        (("create", "nowhere", "-o", "x.iso"), 3, "cannot be read"),
        (("create", ".", "-o", "nowhere/x.iso"), 2, "does not exist"),
        (("create", ".", "-o", "x.iso", "--profile", "STD-GEN-DC"), 2, "STD-GEN-CD"),
        (("create", ".", "-o", "x.iso", "--profile", "STD-GEN-SEC-CD"), 2, "Secure DICOM"),
        (("create", ".", "-o", "x.zip", "--profile", "STD-GEN-CD"), 2, "does not end with .zip"),
        (("create", ".", "-o", "x.iso", "--file-set-id", "lower"), 2, "PS3.10"),
        (("create", ".", "-o", "x.iso", "--take", "1"), 2, "N=K"),
        (("create", ".", "-o", "x.iso", "--config", "none.toml"), 2, "none.toml"),
        (("creat", "."), 2, "create"),
        (("create", ".", "-o", "x.iso"), 1, "no instance"),
    ],
)
def test_bad_requests_are_refused_in_plain_words(
    tmp_path: Path,
    command: Command,
    arguments: tuple[str, ...],
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    ran = command(*arguments)
    assert ran.code == code, ran.said
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert names(empty) == set()


def test_too_large_for_the_medium(tmp_path: Path, command: Command) -> None:
    """Refused before anything is written, with both sizes and what would fit."""
    folder = tmp_path / "large"
    folder.mkdir()
    path = write_ct(folder / "one.dcm", Rows=20000, Columns=20000)
    data = path.read_bytes()
    size = 20000 * 20000 * 2
    with path.open("wb") as file:
        file.write(data[: -128 - 4] + size.to_bytes(4, "little"))
        file.truncate(len(data) - 128 + size)
    ran = command("create", folder, "-o", tmp_path / "disc.iso", "--profile", "STD-GEN-CD")

    assert ran.code == 3, ran.said
    assert "736,960,512" in ran.err
    assert "DVD" in ran.err
    assert not (tmp_path / "disc.iso").exists()
    shutil.rmtree(folder)


def test_settings_of_the_site(study: Path, tmp_path: Path, command: Command) -> None:
    config = tmp_path / "xdg" / "mediacreator" / "settings.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[institution]\nname = "Example Hospital"\n\n[create]\nfile_set_id = "EXAMPLE"\n')
    assert command("create", study, "-o", f"{tmp_path}/disc/").code == 0
    assert "Example Hospital" in (tmp_path / "disc" / "README.TXT").read_text()
    assert receipt_of(tmp_path / "disc")["media"][0]["file_set_id"] == "EXAMPLE"
    config.write_text("[institution]\nnaem = 1\n")
    ran = command("create", study, "-o", f"{tmp_path}/other/")
    assert ran.code == 2
    assert "naem" in ran.err


@needs("unzip")
def test_an_output_that_ends_with_zip_is_one(study: Path, tmp_path: Path, command: Command) -> None:
    archive = tmp_path / "study.zip"
    ran = command("create", study, "-o", archive)
    assert ran.code == 0, ran.said
    assert "STD-GEN-ZIP-MAIL was chosen" in ran.out
    assert "No errors detected" in run("unzip", "-t", archive)
    assert command("verify", archive).code == 0
