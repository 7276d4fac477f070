"""Compare what a profile file says of attributes with the data dictionary of PS3.6.

Only files of a site are compared when they are read: the dictionary costs more time than the profile, and our own files
are compared by a test.
"""

from __future__ import annotations

from collections.abc import Iterator

from mediacreator.rules.fields import Fields, Refused
from mediacreator.rules.toml_table import Table


def refuse_wrong_attributes(table: Table) -> None:
    """Refuse a table in which, at any depth, keyword, tag and VR of an attribute do not go together.

    Args:
        table: Of a profile file.

    Raises:
        Refused: With every such attribute, and its place.
    """
    reasons = list(_wrong(table))
    if reasons:
        raise Refused(reasons)


def _wrong(table: Table) -> Iterator[str]:
    if table.text("keyword") and table.text("tag") and table.text("vr"):
        try:
            _compare(Fields(table, table.text("keyword")))
        except Refused as exc:
            yield from exc.reasons
    for value in table.values():
        for row in value if isinstance(value, list) else [value]:
            if isinstance(row, Table):
                yield from _wrong(row)


def _compare(row: Fields) -> None:
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    keyword = row.string("keyword")
    tag = tag_for_keyword(keyword)
    if tag is None:
        row.refuse("keyword", f"{keyword!r} is not in PS3.6")
    if row.string("tag") != f"{tag:08X}":
        row.refuse("tag", f"is {row.string('tag')}, expected {tag:08X} [PS3.6 6]")
    allowed = dictionary_VR(tag).split(" or ")
    if row.string("vr") not in allowed:
        row.refuse("vr", f"is {row.string('vr')!r}, expected {' or '.join(allowed)} [PS3.6 6]")
