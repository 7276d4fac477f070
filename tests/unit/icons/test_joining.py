"""Icons in the keys of the records that get one: of instances, and of series by their middle image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.uid import JPEGLSLossless

from mediacreator.icons import Iconified, with_icons
from mediacreator.model import EncodedInstance, FileSetContent, Patient, Series, Study
from mediacreator.rules.claim import load_claim
from tests.transcoding import encapsulated, image_dataset, save
from tests.unit.icons.shown import pixels, ramp, rule
from tests.unit.icons.test_frames import jpeg_ls
from tests.unit.icons.test_making import encoded

ICON = "IconImageSequence"


def image(folder: Path, number: int, *, record: str = "IMAGE", profiles: tuple[str, ...] = ()) -> EncodedInstance:
    """Return an image whose row ``number`` is lit."""
    stored = ramp() * 0
    stored[number - 1] = 1000
    ds = image_dataset(stored, WindowCenter=500, WindowWidth=1000)
    path = save(encapsulated(ds, JPEGLSLossless, [jpeg_ls(stored)]), folder / f"{number}.dcm")
    return _as(encoded(path, number), record, profiles)


def document(folder: Path, number: int, *, record: str = "SR DOCUMENT") -> EncodedInstance:
    ds = image_dataset(ramp())
    del ds.PixelData
    return _as(encoded(save(ds, folder / f"{number}.dcm"), number), record, ())


def broken(folder: Path, number: int) -> EncodedInstance:
    ds = encapsulated(image_dataset(ramp()), JPEGLSLossless, [b"nonsense"])
    return _as(encoded(save(ds, folder / f"{number}.dcm"), number), "IMAGE", ())


def _as(one: EncodedInstance, record: str, profiles: tuple[str, ...]) -> EncodedInstance:
    return replace(one, instance=replace(one.instance, record_type=record, profiles=profiles, keys={"Rows": b"\x10\0"}))


def file_set(*series: Sequence[EncodedInstance], roots: Sequence[EncodedInstance] = ()) -> FileSetContent:
    members = tuple(Series({}, tuple(one.instance for one in ones)) for ones in series)
    return FileSetContent((Patient({}, (Study({}, members),)),), tuple(one.instance for one in roots))


def joined(profile: str, *series: Sequence[EncodedInstance], optional: bool = True, workers: int = 1) -> Iconified:
    encoded_ones = {one.instance.header.source.number: one for ones in series for one in ones}
    profiles = load_claim(profile).profiles
    return with_icons([file_set(*series)], encoded_ones, profiles, optional=optional, workers=workers)


def lit(keys: object) -> int:
    """Return which image an icon shows, 0 for none."""
    value = keys.get(ICON)  # type: ignore[attr-defined]
    return 0 if value is None else int(pixels(value).sum(axis=1).argmax() * 16 // len(pixels(value))) + 1


def of_instances(found: Iconified) -> list[int]:
    return [lit(instance.keys) for content in found.file_sets for instance in content.instances()]


def of_series(found: Iconified) -> list[int]:
    ((patient,),) = (content.patients for content in found.file_sets)
    return [lit(series.keys) for series in patient.studies[0].series]


def test_each_instance_gets_its_icon_in_the_tree_and_among_the_encoded(tmp_path: Path) -> None:
    found = joined("STD-XA1K-CD", [image(tmp_path, 1), image(tmp_path, 2)], [image(tmp_path, 3)], optional=False)

    assert of_instances(found) == [1, 2, 3]
    assert {number: lit(one.instance.keys) for number, one in found.encoded.items()} == {1: 1, 2: 2, 3: 3}
    assert of_series(found) == [0, 0]
    instances = {i.header.source.number: i for content in found.file_sets for i in content.instances()}
    assert instances == {number: one.instance for number, one in found.encoded.items()}
    assert all(instance.keys["Rows"] == b"\x10\0" for instance in instances.values())
    assert (found.rejected, found.findings) == ((), ())


def test_where_no_profile_requires_icons_and_nobody_asked_nothing_changes(tmp_path: Path) -> None:
    one = image(tmp_path, 1)
    content = file_set([one])

    found = with_icons([content], {1: one}, load_claim("STD-GEN-CD").profiles, optional=False)

    assert found.file_sets[0] is content
    assert found.encoded[1] is one


def test_ct_and_mr_series_are_shown_by_their_middle_image(tmp_path: Path) -> None:
    """PS3.11 E.3.3.3 names SERIES and IMAGE."""
    found = joined("STD-CTMR-CD", [image(tmp_path, number) for number in range(1, 6)], [image(tmp_path, 7)])

    assert of_instances(found) == [1, 2, 3, 4, 5, 7]
    assert of_series(found) == [3, 7]


def test_series_of_other_profiles_have_none(tmp_path: Path) -> None:
    found = joined("STD-GEN-CD", [image(tmp_path, 1)])

    assert (of_instances(found), of_series(found)) == ([1], [0])


def test_the_icon_of_a_series_may_be_of_another_rule_than_those_of_its_images(tmp_path: Path) -> None:
    """XA1K asks for 128 x 128 in IMAGE records, CTMR for 64 x 64 in SERIES records."""
    ones = [image(tmp_path, number) for number in (1, 2, 3)]

    found = joined("STD-XA1K-CD,STD-CTMR-CD", ones)

    ((patient,),) = (content.patients for content in found.file_sets)
    series = patient.studies[0].series[0]
    assert pixels(series.keys[ICON]).shape == (64, 64)
    assert lit(series.keys) == 2
    assert {pixels(instance.keys[ICON]).shape for instance in series.instances} == {(128, 128)}
    assert [finding.code for finding in found.findings] == ["icon-rules-differ"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_series_is_shown_by_those_of_its_images_that_can_be(workers: int, tmp_path: Path) -> None:
    ones = [document(tmp_path, 1), broken(tmp_path, 2), image(tmp_path, 3), document(tmp_path, 4)]

    found = joined("STD-CTMR-CD", ones, workers=workers)

    assert of_instances(found) == [0, 0, 3, 0]
    assert of_series(found) == [3]
    assert [(finding.code, finding.location) for finding in found.findings] == [("icon-not-made", "source 2")]


def test_one_image_that_cannot_be_shown_is_no_reason_to_leave_out_a_series(tmp_path: Path) -> None:
    """Even where a profile of a site's own requires icons of series, smaller ones than of images."""
    profile = load_claim("STD-XABC-CD").profiles[0]
    series = rule(64, records=("SERIES",), required=True)
    profile = replace(profile, directory=replace(profile.directory, icons=(rule(32), series)))
    one = broken(tmp_path, 1)

    found = with_icons([file_set([one])], {1: one}, [profile], optional=True)

    assert found.rejected == ()
    assert [finding.code for finding in found.findings] == ["icon-not-made", "icon-not-made"]


