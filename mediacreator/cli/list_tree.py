"""``mediacreator list --tree``: every record of a DICOMDIR as a line, below the record that leads to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mediacreator.cli.names import date, person
from mediacreator.cli.report import columns, fit, plain, width

if TYPE_CHECKING:
    from mediacreator.dicomio.walker import DirectoryRecord
    from mediacreator.medium import Medium
    from mediacreator.model import Finding

_DEEPEST_INDENT = 12  # levels; a legal tree has 4, a hostile one as many as it has records
_GAP = 2


def tree_lines(medium: Medium, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each record, and one below it for what is wrong with it: the codes of its Findings.

    Args:
        medium: With its DICOMDIR walked.
        findings: All that are to be told of the medium; those of a record have its location.
    """
    directory = medium.directory
    codes: dict[str, list[str]] = defaultdict(list)
    for found in findings:
        codes[found.location].append(found.code)
    yield from _lines(directory.in_order(), codes)
    named = {record.multi_referenced for record in directory.records if record.multi_referenced is not None}
    shared = named - set(directory.roots)
    if shared:
        yield ""
        yield "Named by records above for their file (retired, PS3.3 F.6.2):"
        yield from _lines(directory.below(tuple(sorted(shared))), codes)
    orphans = tuple(record.index for record in directory.orphans if record.parent is None)
    if orphans:
        yield ""
        yield "Out of reach from the root of the DICOMDIR; other programs will not show these:"
        yield from _lines(directory.below(orphans), codes)


def _lines(records: Iterator[DirectoryRecord], codes: Mapping[str, list[str]]) -> Iterator[str]:
    depths: dict[int, int] = {}
    across = columns()
    for record in records:
        depth = depths[record.index] = 0 if record.parent is None else depths.get(record.parent, -1) + 1
        yield from _record_lines(record, depth, across)
        wrong = codes.get(record.location)
        if wrong:
            yield f"{_indent(depth)}  ! {', '.join(dict.fromkeys(wrong))}"


def _indent(depth: int) -> str:
    return "  " * min(depth, _DEEPEST_INDENT)


def _record_lines(record: DirectoryRecord, depth: int, across: int) -> Iterator[str]:
    """Yield what tells the record from others, and its file at the right; below it where both do not fit."""
    level = f" (level {depth + 1})" if depth > _DEEPEST_INDENT else ""
    text = f"{_indent(depth)}{plain(record.type) or '(no type)'}{level}  {'  '.join(_shown(record))}".rstrip()
    if record.multi_referenced is not None:
        text += f"  (file of record {record.multi_referenced + 1})"
    file = plain("/".join(record.file_id))
    if not file:
        yield fit(text, across)
    elif width(text) + _GAP + width(file) <= across or width(file) <= across // 3:
        yield fit(text, across - _GAP - width(file)) + " " * _GAP + file
    else:
        yield fit(text, across)
        yield " " * min(len(_indent(depth)) + 4, max(across - width(file), 0)) + file


def _shown(record: DirectoryRecord) -> Sequence[str]:
    from mediacreator.medium_records import identifiers

    texts = [plain(text) for text in identifiers(record)]
    if record.type == "PATIENT":
        return person(texts[0]), f"[{texts[1] or 'no ID'}]"
    if record.type == "STUDY":
        texts[0] = date(texts[0])
    return [text for text in texts if text]
