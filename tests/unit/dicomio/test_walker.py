"""The walker against DICOMDIRs that are right, and wrong in every way we know (PS3.3 F.2, F.3; peers.md 6)."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediacreator.dicomio.walker import Directory, walk
from mediacreator.errors import MediaCreatorError, SourceUnreadable
from mediacreator.model import Severity
from tests.dicomdirs import Record, at, dicomdir, element, file_meta, patched, tree

NEXT = struct.pack("<HH2sH", 4, 0x1400, b"UL", 4)
LOWER = struct.pack("<HH2sH", 4, 0x1420, b"UL", 4)
TYPE = struct.pack("<HH2s", 4, 0x1430, b"CS")


def codes(directory: Directory) -> set[str]:
    return {found.code for found in directory.findings}


def shape(directory: Directory) -> list[tuple[int, str]]:
    """Depth and type of each record in the order of the tree."""
    depths: dict[int, int] = {}
    for record in directory.in_order():
        depths[record.index] = 0 if record.parent is None else depths[record.parent] + 1
    return [(depths[record.index], record.type) for record in directory.in_order()]


@pytest.mark.parametrize("undefined_sequence", [False, True])
@pytest.mark.parametrize("undefined_items", [False, True])
def test_regular_directories_have_no_findings_whatever_their_lengths(
    undefined_sequence: bool, undefined_items: bool
) -> None:
    records = tree(images=2, series=2, patients=2)
    for record in records:
        record.undefined = undefined_items
        record.below[0].below[0].undefined = undefined_items
    directory = walk(dicomdir(records, undefined_sequence=undefined_sequence))

    patient = [(0, "PATIENT"), (1, "STUDY"), *[(2, "SERIES"), (3, "IMAGE"), (3, "IMAGE")] * 2]
    assert shape(directory) == patient * 2
    assert directory.findings == ()
    assert directory.file_set_id == "TEST"
    assert directory.file_set_uid == "2.25.1"
    assert directory.consistency_flag == 0
    assert directory.records[3].file_id == ("P0", "S0", "E0", "IM0")
    assert directory.records[3].sop_instance_uid == "2.25.4.0.0.0.0"
    assert directory.records[0].text(0x00100010, "PN") == "Doe^Jane"


def test_records_alike_are_read_as_each_alone_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever byte of one of them is another: what it says and what is found does not depend on those before."""
    data = dicomdir(tree(images=3))
    last = walk(data).records[-1]
    broken = [
        patched(data, place, bytes((data[place] ^ flip,))) for place in range(last.offset, last.end) for flip in (1, 32)
    ]
    alike = [_told(one) for one in broken]
    monkeypatch.setattr("mediacreator.dicomio.walker_draft._ALIKE", 0)
    assert alike == [_told(one) for one in broken]
    assert len({str(told) for told in alike}) > 100


def _told(data: bytes) -> object:
    directory = walk(data)
    return directory.findings, [
        (r.type, r.file_id, r.sop_class_uid, r.sop_instance_uid, r.transfer_syntax_uid, r.next_offset, r.lower_offset)
        for r in directory.records
    ]


def test_a_memoryview_is_walked_as_bytes_are() -> None:
    data = dicomdir(tree())

    assert walk(memoryview(data)).records == walk(data).records


def test_the_order_is_that_of_the_offsets_and_not_of_the_bytes() -> None:
    """PS3.3 F.2.1: items may stand in any order."""
    data = dicomdir(tree(images=3, series=1))
    directory = walk(data)
    first, second, third = (record.offset for record in directory.records[3:])
    # series -> third -> first -> second
    data = patched(data, directory.records[2].offset + 8 + 12 + 10 + 8, struct.pack("<I", third))
    data = patched(data, third + 16, struct.pack("<I", first))
    data = patched(data, second + 16, struct.pack("<I", 0))

    walked = walk(data)

    assert [record.index for record in walked.in_order()] == [0, 1, 2, 5, 3, 4]
    assert walked.findings == ()


def test_private_and_retired_records_are_shown() -> None:
    """PS3.3 F.6.1 and Table F.4-1: PRIVATE may stand anywhere and hold anything."""
    records = tree(images=1, series=1)
    private = Record(b"PRIVATE", element(0x00041432, b"UI", b"2.25.9"), below=[Record(b"PATIENT")])
    records[0].below.append(private)
    records.append(Record(b"TOPIC"))
    directory = walk(dicomdir(records))

    assert codes(directory) == {"retired-record-type"}
    assert [record.type for record in directory.in_order()].count("PRIVATE") == 1
    assert all(found.severity is Severity.WARNING for found in directory.findings)


