"""Find application profiles: ours, and those in folders of a site."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache

from mediacreator.errors import UsageError
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.profile_file import ProfileFile, Raw, profile_files


def _files(folders: tuple[str, ...], may_hold: str = "") -> Iterator[ProfileFile]:
    for folder in ("", *folders):
        yield from profile_files(folder, may_hold=may_hold)


@cache
def profile_ids(folders: tuple[str, ...] = (), *, status: str = "current") -> tuple[str, ...]:
    """Return the identifiers of every profile, in the order of the annexes of PS3.11, then those of the site.

    Args:
        folders: Of a site.
        status: current or retired.

    Raises:
        UsageError: A profile file is wrong, or two profiles have one identifier; the message says where.
    """
    found: dict[str, str] = {}
    for file in _files(folders):
        file.identifiers()
        for identifier, its_status in file.statuses():
            if identifier in found:
                raise UsageError(f"{file.name}: identifier: {identifier} is another file's already")
            found[identifier] = its_status
    return tuple(identifier for identifier, its_status in found.items() if its_status == status)


@cache
def load_profile(identifier: str, folders: tuple[str, ...] = ()) -> ApplicationProfile:
    """Return one profile by its identifier, as PS3.11 prints it; a retired one too.

    Args:
        identifier: ``STD-GEN-CD``.
        folders: Of a site, with ``AUG-`` and ``PRI-`` profiles.

    Raises:
        UsageError: There is no such profile (the message names the nearest one), or its file is wrong.
    """
    return _file_of(identifier, folders).resolve(identifier, lambda base: merged(base, folders, (identifier,)))


def merged(identifier: str, folders: tuple[str, ...], seen: tuple[str, ...]) -> Raw:
    """Return the table of a profile that another extends.

    Args:
        identifier: Of the base.
        folders: Of a site.
        seen: What extends what, up to here.

    Raises:
        UsageError: It does not exist, or extends itself in the end.
    """
    if identifier in seen:
        raise UsageError(f"{identifier} extends itself: {' -> '.join((*seen, identifier))}. End the circle.")
    return _file_of(identifier, folders).merged(identifier, lambda base: merged(base, folders, (*seen, identifier)))


def _file_of(identifier: str, folders: tuple[str, ...]) -> ProfileFile:
    for file in _files(folders, may_hold=identifier):
        if identifier in file.identifiers():
            return file
    known = (*profile_ids(folders), *profile_ids(folders, status="retired"))
    near = get_close_matches(identifier.upper(), known, n=1, cutoff=0)
    raise UsageError(f"there is no profile {identifier!r}; the nearest is {near[0]}" if near else "no profiles found")
