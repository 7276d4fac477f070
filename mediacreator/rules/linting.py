"""Check profile files of a site as they are written: everything that is wrong in them, each with its place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mediacreator.errors import UsageError
from mediacreator.rules.fields import Refused
from mediacreator.rules.library import profile_ids, resolve
from mediacreator.rules.profile_file import SHARED, ProfileFile, profiles_folder, read_text

_PROBLEM = re.compile(r"(?:(?P<field>[A-Za-z_][\w.]*(?:\[[^\]]*\][\w.]*)*): )?(?P<why>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a profile file."""

    file: str
    line: int  # 0: the whole file
    field: str  # its path, as objects[ANY].transfer_syntaxes; "" where it is none
    why: str

    def __str__(self) -> str:
        at = f"{self.file}:{self.line}" if self.line else self.file
        return f"{at}: {f'{self.field}: ' if self.field else ''}{self.why}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A profile file that was checked."""

    file: str
    identifiers: tuple[str, ...]  # of its profiles, () where they cannot be told
    problems: tuple[Problem, ...]


def check_files(paths: Sequence[str], folders: tuple[str, ...] = ()) -> tuple[Checked, ...]:
    """Check profile files, each with those beside it.

    Args:
        paths: Of TOML files.
        folders: Of the site, where else what they extend may lie.

    Raises:
        UsageError: A file cannot be read.
    """
    texts = {path: read_text(path) for path in paths}
    taken = _taken(paths, texts, folders)
    return tuple(_checked(path, text, folders, taken) for path, text in texts.items())


def _checked(path: str, text: str, folders: tuple[str, ...], taken: Mapping[str, Sequence[str]]) -> Checked:
    """Check one file: what is wrong in several of its profiles is told once."""
    beside = os.path.dirname(path) or "."
    own = _same(beside, profiles_folder())
    try:
        file = ProfileFile.read(path, text, own=own)
    except UsageError as exc:
        return Checked(path, (), tuple(_problems(path, exc)))
    places = () if own else tuple(dict.fromkeys((beside, *folders)))
    found = {} if own else dict.fromkeys(_doubles(path, file, taken))
    for identifier in file.identifiers():
        try:
            resolve(file, identifier, places)
        except UsageError as exc:
            found.update(dict.fromkeys(_problems(path, exc)))
    return Checked(path, file.identifiers(), tuple(sorted(found, key=lambda one: (one.file, one.line))))


def _doubles(path: str, file: ProfileFile, taken: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """Say which identifiers of a file another one has, too."""
    by_other: dict[str, list[str]] = {}
    for identifier in file.identifiers():
        others = [other for other in taken.get(identifier, ()) if not _same(other, path)]
        if others:
            by_other.setdefault(others[0], []).append(identifier)
    line = int(file.table.places["identifier"].rpartition(":")[2])
    for other, identifiers in by_other.items():
        stand = f"and {len(identifiers) - 1} more stand" if len(identifiers) > 1 else "stands"
        yield Problem(path, line, "identifier", f"{identifiers[0]} {stand} in {other}, too")


def _problems(path: str, exc: UsageError) -> Iterator[Problem]:
    for reason in exc.reasons if isinstance(exc, Refused) else (str(exc),):
        at = re.match(r"(?P<file>.*?\.toml)(?::(?P<line>\d+))?: ", reason)
        rest = reason[at.end() :] if at else reason
        parts = _PROBLEM.fullmatch(rest)
        field, why = (parts["field"] or "", parts["why"]) if parts else ("", rest)
        yield Problem(at["file"] if at else path, int(at["line"] or 0) if at else 0, field, why)


def _taken(paths: Iterable[str], texts: Mapping[str, str], folders: tuple[str, ...]) -> dict[str, list[str]]:
    """Return in which files each identifier stands: ours, those asked about, those beside them and of the site."""
    found: dict[str, list[str]] = {}
    for identifier in (*profile_ids(), *profile_ids(status="retired")):
        found[identifier] = [profiles_folder()]
    places = dict.fromkeys((*(os.path.dirname(path) or "." for path in paths), *folders))
    others = [path for place in places for path in _toml_files(place)]
    for path in dict.fromkeys((*texts, *others)):
        try:
            text = texts.get(path) or read_text(path)
            for identifier in ProfileFile.read(path, text, own=False).identifiers():
                found.setdefault(identifier, []).append(path)
        except UsageError:
            continue  # another file's faults are told when that one is checked
    return found


def _toml_files(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.endswith(".toml") and name != SHARED]


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
