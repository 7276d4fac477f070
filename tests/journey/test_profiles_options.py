"""What is asked for with --profile, --compress and --icons lies on the medium, and every choice is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from mediacreator import CreateRequest, create, open_medium, plan
from mediacreator.errors import UsageError
from mediacreator.model import Silent
from mediacreator.preparing import prepare
from mediacreator.rules import tables
from mediacreator.settings import CreateDefaults, Settings
from mediacreator.validate import check_file_set
from tests.instances import write_ct
from tests.journey.conftest import Command
from tests.lossy_set import lossy_set
from tests.oracles import needs, run

JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
JPEG = "1.2.840.10008.1.2.4.50"
NATIVE = "1.2.840.10008.1.2.1"


def receipt_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(folder.with_name(f"{folder.name}.receipt.json").read_text())
    return found


def syntaxes(folder: Path) -> set[str]:
    with open_medium(folder) as medium:
        return {record.transfer_syntax_uid for record in medium.instances()}


def test_auto_takes_the_cd_where_one_holds_everything(samples: Path, tmp_path: Path, command: Command) -> None:
    ran = command("create", samples / "patient1", "-o", f"{tmp_path}/m/")
    assert ran.code == 0, ran.said
    assert "STD-GEN-CD was chosen: it holds all 23 instances on one 120 mm CD-R" in " ".join(ran.out.split())
    assert receipt_of(tmp_path / "m")["profile"]["id"] == "STD-GEN-CD"


def test_auto_goes_on_to_the_list_where_a_cd_is_too_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes are what the headers say: nothing has to be written to choose."""
    media = dict(tables.media_formats())
    media["cd_r"] = replace(media["cd_r"], capacity=2 << 20)
    monkeypatch.setattr("mediacreator.rules.profile.media_formats", lambda: media)
    for number in range(1, 8):
        write_ct(tmp_path / f"{number}", number=number, Rows=512, Columns=512, PixelData=bytes(512 * 512 * 2))
    prepared = prepare(CreateRequest((str(tmp_path),), f"{tmp_path}/m/"), Settings(), Silent())

    assert prepared.profile == "STD-GEN-DVD-JPEG"
    assert [finding.code for finding in prepared.findings] == ["profile-passed-over", "profile-chosen"]
    assert str(prepared.parts[0].compression) == "none"


def test_compression_is_chosen_only_where_it_saves_a_medium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    media = dict(tables.media_formats())
    media["dvd"] = replace(media["dvd"], capacity=3 << 20)
    monkeypatch.setattr("mediacreator.rules.profile.media_formats", lambda: media)
    for number in range(1, 8):
        write_ct(tmp_path / f"{number}", number=number, Rows=512, Columns=512, PixelData=bytes(512 * 512 * 2))
    request = CreateRequest((str(tmp_path),), f"{tmp_path}/m/", profile="STD-GEN-DVD-JPEG")
    prepared = prepare(request, Settings(), Silent())
    (part,) = prepared.parts

    assert str(part.compression) == "lossless"
    assert set(part.work.targets) == {JPEG_LOSSLESS}
    assert [finding.code for finding in prepared.findings] == ["compression-chosen"]
    asked = prepare(replace(request, compress="none"), Settings(), Silent())
    assert set(asked.parts[0].work.targets) == {NATIVE}


@needs("dcmdjpeg", "dcmdump")
def test_lossless_compression_loses_nothing(samples: Path, tmp_path: Path, command: Command) -> None:
    medium = tmp_path / "m"
    ran = command(
        "create",
        samples / "patient1" / "ct",
        "-o",
        f"{medium}/",
        "--profile",
        "STD-GEN-DVD-JPEG",
        "--compress",
        "lossless",
    )
    assert ran.code == 0, ran.said
    assert JPEG_LOSSLESS in syntaxes(medium)
    assert check_file_set(medium, "STD-GEN-DVD-JPEG").conforms
    originals = {ds.SOPInstanceUID: ds for ds in map(dcmread, (samples / "patient1" / "ct" / "axial").iterdir())}
    compared = 0
    for path in medium.rglob("IM*"):
        head = dcmread(path, stop_before_pixels=True)
        if head.SOPInstanceUID in originals and head.file_meta.TransferSyntaxUID == JPEG_LOSSLESS:
            run("dcmdjpeg", path, tmp_path / "native")
            ours, theirs = dcmread(tmp_path / "native"), originals[head.SOPInstanceUID]
            assert np.array_equal(ours.pixel_array, theirs.pixel_array)
            compared += 1
    assert compared == 14


