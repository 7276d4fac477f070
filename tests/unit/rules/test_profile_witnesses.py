"""All 82 profiles against PS3.11 restated (tests/witness): identifiers, objects, pairings, keys, values, and the index.

Every disagreement is listed in known_disagreements.toml with its reason and the clause that decides, or is a failure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword

from mediacreator.rules import tables
from mediacreator.rules.library import load_profile, profile_ids
from mediacreator.rules.profile import ApplicationProfile, Constraint, IconRule, ObjectRule, Session
from tests.witness import differences, facts, known

from .test_witnesses import by_tags

CURRENT = profile_ids()
RETIRED = profile_ids(status="retired")
EVERY = (*CURRENT, *RETIRED)


def of_annex(letter: str) -> list[ApplicationProfile]:
    return [profile for profile in map(load_profile, CURRENT) if profile.annex == letter]


def test_there_are_82_current_and_53_retired() -> None:
    assert len(set(CURRENT)) == len(CURRENT) == 82
    assert len(set(RETIRED)) == len(RETIRED) == 53


def test_identifiers_are_those_of_ps3_11() -> None:
    """Tables X.1-1; Annex G prints its one identifier in its text, Annex C leaves out the medium."""
    ours = {
        (p.annex, re.sub(r"F-[A-Z0-9-]+$", "F-xxxx", p.id) if p.annex == "C" else p.id)
        for p in map(load_profile, CURRENT)
    }

    assert ours - {("G", "STD-GEN-MIME")} == {tuple(row) for row in facts("profile_identifiers")}


def test_retired_identifiers_are_those_of_the_notes() -> None:
    """The notes to Table C.3-3 and in E.1; Annex F as DCMTK still has it."""
    media = ("FLOP", "MOD128", "MOD230", "MOD540", "MOD640", "MOD650", "MOD12", "MOD23")
    ultrasound = {f"STD-US-{c}-{f}-{m}" for c in ("ID", "SC", "CC") for f in ("SF", "MF") for m in media}
    others = {f"STD-CTMR-{m}" for m in ("MOD650", "MOD12", "MOD23")} | {"STD-WVFM-ECG-FD", "STD-WVFM-HD-FD"}

    assert set(RETIRED) == ultrasound | others
    for profile in map(load_profile, RETIRED):
        assert (profile.status, profile.last_in, profile.media_format.status) == ("retired", "2004", "retired")
        assert any("2004" in note for note in profile.notes), profile.id


def objects_of(profile: ApplicationProfile) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """What, Transfer Syntax and requirements of each row, as restate.py writes them."""
    for rule in profile.objects:
        what = {"": rule.sop_classes[0] if rule.sop_classes else "", "any_media_storage": "any"}.get(
            rule.selector, "multi-frame"
        )
        for one in rule.where:
            what += {"MONOCHROME2": " grayscale", "PALETTE COLOR": " palette"}[one.one_of[0]]
        for uid in ("declared",) if rule.declared else rule.transfer_syntaxes:
            yield what, uid, tuple(rule.requirements[role] for role in profile.roles)


@pytest.mark.parametrize("table", sorted({row[0] for row in facts("profile_objects")}))
def test_objects_are_those_of_ps3_11(table: str) -> None:
    """Tables X.3-1 and L.3-2: the profiles of a class together have its rows, with what each role must do."""
    ours: dict[str, str] = {}
    for profile in of_annex(table[0]):
        if table.startswith("L") and (table == "L.3-2") != (profile.id == "STD-DTL-SEC-ZIP-MAIL"):
            continue
        for what, uid, requirements in objects_of(profile):
            there = ours.get(f"{what} {uid}", "")
            found = " ".join(requirements)
            assert there.startswith(found) or found.startswith(there), (profile.id, what, uid)  # FSU may be undefined
            ours[f"{what} {uid}"] = max(there, found, key=len)
    theirs = {
        f"{row[1].removesuffix(' dvd')} {row[2]}": " ".join(row[3:]).removesuffix(" -")
        for row in facts("profile_objects")
        if row[0] == table
    }
    if table == "C.3-1":  # has no requirements: C.3.1 gives a creator the choice, a reader none
        theirs = {what: "M M M" if "1.3.10 " in what else "O M O" for what in theirs}

    assert len(theirs) >= 2
    assert ours == theirs


def test_lossy_jpeg_of_angiography_is_for_dvd_alone() -> None:
    """Table B.3-1."""
    cd, dvd = (load_profile(f"STD-XA1K-{medium}") for medium in ("CD", "DVD"))
    only_dvd = {row[2] for row in facts("profile_objects") if row[1].endswith(" dvd")}

    assert {uid for _, uid, _ in objects_of(dvd)} - {uid for _, uid, _ in objects_of(cd)} == only_dvd


def test_pairings_are_those_of_table_c_3_2() -> None:
    for profile in of_annex("C"):
        names = {rule.name for rule in profile.objects} - {"DIR"}
        assert names == ({"US", "USMF"} if "-MF-" in profile.id else {"US"})
        assert all(set(pairing.scope) == names for pairing in profile.pairings)
        ours = [[pairing.photometric, uid] for pairing in profile.pairings for uid in pairing.transfer_syntaxes]
        assert ours == facts("pairings")


KEYS = {"A": "A.3-2", "B": "B.3-2", "D": "D.3-2", "E": "E.3-2", "I": "I.3-2", **dict.fromkeys("HJMN", "H.3-2")}


def test_keys_are_those_of_ps3_11() -> None:
    """Tables X.3-2; J, M and N refer to that of H, and the others have none."""
    found = set()
    for profile in map(load_profile, EVERY):
        table = KEYS.get(profile.annex, "none")
        ours = {
            f"{table} {path}": kind
            for record, keys in profile.directory.keys.items()
            for path, kind in by_tags(record, keys)[0].items()
        }
        theirs = {
            f"{name} {record} {path}": kind for name, record, path, kind in facts("profile_keys") if name == table
        }
        assert all(key.clause == f"PS3.11 Table {table}" for keys in profile.directory.keys.values() for key in keys)
        found |= differences(ours, theirs)

    assert found == known("PS3.11 X.3-2 (2024c)", "keys")


def numbers(constraint: Constraint) -> set[str]:
    """The numbers and codes that a constraint names."""
    if constraint.present:
        return {"2"}
    if constraint.same_as:
        return {str(abs(constraint.offset))} if constraint.offset else set()
    return set(constraint.one_of) if constraint.one_of else {str(constraint.maximum)}


WHERE = {"SC grayscale": "E.3-5", "SC palette color": "E.3-6"}
"""Objects that are told apart by a value of which the table of values speaks."""


def test_values_are_those_of_ps3_11() -> None:
    """Tables of attribute values and raised types of A, B, E, K and L, each in every profile that has it."""
    for letter in "ABEKL":
        theirs: dict[tuple[str, str], set[str]] = defaultdict(set)
        for table, tag, values in facts("profile_values"):
            if table.startswith(letter):
                theirs[table, tag] |= set(re.findall(r"PALETTE COLOR|\S+", values))
        for profile in of_annex(letter):
            ours: dict[tuple[str, str], set[str]] = defaultdict(set)
            for rule in profile.attributes:
                for table in re.findall(r"[A-L]\.\d-\d|L\.4-\d", rule.clause) if rule.constraint.keyword else ():
                    ours[table, f"{rule.constraint.tag:08X}"] |= numbers(rule.constraint)
            for row in profile.objects:
                for one in row.where:
                    ours[WHERE[row.name], f"{one.tag:08X}"] |= numbers(one)
            assert ours == (theirs if profile.id != "STD-GEN-ZIP-MAIL" and "GEN-SEC" not in profile.id else {}), (
                profile.id
            )


CLASSES = {
    "XA": {"12.1"},
    "XA1K": {"12.1", "7", "11.1"},
    "US-SF": {"6.1"},
    "US-MF": {"6.1", "3.1"},
    "CTMR": {"2", "4", "7", "11.1", "88.67"},
    "DEN": {"1.3", "1.1", "131", "11.1"},
    "DTL": {"1.3", "1.1"},
}
SYNTAXES = {
    "ELE": "1",
    "RLE": "5",
    "JPB": "4.50",
    "JPX": "4.51",
    "JPLL": "4.70",
    "J2KR": "4.90",
    "J2K": "4.91",
    "M2ML": "4.100",
    "M2HL": "4.101",
    "H41": "4.102",
    "H41BD": "4.103",
    "H42-2D": "4.104",
    "H42-3D": "4.105",
    "SH42": "4.106",
}
MEDIA = {
    "CD": "F",
    "DVDRAM": "J",
    "DVD": "P",
    "BD": "X",
    "MOD41": "M",
    "MOD23-90": "Q",
    "USB": "R",
    "CF": "S",
    "MMC": "T",
    "SD": "U",
    "MIME": "K",
    "ZIPMAIL": "V and W",
}
SESSIONS = {
    "S-FM": ("must_offer", "must_offer", "unstated"),
    "S-FM+p": ("must_offer", "must_offer", "may"),
    "S-FMP": ("must_offer", "must_offer", "must_offer"),
    "S-F": ("must_offer", "unstated", "unstated"),
    "n/s": ("unstated", "unstated", "unstated"),
    "n/a": ("no", "no", "no"),
}
SECURITY = {"-": "none", "BASIC": "basic_media", "EMAIL": "email_transport"}
ICONS = {
    "I-F7": set(),
    "I-128A": {(("IMAGE",), True, 128, 128, 8, ())},
    "I-128B": {(("IMAGE",), True, 128, 128, 8, ("MONOCHROME2",))},
    "I-64": {(("SERIES", "IMAGE"), False, 64, 64, 8, ("MONOCHROME2", "PALETTE COLOR"))},
}
"""Records, required, rows, columns, bits, Photometric Interpretations."""


def syntaxes_of(rules: list[ObjectRule]) -> set[str]:
    return {"declared" if rule.declared else uid for rule in rules for uid in rule.transfer_syntaxes}


def check_objects(rules: list[ObjectRule], objects: str, syntaxes: str) -> None:
    """Compare with two columns of the index, as ``ANY (ELE) / ANY-MF (video)`` and ``ELE M2ML``."""
    if objects in CLASSES:
        assert {uid for rule in rules for uid in rule.sop_classes} == {
            f"1.2.840.10008.5.1.4.1.1.{end}" for end in CLASSES[objects]
        }
    elif "/" in objects:
        assert [rule.selector for rule in rules] == ["any_media_storage", "multi_frame"]
    else:
        assert {rule.selector for rule in rules} == {"multi_frame" if objects == "ANY-MF" else "any_media_storage"}
    codes = re.findall(r"declared|[A-Z0-9]+(?:-\dD)?", re.sub(r"\([^)]*\)|in CS", "", syntaxes))
    assert syntaxes_of(rules) == {
        "declared" if code == "declared" else f"1.2.840.10008.1.2.{SYNTAXES[code]}" for code in codes
    }


def session_of(session: Session) -> tuple[str, str, str]:
    return session.finalize, session.multisession, session.packet


def icon_of(icon: IconRule) -> tuple[object, ...]:
    return icon.records, icon.required, icon.rows, icon.columns, icon.bits, icon.photometric


INDEX = facts("profiles_index")


def test_the_index_lists_the_current_profiles() -> None:
    assert [row[0] for row in sorted(INDEX)] == sorted(CURRENT)


@pytest.mark.parametrize("row", INDEX, ids=[row[0] for row in INDEX])
def test_each_profile_is_as_the_index_says(row: list[str]) -> None:
    """Field by field: annex, medium, objects, Transfer Syntaxes, roles, keys, icon, session, security."""
    identifier, annex, medium, objects, syntaxes, roles, keys, icon, session, security = row
    profile = load_profile(identifier)
    directory = next(rule for rule in profile.objects if rule.name == "DIR")
    others = [rule for rule in profile.objects if rule is not directory]

    assert profile.annex == annex
    assert profile.media_format.clause == f"PS3.12 {MEDIA[medium]}"
    assert directory.sop_classes == ("1.2.840.10008.1.3.10",)
    assert syntaxes_of([directory]) == {"1.2.840.10008.1.2.1"}
    check_objects(others, objects, syntaxes)
    assert " ".join(profile.roles) == roles
    assert {"K-NONE": not profile.directory.keys}.get(keys, bool(profile.directory.keys))
    assert {icon_of(rule) for rule in profile.directory.icons} == ICONS[icon]
    assert session_of(profile.session) == SESSIONS[session]
    assert profile.security == SECURITY[security]
    assert not profile.session.multi_volume


def test_what_is_said_of_the_dicomdir() -> None:
    """Optional for MIME alone (Table G.3-1); no DICOMDIR may be empty; every file is referenced."""
    for profile in map(load_profile, EVERY):
        rule = profile.directory
        assert (rule.dicomdir == "optional") == (profile.annex == "G")
        assert (rule.empty_allowed, rule.all_files_referenced, rule.root, rule.unique_patient_id) == (
            False,
            True,
            True,
            True,
        )
        assert rule.levels == ("PATIENT", "STUDY", "SERIES")


def test_jpeg_frames_carry_their_tables() -> None:
    """B.3.4.2, H.3.4.2, J.3.4.2 and M.3.4.1; profiles of H, J and M without JPEG have nothing to say of it."""
    said = {profile.id for profile in map(load_profile, EVERY) if profile.jpeg_interchange_format}
    assert said == {identifier for identifier in EVERY if identifier.endswith("-JPEG") or "XA1K" in identifier}


def test_what_a_mail_must_say() -> None:
    """L.3.2 and L.4.2."""
    for profile in map(load_profile, EVERY):
        assert bool(profile.transport) == (profile.annex == "L")
        if profile.transport:
            assert profile.transport["content_type"] == "application/zip"
            assert profile.transport["attachment_name"] == "DICOM.ZIP"
            assert profile.transport["subject_contains"] == "DICOM-ZIP"
            assert profile.transport["compressed"] == "no"


def test_dental_creators_support_an_image_class() -> None:
    """K.3.1 and L.4.1."""
    groups = {
        p.id: [(g.role, g.at_least, g.of, g.clause) for g in p.groups] for p in map(load_profile, EVERY) if p.groups
    }
    assert groups == {
        "STD-DEN-CD": [("FSC", 1, ("IO", "DX"), "PS3.11 K.3.1")],
        "STD-DTL-SEC-ZIP-MAIL": [("FSC", 1, ("IO", "DX"), "PS3.11 L.4.1")],
    }


def test_regions_are_checked_where_they_are_calibrated() -> None:
    """C.4 and C.5."""
    checks = {"ID": [], "SC": ["us_regions_spatial"], "CC": ["us_regions_combined"]}
    for profile in of_annex("C"):
        assert [rule.constraint.check for rule in profile.attributes] == checks[profile.id.split("-")[2]]


def clauses_of(profile: ApplicationProfile) -> Iterator[str]:
    yield profile.clause
    yield profile.directory.clause
    yield profile.session.clause
    yield from profile.clauses.values()
    for rows in (profile.objects, profile.groups, profile.pairings, profile.attributes, profile.directory.icons):
        yield from (row.clause for row in rows)
    for keys in profile.directory.keys.values():
        for key in keys:
            yield key.clause
            yield from (inner.clause for inner in key.items)


@pytest.mark.parametrize("identifier", EVERY)
def test_every_rule_of_every_profile_has_its_clause(identifier: str) -> None:
    profile = load_profile(identifier)
    needed = {"roles", "medium", "security"}
    needed |= {"jpeg_interchange_format"} if profile.jpeg_interchange_format else set()
    needed |= {"transport"} if profile.transport else set()

    assert profile.clauses.keys() == needed
    for clause in clauses_of(profile):
        assert re.match(r"PS3\.1[12] (Tables? )?([A-N]|X)\b", clause), clause
        assert "{" not in clause
        for letter in re.findall(r"PS3\.11 (?:Tables? )?([A-Z])", clause):
            assert letter in {*profile.annex, *"HX"}, clause


@pytest.mark.parametrize("identifier", EVERY)
def test_no_profile_names_what_the_tables_lack_or_2024c_forbids(identifier: str) -> None:
    """No profile of 2024c has fragmentable video, HEVC, HTJ2K, JPEG-LS, JPEG XL or a deflated syntax in its tables."""
    profile = load_profile(identifier)
    for rule in profile.objects:
        assert set(rule.sop_classes) <= tables.sop_classes().keys() | {"1.2.840.10008.1.3.10"}
        rows = [tables.transfer_syntaxes()[uid] for uid in rule.transfer_syntaxes]
        assert all(row.status == "current" for row in rows)
        if not rule.declared:
            assert not [
                row.name
                for row in rows
                if re.search("Fragmentable|HEVC|High-Throughput|JPEG-LS|JPEG XL|Deflated", row.name)
            ]
            assert {row.uid.removeprefix("1.2.840.10008.1.2.") for row in rows} <= set(SYNTAXES.values())
    assert profile.medium in tables.media_formats()


@pytest.mark.parametrize("identifier", EVERY)
def test_attributes_are_those_of_ps3_6(identifier: str) -> None:
    profile = load_profile(identifier)
    for rule in profile.attributes:
        for one in (rule.constraint, *rule.where):
            if one.keyword:
                assert (one.tag, one.vr) == (tag_for_keyword(one.keyword), dictionary_VR(one.tag))


def test_names_of_rules_tell_them_apart() -> None:
    """They are codes of Findings: one name is one rule, in whatever profile."""
    by_name = defaultdict(set)
    for profile in map(load_profile, EVERY):
        for rule in profile.attributes:
            by_name[rule.name].add((rule.constraint, rule.where))
    assert all(len(rules) == 1 for rules in by_name.values())
