"""Text in every character set of PS3.5 Annexes H to K and PS3.3 C.12.1.1.2: from instance to record to listing.

Each instance is written with raw bytes, put on a medium by ``create``, and listed. DCMTK's dcmdump, which converts with
iconv, is the witness for what stands in the DICOMDIR.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from mediacreator import CreateRequest, SelectionRequest, create
from mediacreator.cli.list import command
from mediacreator.dicomio.walker import walk
from tests.dicomdirs import CT, element, file_meta
from tests.oracles import needs, run
from tests.unit.dicomio.test_text import iso_2022_jp

ESC = b"\x1b"
KOREAN, CHINESE = ESC + b"$)C", ESC + b"$)A"


def g1(escape: bytes, codec: str, text: str) -> bytes:
    """Each part beyond ASCII after the escape sequence of its set, which a delimiter takes back (PS3.5 6.1.2.5.3)."""
    parts = re.split(r"([\^=\\])", text)
    return b"".join(part.encode("ascii") if part.isascii() else escape + part.encode(codec) for part in parts)


# terms, bytes of a name, and what it reads
CASES: dict[str, tuple[bytes, bytes, str]] = {
    **{
        term: (term.encode(), name.encode(codec), name)
        for term, codec, name in (
            ("ISO_IR 100", "latin_1", "Buc^Jérôme"),
            ("ISO_IR 101", "iso8859_2", "Wałęsa^Stanisław"),
            ("ISO_IR 109", "iso8859_3", "Ĥoro^Ŝaŭ"),
            ("ISO_IR 110", "iso8859_4", "Bērziņš^Jānis"),
            ("ISO_IR 144", "iso8859_5", "Люкceмбypг"),
            ("ISO_IR 127", "iso8859_6", "قباني^لنزار"),
            ("ISO_IR 126", "iso8859_7", "Διονυσιος"),
            ("ISO_IR 138", "iso8859_8", "שרון^דבורה"),
            ("ISO_IR 148", "iso8859_9", "Çavuşoğlu^Gülşen"),
            ("ISO_IR 203", "iso8859_15", "Œuvre^Ž€"),
            ("ISO_IR 166", "iso8859_11", "ทดสอบ^ชื่อ"),
            ("ISO_IR 13", "shift_jis", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
            ("ISO_IR 192", "utf_8", "Wang^XiaoDong=王^小東"),
            ("GB18030", "gb18030", "Wang^XiaoDong=王^小东"),
            ("GBK", "gbk", "Wang^XiaoDong=王^小东"),
        )
    },
    "H.3.1": (
        rb"\ISO 2022 IR 87",
        iso_2022_jp("Yamada^Tarou=山田^太郎=やまだ^たろう"),
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    "H.3.2": (
        rb"ISO 2022 IR 13\ISO 2022 IR 87",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=".encode("shift_jis") + iso_2022_jp("山田^太郎=やまだ^たろう").replace(b"\x1b(B", b"\x1b(J"),
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    "I.2": (
        rb"\ISO 2022 IR 149",
        g1(KOREAN, "euc_kr", "Hong^Gildong=洪^吉洞=홍^길동"),
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    "J.3 in UTF-8, three scripts": (
        b"ISO_IR 192",
        "Wang^XiaoDong=王^小東=Ван^Сяо".encode(),
        "Wang^XiaoDong=王^小東=Ван^Сяо",
    ),
    "K.2": (
        rb"\ISO 2022 IR 58",
        g1(CHINESE, "gb2312", "Zhang^XiaoDong=张^小东"),
        "Zhang^XiaoDong=张^小东",
    ),
    "JIS X 0212": (rb"\ISO 2022 IR 87\ISO 2022 IR 159", b"Honda=" + "丂^鷗".encode("iso2022_jp_2"), "Honda=丂^鷗"),
    "Latin and Cyrillic, switched": (
        rb"ISO 2022 IR 100\ISO 2022 IR 144",
        "Müller^".encode("latin_1") + ESC + b"-L" + "Иван".encode("iso8859_5"),
        "Müller^Иван",
    ),
    "Greek and Hebrew, switched": (
        rb"ISO 2022 IR 126\ISO 2022 IR 138",
        "Διον^".encode("iso8859_7") + ESC + b"-H" + "שרון".encode("iso8859_8"),
        "Διον^שרון",
    ),
    "Thai, switched": (
        rb"ISO 2022 IR 6\ISO 2022 IR 166",
        b"Test^" + ESC + b"-T" + "ทดสอบ".encode("iso8859_11"),
        "Test^ทดสอบ",
    ),
    "= in a byte": (
        rb"\ISO 2022 IR 87",
        iso_2022_jp("Haruta^Haruko=春田^春子=はるた^はるこ"),
        "Haruta^Haruko=春田^春子=はるた^はるこ",
    ),
    "^ and backslash in a byte, JIS": (rb"\ISO 2022 IR 87", iso_2022_jp("A^B=十文字^能表"), "A^B=十文字^能表"),
    "^ and backslash in a byte, GBK": (b"GBK", "A^B=乗^俓".encode("gbk"), "A^B=乗^俓"),
    "^ and backslash in a byte, GB18030": (b"GB18030", "A^B=昞^梊".encode("gb18030"), "A^B=昞^梊"),
}
UNKNOWN_TO_DCMTK = {
    label for label, (terms, _, __) in CASES.items() if re.search(rb"IR 87|IR 159|IR 203|IR_203", terms)
}
"""ISO_IR 203 is newer, and glibc's iconv has no plain JIS X 0208, which DCMTK 3.6.7 asks it for."""
ISO_2022_JP = [label for label, (terms, _, __) in CASES.items() if terms == rb"\ISO 2022 IR 87"]


