"""Say in words what a profile says in rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from mediacreator.rules import uids
from mediacreator.rules.checks import CHECKS
from mediacreator.rules.profile import ApplicationProfile, AttributeRule, Constraint, ObjectRule
from mediacreator.rules.tables import TransferSyntax, sop_classes, transfer_syntaxes

SELECTORS: Mapping[str, str] = {
    "any_media_storage": "any SOP Class of PS3.4 I.4",
    "multi_frame": "any multi-frame SOP Class",
}
"""What a row of objects speaks of that names no SOP Class."""

REQUIREMENTS: Mapping[str, str] = {
    "M": "mandatory",
    "O": "optional",
    "CS": "as its conformance statement says",
    "M*": "mandatory for what its conformance statement claims",
    "X": "not allowed",
}
"""What a role must do with an object."""

_CODECS: Mapping[tuple[str, str], str] = {
    ("jpeg", "none"): "JPEG lossless",
    ("jpeg", "lossy"): "JPEG",
    ("jpeg-ls", "none"): "JPEG-LS",
    ("jpeg-ls", "lossy"): "JPEG-LS",
    ("jpeg-2000", "none"): "JPEG 2000",
    ("jpeg-2000", "either"): "JPEG 2000",
    ("rle", "none"): "RLE",
}
"""Short names of codes, by codec and loss; others go by the name of their Transfer Syntax."""


def constraint_in_words(one: Constraint) -> str:
    """Return what a Constraint asks of an attribute, as ``Rows (0028,0010) is 1 to 512``."""
    if one.check:
        return CHECKS[one.check].words
    name = f"{one.keyword} ({one.tag >> 16:04X},{one.tag & 0xFFFF:04X})"
    if one.number > 1:
        name += f" value {one.number}"
    if one.present:
        return f"{name} is there, empty where it is not known"
    if one.one_of:
        return f"{name} is {' or '.join(one.one_of)}"
    if one.same_as:
        return f"{name} is {one.same_as}{f' {one.offset:+d}' if one.offset else ''}"
    return f"{name} is {one.minimum} to {one.maximum}"


def rule_in_words(rule: AttributeRule) -> str:
    """Return what an attribute rule asks, and of which instances."""
    when = " and ".join(map(constraint_in_words, rule.where))
    who = " (binds who writes)" if rule.create_only else ""
    return f"{constraint_in_words(rule.constraint)}{f', where {when}' if when else ''}{who}"


def object_in_words(rule: ObjectRule) -> str:
    """Return the SOP Classes of a row of objects, and the instances of them that it speaks of."""
    names = [sop_classes()[uid].name if uid in sop_classes() else "Media Storage Directory" for uid in rule.sop_classes]
    when = " and ".join(map(constraint_in_words, rule.where))
    return (SELECTORS.get(rule.selector) or ", ".join(names)) + (f", where {when}" if when else "")


def objects_in_short(profile: ApplicationProfile) -> str:
    """Return what a profile holds in a few words: the names of its rows, each SOP Class once."""
    named: dict[object, str] = {}
    for rule in profile.objects:
        if rule.sop_classes != (uids.MEDIA_STORAGE_DIRECTORY,):
            named.setdefault(rule.selector or (rule.sop_classes, rule.where), SELECTORS.get(rule.selector, rule.name))
    words = list(named.values())
    whole = [word for word in words if word == SELECTORS["any_media_storage"]]
    return ", ".join(dict.fromkeys(whole or _without_repeats(words)))


def _without_repeats(words: Sequence[str]) -> list[str]:
    """Leave out names that only add to one that stands before: XA JPEG Baseline after XA."""
    return [word for i, word in enumerate(words) if not any(word.startswith(f"{other} ") for other in words[:i])]


def codes_in_short(profile: ApplicationProfile) -> str:
    """Return the Transfer Syntaxes of the instances of a profile in a few words."""
    rows = [row for row in profile.objects if row.sop_classes != (uids.MEDIA_STORAGE_DIRECTORY,)]
    if any(row.declared for row in rows):
        return "any Transfer Syntax that is declared"
    table = transfer_syntaxes()
    return ", ".join(dict.fromkeys(_code(table[uid]) for row in rows for uid in row.transfer_syntaxes))


def _code(syntax: TransferSyntax) -> str:
    if syntax.codec == "native" and syntax.uid == uids.EXPLICIT_VR_LITTLE_ENDIAN:
        return "uncompressed"
    return _CODECS.get((syntax.codec, syntax.loss), syntax.name)


def medium_in_short(key: str) -> str:
    """Return the key of a medium as a word: CD-R."""
    return key.upper().replace("_", "-")


def title_of_several(titles: Iterable[str]) -> str:
    """Return what titles of profiles that differ in medium have in common.

    Args:
        titles: As ``CT and MR on CD-R`` and ``CT and MR on DVD``.
    """
    words = [title.replace(",", " ,").split() for title in dict.fromkeys(titles)]
    if len(words) == 1:
        return " ".join(words[0]).replace(" ,", ",")
    begin = _common(words)
    end = _common([title[len(begin) :][::-1] for title in words])[::-1]
    while begin and begin[-1] in ("on", ",", "with"):
        begin = begin[:-1]
    return " ".join((*begin, *end)).replace(" ,", ",")


def _common(lists: Sequence[list[str]]) -> list[str]:
    """Return what all lists begin with."""
    alike = takewhile(lambda members: len(set(members)) == 1, zip(*lists, strict=False))  # the shortest one ends it
    return [members[0] for members in alike]
