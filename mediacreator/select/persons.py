"""Divide instances among persons, and ask where only a person can tell (the identity firewall).

A *place* is an identity in a study. Places form *sides*: certainly one person. Between sides stand *questions*: a
CONFIRM that is answered by its number, or a stop. All sources are looked at, filtered or not, so that a question keeps
its number whatever else is asked for, and so that an instance outside a filter can still warn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from mediacreator.model import ConflictKind
from mediacreator.select.identity import MANY, Grade, Identity, cluster, compare, worst
from mediacreator.select.request import SelectionRequest

Place = tuple[Identity, str]
"""An identity, and the Study Instance UID it is met in."""


@dataclass(slots=True, eq=False)
class Side:
    """Places that are certainly one person's."""

    number: int
    patient_id: str  # "" where no instance has one
    identities: list[Identity]
    first: int = 0  # number of its first source
    studies: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Question:
    """What stands between sides."""

    kind: ConflictKind  # SAME_PERSON can be confirmed, DIFFERENT_PERSONS cannot
    code: str  # of its Finding
    sides: tuple[int, ...]  # indexes into People.sides, in order of first appearance
    keywords: tuple[str, ...]  # that differ
    exclusive: bool  # as different persons they could not share a File-set: one Patient ID or one study
    number: int = 0


@dataclass(frozen=True, slots=True)
class People:
    """Everyone in the sources."""

    sides: tuple[Side, ...]
    side_of: Mapping[Place, int]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """Who goes on the medium, and what must be asked first."""

    persons: tuple[tuple[int, ...], ...]  # sides of each, by first appearance
    open: tuple[Question, ...]  # with the sides that take part still
    if_confirmed: int  # persons there would be if every open question were answered with yes


def find_people(places: Mapping[Place, int]) -> People:
    """Divide places into sides and tell what stands between them.

    Args:
        places: The number of the first source of each. Whatever their order, the same sides come out.
    """
    return _Analysis(places).people()


def matching_sides(people: People, patients: Set[str], same_patient: Set[int]) -> set[int]:
    """Return the sides that a filter by Patient ID lets through.

    A side without Patient ID counts where it shares a study with one that matches, though it is not settled yet whether
    it is the same person's: else its instances would be left off as not asked for. So does one confirmed to be.
    """
    matching = {side.number for side in people.sides if side.patient_id in patients}
    found = set(matching)
    for question in people.questions:
        confirmed = question.number in same_patient
        asked = question.kind is ConflictKind.SAME_PERSON and (question.exclusive or confirmed)
        if asked and matching & set(question.sides):
            found |= {side for side in question.sides if confirmed or not people.sides[side].patient_id}
    return found


def settle(people: People, kept: Set[int], request: SelectionRequest) -> Settled:
    """Apply the answers of a request to the questions between the sides of which something is kept."""
    roots = _Union(len(people.sides))
    held = {side.number: dict.fromkeys(side.identities) for side in people.sides}
    for question in people.questions:
        if question.kind is ConflictKind.SAME_PERSON and question.number in request.same_patient:
            _confirm(roots, held, question)
    undecided = tuple(_still_open(people, roots, kept, request))
    persons: dict[int, list[int]] = {}
    for number in sorted(kept, key=lambda number: people.sides[number].first):
        persons.setdefault(roots.find(number), []).append(number)
    for question in undecided:
        for other in question.sides[1:]:
            roots.join(question.sides[0], other)
    return Settled(tuple(map(tuple, persons.values())), undecided, len({roots.find(number) for number in kept}))


