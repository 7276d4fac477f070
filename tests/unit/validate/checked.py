"""What tests of the check share: conformant File-sets, and a check that never tells who the patient is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydicom.dataset import Dataset

from mediacreator.model import Finding
from mediacreator.rules.claim import Claim
from mediacreator.rules.library import load_profile
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.validate import FileSetCheck, check_file_set
from tests import profiles_corpus as corpus
from tests.filesets import FileSet, icon_of, made

_IDENTITY = ("Testperson", "Petra", "PROFILE1", "19700101")


def sound(identifier: str = "STD-GEN-CD", *names: str) -> FileSet:
    """Return a conformant File-set of a profile: all that the corpus has, or what is called like one of the names."""
    profile = load_profile(identifier)
    found = [one.dataset for one in corpus.samples(profile) if one.copied and _is_meant(one.name, names)]
    assert found, names
    return file_set(profile, found)


def file_set(profile: ApplicationProfile, datasets: Iterable[Dataset]) -> FileSet:
    """Return the File-set of instances with the icons that a profile demands."""
    rule = next((rule for rule in profile.directory.icons if rule.required), None)
    return made(profile, datasets, (lambda: icon_of(rule.rows)) if rule is not None else None)


def check(
    found: FileSet | Path, folder: Path, claim: Claim | str = "STD-GEN-CD", role: str = "FSC"
) -> tuple[FileSetCheck, list[tuple[str, str]]]:
    """Check a File-set; return the check, and code and place of all that it says."""
    path = found.write(folder / "disc") if isinstance(found, FileSet) else found
    said = check_file_set(path, claim, role=role, workers=1)
    every = (*said.findings, *said.not_checked)
    assert not [one for one in every if any(word in str(one) for word in _IDENTITY)]
    assert all(one.what and one.expected and one.remedy and one.location for one in every)
    return said, [(one.code, one.location) for one in every]


def only(said: FileSetCheck, code: str) -> Finding:
    """Return the one Finding of a code."""
    (found,) = [one for one in (*said.findings, *said.not_checked) if one.code == code]
    return found


def _is_meant(name: str, names: tuple[str, ...]) -> bool:
    return not names or any(word in name for word in names)
