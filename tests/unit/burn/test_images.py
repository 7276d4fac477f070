"""Only the image of the receipt is burned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mediacreator.burn import ready_image
from mediacreator.errors import MediumError, UsageError, VerificationFailed
from mediacreator.model import Silent
from mediacreator.receipt import Receipt


def test_an_image_is_as_its_receipt_says(image: Path, receipt: Receipt) -> None:
    ready = ready_image(str(image), receipt, progress=Silent())
    assert (ready.size, ready.sha256) == (image.stat().st_size, receipt.media[0].sha256)
    assert [profile.id for profile in ready.profiles] == ["STD-GEN-CD"]
    assert ready.media_format.key == "cd_r"


def test_a_changed_byte_is_found(image: Path, receipt: Receipt) -> None:
    with image.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\1")
    with pytest.raises(VerificationFailed) as caught:
        ready_image(str(image), receipt, progress=Silent())
    assert [finding.code for finding in caught.value.findings] == ["image-differs"]
    assert ready_image(str(image), receipt, progress=Silent(), checked=True)  # whoever has just read it knows


def test_a_cut_image_is_found_without_reading_it(image: Path, receipt: Receipt) -> None:
    with image.open("r+b") as file:
        file.truncate(image.stat().st_size - 2048)
    with pytest.raises(VerificationFailed):
        ready_image(str(image), receipt, progress=Silent(), checked=True)


def test_a_renamed_image_is_still_known(image: Path, receipt: Receipt) -> None:
    other = image.rename(image.with_name("other.iso"))
    assert ready_image(str(other), receipt, progress=Silent()).entry.name == "disc.iso"


def test_the_receipt_must_tell_which_image_it_is(image: Path, receipt: Receipt) -> None:
    (entry,) = receipt.media
    two = replace(receipt, media=(replace(entry, name="a.iso"), replace(entry, name="b.iso", sha256="0" * 64)))
    with pytest.raises(MediumError, match="which image"):
        ready_image(str(image), two, progress=Silent())
    with pytest.raises(MediumError, match="which image"):
        ready_image(str(image), replace(receipt, media=(replace(entry, sha256=""),)), progress=Silent())


def test_a_folder_is_no_image(image: Path, receipt: Receipt) -> None:
    with pytest.raises(UsageError, match="folder"):
        ready_image(str(image.parent), receipt, progress=Silent())
    with pytest.raises(MediumError, match="No such file"):
        ready_image(str(image) + "x", receipt, progress=Silent())