def test_a_series_without_images_has_no_icon(tmp_path: Path) -> None:
    found = joined("STD-CTMR-CD", [document(tmp_path, 1)])

    assert (of_instances(found), of_series(found), found.findings) == ([0], [0], ())


def test_an_image_without_pixels_is_rejected_where_its_record_must_have_an_icon(tmp_path: Path) -> None:
    found = joined("STD-XABC-CD", [document(tmp_path, 1, record="IMAGE"), image(tmp_path, 2)], optional=False)

    assert [disposition.source.number for disposition in found.rejected] == [1]
    assert of_instances(found) == [0, 2]  # who asked takes the rejected one out


def test_the_profiles_that_cover_an_instance_say_whether_it_gets_one(tmp_path: Path) -> None:
    xa = image(tmp_path, 1, profiles=("STD-XABC-CD",))
    other = image(tmp_path, 2, profiles=("STD-GEN-CD",))

    found = joined("STD-XABC-CD,STD-GEN-CD", [xa], [other], optional=False)

    assert of_instances(found) == [1, 0]


def test_instances_that_are_not_encoded_stay_as_they_are(tmp_path: Path) -> None:
    one, left = image(tmp_path, 1), image(tmp_path, 2)

    found = with_icons([file_set([one, left])], {1: one}, load_claim("STD-GEN-CD").profiles, optional=True)

    assert of_instances(found) == [1, 0]


def test_objects_at_the_root_get_none(tmp_path: Path) -> None:
    root = document(tmp_path, 1, record="HANGING PROTOCOL")

    found = with_icons([file_set(roots=[root])], {1: root}, load_claim("STD-GEN-CD").profiles, optional=True)

    assert found.file_sets[0].root_instances == (root.instance,)


def test_the_same_series_on_two_media_has_an_icon_on_each(tmp_path: Path) -> None:
    one, two = image(tmp_path, 1), image(tmp_path, 2)
    claim = load_claim("STD-CTMR-CD")

    found = with_icons([file_set([one]), file_set([two])], {1: one, 2: two}, claim.profiles, optional=True)

    shown = [content.patients[0].studies[0].series[0].keys for content in found.file_sets]
    assert [lit(keys) for keys in shown] == [1, 2]
