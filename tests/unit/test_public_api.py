"""The public API is what it says, and importing it costs next to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mediacreator
from tests.updated import made, study


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A medium of three slices in a folder."""
    return made(tmp_path / "stick", study(tmp_path / "first"))


def test_a_file_set_is_opened_without_reading_any_instance(stick: Path) -> None:
    """What stands in the files is nobody's business until somebody asks: here it is not even there."""
    for path in (stick / "DICOM").rglob("IM*"):
        path.write_bytes(b"")
        path.chmod(0)
    with mediacreator.open_fileset(stick / "DICOMDIR") as file_set:
        (patient,) = file_set.patients()
        assert patient.instances == 3
        assert [record.type for record in file_set.instances()] == ["IMAGE"] * 3
        assert file_set.findings == ()
        assert file_set.missing() == ()
        assert file_set.id.startswith("DICOM_")
        assert file_set.uid.startswith("2.25.")
        assert patient.name not in repr(file_set)


def test_a_file_set_shows_what_it_is_after_each_change(stick: Path, tmp_path: Path) -> None:
    other = made(tmp_path / "other", study(tmp_path / "third", (1,), series=3))
    with mediacreator.open_fileset(stick) as file_set, mediacreator.open_fileset(other) as second:
        uid = file_set.uid
        assert file_set.add(study(tmp_path / "second", (1,), series=2), workers=1).counts.accepted == 1
        assert [one.uid for one in file_set.patients()[0].studies[0].series] == ["2.25.79.1.1", "2.25.79.1.2"]
        assert file_set.merge(second).counts.accepted == 1
        assert second.diff(file_set).only_a.instances == ()
        assert second.diff(file_set).only_b.instances == file_set.diff(other).only_a.instances
        assert len(file_set.diff(other, content=True).only_a.series) == 2
        assert file_set.remove(series=["2.25.79.1.1", "2.25.79.1.2"]).counts.removed == 4
        assert file_set.diff(second).same_content
        assert file_set.rebuild().counts.kept == 1
        assert file_set.uid == uid
        with pytest.raises(mediacreator.MediaCreatorError):
            file_set.remove()
        with pytest.raises(mediacreator.MediaCreatorError):
            file_set.remove(studies=["2.25.9"])
        assert sum(1 for _ in file_set.instances()) == 1


def test_every_name_is_there_and_has_a_docstring() -> None:
    for name in mediacreator.__all__:
        value = getattr(mediacreator, name)
        assert value is not None
        assert name == "__version__" or value.__doc__, name
    with pytest.raises(AttributeError):
        _ = mediacreator.nothing_like_this


def test_the_lazy_names_are_those_that_are_exported() -> None:
    assert set(mediacreator._HOMES) | {"__version__"} == set(mediacreator.__all__)


@pytest.mark.parametrize("heavy", ["pydicom", "numpy", "lxml", "jinja2", "imagecodecs", "rich"])
def test_the_ordinary_path_does_not_import_what_is_slow(heavy: str) -> None:
    """Making a DICOMDIR of ordinary files needs none of these; importing them costs more than a thousand files."""
    code = (
        "import sys, mediacreator.creation, mediacreator.scan, mediacreator.select, mediacreator.directory;"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
