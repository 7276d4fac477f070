"""Write receipts: JSON in a fixed order, one line for each file, so that two of them can be compared by eye."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from json import JSONEncoder
from json.encoder import encode_basestring as _quote
from pathlib import Path

from mediacreator.errors import InternalError, MediumError, NoSpace
from mediacreator.model import Finding, Outcome
from mediacreator.receipt.model import (
    FORMAT,
    VERSION,
    Counts,
    FileEntry,
    FilledIn,
    MediumEntry,
    NotOnMedium,
    PatientLine,
    Reason,
    Receipt,
    StudyLine,
)

NOTICE = (
    "Holds patient identity and paths of the sources: for the institution that made the medium, never for its receiver."
)

_encode = JSONEncoder(ensure_ascii=False).encode


class _Lines(list[str]):
    """Members of an array, encoded, each for a line of its own."""


def to_json(receipt: Receipt, travelling: bool) -> bytes:
    """Render a receipt.

    Args:
        receipt: As ``build_receipt`` or ``travelling_receipt`` made it.
        travelling: For the medium: without identity, source paths, arguments and anything about the image itself.

    Raises:
        InternalError: A travelling receipt was asked to say what it does not hold.
    """
    if not travelling and not receipt.holds_identity:
        raise InternalError("a travelling receipt cannot be rendered as a local one")
    # A path that is not UTF-8 holds lone surrogates, and \udcNN is what JSON calls them.
    return (_value(_document(receipt, travelling), "") + "\n").encode("utf-8", "backslashreplace")


def travelling_size(receipt: Receipt) -> int:
    """Return the size in bytes that ``travelling_json`` will have whatever the hashes are: each has 64 digits."""
    return len(to_json(receipt, travelling=True))


def travelling_json(receipt: Receipt, hashes: Mapping[tuple[str, ...], str]) -> bytes:
    """Render the receipt that lies on a medium.

    Args:
        receipt: From ``travelling_receipt``.
        hashes: SHA-256 of every file that it lists, hexadecimal, by path.

    Raises:
        InternalError: A hash is missing, or is none.
    """
    media = tuple(
        replace(medium, files=tuple(_hashed(file, hashes) for file in medium.files)) for medium in receipt.media
    )
    return to_json(replace(receipt, media=media), travelling=True)


def _hashed(file: FileEntry, hashes: Mapping[tuple[str, ...], str]) -> FileEntry:
    sha256 = hashes.get(tuple(file.path.split("/")), "")
    if len(sha256) != 64:
        raise InternalError(f"the receipt lists {file.path}, which has no hash")
    return replace(file, sha256=sha256)


def write_receipt(path: Path, data: bytes) -> None:
    """Write a local receipt beside its image: mode 0600 from its first byte, and whole or not at all.

    Args:
        path: Final name; one that is there already is replaced.
        data: From ``to_json``.

    Raises:
        NoSpace: The disk is full.
        MediumError: The receipt cannot be written.
    """
    with staged_receipt(path, data):
        pass


@contextmanager
def staged_receipt(path: Path, data: bytes) -> Iterator[None]:
    """Write a receipt under its ``.partial`` name, and give it its own when the media have theirs.

    A disk that is full to the last byte then costs the whole run, and leaves no medium without a receipt. Whatever is
    raised inside, the receipt goes, and one that was there before stays.

    Args, Raises: As ``write_receipt``.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        with _said_plainly(len(data)):
            with suppress(FileNotFoundError):
                partial.unlink()  # of a run that was killed; its mode is not ours
            _write_new(partial, data)
        yield
        with _said_plainly(len(data)):
            partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    _sync_folder(path.parent)


@contextmanager
def _said_plainly(size: int) -> Iterator[None]:
    """Say why a receipt cannot be written; its path may name a patient."""
    try:
        yield
    except OSError as exc:
        kind = NoSpace if exc.errno in (errno.ENOSPC, errno.EDQUOT) else MediumError
        reason = exc.strerror or type(exc).__name__
        raise kind(f"The receipt of {size} bytes cannot be written: {reason}. Make room, or write elsewhere.") from exc


