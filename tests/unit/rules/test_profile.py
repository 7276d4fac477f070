"""Application profiles: the six of Annex D, and what they answer."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mediacreator
from mediacreator.errors import InternalError, UsageError
from mediacreator.rules import tables, uids
from mediacreator.rules.library import load_profile, profile_ids
from mediacreator.rules.profile import ApplicationProfile, merge_keys
from mediacreator.rules.profile_file import profiles_folder
from mediacreator.rules.tables import TYPES, Key

CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture(scope="module")
def std_gen_cd() -> ApplicationProfile:
    return load_profile("STD-GEN-CD")


def test_the_identifiers_of_annex_d() -> None:
    """PS3.11 Table D.1-1, and nothing that looks like a profile and is none."""
    annex_d = {
        "STD-GEN-CD",
        "STD-GEN-DVD-RAM",
        "STD-GEN-BD",
        "STD-GEN-SEC-CD",
        "STD-GEN-SEC-DVD-RAM",
        "STD-GEN-SEC-BD",
    }
    assert {identifier for identifier in profile_ids() if load_profile(identifier).annex == "D"} == annex_d
    assert len(profile_ids()) == len(set(profile_ids()))


@pytest.mark.parametrize(
    ("identifier", "medium", "security"),
    [
        ("STD-GEN-CD", "cd_r", "none"),
        ("STD-GEN-DVD-RAM", "dvd_ram", "none"),
        ("STD-GEN-BD", "bd", "none"),
        ("STD-GEN-SEC-CD", "cd_r", "basic_media"),
        ("STD-GEN-SEC-DVD-RAM", "dvd_ram", "basic_media"),
        ("STD-GEN-SEC-BD", "bd", "basic_media"),
    ],
)
def test_annex_d(identifier: str, medium: str, security: str) -> None:
    """PS3.11 D.2, D.3, restated."""
    profile = load_profile(identifier)

    assert (profile.id, profile.medium, profile.security, profile.status) == (identifier, medium, security, "current")
    assert profile.roles == ("FSC", "FSR", "FSU")
    assert [(row.name, row.requirements) for row in profile.objects] == [
        ("DIR", {"FSC": "M", "FSR": "M", "FSU": "M"}),
        ("ANY", {"FSC": "CS", "FSR": "CS", "FSU": "O"}),
    ]
    assert {row.transfer_syntaxes for row in profile.objects} == {(uids.EXPLICIT_VR_LITTLE_ENDIAN,)}
    assert profile.directory.levels == ("PATIENT", "STUDY", "SERIES")
    assert profile.directory.dicomdir == "required"
    assert not profile.directory.empty_allowed
    assert profile.directory.all_files_referenced
    assert profile.directory.root
    assert profile.directory.unique_patient_id
    assert {profile.session.finalize, profile.session.multisession, profile.session.packet} == {"must_offer"}
    assert not profile.session.multi_volume
    assert profile.media_format is tables.media_formats()[medium]


def test_any_media_storage_class_is_accepted_in_one_syntax(std_gen_cd: ApplicationProfile) -> None:
    for uid in tables.sop_classes():
        assert std_gen_cd.accepts(uid)
        assert std_gen_cd.transfer_syntaxes_for(uid) == (uids.EXPLICIT_VR_LITTLE_ENDIAN,)


@pytest.mark.parametrize("uid", ["1.2.3.4", "", "1.2.840.10008.5.1.4.1.1.501.1", "1.2.840.10008.5.1.4.1.1.27"])
def test_other_classes_are_not(std_gen_cd: ApplicationProfile, uid: str) -> None:
    """Private, none, DICOS, retired Stored Print."""
    assert not std_gen_cd.accepts(uid)
    assert std_gen_cd.transfer_syntaxes_for(uid) == ()


def test_the_dicomdir_is_no_instance_but_has_a_syntax(std_gen_cd: ApplicationProfile) -> None:
    assert not std_gen_cd.accepts(uids.MEDIA_STORAGE_DIRECTORY)
    assert std_gen_cd.transfer_syntaxes_for(uids.MEDIA_STORAGE_DIRECTORY) == (uids.EXPLICIT_VR_LITTLE_ENDIAN,)


def test_keys_of_an_image_are_base_and_profile(std_gen_cd: ApplicationProfile) -> None:
    assert [(key.keyword, key.type) for key in std_gen_cd.keys_for("IMAGE")] == [
        ("SpecificCharacterSet", "1C"),
        ("ImageType", "1C"),
        ("ReferencedImageSequence", "1C"),
        ("InstanceNumber", "1"),
        ("IconImageSequence", "3"),
    ]
    assert std_gen_cd.keys_for("SERIES") == tables.record_types()["SERIES"].keys
    assert std_gen_cd.keys_for("IMAGE") is std_gen_cd.keys_for("IMAGE")


def test_a_profile_goes_to_another_process(std_gen_cd: ApplicationProfile) -> None:
    copy = pickle.loads(pickle.dumps(std_gen_cd))
    assert copy.keys_for("IMAGE") == std_gen_cd.keys_for("IMAGE")
    assert copy.accepts(CT)


def test_an_unknown_record_type_is_our_fault(std_gen_cd: ApplicationProfile) -> None:
    with pytest.raises(InternalError, match="PICTURE"):
        std_gen_cd.keys_for("PICTURE")


@pytest.mark.parametrize("wrong", ["STD-GEN-DC", "std-gen-cd", "STD-GEN", "{sec}STD-GEN-CD", "STD-GEN-SEC-"])
def test_an_unknown_profile_names_the_nearest(wrong: str) -> None:
    with pytest.raises(UsageError, match="nearest is STD-GEN"):
        load_profile(wrong)


def key(tag: int, kind: str, items: tuple[Key, ...] = (), vr: str = "SQ", condition: str = "") -> Key:
    condition = condition or ("present" if kind.endswith("C") else "")
    return Key(f"K{tag}", tag, vr, kind, condition, "", "", f"clause {kind}", items)


KEYS = st.lists(st.tuples(st.integers(1, 6), st.sampled_from(TYPES)), max_size=6, unique_by=lambda row: row[0]).map(
    lambda rows: tuple(key(tag, kind) for tag, kind in rows)
)


@given(KEYS, KEYS)
def test_merged_keys_are_the_union_with_the_stricter_type(base: tuple[Key, ...], overlay: tuple[Key, ...]) -> None:
    merged = merge_keys(base, overlay)
    strictness = {
        tag: min(TYPES.index(key.type) for key in (*base, *overlay) if key.tag == tag)
        for tag in {key.tag for key in (*base, *overlay)}
    }

    assert {key.tag: TYPES.index(key.type) for key in merged} == strictness
    assert [key.tag for key in merged] == sorted(strictness)
    assert all(key.clause == f"clause {key.type}" and bool(key.condition) == key.type.endswith("C") for key in merged)
    assert merge_keys(merged, overlay) == merged


def test_items_merge_and_whole_wins() -> None:
    one, two = key(1, "1", vr="LO"), key(2, "3", vr="LO")

    assert merge_keys((key(9, "3", (one,)),), (key(9, "3", (two,)),))[0].items == (one, two)
    assert merge_keys((key(9, "3"),), (key(9, "1", (two,)),))[0].items == ()
    assert merge_keys((key(9, "3"),), (key(9, "1", (two,)),))[0].type == "1"


def test_a_raised_icon_is_still_made_not_copied() -> None:
    """As STD-XABC-CD will ask: type 1 from the profile, the source from the base."""
    base = tables.record_types()["IMAGE"].keys
    icon = next(key for key in base if key.keyword == "IconImageSequence")
    raised = Key(icon.keyword, icon.tag, icon.vr, "1", "", "", "", "PS3.11 Table A.3-2")

    merged = {key.keyword: key for key in merge_keys(base, (raised,))}
    assert (merged["IconImageSequence"].type, merged["IconImageSequence"].source) == ("1", "icon")


def test_profiles_lie_inside_an_installed_package(tmp_path: Path) -> None:
    """As the wheel has them: hatch puts profiles/ at mediacreator/profiles."""
    package = tmp_path / "mediacreator"
    shutil.copytree(Path(mediacreator.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(profiles_folder(), package / "profiles")
    code = (
        "from mediacreator.rules.profile_file import profiles_folder as f; from mediacreator.rules.library import *; "
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}print(f(), profile_ids()[0], load_profile('STD-GEN-CD').medium)"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert done.stdout.split() == [str(package / "profiles"), profile_ids()[0], "cd_r"], done.stderr
    assert os.path.isdir(profiles_folder())
