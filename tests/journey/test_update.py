"""A medium that is there gets more, loses something, takes in another: told by the command line, judged by others."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pydicom.fileset import FileSet

from mediacreator import cli
from mediacreator.validate import check_file_set
from tests import filesets
from tests.instances import write_ct
from tests.journey.conftest import Command, Ran, receipt_of
from tests.lossy_set import uid, ultrasound
from tests.oracles import dciodvfy_errors, may_mount, needs, run
from tests.updated import copied, held, instances, made, record, snapshot, study

IDENTITY = re.compile(r"Testperson|Muster|Tilda|TEST1|19700101|M.{1,2}ller|Anna|Other")


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command line in this process; whatever it says, it says no identity."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(os, "fsync", lambda handle: None)

    def called(*arguments: object, env: dict[str, str] | None = None, timeout: float = 0) -> Ran:
        capfd.readouterr()
        with monkeypatch.context() as patched:
            for name, value in (env or {}).items():
                patched.setenv(name, value)
            code = cli.run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        if arguments[0] != "list":
            assert not IDENTITY.search(out + err), out + err
        return Ran(code, out, err)

    return called


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two series of a study and one of another, of one patient."""
    folder = tmp_path_factory.mktemp("original")
    sources = (
        study(folder / "a", (1, 2)),
        study(folder / "b", (1,), series=2),
        study(folder / "c", (1,), study=2, StudyDate="20260302"),
    )
    return made(folder / "m", *sources)


@pytest.fixture
def medium(original: Path, tmp_path: Path) -> Path:
    return copied(original, tmp_path / "m")


def tree(medium: Path) -> list[tuple[str, str]]:
    """Return type and identity of each record in order."""
    keys = {
        "PATIENT": "PatientID",
        "STUDY": "StudyInstanceUID",
        "SERIES": "SeriesInstanceUID",
        "IMAGE": "ReferencedSOPInstanceUIDInFile",
    }
    nodes = filesets.opened(medium).nodes()
    return [(node.type, str(node.record.get(keys.get(node.type, ""), ""))) for node in nodes]


def is_whole(call: Command, medium: Path) -> None:
    ran = call("verify", medium)
    assert ran.code == 0, ran.said
    assert not check_file_set(medium, "STD-GEN-CD", role="FSU").findings


def test_new_instances_join_their_series_study_and_patient(call: Command, medium: Path, tmp_path: Path) -> None:
    before = held(medium)
    files = {name: data for name, data in snapshot(medium).items() if "/DICOM/" in name}
    source = study(tmp_path / "new", (3,))
    study(source / "series", (1,), series=3)
    study(source / "study", (1,), study=3, StudyDate="20260303")
    ran = call("add", medium, source)

    assert ran.code == 0, ran.said
    assert "Good to know" not in ran.out, "the patient is known by the same name"
    assert "3 of 3 instances were added and read back; 4 were kept" in ran.out
    assert tree(medium) == [
        ("PATIENT", "TEST1"),
        ("STUDY", "2.25.78.1"),
        ("SERIES", "2.25.79.1.1"),
        ("IMAGE", "2.25.77.1.1.1"),
        ("IMAGE", "2.25.77.1.1.2"),
        ("IMAGE", "2.25.77.1.1.3"),
        ("SERIES", "2.25.79.1.2"),
        ("IMAGE", "2.25.77.1.2.1"),
        ("SERIES", "2.25.79.1.3"),
        ("IMAGE", "2.25.77.1.3.1"),
        ("STUDY", "2.25.78.2"),
        ("SERIES", "2.25.79.2.1"),
        ("IMAGE", "2.25.77.2.1.1"),
        ("STUDY", "2.25.78.3"),
        ("SERIES", "2.25.79.3.1"),
        ("IMAGE", "2.25.77.3.1.1"),
    ]
    assert held(medium)[:2] == before[:2], "File-set ID and UID stay"
    now = snapshot(medium)
    assert {name: now[name] for name in files} == files, "no file is touched"
    is_whole(call, medium)


