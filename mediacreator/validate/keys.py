"""Check the keys of directory records: there where they must be, and equal to what the instances hold (PS3.3 F.5).

The rows are those that a DICOMDIR is written by: type, condition, source and items of a key mean the same here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mediacreator.dicomio.elements import MalformedElement, parse_items, split_elements, split_items
from mediacreator.dicomio.sequences import reduce_sequence
from mediacreator.dicomio.text import decode_text, is_default_repertoire
from mediacreator.dicomio.walker import DirectoryRecord
from mediacreator.directory.records import TEXT_VRS, value_of
from mediacreator.medium_compare import ABOVE
from mediacreator.model import Attributes, Finding
from mediacreator.rules.predicates import condition
from mediacreator.rules.tables import Key
from mediacreator.rules.values import has_value
from mediacreator.validate.rows import finding

_CHARACTER_SET = 0x00080005
_CHARACTER_SET_KEYWORD = "SpecificCharacterSet"
_DECIDED_BY_THE_RECORD = "extended_character_set"
_ICON = "icon"
_NUMBERS = frozenset(("DS", "IS"))

Values = Mapping[int, bytes]
"""The elements of a record, by tag."""


@dataclass(frozen=True, slots=True)
class Instances:
    """What the files below a record, or the one that it references, hold."""

    attributes: tuple[Attributes, ...]  # of each that could be read
    unreadable: int = 0  # files whose attributes are not known

    @property
    def together(self) -> Attributes:
        """Return each attribute with the first value that an instance has: of what the conditions of 1C-keys ask."""
        found: dict[str, bytes] = {}
        for attributes in self.attributes:
            for keyword, value in attributes.items():
                if not found.get(keyword):
                    found[keyword] = value
        return found


@dataclass(slots=True)
class KeyChecker:
    """Checks record after record; holds how the value of each key is found."""

    _found: dict[tuple[int, str, str], Callable[[Attributes], bytes | None]] = field(default_factory=dict)

    def check(
        self, record: DirectoryRecord, values: Values, keys: Sequence[Key], instances: Instances
    ) -> Iterator[Finding]:
        """Yield what is wrong with the keys of a record.

        Args:
            record: Of any type that the tables know.
            values: Of its elements, by tag.
            keys: Of its type: those of PS3.3 F.5 and those of the profiles that cover the instance.
            instances: What to compare with.

        Source: PS3.3 F.5, PS3.11 X.3.3.
        """
        together = instances.together
        for key in keys:
            if key.source == _ICON:
                continue
            if key.condition == _DECIDED_BY_THE_RECORD:
                yield from _character_set(record, values, keys, key)
                continue
            value = values.get(key.tag)
            lack = _missing(key, value, required=self._required(key, together, instances) is True)
            if lack:
                yield finding("key-missing", record.location, lack, clause=key.clause)
            elif value is not None:
                yield from _items_findings(record, key, value)
                yield from self._differences(record, key, values, instances)
        if instances.unreadable:
            files = "its file" if record.file_id else f"{instances.unreadable} of the files below it"
            what = f"the keys of the record could not be compared with {files}"
            yield finding("not-checked", record.location, what, expected="files that can be read")

    def _required(self, key: Key, together: Attributes, instances: Instances) -> bool | None:
        """Tell whether a key must be there; None where it need not, or where what decides is not known."""
        if not key.condition:
            return key.type in ("1", "2")
        asked = together
        if key.source:
            values = [self._value(key, attributes) for attributes in instances.attributes]
            asked = {**together, key.keyword: next(filter(None, values), b"")}
        answer = condition(key.condition)(asked, key.keyword)
        return None if answer is not True and instances.unreadable else answer

    def _value(self, key: Key, attributes: Attributes) -> bytes | None:
        """Return the value that a record written from an instance would have."""
        known = (key.tag, key.keep, key.source)
        if known not in self._found:
            self._found[known] = value_of(key)
        try:
            return self._found[known](attributes)
        except MalformedElement:
            return None

    def _differences(
        self, record: DirectoryRecord, key: Key, values: Values, instances: Instances
    ) -> Iterator[Finding]:
        """Say that a key holds what no instance does; one that the instances lack may have any value."""
        if key.keyword in ABOVE:
            return  # compared with each file, in medium_compare
        held = [
            (value, attributes.get(_CHARACTER_SET_KEYWORD, b""))
            for attributes in instances.attributes
            if (value := self._value(key, attributes)) and value.strip(b" \0")
        ]
        if not held:
            return
        own = _comparable(key, values.get(key.tag, b""), values.get(_CHARACTER_SET, b""))
        if own is None or all(own != _comparable(key, value, character_set) for value, character_set in held):
            found = "cannot be read" if own is None else "is another than the file's"
            what = f"{_named(key)} {found}" if values.get(key.tag) else f"{_named(key)} is empty"
            yield finding("key-differs", record.location, what, clause=key.clause)


def _missing(key: Key, value: bytes | None, *, required: bool) -> str:
    """Say what a key lacks, nothing if it is as its type asks (PS3.5 7.4)."""
    if not required or has_value(value, key.vr):
        return ""
    if value is None:
        return f"{_named(key)} is absent"
    return f"{_named(key)} is empty" if key.type.startswith("1") else ""


def _items_findings(record: DirectoryRecord, key: Key, value: bytes) -> Iterator[Finding]:
    """Yield what the items of a sequence lack."""
    if key.vr != "SQ" or not key.items:
        return
    try:
        lacking = list(_lacking(key, value))
    except MalformedElement as exc:
        yield finding("key-differs", record.location, f"{_named(key)} cannot be read: {exc}", clause=key.clause)
        return
    for path, clause in dict(lacking).items():
        yield finding("key-missing", record.location, f"{path} is absent or empty", clause=clause)


def _lacking(key: Key, value: bytes, above: str = "") -> Iterator[tuple[str, str]]:
    for item in parse_items(value):
        for inner in key.items:
            name = f"{above}{key.keyword}>{inner.keyword}"
            found = item.get(inner.tag)
            always = inner.type == "1" or inner.condition == "parent_present"
            if (always and not found) or (inner.type == "2" and found is None):
                yield name, inner.clause
            elif found and inner.vr == "SQ" and inner.items:
                yield from _lacking(inner, found, f"{above}{key.keyword}>")


def _character_set(record: DirectoryRecord, values: Values, keys: Sequence[Key], key: Key) -> Iterator[Finding]:
    """Find text beyond the default repertoire in a record that names no character set (PS3.3 F.5, type 1C)."""
    if not values.get(key.tag) and any(_is_extended(one.vr, values.get(one.tag, b"")) for one in keys):
        what = f"{_named(key)} is absent, and text of the record goes beyond the default repertoire"
        yield finding("key-missing", record.location, what, clause=key.clause)


def _is_extended(vr: str, value: bytes) -> bool:
    if vr != "SQ":
        return vr in TEXT_VRS and not is_default_repertoire(value)
    try:
        inner = [element for item in split_items(value) for element in split_elements(item)]
    except MalformedElement:
        return False  # said of the key itself
    return any(_is_extended(kind, content) for _, kind, content in inner)


def _named(key: Key) -> str:
    return f"{key.keyword} ({key.tag >> 16:04X},{key.tag & 0xFFFF:04X})"


def _comparable(key: Key, value: bytes, character_set: bytes) -> object:
    """Return what two encodings of one value have in common; None where a sequence cannot be read."""
    if key.vr != "SQ":
        return _plain(key.vr, value, character_set)
    try:
        return _items(reduce_sequence(value, key) if key.items or key.keep else value, character_set)
    except MalformedElement:
        return None


def _plain(vr: str, value: bytes, character_set: bytes) -> object:
    if vr in TEXT_VRS:
        return decode_text(value, character_set, vr).strip()
    stripped = value.strip(b" \0")
    if vr in _NUMBERS:
        try:
            return tuple(float(part) for part in stripped.split(b"\\"))
        except ValueError:
            return stripped
    return value if vr in ("US", "SS", "UL", "SL", "FL", "FD", "AT", "OB", "OW", "UN") else stripped


def _items(value: bytes, character_set: bytes) -> tuple[object, ...]:
    """Return the items of a sequence whatever their lengths were; group lengths and character sets do not count."""
    return tuple(
        tuple(
            (tag, _items(content, character_set) if vr == "SQ" else _plain(vr, content, character_set))
            for tag, vr, content in split_elements(item)
            if tag & 0xFFFF and tag != _CHARACTER_SET
        )
        for item in split_items(value)
    )
