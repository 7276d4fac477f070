"""Tell which profiles of the Claim cover each instance, and why none does (PS3.11 X.3.1, X.3.3, X.3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mediacreator.model import Disposition, Finding, Header, Outcome, Severity
from mediacreator.rules.claim import Claim
from mediacreator.rules.tables import Key
from mediacreator.rules.verdicts import Verdict
from mediacreator.select.batches import Batch


@dataclass(frozen=True, slots=True)
class Covered:
    """What the Claim holds and what it does not."""

    batches: tuple[Batch, ...]
    dispositions: tuple[Disposition, ...]
    findings: tuple[Finding, ...]  # about what it holds


class Coverage:
    """Asks the profiles of one Claim about instances."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._dispositions: list[Disposition] = []
        self._said: dict[Finding, tuple[str, int]] = {}  # location of the first instance, and how many there are
        self._copied: dict[tuple[str, tuple[str, ...]], tuple[Key, ...]] = {}

    def of(self, batches: Iterable[Batch]) -> Covered:
        """Split batches by the profiles that cover their instances.

        An instance that breaks rules under every profile has one Disposition, whose Finding says all of them. Instances
        of a private SOP Class are on the medium because the site says so: no profile speaks of them.
        """
        covered: list[Batch] = []
        for batch in batches:
            if batch.admission is not None and batch.admission.record_type == "PRIVATE":
                covered.append(batch)
            else:
                covered += self._split(batch)
        findings = tuple(_counted(finding, *where) for finding, where in self._said.items())
        return Covered(tuple(covered), tuple(self._dispositions), findings)

    def _split(self, batch: Batch) -> Iterator[Batch]:
        together: dict[tuple[str, ...], list[Header]] = {}
        for verdict, headers in self._verdicts(batch):
            if verdict.profiles:
                together.setdefault(verdict.profiles, []).extend(headers)
                for finding in verdict.findings:
                    self._say(finding, headers[0].source.location, len(headers))
            else:
                self._dispositions += (_uncovered(header, verdict) for header in headers)
        for profiles, headers in together.items():
            self._say_of_empty_keys(batch, profiles, headers)
            yield batch.with_headers(headers, profiles)

    def _verdicts(self, batch: Batch) -> Iterator[tuple[Verdict, Sequence[Header]]]:
        """Yield what the profiles say of headers: of all at once where no rule looks at attributes."""
        ask, sop_class = self._claim.verdict, batch.sop_class_uid
        if not self._claim.looks_at_attributes:
            if batch.headers:
                yield ask(batch.headers[0].attributes, sop_class), batch.headers
            return
        for header in batch.headers:
            yield ask(header.attributes, sop_class), (header,)

    def _say_of_empty_keys(self, batch: Batch, profiles: tuple[str, ...], headers: Sequence[Header]) -> None:
        """Warn of attributes that are there without a value, which a key of type 1C cannot be.

        The record is as if they were absent. Source: PS3.11 X.3.3 ("required if present"), PS3.5 7.4.2.
        """
        assert batch.admission is not None
        for key in self._keys_copied_if_present(batch.admission.record_type, profiles):
            keyword = key.keyword
            empty = [header for header in headers if header.attributes.get(keyword) == b""]
            if empty:
                self._say(_empty_key(key), empty[0].source.location, len(empty))

    def _keys_copied_if_present(self, record_type: str, profiles: tuple[str, ...]) -> tuple[Key, ...]:
        asked = (record_type, profiles)
        if asked not in self._copied:
            keys = self._claim.keys_for(record_type, profiles)
            self._copied[asked] = tuple(key for key in keys if key.condition == "present" and not key.source)
        return self._copied[asked]

    def _say(self, finding: Finding, location: str, count: int) -> None:
        first, before = self._said.get(finding, (location, 0))
        self._said[finding] = (first, before + count)


def _uncovered(header: Header, verdict: Verdict) -> Disposition:
    finding = verdict.reason(header.source.location)
    return Disposition(header.source, Outcome.REJECTED, finding, header.sop_instance_uid)


def _counted(finding: Finding, location: str, count: int) -> Finding:
    what = f"{finding.what}, in {count} instances" if count > 1 else finding.what
    return replace(finding, location=location, what=what)


def _empty_key(key: Key) -> Finding:
    return Finding(
        "key-empty",
        Severity.WARNING,
        "",
        f"{key.keyword} ({key.tag >> 16:04X},{key.tag & 0xFFFF:04X}) is there without a value",
        "a value, since the directory shows it where it is there (type 1C)",
        key.clause,
        "The directory leaves it out, as where it is absent; the instance is unchanged.",
    )
