"""Find application profiles: ours, and those in folders of a site."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

from mediacreator.errors import UsageError
from mediacreator.rules.augmenting import refuse_unless_superset
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.profile_file import ProfileFile, profile_files
from mediacreator.rules.toml_table import Table


@cache
def profile_ids(folders: tuple[str, ...] = (), *, status: str = "current") -> tuple[str, ...]:
    """Return the identifiers of every profile, in the order of the annexes of PS3.11, then those of the site.

    Args:
        folders: Of a site.
        status: current or retired.

    Raises:
        UsageError: A profile file is wrong, or two profiles have one identifier; the message says where.
    """
    found: dict[str, tuple[str, str]] = {}  # file, status
    for file in (file for folder in ("", *folders) for file in profile_files(folder)):
        for identifier, its_status in file.statuses():
            if identifier in found:
                raise UsageError(f"{file.name}: identifier: {identifier} stands in {found[identifier][0]} already")
            found[identifier] = (file.name, its_status)
    return tuple(identifier for identifier, (_, its_status) in found.items() if its_status == status)


@cache
def load_profile(identifier: str, folders: tuple[str, ...] = ()) -> ApplicationProfile:
    """Return one profile by its identifier, as PS3.11 prints it; a retired one too, with its status.

    Only files that can hold the identifier are read, so that a job costs what its own profile costs.

    Args:
        identifier: ``STD-GEN-CD``.
        folders: Of a site, with ``AUG-`` and ``PRI-`` profiles.

    Raises:
        UsageError: There is no such profile (the message names the nearest one), or its file is wrong.
    """
    return resolve(_file_of(identifier, folders), identifier, folders)


def resolve(file: ProfileFile, identifier: str, folders: tuple[str, ...]) -> ApplicationProfile:
    """Return one profile of a file, whether or not the file lies in one of the folders.

    Args:
        file: Of ours or of a site.
        identifier: One of ``file.identifiers()``.
        folders: Of a site, where what it extends may lie.

    Raises:
        UsageError: The file is wrong.
    """
    profile = file.resolve(identifier, lambda base: _merged(base, folders, (identifier,)))
    if profile.extends:
        refuse_unless_superset(load_profile(profile.extends, folders), profile)
    return profile


def _merged(identifier: str, folders: tuple[str, ...], seen: tuple[str, ...]) -> Table:
    """Return the table of a profile that another extends.

    Args:
        identifier: Of the base.
        folders: Of a site.
        seen: What extends what, up to here.

    Raises:
        UsageError: It does not exist, or extends itself in the end.
    """
    if identifier in seen:
        raise UsageError(f"{identifier} extends itself: {' -> '.join((*seen, identifier))}")
    return _file_of(identifier, folders).merged(identifier, lambda base: _merged(base, folders, (*seen, identifier)))


def _file_of(identifier: str, folders: tuple[str, ...]) -> ProfileFile:
    for folder in ("", *folders):
        found = [file for file in profile_files(folder, may_hold=identifier) if identifier in file.identifiers()]
        if len(found) > 1:
            raise UsageError(f"{found[1].name}: identifier: {identifier} stands in {found[0].name} already")
        if found:
            return found[0]
    known = (*profile_ids(folders), *profile_ids(folders, status="retired"))
    near = get_close_matches(identifier.upper(), known, n=1, cutoff=0)
    raise UsageError(f"there is no profile {identifier!r}; the nearest is {near[0]}" if near else "no profiles found")
