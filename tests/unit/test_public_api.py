"""The public API is what it says, and importing it costs next to nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import mediacreator


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
