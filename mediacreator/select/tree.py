"""Build the persons, studies, series and instances of a File-set, in the order of the medium (PS3.3 F.4).

Patients stand by first appearance, studies by date, time and UID, series and instances by number and UID. What
a record must have and the instances lack is filled in on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mediacreator.dicomio.elements import padded
from mediacreator.dicomio.text import decode_text
from mediacreator.model import (
    Attributes,
    FileSetContent,
    Finding,
    Header,
    Patient,
    Series,
    Severity,
    SOPInstance,
    Study,
)
from mediacreator.rules.claim import Claim
from mediacreator.rules.tables import Key
from mediacreator.select import fills
from mediacreator.select.batches import NO_NUMBER, Batch, Levels, number_of, uid_text
from mediacreator.select.fills import Fill, Moment
from mediacreator.select.gathering import gather, gathered_keys
from mediacreator.select.identity import IDENTITY_KEYWORDS, Identity


@dataclass(frozen=True, slots=True)
class Built:
    """A File-set, and what was done to make it."""

    content: FileSetContent
    findings: tuple[Finding, ...]


class Builder:
    """Builds the File-sets of one selection; holds what must be distinct among them."""

    def __init__(self, claim: Claim, levels: Levels, patient_ids: Iterable[str]) -> None:
        """Prepare.

        Args:
            claim: Whose keys the records need.
            levels: Made of the same Claim.
            patient_ids: All that exist in the sources: none of them may be filled in.
        """
        self._claim = claim
        self._levels = levels
        self._patient_ids = set(patient_ids)
        self._required: dict[tuple[str, tuple[str, ...]], tuple[Key, ...]] = {}
        self._gathered = {
            record: tuple(key for profile in claim.profiles for key in gathered_keys(profile.keys_for(record)))
            for record in ("PATIENT", "STUDY", "SERIES")
        }
        self._series_of: dict[str, str] = {}  # Series Instance UID -> Study Instance UID
        self._findings: list[Finding] = []
        self._said: dict[tuple[str, str, str], tuple[Fill, Header, int]] = {}  # fills of the study at hand

    def build(self, persons: Sequence[Sequence[Batch]], at_root: Sequence[Batch]) -> Built:
        """Return a File-set of some persons and of objects that belong to none."""
        self._findings, self._series_of = [], {}
        patients = tuple(self._patient(batches) for batches in persons)
        root = self._instances(at_root, fills.NO_MOMENT) if at_root else ()
        self._flush()
        return Built(FileSetContent(patients, root), tuple(self._findings))

    def _patient(self, batches: Sequence[Batch]) -> Patient:
        by_study: dict[str, list[Batch]] = {}
        for batch in batches:
            by_study.setdefault(batch.study_uid, []).append(batch)
        header = _speaker(batches, self._levels)
        filled: list[Fill] = []
        for key in self._lacking("PATIENT", header, batches):
            if key.keyword == "PatientID":
                uids = (min(by_study), min(batch.series_uid for batch in batches))
                patient_id = fills.filled_id(uids, 12, self._patient_ids)
                self._patient_ids.add(patient_id)
                how = f"{patient_id}, made from the UID of a study"
                filled.append(Fill(key, padded(patient_id.encode(), key.vr), how, Severity.WARNING))
            else:
                filled.extend(_word(key))
        keys = self._filled(header, "PATIENT", filled, self._shown(header, "PATIENT", batches))
        studies = [self._study(study_uid, by_study[study_uid]) for study_uid in by_study]
        studies.sort(key=_study_order)
        return Patient(keys, tuple(studies), tuple(fill.key.keyword for fill in filled))

    def _study(self, study_uid: str, batches: list[Batch]) -> Study:
        header = self._spokesman(batches, self._levels.study, "STUDY")
        filled: list[Fill] = []
        missing = self._lacking("STUDY", header, batches)
        if missing:
            filled = fills.fill_dates(missing, header.attributes, (h.attributes for b in batches for h in b.headers))
            for key in missing:
                if key.keyword == "StudyID":
                    study_id = fills.filled_id((study_uid,), 8, frozenset())
                    filled.append(
                        Fill(key, padded(study_id.encode(), key.vr), f"{study_id}, made from the study's UID")
                    )
                elif key.vr not in ("DA", "TM", "DT"):
                    filled.extend(_word(key))
        keys = self._filled(header, "STUDY", filled, self._shown(header, "STUDY", batches))
        by_series: dict[str, list[Batch]] = {}
        for batch in batches:
            by_series.setdefault(batch.series_uid, []).append(batch)
        moment = fills.study_moment(header.attributes)
        numbered: list[Series] = []
        without: list[tuple[Header, Series]] = []
        for series_uid, together in by_series.items():
            if self._series_of.setdefault(series_uid, study_uid) != study_uid:
                self._findings.append(_series_in_two_studies(together[0].headers[0]))
            self._series(together, moment, numbered, without)
        if without:
            numbered.extend(self._number_series(without, numbered))
        numbered.sort(key=lambda s: (number_of(s.keys, "SeriesNumber"), s.keys["SeriesInstanceUID"]))
        self._flush()
        return Study(keys, tuple(numbered), tuple(fill.key.keyword for fill in filled))

    def _series(
        self, batches: list[Batch], moment: Moment, numbered: list[Series], without: list[tuple[Header, Series]]
    ) -> None:
        """Add a series to those that have a number, or with the header that speaks for it to those without."""
        header = batches[0].headers[0] if len(batches) == 1 else self._spokesman(batches, self._levels.series, "SERIES")
        instances = self._instances(batches, moment)
        missing = self._lacking("SERIES", header, batches)
        shown = self._shown(header, "SERIES", batches)
        if not missing:
            numbered.append(Series(shown, instances))
            return
        filled = [fill for key in missing if key.keyword != "SeriesNumber" for fill in _word(key)]
        keys = self._filled(header, "SERIES", filled, shown)
        series = Series(keys, instances, tuple(fill.key.keyword for fill in filled))
        if any(key.keyword == "SeriesNumber" for key in missing):
            without.append((header, series))
        else:
            numbered.append(series)

    def _number_series(self, without: list[tuple[Header, Series]], numbered: list[Series]) -> Iterator[Series]:
        """Give a Series Number to each series of a study without one, in the order of the sources."""
        key = next(key for key in self._keys("SERIES") if key.keyword == "SeriesNumber")
        numbers = fills.fresh_numbers({number_of(s.keys, key.keyword) for s in numbered} - {NO_NUMBER})
        for header, series in sorted(without, key=lambda row: row[0].source.number):
            value = padded(str(next(numbers)).encode(), key.vr)
            keys = self._filled(
                header, "SERIES", [Fill(key, value, "numbers of the study that no other series has")], series.keys
            )
            yield Series(keys, series.instances, (*series.filled, key.keyword))

    def _instances(self, batches: Sequence[Batch], moment: Moment) -> tuple[SOPInstance, ...]:
        """Return the instances of one series, or of the root, in order and with their keys filled in."""
        rows: list[tuple[int, str, int, SOPInstance]] = []
        gaps: list[tuple[Header, Batch, list[Key]]] = []
        for batch in batches:
            admission = batch.admission
            assert admission is not None
            record_type, private_uid = admission.record_type, admission.private_record_uid
            if batch.held:
                rows += [(0, "", h.source.number, SOPInstance(h, record_type, h.attributes)) for h in batch.headers]
                continue
            profiles = batch.profiles
            keys = self._keys(record_type, profiles)
            ordinary = len(keys) == 1 and keys[0].keyword == "InstanceNumber"
            for header in batch.headers:
                attributes = header.attributes
                number = number_of(attributes, "InstanceNumber")
                if number == NO_NUMBER or not ordinary:
                    missing = fills.lacking(keys, attributes)
                    if missing:
                        gaps.append((header, batch, missing))
                        continue
                instance = SOPInstance(header, record_type, attributes, (), private_uid, profiles)
                rows.append((number, header.sop_instance_uid, header.source.number, instance))
        if gaps:
            rows.extend(self._fill_gaps(gaps, {row[0] for row in rows}, moment))
        if len(rows) == 1:
            return (rows[0][3],)
        rows.sort()
        return tuple([row[3] for row in rows])

    def _fill_gaps(
        self, gaps: list[tuple[Header, Batch, list[Key]]], numbers: set[int], moment: Moment
    ) -> list[tuple[int, str, int, SOPInstance]]:
        """Fill in what the records of instances lack."""
        gaps.sort(key=lambda gap: gap[0].source.number)
        numbers |= {number_of(header.attributes, "InstanceNumber") for header, _, _ in gaps}
        fresh = fills.fresh_numbers(numbers - {NO_NUMBER})
        rows = []
        for header, batch, missing in gaps:
            admission = batch.admission
            assert admission is not None
            filled = fills.fill_dates(missing, header.attributes, (header.attributes,), moment)
            number = number_of(header.attributes, "InstanceNumber")
            for key in missing:
                if key.keyword == "InstanceNumber":
                    number = next(fresh)
                    how = "numbers of the series that no other instance has"
                    filled.append(Fill(key, padded(str(number).encode(), key.vr), how))
                elif key.vr not in ("DA", "TM", "DT"):
                    filled.extend(_word(key, header.sop_class_uid))
            keys = self._filled(header, admission.record_type, filled)
            keywords = tuple(fill.key.keyword for fill in filled)
            stated = (header, admission.record_type, keys, keywords, admission.private_record_uid)
            instance = SOPInstance(*stated, batch.profiles)
            rows.append((number, header.sop_instance_uid, header.source.number, instance))
        return rows

    def _lacking(self, record_type: str, header: Header, batches: Sequence[Batch]) -> list[Key]:
        """Return the keys that a new record needs and its header lacks; a record that is there is left as it is."""
        if any(batch.held for batch in batches):
            return []
        return fills.lacking(self._keys(record_type), header.attributes)

    def _keys(self, record_type: str, profiles: tuple[str, ...] = ()) -> tuple[Key, ...]:
        known = self._required.get((record_type, profiles))
        if known is None:
            keys = self._claim.keys_for(record_type, profiles)
            known = self._required[record_type, profiles] = fills.required(keys)
        return known

    def _shown(self, header: Header, record_type: str, batches: Sequence[Batch]) -> Attributes:
        """Return the attributes of a record above the instances, with what any of them calls for."""
        keys = self._gathered[record_type]
        if not keys:
            return header.attributes
        found, said = gather(keys, header, batches, self._levels)
        self._findings.extend(said)
        return {**header.attributes, **found} if found else header.attributes

    def _filled(
        self, header: Header, record_type: str, filled: Sequence[Fill], attributes: Attributes | None = None
    ) -> Attributes:
        """Return the keys of a record with what is filled in, and say so."""
        base = header.attributes if attributes is None else attributes
        if not filled:
            return base
        for fill in filled:
            key = (record_type, fill.key.keyword, fill.how)
            _, first, count = self._said.get(key, (fill, header, 0))
            self._said[key] = (fill, first, count + 1)
        return {**base, **{fill.key.keyword: fill.value for fill in filled}}

    def _flush(self) -> None:
        """Say what was filled in: one Finding for each key and study, however many records there are."""
        for (record_type, _, _), (fill, header, count) in self._said.items():
            self._findings.append(fills.finding(fill, record_type, header.source.location, count))
        self._said.clear()

    def _spokesman(self, batches: Sequence[Batch], level: slice, record_type: str) -> Header:
        """Return the header that a STUDY or SERIES record is made of: the most complete, of these the first.

        One record is written though instances may contradict each other; a warning names what differs.
        """
        first = batches[0]
        if len(batches) == 1:
            return first.headers[0]
        if all(batch.values[level] == first.values[level] for batch in batches):
            return first.headers[0]
        differing = _differing(batches, self._levels.keywords[level], level)
        best = max(batches, key=lambda batch: (sum(map(fills.valued, batch.values[level])), -batch.first))
        header = best.headers[0]
        if differing:
            self._findings.append(
                Finding(
                    f"{record_type.lower()}-attributes-differ",
                    Severity.WARNING,
                    header.source.location,
                    f"instances of one {record_type.lower()} differ in {', '.join(differing)}",
                    f"the same values in all of them, since there is one {record_type} record",
                    self._claim.keys_for(record_type)[0].clause,
                    f"The directory shows the values of {header.source.location}; the instances are unchanged.",
                )
            )
        return header


def _speaker(batches: Sequence[Batch], levels: Levels) -> Header:
    """Return the header that a PATIENT record is made of.

    One with a Patient ID before one without; the name of the latest study, which is the present one after a marriage;
    the most complete; the first of the sources.
    """
    identities = {batch.identity for batch in batches}
    if len(identities) == 1:
        return batches[0].headers[0]
    date = levels.keywords.index("StudyDate")
    latest: dict[Identity, bytes] = {}
    for batch in batches:
        latest[batch.identity] = max(latest.get(batch.identity, b""), batch.values[date] or b"")
    folded = {identity.name.forms for identity in identities if identity.name}
    ordered = sorted(batches, key=lambda batch: (batch.identity.order, batch.first))
    if len(folded) > 1:
        ordered.sort(key=lambda batch: latest[batch.identity], reverse=True)
    ordered.sort(key=lambda batch: not batch.identity.patient_id)
    return ordered[0].headers[0]


def _word(key: Key, sop_class_uid: str = "") -> list[Fill]:
    fill = fills.fill_word(key, sop_class_uid)
    return [] if fill is None else [fill]


def _differing(batches: Sequence[Batch], keywords: Sequence[str], level: slice) -> list[str]:
    """Return the keywords whose values, where there are any, differ as text."""
    character_set = IDENTITY_KEYWORDS.index("SpecificCharacterSet")
    found = []
    for keyword, column in zip(keywords, zip(*(batch.values[level] for batch in batches), strict=True), strict=True):
        if len(set(column)) > 1:
            texts = {
                decode_text(value, batch.values[character_set] or b"", "LO").strip()
                for value, batch in zip(column, batches, strict=True)
                if value is not None and fills.valued(value)
            }
            if len(texts) > 1:
                found.append(keyword)
    return found


def _series_in_two_studies(header: Header) -> Finding:
    return Finding(
        "series-in-two-studies",
        Severity.WARNING,
        header.source.location,
        "SeriesInstanceUID (0020,000E) of a series is met in two studies",
        "each Series Instance UID in one study",
        "PS3.3 F.5.3",
        "Both are on the medium, each in its study; have the equipment or archive corrected that gave the UIDs.",
    )


def _study_order(study: Study) -> tuple[bytes, bytes, str]:
    keys = study.keys
    return (
        keys.get("StudyDate", b"").strip(b" \0"),
        keys.get("StudyTime", b"").strip(b" \0"),
        uid_text(keys.get("StudyInstanceUID")),
    )
