"""What one medium cannot hold lies on several, each whole, and the receipt accounts for all of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mediacreator import CreateRequest, create, open_medium, plan
from mediacreator.errors import UsageError
from mediacreator.mastering import disc_files
from mediacreator.medium_verify import verify_medium
from mediacreator.model import Silent
from mediacreator.rules import tables
from mediacreator.validate import check_file_set
from tests.instances import write_ct
from tests.journey.conftest import Command

PIXELS = bytes(256 * 256 * 2)
IMAGE = len(PIXELS) + 2000


@pytest.fixture
def small_cd(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make CDs of 1,000 sectors."""
    capacity = 1000 * 2048
    media = dict(tables.media_formats())
    media["cd_r"] = replace(media["cd_r"], capacity=capacity)
    monkeypatch.setattr("mediacreator.rules.profile.media_formats", lambda: media)
    return capacity


def write_study(folder: Path, study: int, series: int, images: int) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(1, images + 1):
        write_ct(
            folder / f"{study}-{series}-{number}",
            number=100 * study + 10 * series + number,
            study=study,
            series=series,
            Rows=256,
            Columns=256,
            PixelData=PIXELS,
            PatientID="ONE",
        )


def test_studies_stay_whole_on_media_that_fit_to_the_sector(tmp_path: Path, small_cd: int) -> None:
    for study in range(1, 6):
        write_study(tmp_path / "in", study, 1, 6)
    receipt = create(CreateRequest((str(tmp_path / "in"),), f"{tmp_path}/disc.iso", profile="STD-GEN-CD"))

    assert receipt.state == "complete"
    assert receipt.counts.verified == 30
    media = sorted(tmp_path.glob("disc-*.iso"))
    assert len(media) == len(receipt.media) == 3  # two studies fit one CD
    assert {(entry.volume, entry.volumes) for entry in receipt.media} == {(1, 3), (2, 3), (3, 3)}
    assert len({entry.file_set_uid for entry in receipt.media}) == 3
    seen: set[str] = set()
    for path in media:
        assert path.stat().st_size <= small_cd
        with open_medium(path) as medium:
            studies = {study.uid: study.instances for patient in medium.patients() for study in patient.studies}
            assert set(studies.values()) == {6}
            assert not seen & studies.keys()
            seen |= studies.keys()
        assert check_file_set(path, "STD-GEN-CD").conforms
        assert verify_medium(str(path), str(tmp_path / "disc.iso.receipt.json"), progress=Silent()).whole
    assert len(seen) == 5
    assert [f.code for f in receipt.findings if f.code == "media-spanned"] == ["media-spanned"]
    told = [[study.instances for line in entry.patients for study in line.studies] for entry in receipt.media]
    assert told == [[6, 6], [6, 6], [6]], "a label of each says what is on it"


def test_readme_and_index_say_which_medium_of_how_many(tmp_path: Path, small_cd: int) -> None:
    for study in (1, 2, 3):
        write_study(tmp_path / "in", study, 1, 6)
    create(CreateRequest((str(tmp_path / "in"),), f"{tmp_path}/disc.iso", profile="STD-GEN-CD"))
    for number, path in enumerate(sorted(tmp_path.glob("disc-*.iso")), 1):
        with open_medium(path) as medium:
            readme = medium.tree.open(("README.TXT",)).read().decode("ascii")
            index = medium.tree.open(("INDEX.HTM",)).read().decode("utf-8")
        assert f"{number} of 2" in readme
        assert f"{number} of 2" in index


def test_a_folder_is_not_divided_and_says_that_it_is_too_large(tmp_path: Path, small_cd: int) -> None:
    for study in range(1, 4):
        write_study(tmp_path / "in", study, 1, 6)
    receipt = create(CreateRequest((str(tmp_path / "in"),), f"{tmp_path}/m/", profile="STD-GEN-CD"))
    assert len(receipt.media) == 1
    assert "larger-than-medium" in {finding.code for finding in receipt.findings}


