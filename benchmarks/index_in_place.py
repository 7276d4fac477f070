"""Make the DICOMDIR of a folder whose names are File IDs, as ``dcmmkdir +r`` does; nothing is copied."""

from __future__ import annotations

import sys
from pathlib import Path

from mediacreator import collector
from mediacreator.directory import build_dicomdir
from mediacreator.layout import lay_out_in_place
from mediacreator.model import Silent
from mediacreator.rules.claim import load_claim
from mediacreator.rules.wanted import wanted
from mediacreator.scan import scan
from mediacreator.select import ContentComparer, SelectionRequest, select
from mediacreator.sources import find_sources
from mediacreator.transcode import Spool, choose, encode


def index(folder: str, workers: int = 2) -> bytes:
    """Return the DICOMDIR of the instances below ``folder``: find, scan, select, records, encoding."""
    with collector.held():
        return _index(folder, workers)


def _index(folder: str, workers: int) -> bytes:
    claim = load_claim("STD-GEN-CD")
    sources = find_sources([folder])
    scanned = scan(sources.files, wanted(claim.profiles), workers=workers, progress=Silent())
    (content,) = select(scanned, claim, SelectionRequest(), compare=ContentComparer()).file_sets
    work = choose(content.instances(), lambda i: claim.options(i.header.attributes, i.header.sop_class_uid))
    with Spool() as spool:
        encoded = encode(work, spool).encoded
    volume = lay_out_in_place(content, encoded, folder, file_set_id="BENCH", file_set_uid="2.25.1")
    return build_dicomdir(volume, claim.keys_for)


if __name__ == "__main__":
    Path(sys.argv[1], "DICOMDIR").write_bytes(index(sys.argv[1]))
