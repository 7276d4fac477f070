"""A File-set as an object: read it, compare it, change it.

    with open_fileset("stick/") as file_set:
        for patient in file_set.patients():
            print(patient.name, patient.instances)
        file_set.add("new study/")
        file_set.remove(series=["2.25.1"])

Its DICOMDIR alone is read to open it; the files of instances are opened when somebody asks for what is in them. Every
change is whole or has not happened, and afterwards the object shows the File-set as it is now.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from mediacreator.dicomio.walker import Directory, DirectoryRecord
from mediacreator.errors import SourceUnreadable
from mediacreator.medium import Medium, PatientListing, open_medium
from mediacreator.model import Finding, Missing, Progress

if TYPE_CHECKING:
    from mediacreator.medium_diff import MediumDiff
    from mediacreator.receipt import Receipt
    from mediacreator.select import SelectionRequest
    from mediacreator.settings import Settings
    from mediacreator.updating import SessionRequest, UpdateRequest

Path = str | os.PathLike[str]


class FileSet:
    """A File-set of a folder, an ISO image or a ZIP archive. ``open_fileset`` makes it; a context manager.

    A folder, as a mounted stick, a FAT image and a disc that was kept open can be changed: ``add``, ``merge``,
    ``remove`` and ``rebuild`` take what the functions of ``mediacreator.updating`` take, and raise what they raise.
    """

    def __init__(self, medium: Medium) -> None:
        """Take a medium that is open; it is closed with this object."""
        self._medium = medium
        self._path = _as_opened(medium)

    @property
    def path(self) -> str:
        """Of the folder that holds the DICOMDIR, of the image or the archive."""
        return self._path

    @property
    def id(self) -> str:
        """File-set ID (0004,1130); "" where there is none."""
        return self.directory.file_set_id

    @property
    def uid(self) -> str:
        """File-set UID: that of the DICOMDIR as an instance (PS3.10 8.1)."""
        return self.directory.file_set_uid

    @property
    def medium(self) -> Medium:
        """Its files, and the DICOMDIR among them."""
        return self._medium

    @property
    def directory(self) -> Directory:
        """Every record of its DICOMDIR."""
        return self._medium.directory

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the DICOMDIR and the names of files, without identity."""
        return self._medium.findings

    def patients(self) -> tuple[PatientListing, ...]:
        """Return patients, studies and series in the order of the DICOMDIR. Holds identity: not for a log."""
        return self._medium.patients()

    def instances(self) -> Iterator[DirectoryRecord]:
        """Yield each record that references a file."""
        return self._medium.instances()

    def missing(self) -> tuple[Missing, ...]:
        """Return each instance that a record references and whose file is not there."""
        return self._medium.missing()

    def add(
        self,
        *sources: Path,
        profile: str = "",
        compress: str = "auto",
        icons: bool = False,
        selection: SelectionRequest | None = None,
        strict: bool = False,
        workers: int = 0,
        session: SessionRequest | None = None,
        settings: Settings | None = None,
        progress: Progress | None = None,
    ) -> Receipt:
        """Add what folders, files, archives and other media hold. Source: PS3.10 8.3.

        To a disc in a drive a session is burned; what was opened on it is closed before, and opened again afterwards.

        Args:
            sources: Where instances come from.
            profile: Identifiers of the application profiles; "": as the receipt of the medium says.
            compress: auto, none, keep, lossless or lossy:1 to lossy:100.
            icons: Make icons of new records also where no profile requires them.
            selection: Filters, and answers to what only a person may decide.
            strict: Change nothing if anything is rejected.
            workers: Processes; 0: as many as there are processors.
            session: How it is burned on a disc in a drive; and where the receipt goes, which is not kept without.
            settings: Of the site; the defaults without.
            progress: Told how it goes on.

        Raises:
            MediaCreatorError: As ``mediacreator.updating.add`` says; the File-set is then as it was, but for a disc
                that could not be burned or read back.
        """
        from mediacreator.select import SelectionRequest
        from mediacreator.updating import SessionRequest, UpdateRequest, add, drive_of

        request = UpdateRequest(
            self._path,
            tuple(os.fspath(source) for source in sources),
            profile,
            compress=compress,
            icons=icons,
            selection=selection or SelectionRequest(),
            strict=strict,
            workers=workers,
            session=session or SessionRequest(),
        )
        if not drive_of(self._path):
            return self._changed(add(request, settings, progress))
        self._medium.close()  # a drive that somebody reads neither burns nor opens its tray
        try:
            return add(request, settings, progress)
        finally:
            with suppress(SourceUnreadable):
                self.reload()

    def merge(
        self,
        *media: FileSet | Path,
        profile: str = "",
        selection: SelectionRequest | None = None,
        settings: Settings | None = None,
        progress: Progress | None = None,
    ) -> Receipt:
        """Add everything that other media hold; arguments and errors as for ``add``."""
        paths = [medium.path if isinstance(medium, FileSet) else medium for medium in media]
        return self.add(*paths, profile=profile, selection=selection, settings=settings, progress=progress)

    def remove(
        self,
        *,
        patients: Iterable[str] = (),
        studies: Iterable[str] = (),
        series: Iterable[str] = (),
        instances: Iterable[str] = (),
        profile: str = "",
        settings: Settings | None = None,
        progress: Progress | None = None,
    ) -> Receipt:
        """Remove everything of some Patient IDs, Study, Series and SOP Instance UIDs; each must be there.

        Raises:
            MediaCreatorError: As ``mediacreator.updating.remove`` says; the File-set is then as it was.
        """
        from mediacreator.errors import UsageError
        from mediacreator.select import Excluded
        from mediacreator.updating import UpdateRequest, remove

        excluded = Excluded(frozenset(patients), frozenset(studies), frozenset(series), frozenset(instances))
        if not excluded:
            raise UsageError("Nothing to remove was named.")
        return self._changed(remove(UpdateRequest(self._path, profile=profile), excluded, settings, progress))

    def rebuild(
        self,
        *,
        profile: str = "",
        rewrite: bool = False,
        selection: SelectionRequest | None = None,
        settings: Settings | None = None,
        progress: Progress | None = None,
    ) -> Receipt:
        """Make the DICOMDIR anew from the files. One that cannot be opened: ``mediacreator.updating.rebuild``.

        Args:
            profile: Identifiers; "": those that allow the files.
            rewrite: Write files anew whose names or headers cannot stay.
            selection: Answers to what only a person may decide.
            settings: Of the site; the defaults without.
            progress: Told how it goes on.

        Raises:
            MediaCreatorError: As ``mediacreator.updating.rebuild`` says; the File-set is then as it was.
        """
        from mediacreator.select import SelectionRequest
        from mediacreator.updating import UpdateRequest, rebuild

        request: UpdateRequest = UpdateRequest(self._path, profile=profile, selection=selection or SelectionRequest())
        return self._changed(rebuild(request, settings, progress, rewrite=rewrite))

    def diff(self, other: FileSet | Path, *, content: bool = False, progress: Progress | None = None) -> MediumDiff:
        """Compare with another File-set, which is B of what is returned.

        Raises:
            SourceUnreadable: The other cannot be opened.
        """
        from mediacreator.medium_diff import diff_media

        if isinstance(other, FileSet):
            return diff_media(self._medium, other.medium, content=content, progress=progress)
        with open_medium(other) as medium:
            return diff_media(self._medium, medium, content=content, progress=progress)

    def reload(self) -> None:
        """Read the DICOMDIR again.

        Raises:
            SourceUnreadable: It cannot be read any more.
        """
        medium = open_medium(self._path)
        self._medium.close()
        self._medium = medium

    def close(self) -> None:
        """Close what is held open."""
        self._medium.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        """Name it without identity."""
        return f"<FileSet {self.id!r} {self.uid}>"

    def _changed(self, receipt: Receipt) -> Receipt:
        self.reload()
        return receipt


def open_fileset(path: Path) -> FileSet:
    """Open a File-set. Its DICOMDIR is read, and no file of an instance.

    Args:
        path: A folder (or mounted disc), the DICOMDIR itself, an ISO 9660 image, a drive, or a ZIP archive.

    Raises:
        SourceUnreadable: It is missing, is none of these, holds no DICOMDIR, or that is beyond reading.
    """
    return FileSet(open_medium(path))


def _as_opened(medium: Medium) -> str:
    """Return the path by which a medium can be opened again: in a folder that of the File-set itself."""
    if not os.path.isdir(medium.path):
        return medium.path
    return os.path.abspath(os.path.join(medium.path, *medium.dicomdir.path[:-1]))