def test_a_multi_referenced_file_is_found_through_its_mrdr_record() -> None:
    """The retired MRDR record (PS3.3 F.6.2) stands outside the tree."""
    records = tree(images=1, series=1)
    image = records[0].below[0].below[0].below[0]
    image.file_id = b""
    image.keys = element(0x00041504, b"UL", b"\0\0\0\0")
    data = dicomdir([*records, Record(b"MRDR", file_id=b"SHARED", uid=b"2.25.7")])
    mrdr = walk(data).records[-1]
    data = patched(data, at(data, struct.pack("<HH2sH", 4, 0x1504, b"UL", 4)) + 8, struct.pack("<I", mrdr.offset))
    data = patched(data, walk(data).records[0].offset + 16, struct.pack("<I", 0))
    directory = walk(data)

    assert directory.records[3].file_id == ("SHARED",)
    assert "orphan-record" not in codes(directory)


# --- peers.md section 6: the faults that can be seen in the DICOMDIR alone


def test_fault_4_a_next_offset_that_leads_nowhere() -> None:
    data = dicomdir(tree(images=4, series=1))
    second = walk(data).records[4]
    directory = walk(patched(data, second.offset + 16, struct.pack("<I", second.offset + 2)))

    assert codes(directory) == {"dangling-offset", "orphan-record"}
    (dangling,) = [found for found in directory.findings if found.code == "dangling-offset"]
    assert dangling.location == "DICOMDIR record 5 (P0/S0/E0/IM1)"
    assert [record.file_id[-1] for record in directory.orphans] == ["IM2", "IM3"]


@pytest.mark.parametrize("target", range(6))
def test_fault_5_an_offset_cycle_ends_and_is_named(target: int) -> None:
    data = dicomdir(tree(images=4, series=1))
    records = walk(data).records
    directory = walk(patched(data, records[5].offset + 16, struct.pack("<I", records[target].offset)))

    (cycle,) = [found for found in directory.findings if found.code == "record-cycle"]
    assert cycle.location.startswith("DICOMDIR record 6 ")
    assert len(list(directory.in_order())) == 6
    assert len(directory.orphans) == 1


def test_fault_6_orphaned_images_are_shown_and_named_one_by_one() -> None:
    data = dicomdir(tree(images=3, series=2))
    series = walk(data).records[2]
    directory = walk(patched(data, series.offset + 8 + 12 + 10 + 8, b"\0\0\0\0"))

    orphans = [found for found in directory.findings if found.code == "orphan-record"]
    assert [found.location for found in orphans] == [f"DICOMDIR record {n + 4} (P0/S0/E0/IM{n})" for n in range(3)]
    assert all(found.severity is Severity.ERROR for found in orphans)
    assert [record.parent for record in directory.orphans] == [None] * 3


def test_fault_7_consistency_flag() -> None:
    directory = walk(dicomdir(tree(), flag=0xFFFF))

    assert codes(directory) == {"consistency-flag"}
    assert directory.consistency_flag == 0xFFFF


@pytest.mark.parametrize(
    ("file_id", "code", "words"),
    [
        (b"im0001", "bad-file-id", "lower case"),
        (b"DICOM\\IM1.DCM", "bad-file-id", "a dot"),
        (b"DICOM/IM1", "bad-file-id", "a slash"),
        (b"VERYLONGNAME", "bad-file-id", "more than 8 characters"),
        (b"A\\B\\C\\D\\E\\F\\G\\H\\I", "bad-file-id", "9 components"),
        (b"A\\\\B", "bad-file-id", "an empty component"),
        (b"IM-1", "bad-file-id", "other characters"),
        (b"..\\..\\ETC\\PASSWD", "unsafe-file-id", "leads out of the medium"),
        (b"A/../../B", "unsafe-file-id", "leads out of the medium"),
    ],
)
def test_fault_9_file_ids_that_break_the_rules(file_id: bytes, code: str, words: str) -> None:
    """PS3.10 8.2 and 8.5."""
    records = tree(images=1, series=1)
    records[0].below[0].below[0].below[0].file_id = file_id
    (found,) = walk(dicomdir(records)).findings

    assert found.code == code
    assert words in found.what


# --- other broken directories


def test_offsets_that_are_all_shifted_by_one_constant_are_corrected() -> None:
    """fo-dicom issue 1927: offsets counted without the preamble."""
    right, wrong = walk(dicomdir(tree(patients=2))), walk(dicomdir(tree(patients=2), shift=-132))

    assert shape(wrong) == shape(right)
    assert wrong.offset_shift == 132
    assert codes(wrong) == {"shifted-offsets"}


