"""Mails of others as media: made by Python's email package, in the shapes that mail programs give them, and hostile."""

from __future__ import annotations

import base64
import email.policy
import io
import random
import zipfile
import zlib
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.errors import SourceUnreadable
from mediacreator.formats import open_tree, recognise
from mediacreator.formats.mail_content import content_of
from mediacreator.formats.mail_parts import Part, find_parts
from mediacreator.formats.mail_reader import MailTree
from mediacreator.model import Container, Outcome
from mediacreator.sources import find_sources
from mediacreator.sources.reading import open_source
from tests.discs import codes

NOISE = random.Random(5).randbytes(700_000)
SMTP, UNIX = email.policy.SMTP, email.policy.default


def archive(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return stream.getvalue()


def message(*parts: tuple[str, bytes, dict[str, str]]) -> EmailMessage:
    """A mail with text, and attachments of a subtype of application, with parameters."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@b.example", "c@d.example", "Images"
    made.set_content("See the attachments.")
    made.add_alternative("<p>See the attachments.</p>", subtype="html")
    for kind, data, parameters in parts:
        made.add_attachment(data, "application", kind, params=parameters)
    return made


def saved(tmp_path: Path, made: EmailMessage | bytes, policy: email.policy.Policy[EmailMessage] = SMTP) -> str:
    path = tmp_path / "mail.eml"
    path.write_bytes(made if isinstance(made, bytes) else made.as_bytes(policy=policy))
    return str(path)


def held(path: str) -> dict[str, bytes]:
    with open_tree(path) as tree:
        assert tree.container is Container.MAIL
        assert tree.label is None
        files = tuple(tree.files())
        read = {}
        for file in files:
            with tree.open(file.path) as stream:
                read[file.name] = stream.read()
            assert len(read[file.name]) == file.size
        assert len(read) == len(files)
        return read


# --- what mail programs make -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [SMTP, UNIX])
def test_dicom_parts_lie_under_their_file_ids(tmp_path: Path, policy: email.policy.Policy[EmailMessage]) -> None:
    made = message(
        ("dicom", b"directory", {"id": "DICOMDIR", "name": "Dicomdir"}),
        ("dicom", NOISE, {"id": "ROOT/SUB/I0001", "name": "I0001.dcm"}),
        ("dicom", b"", {"name": "alone.dcm"}),
    )
    assert held(saved(tmp_path, made, policy)) == {
        "DICOMDIR": b"directory",
        "ROOT/SUB/I0001": NOISE,
        "alone.dcm": b"",
    }


@pytest.mark.parametrize("policy", [SMTP, UNIX])
def test_members_of_an_archive_lie_in_the_mail_itself(
    tmp_path: Path, policy: email.policy.Policy[EmailMessage]
) -> None:
    members = {"DICOMDIR": b"directory", "DICOM/A": NOISE, "DICOM/B": bytes(100_000)}
    made = message(("zip", archive(members), {"id": "DICOM.ZIP", "name": "DICOM.ZIP"}))
    assert held(saved(tmp_path, made, policy)) == members


def test_an_archive_is_known_by_its_name_as_well(tmp_path: Path) -> None:
    made = message()
    made.add_attachment(archive({"A": b"1"}), "application", "octet-stream", filename="Bilder.Zip")
    made.add_attachment(b"no archive", "application", "zip", filename="other.zip")
    assert held(saved(tmp_path, made)) == {"A": b"1", "other.zip": b"no archive"}


def test_no_file_hides_another(tmp_path: Path) -> None:
    """Two archives, and parts of one name."""
    made = message(
        ("zip", archive({"DICOMDIR": b"1"}), {"name": "1.zip"}),
        ("zip", archive({"DICOMDIR": b"2"}), {"name": "2.zip"}),
        ("dicom", b"3", {"name": "DICOMDIR"}),
        ("dicom", b"4", {}),
    )
    assert held(saved(tmp_path, made)) == {
        "DICOMDIR": b"1",
        "part 4/DICOMDIR": b"2",
        "part 5/DICOMDIR": b"3",
        "part 6": b"4",
    }


def test_a_mail_forwarded_inside_another_is_looked_through(tmp_path: Path) -> None:
    outer = message(("pdf", b"%PDF", {"name": "letter.pdf"}))
    outer.add_attachment(message(("dicom", NOISE[:1000], {"id": "A/B", "name": "B.dcm"})))
    outer.add_attachment(b"after", "application", "dicom", params={"id": "C"})
    assert held(saved(tmp_path, outer)) == {"letter.pdf": b"%PDF", "A/B": NOISE[:1000], "C": b"after"}


def test_a_mail_that_is_one_dicom_file(tmp_path: Path) -> None:
    made = EmailMessage()
    made["Subject"] = "one"
    made.set_content(NOISE, "application", "dicom", params={"name": "i00023.dcm"})
    assert held(saved(tmp_path, made)) == {"i00023.dcm": NOISE}


def test_every_encoding_is_decoded(tmp_path: Path) -> None:
    made = message()
    made.add_attachment("Größe\n" * 30, "x-notes", filename="quoted.txt", cte="quoted-printable", charset="utf-8")
    made.add_attachment("plain\n", filename="plain.txt", cte="7bit")
    made.add_attachment("Größe\n", filename="eight.txt", cte="8bit", charset="utf-8")
    read = held(saved(tmp_path, made))
    # The end of the last line belongs to the delimiter in 7bit and 8bit (RFC 2046 5.1.1).
    assert {name: data.rstrip(b"\r\n") for name, data in read.items()} == {
        "quoted.txt": ("Größe\r\n" * 30).rstrip().encode(),
        "plain.txt": b"plain",
        "eight.txt": "Größe".encode(),
    }


def test_names_in_any_script_are_decoded(tmp_path: Path) -> None:
    made = message()
    made.add_attachment(b"1", "application", "dicom", filename="größe – ünal.dcm")
    old = saved(tmp_path, made).replace("mail.eml", "old.eml")
    text = Path(old.replace("old", "mail")).read_bytes()
    assert b"filename*" in text
    Path(old).write_bytes(
        b"MIME-Version: 1.0\r\nContent-Type: application/dicom; name*=utf-8''gr%C3%B6%C3%9Fe.dcm\r\n\r\n2"
    )
    encoded = tmp_path / "encoded.eml"
    encoded.write_bytes(b'Mime-version: 1.0\nContent-type: application/dicom;\n name="=?utf-8?B?Z3LDtsOfZQ==?="\n\n3')
    assert held(saved(tmp_path, made)) == {"größe – ünal.dcm": b"1"}
    assert held(old) == {"größe.dcm": b"2"}
    assert held(str(encoded)) == {"größe": b"3"}


def test_a_signed_mail_has_no_file_for_its_signature(tmp_path: Path) -> None:
    text = (
        b'From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary="s"\r\n\r\n'
        b'--s\r\nContent-Type: multipart/mixed; boundary="s1"\r\n\r\n'
        b'--s1\r\nContent-Type: application/dicom; id="A"\r\n\r\n1\r\n--s1--\r\n\r\n'
        b'--s\r\nContent-Type: application/pkcs7-signature; name="smime.p7s"\r\n\r\nsealed\r\n--s--\r\n'
    )
    assert held(saved(tmp_path, text)) == {"A": b"1"}


def test_paths_of_a_mail_lead_nowhere(tmp_path: Path) -> None:
    """Whatever they say, they are names: nothing above or beside the mail is ever opened."""
    names = ("../../etc/passwd", "/etc/passwd", "..", r"..\..\A", "a//./b/../c", "\0", "x" * 3000)
    made = b"\r\n".join(
        b'--b\r\nContent-Type: application/dicom; id="' + name.encode() + b'"\r\n\r\n%d' % number
        for number, name in enumerate(names)
    )
    head = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    read = held(saved(tmp_path, head + made + b"\r\n--b--\r\n"))
    assert list(read.values()) == [b"%d" % number for number in range(len(names))]
    assert not any({"", ".", ".."} & set(name.split("/")) for name in read)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\r\n",
        b"Subject: text only\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nHello",
        b"Subject: old\r\n\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b--",
        b"<html>MIME-Version: 1.0\r\nContent-Type: multipart/mixed\r\n",
        b"name: value\n" * 200,
    ],
)
def test_what_carries_nothing_is_no_mail(tmp_path: Path, text: bytes) -> None:
    path = saved(tmp_path, text)
    assert recognise(path) is Container.FILE
    with pytest.raises(SourceUnreadable):
        MailTree(path)


def test_dicom_that_looks_like_a_mail_is_dicom(tmp_path: Path) -> None:
    head = b"A: b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    path = saved(tmp_path, head.ljust(128, b" ") + b"DICM")
    assert recognise(path) is Container.FILE


@pytest.mark.parametrize("policy", [SMTP, UNIX])
def test_parts_are_the_same_wherever_the_pieces_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: email.policy.Policy[EmailMessage]
) -> None:
    """A delimiter may lie over the edge of what is looked through at once, its end of line too."""
    inner = message(("dicom", b"x\r\n--" * 30, {"id": "A"}), ("dicom", b"", {"id": "B"}))
    outer = message(("dicom", b"1", {"id": "C"}))
    outer.add_attachment(inner)
    path = saved(tmp_path, outer, policy)
    size = Path(path).stat().st_size
    with open(path, "rb") as stream:
        whole = find_parts(stream.fileno(), size)
        assert [part.path for part in whole if part.path] == [("C",), ("A",), ("B",)]
        for piece in range(2, 150):
            monkeypatch.setattr("mediacreator.formats.mail_parts._PIECE", piece)
            assert find_parts(stream.fileno(), size) == whole


# --- reading anywhere ------------------------------------------------------------------------------------------------

_JUNK = st.sampled_from([b"\r\n", b"\n", b" ", b"-", b"\0\xff", b"\t\r\n"])


@settings(max_examples=60)
@given(st.integers(0, 3000), st.lists(st.tuples(st.integers(1, 90), _JUNK), min_size=1, max_size=5), st.data())
def test_any_place_of_an_attachment_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, size: int, breaks: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    """Lines of any length, with what is no base64 between them (RFC 2045 6.8), looked through in pieces of 64 bytes."""
    text = base64.b64encode(NOISE[:size])
    pieces, start = [], 0
    while start < len(text):
        for length, junk in breaks:
            pieces += [text[start : start + length], junk]
            start += length
    path = tmp_path_factory.getbasetemp() / "anywhere"
    path.write_bytes(b"".join(pieces))
    with pytest.MonkeyPatch.context() as patch, path.open("rb") as stream:
        patch.setattr("mediacreator.formats.mail_content._TEXT", 64)
        part = Part(1, "application/dicom", "base64", "", (), 0, path.stat().st_size)
        content = content_of(stream.fileno(), part)
        assert (content.problem, content.size) == ("", size)
        with content.open() as read:
            for _ in range(5):
                place, count = data.draw(st.integers(0, size + 2)), data.draw(st.integers(0, 400))
                read.seek(place)
                found = b""
                while len(found) < count and (more := read.read(count - len(found))):
                    found += more
                assert found == NOISE[:size][place : place + count]


def test_an_open_attachment_outlives_the_mail(tmp_path: Path) -> None:
    """Others close a mail that many are read from; descriptors are given to other files then."""
    made = message(
        ("dicom", NOISE, {"id": "A"}), ("zip", archive({"B": NOISE}), {"name": "x.zip"}), ("x", b"7", {"name": "C"})
    )
    tree = MailTree(saved(tmp_path, made))
    streams = [tree.open((name,)) for name in ("A", "B", "C")]
    tree.close()
    with (tmp_path / "other").open("wb+") as other:
        other.write(b"x" * 2_000_000)
        assert [stream.read() for stream in streams] == [NOISE, NOISE, b"7"]


# --- what cannot be read ---------------------------------------------------------------------------------------------


def refused(path: str) -> tuple[list[str], dict[str, str]]:
    """Return the files that can be read, and the code for each that cannot."""
    with MailTree(path) as tree:
        good = [file.name for file in tree.files()]
        lost = {file.name: finding.code for file, finding in tree.refused}
        assert codes(tree.findings) == list(lost.values())
        assert all(finding.location.startswith("part ") for finding in tree.findings)
        assert tree.lost == tuple(file for file, _ in tree.refused)
        return good, lost


def test_a_mail_that_breaks_off_loses_its_last_attachment_only(tmp_path: Path) -> None:
    text = message(("dicom", NOISE, {"id": "A"}), ("dicom", NOISE, {"id": "B"})).as_bytes(policy=SMTP)
    assert refused(saved(tmp_path, text[:-1000])) == (["A"], {"B": "mail-truncated"})


@pytest.mark.parametrize("damage", [b"=\r\nAAAA", b"AA", b"=="])
def test_an_attachment_that_is_not_base64_to_its_end_is_refused(tmp_path: Path, damage: bytes) -> None:
    text = (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b'--b\r\nContent-Type: application/dicom; id="A"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA'
        + damage
        + b'AAA=\r\n--b\r\nContent-Type: application/dicom; id="B"\r\nContent-Transfer-Encoding: BASE64\r\n\r\n'
        + b"MQ\r\n--b--"
    )
    assert refused(saved(tmp_path, text)) == (["B"], {"A": "mail-part-damaged"})


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"Content-Type: application/pkcs7-mime; name=smime.p7m", "mail-encrypted"),
        (b"Content-Type: application/x-pkcs7-mime; smime-type=signed-data; name=smime.p7m", "mail-encrypted"),
        (b'Content-Type: message/partial; id="x"; number=1; total=3', "mail-partial"),
        (b"Content-Type: application/dicom\r\nContent-Transfer-Encoding: x-uuencode", "mail-encoding-unsupported"),
    ],
)
def test_what_hides_its_content_is_said(tmp_path: Path, head: bytes, code: str) -> None:
    good, lost = refused(saved(tmp_path, b"From: a@b\r\nMIME-Version: 1.0\r\n" + head + b"\r\n\r\nMII=\r\n"))
    assert good == []
    assert list(lost.values()) == [code]


def test_an_encrypted_multipart_is_said(tmp_path: Path) -> None:
    text = (
        b"From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\n"
        b"Content-Type: application/octet-stream; name=encrypted.asc\r\n\r\nxx\r\n--b--\r\n"
    )
    assert refused(saved(tmp_path, text)) == ([], {"part 1": "mail-encrypted"})


def test_a_damaged_archive_and_a_member_that_is_encrypted_are_refused(tmp_path: Path) -> None:
    whole = bytearray(archive({"A": b"1", "B": b"2"}))
    at = whole.index(b"PK\1\2")
    whole[at + 8] |= 1  # the flag of encryption (APPNOTE 4.4.4)
    made = message(("zip", archive({"C": NOISE})[:-30], {"name": "cut.zip"}), ("zip", bytes(whole), {"name": "2.zip"}))
    assert refused(saved(tmp_path, made)) == (["B"], {"cut.zip": "archive-refused", "A": "encrypted-member"})


def test_messages_in_messages_without_end_are_not_followed(tmp_path: Path) -> None:
    text = b"MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n" * 5000
    assert refused(saved(tmp_path, text))[1] == {"part 1": "mail-too-deep"}
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(5000)
    )
    assert set(refused(saved(tmp_path, b"MIME-Version: 1.0\r\n" + nested))[1].values()) == {"mail-too-deep"}


@pytest.mark.parametrize(
    "parameter", [b"boundary*0=a; boundary*=b", b'boundary="b"; boundary*1*=%', b"boundary*=a''", b"boundary"]
)
def test_headers_on_which_the_email_package_fails_say_nothing(tmp_path: Path, parameter: bytes) -> None:
    text = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; " + parameter + b"; name*0=x; name*=y\r\n\r\n--b\r\n"
    with MailTree(saved(tmp_path, text)) as tree:
        assert len([*tree.files(), *tree.lost]) == 1


def test_parts_without_headers_or_content_are_passed_over(tmp_path: Path) -> None:
    text = (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n\r\n--b\r\nno header"
        b'\r\n--b\r\nContent-Type: application/dicom; id="A"\r\n--b\r\n\r\ntext\r\n--b--\r\n--b\r\nafter\r\n'
    )
    assert held(saved(tmp_path, text)) == {"A": b""}


def test_a_boundary_that_begins_another_is_told_from_it(tmp_path: Path) -> None:
    text = (
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: multipart/mixed; boundary=b1\r\n\r\n"
        b'--b1\r\nContent-Type: application/dicom; id="A"\r\n\r\n--b2\r\n--b1--\r\n'
        b'--b\r\nContent-Type: application/dicom; id="B"\r\n\r\nx--b--\r\n--b--\r\n'
    )
    assert held(saved(tmp_path, text)) == {"A": b"--b2", "B": b"x--b--"}


_WHOLE = message(
    ("dicom", b"directory" * 50, {"id": "DICOMDIR"}),
    ("zip", archive({"A/B": NOISE[:500], "C": b""}), {"name": "DICOM.ZIP"}),
).as_bytes(policy=SMTP)


@settings(max_examples=150)
@given(
    st.integers(0, len(_WHOLE)), st.lists(st.tuples(st.integers(0, len(_WHOLE) - 1), st.integers(0, 255)), max_size=6)
)
def test_no_damage_makes_it_fail_or_hang(
    tmp_path_factory: pytest.TempPathFactory, length: int, flips: list[tuple[int, int]]
) -> None:
    text = bytearray(_WHOLE)
    for place, value in flips:
        text[place] = value
    path = tmp_path_factory.getbasetemp() / "damaged.eml"
    path.write_bytes(text[:length])
    try:
        tree = MailTree(str(path))
    except SourceUnreadable:
        return
    with tree:
        for file in tree.files():
            try:
                with tree.open(file.path) as stream:
                    read = len(stream.read())
                    # A damaged archive may promise more than it has, as one that is no attachment.
                    assert read == file.size or (file.name != "DICOMDIR" and read < file.size)
            except (SourceUnreadable, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError):
                continue  # of a damaged archive, as everywhere


# --- a source --------------------------------------------------------------------------------------------------------


def test_the_files_of_a_mail_are_sources(tmp_path: Path) -> None:
    made = message(
        ("dicom", NOISE, {"id": "DICOM/A", "name": "A.dcm"}),
        ("zip", archive({"DICOMDIR": b"d", "B": b"2", "inner.zip": archive({"x": b""})}), {"name": "x.zip"}),
        ("x", message(("dicom", b"", {})).as_bytes(), {"name": "other.eml"}),
        ("pkcs7-mime", b"", {"name": "smime.p7m"}),
    )
    saved(tmp_path, made)
    found = find_sources([str(tmp_path)])
    members = {source.member: source for source in found.files}
    assert set(members) == {"DICOM/A", "DICOMDIR", "B"}
    with open_source(members["DICOM/A"]) as stream:
        assert stream.read() == NOISE
    with open_source(members["B"]) as stream:
        assert stream.read() == b"2"
    rejected = {other.source.member: other.finding.code for other in found.others if other.outcome is Outcome.REJECTED}
    assert rejected == {"inner.zip": "nested-archive", "other.eml": "nested-archive", "smime.p7m": "mail-encrypted"}
    assert [(root.container, root.within) for root in found.trees] == [(Container.MAIL, ())]
