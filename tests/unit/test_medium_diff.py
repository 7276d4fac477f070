"""Two media compared: every kind of difference is named, and nobody is."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from mediacreator import cli
from mediacreator.medium import open_medium
from mediacreator.medium_diff import Changed, Differs, MediumDiff, Whole, diff_media
from tests import filesets
from tests.filesets import FileSet
from tests.updated import copied, made, study


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    second = study(folder / "b", (1,), study=2, PatientID="TEST2", PatientName="Testperson^Tom")
    return made(folder / "m", study(folder / "a"), study(folder / "c", (1,), series=2), second)


def diffed(a: Path, b: Path, *, content: bool = False) -> MediumDiff:
    with open_medium(a) as one, open_medium(b) as other:
        return diff_media(one, other, content=content)


def changed(medium: Path, how: Callable[[FileSet], object]) -> Path:
    """Change the DICOMDIR of a medium, and nothing else."""
    file_set = filesets.opened(medium)
    how(file_set)
    (medium / "DICOMDIR").write_bytes(filesets.encoded(file_set))
    return medium


def test_a_copy_is_equal(original: Path, tmp_path: Path) -> None:
    found = diffed(original, copied(original, tmp_path / "m"), content=True)
    assert found.equal
    assert found.compared
    assert found.both == {"PATIENT": 2, "STUDY": 2, "SERIES": 3, "INSTANCE": 5}


def test_what_only_one_holds(original: Path, tmp_path: Path) -> None:
    fewer = made(tmp_path / "m", study(tmp_path / "a", (2, 3, 4)))
    found = diffed(original, fewer)
    assert found.only_a.instances == ("2.25.77.1.1.1", "2.25.77.1.2.1", "2.25.77.2.1.1")
    assert found.only_a.series == ("2.25.79.1.2", "2.25.79.2.1")
    assert found.only_a.studies == ("2.25.78.2",)
    (patient,) = found.only_a.patients
    assert (patient.number, patient.id) == (2, "TEST2")
    assert found.only_a.wholes == (
        Whole("INSTANCE", "2.25.77.1.1.1", 1),
        Whole("SERIES", "2.25.79.1.2", 1),
        Whole("PATIENT", "patient 2", 1),
    )
    assert found.only_b.instances == ("2.25.77.1.1.4",)
    assert not found.only_b.series
    assert "Tom" not in repr(found)

    back = diffed(fewer, original)
    assert (back.only_a, back.only_b) == (found.only_b, found.only_a)


def test_records_with_other_keys(original: Path, tmp_path: Path) -> None:
    def change(file_set: FileSet) -> None:
        file_set.of("PATIENT").record.PatientName = "Other^Name"
        file_set.of("STUDY").record.StudyDescription = ""
        file_set.of("SERIES", 1).record.SeriesNumber = 7
        file_set.of("IMAGE").record.add_new(0x00091001, "LO", "private")
        icon = filesets.icon_of(8)
        file_set.of("IMAGE", 1).record.IconImageSequence = [icon]

    other = changed(copied(original, tmp_path / "m"), change)
    found = diffed(original, other)
    assert found.records == (
        Changed("PATIENT", "patient 1", ("PatientName",)),
        Changed("STUDY", "2.25.78.1", ("StudyDescription",)),
        Changed("SERIES", "2.25.79.1.2", ("SeriesNumber",)),
        Changed("IMAGE", "2.25.77.1.1.1", ("00091001",)),
        Changed("IMAGE", "2.25.77.1.1.2", ("IconImageSequence",)),
    )
    assert not found.same_content
    assert "Other" not in repr(found)

    def shade(file_set: FileSet) -> None:
        file_set.of("IMAGE", 1).record.IconImageSequence[0].PixelData = bytes([1] * 64)

    again = changed(copied(other, tmp_path / "n"), shade)
    assert diffed(other, again).records == (Changed("IMAGE", "2.25.77.1.1.2", ("IconImageSequence",)),)


def test_how_a_value_is_written_is_no_difference(original: Path, tmp_path: Path) -> None:
    """Another character set, padding, empty or absent: the same is said."""

    def latin(file_set: FileSet) -> None:
        record = file_set.of("PATIENT").record
        record.PatientName, record.SpecificCharacterSet = "Müller^Anna", "ISO_IR 100"
        file_set.of("SERIES").record.SeriesDescription = "axial "

    def utf8(file_set: FileSet) -> None:
        record = file_set.of("PATIENT").record
        record.PatientName, record.SpecificCharacterSet = "Müller^Anna", "ISO_IR 192"
        file_set.of("SERIES").record.SeriesDescription = "axial"
        file_set.of("STUDY").record.ProtocolName = ""

    one = changed(copied(original, tmp_path / "m"), latin)
    other = changed(copied(original, tmp_path / "n"), utf8)
    assert diffed(one, other).equal
    assert diffed(one, original).records == (
        Changed("PATIENT", "patient 1", ("PatientName",)),
        Changed("SERIES", "2.25.79.1.1", ("SeriesDescription",)),
    )


def test_private_records_are_compared_by_their_place(original: Path, tmp_path: Path) -> None:
    def private(value: str) -> Callable[[FileSet], object]:
        record = Dataset()
        record.DirectoryRecordType, record.PrivateRecordUID = "PRIVATE", "2.25.1"
        record.add_new(0x00091001, "LO", value)
        return lambda file_set: file_set.of("SERIES").below.append(filesets.Node(record))

    one = changed(copied(original, tmp_path / "m"), private("a"))
    other = changed(copied(original, tmp_path / "n"), private("b"))
    (found,) = diffed(one, other).records
    assert (found.type, found.keywords) == ("PRIVATE", ("00091001",))
    assert diffed(one, one).equal


def test_where_files_lie_how_they_are_encoded_and_what_they_hold(original: Path, tmp_path: Path) -> None:
    other = copied(original, tmp_path / "m")
    place = "DICOM/PT000000/ST000000/SE000000"
    (other / place / "IM000000").rename(other / place / "MOVED")
    (other / place / "IM000002").unlink()

    def change(file_set: FileSet) -> None:
        file_set.of("IMAGE").record.ReferencedFileID = f"{place}/MOVED".split("/")
        file_set.of("IMAGE", 1).record.ReferencedTransferSyntaxUIDInFile = "1.2.840.10008.1.2"

    changed(other, change)
    data = bytearray((other / place / "IM000001").read_bytes())
    data[-1] ^= 1
    (other / place / "IM000001").write_bytes(data)

    found = diffed(original, other, content=True)
    assert found.file_ids == (Differs("2.25.77.1.1.1", f"{place}/IM000000", f"{place}/MOVED"),)
    assert found.transfer_syntaxes == (Differs("2.25.77.1.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"),)
    assert found.contents == (Differs("2.25.77.1.1.2"),)
    assert found.lost == (Differs("2.25.77.1.1.3", "", "missing"),)
    assert diffed(original, other).contents == ()
    assert not diffed(original, other).compared


def test_a_file_that_cannot_be_read_is_not_the_same(original: Path, tmp_path: Path) -> None:
    other = copied(original, tmp_path / "m")
    target = other / "DICOM/PT000000/ST000000/SE000000/IM000000"
    with open_medium(original) as one, open_medium(other) as two:
        size = target.stat().st_size
        target.unlink()
        target.mkdir()
        assert size
        assert diff_media(one, two, content=True).contents == (Differs("2.25.77.1.1.1"),)


def test_a_file_set_with_another_uid_holds_the_same(original: Path, tmp_path: Path) -> None:
    other = changed(copied(original, tmp_path / "m"), lambda f: setattr(f, "file_set_uid", "2.25.5"))
    found = diffed(original, other, content=True)
    assert not found.equal
    assert found.same_content
    assert found.file_set_uid[1] == "2.25.5"


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def said(*arguments: object) -> tuple[int, str]:
        capsys.readouterr()
        code = cli.run(["diff", *map(str, arguments)])
        out = capsys.readouterr().out
        assert "Testperson" not in out
        assert "TEST2" not in out
        return code, out

    return said


def test_the_command(original: Path, tmp_path: Path, say: Callable[..., tuple[int, str]]) -> None:
    """A folder against an image of it and an archive: the same instances under other File-set UIDs."""
    archive = shutil.make_archive(str(tmp_path / "m"), "zip", original)
    assert say(original, archive, "--content") == (0, say(original, original / "DICOMDIR", "--content")[1])
    code, out = say(original, archive)
    assert code == 0
    assert out.endswith("The two are the same. Files were not compared; --content does.\n")

    image = tmp_path / "disc.iso"
    assert cli.run(["create", str(original), "-o", str(image), "--multi-patient", "--profile", "STD-GEN-CD", "-q"]) == 0
    code, out = say(original, image, "--content")
    assert code == 1
    assert out.endswith("The two hold the same instances and records; File-set or File IDs differ.\n")

    fewer = made(tmp_path / "fewer", study(tmp_path / "a"))
    code, out = say(original, fewer)
    assert code == 1
    assert "  patient 2, 1 instance\n  " not in out
    assert "patient 2, 1 instance" in out
    assert "series 2.25.79.1.2, 1 instance" in out
    assert max(map(len, out.splitlines())) <= 80
    document = json.loads(say(original, fewer, "--json")[1])
    assert document["only_a"]["patients"] == [2]
    assert document["both"] == {"patients": 1, "studies": 1, "series": 1, "instances": 3}
    assert not document["equal"]
    assert say(original, tmp_path / "nothing")[0] == 3


def test_a_terminal_shows_who_it_is_and_a_log_does_not(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediacreator.cli.diff import _lines

    found = diffed(original, made(tmp_path / "fewer", study(tmp_path / "a")))
    assert any("Testperson, Tom [TEST2]" in line for line in _lines(found, identities=True))
    assert not any("Tom" in line for line in _lines(found, identities=False))


def test_long_lists_are_cut(original: Path, tmp_path: Path, say: Callable[..., tuple[int, str]]) -> None:
    many = made(tmp_path / "many", study(tmp_path / "a", range(1, 31)))
    code, out = say(many, original)
    assert code == 1
    assert "and 17 more, all of them with --json" in out
    assert os.path.exists(many)