def test_a_shift_that_leaves_a_record_out_is_not_believed() -> None:
    """With all records of one length, several shifts would lead to records, and only one to the right patient."""
    data = dicomdir([Record(b"PRIVATE") for _ in range(4)])
    records = walk(data).records
    for record in records[:2]:
        data = patched(data, record.offset + 16, struct.pack("<I", record.next_offset + 1))

    directory = walk(data)

    assert directory.offset_shift == 0
    assert "dangling-offset" in codes(directory)


def test_a_record_with_two_parents_belongs_to_the_first() -> None:
    """PS3.3 F.2.1: a record belongs to one entity."""
    data = dicomdir(tree(images=2, series=2))
    first, second = walk(data).records[2], walk(data).records[5]
    directory = walk(patched(data, second.offset + 8 + 12 + 10 + 8, struct.pack("<I", first.lower_offset)))

    assert codes(directory) == {"record-linked-twice", "orphan-record"}
    assert directory.records[3].parent == 2


def test_records_after_the_end_of_the_sequence_are_read() -> None:
    data = dicomdir(tree())
    sequence = at(data, struct.pack("<HH2sH", 4, 0x1220, b"SQ", 0))
    directory = walk(patched(data, sequence + 8, struct.pack("<I", walk(data).records[4].offset - sequence - 12)))

    assert len(list(directory.in_order())) == len(walk(data).records)
    assert codes(directory) == {"wrong-sequence-length"}


def test_a_missing_sequence_header_loses_no_record() -> None:
    data = dicomdir(tree())
    sequence = at(data, struct.pack("<HH2sH", 4, 0x1220, b"SQ", 0))
    directory = walk(patched(data, sequence, b"\0" * 8))

    assert len(directory.records) == len(walk(data).records)
    assert codes(directory) & {"no-record-sequence", "damaged-directory"}


@pytest.mark.parametrize("length", [0, 4, 8, 40, 10_000, 0xFFFFFFF0])
def test_a_wrong_item_length_costs_no_other_record(length: int) -> None:
    data = dicomdir(tree())
    whole = walk(data)
    broken = whole.records[4]
    directory = walk(patched(data, broken.offset + 4, struct.pack("<I", length)))

    assert {record.offset for record in whole.records} == {record.offset for record in directory.records}
    assert codes(directory) & {"damaged-record", "damaged-sequence", "truncated-directory"}


@pytest.mark.parametrize("keep", [0.3, 0.5, 0.9, 0.999])
def test_a_truncated_directory_gives_what_is_left_and_says_so(keep: float) -> None:
    data = dicomdir(tree(patients=3))
    directory = walk(data[: int(len(data) * keep)])

    assert 0 < len(directory.records) <= len(walk(data).records)
    assert "truncated-directory" in codes(directory)
    assert any(found.severity is Severity.ERROR for found in directory.findings)


def test_a_directory_without_records_is_legal() -> None:
    """PS3.3 F.3.1: an FSR reads a DICOMDIR without Directory Information Module."""
    data = file_meta(b"1.2.840.10008.1.3.10", b"2.25.1") + element(0x00041130, b"CS", b"EMPTY")
    directory = walk(data)

    assert directory.records == ()
    assert codes(directory) == {"no-directory-information"}
    assert walk(dicomdir([])).findings == ()


def test_flags_types_and_places() -> None:
    records = tree(images=1, series=1)
    records[0].in_use = 0
    records[0].below[0].in_use = 0x1234
    records[0].below[0].below.append(Record(b"IMAGE"))
    records.append(Record(b"MYSTERY"))
    records.append(Record(b"SERIES"))
    directory = walk(dicomdir(records))

    assert codes(directory) == {
        "inactive-record",
        "in-use-flag",
        "misplaced-record",
        "record-without-file",
        "unknown-record-type",
    }
    assert [record.in_use for record in directory.records][:3] == [False, True, True]


def test_two_records_for_one_file_or_instance() -> None:
    """PS3.3 F.2.1."""
    records = tree(images=2, series=1)
    first, second = records[0].below[0].below[0].below
    second.file_id, second.uid = first.file_id, first.uid

    assert codes(walk(dicomdir(records))) == {"duplicate-file-id", "duplicate-sop-instance"}


def test_an_incomplete_reference() -> None:
    data = dicomdir(tree(images=1, series=1))
    position = at(data, struct.pack("<HH2s", 4, 0x1512, b"UI"))
    (found,) = walk(patched(data, position, struct.pack("<HH2s", 5, 0x1512, b"UI"))).findings

    assert found.code == "incomplete-reference"
    assert found.what.startswith("3 of the 4")


def test_no_file_meta_and_no_preamble() -> None:
    data = dicomdir(tree())
    offset = at(data, struct.pack("<HH", 4, 0x1130))

    assert {"no-preamble", "no-file-meta", "shifted-offsets"} <= codes(walk(data[offset:]))
    assert {"no-preamble", "shifted-offsets"} <= codes(walk(data[132:]))
    assert len(list(walk(data[offset:]).in_order())) == len(walk(data).records)


