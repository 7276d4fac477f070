"""Profiles with the same rows are built once: each must be what it is when its file is read for it alone."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from mediacreator.rules.library import load_profile, profile_ids, resolve
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.profile_file import ProfileFile, profile_files, profiles_folder, read_text


def facts(profile: ApplicationProfile) -> dict[str, object]:
    return {name: value for name, value in asdict(profile).items() if name not in ("_syntaxes", "_keys")}


@pytest.mark.parametrize("name", [file.name for file in profile_files()])
def test_a_profile_is_the_same_whoever_was_read_before(name: str) -> None:
    text = read_text(f"{profiles_folder()}/{name}")
    identifiers = ProfileFile.read(name, text).identifiers()

    assert set(identifiers) <= {*profile_ids(), *profile_ids(status="retired")}
    for identifier in identifiers:
        alone = resolve(ProfileFile.read(name, text), identifier, ())
        assert facts(load_profile(identifier)) == facts(alone)


def test_twins_share_their_rows() -> None:
    assert load_profile("STD-GEN-CD").objects is load_profile("STD-GEN-SEC-BD").objects
    assert load_profile("STD-CTMR-CD").objects is not load_profile("STD-CTMR-DVD").objects  # which has no FSU
