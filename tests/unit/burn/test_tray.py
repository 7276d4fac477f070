"""The tray is moved only where it can come back, as linux/cdrom.h has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediacreator.burn import tray

EJECT, CLOSE, STATUS, LOCK, CAPABILITY = 0x5309, 0x5319, 0x5326, 0x5329, 0x5331


class Drive:
    """A drive that answers after some seconds."""

    def __init__(self, capability: int, answers: list[int]) -> None:
        self.calls: list[int] = []
        self.waited = 0.0
        self._capability = capability
        self._answers = answers

    def ioctl(self, _handle: int, request: int, _argument: int) -> int:
        self.calls.append(request)
        if request == STATUS:
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return self._capability if request == CAPABILITY else 0

    def sleep(self, seconds: float) -> None:
        self.waited += seconds


@pytest.fixture
def device(tmp_path: Path) -> str:
    (tmp_path / "sr0").touch()
    return str(tmp_path / "sr0")


def test_a_tray_goes_out_and_in_and_is_waited_for(device: str) -> None:
    drive = Drive(0x1, [3, 3, 4])
    assert tray.reload(device, drive.ioctl, drive.sleep)
    assert drive.calls == [CAPABILITY, LOCK, EJECT, CLOSE, STATUS, STATUS, STATUS]
    assert drive.waited == 2


def test_a_laptop_keeps_its_tray_in(device: str) -> None:
    drive = Drive(0x2, [4])
    assert not tray.reload(device, drive.ioctl, drive.sleep)
    assert drive.calls == [CAPABILITY]


def test_nobody_waits_forever(device: str) -> None:
    drive = Drive(0x1, [3])
    assert tray.reload(device, drive.ioctl, drive.sleep)
    assert drive.waited == 60


def test_what_is_no_drive_is_left_alone(device: str) -> None:
    assert not tray.reload(device)  # a regular file knows no such request
    assert not tray.reload(device + "x")
    assert not tray.reload(f"stdio:{device}")
    tray.eject(device)
    tray.eject(f"stdio:{device}")
