"""Read a receipt back. It may lie on a medium of others: nothing in it is believed before it is looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from mediacreator.errors import MediumError
from mediacreator.model import Finding, Outcome, Severity, VirusCheck
from mediacreator.receipt.model import (
    COMPLETE,
    FORMAT,
    INCOMPLETE,
    VERSION,
    Counts,
    Decision,
    FileEntry,
    FilledIn,
    MediumEntry,
    NotOnMedium,
    PatientLine,
    Reason,
    Receipt,
    StudyLine,
    Transcoding,
)
from mediacreator.receipt.render import OUTCOME_NAMES
from mediacreator.virus_check import LONGEST, is_date, is_scanner

LARGEST = 512 * 1024 * 1024
"""Bytes of the largest receipt that is read: more than a million files."""

Read = TypeVar("Read")


def read_receipt(path: Path, *, sources: bool = True) -> Receipt:
    """Read a receipt, local or travelling.

    Args:
        path: Of the file.
        sources: Whether to say of each file which source it came from, which is worth knowing of the last run only.

    Raises:
        MediumError: The file cannot be read, is no receipt, or is of a version that this program does not know.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as exc:
        raise MediumError(f"The receipt cannot be read: {exc.strerror or type(exc).__name__}.") from exc
    return parse_receipt(data, "The receipt", sources=sources)  # its path may name a patient


def parse_receipt(data: bytes, name: str, *, sources: bool = True) -> Receipt:
    """Read a receipt from its bytes; ``name`` is what errors call it, ``sources`` as for ``read_receipt``.

    Raises:
        MediumError: As ``read_receipt``.
    """
    if len(data) > LARGEST:
        raise MediumError(f"{name}: has over {LARGEST} bytes, expected a receipt")
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise MediumError(f"{name}: no receipt: it is not JSON ({type(exc).__name__})") from exc
    if not sources:
        _forget_sources(document)
    return _receipt(_Node(document, name, ""))


def _forget_sources(document: object) -> None:
    """Take the sources of files out of a document, whatever it is: it is checked behind this."""
    media = document.get("media") if isinstance(document, dict) else None
    for medium in media if isinstance(media, list) else ():
        files = medium.get("files") if isinstance(medium, dict) else None
        for file in files if isinstance(files, list) else ():
            if isinstance(file, dict):
                file.pop("source", None)
                file.pop("source_path", None)


