"""INDEX.HTM: what is on this very medium, in words, for whoever puts it into a computer.

Valid XHTML 1.0 Strict, UTF-8, static: no script, no reference to anything outside the medium, and no CSS. The rules
for web content on media that IHE and the DRG (3.2.1.10) give forbid style sheets; tables with the attributes of
XHTML 1.0 Strict are readable without, also on a phone. Source: IHE RAD TF-2 4.47 (INDEX.HTM).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from mediacreator import __version__
from mediacreator.content import INDEX, README, RECEIPT, words
from mediacreator.content.manifest import Text, absent, patient_parts, root_line, total_line
from mediacreator.content.pages import DISCLAIMER, PRIVACY, contact_lines, institution_lines, rendered
from mediacreator.model import ContentFile, Disposition, Missing, Origin, Outcome, Volume
from mediacreator.settings import Settings


def index_htm(
    volume: Volume,
    profile: str,
    settings: Settings,
    origin: Origin,
    *,
    dispositions: Iterable[Disposition] = (),
    missing: Iterable[Missing] = (),
    placeholder_date: str = "",
) -> ContentFile:
    """Make INDEX.HTM of a medium. It names patients: only the medium may hold it.

    Args:
        volume: The medium, its studies and series in the order of the DICOMDIR.
        profile: Identifier of the application profile.
        settings: Institution, contact, privacy note and disclaimer.
        origin: When the medium is made.
        dispositions: What was found and is not on a medium: of scan, selection and transcoding. Counted, not named.
        missing: What a DICOMDIR among the sources promises and is not there.
        placeholder_date: The StudyDate that stands for an unknown one, DA; such a date is shown as unknown.
    """
    dispositions, missing = tuple(dispositions), tuple(missing)
    count = len(dispositions) + len(missing)
    rejected = sum(1 for entry in dispositions if entry.outcome is Outcome.REJECTED) + len(missing)
    patients = patient_parts(volume.content, placeholder_date)
    text = rendered(
        "INDEX.HTM.j2",
        {
            "institution": _texts(institution_lines(settings)),
            "contact": _texts(contact_lines(settings)),
            "privacy": words.clean(settings.texts.privacy) or PRIVACY,
            "disclaimer": words.clean(settings.texts.disclaimer) or DISCLAIMER,
            "total": total_line(volume.content),
            "root": root_line(volume.content),
            "checked": _texts([str(volume.virus_check)] if volume.virus_check else []),
            "volume": volume.number,
            "volumes": volume.of,
            "patients": patients,
            "readme": README,
            "receipt": RECEIPT,
            "absent": absent(dispositions, missing),
            "absent_count": _files(count),
            "incomplete": _files(rejected) if rejected else "",
            "created": _moment(origin.created),
            "version": __version__,
            "profile": profile,
            "file_set_id": volume.file_set_id,
        },
    )
    return ContentFile((INDEX,), text.encode("utf-8"))


def _moment(created: datetime) -> str:
    """Return date, minute and zone as a person writes them: 2026-03-04 05:06 UTC+02:00."""
    zone = created.isoformat()[19:]
    return f"{created:%Y-%m-%d %H:%M} UTC{zone if zone != '+00:00' else ''}"


def _files(count: int) -> str:
    return f"{count:,} {'file' if count == 1 else 'files'}"


def _texts(lines: Iterable[str]) -> tuple[Text, ...]:
    cleaned = (words.clean(line) for line in lines)
    return tuple(Text(words.breakable(line), words.direction(line)) for line in cleaned)
