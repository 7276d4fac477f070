"""Settings of a site: who makes the media, whom a recipient asks, and what ``create`` does unless told otherwise.

They stand in one TOML file; ``docs/settings.example.toml`` shows every key. The dataclasses below are its grammar: a
table is a class, a key is a field, and the type of a default is the type that the file must give.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from mediacreator.errors import UsageError

FILE_NAME = "settings.toml"
"""Looked for below the configuration folders of the user and then of the site."""

Section = TypeVar("Section")


@dataclass(frozen=True, slots=True)
class Institution:
    """Who makes the media (IHE RAD TF-2 4.47: contents of README.TXT and INDEX.HTM)."""

    name: str = ""
    ascii_name: str = ""  # for README.TXT, where the name is in a script that has no ASCII spelling
    department: str = ""
    address: tuple[str, ...] = ()  # lines
    phone: str = ""
    email: str = ""
    web: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom a recipient asks about a medium, where this is not the institution itself."""

    name: str = ""
    phone: str = ""
    email: str = ""
    hours: str = ""


@dataclass(frozen=True, slots=True)
class CreateDefaults:
    """What ``mediacreator create`` does when an option is not given."""

    profile: str = "auto"  # auto: STD-GEN-CD if one CD holds everything, else one of ``profile_list``
    profile_list: tuple[str, ...] = ("STD-GEN-DVD-JPEG", "STD-GEN-USB-JPEG")  # identifiers, the best first
    profile_folders: tuple[str, ...] = ()  # with profile files of the site; relative to the settings file
    compress: str = "auto"  # none, keep, lossless, lossy:QUALITY; auto: the first of these three that saves media
    icons: bool = False  # for every image, not only where the profile asks for them
    file_set_id: str = ""  # "": made up by create
    virus_scanner: str = ""  # program and version that --virus-checked speaks of where it names none
    workers: int = 0  # processes, 0 to 256; 0: as many as the machine has processors
    multi_patient: bool = False
    include_rejected: bool = False
    strict: bool = False
    allow_rejected: tuple[str, ...] = ()  # finding codes


@dataclass(frozen=True, slots=True)
class Texts:
    """Words of the site on every medium; an empty one stands for ours."""

    disclaimer: str = ""
    privacy: str = ""
    vendor_contact: str = ""  # whom README.TXT names for questions about the program


@dataclass(frozen=True, slots=True)
class Mail:
    """What stands at the head of mails that carry a File-set; an empty one is left to the mail program."""

    sender: str = ""  # address, with a name or without
    recipient: str = ""  # address, or several joined with commas
    subject: str = ""  # behind what the profile asks for; never anything of a patient


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a site can set. ``path`` is the file it came from, ``""`` where there is none."""

    institution: Institution = field(default_factory=Institution)
    contact: Contact = field(default_factory=Contact)
    create: CreateDefaults = field(default_factory=CreateDefaults)
    texts: Texts = field(default_factory=Texts)
    mail: Mail = field(default_factory=Mail)
    private_sop_classes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Private SOP Class UID to Private Record UID (0004,1432): what goes on media as PRIVATE records."""
    path: str = ""

    @property
    def profile_folders(self) -> tuple[str, ...]:
        """Return where profile files of the site lie, as paths that do not depend on the settings file."""
        beside = Path(self.path).parent
        return tuple(str(beside / Path(folder).expanduser()) for folder in self.create.profile_folders)


def load_settings(explicit: Path | None = None) -> Settings:
    """Read the settings of this site.

    Args:
        explicit: The file given with ``--config``. None: ``settings.toml`` in the user's configuration folder, then in
            those of the site, by the XDG rules; the first that is there is read, alone. Without one, the defaults.

    Raises:
        UsageError: The file cannot be read, is not TOML, or holds a key or value that cannot be.
    """
    if explicit is not None:
        return read_settings(explicit)
    found = next((path for path in settings_paths() if path.is_file()), None)
    return Settings() if found is None else read_settings(found)


def settings_paths() -> tuple[Path, ...]:
    """Return where settings are looked for without ``--config``, in this order."""
    from platformdirs import PlatformDirs

    folders = PlatformDirs("mediacreator", appauthor=False).iter_config_dirs()
    return tuple(Path(folder) / FILE_NAME for folder in folders)


