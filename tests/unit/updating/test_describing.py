"""README.TXT, INDEX.HTM and both receipts say what is on an updated medium, whatever of them was there before."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mediacreator.errors import UsageError
from mediacreator.medium_verify import ReceiptKind, verify_medium
from mediacreator.model import Silent
from mediacreator.receipt import counts_close
from mediacreator.select import Excluded
from mediacreator.updating import UpdateRequest, add, remove
from tests.updated import EPOCH, added, copied, made, study


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Path:
    folder = tmp_path_factory.mktemp("original")
    return made(folder / "m", study(folder / "a"), samples / "patient3")


@pytest.fixture
def medium(original: Path, tmp_path: Path) -> Path:
    return copied(original, tmp_path / "m")


def local(medium: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(f"{medium}.receipt.json").read_text())
    return document


def files(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {file["path"]: file for file in document["media"][0]["files"]}


def whole(medium: Path) -> ReceiptKind:
    found = verify_medium(str(medium), progress=Silent())
    assert found.whole, found.findings
    assert not found.unlisted
    return found.kind


def test_what_stays_is_told_as_before_and_without_its_source(medium: Path, tmp_path: Path) -> None:
    before = local(medium)
    receipt = add(added(medium, study(tmp_path / "new", (9,))))
    after = local(medium)
    kept = {path: file for path, file in files(before).items() if path.startswith("DICOM/")}
    assert len(kept) == before["media"][0]["instances"]
    for path, file in kept.items():
        told = {key: value for key, value in file.items() if key not in ("source", "source_path")}
        assert files(after)[path] == told
    assert after["media"][0]["instances"] == len(kept) + 1
    assert (after["counts"]["accepted"], after["counts"]["kept"]) == (1, len(kept))
    assert after["media"][0]["file_set_uid"] == before["media"][0]["file_set_uid"]
    assert after["id"] != before["id"]
    assert counts_close(receipt) == ()
    assert whole(medium) is ReceiptKind.BESIDE


def test_both_receipts_are_of_one_update(medium: Path, tmp_path: Path) -> None:
    add(added(medium, study(tmp_path / "new", (9,))))
    travelling = json.loads((medium / "RECEIPT.JSN").read_text())
    assert travelling["id"] == local(medium)["id"]
    assert travelling["holds_identity"] is False
    text = (medium / "RECEIPT.JSN").read_text()
    assert str(tmp_path) not in text
    assert "Testperson" not in text


def test_pages_are_written_anew_only_where_they_are(medium: Path, tmp_path: Path) -> None:
    """Somebody took INDEX.HTM away, and README.TXT is one of theirs: neither comes back."""
    (medium / "INDEX.HTM").unlink()
    add(added(medium, study(tmp_path / "new", (9,))))
    assert not (medium / "INDEX.HTM").exists()
    assert "INDEX.HTM" not in files(local(medium))
    whole(medium)


def test_frames_and_descriptions_are_those_of_the_instances(medium: Path, tmp_path: Path) -> None:
    page = (medium / "INDEX.HTM").read_text()
    (told,) = {line.strip() for line in page.splitlines() if "frames" in line}
    source = study(tmp_path / "new", (9,))
    add(added(medium, source))
    again = (medium / "INDEX.HTM").read_text()
    assert told in again
    assert "4 images" in again
    remove(UpdateRequest(str(medium), epoch=EPOCH), Excluded(instances=frozenset(("2.25.77.1.1.9",))))
    assert "3 images" in (medium / "INDEX.HTM").read_text()


def test_the_receipt_that_travels_is_enough(medium: Path, tmp_path: Path) -> None:
    Path(f"{medium}.receipt.json").unlink()
    add(added(medium, study(tmp_path / "new", (9,))))
    assert local(medium)["counts"]["kept"] == 5
    assert whole(medium) is ReceiptKind.BESIDE


def test_beside_a_mount_point_nothing_is_written(medium: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/media belongs to root: a stick is updated all the same."""
    Path(f"{medium}.receipt.json").unlink()
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(tmp_path))
    add(added(medium, study(tmp_path / "new", (9,))))
    assert not Path(f"{medium}.receipt.json").exists()
    assert whole(medium) is ReceiptKind.TRAVELLING


def test_a_receipt_of_another_medium_is_none(medium: Path, tmp_path: Path) -> None:
    other = made(tmp_path / "other", study(tmp_path / "b", (1,)))
    Path(f"{other}.receipt.json").rename(f"{medium}.receipt.json")
    before = Path(f"{medium}.receipt.json").read_bytes()
    add(added(medium, study(tmp_path / "new", (9,))))
    assert Path(f"{medium}.receipt.json").read_bytes() == before
    Path(f"{medium}.receipt.json").unlink()
    assert whole(medium) is ReceiptKind.TRAVELLING


def test_a_receipt_that_is_none_is_left(medium: Path, tmp_path: Path) -> None:
    Path(f"{medium}.receipt.json").write_bytes(b"notes")
    (medium / "RECEIPT.JSN").write_bytes(b"notes")
    with pytest.raises(UsageError, match="Give --profile"):
        add(added(medium, study(tmp_path / "new", (9,))))
    add(added(medium, tmp_path / "new", profile="STD-GEN-CD"))
    assert Path(f"{medium}.receipt.json").read_bytes() == (medium / "RECEIPT.JSN").read_bytes() == b"notes"


def test_what_an_update_rejects_stands_on_the_page(medium: Path, tmp_path: Path) -> None:
    source = study(tmp_path / "new", (9, 10))
    (source / "ct10").write_bytes((source / "ct10").read_bytes()[:-40])
    receipt = add(added(medium, source))
    assert receipt.state == "incomplete"
    assert receipt.counts.rejected == 1
    assert "This medium is not complete: 1 file" in (medium / "INDEX.HTM").read_text()

    for number in (11, 12):
        receipt = add(added(medium, study(tmp_path / str(number), (number,))))
        assert receipt.state == "complete"
        assert [finding.code for finding in receipt.findings] == ["medium-incomplete-before"], "it stays said"


@pytest.mark.parametrize("most", [0, 2000])
def test_the_local_receipt_tells_the_studies_of_old_and_new(
    medium: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """A label needs nothing else, also where so many series are held that no instance is asked."""
    monkeypatch.setattr("mediacreator.updating.describing._MOST_SERIES", most)
    before = {line["id"]: line for line in local(medium)["media"][0]["patients"]}
    add(added(medium, study(tmp_path / "new", (9,), study=2, StudyDate="20260302", StudyDescription="Süd")))
    after = {line["id"]: line for line in local(medium)["media"][0]["patients"]}
    assert {key: line["birth_date"] for key, line in after.items()} == {
        key: line["birth_date"] for key, line in before.items()
    }
    assert all(line["birth_date"] for line in before.values())
    (old, new) = after["TEST1"].pop("studies")
    assert [old] == before["TEST1"].pop("studies")
    assert new == {"date": "20260302", "modalities": ["CT"], "description": "Süd", "series": 1, "instances": 1}
    assert after == before

    remove(UpdateRequest(str(medium), epoch=EPOCH), Excluded(studies=frozenset({"2.25.78.2"})))
    (line,) = [line for line in local(medium)["media"][0]["patients"] if line["id"] == "TEST1"]
    assert line["studies"] == [old]
    assert "birth_date" not in (medium / "RECEIPT.JSN").read_text()
