"""The check of a whole File-set: wherever it lies, whatever is missing, and what may be said to pass."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mediacreator.errors import SourceUnreadable, UsageError
from mediacreator.model import Severity
from mediacreator.validate import check_file_set
from tests.dicomdirs import at, patched
from tests.discs import Counter, directory, image, raw_image
from tests.filesets import FileSet, encoded
from tests.unit.validate.checked import check, only, sound
from tests.unit.validate.test_codes import CMS


def on_disc(fs: FileSet, tmp_path: Path, form: str) -> Path:
    """Put a File-set into a folder, an archive or an image."""
    folder = fs.write(tmp_path / "disc")
    if form == "zip":
        return Path(shutil.make_archive(str(tmp_path / "disc"), "zip", folder))
    if form == "iso":
        return Path(image(tmp_path, {"DICOMDIR": encoded(fs), **fs.files}).path)
    return folder / "DICOMDIR" if form == "dicomdir" else folder


@pytest.mark.parametrize("form", ["folder", "dicomdir", "zip", "iso"])
def test_it_may_lie_anywhere(form: str, tmp_path: Path) -> None:
    fs = sound()
    said, found = check(on_disc(fs, tmp_path, form), tmp_path)
    assert (said.conforms, said.checked, found) == (True, len(fs.files), [])


@pytest.mark.parametrize("form", ["folder", "zip", "iso"])
def test_what_is_wrong_is_found_anywhere(form: str, tmp_path: Path) -> None:
    fs = sound()
    lost, other = fs.of("IMAGE"), fs.of("SR DOCUMENT")
    del fs.files[lost.file_id]
    other.record.CompletionFlag = "PARTIAL"
    fs.files["DICOM/MORE"] = fs.files[other.file_id]
    _, found = check(on_disc(fs, tmp_path, form), tmp_path)

    assert [one for one in found if one[0] != "not-checked"] == [
        ("missing-file", fs.location(lost)),
        ("unreferenced-file", found[1][1]),
        ("key-differs", fs.location(other)),
    ]
    assert found[1][1].startswith("file ")
    assert found[1][1].endswith(" of the medium")


def test_a_relative_path_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound().write(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert check_file_set("DICOMDIR", "STD-GEN-CD", workers=1).conforms is True
    assert check_file_set(".", "STD-GEN-CD", workers=1).conforms is True


def test_processes_make_no_difference(tmp_path: Path) -> None:
    fs = sound()
    del fs.of("IMAGE").record.InstanceNumber
    folder = fs.write(tmp_path / "disc")
    assert check_file_set(folder, "STD-GEN-CD", workers=2) == check_file_set(folder, "STD-GEN-CD", workers=1)
    assert check_file_set(folder, "STD-GEN-CD") == check_file_set(folder, "STD-GEN-CD", workers=1)


def test_it_tells_how_it_goes_on(tmp_path: Path) -> None:
    fs, progress = sound(), Counter()
    check_file_set(fs.write(tmp_path), "STD-GEN-CD", workers=1, progress=progress)
    assert progress.starts == [("scan", len(fs.files), 0)]
    assert progress.count == len(fs.files)


def test_nothing_is_changed(tmp_path: Path) -> None:
    folder = sound().write(tmp_path / "disc")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}
    check_file_set(folder, "STD-GEN-CD", workers=1)
    assert {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()
    } == before


def test_what_cannot_be_opened_at_all_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no medium")
    for path in (tmp_path / "not-there", tmp_path / "note.txt"):
        with pytest.raises(SourceUnreadable):
            check_file_set(path, "STD-GEN-CD")


@pytest.mark.parametrize(
    ("claim", "role", "words"),
    [
        ("STD-GEN-DC", "FSC", "STD-GEN-DC"),
        ("STD-GEN-CD,STD-GEN-CD", "FSC", "twice"),
        ("STD-GEN-CD,STD-GEN-DVD-JPEG", "FSC", "cannot hold on one File-set"),
        ("STD-GEN-CD", "READER", "STD-GEN-CD has no role 'READER', only FSC, FSR, FSU [PS3.11 D.1]"),
        ("STD-DEN-CD", "FSU", "STD-DEN-CD has no role 'FSU'"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(claim: str, role: str, words: str, tmp_path: Path) -> None:
    sound().write(tmp_path)
    with pytest.raises(UsageError, match=words.replace("[", r"\[")):
        check_file_set(tmp_path, claim, role=role)


# --- DICOMDIR --------------------------------------------------------------------------------------------------------


def test_files_are_judged_without_a_dicomdir(tmp_path: Path) -> None:
    fs = sound()
    fs.change(fs.of("IMAGE"), lambda dataset: setattr(dataset, "SOPClassUID", "1.2.3"))
    folder = fs.write(tmp_path / "disc")
    (folder / "DICOMDIR").unlink()
    said, found = check(folder, tmp_path)

    assert found == [("no-dicomdir", "DICOMDIR"), ("sop-class-not-in-profile", "file 1 of the medium")]
    assert said.checked == len(fs.files)


def test_a_profile_may_do_without_a_dicomdir(tmp_path: Path) -> None:
    """STD-GEN-MIME: PS3.11 G.3.3."""
    folder = sound("STD-GEN-MIME").write(tmp_path / "disc")
    assert check(folder, tmp_path, "STD-GEN-MIME")[1] == []

    (folder / "DICOMDIR").unlink()
    said, found = check(folder, tmp_path, "STD-GEN-MIME")
    assert found == [("no-dicomdir", "DICOMDIR")]
    assert only(said, "no-dicomdir").severity is Severity.WARNING
    assert said.conforms is True


@pytest.mark.parametrize("data", [b"", b"no DICOMDIR" * 100, bytes(2000)])
def test_files_are_judged_beside_a_dicomdir_that_is_none(data: bytes, tmp_path: Path) -> None:
    fs = sound()
    folder = fs.write(tmp_path / "disc")
    (folder / "DICOMDIR").write_bytes(data)
    said, found = check(folder, tmp_path)

    assert found == [("promise-unknown", "DICOMDIR")]
    assert (said.conforms, said.checked) == (False, len(fs.files))


def test_a_dicomdir_that_is_cut_off_is_named(tmp_path: Path) -> None:
    fs = sound()
    folder = fs.write(tmp_path / "disc")
    data = (folder / "DICOMDIR").read_bytes()
    (folder / "DICOMDIR").write_bytes(data[: len(data) - 300])
    said, found = check(folder, tmp_path)

    assert said.conforms is False
    assert {"truncated-directory", "unreferenced-file"} <= {code for code, _ in found}


@pytest.mark.parametrize("position", range(150, 2400, 150))
def test_a_flipped_byte_never_stops_the_check(position: int, tmp_path: Path) -> None:
    fs = sound("STD-GEN-CD", "ANY CT", "SR Storage")
    folder = fs.write(tmp_path / "disc")
    for name in ("DICOMDIR", *fs.files):
        data = (folder / name).read_bytes()
        if position < len(data):
            (folder / name).write_bytes(patched(data, position, bytes([data[position] ^ 0xFF])))
    check(folder, tmp_path)


def test_links_out_of_the_medium_are_said_beside_a_broken_dicomdir(tmp_path: Path) -> None:
    folder = sound().write(tmp_path / "disc")
    (folder / "DICOMDIR").write_bytes(b"nothing")
    (folder / "LINK").symlink_to(tmp_path)
    assert check(folder, tmp_path)[1][0] == ("link-out-of-medium", "folder")


def test_several_media_at_once_are_no_file_set(tmp_path: Path) -> None:
    for name in ("A", "B"):
        sound().write(tmp_path / "disc" / name)
    said, found = check(tmp_path / "disc", tmp_path)
    assert found[0] == ("promise-unknown", "DICOMDIR")
    assert said.conforms is False


def test_a_dicomdir_below_the_root_is_named_by_its_name(tmp_path: Path) -> None:
    """PS3.10 8.6: in the root. What lies beside its folder belongs to no File-set."""
    sound().write(tmp_path / "disc" / "FILESET")
    said, found = check(tmp_path / "disc", tmp_path, "STD-GEN-SEC-CD")
    assert ("dicomdir-not-in-root", "DICOMDIR") in found
    assert ("file-not-secure", "DICOMDIR") in found
    assert said.conforms is False


def test_an_image_without_files_has_no_dicomdir(tmp_path: Path) -> None:
    path = tmp_path / "hostile.iso"
    path.write_bytes(raw_image({20: directory(20, 20)}))
    said, found = check(path, tmp_path)
    assert ("no-dicomdir", "DICOMDIR") in found
    assert (said.conforms, said.checked) == (False, 0)


def test_an_empty_folder_conforms_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "disc").mkdir()
    said, found = check(tmp_path / "disc", tmp_path)
    assert found == [("no-dicomdir", "DICOMDIR")]
    assert said.conforms is False


# --- files and records -----------------------------------------------------------------------------------------------


def test_other_files_may_lie_on_the_medium(tmp_path: Path) -> None:
    """PS3.10 8.6: files that are not DICOM need no record; a Data Set alone is none (PS3.10 7)."""
    fs = sound()
    fs.files |= {"README.TXT": b"read me", "EMPTY": b"", "VIEWER/RUN.EXE": b"MZ" + bytes(500)}
    fs.files["DATASET"] = fs.files["DICOM/F00001"][400:]
    said, found = check(fs, tmp_path)
    assert (said.conforms, said.checked, found) == (True, 7, [])


def test_a_data_set_alone_counts_where_there_is_no_dicomdir(tmp_path: Path) -> None:
    from tests.filesets import without_meta

    fs = sound("STD-GEN-CD", "ANY CT")
    fs.files["BARE"] = without_meta(fs.files["DICOM/F00001"])
    folder = fs.write(tmp_path / "disc")
    assert check(folder, tmp_path)[0].checked == 1

    (folder / "DICOMDIR").unlink()
    assert check(folder, tmp_path, "STD-GEN-MIME")[0].checked == 2


@pytest.mark.parametrize(
    ("keyword", "value", "code"),
    [
        ("ReferencedSOPClassUIDInFile", "1.2.840.10008.5.1.4.1.1.4", "sop-class-differs"),
        ("ReferencedSOPInstanceUIDInFile", "2.25.1.1", "sop-instance-differs"),
        ("ReferencedTransferSyntaxUIDInFile", "1.2.840.10008.1.2", "transfer-syntax-differs"),
    ],
)
def test_a_record_names_its_file(keyword: str, value: str, code: str, tmp_path: Path) -> None:
    """PS3.3 Table F.3-3."""
    fs = sound()
    setattr(fs.of("IMAGE").record, keyword, value)
    assert check(fs, tmp_path)[1] == [(code, fs.location(fs.of("IMAGE")))]

    delattr(fs.of("IMAGE").record, keyword)
    assert check(fs, tmp_path)[1] == [("incomplete-reference", fs.location(fs.of("IMAGE")))]


@pytest.mark.parametrize(
    ("kind", "keyword", "code"),
    [
        ("PATIENT", "PatientID", "patient-id-differs"),
        ("PATIENT", "PatientName", "patient-name-differs"),
        ("STUDY", "StudyInstanceUID", "study-differs"),
        ("SERIES", "SeriesInstanceUID", "series-differs"),
    ],
)
def test_a_file_belongs_where_it_is_listed(kind: str, keyword: str, code: str, tmp_path: Path) -> None:
    """PS3.3 F.5.1 to F.5.3: each file is compared with the records above its own."""
    fs = sound("STD-GEN-CD", "ANY CT")
    setattr(fs.of(kind).record, keyword, "2.25.1.1")
    said, found = check(fs, tmp_path)
    assert found == [(code, fs.location(fs.of("IMAGE")))]
    assert said.conforms is (code == "patient-name-differs")


def test_a_record_that_references_a_file_twice_is_named(tmp_path: Path) -> None:
    fs = sound()
    first, second = fs.of("IMAGE"), fs.of("IMAGE", 1)
    second.record.ReferencedFileID = first.record.ReferencedFileID
    del fs.files["DICOM/F00002"]
    _, found = check(fs, tmp_path)
    assert ("duplicate-file-id", fs.location(second)) in found
    assert ("sop-instance-differs", fs.location(second)) in found


def test_a_file_that_is_cut_off_never_passes(tmp_path: Path) -> None:
    """Wherever that is: between two Data Elements it looks whole, and lacks its pixels."""
    fs = sound("STD-GEN-CD", "ANY CT")
    folder, data = fs.write(tmp_path / "disc"), fs.files["DICOM/F00001"]
    for keep in range(0, len(data), 2):
        (folder / "DICOM" / "F00001").write_bytes(data[:keep])
        said, found = check(folder, tmp_path)
        assert said.conforms is False, keep
        assert any(location == "DICOM/F00001" for _, location in found), keep


@pytest.mark.parametrize(
    ("keep", "code"), [(330, "truncated-file"), (700, "truncated-file"), (-9, "truncated-pixel-data")]
)
def test_a_damaged_file_is_not_checked(keep: int, code: str, tmp_path: Path) -> None:
    fs = sound("STD-GEN-CD", "ANY CT")
    fs.files["DICOM/F00001"] = fs.files["DICOM/F00001"][:keep]
    said, found = check(fs, tmp_path)

    assert [code for code, location in found if location == "DICOM/F00001"] == [code, "not-checked"]
    assert said.checked == 0


# --- security --------------------------------------------------------------------------------------------------------


def test_a_secure_file_set_is_not_checked_and_never_passes(tmp_path: Path) -> None:
    """PS3.15 D.1: every file and the DICOMDIR; what is inside, this version cannot tell."""
    fs = sound()
    folder = fs.write(tmp_path / "disc")
    for name in ("DICOMDIR", *fs.files):
        (folder / name).write_bytes(CMS)
    said, _ = check(folder, tmp_path, "STD-GEN-SEC-CD")
    assert (said.findings, said.checked, said.conforms) == ((), 0, None)
    assert len(said.not_checked) == len(fs.files) + 1

    said, found = check(folder, tmp_path, "STD-GEN-CD")
    assert said.conforms is False
    assert [code for code, _ in found].count("secure-file") == len(fs.files) + 1


def test_a_secure_mail_has_no_secure_files(tmp_path: Path) -> None:
    """PS3.15 B.8: the whole mail is secured, and the files in it are as they are."""
    fs = sound("STD-GEN-ZIP-MAIL", "ANY CT")
    assert check(fs, tmp_path / "1", "STD-GEN-SEC-ZIP-MAIL")[1] == []

    fs.files["DICOM/F00001"] = CMS
    said, _ = check(fs, tmp_path / "2", "STD-GEN-SEC-ZIP-MAIL")
    assert only(said, "secure-file").clause == "PS3.11 L.3.4; PS3.15 B.8"


def test_one_open_file_breaks_a_secure_file_set(tmp_path: Path) -> None:
    fs = sound("STD-GEN-CD", "ANY CT", "SR Storage")
    folder = fs.write(tmp_path / "disc")
    (folder / "DICOMDIR").write_bytes(CMS)
    (folder / "DICOM" / "F00001").write_bytes(CMS)
    said, _ = check(folder, tmp_path, "STD-GEN-SEC-CD")
    assert [(one.code, one.location) for one in said.findings] == [("file-not-secure", "file 3 of the medium")]
    assert said.conforms is False


def test_names_of_files_are_not_told(tmp_path: Path) -> None:
    """A foreign path may hold the patient's name; a File ID cannot (PS3.10 8.5)."""
    fs = sound("STD-GEN-CD", "ANY CT")
    fs.files["Testperson/Petra.dcm"] = fs.files["DICOM/F00001"]
    fs.files["Testperson/Petra.p7m"] = CMS
    _, found = check(fs, tmp_path)
    assert {code for code, _ in found} == {"unreferenced-file", "secure-file", "not-checked"}


def test_a_whole_directory_is_looked_at_once(tmp_path: Path) -> None:
    """Implicit VR in the DICOMDIR: what is wrong is said once, and the records are still compared."""
    fs = sound("STD-GEN-CD", "ANY CT")
    folder = fs.write(tmp_path / "disc")
    data = (folder / "DICOMDIR").read_bytes()
    stated = at(data, b"1.2.840.10008.1.2.1\0")
    (folder / "DICOMDIR").write_bytes(patched(data, stated, b"1.2.840.10008.1.2\0\0\0"))
    _, found = check(folder, tmp_path)
    assert [code for code, _ in found] == ["directory-transfer-syntax", "wrong-transfer-syntax"]
