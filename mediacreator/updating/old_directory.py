"""What an old DICOMDIR knows that the files of its File-set do not, when it is made anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mediacreator.dicomio.text import in_character_set
from mediacreator.dicomio.walker import Directory, DirectoryRecord
from mediacreator.model import Attributes, FileSetContent, Finding, Header, Severity
from mediacreator.rules.claim import Claim
from mediacreator.rules.tables import record_types
from mediacreator.updating.joining import UTF8, attributes_of, keywords_of


def with_old_values(
    headers: Sequence[Header], directory: Directory | None, claim: Claim
) -> tuple[tuple[Header, ...], tuple[Finding, ...]]:
    """Return headers with what the old directory says of them and they do not, and that this was done.

    Args:
        headers: Of the files.
        directory: The old one; None where it cannot be read.
        claim: For the keywords of its keys.
    """
    old = _old_values(directory, claim) if directory is not None else {}
    result = []
    told = 0
    for header in headers:
        more = dict(_lacking(header, old.get(header.sop_instance_uid, {})))
        told += bool(more)
        result.append(replace(header, attributes={**header.attributes, **more}) if more else header)
    return tuple(result), (_kept_values(told),) if told else ()


def _lacking(header: Header, old: Attributes) -> Iterator[tuple[str, bytes]]:
    """Yield the old values that an instance lacks, in its own character set."""
    ours = header.attributes.get("SpecificCharacterSet", b"")
    for keyword, value in old.items():
        if value and keyword != "SpecificCharacterSet" and not header.attributes.get(keyword):
            said = in_character_set(value, UTF8, ours, "PN" if keyword.endswith("Name") else "LO")
            if said is not None:
                yield keyword, said


def _old_values(directory: Directory, claim: Claim) -> Mapping[str, Attributes]:
    """Return what the records of each instance and those above it say, by SOP Instance UID."""
    words = keywords_of(claim)
    below = {
        key.tag: (key.keyword, key.vr)
        for record in record_types().values()
        for key in record.keys
        if key.vr != "SQ" and not key.source
    }
    found: dict[str, Attributes] = {}
    above: dict[int, dict[str, bytes]] = {}
    for record in directory.in_order():
        inherited = above.get(record.parent, {}) if record.parent is not None else {}
        if record.sop_instance_uid:
            found[record.sop_instance_uid] = {**inherited, **attributes_of(record, below)}
        else:
            above[record.index] = {**inherited, **attributes_of(record, words)}
    return found


def not_rebuilt(directory: Directory | None, content: FileSetContent) -> Iterator[Finding]:
    """Yield what the old DICOMDIR knew and no file can tell. Source: PS3.3 F.6 (private records)."""
    if directory is None:
        return
    there = {instance.header.sop_instance_uid for instance in content.instances()}
    lost: Counter[str] = Counter()
    for record in directory.records:
        if _is_lost(record, there):
            lost[record.type or "without a type"] += 1
    for kind, count in sorted(lost.items()):
        yield Finding(
            "record-not-rebuilt",
            Severity.WARNING,
            "DICOMDIR",
            f"of {count} {kind} record{'s' if count > 1 else ''} of the old DICOMDIR no file is there",
            "records that a file can tell",
            "PS3.3 F.2.1",
            "They are not in the new DICOMDIR. Fetch what they named from where it came, and add it.",
        )


def _is_lost(record: DirectoryRecord, there: set[str]) -> bool:
    if record.file_id:
        return record.sop_instance_uid not in there
    return record.type not in ("PATIENT", "STUDY", "SERIES")


def _kept_values(count: int) -> Finding:
    return Finding(
        "old-values-kept",
        Severity.NOTE,
        "DICOMDIR",
        f"records of {count} instances show values that the old DICOMDIR had and the instances lack",
        "values that the instances have",
        "PS3.3 F.5",
        "Nothing; the instances are unchanged.",
    )
