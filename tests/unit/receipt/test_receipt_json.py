"""Receipts as files: their grammar, what travels and what does not, how they are written and read."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from mediacreator.errors import InternalError, MediumError, NoSpace
from mediacreator.model import SourceFile, VirusCheck
from mediacreator.receipt import (
    Receipt,
    WrittenMedium,
    build_receipt,
    counts_close,
    parse_receipt,
    read_receipt,
    staged_receipt,
    to_json,
    travelling_json,
    travelling_size,
    write_receipt,
)
from tests.headers import header, source
from tests.unit.receipt.jobs import filled_medium, job, local, medium, mixed_job, travelling
from tests.volumes import digest, instance, patient, study, volume, written

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA = json.loads((DOCS / "receipt.schema.json").read_text(encoding="utf-8"))


def problems(data: bytes) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(json.loads(data))]


def hashes(receipt: Receipt) -> dict[tuple[str, ...], str]:
    paths = [tuple(file.path.split("/")) for file in receipt.media[0].files]
    return {path: digest(*path) for path in paths}


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("made", [medium(3), medium(3, transcoded=True), filled_medium()])
def test_both_forms_follow_the_schema(made: Any) -> None:
    one = mixed_job(made)

    assert problems(to_json(local(one), travelling=False)) == []
    assert problems(to_json(local(one), travelling=True)) == []
    assert problems(to_json(travelling(one), travelling=True)) == []


def test_the_schema_refuses_identity_in_what_travels() -> None:
    """So that the schema test above means something."""
    document = json.loads(to_json(local(mixed_job(medium(2))), travelling=False))
    document["holds_identity"] = False

    said = problems(json.dumps(document).encode())

    assert len(said) >= 10


@pytest.mark.parametrize("key", sorted(set(SCHEMA["required"])))
def test_the_schema_misses_every_member(key: str) -> None:
    document = json.loads(to_json(local(mixed_job(medium(2))), travelling=False))
    del document[key]

    assert problems(json.dumps(document).encode())


def test_the_local_receipt_says_that_it_holds_identity() -> None:
    document = json.loads(to_json(local(mixed_job(medium(2))), travelling=False))

    assert document["holds_identity"] is True
    assert document["file_mode"] == "0600"
    assert document["notice"].startswith("Holds patient identity")
    (patient,) = document["media"][0]["patients"]
    assert (patient["name"], patient["id"], patient["birth_date"]) == ("Muster^Anna", "P-1", "19610203")
    assert document["request"]["arguments"] == ["create", "/in/Mueller", "-o", "disc.iso"]


WORDS = st.text("abcdefghijklmnopqrstuvwxyzäöü山田", min_size=8, max_size=30).map(lambda word: f"Xq{word}")
"""No such word is one of ours."""


@given(WORDS, WORDS, WORDS, WORDS)
def test_nothing_of_a_patient_or_a_source_travels(name: str, patient_id: str, folder: str, image: str) -> None:
    file = SourceFile(1, f"/in/{folder}/{name}.dcm", 1000, 0)
    one = header(
        1, PatientName=name.encode(), PatientID=patient_id.encode(), SpecificCharacterSet="ISO_IR 192", file=file
    )
    made = volume([patient([study([[instance(one)]])])])
    run = replace(job([made]), arguments=("create", folder, "--patient", patient_id))
    files = replace(written(made), path=f"/out/{image}.iso")
    receipt = build_receipt(run, [WrittenMedium(made, files, files.files)])

    whole = to_json(receipt, travelling=False).decode()
    assert all(word in whole for word in (name, patient_id, folder, image))
    for bytes_ in (to_json(receipt, travelling=True), to_json(travelling(run), travelling=True)):
        assert not [word for word in (name, patient_id, folder, image, files.sha256) if word in bytes_.decode()]


def test_a_travelling_receipt_cannot_be_made_local() -> None:
    with pytest.raises(InternalError):
        to_json(travelling(job([medium(1)])), travelling=False)


@given(st.integers(1, 40), st.booleans())
def test_the_size_of_what_travels_is_known_before_the_hashes(instances: int, transcoded: bool) -> None:
    receipt = travelling(job([medium(instances, transcoded=transcoded)]))

    data = travelling_json(receipt, hashes(receipt))

    assert len(data) == travelling_size(receipt)
    listed = json.loads(data)["media"][0]["files"]
    assert {file["path"]: file["sha256"] for file in listed} == {"/".join(k): v for k, v in hashes(receipt).items()}


@pytest.mark.parametrize("wrong", [None, "", "abc", "0" * 65])
def test_what_travels_needs_every_hash(wrong: str | None) -> None:
    receipt = travelling(job([medium(2)]))
    known = hashes(receipt)
    if wrong is None:
        del known[("DICOMDIR",)]
    else:
        known[("DICOMDIR",)] = wrong

    with pytest.raises(InternalError, match="DICOMDIR, which has no hash"):
        travelling_json(receipt, known)


def test_the_same_run_gives_the_same_bytes() -> None:
    assert to_json(local(mixed_job(medium(5))), False) == to_json(local(mixed_job(medium(5))), False)


def test_a_file_a_line_so_that_receipts_can_be_compared() -> None:
    one, other = (to_json(local(job([medium(n)])), False).decode().splitlines() for n in (50, 51))

    assert len(other) == len(one) + 1
    assert sum('"path": "DICOM/' in line for line in one) == 50


@pytest.mark.parametrize("made", [medium(3, transcoded=True), filled_medium()])
def test_what_is_written_is_read(made: Any, tmp_path: Path) -> None:
    one = mixed_job(made)
    path = tmp_path / "disc.iso.receipt.json"
    write_receipt(path, to_json(local(one), travelling=False))

    assert read_receipt(path) == local(one)
    assert parse_receipt(to_json(travelling(one), travelling=True), "RECEIPT.JSN") == travelling(one)


def test_names_in_any_script_and_paths_in_none(tmp_path: Path) -> None:
    """A file name that is not UTF-8 is JSON all the same, and comes back as it was."""
    file = replace(source(1), path=os.fsdecode(b"/in/\xff\xfe\xe9.dcm"))
    one = header(1, PatientName="山田^太郎".encode(), SpecificCharacterSet="ISO_IR 192", file=file)
    made = volume([patient([study([[instance(one)]])])])

    data = to_json(local(job([made])), travelling=False)

    assert "山田^太郎" in data.decode("utf-8")
    assert parse_receipt(data, "x") == local(job([made]))
    assert os.fsencode(parse_receipt(data, "x").media[0].files[-1].source_path) == b"/in/\xff\xfe\xe9.dcm"


def test_a_local_receipt_has_mode_0600_from_its_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = os.fsync

    def look(descriptor: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    mask = os.umask(0)
    try:
        write_receipt(tmp_path / "r.json", b"{}")
    finally:
        os.umask(mask)

    assert seen[0] == 0o600
    assert stat.S_IMODE((tmp_path / "r.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_a_stale_partial_of_another_mode_is_not_written_into(tmp_path: Path) -> None:
    stale = tmp_path / "r.json.partial"
    stale.write_bytes(b"old")
    stale.chmod(0o644)
    elsewhere = tmp_path / "elsewhere"
    os.link(stale, elsewhere)

    write_receipt(tmp_path / "r.json", b"new")

    assert stat.S_IMODE((tmp_path / "r.json").stat().st_mode) == 0o600
    assert elsewhere.read_bytes() == b"old"


def test_a_partial_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / "r.json.partial").symlink_to(victim)

    write_receipt(tmp_path / "r.json", b"new")

    assert victim.read_bytes() == b"mine"


@pytest.mark.parametrize(("number", "kind"), [(28, NoSpace), (122, NoSpace), (5, MediumError)])
def test_a_full_disk_leaves_the_old_receipt_and_no_partial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[MediumError]
) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(kind, match=r"receipt of 3 bytes cannot be written") as caught:
        write_receipt(path, b"new")
    assert str(tmp_path) not in str(caught.value)

    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["r.json"]


def test_a_receipt_gets_its_name_after_its_media(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(b"old")
    with staged_receipt(path, b"new"):
        assert path.read_bytes() == b"old"
        assert (tmp_path / "r.json.partial").read_bytes() == b"new"
        path.unlink()  # that of before goes with the medium of before
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("exc", [KeyboardInterrupt(), NoSpace("full")])
def test_no_receipt_stays_of_media_that_did_not_get_their_names(tmp_path: Path, exc: BaseException) -> None:
    def interrupted() -> None:
        with staged_receipt(tmp_path / "r.json", b"new"):
            raise exc

    with pytest.raises(type(exc)):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_no_medium_gets_its_name_when_the_receipt_has_no_room(tmp_path: Path) -> None:
    with pytest.raises(MediumError), staged_receipt(tmp_path / "none" / "r.json", b"new"):
        pytest.fail("the media would have been given their names")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MediumError, match="cannot be written"):
        write_receipt(tmp_path / "none" / "r.json", b"new")
    with pytest.raises(MediumError, match="cannot be read"):
        read_receipt(tmp_path / "none.json")


def test_another_version_is_refused() -> None:
    data = to_json(local(job([medium(1)])), False).replace(b'"version": "1"', b'"version": "2"', 1)

    with pytest.raises(MediumError, match=r'RECEIPT\.JSN: a receipt of version "2", expected "1"'):
        parse_receipt(data, "RECEIPT.JSN")


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"[1, 2", b"[]", b"{}", b"null", b"[" * 100_000, b"9" * 10_000, b'{"format": "other"}']
)
def test_what_is_no_receipt_is_refused(data: bytes) -> None:
    for sources in (True, False):
        with pytest.raises(MediumError, match=r"no (valid )?receipt: "):
            parse_receipt(data, "RECEIPT.JSN", sources=sources)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("media", 0, "files", 0, "path"), "../../etc/passwd"),
        (("media", 0, "files", 0, "path"), "/DICOMDIR"),
        (("media", 0, "files", 0, "path"), "DICOM\\X"),
        (("media", 0, "files", 0, "path"), "dicomdir"),
        (("media", 0, "files", 0, "path"), "DICOMDIR\n"),
        (("media", 0, "files", 0, "path"), "A/" * 8 + "A"),
        (("media", 0, "files", 0, "sha256"), "x" * 64),
        (("media", 0, "files", 0, "size"), -1),
        (("media", 0, "files", 0, "size"), True),
        (("media", 0, "files", 0, "size"), 1.5),
        (("media", 0, "files"), {}),
        (("media", 0), "medium"),
        (("counts", "found"), "33"),
        (("counts",), None),
        (("state",), "perfect"),
        (("holds_identity",), 1),
        (("not_on_medium", 0, "outcome"), "accepted"),
        (("reasons", 0, "severity"), "fatal"),
        (("request", "arguments", 0), 5),
    ],
)
@pytest.mark.parametrize("sources", [True, False])
def test_what_a_medium_of_others_says_is_looked_at_first(
    place: tuple[str | int, ...], value: object, sources: bool
) -> None:
    document = json.loads(to_json(local(mixed_job(medium(2))), travelling=False))
    node = document
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value

    with pytest.raises(MediumError, match="no valid receipt: ") as refused:
        parse_receipt(json.dumps(document).encode(), "RECEIPT.JSN", sources=sources)

    assert "Mueller" not in str(refused.value)
    assert "Muster" not in str(refused.value)


NAMES = st.sampled_from(sorted(SCHEMA["properties"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=20,
)


@given(VALUES)
def test_no_json_whatever_breaks_the_reader(value: object) -> None:
    document = value if not isinstance(value, dict) else value | {"format": "mediacreator receipt", "version": "1"}

    for sources in (True, False):
        with pytest.raises(MediumError):
            parse_receipt(json.dumps(document).encode(), "x", sources=sources)


def test_sources_of_another_run_are_not_read() -> None:
    one = local(job([medium(2)]))
    read = parse_receipt(to_json(one, travelling=False), "x", sources=False)

    assert [file.source for file in one.media[0].files if file.sop_instance_uid] == [1, 2]
    assert not any(file.source or file.source_path for file in read.media[0].files)
    files = tuple(replace(file, source=0, source_path="") for file in one.media[0].files)
    assert read == replace(one, media=(replace(one.media[0], files=files),))


def test_a_receipt_that_was_read_still_has_to_close() -> None:
    data = to_json(local(mixed_job(medium(2))), False).replace(b'"accepted": 2', b'"accepted": 3', 1)

    assert counts_close(parse_receipt(data, "x"))


def test_importing_receipts_is_cheap() -> None:
    code = "import sys, mediacreator.receipt; print(*{'pydicom', 'numpy', 'jinja2', 'lxml', 'rich'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


def test_the_page_names_every_member() -> None:
    page = (DOCS / "receipt.md").read_text(encoding="utf-8")
    members = {*SCHEMA["properties"], *SCHEMA["properties"]["counts"]["properties"]}

    assert [name for name in sorted(members) if f"`{name}`" not in page] == []


def test_a_mark_is_in_both_receipts_and_read_from_them() -> None:
    """DRG 2.2.2: whoever gets the medium, and whoever updates it, must see it."""
    for check in (VirusCheck("2026-11-25", "ClamAV 1.4.1"), VirusCheck("2026-11-25")):
        one = job([replace(medium(2), virus_check=check)])
        for data in (to_json(local(one), travelling=False), to_json(travelling(one), travelling=True)):
            assert problems(data) == []
            document = json.loads(data)
            assert document["media"][0]["virus_check"]["date"] == "2026-11-25"
            document["media"][0]["files"] = []  # a travelling one has no hashes yet
            assert parse_receipt(json.dumps(document).encode(), "it").media[0].virus_check == check
    assert b"virus" not in to_json(local(job([medium(2)])), travelling=False)


def test_that_a_file_set_lies_among_other_files_is_in_both_receipts() -> None:
    """Whoever verifies the folder with either must not take those for additions."""
    one = job([replace(medium(2), among_others=True)])
    for data in (to_json(local(one), travelling=False), to_json(travelling(one), travelling=True)):
        assert problems(data) == []
        document = json.loads(data)
        document["media"][0]["files"] = []
        assert parse_receipt(json.dumps(document).encode(), "it").media[0].among_others
        document["media"][0]["among_others"] = "yes"
        with pytest.raises(MediumError, match="among_others"):
            parse_receipt(json.dumps(document).encode(), "it")
    assert b"among_others" not in to_json(local(job([medium(2)])), travelling=False)


@pytest.mark.parametrize(
    "mark", [None, {}, {"date": "2026-02-30"}, {"date": "today"}, {"date": "2026-02-20", "scanner": "x" * 65}]
)
def test_a_mark_that_cannot_be_is_no_receipt(mark: object) -> None:
    document = json.loads(to_json(local(job([medium(2)])), travelling=False))
    document["media"][0]["virus_check"] = mark
    with pytest.raises(MediumError, match="virus_check"):
        parse_receipt(json.dumps(document).encode(), "it")
