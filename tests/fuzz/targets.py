"""What is fuzzed: bytes to begin with, how a script of bytes mutates them, and what must hold of whatever comes out."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from functools import cache

from pydicom.data import get_testdata_file

from mediacreator.dicomio.fallback import read_header_with_pydicom
from mediacreator.dicomio.header import Wanted, read_header
from mediacreator.dicomio.walker import walk
from mediacreator.dicomio.window import FIRST_READ, NotDICOM, Truncated, Unusual
from mediacreator.errors import MediaCreatorError
from mediacreator.medium_listing import list_patients
from mediacreator.medium_records import decoded, identifiers
from mediacreator.rules.library import load_profile
from mediacreator.rules.wanted import wanted
from tests.dicomdirs import EXPLICIT_BE, IMPLICIT_LE, Record, dicomdir, element, tree
from tests.every_record import every_record
from tests.hostile.corpus import CASES

_INTERESTING = (0, 1, 2, 4, 7, 8, 0x7F, 0x80, 0xFF, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_PIECES = (
    b"\xfe\xff\x00\xe0",
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff\x04\x00\x00\x14",
    b"\xfe\xff\x0d\xe0\0\0\0\0",
    b"\xfe\xff\xdd\xe0\0\0\0\0",
    b"\x04\x00\x20\x12SQ\0\0\xff\xff\xff\xff",
    b"\x04\x00\x00\x14UL\x04\0",
    b"SQ\0\0\xff\xff\xff\xff",
    b"UN\0\0\xff\xff\xff\xff",
    b"\x1b$B",
    b"\x1b(B",
    b"\\ISO 2022 IR 87",
    b"\xe0\x7f\x10\x00OW\0\0\xff\xff\xff\xff",
)
_STEP = struct.Struct("<BHHB")  # what, where, length, value
_MOST_STEPS = 12
_MOST_BYTES = 64_000


def mutated(base: bytes, script: bytes) -> bytes:
    """Return ``base`` as a script changes it: flips, numbers, pieces, cuts, moves; six bytes for each step."""
    data = bytearray(base)
    for start in range(0, min(len(script), _STEP.size * _MOST_STEPS) - _STEP.size + 1, _STEP.size):
        what, where, length, value = _STEP.unpack_from(script, start)
        if not data:
            break
        _step(data, what % 8, where % len(data), length, value)
    return bytes(data[:_MOST_BYTES])


def _step(data: bytearray, what: int, at: int, length: int, value: int) -> None:
    number = _INTERESTING[value % len(_INTERESTING)]
    if what == 0:
        data[at] = value
    elif what == 1:
        data[at] ^= 1 << value % 8
    elif what == 2:
        data[at : at + 4] = struct.pack("<L", number if length & 1 else length)
    elif what == 3:
        data[at : at + 2] = struct.pack("<H", number & 0xFFFF)
    elif what == 4:
        piece = _PIECES[value % len(_PIECES)]
        data[at : at + (len(piece) if length & 1 else 0)] = piece
    elif what == 5:
        del data[at : at + length % 300]
    elif what == 6:
        data[at:at] = data[length % len(data) :][:value]
    else:
        del data[max(at, 150) :]


@cache
def directories() -> tuple[bytes, ...]:
    """Return the DICOMDIRs that mutations of the walker begin with."""
    records = tree(images=2, series=2)
    for record in (records[0], records[0].below[0], *records[0].below[0].below):
        record.undefined = True
    text = element(0x00080005, b"CS", b"\\ISO 2022 IR 87") + element(
        0x00100010, b"PN", b"A=\x1b$B;3ED\x1b(B^\x1b$BB@\x1b(B"
    )
    return (
        dicomdir(tree(images=2, series=2, patients=2)),
        dicomdir(records, undefined_sequence=True),
        dicomdir(tree(images=2), syntax=IMPLICIT_LE, undefined_sequence=True),
        dicomdir(tree(images=2), syntax=EXPLICIT_BE),
        dicomdir(tree(images=2), shift=-132),
        dicomdir([Record(b"PATIENT", text), Record(b"PRIVATE", undefined=True)]),
        dicomdir(every_record()),
        *(case.data for case in CASES.values() if len(case.data) < 4000),
    )


@cache
def files() -> tuple[bytes, ...]:
    """Return the DICOM files that mutations of the header readers begin with: their first bytes."""
    names = (
        *("CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "image_dfl.dcm", "JPEG2000.dcm"),
        *("rtplan.dcm", "reportsi.dcm", "nested_priv_SQ.dcm", "no_meta.dcm", "693_J2KI.dcm", "priv_SQ.dcm"),
        *("chrH31.dcm", "waveform_ecg.dcm", "UN_sequence.dcm"),
    )
    found = (get_testdata_file(name) for name in names)
    return tuple(_beginning(str(path)) for path in found if path)


def _beginning(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(6000)


def fuzz_walker(data: bytes) -> None:
    """Walk, list and decode; only our errors, and a tree of which each record is part at most once."""
    try:
        directory = walk(data)
    except MediaCreatorError:
        return
    reached = [record.index for record in directory.in_order()]
    shared = {record.multi_referenced for record in directory.records} - {None}
    assert len(reached) == len(set(reached))
    everything = {*reached, *shared, *(record.index for record in directory.orphans)}
    assert everything == set(range(len(directory.records)))
    for record in directory.records:
        assert record.parent is None or record.index in directory.children[record.parent]
    list_patients(directory)
    assert all(str(found).isprintable() for found in directory.findings)
    for record in directory.records[:20]:
        decoded(record)
        identifiers(record)


@cache
def _wanted() -> Wanted:
    return Wanted.of(wanted([load_profile("STD-GEN-CD")]))


def fuzz_header(data: bytes) -> None:
    """Read a header with our reader, and with the other one where ours gives up; only what they say they raise."""
    try:
        read_header(data[:FIRST_READ], len(data), lambda at, count: data[at : at + count], _wanted())
    except Truncated:
        return
    except Unusual:
        try:
            read_header_with_pydicom(io.BytesIO(data), len(data), _wanted())
        except (Truncated, NotDICOM):
            return


TARGETS: dict[str, tuple[Callable[[], tuple[bytes, ...]], Callable[[bytes], None]]] = {
    "walker": (directories, fuzz_walker),
    "header": (files, fuzz_header),
}


def run_one(target: str, script: bytes) -> None:
    """Mutate one of the target's bases as a script says, and try it; the first byte chooses the base."""
    bases, fuzz = TARGETS[target]
    if script:
        fuzz(mutated(bases()[script[0] % len(bases())], script[1:]))
