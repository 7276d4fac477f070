"""``mediacreator list``: the table, its width, the exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from mediacreator.cli import run
from mediacreator.cli.list import command
from mediacreator.cli.report import fit, width
from mediacreator.rules.tables import record_types
from tests.dicomdirs import EXPLICIT_BE, IMPLICIT_LE, Record, dicomdir, element, instance_file, tree
from tests.every_record import every_record
from tests.hostile.corpus import CASES, Case


def medium(root: Path, records: list[Record]) -> Path:
    root.mkdir(exist_ok=True)
    (root / "DICOMDIR").write_bytes(dicomdir(records))
    stack = list(records)
    while stack:
        record = stack.pop()
        stack += record.below
        if record.file_id:
            path = root.joinpath(*record.file_id.decode().split("\\"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(instance_file(record.uid))
    return root


def test_the_table_of_a_whole_medium(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(medium(tmp_path, tree(images=2, series=2)))])

    assert result.exit_code == 0
    assert result.stdout == (
        "File-set ID   TEST\n"
        "File-set UID  2.25.1\n"
        "\n"
        "patient, study, series                                studies  series  instances\n"
        "Doe, Jane  [ID0]                                            1       2          4\n"
        "  2024-01-31  Chest                                                 2          4\n"
        "    CT          1                                                              2\n"
        "    CT          2                                                              2\n"
        "\n"
        "1 patient, 1 study, 2 series, 4 instances\n"
    )
    assert result.stderr == ""


def test_a_long_name_never_hides_the_patient_id(tmp_path: Path) -> None:
    """Two persons of one long name are told apart by it."""
    (record,) = tree(images=1, series=1)
    record.keys = element(0x00100010, b"PN", b"Featherstonehaugh-" * 3 + b"^Hubert") + element(
        0x00100020, b"LO", b"MC-77"
    )
    result = CliRunner().invoke(command, [str(medium(tmp_path, [record]))])
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("Feather")]

    assert "…  [MC-77]" in line
    assert len(line) == 80


def test_japanese_names_keep_the_columns_and_long_ones_are_cut(tmp_path: Path) -> None:
    names = ["Yamada^Tarou=山田^太郎=やまだ^たろう", "김^희중", "王^小东" * 20, "Ω" * 90, "Ångström^Åsa", "", "^^"]
    records = []
    for number, name in enumerate(names):
        (record,) = tree(images=1, series=1)
        record.keys = element(0x00080005, b"CS", b"ISO_IR 192") + element(0x00100010, b"PN", name.encode())
        record.keys += element(0x00100020, b"LO", b"J%d" % number)
        records.append(record)
    result = CliRunner().invoke(command, [str(medium(tmp_path, records))])
    table = [line for line in result.stdout.splitlines() if line.endswith("  1")]

    assert len(table) == 3 * len(names)
    assert {width(line) for line in table} == {80}
    assert "Yamada, Tarou (山田 太郎, やまだ たろう)  [J0]" in result.stdout
    assert "…" in result.stdout
    assert result.stdout.count("(no name)") == 2


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("abc", 5, "abc  "),
        ("abcdef", 5, "abcd…"),
        ("山田太郎", 8, "山田太郎"),
        ("山田太郎", 7, "山田太…"),
        ("山田太郎", 6, "山田… "),
        ("e\N{COMBINING ACUTE ACCENT}e", 2, "e\N{COMBINING ACUTE ACCENT}e"),
    ],
)
def test_fit_counts_columns_and_not_characters(text: str, columns: int, expected: str) -> None:
    assert fit(text, columns) == expected
    assert width(fit(text, columns)) == columns


def test_findings_are_gathered_and_errors_make_exit_code_1(tmp_path: Path) -> None:
    root = medium(tmp_path, tree(images=3))
    for path in (root / "P0" / "S0" / "E0").iterdir():
        path.unlink()
    result = CliRunner().invoke(command, [str(root)])

    assert result.exit_code == 1
    assert "ERROR    missing-file, 3 times; the first:" in result.stdout
    assert "[PS3.3 F.2.1]" in result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines())


def test_warnings_alone_are_no_failure(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(dicomdir([Record(b"TOPIC")]))
    result = CliRunner().invoke(command, [str(tmp_path)])

    assert result.exit_code == 0
    assert "WARNING  retired-record-type" in result.stdout
    assert "0 patients, 0 studies, 0 series, 0 instances" in result.stdout


def test_orphans_and_objects_of_no_patient_are_counted(tmp_path: Path) -> None:
    records = tree(images=2, series=2)
    records[0].below[0].below[0].lower = 0
    records.append(Record(b"HANGING PROTOCOL", file_id=b"HP", uid=b"2.25.8"))
    result = CliRunner().invoke(command, [str(medium(tmp_path, records))])

    assert "1 patient, 1 study, 2 series, 5 instances" in result.stdout
    assert "1 instance belongs to no patient" in result.stdout
    assert "2 instances cannot be reached from the root of the DICOMDIR" in result.stdout
    assert result.exit_code == 1


def test_json_holds_the_same(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(medium(tmp_path, tree(images=2, series=2))), "--json"])
    document = json.loads(result.stdout)

    assert document["totals"] == {
        "patients": 1,
        "studies": 1,
        "series": 2,
        "instances": 4,
        "instances_of_no_patient": 0,
        "instances_out_of_reach": 0,
    }
    assert document["patients"][0]["studies"][0]["series"][1]["instances"] == 2
    assert document["findings"] == []


def listed(root: Path, *options: str) -> str:
    return CliRunner().invoke(command, [str(root), *options]).stdout


def test_the_tree_shows_every_record_below_the_one_that_leads_to_it(tmp_path: Path) -> None:
    records = tree(images=1, series=2)
    records[0].below.append(Record(b"PRIVATE", element(0x00041432, b"UI", b"2.25.9")))
    records.append(Record(b"HANGING PROTOCOL", element(0x00720002, b"SH", b"Chest CT"), file_id=b"HP", uid=b"2.25.8"))
    shown = listed(medium(tmp_path, records), "--tree")

    assert shown == (
        "File-set ID   TEST\n"
        "File-set UID  2.25.1\n"
        "\n"
        "PATIENT  Doe, Jane  [ID0]\n"
        "  STUDY  2024-01-31  Chest\n"
        "    SERIES  CT  1\n"
        "      IMAGE  1                                                      P0/S0/E0/IM0\n"
        "    SERIES  CT  2\n"
        "      IMAGE  1                                                      P0/S0/E1/IM0\n"
        "  PRIVATE  2.25.9\n"
        "HANGING PROTOCOL  Chest CT                                                    HP\n"
        "\n"
        "1 patient, 1 study, 2 series, 3 instances\n"
        "1 instance belongs to no patient\n"
    )


def test_the_tree_marks_what_is_wrong_with_a_record(tmp_path: Path) -> None:
    records = tree(images=2, series=2)
    first, second = records[0].below[0].below
    first.lower = 0
    second.below[0].file_id = b"im0"
    second.below[1].next = 3
    records.append(Record(b"TOPIC", element(0x00880904, b"LO", b"Rounds")))
    records.append(Record(b"IMAGE"))
    lines = listed(medium(tmp_path, records), "--tree").splitlines()

    def below(text: str) -> str:
        return lines[next(number for number, line in enumerate(lines) if text in line) + 1].strip()

    assert below("TOPIC  Rounds") == "! retired-record-type"
    assert below("  im0") == "! bad-file-id"
    assert below("P0/S0/E1/IM1") == "! dangling-offset"
    assert below("P0/S0/E0/IM0") == "! orphan-record"
    assert lines.index("Out of reach from the root of the DICOMDIR; other programs will not show these:") > lines.index(
        "  ! retired-record-type"
    )
    assert "  ! misplaced-record, record-without-file" in lines


def test_the_tree_shows_the_file_that_an_mrdr_record_names(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(CASES["a multi-referenced file"].data)
    lines = listed(tmp_path, "--tree").splitlines()

    (image,) = [line for line in lines if "(file of record 9)" in line]
    assert image.endswith("  SHARED")
    assert lines[lines.index("Named by records above for their file (retired, PS3.3 F.6.2):") + 1].startswith("MRDR")


def test_the_tree_of_every_record_type_has_a_line_for_each(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(dicomdir(every_record()))
    shown = listed(tmp_path, "--tree")
    heads = [line.strip() for line in shown.split("\n\n")[1].splitlines() if not line.strip().startswith("!")]

    for kind in record_types():
        if kind != "MRDR":
            matching = [line for line in heads if line == kind or line.startswith(f"{kind}  ")]
            assert len(matching) == 1, kind
            assert matching != [kind] or kind in KEYLESS, kind
    assert max(map(width, shown.splitlines())) <= 80


KEYLESS = {"RAW DATA", "STEREOMETRIC", "PLAN", "SURFACE SCAN", "IMAGE BOX"}
"""Record types whose Type 1 keys are dates and UIDs, or none."""


def test_long_names_and_file_ids_stay_within_80_columns(tmp_path: Path) -> None:
    records = tree(images=1, series=1)
    records[0].keys = element(0x00080005, b"CS", b"ISO_IR 192") + element(0x00100010, b"PN", ("王^小东" * 40).encode())
    image = records[0].below[0].below[0].below[0]
    image.file_id = b"\\".join([b"ABCDEFGH"] * 8)
    deep = records[0]
    for number in range(40):
        deep.below.append(Record(b"PRIVATE", element(0x00041432, b"UI", b"2.25.%d" % number)))
        deep = deep.below[-1]
    lines = listed(medium(tmp_path, records), "--tree").splitlines()

    assert max(map(width, lines)) <= 80
    assert "         " + "/".join(["ABCDEFGH"] * 8) in lines
    assert any(line.strip().startswith("PRIVATE (level 41)  2.25.39") for line in lines)


def test_tree_and_json_exclude_each_other(tmp_path: Path) -> None:
    root = medium(tmp_path, tree())
    assert run(["list", str(root), "--tree", "--json"]) == 2


def test_json_holds_every_record_with_its_values_and_findings(tmp_path: Path) -> None:
    records = tree(images=2, series=1)
    records[0].keys = element(0x00080005, b"CS", b"ISO_IR 192") + element(0x00100010, b"PN", "山田^太郎".encode())
    code = element(0x00080104, b"LO", b"Title")
    item = b"\xfe\xff\0\xe0" + len(code).to_bytes(4, "little") + code
    image = records[0].below[0].below[0].below[1]
    image.keys += element(0x0040A043, b"SQ", item) + element(0x00091001, b"OB", b"\1\2")
    image.next = 3
    document = json.loads(listed(medium(tmp_path, records), "--json"))

    assert document["root"] == [1]
    assert [one["children"] for one in document["records"]] == [[2], [3], [4, 5], [], []]
    patient, _, series, _, last = document["records"]
    assert (patient["type"], patient["parent"], patient["file_id"], patient["file"]) == ("PATIENT", None, [], None)
    assert patient["values"]["PatientName"] == "山田^太郎"
    assert (series["number"], series["parent"], series["values"]["Modality"]) == (3, 2, "CT")
    assert (last["file_id"], last["file"]) == (["P0", "S0", "E0", "IM1"], "P0/S0/E0/IM1")
    assert last["values"]["ReferencedSOPInstanceUIDInFile"] == "2.25.4.0.0.0.1"
    assert last["values"]["RecordInUseFlag"] == [0xFFFF]
    assert last["values"]["ConceptNameCodeSequence"] == [{"CodeMeaning": "Title"}]
    assert last["values"]["00091001"] == {"bytes": 2}
    assert last["findings"] == ["dangling-offset"]
    assert [found["location"] for found in document["findings"]] == ["DICOMDIR record 5 (P0/S0/E0/IM1)"]


def test_json_of_an_archive_is_written_while_it_is_open(tmp_path: Path) -> None:
    root = medium(tmp_path / "disc", tree())
    with zipfile.ZipFile(tmp_path / "disc.zip", "w") as archive:
        for path in sorted(root.rglob("*")):
            archive.write(path, str(path.relative_to(root)))
    records = json.loads(listed(tmp_path / "disc.zip", "--json"))["records"]

    assert records == json.loads(listed(root, "--json"))["records"]
    assert sum(1 for record in records if record["file"]) == 6


def test_an_empty_dicomdir_is_said_to_be_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "DICOMDIR").write_bytes(b"")

    assert run(["list", str(tmp_path)]) == 3
    assert "not a DICOMDIR: it is empty, 0 bytes long" in capsys.readouterr().err


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_BE])
def test_json_is_the_same_in_every_encoding(tmp_path: Path, syntax: bytes) -> None:
    def values(data: bytes) -> list[object]:
        (tmp_path / "DICOMDIR").write_bytes(data)
        records = json.loads(listed(tmp_path, "--json"))["records"]
        offsets = ("OffsetOfTheNextDirectoryRecord", "OffsetOfReferencedLowerLevelDirectoryEntity")
        return [{key: value for key, value in one["values"].items() if key not in offsets} for one in records]

    assert values(dicomdir(tree(), syntax=syntax)) == values(dicomdir(tree()))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_hostile_dicomdir_is_listed_in_every_way(case: Case, tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(case.data)
    number = case.reached + case.orphans
    document = json.loads(listed(tmp_path, "--json"))
    lines = listed(tmp_path, "--tree").splitlines()

    assert len(document["records"]) >= number
    assert case.codes <= {found["code"] for found in document["findings"]}
    assert len(lines) > number
    assert all(line.isprintable() for line in lines)


def test_media_side_by_side_are_listed_one_after_the_other(tmp_path: Path) -> None:
    for name, images in (("A", 1), ("B", 2)):
        medium(tmp_path / name, tree(images=images, series=1))
    result = CliRunner().invoke(command, [str(tmp_path)])

    assert result.exit_code == 0
    assert [line for line in result.stdout.splitlines() if line.startswith("==")] == ["== A", "== B"]
    assert "1 patient, 1 study, 1 series, 1 instance\n" in result.stdout
    assert "1 patient, 1 study, 1 series, 2 instances\n" in result.stdout
    document = json.loads(listed(tmp_path, "--json"))
    assert [one["dicomdir"] for one in document["file_sets"]] == ["A/DICOMDIR", "B/DICOMDIR"]
    assert {found["code"] for one in document["file_sets"] for found in one["findings"]} == {
        "several-dicomdirs",
        "dicomdir-not-in-root",
    }


def test_text_of_a_medium_cannot_steer_the_terminal(tmp_path: Path) -> None:
    (record,) = tree(images=1, series=1)
    record.keys = element(0x00080005, b"CS", b"ISO_IR 192")
    record.keys += element(0x00100010, b"PN", "\x1b[2J\x07Evil\N{RIGHT-TO-LEFT OVERRIDE}^Name".encode())
    result = CliRunner().invoke(command, [str(medium(tmp_path, [record]))])

    assert "Evil" in result.stdout
    assert result.stdout.replace("\n", "").isprintable()


def test_what_cannot_be_opened_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", str(tmp_path / "nothing")]) == 3
    assert run(["list", str(tmp_path)]) == 3

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "There is no DICOMDIR among the 0 files of this medium" in captured.err


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_real_process_prints_whatever_its_terminal_can(tmp_path: Path, encoding: str) -> None:
    (record,) = tree(images=1, series=1)
    record.keys = element(0x00080005, b"CS", b"ISO_IR 192") + element(0x00100010, b"PN", "山田^太郎".encode())
    root = medium(tmp_path, [record])
    done = subprocess.run(
        [sys.executable, "-m", "mediacreator", "list", str(root)],
        capture_output=True,
        env={"PYTHONIOENCODING": encoding},
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert ("山田 太郎" if encoding == "utf-8" else "?? ??") in done.stdout.decode(encoding)
