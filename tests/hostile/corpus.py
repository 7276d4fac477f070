"""DICOMDIRs that are broken in every way we know or could think of, and what the walk must answer to each.

A case is the smallest DICOMDIR that shows the fault. What is not said to be wrong is read as in the whole one:
``reached`` counts the records that the root leads to, ``orphans`` those that it does not.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from mediacreator.dicomio.walker import walk
from tests.dicomdirs import (
    DIRECTORY_CLASS,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Record,
    at,
    dicomdir,
    element,
    file_meta,
    patched,
    tree,
)

DEFLATED = b"1.2.840.10008.1.2.1.99"
SEQUENCE = struct.pack("<HH2sH", 4, 0x1220, b"SQ", 0)
NEXT, LOWER = 16, 38  # of the values of (0004,1400) and (0004,1420), from the item tag of a record


@dataclass(frozen=True)
class Case:
    """A broken DICOMDIR and the answer to it."""

    data: bytes
    codes: frozenset[str]
    reached: int
    orphans: int = 0


def plain() -> list[Record]:
    """A patient, a study, two series with two images each: 8 records."""
    return tree(images=2)


PLAIN = dicomdir(plain())
OFFSETS = [record.offset for record in walk(PLAIN).records]
_cases: dict[str, Case] = {}


def _case(name: str, data: bytes, *codes: str, reached: int = 8, orphans: int = 0) -> None:
    assert name not in _cases
    _cases[name] = Case(data, frozenset(codes), reached, orphans)


def link(record: int, field: int, value: int, data: bytes = PLAIN) -> bytes:
    """Return a DICOMDIR with another offset in a record."""
    return patched(data, OFFSETS[record] + field, struct.pack("<I", value))


def changed(change: Callable[[list[Record]], object]) -> bytes:
    """Return a DICOMDIR whose records were changed before they were encoded."""
    records = plain()
    change(records)
    return dicomdir(records)


def _images(records: list[Record]) -> list[Record]:
    return [image for series in records[0].below[0].below for image in series.below]


# --- right in an unusual way

_case("undefined lengths", dicomdir(plain(), undefined_sequence=True))
_case("no records", dicomdir([]), reached=0)
_case(
    "no Directory Information Module",
    file_meta(DIRECTORY_CLASS, b"2.25.1") + element(0x00041130, b"CS", b"EMPTY"),
    "no-directory-information",
    reached=0,
)


def _group_lengths(records: list[Record]) -> None:
    for record in (records[0], records[0].below[0], *records[0].below[0].below, *_images(records)):
        record.before = element(0x00040000, b"UL", b"\1\0\0\0")


_case("group lengths in the records", changed(_group_lengths))
_case(
    "a group length, and a wrong item length",
    patched(changed(_group_lengths), walk(changed(_group_lengths)).records[4].offset + 4, b"\4\0\0\0"),
    "damaged-record",
    "damaged-sequence",
    "bad-link",
    "in-use-flag",
    "record-without-type",
)

# --- encodings

for _name, _syntax in (("implicit", IMPLICIT_LE), ("big endian", EXPLICIT_BE)):
    _case(_name, dicomdir(plain(), syntax=_syntax), "directory-transfer-syntax")
    _undefined = plain()
    _undefined[0].undefined = _undefined[0].below[0].undefined = True
    _case(
        f"{_name}, undefined lengths",
        dicomdir(_undefined, undefined_sequence=True, syntax=_syntax),
        "directory-transfer-syntax",
    )
    _case(
        f"{_name}, and says Explicit VR Little Endian",
        dicomdir(plain(), syntax=_syntax, stated=EXPLICIT_LE),
        "wrong-transfer-syntax",
    )
_case(
    "explicit, and says Implicit VR",
    dicomdir(plain(), stated=IMPLICIT_LE),
    "directory-transfer-syntax",
    "wrong-transfer-syntax",
)

_META, _SET = file_meta(DIRECTORY_CLASS, b"2.25.1", DEFLATED), PLAIN[at(PLAIN, b"\4\0\x30\x11") :]
_GROWN = len(_META) - at(PLAIN, b"\4\0\x30\x11")


def deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


_case("deflated, offsets as before", _META + deflated(_SET), "directory-transfer-syntax", "shifted-offsets")
_case(
    "deflated, offsets counted in what is inflated",
    _META + deflated(dicomdir(plain(), shift=_GROWN)[at(PLAIN, b"\4\0\x30\x11") :]),
    "directory-transfer-syntax",
)
_case(
    "said to be deflated and is not",
    _META + _SET,
    "directory-transfer-syntax",
    "wrong-transfer-syntax",
    "shifted-offsets",
)
_case(
    "an unknown Transfer Syntax",
    PLAIN.replace(
        element(0x00020010, b"UI", b"1.2.840.10008.1.2.1"), element(0x00020010, b"UI", b"1.2.840.99999.1.2.1")
    ),
    "directory-transfer-syntax",
)

# --- File Meta Information

_SET_AT = at(PLAIN, b"\4\0\x30\x11")
_NO_META = ("no-file-meta", "not-a-directory-class", "directory-transfer-syntax", "shifted-offsets")
_case("no preamble", PLAIN[132:], "no-preamble", "shifted-offsets")
_case("no File Meta Information", PLAIN[_SET_AT:], "no-preamble", *_NO_META)
_case("no File Meta Information behind the preamble", PLAIN[:132] + PLAIN[_SET_AT:], *_NO_META)
_case("wrong group length", patched(PLAIN, 140, b"\xff\0\0\0"), "wrong-group-length")
_case(
    "damaged File Meta Information",
    patched(PLAIN, 148, b"??"),
    "damaged-file-meta",
    "not-a-directory-class",
    "directory-transfer-syntax",
)
_case("another SOP Class", PLAIN.replace(b"10008.1.3.10", b"10008.1.3.11"), "not-a-directory-class")

# --- the elements before the records

_case("consistency flag FFFF", dicomdir(plain(), flag=0xFFFF), "consistency-flag")
_case("wrong last offset", dicomdir(plain(), last=5), "wrong-last-offset")
_case("first offset 0", dicomdir(plain(), first=0), "orphan-record", reached=0, orphans=8)
_case(
    "first offset into the void",
    dicomdir(plain(), first=99_999_999),
    "dangling-offset",
    "orphan-record",
    reached=0,
    orphans=8,
)
_case(
    "first offset at a study",
    dicomdir(plain(), first=OFFSETS[1]),
    "misplaced-record",
    "orphan-record",
    "record-linked-twice",
    "wrong-last-offset",
    reached=7,
    orphans=1,
)
_case("sequence too long", patched(PLAIN, at(PLAIN, SEQUENCE) + 8, b"\xff\xff\0\0"), "truncated-directory")
_case("sequence too short", patched(PLAIN, at(PLAIN, SEQUENCE) + 8, b"\x40\0\0\0"), "wrong-sequence-length")
_case("sequence of length 0", patched(PLAIN, at(PLAIN, SEQUENCE) + 8, b"\0\0\0\0"), "wrong-sequence-length")
_case("no sequence", patched(PLAIN, at(PLAIN, SEQUENCE), b"\0" * 8), "no-record-sequence", "damaged-directory")
_case(
    "sequence gone",
    PLAIN[: at(PLAIN, SEQUENCE)] + PLAIN[at(PLAIN, SEQUENCE) + 12 :],
    "no-record-sequence",
    "shifted-offsets",
)
_case("elements after the records", PLAIN + element(0xFFFCFFFC, b"OB", b"\0" * 8))
_case("zeros after the records", PLAIN + bytes(4096))

# --- offsets

for _shift in (-132, -128, -4, 8, 1, 1 << 20):
    _case(f"offsets shifted by {_shift}", dicomdir(plain(), shift=_shift), "shifted-offsets")


def _with_mrdr(shift: int = 0) -> bytes:
    records = plain()
    image = _images(records)[0]
    image.file_id, image.keys = b"", element(0x00041504, b"UL", b"\0\0\0\0")
    whole = dicomdir([*records, Record(b"MRDR", file_id=b"SHARED", uid=b"2.25.7")], shift=shift)
    offsets = [record.offset for record in walk(whole).records]
    whole = patched(whole, at(whole, b"\4\0\4\x15UL\4\0") + 8, struct.pack("<I", offsets[-1] + shift))
    whole = patched(whole, offsets[0] + NEXT, b"\0\0\0\0")
    return patched(whole, at(whole, b"\4\0\2\x12UL\4\0") + 8, struct.pack("<I", offsets[0] + shift))


_case("a multi-referenced file", _with_mrdr(), "retired-record-type")
_case("a multi-referenced file, shifted", _with_mrdr(-132), "retired-record-type", "shifted-offsets")
_case("a record that follows itself", link(3, NEXT, OFFSETS[3]), "record-cycle", "orphan-record", reached=7, orphans=1)
_case("a record below itself", link(3, LOWER, OFFSETS[3]), "record-cycle")
_case("an image above its patient", link(7, LOWER, OFFSETS[0]), "record-cycle")
_case("an image before its patient", link(7, NEXT, OFFSETS[0]), "record-cycle")
_case("two images that follow each other", link(7, NEXT, OFFSETS[6]), "record-cycle")
_case(
    "a series with the images of another",
    link(5, LOWER, OFFSETS[3]),
    "record-linked-twice",
    "orphan-record",
    reached=6,
    orphans=2,
)
_case("a way across", link(4, NEXT, OFFSETS[6]), "record-linked-twice")
_case(
    "next offset between records",
    link(3, NEXT, OFFSETS[4] + 2),
    "dangling-offset",
    "orphan-record",
    reached=7,
    orphans=1,
)
_case(
    "next offset out of the file", link(3, NEXT, 0xFFFFFFFE), "dangling-offset", "orphan-record", reached=7, orphans=1
)
_case(
    "next offset into File Meta Information",
    link(3, NEXT, 132),
    "dangling-offset",
    "orphan-record",
    reached=7,
    orphans=1,
)
_case("lower offset 0", link(2, LOWER, 0), "orphan-record", reached=6, orphans=2)
_case(
    "orphans that lead only to each other",
    link(4, NEXT, OFFSETS[3], link(2, LOWER, 0)),
    "orphan-record",
    "record-cycle",
    reached=6,
    orphans=2,
)
_case(
    "an orphan that leads into the tree",
    link(4, LOWER, OFFSETS[5], link(2, LOWER, 0)),
    "orphan-record",
    "record-linked-twice",
    reached=6,
    orphans=2,
)
_case(
    "offset of 2 bytes",
    PLAIN.replace(
        b"\4\0\x20\x14UL\4\0" + struct.pack("<I", OFFSETS[6]), b"\4\0\x20\x14UL\2\0" + struct.pack("<I", OFFSETS[6])
    ),
    "damaged-record",
    "record-without-type",
)

# --- items

for _length in (0, 7, 0x7FFFFFFF, 0xFFFFFFFE):
    _case(
        f"item length {_length}",
        patched(PLAIN, OFFSETS[4] + 4, struct.pack("<I", _length)),
        *(
            ("damaged-record",)
            if _length > 7
            else ("bad-link", "damaged-sequence", "in-use-flag", "record-without-type")
        ),
        *(("damaged-record",) if _length == 7 else ()),
    )
_case("item tag gone", patched(PLAIN, OFFSETS[4], b"\0" * 8), "damaged-sequence", "dangling-offset", reached=7)
_case("an item without an end", patched(PLAIN, OFFSETS[4] + 4, b"\xff\xff\xff\xff"), "damaged-record")
_case("the last item without an end", patched(PLAIN, OFFSETS[7] + 4, b"\xff\xff\xff\xff"), "damaged-record")
_case(
    "cut off in a record",
    PLAIN[: OFFSETS[7] + 20],
    "truncated-directory",
    "bad-link",
    "in-use-flag",
    "record-without-type",
)
_case("cut off between records", PLAIN[: OFFSETS[7]], "truncated-directory", "dangling-offset", reached=7)
_case(
    "cut off in an item tag",
    PLAIN[: OFFSETS[7] + 2],
    "truncated-directory",
    "damaged-sequence",
    "dangling-offset",
    reached=7,
)

# --- records

_case("inactive", changed(lambda r: setattr(_images(r)[0], "in_use", 0)), "inactive-record")
_case("odd mark of use", changed(lambda r: setattr(_images(r)[0], "in_use", 1)), "in-use-flag")
_case("no type", changed(lambda r: setattr(_images(r)[0], "type", b"")), "record-without-type")
_case("a type of no standard", changed(lambda r: setattr(_images(r)[0], "type", b"HOLOGRAM")), "unknown-record-type")
_case("a type in lower case", changed(lambda r: setattr(_images(r)[0], "type", b"image")), "unknown-record-type")
_case(
    "images below a patient",
    changed(lambda r: r[0].below.append(Record(b"IMAGE", file_id=b"X", uid=b"2.25.5"))),
    "misplaced-record",
    reached=9,
)
_case("an image without file", changed(lambda r: setattr(_images(r)[0], "file_id", b"")), "record-without-file")
_case("a private record without file", changed(lambda r: r[0].below.append(Record(b"PRIVATE"))), reached=9)
_case("one file twice", changed(lambda r: setattr(_images(r)[1], "file_id", b"P0\\S0\\E0\\IM0")), "duplicate-file-id")
_case(
    "one instance twice", changed(lambda r: setattr(_images(r)[1], "uid", b"2.25.4.0.0.0.0")), "duplicate-sop-instance"
)

for _file_id, _code in (
    (b"im0001", "bad-file-id"),
    (b"DICOM\\IM1.DCM", "bad-file-id"),
    (b"DICOM\\IM1.", "bad-file-id"),
    (b"DICOM/IM1", "bad-file-id"),
    (b"\\DICOM\\IM1", "bad-file-id"),
    (b"DICOM\\IM1\\", "bad-file-id"),
    (b"DICOM\\\\IM1", "bad-file-id"),
    (b"\\\\SERVER\\SHARE", "bad-file-id"),
    (b"\\", "bad-file-id"),
    (b"C:\\IM1", "bad-file-id"),
    (b".\\IM1", "bad-file-id"),
    (b"A\\B\\C\\D\\E\\F\\G\\H\\I", "bad-file-id"),
    (b"IM\xd61", "bad-file-id"),
    (b"IM\x001", "bad-file-id"),
    (b"IM1\nIM2", "bad-file-id"),
    (b"..", "unsafe-file-id"),
    (b"..\\..\\ETC\\PASSWD", "unsafe-file-id"),
    (b"A/../../B", "unsafe-file-id"),
    (b"A\\.. \\B", "unsafe-file-id"),
):
    _case(f"File ID {_file_id!r}", changed(lambda r, f=_file_id: setattr(_images(r)[0], "file_id", f)), _code)  # type: ignore[misc]
_case("File ID with padded components", changed(lambda r: setattr(_images(r)[0], "file_id", b"P0 \\S0 \\IM0   ")))


# --- text

_NAME = "Müller^Jürgen"


def _named(name: bytes, character_set: bytes | None = None) -> bytes:
    records = plain()
    keys = element(0x00100010, b"PN", name) + element(0x00100020, b"LO", b"ID0")
    records[0].keys = (b"" if character_set is None else element(0x00080005, b"CS", character_set)) + keys
    return dicomdir(records)


_case("Latin-1 declared", _named(_NAME.encode("latin-1"), b"ISO_IR 100"))
_case("UTF-8 declared", _named(_NAME.encode(), b"ISO_IR 192"))
_case("Latin-1 not declared", _named(_NAME.encode("latin-1")), "no-character-set")
_case("UTF-8 not declared", _named(_NAME.encode()), "no-character-set")
_case("character set empty", _named(_NAME.encode(), b""), "no-character-set")
_case("UTF-8 declared as Latin-1", _named(_NAME.encode(), b"ISO_IR 100"), "other-character-set")
_case("Latin-1 declared as UTF-8", _named(_NAME.encode("latin-1"), b"ISO_IR 192"), "undecodable-text")
_case("Windows-1252 declared as Latin-1", _named(b"O\x92Neill", b"ISO_IR 100"), "undecodable-text")
_case("a character set of no standard", _named(_NAME.encode(), b"UTF-8"), "unknown-character-set")
_case("an escape sequence not declared", _named(b"A=\x1b$B;3ED\x1b(B"), "no-character-set")
_case("an escape sequence cut off", _named(b"A=\x1b$B;3E", b"\\ISO 2022 IR 87"), "undecodable-text")
_case("bytes beyond every set", _named(bytes(range(0x80, 0xFF)), b"GB18030"), "undecodable-text")
_case("a name without end", _named(b"\xff" * 60_000, b"ISO_IR 192"), "undecodable-text")

CASES = _cases

REFUSED: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"\0",
    "zeros": bytes(4096),
    "a preamble alone": bytes(128) + b"DICM",
    "File Meta Information alone": file_meta(DIRECTORY_CLASS, b"2.25.1"),
    "an image": file_meta(b"1.2.840.10008.5.1.4.1.1.2", b"2.25.1") + element(0x00080016, b"UI", b"1.2"),
    "said to be deflated, and noise": _META + b"\xff" * 500,
    "text": b"This disc holds images. " * 100,
}
"""What is no DICOMDIR, and must be refused with a word."""