class _Node:
    """A value of the document, with the place where it stands: every look at it is checked."""

    __slots__ = ("name", "place", "value")

    def __init__(self, value: object, name: str, place: str) -> None:
        self.value = value
        self.name = name
        self.place = place

    def refused(self, expected: str) -> MediumError:
        """Return the error that says what was expected here; never what was found, which may be identity."""
        found = {dict: "an object", list: "an array", str: "another string", bool: "true or false"}
        what = found.get(type(self.value), "null" if self.value is None else "a number")
        return MediumError(f"{self.name}: no valid receipt: {self.place or 'the whole'} is {what}, expected {expected}")

    def get(self, key: str) -> _Node:
        """Return a member that must be there."""
        node = self.find(key)
        if node is None:
            raise MediumError(f"{self.name}: no valid receipt: {self.place or 'the whole'} has no {key}")
        return node

    def find(self, key: str) -> _Node | None:
        """Return a member that may be there."""
        if not isinstance(self.value, dict):
            raise self.refused("an object")
        if key not in self.value:
            return None
        return _Node(self.value[key], self.name, f"{self.place}.{key}" if self.place else key)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; with a default, the member may be absent."""
        node = self.get(key) if default is None else self.find(key)
        if node is None:
            return default or ""
        if not isinstance(node.value, str):
            raise node.refused("a string")
        return node.value

    def count(self, key: str, default: int | None = None) -> int:
        """Return a whole number that is not negative."""
        node = self.get(key) if default is None else self.find(key)
        if node is None:
            return default or 0
        if type(node.value) is not int or not 0 <= node.value < 1 << 63:
            raise node.refused("a whole number from 0")
        return node.value

    def truth(self, key: str) -> bool:
        """Return true or false."""
        node = self.get(key)
        if not isinstance(node.value, bool):
            raise node.refused("true or false")
        return node.value

    def each(self, key: str, read: Callable[[_Node], Read]) -> tuple[Read, ...]:
        """Return what ``read`` makes of each member of an array, which may be absent."""
        node = self.find(key)
        if node is None:
            return ()
        if not isinstance(node.value, list):
            raise node.refused("an array")
        return tuple(read(_Node(one, self.name, f"{node.place}[{at}]")) for at, one in enumerate(node.value))

    def one_of(self, key: str, allowed: Mapping[str, Read]) -> Read:
        """Return what a word stands for."""
        word = self.text(key)
        if word not in allowed:
            raise self.get(key).refused(" or ".join(allowed))
        return allowed[word]

    @property
    def word(self) -> str:
        """The value, a string."""
        if not isinstance(self.value, str):
            raise self.refused("a string")
        return self.value


def _receipt(node: _Node) -> Receipt:
    if node.text("format", "") != FORMAT:
        raise node.refused(f'a receipt: "format": "{FORMAT}"')
    version = node.text("version")
    if version != VERSION:
        raise MediumError(
            f'{node.name}: a receipt of version "{version[:20]}", expected "{VERSION}". A newer program may read it.'
        )
    program, profile, request = node.get("program"), node.get("profile"), node.get("request")
    return Receipt(
        id=node.text("id"),
        state=node.one_of("state", {COMPLETE: COMPLETE, INCOMPLETE: INCOMPLETE}),
        created=node.text("created"),
        program=program.text("name"),
        program_version=program.text("version"),
        profile=profile.text("id"),
        edition=profile.text("edition"),
        reproducible=request.truth("reproducible"),
        holds_identity=node.truth("holds_identity"),
        counts=_counts(node.get("counts")),
        media=node.each("media", _medium),
        arguments=request.each("arguments", lambda argument: argument.word),
        reasons=node.each("reasons", _reason),
        transcoded=node.each(
            "transcoded", lambda way: Transcoding(way.text("from"), way.text("to"), way.count("count"))
        ),
        filled_in=node.each("filled_in", _filled_in),
        decisions=node.each("decisions", _decision),
        not_on_medium=node.each("not_on_medium", _not_on_medium),
        findings=node.each("findings", _finding),
    )


def _counts(node: _Node) -> Counts:
    return Counts(
        found=node.count("found"),
        accepted=node.count("accepted"),
        rejected=node.count("rejected"),
        left_out=node.count("left_out"),
        duplicate=node.count("duplicate"),
        not_asked_for=node.count("not_asked_for"),
        not_dicom=node.count("not_dicom"),
        missing=node.count("missing"),
        kept=node.count("kept", 0),
        removed=node.count("removed", 0),
        written=node.count("written") if node.find("written") else None,
        verified=node.count("verified") if node.find("verified") else None,
    )


def _medium(node: _Node) -> MediumEntry:
    return MediumEntry(
        file_set_id=node.text("file_set_id"),
        file_set_uid=node.text("file_set_uid"),
        volume=node.count("volume"),
        volumes=node.count("volumes"),
        profile=node.text("profile"),
        instances=node.count("instances"),
        files=_files(node),
        name=node.text("name", ""),
        size=node.count("size", 0),
        sha256=node.text("sha256", ""),
        patients=node.each("patients", _patient),
        not_verified=node.each("not_verified", lambda path: path.word),
        virus_check=_virus_check(node.find("virus_check")),
        among_others=node.find("among_others") is not None and node.truth("among_others"),
    )


def _patient(node: _Node) -> PatientLine:
    return PatientLine(
        name=node.text("name"),
        id=node.text("id"),
        birth_date=node.text("birth_date", ""),
        character_set=node.text("character_set", ""),
        studies=node.each("studies", _study),
    )


def _study(node: _Node) -> StudyLine:
    return StudyLine(
        date=node.text("date"),
        modalities=node.each("modalities", lambda modality: modality.word),
        description=node.text("description"),
        series=node.count("series"),
        instances=node.count("instances"),
    )


def _virus_check(node: _Node | None) -> VirusCheck | None:
    if node is None:
        return None
    day, scanner = node.text("date"), node.text("scanner", "")
    if not is_date(day):
        raise node.get("date").refused("a date, as 2026-11-25")
    if not is_scanner(scanner):
        raise node.get("scanner").refused(f"up to {LONGEST} characters that can be printed")
    return VirusCheck(day, scanner)


_PATH = re.compile(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?(/[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?){0,7}")
"""Up to 8 components, 8.3 and upper case (PS3.10 8.2; ISO 9660 level 1): never absolute, never ``..``."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


