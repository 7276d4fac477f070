"""``mediacreator merge``: put what other media hold into a File-set that is there."""

from __future__ import annotations

from mediacreator.cli.adding import adding_command

command = adding_command(
    "merge",
    "Put what other media hold onto a medium.",
    """Add everything that OTHERS hold (folders with a DICOMDIR, images, ZIP archives, mails) to MEDIUM.

    What their DICOMDIRs promise and is not there counts as missing. Everything else is as with add.
    """,
    "others",
)
