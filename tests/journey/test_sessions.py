"""A disc that was kept open gets more: a session behind the others, after which all of it is read. PS3.12 F.2.1.2."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mediacreator import CreateRequest, create, open_fileset
from mediacreator.cli import run as run_command
from mediacreator.errors import DeviceError
from mediacreator.tools import xorriso
from mediacreator.updating import SessionRequest
from tests.instances import write_ct
from tests.journey.conftest import Command, stopped_while_burning
from tests.oracles import needs, run

pytestmark = needs("xorriso")

SECTOR = 2048
GAP = 11_400  # sectors that lead-out and lead-in of a CD take

CD_R = f"""#!{sys.executable}
# A drive with a CD-R in it, as xorriso speaks of one: sessions lie apart, and nothing that is recorded ever changes.
import json, os, sys, time
from pathlib import Path
here = Path(__file__).parent
state = json.loads((here / "state").read_text())
how, sessions = state["how"], state["sessions"]
end = max((start + size for start, size in sessions), default=0)
nwa = end + {GAP} if sessions else 0
left = max(state["capacity"] - nwa, 0)
if "-toc" in sys.argv and len(sessions) > 1 and "busy" in how:
    print("libburn : SORRY : Cannot open busy device '/dev/sr0' : Device or resource busy", file=sys.stderr)
    sys.exit(5)
if "-toc" in sys.argv:
    looks = state["looks"] = state["looks"] + 1
    (here / "state").write_text(json.dumps(state))
    if "no-disc" in how:
        print("Media current: is not recognizable\\nMedia status : is not present")
        sys.exit()
    status = "is written , is closed" if state["closed"] else "is written , is appendable" if sessions else "is blank"
    writable = 0 if state["closed"] else left
    print(f"Media current: {{state['kind']}}\\nMedia status : {{status}}")
    print(f"Media blocks : {{end}} readable , {{writable}} writable , {{state['capacity']}} overall")
    for number, (start, size) in enumerate(sessions, 1):
        label = "OTHER" if "exchanged" in how and looks > 1 else "DICOM"
        print(f"ISO session  : {{number:>3}} , {{start:>9}} , {{size:>9}}s , {{label}}")
    if not state["closed"]:
        print(f"Media nwa    : {{nwa}}s")
