"""Values of attributes as text, so that rules compare them with what a table or profile says."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from struct import Struct

from mediacreator.model import Attributes
from mediacreator.rules.predicates import text

_NUMBERS = {
    "US": Struct("<H"),
    "SS": Struct("<h"),
    "UL": Struct("<L"),
    "SL": Struct("<l"),
    "UV": Struct("<Q"),
    "SV": Struct("<q"),
    "FL": Struct("<f"),
    "FD": Struct("<d"),
}


class UnreadableValue(ValueError):
    """The bytes are not values of the VR."""


def value_of(attributes: Attributes, keyword: str, vr: str, number: int = 1) -> str | None:
    """Return one value of an attribute as text; None where the attribute is absent, ``""`` where the value is.

    Args:
        attributes: Of an instance.
        keyword: Of the attribute.
        vr: Its VR: numbers are given in decimal.
        number: Which of several values, from 1.

    Raises:
        UnreadableValue: The length fits no whole number of values.

    Source: PS3.5 6.2.
    """
    raw = attributes.get(keyword)
    if raw is None or vr not in _NUMBERS:
        return text(attributes, keyword, number)
    one = _NUMBERS[vr]
    if len(raw) % one.size:
        raise UnreadableValue(f"{len(raw)} bytes are no values of VR {vr}")
    if number * one.size > len(raw):
        return ""
    return str(one.unpack_from(raw, (number - 1) * one.size)[0])


def numeric(value: str) -> Decimal | None:
    """Return the number that a value of IS, DS or a binary VR says; None if it says none."""
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def has_value(value: bytes | None, vr: str) -> bool:
    """Tell whether a value is there and more than padding; a binary zero is a value."""
    return bool(value and (vr in _NUMBERS or value.strip(b" \0")))
