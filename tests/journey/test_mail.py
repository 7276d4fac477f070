"""A study goes out by mail, and comes in by mail (PS3.11 G, L; PS3.12 K, V, W)."""

from __future__ import annotations

import email
import email.policy
import io
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest
from pydicom import dcmread

from mediacreator import CreateRequest, create
from mediacreator.validate import check_file_set
from tests.journey.conftest import Command, receipt_of
from tests.oracles import needs, run

MAILS = ("STD-GEN-ZIP-MAIL", "STD-GEN-MIME")


def message_of(path: Path) -> EmailMessage:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def files_of(message: EmailMessage) -> dict[str, bytes]:
    """Take the files out of a mail as somebody does who has Python and nothing of ours."""
    found: dict[str, bytes] = {}
    for part in message.iter_attachments():
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if part.get_content_type() == "application/zip":
            found |= members_of(data)
        else:
            parameters = part["content-type"].params
            found[parameters.get("id") or parameters["name"]] = data
    return found


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@needs("dcmdump")
@pytest.mark.parametrize("profile", MAILS)
def test_a_study_is_sent_and_received(profile: str, samples: Path, tmp_path: Path, command: Command) -> None:
    mail = tmp_path / "study.eml"
    made = command("create", samples / "patient1", "--profile", profile, "-o", mail)
    assert made.code == 0, made.said
    assert receipt_of(mail)["state"] == "complete"

    listed = command("list", mail)
    assert listed.code == 0, listed.said
    assert "1 patient, 2 studies, 8 series, 23 instances" in listed.out
    verified = command("verify", mail)
    assert verified.code == 0, verified.said
    assert "27 of 27 files as written" in verified.out
    check = check_file_set(mail, profile, workers=1)
    assert (check.conforms, check.checked, check.findings, check.not_checked) == (True, 23, (), ())

    files = files_of(message_of(mail))
    (tmp_path / "out").mkdir()
    for number, (name, data) in enumerate(files.items()):
        if "." not in name:
            path = tmp_path / "out" / str(number)
            path.write_bytes(data)
            assert "TransferSyntaxUID" in run("dcmdump", "+P", "0002,0010", path)
    listed_there = [
        "/".join(record.ReferencedFileID)
        for record in dcmread(io.BytesIO(files["DICOMDIR"])).DirectoryRecordSequence
        if "ReferencedFileID" in record
    ]
    assert set(listed_there) <= set(files)
    assert len(listed_there) == 23

    # The recipient has the mail alone: what travels in it proves that all came, and a disc can be made of it.
    Path(f"{mail}.receipt.json").unlink()
    assert command("verify", mail).code == 0
    again = command("create", tmp_path, "--profile", "STD-GEN-CD", "-o", tmp_path / "disc.iso")
    assert again.code == 0, again.said
    assert receipt_of(tmp_path / "disc.iso")["counts"]["accepted"] == 23


def made(study: Path, mail: Path, profile: str, workers: int = 1) -> None:
    request = CreateRequest(
        sources=(str(study),),
        output=str(mail),
        profile=profile,
        reproducible=True,
        epoch=1_770_000_000,
        workers=workers,
    )
    assert create(request).state == "complete"


@pytest.mark.parametrize("profile", MAILS)
def test_headers_name_no_patient(profile: str, study: Path, tmp_path: Path) -> None:
    made(study, tmp_path / "study.eml", profile)
    message = message_of(tmp_path / "study.eml")
    headers = "\n".join(f"{name}: {value}" for part in message.walk() for name, value in part.items())
    body = message.get_body(("plain",))
    assert body is not None
    for identity in ("Testperson", "Tilda", "TEST1", "19700101", "CT chest"):
        assert identity.lower() not in (headers + body.get_content()).lower()


@pytest.mark.parametrize("profile", MAILS)
def test_a_reproducible_mail_has_the_same_bytes(profile: str, study: Path, tmp_path: Path) -> None:
    written = []
    for workers in (1, 2):
        mail = tmp_path / f"{workers}" / "study.eml"
        mail.parent.mkdir()
        made(study, mail, profile, workers)
        written.append(mail.read_bytes())
    assert written[0] == written[1]
    assert b"Date: Mon, 02 Feb 2026 02:40:00 +0000\r\n" in written[0]


def test_a_mail_that_broke_off_is_said_to_be_incomplete(study: Path, tmp_path: Path, command: Command) -> None:
    """What came whole is taken; the attachment that broke off is rejected, and counted once though it is promised."""
    mail = tmp_path / "study.eml"
    made(study, mail, "STD-GEN-MIME")
    text = mail.read_bytes()
    cut = text.rindex(b'id="DICOM/') + 600
    mail.write_bytes(text[:cut])
    assert command("verify", mail).code == 1
    receipt = create(CreateRequest(sources=(str(mail),), output=str(tmp_path / "disc.iso"), profile="STD-GEN-CD"))
    assert (receipt.state, receipt.counts.accepted) == ("incomplete", 2)
    assert "mail-truncated" in {entry.finding.code for entry in receipt.not_on_medium}
