"""Take from a sequence the items and elements that a key asks for."""

from __future__ import annotations

from collections.abc import Mapping

from mediacreator.dicomio.elements import encode_element, encode_items, split_elements, split_items
from mediacreator.rules.predicates import keep
from mediacreator.rules.tables import Key

_TOLD_BY = {0x0040A010: "RelationshipType"}
"""The attributes of an item that the predicates of ``rules.predicates`` look at."""


def reduce_sequence(value: bytes, key: Key) -> bytes:
    """Return a sequence with the items and the elements that its key asks for; items taken whole stay as they are.

    Args:
        value: Items in Explicit VR Little Endian.
        key: ``keep`` chooses items, ``items`` their elements.

    Raises:
        MalformedElement: The bytes are not items of Data Elements.
    """
    wanted = {inner.tag: inner for inner in key.items}
    items = split_items(choose_items(value, key) if key.keep else value)
    return encode_items(_reduced(item, wanted) if wanted else item for item in items)


def choose_items(value: bytes, key: Key) -> bytes:
    """Return a sequence with the items that ``key.keep`` chooses, each whole."""
    chosen = keep(key.keep)
    return encode_items(item for item in split_items(value) if chosen(_told(item)))


def _told(item: bytes) -> Mapping[str, bytes]:
    return {_TOLD_BY[tag]: content for tag, _, content in split_elements(item) if tag in _TOLD_BY}


def _reduced(item: bytes, wanted: Mapping[int, Key]) -> bytes:
    found = {tag: content for tag, _, content in split_elements(item) if tag in wanted}
    parts = []
    for tag, key in wanted.items():
        content = found.get(tag)
        if content is None and key.type not in {"2", "2C"}:
            continue
        if key.vr == "SQ" and content:
            content = reduce_sequence(content, key)
        parts.append(encode_element(tag, key.vr, content or b""))
    return b"".join(parts)
