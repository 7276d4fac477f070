"""README.TXT: who made the medium, with what, how it is organised, what to do if it does not open.

Plain ASCII with CR LF in lines of at most 79 columns. It names no patient and nothing of one, so that it can lie on
every medium of a site. Source: IHE RAD TF-2 4.47 (README.TXT), IHE ITI TF-2 3.32.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mediacreator import __version__
from mediacreator.content import README, words
from mediacreator.content.pages import DISCLAIMER, contact_lines, institution_lines, rendered, wrapped
from mediacreator.model import Attributes, ContentFile, Origin, Volume
from mediacreator.settings import Settings


def readme_txt(
    volume: Volume,
    profile: str,
    settings: Settings,
    origin: Origin,
    *,
    placeholder_date: str = "",
    placeholder_time: str = "",
) -> ContentFile:
    """Make README.TXT of a medium.

    Args:
        volume: Decides which notes on filled-in values stand in it, how many media there are, whether it is marked as
            checked for viruses, and nothing else.
        profile: Identifier of the application profile.
        settings: Institution, contact and disclaimer.
        origin: When the medium is made.
        placeholder_date: The date that stands for an unknown one, DA; explained where this medium has one.
        placeholder_time: The time that stands for an unknown one, TM; likewise.
    """
    filled = _filled(volume)
    dates = {keyword: values for keyword, values in filled.items() if _is_date(keyword)}
    moments = {value for values in dates.values() for value in values}
    unknown = {value for value in moments if _stands_for(value, placeholder_date, placeholder_time)}
    text = rendered(
        "README.TXT.j2",
        {
            "institution": _block(institution_lines(settings), settings.institution.ascii_name),
            "contact": _block(contact_lines(settings), "", "   "),
            "version": __version__,
            "vendor_contact": wrapped(
                words.ascii_text(settings.texts.vendor_contact) or "Questions about the program go to the institution.",
                " " * 13,
            ),
            "created": origin.created.date().isoformat(),
            "profile": profile,
            "folders": sorted({file.file_id[0] for file in volume.files}),
            "checked": _checked(volume),
            "volume": volume.number,
            "volumes": volume.of,
            "filled": ", ".join(sorted(filled.keys() - dates.keys())),
            "borrowed": bool(moments - unknown),
            "unknown_date": placeholder_date if unknown - {placeholder_time} else "",
            "unknown_time": placeholder_time if placeholder_time in unknown else "",
            "disclaimer": wrapped(_ascii_lines(settings.texts.disclaimer) or DISCLAIMER),
        },
    )
    return ContentFile((README,), text.encode("ascii").replace(b"\n", b"\r\n"))


def _checked(volume: Volume) -> str:
    """Return the day of the check for viruses, and with what where that can be spelt in ASCII. Source: DRG 2.2.2."""
    check = volume.virus_check
    return "" if check is None else str(replace(check, scanner=words.ascii_text(check.scanner)))


def _filled(volume: Volume) -> dict[str, set[str]]:
    """Return the keywords filled in on this medium; the values of dates only, which are compared and never said."""
    filled: dict[str, set[str]] = {}
    for keys, keywords in _records(volume):
        for keyword in keywords:
            value = keys.get(keyword, b"") if _is_date(keyword) else b""
            filled.setdefault(keyword, set()).add(value.decode("ascii", "replace").strip(" \x00"))
    return filled


def _is_date(keyword: str) -> bool:
    """Tell whether a key holds a date or a time: filled in from the instances where they tell one, never made up."""
    return keyword.endswith(("Date", "Time"))


def _stands_for(value: str, placeholder_date: str, placeholder_time: str) -> bool:
    """Tell whether a DA, TM or DT value says that nobody knows."""
    return bool(value) and (
        value == placeholder_time or (bool(placeholder_date) and value.startswith(placeholder_date))
    )


def _records(volume: Volume) -> Iterator[tuple[Attributes, tuple[str, ...]]]:
    """Yield keys and filled keywords of each directory record."""
    for patient in volume.content.patients:
        yield patient.keys, patient.filled
        for study in patient.studies:
            yield study.keys, study.filled
            yield from ((series.keys, series.filled) for series in study.series)
    yield from ((instance.keys, instance.filled) for instance in volume.content.instances())


def _block(lines: Iterable[str], name: str, indent: str = "") -> str:
    """Spell lines in ASCII; what has no ASCII spelling stands in INDEX.HTM only, and that is said."""
    spelt = [words.ascii_text(line) for line in lines]
    if spelt and name:
        spelt[0] = name
    if not all(spelt):
        spelt = [*(line for line in spelt if line), "(More in INDEX.HTM, in letters that this text cannot hold.)"]
    return "\n".join(wrapped(line, f"   {indent}") for line in spelt)


def _ascii_lines(text: str) -> str:
    """Spell a text in ASCII, ``""`` where a part of it has no such spelling."""
    lines = [words.ascii_text(line) for line in text.splitlines() if line.strip()]
    return "\n".join(lines) if all(lines) else ""