def test_wrong_group_length() -> None:
    data = dicomdir(tree())
    position = at(data, struct.pack("<HH2sH", 2, 0, b"UL", 4)) + 8

    assert codes(walk(patched(data, position, b"\1\0\0\0"))) == {"wrong-group-length"}


@pytest.mark.parametrize(
    "data",
    [b"", b"DICM", b"\0" * 132, b"\0" * 128 + b"DICM", b"PK\3\4" * 100, file_meta(b"1.2.840.10008.5.1.4.1.1.2", b"1")],
)
def test_what_is_no_dicomdir_is_refused(data: bytes) -> None:
    with pytest.raises(SourceUnreadable, match="not a DICOMDIR"):
        walk(data)


def test_findings_hold_no_identity_and_no_control_characters() -> None:
    records = tree(name=b"Secret^Person")
    records[0].type = b"\x1b[31mRED"
    for record in records[0].below[0].below[0].below:
        record.file_id = b"\x1b]0;evil\x07\\A"
    text = "\n".join(map(str, walk(dicomdir(records)).findings))

    assert text
    assert "Secret" not in text
    assert text.replace("\n", "").isprintable()


# --- it always ends


@pytest.mark.parametrize(
    "make",
    [
        lambda n: dicomdir([Record(b"PATIENT", lower=1) for _ in range(n)]),
        lambda n: dicomdir([Record(b"PATIENT", undefined=True) for _ in range(n)]),
        lambda n: (
            file_meta(b"1.2.840.10008.1.3.10", b"1") + b"\4\0\x20\x12SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0" * n * 8
        ),
        lambda n: (
            file_meta(b"1.2.840.10008.1.3.10", b"1")
            + b"\4\0\x20\x12SQ\0\0\xff\xff\xff\xff"
            + (b"\xfe\xff\0\xe0\xff\xff\xff\xff\4\0\0\x14SQ\0\0\xff\xff\xff\xff" * n)
        ),
        lambda n: patched(
            (whole := dicomdir([Record(b"PRIVATE") for _ in range(n)])),
            walk(whole).records[-1].offset + 16,
            b"\1\0\0\0",
        ),
    ],
    ids=["dangling", "undefined", "item tags", "nested", "broken chain"],
)
def test_hostile_directories_take_linear_time(make: Callable[[int], bytes]) -> None:
    data = make(5_000)
    begun = time.process_time()
    walk(data)

    assert time.process_time() - begun < 20  # 0.1 s; what is not linear takes minutes


def test_a_chain_as_deep_as_it_is_long_needs_no_stack() -> None:
    deep = Record(b"PRIVATE")
    chain = dicomdir([deep] + [Record(b"PRIVATE") for _ in range(4_999)])
    records = walk(chain).records
    for record, below in pairwise(records):  # each is below the one before
        chain = patched(chain, record.offset + 16, b"\0\0\0\0")
        chain = patched(chain, record.offset + 38, struct.pack("<I", below.offset))

    assert len(list(walk(chain).in_order())) == 5_000


BASE = dicomdir(tree(images=2, series=2, patients=2))
BASE_UNDEFINED = dicomdir(
    [Record(b"PRIVATE", element(0x00041432, b"UI", b"2.25.9"), undefined=True) for _ in range(5)],
    undefined_sequence=True,
)


@given(
    base=st.sampled_from([BASE, BASE_UNDEFINED]),
    flips=st.lists(st.tuples(st.integers(0, len(BASE) - 1), st.integers(0, 255)), max_size=12),
    cut=st.integers(0, len(BASE)),
)
@settings(max_examples=300, deadline=20_000)
def test_flipped_bytes_and_truncation_raise_nothing_but_our_errors(
    base: bytes, flips: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(base)
    for position, value in flips:
        data[position % len(data)] = value
    try:
        directory = walk(bytes(data[: max(cut, 200)]))
    except MediaCreatorError:
        return
    for record in directory.records:
        record.text(0x00100010, "PN")
        assert record.location
    assert len(list(directory.in_order())) + len(directory.orphans) <= len(directory.records)
    assert all(str(found).isprintable() for found in directory.findings)


@given(st.binary(max_size=600))
@settings(max_examples=200, deadline=20_000)
def test_any_bytes_raise_nothing_but_our_errors(data: bytes) -> None:
    for candidate in (data, file_meta(b"1.2.840.10008.1.3.10", b"1") + b"\4\0\x20\x12SQ\0\0\xff\xff\xff\xff" + data):
        try:
            walk(candidate)
        except MediaCreatorError:
            continue
