"""Check the text of a DICOMDIR: that each record declares the character set that its values are in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from mediacreator.dicomio.text import text_problem
from mediacreator.dicomio.walker_draft import Draft
from mediacreator.dicomio.walker_findings import printable
from mediacreator.dicomio.walker_items import Buffer, Damage, Element, Encoding, elements
from mediacreator.rules.tables import Key, record_types

_SPECIFIC_CHARACTER_SET = 0x00080005
_TEXT_VRS = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))  # PS3.5 6.1.2.2
_LINKS = 42  # bytes before the Directory Record Type, most of which are offsets, and no text


def check_text(drafts: Sequence[Draft], data: Buffer, encoding: Encoding) -> None:
    """Note each text value that contradicts the Specific Character Set of its record.

    Args:
        drafts: All records.
        data: The whole DICOMDIR.
        encoding: Of the Data Set.

    Source: PS3.3 F.5 (each record declares its own set), C.12.1.1.2.
    """
    for draft in drafts:
        content = bytes(data[draft.offset + 8 + _LINKS : draft.end])
        if content.isascii() and b"\x1b" not in content:
            continue  # nearly all records of nearly all media
        character_set, texts = _texts(draft, data, encoding)
        for tag, vr, value in texts:
            problem = text_problem(value, character_set, vr)
            if problem:
                keyword = f"{_known()[tag].keyword} " if tag in _known() else ""
                draft.note(problem, f"{keyword}({tag >> 16:04X},{tag & 0xFFFF:04X}) {_said(problem, character_set)}")


def _texts(draft: Draft, data: Buffer, encoding: Encoding) -> tuple[bytes, list[tuple[int, str, bytes]]]:
    """Return the Specific Character Set of a record, and tag, VR and value of its texts."""
    character_set, texts = b"", []
    for tag, vr, start, stop in _whole(draft, data, encoding):
        if tag == _SPECIFIC_CHARACTER_SET:
            character_set = bytes(data[start:stop])
            continue
        name = vr.decode("ascii") or (_known()[tag].vr if tag in _known() else "")
        if name in _TEXT_VRS:
            texts.append((tag, name, bytes(data[start:stop])))
    return character_set, texts


def _whole(draft: Draft, data: Buffer, encoding: Encoding) -> Iterator[Element]:
    try:
        yield from elements(data, draft.offset + 8, draft.end, encoding)
    except Damage:
        return  # told when the record was read


@cache
def _known() -> dict[int, Key]:
    """Return the keys of records by tag: their VR tells that of an element in Implicit VR."""
    return {key.tag: key for row in record_types().values() for key in row.keys}


def _said(problem: str, character_set: bytes) -> str:
    declared = printable(character_set.decode("ascii", "backslashreplace").strip(" \x00"))
    return {
        "no-character-set": "has characters beyond ASCII, and SpecificCharacterSet (0008,0005) is absent or ISO_IR 6",
        "unknown-character-set": f"is text, and SpecificCharacterSet (0008,0005) is {declared}",
        "undecodable-text": f"has bytes that {declared} does not define",
        "other-character-set": f"is declared as {declared}, and reads as UTF-8",
    }[problem]
