"""docs/errors.md lists every code of a Finding and every exit code, and no other.

Collected from the syntax trees of mediacreator/**/*.py:

- every string constant in the shape of a code (two words or more, joined with hyphens): the codes of tables, of values
  that become Findings later and of wrappers are found whatever passes them on. What has the shape and is no code stands
  in NO_CODES, and must exist, so that the list does not rot;
- the code given to ``Finding`` and to what passes one on (CALLS): these may be one word;
- codes that are put together from parts: their shape, spelled out in BUILT.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from mediacreator import medium_compare, medium_verify
from mediacreator.dicomio.walker_findings import ROWS
from mediacreator.errors import ExitCode
from mediacreator.rules.tables import rejecting_codes
from mediacreator.scan import findings as scan_findings
from mediacreator.select import admission
from mediacreator.suiting.rows import file_system_rows
from mediacreator.validate import rows as validate_rows

ROOT = Path(__file__).parent.parent.parent
CODE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
NO_CODES = frozenset(
    (
        *("utf-8", "utf-8-sig", "latin-1", "utf-16-be"),
        *("jpeg-2000", "jpeg-ls", "jpeg-xl", "implicit-le", "explicit-be"),  # columns of transfer_syntaxes.csv
        *("mediacreator-hash", "mediacreator-verify", "mediacreator-write", "mediacreator-writer"),  # threads
        *("sop-instance-uid", "study-instance-uid", "series-instance-uid"),  # parts of BUILT
        "quoted-printable",  # an encoding of mail
        "no-space",  # becomes NoSpace, exit code 3
        "write-usb",  # a command
    )
)
CALLS = {  # position of the code among the arguments
    **dict.fromkeys(("Finding", "Refusal", "Remark", "Flaw", "finding", "_finding", "refusal"), 0),
    **dict.fromkeys(("note", "_note", "report", "_report", "_note_again", "_ask_between"), 0),
    **dict.fromkeys(("Failed", "_unreadable", "_ask"), 1),
    "_reject": 2,
}
BUILT = {
    "{}-unusable": {f"{name}-unusable" for name in admission._KEBAB.values()},
    "{}-attributes-differ": {"study-attributes-differ", "series-attributes-differ"},
}
_ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \| (.*?) \| (.*?) \|(?: (.*?))? \|$", re.MULTILINE)


def _given(call: ast.Call) -> Iterator[ast.expr]:
    """Yield what is given as code to a call that takes one."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in CALLS:
        yield from call.args[CALLS[name] : CALLS[name] + 1]
        yield from (keyword.value for keyword in call.keywords if keyword.arg == "code")


def _shape(text: ast.JoinedStr) -> str:
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in text.values)


def _codes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "-" in node.value:
            yield node.value
        if isinstance(node, ast.Call):
            for code in _given(node):
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    yield code.value
                if isinstance(code, ast.JoinedStr):
                    yield from BUILT[_shape(code)]  # KeyError: spell out there what it is put together to


@cache
def words() -> frozenset[str]:
    """Return everything in the source that has the shape of a code, and the codes of the table of file systems."""
    files = (ROOT / "mediacreator").rglob("*.py")
    found = {code for file in files for code in _codes(ast.parse(file.read_text()))}
    found |= {row.code for row in file_system_rows()}
    return frozenset(filter(CODE.fullmatch, found))


def page() -> str:
    return (ROOT / "docs" / "errors.md").read_text()


def rows() -> dict[str, tuple[str, ...]]:
    """Return severity and outcome, meaning, remedy and clause of each code on the page."""
    return {code: cells for code, *cells in map(re.Match.groups, _ROW.finditer(page()))}  # type: ignore[misc]


def test_the_page_lists_every_code_of_the_source() -> None:
    assert words() - NO_CODES - rows().keys() == set()


def test_the_page_lists_no_code_that_the_source_lacks() -> None:
    assert rows().keys() - (words() - NO_CODES) == set()


def test_what_is_no_code_is_still_in_the_source() -> None:
    assert words() >= NO_CODES


def test_the_page_lists_each_code_once() -> None:
    lines = re.findall(r"^\| `([a-z0-9-]+)` \| (?:error|warning|note)", page(), re.MULTILINE)
    assert sorted(lines) == sorted(rows())


def test_each_row_says_what_it_means_and_what_to_do() -> None:
    for code, (severity, meaning, remedy, _) in rows().items():
        assert re.match(r"(error|warning|note)\b", severity), code
        assert meaning.endswith("."), code
        assert remedy.endswith("."), code


@pytest.mark.parametrize("table", [ROWS, medium_verify._ROWS, medium_compare._ROWS, validate_rows.ROWS])
def test_severities_and_clauses_are_those_of_the_tables(table: dict[str, tuple[object, str, str, str]]) -> None:
    listed = rows()
    for code, (severity, _, clause, _) in table.items():
        assert listed[code][0].startswith(getattr(severity, "value", "")), code
        assert (listed[code][3] or "") == clause or code == "not-checked", code  # whose clause is that of its rule


def test_severities_and_clauses_are_those_of_the_table_of_file_systems() -> None:
    listed = rows()
    for row in file_system_rows():
        assert listed[row.code][0].startswith(row.severity.value), row.code
        stated = (listed[row.code][3] or "").replace("PS3.12 ", "").replace("PS3.11 ", "")
        for clause in row.clause.replace("PS3.12 ", "").replace("PS3.11 ", "").split("; "):
            assert clause in stated, row.code


def test_severities_and_clauses_are_those_of_the_scan() -> None:
    listed = rows()
    for code, row in scan_findings.ROWS.items():
        assert listed[code][0].startswith(row.severity.value), code
        assert (listed[code][3] or "").startswith(row.clause), code  # other stages may find the same, with more clauses


def test_the_page_lists_every_exit_code() -> None:
    listed = [int(code) for code in re.findall(r"^\| (\d+) \|", page(), re.MULTILINE)]
    assert listed == [int(code) for code in ExitCode]


def test_codes_that_may_be_allowed_are_those_that_reject() -> None:
    assert rejecting_codes() == {code for code, cells in rows().items() if "rejected" in cells[0]}
