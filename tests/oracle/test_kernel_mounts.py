"""A Linux kernel mounts every image that we make and hashes every file, and writes UDF for our reader."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from mediacreator import CreateRequest, create
from mediacreator.formats import IsoTree, UdfTree
from mediacreator.formats.fat_kinds import FAT_KINDS
from mediacreator.image import BRIDGE, write_fat, write_iso, write_udf
from mediacreator.updating import SessionRequest, UpdateRequest, add
from tests.discs import CREATED, Counter, disc, sha256
from tests.instances import write_ct
from tests.kernel import Kernel
from tests.oracles import needs, run
from tests.udf import REVISIONS

pytestmark = pytest.mark.slow

_noise = random.Random(7)
TREE = {
    "DICOMDIR": _noise.randbytes(70_000),
    "DICOM/PT000000/ST000000/SE000000/IM000001": _noise.randbytes(2048),
    "DICOM/PT000000/ST000000/SE000000/IM000000": _noise.randbytes(3_000_001),
    "README.TXT": b"readme",
    "A/B/C/D/E/F/G": b"deep",
    "EMPTY": b"",
} | {f"MANY/IM{number:06}": b"%d" % number for number in range(500)}
HASHES = {name: sha256(data) for name, data in TREE.items()}


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    if shutil.which("apt-get") is None and not os.environ.get("CI"):
        pytest.skip("not installed: apt-get, which brings the kernel")
    return Kernel(tmp_path_factory.mktemp("kernel"))


@needs("qemu-system-x86_64", "busybox", "dpkg-deb")
def test_every_form_is_mounted_and_read(tmp_path: Path, kernel: Kernel) -> None:
    files = disc(TREE)
    images: list[tuple[str, str]] = []
    for kind in (*REVISIONS, BRIDGE):
        path = str(tmp_path / f"{kind}.udf")
        write_udf(path, revision=kind, volume_id="FILESET_1", files=files, created=CREATED, progress=Counter())
        images.append((path, "udf"))
    images.append((images[-1][0], "iso9660"))
    path = str(tmp_path / "cd.iso")
    write_iso(path, volume_id="FILESET_1", files=files, created=CREATED, progress=Counter())
    images.append((path, "iso9660"))
    found = kernel.hashes(images)
    for (path, kind), hashes in zip(images, found, strict=True):
        if kind == "iso9660":  # systems show these names in lower case
            hashes = {name.upper(): digest for name, digest in hashes.items()}
        assert hashes == HASHES, path


@needs("qemu-system-x86_64", "busybox", "dpkg-deb")
def test_every_stick_is_mounted_and_read(tmp_path: Path, kernel: Kernel) -> None:
    images: list[tuple[str, str]] = []
    for name, kind in FAT_KINDS.items():
        path = str(tmp_path / f"{name}.img")
        write_fat(path, kind=kind, volume_id="FILESET_1", files=disc(TREE), created=CREATED, progress=Counter())
        images.append((path, "vfat"))
    for (path, _), hashes in zip(images, kernel.hashes(images), strict=True):
        assert {name.upper(): digest for name, digest in hashes.items()} == HASHES, path


@needs("qemu-system-x86_64", "busybox", "dpkg-deb", "xorriso")
def test_sessions_are_mounted_and_read(tmp_path: Path, kernel: Kernel) -> None:
    """What libburn grew, as it lies there; and the same as a CD has it, whose drive tells where the last session is."""
    (tmp_path / "in").mkdir()
    write_ct(tmp_path / "in" / "one")
    create(CreateRequest((str(tmp_path / "in"),), str(tmp_path / "disc.iso"), profile="STD-GEN-CD"))
    shutil.copy(tmp_path / "disc.iso", tmp_path / "grown")
    write_ct(tmp_path / "in" / "two", number=2)
    session = SessionRequest(receipt=str(tmp_path / "receipt"))
    add(UpdateRequest(f"stdio:{tmp_path}/grown", (str(tmp_path / "in"),), session=session))
    with IsoTree(str(tmp_path / "grown")) as tree:
        expected = {file.name: sha256(tree.open(file.path).read()) for file in tree.files()}
        last = tree.volume.root_extent  # behind the descriptors and path tables of the last session
    grown = bytearray((tmp_path / "grown").read_bytes())
    grown[: 17 * 2048] = (tmp_path / "disc.iso").read_bytes()[: 17 * 2048]
    (tmp_path / "cd").write_bytes(grown)
    start = max(at for at in range(last) if grown[at * 2048 : at * 2048 + 7] == b"\x01CD001\x01") - 16
    images = [
        (tmp_path / "grown", "iso9660"),
        (tmp_path / "cd", f"iso9660,sbsector={start}"),
        (tmp_path / "cd", "iso9660"),
    ]
    found = [{name.upper(): digest for name, digest in one.items()} for one in kernel.hashes(images)]
    assert found[:2] == [expected, expected]
    assert sum(name.startswith("DICOM/") for name in expected) == 2
    assert sum(name.startswith("DICOM/") for name in found[2]) == 1


@needs("qemu-system-x86_64", "busybox", "dpkg-deb", "mkudffs")
def test_volumes_that_the_kernel_writes_are_read(tmp_path: Path, kernel: Kernel) -> None:
    """Each revision and block size, data inside File Entries and outside, long and short extents, spared packets."""
    source = str(tmp_path / "source.iso")
    write_udf(source, revision="1.50", volume_id="SOURCE", files=disc(TREE), created=CREATED, progress=Counter())
    made = {
        "plain-1.02": (["-r", "1.02", "-b", "2048"], "rw"),
        "stick-1.50": (["-r", "1.50", "-b", "512"], "noadinicb,shortad"),
        "stick-2.01": (["-r", "2.01", "-b", "512"], "noadinicb"),
        "extended-2.01": (["-r", "2.01", "-b", "2048"], "shortad"),
        "large-2.01": (["-r", "2.01", "-b", "4096"], "rw"),
        "spared-1.50": (["--media-type=cdrw", "-r", "1.50", "-b", "2048", "--packetlen=32"], "rw"),
    }
    script = ["mount -t udf -o ro /dev/vda /from"]
    for letter, (name, (how, options)) in zip("bcdefgh", made.items(), strict=False):
        path = tmp_path / name
        run("truncate", "-s", "64M", path)
        run("mkudffs", *how, "--label=KERNEL", path)
        script += [
            f"mount -t udf -o {options} /dev/vd{letter} /m || echo FAILED {name}",
            "cp -r /from/* /m && rm /m/MANY/IM000007 && ln -s ../README.TXT /m/MANY/LINK || echo FAILED",
            "umount /m",
        ]
    told = kernel.run([source, *(tmp_path / name for name in made)], "\n".join(script), writable=True)
    assert "FAILED" not in told, told
    expected = dict(TREE) | {"MANY/LINK": TREE["README.TXT"]}
    del expected["MANY/IM000007"]
    for name in made:
        with UdfTree(str(tmp_path / name)) as tree:
            assert {file.name: tree.open(file.path).read() for file in tree.files()} == expected, name
            assert tree.label == "KERNEL"
            assert tree.findings == (), name
