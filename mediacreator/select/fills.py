"""Fill in what a directory record must have and the instances lack, in the record only (PS3.3 F.5, PS3.11 D.3.3.1).

Nothing that could be on the medium stays off it because a key is empty. What is filled in is borrowed from the same
study where it can be, is a word that says it is not known, or a number beyond those that are there; a date of
examination is never invented. Each fill is a Finding. The rules and why: docs/adr/0006-filled-in-keys.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from mediacreator.dicomio.elements import encode_element, encode_items, padded
from mediacreator.model import Attributes, Finding, Severity
from mediacreator.rules.tables import Key

PLACEHOLDER_DATE = "18000101"
"""Stands for a date that nothing tells: nobody was examined with X-rays before 1895, and every database takes it."""

PLACEHOLDER_TIME = "000000"
"""Stands for a time that nothing tells."""

UNKNOWN = "UNKNOWN"
"""Stands for a label, name or code that nothing tells."""

FILLED_ID_PREFIX = "NOID-"
"""Begins every Patient ID and Study ID that is filled in."""

LENDERS = (
    ("SeriesDate", "SeriesTime"),
    ("AcquisitionDate", "AcquisitionTime"),
    ("AcquisitionDateTime", ""),
    ("ContentDate", "ContentTime"),
    ("InstanceCreationDate", "InstanceCreationTime"),
)
"""Where a date or time is borrowed from, the best first; a Date Time lends both."""

LARGEST_NUMBER = 2**31 - 1
"""Of an Integer String (PS3.5 6.2)."""

_WORDS = MappingProxyType(
    {
        "Modality": "OT",  # Other (PS3.3 C.7.3.1.1.1)
        "CompletionFlag": "PARTIAL",  # nothing says that it is complete
        "VerificationFlag": "UNVERIFIED",
        "InventoryCompletionStatus": "PARTIAL",
        "NumberOfFrames": "1",  # as where the attribute is absent (PS3.3 C.7.6.6)
        "MIMETypeOfEncapsulatedDocument": "application/octet-stream",
    }
)
"""What stands for values of a defined set, where UNKNOWN is not one of it."""

_MIME_TYPES = MappingProxyType(
    {
        "1.2.840.10008.5.1.4.1.1.104.1": "application/pdf",
        "1.2.840.10008.5.1.4.1.1.104.2": "text/XML",
        "1.2.840.10008.5.1.4.1.1.104.3": "model/stl",
        "1.2.840.10008.5.1.4.1.1.104.4": "model/obj",
        "1.2.840.10008.5.1.4.1.1.104.5": "model/mtl",
    }
)
"""The MIME type that the IOD of an encapsulated document fixes (PS3.3 A.45, A.85, A.104)."""

_BINARY_SIZES = MappingProxyType({"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "UV": 8, "SV": 8})
_TEXT_VRS = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"))


@dataclass(frozen=True, slots=True)
class Fill:
    """One value filled in."""

    key: Key
    value: bytes  # padded
    how: str  # for the Finding; no identity
    severity: Severity = Severity.NOTE


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, the time that belongs to it, and the attribute that they are borrowed from."""

    date: str = ""  # YYYYMMDD
    time: str = ""
    keyword: str = ""

    def __bool__(self) -> bool:
        return bool(self.date)


NO_MOMENT = Moment()


def study_moment(attributes: Attributes) -> Moment:
    """Return Study Date and Time as a Moment: what an instance borrows that has no date of its own."""
    return Moment(
        _proper_date(_text(attributes.get("StudyDate"))), _proper_time(_text(attributes.get("StudyTime"))), "StudyDate"
    )


