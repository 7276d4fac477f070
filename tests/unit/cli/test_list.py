"""``mediacreator list``: the table, its width, the exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mediacreator.cli import run
from mediacreator.cli.list import command
from mediacreator.cli.report import fit, width
from tests.dicomdirs import Record, dicomdir, element, instance_file, tree


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
