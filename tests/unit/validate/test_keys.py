"""Keys of every record type, each absent, empty and wrong in turn (PS3.3 F.5, PS3.11 X.3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from mediacreator.medium_compare import ABOVE
from mediacreator.rules import uids
from mediacreator.rules.library import load_profile
from mediacreator.rules.tables import Key, record_types, sop_classes
from tests import profiles_corpus as corpus
from tests.dicomdirs import at, patched
from tests.filesets import FileSet, Node, setting
from tests.unit.validate.checked import check, file_set, sound

LEVELS = ("PATIENT", "STUDY", "SERIES")
KINDS = [name for name, row in record_types().items() if row.keys and row.status != "retired"]
CLASS_OF = {row.record_type: uid for uid, row in reversed(list(sop_classes().items())) if row.status != "retired"}
CLASS_OF |= {"IMAGE": corpus.CT, "ENCAP DOC": uids.ENCAPSULATED_CDA}
"""One SOP Class for each record type: the first in the table, or one that meets the conditions of its keys."""

BLENDING = "1.2.840.10008.5.1.4.1.1.11.4"
"""Blending Softcopy Presentation State: of PRESENTATION records the one with Blending Sequence (PS3.3 F.5.17)."""

_WRONG = {"UI": "2.25.666", "DA": "19990909", "TM": "010101", "DT": "19990909010101", "IS": "666", "CS": "WRONG"}


def of_kind(kind: str, sop_class: str = "") -> FileSet:
    """Return a File-set whose records of a type hold all that STD-GEN-CD lets them."""
    profile = load_profile("STD-GEN-CD")
    sop_class = sop_class or CLASS_OF["IMAGE" if kind in LEVELS else kind]
    if sop_class == corpus.CT:
        dataset = corpus.image(profile, profile.objects[1], sop_class)
    else:
        dataset = corpus._identified(profile, sop_class)
        corpus._coded(dataset, corpus.ELE)
    corpus._number(dataset, 1)
    fs = file_set(profile, [dataset])
    if kind == "SR DOCUMENT":
        verify(fs)
    return fs


def verify(fs: FileSet) -> None:
    """Make a report a verified one: the condition of a key."""
    observers = [Dataset(), Dataset()]
    observers[0].VerificationDateTime, observers[1].VerificationDateTime = "20260303", "20260302"
    node = fs.of("SR DOCUMENT")
    fs.change(node, setting(VerificationFlag="VERIFIED", VerifyingObserverSequence=Items(observers)))
    node.record.VerificationFlag, node.record.VerificationDateTime = "VERIFIED", "20260303"


def wrong(record: Dataset, key: Key) -> None:
    """Give a key a value that no file below has."""
    element = record[key.tag]
    if key.vr == "SQ":
        item = deepcopy(element.value[0]) if element.value else Dataset()
        inner = next(iter(_leaves(item)))
        inner.value = "WRONG" if inner.VR not in ("UI", "IS", "US") else 666 if inner.VR == "US" else "2.25.666"
        element.value = Items([item])
    elif isinstance(element.value, int):
        element.value = 666
    else:
        element.value = _WRONG.get(key.vr, "WRONG")


def _leaves(item: Dataset) -> Iterator[DataElement]:
    for element in item:
        if element.VR == "SQ":
            for inner in element.value:
                yield from _leaves(inner)
        else:
            yield element


def variants(kind: str, key: Key, sound_one: Node) -> Iterator[tuple[str, list[str]]]:
    """Yield what is done to a key, and the codes that are expected of it."""
    held = key.keyword in sound_one.record
    called_for = key.type in ("1", "2") or (key.type == "1C" and held)
    yield "absent", ["key-missing"] if called_for else []
    if key.type.startswith("1") and called_for:
        yield "empty", ["key-missing"]
    elif held:
        filled = not sound_one.record[key.tag].is_empty and key.keyword not in ABOVE
        yield "empty", ["key-differs"] if filled else []
    if held and not sound_one.record[key.tag].is_empty and key.keyword not in ABOVE:
        yield "wrong", ["key-differs"]


def change(record: Dataset, key: Key, how: str) -> None:
    if how == "wrong":
        wrong(record, key)
    elif how == "empty":
        record.add_new(key.tag, key.vr, None)
    elif key.keyword in record:
        del record[key.tag]


@pytest.mark.parametrize("kind", KINDS)
def test_each_key_is_missed_and_compared(kind: str, tmp_path: Path) -> None:
    """A type 1 key must have a value, one of type 2 must be there, and what is there is what the file says."""
    fs = of_kind(kind)
    node = fs.of(kind)
    said, found = check(fs, tmp_path)
    assert (said.conforms, found) == (True, [])
    keys = [key for key in load_profile("STD-GEN-CD").keys_for(kind) if not key.condition.startswith("extended")]
    tried = 0
    for key in keys:
        if key.source == "icon":
            continue
        for how, expected in variants(kind, key, node):
            original, node.record = node.record, deepcopy(node.record)
            change(node.record, key, how)
            said, found = check(fs, tmp_path)
            mine = [one for one in said.findings if one.code in ("key-missing", "key-differs")]
            assert [one.code for one in mine] == expected, (key.keyword, how, [str(one) for one in said.findings])
            assert all(one.location == fs.location(node) for one in mine)
            assert all(key.keyword in one.what and one.clause == key.clause for one in mine)
            node.record, tried = original, tried + 1
    assert tried >= len(keys) - 1


def nested(keys: tuple[Key, ...], path: tuple[Key, ...] = ()) -> Iterator[tuple[Key, ...]]:
    """Yield the ways to the keys of items that must have a value."""
    for key in keys:
        if path and (key.type == "1" or key.condition == "parent_present"):
            yield (*path, key)
        if key.vr == "SQ":
            yield from nested(key.items, (*path, key))


WAYS = {kind: list(nested(load_profile("STD-GEN-CD").keys_for(kind))) for kind in KINDS}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if WAYS[kind]])
@pytest.mark.parametrize("empty", [False, True])
def test_each_key_of_an_item_is_missed(kind: str, empty: bool, tmp_path: Path) -> None:
    left = list(WAYS[kind])
    for fs in (of_kind(kind), *([of_kind(kind, BLENDING)] if kind == "PRESENTATION" else [])):
        node = fs.of(kind)
        ways = [way for way in left if way[0].keyword in node.record]
        miss_each(fs, node, ways, empty, tmp_path)
        left = [way for way in left if way not in ways]
    assert left == []


def miss_each(fs: FileSet, node: Node, ways: list[tuple[Key, ...]], empty: bool, tmp_path: Path) -> None:
    for way in ways:
        original, node.record = node.record, deepcopy(node.record)
        item = node.record
        for key in way[:-1]:
            item = item[key.tag].value[0]
        if empty:
            item.add_new(way[-1].tag, way[-1].vr, None)
        else:
            del item[way[-1].tag]
        said, _ = check(fs, tmp_path)
        missed = [one for one in said.findings if one.code == "key-missing"]
        assert [one.what for one in missed] == [f"{'>'.join(key.keyword for key in way)} is absent or empty"]
        assert missed[0].clause == way[-1].clause
        node.record = original


def ct(number: int = 1, **values: object) -> Dataset:
    profile = load_profile("STD-GEN-CD")
    dataset = corpus.image(profile, profile.objects[1], corpus.CT)
    corpus._number(dataset, number)
    setting(**values)(dataset)
    return dataset


def codes_of(fs: FileSet, tmp_path: Path, claim: str = "STD-GEN-CD") -> list[str]:
    return [code for code, _ in check(fs, tmp_path, claim)[1]]


@pytest.mark.parametrize("value", ["01", " 1 ", "+1"])
def test_one_number_in_two_ways_is_no_difference(value: str, tmp_path: Path) -> None:
    fs = file_set(load_profile("STD-GEN-CD"), [ct()])
    fs.of("IMAGE").record.InstanceNumber = value
    assert codes_of(fs, tmp_path) == []


def test_one_text_in_two_character_sets_is_no_difference(tmp_path: Path) -> None:
    """Specific Character Set is the record's own (PS3.3 F.5)."""
    fs = file_set(load_profile("STD-GEN-CD"), [ct(StudyDescription="Übersicht Schädel")])
    study = fs.of("STUDY").record
    study.SpecificCharacterSet = "ISO_IR 100"
    study.add_new("StudyDescription", "LO", "Übersicht Schädel".encode("latin-1"))
    assert codes_of(fs, tmp_path) == []

    study.add_new("StudyDescription", "LO", "Übersicht Schädel".encode())
    assert codes_of(fs, tmp_path) == ["other-character-set", "key-differs"]


