"""Find the DICOMDIRs of a medium, and the one that is meant (PS3.10 8.6: it lies in the root)."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mediacreator.dicomio.walker_findings import finding
from mediacreator.errors import SourceUnreadable
from mediacreator.formats import FileTree, TreeFile, open_tree, tolerant_key
from mediacreator.model import Container, Finding

DICOMDIR = ("DICOMDIR",)
_AS_RECORDED = {  # PS3.12 F.1.2.1: ISO 9660 records a version, and a dot where there is no extension
    Container.ISO: ("DICOMDIR", "DICOMDIR.", "DICOMDIR;1", "DICOMDIR.;1"),
}


def places(path: str | os.PathLike[str]) -> tuple[tuple[str, ...], ...]:
    """Return the folders whose DICOMDIRs are to be read: the one nearest to the root, or all that are equally near.

    ``open_medium`` takes each of them. One in the root is always alone: others below it belong to its content.

    Raises:
        SourceUnreadable: It is missing or cannot be read, or there is no DICOMDIR.
    """
    path = os.fspath(path)
    if tolerant_key((os.path.basename(path),)) == DICOMDIR and os.path.isfile(path):
        return ((),)
    with open_tree(path) as tree:
        found = _dicomdirs(tree)
        near = [file.path[:-1] for file in found if len(file.path) == len(found[0].path)]
    return tuple(dict.fromkeys(near))


def find_dicomdir(
    tree: FileTree, name: str = "", within: Sequence[str] | None = None
) -> tuple[TreeFile, list[Finding]]:
    """Find the DICOMDIR nearest to the root, or in one folder, and say what is odd about it.

    Args:
        tree: The medium.
        name: Of the DICOMDIR itself if it is known.
        within: As for ``open_medium``.

    Raises:
        SourceUnreadable: There is none, or there are several and none is nearer than the others.
    """
    found = _dicomdirs(tree, name)
    if within is not None:
        found.sort(key=lambda file: file.path[:-1] != tuple(within))
    chosen = found[0]
    if within is None and len(chosen.path) > 1 and len(found) > 1 and len(found[1].path) == len(chosen.path):
        raise SourceUnreadable(
            f"There is no DICOMDIR here, but {len(found)} of them in folders below: these are several media. "
            "Name the folder of one."
        )
    findings = []
    if len(found) > 1:
        which = "the one nearest to the root" if within is None else "the one that was asked for"
        what = f"{len(found)} files are called DICOMDIR; {which} is read"
        findings.append(finding("several-dicomdirs", "DICOMDIR", what))
    if len(chosen.path) > 1:
        findings.append(
            finding("dicomdir-not-in-root", "DICOMDIR", f"it lies below the root, at level {len(chosen.path)}")
        )
    if chosen.raw_name not in _AS_RECORDED.get(tree.container, DICOMDIR):
        findings.append(finding("dicomdir-name-differs", "DICOMDIR", f"it is recorded as {chosen.raw_name}"))
    return chosen, findings


def _dicomdirs(tree: FileTree, name: str = "") -> list[TreeFile]:
    """Return the files that may be DICOMDIRs, the nearest to the root first; one that is written right before others.

    Raises:
        SourceUnreadable: There is none.
    """
    found = [file for file in tree.files() if tolerant_key(file.path[-1:]) == DICOMDIR]
    if not found:
        count = sum(1 for _ in tree.files())
        raise SourceUnreadable(
            f"There is no DICOMDIR among the {count} files of this medium; PS3.10 8.6 asks for one in its root. "
            "The instances can still be put on a new medium with mediacreator create."
        )
    found.sort(key=lambda file: (len(file.path), file.raw_name != name, file.raw_name != "DICOMDIR"))
    return found
