"""Every oracle on whole media made from the samples and from all of pydicom's test files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.fileset import FileSet

from mediacreator import CreateRequest, Receipt, SelectionRequest, create
from mediacreator.receipt import counts_close
from tests.oracles import needs, run

SAMPLES = Path(__file__).parent.parent.parent / "samples"
PYDICOM_FILES = Path(str(get_testdata_file("CT_small.dcm"))).parent


@pytest.fixture(scope="module")
def disc(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Receipt]:
    """Every sample that is no awkward one, as a multi-patient medium."""
    path = tmp_path_factory.mktemp("disc") / "disc.iso"
    sources = tuple(str(p) for p in sorted(SAMPLES.glob("patient*")) if p.is_dir())
    request = CreateRequest(sources, str(path), selection=SelectionRequest(multi_patient=True), file_set_id="SAMPLES")
    return path, create(request)


@pytest.fixture(scope="module")
def tree(disc: tuple[Path, Receipt], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What 7z takes out of it."""
    folder = tmp_path_factory.mktemp("tree")
    run("7z", "x", "-y", f"-o{folder}", disc[0])
    return folder


def test_everything_is_on_it(disc: tuple[Path, Receipt]) -> None:
    receipt = disc[1]
    assert receipt.state == "complete", [entry.finding for entry in receipt.not_on_medium]
    assert counts_close(receipt) == ()
    assert receipt.counts.accepted >= 30


@needs("isoinfo")
def test_isoinfo_sees_level_1_and_the_file_set_id(disc: tuple[Path, Receipt]) -> None:
    """PS3.12 F.1.1, F.1.2.1."""
    said = run("isoinfo", "-d", "-i", disc[0])
    assert "Volume id: SAMPLES\n" in said
    assert "System id: \n" in said
    assert "NO Joliet" in said
    assert "NO Rock Ridge" in said
    listed = {line for line in run("isoinfo", "-f", "-i", disc[0]).split() if ";" in line}
    expected = {"/" + file.path + (";1" if "." in file.path else ".;1") for file in disc[1].media[0].files}
    assert listed == expected


@needs("xorriso")
def test_xorriso_finds_every_byte(disc: tuple[Path, Receipt], tmp_path: Path) -> None:
    run("xorriso", "-indev", disc[0], "-osirrox", "on", "-extract", "/", tmp_path / "x")
    import hashlib

    for file in disc[1].media[0].files:
        assert hashlib.sha256((tmp_path / "x" / file.path).read_bytes()).hexdigest() == file.sha256


@needs("dcmdump", "7z")
def test_dcmdump_reads_the_dicomdir_and_every_file(disc: tuple[Path, Receipt], tree: Path) -> None:
    said = run("dcmdump", "-q", tree / "DICOMDIR")
    types = Counter(re.findall(r"\(0004,1430\) CS \[(.*?)\]", said))
    assert sum(types[t] for t in types if t not in {"PATIENT", "STUDY", "SERIES"}) == disc[1].counts.accepted
    assert {"IMAGE", "SR DOCUMENT", "KEY OBJECT DOC", "PRESENTATION", "RT PLAN", "RT STRUCTURE SET", "WAVEFORM"} <= set(
        types
    )
    assert types["ENCAP DOC"] >= 1
    for path in sorted((tree / "DICOM").rglob("*")):
        if path.is_file():
            run("dcmdump", "-q", "+E", path)


@needs("dciodvfy", "dcdirdmp", "7z")
def test_dicom3tools_accept_the_dicomdir(disc: tuple[Path, Receipt], tree: Path) -> None:
    said = run("dciodvfy", tree / "DICOMDIR", rc=None)
    assert "BasicDirectory" in said
    assert [line for line in said.splitlines() if line.startswith("Error")] == []
    dumped = run("dcdirdmp", tree / "DICOMDIR", rc=None)
    assert dumped.count("-> ") == disc[1].counts.accepted
    assert "rror" not in dumped


@needs("7z")
def test_pydicom_loads_it_and_finds_the_japanese_name(disc: tuple[Path, Receipt], tree: Path) -> None:
    file_set = FileSet(tree / "DICOMDIR")
    assert len(file_set) == disc[1].counts.accepted
    assert file_set.ID == "SAMPLES"
    names = [str(name) for name in file_set.find_values("PatientName")]
    assert any("山田^太郎" in name for name in names), names
    for instance in file_set:
        dataset = pydicom.dcmread(instance.path, stop_before_pixels=True)
        assert dataset.SOPInstanceUID == instance.SOPInstanceUID
        assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


