"""Labels as they come out of a printer: looked at as pictures, read by other programs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from mediacreator.errors import ToolMissing, UsageError
from mediacreator.labels import LAYOUTS, LabelFacts, draw_labels, fonts
from mediacreator.labels.drawing import _placed
from mediacreator.labels.facts import LabelPatient, LabelStudy
from mediacreator.labels.layouts import PAPERS
from tests.oracles import needs, run

WHEN = datetime(2026, 3, 1, tzinfo=UTC)
DPI = 100
RECEIPT = "2.25.139101913432168415875632031538075693997"


def facts(*names: str, studies: int = 1, text: str = "CT chest", language: str = "", **more: str) -> LabelFacts:
    return LabelFacts(
        patients=(LabelPatient(names, "TEST1", "1970-01-01"),),
        studies=tuple(LabelStudy(f"2026-03-{n:02}", "CT, MR, SR", text) for n in range(1, studies + 1)),
        institution=("Klinikum Beispielstadt", "Institut für Radiologie", "Musterweg 1", "12345 Beispielstadt"),
        contact=("Image desk", "+49 555 0123 (Mo-Fr 8-16)", "bilder@klinikum.example"),
        profile="STD-GEN-DVD-JPEG",
        content="DICOM ONLY",
        number="1 of 2",
        created="2026-03-01",
        label="DICOM_20260301",
        virus="2026-02-28 with ClamAV 1.4.1 of the radiology department, signatures 27000",
        qr=RECEIPT,
        language=language,
        **more,
    )


def draw(path: Path, label: LabelFacts, layout: str = "disc") -> Path:
    path.write_bytes(draw_labels([label], LAYOUTS[layout], created=WHEN))
    return path


def ink(pdf: Path) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return where the first page is not white, in pixels of ``DPI``."""
    run("pdftoppm", "-r", DPI, "-gray", "-singlefile", pdf, pdf.with_suffix(""))
    data = pdf.with_suffix(".pgm").read_bytes()
    found = re.match(rb"P5\s+(\d+)\s+(\d+)\s+255\s", data)
    assert found is not None
    width, height = int(found[1]), int(found[2])
    return np.frombuffer(data[found.end() :], np.uint8).reshape(height, width) < 200


HARD = facts(
    "Wolfeschlegelsteinhausenbergerdorff-von-und-zu-Langenname, Hubert Blaine Maximilian (Prof. Dr. med. habil.)",
    "ओंकारनाथ श्रीकृष्णन् น้ำทิพย์ Nguyễn Ấẫ",
    studies=30,
    text="Computertomographie des Thorax und des Abdomens mit Kontrastmittel, dreiphasig, mit Rekonstruktionen",
)


@needs("pdftoppm")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_ink_leaves_its_box(tmp_path: Path, layout: str) -> None:
    """Long names, marks above and below the letters, more studies than fit: seen in the picture of the page."""
    dark = ink(draw(tmp_path / "label.pdf", HARD, layout))
    allowed = np.zeros_like(dark)
    scale = DPI / 25.4
    height, width = (size / scale for size in dark.shape)
    for part, left, top in _placed(LAYOUTS[layout], width, height):
        seen = False
        for box in part.boxes:
            rows = slice(round((top + box.y - 0.3) * scale), round((top + box.y + box.height + 0.3) * scale))
            columns = slice(round((left + box.x - 0.3) * scale), round((left + box.x + box.width + 0.3) * scale))
            assert dark[rows, columns].any(), box
            allowed[rows, columns] = True
            seen = True
        assert seen
        if LAYOUTS[layout].on_sheet:  # the marks lie outside of the part
            inside = np.zeros_like(dark)
            inside[round(top * scale) : round((top + part.height) * scale)] = True
            columns = slice(round(left * scale), round((left + part.width) * scale))
            mask = np.ones_like(dark)
            mask[:, columns] = ~inside[:, columns]
            allowed |= mask
    assert not (dark & ~allowed).any()


