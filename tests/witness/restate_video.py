"""Restate what PS3.5 8.2.5 to 8.2.11 rule as facts, from its own HTML; see restate.py.

python -m tests.witness.restate_video FOLDER
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.witness.restate import HERE, Standard

PAGES = {f"8.2.{number}": f"part05/sect_8.2.{number}.html" for number in range(5, 12)}
SHALL = re.compile(r"\(([0-9A-F]{4}),([0-9A-F]{4})\) shall (?:always )?be (absent|[0-9A-Z_]+(?: or [0-9A-Z_]+)*)$")
TABLES = {
    "8-1": ("8.2.5", (4, 5, 2)),
    "8-3": ("8.2.6", (0, 1, 2, 4)),
    "8-4": ("8.2.7", (0, 1, 2, 4)),
    "8-8": ("8.2.8", (1, 2)),
}
"""Clause of each table, and the columns that are facts."""


def video_attributes(standard: Standard) -> Iterator[str]:
    """PS3.5 8.2.5 to 8.2.11: clause, tag, what its value shall be."""
    for clause, page in PAGES.items():
        for paragraph in standard.page(page).xpath("//p"):
            text = " ".join(paragraph.text_content().replace("\u200b", "").split())
            found = SHALL.search(text.split(". ")[0].rstrip("."))
            if found:
                yield f"{clause}\t{found[1]}{found[2]}\t{found[3]}"


def video_pictures(standard: Standard) -> Iterator[str]:
    """PS3.5 Tables 8-1, 8-3, 8-4: rows, columns, frame rates, scan. Table 8-8: stereo pairs, frame packing."""
    for number, (clause, columns) in TABLES.items():
        for cells in list(standard.table(PAGES[clause], number))[1:]:
            if len(cells) > max(columns):
                yield "\t".join((number, *(cells[column].strip(", ") for column in columns)))


def main(folder: str) -> None:
    standard = Standard(Path(folder))
    for facts in (video_attributes, video_pictures):
        assert facts.__doc__
        lines = [f"# {facts.__doc__.rstrip('.')}. 2024c, restated by restate_video.py", *facts(standard)]
        (HERE / f"{facts.__name__}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(facts.__name__, len(lines) - 1)


if __name__ == "__main__":
    main(sys.argv[1])
