"""The tables against the standard restated (tests/witness) and against pydicom.

Every disagreement is listed in known_disagreements.toml with its reason and the clause that decides, or is a failure;
one that is listed and gone is a failure too.
"""

from __future__ import annotations

import tomllib

import pytest
from pydicom import config
from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.fileset import DIRECTORY_RECORDERS, _four_level_record_type, _single_level_record_type

from mediacreator.rules import tables
from mediacreator.rules.library import load_profile, profile_ids
from mediacreator.rules.tables import Key
from tests.witness import KNOWN, differences, facts, known

from .test_tables import walk

PYDICOM = "pydicom 3.0.2"
SAMPLE = {"US": 1, "UL": 1, "UV": 1, "IS": "1", "UI": "1.2.3", "DA": "20240229", "TM": "120000", "DT": "20240229120000"}


def test_known_disagreements_say_why() -> None:
    for case in tomllib.loads(KNOWN.read_text(encoding="utf-8"))["case"]:
        assert case.keys() == {"witness", "about", "what", "ours", "theirs", "reason", "clause"}
        assert all(case.values()), case


def by_tags(record: str, keys: tuple[Key, ...]) -> tuple[dict[str, str], set[str]]:
    """Return the type of each key by its path of tags, and the sequences that are taken whole."""
    kinds: dict[str, str] = {}
    whole = set()

    def visit(keys: tuple[Key, ...], above: str) -> None:
        for key in keys:
            path = f"{above}{key.tag:08X}"
            kinds[f"{record} {path}"] = key.type
            if key.vr == "SQ" and not key.items:
                whole.add(f"{record} {path}")
            visit(key.items, f"{path}>")

    visit(keys, "")
    return kinds, whole


def test_keys_are_those_of_annex_f() -> None:
    """PS3.3 F.5, all current record types, macros expanded; rows inside sequences that we take whole do not matter."""
    ours: dict[str, str] = {}
    whole: set[str] = set()
    for record in tables.record_types().values():
        if record.status == "current":
            kinds, its_whole = by_tags(record.name, record.keys)
            ours |= kinds
            whole |= its_whole
    theirs = {f"{record} {path}": kind for record, path, kind in facts("annex_f_keys")}
    theirs = {path: kind for path, kind in theirs.items() if not any(path.startswith(f"{seq}>") for seq in whole)}

    assert len(theirs) > 240
    assert differences(ours, theirs) == known("PS3.3 F.5 (2024c)", "keys")


def test_the_tree_is_that_of_table_f_4_1() -> None:
    ours = {
        f"{parent} > {record.name}": "allowed"
        for record in tables.record_types().values()
        if record.status == "current"
        for parent in record.parents
        if parent == "ROOT" or tables.record_types()[parent].status == "current"
    }
    theirs = {f"{parent} > {child}": "allowed" for parent, child in facts("annex_f_tree")}

    assert differences(ours, theirs) == known("PS3.3 Table F.4-1 (2024c)", "tree")


def test_storage_classes_are_those_of_ps3_4() -> None:
    ours = {
        row.uid: f"{row.clause.split(';')[0]}: {row.name.removesuffix(' (Retired)')}"
        for row in tables.sop_classes().values()
        if row.status != "newer"
    }
    theirs = {uid: f"PS3.4 Table {table}: {name}" for table, uid, name in facts("storage_classes")}

    assert differences(ours, theirs) == known("PS3.4 (2024c)", "SOP Classes")


def test_transfer_syntaxes_are_those_of_ps3_6() -> None:
    ours = {row.uid: row.status for row in tables.transfer_syntaxes().values() if row.status != "newer"}
    assert ours == dict(facts("transfer_syntaxes"))


def test_multi_frame_classes_are_those_of_ps3_3() -> None:
    """PS3.11 I, M and N speak of multi-frame composite IODs; the module tables tell which they are."""
    classes = tables.sop_classes()
    ours = {row.uid: "multi-frame" for row in classes.values() if row.multi_frame and row.status != "newer"}
    theirs = {uid: "multi-frame" for (uid,) in facts("multi_frame")}

    assert len(theirs) == 45
    assert differences(ours, theirs) == known("PS3.3 A (2024c)", "multi-frame")


def test_uids_and_names_are_those_of_pydicom() -> None:
    ours = {row.uid: row.name.removesuffix(" (Retired)") for row in tables.sop_classes().values()}
    ours |= {row.uid: row.name.replace("&", "and") for row in tables.transfer_syntaxes().values()}
    theirs = {uid: UID_dictionary[uid][0] for uid in ours if uid in UID_dictionary}

    assert differences(ours, theirs) == known(PYDICOM, "UIDs")


