"""A Linux kernel in a virtual machine that mounts images: what a PC does with a disc or a stick, without its drivers.

The kernel is Debian's, unpacked from its package; the rest is busybox and a script. Nothing of this machine is mounted.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.oracles import run

_MODULES = (
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci",
    "drivers/block/virtio_blk",
    "drivers/cdrom/cdrom",
    "lib/crc-itu-t",
    "fs/udf/udf",
    "fs/isofs/isofs",
    "fs/fat/fat",
    "fs/fat/vfat",
    *(f"fs/nls/nls_{name}" for name in ("ascii", "cp437", "utf8")),
)
_START = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mkdir -p /proc /m /from
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for turn in 1 2 3; do  # what needs what differs from kernel to kernel
  for module in {modules}; do [ -f /lib/$module.ko ] && insmod /lib/$module.ko 2>/dev/null; done
done
for turn in $(seq 100); do [ -e /dev/vd{last} ] || sleep 0.1; done
{script}
echo FINISHED
poweroff -f
"""
_LETTERS = "abcdefghijklmnop"
_UNPACK = Path(__file__).parents[1] / ".ci" / "unpack-kernel"


class Kernel:
    """A kernel that runs a script over images, which are its drives ``/dev/vda`` on."""

    def __init__(self, folder: Path) -> None:
        """Unpack it into an empty folder."""
        run(_UNPACK, folder, timeout=300)
        (self._image,) = (folder / "boot").glob("vmlinuz-*")
        (self._modules,) = (folder / "lib" / "modules").glob("*/kernel")
        self._folder = folder

    def hashes(self, images: Sequence[tuple[Path | str, str]]) -> list[dict[str, str]]:
        """Mount each image, given with its type of file system, and return the SHA-256 of each of its files.

        Where there is a partition, that is mounted. Options for ``mount`` may stand behind the type, after a comma.
        """
        script = "\n".join(
            f"echo IMAGE; d=/dev/vd{letter}; [ -b ${{d}}1 ] && d=${{d}}1; mount -t {kind.partition(',')[0]} "
            f"-o ro{kind[len(kind.partition(',')[0]) :]} $d /m && "
            "(cd /m && find . -type f -exec sha256sum {} + ) && umount /m || echo FAILED"
            for letter, (_, kind) in zip(_LETTERS, images, strict=False)
        )
        told = self.run([path for path, _ in images], script)
        assert "FAILED" not in told, told
        parts = told.split("IMAGE\n")[1:]
        assert len(parts) == len(images)
        return [
            {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  \./(.*)$", part, re.MULTILINE)}
            for part in parts
        ]

    def run(self, images: Iterable[Path | str], script: str, *, writable: bool = False) -> str:
        """Boot, run a script of busybox's shell, and return what it printed."""
        paths = list(images)
        initrd = self._folder / "initrd"
        initrd.write_bytes(_archive(self._files(script, _LETTERS[len(paths) - 1])))
        drives = []
        for path in paths:
            drives += ["-drive", f"file={path},if=virtio,format=raw,readonly={'off' if writable else 'on'}"]
        command = ["qemu-system-x86_64", "-m", "512", "-nographic", "-no-reboot", "-nic", "none", *drives]
        boot = ["-kernel", str(self._image), "-initrd", str(initrd), "-append", "console=ttyS0 quiet panic=-1"]
        done = subprocess.run([*command, *boot], capture_output=True, timeout=180, check=True, stdin=subprocess.DEVNULL)
        told = done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
        assert "FINISHED\n" in told, told[-3000:]
        return told

    def _files(self, script: str, last: str) -> list[tuple[str, int, bytes]]:
        names = [module.rpartition("/")[2] for module in _MODULES]
        start = _START.format(modules=" ".join(names), last=last, script=script)
        files = [(folder, 0o40755, b"") for folder in ("bin", "dev", "lib")]
        files.append(("bin/busybox", 0o100755, Path(run("which", "busybox").strip()).read_bytes()))
        files.append(("init", 0o100755, start.encode()))
        for module, name in zip(_MODULES, names, strict=True):
            path = self._modules / f"{module}.ko"
            if path.exists():  # else it is part of the kernel
                files.append((f"lib/{name}.ko", 0o100644, path.read_bytes()))
        return files


def _archive(files: Sequence[tuple[str, int, bytes]]) -> bytes:
    """Pack files for the kernel: cpio in its ``newc`` form."""
    packed = bytearray()
    for number, (name, mode, data) in enumerate([*files, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        packed += b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        packed += bytes(-len(packed) % 4) + data
        packed += bytes(-len(packed) % 4)
    return bytes(packed)
