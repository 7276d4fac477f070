"""What lies on one medium, in the order in which it lies there."""

from __future__ import annotations

from mediacreator.directory import build_dicomdir
from mediacreator.image import DiscFile
from mediacreator.model import ContentFile, Origin, Volume, WrittenFile
from mediacreator.receipt import Job
from mediacreator.rules.claim import Claim
from mediacreator.select import PLACEHOLDER_DATE, PLACEHOLDER_TIME
from mediacreator.settings import Settings

DICOMDIR = "DICOMDIR"


def disc_files(job: Job, volume: Volume, claim: Claim, settings: Settings, origin: Origin) -> tuple[DiscFile, ...]:
    """Return every file of a medium in its order: what a reader needs first, the instances as the DICOMDIR lists them.

    The receipt that travels comes last: it holds the hashes of all others, so it is made while the medium is written.
    """
    from mediacreator.content import RECEIPT
    from mediacreator.content.index import index_htm
    from mediacreator.content.readme import readme_txt
    from mediacreator.receipt import travelling_json, travelling_receipt, travelling_size

    dicomdir = ContentFile((DICOMDIR,), build_dicomdir(volume, claim.keys_for))
    dispositions = (*job.scan.others, *job.dispositions)
    first = (
        dicomdir,
        readme_txt(
            volume,
            claim.id,
            settings,
            origin,
            placeholder_date=PLACEHOLDER_DATE,
            placeholder_time=PLACEHOLDER_TIME,
        ),
        index_htm(
            volume,
            claim.id,
            settings,
            origin,
            dispositions=dispositions,
            missing=job.scan.missing,
            placeholder_date=PLACEHOLDER_DATE,
        ),
    )
    receipt = travelling_receipt(job, volume, [(file.path, len(file.data)) for file in first])

    def made_last(written: tuple[WrittenFile, ...]) -> bytes:
        return travelling_json(receipt, {file.path: file.sha256 for file in written})

    created = origin.created
    return (
        *(DiscFile.of_bytes(file.path, file.data, created) for file in first),
        *(DiscFile.of_instance(file, created) for file in volume.files),
        DiscFile.of_late((RECEIPT,), travelling_size(receipt), created, made_last),
    )