def test_adding_what_is_there_changes_nothing(call: Command, medium: Path, tmp_path: Path) -> None:
    source, before = study(tmp_path / "again", (1, 2)), snapshot(medium)
    ran = call("add", medium, source)
    assert ran.code == 0, ran.said
    assert "already-on-medium" in ran.out
    assert snapshot(medium) == before


def test_another_instance_under_a_uid_that_is_there_is_rejected(call: Command, medium: Path, tmp_path: Path) -> None:
    source, before = study(tmp_path / "other", (1,), PixelData=bytes(range(128))), snapshot(medium)
    ran = call("add", medium, source)
    assert ran.code == 1
    assert "other-on-medium" in ran.err
    assert snapshot(medium) == before

    write_ct(source / "new", number=9)
    ran = call("add", medium, source, "--strict")
    assert ran.code == 1
    assert "--strict was given: nothing was" in ran.err
    assert snapshot(medium) == before

    ran = call("add", medium, source)
    assert ran.code == 1
    assert "NOT complete: 1 of 2 instances is not on the medium" in ran.out
    assert "2.25.77.1.1.9" in instances(medium)
    assert call("verify", medium).code == 0


def test_a_name_that_is_only_written_differently_joins(call: Command, tmp_path: Path) -> None:
    medium = made(tmp_path / "m", study(tmp_path / "a", (1,), PatientName="Müller^Anna"))
    ran = call("add", medium, study(tmp_path / "b", (1,), series=2, PatientName="Mueller^Anna"))
    assert ran.code == 0, ran.said
    assert "identity-written-differently" in ran.out
    assert [kind for kind, _ in tree(medium)].count("PATIENT") == 1
    assert call("verify", medium).code == 0


def test_one_patient_id_under_two_persons_stops(call: Command, medium: Path, tmp_path: Path) -> None:
    before = snapshot(medium)
    source = study(tmp_path / "other", (1,), study=9, PatientName="Other^Otto", PatientSex="M")
    for options in ((), ("--multi-patient",), ("--same-patient", 1)):
        ran = call("add", medium, source, *options)
        assert ran.code in (1, 2), ran.said
        assert snapshot(medium) == before
    ran = call("add", medium, source, "--json")
    document = json.loads(ran.out)
    assert document["state"] == "undecided"
    assert document["conflicts"][0]["code"] == "patient-id-shared"


def test_what_no_record_says_tells_persons_apart(call: Command, medium: Path, tmp_path: Path) -> None:
    """A PATIENT record has no birth date (PS3.3 Table F.5-1): it is read from an instance that is held."""
    assert not any("PatientBirthDate" in node.record for node in filesets.opened(medium).nodes())
    before = snapshot(medium)
    ran = call("add", medium, study(tmp_path / "father", (1,), study=9, PatientBirthDate="19410101"))
    assert ran.code == 1
    assert "patient-id-shared" in ran.err
    assert snapshot(medium) == before


def test_a_person_confirms_that_it_is_the_same(call: Command, medium: Path, tmp_path: Path) -> None:
    source = study(tmp_path / "married", (1,), study=9, PatientName="Other^Tilda")
    before = snapshot(medium)
    ran = call("add", medium, source)
    assert ran.code == 1
    assert "--same-patient 1" in ran.err.replace("\n    ", " ")
    assert snapshot(medium) == before

    ran = call("add", medium, source, "--same-patient", 1)
    assert ran.code == 0, ran.said
    assert "decided by --same-patient 1" in ran.out
    assert [kind for kind, _ in tree(medium)].count("PATIENT") == 1
    assert call("verify", medium).code == 0


def test_a_second_patient_only_when_it_is_said(call: Command, medium: Path, tmp_path: Path) -> None:
    source, before = (
        study(tmp_path / "second", (1,), study=9, PatientID="OTHER", PatientName="Other^Otto"),
        snapshot(medium),
    )
    ran = call("add", medium, source)
    assert ran.code == 1
    assert "several-patients" in ran.err
    assert snapshot(medium) == before

    assert call("add", medium, source, "--multi-patient").code == 0
    assert [kind for kind, _ in tree(medium)].count("PATIENT") == 2
    third = study(tmp_path / "third", (1,), study=10, PatientID="THIRD", PatientName="Third^Tom")
    assert call("add", medium, third).code == 0, "it holds several already"
    is_whole(call, medium)


