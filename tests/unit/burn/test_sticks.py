"""Sticks: files that stand for devices in a table of ours, and, for whoever may, a loop device of the kernel."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mediacreator.burn import BlockDevice, ReadyImage, judge_device, reading, write_stick
from mediacreator.errors import DeviceError, MediumError, VerificationFailed
from mediacreator.model import Silent
from tests.oracles import may_mount, needs

SIZE = 8 << 20


@pytest.fixture
def usb(asks_for: Callable[[str], ReadyImage]) -> ReadyImage:
    """An image that is meant for a stick."""
    return asks_for("STD-GEN-USB-JPEG")


@pytest.fixture
def stick(tmp_path: Path) -> BlockDevice:
    path = tmp_path / "sdx"
    path.write_bytes(b"\xaa" * SIZE)
    return BlockDevice(str(path), "ACME Stick", SIZE, removable=True)


def judge(image: ReadyImage, device: BlockDevice, path: str = "", any_medium: bool = False) -> BlockDevice:
    return judge_device(path or device.path, [device], image, any_medium=any_medium)


def test_a_stick_is_written_and_read_back(usb: ReadyImage, stick: BlockDevice) -> None:
    written = write_stick(usb, judge(usb, stick), progress=Silent())

    data = Path(stick.path).read_bytes()
    assert (written.sha256, written.medium) == (usb.sha256, "ACME Stick")
    assert data[: usb.size] == Path(usb.path).read_bytes()
    assert data[usb.size : -(1 << 20)] == b"\xaa" * (SIZE - usb.size - (1 << 20))  # not worth the time
    assert data[-(1 << 20) :] == bytes(1 << 20)  # where a partition table would have its copy


def test_an_image_that_fills_the_device_is_whole(usb: ReadyImage, stick: BlockDevice) -> None:
    exact = replace(stick, size=usb.size)
    os.truncate(stick.path, usb.size)
    write_stick(usb, judge(usb, exact), progress=Silent())
    assert Path(stick.path).read_bytes() == Path(usb.path).read_bytes()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"removable": False}, "device-fixed"),
        ({"removable": False, "in_use": "mounted"}, "device-fixed"),  # nobody shall unmount a system disk for us
        ({"in_use": "mounted"}, "device-busy"),
        ({"in_use": "swap"}, "device-busy"),
        ({"read_only": True}, "device-read-only"),
        ({"size": 1000}, "medium-too-small"),
    ],
)
def test_what_must_not_be_overwritten_is_refused(
    usb: ReadyImage, stick: BlockDevice, change: dict[str, object], code: str
) -> None:
    with pytest.raises(DeviceError) as caught:
        judge(usb, replace(stick, **change), any_medium=True)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_only_devices_of_the_table_are_written(usb: ReadyImage, stick: BlockDevice, tmp_path: Path) -> None:
    """A partition, or any file that happens to be named, is none."""
    for path in (f"{stick.path}1", "/dev/null", "/dev/sda", usb.path):
        with pytest.raises(DeviceError) as caught:
            judge(usb, stick, path)
        assert caught.value.code == "device-missing"
    os.symlink(stick.path, tmp_path / "by-id")
    assert judge(usb, stick, str(tmp_path / "by-id")) is stick


def test_an_image_of_a_disc_goes_on_a_stick_only_if_asked_for(ready: ReadyImage, stick: BlockDevice) -> None:
    with pytest.raises(DeviceError) as caught:
        judge(ready, stick)
    assert caught.value.code == "disc-wrong-kind"
    assert judge(ready, stick, any_medium=True) is stick


def test_a_stick_that_lies_about_its_size_is_found(
    usb: ReadyImage, stick: BlockDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes all that is written, and has lost what lies behind its true end once it is asked anew."""

    def lose(handle: int) -> None:
        os.pwrite(os.open(stick.path, os.O_WRONLY), bytes(usb.size - 100_000), 100_000)

    monkeypatch.setattr(reading, "forget", lose)
    with pytest.raises(VerificationFailed) as caught:
        write_stick(usb, stick, progress=Silent())
    assert [finding.code for finding in caught.value.findings] == ["read-back-differs"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EIO, "write-failed"),
        (errno.ENODEV, "device-vanished"),
        (errno.ENXIO, "device-vanished"),
        (errno.ENOSPC, "medium-too-small"),
        (errno.EBUSY, "device-busy"),
        (errno.EACCES, "device-refused"),
    ],
)
def test_a_device_that_fails_in_the_middle_says_how(
    usb: ReadyImage, stick: BlockDevice, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def fail(handle: int, data: memoryview, position: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pwrite", fail)
    with pytest.raises(DeviceError) as caught:
        write_stick(usb, stick, progress=Silent())
    assert caught.value.code == code


@pytest.mark.parametrize(("number", "code"), [(errno.EIO, "read-back-failed"), (errno.ENXIO, "device-vanished")])
def test_a_device_that_cannot_be_read_back_says_so(
    usb: ReadyImage, stick: BlockDevice, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def fail(handle: int, buffers: object, position: int) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "preadv", fail)
    with pytest.raises(DeviceError) as caught:
        write_stick(usb, stick, progress=Silent())
    assert caught.value.code == code


def test_an_image_that_goes_is_not_the_fault_of_the_stick(usb: ReadyImage, stick: BlockDevice) -> None:
    os.truncate(usb.path, 5000)
    with pytest.raises(MediumError, match="image ends too early"):
        write_stick(usb, stick, progress=Silent())
    os.unlink(usb.path)
    with pytest.raises(MediumError, match="image cannot be read") as caught:
        write_stick(usb, stick, progress=Silent())
    assert not isinstance(caught.value, DeviceError)


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[str]:
    """A block device of the kernel with a file behind it."""
    (tmp_path / "behind").write_bytes(bytes(SIZE))
    done = subprocess.run(
        ["losetup", "--find", "--show", tmp_path / "behind"], check=True, capture_output=True, text=True
    )
    device = done.stdout.strip()
    yield device
    subprocess.run(["losetup", "--detach", device], check=True)


@pytest.mark.skipif(not may_mount(), reason="the kernel does not let this process make loop devices")
@needs("losetup", "mkfs.ext4", "mount")
def test_a_device_of_the_kernel_is_written_exclusively_and_read_past_the_cache(
    usb: ReadyImage, loop: str, tmp_path: Path
) -> None:
    device = BlockDevice(loop, "Loop", SIZE, removable=True)
    subprocess.run(["mkfs.ext4", "-q", loop], check=True)
    (tmp_path / "mounted").mkdir()
    subprocess.run(["mount", loop, tmp_path / "mounted"], check=True)
    try:
        with pytest.raises(DeviceError) as caught:  # although the table says that nobody uses it
            write_stick(usb, device, progress=Silent())
        assert caught.value.code == "device-busy"
    finally:
        subprocess.run(["umount", tmp_path / "mounted"], check=True)

    assert write_stick(usb, device, progress=Silent()).sha256 == usb.sha256
    assert (tmp_path / "behind").read_bytes()[: usb.size] == Path(usb.path).read_bytes()
    with open(loop, "r+b") as file:
        file.seek(usb.size - 1)
        file.write(b"\1")
    with pytest.raises(VerificationFailed):
        reading.compare_medium(loop, usb.size, usb.sha256, Silent())