def test_text_needs_its_character_set(tmp_path: Path) -> None:
    """Type 1C: where the keys of the record go beyond the default repertoire, in items too."""
    fs = file_set(load_profile("STD-GEN-CD"), [ct(StudyDescription="Übersicht")])
    study = fs.of("STUDY").record
    study.add_new("StudyDescription", "LO", "Übersicht".encode())
    del study.SpecificCharacterSet
    said, found = check(fs, tmp_path)
    assert found == [(code, "DICOMDIR record 2") for code in ("no-character-set", "key-missing", "key-differs")]
    assert said.findings[1].what.startswith("SpecificCharacterSet (0008,0005) is absent")


def test_text_in_items_needs_a_character_set_too(tmp_path: Path) -> None:
    fs = sound("STD-GEN-CD", "SR Storage")
    report = fs.of("SR DOCUMENT")
    code = report.record.ConceptNameCodeSequence[0]
    code.CodeMeaning = "Hoofdtekst"
    fs.change(report, lambda dataset: setattr(dataset.ConceptNameCodeSequence[0], "CodeMeaning", "Überschrift"))
    code.add_new("CodeMeaning", "LO", "Überschrift".encode())
    assert codes_of(fs, tmp_path) == []

    del report.record.SpecificCharacterSet
    said, _ = check(fs, tmp_path)
    assert "SpecificCharacterSet (0008,0005) is absent" in " ".join(one.what for one in said.findings)


