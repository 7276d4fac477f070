"""From a receipt to a sheet of paper: who it says the patient is, and that it says it to nobody else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from mediacreator import CreateRequest, create
from mediacreator.cli import run as run_command
from mediacreator.settings import Institution, Settings
from tests.instances import write_ct
from tests.oracles import needs, run

pytestmark = needs("pdftotext")


@pytest.fixture(scope="module")
def mastered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mastered")
    (folder / "in").mkdir()
    for study, text in ((1, "CT Thorax"), (2, "頭部CT")):
        write_ct(
            folder / "in" / str(study),
            study=study,
            StudyDate=f"2026030{study}",
            StudyDescription=text,
            PatientName="Yamada^Tarou=山田^太郎",
            PatientBirthDate="19700102",
        )
    settings = Settings(institution=Institution("Klinikum"))
    create(CreateRequest((str(folder / "in"),), str(folder / "disc.iso"), profile="STD-GEN-CD"), settings)
    return folder


@pytest.fixture
def receipt(mastered: Path, tmp_path: Path) -> Path:
    for name in ("disc.iso", "disc.iso.receipt.json"):
        shutil.copy(mastered / name, tmp_path / name)
    return tmp_path / "disc.iso.receipt.json"


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mediacreator").mkdir()
    (tmp_path / "mediacreator/settings.toml").write_text('[institution]\nname = "Klinikum Nord"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def text(pdf: Path) -> str:
    return run("pdftotext", "-raw", pdf, "-")


def label(receipt: Path, *arguments: str) -> int:
    return run_command(["label", str(receipt), "-o", str(receipt.parent / "label.pdf"), *arguments])


def test_a_label_says_whose_disc_it_is_and_what_is_on_it(receipt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert label(receipt) == 0
    pdf = receipt.parent / "label.pdf"
    said = text(pdf)
    for expected in (
        "Yamada, Tarou",
        "山田 太郎",
        "TEST1",
        "CT Thorax",
        "頭部CT",
        "2026-03-01",
        "1970-01-02",
        "Klinikum Nord",
    ):
        assert expected in said
    assert "DICOM ONLY" in said
    assert "STD-GEN-CD" in said
    assert os.stat(pdf).st_mode & 0o777 == 0o600
    shown = capsys.readouterr()
    assert "1 label written, with patient identity." in shown.out
    assert "Yamada" not in shown.out + shown.err


def test_identity_can_be_left_out(receipt: Path) -> None:
    assert label(receipt, "--no-identity", "--layout", "jewel", "--fields", "-contact") == 0
    said = text(receipt.parent / "label.pdf")
    assert "CT Thorax" in said
    assert "Yamada" not in said
    assert "TEST1" not in said


def test_fields_can_be_chosen(receipt: Path) -> None:
    assert label(receipt, "--fields", "id,dates", "--copies", "2") == 0
    words = text(receipt.parent / "label.pdf").replace("\f", " ").split()
    assert words == ["ID", "TEST1", "2026-03-01", "2026-03-02"] * 2


def test_the_receipt_tells_everything_when_the_medium_is_gone(receipt: Path) -> None:
    assert label(receipt) == 0
    before = text(receipt.parent / "label.pdf")
    os.unlink(receipt.parent / "disc.iso")
    assert label(receipt, "--force") == 0
    assert text(receipt.parent / "label.pdf") == before
    assert "CT Thorax" in before


@needs("xorriso")
def test_a_disc_that_was_made_and_burned_in_one_go_has_a_label(mastered: Path, tmp_path: Path) -> None:
    """Its image is removed."""
    image = tmp_path / "burned.iso"
    made = ("create", str(mastered / "in"), "-o", str(image), "--virus-checked", "2026-03-05,ClamAV 1.4.1")
    assert run_command([*made, "--burn", "--device", f"stdio:{tmp_path}/cd", "-q"]) == 0
    assert not image.exists()
    assert label(Path(f"{image}.receipt.json")) == 0
    said = " ".join(text(tmp_path / "label.pdf").split())
    for expected in ("Yamada, Tarou", "CT Thorax", "頭部CT", "2026-03-02"):
        assert expected in said
    assert "Checked for viruses on 2026-03-05 with ClamAV 1.4.1" in said


def test_a_receipt_of_an_earlier_version_still_names_the_patient(
    receipt: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(receipt.read_text())
    document["media"][0]["patients"] = [{"name": "Yamada^Tarou", "id": "TEST1"}]
    receipt.write_text(json.dumps(document))
    assert label(receipt) == 0
    said = text(receipt.parent / "label.pdf")
    assert "Yamada, Tarou" in said
    assert "CT Thorax" not in said
    assert "does not tell the studies" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("--fields", "name"), 2, "no field of a label"),
        (("--font", "/nowhere/font.ttf", "--fields", "id"), 2, "font.ttf: no font"),
        (("--layout", "floppy"), 2, "floppy"),
    ],
)
def test_options_are_refused_before_anything_is_written(
    receipt: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, why: str
) -> None:
    assert label(receipt, *arguments) == code
    assert why in capsys.readouterr().err
    assert (receipt.parent / "label.pdf").exists() == (code == 0)


def test_nothing_is_replaced_unasked_and_no_half_file_is_left(receipt: Path) -> None:
    pdf = receipt.parent / "label.pdf"
    pdf.write_text("mine")
    assert label(receipt, "--fields", "id") == 3
    assert pdf.read_text() == "mine"
    assert label(receipt, "--fields", "id", "--force") == 0
    assert not list(receipt.parent.glob("*.partial"))


def test_a_receipt_that_travels_makes_no_label(receipt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from mediacreator import open_medium

    with open_medium(receipt.parent / "disc.iso") as medium:
        data = medium.tree.open(("RECEIPT.JSN",)).read()
    receipt.write_bytes(data)
    assert label(receipt) == 2
    assert "travels" in capsys.readouterr().err
