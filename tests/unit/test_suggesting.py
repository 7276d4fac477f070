"""Weighing profiles: what each holds, why not, how large, on how many media, and which one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mediacreator.errors import UsageError
from mediacreator.model import UNDEFINED_LENGTH, Header, Outcome, PixelDataPlace, Scan, Severity, Silent
from mediacreator.rules.claim import load_claim
from mediacreator.rules.library import load_profile, profile_ids
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.tables import media_formats
from mediacreator.rules.wanted import wanted
from mediacreator.scan import scan
from mediacreator.select import ContentComparer, SelectionRequest, select
from mediacreator.sources import find_sources
from mediacreator.suggesting import Choice, Suggestion, Suggestions, candidates, choose_profile, lacking, suggest
from mediacreator.suggesting.counting import count
from mediacreator.suggesting.families import Family, families_of
from mediacreator.suggesting.groups import groups_of, wanted_to_weigh
from mediacreator.suggesting.media import Fit, fits
from mediacreator.suggesting.weighing import Scales
from mediacreator.transcode import Compression
from mediacreator.transcode.choose import choose
from mediacreator.transcode.sizes import estimate
from tests.headers import EXPLICIT_LITTLE, ROOT, header, source

SAMPLES = Path(__file__).parents[2] / "samples"
PREFER = candidates(("STD-GEN-DVD-JPEG", "STD-GEN-USB-JPEG"))
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
VIDEO = "1.2.840.10008.5.1.4.1.1.77.1.4.1"
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
REGION = b"\xfe\xff\x00\xe0\x0c\x00\x00\x00\x18\x00\x18\x60UL\x04\x00%04d"
MEGABYTE = 1_000_000
CT = {
    "Rows": b"\x00\x02",
    "Columns": b"\x00\x02",
    "BitsAllocated": b"\x10\x00",
    "BitsStored": b"\x0c\x00",
    "SamplesPerPixel": b"\x01\x00",
    "PixelRepresentation": b"\x00\x00",
    "PhotometricInterpretation": b"MONOCHROME2 ",
}
FRAMES = {False: {"NumberOfFrames": b"1 "}, True: {"NumberOfFrames": b"200 "}}
XA = {
    "Modality": b"XA",
    "ImageType": b"ORIGINAL\\PRIMARY\\SINGLE PLANE",
    "BitsAllocated": b"\x08\x00",
    "BitsStored": b"\x08\x00",
    "HighBit": b"\x07\x00",
}
"""What STD-XABC-CD asks of an image."""


def image(number: int, size: int = MEGABYTE, *, syntax: str = EXPLICIT_LITTLE, **attributes: bytes) -> Header:
    """Return a CT of 512 x 512 whose file has so many bytes; a compressed one has 200 frames."""
    compressed = syntax != EXPLICIT_LITTLE
    place = PixelDataPlace("PixelData", 1000, UNDEFINED_LENGTH if compressed else size - 1000)
    made = header(number, transfer_syntax=syntax, pixel_data=place, file=source(number, size=size))
    return replace(made, attributes={**made.attributes, **CT, **FRAMES[compressed], **attributes})


def choice(headers: Sequence[Header], among: Sequence[str] = PREFER, *, folder: bool = False, how: str = "") -> Choice:
    compression = Compression.parse(how) if how else None
    return choose_profile(Scan(tuple(headers), ()), among, folder=folder, compression=compression)


def said(found: Choice) -> dict[str, str]:
    """Return what the Findings say, by the profile that each is about."""
    return {finding.what.split()[0]: finding.code for finding in found.findings}


@pytest.fixture(scope="module")
def samples() -> Suggestions:
    return suggest([str(SAMPLES)], prefer=PREFER, workers=1)


def row(found: Suggestions, identifier: str) -> Suggestion:
    return next(one for one in found.suggestions if one.profile == identifier)


def test_every_current_profile_is_weighed_once_and_the_recommended_one_stands_first(samples: Suggestions) -> None:
    identifiers = [one.profile for one in samples.suggestions]

    assert sorted(identifiers) == sorted(profile_ids())
    assert identifiers[0] == samples.recommended == "STD-GEN-CD"
    holds = [one.holds for one in samples.suggestions]
    assert holds == sorted(holds, reverse=True)
    assert (
        samples.why == "STD-GEN-CD holds all 42 instances on one 120 mm CD-R, uncompressed where the profile allows it."
    )


def test_each_instance_is_held_or_has_a_reason(samples: Suggestions) -> None:
    for one in samples.suggestions:
        assert one.holds + one.refused == samples.instances, one.profile
        assert bool(one.holds) == bool(one.media) == bool(one.size), one.profile
        assert [reason.count for reason in one.reasons] == sorted((r.count for r in one.reasons), reverse=True)
        assert all(reason.clause and reason.what for reason in one.reasons)


def test_every_file_is_counted_once(samples: Suggestions) -> None:
    assert samples.files == sum(path.is_file() for path in SAMPLES.rglob("*"))
    assert samples.instances + sum(number for _, number in samples.outcomes) == samples.files


@pytest.fixture(scope="module")
def scanned() -> Scan:
    """Return all samples but the one whose patient is a question, with what every profile looks at."""
    found = find_sources([str(path) for path in sorted(SAMPLES.glob("*/**/*")) if path.name != "same-patient-id.dcm"])
    return scan(found.files, wanted(map(load_profile, profile_ids())), workers=1, progress=Silent())


def test_few_attributes_suffice_to_weigh_profiles(scanned: Scan) -> None:
    families = families_of(map(load_profile, profile_ids()))
    few = scan([header.source for header in scanned.headers], wanted_to_weigh(families), workers=1, progress=Silent())
    weighed_by = [
        fits(profiles_of(families), families, scales_of(headers)) for headers in (scanned.headers, few.headers)
    ]

    assert len(wanted_to_weigh(families)) < len(wanted(profiles_of(families)))
    assert [(fit.held, fit.media) for fit in weighed_by[0]] == [(fit.held, fit.media) for fit in weighed_by[1]]


@pytest.mark.parametrize("identifier", profile_ids())
def test_weighing_groups_says_what_select_and_transcode_do_instance_by_instance(identifier: str, scanned: Scan) -> None:
    claim, asked = load_claim(identifier), SelectionRequest(multi_patient=True)
    selection = select(scanned, claim, asked, compare=ContentComparer())
    instances = [instance for content in selection.file_sets for instance in content.instances()]
    plan = choose(instances, lambda instance: claim.options(instance.header.attributes, instance.header.sop_class_uid))
    families = families_of(map(load_profile, profile_ids()))
    counted = count(scanned.headers, claim, asked)
    scales = Scales(groups_of(counted.headers, families), asked.private_sop_classes)
    (found,) = fits([load_profile(identifier)], families, scales)
    held = {instance.header.sop_instance_uid for instance in plan.instances}
    against = [entry for entry in (*selection.dispositions, *plan.rejected) if entry.outcome is Outcome.REJECTED]
    on_none = {entry.sop_instance_uid for entry in against} & {header.sop_instance_uid for header in counted.headers}

    assert not selection.conflicts
    assert (found.held.count, found.held.transcoded) == (len(held), plan.transcoded)
    assert found.held.size == sum(map(estimate, plan.instances, plan.targets))
    assert found.held.refused == len(on_none)
    assert {reason.code for reason in found.held.reasons} == {entry.finding.code for entry in against}


def test_profiles_of_a_family_judge_alike_and_families_do_not() -> None:
    families = families_of(map(load_profile, profile_ids()))
    together = {tuple(profile.id for profile in family.profiles) for family in families}

    assert (
        "STD-GEN-CD",
        "STD-GEN-DVD-RAM",
        "STD-GEN-BD",
        "STD-GEN-SEC-CD",
        "STD-GEN-SEC-DVD-RAM",
        "STD-GEN-SEC-BD",
    ) in together
    assert ("STD-XABC-CD",) in together  # alone, though Annex B has the same SOP Class
    assert len([family for family in families if family.profiles[0].annex == "C"]) == 6
    assert sum(len(family.profiles) for family in families) == 82


def test_thousands_of_images_of_a_series_are_one_group() -> None:
    headers = [image(number, ImagePositionPatient=b"0\\0\\%d" % number) for number in range(1, 1001)]

    (group,) = groups_of(headers, families_of(map(load_profile, profile_ids())))

    assert group.count == 1000


def test_what_a_rule_looks_at_tells_groups_apart_only_where_a_profile_takes_the_sop_class() -> None:
    families = families_of([load_profile("STD-CTMR-CD")])
    headers = [image(1), image(2, Modality=b"OT")]

    assert len(groups_of(headers, families)) == 2
    assert len(groups_of([replace(header, sop_class_uid=VIDEO) for header in headers], families)) == 1


def test_filters_and_duplicates_and_unusable_uids_are_counted_apart() -> None:
    headers = (
        image(1),
        replace(image(2), sop_instance_uid=image(1).sop_instance_uid),
        image(3, Modality=b"MR"),
        replace(image(4), sop_instance_uid=""),
        replace(image(5), sop_class_uid="1.2.3.4"),
    )
    claim = load_claim("STD-GEN-CD")
    found = count(headers, claim, SelectionRequest(modalities=frozenset(("CT",))))

    assert [header.source.number for header in found.headers] == [1]
    assert (found.filtered, found.unusable, found.left_out, found.duplicates) == (1, 1, 1, 1)
    assert count(headers, claim, SelectionRequest(modalities=frozenset(("MR",)))).headers == (headers[2],)
    for request in (
        SelectionRequest(patients=frozenset(("P-1",))),
        SelectionRequest(studies=frozenset((f"{ROOT}.1.1",))),
        SelectionRequest(series=frozenset((f"{ROOT}.2.1",))),
    ):
        assert len(count(headers, claim, request).headers) == 2
    assert not count(headers, claim, SelectionRequest(patients=frozenset(("P-2",)))).headers


def test_what_fits_a_cd_goes_on_a_cd_uncompressed() -> None:
    found = choice([image(number) for number in range(1, 601)])

    assert (found.profile, found.compression) == ("STD-GEN-CD", Compression("none"))
    assert said(found) == {"STD-GEN-CD": "profile-chosen"}
    assert "holds all 600 instances on one 120 mm CD-R" in found.findings[0].what
    assert all(finding.severity is Severity.NOTE for finding in found.findings)


@pytest.mark.parametrize(("size", "media"), [(735_000_000, 1), (736_960_512, 2), (1_480_000_000, 3)])
def test_media_are_counted_by_what_they_hold_of_files_directory_and_content(size: int, media: int) -> None:
    (found,) = weighed([image(1, size)], ["STD-GEN-CD"])

    assert found.media == media


@pytest.mark.parametrize(
    ("suffix", "chosen"),
    [(".iso", {".iso"}), (".img", {".img"}), (".eml", {".eml"}), (".dat", {".iso", ".img"})],
)
def test_the_name_of_the_output_says_what_it_shall_be(suffix: str, chosen: set[str]) -> None:
    names = candidates(("STD-GEN-DVD-JPEG", "STD-GEN-USB-JPEG"), suffix=suffix)

    assert {load_profile(name).media_format.suffix for name in names} == chosen


def test_many_small_files_take_whole_sectors_and_records() -> None:
    (found,) = weighed([image(number, 27_000) for number in range(1, 25_001)], ["STD-GEN-CD"])

    assert found.held.size < media_formats()["cd_r"].capacity < found.room
    assert found.media == 2


def test_icons_that_a_profile_asks_for_take_room() -> None:
    xa = "1.2.840.10008.5.1.4.1.1.12.1"
    headers = [replace(image(n), sop_class_uid=xa) for n in range(1, 11)]
    (with_icons,) = weighed([replace(h, attributes={**h.attributes, **XA}) for h in headers], ["STD-XABC-CD"])

    assert with_icons.held.count == 10
    assert with_icons.room >= with_icons.held.size + 10 * (2048 + 128 * 128)


def test_a_folder_takes_the_list_of_the_site_where_one_cd_is_too_small() -> None:
    headers = [image(number) for number in range(1, 1001)]
    found = choice(headers, folder=True)

    assert (found.profile, str(found.compression)) == ("STD-GEN-DVD-JPEG", "none")
    assert said(found) == {"STD-GEN-CD": "profile-passed-over", "STD-GEN-DVD-JPEG": "profile-chosen"}
    assert "holds all 1,000 instances on 2 media (120 mm CD-R)" in found.findings[0].what
    assert found.findings[0].what.endswith(", but STD-GEN-DVD-JPEG needs fewer media")


def test_an_image_whose_medium_cannot_be_written_is_passed_over_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    writers(monkeypatch, cd_r="iso9660", dvd="", usb="")
    found = choice([image(number) for number in range(1, 1001)])

    assert found.profile == "STD-GEN-CD"
    assert said(found) == {
        "STD-GEN-DVD-JPEG": "profile-passed-over",
        "STD-GEN-USB-JPEG": "profile-passed-over",
        "STD-GEN-CD": "profile-chosen",
    }
    assert found.findings[0].what.endswith(", but this version cannot write ISO9660")


def test_an_image_takes_the_dvd_once_it_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    writers(monkeypatch, cd_r="iso9660", dvd="udf", usb="")

    assert choice([image(number) for number in range(1, 1001)]).profile == "STD-GEN-DVD-JPEG"


def test_what_holds_more_comes_before_what_stands_first() -> None:
    among = ("STD-CTMR-CD", "STD-GEN-CD")
    found = choice([image(1), replace(image(2), sop_class_uid=VIDEO)], among)

    assert found.profile == "STD-GEN-CD"
    assert found.findings[0].what.endswith(", but STD-GEN-CD holds more")


def test_secure_profiles_are_never_chosen_while_they_cannot_be_made() -> None:
    found = choice([image(1)], ("STD-GEN-SEC-CD", "STD-GEN-CD"), folder=True)

    assert found.profile == "STD-GEN-CD"
    assert found.findings[0].what.endswith(", but this version cannot write Secure DICOM Files")


def test_compressed_sources_stay_compressed_only_where_that_saves_a_medium() -> None:
    few = [image(n, 30 * MEGABYTE, syntax=JPEG_LOSSLESS) for n in range(1, 11)]  # 1 GB decoded
    many = [image(n, 30 * MEGABYTE, syntax=JPEG_LOSSLESS) for n in range(1, 101)]  # 10 GB decoded, 3 GB as they are

    assert str(choice(few, folder=True).compression) == "none"
    kept = choice(many, folder=True, among=("STD-GEN-DVD-JPEG",))
    assert (kept.profile, str(kept.compression)) == ("STD-GEN-DVD-JPEG", "keep")
    assert "coded as they are, since uncompressed they need more media" in kept.findings[-1].what


def test_uncompressed_sources_are_coded_without_loss_where_that_saves_a_medium() -> None:
    found = choice([image(n, 10 * MEGABYTE) for n in range(1, 601)], ("STD-GEN-DVD-JPEG",), folder=True)

    assert str(found.compression) == "lossless"


@pytest.mark.parametrize("how", ["none", "keep", "lossless", "lossy:70"])
def test_what_was_asked_for_is_what_is_weighed(how: str) -> None:
    found = choice([image(n, 10 * MEGABYTE) for n in range(1, 601)], ("STD-GEN-DVD-JPEG",), folder=True, how=how)

    assert str(found.compression) == how


def test_no_instances_leave_the_first_candidate() -> None:
    assert choice([]).profile == "STD-GEN-CD"


def test_an_unknown_candidate_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="the nearest is STD-GEN-CD"):
        choice([image(1)], ("STD-GEN-CB",))


def test_the_list_of_a_site_comes_after_the_cd() -> None:
    assert candidates(("STD-GEN-BD", "STD-GEN-CD")) == ("STD-GEN-CD", "STD-GEN-BD")


def test_profiles_of_the_site_are_weighed_too(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text((Path(__file__).parent / "rules" / "private.toml").read_text(encoding="utf-8"))
    found = suggest([str(SAMPLES / "patient1")], prefer=PREFER, folders=(str(tmp_path),), workers=1)

    assert row(found, "PRI-HOSPITAL-CD").holds == found.instances == 23
    assert len(found.suggestions) == 88


def test_what_only_unwritable_profiles_hold_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    writers(monkeypatch, **dict.fromkeys(media_formats(), ""))
    found = suggest([str(SAMPLES / "patient1")], prefer=PREFER, workers=1)

    assert row(found, "STD-GEN-CD").lacking == "ISO9660"
    assert found.recommended == "STD-GEN-CD"  # what would be best, though nothing can be written


def test_a_folder_without_instances_recommends_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    found = suggest([str(tmp_path)], prefer=PREFER, workers=1)

    assert (found.recommended, found.why) == ("", "The sources hold no instances.")
    assert found.outcomes == (("not DICOM", 1),)


def test_what_is_lacking_is_a_word() -> None:
    assert lacking(load_profile("STD-GEN-CD")) == ""
    assert lacking(load_profile("STD-GEN-SEC-CD")) == lacking(load_profile("STD-GEN-SEC-CD"), folder=True) != ""
    assert lacking(load_profile("STD-US-ID-SF-FLOP"), folder=True) == "retired profiles"


def profiles_of(families: Sequence[Family]) -> list[ApplicationProfile]:
    return [profile for family in families for profile in family.profiles]


def scales_of(headers: Sequence[Header]) -> Scales:
    families = families_of(map(load_profile, profile_ids()))
    counted = count(headers, families[0].claim, SelectionRequest())
    return Scales(groups_of(counted.headers, families), {})


def weighed(headers: Sequence[Header], identifiers: Sequence[str]) -> tuple[Fit, ...]:
    profiles = [load_profile(identifier) for identifier in identifiers]
    families = families_of(profiles)
    return fits(profiles, families, Scales(groups_of(headers, families), {}))


def writers(monkeypatch: pytest.MonkeyPatch, **by_key: str) -> None:
    """Say which media can be written, whatever the tables say by now."""
    table = {key: replace(row, writer=by_key.get(key, row.writer)) for key, row in media_formats().items()}
    monkeypatch.setattr("mediacreator.rules.profile.media_formats", lambda: table)


def test_where_none_can_be_written_the_best_is_named_with_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    writers(monkeypatch, cd_r="", dvd="", usb="")
    found = choice([image(1)])

    assert said(found) == {"STD-GEN-CD": "profile-chosen"}
    assert "this version cannot write ISO9660, and what the others need neither" in found.findings[0].what


def test_ultrasound_regions_tell_instances_apart_by_what_a_check_says_of_them() -> None:
    """Not by their bytes: each image of an examination has its own."""
    families = families_of(map(load_profile, profile_ids()))
    regions = [REGION % number for number in range(100)]
    headers = [replace(image(1, SequenceOfUltrasoundRegions=value), sop_class_uid=ULTRASOUND) for value in regions]
    headers += [replace(image(1), sop_class_uid=ULTRASOUND)]

    assert [group.count for group in groups_of(headers, families)] == [100, 1]
