"""Mails as they are written, read by Python's email package, munpack and ripmime (PS3.12 K, W; PS3.11 G, L)."""

from __future__ import annotations

import email
import email.policy
import io
import os
import random
import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.errors import SourceChanged
from mediacreator.formats.mail import base64_lines, encoded_size
from mediacreator.formats.mail_reader import MailTree
from mediacreator.image import DiscFile, Letter, mime_size, write_mime, write_zip_mail, zip_mail_size
from mediacreator.model import MediaImage, WrittenFile
from mediacreator.rules.library import load_profile
from tests.discs import CREATED, Counter, copied, disc, sha256, source_of, trees
from tests.oracles import needs, run

LETTER = Letter(transport=load_profile("STD-GEN-ZIP-MAIL").transport)
NOISE = random.Random(3).randbytes(200_000)
TREE = {
    "DICOMDIR": b"directory" * 700,
    "README.TXT": b"read me\r\n",
    "DICOM/PT000000/IM000000": NOISE,
    "DICOM/PT000000/IM000001": bytes(500_001),
    "IHE_PDI/STYLE.CSS": b"p { }",
    "EMPTY": b"",
}


def files_of(tree: Mapping[str, bytes]) -> tuple[DiscFile, ...]:
    """Files whose names have no dot are instances."""
    return tuple(
        file if "." in file.path[-1] or file.path == ("DICOMDIR",) else replace(file, sop_instance_uid="2.25.9")
        for file in disc(dict(tree))
    )


def mime(folder: Path, tree: Mapping[str, bytes], letter: Letter = Letter()) -> MediaImage:  # noqa: B008 - frozen
    path = str(folder / "mime.eml")
    return write_mime(path, letter=letter, files=files_of(tree), created=CREATED, progress=Counter())


def zip_mail(folder: Path, tree: Mapping[str, bytes], letter: Letter = LETTER, workers: int = 2) -> MediaImage:
    path = str(folder / "zip.eml")
    return write_zip_mail(
        path, letter=letter, files=files_of(tree), created=CREATED, progress=Counter(), workers=workers
    )


def parsed(image: MediaImage) -> EmailMessage:
    message = email.message_from_bytes(Path(image.path).read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def attachments(message: EmailMessage) -> list[EmailMessage]:
    found = [part for part in message.iter_parts() if isinstance(part, EmailMessage)][1:]
    assert not any(part.defects for part in found)
    return found


# --- MIME ------------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(trees())
def test_each_file_is_a_part_and_the_size_is_exact(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, bytes]
) -> None:
    image = mime(tmp_path_factory.getbasetemp(), tree)
    assert image.size == os.path.getsize(image.path) == mime_size(files_of(tree), letter=Letter())
    read = [part.get_payload(decode=True) for part in attachments(parsed(image))]
    assert read == list(tree.values())
    with MailTree(image.path) as ours:
        assert {file.name: ours.open(file.path).read() for file in ours.files()} == tree
        assert [file.size for file in ours.files()] == [len(data) for data in tree.values()]
        assert ours.findings == ()
    assert [file.sha256 for file in image.files] == [sha256(data) for data in tree.values()]


def test_dicom_parts_have_the_parameters_of_annex_k(tmp_path: Path) -> None:
    """PS3.12 K.1.2 and RFC 3240: id is the File ID with slashes, name has .dcm but for the DICOMDIR."""
    message = parsed(mime(tmp_path, TREE))
    assert message.get_content_type() == "multipart/mixed"
    found = {
        part["content-type"].params.get("id", part["content-location"]): (
            part.get_content_type(),
            part["content-type"].params["name"],
            part.get_filename(),
            part["content-transfer-encoding"],
        )
        for part in attachments(message)
    }
    assert found == {
        "DICOMDIR": ("application/dicom", "DICOMDIR", "DICOMDIR", "base64"),
        "README.TXT": ("text/plain", "README.TXT", "README.TXT", "base64"),
        "DICOM/PT000000/IM000000": ("application/dicom", "IM000000.dcm", "IM000000.dcm", "base64"),
        "DICOM/PT000000/IM000001": ("application/dicom", "IM000001.dcm", "IM000001.dcm", "base64"),
        "IHE_PDI/STYLE.CSS": ("text/css", "STYLE.CSS", "STYLE.CSS", "base64"),
        "EMPTY": ("application/dicom", "EMPTY.dcm", "EMPTY.dcm", "base64"),
    }


