"""Encode directory records from the key tables (PS3.3 F.3.2.2, F.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct

from mediacreator.dicomio.elements import (
    LONG_VRS,
    encode_element,
    padded,
    parse_items,
    split_elements,
    split_items,
    tag_bytes,
)
from mediacreator.dicomio.sequences import reduce_sequence
from mediacreator.dicomio.text import is_default_repertoire
from mediacreator.errors import InternalError
from mediacreator.model import Attributes, VolumeFile
from mediacreator.rules.predicates import Condition, condition
from mediacreator.rules.tables import Key

TEXT_VRS = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
"""VRs whose values Specific Character Set speaks of (PS3.5 6.1.2.2)."""

_TRUE_OF_A_VALUE = frozenset(("", "present", "nonempty"))
"""Conditions that need no asking once there is a value to write."""

Value = Callable[[Attributes], bytes | None]
"""Finds the value of a key in the attributes of an instance; None and empty: it has none."""

_SHORT = Struct("<H")
_LONG = Struct("<L")


@dataclass(frozen=True, slots=True)
class _KeyWriter:
    """A key as the encoder needs it: what the loop over 50,000 records must not work out again."""

    key: Key
    keyword: str
    opening: bytes  # tag and VR, and the two reserved bytes of a VR with a 32-bit length
    long: bool
    mandatory: bool  # type 1
    even_if_empty: bool  # types 2 and 2C
    condition: Condition | None
    plain: bool  # the attribute of the same name, as it is
    value: Value

    @classmethod
    def of(cls, key: Key) -> _KeyWriter:
        vr = key.vr.encode("ascii")
        return cls(
            key=key,
            keyword=key.keyword,
            opening=tag_bytes(key.tag) + vr + (b"\0\0" if vr in LONG_VRS else b""),
            long=vr in LONG_VRS,
            mandatory=key.type == "1",
            even_if_empty=key.type in {"2", "2C"},
            condition=None if key.condition in _TRUE_OF_A_VALUE else condition(key.condition),
            plain=not key.source and key.vr != "SQ",
            value=value_of(key),
        )


KeysFor = Callable[[str, tuple[str, ...]], tuple[Key, ...]]
"""Returns the keys of a record by its type and the profiles that cover its instance; ``()`` for all of the Claim."""


class RecordEncoder:
    """Encodes records from Directory Record Type (0004,1430) on; the offsets before it are the DICOMDIR's business."""

    def __init__(self, keys_for: KeysFor) -> None:
        self._keys_for = keys_for
        self._writers: dict[tuple[str, tuple[str, ...]], tuple[bytes, tuple[_KeyWriter, ...]]] = {}
        self._uid_elements: dict[tuple[int, str], bytes] = {}

    def encode(self, record_type: str, keys: Attributes) -> bytes:
        """Return a record that references no file."""
        opening, writers = self._prepared(record_type)
        return opening + _keys(record_type, writers, keys)

    def encode_instance(self, file: VolumeFile) -> bytes:
        """Return the record of an instance, with its File ID and the UIDs of its file."""
        instance = file.encoded.instance  # not that of the content: encoding may have changed what its keys say
        opening, writers = self._prepared(instance.record_type, instance.profiles)
        parts = [opening]
        if instance.private_record_uid:
            parts.append(encode_element(0x00041432, "UI", instance.private_record_uid.encode("ascii")))
        header = instance.header
        file_id = "\\".join(file.file_id).encode("ascii")
        uid = file.encoded.sop_instance_uid.encode("ascii")
        parts += (
            _short(b"\x04\x00\x00\x15CS", file_id, b" "),
            self._uid_element(0x00041510, header.sop_class_uid),
            _short(b"\x04\x00\x11\x15UI", uid, b"\0"),
            self._uid_element(0x00041512, file.encoded.transfer_syntax_uid),
        )
        related = header.attributes.get("RelatedGeneralSOPClassUID")
        if related:
            parts.append(encode_element(0x0004151A, "UI", related))
        parts.append(_keys(instance.record_type, writers, instance.keys))
        return b"".join(parts)

    def _prepared(self, record_type: str, covered_by: tuple[str, ...] = ()) -> tuple[bytes, tuple[_KeyWriter, ...]]:
        prepared = self._writers.get((record_type, covered_by))
        if prepared is None:
            keys = self._keys_for(record_type, covered_by) if record_type != "PRIVATE" else ()
            writers = tuple(_KeyWriter.of(key) for key in keys if key.condition != "extended_character_set")
            prepared = (encode_element(0x00041430, "CS", record_type.encode("ascii")), writers)
            self._writers[record_type, covered_by] = prepared
        return prepared

    def _uid_element(self, tag: int, uid: str) -> bytes:
        """Return an element whose value many records share."""
        element = self._uid_elements.get((tag, uid))
        if element is None:
            element = self._uid_elements[tag, uid] = encode_element(tag, "UI", uid.encode("ascii"))
        return element


