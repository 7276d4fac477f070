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


class Standard:
    """The folder that holds the HTML."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.page = cache(self._page)

    def _page(self, name: str) -> html.HtmlElement:
        return html.fromstring((self.folder / name).read_bytes())

    def table(self, page: str, number: str) -> Iterator[list[str]]:
        """Yield the cells of each row of a table."""
        anchors = self.page(page).xpath(f'//a[@id="table_{number}"]')
        if not anchors:
            raise SystemExit(f"{page} has no table {number}")
        for row in anchors[0].xpath("following::table[1]//tr"):
            cells = [" ".join(cell.text_content().replace("\u200b", "").split()) for cell in row.xpath("./td|./th")]
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


def annex_d_keys(standard: Standard) -> Iterator[str]:
    """PS3.11 Table D.3-2: record type, path of tags, type."""
    parent = ""
    for cells in standard.table("part11/sect_D.3.3.html", "D.3-2"):
        tag = TAG.fullmatch(cells[1]) if len(cells) > 3 else None
        if tag:
            inner = cells[0].startswith(">")
            path = f"{parent}>{tag[1]}{tag[2]}" if inner else tag[1] + tag[2]
            parent = parent if inner else path
            yield f"{cells[2]}\t{path}\t{cells[3]}"


def main(folder: str) -> None:
    standard = Standard(Path(folder))
    for facts in (annex_f_keys, annex_f_tree, storage_classes, transfer_syntaxes, annex_d_keys):
        assert facts.__doc__
        lines = [f"# {facts.__doc__.rstrip('.')}. 2024c, restated by restate.py", *facts(standard)]
        (HERE / f"{facts.__name__}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(facts.__name__, len(lines) - 1)


if __name__ == "__main__":
    main(sys.argv[1])