_NUMBERS = ("size", "quality", "remapped", "source")
_TEXTS = ("path", "sha256", "sop_instance_uid", "transfer_syntax_uid", "transcoded_from", "derived_from", "source_path")
_KINDS: Mapping[str, type] = {**dict.fromkeys(_TEXTS, str), **dict.fromkeys(_NUMBERS, int)}
_MUST = ("path", "size", "sha256")
_LARGEST = 1 << 63


def _files(node: _Node) -> tuple[FileEntry, ...]:
    """Return the files of a medium: most are as they should be, and there may be very many."""
    files = node.find("files")
    if files is None or not isinstance(files.value, list):
        return node.each("files", _file)
    ordinary: dict[tuple[object, ...], bool] = {}  # by names and types of fields, of which there are few kinds
    found = []
    for place, one in enumerate(files.value):
        if isinstance(one, dict):
            shape = (*one, *map(type, one.values()))
            if shape not in ordinary:
                ordinary[shape] = _has_its_fields(one)
            if ordinary[shape] and _is_sound(one):
                found.append(FileEntry(**one))
                continue
        found.append(_file(_Node(one, node.name, f"{files.place}[{place}]")))
    return tuple(found)


def _has_its_fields(one: dict[str, object]) -> bool:
    return all(name in one for name in _MUST) and all(type(v) is _KINDS.get(name) for name, v in one.items())


def _is_sound(one: dict[str, Any]) -> bool:
    return (
        _PATH.fullmatch(one["path"]) is not None
        and _SHA256.fullmatch(one["sha256"]) is not None
        and 0 <= one["size"] < _LARGEST
        and 0 <= one.get("quality", 0) < _LARGEST
        and 0 <= one.get("remapped", 0) < _LARGEST
        and 0 <= one.get("source", 0) < _LARGEST  # each by its name: a loop would take twice the time of all
    )


def _file(node: _Node) -> FileEntry:
    path, sha256 = node.text("path"), node.text("sha256")
    if _PATH.fullmatch(path) is None:
        raise node.get("path").refused("up to 8 components of 8.3 upper case characters")
    if _SHA256.fullmatch(sha256) is None:
        raise node.get("sha256").refused("64 hexadecimal digits")
    return FileEntry(
        path=path,
        size=node.count("size"),
        sha256=sha256,
        sop_instance_uid=node.text("sop_instance_uid", ""),
        transfer_syntax_uid=node.text("transfer_syntax_uid", ""),
        transcoded_from=node.text("transcoded_from", ""),
        derived_from=node.text("derived_from", ""),
        quality=node.count("quality", 0),
        remapped=node.count("remapped", 0),
        source=node.count("source", 0),
        source_path=node.text("source_path", ""),
    )


_OUTCOMES = {name: outcome for outcome, name in OUTCOME_NAMES.items()}
_SEVERITIES = {severity.value: severity for severity in Severity}


def _reason(node: _Node) -> Reason:
    return Reason(
        outcome=node.one_of("outcome", _OUTCOMES),
        code=node.text("code"),
        severity=node.one_of("severity", _SEVERITIES),
        count=node.count("count"),
        expected=node.text("expected"),
        clause=node.text("clause"),
        remedy=node.text("remedy"),
        what=node.text("what", ""),
    )


def _filled_in(node: _Node) -> FilledIn:
    return FilledIn(
        record=node.text("record"),
        keyword=node.text("keyword"),
        where=node.text("where"),
        value=node.text("value", ""),
        placeholder=node.truth("placeholder"),
    )


def _decision(node: _Node) -> Decision:
    return Decision(node.count("conflict"), node.text("kind"), node.text("code"), node.text("decided_by"))


def _not_on_medium(node: _Node) -> NotOnMedium:
    outcomes = {name: outcome for name, outcome in _OUTCOMES.items() if outcome is not Outcome.ACCEPTED}
    return NotOnMedium(
        outcome=node.one_of("outcome", outcomes),
        finding=_finding(node.get("finding")),
        path=node.text("path"),
        source=node.count("source", 0),
        sop_instance_uid=node.text("sop_instance_uid", ""),
    )


def _finding(node: _Node) -> Finding:
    return Finding(
        code=node.text("code"),
        severity=node.one_of("severity", _SEVERITIES),
        location=node.text("location"),
        what=node.text("what"),
        expected=node.text("expected"),
        clause=node.text("clause"),
        remedy=node.text("remedy"),
    )
