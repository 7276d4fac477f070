"""Say DICOM values as a person reads them: names, dates, times; whatever they hold, the page stays a page."""

from __future__ import annotations

import re
import unicodedata

_BIDI_CONTROLS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Would turn text around beyond the place where it stands."""

_ZERO_WIDTH_SPACE = "\u200b"


def clean(text: str) -> str:
    """Drop what XML forbids and what would disturb the text around, and put lines into one.

    Source: XML 1.0 2.2 (Char); Unicode Bidirectional Algorithm 2 (explicit formatting characters).
    """
    return " ".join("".join(char if _allowed(char) else " " for char in text).split())


def _allowed(char: str) -> bool:
    code = ord(char)
    if code < 0x20 or 0x7F <= code < 0xA0:
        return False
    return not (0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code < 0xFDF0) and (
        char not in _BIDI_CONTROLS
    )


def breakable(text: str, longest: int = 24) -> str:
    """Let a line break inside each run of more than ``longest`` characters: a phone shows about 40 in a line.

    Not for what a person copies into a search field, as a Patient ID: the break is a character, though unseen.
    """
    return re.sub(
        rf"\S{{{longest}}}(?=\S)",
        lambda run: run[0] + ("" if _breaks_anyway(run[0][-1]) else _ZERO_WIDTH_SPACE),
        text,
    )


def _breaks_anyway(char: str) -> bool:
    """Tell whether a line may break after this character, as between ideographs and kana."""
    return unicodedata.east_asian_width(char) == "W"


def direction(text: str) -> str:
    """Return ``rtl`` or ``ltr`` by the first character that has a direction of its own.

    It stands for ``dir="auto"``, which XHTML 1.0 Strict does not know. Source: Unicode Bidirectional Algorithm P2, P3.
    """
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in ("R", "AL"):
            return "rtl"
        if kind == "L":
            return "ltr"
    return "ltr"


def person_name(value: str) -> tuple[str, ...]:
    """Return each component group of a person name that says something, as a person writes it.

    ``Müller^Hans^Peter^Dr.`` is "Müller, Hans Peter (Dr.)"; the ideographic and phonetic groups have the family name
    first and no comma. Source: PS3.5 6.2.1.2.
    """
    groups = [_name(group, ", " if place == 0 else " ") for place, group in enumerate(value.split("=")[:3])]
    return tuple(group for group in groups if group)


def _name(group: str, comma: str) -> str:
    family, given, middle, prefix, suffix = ([clean(part) for part in group.split("^")] + [""] * 5)[:5]
    whole = comma.join(part for part in (family, " ".join(part for part in (given, middle) if part)) if part)
    titles = ", ".join(part for part in (prefix, suffix) if part)
    return f"{whole} ({titles})" if whole and titles else whole or titles


def date(value: str) -> str:
    """Return a DA value in ISO 8601 form, or as it is where it is none. Source: PS3.5 6.2 (DA, and its old form)."""
    match = re.fullmatch(r"(\d{4})\.?(\d{2})\.?(\d{2})", value)
    return "-".join(match.groups()) if match else clean(value)


def time(value: str) -> str:
    """Return hours and minutes of a TM value, ``""`` where there are none. Source: PS3.5 6.2 (TM)."""
    match = re.match(r"([01]\d|2[0-3]):?([0-5]\d)", value)
    return ":".join(match.groups()) if match else ""


SEXES = {"M": "male", "F": "female", "O": "other"}
"""Patient's Sex (PS3.3 C.7.1.1)."""

REASONS = {
    **dict.fromkeys(("truncated-file", "truncated-pixel-data"), "the file is cut short"),
    "corrupt-codestream": "the image in the file is damaged",
    **dict.fromkeys(("unreadable", "unreadable-file"), "the file could not be read"),
    "unreadable-folder": "a folder could not be read",
    "broken-link": "a link leads nowhere",
    **dict.fromkeys(("archive-refused", "iso-extent-refused"), "a damaged archive or disc image"),
    "nested-archive": "an archive inside another",
    "encrypted-member": "locked with a password",
    "missing-file": "it stands in a list of contents, and is not there",
    "other-instance": "another file lies in its place",
    "promise-unknown": "a list of contents that cannot be read",
    "sop-class-not-in-profile": "this sort of medium cannot hold it",
    "private-sop-class": "only a program of its maker can read it",
    "rejected-by-note": "withdrawn by the institution",
    "rejection-note": "a note by which the institution withdrew images",
    "dicomdir": "the list of contents of another medium",
    "not-dicom": "not in DICOM format",
    "empty-file": "an empty file",
    "same-instance": "the same file twice",
    "other-header": "the same image with other details",
    "not-taken": "another image was chosen instead",
}
"""Why something is not on a medium, by the code of the Finding; what is not here is said by its code."""

KINDS = {
    "IMAGE": ("image", "images"),
    "SR DOCUMENT": ("report", "reports"),
    "ENCAP DOC": ("document", "documents"),
    "KEY OBJECT DOC": ("key image note", "key image notes"),
    "PRESENTATION": ("presentation state", "presentation states"),
    "WAVEFORM": ("waveform", "waveforms"),
    "RT PLAN": ("treatment plan", "treatment plans"),
    "RT DOSE": ("dose distribution", "dose distributions"),
    "RT STRUCTURE SET": ("structure set", "structure sets"),
    "RT TREAT RECORD": ("treatment record", "treatment records"),
}
"""What a person calls an instance, by the type of its directory record (PS3.3 F.4)."""


def counted(number: int, record_type: str) -> str:
    """Return "1 image", "24 images", "2 surface objects"."""
    name = record_type.lower()
    one, many = KINDS.get(record_type, (f"{name} object", f"{name} objects"))
    return f"{number:,} {one if number == 1 else many}"


_SPELLINGS = str.maketrans(
    {
        "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ẞ": "SS",
        "Æ": "Ae", "æ": "ae", "Œ": "Oe", "œ": "oe", "Ø": "Oe", "ø": "oe", "Þ": "Th", "þ": "th",
        "Ð": "D", "ð": "d", "Đ": "D", "đ": "d", "Ł": "L", "ł": "l", "ı": "i",
        "‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "‑": "-", "…": "...", "·": "-", "•": "-",
    }
)  # fmt: skip


def ascii_text(text: str) -> str:
    """Spell a text in ASCII, ``""`` where a letter of it has no such spelling: half a name misleads."""
    spelt = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).translate(_SPELLINGS))
    plain = "".join(char for char in spelt if not unicodedata.combining(char))
    return " ".join("".join(char if char.isprintable() else " " for char in plain).split()) if plain.isascii() else ""