def test_pydicom_has_no_storage_class_that_we_lack() -> None:
    theirs = {
        uid: "listed"
        for uid, (name, kind, _, retired, _) in UID_dictionary.items()
        if kind == "SOP Class" and "Storage" in name and "Storage Commitment" not in name and not retired
    }
    ours = dict.fromkeys(tables.sop_classes().keys() & theirs.keys(), "listed")

    assert len(ours) > 160
    assert differences(ours, theirs) == known(PYDICOM, "Storage SOP Classes")


def all_keys() -> list[tuple[str, str, int, str]]:
    found = [
        (record.name, path.rpartition(">")[2], key.tag, key.vr)
        for record in tables.record_types().values()
        for path, key in walk(record.keys)
    ]
    found += [("scan", row.path.rpartition(">")[2], row.tag, row.vr) for row in tables.scan_attributes()]
    for identifier in (*profile_ids(), *profile_ids(status="retired")):
        for keys in load_profile(identifier).directory.keys.values():
            found += [(identifier, key.keyword, key.tag, key.vr) for _, key in walk(keys)]
    return found


def test_tags_and_vrs_are_those_of_pydicom() -> None:
    for where, keyword, tag, vr in all_keys():
        assert tag_for_keyword(keyword) == tag, (where, keyword)
        assert dictionary_VR(tag) == vr, (where, keyword)


def instance(keys: tuple[Key, ...]) -> Dataset:
    """An instance that has every key of a record."""
    ds = Dataset()
    for key in keys:
        if key.vr == "SQ":
            setattr(ds, key.keyword, [instance(key.items)])
        elif key.source != "icon":
            setattr(ds, key.keyword, SAMPLE.get(key.vr, "X"))
    return ds


def behaviour(record: str, ds: Dataset, keyword: str) -> str:
    """What pydicom makes of a key: 1 refused if missing, 2 written empty, 1C/3 written if there, absent never."""
    make = DIRECTORY_RECORDERS[record]
    if keyword not in make(ds):
        return "absent"
    del ds[keyword]
    try:
        return "2" if keyword in make(ds) else "1C/3"
    except ValueError:
        return "1"


@pytest.mark.parametrize("record", sorted(DIRECTORY_RECORDERS))
def test_keys_are_those_of_pydicom(record: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.settings, "_writing_validation_mode", config.IGNORE)
    monkeypatch.setattr(config.settings, "reading_validation_mode", config.IGNORE)
    keys = [key for key in tables.record_types()[record].keys if key.keyword != "SpecificCharacterSet"]
    ours = {}
    theirs = {}
    for key in keys:
        ours[f"{record} {key.keyword}"] = key.type if key.type in {"1", "2"} else "1C/3"
        theirs[f"{record} {key.keyword}"] = behaviour(record, instance(tuple(keys)), key.keyword)
    for keyword in DIRECTORY_RECORDERS[record](instance(tuple(keys))).dir():
        theirs.setdefault(f"{record} {keyword}", "written")
    found = {
        row for row in differences(ours, theirs) if row[1:] != ("1C/3", "absent")
    }  # leaving out type 3 is no fault

    assert found == {row for row in known(PYDICOM, "keys") if row[0].startswith(f"{record} ")}


def test_pydicom_has_no_record_type_that_we_lack() -> None:
    ours = {row.name: "listed" for row in tables.record_types().values() if row.status != "retired"}
    assert differences(ours, dict.fromkeys(DIRECTORY_RECORDERS, "listed")) == known(PYDICOM, "record types")


MODALITIES = {"PLAN": "PLAN", "RADIOTHERAPY": "RTRAD"}
MARKERS = {"ENCAP DOC": "EncapsulatedDocument", "RT PLAN": "RTPlanLabel"}


def test_record_types_of_classes_are_those_of_pydicom() -> None:
    """pydicom chooses by Modality and by telltale attributes first, by SOP Class last."""
    ours = {}
    theirs = {}
    for row in tables.sop_classes().values():
        ds = Dataset()
        ds.SOPClassUID = row.uid
        ds.Modality = "PLAN" if row.uid.endswith(".481.22") else MODALITIES.get(row.record_type, "OT")
        if row.record_type in MARKERS:
            setattr(ds, MARKERS[row.record_type], b"X" if row.record_type == "ENCAP DOC" else "X")
        ours[row.uid] = row.record_type or "none"
        single = _single_level_record_type(ds)
        theirs[row.uid] = _four_level_record_type(ds) if single == "PATIENT" else single

    assert differences(ours, theirs) == known(PYDICOM, "record type of a SOP Class")
