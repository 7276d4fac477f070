"""What xorriso says is understood; what real drives say was taken from reports of their owners."""

from __future__ import annotations

import os
import re
import resource
from pathlib import Path

import pytest

from mediacreator.errors import DeviceError
from mediacreator.tools import xorriso
from mediacreator.tools.faults import FAULTS, fault
from mediacreator.tools.xorriso import PADDING, DiscState, Drive
from tests.oracles import needs

DEVICES = """\
Beginning to scan for devices ...
Full drive scan done
-----------------------------------------------------------------------------
0  -dev '/dev/sr0' rwrw-- :  'TSSTcorp' 'DVD+-RW TS-L633J'
1  -dev '/dev/sr1' rwrw-- :  'HL-DT-ST' 'BD-RE  WH16NS40'
-----------------------------------------------------------------------------
"""
BLANK_BD = """\
Drive current: -outdev '/dev/sr0'
Media current: BD-R sequential recording
Media status : is blank
Media summary: 0 sessions, 0 data blocks,     0 data, 23.3g free
Drive current: -outdev '/dev/sr0'
Drive type   : vendor 'HL-DT-ST' product 'BD-RE  WH16NS40' revision '1.03'
Media current: BD-R sequential recording
Media product: CMCMAG/BA5/0 , CMC Magnetics Corporation
Media status : is blank
Media blocks : 0 readable , 12219392 writable , 12219392 overall
Media summary: 0 sessions, 0 data blocks,     0 data, 23.3g free
"""
APPENDABLE_DVD = """\
Media current: DVD+R
Media product: CMC_MAG/M01/48 , CMC Magnetics Corporation
Media status : is written , is appendable
Media blocks : 1 readable , 36416 writable , 2295104 overall
TOC layout   : Idx ,  sbsector ,       Size , Volume Id
ISO session  :   1 ,         0 ,    122434s , FIRST
ISO session  :   2 ,    124416 ,    122434s , SECOND , PART
"""
CLOSED_CDRW = """\
Media current: CD-RW
Media status : is written , is closed
Media blocks : 1000 readable , 0 writable , 359849 overall
"""
NO_DISC = """\
Media current: is not recognizable
Media status : is not present
"""
ODD_DISC = """\
Media current: is not recognizable
Media status : is not recognizable
"""


def test_drives_are_listed() -> None:
    assert xorriso.parse_drives(DEVICES) == (
        Drive("/dev/sr0", "TSSTcorp", "DVD+-RW TS-L633J"),
        Drive("/dev/sr1", "HL-DT-ST", "BD-RE  WH16NS40"),
    )


@pytest.mark.parametrize(
    ("text", "kind", "state", "free", "rewritable", "label"),
    [
        (BLANK_BD, "BD-R sequential recording", DiscState.BLANK, 12_219_392 * 2048, False, ""),
        (APPENDABLE_DVD, "DVD+R", DiscState.APPENDABLE, 36_416 * 2048, False, "SECOND , PART"),
        (CLOSED_CDRW, "CD-RW", DiscState.CLOSED, 0, True, ""),
        (NO_DISC, "", DiscState.NONE, 0, False, ""),
        (ODD_DISC, "", DiscState.UNKNOWN, 0, False, ""),
    ],
)
def test_discs_are_described(text: str, kind: str, state: DiscState, free: int, rewritable: bool, label: str) -> None:
    disc = xorriso.parse_toc(text)
    assert (disc.kind, disc.state, disc.free, disc.rewritable, disc.label) == (kind, state, free, rewritable, label)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("libburn : SORRY : Cannot open busy device '/dev/sr1' : Device or resource busy", "device-busy"),
        ("libburn : FAILURE : File object '/dev/sr0' not found", "device-missing"),
        ("libburn : SORRY : Neither stdio-path nor its directory exist", "device-missing"),
        ("libburn : SORRY : Failed to open device '/dev/sr0' : Permission denied", "device-refused"),
        ("xorriso : FAILURE : Image size 832s exceeds free space on media 512s", "medium-too-small"),
        ("libburn : SORRY : SCSI error on START UNIT: [2 3A 00] Drive not ready. Medium not present.", "no-disc"),
        ("xorriso : FAILURE : something never heard of", "device-failed"),
        ("xorriso : NOTE : Disc status unsuitable for writing", "device-failed"),  # a note is no cause
    ],
)  # fmt: skip
def test_what_it_says_has_a_meaning(line: str, code: str) -> None:
    assert xorriso._fault([line], "device-failed").code == code


@pytest.mark.parametrize("doing", ["write-failed", "session-failed"])
def test_a_write_error_means_what_was_being_done(doing: str) -> None:
    line = "libburn : FATAL : SCSI error on write(16,16): [3 0C 00] Medium error. Write error."
    assert xorriso._fault([line], doing).code == doing


def test_where_a_session_can_begin_is_told() -> None:
    """xorriso says it in words of its own, with an s for sectors behind it; of a finalised disc it says nothing."""
    assert xorriso.parse_toc(APPENDABLE_DVD + "Media nwa    : 248832s\n").next_sector == 248_832
    assert xorriso.parse_toc(CLOSED_CDRW).next_sector == 0


def test_the_code_of_the_drive_is_told_and_no_path() -> None:
    lines = ["libburn : FATAL : SCSI error on write(16,16): [3 0C 00] Medium error. Write error.", "image /Mueller.iso"]
    said = str(xorriso._fault(lines, "write-failed"))
    assert "The drive says [3 0C 00] Medium error. Write error." in said
    assert "Mueller" not in said


def test_every_fault_says_what_to_do() -> None:
    for code, (meaning, remedy) in FAULTS.items():
        assert re.fullmatch(r"[A-Z].*\.", meaning), code
        assert re.fullmatch(r"[A-Z].*\.", remedy), code
        assert str(fault(code, "So.")) == f"{meaning} So. {remedy}"


def test_a_real_disk_is_no_stdio_drive() -> None:
    for device in ("stdio:/dev/null", "stdio:/dev", "stdio:/nowhere/at/all"):
        with pytest.raises(DeviceError) as caught:
            xorriso.look(device)
        assert caught.value.code == "device-missing"


@needs("xorriso")
def test_there_is_a_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", xorriso.probe())


@needs("xorriso")
def test_a_drive_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(DeviceError) as caught:
        xorriso.look("/dev/sr99")
    assert caught.value.code == "device-missing"


@needs("xorriso")
def test_a_recording_is_the_image_and_its_padding(tmp_path: Path) -> None:
    image = tmp_path / "a = b.img"  # which is no option of the program
    image.write_bytes(os.urandom(3 << 20))
    drive = f"stdio:{tmp_path}/disc"
    blank = xorriso.look(drive)
    assert (blank.state, blank.is_file) == (DiscState.BLANK, True)
    steps: list[int] = []
    xorriso.burn(drive, str(image), advance=steps.append, speed=4)

    written = (tmp_path / "disc").read_bytes()
    assert written[: 3 << 20] == image.read_bytes()
    assert len(written) >= (3 << 20) + PADDING
    assert not any(written[3 << 20 :])
    assert sum(steps) == 3 << 20
    assert xorriso.look(drive).state is DiscState.CLOSED


@needs("xorriso")
def test_a_write_error_is_no_success(tmp_path: Path) -> None:
    """The program is stopped in the middle by a limit of the system, as by a disk that is full."""
    image = tmp_path / "image"
    image.write_bytes(bytes(3 << 20))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(DeviceError) as caught:
            xorriso.burn(f"stdio:{tmp_path}/disc", str(image), advance=lambda size: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.code == "write-failed"
