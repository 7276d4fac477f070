"""The tables load, hold together, and refuse what a slip would make of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mediacreator.errors import InternalError
from mediacreator.formats.fat_kinds import FAT_KINDS
from mediacreator.rules import tables, uids
from mediacreator.rules.tables import Key

LOADERS = (
    tables.sop_classes,
    tables.transfer_syntaxes,
    tables.media_formats,
    tables.record_types,
    tables.scan_attributes,
    tables.edition,
)


def walk(keys: tuple[Key, ...], above: str = "") -> Iterator[tuple[str, Key]]:
    for key in keys:
        path = f"{above}>{key.keyword}" if above else key.keyword
        yield path, key
        yield from walk(key.items, path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the tables to spoil."""
    copy = tmp_path / "tables"
    shutil.copytree(tables._FOLDER, copy)
    monkeypatch.setattr(tables, "_FOLDER", str(copy))
    for loader in LOADERS:
        loader.cache_clear()
    yield copy
    for loader in LOADERS:
        loader.cache_clear()


def test_the_counts_of_ps3_4() -> None:
    rows = tables.sop_classes().values()

    assert sum("Table B.5-1" in row.clause for row in rows) == 166
    assert sum("Table GG.3-1" in row.clause for row in rows) == 9
    assert sum(row.status == "retired" for row in rows) == 4
    assert sum(row.status == "newer" for row in rows) == 4
    assert len(rows) == 183


def test_five_current_classes_have_no_record() -> None:
    without = {row.name for row in tables.sop_classes().values() if not row.record_type}

    assert without == {
        "CT Defined Procedure Protocol Storage",
        "CT Performed Procedure Protocol Storage",
        "Protocol Approval Storage",
        "XA Defined Procedure Protocol Storage",
        "XA Performed Procedure Protocol Storage",
    }


def test_the_clause_of_a_class_is_that_of_its_record() -> None:
    records = tables.record_types()
    for row in tables.sop_classes().values():
        section = (
            records[row.record_type].clause.partition(";")[0] if row.record_type else "PS3.3 F.5 defines no record"
        )
        assert section in row.clause, row


def test_ambiguous_classes_are_decided() -> None:
    radiotherapy = "1.2.840.10008.5.1.4.1.1.481."
    types = {uid: row.record_type for uid, row in tables.sop_classes().items()}

    assert types[radiotherapy + "21"] == types[radiotherapy + "25"] == "PLAN"
    assert types[radiotherapy + "22"] == "RADIOTHERAPY"
    assert types[radiotherapy + "23"] == types[radiotherapy + "24"] == "IMAGE"


def test_names_are_unique_since_profiles_use_them() -> None:
    for table in (tables.sop_classes(), tables.transfer_syntaxes()):
        names = [row.name for row in table.values()]
        assert len(names) == len(set(names))


def test_no_instance_gets_a_retired_record() -> None:
    records = tables.record_types()
    assert {records[row.record_type].status for row in tables.sop_classes().values() if row.record_type} == {
        "current",
        "newer",
    }


def test_every_record_reaches_the_root() -> None:
    records = tables.record_types()
    for record in records.values():
        at = record
        for _ in range(5):
            if "ROOT" in at.parents:
                break
            at = records[at.parents[0]]
        assert "ROOT" in at.parents, record.name


def test_retired_records_have_no_keys_and_current_leaves_have() -> None:
    for record in tables.record_types().values():
        assert bool(record.keys) == (record.status != "retired" and record.name != "PRIVATE"), record.name


def test_prefixes_are_two_letters() -> None:
    assert all(
        len(row.prefix) == 2 and row.prefix.isalpha() and row.prefix.isupper() for row in tables.record_types().values()
    )


def test_only_sequences_have_items_and_choices() -> None:
    for record in tables.record_types().values():
        for path, key in walk(record.keys):
            assert key.vr == "SQ" or not (key.items or key.keep), (record.name, path)


def test_keys_are_in_tag_order() -> None:
    def in_order(keys: tuple[Key, ...]) -> bool:
        tags = [key.tag for key in keys]
        return tags == sorted(set(tags)) and all(in_order(key.items) for key in keys)

    assert all(in_order(record.keys) for record in tables.record_types().values())


def test_reports_take_only_the_modifiers_of_their_title() -> None:
    """Anything else of Content Sequence would put the text of a report into the directory."""
    found = {
        record.name: key.keep
        for record in tables.record_types().values()
        for key in record.keys
        if key.keyword == "ContentSequence"
    }
    assert found == {"SR DOCUMENT": "has_concept_mod", "KEY OBJECT DOC": "has_concept_mod"}


def test_icons_are_allowed_where_f_7_allows_them() -> None:
    found = {
        (record.name, key.type, key.source)
        for record in tables.record_types().values()
        for key in record.keys
        if key.keyword == "IconImageSequence"
    }
    assert found == {(name, "3", "icon") for name in ("SERIES", "IMAGE", "RT DOSE", "SPECTROSCOPY", "RAW DATA")}


