"""Join the records of a DICOMDIR by their offsets to a tree, and check each record as the tree shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from mediacreator.dicomio.walker_draft import Draft
from mediacreator.dicomio.walker_findings import finding, printable
from mediacreator.model import FileID, Finding
from mediacreator.rules.tables import RecordType, record_types

_WHOLE_FILE_ID = re.compile(rb"[A-Z0-9_]{1,8}(?:\\[A-Z0-9_]{1,8}){0,7}")  # PS3.10 8.2 and 8.5, joined with \
_NEAREST = 64  # levels above a record among which a cycle is looked for; a regular tree has 4
_WITHOUT_FILE = frozenset(("PATIENT", "STUDY", "SERIES", "PRIVATE"))  # PS3.3 F.5.1 to F.5.3, F.6.1
_NEXT = "OffsetOfTheNextDirectoryRecord (0004,1400)"
_LOWER = "OffsetOfReferencedLowerLevelDirectoryEntity (0004,1420)"
_MRDR = "MRDRDirectoryRecordOffset (0004,1504)"
_FIRST = "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity (0004,1200)"


def join(drafts: Sequence[Draft], first: int, own: list[Finding]) -> tuple[list[int], list[int], int]:
    """Give each record its parent and its lower-level entity.

    Args:
        drafts: All records, by position.
        first: Offset of the first root record as stated.
        own: Findings about the whole are added here, those about a record to the record.

    Returns:
        The root directory entity, all that it leads to in the order of the tree, and what to add to each stated offset.

    Source: PS3.3 F.2.1, F.2.2.2.
    """
    by_offset = {draft.offset: draft.index for draft in drafts}
    shift = _shift(drafts, first, by_offset)
    if shift:
        what = f"every offset is {abs(shift)} bytes too {'low' if shift > 0 else 'high'}"
        own.append(finding("shifted-offsets", "DICOMDIR", what))
    roots: list[int] = []
    order: list[int] = []
    if first:
        if first + shift in by_offset:
            roots, order = _follow(drafts, by_offset, by_offset[first + shift], shift, reachable=True)
        else:
            own.append(finding("dangling-offset", "DICOMDIR", f"{_FIRST} is {first}, where no record begins"))
    _reach_multi_referenced(drafts, by_offset, shift)
    _adopt_orphans(drafts, by_offset, shift)
    return roots, order, shift


def _shift(drafts: Sequence[Draft], first: int, by_offset: dict[int, int]) -> int:
    """Return by how many bytes all offsets miss their records; 0 unless one shift makes a whole tree of them.

    In a tree each record is the target of exactly one offset (an MRDR record of one or more), so the lowest offset
    belongs to the first record, and no other shift can be right.
    """
    links = [offset for draft in drafts for offset in (draft.next, draft.lower) if offset]
    links += [first] if first else []
    stated = sorted((*links, *{draft.mrdr for draft in drafts if draft.mrdr}))  # several records may share an MRDR
    if not stated or len(stated) != len(drafts) or all(offset in by_offset for offset in stated):
        return 0
    shift = drafts[0].offset - stated[0]
    return shift if all(o + shift == d.offset for o, d in zip(stated, drafts, strict=True)) else 0


def _follow(
    drafts: Sequence[Draft], by_offset: dict[int, int], first: int, shift: int, *, reachable: bool
) -> tuple[list[int], list[int]]:
    """Visit the entity that begins with record ``first``, and all below it, each record once.

    Returns:
        The entity, and all that was visited in the order of the tree.
    """
    order: list[int] = []
    entities: dict[int | None, list[int]] = {}
    stack: list[tuple[int, int | None, int, str]] = [(first, None, first, "")]
    while stack:
        index, parent, origin, link = stack.pop()
        draft = drafts[index]
        if draft.visited:
            _note_second_way(drafts, drafts[origin], draft, link)
            continue
        draft.visited, draft.reachable, draft.parent = True, reachable, parent
        order.append(index)
        if parent in entities:
            entities[parent].append(index)
        else:
            entities[parent] = [index]
        if draft.next:
            following = by_offset.get(draft.next + shift)
            if following is None:
                draft.note("dangling-offset", f"{_NEXT} is {draft.next}, where no record begins")
            else:
                stack.append((following, parent, index, _NEXT))
        if draft.lower:  # pushed last, so that what is below a record comes before what follows it
            below = by_offset.get(draft.lower + shift)
            if below is None:
                draft.note("dangling-offset", f"{_LOWER} is {draft.lower}, where no record begins")
            else:
                stack.append((below, index, index, _LOWER))
    top = entities.pop(None)
    for above, members in entities.items():
        if above is not None:
            drafts[above].children = tuple(members)
    return top, order


def _note_second_way(drafts: Sequence[Draft], origin: Draft, target: Draft, link: str) -> None:
    """Say that ``origin`` leads to a record that was visited: back to itself, or across the tree."""
    what = f"{link} leads to record {target.index + 1}, which "
    if _is_before(drafts, origin, target, link):
        origin.note("record-cycle", what + "leads here")
    else:
        origin.note("record-linked-twice", what + "was reached another way")


def _is_before(drafts: Sequence[Draft], origin: Draft, target: Draft, link: str) -> bool:
    """Tell whether ``target`` leads to ``origin``: earlier in its entity, or above it."""
    if link is _NEXT and target.parent == origin.parent and target.reachable == origin.reachable:
        return True
    above: int | None = origin.index
    for _ in range(_NEAREST):
        if above is None or above == target.index:
            break
        above = drafts[above].parent
    return above == target.index


def _reach_multi_referenced(drafts: Sequence[Draft], by_offset: dict[int, int], shift: int) -> None:
    """Reach the MRDR records of old media, which stand outside the tree and name the file for several records."""
    for draft in drafts:
        if not draft.mrdr:
            continue
        target = by_offset.get(draft.mrdr + shift)
        if target is None:
            draft.note("dangling-offset", f"{_MRDR} is {draft.mrdr}, where no record begins")
            continue
        shared = drafts[target]
        shared.visited = shared.reachable = True
        draft.multi_referenced = target
        if not draft.references:
            draft.references, draft.file_id_value = shared.references, shared.file_id_value
            draft.sop_class_value, draft.sop_instance_value = shared.sop_class_value, shared.sop_instance_value
            draft.transfer_syntax_value = shared.transfer_syntax_value


def _adopt_orphans(drafts: Sequence[Draft], by_offset: dict[int, int], shift: int) -> None:
    """Join what was not visited among itself, so that an orphaned series keeps its images; none gets a parent.

    To guess one from the order of the records could put images under another patient.
    """
    left = [draft for draft in drafts if not draft.visited]
    targets = {by_offset.get(offset + shift) for draft in left for offset in (draft.next, draft.lower) if offset}
    heads = [draft for draft in left if draft.index not in targets]
    for draft in (*heads, *left):  # the second time for those that lead only to each other
        if not draft.visited:
            _follow(drafts, by_offset, draft.index, shift, reachable=False)
    for draft in left:
        what = f"no offset leads to this {printable(draft.type) or 'untyped'} record from the root"
        draft.note("orphan-record", what)


def check(drafts: Sequence[Draft]) -> None:
    """Check each record by itself and in its place, then what no two records may share. Source: PS3.3 F.2 to F.4."""
    types = record_types()
    sound: set[tuple[str, str, int]] = set()  # of records already checked, what these checks look at
    whole = _WHOLE_FILE_ID.fullmatch
    for draft in drafts:
        if draft.in_use != 0xFFFF or draft.next is None or draft.lower is None:
            _check_flags(draft)
        above = "ROOT" if draft.parent is None else drafts[draft.parent].type
        kind = (draft.type, above, draft.references if draft.file_id_value else -draft.references)
        if not draft.reachable or kind not in sound:
            _check_type(draft, above, types)
            _check_reference(draft)
            if not draft.notes:
                sound.add(kind)
        if draft.file_id_value and not whole(draft.file_id_value):
            _check_file_id(draft)
    _check_shared(drafts)


def _check_flags(draft: Draft) -> None:
    if draft.next is None:
        draft.note("bad-link", f"{_NEXT} is absent or has another length")
    if draft.lower is None:
        draft.note("bad-link", f"{_LOWER} is absent or has another length")
    if draft.in_use == 0:
        draft.note("inactive-record", "RecordInUseFlag (0004,1410) is 0000H")
    elif draft.in_use != 0xFFFF:
        found = "absent" if draft.in_use is None else f"{draft.in_use:04X}H"
        draft.note("in-use-flag", f"RecordInUseFlag (0004,1410) is {found}")


def _check_type(draft: Draft, above: str, types: Mapping[str, RecordType]) -> None:
    row = types.get(draft.type)
    if row is None:
        if draft.type:
            draft.note("unknown-record-type", f"DirectoryRecordType (0004,1430) is {printable(draft.type)}")
        else:
            draft.note("record-without-type", "DirectoryRecordType (0004,1430) is absent or empty")
        return
    if row.status == "retired":
        draft.note("retired-record-type", f"DirectoryRecordType (0004,1430) is {draft.type}")
    if draft.parent is None and (not draft.reachable or draft.type == "MRDR"):
        return  # an orphan, or outside the tree by design
    if above not in row.parents and above in _places() and draft.type != "PRIVATE":
        place = "in the root directory entity" if above == "ROOT" else f"below {above}"
        draft.note("misplaced-record", f"a record of type {draft.type} stands {place}")


@cache
def _places() -> frozenset[str]:
    """Return under what PS3.3 says which records may stand: not PRIVATE, where it is privately defined (F.6.1)."""
    return frozenset(("ROOT", *record_types())) - {"PRIVATE"}


def _check_reference(draft: Draft) -> None:
    if draft.references not in (0, 4):
        draft.note("incomplete-reference", f"{draft.references} of the 4 elements that name a file are present")
    if not draft.file_id_value and draft.type not in _WITHOUT_FILE and draft.type in _instance_types():
        draft.note("record-without-file", f"this {draft.type} record references no file")


def _check_file_id(draft: Draft) -> None:
    """Check a File ID that is not simply right: padding of components is no fault."""
    joined = "/".join(draft.file_id)
    if _WHOLE_FILE_ID.fullmatch("\\".join(draft.file_id).encode("utf-8")):
        return
    if ".." in re.split(r"[/\\]", joined):
        draft.note("unsafe-file-id", f"ReferencedFileID (0004,1500) leads out of the medium: {printable(joined)}")
    else:
        draft.note("bad-file-id", f"ReferencedFileID (0004,1500) has {_what_is_bad(draft.file_id)}")


def _what_is_bad(file_id: FileID) -> str:
    """Say in words which rules of PS3.10 8.2 and 8.5 a File ID breaks."""
    joined = "".join(file_id)
    faults = (
        ("lower case", joined != joined.upper()),
        ("a dot", "." in joined),
        ("a slash", "/" in joined),
        ("an empty component", "" in file_id),
        (f"{len(file_id)} components", len(file_id) > 8),
        ("a component of more than 8 characters", any(len(component) > 8 for component in file_id)),
        ("other characters", re.search(r"[^A-Za-z0-9_./]", joined) is not None),
    )
    return ", ".join(words for words, broken in faults if broken)


@cache
def _instance_types() -> frozenset[str]:
    """Return the record types in use that stand for an instance: those that no other type may stand below."""
    types = record_types().values()
    parents = {parent for row in types if row.status != "retired" and row.name != "PRIVATE" for parent in row.parents}
    return frozenset(row.name for row in types if row.status != "retired" and row.name not in parents)


def _check_shared(drafts: Sequence[Draft]) -> None:
    """Find files and SOP Instances that two records of the tree reference; MRDR was made for that."""
    files: dict[bytes, Draft] = {}
    instances: dict[bytes, Draft] = {}
    for draft in drafts:
        value = draft.file_id_value
        if not value or draft.mrdr or draft.type == "MRDR":
            continue
        first = files.setdefault(value if b" " not in value else "\\".join(draft.file_id).encode("utf-8"), draft)
        if first is not draft:
            draft.note("duplicate-file-id", f"record {first.index + 1} references the same file")
        if draft.sop_instance_value:
            first = instances.setdefault(draft.sop_instance_value, draft)
            if first is not draft:
                draft.note("duplicate-sop-instance", f"record {first.index + 1} references the same SOP Instance")
