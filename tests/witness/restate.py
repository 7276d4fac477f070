"""Restate tables of the standard as facts, from its own HTML: record types, tags, types, UIDs; none of its text.

Run once for each edition; the result is committed, since the standard is not there in CI. The tables in
``mediacreator/tables`` are not read here: that is what makes the restatement a witness.

    python -m tests.witness.restate FOLDER    # FOLDER/part03/sect_F.5.html and so on, the "chtml" form of the standard
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lxml import html

HERE = Path(__file__).parent
ANNEX_F = [f"part03/sect_F.5.{number}.html" for number in range(2, 49)]
MACROS = {
    "10-12": "part03/sect_10.9.html",
    "10.9.3-1": "part03/sect_10.9.3.html",
    "10-11": "part03/sect_10.8.html",
    "C.17-3": "part03/sect_C.17.2.html",
    "C.17-3a": "part03/sect_C.17.2.html",
    "C.38.2-1": "part03/sect_C.38.2.html",
}
"""Macros that Annex F includes and whose rows are keys. Codes, persons, pixels and content items are taken whole."""

TAG = re.compile(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)")
UID = re.compile(r"1\.2\.840\.10008\.1\.2[.0-9]*")
MULTI_FRAME = re.compile(r"Multi-frame|(Sparse )?Multi-frame Functional Groups")


def text_of(cell: html.HtmlElement) -> str:
    """Return the text of a cell on one line."""
    return " ".join(cell.text_content().replace("\u200b", "").split())


class Standard:
    """The folder that holds the HTML."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.page = cache(self._page)

    def _page(self, name: str) -> html.HtmlElement:
        return html.fromstring((self.folder / name).read_bytes())

    def rows(self, page: str, number: str) -> list[html.HtmlElement]:
        """Return the rows of a table."""
        anchors = self.page(page).xpath(f'//a[@id="table_{number}"]')
        if not anchors:
            raise SystemExit(f"{page} has no table {number}")
        return list(anchors[0].xpath("following::table[1]//tr"))

    def table(self, page: str, number: str) -> Iterator[list[str]]:
        """Yield the cells of each row of a table."""
        for row in self.rows(page, number):
            cells = [text_of(cell) for cell in row.xpath("./td|./th")]
            if cells:
                yield cells

    def keys(self, page: str, number: str, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield path of tags and type of each attribute of a table, macros expanded."""
        stack: list[str] = []
        for cells in self.table(page, number):
            depth = len(cells[0]) - len(cells[0].lstrip(">"))
            stack = stack[:depth]
            macro = re.search(r"Include Table ([0-9A-Z.-]+[a-z]?)", cells[0])
            if macro and macro[1] in MACROS:
                yield from self.keys(MACROS[macro[1]], macro[1], above + tuple(stack))
            tag = TAG.fullmatch(cells[1]) if len(cells) > 2 else None
            if tag:
                stack.append(tag[1] + tag[2])
                yield above + tuple(stack), cells[2]


def record_name(page: html.HtmlElement) -> str:
    found = re.search(r'\(0004,1430\)\s+of\s+Value\s+"?([A-Z0-9 ]+?)"?\s*\.', " ".join(page.text_content().split()))
    return found[1] if found else ""


def annex_f_keys(standard: Standard) -> Iterator[str]:
    """PS3.3 F.5: record type, path of tags, type."""
    for number, name in enumerate(["part03/sect_F.5.html", *ANNEX_F], 1):
        page = standard.page(name)
        if "(Retired)" in page.xpath("//title/text()")[0]:
            continue
        record = record_name(page)
        assert record, name
        for path, kind in standard.keys(name, f"F.5-{number}"):
            yield f"{record}\t{'>'.join(path)}\t{kind}"


def annex_f_tree(standard: Standard) -> Iterator[str]:
    """PS3.3 Table F.4-1: parent, child."""
    for cells in standard.table("part03/sect_F.4.html", "F.4-1"):
        if len(cells) < 3 or cells[0] == "Directory Record Type":
            continue
        parent = "ROOT" if cells[0].startswith("(Root") else cells[0]
        for child in re.sub(r"\(.*\)", "", cells[2]).split(","):  # what is privately defined is no fact
            if child.strip():
                yield f"{parent}\t{child.strip()}"


def storage_classes(standard: Standard) -> Iterator[str]:
    """PS3.4 Tables B.5-1, B.6-1 and GG.3-1: table, UID, name."""
    for page, number in (("B.5", "B.5-1"), ("B.6", "B.6-1"), ("GG.3", "GG.3-1")):
        for cells in standard.table(f"part04/sect_{page}.html", number):
            if len(cells) > 1 and cells[1].startswith("1.2.840."):
                yield f"{number}\t{cells[1]}\t{cells[0]}"


def transfer_syntaxes(standard: Standard) -> Iterator[str]:
    """PS3.6 Table A-1: UID, whether retired."""
    for cells in standard.table("part06/chapter_A.html", "A-1"):
        if len(cells) > 3 and cells[3] == "Transfer Syntax":
            yield f"{cells[0]}\t{'retired' if '(Retired)' in cells[1] else 'current'}"


def multi_frame(standard: Standard) -> Iterator[str]:
    """PS3.4 Table B.5-1, PS3.3 A: UIDs whose IOD has the Multi-frame or a Multi-frame Functional Groups Module."""
    for row in standard.rows("part04/sect_B.5.html", "B.5-1"):
        cells = row.xpath("./td")
        links = cells[2].xpath(".//a/@href") if len(cells) > 2 else []
        if links and any(MULTI_FRAME.fullmatch(module) for module in iod_modules(standard, links[0])):
            yield text_of(cells[1])


def iod_modules(standard: Standard, link: str) -> Iterator[str]:
    """Names of the modules of an IOD."""
    section = link.split("/")[-1].split("#")[-1].removesuffix(".html").removeprefix("sect_")
    below = sorted((standard.folder / "part03").glob(f"sect_{section}.*.html"))
    for name in (link.removeprefix("../").split("#")[0], *(f"part03/{path.name}" for path in below)):
        tables = dict(module_tables(standard.page(name)))
        if len(tables) > 1:  # a page of several IODs
            tables = {n: modules for n, modules in tables.items() if re.match(rf"{re.escape(section)}[.-]", n)}
        for modules in tables.values():
            yield from modules
        if tables:
            return
    raise SystemExit(f"no modules of {link}")


def module_tables(page: html.HtmlElement) -> Iterator[tuple[str, list[str]]]:
    """Number of each IOD module table of a page, and its modules."""
    for table in page.xpath("//table[preceding::p[@class='title']]"):
        rows = [[text_of(cell) for cell in row.xpath("./td|./th")] for row in table.xpath(".//tr")]
        heading = text_of(table.xpath("preceding::p[@class='title'][1]")[0])
        number = re.match(r"Table (A[.0-9]+-[0-9]+[a-z]?)\.", heading)
        if number and rows and {"Module", "Usage"} <= {*rows[0]}:
            yield number[1], [cells[-3] for cells in rows if len(cells) > 2]


KEY_TABLES = {letter: f"part11/sect_{letter}.3.{4 if letter == 'E' else 3}.html" for letter in "ABDEHI"}


def profile_keys(standard: Standard) -> Iterator[str]:
    """PS3.11 Tables A.3-2, B.3-2, D.3-2, E.3-2, H.3-2 and I.3-2: table, record type, path of tags, type."""
    for letter, page in KEY_TABLES.items():
        parent = ""
        for cells in standard.table(page, f"{letter}.3-2"):
            tag = TAG.fullmatch(cells[1]) if len(cells) > 3 else None
            if tag:
                inner = cells[0].startswith(">")
                path = f"{parent}>{tag[1]}{tag[2]}" if inner else tag[1] + tag[2]
                parent = parent if inner else path
                for record in cells[2].split(" or "):
                    yield f"{letter}.3-2\t{record}\t{path}\t{cells[3]}"


def profile_identifiers(standard: Standard) -> Iterator[str]:
    """PS3.11 Tables X.1-1: annex, identifier; those of ultrasound with xxxx for the medium."""
    for letter in "ABCDEHIJKLMN":
        for cells in standard.table(f"part11/chapter_{letter}.html", f"{letter}.1-1"):
            yield from (f"{letter}\t{cell}" for cell in cells if re.fullmatch(r"STD(-[A-Z0-9]+)+(-xxxx)?", cell))


SOP_TABLES = {
    **{f"{letter}.3-1": f"part11/sect_{letter}.3.html" for letter in "ABCDEGHIJKLMN"},
    "L.3-2": "part11/sect_L.4.html",
}
REQUIREMENTS = {
    "Mandatory": "M",
    "Optional": "O",
    "Defined in Conformance Statement": "CS",
    "Undefined": "-",
}


def profile_objects(standard: Standard) -> Iterator[str]:
    """PS3.11 Tables X.3-1 and L.3-2: table, object, SOP Class, Transfer Syntax, requirement of FSC, FSR, FSU."""
    for number, page in SOP_TABLES.items():
        for cells in standard.table(page, number):
            uid = UID.search(" ".join(cells[2:4])) if len(cells) > 2 else None
            if uid or "Conformance" in cells[2]:
                sop_class = cells[1] if cells[1].startswith("1.2.") else "any"
                what = "multi-frame" if sop_class == "any" and cells[0].startswith("Multi-frame") else sop_class
                what += " dvd" if "for DVD" in cells[3] else ""
                what += " palette" if "Palette" in cells[0] else " grayscale" if "Grayscale)" in cells[0] else ""
                roles = [] if number == "C.3-1" else [_requirement(cell) for cell in cells[3:]]
                yield "\t".join([number, what, uid[0] if uid else "declared", *roles])


def _requirement(cell: str) -> str:
    """A word for what a role must do: M, O, CS, M* (for the SOP Classes of the statement), - (undefined)."""
    if cell.startswith("Mandatory for") and "Conformance Statement" in cell:
        return "M*"
    return REQUIREMENTS[cell.split(" for DVD")[0]]


VALUE_TABLES = {
    "A.3-3": "part11/sect_A.3.4.html",
    "B.3-3": "part11/sect_B.3.4.html",
    "B.3-4": "part11/sect_B.3.4.html",
    **{f"E.3-{number}": "part11/sect_E.3.4.html" for number in (3, 4, 5, 6)},
    "K.3-3": "part11/sect_K.3.4.html",
    "K.3-4": "part11/sect_K.3.4.2.html",
    "L.4-1": "part11/sect_L.4.5.html",
    "L.4-2": "part11/sect_L.4.5.html",
}


def profile_values(standard: Standard) -> Iterator[str]:
    """PS3.11 tables of attribute values and types: table, tag, the numbers and codes that the value names."""
    for number, page in VALUE_TABLES.items():
        for cells in standard.table(page, number):
            tag = TAG.fullmatch(cells[1]) if len(cells) == 3 else None
            if tag:
                named = TAG.sub("", cells[2]).replace("0000H", "0")
                for low, high in re.findall(r"(\d+) to (\d+)", named):
                    named = named.replace(f"{low} to {high}", " ".join(map(str, range(int(low), int(high) + 1))))
                values = re.findall(r"\b(?:\d+|[A-Z][A-Z0-9]+(?: COLOR)?)\b", named)
                yield f"{number}\t{tag[1]}{tag[2]}\t{' '.join(dict.fromkeys(values))}"


def pairings(standard: Standard) -> Iterator[str]:
    """PS3.11 Table C.3-2: Photometric Interpretation, Transfer Syntax."""
    for cells in standard.table("part11/sect_C.3.html", "C.3-2"):
        for uid in UID.findall(cells[2]) if len(cells) == 3 else ():
            yield f"{cells[0]}\t{uid}"


FACTS = (
    annex_f_keys,
    annex_f_tree,
    storage_classes,
    transfer_syntaxes,
    multi_frame,
    profile_identifiers,
    profile_objects,
    pairings,
    profile_keys,
    profile_values,
)


def main(folder: str) -> None:
    standard = Standard(Path(folder))
    for facts in FACTS:
        assert facts.__doc__
        lines = [f"# {facts.__doc__.rstrip('.')}. 2024c, restated by restate.py", *facts(standard)]
        (HERE / f"{facts.__name__}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(facts.__name__, len(lines) - 1)


if __name__ == "__main__":
    main(sys.argv[1])