def test_transfer_syntaxes_say_how_to_read_them() -> None:
    rows = tables.transfer_syntaxes()
    assert {row.dataset for row in rows.values()} == {"implicit-le", "explicit-le", "explicit-be", "deflated", "none"}
    assert {row.loss for row in rows.values()} == {"none", "lossy", "either"}
    for row in rows.values():
        assert (row.pixels == "encapsulated") == (
            row.codec not in {"native", "jpip", "none"} or row.uid == "1.2.840.10008.1.2.1.98"
        ), row


def test_the_named_uids_are_in_the_tables() -> None:
    named = {name: uid for name, uid in vars(uids).items() if name.isupper()}
    listed = tables.sop_classes().keys() | tables.transfer_syntaxes().keys() | {uids.MEDIA_STORAGE_DIRECTORY}
    assert set(named.values()) <= listed
    assert len(set(named.values())) == len(named)


def test_the_media_of_ps3_12() -> None:
    media = tables.media_formats()
    assert 79 * 60 * 75 * 2048 < media["cd_r"].capacity < 80 * 60 * 75 * 2048
    annexes = {
        status: {row.clause.split()[1] for row in media.values() if row.status == status and "PS3.12" in row.clause}
        for status in ("current", "retired")
    }
    assert annexes == {"current": set("FJKMPQRSTUVX"), "retired": set("BCDEGHIN")}
    assert not any(row.writer for row in media.values() if row.status == "retired")
    writers = {row.key: row.writer for row in media.values() if row.writer}
    assert (writers["cd_r"], writers["folder"]) == ("iso9660", "folder")
    on_fat = {key: writer for key, writer in writers.items() if writer.startswith("fat")}
    assert on_fat.keys() == {row.key for row in media.values() if "fat" in row.file_system and row.status == "current"}
    for key, kind in on_fat.items():
        widths = {f"fat{size.width}" for size in FAT_KINDS[kind].clusters}
        assert widths == {name.removesuffix("-unpartitioned") for name in media[key].file_system.split(";")}, key
        assert (FAT_KINDS[kind].start == 0) == media[key].file_system.endswith("-unpartitioned"), key
        assert FAT_KINDS[kind].sector == media[key].sector, key
    suffixes = {row.suffix for row in media.values() if row.status == "current" and row.key != "folder"}
    assert suffixes == {".iso", ".img", ".zip", ".eml"}
    assert all(1 <= row.max_depth <= 8 and row.capacity % row.sector == 0 for row in media.values())
    assert media["mmc"].file_system == media["sd"].file_system == "fat16"


def test_the_edition() -> None:
    assert tables.edition() == "2024c"


@pytest.mark.parametrize(
    ("name", "old", "new", "load", "why"),
    [
        ("sop_classes.csv", "uid,name", "uid,label", tables.sop_classes, "columns"),
        ("sop_classes.csv", "uid,name,record_type,status,multi_frame,clause\n", "", tables.sop_classes, "columns"),
        ("sop_classes.csv", "Storage,IMAGE,current", "Storage,IMAGES,current", tables.sop_classes, "IMAGES"),
        ("sop_classes.csv", "IMAGE,current,no,PS", "IMAGE,old,no,PS", tables.sop_classes, "status"),
        ("sop_classes.csv", "PS3.4 Table B.6-1; PS3.3 F.5.4", "", tables.sop_classes, "clause"),
        ("sop_classes.csv", "1.1.1.1.1,", "1.1.1.1,", tables.sop_classes, "twice"),
        ("record_types.csv", "IMAGE,SERIES,", "IMAGE,SERIE,", tables.record_types, "SERIE"),
        ("record_types.csv", "IMAGE,SERIES,current", "IMAGE,current", tables.record_types, "values"),
        ("record_types.csv", "WAVEFORM,SERIES", "WAVE,SERIES", tables.record_types, "WAVEFORM"),
        ("directory_keys.csv", "STUDY,StudyTime", "STUDY,StudyDate", tables.record_types, "twice"),
        (
            "directory_keys.csv",
            "BlendingSequence>StudyInstanceUID",
            "Blend>StudyInstanceUID",
            tables.record_types,
            "parent",
        ),
        ("directory_keys.csv", "1C,nonempty", "1C,nonempti", tables.record_types, "nonempti"),
        ("directory_keys.csv", "1C,nonempty", "1,nonempty", tables.record_types, "condition"),
        ("directory_keys.csv", "1C,nonempty", "1X,nonempty", tables.record_types, "1X"),
        ("directory_keys.csv", ",has_concept_mod,", ",has_concept,", tables.record_types, "has_concept"),
        ("directory_keys.csv", ",icon,", ",picture,", tables.record_types, "picture"),
        ("scan_attributes.csv", "PatientSex,", "PatientName,", tables.scan_attributes, "twice"),
        (
            "scan_attributes.csv",
            "VerifyingObserverSequence,",
            "VerifyingObserver,",
            tables.scan_attributes,
            "not listed",
        ),
        ("media_formats.csv", "\ndvd,", "\ncd_r,", tables.media_formats, "twice"),
        ("transfer_syntaxes.csv", "1.2.840.10008.1.2.2,", "1.2.840.10008.1.2,", tables.transfer_syntaxes, "twice"),
    ],
)
def test_a_slip_is_refused(folder: Path, name: str, old: str, new: str, load: Callable[[], object], why: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(InternalError, match=why) as caught:
        load()

    assert "tables/" in str(caught.value)
