"""Stage 1: source files to Headers, and what is not DICOM (PS3.10 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing

from mediacreator import collector
from mediacreator.dicomio.header import Wanted
from mediacreator.model import Disposition, Finding, Header, Progress, Scan, SourceFile
from mediacreator.parallel import spread
from mediacreator.rules.tables import Key
from mediacreator.scan.one_file import Scanned, scan_chunk

CHUNK = 250
"""Files that a worker reads in one go: some 10 ms, so that progress is smooth and messages are few."""


def scan(files: Sequence[SourceFile], wanted: Iterable[Key], *, workers: int, progress: Progress) -> Scan:
    """Read the header of each file once.

    Args:
        files: What the sources hold, in their order.
        wanted: The attributes that tables and profiles name, see ``rules.wanted``.
        workers: Processes that read; the result is the same for any number.
        progress: Told of each chunk.

    Returns:
        A Header or a Disposition for each file, in the order of ``files``.

    Source: PS3.10 7.1; DICOM is recognised by content, never by name.
    """
    progress.start("scan", len(files), 0)
    ranges = [range(i, min(i + CHUNK, len(files))) for i in range(0, len(files), CHUNK)]
    headers: list[Header] = []
    others: list[Disposition] = []
    findings: list[Finding] = []
    work = spread(scan_chunk, ranges, workers=workers, common=(files, Wanted.of(wanted)))
    with collector.held(), closing(work):
        for chunk in work:
            for scanned in chunk:
                _sort_out(scanned, files, headers, others, findings)
            progress.advance(len(chunk), 0)
    return Scan(tuple(headers), tuple(others), findings=tuple(findings))


def _sort_out(
    scanned: Scanned,
    files: Sequence[SourceFile],
    headers: list[Header],
    others: list[Disposition],
    findings: list[Finding],
) -> None:
    """Make values of what a worker sent: plain tuples, since those cross a pipe several times faster."""
    if len(scanned) == 2:
        index, (outcome, finding, sop_instance_uid) = scanned
        others.append(Disposition(files[index], outcome, finding, sop_instance_uid))
        return
    index, sop_class, sop_instance, syntax, offset, has_meta, attributes, place, odd = scanned
    headers.append(Header(files[index], sop_class, sop_instance, syntax, offset, has_meta, attributes, place))
    findings.extend(odd)
