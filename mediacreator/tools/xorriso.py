"""xorriso (libburn): which drives there are, what lies in them, and burning an image onto it.

Besides real drives, ``stdio:/path`` is one: a recording into a file, as libburn makes it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from mediacreator.errors import DeviceError, MediumError
from mediacreator.tools.faults import fault
from mediacreator.tools.running import Ended, Watched, require, run

SECTOR = 2048  # bytes
PADDING = 150 * SECTOR
"""Zeros behind the image: some drives cannot read the last sectors of a track that was written at once."""

STDIO = "stdio:"
_LOOKS = 120.0  # seconds that a drive may take to say what lies in it
_SILENCE = 900.0  # seconds without a word while burning: closing a large disc takes minutes, and says so every second


class DiscState(Enum):
    """What a drive says of the disc in it."""

    BLANK = "blank"
    APPENDABLE = "appendable"  # written, and open for another session
    CLOSED = "closed"  # written and finalised
    NONE = "no disc"
    UNKNOWN = "unreadable"


@dataclass(frozen=True, slots=True)
class Disc:
    """What lies in a drive."""

    kind: str  # as MMC calls it: CD-R, DVD+R/DL, BD-R sequential recording; "" for none
    state: DiscState
    free: int = 0  # bytes that can be written
    size: int = 0  # bytes that it has in all
    label: str = ""  # Volume Identifier of the last session; may name anything
    product: str = ""  # maker of the disc
    next_sector: int = 0  # that a further session begins with; 0: there can be none

    @property
    def rewritable(self) -> bool:
        """Whether it can be erased."""
        return any(word in self.kind for word in ("RW", "-RE", "RAM", "overwrit"))

    @property
    def has_sessions(self) -> bool:
        """Whether it is recorded in sessions, or is the file that stands for any disc; others are written at random."""
        return self.is_file or not any(word in self.kind for word in ("+RW", "-RE", "RAM", "overwrit"))

    @property
    def is_file(self) -> bool:
        """Whether it is the file of a ``stdio:`` drive, which stands for any disc."""
        return self.kind.startswith("stdio")


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive that burns discs."""

    device: str  # /dev/sr0
    vendor: str
    model: str


def probe() -> str:
    """Return the version of xorriso.

    Raises:
        ToolMissing: It is not installed.
    """
    found = re.search(r"^xorriso version\s*:\s*(\S+)", _run("-version").out, re.MULTILINE)
    return found[1] if found else "unknown"


def list_drives() -> tuple[Drive, ...]:
    """Return the drives that burn discs and that this account may use; none where there is none.

    Raises:
        ToolMissing: xorriso is not installed.
        DeviceError: It hangs.
    """
    return parse_drives(_run("-devices").out)


def parse_drives(text: str) -> tuple[Drive, ...]:
    """Read the list of ``-devices``."""
    rows = re.findall(r"^\d+\s+-dev\s+'([^']*)'\s+\S+\s*:\s*'([^']*)'\s+'([^']*)'", text, re.MULTILINE)
    return tuple(Drive(device, vendor.strip(), model.strip()) for device, vendor, model in rows)


def look(device: str) -> Disc:
    """Say what lies in a drive.

    Args:
        device: As ``Drive.device``, or ``stdio:/path`` of a file that is there or can be made.

    Raises:
        ToolMissing: xorriso is not installed.
        DeviceError: There is no such drive, or it refuses.
    """
    _check_stdio(device)
    done = _run("-outdev", device, "-toc")
    if "Media current:" not in done.out:
        raise _fault(done.err.splitlines(), "device-failed")
    return parse_toc(done.out)


def state_now(device: str) -> DiscState:
    """Return the state of the disc that was burned just now.

    Args:
        device: As for ``look``.

    Returns:
        ``UNKNOWN`` where the drive cannot be asked: many systems mount a disc as soon as it is there.
    """
    try:
        return look(device).state
    except DeviceError:
        return DiscState.UNKNOWN


_STATES: Mapping[str, DiscState] = {
    "is not present": DiscState.NONE,
    "is blank": DiscState.BLANK,
    "is appendable": DiscState.APPENDABLE,
    "is closed": DiscState.CLOSED,
}


def parse_toc(text: str) -> Disc:
    """Read what ``-toc`` says."""
    kind = _value(text, "Media current")
    status = _value(text, "Media status")
    blocks = re.search(r"^Media blocks\s*:\s*\d+ readable , (\d+) writable , (\d+) overall", text, re.MULTILINE)
    labels = re.findall(r"^ISO session\s*:\s*\d+ ,\s*\d+ ,\s*\d+s , (.*)$", text, re.MULTILINE)
    state = next((known for word, known in _STATES.items() if word in status), DiscState.UNKNOWN)
    return Disc(
        kind="" if "not recognizable" in kind else kind,
        state=state,
        free=int(blocks[1]) * SECTOR if blocks else 0,
        size=int(blocks[2]) * SECTOR if blocks else 0,
        label=labels[-1].strip() if labels else "",
        product=_value(text, "Media product"),
        next_sector=int(re.sub(r"\D", "", _value(text, "Media nwa")) or 0),
    )


def burn(
    device: str,
    image: str,
    *,
    advance: Callable[[int], None],
    speed: int = 0,
    erase: bool = False,
    close: bool = True,
    padding: int = PADDING,
) -> None:
    """Burn an image in one session onto the disc in a drive.

    Args:
        device: As for ``look``.
        image: Path of the image.
        advance: Told how many bytes more were written.
        speed: In multiples of the kind of disc; 0: as fast as drive and disc agree.
        erase: Erase a rewritable disc first.
        close: Finalise the disc; else it can take another session.
        padding: Bytes of zeros behind the image.

    Raises:
        ToolMissing: xorriso is not installed.
        DeviceError: It failed; a disc that was begun is lost.
    """
    options = ["blank=as_needed"] if erase else []
    track = _Track(os.path.abspath(image), os.path.getsize(image), padding)
    _record(device, track, options, "write-failed", advance=advance, speed=speed, close=close)


