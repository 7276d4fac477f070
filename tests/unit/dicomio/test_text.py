"""Text in every character set of the standard, as pydicom decodes it (PS3.5 Annexes H to K)."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.valuerep import PN_DELIMS

from mediacreator.dicomio.text import (
    _CODECS,
    decode_text,
    in_character_set,
    is_default_repertoire,
    readable_text,
    text_problem,
)

NAMES = {
    "ISO_IR 100": "Buc^Jérôme",
    "ISO_IR 101": "Wałęsa^Stanisław",
    "ISO_IR 109": "Ĥoro^Ŝaŭ",
    "ISO_IR 110": "Bērziņš^Jānis",
    "ISO_IR 144": "Люкceмбypг",
    "ISO_IR 127": "قباني^لنزار",
    "ISO_IR 126": "Διονυσιος",
    "ISO_IR 138": "שרון^דבורה",
    "ISO_IR 148": "Çavuşoğlu",
    "ISO_IR 203": "Œuvre^Ž€",
    "ISO_IR 166": "ทดสอบ",
    "ISO_IR 192": "Wang^XiaoDong=王^小東",
    "GB18030": "Wang^XiaoDong=王^小东",
    "GBK": "王^小东",
}


@pytest.mark.parametrize("term", NAMES)
def test_sets_without_extensions_are_decoded_as_pydicom_does(term: str) -> None:
    value = NAMES[term].encode(_CODECS[term])
    padded = value + b" " * (len(value) % 2)
    assert decode_text(padded, term.encode() + b" " * (len(term) % 2), "PN") == NAMES[term]
    if term != "ISO_IR 203":  # newer than pydicom 3.0.2 (PS3.3 C.12.1.1.2, Latin alphabet No. 9)
        assert decode_bytes(value, convert_encodings(term), PN_DELIMS) == NAMES[term]


def test_every_listed_set_is_tried() -> None:
    assert set(NAMES) | {"", "ISO_IR 6"} == set(_CODECS)


@pytest.mark.parametrize(
    ("value", "terms", "text"),
    [
        (
            b"Yamada^Tarou=\033$B;3ED\033(B^\033$BB@O:\033(B=\033$B$d$^$@\033(B^\033$B$?$m$&\033(B",
            rb"\ISO 2022 IR 87",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\033$B;3ED\033(J^\033$BB@O:\033(J=\033$B$d$^$@\033(J^\033$B$?$m$&\033(J",
            rb"ISO 2022 IR 13\ISO 2022 IR 87",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        ),
        (
            b"Hong^Gildong=\033$)C\xfb\xf3^\033$)C\xd1\xce\xd4\xd7=\033$)C\xc8\xab^\033$)C\xb1\xe6\xb5\xbf",
            rb"\ISO 2022 IR 149",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
    ],
    ids=["H.3.1", "H.3.2", "I.2"],
)
def test_the_examples_of_ps3_5(value: bytes, terms: bytes, text: str) -> None:
    assert decode_text(value, terms, "PN") == text


def test_nothing_stops_it() -> None:
    assert decode_text(b"\xff\xfe", b"ISO_IR 192") == "\ufffd\ufffd"
    assert decode_text(b"M\xfcller ", b"") == "Müller"
    assert decode_text(b"\x1b$B;3", b"NO SUCH SET", "PN")
    assert decode_text(b"\x1b", rb"\ISO 2022 IR 87") is not None


def test_ascii_with_an_escape_is_not_the_default_repertoire() -> None:
    assert is_default_repertoire(b"Plain^Name")
    assert not is_default_repertoire(b"\x1b(J")
    assert not is_default_repertoire("é".encode())


def test_ordinary_names_do_not_import_pydicom() -> None:
    code = (
        "import sys; from mediacreator.dicomio.text import decode_text;"
        "decode_text('Åsa'.encode('latin1'), b'ISO_IR 100'); sys.exit('pydicom' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# From one Data Set into another


@pytest.mark.parametrize("theirs", NAMES)
@pytest.mark.parametrize("ours", ["ISO_IR 192", "GB18030"])
def test_what_is_written_in_another_set_reads_the_same(theirs: str, ours: str) -> None:
    value = NAMES[theirs].encode(_CODECS[theirs])

    written = in_character_set(value, theirs.encode(), ours.encode(), "PN")

    assert written is not None
    assert len(written) % 2 == 0 or ours == theirs
    assert decode_text(written, ours.encode(), "PN") == NAMES[theirs]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("ISO_IR 126", "ISO_IR 100"),  # Greek
        ("ISO_IR 192", "ISO_IR 144"),
        ("ISO_IR 100", ""),
        ("ISO_IR 100", "ISO_IR 6"),
        ("ISO_IR 100", r"ISO 2022 IR 6\ISO 2022 IR 100"),  # no code extensions are written
        ("ISO_IR 100", "ISO_IR 999"),
    ],
)
def test_what_a_set_cannot_say_is_not_written(theirs: str, ours: str) -> None:
    value = NAMES[theirs].encode(_CODECS[theirs])

    assert in_character_set(value, theirs.encode(), ours.encode(), "PN") is None


def test_what_cannot_be_read_is_not_written() -> None:
    assert in_character_set(b"\xff\xfe", b"ISO_IR 192", b"ISO_IR 100") is None


def test_code_extensions_are_read() -> None:
    value = b"Yamada^Tarou=\033$B;3ED\033(B^\033$BB@O:\033(B"

    assert in_character_set(value, rb"\ISO 2022 IR 87", b"ISO_IR 192", "PN") == "Yamada^Tarou=山田^太郎".encode()


@pytest.mark.parametrize("ours", [b"", b"ISO_IR 192", rb"\ISO 2022 IR 87", b"ISO_IR 999"])
def test_plain_text_is_the_same_in_every_set(ours: bytes) -> None:
    assert in_character_set(b"St. Ann's ", b"ISO_IR 100", ours) == b"St. Ann's "


@pytest.mark.parametrize("both", [b"", rb"\ISO 2022 IR 87", b"ISO_IR 999"])
def test_in_the_same_set_a_value_stays_as_it_is(both: bytes) -> None:
    assert in_character_set(b"\xe9\x1b$B;3 ", both, both) == b"\xe9\x1b$B;3 "


def iso_2022_jp(text: str) -> bytes:
    """Each part with escape sequences of its own, back in ASCII before each delimiter (PS3.5 6.1.2.5.3)."""
    return b"".join(part.encode("iso2022_jp") for part in re.split(r"([\^=\\\\])", text))


def test_no_second_byte_is_taken_for_a_delimiter() -> None:
    """Bytes of =, ^ and backslash are halves of characters in every set of two bytes whose second byte may be ASCII."""
    found = 0
    for number in range(0x4E00, 0x9FFF):
        char = chr(number)
        name = f"A^B={char}^{char}子={char}"
        sets = {
            rb"\ISO 2022 IR 87": iso_2022_jp,
            b"GB18030 ": lambda t: t.encode("gb18030"),
            b"GBK": lambda t: t.encode("gbk"),
        }
        for terms, encode in sets.items():
            try:
                value = encode(name)
            except UnicodeEncodeError:
                continue
            halves = encode(char)
            if any(byte in halves for byte in b"=^\\"):
                found += 1
                assert decode_text(value, terms, "PN") == name
                assert text_problem(value, terms, "PN") == ""
    assert found > 500


@pytest.mark.parametrize("text", ["春田^春子", "十文字^表", "A=春=春^十"])
def test_japanese_names_with_an_equals_sign_in_a_byte(text: str) -> None:
    """\x1b$B=U is 春, and no component group ends in it."""
    value = iso_2022_jp(text)

    assert b"\x1b$B=" in value
    assert decode_text(value, rb"\ISO 2022 IR 87", "PN") == text
    assert decode_text(value.replace(b"\x1b(B", b"\x1b(J"), rb"ISO 2022 IR 13\ISO 2022 IR 87", "PN") == text


JAPANESE = b"Yamada^Tarou=\033$B;3ED\033(B^\033$BB@O:\033(B"
KOREAN = b"Hong^Gildong=\033$)C\xfb\xf3^\033$)C\xd1\xce\xd4\xd7"


@pytest.mark.parametrize(
    ("value", "terms", "problem", "readable"),
    [
        (b"Doe^Jane ", b"", "", "Doe^Jane"),
        ("Müller".encode("latin-1"), b"ISO_IR 100", "", "Müller"),
        ("Müller".encode(), b"ISO_IR 192", "", "Müller"),
        ("Müller".encode(), b"", "no-character-set", "Müller"),
        ("Müller".encode(), b"ISO_IR 6 ", "no-character-set", "Müller"),
        ("Müller".encode("latin-1"), b"", "no-character-set", "Müller"),
        ("Müller".encode(), b"ISO_IR 100", "other-character-set", "Müller"),
        ("Люкceмбypг".encode(), b"ISO_IR 144", "other-character-set", "Люкceмбypг"),
        ("Müller".encode(), b"UTF-8", "unknown-character-set", "Müller"),
        ("Müller".encode("latin-1"), b"ISO_IR 192", "undecodable-text", "M\N{REPLACEMENT CHARACTER}ller"),
        (b"O\x92Neill", b"ISO_IR 100", "undecodable-text", "O\x92Neill"),
        (b"\xa4\xff", b"ISO_IR 138", "undecodable-text", "¤\N{REPLACEMENT CHARACTER}"),
        ("王".encode(), b"GB18030 ", "undecodable-text", "王"),
        (JAPANESE, rb"\ISO 2022 IR 87", "", "Yamada^Tarou=山田^太郎"),
        (JAPANESE, b"", "no-character-set", "Yamada^Tarou=山田^太郎"),
        (KOREAN, b"ISO_IR 100", "undecodable-text", "Hong^Gildong=洪^吉洞"),
        (b"Z\xa4", b"ISO_IR 203", "", "Z€"),
        (b"Z\033-b\xa4", rb"\ISO 2022 IR 203", "", "Z€"),
        ("ﾔﾏﾀﾞ".encode("shift_jis"), b"ISO_IR 13 ", "", "ﾔﾏﾀﾞ"),
    ],
)
def test_text_that_contradicts_its_character_set_is_told_and_read_as_what_it_is(
    value: bytes, terms: bytes, problem: str, readable: str
) -> None:
    assert text_problem(value, terms, "PN") == problem
    assert readable_text(value, terms, "PN") == readable


@pytest.mark.parametrize("term", sorted(set(NAMES) - {"ISO_IR 192"}))
def test_text_in_its_declared_set_is_no_problem(term: str) -> None:
    """Nor is it taken for UTF-8."""
    value = NAMES[term].encode(_CODECS[term])
    assert text_problem(value, term.encode(), "PN") == ""
    assert readable_text(value, term.encode(), "PN") == NAMES[term]
