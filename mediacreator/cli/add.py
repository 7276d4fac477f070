"""``mediacreator add``: put instances into a File-set that is there."""

from __future__ import annotations

from mediacreator.cli.adding import adding_command

command = adding_command(
    "add",
    "Add DICOM instances to a medium.",
    """Add the DICOM instances in SOURCES to the File-set on MEDIUM: a folder as a mounted stick, an image, or a drive.

    Its File-set UID and its files stay; what it holds already is compared and left. New files are written and read
    back first, then the new DICOMDIR takes the place of the old one in one step: a run that is killed leaves the medium
    as it was, and the next one cleans up. Whose instances they are is decided as by create.

    A FAT image, as of a stick, is written anew beside the old one and takes its place. To a disc that was kept open,
    given as its drive (/dev/sr0), a session is burned where medium and profile allow it; then all of the disc is read.
    Images of discs are not changed: with -o a new File-set is made of one and the sources.
    """,
    "sources",
)
