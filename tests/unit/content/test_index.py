"""INDEX.HTM: what it says, and that nothing an image says can break it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from mediacreator.content import words
from mediacreator.content.index import index_htm
from mediacreator.model import Disposition, Missing, Outcome, VirusCheck, Volume
from mediacreator.settings import Contact, Institution, Settings, Texts
from tests.headers import header
from tests.volumes import ORIGIN, disposition, finding, instance, patient, study, volume

ROOT = Path(__file__).parent.parent.parent.parent
XHTML = "{http://www.w3.org/1999/xhtml}"
SITE = Settings(institution=Institution(name="Klinikum <Süd>", phone="1"), contact=Contact(name="Image desk"))


def medium(**attributes: str | bytes | None) -> Volume:
    return volume([patient([study([[instance(header(n, **attributes)) for n in (1, 2)]])])])  # type: ignore[arg-type]


def page(
    made: Volume,
    dispositions: tuple[Disposition, ...] = (),
    missing: tuple[Missing, ...] = (),
    settings: Settings = SITE,
    placeholder_date: str = "",
) -> etree._Element:
    """Return the page as a strict XML parser reads it."""
    file = index_htm(
        made,
        "STD-GEN-CD",
        settings,
        ORIGIN,
        dispositions=dispositions,
        missing=missing,
        placeholder_date=placeholder_date,
    )
    assert file.path == ("INDEX.HTM",)
    return etree.fromstring(file.data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def said(root: etree._Element) -> str:
    return " ".join("".join(str(part) for part in root.itertext()).replace("\u200b", "").split())


def rows(root: etree._Element) -> list[list[str]]:
    return [
        [" ".join(str(part) for part in cell.itertext()) for cell in row]
        for row in root.iter(f"{XHTML}tr")
        if row[0].tag == f"{XHTML}td"
    ]


def test_it_says_what_ihe_asks_for() -> None:
    root = page(medium(PatientName="Muster^Anna", SeriesDescription="Axial", StudyDescription="CT Kopf"))
    text = said(root)

    assert "Klinikum <Süd>" in text  # the institution
    assert "Confidential." in text  # the privacy note
    assert "1 patient, 1 study, 1 series, 2 images" in text
    assert "Muster, Anna" in text
    assert "Patient ID: P-1" in text
    assert "Date of birth: 1961-02-03" in text
    assert "2024-01-02 10:11, CT Kopf" in text
    assert rows(root) == [["1", "CT", "Axial", "2 images"]]
    assert "Everything listed above is in DICOM format and can be imported." in text
    assert "cannot be imported" in text
    assert "STD-GEN-CD" in text


def test_links_are_those_of_the_medium_exactly() -> None:
    links = [str(link.get("href")) for link in page(medium()).iter(f"{XHTML}a")]

    assert [link for link in links if not link.startswith("#")] == ["README.TXT", "RECEIPT.JSN"]


def test_links_inside_the_page_lead_somewhere() -> None:
    made = volume(
        [
            patient([study([[instance(header(n))]]) for n in (1, 2)]),
            patient([study([[instance(header(3))]])]),
        ]
    )
    root = page(made, (disposition(9),))
    ids = [str(one.get("id")) for one in root.iter() if one.get("id")]

    assert len(ids) == len(set(ids))
    inside = {str(link.get("href"))[1:] for link in root.iter(f"{XHTML}a") if str(link.get("href")).startswith("#")}
    assert inside <= set(ids)
    assert {"p1", "p2", "s1", "s2", "absent"} <= inside


def test_it_is_static_and_refers_to_nothing_outside() -> None:
    data = index_htm(medium(), "STD-GEN-CD", SITE, ORIGIN).data.decode()
    root = page(medium())

    assert not {"script", "style", "link", "img", "object", "iframe", "form"} & {
        etree.QName(one).localname for one in root.iter(tag=etree.Element)
    }
    assert not [name for one in root.iter() for name in one.attrib if str(name).startswith("on") or name == "style"]
    assert data.count("http") == 3  # doctype, namespace, http-equiv, nothing that a browser loads
    assert 'charset=UTF-8"' in data[:400]


def test_the_title_names_nobody() -> None:
    title = page(medium(PatientName="Muster^Anna")).find(f".//{XHTML}title")

    assert title is not None
    assert title.text == "Medical images on this medium"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou / 山田 太郎 / やまだ たろう"),
        ("Müller^Hans", "Müller, Hans"),
        ("Иванов^Иван", "Иванов, Иван"),
        ("", "Patient without a name"),
    ],
)
def test_names_of_any_script(name: str, shown: str) -> None:
    root = page(medium(PatientName=name.encode(), SpecificCharacterSet="ISO_IR 192"))

    headings = [said(one) for one in root.iter(f"{XHTML}h2")]
    assert shown in headings


def test_right_to_left_text_has_its_own_direction() -> None:
    """XHTML 1.0 Strict has no dir="auto": the direction is found here."""
    root = page(
        medium(PatientName="محمد^علي".encode(), SeriesDescription="صدر".encode(), SpecificCharacterSet="ISO_IR 192")
    )

    turned = [said(one) for one in root.iter() if one.get("dir") == "rtl"]
    assert turned == ["محمد, علي", "صدر"]


def test_names_in_iso_2022() -> None:
    """PS3.5 H.3.1, the example of the standard."""
    name = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"

    root = page(medium(PatientName=name, SpecificCharacterSet="\\ISO 2022 IR 87"))

    assert "Yamada, Tarou / 山田 太郎 / やまだ たろう" in said(root)


HOSTILE = '</td><script>alert(1)</script><b onclick="x">&amp;\x00\x07\x1b\u202e]]><!--'


DATES = ("PatientBirthDate", "StudyDate", "StudyTime", "SeriesDate")
TEXTS = ("PatientName", "PatientID", "PatientSex", "StudyDescription", "AccessionNumber", "InstitutionName")
CODES = ("SeriesNumber", "SeriesDescription", "Modality", "BodyPartExamined", "NumberOfFrames")


@pytest.mark.parametrize("keyword", [*DATES, *TEXTS, *CODES])
def test_markup_in_a_value_stays_text(keyword: str) -> None:
    plain, hostile = page(medium()), page(medium(**{keyword: HOSTILE.encode(), "SpecificCharacterSet": b"ISO_IR 192"}))

    tags = {one.tag for one in hostile.iter()}
    assert tags <= {one.tag for one in plain.iter()}
    assert not list(hostile.iter(etree.Comment))


def test_markup_in_settings_stays_text() -> None:
    texts = Texts(disclaimer="<script>d</script>", privacy="<script>p</script>")
    institution = Institution(name="<b>", department="]]>", address=("&amp;",), web='"><script>')
    root = page(medium(), settings=Settings(institution=institution, texts=texts))

    assert not list(root.iter(f"{XHTML}script"))
    assert "<script>d</script>" in said(root)
    assert "&amp;" in said(root)


@given(
    st.lists(st.binary(max_size=40), min_size=4, max_size=4), st.sampled_from(["", "ISO_IR 192", "ISO 2022 IR 87", "x"])
)
def test_whatever_the_bytes_the_page_is_well_formed(values: list[bytes], character_set: str) -> None:
    keywords = ("PatientName", "StudyDescription", "SeriesDescription", "StudyDate")

    page(medium(**dict(zip(keywords, values, strict=True)), SpecificCharacterSet=character_set))


def test_a_patient_id_is_never_broken_up() -> None:
    """It is copied into search fields."""
    long = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

    assert f">{long}<" in index_htm(medium(PatientID=long), "STD-GEN-CD", SITE, ORIGIN).data.decode()


def test_a_filled_in_patient_id_is_not_shown() -> None:
    one = patient([study([[instance(header(1))]])], filled=("PatientID",), PatientID=b"NOID0001")

    text = said(page(volume([one])))

    assert "Patient ID: none in the images" in text
    assert "NOID0001" not in text


def test_a_placeholder_date_is_shown_as_unknown() -> None:
    one = patient([study([[instance(header(1))]], filled=("StudyDate",), StudyDate=b"19000101")])

    text = said(page(volume([one]), placeholder_date="19000101"))

    assert "Date unknown, CT of the head" in text
    assert "1900" not in text


def test_a_borrowed_date_is_called_so() -> None:
    one = patient([study([[instance(header(1))]], filled=("StudyDate",), StudyDate=b"20250607")])

    text = said(page(volume([one]), placeholder_date="19000101"))

    assert "2025-06-07" in text
    assert "The study has no date of its own" in text


def test_a_real_date_that_equals_the_placeholder_is_shown() -> None:
    assert "1900-01-01" in said(page(medium(StudyDate="19000101"), placeholder_date="19000101"))


def test_the_date_of_a_series_stands_where_it_differs() -> None:
    same = [instance(header(1, SeriesDate="20240102"))]
    other = [instance(header(2, SeriesDate="20240103"))]

    assert rows(page(volume([patient([study([same])])])))[0] == ["1", "CT", "", "1 image"]
    assert [row[2] for row in rows(page(volume([patient([study([same, other])])])))] == ["", "2024-01-03"]


def test_of_many_series_the_first_are_listed_and_the_others_summed_up() -> None:
    """A table of 50,000 lines says nothing to a person, and a phone does not open it."""
    series = [[instance(header(n, Modality="CT" if n % 2 else "MR"))] for n in range(1, 201)]
    assert len(rows(page(volume([patient([study(series)])])))) == 200

    series += [[instance(header(n, Modality="PR"), "PRESENTATION")] for n in (201, 202)]
    series += [[instance(header(n)) for n in range(1000 * k, 1000 * k + 800)] for k in (1, 2)]
    root = page(volume([patient([study(series)])]))
    listed = rows(root)
    assert len(listed) == 201
    assert listed[-1] == [
        "",
        "CT, PR",
        "and 4 more series; the DICOMDIR lists every one",
        "1,600 images, 2 presentation states",
    ]
    assert said(root).count("204 series, 1,800 images, 2 presentation states") == 1


def test_kinds_and_frames_are_counted() -> None:
    images = [instance(header(1, NumberOfFrames="60"))]
    report = [instance(header(2, Modality="SR"), "SR DOCUMENT")]

    root = page(volume([patient([study([images, report])])], [instance(header(3), "HANGING PROTOCOL")]))

    assert [row[-1] for row in rows(root)] == ["1 image (60 frames)", "1 report"]
    assert "(of no patient: 1 hanging protocol object)" in said(root)


def test_what_is_absent_is_counted_with_its_reason_and_names_nobody() -> None:
    gone = (
        disposition(10),
        disposition(11),
        disposition(12, Outcome.FILTERED, "not-asked-for"),
        disposition(13, Outcome.NOT_DICOM, "not-dicom"),
    )
    lost = Missing("/media/Mueller/DICOMDIR", finding("file-missing", clause=""), "2.25.77")

    root = page(medium(), gone, (lost,))
    text = said(root)

    lacking = "should be on this medium and could not be put on it"

    assert rows(root)[1:] == [
        [
            "2",
            lacking,
            "the file is cut short (truncated pixel data, PS3.5 8.2)",
        ],
        ["1", lacking, "file missing"],
        ["1", "not part of what was ordered", "not asked for"],
        ["1", "not images", "not in DICOM format (not dicom)"],
    ]
    assert "This medium is not complete: 3 files could not be put on it." in text
    assert "5 files that were found when this medium was made have not been put on it" in text
    assert "sources" not in text
    assert "Mueller" not in text
    assert "2.25.77" not in text


def test_reasons_in_words_are_those_of_codes_that_there_are() -> None:
    listed = set(re.findall(r"^\| `([^`]+)`", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE))

    assert words.REASONS.keys() <= listed
    assert not [reason for reason in words.REASONS.values() if reason.endswith(".") or "-unusable" in reason]


def test_images_are_counted_first() -> None:
    made = volume([patient([study([[instance(header(1), "WAVEFORM")], [instance(header(n)) for n in (2, 3)]])])])

    assert "1 study, 2 series, 2 images, 1 waveform." in said(page(made))


@pytest.mark.parametrize(("hours", "zone"), [(0, "UTC"), (5.5, "UTC+05:30"), (-3, "UTC-03:00")])
def test_the_date_is_written_for_a_person(hours: float, zone: str) -> None:
    created = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=hours)))
    file = index_htm(medium(), "STD-GEN-CD", SITE, replace(ORIGIN, created=created))

    assert f"Made 2026-03-04 05:06 {zone} with" in file.data.decode()


def test_what_was_left_out_by_rule_does_not_make_it_incomplete() -> None:
    text = said(page(medium(), (disposition(10, Outcome.LEFT_OUT, "rejected-by-note"),)))

    assert "not complete" not in text
    assert "1 file that was found when this medium was made has not been put on it" in text


def test_nothing_absent_is_said() -> None:
    assert "Nothing that was to be put on this medium was left out" in said(page(medium()))


def test_one_of_several_media_says_so() -> None:
    assert "This is medium 2 of 3." in said(page(replace(medium(), number=2, of=3)))


def test_the_order_is_that_of_the_directory() -> None:
    made = volume([patient([study([[instance(header(n, SeriesNumber=str(n)))] for n in (3, 1, 2)])])])

    assert [row[0] for row in rows(page(made))] == ["3", "1", "2"]


def test_the_mark_of_a_check_for_viruses_stands_on_the_page() -> None:
    """DRG 2.2.2."""
    assert "virus" not in said(page(medium()))
    marked = page(replace(medium(), virus_check=VirusCheck("2026-11-25", "<b>&")))
    assert "Checked for viruses on 2026-11-25 with <b>&: so states who made this medium." in said(marked)
