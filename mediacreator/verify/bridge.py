"""Compare the two file systems of one image: both must name the same files and the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

from mediacreator.errors import SourceUnreadable
from mediacreator.formats.tree import FileTree, TreeFile
from mediacreator.formats.udf_partitions import merged
from mediacreator.formats.udf_reader import UdfTree
from mediacreator.model import Finding, Severity


def bridge_differences(tree: FileTree) -> Iterator[Finding]:
    """Yield how the UDF tree of an image differs from its ISO 9660 tree, which was read.

    Where the files lie is compared, not what they hold: the data is the same.
    """
    try:
        with UdfTree(tree.path) as udf:
            yield from udf.findings
            if udf.label != tree.label:
                yield _differing("the identifiers of its two volumes differ")
            ours, theirs = _places(udf), _places(tree)
    except SourceUnreadable as exc:
        yield _differing(str(exc).rstrip("."))
        return
    count = sum(ours.get(path) != theirs.get(path) for path in ours.keys() | theirs.keys())
    if count:
        yield _differing(f"{count} files lie elsewhere, or are not there, in one of its two file systems")


def _places(tree: FileTree) -> dict[tuple[str, ...], tuple[object, ...]]:
    return {file.path: _place(file) for file in tree.files()}


def _place(file: TreeFile) -> tuple[object, ...]:
    return file.size, file.mtime_ns, merged(file.extents)


def _differing(what: str) -> Finding:
    remedy = "The medium is not usable: create it again, on another disk if it happens twice."
    expected = "the same files in UDF as in ISO 9660"
    return Finding("verify-bridge", Severity.ERROR, "image", what, expected, "PS3.12 P.2.1, P.2.2", remedy)