@needs("dcmmkdir", "7z")
def test_dcmmkdir_makes_the_same_records(disc: tuple[Path, Receipt], tree: Path, tmp_path: Path) -> None:
    """The same files indexed by DCMTK: every key that both write has the same value."""
    run("dcmmkdir", "+r", "-Pgp", "+id", tree / "DICOM", "+D", tmp_path / "THEIRS", rc=None)
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    (copy / "DICOMDIR").unlink()
    subprocess.run(["dcmmkdir", "+r", "-Pgp", "+id", ".", "DICOM"], cwd=copy, check=True, capture_output=True)
    ours, theirs = records(tree / "DICOMDIR"), records(copy / "DICOMDIR")
    assert ours.keys() == theirs.keys()
    for file_id, record in ours.items():
        for tag in record.keys() & theirs[file_id].keys():
            assert record[tag] == theirs[file_id][tag], (file_id, tag)
        assert record.keys() >= {t for t in theirs[file_id] if t not in OPTIONAL}, file_id


OPTIONAL = {0x00700084, 0x00080005}
"""Content Creator's Name is type 3 since 2024c (PS3.3 10.9.3), DCMTK writes it empty. Specific Character Set is called
for where a key of the record needs it (PS3.3 F.5, type 1C), DCMTK copies it to records whose text is ASCII too."""


def records(dicomdir: Path) -> dict[str, dict[int, Any]]:
    dataset = pydicom.dcmread(dicomdir)
    return {
        "/".join(record.ReferencedFileID): {
            element.tag: element.value for element in record if element.tag.group != 0x0004
        }
        for record in dataset.DirectoryRecordSequence
        if "ReferencedFileID" in record
    }


def test_all_of_pydicom_s_files_are_on_the_disc_or_rejected_for_a_reason(tmp_path: Path) -> None:
    """Issue 2, Proof. Each file by itself, so that none hides another: files of one UID, persons of one ID."""
    outcomes: Counter[str] = Counter()
    paths = sorted(p for p in PYDICOM_FILES.rglob("*") if p.is_file() and p.suffix not in {".py", ".json", ".txt"})
    code = (
        "import json,sys\n"
        "from mediacreator import *\n"
        "from mediacreator.receipt import counts_close\n"
        "for n, path in enumerate(json.load(sys.stdin)):\n"
        "    try:\n"
        "        r = create(CreateRequest((path,), f'{sys.argv[1]}/{n}/', workers=1,\n"
        "            selection=SelectionRequest(multi_patient=True)))\n"
        "        why = [(e.outcome.value, e.finding.code) for e in r.not_on_medium]\n"
        "        print(json.dumps([path, r.counts.accepted, why, list(counts_close(r))]), flush=True)\n"
        "    except MediaCreatorError as exc:\n"
        "        codes = [f.code for f in getattr(exc, 'findings', ())]\n"
        "        print(json.dumps([path, 0, [['refused', c] for c in codes] or [str(exc)], []]), flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        input=json.dumps([str(p) for p in paths]),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(paths)
    for path, accepted, why, open_counts in lines:
        name = Path(path).name
        assert open_counts == [], name
        assert accepted or why, f"{name} vanished"
        outcomes["accepted" if accepted else str(why[0])] += 1
        if not accepted and name not in EXPECTED:
            outcomes[f"unexpected {name} {why}"] += 1
        if accepted:
            assert name not in EXPECTED, f"{name} was expected to be refused: {EXPECTED.get(name)}"
        elif name in EXPECTED:
            assert any(EXPECTED[name] in str(reason) for reason in why), (name, why)
    assert not [key for key in outcomes if key.startswith("unexpected")], outcomes
    assert outcomes["accepted"] > 100


EXPECTED = {
    # Not DICOM: other formats, and a CT whose first bytes are neither preamble nor Data Set.
    **dict.fromkeys(("README", "crayons.icc", "rtplan.dump", "rtstruct.dump", "zipMR.gz", "no_meta.dcm"), "not-dicom"),
    # The DICOMDIRs of other File-sets, by themselves.
    **dict.fromkeys((p.name for p in PYDICOM_FILES.rglob("DICOMDIR*")), "dicomdir"),
    # No Study Instance UID or no SOP Class UID: fragments made to test one element; they cannot be named or placed.
    **dict.fromkeys(
        (
            "JPEGLSNearLossless_08.dcm",
            "JPEGLSNearLossless_16.dcm",
            "SC_rgb_jls_lossy_line.dcm",
            "SC_rgb_jls_lossy_sample.dcm",
            "UN_sequence.dcm",
            "no_meta_group_length.dcm",
            "priv_SQ.dcm",
        ),
        "study-instance-uid-unusable",
    ),
    **dict.fromkeys(
        ("empty_charset_LEI.dcm", "meta_missing_tsyntax.dcm", "nested_priv_SQ.dcm"), "sop-class-uid-unusable"
    ),
    "MR_truncated.dcm": "truncated-pixel-data",
    "rtplan_truncated.dcm": "truncated-file",
    # Its codestream was overwritten on purpose; gdcmconv refuses it too.
    "JPEG2000-embedded-sequence-delimiter.dcm": "corrupt-codestream",
}
"""The files that cannot be on a disc, and why."""
