"""Media as others make them: names that differ, files that are missing or that no record references."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mediacreator.errors import SourceUnreadable
from mediacreator.medium import open_medium, promised
from mediacreator.model import Header, Severity
from mediacreator.sources import find_sources
from tests.dicomdirs import Record, dicomdir, element, instance_file, tree
from tests.discs import image
from tests.headers import header, source

Rename = Callable[[Sequence[str]], Sequence[str]]


def same(path: Sequence[str]) -> Sequence[str]:
    return path


def images(records: Sequence[Record]) -> list[Record]:
    found: list[Record] = []
    for record in records:
        found += [record] if record.file_id else []
        found += images(record.below)
    return found


def write_medium(root: Path, records: list[Record], rename: Rename = same, name: str = "DICOMDIR") -> Path:
    """Write a medium; ``rename`` makes of a File ID the path that the file gets."""
    root.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(dicomdir(records))
    for record in images(records):
        path = root.joinpath(*rename(record.file_id.decode().split("\\")))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(instance_file(record.uid))
    return root


def test_patients_studies_and_series_are_counted(tmp_path: Path) -> None:
    write_medium(tmp_path, tree(images=3, series=2, studies=2, patients=2))
    with open_medium(tmp_path) as medium:
        patients = medium.patients()

        assert [(patient.name, patient.id, patient.instances) for patient in patients] == [
            ("Doe^Jane", "ID0", 12),
            ("Doe^Jane", "ID1", 12),
        ]
        study = patients[1].studies[1]
        assert (study.uid, study.date, study.description, study.instances) == ("2.25.2.1.1", "20240131", "Chest", 6)
        assert [(one.uid, one.modality, one.number, one.instances) for one in study.series] == [
            ("2.25.3.1.1.0", "CT", "1", 3),
            ("2.25.3.1.1.1", "CT", "2", 3),
        ]
        assert medium.findings == ()
        assert medium.missing() == ()
        assert medium.unreferenced() == ()
        with medium.open(next(medium.instances())) as stream:
            assert stream.read(132)[128:] == b"DICM"


def test_the_dicomdir_itself_may_be_named(tmp_path: Path) -> None:
    write_medium(tmp_path, tree())
    with open_medium(tmp_path / "DICOMDIR") as medium:
        assert medium.missing() == ()


def test_a_zip_archive_is_a_medium(tmp_path: Path) -> None:
    root = write_medium(tmp_path / "disc", tree())
    with zipfile.ZipFile(tmp_path / "disc.zip", "w") as archive:
        for path in sorted(root.rglob("*")):
            archive.write(path, str(path.relative_to(root)))
    with open_medium(tmp_path / "disc.zip") as medium:
        assert medium.missing() == ()
        assert medium.findings == ()


@pytest.mark.parametrize(
    "rename",
    [
        lambda path: [part.lower() for part in path],
        lambda path: [*path[:-1], f"{path[-1]};1"],
        lambda path: [*path[:-1], f"{path[-1]}.;1"],
        lambda path: [*path[:-1], f"{path[-1]}.dcm"],
        lambda path: [*[part.lower() for part in path[:-1]], f"{path[-1]}.DCM"],
    ],
    ids=["lower case", "version", "dot and version", "extension", "lower case and extension"],
)
def test_names_that_a_system_or_person_changed_are_found_and_told(tmp_path: Path, rename: Rename) -> None:
    """users.md 13: case, ;1, trailing dot, extension."""
    write_medium(tmp_path, tree(images=4), rename)
    with open_medium(tmp_path) as medium:
        assert medium.missing() == ()
        assert medium.unreferenced() == ()
        found = {finding.code: finding for finding in medium.findings}
        if found:  # that the file system shows a version or a dot is no deviation
            assert list(found) == ["file-name-differs"]
            assert found["file-name-differs"].what.startswith("8 files")
            assert found["file-name-differs"].severity is Severity.NOTE


def test_file_ids_with_slashes_or_extension_are_found(tmp_path: Path) -> None:
    records = tree(images=2, series=1)
    first, second = images(records)
    first.file_id, second.file_id = b"DICOM\\A", b"DICOM\\B"
    write_medium(tmp_path, records)
    first.file_id, second.file_id = b"DICOM/A", b"DICOM\\B.DCM"
    (tmp_path / "DICOMDIR").write_bytes(dicomdir(records))
    with open_medium(tmp_path) as medium:
        assert medium.missing() == ()


def test_an_extension_is_not_guessed_when_two_files_fit(tmp_path: Path) -> None:
    records = tree(images=1, series=1)
    write_medium(tmp_path, records, lambda path: [*path[:-1], f"{path[-1]}.AAA"])
    (tmp_path / "P0" / "S0" / "E0" / "IM0.BBB").write_bytes(b"another")
    with open_medium(tmp_path) as medium:
        assert len(medium.missing()) == 1


@pytest.mark.parametrize("file_id", [b"..\\SECRET", b"A\\..\\..\\SECRET", b"../SECRET", b"\\SECRET\\..\\..\\SECRET"])
def test_no_file_id_leads_out_of_the_medium(tmp_path: Path, file_id: bytes) -> None:
    (tmp_path / "SECRET").write_bytes(instance_file(b"2.25.66"))
    records = tree(images=1, series=1)
    write_medium(tmp_path / "disc", records)
    images(records)[0].file_id = file_id
    (tmp_path / "disc" / "DICOMDIR").write_bytes(dicomdir(records))
    with open_medium(tmp_path / "disc") as medium:
        (record,) = medium.instances()
        assert medium.file_of(record) is None
        with pytest.raises(SourceUnreadable, match="record 4"):
            medium.open(record)


def test_missing_files_are_named_with_their_record(tmp_path: Path) -> None:
    """peers.md section 6, fault 1."""
    write_medium(tmp_path, tree(images=3, series=1))
    (tmp_path / "P0" / "S0" / "E0" / "IM1").unlink()
    with open_medium(tmp_path) as medium:
        (missing,) = medium.missing()

    assert missing.finding.code == "missing-file"
    assert missing.finding.severity is Severity.ERROR
    assert missing.finding.location == "DICOMDIR record 5 (P0/S0/E0/IM1)"
    assert missing.sop_instance_uid == "2.25.4.0.0.0.1"


def test_the_files_of_orphans_are_asked_for_and_those_of_inactive_records_are_not(tmp_path: Path) -> None:
    records = tree(images=2, series=2)
    records[0].below[0].below[0].lower = 0
    images(records)[3].in_use = 0
    write_medium(tmp_path, records)
    for path in ("E0/IM0", "E1/IM1"):
        (tmp_path / "P0" / "S0" / path).unlink()
    with open_medium(tmp_path) as medium:
        assert [missing.sop_instance_uid for missing in medium.missing()] == ["2.25.4.0.0.0.0"]
        assert medium.unreferenced() == ()


def test_unreferenced_files_are_found_by_content(tmp_path: Path) -> None:
    """PS3.3 F.2.1: every DICOM file is referenced."""
    write_medium(tmp_path, tree())
    (tmp_path / "EXTRA").write_bytes(instance_file(b"2.25.5"))
    (tmp_path / "README.TXT").write_text("no DICOM file, whatever its length" * 9)
    with open_medium(tmp_path) as medium:
        assert [file.name for file in medium.unreferenced()] == ["EXTRA"]


@pytest.mark.parametrize("name", ["dicomdir", "DICOMDIR.", "DICOMDIR.;1", "dicomdir;1"])
def test_the_dicomdir_is_found_whatever_its_name_looks_like(tmp_path: Path, name: str) -> None:
    write_medium(tmp_path, tree(), name=name)
    with open_medium(tmp_path) as medium:
        assert [finding.code for finding in medium.findings] == ["dicomdir-name-differs"]


def test_of_several_dicomdirs_the_one_in_the_root_is_read(tmp_path: Path) -> None:
    write_medium(tmp_path, tree(images=1))
    write_medium(tmp_path / "OLD", tree(images=3))
    with open_medium(tmp_path) as medium:
        assert sum(patient.instances for patient in medium.patients()) == 2
        assert "several-dicomdirs" in {finding.code for finding in medium.findings}


def test_one_dicomdir_below_the_root_is_read_with_its_own_folder_as_root(tmp_path: Path) -> None:
    write_medium(tmp_path / "MEDIUM", tree())
    with open_medium(tmp_path) as medium:
        assert medium.missing() == ()
        assert [finding.code for finding in medium.findings] == ["dicomdir-not-in-root"]


def test_two_media_side_by_side_are_not_one(tmp_path: Path) -> None:
    write_medium(tmp_path / "A", tree())
    write_medium(tmp_path / "B", tree())
    with pytest.raises(SourceUnreadable, match="several media"):
        open_medium(tmp_path)


def test_no_dicomdir_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "IMAGE").write_bytes(instance_file(b"2.25.5"))
    with pytest.raises(SourceUnreadable, match=r"no DICOMDIR among the 1 files.*PS3\.10 8\.6"):
        open_medium(tmp_path)


def test_a_dicomdir_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(instance_file(b"2.25.5"))
    with pytest.raises(SourceUnreadable, match="not a DICOMDIR"):
        open_medium(tmp_path)


def test_text_is_decoded_by_the_set_of_each_record(tmp_path: Path) -> None:
    """PS3.5 H.3.1, and UTF-8 in another record of the same DICOMDIR."""
    japanese = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"
    records = tree(images=1, series=1, patients=2)
    records[0].keys = element(0x00080005, b"CS", b"\\ISO 2022 IR 87") + element(0x00100010, b"PN", japanese)
    records[1].keys = element(0x00080005, b"CS", b"ISO_IR 192") + element(0x00100010, b"PN", "Müller^Jürgen".encode())
    write_medium(tmp_path, records)
    with open_medium(tmp_path) as medium:
        assert [patient.name for patient in medium.patients()] == [
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            "Müller^Jürgen",
        ]


# --- what a source's DICOMDIR promises


def headers_of(paths: list[Path], tmp_path: Path) -> list[Header]:
    """Headers as a scan would give them, for files that tests wrote: the UID stands in File Meta Information."""
    made = []
    for number, path in enumerate(paths, 1):
        data = path.read_bytes()
        start = data.index(b"\2\0\3\0UI") + 8
        length = int.from_bytes(data[start - 2 : start], "little")
        uid = data[start : start + length].rstrip(b"\0").decode()
        made.append(header(number, uid=uid, file=source(number, path=str(path))))
    return made


def test_whole_media_among_sources_promise_nothing_in_vain(tmp_path: Path) -> None:
    write_medium(tmp_path / "A", tree())
    write_medium(tmp_path / "deep" / "B", tree(), lambda path: [part.lower() for part in path])

    assert promised(find_sources([str(tmp_path)]).trees) == ()


def test_missing_files_of_each_medium_are_named(tmp_path: Path) -> None:
    for disc in ("A", "B"):
        write_medium(tmp_path / disc, tree())
        (tmp_path / disc / "P0" / "S0" / "E1" / "IM2").unlink()
    missing = promised(find_sources([str(tmp_path)]).trees)

    assert [one.finding.location for one in missing] == [
        f"medium {number}, DICOMDIR record 10 (P0/S0/E1/IM2)" for number in (1, 2)
    ]
    assert [one.path for one in missing] == [str(tmp_path / disc / "DICOMDIR") for disc in ("A", "B")]


def test_an_instance_that_another_source_holds_is_not_missing(tmp_path: Path) -> None:
    root = write_medium(tmp_path, tree())
    moved = root / "P0" / "S0" / "E1" / "IM2"
    moved.rename(tmp_path / "found-later")
    roots = find_sources([str(tmp_path)]).trees

    assert len(promised(roots)) == 1
    assert promised(roots, headers_of([tmp_path / "found-later"], tmp_path)) == ()


def test_a_file_that_holds_another_instance_keeps_no_promise(tmp_path: Path) -> None:
    """peers.md section 6, fault 2: the instance that the record names is nowhere."""
    root = write_medium(tmp_path, tree(images=2, series=1))
    path = root / "P0" / "S0" / "E0" / "IM1"
    path.write_bytes(instance_file(b"2.25.666"))
    scanned = headers_of([path.with_name("IM0"), path], tmp_path)
    (missing,) = promised(find_sources([str(tmp_path)]).trees, scanned)

    assert missing.finding.code == "other-instance"
    assert missing.sop_instance_uid == "2.25.4.0.0.0.1"


@pytest.mark.parametrize("keep", [200, 600])
def test_a_damaged_dicomdir_is_a_promise_that_nobody_knows(tmp_path: Path, keep: int) -> None:
    root = write_medium(tmp_path, tree())
    (root / "DICOMDIR").write_bytes((root / "DICOMDIR").read_bytes()[:keep])
    (missing,) = promised(find_sources([str(tmp_path)]).trees)

    assert missing.finding.code == "promise-unknown"
    assert missing.finding.severity is Severity.ERROR


def zipped(root: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as writer:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                writer.write(path, str(path.relative_to(root.parent)))
    return archive


def test_a_medium_in_a_folder_of_an_archive_is_asked_as_well(tmp_path: Path) -> None:
    root = write_medium(tmp_path / "disc", tree(images=2, series=1))
    archive = zipped(root, tmp_path / "whole.zip")
    (root / "P0" / "S0" / "E0" / "IM1").unlink()
    lacking = zipped(root, tmp_path / "lacking.zip")

    assert promised(find_sources([str(archive)]).trees) == ()
    (missing,) = promised(find_sources([str(lacking)]).trees)
    assert (missing.path, missing.sop_instance_uid) == (str(lacking), "2.25.4.0.0.0.1")


def test_another_instance_is_noticed_in_an_archive(tmp_path: Path) -> None:
    root = write_medium(tmp_path / "disc", tree(images=1, series=1))
    (root / "P0" / "S0" / "E0" / "IM0").write_bytes(instance_file(b"2.25.666"))
    sources = find_sources([str(zipped(root, tmp_path / "disc.zip"))])
    scanned = [header(file.number, uid="2.25.666", file=file) for file in sources.files if file.member.endswith("IM0")]
    (missing,) = promised(sources.trees, scanned)

    assert missing.finding.code == "other-instance"


def test_what_is_on_a_medium_and_cannot_be_read_is_not_missing_as_well(tmp_path: Path) -> None:
    """It is rejected once: by the search for files, which names it."""
    root = write_medium(tmp_path / "disc", tree(images=3, series=1))
    files = {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    cut = Path(image(tmp_path, files).path)
    os.truncate(cut, cut.stat().st_size - 2048)
    sources = find_sources([str(cut)])

    assert [entry.finding.code for entry in sources.others] == ["iso-extent-refused"]
    assert promised(sources.trees) == ()


def test_a_dicomdir_that_went_away_is_a_promise_that_nobody_knows(tmp_path: Path) -> None:
    root = write_medium(tmp_path, tree())
    roots = find_sources([str(tmp_path)]).trees
    (root / "DICOMDIR").unlink()

    assert [missing.finding.code for missing in promised(roots)] == ["promise-unknown"]