def test_a_record_above_may_say_what_any_of_its_files_says(tmp_path: Path) -> None:
    """PS3.11 Table H.3-2: of the instances of a series one has it."""
    fs = file_set(load_profile("STD-GEN-CD"), [ct(1, StudyDescription="One"), ct(2, StudyDescription="Other")])
    study = fs.of("STUDY").record
    for value, expected in (("One", []), ("Other", []), ("Third", ["key-differs"])):
        study.StudyDescription = value
        assert codes_of(fs, tmp_path) == expected


def test_what_no_file_says_may_be_anything(tmp_path: Path) -> None:
    """A record must have Study ID, and its instances need not: who wrote the DICOMDIR filled it in."""
    fs = file_set(load_profile("STD-GEN-CD"), [ct(StudyDescription="X")])
    fs.change(fs.of("IMAGE"), setting(StudyID=""))
    assert codes_of(fs, tmp_path) == []


def test_blanks_are_no_value(tmp_path: Path) -> None:
    """PS3.5 6.2: padding is not part of a value, so that type 1 lacks one."""
    fs = file_set(load_profile("STD-GEN-CD"), [ct()])
    fs.of("STUDY").record.add_new("StudyID", "SH", "  ")
    said, found = check(fs, tmp_path)
    assert found == [("key-missing", "DICOMDIR record 2")]
    assert said.findings[0].what == "StudyID (0020,0010) is empty"


@pytest.mark.parametrize(("names", "tag"), [("SR Storage", b"\x40\x00\x43\xa0SQ"), ("ANY CT", b"\x08\x00\x40\x11SQ")])
def test_a_sequence_that_cannot_be_read_is_said(names: str, tag: bytes, tmp_path: Path) -> None:
    """Whether it is compared as it is, or by what its items must have; and its text asks for no character set."""
    fs = sound("STD-GEN-CD", names)
    node = fs.nodes()[-1]
    del node.record.SpecificCharacterSet
    folder = fs.write(tmp_path / "disc")
    data = (folder / "DICOMDIR").read_bytes()
    (folder / "DICOMDIR").write_bytes(patched(data, at(data, tag) + 12, b"\0\0\0\0"))
    said, found = check(folder, tmp_path)
    assert set(found) == {("key-differs", fs.location(node))}
    assert "cannot be read" in said.findings[0].what


@pytest.mark.parametrize("value", ["1.2.3", None])
def test_the_general_class_of_a_specialized_one_stands_in_the_record(value: str | None, tmp_path: Path) -> None:
    """PS3.3 Table F.3-3, type 1C."""
    fs = file_set(load_profile("STD-GEN-CD"), [ct(RelatedGeneralSOPClassUID="1.2.840.10008.5.1.4.1.1.7")])
    record = fs.of("IMAGE").record
    record.ReferencedRelatedGeneralSOPClassUIDInFile = "1.2.840.10008.5.1.4.1.1.7"
    assert codes_of(fs, tmp_path) == []

    record.ReferencedRelatedGeneralSOPClassUIDInFile = value
    if value is None:
        del record.ReferencedRelatedGeneralSOPClassUIDInFile
    said, found = check(fs, tmp_path)
    assert found == [("key-differs" if value else "key-missing", fs.location(fs.of("IMAGE")))]
    assert said.findings[0].clause == "PS3.3 Table F.3-3"


def test_keys_that_depend_on_files_which_cannot_be_read_are_not_checked(tmp_path: Path) -> None:
    """That a condition may be met is no reason to miss the key, nor to pass the record."""
    fs = file_set(load_profile("STD-GEN-CD"), [ct(1), ct(2)])
    first = fs.of("IMAGE")
    fs.files[first.file_id] = fs.files[first.file_id][:-9]
    del first.record.ImageType
    said, _ = check(fs, tmp_path)

    assert [one.code for one in said.findings] == ["truncated-pixel-data"]
    open_questions = {one.location: one.what for one in said.not_checked}
    assert open_questions["DICOMDIR record 3"].endswith("could not be compared with 1 of the files below it")
    assert open_questions[fs.location(first)].endswith("could not be compared with its file")
    assert fs.location(fs.of("IMAGE", 1)) not in open_questions
