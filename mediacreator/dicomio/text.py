"""Decode and encode text values by their Specific Character Set (PS3.5 6.1, PS3.3 C.12.1.1.2)."""

from __future__ import annotations

import re
from functools import lru_cache

from mediacreator.dicomio.iso2022 import TERMS, decode

_PADDING = " \x00"


def is_default_repertoire(value: bytes) -> bool:
    """Tell whether a value needs no Specific Character Set: only ISO-IR 6 and no escape (PS3.5 6.1.2.1)."""
    return value.isascii() and b"\x1b" not in value


_CODECS = {
    "": "latin_1",  # undeclared: what most senders of such text meant
    "ISO_IR 6": "latin_1",
    "ISO_IR 100": "latin_1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 144": "iso8859_5",
    "ISO_IR 127": "iso8859_6",
    "ISO_IR 126": "iso8859_7",
    "ISO_IR 138": "iso8859_8",
    "ISO_IR 148": "iso8859_9",
    "ISO_IR 203": "iso8859_15",
    "ISO_IR 166": "iso8859_11",
    "ISO_IR 192": "utf_8",
    "GB18030": "gb18030",
    "GBK": "gbk",
}
"""Character sets without code extensions, and Python's names for them (PS3.3 C.12.1.1.2, Tables C.12-2 and C.12-5)."""

_SINGLE_BYTE = frozenset(_CODECS.values()) - {"utf_8", "gb18030", "gbk"}

_DEFAULT = ("", "ISO_IR 6")  # the default repertoire: more is read under it, and never written


_WITHOUT_EXTENSIONS = frozenset(("ISO_IR 192", "GB18030", "GBK"))
"""Character sets that others may not extend (PS3.3 Table C.12-5)."""

_EXTENSIONS = frozenset((*(f"ISO 2022 IR {number}" for number in TERMS), "ISO_IR 13"))
"""Character sets with code extensions, and JIS X 0201 (PS3.3 Tables C.12-2 to C.12-4)."""