@pytest.mark.parametrize(
    ("option", "value", "left"),
    [
        ("--instance", "2.25.77.1.1.1", {"2.25.77.1.1.2", "2.25.77.1.2.1", "2.25.77.2.1.1"}),
        ("--instance", "2.25.77.1.2.1", {"2.25.77.1.1.1", "2.25.77.1.1.2", "2.25.77.2.1.1"}),
        ("--series", "2.25.79.1.1", {"2.25.77.1.2.1", "2.25.77.2.1.1"}),
        ("--study", "2.25.78.1", {"2.25.77.2.1.1"}),
        ("--study", "2.25.78.2", {"2.25.77.1.1.1", "2.25.77.1.1.2", "2.25.77.1.2.1"}),
    ],
)
def test_remove_by_each_level(call: Command, medium: Path, option: str, value: str, left: set[str]) -> None:
    ran = call("remove", medium, option, value)
    assert ran.code == 0, ran.said
    assert instances(medium) == left
    assert len([path for path in (medium / "DICOM").rglob("*") if path.is_file()]) == len(left)
    assert all(any(path.iterdir()) for path in (medium / "DICOM").rglob("*") if path.is_dir()), "no empty folder"
    is_whole(call, medium)


def test_remove_a_patient_of_two(call: Command, medium: Path, tmp_path: Path) -> None:
    before = held(medium)
    second = study(tmp_path / "second", (1,), study=9, PatientID="OTHER", PatientName="Other^Otto")
    assert call("add", medium, second, "--multi-patient").code == 0
    ran = call("remove", medium, "--patient", "OTHER")
    assert ran.code == 0, ran.said
    assert held(medium) == before
    is_whole(call, medium)


def test_removing_what_is_not_there_changes_nothing(call: Command, medium: Path) -> None:
    before = snapshot(medium)
    ran = call("remove", medium, "--series", "2.25.79.1.1", "--study", "2.25.9.9.9")
    assert ran.code == 1
    assert "not-on-medium" in ran.err
    assert snapshot(medium) == before
    assert call("remove", medium).code == 2
    assert snapshot(medium) == before


def test_everything_goes_and_comes_back(call: Command, medium: Path, tmp_path: Path) -> None:
    assert call("remove", medium, "--patient", "TEST1").code == 0
    assert instances(medium) == set()
    assert [path.name for path in medium.iterdir()] != []
    assert call("verify", medium).code == 0
    assert call("add", medium, study(tmp_path / "new", (5,))).code == 0
    assert instances(medium) == {"2.25.77.1.1.5"}
    is_whole(call, medium)


def test_add_then_remove_gives_the_same_records_again(call: Command, medium: Path, tmp_path: Path) -> None:
    """Byte for byte: offsets are the same too, since the same records lie in the same order."""
    before = (medium / "DICOMDIR").read_bytes()
    source = study(tmp_path / "new", (7,))
    study(source / "series", (1,), series=3)
    assert call("add", medium, source).code == 0
    assert (medium / "DICOMDIR").read_bytes() != before
    assert call("remove", medium, "--series", "2.25.79.1.3", "--instance", "2.25.77.1.1.7").code == 0
    assert (medium / "DICOMDIR").read_bytes() == before
    is_whole(call, medium)


def test_merge_takes_in_what_another_medium_holds(call: Command, medium: Path, tmp_path: Path) -> None:
    other = made(tmp_path / "other", study(tmp_path / "a", (2, 3)), study(tmp_path / "b", (1,), study=5))
    (other / "DICOM/PT000000/ST000001/SE000000/IM000000").unlink()
    ran = call("merge", medium, other)
    assert ran.code == 1, "what a DICOMDIR promises and is not there is missing"
    assert "missing-file" in ran.out
    assert instances(medium) - instances(other) == {"2.25.77.1.1.1", "2.25.77.1.2.1", "2.25.77.2.1.1"}
    assert "2.25.77.1.1.3" in instances(medium)

    again = made(tmp_path / "again", tmp_path / "b")
    assert call("merge", medium, again, other, "--allow-rejected").code == 0
    assert instances(medium) >= instances(other)
    assert call("verify", medium).code == 0


