"""The directories of an image that is to be laid out, made of the paths of its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mediacreator.errors import InternalError
from mediacreator.formats.placing import PlacedFile

MAX_COMPONENTS = 8
"""Components of a path, the file included. Source: PS3.10 8.2; PS3.12 J.1.3.1, P.1.3.1, X.1.3.1."""


@dataclass(slots=True)
class Directory:
    """A directory; numbers are those of ``directories`` and of the files given there."""

    path: tuple[str, ...]  # () is the root
    parent: int  # the root's is itself
    folders: list[int] = field(default_factory=list)  # in the order of names, as are the files
    files: list[int] = field(default_factory=list)


def directories(files: Sequence[PlacedFile]) -> list[Directory]:
    """Return the directories: the root first, each behind its parent, in the order in which the files name them.

    Raises:
        InternalError: A path of no or too many components, a component that no file system holds, or two of one name.
    """
    found = [Directory((), 0)]
    numbers: dict[tuple[str, ...], int] = {(): 0}
    for index, file in enumerate(files):
        parent = numbers.get(file.path[:-1])
        if parent is None:
            parent = _add(found, numbers, file.path[:-1])
        found[parent].files.append(index)
    for directory in found:
        directory.folders.sort(key=lambda number: found[number].path[-1])
        directory.files.sort(key=lambda index: files[index].path[-1])
        _check(directory, found, files)
    return found


def _add(found: list[Directory], numbers: dict[tuple[str, ...], int], path: tuple[str, ...]) -> int:
    parent = 0
    for depth in range(1, len(path) + 1):
        number = numbers.get(path[:depth])
        if number is None:
            number = numbers[path[:depth]] = len(found)
            found.append(Directory(path[:depth], parent))
            found[parent].folders.append(number)
        parent = number
    return parent


def _check(directory: Directory, found: Sequence[Directory], files: Sequence[PlacedFile]) -> None:
    names = [found[number].path[-1] for number in directory.folders]
    for index in directory.files:
        if not 1 <= len(files[index].path) <= MAX_COMPONENTS:
            raise InternalError(
                f"{'/'.join(files[index].path)}: {len(files[index].path)} components, 1 to 8 are allowed."
            )
        if files[index].size < 0:
            raise InternalError(f"{'/'.join(files[index].path)} has {files[index].size} bytes.")
        names.append(files[index].path[-1])
    for name in names:
        if not name or len(name) > 64 or "/" in name or "\0" in name or name in (".", ".."):
            raise InternalError(f"{name!r} is no name of a file or directory.")
    if len({name.upper() for name in names}) != len(names):
        raise InternalError("Two files or directories of one name.")
