"""What fits a medium and what does not, to the byte."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from mediacreator.errors import MediaTooSmall
from mediacreator.forms import FORMS, check_capacity, form_for, large_mails, too_large_for
from mediacreator.image import DiscFile
from mediacreator.layout import lay_out
from mediacreator.model import Silent
from mediacreator.rules.claim import Claim, load_claim
from mediacreator.rules.tables import media_formats
from mediacreator.settings import Mail, Settings
from tests.discs import CREATED
from tests.unit.layout.test_layout import content_of, encoded
from tests.volumes import ORIGIN

CD = media_formats()["cd_r"]


def test_the_last_byte_of_the_medium_may_be_used_and_not_one_more() -> None:
    check_capacity(CD, CD.capacity)
    with pytest.raises(MediaTooSmall, match=r"1 byte is too many") as caught:
        check_capacity(CD, CD.capacity + 1)
    assert f"{CD.capacity:,}" in str(caught.value)
    with pytest.raises(MediaTooSmall, match=r"2 bytes are too many"):
        check_capacity(CD, CD.capacity + 2)


def test_every_medium_that_would_hold_it_is_named_the_smallest_first() -> None:
    """Not only DVD-RAM, which nobody has, since it comes first in the table."""
    with pytest.raises(MediaTooSmall, match="DVD-RAM, 120 mm DVD other than DVD-RAM, 120 mm BD, or a folder"):
        check_capacity(CD, CD.capacity + 1)
    with pytest.raises(MediaTooSmall, match="It would fit 120 mm BD, or a folder"):
        check_capacity(CD, 10**10)


def test_what_fits_nothing_fits_a_folder() -> None:
    with pytest.raises(MediaTooSmall, match="It would fit a folder"):
        check_capacity(CD, 10**12)


def test_a_medium_without_a_limit_has_none() -> None:
    check_capacity(media_formats()["folder"], 10**15)


def test_a_folder_that_no_cd_holds_is_noted() -> None:
    content, instances = content_of([[[1]]])
    volume = lay_out(content, instances, file_set_id="", file_set_uid="2.25.1")
    assert too_large_for(CD, [volume]) == ()
    (finding,) = too_large_for(
        replace(CD, capacity=9),
        [
            volume,
        ],
    )
    assert finding.code == "larger-than-medium"
    assert encoded(1).size == 10


def test_every_writer_that_the_table_names_exists() -> None:
    chosen = {"dvd_udf", "udf_2_50"}  # by who asks for UDF on a DVD, or for a BD-RE
    assert {medium.writer for medium in media_formats().values()} - {""} == set(FORMS) - chosen


def test_a_dvd_has_udf_only_where_a_file_or_a_person_asks_for_it() -> None:
    """PS3.12 P.2: ISO 9660 level 1 is what every system shows alike, and it records no file of 4 GiB."""
    small, large = (DiscFile(("A",), size, CREATED, late=lambda _: b"") for size in (2**32 - 1, 2**32))
    assert FORMS["dvd"].size([small]) == FORMS["iso9660"].size([small])
    assert FORMS["dvd"].size([small, replace(large, path=("B",))]) == FORMS["dvd_udf"].size(
        [small, replace(large, path=("B",))]
    )
    assert FORMS["dvd_udf"].size([small]) > FORMS["dvd"].size([small])
    with pytest.raises(MediaTooSmall):
        FORMS["iso9660"].size([large])


# --- mails -----------------------------------------------------------------------------------------------------------


def mail(identifier: str, folder: Path, settings: Settings) -> EmailMessage:
    files = (DiscFile.of_bytes(("DICOMDIR",), b"directory", ORIGIN.created),)
    content, instances = content_of([[[1]]])
    volume = lay_out(content, instances, file_set_id="", file_set_uid="2.25.1")
    form = form_for(load_claim(identifier), settings)
    path = str(folder / "mail.eml")
    image = form.write(path, volume, files, ORIGIN.created, Silent(), 1)
    assert image.size <= form.size(files)
    message = email.message_from_bytes(Path(path).read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize(
    ("identifier", "subject"),
    [("STD-GEN-ZIP-MAIL", "DICOM-ZIP Beispielstadt"), ("STD-GEN-MIME", "DICOM Beispielstadt")],
)
def test_a_mail_has_what_profile_and_site_want(tmp_path: Path, identifier: str, subject: str) -> None:
    site = Mail("Radiology <r@hospital.example>", "a@b.example, c@d.example", "Beispielstadt")
    message = mail(identifier, tmp_path, Settings(mail=site))
    found = (message["from"], message["to"], message["subject"])
    assert found == ("Radiology <r@hospital.example>", "a@b.example, c@d.example", subject)


def test_what_the_profile_says_of_a_mail_comes_from_its_file(tmp_path: Path) -> None:
    claim = load_claim("STD-GEN-ZIP-MAIL")
    other = replace(claim.profiles[0], transport={**claim.profiles[0].transport, "subject_contains": "OTHER"})
    form = form_for(Claim((other,)), Settings())
    files = (DiscFile.of_bytes(("A",), b"", ORIGIN.created),)
    content, instances = content_of([[[1]]])
    volume = lay_out(content, instances, file_set_id="", file_set_uid="2.25.1")
    form.write(str(tmp_path / "x.eml"), volume, files, ORIGIN.created, Silent(), 1)
    assert b"Subject: OTHER\r\n" in (tmp_path / "x.eml").read_bytes()


def test_forms_that_are_no_mails_are_those_of_the_table() -> None:
    assert form_for(load_claim("STD-GEN-CD"), Settings()) is FORMS["iso9660"]


def test_a_mail_that_servers_may_not_take_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    content, instances = content_of([[[1]]])
    volume = lay_out(content, instances, file_set_id="", file_set_uid="2.25.1")
    by_mail = media_formats()["zip_mail"]
    assert large_mails(by_mail, [volume]) == ()
    monkeypatch.setattr("mediacreator.forms._MAIL_SIZE", 9)
    (finding,) = large_mails(by_mail, [volume])
    assert (finding.code, finding.what) == ("mail-large", "its mail has up to 18 bytes")
    assert large_mails(media_formats()["cd_r"], [volume]) == ()
