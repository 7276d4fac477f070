"""The facts of a label as blocks of text: what is large, what may shrink, what may be cut short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mediacreator.labels.facts import LabelFacts


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph."""

    text: str
    size: float  # points, if there is room
    least: float  # points: what is longer still is wrapped
    bold: bool = False
    lead: str = ""  # stands before it; its lines are indented behind


Item = tuple[Words, ...]
"""Paragraphs that stand or fall together."""


@dataclass(frozen=True, slots=True)
class Block:
    """What one box says."""

    items: tuple[Item, ...]
    may_be_cut: str = ""  # what the last items are called if they must be left out: "and 3 more studies"


def blocks(facts: LabelFacts) -> Mapping[str, Block]:
    """Return each block by the name that boxes have; empty ones too."""
    return {
        "institution": Block((tuple(_institution(facts)),)),
        "patient": Block(tuple(_patients(facts)), "patients" if len(facts.patients) > 1 else ""),
        "studies": Block(tuple(_studies(facts)), "studies"),
        "medium": Block((tuple(_medium(facts)),)),
        "contact": Block((tuple(_contact(facts)),)),
        "spine": Block((tuple(_spine(facts)),)),
    }


def _institution(facts: LabelFacts) -> Iterator[Words]:
    for number, line in enumerate(facts.institution):
        yield Words(line, 11 if number == 0 else 8, 7 if number == 0 else 5.5, bold=number == 0)


def _patients(facts: LabelFacts) -> Iterator[Item]:
    several = len(facts.patients) > 1
    large = 11.0 if several else 19.0
    for patient in facts.patients:
        names = [
            Words(name, large if number == 0 else large * 0.7, large * 0.55, bold=number == 0)
            for number, name in enumerate(patient.names)
        ]
        said = [(lead, value) for lead, value in (("ID", patient.id), ("born", patient.birth)) if value]
        if several:
            line = "   ".join(f"{lead} {value}" for lead, value in said)
            yield (*names, *([Words(line, 8, 5)] if line else []))
        else:
            yield (*names, *(Words(value, 10.5, 5, lead=lead) for lead, value in said))


def _studies(facts: LabelFacts) -> Iterator[Item]:
    for study in facts.studies:
        lead = "  ".join(filter(None, (study.date, study.modalities)))
        yield (Words(study.text, 9.5, 7.5, lead=lead) if study.text else Words(lead, 9.5, 7.5),)


def _medium(facts: LabelFacts) -> Iterator[Words]:
    if facts.number:
        yield Words(f"Medium {facts.number}", 11, 8, bold=True)
    if facts.content:
        yield Words(facts.content, 9, 7, bold=True)
    if facts.profile:
        yield Words(facts.profile, 7.5, 5.5)
    if facts.created:
        yield Words(facts.created, 7.5, 6, lead="Made")
    if facts.label:
        yield Words(facts.label, 7.5, 6, lead="Label")
    if facts.virus:
        yield Words(f"Checked for viruses on {facts.virus}", 7.5, 6)


def _contact(facts: LabelFacts) -> Iterator[Words]:
    for number, line in enumerate(facts.contact):
        yield Words(line, 8, 6, bold=number == 0 and len(facts.contact) > 1)


_ON_SPINE = 40  # letters of a name: all of it stands on the front


def _spine(facts: LabelFacts) -> Iterator[Words]:
    """Say in a line what a person looks for on a shelf."""
    names = [_short(patient.names[0]) for patient in facts.patients if patient.names][:1]
    more = [f"and {len(facts.patients) - 1} more"] if names and len(facts.patients) > 1 else []
    ids = [_short(patient.id) for patient in facts.patients if patient.id] if len(facts.patients) == 1 else []
    dates = sorted({study.date for study in facts.studies if study.date})
    span = [dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"] if dates else []
    parts = [*names, *more, *ids, *span, *([facts.number] if facts.number else [])]
    if parts:
        yield Words("  ·  ".join(parts), 9, 4, bold=True)


def _short(text: str) -> str:
    return text if len(text) <= _ON_SPINE else f"{text[:_ON_SPINE].rstrip()}…"