def append(
    device: str,
    session: str,
    *,
    start: int,
    size: int,
    advance: Callable[[int], None],
    speed: int = 0,
    close: bool = True,
    padding: int = PADDING,
) -> None:
    """Burn a further session onto the disc in a drive.

    Args:
        device: As for ``look``.
        session: Path of a file that holds the session where the disc will: all before it is not read.
        start: Byte of the file with which the session begins; ``Disc.next_sector`` says it. A ``stdio:`` drive, which
            knows no sessions, writes there.
        size: Bytes of the session, whole sectors.
        advance: Told how many bytes more were written.
        speed: In multiples of the kind of disc; 0: as fast as drive and disc agree.
        close: Finalise the disc; else it can take another session.
        padding: Bytes of zeros behind the session.

    Raises:
        ToolMissing: xorriso is not installed.
        DeviceError: It failed. What the disc held before is still there, and whether it can be read is not known.
    """
    # Never with --grow_overwriteable_iso: libburn 1.5.4 overwrites sectors 16 to 31, where old files may lie.
    options = [f"tsize={size // SECTOR}s"]
    options += [f"write_start_address={start // SECTOR}s"] if device.startswith(STDIO) else []
    with open(session, "rb", buffering=0) as file:
        file.seek(start)
        track = _Track("-", size, padding, file.fileno())
        _record(device, track, options, "session-failed", advance=advance, speed=speed, close=close)


@dataclass(frozen=True, slots=True)
class _Track:
    """What is recorded."""

    source: str  # path, or "-" for standard input
    size: int  # bytes
    padding: int
    stdin: int | None = None  # descriptor


def _record(
    device: str,
    track: _Track,
    options: Sequence[str],
    failed: str,
    *,
    advance: Callable[[int], None],
    speed: int,
    close: bool,
) -> None:
    _check_stdio(device)
    # "-as cdrecord" leaves the image as it is: xorriso's own commands would make a file system anew.
    command = [require("xorriso", "xorriso"), "-no_rc", "-as", "cdrecord", "-v", f"dev={device}"]
    command += [f"padsize={track.padding // SECTOR}s", *options]
    command += [f"speed={speed}"] if speed else []
    command += [] if close else ["-multi"]
    said: list[str] = []
    with Watched(*command, track.source, silence=_SILENCE, stdin=track.stdin) as burning:
        _follow(burning, track.size, advance, said)
        if burning.code:
            raise _fault(said, failed)


_UPDATE = re.compile(r"UPDATE :\s+(\d+) of\s+\d+ MB written")
_KEPT_LINES = 200


def _follow(burning: Watched, size: int, advance: Callable[[int], None], said: list[str]) -> None:
    """Tell how far it is, and keep what else it says."""
    done = 0
    for line in burning.lines():
        update = _UPDATE.search(line)
        if update is None:
            said.append(line)
            del said[:-_KEPT_LINES]
            continue
        now = min(int(update[1]) << 20, size)
        advance(max(now - done, 0))
        done = max(done, now)
    advance(size - done)


_WORDS: Sequence[tuple[str, str]] = (
    (r"[Bb]usy|locked by|in use", "device-busy"),
    (r"[Pp]ermission|[Nn]ot permitted|access rights", "device-refused"),
    (r"not found|rejected because|Neither stdio-path nor|No such (file|device)", "device-missing"),
    (r"exceeds free space", "medium-too-small"),
    (r"MEDIUM NOT PRESENT|[Mm]edium not present|No media|not loaded", "no-disc"),
    (r"unsuitable for writing|not writ(e)?able|Unsuitable media|closed or not recognizable", "disc-used"),
    (r"SCSI error|[Ww]rite error|Cannot write|I/O error|No space left|WRITE\(", ""),
)
"""What libburn and xorriso say, in the order in which it weighs, and the code of ours; "": as said of what it did."""

_SENSE = re.compile(r"\[[0-9A-F]( [0-9A-F]{2}){1,2}\][^\[\]']{0,80}")


def _fault(lines: Sequence[str], otherwise: str) -> DeviceError:
    """Return the error that a program's last words mean; they may hold a path, so only codes of drives are quoted."""
    text = "\n".join(line for line in lines if re.search(r" : (SORRY|FAILURE|FATAL|ABORT) : ", line))
    code = next((code for words, code in _WORDS if re.search(words, text)), "") or otherwise
    sense = _SENSE.search(text)
    return fault(code, f"The drive says {sense[0].strip(' .')}." if sense else "")


def _check_stdio(device: str) -> None:
    """Let a ``stdio:`` drive be a regular file only: xorriso would as well overwrite a hard disk."""
    if not device.startswith(STDIO):
        return
    path = device.removeprefix(STDIO)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise fault("device-missing", "Behind stdio: must stand the path of a file.")
    except FileNotFoundError as exc:
        if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
            raise fault("device-missing") from exc
    except OSError as exc:
        raise MediumError(f"The file of the drive cannot be opened: {exc.strerror}.") from exc


def _run(*arguments: str) -> Ended:
    return run(require("xorriso", "xorriso"), "-no_rc", *arguments, timeout=_LOOKS)


def _value(text: str, name: str) -> str:
    found = re.findall(rf"^{name}\s*:[ \t]*(.*)$", text, re.MULTILINE)
    return str(found[-1]).strip() if found else ""