def test_merge_an_image_and_an_archive(call: Command, medium: Path, tmp_path: Path) -> None:
    iso, folder = tmp_path / "other.iso", made(tmp_path / "z", study(tmp_path / "b", (1,), series=8))
    assert call("create", study(tmp_path / "a", (1,), series=7), "-o", iso).code == 0
    archive = shutil.make_archive(str(tmp_path / "z"), "zip", folder)
    ran = call("merge", medium, iso, archive)
    assert ran.code == 0, ran.said
    assert {"2.25.77.1.7.1", "2.25.77.1.8.1"} <= instances(medium)
    is_whole(call, medium)


@needs("dcmmkdir")
def test_a_medium_by_others_has_no_receipt_and_gets_none(call: Command, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    (folder / "IMAGES").mkdir(parents=True)
    for number in (1, 2):
        write_ct(folder / "IMAGES" / f"IM{number}", number=number)
    subprocess.run(["dcmmkdir", "+r", "--general-purpose", "IMAGES"], cwd=folder, check=True, capture_output=True)
    theirs = [record(node) for node in filesets.opened(folder).nodes()]
    before, source = snapshot(folder), study(tmp_path / "new", (3,))

    ran = call("add", folder, source)
    assert ran.code == 2
    assert "Give --profile" in ran.err
    assert snapshot(folder) == before

    ran = call("add", folder, source, "--profile", "STD-GEN-CD")
    assert ran.code == 0, ran.said
    assert "Receipt:" not in ran.out
    records = [record(node) for node in filesets.opened(folder).nodes()]
    assert records[:-1] == theirs, "their records are as they were"
    assert {path.name for path in folder.iterdir()} == {"DICOMDIR", "IMAGES", "DICOM"}
    assert not list(tmp_path.glob("*.receipt.json"))
    assert len(list(FileSet(folder / "DICOMDIR"))) == 3
    assert check_file_set(folder, "STD-GEN-CD", role="FSU").conforms

    assert call("remove", folder, "--instance", "2.25.77.1.1.1", "--profile", "STD-GEN-CD").code == 0
    assert sorted(path.name for path in (folder / "IMAGES").iterdir()) == ["IM2"]


def test_private_records_and_what_is_below_them_stay(call: Command, medium: Path, tmp_path: Path) -> None:
    """PS3.3 F.5.26: a record that only its maker understands, and keys that no standard names, are kept as they are."""
    from pydicom.dataset import Dataset

    file_set = filesets.opened(medium)
    private = Dataset()
    private.DirectoryRecordType, private.PrivateRecordUID = "PRIVATE", "2.25.4711"
    private.add_new(0x00090010, "LO", "ACME 1.0")
    private.add_new(0x00091001, "OB", bytes(range(256)))
    file_set.of("SERIES").below.append(filesets.Node(private))
    file_set.of("IMAGE").record.add_new(0x00111001, "UN", b"secret")
    (medium / "DICOMDIR").write_bytes(filesets.encoded(file_set))
    before = [record(node) for node in filesets.opened(medium).nodes()]

    assert call("add", medium, study(tmp_path / "new", (1,), study=7)).code == 0
    assert [record(node) for node in filesets.opened(medium).nodes()][: len(before)] == before
    assert call("remove", medium, "--study", "2.25.78.7").code == 0
    assert [record(node) for node in filesets.opened(medium).nodes()] == before


def test_a_dicomdir_that_breaks_rules_is_refused_with_advice(call: Command, medium: Path, tmp_path: Path) -> None:
    data = bytearray((medium / "DICOMDIR").read_bytes())
    place = data.index(b"\x04\x00\x00\x14UL\x04\x00") + 8
    data[place : place + 4] = (7).to_bytes(4, "little")
    (medium / "DICOMDIR").write_bytes(data)
    before = snapshot(medium)
    for arguments in (("add", medium, study(tmp_path / "new", (9,))), ("remove", medium, "--study", "2.25.78.1")):
        ran = call(*arguments)
        assert ran.code == 1
        assert "mediacreator rebuild" in ran.err
        assert snapshot(medium) == before


def test_a_profile_without_updater_is_not_changed_in_place(call: Command, tmp_path: Path) -> None:
    """PS3.11 H.2.1 defines no Updater of a DVD."""
    medium, source = (
        made(tmp_path / "m", study(tmp_path / "a"), profile="STD-GEN-DVD-JPEG"),
        study(tmp_path / "b", (9,)),
    )
    before = snapshot(medium)
    ran = call("add", medium, source)
    assert ran.code == 2
    assert "has no File-set Updater" in ran.err
    assert snapshot(medium) == before
    ran = call("add", medium, source, "-o", f"{tmp_path}/n/", "--profile", "STD-GEN-DVD-JPEG")
    assert ran.code == 0, ran.said
    assert instances(tmp_path / "n") == instances(medium) | {"2.25.77.1.1.9"}
    assert held(tmp_path / "n")[1] != held(medium)[1]


def test_an_image_becomes_another_file_set(call: Command, tmp_path: Path) -> None:
    """PS3.10 8.1: two File-sets never share a UID."""
    disc, source = tmp_path / "disc.iso", study(tmp_path / "b", (9,))
    assert call("create", study(tmp_path / "a"), "-o", disc).code == 0
    before = disc.read_bytes()
    ran = call("add", disc, source)
    assert ran.code == 3
    assert "Give -o" in ran.err

    ran = call("add", disc, source, "-o", tmp_path / "new.iso")
    assert ran.code == 0, ran.said
    assert call("remove", disc, "--instance", "2.25.77.1.1.1").code == 3
    assert call("remove", disc, "--instance", "2.25.77.1.1.1", "-o", tmp_path / "less.iso").code == 0
    assert disc.read_bytes() == before
    media = [receipt_of(tmp_path / name)["media"][0] for name in ("disc.iso", "new.iso", "less.iso")]
    assert [one["instances"] for one in media] == [3, 4, 2]
    assert len({one["file_set_uid"] for one in media}) == 3


def test_what_does_not_fit_the_medium_is_refused(call: Command, medium: Path, tmp_path: Path) -> None:
    with (medium / "BIG").open("wb") as file:
        file.truncate(740_000_000)
    before = (medium / "DICOMDIR").read_bytes()
    ran = call("add", medium, study(tmp_path / "new", (9,)))
    assert ran.code == 3
    assert "remove something first" in ran.err
    assert (medium / "DICOMDIR").read_bytes() == before
    assert call("remove", medium, "--instance", "2.25.77.1.1.1").code == 0, "taking away is allowed"


def test_loss_only_where_it_is_asked_for(call: Command, tmp_path: Path) -> None:
    """Compressed with loss an instance is another one, and what is held stays as it is (PS3.3 C.12.1)."""
    for name in ("first", "second"):
        ultrasound(name).save_as(tmp_path / name, enforce_file_format=True)
    medium = made(tmp_path / "m", tmp_path / "first", profile="STD-GEN-USB-JPEG", compress="none")
    before = snapshot(medium)
    ran = call("add", medium, tmp_path / "second", "--compress", "lossy:90")
    assert ran.code == 0, ran.said
    assert "1 compressed with loss, under new SOP Instance UIDs" in " ".join(ran.out.split())
    nodes = {str(node.record.ReferencedSOPInstanceUIDInFile): node for node in filesets.opened(medium).nodes()[3:]}
    first, new = nodes
    assert (first, new) != (uid("first"), uid("second"))
    assert nodes[first].record.ReferencedTransferSyntaxUIDInFile == "1.2.840.10008.1.2.1"
    assert nodes[new].record.ReferencedTransferSyntaxUIDInFile == "1.2.840.10008.1.2.4.50"
    name = f"m/{nodes[first].file_id}"
    assert snapshot(medium)[name] == before[name]
    assert call("verify", medium).code == 0

    ran = call("add", medium, tmp_path / "second", "--compress", "lossless")
    assert ran.code == 0, ran.said
    nodes = {str(node.record.ReferencedSOPInstanceUIDInFile): node for node in filesets.opened(medium).nodes()[3:]}
    assert nodes[uid("second")].record.ReferencedTransferSyntaxUIDInFile == "1.2.840.10008.1.2.4.70"
    assert call("verify", medium).code == 0


def test_json_is_a_receipt_without_identity(call: Command, medium: Path, tmp_path: Path) -> None:
    ran = call("add", medium, study(tmp_path / "new", (8, 9)), "--json")
    assert ran.code == 0, ran.said
    document = json.loads(ran.out)
    assert document["holds_identity"] is False
    assert (document["counts"]["accepted"], document["counts"]["kept"]) == (2, 4)
    assert document["media"][0]["instances"] == 6
    assert str(tmp_path) not in ran.out
    document = json.loads(call("remove", medium, "--series", "2.25.79.1.1", "--json").out)
    assert (document["counts"]["removed"], document["counts"]["kept"]) == (4, 2)


def test_what_describes_the_medium_says_what_is_on_it_now(call: Command, medium: Path, tmp_path: Path) -> None:
    source = study(tmp_path / "new", (1,), study=3, StudyDate="20260401", StudyDescription="Follow-up of the knee")
    assert call("add", medium, source).code == 0
    readme = (medium / "README.TXT").read_text()
    assert re.search(r"\b5\b", readme)
    assert "Follow-up of the knee" in (medium / "INDEX.HTM").read_text()
    receipt = receipt_of(medium)
    assert {entry["path"] for entry in receipt["media"][0]["files"]} == {
        str(path.relative_to(medium)) for path in medium.rglob("*") if path.is_file()
    }
    (patient,) = receipt["media"][0]["patients"]
    assert (patient["name"], patient["id"]) == ("Testperson^Tilda", "TEST1")
    assert [(one["description"], one["series"], one["instances"]) for one in patient["studies"]] == [
        ("CT chest", 2, 3),
        ("CT chest", 1, 1),
        ("Follow-up of the knee", 1, 1),
    ]
    Path(f"{medium}.receipt.json").unlink()
    assert call("verify", medium).code == 0, "the receipt that travels is right as well"

    assert call("remove", medium, "--study", "2.25.78.3").code == 0
    assert "Follow-up of the knee" not in (medium / "INDEX.HTM").read_text()
    assert call("verify", medium).code == 0


def test_source_date_epoch_makes_it_reproducible(call: Command, original: Path, tmp_path: Path) -> None:
    source, outcomes = study(tmp_path / "new", (9,)), []
    for place in ("x", "y"):
        (tmp_path / place).mkdir()
        medium = copied(original, tmp_path / place / "m")
        monkey = {"SOURCE_DATE_EPOCH": "1780000000"}
        cwd = Path.cwd()
        os.chdir(tmp_path / place)
        try:
            assert call("add", "m", source, env=monkey).code == 0
            assert call("remove", "m", "--series", "2.25.79.1.2", env=monkey).code == 0
        finally:
            os.chdir(cwd)
        outcomes.append({name: data for name, data in snapshot(medium).items() if not name.endswith("receipt.json")})
    assert outcomes[0] == outcomes[1]


def test_a_file_set_below_the_root_of_a_medium(call: Command, original: Path, tmp_path: Path) -> None:
    """PS3.10 8.6: File IDs count from the folder of the DICOMDIR; what a killed run left there is found again."""
    copied(original, tmp_path / "disc" / "INNER")
    (tmp_path / "disc" / "INNER" / "UPDATE.JNL").write_text(
        json.dumps(
            {
                "format": "mediacreator update 1",
                "dicomdir": "DICOMDIR",
                "sha256": "",
                "added": ["DICOM/PT000001/IM000000"],
                "folders": ["DICOM/PT000001"],
                "staged": [],
                "removed": [],
                "receipt": "",
            }
        )
    )
    stray = tmp_path / "disc" / "INNER" / "DICOM" / "PT000001" / "IM000000"
    stray.parent.mkdir()
    stray.write_bytes(b"half")
    ran = call("add", tmp_path / "disc", study(tmp_path / "new", (9,)))
    assert ran.code == 0, ran.said
    assert "update-recovered" in ran.out
    assert "2.25.77.1.1.9" in instances(tmp_path / "disc" / "INNER")
    is_whole(call, tmp_path / "disc" / "INNER")


def test_folders_of_others_that_are_called_as_ours_stay(call: Command, medium: Path, tmp_path: Path) -> None:
    mine = medium / "UPDATE" / "SETUP.EXE"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    assert call("add", medium, study(tmp_path / "new", (9,))).code == 0
    assert mine.read_bytes() == b"mine"


@pytest.mark.skipif(not may_mount(), reason="the kernel does not let this process mount")
def test_a_medium_that_is_mounted_read_only_and_one_that_is_full(call: Command, original: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", stick], check=True)
    try:
        medium = copied(original, stick / "m")
        before = snapshot(medium)
        big = study(tmp_path / "big", range(20, 40), Rows=128, Columns=128, PixelData=bytes(2 * 128 * 128))
        ran = call("add", medium, big)
        assert ran.code == 3, ran.said
        assert snapshot(medium) == before

        (stick / "filler").write_bytes(bytes(os.statvfs(stick).f_bavail * 4096 - 40_000))
        for number in range(12):
            ran = call("add", medium, study(tmp_path / f"n{number}", range(100 + 3 * number, 103 + 3 * number)))
            assert ran.code in (0, 3), ran.said
            if ran.code:
                break
            before = snapshot(medium)
        assert ran.code == 3, "it must be full at last"
        assert snapshot(medium) == before

        subprocess.run(["mount", "-o", "remount,ro", stick], check=True)
        ran = call("add", medium, study(tmp_path / "new", (9,)))
        assert ran.code == 3, ran.said
        assert "Traceback" not in ran.err
        assert snapshot(medium) == before
        assert call("remove", medium, "--study", "2.25.78.1").code == 3
    finally:
        subprocess.run(["umount", stick], check=True)


@needs("dcmdump", "dciodvfy", "dcdirdmp")
def test_other_programs_accept_an_updated_medium(call: Command, tmp_path: Path, samples: Path) -> None:
    """Every kind of record of the samples: some made, some added, some removed."""
    medium = made(tmp_path / "m", samples / "patient1", samples / "patient2", file_set_id="SAMPLES")
    fresh = dciodvfy_errors(medium / "DICOMDIR")
    assert call("add", medium, samples / "patient3", samples / "patient4").code == 0
    assert call("remove", medium, "--patient", "MC-1001").code == 0
    assert call("merge", medium, made(tmp_path / "n", samples / "patient1")).code == 0

    uids = instances(medium)
    said = run("dcmdump", "-q", medium / "DICOMDIR")
    assert {uid for uid in uids if uid not in said} == set()
    assert len(re.findall(r"\(0004,1500\)", said)) == len(uids)
    assert dciodvfy_errors(medium / "DICOMDIR") <= fresh
    assert "Error" not in run("dcdirdmp", medium / "DICOMDIR")
    assert {str(one.SOPInstanceUID) for one in FileSet(medium / "DICOMDIR")} == uids
    is_whole(call, medium)


def test_the_command_as_a_process(command: Command, medium: Path, tmp_path: Path) -> None:
    ran = command("add", medium, study(tmp_path / "new", (9,)))
    assert ran.code == 0, ran.said
    assert not IDENTITY.search(ran.said)
    ran = command("remove", medium, "--instance", "2.25.77.1.1.9", "-q")
    assert ran.code == 0
    assert not ran.err
