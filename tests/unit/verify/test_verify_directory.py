"""The DICOMDIR of a finished medium is walked, and everything that is not as it was built is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mediacreator.directory import build_dicomdir
from mediacreator.formats import open_tree
from mediacreator.model import Volume
from mediacreator.rules.claim import load_claim
from mediacreator.verify import directory_differences
from tests.headers import header
from tests.volumes import instance, patient, study, volume


def written(made: Volume, folder: Path) -> Path:
    folder.mkdir()
    (folder / "DICOMDIR").write_bytes(build_dicomdir(made, load_claim("STD-GEN-CD").keys_for))
    return folder


def disc() -> Volume:
    return volume([patient([study([[instance(header(1)), instance(header(2))]])])])


def without_last(made: Volume) -> Volume:
    series = made.content.patients[0].studies[0].series[0]
    fewer = replace(series, instances=series.instances[:-1])
    one_study = replace(made.content.patients[0].studies[0], series=(fewer,))
    content = replace(made.content, patients=(replace(made.content.patients[0], studies=(one_study,)),))
    return replace(made, content=content, files=made.files[:-1])


def other_name(made: Volume) -> Volume:
    first = replace(made.files[0], file_id=("DICOM", "ELSEWHERE"[:8]))
    return replace(made, files=(first, *made.files[1:]))


def swapped(made: Volume) -> Volume:
    series = made.content.patients[0].studies[0].series[0]
    turned = replace(series, instances=series.instances[::-1])
    one_study = replace(made.content.patients[0].studies[0], series=(turned,))
    content = replace(made.content, patients=(replace(made.content.patients[0], studies=(one_study,)),))
    return replace(made, content=content, files=made.files[::-1])


def test_a_directory_as_it_was_built_has_no_differences(tmp_path: Path) -> None:
    with open_tree(str(written(disc(), tmp_path / "m"))) as tree:
        assert directory_differences(disc(), tree) == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (without_last, "no record references it"),
        (other_name, "was not written"),
        (swapped, "another order"),
        (lambda made: replace(made, file_set_uid="2.25.99"), "File-set UID"),
        (lambda made: replace(made, file_set_id="OTHER"), "File-set ID"),
    ],
    ids=["missing", "renamed", "swapped", "UID", "label"],
)
def test_every_difference_is_told(change: Callable[[Volume], Volume], says: str, tmp_path: Path) -> None:
    with open_tree(str(written(change(disc()), tmp_path / "m"))) as tree:
        found = directory_differences(disc(), tree)
    assert {finding.code for finding in found} == {"directory-differs"}
    assert any(says in finding.what for finding in found), found


def test_a_broken_directory_is_told_with_what_the_walk_found(tmp_path: Path) -> None:
    folder = written(disc(), tmp_path / "m")
    data = bytearray((folder / "DICOMDIR").read_bytes())
    offset = data.index(b"\x04\x00\x00\x14UL\x04\x00") + 8
    data[offset : offset + 4] = b"\xff\xff\xff\x7f"
    (folder / "DICOMDIR").write_bytes(data)
    with open_tree(str(folder)) as tree:
        assert "dangling-offset" in {finding.code for finding in directory_differences(disc(), tree)}


def test_a_medium_without_a_directory_is_told(tmp_path: Path) -> None:
    with open_tree(str(tmp_path)) as tree:
        (finding,) = directory_differences(disc(), tree)
    assert "cannot be read" in finding.what
