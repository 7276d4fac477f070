"""One small image with its receipt, for all tests of burning; each test gets a copy that it may spoil."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mediacreator import CreateRequest, create
from mediacreator.burn import ReadyImage, ready_image
from mediacreator.model import Silent
from mediacreator.receipt import Receipt, read_receipt
from mediacreator.rules.library import load_profile
from tests.instances import write_ct


@pytest.fixture(scope="session")
def mastered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mastered")
    (folder / "in").mkdir()
    write_ct(folder / "in" / "one", Rows=256, Columns=256, PixelData=bytes(range(256)) * 512)
    create(CreateRequest((str(folder / "in"),), str(folder / "disc.iso"), profile="STD-GEN-CD"))
    return folder


@pytest.fixture
def image(mastered: Path, tmp_path: Path) -> Path:
    for name in ("disc.iso", "disc.iso.receipt.json"):
        shutil.copy(mastered / name, tmp_path / name)
    return tmp_path / "disc.iso"


@pytest.fixture
def receipt(image: Path) -> Receipt:
    return read_receipt(Path(f"{image}.receipt.json"))


@pytest.fixture
def ready(image: Path, receipt: Receipt) -> ReadyImage:
    return ready_image(str(image), receipt, progress=Silent())


@pytest.fixture
def asks_for(ready: ReadyImage) -> Callable[[str], ReadyImage]:
    """Make the image one of another profile: what is burned depends on nothing else."""

    def change(profile: str) -> ReadyImage:
        return replace(ready, entry=replace(ready.entry, profile=profile), profiles=(load_profile(profile),))

    return change
