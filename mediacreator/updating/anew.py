"""What lies on an image or a disc after an update, where all of its directories are written anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from mediacreator.formats import TreeFile
from mediacreator.image import DiscFile
from mediacreator.model import FileID, WrittenFile
from mediacreator.sources.reading import read_chunks
from mediacreator.updating.applying import Change
from mediacreator.updating.held import Held


@dataclass(frozen=True, slots=True)
class NewFiles:
    """The files of an update that are written; of instances it is known beforehand what they will be."""

    replaced: tuple[DiscFile, ...]  # the DICOMDIR, README.TXT and what else is made anew
    added: tuple[DiscFile, ...]
    instances: tuple[WrittenFile, ...]  # those added, as they will be written
    receipt: bytes  # that lies beside the medium; it does not know the hash of an image

    def paths(self) -> frozenset[str]:
        """Return the paths of what is replaced, with slashes."""
        return frozenset("/".join(file.path) for file in self.replaced)


def new_files(change: Change) -> NewFiles:
    """Read what is added to know its hashes, and make of them what tells of it.

    Raises:
        SourceChanged, SourceUnreadable: A source is not what was scanned.
    """
    instances = tuple(_written(file) for file in change.added)
    content, receipt = change.late(instances)
    named = {change.dicomdir_name: change.dicomdir, **{"/".join(file.path): file.data for file in content}}
    replaced = tuple(DiscFile.of_bytes(tuple(name.split("/")), data, change.created) for name, data in named.items())
    return NewFiles(replaced, change.added, instances, receipt)


def staying(change: Change, held: Held, replaced: frozenset[str]) -> Iterator[tuple[int, FileID, TreeFile]]:
    """Yield number, path as recorded and file of everything that stays, also of what is not of the File-set."""
    gone = replaced | frozenset(change.removed)
    depth = len(held.base)
    for number, file in enumerate(held.tree.files(), 1):
        path = (*file.path[:-1], file.raw_name)
        plain = {"/".join(path[depth:]), "/".join(file.path[depth:])}
        if path[:depth] != held.base or not plain & gone:
            yield number, path, file


def _written(file: DiscFile) -> WrittenFile:
    """Return a new file with the hash that it will have."""
    digest = hashlib.sha256(file.head)
    if file.body is not None:
        for chunk in read_chunks(file.body.source, file.body.offset, file.body.size):
            digest.update(chunk)
    return WrittenFile(file.path, file.size, digest.hexdigest(), file.sop_instance_uid)