else:
    (here / "arguments").write_text(" ".join(sys.argv[1:]))
    data = sys.stdin.buffer.read() if sys.argv[-1] == "-" else Path(sys.argv[-1]).read_bytes()
    print("xorriso : UPDATE :    0 of    1 MB written (fifo  8%) [buf  50%]", flush=True)
    if "error" in how:
        print("libburn : FATAL : SCSI error on write(16,16): [3 0C 00] Medium error. Write error.", file=sys.stderr)
        sys.exit(5)
    if "slow" in how:
        (here / "pid").write_text(str(os.getpid()))
        time.sleep(60)
    if "damages" in how:
        data = data[:-1] + bytes([data[-1] ^ 1])
    with (here / "sr0").open("r+b") as disc:
        if "destroys" in how:
            disc.seek(state["destroyed"])
            disc.write(b"gone")
        disc.seek(nwa * {SECTOR})
        disc.write(data)
    state["sessions"] = [*sessions, [nwa, len(data) // {SECTOR}]]
    state["closed"] = "-multi" not in sys.argv
    (here / "state").write_text(json.dumps(state))
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two instances of one series, and an image of the first."""
    folder = tmp_path_factory.mktemp("sources")
    for number in (1, 2, 3):
        (folder / f"in{number}").mkdir()
        write_ct(folder / f"in{number}" / "one", number=number)
    create(CreateRequest((str(folder / "in1"),), str(folder / "disc.iso"), profile="STD-GEN-CD"))
    return folder


class Drive:
    """The drive, and the CD-R in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disc = folder / "sr0"
        self.disc.touch()
        self.device = f"stdio:{self.disc}"
        (folder / "xorriso").write_text(CD_R)
        (folder / "xorriso").chmod(0o755)
        self.env = {"PATH": f"{folder}:{os.environ['PATH']}"}
        self.state: dict[str, Any] = {
            "kind": "CD-R",
            "sessions": [],
            "closed": False,
            "capacity": 359_844,
            "how": [],
            "looks": 0,
            "destroyed": 0,
        }
        self._write()

    def _write(self) -> None:
        (self.folder / "state").write_text(json.dumps(self.state))

    def shall(self, **changed: object) -> None:
        self.state = {**json.loads((self.folder / "state").read_text()), "looks": 0, **changed}
        self._write()

    @property
    def sessions(self) -> list[list[int]]:
        sessions = json.loads((self.folder / "state").read_text())["sessions"]
        assert isinstance(sessions, list)
        return sessions


@pytest.fixture
def drive(command: Command, sources: Path, tmp_path: Path) -> Drive:
    """A CD-R that holds one instance and was kept open."""
    drive = Drive(tmp_path)
    for name in ("disc.iso", "disc.iso.receipt.json"):
        shutil.copy(sources / name, tmp_path / name)
    burned = command("burn", tmp_path / "disc.iso", "--device", drive.device, "--keep-open", "-q", env=drive.env)
    assert burned.code == 0, burned.said
    return drive


def test_a_cd_gets_a_session_and_another_and_is_finalised(command: Command, sources: Path, drive: Drive) -> None:
    was = drive.disc.read_bytes()
    first = drive.folder / "first.json"
    added = command("add", drive.device, sources / "in2", "--keep-open", "--receipt", first, env=drive.env)
    assert added.code == 0, added.said
    assert "Complete: the one instance was added and read back; 1 was kept." in added.out
    assert "takes another session" in added.out
    assert "-multi" in (drive.folder / "arguments").read_text().split()

    second = drive.folder / "second.json"
    added = command("add", drive.device, sources / "in3", "--speed", 8, "--receipt", second, env=drive.env)
    assert added.code == 0, added.said
    assert "The disc is finalised." in added.out
    assert "speed=8" in (drive.folder / "arguments").read_text().split()
    assert "-multi" not in (drive.folder / "arguments").read_text().split()

    assert len(drive.sessions) == 3
    assert drive.disc.read_bytes()[: len(was)] == was
    assert second.stat().st_mode & 0o777 == 0o600
    verified = command("verify", drive.disc, "--receipt", second)
    assert verified.code == 0, verified.said
    assert "3 SOP Instances in the receipt, 3 in the DICOMDIR" in verified.out
    assert command("verify", drive.disc, "--receipt", first).code == 1  # of what it was before
    assert command("verify", drive.disc).code == 0  # by the receipt that travels
    assert "Testperson" not in added.err

    third = command("add", drive.device, sources / "in1", env=drive.env)
    assert third.code == 3
    assert "finalised and takes no further session" in third.err


@needs("isoinfo", "dcmdump")
def test_other_programs_see_old_instances_and_new_ones(
    command: Command, sources: Path, drive: Drive, tmp_path: Path
) -> None:
    assert command("add", drive.device, sources / "in2", "--receipt", tmp_path / "r", env=drive.env).code == 0
    start = drive.sessions[-1][0]
    listed = run("isoinfo", "-f", "-T", start, "-i", drive.disc).split()
    assert sum(name.startswith("/DICOM/") and name.endswith(".;1") for name in listed) == 2
    (tmp_path / "DICOMDIR").write_bytes(
        subprocess.run(
            ["isoinfo", "-x", "/DICOMDIR.;1", "-T", str(start), "-i", drive.disc], capture_output=True, check=True
        ).stdout
    )
    assert run("dcmdump", "+P", "0004,1500", tmp_path / "DICOMDIR").count("[DICOM\\PT00000") == 2


@needs("isoinfo", "7z")
def test_libburn_records_a_session_into_a_file(command: Command, sources: Path, tmp_path: Path) -> None:
    """A file knows no sessions: its first descriptor is made to lead to the new files, and nothing else changes."""
    drive = f"stdio:{tmp_path}/cd"
    image = tmp_path / "disc.iso"
    made = command("create", sources / "in1", "-o", image, "--burn", "--device", drive, "--keep-open", "-q")
    assert made.code == 0, made.said
    for number, receipt in ((2, tmp_path / "second.json"), (3, tmp_path / "third.json")):
        was = (tmp_path / "cd").read_bytes().rstrip(b"\0")  # without what pads it
        added = command("add", drive, sources / f"in{number}", "--keep-open", "--receipt", receipt)
        assert added.code == 0, added.said
        now = (tmp_path / "cd").read_bytes()
        assert now[: 16 * SECTOR] == was[: 16 * SECTOR]
        assert now[17 * SECTOR : len(was)] == was[17 * SECTOR :]
    verified = json.loads(command("verify", tmp_path / "cd", "--receipt", receipt, "--json").out)
    assert (verified["whole"], verified["instances"]) == (True, {"receipt": 3, "dicomdir": 3})
    assert sum(name.endswith(".;1") for name in run("isoinfo", "-f", "-i", tmp_path / "cd").split()) == 4
    assert "Everything is Ok" in run("7z", "t", tmp_path / "cd")


def test_what_is_there_already_needs_no_session(command: Command, sources: Path, drive: Drive) -> None:
    was = drive.disc.read_bytes()
    added = command("add", drive.device, sources / "in1", env=drive.env)
    assert added.code == 0, added.said
    assert drive.disc.read_bytes() == was
    assert not list(Path.cwd().glob("disc-*.receipt.json"))


@pytest.mark.parametrize(
    ("changed", "code", "says"),
    [
        ({"how": ["no-disc"]}, 3, "no disc in the drive"),
        ({"sessions": []}, 3, "is blank"),
        ({"closed": True}, 3, "finalised"),
        ({"kind": "DVD+RW"}, 3, "written at random, not in sessions. It is a DVD+RW."),
        ({"kind": "DVD+R"}, 3, "STD-GEN-CD asks for 120 mm CD-R"),
        ({"left": 20}, 3, "the disc has"),
        ({"how": ["exchanged"]}, 3, "not what it was a moment ago"),
        ({"how": ["error"]}, 3, "The drive says [3 0C 00] Medium error"),
        ({"how": ["damages"]}, 1, "session-differs"),
        ({"how": ["destroys"]}, 1, "do not hand it out"),
    ],
)
def test_what_goes_wrong_is_said_and_leaves_no_receipt(
    command: Command, sources: Path, drive: Drive, changed: dict[str, Any], code: int, says: str
) -> None:
    before = len(drive.sessions)
    place = drive.disc.read_bytes().rindex(b"DICM") + 400  # in the instance that was there
    if "left" in changed:
        changed = {"capacity": drive.sessions[-1][1] + GAP + changed["left"]}
    drive.shall(destroyed=place, **changed)
    receipt = drive.folder / "receipt.json"
    added = command("add", drive.device, sources / "in2", "--receipt", receipt, env=drive.env)
    assert added.code == code, added.said
    assert says in added.err
    assert not receipt.exists()
    assert not receipt.with_name("receipt.json.partial").exists()
    if {"damages", "destroys"}.isdisjoint(changed.get("how", [])):
        assert len(drive.sessions) <= before
    assert "Testperson" not in added.said


def test_another_kind_of_disc_can_be_insisted_on(command: Command, sources: Path, drive: Drive) -> None:
    drive.shall(kind="CD-RW")
    added = command(
        "add", drive.device, sources / "in2", "--any-medium", "--receipt", drive.folder / "r", env=drive.env
    )
    assert added.code == 0, added.said


@pytest.mark.parametrize(("options", "says"), [((), "to finalise it"), (("--keep-open",), "to leave it open")])
def test_a_disc_that_a_system_mounts_at_once_is_read_back_all_the_same(
    command: Command, sources: Path, drive: Drive, options: tuple[str, ...], says: str
) -> None:
    drive.shall(how=["busy"])
    receipt = drive.folder / "r"
    added = command("add", drive.device, sources / "in2", "--receipt", receipt, *options, env=drive.env)
    assert added.code == 0, added.said
    assert says in added.out
    assert receipt.exists()


def test_stopping_while_it_burns_says_what_the_disc_is(sources: Path, drive: Drive) -> None:
    drive.shall(how=["slow"])
    said = stopped_while_burning(drive.folder, drive.env, "add", drive.device, sources / "in2", "-q", "--receipt", "r")
    assert "still recorded, and may not be readable" in said


def test_stopping_while_it_is_read_says_that_it_was_burned(
    sources: Path, drive: Drive, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setenv("PATH", drive.env["PATH"])
    monkeypatch.setattr("mediacreator.updating.session.hash_medium", stop)
    receipt = drive.folder / "r"
    assert run_command(["add", drive.device, str(sources / "in2"), "--receipt", str(receipt), "-q"]) == 130
    assert "The session is on the disc, and not all of it was read back" in capsys.readouterr().err
    assert len(drive.sessions) == 2
    assert not receipt.exists()


def test_a_file_set_that_is_open_gives_its_drive_back(
    sources: Path, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads from a drive keeps it from burning: nothing of ours does while xorriso works."""
    monkeypatch.setenv("PATH", drive.env["PATH"])
    for module in ("mediacreator.updating", "mediacreator.updating.request"):
        monkeypatch.setattr(f"{module}.drive_of", lambda path: f"stdio:{path}")
    plain = xorriso.append

    def alone(*arguments: Any, **options: Any) -> None:
        assert str(drive.disc) not in {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
        plain(*arguments, **options)

    monkeypatch.setattr(xorriso, "append", alone)
    with open_fileset(drive.disc) as file_set:
        assert len(list(file_set.instances())) == 1
        session = SessionRequest(keep_open=True)
        assert file_set.add(sources / "in2", session=session).counts.kept == 1
        assert len(list(file_set.instances())) == 2
        drive.shall(how=["error"])
        with pytest.raises(DeviceError):
            file_set.add(sources / "in3", session=session)
        assert len(list(file_set.instances())) == 2


def test_a_disc_that_is_marked_as_checked_takes_nothing(command: Command, sources: Path, tmp_path: Path) -> None:
    """DRG 2.2.3. The mark is found on the disc itself, whoever kept it open."""
    image = tmp_path / "disc.iso"
    made = command(
        *("create", sources / "in1", "-o", image, "--profile", "STD-GEN-CD", "--virus-checked", "2026-11-01,Scanner")
    )
    assert made.code == 0, made.said
    drive = Drive(tmp_path)
    refused = command("burn", image, "--device", drive.device, "--keep-open", "-q", env=drive.env)
    assert refused.code == 2
    shutil.copy(image, drive.disc)
    drive.shall(sessions=[[0, image.stat().st_size // SECTOR]])
    was = drive.disc.read_bytes()
    refused = command("add", drive.device, sources / "in2", env=drive.env)
    assert refused.code == 3
    assert "marked as checked for viruses on 2026-11-01" in refused.err
    assert drive.disc.read_bytes() == was


def by_genisoimage(*options: str) -> Callable[[Path, Path], None]:
    def make(folder: Path, disc: Path) -> None:
        run("genisoimage", "-quiet", *options, "-o", disc, folder)

    return make


@needs("genisoimage", "dcmmkdir")
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("-iso-level", "1", "-J"), "The disc has Joliet"),
        (("-iso-level", "1", "-R"), "The disc has Rock Ridge"),
        (("-iso-level", "1", "-udf"), "The disc has UDF"),
        (("-iso-level", "4"), "The disc has an enhanced volume"),
        (("-iso-level", "3"), "not those of ISO 9660 level 1"),
    ],
)
def test_what_a_session_would_lose_is_not_risked(
    command: Command, sources: Path, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    folder = tmp_path / "foreign"
    (folder / "IMAGES").mkdir(parents=True)
    shutil.copy(sources / "in1" / "one", folder / "IMAGES" / "ONE")
    (folder / "a long viewer.exe").write_bytes(b"MZ")
    subprocess.run(["dcmmkdir", "+r", "+id", ".", "-Pgp", "+I", "IMAGES"], cwd=folder, capture_output=True, check=True)
    drive = Drive(tmp_path)
    by_genisoimage(*options)(folder, drive.disc)
    drive.shall(sessions=[[0, drive.disc.stat().st_size // SECTOR]])
    refused = command(
        "add", drive.device, sources / "in2", "--profile", "STD-GEN-CD", "--receipt", tmp_path / "r", env=drive.env
    )
    assert refused.code == 3, refused.said
    assert says in refused.err


@needs("genisoimage", "dcmmkdir", "isoinfo")
def test_a_plain_disc_of_others_gets_a_session_too(command: Command, sources: Path, tmp_path: Path) -> None:
    """It has no receipt, so that the profile is asked for; its own program and texts stay."""
    folder = tmp_path / "foreign"
    (folder / "IMAGES").mkdir(parents=True)
    shutil.copy(sources / "in1" / "one", folder / "IMAGES" / "ONE")
    (folder / "VIEWER.EXE").write_bytes(b"MZ" * 3000)
    subprocess.run(["dcmmkdir", "+r", "+id", ".", "-Pgp", "+I", "IMAGES"], cwd=folder, capture_output=True, check=True)
    drive = Drive(tmp_path)
    by_genisoimage("-iso-level", "1")(folder, drive.disc)
    drive.shall(sessions=[[0, drive.disc.stat().st_size // SECTOR]])
    unknown = command("add", drive.device, sources / "in2", env=drive.env)
    assert unknown.code == 2
    assert "--profile" in unknown.err
    added = command(
        "add", drive.device, sources / "in2", "--profile", "STD-GEN-CD", "--receipt", tmp_path / "r", env=drive.env
    )
    assert added.code == 0, added.said
    start = drive.sessions[-1][0]
    assert run("isoinfo", "-x", "/VIEWER.EXE;1", "-T", start, "-i", drive.disc) == "MZ" * 3000
    listed = json.loads(command("list", drive.disc, "--json").out)
    assert listed["totals"]["instances"] == 2


@needs("genisoimage", "dcmmkdir")
def test_what_a_plain_disc_of_others_holds_is_read_again(command: Command, sources: Path, tmp_path: Path) -> None:
    """No receipt tells what it should be: it is compared with what it was before the session was burned."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    shutil.copy(sources / "in1" / "one", folder / "ONE")
    (folder / "VIEWER.EXE").write_bytes(b"MZ" * 3000)
    subprocess.run(["dcmmkdir", "+r", "+id", ".", "-Pgp", "+I", "ONE"], cwd=folder, capture_output=True, check=True)
    drive = Drive(tmp_path)
    by_genisoimage("-iso-level", "1")(folder, drive.disc)
    place = drive.disc.read_bytes().index(b"MZMZ")
    drive.shall(sessions=[[0, drive.disc.stat().st_size // SECTOR]], how=["destroys"], destroyed=place)
    receipt = tmp_path / "r"
    added = command(
        "add", drive.device, sources / "in2", "--profile", "STD-GEN-CD", "--receipt", receipt, env=drive.env
    )
    assert added.code == 1, added.said
    assert "a file of an earlier session is not what it was before" in added.err
    assert not receipt.exists()


def test_a_receipt_that_is_there_stays(command: Command, sources: Path, drive: Drive) -> None:
    receipt, was = drive.folder / "disc.iso.receipt.json", drive.disc.read_bytes()
    told = receipt.read_bytes()
    refused = command("add", drive.device, sources / "in2", "--receipt", receipt, env=drive.env)
    assert refused.code == 3, refused.said
    assert "it is a proof, and stays" in refused.err
    assert (receipt.read_bytes(), drive.disc.read_bytes()) == (told, was)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("remove", "{device}", "--patient", "X"), 3, "What is recorded on a disc stays on it"),
        (("rebuild", "{device}"), 3, ""),
        (("add", "{folder}", "{in2}", "--keep-open"), 2, "--keep-open is of a disc in a drive"),
        (("add", "{folder}", "{in2}", "--speed", "8"), 2, "--speed is of a disc in a drive"),
        (("add", "{device}", "{in2}", "--receipt", "x", "-o", "{folder}/new.iso"), 2, "--receipt is of a disc"),
    ],
)
def test_what_cannot_be_asked_for(
    command: Command, sources: Path, drive: Drive, arguments: tuple[str, ...], code: int, says: str
) -> None:
    places = {"device": drive.device, "folder": str(drive.folder), "in2": str(sources / "in2")}
    was = drive.disc.read_bytes()
    refused = command(*(argument.format(**places) for argument in arguments), env=drive.env)
    assert refused.code == code, refused.said
    assert says in refused.err
    assert drive.disc.read_bytes() == was


def test_a_dvd_has_no_updater(command: Command, sources: Path, tmp_path: Path) -> None:
    """PS3.11 H.2.1 defines none: another medium is made."""
    image = tmp_path / "dvd.iso"
    made = command("create", sources / "in1", "-o", image, "--profile", "STD-GEN-DVD-JPEG")
    assert made.code == 0, made.said
    drive = Drive(tmp_path)
    shutil.copy(image, drive.disc)
    drive.shall(kind="DVD+R", capacity=2_295_104, sessions=[[0, image.stat().st_size // SECTOR]])
    refused = command("add", drive.device, sources / "in2", env=drive.env)
    assert refused.code == 2
    assert "STD-GEN-DVD-JPEG has no File-set Updater" in refused.err