def padded(value: bytes) -> bytes:
    return value + b" " * (len(value) % 2)


def instance(number: int, terms: bytes, name: bytes) -> bytes:
    """A CT slice of one pixel, with name and study description as these bytes."""
    uid = b"2.25.900.%d" % number
    values = (
        (0x00080005, b"CS", terms),
        (0x00080008, b"CS", rb"ORIGINAL\PRIMARY\AXIAL"),
        (0x00080016, b"UI", CT),
        (0x00080018, b"UI", uid),
        (0x00080020, b"DA", b"20260301"),
        (0x00080030, b"TM", b"101112"),
        (0x00080050, b"SH", b""),
        (0x00080060, b"CS", b"CT"),
        (0x00081030, b"LO", name),
        (0x00100010, b"PN", name),
        (0x00100020, b"LO", b"SET%02d" % number),
        (0x0020000D, b"UI", b"2.25.901.%d" % number),
        (0x0020000E, b"UI", b"2.25.902.%d" % number),
        (0x00200010, b"SH", b"1"),
        (0x00200011, b"IS", b"1"),
        (0x00200013, b"IS", b"1"),
        (0x00280002, b"US", b"\1\0"),
        (0x00280004, b"CS", b"MONOCHROME2"),
        (0x00280010, b"US", b"\1\0"),
        (0x00280011, b"US", b"\1\0"),
        (0x00280100, b"US", b"\x10\0"),
        (0x00280101, b"US", b"\x0c\0"),
        (0x00280102, b"US", b"\x0b\0"),
        (0x00280103, b"US", b"\0\0"),
        (0x7FE00010, b"OW", b"\0\0"),
    )
    return file_meta(CT, uid) + b"".join(element(*value) for value in values)


@pytest.fixture(scope="module")
def medium(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One instance of a patient of its own in each character set."""
    root = tmp_path_factory.mktemp("sets")
    (root / "source").mkdir()
    for number, (terms, name, _) in enumerate(CASES.values(), 1):
        (root / "source" / f"{number}.dcm").write_bytes(instance(number, terms, name))
    receipt = create(
        CreateRequest((str(root / "source"),), f"{root}/disc/", selection=SelectionRequest(multi_patient=True))
    )
    assert receipt.counts.written == len(CASES)
    return root / "disc"


def test_every_name_is_listed_as_it_was_written(medium: Path) -> None:
    result = CliRunner().invoke(command, [str(medium), "--check", "--json"])
    document = json.loads(result.stdout)
    listed = {patient["id"]: patient for patient in document["patients"]}

    for number, (label, (_, __, name)) in enumerate(CASES.items(), 1):
        patient = listed[f"SET{number:02}"]
        assert patient["name"] == name, label
        assert patient["studies"][0]["description"] == name, label
    assert (result.exit_code, document["findings"]) == (0, [])


def test_records_hold_the_bytes_and_the_terms_of_the_instances(medium: Path) -> None:
    directory = walk((medium / "DICOMDIR").read_bytes())
    patients = {record.text(0x00100020): record.values for record in directory.records if record.type == "PATIENT"}

    for number, (terms, name, _) in enumerate(CASES.values(), 1):
        values = patients[f"SET{number:02}"]
        assert (values[0x00080005], values[0x00100010]) == (padded(terms), padded(name))


@needs("dcmdump")
@pytest.mark.parametrize("label", CASES)
def test_dcmdump_reads_the_same_name(label: str, tmp_path: Path) -> None:
    """In the instance: the record has the same bytes and terms, and one set that DCMTK lacks would stop it there."""
    terms, name, text = CASES[label]
    (tmp_path / "one.dcm").write_bytes(instance(1, terms, name))
    dump = run("dcmdump", "+U8", "+L", "-q", tmp_path / "one.dcm", rc=None)
    found = re.search(r"\(0010,0010\) PN \[(.*?)\] +#", dump)

    assert (found[1] if found else "") == ("" if label in UNKNOWN_TO_DCMTK else text)


@needs("iconv")
@pytest.mark.parametrize("label", ISO_2022_JP)
def test_iconv_reads_the_same_japanese_name(label: str) -> None:
    """ISO-IR 87 with ASCII is what mail calls ISO-2022-JP."""
    _, name, text = CASES[label]
    done = subprocess.run(["iconv", "-f", "ISO-2022-JP", "-t", "UTF-8"], input=name, capture_output=True, check=True)

    assert done.stdout.decode() == text
