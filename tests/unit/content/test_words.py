"""Values as a person reads them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from mediacreator.content import words


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("Müller^Hans^Peter^Dr.^jr.", ("Müller, Hans Peter (Dr., jr.)",)),
        ("Muster", ("Muster",)),
        ("^Anna", ("Anna",)),
        ("Muster^^^^", ("Muster",)),
        ("^^^Dr.", ("Dr.",)),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", ("Yamada, Tarou", "山田 太郎", "やまだ たろう")),
        ("=山田^太郎", ("山田 太郎",)),
        ("a=b=c=d^e", ("a", "b", "c")),
        ("a^b^c^d^e^f^g", ("a, b c (d, e)",)),
        ("", ()),
        ("^=^=^", ()),
    ],
)
def test_person_names_are_readable(value: str, names: tuple[str, ...]) -> None:
    """PS3.5 6.2.1.2."""
    assert words.person_name(value) == names


@pytest.mark.parametrize(
    ("value", "said"),
    [("20260105", "2026-01-05"), ("2026.01.05", "2026-01-05"), ("2026", "2026"), ("", ""), ("<b>", "<b>")],
)
def test_dates_are_iso(value: str, said: str) -> None:
    assert words.date(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [("101500.123", "10:15"), ("10:15:00", "10:15"), ("10", ""), ("2599", ""), ("", "")]
)
def test_times_are_hours_and_minutes(value: str, said: str) -> None:
    assert words.time(value) == said


@pytest.mark.parametrize(
    ("text", "side"),
    [("محمد", "rtl"), ("(2) תמונה CT", "rtl"), ("CT تصوير", "ltr"), ("123", "ltr"), ("", "ltr"), ("山田", "ltr")],
)
def test_the_first_strong_character_gives_the_direction(text: str, side: str) -> None:
    assert words.direction(text) == side


def test_text_cannot_turn_its_surroundings_around() -> None:
    assert words.clean("a\u202eb\u2066c") == "a b c"


@given(st.text())
def test_clean_text_is_one_line_that_xml_may_hold(text: str) -> None:
    clean = words.clean(text)

    etree.Element("p").text = clean  # lxml refuses what XML 1.0 2.2 forbids
    assert clean == clean.strip()
    assert "\n" not in clean
    clean.encode("utf-8")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200), st.integers(4, 30))
def test_breaks_change_nothing_else_and_leave_no_long_run(text: str, longest: int) -> None:
    text = text.replace("\u200b", "")

    broken = words.breakable(text, longest)

    assert broken.replace("\u200b", "") == text
    narrow = re.sub("[\u1100-\ufffd\U00016fe0-\U0003fffd]", " ", broken)  # about what breaks by itself
    assert all(len(run) <= longest for run in re.split(r"[\s\u200b]+", narrow))


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("Institut für Radiologie", "Institut fuer Radiologie"),
        ("Ärzte–Straße", "Aerzte-Strasse"),
        ("A\u0308rzte", "Aerzte"),
        ("Hôpital Łódź Ørsted", "Hopital Lodz Oersted"),
        ("市立病院", ""),
        ("Klinik 市立", ""),
    ],
)
def test_ascii_spelling_is_whole_or_nothing(text: str, spelt: str) -> None:
    assert words.ascii_text(text) == spelt


@given(st.text())
def test_ascii_spelling_is_printable_ascii(text: str) -> None:
    spelt = words.ascii_text(text)

    assert spelt.isascii()
    assert not spelt or spelt.isprintable()


@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [(1, "IMAGE", "1 image"), (1200, "IMAGE", "1,200 images"), (2, "SURFACE SCAN", "2 surface scan objects")],
)
def test_instances_are_called_what_people_call_them(number: int, kind: str, said: str) -> None:
    assert words.counted(number, kind) == said
