"""Put what only a person may decide into words, identities apart, and say what was tolerated without asking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mediacreator.model import Conflict, ConflictKind, Finding, Severity, SourceFile, source_location
from mediacreator.select.batches import Batch
from mediacreator.select.identity import Identity, differing_keywords
from mediacreator.select.names import Same, compare_names
from mediacreator.select.persons import People, Question, Settled

TAGS = {
    "PatientName": "(0010,0010)",
    "PatientID": "(0010,0020)",
    "IssuerOfPatientID": "(0010,0021)",
    "PatientBirthDate": "(0010,0030)",
    "PatientSex": "(0010,0040)",
}
"""Of what persons are told apart by, as people read them."""

_CLAUSES = {"patient-id-shared": "PS3.3 F.5.1", "study-shared": "PS3.3 F.5.2", "same-person": "PS3.3 F.5.1; F.5.2"}


def person_conflict(question: Question, people: People, by_side: Mapping[int, Sequence[Batch]]) -> Conflict:
    """Return a question between sides as a Conflict.

    Args:
        question: With the sides that take part.
        people: To look sides up.
        by_side: What is kept of each side.
    """
    locations = ", ".join(source_location(_first(by_side[side])) for side in question.sides[:8])
    differ = ", ".join(f"{keyword} {TAGS[keyword]}" for keyword in question.keywords)
    confirm = question.kind is ConflictKind.SAME_PERSON
    if question.code == "study-shared":
        what, expected = (
            f"one StudyInstanceUID (0020,000D) under patients that differ in {differ}",
            "one patient a study",
        )
    elif question.code == "patient-id-shared":
        what, expected = f"one PatientID (0010,0020) under patients that differ in {differ}", "one person a Patient ID"
    else:
        what, expected = f"perhaps one person: {differ} does not tell", "a person's word that it is the same one"
    remedy = (
        f"If it is the same person, say --same-patient {question.number}. If not, "
        + ("use --separate" if question.exclusive else "use --multi-patient or --separate")
        + ", or leave one out with --study."
        if confirm
        else "Find out whose they are. Use --separate for a File-set each, or leave one out with --study or --series."
    )
    finding = Finding(
        question.code,
        Severity.ERROR,
        source_location(_first(by_side[question.sides[0]])),
        f"{what} ({locations})",
        expected,
        _CLAUSES[question.code],
        remedy,
    )
    return _conflict(question.number, question.kind, finding, [by_side[side] for side in question.sides])


def several_patients(number: int, settled: Settled, people: People, by_side: Mapping[int, Sequence[Batch]]) -> Conflict:
    """Return the refusal to put several patients on one medium unasked."""
    persons = [[batch for side in sides for batch in by_side[side]] for sides in settled.persons]
    finding = Finding(
        "several-patients",
        Severity.ERROR,
        source_location(min(map(_first, persons))),
        f"the sources hold instances of {settled.if_confirmed} patients",
        "one patient",
        "",
        "Choose one with --patient ID, or say --multi-patient for one File-set or --separate for a File-set each.",
    )
    return _conflict(number, ConflictKind.DIFFERENT_PERSONS, finding, persons)


def written_differently(persons: Iterable[Sequence[Batch]]) -> Iterator[Finding]:
    """Yield one Finding for each person whose instances do not all state the identity alike."""
    for batches in persons:
        identities = list(dict.fromkeys(batch.identity for batch in batches))
        if len(identities) < 2:
            continue
        keywords = differing_keywords(identities)
        differ = ", ".join(f"{keyword} {TAGS[keyword]}" for keyword in keywords)
        plain = keywords == ("PatientName",) and all(_plainly_equal(identities[0], other) for other in identities[1:])
        yield Finding(
            "identity-written-differently",
            Severity.NOTE if plain else Severity.WARNING,
            source_location(_first(batches)),
            f"instances of one patient state {differ} in {len(identities)} ways",
            "one way to write the identity of a patient",
            "PS3.3 F.5.1",
            "The directory has one record for the patient; the instances are unchanged. Correct them in the archive.",
        )


def duplicate_identities(settled: Settled, people: People, by_side: Mapping[int, Sequence[Batch]]) -> Iterator[Finding]:
    """Yield a Finding where two patients have the same name and birth date under different Patient IDs."""
    alike: dict[tuple[str, str], list[int]] = {}  # first sources of the persons with one name and birth date
    for sides in settled.persons:
        batches = [batch for side in sides for batch in by_side[side]]
        stated = {batch.identity for batch in batches if batch.identity.birth_date and batch.identity.patient_id}
        for key in sorted({(form, identity.birth_date) for identity in stated for form in identity.name.forms}):
            alike.setdefault(key, []).append(_first(batches))
    for sources in dict.fromkeys(tuple(sources) for sources in alike.values() if len(sources) > 1):
        yield Finding(
            "one-name-two-patient-ids",
            Severity.WARNING,
            source_location(sources[0]),
            f"PatientName (0010,0010) and PatientBirthDate (0010,0030) are the same under {len(sources)} Patient IDs "
            f"({', '.join(map(source_location, sources[:8]))})",
            "one Patient ID a person",
            "PS3.3 F.5.1",
            "They are treated as different patients. If they are one, have the archive merge them.",
        )


def _plainly_equal(one: Identity, other: Identity) -> bool:
    """Tell whether two names differ in case, delimiters and spaces only."""
    texts = ["".join(i.name_text.casefold().replace("^", " ").replace("=", " ").split()) for i in (one, other)]
    return texts[0] == texts[1] and compare_names(one.name, other.name) is Same.EQUAL


def _conflict(number: int, kind: ConflictKind, finding: Finding, sides: Sequence[Sequence[Batch]]) -> Conflict:
    return Conflict(
        number,
        kind,
        finding,
        tuple(tuple(_sources(batches)) for batches in sides),
        tuple(_shown(batches) for batches in sides),
    )


def _sources(batches: Sequence[Batch]) -> list[SourceFile]:
    return sorted((header.source for batch in batches for header in batch.headers), key=lambda source: source.number)


def _shown(batches: Sequence[Batch]) -> str:
    """Return one side as a person reads it: for an interactive terminal only."""
    identities = sorted({batch.identity for batch in batches}, key=lambda identity: identity.order)
    studies = len({batch.study_uid for batch in batches})
    instances = sum(len(batch.headers) for batch in batches)
    counted = f"{studies} {'study' if studies == 1 else 'studies'}, {instances} instance{'s' * (instances != 1)}"
    return f"{identities[0].shown()}: {counted}"


def _first(batches: Sequence[Batch]) -> int:
    return min(batch.first for batch in batches)
