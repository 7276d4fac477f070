"""Block devices, from a made-up /sys and /proc: which may be written, and which must never be."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mediacreator.burn import BlockDevice, block_devices
from mediacreator.burn.devices import what_it_holds
from tests.oracles import needs


class Machine:
    """A /sys, /proc and /dev of our own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._number = 0
        self.put("proc/self/mountinfo", "")
        self.put("proc/swaps", "Filename Type Size Used Priority\n")
        (root / "dev").mkdir()

    def put(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def disk(self, name: str, /, *, removable: int = 0, size: int = 8000, partitions: int = 0, **device: str) -> None:
        self._number += 16
        for at in range(partitions + 1):
            folder = f"sys/block/{name}" + (f"/{name}{at}" if at else "")
            self.put(f"{folder}/dev", f"8:{self._number + at}\n")
            if at:
                self.put(f"{folder}/partition", str(at))
        self.put(f"sys/block/{name}/removable", f"{removable}\n")
        self.put(f"sys/block/{name}/size", f"{size}\n")
        self.put(f"sys/block/{name}/ro", "0\n")
        for key, value in {"vendor": "ACME    ", **device}.items():
            self.put(f"sys/block/{name}/device/{key}", value + "\n")
        (self.root / "dev" / name).touch()

    def devices(self) -> dict[str, BlockDevice]:
        return {Path(device.path).name: device for device in block_devices(str(self.root))}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.disk("sda", partitions=2)
    made.disk("sdb", removable=1, partitions=1, model="Stick 3.0", size=15_000_000)
    return made


def test_a_stick_may_be_written(machine: Machine) -> None:
    stick = machine.devices()["sdb"]
    assert (stick.name, stick.size, stick.removable, stick.in_use) == ("ACME Stick 3.0", 15_000_000 * 512, True, "")
    assert stick.may_be_written


def test_a_fixed_disk_may_not(machine: Machine) -> None:
    assert not machine.devices()["sda"].may_be_written


@pytest.mark.parametrize(
    "line",
    [
        "36 35 8:33 / /media/NAME rw - vfat /dev/other rw",  # by number
        "36 35 0:99 / /media/NAME rw shared:1 - btrfs /dev/sdb1 rw",  # by name: Btrfs has numbers of its own
    ],
)
def test_a_mounted_partition_keeps_the_whole_stick(machine: Machine, line: str) -> None:
    machine.put("proc/self/mountinfo", f"25 1 8:17 / / rw - ext4 /dev/sda1 rw\n{line}\n")
    stick = machine.devices()["sdb"]
    assert (stick.in_use, stick.may_be_written) == ("mounted", False)


def test_swap_and_volumes_keep_it_too(machine: Machine) -> None:
    machine.put("proc/swaps", "Filename Type Size Used Priority\n/dev/sdb1 partition 1 0 -2\n")
    assert machine.devices()["sdb"].in_use == "swap"
    machine.put("proc/swaps", "")
    machine.put("sys/block/sdb/sdb1/holders/dm-3", "")
    assert machine.devices()["sdb"].in_use == "in use by dm-3"


def test_empty_readers_and_locked_cards_are_not_written(machine: Machine) -> None:
    machine.disk("sdc", removable=1, size=0)
    machine.disk("sdd", removable=1)
    machine.put("sys/block/sdd/ro", "1")
    assert not machine.devices()["sdc"].may_be_written
    assert not machine.devices()["sdd"].may_be_written


def test_an_sd_card_is_removable_and_a_soldered_one_is_not(machine: Machine) -> None:
    machine.disk("mmcblk0", type="MMC", name="EMMC8")
    machine.disk("mmcblk1", type="SD", name="SC16G")
    assert not machine.devices()["mmcblk0"].removable
    assert machine.devices()["mmcblk1"].removable


def test_optical_drives_and_what_is_no_hardware_are_not_listed(machine: Machine) -> None:
    machine.disk("sr0", removable=1)
    machine.put("sys/block/loop0/size", "8")
    machine.put("sys/block/zram0/size", "8")
    assert set(machine.devices()) == {"sda", "sdb"}


def test_a_machine_that_tells_nothing_has_no_devices(tmp_path: Path) -> None:
    assert block_devices(str(tmp_path)) == ()


@needs("mkfs.vfat", "mkfs.ext4")
def test_what_programs_format_is_named(tmp_path: Path) -> None:
    made = {
        "FAT32 “STICK”": ("mkfs.vfat", "-F", "32", "-n", "STICK"),
        "FAT16 “CARD”": ("mkfs.vfat", "-F", "16", "-n", "CARD"),
        "ext4 (Linux) “root”": ("mkfs.ext4", "-q", "-L", "root"),
    }
    for number, (held, command) in enumerate(made.items()):
        path = tmp_path / str(number)
        with path.open("wb") as file:
            file.truncate(64 << 20)
        subprocess.run([*command, path], check=True, capture_output=True)
        assert what_it_holds(str(path)) == held

    fat = (tmp_path / "0").read_bytes()
    disk = bytearray(1 << 20)
    disk[446:462] = bytes((0, 0, 0, 0, 0x0C, 0, 0, 0)) + (2048).to_bytes(4, "little") + (99999).to_bytes(4, "little")
    disk[510:512] = b"\x55\xaa"
    (tmp_path / "disk").write_bytes(disk + fat[: 1 << 20])
    assert what_it_holds(str(tmp_path / "disk")) == "1 partition: FAT32 “STICK”"


def test_what_nobody_formatted_is_nothing(tmp_path: Path) -> None:
    for data, held in ((bytes(1 << 17), "nothing"), (b"", "nothing"), (b"text" * 999, "data of no known kind")):
        (tmp_path / "device").write_bytes(data)
        assert what_it_holds(str(tmp_path / "device")) == held
    assert what_it_holds(str(tmp_path / "none")) == ""


def test_an_image_of_ours_is_named(image: Path) -> None:
    assert what_it_holds(str(image)).startswith("ISO 9660 disc image “DICOM_")