_EVERY_EXTENSION = "\\".join(["", *sorted(_EXTENSIONS - {"ISO_IR 13"})]).encode("ascii")
_NUMBER = re.compile(r"(?i)ISO[ _-]?(?:2022[ _-]?)?(?:IR[ _-]?)?(\d+)")  # ISO 2022 IR 87, and ways to misspell it
_OTHER = {  # names that no standard defines and that are met; what is declared so is a Finding
    **dict.fromkeys(("UTF-8", "UTF8", "UTF_8", "ISO 2022 IR 192"), "utf_8"),
    **dict.fromkeys(("ISO 2022 GBK", "CP936", "GB2312"), "gbk"),
    **dict.fromkeys(("ISO 2022 GB18030",), "gb18030"),
    **dict.fromkeys(("SHIFT_JIS", "SJIS", "SHIFT-JIS"), "shift_jis"),
    **dict.fromkeys(("EUC-JP", "EUC_JP"), "euc_jp"),
    **dict.fromkeys(("EUC-KR", "EUC_KR", "KS_C_5601-1987"), "cp949"),
    **{f"ISO{sign}8859-{number}": f"iso8859_{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15) for sign in "-_ "},
    **{f"{name}{number}": f"cp{number}" for number in range(1250, 1259) for name in ("WINDOWS-", "CP")},
}
_C1 = re.compile("[\x80-\x9f]")  # controls that PS3.5 6.1.3 does not allow: text of another character set


@lru_cache(maxsize=4096)
def decode_text(value: bytes, character_set: bytes, vr: str = "LO") -> str:
    """Return a text value as a string, padding removed; never fails.

    Args:
        value: Bytes of the value field; several values stay joined with a backslash.
        character_set: Bytes of Specific Character Set (0008,0005), ``b""`` when absent.
        vr: PN splits its component groups and LT, ST, UT its lines, where ISO 2022 sets are reset.

    Returns:
        The text. Bytes that the set does not define become the replacement character, so that a wrong character set can
        be seen and does not stop a job.

    Source: PS3.5 6.1.2.5.3 (where code extensions are reset).
    """
    if is_default_repertoire(value):
        return value.decode("ascii").rstrip(_PADDING)
    codec = _CODECS.get(character_set.decode("ascii", "replace").strip(_PADDING))
    if codec is not None and b"\x1b" not in value:
        return value.decode(codec, "replace").rstrip(_PADDING)
    return _decode_with_extensions(value, character_set, vr)


def text_problem(value: bytes, character_set: bytes, vr: str = "LO") -> str:
    """Say by a Finding's code how a text value contradicts its Specific Character Set; "" when it does not.

    Args:
        value: Bytes of the value field.
        character_set: Bytes of Specific Character Set (0008,0005), ``b""`` when absent.
        vr: As for ``decode_text``.

    Source: PS3.3 C.12.1.1.2 (which terms there are, and that it is there when it is needed), PS3.5 6.1.2.
    """
    if is_default_repertoire(value):
        return ""
    terms = _terms(character_set)
    if not character_set.strip(b" \0") or terms == ["ISO_IR 6"]:
        return "no-character-set"
    if not all(term in _CODECS or term in _EXTENSIONS for term in terms):
        return "unknown-character-set"
    if _CODECS.get(terms[0], "utf_8") in _SINGLE_BYTE and _is_utf_8(value):
        return "other-character-set"
    text = decode_text(value, character_set, vr)
    return "undecodable-text" if "\ufffd" in text or "\x1b" in text or _C1.search(text) else ""


def readable_text(value: bytes, character_set: bytes, vr: str = "LO") -> str:
    """Return a text value as a person should read it: as UTF-8 where it is that and its set is missing or wrong.

    Text beyond ASCII that is well-formed UTF-8 is hardly ever anything else, and what its set says is then unreadable.
    Escape sequences tell the set that follows them.
    """
    if is_default_repertoire(value):
        return value.decode("ascii").rstrip(_PADDING)
    if text_problem(value, character_set, vr):
        if _is_utf_8(value):
            return value.decode("utf-8").rstrip(_PADDING)
        if b"\x1b" in value and not text_problem(value, _EVERY_EXTENSION, vr):
            return decode_text(value, _EVERY_EXTENSION, vr)
    return decode_text(value, character_set, vr)


def _is_utf_8(value: bytes) -> bool:
    """Tell whether a value has characters beyond ASCII, and all of them in well-formed UTF-8."""
    if value.isascii() or b"\x1b" in value:
        return False
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _terms(character_set: bytes) -> list[str]:
    return [term.strip() for term in character_set.decode("ascii", "replace").strip(_PADDING).split("\\")]


def in_character_set(value: bytes, theirs: bytes, ours: bytes, vr: str = "LO") -> bytes | None:
    """Return a text value of one Data Set as another has to write it; None where its character set cannot say it.

    Args:
        value: Bytes of the value field.
        theirs: Specific Character Set (0008,0005) of the Data Set that it comes from, ``b""`` when absent.
        ours: That of the Data Set that it goes to.
        vr: As for ``decode_text``.
    """
    if is_default_repertoire(value) or theirs == ours:
        return value
    term = ours.decode("ascii", "replace").strip(_PADDING)
    codec = _CODECS.get(term)
    text = decode_text(value, theirs, vr)
    if codec is None or term in _DEFAULT or "\ufffd" in text:
        return None
    try:
        encoded = text.encode(codec)
    except UnicodeEncodeError:
        return None
    return encoded + b" " * (len(encoded) % 2)


def _decode_with_extensions(value: bytes, character_set: bytes, vr: str) -> str:
    """Decode ISO 2022 code extensions (PS3.5 6.1.2.5), and what is declared in a way that no standard defines."""
    terms = _terms(character_set)
    codec = _CODECS.get(terms[0], "") if terms[0] in _WITHOUT_EXTENSIONS else _OTHER.get(terms[0].upper(), "")
    if codec:
        return value.decode(codec, "replace").rstrip(_PADDING)
    numbers = [int(number) for number in _NUMBER.findall("\\".join(terms))]
    first = _NUMBER.search(terms[0])
    return decode(value, numbers, int(first[1]) if first else 6, vr).rstrip(_PADDING)