def test_lossy_compression_makes_other_instances_and_says_so(tmp_path: Path, command: Command) -> None:
    (tmp_path / "in").mkdir()
    lossy_set(tmp_path / "in")
    medium = tmp_path / "m"
    ran = command(
        "create", tmp_path / "in", "-o", f"{medium}/", "--profile", "STD-GEN-DVD-JPEG", "--compress", "lossy:80"
    )
    assert ran.code == 0, ran.said
    assert "compressed with loss, under new SOP Instance UIDs" in " ".join(ran.out.split())
    there = {ds.SOPInstanceUID: ds for ds in map(dcmread, (p for p in (medium / "DICOM").rglob("*") if p.is_file()))}
    lossy = [ds for ds in there.values() if ds.file_meta.TransferSyntaxUID == JPEG]
    assert len(lossy) == 2
    for ds in lossy:
        assert ds.LossyImageCompression == "01"
        assert ds.ImageType[0] == "DERIVED"
        assert ds.SourceImageSequence[-1].ReferencedSOPInstanceUID not in there
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    with open_medium(medium) as opened:
        assert {record.sop_instance_uid for record in opened.instances()} == set(there)
    keys = next(ds for ds in there.values() if ds.Modality == "KO")
    named = {
        item.ReferencedSOPInstanceUID
        for study in keys.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert {ds.SOPInstanceUID for ds in lossy} <= named
    assert command("verify", medium).code == 0


def test_nothing_is_ever_lossy_unasked(samples: Path, tmp_path: Path) -> None:
    for compress in ("auto", "none", "keep", "lossless"):
        request = CreateRequest((str(samples),), f"{tmp_path}/m/", profile="STD-GEN-DVD-JPEG", compress=compress)
        prepared = prepare(request, Settings(create=CreateDefaults(multi_patient=True)), Silent())
        assert not any(part.work.qualities for part in prepared.parts)


def test_profiles_for_two_media_are_said_and_divided(samples: Path, tmp_path: Path, command: Command) -> None:
    ran = command("create", samples / "patient1", "-o", f"{tmp_path}/m/", "--profile", "STD-CTMR-CD,STD-GEN-USB-JPEG")
    assert ran.code == 0, ran.said
    assert "each gets a medium of its own" in " ".join(ran.out.split())
    receipt = receipt_of(tmp_path / "m")
    assert [medium["profile"] for medium in receipt["media"]] == ["STD-CTMR-CD", "STD-GEN-USB-JPEG"]
    assert sum(medium["instances"] for medium in receipt["media"]) == 23
    for number, profile in ((1, "STD-CTMR-CD"), (2, "STD-GEN-USB-JPEG")):
        assert check_file_set(tmp_path / f"m-{number}", profile).conforms


def test_two_profiles_on_one_medium(samples: Path, tmp_path: Path) -> None:
    """A record has the keys of the profiles that cover its instance."""
    both = "STD-GEN-CD,STD-CTMR-CD"
    receipt = create(CreateRequest((str(samples / "patient1"),), f"{tmp_path}/m/", profile=both))
    assert receipt.profile == both
    assert check_file_set(tmp_path / "m", both).conforms


@needs("dcmdump")
def test_icons_on_request(samples: Path, tmp_path: Path, command: Command) -> None:
    ran = command("create", samples / "patient1" / "ct", "-o", f"{tmp_path}/m/", "--profile", "STD-GEN-CD", "--icons")
    assert ran.code == 0, ran.said
    dump = run("dcmdump", "-q", tmp_path / "m" / "DICOMDIR")
    assert dump.count("IconImageSequence") == 17  # 14 axial and 3 coronal images


@pytest.mark.parametrize(
    ("profile", "says"),
    [
        ("STD-GEN-SEC-CD", "Secure DICOM Files"),
        ("STD-CTMR-MOD650", "retired"),
        ("STD-GEN-CDR", "the nearest is STD-GEN-CD"),
    ],
)
def test_what_cannot_be_written_is_said_in_a_sentence(
    profile: str, says: str, samples: Path, tmp_path: Path, command: Command
) -> None:
    ran = command("create", samples / "patient3", "-o", f"{tmp_path}/m.iso", "--profile", profile)
    assert ran.code == 2
    assert says in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_plan_says_why_the_profile_was_chosen(samples: Path, tmp_path: Path) -> None:
    planned = plan(CreateRequest((str(samples / "patient3"),), f"{tmp_path}/m.iso"))
    assert [finding.code for finding in planned.explained][-1] == "profile-chosen"
    assert planned.file_sets[0].profile == "STD-GEN-CD"


@pytest.mark.parametrize("compress", ["best", "lossy", "lossy:0", "lossy:101", "none:5"])
def test_a_compression_that_is_none_is_refused(compress: str, samples: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lossy"):
        create(CreateRequest((str(samples / "patient3"),), f"{tmp_path}/m/", compress=compress))


def test_separate_media_are_chosen_for_the_largest_patient(samples: Path, tmp_path: Path, command: Command) -> None:
    ran = command("create", samples / "patient1", samples / "patient3", "-o", f"{tmp_path}/m/", "--separate")
    assert ran.code == 0, ran.said
    assert "holds all 23 instances of the largest patient on one 120 mm CD-R" in " ".join(ran.out.split())
