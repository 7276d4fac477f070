"""Names of persons and dates, as a table for people shows them."""

from __future__ import annotations

from mediacreator.cli.report import fit, plain, width


def person(name: str) -> str:
    """Show the component groups of a person's name: the first, the others in brackets (PS3.5 6.2.1)."""
    groups = [_group(group) for group in plain(name).split("=")]
    groups = [group for group in groups if group]
    if not groups:
        return "(no name)"
    return f"{groups[0]} ({', '.join(groups[1:])})" if len(groups) > 1 else groups[0]


def _group(group: str) -> str:
    """Show family name, given and middle names, prefix and suffix; a comma where letters need one."""
    family, *others = (part.strip() for part in group.split("^"))
    rest = " ".join(part for part in others if part)
    if not family or not rest:
        return family or rest
    return f"{family} {rest}" if width(family) > len(family) else f"{family}, {rest}"


def date(value: str) -> str:
    """Show a date with hyphens, and anything else as it stands, in ten columns."""
    if len(value) == 8 and value.isdigit():
        return f"{value[:4]}-{value[4:6]}-{value[6:]}"
    return fit(plain(value) or "no date", 10)