def required(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Return the keys that must have a value and are copied from the instance (Type 1, PS3.10 5)."""
    return tuple(key for key in keys if key.type == "1" and not key.source)


def valued(value: bytes | None) -> bool:
    """Tell whether a value is there and is more than padding."""
    return bool(value and (value[0] not in b" \0" or value.strip(b" \0")))


def lacking(keys: Iterable[Key], attributes: Attributes) -> list[Key]:
    """Return the keys that have no value. A binary zero is a value."""
    missing = []
    for key in keys:
        value = attributes.get(key.keyword)
        if not value or (value[0] in b" \0" and key.vr not in _BINARY_SIZES and not value.strip(b" \0")):
            missing.append(key)
    return missing


def moments(lenders: Iterable[Attributes], on: str = "") -> Moment:
    """Return the moment to borrow: the earliest of the first attribute in ``LENDERS`` that any lender has.

    Args:
        lenders: The attributes of the instances of the study or series.
        on: Only moments of this date (YYYYMMDD) count; "" for any.
    """
    best: dict[str, Moment] = {}
    for attributes in lenders:
        for moment in _moments_of(attributes):
            if on in ("", moment.date) and (moment.time or not on):
                other = best.get(moment.keyword)
                if other is None or (moment.date, moment.time or "~") < (other.date, other.time or "~"):
                    best[moment.keyword] = moment
    return next((best[keyword] for keyword, _ in LENDERS if keyword in best), NO_MOMENT)


def fill_dates(
    keys: list[Key], attributes: Attributes, lenders: Iterable[Attributes], last: Moment = NO_MOMENT
) -> list[Fill]:
    """Return fills for dates and times among keys that lack a value.

    A time is borrowed only together with its date, or from an attribute that tells the same date: else a disc would
    show a moment at which nothing happened.

    Args:
        keys: Of one record, without value; others than DA, TM and DT are passed over.
        attributes: What the record is made of.
        lenders: What may lend: the instances of the study, or the instance itself.
        last: What is borrowed where no lender has anything.
    """
    fills = []
    lenders = list(lenders) if any(key.vr in ("DA", "TM", "DT") for key in keys) else []
    empty_dates = {key.keyword for key in keys if key.vr == "DA"}
    for key in keys:
        if key.vr in ("DA", "DT"):
            fills.append(_fill_date(key, moments(lenders) or last))
        elif key.vr == "TM":
            date_keyword = key.keyword.removesuffix("Time") + "Date"
            on = "" if date_keyword in empty_dates else _text(attributes.get(date_keyword))
            moment = moments(lenders, on)
            fills.append(_fill_time(key, moment if moment or on not in ("", last.date) else last))
    return fills


def fill_word(key: Key, sop_class_uid: str = "") -> Fill | None:
    """Return the fill for a key that has no date and no number of its own; None where there is no rule (UI)."""
    if key.vr == "SQ":
        return Fill(key, _unknown_item(key.keyword), "an item that says UNKNOWN stands in the record")
    if key.vr in _BINARY_SIZES:
        return Fill(key, bytes(_BINARY_SIZES[key.vr]), "0 stands in the record")
    word = _WORDS.get(key.keyword, UNKNOWN if key.vr in _TEXT_VRS else "0" if key.vr in ("IS", "DS") else "")
    if key.keyword == "MIMETypeOfEncapsulatedDocument":
        word = _MIME_TYPES.get(sop_class_uid, word)
    return Fill(key, padded(word.encode("ascii"), key.vr), f"{word} stands in the record") if word else None


def filled_id(uids: Iterable[str], length: int, taken: Set[str]) -> str:
    """Return an identifier that says it is none: derived from UIDs, so that two discs never give one to two persons.

    Args:
        uids: Of the study, the best first: the first alone decides unless its identifier is taken.
        length: Hexadecimal digits after the prefix.
        taken: Identifiers that exist.
    """
    from hashlib import sha256

    text = ""
    for text in _growing(uids):
        found = FILLED_ID_PREFIX + sha256(text.encode("utf-8")).hexdigest()[:length].upper()
        if found not in taken:
            return found
    number = 1
    while True:
        found = FILLED_ID_PREFIX + sha256(f"{text}|{number}".encode()).hexdigest()[:length].upper()
        if found not in taken:
            return found
        number += 1


def fresh_numbers(existing: Set[int]) -> Iterator[int]:
    """Yield numbers that do not exist: after the largest, so that what is numbered stays in order; else the gaps."""
    number = max(0, *existing) if existing else 0
    while number < LARGEST_NUMBER:
        number += 1
        yield number
    number = 0
    while True:
        number += 1
        if number not in existing:
            yield number


def finding(fill: Fill, record_type: str, location: str, count: int) -> Finding:
    """Return the Finding about a key that was filled in for a number of records of one series, study or patient."""
    key = fill.key
    tag = f"({key.tag >> 16:04X},{key.tag & 0xFFFF:04X})"
    records = f"{record_type} record" if count == 1 else f"{count} {record_type} records"
    return Finding(
        "filled-in",
        fill.severity,
        location,
        f"{key.keyword} {tag} has no value for {records}",
        "a value (Type 1)",
        key.clause,
        f"Filled in, in the directory only: {fill.how}. The instance is unchanged.",
    )


def _growing(uids: Iterable[str]) -> Iterator[str]:
    text = ""
    for uid in uids:
        text = f"{text}|{uid}" if text else uid
        yield text


def _fill_date(key: Key, moment: Moment) -> Fill:
    time = (moment.time or PLACEHOLDER_TIME) if key.vr == "DT" else ""
    if moment.date:
        return Fill(key, padded((moment.date + time).encode(), key.vr), f"borrowed from {moment.keyword}")
    how = f"{PLACEHOLDER_DATE} stands in the record, since no instance tells a date"
    return Fill(key, padded((PLACEHOLDER_DATE + time).encode(), key.vr), how, Severity.WARNING)


def _fill_time(key: Key, moment: Moment) -> Fill:
    if moment.time:
        how = f"borrowed from the time of {moment.keyword}"
        return Fill(key, padded(moment.time.encode(), "TM"), how)
    how = f"{PLACEHOLDER_TIME} stands in the record, since no instance tells a time of that date"
    return Fill(key, padded(PLACEHOLDER_TIME.encode(), "TM"), how, Severity.WARNING)


def _moments_of(attributes: Attributes) -> Iterator[Moment]:
    for date_keyword, time_keyword in LENDERS:
        value = _text(attributes.get(date_keyword))
        day = _proper_date(value)
        if day:
            time = (
                _text(attributes.get(time_keyword)) if time_keyword else value[8:].partition("+")[0].partition("-")[0]
            )
            yield Moment(day, _proper_time(time), date_keyword)


def _text(value: bytes | None) -> str:
    return (value or b"").decode("ascii", "replace").partition("\\")[0].strip(" \0")


def _proper_date(value: str) -> str:
    """Return the date with which a DA or DT value begins, "" if there is none. Source: PS3.5 6.2."""
    day = value[:8]
    if len(day) < 8 or not (day.isascii() and day.isdecimal()):
        return ""
    try:
        date(int(day[:4]), int(day[4:6]), int(day[6:]))
    except ValueError:
        return ""
    return day


def _proper_time(value: str) -> str:
    """Return a TM value if it is one: HH, HHMM, HHMMSS or HHMMSS.F. Source: PS3.5 6.2."""
    whole, _, fraction = value.partition(".")
    if len(whole) not in (2, 4, 6) or not (whole + fraction).isdecimal() or not value.isascii() or len(fraction) > 6:
        return ""
    return value if int(whole[:2]) < 24 and int(whole[2:4] or 0) < 60 and int(whole[4:6] or 0) < 61 else ""


def _unknown_item(keyword: str) -> bytes:
    """Return a sequence of one item: a code that says UNKNOWN, in a private coding scheme (PS3.3 8.2)."""
    if keyword == "HangingProtocolDefinitionSequence":  # its items are no codes (PS3.3 F.5.31)
        return encode_items(
            [
                encode_element(0x00080060, "CS", b"OT")
                + encode_element(0x00081032, "SQ", b"")
                + encode_element(0x0040100A, "SQ", b"")
            ]
        )
    return encode_items(
        [
            encode_element(0x00080100, "SH", UNKNOWN.encode())
            + encode_element(0x00080102, "SH", b"99MEDIACREATOR")
            + encode_element(0x00080104, "LO", b"Not given by the instance")
        ]
    )
