"""Show a directory record to a person or a program: what tells it from others, and all its values, decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache

from mediacreator.dicomio.text import readable_text
from mediacreator.dicomio.walker import DirectoryRecord
from mediacreator.dicomio.walker_items import Damage
from mediacreator.dicomio.walker_record import Value
from mediacreator.rules.tables import record_types

_CHARACTER_SET = 0x00080005
_PRIVATE_RECORD_UID = 0x00041432
_CODE_MEANING = 0x00080104
_CONCEPT_NAME = 0x0040A043
_TEXTS = frozenset(
    ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT")
)
_NUMBERS = frozenset(("UL", "US"))
_SHOWN_VRS = frozenset(("CS", "IS", "LO", "PN", "SH", "ST"))  # of Type 1 keys; dates and UIDs tell a person little
_DEEPEST = 16  # sequences inside each other

# What tells records of these types from others, by tag and VR. Types that are not here show their Type 1 keys.
_OWN: dict[str, tuple[tuple[int, str], ...]] = {
    "PATIENT": ((0x00100010, "PN"), (0x00100020, "LO")),
    "STUDY": ((0x00080020, "DA"), (0x00081030, "LO"), (0x00080050, "SH")),
    "SERIES": ((0x00080060, "CS"), (0x00200011, "IS"), (0x0008103E, "LO")),
    "PRIVATE": ((_PRIVATE_RECORD_UID, "UI"),),
    # Retired (PS3.3 F.5.5 to F.5.18 of old editions): the keys that a person can read.
    "OVERLAY": ((0x00200022, "IS"),),
    "CURVE": ((0x00200024, "IS"),),
    "MODALITY LUT": ((0x00200026, "IS"),),
    "VOI LUT": ((0x00200026, "IS"),),
    "TOPIC": ((0x00880904, "LO"), (0x00880906, "ST")),
    "VISIT": ((0x00380020, "DA"), (0x00380010, "LO"), (0x00080080, "LO")),
    "RESULTS": ((0x40080040, "SH"),),
    "INTERPRETATION": ((0x40080200, "SH"), (0x40080108, "DA"), (0x40080212, "CS")),
    "STUDY COMPONENT": ((0x00080060, "CS"), (0x00081030, "LO")),
    "PRINT QUEUE": ((0x21100030, "LO"),),
    "FILM SESSION": ((0x20000050, "LO"), (0x20000030, "CS")),
    "FILM BOX": ((0x20100010, "ST"),),
    "STORED PRINT": ((0x00200013, "IS"),),
    "HL7 STRUC DOC": ((0x0040E001, "ST"),),
}


def identifiers(record: DirectoryRecord) -> tuple[str, ...]:
    """Return what tells a record from its neighbours, decoded; "" for each that it lacks. Holds identity.

    A patient's name and ID, a study's date and description and accession number, a series' modality, number and
    description; of other records their number and names (PS3.3 F.5), of an SR DOCUMENT also its title.
    """
    values = record.values
    character_set = values.get(_CHARACTER_SET, b"")
    found = [
        readable_text(values.get(tag, b""), character_set, vr).strip()
        for tag, vr in _OWN.get(record.type) or _type_1_keys(record.type)
    ]
    if _CONCEPT_NAME in values and record.type not in _OWN:
        found += _titles(record, character_set)
    return tuple(found)


@cache
def _type_1_keys(kind: str) -> tuple[tuple[int, str], ...]:
    """Return the Type 1 keys of a record type that a person can read, the number first."""
    row = record_types().get(kind)
    keys = [(key.tag, key.vr) for key in row.keys if key.type == "1" and key.vr in _SHOWN_VRS] if row else []
    number = (0x00200013, "IS")
    return (number, *(key for key in keys if key != number))


def _titles(record: DirectoryRecord, character_set: bytes) -> Iterator[str]:
    """Yield the Code Meaning of each item of Concept Name Code Sequence."""
    with suppress(Damage):
        sequence = next(value for value in record.elements() if value.tag == _CONCEPT_NAME)
        for item in sequence.items():
            for value in item:
                if value.tag == _CODE_MEANING:
                    yield readable_text(value.content, character_set).strip()


def decoded(record: DirectoryRecord) -> dict[str, object]:
    """Return every value of a record by its keyword, or by GGGGEEEE where it has none.

    Text is decoded, several values stay joined with a backslash. Numbers (US, UL) are integers. A sequence is a list of
    its items. Of other values, as pixels, the number of bytes is told. A damaged record gives what comes before that.
    """
    return _decoded(record.elements(), b"", 0, _size)


def comparable(record: DirectoryRecord) -> dict[str, object]:
    """Return every value of a record as ``decoded`` does, and those that are no text whole, to compare two records."""
    return _decoded(record.elements(), b"", 0, lambda value: value.content)


def _size(value: Value) -> object:
    return {"bytes": len(value.content)}


def _decoded(
    values: Iterator[Value], character_set: bytes, depth: int, other: Callable[[Value], object]
) -> dict[str, object]:
    found: dict[str, object] = {}
    with suppress(Damage):  # of an item; the walk says that of a record
        for value in values:
            if value.tag == _CHARACTER_SET:
                character_set = value.content
            keyword, vr = _named(value)
            found.setdefault(keyword, _shown(value, vr, character_set, depth, other))
    return found


def _shown(value: Value, vr: str, character_set: bytes, depth: int, other: Callable[[Value], object]) -> object:
    if vr in _TEXTS:
        return readable_text(value.content, character_set, vr).strip()
    if vr in _NUMBERS:
        return value.numbers(2 if vr == "US" else 4)
    if vr == "SQ" and depth < _DEEPEST:
        return _items(value, character_set, depth + 1, other)
    return other(value)


def _items(
    sequence: Value, character_set: bytes, depth: int, other: Callable[[Value], object]
) -> list[dict[str, object]]:
    items: list[dict[str, object]] = []
    with suppress(Damage):  # what comes before it is shown
        items.extend(_decoded(item, character_set, depth, other) for item in sequence.items())
    return items


def _named(value: Value) -> tuple[str, str]:
    """Return keyword and VR; both from the dictionary where the encoding or the private creator does not tell them."""
    keyword, known = _dictionary(value.tag)
    return keyword or f"{value.tag:08X}", value.vr or known


@cache
def _dictionary(tag: int) -> tuple[str, str]:
    from pydicom.datadict import dictionary_VR, keyword_for_tag

    try:
        return keyword_for_tag(tag), dictionary_VR(tag)[:2]
    except KeyError:
        return "", "UN"