def _short(opening: bytes, value: bytes, pad: bytes) -> bytes:
    """Return an element of a VR with a 16-bit length."""
    if len(value) & 1:
        value += pad
    return opening + _SHORT.pack(len(value)) + value


def _keys(record_type: str, writers: Sequence[_KeyWriter], attributes: Attributes) -> bytes:
    """Encode the keys of one record in tag order; Specific Character Set first, where one of them needs it."""
    parts = []
    for writer in writers:
        value = attributes.get(writer.keyword) if writer.plain else writer.value(attributes)
        if not value:
            if writer.mandatory:
                raise InternalError(f"{record_type} record: {writer.keyword} has no value [{writer.key.clause}]")
            if not writer.even_if_empty:
                continue
            value = b""
        if writer.condition is not None and writer.condition(attributes, writer.keyword) is False:
            continue
        if len(value) & 1:
            value = padded(value, writer.key.vr)
        length = _LONG.pack(len(value)) if writer.long else _SHORT.pack(len(value))
        parts.append(writer.opening + length + value)
    body = b"".join(parts)
    character_set = attributes.get("SpecificCharacterSet")
    # Lengths and numbers may look like text beyond ASCII, so the quick look is followed by a thorough one.
    if character_set and not is_default_repertoire(body) and _has_extended_text(writers, attributes):
        return encode_element(0x00080005, "CS", character_set) + body
    return body


def _has_extended_text(writers: Sequence[_KeyWriter], attributes: Attributes) -> bool:
    """Tell whether a text key of the record goes beyond the default repertoire. Source: PS3.3 F.5, type 1C."""
    return any(_is_extended(writer.key.vr, writer.value(attributes) or b"") for writer in writers)


def _is_extended(vr: str, value: bytes) -> bool:
    if vr == "SQ":
        elements = (element for item in split_items(value) for element in split_elements(item))
        return any(_is_extended(inner, content) for _, inner, content in elements)
    return vr in TEXT_VRS and not is_default_repertoire(value)


def value_of(key: Key) -> Value:
    """Return how the value of a key is found in the attributes of an instance; None and empty: it has none.

    Raises (what is returned):
        MalformedElement: A sequence cannot be read.
    """
    if key.source:
        return _SOURCES[key.source](key)
    if key.vr != "SQ":
        return lambda attributes: attributes.get(key.keyword)
    if not key.items and not key.keep:
        return lambda attributes: attributes.get(key.keyword)
    seen: dict[bytes, bytes] = {}

    def reduced(attributes: Attributes) -> bytes | None:
        value = attributes.get(key.keyword)
        if not value:
            return value
        if value not in seen:
            seen[value] = reduce_sequence(value, key)
        return seen[value]

    return reduced


def _latest_verification_datetime(_key: Key) -> Value:
    return _latest_verification


def _latest_verification(attributes: Attributes) -> bytes | None:
    """Return the latest of the verifications of a report (PS3.3 F.5.25); as text they sort by time."""
    observers = attributes.get("VerifyingObserverSequence")
    if not observers:
        return None
    times = [item.get(0x0040A030, b"").rstrip(b"\0 ") for item in parse_items(observers)]
    return max(times, default=None) or None


def _icon(key: Key) -> Value:
    """Return the icon that was made for the record; one that an instance carries is no key (PS3.3 F.7)."""
    return lambda attributes: attributes.get(key.keyword)


def _dataset_or_shared_groups(key: Key) -> Value:
    """Take the attribute of the instance, else the first in its Shared Functional Groups (PS3.11 Table H.3-2)."""
    seen: dict[bytes, bytes] = {}

    def found(attributes: Attributes) -> bytes | None:
        value = attributes.get(key.keyword)
        groups = attributes.get("SharedFunctionalGroupsSequence")
        if value or not groups:
            return value
        if groups not in seen:
            seen[groups] = _first_inside(groups, key.tag) or b""
        return seen[groups]

    return found


def _first_inside(items: bytes, tag: int) -> bytes | None:
    """Return the first value with a tag at any level of a sequence, None where none has one.

    Raises:
        MalformedElement: The sequence cannot be read.
    """
    for item in split_items(items):
        for found, vr, content in split_elements(item):
            value = content if found == tag else _first_inside(content, tag) if vr == "SQ" else None
            if value:
                return value
    return None


_SOURCES: Mapping[str, Callable[[Key], Value]] = {
    "latest_verification_datetime": _latest_verification_datetime,
    "icon": _icon,
    "dataset_or_shared_groups": _dataset_or_shared_groups,
}
