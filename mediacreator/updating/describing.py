"""Describe an updated File-set anew: README.TXT, INDEX.HTM and the receipts say what is on it now."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from mediacreator.content import INDEX, README, RECEIPT
from mediacreator.content.index import index_htm
from mediacreator.content.readme import readme_txt
from mediacreator.dicomio.walker import Directory, walk
from mediacreator.model import (
    Attributes,
    ContentFile,
    FileID,
    MediaImage,
    Origin,
    Silent,
    Volume,
    WrittenFile,
)
from mediacreator.receipt import (
    COMPLETE,
    INCOMPLETE,
    Job,
    Receipt,
    WrittenMedium,
    build_receipt,
    counts_close,
    to_json,
    travelling_receipt,
)
from mediacreator.receipt.lines import patient_lines
from mediacreator.receipt.model import FileEntry, PatientLine
from mediacreator.rules.claim import Claim
from mediacreator.rules.wanted import wanted
from mediacreator.scan import scan
from mediacreator.select import PLACEHOLDER_DATE, PLACEHOLDER_TIME
from mediacreator.settings import Settings
from mediacreator.updating.contents import Contents
from mediacreator.updating.held import Held

_MOST_SERIES = 2000
"""Series of whose first instances the headers are read, to describe them; of more than that the records must do."""


@dataclass(frozen=True, slots=True)
class Described:
    """What is replaced on the medium, and the receipt of the update."""

    content: tuple[ContentFile, ...]
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Describer:
    """Makes the texts of one update; the new files are known only once they are written."""

    job: Job
    volume: Volume  # of the new instances alone
    claim: Claim
    settings: Settings
    origin: Origin
    held: Held
    kept: tuple[FileID, ...]  # of the instances that stay
    unknown: Mapping[FileID, FileEntry]  # those of them that the earlier receipt does not know
    removed: int  # instances that go
    dicomdir: bytes
    contents: Contents  # what that says

    @property
    def directory(self) -> Directory:
        """Return the new DICOMDIR, walked."""
        return walk(self.dicomdir)

    @property
    def replaced(self) -> tuple[str, ...]:
        """Names of files of the root that are written anew: those that this program wrote."""
        entry = self.held.entry
        if entry is None:
            return ()
        names = [file.path for file in entry.files if file.path in (README, INDEX)] + [RECEIPT]
        return tuple(name for name in names if self.held.find(name) is not None)

    def describe(self, written: tuple[WrittenFile, ...]) -> Described:
        """Return what is replaced, and the receipt, once the new files are written."""
        kept = self._kept()
        whole = replace(self.volume, content=self.contents.content(self.claim, self._told_by_instances()))
        pages = tuple(page for page in self._pages(whole) if "/".join(page.path) in self.replaced)
        told = [
            _written(os.path.basename(self.held.dicomdir), self.dicomdir),
            *(_written("/".join(p.path), p.data) for p in pages),
        ]
        content = pages
        if RECEIPT in self.replaced:
            travelling = self._travelling(told, kept, written)
            content = (*pages, ContentFile((RECEIPT,), to_json(travelling, travelling=True)))
            told.append(_written(RECEIPT, content[-1].data))
        return Described(content, self._local(whole, told, kept, written))

    def _told_by_instances(self) -> Mapping[FileID, Attributes]:
        """Return what instances that stay say and no record does: of one in each series, as long as these are few.

        Where the first of a series has several frames all of them are read, since frames are counted.
        """
        found: dict[FileID, Attributes] = {}
        if not self.replaced:
            return found
        series = tuple(islice(self.contents.series(), _MOST_SERIES + 1))
        if len(series) > _MOST_SERIES:
            return found
        firsts = [records[0].file_id for records in series if records]
        found.update(self._read(firsts, found))
        several = [
            record.file_id
            for records in series
            if records and found.get(records[0].file_id, _NOTHING).get("NumberOfFrames", b"1").strip(b" \0") != b"1"
            for record in records[1:]
        ]
        found.update(self._read(several, found))
        return found

    def _read(self, file_ids: Iterable[FileID], known: Mapping[FileID, Attributes]) -> Mapping[FileID, Attributes]:
        """Read the headers of files that are held."""
        held = self.held
        found = {one: held.find(*one) or held.files_of().get(one) for one in file_ids if one not in known}
        asked = [file_id for file_id, file in found.items() if file is not None]
        sources = [held.source_of(file, number) for number, file in enumerate(filter(None, found.values()))]
        read = scan(sources, wanted(self.claim.profiles), workers=1, progress=Silent())
        return {asked[header.source.number]: header.attributes for header in read.headers}

    def _pages(self, whole: Volume) -> Iterable[ContentFile]:
        profile, settings, origin = self.claim.id, self.settings, self.origin
        yield readme_txt(
            whole,
            profile,
            settings,
            origin,
            placeholder_date=PLACEHOLDER_DATE,
            placeholder_time=PLACEHOLDER_TIME,
        )
        dispositions = (*self.job.scan.others, *self.job.dispositions)
        yield index_htm(
            whole,
            profile,
            settings,
            origin,
            dispositions=dispositions,
            missing=self.job.scan.missing,
            placeholder_date=PLACEHOLDER_DATE,
        )

    def _travelling(
        self, told: list[FileEntry], kept: Sequence[FileEntry], written: tuple[WrittenFile, ...]
    ) -> Receipt:
        receipt = travelling_receipt(self.job, self.volume, ())
        hashes = {"/".join(file.path): file.sha256 for file in written}
        (medium,) = receipt.media
        new = tuple(replace(file, sha256=hashes[file.path]) for file in medium.files)
        return self._with_kept(receipt, (*told, *kept, *new))

    def _local(
        self, whole: Volume, told: list[FileEntry], kept: Sequence[FileEntry], written: tuple[WrittenFile, ...]
    ) -> Receipt:
        image = MediaImage(os.path.basename(self.held.root), 0, written)
        receipt = build_receipt(self.job, [WrittenMedium(self.volume, image, written)])
        (medium,) = receipt.media
        known = self.held.entry is not None
        receipt = self._with_kept(receipt, (*told, *kept, *medium.files) if known else medium.files)
        (medium,) = receipt.media
        medium = replace(
            medium,
            size=sum(file.size for file in medium.files) if known else 0,
            patients=self._patients(whole),
        )
        receipt = replace(receipt, media=(medium,))
        return replace(receipt, state=INCOMPLETE if receipt.counts.rejected or counts_close(receipt) else COMPLETE)

    def _patients(self, whole: Volume) -> tuple[PatientLine, ...]:
        """Return who is on the medium now; what the records do not tell of a person is that of the earlier receipt."""
        entry = self.held.entry
        told = {(line.name, line.id): line for line in (entry.patients if entry else ())}

        def line_of(line: PatientLine) -> PatientLine:
            was = told.get((line.name, line.id), line)
            birth_date = line.birth_date or was.birth_date
            # Records are in UTF-8 where they must be; which language it is, the first instances told.
            return replace(line, birth_date=birth_date, character_set=was.character_set or line.character_set)

        return tuple(map(line_of, patient_lines(whole.content, PLACEHOLDER_DATE)))

    def _kept(self) -> tuple[FileEntry, ...]:
        """Return what the earlier receipt says of the instances that stay."""
        if self.held.entry is None:
            return ()
        told = {file.path: file for file in self.held.entry.files if file.sop_instance_uid}
        found = ((told.get("/".join(file_id)), file_id) for file_id in self.kept)
        return tuple(self.unknown[file_id] if file is None else file for file, file_id in found)

    def _with_kept(self, receipt: Receipt, files: tuple[FileEntry, ...]) -> Receipt:
        kept = len(self.kept)
        (medium,) = receipt.media
        medium = replace(medium, files=files, instances=medium.instances + kept)
        return replace(receipt, media=(medium,), counts=replace(receipt.counts, kept=kept, removed=self.removed))


def _written(name: str, data: bytes) -> FileEntry:
    return FileEntry(name, len(data), hashlib.sha256(data).hexdigest())


_NOTHING: Attributes = {}