def read_settings(path: Path) -> Settings:
    """Read one settings file.

    Raises:
        UsageError: As ``load_settings``; the message names file, key, what was found and what is allowed.
    """
    import tomllib

    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as exc:
        raise UsageError(f"{path}: the settings cannot be read: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise UsageError(f"{path}: byte {exc.start} is not UTF-8, which TOML asks for") from exc
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise UsageError(f"{path}: not TOML: {exc}") from exc
    return _settings(table, str(path))


def _settings(table: Mapping[str, object], path: str) -> Settings:
    _refuse_unknown(table, (item.name for item in fields(Settings) if item.name != "path"), "", path)
    return Settings(
        institution=_section(Institution, table, "institution", path),
        contact=_section(Contact, table, "contact", path),
        create=_section(CreateDefaults, table, "create", path),
        texts=_section(Texts, table, "texts", path),
        mail=_section(Mail, table, "mail", path),
        private_sop_classes=_private_sop_classes(_table(table, "private_sop_classes", path), path),
        path=path,
    )


def _table(table: Mapping[str, object], name: str, path: str) -> Mapping[str, object]:
    value = table.get(name, {})
    if not isinstance(value, dict):
        raise UsageError(f"{path}: {name} is {_shown(value)}, expected a table: [{name}]")
    return value


def _section(kind: type[Section], whole: Mapping[str, object], name: str, path: str) -> Section:
    """Fill a dataclass from a TOML table: the field's default tells the type."""
    table = _table(whole, name, path)
    defaults = kind()
    known = {item.name: getattr(defaults, item.name) for item in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    _refuse_unknown(table, known, f"{name}.", path)
    values = {key: _typed(value, known[key], f"{name}.{key}", path) for key, value in table.items()}
    for key, value in values.items():
        check = _CHECKS.get(f"{name}.{key}")
        allowed = check(value) if check else ""
        if allowed:
            raise UsageError(f"{path}: {name}.{key} is {_shown(value)}, expected {allowed}")
    return kind(**values)


def _typed(value: object, default: object, key: str, path: str) -> object:
    """Return a TOML value as the type of its default; bool is no integer here."""
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise UsageError(f'{path}: {key} is {_shown(value)}, expected a list of strings: ["one", "two"]')
        return tuple(_text(item, key, path) for item in value)
    if type(value) is not type(default):
        raise UsageError(f"{path}: {key} is {_shown(value)}, expected {_TYPE_NAMES[type(default)]}")
    return _text(value, key, path) if isinstance(value, str) else value


def _text(value: str, key: str, path: str) -> str:
    """Refuse control characters: they would reach every medium. Only ``texts`` may have lines."""
    allowed = "\n" if key.startswith("texts.") else ""
    stray = next((char for char in value if (ord(char) < 32 or 127 <= ord(char) < 160) and char not in allowed), None)
    if stray is not None:
        raise UsageError(f"{path}: {key} holds the control character U+{ord(stray):04X}, expected text")
    return value.strip()


_TYPE_NAMES = {str: 'a string: "..."', int: "a whole number", bool: "true or false"}


def _private_sop_classes(table: Mapping[str, object], path: str) -> Mapping[str, str]:
    for uid, record_uid in table.items():
        for what, value in (("SOP Class UID", uid), ("Private Record UID", record_uid)):
            if not isinstance(value, str) or not _is_uid(value):
                raise UsageError(
                    f"{path}: private_sop_classes: {what} {_shown(value)}, expected a UID: digits and dots, at most 64"
                    " characters, no component with a leading zero [PS3.5 9.1]"
                )
        if uid.startswith("1.2.840.10008."):
            raise UsageError(f"{path}: private_sop_classes: {uid} is a UID of the standard, expected a private one")
    return MappingProxyType({uid: str(record_uid) for uid, record_uid in table.items()})


def _refuse_unknown(table: Iterable[str], known: Iterable[str], prefix: str, path: str) -> None:
    allowed = sorted(known)
    for key in table:
        if key not in allowed:
            from difflib import get_close_matches

            near = get_close_matches(key, allowed, n=1)
            hint = f"Is {prefix}{near[0]} meant? " if near else ""
            raise UsageError(f"{path}: {prefix}{key} is no setting. {hint}Allowed: {', '.join(allowed)}")


def _is_uid(value: str) -> bool:
    """Tell whether a value is a legal UID. Source: PS3.5 9.1."""
    return len(value) <= 64 and re.fullmatch(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+", value) is not None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _matches(pattern: str, allowed: str) -> Callable[[object], str]:
    """Return a check that gives what is allowed when the whole value does not match, else ``""``."""
    compiled = re.compile(pattern)
    return lambda value: "" if compiled.fullmatch(str(value)) else allowed


def _each(pattern: str, allowed: str) -> Callable[[object], str]:
    """Return a check that gives what is allowed when a member of a list does not match, else ``""``."""
    compiled = re.compile(pattern)
    return lambda value: "" if isinstance(value, tuple) and all(map(compiled.fullmatch, value)) else allowed


_ADDRESS = r"([^<>@,]*<[^<>@\s,]+@[^<>@\s,]+>|[^<>@\s,]+@[^<>@\s,]+)"  # with a name before it, or alone

_PROFILE = r"(STD|AUG|PRI)-[A-Z0-9-]{1,60}"

_CHECKS: Mapping[str, Callable[[object], str]] = {
    "institution.ascii_name": _matches(r"[ -~]*", "ASCII characters only"),
    "mail.sender": _matches(rf"|{_ADDRESS}", 'an address, as "Radiology <radiology@hospital.example>"'),
    "mail.recipient": _matches(rf"|{_ADDRESS}( *, *{_ADDRESS})*", "an address, or several joined with commas"),
    "mail.subject": _matches(r".{0,100}", "up to 100 characters"),
    "create.profile": _matches(
        rf"auto|{_PROFILE}(,{_PROFILE})*",
        "auto, or the identifier of an application profile, as STD-GEN-CD; several for one medium as A,B [PS3.11 7]",
    ),
    "create.profile_list": _each(_PROFILE, "identifiers of application profiles, as STD-GEN-DVD-JPEG [PS3.11 7]"),
    "create.profile_folders": _each(r".+", "paths of folders"),
    "create.compress": _matches(
        r"auto|none|keep|lossless|lossy:([1-9][0-9]?|100)",
        "auto, none, keep, lossless or lossy:QUALITY, as lossy:85 (1 to 100)",
    ),
    "create.file_set_id": _matches(r"[A-Z0-9_]{0,16}", "0 to 16 characters A-Z, 0-9 and _ [PS3.10 8.1, 8.5]"),
    "create.virus_scanner": _matches(r".{0,64}", "up to 64 characters"),
    "create.workers": lambda value: "" if isinstance(value, int) and 0 <= value <= 256 else "0 to 256",
    "create.allow_rejected": _each(r"[a-z0-9]+(-[a-z0-9]+)*", "codes of findings, as truncated-pixel-data"),
}