def test_nothing_is_left_behind_when_the_second_medium_fails(
    tmp_path: Path, small_cd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for study in range(1, 5):
        write_study(tmp_path / "in", study, 1, 6)
    calls = []

    def fail(*arguments: object, **_more: object) -> object:
        calls.append(arguments)
        if len(calls) > 2:
            raise OSError(28, "No space left on device")
        return real(*arguments, **_more)  # type: ignore[arg-type]

    real = disc_files
    monkeypatch.setattr("mediacreator.creation.disc_files", fail)
    with pytest.raises(Exception, match="disk"):
        create(CreateRequest((str(tmp_path / "in"),), f"{tmp_path}/disc.iso", profile="STD-GEN-CD"))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_plan_says_which_study_lands_where(tmp_path: Path, small_cd: int) -> None:
    for study in range(1, 6):
        write_study(tmp_path / "in", study, 1, 6)
    request = CreateRequest((str(tmp_path / "in"),), f"{tmp_path}/disc.iso", profile="STD-GEN-CD")
    planned = plan(request)
    receipt = create(request)

    assert planned.complete
    assert [(f.number, f.of, f.instances) for f in planned.file_sets] == [
        (entry.volume, entry.volumes, entry.instances) for entry in receipt.media
    ]
    assert all(study.instances == study.of == 6 for f in planned.file_sets for study in f.lying_here)
    assert {study.uid for f in planned.file_sets for study in f.lying_here} == {f"2.25.78.{n}" for n in range(1, 6)}


@pytest.mark.parametrize(
    ("medium", "profile", "capacity"),
    [
        ("cd-74", "STD-GEN-CD", 681_984_000),
        ("dvd-dl", "STD-GEN-DVD-JPEG", 8_543_666_176),
        ("bd-50", "STD-GEN-BD", 48 * 10**9),
    ],
)
def test_a_blank_decides_profile_and_capacity(tmp_path: Path, medium: str, profile: str, capacity: int) -> None:
    write_study(tmp_path / "in", 1, 1, 2)
    planned = plan(CreateRequest((str(tmp_path / "in"),), f"{tmp_path}/m/", medium=medium))
    (file_set,) = planned.file_sets
    assert file_set.profile == profile
    assert file_set.capacity == pytest.approx(capacity, rel=0.02)


def test_a_blank_that_is_not_the_profiles_is_refused_and_an_uncommon_one_warned_of(tmp_path: Path) -> None:
    write_study(tmp_path / "in", 1, 1, 2)
    request = CreateRequest((str(tmp_path / "in"),), f"{tmp_path}/m/", profile="STD-GEN-CD", medium="dvd-dl")
    with pytest.raises(UsageError, match=r"not for DVD 8\.5 GB"):
        plan(request)
    with pytest.raises(UsageError, match="cd-74, cd-80"):
        plan(replace(request, medium="floppy"))
    planned = plan(replace(request, profile="STD-GEN-BD", medium="bdxl-128"))
    assert [finding.code for finding in planned.explained] == ["medium-uncommon"]


def test_udf_stands_beside_iso_9660_on_a_dvd_only(tmp_path: Path, command: Command) -> None:
    write_study(tmp_path / "in", 1, 1, 2)
    asked = ("create", tmp_path / "in", "--udf", "-q", "-o")
    dvd = command(*asked, tmp_path / "dvd.iso", "--profile", "STD-GEN-DVD-JPEG")
    assert dvd.code == 0, dvd.said
    image = (tmp_path / "dvd.iso").read_bytes()
    assert image[16 * 2048 + 1 : 16 * 2048 + 6] == b"CD001"
    assert b"NSR02" in image[16 * 2048 : 32 * 2048]  # ECMA-167 2/9.1
    plain = command("create", tmp_path / "in", "-q", "-o", tmp_path / "plain.iso", "--profile", "STD-GEN-DVD-JPEG")
    assert plain.code == 0, plain.said
    assert b"NSR0" not in (tmp_path / "plain.iso").read_bytes()[: 32 * 2048]
    refused = command(*asked, tmp_path / "cd.iso", "--profile", "STD-GEN-CD")
    assert refused.code == 2
    assert "side by side" in refused.err
