"""README.TXT: IHE RAD TF-2 4.47 asks for it, and it must name nobody."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediacreator import __version__
from mediacreator.content.readme import readme_txt
from mediacreator.model import Study, VirusCheck, Volume
from mediacreator.settings import Contact, Institution, Settings, Texts
from tests.headers import header
from tests.volumes import ORIGIN, instance, patient, study, volume

SITE = Settings(
    institution=Institution(
        name="Klinikum Süd & Söhne",
        department="Radiologie",
        address=("Musterweg 1", "12345 Stadt"),
        phone="+49 555 0100",
        email="a@klinik.example",
        web="www.klinik.example",
    ),
    contact=Contact(name="Image desk", phone="+49 555 0123", hours="Mo-Fr 8-16"),
)


def medium(**attributes: str) -> Volume:
    return volume([patient([study([[instance(header(1, **attributes))]])])])  # type: ignore[arg-type]


def text(made: Volume, settings: Settings = SITE, placeholder_date: str = "", placeholder_time: str = "") -> str:
    file = readme_txt(
        made, "STD-GEN-CD", settings, ORIGIN, placeholder_date=placeholder_date, placeholder_time=placeholder_time
    )
    return file.data.decode("ascii")


def test_the_mark_of_a_check_for_viruses_stands_in_it_and_is_a_statement() -> None:
    """DRG 2.2.2."""
    assert "virus" not in text(medium())
    said = one_line(text(replace(medium(), virus_check=VirusCheck("2026-11-25", "Schützer 1.4"))))
    assert "Checked for viruses on 2026-11-25 with Schuetzer 1.4: so states who made this medium." in said
    unspelt = text(replace(medium(), virus_check=VirusCheck("2026-11-25", "守護" * 32)))
    assert "Checked for viruses on 2026-11-25: so states" in one_line(unspelt)
    longest = text(replace(medium(), virus_check=VirusCheck("2026-11-25", "x" * 64)))
    assert max(map(len, longest.splitlines())) <= 79


def one_line(said: str) -> str:
    return " ".join(said.split())


def test_it_says_what_ihe_asks_for() -> None:
    file = readme_txt(medium(), "STD-GEN-CD", SITE, ORIGIN)
    said = file.data.decode("ascii")

    assert file.path == ("README.TXT",)
    for line in (
        "Klinikum Sued & Soehne",
        "Radiologie",
        "Musterweg 1, 12345 Stadt",
        "Phone: +49 555 0100",
        "Image desk",
    ):
        assert f"   {line}\r\n" in said  # institution and contact, nothing escaped
    assert f"mediacreator {__version__}" in said  # the application and its version
    assert "Vendor:   mediacreator maintainers" in said
    for name in ("DICOMDIR", "DICOM/", "INDEX.HTM", "README.TXT", "RECEIPT.JSN", "STD-GEN-CD"):
        assert name in said  # how the medium is organised
    assert "If it does not open" in said
    assert "SHA-256" in said
    assert "what counts for diagnosis" in one_line(said)  # the disclaimer


def test_the_site_may_have_its_own_words() -> None:
    said = text(
        medium(), replace(SITE, texts=Texts(disclaimer="First.\nSecond für.", vendor_contact="help@vendor.example"))
    )

    assert said.endswith("   First.\r\n   Second fuer.\r\n")
    assert "help@vendor.example" in said
    assert "what counts for diagnosis" not in said


def test_words_without_ascii_spelling_give_way_to_ours() -> None:
    said = text(medium(), replace(SITE, texts=Texts(disclaimer="複製です")))

    assert "what counts for diagnosis" in one_line(said)


def test_an_institution_in_another_script_has_its_ascii_name_and_a_pointer() -> None:
    kanji = Institution(name="市立病院", ascii_name="City Hospital", department="放射線科", phone="1")

    said = text(medium(), Settings(institution=kanji))

    assert "   City Hospital\r\n   Phone: 1\r\n   (More in INDEX.HTM" in said


def test_an_unset_institution_is_stated() -> None:
    assert "Not stated. Please ask whoever gave you this medium." in text(medium(), Settings())


def test_a_medium_with_nothing_filled_in_has_no_such_section() -> None:
    said = text(medium())

    assert "filled in" not in said
    assert "5. How to check this medium" in said


def test_filled_in_values_are_named_by_keyword_only() -> None:
    made = volume(
        [
            patient(
                [study([[instance(header(1), filled=("InstanceNumber",))]], filled=("StudyID",))],
                filled=("PatientID",),
                PatientID=b"NOID0001",
            )
        ]
    )

    said = one_line(text(made))

    assert "in the file DICOMDIR only: InstanceNumber, PatientID, StudyID." in said
    assert "NOID0001" not in said
    assert "placeholder" not in said
    assert "6. How to check this medium" in said


def study_of(number: int, **filled: bytes) -> Study:
    return study([[instance(header(number, study=str(number)))]], filled=tuple(filled), **filled)


def test_a_placeholder_date_is_stated_and_called_no_date_of_an_examination() -> None:
    made = volume([patient([study_of(1, StudyDate=b"18000101", StudyTime=b"000000")])])

    said = one_line(text(made, placeholder_date="18000101", placeholder_time="000000"))

    assert "A date of 18000101 in the directory is a placeholder." in said
    assert "It is no date of an examination." in said
    assert "A time of 000000 in the directory may be a placeholder" in said
    assert "another image or series" not in said
    assert "filled them in" not in said


def test_a_placeholder_in_a_date_time_is_stated() -> None:
    one = instance(header(1), "SR DOCUMENT", ("VerificationDateTime",), VerificationDateTime=b"18000101000000")

    said = one_line(text(volume([patient([study([[one]])])]), placeholder_date="18000101"))

    assert "A date of 18000101" in said


def test_a_borrowed_date_is_explained_and_not_said() -> None:
    said = one_line(text(volume([patient([study_of(1, StudyDate=b"20250607")])]), placeholder_date="18000101"))

    assert "the directory has that of another image or series" in said
    assert "18000101" not in said
    assert "20250607" not in said


def test_every_note_may_stand_beside_the_others() -> None:
    known, unknown = study_of(1, StudyDate=b"20250607", StudyTime=b"000000"), study_of(2, StudyDate=b"18000101")
    made = volume([patient([known, unknown], filled=("PatientID",))])

    whole = text(made, placeholder_date="18000101", placeholder_time="000000")

    for words in ("DICOMDIR only: PatientID.", "another image or series", "A date of 18000101", "A time of 000000"):
        assert words in one_line(whole)
    assert "\r\n\r\n\r\n" not in whole


def test_a_medium_of_several_says_which_it_is() -> None:
    said = one_line(text(replace(medium(), number=2, of=3)))

    assert "This is medium 2 of 3." in said


@pytest.mark.parametrize(
    "settings", [SITE, Settings(), Settings(institution=Institution(name="x" * 300, department="y " * 300))]
)
def test_lines_end_with_cr_lf_and_fit_79_columns(settings: Settings) -> None:
    data = readme_txt(replace(medium(), of=2), "STD-GEN-CD", settings, ORIGIN).data

    assert data.count(b"\n") == data.count(b"\r\n") == data.count(b"\r")
    assert data.endswith(b"\r\n")
    lines = data.decode("ascii").split("\r\n")
    assert all(len(line) <= 79 for line in lines)
    assert all(line == line.rstrip() for line in lines)
    assert not re.search(r"\r\n\r\n\r\n", data.decode("ascii")), "two empty lines"


IDENTITY = ("PatientName", "PatientID", "StudyDescription", "AccessionNumber", "SeriesDescription", "StudyID")


@given(st.lists(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ^ ", min_size=12, max_size=40), min_size=6, max_size=6))
def test_it_names_nobody_whoever_the_patient_is(values: list[str]) -> None:
    """Nothing of the patient changes a byte of it, so nothing of the patient is in it."""
    made = medium(**dict(zip(IDENTITY, values, strict=True)), PatientBirthDate="19010203")

    assert readme_txt(made, "STD-GEN-CD", SITE, ORIGIN) == readme_txt(medium(), "STD-GEN-CD", SITE, ORIGIN)