SCRIPTS = ("山田 太郎", "やまだ たろう", "홍길동", "Дмитрий Ελένη", "สมชาย", "שלום כהן")


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six labels in one file, since opening the fonts costs more than drawing."""
    labels = [
        facts(*SCRIPTS, language="ja"),
        facts("محمد قباني"),
        facts("م\u200cح\u200cم\u200cد"),
        *(facts("直骨", language=language) for language in ("ja", "zh-Hans", "")),
    ]
    path = tmp_path_factory.mktemp("labels") / "label.pdf"
    path.write_bytes(draw_labels(labels, LAYOUTS["disc"], created=WHEN))
    return path


@needs("pdftoppm", "zbarimg")
def test_another_program_reads_the_qr_code(printed: Path, tmp_path: Path) -> None:
    run("pdftoppm", "-r", 200, "-png", "-singlefile", printed, tmp_path / "label")
    assert f"QR-Code:{RECEIPT}\n" in run("zbarimg", "--quiet", tmp_path / "label.png")


@needs("pdftotext", "pdffonts")
def test_another_program_reads_every_script(printed: Path) -> None:
    text = run("pdftotext", "-raw", "-l", 1, printed, "-")
    assert [word for name in SCRIPTS for word in name.split() if word not in text] == []
    for line in run("pdffonts", printed).splitlines()[2:]:
        assert line.split()[-5:-2] == ["yes", "yes", "yes"], line  # embedded, a subset, and with its letters


@needs("pdftotext")
def test_arabic_runs_from_right_to_left_and_its_letters_join(printed: Path) -> None:
    first, last = words(printed, 2)["محمد"], words(printed, 2)["قباني"]
    assert first[0] > last[1]  # the first word stands right of the second

    places = [place for word, place in words(printed, 3).items() if word[:1] == "م"]
    (apart,) = places
    assert first[1] - first[0] < apart[1] - apart[0]  # letters of their own are wider than joined ones


def words(pdf: Path, page: int) -> dict[str, tuple[float, float]]:
    """Return both ends of each word of a page; what runs from the right is told letter by letter from the left."""
    text = run("pdftotext", "-bbox", "-f", page, "-l", page, pdf, "-")
    found = re.findall(r'xMin="([\d.]+)".*? xMax="([\d.]+)".*?>([^<]*)</word>', text)
    return {word if word.isascii() else word[::-1]: (float(left), float(right)) for left, right, word in found}


@needs("pdftoppm")
def test_one_ideograph_is_drawn_as_its_language_has_it(printed: Path, tmp_path: Path) -> None:
    run("pdftoppm", "-r", DPI, "-gray", "-f", 4, "-l", 6, printed, tmp_path / "page")
    pages = [path.read_bytes() for path in sorted(tmp_path.glob("page*.pgm"))]
    assert len(pages) == len(set(pages)) == 3


@needs("pdfinfo")
def test_pages_have_their_size_and_number(tmp_path: Path) -> None:
    label = facts("Testperson, Tilda")
    for layout, paper, size in (("disc", "a4", (120, 120)), ("dvd", "letter", PAPERS["letter"][::-1])):
        data = draw_labels([label, label], LAYOUTS[layout], created=WHEN, paper=paper, copies=2)
        (tmp_path / "label.pdf").write_bytes(data)
        info = run("pdfinfo", tmp_path / "label.pdf")
        page = re.search(r"Page size:\s+([\d.]+) x ([\d.]+) pts", info)
        assert page is not None
        assert [round(float(points) * 25.4 / 72, 1) for points in page.groups()] == [float(mm) for mm in size]
        assert re.search(r"Pages:\s+4\b", info)
        assert "Testperson" not in info


def test_the_same_label_is_the_same_file() -> None:
    label = facts("Testperson, Tilda")
    first, second = (draw_labels([label], LAYOUTS["disc"], created=WHEN) for _ in range(2))
    assert first == second


def test_a_letter_that_no_font_has_is_not_drawn_as_a_box() -> None:
    with pytest.raises(UsageError, match=r"lack 1 letters.*cuneiform.*--font"):
        draw_labels([facts("𒀀")], LAYOUTS["disc"], created=WHEN)


def test_a_font_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "font.ttf").write_bytes(b"no font")
    with pytest.raises(UsageError, match=r"font\.ttf: no font"):
        draw_labels([facts("𒀀")], LAYOUTS["disc"], created=WHEN, fonts=[str(tmp_path / "font.ttf")])


def test_without_its_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "find_spec", lambda name: None)
    with pytest.raises(ToolMissing, match=r'pip install "mediacreator\[labels\]"'):
        draw_labels([facts("Testperson")], LAYOUTS["disc"], created=WHEN)
