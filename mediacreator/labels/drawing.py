"""Draw labels as PDF: shaped by HarfBuzz, right to left where a script asks for it, at their true size."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mediacreator.labels.blocks import Block, blocks
from mediacreator.labels.facts import LabelFacts
from mediacreator.labels.fitting import Line, fit
from mediacreator.labels.fonts import fallbacks, require_packages, write_base_fonts
from mediacreator.labels.layouts import PAPERS, Box, Layout, Part

if TYPE_CHECKING:
    from fpdf import FPDF

_BASE = "base"
_GREY = 110
_MEASURED = 100.0  # points
_MARK = 4.0  # millimetres: length of a crop mark
_SPACE = 3.0  # between a part and its marks
_QUIET = 4  # modules around a QR code (ISO/IEC 18004 6.3.8)


def draw_labels(
    labels: Sequence[LabelFacts],
    layout: Layout,
    *,
    created: datetime,
    paper: str = "a4",
    copies: int = 1,
    fonts: Sequence[str] = (),
) -> bytes:
    """Return a PDF with a page for each label and copy.

    Args:
        labels: What they say.
        layout: Of ``LAYOUTS``.
        created: Stands in the PDF; aware.
        paper: Of ``PAPERS``; a disc is a page of its own size.
        copies: Of each.
        fonts: Paths of fonts of the site, for letters that ours lack.

    Raises:
        ToolMissing: The packages for labels are not installed.
        UsageError: A letter is in no font.
    """
    require_packages()
    with tempfile.TemporaryDirectory(prefix="mediacreator-") as folder:
        drawing = _Drawing(_pdf(layout, paper, created), labels, Path(folder), fonts)
        for facts in labels:
            for _ in range(copies):
                drawing.page(facts, layout)
        return drawing.finished()


def _pdf(layout: Layout, paper: str, created: datetime) -> FPDF:
    from fpdf import FPDF

    width, height = PAPERS[paper] if layout.on_sheet else (layout.parts[0].width, layout.parts[0].height)
    size = (height, width) if layout.landscape else (width, height)
    pdf = FPDF(unit="mm", format=size)
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.c_margin = 0
    pdf.set_creation_date(created)
    pdf.set_title("Label")  # of the file, where a name would travel
    pdf.set_producer("mediacreator")
    return pdf


class _Drawing:
    """A PDF with its fonts."""

    def __init__(self, pdf: FPDF, labels: Sequence[LabelFacts], folder: Path, fonts: Sequence[str]) -> None:
        self._pdf = pdf
        self._widths: dict[tuple[str, bool], float] = {}
        regular, bold = write_base_fonts(folder)
        pdf.add_font(_BASE, "", regular)
        pdf.add_font(_BASE, "B", bold)
        others = fallbacks((text for facts in labels for text in _texts(facts)), regular, fonts)
        names = [f"other{number}" for number in range(len(others))]
        for name, path in zip(names, others, strict=True):
            pdf.add_font(name, "", path)
        pdf.set_fallback_fonts(names, exact_match=False)

    def page(self, facts: LabelFacts, layout: Layout) -> None:
        """Draw one label."""
        pdf = self._pdf
        pdf.add_page()
        pdf.set_text_shaping(True, language=facts.language or None)
        self._widths.clear()  # another language may have other letters
        content = blocks(facts)
        for part, left, top in _placed(layout, pdf.w, pdf.h):
            if layout.on_sheet:
                self._marks(part, left, top)
            for box in part.boxes:
                if box.block == "qr":
                    self._qr(facts.qr, left + box.x, top + box.y, box.width)
                else:
                    self._block(content[box.block], box, left, top)
        if layout.on_sheet:
            self._hint(layout)

    def finished(self) -> bytes:
        """Return the whole file."""
        return bytes(self._pdf.output())

    def _measure(self, text: str, size: float, bold: bool) -> float:
        """Return how wide text is; shaping it once tells it for every size."""
        key = (text, bold)
        if key not in self._widths:
            self._pdf.set_font(_BASE, "B" if bold else "", _MEASURED)
            self._widths[key] = float(self._pdf.get_string_width(text))
        return self._widths[key] * size / _MEASURED

    def _block(self, block: Block, box: Box, left: float, top: float) -> None:
        """Draw a block; of a box that is turned, the text runs along its height."""
        pdf = self._pdf
        turned = box.turn in (90, 270)
        width, height = (box.height, box.width) if turned else (box.width, box.height)
        lines = fit(block, width, height, self._measure, box.scale)
        x, y = left + box.x, top + box.y
        if not turned:
            self._lines(lines, x, y, box, width, height)
            return
        middle_x, middle_y = x + box.width / 2, y + box.height / 2
        with pdf.rotation(box.turn, middle_x, middle_y):
            self._lines(lines, middle_x - width / 2, middle_y - height / 2, box, width, height)

    def _lines(self, lines: Sequence[Line], x: float, y: float, box: Box, width: float, height: float) -> None:
        used = sum(line.height for line in lines)
        y += (height - used) / 2 if box.middle else 0.0
        for line in lines:
            start = x + {"L": 0.0, "C": (width - line.width) / 2, "R": width - line.width}[box.align]
            if line.lead:
                self._text(line.lead, line, False, start, y + line.top, grey=True)
            self._text(line.text, line, line.bold, start + line.indent, y + line.top)

    def _text(self, text: str, line: Line, bold: bool, x: float, y: float, *, grey: bool = False) -> None:
        pdf = self._pdf
        pdf.set_font(_BASE, "B" if bold else "", line.size)
        pdf.set_text_color(_GREY if grey else 0)
        pdf.x, pdf.y = x, y  # set_xy() takes what lies left of the page, as turned text may, for the right margin
        pdf.cell(h=line.height, text=text)

    def _qr(self, text: str, x: float, y: float, width: float) -> None:
        """Draw a QR code with its quiet zone in a square."""
        import segno

        if not text:
            return
        rows = [bytes(row) for row in segno.make_qr(text, error="m").matrix]
        module = width / (len(rows) + 2 * _QUIET)
        self._pdf.set_fill_color(0)
        for down, row in enumerate(rows, _QUIET):
            for start, length in _runs(row):
                across = x + (start + _QUIET) * module
                self._pdf.rect(across, y + down * module, length * module, module, style="F")

    def _marks(self, part: Part, left: float, top: float) -> None:
        """Draw crop marks beside the corners, and marks where a fold is."""
        pdf = self._pdf
        pdf.set_draw_color(_GREY)
        pdf.set_line_width(0.1)
        right, bottom = left + part.width, top + part.height
        for x in (left, *(left + fold for fold in part.folds), right):
            pdf.line(x, top - _SPACE, x, top - _SPACE - _MARK)
            pdf.line(x, bottom + _SPACE, x, bottom + _SPACE + _MARK)
        for y in (top, bottom):
            pdf.line(left - _SPACE, y, left - _SPACE - _MARK, y)
            pdf.line(right + _SPACE, y, right + _SPACE + _MARK, y)

    def _hint(self, layout: Layout) -> None:
        pdf = self._pdf
        size = " and ".join(f"{part.name} {part.width:g} x {part.height:g} mm" for part in layout.parts)
        pdf.set_font(_BASE, "", 6)
        pdf.set_text_color(_GREY)
        pdf.set_xy(0, pdf.h - 6)
        pdf.cell(w=pdf.w, h=3, text=f"Print at 100 %, cut at the marks: {size}.", align="C")


def _placed(layout: Layout, width: float, height: float) -> Iterator[tuple[Part, float, float]]:
    """Yield each part with its left and top on the page: in the middle, one below the other."""
    if not layout.on_sheet:
        yield layout.parts[0], 0.0, 0.0
        return
    gap = (height - sum(part.height for part in layout.parts)) / (len(layout.parts) + 1)
    top = gap
    for part in layout.parts:
        yield part, (width - part.width) / 2, top
        top += part.height + gap


def _texts(facts: LabelFacts) -> Iterator[str]:
    for block in blocks(facts).values():
        for words in (words for item in block.items for words in item):
            yield from (words.text, words.lead)


def _runs(row: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and length of each run of dark modules."""
    start = None
    for place, dark in enumerate((*row, 0)):
        if dark and start is None:
            start = place
        elif not dark and start is not None:
            yield start, place - start
            start = None
