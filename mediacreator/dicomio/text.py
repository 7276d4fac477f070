"""Decode and encode text values by their Specific Character Set (PS3.5 6.1, PS3.3 C.12.1.1.2)."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

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


_EXTENSIONS = frozenset(
    (
        *(f"ISO 2022 IR {n}" for n in (6, 13, 58, 87, 100, 101, 109, 110, 126, 127, 138, 144, 148, 149, 159, 166, 203)),
        "ISO_IR 13",
    )
)
"""Character sets that pydicom decodes for us: with code extensions, and JIS X 0201 (Tables C.12-2 to C.12-4)."""

_EVERY_EXTENSION = "\\".join(["", *sorted(_EXTENSIONS - {"ISO_IR 13"})]).encode("ascii")

_ISO_IR_203 = (("ISO 2022 IR 203", "iso8859_15"), (b"\x1b-b", "iso8859_15"))  # newer than pydicom 3.0.2
_ESCAPE = re.compile(rb"(\x1b[\x20-\x2f]+[\x30-\x7e])")
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
    """Decode ISO 2022 code extensions, and what is rarer; pydicom knows them all (PS3.5 6.1.2.5)."""
    from pydicom.charset import CODES_TO_ENCODINGS, convert_encodings, decode_bytes, python_encoding
    from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS

    (name, codec), (escape, _) = _ISO_IR_203
    python_encoding.setdefault(name, codec)
    CODES_TO_ENCODINGS.setdefault(escape, codec)
    terms = _terms(character_set)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unknown terms are a Finding of the caller's, not a line on stderr
        try:
            encodings = convert_encodings(terms if terms != [""] else ["ISO_IR 6"])
            delimiters = PN_DELIMS if vr == "PN" else TEXT_VR_DELIMS
            return "=".join(decode_bytes(part, encodings, delimiters) for part in _groups(value, vr)).rstrip(_PADDING)
        except (LookupError, UnicodeError, ValueError):
            return value.decode("ascii", "replace").rstrip(_PADDING)


def _groups(value: bytes, vr: str) -> list[bytes]:
    """Split a person name into its component groups, each of which begins in the initial character set.

    A byte of = that is half of a character of two bytes delimits nothing: 春 is = and U in JIS X 0208.
    """
    if vr != "PN" or b"\x1b" not in value:
        return value.split(b"=") if vr == "PN" else [value]
    groups = [b""]
    two_bytes = False
    for part in _ESCAPE.split(value):
        if part.startswith(b"\x1b"):
            two_bytes = _designates_g0(part, two_bytes)
            groups[-1] += part
        else:
            first, *others = [part] if two_bytes else part.split(b"=")
            groups[-1] += first
            groups += others
    return groups


def _designates_g0(escape: bytes, before: bool) -> bool:
    """Tell whether G0 has characters of two bytes after an escape sequence (ISO 2022; PS3.3 Tables C.12-3, C.12-4)."""
    if escape[1:2] == b"$":
        return True if escape[2:3] not in (b")", b"-") else before
    return False if escape[1:2] == b"(" else before
