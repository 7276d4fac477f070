"""Choose what goes on the medium: the whole stage, in the order of its rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mediacreator.errors import UsageError
from mediacreator.model import (
    Conflict,
    ConflictKind,
    Disposition,
    FileSetContent,
    Finding,
    Header,
    Scan,
    Selection,
)
from mediacreator.rules.claim import Claim
from mediacreator.select import duplicates, rejection
from mediacreator.select.admission import (
    HELD,
    HELD_ALREADY,
    UIDS,
    Admission,
    Refusal,
    admit,
    is_proper_uid,
    refuse_uid,
    tolerate_uid,
    uid_problem,
)
from mediacreator.select.asking import duplicate_identities, person_conflict, several_patients, written_differently
from mediacreator.select.batches import Batch, Levels, batches_of
from mediacreator.select.coverage import Coverage
from mediacreator.select.filtering import NOT_ASKED_FOR, filter_batches
from mediacreator.select.identity import Identities
from mediacreator.select.persons import People, Place, Settled, find_people, settle
from mediacreator.select.request import Comparer, SelectionRequest
from mediacreator.select.tree import Builder


def select(scan: Scan, claim: Claim, request: SelectionRequest, *, compare: Comparer) -> Selection:
    """Choose the instances of a File-set, say of every other why it is not there, and ask what only a person may tell.

    Args:
        scan: What the sources hold; only its headers are looked at.
        claim: What the medium can hold: an instance must be covered by one of its profiles.
        request: Filters, and the answers to Conflicts of an earlier call with the same sources.
        compare: Compares the content of instances with one SOP Instance UID; the only reading of files.

    Returns:
        Every header exactly once, accepted or with a Disposition. While there are Conflicts, no File-set.

    Raises:
        UsageError: The request answers a Conflict that these sources do not have.
        SourceChanged: A source changed since it was scanned.

    Source: PS3.4 I.4, PS3.11 X.3.1, X.3.3 and X.3.4, PS3.3 F.2.1 and F.5.1 to F.5.3.
    """
    return _Selecting(scan, claim, request, compare).run()


class _Selecting:
    """One call of ``select``: its steps share what they found."""

    def __init__(self, scan: Scan, claim: Claim, request: SelectionRequest, compare: Comparer) -> None:
        self._headers = sorted(scan.headers, key=lambda header: header.source.number)
        self._claim = claim
        self._request = request
        self._compare = compare
        self._levels = Levels.of(claim)
        self._dispositions: list[Disposition] = []
        self._findings: list[Finding] = []
        self._conflicts: list[Conflict] = []
        self._admissions: dict[str, Admission | Refusal] = {}
        self._people: People
        self._numbers = 0  # how many Conflicts these sources can raise

    def run(self) -> Selection:
        everything = batches_of(self._headers, self._levels)
        for batch in everything:
            admission = self._admission(batch.sop_class_uid)
            batch.admission = admission if isinstance(admission, Admission) else None
        self._people = find_people(_places(everything))
        held = [batch for batch in everything if batch.held]
        here = self._without_elsewhere([batch for batch in everything if not batch.held])
        batches = self._without_unusable(self._without_refused(self._without_filtered(here)))
        batches = self._without_duplicates(self._without_uncovered(self._without_rejected(batches)))
        batches = [batch for batch in batches if batch.headers]
        self._remark(batches)
        at_root = [batch for batch in batches if not batch.has_person]
        return self._file_sets([*held, *(batch for batch in batches if batch.has_person)], at_root)

    def _admission(self, sop_class_uid: str) -> Admission | Refusal:
        known = HELD_ALREADY if sop_class_uid == HELD else self._admissions.get(sop_class_uid)
        if known is None:
            known = admit(sop_class_uid, self._claim, self._request.private_sop_classes)
            self._admissions[sop_class_uid] = known
        return known

    def _side(self, batch: Batch) -> int:
        """Return whose instances these are; -1 where they are in no study."""
        return self._people.side_of.get((batch.identity, batch.study_uid), -1)

    def _without_elsewhere(self, batches: list[Batch]) -> list[Batch]:
        """Leave out what goes on another medium: it tells who is who, and what became of it is said there."""
        elsewhere = self._request.elsewhere
        if not elsewhere:
            return batches
        here = (batch.with_headers([h for h in batch.headers if h.source.number not in elsewhere]) for batch in batches)
        return [batch for batch in here if batch.headers]

    def _without_filtered(self, batches: list[Batch]) -> list[Batch]:
        """Leave out what was not asked for."""
        if not self._request.filtered:
            return batches
        filtered = filter_batches(batches, self._request, self._people, self._side)
        for batch in filtered.out:
            self._dispositions.extend(map(NOT_ASKED_FOR.of, batch.headers))
        self._findings.extend(filtered.findings)
        return filtered.kept

    def _without_refused(self, batches: list[Batch]) -> list[Batch]:
        """Leave out SOP Classes that cannot be on the medium."""
        kept = []
        for batch in batches:
            admission = self._admission(batch.sop_class_uid)
            if isinstance(admission, Refusal):
                self._dispositions.extend(map(admission.of, batch.headers))
            else:
                kept.append(batch)
        return kept

    def _without_unusable(self, batches: list[Batch]) -> list[Batch]:
        """Leave out instances whose UIDs nobody can use; warn of odd ones."""
        odd: dict[tuple[str, str], list[Header]] = {}
        kept = []
        proper_studies = {uid for uid in {batch.study_uid for batch in batches} if is_proper_uid(uid)}
        for batch in batches:
            if (
                batch.study_uid in proper_studies
                and is_proper_uid(batch.series_uid)
                and all(map(is_proper_uid, [header.sop_instance_uid for header in batch.headers]))
            ):
                kept.append(batch)
                continue
            refusal = self._refusal_above(batch, odd)
            if refusal is not None:
                self._dispositions.extend(map(refusal.of, batch.headers))
                continue
            kept.append(self._with_usable_instances(batch, odd))
        for (keyword, problem), headers in odd.items():
            location = headers[0].source.location
            self._findings.append(tolerate_uid(keyword, UIDS[keyword], problem, location, len(headers)))
        return kept

    def _refusal_above(self, batch: Batch, odd: dict[tuple[str, str], list[Header]]) -> Refusal | None:
        """Check the UIDs of study and series, which objects that belong to no patient do not have."""
        if not batch.has_person:
            return None
        for keyword, uid in (("StudyInstanceUID", batch.study_uid), ("SeriesInstanceUID", batch.series_uid)):
            problem = uid_problem(uid)
            if problem.startswith("!"):
                return refuse_uid(keyword, UIDS[keyword], problem)
            if problem:
                odd.setdefault((keyword, problem), []).extend(batch.headers)
        return None

    def _with_usable_instances(self, batch: Batch, odd: dict[tuple[str, str], list[Header]]) -> Batch:
        improper = [header for header in batch.headers if not is_proper_uid(header.sop_instance_uid)]
        unusable = set()
        for header in improper:
            problem = uid_problem(header.sop_instance_uid)
            if problem.startswith("!"):
                refusal = refuse_uid("SOPInstanceUID", UIDS["SOPInstanceUID"], problem)
                self._dispositions.append(refusal.of(header))
                unusable.add(header.source.number)
            else:
                odd.setdefault(("SOPInstanceUID", problem), []).append(header)
        if not unusable:
            return batch
        return batch.with_headers([header for header in batch.headers if header.source.number not in unusable])

    def _without_rejected(self, batches: list[Batch]) -> list[Batch]:
        """Leave out rejection notes and what they reject."""
        notes, said = rejection.rejection_notes(self._headers)
        self._findings.extend(said)
        if not notes:
            return batches
        self._findings.extend(rejection.remarks(notes, {header.sop_instance_uid for header in self._headers}))
        by_uid = {uid: note for note in reversed(notes) for uid in note.rejects}
        if self._request.include_rejected:
            kept_uids = {header.sop_instance_uid for batch in batches for header in batch.headers}
            for note in notes:
                count = len(note.rejects & kept_uids)
                if count:
                    self._findings.append(rejection.kept_all_the_same(note, count))
            return batches
        by_source = {note.header.source.number: note for note in notes}
        kept = []
        for batch in batches:
            headers = []
            for header in batch.headers:
                if header.source.number in by_source:
                    self._dispositions.append(rejection.note_left_out(by_source[header.source.number]))
                elif header.sop_instance_uid in by_uid:
                    self._dispositions.append(rejection.left_out(header, by_uid[header.sop_instance_uid]))
                else:
                    headers.append(header)
            kept.append(batch.with_headers(headers))
        return kept

    def _without_uncovered(self, batches: list[Batch]) -> list[Batch]:
        """Leave out what no profile covers; note the profiles that cover the others."""
        covered = Coverage(self._claim).of(batches)
        self._dispositions.extend(covered.dispositions)
        self._findings.extend(covered.findings)
        return list(covered.batches)

    def _without_duplicates(self, batches: list[Batch]) -> list[Batch]:
        """Take each SOP Instance once."""
        uids = duplicates.duplicate_uids(self._headers)
        self._numbers = len(self._people.questions)
        first = self._numbers + 1
        self._numbers += len(uids)
        self._check_answers(first, len(uids))
        if not uids:
            return batches
        here = duplicates.by_uid((header for batch in batches for header in batch.headers), uids)
        # Every UID keeps its number, whatever is filtered: an answer fits one question for ever.
        several = {
            number: sorted(here[uid], key=lambda header: header.source.number)
            for number, uid in enumerate(uids, first)
            if len(here[uid]) > 1
        }
        identities = Identities()
        resolved = duplicates.resolve(
            several,
            compare_content=self._compare,
            identity_of=lambda header: identities.of_attributes(header.attributes),
            take=self._request.take,
        )
        self._dispositions.extend(resolved.dispositions)
        self._findings.extend(resolved.findings)
        self._conflicts.extend(resolved.conflicts)
        if not resolved.dropped:
            return batches
        return [
            batch.with_headers([h for h in batch.headers if h.source.number not in resolved.dropped])
            for batch in batches
        ]

    def _check_answers(self, first: int, count: int) -> None:
        """Refuse an answer to a question that does not exist: it was meant for other sources.

        Raises:
            UsageError: There is no such Conflict, or it is of another kind.
        """
        confirmable = {q.number for q in self._people.questions if q.kind is ConflictKind.SAME_PERSON}
        for number in sorted(self._request.same_patient - confirmable):
            raise UsageError(f"--same-patient {number}: these sources raise no such question about persons")
        for number in sorted(self._request.take.keys() - set(range(first, first + count))):
            raise UsageError(f"--take {number}={self._request.take[number]}: these sources have no such duplicates")

    def _remark(self, batches: list[Batch]) -> None:
        """Say once of each SOP Class what is to be said of it."""
        seen: dict[str, int] = {}
        for batch in batches:
            seen[batch.sop_class_uid] = seen.get(batch.sop_class_uid, 0) + len(batch.headers)
        for batch in batches:
            count = seen.pop(batch.sop_class_uid, 0)
            if count and batch.admission is not None and batch.admission.remark is not None:
                remark = batch.admission.remark
                what = f"{remark.what}, in {count} instances" if count > 1 else remark.what
                self._findings.append(replace(remark, location=batch.headers[0].source.location, what=what))

    def _file_sets(self, batches: list[Batch], at_root: list[Batch]) -> Selection:
        by_side: dict[int, list[Batch]] = {}
        for batch in batches:
            by_side.setdefault(self._side(batch), []).append(batch)
        settled = settle(self._people, by_side.keys(), self._request)
        self._ask(settled, by_side)
        persons = [_in_order(batch for side in sides for batch in by_side[side]) for sides in settled.persons]
        self._findings.extend(written_differently(person for person in persons if not all(b.held for b in person)))
        content: tuple[FileSetContent, ...] = ()
        if not self._conflicts:
            content = self._build(persons, at_root)
        return Selection(
            content,
            tuple(sorted(self._dispositions, key=lambda disposition: disposition.source.number)),
            tuple(self._findings),
            tuple(sorted(self._conflicts, key=lambda conflict: conflict.number)),
        )

    def _ask(self, settled: Settled, by_side: Mapping[int, Sequence[Batch]]) -> None:
        for question in settled.open:
            self._conflicts.append(person_conflict(question, self._people, by_side))
        self._findings.extend(duplicate_identities(settled, self._people, by_side))
        if settled.if_confirmed > 1 and not (self._request.multi_patient or self._request.separate):
            self._conflicts.append(several_patients(self._numbers + 1, settled, self._people, by_side))

    def _build(self, persons: list[list[Batch]], at_root: list[Batch]) -> tuple[FileSetContent, ...]:
        builder = Builder(self._claim, self._levels, (side.patient_id for side in self._people.sides))
        apart = [[person] for person in persons] if self._request.separate else [persons]
        content: list[FileSetContent] = []
        for together in apart or [[]]:
            if together or at_root:
                built = builder.build(together, [] if content else at_root)
                content.append(built.content)
                self._findings.extend(built.findings)
        return tuple(content)


def _places(batches: Iterable[Batch]) -> dict[Place, int]:
    """Return where each identity is met, with the number of its first source."""
    found: dict[Place, int] = {}
    unusable = set()
    for batch in batches:
        place = (batch.identity, batch.study_uid)
        known = found.get(place)
        if known is not None:
            if batch.first < known and batch.has_person:
                found[place] = batch.first
        elif batch.has_person and batch.study_uid not in unusable:
            if uid_problem(batch.study_uid).startswith("!"):
                unusable.add(batch.study_uid)
            else:
                found[place] = batch.first
    return found


def _in_order(batches: Iterable[Batch]) -> list[Batch]:
    return sorted(batches, key=lambda batch: batch.first)