@needs("munpack")
def test_munpack_takes_the_parts_out(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    run("munpack", "-f", "-q", "-C", tmp_path / "out", mime(tmp_path, TREE).path)
    for name, data in TREE.items():
        saved = name.rpartition("/")[2]
        saved += "" if "." in saved or saved == "DICOMDIR" else ".dcm"
        local = data.replace(b"\r\n", b"\n") if saved == "README.TXT" else data  # text gets the ends of lines of Unix
        assert (tmp_path / "out" / saved).read_bytes() == local


def test_the_late_file_of_a_mail_knows_all_others(tmp_path: Path) -> None:
    seen: list[WrittenFile] = []

    def late(others: tuple[WrittenFile, ...]) -> bytes:
        seen.extend(others)
        return b"late"

    files = (*files_of(TREE), DiscFile.of_late(("RECEIPT.JSN",), 4, CREATED, late))
    path = str(tmp_path / "late.eml")
    image = write_mime(path, letter=Letter(), files=files, created=CREATED, progress=Counter())
    assert tuple(seen) == image.files[:-1]
    assert attachments(parsed(image))[-1].get_content_type() == "application/json"


# --- ZIP by mail -----------------------------------------------------------------------------------------------------


def test_the_archive_has_the_headers_of_annex_l(tmp_path: Path) -> None:
    """PS3.11 L.3.2 a to e, word for word."""
    image = zip_mail(tmp_path, TREE)
    text = Path(image.path).read_bytes()
    part = text.split(b"--=_mediacreator\r\n")[2].partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ")
    assert part.split(b"\r\n") == [
        b'Content-Type: application/zip; id="DICOM.ZIP"; name="DICOM.ZIP"',
        b"Content-Transfer-Encoding: base64",
        b'Content-Disposition: attachment; filename="DICOM.ZIP"',
    ]
    message = parsed(image)
    assert "DICOM-ZIP" in message["subject"]
    (attached,) = attachments(message)
    with zipfile.ZipFile(io.BytesIO(attached.get_payload(decode=True))) as archive:  # type: ignore[arg-type]
        assert {name: archive.read(name) for name in archive.namelist()} == TREE
    assert image.size == os.path.getsize(image.path) <= zip_mail_size(files_of(TREE), letter=LETTER)


def test_a_mail_is_at_most_as_large_as_announced(tmp_path: Path) -> None:
    tree = {"DICOM/IM000000": NOISE, "DICOM/IM000001": NOISE[::-1]}
    assert zip_mail(tmp_path, tree).size == zip_mail_size(files_of(tree), letter=LETTER)


@needs("ripmime", "unzip")
def test_ripmime_takes_the_archive_out(tmp_path: Path) -> None:
    run("ripmime", "-i", zip_mail(tmp_path, TREE).path, "-d", tmp_path / "out")
    assert "No errors detected" in run("unzip", "-t", tmp_path / "out" / "DICOM.ZIP")
    run("unzip", "-q", tmp_path / "out" / "DICOM.ZIP", "-d", tmp_path / "files")
    assert {name: (tmp_path / "files" / name).read_bytes() for name in TREE} == TREE


# --- both ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [mime, zip_mail])
def test_sender_recipient_and_subject_are_those_of_the_site(tmp_path: Path, make: object) -> None:
    letter = replace(
        LETTER, sender="Röntgen <x@hospital.example>", recipient="a@b.example, B <b@c.example>", subject="Größe " * 15
    )
    message = parsed(make(tmp_path, TREE, letter))  # type: ignore[operator]
    assert str(message["from"]) == "Röntgen <x@hospital.example>"
    assert str(message["to"]) == "a@b.example, B <b@c.example>"
    assert str(message["subject"]) == f"DICOM-ZIP {('Größe ' * 15).strip()}"
    assert message["date"].datetime == CREATED
    assert "x-unsent" not in message


@pytest.mark.parametrize("make", [mime, zip_mail])
def test_without_them_it_is_a_draft(tmp_path: Path, make: object) -> None:
    message = parsed(make(tmp_path, TREE))  # type: ignore[operator]
    assert message["x-unsent"] == "1"
    assert message["from"] is None
    assert message["to"] is None


@pytest.mark.parametrize("make", [mime, zip_mail])
def test_lines_are_those_that_mail_can_carry(tmp_path: Path, make: object) -> None:
    """RFC 2822 2.1.1: up to 78 characters of ASCII; each ends with CRLF."""
    letter = replace(LETTER, sender="Röntgen <x@hospital.example>", subject="Größe " * 15)
    text = Path(make(tmp_path, TREE, letter).path).read_bytes()  # type: ignore[operator]
    assert text.isascii()
    assert text.endswith(b"\r\n")
    assert max(map(len, text.split(b"\r\n"))) <= 80  # what munpack and the text take
    assert not re.search(rb"[^\r]\n|\r[^\n]", text)


def test_the_same_files_give_the_same_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = [Path(made.path).read_bytes() for made in (mime(tmp_path, TREE), zip_mail(tmp_path, TREE, workers=1))]
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    monkeypatch.setattr("time.time", lambda: 86400.0)
    again = [Path(made.path).read_bytes() for made in (mime(tmp_path, TREE), zip_mail(tmp_path, TREE, workers=3))]
    assert again == first


@pytest.mark.parametrize("write", [write_mime, write_zip_mail])
def test_a_source_that_changes_leaves_no_mail_behind(tmp_path: Path, write: object) -> None:
    source = tmp_path / "source"
    source.write_bytes(NOISE)
    file = copied(("A",), source_of(source))
    source.write_bytes(NOISE[:-1])
    with pytest.raises(SourceChanged):
        write(  # type: ignore[operator]
            str(tmp_path / "x.eml"), letter=LETTER, files=(*disc(TREE), file), created=CREATED, progress=Counter()
        )
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=200), max_size=8), st.integers(0, 2))
def test_content_is_encoded_whatever_the_chunks(chunks: list[bytes], many: int) -> None:
    data = b"".join(chunks) + bytes(57 * 8192 * many)  # whole blocks as they are encoded
    text = b"".join(base64_lines([*chunks, bytes(57 * 8192 * many)]))
    assert len(text) == encoded_size(len(data))
    assert all(len(line) == 76 for line in text.split(b"\r\n")[:-2])
    message = email.message_from_bytes(b"Content-Transfer-Encoding: base64\r\n\r\n" + text)
    assert message.get_payload(decode=True) == data