def _write_new(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Make a rename last; some file systems cannot, and the receipt is whole all the same."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _document(receipt: Receipt, travelling: bool) -> dict[str, object]:
    local = not travelling
    document: dict[str, object] = {
        "format": FORMAT,
        "version": VERSION,
        "id": receipt.id,
        "state": receipt.state,
        "created": receipt.created,
        "program": {"name": receipt.program, "version": receipt.program_version},
        "profile": {"id": receipt.profile, "edition": receipt.edition},
        "holds_identity": local,
    }
    if local:
        document |= {"file_mode": "0600", "notice": NOTICE}
    document["request"] = {"reproducible": receipt.reproducible}
    if local:
        document["request"] = {"reproducible": receipt.reproducible, "arguments": list(receipt.arguments)}
    document |= {
        "counts": _counts(receipt.counts, local),
        "reasons": _Lines(_encode(_reason(reason, local)) for reason in receipt.reasons),
        "transcoded": _Lines(
            _encode({"from": way.source, "to": way.target, "count": way.count}) for way in receipt.transcoded
        ),
        "filled_in": _Lines(_encode(_filled_in(entry, local)) for entry in receipt.filled_in),
        "decisions": _Lines(
            _encode({"conflict": it.conflict, "kind": it.kind, "code": it.code, "decided_by": it.decided_by})
            for it in receipt.decisions
        ),
        "media": [_medium(medium, local) for medium in receipt.media],
    }
    if local:
        document["not_on_medium"] = _Lines(_encode(_not_on_medium(entry)) for entry in receipt.not_on_medium)
        document["findings"] = _Lines(_encode(finding_json(finding)) for finding in receipt.findings)
    return document


def _counts(counts: Counts, local: bool) -> dict[str, object]:
    numbers: dict[str, object] = {
        "found": counts.found,
        "accepted": counts.accepted,
        "rejected": counts.rejected,
        "left_out": counts.left_out,
        "duplicate": counts.duplicate,
        "not_asked_for": counts.not_asked_for,
        "not_dicom": counts.not_dicom,
        "missing": counts.missing,
        "kept": counts.kept,
        "removed": counts.removed,
    }
    return numbers | {"written": counts.written, "verified": counts.verified} if local else numbers


def _reason(reason: Reason, local: bool) -> dict[str, object]:
    entry: dict[str, object] = {
        "outcome": OUTCOME_NAMES[reason.outcome],
        "code": reason.code,
        "severity": reason.severity.value,
        "count": reason.count,
        "expected": reason.expected,
        "clause": reason.clause,
        "remedy": reason.remedy,
    }
    return entry | {"what": reason.what} if local else entry


OUTCOME_NAMES: Mapping[Outcome, str] = {
    Outcome.ACCEPTED: "accepted",
    Outcome.REJECTED: "rejected",
    Outcome.LEFT_OUT: "left_out",
    Outcome.DUPLICATE: "duplicate",
    Outcome.FILTERED: "not_asked_for",
    Outcome.NOT_DICOM: "not_dicom",
}
"""What JSON calls an Outcome: the names of the counts."""


def _filled_in(entry: FilledIn, local: bool) -> dict[str, object]:
    said: dict[str, object] = {"record": entry.record, "keyword": entry.keyword, "where": entry.where}
    if local or entry.placeholder:
        said["value"] = entry.value
    return said | {"placeholder": entry.placeholder}


def _medium(medium: MediumEntry, local: bool) -> dict[str, object]:
    said: dict[str, object] = {
        "file_set_id": medium.file_set_id,
        "file_set_uid": medium.file_set_uid,
        "volume": medium.volume,
        "volumes": medium.volumes,
        "profile": medium.profile,
        "instances": medium.instances,
    }
    if medium.virus_check is not None:
        check = medium.virus_check
        said["virus_check"] = {"date": check.date} | ({"scanner": check.scanner} if check.scanner else {})
    if medium.among_others:
        said["among_others"] = True
    if local:
        said |= {
            "name": medium.name,
            "size": medium.size,
            "sha256": medium.sha256,
            "patients": [_patient(line) for line in medium.patients],
            "not_verified": _Lines(_quote(path) for path in medium.not_verified),
        }
    return said | {"files": _Lines(_file(file, local) for file in medium.files)}


def _patient(line: PatientLine) -> dict[str, object]:
    return {
        "name": line.name,
        "id": line.id,
        "birth_date": line.birth_date,
        "character_set": line.character_set,
        "studies": _Lines(_study(study) for study in line.studies),
    }


def _study(line: StudyLine) -> str:
    """Encode one study by hand, as a file: each is a line, and there may be as many."""
    modalities = ", ".join(map(_quote, line.modalities))
    return (
        f'{{"date": {_quote(line.date)}, "modalities": [{modalities}], "description": {_quote(line.description)}, '
        f'"series": {line.series}, "instances": {line.instances}}}'
    )


def _file(file: FileEntry, local: bool) -> str:
    """Encode one file by hand: there are tens of thousands, and each is a line."""
    parts = [f'{{"path": {_quote(file.path)}, "size": {file.size}, "sha256": {_quote(file.sha256)}']
    if file.sop_instance_uid:
        parts.append(f'"sop_instance_uid": {_quote(file.sop_instance_uid)}')
        parts.append(f'"transfer_syntax_uid": {_quote(file.transfer_syntax_uid)}')
    if file.transcoded_from:
        parts.append(f'"transcoded_from": {_quote(file.transcoded_from)}')
    if file.derived_from:
        parts.append(f'"derived_from": {_quote(file.derived_from)}')
    if file.quality:
        parts.append(f'"quality": {file.quality}')
    if file.remapped:
        parts.append(f'"remapped": {file.remapped}')
    if local and file.source:
        parts.append(f'"source": {file.source}, "source_path": {_quote(file.source_path)}')
    return ", ".join(parts) + "}"


def _not_on_medium(entry: NotOnMedium) -> dict[str, object]:
    said: dict[str, object] = {"outcome": OUTCOME_NAMES[entry.outcome]}
    if entry.source:
        said["source"] = entry.source
    said["path"] = entry.path
    if entry.sop_instance_uid:
        said["sop_instance_uid"] = entry.sop_instance_uid
    return said | {"finding": finding_json(entry.finding)}


def finding_json(finding: Finding) -> dict[str, object]:
    """Return a Finding as JSON has it, in receipts and in what commands print."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "location": finding.location,
        "what": finding.what,
        "expected": finding.expected,
        "clause": finding.clause,
        "remedy": finding.remedy,
    }


def _value(value: object, indent: str) -> str:
    """Encode a value over several lines, two spaces deeper at each level."""
    inner = f"{indent}  "
    if isinstance(value, dict):
        return _wrapped("{}", (f"{_quote(key)}: {_value(member, inner)}" for key, member in value.items()), indent)
    if isinstance(value, _Lines):
        return _wrapped("[]", value, indent)
    if isinstance(value, list):
        return _wrapped("[]", (_value(member, inner) for member in value), indent)
    return _encode(value)


def _wrapped(brackets: str, members: Iterable[str], indent: str) -> str:
    body = f",\n{indent}  ".join(members)
    return f"{brackets[0]}\n{indent}  {body}\n{indent}{brackets[1]}" if body else brackets