class _Union:
    """Disjoint sets of sides."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def join(self, one: int, other: int) -> None:
        self._parent[self.find(other)] = self.find(one)


def _confirm(roots: _Union, held: dict[int, dict[Identity, None]], question: Question) -> None:
    """Join the sides of a confirmed question, but never two that contradict each other: a chain of yes is no proof.

    Args:
        roots: Which sides are one person.
        held: The identities of each person, by the root of its sides.
        question: What was answered with yes.
    """
    for other in question.sides[1:]:
        one, two = roots.find(question.sides[0]), roots.find(other)
        new = [identity for identity in held[two] if identity not in held[one]]
        if one != two and worst(held[one], new) is not Grade.DIFFERENT:
            roots.join(one, two)
            held[one].update(dict.fromkeys(new))


def _still_open(people: People, roots: _Union, kept: Set[int], request: SelectionRequest) -> Iterator[Question]:
    if request.separate:
        return  # each person in a File-set of their own answers everything
    for question in people.questions:
        by_root = {roots.find(side): side for side in reversed(question.sides) if side in kept}
        if len(by_root) < 2 or (request.multi_patient and not question.exclusive):
            continue
        sides = tuple(side for side in question.sides if side in kept)
        if question.kind is ConflictKind.DIFFERENT_PERSONS and not _any_different(people, roots, sides):
            continue  # who made it a stop is not on the medium; the others are asked about one by one
        yield Question(question.kind, question.code, sides, question.keywords, question.exclusive, question.number)


def _any_different(people: People, roots: _Union, sides: tuple[int, ...]) -> bool:
    """Tell whether two of these sides contradict each other and are not one person."""
    return len(sides) > MANY or any(
        roots.find(one) != roots.find(other) and _contradiction(people.sides[one], people.sides[other])
        for index, one in enumerate(sides)
        for other in sides[:index]
    )


class _Analysis:
    """Builds sides and questions, once."""

    def __init__(self, places: Mapping[Place, int]) -> None:
        self._first = places
        self._studies: dict[Identity, set[str]] = {}
        for identity, study in places:
            self._studies.setdefault(identity, set()).add(study)
        self._sides: list[Side] = []
        self._side_of: dict[Place, int] = {}
        self._questions: dict[tuple[ConflictKind, frozenset[int]], Question] = {}

    def people(self) -> People:
        self._divide_by_patient_id()
        self._divide_by_study()
        self._ask_about_studies()
        self._divide_by_name()
        for place, number in self._side_of.items():
            side = self._sides[number]
            side.studies.add(place[1])
            side.first = min(side.first or self._first[place], self._first[place])
        return People(tuple(self._sides), self._side_of, self._numbered())

    def _numbered(self) -> tuple[Question, ...]:
        """Number questions by the sources that they are about."""
        found = []
        for question in self._questions.values():
            sides = sorted(question.sides, key=lambda side: self._sides[side].first)
            found.append((tuple(sides), question))
        found.sort(key=lambda row: ([self._sides[side].first for side in row[0]], row[1].kind.value))
        return tuple(
            Question(old.kind, old.code, sides, old.keywords, old.exclusive, number)
            for number, (sides, old) in enumerate(found, 1)
        )

    def _new_side(self, identities: list[Identity], patient_id: str = "") -> Side:
        side = Side(len(self._sides), patient_id, identities)
        self._sides.append(side)
        return side

    def _ask(
        self, kind: ConflictKind, code: str, sides: Iterable[Side], keywords: tuple[str, ...], *, exclusive: bool
    ) -> None:
        numbers = tuple(dict.fromkeys(side.number for side in sides))
        self._questions.setdefault((kind, frozenset(numbers)), Question(kind, code, numbers, keywords, exclusive))

    def _divide_by_patient_id(self) -> None:
        """Make sides of the identities under each Patient ID (unique among PATIENT records, PS3.3 F.5.1)."""
        by_id: dict[str, list[Identity]] = {}
        for identity in self._studies:
            if identity.patient_id:
                by_id.setdefault(identity.patient_id, []).append(identity)
        for patient_id in sorted(by_id):
            groups = cluster(by_id[patient_id], near=self._studies)
            sides = [self._new_side(group, patient_id) for group in groups]
            for side in sides:
                for identity in side.identities:
                    self._side_of.update({(identity, study): side.number for study in self._studies[identity]})
            self._ask_between(sides, "patient-id-shared")

    def _divide_by_study(self) -> None:
        """Give instances without Patient ID to the person of their study, or make a new one (PS3.3 F.5.2)."""
        by_study: dict[str, list[Identity]] = {}
        with_id: dict[str, set[int]] = {}
        for identity, study in self._first:
            if identity.patient_id:
                with_id.setdefault(study, set()).add(self._side_of[identity, study])
            else:
                by_study.setdefault(study, []).append(identity)
        for study in sorted(by_study):
            here = by_study[study]
            there = [self._sides[number] for number in sorted(with_id.get(study, ()))]
            seeds = [[identity for identity in side.identities if identity not in here] for side in there]
            groups = cluster(here, seeds, near=self._studies)
            for number, group in enumerate(groups):
                side = there[number] if number < len(there) else self._new_side(group)
                side.identities = list(dict.fromkeys((*side.identities, *group)))
                for identity in group:
                    if not identity.patient_id and (identity, study) in self._first:
                        self._side_of[identity, study] = side.number

    def _ask_about_studies(self) -> None:
        """Ask about every study that more than one side has a part in."""
        by_study: dict[str, set[int]] = {}
        for (_, study), number in self._side_of.items():
            by_study.setdefault(study, set()).add(number)
        for study in sorted(by_study):
            if len(by_study[study]) > 1:
                self._ask_between([self._sides[number] for number in sorted(by_study[study])], "study-shared")

    def _ask_between(self, sides: list[Side], code: str) -> None:
        """Ask about sides that share a Patient ID or a study: a stop if any two are different, else one by one."""
        different: dict[str, None] = {}
        if len(sides) > MANY:  # nobody answers thousands of questions about one Patient ID
            self._ask(ConflictKind.DIFFERENT_PERSONS, code, sides, ("PatientName",), exclusive=True)
            return
        for index, side in enumerate(sides):
            for other in sides[:index]:
                keywords = _contradiction(other, side)
                different.update(dict.fromkeys(keywords))
                if not keywords:
                    self._ask(ConflictKind.SAME_PERSON, "same-person", (other, side), ("PatientName",), exclusive=True)
        if different:
            self._ask(ConflictKind.DIFFERENT_PERSONS, code, sides, tuple(different), exclusive=True)

    def _divide_by_name(self) -> None:
        """Join persons without Patient ID over studies by name and birth date; ask where these do not tell."""
        blocks: dict[str, list[Side]] = {}
        for side in self._sides:
            for form in {form for identity in side.identities for form in identity.name.forms or ("",)}:
                if form or not side.patient_id:
                    blocks.setdefault(form, []).append(side)
        joined: dict[int, int] = {}
        for form in sorted(blocks):
            if len(blocks[form]) > 1 and not all(side.patient_id for side in blocks[form]):
                self._divide_block(blocks[form], joined)
        self._side_of = {place: _last(joined, number) for place, number in self._side_of.items()}
        for (kind, _), question in list(self._questions.items()):
            sides = tuple(dict.fromkeys(_last(joined, number) for number in question.sides))
            del self._questions[kind, frozenset(question.sides)]
            if len(sides) > 1:
                moved = Question(kind, question.code, sides, question.keywords, question.exclusive)
                self._questions.setdefault((kind, frozenset(sides)), moved)

    def _divide_block(self, block: list[Side], joined: dict[int, int]) -> None:
        """Look at sides that have a form of a name in common."""
        known = [side for side in block if side.patient_id][:MANY]
        twins: dict[frozenset[Identity], list[Side]] = {}  # the very same statement in several studies
        for side in sorted((s for s in block if not s.patient_id), key=lambda s: min(i.order for i in s.identities)):
            if side.number in joined:
                continue
            alike = twins.setdefault(frozenset(side.identities), [])
            if alike and _tells_enough(alike[0], side):
                joined[side.number] = alike[0].number
                continue
            alike.append(side)
            if len(alike) == 1 and not self._joins_known(side, known, joined) and len(known) < MANY:
                known.append(side)
        for alike in twins.values():
            if len(alike) > 1:
                keywords = ("PatientID", "PatientBirthDate")
                self._ask(ConflictKind.SAME_PERSON, "same-person", alike, keywords, exclusive=False)

    def _joins_known(self, side: Side, known: list[Side], joined: dict[int, int]) -> bool:
        """Join a side without Patient ID to one with the same name and birth date; else ask about those it may be."""
        fits = [other for other in known if worst(other.identities, side.identities) is Grade.EQUAL]
        nameless = [other for other in fits if not other.patient_id]
        if len(nameless) == 1 and _tells_enough(nameless[0], side):
            joined[side.number] = nameless[0].number
            nameless[0].identities = list(dict.fromkeys((*nameless[0].identities, *side.identities)))
            return True
        for other in fits:
            self._ask(ConflictKind.SAME_PERSON, "same-person", (other, side), ("PatientID",), exclusive=False)
        return False


def _last(joined: Mapping[int, int], number: int) -> int:
    while number in joined:
        number = joined[number]
    return number


def _contradiction(one: Side, other: Side) -> tuple[str, ...]:
    """Return the keywords by which two sides that share a Patient ID or study are different persons; none: ask."""
    if one.patient_id and other.patient_id and one.patient_id != other.patient_id:
        return ("PatientID",)
    for first in one.identities:
        for second in other.identities:
            compared = compare(first, second)
            if compared.grade is Grade.DIFFERENT:
                return compared.keywords
    return ()


def _tells_enough(one: Side, other: Side) -> bool:
    """Tell whether both sides have a name and the same birth date: by these, persons without Patient ID are told."""
    dates = [{identity.birth_date for identity in side.identities} - {""} for side in (one, other)]
    return all(any(identity.name for identity in side.identities) for side in (one, other)) and bool(
        dates[0] & dates[1]
    )
