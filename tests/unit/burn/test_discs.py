"""Which drive, and which disc: what PS3.12 names for the profile, blank, and large enough to the sector."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from mediacreator.burn import ReadyImage, choose_drive, judge_disc
from mediacreator.burn.discs import padding_for
from mediacreator.errors import DeviceError, UsageError
from mediacreator.tools.xorriso import PADDING, Disc, DiscState, Drive

GB = 10**9


def disc(kind: str = "CD-R", state: DiscState = DiscState.BLANK, free: int = 100 * GB, size: int = 100 * GB) -> Disc:
    return Disc(kind, state, free, size)


KINDS = {
    "STD-GEN-CD": {"CD-R"},
    "STD-GEN-DVD-JPEG": {
        *("DVD-R sequential recording", "DVD-RW sequential recording", "DVD-RW restricted overwrite"),
        *("DVD+R", "DVD+RW", "DVD+R/DL", "DVD-R/DL sequential recording"),
    },
    "STD-GEN-DVD-RAM": {"DVD-RAM"},
    "STD-GEN-BD": {"BD-R sequential recording", "BD-R random recording", "BD-RE"},
}
"""A restatement of PS3.12 F.3, J.3, P.3 and X.3 in the words of MMC."""


@pytest.mark.parametrize("profile", KINDS)
def test_each_profile_takes_its_own_discs_alone(profile: str, asks_for: Callable[[str], ReadyImage]) -> None:
    image = asks_for(profile)
    for kind in {"CD-RW", "CD-ROM", "DVD-ROM", "BD-ROM", *(kind for kinds in KINDS.values() for kind in kinds)}:
        if kind in KINDS[profile]:
            assert judge_disc(disc(kind), image) == ()
            continue
        with pytest.raises(DeviceError) as caught:
            judge_disc(disc(kind), image)
        assert caught.value.code == "disc-wrong-kind"
        (note,) = judge_disc(disc(kind), image, any_medium=True)
        assert kind in note


def test_a_file_stands_for_any_disc(ready: ReadyImage) -> None:
    assert judge_disc(disc("stdio file, overwriteable"), ready) == ()


@pytest.mark.parametrize(
    ("state", "kind", "erase", "code"),
    [
        (DiscState.NONE, "", False, "no-disc"),
        (DiscState.UNKNOWN, "", False, "disc-unreadable"),
        (DiscState.CLOSED, "CD-R", False, "disc-used"),
        (DiscState.CLOSED, "CD-R", True, "disc-used"),  # there is nothing to erase
        (DiscState.APPENDABLE, "CD-RW", False, "disc-used"),
    ],
)
def test_what_is_not_blank_is_refused(ready: ReadyImage, state: DiscState, kind: str, erase: bool, code: str) -> None:
    with pytest.raises(DeviceError) as caught:
        judge_disc(disc(kind, state), ready, erase=erase, any_medium=True)
    assert caught.value.code == code


def test_a_rewritable_disc_may_be_erased(ready: ReadyImage) -> None:
    assert judge_disc(disc("CD-RW", DiscState.CLOSED, free=0), ready, erase=True, any_medium=True)


def test_the_image_must_fit_to_the_byte(ready: ReadyImage) -> None:
    judge_disc(disc(free=ready.size), ready)
    with pytest.raises(DeviceError) as caught:
        judge_disc(disc(free=ready.size - 1), ready)
    assert caught.value.code == "medium-too-small"


def test_a_full_disc_gets_less_padding(ready: ReadyImage) -> None:
    assert padding_for(disc(), ready) == PADDING
    assert padding_for(disc(free=ready.size + 4096), ready) == 4096
    assert padding_for(disc("CD-RW", DiscState.CLOSED, free=0), ready) == PADDING


def drives(discs: Mapping[str, DiscState | None]) -> str:
    def look(device: str) -> Disc:
        state = discs[device]
        if state is None:
            raise DeviceError("device-busy", "busy")
        return disc(state=state)

    return choose_drive(lambda: [Drive(device, "", "") for device in discs], look)


def test_the_only_drive_is_taken_whatever_lies_in_it() -> None:
    assert drives({"/dev/sr0": DiscState.NONE}) == "/dev/sr0"


def test_of_several_the_one_with_a_blank_disc_is_taken() -> None:
    assert drives({"/dev/sr0": DiscState.NONE, "/dev/sr1": DiscState.BLANK, "/dev/sr2": None}) == "/dev/sr1"


@pytest.mark.parametrize("state", [DiscState.BLANK, DiscState.NONE])
def test_between_equals_a_person_decides(state: DiscState) -> None:
    with pytest.raises(UsageError, match="/dev/sr0, /dev/sr1"):
        drives({"/dev/sr0": state, "/dev/sr1": state})


def test_without_a_drive_there_is_nothing_to_choose() -> None:
    with pytest.raises(DeviceError) as caught:
        drives({})
    assert caught.value.code == "device-missing"
